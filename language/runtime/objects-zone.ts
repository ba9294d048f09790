/** Nodes and zones, with what is in a zone: free lists, per-CPU lists, watermarks, counters (KERNEL.md 1.5). */
import type { Kernel, per_cpu_pages, per_cpu_pageset, pg_data_t, zone } from '../../engine/index.ts';
import { MAX_ORDER, NUMA_STAT_NAMES, ZONE_NAMES, ZONE_STAT_NAMES, list_pages, max_mapnr, node_distance } from '../../engine/index.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, showBytes, showPages } from './kinds.ts';
import { count } from './words.ts';
import type { ObjectValue, Value } from './values.ts';

/** The names a scenario gives zones, by index. */
const ZONE_WORDS = ['DMA', 'DMA32', 'NORMAL', 'HIGHMEM'];

export function nodeValue(node: number): ObjectValue {
  return { kind: 'node', node };
}

export function zonesValue(node: number): ObjectValue {
  return { kind: 'zones', node };
}

export function zoneValue(node: number, index: number): ObjectValue {
  return { kind: 'zone', node, zone: index };
}

export const ZONE_KINDS: readonly [string, Kind][] = [
  ['node', { name: (_, o) => `nodes[${id(o, 'node')}]`, summary: nodeSummary, fields: nodeFields() }],
  ['zones', {
    name: (_, o) => (id(o, 'node') === 0 ? 'zones' : `nodes[${id(o, 'node')}].zones`),
    summary: (k, o) => populated(k, o).map((index) => ZONE_NAMES[index]).join(', '),
    names: (k, o) => populated(k, o).map((index) => ZONE_WORDS[index]!),
    lookUp: (_, o, name) => zoneNamed(id(o, 'node'), name),
    indexed: { size: (k, o) => populated(k, o).length, range: (k, o, start, count) => populated(k, o).slice(start, start + count).map((index) => zoneValue(id(o, 'node'), index)) },
    hidesIndexed: true,
  }],
  ['zone', { name: (_, o) => zoneName(o), summary: zoneSummary, fields: zoneFields(), names: numaCounters, lookUp: numaCounter }],
  ['free_area list', {
    name: (_, o) => `${zoneName(o)}.free_area`,
    summary: (k, o) => zoneOf(k, o).free_area.map((area) => area.nr_free).join(' '),
    indexed: { size: () => MAX_ORDER, range: (_, o, start, count) => numbered(start, count).map((order) => ({ ...o, kind: 'free_area', order })) },
  }],
  ['free_area', {
    name: (_, o) => `${zoneName(o)}.free_area[${id(o, 'order')}]`,
    summary: (k, o) => `nr_free ${areaOf(k, o).nr_free} (blocks of ${showBytes(4096 * 2 ** id(o, 'order'))})`,
    fields: new Map([
      ...fieldsOf(areaOf, ['nr_free']),
      ['blocks', { get: (_: Kernel, o: ObjectValue) => ({ ...o, kind: 'page list', source: 'blocks' }) } as Field],
    ]),
  }],
  ['page list', {
    name: (_, o) => listName(o),
    summary: (k, o) => `${pagesOf(k, o).length} pages`,
    indexed: { size: (k, o) => pagesOf(k, o).length, range: (k, o, start, count) => pagesOf(k, o, start + count).slice(start).map((page) => ({ kind: 'page', pfn: page })) },
  }],
  ['pageset list', {
    name: (_, o) => `${zoneName(o)}.pcp`,
    summary: (k, o) => count(zoneOf(k, o).pageset.length, 'CPU'),
    indexed: { size: (k, o) => zoneOf(k, o).pageset.length, range: (_, o, start, count) => numbered(start, count).map((cpu) => ({ ...o, kind: 'pageset', cpu })) },
  }],
  ['pageset', {
    name: (_, o) => `${zoneName(o)}.pcp[${id(o, 'cpu')}]`,
    summary: (k, o) => pagesetOf(k, o).pcp.map((pcp, i) => `${i === 0 ? 'hot' : 'cold'} ${pcp.count}/${pcp.high}`).join(', '),
    fields: new Map([['hot', pcpField(0)], ['cold', pcpField(1)], ...fieldsOf(pagesetOf, ['stat_threshold'])]),
  }],
  ['pcp', {
    name: (_, o) => pcpName(o),
    summary: (k, o) => `count ${pcpOf(k, o).count}, high ${pcpOf(k, o).high}, batch ${pcpOf(k, o).batch}`,
    fields: new Map([...fieldsOf(pcpOf, ['count', 'high', 'batch']), ['pages', { get: (_: Kernel, o: ObjectValue) => ({ ...o, kind: 'page list', source: 'pcp' }) } as Field]]),
  }],
];

function nodeOf(k: Kernel, o: ObjectValue): pg_data_t {
  return k.nodes[id(o, 'node')]!;
}

function zoneOf(k: Kernel, o: ObjectValue): zone {
  return nodeOf(k, o).node_zones[id(o, 'zone')]!;
}

function areaOf(k: Kernel, o: ObjectValue): { nr_free: number } {
  return zoneOf(k, o).free_area[id(o, 'order')]!;
}

function pagesetOf(k: Kernel, o: ObjectValue): per_cpu_pageset {
  return zoneOf(k, o).pageset[id(o, 'cpu')]!;
}

