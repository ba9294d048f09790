// The test-only door into the engine: machines as a recording describes them, in the state of one of its dumps, and the engine's own functions called
// the way the recorded kernel called them. Nothing here decides anything that the allocator decides.

import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import type { Program } from '../../engine/machine.ts';
import { NO_PAGE, PAGE_SIZE, pfn, phys } from '../../engine/include/types.ts';
import { PF_KSWAPD, PF_MEMALLOC } from '../../engine/include/sched.ts';
import { PG_reserved } from '../../engine/include/page-flags.ts';
import { ZONE_NAMES } from '../../engine/include/mmzone.ts';
import { boot_machine, make_machine } from '../../engine/machine.ts';
import type { MachineConfig } from '../../engine/config.ts';
import { default_config } from '../../engine/config.ts';
import { MAXMEM, PHYSICAL_START } from '../../engine/arch/i386/layout.ts';
import { zone_sizes } from '../../engine/arch/i386/setup.ts';
import { bootmap_size } from '../../engine/mm/bootmem.ts';
import {
  PageReserved, clear_page_flag, list_add_tail, max_mapnr, page_count_raw, put_page_testzero, set_page_count, set_page_order,
} from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { __free_pages, __free_pages_bootmem, alloc_pages, free_cold_page } from '../../engine/mm/page_alloc.ts';
import { build_all_zonelists, free_area_init_node, init_per_zone_pages_min } from '../../engine/mm/page_alloc_init.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import type { Dump, ZoneDump } from './trace.ts';

/** Usable RAM as the firmware reported it, bytes. */
export interface Ram {
  start: number;
  end: number;
}

/** A machine that runs nothing. */
const NOTHING: Program = {
  start: () => null,
  *run() {
    // No task is ever declared.
  },
  boot() {
    // The scenario's own part of the boot: none.
  },
};

/** A machine with this RAM whose memory is not up yet. */
export function unbootedMachine(ram: readonly Ram[]): Kernel {
  const end = Math.floor(Math.max(...ram.map((range) => range.end)) / PAGE_SIZE);
  const { k } = make_machine({ ...default_config(), memory: end * PAGE_SIZE }, NOTHING);
  k.platform.e820 = ram.map((range) => ({ start: phys(range.start), end: phys(range.end) }));
  return k;
}

/** A machine with this RAM after the engine's own boot; what the settings leave out is as in the language. */
export function bootedMachine(ram: readonly Ram[], settings: Partial<MachineConfig> = {}): Kernel {
  const end = Math.floor(Math.max(...ram.map((range) => range.end)) / PAGE_SIZE);
  const config = { ...default_config(), memory: end * PAGE_SIZE, ...settings };
  const machine = make_machine(config, NOTHING);
  machine.k.platform.e820 = ram.map((range) => ({ start: phys(range.start), end: phys(range.end) }));
  boot_machine(machine, config);
  return machine.k;
}

/** First frame behind the kernel image, from the range that setup_bootmem_allocator reserves for image and bitmap (B-3). */
export function minLowPfn(k: Kernel, reserved: { addr: number; size: number }): Pfn {
  return pfn((reserved.addr + reserved.size - bootmap_size(k.platform.max_low_pfn) - (PAGE_SIZE - 1)) / PAGE_SIZE);
}

export function isImageRange(range: { addr: number }): boolean {
  return range.addr === PHYSICAL_START;
}

/** End of low memory on a machine of that many bytes. */
export function endOfLowMemory(bytes: number): number {
  return Math.min(bytes, MAXMEM);
}

/** Zones, mem_map and zonelists of a machine whose boot allocator is up, as paging_init makes them. */
export function bringUpZones(k: Kernel): void {
  free_area_init_node(k, 0, pfn(0), zone_sizes(k));
  build_all_zonelists(k);
}

/** A machine in the state of a dump: its free blocks, its per-CPU lists, and every page in neither of them in use (by itself, referenced once). */
export function loadDump(ram: readonly Ram[], dump: Dump): Kernel {
  const k = unbootedMachine(ram);
  bringUpZones(k);
  init_per_zone_pages_min(k);
  for (let page = 0; page < max_mapnr(k); page++) clear_page_flag(k, pfn(page), PG_reserved);
  for (const zoneDump of dump.zones) loadZone(k, zoneNamed(k, zoneDump.name), zoneDump);
  k.totalram_pages = dump.vars['totalram'] ?? 0;
  k.totalhigh_pages = dump.vars['totalhigh'] ?? 0;
  set_tracing(k, 1);
  return k;
}

/** Puts free blocks and per-CPU pages into an empty zone, in the dump's order. */
export function loadZone(k: Kernel, zone: zone, dump: ZoneDump): void {
  for (const [order, blocks] of dump.lists.entries()) {
    const area = zone.free_area[order]!;
    for (const block of blocks) {
      for (let i = 0; i < 1 << order; i++) set_page_count(k, pfn(block + i), 0);
      set_page_order(k, pfn(block), order);
      list_add_tail(k, pfn(block), area.free_list);
      area.nr_free++;
      zone.free_pages += 1 << order;
    }
  }
  for (const { cold, high, batch, pages } of dump.pcp) {
    const pcp = zone.pageset[0]!.pcp[cold]!;
    for (const page of pages) {
      set_page_count(k, pfn(page), 0);
      list_add_tail(k, pfn(page), pcp.list);
    }
    pcp.count = pages.length;
    pcp.high = high;
    pcp.batch = batch;
  }
}

/** The zone of a name as the kernel prints it. Throws where there is none. */
export function zoneNamed(k: Kernel, name: string): zone {
  const index = ZONE_NAMES.findIndex((known) => known === name);
  const zone = for_each_zone(k)[index];
  if (zone === undefined) throw new Error(`the machine has no zone ${name}`);
  return zone;
}

/** Answers a request as the task of that name would get it. A page frame, or null where there is none. Throws where the engine wants to sleep. */
export function request(k: Kernel, gfp: number, order: number): number | null {
  const step = alloc_pages(k, gfp, order).next();
  if (step.done !== true) throw new Error('the allocation sleeps: the recording does not say for what');
  return step.value === NO_PAGE ? null : step.value;
}

/** Who asks next, and whether it may use every reserve: kswapd always may, others while they reclaim (PF_MEMALLOC). */
export function becomeTask(k: Kernel, comm: string, options: { reclaims: boolean }): void {
  const task = k.tasks[0]!;
  const isKswapd = /^kswapd\d+$/.test(comm);
  task.comm = comm;
  task.flags &= ~(PF_MEMALLOC | PF_KSWAPD);
  if (isKswapd) task.flags |= PF_MEMALLOC | PF_KSWAPD;
  if (options.reclaims) task.flags |= PF_MEMALLOC;
}

/** Drops the last reference to a block. A reserved one becomes RAM first, as init memory does (B-7); pages of a block that was split,
 *  or whose allocation is not known, are tied together again. */
export function release(k: Kernel, block: Pfn, order: number, cold: number): void {
  if (PageReserved(k, block)) {
    k.totalram_pages += 1 << order;
    __free_pages_bootmem(k, block, order);
    return;
  }
  for (let i = 1; i < 1 << order; i++) set_page_count(k, pfn(block + i), 0);
  if (page_count_raw(k, block) === 0) set_page_count(k, block, 1);
  if (cold === 0) {
    __free_pages(k, block, order);
    return;
  }
  if (put_page_testzero(k, block)) free_cold_page(k, block);
}
