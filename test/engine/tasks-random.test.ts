// Random families of processes: they store, fork, wait, sleep, exit and kill each other, on one CPU and on several. Every law holds between any two
// steps, every byte is its owner's, and in the end nothing is left of anybody (KERNEL.md 24, F-11, MM-20, IV-17).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Body, TestTask } from './tasks.ts';
import { SIGKILL, SIGTERM } from '../../engine/include/signal.ts';
import { virt } from '../../engine/include/types.ts';
import { proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { sys_exit, wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { charge, cond_resched, schedule_timeout, sys_sched_yield } from '../../engine/kernel/sched.ts';
import { signal_pending, sys_kill } from '../../engine/kernel/signal.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { machineWith } from './tasks.ts';

const MS = 1_000_000;
/** The pages that they all use: the upper half of the stack. */
const BASE = 0xbfff6000;
const PAGES = 10;

/** Numbers below n, one after the other from a seed (a linear congruence). */
function randomFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Runs a family from a seed: what everybody's stack should hold is kept beside the machine. */
function family(seed: number, cpus: number): { k: Kernel; steps: string[] } {
  const random = randomFrom(seed);
  const steps: string[] = [];
  const bytes = new Map<number, number[]>();

  function* storeOne(k: Kernel, task: task_struct): Generator<0 | 1, void, void> {
    const [page, byte] = [random(PAGES), random(256)];
    const error = yield* store_user(k, virt(BASE + page * 4096), byte);
    if (error === 0) bytes.get(task.pid)![page] = byte;
  }

  function* loadOne(k: Kernel, task: task_struct): Generator<0 | 1, void, void> {
    const page = random(PAGES);
    const byte = yield* load_user(k, virt(BASE + page * 4096));
    if (byte >= 0) assert.equal(byte, bytes.get(task.pid)![page], `page ${page} of ${task.name}`);
  }

  function* forkOne(k: Kernel, task: task_struct): Generator<0 | 1, void, void> {
    if (k.tasks.length > 60) return;
    const before = [...bytes.get(task.pid)!];
    const pid = yield* do_fork(k, { name: `kid${random(3)}`, comm: 'kid', program: 'live' });
    if (pid > 0) bytes.set(pid, before);
  }

  const acts: ((k: Kernel, task: task_struct) => Generator<0 | 1, unknown, void>)[] = [
    storeOne, storeOne, storeOne, loadOne, loadOne, forkOne,
    (k) => wait_for_children(k, random(2) === 0 ? null : [`kid${random(3)}`]),
    (k) => schedule_timeout(k, random(3) * MS, 'a nap'),
    (k) => sys_sched_yield(k),
    function* (k) { sys_kill(k, random(k.tasks.length), random(2) === 0 ? SIGTERM : SIGKILL); yield* cond_resched(k); },
  ];

  const live: Body = function* (k, task) {
    if (!bytes.has(task.pid)) bytes.set(task.pid, Array<number>(PAGES).fill(0));
    for (let i = 0; i < 25 && !signal_pending(task); i++) {
      const act = random(acts.length);
      steps.push(`${Math.floor(k.now)} ${task.pid} ${act}`);
      charge(k, MS / 10);
      yield* acts[act]!(k, task);
      yield* cond_resched(k);
    }
    if (random(2) === 0) sys_exit(k, 1);
  };

  const tasks = Array.from({ length: 4 }, (_, i): TestTask => ({ name: `t${i}`, kind: 'user', uid: 1000, at: i * MS, run: live }));
  const machine = machineWith(tasks, { cpus, memory: 16 << 20 }, { live });
  let boundaries = 0;
  machine.hooks = {
    boundary: ({ k }) => {
      if (boundaries++ % 25 !== 0) return;
      assert.deepEqual(check_machine(k), []);
      for (const task of k.tasks) proc_smaps(k, task);
    },
  };
  const end = run_machine(machine);
  assert.ok(end.reason === 'ended' || end.reason === 'deadlock', end.reason);
  assert.deepEqual(end.waiting, []);
  return { k: machine.k, steps };
}

describe('random families of processes', () => {
  for (const cpus of [1, 2, 3]) {
    it(`keep every law on ${cpus} CPUs, and leave nothing`, () => {
      for (let seed = 1; seed <= 4; seed++) {
        const { k, steps } = family(seed, cpus);
        assert.ok(k.tasks.length > 8 && steps.length > 100, `seed ${seed}: ${k.tasks.length} tasks, ${steps.length} steps`);
        const left = [k.mm_structs, k.vmas, k.anon_vmas].map((records) => records.filter((record) => record !== null).length);
        assert.deepEqual([left, vm_committed_exactly(k), check_machine(k)], [[0, 0, 0], 0, []]);
      }
    }).timeout(60_000);
  }

  it('IV-17: live the same life twice', () => {
    const [one, other] = [family(11, 2), family(11, 2)];
    assert.deepEqual(one.steps, other.steps);
    assert.deepEqual(one.k, other.k);
  });
});
