// Taking pages and tables away from an address space (mm/memory.c; KERNEL.md F-12, F-13, MM-10, MM-20, X-7, X-8).
//
//   unmap_vmas, zap_page_range → unmap_page_range → zap_pte_range → tlb_remove_page        entries: their pages lose a reference
//   free_pgtables → free_pgd_range → free_pte_range                                        tables, where no VMA beside needs them
//   vmtruncate → unmap_mapping_range → unmap_mapping_range_vma                             pages of a file, from every process that maps it
//
// The kernel's loops over pgd, pud and pmd are one here (next_pte_table). Left out: hugetlb. Not modelled yet: swap entries and nonlinear mappings.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import type { pte_t } from '../arch/pte.ts';
import type { mmu_gather } from './tlb_gather.ts';
import { EFBIG } from '../include/errno.ts';
import { MAX_LFS_FILESIZE } from '../include/fs.ts';
import { VM_ACCOUNT } from '../include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, phys, virt } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { charge, cond_resched } from '../kernel/sched.ts';
import { pmd_size, pte_offset_map, uncount_pte_page } from '../arch/pgalloc.ts';
import { SHIFTS, entry_of, entry_size, read_pte, write_pte } from '../arch/pgtable.ts';
import { pte_dirty, pte_page, pte_present, pte_young } from '../arch/pte.ts';
import { PageAnon, page_mapping_raw } from './mem_map.ts';
import { pte_clear_at, vm_normal_page } from './memory.ts';
import { mm_of, vma_of } from './mm_struct.ts';
import { set_page_dirty } from './page-writeback.ts';
import { next_pte_table, pmd_addr_end } from './pte_range.ts';
import { anon_vma_unlink, page_remove_rmap } from './rmap.ts';
import { lru_add_drain, mark_page_accessed } from './swap.ts';
import { tlb_finish_mmu, tlb_gather_mmu, tlb_remove_page, tlb_remove_tlb_entry } from './tlb_gather.ts';
import { i_op_truncate } from '../fs/a_ops.ts';
import { truncate_inode_pages } from './truncate.ts';
import { unlink_file_vma } from './vma_merge.ts';
import { WHY_UNMAP } from '../trace/mm.ts';

/** Work between two points where others may run, bytes: an empty entry counts as one, any other as a page (F-12). */
const ZAP_BLOCK_SIZE = 1024 * PAGE_SIZE;
/** `ceiling` of free_pgtables where no VMA follows. */
const NO_CEILING = 0;

/** What is left to do before others may run. */
interface zap_work {
  left: number;
}

// ---- entries ----------------------------------------------------------------------------------------------------------

/** Unmaps `start` … `end` of VMAs, which are given in ascending order; how many pages of it were accounted for (mm/memory.c; F-12). `tlb` goes on
 *  gathering. */
export function* unmap_vmas(
  k: Kernel, tlb: mmu_gather, vmas: readonly vm_area_struct[], start: VirtAddr, end: VirtAddr,
): Generator<Wait, number, void> {
  const work: zap_work = { left: ZAP_BLOCK_SIZE };
  let nr_accounted = 0;
  for (let i = 0; i < vmas.length; i++) {
    const vma = vmas[i]!;
    const first = virt(Math.max(vma.vm_start, start));
    const last = virt(Math.min(vma.vm_end, end));
    if (first >= last) continue;
    if ((vma.vm_flags & VM_ACCOUNT) !== 0) nr_accounted += (last - first) / PAGE_SIZE;
    yield* unmap_in_blocks(k, tlb, vma, first, last, work);
  }
  return nr_accounted;
}

/** Unmaps a range of one VMA; after every block the TLBs are flushed, its pages are freed, and others may run. */
function* unmap_in_blocks(
  k: Kernel, tlb: mmu_gather, vma: vm_area_struct, start: VirtAddr, end: VirtAddr, work: zap_work,
): Generator<Wait, void, void> {
  let addr = start;
  while (addr < end) {
    const block = addr;
    addr = unmap_page_range(k, tlb, vma, addr, end, work);
    if (work.left > 0) return;
    tlb_finish_mmu(k, tlb, block, addr);
    yield* cond_resched(k);
    work.left = ZAP_BLOCK_SIZE;
  }
}

