// Pages on their way to the LRU lists and off them (mm/swap.c, include/linux/{pagevec,mm_inline}.h; KERNEL.md L-1 … L-9, PA-26).
//
//   lru_add_pvecs[cpu]          a page waits here, with one reference more, until 14 have come     lru_add_drain ─┐
//   lru_add_active_pvecs[cpu]   the same, for pages that begin on the active list                                 │
//   zone.inactive_list, zone.active_list   head: what came last; tail: what reclaim looks at first  ◄─────────────┘
//
// Pages of files and anonymous ones stand on the same two lists. Left out: swap_setup (L-10), which comes with swap; the zones' lru_lock, since
// nothing here can be interrupted; compound pages in the page cache (hugetlbfs).

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn } from '../include/types.ts';
import { pfn } from '../include/types.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PG_active, PG_dirty, PG_locked, PG_lru, PG_referenced } from '../include/page-flags.ts';
import { BUG } from '../kernel/panic.ts';
import {
  PageCompound, clear_page_flag, get_page, list_add, list_add_tail, list_del, page_count, page_flags, page_lru_prev, page_private, page_zone,
  put_page_testzero, set_page_flag, test_page_flag,
} from './mem_map.ts';
import { __free_pages, __free_pages_ok, __pagevec_free, free_hot_page } from './page_alloc.ts';
import { PGACTIVATE, PGROTATED, count_vm_events } from './vmstat.ts';
import { trace_mm_lru_activate, trace_mm_lru_insertion, trace_mm_lru_pagevec_flush } from '../trace/pagemap.ts';
import { trace_mm_lru_rotate } from '../trace/writeback.ts';

/** Which list a pagevec leads to: `lru` and `kind` of the tracepoints. */
const INACTIVE = 0;
const ACTIVE = 1;

export function make_pagevecs(nr_cpus: number): pagevec[] {
  return Array.from({ length: nr_cpus }, () => ({ pages: [], cold: 0 }));
}

// ---- onto the lists ---------------------------------------------------------------------------------------------------

/** A page of a file is to come onto the inactive list: it waits in this CPU's pagevec, with a reference (mm/swap.c:lru_cache_add; L-2, L-4). */
export function lru_cache_add(k: Kernel, page: Pfn): void {
  const pvec = k.lru_add_pvecs[k.cpu]!;
  get_page(k, page);
  if (pagevec_add(pvec, page) === 0) __pagevec_lru_add(k, pvec);
}

/** An anonymous page is to come onto the active list (mm/swap.c:lru_cache_add_active; L-2, L-4). */
export function lru_cache_add_active(k: Kernel, page: Pfn): void {
  const pvec = k.lru_add_active_pvecs[k.cpu]!;
  get_page(k, page);
  if (pagevec_add(pvec, page) === 0) __pagevec_lru_add_active(k, pvec);
}

/** Both pagevecs of this CPU go onto the lists (mm/swap.c:lru_add_drain; L-3). Those of other CPUs stay as they are. */
export function lru_add_drain(k: Kernel): void {
  const pvec = k.lru_add_pvecs[k.cpu]!;
  if (pvec.pages.length > 0) __pagevec_lru_add(k, pvec);
  const active = k.lru_add_active_pvecs[k.cpu]!;
  if (active.pages.length > 0) __pagevec_lru_add_active(k, active);
}

/** Puts a page into a batch; how many more it takes. At 0 the caller must empty it. */
export function pagevec_add(pvec: pagevec, page: Pfn): number {
  pvec.pages.push(page);
  return PAGEVEC_SIZE - pvec.pages.length;
}

/** A batch goes onto the inactive lists of its pages' zones, and its references are dropped (mm/swap.c:__pagevec_lru_add). */
export function __pagevec_lru_add(k: Kernel, pvec: pagevec): void {
  const { pages } = pvec;
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    if (test_page_flag(k, page, PG_lru)) BUG(k, `mm/swap.c:__pagevec_lru_add: page ${page} is on a list already`);
    set_page_flag(k, page, PG_lru);
    add_page_to_inactive_list(k, page_zone(k, page), page);
    trace_mm_lru_insertion(k, page, page, INACTIVE, page_flags(k, page));
  }
  empty_pagevec(k, pvec, INACTIVE);
}

/** The same, onto the active lists (mm/swap.c:__pagevec_lru_add_active). */
export function __pagevec_lru_add_active(k: Kernel, pvec: pagevec): void {
  const { pages } = pvec;
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    if (test_page_flag(k, page, PG_lru)) BUG(k, `mm/swap.c:__pagevec_lru_add_active: page ${page} is on a list already`);
    set_page_flag(k, page, PG_lru);
    set_page_flag(k, page, PG_active);
    add_page_to_active_list(k, page_zone(k, page), page);
    trace_mm_lru_insertion(k, page, page, ACTIVE, page_flags(k, page));
  }
  empty_pagevec(k, pvec, ACTIVE);
}

/** The references that a pagevec held end; a page that nobody else wants any more is freed, from the list it has just come to. */
function empty_pagevec(k: Kernel, pvec: pagevec, kind: number): void {
  const { pages } = pvec;
  pvec.pages = [];
  trace_mm_lru_pagevec_flush(k, kind, pages.length);
  release_pages(k, pages, pvec.cold);
}

// ---- use --------------------------------------------------------------------------------------------------------------