function pcpOf(k: Kernel, o: ObjectValue): per_cpu_pages {
  return pagesetOf(k, o).pcp[id(o, 'list')]!;
}

/** Pages of a list in its order, at most `limit`. */
function pagesOf(k: Kernel, o: ObjectValue, limit = max_mapnr(k)): number[] {
  switch (o['source']) {
    case 'blocks': return list_pages(k, zoneOf(k, o).free_area[id(o, 'order')]!.free_list, limit);
    case 'pcp': return list_pages(k, pcpOf(k, o).list, limit);
    case 'active': return list_pages(k, zoneOf(k, o).active_list, limit);
    default: return list_pages(k, zoneOf(k, o).inactive_list, limit);
  }
}

function listName(o: ObjectValue): string {
  switch (o['source']) {
    case 'blocks': return `${zoneName(o)}.free_area[${id(o, 'order')}].blocks`;
    case 'pcp': return `${pcpName(o)}.pages`;
    default: return `${zoneName(o)}.${String(o['source'])}_list`;
  }
}

function pcpName(o: ObjectValue): string {
  return `${zoneName(o)}.pcp[${id(o, 'cpu')}].${id(o, 'list') === 0 ? 'hot' : 'cold'}`;
}

function zoneName(o: ObjectValue): string {
  const node = id(o, 'node');
  return `${node === 0 ? '' : `nodes[${node}].`}zones.${ZONE_WORDS[id(o, 'zone')]}`;
}

/** A zone by the scenario's name of it or the kernel's (`NORMAL`, `Normal`). */
function zoneNamed(node: number, name: string): { value: Value } | undefined {
  const index = ZONE_WORDS.includes(name) ? ZONE_WORDS.indexOf(name) : (ZONE_NAMES as readonly string[]).indexOf(name);
  return index < 0 ? undefined : { value: zoneValue(node, index) };
}

function populated(k: Kernel, o: ObjectValue): number[] {
  return nodeOf(k, o).node_zones.filter((z) => z.present_pages > 0).map((z) => z.zone_idx);
}

function numbered(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

function nodeSummary(k: Kernel, o: ObjectValue): string {
  return `node ${id(o, 'node')}: ${showPages(nodeOf(k, o).node_present_pages)}`;
}

function zoneSummary(k: Kernel, o: ObjectValue): string {
  const z = zoneOf(k, o);
  return `${z.name}: free ${z.free_pages} of ${z.present_pages}, min/low/high ${z.pages_min}/${z.pages_low}/${z.pages_high}`;
}

function nodeFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['zones', { get: (_, o) => zonesValue(id(o, 'node')) }],
    ['id', { get: (_, o) => id(o, 'node') }],
    ...fieldsOf(nodeOf, ['node_start_pfn']),
    ...fieldsOf(nodeOf, ['node_present_pages', 'node_spanned_pages'], showPages),
    ...fieldsOf(nodeOf, ['nr_zones', 'kswapd_max_order']),
    ['cpus', { get: (k, o) => k.platform.cpu_to_node.flatMap((node, cpu) => (node === o['node'] ? [cpu] : [])) }],
    ['distance', { get: (k, o) => k.nodes.map(({ node_id }) => node_distance(k, id(o, 'node'), node_id)) }],
  ]);
}

function zoneFields(): Map<string, Field> {
  return new Map<string, Field>([
    ...fieldsOf(zoneOf, ['name']),
    ...fieldsOf(zoneOf, ['free_pages', 'pages_min', 'pages_low', 'pages_high'], showPages),
    ['lowmem_reserve', { get: (k, o) => [...zoneOf(k, o).lowmem_reserve] }],
    ['free_area', { get: (_, o) => ({ ...o, kind: 'free_area list' }) }],
    ['pcp', { get: (_, o) => ({ ...o, kind: 'pageset list' }) }],
    ...fieldsOf(zoneOf, ['nr_active', 'nr_inactive'], showPages),
    ['active_list', listField('active')],
    ['inactive_list', listField('inactive')],
    ...fieldsOf(zoneOf, ['present_pages', 'spanned_pages'], showPages),
    ...fieldsOf(zoneOf, ['zone_start_pfn', 'nr_scan_active', 'nr_scan_inactive', 'pages_scanned', 'all_unreclaimable', 'reclaim_in_progress', 'prev_priority', 'temp_priority']),
    ...ZONE_STAT_NAMES.map((name, item): [string, Field] => [name, { get: (k, o) => Math.max(0, zoneOf(k, o).vm_stat[item]!) }]),
    ['node', { get: (_, o) => nodeValue(id(o, 'node')) }],
    ...fieldsOf(zoneOf, ['zone_idx']),
  ]);
}

/** The counters that a zone has besides, on a machine with several nodes. */
function numaCounters(k: Kernel): string[] {
  return k.platform.numa === 0 ? [] : [...NUMA_STAT_NAMES];
}

function numaCounter(k: Kernel, o: ObjectValue, name: string): { value: Value } | undefined {
  const item = numaCounters(k).indexOf(name);
  return item < 0 ? undefined : { value: Math.max(0, zoneOf(k, o).vm_stat[ZONE_STAT_NAMES.length + item]!) };
}

function listField(source: string): Field {
  return { get: (_, o) => ({ ...o, kind: 'page list', source }) };
}

function pcpField(list: number): Field {
  return { get: (_, o) => ({ ...o, kind: 'pcp', list }) };
}
