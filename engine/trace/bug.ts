// @tracepoints
// Tracepoint of BUG() and panic(): passed before the run is given up, so that a debugger can stop while every frame still stands.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** `what` names the place and the broken condition; a record keeps only that it happened. */
export function trace_kernel_bug(k: Kernel, what: string): void {
  if (what.length > 0) trace_event(k, TP.kernel_bug);
}
