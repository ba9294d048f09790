// The LRU tree as plain rows, made from what the adapter answers: texts, units and states, no VS Code.
//
//   Normal                       240 active · 1,024 inactive
//     Active list                  240 pages (+3)
//       4501                         rfm · /var/log/big page 12
//         frame, flags …
//     Inactive list                1,024 pages (−3)
//       0 – 63 from the head         60 of files · 4 anonymous · 3 dirty          (only where there are many)
//   Pagevecs                     9 pages on their way
//     CPU 0                        lru_add 6 of 14 · lru_add_active 3 of 14
//       4500                         f · /var/log/big page 13
import type { LruList, LruPageRow, LruPagesArguments, LruPagesResponse, LruPagevecsRow, LruRangeRow, LruResponse, LruZoneRow } from '../../debug-adapter/protocol.ts';
import { pageRows } from './page-rows.ts';
import type { Counts, Row } from './rows.ts';
import { RowWriter, counted, grouped, pages } from './rows.ts';

/** Pages that a pagevec holds at most (PAGEVEC_SIZE). */
const PAGEVEC_SIZE = 14;

export interface LruTreeRow extends Row {
  /** What is to be asked for when it is opened: stretches of lists, one after the other. */
  below?: LruPagesArguments[];
}

const LETTERS: Readonly<Record<string, string>> = {
  r: 'referenced', d: 'dirty', w: 'under write-back', l: 'locked', a: 'anonymous', f: 'of a file', m: 'mapped',
};
const LEGEND = Object.entries(LETTERS).map(([letter, words]) => `${letter} ${words}`).join('   ');

/** What the last stop showed, and the rows of this one. */
export function lruRows({ zones, pagevecs }: LruResponse, before: Counts): { rows: LruTreeRow[]; counts: Counts } {
  const writer = new RowWriter(before);
  const hasNodes = zones.some(({ node }) => node !== zones[0]?.node);
  return { rows: [...zones.map((zone) => zoneRow(zone, hasNodes, writer)), pagevecsRow(pagevecs, writer)], counts: writer.counts };
}

function zoneRow(zone: LruZoneRow, hasNodes: boolean, writer: RowWriter): Row {
  const { node, zone_idx, name, nr_active, nr_inactive, prev_priority, pages_scanned, all_unreclaimable } = zone;
  const id = `lru/${node}/${zone_idx}`;
  return {
    id, label: hasNodes ? `Node ${node} ${name}` : name, state: 'group', isOpen: nr_active + nr_inactive > 0,
    description: `${grouped(nr_active)} active · ${grouped(nr_inactive)} inactive`,
    tooltip: `${pages(nr_active + nr_inactive)} on the lists. Reclaim has looked at ${counted(pages_scanned, 'page')} since one was last freed here; `
      + `its last priority was ${prev_priority}.${all_unreclaimable ? ' It has given the zone up (all_unreclaimable).' : ''}`,
    children: [
      listRow({ id: `${id}/active`, label: 'Active list', count: nr_active, scan: zone.nr_scan_active }, { list: 'active', node, zone_idx }, writer),
      listRow({ id: `${id}/inactive`, label: 'Inactive list', count: nr_inactive, scan: zone.nr_scan_inactive }, { list: 'inactive', node, zone_idx }, writer),
    ],
  };
}

/** One of a zone's lists. */
interface ListFigures {
  id: string;
  label: string;
  count: number;
  scan: number;
}

function listRow({ id, label, count, scan }: ListFigures, list: LruList, writer: RowWriter): LruTreeRow {
  const scanning = scan === 0 ? '' : ` · ${grouped(scan)} to scan`;
  return {
    id, label, state: 'list', isOpen: false, isLazy: count > 0, children: [], below: [{ ...list, start: 0, end: count }],
    description: `${counted(count, 'page')}${writer.change(id, count)}${scanning}`,
    tooltip: `${pages(count)} from the head, where pages come in, to the tail, where reclaim looks first. nr_scan is ${grouped(scan)}.`,
  };
}

