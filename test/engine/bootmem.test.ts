// The boot allocator and the handover (KERNEL.md B-3 … B-8).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import { pfn, phys } from '../../engine/include/types.ts';
import { MAX_DMA_ADDRESS, __alloc_bootmem_core, bootmap_size, free_all_bootmem, free_bootmem, init_bootmem, reserve_bootmem } from '../../engine/mm/bootmem.ts';
import { PageReserved, page_count, page_mapcount } from '../../engine/mm/mem_map.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { log_lines } from '../../engine/kernel/printk.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { bootedMachine, bringUpZones, unbootedMachine, zoneNamed } from '../oracle/engine-door.ts';
import { MiB, ramOf, stateOf } from './notation.ts';

const PAGE = 4096;

/** A machine whose boot allocator has these pages free, written `4-9 16`. */
function bootmemWith(free: string, megabytes = 64): Kernel {
  const k = unbootedMachine(ramOf(megabytes));
  init_bootmem(k, pfn(1), k.platform.max_low_pfn);
  for (const range of free.split(' ')) {
    const [first, last] = range.split('-').map(Number) as [number, number | undefined];
    free_bootmem(k, phys(first * PAGE), ((last ?? first) - first + 1) * PAGE);
  }
  return k;
}

const found = (k: Kernel, size: number, align = 32, goal = 0, limit = 0): string => {
  const address = __alloc_bootmem_core(k, size, align, goal, limit);
  return address < 0 ? 'none' : `${Math.floor(address / PAGE)}+${address % PAGE}`;
};

describe('bootmem', () => {
  it('B-3: all is reserved until it is freed; a page that is only partly in a range is not freed, but reserved', () => {
    const k = bootmemWith('4-7');
    assert.equal(found(k, PAGE, PAGE), '4+0');
    free_bootmem(k, phys(8 * PAGE + 100), 2 * PAGE);
    assert.equal(found(k, PAGE, PAGE), '5+0');
    reserve_bootmem(k, phys(6 * PAGE + 100), 10);
    assert.equal(found(k, PAGE, PAGE), '7+0');
    assert.equal(found(k, PAGE, PAGE), '9+0');
    assert.equal(found(k, PAGE, PAGE), 'none');
  });

  it('B-3: the bitmap takes a bit a page, in whole words', () => {
    assert.deepEqual([1, 32, 33, 16384, 229376].map(bootmap_size), [4, 4, 8, 2048, 28672]);
  });

  it('B-4: first fit from the goal up, then from the bottom', () => {
    const goal = MAX_DMA_ADDRESS;
    assert.equal(found(bootmemWith('4-9 4100-4110'), PAGE, PAGE, goal), '4100+0');
    assert.equal(found(bootmemWith('4-9'), PAGE, PAGE, goal), '4+0');
    assert.equal(found(bootmemWith('4-9 4100-4101'), 3 * PAGE, PAGE, goal), '4+0');
    assert.equal(found(bootmemWith('100-110', 8), PAGE, PAGE, goal), '100+0');
  });

  it('B-4: the search goes on from the last success, and a free takes it back', () => {
    const k = bootmemWith('4096-4200');
    assert.equal(found(k, 50 * PAGE, PAGE, MAX_DMA_ADDRESS), '4096+0');
    assert.equal(k.bootmem!.last_success, 4096 * PAGE);
    assert.equal(found(k, PAGE, PAGE, MAX_DMA_ADDRESS), '4146+0');
    free_bootmem(k, phys(4100 * PAGE), PAGE);
    assert.equal(k.bootmem!.last_success, 4100 * PAGE);
    assert.equal(found(k, PAGE, PAGE, MAX_DMA_ADDRESS), '4100+0');
  });

  it('B-4: steps by the alignment, and past a hole by one step more', () => {
    assert.equal(found(bootmemWith('5-30'), PAGE, 4 * PAGE), '8+0');
    assert.equal(found(bootmemWith('4-5 7-9 11-13'), 3 * PAGE, PAGE), '7+0');
    assert.equal(found(bootmemWith('4-5 8-19'), 4 * PAGE, 4 * PAGE), '12+0');
  });

  it('B-4: small allocations share pages', () => {
    const k = bootmemWith('4-9');
    assert.deepEqual([found(k, 8), found(k, 23), found(k, 100, 64)], ['4+0', '4+32', '4+64']);
    assert.equal(found(k, PAGE), '4+192');
    assert.deepEqual([k.bootmem!.last_pos, k.bootmem!.last_offset], [5, 192]);
    assert.equal(found(k, 16, PAGE), '6+0');
    assert.equal(found(k, 16), '6+32');
  });

  it('B-4: the limit bounds the search', () => {
    assert.equal(found(bootmemWith('4-9'), 3 * PAGE, PAGE, 0, 6 * PAGE), 'none');
    assert.equal(found(bootmemWith('4-9'), 2 * PAGE, PAGE, 0, 6 * PAGE), '4+0');
  });

  it('B-4: freeing twice is a BUG; running out is a panic', () => {
    const k = bootmemWith('4-9');
    assert.throws(() => free_bootmem(k, phys(5 * PAGE), PAGE), /kernel BUG at mm\/bootmem\.c/);
    assert.throws(() => bootedMachine([{ start: 4 * MiB - 2 * PAGE, end: 4 * MiB }]), /Kernel panic/);
  });
});

