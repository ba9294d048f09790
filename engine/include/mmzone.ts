// @nohooks
// What include/linux/mmzone.h declares: zones, nodes, per-CPU pagesets, zonelists (KERNEL.md 1.5). Field names are the kernel's.
// Lists are heads in the link columns of mem_map: a head is an index past the last page frame (see mem_map.ts).

import type { page_waiter } from './wait.ts';
import type { ListHead, Pfn } from './types.ts';

export const MAX_ORDER = 11;
export const MAX_NR_ZONES = 4;
export const ZONE_DMA = 0;
export const ZONE_DMA32 = 1;
export const ZONE_NORMAL = 2;
export const ZONE_HIGHMEM = 3;
export const ZONE_NAMES = ['DMA', 'DMA32', 'Normal', 'HighMem'] as const;
/** Zonelists of a node, indexed by `gfp & GFP_ZONEMASK` (Z-2, G-3). */
export const GFP_ZONETYPES = 5;
export const DEF_PRIORITY = 12;

/** Indexes of zone.vm_stat, in the order /proc/vmstat prints them (CT-1). */
export const ZONE_STAT_NAMES = [
  'nr_anon_pages', 'nr_mapped', 'nr_file_pages', 'nr_slab', 'nr_page_table_pages', 'nr_dirty', 'nr_writeback', 'nr_unstable', 'nr_bounce',
] as const;
export const NR_ANON_PAGES = 0;
export const NR_FILE_MAPPED = 1;
export const NR_FILE_PAGES = 2;
export const NR_SLAB = 3;
export const NR_PAGETABLE = 4;
export const NR_FILE_DIRTY = 5;
export const NR_WRITEBACK = 6;
export const NR_UNSTABLE_NFS = 7;
export const NR_BOUNCE = 8;
export const NR_VM_ZONE_STAT_ITEMS = 9;

/** Indexes that follow on a kernel for several nodes, as /proc prints them and as /sys/devices/system/node does (CT-1, N-18, N-43). */
export const NUMA_STAT_NAMES = ['numa_hit', 'numa_miss', 'numa_foreign', 'numa_interleave', 'numa_local', 'numa_other'] as const;
export const NUMA_HIT = 9;
export const NUMA_MISS = 10;
export const NUMA_FOREIGN = 11;
export const NUMA_INTERLEAVE_HIT = 12;
export const NUMA_LOCAL = 13;
export const NUMA_OTHER = 14;

/** Distance of a node to itself, and to any other unless the firmware says so; past the second, zone reclaim is worth it (N-6, N-8). */
export const LOCAL_DISTANCE = 10;
export const REMOTE_DISTANCE = 20;
export const RECLAIM_DISTANCE = 20;

/** One order's free blocks. */
export interface free_area {
  free_list: ListHead;
  nr_free: number;
}

/** One per-CPU list of single pages; `high` is where it is trimmed, `batch` by how many (PA-7). */
export interface per_cpu_pages {
  count: number;
  high: number;
  batch: number;
  list: ListHead;
}

/** pcp[0] is the hot list, pcp[1] the cold one. */
export interface per_cpu_pageset {
  pcp: [per_cpu_pages, per_cpu_pages];
  stat_threshold: number;
  vm_stat_diff: number[];
}

export interface zone {
  name: string;
  /** Index in node_zones. */
  zone_idx: number;
  /** node_id of zone_pgdat. */
  node: number;
  zone_start_pfn: Pfn;
  spanned_pages: number;
  present_pages: number;
  /** Unmapped page cache, pages, that zone reclaim leaves alone (N-21). */
  min_unmapped_ratio: number;
  /** Pages in buddy lists only; per-CPU lists are not free pages (Z-3). */
  free_pages: number;
  pages_min: number;
  pages_low: number;
  pages_high: number;
  lowmem_reserve: number[];
  pageset: per_cpu_pageset[];
  free_area: free_area[];
  active_list: ListHead;
  inactive_list: ListHead;
  nr_scan_active: number;
  nr_scan_inactive: number;
  nr_active: number;
  nr_inactive: number;
  pages_scanned: number;
  all_unreclaimable: number;
  reclaim_in_progress: number;
  vm_stat: number[];
  temp_priority: number;
  prev_priority: number;
  wait_table_hash_nr_entries: number;
  wait_table_bits: number;
  /** Who waits for pages of the zone, by hash of the page; a slot is made when somebody first waits there. */
  wait_table: page_waiter[][];
}

/** A zone by node and index: how one piece of state names another. */
export interface zone_ref {
  node: number;
  zone_idx: number;
}

/** Zones in the order an allocation tries them. */
export interface zonelist {
  zones: zone_ref[];
}

export interface pg_data_t {
  node_id: number;
  node_zones: zone[];
  node_zonelists: zonelist[];
  /** Index of the highest initialised zone + 1. */
  nr_zones: number;
  node_start_pfn: Pfn;
  node_present_pages: number;
  node_spanned_pages: number;
  /** The largest order kswapd was woken for and has not taken yet. */
  kswapd_max_order: number;
}

/** A zone that has memory (populated_zone). */
export function populated_zone(zone: zone): boolean {
  return zone.present_pages !== 0;
}

export function is_highmem(zone: zone): boolean {
  return zone.zone_idx === ZONE_HIGHMEM;
}
