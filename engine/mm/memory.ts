// Page faults, once a good area is known, and pages that the kernel wants present (mm/memory.c; KERNEL.md F-5 … F-9, F-14, F-15, R-8, CC-1 … CC-4).
// How the processor gets here is in arch/fault.ts; unmapping is in memory_zap.ts, what fork copies in memory_fork.ts.
//
//   handle_mm_fault → __handle_mm_fault → handle_pte_fault ─┬─ none      → do_anonymous_page | do_no_page (a file's)
//                                                           ├─ not there → do_swap_page | do_file_page
//                                                           └─ there     → a write that may not yet be: do_wp_page; else the accessed and dirty bits
//
// A fault fills exactly one entry. What was read of it before a sleep is compared again afterwards, as the kernel does under the table's lock; the
// table itself cannot go while mmap_sem is held.
//
// Left out: hugetlb, page_mkwrite (no file system of this machine has it), the gate area. Not modelled yet: swap and migration entries (do_swap_page)
// and nonlinear mappings (do_file_page); nothing makes such entries so far.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { zonelist } from '../include/mmzone.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import type { pte_t } from '../arch/pte.ts';
import { EFAULT, ENOMEM } from '../include/errno.ts';
import { GFP_HIGHUSER, GFP_ZONEMASK, __GFP_ZERO } from '../include/gfp.ts';
import {
  VM_FAULT_MAJOR, VM_FAULT_MINOR, VM_FAULT_OOM, VM_FAULT_SIGBUS, VM_FAULT_WRITE, VM_GROWSDOWN, VM_IO, VM_LOCKED, VM_MAYREAD, VM_MAYWRITE, VM_PFNMAP,
  VM_READ, VM_SHARED, VM_WRITE,
} from '../include/mm_types.ts';
import { PG_dirty } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { charge, cond_resched, current_task } from '../kernel/sched.ts';
import { pte_alloc_map, pte_offset_map } from '../arch/pgalloc.ts';
import { read_pte, write_pte } from '../arch/pgtable.ts';
import { mk_pte, pte_dirty, pte_file, pte_mkdirty, pte_mkwrite, pte_mkyoung, pte_none, pte_page, pte_present, pte_write } from '../arch/pte.ts';
import { flush_tlb_page } from '../arch/tlb.ts';
import { copy_frame } from './contents.ts';
import { NOPAGE_OOM, NOPAGE_SIGBUS, TestSetPageLocked, unlock_page, vma_nopage } from './filemap.ts';
import { PageAnon, get_page, max_mapnr, test_page_flag } from './mem_map.ts';
import { zonelist_of } from './mmzone.ts';
import { expand_stack, find_vma } from './mmap.ts';
import { current_mm, vma_inode } from './mm_struct.ts';
import { __alloc_pages } from './page_alloc.ts';
import { set_page_dirty } from './page-writeback.ts';
import { anon_vma_prepare, page_add_file_rmap, page_add_new_anon_rmap, page_remove_rmap } from './rmap.ts';
import { lru_cache_add_active, mark_page_accessed, page_cache_release } from './swap.ts';
import { can_share_swap_page } from './swap_state.ts';
import { numa_node_id } from './topology.ts';
import { PGFAULT, count_vm_events } from './vmstat.ts';
import { WHY_FAULT, trace_pte_clear, trace_pte_set } from '../trace/mm.ts';

export { copy_page_range } from './memory_fork.ts';
export { free_pgtables, unmap_mapping_range, unmap_vmas, vmtruncate, zap_page_range } from './memory_zap.ts';
export { tlb_finish_mmu, tlb_gather_mmu } from './tlb_gather.ts';

/** Flags of follow_page (include/linux/mm.h): the page is to be written; mark it as used; take a reference; where there is no table, the page of
 *  zeroes will do. */
export const FOLL_WRITE = 0x01;
export const FOLL_TOUCH = 0x02;
export const FOLL_GET = 0x04;
export const FOLL_ANON = 0x08;

// ---- faults -----------------------------------------------------------------------------------------------------------

