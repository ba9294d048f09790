// The Page Cache tree as plain rows, made from what the adapter answers: texts, units and states, no VS Code.
//
//   Dirty pages                  3 · 1 under write-back · limits 1,638 and 6,553
//   /var/log/big                 ▄▄█▒▁▁▁▁▁▁▁▁▁▁▁▁ 12 (+4) of 64 pages · 3 dirty · 1 writeback
//     0 – 1,023                    ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄ 1,024 of 1,024 pages        (only where there are many)
//       12 → 4501                    inactive list · 1 mapping · PG_uptodate|PG_lru
//         frame, flags …
//   5 more files
import type {
  CacheCounts, CachedFileRow, CachedPageRow, DirtyRow, FilePagesResponse, FileRangeRow, FilesArguments, FilesResponse,
} from '../../debug-adapter/protocol.ts';
import { pageRows } from './page-rows.ts';
import type { Counts, Row } from './rows.ts';
import { RowWriter, bytes, counted, grouped, pages, value } from './rows.ts';
import { longStrip, shortStrip, spokenStrip } from './strip.ts';

/** Files in the list; what follows is asked for when it is opened. */
export const FILES_AT_ONCE = 200;

/** What is to be asked for when a row is opened. */
export type BelowCache = { what: 'files'; args: Required<FilesArguments> } | { what: 'pages'; ino: number; start: number; end: number };

export interface CacheTreeRow extends Row {
  below?: BelowCache;
}

/** What the last stop showed, and the rows of this one. */
export function pageCacheRows({ files, total, dirty }: FilesResponse, before: Counts): { rows: CacheTreeRow[]; counts: Counts } {
  const writer = new RowWriter(before);
  const rows = files.map((file) => fileRow(file, writer));
  return { rows: total === 0 ? [] : [dirtyRow(dirty, writer), ...rows, ...moreFiles(rows.length, total)], counts: writer.counts };
}

/** Files that did not fit into the list above them. */
export function furtherFiles({ files, total }: FilesResponse, start: number): CacheTreeRow[] {
  const writer = new RowWriter(new Map());
  return [...files.map((file) => fileRow(file, writer)), ...moreFiles(start + files.length, total)];
}

function moreFiles(start: number, total: number): CacheTreeRow[] {
  if (start >= total) return [];
  return [{
    id: `cache/more/${start}`, label: `${counted(total - start, 'more file')}`, description: '', tooltip: 'Further files that have pages in the page cache.',
    state: 'group', isOpen: false, isLazy: true, children: [], below: { what: 'files', args: { start, count: FILES_AT_ONCE } },
  }];
}

function dirtyRow({ nr_dirty, nr_writeback, background_thresh, dirty_thresh }: DirtyRow, writer: RowWriter): Row {
  const id = 'cache/dirty';
  const change = writer.change(id, nr_dirty);
  return value({
    id, label: 'Dirty pages',
    description: `${grouped(nr_dirty)}${change} · ${grouped(nr_writeback)} under write-back · limits ${grouped(background_thresh)} and ${grouped(dirty_thresh)}`,
    tooltip: `${pages(nr_dirty)} of files still have to reach a disk, ${pages(nr_writeback)} are on their way. `
      + `From ${pages(background_thresh)} on pdflush writes in the background; from ${pages(dirty_thresh)} on who dirties more must write and wait.`,
  });
}

function fileRow(file: CachedFileRow, writer: RowWriter): CacheTreeRow {
  const { ino, path, disk, size: length, pages: all } = file;
  const id = `cache/${ino}/${path}`;
  const where = disk === '' ? 'in memory' : `on ${disk}`;
  return {
    id, label: path, state: 'file', isOpen: false, isLazy: true, children: [], below: { what: 'pages', ino, start: 0, end: all },
    description: `${shortStrip(file.strip)} ${countsText(file, all, writer.change(id, file.cached))}`,
    tooltip: `${path} ${where}: ${bytes(length)}, ${counted(all, 'page')}. ${inWords(file)}\n${longStrip(file.strip)}`,
    spoken: `${path} ${where}: ${grouped(file.cached)} of ${counted(all, 'page')} cached. ${inWords(file)} ${spokenStrip(file.strip, 0, all)}`,
  };
}

/** `12 of 64 pages · 3 dirty · 1 writeback`. */
function countsText({ cached, dirty, writeback }: CacheCounts, all: number, change: string): string {
  const more = [...(dirty > 0 ? [`${grouped(dirty)} dirty`] : []), ...(writeback > 0 ? [`${grouped(writeback)} writeback`] : [])];
  return [`${grouped(cached)}${change} of ${counted(all, 'page')}`, ...more].join(' · ');
}

function inWords({ cached, dirty, writeback, mapped }: CacheCounts): string {
  return `${pages(cached)} in the page cache: ${grouped(dirty)} dirty, ${grouped(writeback)} under write-back, ${grouped(mapped)} mapped by processes.`;
}

// ---- below a file -----------------------------------------------------------------------------------------------------

/** The pages of a stretch of a file, or its parts. */
export function filePageRows({ ranges, pages: found }: FilePagesResponse, ino: number): CacheTreeRow[] {
  return [...ranges.map((range) => rangeRow(range, ino)), ...found.map((page) => cachedPageRow(page, ino))];
}

function rangeRow(range: FileRangeRow, ino: number): CacheTreeRow {
  const { start, end } = range;
  const label = `${grouped(start)} – ${grouped(end - 1)}`;
  return {
    id: `cache/${ino}/pages/${start}-${end}`, label, state: 'range', isOpen: false, isLazy: true, children: [], below: { what: 'pages', ino, start, end },
    description: `${shortStrip(range.strip)} ${countsText(range, end - start, '')}`,
    tooltip: `Pages ${label} of the file. ${inWords(range)}\n${longStrip(range.strip)}`,
    spoken: `Pages ${grouped(start)} to ${grouped(end - 1)}: ${inWords(range)} ${spokenStrip(range.strip, start, end)}`,
  };
}

function cachedPageRow(page: CachedPageRow, ino: number): CacheTreeRow {
  const { index, pfn, flags, mapcount, lru, state } = page;
  const id = `cache/${ino}/page/${index}`;
  const list = lru === '' ? 'on no list' : lru;
  return {
    id, label: `${grouped(index)} → ${pfn}`, state, isOpen: false, children: pageRows(page, id, lru),
    description: [list, ...(mapcount > 0 ? [counted(mapcount, 'mapping')] : []), flags].join(' · '),
    tooltip: `Page ${grouped(index)} of the file lies in frame ${pfn} (0x${pfn.toString(16)}), ${list}. ${flags}`,
    spoken: `Page ${grouped(index)} in frame ${pfn}: ${state}, ${counted(mapcount, 'mapping')}, ${list}, ${flags.replaceAll('|', ', ')}`,
  };
}
