// The page cache: finding pages of files, adding and removing them, and what a fault in a mapping of a file does (mm/filemap.c; KERNEL.md FM-1, FM-2,
// FM-12, CC-2).
//
//   filemap_nopage ─┬─ find_get_page                                                                    it is there
//                   ├─ do_page_cache_readahead (mm/readahead.ts): 32 pages around it ── find_get_page   MADV_NORMAL
//                   ├─ page_cache_readahead: windows, as read() has them                                MADV_SEQUENTIAL
//                   └─ page_cache_read: it alone                                                        MADV_RANDOM, or too many misses
//                   then, unless it is up to date: lock_page, which waits for what is being read ── a_ops.readpage, twice at most
//
// read() is in mm/filemap_read.ts, write() in mm/filemap_write.ts, writing out in mm/filemap_sync.ts, the page lock in mm/page_wait.ts.
//
// Left out: direct I/O, sendfile, filemap_populate (nonlinear mappings), the lock of the tree. Not modelled yet: the swap token that filemap_nopage
// grabs.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, file_ra_state, inode, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EEXIST, ENOMEM } from '../include/errno.ts';
import { GFP_HIGHUSER, GFP_KERNEL, __GFP_COLD, __GFP_FS, __GFP_HIGHMEM } from '../include/gfp.ts';
import { VM_FAULT_MAJOR, VM_FAULT_MINOR, VM_RAND_READ, VM_SEQ_READ } from '../include/mm_types.ts';
import { NR_FILE_PAGES } from '../include/mmzone.ts';
import { PG_error, PG_locked, PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE } from '../include/types.ts';
import {
  radix_tree_delete, radix_tree_gang_lookup, radix_tree_gang_lookup_tag, radix_tree_insert, radix_tree_lookup, radix_tree_preload,
} from '../lib/radix-tree.ts';
import { BUG } from '../kernel/panic.ts';
import { current_task } from '../kernel/sched.ts';
import { a_ops } from '../fs/a_ops.ts';
import { clear_page_flag, get_page, page_index, page_mapping_raw, set_page_flag, set_page_index, set_page_mapping, test_page_flag } from './mem_map.ts';
import { file_of, inode_of } from './mm_struct.ts';
import { alloc_page } from './page_alloc.ts';
import { TestSetPageLocked, lock_page, unlock_page, wait_on_page_locked } from './page_wait.ts';
import { do_page_cache_readahead, handle_ra_miss, max_sane_readahead, page_cache_readahead } from './readahead.ts';
import { linear_page_index } from './rmap.ts';
import { shmem_nopage } from './shmem.ts';
import { lru_cache_add, mark_page_accessed, page_cache_release } from './swap.ts';
import { PGMAJFAULT, count_vm_events, dec_zone_page_state, inc_zone_page_state } from './vmstat.ts';
import { VIA_FAULT, trace_mm_filemap_add_to_page_cache, trace_mm_filemap_delete_from_page_cache, trace_mm_filemap_miss } from '../trace/pagemap.ts';

export {
  filemap_fdatawait, filemap_fdatawrite, filemap_flush, filemap_write_and_wait, sync_page_range, wait_on_page_writeback_range,
} from './filemap_sync.ts';
export { TestSetPageLocked, end_page_writeback, lock_page, unlock_page, wait_on_page_locked, wait_on_page_writeback } from './page_wait.ts';

/** What ->nopage found: a page with a reference for its user, and whether it had to be read. `page` is NOPAGE_SIGBUS where the file has none there,
 *  NOPAGE_OOM where there is no memory for it. */
export interface nopage_answer {
  page: Pfn;
  type: number;
}

export const NOPAGE_SIGBUS = NO_PAGE;
export const NOPAGE_OOM = -2 as Pfn;

/** So many more misses than hits, and nothing is read around them any more (FM-12). */
const MMAP_LOTSAMISS = 100;

// ---- faults -----------------------------------------------------------------------------------------------------------

/** A fault in a mapping of a file, on its way. */
interface file_fault {
  file: file;
  inode: inode;
  vma: vm_area_struct;
  pgoff: number;
  /** 1: pages around it were read, which has counted it as a major one. */
  did_readaround: 0 | 1;
  /** VM_FAULT_MINOR, or VM_FAULT_MAJOR. */
  type: number;
}

/** The page of a VMA's file at an address, by the file's kind (vma->vm_ops->nopage). */
export function* vma_nopage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, nopage_answer, void> {
  if (inode_of(k, file_of(k, vma.vm_file).f_inode).kind === 'shmem') {
    const answer = yield* shmem_nopage(k, vma, address);
    return answer;
  }
  const answer = yield* filemap_nopage(k, vma, address);
  return answer;
}

