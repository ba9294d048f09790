// How a 64-bit PC of the day brings its memory up (arch/x86_64/kernel/setup.c, arch/x86_64/mm/{init,numa}.c; KERNEL.md … … X-27,
// N-1 … N-4): page tables of the direct map, a boot allocator a node, what the kernel reserves, the zones, and the handover to the buddy allocator.
// arch/boot.ts calls the steps.
//
// No x86_64 kernel was recorded: the image has the size that the worked tables assume, how it divides is a guess of ours, and of the early
// allocations only the large ones are here. Left out: MP table and initrd, K8 and emulated nodes, memory hotplug, the page tables' own contents.

import type { Kernel } from '../../kernel.ts';
import type { PhysAddr, Pfn } from '../../include/types.ts';
import { PAGE_SIZE, pfn, phys } from '../../include/types.ts';
import { MAX_NR_ZONES, ZONE_DMA, ZONE_DMA32, ZONE_NORMAL } from '../../include/mmzone.ts';
import {
  EARLY_TABLE_START, KERNEL_IMAGE_PAGES, MAX_DMA32_PFN, MAX_DMA_PFN, PGDIR_SIZE, PHYSICAL_START, PUD_SIZE, SIZEOF_HASH_HEAD, SIZEOF_PAGE,
  SIZEOF_WAIT_QUEUE_HEAD, SMP_CACHE_BYTES, memmap_pages,
} from './layout.ts';
import type { Range } from './e820.ts';
import { e820_entries, e820_hole_size, e820_ram, find_e820_area } from './e820.ts';
import { alloc_large_system_hash, pidhash_init } from '../early-tables.ts';
import {
  MAX_DMA_ADDRESS, __alloc_bootmem_core, __alloc_bootmem_node, alloc_bootmem_low, bootmap_size, bootmem_of, free_all_bootmem_node,
  free_bootmem_node, init_bootmem_node, reserve_bootmem_node,
} from '../../mm/bootmem.ts';
import { fill_frame } from '../../mm/contents.ts';
import { __free_pages_bootmem, nr_free_pages } from '../../mm/page_alloc.ts';
import { free_area_init_node } from '../../mm/page_alloc_init.ts';
import { pfn_to_nid } from '../../mm/topology.ts';
import { panic } from '../../kernel/panic.ts';
import { printk } from '../../kernel/printk.ts';

/** The image's parts, KiB, and where in it the pages stand that only the boot needs. */
const IMAGE_KB = { code: 2432, data: 1264 };
const INIT_OFFSET_PAGES = 924;
const INIT_PAGES = 55;
/** What start-up of the other processors uses: page 1 and the trampoline. */
const SMP_TRAMPOLINE_BASE = 0x6000;
/** The extended BIOS data area's page. */
const EBDA = 0x9fc00;
/** Pages of a pg_data_t of a kernel for 64 nodes and 32 CPUs; an estimate. */
const PGDAT_PAGES = 4;
/** Bytes of a CPU's own variables, with room for modules (PERCPU_ENOUGH_ROOM), and of a resource. */
const PERCPU_ENOUGH_ROOM = 32768;
const SIZEOF_RESOURCE = 56;
/** The kernel's top page table: the second page of the image. */
const INIT_LEVEL4_PGT = phys(PHYSICAL_START + PAGE_SIZE);
/** The page of zeroes, behind the tables of the other levels (empty_zero_page). */
const EMPTY_ZERO_PAGE = pfn(PHYSICAL_START / PAGE_SIZE + 6);
/** What free_initmem fills the pages with. */
const POISON_FREE_INITMEM = 0xcc;

/** Firmware map, direct map, boot allocators, zones (setup_arch). */
export function setup_arch(k: Kernel): void {
  printk(k, 'BIOS-provided physical RAM map:');
  for (const { start, end, type } of e820_entries(k)) printk(k, ` BIOS-e820: ${hex16(start)} - ${hex16(end)} (${type})`);
  k.init_mm.pgd = INIT_LEVEL4_PGT;
  k.zero_page = EMPTY_ZERO_PAGE;
  const tables = init_memory_mapping(k);
  const taken = [{ start: 0, end: EARLY_TABLE_START }, { start: EBDA, end: EBDA + PAGE_SIZE }, kernel_image(), tables];
  if (k.platform.numa === 0) contig_initmem_init(k, taken);
  else numa_initmem_init(k, taken);
  reserve_early(k, tables);
  for (const [nid, { start, end }] of k.platform.nodes.entries()) setup_node_zones(k, nid, start, end);
}

function hex16(n: number): string {
  return n.toString(16).padStart(16, '0');
}

function kernel_image(): Range {
  return { start: PHYSICAL_START, end: PHYSICAL_START + KERNEL_IMAGE_PAGES * PAGE_SIZE };
}

/** Room for the page tables of the direct map, which covers all that the firmware reports with pages of 2 MiB: a PUD page every 512 GiB, and a PMD
 *  page every GiB that holds anything. */
