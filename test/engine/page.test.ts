// struct page: flags, references, compound blocks, pages that are not fit (KERNEL.md 1.2, PA-16).

import assert from 'node:assert/strict';
import { zonelist_of } from '../../engine/mm/mmzone.ts';
import type { Kernel } from '../../engine/kernel.ts';
import { NO_PAGE, pfn } from '../../engine/include/types.ts';
import { GFP_KERNEL, __GFP_COMP } from '../../engine/include/gfp.ts';
import * as flags from '../../engine/include/page-flags.ts';
import {
  PAGEFLAGS_MASK, PAGE_FLAG_NAMES, PG_active, PG_buddy, PG_dirty, PG_error, PG_lru, PG_referenced, PG_reserved, PG_swapcache, PG_uptodate,
  show_page_flags,
} from '../../engine/include/page-flags.ts';
import {
  PageBuddy, PageCompound, PageReserved, get_page, page_count, page_flags, page_lru_prev, page_mapcount, page_private, page_zonenum, set_page_count,
  set_page_flag, set_page_mapping, set_page_private, test_page_flag,
} from '../../engine/mm/mem_map.ts';
import { __free_pages, buffered_rmqueue } from '../../engine/mm/page_alloc.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { bootedMachine, zoneNamed } from '../oracle/engine-door.ts';
import { check, machineIn, ramOf, stateOf } from './notation.ts';


const alloc = (k: Kernel, order = 0, gfp = GFP_KERNEL): number => buffered_rmqueue(k, zoneNamed(k, 'DMA'), order, gfp, zonelist_of(k, 0, 0));
const newLines = (k: Kernel, run: () => void): string[] => {
  const before = k.log.lines.length;
  run();
  return k.log.lines.slice(before).map((line) => line.text);
};

describe('struct page', () => {
  it('P-7: the bits of flags, in order', () => {
    const names = 'locked error referenced uptodate dirty lru active slab checked arch_1 reserved private writeback nosave compound swapcache mappedtodisk reclaim nosave_free buddy';
    assert.deepEqual(PAGE_FLAG_NAMES, names.split(' ').map((name) => `PG_${name}`));
    for (const [bit, name] of PAGE_FLAG_NAMES.entries()) assert.equal((flags as unknown as Record<string, number>)[name], bit);
    assert.equal(show_page_flags((1 << PG_lru) | (1 << PG_dirty)), 'PG_dirty|PG_lru');
  });

  it('P-7: the zone number stands in the top bits', () => {
    const k = bootedMachine(ramOf(1024));
    assert.deepEqual([0, 4095, 4096, 229375, 229376].map((page) => page_zonenum(k, pfn(page))), [0, 0, 2, 2, 3]);
  });

  it('P-2 P-3: a free page has no reference; a page handed out has one and no mapping', () => {
    const k = machineIn('DMA o0: 9');
    assert.deepEqual([page_count(k, pfn(9)), PageBuddy(k, pfn(9))], [0, true]);
    assert.equal(alloc(k), 9);
    assert.deepEqual([page_count(k, pfn(9)), PageBuddy(k, pfn(9)), page_mapcount(k, pfn(9)), page_private(k, pfn(9))], [1, false, 0, 0]);
  });

  it('P-2: only the last reference frees', () => {
    check({ from: 'DMA o0: 11', run: (k) => { get_page(k, pfn(8)); __free_pages(k, pfn(8), 0); }, to: 'DMA o0: 11' });
    check({ from: 'DMA o0: 11', run: (k) => { get_page(k, pfn(8)); __free_pages(k, pfn(8), 0); __free_pages(k, pfn(8), 0); }, to: 'DMA o0: 8 11' });
  });

  it('P-8: a free page cannot be freed: it is reported and stays as it is', () => {
    const k = machineIn('DMA o0: 9');
    assert.equal(newLines(k, () => __free_pages(k, pfn(9), 0)).length, 3);
    assert.equal(stateOf(k), 'DMA o0: 9');
  });

  it('PA-16: what a new page loses: uptodate, error, referenced, its private word', () => {
    const k = machineIn('DMA o0: 9');
    for (const bit of [PG_uptodate, PG_error, PG_referenced]) set_page_flag(k, pfn(9), bit);
    assert.deepEqual(newLines(k, () => alloc(k)), []);
    assert.equal(show_page_flags(page_flags(k, pfn(9)) & PAGEFLAGS_MASK), '0');
    const hot = machineIn('Normal hot: 4100');
    set_page_private(hot, pfn(4100), 77);
    assert.equal(buffered_rmqueue(hot, zoneNamed(hot, 'Normal'), 0, GFP_KERNEL, zonelist_of(hot, 0, 0)), 4100);
    assert.equal(page_private(hot, pfn(4100)), 0);
  });

  it('P-2 P-6 PA-16: a compound block counts its references at its head', () => {
    const k = machineIn('DMA o2: 8');
    assert.equal(alloc(k, 2, GFP_KERNEL | __GFP_COMP), 8);
    const about = (page: number): unknown[] => [PageCompound(k, pfn(page)), page_private(k, pfn(page)), page_count(k, pfn(page))];
    assert.deepEqual([8, 9, 10, 11].map(about), [[true, 8, 1], [true, 8, 1], [true, 8, 1], [true, 8, 1]]);
    assert.equal(page_lru_prev(k, pfn(9)), 2);
    __free_pages(k, pfn(8), 2);
    assert.equal(stateOf(k), 'DMA o2: 8');
    assert.deepEqual([8, 9, 10, 11].map((page) => PageCompound(k, pfn(page))), [false, false, false, false]);
  });

  it('PA-16: without __GFP_COMP the pages of a block know nothing of one another', () => {
    const k = machineIn('DMA o2: 8');
    alloc(k, 2);
    assert.deepEqual([8, 9].map((page) => PageCompound(k, pfn(page))), [false, false]);
  });
});