/** Makes a page of a good area present, and writable for a write: VM_FAULT_MINOR, MAJOR, SIGBUS or OOM (include/linux/mm.h). */
export function* handle_mm_fault(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, write_access: 0 | 1,
): Generator<Wait, number, void> {
  const ret = yield* __handle_mm_fault(k, mm, vma, address, write_access);
  return ret & ~VM_FAULT_WRITE;
}

/** The same; VM_FAULT_WRITE in the answer says that do_wp_page has made the page this mm's own (mm/memory.c; F-5). */
export function* __handle_mm_fault(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, write_access: 0 | 1,
): Generator<Wait, number, void> {
  count_vm_events(k, PGFAULT, 1);
  let pte = pte_offset_map(k, mm, address);
  if (pte === null) pte = yield* pte_alloc_map(k, mm, address);
  if (pte === null) return VM_FAULT_OOM;
  const ret = yield* handle_pte_fault(k, mm, vma, address, pte, write_access);
  return ret;
}

/** Decides by the entry what the fault is about (F-5). */
export function* handle_pte_fault(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, write_access: 0 | 1,
): Generator<Wait, number, void> {
  const entry = read_pte(k, pte);
  let ret = VM_FAULT_MINOR;
  if (!pte_present(entry)) {
    if (!pte_none(entry)) return pte_file(entry) ? do_file_page(k) : do_swap_page(k);
    if (vma.vm_file === 0) ret = yield* do_anonymous_page(k, mm, vma, address, pte, write_access);
    else ret = yield* do_no_page(k, mm, vma, address, pte, write_access);
    return ret;
  }
  if (write_access === 1 && !pte_write(entry)) {
    ret = yield* do_wp_page(k, mm, vma, address, pte, entry);
    return ret;
  }
  const used = pte_mkyoung(write_access === 1 ? pte_mkdirty(entry) : entry);
  if (used !== entry) ptep_set_access_flags(k, mm, address, pte, used, write_access);
  else if (write_access === 1) flush_tlb_page(k, mm, address);
  return ret;
}

/** Memory of no file: a read maps the page of zeroes, a write gets a page of its own (mm/memory.c; F-6, QK-4). */
function* do_anonymous_page(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, write_access: 0 | 1,
): Generator<Wait, number, void> {
  if (write_access === 0) return map_zero_page(k, mm, vma, address, pte);
  if (vma.anon_vma === 0) {
    const err = yield* anon_vma_prepare(k, vma);
    if (err !== 0) return VM_FAULT_OOM;
  }
  const page = yield* alloc_zeroed_user_highpage(k, vma, address);
  if (page === NO_PAGE) return VM_FAULT_OOM;
  if (!pte_none(read_pte(k, pte))) {
    page_cache_release(k, page);
    return VM_FAULT_MINOR;
  }
  mm.anon_rss++;
  lru_cache_add_active(k, page);
  page_add_new_anon_rmap(k, page, vma, address);
  set_pte_at(k, mm, address, pte, maybe_mkwrite(pte_mkdirty(mk_pte(page, vma.vm_page_prot)), vma), WHY_FAULT);
  return VM_FAULT_MINOR;
}

/** One page of zeroes serves every read of untouched memory. It counts as a page of a file, and is referenced and mapped as one (QK-4). */
function map_zero_page(k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr): number {
  const page = k.zero_page;
  get_page(k, page);
  mm.file_rss++;
  page_add_file_rmap(k, page);
  set_pte_at(k, mm, address, pte, mk_pte(page, vma.vm_page_prot), WHY_FAULT);
  return VM_FAULT_MINOR;
}

/**
 * A page of a file (mm/memory.c; F-7, F-14). A private one that is to be written is copied at once. A truncation that ran meanwhile may have taken
 * the page from the file: then all begins again.
 */
