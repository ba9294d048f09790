// The boot allocator (mm/bootmem.c; KERNEL.md B-3 … B-5, N-1): one mark a page of low memory, first fit, allocations smaller than a page packed into
// the page before. It hands what is left to the buddy allocator and is gone. On x86_64 each node has its own; k.bootmem is the first of them, and a
// request that names no node tries them by ascending addresses.

import type { Kernel, bootmem_data } from '../kernel.ts';
import type { Pfn, PhysAddr } from '../include/types.ts';
import { PAGE_SHIFT, PAGE_SIZE, pfn, phys } from '../include/types.ts';
import { bits_per_long, smp_cache_bytes } from '../arch/address.ts';
import { BUG, panic } from '../kernel/panic.ts';
import { trace_bootmem_alloc, trace_bootmem_free, trace_bootmem_handover, trace_bootmem_reserve } from '../trace/bootmem.ts';
import { __free_pages_bootmem } from './page_alloc.ts';

/** Where alloc_bootmem starts looking: above the DMA zone (MAX_DMA_ADDRESS as a physical address). */
export const MAX_DMA_ADDRESS = 16 << 20;

/** Starts the boot allocator over frames 0 … low_pfn-1 with everything reserved; the bitmap stands at frame `start` (B-3). Bytes of the bitmap. */
export function init_bootmem(k: Kernel, start: Pfn, low_pfn: Pfn): number {
  return init_bootmem_node(k, 0, start, pfn(0), low_pfn);
}

/** As init_bootmem, for the frames start_pfn … end_pfn-1 of a node; its bitmap stands at frame `map_pfn` (N-1). */
export function init_bootmem_node(k: Kernel, nid: number, map_pfn: Pfn, start_pfn: Pfn, end_pfn: Pfn): number {
  const pages = end_pfn - start_pfn;
  link_bootmem(k, {
    nid, node_boot_start: phys(start_pfn * PAGE_SIZE), node_low_pfn: end_pfn, node_bootmem_map_phys: phys(map_pfn * PAGE_SIZE),
    node_bootmem_map: new Uint8Array(pages).fill(1), last_offset: 0, last_pos: 0, last_success: 0, next: null,
  });
  return bootmap_size(pages);
}

/** Puts a node's allocator into the list, which ascends by address. */
function link_bootmem(k: Kernel, bdata: bootmem_data): void {
  if (k.bootmem === null || bdata.node_boot_start < k.bootmem.node_boot_start) {
    bdata.next = k.bootmem;
    k.bootmem = bdata;
    return;
  }
  let before = k.bootmem;
  while (before.next !== null && before.next.node_boot_start < bdata.node_boot_start) before = before.next;
  bdata.next = before.next;
  before.next = bdata;
}

/** Takes a node's allocator out of the list. */
function unlink_bootmem(k: Kernel, bdata: bootmem_data): void {
  if (k.bootmem === bdata) {
    k.bootmem = bdata.next;
    return;
  }
  for (let before = k.bootmem; before !== null; before = before.next) {
    if (before.next === bdata) before.next = bdata.next;
  }
}

/** Bytes a bitmap of that many pages takes, in whole words. */
export function bootmap_size(pages: number): number {
  return Math.ceil(Math.ceil(pages / 8) / 4) * 4;
}

/** Marks every page of node 0 that the range touches as reserved. */
export function reserve_bootmem(k: Kernel, addr: PhysAddr, size: number): void {
  reserve_bootmem_node(k, 0, addr, size);
}

/** Marks every page of a node that the range touches as reserved. */
export function reserve_bootmem_node(k: Kernel, nid: number, addr: PhysAddr, size: number): void {
  const bdata = bootmem_of(k, nid);
  const first = first_page(bdata);
  trace_bootmem_reserve(k, addr, size);
  const end = Math.min(Math.ceil((addr + size) / PAGE_SIZE), bdata.node_low_pfn);
  for (let page = Math.max(first, Math.floor(addr / PAGE_SIZE)); page < end; page++) bdata.node_bootmem_map[page - first] = 1;
}

/** Gives back the pages of node 0 that lie wholly in the range; freeing a free page is a BUG. */
export function free_bootmem(k: Kernel, addr: PhysAddr, size: number): void {
  free_bootmem_node(k, 0, addr, size);
}

