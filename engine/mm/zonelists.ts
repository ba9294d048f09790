// In which order an allocation tries zones (mm/page_alloc.c:build_zonelists; KERNEL.md G-3, X-15, N-6 … N-9): node by node from the own one on, and
// within a node from the highest zone down that the gfp mask allows.

import type { Kernel } from '../kernel.ts';
import type { pg_data_t, zone_ref, zonelist } from '../include/mmzone.ts';
import { GFP_ZONETYPES, RECLAIM_DISTANCE, ZONE_DMA, ZONE_DMA32, ZONE_HIGHMEM, ZONE_NORMAL, populated_zone } from '../include/mmzone.ts';
import { X86_64_GFP_DMA32, __GFP_DMA, __GFP_HIGHMEM } from '../include/gfp.ts';
import { is_x86_64 } from '../arch/address.ts';
import { node_distance, node_has_cpus } from './topology.ts';

/** What a node with processors of its own costs as a fallback: its memory is wanted there (N-6). */
const PENALTY_FOR_NODE_WITH_CPUS = 1;
/** Nodes that the kernel is built for (2^NODES_SHIFT). */
const MAX_NUMNODES = 64;

/** Makes the zonelists of a node, and notes in node_load whom it falls back to first (N-8). A far node turns zone reclaim on. */
export function build_zonelists(k: Kernel, pgdat: pg_data_t): void {
  const local_node = pgdat.node_id;
  const zonelists: zonelist[] = Array.from({ length: GFP_ZONETYPES }, () => ({ zones: [] }));
  const used_nodes: number[] = [];
  let load = k.nodes.length;
  let prev_node = local_node;
  for (let node = find_next_best_node(k, local_node, used_nodes); node >= 0; node = find_next_best_node(k, local_node, used_nodes)) {
    used_nodes.push(node);
    const distance = node_distance(k, local_node, node);
    if (distance > RECLAIM_DISTANCE) k.sysctl.zone_reclaim_mode = 1;
    if (distance !== node_distance(k, local_node, prev_node)) k.node_load[node]! += load;
    prev_node = node;
    load--;
    for (const [type, list] of zonelists.entries()) build_zonelists_node(k, k.nodes[node]!, list.zones, highest_zone(k, type));
  }
  pgdat.node_zonelists = zonelists;
}

/** Puts a node's populated zones at the end of a list, from the highest allowed one down. */
function build_zonelists_node(k: Kernel, pgdat: pg_data_t, zones: zone_ref[], highest: number): void {
  for (let zone_idx = highest; zone_idx >= 0; zone_idx--) {
    if (populated_zone(pgdat.node_zones[zone_idx]!)) zones.push({ node: pgdat.node_id, zone_idx });
  }
}

/** The node to fall back to next: the own one, then the nearest that is not used yet, where a higher number, no processors and few who chose it
 *  before weigh in its favour (N-7). -1 when all are used. */
export function find_next_best_node(k: Kernel, node: number, used_nodes: readonly number[]): number {
  if (!used_nodes.includes(node)) return node;
  const max_node_load = k.nodes.length;
  let best_node = -1;
  let min_val = Infinity;
  for (let n = 0; n < k.nodes.length; n++) {
    if (used_nodes.includes(n)) continue;
    let val = node_distance(k, node, n);
    if (n < node) val++;
    if (node_has_cpus(k, n)) val += PENALTY_FOR_NODE_WITH_CPUS;
    val = val * max_node_load * MAX_NUMNODES + k.node_load[n]!;
    if (val < min_val) {
      min_val = val;
      best_node = n;
    }
  }
  return best_node;
}

/** The highest zone that the zone bits of a gfp mask allow: the lower zone's bit wins (G-3, X-15). */
export function highest_zone(k: Kernel, zone_bits: number): number {
  if ((zone_bits & __GFP_DMA) !== 0) return ZONE_DMA;
  if (is_x86_64(k) && (zone_bits & X86_64_GFP_DMA32) !== 0) return ZONE_DMA32;
  if ((zone_bits & __GFP_HIGHMEM) !== 0) return ZONE_HIGHMEM;
  return ZONE_NORMAL;
}