function init_memory_mapping(k: Kernel): Range {
  const entries = e820_entries(k);
  const end = Math.max(...entries.map((entry) => entry.end));
  let pages = Math.ceil(end / PGDIR_SIZE);
  for (let start = 0; start < end; start += PUD_SIZE) {
    if (entries.some((entry) => entry.start < start + PUD_SIZE && entry.end > start)) pages++;
  }
  const size = pages * PAGE_SIZE;
  const place = find_e820_area(k, EARLY_TABLE_START, end, size, [{ start: EBDA, end: EBDA + PAGE_SIZE }, kernel_image()]);
  if (place < 0) return panic(k, 'Cannot find space for the kernel page tables');
  return { start: place, end: place + size };
}

/** One boot allocator over all memory (contig_initmem_init; X-25). */
function contig_initmem_init(k: Kernel, taken: readonly Range[]): void {
  const end_pfn = k.platform.max_pfn;
  const bytes = pages_of(bootmap_size(end_pfn)) * PAGE_SIZE;
  const bootmap = find_e820_area(k, 0, end_pfn * PAGE_SIZE, bytes, taken);
  if (bootmap < 0) panic(k, `Cannot find bootmem map of size ${bytes}`);
  else setup_bootmem(k, 0, phys(bootmap), pfn(0), end_pfn);
}

/** A boot allocator for every node, in its own memory, ascending (numa_initmem_init). */
function numa_initmem_init(k: Kernel, taken: readonly Range[]): void {
  for (const [nid, { start, end }] of k.platform.nodes.entries()) setup_node_bootmem(k, nid, start, end, taken);
}

/** A node's pg_data_t, then its bitmap, in the first RAM of its own (N-1). */
function setup_node_bootmem(k: Kernel, nid: number, start_pfn: Pfn, end_pfn: Pfn, taken: readonly Range[]): void {
  const [start, end] = [start_pfn * PAGE_SIZE, end_pfn * PAGE_SIZE];
  printk(k, `Bootmem setup node ${nid} ${hex16(start)}-${hex16(end)}`);
  const bytes = pages_of(bootmap_size(end_pfn - start_pfn)) * PAGE_SIZE;
  const pgdat_bytes = PGDAT_PAGES * PAGE_SIZE;
  const nodedata = find_e820_area(k, start, end, pgdat_bytes, taken);
  if (nodedata < 0) return panic(k, `Cannot find ${pgdat_bytes} bytes in node ${nid}`);
  const bootmap = find_e820_area(k, nodedata + pgdat_bytes, end, bytes, taken);
  if (bootmap < 0) return panic(k, `Not enough continuous space for bootmap of node ${nid}`);
  setup_bootmem(k, nid, phys(bootmap), start_pfn, end_pfn);
  reserve_bootmem_node(k, nid, phys(nodedata), pgdat_bytes);
}

/** Makes a node's boot allocator: its RAM is free, but not the bitmap. */
function setup_bootmem(k: Kernel, nid: number, bootmap: PhysAddr, start_pfn: Pfn, end_pfn: Pfn): void {
  const bytes = init_bootmem_node(k, nid, pfn(bootmap / PAGE_SIZE), start_pfn, end_pfn);
  for (const { start, end } of e820_ram(k, start_pfn, end_pfn)) free_bootmem_node(k, nid, phys(start * PAGE_SIZE), (end - start) * PAGE_SIZE);
  reserve_bootmem_node(k, nid, bootmap, bytes);
}