describe('free_all_bootmem', () => {
  /** Hands over; the zones' state, and how the pages were counted. */
  function handOver(free: string): { state: string; count: string; freed: string } {
    const k = bootmemWith(free);
    bringUpZones(k);
    set_tracing(k, 1);
    free_all_bootmem(k);
    const records = trace_records(k);
    const freed = records.filter(({ name }) => name === 'mm_page_free').map(({ args }) => `${args['pfn']}o${args['order']}`);
    return { state: stateOf(k), count: JSON.stringify(records.at(-1)!.args), freed: freed.join(' ') };
  }

  it('B-5: whole words of 32 pages go as order-5 blocks, other pages singly, ascending; the bitmap\'s own page last', () => {
    const { count, freed } = handOver('30-95 128-130');
    assert.equal(freed, '30o0 31o0 32o5 64o5 128o0 129o0 130o0 1o0');
    assert.equal(count, '{"pages":70,"order5_blocks":2,"single_pages":6}');
  });

  it('B-5: blocks merge as far as they go, the highest one last to come is first in its list', () => {
    assert.equal(handOver('1024-4095').state, 'DMA o0: 1 | o10: 3072 2048 1024');
    assert.equal(handOver('32-95').state, 'DMA o0: 1 | o5: 64 32');
    assert.equal(handOver('64-127').state, 'DMA o0: 1 | o6: 64');
  });

  it('B-5 PA-15: single pages of Normal stay in its hot list as far as it holds them', () => {
    assert.equal(handOver('4100-4103').state, 'DMA o0: 1 ; Normal hot: 4103 4102 4101 4100');
  });

  it('B-6: what was not handed over stays reserved, with one reference and no mapping', () => {
    const k = bootedMachine(ramOf(64));
    const about = (page: number): unknown[] => [PageReserved(k, pfn(page)), page_count(k, pfn(page)), page_mapcount(k, pfn(page))];
    assert.deepEqual([0, 0xa0, 256].map(about), [[true, 1, 0], [true, 1, 0], [true, 1, 0]]);
    assert.deepEqual(about(3072), [false, 0, 0]);
  });

  it('B-7: high pages are RAM page by page; firmware holes stay out', () => {
    const hole = { start: 960 * MiB, end: 964 * MiB };
    const k = bootedMachine([...ramOf(960), { start: hole.end, end: 1024 * MiB }]);
    assert.equal(k.totalhigh_pages, ((1024 - 896 - 4) * MiB) / PAGE);
    assert.equal(PageReserved(k, pfn(hole.start / PAGE)), true);
    assert.deepEqual(check_machine(k), []);
  });

  it('B-8: present pages are spanned pages, holes and image and all; the boot says so', () => {
    const k = bootedMachine(ramOf(64));
    const lines = log_lines(k, 0).map((line) => line.text).filter((line) => /^On node|zone/.test(line));
    assert.deepEqual(lines, ['On node 0 totalpages: 16384', '  DMA zone: 4096 pages, LIFO batch:0', '  Normal zone: 12288 pages, LIFO batch:3', 'Built 1 zonelists.  Total pages: 16384']);
    assert.equal(zoneNamed(k, 'DMA').present_pages, 4096);
  });
});
