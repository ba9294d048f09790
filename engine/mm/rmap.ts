// Reverse mapping: from a page to the page-table entries that name it (mm/rmap.c; KERNEL.md R-1 … R-6).
//
//   anonymous page   mapping ─ anon_vma ─ every VMA that may hold it, over forks ─ address by index
//   page of a file   mapping ─ inode    ─ i_mmap: the VMAs that map its offset   ─ address by index
//
// An anon_vma lists VMAs, not pages: whether a page is really there is seen by looking into each VMA's page table.
//
// Left out: the swap token, which lets pages of the mm that holds it look used (R-5, TH-3); what try_to_unmap does with a page of the swap cache;
// nonlinear mappings, since nothing makes them yet. i_mmap is a list in the order VMAs were linked, where the kernel has a priority search
// tree: who is asked first can differ, who is asked does not.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { anon_vma, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { EFAULT, ENOMEM } from '../include/errno.ts';
import { VM_LOCKED, VM_MAYSHARE, VM_NONLINEAR } from '../include/mm_types.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED } from '../include/mmzone.ts';
import { PG_locked, PG_referenced, PG_swapcache } from '../include/page-flags.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { charge } from '../kernel/sched.ts';
import { pte_offset_map } from '../arch/pgalloc.ts';
import { read_pte } from '../arch/pgtable.ts';
import { pte_dirty, pte_mkold, pte_page, pte_present, pte_write, pte_young, swp_entry_to_pte } from '../arch/pte.ts';
import { flush_tlb_page } from '../arch/tlb.ts';
import { TestSetPageLocked, unlock_page } from './filemap.ts';
import {
  PageAnon, clear_page_flag, dec_page_mapcount, inc_page_mapcount, page_index, page_mapcount, page_mapped, page_mapping_raw, set_page_index,
  set_page_mapped_once, set_page_mapping, test_page_flag,
} from './mem_map.ts';
import { pte_clear_at, set_pte_at } from './memory.ts';
import { anon_vma_alloc, anon_vma_free, anon_vma_of, inode_of, mm_of, vma_inode, vma_of } from './mm_struct.ts';
import { find_mergeable_anon_vma } from './mmap.ts';
import { set_page_dirty } from './page-writeback.ts';
import { page_cache_release } from './swap.ts';
import { dec_zone_page_state, inc_zone_page_state } from './vmstat.ts';
import { WHY_MIGRATE, WHY_RECLAIM } from '../trace/mm.ts';
import { trace_mm_page_referenced } from '../trace/pagemap.ts';

/** Answers of try_to_unmap (include/linux/rmap.h): no entry names the page any more; some do, and another time may succeed; it must stay. */
export const SWAP_SUCCESS = 0;
export const SWAP_AGAIN = 1;
export const SWAP_FAIL = 2;

/** Types of the swap entries that stand for a page which is being moved; their offset is its frame (T-3). */
export const SWP_MIGRATION_READ = 30;
export const SWP_MIGRATION_WRITE = 31;

// ---- anon_vmas --------------------------------------------------------------------------------------------------------

/** Sees to it that a VMA has an anon_vma, before its first anonymous page: a neighbour's, or a new one. 0, or -ENOMEM (mm/rmap.c:anon_vma_prepare;
 * */
export function* anon_vma_prepare(k: Kernel, vma: vm_area_struct): Generator<Wait, number, void> {
  if (vma.anon_vma !== 0) return 0;
  const neighbours = find_mergeable_anon_vma(k, vma);
  if (neighbours !== 0) {
    vma.anon_vma = neighbours;
    __anon_vma_link(k, vma);
    return 0;
  }
  const allocated = yield* anon_vma_alloc(k);
  if (allocated === null) return -ENOMEM;
  if (vma.anon_vma !== 0) {
    anon_vma_free(k, allocated);
    return 0;
  }
  vma.anon_vma = allocated.id;
  __anon_vma_link(k, vma);
  return 0;
}

/** `next` is about to become part of `vma`: it leaves the anon_vma that both have (mm/rmap.c:__anon_vma_merge). */
export function __anon_vma_merge(k: Kernel, vma: vm_area_struct, next: vm_area_struct): void {
  if (vma.anon_vma !== next.anon_vma) BUG(k, 'mm/rmap.c:__anon_vma_merge: the anon_vmas differ');
  anon_vma_list_del(anon_vma_of(k, next.anon_vma), next);
}

