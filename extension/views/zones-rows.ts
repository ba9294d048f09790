// The Zones tree as plain rows, made from what the adapter answers: texts, units and states, no VS Code.
//
//   Node 0
//     Normal                       above high · 11,873 of 12,288 pages
//       Free lists                   order 3 (32 KiB): 4 blocks
//       Watermarks                   low: 299 pages (1.2 MiB)
//       Per-CPU pagesets             CPU 0 → hot: 12 pages
//   Slab caches                  12 caches · 40 KiB      (allocator-rows.ts)
//   Mempools, Vmalloc areas
//
// A zone without pages has no row, as in /proc/zoneinfo. A count that differs from the stop before says by how much: `5 blocks (+1)`.
import type { FreeAreaRow, NodeRow, PagesetRow, PerCpuPagesRow, ZoneRow, ZonesResponse } from '../../debug-adapter/protocol.ts';
import { allocatorRows } from './allocator-rows.ts';
import type { Counts, Row, RowState } from './rows.ts';
import { RowWriter, counted, grouped, pages, size, value } from './rows.ts';

/** What the last stop showed, and the rows of this one: the nodes, then what is allocated from them. */
export function zonesRows(response: ZonesResponse, before: Counts): { rows: Row[]; counts: Counts } {
  const writer = new RowWriter(before);
  const rows = [...response.nodes.map((node) => nodeRow(node, writer)), ...allocatorRows(response, writer)];
  return { rows, counts: writer.counts };
}

/** Where `free` stands among the marks, as `__alloc_pages` compares it (mm/page_alloc.c:zone_watermark_ok, without reserve and order). */
export function watermarkState(zone: Pick<ZoneRow, 'free_pages' | 'pages_min' | 'pages_low' | 'pages_high'>): RowState {
  if (zone.free_pages <= zone.pages_min) return 'below min';
  if (zone.free_pages <= zone.pages_low) return 'below low';
  if (zone.free_pages <= zone.pages_high) return 'below high';
  return 'above high';
}

function nodeRow(node: NodeRow, writer: RowWriter): Row {
  const id = `node${node.id}`;
  const zones = node.zones.filter((zone) => zone.present_pages > 0);
  const free = zones.reduce((sum, zone) => sum + zone.free_pages, 0);
  const present = zones.reduce((sum, zone) => sum + zone.present_pages, 0);
  return {
    id, label: `Node ${node.id}`, description: `${size(free)} of ${size(present)} free`, state: 'node', isOpen: true,
    tooltip: `${pages(free)} of ${pages(present)} are free in ${counted(zones.length, 'zone')}.`,
    children: zones.map((zone) => zoneRow(zone, id, node.zones, writer)),
  };
}

function zoneRow(zone: ZoneRow, parent: string, zones: ZoneRow[], writer: RowWriter): Row {
  const id = `${parent}/${zone.name}`;
  const state = watermarkState(zone);
  const change = writer.change(id, zone.free_pages);
  return {
    id, state, isOpen: false, label: zone.name,
    description: `${state} · ${grouped(zone.free_pages)}${change} of ${grouped(zone.present_pages)} pages`,
    tooltip: `${pages(zone.free_pages)} of ${pages(zone.present_pages)} are free: ${state} watermark. `
      + `The zone spans ${pages(zone.spanned_pages)} from page frame ${zone.start_pfn} (0x${zone.start_pfn.toString(16)}).`,
    children: [freeLists(zone, id, writer), watermarks(zone, id, zones, writer), pagesets(zone, id, writer)],
  };
}

function freeLists(zone: ZoneRow, parent: string, writer: RowWriter): Row {
  const id = `${parent}/free_area`;
  const blocks = zone.free_area.reduce((sum, area) => sum + area.nr_free, 0);
  return {
    id, label: 'Free lists', description: counted(blocks, 'block'), state: 'group', isOpen: true,
    tooltip: 'zone->free_area: the buddy allocator keeps free blocks of 2^order pages, one list for each order.',
    children: zone.free_area.map((area) => freeList(area, id, writer)),
  };
}

