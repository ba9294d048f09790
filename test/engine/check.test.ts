// The state lint sees what no correct run does (KERNEL.md IV-1 … IV-4): every law is broken once, by hand.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import { pfn } from '../../engine/include/types.ts';
import { PG_reserved } from '../../engine/include/page-flags.ts';
import { list_add, list_del, rmv_page_order, set_page_count, set_page_flag, set_page_order } from '../../engine/mm/mem_map.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { machineIn } from './notation.ts';

/** What the lint says of a sound state after it was spoilt. */
function lint(spoil: (k: Kernel) => void): string[] {
  const k = machineIn('DMA o0: 9 | o1: 12 | o3: 24 ; Normal o0: 4100 | hot: 4200 4201');
  k.system_running = 1;
  assert.deepEqual(check_machine(k), []);
  spoil(k);
  return check_machine(k);
}

const area = (k: Kernel, order: number, zone = 'DMA') => zoneNamed(k, zone).free_area[order]!;

const SPOILT: readonly [string, (k: Kernel) => void, string[]][] = [
  ['IV-1: a wrong nr_free', (k) => { area(k, 1).nr_free = 2; }, ['IV-1: DMA order 1: nr_free is 2, the list has 1 blocks']],
  ['IV-1: a wrong free_pages', (k) => { zoneNamed(k, 'DMA').free_pages = 12; }, ['IV-1: DMA: free_pages is 12, the lists hold 11 pages']],
  ['IV-1: a block that is not marked', (k) => rmv_page_order(k, pfn(12)), ['IV-1: DMA order 1 block 12: not marked as a free block of its order']],
  ['IV-1: a block of another order', (k) => set_page_order(k, pfn(12), 2), ['IV-1: DMA order 1 block 12: not marked as a free block of its order']],
  ['IV-1: a referenced block', (k) => set_page_count(k, pfn(24), 3), ['IV-1: DMA order 3 block 24: referenced 3 times']],
  ['IV-1: a block in another zone\'s list', (k) => {
    list_del(k, pfn(4100));
    list_add(k, pfn(4100), area(k, 0).free_list);
  }, [
    'IV-1: DMA order 0: nr_free is 1, the list has 2 blocks', 'IV-1: DMA order 0 block 4100: outside its zone', 'IV-1: DMA: free_pages is 11, the lists hold 12 pages',
    'IV-1: Normal order 0: nr_free is 1, the list has 0 blocks', 'IV-1: Normal: free_pages is 1, the lists hold 0 pages',
  ]],
  ['IV-1: a block that is not aligned', (k) => {
    list_del(k, pfn(12));
    list_add(k, pfn(13), area(k, 1).free_list);
    set_page_order(k, pfn(13), 1);
    set_page_count(k, pfn(13), 0);
    rmv_page_order(k, pfn(12));
  }, ['IV-1: DMA order 1 block 13: not aligned']],
  ['IV-2: two free buddies', (k) => {
    set_page_order(k, pfn(14), 1);
    set_page_count(k, pfn(14), 0);
    list_add(k, pfn(14), area(k, 1).free_list);
    area(k, 1).nr_free++;
    zoneNamed(k, 'DMA').free_pages += 2;
  }, ['IV-2: DMA order 1 block 12: its buddy 14 is free as well']],
  ['IV-3: a page in two lists', (k) => {
    set_page_order(k, pfn(30), 0);
    set_page_count(k, pfn(30), 0);
    list_add(k, pfn(30), area(k, 0).free_list);
    area(k, 0).nr_free++;
    zoneNamed(k, 'DMA').free_pages++;
  }, ['IV-3: page 30 of DMA order 3 block 24 is in another list as well']],
  ['IV-3: a free page that is reserved', (k) => set_page_flag(k, pfn(25), PG_reserved), ['IV-3: page 25 is free and reserved']],
  ['IV-3: a mark without a list', (k) => set_page_order(k, pfn(50), 0), ['IV-3: page 50 says it is a free block, but is in no list']],
  ['IV-4: a wrong count', (k) => { zoneNamed(k, 'Normal').pageset[0]!.pcp[0].count = 3; }, ['IV-4: Normal cpu 0 hot list: count is 3, the list has 2 pages']],
  ['IV-4: a referenced page in a list', (k) => set_page_count(k, pfn(4201), 1), ['IV-4: Normal cpu 0 hot list: page 4201 is referenced or a block']],
];

describe('check_machine', () => {
  for (const [law, spoil, expected] of SPOILT) {
    it(law, () => assert.deepEqual(lint(spoil), expected));
  }

  it('is quiet about pages that are in use, reserved or not', () => {
    assert.deepEqual(lint((k) => set_page_count(k, pfn(100), 5)), []);
  });
});
