// @nohooks
// Counters (mm/vmstat.c; KERNEL.md CT-1, CT-3): events per CPU, summed when read; zone items as totals per zone.
// Left out so far: the per-CPU deltas of zone items and their folding (CT-2), which matter once several CPUs change them.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';

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
export const ALLOCSTALL = index_of('allocstall');

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

/** A zone item's total over all zones; never below 0 when read (CT-1). */
export function global_page_state(k: Kernel, item: number): number {
  let sum = 0;
  for (const node of k.nodes) for (const z of node.node_zones) sum += z.vm_stat[item]!;
  return Math.max(0, sum);
}

export function zone_page_state(zone: zone, item: number): number {
  return Math.max(0, zone.vm_stat[item]!);
}
