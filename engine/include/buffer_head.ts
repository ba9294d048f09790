// @nohooks
// What include/linux/buffer_head.h declares: which block of which disk a page of the page cache holds, and its state. Blocks are as large as pages,
// so a page has one buffer at most; its PG_private and private name it.

import type { Pfn, VirtAddr } from './types.ts';
import type { wait_queue_head_t } from './wait.ts';

/** Bits of b_state. */
export const BH_Uptodate = 0x1;
export const BH_Dirty = 0x2;
export const BH_Lock = 0x4;
export const BH_Req = 0x8;
/** It has a block on the disk. */
export const BH_Mapped = 0x10;
/** The block was just allocated: what the disk holds there is not the file's. */
export const BH_New = 0x20;
export const BH_Async_Read = 0x40;
export const BH_Async_Write = 0x80;

/** What is to be done when its I/O has ended: names of functions of fs/buffer.c, since state holds none. */
export type bh_end_io = 'end_buffer_async_read' | 'end_buffer_async_write' | 'end_buffer_read_sync';

export interface buffer_head {
  id: number;
  /** Its memory in the buffer_head cache. */
  address: VirtAddr;
  b_state: number;
  b_page: Pfn;
  /** Id of its disk, and its block there; -1 where it is not mapped. */
  b_bdev: number;
  b_blocknr: number;
  b_end_io: bh_end_io;
  /** Who waits for BH_Lock to be cleared. */
  b_wait: wait_queue_head_t;
}
