// How a 32-bit PC of the day brings its memory up (arch/i386/kernel/setup.c, arch/i386/mm/{init,discontig}.c; KERNEL.md B-1 … B-8): the boot
// allocator over low memory, what the kernel takes from it, the zones, and the handover to the buddy allocator. arch/boot.ts calls the steps.
//
// The image's size and the early allocations are those of the recorded 2.6.18 (one CPU, no initrd), so that a machine of the same size has the
// same MemTotal. Not modelled yet: what the kernel allocates later in its boot (slab, page tables, tasks). With several nodes, one boot allocator
// serves the low memory of all of them, as in a discontiguous i386; that it moves their mem_map into the memory of node 0 is left out.

import type { Kernel } from '../../kernel.ts';
import type { Pfn } from '../../include/types.ts';
import { PAGE_SIZE, pfn, phys } from '../../include/types.ts';
import { MAX_NR_ZONES, ZONE_DMA, ZONE_HIGHMEM, ZONE_NORMAL, populated_zone } from '../../include/mmzone.ts';
import { PHYSICAL_START, SIZEOF_PAGE } from './layout.ts';
import { pagetable_init } from './pgtable.ts';
import { alloc_large_system_hash, pidhash_init } from '../early-tables.ts';
import {
  alloc_bootmem, alloc_bootmem_low, alloc_bootmem_low_pages, alloc_bootmem_pages, free_all_bootmem, free_bootmem, init_bootmem, reserve_bootmem,
} from '../../mm/bootmem.ts';
import { __free_pages_bootmem, nr_free_pages } from '../../mm/page_alloc.ts';
import { PageReserved } from '../../mm/mem_map.ts';
import { free_area_init_node } from '../../mm/page_alloc_init.ts';
import { printk } from '../../kernel/printk.ts';

/** Pages of the recorded image behind 1 MiB with its boot page tables, and of what of it is init memory. */
export const KERNEL_IMAGE_PAGES = 368;
const INIT_PAGES = 29;
const INIT_OFFSET_PAGES = 309;
/** The kernel's top page table: the first page of the image's bss, right behind the init memory. */
const SWAPPER_PG_DIR = phys(PHYSICAL_START + (INIT_OFFSET_PAGES + INIT_PAGES) * PAGE_SIZE);
/** The page of zeroes follows it (empty_zero_page). */
const EMPTY_ZERO_PAGE = pfn(SWAPPER_PG_DIR / PAGE_SIZE + 1);
/** Its parts as the boot prints them, KiB. */
const IMAGE_KB = { code: 886, data: 337 };
/** The extended BIOS data area. */
const EBDA = { start: 0x9fc00, size: 0x1000 };
/** A wait queue head and a hash list head, bytes. */
const SIZEOF_WAIT_QUEUE_HEAD = 8;
const SIZEOF_HASH_HEAD = 4;
/** Strings and resources that setup_arch copies, bytes. */
const EARLY_STRINGS: readonly number[] = [8, 23, 11, 5, 34, 14];

/** Firmware map, boot allocator, zones (setup_arch). */
export function setup_arch(k: Kernel): void {
  const { platform } = k;
  printk(k, 'BIOS-provided physical RAM map:');
  for (const { start, end } of platform.e820) printk(k, ` BIOS-e820: ${hex16(start)} - ${hex16(end)} (usable)`);
  const megabytes = (pages: number): number => Math.floor((pages * PAGE_SIZE) / (1 << 20));
  printk(k, `${megabytes(platform.max_pfn - platform.max_low_pfn)}MB HIGHMEM available.`);
  printk(k, `${megabytes(platform.max_low_pfn)}MB LOWMEM available.`);
  setup_bootmem_allocator(k);
  paging_init(k);
}

function hex16(n: number): string {
  return n.toString(16).padStart(16, '0');
}

/** Low memory as the firmware reports it is free; image, first page and BIOS data are not (B-3). */
function setup_bootmem_allocator(k: Kernel): void {
  const { max_low_pfn, e820 } = k.platform;
  const min_low_pfn = pfn(PHYSICAL_START / PAGE_SIZE + KERNEL_IMAGE_PAGES);
  const bootmap_bytes = init_bootmem(k, min_low_pfn, max_low_pfn);
  for (const { start, end } of e820) {
    const first = Math.ceil(start / PAGE_SIZE);
    const last = Math.min(Math.floor(end / PAGE_SIZE), max_low_pfn);
    if (last > first) free_bootmem(k, phys(first * PAGE_SIZE), (last - first) * PAGE_SIZE);
  }
  reserve_bootmem(k, phys(PHYSICAL_START), min_low_pfn * PAGE_SIZE + bootmap_bytes + PAGE_SIZE - 1 - PHYSICAL_START);
  reserve_bootmem(k, phys(0), PAGE_SIZE);
  reserve_bootmem(k, phys(EBDA.start), EBDA.size);
  if (k.platform.nr_cpus > 1) reserve_bootmem(k, phys(PAGE_SIZE), PAGE_SIZE);
  alloc_bootmem_low(k, PAGE_SIZE);
}

