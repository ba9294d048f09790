// The page allocator (mm/page_alloc.c; KERNEL.md chapter 3): buddy lists per zone, per-CPU lists of single pages, watermarks, and the decision
// list of __alloc_pages. Sizing at boot is in page_alloc_init.ts, the reports in show_mem.ts.
//
//   alloc_pages → __alloc_pages → get_page_from_freelist → buffered_rmqueue → (rmqueue_bulk →) __rmqueue → expand
//   __free_pages → free_hot_cold_page → free_pages_bulk | __free_pages_ok → free_one_page → __free_one_page
//
// What happens when no zone is above its low mark is in page_alloc_slow.ts. A page that is freed while it is free is reported as a bad page, and
// left alone (2.6.18 has a BUG_ON there), so that a scenario with that mistake can be run on.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { ListHead, Pfn, VirtAddr } from '../include/types.ts';
import type { zone, zonelist } from '../include/mmzone.ts';
import { NO_PAGE, pfn } from '../include/types.ts';
import { MAX_ORDER, ZONE_HIGHMEM } from '../include/mmzone.ts';
import {
  GFP_ZONEMASK, __GFP_COLD, __GFP_COMP, __GFP_HIGHMEM, __GFP_ZERO,
} from '../include/gfp.ts';
import {
  PG_active, PG_arch_1, PG_buddy, PG_checked, PG_compound, PG_dirty, PG_error, PG_locked, PG_lru, PG_mappedtodisk, PG_private, PG_reclaim,
  PG_referenced, PG_reserved, PG_slab, PG_swapcache, PG_uptodate, PG_writeback, show_page_flags,
} from '../include/page-flags.ts';
import {
  PageAnon, PageBuddy, PageCompound, PageReserved, clear_page_flag, clear_page_flags, is_listed, list_add, list_add_tail, list_del, list_empty,
  list_first, list_last, max_mapnr, page_count_raw, page_flags, page_lru_prev, page_mapcount, page_mapping_raw, page_order, page_private,
  page_zone, put_page_testzero, reset_page_mapcount, rmv_page_order, same_zone, set_page_count, set_page_flag, set_page_lru_words,
  set_page_mapping, set_page_order, set_page_private,
} from './mem_map.ts';
import { zone_of, zonelist_of } from './mmzone.ts';
import { zone_statistics } from './numa_stat.ts';
import { numa_node_id } from './topology.ts';
import { zone_reclaim } from './zone_reclaim.ts';
import { PGALLOC_DMA, PGFREE, count_vm_events } from './vmstat.ts';
import { RESTART, __alloc_pages_slowpath } from './page_alloc_slow.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { bits_per_long, page_address, virt_to_page } from '../arch/address.ts';
import { fill_frame } from './contents.ts';
import {
  trace_mm_buddy_merge, trace_mm_buddy_split, trace_mm_page_alloc, trace_mm_page_alloc_zone_locked, trace_mm_page_free,
  trace_mm_page_free_batched, trace_mm_page_pcpu_drain, trace_mm_watermark_check,
} from '../trace/kmem.ts';

// Flags of get_page_from_freelist and zone_watermark_ok (PA-20).
export const ALLOC_NO_WATERMARKS = 0x01;
export const ALLOC_WMARK_MIN = 0x02;
export const ALLOC_WMARK_LOW = 0x04;
export const ALLOC_WMARK_HIGH = 0x08;
export const ALLOC_HARDER = 0x10;
export const ALLOC_HIGH = 0x20;
export const ALLOC_CPUSET = 0x40;

/** Frames of two of the largest blocks: a frame's place among them decides its buddies (PA-8). */
const BLOCK_PLACES = 1 << MAX_ORDER;
/** 2.6.18 has no migrate types; the modern tracepoints' field says so. */
const NO_MIGRATETYPE = -1;

/** Flags that no free page may carry, and those no page handed out may (P-8). */
const FREE_CHECK = bits(PG_lru, PG_private, PG_locked, PG_active, PG_reclaim, PG_slab, PG_swapcache, PG_writeback, PG_reserved, PG_buddy);
const NEW_CHECK = FREE_CHECK | bits(PG_dirty);
const NEW_CLEARS = bits(PG_uptodate, PG_error, PG_referenced, PG_arch_1, PG_checked, PG_mappedtodisk);
const BAD_CLEARS = bits(PG_lru, PG_private, PG_locked, PG_active, PG_dirty, PG_reclaim, PG_slab, PG_swapcache, PG_writeback, PG_buddy);