function* do_no_page(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, write_access: 0 | 1,
): Generator<Wait, number, void> {
  if ((vma.vm_flags & VM_PFNMAP) !== 0) BUG(k, 'mm/memory.c:do_no_page: the area maps frames, not pages');
  const mapping = vma_inode(k, vma)!;
  const is_early_cow = write_access === 1 && (vma.vm_flags & VM_SHARED) === 0;
  for (;;) {
    const sequence = mapping.truncate_count;
    const answer = yield* vma_nopage(k, vma, virt(address - (address % PAGE_SIZE)));
    if (answer.page === NOPAGE_SIGBUS) return VM_FAULT_SIGBUS;
    if (answer.page === NOPAGE_OOM) return VM_FAULT_OOM;
    let page = answer.page;
    if (is_early_cow) page = yield* copy_of_file_page(k, vma, address, page);
    if (page === NO_PAGE) return VM_FAULT_OOM;
    if (sequence === mapping.truncate_count) {
      if (pte_none(read_pte(k, pte))) map_file_page(k, mm, vma, address, pte, { page, is_early_cow, write_access });
      else page_cache_release(k, page);
      return answer.type;
    }
    page_cache_release(k, page);
    yield* cond_resched(k);
  }
}

/** A page of one's own with what the file's page holds, whose reference is dropped; NO_PAGE where there is no memory. */
function* copy_of_file_page(k: Kernel, vma: vm_area_struct, address: VirtAddr, file_page: Pfn): Generator<Wait, Pfn, void> {
  let page = NO_PAGE;
  const err = yield* anon_vma_prepare(k, vma);
  if (err === 0) page = yield* alloc_page_vma(k, GFP_HIGHUSER, vma, address);
  if (page !== NO_PAGE) copy_user_highpage(k, page, file_page);
  page_cache_release(k, file_page);
  return page;
}

/** The page goes into its empty entry: a copy as an anonymous page, the file's own as such. Only a write makes it writable and dirty. */
function map_file_page(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, { page, is_early_cow, write_access }: file_page,
): void {
  let entry = mk_pte(page, vma.vm_page_prot);
  if (write_access === 1) entry = maybe_mkwrite(pte_mkdirty(entry), vma);
  set_pte_at(k, mm, address, pte, entry, WHY_FAULT);
  if (is_early_cow) {
    mm.anon_rss++;
    lru_cache_add_active(k, page);
    page_add_new_anon_rmap(k, page, vma, address);
  } else {
    mm.file_rss++;
    page_add_file_rmap(k, page);
  }
}

interface file_page {
  page: Pfn;
  is_early_cow: boolean;
  write_access: 0 | 1;
}

/** A write to a page that is mapped read-only: who has it alone, or shares it on purpose, goes on with it; else it is copied (mm/memory.c; F-8). */
function* do_wp_page(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, orig_pte: pte_t,
): Generator<Wait, number, void> {
  const old_page = vm_normal_page(k, vma, address, orig_pte);
  if (old_page !== NO_PAGE && may_reuse(k, vma, old_page)) {
    const entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(orig_pte)), vma);
    ptep_set_access_flags(k, mm, address, pte, entry, 1);
    return VM_FAULT_MINOR | VM_FAULT_WRITE;
  }
  if (old_page !== NO_PAGE) get_page(k, old_page);
  const new_page = yield* copy_for_write(k, vma, address, old_page);
  let ret = VM_FAULT_OOM;
  if (new_page !== NO_PAGE) ret = replace_page(k, mm, vma, address, pte, { orig_pte, old_page, new_page });
  if (old_page !== NO_PAGE) page_cache_release(k, old_page);
  return ret;
}

/** A shared mapping writes what all see; an anonymous page that no other entry names, and nothing in swap, needs no copy. */
function may_reuse(k: Kernel, vma: vm_area_struct, page: Pfn): boolean {
  if ((vma.vm_flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE)) return true;
  if (!PageAnon(k, page) || TestSetPageLocked(k, page)) return false;
  const reuse = can_share_swap_page(k, page);
  unlock_page(k, page);
  return reuse;
}

/** The page that a write will have for itself, or NO_PAGE where there is no memory: zeroes for the page of zeroes, else a copy. */
function* copy_for_write(k: Kernel, vma: vm_area_struct, address: VirtAddr, old_page: Pfn): Generator<Wait, Pfn, void> {
  let page = NO_PAGE;
  const err = yield* anon_vma_prepare(k, vma);
  if (err !== 0) return page;
  if (old_page === k.zero_page) {
    page = yield* alloc_zeroed_user_highpage(k, vma, address);
    return page;
  }
  page = yield* alloc_page_vma(k, GFP_HIGHUSER, vma, address);
  if (page !== NO_PAGE) cow_user_page(k, page, old_page);
  return page;
}

