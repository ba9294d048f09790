// @nohooks
// Laws of nodes and zones (KERNEL.md N-19, N-45, N-46, X-47): where every frame belongs, in which order zones are tried, what the counters of several
// nodes add up to. Part of check.ts's check of the whole machine.

import type { Kernel } from '../kernel.ts';
import type { pg_data_t, zone, zone_ref } from '../include/mmzone.ts';
import { pfn } from '../include/types.ts';
import { NUMA_FOREIGN, NUMA_HIT, NUMA_LOCAL, NUMA_MISS, NUMA_OTHER, ZONE_DMA, ZONE_HIGHMEM, populated_zone } from '../include/mmzone.ts';
import { is_x86_64 } from '../arch/address.ts';
import { e820_hole_size } from '../arch/x86_64/e820.ts';
import { MAX_DMA32_PFN, MAX_DMA_PFN, memmap_pages } from '../arch/x86_64/layout.ts';
import { list_pages, page_to_nid, page_zone, page_zonenum } from './mem_map.ts';
import { for_each_zone, zone_of } from './mmzone.ts';
import { pfn_to_nid } from './topology.ts';
import { folded_zone_state } from './vmstat.ts';
import { highest_zone } from './zonelists.ts';

/** Adds every law that does not hold to `broken`. */
export function check_nodes(k: Kernel, broken: string[]): void {
  for (const zone of for_each_zone(k)) {
    check_frames(k, zone, broken);
    check_pcp_pages(k, zone, broken);
  }
  for (const pgdat of k.nodes) check_zonelists(k, pgdat, broken);
  if (k.platform.numa !== 0) check_numa_counters(k, broken);
  if (is_x86_64(k)) for (const pgdat of k.nodes) check_sizes(k, pgdat, broken);
}

/** N-45: a frame's flags name the zone and the node that its number says. */
function check_frames(k: Kernel, zone: zone, broken: string[]): void {
  const end = zone.zone_start_pfn + zone.spanned_pages;
  for (let page = zone.zone_start_pfn; page < end; page = pfn(page + 1)) {
    if (page_to_nid(k, page) === zone.node && page_zonenum(k, page) === zone.zone_idx) continue;
    broken.push(`N-45: page ${page} lies in node ${zone.node} ${zone.name}, its flags say node ${page_to_nid(k, page)} zone ${page_zonenum(k, page)}`);
    return;
  }
  if (zone.spanned_pages === 0) return;
  const nodes = [pfn_to_nid(k, zone.zone_start_pfn), pfn_to_nid(k, end - 1)];
  if (nodes.some((nid) => nid !== zone.node)) broken.push(`N-45: node ${zone.node} ${zone.name}: its frames lie in nodes ${nodes.join(' and ')}`);
}

/** N-45: per-CPU lists of a zone hold its own pages only. */
function check_pcp_pages(k: Kernel, zone: zone, broken: string[]): void {
  for (const [cpu, { pcp }] of zone.pageset.entries()) {
    for (const { list } of pcp) {
      const stranger = list_pages(k, list).find((page) => page_zone(k, page) !== zone);
      if (stranger !== undefined) broken.push(`N-45: node ${zone.node} ${zone.name} cpu ${cpu}: page ${stranger} is another zone's`);
    }
  }
}

