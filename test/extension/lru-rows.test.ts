// The texts of the LRU tree, without VS Code.
import assert from 'node:assert/strict';
import type { LruPageRow, LruZoneRow } from '../../debug-adapter/protocol.ts';
import { lruPageRows, lruRows } from '../../extension/views/lru-rows.ts';
import type { Row } from '../../extension/views/rows.ts';

const NORMAL: LruZoneRow = {
  node: 0, zone_idx: 2, name: 'Normal', nr_active: 240, nr_inactive: 1024, nr_scan_active: 0, nr_scan_inactive: 31, pages_scanned: 64, prev_priority: 12,
  all_unreclaimable: false,
};
const PAGE: LruPageRow = {
  pfn: 4501, zone: 'Normal', flags: 'PG_referenced|PG_uptodate|PG_lru', count: 2, mapcount: 1, mapping: '/data', index: 12, place: 0, letters: 'rfm', owner: '/data page 12',
};

describe('the rows of the LRU view', () => {
  it('are the lists of each zone, and what waits in pagevecs', () => {
    const { rows } = lruRows({ zones: [{ ...NORMAL, name: 'DMA', zone_idx: 0, nr_active: 0, nr_inactive: 0, nr_scan_inactive: 0 }, NORMAL], pagevecs: [{ cpu: 0, inactive: 6, active: 3 }] }, new Map());
    assert.equal(drawn(rows), `
DMA: 0 active · 0 inactive [group]
  Active list: 0 pages [list]
  Inactive list: 0 pages [list]
Normal: 240 active · 1,024 inactive [group]
  Active list: 240 pages [list]
  Inactive list: 1,024 pages · 31 to scan [list]
Pagevecs: 9 pages on their way [group]
  CPU 0: lru_add 6 of 14 · lru_add_active 3 of 14 [list]
`.trimStart());
    assert.deepEqual(rows.map(({ isOpen }) => isOpen), [false, true, false], 'a zone whose lists are empty is closed');
    const lists = rows.flatMap(({ children }) => children as ReturnType<typeof lruPageRows>);
    assert.deepEqual(lists.map(({ isLazy }) => isLazy), [false, false, true, true, true]);
    assert.deepEqual(lists[3]!.below, [{ list: 'inactive', node: 0, zone_idx: 2, start: 0, end: 1024 }]);
    assert.deepEqual(lists[4]!.below, [{ list: 'lru_add', cpu: 0, start: 0, end: 6 }, { list: 'lru_add_active', cpu: 0, start: 0, end: 3 }]);
  });

  it('name the node where there are several', () => {
    const { rows } = lruRows({ zones: [NORMAL, { ...NORMAL, node: 1 }], pagevecs: [] }, new Map());
    assert.deepEqual(rows.map(({ label }) => label), ['Node 0 Normal', 'Node 1 Normal', 'Pagevecs']);
  });

  it('say by how much a list changed since the stop before, and what reclaim thinks of the zone', () => {
    const { counts } = lruRows({ zones: [NORMAL], pagevecs: [{ cpu: 0, inactive: 6, active: 3 }] }, new Map());
    const after = { ...NORMAL, nr_active: 243, nr_inactive: 1021, all_unreclaimable: true };
    const [zone, pagevecs] = lruRows({ zones: [after], pagevecs: [{ cpu: 0, inactive: 0, active: 0 }] }, counts).rows;
    assert.deepEqual(zone!.children.map(({ description }) => description), ['243 pages (+3)', '1,021 pages (−3) · 31 to scan']);
    assert.equal(pagevecs!.description, '0 pages (−9) on their way');
    assert.match(zone!.tooltip, /has looked at 64 pages since one was last freed here; its last priority was 12\. It has given the zone up/);
  });

  it('go down from the head of a list to its tail, with letters and owners', () => {
    const asked = { list: 'inactive', node: 0, zone_idx: 2, start: 0, end: 3 } as const;
    const anonymous = { ...PAGE, pfn: 4502, place: 1, letters: 'dam', owner: 'hog 0xb7e20000' };
    const written = { ...PAGE, pfn: 4503, place: 2, letters: 'wlf', owner: '/data page 3' };
    const read = { ...PAGE, pfn: 4504, place: 3, letters: 'lf', flags: 'PG_locked|PG_lru', owner: '/data page 4' };
    const pages = lruPageRows({ ranges: [], pages: [PAGE, anonymous, written, read] }, asked);
    assert.equal(drawn(pages.map((row) => ({ ...row, children: [] }))), `
4501: rfm · /data page 12 [mapped]
4502: dam · hog 0xb7e20000 [anonymous]
4503: wlf · /data page 3 [writeback]
4504: lf · /data page 4 [reading]
`.trimStart());
    assert.deepEqual(pages[0]!.children.map(({ label }) => label), ['frame', 'flags', 'references', 'mappings', 'mapping', 'index']);
    assert.equal(pages[0]!.spoken, 'Frame 4501, place 0 from the head: referenced, of a file, mapped, /data page 12');
    assert.match(pages[0]!.tooltip, /\nr referenced {3}d dirty {3}w under write-back {3}l locked {3}a anonymous {3}f of a file {3}m mapped$/);
  });

  it('are parts of a long list, with shares, each to be opened in its turn', () => {
    const asked = { list: 'active', node: 1, zone_idx: 2, start: 0, end: 100_000 } as const;
    const range = { start: 2048, end: 4096, file: 2000, anonymous: 48, referenced: 0, dirty: 12, writeback: 0 };
    const rows = lruPageRows({ ranges: [range], pages: [] }, asked);
    assert.equal(drawn(rows), '2,048 – 4,095 from the head: 2,000 of files · 48 anonymous · 12 dirty [range]\n');
    assert.deepEqual(rows[0]!.below, [{ ...asked, start: 2048, end: 4096 }]);
    assert.equal(rows[0]!.id, 'lru/1/2/active/2048-4096');
  });
});

function drawn(rows: Row[], indent = ''): string {
  return rows.map((row) => `${indent}${row.label}: ${row.description} [${row.state}]\n${drawn(row.children, `${indent}  `)}`).join('');
}