interface copied_page {
  orig_pte: pte_t;
  old_page: Pfn;
  new_page: Pfn;
}

/** The copy takes the old page's place, unless the entry has changed meanwhile: then it is not needed. */
function replace_page(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, pte: PhysAddr, { orig_pte, old_page, new_page }: copied_page,
): number {
  if (read_pte(k, pte) !== orig_pte) {
    page_cache_release(k, new_page);
    return VM_FAULT_MINOR;
  }
  if (old_page !== NO_PAGE) page_remove_rmap(k, old_page);
  if (old_page !== NO_PAGE && !PageAnon(k, old_page)) mm.file_rss--;
  if (old_page === NO_PAGE || !PageAnon(k, old_page)) mm.anon_rss++;
  set_pte_at(k, mm, address, pte, maybe_mkwrite(pte_mkdirty(mk_pte(new_page, vma.vm_page_prot)), vma), WHY_FAULT);
  flush_tlb_page(k, mm, address);
  lru_cache_add_active(k, new_page);
  page_add_new_anon_rmap(k, new_page, vma, address);
  if (old_page !== NO_PAGE) page_cache_release(k, old_page);
  return VM_FAULT_MINOR | VM_FAULT_WRITE;
}

function do_swap_page(k: Kernel): never {
  return BUG(k, 'mm/memory.c:do_swap_page: swap and migration entries are not modelled yet');
}

function do_file_page(k: Kernel): never {
  return BUG(k, 'mm/memory.c:do_file_page: nonlinear mappings are not modelled yet');
}

// ---- pages for users --------------------------------------------------------------------------------------------------

/** A page for a place in a VMA (mm/mempolicy.c:alloc_page_vma). */
export function* alloc_page_vma(k: Kernel, gfp_mask: number, vma: vm_area_struct, address: VirtAddr): Generator<Wait, Pfn, void> {
  const page = yield* __alloc_pages(k, gfp_mask, 0, zonelist_for_vma(k, gfp_mask, vma, address));
  return page;
}