// ---- requests ---------------------------------------------------------------------------------------------------------

/** 2^order pages for a gfp mask: the first frame, or NO_PAGE (include/linux/gfp.h:alloc_pages). May sleep where the mask has __GFP_WAIT. */
export function* alloc_pages(k: Kernel, gfp_mask: number, order: number): Generator<Wait, Pfn, void> {
  const page = yield* alloc_pages_node(k, numa_node_id(k), gfp_mask, order);
  return page;
}

/** A single page (include/linux/gfp.h:alloc_page). */
export function* alloc_page(k: Kernel, gfp_mask: number): Generator<Wait, Pfn, void> {
  const page = yield* alloc_pages(k, gfp_mask, 0);
  return page;
}

/** As alloc_pages, from a node's zonelist, -1 being the running CPU's; an order past the largest is refused at once (PA-1, N-15). */
export function* alloc_pages_node(k: Kernel, nid: number, gfp_mask: number, order: number): Generator<Wait, Pfn, void> {
  if (order >= MAX_ORDER) return NO_PAGE;
  const node = nid < 0 ? numa_node_id(k) : nid;
  const page = yield* __alloc_pages(k, gfp_mask, order, zonelist_of(k, node, gfp_mask & GFP_ZONEMASK));
  return page;
}

/** A page's kernel address for a mask without highmem, or 0 (mm/page_alloc.c:__get_free_pages; PA-25). */
export function* __get_free_pages(k: Kernel, gfp_mask: number, order: number): Generator<Wait, VirtAddr, void> {
  if ((gfp_mask & __GFP_HIGHMEM) !== 0) BUG(k, 'mm/page_alloc.c:__get_free_pages: highmem has no kernel address');
  const page = yield* alloc_pages(k, gfp_mask, order);
  return page === NO_PAGE ? (0 as VirtAddr) : page_address(k, page);
}

/** A zeroed page's kernel address, or 0 (mm/page_alloc.c:get_zeroed_page; PA-25). */
export function* get_zeroed_page(k: Kernel, gfp_mask: number): Generator<Wait, VirtAddr, void> {
  const address = yield* __get_free_pages(k, gfp_mask | __GFP_ZERO, 0);
  return address;
}

/** The heart of the allocator: the decision list of PA-21. First frame, or NO_PAGE. The slow half is in page_alloc_slow.ts. */
export function* __alloc_pages(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist): Generator<Wait, Pfn, void> {
  if (zonelist.zones.length === 0) return NO_PAGE;
  for (;;) {
    let page = get_page_from_freelist(k, gfp_mask, order, zonelist, ALLOC_WMARK_LOW | ALLOC_CPUSET);
    if (page !== NO_PAGE) return page;
    page = yield* __alloc_pages_slowpath(k, gfp_mask, order, zonelist);
    if (page !== RESTART) return page;
  }
}

/** Tries the zones of a list in order: the first that passes its watermark and has a block gives it (PA-21, 1). */
export function get_page_from_freelist(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist, alloc_flags: number): Pfn {
  const classzone_idx = zonelist.zones[0]!.zone_idx;
  for (const ref of zonelist.zones) {
    const zone = zone_of(k, ref);
    if ((alloc_flags & ALLOC_NO_WATERMARKS) === 0) {
      const mark = watermark(zone, alloc_flags);
      if (!zone_watermark_ok(k, zone, order, mark, classzone_idx, alloc_flags)) {
        if (k.sysctl.zone_reclaim_mode === 0 || !zone_reclaim(k, zone, gfp_mask, order)) continue;
      }
    }
    const page = buffered_rmqueue(k, zone, order, gfp_mask, zonelist);
    if (page !== NO_PAGE) return page;
  }
  return NO_PAGE;
}

/** The mark that the flags name. */
function watermark(zone: zone, alloc_flags: number): number {
  if ((alloc_flags & ALLOC_WMARK_MIN) !== 0) return zone.pages_min;
  if ((alloc_flags & ALLOC_WMARK_LOW) !== 0) return zone.pages_low;
  return zone.pages_high;
}

