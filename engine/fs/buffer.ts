// Pages of files and their buffers (fs/buffer.c; KERNEL.md FM-5, FM-13, CC-7). The buffers themselves, and the ends of their I/O, are in
// fs/buffer_head.ts.
//
//   write()   block_prepare_write → the bytes are copied → generic_commit_write       gives a page a buffer: must its block be read first?
//   reading, and writing a page out that a mapping made dirty                         do without (fs/mpage.ts)
//   truncation, reclaim                                                               try_to_release_page → try_to_free_buffers
//
// With one block a page much of the kernel's loops over buffers comes to a single step. Left out: what fs/buffer_head.ts leaves out.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { buffer_head } from '../include/buffer_head.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import type { writeback_control } from '../include/writeback.ts';
import { BH_Async_Read, BH_Async_Write, BH_Dirty, BH_Lock, BH_Mapped, BH_New, BH_Req, BH_Uptodate } from '../include/buffer_head.ts';
import { READ, WRITE } from '../include/bio.ts';
import { ENOMEM } from '../include/errno.ts';
import { GFP_HIGHUSER } from '../include/gfp.ts';
import { PG_error, PG_locked, PG_mappedtodisk, PG_private, PG_uptodate, PG_writeback } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys } from '../include/types.ts';
import { WB_SYNC_NONE } from '../include/writeback.ts';
import { blk_unplug } from '../block/plug.ts';
import { BUG } from '../kernel/panic.ts';
import { charge } from '../kernel/sched.ts';
import { fill_phys } from '../mm/contents.ts';
import { find_or_create_page } from '../mm/filemap.ts';
import { clear_page_flag, page_index, set_page_flag, set_page_private, test_page_flag } from '../mm/mem_map.ts';
import { page_mapping } from '../mm/mm_struct.ts';
import { __set_page_dirty_nobuffers, redirty_page_for_writepage, set_page_writeback, test_clear_page_dirty } from '../mm/page-writeback.ts';
import { unlock_page } from '../mm/page_wait.ts';
import { page_cache_release } from '../mm/swap.ts';
import { a_ops } from './a_ops.ts';
import {
  end_file_writeback, free_buffer_head, get_block, need_buffers, page_buffers, page_has_buffers, read_buffer, submit_bh, test_buffer, wait_on_buffer,
} from './buffer_head.ts';
import { mark_inode_dirty } from './fs-writeback.ts';

// ---- dirt -------------------------------------------------------------------------------------------------------------

/** A page that may have a buffer becomes dirty, buffer and all: 1 where it was clean (fs/buffer.c:__set_page_dirty_buffers; CC-7). */
export function __set_page_dirty_buffers(k: Kernel, page: Pfn): number {
  if (page_has_buffers(k, page)) page_buffers(k, page).b_state |= BH_Dirty;
  return __set_page_dirty_nobuffers(k, page);
}

/** A buffer becomes dirty, and its page with it (fs/buffer.c:mark_buffer_dirty). */
export function mark_buffer_dirty(k: Kernel, bh: buffer_head): void {
  if (test_buffer(bh, BH_Dirty)) return;
  bh.b_state |= BH_Dirty;
  __set_page_dirty_nobuffers(k, bh.b_page);
}

// ---- writing to a file ------------------------------------------------------------------------------------------------

/** Bytes `from` … `to` of a locked page are about to be written: the page gets a buffer and that a block, which is read first where the write leaves
 *  some of it alone. 0, -ENOSPC, -EIO or -ENOMEM (fs/buffer.c:block_prepare_write; FM-5). */
export function* block_prepare_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void> {
  const error = yield* __block_prepare_write(k, inode, page, from, to);
  if (error !== 0) clear_page_flag(k, page, PG_uptodate);
  return error;
}

