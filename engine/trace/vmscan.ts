// @tracepoints
// Tracepoints of reclaim (KERNEL.md EV-2), as far as it is modelled.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

export function trace_mm_vmscan_wakeup_kswapd(k: Kernel, nid: number, zid: number, order: number, gfp_flags: number): void {
  trace_event(k, TP.mm_vmscan_wakeup_kswapd, nid, zid, order, gfp_flags);
}

/** A task waited for congested queues: timeout in jiffies, slept in ns (KERNEL.md EV-8). */
export function trace_congestion_wait(k: Kernel, rw: number, timeout: number, slept: number): void {
  trace_event(k, TP.congestion_wait, rw, timeout, slept);
}