/** Page tables for windows and fixed mappings, then the zones with mem_map and their wait queues (paging_init, zone_sizes_init). */
function paging_init(k: Kernel): void {
  const fixmap_table = alloc_bootmem_low_pages(k, PAGE_SIZE);
  const pkmap_table = alloc_bootmem_low_pages(k, PAGE_SIZE);
  pagetable_init(k, SWAPPER_PG_DIR, fixmap_table, pkmap_table);
  k.zero_page = EMPTY_ZERO_PAGE;
  for (const [nid, { start }] of k.platform.nodes.entries()) init_node(k, nid, start);
}

function init_node(k: Kernel, nid: number, start: Pfn): void {
  const sizes = zone_sizes(k, nid);
  alloc_bootmem(k, sizes.reduce((sum, size) => sum + size, 0) * SIZEOF_PAGE);
  free_area_init_node(k, nid, start, sizes);
  for (const zone of k.nodes[nid]!.node_zones) {
    if (populated_zone(zone)) alloc_bootmem(k, zone.wait_table_hash_nr_entries * SIZEOF_WAIT_QUEUE_HEAD);
  }
}

/** Pages of each zone of a node: below 16 MiB, up to the end of low memory, above (M-4). */
export function zone_sizes(k: Kernel, nid = 0): number[] {
  const { dma_pfn, max_low_pfn, max_pfn, nodes } = k.platform;
  const { start, end } = nodes[nid]!;
  const within = (from: number, to: number): number => Math.max(0, Math.min(to, end) - Math.max(from, start));
  const sizes = new Array<number>(MAX_NR_ZONES).fill(0);
  sizes[ZONE_DMA] = within(0, Math.min(max_low_pfn, dma_pfn));
  sizes[ZONE_NORMAL] = within(dma_pfn, max_low_pfn);
  sizes[ZONE_HIGHMEM] = within(max_low_pfn, max_pfn);
  return sizes;
}

/** Resources, the pid hash, the dentry and inode hashes (vfs_caches_init_early). */
export function allocate_early_tables(k: Kernel): void {
  for (const bytes of EARLY_STRINGS) alloc_bootmem(k, bytes);
  alloc_bootmem_pages(k, PAGE_SIZE);
  pidhash_init(k, SIZEOF_HASH_HEAD);
  alloc_bootmem(k, 332);
  alloc_bootmem(k, 4000);
  alloc_large_system_hash(k, 'Dentry cache', SIZEOF_HASH_HEAD, 13);
  alloc_large_system_hash(k, 'Inode-cache', SIZEOF_HASH_HEAD, 14);
}

/** The buddy allocator takes over: low memory from the boot allocator, high memory page by page (mem_init; B-5, B-7). */
export function mem_init(k: Kernel): void {
  const { max_low_pfn, max_pfn } = k.platform;
  k.totalram_pages += free_all_bootmem(k);
  for (let page = max_low_pfn as number; page < max_pfn; page++) {
    if (page_is_ram(k, pfn(page))) add_one_highpage_init(k, pfn(page));
  }
  k.totalram_pages += k.totalhigh_pages;
  const kb = (pages: number): number => pages * (PAGE_SIZE / 1024);
  const { code, data } = IMAGE_KB;
  printk(k, `Memory: ${kb(nr_free_pages(k))}k/${kb(max_pfn)}k available (${code}k kernel code, ${kb(reserved_pages(k))}k reserved, ${data}k data, ${kb(INIT_PAGES)}k init, ${kb(k.totalhigh_pages)}k highmem)`);
}

/** Frames of low RAM that the kernel keeps for itself. */
function reserved_pages(k: Kernel): number {
  let count = 0;
  for (let page = 0; page < k.platform.max_low_pfn; page++) {
    if (page_is_ram(k, pfn(page)) && PageReserved(k, pfn(page))) count++;
  }
  return count;
}

function add_one_highpage_init(k: Kernel, page: Pfn): void {
  __free_pages_bootmem(k, page, 0);
  k.totalhigh_pages++;
}

/** Whether a frame lies wholly in usable RAM. */
function page_is_ram(k: Kernel, page: Pfn): boolean {
  const start = page * PAGE_SIZE;
  return k.platform.e820.some((range) => range.start <= start && start + PAGE_SIZE <= range.end);
}

/** Code and data that only the boot needed become free pages (B-7). */
export function free_initmem(k: Kernel): void {
  const first = PHYSICAL_START / PAGE_SIZE + INIT_OFFSET_PAGES;
  for (let page = first; page < first + INIT_PAGES; page++) __free_pages_bootmem(k, pfn(page), 0);
  k.totalram_pages += INIT_PAGES;
  printk(k, `Freeing unused kernel memory: ${INIT_PAGES * (PAGE_SIZE / 1024)}k freed`);
}