/** With one block a page there is never a new block to be cleared after an error (fs/buffer.c:__block_prepare_write). */
function* __block_prepare_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void> {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `fs/buffer.c:__block_prepare_write: page ${page} is not locked`);
  const error = yield* need_buffers(k, page, 0);
  if (error !== 0) return error;
  const bh = page_buffers(k, page);
  const is_uptodate = test_page_flag(k, page, PG_uptodate);
  if (from === to) {
    if (is_uptodate) bh.b_state |= BH_Uptodate;
    return 0;
  }
  bh.b_state &= ~BH_New;
  if (!test_buffer(bh, BH_Mapped)) {
    const err = get_block(k, inode, bh, 1);
    if (err !== 0) return err;
  }
  const is_new = test_buffer(bh, BH_New);
  bh.b_state &= ~BH_New;
  if (is_uptodate) {
    bh.b_state |= BH_Uptodate;
    return 0;
  }
  if (is_new) {
    zero_user_page(k, page, to, PAGE_SIZE);
    zero_user_page(k, page, 0, from);
    return 0;
  }
  const is_whole = from === 0 && to === PAGE_SIZE;
  if (is_whole || test_buffer(bh, BH_Uptodate)) return 0;
  const ret = yield* read_buffer(k, bh);
  return ret;
}

/** Those bytes are written: buffer and page are dirty, and the file is longer where it has to be: 0 (fs/buffer.c:generic_commit_write; FM-5). */
export function* generic_commit_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void> {
  block_commit_write(k, page, from, to);
  const pos = page_index(k, page) * PAGE_SIZE + to;
  if (pos > inode.size) {
    inode.size = pos;
    mark_inode_dirty(k, inode);
  }
  return 0;
}

/** What prepare_write did not read was written: the page is up to date, all of it (fs/buffer.c:__block_commit_write). */
function block_commit_write(k: Kernel, page: Pfn, from: number, to: number): void {
  const bh = page_buffers(k, page);
  if (from < to) {
    bh.b_state |= BH_Uptodate;
    mark_buffer_dirty(k, bh);
  }
  if (test_buffer(bh, BH_Uptodate)) set_page_flag(k, page, PG_uptodate);
}

/** A file ends at byte `from` now: what its last page holds behind it becomes zeroes, in memory and with the next write-back on the disk. The page is
 *  read for that where it must be; one in a hole is zeroes anyway. 0, -ENOMEM or -EIO (fs/buffer.c:block_truncate_page). */
export function* block_truncate_page(k: Kernel, inode: inode, from: number): Generator<Wait, number, void> {
  const offset = from % PAGE_SIZE;
  if (offset === 0) return 0;
  const page = yield* find_or_create_page(k, inode, (from - offset) / PAGE_SIZE, GFP_HIGHUSER);
  if (page === NO_PAGE) return -ENOMEM;
  const error = yield* truncate_block(k, inode, page, offset);
  unlock_page(k, page);
  page_cache_release(k, page);
  return error;
}

function* truncate_block(k: Kernel, inode: inode, page: Pfn, offset: number): Generator<Wait, number, void> {
  const error = yield* need_buffers(k, page, 0);
  if (error !== 0) return error;
  const bh = page_buffers(k, page);
  if (!test_buffer(bh, BH_Mapped)) get_block(k, inode, bh, 0);
  if (!test_buffer(bh, BH_Mapped)) return 0;
  if (test_page_flag(k, page, PG_uptodate)) bh.b_state |= BH_Uptodate;
  if (!test_buffer(bh, BH_Uptodate)) {
    const err = yield* read_buffer(k, bh);
    if (err !== 0) return err;
  }
  zero_user_page(k, page, offset, PAGE_SIZE);
  mark_buffer_dirty(k, bh);
  return 0;
}

// ---- whole pages ------------------------------------------------------------------------------------------------------

/** Reads a locked page through its buffer; the end of the I/O unlocks it. 0, or -ENOMEM, and the page is unlocked
 *  (fs/buffer.c:block_read_full_page). */