/** The page of a file at an address of a VMA, read if need be; SIGBUS where it cannot be read (mm/filemap.c:filemap_nopage; FM-12, F-14). */
export function* filemap_nopage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, nopage_answer, void> {
  const file = file_of(k, vma.vm_file);
  const inode = inode_of(k, file.f_inode);
  const fault: file_fault = { file, inode, vma, pgoff: linear_page_index(vma, address), did_readaround: 0, type: VM_FAULT_MINOR };
  for (;;) {
    const page = yield* find_for_fault(k, fault);
    if (page === NOPAGE_SIGBUS || page === NOPAGE_OOM) return { page, type: VM_FAULT_MINOR };
    const result = yield* read_for_fault(k, fault, page);
    if (result === 'uptodate') {
      mark_page_accessed(k, page);
      return { page, type: fault.type };
    }
    if (result === 'failed') shrink_readahead_size_eio(file.f_ra);
    page_cache_release(k, page);
    if (result === 'failed') return { page: NOPAGE_SIGBUS, type: VM_FAULT_MINOR };
  }
}

/** The page in the cache, with a reference, but perhaps not up to date yet; NOPAGE_SIGBUS or NOPAGE_OOM. Only somebody else who looks into the memory
 *  is given a page beyond the end of the file. */
function* find_for_fault(k: Kernel, fault: file_fault): Generator<Wait, Pfn, void> {
  const { file, inode, vma, pgoff } = fault;
  const is_outside = pgoff >= Math.ceil(inode.size / PAGE_SIZE);
  if (is_outside && vma.vm_mm === current_task(k).mm) return NOPAGE_SIGBUS;
  let skip_cache = is_outside || (vma.vm_flags & VM_RAND_READ) !== 0;
  if (!skip_cache && (vma.vm_flags & VM_SEQ_READ) !== 0) yield* page_cache_readahead(k, inode, file.f_ra, pgoff, 1);
  for (;;) {
    if (!skip_cache) {
      const page = yield* find_or_read_around(k, fault);
      if (page !== NO_PAGE) return page;
    }
    const error = yield* page_cache_read(k, inode, pgoff);
    if (error < 0) return error === -ENOMEM ? NOPAGE_OOM : NOPAGE_SIGBUS;
    skip_cache = false;
  }
}

/** The page in the cache, after those around it were read where it is missing and that seems of use; or NO_PAGE (FM-12). */
function* find_or_read_around(k: Kernel, fault: file_fault): Generator<Wait, Pfn, void> {
  const { inode, vma, pgoff } = fault;
  const { f_ra } = fault.file;
  let page = find_get_page(k, inode, pgoff);
  if (page === NO_PAGE) {
    trace_mm_filemap_miss(k, inode.ino, pgoff, VIA_FAULT);
    if ((vma.vm_flags & VM_SEQ_READ) !== 0) {
      handle_ra_miss(f_ra);
      return NO_PAGE;
    }
    f_ra.mmap_miss++;
    if (f_ra.mmap_miss > f_ra.mmap_hit + MMAP_LOTSAMISS) return NO_PAGE;
    count_major_fault(k, fault);
    fault.did_readaround = 1;
    yield* read_around(k, inode, f_ra, pgoff);
    page = find_get_page(k, inode, pgoff);
  }
  if (page !== NO_PAGE && fault.did_readaround === 0) fault.file.f_ra.mmap_hit++;
  return page;
}

/** A fault that has to wait for a disk is a major one; it counts once. */
function count_major_fault(k: Kernel, fault: file_fault): void {
  if (fault.did_readaround === 1) return;
  fault.type = VM_FAULT_MAJOR;
  count_vm_events(k, PGMAJFAULT, 1);
}

/** Reads the pages around one that a fault missed (FM-12): half of them before it. */
function* read_around(k: Kernel, inode: inode, ra: file_ra_state, pgoff: number): Generator<Wait, void, void> {
  const ra_pages = max_sane_readahead(k, ra.ra_pages);
  if (ra_pages === 0) return;
  yield* do_page_cache_readahead(k, inode, Math.max(0, pgoff - Math.floor(ra_pages / 2)), ra_pages);
}

/** Waits until a page of the cache was read, and reads it if nobody did: twice where the first time failed. `gone`: it is no page of the file any
 *  more (page_not_uptodate). */
