// Pages that are freed wrongly: reported in the kernel's words, and no law is broken by it (KERNEL.md P-8); the calls that free and divide blocks
// (PA-25, PA-26, EV-1).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import { NO_PAGE, pfn, virt } from '../../engine/include/types.ts';
import { GFP_ATOMIC, GFP_HIGHUSER, GFP_KERNEL, __GFP_COMP, __GFP_HIGHMEM, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { PG_active, PG_lru } from '../../engine/include/page-flags.ts';
import {
  get_page, list_add, list_pages, page_count, page_count_raw, page_zone, set_page_count, set_page_flag, test_page_flag,
} from '../../engine/mm/mem_map.ts';
import {
  __free_pages, __get_free_pages, __pagevec_free, alloc_pages, free_page, free_pages, get_zeroed_page, split_page,
} from '../../engine/mm/page_alloc.ts';
import { put_page } from '../../engine/mm/swap.ts';
import { read_phys, write_phys } from '../../engine/mm/contents.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { page_address, virt_to_page, virt_to_phys } from '../../engine/arch/address.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith } from './tasks.ts';
import { MiB, machineIn, stateOf } from './notation.ts';

const booted = (memory = 16 * MiB): Kernel => machineWith([], { memory }).k;

/** The value of a generator that must not sleep. */
function now<T>(generator: Generator<unknown, T, void>): T {
  const step = generator.next();
  if (step.done !== true) throw new Error('it sleeps');
  return step.value;
}

const alloc = (k: Kernel, order: number, gfp = GFP_KERNEL): Pfn => now(alloc_pages(k, gfp | __GFP_NOWARN, order));
const reports = (k: Kernel, run: () => void): number[] => {
  const before = k.log.lines.length;
  run();
  return k.log.lines.slice(before).flatMap(({ text }) => /^page:pfn (\d+)/.exec(text)?.slice(1).map(Number) ?? []);
};

describe('a page that is freed wrongly', () => {
  it('P-8: a double free is reported in the kernel\'s words and changes nothing', () => {
    const k = machineIn('DMA o0: 9 | hot: 20');
    k.system_running = 1;
    const before = stateOf(k);
    k.tasks[0]!.comm = 'driver';
    const from = k.log.lines.length;
    __free_pages(k, pfn(9), 0);
    __free_pages(k, pfn(20), 0);
    assert.deepEqual(k.log.lines.slice(from).map((line) => line.text), [
      'Bad page state in process \'driver\'',
      'page:pfn 9 flags:0x00080000 (PG_buddy) mapping:00000000 mapcount:0 count:0',
      'Trying to fix it up, but a reboot is needed',
      'Bad page state in process \'driver\'',
      'page:pfn 20 flags:0x00000000 (0) mapping:00000000 mapcount:0 count:0',
      'Trying to fix it up, but a reboot is needed',
    ]);
    assert.equal(stateOf(k), before);
    assert.deepEqual(check_machine(k), []);
  });

  it('P-8: a page inside a free block, and one inside a block in use, cannot be freed', () => {
    const k = booted();
    const used = alloc(k, 3);
    const free = alloc(k, 3);
    __free_pages(k, free, 3);
    const before = stateOf(k);
    assert.deepEqual(reports(k, () => __free_pages(k, pfn(free + 3), 0)), [free + 3]);
    assert.deepEqual(reports(k, () => __free_pages(k, pfn(used + 3), 0)), [used + 3]);
    assert.equal(stateOf(k), before);
    __free_pages(k, used, 3);
    assert.deepEqual(check_machine(k), []);
  });

  it('P-8: a block freed with too large an order is not freed where it would take free pages along', () => {
    const k = machineIn('DMA o0: 9 | o1: 10 | hot: 13');
    k.system_running = 1;
    const before = stateOf(k);
    assert.deepEqual(reports(k, () => __free_pages(k, pfn(8), 3)), [9, 10, 13]);
    assert.equal(stateOf(k), before);
    assert.deepEqual(check_machine(k), []);
  });

  it('P-8: a compound block freed with a smaller order is reported, and its head alone is free', () => {
    const k = booted();
    const block = alloc(k, 2, GFP_KERNEL | __GFP_COMP);
    assert.deepEqual(reports(k, () => __free_pages(k, block, 1)), [block]);
    assert.deepEqual(check_machine(k), []);
  });

  it('IV-1 … IV-4: whatever is freed, how often and with whatever order, the laws hold and the machine goes on', () => {
    const fresh = booted(8 * MiB);
    const step = fc.record({ kind: fc.constantFrom('alloc', 'free', 'again', 'any'), order: fc.integer({ min: 0, max: 5 }), which: fc.nat() });
    fc.assert(fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const k = structuredClone(fresh);
      const held: { page: Pfn; order: number }[] = [];
      for (const { kind, order, which } of steps) {
        const block = held[which % Math.max(1, held.length)];
        if (kind === 'alloc') held.push({ page: alloc(k, order, order % 2 === 0 ? GFP_ATOMIC : GFP_KERNEL | __GFP_COMP), order });
        else if (kind === 'any') __free_pages(k, pfn((((which % 2048) >> order) << order)), order);
        else if (block !== undefined && block.page !== NO_PAGE) __free_pages(k, block.page, kind === 'free' ? block.order : order % (block.order + 1));
        assert.deepEqual(check_machine(k), []);
      }
      assert.ok(alloc(k, 0, GFP_ATOMIC) !== NO_PAGE || steps.length > 0);
    }), { numRuns: 60, seed: 20060919 });
  });
});