function pagevecsRow(pagevecs: LruPagevecsRow[], writer: RowWriter): Row {
  const count = pagevecs.reduce((sum, { inactive, active }) => sum + inactive + active, 0);
  return {
    id: 'lru/pagevecs', label: 'Pagevecs', state: 'group', isOpen: false, description: `${counted(count, 'page')}${writer.change('lru/pagevecs', count)} on their way`,
    tooltip: `Each CPU gathers new pages and puts ${PAGEVEC_SIZE} at a time onto the lists: these are on none yet.`,
    children: pagevecs.map(pagevecRow),
  };
}

function pagevecRow({ cpu, inactive, active }: LruPagevecsRow): LruTreeRow {
  const of = (count: number): string => `${count} of ${PAGEVEC_SIZE}`;
  return {
    id: `lru/pagevecs/${cpu}`, label: `CPU ${cpu}`, state: 'list', isOpen: false, isLazy: inactive + active > 0, children: [],
    below: [{ list: 'lru_add', cpu, start: 0, end: inactive }, { list: 'lru_add_active', cpu, start: 0, end: active }],
    description: `lru_add ${of(inactive)} · lru_add_active ${of(active)}`,
    tooltip: `lru_add_pvecs, for inactive lists: ${of(inactive)}. lru_add_active_pvecs, for active lists: ${of(active)}.`,
  };
}

// ---- below a list -----------------------------------------------------------------------------------------------------

/** The pages of a stretch of a list, or its parts. */
export function lruPageRows({ ranges, pages: found }: LruPagesResponse, asked: LruPagesArguments): LruTreeRow[] {
  const id = 'cpu' in asked ? `lru/pagevecs/${asked.cpu}/${asked.list}` : `lru/${asked.node}/${asked.zone_idx}/${asked.list}`;
  return [...ranges.map((range) => rangeRow(range, id, asked)), ...found.map((page) => lruPageRow(page, id))];
}

function rangeRow(range: LruRangeRow, parent: string, list: LruList): LruTreeRow {
  const { start, end, file, anonymous, referenced, dirty, writeback } = range;
  const shares: [number, string][] = [[file, 'of files'], [anonymous, 'anonymous'], [referenced, 'referenced'], [dirty, 'dirty'], [writeback, 'writeback']];
  const text = shares.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`).join(' · ');
  return {
    id: `${parent}/${start}-${end}`, label: `${grouped(start)} – ${grouped(end - 1)} from the head`, state: 'range', isOpen: false, isLazy: true, children: [],
    below: [{ ...list, start, end }], description: text, tooltip: `Places ${grouped(start)} to ${grouped(end - 1)} of the list, counted from its head: ${text}.`,
  };
}

function lruPageRow(page: LruPageRow, parent: string): LruTreeRow {
  const { pfn, place, letters, owner, flags } = page;
  const id = `${parent}/page/${pfn}`;
  const words = [...letters].map((letter) => LETTERS[letter]).join(', ');
  return {
    id, label: `${pfn}`, state: stateOf(letters, flags), isOpen: false, children: pageRows(page, id),
    description: `${letters} · ${owner}`,
    tooltip: `Place ${grouped(place)} from the head: frame ${pfn} (0x${pfn.toString(16)}) of ${owner}. ${flags}\n${LEGEND}`,
    spoken: `Frame ${pfn}, place ${grouped(place)} from the head: ${words}, ${owner}`,
  };
}

function stateOf(letters: string, flags: string): Row['state'] {
  if (flags.includes('PG_error')) return 'error';
  if (letters.includes('w')) return 'writeback';
  if (letters.includes('a')) return 'anonymous';
  if (letters.includes('d')) return 'dirty';
  if (!flags.includes('PG_uptodate')) return 'reading';
  return letters.includes('m') ? 'mapped' : 'clean';
}
