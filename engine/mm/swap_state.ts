// Pages that may be in the swap cache (mm/swap_state.c, can_share_swap_page of mm/swapfile.c; KERNEL.md F-8, F-12, 9.3). There is no swap yet, so
// no page is: PG_swapcache on one is a BUG by name. What remains is how pages that were unmapped are given up, and who may write one in place.

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PG_locked, PG_swapcache } from '../include/page-flags.ts';
import { BUG } from '../kernel/panic.ts';
import { page_mapcount, test_page_flag } from './mem_map.ts';
import { lru_add_drain, page_cache_release, release_pages } from './swap.ts';

/** Drops the reference of an entry that named the page (mm/swap_state.c:free_page_and_swap_cache). */
export function free_page_and_swap_cache(k: Kernel, page: Pfn): void {
  free_swap_cache(k, page);
  page_cache_release(k, page);
}

/** The same for many, 14 at a time (mm/swap_state.c:free_pages_and_swap_cache; L-3, F-12). */
export function free_pages_and_swap_cache(k: Kernel, pages: readonly Pfn[]): void {
  lru_add_drain(k);
  for (let first = 0; first < pages.length; first += PAGEVEC_SIZE) {
    const todo = pages.slice(first, first + PAGEVEC_SIZE);
    for (let i = 0; i < todo.length; i++) free_swap_cache(k, todo[i]!);
    release_pages(k, todo, 0);
  }
}

/** Whether a write may use the page as it is: one entry names it, and nothing in swap does (mm/swapfile.c:can_share_swap_page; F-8). The page is
 *  locked. */
export function can_share_swap_page(k: Kernel, page: Pfn): boolean {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, 'mm/swapfile.c:can_share_swap_page: the page is not locked');
  no_swap_cache(k, page);
  return page_mapcount(k, page) === 1;
}

/** A page that only the swap cache still holds leaves it (mm/swap_state.c:free_swap_cache; SW-12). */
function free_swap_cache(k: Kernel, page: Pfn): void {
  no_swap_cache(k, page);
}

function no_swap_cache(k: Kernel, page: Pfn): void {
  if (test_page_flag(k, page, PG_swapcache)) BUG(k, 'mm/swap_state.c: the swap cache is not modelled yet');
}
