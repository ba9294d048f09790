// The pool of threads that write dirty pages (KERNEL.md WB-8, WB-10), how they come by the CPU, and that they keep no run alive.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { TestTask } from './tasks.ts';
import { PF_FLUSHER, PF_SWAPWRITE, task_state_letter } from '../../engine/include/sched.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { charge, cond_resched, schedule_timeout, wake_up_process } from '../../engine/kernel/sched.ts';
import { wait_for_tasks } from '../../engine/kernel/exit.ts';
import { run_machine } from '../../engine/machine.ts';
import { wakeup_pdflush } from '../../engine/mm/page-writeback.ts';
import { pdflush_operation } from '../../engine/mm/pdflush.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { runTasks } from './tasks.ts';
import { MS, SEC, diary, dirtyOf, dirtyPages, disk, runWriters, upTo, writer, writersMachine } from './writers.ts';

const napper = (name: string, ns: number): TestTask => ({ name, *run(k) { yield* schedule_timeout(k, ns, 'a nap'); } });

/** Pages no two of which are neighbours: as many requests. */
const everyOther = (pages: number): number[] => upTo(pages).map((i) => 2 * i);

const pool = (k: Kernel): string => `${k.writeback.pdflush.threads.map(({ pid, fn }) => `${pid}${fn === '' ? '' : `:${fn}`}`).join(' ')} idle ${k.writeback.pdflush.pdflush_list.join(' ')}`;

describe('a machine without disks', () => {
  it('WB-10: has two threads, asleep; they are no tasks that a run waits for', () => {
    const { k, end } = runTasks([{ name: 'a', *run(k) { charge(k, MS); yield* cond_resched(k); } }]);
    assert.deepEqual([end.reason, k.now, pool(k)], ['ended', MS + k.cost.context_switch, '2 3 idle 3 2']);
    const threads = k.tasks.slice(2);
    assert.deepEqual(threads.map(({ comm, daemon, state }) => `${comm} ${daemon} ${task_state_letter(state)}`), ['pdflush 1 S', 'pdflush 1 S']);
    assert.ok(threads.every(({ flags }) => (flags & (PF_FLUSHER | PF_SWAPWRITE)) === (PF_FLUSHER | PF_SWAPWRITE)));
  });

  it('WB-8: every 5 s one looks, and finds nothing', () => {
    const k = runWriters([napper('nap', 12 * SEC)], { disks: [] });
    assert.deepEqual(diary(k), ['5000 pdflush 3 wb_kupdate', '10000 pdflush 3 wb_kupdate']);
    assert.equal(k.trace.counts[TP.writeback_single_inode], 0);
  });

  it('a task that works keeps its time, but for the switches', () => {
    const { k } = runTasks([{ name: 'a', *run(k) { for (let i = 0; i < 12_000; i++) { charge(k, MS); yield* cond_resched(k); } } }]);
    const work = (name: string): number => k.tasks.find((task) => task.name === name)!.utime;
    assert.deepEqual([work('a') - 12 * SEC, k.now - 12 * SEC], [3 * k.cost.context_switch, 5 * k.cost.context_switch]);
  });
});

describe('a run that cannot go on', () => {
  const waits = (name: string, other: string): TestTask => ({ name, *run(k) { yield* wait_for_tasks(k, [other]); } });

  it('is a deadlock at once, whatever is dirty and whenever pdflush would look again', () => {
    const machine = writersMachine([writer('w', '/data/a', 100), waits('a', 'b'), waits('b', 'a')]);
    assert.deepEqual(run_machine(machine), { reason: 'deadlock', message: '', waiting: [
      { name: 'a', waits_for: 'the end of b' }, { name: 'b', waits_for: 'the end of a' },
    ] });
    assert.deepEqual([Math.floor(machine.k.now / MS), dirtyOf(machine.k)], [0, [100, 0]]);
  });

  it('also where pdflush has work: it is done first', () => {
    const asker: TestTask = { name: 'asker', *run(k) {
      yield* dirtyPages(k, '/a', everyOther(200));
      assert.equal(wakeup_pdflush(k, 0), 0);
      yield* wait_for_tasks(k, ['b']);
    } };
    const machine = writersMachine([asker, waits('b', 'asker')], { files: [{ path: '/a', size: 400 * PAGE_SIZE, disk: 'sda' }] });
    assert.equal(run_machine(machine).reason, 'deadlock');
    assert.deepEqual([dirtyOf(machine.k), pool(machine.k)], [[0, 0], '3 4 idle 4 3']);
    assert.ok(machine.k.now > 1.6 * SEC && machine.k.now < 2 * SEC, `${machine.k.now}`);
  });
});

