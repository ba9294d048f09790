// The end of a task, what it leaves, and who waits for it (KERNEL.md MM-20; LANGUAGE.md, processes and `wait`).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Body, Forks, TestTask } from './tasks.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED, NR_FILE_PAGES, NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { SEGV_MAPERR, SIGSEGV, SIGTERM } from '../../engine/include/signal.ts';
import { virt } from '../../engine/include/types.ts';
import { PROC_PID_FILES, shown_badness } from '../../engine/fs/proc/pid.ts';
import { shown_images, shown_mm } from '../../engine/fs/proc/task_mmu.ts';
import { children_of, sys_exit, wait_for_children, wait_for_tasks } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { charge, cond_resched, current_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { find_task_by_pid, sys_kill } from '../../engine/kernel/signal.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { store_user } from '../../engine/mm/user_memory.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith, runTasks, tasksOf } from './tasks.ts';

const MS = 1_000_000;
const PAGE = 4096;

function user(name: string, run: Body, options: Partial<TestTask> = {}): TestTask {
  return { kind: 'user', uid: 1000, ...options, name, run };
}

/** Works for a number of ms, in pieces of 1 ms. */
const work = (ms: number): Body => function* (k) {
  for (let i = 0; i < ms; i++) {
    charge(k, MS);
    yield* cond_resched(k);
  }
};

const fork = (k: Kernel, name: string, program = name): Generator<0 | 1, number, void> => do_fork(k, { name, comm: name, program });

/** Runs tasks that write into a diary: `TIME NAME: WORD`, ms. */
function diaryOf(tasks: (say: (k: Kernel, word: string) => void) => { tasks: TestTask[]; forks?: Forks }): { k: Kernel; diary: string[] } {
  const diary: string[] = [];
  const made = tasks((k, word) => { diary.push(`${Math.floor(k.now / MS)} ${current_task(k).name}: ${word}`); });
  const { k } = runTasks(made.tasks, {}, made.forks);
  assert.deepEqual(check_machine(k), []);
  return { k, diary };
}

describe('exit', () => {
  it('MM-20: all memory of a task comes back: pages, tables, promises', () => {
    const { k, end } = runTasks([user('hog', function* (kernel) {
      for (const flags of [MAP_PRIVATE, MAP_SHARED]) {
        const heap = yield* sys_mmap2(kernel, 0, 64 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, 0);
        for (let i = 0; i < 64; i += 2) yield* store_user(kernel, virt(heap + i * PAGE), i);
      }
      yield* store_user(kernel, virt(0xbfffff00), 1);
      assert.deepEqual([NR_ANON_PAGES, NR_FILE_MAPPED, NR_FILE_PAGES, NR_PAGETABLE].map((item) => global_page_state(kernel, item)), [33, 32, 32, 2]);
      assert.equal(kernel.vm_committed_space, 150);
      assert.deepEqual(check_machine(kernel), []);
    })]);
    assert.equal(end.reason, 'ended');
    assert.deepEqual([NR_ANON_PAGES, NR_FILE_MAPPED, NR_FILE_PAGES, NR_PAGETABLE].map((item) => global_page_state(k, item)), [0, 0, 0, 0]);
    assert.equal(k.vm_committed_space, 0);
    assert.deepEqual([k.mm_structs.filter((mm) => mm !== null), k.vmas.filter((vma) => vma !== null)], [[], []]);
    assert.deepEqual(check_machine(k), []);
  });

  it('an ended task reads as it was just before it gave up its memory, a live one as it is', () => {
    const read = (k: Kernel, task: task_struct): string[] => Object.entries(PROC_PID_FILES).map(([name, file]) => `${name}\n${file(k, task)}`);
    let seen: string[] = [];
    const { k } = runTasks([user('a', function* (kernel, task) {
      for (let page = 0; page < 4; page++) yield* store_user(kernel, virt(0xbffff000 - page * PAGE), page);
      seen = read(kernel, task);
    })], { cpus: 2 });
    const task = k.tasks[1]!;
    assert.equal(task.mm, 0);
    assert.deepEqual(read(k, task).map((text) => text.replace('Z (zombie)', 'R (running)')), seen);
    assert.deepEqual([shown_mm(k, task)!.anon_rss, shown_badness(k, task), shown_images(k, task).at(-1)!.smaps.private_dirty], [4, 26, 4]);
    assert.deepEqual(structuredClone(k), k);
  });

  it('the code that `exit` gives, or the signal, is what it ended with; an event says so', () => {
    const machine = machineWith([
      user('a', function* (k) { sys_exit(k, 3); yield* cond_resched(k); }),
      user('b', function* (k) { yield* store_user(k, virt(0x1234), 1); }),
      user('c', function* (k) { yield* cond_resched(k); }),
    ]);
    set_tracing(machine.k, 1);
    run_machine(machine);
    const ends = trace_records(machine.k).filter(({ id }) => id === TP.sched_process_exit).map(({ args }) => `${args['pid']} ${args['code']}`);
    assert.deepEqual(ends, ['1 3', '2 11', '3 0']);
    assert.deepEqual(tasksOf(machine.k).slice(1).map(({ exit_code, signal, si_code, si_addr }) => [exit_code, signal, si_code, si_addr]),
      [[3, 0, 0, 0], [11, SIGSEGV, SEGV_MAPERR, 0x1234], [0, 0, 0, 0]]);
  });

  it('a child is a zombie until its parent has waited or is gone; one of init never is', () => {
    const { diary, k } = diaryOf((say) => {
      const isZombie = (task: task_struct): boolean => task.kind === 'user' && task.memory.task_struct !== 0 && task.mm === 0;
      const zombies = (kernel: Kernel): string => kernel.tasks.filter(isZombie).map(({ name }) => name).join(' ');
      return {
        tasks: [user('a', function* (kernel) {
          for (const name of ['one', 'two', 'three']) yield* fork(kernel, name, 'quick');
          yield* schedule_timeout(kernel, 5 * MS, 'a nap');
          say(kernel, zombies(kernel));
          assert.equal(find_task_by_pid(kernel, tasksOf(kernel)[4]!.pid)!.name, 'two');
          yield* wait_for_children(kernel, ['two']);
          say(kernel, zombies(kernel));
          assert.equal(find_task_by_pid(kernel, tasksOf(kernel)[4]!.pid), null);
        }), user('b', function* (kernel) { yield* schedule_timeout(kernel, 10 * MS, 'a nap'); say(kernel, zombies(kernel)); })],
        forks: { quick: work(1) },
      };
    });
    assert.deepEqual(diary, ['5 a: one two three', '5 a: one three', '10 b: ']);
    assert.deepEqual(tasksOf(k).map(({ parent, children }) => [parent, ...children]), [[0], [0], [0], [0], [1], [0]]);
  });

  it('children of a task that ends go on as init\'s', () => {
    const { diary } = diaryOf((say) => ({
      tasks: [user('a', function* (k) { yield* fork(k, 'c'); say(k, `has ${children_of(k, current_task(k)).length}`); })],
      forks: { *c(k, task) {
        yield* schedule_timeout(k, 5 * MS, 'a nap');
        say(k, `of ${task.parent}`);
      } },
    }));
    assert.deepEqual(diary, ['0 a: has 1', '5 c: of 0']);
  });
});

