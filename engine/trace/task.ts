// @tracepoints
// Tracepoints of tasks and signals.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** A task forked. */
export function trace_sched_process_fork(k: Kernel, parent_pid: number, child_pid: number): void {
  trace_event(k, TP.sched_process_fork, parent_pid, child_pid);
}

/** A task has ended; its memory is gone. */
export function trace_sched_process_exit(k: Kernel, pid: number, code: number): void {
  trace_event(k, TP.sched_process_exit, pid, code);
}

/** A signal was sent to a task. */
export function trace_signal_generate(k: Kernel, sig: number, code: number, pid: number): void {
  trace_event(k, TP.signal_generate, sig, code, pid);
}
