// The answer to `pagewalk/zones`: every zone of every node as it stands, and the caches, pools and areas above them.

import type { Kernel, per_cpu_pages, zone } from '../../engine/index.ts';
import { MACHINE_NAMES, itemsOf, member, namedChildren } from '../../language/runtime/index.ts';
import type { Value } from '../../language/runtime/index.ts';
import type { AreaRow, CacheRow, PerCpuPagesRow, PoolRow, ZoneRow, ZonesResponse } from '../protocol.ts';

export function readZones(k: Kernel): ZonesResponse {
  return {
    nodes: k.nodes.map((node) => ({ id: node.node_id, zones: node.node_zones.map(zoneRow) })),
    caches: objectsNamed(k, 'caches').map((cache) => cacheRow(k, cache)),
    pools: objectsNamed(k, 'mempools').map((pool) => poolRow(k, pool)),
    vmalloc: objectsNamed(k, 'vmlist').map((area) => areaRow(k, area)),
  };
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

// What an expression may read of these objects is what the view shows.

function objectsNamed(k: Kernel, name: string): Value[] {
  return itemsOf(k, MACHINE_NAMES.get(name)!(k));
}

function cacheRow(k: Kernel, cache: Value): CacheRow {
  return {
    name: member(k, cache, 'name') as string, object_size: number(k, cache, 'object_size'), active_objs: number(k, cache, 'active_objs'),
    num_objs: number(k, cache, 'num_objs'), objs_per_slab: number(k, cache, 'objs_per_slab'), pages_per_slab: number(k, cache, 'pages_per_slab'),
    active_slabs: number(k, cache, 'active_slabs'), num_slabs: number(k, cache, 'num_slabs'),
  };
}

function poolRow(k: Kernel, pool: Value): PoolRow {
  return {
    name: member(k, pool, 'name') as string, of: member(k, pool, 'of') as string, min_nr: number(k, pool, 'min_nr'),
    curr_nr: number(k, pool, 'curr_nr'), waiting: (member(k, pool, 'waiting') as Value[]).length,
  };
}

function areaRow(k: Kernel, area: Value): AreaRow {
  const shown = new Map(namedChildren(k, area).map(({ name, text }) => [name, text]));
  return { addr: shown.get('addr')!, size: number(k, area, 'size'), nr_pages: number(k, area, 'nr_pages'), flags: shown.get('flags')! };
}

function number(k: Kernel, object: Value, name: string): number {
  return member(k, object, name) as number;
}