describe('waiting for tasks', () => {
  it('waits for all children of a name, for those it has itself, for every child', () => {
    const { diary } = diaryOf((say) => {
      const parent = (first: number): Body => function* (k) {
        yield* fork(k, 'kid', `sleep${first}`);
        yield* fork(k, 'kid', 'sleep20');
        yield* fork(k, 'other', 'sleep30');
        yield* wait_for_children(k, ['kid', 'stranger']);
        say(k, 'kids are gone');
        yield* wait_for_children(k, null);
        say(k, 'all are gone');
        yield* wait_for_children(k, null);
        yield* wait_for_tasks(k, ['never-forked']);
        say(k, 'none to wait for');
      };
      const sleep = (ms: number): Body => function* (k) { yield* schedule_timeout(k, ms * MS, 'a nap'); };
      return { tasks: [user('a', parent(10)), user('b', parent(40))], forks: { sleep10: sleep(10), sleep20: sleep(20), sleep30: sleep(30), sleep40: sleep(40) } };
    });
    assert.deepEqual(diary, [
      '20 a: kids are gone', '30 a: all are gone', '30 a: none to wait for', '40 b: kids are gone', '40 b: all are gone', '40 b: none to wait for',
    ]);
  });

  it('a task that starts after forks of a name starts when those there are have ended', () => {
    const { diary } = diaryOf((say) => ({
      tasks: [
        user('a', function* (k) { yield* schedule_timeout(k, 5 * MS, 'a nap'); yield* fork(k, 'c'); yield* fork(k, 'c', 'longer'); }),
        user('after', function* (k) { say(k, 'begins'); yield* cond_resched(k); }, { after: ['a', 'c'] }),
      ],
      forks: { c: work(1), *longer(k) { yield* schedule_timeout(k, 20 * MS, 'a nap'); } },
    }));
    assert.deepEqual(diary, ['26 after: begins']);
  });

  it('a deadlock names processes as it names kernel threads', () => {
    const { end } = runTasks([
      user('a', function* (k) { yield* wait_for_tasks(k, ['b']); }),
      user('b', function* (k) { yield* fork(k, 'c'); yield* wait_for_children(k, null); }),
    ], {}, { *c(k) { yield* wait_for_tasks(k, ['a']); } });
    assert.deepEqual(end, { reason: 'deadlock', message: '', waiting: [
      { name: 'a', waits_for: 'the end of b' }, { name: 'b', waits_for: 'the end of c' }, { name: 'c', waits_for: 'the end of a' },
    ] });
  });

  it('a signal ends the wait, and what it waited for goes on', () => {
    const { diary, k } = diaryOf((say) => ({
      tasks: [
        user('a', function* (kernel) { yield* fork(kernel, 'c'); yield* wait_for_children(kernel, null); say(kernel, 'woken'); }),
        user('b', function* (kernel) { yield* schedule_timeout(kernel, 5 * MS, 'a nap'); sys_kill(kernel, 1, SIGTERM); }),
      ],
      forks: { *c(kernel) { yield* schedule_timeout(kernel, 10 * MS, 'a nap'); say(kernel, 'ends'); } },
    }));
    assert.deepEqual(diary, ['5 a: woken', '10 c: ends']);
    assert.deepEqual(tasksOf(k).map(({ signal }) => signal), [0, SIGTERM, 0, 0]);
  });
});
