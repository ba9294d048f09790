// @nohooks
// What include/linux/sched.h declares of a task, as far as memory management looks at it (KERNEL.md G-3, DT-2).

export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const EXIT_ZOMBIE = 16;
/** Declared by the scenario, but its time has not come: it exists for nobody yet. */
export const TASK_NEW = 64;

export const PF_EXITING = 0x4;
export const PF_DEAD = 0x8;
export const PF_MEMALLOC = 0x800;
export const PF_KSWAPD = 0x40000;

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
  /** Whether this is a real-time task (rt_task), which may use more of the reserves (PA-21). */
  rt: number;
  /** Thread flag TIF_MEMDIE: chosen by the OOM killer. */
  memdie: number;
  /** Set while the task reclaims: pages that slab caches gave back meanwhile (PA-21, SL-16). */
  reclaim_state: { reclaimed_slab: number } | null;
  /** Position of its program, as plain data; its shape is the program's own (language/runtime). */
  program: unknown;
}
