// Watermarks and the decision list of an allocation (KERNEL.md PA-1, PA-17 … PA-21, PA-25).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { PF_MEMALLOC } from '../../engine/include/sched.ts';
import {
  GFP_ATOMIC, GFP_DMA, GFP_HIGHUSER, GFP_KERNEL, GFP_NOWAIT, GFP_ZONEMASK, __GFP_NOMEMALLOC, __GFP_NOWARN, __GFP_ZERO,
} from '../../engine/include/gfp.ts';
import { page_zone } from '../../engine/mm/mem_map.ts';
import { zonelist_of } from '../../engine/mm/mmzone.ts';
import {
  ALLOC_HARDER, ALLOC_HIGH, ALLOC_NO_WATERMARKS, ALLOC_WMARK_HIGH, ALLOC_WMARK_LOW, ALLOC_WMARK_MIN, __get_free_pages, alloc_pages,
  get_page_from_freelist, get_zeroed_page, zone_watermark_ok,
} from '../../engine/mm/page_alloc.ts';
import { gfp_to_alloc_flags } from '../../engine/mm/page_alloc_slow.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { bootedMachine, request, zoneNamed } from '../oracle/engine-door.ts';
import { machineIn, ramOf } from './notation.ts';

const DMA = 0;
const NORMAL = 2;

interface Mark {
  zone?: string;
  order?: number;
  mark: 'min' | 'low' | 'high';
  classzone?: number;
  flags?: number;
  megabytes?: number;
}

/** Whether a zone with so many free blocks of each order passes. */
function passes(test: Mark & { free: readonly number[] }): boolean {
  return passesOn(machineIn('', test.megabytes ?? 256), test, test.free);
}

function passesOn(k: Kernel, test: Mark, free: readonly number[]): boolean {
  const zone = zoneNamed(k, test.zone ?? 'Normal');
  zone.free_pages = 0;
  for (const [order, blocks] of free.entries()) {
    zone.free_area[order]!.nr_free = blocks;
    zone.free_pages += blocks << order;
  }
  return zone_watermark_ok(k, zone, test.order ?? 0, zone[`pages_${test.mark}`], test.classzone ?? NORMAL, test.flags ?? 0);
}

/** The least number of free pages (all single) with which a zone passes. */
function needs(test: Mark): number {
  const k = machineIn('', test.megabytes ?? 256);
  let free = 0;
  while (!passesOn(k, test, [free])) free++;
  return free;
}

function zoneOfRequest(k: Kernel, gfp: number, flags: number): string {
  const page = get_page_from_freelist(k, gfp, 0, zonelist_of(k, 0, gfp & GFP_ZONEMASK), flags);
  return page === NO_PAGE ? 'none' : page_zone(k, page).name;
}

