// The engine's side of a random run: a machine whose processes take steps in the order the run says, each step to its end. The scheduler has no say:
// the run chooses the CPU too, so that a process comes back to what another CPU's TLB remembers of it.

import type { Kernel, Wait, task_struct } from '../../engine/index.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { FMODE_READ, FMODE_WRITE } from '../../engine/include/mm_types.ts';
import { EXIT_ZOMBIE } from '../../engine/include/sched.ts';
import { virt } from '../../engine/include/types.ts';
import { switch_mm } from '../../engine/arch/tlb.ts';
import { start_user_task } from '../../engine/fs/exec.ts';
import { do_exit, release_task, sys_exit } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { new_task } from '../../engine/kernel/task.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { get_signal_to_deliver, signal_pending } from '../../engine/kernel/signal.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { sys_mincore } from '../../engine/mm/mincore.ts';
import { sys_mlock, sys_mlockall, sys_munlock, sys_munlockall } from '../../engine/mm/mlock.ts';
import { new_inode, open_inode } from '../../engine/mm/mm_struct.ts';
import { sys_brk, sys_mmap2, sys_munmap } from '../../engine/mm/mmap.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { sys_mremap } from '../../engine/mm/mremap.ts';
import { sys_msync } from '../../engine/mm/msync.ts';
import { load_user, store_user, touch_user, try_load_user, try_store_user, try_touch_user } from '../../engine/mm/user_memory.ts';
import { machineWith } from '../engine/tasks.ts';
import { PAGE } from './memory-model.ts';
import type { Action, Outcome, Results, Setup, Step } from './system-calls.ts';
import { FILES, SLOTS, resolve } from './system-calls.ts';

/** What every process runs. */
export const PROGRAM = 'p';

export interface Engine {
  k: Kernel;
  /** pid of the process in each slot, or 0. */
  pids: number[];
  /** Ids of the open files. */
  files: number[];
}

export function makeEngine(setup: Setup): Engine {
  const { k } = machineWith([], {
    arch: setup.arch, cpus: setup.cpus, memory: setup.memory,
    sysctl: [
      ['vm.overcommit_memory', setup.overcommit], ['vm.overcommit_ratio', setup.overcommitRatio], ['vm.max_map_count', setup.maxMapCount],
      ['vm.legacy_va_layout', setup.isLegacy ? 1 : 0],
    ],
  });
  return { k, pids: Array.from({ length: SLOTS }, () => 0), files: setup.hasFiles ? FILES.map((file) => opened(k, file)) : [] };
}

function opened(k: Kernel, { path, size, mayRead, mayWrite }: (typeof FILES)[number]): number {
  return open_inode(k, new_inode(k, path, 'file', size), (mayRead ? FMODE_READ : 0) | (mayWrite ? FMODE_WRITE : 0), 0).id;
}

export function taskIn({ k, pids }: Engine, slot: number): task_struct | null {
  return pids[slot] === 0 ? null : k.tasks[pids[slot]!]!;
}

/** Takes a step; a process that dies of it is gone afterwards. */
export function perform(engine: Engine, step: Step, results: Results): Outcome {
  const { k } = engine;
  const { action, slot, cpu } = step;
  const task = action.name === 'start' ? declare(engine, step) : taskIn(engine, slot)!;
  putOn(k, task, cpu);
  const result = run_to_end(k, act(engine, task, action, results));
  if (action.name === 'fork' && typeof result === 'number' && result > 0) {
    engine.pids[action.child] = result;
    return { result: 0, death: null };
  }
  return action.name === 'exit' || signal_pending(task) ? end(engine, step, task) : { result, death: null };
}

/** The end of a process: what it returned last does not count any more. One that could not even start has died of nothing that it did. */
function end(engine: Engine, { action, slot }: Step, task: task_struct): Outcome {
  const { k } = engine;
  if (action.name === 'exit') sys_exit(k, 0);
  const info = get_signal_to_deliver(task);
  run_to_end(k, do_exit(k, info?.signo ?? 0));
  bury(k, task);
  engine.pids[slot] = 0;
  if (action.name === 'start') return { result: -ENOMEM, death: null };
  return { result: 0, death: info === null ? null : { signal: info.signo, code: info.code, address: info.addr } };
}

/** Lets a task have a CPU, as a context switch does. */
function putOn(k: Kernel, task: task_struct, cpu: number): void {
  k.cpu = cpu;
  k.current = task.pid;
  task.cpu = cpu;
  switch_mm(k, task.mm);
}

