// @nohooks
// Tracepoint of the scheduler. It is recorded as any other, but passes no hook: the scheduler's own loop must not (DESIGN.md, decision 5).

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

export function trace_sched_switch(k: Kernel, prev_pid: number, next_pid: number): void {
  trace_event(k, TP.sched_switch, prev_pid, next_pid);
}