describe('watermarks', () => {
  it('PA-20: the flags', () => {
    assert.deepEqual([ALLOC_NO_WATERMARKS, ALLOC_WMARK_MIN, ALLOC_WMARK_LOW, ALLOC_WMARK_HIGH, ALLOC_HARDER, ALLOC_HIGH], [1, 2, 4, 8, 0x10, 0x20]);
  });

  it('PA-19: order 0 at the low mark of 256 MiB\'s Normal needs 601 free pages', () => {
    assert.equal(needs({ mark: 'low' }), 601);
  });

  it('PA-19: GFP_ATOMIC at the min mark needs 181', () => {
    assert.equal(needs({ mark: 'min', flags: ALLOC_HIGH | ALLOC_HARDER }), 181);
  });

  it('PA-17: HIGH halves, HARDER takes a quarter, in this order', () => {
    assert.equal(needs({ mark: 'min' }), 481);
    assert.equal(needs({ mark: 'min', flags: ALLOC_HIGH }), 241);
    assert.equal(needs({ mark: 'min', flags: ALLOC_HARDER }), 361);
    assert.equal(needs({ mark: 'min', zone: 'DMA', classzone: DMA, megabytes: 1024, flags: ALLOC_HIGH | ALLOC_HARDER }), 8);
  });

  it('PA-19: a request that could use Normal leaves DMA its reserve', () => {
    assert.equal(needs({ mark: 'low', zone: 'DMA' }), 281);
    assert.equal(needs({ mark: 'low', zone: 'DMA', classzone: DMA }), 41);
  });

  it('PA-19: free pages in blocks that are too small do not count', () => {
    assert.equal(passes({ free: [700, 50, 20, 5], order: 3, mark: 'low' }), false);
    assert.equal(passes({ free: [400, 100, 20, 30], order: 3, mark: 'low' }), true);
  });

  it('PA-17: equal is not enough, in the first test and in those after it', () => {
    assert.deepEqual([600, 601].map((single) => passes({ free: [single], mark: 'low' })), [false, true]);
    const pairsOf939 = (pairs: number): boolean => passes({ megabytes: 1024, free: [1000, pairs], order: 1, mark: 'min' });
    assert.deepEqual([235, 236].map(pairsOf939), [false, true]);
  });

  it('PA-17: the reserve counts in the first test only', () => {
    assert.equal(passes({ zone: 'DMA', free: [240, 0, 0, 12], order: 3, mark: 'low' }), true);
    assert.equal(passes({ zone: 'DMA', free: [280, 0, 0, 1], order: 3, mark: 'low' }), false);
  });

  it('PA-17: the event names the order it failed at', () => {
    const k = machineIn('', 256);
    set_tracing(k, 1);
    const zone = zoneNamed(k, 'Normal');
    zone.free_area[0]!.nr_free = 700;
    zone.free_area[3]!.nr_free = 28;
    zone.free_pages = 924;
    zone_watermark_ok(k, zone, 3, zone.pages_low, NORMAL, 0);
    assert.deepEqual(trace_records(k).map(({ name, args }) => [name, args]), [
      ['mm_watermark_check', { zone: 2, order: 3, mark: 600, classzone: 2, alloc_flags: 0, free: 924, ok: 0, failed_at_order: 0 }],
    ]);
  });
});

describe('get_page_from_freelist', () => {
  const littleInNormal = 'DMA o10: 1024 2048 ; Normal o0: 4100 | hot: 4200';

  it('PA-18 PA-21: the first zone of the list that passes gives the page', () => {
    assert.equal(zoneOfRequest(machineIn('DMA o10: 1024 ; Normal o10: 5120'), GFP_KERNEL, ALLOC_WMARK_LOW), 'Normal');
    assert.equal(zoneOfRequest(machineIn('DMA o10: 1024 ; Normal o10: 5120'), GFP_DMA, ALLOC_WMARK_LOW), 'DMA');
    assert.equal(zoneOfRequest(machineIn(littleInNormal), GFP_KERNEL, ALLOC_WMARK_LOW), 'DMA');
    assert.equal(zoneOfRequest(machineIn('Normal o10: 5120 ; HighMem o10: 230400', 1024), GFP_HIGHUSER, ALLOC_WMARK_LOW), 'HighMem');
  });

  it('PA-18: without HighMem its requests count as Normal\'s', () => {
    assert.equal(zoneOfRequest(machineIn('DMA o6: 1024 | o5: 2048 ; Normal o0: 4100'), GFP_HIGHUSER, ALLOC_WMARK_LOW), 'none');
    assert.equal(zoneOfRequest(machineIn('DMA o6: 1024 | o5: 2048 ; Normal o0: 4100'), GFP_DMA, ALLOC_WMARK_LOW), 'DMA');
  });

  it('PA-17: pages in per-CPU lists do not help a zone to pass', () => {
    assert.equal(zoneOfRequest(machineIn('Normal o0: 4100 | hot: 4200 4201'), GFP_KERNEL, ALLOC_WMARK_LOW), 'none');
    assert.equal(zoneOfRequest(machineIn('Normal o0: 4100 | hot: 4200 4201'), GFP_KERNEL, ALLOC_NO_WATERMARKS), 'Normal');
  });
});