/** A VMA with an anon_vma joins its list, at the tail (mm/rmap.c:__anon_vma_link). */
export function __anon_vma_link(k: Kernel, vma: vm_area_struct): void {
  if (vma.anon_vma !== 0) anon_vma_of(k, vma.anon_vma).vmas.push(vma.id);
}

/** The same, for who does not hold the anon_vma's lock: here there is none (mm/rmap.c:anon_vma_link). */
export function anon_vma_link(k: Kernel, vma: vm_area_struct): void {
  __anon_vma_link(k, vma);
}

/** A VMA that goes leaves its anon_vma; the last one frees it (mm/rmap.c:anon_vma_unlink). The VMA goes on naming it. */
export function anon_vma_unlink(k: Kernel, vma: vm_area_struct): void {
  if (vma.anon_vma === 0) return;
  const anon_vma = anon_vma_of(k, vma.anon_vma);
  anon_vma_list_del(anon_vma, vma);
  if (anon_vma.vmas.length === 0) anon_vma_free(k, anon_vma);
}

function anon_vma_list_del(anon_vma: anon_vma, vma: vm_area_struct): void {
  anon_vma.vmas = anon_vma.vmas.filter((id) => id !== vma.id);
}

// ---- where a page is --------------------------------------------------------------------------------------------------

/** Index that a page at an address of a VMA has: its offset in the file, in pages; for anonymous memory counted from vm_pgoff just so. */
export function linear_page_index(vma: vm_area_struct, address: VirtAddr): number {
  return Math.floor((address - vma.vm_start) / PAGE_SIZE) + vma.vm_pgoff;
}

/** Address at which a VMA would map a page, or -EFAULT where the page does not belong to it (mm/rmap.c:page_address_in_vma; R-2). */
export function page_address_in_vma(k: Kernel, page: Pfn, vma: vm_area_struct): number {
  const mapping = page_mapping_raw(k, page);
  if (PageAnon(k, page)) {
    if (vma.anon_vma * 2 + 1 !== mapping) return -EFAULT;
  } else {
    if (mapping === 0 || (vma.vm_flags & VM_NONLINEAR) !== 0) return -EFAULT;
    if (vma_inode(k, vma)?.ino !== mapping / 2) return -EFAULT;
  }
  return vma_address(k, page, vma);
}

/** Where the entry is that names a page at an address, or null where another page or none is there (mm/rmap.c:page_check_address). */
export function page_check_address(k: Kernel, page: Pfn, mm: mm_struct, address: VirtAddr): PhysAddr | null {
  const entry = pte_offset_map(k, mm, address);
  if (entry === null) return null;
  const pte = read_pte(k, entry);
  return pte_present(pte) && pte_page(pte) === page ? entry : null;
}

/** Address of a page in a VMA of its anon_vma or file; -EFAULT where a fork's VMA has been cut so that it holds the page no longer. */
function vma_address(k: Kernel, page: Pfn, vma: vm_area_struct): number {
  const address = vma.vm_start + (page_index(k, page) - vma.vm_pgoff) * PAGE_SIZE;
  if (address >= vma.vm_start && address < vma.vm_end) return address;
  if (!PageAnon(k, page)) BUG(k, `mm/rmap.c:vma_address: page ${page} is outside a VMA that maps its offset`);
  return -EFAULT;
}

/** VMAs that may map a page: those of its anon_vma, or of its file those that reach over its index. */
function rmap_vmas(k: Kernel, page: Pfn): vm_area_struct[] {
  const mapping = page_mapping_raw(k, page);
  if (PageAnon(k, page)) return anon_vma_of(k, (mapping - 1) / 2).vmas.map((id) => vma_of(k, id));
  const index = page_index(k, page);
  const maps_index = (vma: vm_area_struct): boolean => vma.vm_pgoff <= index && index < vma.vm_pgoff + (vma.vm_end - vma.vm_start) / PAGE_SIZE;
  return inode_of(k, mapping / 2).i_mmap.map((id) => vma_of(k, id)).filter(maps_index);
}

// ---- counting entries -------------------------------------------------------------------------------------------------

