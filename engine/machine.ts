// @nohooks
// The machine: boots it from a description, runs its tasks until all have ended. The one place that composes the engine, and that holds what is not
// data: the coroutines. Everything else is Kernel.

import type { Kernel } from './kernel.ts';
import type { MachineConfig, TaskSpec } from './config.ts';
import type { Coroutine } from './kernel/sched.ts';
import type { task_struct } from './include/sched.ts';
import { EXIT_ZOMBIE, PF_EXITING } from './include/sched.ts';
import { start_kernel } from './arch/boot.ts';
import { make_platform } from './arch/firmware.ts';
import { next_block_event, run_block_event } from './block/events.ts';
import { find_disk, make_block_layer } from './block/genhd.ts';
import { make_radix_tree_preloads } from './lib/radix-tree.ts';
import { flat_add_file, make_super_block } from './fs/flat.ts';
import { laptop_timer_fn, make_writeback, wb_timer_fn } from './mm/page-writeback.ts';
import { MIN_PDFLUSH_THREADS, pdflush } from './mm/pdflush.ts';
import { make_contents } from './mm/contents.ts';
import { alloc_mem_map } from './mm/mem_map.ts';
import { cpucache_init, next_cache_reap, run_cache_reap } from './mm/slab_reap.ts';
import { make_slab } from './mm/slab_lists.ts';
import { make_vm_events } from './mm/vmstat.ts';
import { make_highmem } from './mm/highmem.ts';
import { start_user_task } from './fs/exec.ts';
import { NO_PAGE, phys } from './include/types.ts';
import { make_tlbs } from './arch/tlb.ts';
import { make_pagevecs } from './mm/swap.ts';
import { do_exit } from './kernel/exit.ts';
import { new_task } from './kernel/task.ts';
import { kthread_create } from './kernel/kthread.ts';
import { end_of, make_sched, next_event, note_progress, pick_next_task, put_prev_task, start_task } from './kernel/sched.ts';
import { get_signal_to_deliver, signal_pending } from './kernel/signal.ts';
import { default_sysctls } from './kernel/sysctl.ts';
import { KernelBug } from './kernel/panic.ts';
import { make_log } from './kernel/printk.ts';
import { seed_random } from './kernel/random.ts';
import type { timer_name } from './kernel/timer.ts';
import { del_kernel_timer, make_kernel_timers, next_kernel_timer } from './kernel/timer.ts';
import { make_trace } from './trace/events.ts';
import { TRACEPOINTS } from './trace/tracepoints.ts';
import { DEFAULT_COSTS, config_problems } from './config.ts';

/** What the tasks of a machine do. Implemented outside the engine; its position is plain data in `task.program`. */
export interface Program {
  /** The position from which a task begins its body. */
  start(k: Kernel, task: task_struct, body: number): unknown;
  /** Runs a task from its position until its body has ended, at an `exit` (sys_exit), or until a signal waits (signal_pending), which it looks for
   *  between two statements and after each function of the engine. It waits only inside engine functions it `yield*`s to. */
  run(k: Kernel, task: task_struct): Coroutine;
  /** The scenario's part of the boot: runs before the page allocator exists. */
  boot(k: Kernel): void;
}

/** Who watches the machine from outside. Nothing here may change what the machine does. */
export interface MachineHooks {
  /** Another task's statements follow. */
  switch_to?(k: Kernel, pid: number): void;
  /** The scheduler is about to choose: no statement of any task is running. */
  boundary?(machine: Machine): void;
}

/** Bodies of the kernel's own threads by task.kthread, and those that are there from the boot on, in order. */
const KTHREADS: Readonly<Record<string, (k: Kernel, task: task_struct) => Coroutine>> = { pdflush };
const BOOT_KTHREADS: readonly string[] = Array<string>(MIN_PDFLUSH_THREADS).fill('pdflush');

/** What the kernel's timers call. */
const TIMER_FUNCTIONS: Readonly<Record<timer_name, (k: Kernel) => void>> = { wb_timer: wb_timer_fn, laptop_mode_wb_timer: laptop_timer_fn };

export interface Machine {
  k: Kernel;
  /** By pid; null before a task first runs, and after it ended. */
  coroutines: (Coroutine | null)[];
  program: Program;
  hooks: MachineHooks;
}

/** How a run ended. `waiting` names every task that could never go on. */
export interface RunEnd {
  reason: 'ended' | 'deadlock' | 'bug' | 'halted';
  /** The BUG's or panic's text. */
  message: string;
  waiting: { name: string; waits_for: string }[];
}

