// The tree of a page cache against a plain map (lib/radix-tree.ts; KERNEL.md FM-1): random insertions, deletions, marks and walks, the shape it must
// have after each, the memory of its nodes, and what happens where there is none.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { radix_tree_root } from '../../engine/include/radix-tree.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { EEXIST, ENOMEM } from '../../engine/include/errno.ts';
import { GFP_ATOMIC, GFP_KERNEL } from '../../engine/include/gfp.ts';
import { NO_PAGE, pfn } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_radix_tree, check_tree_nodes, objects_in_use } from '../../engine/lib/check_radix_tree.ts';
import {
  make_radix_tree, radix_tree_delete, radix_tree_gang_lookup, radix_tree_gang_lookup_tag, radix_tree_insert, radix_tree_lookup, radix_tree_nodes,
  radix_tree_preload, radix_tree_replace, radix_tree_tag_clear, radix_tree_tag_get, radix_tree_tag_set, radix_tree_tagged,
} from '../../engine/lib/radix-tree.ts';
import { new_inode } from '../../engine/mm/mm_struct.ts';
import { kmem_cache_alloc, kmem_cache_free } from '../../engine/mm/slab.ts';
import { find_cache } from '../../engine/mm/slab_lists.ts';
import { takeAllFreePages } from './processes.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

/** A booted machine with a file whose cache the tree is. */
function treeOf(config = {}): { k: Kernel; root: radix_tree_root } {
  const { k } = machineWith([], { memory: 8 * MiB, ...config });
  return { k, root: new_inode(k, '/t', 'file', 0).page_tree };
}

/** What a map says the tree holds. */
type Model = Map<number, { page: number; tags: [boolean, boolean] }>;

const sorted = (model: Model): [number, { page: number; tags: [boolean, boolean] }][] => [...model].sort(([a], [b]) => a - b);

/** What is found from `first` on, `max` at most, of all or of those with a mark. */
function found(model: Model, first: number, max: number, tag?: number): { index: number; page: number }[] {
  return sorted(model).filter(([index, { tags }]) => index >= first && (tag === undefined || tags[tag])).slice(0, max)
    .map(([index, { page }]) => ({ index, page }));
}

/** The nodes a tree needs: none for page 0 alone, else one for each different prefix of its indexes on every level. */
function nodesNeeded(model: Model): number {
  const indexes = [...model.keys()];
  const last = Math.max(...indexes, 0);
  if (last === 0) return 0;
  let nodes = 0;
  for (let span = 64; ; span *= 64) {
    nodes += new Set(indexes.map((index) => Math.floor(index / span))).size;
    if (last < span) return nodes;
  }
}

/** Around the edges of every level, up to that of 32 bits. */
const EDGE = fc.tuple(fc.constantFrom(3, 64, 4096, 2 ** 18, 2 ** 24, 2 ** 30, 2 ** 32 - 4), fc.integer({ min: -3, max: 3 }))
  .map(([base, more]) => base + more);

/** Indexes that meet: dense ones, those of edges, and any. */
const INDEX = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 200 }) },
  { weight: 3, arbitrary: EDGE },
  { weight: 1, arbitrary: fc.nat({ max: 2 ** 31 - 1 }) },
);

