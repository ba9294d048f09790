// What fork copies of page tables (mm/memory.c:copy_page_range; KERNEL.md F-11, CC-11). Pages are not copied: both tables name the same ones, private
// memory read-only in both, so that the first write of either side copies (do_wp_page). A VMA that has no page of its own is left out whole: what
// the file or the page of zeroes holds can be faulted in again.
//
// The parent's TLBs are the caller's to flush (dup_mmap). Not modelled yet: entries of swap and of nonlinear mappings; hugetlb is left out.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { ENOMEM } from '../include/errno.ts';
import { VM_INSERTPAGE, VM_NONLINEAR, VM_PFNMAP, VM_SHARED } from '../include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, phys, virt } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { cond_resched } from '../kernel/sched.ts';
import { pte_alloc_map, pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import { pte_mkclean, pte_mkold, pte_present, pte_wrprotect } from '../arch/pte.ts';
import { PageAnon, get_page, inc_page_mapcount } from './mem_map.ts';
import { is_cow_mapping, set_pte_at, vm_normal_page } from './memory.ts';
import { next_pte_table, pmd_addr_end } from './pte_range.ts';
import { WHY_FORK } from '../trace/mm.ts';

/** So much is copied before the CPU is offered to others: an entry counts 8, an empty one 1. */
const PROGRESS = 32;

/** Makes `dst` map what `src` maps in a VMA; 0, or -ENOMEM where there is no memory for a table (mm/memory.c:copy_page_range; F-11). */
export function* copy_page_range(k: Kernel, dst: mm_struct, src: mm_struct, vma: vm_area_struct): Generator<Wait, number, void> {
  if ((vma.vm_flags & (VM_NONLINEAR | VM_PFNMAP | VM_INSERTPAGE)) === 0 && vma.anon_vma === 0) return 0;
  let addr = next_pte_table(k, src, vma.vm_start, vma.vm_end);
  while (addr < vma.vm_end) {
    const next = pmd_addr_end(k, addr, vma.vm_end);
    const err = yield* copy_pte_range(k, dst, src, vma, addr, next);
    if (err !== 0) return err;
    addr = next_pte_table(k, src, next, vma.vm_end);
  }
  return 0;
}

/** The part of a range that one table serves. */
function* copy_pte_range(
  k: Kernel, dst: mm_struct, src: mm_struct, vma: vm_area_struct, start: VirtAddr, end: VirtAddr,
): Generator<Wait, number, void> {
  let addr = start;
  while (addr < end) {
    const dst_pte = yield* pte_alloc_map(k, dst, addr);
    if (dst_pte === null) return -ENOMEM;
    addr = copy_ptes(k, dst, src, vma, addr, end, dst_pte);
    yield* cond_resched(k);
  }
  return 0;
}

/** Copies entries until the range ends or others want the CPU; where it came to. */
function copy_ptes(
  k: Kernel, dst: mm_struct, src: mm_struct, vma: vm_area_struct, start: VirtAddr, end: VirtAddr, first_dst: PhysAddr,
): VirtAddr {
  const size = entry_size(k);
  let src_pte = pte_offset_map(k, src, start)!;
  let dst_pte = first_dst;
  let progress = 0;
  let addr = start;
  while (addr < end) {
    if (progress >= PROGRESS) {
      progress = 0;
      if (k.now >= k.sched.horizon) break;
    }
    const is_empty = read_pte(k, src_pte) === 0;
    if (!is_empty) copy_one_pte(k, dst, src, vma, addr, { src_pte, dst_pte });
    progress += is_empty ? 1 : 8;
    src_pte = phys(src_pte + size);
    dst_pte = phys(dst_pte + size);
    addr = virt(addr + PAGE_SIZE);
  }
  return addr;
}

interface pte_pair {
  src_pte: PhysAddr;
  dst_pte: PhysAddr;
}

/** One entry: a private writable page becomes read-only on both sides, the child's is old, and clean where the page is shared (F-11). */
function copy_one_pte(k: Kernel, dst: mm_struct, src: mm_struct, vma: vm_area_struct, addr: VirtAddr, { src_pte, dst_pte }: pte_pair): void {
  let pte = read_pte(k, src_pte);
  if (!pte_present(pte)) BUG(k, 'mm/memory.c:copy_one_pte: swap entries and nonlinear mappings are not modelled yet');
  if (is_cow_mapping(vma.vm_flags)) {
    const protected_pte = pte_wrprotect(pte);
    if (protected_pte !== pte) set_pte_at(k, src, addr, src_pte, protected_pte, WHY_FORK);
    pte = protected_pte;
  }
  if ((vma.vm_flags & VM_SHARED) !== 0) pte = pte_mkclean(pte);
  pte = pte_mkold(pte);
  const page = vm_normal_page(k, vma, addr, pte);
  if (page !== NO_PAGE) {
    get_page(k, page);
    inc_page_mapcount(k, page);
    if (PageAnon(k, page)) dst.anon_rss++;
    else dst.file_rss++;
  }
  set_pte_at(k, dst, addr, dst_pte, pte, WHY_FORK);
}
