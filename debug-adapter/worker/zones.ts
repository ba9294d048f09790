// The answer to `pagewalk/zones`: every zone of every node as it stands.

import type { Kernel, per_cpu_pages, zone } from '../../engine/index.ts';
import type { PerCpuPagesRow, ZoneRow, ZonesResponse } from '../protocol.ts';

export function readZones(k: Kernel): ZonesResponse {
  return { nodes: k.nodes.map((node) => ({ id: node.node_id, zones: node.node_zones.map(zoneRow) })) };
}

function zoneRow(zone: zone): ZoneRow {
  const { name, spanned_pages, present_pages, free_pages, pages_min, pages_low, pages_high } = zone;
  return {
    name, start_pfn: zone.zone_start_pfn, spanned_pages, present_pages, free_pages, pages_min, pages_low, pages_high,
    lowmem_reserve: [...zone.lowmem_reserve],
    free_area: zone.free_area.map(({ nr_free }, order) => ({ order, nr_free })),
    pagesets: zone.pageset.map(({ pcp: [hot, cold] }, cpu) => ({ cpu, hot: pagesRow(hot), cold: pagesRow(cold) })),
  };
}

function pagesRow({ count, high, batch }: per_cpu_pages): PerCpuPagesRow {
  return { count, high, batch };
}