/** An entry names an anonymous page; with the first one the page learns where it belongs (mm/rmap.c:page_add_anon_rmap; R-4). */
export function page_add_anon_rmap(k: Kernel, page: Pfn, vma: vm_area_struct, address: VirtAddr): void {
  if (inc_page_mapcount(k, page)) __page_set_anon_rmap(k, page, vma, address);
}

/** The same for a page that nobody could have seen before (mm/rmap.c:page_add_new_anon_rmap; R-4). */
export function page_add_new_anon_rmap(k: Kernel, page: Pfn, vma: vm_area_struct, address: VirtAddr): void {
  set_page_mapped_once(k, page);
  __page_set_anon_rmap(k, page, vma, address);
}

/** An entry names a page of a file, or the page of zeroes (mm/rmap.c:page_add_file_rmap; R-4). */
export function page_add_file_rmap(k: Kernel, page: Pfn): void {
  if (inc_page_mapcount(k, page)) inc_zone_page_state(k, page, NR_FILE_MAPPED);
}

/** An entry names the page no longer. An anonymous page knows its anon_vma until it is freed (mm/rmap.c:page_remove_rmap; R-4). */
export function page_remove_rmap(k: Kernel, page: Pfn): void {
  if (!dec_page_mapcount(k, page)) return;
  if (page_mapcount(k, page) < 0) BUG(k, `mm/rmap.c:page_remove_rmap: page_mapcount(${page}) went negative`);
  dec_zone_page_state(k, page, PageAnon(k, page) ? NR_ANON_PAGES : NR_FILE_MAPPED);
}

function __page_set_anon_rmap(k: Kernel, page: Pfn, vma: vm_area_struct, address: VirtAddr): void {
  if (vma.anon_vma === 0) BUG(k, 'mm/rmap.c:__page_set_anon_rmap: the VMA has no anon_vma');
  set_page_mapping(k, page, vma.anon_vma * 2 + 1);
  set_page_index(k, page, linear_page_index(vma, address));
  inc_zone_page_state(k, page, NR_ANON_PAGES);
}

// ---- was it used? -----------------------------------------------------------------------------------------------------

/** What a walk over a page's entries has found: how often it was used, how many entries are yet to be seen, how many were. */
interface reference_walk {
  referenced: number;
  mapcount: number;
  ptes: number;
}

/**
 * How often a page was used since it was last asked: PG_referenced, and the accessed bit of every entry; both are cleared (mm/rmap.c:page_referenced;
 * `is_locked` says that the caller holds the page's lock, without which the VMAs of a file are not walked.
 */
export function page_referenced(k: Kernel, page: Pfn, is_locked: 0 | 1): number {
  const walk: reference_walk = { referenced: 0, mapcount: page_mapcount(k, page), ptes: 0 };
  if (test_page_flag(k, page, PG_referenced)) {
    clear_page_flag(k, page, PG_referenced);
    walk.referenced++;
  }
  if (page_mapped(k, page) && page_mapping_raw(k, page) !== 0) {
    if (PageAnon(k, page)) page_referenced_anon(k, page, walk);
    else if (is_locked === 1) page_referenced_file(k, page, walk);
    else if (TestSetPageLocked(k, page)) walk.referenced++;
    else {
      page_referenced_file(k, page, walk);
      unlock_page(k, page);
    }
  }
  trace_mm_page_referenced(k, page, walk.referenced, walk.ptes);
  return walk.referenced;
}

function page_referenced_anon(k: Kernel, page: Pfn, walk: reference_walk): void {
  for (const vma of rmap_vmas(k, page)) {
    page_referenced_one(k, page, vma, walk);
    if (walk.mapcount === 0) return;
  }
}

