// The texts of the Page Cache tree and its strips, without VS Code.
import assert from 'node:assert/strict';
import type { CachedFileRow, CachedPageRow, CellState, DirtyRow, StripRow } from '../../debug-adapter/protocol.ts';
import { filePageRows, furtherFiles, pageCacheRows } from '../../extension/views/page-cache-rows.ts';
import type { Row } from '../../extension/views/rows.ts';
import { folded, longStrip, shortStrip, spokenStrip } from '../../extension/views/strip.ts';

const LETTERS: Readonly<Record<string, CellState>> = {
  '-': 'absent', 'p': 'partial', 'c': 'clean', 'm': 'mapped', 'r': 'reading', 'd': 'dirty', 'w': 'writeback', 'e': 'error',
};

/** A strip by letters of its cells. */
function strip(letters: string, pagesPerCell = 1): StripRow {
  return { cells: [...letters].map((letter) => LETTERS[letter]!), pages_per_cell: pagesPerCell };
}

const LOG: CachedFileRow = {
  ino: 3, path: '/var/log/big', disk: 'sda', size: 262_144, pages: 64, cached: 12, dirty: 3, writeback: 1, mapped: 2,
  strip: strip(`cccmmdddwccc${'-'.repeat(52)}`),
};
const DIRTY: DirtyRow = { nr_dirty: 3, nr_writeback: 1, background_thresh: 1638, dirty_thresh: 6553 };
const PAGE: CachedPageRow = {
  pfn: 4501, zone: 'Normal', flags: 'PG_uptodate|PG_dirty|PG_lru', count: 2, mapcount: 1, mapping: '/var/log/big', index: 12, state: 'dirty', lru: 'inactive list',
};

describe('the rows of the Page Cache view', () => {
  it('say of each file how much of it is cached, and draw it', () => {
    const program = { ...LOG, ino: 4, path: '/bin/cat', disk: '', size: 5000, pages: 2, cached: 1, dirty: 0, writeback: 0, mapped: 1, strip: strip('m-') };
    const { rows } = pageCacheRows({ files: [program, LOG], total: 2, dirty: DIRTY }, new Map());
    assert.equal(drawn(rows), `
Dirty pages: 3 · 1 under write-back · limits 1,638 and 6,553 [value]
/bin/cat: ▟▁ 1 of 2 pages [file]
/var/log/big: ▟█▒▁▁▁▁▁▁▁▁▁▁▁▁▁ 12 of 64 pages · 3 dirty · 1 writeback [file]
`.trimStart());
    assert.deepEqual(rows[2]!.below, { what: 'pages', ino: 3, start: 0, end: 64 });
    assert.equal(rows[2]!.tooltip, `
/var/log/big on sda: 256 KiB, 64 pages. 12 pages (48 KiB) in the page cache: 3 dirty, 1 under write-back, 2 mapped by processes.
▄▄▄▟▟███▒▄▄▄${'▁'.repeat(20)}
${'▁'.repeat(32)}
A cell is a page.
▁ not cached   ▄ clean   ▟ mapped by a process   ▖ being read   █ dirty   ▒ under write-back   ▚ failed to be read or written
`.trim());
    assert.equal(rows[2]!.spoken, '/var/log/big on sda: 12 of 64 pages cached. 12 pages (48 KiB) in the page cache: 3 dirty, 1 under write-back, 2 mapped by processes. '
      + 'pages 0 to 2 clean, pages 3 to 4 mapped by a process, pages 5 to 7 dirty, page 8 under write-back, pages 9 to 11 clean, pages 12 to 63 not cached');
    assert.match(rows[1]!.tooltip, /^\/bin\/cat in memory: 4.9 KiB, 2 pages\./);
  });

  it('say by how much the cached pages and the dirty ones changed since the stop before', () => {
    const { counts } = pageCacheRows({ files: [LOG], total: 1, dirty: DIRTY }, new Map());
    const { rows } = pageCacheRows({ files: [{ ...LOG, cached: 16, dirty: 0, writeback: 0 }], total: 1, dirty: { ...DIRTY, nr_dirty: 0 } }, counts);
    assert.equal(rows[0]!.description, '0 (−3) · 1 under write-back · limits 1,638 and 6,553');
    assert.match(rows[1]!.description, / 16 \(\+4\) of 64 pages$/);
  });

  it('are none while nothing is cached, so that the view says what it is for', () => {
    assert.deepEqual(pageCacheRows({ files: [], total: 0, dirty: DIRTY }, new Map()).rows, []);
  });

  it('keep further files behind a row', () => {
    const first = pageCacheRows({ files: [LOG], total: 250, dirty: DIRTY }, new Map()).rows;
    assert.deepEqual([first.at(-1)!.label, first.at(-1)!.below], ['249 more files', { what: 'files', args: { start: 1, count: 200 } }]);
    const next = furtherFiles({ files: [LOG], total: 250, dirty: DIRTY }, 249);
    assert.deepEqual(next.map(({ label }) => label), ['/var/log/big']);
  });

  it('go down to ranges, pages and their struct page', () => {
    const range = { start: 1024, end: 2048, cached: 1000, dirty: 1000, writeback: 0, mapped: 0, strip: strip('dddp', 256) };
    const ranges = filePageRows({ ranges: [range], pages: [] }, 3);
    assert.equal(drawn(ranges), '1,024 – 2,047: ███▂ 1,000 of 1,024 pages · 1,000 dirty [range]\n');
    assert.deepEqual(ranges[0]!.below, { what: 'pages', ino: 3, start: 1024, end: 2048 });
    const pages = filePageRows({ ranges: [], pages: [PAGE, { ...PAGE, index: 13, pfn: 4502, mapcount: 0, lru: '', state: 'reading', flags: 'PG_locked' }] }, 3);
    assert.equal(drawn(pages), `
12 → 4501: inactive list · 1 mapping · PG_uptodate|PG_dirty|PG_lru [dirty]
  frame: 4501 (0x1195) in Normal [page]
  flags: PG_uptodate|PG_dirty|PG_lru [page]
  references: 2 [page]
  mappings: 1 [page]
  mapping: /var/log/big [page]
  index: 12 [page]
  lru: inactive list [page]
13 → 4502: on no list · PG_locked [reading]
  frame: 4502 (0x1196) in Normal [page]
  flags: PG_locked [page]
  references: 2 [page]
  mappings: 0 [page]
  mapping: /var/log/big [page]
  index: 13 [page]
  lru: none [page]
`.trimStart());
    assert.equal(pages[0]!.spoken, 'Page 12 in frame 4501: dirty, 1 mapping, inactive list, PG_uptodate, PG_dirty, PG_lru');
    assert.equal(new Set([...ranges, ...pages].map(({ id }) => id)).size, 3);
  });
});

