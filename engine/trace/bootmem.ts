// @tracepoints
// Tracepoints of the boot allocator (KERNEL.md EV-12). Sizes in bytes, addresses physical.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

export function trace_bootmem_reserve(k: Kernel, start: number, size: number): void {
  trace_event(k, TP.bootmem_reserve, start, size);
}

export function trace_bootmem_alloc(k: Kernel, start: number, size: number): void {
  trace_event(k, TP.bootmem_alloc, start, size);
}

export function trace_bootmem_free(k: Kernel, start: number, size: number): void {
  trace_event(k, TP.bootmem_free, start, size);
}

export function trace_bootmem_handover(k: Kernel, pages: number, order5_blocks: number, single_pages: number): void {
  trace_event(k, TP.bootmem_handover, pages, order5_blocks, single_pages);
}
