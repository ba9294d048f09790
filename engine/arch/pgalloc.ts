// Page tables of address spaces: made, found and given up (include/asm-{i386,x86_64}/pgalloc.h, arch/i386/mm/pgtable.c; KERNEL.md, F-5).
//
//   i386     the top table is an object of the `pgd` cache, its kernel quarter copied from swapper_pg_dir when it is made
//   x86_64   every table is a page of its own; the top one's entries from 258 on are those of init_level4_pgt
//
// Tables below the top come with GFP_KERNEL|__GFP_REPEAT|__GFP_ZERO. Only those of the lowest level count in nr_ptes and NR_PAGETABLE.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { GFP_KERNEL, __GFP_REPEAT, __GFP_ZERO } from '../include/gfp.ts';
import { NR_PAGETABLE } from '../include/mmzone.ts';
import { NO_PAGE, PAGE_SHIFT, PAGE_SIZE, phys } from '../include/types.ts';
import { charge } from '../kernel/sched.ts';
import { read_phys32, write_phys32 } from '../mm/contents.ts';
import { alloc_object, free_object } from '../mm/mm_struct.ts';
import { __free_pages, alloc_page } from '../mm/page_alloc.ts';
import { dec_zone_page_state, inc_zone_page_state } from '../mm/vmstat.ts';
import { is_x86_64, page_address, virt_to_phys } from './address.ts';
import { SHIFTS, _PAGE_TABLE, entry_of, entry_size, read_pte, write_pte } from './pgtable.ts';
import { _PAGE_PRESENT, _PAGE_PSE, mk_pte, pte_low, pte_page } from './pte.ts';

/** First entry of the top table that is the kernel's (M-2, X-7). */
const KERNEL_PGD_SLOT = { i386: 768, x86_64: 258 } as const;

/** What one table of the lowest level maps, bytes (PMD_SIZE). */
export function pmd_size(k: Kernel): number {
  return is_x86_64(k) ? 2 << 20 : 4 << 20;
}

/** Gives an address space its top table; false where there is no memory (mm_alloc_pgd). */
export function* pgd_alloc(k: Kernel, mm: mm_struct): Generator<Wait, boolean, void> {
  let table = phys(0);
  if (is_x86_64(k)) {
    const page = yield* alloc_page(k, GFP_KERNEL | __GFP_REPEAT | __GFP_ZERO);
    if (page === NO_PAGE) return false;
    table = phys(page * PAGE_SIZE);
  } else {
    const object = yield* alloc_object(k, 'pgd');
    if (object === 0) return false;
    table = virt_to_phys(k, object);
  }
  mm.pgd = table;
  pgd_ctor(k, table);
  return true;
}

/** The user part is empty, the kernel part that of init_mm as it is now: what vmalloc adds later is copied at the first touch (F-4). */
function pgd_ctor(k: Kernel, table: PhysAddr): void {
  const first = KERNEL_PGD_SLOT[k.platform.arch] * entry_size(k);
  for (let at = 0; at < PAGE_SIZE; at += 4) write_phys32(k, phys(table + at), at < first ? 0 : read_phys32(k, phys(k.init_mm.pgd + at)));
}

/** Gives the top table back; the user part must be empty. */
export function pgd_free(k: Kernel, mm: mm_struct): void {
  if (is_x86_64(k)) __free_pages(k, (mm.pgd / PAGE_SIZE) as Pfn, 0);
  else free_object(k, 'pgd', page_address(k, (mm.pgd / PAGE_SIZE) as Pfn));
  mm.pgd = phys(0);
}

/** The entry of the top table for an address (pgd_offset). */
export function pgd_offset(k: Kernel, mm: mm_struct, address: VirtAddr): PhysAddr {
  return entry_of(k, mm.pgd, SHIFTS[k.platform.arch][0], address);
}

