// The texts of the Zones tree, without VS Code.
import assert from 'node:assert/strict';
import type { ZoneRow, ZonesResponse } from '../../debug-adapter/protocol.ts';
import { watermarkState, zonesRows, type Row } from '../../extension/views/zones-rows.ts';

const DMA: ZoneRow = {
  name: 'DMA', start_pfn: 0, spanned_pages: 4096, present_pages: 4096, free_pages: 2900, pages_min: 64, pages_low: 80, pages_high: 96,
  lowmem_reserve: [0, 0, 47], free_area: [{ order: 0, nr_free: 1 }, { order: 3, nr_free: 4 }],
  pagesets: [{ cpu: 0, hot: { count: 12, high: 42, batch: 7 }, cold: { count: 0, high: 14, batch: 7 } }],
};

describe('the rows of the Zones view', () => {
  it('read as a tree with units', () => {
    assert.equal(drawn(rowsOf([DMA])), `
Node 0: 11.3 MiB of 16 MiB free
  DMA: above high · 2,900 of 4,096 pages
    Free lists: 5 blocks
      order 0 (4 KiB): 1 block
      order 3 (32 KiB): 4 blocks
    Watermarks: min 64 · low 80 · high 96
      min: 64 pages (256 KiB)
      low: 80 pages (320 KiB)
      high: 96 pages (384 KiB)
      lowmem_reserve: 0, 0, 47 pages
    Per-CPU pagesets: 12 pages
      CPU 0: hot 12 · cold 0
        hot: 12 pages · high 42 · batch 7
        cold: 0 pages · high 14 · batch 7
`.trimStart());
  });

  it('leave out a zone without pages, as /proc/zoneinfo does', () => {
    const [node] = rowsOf([DMA, { ...DMA, name: 'HighMem', present_pages: 0 }]);
    assert.deepEqual(node?.children.map((row) => row.label), ['DMA']);
  });

  it('say by how much a count changed since the stop before', () => {
    const { counts } = zonesRows(response([DMA]), new Map());
    const after = { ...DMA, free_pages: 2892, free_area: [{ order: 0, nr_free: 1 }, { order: 3, nr_free: 3 }] };
    const [node] = zonesRows(response([after]), counts).rows;
    assert.equal(node?.children[0]?.description, 'above high · 2,892 (−8) of 4,096 pages');
    assert.deepEqual(node?.children[0]?.children[0]?.children.map((row) => row.description), ['1 block', '3 blocks (−1)']);
  });

  it('name the state by the mark that the free pages are at or below', () => {
    const state = (free: number) => watermarkState({ ...DMA, free_pages: free });
    assert.deepEqual([97, 96, 81, 80, 65, 64, 0].map(state),
      ['above high', 'below high', 'below high', 'below low', 'below low', 'below min', 'below min']);
  });
});

function response(zones: ZoneRow[]): ZonesResponse {
  return { nodes: [{ id: 0, zones }] };
}

function rowsOf(zones: ZoneRow[]): Row[] {
  return zonesRows(response(zones), new Map()).rows;
}

function drawn(rows: Row[], indent = ''): string {
  return rows.map((row) => `${indent}${row.label}: ${row.description}\n${drawn(row.children, `${indent}  `)}`).join('');
}