/** Whether a zone keeps `mark` pages, and enough of them in blocks large enough, after giving 2^order (mm/page_alloc.c; PA-17). */
export function zone_watermark_ok(k: Kernel, zone: zone, order: number, mark: number, classzone_idx: number, alloc_flags: number): boolean {
  let min = mark;
  let free_pages = zone.free_pages - (1 << order) + 1;
  if ((alloc_flags & ALLOC_HIGH) !== 0) min -= Math.trunc(min / 2);
  if ((alloc_flags & ALLOC_HARDER) !== 0) min -= Math.trunc(min / 4);

  let failed_at_order = -1;
  let ok = free_pages > min + zone.lowmem_reserve[classzone_idx]!;
  for (let o = 0; ok && o < order; o++) {
    free_pages -= zone.free_area[o]!.nr_free << o;
    min >>= 1;
    ok = free_pages > min;
    if (!ok) failed_at_order = o;
  }
  const zid = zone.node * 4 + zone.zone_idx;
  trace_mm_watermark_check(k, zid, order, mark, classzone_idx, alloc_flags, zone.free_pages, ok ? 1 : 0, failed_at_order);
  return ok;
}

// ---- taking pages -----------------------------------------------------------------------------------------------------

/** A block from a zone of a list, by way of the per-CPU list for a single page (PA-14, PA-16). A page that is not fit to hand out is left aside. */
export function buffered_rmqueue(k: Kernel, zone: zone, order: number, gfp_flags: number, zonelist: zonelist): Pfn {
  const cold = (gfp_flags & __GFP_COLD) !== 0 ? 1 : 0;
  for (;;) {
    const page = order === 0 ? rmqueue_pcp(k, zone, cold) : __rmqueue(k, zone, order);
    if (page === NO_PAGE) return NO_PAGE;
    if (order > 0) trace_mm_page_alloc_zone_locked(k, page, page, order, NO_MIGRATETYPE, 0);
    count_vm_events(k, PGALLOC_DMA + zone.zone_idx, 1 << order);
    zone_statistics(k, zonelist, zone);
    if (prep_new_page(k, page, order, gfp_flags)) {
      trace_mm_page_alloc(k, page, page, order, NO_MIGRATETYPE, gfp_flags);
      return page;
    }
  }
}

/** The head of this CPU's list, refilled from the buddy lists when it is empty (PA-14). */
function rmqueue_pcp(k: Kernel, zone: zone, cold: number): Pfn {
  const pcp = zone.pageset[k.cpu]!.pcp[cold]!;
  if (pcp.count === 0) {
    pcp.count = rmqueue_bulk(k, zone, 0, pcp.batch, pcp.list);
    if (pcp.count === 0) return NO_PAGE;
  }
  const page = list_first(k, pcp.list);
  list_del(k, page);
  pcp.count--;
  charge(k, k.cost.alloc);
  return page;
}

/** Up to `count` blocks onto the tail of a list, so that they leave it in the order they came; how many there were (PA-14). */
export function rmqueue_bulk(k: Kernel, zone: zone, order: number, count: number, list: ListHead): number {
  let taken = 0;
  while (taken < count) {
    const page = __rmqueue(k, zone, order);
    if (page === NO_PAGE) break;
    trace_mm_page_alloc_zone_locked(k, page, page, order, NO_MIGRATETYPE, 1);
    list_add_tail(k, page, list);
    taken++;
  }
  return taken;
}

/** The head of the smallest list that has a block of the order or more, cut to size (PA-12). */
export function __rmqueue(k: Kernel, zone: zone, order: number): Pfn {
  for (let current_order = order; current_order < MAX_ORDER; current_order++) {
    const area = zone.free_area[current_order]!;
    if (list_empty(k, area.free_list)) continue;
    const page = list_first(k, area.free_list);
    list_del(k, page);
    rmv_page_order(k, page);
    area.nr_free--;
    zone.free_pages -= 1 << order;
    expand(k, zone, page, order, current_order);
    return page;
  }
  return NO_PAGE;
}

/** Halves a block from order `high` down to `low`: each upper half goes to the head of its list, the lowest part is kept (PA-12). */
function expand(k: Kernel, zone: zone, page: Pfn, low: number, high: number): void {
  let order = high;
  while (order > low) {
    order--;
    const half = pfn(page + (1 << order));
    const area = zone.free_area[order]!;
    list_add(k, half, area.free_list);
    area.nr_free++;
    set_page_order(k, half, order);
    charge(k, k.cost.buddy);
  }
  if (high > low) trace_mm_buddy_split(k, page, high, low);
}

