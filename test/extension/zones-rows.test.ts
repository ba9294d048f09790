// The texts of the Zones tree, without VS Code.
import assert from 'node:assert/strict';
import type { CacheRow, ZoneRow, ZonesResponse } from '../../debug-adapter/protocol.ts';
import type { Row } from '../../extension/views/rows.ts';
import { watermarkState, zonesRows } from '../../extension/views/zones-rows.ts';

const DMA: ZoneRow = {
  name: 'DMA', start_pfn: 0, spanned_pages: 4096, present_pages: 4096, free_pages: 2900, pages_min: 64, pages_low: 80, pages_high: 96,
  lowmem_reserve: [0, 0, 47], free_area: [{ order: 0, nr_free: 1 }, { order: 3, nr_free: 4 }],
  pagesets: [{ cpu: 0, hot: { count: 12, high: 42, batch: 7 }, cold: { count: 0, high: 14, batch: 7 } }],
};

const CACHE: CacheRow = {
  name: 'size-128', object_size: 128, active_objs: 1021, num_objs: 1030, objs_per_slab: 30, pages_per_slab: 1, active_slabs: 1, num_slabs: 1,
};
const ALLOCATED = {
  caches: [
    { ...CACHE, name: 'task_struct', object_size: 1328, active_objs: 4, num_objs: 5, objs_per_slab: 5, pages_per_slab: 2 }, CACHE,
    { ...CACHE, name: 'size-131072', active_objs: 0, num_objs: 0, active_slabs: 0, num_slabs: 0 },
  ],
  pools: [{ name: 'driver-0', of: 'blocks of 8 KiB', min_nr: 4, curr_nr: 3, waiting: 1 }],
  vmalloc: [{ addr: '0xf8800000', size: 24576, nr_pages: 5, flags: 'VM_ALLOC' }, { addr: '0xf8806000', size: 8192, nr_pages: 0, flags: 'VM_MAP' }],
} satisfies Partial<ZonesResponse>;

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

  it('show what is allocated below the nodes', () => {
    const rows = zonesRows({ nodes: [], ...ALLOCATED }, new Map()).rows;
    assert.equal(drawn(rows), `
Slab caches: 2 caches · 12 KiB
  task_struct: 4 of 5 objects · 1 slab
  size-128: 1,021 of 1,030 objects · 1 slab
Mempools: 1 pool
  driver-0: 3 of 4 in reserve · blocks of 8 KiB · 1 task waiting
Vmalloc areas: 2 areas · 32 KiB
  0xf8800000: 24 KiB · VM_ALLOC · 5 pages
  0xf8806000: 8 KiB · VM_MAP
`.trimStart());
    assert.deepEqual(rows.map(({ isOpen }) => isOpen), [false, false, false], 'the zones are what the view is for');
    assert.equal(rows[0]!.children[1]!.tooltip, 'Objects of 128 B, 30 in a slab of 4 KiB. 1,021 of 1,030 are in use or kept by a CPU. Slabs with objects in use: 1 of 1, 4 KiB in all.');
  });

  it('say that there is nothing, and by how much a cache or a pool has changed', () => {
    const none = zonesRows({ nodes: [], caches: [], pools: [], vmalloc: [] }, new Map()).rows;
    assert.deepEqual(none.map((row) => row.description), ['0 caches · 0 B', 'none', 'none']);
    assert.deepEqual(rowsOf([DMA]).length, 1, 'an adapter that tells nothing of them');
    const { counts } = zonesRows({ nodes: [], ...ALLOCATED }, new Map());
    const caches = ALLOCATED.caches.map((cache) => (cache.name === 'size-128' ? { ...cache, active_objs: 1023, num_slabs: 2 } : cache));
    const [slab, pools] = zonesRows({ nodes: [], caches, pools: [{ ...ALLOCATED.pools[0]!, curr_nr: 1, waiting: 0 }] }, counts).rows;
    assert.equal(slab!.description, '2 caches · 16 KiB (+1)');
    assert.equal(slab!.children[1]!.description, '1,023 (+2) of 1,030 objects · 2 slabs');
    assert.equal(pools!.children[0]!.description, '1 (−2) of 4 in reserve · blocks of 8 KiB');
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
