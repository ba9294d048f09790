// @nohooks
// A task as a record (kernel/fork.c, include/linux/init_task.h). Apart from fork, so that what makes threads of the kernel needs no address spaces.

import type { rlimits, task_memory, task_struct } from '../include/sched.ts';
import { TASK_NEW, TASK_RUNNING } from '../include/sched.ts';
import { virt } from '../include/types.ts';

const MiB = 1 << 20;

/** The limits init has: stacks of 8 MiB, 32 KiB locked, nothing else. */
export function default_rlimits(): rlimits {
  return { RLIMIT_DATA: Infinity, RLIMIT_STACK: 8 * MiB, RLIMIT_AS: Infinity, RLIMIT_MEMLOCK: 32 * 1024 };
}

export function no_task_memory(): task_memory {
  const none = virt(0);
  return { pid: none, task_struct: none, thread_info: none, files_cache: none, fs_cache: none, sighand_cache: none, signal_cache: none };
}

/** A task that nobody has described yet: root's, of no parent, with no memory. */
export function new_task(pid: number, comm: string, kind: task_struct['kind']): task_struct {
  return {
    pid, comm, name: comm, kind, state: kind === 'idle' ? TASK_RUNNING : TASK_NEW, flags: 0, nice: 0, uid: 0, oomkilladj: 0, cpu: 0, cpu_pinned: 0,
    time_used: 0, utime: 0, ready_at: 0, start_at: 0, start_time: -1, exit_code: 0, waits_for: '', waits_for_tasks: [], need_resched: 0, rt: 0,
    mm: 0, parent: 0, children: [], euid: 0, pending: [], signal: 0, si_code: 0, si_addr: virt(0), min_flt: 0, maj_flt: 0, esp: virt(0),
    rlim: default_rlimits(), dies: 0, memory: no_task_memory(), exit_image: null, memdie: 0, reclaim_state: null,
    files: [0, 0, 0], daemon: 0, kthread: '', program: null,
  };
}