/** A shared mapping that is locked in memory counts as a use, and ends the walk. */
function page_referenced_file(k: Kernel, page: Pfn, walk: reference_walk): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/rmap.c:page_referenced_file: page ${page} is not locked`);
  for (const vma of rmap_vmas(k, page)) {
    if ((vma.vm_flags & VM_LOCKED) !== 0 && (vma.vm_flags & VM_MAYSHARE) !== 0) {
      walk.referenced++;
      return;
    }
    page_referenced_one(k, page, vma, walk);
    if (walk.mapcount === 0) return;
  }
}

function page_referenced_one(k: Kernel, page: Pfn, vma: vm_area_struct, walk: reference_walk): void {
  const address = vma_address(k, page, vma);
  if (address === -EFAULT) return;
  const entry = page_check_address(k, page, mm_of(k, vma.vm_mm), virt(address));
  if (entry === null) return;
  if (ptep_clear_flush_young(k, vma, virt(address), entry)) walk.referenced++;
  walk.mapcount--;
  walk.ptes++;
}

/** Whether the entry's accessed bit was set; it is not, afterwards, in the table and in any TLB. */
function ptep_clear_flush_young(k: Kernel, vma: vm_area_struct, address: VirtAddr, entry: PhysAddr): boolean {
  const pte = read_pte(k, entry);
  if (!pte_young(pte)) {
    charge(k, k.cost.pte);
    return false;
  }
  const mm = mm_of(k, vma.vm_mm);
  set_pte_at(k, mm, address, entry, pte_mkold(pte), WHY_RECLAIM);
  flush_tlb_page(k, mm, address);
  return true;
}

// ---- unmapping --------------------------------------------------------------------------------------------------------

/**
 * Takes a page out of every page table: SWAP_SUCCESS when none names it any more, SWAP_FAIL when one that was just used or is locked in memory does,
 * else SWAP_AGAIN (mm/rmap.c:try_to_unmap; R-6). The caller holds the page's lock and a reference. With `migration` neither use nor VM_LOCKED
 * protects an entry, and what replaces it says where the page was.
 */
export function try_to_unmap(k: Kernel, page: Pfn, migration: 0 | 1): number {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/rmap.c:try_to_unmap: page ${page} is not locked`);
  const ret = page_mapped(k, page) ? try_to_unmap_vmas(k, page, migration) : SWAP_AGAIN;
  return page_mapped(k, page) ? ret : SWAP_SUCCESS;
}

/** try_to_unmap_anon and try_to_unmap_file, which differ in the list alone. */
function try_to_unmap_vmas(k: Kernel, page: Pfn, migration: 0 | 1): number {
  let ret = SWAP_AGAIN;
  for (const vma of rmap_vmas(k, page)) {
    ret = try_to_unmap_one(k, page, vma, migration);
    if (ret === SWAP_FAIL || !page_mapped(k, page)) return ret;
  }
  return ret;
}

function try_to_unmap_one(k: Kernel, page: Pfn, vma: vm_area_struct, migration: 0 | 1): number {
  const address = vma_address(k, page, vma);
  if (address === -EFAULT) return SWAP_AGAIN;
  const mm = mm_of(k, vma.vm_mm);
  const entry = page_check_address(k, page, mm, virt(address));
  if (entry === null) return SWAP_AGAIN;
  if (migration === 0 && ((vma.vm_flags & VM_LOCKED) !== 0 || ptep_clear_flush_young(k, vma, virt(address), entry))) return SWAP_FAIL;

  const pte = read_pte(k, entry);
  pte_clear_at(k, mm, virt(address), entry, migration === 1 ? WHY_MIGRATE : WHY_RECLAIM);
  flush_tlb_page(k, mm, virt(address));
  if (pte_dirty(pte)) set_page_dirty(k, page);
  mm.hiwater_rss = Math.max(mm.hiwater_rss, mm.file_rss + mm.anon_rss);
  leave_entry(k, page, mm, { address: virt(address), entry, is_writable: pte_write(pte) }, migration);
  page_remove_rmap(k, page);
  page_cache_release(k, page);
  return SWAP_AGAIN;
}

/** What stands where the page was: for one that moves, where to find it; a page of a file can be read again and leaves nothing. */
function leave_entry(
  k: Kernel, page: Pfn, mm: mm_struct, at: { address: VirtAddr; entry: PhysAddr; is_writable: boolean }, migration: 0 | 1,
): void {
  if (PageAnon(k, page) && test_page_flag(k, page, PG_swapcache)) BUG(k, 'mm/rmap.c:try_to_unmap_one: swap is not modelled yet');
  if (migration === 1) {
    const type = at.is_writable ? SWP_MIGRATION_WRITE : SWP_MIGRATION_READ;
    set_pte_at(k, mm, at.address, at.entry, swp_entry_to_pte({ type, offset: page }), WHY_MIGRATE);
    return;
  }
  if (PageAnon(k, page)) BUG(k, `mm/rmap.c:try_to_unmap_one: anonymous page ${page} has no place in swap`);
  mm.file_rss--;
}
