// Taking pages out of the page cache (mm/truncate.c; KERNEL.md F-13, FM-13).
//
//   truncate_inode_pages       whatever they hold, because their file has become shorter, or is gone: first what is free at once, then the rest, each
//                              page when it is unlocked and written. Whoever calls has unmapped them before.
//   invalidate_mapping_pages   what can be had again from the disk, and nobody uses: clean, unmapped, unlocked, not being written, and with no
//                              reference but the cache's. Nothing is waited for. A page in a pagevec has one more, and stays (QK-10).
//   invalidate_inode_pages2    all of it, waiting for locks and writes and unmapping; for who has written past the cache. Nobody here does: O_DIRECT
//                              is refused.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import { EIO } from '../include/errno.ts';
import { PG_dirty, PG_mappedtodisk, PG_private, PG_uptodate, PG_writeback } from '../include/page-flags.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys } from '../include/types.ts';
import { a_ops } from '../fs/a_ops.ts';
import { try_to_release_page } from '../fs/buffer.ts';
import { BUG } from '../kernel/panic.ts';
import { cond_resched } from '../kernel/sched.ts';
import { fill_phys } from './contents.ts';
import { find_get_pages, find_lock_page, remove_from_page_cache } from './filemap.ts';
import { clear_page_flag, page_count, page_index, page_mapped, page_mapping_raw, test_page_flag } from './mem_map.ts';
import { unmap_mapping_range } from './memory_zap.ts';
import { set_page_dirty, test_clear_page_dirty } from './page-writeback.ts';
import { TestSetPageLocked, lock_page, unlock_page, wait_on_page_writeback } from './page_wait.ts';
import { shmem_recalc_inode } from './shmem.ts';
import { __pagevec_release, page_cache_release } from './swap.ts';

// ---- truncation -------------------------------------------------------------------------------------------------------

/** Every page from byte `lstart` of a file on leaves the cache; the rest of one that is cut becomes zeroes (mm/truncate.c:truncate_inode_pages). */
export function* truncate_inode_pages(k: Kernel, inode: inode, lstart: number): Generator<Wait, void, void> {
  yield* truncate_inode_pages_range(k, inode, lstart, Infinity);
}

/** The same for the bytes from `lstart` up to `lend`, which is the first byte of a page that stays, or Infinity (mm/truncate.c). What shared memory
 *  gave up in this way is no longer promised (the file system's own truncate). */
export function* truncate_inode_pages_range(k: Kernel, inode: inode, lstart: number, lend: number): Generator<Wait, void, void> {
  if (lend !== Infinity && lend % PAGE_SIZE !== 0) BUG(k, 'mm/truncate.c:truncate_inode_pages_range: the end is within a page');
  if (inode.nrpages === 0) return;
  const range: page_range = { start: Math.ceil(lstart / PAGE_SIZE), end: lend / PAGE_SIZE - 1 };
  yield* truncate_free_pages(k, inode, range);
  if (lstart % PAGE_SIZE !== 0) yield* truncate_partial_page(k, inode, lstart);
  yield* truncate_all_pages(k, inode, range);
  if (inode.kind === 'shmem') shmem_recalc_inode(k, inode);
}

/** Pages of a file, `end` among them; it may be Infinity. */
interface page_range {
  start: number;
  end: number;
}

/** The first pass skips what is locked or being written, so that as much I/O as possible ends meanwhile. */
function* truncate_free_pages(k: Kernel, inode: inode, { start, end }: page_range): Generator<Wait, void, void> {
  let next = start;
  while (next <= end) {
    const pages = find_get_pages(k, inode, next, PAGEVEC_SIZE);
    if (pages.length === 0) return;
    for (const page of pages) {
      const index = page_index(k, page);
      next = Math.max(next, index) + 1;
      if (index <= end && !TestSetPageLocked(k, page)) truncate_free_page(k, inode, page);
    }
    __pagevec_release(k, { pages, cold: 0 });
    yield* cond_resched(k);
  }
}

function truncate_free_page(k: Kernel, inode: inode, page: Pfn): void {
  if (!test_page_flag(k, page, PG_writeback)) truncate_complete_page(k, inode, page);
  unlock_page(k, page);
}

/** The second waits, and begins anew until it finds no page any more. */
function* truncate_all_pages(k: Kernel, inode: inode, { start, end }: page_range): Generator<Wait, void, void> {
  let next = start;
  for (;;) {
    yield* cond_resched(k);
    const pages = find_get_pages(k, inode, next, PAGEVEC_SIZE);
    const is_last = pages.length === 0 ? next === start : page_index(k, pages[0]!) > end;
    for (let i = 0; i < pages.length && page_index(k, pages[i]!) <= end; i++) {
      const page = pages[i]!;
      yield* lock_page(k, page);
      yield* wait_on_page_writeback(k, page);
      next = Math.max(next, page_index(k, page)) + 1;
      truncate_complete_page(k, inode, page);
      unlock_page(k, page);
    }
    if (pages.length > 0) __pagevec_release(k, { pages, cold: 0 });
    else next = start;
    if (is_last) return;
  }
}

