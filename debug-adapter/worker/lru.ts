// The answers to the LRU view: the lists of each zone, and what waits in pagevecs to come onto them. A list is walked only as far as it is opened.

import type { Kernel, Pfn, zone } from '../../engine/index.ts';
import { lru_pages, page_flags, page_mapping_raw, populated_zone } from '../../engine/index.ts';
import type { LruList, LruPageRow, LruPagesArguments, LruPagesResponse, LruRangeRow, LruResponse, LruZoneRow } from '../protocol.ts';
import { MOST_ROWS, PG, lettersOf, ownerText, pageRow, partsOf } from './pages.ts';

export function readLru(k: Kernel): LruResponse {
  return {
    zones: k.nodes.flatMap(({ node_zones }) => node_zones.filter(populated_zone).map(zoneRow)),
    pagevecs: k.lru_add_pvecs.map(({ pages }, cpu) => ({ cpu, inactive: pages.length, active: k.lru_add_active_pvecs[cpu]!.pages.length })),
  };
}

function zoneRow(zone: zone): LruZoneRow {
  const { node, zone_idx, name, nr_active, nr_inactive, nr_scan_active, nr_scan_inactive, pages_scanned, prev_priority } = zone;
  return {
    node, zone_idx, name, nr_active, nr_inactive, nr_scan_active, nr_scan_inactive, pages_scanned, prev_priority,
    all_unreclaimable: zone.all_unreclaimable !== 0,
  };
}

/** A stretch of a list, page by page where it is short. */
export function readLruPages(k: Kernel, { start, end, ...list }: LruPagesArguments): LruPagesResponse {
  const pages = pagesOf(k, list, start, end);
  if (pages.length <= MOST_ROWS) return { ranges: [], pages: pages.map((page, i) => lruPageRow(k, page, start + i)) };
  const parts = partsOf(start, start + pages.length);
  return { ranges: parts.map((part) => rangeRow(k, part.start, pages.slice(part.start - start, part.end - start))), pages: [] };
}

function pagesOf(k: Kernel, list: LruList, start: number, end: number): Pfn[] {
  if ('cpu' in list) return (list.list === 'lru_add' ? k.lru_add_pvecs : k.lru_add_active_pvecs)[list.cpu]?.pages.slice(start, end) ?? [];
  const zone = k.nodes[list.node]?.node_zones[list.zone_idx];
  if (zone === undefined) return [];
  return list.list === 'active' ? lru_pages(k, zone.active_list, zone.nr_active, start, end) : lru_pages(k, zone.inactive_list, zone.nr_inactive, start, end);
}

function rangeRow(k: Kernel, start: number, pages: readonly Pfn[]): LruRangeRow {
  const having = (bit: number): number => pages.filter((page) => (page_flags(k, page) & bit) !== 0).length;
  const anonymous = pages.filter((page) => page_mapping_raw(k, page) % 2 === 1).length;
  return {
    start, end: start + pages.length, anonymous, file: pages.length - anonymous, referenced: having(PG.referenced), dirty: having(PG.dirty),
    writeback: having(PG.writeback),
  };
}

function lruPageRow(k: Kernel, page: Pfn, place: number): LruPageRow {
  return { ...pageRow(k, page), place, letters: lettersOf(k, page), owner: ownerText(k, page) };
}
