// @nohooks
// What /sys/devices/system/node/nodeN shows of a node, exactly as 2.6.18 prints it (drivers/base/node.c; KERNEL.md N-43). Counters of what is not
// modelled yet are 0, as in files.ts.

import type { Kernel } from '../../kernel.ts';
import {
  NR_ANON_PAGES, NR_BOUNCE, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_FILE_PAGES, NR_PAGETABLE, NR_SLAB, NR_UNSTABLE_NFS, NR_WRITEBACK, NUMA_FOREIGN,
  NUMA_HIT, NUMA_INTERLEAVE_HIT, NUMA_LOCAL, NUMA_MISS, NUMA_OTHER, is_highmem,
} from '../../include/mmzone.ts';
import type { zone } from '../../include/mmzone.ts';
import { bits_per_long } from '../../arch/address.ts';
import { node_distance } from '../../mm/topology.ts';
import { zone_page_state } from '../../mm/vmstat.ts';

/** Bits that a mask of CPUs is printed in at once. */
const CHUNK = 32;
/** The counters of numastat under the names they have there. */
const NUMASTAT: readonly (readonly [string, number])[] = [
  ['numa_hit', NUMA_HIT], ['numa_miss', NUMA_MISS], ['numa_foreign', NUMA_FOREIGN], ['interleave_hit', NUMA_INTERLEAVE_HIT], ['local_node', NUMA_LOCAL],
  ['other_node', NUMA_OTHER],
];

/** numastat: where allocations found their memory, over the node's zones. */
export function node_numastat(k: Kernel, nid: number): string {
  return NUMASTAT.map(([name, item]) => `${name} ${node_page_state(k, nid, item)}\n`).join('');
}

/** distance: to every node, ascending. */
export function node_distances(k: Kernel, nid: number): string {
  return `${k.nodes.map(({ node_id }) => node_distance(k, nid, node_id)).join(' ')}\n`;
}

/** cpumap: the node's CPUs as a mask in hex, in words of 32 bits, highest first. */
export function node_cpumap(k: Kernel, nid: number): string {
  const { cpu_to_node, nr_cpus } = k.platform;
  const words = Array.from({ length: Math.ceil(nr_cpus / CHUNK) }, (_, word) => {
    let mask = 0;
    for (let bit = 0; bit < CHUNK; bit++) if (cpu_to_node[word * CHUNK + bit] === nid) mask += 2 ** bit;
    return mask.toString(16).padStart(8, '0');
  });
  return `${words.reverse().join(',')}\n`;
}

/** The rows of a node's meminfo by name, in KiB and in its order. */
export function node_meminfo_rows(k: Kernel, nid: number): Record<string, number> {
  const { node_zones, node_present_pages } = k.nodes[nid]!;
  const K = (pages: number): number => pages * 4;
  const sum = (value: (zone: zone) => number, zones = node_zones): number => zones.reduce((total, zone) => total + value(zone), 0);
  const high = node_zones.filter(is_highmem);
  const free = sum((zone) => zone.free_pages);
  const high_total = sum((zone) => zone.present_pages, high);
  const high_free = sum((zone) => zone.free_pages, high);
  const state = (item: number): number => K(node_page_state(k, nid, item));
  return {
    MemTotal: K(node_present_pages), MemFree: K(free), MemUsed: K(node_present_pages - free),
    Active: K(sum((zone) => zone.nr_active)), Inactive: K(sum((zone) => zone.nr_inactive)),
    HighTotal: K(high_total), HighFree: K(high_free), LowTotal: K(node_present_pages - high_total), LowFree: K(free - high_free),
    Dirty: state(NR_FILE_DIRTY), Writeback: state(NR_WRITEBACK), FilePages: state(NR_FILE_PAGES), Mapped: state(NR_FILE_MAPPED),
    AnonPages: state(NR_ANON_PAGES), PageTables: state(NR_PAGETABLE), NFS_Unstable: state(NR_UNSTABLE_NFS), Bounce: state(NR_BOUNCE),
    Slab: state(NR_SLAB),
  };
}

/** meminfo: an empty line first. MemTotal is what is present, which may be less than what is free (X-47). */
export function node_meminfo(k: Kernel, nid: number): string {
  const rows = Object.entries(node_meminfo_rows(k, nid)).map(([name, kb]) => `Node ${nid} ${`${name}:`.padEnd(14)}${unsigned(k, kb).padStart(8)} kB\n`);
  return `\n${rows.join('')}`;
}

/** A number as %lu prints it: MemUsed may come out below 0. */
function unsigned(k: Kernel, n: number): string {
  return n < 0 ? BigInt.asUintN(bits_per_long(k), BigInt(n)).toString() : String(n);
}

/** An item's total over the zones of a node. */
function node_page_state(k: Kernel, nid: number, item: number): number {
  return k.nodes[nid]!.node_zones.reduce((sum, zone) => sum + zone_page_state(zone, item), 0);
}
