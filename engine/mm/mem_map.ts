// @nohooks
// struct page as columns (KERNEL.md 1.2), and lists linked through two of them. The only file that touches the columns: everything else
// goes by these accessors, under the kernel's names, so the representation can change here alone.
//
//   index      0 … nr_pages-1              nr_pages … nr_pages+nr_heads-1
//   meaning    a page frame                a list head (free_list, pcp list, LRU list)
//
// A list is circular and doubly linked, as the kernel's list_head: the first entry is next[head], the last prev[head].

import type { Kernel, MemMap } from '../kernel.ts';
import type { ListHead, Pfn } from '../include/types.ts';
import type { zone } from '../include/mmzone.ts';
import { NODES_MASK, NODES_PGSHIFT, PAGEFLAGS_MASK, PG_buddy, PG_compound, PG_reserved, ZONES_PGSHIFT } from '../include/page-flags.ts';

/** Empty columns for nr_pages frames and nr_heads list heads; heads are initialised, frames are not (see memmap_init_zone). */
export function alloc_mem_map(nr_pages: number, nr_heads: number): MemMap {
  const length = nr_pages + nr_heads;
  const map: MemMap = {
    nr_pages, nr_heads,
    flags: new Uint32Array(nr_pages),
    _count: new Int32Array(nr_pages),
    _mapcount: new Int32Array(nr_pages),
    private: new Uint32Array(nr_pages),
    mapping: new Uint32Array(nr_pages),
    index: new Float64Array(nr_pages),
    lru_next: new Int32Array(length),
    lru_prev: new Int32Array(length),
  };
  for (let head = nr_pages; head < length; head++) {
    map.lru_next[head] = head;
    map.lru_prev[head] = head;
  }
  return map;
}

/** Frames the map covers: pfns are 0 … nr_pages-1. */
export function max_mapnr(k: Kernel): number {
  return k.mem_map.nr_pages;
}

/** The n-th list head of the map. */
export function list_head_at(k: Kernel, n: number): ListHead {
  return (k.mem_map.nr_pages + n) as ListHead;
}

// ---- lists ------------------------------------------------------------------------------------------------------------

export function INIT_LIST_HEAD(k: Kernel, head: ListHead | Pfn): void {
  k.mem_map.lru_next[head] = head;
  k.mem_map.lru_prev[head] = head;
}

/** Puts a page at the head. */
export function list_add(k: Kernel, page: Pfn, head: ListHead): void {
  const { lru_next, lru_prev } = k.mem_map;
  const first = lru_next[head]!;
  lru_next[page] = first;
  lru_prev[page] = head;
  lru_prev[first] = page;
  lru_next[head] = page;
}

/** Puts a page at the tail. */
export function list_add_tail(k: Kernel, page: Pfn, head: ListHead): void {
  const { lru_next, lru_prev } = k.mem_map;
  const last = lru_prev[head]!;
  lru_next[page] = head;
  lru_prev[page] = last;
  lru_next[last] = page;
  lru_prev[head] = page;
}

/** Unlinks a page from whatever list it is on; its own links become 0, which no list gives a member twice. */
export function list_del(k: Kernel, page: Pfn): void {
  const { lru_next, lru_prev } = k.mem_map;
  const next = lru_next[page]!;
  const prev = lru_prev[page]!;
  lru_next[prev] = next;
  lru_prev[next] = prev;
  lru_next[page] = 0;
  lru_prev[page] = 0;
}

export function list_empty(k: Kernel, head: ListHead): boolean {
  return k.mem_map.lru_next[head] === head;
}

/** First page of a list that is not empty. */
export function list_first(k: Kernel, head: ListHead): Pfn {
  return k.mem_map.lru_next[head]! as Pfn;
}

/** Last page of a list that is not empty. */
export function list_last(k: Kernel, head: ListHead): Pfn {
  return k.mem_map.lru_prev[head]! as Pfn;
}

/** Pages of a list from head to tail; at most `limit` of them, so that a broken list cannot hang a reader. */
export function list_pages(k: Kernel, head: ListHead, limit = k.mem_map.nr_pages): Pfn[] {
  const pages: Pfn[] = [];
  for (let at = k.mem_map.lru_next[head]!; at !== head && pages.length < limit; at = k.mem_map.lru_next[at]!) pages.push(at as Pfn);
  return pages;
}

/** Whether a page is a member of some list: both its neighbours name it. */
export function is_listed(k: Kernel, page: Pfn): boolean {
  const { lru_next, lru_prev } = k.mem_map;
  return lru_next[lru_prev[page]!] === page && lru_prev[lru_next[page]!] === page;
}

// ---- flags, zone and node ---------------------------------------------------------------------------------------------

export function page_flags(k: Kernel, page: Pfn): number {
  return k.mem_map.flags[page]!;
}

export function test_page_flag(k: Kernel, page: Pfn, bit: number): boolean {
  return (k.mem_map.flags[page]! & (1 << bit)) !== 0;
}

export function set_page_flag(k: Kernel, page: Pfn, bit: number): void {
  k.mem_map.flags[page]! |= 1 << bit;
}

export function clear_page_flag(k: Kernel, page: Pfn, bit: number): void {
  k.mem_map.flags[page]! &= ~(1 << bit);
}

/** Clears every PG_ bit of a mask. */
export function clear_page_flags(k: Kernel, page: Pfn, mask: number): void {
  k.mem_map.flags[page]! &= ~(mask & PAGEFLAGS_MASK);
}

export function page_zonenum(k: Kernel, page: Pfn): number {
  return k.mem_map.flags[page]! >>> ZONES_PGSHIFT;
}

