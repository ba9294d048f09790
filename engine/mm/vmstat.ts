// @nohooks
// Counters (mm/vmstat.c; KERNEL.md CT-1 … CT-3). Events are counted per CPU and summed when read. Zone items are totals per zone; with several CPUs
// each CPU keeps what it changed as a small difference and adds it to the total only past a threshold, so that totals lag (QK-9):
//
//   zone.pageset[cpu].vm_stat_diff[item]   -threshold … +threshold   (a byte in the kernel)
//   zone.vm_stat[item]                     what readers see; refresh_cpu_vm_stats folds a CPU's differences into it
//
// The kernel's totals over all zones are summed when they are read. Interrupts cannot come between, so `__mod_zone_page_state` and its like without
// underscores are the same here; the names without are used.

import type { Kernel } from '../kernel.ts';
import type { per_cpu_pageset, zone } from '../include/mmzone.ts';
import type { Pfn } from '../include/types.ts';
import { populated_zone } from '../include/mmzone.ts';
import { page_zone } from './mem_map.ts';
import { for_each_zone } from './mmzone.ts';

/** Event names in the order of /proc/vmstat (CT-3); a name's place is its vm_event_item. */
export const VM_EVENT_NAMES = [
  'pgpgin', 'pgpgout', 'pswpin', 'pswpout', 'pgalloc_dma', 'pgalloc_dma32', 'pgalloc_normal', 'pgalloc_high', 'pgfree', 'pgactivate', 'pgdeactivate',
  'pgfault', 'pgmajfault', 'pgrefill_dma', 'pgrefill_dma32', 'pgrefill_normal', 'pgrefill_high', 'pgsteal_dma', 'pgsteal_dma32', 'pgsteal_normal', 'pgsteal_high',
  'pgscan_kswapd_dma', 'pgscan_kswapd_dma32', 'pgscan_kswapd_normal', 'pgscan_kswapd_high', 'pgscan_direct_dma', 'pgscan_direct_dma32', 'pgscan_direct_normal',
  'pgscan_direct_high', 'pginodesteal', 'slabs_scanned', 'kswapd_steal', 'kswapd_inodesteal', 'pageoutrun', 'allocstall', 'pgrotated',
] as const;
export type VmEventName = (typeof VM_EVENT_NAMES)[number];

const index_of = (name: VmEventName): number => VM_EVENT_NAMES.indexOf(name);
/** First of the four per-zone items: add the zone's index. */
export const PGALLOC_DMA = index_of('pgalloc_dma');
export const PGFREE = index_of('pgfree');
export const PGACTIVATE = index_of('pgactivate');
export const PGFAULT = index_of('pgfault');
export const PGMAJFAULT = index_of('pgmajfault');
export const ALLOCSTALL = index_of('allocstall');
export const PGROTATED = index_of('pgrotated');

/** Zeroed event counters for every CPU. */
export function make_vm_events(nr_cpus: number): number[][] {
  return Array.from({ length: nr_cpus }, () => VM_EVENT_NAMES.map(() => 0));
}

/** count_vm_events on this CPU. */
export function count_vm_events(k: Kernel, item: number, delta: number): void {
  k.vm_event_states[k.cpu]![item]! += delta;
}

/** An event's total over all CPUs (all_vm_events). */
export function vm_events(k: Kernel, item: number): number {
  let sum = 0;
  for (const cpu of k.vm_event_states) sum += cpu[item]!;
  return sum;
}

// ---- zone items -------------------------------------------------------------------------------------------------------

/** No difference grows past this: it is kept in a signed byte. */
const MAX_THRESHOLD = 125;

/** How much a CPU may keep to itself: more on large machines, by CPUs and by 128 MiB of the zone (CT-2). */
export function calculate_threshold(nr_cpus: number, present_pages: number): number {
  const mem = present_pages >>> 15;
  return Math.min(MAX_THRESHOLD, 2 * fls(nr_cpus) * (1 + fls(mem)));
}

function fls(n: number): number {
  return 32 - Math.clz32(n);
}