/** Unmaps a range of a VMA whole (mm/memory.c:zap_page_range): what madvise and truncation do. */
export function* zap_page_range(k: Kernel, vma: vm_area_struct, address: VirtAddr, size: number): Generator<Wait, void, void> {
  const mm = mm_of(k, vma.vm_mm);
  lru_add_drain(k);
  const tlb = tlb_gather_mmu(k, mm, 0);
  update_hiwater_rss(mm);
  yield* unmap_vmas(k, tlb, [vma], address, virt(address + size));
  tlb_finish_mmu(k, tlb, address, address + size);
}

/** Unmaps until the range or the block ends; where it came to. `check_mapping` spares pages of another mapping, 0 none (mm/memory.c). */
function unmap_page_range(
  k: Kernel, tlb: mmu_gather, vma: vm_area_struct, start: VirtAddr, end: VirtAddr, work: zap_work, check_mapping = 0,
): VirtAddr {
  const mm = mm_of(k, vma.vm_mm);
  let addr = start;
  while (addr < end && work.left > 0) {
    const pte = pte_offset_map(k, mm, addr);
    if (pte === null) {
      work.left--;
      addr = next_pte_table(k, mm, addr, end);
    } else addr = zap_pte_range(k, tlb, vma, addr, { pte, end: pmd_addr_end(k, addr, end), check_mapping }, work);
  }
  return addr;
}

/** Remembers the most pages that were resident, before some go (include/linux/sched.h). @nohooks */
export function update_hiwater_rss(mm: mm_struct): void {
  mm.hiwater_rss = Math.max(mm.hiwater_rss, mm.file_rss + mm.anon_rss);
}

interface zap_range {
  /** Where the first entry is. */
  pte: PhysAddr;
  end: VirtAddr;
  check_mapping: number;
}

/** Empties the entries of a range that one table serves, as far as the block allows; where it came to (F-12). */
function zap_pte_range(k: Kernel, tlb: mmu_gather, vma: vm_area_struct, start: VirtAddr, range: zap_range, work: zap_work): VirtAddr {
  const mm = mm_of(k, vma.vm_mm);
  const size = entry_size(k);
  let { pte } = range;
  let addr = start;
  while (addr < range.end && work.left > 0) {
    const entry = read_pte(k, pte);
    if (entry === 0) work.left--;
    else {
      work.left -= PAGE_SIZE;
      if (!pte_present(entry)) BUG(k, 'mm/memory.c:zap_pte_range: swap entries and nonlinear mappings are not modelled yet');
      zap_pte(k, tlb, mm, vma, addr, pte, range.check_mapping);
    }
    pte = phys(pte + size);
    addr = virt(addr + PAGE_SIZE);
  }
  return addr;
}

/** One entry goes: what it knows of its page's use is handed on to a page of a file, and the page loses a mapping and a reference. */
function zap_pte(
  k: Kernel, tlb: mmu_gather, mm: mm_struct, vma: vm_area_struct, addr: VirtAddr, pte: PhysAddr, check_mapping: number,
): void {
  const entry = read_pte(k, pte);
  const page = vm_normal_page(k, vma, addr, entry);
  if (check_mapping !== 0 && page !== NO_PAGE && page_mapping_raw(k, page) !== check_mapping) return;
  pte_clear_at(k, mm, addr, pte, WHY_UNMAP);
  tlb_remove_tlb_entry(tlb);
  if (page === NO_PAGE) return;
  if (PageAnon(k, page)) mm.anon_rss--;
  else zap_file_page(k, mm, page, entry);
  page_remove_rmap(k, page);
  tlb_remove_page(k, tlb, page);
}

