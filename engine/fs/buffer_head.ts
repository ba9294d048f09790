// Buffer heads: what is known of the block of a disk that a page of a file is kept in (fs/buffer.c). Blocks are as large as pages, so a page has one
// buffer or none; what is done with whole pages stands in fs/buffer.ts.
//
//   page ── PG_private, private ──► buffer_head ── b_bdev, b_blocknr      the page has one reference more for it
//
//   BH_Lock: its I/O is under way. BH_Dirty: its page is dirty too, unless it is about to be written. BH_Mapped: it has a block.
//
// Left out: several buffers a page; buffer_heads_over_limit (with one a page, a tenth of low memory is reached only beside very much high memory);
// the page caches of disks themselves, so unmap_underlying_metadata would find nothing; the lists of an inode's metadata; barriers.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { bh_end_io, buffer_head } from '../include/buffer_head.ts';
import type { bio } from '../include/bio.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import { BH_Async_Read, BH_Async_Write, BH_Dirty, BH_Lock, BH_Mapped, BH_New, BH_Req, BH_Uptodate } from '../include/buffer_head.ts';
import { BIO_UPTODATE, READ, WRITE } from '../include/bio.ts';
import { EIO, ENOMEM } from '../include/errno.ts';
import { AS_EIO } from '../include/fs.ts';
import { GFP_NOFS, GFP_ZONEMASK } from '../include/gfp.ts';
import { PG_dirty, PG_error, PG_private, PG_uptodate } from '../include/page-flags.ts';
import { bio_add_page, bio_alloc } from '../block/bio.ts';
import { disk_of } from '../block/genhd.ts';
import { submit_bio } from '../block/ll_rw_blk.ts';
import { blk_unplug } from '../block/plug.ts';
import { BUG } from '../kernel/panic.ts';
import { printk, printk_ratelimit } from '../kernel/printk.ts';
import { schedule, sys_sched_yield } from '../kernel/sched.ts';
import { finish_wait, make_wait_queue, prepare_to_wait, wake_up } from '../kernel/wait.ts';
import { get_page, page_index, page_private, set_page_flag, set_page_private, test_page_flag } from '../mm/mem_map.ts';
import { page_mapping, take_id } from '../mm/mm_struct.ts';
import { zonelist_of } from '../mm/mmzone.ts';
import { wakeup_pdflush } from '../mm/page-writeback.ts';
import { end_page_writeback, unlock_page } from '../mm/page_wait.ts';
import { kmem_cache_alloc, kmem_cache_free } from '../mm/slab.ts';
import { find_cache } from '../mm/slab_lists.ts';
import { reclaim_is_modelled, try_to_free_pages } from '../mm/vmscan.ts';
import { flat_get_block } from './flat.ts';
import { trace_file_io_error, trace_page_writeback_end } from '../trace/writeback.ts';

/** Whether a page has a buffer (page_has_buffers). @nohooks */
export function page_has_buffers(k: Kernel, page: Pfn): boolean {
  return test_page_flag(k, page, PG_private);
}

/** The buffer of a page that has one (page_buffers). @nohooks */
export function page_buffers(k: Kernel, page: Pfn): buffer_head {
  return k.buffer_heads[page_private(k, page)]!;
}

/** @nohooks */
export function test_buffer(bh: buffer_head, bit: number): boolean {
  return (bh.b_state & bit) !== 0;
}

/** Gives a page a buffer that is as dirty and as up to date as the page is, and `b_state` besides: 0. While reclaim is not modelled memory may be
 *  refused for good: -ENOMEM (fs/buffer.c:create_empty_buffers). */
export function* create_empty_buffers(k: Kernel, page: Pfn, b_state: number): Generator<Wait, number, void> {
  const bh = yield* alloc_page_buffers(k, page);
  if (bh === null) return -ENOMEM;
  bh.b_state |= b_state;
  if (test_page_flag(k, page, PG_dirty)) bh.b_state |= BH_Dirty;
  if (test_page_flag(k, page, PG_uptodate)) bh.b_state |= BH_Uptodate;
  get_page(k, page);
  set_page_flag(k, page, PG_private);
  set_page_private(k, page, bh.id);
  return 0;
}

/** The same for a page that may have one already (fs/buffer.c asks page_has_buffers before it). */
export function* need_buffers(k: Kernel, page: Pfn, b_state: number): Generator<Wait, number, void> {
  if (page_has_buffers(k, page)) return 0;
  const error = yield* create_empty_buffers(k, page, b_state);
  return error;
}