export function* block_read_full_page(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void> {
  const error = yield* need_buffers(k, page, 0);
  if (error !== 0) {
    unlock_page(k, page);
    return error;
  }
  const bh = page_buffers(k, page);
  const was_mapped = test_buffer(bh, BH_Mapped);
  if (!test_buffer(bh, BH_Uptodate)) map_for_read(k, inode, page, bh);
  if (was_mapped) set_page_flag(k, page, PG_mappedtodisk);
  if (test_buffer(bh, BH_Uptodate)) {
    if (!test_page_flag(k, page, PG_error)) set_page_flag(k, page, PG_uptodate);
    unlock_page(k, page);
    return 0;
  }
  bh.b_state |= BH_Lock | BH_Async_Read;
  bh.b_end_io = 'end_buffer_async_read';
  yield* submit_bh(k, READ, bh);
  return 0;
}

/** Finds the block of a page that is to be read; one without a block reads as zeroes. */
function map_for_read(k: Kernel, inode: inode, page: Pfn, bh: buffer_head): void {
  const is_inside = page_index(k, page) < Math.ceil(inode.size / PAGE_SIZE);
  if (!test_buffer(bh, BH_Mapped) && is_inside) get_block(k, inode, bh, 0);
  if (test_buffer(bh, BH_Mapped)) return;
  zero_user_page(k, page, 0, PAGE_SIZE);
  bh.b_state |= BH_Uptodate;
}

/** Writes a locked page through its buffer, and unlocks it: 0 or a negative error. Of the page that a file ends in, what lies behind the end goes to
 *  the disk as zeroes; one that lies behind it altogether is not written: truncation is about to take it (fs/buffer.c:block_write_full_page). */
export function* block_write_full_page(k: Kernel, inode: inode, page: Pfn, wbc: writeback_control): Generator<Wait, number, void> {
  const end_index = Math.floor(inode.size / PAGE_SIZE);
  const offset = inode.size % PAGE_SIZE;
  const index = page_index(k, page);
  if (index > end_index || (index === end_index && offset === 0)) {
    a_ops(inode).invalidatepage(k, page, 0);
    unlock_page(k, page);
    return 0;
  }
  if (index === end_index) zero_user_page(k, page, offset, PAGE_SIZE);
  const error = yield* __block_write_full_page(k, inode, page, wbc);
  return error;
}

/** A page without a block that gets none is marked, and what it holds goes no further (fs/buffer.c:__block_write_full_page). */
function* __block_write_full_page(k: Kernel, inode: inode, page: Pfn, wbc: writeback_control): Generator<Wait, number, void> {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `fs/buffer.c:__block_write_full_page: page ${page} is not locked`);
  const error = yield* need_buffers(k, page, BH_Dirty | BH_Uptodate);
  if (error !== 0) {
    redirty_page_for_writepage(k, wbc, page);
    unlock_page(k, page);
    return 0;
  }
  const bh = page_buffers(k, page);
  const is_unmapped = !test_buffer(bh, BH_Mapped) && test_buffer(bh, BH_Dirty);
  const err = is_unmapped ? get_block(k, inode, bh, 1) : 0;
  bh.b_state &= ~BH_New;
  if (err !== 0) {
    bh.b_state &= ~BH_Dirty;
    set_page_flag(k, page, PG_error);
  } else if (test_buffer(bh, BH_Mapped)) {
    yield* lock_for_write(k, page, bh, wbc);
  }
  yield* write_locked_buffer(k, page, bh, wbc);
  return err;
}

/** Locks a buffer that is to be written. Who may not wait for it dirties the page again instead. */
function* lock_for_write(k: Kernel, page: Pfn, bh: buffer_head, wbc: writeback_control): Generator<Wait, void, void> {
  const may_wait = wbc.sync_mode !== WB_SYNC_NONE || wbc.nonblocking === 0;
  if (may_wait) yield* wait_on_buffer(k, bh);
  else if (test_buffer(bh, BH_Lock)) {
    redirty_page_for_writepage(k, wbc, page);
    return;
  }
  if (!test_buffer(bh, BH_Dirty)) return;
  bh.b_state = (bh.b_state & ~BH_Dirty) | BH_Lock | BH_Async_Write;
  bh.b_end_io = 'end_buffer_async_write';
}