/** A page of the inactive list moves to the head of the active one; any other stays where it is (mm/swap.c:activate_page; L-7). */
export function activate_page(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_lru) || test_page_flag(k, page, PG_active)) return;
  const zone = page_zone(k, page);
  del_page_from_inactive_list(k, zone, page);
  set_page_flag(k, page, PG_active);
  add_page_to_active_list(k, zone, page);
  count_vm_events(k, PGACTIVATE, 1);
  trace_mm_lru_activate(k, page, page);
}

/**
 * A page was used: the first touch marks it referenced, the second makes it active (mm/swap.c:mark_page_accessed; L-5).
 *
 *   inactive → inactive, referenced → active → active, referenced
 */
export function mark_page_accessed(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_referenced)) {
    set_page_flag(k, page, PG_referenced);
    return;
  }
  if (test_page_flag(k, page, PG_active) || !test_page_flag(k, page, PG_lru)) return;
  activate_page(k, page);
  clear_page_flag(k, page, PG_referenced);
}

/** A page was written out so that it can be given up, and its write is about to end: it goes to the tail of the inactive list, where reclaim finds it
 *  next, unless it is in use again or dirty (mm/swap.c:rotate_reclaimable_page; L-9). */
export function rotate_reclaimable_page(k: Kernel, page: Pfn): void {
  const is_wanted = [PG_locked, PG_dirty, PG_active].some((bit) => test_page_flag(k, page, bit));
  if (is_wanted || !test_page_flag(k, page, PG_lru)) return;
  list_del(k, page);
  list_add_tail(k, page, page_zone(k, page).inactive_list);
  count_vm_events(k, PGROTATED, 1);
  trace_mm_lru_rotate(k, page);
}

// ---- references -------------------------------------------------------------------------------------------------------

/** Drops a reference to a page; of a compound block's pages, to the block. The last one frees it (mm/swap.c:put_page; PA-26). */
export function put_page(k: Kernel, page: Pfn): void {
  if (PageCompound(k, page)) put_compound_page(k, page);
  else if (page_count(k, page) === 0) __free_pages(k, page, 0);
  else if (put_page_testzero(k, page)) __page_cache_release(k, page);
}

/** The page cache's name for put_page (include/linux/pagemap.h). */
export function page_cache_release(k: Kernel, page: Pfn): void {
  put_page(k, page);
}

/** Drops a reference to each page of a list. Those that nobody wants any more leave their LRU lists and are freed 14 at a time, onto the cold
 *  per-CPU list where `cold` says so (mm/swap.c:release_pages; L-8). */
export function release_pages(k: Kernel, pages: readonly Pfn[], cold: number): void {
  let pages_to_free: Pfn[] = [];
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    if (PageCompound(k, page)) {
      put_compound_page(k, page);
      continue;
    }
    if (!put_page_testzero(k, page)) continue;
    take_off_lru(k, page);
    pages_to_free.push(page);
    if (pages_to_free.length < PAGEVEC_SIZE) continue;
    __pagevec_free(k, pages_to_free, cold);
    pages_to_free = [];
  }
  if (pages_to_free.length > 0) __pagevec_free(k, pages_to_free, cold);
}

/** Drops the references of a batch that somebody gathered, once the pages that wait in this CPU's pagevecs are on their lists (mm/swap.c). */
export function __pagevec_release(k: Kernel, pvec: pagevec): void {
  lru_add_drain(k);
  const { pages } = pvec;
  pvec.pages = [];
  release_pages(k, pages, pvec.cold);
}

/** The head counts for all; the second page knows the order (P-6). */
function put_compound_page(k: Kernel, page: Pfn): void {
  const head = pfn(page_private(k, page));
  const order = page_lru_prev(k, pfn(head + 1));
  if (page_count(k, head) === 0) __free_pages(k, head, order);
  else if (put_page_testzero(k, head)) __free_pages_ok(k, head, order);
}

/** Frees a page that nobody refers to any more, from its LRU list where it is on one (mm/swap.c:__page_cache_release; L-8). */
function __page_cache_release(k: Kernel, page: Pfn): void {
  take_off_lru(k, page);
  free_hot_page(k, page);
}

function take_off_lru(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_lru)) return;
  clear_page_flag(k, page, PG_lru);
  del_page_from_lru(k, page_zone(k, page), page);
}

// ---- the lists themselves (include/linux/mm_inline.h) -----------------------------------------------------------------

/** Onto the head of the active list; PG_active is the caller's. */
export function add_page_to_active_list(k: Kernel, zone: zone, page: Pfn): void {
  list_add(k, page, zone.active_list);
  zone.nr_active++;
}

/** Onto the head of the inactive list. */
export function add_page_to_inactive_list(k: Kernel, zone: zone, page: Pfn): void {
  list_add(k, page, zone.inactive_list);
  zone.nr_inactive++;
}

export function del_page_from_active_list(k: Kernel, zone: zone, page: Pfn): void {
  list_del(k, page);
  zone.nr_active--;
}

export function del_page_from_inactive_list(k: Kernel, zone: zone, page: Pfn): void {
  list_del(k, page);
  zone.nr_inactive--;
}

/** Takes a page off the list that PG_active names, and clears PG_active. */
export function del_page_from_lru(k: Kernel, zone: zone, page: Pfn): void {
  if (test_page_flag(k, page, PG_active)) {
    clear_page_flag(k, page, PG_active);
    del_page_from_active_list(k, zone, page);
  } else {
    del_page_from_inactive_list(k, zone, page);
  }
}
