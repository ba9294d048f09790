// The deterministic scheduler: two CPUs, sleeps, quanta, waiting for one another, deadlocks by name (LANGUAGE.md, Virtual time; KERNEL.md DT-1).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Body, TestTask } from './tasks.ts';
import { BUG, KernelBug } from '../../engine/kernel/panic.ts';
import { sys_exit, wait_for_tasks } from '../../engine/kernel/exit.ts';
import { charge, cond_resched, current_task, jiffies, schedule_timeout } from '../../engine/kernel/sched.ts';
import { make_machine, MachineConfigError, run_machine } from '../../engine/machine.ts';
import { default_config } from '../../engine/config.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith, runTasks } from './tasks.ts';

const MS = 1_000_000;

/** Runs tasks that write into a diary; `at TIME cpuN NAME: WORD` without the time of context switches. */
function diaryOf(tasks: (say: (k: Kernel, word: string) => void) => TestTask[], config: Parameters<typeof runTasks>[1] = {}): { diary: string[]; end: ReturnType<typeof runTasks>['end'] } {
  const diary: string[] = [];
  const say = (k: Kernel, word: string): void => {
    diary.push(`${Math.floor(k.now / MS)} cpu${k.cpu} ${current_task(k).name}: ${word}`);
  };
  const { end } = runTasks(tasks(say), config);
  return { diary, end };
}

/** Works for a number of ms, in pieces of 1 ms. */
const work = (ms: number): Body => function* (k) {
  for (let i = 0; i < ms; i++) {
    charge(k, MS);
    yield* cond_resched(k);
  }
};

