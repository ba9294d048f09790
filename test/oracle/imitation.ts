// A recording of a machine that never was: the engine's own boot and a script of random requests, written in the recorder's form. The judge must find
// no difference in it, whatever the size of the machine, and must find every change that is made to it afterwards.

import type { Kernel } from '../../engine/kernel.ts';
import { GFP_ATOMIC, GFP_DMA, GFP_HIGHUSER, GFP_KERNEL, GFP_USER, __GFP_COLD, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { pfn, phys } from '../../engine/include/types.ts';
import { PHYSICAL_START } from '../../engine/arch/i386/layout.ts';
import { mem_init } from '../../engine/arch/i386/setup.ts';
import { MAX_DMA_ADDRESS, __alloc_bootmem_core, bootmap_size, free_bootmem, init_bootmem, reserve_bootmem } from '../../engine/mm/bootmem.ts';
import { list_pages } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { nr_free_zone_pages } from '../../engine/mm/page_alloc.ts';
import { init_per_zone_pages_min } from '../../engine/mm/page_alloc_init.ts';
import { bringUpZones, release, request, unbootedMachine } from './engine-door.ts';
import type { Observer } from './observer.ts';
import { observe, watch, watchHandover } from './observer.ts';
import type { Recording } from './recording.ts';

const PAGE = 4096;
const IMAGE_PAGES = 300;

/** A recording of a machine of that many MiB; `seed` chooses its script of `steps` requests and frees. */
export function imitate(megabytes: number, options: { seed: number; steps: number }): Recording {
  const ram = [{ start: 0, end: 0x9fc00 }, { start: PHYSICAL_START, end: megabytes * 2 ** 20 }];
  const k = unbootedMachine(ram);
  const calls = bootmemLines(k);
  bringUpZones(k);
  const observer = observe(k);
  const handover = watchHandover(observer, () => mem_init(k)).map(({ text }) => signed(text));
  init_per_zone_pages_min(k);
  const boot = dumpLines(k);
  const script = scriptLines(observer, options);
  const trace = calls.concat(handover, boot, 'MARK kops', boot, script, 'MARK end', dumpLines(k));
  const log = ram.map(({ start, end }) => ` BIOS-e820: ${start.toString(16).padStart(16, '0')} - ${end.toString(16).padStart(16, '0')} (usable)`);
  return { name: `${megabytes}M-imitation`, trace, log, snapshots: [] };
}

export const signed = (text: string): string => (/^[AF] /.test(text) ? `${text} [init]` : text);
const hex = (n: number): string => n.toString(16);

function bootmemLines(k: Kernel): string[] {
  const lines: string[] = [];
  const low = k.platform.max_low_pfn * PAGE;
  const first = PHYSICAL_START / PAGE + IMAGE_PAGES;
  const range = (kind: 'free' | 'reserve', addr: number, size: number): void => {
    (kind === 'free' ? free_bootmem : reserve_bootmem)(k, phys(addr), size);
    lines.push(`BM ${kind} addr ${hex(addr)} size ${hex(size)}`);
  };
  const alloc = (size: number, align: number, goal: number): void => {
    const found = __alloc_bootmem_core(k, size, align, goal, 0);
    const { last_success, last_pos, last_offset } = k.bootmem!;
    lines.push(`BM alloc size ${size} align ${align} goal ${hex(goal)} limit 0 -> phys ${hex(found)} last_success ${hex(last_success)} last_pos ${hex(last_pos)} last_offset ${hex(last_offset)}`);
  };
  init_bootmem(k, pfn(first), k.platform.max_low_pfn);
  range('free', 0, 0x9f000);
  range('free', PHYSICAL_START, low - PHYSICAL_START);
  range('reserve', PHYSICAL_START, first * PAGE + bootmap_size(k.platform.max_low_pfn) + PAGE - 1 - PHYSICAL_START);
  range('reserve', 0, PAGE);
  alloc(k.platform.max_pfn * 32, 32, MAX_DMA_ADDRESS);
  for (const size of [128, 8, 23, 4096, 300]) alloc(size, 32, MAX_DMA_ADDRESS);
  return lines;
}

export function dumpLines(k: Kernel): string[] {
  const lines: string[] = [];
  for (const zone of for_each_zone(k).filter(populated_zone)) {
    for (const [order, area] of zone.free_area.entries()) lines.push(`FL ${zone.name} ${order}: ${list_pages(k, area.free_list).map((page) => `${page} `).join('')}n=${area.nr_free}`);
    for (const [cold, pcp] of zone.pageset[0]!.pcp.entries()) {
      lines.push(`PCP ${zone.name} ${cold} count ${pcp.count} high ${pcp.high} batch ${pcp.batch}:${list_pages(k, pcp.list).map((page) => ` ${page}`).join('')}`);
    }
    const table = `wait_table ${zone.wait_table_hash_nr_entries} bits ${zone.wait_table_bits}`;
    lines.push(`ZONE ${zone.name} start ${zone.zone_start_pfn} spanned ${zone.spanned_pages} present ${zone.present_pages} free ${zone.free_pages} ${table}`);
  }
  const sums = `nr_free_buffer ${nr_free_zone_pages(k, GFP_USER)} nr_free_pagecache ${nr_free_zone_pages(k, GFP_HIGHUSER)}`;
  lines.push(`VARS vm_total_pages ${k.vm_total_pages} totalram ${k.totalram_pages} totalhigh ${k.totalhigh_pages} totalreserve ${k.totalreserve_pages} ${sums}`);
  return lines;
}

/** A generator of numbers below `limit`, the same for the same seed. */
export function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}

function scriptLines(observer: Observer, { seed, steps }: { seed: number; steps: number }): string[] {
  const { k } = observer;
  const next = numbers(seed);
  const masks = [GFP_KERNEL, GFP_HIGHUSER, GFP_HIGHUSER | __GFP_COLD, GFP_ATOMIC | __GFP_NOWARN, GFP_ATOMIC | GFP_DMA | __GFP_NOWARN];
  const held: { page: number; order: number }[] = [];
  const lines: string[] = [];
  for (let i = 0; i < steps; i++) {
    if (held.length > 0 && next(5) < 2) {
      const [{ page, order }] = held.splice(next(held.length), 1) as [{ page: number; order: number }];
      const cold = order === 0 ? next(2) : 0;
      lines.push(`OP ${i} free pfn ${page} order ${order} cold ${cold}`, ...watch(observer, cold, () => release(k, pfn(page), order, cold)).map(({ text }) => signed(text)));
      continue;
    }
    const gfp = masks[next(masks.length)]!;
    const order = next(3) === 0 ? next(11) : 0;
    let page: number | null = null;
    lines.push(...watch(observer, 0, () => { page = request(k, gfp, order); }).map(({ text }) => signed(text)));
    lines.push(`OP ${i} alloc order ${order} gfp ${hex(gfp)} -> pfn ${page ?? 0}`);
    if (page !== null) held.push({ page, order });
  }
  return lines;
}
