// Signals: who may send which to whom, what wakes, and what it does (kernel/signal.c; KERNEL.md F-2, OM-4; LANGUAGE.md, kill()).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Body, TestTask } from './tasks.ts';
import { EACCES, EINVAL, ENOENT, ENOSYS, EPERM, ESRCH } from '../../engine/include/errno.ts';
import {
  SEGV_ACCERR, SIGABRT, SIGCHLD, SIGCONT, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM, SIGTSTP, SIGURG, SIGUSR1, SIGWINCH, SI_KERNEL, SI_TKILL, SI_USER,
  signal_name,
} from '../../engine/include/signal.ts';
import { virt } from '../../engine/include/types.ts';
import { sys_exit, wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { cond_resched, schedule, schedule_timeout, schedule_timeout_uninterruptible, sys_sched_yield } from '../../engine/kernel/sched.ts';
import { force_sig, force_sig_info, signal_pending, sys_kill } from '../../engine/kernel/signal.ts';
import { sys_nice, sys_oom_adj, sys_setuid } from '../../engine/kernel/sys.ts';
import { store_user } from '../../engine/mm/user_memory.ts';
import { run_machine } from '../../engine/machine.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { machineWith, runTasks, tasksOf } from './tasks.ts';

const MS = 1_000_000;

function user(name: string, run: Body, options: Partial<TestTask> = {}): TestTask {
  return { kind: 'user', uid: 1000, ...options, name, run };
}

/** Sleeps long; its signal tells what became of it. */
const sleeper = (uid = 1000, name = 'sleeper'): TestTask => user(name, function* (k) { yield* schedule_timeout(k, 1000 * MS, 'a nap'); }, { uid });

/** What a task of a uid gets for some calls, while a sleeper of uid 1000 is pid 2 and one of uid 1001 pid 3. */
function answers(uid: number, calls: (k: Kernel) => number[]): number[] {
  let got: number[] = [];
  runTasks([
    user('caller', function* (k) { yield* schedule_timeout(k, MS, 'the others to begin'); got = calls(k); }, { uid }), sleeper(), sleeper(1001, 'stranger'),
    { name: 'thread', *run(k) { yield* schedule_timeout(k, 10 * MS, 'a nap'); } },
    user('late', function* (k) { yield* cond_resched(k); }, { at: 50 * MS }), user('early', function* (k) { yield* cond_resched(k); }),
  ]);
  return got;
}

describe('kill', () => {
  it('ESRCH for who is not there: never, not yet, no more; ENOSYS for a group: 0, -1, the negative of one', () => {
    assert.deepEqual(answers(0, (k) => [99, 5, 6, 1.5].map((pid) => sys_kill(k, pid, SIGTERM))), Array(4).fill(-ESRCH));
    assert.deepEqual(answers(0, (k) => [0, -1, -2].map((pid) => sys_kill(k, pid, SIGTERM))), Array(3).fill(-ENOSYS));
  });

  it('EINVAL for what is no signal, ENOSYS for one that would stop the task; 0 asks only', () => {
    const got = answers(1000, (k) => [-1, 65, 2.5, 64, 0, SIGSTOP, SIGTSTP].map((sig) => sys_kill(k, 2, sig)));
    assert.deepEqual(got, [-EINVAL, -EINVAL, -EINVAL, 0, 0, -ENOSYS, -ENOSYS]);
  });

  it('EPERM for another user\'s, but for root; kernel threads are root\'s and take nothing', () => {
    assert.deepEqual(answers(1000, (k) => [2, 3, 4].map((pid) => sys_kill(k, pid, SIGTERM))), [0, -EPERM, -EPERM]);
    assert.deepEqual(answers(0, (k) => [2, 3, 4].map((pid) => sys_kill(k, pid, SIGTERM))), [0, 0, 0]);
  });

  it('wakes a sleeper at once, which ends with it; its timer is gone', () => {
    const { k, end } = runTasks([sleeper(), user('b', function* (kernel) { yield* schedule_timeout(kernel, 5 * MS, 'a nap'); sys_kill(kernel, 1, SIGTERM); })]);
    assert.deepEqual(end.reason, 'ended');
    assert.ok(k.now < 6 * MS);
    const { signal, si_code, exit_code, pending } = k.tasks[1]!;
    assert.deepEqual([signal, si_code, exit_code, pending], [SIGTERM, SI_USER, SIGTERM, []]);
  });

  it('does not wake who sleeps uninterruptibly: it takes its time, and then ends', () => {
    const { k } = runTasks([
      user('a', function* (kernel) { yield* schedule_timeout_uninterruptible(kernel, 20 * MS, 'I/O'); }),
      user('b', function* (kernel) { yield* schedule_timeout(kernel, MS, 'a nap'); sys_kill(kernel, 1, SIGKILL); }),
    ]);
    assert.deepEqual([Math.floor(k.now / MS), k.tasks[1]!.signal], [20, SIGKILL]);
  });

  it('does not wake who waits for something that is not a time either', () => {
    const { end } = runTasks([
      user('a', function* (k) { yield* schedule(k, 'what nobody does'); }),
      user('b', function* (k) { yield* schedule_timeout(k, MS, 'a nap'); sys_kill(k, 1, SIGKILL); }),
    ]);
    assert.deepEqual(end, { reason: 'deadlock', message: '', waiting: [{ name: 'a', waits_for: 'what nobody does' }] });
  });

  it('what a task would ignore does nothing, not even wake it', () => {
    const { k } = runTasks([sleeper(), user('b', function* (kernel) {
      yield* schedule_timeout(kernel, MS, 'a nap');
      for (const sig of [SIGCHLD, SIGCONT, SIGURG, SIGWINCH]) assert.equal(sys_kill(kernel, 1, sig), 0);
    })]);
    assert.ok(k.now >= 1000 * MS);
    assert.equal(k.tasks[1]!.signal, 0);
  });

  it('the first of several ends it; each waits once', () => {
    const { k } = runTasks([user('a', function* (kernel, task) {
      for (const sig of [SIGUSR1, SIGKILL, SIGUSR1]) sys_kill(kernel, 1, sig);
      assert.deepEqual(task.pending.map(({ signo }) => signo), [SIGUSR1, SIGKILL]);
      yield* cond_resched(kernel);
    })]);
    assert.equal(k.tasks[1]!.signal, SIGUSR1);
  });

  it('a task that exits is past being killed', () => {
    const { k } = runTasks([user('a', function* (kernel, task) {
      sys_exit(kernel, 5);
      assert.equal(sys_kill(kernel, 1, SIGKILL), 0);
      assert.equal(signal_pending(task), false);
      yield* cond_resched(kernel);
    })]);
    assert.deepEqual([k.tasks[1]!.signal, k.tasks[1]!.exit_code], [0, 5]);
  });

  it('a body does not begin in a task that was killed before its first step', () => {
    const { k } = runTasks([
      { name: 'killer', *run(kernel) { yield* cond_resched(kernel); assert.equal(sys_kill(kernel, 2, SIGTERM), 0); } },
      user('a', function* () { assert.fail('it ran'); }),
    ]);
    assert.equal(k.tasks[2]!.signal, SIGTERM);
  });
});

describe('signals of the kernel', () => {
  it('say where and why', () => {
    const { k } = runTasks([
      user('segv', function* (kernel) { yield* store_user(kernel, virt(0x08048010), 1); }),
      user('abrt', function* (kernel) { force_sig_info(kernel, SIGABRT, SI_TKILL, virt(0)); yield* cond_resched(kernel); }),
      user('oom', function* (kernel, task) { force_sig(kernel, SIGKILL, task); yield* cond_resched(kernel); }),
    ]);
    assert.deepEqual(tasksOf(k).slice(1).map(({ signal, si_code, si_addr }) => [signal, si_code, si_addr]),
      [[SIGSEGV, SEGV_ACCERR, 0x08048010], [SIGABRT, SI_TKILL, 0], [SIGKILL, SI_KERNEL, 0]]);
  });

  it('are events, the end of a child too', () => {
    const machine = machineWith([user('a', function* (k) {
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' });
      yield* wait_for_children(k, null);
    })], {}, { *c(k) { sys_kill(k, 4, SIGTERM); yield* cond_resched(k); } });
    set_tracing(machine.k, 1);
    run_machine(machine);
    const sent = trace_records(machine.k).filter(({ id }) => id === TP.signal_generate || id === TP.sched_process_fork);
    const words = sent.map(({ name, args }) => `${name} ${Object.values(args).join(' ')}`);
    assert.deepEqual(words, ['sched_process_fork 1 4', 'signal_generate 15 0 4', 'signal_generate 17 2 1']);
  });

  it('have names', () => {
    assert.deepEqual([SIGSEGV, SIGKILL, SIGWINCH, 31, 32, 64].map(signal_name), ['SIGSEGV', 'SIGKILL', 'SIGWINCH', 'SIGSYS', 'SIGRTMIN+0', 'SIGRTMIN+32']);
  });
});

describe('who a task is', () => {
  it('setuid: root becomes anybody, for good; others stay who they are', () => {
    assert.deepEqual(answers(0, (k) => [...[-1, 7, 7, 0].map((uid) => sys_setuid(k, uid)), k.tasks[1]!.euid]), [-EINVAL, 0, 0, -EPERM, 7]);
    assert.deepEqual(answers(1000, (k) => [sys_setuid(k, 0), sys_setuid(k, 1000)]), [-EPERM, 0]);
  });

  it('OM-6: oom_adj is root\'s to write, -16 … 15 and -17', () => {
    assert.deepEqual(answers(0, (k) => [-18, -17, -16, 15, 16, 0.5].map((adj) => sys_oom_adj(k, 2, adj))), [-EINVAL, 0, 0, 0, -EINVAL, -EINVAL]);
    assert.deepEqual(answers(1000, (k) => [sys_oom_adj(k, 2, 0), sys_oom_adj(k, 3, 0), sys_oom_adj(k, 99, 0)]), [-EPERM, -EACCES, -ENOENT]);
  });

  it('nice goes up for everybody, down for root, to the ends of its range', () => {
    assert.deepEqual(answers(1000, (k) => [sys_nice(k, 5), sys_nice(k, -1), sys_nice(k, 50), k.tasks[1]!.nice]), [0, -EPERM, 0, 19]);
    assert.deepEqual(answers(0, (k) => [sys_nice(k, -50), k.tasks[1]!.nice]), [0, -20]);
  });

  it('sched_yield lets every ready task of the CPU run first', () => {
    const order: string[] = [];
    const body = (name: string): Body => function* (k) {
      for (let i = 0; i < 2; i++) {
        order.push(`${name}${i}`);
        assert.equal(yield* sys_sched_yield(k), 0);
      }
    };
    runTasks(['a', 'b', 'c'].map((name) => ({ name, run: body(name) })));
    assert.deepEqual(order, ['a0', 'b0', 'c0', 'a1', 'b1', 'c1']);
  });
});
