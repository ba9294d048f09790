// @nohooks
// Looking at page tables of an address space without disturbing them: which tables serve a range, and what stands in one. For views and /proc.

import type { Kernel } from '../kernel.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { pmd_size, pte_offset_map } from '../arch/pgalloc.ts';
import type { pte_t } from '../arch/pte.ts';
import { is_swap_pte, pte_present } from '../arch/pte.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';

/** A table of the lowest level, as far as it serves a range: the range's part in it, its frame, and how many entries of that part are used. */
export interface pte_table {
  start: VirtAddr;
  end: VirtAddr;
  table: Pfn;
  present: number;
  swapped: number;
}

/** One entry that is not empty. */
export interface pte_entry {
  address: VirtAddr;
  entry: PhysAddr;
  pte: pte_t;
}

/** The tables there are for `start` … `end`, ascending. */
export function pte_tables(k: Kernel, mm: mm_struct, start: VirtAddr, end: VirtAddr): pte_table[] {
  const size = pmd_size(k);
  const tables: pte_table[] = [];
  for (let at = start as number; at < end; at = (Math.floor(at / size) + 1) * size) {
    const entry = mm.pgd === 0 ? null : pte_offset_map(k, mm, virt(at));
    if (entry === null) continue;
    const until = virt(Math.min(end, (Math.floor(at / size) + 1) * size));
    const entries = pte_entries(k, mm, virt(at), until);
    tables.push({
      start: virt(at), end: until, table: Math.floor(entry / PAGE_SIZE) as Pfn,
      present: entries.filter(({ pte }) => pte_present(pte)).length, swapped: entries.filter(({ pte }) => is_swap_pte(pte)).length,
    });
  }
  return tables;
}

/** The entries that are not empty for a range within one table, ascending; none where there is no table. */
export function pte_entries(k: Kernel, mm: mm_struct, start: VirtAddr, end: VirtAddr): pte_entry[] {
  const first = mm.pgd === 0 ? null : pte_offset_map(k, mm, start);
  if (first === null) return [];
  const found: pte_entry[] = [];
  for (let i = 0; start + i * PAGE_SIZE < end; i++) {
    const entry = (first + i * entry_size(k)) as PhysAddr;
    const pte = read_pte(k, entry);
    if (pte !== 0) found.push({ address: virt(start + i * PAGE_SIZE), entry, pte });
  }
  return found;
}