/** N-46: each list has every populated zone it may have once, the own node's first, a node's together and downwards. */
function check_zonelists(k: Kernel, pgdat: pg_data_t, broken: string[]): void {
  for (const [type, { zones }] of pgdat.node_zonelists.entries()) {
    const name = `N-46: node ${pgdat.node_id} zonelist ${type}`;
    const highest = highest_zone(k, type);
    const wanted = for_each_zone(k).filter((zone) => populated_zone(zone) && zone.zone_idx <= highest);
    const listed = new Set(zones.map((ref) => zone_of(k, ref)));
    if (listed.size !== zones.length || listed.size !== wanted.length || wanted.some((zone) => !listed.has(zone))) broken.push(`${name}: not every zone once`);
    const nodes = zones.map(({ node }) => node).filter((node, i, all) => i === 0 || all[i - 1] !== node);
    if (new Set(nodes).size !== nodes.length || zones.some((ref, i) => i > 0 && is_out_of_order(zones[i - 1]!, ref))) broken.push(`${name}: not node by node downwards`);
    const has_own = zones.some(({ node }) => node === pgdat.node_id);
    if (has_own && nodes[0] !== pgdat.node_id) broken.push(`${name}: begins with node ${nodes[0]}`);
  }
  const [normal, , high] = pgdat.node_zonelists.map(({ zones }) => JSON.stringify(zones));
  const has_highmem = k.nodes.some(({ node_zones }) => populated_zone(node_zones[ZONE_HIGHMEM]!));
  if (!has_highmem && normal !== high) broken.push(`N-46: node ${pgdat.node_id}: lists 0 and 2 differ`);
}

function is_out_of_order(before: zone_ref, ref: zone_ref): boolean {
  return before.node === ref.node && before.zone_idx <= ref.zone_idx;
}

/** N-19: every taken block is a hit or a miss, and local or not; every miss is foreign to another node. */
function check_numa_counters(k: Kernel, broken: string[]): void {
  const total = (zones: readonly zone[], item: number): number => zones.reduce((sum, zone) => sum + folded_zone_state(zone, item), 0);
  for (const { node_id, node_zones } of k.nodes) {
    const [hit, miss, local, other] = [NUMA_HIT, NUMA_MISS, NUMA_LOCAL, NUMA_OTHER].map((item) => total(node_zones, item));
    if (hit! + miss! !== local! + other!) broken.push(`N-19: node ${node_id}: ${hit} hits + ${miss} misses are not ${local} local + ${other} other`);
  }
  const zones = for_each_zone(k);
  const [miss, foreign] = [total(zones, NUMA_MISS), total(zones, NUMA_FOREIGN)];
  if (miss !== foreign) broken.push(`N-19: ${miss} misses, but ${foreign} foreign`);
}

/** what a zone spans is present, a hole, its share of mem_map, or in zone DMA reserved by the boot; X-14 says which zone a frame is in. */
function check_sizes(k: Kernel, pgdat: pg_data_t, broken: string[]): void {
  for (const zone of pgdat.node_zones) {
    const { spanned_pages, present_pages, zone_start_pfn, zone_idx } = zone;
    const name = `X-47: node ${pgdat.node_id} ${zone.name}`;
    if (spanned_pages === 0) {
      if (present_pages !== 0) broken.push(`${name}: present without frames`);
      continue;
    }
    const end = zone_start_pfn + spanned_pages;
    const absent = e820_hole_size(k, zone_start_pfn, pfn(end)) + memmap_pages(spanned_pages) + (zone_idx === ZONE_DMA ? k.dma_reserve : 0);
    if (present_pages !== Math.max(0, spanned_pages - absent)) broken.push(`${name}: ${present_pages} present of ${spanned_pages}, ${absent} are not`);
    if (zone_of_frame(zone_start_pfn) !== zone_idx || zone_of_frame(end - 1) !== zone_idx) broken.push(`${name}: frames ${zone_start_pfn} … ${end - 1} are not this zone's`);
  }
  const present = pgdat.node_zones.reduce((sum, zone) => sum + zone.present_pages, 0);
  if (present !== pgdat.node_present_pages) broken.push(`X-47: node ${pgdat.node_id}: the zones have ${present} pages, the node ${pgdat.node_present_pages}`);
}

/** The zone that x86_64 puts a frame in. */
function zone_of_frame(page: number): number {
  if (page < MAX_DMA_PFN) return 0;
  return page < MAX_DMA32_PFN ? 1 : 2;
}