export function page_to_nid(k: Kernel, page: Pfn): number {
  return (k.mem_map.flags[page]! >>> NODES_PGSHIFT) & NODES_MASK;
}

export function page_zone(k: Kernel, page: Pfn): zone {
  const flags = k.mem_map.flags[page]!;
  return k.nodes[(flags >>> NODES_PGSHIFT) & NODES_MASK]!.node_zones[flags >>> ZONES_PGSHIFT]!;
}

/** Whether two pages lie in the same zone of the same node. */
export function same_zone(k: Kernel, a: Pfn, b: Pfn): boolean {
  return k.mem_map.flags[a]! >>> NODES_PGSHIFT === k.mem_map.flags[b]! >>> NODES_PGSHIFT;
}

export function PageBuddy(k: Kernel, page: Pfn): boolean {
  return test_page_flag(k, page, PG_buddy);
}

export function PageReserved(k: Kernel, page: Pfn): boolean {
  return test_page_flag(k, page, PG_reserved);
}

export function PageCompound(k: Kernel, page: Pfn): boolean {
  return test_page_flag(k, page, PG_compound);
}

/** Makes struct page of a frame: reserved, one reference, in no page table (memmap_init_zone; B-6). */
export function init_page(k: Kernel, page: Pfn, nid: number, zone_idx: number): void {
  const map = k.mem_map;
  map.flags[page] = ((zone_idx << ZONES_PGSHIFT) | (nid << NODES_PGSHIFT) | (1 << PG_reserved)) >>> 0;
  map._count[page] = 1;
  map._mapcount[page] = -1;
}

// ---- the other fields -------------------------------------------------------------------------------------------------

/** References: 0 is free (P-2). The raw field: a compound tail's own count, not its head's. */
export function page_count_raw(k: Kernel, page: Pfn): number {
  return k.mem_map._count[page]!;
}

/** References; those of a compound tail are its head's (P-2). */
export function page_count(k: Kernel, page: Pfn): number {
  return k.mem_map._count[PageCompound(k, page) ? k.mem_map.private[page]! : page]!;
}

export function set_page_count(k: Kernel, page: Pfn, count: number): void {
  k.mem_map._count[page] = count;
}

export function get_page(k: Kernel, page: Pfn): void {
  k.mem_map._count[page]!++;
}

/** Drops a reference; true when it was the last. */
export function put_page_testzero(k: Kernel, page: Pfn): boolean {
  return --k.mem_map._count[page]! === 0;
}

/** Page-table entries that name the page (P-3). */
export function page_mapcount(k: Kernel, page: Pfn): number {
  return k.mem_map._mapcount[page]! + 1;
}

/** One more entry names the page; true when it is the first (atomic_inc_and_test). */
export function inc_page_mapcount(k: Kernel, page: Pfn): boolean {
  return ++k.mem_map._mapcount[page]! === 0;
}

/** One less; true when none is left (atomic_add_negative). */
export function dec_page_mapcount(k: Kernel, page: Pfn): boolean {
  return --k.mem_map._mapcount[page]! < 0;
}

/** A page that nobody saw before is in one page table. */
export function set_page_mapped_once(k: Kernel, page: Pfn): void {
  k.mem_map._mapcount[page] = 0;
}

export function reset_page_mapcount(k: Kernel, page: Pfn): void {
  k.mem_map._mapcount[page] = -1;
}

export function page_mapped(k: Kernel, page: Pfn): boolean {
  return k.mem_map._mapcount[page]! >= 0;
}

export function page_private(k: Kernel, page: Pfn): number {
  return k.mem_map.private[page]!;
}

export function set_page_private(k: Kernel, page: Pfn, value: number): void {
  k.mem_map.private[page] = value;
}

/** 0, an address_space, or an anon_vma with bit 0 set (P-5). */
export function page_mapping_raw(k: Kernel, page: Pfn): number {
  return k.mem_map.mapping[page]!;
}

export function set_page_mapping(k: Kernel, page: Pfn, value: number): void {
  k.mem_map.mapping[page] = value;
}

export function PageAnon(k: Kernel, page: Pfn): boolean {
  return (k.mem_map.mapping[page]! & 1) !== 0;
}

/** File page number, or for an anonymous page its place in the VMA. */
export function page_index(k: Kernel, page: Pfn): number {
  return k.mem_map.index[page]!;
}

export function set_page_index(k: Kernel, page: Pfn, index: number): void {
  k.mem_map.index[page] = index;
}

/** The two link words, as compound pages and slabs use them for something else (P-6). */
export function page_lru_next(k: Kernel, page: Pfn): number {
  return k.mem_map.lru_next[page]!;
}

export function page_lru_prev(k: Kernel, page: Pfn): number {
  return k.mem_map.lru_prev[page]!;
}

export function set_page_lru_words(k: Kernel, page: Pfn, next: number, prev: number): void {
  k.mem_map.lru_next[page] = next;
  k.mem_map.lru_prev[page] = prev;
}

/** Order of a free block (page_order): its `private` while PG_buddy is set. */
export function page_order(k: Kernel, page: Pfn): number {
  return k.mem_map.private[page]!;
}

export function set_page_order(k: Kernel, page: Pfn, order: number): void {
  k.mem_map.private[page] = order;
  k.mem_map.flags[page]! |= 1 << PG_buddy;
}

export function rmv_page_order(k: Kernel, page: Pfn): void {
  k.mem_map.flags[page]! &= ~(1 << PG_buddy);
  k.mem_map.private[page] = 0;
}