describe('a strip', () => {
  it('has a glyph of its own for each state', () => {
    assert.equal(shortStrip(strip('-pcmrdwe')), '▁▂▄▟▖█▒▚');
  });

  it('is folded until it fits beside a name: the more urgent of two cells is shown', () => {
    const cases: [string, string][] = [
      ['cc', 'c'], ['--', '-'], ['c-', 'p'], ['-c', 'p'], ['pc', 'p'], ['p-', 'p'], ['cm', 'm'], ['m-', 'm'], ['md', 'd'], ['dw', 'w'], ['we', 'e'], ['rc', 'r'],
      ['ccc', 'cc'], ['c-d', 'pd'],
    ];
    for (const [before, after] of cases) assert.deepEqual(folded(strip(before), after.length), strip(after, 2), `${before} → ${after}`);
    assert.equal(shortStrip(strip('cc------'.repeat(8))), '▂▁'.repeat(8));
  });

  it('says in words where each stretch begins and ends, and only counts what would be too much to hear', () => {
    assert.equal(spokenStrip(strip('cc-d', 256), 1024, 2000), 'pages 1,024 to 1,535 clean, pages 1,536 to 1,791 not cached, pages 1,792 to 1,999 dirty');
    assert.match(spokenStrip(strip('c-'.repeat(6)), 0, 12), /page 7 not cached, and 4 more stretches$/);
  });

  it('has a legend of what can be seen in it', () => {
    assert.match(longStrip(strip('cp', 4)), /^▄▂\nA cell is 4 pages \(16 KiB\) and shows the most urgent of them\.\n▁ not cached {3}▂ partly cached/);
  });
});

function drawn(rows: Row[], indent = ''): string {
  return rows.map((row) => `${indent}${row.label}: ${row.description} [${row.state}]\n${drawn(row.children, `${indent}  `)}`).join('');
}