/** Makes a block ready for its new owner; false where it must not be handed out (PA-16). */
function prep_new_page(k: Kernel, page: Pfn, order: number, gfp_flags: number): boolean {
  if (is_bad_page(k, page, NEW_CHECK)) bad_page(k, page);
  if (PageReserved(k, page)) return false;
  clear_page_flags(k, page, NEW_CLEARS);
  set_page_private(k, page, 0);
  set_page_count(k, page, 1);
  if ((gfp_flags & __GFP_ZERO) !== 0) prep_zero_page(k, page, order);
  if (order > 0 && (gfp_flags & __GFP_COMP) !== 0) prep_compound_page(k, page, order);
  return true;
}

/** Clears the block's bytes. */
function prep_zero_page(k: Kernel, page: Pfn, order: number): void {
  for (let i = 0; i < 1 << order; i++) {
    fill_frame(k, pfn(page + i), 0);
    charge(k, k.cost.zero_page);
  }
}

/** Ties the pages of a block together: every one names the head, the second keeps the order (P-6). */
function prep_compound_page(k: Kernel, page: Pfn, order: number): void {
  set_page_lru_words(k, pfn(page + 1), 0, order);
  for (let i = 0; i < 1 << order; i++) {
    const part = pfn(page + i);
    set_page_flag(k, part, PG_compound);
    set_page_private(k, part, page);
  }
}

/** Unties a compound block that is being freed (PA-10). */
function destroy_compound_page(k: Kernel, page: Pfn, order: number): void {
  if (page_lru_prev(k, pfn(page + 1)) !== order) bad_page(k, page);
  for (let i = 0; i < 1 << order; i++) {
    const part = pfn(page + i);
    if (!PageCompound(k, part) || page_private(k, part) !== page) bad_page(k, part);
    clear_page_flag(k, part, PG_compound);
  }
  set_page_lru_words(k, pfn(page + 1), 0, 0);
}

// ---- giving pages back ------------------------------------------------------------------------------------------------

/** Drops a reference to a block and frees it when that was the last (mm/page_alloc.c:__free_pages). A block that is free already is reported and
 *  left alone (P-8). */
export function __free_pages(k: Kernel, page: Pfn, order: number): void {
  if (page_count_raw(k, page) === 0) {
    report_bad_page(k, page);
    return;
  }
  if (!put_page_testzero(k, page)) return;
  if (order === 0) free_hot_page(k, page);
  else __free_pages_ok(k, page, order);
}

/** As __free_pages, by the block's kernel address; 0 is nothing to free (mm/page_alloc.c:free_pages). */
export function free_pages(k: Kernel, addr: VirtAddr, order: number): void {
  if (addr === 0) return;
  const page = virt_to_page(k, addr);
  if (page < 0 || page >= max_mapnr(k) || page_zone(k, page).zone_idx === ZONE_HIGHMEM) BUG(k, 'mm/page_alloc.c:free_pages: the address is not one of low memory');
  __free_pages(k, page, order);
}

/** A single page by its kernel address (include/linux/gfp.h:free_page). */
export function free_page(k: Kernel, addr: VirtAddr): void {
  free_pages(k, addr, 0);
}

/** Single pages that nobody refers to any more, the last of the list first (mm/page_alloc.c:__pagevec_free). */
export function __pagevec_free(k: Kernel, pages: readonly Pfn[], cold: number): void {
  for (let i = pages.length - 1; i >= 0; i--) {
    trace_mm_page_free_batched(k, pages[i]!, pages[i]!, 0, cold);
    free_hot_cold_page(k, pages[i]!, cold);
  }
}

/** Makes the pages of a block single pages, each with its own reference (mm/page_alloc.c:split_page). Not for compound blocks. */
export function split_page(k: Kernel, page: Pfn, order: number): void {
  if (PageCompound(k, page)) BUG(k, 'mm/page_alloc.c:split_page: the block is compound');
  if (page_count_raw(k, page) === 0) BUG(k, 'mm/page_alloc.c:split_page: the block is free');
  for (let i = 1; i < 1 << order; i++) set_page_count(k, pfn(page + i), 1);
}

/** A page that was just used: it goes where the next allocation finds it first. */
export function free_hot_page(k: Kernel, page: Pfn): void {
  free_hot_cold_page(k, page, 0);
}