/** Gives back the pages of a node that lie wholly in the range; freeing a free page is a BUG. */
export function free_bootmem_node(k: Kernel, nid: number, addr: PhysAddr, size: number): void {
  const bdata = bootmem_of(k, nid);
  const first = first_page(bdata);
  trace_bootmem_free(k, addr, size);
  if (addr - bdata.node_boot_start < bdata.last_success) bdata.last_success = addr - bdata.node_boot_start;
  const end = Math.floor((addr + size) / PAGE_SIZE);
  if (end > bdata.node_low_pfn) BUG(k, 'mm/bootmem.c:free_bootmem_core: past the end of low memory');
  for (let page = Math.ceil(addr / PAGE_SIZE); page < end; page++) {
    if (bdata.node_bootmem_map[page - first] === 0) BUG(k, `mm/bootmem.c:free_bootmem_core: page ${page} is free already`);
    bdata.node_bootmem_map[page - first] = 0;
  }
}

/** alloc_bootmem: above the DMA zone where it can, cache-line aligned. Physical address; panics where there is none. */
export function alloc_bootmem(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem(k, size, smp_cache_bytes(k), MAX_DMA_ADDRESS);
}

/** alloc_bootmem_pages: as alloc_bootmem, page aligned. */
export function alloc_bootmem_pages(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem(k, size, PAGE_SIZE, MAX_DMA_ADDRESS);
}

/** alloc_bootmem_low: from the bottom, cache-line aligned. */
export function alloc_bootmem_low(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem_low(k, size, smp_cache_bytes(k));
}

/** alloc_bootmem_low_pages: from the bottom, page aligned. */
export function alloc_bootmem_low_pages(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem_low(k, size, PAGE_SIZE);
}

function __alloc_bootmem_low(k: Kernel, size: number, align: number): PhysAddr {
  const limit = 0xffffffff;
  for (let bdata = bootmem_of(k) as bootmem_data | null; bdata !== null; bdata = bdata.next) {
    const found = __alloc_bootmem_core(k, size, align, 0, limit, bdata);
    if (found >= 0) return phys(found);
  }
  return panic(k, `bootmem alloc of ${size} bytes failed!\nOut of low memory`);
}

/** First fit from `goal` up, then from the bottom, node by node (B-4, N-1). Physical address; panics where there is none. */
export function __alloc_bootmem(k: Kernel, size: number, align: number, goal: number): PhysAddr {
  for (let bdata = bootmem_of(k) as bootmem_data | null; bdata !== null; bdata = bdata.next) {
    const found = __alloc_bootmem_core(k, size, align, goal, 0, bdata);
    if (found >= 0) return phys(found);
  }
  return panic(k, `bootmem alloc of ${size} bytes failed!\nOut of memory`);
}

/** alloc_bootmem_node: from a node where it can, else from any (N-1). Physical address; panics where there is none. */
export function __alloc_bootmem_node(k: Kernel, nid: number, size: number, align: number, goal: number): PhysAddr {
  const found = __alloc_bootmem_core(k, size, align, goal, 0, bootmem_of(k, nid));
  return found >= 0 ? phys(found) : __alloc_bootmem(k, size, align, goal);
}

/** The search and the packing of B-4 in one node's memory. `limit` 0 is none. Physical address, or -1. */
export function __alloc_bootmem_core(k: Kernel, size: number, align: number, goal: number, limit: number, bdata = bootmem_of(k)): number {
  if (size === 0) BUG(k, 'mm/bootmem.c:__alloc_bootmem_core: size is 0');
  if ((align & (align - 1)) !== 0) BUG(k, 'mm/bootmem.c:__alloc_bootmem_core: alignment is no power of two');
  if (limit !== 0 && bdata.node_boot_start >= limit) return -1;
  const end_pfn = limit === 0 ? bdata.node_low_pfn : Math.min(bdata.node_low_pfn, Math.floor(limit / PAGE_SIZE));
  const end = end_pfn - first_page(bdata);
  const incr = Math.max(1, align >> PAGE_SHIFT);
  const areasize = Math.ceil(size / PAGE_SIZE);
  const preferred = preferred_page(bdata, align, goal, limit, end_pfn);
  let start = find_area(bdata, preferred, end, areasize, incr);
  if (start < 0 && preferred > 0) start = find_area(bdata, 0, end, areasize, incr);
  if (start < 0) return -1;
  bdata.last_success = start * PAGE_SIZE;
  const address = take_area(bdata, start, areasize, size, align);
  trace_bootmem_alloc(k, address, size);
  return address;
}

/** Where the search begins, a place in the bitmap: the goal, or the last success where that is further on. */
function preferred_page(bdata: bootmem_data, align: number, goal: number, limit: number, end_pfn: number): number {
  let preferred = 0;
  if (goal !== 0 && goal >= bdata.node_boot_start && Math.floor(goal / PAGE_SIZE) < end_pfn) {
    preferred = goal - bdata.node_boot_start;
    if (bdata.last_success >= preferred && (limit === 0 || limit > bdata.last_success)) preferred = bdata.last_success;
  }
  return Math.floor((Math.ceil(preferred / align) * align) / PAGE_SIZE);
}