const STEP = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('insert' as const), index: INDEX, preload: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('delete' as const), index: INDEX }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('remove nth' as const), n: fc.nat({ max: 500 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('set' as const), n: fc.nat({ max: 500 }), tag: fc.nat({ max: 1 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('clear' as const), n: fc.nat({ max: 500 }), tag: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('replace' as const), n: fc.nat({ max: 500 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('look' as const), index: INDEX, max: fc.integer({ min: 0, max: 20 }) }) },
);

type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

/** An index that the tree holds, or none while it is empty. */
function nth(model: Model, n: number): number | undefined {
  const indexes = [...model.keys()];
  return indexes.length === 0 ? undefined : indexes[n % indexes.length];
}

let lastPage = 0;

function insert(k: Kernel, root: radix_tree_root, model: Model, { index, preload }: { index: number; preload: boolean }): void {
  const page = ++lastPage;
  if (preload) assert.equal(run_to_end(k, radix_tree_preload(k, GFP_KERNEL)), 0);
  assert.equal(run_to_end(k, radix_tree_insert(k, root, index, pfn(page))), model.has(index) ? -EEXIST : 0);
  if (!model.has(index)) model.set(index, { page, tags: [false, false] });
}

function mark(root: radix_tree_root, model: Model, { n, tag, op }: { n: number; tag: number; op: 'set' | 'clear' }): void {
  const index = nth(model, n);
  if (index === undefined) return;
  if (op === 'set') radix_tree_tag_set(root, index, tag);
  else radix_tree_tag_clear(root, index, tag);
  model.get(index)!.tags[tag] = op === 'set';
}

function remove(k: Kernel, root: radix_tree_root, model: Model, index: number): void {
  assert.equal(radix_tree_delete(k, root, index), model.get(index)?.page ?? NO_PAGE);
  model.delete(index);
}

function take(k: Kernel, root: radix_tree_root, model: Model, step: Step): void {
  switch (step.op) {
    case 'insert': return insert(k, root, model, step);
    case 'delete': return remove(k, root, model, step.index);
    case 'remove nth': return remove(k, root, model, nth(model, step.n) ?? 0);
    case 'set': case 'clear': return mark(root, model, step);
    case 'replace': {
      const index = nth(model, step.n);
      if (index === undefined) return undefined;
      radix_tree_replace(root, index, pfn(++lastPage));
      model.get(index)!.page = lastPage;
      return undefined;
    }
    default: return look(root, model, step);
  }
}

function look(root: radix_tree_root, model: Model, { index, max }: { index: number; max: number }): void {
  assert.equal(radix_tree_lookup(root, index), model.get(index)?.page ?? NO_PAGE);
  assert.deepEqual(radix_tree_gang_lookup(root, index, max), found(model, index, max));
  for (const tag of [0, 1]) {
    assert.equal(radix_tree_tag_get(root, index, tag), model.get(index)?.tags[tag] ?? false);
    assert.deepEqual(radix_tree_gang_lookup_tag(root, index, max, tag), found(model, index, max, tag));
  }
}

/** The whole tree is what the map says, in the shape it must have, and its nodes are the objects of the slab cache in use. */
function compare(k: Kernel, root: radix_tree_root, model: Model): void {
  assert.deepEqual(check_radix_tree(root), []);
  assert.deepEqual(check_tree_nodes(k), []);
  assert.equal(radix_tree_nodes(root), nodesNeeded(model));
  assert.deepEqual(radix_tree_gang_lookup(root, 0, Infinity), found(model, 0, Infinity));
  for (const tag of [0, 1]) {
    assert.deepEqual(radix_tree_gang_lookup_tag(root, 0, Infinity, tag), found(model, 0, Infinity, tag));
    assert.equal(radix_tree_tagged(root, tag), [...model.values()].some(({ tags }) => tags[tag]));
  }
}

describe('the tree of a page cache', function () {
  this.timeout(60_000);

  it('FM-1 IV-8: is a map, whatever is put in, taken out and marked; its nodes are as few as can be', () => {
    fc.assert(fc.property(fc.array(STEP, { minLength: 1, maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (steps, cpus) => {
      const { k, root } = treeOf({ cpus });
      const before = objects_in_use(k, 'radix_tree_node');
      const model: Model = new Map();
      for (const [i, step] of steps.entries()) {
        k.cpu = i % cpus;
        take(k, root, model, step);
        compare(k, root, model);
      }
      for (const index of [...model.keys()]) remove(k, root, model, index);
      assert.deepEqual(root, make_radix_tree());
      const aside = k.radix_tree_preloads.reduce((sum, { nodes }) => sum + nodes.length, 0);
      assert.equal(objects_in_use(k, 'radix_tree_node') - before, aside);
    }), { numRuns: 150 });
  });

  it('FM-1: grows and shrinks level by level', () => {
    const { k, root } = treeOf();
    const heights: string[] = [];
    for (const index of [0, 63, 64, 4095, 4096, 2 ** 18, 2 ** 24, 2 ** 30]) {
      run_to_end(k, radix_tree_insert(k, root, index, pfn(index + 1)));
      heights.push(`${root.height}/${radix_tree_nodes(root)}`);
    }
    for (const index of [2 ** 30, 2 ** 24, 2 ** 18, 4096, 4095, 64, 63]) {
      radix_tree_delete(k, root, index);
      heights.push(`${root.height}/${radix_tree_nodes(root)}`);
    }
    assert.equal(heights.join(' '), '0/0 1/1 2/3 2/4 3/7 4/11 5/16 6/22 5/16 4/11 3/7 2/4 2/3 1/1 0/0');
    assert.equal(root.direct, 1);
  });

  it('FM-1: a preload fills up to six nodes for its CPU, and fails where there is no memory', () => {
    const { k } = treeOf({ cpus: 2 });
    k.cpu = 1;
    assert.equal(run_to_end(k, radix_tree_preload(k, GFP_KERNEL)), 0);
    const [first] = k.radix_tree_preloads[1]!.nodes;
    k.radix_tree_preloads[1]!.nodes.pop();
    kmem_cache_free(k, find_cache(k, 'radix_tree_node')!, first!);
    k.radix_tree_preloads[1]!.nodes = k.radix_tree_preloads[1]!.nodes.slice(1).concat();
    assert.equal(k.radix_tree_preloads[1]!.nodes.length, 4);
    exhaust(k);
    assert.equal(run_to_end(k, radix_tree_preload(k, GFP_ATOMIC)), -ENOMEM);
    assert.equal(k.radix_tree_preloads[1]!.nodes.length, 4);
    assert.deepEqual(k.radix_tree_preloads[0]!.nodes, []);
  });

  it('FM-1: without memory an insertion takes the nodes that were put aside; then it fails, and what the tree holds is as before', () => {
    fc.assert(fc.property(fc.uniqueArray(INDEX, { minLength: 3, maxLength: 20 }), (indexes) => {
      const { k, root } = treeOf();
      const model: Model = new Map();
      for (const index of indexes.slice(0, 2)) insert(k, root, model, { index, preload: true });
      radix_tree_tag_set(root, indexes[1]!, 1);
      model.get(indexes[1]!)!.tags[1] = true;
      assert.equal(run_to_end(k, radix_tree_preload(k, GFP_KERNEL)), 0);
      exhaust(k);
      for (const index of indexes.slice(2)) {
        const aside = k.radix_tree_preloads[0]!.nodes.length;
        const more = nodesNeeded(new Map([...model, [index, { page: 1, tags: [false, false] }]])) - nodesNeeded(model);
        const answer = run_to_end(k, radix_tree_insert(k, root, index, pfn(7)));
        assert.ok(answer === 0 || answer === -ENOMEM && more > aside, `${answer} with ${aside} nodes put aside, ${more} needed`);
        if (answer === 0) model.set(index, { page: 7, tags: [false, false] });
        assert.deepEqual(radix_tree_gang_lookup(root, 0, Infinity), found(model, 0, Infinity));
        assert.deepEqual(radix_tree_gang_lookup_tag(root, 0, Infinity, 1), found(model, 0, Infinity, 1));
        assert.deepEqual(check_tree_nodes(k), []);
      }
    }), { numRuns: 40 });
  });
});

/** Takes every page that a request that may not sleep can get, and then every free object of the nodes' cache. */
function exhaust(k: Kernel): void {
  const taken: Pfn[] = run_to_end(k, takeAllFreePages(k, GFP_ATOMIC));
  assert.ok(taken.length > 0);
  const held: number[] = [];
  for (;;) {
    const address = run_to_end(k, kmem_cache_alloc(k, find_cache(k, 'radix_tree_node')!, GFP_ATOMIC));
    if (address === 0) break;
    held.push(address);
  }
  // The law of nodes asks for each object: these are put aside for a CPU that never inserts.
  k.radix_tree_preloads[k.radix_tree_preloads.length] = { nodes: held as typeof k.radix_tree_preloads[number]['nodes'] };
}