function* read_for_fault(k: Kernel, fault: file_fault, page: Pfn): Generator<Wait, 'uptodate' | 'gone' | 'failed', void> {
  if (test_page_flag(k, page, PG_uptodate)) return 'uptodate';
  count_major_fault(k, fault);
  for (let attempt = 0; attempt < 2; attempt++) {
    yield* lock_page(k, page);
    const is_gone = page_mapping_raw(k, page) === 0;
    if (is_gone || test_page_flag(k, page, PG_uptodate)) {
      unlock_page(k, page);
      return is_gone ? 'gone' : 'uptodate';
    }
    if (attempt > 0) clear_page_flag(k, page, PG_error);
    const error = yield* a_ops(fault.inode).readpage(k, fault.inode, page);
    if (error === 0) yield* wait_on_page_locked(k, page);
    if (error === 0 && test_page_flag(k, page, PG_uptodate)) return 'uptodate';
  }
  return 'failed';
}

/** Windows become smaller where a disk fails, so that one bad block costs fewer good ones (mm/filemap.c:shrink_readahead_size_eio; FM-4). */
export function shrink_readahead_size_eio(ra: file_ra_state): void {
  ra.ra_pages = Math.floor(ra.ra_pages / 4);
}

/** Reads a single page, or finds that it is there: 0, or -ENOMEM, or what the file system says (mm/filemap.c:page_cache_read). */
function* page_cache_read(k: Kernel, inode: inode, index: number): Generator<Wait, number, void> {
  const page = yield* page_cache_alloc_cold(k);
  if (page === NO_PAGE) return -ENOMEM;
  let error = yield* add_to_page_cache_lru(k, page, inode, index, GFP_KERNEL);
  if (error === 0) error = yield* a_ops(inode).readpage(k, inode, page);
  else if (error === -EEXIST) error = 0;
  page_cache_release(k, page);
  return error;
}

/** A page for the cache (mm/filemap.c:page_cache_alloc). */
export function* page_cache_alloc(k: Kernel): Generator<Wait, Pfn, void> {
  const page = yield* alloc_page(k, GFP_HIGHUSER);
  return page;
}

/** A page for the cache that will not be used by the CPU before the disk has written it (G-2). */
export function* page_cache_alloc_cold(k: Kernel): Generator<Wait, Pfn, void> {
  const page = yield* alloc_page(k, GFP_HIGHUSER | __GFP_COLD);
  return page;
}

// ---- finding, adding, removing ----------------------------------------------------------------------------------------

/** A page of the cache with one reference more, or NO_PAGE (mm/filemap.c:find_get_page; FM-2). */
export function find_get_page(k: Kernel, inode: inode, index: number): Pfn {
  const page = radix_tree_lookup(inode.page_tree, index);
  if (page !== NO_PAGE) get_page(k, page);
  return page;
}

/** The same, locked; one that is no longer at its place when the lock is had is looked for again (mm/filemap.c:find_lock_page; FM-2). */
export function* find_lock_page(k: Kernel, inode: inode, index: number): Generator<Wait, Pfn, void> {
  for (;;) {
    const page = find_get_page(k, inode, index);
    if (page === NO_PAGE) return NO_PAGE;
    yield* lock_page(k, page);
    if (page_mapping_raw(k, page) === inode.ino * 2 && page_index(k, page) === index) return page;
    unlock_page(k, page);
    page_cache_release(k, page);
  }
}

/** The same where the lock can be had at once, without a reference: the lock keeps the page where it is; else NO_PAGE
 *  (mm/filemap.c:find_trylock_page). */
export function find_trylock_page(k: Kernel, inode: inode, index: number): Pfn {
  const page = radix_tree_lookup(inode.page_tree, index);
  return page === NO_PAGE || TestSetPageLocked(k, page) ? NO_PAGE : page;
}

/** A page of the cache, locked and with a reference: the one that is there, or a new one that nobody has filled. NO_PAGE without memory
 *  (mm/filemap.c:find_or_create_page; FM-2). */
export function* find_or_create_page(k: Kernel, inode: inode, index: number, gfp_mask: number): Generator<Wait, Pfn, void> {
  let cached_page = NO_PAGE;
  let page = NO_PAGE;
  for (;;) {
    page = yield* find_lock_page(k, inode, index);
    if (page !== NO_PAGE) break;
    if (cached_page === NO_PAGE) cached_page = yield* alloc_page(k, gfp_mask);
    if (cached_page === NO_PAGE) return NO_PAGE;
    const error = yield* add_to_page_cache_lru(k, cached_page, inode, index, gfp_mask);
    if (error === 0) return cached_page;
    if (error !== -EEXIST) break;
  }
  if (cached_page !== NO_PAGE) page_cache_release(k, cached_page);
  return page;
}

