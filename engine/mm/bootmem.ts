// The boot allocator (mm/bootmem.c; KERNEL.md B-3 … B-5): one mark a page of low memory, first fit, allocations smaller than a page packed into
// the page before. It hands what is left to the buddy allocator and is gone.
// Left out: several nodes, and cache-line colouring of nothing (SMP_CACHE_BYTES is 32, as on the recorded machines).

import type { Kernel, bootmem_data } from '../kernel.ts';
import type { Pfn, PhysAddr } from '../include/types.ts';
import { PAGE_SHIFT, PAGE_SIZE, pfn, phys } from '../include/types.ts';
import { BUG, panic } from '../kernel/panic.ts';
import { trace_bootmem_alloc, trace_bootmem_free, trace_bootmem_handover, trace_bootmem_reserve } from '../trace/bootmem.ts';
import { __free_pages_bootmem } from './page_alloc.ts';

/** Alignment of alloc_bootmem (L1 cache line of the recorded machines). */
export const SMP_CACHE_BYTES = 32;
/** Where alloc_bootmem starts looking: above the DMA zone (MAX_DMA_ADDRESS as a physical address). */
export const MAX_DMA_ADDRESS = 16 << 20;
const BITS_PER_LONG = 32;

/** Starts the boot allocator over frames 0 … low_pfn-1 with everything reserved; the bitmap stands at frame `start` (B-3). Bytes of the bitmap. */
export function init_bootmem(k: Kernel, start: Pfn, low_pfn: Pfn): number {
  const bootmap_bytes = bootmap_size(low_pfn);
  k.bootmem = {
    node_boot_start: phys(0), node_low_pfn: low_pfn, node_bootmem_map_phys: phys(start * PAGE_SIZE),
    node_bootmem_map: new Uint8Array(low_pfn).fill(1), last_offset: 0, last_pos: 0, last_success: 0,
  };
  return bootmap_bytes;
}

/** Bytes a bitmap of that many pages takes, in whole longs. */
export function bootmap_size(pages: number): number {
  return Math.ceil(Math.ceil(pages / 8) / 4) * 4;
}

/** Marks every page that the range touches as reserved. */
export function reserve_bootmem(k: Kernel, addr: PhysAddr, size: number): void {
  const bdata = bootmem_of(k);
  trace_bootmem_reserve(k, addr, size);
  const end = Math.min(Math.ceil((addr + size) / PAGE_SIZE), bdata.node_low_pfn);
  for (let page = Math.floor(addr / PAGE_SIZE); page < end; page++) bdata.node_bootmem_map[page] = 1;
}

/** Gives back the pages that lie wholly in the range; freeing a free page is a BUG. */
export function free_bootmem(k: Kernel, addr: PhysAddr, size: number): void {
  const bdata = bootmem_of(k);
  trace_bootmem_free(k, addr, size);
  if (addr < bdata.last_success) bdata.last_success = addr;
  const end = Math.floor((addr + size) / PAGE_SIZE);
  if (end > bdata.node_low_pfn) BUG(k, 'mm/bootmem.c:free_bootmem_core: past the end of low memory');
  for (let page = Math.ceil(addr / PAGE_SIZE); page < end; page++) {
    if (bdata.node_bootmem_map[page] === 0) BUG(k, `mm/bootmem.c:free_bootmem_core: page ${page} is free already`);
    bdata.node_bootmem_map[page] = 0;
  }
}

/** alloc_bootmem: above the DMA zone where it can, cache-line aligned. Physical address; panics where there is none. */
export function alloc_bootmem(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem(k, size, SMP_CACHE_BYTES, MAX_DMA_ADDRESS);
}

/** alloc_bootmem_pages: as alloc_bootmem, page aligned. */
export function alloc_bootmem_pages(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem(k, size, PAGE_SIZE, MAX_DMA_ADDRESS);
}

/** alloc_bootmem_low: from the bottom, cache-line aligned. */
export function alloc_bootmem_low(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem_low(k, size, SMP_CACHE_BYTES);
}

/** alloc_bootmem_low_pages: from the bottom, page aligned. */
export function alloc_bootmem_low_pages(k: Kernel, size: number): PhysAddr {
  return __alloc_bootmem_low(k, size, PAGE_SIZE);
}

function __alloc_bootmem_low(k: Kernel, size: number, align: number): PhysAddr {
  const limit = 0xffffffff;
  const found = __alloc_bootmem_core(k, size, align, 0, limit);
  if (found >= 0) return phys(found);
  return panic(k, `bootmem alloc of ${size} bytes failed!\nOut of low memory`);
}

