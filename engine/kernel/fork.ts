// Tasks with an address space of their own: what the first one gets and what fork copies (kernel/fork.c; KERNEL.md F-11, MM-1, MM-2).

import type { rlimits, task_memory } from '../include/sched.ts';
import { virt } from '../include/types.ts';

const MiB = 1 << 20;

/** The limits init has: stacks of 8 MiB, 32 KiB locked, nothing else. */
export function default_rlimits(): rlimits {
  return { RLIMIT_DATA: Infinity, RLIMIT_STACK: 8 * MiB, RLIMIT_AS: Infinity, RLIMIT_MEMLOCK: 32 * 1024 };
}

export function no_task_memory(): task_memory {
  return { task_struct: virt(0), thread_info: virt(0), files_cache: virt(0), fs_cache: virt(0), sighand_cache: virt(0), signal_cache: virt(0) };
}
