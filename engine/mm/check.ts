// @nohooks
// The laws that memory management keeps (KERNEL.md chapter 24), checked over the whole machine: what no correct run ever breaks. Looking changes
// nothing; the first few breaches of each law are named.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import type { ListHead, Pfn } from '../include/types.ts';
import { pfn } from '../include/types.ts';
import { MAX_ORDER } from '../include/mmzone.ts';
import { PG_active, PG_lru, PG_slab } from '../include/page-flags.ts';
import { PageBuddy, PageReserved, list_pages, max_mapnr, page_count_raw, page_order, page_zone, test_page_flag } from './mem_map.ts';
import { check_areas } from './check_areas.ts';
import { check_nodes } from './check_nodes.ts';
import type { activity } from './check_page_cache.ts';
import { activity_of, activity_of_threads, check_page_cache } from './check_page_cache.ts';
import { check_vm } from './check_vm.ts';
import { for_each_zone } from './mmzone.ts';
import { __page_find_buddy } from './page_alloc.ts';
import { is_smp } from './vmstat.ts';
import { check_slab } from './slab_check.ts';
import { check_block } from '../block/check_block.ts';
import { check_fs } from '../fs/check_fs.ts';

/** Where a page is: in exactly one place (IV-3). */
const NOWHERE = 0;
const IN_BUDDY = 1;
const IN_PCP = 2;

/** Every law that does not hold, in words; empty when all do. What a call under way may break for a while is asked of a machine without tasks. */
export function check_machine(k: Kernel): string[] {
  return check_laws(k, activity_of(k));
}

/** The same of a machine whose tasks are all between two calls, as who asks knows: unless pdflush is at work, nobody has a page locked or a reference
 *  to one then. */
export function check_machine_at_rest(k: Kernel): string[] {
  return check_laws(k, activity_of_threads(k));
}

function check_laws(k: Kernel, activity: activity): string[] {
  const where = new Uint8Array(max_mapnr(k));
  const broken: string[] = [];
  for (const zone of for_each_zone(k)) {
    check_free_lists(k, zone, where, broken);
    check_pagesets(k, zone, where, broken);
    check_zone_state(k, zone, broken);
    check_marks(zone, broken);
    check_lru(k, zone, broken);
  }
  if (k.system_running !== 0) check_every_page(k, where, broken);
  check_nodes(k, broken);
  broken.push(...check_slab(k));
  broken.push(...check_areas(k));
  broken.push(...check_vm(k, activity));
  broken.push(...check_page_cache(k, activity), ...check_fs(k), ...check_block(k));
  return broken;
}

/** IV-1: lists, counters, marks and places of free blocks agree. */
function check_free_lists(k: Kernel, zone: zone, where: Uint8Array, broken: string[]): void {
  let free = 0;
  for (let order = 0; order < MAX_ORDER; order++) {
    const area = zone.free_area[order]!;
    const blocks = walk(k, area.free_list);
    if (blocks.length !== area.nr_free) broken.push(`IV-1: ${zone.name} order ${order}: nr_free is ${area.nr_free}, the list has ${blocks.length} blocks`);
    free += blocks.length << order;
    for (const block of blocks) check_free_block(k, zone, block, order, where, broken);
  }
  if (free !== zone.free_pages) broken.push(`IV-1: ${zone.name}: free_pages is ${zone.free_pages}, the lists hold ${free} pages`);
}

function check_free_block(k: Kernel, zone: zone, block: Pfn, order: number, where: Uint8Array, broken: string[]): void {
  const name = `${zone.name} order ${order} block ${block}`;
  if (!PageBuddy(k, block) || page_order(k, block) !== order) broken.push(`IV-1: ${name}: not marked as a free block of its order`);
  if (page_count_raw(k, block) !== 0) broken.push(`IV-1: ${name}: referenced ${page_count_raw(k, block)} times`);
  if (block % (1 << order) !== 0) broken.push(`IV-1: ${name}: not aligned`);
  if (block < zone.zone_start_pfn || block + (1 << order) > zone.zone_start_pfn + zone.spanned_pages) broken.push(`IV-1: ${name}: outside its zone`);
  const buddy = __page_find_buddy(block, order);
  if (order < MAX_ORDER - 1 && buddy > block && buddy < max_mapnr(k)) check_not_merged(k, zone, buddy, order, name, broken);
  for (let i = 0; i < 1 << order; i++) claim(where, block + i, IN_BUDDY, name, broken);
}

