// @tracepoints
// Tracepoints of the page cache and the LRU lists (KERNEL.md EV-3, EV-4). A page is its frame number, so `page` and `pfn` are equal; `lru` is 1 for
// the active list; s_dev is major << 20 | minor.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** The window of mm_readahead: the pages are of none, of the one that is being read, of the one behind it. */
export const WINDOW_NONE = 0;
export const WINDOW_CURRENT = 1;
export const WINDOW_AHEAD = 2;

/** Why pages are read ahead (FM-8, FM-12): the first in a row, the next window, the next one after pages were lost, a reader who jumps about, a
 *  fault, a program's advice. */
export const RA_FIRST = 0;
export const RA_AHEAD = 1;
export const RA_MISSED = 2;
export const RA_RANDOM = 3;
export const RA_FAULT = 4;
export const RA_FORCED = 5;

/** Who missed a page: `via` of mm_filemap_miss. */
export const VIA_READ = 0;
export const VIA_FAULT = 1;

/** A page left its pagevec for a list. */
export function trace_mm_lru_insertion(k: Kernel, page: number, pfn: number, lru: number, flags: number): void {
  trace_event(k, TP.mm_lru_insertion, page, pfn, lru, flags);
}

/** A page moved to the active list. */
export function trace_mm_lru_activate(k: Kernel, page: number, pfn: number): void {
  trace_event(k, TP.mm_lru_activate, page, pfn);
}

/** A CPU's pagevec was emptied onto the lists; kind 1 is the one for active pages. */
export function trace_mm_lru_pagevec_flush(k: Kernel, kind: number, count: number): void {
  trace_event(k, TP.mm_lru_pagevec_flush, kind, count);
}

/** Whether a page was used since it was last asked. */
export function trace_mm_page_referenced(k: Kernel, pfn: number, referenced: number, ptes: number): void {
  trace_event(k, TP.mm_page_referenced, pfn, referenced, ptes);
}

/** A page is in the cache. */
export function trace_mm_filemap_add_to_page_cache(k: Kernel, pfn: number, i_ino: number, index: number, s_dev: number): void {
  trace_event(k, TP.mm_filemap_add_to_page_cache, pfn, i_ino, index, s_dev);
}

/** A page left it. */
export function trace_mm_filemap_delete_from_page_cache(k: Kernel, pfn: number, i_ino: number, index: number, s_dev: number): void {
  trace_event(k, TP.mm_filemap_delete_from_page_cache, pfn, i_ino, index, s_dev);
}

/** So many pages of a file from `start` on are to be in the cache; those that are not are read. `async` 1: not where the queue is congested. */
export function trace_mm_readahead(k: Kernel, ino: number, start: number, len: number, async: number, window: number, reason: number): void {
  trace_event(k, TP.mm_readahead, ino, start, len, async, window, reason);
}

/** Somebody wanted a page that was not in the cache. */
export function trace_mm_filemap_miss(k: Kernel, ino: number, index: number, via: number): void {
  trace_event(k, TP.mm_filemap_miss, ino, index, via);
}