/** The page is under write-back, and unlocked, while its buffer is written; with nothing to write that is over at once. */
function* write_locked_buffer(k: Kernel, page: Pfn, bh: buffer_head, wbc: writeback_control): Generator<Wait, void, void> {
  if (test_page_flag(k, page, PG_writeback)) BUG(k, `fs/buffer.c:__block_write_full_page: page ${page} is being written already`);
  set_page_writeback(k, page);
  if (test_buffer(bh, BH_Async_Write)) {
    yield* submit_bh(k, WRITE, bh);
    unlock_page(k, page);
    return;
  }
  unlock_page(k, page);
  if (test_buffer(bh, BH_Uptodate)) set_page_flag(k, page, PG_uptodate);
  end_file_writeback(k, page, 0);
  wbc.pages_skipped++;
}

// ---- giving buffers up ------------------------------------------------------------------------------------------------

/** A locked page's buffer goes, if its file system lets it: 1, or 0 where it is still needed (fs/buffer.c:try_to_release_page). */
export function try_to_release_page(k: Kernel, page: Pfn, gfp_mask: number): number {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `fs/buffer.c:try_to_release_page: page ${page} is not locked`);
  if (test_page_flag(k, page, PG_writeback)) return 0;
  const mapping = page_mapping(k, page);
  return mapping === null ? try_to_free_buffers(k, page) : a_ops(mapping).releasepage(k, page, gfp_mask);
}

/** Takes a page's buffer away, unless it is dirty or its I/O is under way; a page without one that is dirty all the same is clean then
 *  (fs/buffer.c:try_to_free_buffers). */
export function try_to_free_buffers(k: Kernel, page: Pfn): number {
  if (test_page_flag(k, page, PG_writeback)) return 0;
  const bh = page_buffers(k, page);
  if (test_buffer(bh, BH_Dirty | BH_Lock)) return 0;
  clear_page_buffers(k, page);
  if (page_mapping(k, page) !== null) test_clear_page_dirty(k, page);
  free_buffer_head(k, bh);
  return 1;
}

/** A page has no buffer any more, nor the reference for it (__clear_page_buffers). */
function clear_page_buffers(k: Kernel, page: Pfn): void {
  clear_page_flag(k, page, PG_private);
  set_page_private(k, page, 0);
  page_cache_release(k, page);
}

/** Bytes of a locked page from `offset` on are of no use any more. A buffer that lies behind it altogether forgets its block, and with the whole page
 *  is given up (fs/buffer.c:block_invalidatepage; FM-13). */
export function block_invalidatepage(k: Kernel, page: Pfn, offset: number): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `fs/buffer.c:block_invalidatepage: page ${page} is not locked`);
  if (!page_has_buffers(k, page) || offset > 0) return;
  discard_buffer(k, page_buffers(k, page));
  try_to_release_page(k, page, 0);
}

/** A buffer's block is no longer the file's (fs/buffer.c:discard_buffer). Nobody reads or writes it: the page's lock is held, and it is not under
 *  write-back; so there is nothing to wait for. */
function discard_buffer(k: Kernel, bh: buffer_head): void {
  if (test_buffer(bh, BH_Lock)) BUG(k, `fs/buffer.c:discard_buffer: the buffer of page ${bh.b_page} is locked`);
  bh.b_state &= ~(BH_Dirty | BH_Mapped | BH_Req | BH_New);
  bh.b_bdev = -1;
  bh.b_blocknr = -1;
}

/** Somebody is about to wait for a page: its disk is to begin (fs/buffer.c:block_sync_page; FM-3). */
export function block_sync_page(k: Kernel, page: Pfn): void {
  const mapping = page_mapping(k, page);
  if (mapping !== null && mapping.i_bdev >= 0) blk_unplug(k, mapping.i_bdev);
}

/** Zeroes from byte `from` up to `to` of a page. A whole page takes the time of one (kmap_atomic and memset). */
export function zero_user_page(k: Kernel, page: Pfn, from: number, to: number): void {
  if (to <= from) return;
  fill_phys(k, phys(pfn_to_phys(page) + from), to - from, 0);
  if (to - from === PAGE_SIZE) charge(k, k.cost.zero_page);
}