/** A buffer for a page, however long it takes to find memory for it (fs/buffer.c:alloc_page_buffers with `retry`). */
function* alloc_page_buffers(k: Kernel, page: Pfn): Generator<Wait, buffer_head | null, void> {
  for (;;) {
    const bh = yield* alloc_buffer_head(k, page);
    if (bh !== null || !reclaim_is_modelled(k)) return bh;
    yield* free_more_memory(k);
  }
}

/** A buffer that says nothing of its block yet, or null (fs/buffer.c:alloc_buffer_head). */
function* alloc_buffer_head(k: Kernel, page: Pfn): Generator<Wait, buffer_head | null, void> {
  const address = yield* kmem_cache_alloc(k, find_cache(k, 'buffer_head')!, GFP_NOFS);
  if (address === 0) return null;
  const id = take_id(k.buffer_heads, k.free_ids.buffer_heads);
  const bh: buffer_head = {
    id, address, b_state: 0, b_page: page, b_bdev: -1, b_blocknr: -1, b_end_io: 'end_buffer_async_read', b_wait: make_wait_queue(),
  };
  k.buffer_heads[id] = bh;
  return bh;
}

/** Gives a buffer's memory back; no page may name it any more (fs/buffer.c:free_buffer_head). */
export function free_buffer_head(k: Kernel, bh: buffer_head): void {
  kmem_cache_free(k, find_cache(k, 'buffer_head')!, bh.address);
  k.buffer_heads[bh.id] = null;
  k.free_ids.buffer_heads.push(bh.id);
}

/** There is no memory for a buffer: pdflush is to clean pages, others may run, and every node gives up what it can (fs/buffer.c:free_more_memory). */
function* free_more_memory(k: Kernel): Generator<Wait, void, void> {
  wakeup_pdflush(k, 1024);
  yield* sys_sched_yield(k);
  for (let nid = 0; nid < k.nodes.length; nid++) yield* try_to_free_pages(k, zonelist_of(k, nid, GFP_NOFS & GFP_ZONEMASK), GFP_NOFS);
}

// ---- I/O --------------------------------------------------------------------------------------------------------------

/** Finds the block of a buffer's page, and with `create` gives it one: 0, with the buffer mapped or not, or -ENOSPC (get_block_t). */
export function get_block(k: Kernel, inode: inode, bh: buffer_head, create: 0 | 1): number {
  const { block, is_new, error } = flat_get_block(k, inode, page_index(k, bh.b_page), create);
  if (error !== 0 || block < 0) return error;
  bh.b_bdev = inode.i_bdev;
  bh.b_blocknr = block;
  bh.b_state |= BH_Mapped;
  if (is_new !== 0) bh.b_state |= BH_New;
  return 0;
}

/** Reads a buffer's block and waits for it: 0 or -EIO (ll_rw_block and wait_on_buffer). */
export function* read_buffer(k: Kernel, bh: buffer_head): Generator<Wait, number, void> {
  if (!test_buffer(bh, BH_Lock)) {
    bh.b_state |= BH_Lock;
    bh.b_end_io = 'end_buffer_read_sync';
    yield* submit_bh(k, READ, bh);
  }
  yield* wait_on_buffer(k, bh);
  return test_buffer(bh, BH_Uptodate) ? 0 : -EIO;
}

/** Gives a locked buffer to its disk; what is to be done at the end stands in b_end_io (fs/buffer.c:submit_bh). */
export function* submit_bh(k: Kernel, rw: number, bh: buffer_head): Generator<Wait, void, void> {
  if (!test_buffer(bh, BH_Lock)) BUG(k, `fs/buffer.c:submit_bh: the buffer of page ${bh.b_page} is not locked`);
  if (!test_buffer(bh, BH_Mapped)) BUG(k, `fs/buffer.c:submit_bh: the buffer of page ${bh.b_page} has no block`);
  bh.b_state |= BH_Req;
  const bio = bio_alloc(bh.b_bdev, bh.b_blocknr, rw === WRITE ? 'buffer_write' : 'buffer_read', bh.id);
  bio_add_page(k, bio, bh.b_page);
  yield* submit_bio(k, rw, bio);
}

/** Sleeps while a buffer's I/O is under way, having let its disk begin (fs/buffer.c:__wait_on_buffer, sync_buffer). */
export function* wait_on_buffer(k: Kernel, bh: buffer_head): Generator<Wait, void, void> {
  while (test_buffer(bh, BH_Lock)) {
    prepare_to_wait(k, bh.b_wait);
    blk_unplug(k, bh.b_bdev);
    yield* schedule(k, `block ${bh.b_blocknr} of ${disk_of(k, bh.b_bdev).disk_name}`);
  }
  finish_wait(k, bh.b_wait);
}

