// How the page allocator is set up (mm/page_alloc.c; KERNEL.md 1.5, 2.1, 3.1): zones, mem_map, per-CPU pagesets, watermarks and reserves.
// Everything here is arithmetic on the zones' sizes and a few sysctls. Zonelists are in zonelists.ts.
//
// One mem_map serves all nodes, indexed by pfn; frames between two nodes have an entry that nothing uses (the kernel has one array a node, N-2).

import type { Kernel } from '../kernel.ts';
import type { per_cpu_pages, per_cpu_pageset, pg_data_t, zone } from '../include/mmzone.ts';
import type { ListHead, Pfn } from '../include/types.ts';
import { pfn } from '../include/types.ts';
import {
  DEF_PRIORITY, MAX_NR_ZONES, MAX_ORDER, ZONE_NAMES, is_highmem,
} from '../include/mmzone.ts';
import { alloc_mem_map, init_page, list_head_at, max_mapnr } from './mem_map.ts';
import { for_each_zone, zone_stat_names } from './mmzone.ts';
import { build_zonelists } from './zonelists.ts';
import { printk } from '../kernel/printk.ts';

/** Batch of the lists that a CPU uses while a kernel for several nodes boots: no page stays in them (N-4). */
const BOOT_PAGESET_BATCH = 0;

/** List heads a zone needs: one an order, two a CPU, two LRU lists. */
export function heads_per_zone(nr_cpus: number): number {
  return MAX_ORDER + 2 * nr_cpus + 2;
}

/** Sets up one node from the pages that its zones span and those of them that do not count as present: empty zones, and struct pages that are all
 *  reserved (free_area_init_node; B-6, B-8, X-16). The zones lie one behind the other. */
export function free_area_init_node(
  k: Kernel, nid: number, node_start_pfn: Pfn, zones_size: readonly number[], zholes_size: readonly number[] = [],
): void {
  const spanned = sum_of(zones_size);
  const present = spanned - sum_of(zholes_size);
  printk(k, `On node ${nid} totalpages: ${present}`);
  if (max_mapnr(k) === 0) k.mem_map = alloc_mem_map(k.platform.max_pfn, heads_per_zone(k.platform.nr_cpus) * MAX_NR_ZONES * k.platform.nodes.length);
  const pgdat: pg_data_t = {
    node_id: nid, node_zones: [], node_zonelists: [], nr_zones: 0, node_start_pfn, node_present_pages: present, node_spanned_pages: spanned,
    kswapd_max_order: 0,
  };
  k.nodes[nid] = pgdat;
  free_area_init_core(k, pgdat, zones_size, zholes_size);
}

