// Looking at the page cache and the LRU lists (mm/cache_walk.ts) against plain lists: stretches of random trees, stretches of a list from either end.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ListHead } from '../../engine/include/types.ts';
import { pfn } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { radix_tree_insert } from '../../engine/lib/radix-tree.ts';
import { each_cached_page, lru_pages } from '../../engine/mm/cache_walk.ts';
import { list_pages } from '../../engine/mm/mem_map.ts';
import { new_inode } from '../../engine/mm/mm_struct.ts';
import { MiB } from './notation.ts';
import { machineWith } from './tasks.ts';

/** Offsets near the borders of nodes, and far away. */
const offset = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 4000, max: 4200 }), fc.integer({ min: 0, max: 2 ** 24 }));

describe('each_cached_page', () => {
  it('passes the pages of any stretch once each, ascending', () => {
    fc.assert(fc.property(fc.uniqueArray(offset, { maxLength: 60 }), offset, offset, (indexes, first, end) => {
      const { k } = machineWith([], { memory: 8 * MiB });
      const { page_tree } = new_inode(k, '/t', 'file', 0);
      indexes.forEach((index, i) => assert.equal(run_to_end(k, radix_tree_insert(k, page_tree, index, pfn(1000 + i))), 0));
      const seen: [number, number][] = [];
      each_cached_page(page_tree, first, end, (page, index) => seen.push([index, page]));
      const wanted = indexes.map((index, i): [number, number] => [index, 1000 + i]).filter(([index]) => first <= index && index < end);
      assert.deepEqual(seen, wanted.sort(([one], [other]) => one - other));
    }), { numRuns: 60 });
  });

  it('does not look at what is not there: a sparse file of 2^32 pages takes a visit a page', () => {
    const { k } = machineWith([], { memory: 8 * MiB });
    const { page_tree } = new_inode(k, '/t', 'file', 0);
    for (const index of [0, 2 ** 31, 2 ** 32 - 1]) run_to_end(k, radix_tree_insert(k, page_tree, index, pfn(7)));
    const seen: number[] = [];
    each_cached_page(page_tree, 0, Infinity, (_, index) => seen.push(index));
    assert.deepEqual(seen, [0, 2 ** 31, 2 ** 32 - 1]);
  });
});

describe('lru_pages', () => {
  it('gives any stretch of a list, from whichever end is nearer', () => {
    const { k } = machineWith([], { memory: 8 * MiB });
    const head = k.nodes[0]!.node_zones[0]!.free_area.find(({ nr_free }) => nr_free > 1)!.free_list as ListHead;
    const all = list_pages(k, head);
    assert.ok(all.length >= 2);
    for (let start = 0; start <= all.length; start++) {
      for (let end = start; end <= all.length + 1; end++) assert.deepEqual(lru_pages(k, head, all.length, start, end), all.slice(start, end), `${start} … ${end}`);
    }
    assert.deepEqual(lru_pages(k, head, 0, 0, 5), [], 'an empty list');
  });
});
