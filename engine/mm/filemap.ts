// The page cache, as far as mappings of files need it (mm/filemap.c, fs/mpage.c; KERNEL.md FM-1, FM-2, FM-12).
//
//   filemap_nopage → find_get_page
//                  → do_page_cache_readahead (mm/readahead.ts) → page_cache_alloc_cold … → read_pages → add_to_page_cache, readpage
//                  → page_cache_read → add_to_page_cache_lru, readpage
//
// There is no disk yet. A file's bytes are a function of its path and their offset (file_byte); a page is up to date as soon as it was asked for, and
// costs a copy_page. A fault that had to read is a major one all the same. So nobody waits for a page: a page's lock is never held over a sleep, and
// lock_page has no queue.
//
// Not modelled yet, and to come with files and I/O: read() and write(), readahead by windows (a VM_SEQ_READ mapping is read page by page), the wait
// table, write-back, the memory of the tree's nodes (radix_tree_node), and the swap token that filemap_nopage grabs.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EEXIST, ENOMEM } from '../include/errno.ts';
import { GFP_HIGHUSER, __GFP_COLD } from '../include/gfp.ts';
import { VM_FAULT_MAJOR, VM_FAULT_MINOR, VM_RAND_READ, VM_SEQ_READ } from '../include/mm_types.ts';
import { NR_FILE_PAGES } from '../include/mmzone.ts';
import { PG_locked, PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { fill_frame, write_phys, write_phys32 } from './contents.ts';
import { clear_page_flag, get_page, page_index, page_mapping_raw, set_page_flag, set_page_index, set_page_mapping, test_page_flag } from './mem_map.ts';
import { file_of, inode_of } from './mm_struct.ts';
import { alloc_page } from './page_alloc.ts';
import { do_page_cache_readahead, max_sane_readahead } from './readahead.ts';
import { linear_page_index } from './rmap.ts';
import { shmem_delete_inode, shmem_nopage } from './shmem.ts';
import { lru_cache_add, mark_page_accessed, page_cache_release } from './swap.ts';
import { PGMAJFAULT, count_vm_events, dec_zone_page_state, inc_zone_page_state } from './vmstat.ts';
import { VIA_FAULT, trace_mm_filemap_add_to_page_cache, trace_mm_filemap_delete_from_page_cache, trace_mm_filemap_miss } from '../trace/pagemap.ts';

/** What ->nopage found: a page with a reference for its user, and whether it had to be read. `page` is NOPAGE_SIGBUS where the file has none there,
 *  NOPAGE_OOM where there is no memory for it. */
export interface nopage_answer {
  page: Pfn;
  type: number;
}

export const NOPAGE_SIGBUS = NO_PAGE;
export const NOPAGE_OOM = -2 as Pfn;

/** Pages that are read around one that was missed (FM-6: 128 KiB). */
const RA_PAGES = 32;
/** So many more misses than hits, and nothing is read around them any more (FM-12). */
const MMAP_LOTSAMISS = 100;

// ---- faults -----------------------------------------------------------------------------------------------------------

/** The page of a VMA's file at an address, by the file's kind (vma->vm_ops->nopage). */
export function* vma_nopage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, nopage_answer, void> {
  if (inode_of(k, file_of(k, vma.vm_file).f_inode).kind === 'shmem') {
    const answer = yield* shmem_nopage(k, vma, address);
    return answer;
  }
  const answer = yield* filemap_nopage(k, vma, address);
  return answer;
}

/** The page of a file at an address of a VMA, read if need be (mm/filemap.c:filemap_nopage; FM-12, F-14). */
export function* filemap_nopage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, nopage_answer, void> {
  const file = file_of(k, vma.vm_file);
  const inode = inode_of(k, file.f_inode);
  const pgoff = linear_page_index(vma, address);
  const is_outside = pgoff >= Math.ceil(inode.size / PAGE_SIZE);
  if (is_outside && vma.vm_mm === current_task(k).mm) return { page: NOPAGE_SIGBUS, type: VM_FAULT_MINOR };

  let did_readaround = false;
  let was_read = false;
  let skip_cache = is_outside || (vma.vm_flags & VM_RAND_READ) !== 0;
  for (;;) {
    let page = skip_cache ? NO_PAGE : find_get_page(k, inode, pgoff);
    if (page === NO_PAGE && !skip_cache) trace_mm_filemap_miss(k, inode.ino, pgoff, VIA_FAULT);
    if (page === NO_PAGE && !skip_cache && may_read_around(file, vma)) {
      if (!did_readaround) count_vm_events(k, PGMAJFAULT, 1);
      did_readaround = true;
      yield* read_around(k, inode, pgoff);
      page = find_get_page(k, inode, pgoff);
    }
    if (page !== NO_PAGE) return filemap_success(k, file, page, { did_readaround, was_read });
    const error = yield* page_cache_read(k, inode, pgoff);
    if (error === -ENOMEM) return { page: NOPAGE_OOM, type: VM_FAULT_MINOR };
    was_read ||= error === 0;
    skip_cache = false;
  }
}

/** Counts a miss; whether the pages around it shall be read too (FM-12). */
function may_read_around(file: file, vma: vm_area_struct): boolean {
  if ((vma.vm_flags & VM_SEQ_READ) !== 0) return false;
  file.f_ra.mmap_miss++;
  return file.f_ra.mmap_miss <= file.f_ra.mmap_hit + MMAP_LOTSAMISS;
}

/** A page was found. One that this fault read by itself makes it a major one: on a real machine the page would not be up to date yet. */
function filemap_success(k: Kernel, file: file, page: Pfn, how: { did_readaround: boolean; was_read: boolean }): nopage_answer {
  if (!how.did_readaround) {
    file.f_ra.mmap_hit++;
    if (how.was_read) count_vm_events(k, PGMAJFAULT, 1);
  }
  mark_page_accessed(k, page);
  return { page, type: how.did_readaround || how.was_read ? VM_FAULT_MAJOR : VM_FAULT_MINOR };
}

// ---- finding, adding, removing ----------------------------------------------------------------------------------------

/** A page of the cache with one reference more, or NO_PAGE (mm/filemap.c:find_get_page; FM-2). */
export function find_get_page(k: Kernel, inode: inode, index: number): Pfn {
  const page = inode.page_tree.get(index) ?? NO_PAGE;
  if (page !== NO_PAGE) get_page(k, page);
  return page;
}

/** The same, locked; a page that is no longer at its place when the lock is had is looked for again (mm/filemap.c:find_lock_page; FM-2). */
export function find_lock_page(k: Kernel, inode: inode, index: number): Pfn {
  const page = find_get_page(k, inode, index);
  if (page !== NO_PAGE) lock_page(k, page);
  return page;
}

/** Puts a page into the cache, locked and with a reference more. 0, or -EEXIST where there is one already (mm/filemap.c:add_to_page_cache; FM-1). */
export function add_to_page_cache(k: Kernel, page: Pfn, inode: inode, index: number): number {
  if (inode.page_tree.has(index)) return -EEXIST;
  inode.page_tree.set(index, page);
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
export function add_to_page_cache_lru(k: Kernel, page: Pfn, inode: inode, index: number): number {
  const error = add_to_page_cache(k, page, inode, index);
  if (error === 0) lru_cache_add(k, page);
  return error;
}

/** Takes a locked page out of the cache; the cache's reference is the caller's to drop (mm/filemap.c:remove_from_page_cache). */
export function remove_from_page_cache(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/filemap.c:remove_from_page_cache: page ${page} is not locked`);
  const inode = inode_of(k, page_mapping_raw(k, page) / 2);
  const index = page_index(k, page);
  inode.page_tree.delete(index);
  inode.nrpages--;
  set_page_mapping(k, page, 0);
  dec_zone_page_state(k, page, NR_FILE_PAGES);
  trace_mm_filemap_delete_from_page_cache(k, page, inode.ino, index, s_dev(inode));
}

function s_dev(inode: inode): number {
  return inode.major * 2 ** 20 + inode.minor;
}

// ---- references to files ----------------------------------------------------------------------------------------------

/** Drops a reference to an open file; the last one closes it (fs/file_table.c:fput). */
export function fput(k: Kernel, file: file): void {
  file.f_count--;
  if (file.f_count > 0) return;
  k.files[file.id] = null;
  k.free_ids.files.push(file.id);
  iput(k, inode_of(k, file.f_inode));
}

/** Drops a reference to an inode. One with a name stays, with its pages in the cache; shared memory that nobody reaches goes (fs/inode.c:iput). */
export function iput(k: Kernel, inode: inode): void {
  inode.i_count--;
  if (inode.i_count > 0 || inode.kind === 'file') return;
  shmem_delete_inode(k, inode);
  k.inodes[inode.ino] = null;
  k.free_ids.inodes.push(inode.ino);
}

// ---- the page lock ----------------------------------------------------------------------------------------------------

/** Tries to lock a page; true where somebody had it locked already (include/linux/page-flags.h). */
export function TestSetPageLocked(k: Kernel, page: Pfn): boolean {
  if (test_page_flag(k, page, PG_locked)) return true;
  set_page_flag(k, page, PG_locked);
  return false;
}

/** Locks a page. Nobody sleeps with a page locked yet, so it is free to have. */
export function lock_page(k: Kernel, page: Pfn): void {
  if (TestSetPageLocked(k, page)) BUG(k, `mm/filemap.c:lock_page: page ${page} is locked, and waiting for it is not modelled yet`);
}

export function unlock_page(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/filemap.c:unlock_page: page ${page} is not locked`);
  clear_page_flag(k, page, PG_locked);
}

// ---- reading ----------------------------------------------------------------------------------------------------------

/** A byte of a file that nobody wrote: the same for the same path and offset, on every machine. Runs of 64 bytes repeat one word. */
export function file_byte(path: string, offset: number): number {
  return (file_word(path_hash(path), Math.floor(offset / 64)) >>> ((offset % 4) * 8)) & 0xff;
}

/** Reads the pages around one that a fault missed (FM-12): half of them before it. */
function* read_around(k: Kernel, inode: inode, pgoff: number): Generator<Wait, void, void> {
  const ra_pages = max_sane_readahead(k, RA_PAGES);
  if (ra_pages === 0) return;
  yield* do_page_cache_readahead(k, inode, Math.max(0, pgoff - Math.floor(ra_pages / 2)), ra_pages);
}

/** Reads a single page. 0; -EEXIST where it was there already; -ENOMEM (mm/filemap.c:page_cache_read). */
function* page_cache_read(k: Kernel, inode: inode, index: number): Generator<Wait, number, void> {
  const page = yield* page_cache_alloc_cold(k);
  if (page === NO_PAGE) return -ENOMEM;
  const error = add_to_page_cache_lru(k, page, inode, index);
  if (error === 0) readpage(k, inode, page);
  page_cache_release(k, page);
  return error;
}

/** A page for the cache: it will not be used by the CPU before the disk has written it (G-2). */
export function* page_cache_alloc_cold(k: Kernel): Generator<Wait, Pfn, void> {
  const page = yield* alloc_page(k, GFP_HIGHUSER | __GFP_COLD);
  return page;
}

/** Fills a locked page with its file's bytes, zeroes past the end, and unlocks it (a_ops->readpage, and the end of its I/O). */
export function readpage(k: Kernel, inode: inode, page: Pfn): void {
  const start = page_index(k, page) * PAGE_SIZE;
  const size = Math.min(PAGE_SIZE, Math.max(0, inode.size - start));
  fill_frame(k, page, 0);
  fill_from_file(k, page, { hash: path_hash(inode.path), start, size });
  charge(k, k.cost.copy_page);
  set_page_flag(k, page, PG_uptodate);
  unlock_page(k, page);
}

/** Writes `size` bytes of a file, from byte `start` of it on, to the beginning of a page. */
function fill_from_file(k: Kernel, page: Pfn, from: { hash: number; start: number; size: number }): void {
  const base = pfn_to_phys(page);
  for (let at = 0; at < from.size; at += 4) {
    const word = file_word(from.hash, Math.floor((from.start + at) / 64));
    if (at + 4 <= from.size) write_phys32(k, phys(base + at), word);
    else for (let i = 0; at + i < from.size; i++) write_phys(k, phys(base + at + i), (word >>> (i * 8)) & 0xff);
  }
}

/** FNV-1a over the path's UTF-16 units. */
function path_hash(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The word that the n-th 64 bytes of a file repeat: every bit of both arguments counts (the last steps of MurmurHash3). */
function file_word(hash: number, n: number): number {
  let word = hash ^ Math.imul(n, 0x9e3779b1);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