/** Pages of the cache from `start` on, ascending, `nr` at most, each with one reference more (mm/filemap.c:find_get_pages; FM-2). */
export function find_get_pages(k: Kernel, inode: inode, start: number, nr: number): Pfn[] {
  const found = radix_tree_gang_lookup(inode.page_tree, start, nr).map(({ page }) => page);
  for (const page of found) get_page(k, page);
  return found;
}

/** The same up to the first page that is missing (mm/filemap.c:find_get_pages_contig). */
export function find_get_pages_contig(k: Kernel, inode: inode, start: number, nr: number): Pfn[] {
  const found = radix_tree_gang_lookup(inode.page_tree, start, nr).filter(({ index }, i) => index === start + i).map(({ page }) => page);
  for (const page of found) get_page(k, page);
  return found;
}

/** The same of pages that have a mark: DIRTY or WRITEBACK (mm/filemap.c:find_get_pages_tag). */
export function find_get_pages_tag(k: Kernel, inode: inode, start: number, tag: number, nr: number): { index: number; page: Pfn }[] {
  const found = radix_tree_gang_lookup_tag(inode.page_tree, start, nr, tag);
  for (const { page } of found) get_page(k, page);
  return found;
}

/** A page of the cache, locked and with a reference, where that needs no waiting for a lock; a new one if there is none. Its memory may not be found
 *  by writing pages out, which may need this one (mm/filemap.c:grab_cache_page_nowait; FM-2). */
export function* grab_cache_page_nowait(k: Kernel, inode: inode, index: number): Generator<Wait, Pfn, void> {
  const found = find_get_page(k, inode, index);
  if (found !== NO_PAGE) {
    if (!TestSetPageLocked(k, found)) return found;
    page_cache_release(k, found);
    return NO_PAGE;
  }
  const gfp_mask = GFP_HIGHUSER & ~__GFP_FS;
  const page = yield* alloc_page(k, gfp_mask);
  if (page === NO_PAGE) return NO_PAGE;
  const error = yield* add_to_page_cache_lru(k, page, inode, index, gfp_mask);
  if (error === 0) return page;
  page_cache_release(k, page);
  return NO_PAGE;
}

/** Puts a page into the cache, locked and with a reference more. 0, or -EEXIST where there is one already (mm/filemap.c:add_to_page_cache; FM-1). */
export function* add_to_page_cache(k: Kernel, page: Pfn, inode: inode, index: number, gfp_mask: number): Generator<Wait, number, void> {
  let error = yield* radix_tree_preload(k, gfp_mask & ~__GFP_HIGHMEM);
  if (error !== 0) return error;
  error = yield* radix_tree_insert(k, inode.page_tree, index, page);
  if (error !== 0) return error;
  inode.nrpages++;
  get_page(k, page);
  set_page_flag(k, page, PG_locked);
  set_page_mapping(k, page, inode.ino * 2);
  set_page_index(k, page, index);
  inc_zone_page_state(k, page, NR_FILE_PAGES);
  trace_mm_filemap_add_to_page_cache(k, page, inode.ino, index, s_dev(inode));
  return 0;
}

/** The same, and the page is to come onto the inactive list (mm/filemap.c:add_to_page_cache_lru; FM-1, L-4). */
export function* add_to_page_cache_lru(k: Kernel, page: Pfn, inode: inode, index: number, gfp_mask: number): Generator<Wait, number, void> {
  const error = yield* add_to_page_cache(k, page, inode, index, gfp_mask);
  if (error === 0) lru_cache_add(k, page);
  return error;
}

/** Takes a locked page out of the cache; the cache's reference is the caller's to drop (mm/filemap.c:remove_from_page_cache). */
export function remove_from_page_cache(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/filemap.c:remove_from_page_cache: page ${page} is not locked`);
  const inode = inode_of(k, page_mapping_raw(k, page) / 2);
  const index = page_index(k, page);
  radix_tree_delete(k, inode.page_tree, index);
  inode.nrpages--;
  set_page_mapping(k, page, 0);
  dec_zone_page_state(k, page, NR_FILE_PAGES);
  trace_mm_filemap_delete_from_page_cache(k, page, inode.ino, index, s_dev(inode));
}

function s_dev(inode: inode): number {
  return inode.major * 2 ** 20 + inode.minor;
}
