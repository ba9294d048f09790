// @nohooks
// What include/linux/{mm,sched,rmap,fs}.h declare of an address space, 2.6.18: mm_struct, vm_area_struct, anon_vma, and as much of files as mappings
// need (KERNEL.md T-5, R-1, MM-1 … MM-6).
//
//   task ── mm ── mmap: VMAs, ascending ── vm_file ── inode, its page cache (address_space) ── i_mmap: the VMAs that map it
//                    └── anon_vma ── vmas: every VMA, over forks, that may hold its pages
//
// Records name each other by ids from 1 on (0 is none): mm_of, vma_of, anon_vma_of, file_of, inode_of (mm/mm_struct.ts) find them. So a chain of
// any length is copied without recursion.

import type { extent } from './fs.ts';
import type { radix_tree_root } from './radix-tree.ts';
import type { mutex, wait_queue_head_t } from './wait.ts';
import type { PhysAddr, VirtAddr } from './types.ts';

// ---- vm_flags (T-5) ---------------------------------------------------------------------------------------------------

export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_SHARED = 0x8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
export const VM_GROWSUP = 0x200;
export const VM_PFNMAP = 0x400;
export const VM_DENYWRITE = 0x800;
export const VM_EXECUTABLE = 0x1000;
export const VM_LOCKED = 0x2000;
export const VM_IO = 0x4000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000;
export const VM_DONTEXPAND = 0x40000;
export const VM_RESERVED = 0x80000;
export const VM_ACCOUNT = 0x100000;
export const VM_HUGETLB = 0x400000;
export const VM_NONLINEAR = 0x800000;
export const VM_INSERTPAGE = 0x2000000;
export const VM_DATA_DEFAULT_FLAGS = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
export const VM_STACK_FLAGS = VM_GROWSDOWN | VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT;
/** Neighbours with one of these never become one (MM-8). */
export const VM_SPECIAL = VM_IO | VM_DONTEXPAND | VM_RESERVED | VM_PFNMAP;

/** Bytes of the buffer that a process reads into and writes from where its program names none (user/iobuf.ts). */
export const IOBUF_SIZE = 128 * 1024;

/** Names by bit, as /proc and hovers show them. */
export const VM_FLAG_NAMES: readonly (readonly [string, number])[] = [
  ['VM_READ', VM_READ], ['VM_WRITE', VM_WRITE], ['VM_EXEC', VM_EXEC], ['VM_SHARED', VM_SHARED], ['VM_MAYREAD', VM_MAYREAD],
  ['VM_MAYWRITE', VM_MAYWRITE], ['VM_MAYEXEC', VM_MAYEXEC], ['VM_MAYSHARE', VM_MAYSHARE], ['VM_GROWSDOWN', VM_GROWSDOWN], ['VM_GROWSUP', VM_GROWSUP],
  ['VM_PFNMAP', VM_PFNMAP], ['VM_DENYWRITE', VM_DENYWRITE], ['VM_EXECUTABLE', VM_EXECUTABLE], ['VM_LOCKED', VM_LOCKED], ['VM_IO', VM_IO],
  ['VM_SEQ_READ', VM_SEQ_READ], ['VM_RAND_READ', VM_RAND_READ], ['VM_DONTCOPY', VM_DONTCOPY], ['VM_DONTEXPAND', VM_DONTEXPAND],
  ['VM_RESERVED', VM_RESERVED], ['VM_ACCOUNT', VM_ACCOUNT], ['VM_HUGETLB', VM_HUGETLB], ['VM_NONLINEAR', VM_NONLINEAR], ['VM_INSERTPAGE', VM_INSERTPAGE],
];

// ---- handle_mm_fault's answers (include/linux/mm.h) --------------------------------------------------------------------

export const VM_FAULT_OOM = 0;
export const VM_FAULT_SIGBUS = 1;
export const VM_FAULT_MINOR = 2;
export const VM_FAULT_MAJOR = 3;
/** Added to an answer when do_wp_page made the page writable, so that get_user_pages need not ask again. */
export const VM_FAULT_WRITE = 0x10;

// ---- records ----------------------------------------------------------------------------------------------------------

export interface vm_area_struct {
  id: number;
  /** Its memory in the vm_area_struct cache. */
  address: VirtAddr;
  /** Id of its mm_struct. */
  vm_mm: number;
  /** First byte, and the first behind it. */
  vm_start: VirtAddr;
  vm_end: VirtAddr;
  /** Bits of the entries of pages in it: protection_map[vm_flags & 15] (T-4, X-11). */
  vm_page_prot: number;
  vm_flags: number;
  /** Where it begins in its file, in pages; for anonymous memory the page number of the address it was made at. */
  vm_pgoff: number;
  /** Id of its file (struct file), or 0. */
  vm_file: number;
  /** Id of its anon_vma, or 0 until a page of its own was needed. */
  anon_vma: number;
  /** Cursor of try_to_unmap over a nonlinear area. */
  vm_private_data: number;
}

/** A reader-writer semaphore (lib/rwsem.c): readers that hold it, or -1 for a writer; who waits. */
export interface rw_semaphore {
  activity: number;
  wait: wait_queue_head_t;
}

