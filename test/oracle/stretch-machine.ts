// A machine in the state that lists-before.ts found, with what processes need besides: a slab allocator that has objects enough, so that it asks for
// no page while the stretch is replayed (the pages that the real one got are in the trace like any other request), and frames for what no line names.
//
//   frames   named by a line        free, in a per-CPU list or in use, as the lines tell
//            the others             spare: slabs, page tables and pages of processes whose frames are not known

import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { PG_reserved } from '../../engine/include/page-flags.ts';
import { pfn } from '../../engine/include/types.ts';
import { MAX_ORDER } from '../../engine/include/mmzone.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import {
  INIT_LIST_HEAD, clear_page_flag, list_pages, max_mapnr, rmv_page_order, set_page_count,
} from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { __free_pages_bootmem } from '../../engine/mm/page_alloc.ts';
import { init_per_zone_pages_min } from '../../engine/mm/page_alloc_init.ts';
import { kmem_cache_alloc, kmem_cache_free } from '../../engine/mm/slab.ts';
import { create_boot_caches, kmem_cache_init } from '../../engine/mm/slab_init.ts';
import { find_cache } from '../../engine/mm/slab_lists.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import type { Ram } from './engine-door.ts';
import { bringUpZones, loadZone, unbootedMachine, zoneNamed } from './engine-door.ts';
import type { Before, ListBefore } from './lists-before.ts';
import { framesBefore, framesOf } from './lists-before.ts';
import type { Dump, ZoneDump } from './trace.ts';

/** Frames below are the firmware's and the BIOS's. */
const FIRST_FRAME = 256;
/** Frames for slabs, besides those of the objects that are asked for. */
const SLAB_FRAMES = 400;
const FRAME_OF_OBJECTS = 40;
const FRAME_OF_NODES = 7;

/** Objects that are made ready, by cache. */
const OBJECTS: Readonly<Record<string, number>> = {
  mm_struct: 32, pgd: 16, task_struct: 32, 'size-8192': 16, pid: 32, files_cache: 32, fs_cache: 32, sighand_cache: 32, signal_cache: 32, filp: 64,
};

/** So many pages are there of which no line says where that the machine has no room for them. */
export class NoFrameLeft extends Error {
  override name = 'NoFrameLeft';
}

export interface StretchMachine {
  k: Kernel;
  /** Takes a frame that no line names. Throws where there is none left. */
  spare(): Pfn;
  /** What is not as in the recorded machine, in words. */
  notes: string[];
}

/** What the slab allocator must have ready: VMAs, and nodes of page caches' trees. */
export interface Needs {
  areas: number;
  nodes: number;
}

/** The machine. `named` are frames that lines of faults name; `dump` is the last one before, which says what no line tells of other zones. */
export function stretchMachine(ram: readonly Ram[], before: Before, named: ReadonlySet<number>, dump: Dump | null, needs: Needs): StretchMachine {
  const { areas, nodes } = needs;
  const k = unbootedMachine(ram);
  bringUpZones(k);
  for (let page = 0; page < max_mapnr(k); page++) clear_page_flag(k, pfn(page), PG_reserved);
  const frames = spareFrames(k, before, named, dump);
  const fed = frames.splice(0, SLAB_FRAMES + Math.ceil((2 * areas) / FRAME_OF_OBJECTS) + Math.ceil(nodes / FRAME_OF_NODES));
  for (const frame of fed) __free_pages_bootmem(k, pfn(frame), 0);
  run_to_end(k, kmem_cache_init(k));
  run_to_end(k, create_boot_caches(k));
  const wanted = { ...OBJECTS, vm_area_struct: areas, anon_vma: areas, radix_tree_node: nodes };
  for (const [name, objects] of Object.entries(wanted)) makeReady(k, name, objects);
  frames.push(...takeBack(k));
  init_per_zone_pages_min(k);
  const notes = loadBefore(k, before, dump, frames);
  k.totalram_pages = dump?.vars['totalram'] ?? 0;
  k.totalhigh_pages = dump?.vars['totalhigh'] ?? 0;
  set_tracing(k, 1);
  const spare = (): Pfn => {
    const frame = frames.shift();
    if (frame === undefined) throw new NoFrameLeft('the machine has too few frames that no line names');
    return pfn(frame);
  };
  return { k, spare, notes };
}