function pages_of(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

/** What is in use already: page tables, image, first page, BIOS data, and on SMP what the other processors start with. */
function reserve_early(k: Kernel, tables: Range): void {
  const image = kernel_image();
  reserve_bootmem_generic(k, tables.start, tables.end - tables.start);
  reserve_bootmem_generic(k, image.start, image.end - image.start);
  reserve_bootmem_generic(k, 0, PAGE_SIZE);
  reserve_bootmem_generic(k, EBDA, PAGE_SIZE);
  if (k.platform.nr_cpus === 1 && k.platform.numa === 0) return;
  reserve_bootmem_generic(k, PAGE_SIZE, PAGE_SIZE);
  reserve_bootmem_generic(k, SMP_TRAMPOLINE_BASE, PAGE_SIZE);
}

/** Reserves a range in its node; low pages will not count as present in zone DMA. */
function reserve_bootmem_generic(k: Kernel, start: number, size: number): void {
  reserve_bootmem_node(k, pfn_to_nid(k, Math.floor(start / PAGE_SIZE)), phys(start), size);
  if (start + size <= MAX_DMA_PFN * PAGE_SIZE) k.dma_reserve += Math.floor(size / PAGE_SIZE);
}

/** A node's mem_map, zones and their wait queues (setup_node_zones; X-4, N-2). */
function setup_node_zones(k: Kernel, nid: number, start_pfn: Pfn, end_pfn: Pfn): void {
  const sizes = zone_sizes(start_pfn, end_pfn);
  alloc_node_mem_map(k, nid, (end_pfn - start_pfn) * SIZEOF_PAGE, end_pfn);
  free_area_init_node(k, nid, start_pfn, sizes, zone_holes(k, start_pfn, sizes));
  for (const { spanned_pages, wait_table_hash_nr_entries } of k.nodes[nid]!.node_zones) {
    const size = wait_table_hash_nr_entries * SIZEOF_WAIT_QUEUE_HEAD;
    if (spanned_pages > 0) __alloc_bootmem_node(k, nid, size, SMP_CACHE_BYTES, MAX_DMA_ADDRESS);
  }
}

/** The array of struct page: above the DMA zone, with several nodes at the end of its own. */
function alloc_node_mem_map(k: Kernel, nid: number, size: number, end_pfn: Pfn): void {
  const limit = end_pfn * PAGE_SIZE;
  const goal = Math.floor((limit - size) / PAGE_SIZE) * PAGE_SIZE;
  if (k.platform.numa !== 0 && __alloc_bootmem_core(k, size, SMP_CACHE_BYTES, goal, limit, bootmem_of(k, nid)) >= 0) return;
  __alloc_bootmem_node(k, nid, size, SMP_CACHE_BYTES, MAX_DMA_ADDRESS);
}

/** Pages that each zone of a node spans: below 16 MiB, below 4 GiB, above (size_zones; X-14, N-3). */
export function zone_sizes(start: Pfn | number, end: Pfn | number): number[] {
  const within = (from: number, to: number): number => Math.max(0, Math.min(to, end) - Math.max(from, start));
  const sizes = new Array<number>(MAX_NR_ZONES).fill(0);
  sizes[ZONE_DMA] = within(0, MAX_DMA_PFN);
  sizes[ZONE_DMA32] = within(MAX_DMA_PFN, MAX_DMA32_PFN);
  sizes[ZONE_NORMAL] = within(MAX_DMA32_PFN, Infinity);
  return sizes;
}

/** Pages of each zone that do not count as present: holes in the RAM, a share of mem_map, in zone DMA what the boot reserved. */
function zone_holes(k: Kernel, node_start_pfn: Pfn, sizes: readonly number[]): number[] {
  let start = node_start_pfn;
  return sizes.map((size, zone_idx) => {
    const end = pfn(start + size);
    const absent = e820_hole_size(k, start, end) + memmap_pages(size) + (zone_idx === ZONE_DMA && size > 0 ? k.dma_reserve : 0);
    start = end;
    if (zone_idx === ZONE_DMA && size > 0 && absent >= size) printk(k, 'Kernel too large and filling up ZONE_DMA?');
    return Math.min(size, absent);
  });
}

/** Resources, the CPUs' own variables, the pid hash, the dentry and inode hashes (vfs_caches_init_early). */
export function allocate_early_tables(k: Kernel): void {
  for (let entry = 0; entry < e820_entries(k).length; entry++) alloc_bootmem_low(k, SIZEOF_RESOURCE);
  if (k.platform.nr_cpus > 1 || k.platform.numa !== 0) setup_per_cpu_areas(k);
  pidhash_init(k, SIZEOF_HASH_HEAD);
  alloc_large_system_hash(k, 'Dentry cache', SIZEOF_HASH_HEAD, 13);
  alloc_large_system_hash(k, 'Inode-cache', SIZEOF_HASH_HEAD, 14);
}

/** Each CPU's variables lie on its node. */
function setup_per_cpu_areas(k: Kernel): void {
  for (const nid of k.platform.cpu_to_node) __alloc_bootmem_node(k, nid, PERCPU_ENOUGH_ROOM, SMP_CACHE_BYTES, MAX_DMA_ADDRESS);
}

/** The buddy allocator takes over, node by node (mem_init, numa_free_all_bootmem, N-3). */
export function mem_init(k: Kernel): void {
  const { max_pfn, nodes } = k.platform;
  for (const nid of nodes.keys()) k.totalram_pages += free_all_bootmem_node(k, nid);
  const kb = (pages: number): number => pages * (PAGE_SIZE / 1024);
  const { code, data } = IMAGE_KB;
  const reserved = max_pfn - k.totalram_pages - e820_hole_size(k, pfn(0), max_pfn);
  printk(k, `Memory: ${kb(nr_free_pages(k))}k/${kb(max_pfn)}k available (${code}k kernel code, ${kb(reserved)}k reserved, ${data}k data, ${kb(INIT_PAGES)}k init)`);
}

/** Code and data that only the boot needed become free pages, and are overwritten. */
export function free_initmem(k: Kernel): void {
  const first = PHYSICAL_START / PAGE_SIZE + INIT_OFFSET_PAGES;
  for (let page = first; page < first + INIT_PAGES; page++) {
    fill_frame(k, pfn(page), POISON_FREE_INITMEM);
    __free_pages_bootmem(k, pfn(page), 0);
  }
  k.totalram_pages += INIT_PAGES;
  printk(k, `Freeing unused kernel memory: ${INIT_PAGES * (PAGE_SIZE / 1024)}k freed`);
}
