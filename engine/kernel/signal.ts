// Signals (kernel/signal.c): sending one, and what comes of it. No task of the scenario language has a handler, blocks or ignores any, so a signal
// either does nothing or ends the task when it next would return to user mode.
//
//   send_sig_info ── pending ── signal_pending: what sleeps interruptibly wakes, the program stops ── get_signal_to_deliver ── do_exit
//
// Left out: stopping a task and letting it go on (SIGSTOP and its like: -ENOSYS), process groups and sessions (kill() takes one process, and
// says -ENOSYS to 0, -1 or the negative of a group), core dumps.

import type { Kernel } from '../kernel.ts';
import type { siginfo, task_struct } from '../include/sched.ts';
import type { VirtAddr } from '../include/types.ts';
import { EINVAL, ENOSYS, EPERM, ESRCH } from '../include/errno.ts';
import { EXIT_ZOMBIE, PF_EXITING, TASK_INTERRUPTIBLE, TASK_NEW } from '../include/sched.ts';
import { SIG_KERNEL_IGNORE, SIG_KERNEL_STOP, SI_KERNEL, SI_USER, _NSIG } from '../include/signal.ts';
import { virt } from '../include/types.ts';
import { trace_signal_generate } from '../trace/task.ts';
import { current_task, wake_up_process } from './sched.ts';

/** Whether a signal waits that will end the task: what it does in the kernel is to come to an end. @nohooks */
export function signal_pending(task: task_struct): boolean {
  return task.pending.length > 0;
}

/** A signal for the running task that it has caused itself: a bad access, or abort(). `addr` is where, or 0 (force_sig_info). */
export function force_sig_info(k: Kernel, signo: number, code: number, addr: VirtAddr): void {
  send_sig_info(k, { signo, code, addr }, current_task(k));
}

/** A signal from the kernel that cannot be refused (force_sig): the OOM killer's. */
export function force_sig(k: Kernel, signo: number, task: task_struct): void {
  send_sig_info(k, { signo, code: SI_KERNEL, addr: virt(0) }, task);
}

/** Puts a signal among those that wait for a task, and wakes it where it sleeps interruptibly. One that it would ignore, that waits already, or that
 *  comes while it exits, is dropped. Kernel threads take none. */
export function send_sig_info(k: Kernel, info: siginfo, task: task_struct): void {
  trace_signal_generate(k, info.signo, info.code, task.pid);
  if (task.kind !== 'user' || (task.flags & PF_EXITING) !== 0) return;
  if (SIG_KERNEL_IGNORE.includes(info.signo) || task.pending.some(({ signo }) => signo === info.signo)) return;
  task.pending.push(info);
  if (task.state === TASK_INTERRUPTIBLE) wake_up_process(k, task);
}

/** The signal that ends a task, which from now on is what ended it; null where none waits (get_signal_to_deliver). */
export function get_signal_to_deliver(task: task_struct): siginfo | null {
  const info = task.pending.shift();
  if (info === undefined) return null;
  task.signal = info.signo;
  task.si_code = info.code;
  task.si_addr = info.addr;
  return info;
}

/** kill(pid, sig): 0, -ESRCH, -EPERM, -EINVAL for a number that is no signal, -ENOSYS for one that would stop the task, and for a group of them.
 *  Signal 0 only asks. */
export function sys_kill(k: Kernel, pid: number, sig: number): number {
  if (pid <= 0) return -ENOSYS;
  const task = find_task_by_pid(k, pid);
  if (task === null) return -ESRCH;
  const error = check_kill_permission(k, sig, task);
  if (error !== 0 || sig === 0) return error;
  if (SIG_KERNEL_STOP.includes(sig)) return -ENOSYS;
  send_sig_info(k, { signo: sig, code: SI_USER, addr: virt(0) }, task);
  return 0;
}

/** A task's own, or root's (CAP_KILL). Nobody has a saved uid that differs: no program is setuid. */
function check_kill_permission(k: Kernel, sig: number, task: task_struct): number {
  if (!Number.isInteger(sig) || sig < 0 || sig > _NSIG) return -EINVAL;
  const { uid, euid } = current_task(k);
  return euid === 0 || euid === task.uid || uid === task.uid ? 0 : -EPERM;
}

/** The task of a pid: one that has begun and that its parent has not waited for yet; null otherwise. The idle tasks have none. @nohooks */
export function find_task_by_pid(k: Kernel, pid: number): task_struct | null {
  const task = k.tasks[pid];
  if (task === undefined || task.kind === 'idle' || task.state === TASK_NEW) return null;
  return task.state === EXIT_ZOMBIE && task.memory.task_struct === 0 ? null : task;
}
