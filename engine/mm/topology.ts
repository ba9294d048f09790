// @nohooks
// Which processor and which frame belong to which node, and how far nodes are apart (include/linux/topology.h, include/asm-x86_64/mmzone.h;
// KERNEL.md N-2, N-4, N-6).

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import { LOCAL_DISTANCE, REMOTE_DISTANCE } from '../include/mmzone.ts';

/** The running CPU's node. */
export function numa_node_id(k: Kernel): number {
  return k.platform.cpu_to_node[k.cpu]!;
}

/** Distance between two nodes as the kernel reckons with it (N-6). */
export function node_distance(k: Kernel, from: number, to: number): number {
  const said = k.platform.distances[from]?.[to];
  return said ?? (from === to ? LOCAL_DISTANCE : REMOTE_DISTANCE);
}

/** Whether the firmware's table of distances can be true: 10 from a node to itself, more to any other (N-6). */
export function slit_valid(distances: readonly (readonly number[])[]): boolean {
  return distances.every((row, from) => row.every((value, to) => (from === to ? value === LOCAL_DISTANCE : value > LOCAL_DISTANCE)));
}

/** Whether any processor belongs to a node (node_to_cpumask is not empty). */
export function node_has_cpus(k: Kernel, nid: number): boolean {
  return k.platform.cpu_to_node.includes(nid);
}

/** The node a frame belongs to, or -1 for a frame between two nodes or past the last (N-2). */
export function pfn_to_nid(k: Kernel, page: Pfn | number): number {
  return k.platform.nodes.findIndex(({ start, end }) => page >= start && page < end);
}

/** Whether a frame has a struct page (pfn_valid). */
export function pfn_valid(k: Kernel, page: Pfn | number): boolean {
  return pfn_to_nid(k, page) >= 0;
}