/** A locked page leaves the cache, whatever it holds, unless it has left already (mm/truncate.c:truncate_complete_page; FM-13). */
function truncate_complete_page(k: Kernel, inode: inode, page: Pfn): void {
  if (page_mapping_raw(k, page) !== inode.ino * 2) return;
  if (test_page_flag(k, page, PG_private)) do_invalidatepage(k, inode, page, 0);
  test_clear_page_dirty(k, page);
  clear_page_flag(k, page, PG_uptodate);
  clear_page_flag(k, page, PG_mappedtodisk);
  remove_from_page_cache(k, page);
  page_cache_release(k, page);
}

/** The page in whose midst the file ends now: what lies behind is zeroes, once what is on its way to the disk is there
 *  (mm/truncate.c:truncate_partial_page). */
function* truncate_partial_page(k: Kernel, inode: inode, lstart: number): Generator<Wait, void, void> {
  const page = yield* find_lock_page(k, inode, Math.floor(lstart / PAGE_SIZE));
  if (page === NO_PAGE) return;
  const partial = lstart % PAGE_SIZE;
  yield* wait_on_page_writeback(k, page);
  fill_phys(k, phys(pfn_to_phys(page) + partial), PAGE_SIZE - partial, 0);
  if (test_page_flag(k, page, PG_private)) do_invalidatepage(k, inode, page, partial);
  unlock_page(k, page);
  page_cache_release(k, page);
}

/** What the file system keeps of a page from byte `offset` of it on is not needed any more (mm/truncate.c:do_invalidatepage). */
function do_invalidatepage(k: Kernel, inode: inode, page: Pfn, offset: number): void {
  a_ops(inode).invalidatepage(k, page, offset);
}

// ---- invalidation -----------------------------------------------------------------------------------------------------

/** Pages `start` … `end` of a file that are clean and unused leave the cache; how many (mm/truncate.c:invalidate_mapping_pages; FM-13). */
export function invalidate_mapping_pages(k: Kernel, inode: inode, start: number, end: number): number {
  let next = start;
  let invalidated = 0;
  while (next <= end) {
    const pages = find_get_pages(k, inode, next, PAGEVEC_SIZE);
    if (pages.length === 0) break;
    for (const page of pages) {
      const index = page_index(k, page);
      next = Math.max(next, index) + 1;
      if (index > end || TestSetPageLocked(k, page)) continue;
      const is_busy = [PG_dirty, PG_writeback].some((bit) => test_page_flag(k, page, bit)) || page_mapped(k, page);
      if (!is_busy) invalidated += invalidate_complete_page(k, inode, page);
      unlock_page(k, page);
    }
    __pagevec_release(k, { pages, cold: 0 });
  }
  return invalidated;
}

/** The same of a whole file (mm/truncate.c:invalidate_inode_pages). */
export function invalidate_inode_pages(k: Kernel, inode: inode): number {
  return invalidate_mapping_pages(k, inode, 0, Infinity);
}

/** Every page of a file leaves the cache, dirty or mapped: 0, or -EIO where one is still in use (mm/truncate.c:invalidate_inode_pages2). */
export function* invalidate_inode_pages2(k: Kernel, inode: inode): Generator<Wait, number, void> {
  let next = 0;
  let error = 0;
  while (error === 0) {
    const pages = find_get_pages(k, inode, next, PAGEVEC_SIZE);
    if (pages.length === 0) return 0;
    for (let i = 0; i < pages.length && error === 0; i++) {
      next = Math.max(next, page_index(k, pages[i]!) + 1);
      error = yield* invalidate_busy_page(k, inode, pages[i]!);
    }
    __pagevec_release(k, { pages, cold: 0 });
    yield* cond_resched(k);
  }
  return error;
}

/** One page of it, once it is unlocked and written: it leaves all page tables first. What it held that was not written is lost. */
function* invalidate_busy_page(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void> {
  let error = 0;
  yield* lock_page(k, page);
  if (page_mapping_raw(k, page) === inode.ino * 2) {
    yield* wait_on_page_writeback(k, page);
    while (page_mapped(k, page)) yield* unmap_mapping_range(k, inode, page_index(k, page) * PAGE_SIZE, PAGE_SIZE, 0);
    const was_dirty = test_clear_page_dirty(k, page);
    if (invalidate_complete_page(k, inode, page) === 0) {
      if (was_dirty !== 0) set_page_dirty(k, page);
      error = -EIO;
    }
  }
  unlock_page(k, page);
  return error;
}

/** A locked page leaves the cache if nobody but the cache and the caller refers to it: 1, or 0 (mm/truncate.c:invalidate_complete_page). */
function invalidate_complete_page(k: Kernel, inode: inode, page: Pfn): number {
  if (page_mapping_raw(k, page) !== inode.ino * 2) return 0;
  if (test_page_flag(k, page, PG_private) && try_to_release_page(k, page, 0) === 0) return 0;
  if (test_page_flag(k, page, PG_dirty) || page_count(k, page) !== 2) return 0;
  remove_from_page_cache(k, page);
  clear_page_flag(k, page, PG_uptodate);
  page_cache_release(k, page);
  return 1;
}