/** IV-2: two free buddies would have become one. */
function check_not_merged(k: Kernel, zone: zone, buddy: Pfn, order: number, name: string, broken: string[]): void {
  if (PageBuddy(k, buddy) && page_order(k, buddy) === order && page_zone(k, buddy) === zone) broken.push(`IV-2: ${name}: its buddy ${buddy} is free as well`);
}

/** IV-4: per-CPU lists and their counts agree; their pages are free but in no block. */
function check_pagesets(k: Kernel, zone: zone, where: Uint8Array, broken: string[]): void {
  for (const [cpu, pageset] of zone.pageset.entries()) {
    for (const [i, pcp] of pageset.pcp.entries()) {
      const name = `${zone.name} cpu ${cpu} ${i === 0 ? 'hot' : 'cold'} list`;
      const pages = walk(k, pcp.list);
      if (pages.length !== pcp.count) broken.push(`IV-4: ${name}: count is ${pcp.count}, the list has ${pages.length} pages`);
      for (const page of pages) {
        if (page_count_raw(k, page) !== 0 || PageBuddy(k, page)) broken.push(`IV-4: ${name}: page ${page} is referenced or a block`);
        claim(where, page, IN_PCP, name, broken);
      }
    }
  }
}

/** IV-16: the marks stand in order. */
function check_marks(zone: zone, broken: string[]): void {
  const { pages_min, pages_low, pages_high } = zone;
  if (pages_min > pages_low || pages_low > pages_high) broken.push(`IV-16: ${zone.name}: marks ${pages_min}/${pages_low}/${pages_high} are out of order`);
}

/** IV-5: the LRU lists are as long as their counters say, and hold pages of their zone that know it. */
function check_lru(k: Kernel, zone: zone, broken: string[]): void {
  for (const isActive of [true, false]) {
    const name = `${zone.name} ${isActive ? 'active' : 'inactive'} list`;
    const pages = walk(k, isActive ? zone.active_list : zone.inactive_list);
    const count = isActive ? zone.nr_active : zone.nr_inactive;
    if (pages.length !== count) broken.push(`IV-5: ${name}: the counter is ${count}, the list has ${pages.length} pages`);
    for (const page of pages) {
      const knowsIt = test_page_flag(k, page, PG_lru) && test_page_flag(k, page, PG_active) === isActive && !test_page_flag(k, page, PG_slab);
      if (!knowsIt || PageBuddy(k, page) || page_zone(k, page) !== zone) broken.push(`IV-5: ${name}: page ${page} does not belong there`);
    }
  }
}

/** CT-2: no CPU keeps more of a counter to itself than its threshold; one CPU alone keeps nothing. */
function check_zone_state(k: Kernel, zone: zone, broken: string[]): void {
  for (const [cpu, { vm_stat_diff, stat_threshold }] of zone.pageset.entries()) {
    const most = is_smp(k) ? stat_threshold : 0;
    for (const [item, diff] of vm_stat_diff.entries()) {
      if (Math.abs(diff) > most) broken.push(`CT-2: ${zone.name} cpu ${cpu}: keeps back ${diff} of item ${item}, ${most} at most`);
    }
  }
}

/** IV-3: a page that is in no list is reserved or in use. */
function check_every_page(k: Kernel, where: Uint8Array, broken: string[]): void {
  for (let page = 0; page < where.length; page++) {
    const free = where[page] !== NOWHERE;
    if (free && PageReserved(k, pfn(page))) broken.push(`IV-3: page ${page} is free and reserved`);
    if (!free && PageBuddy(k, pfn(page))) broken.push(`IV-3: page ${page} says it is a free block, but is in no list`);
  }
}

function claim(where: Uint8Array, page: number, place: number, name: string, broken: string[]): void {
  if (where[page] !== NOWHERE) broken.push(`IV-3: page ${page} of ${name} is in another list as well`);
  where[page] = place;
}

/** A list's pages; one more than there are pages at most, so that a circle shows as a wrong count. */
function walk(k: Kernel, head: ListHead): Pfn[] {
  return list_pages(k, head, max_mapnr(k) + 1);
}
