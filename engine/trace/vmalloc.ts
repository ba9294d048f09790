// @tracepoints
// Tracepoints of vmalloc space, our own: addresses virtual, sizes in bytes, with the guard page.

import type { Kernel } from '../kernel.ts';
import type { VirtAddr } from '../include/types.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** An area was made and mapped. */
export function trace_vmalloc_alloc(k: Kernel, addr: VirtAddr, size: number): void {
  trace_event(k, TP.vmalloc_alloc, addr, size);
}

/** An area was unmapped and given up. */
export function trace_vmalloc_free(k: Kernel, addr: VirtAddr, size: number): void {
  trace_event(k, TP.vmalloc_free, addr, size);
}