describe('bad pages', () => {
  it('P-8: a page freed with a flag it may not have is reported, mended and freed', () => {
    const k = machineIn('DMA o0: 11');
    k.tasks[0]!.comm = 'driver';
    set_page_flag(k, pfn(8), PG_active);
    const lines = newLines(k, () => __free_pages(k, pfn(8), 0));
    assert.deepEqual(lines, [
      'Bad page state in process \'driver\'',
      'page:pfn 8 flags:0x00000040 (PG_active) mapping:00000000 mapcount:0 count:0',
      'Trying to fix it up, but a reboot is needed',
    ]);
    assert.equal(stateOf(k), 'DMA o0: 8 11');
    assert.equal(test_page_flag(k, pfn(8), PG_active), false);
  });

  for (const bit of [PG_lru, PG_swapcache, PG_buddy]) {
    it(`P-8: ${PAGE_FLAG_NAMES[bit]} is reported at both ends`, () => {
      const k = machineIn('Normal hot: 4100');
      set_page_flag(k, pfn(4101), bit);
      assert.equal(newLines(k, () => __free_pages(k, pfn(4101), 0)).length, 3);
      set_page_flag(k, pfn(4101), bit);
      assert.equal(newLines(k, () => buffered_rmqueue(k, zoneNamed(k, 'Normal'), 0, GFP_KERNEL, zonelist_of(k, 0, 0))).length, 3);
    });
  }

  it('P-8: a dirty page is freed in silence, but not handed out so', () => {
    const k = machineIn('DMA o0: 11');
    set_page_flag(k, pfn(8), PG_dirty);
    assert.deepEqual(newLines(k, () => __free_pages(k, pfn(8), 0)), []);
    assert.equal(test_page_flag(k, pfn(8), PG_dirty), false);
    set_page_flag(k, pfn(8), PG_dirty);
    assert.equal(newLines(k, () => alloc(k)).length, 3);
  });

  it('P-8: a mapped page is reported', () => {
    const k = machineIn('DMA o0: 11');
    set_page_mapping(k, pfn(8), 0x1000);
    assert.equal(newLines(k, () => __free_pages(k, pfn(8), 0)).length, 3);
  });

  it('PA-15: an anonymous page\'s mapping is dropped', () => {
    const k = machineIn('DMA o0: 11');
    set_page_mapping(k, pfn(8), 0x1001);
    assert.deepEqual(newLines(k, () => __free_pages(k, pfn(8), 0)), []);
  });

  it('P-8: a reserved page is never freed', () => {
    check({
      from: 'DMA o0: 11',
      run: (k) => {
        set_page_flag(k, pfn(8), PG_reserved);
        __free_pages(k, pfn(8), 0);
        assert.equal(PageReserved(k, pfn(8)), true);
      },
      to: 'DMA o0: 11',
    });
  });

  it('P-8: a block with a reserved page in it is kept out whole', () => {
    const k = machineIn('DMA o0: 11');
    set_page_count(k, pfn(17), 0);
    set_page_flag(k, pfn(17), PG_reserved);
    __free_pages(k, pfn(16), 1);
    assert.equal(stateOf(k), 'DMA o0: 11');
  });

  it('PA-16: a reserved page is passed over, another is taken', () => {
    const k = machineIn('DMA o0: 9 13');
    set_page_flag(k, pfn(9), PG_reserved);
    assert.equal(alloc(k), 13);
    assert.equal(alloc(k), NO_PAGE);
  });

  it('the state lint sees a referenced block', () => {
    const k = machineIn('DMA o0: 9');
    k.system_running = 1;
    assert.deepEqual(check_machine(k), []);
    set_page_count(k, pfn(9), 1);
    assert.deepEqual(check_machine(k), ['IV-1: DMA order 0 block 9: referenced 1 times']);
  });
});