/** Low frames that no line names: first those that the dump says are in use, which is as good as never to be free. */
function spareFrames(k: Kernel, before: Before, named: ReadonlySet<number>, dump: Dump | null): number[] {
  const taken = new Set([...named, ...framesBefore(before)]);
  const free = new Set(dump === null ? [] : dump.zones.flatMap(framesOfZone));
  const frames: number[] = [];
  for (let frame = FIRST_FRAME; frame < k.platform.max_low_pfn; frame++) if (!taken.has(frame)) frames.push(frame);
  return [...frames.filter((frame) => !free.has(frame)), ...frames.filter((frame) => free.has(frame))];
}

function framesOfZone({ lists, pcp }: ZoneDump): number[] {
  return [...lists.flatMap((list, order) => list.flatMap((block) => framesOf(block, order))), ...pcp.flatMap(({ pages }) => pages)];
}

/** Fills a cache with free objects, and sees to it that it keeps them. */
function makeReady(k: Kernel, name: string, objects: number): void {
  const cachep = find_cache(k, name);
  if (cachep === null) return;
  for (const l3 of cachep.nodelists) if (l3 !== null) l3.free_limit = Infinity;
  const made: VirtAddr[] = [];
  for (let i = 0; i < objects; i++) made.push(run_to_end(k, kmem_cache_alloc(k, cachep, GFP_KERNEL)));
  if (made.includes(0 as VirtAddr)) throw new Error(`the machine has no memory for ${objects} objects of ${name}`);
  for (const object of made.reverse()) kmem_cache_free(k, cachep, object);
}

/** Empties all lists of pages; the frames that lay there are in use again. */
function takeBack(k: Kernel): number[] {
  const frames: number[] = [];
  for (const zone of for_each_zone(k)) {
    for (let order = 0; order < MAX_ORDER; order++) {
      const area = zone.free_area[order]!;
      for (const block of list_pages(k, area.free_list)) {
        rmv_page_order(k, block);
        for (let i = 0; i < 1 << order; i++) frames.push(block + i);
      }
      INIT_LIST_HEAD(k, area.free_list);
      area.nr_free = 0;
    }
    zone.free_pages = 0;
    for (const pcp of zone.pageset[0]!.pcp) {
      frames.push(...list_pages(k, pcp.list));
      INIT_LIST_HEAD(k, pcp.list);
      pcp.count = 0;
    }
  }
  for (const frame of frames) set_page_count(k, pfn(frame), 1);
  return frames.sort((a, b) => a - b);
}

/** Loads the zones that lines are about. Of the others the free pages are counted alone: no request came to their lists. */
function loadBefore(k: Kernel, before: Before, dump: Dump | null, frames: number[]): string[] {
  for (const { name, free } of dump?.zones ?? []) zoneNamed(k, name).free_pages = free;
  const names = new Set([...before.zones.keys(), ...[...before.lists.values()].map((list) => list.zone)]);
  return [...names].flatMap((name) => loadZoneBefore(k, before, { name, dump: dump?.zones.find((zone) => zone.name === name) ?? null }, frames));
}

function loadZoneBefore(k: Kernel, before: Before, { name, dump }: { name: string; dump: ZoneDump | null }, frames: number[]): string[] {
  const zone = zoneNamed(k, name);
  const known = before.zones.get(name);
  const lists = Array.from({ length: MAX_ORDER }, (_, order) => [...(known?.taken[order] ?? []), ...(known?.merged[order] ?? [])]);
  const pcp = [0, 1].map((cold) => {
    const { high, batch } = dump?.pcp[cold] ?? zone.pageset[0]!.pcp[cold]!;
    const pages = pagesOfList(before.lists.get(`${name} ${cold}`), frames);
    return { zone: name, cold, count: pages.length, high, batch, pages };
  });
  const free = known?.freeBefore ?? dump?.free ?? 0;
  zone.free_pages = 0;
  loadZone(k, zone, { name, start: 0, spanned: 0, present: 0, free: 0, wait_table: 0, bits: 0, lists, pcp });
  const listed = zone.free_pages;
  zone.free_pages = free;
  return free === listed ? [] : [`${free - listed} of the ${free} free pages of ${name} are counted, but stand in no list: no line names them`];
}

/** A list as it was; pages of it that nobody names are spare frames. */
function pagesOfList(list: ListBefore | undefined, frames: number[]): number[] {
  if (list === undefined) return [];
  const { front, back, length } = list;
  const unknown = frames.splice(0, Math.max(0, (length ?? 0) - front.length - back.length));
  return [...front, ...unknown, ...[...back].reverse()];
}