describe('the pool', () => {
  /** Asks for a walk over nothing; the lines that the task says. */
  function asked(then: (k: Kernel, ask: () => number) => Generator<0 | 1, void, void>): Kernel {
    return runWriters([{ name: 'a', *run(k) { yield* then(k, () => pdflush_operation(k, 'background_writeout', 0)); } }]);
  }

  it('WB-10: the thread that has become idle last is asked first; with none idle -1', () => {
    const got: unknown[] = [];
    asked(function* (k, ask) {
      got.push(pool(k), ask(), pool(k), ask(), pool(k), ask());
      yield* schedule_timeout(k, SEC, 'a nap');
      got.push(pool(k));
    });
    assert.deepEqual(got, [
      '2 3 idle 3 2', 0, '2 3:background_writeout idle 2', 0, '2:background_writeout 3:background_writeout idle ', -1, '2 3 idle 2 3',
    ]);
  });

  it('a thread that is woken without work says so, and sleeps on', () => {
    const k = asked(function* (k) {
      wake_up_process(k, k.tasks[3]!);
      yield* schedule_timeout(k, SEC, 'a nap');
      k.writeback.pdflush.pdflush_list = [3];
      wake_up_process(k, k.tasks[2]!);
      yield* schedule_timeout(k, SEC, 'a nap');
    });
    assert.deepEqual([k.log.lines.filter(({ text }) => text.includes('bogus')).length, pool(k)], [1, '2 3 idle 2 3']);
  });

  /** A disk that is busy with 10 pages a second, and one who asks for a walk at each of some times, ms. The pool counts `others` more threads. */
  function busy(times: readonly number[], until: number, others = 0): string[] {
    const asker: TestTask = { name: 'asker', *run(k) {
      k.writeback.pdflush.nr_pdflush_threads += others;
      yield* dirtyPages(k, '/a', everyOther(150));
      for (const time of times) {
        yield* schedule_timeout(k, time * MS - k.now, 'a nap');
        pdflush_operation(k, 'background_writeout', 1000);
      }
      yield* schedule_timeout(k, until * MS - k.now, 'a nap');
    } };
    return diary(runWriters([asker], { disks: [disk({ seek: 100 * MS })], files: [{ path: '/a', size: 300 * PAGE_SIZE, disk: 'sda' }] }), /pdflush|background:/);
  }

  it('WB-10: one more where nobody has been idle for more than a second; one less where somebody has been', () => {
    assert.deepEqual(busy([100, 200], 20_000), [
      '100 pdflush 3 background_writeout', '100 background: 126', '200 pdflush 2 background_writeout', '2501.6 background: 14',
      '3902.5 background: 10', '4002.5 pdflush 4 begins', '5000 pdflush 3 wb_kupdate',
      '10000 pdflush 3 wb_kupdate', '10000 pdflush 3 ends', '15000 pdflush 4 wb_kupdate', '20000 pdflush 4 wb_kupdate',
    ]);
  });

  it('WB-10: none more while one is idle, or where there are eight', () => {
    assert.deepEqual(busy([100], 6000), [
      '100 pdflush 3 background_writeout', '100 background: 126', '2501.6 background: 14', '3902.5 background: 10', '5000 pdflush 3 wb_kupdate',
    ]);
    assert.deepEqual([5, 6].map((others) => busy([100, 200], 4900, others).at(-1)), ['4002.5 pdflush 4 begins', '3902.5 background: 10']);
  });

  it('WB-8, WB-10: with all of them busy the periodic walk is tried again every second', () => {
    const k = runWriters([{ name: 'a', *run(kernel) {
      yield* schedule_timeout(kernel, 4900 * MS, 'a nap');
      kernel.writeback.pdflush.pdflush_list = [];
      yield* schedule_timeout(kernel, 1900 * MS, 'a nap');
      kernel.writeback.pdflush.pdflush_list = [3, 2];
      yield* schedule_timeout(kernel, 6000 * MS, 'a nap');
    } }]);
    assert.deepEqual(diary(k), ['7000 pdflush 3 wb_kupdate', '12000 pdflush 3 wb_kupdate']);
  });
});

describe('a thread of the kernel that is woken', () => {
  it('has the CPU as soon as the task gives way; the task goes on before the others, with the rest of its quantum', () => {
    const switches: string[] = [];
    const work = (name: string): TestTask => ({ name, *run(k) {
      for (let i = 0; i < 90; i++) {
        if (i === 40 && name === 'a') pdflush_operation(k, 'background_writeout', 0);
        charge(k, MS);
        yield* cond_resched(k);
      }
    } });
    const machine = writersMachine([work('a'), work('b')]);
    machine.hooks = { switch_to: (k, pid) => void (switches.at(-1)?.endsWith(` ${k.tasks[pid]!.name}`) === true || switches.push(`${Math.floor(k.now / MS)} ${k.tasks[pid]!.name}`)) };
    assert.equal(run_machine(machine).reason, 'ended');
    assert.deepEqual(switches, ['0 a', '41 pdflush', '41 a', '90 b']);
  });

  it('does not take it from another thread of the kernel', () => {
    const k = runWriters([{ name: 'a', *run(k) {
      pdflush_operation(k, 'background_writeout', 0);
      pdflush_operation(k, 'wb_kupdate', 0);
      yield* schedule_timeout(k, MS, 'a nap');
    } }]);
    assert.deepEqual(diary(k), ['0 pdflush 3 background_writeout', '0 pdflush 2 wb_kupdate']);
  });

  it('runs on another CPU where that one is idle', () => {
    const k = runWriters([{ name: 'a', *run(k) {
      pdflush_operation(k, 'background_writeout', 0);
      for (let i = 0; i < 10; i++) { charge(k, MS); yield* cond_resched(k); }
    } }], { cpus: 2 });
    assert.deepEqual([diary(k), k.tasks[3]!.cpu], [['0 pdflush 3 background_writeout'], 1]);
  });
});
