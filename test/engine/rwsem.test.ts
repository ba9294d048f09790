// Semaphores of readers and writers (lib/rwsem.c): many readers or one writer, and everybody comes to have it.

import assert from 'node:assert/strict';
import type { TestTask } from './tasks.ts';
import type { rw_semaphore } from '../../engine/include/mm_types.ts';
import { down_read, down_read_trylock, down_write, down_write_trylock, downgrade_write, up_read, up_write } from '../../engine/kernel/rwsem.ts';
import { charge, schedule_timeout } from '../../engine/kernel/sched.ts';
import { make_wait_queue } from '../../engine/kernel/wait.ts';
import { runTasks } from './tasks.ts';

const MS = 1_000_000;

/** Runs tasks that hold a semaphore for some ms each, as `READ 5` or `WRITE 5`, begun 1 ms apart; when each had it, in ms. */
function holding(words: readonly string[]): string[] {
  const sem: rw_semaphore = { activity: 0, wait: make_wait_queue() };
  const diary: string[] = [];
  const tasks = words.map((word, i): TestTask => {
    const [kind, ms] = word.split(' ');
    const [down, up] = kind === 'READ' ? [down_read, up_read] : [down_write, up_write];
    return {
      name: `${i}`, at: i * MS,
      *run(k) {
        yield* down(k, sem);
        const from = Math.floor(k.now / MS);
        yield* schedule_timeout(k, Number(ms) * MS, 'a nap');
        diary.push(`${i} ${from}-${Math.floor(k.now / MS)}`);
        up(k, sem);
      },
    };
  });
  const { end } = runTasks(tasks);
  assert.deepEqual([end.reason, sem], ['ended', { activity: 0, wait: { task_list: [] } }]);
  return diary;
}

describe('mmap_sem', () => {
  it('readers share it', () => {
    assert.deepEqual(holding(['READ 10', 'READ 5']), ['1 1-6', '0 0-10']);
  });

  it('a writer waits for all readers, and has it alone', () => {
    assert.deepEqual(holding(['READ 10', 'READ 15', 'WRITE 5']), ['0 0-10', '1 1-16', '2 16-21']);
    assert.deepEqual(holding(['WRITE 10', 'READ 5', 'READ 4', 'WRITE 3']).slice(0, 1), ['0 0-10']);
  });

  it('a writer that becomes a reader lets others read', () => {
    const sem: rw_semaphore = { activity: 0, wait: make_wait_queue() };
    const { k } = runTasks([]);
    assert.deepEqual([down_write_trylock(k, sem), down_read_trylock(k, sem), down_write_trylock(k, sem)], [true, false, false]);
    downgrade_write(k, sem);
    assert.deepEqual([down_read_trylock(k, sem), down_write_trylock(k, sem), sem.activity], [true, false, 2]);
    charge(k, 1);
    up_read(k, sem);
    up_read(k, sem);
    assert.equal(sem.activity, 0);
  });
});
