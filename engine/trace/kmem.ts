// @tracepoints
// Tracepoints of the page allocator (KERNEL.md EV-1). Parameters after `k` are the event's fields; migratetype is -1, since 2.6.18 has none.
// A page is its frame number, so `page` and `pfn` are equal.

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

export function trace_mm_page_alloc(k: Kernel, page: Pfn, pfn: Pfn, order: number, migratetype: number, gfp_flags: number): void {
  trace_event(k, TP.mm_page_alloc, page, pfn, order, migratetype, gfp_flags);
}

export function trace_mm_page_alloc_zone_locked(k: Kernel, page: Pfn, pfn: Pfn, order: number, migratetype: number, percpu_refill: number): void {
  trace_event(k, TP.mm_page_alloc_zone_locked, page, pfn, order, migratetype, percpu_refill);
}

export function trace_mm_page_free(k: Kernel, page: Pfn, pfn: Pfn, order: number): void {
  trace_event(k, TP.mm_page_free, page, pfn, order);
}

/** A page of a batch that is freed together, `cold` or not (__pagevec_free). */
export function trace_mm_page_free_batched(k: Kernel, page: Pfn, pfn: Pfn, order: number, cold: number): void {
  trace_event(k, TP.mm_page_free_batched, page, pfn, order, cold);
}

export function trace_mm_page_pcpu_drain(k: Kernel, page: Pfn, pfn: Pfn, order: number, migratetype: number): void {
  trace_event(k, TP.mm_page_pcpu_drain, page, pfn, order, migratetype);
}

/** A block of from_order was cut down to to_order; its lower half is kept (PA-12). */
export function trace_mm_buddy_split(k: Kernel, pfn: Pfn, from_order: number, to_order: number): void {
  trace_event(k, TP.mm_buddy_split, pfn, from_order, to_order);
}

/** A freed block and its buddy became one (PA-10). */
export function trace_mm_buddy_merge(k: Kernel, pfn: Pfn, buddy_pfn: Pfn, order: number, result_order: number): void {
  trace_event(k, TP.mm_buddy_merge, pfn, buddy_pfn, order, result_order);
}

/** A watermark test with its inputs; failed_at_order is -1 where it held or failed in the first test (PA-17). */
export function trace_mm_watermark_check(
  k: Kernel, zone: number, order: number, mark: number, classzone: number, alloc_flags: number, free: number, ok: number, failed_at_order: number,
): void {
  trace_event(k, TP.mm_watermark_check, zone, order, mark, classzone, alloc_flags, free, ok, failed_at_order);
}

/** An allocation gives up with nothing (PA-21, nopage). */
export function trace_mm_page_alloc_failure(k: Kernel, order: number, gfp_flags: number): void {
  trace_event(k, TP.mm_page_alloc_failure, order, gfp_flags);
}