/** Only now a store through a shared mapping shows in the page's own marks (R-8, QK-5). */
function zap_file_page(k: Kernel, mm: mm_struct, page: Pfn, entry: pte_t): void {
  if (pte_dirty(entry)) set_page_dirty(k, page);
  if (pte_young(entry)) mark_page_accessed(k, page);
  mm.file_rss--;
}

// ---- tables -----------------------------------------------------------------------------------------------------------

/**
 * Frees the tables that served VMAs, which are given in ascending order and whose entries are empty; their neighbours end at `floor` and begin at
 * `ceiling`, 0 where there is none (mm/memory.c; MM-10). A table that a neighbour's range needs too stays. The VMAs leave their anon_vma and file
 * first, so that nobody looks for them in tables that are gone.
 */
export function free_pgtables(k: Kernel, tlb: mmu_gather, vmas: readonly vm_area_struct[], floor: VirtAddr, ceiling: number): void {
  let i = 0;
  while (i < vmas.length) {
    const first = vmas[i]!;
    hide_vma(k, first);
    while (i + 1 < vmas.length && vmas[i + 1]!.vm_start <= vmas[i]!.vm_end + pmd_size(k)) {
      i++;
      hide_vma(k, vmas[i]!);
    }
    const next = vmas[i + 1];
    free_pgd_range(k, tlb, first.vm_start, vmas[i]!.vm_end, floor, next === undefined ? ceiling : next.vm_start);
    i++;
  }
}

/** From here on neither reclaim nor truncation finds the VMA. */
function hide_vma(k: Kernel, vma: vm_area_struct): void {
  anon_vma_unlink(k, vma);
  unlink_file_vma(k, vma);
}

/** Frees the tables for `start` … `end` that reach neither below `floor` nor past `ceiling` (mm/memory.c). */
export function free_pgd_range(k: Kernel, tlb: mmu_gather, start: VirtAddr, end: VirtAddr, floor: VirtAddr, ceiling: number): void {
  const size = pmd_size(k);
  const limit = ceiling === NO_CEILING ? Infinity : align_down(ceiling, size);
  let first = align_down(start, size);
  if (first < floor) first += size;
  const last = end > limit ? end - size : end;
  if (limit === 0 || first >= last) return;
  const { pgd } = mm_of(k, tlb.mm);
  free_entries(k, tlb, pgd, 0, { start: virt(first), end: virt(last), floor, ceiling });
}

interface table_range {
  start: VirtAddr;
  end: VirtAddr;
  floor: VirtAddr;
  ceiling: number;
}

/** What the entries of a table name, for a range: tables of the lowest level go, those between when all they serve is gone (free_pud_range,
 *  free_pmd_range). */
function free_entries(k: Kernel, tlb: mmu_gather, table: PhysAddr, level: number, range: table_range): void {
  const shifts = SHIFTS[k.platform.arch];
  const size = 2 ** shifts[level]!;
  for (let addr = range.start as number; addr < range.end; addr = align_down(addr, size) + size) {
    const entry = entry_of(k, table, shifts[level]!, virt(addr));
    if (read_pte(k, entry) === 0) continue;
    if (level === shifts.length - 2) {
      free_pte_range(k, tlb, entry);
      continue;
    }
    const part = { ...range, start: virt(addr), end: virt(Math.min(range.end, align_down(addr, size) + size)) };
    free_entries(k, tlb, table_of(k, entry), level + 1, part);
    if (serves_nobody_else(part, size)) tlb_remove_page(k, tlb, clear_table_entry(k, entry));
  }
}

/** Whether all that a table between serves lies in what is being freed, or is nobody's. */
function serves_nobody_else({ start, end, floor, ceiling }: table_range, size: number): boolean {
  if (align_down(start, size) < floor) return false;
  const limit = ceiling === NO_CEILING ? Infinity : align_down(ceiling, size);
  return limit !== 0 && end <= limit;
}

/** A table of the lowest level goes (mm/memory.c). */
function free_pte_range(k: Kernel, tlb: mmu_gather, entry: PhysAddr): void {
  const page = clear_table_entry(k, entry);
  tlb_remove_page(k, tlb, page);
  uncount_pte_page(k, mm_of(k, tlb.mm), page);
}

