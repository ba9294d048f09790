// References to pages (mm/swap.c; KERNEL.md PA-26): the last put_page frees a page wherever it came from. Not modelled yet: the pagevecs that carry
// pages to the LRU lists.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn } from '../include/types.ts';
import { pfn } from '../include/types.ts';
import { PG_active, PG_lru } from '../include/page-flags.ts';
import {
  PageCompound, clear_page_flag, list_del, page_count, page_lru_prev, page_private, page_zone, put_page_testzero, test_page_flag,
} from './mem_map.ts';
import { __free_pages, __free_pages_ok, free_hot_page } from './page_alloc.ts';

export function make_pagevecs(nr_cpus: number): pagevec[] {
  return Array.from({ length: nr_cpus }, () => ({ pages: [], cold: 0 }));
}

/** Drops a reference to a page; of a compound block's pages, to the block. The last one frees it (mm/swap.c:put_page; PA-26). */
export function put_page(k: Kernel, page: Pfn): void {
  if (PageCompound(k, page)) put_compound_page(k, page);
  else if (page_count(k, page) === 0) __free_pages(k, page, 0);
  else if (put_page_testzero(k, page)) __page_cache_release(k, page);
}

/** The head counts for all; the second page knows the order (P-6). */
function put_compound_page(k: Kernel, page: Pfn): void {
  const head = pfn(page_private(k, page));
  const order = page_lru_prev(k, pfn(head + 1));
  if (page_count(k, head) === 0) __free_pages(k, head, order);
  else if (put_page_testzero(k, head)) __free_pages_ok(k, head, order);
}

/** Frees a page that nobody refers to any more, from its LRU list where it is on one. */
function __page_cache_release(k: Kernel, page: Pfn): void {
  if (test_page_flag(k, page, PG_lru)) {
    clear_page_flag(k, page, PG_lru);
    del_page_from_lru(k, page_zone(k, page), page);
  }
  free_hot_page(k, page);
}

/** Takes a page off the list that PG_active names (include/linux/mm_inline.h). */
export function del_page_from_lru(k: Kernel, zone: zone, page: Pfn): void {
  list_del(k, page);
  if (test_page_flag(k, page, PG_active)) {
    clear_page_flag(k, page, PG_active);
    zone.nr_active--;
  } else {
    zone.nr_inactive--;
  }
}