describe('the scheduler', () => {
  it('runs one task after the other on one CPU', () => {
    const { diary, end } = diaryOf((say) => [
      { name: 'a', *run(k) { say(k, 'begins'); yield* work(5)(k, current_task(k)); say(k, 'ends'); } },
      { name: 'b', *run(k) { say(k, 'begins'); yield* work(5)(k, current_task(k)); say(k, 'ends'); } },
    ]);
    assert.deepEqual(diary, ['0 cpu0 a: begins', '5 cpu0 a: ends', '5 cpu0 b: begins', '10 cpu0 b: ends']);
    assert.deepEqual(end, { reason: 'ended', message: '', waiting: [] });
  });

  it('takes the CPU when a quantum is over, longer for a nicer task to others', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { yield* work(150)(k, current_task(k)); say(k, 'ends'); } },
      { name: 'b', nice: 19, *run(k) { say(k, 'begins'); yield* work(12)(k, current_task(k)); say(k, 'ends'); } },
    ]);
    assert.deepEqual(diary, ['100 cpu0 b: begins', '155 cpu0 a: ends', '162 cpu0 b: ends']);
  });

  it('two CPUs run side by side, the one behind first', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { for (const ms of [3, 3, 3]) { charge(k, ms * MS); say(k, 'step'); yield* cond_resched(k); } } },
      { name: 'b', *run(k) { for (const ms of [2, 2, 2]) { charge(k, ms * MS); say(k, 'step'); yield* cond_resched(k); } } },
    ], { cpus: 2 });
    assert.deepEqual(diary, ['3 cpu0 a: step', '2 cpu1 b: step', '4 cpu1 b: step', '6 cpu0 a: step', '6 cpu1 b: step', '9 cpu0 a: step']);
  });

  it('an idle CPU takes a task that waits behind another, unless it is pinned', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { yield* work(30)(k, current_task(k)); say(k, 'ends'); } },
      { name: 'b', *run(k) { say(k, 'ends'); } },
      { name: 'c', *run(k) { yield* work(10)(k, current_task(k)); say(k, 'ends'); } },
      { name: 'd', cpu: 0, *run(k) { yield* work(1)(k, current_task(k)); say(k, 'ends'); } },
    ], { cpus: 2 });
    assert.deepEqual(diary, ['0 cpu1 b: ends', '10 cpu1 c: ends', '30 cpu0 a: ends', '31 cpu0 d: ends']);
  });

  it('a task that follows another begins at the later of both times', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { yield* work(2)(k, current_task(k)); } },
      { name: 'b', after: ['a'], at: 5 * MS, *run(k) { say(k, 'begins'); } },
      { name: 'c', after: ['a'], at: MS, *run(k) { say(k, 'begins'); } },
    ]);
    assert.deepEqual(diary, ['2 cpu0 c: begins', '5 cpu0 b: begins']);
  });

  it('a pinned task stays where it is', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', cpu: 1, *run(k) { charge(k, MS); say(k, 'first'); yield* schedule_timeout(k, 5 * MS, 'a nap'); say(k, 'second'); } },
      { name: 'b', cpu: 1, *run(k) { charge(k, 3 * MS); yield* cond_resched(k); say(k, 'done'); } },
    ], { cpus: 2 });
    assert.deepEqual(diary, ['1 cpu1 a: first', '4 cpu1 b: done', '6 cpu1 a: second']);
  });

  it('a sleep ends at its time, and time jumps over it', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { yield* schedule_timeout(k, 250 * MS, 'a nap'); say(k, `jiffies ${jiffies(k)}`); } },
      { name: 'b', at: 100 * MS, *run(k) { say(k, 'begins'); yield* schedule_timeout(k, MS, 'a nap'); say(k, 'ends'); } },
    ]);
    assert.deepEqual(diary, ['100 cpu0 b: begins', '101 cpu0 b: ends', '250 cpu0 a: jiffies 62']);
  });

  it('sleeps that end together end in the order they began', () => {
    const nap = (say: (k: Kernel, word: string) => void): Body => function* (k) { yield* schedule_timeout(k, MS - (k.now % MS), 'a nap'); say(k, 'up'); };
    const { diary } = diaryOf((say) => ['a', 'b', 'c'].map((name) => ({ name, run: nap(say) })));
    assert.deepEqual(diary, ['1 cpu0 a: up', '1 cpu0 b: up', '1 cpu0 c: up']);
  });

  it('waits for tasks to end; `after` starts when all have', () => {
    const { diary } = diaryOf((say) => [
      { name: 'a', *run(k) { yield* wait_for_tasks(k, ['b', 'c']); say(k, 'both have ended'); yield* wait_for_tasks(k, ['b']); say(k, 'still'); } },
      { name: 'b', *run(k) { yield* work(2)(k, current_task(k)); } },
      { name: 'c', *run(k) { yield* work(3)(k, current_task(k)); } },
      { name: 'd', after: ['b', 'a'], *run(k) { say(k, 'begins'); yield* cond_resched(k); } },
    ]);
    assert.deepEqual(diary, ['5 cpu0 a: both have ended', '5 cpu0 a: still', '5 cpu0 d: begins']);
  });

  it('names every task of a deadlock and what it waits for', () => {
    const { end } = runTasks([
      { name: 'a', *run(k) { yield* wait_for_tasks(k, ['b']); } },
      { name: 'b', *run(k) { yield* wait_for_tasks(k, ['a']); } },
      { name: 'c', *run(k) { yield* cond_resched(k); } },
      { name: 'd', after: ['a', 'c'], *run(k) { yield* cond_resched(k); } },
    ]);
    assert.deepEqual(end, { reason: 'deadlock', message: '', waiting: [
      { name: 'a', waits_for: 'the end of b' }, { name: 'b', waits_for: 'the end of a' }, { name: 'd', waits_for: 'the end of a' },
    ] });
  });

  it('a BUG ends the run and is told; an error of our own is thrown', () => {
    const { k, end } = runTasks([{ name: 'a', *run(kernel) { yield* cond_resched(kernel); BUG(kernel, 'test.c:1'); } }]);
    assert.deepEqual(end, { reason: 'bug', message: 'kernel BUG at test.c:1', waiting: [] });
    assert.equal(k.log.lines.at(-1)!.text, 'kernel BUG at test.c:1!');
    assert.throws(() => runTasks([{ name: 'a', *run(kernel) { yield* cond_resched(kernel); throw new TypeError('ours'); } }]), TypeError);
    assert.ok(new KernelBug('x') instanceof Error);
  });

  it('halts between two tasks when the machine is told to', () => {
    const { k, end } = runTasks([
      { name: 'a', *run(kernel) { kernel.halted = 1; yield* cond_resched(kernel); } },
      { name: 'b', *run(kernel) { kernel.tasks[0]!.comm = 'ran'; yield* cond_resched(kernel); } },
    ]);
    assert.equal(end.reason, 'halted');
    assert.equal(k.tasks[0]!.comm, 'swapper');
  });

  it('switches of tasks are events, and cost time', () => {
    const machine = machineWith([{ name: 'a', run: work(2) }, { name: 'b', run: work(2) }]);
    set_tracing(machine.k, 1);
    run_machine(machine);
    const switches = trace_records(machine.k).map(({ name, time, args }) => `${time} ${name} ${args['prev_pid']} ${args['next_pid']}`);
    const { context_switch } = machine.k.cost;
    assert.deepEqual(switches, [`${context_switch} sched_switch 0 1`, `${2 * MS + 2 * context_switch} sched_switch 1 2`]);
  });

  it('records how a task ended', () => {
    const { k } = runTasks([{ name: 'a', at: MS, *run(kernel) { charge(kernel, 7); sys_exit(kernel, 3); yield* cond_resched(kernel); } }]);
    const { start_time, exit_code, state } = k.tasks[1]!;
    assert.deepEqual([start_time, exit_code, state], [MS, 3, 16]);
  });

  it('a machine that cannot be is refused, with every reason', () => {
    const config = { ...default_config(), cpus: 0, memory: 5000 };
    assert.throws(() => make_machine(config, { start: () => null, *run() { /* nothing */ }, boot() { /* nothing */ } }), (error) => {
      assert.ok(error instanceof MachineConfigError);
      assert.equal(error.message, 'cpus takes a number from 1 to 64.\nmemory takes whole pages of 4 KiB.');
      return true;
    });
  });
});
