// Splitting and merging (KERNEL.md PA-8 … PA-13), and the per-CPU lists in front of them (PA-14, PA-15).

import { zonelist_of } from '../../engine/mm/mmzone.ts';
import type { Kernel } from '../../engine/kernel.ts';
import assert from 'node:assert/strict';
import { NO_PAGE, pfn } from '../../engine/include/types.ts';
import { GFP_KERNEL, __GFP_COLD } from '../../engine/include/gfp.ts';
import { __rmqueue, buffered_rmqueue, free_cold_page, __free_one_page, __free_pages } from '../../engine/mm/page_alloc.ts';
import { put_page_testzero, set_page_count } from '../../engine/mm/mem_map.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { check, machineIn, stateOf } from './notation.ts';

const take = (zone: string, order: number, expected: number) => (k: Kernel): void => assert.equal(__rmqueue(k, zoneNamed(k, zone), order), expected);
const give = (zone: string, page: number, order: number) => (k: Kernel): void => {
  for (let i = 0; i < 1 << order; i++) set_page_count(k, pfn(page + i), 0);
  __free_one_page(k, pfn(page), zoneNamed(k, zone), order);
};
const alloc = (zone: string, expected: number, gfp = GFP_KERNEL, order = 0) => (k: Kernel): void => {
  assert.equal(buffered_rmqueue(k, zoneNamed(k, zone), order, gfp, zonelist_of(k, 0, 0)), expected);
};
const free = (page: number, order = 0) => (k: Kernel): void => __free_pages(k, pfn(page), order);
const freeCold = (page: number) => (k: Kernel): void => {
  put_page_testzero(k, pfn(page));
  free_cold_page(k, pfn(page));
};
const all = (...steps: ((k: Kernel) => void)[]) => (k: Kernel): void => steps.forEach((step) => step(k));
const pages = (first: number, count: number): string => Array.from({ length: count }, (_, i) => first + i).join(' ');

describe('the buddy allocator', () => {
  it('PA-12 PA-13: cuts the only block, keeps its lowest page, upper halves go to the lists below', () => {
    check({ from: 'DMA o3: 8', run: take('DMA', 0, 8), to: 'DMA o0: 9 | o1: 10 | o2: 12' });
  });

  it('PA-10 PA-13: the page comes back and all is one block again', () => {
    check({ from: 'DMA o0: 9 | o1: 10 | o2: 12', run: give('DMA', 8, 0), to: 'DMA o3: 8' });
  });

  it('PA-12: the head of the smallest list that is large enough', () => {
    check({ from: 'DMA o1: 10 6 | o3: 16', run: take('DMA', 0, 10), to: 'DMA o0: 11 | o1: 6 | o3: 16' });
    check({ from: 'DMA o0: 5 | o2: 32 24 | o3: 16', run: take('DMA', 2, 32), to: 'DMA o0: 5 | o2: 24 | o3: 16' });
    check({ from: 'DMA o0: 5 | o1: 6', run: take('DMA', 2, NO_PAGE), to: 'DMA o0: 5 | o1: 6' });
    check({ from: 'DMA o10: 1024', run: take('DMA', 10, 1024), to: '' });
  });

  it('PA-12: an upper half goes to the head of its list', () => {
    check({ from: 'DMA o0: - | o1: - | o2: 8', run: all(take('DMA', 1, 8), take('DMA', 0, 10)), to: 'DMA o0: 11' });
    check({ from: 'DMA o2: 8 | o1: -', run: all(give('DMA', 0, 1), take('DMA', 2, 8)), to: 'DMA o1: 0' });
  });

  it('PA-10: a freed block goes to the head of its list', () => {
    check({ from: 'DMA o0: 2', run: all(give('DMA', 4, 0), give('DMA', 9, 0)), to: 'DMA o0: 9 4 2' });
  });

  it('PA-8: the buddy differs in one bit; neighbours that are no buddies stay apart', () => {
    check({ from: 'DMA o0: 9', run: give('DMA', 10, 0), to: 'DMA o0: 10 9' });
    check({ from: 'DMA o1: 2', run: give('DMA', 4, 1), to: 'DMA o1: 4 2' });
    check({ from: 'DMA o1: 6', run: give('DMA', 4, 1), to: 'DMA o2: 4' });
  });

  it('PA-9: the buddy must be free, of the same order and in the same zone', () => {
    check({ from: 'DMA o1: 10', run: give('DMA', 8, 0), to: 'DMA o0: 8 | o1: 10' });
    check({ from: 'DMA o0: 13', run: give('DMA', 14, 1), to: 'DMA o0: 13 | o1: 14' });
    check({ from: 'DMA o10: 3072', run: give('Normal', 4096, 10), to: 'DMA o10: 3072 ; Normal o10: 4096' });
  });

  it('PA-10: merging ends at order 10', () => {
    check({ from: 'DMA o10: 1024 | o9: 512', run: give('DMA', 0, 9), to: 'DMA o10: 0 1024' });
  });

  it('PA-10: a page in a per-CPU list is no buddy', () => {
    check({ from: 'Normal hot: 4097', run: give('Normal', 4096, 0), to: 'Normal o0: 4096 | hot: 4097' });
  });

  it('PA-11: freeing resets all_unreclaimable and pages_scanned', () => {
    const k = machineIn('Normal o0: 4100');
    const zone = zoneNamed(k, 'Normal');
    zone.all_unreclaimable = 1;
    zone.pages_scanned = 77;
    __free_pages(k, pfn(4104), 1);
    assert.deepEqual([zone.all_unreclaimable, zone.pages_scanned], [0, 0]);
    const dma = zoneNamed(k, 'DMA');
    dma.all_unreclaimable = 1;
    dma.pages_scanned = 77;
    __free_pages(k, pfn(8), 0);
    assert.deepEqual([dma.all_unreclaimable, dma.pages_scanned], [0, 0]);
  });
});