/** The I/O of a buffer is over; who waited for it may go on (fs/buffer.c:unlock_buffer). */
function unlock_buffer(k: Kernel, bh: buffer_head): void {
  bh.b_state &= ~BH_Lock;
  wake_up(k, bh.b_wait);
}

// ---- ends of I/O: in the disk's interrupt -----------------------------------------------------------------------------

/** By b_end_io. */
const B_END_IO: Readonly<Record<bh_end_io, (k: Kernel, bh: buffer_head, uptodate: boolean) => void>> = {
  end_buffer_async_read, end_buffer_async_write, end_buffer_read_sync,
};

/** A disk has done with a buffer's bio, well or not (fs/buffer.c:end_bio_bh_io_sync). */
export function end_bio_bh_io_sync(k: Kernel, bio: bio): void {
  const bh = k.buffer_heads[bio.bi_private]!;
  B_END_IO[bh.b_end_io](k, bh, (bio.bi_flags & BIO_UPTODATE) !== 0);
}

/** A page that is read through its buffer has come, or cannot be read: it is unlocked (fs/buffer.c:end_buffer_async_read). */
function end_buffer_async_read(k: Kernel, bh: buffer_head, uptodate: boolean): void {
  const page = bh.b_page;
  if (uptodate) bh.b_state |= BH_Uptodate;
  else read_failed(k, bh);
  if (!uptodate) set_page_flag(k, page, PG_error);
  bh.b_state &= ~BH_Async_Read;
  unlock_buffer(k, bh);
  if (uptodate && !test_page_flag(k, page, PG_error)) set_page_flag(k, page, PG_uptodate);
  unlock_page(k, page);
}

/** A buffer that somebody waits for has come, or cannot be read (fs/buffer.c:end_buffer_read_sync). */
function end_buffer_read_sync(k: Kernel, bh: buffer_head, uptodate: boolean): void {
  if (uptodate) bh.b_state |= BH_Uptodate;
  else read_failed(k, bh);
  unlock_buffer(k, bh);
}

/** A page that was written through its buffer is on the disk, or lost: then the buffer no longer holds what the disk holds
 *  (fs/buffer.c:end_buffer_async_write). */
function end_buffer_async_write(k: Kernel, bh: buffer_head, uptodate: boolean): void {
  const page = bh.b_page;
  if (uptodate) bh.b_state |= BH_Uptodate;
  else write_failed(k, bh);
  bh.b_state &= ~BH_Async_Write;
  unlock_buffer(k, bh);
  end_file_writeback(k, page, uptodate ? 0 : -EIO);
}

function read_failed(k: Kernel, bh: buffer_head): void {
  bh.b_state &= ~BH_Uptodate;
  if (printk_ratelimit(k)) buffer_io_error(k, bh);
  note_io_error(k, bh.b_page, READ);
}

function write_failed(k: Kernel, bh: buffer_head): void {
  if (printk_ratelimit(k)) {
    buffer_io_error(k, bh);
    printk(k, `lost page write due to I/O error on ${disk_of(k, bh.b_bdev).disk_name}`);
  }
  bh.b_state &= ~BH_Uptodate;
  page_write_failed(k, bh.b_page);
}

function buffer_io_error(k: Kernel, bh: buffer_head): void {
  printk(k, `Buffer I/O error on device ${disk_of(k, bh.b_bdev).disk_name}, logical block ${bh.b_blocknr}`);
}

/** A page could not be written: it is marked, and its file, so that who waits for it or syncs the file is told (AS_EIO). */
export function page_write_failed(k: Kernel, page: Pfn): void {
  const mapping = page_mapping(k, page);
  if (mapping !== null) mapping.flags |= AS_EIO;
  set_page_flag(k, page, PG_error);
  note_io_error(k, page, WRITE);
}

/** Tells the tracer that a disk could not read or write a page. */
export function note_io_error(k: Kernel, page: Pfn, rw: number): void {
  trace_file_io_error(k, page_mapping(k, page)?.ino ?? 0, page_index(k, page), rw);
}

/** The write-back of a page of a file is over: 0 or -EIO. */
export function end_file_writeback(k: Kernel, page: Pfn, error: number): void {
  trace_page_writeback_end(k, page, page_mapping(k, page)?.ino ?? 0, page_index(k, page), error);
  end_page_writeback(k, page);
}
