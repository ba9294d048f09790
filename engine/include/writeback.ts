// @nohooks
// What include/linux/writeback.h declares, and the state of mm/page-writeback.c, mm/pdflush.c and fs/fs-writeback.c (KERNEL.md chapter 12).

/** How hard a walk tries: not to wait for I/O, to wait, or to wait while others may write (sync). */
export const WB_SYNC_NONE = 0;
export const WB_SYNC_ALL = 1;
export const WB_SYNC_HOLD = 2;

/** One walk over dirty pages: what is wanted, and what came of it. */
export interface writeback_control {
  /** Id of the only disk to write to, or -1. */
  bdi: number;
  sync_mode: typeof WB_SYNC_NONE | typeof WB_SYNC_ALL | typeof WB_SYNC_HOLD;
  /** Only inodes that became dirty before this time, jiffies; Infinity: all (older_than_this). */
  older_than_this: number;
  /** Pages still to write; counted down. */
  nr_to_write: number;
  /** Pages that were dirty and could not be written. */
  pages_skipped: number;
  /** Bytes of the file; end 0: to its end. */
  start: number;
  end: number;
  /** 1: not onto a congested queue; whether one was met. */
  nonblocking: 0 | 1;
  encountered_congestion: 0 | 1;
  for_kupdate: 0 | 1;
  for_reclaim: 0 | 1;
  for_writepages: 0 | 1;
  /** From where the last walk of this kind ended, and round to there again. */
  range_cyclic: 0 | 1;
}

/** A walk over all dirty pages of all files on all disks that waits for nothing, but for what is said otherwise. */
export function make_writeback_control(wanted: Partial<writeback_control>): writeback_control {
  return {
    bdi: -1, sync_mode: WB_SYNC_NONE, older_than_this: Infinity, nr_to_write: 0, pages_skipped: 0, start: 0, end: 0,
    nonblocking: 0, encountered_congestion: 0, for_kupdate: 0, for_reclaim: 0, for_writepages: 0, range_cyclic: 0, ...wanted,
  };
}

/** What a pdflush thread is asked to do: names of functions, since state holds none. */
export const PDFLUSH_FUNCTIONS = ['background_writeout', 'wb_kupdate', 'laptop_flush'] as const;
export type pdflush_function = (typeof PDFLUSH_FUNCTIONS)[number];

/** A pdflush thread (struct pdflush_work). */
export interface pdflush_work {
  pid: number;
  /** '' while it has nothing to do. */
  fn: pdflush_function | '';
  arg0: number;
  /** jiffies */
  when_i_went_to_sleep: number;
}

export interface Pdflush {
  /** Every thread there is, oldest first. */
  threads: pdflush_work[];
  /** pids of those that are idle, the one that became so last first (pdflush_list). */
  pdflush_list: number[];
  /** When the list last became empty, jiffies. */
  last_empty_jifs: number;
  nr_pdflush_threads: number;
}

/** State of mm/page-writeback.c. */
export interface Writeback {
  /** Memory that may hold dirty pages, as page_writeback_init found it, pages. */
  total_pages: number;
  /** Dirtied pages between two looks at the limits (WB-4). */
  ratelimit_pages: number;
  /** Non-zero while a writer is over the limit. */
  dirty_exceeded: number;
  /** By CPU: pages dirtied since the last look. */
  ratelimits: number[];
  pdflush: Pdflush;
}