/** A machine whose description is wrong: config_problems says why, and must be asked first. */
export class MachineConfigError extends Error {
  override name = 'MachineConfigError';
}

/** A machine that is described but not booted: its state is empty. Throws MachineConfigError. */
export function make_machine(config: MachineConfig, program: Program, hooks: MachineHooks = {}): Machine {
  const problems = config_problems(config);
  if (problems.length > 0) throw new MachineConfigError(problems.map((problem) => problem.message).join('\n'));
  const k = make_kernel(config);
  for (const { path, size, disk } of config.files) flat_add_file(k, path, size, find_disk(k, disk)!.id);
  return { k, coroutines: [], program, hooks };
}

/** Boots a machine up to its first task: memory is up, the tasks are declared, virtual time is 0. A BUG in the boot is thrown (KernelBug). */
export function boot_machine(machine: Machine, config: MachineConfig): void {
  const { k, program } = machine;
  machine.hooks.switch_to?.(k, 0);
  start_kernel(k, (kernel) => program.boot(kernel));
  k.now = 0;
  forget_boot_events(k);
  k.system_running = 1;
  cpucache_init(k);
  for (const spec of config.tasks) declare_task(machine, spec);
  for (const kthread of BOOT_KTHREADS) start_kthread(machine, kthread);
}

/** A thread of the kernel that is there from the boot on: it has run until it first slept, in no time. */
function start_kthread(machine: Machine, kthread: string): void {
  const { k } = machine;
  const task = kthread_create(k, kthread, kthread);
  task.start_time = 0;
  k.current = task.pid;
  machine.hooks.switch_to?.(k, task.pid);
  const coroutine = life_of(machine, task);
  coroutine.next();
  machine.coroutines[task.pid] = coroutine;
  machine.hooks.switch_to?.(k, 0);
  k.current = 0;
  k.now = 0;
}

/** Events count from when the machine is up; those of the boot allocator, which is then gone, are kept. */
function forget_boot_events(k: Kernel): void {
  for (const [id, { name }] of TRACEPOINTS.entries()) if (!name.startsWith('bootmem_')) k.trace.counts[id] = 0;
  k.trace.total = k.trace.counts.reduce((sum, count) => sum + count, 0);
}

/** Runs until every task has ended, none can go on, or the emulated kernel hit a BUG. */
export function run_machine(machine: Machine): RunEnd {
  try {
    return run(machine);
  } catch (error) {
    if (!(error instanceof KernelBug)) throw error;
    return { reason: 'bug', message: error.message, waiting: [] };
  }
}

function run(machine: Machine): RunEnd {
  const { k, hooks } = machine;
  for (;;) {
    hooks.boundary?.(machine);
    if (k.halted !== 0) return { reason: 'halted', message: '', waiting: [] };
    run_background(machine);
    const task = k.sched.nr_live === 0 ? null : pick_next_task(k);
    if (task === null) return how_it_ended(k);
    hooks.switch_to?.(k, task.pid);
    const coroutine = (machine.coroutines[task.pid] ??= life_of(machine, task));
    const step = coroutine.next();
    put_prev_task(k, task, step.done === true ? 'ended' : step.value);
    if (step.done === true) machine.coroutines[task.pid] = null;
  }
}

/** A task from its first step to its last. A user task first gets its memory, unless fork has given it some, and in the end gives it up. */
function* life_of({ k, program }: Machine, task: task_struct): Coroutine {
  if (task.daemon !== 0) {
    yield* KTHREADS[task.kthread]!(k, task);
    return;
  }
  if (task.kind !== 'user') {
    yield* program.run(k, task);
    return;
  }
  if (task.mm === 0) yield* start_user_task(k, task);
  if (!signal_pending(task)) yield* program.run(k, task);
  const info = (task.flags & PF_EXITING) === 0 ? get_signal_to_deliver(task) : null;
  yield* do_exit(k, info?.signo ?? task.exit_code);
}

/** What is due before the next task runs, each thing at its own time. Where no task could run or wake by itself, time passes until a disk has done
 *  what somebody may wait for; with nothing under way, none ever will. */
function run_background({ k, hooks }: Machine): void {
  for (;;) {
    const next = next_interrupt(k);
    k.sched.background = next;
    const until = next_event(k);
    const is_due = until === Infinity ? next_block_event(k) !== Infinity : next <= until;
    if (!is_due) return;
    hooks.switch_to?.(k, 0);
    run_interrupt(k, next);
    note_progress(k);
  }
}