describe('per-CPU lists', () => {
  it('PA-14: an empty list takes a batch, which comes out in buddy order', () => {
    check({ from: 'Normal o3: 4104', run: alloc('Normal', 4104), to: 'Normal o0: 4107 | o2: 4108 | hot: 4105 4106' });
    check({ from: 'Normal o3: 4104', run: all(alloc('Normal', 4104), alloc('Normal', 4105), alloc('Normal', 4106)), to: 'Normal o0: 4107 | o2: 4108' });
  });

  it('PA-14: a refill takes what there is', () => {
    check({ from: 'Normal o1: 4104', run: alloc('Normal', 4104), to: 'Normal hot: 4105' });
    check({ from: '', run: alloc('Normal', NO_PAGE), to: '' });
  });

  it('PA-14: cold requests have their own list', () => {
    check({ from: 'Normal o0: 4100 | hot: 4105', run: alloc('Normal', 4100, GFP_KERNEL | __GFP_COLD), to: 'Normal hot: 4105' });
    check({ from: 'Normal o0: 4100 | hot: 4105 | cold: 4200 4201', run: alloc('Normal', 4200, GFP_KERNEL | __GFP_COLD), to: 'Normal o0: 4100 | hot: 4105 | cold: 4201' });
  });

  it('PA-14: a block of pages passes the lists by', () => {
    check({ from: 'Normal o1: 4104 | hot: 4110', run: alloc('Normal', 4104, GFP_KERNEL, 1), to: 'Normal hot: 4110' });
  });

  it('PA-7 PA-14 PA-15: in zone DMA a page comes and goes one by one', () => {
    check({ from: 'DMA o1: 8', run: alloc('DMA', 8), to: 'DMA o0: 9' });
    check({ from: 'DMA o0: 9', run: free(8), to: 'DMA o1: 8' });
  });

  it('PA-15: a freed page is the next to go out', () => {
    check({ from: 'Normal hot: 4200 4300', run: free(4100), to: 'Normal hot: 4100 4200 4300' });
    check({ from: 'Normal hot: 4200', run: freeCold(4100), to: 'Normal hot: 4200 | cold: 4100' });
    check({ from: 'Normal hot: 4200', run: all(free(4100), alloc('Normal', 4100)), to: 'Normal hot: 4200' });
  });

  it('PA-15: a list that reaches high gives back a batch, oldest first', () => {
    check({ from: `Normal hot: ${pages(4200, 16)}`, run: free(4100), to: `Normal hot: 4100 ${pages(4200, 16)}` });
    check({ from: `Normal hot: ${pages(4200, 17)}`, run: free(4100), to: `Normal o0: 4216 | o1: 4214 | hot: 4100 ${pages(4200, 14)}` });
  });

  it('PA-15: a block goes straight to the buddy lists', () => {
    check({ from: 'Normal hot: 4110', run: free(4104, 2), to: 'Normal o2: 4104 | hot: 4110' });
  });

  it('Z-3: pages in per-CPU lists are not free pages', () => {
    const k = machineIn('Normal o2: 4100 | hot: 4110 4111 | cold: 4112');
    assert.equal(zoneNamed(k, 'Normal').free_pages, 4);
    assert.equal(stateOf(k), 'Normal o2: 4100 | hot: 4110 4111 | cold: 4112');
  });
});
