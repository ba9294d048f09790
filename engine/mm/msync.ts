// msync: what was written through shared mappings of a file becomes known to the kernel, and with MS_SYNC goes to the disk (mm/msync.c; KERNEL.md
// R-8, QK-5).
//
//   sys_msync → msync_interval, a VMA at a time → msync_page_range → msync_pte_range → set_page_dirty
//             → MS_SYNC: do_fsync of the whole file     MS_ASYNC: balance_dirty_pages_ratelimited, for the pages that were found dirty
//
// 2.6.18 sees a store into a shared mapping only in the entry's dirty bit. msync moves that bit to the page: the entry is clean again and the page
// dirty, for write-back to find. While a file is written nobody holds mmap_sem, so the VMA behind is looked for anew.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { EBUSY, EINVAL, ENOMEM } from '../include/errno.ts';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from '../include/mman.ts';
import { VM_HUGETLB, VM_LOCKED, VM_SHARED } from '../include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, phys, virt } from '../include/types.ts';
import { fput } from '../fs/file_table.ts';
import { do_fsync } from '../fs/sync.ts';
import { pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import { pte_dirty, pte_mkclean, pte_present } from '../arch/pte.ts';
import { flush_tlb_page } from '../arch/tlb.ts';
import { down_read, up_read } from '../kernel/rwsem.ts';
import { charge, cond_resched } from '../kernel/sched.ts';
import { WHY_PROTECT } from '../trace/mm.ts';
import { set_pte_at, vm_normal_page } from './memory.ts';
import { find_vma } from './mmap.ts';
import { current_mm, file_of, get_file, inode_of, mm_of } from './mm_struct.ts';
import { balance_dirty_pages_ratelimited_nr, set_page_dirty } from './page-writeback.ts';
import { PAGE_ALIGN, end_wraps, next_pte_table, pmd_addr_end } from './pte_range.ts';
import { next_vma } from './vma_list.ts';

/** Makes the stores into `len` bytes from `start` on known. 0; -EINVAL, -ENOMEM where a part is not mapped (the rest is done), -EBUSY; with MS_SYNC
 *  -EIO and -ENOSPC, as fsync has them. */
export function* sys_msync(k: Kernel, start: VirtAddr, len: number, flags: number): Generator<Wait, number, void> {
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || start % PAGE_SIZE !== 0) return -EINVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return -EINVAL;
  const end = virt(start + PAGE_ALIGN(k, len));
  if (end_wraps(k, start, end)) return -ENOMEM;
  if (end === start) return 0;
  const mm = current_mm(k)!;
  yield* down_read(k, mm.mmap_sem);
  const error = yield* do_msync(k, mm, { start, end, flags });
  up_read(k, mm.mmap_sem);
  return error;
}

function* do_msync(
  k: Kernel, mm: mm_struct, { start, end, flags }: { start: VirtAddr; end: VirtAddr; flags: number },
): Generator<Wait, number, void> {
  let vma = find_vma(k, mm, start);
  if (vma === null) return -ENOMEM;
  let at = start;
  let unmapped_error = 0;
  while (vma !== null) {
    if (at < vma.vm_start) {
      unmapped_error = -ENOMEM;
      at = vma.vm_start;
    }
    const is_last = end <= vma.vm_end;
    const until = virt(Math.min(end, vma.vm_end));
    let dirtied = 0;
    if (at < until) dirtied = yield* msync_interval(k, vma, { start: at, end: until, flags });
    if (dirtied < 0) return dirtied;
    at = vma.vm_end;
    const error: number = yield* write_back(k, mm, vma, { flags, dirtied });
    if (error < 0) return error;
    // The fsync of the last VMA hides that a part of the range was not mapped.
    if (is_last) return error === WAS_SYNCED ? 0 : unmapped_error;
    vma = error === NOT_WRITTEN ? next_vma(k, vma) : find_vma(k, mm, at);
  }
  // Where a range runs past the last VMA, 2.6.18 has forgotten all errors by now.
  return 0;
}

/** What became of a VMA's part: nothing but marks; others may run meanwhile, so that the VMA may be gone; or its file was written. */
const NOT_WRITTEN = 0;
const WAS_BALANCED = 1;
const WAS_SYNCED = 2;

/** The part of the work that does without mmap_sem: NOT_WRITTEN, WAS_BALANCED, WAS_SYNCED, or what do_fsync says. */
function* write_back(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, { flags, dirtied }: { flags: number; dirtied: number },
): Generator<Wait, number, void> {
  const is_balanced = (flags & MS_ASYNC) !== 0 && dirtied > 0;
  const is_synced = (flags & MS_SYNC) !== 0 && (vma.vm_flags & VM_SHARED) !== 0;
  if (vma.vm_file === 0 || !(is_balanced || is_synced)) return NOT_WRITTEN;
  const file = file_of(k, vma.vm_file);
  let error = 0;
  get_file(file);
  up_read(k, mm.mmap_sem);
  if (is_synced) error = yield* do_fsync(k, file);
  else yield* balance_dirty_pages_ratelimited_nr(k, inode_of(k, file.f_inode), dirtied);
  yield* fput(k, file);
  yield* down_read(k, mm.mmap_sem);
  if (error !== 0) return error;
  return is_synced ? WAS_SYNCED : WAS_BALANCED;
}

/** One VMA's part: how many pages it made dirty, or -EBUSY where locked memory should be given up. */
function* msync_interval(
  k: Kernel, vma: vm_area_struct, { start, end, flags }: { start: VirtAddr; end: VirtAddr; flags: number },
): Generator<Wait, number, void> {
  if ((flags & MS_INVALIDATE) !== 0 && (vma.vm_flags & VM_LOCKED) !== 0) return -EBUSY;
  let dirtied = 0;
  if (vma.vm_file !== 0 && (vma.vm_flags & VM_SHARED) !== 0) dirtied = yield* msync_page_range(k, vma, start, end);
  return dirtied;
}

function* msync_page_range(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): Generator<Wait, number, void> {
  if ((vma.vm_flags & VM_HUGETLB) !== 0) return 0;
  const mm = mm_of(k, vma.vm_mm);
  let dirtied = 0;
  let at = next_pte_table(k, mm, start, end);
  while (at < end) {
    const next = pmd_addr_end(k, at, end);
    dirtied += msync_pte_range(k, vma, at, next);
    yield* cond_resched(k);
    at = next_pte_table(k, mm, next, end);
  }
  return dirtied;
}

/** The entries of one table: what is dirty in one is dirty in the page from now on; of how many pages that was news. */
function msync_pte_range(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): number {
  const mm = mm_of(k, vma.vm_mm);
  let entry = pte_offset_map(k, mm, start)!;
  let dirtied = 0;
  for (let address = start as number; address < end; address += PAGE_SIZE) {
    const pte = read_pte(k, entry);
    const page = pte_present(pte) && pte_dirty(pte) ? vm_normal_page(k, vma, virt(address), pte) : NO_PAGE;
    if (page === NO_PAGE) charge(k, k.cost.pte);
    else dirtied += msync_page(k, mm, { address: virt(address), entry, page });
    entry = phys(entry + entry_size(k));
  }
  return dirtied;
}

function msync_page(k: Kernel, mm: mm_struct, { address, entry, page }: { address: VirtAddr; entry: PhysAddr; page: Pfn }): number {
  set_pte_at(k, mm, address, entry, pte_mkclean(read_pte(k, entry)), WHY_PROTECT);
  flush_tlb_page(k, mm, address);
  return set_page_dirty(k, page);
}
