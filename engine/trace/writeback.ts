// @tracepoints
// Tracepoints of dirty pages and their way to the disk (KERNEL.md EV-3, EV-8): modern names, with those of their fields that mean something in
// 2.6.18; our own otherwise. `bdi` is the id of a disk, -1 for all; times are in jiffies.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** Why a walk over dirty inodes began: `reason` of writeback_start. */
export const WB_REASON_BACKGROUND = 0;
export const WB_REASON_PERIODIC = 1;
export const WB_REASON_SYNC = 2;
export const WB_REASON_BALANCE = 3;
export const WB_REASON_LAPTOP = 4;

/** A page became dirty. */
export function trace_writeback_dirty_page(k: Kernel, ino: number, index: number): void {
  trace_event(k, TP.writeback_dirty_page, ino, index);
}

/** A walk over dirty inodes begins: so many pages are to be written. */
export function trace_writeback_start(
  k: Kernel, bdi: number, nr_pages: number, sync_mode: number, for_kupdate: number, range_cyclic: number, for_background: number, reason: number,
): void {
  trace_event(k, TP.writeback_start, bdi, nr_pages, sync_mode, for_kupdate, range_cyclic, for_background, reason);
}

/** It has ended: so many pages were written. */
export function trace_writeback_written(
  k: Kernel, bdi: number, nr_pages: number, sync_mode: number, for_kupdate: number, range_cyclic: number, for_background: number, reason: number,
): void {
  trace_event(k, TP.writeback_written, bdi, nr_pages, sync_mode, for_kupdate, range_cyclic, for_background, reason);
}

/** A walk is done with one inode: I_DIRTY_… that are left, when it became dirty and how long ago, where its next walk begins, what is still to be
 *  written of `nr_to_write`, and what was. */
export function trace_writeback_single_inode(
  k: Kernel, ino: number, state: number, dirtied_when: number, age: number, index: number, nr_to_write: number, wrote: number,
): void {
  trace_event(k, TP.writeback_single_inode, ino, state, dirtied_when, age, index, nr_to_write, wrote);
}

/** A writer looks at the limits: so many pages may be dirty, and are dirty or on their way to a disk; so many were dirtied on this CPU since the
 *  last look; so long it has slept for a disk just before, ms. `bdi` -2: its file lives in memory. */
export function trace_balance_dirty_pages(k: Kernel, bdi: number, limit: number, dirty: number, dirtied: number, pause: number): void {
  trace_event(k, TP.balance_dirty_pages, bdi, limit, dirty, dirtied, pause);
}

/** Pages that are dirty and under write-back, beside both limits. */
export function trace_global_dirty_state(k: Kernel, nr_dirty: number, nr_writeback: number, background_thresh: number, dirty_thresh: number): void {
  trace_event(k, TP.global_dirty_state, nr_dirty, nr_writeback, background_thresh, dirty_thresh);
}

/** How the limits came about (WB-3): per cent of memory that is not mapped, per cent that may be dirty, pages of it, and the limits in pages. */
export function trace_dirty_limits(
  k: Kernel, unmapped_ratio: number, dirty_ratio: number, background_ratio: number, available: number, background: number, dirty: number,
): void {
  trace_event(k, TP.dirty_limits, unmapped_ratio, dirty_ratio, background_ratio, available, background, dirty);
}

/** A pdflush thread begins what it was asked to do; `fn` is an index of PDFLUSH_FUNCTIONS. */
export function trace_pdflush_work(k: Kernel, thread: number, fn: number, arg: number): void {
  trace_event(k, TP.pdflush_work, thread, fn, arg);
}

export function trace_pdflush_spawn(k: Kernel, thread: number): void {
  trace_event(k, TP.pdflush_spawn, thread);
}

export function trace_pdflush_exit(k: Kernel, thread: number): void {
  trace_event(k, TP.pdflush_exit, thread);
}

/** A page of a file goes to its disk. */
export function trace_page_writeback_begin(k: Kernel, pfn: number, ino: number, index: number): void {
  trace_event(k, TP.page_writeback_begin, pfn, ino, index);
}

/** Its disk has it, or has failed: error is 0 or negative. */
export function trace_page_writeback_end(k: Kernel, pfn: number, ino: number, index: number, error: number): void {
  trace_event(k, TP.page_writeback_end, pfn, ino, index, error);
}

/** A disk could not read a page, or write it. */
export function trace_file_io_error(k: Kernel, ino: number, index: number, rw: number): void {
  trace_event(k, TP.file_io_error, ino, index, rw);
}

/** The running task sleeps for a bit of a page: PG_locked or PG_writeback. */
export function trace_wait_on_page(k: Kernel, pfn: number, bit: number): void {
  trace_event(k, TP.wait_on_page, pfn, bit);
}

/** A page that was written out for reclaim goes to the tail of the inactive list (L-9). */
export function trace_mm_lru_rotate(k: Kernel, pfn: number): void {
  trace_event(k, TP.mm_lru_rotate, pfn);
}