describe('__alloc_pages', () => {
  const counts = (k: Kernel): string => trace_records(k).filter(({ name }) => name.includes('kswapd') || name.includes('failure'))
    .map(({ name, args }) => `${name} ${JSON.stringify(args)}`).join('\n');

  it('PA-1: an order past the largest gets nothing, at once', () => {
    const k = bootedMachine(ramOf(64));
    set_tracing(k, 1);
    assert.equal(request(k, GFP_KERNEL, 11), null);
    assert.equal(trace_records(k).length, 0);
    assert.notEqual(request(k, GFP_KERNEL, 10), null);
  });

  it('PA-21: (3) how hard a request may try', () => {
    const k = machineIn('');
    assert.equal(gfp_to_alloc_flags(k, GFP_KERNEL), ALLOC_WMARK_MIN);
    assert.equal(gfp_to_alloc_flags(k, GFP_NOWAIT), ALLOC_WMARK_MIN | ALLOC_HARDER);
    assert.equal(gfp_to_alloc_flags(k, GFP_ATOMIC), ALLOC_WMARK_MIN | ALLOC_HARDER | ALLOC_HIGH);
    k.tasks[0]!.rt = 1;
    assert.equal(gfp_to_alloc_flags(k, GFP_KERNEL), ALLOC_WMARK_MIN | ALLOC_HARDER);
  });

  it('PA-21: (2) below every low mark kswapd is asked for every zone, then the min mark counts', () => {
    const k = machineIn('Normal o7: 4224 | o6: 4480 | o4: 4352');
    set_tracing(k, 1);
    assert.equal(zoneNamed(k, 'Normal').free_pages, 208);
    assert.equal(request(k, GFP_KERNEL, 0), 4352);
    assert.equal(counts(k), 'mm_vmscan_wakeup_kswapd {"nid":0,"zid":2,"order":0,"gfp_flags":208}\nmm_vmscan_wakeup_kswapd {"nid":0,"zid":0,"order":0,"gfp_flags":208}');
  });

  it('QK-7: kswapd is not asked for a zone that is above its own low mark, whatever its reserve', () => {
    const k = machineIn('DMA o6: 1024 | o5: 2048 ; Normal o7: 4224 | o6: 4480 | o4: 4352');
    set_tracing(k, 1);
    assert.equal(request(k, GFP_KERNEL, 0), 4352);
    assert.equal(counts(k), 'mm_vmscan_wakeup_kswapd {"nid":0,"zid":2,"order":0,"gfp_flags":208}');
  });

  it('PA-21: (4) PF_MEMALLOC takes the last page, unless the mask forbids it', () => {
    const k = machineIn('Normal o0: 4352 4100');
    assert.equal(request(k, GFP_NOWAIT | __GFP_NOWARN, 0), null);
    k.tasks[0]!.flags |= PF_MEMALLOC;
    assert.equal(request(k, GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC, 0), null);
    assert.equal(request(k, GFP_NOWAIT | __GFP_NOWARN, 0), 4352);
    k.tasks[0]!.flags &= ~PF_MEMALLOC;
    k.tasks[0]!.memdie = 1;
    assert.equal(request(k, GFP_NOWAIT | __GFP_NOWARN, 0), 4100);
  });

  it('PA-21: nopage reports unless __GFP_NOWARN', () => {
    const quiet = machineIn('');
    const before = quiet.log.seq;
    assert.equal(request(quiet, GFP_ATOMIC | __GFP_NOWARN, 2), null);
    assert.equal(quiet.log.seq, before);
    const loud = machineIn('');
    const from = loud.log.lines.length;
    assert.equal(request(loud, GFP_ATOMIC, 2), null);
    assert.deepEqual(loud.log.lines.slice(from, from + 2).map((line) => line.text), ['swapper: page allocation failure. order:2, mode:0x20', 'Mem-info:']);
  });

  it('PA-25: addresses of pages; highmem has none', () => {
    const k = bootedMachine(ramOf(1024));
    const address = __get_free_pages(k, GFP_KERNEL, 1).next().value as number;
    assert.ok(address >= 0xc0000000 && address < 0xf8000000 && address % 8192 === 0);
    assert.throws(() => __get_free_pages(k, GFP_HIGHUSER, 0).next(), /kernel BUG at mm\/page_alloc\.c/);
    const zeroed = get_zeroed_page(k, GFP_KERNEL).next().value as number;
    assert.notEqual(zeroed, 0);
    assert.equal(get_zeroed_page(machineIn(''), GFP_ATOMIC | __GFP_NOWARN | __GFP_ZERO).next().value, 0);
  });

  it('PA-16: __GFP_ZERO costs the time of every page', () => {
    const spent = (gfp: number): number => {
      const k = machineIn('Normal o10: 5120 6144');
      const before = k.now;
      alloc_pages(k, gfp, 3).next();
      return k.now - before;
    };
    const k = machineIn('');
    assert.equal(spent(GFP_KERNEL | __GFP_ZERO) - spent(GFP_KERNEL), 8 * k.cost.zero_page);
  });
});