/** The same, full of zeroes (include/asm-i386/page.h). */
export function* alloc_zeroed_user_highpage(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, Pfn, void> {
  const gfp_mask = GFP_HIGHUSER | __GFP_ZERO;
  const page = yield* __alloc_pages(k, gfp_mask, 0, zonelist_for_vma(k, gfp_mask, vma, address));
  return page;
}

/** Where pages for a place in a VMA are looked for: on the running CPU's node first. Memory policies are not modelled yet. */
function zonelist_for_vma(k: Kernel, gfp_mask: number, _vma: vm_area_struct, _address: VirtAddr): zonelist {
  return zonelist_of(k, numa_node_id(k), gfp_mask & GFP_ZONEMASK);
}

/** Copies a page that another one of the same process is to replace (mm/memory.c). */
function cow_user_page(k: Kernel, to: Pfn, from: Pfn): void {
  if (from === NO_PAGE) BUG(k, 'mm/memory.c:cow_user_page: frames of devices are not modelled');
  copy_user_highpage(k, to, from);
}

function copy_user_highpage(k: Kernel, to: Pfn, from: Pfn): void {
  copy_frame(k, to, from);
  charge(k, k.cost.copy_page);
}

// ---- entries ----------------------------------------------------------------------------------------------------------

/** Writes an entry of an address space, by its place (set_pte_at). No TLB hears of it. `why` is one of WHY_…. */
export function set_pte_at(k: Kernel, mm: mm_struct, address: VirtAddr, entry: PhysAddr, pte: pte_t, why: number): void {
  const old = read_pte(k, entry);
  write_pte(k, entry, pte);
  charge(k, k.cost.pte);
  trace_pte_set(k, mm.id, address, old, pte, why);
}

/** Empties an entry (pte_clear). No TLB hears of it. */
export function pte_clear_at(k: Kernel, mm: mm_struct, address: VirtAddr, entry: PhysAddr, why: number): void {
  const old = read_pte(k, entry);
  write_pte(k, entry, 0);
  charge(k, k.cost.pte);
  trace_pte_clear(k, mm.id, address, old, why);
}

/** Writes an entry that gained rights or marks. Only for a write: the accessed bit alone is left to the processor (include/asm-i386/pgtable.h). */
function ptep_set_access_flags(k: Kernel, mm: mm_struct, address: VirtAddr, entry: PhysAddr, pte: pte_t, dirty: 0 | 1): void {
  if (dirty === 0) return;
  set_pte_at(k, mm, address, entry, pte, WHY_FAULT);
  flush_tlb_page(k, mm, address);
}

/** The entry, writable where the VMA is: get_user_pages may write, by force, what the process may not. @nohooks */
export function maybe_mkwrite(pte: pte_t, vma: vm_area_struct): pte_t {
  return (vma.vm_flags & VM_WRITE) !== 0 ? pte_mkwrite(pte) : pte;
}

/** Private memory that may be written, now or after mprotect. @nohooks */
export function is_cow_mapping(vm_flags: number): boolean {
  return (vm_flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
}

/** The page that an entry names, or NO_PAGE where it maps a frame for its address's sake and no struct page counts (mm/memory.c). The page of zeroes
 *  is a normal page in this kernel (QK-4). */
export function vm_normal_page(k: Kernel, vma: vm_area_struct, address: VirtAddr, pte: pte_t): Pfn {
  const page = pte_page(pte);
  if ((vma.vm_flags & VM_PFNMAP) !== 0) {
    const offset = Math.floor((address - vma.vm_start) / PAGE_SIZE);
    if (page === vma.vm_pgoff + offset || !is_cow_mapping(vma.vm_flags)) return NO_PAGE;
  }
  if (page < max_mapnr(k)) return page;
  print_bad_pte(k, vma, pte, address);
  return NO_PAGE;
}

/** An entry that names no frame of this machine. @nohooks */
function print_bad_pte(k: Kernel, vma: vm_area_struct, pte: pte_t, address: VirtAddr): void {
  const process = current_task(k).mm === vma.vm_mm ? current_task(k).comm : '???';
  const hex = (value: number): string => value.toString(16);
  printk(k, `Bad pte = ${hex(pte).padStart(8, '0')}, process = ${process}, vm_flags = ${hex(vma.vm_flags)}, vaddr = ${hex(address)}`);
}

// ---- pages that the kernel wants present ------------------------------------------------------------------------------

/** The page at an address, or NO_PAGE where there is none that serves `flags` (FOLL_…; mm/memory.c). */
export function follow_page(k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, flags: number): Pfn {
  const entry = pte_offset_map(k, mm, address);
  if (entry === null) return follow_missing_table(k, flags);
  const pte = read_pte(k, entry);
  if (!pte_present(pte) || ((flags & FOLL_WRITE) !== 0 && !pte_write(pte))) return NO_PAGE;
  const page = vm_normal_page(k, vma, address, pte);
  if (page === NO_PAGE) return NO_PAGE;
  if ((flags & FOLL_GET) !== 0) get_page(k, page);
  if ((flags & FOLL_TOUCH) !== 0) {
    if ((flags & FOLL_WRITE) !== 0 && !pte_dirty(pte) && !test_page_flag(k, page, PG_dirty)) set_page_dirty(k, page);
    mark_page_accessed(k, page);
  }
  return page;
}

/** Memory that nobody has touched needs no table to be read by the kernel. */
function follow_missing_table(k: Kernel, flags: number): Pfn {
  if ((flags & FOLL_ANON) === 0) return NO_PAGE;
  if ((flags & FOLL_WRITE) !== 0) BUG(k, 'mm/memory.c:follow_page: the page of zeroes is not to be written');
  if ((flags & FOLL_GET) !== 0) get_page(k, k.zero_page);
  return k.zero_page;
}

/**
 * Makes `len` pages from `start` on present, as by reads or by writes; how many it did, or -EFAULT or -ENOMEM where not even the first could be
 * (mm/memory.c; F-15). `force` writes what is mapped read-only too, into a copy. The pages are not handed out, and get no reference.
 */
export function* get_user_pages(
  k: Kernel, mm: mm_struct, start: VirtAddr, len: number, write: 0 | 1, force: 0 | 1,
): Generator<Wait, number, void> {
  let allowed = write === 1 ? VM_WRITE | VM_MAYWRITE : VM_READ | VM_MAYREAD;
  allowed &= force === 1 ? VM_MAYREAD | VM_MAYWRITE : VM_READ | VM_WRITE;
  let done = 0;
  while (done < len) {
    const address = virt(start + done * PAGE_SIZE);
    const vma = yield* find_extend_vma(k, mm, address);
    if (vma === null || (vma.vm_flags & (VM_IO | VM_PFNMAP)) !== 0 || (vma.vm_flags & allowed) === 0) return done > 0 ? done : -EFAULT;
    let foll_flags = FOLL_TOUCH;
    if (write === 0 && (vma.vm_flags & VM_LOCKED) === 0 && vma.vm_file === 0) foll_flags |= FOLL_ANON;
    if (write === 1) foll_flags |= FOLL_WRITE;
    const count = Math.min(len - done, Math.ceil((vma.vm_end - address) / PAGE_SIZE));
    for (let i = 0; i < count; i++) {
      yield* cond_resched(k);
      const err = yield* fault_in_page(k, mm, vma, virt(address + i * PAGE_SIZE), foll_flags);
      if (err !== 0) return done > 0 ? done : err;
      done++;
    }
  }
  return done;
}

/** Faults until follow_page finds the page; 0, -EFAULT or -ENOMEM. The faults are those of the running task. */
function* fault_in_page(k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, flags: number): Generator<Wait, number, void> {
  let foll_flags = flags;
  while (follow_page(k, mm, vma, address, foll_flags) === NO_PAGE) {
    const ret = yield* __handle_mm_fault(k, mm, vma, address, (foll_flags & FOLL_WRITE) !== 0 ? 1 : 0);
    // The copy has been made, even where the entry did not become writable: what is asked from now on may be asked as a read.
    if ((ret & VM_FAULT_WRITE) !== 0) foll_flags &= ~FOLL_WRITE;
    switch (ret & ~VM_FAULT_WRITE) {
      case VM_FAULT_MINOR: current_task(k).min_flt++; break;
      case VM_FAULT_MAJOR: current_task(k).maj_flt++; break;
      case VM_FAULT_SIGBUS: return -EFAULT;
      case VM_FAULT_OOM: return -ENOMEM;
      default: BUG(k, 'mm/memory.c:get_user_pages: no such answer of a fault');
    }
  }
  return 0;
}

/** The VMA of an address; a stack above it grows down to it (mm/mmap.c:find_extend_vma). */
export function* find_extend_vma(k: Kernel, mm: mm_struct, address: VirtAddr): Generator<Wait, vm_area_struct | null, void> {
  const addr = virt(address - (address % PAGE_SIZE));
  const vma = find_vma(k, mm, addr);
  if (vma === null || vma.vm_start <= addr) return vma;
  if ((vma.vm_flags & VM_GROWSDOWN) === 0) return null;
  const start = vma.vm_start;
  const err = yield* expand_stack(k, vma, addr);
  if (err !== 0) return null;
  if ((vma.vm_flags & VM_LOCKED) !== 0) yield* make_pages_present(k, addr, start);
  return vma;
}

/** Makes the running task's pages `addr` … `end` present, which lie in one VMA: as by writes where it may be written. 0, -1 where some could not be,
 *  or the error of the first (mm/memory.c; F-15). */
export function* make_pages_present(k: Kernel, addr: VirtAddr, end: VirtAddr): Generator<Wait, number, void> {
  const mm = current_mm(k);
  const vma = mm === null ? null : find_vma(k, mm, addr);
  if (mm === null || vma === null) return -1;
  if (addr >= end || end > vma.vm_end) BUG(k, 'mm/memory.c:make_pages_present: the range does not lie in one VMA');
  const len = Math.ceil(end / PAGE_SIZE) - Math.floor(addr / PAGE_SIZE);
  const ret = yield* get_user_pages(k, mm, addr, len, (vma.vm_flags & VM_WRITE) !== 0 ? 1 : 0, 0);
  if (ret < 0) return ret;
  return ret === len ? 0 : -1;
}