/** Sets every CPU's threshold; before, at boot, nothing is kept back (setup_vmstat, refresh_zone_stat_thresholds). */
export function refresh_zone_stat_thresholds(k: Kernel): void {
  if (!is_smp(k)) return;
  for (const zone of for_each_zone(k).filter(populated_zone)) {
    const threshold = calculate_threshold(k.platform.nr_cpus, zone.present_pages);
    for (const pageset of zone.pageset) pageset.stat_threshold = threshold;
  }
}

/** Adds to a zone's item, on this CPU. */
export function mod_zone_page_state(k: Kernel, zone: zone, item: number, delta: number): void {
  if (!is_smp(k)) {
    zone.vm_stat[item]! += delta;
    return;
  }
  const pageset = zone.pageset[k.cpu]!;
  const x = pageset.vm_stat_diff[item]! + delta;
  const folds = x > pageset.stat_threshold || x < -pageset.stat_threshold;
  if (folds) zone.vm_stat[item]! += x;
  pageset.vm_stat_diff[item] = folds ? 0 : x;
}

/** One more of an item in a zone. Past the threshold half of it more is added than there is, so that the next ones stay quiet longer (CT-2). */
export function inc_zone_state(k: Kernel, zone: zone, item: number): void {
  step_zone_state(k, zone, item, 1);
}

/** One more of an item in a page's zone. */
export function inc_zone_page_state(k: Kernel, page: Pfn, item: number): void {
  step_zone_state(k, page_zone(k, page), item, 1);
}

/** One less of an item in a page's zone. */
export function dec_zone_page_state(k: Kernel, page: Pfn, item: number): void {
  step_zone_state(k, page_zone(k, page), item, -1);
}

function step_zone_state(k: Kernel, zone: zone, item: number, step: 1 | -1): void {
  if (!is_smp(k)) {
    zone.vm_stat[item]! += step;
    return;
  }
  const pageset = zone.pageset[k.cpu]!;
  const diff = pageset.vm_stat_diff[item]! + step;
  const overstep = diff * step > pageset.stat_threshold ? step * Math.floor(pageset.stat_threshold / 2) : null;
  if (overstep !== null) zone.vm_stat[item]! += diff + overstep;
  pageset.vm_stat_diff[item] = overstep === null ? diff : 0 - overstep;
}

/** Folds what a CPU kept to itself into the totals; cache_reap does it every 2 s (CT-2, SL-15). */
export function refresh_cpu_vm_stats(k: Kernel, cpu: number): void {
  if (!is_smp(k)) return;
  for (const zone of for_each_zone(k)) fold_pageset(zone, zone.pageset[cpu]!);
}

function fold_pageset(zone: zone, pageset: per_cpu_pageset): void {
  for (const [item, diff] of pageset.vm_stat_diff.entries()) {
    if (diff === 0) continue;
    zone.vm_stat[item]! += diff;
    pageset.vm_stat_diff[item] = 0;
  }
}

/** Folds every CPU's differences (refresh_vm_stats). */
export function refresh_vm_stats(k: Kernel): void {
  for (let cpu = 0; cpu < k.platform.nr_cpus; cpu++) refresh_cpu_vm_stats(k, cpu);
}

/** What an item's total would be with every difference folded in: for the state lint, no reader of the kernel sees it. */
export function folded_zone_state(zone: zone, item: number): number {
  return zone.pageset.reduce((sum, { vm_stat_diff }) => sum + vm_stat_diff[item]!, zone.vm_stat[item]!);
}

/** Whether the kernel is built for several CPUs; one for several nodes is, even on a machine with one CPU. */
export function is_smp(k: Kernel): boolean {
  return k.platform.nr_cpus > 1 || k.platform.numa !== 0;
}

/** A zone item's total over all zones; never below 0 when read (CT-1). */
export function global_page_state(k: Kernel, item: number): number {
  let sum = 0;
  for (const node of k.nodes) for (const z of node.node_zones) sum += z.vm_stat[item]!;
  return Math.max(0, sum);
}

export function zone_page_state(zone: zone, item: number): number {
  return Math.max(0, zone.vm_stat[item]!);
}