export function free_cold_page(k: Kernel, page: Pfn): void {
  free_hot_cold_page(k, page, 1);
}

/** A single page to this CPU's list; a full list gives a batch of its oldest pages back to the buddy lists (PA-15). */
export function free_hot_cold_page(k: Kernel, page: Pfn, cold: number): void {
  trace_mm_page_free(k, page, page, 0);
  if (PageAnon(k, page)) set_page_mapping(k, page, 0);
  if (free_pages_check(k, page)) return;
  const zone = page_zone(k, page);
  const pcp = zone.pageset[k.cpu]!.pcp[cold]!;
  count_vm_events(k, PGFREE, 1);
  list_add(k, page, pcp.list);
  pcp.count++;
  if (pcp.count >= pcp.high) {
    free_pages_bulk(k, zone, pcp.batch, pcp.list, 0);
    pcp.count -= pcp.batch;
  }
}

/** A block of more than one page: every page is checked, then it goes straight to the buddy lists (PA-15). */
export function __free_pages_ok(k: Kernel, page: Pfn, order: number): void {
  trace_mm_page_free(k, page, page, order);
  if (reaches_beyond_its_block(k, page, order)) return;
  let reserved = false;
  for (let i = 0; i < 1 << order; i++) {
    if (free_pages_check(k, pfn(page + i))) reserved = true;
  }
  if (reserved) return;
  count_vm_events(k, PGFREE, 1 << order);
  free_one_page(k, page_zone(k, page), page, order);
}

/** Whether a block that is freed with too large an order holds pages that are on a list already, free ones or a zone's LRU: they are reported, and
 *  nothing is freed. 2.6.18 would link them twice, and no law of the lists would hold any more. */
function reaches_beyond_its_block(k: Kernel, page: Pfn, order: number): boolean {
  let beyond = false;
  for (let i = 1; i < 1 << order; i++) {
    const part = pfn(page + i);
    if (!PageBuddy(k, part) && !is_listed(k, part)) continue;
    report_bad_page(k, part);
    beyond = true;
  }
  return beyond;
}

/** Reports a page that is not fit to be freed; true where it is reserved and must be kept out for good (P-8). */
function free_pages_check(k: Kernel, page: Pfn): boolean {
  if (is_bad_page(k, page, FREE_CHECK)) bad_page(k, page);
  clear_page_flag(k, page, PG_dirty);
  return PageReserved(k, page);
}

/** `count` blocks from the tail of a list, oldest first, into the buddy lists; the zone counts as reclaimable again (PA-11). */
export function free_pages_bulk(k: Kernel, zone: zone, count: number, list: ListHead, order: number): void {
  zone.all_unreclaimable = 0;
  zone.pages_scanned = 0;
  for (let i = 0; i < count; i++) {
    const page = list_last(k, list);
    list_del(k, page);
    trace_mm_page_pcpu_drain(k, page, page, order, NO_MIGRATETYPE);
    __free_one_page(k, page, zone, order);
  }
}

/** Every page that the running CPU keeps of a node goes to the buddy lists (mm/page_alloc.c:drain_node_pages; N-20). */
export function drain_node_pages(k: Kernel, nodeid: number): void {
  for (const zone of k.nodes[nodeid]!.node_zones) {
    for (const pcp of zone.pageset[k.cpu]!.pcp) {
      free_pages_bulk(k, zone, pcp.count, pcp.list, 0);
      pcp.count = 0;
    }
  }
}

/** One block into the buddy lists (PA-11). */
function free_one_page(k: Kernel, zone: zone, page: Pfn, order: number): void {
  zone.all_unreclaimable = 0;
  zone.pages_scanned = 0;
  __free_one_page(k, page, zone, order);
}

