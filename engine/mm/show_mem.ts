// @nohooks
// The Mem-info block that the kernel prints when an allocation fails (mm/page_alloc.c:show_free_areas, arch/i386/mm/pgtable.c and
// arch/x86_64/mm/init.c:show_mem; PA-27, X-45, N-42).
// The line forms are the kernel's own, so that people's tools read them. What is not modelled yet (swap, dirty pages, slab) prints as 0.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import { MAX_ORDER, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_PAGETABLE, NR_SLAB, NR_UNSTABLE_NFS, NR_WRITEBACK, ZONE_HIGHMEM, is_highmem, populated_zone } from '../include/mmzone.ts';
import type { Pfn } from '../include/types.ts';
import { is_x86_64 } from '../arch/address.ts';
import { PageReserved, page_count } from './mem_map.ts';
import { for_each_zone } from './mmzone.ts';
import { global_page_state } from './vmstat.ts';
import { printk } from '../kernel/printk.ts';

/** Kilobytes of a number of pages. */
const K = (pages: number): number => pages * 4;

/** The whole report into the kernel log. */
export function show_mem(k: Kernel): void {
  printk(k, 'Mem-info:');
  show_free_areas(k);
  printk(k, 'Free swap:            0kB');
  show_page_totals(k);
}

/** Zones, their per-CPU lists and free blocks. */
export function show_free_areas(k: Kernel): void {
  const zones = for_each_zone(k);
  for (const zone of zones) show_per_cpu(k, zone);
  const free = zones.reduce((sum, zone) => sum + zone.free_pages, 0);
  const highmem = zones.filter(is_highmem).reduce((sum, zone) => sum + zone.free_pages, 0);
  printk(k, `Free pages: ${String(K(free)).padStart(11)}kB (${K(highmem)}kB HighMem)`);
  const active = zones.reduce((sum, zone) => sum + zone.nr_active, 0);
  const inactive = zones.reduce((sum, zone) => sum + zone.nr_inactive, 0);
  const state = (item: number): number => global_page_state(k, item);
  printk(k, `Active:${active} inactive:${inactive} dirty:${state(NR_FILE_DIRTY)} writeback:${state(NR_WRITEBACK)} unstable:${state(NR_UNSTABLE_NFS)} free:${free} slab:${state(NR_SLAB)} mapped:${state(NR_FILE_MAPPED)} pagetables:${state(NR_PAGETABLE)}`);
  for (const zone of zones) show_zone(k, zone);
  for (const zone of zones) show_blocks(k, zone);
  printk(k, 'Swap cache: add 0, delete 0, find 0/0, race 0+0');
  printk(k, 'Free swap  = 0kB');
  printk(k, 'Total swap = 0kB');
}

/** A zone as a line of the report begins: with its node where there are several (show_node). */
function zone_title(k: Kernel, zone: zone): string {
  return k.platform.numa === 0 ? zone.name : `Node ${zone.node} ${zone.name}`;
}

function show_per_cpu(k: Kernel, zone: zone): void {
  if (!populated_zone(zone)) {
    printk(k, `${zone_title(k, zone)} per-cpu: empty`);
    return;
  }
  printk(k, `${zone_title(k, zone)} per-cpu:`);
  for (const [cpu, pageset] of zone.pageset.entries()) {
    for (const [i, pcp] of pageset.pcp.entries()) {
      printk(k, `cpu ${cpu} ${i === 0 ? 'hot' : 'cold'}: high ${pcp.high}, batch ${pcp.batch} used:${pcp.count}`);
    }
  }
}

function show_zone(k: Kernel, zone: zone): void {
  const kb = (pages: number): string => `${K(pages)}kB`;
  printk(k, `${zone_title(k, zone)} free:${kb(zone.free_pages)} min:${kb(zone.pages_min)} low:${kb(zone.pages_low)} high:${kb(zone.pages_high)} active:${kb(zone.nr_active)} inactive:${kb(zone.nr_inactive)} present:${kb(zone.present_pages)} pages_scanned:${zone.pages_scanned} all_unreclaimable? ${zone.all_unreclaimable === 0 ? 'no' : 'yes'}`);
  printk(k, `lowmem_reserve[]: ${zone.lowmem_reserve.join(' ')}`);
}

function show_blocks(k: Kernel, zone: zone): void {
  if (!populated_zone(zone)) {
    printk(k, `${zone_title(k, zone)}: empty`);
    return;
  }
  const counts = Array.from({ length: MAX_ORDER }, (_, order) => `${zone.free_area[order]!.nr_free}*${K(1 << order)}kB`);
  const total = zone.free_area.reduce((sum, area, order) => sum + (area.nr_free << order), 0);
  printk(k, `${zone_title(k, zone)}: ${counts.join(' ')} = ${K(total)}kB`);
}

/** Totals over every struct page, as the architecture's show_mem counts them: holes are reserved. */
function show_page_totals(k: Kernel): void {
  let total = 0;
  let highmem = 0;
  let reserved = 0;
  let shared = 0;
  for (const { node_start_pfn, node_spanned_pages, node_zones } of k.nodes) {
    total += node_spanned_pages;
    highmem += node_zones[ZONE_HIGHMEM]!.spanned_pages;
    for (let page = node_start_pfn as number; page < node_start_pfn + node_spanned_pages; page++) {
      if (PageReserved(k, page as Pfn)) reserved++;
      else if (page_count(k, page as Pfn) > 0) shared += page_count(k, page as Pfn) - 1;
    }
  }
  const state = (item: number): number => global_page_state(k, item);
  if (is_x86_64(k)) {
    for (const [count, what] of [[total, 'pages of RAM'], [reserved, 'reserved pages'], [shared, 'pages shared'], [0, 'pages swap cached']]) printk(k, `${count} ${what}`);
    return;
  }
  const rows: [number, string][] = [
    [total, 'pages of RAM'], [highmem, 'pages of HIGHMEM'], [reserved, 'reserved pages'], [shared, 'pages shared'], [0, 'pages swap cached'],
    [state(NR_FILE_DIRTY), 'pages dirty'], [state(NR_WRITEBACK), 'pages writeback'], [state(NR_FILE_MAPPED), 'pages mapped'], [state(NR_SLAB), 'pages slab'],
    [state(NR_PAGETABLE), 'pages pagetables'],
  ];
  for (const [count, what] of rows) printk(k, `${count} ${what}`);
}