/** Where the PTE of a user address is, or null where a table on the way is missing. Looking changes nothing. @nohooks */
export function pte_offset_map(k: Kernel, mm: mm_struct, address: VirtAddr): PhysAddr | null {
  const shifts = SHIFTS[k.platform.arch];
  let table = mm.pgd;
  for (let level = 0; level < shifts.length - 1; level++) {
    const pte = read_pte(k, entry_of(k, table, shifts[level]!, address));
    if ((pte & _PAGE_PRESENT) === 0) return null;
    table = phys(pte - pte_low(pte));
  }
  return entry_of(k, table, PAGE_SHIFT, address);
}

/** The same, with the tables that are missing made; null where there is no memory for one (pud_alloc, pmd_alloc, pte_alloc_map). */
export function* pte_alloc_map(k: Kernel, mm: mm_struct, address: VirtAddr): Generator<Wait, PhysAddr | null, void> {
  const shifts = SHIFTS[k.platform.arch];
  let table = mm.pgd;
  for (let level = 0; level < shifts.length - 1; level++) {
    const entry = entry_of(k, table, shifts[level]!, address);
    if (read_pte(k, entry) === 0) {
      const made = yield* __pte_alloc(k, mm, entry, level === shifts.length - 2);
      if (!made) return null;
    }
    table = phys(pte_page(read_pte(k, entry)) * PAGE_SIZE);
  }
  return entry_of(k, table, PAGE_SHIFT, address);
}

/** Hangs a new table into an entry, unless somebody did so while this task slept for it (mm/memory.c:__pte_alloc); false where there is no memory. */
export function* __pte_alloc(k: Kernel, mm: mm_struct, entry: PhysAddr, is_lowest: boolean): Generator<Wait, boolean, void> {
  const page = yield* pte_alloc_one(k);
  if (page === NO_PAGE) return false;
  if (read_pte(k, entry) !== 0) {
    __free_pages(k, page, 0);
    return true;
  }
  if (is_lowest) {
    mm.nr_ptes++;
    inc_zone_page_state(k, page, NR_PAGETABLE);
  }
  write_pte(k, entry, mk_pte(page, _PAGE_TABLE));
  charge(k, k.cost.pte);
  return true;
}

/** A page of zeroes for a table. */
export function* pte_alloc_one(k: Kernel): Generator<Wait, Pfn, void> {
  const page = yield* alloc_page(k, GFP_KERNEL | __GFP_REPEAT | __GFP_ZERO);
  return page;
}

/** A table of the lowest level no longer counts (pte_free_tlb's bookkeeping); its page is the caller's to free. */
export function uncount_pte_page(k: Kernel, mm: mm_struct, page: Pfn): void {
  dec_zone_page_state(k, page, NR_PAGETABLE);
  mm.nr_ptes--;
}

// ---- a walk that explains itself --------------------------------------------------------------------------------------

/** One level of a walk: the table, which entry of it, where that is, and what it holds. */
export interface walk_step {
  level: 'PGD' | 'PUD' | 'PMD' | 'PTE';
  table: Pfn;
  index: number;
  entry: PhysAddr;
  /** As arch/pte.ts reads it. */
  value: number;
}

/** What the processor would look up for an address in the tables at `pgd`, down to the first entry that leads no further. Disturbs nothing. */
export function walk_page_table(k: Kernel, pgd: PhysAddr, address: VirtAddr): walk_step[] {
  const shifts = SHIFTS[k.platform.arch];
  const names = is_x86_64(k) ? (['PGD', 'PUD', 'PMD', 'PTE'] as const) : (['PGD', 'PTE'] as const);
  const steps: walk_step[] = [];
  let table = pgd;
  for (const [level, name] of names.entries()) {
    const entry = entry_of(k, table, shifts[level]!, address);
    const value = read_pte(k, entry);
    steps.push({ level: name, table: (table / PAGE_SIZE) as Pfn, index: (entry - table) / entry_size(k), entry, value });
    if ((value & _PAGE_PRESENT) === 0 || (value & _PAGE_PSE) !== 0 && name !== 'PTE') break;
    table = phys(pte_page(value) * PAGE_SIZE);
  }
  return steps;
}
