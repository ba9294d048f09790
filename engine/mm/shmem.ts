// Shared anonymous memory (mm/shmem.c: shmem_zero_setup, shmem_getpage; KERNEL.md MM-7, F-7). A mapping of it is one of a file that has no name and
// lives in memory alone, "/dev/zero (deleted)": its pages stand in the page cache of its inode, begin as zeroes, and come onto the inactive list, as
// any page of a file does (shmem_getpage → add_to_page_cache_lru). They count in NR_FILE_PAGES, and as file_rss where they are mapped.
//
// The whole of it is promised when it is made (VM_ACCOUNT), or, of a MAP_NORESERVE mapping, each page when it is first touched; the promise is the
// object's, not its VMA's.
//
// Not modelled yet: tmpfs as a file system; pages of it in swap, and so the index pages that remember where (shmem_swp_alloc, from the 17th page
// on); the memory of its inode and dentry (shmem_inode_cache).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode, vm_area_struct } from '../include/mm_types.ts';
import type { nopage_answer } from './filemap.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EINVAL, ENOMEM } from '../include/errno.ts';
import { GFP_HIGHUSER, GFP_KERNEL, __GFP_ZERO } from '../include/gfp.ts';
import { FMODE_READ, FMODE_WRITE, VM_ACCOUNT, VM_FAULT_MINOR } from '../include/mm_types.ts';
import { PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE } from '../include/types.ts';
import { is_x86_64 } from '../arch/address.ts';
import { NOPAGE_OOM, NOPAGE_SIGBUS, add_to_page_cache_lru, find_lock_page } from './filemap.ts';
import { set_page_flag } from './mem_map.ts';
import { __vm_enough_memory, vm_unacct_memory } from './mmap_commit.ts';
import { file_of, inode_of, new_inode, open_inode } from './mm_struct.ts';
import { alloc_page } from './page_alloc.ts';
import { unlock_page } from './page_wait.ts';
import { linear_page_index } from './rmap.ts';
import { mark_page_accessed, page_cache_release } from './swap.ts';
import { truncate_inode_pages } from './truncate.ts';

/** Open for reading and writing (include/asm-generic/fcntl.h). */
const O_RDWR = 2;
/** Pages whose place in swap the inode itself can hold; index pages hold those of the others. */
const SHMEM_NR_DIRECT = 16;

/** Gives a shared anonymous VMA, which has no file yet, the object that holds its pages. 0, or a negative error, and nothing has changed
 *  (mm/shmem.c:shmem_zero_setup). */
export function shmem_zero_setup(k: Kernel, vma: vm_area_struct): number {
  const size = vma.vm_end - vma.vm_start;
  if (size > shmem_max_bytes(k)) return -EINVAL;
  const flags = vma.vm_flags & VM_ACCOUNT;
  if (shmem_acct_size(k, flags, size) !== 0) return -ENOMEM;
  const inode = new_inode(k, '/dev/zero (deleted)', 'shmem', size);
  inode.shmem_flags = flags;
  const file = open_inode(k, inode, FMODE_READ | FMODE_WRITE, O_RDWR);
  vma.vm_file = file.id;
  return 0;
}

/** The page of shared memory at an address of a VMA; SIGBUS past its end, or where it may not be promised (mm/shmem.c:shmem_nopage). */
export function* shmem_nopage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, nopage_answer, void> {
  const inode = inode_of(k, file_of(k, vma.vm_file).f_inode);
  const idx = linear_page_index(vma, address);
  if (idx < 0 || idx * PAGE_SIZE >= inode.size) return { page: NOPAGE_SIGBUS, type: VM_FAULT_MINOR };
  const page = yield* shmem_getpage(k, inode, idx);
  if (page >= 0) mark_page_accessed(k, page);
  return { page, type: VM_FAULT_MINOR };
}

/** The last user of shared memory is gone: so are its pages, and the promise (mm/shmem.c:shmem_delete_inode). */
export function* shmem_delete_inode(k: Kernel, inode: inode): Generator<Wait, void, void> {
  yield* truncate_inode_pages(k, inode, 0);
  shmem_unacct_size(k, inode.shmem_flags, inode.size);
  inode.size = 0;
  shmem_recalc_inode(k, inode);
}

/** Pages that left the cache since somebody looked are no longer promised (mm/shmem.c:shmem_recalc_inode). */
export function shmem_recalc_inode(k: Kernel, inode: inode): void {
  const freed = inode.alloced - inode.nrpages;
  if (freed <= 0) return;
  inode.alloced -= freed;
  shmem_unacct_blocks(k, inode.shmem_flags, freed);
}

/** A page with a reference for the caller, made of zeroes if there is none; else NOPAGE_OOM or NOPAGE_SIGBUS (mm/shmem.c:shmem_getpage). */
function* shmem_getpage(k: Kernel, inode: inode, idx: number): Generator<Wait, Pfn, void> {
  for (;;) {
    const found = yield* find_lock_page(k, inode, idx);
    if (found !== NO_PAGE) {
      unlock_page(k, found);
      return found;
    }
    shmem_recalc_inode(k, inode);
    if (shmem_acct_block(k, inode.shmem_flags) !== 0) return NOPAGE_SIGBUS;
    const page = yield* shmem_alloc_page(k);
    if (page === NO_PAGE) {
      shmem_unacct_blocks(k, inode.shmem_flags, 1);
      return NOPAGE_OOM;
    }
    const error = yield* add_to_page_cache_lru(k, page, inode, idx, GFP_KERNEL);
    if (error === 0) {
      inode.alloced++;
      set_page_flag(k, page, PG_uptodate);
      unlock_page(k, page);
      return page;
    }
    page_cache_release(k, page);
    shmem_unacct_blocks(k, inode.shmem_flags, 1);
  }
}

function* shmem_alloc_page(k: Kernel): Generator<Wait, Pfn, void> {
  const page = yield* alloc_page(k, GFP_HIGHUSER | __GFP_ZERO);
  return page;
}

/** What two levels of index pages reach (SHMEM_MAX_BYTES): 2 TiB, or with entries of 8 bytes 256 GiB. */
function shmem_max_bytes(k: Kernel): number {
  const entries = PAGE_SIZE / (is_x86_64(k) ? 8 : 4);
  return (SHMEM_NR_DIRECT + ((entries * entries) / 2) * (entries + 1)) * PAGE_SIZE;
}

// ---- promises: of the whole object at once, or of each page -----------------------------------------------------------

function shmem_acct_size(k: Kernel, flags: number, size: number): number {
  return (flags & VM_ACCOUNT) !== 0 ? __vm_enough_memory(k, Math.ceil(size / PAGE_SIZE)) : 0;
}

function shmem_unacct_size(k: Kernel, flags: number, size: number): void {
  if ((flags & VM_ACCOUNT) !== 0) vm_unacct_memory(k, Math.ceil(size / PAGE_SIZE));
}

function shmem_acct_block(k: Kernel, flags: number): number {
  return (flags & VM_ACCOUNT) !== 0 ? 0 : __vm_enough_memory(k, 1);
}

function shmem_unacct_blocks(k: Kernel, flags: number, pages: number): void {
  if ((flags & VM_ACCOUNT) === 0) vm_unacct_memory(k, pages);
}