/** When the machine itself has something to do, ns. */
function next_interrupt(k: Kernel): number {
  return Math.min(next_block_event(k), next_kernel_timer(k).expires, next_cache_reap(k));
}

/** Disks come before timers, timers before the events threads, where two are due at one time. */
function run_interrupt(k: Kernel, now: number): void {
  const timer = next_kernel_timer(k);
  if (next_block_event(k) === now) run_block_event(k, now);
  else if (timer.expires === now) run_timer(k, timer.name, now);
  else run_cache_reap(k, now);
}

function run_timer(k: Kernel, name: timer_name, now: number): void {
  k.now = now;
  k.cpu = 0;
  k.current = 0;
  del_kernel_timer(k, name);
  TIMER_FUNCTIONS[name](k);
}

function how_it_ended(k: Kernel): RunEnd {
  const left = k.tasks.filter(({ kind, daemon, state }) => kind !== 'idle' && daemon === 0 && state !== EXIT_ZOMBIE);
  const waiting = left.map(({ name, waits_for }) => ({ name, waits_for }));
  return { reason: waiting.length === 0 ? 'ended' : 'deadlock', message: '', waiting };
}

// ---- making it --------------------------------------------------------------------------------------------------------

function make_kernel(config: MachineConfig): Kernel {
  const platform = make_platform(config);
  return {
    platform,
    now: 0, cpu: 0, current: 0, sched: make_sched(config.cpus), tasks: [new_task(0, 'swapper', 'idle')], system_running: 0,
    mem_map: alloc_mem_map(0, 0), contents: make_contents(platform.max_pfn), nodes: [], bootmem: null,
    totalram_pages: 0, totalhigh_pages: 0, totalreserve_pages: 0, vm_total_pages: 0,
    dma_reserve: 0, node_load: platform.nodes.map(() => 0),
    slab: make_slab(config.cpus), vm_event_states: make_vm_events(config.cpus), sysctl: default_sysctls(), cost: { ...DEFAULT_COSTS, ...config.cost },
    log: make_log(config.hz), reclaim_script: { passes: [], kills: [] }, init_mm: { pgd: phys(0) }, vmlist: [],
    highmem: make_highmem(), mempools: [], mm_structs: [null], vmas: [null], anon_vmas: [null], files: [null], inodes: [null],
    free_ids: { mm_structs: [], vmas: [], anon_vmas: [], files: [], inodes: [], buffer_heads: [] }, vm_committed_space: 0,
    committed_space: Array<number>(config.cpus).fill(0), random_state: seed_random(config.seed), zero_page: NO_PAGE, tlbs: make_tlbs(config.cpus),
    lru_add_pvecs: make_pagevecs(config.cpus), lru_add_active_pvecs: make_pagevecs(config.cpus),
    block: make_block_layer(config.disks), super_blocks: config.disks.map(make_super_block), dcache: new Map<string, number>(), buffer_heads: [null],
    radix_tree_preloads: make_radix_tree_preloads(config.cpus), writeback: make_writeback(config.cpus), timers: make_kernel_timers(),
    trace: make_trace(), program_output: [], halted: 0,
  };
}

/** Adds a task of the scenario: it becomes ready at its time, or when the task it follows has ended. */
function declare_task(machine: Machine, spec: TaskSpec): void {
  const { k, program } = machine;
  const task = new_task(k.tasks.length, spec.comm.slice(0, 15), spec.kind);
  task.name = spec.name;
  task.nice = spec.nice;
  task.uid = spec.uid;
  task.euid = spec.uid;
  task.oomkilladj = spec.oom_adj;
  task.dies = spec.dies ?? 0;
  task.rlim.RLIMIT_AS = spec.rlimit_as ?? task.rlim.RLIMIT_AS;
  task.rlim.RLIMIT_STACK = spec.rlimit_stack ?? task.rlim.RLIMIT_STACK;
  task.cpu = spec.cpu ?? (task.pid - 1) % k.platform.nr_cpus;
  task.cpu_pinned = spec.cpu === null ? 0 : 1;
  k.tasks.push(task);
  k.sched.nr_live++;
  task.program = program.start(k, task, spec.body);
  task.start_at = spec.at;
  if (spec.after.length > 0) {
    task.waits_for_tasks = [...spec.after];
    task.waits_for = end_of(spec.after);
  } else start_task(k, task);
}