function freeList(area: FreeAreaRow, parent: string, writer: RowWriter): Row {
  const id = `${parent}/${area.order}`;
  const blockPages = 2 ** area.order;
  return value({
    id, label: `order ${area.order} (${size(blockPages)})`,
    description: counted(area.nr_free, 'block') + writer.change(id, area.nr_free),
    tooltip: `free_area[${area.order}].nr_free = ${area.nr_free}: ${pages(area.nr_free * blockPages)} in blocks of ${counted(blockPages, 'page')}.`,
  });
}

function watermarks(zone: ZoneRow, parent: string, zones: ZoneRow[], writer: RowWriter): Row {
  const id = `${parent}/watermarks`;
  const mark = (name: 'min' | 'low' | 'high', meaning: string) => watermark(id, name, zone[`pages_${name}`], meaning, writer);
  return {
    id, label: 'Watermarks', state: 'group', isOpen: false,
    description: `min ${grouped(zone.pages_min)} · low ${grouped(zone.pages_low)} · high ${grouped(zone.pages_high)}`,
    tooltip: 'How few pages may be free before something is done about it.',
    children: [
      mark('min', 'At or below it only requests that may dip into the reserves are served.'),
      mark('low', 'At or below it kswapd is woken.'),
      mark('high', 'kswapd sleeps again above it.'),
      lowmemReserve(zone, id, zones),
    ],
  };
}

function watermark(parent: string, name: string, count: number, meaning: string, writer: RowWriter): Row {
  const id = `${parent}/${name}`;
  return value({ id, label: name, description: pages(count) + writer.change(id, count), tooltip: `pages_${name} = ${count}. ${meaning}` });
}

function lowmemReserve(zone: ZoneRow, parent: string, zones: ZoneRow[]): Row {
  const lines = zone.lowmem_reserve.map((reserve, index) => `${zones[index]?.name ?? `zone ${index}`}: ${pages(reserve)}`);
  return value({
    id: `${parent}/lowmem_reserve`, label: 'lowmem_reserve', description: `${zone.lowmem_reserve.map(grouped).join(', ')} pages`,
    tooltip: `Kept back, on top of the watermark, from requests that would rather have:\n${lines.join('\n')}`,
  });
}

function pagesets(zone: ZoneRow, parent: string, writer: RowWriter): Row {
  const id = `${parent}/pageset`;
  const held = zone.pagesets.reduce((sum, pageset) => sum + pageset.hot.count + pageset.cold.count, 0);
  return {
    id, label: 'Per-CPU pagesets', description: counted(held, 'page'), state: 'group', isOpen: false,
    tooltip: 'zone->pageset: single pages that each CPU keeps at hand. They are not counted in free_pages.',
    children: zone.pagesets.map((pageset) => pagesetRow(pageset, id, writer)),
  };
}

function pagesetRow(pageset: PagesetRow, parent: string, writer: RowWriter): Row {
  const id = `${parent}/${pageset.cpu}`;
  return {
    id, label: `CPU ${pageset.cpu}`, description: `hot ${pageset.hot.count} · cold ${pageset.cold.count}`, state: 'group', isOpen: true,
    tooltip: `Pages at hand on CPU ${pageset.cpu}: hot ones are likely in its cache.`,
    children: [perCpuPages(pageset.hot, `${id}/hot`, 'hot', writer), perCpuPages(pageset.cold, `${id}/cold`, 'cold', writer)],
  };
}

function perCpuPages(list: PerCpuPagesRow, id: string, label: string, writer: RowWriter): Row {
  return value({
    id, label, description: `${counted(list.count, 'page')}${writer.change(id, list.count)} · high ${list.high} · batch ${list.batch}`,
    tooltip: `count = ${list.count}, high = ${list.high}, batch = ${list.batch}: empty, it takes ${counted(list.batch, 'page')} from the buddy allocator; `
      + `at ${counted(list.high, 'page')} it gives ${list.batch} back.`,
  });
}