/** First place from `from` on where areasize pages are free, stepping by incr; -1 where there is none. After a hole that is too small the
 *  search goes on one step past its end, as the kernel's does (quirk: a fit that begins right there is passed over). */
function find_area(bdata: bootmem_data, from: number, end: number, areasize: number, incr: number): number {
  const map = bdata.node_bootmem_map;
  let page = from;
  while (page < end) {
    while (page < end && map[page] === 1) page++;
    page = Math.ceil(page / incr) * incr;
    if (page >= end) return -1;
    if (map[page] === 1) {
      page += incr;
      continue;
    }
    let next = page + 1;
    while (next < page + areasize && next < end && map[next] === 0) next++;
    if (next === page + areasize) return page;
    page = Math.ceil(next / incr) * incr + incr;
  }
  return -1;
}

/** Marks the area and says at which address in it the allocation begins: behind the previous one where both fit into one page. */
function take_area(bdata: bootmem_data, start: number, areasize: number, size: number, align: number): number {
  let address = bdata.node_boot_start + start * PAGE_SIZE;
  let pages = areasize;
  if (align < PAGE_SIZE && bdata.last_offset !== 0 && bdata.last_pos + 1 === start) {
    const offset = Math.ceil(bdata.last_offset / align) * align;
    const remaining = PAGE_SIZE - offset;
    address = bdata.node_boot_start + bdata.last_pos * PAGE_SIZE + offset;
    if (size < remaining) {
      pages = 0;
      bdata.last_offset = offset + size;
    } else {
      pages = Math.ceil((size - remaining) / PAGE_SIZE);
      bdata.last_pos = start + pages - 1;
      bdata.last_offset = size - remaining;
    }
    bdata.last_offset &= PAGE_SIZE - 1;
  } else {
    bdata.last_pos = start + areasize - 1;
    bdata.last_offset = size & (PAGE_SIZE - 1);
  }
  for (let page = start; page < start + pages; page++) bdata.node_bootmem_map[page] = 1;
  return address;
}

/** Hands every free page of node 0 to the buddy allocator, ascending, then the bitmap's own (B-5). Pages handed over. */
export function free_all_bootmem(k: Kernel): number {
  return free_all_bootmem_node(k, 0);
}

/** As free_all_bootmem, for one node: a word of the bitmap that is all free goes as one block, of order 5 or 6 (B-5, X-26). */
export function free_all_bootmem_node(k: Kernel, nid: number): number {
  const bdata = bootmem_of(k, nid);
  const map = bdata.node_bootmem_map;
  const first = first_page(bdata);
  const word = bits_per_long(k);
  let blocks = 0;
  let single_pages = 0;
  for (let page = 0; page < map.length; ) {
    if (is_free_word(map, page, word)) {
      __free_pages_bootmem(k, pfn(first + page), Math.log2(word));
      blocks++;
      page += word;
      continue;
    }
    const end = Math.min(page + word, map.length);
    for (; page < end; page++) {
      if (map[page] === 1) continue;
      __free_pages_bootmem(k, pfn(first + page), 0);
      single_pages++;
    }
  }
  single_pages += free_bootmap(k, bdata);
  trace_bootmem_handover(k, blocks * word + single_pages, blocks, single_pages);
  unlink_bootmem(k, bdata);
  return blocks * word + single_pages;
}

/** Whether the whole word of pages from `page` on is free. */
function is_free_word(map: Uint8Array, page: number, word: number): boolean {
  if (page + word > map.length) return false;
  for (let bit = 0; bit < word; bit++) if (map[page + bit] === 1) return false;
  return true;
}

/** Frees the pages the bitmap itself stood in; pages freed. */
function free_bootmap(k: Kernel, bdata: bootmem_data): number {
  const first = bdata.node_bootmem_map_phys / PAGE_SIZE;
  const pages = Math.ceil(bootmap_size(bdata.node_bootmem_map.length) / PAGE_SIZE);
  for (let page = first; page < first + pages; page++) __free_pages_bootmem(k, pfn(page), 0);
  return pages;
}

/** Frame of the first mark of a bitmap. */
function first_page(bdata: bootmem_data): number {
  return bdata.node_boot_start / PAGE_SIZE;
}

/** The allocator of a node (its pgdat's bdata); panics once that has handed over. */
export function bootmem_of(k: Kernel, nid = 0): bootmem_data {
  for (let bdata = k.bootmem; bdata !== null; bdata = bdata.next) {
    if (bdata.nid === nid) return bdata;
  }
  return panic(k, 'the boot allocator was called after free_all_bootmem');
}
