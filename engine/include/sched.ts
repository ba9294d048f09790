// @nohooks
// What include/linux/sched.h declares of a task, as far as memory management looks at it (KERNEL.md G-3, DT-2).

import type { mm_struct, vm_area_struct } from './mm_types.ts';
import type { Pfn, VirtAddr } from './types.ts';

export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const EXIT_ZOMBIE = 16;
/** Declared by the scenario, but its time has not come: it exists for nobody yet. */
export const TASK_NEW = 64;

export const PF_EXITING = 0x4;
export const PF_DEAD = 0x8;
export const PF_MEMALLOC = 0x800;
export const PF_FLUSHER = 0x1000;
export const PF_KSWAPD = 0x40000;
export const PF_LESS_THROTTLE = 0x100000;
export const PF_RANDOMIZE = 0x400000;
export const PF_SWAPWRITE = 0x800000;

/** How ps shows a state. */
export function task_state_letter(state: number): string {
  switch (state) {
    case TASK_RUNNING: return 'R';
    case TASK_INTERRUPTIBLE: return 'S';
    case TASK_UNINTERRUPTIBLE: return 'D';
    case EXIT_ZOMBIE: return 'Z';
    default: return 'N';
  }
}

/** A signal and what caused it. */
export interface siginfo {
  signo: number;
  code: number;
  addr: VirtAddr;
}

/** Limits in bytes, Infinity for none (include/asm-generic/resource.h). */
export interface rlimits {
  RLIMIT_DATA: number;
  RLIMIT_STACK: number;
  RLIMIT_AS: number;
  RLIMIT_MEMLOCK: number;
}

/** Objects of a user task in the caches of their names. `thread_info` is its kernel stack (size-8192 on i386, two pages on x86_64). */
export interface task_memory {
  /** struct pid; 0 on x86_64, whose cache of them has no known size. */
  pid: VirtAddr;
  task_struct: VirtAddr;
  thread_info: VirtAddr;
  files_cache: VirtAddr;
  fs_cache: VirtAddr;
  sighand_cache: VirtAddr;
  signal_cache: VirtAddr;
}

/** A VMA of a task that has ended, with its file ('' and zeroes where it has none), the figures of /proc/PID/smaps, and its present entries as runs
 *  of pages. */
export interface vma_image {
  vma: vm_area_struct;
  path: string;
  major: number;
  minor: number;
  ino: number;
  smaps: smaps_figures;
  present: { address: VirtAddr; pfns: Pfn[] }[];
}

/** Of one VMA, in pages. */
export interface smaps_figures {
  rss: number;
  shared_clean: number;
  shared_dirty: number;
  private_clean: number;
  private_dirty: number;
  swap: number;
}

/** An address space as it was when its last task ended. */
export interface exit_image {
  mm: mm_struct;
  vmas: vma_image[];
  badness: number;
}

export interface task_struct {
  pid: number;
  comm: string;
  /** The scenario's name of it, `hog` or `hog.0`; the same as comm for the kernel's own. */
  name: string;
  kind: 'idle' | 'kernel' | 'user';
  state: number;
  flags: number;
  nice: number;
  uid: number;
  oomkilladj: number;
  /** CPU it runs on; `cpu_pinned` tasks never leave it. */
  cpu: number;
  cpu_pinned: number;
  /** Virtual time used in the current quantum, ns. */
  time_used: number;
  /** Virtual time used in all, ns. */
  utime: number;
  /** Virtual time since which it waits for a CPU, ns. */
  ready_at: number;
  /** Virtual time before which it may not begin, ns. */
  start_at: number;
  /** Virtual time at which it began, ns; -1 before. */
  start_time: number;
  exit_code: number;
  /** What a sleeping task waits for, in words: a deadlock names it. */
  waits_for: string;
  /** Names of the tasks whose end it waits for. */
  waits_for_tasks: string[];
  /** Set by what ends a sleep: how a generator learns why it was woken. */
  need_resched: number;
  /** Id of its address space, or 0: a kernel thread, or a task that has given it up (exit_mm). */
  mm: number;
  /** pid of the task that forked it; 0 where the scenario declares it, or that task has ended first. */
  parent: number;
  /** pids of those that it forked and has not waited for, oldest first. */
  children: number[];
  euid: number;
  /** Signals that wait, by number, oldest first; the first one that ended the task, or 0. */
  pending: siginfo[];
  signal: number;
  /** What that signal says of a bad access (si_code, si_addr), 0 otherwise. */
  si_code: number;
  si_addr: VirtAddr;
  min_flt: number;
  maj_flt: number;
  /** Where its stack pointer stands; set_esp moves it (F-1). */
  esp: VirtAddr;
  rlim: rlimits;
  /** Signal that the scenario expects to end it (`dies SIGSEGV`), or 0. */
  dies: number;
  /** Addresses of its task_struct and of what else the kernel allocates for it, by cache; 0 where there is none. */
  memory: task_memory;
  /** What it looked like just before it gave up its memory; null before. */
  exit_image: exit_image | null;
  /** Whether this is a real-time task (rt_task), which may use more of the reserves (PA-21). */
  rt: number;
  /** Thread flag TIF_MEMDIE: chosen by the OOM killer. */
  memdie: number;
  /** Set while the task reclaims: pages that slab caches gave back meanwhile (PA-21, SL-16). */
  reclaim_state: { reclaimed_slab: number } | null;
  /** Open files by descriptor: ids, 0 where none is. 0, 1 and 2 are there, and lead nowhere. */
  files: number[];
  /** 1: one of the kernel's own threads, for whose end no run waits; `kthread` names its body (machine.ts). */
  daemon: number;
  kthread: string;
  /** Position of its program, as plain data; its shape is the program's own (language/runtime). */
  program: unknown;
}
