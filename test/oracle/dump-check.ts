// A dump of the kernel's lists against the engine's, block by block in order, and the sums the kernel made of its zones.

import type { Kernel } from '../../engine/kernel.ts';
import { GFP_HIGHUSER, GFP_USER } from '../../engine/include/gfp.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { list_pages } from '../../engine/mm/mem_map.ts';
import { nr_free_zone_pages } from '../../engine/mm/page_alloc.ts';
import { zoneNamed } from './engine-door.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import type { Dump, ZoneDump } from './trace.ts';

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

/** Free lists, per-CPU lists and free pages: a list is equal when it has the same blocks in the same order. */
export function checkLists(k: Kernel, dump: Dump, rules: string, phase: string): Check {
  return compareAll(rules, `${phase}free lists equal`, dump.zones.flatMap((zone) => zoneLists(k, dump, zone)));
}

function zoneLists(k: Kernel, dump: Dump, zoneDump: ZoneDump): Pair[] {
  const zone = zoneNamed(k, zoneDump.name);
  const where = (what: string): string => `trace line ${dump.line} (dump): ${what} of ${zoneDump.name}`;
  const orders = zoneDump.lists.map((blocks, order) => ({
    where: where(`free blocks of order ${order}`), kernel: blocks.join(' '), engine: list_pages(k, zone.free_area[order]!.free_list).join(' '),
  }));
  const lists = zoneDump.pcp.map(({ cold, pages }) => ({
    where: where(cold === 0 ? 'the hot list' : 'the cold list'), kernel: pages.join(' '), engine: list_pages(k, zone.pageset[0]!.pcp[cold]!.list).join(' '),
  }));
  return [...orders, ...lists, { where: where('free pages'), kernel: zoneDump.free, engine: zone.free_pages }];
}

/** Zones, wait tables, per-CPU list sizes and the sums over zones: what sizing at boot makes of the amount of memory. */
export function checkSizes(k: Kernel, dump: Dump): Check {
  return compareAll('Z-4 B-2 PA-5,7', 'zone sizes and sums', [...dump.zones.flatMap((zone) => zoneSizes(k, dump, zone)), ...emptyZones(k, dump), ...sums(k, dump)]);
}

function zoneSizes(k: Kernel, dump: Dump, zoneDump: ZoneDump): Pair[] {
  const zone = zoneNamed(k, zoneDump.name);
  const pair = (what: string, kernel: unknown, engine: unknown): Pair => ({ where: `trace line ${dump.line} (dump): ${what} of ${zoneDump.name}`, kernel, engine });
  return [
    pair('start', zoneDump.start, zone.zone_start_pfn), pair('spanned', zoneDump.spanned, zone.spanned_pages), pair('present', zoneDump.present, zone.present_pages),
    pair('wait table', zoneDump.wait_table, zone.wait_table_hash_nr_entries), pair('wait table bits', zoneDump.bits, zone.wait_table_bits),
    ...zoneDump.pcp.map((pcp) => {
      const { high, batch } = zone.pageset[0]!.pcp[pcp.cold]!;
      return pair(`high and batch of list ${pcp.cold}`, `${pcp.high} ${pcp.batch}`, `${high} ${batch}`);
    }),
  ];
}

/** A zone the kernel does not dump must be empty in the engine. */
function emptyZones(k: Kernel, dump: Dump): Pair[] {
  const missing = for_each_zone(k).filter((zone) => zone.present_pages > 0 && !dump.zones.some(({ name }) => name === zone.name));
  return missing.map((zone) => ({ where: `trace line ${dump.line} (dump): present pages of ${zone.name}`, kernel: 0, engine: zone.present_pages }));
}

function sums(k: Kernel, dump: Dump): Pair[] {
  const engine: Record<string, number> = {
    vm_total_pages: k.vm_total_pages, totalram: k.totalram_pages, totalhigh: k.totalhigh_pages, totalreserve: k.totalreserve_pages,
    nr_free_buffer: nr_free_zone_pages(k, GFP_USER), nr_free_pagecache: nr_free_zone_pages(k, GFP_HIGHUSER),
  };
  return Object.entries(dump.vars).filter(([name]) => name in engine).map(([name, value]) => ({ where: `trace line ${dump.line} (dump): ${name}`, kernel: value, engine: engine[name] }));
}
