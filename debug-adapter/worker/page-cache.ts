// The answers to the Page Cache view: files with their pages drawn as strips, and the pages of one. What is not cached costs nothing.

import type { Kernel, Pfn, inode } from '../../engine/index.ts';
import { PAGE_SIZE, dirty_limits, each_cached_page, page_flags, page_mapcount, vmstat } from '../../engine/index.ts';
import type {
  CacheCounts, CachedFileRow, CachedPageRow, CellState, DirtyRow, FilePagesArguments, FilePagesResponse, FileRangeRow, FilesArguments, FilesResponse,
} from '../protocol.ts';
import { MOST_ROWS, PG, lruText, pageRow, partsOf } from './pages.ts';

/** Cells of a strip. */
const MOST_CELLS = 64;
/** By urgency. */
const STATES: readonly CellState[] = ['absent', 'partial', 'clean', 'mapped', 'reading', 'dirty', 'writeback', 'error'];
const ABSENT = 0;
const PARTIAL = 1;
const CLEAN = 2;

export function readFiles(k: Kernel, { start = 0, count = Infinity }: FilesArguments): FilesResponse {
  const cached = k.inodes.filter((inode) => inode !== null && inode.nrpages > 0) as inode[];
  cached.sort((one, other) => compare(one.path, other.path) || one.ino - other.ino);
  return { files: cached.slice(start, start + count).map((inode) => fileRow(k, inode)), total: cached.length, dirty: dirtyRow(k) };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function fileRow(k: Kernel, inode: inode): CachedFileRow {
  const pages = Math.max(1, Math.ceil(inode.size / PAGE_SIZE));
  return {
    ino: inode.ino, path: inode.path, disk: k.block.disks[inode.i_bdev]?.disk_name ?? '', size: inode.size, pages,
    ...countStretch(k, inode, 0, pages),
  };
}

function dirtyRow(k: Kernel): DirtyRow {
  const { nr_dirty = 0, nr_writeback = 0 } = vmstat(k);
  const { background, dirty } = dirty_limits(k, null);
  return { nr_dirty, nr_writeback, background_thresh: background, dirty_thresh: dirty };
}

// ---- counting ---------------------------------------------------------------------------------------------------------

/** Looks at the cached pages of a stretch, once each. */
function countStretch(k: Kernel, inode: inode, start: number, end: number): CacheCounts {
  const counts = { cached: 0, dirty: 0, writeback: 0, mapped: 0 };
  const perCell = cellSize(end - start);
  const most = Array<number>(Math.ceil((end - start) / perCell)).fill(ABSENT);
  const filled = most.map(() => 0);
  each_cached_page(inode.page_tree, start, end, (page, index) => {
    const cell = Math.floor((index - start) / perCell);
    counts.cached++;
    counts.dirty += is(k, page, PG.dirty);
    counts.writeback += is(k, page, PG.writeback);
    counts.mapped += page_mapcount(k, page) > 0 ? 1 : 0;
    filled[cell]!++;
    most[cell] = Math.max(most[cell]!, rankOf(k, page));
  });
  const cells = most.map((rank, cell) => {
    const room = Math.min(perCell, end - start - cell * perCell);
    return STATES[rank === CLEAN && filled[cell]! < room ? PARTIAL : rank]!;
  });
  return { ...counts, strip: { cells, pages_per_cell: perCell } };
}

function cellSize(pages: number): number {
  let size = 1;
  while (pages / size > MOST_CELLS) size *= 2;
  return size;
}

function is(k: Kernel, page: Pfn, bit: number): 0 | 1 {
  return (page_flags(k, page) & bit) === 0 ? 0 : 1;
}

function rankOf(k: Kernel, page: Pfn): number {
  return STATES.indexOf(stateOf(k, page));
}

/** What is most urgent of a page. One that the disk has failed to read is not up to date, and nobody reads it. */
function stateOf(k: Kernel, page: Pfn): CellState {
  const flags = page_flags(k, page);
  if ((flags & PG.error) !== 0) return 'error';
  if ((flags & PG.writeback) !== 0) return 'writeback';
  if ((flags & PG.dirty) !== 0) return 'dirty';
  if ((flags & PG.uptodate) === 0) return 'reading';
  return page_mapcount(k, page) > 0 ? 'mapped' : 'clean';
}

// ---- below a file -----------------------------------------------------------------------------------------------------

export function readFilePages(k: Kernel, { ino, start, end }: FilePagesArguments): FilePagesResponse {
  const inode = k.inodes[ino] ?? null;
  if (inode === null) return { ranges: [], pages: [] };
  const found: { page: Pfn; index: number }[] = [];
  each_cached_page(inode.page_tree, start, end, (page, index) => {
    if (found.length <= MOST_ROWS) found.push({ page, index });
  });
  if (found.length <= MOST_ROWS) return { ranges: [], pages: found.map(({ page }) => cachedPageRow(k, page)) };
  const ranges = partsOf(start, end).map((part): FileRangeRow => ({ ...part, ...countStretch(k, inode, part.start, part.end) }));
  return { ranges: ranges.filter(({ cached }) => cached > 0), pages: [] };
}

function cachedPageRow(k: Kernel, page: Pfn): CachedPageRow {
  return { ...pageRow(k, page), state: stateOf(k, page), lru: lruText(k, page) };
}