/** Merges a block with its buddy as long as that is free too, then puts what it became at the head of its list (PA-10). */
export function __free_one_page(k: Kernel, freed: Pfn, zone: zone, freed_order: number): void {
  let page = freed;
  let order = freed_order;
  if (PageCompound(k, page)) destroy_compound_page(k, page, order);
  if (page % (1 << order) !== 0) BUG(k, 'mm/page_alloc.c:__free_one_page: the block is not aligned to its order');
  zone.free_pages += 1 << order;
  while (order < MAX_ORDER - 1) {
    const buddy = __page_find_buddy(page, order);
    if (!page_is_buddy(k, page, buddy, order)) break;
    list_del(k, buddy);
    zone.free_area[order]!.nr_free--;
    rmv_page_order(k, buddy);
    trace_mm_buddy_merge(k, page, buddy, order, order + 1);
    page = pfn(Math.min(page, buddy));
    order++;
    charge(k, k.cost.buddy);
  }
  set_page_order(k, page, order);
  list_add(k, page, zone.free_area[order]!.free_list);
  zone.free_area[order]!.nr_free++;
}

/** The block of an order that could merge with this one: their places differ in the order's bit alone (PA-8). A frame number may have more than the
 *  32 bits that bit operators keep, its place among the frames of the largest block has not. */
export function __page_find_buddy(page: Pfn, order: number): Pfn {
  const page_idx = page % BLOCK_PLACES;
  return pfn(page - page_idx + (page_idx ^ (1 << order)));
}

/** Whether the block beside this one is free, of the same order and in the same zone (PA-9). */
function page_is_buddy(k: Kernel, page: Pfn, buddy: Pfn, order: number): boolean {
  if (buddy >= max_mapnr(k) || !same_zone(k, page, buddy)) return false;
  if (!PageBuddy(k, buddy) || page_order(k, buddy) !== order) return false;
  if (page_count_raw(k, buddy) !== 0) BUG(k, 'mm/page_alloc.c:page_is_buddy: a free block is referenced');
  return true;
}

/** A block the boot allocator gives up: its pages lose PG_reserved, then it is freed as any other (B-5, B-6). */
export function __free_pages_bootmem(k: Kernel, page: Pfn, order: number): void {
  for (let i = 0; i < 1 << order; i++) {
    clear_page_flag(k, pfn(page + i), PG_reserved);
    set_page_count(k, pfn(page + i), 0);
  }
  set_page_count(k, page, 1);
  __free_pages(k, page, order);
}

/** Whether a page that nobody should hold is mapped, referenced, owned, or carries one of the flags (P-8). */
function is_bad_page(k: Kernel, page: Pfn, flags: number): boolean {
  if ((page_flags(k, page) & flags) !== 0 || page_count_raw(k, page) !== 0) return true;
  return page_mapcount(k, page) !== 0 || page_mapping_raw(k, page) !== 0;
}

/** Reports a page whose state cannot be true, and makes it harmless (P-8). The machine goes on. */
export function bad_page(k: Kernel, page: Pfn): void {
  report_bad_page(k, page);
  clear_page_flags(k, page, BAD_CLEARS);
  set_page_count(k, page, 0);
  reset_page_mapcount(k, page);
  set_page_mapping(k, page, 0);
}

/** What bad_page prints. */
function report_bad_page(k: Kernel, page: Pfn): void {
  const hex = (n: number, width = 0): string => (n >>> 0).toString(16).padStart(width, '0');
  printk(k, `Bad page state in process '${current_task(k).comm}'`);
  const flags = page_flags(k, page);
  const width = bits_per_long(k) / 4;
  const mapping = hex(page_mapping_raw(k, page), width);
  printk(k, `page:pfn ${page} flags:0x${hex(flags, width)} (${show_page_flags(flags)}) mapping:${mapping} mapcount:${page_mapcount(k, page)} count:${page_count_raw(k, page)}`);
  printk(k, 'Trying to fix it up, but a reboot is needed');
}

// ---- questions --------------------------------------------------------------------------------------------------------

/** Free pages of all zones (nr_free_pages). */
export function nr_free_pages(k: Kernel): number {
  let sum = 0;
  for (const node of k.nodes) for (const zone of node.node_zones) sum += zone.free_pages;
  return sum;
}

/** Pages above the high marks of the zones a gfp mask can reach (nr_free_zone_pages). */
export function nr_free_zone_pages(k: Kernel, gfp_mask: number): number {
  let sum = 0;
  for (const ref of zonelist_of(k, numa_node_id(k), gfp_mask & GFP_ZONEMASK).zones) {
    const zone = zone_of(k, ref);
    if (zone.present_pages > zone.pages_high) sum += zone.present_pages - zone.pages_high;
  }
  return sum;
}

function bits(...numbers: number[]): number {
  let mask = 0;
  for (const bit of numbers) mask |= 1 << bit;
  return mask;
}