/** Empties an entry that names a table (pmd_clear); the table's frame. */
function clear_table_entry(k: Kernel, entry: PhysAddr): Pfn {
  const page = pte_page(read_pte(k, entry));
  write_pte(k, entry, 0);
  charge(k, k.cost.pte);
  return page;
}

function table_of(k: Kernel, entry: PhysAddr): PhysAddr {
  return phys(pte_page(read_pte(k, entry)) * PAGE_SIZE);
}

function align_down(address: number, size: number): number {
  return Math.floor(address / size) * size;
}

// ---- pages of a file --------------------------------------------------------------------------------------------------

/**
 * Unmaps part of a file from every address space: bytes `holebegin` … of `holelen`, 0 for all that follow (mm/memory.c; F-13). Copies that processes
 * made of it go too, unless `even_cows` is 0. A fault that waits for a page of the file meanwhile begins again (F-7).
 */
export function* unmap_mapping_range(
  k: Kernel, inode: inode, holebegin: number, holelen: number, even_cows: 0 | 1 = 1,
): Generator<Wait, void, void> {
  const first = Math.floor(holebegin / PAGE_SIZE);
  const count = Math.ceil(holelen / PAGE_SIZE);
  const past = count === 0 ? Infinity : first + count;
  const check_mapping = even_cows === 1 ? 0 : inode.ino * 2;
  inode.truncate_count++;
  if (inode.i_mmap_nonlinear.length > 0) BUG(k, 'mm/memory.c:unmap_mapping_range: nonlinear mappings are not modelled yet');
  let done: number[] = [];
  let restart = virt(0);
  for (;;) {
    const id = inode.i_mmap.find((vma) => !done.includes(vma));
    if (id === undefined) return;
    restart = unmap_mapping_range_vma(k, vma_of(k, id), { first, past, restart, check_mapping });
    if (restart === 0) done = done.concat(id);
    yield* cond_resched(k);
  }
}

/** Pages `first` … `past` of a file, and where in the VMA to go on, or 0. */
interface hole {
  first: number;
  past: number;
  restart: VirtAddr;
  check_mapping: number;
}

/** One block of a VMA's part of a file; where to go on, or 0 where that was all of it. Between two blocks the VMA may be changed, or go. */
function unmap_mapping_range_vma(k: Kernel, vma: vm_area_struct, { first, past, restart, check_mapping }: hole): VirtAddr {
  const address_of = (index: number): number => vma.vm_start + (index - vma.vm_pgoff) * PAGE_SIZE;
  const start = virt(Math.max(address_of(first), vma.vm_start, restart));
  const end = virt(Math.min(address_of(past), vma.vm_end));
  if (start >= end) return virt(0);
  const mm = mm_of(k, vma.vm_mm);
  lru_add_drain(k);
  const tlb = tlb_gather_mmu(k, mm, 0);
  update_hiwater_rss(mm);
  const reached = unmap_page_range(k, tlb, vma, start, end, { left: ZAP_BLOCK_SIZE }, check_mapping);
  tlb_finish_mmu(k, tlb, start, reached);
  return reached < end ? reached : virt(0);
}

/** A file gets a new size. When it shrinks, what lies past the end leaves all page tables, copies included, then the page cache, and last the disk.
 *  0, or -EFBIG (mm/memory.c; F-13). The new part of one that grows has no blocks, and reads as zeroes. RLIMIT_FSIZE and swap files are left out. */
export function* vmtruncate(k: Kernel, inode: inode, offset: number): Generator<Wait, number, void> {
  if (offset > inode.size && offset > MAX_LFS_FILESIZE) return -EFBIG;
  const is_shorter = offset <= inode.size;
  inode.size = offset;
  if (is_shorter) {
    yield* unmap_mapping_range(k, inode, offset + PAGE_SIZE - 1, 0);
    yield* truncate_inode_pages(k, inode, offset);
  }
  yield* i_op_truncate(k, inode);
  return 0;
}