describe('ways to allocate and free', () => {
  it('PA-25: __get_free_pages and get_zeroed_page return addresses of the direct map; highmem is a BUG', () => {
    const k = booted();
    const address = now(__get_free_pages(k, GFP_KERNEL, 1));
    const page = virt_to_page(k, address);
    assert.deepEqual([page_address(k, page), page_count(k, page)], [address, 1]);
    write_phys(k, virt_to_phys(k, address), 0x5a);
    free_pages(k, address, 1);
    assert.equal(page_count_raw(k, page), 0);
    const zeroed = now(get_zeroed_page(k, GFP_KERNEL));
    assert.equal(read_phys(k, virt_to_phys(k, zeroed)), 0);
    free_page(k, zeroed);
    assert.throws(() => now(__get_free_pages(k, GFP_KERNEL | __GFP_HIGHMEM, 0)), /highmem has no kernel address/);
    assert.deepEqual(check_machine(k), []);
  });

  it('PA-25: free_pages(0) does nothing; an address that no page has is a BUG', () => {
    const k = booted();
    const before = stateOf(k);
    free_pages(k, 0 as VirtAddr, 0);
    assert.equal(stateOf(k), before);
    assert.throws(() => free_page(k, virt(0xf8000000)), /kernel BUG at mm\/page_alloc\.c:free_pages/);
    assert.throws(() => free_page(k, virt(0x1000)), /kernel BUG at mm\/page_alloc\.c:free_pages/);
  });

  it('split_page: the pages of a block can be freed one by one', () => {
    const k = booted();
    const block = alloc(k, 2);
    split_page(k, block, 2);
    assert.deepEqual([0, 1, 2, 3].map((i) => page_count_raw(k, pfn(block + i))), [1, 1, 1, 1]);
    for (const i of [3, 1, 0, 2]) __free_pages(k, pfn(block + i), 0);
    assert.deepEqual(check_machine(k), []);
    assert.throws(() => split_page(k, block, 2), /split_page: the block is free/);
    const compound = alloc(k, 2, GFP_KERNEL | __GFP_COMP);
    assert.throws(() => split_page(k, compound, 2), /split_page: the block is compound/);
  });

  it('EV-1: __pagevec_free gives pages back from the last to the first, each with mm_page_free_batched', () => {
    const k = machineIn('Normal hot: 4110');
    set_tracing(k, 1);
    const pages = [pfn(4300), pfn(4302)];
    for (const page of pages) set_page_count(k, page, 0);
    __pagevec_free(k, pages, 1);
    const batched = trace_records(k).filter(({ name }) => name === 'mm_page_free_batched').map(({ args }) => args);
    assert.deepEqual(batched, [{ page: 4302, pfn: 4302, order: 0, cold: 1 }, { page: 4300, pfn: 4300, order: 0, cold: 1 }]);
    assert.match(stateOf(k), /cold: 4300 4302/);
  });
});

describe('the state lint', () => {
  it('IV-5: sees a page on a list that its counter does not know, or that does not know it', () => {
    const k = booted();
    const page = alloc(k, 0);
    const zone = page_zone(k, page);
    list_add(k, page, zone.active_list);
    assert.deepEqual(check_machine(k), [
      `IV-5: ${zone.name} active list: the counter is 0, the list has 1 pages`, `IV-5: ${zone.name} active list: page ${page} does not belong there`,
    ]);
  });

  it('IV-16: sees marks that are out of order', () => {
    const k = booted();
    for_each_zone(k)[0]!.pages_low = 0;
    assert.deepEqual(check_machine(k), ['IV-16: DMA: marks 128/0/192 are out of order']);
  });
});

describe('put_page', () => {
  it('PA-26: the last reference frees the page, to the hot list', () => {
    const k = booted();
    const page = alloc(k, 0);
    get_page(k, page);
    put_page(k, page);
    assert.equal(page_count(k, page), 1);
    put_page(k, page);
    assert.equal(page_count(k, page), 0);
    assert.deepEqual(reports(k, () => put_page(k, page)), [page]);
    assert.deepEqual(check_machine(k), []);
  });

  it('PA-26: a tail page of a compound block counts for the block, which is freed whole', () => {
    const k = booted();
    const block = alloc(k, 3, GFP_KERNEL | __GFP_COMP);
    get_page(k, block);
    put_page(k, pfn(block + 5));
    assert.equal(page_count(k, pfn(block + 5)), 1);
    put_page(k, pfn(block + 2));
    assert.equal(page_count_raw(k, block), 0);
    const covers = (free: Pfn, order: number): boolean => free <= block && block < free + (1 << order);
    const lists = for_each_zone(k).flatMap((zone) => zone.free_area.map(({ free_list }, order) => ({ order, pages: list_pages(k, free_list) })));
    assert.ok(lists.some(({ order, pages }) => pages.some((free) => covers(free, order))));
    assert.deepEqual(check_machine(k), []);
  });

  for (const isActive of [true, false]) {
    it(`PA-26: a page on the ${isActive ? 'active' : 'inactive'} list leaves it`, () => {
      const k = booted();
      const page = alloc(k, 0, GFP_HIGHUSER);
      const zone = page_zone(k, page);
      set_page_flag(k, page, PG_lru);
      if (isActive) set_page_flag(k, page, PG_active);
      list_add(k, page, isActive ? zone.active_list : zone.inactive_list);
      zone[isActive ? 'nr_active' : 'nr_inactive'] = 1;
      assert.deepEqual(check_machine(k), []);
      assert.deepEqual(reports(k, () => put_page(k, page)), []);
      assert.deepEqual([zone.nr_active, zone.nr_inactive, list_pages(k, zone.active_list), list_pages(k, zone.inactive_list)], [0, 0, [], []]);
      assert.deepEqual([test_page_flag(k, page, PG_lru), test_page_flag(k, page, PG_active), page_count(k, page)], [false, false, 0]);
      assert.deepEqual(check_machine(k), []);
    });
  }
});
