// Taking pages out of the page cache because their file has become shorter, or is gone (mm/truncate.c; KERNEL.md F-13, FM-13). Whoever calls has
// unmapped them before.
//
// A page's lock is never held over a sleep and nothing is written out yet, so the second pass, which waits for what the first had to skip, only finds
// pages that were read meanwhile. Left out: buffers, invalidate_inode_pages (drop_caches).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn } from '../include/types.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PG_mappedtodisk, PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { cond_resched } from '../kernel/sched.ts';
import { fill_phys } from './contents.ts';
import { find_get_page, find_lock_page, lock_page, remove_from_page_cache, unlock_page } from './filemap.ts';
import { clear_page_flag, page_mapping_raw } from './mem_map.ts';
import { test_clear_page_dirty } from './page-writeback.ts';
import { shmem_recalc_inode } from './shmem.ts';
import { __pagevec_release, page_cache_release } from './swap.ts';

/** Every page from byte `lstart` of a file on leaves the cache; the rest of one that is cut becomes zeroes (mm/truncate.c:truncate_inode_pages). */
export function* truncate_inode_pages(k: Kernel, inode: inode, lstart: number): Generator<Wait, void, void> {
  yield* truncate_inode_pages_range(k, inode, lstart, Infinity);
}

/** The same for the bytes from `lstart` up to `lend`, which is the first byte of a page that stays, or Infinity (mm/truncate.c). What shared memory
 *  gave up in this way is no longer promised (the file system's own truncate). */
export function* truncate_inode_pages_range(k: Kernel, inode: inode, lstart: number, lend: number): Generator<Wait, void, void> {
  if (lend !== Infinity && lend % PAGE_SIZE !== 0) BUG(k, 'mm/truncate.c:truncate_inode_pages_range: the end is within a page');
  if (inode.nrpages === 0) return;
  const start = Math.ceil(lstart / PAGE_SIZE);
  for (let pass = 0; pass < 2; pass++) {
    const indices = indices_of(inode, start, lend / PAGE_SIZE);
    for (let first = 0; first < indices.length; first += PAGEVEC_SIZE) {
      truncate_batch(k, inode, indices.slice(first, first + PAGEVEC_SIZE));
      yield* cond_resched(k);
    }
    if (pass === 0 && lstart % PAGE_SIZE !== 0) truncate_partial_page(k, inode, lstart);
  }
  if (inode.kind === 'shmem') shmem_recalc_inode(k, inode);
}

/** The same for an inode that nobody can reach any more, without giving way (clear_inode's truncate_inode_pages). */
export function truncate_all_inode_pages(k: Kernel, inode: inode): void {
  const indices = indices_of(inode, 0, Infinity);
  for (let first = 0; first < indices.length; first += PAGEVEC_SIZE) truncate_batch(k, inode, indices.slice(first, first + PAGEVEC_SIZE));
}

/** Offsets of the pages that a cache holds from one on and before another, ascending. */
function indices_of(inode: inode, start: number, end: number): number[] {
  return [...inode.page_tree.keys()].filter((index) => index >= start && index < end).sort((a, b) => a - b);
}

/** What pagevec_lookup finds in one go: each page loses its place, then all the references of the lookup end together. */
function truncate_batch(k: Kernel, inode: inode, indices: readonly number[]): void {
  const pvec: pagevec = { pages: [], cold: 0 };
  for (const index of indices) {
    const page = find_get_page(k, inode, index);
    if (page === NO_PAGE) continue;
    pvec.pages.push(page);
    lock_page(k, page);
    truncate_complete_page(k, inode, page);
    unlock_page(k, page);
  }
  __pagevec_release(k, pvec);
}

/** A locked page leaves the cache, whatever it holds (mm/truncate.c:truncate_complete_page; FM-13). */
function truncate_complete_page(k: Kernel, inode: inode, page: Pfn): void {
  if (page_mapping_raw(k, page) !== inode.ino * 2) return;
  test_clear_page_dirty(k, page);
  clear_page_flag(k, page, PG_uptodate);
  clear_page_flag(k, page, PG_mappedtodisk);
  remove_from_page_cache(k, page);
  page_cache_release(k, page);
}

/** The page in whose midst the file ends now: what lies behind is zeroes (mm/truncate.c:truncate_partial_page). */
function truncate_partial_page(k: Kernel, inode: inode, lstart: number): void {
  const page = find_lock_page(k, inode, Math.floor(lstart / PAGE_SIZE));
  if (page === NO_PAGE) return;
  const partial = lstart % PAGE_SIZE;
  fill_phys(k, phys(pfn_to_phys(page) + partial), PAGE_SIZE - partial, 0);
  unlock_page(k, page);
  page_cache_release(k, page);
}
