// Laws that hold whatever is asked for (KERNEL.md chapter 24): random allocations and frees on several machines.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { GFP_ATOMIC, GFP_DMA, GFP_HIGHUSER, GFP_KERNEL, __GFP_COLD, __GFP_COMP, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { pfn } from '../../engine/include/types.ts';
import { PG_slab } from '../../engine/include/page-flags.ts';
import { PageReserved, max_mapnr, put_page_testzero, test_page_flag } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { __free_pages, free_cold_page, free_pages_bulk } from '../../engine/mm/page_alloc.ts';
import { bootedMachine, request } from '../oracle/engine-door.ts';
import { ramOf, stateOf } from './notation.ts';

type Step = { kind: 'alloc'; gfp: number; order: number } | { kind: 'free'; which: number; isCold: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('alloc' as const),
    gfp: fc.constantFrom(GFP_KERNEL, GFP_HIGHUSER, GFP_HIGHUSER | __GFP_COLD, GFP_ATOMIC, GFP_ATOMIC | GFP_DMA, GFP_KERNEL | __GFP_COMP),
    order: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) },
      { weight: 1, arbitrary: fc.integer({ min: 5, max: 11 }) },
    ),
  }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('free' as const), which: fc.nat(), isCold: fc.boolean() }) },
);

interface Held {
  page: Pfn;
  order: number;
}

function take(k: Kernel, held: Held[], cpu: number, { kind, ...asked }: Step): void {
  k.cpu = cpu;
  if (kind === 'alloc' && 'gfp' in asked) {
    const page = request(k, asked.gfp | __GFP_NOWARN, asked.order);
    if (page !== null) held.push({ page: pfn(page), order: asked.order });
  } else if ('which' in asked && held.length > 0) {
    const [block] = held.splice(asked.which % held.length, 1);
    give(k, block!, { isCold: asked.isCold });
  }
}

function give(k: Kernel, { page, order }: Held, { isCold }: { isCold: boolean }): void {
  if (order === 0 && isCold && put_page_testzero(k, page)) free_cold_page(k, page);
  else if (order > 0 || !isCold) __free_pages(k, page, order);
}

/** Free in lists + held + reserved + in slabs = all, zone by zone in sum. */
function checkSums(k: Kernel, held: readonly Held[]): void {
  const listed = (zone: zone): number => zone.pageset.reduce((pages, { pcp }) => pages + pcp[0].count + pcp[1].count, 0);
  const free = for_each_zone(k).reduce((sum, zone) => sum + zone.free_pages + listed(zone), 0);
  const used = held.reduce((sum, { order }) => sum + (1 << order), 0);
  let kept = 0;
  for (let page = 0; page < max_mapnr(k); page++) if (PageReserved(k, pfn(page)) || test_page_flag(k, pfn(page), PG_slab)) kept++;
  assert.equal(free + used + kept, max_mapnr(k));
}

/** Empties every per-CPU list into the buddy lists, so that nothing but the blocks is left to compare. */
function drain(k: Kernel): void {
  for (const zone of for_each_zone(k)) {
    for (const { pcp } of zone.pageset) {
      for (const list of pcp) {
        free_pages_bulk(k, zone, list.count, list.list, 0);
        list.count = 0;
      }
    }
  }
}

/** Blocks of a drained machine, whatever their order in the lists. */
function blocksOf(k: Kernel): string {
  drain(k);
  const ascending = (pages: string): string => pages.trim().split(' ').map(Number).sort((a, b) => a - b).join(' ');
  return stateOf(k).replace(/: ([\d ]+)/g, (_, pages: string) => `: ${ascending(pages)} `);
}

const MACHINES: readonly { megabytes: number; cpus: number; runs: number }[] = [
  { megabytes: 8, cpus: 1, runs: 40 }, { megabytes: 20, cpus: 2, runs: 25 }, { megabytes: 32, cpus: 1, runs: 15 },
  { megabytes: 900, cpus: 1, runs: 3 },
];

describe('whatever is asked for', () => {
  for (const { megabytes, cpus, runs } of MACHINES) {
    it(`IV-1 … IV-4: the laws hold after every step, and everything comes back: ${megabytes} MiB, ${cpus} CPU`, () => {
      const fresh = bootedMachine(ramOf(megabytes), { cpus });
      const blocks = blocksOf(structuredClone(fresh));
      fc.assert(fc.property(fc.array(fc.tuple(step, fc.nat({ max: cpus - 1 })), { maxLength: 60 }), (steps) => {
        const k = structuredClone(fresh);
        const held: Held[] = [];
        for (const [asked, cpu] of steps) {
          take(k, held, cpu, asked);
          assert.deepEqual(check_machine(k), []);
        }
        checkSums(k, held);
        for (const block of held) give(k, block, { isCold: false });
        assert.equal(blocksOf(k), blocks);
        assert.deepEqual(check_machine(k), []);
      }), { numRuns: runs, seed: 20061120 });
    });
  }

  it('nothing is handed out twice until memory is exhausted', () => {
    const k = bootedMachine(ramOf(8), { cpus: 1 });
    const seen = new Set<number>();
    for (let page = request(k, GFP_ATOMIC | __GFP_NOWARN, 0); page !== null; page = request(k, GFP_ATOMIC | __GFP_NOWARN, 0)) {
      assert.equal(seen.has(page), false);
      seen.add(page);
    }
    assert.ok(seen.size > 1000);
    assert.deepEqual(check_machine(k), []);
  });
});
