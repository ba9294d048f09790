// @nohooks
// Small calls that change who a task is to the kernel (kernel/sys.c, kernel/sched.c, fs/proc/base.c). There are no capabilities but root's: euid 0
// has all of them, everybody else none.

import type { Kernel } from '../kernel.ts';
import { EACCES, EINVAL, ENOENT, EPERM } from '../include/errno.ts';
import { current_task } from './sched.ts';
import { find_task_by_pid } from './signal.ts';

/** oom_adj that keeps a task from the OOM killer (OM-2), and the range of the others. */
export const OOM_DISABLE = -17;
const OOM_ADJUST_MIN = -16;
const OOM_ADJUST_MAX = 15;

/** setuid(uid): root becomes anybody, for good; others may only become who they are. 0, -EPERM, -EINVAL for no uid. */
export function sys_setuid(k: Kernel, uid: number): number {
  const task = current_task(k);
  if (!Number.isInteger(uid) || uid < 0 || uid >= 2 ** 32 - 1) return -EINVAL;
  if (task.euid !== 0) return uid === task.uid ? 0 : -EPERM;
  task.uid = uid;
  task.euid = uid;
  return 0;
}

/** nice(increment): 0, or -EPERM for who is not root and wants more of the CPU. */
export function sys_nice(k: Kernel, increment: number): number {
  const task = current_task(k);
  if (increment < 0 && task.euid !== 0) return -EPERM;
  task.nice = Math.min(19, Math.max(-20, task.nice + increment));
  return 0;
}

/** Writes /proc/PID/oom_adj (oom_adjust_write): 0; -ENOENT where there is no such task; -EACCES for a file of somebody else; -EPERM for anybody but
 *  root (CAP_SYS_RESOURCE); -EINVAL outside -16 … 15, where it is not -17. */
export function sys_oom_adj(k: Kernel, pid: number, oom_adj: number): number {
  const task = find_task_by_pid(k, pid);
  const { euid } = current_task(k);
  if (task === null) return -ENOENT;
  if (euid !== 0) return euid === task.euid ? -EPERM : -EACCES;
  const is_valid = Number.isInteger(oom_adj) && oom_adj >= OOM_ADJUST_MIN && oom_adj <= OOM_ADJUST_MAX || oom_adj === OOM_DISABLE;
  if (!is_valid) return -EINVAL;
  task.oomkilladj = oom_adj;
  return 0;
}
