// @nohooks
// The laws of page tables and of the pages they name (KERNEL.md IV-6, IV-7, IV-12, X-48, R-2), and that no TLB allows more than the tables do.
// Part of check.ts's check of the whole machine; the laws of VMAs are in check_vmas.ts. Looking changes nothing.
//
// Some laws hold at every moment, others only while no address space is being worked on: a page that is being faulted in has a reference that no
// table explains yet. Those are asked of an address space, or of a machine, that is quiet.

import type { Kernel } from '../kernel.ts';
import type { mm_struct, tlb, vm_area_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED, NR_PAGETABLE } from '../include/mmzone.ts';
import { VM_EXEC, VM_NONLINEAR } from '../include/mm_types.ts';
import { PG_lru, PG_private, PG_swapcache } from '../include/page-flags.ts';
import { PAGE_SIZE, pfn, phys, virt } from '../include/types.ts';
import { is_x86_64, task_size } from '../arch/address.ts';
import { pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import type { pte_t } from '../arch/pte.ts';
import { _PAGE_PRESENT, _PAGE_RW, pte_dirty, pte_exec, pte_none, pte_page, pte_present } from '../arch/pte.ts';
import type { activity } from './check_page_cache.ts';
import { activity_of, cached_pages } from './check_page_cache.ts';
import { PageAnon, max_mapnr, page_count_raw, page_index, page_mapcount, page_mapping_raw, test_page_flag } from './mem_map.ts';
import { vma_inode } from './mm_struct.ts';
import { for_each_zone } from './mmzone.ts';
import { next_pte_table, pmd_addr_end } from './pte_range.ts';
import { show_pointer } from './slab_lists.ts';
import { check_listed, check_vmas, is_quiet, live_mms, mm_name, quiet_machine } from './check_vmas.ts';
import { folded_zone_state } from './vmstat.ts';
import { vma_containing } from './vma_list.ts';

/** What the tables of all address spaces say together. */
interface tally {
  /** Entries that name each frame. */
  mapped: Int32Array;
  /** Tables of the lowest level. */
  tables: number;
}

/** Every law that does not hold, in words. */
export function check_vm(k: Kernel, activity: activity = activity_of(k)): string[] {
  const broken: string[] = [];
  check_listed(k, broken);
  if (broken.length > 0) return broken;
  const tally: tally = { mapped: new Int32Array(max_mapnr(k)), tables: 0 };
  for (const mm of live_mms(k)) check_tables(k, mm, tally, broken);
  check_total(k, 'IV-12', ['NR_PAGETABLE', NR_PAGETABLE], ['tables of the lowest level', tally.tables], broken);
  check_mapped(k, tally, broken);
  check_references(k, tally, activity, broken);
  for (const [cpu, tlb] of k.tlbs.entries()) check_tlb(k, cpu, tlb, broken);
  check_vmas(k, broken);
  return broken;
}

/** Pages that the whole machine counts of something, and how many there are. */
function check_total(k: Kernel, law: string, [item, index]: [string, number], [what, there]: [string, number], broken: string[]): void {
  const counted = for_each_zone(k).reduce((sum, zone) => sum + folded_zone_state(zone, index), 0);
  if (counted !== there) broken.push(`${law}: ${item} is ${counted}, there are ${there} ${what}`);
}

// ---- tables -----------------------------------------------------------------------------------------------------------

/** What one address space's tables hold. */
interface residents {
  anon: number;
  file: number;
  tables: number;
}

/** IV-6, IV-12: entries name pages that belong there, and the address space counts them and its tables rightly. */
function check_tables(k: Kernel, mm: mm_struct, tally: tally, broken: string[]): void {
  const found: residents = { anon: 0, file: 0, tables: 0 };
  const end = virt(task_size(k));
  for (let at = next_pte_table(k, mm, virt(0), end); at < end; at = next_pte_table(k, mm, pmd_addr_end(k, at, end), end)) {
    found.tables++;
    check_table(k, mm, { start: at, end: pmd_addr_end(k, at, end) }, { tally, found, broken });
  }
  tally.tables += found.tables;
  const name = mm_name(k, mm);
  if (mm.nr_ptes !== found.tables) broken.push(`IV-12: ${name}: nr_ptes is ${mm.nr_ptes}, it has ${found.tables} tables`);
  if (mm.anon_rss !== found.anon) broken.push(`IV-6: ${name}: anon_rss is ${mm.anon_rss}, ${found.anon} entries name anonymous pages`);
  if (mm.file_rss !== found.file) broken.push(`IV-6: ${name}: file_rss is ${mm.file_rss}, ${found.file} entries name other pages`);
}

interface findings {
  tally: tally;
  found: residents;
  broken: string[];
}

function check_table(k: Kernel, mm: mm_struct, { start, end }: { start: VirtAddr; end: VirtAddr }, into: findings): void {
  const table = pte_offset_map(k, mm, start)!;
  for (let i = 0; start + i * PAGE_SIZE < end; i++) {
    const pte = read_pte(k, phys(table + i * entry_size(k)));
    if (!pte_none(pte)) check_entry(k, mm, virt(start + i * PAGE_SIZE), pte, into);
  }
  if (is_quiet(mm) && !overlaps_vma(k, mm, start, end)) {
    into.broken.push(`IV-12: ${mm_name(k, mm)}: a table serves ${show_pointer(k, start)}, where no VMA is`);
  }
}

/** Whether the range that a whole table serves meets a VMA. */
function overlaps_vma(k: Kernel, mm: mm_struct, start: VirtAddr, end: VirtAddr): boolean {
  return mm.mmap.some((id) => k.vmas[id]!.vm_start < end && k.vmas[id]!.vm_end > start);
}

function check_entry(k: Kernel, mm: mm_struct, address: VirtAddr, pte: pte_t, { tally, found, broken }: findings): void {
  const name = `${mm_name(k, mm)}: the entry for ${show_pointer(k, address)}`;
  const vma = vma_containing(k, mm, address);
  if (vma === null && is_quiet(mm)) broken.push(`IV-6: ${name} lies in no VMA`);
  if (!pte_present(pte)) return;
  const page = pte_page(pte);
  if (page >= tally.mapped.length) {
    broken.push(`IV-6: ${name} names frame ${page}, which does not exist`);
    return;
  }
  tally.mapped[page]!++;
  if (PageAnon(k, page)) found.anon++;
  else found.file++;
  if (vma === null) return;
  if (is_x86_64(k) && pte_exec(pte) && (pte & _PAGE_PRESENT) !== 0 && (vma.vm_flags & VM_EXEC) === 0) broken.push(`X-48: ${name} lacks NX in a VMA without VM_EXEC`);
  check_belongs(k, vma, page, { name, index: vma.vm_pgoff + (address - vma.vm_start) / PAGE_SIZE }, broken);
}

/** a page knows the VMA that an entry finds it through, and where it stands in it. The page of zeroes belongs to nobody. */
function check_belongs(k: Kernel, vma: vm_area_struct, page: Pfn, { name, index }: { name: string; index: number }, broken: string[]): void {
  if (page === k.zero_page || (vma.vm_flags & VM_NONLINEAR) !== 0) return;
  const mapping = page_mapping_raw(k, page);
  const expected = PageAnon(k, page) ? vma.anon_vma * 2 + 1 : (vma_inode(k, vma)?.ino ?? 0) * 2;
  const what = PageAnon(k, page) ? 'anon_vma' : 'file';
  if (mapping !== expected || expected < 2) broken.push(`R-2: ${name} names page ${page}, which is not of its VMA's ${what}`);
  else if (page_index(k, page) !== index) broken.push(`R-2: ${name} names page ${page} of index ${page_index(k, page)}, there belongs ${index}`);
}

// ---- pages ------------------------------------------------------------------------------------------------------------

/** Every frame that has a struct page. */
function for_each_page(k: Kernel, look: (page: Pfn) => void): void {
  for (const zone of for_each_zone(k)) {
    for (let i = 0; i < zone.spanned_pages; i++) look(pfn(zone.zone_start_pfn + i));
  }
}

/** IV-6: a page's mapcount is the number of entries that name it, and the zones count pages that have one. */
function check_mapped(k: Kernel, { mapped }: tally, broken: string[]): void {
  let anon = 0;
  let file = 0;
  for_each_page(k, (page) => {
    const mapcount = page_mapcount(k, page);
    if (mapcount !== mapped[page]) broken.push(`IV-6: page ${page}: its mapcount is ${mapcount}, ${mapped[page]} entries name it`);
    if (mapped[page] === 0) return;
    if (PageAnon(k, page)) anon++;
    else file++;
  });
  check_total(k, 'IV-6', ['NR_ANON_PAGES', NR_ANON_PAGES], ['mapped anonymous pages', anon], broken);
  check_total(k, 'IV-6', ['NR_FILE_MAPPED', NR_FILE_MAPPED], ['mapped other pages', file], broken);
}

/**
 * IV-7: whoever holds a page has counted a reference: each entry, a cache, a pagevec, buffers; of the page of zeroes also the kernel, for good. A
 * page that is mapped or cached has more references only while somebody is at work, at a file perhaps without any sign of it; any other is a
 * caller's, who may hold it more than once.
 */
function check_references(k: Kernel, { mapped }: tally, activity: activity, broken: string[]): void {
  const isQuiet = quiet_machine(k);
  const cached = cached_pages(k);
  const waiting = pagevec_pages(k);
  for_each_page(k, (page) => {
    const inode = cached.get(page);
    const in_cache = inode !== undefined || test_page_flag(k, page, PG_swapcache) ? 1 : 0;
    const used = mapped[page]! + in_cache;
    const expected = used + references_besides(k, page, used, waiting);
    const count = page_count_raw(k, page);
    const isExact = isQuiet && used > 0 && (activity === 'at rest' || inode?.kind !== 'file');
    if (count === 0 && expected === 0 && test_page_flag(k, page, PG_lru)) broken.push(`IV-7: page ${page} is on an LRU list, but nobody holds it`);
    if (count < expected || isExact && count > expected) broken.push(`IV-7: page ${page}: its count is ${count}, ${expected} references are known`);
  });
}

/** References that are neither an entry's nor a cache's: buffers of a page that is used so, pagevecs, the kernel's own of the page of zeroes. */
function references_besides(k: Kernel, page: Pfn, used: number, waiting: ReadonlyMap<Pfn, number>): number {
  const buffers = used > 0 && test_page_flag(k, page, PG_private) ? 1 : 0;
  return buffers + (waiting.get(page) ?? 0) + (page === k.zero_page ? 1 : 0);
}

/** How often each page waits in a pagevec. */
function pagevec_pages(k: Kernel): Map<Pfn, number> {
  const waiting = new Map<Pfn, number>();
  for (const { pages } of [...k.lru_add_pvecs, ...k.lru_add_active_pvecs]) {
    for (const page of pages) waiting.set(page, (waiting.get(page) ?? 0) + 1);
  }
  return waiting;
}

// ---- TLBs -------------------------------------------------------------------------------------------------------------

/** What a CPU remembers of the tables is still true, or allows less than they do: else a flush is missing. */
function check_tlb(k: Kernel, cpu: number, tlb: tlb, broken: string[]): void {
  if (tlb.mm === 0) return;
  const mm = k.mm_structs[tlb.mm] ?? null;
  if (mm === null || mm.pgd === 0) {
    broken.push(`TLB: cpu ${cpu} works in an address space that is gone`);
    return;
  }
  if (mm.cpu_vm_mask[cpu] !== 1) broken.push(`TLB: cpu ${cpu} works in ${mm_name(k, mm)}, which does not know it`);
  if (!is_quiet(mm)) return;
  for (const [i, vpn] of tlb.vpn.entries()) {
    if (vpn < 0) continue;
    const address = virt(vpn * PAGE_SIZE);
    const more = what_is_stale(tlb.pte[i]!, pte_at(k, mm, address));
    if (more !== '') broken.push(`TLB: cpu ${cpu}: its entry for ${show_pointer(k, address)} of ${mm_name(k, mm)} ${more}`);
  }
}

/** The entry for an address, 0 where there is no table. */
function pte_at(k: Kernel, mm: mm_struct, address: VirtAddr): pte_t {
  const entry: PhysAddr | null = pte_offset_map(k, mm, address);
  return entry === null ? 0 : read_pte(k, entry);
}

function what_is_stale(loaded: pte_t, pte: pte_t): string {
  if ((pte & _PAGE_PRESENT) === 0) return 'is no longer in the tables';
  if (pte_page(loaded) !== pte_page(pte)) return `names frame ${pte_page(loaded)}, the tables name ${pte_page(pte)}`;
  if ((loaded & _PAGE_RW) !== 0 && (pte & _PAGE_RW) === 0) return 'may be written, the tables forbid it';
  if (pte_exec(loaded) && !pte_exec(pte)) return 'may be executed, the tables forbid it';
  if (pte_dirty(loaded) && !pte_dirty(pte)) return 'was dirty, and a store through it would not show in the tables';
  return '';
}