function declare({ k, pids }: Engine, { slot, action }: Step): task_struct {
  const task = new_task(k.tasks.length, PROGRAM, 'user');
  if (action.name === 'start') {
    const { as, stack, data, memlock } = action.limits;
    task.uid = task.euid = action.isRoot ? 0 : 1000;
    task.rlim = { RLIMIT_AS: as, RLIMIT_STACK: stack, RLIMIT_DATA: data, RLIMIT_MEMLOCK: memlock };
  }
  task.state = 0;
  k.tasks.push(task);
  pids[slot] = task.pid;
  return task;
}

/** Nobody waits for it: what is left of it goes at once. */
function bury(k: Kernel, task: task_struct): void {
  task.state = EXIT_ZOMBIE;
  task.exit_image = null;
  task.parent = 0;
  release_task(k, task);
  for (const cpu of k.sched.cpus) cpu.queue = cpu.queue.filter((pid) => pid !== task.pid);
}

function* act(engine: Engine, task: task_struct, action: Action, results: Results): Generator<Wait, number | number[], void> {
  const { k } = engine;
  switch (action.name) {
    case 'start': {
      yield* start_user_task(k, task);
      return 0;
    }
    case 'fork': return yield* do_fork(k, { name: PROGRAM, comm: PROGRAM, program: null });
    case 'exit': return 0;
    case 'mlockall': return yield* sys_mlockall(k, action.flags);
    case 'munlockall': return yield* sys_munlockall(k);
    case 'mremap': return yield* remap(k, action, results);
    case 'mmap_file': {
      const { length, prot, flags, file, pgoff } = action;
      return yield* sys_mmap2(k, resolve(results, action.at), length, prot, flags, engine.files[file]!, pgoff);
    }
    default: return yield* actAt(k, task, action, resolve(results, action.at));
  }
}

function* remap(k: Kernel, action: Extract<Action, { name: 'mremap' }>, results: Results): Generator<Wait, number, void> {
  const [at, to] = [virt(resolve(results, action.at)), virt(resolve(results, action.to))];
  return yield* sys_mremap(k, at, action.length, action.newLength, action.flags, to);
}

type ActionAt = Exclude<Action, { name: 'start' | 'fork' | 'exit' | 'mlockall' | 'munlockall' | 'mremap' | 'mmap_file' }>;

function* actAt(k: Kernel, task: task_struct, action: ActionAt, address: number): Generator<Wait, number | number[], void> {
  const at = virt(address);
  switch (action.name) {
    case 'mmap': return yield* sys_mmap2(k, at, action.length, action.prot, action.flags, 0);
    case 'munmap': return yield* sys_munmap(k, at, action.length);
    case 'mlock': return yield* sys_mlock(k, at, action.length);
    case 'munlock': return yield* sys_munlock(k, at, action.length);
    case 'mincore': return yield* sys_mincore(k, at, action.length);
    case 'mprotect': return yield* sys_mprotect(k, at, action.length, action.prot);
    case 'madvise': return yield* sys_madvise(k, at, action.length, action.advice);
    case 'msync': return yield* sys_msync(k, at, action.length, action.flags);
    case 'brk': return yield* sys_brk(k, at);
    case 'load': return yield* load(k, address);
    case 'store': return yield* store(k, address, action.byte);
    case 'touch': return yield* touch(k, address, action);
    default:
      task.esp = at;
      return 0;
  }
}

/** As a program does: the fault only where the access needs one. */
function* load(k: Kernel, address: number): Generator<Wait, number, void> {
  const byte = try_load_user(k, virt(address));
  return byte >= 0 ? byte : yield* load_user(k, virt(address));
}

function* store(k: Kernel, address: number, byte: number): Generator<Wait, number, void> {
  return try_store_user(k, virt(address), byte) === 0 ? 0 : yield* store_user(k, virt(address), byte);
}

function* touch(k: Kernel, address: number, { length, how }: Extract<Action, { name: 'touch' }>): Generator<Wait, number, void> {
  const write = how === 'write' ? 1 : 0;
  for (let at = address; at < address + length; at += PAGE) {
    if (try_touch_user(k, virt(at), write) === 0) continue;
    const result = yield* touch_user(k, virt(at), write);
    if (result < 0) return result;
  }
  return 0;
}
