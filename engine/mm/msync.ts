// msync: what was written through shared mappings of a file becomes known to the kernel (mm/msync.c; KERNEL.md R-8).
//
// 2.6.18 sees a store into a shared mapping only in the entry's dirty bit. msync moves that bit to the page: the entry is clean again and the page
// dirty, for write-back to find. MS_ASYNC does no more than that.
//
// Not modelled yet, and to come with files and I/O: the fsync of MS_SYNC, which would write the pages out and wait, and balance_dirty_pages after
// MS_ASYNC, which may make the caller write.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { EBUSY, EINVAL, ENOMEM } from '../include/errno.ts';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from '../include/mman.ts';
import { VM_HUGETLB, VM_LOCKED, VM_SHARED } from '../include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, phys, virt } from '../include/types.ts';
import { pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import { pte_dirty, pte_mkclean, pte_present } from '../arch/pte.ts';
import { flush_tlb_page } from '../arch/tlb.ts';
import { down_read, up_read } from '../kernel/rwsem.ts';
import { charge, cond_resched } from '../kernel/sched.ts';
import { WHY_PROTECT } from '../trace/mm.ts';
import { set_pte_at, vm_normal_page } from './memory.ts';
import { find_vma } from './mmap.ts';
import { current_mm, mm_of } from './mm_struct.ts';
import { set_page_dirty } from './page-writeback.ts';
import { PAGE_ALIGN, end_wraps, next_pte_table, pmd_addr_end } from './pte_range.ts';
import { next_vma } from './vma_list.ts';

/** Makes the stores into `len` bytes from `start` on known. 0; -EINVAL, -ENOMEM where a part is not mapped (the rest is done), -EBUSY. */
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
    const until = virt(Math.min(end, vma.vm_end));
    if (at < until) {
      const error = yield* msync_interval(k, vma, { start: at, end: until, flags });
      if (error !== 0) return error;
    }
    if (end <= vma.vm_end) return unmapped_error;
    at = vma.vm_end;
    vma = next_vma(k, vma);
  }
  // Where a range runs past the last VMA, 2.6.18 has forgotten all errors by now.
  return 0;
}

/** One VMA's part: 0, or -EBUSY where locked memory should be given up. */
function* msync_interval(
  k: Kernel, vma: vm_area_struct, { start, end, flags }: { start: VirtAddr; end: VirtAddr; flags: number },
): Generator<Wait, number, void> {
  if ((flags & MS_INVALIDATE) !== 0 && (vma.vm_flags & VM_LOCKED) !== 0) return -EBUSY;
  if (vma.vm_file !== 0 && (vma.vm_flags & VM_SHARED) !== 0) yield* msync_page_range(k, vma, start, end);
  return 0;
}

function* msync_page_range(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): Generator<Wait, void, void> {
  if ((vma.vm_flags & VM_HUGETLB) !== 0) return;
  const mm = mm_of(k, vma.vm_mm);
  let at = next_pte_table(k, mm, start, end);
  while (at < end) {
    const next = pmd_addr_end(k, at, end);
    msync_pte_range(k, vma, at, next);
    yield* cond_resched(k);
    at = next_pte_table(k, mm, next, end);
  }
}

/** The entries of one table: what is dirty in one is dirty in the page from now on. */
function msync_pte_range(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): void {
  const mm = mm_of(k, vma.vm_mm);
  let entry = pte_offset_map(k, mm, start)!;
  for (let address = start as number; address < end; address += PAGE_SIZE) {
    const pte = read_pte(k, entry);
    const page = pte_present(pte) && pte_dirty(pte) ? vm_normal_page(k, vma, virt(address), pte) : NO_PAGE;
    if (page === NO_PAGE) charge(k, k.cost.pte);
    else msync_page(k, mm, { address: virt(address), entry, page });
    entry = phys(entry + entry_size(k));
  }
}

function msync_page(k: Kernel, mm: mm_struct, { address, entry, page }: { address: VirtAddr; entry: PhysAddr; page: Pfn }): void {
  set_pte_at(k, mm, address, entry, pte_mkclean(read_pte(k, entry)), WHY_PROTECT);
  flush_tlb_page(k, mm, address);
  set_page_dirty(k, page);
}
