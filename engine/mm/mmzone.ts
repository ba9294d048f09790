// @nohooks
// Walks over nodes and zones (mm/mmzone.c; KERNEL.md Z-5): for_each_online_pgdat and for_each_zone, as generators of nothing but the order.

import type { Kernel } from '../kernel.ts';
import type { zone, zone_ref, zonelist } from '../include/mmzone.ts';
import { NUMA_STAT_NAMES, ZONE_STAT_NAMES } from '../include/mmzone.ts';
import { BUG } from '../kernel/panic.ts';

/** Every zone of every node, empty ones too, lowest first (for_each_zone). */
export function for_each_zone(k: Kernel): zone[] {
  return k.nodes.flatMap((node) => node.node_zones);
}

/** The zone that a reference names. */
export function zone_of(k: Kernel, ref: zone_ref): zone {
  return k.nodes[ref.node]!.node_zones[ref.zone_idx]!;
}

/** The zonelist for a gfp mask on a node (NODE_DATA(nid)->node_zonelists + gfp_zone(gfp)). */
export function zonelist_of(k: Kernel, nid: number, zonetype: number): zonelist {
  return k.nodes[nid]!.node_zonelists[zonetype] ?? BUG(k, `include/linux/gfp.h:gfp_zone: no zone for the bits ${zonetype} (X-15)`);
}

/** The zone items that this kernel counts, by index in vm_stat: six more with several nodes (CT-1). */
export function zone_stat_names(k: Kernel): readonly string[] {
  return k.platform.numa === 0 ? ZONE_STAT_NAMES : [...ZONE_STAT_NAMES, ...NUMA_STAT_NAMES];
}
