// What an unmapping gathers before the TLBs are flushed (include/asm-generic/tlb.h; KERNEL.md F-12, X-42). With several CPUs a page that was unmapped
// may not be freed while another CPU's TLB still names it: up to 506 are kept back, then all TLBs are flushed, then the pages are freed together.
// With one CPU, which runs nothing of the process meanwhile, each is freed at once.

import type { Kernel } from '../kernel.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import { flush_tlb_mm } from '../arch/tlb.ts';
import { mm_of } from './mm_struct.ts';
import { free_page_and_swap_cache, free_pages_and_swap_cache } from './swap_state.ts';

/** Pages that are kept back at most (FREE_PTE_NR). */
export const FREE_PTE_NR = 506;

export interface mmu_gather {
  /** Id of the address space. */
  mm: number;
  /** 1 with one CPU: nothing is kept back (tlb_fast_mode). */
  fast: 0 | 1;
  /** An entry or a page has gone since the last flush. */
  need_flush: 0 | 1;
  /** The whole address space goes. */
  fullmm: 0 | 1;
  pages: Pfn[];
}

/** Begins to gather. */
export function tlb_gather_mmu(k: Kernel, mm: mm_struct, fullmm: 0 | 1): mmu_gather {
  return { mm: mm.id, fast: k.platform.nr_cpus > 1 ? 0 : 1, need_flush: 0, fullmm, pages: [] };
}

/** Flushes and frees what was gathered, if anything (tlb_flush_mmu). The range does not matter: all of the address space is flushed. */
export function tlb_flush_mmu(k: Kernel, tlb: mmu_gather): void {
  if (tlb.need_flush === 0) return;
  tlb.need_flush = 0;
  flush_tlb_mm(k, mm_of(k, tlb.mm));
  if (tlb.fast === 1) return;
  const { pages } = tlb;
  tlb.pages = [];
  free_pages_and_swap_cache(k, pages);
}

/** Ends it: what is left is flushed and freed. `start` and `end` are what was unmapped, as the kernel's callers say it (tlb_finish_mmu). */
export function tlb_finish_mmu(k: Kernel, tlb: mmu_gather, _start: number, _end: number): void {
  tlb_flush_mmu(k, tlb);
}

/** An entry was emptied whose page somebody else will free (tlb_remove_tlb_entry). @nohooks */
export function tlb_remove_tlb_entry(tlb: mmu_gather): void {
  tlb.need_flush = 1;
}

/** The reference of an entry is to be dropped, or a table freed: at once, or when the TLBs have been flushed (tlb_remove_page). */
export function tlb_remove_page(k: Kernel, tlb: mmu_gather, page: Pfn): void {
  tlb.need_flush = 1;
  if (tlb.fast === 1) {
    free_page_and_swap_cache(k, page);
    return;
  }
  tlb.pages.push(page);
  if (tlb.pages.length >= FREE_PTE_NR) tlb_flush_mmu(k, tlb);
}