function sum_of(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Makes the zones of a node one after the other, each from where the last one ended. */
function free_area_init_core(k: Kernel, pgdat: pg_data_t, zones_size: readonly number[], zholes_size: readonly number[]): void {
  let start = pgdat.node_start_pfn;
  for (let j = 0; j < MAX_NR_ZONES; j++) {
    const size = zones_size[j]!;
    const realsize = size - (zholes_size[j] ?? 0);
    const zone = make_zone(k, pgdat.node_id, j, start, size, realsize);
    pgdat.node_zones.push(zone);
    if (realsize > 0) printk(k, `  ${zone.name} zone: ${realsize} pages, LIFO batch:${zone_batchsize(realsize)}`);
    if (size === 0) continue;
    pgdat.nr_zones = j + 1;
    memmap_init_zone(k, size, pgdat.node_id, j, start);
    start = pfn(start + size);
  }
}

function make_zone(k: Kernel, node: number, zone_idx: number, zone_start_pfn: Pfn, size: number, realsize: number): zone {
  const nr_cpus = k.platform.nr_cpus;
  const first_head = (node * MAX_NR_ZONES + zone_idx) * heads_per_zone(nr_cpus);
  const head = (n: number) => list_head_at(k, first_head + n);
  const batch = k.platform.numa === 0 ? zone_batchsize(realsize) : BOOT_PAGESET_BATCH;
  const items = zone_stat_names(k).length;
  const entries = size === 0 ? 0 : wait_table_hash_nr_entries(size);
  return {
    name: ZONE_NAMES[zone_idx]!, zone_idx, node, zone_start_pfn: size === 0 ? pfn(0) : zone_start_pfn, spanned_pages: size, present_pages: realsize,
    min_unmapped_ratio: min_unmapped_pages(k, realsize), free_pages: 0,
    pages_min: 0, pages_low: 0, pages_high: 0, lowmem_reserve: new Array<number>(MAX_NR_ZONES).fill(0),
    pageset: Array.from({ length: nr_cpus }, (_, cpu) => make_pageset(head(MAX_ORDER + 2 * cpu), head(MAX_ORDER + 2 * cpu + 1), batch, items)),
    free_area: Array.from({ length: MAX_ORDER }, (_, order) => ({ free_list: head(order), nr_free: 0 })),
    active_list: head(MAX_ORDER + 2 * nr_cpus), inactive_list: head(MAX_ORDER + 2 * nr_cpus + 1),
    nr_scan_active: 0, nr_scan_inactive: 0, nr_active: 0, nr_inactive: 0, pages_scanned: 0, all_unreclaimable: 0, reclaim_in_progress: 0,
    vm_stat: new Array<number>(items).fill(0), temp_priority: DEF_PRIORITY, prev_priority: DEF_PRIORITY,
    wait_table_hash_nr_entries: entries, wait_table_bits: Math.log2(Math.max(1, entries)),
    wait_table: [],
  };
}

function make_pageset(hot: ListHead, cold: ListHead, batch: number, items: number): per_cpu_pageset {
  const pcp = (list: ListHead): per_cpu_pages => ({ count: 0, high: 0, batch: 1, list });
  const pageset: per_cpu_pageset = { pcp: [pcp(hot), pcp(cold)], stat_threshold: 0, vm_stat_diff: new Array<number>(items).fill(0) };
  setup_pageset(pageset, batch);
  return pageset;
}

/** With several nodes every CPU begins with lists that keep no page; here they get their size (N-4). Left out: the kernel allocates them now, 128
 *  bytes a zone and CPU, on the CPU's node. */
export function setup_per_cpu_pageset(k: Kernel): void {
  if (k.platform.numa !== 0) setup_per_cpu_pagelist_fraction(k);
}

/** Unmapped page cache that zone reclaim leaves in a zone: a percentage of its pages (N-21). */
function min_unmapped_pages(k: Kernel, present_pages: number): number {
  return Math.floor((present_pages * k.sysctl.min_unmapped_ratio) / 100);
}

/** Follows vm.min_unmapped_ratio (N-21). */
export function setup_per_zone_min_unmapped(k: Kernel): void {
  for (const zone of for_each_zone(k)) zone.min_unmapped_ratio = min_unmapped_pages(k, zone.present_pages);
}

/** Every page begins reserved, with its zone and node in its flags (B-6). */
function memmap_init_zone(k: Kernel, size: number, nid: number, zone_idx: number, start_pfn: Pfn): void {
  for (let page = start_pfn as number; page < start_pfn + size; page++) init_page(k, pfn(page), nid, zone_idx);
}

/** Hash slots of a zone's page wait queues: a power of two near pages/256, 4 … 4096 (Z-4). */
export function wait_table_hash_nr_entries(pages: number): number {
  const wanted = Math.max(1, Math.floor(pages / 256));
  let size = 1;
  while (size < wanted) size <<= 1;
  return Math.min(4096, Math.max(4, size));
}

/** The zonelists of every node, and vm_total_pages (build_all_zonelists; B-2, N-11). */
export function build_all_zonelists(k: Kernel): void {
  for (const pgdat of k.nodes) build_zonelists(k, pgdat);
  k.vm_total_pages = for_each_zone(k).reduce((sum, zone) => sum + Math.max(0, zone.present_pages - zone.pages_high), 0);
  printk(k, `Built ${k.nodes.length} zonelists.  Total pages: ${k.vm_total_pages}`);
}

/** How many pages a per-CPU list moves at once: about a thousandth of the zone, 512 KiB at most, one less than a power of two (PA-7). */
export function zone_batchsize(present_pages: number): number {
  let batch = Math.floor(present_pages / 1024);
  if (batch * 4096 > 512 * 1024) batch = (512 * 1024) / 4096;
  batch = Math.max(1, Math.floor(batch / 4));
  return (1 << (fls(batch + Math.floor(batch / 2)) - 1)) - 1;
}

/** Position of the highest set bit, from 1; 0 for 0. */
export function fls(n: number): number {
  return 32 - Math.clz32(n);
}

/** Sizes the hot lists by percpu_pagelist_fraction where that is set (PA-7). */
export function setup_per_cpu_pagelist_fraction(k: Kernel): void {
  const fraction = k.sysctl.percpu_pagelist_fraction;
  for (const zone of for_each_zone(k)) {
    for (const pageset of zone.pageset) {
      if (fraction > 0) setup_pagelist_highmark(pageset, Math.floor(zone.present_pages / fraction));
      else setup_pageset(pageset, zone_batchsize(zone.present_pages));
    }
  }
}

/** Sizes of both lists from a batch (PA-7). */
function setup_pageset(pageset: per_cpu_pageset, batch: number): void {
  const [hot, cold] = pageset.pcp;
  hot.high = 6 * batch;
  hot.batch = Math.max(1, batch);
  cold.high = 2 * batch;
  cold.batch = Math.max(1, Math.floor(batch / 2));
}

/** The hot list's size when percpu_pagelist_fraction sets it (PA-7). */
function setup_pagelist_highmark(pageset: per_cpu_pageset, high: number): void {
  const hot = pageset.pcp[0];
  hot.high = high;
  hot.batch = Math.min(96, Math.max(1, Math.floor(high / 4)));
}

/** min_free_kbytes from the size of low memory: the square root of 16 times its kilobytes, 128 … 65536 (PA-2), then all that follows from it. */
export function init_per_zone_pages_min(k: Kernel): void {
  const lowmem_kbytes = nr_lowmem_pages(k) * 4;
  k.sysctl.min_free_kbytes = Math.min(65536, Math.max(128, Math.floor(Math.sqrt(lowmem_kbytes * 16))));
  setup_per_zone_pages_min(k);
  setup_per_zone_lowmem_reserve(k);
}

function nr_lowmem_pages(k: Kernel): number {
  return for_each_zone(k).filter((zone) => !is_highmem(zone)).reduce((sum, zone) => sum + zone.present_pages, 0);
}

/** Watermarks: each zone's share of min_free_kbytes; highmem keeps few (PA-3). */
export function setup_per_zone_pages_min(k: Kernel): void {
  const pages_min = k.sysctl.min_free_kbytes >> 2;
  const lowmem_pages = nr_lowmem_pages(k);
  for (const zone of for_each_zone(k)) {
    const tmp = Math.floor((pages_min * zone.present_pages) / lowmem_pages);
    zone.pages_min = is_highmem(zone) ? Math.min(128, Math.max(32, Math.floor(zone.present_pages / 1024))) : tmp;
    zone.pages_low = zone.pages_min + Math.floor(tmp / 4);
    zone.pages_high = zone.pages_min + Math.floor(tmp / 2);
  }
  calculate_totalreserve_pages(k);
}

/** What a request that could use a higher zone must leave in a lower one (PA-4). */
export function setup_per_zone_lowmem_reserve(k: Kernel): void {
  for (const { node_zones } of k.nodes) {
    for (let j = 0; j < MAX_NR_ZONES; j++) {
      let present_pages = node_zones[j]!.present_pages;
      node_zones[j]!.lowmem_reserve[j] = 0;
      for (let idx = j - 1; idx >= 0; idx--) {
        const ratio = Math.max(1, k.sysctl.lowmem_reserve_ratio[idx]!);
        node_zones[idx]!.lowmem_reserve[j] = Math.floor(present_pages / ratio);
        present_pages += node_zones[idx]!.present_pages;
      }
    }
  }
  calculate_totalreserve_pages(k);
}

/** Pages that overcommit must not promise: every zone's largest reserve and high mark (PA-5). */
function calculate_totalreserve_pages(k: Kernel): void {
  k.totalreserve_pages = 0;
  for (const { node_zones } of k.nodes) {
    for (const zone of node_zones) {
      const reserve = Math.max(...zone.lowmem_reserve.slice(zone.zone_idx));
      k.totalreserve_pages += Math.min(zone.present_pages, reserve + zone.pages_high);
    }
  }
}
