// @nohooks
// The laws that memory management keeps (KERNEL.md chapter 24), checked over the whole machine: what no correct run ever breaks. Looking changes
// nothing; the first few breaches of each law are named.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import type { ListHead, Pfn } from '../include/types.ts';
import { pfn } from '../include/types.ts';
import { MAX_ORDER } from '../include/mmzone.ts';
import { PageBuddy, PageReserved, list_pages, max_mapnr, page_count_raw, page_order, page_zone } from './mem_map.ts';
import { for_each_zone } from './mmzone.ts';

/** Where a page is: in exactly one place (IV-3). */
const NOWHERE = 0;
const IN_BUDDY = 1;
const IN_PCP = 2;

/** Every law that does not hold, in words; empty when all do. */
export function check_machine(k: Kernel): string[] {
  const where = new Uint8Array(max_mapnr(k));
  const broken: string[] = [];
  for (const zone of for_each_zone(k)) {
    check_free_lists(k, zone, where, broken);
    check_pagesets(k, zone, where, broken);
  }
  if (k.system_running !== 0) check_every_page(k, where, broken);
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
    for (const block of blocks) check_block(k, zone, block, order, where, broken);
  }
  if (free !== zone.free_pages) broken.push(`IV-1: ${zone.name}: free_pages is ${zone.free_pages}, the lists hold ${free} pages`);
}

function check_block(k: Kernel, zone: zone, block: Pfn, order: number, where: Uint8Array, broken: string[]): void {
  const name = `${zone.name} order ${order} block ${block}`;
  if (!PageBuddy(k, block) || page_order(k, block) !== order) broken.push(`IV-1: ${name}: not marked as a free block of its order`);
  if (page_count_raw(k, block) !== 0) broken.push(`IV-1: ${name}: referenced ${page_count_raw(k, block)} times`);
  if ((block & ((1 << order) - 1)) !== 0) broken.push(`IV-1: ${name}: not aligned`);
  if (block < zone.zone_start_pfn || block + (1 << order) > zone.zone_start_pfn + zone.spanned_pages) broken.push(`IV-1: ${name}: outside its zone`);
  const buddy = block ^ (1 << order);
  if (order < MAX_ORDER - 1 && buddy > block && buddy < max_mapnr(k)) check_not_merged(k, zone, pfn(buddy), order, name, broken);
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