/** First fit from `goal` up, then from the bottom (B-4). Physical address; panics where there is none. */
export function __alloc_bootmem(k: Kernel, size: number, align: number, goal: number): PhysAddr {
  const found = __alloc_bootmem_core(k, size, align, goal, 0);
  if (found >= 0) return phys(found);
  return panic(k, `bootmem alloc of ${size} bytes failed!\nOut of memory`);
}

/** The search and the packing of B-4. `limit` 0 is none. Physical address, or -1. */
export function __alloc_bootmem_core(k: Kernel, size: number, align: number, goal: number, limit: number): number {
  const bdata = bootmem_of(k);
  if (size === 0) BUG(k, 'mm/bootmem.c:__alloc_bootmem_core: size is 0');
  if ((align & (align - 1)) !== 0) BUG(k, 'mm/bootmem.c:__alloc_bootmem_core: alignment is no power of two');
  const end = limit === 0 ? bdata.node_low_pfn : Math.min(bdata.node_low_pfn, Math.floor(limit / PAGE_SIZE));
  const incr = Math.max(1, align >> PAGE_SHIFT);
  const areasize = Math.ceil(size / PAGE_SIZE);
  const preferred = preferred_page(bdata, align, goal, limit, end);
  let start = find_area(bdata, preferred, end, areasize, incr);
  if (start < 0 && preferred > 0) start = find_area(bdata, 0, end, areasize, incr);
  if (start < 0) return -1;
  bdata.last_success = start * PAGE_SIZE;
  const address = take_area(bdata, start, areasize, size, align);
  trace_bootmem_alloc(k, address, size);
  return address;
}

/** Where the search begins: the goal, or the last success where that is further on. */
function preferred_page(bdata: bootmem_data, align: number, goal: number, limit: number, end: number): number {
  let preferred = 0;
  if (goal !== 0 && Math.floor(goal / PAGE_SIZE) < end) {
    preferred = goal;
    if (bdata.last_success >= preferred && (limit === 0 || limit > bdata.last_success)) preferred = bdata.last_success;
  }
  return Math.floor((Math.ceil(preferred / align) * align) / PAGE_SIZE);
}

/** First page from `from` on where areasize pages are free, stepping by incr; -1 where there is none. After a hole that is too small the
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

/** Marks the area and says where in it the allocation begins: behind the previous one where both fit into one page. */
function take_area(bdata: bootmem_data, start: number, areasize: number, size: number, align: number): number {
  let address = start * PAGE_SIZE;
  let pages = areasize;
  if (align < PAGE_SIZE && bdata.last_offset !== 0 && bdata.last_pos + 1 === start) {
    const offset = Math.ceil(bdata.last_offset / align) * align;
    const remaining = PAGE_SIZE - offset;
    address = bdata.last_pos * PAGE_SIZE + offset;
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

/** Hands every free page to the buddy allocator, ascending, then the bitmap's own (B-5). Pages handed over. */
export function free_all_bootmem(k: Kernel): number {
  const bdata = bootmem_of(k);
  const map = bdata.node_bootmem_map;
  let order5_blocks = 0;
  let single_pages = 0;
  for (let page = 0; page < bdata.node_low_pfn; ) {
    if (is_free_word(map, page)) {
      __free_pages_bootmem(k, pfn(page), 5);
      order5_blocks++;
      page += BITS_PER_LONG;
      continue;
    }
    const end = Math.min(page + BITS_PER_LONG, bdata.node_low_pfn);
    for (; page < end; page++) {
      if (map[page] === 1) continue;
      __free_pages_bootmem(k, pfn(page), 0);
      single_pages++;
    }
  }
  single_pages += free_bootmap(k, bdata);
  trace_bootmem_handover(k, order5_blocks * BITS_PER_LONG + single_pages, order5_blocks, single_pages);
  k.bootmem = null;
  return order5_blocks * BITS_PER_LONG + single_pages;
}

/** Whether the whole word of 32 pages from `page` on is free. */
function is_free_word(map: Uint8Array, page: number): boolean {
  if (page + BITS_PER_LONG > map.length) return false;
  for (let bit = 0; bit < BITS_PER_LONG; bit++) if (map[page + bit] === 1) return false;
  return true;
}

/** Frees the pages the bitmap itself stood in; pages freed. */
function free_bootmap(k: Kernel, bdata: bootmem_data): number {
  const first = bdata.node_bootmem_map_phys / PAGE_SIZE;
  const pages = Math.ceil(bootmap_size(bdata.node_low_pfn) / PAGE_SIZE);
  for (let page = first; page < first + pages; page++) __free_pages_bootmem(k, pfn(page), 0);
  return pages;
}

function bootmem_of(k: Kernel): bootmem_data {
  if (k.bootmem === null) return panic(k, 'the boot allocator was called after free_all_bootmem');
  return k.bootmem;
}
