// @tracepoints
// Tracepoints of memory pools (KERNEL.md EV-13). A pool is its id (k.mempools); curr_nr is what the reserve holds afterwards.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** The allocator had nothing, so an element of the reserve was given out. */
export function trace_mempool_take_reserve(k: Kernel, pool: number, curr_nr: number, min_nr: number): void {
  trace_event(k, TP.mempool_take_reserve, pool, curr_nr, min_nr);
}

/** The reserve is empty too: the task sleeps until an element comes back, 5 s at most, then tries again. */
export function trace_mempool_wait(k: Kernel, pool: number, curr_nr: number, min_nr: number): void {
  trace_event(k, TP.mempool_wait, pool, curr_nr, min_nr);
}

/** A freed element went into the reserve. */
export function trace_mempool_refill(k: Kernel, pool: number, curr_nr: number, min_nr: number): void {
  trace_event(k, TP.mempool_refill, pool, curr_nr, min_nr);
}