/** An address space; `mmap` holds the ids of its VMAs in ascending order. */
export interface mm_struct {
  id: number;
  /** Its memory in the mm_struct cache. */
  address: VirtAddr;
  mmap: number[];
  /** Id of the VMA that find_vma found last, or 0. */
  mmap_cache: number;
  /** 1 where free areas are looked for downwards from mmap_base (arch_get_unmapped_area_topdown). */
  top_down: number;
  mmap_base: VirtAddr;
  task_size: number;
  /** Largest hole seen below free_area_cache, bytes. */
  cached_hole_size: number;
  free_area_cache: VirtAddr;
  /** The top page table: physical, and as an object of the pgd cache (i386) or page (x86_64). */
  pgd: PhysAddr;
  /** Tasks that use it. */
  mm_users: number;
  map_count: number;
  mmap_sem: rw_semaphore;
  /** Whether it is on the list that swapoff walks: pages of it may be in swap. */
  on_mmlist: number;
  /** Resident pages of files (the zero page too), and anonymous ones. */
  file_rss: number;
  anon_rss: number;
  hiwater_rss: number;
  hiwater_vm: number;
  total_vm: number;
  locked_vm: number;
  shared_vm: number;
  exec_vm: number;
  stack_vm: number;
  reserved_vm: number;
  def_flags: number;
  nr_ptes: number;
  start_code: VirtAddr;
  end_code: VirtAddr;
  start_data: VirtAddr;
  end_data: VirtAddr;
  start_brk: VirtAddr;
  brk: VirtAddr;
  start_stack: VirtAddr;
  /** The process's own buffer for reading and writing, IOBUF_SIZE bytes, or 0 before it is needed (user/iobuf.ts). */
  iobuf: VirtAddr;
  /** CPUs whose TLB may hold entries of it, one bit each as a list of 0 and 1. */
  cpu_vm_mask: number[];
}

/** What VMAs share that may map the same anonymous pages. */
export interface anon_vma {
  id: number;
  /** Its memory in the anon_vma cache. */
  address: VirtAddr;
  /** Ids of the VMAs, in the order of the kernel's list: new ones at the tail. */
  vmas: number[];
}

/** An inode with its page cache. */
export interface inode {
  ino: number;
  major: number;
  minor: number;
  /** As /proc shows it, `/dev/zero (deleted)` for shared anonymous memory. */
  path: string;
  /** `file`: until somebody writes, its bytes are a function of its name and their offset. `shmem`: zeroes until written. */
  kind: 'file' | 'shmem';
  size: number;
  /** Id of the disk it lies on; -1: on none (programs of the root file system, which lives in memory; shared memory). */
  i_bdev: number;
  /** Where its blocks lie, ascending by index; between two of them it has holes. Of a program without a disk: pages that are as it came
   *  (fs/libfs.ts). */
  extents: extent[];
  /** I_DIRTY_… and I_LOCK; when it became dirty, jiffies; who waits for I_LOCK. */
  i_state: number;
  dirtied_when: number;
  i_lock_wait: wait_queue_head_t;
  /** Held while it is written to or changes its size. */
  i_mutex: mutex;
  /** Writers that have it open; below 0: so many run it as a program, and nobody may open it to write (deny_write_access). */
  i_writecount: number;
  /** Its page cache: frames by page offset, with marks for dirty pages and those under write-back (FM-1). */
  page_tree: radix_tree_root;
  nrpages: number;
  /** Page offset at which the next cyclic walk over its dirty pages begins (WB-12). */
  writeback_index: number;
  /** AS_EIO, AS_ENOSPC. */
  flags: number;
  /** Ids of the VMAs that map it, in the order they were linked. */
  i_mmap: number[];
  i_mmap_nonlinear: number[];
  /** Counts truncations, so that a fault that slept sees one (F-7). */
  truncate_count: number;
  /** Open files and mappings that refer to it. */
  i_count: number;
  /** VM_ACCOUNT where all of it is promised memory since it was made (shmem_inode_info.flags): size counts in vm_committed_space. */
  shmem_flags: number;
  /** Pages of shared memory that came to be, and that were not found gone yet; without VM_ACCOUNT each is promised by itself. */
  alloced: number;
}

/** An open file. */
export interface file {
  id: number;
  /** Id of its inode (k.inodes). */
  f_inode: number;
  f_flags: number;
  /** FMODE_READ 1, FMODE_WRITE 2. */
  f_mode: number;
  f_pos: number;
  f_count: number;
  f_ra: file_ra_state;
}

/** How a file was read so far, and what of it is read ahead (FM-7). Places and sizes are in pages; drawn in mm/readahead.ts. */
export interface file_ra_state {
  /** The current window. */
  start: number;
  size: number;
  /** RA_FLAG_… */
  flags: number;
  /** Pages in a row that were to be read and were cached already. */
  cache_hit: number;
  /** The last page that was asked for, -1 before the first. */
  prev_page: number;
  /** The window behind the current one; without one, ahead_start is 0 and ahead_size says nothing. */
  ahead_start: number;
  ahead_size: number;
  /** Faults in mappings of the file that found their page in the cache, and that did not (FM-12). */
  mmap_hit: number;
  mmap_miss: number;
  /** The largest window; 0: none. */
  ra_pages: number;
}

/** A page that was read ahead was gone before it was used. */
export const RA_FLAG_MISS = 1;
/** The file is in the cache anyway. */
export const RA_FLAG_INCACHE = 2;

export const FMODE_READ = 1;
export const FMODE_WRITE = 2;

/** One processor's TLB: entry i holds a page whose number ends in i, or -1. Entries of the kernel are not kept. */
export interface tlb {
  /** Id of the mm whose page tables the CPU uses (cr3), or 0. */
  mm: number;
  /** Page number, and the page-table entry as it was when it was loaded. */
  vpn: Float64Array;
  pte: Float64Array;
  hits: number;
  misses: number;
  /** Flushes of all, and of single pages. */
  flushes: number;
  page_flushes: number;
}
