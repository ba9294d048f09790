// @nohooks
// Where allocations found their memory, node by node (mm/vmstat.c:zone_statistics; KERNEL.md N-18, N-19).

import type { Kernel } from '../kernel.ts';
import type { zone, zonelist } from '../include/mmzone.ts';
import { NUMA_FOREIGN, NUMA_HIT, NUMA_LOCAL, NUMA_MISS, NUMA_OTHER } from '../include/mmzone.ts';
import { zone_of } from './mmzone.ts';
import { numa_node_id } from './topology.ts';
import { inc_zone_state } from './vmstat.ts';

/** Counts a block that was taken from a zone of a list: whether it came from the node that was wanted, and from that of the running CPU. */
export function zone_statistics(k: Kernel, zonelist: zonelist, zone: zone): void {
  if (k.platform.numa === 0) return;
  const preferred = zone_of(k, zonelist.zones[0]!);
  if (zone.node === preferred.node) inc_zone_state(k, zone, NUMA_HIT);
  else {
    inc_zone_state(k, zone, NUMA_MISS);
    inc_zone_state(k, preferred, NUMA_FOREIGN);
  }
  inc_zone_state(k, zone, zone.node === numa_node_id(k) ? NUMA_LOCAL : NUMA_OTHER);
}
