// Pages that processes gave back, as the F lines show: a whole address space that ended, a mapping that was unmapped, a range that was discarded.
// Which of them it was is read off the frames; then the engine does it, and its own frees must be the recorded ones, in order.
//
//   F of all pages that a process has alone, ascending, then its page tables     the process ended          do_exit
//   F of all pages of an area, then a page table                                 munmap                     do_munmap
//   F of other pages, ascending, no page between them                            MADV_DONTNEED              sys_madvise

import type { Kernel } from '../../engine/kernel.ts';
import type { mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import { MADV_DONTNEED } from '../../engine/include/mman.ts';
import { PG_active, PG_lru } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { pgd_offset, pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { pte_present } from '../../engine/arch/pte.ts';
import { copy_frame } from '../../engine/mm/contents.ts';
import { do_exit } from '../../engine/kernel/exit.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import {
  PageAnon, clear_page_flag, page_index, page_mapcount, page_mapping_raw, page_zone, reset_page_mapcount, set_page_count, set_page_flag,
  set_page_index, set_page_mapped_once, set_page_mapping,
} from '../../engine/mm/mem_map.ts';
import { do_munmap } from '../../engine/mm/mmap.ts';
import { mm_vmas } from '../../engine/mm/mm_struct.ts';
import { page_address_in_vma } from '../../engine/mm/rmap.ts';
import { add_page_to_active_list, del_page_from_lru } from '../../engine/mm/swap.ts';
import { frameOf } from './processes.ts';
import { entryAt } from './space.ts';
import type { Process, Stretch } from './stretch.ts';
import { differIn, endStretch, judged } from './stretch.ts';
import type { Group } from './stretch-plan.ts';
import { TABLE_SPAN } from './stretch-plan.ts';

/** A frame that a process uses: a page of an area, or a page table. */
interface Use {
  process: Process;
  address: number;
  isTable: boolean;
}

/** Handles the frees from a group on where they are of pages that a process has: how many groups that were; 0 where they are nobody's. */
export function meetZap(stretch: Stretch, following: readonly Group[]): number {
  const [group] = following;
  const { observer: { k } } = stretch;
  const frame = group!.asked!.pfn;
  const uses = usesOf(stretch, frame);
  const [use] = uses;
  if (use === undefined) return meetUnnamed(stretch, following);
  if (!use.isTable && group!.asked!.comm !== use.process.task.comm) {
    endStretch(stretch, `line ${group!.asked!.line} frees a page of process ${use.process.pid}, by ${group!.asked!.comm || 'nobody'}: reclaim is not modelled yet`);
    return 1;
  }
  stretch.checks.zaps.total++;
  if (!use.isTable && (uses.length > 1 || page_mapcount(k, pfn(frame)) > 1)) {
    differIn(stretch, stretch.checks.zaps, { where: `trace line ${group!.asked!.line}`, kernel: `freed page ${frame}`, engine: `has it mapped ${page_mapcount(k, pfn(frame))} times` });
    return 1;
  }
  const count = giveBack(stretch, use, following);
  if (count > 0 && stretch.ended === null) stretch.checks.zaps.same++;
  return Math.max(count, 1);
}

/** Chooses what happened, and lets the engine do it. */
function giveBack(stretch: Stretch, use: Use, following: readonly Group[]): number {
  const frames = following.map((group) => group.asked!.pfn);
  const { process } = use;
  nameFrames(stretch, process, frames);
  const all = startsWith(frames, framesAlone(stretch, process));
  if (all > 0) {
    const { k } = stretch.observer;
    judged(stretch, stretch.checks.zaps, process.task, following.slice(0, all), () => run_to_end(k, do_exit(k, 0)));
    stretch.processes.delete(process.pid);
    return all;
  }
  const vma = areaAt(stretch, process.mm, use);
  if (vma === null) {
    endStretch(stretch, `line ${following[0]!.asked!.line} frees a page table, and no area tells whose`);
    return 1;
  }
  const pages = [...framesOf(stretch, process.mm, [vma])];
  const whole = [...pages, ...tablesOnlyOf(stretch, process.mm, vma)];
  const isWhole = whole.length > pages.length && startsWith(frames, whole) > 0;
  if (use.isTable || isWhole) return unmap(stretch, process, vma, following.slice(0, whole.length));
  return discard(stretch, process, { vma, address: use.address }, following);
}

/** A frame that nobody is known to have: the first page of a process that ends, or unmaps, may be in it. */
function meetUnnamed(stretch: Stretch, following: readonly Group[]): number {
  const frames = following.map((group) => group.asked!.pfn);
  for (const process of stretch.processes.values()) {
    if (process.placeholders.size === 0 || !nameFrames(stretch, process, frames)) continue;
    return meetZap(stretch, following);
  }
  return 0;
}

/** Where a process, or one of its areas, gives all back and no line said which frames some of its pages are in, the order of the frees does: those
 *  pages are moved there. Whether any was. */
function nameFrames(stretch: Stretch, process: Process, frames: readonly number[]): boolean {
  const { k } = stretch.observer;
  if (process.placeholders.size === 0) return false;
  const areas = mm_vmas(k, process.mm);
  const ofArea = (vma: vm_area_struct): number[] => [...framesOf(stretch, process.mm, [vma]), ...tablesOnlyOf(stretch, process.mm, vma)];
  const sets = [[...framesAlone(stretch, process)], ...areas.map(ofArea)];
  const isUnnamed = (frame: number): boolean => process.placeholders.has(frame);
  const fits = (set: readonly number[]): boolean => set.length > 1 && set.some(isUnnamed) && !set.every(isUnnamed)
    && set.every((frame, i) => frames[i] !== undefined && (frames[i] === frame || isUnnamed(frame)));
  const set = sets.find(fits);
  if (set === undefined) return false;
  for (const [i, frame] of set.entries()) if (frames[i] !== frame) movePage(stretch, process, frame, frames[i]!);
  return true;
}

/** A page table, or an anonymous page that only one process has, to the frame where it really is. */
function movePage(stretch: Stretch, process: Process, from: number, to: number): void {
  process.placeholders.delete(from);
  const table = pageTables(stretch.observer.k, process.mm).find(({ frame }) => frame === from);
  if (table === undefined) moveAnonymous(stretch, process.mm, from, to);
  else moveTable(stretch, process.mm, { ...table, to });
}

function moveTable({ observer: { k } }: Stretch, mm: mm_struct, { address, frame, to }: { address: number; frame: number; to: number }): void {
  const entry = pgd_offset(k, mm, virt(address));
  copy_frame(k, pfn(to), pfn(frame));
  set_page_count(k, pfn(to), 1);
  write_pte(k, entry, to * PAGE_SIZE + (read_pte(k, entry) % PAGE_SIZE));
}

function moveAnonymous({ observer: { k } }: Stretch, mm: mm_struct, from: number, to: number): void {
  const [source, target] = [pfn(from), pfn(to)];
  const address = mm_vmas(k, mm).flatMap((vma) => addressesOf(k, mm, vma)).find((page) => frameOf(entryAt(k, mm, page)) === from)!;
  write_pte(k, pte_offset_map(k, mm, virt(address))!, to * PAGE_SIZE + (entryAt(k, mm, address) % PAGE_SIZE));
  set_page_mapping(k, target, page_mapping_raw(k, source));
  set_page_index(k, target, page_index(k, source));
  set_page_mapped_once(k, target);
  set_page_count(k, target, 1);
  del_page_from_lru(k, page_zone(k, source), source);
  for (const bit of [PG_lru, PG_active]) clear_page_flag(k, source, bit);
  for (const bit of [PG_lru, PG_active]) set_page_flag(k, target, bit);
  add_page_to_active_list(k, page_zone(k, target), target);
  set_page_mapping(k, source, 0);
  reset_page_mapcount(k, source);
  set_page_count(k, source, 1);
}

function addressesOf(k: Kernel, mm: mm_struct, { vm_start, vm_end }: vm_area_struct): number[] {
  const pages: number[] = [];
  for (let address = vm_start as number; address < vm_end; address += PAGE_SIZE) if (entryAt(k, mm, address) !== 0) pages.push(address);
  return pages;
}

function unmap(stretch: Stretch, process: Process, vma: vm_area_struct, groups: readonly Group[]): number {
  const { k } = stretch.observer;
  judged(stretch, stretch.checks.zaps, process.task, groups, () => {
    run_to_end(k, do_munmap(k, process.mm, vma.vm_start, vma.vm_end - vma.vm_start));
  });
  return groups.length;
}

/** Neighbours, ascending: one range that was discarded. Two calls in a row for neighbours look the same, and do the same. */
function discard(stretch: Stretch, process: Process, from: { vma: vm_area_struct; address: number }, following: readonly Group[]): number {
  const { k } = stretch.observer;
  let end = from.address + PAGE_SIZE;
  let count = 1;
  for (let address = end; address < from.vma.vm_end && count < following.length; address += PAGE_SIZE) {
    const entry = entryAt(k, process.mm, address);
    if (entry === 0) continue;
    if (frameOf(entry) !== following[count]!.asked!.pfn || page_mapcount(k, pfn(frameOf(entry))) > 1) break;
    end = address + PAGE_SIZE;
    count++;
  }
  judged(stretch, stretch.checks.zaps, process.task, following.slice(0, count), () => {
    const answer = run_to_end(k, sys_madvise(k, virt(from.address), end - from.address, MADV_DONTNEED));
    if (answer !== 0) throw new Error(`sys_madvise answers ${answer}`);
  });
  return count;
}

/** How many frames are expected, where the list begins with all of them; else 0. */
function startsWith(frames: readonly number[], expected: Iterable<number>): number {
  let count = 0;
  for (const frame of expected) if (frames[count++] !== frame) return 0;
  return count;
}

// ---- who has what -----------------------------------------------------------------------------------------------------

/** Where a frame is used by processes. */
function usesOf(stretch: Stretch, frame: number): Use[] {
  const { k } = stretch.observer;
  const all = [...stretch.processes.values(), ...stretch.byComm.values()];
  const processes = all.filter((process, i) => all.indexOf(process) === i);
  const mapped = page_mapcount(k, pfn(frame)) === 0 ? [] : processes.flatMap((process) => addressesIn(k, process, frame));
  if (mapped.length > 0) return mapped;
  const tablesAt = (process: Process): { address: number }[] => pageTables(k, process.mm).filter((table) => table.frame === frame);
  return processes.flatMap((process) => tablesAt(process).map(({ address }) => ({ process, address, isTable: true })));
}

/** Where a process has a frame: by its place in each area. */
function addressesIn(k: Kernel, process: Process, frame: number): Use[] {
  const places = mm_vmas(k, process.mm).map((vma) => page_address_in_vma(k, pfn(frame), vma));
  const isThere = (address: number): boolean => address >= 0 && frameOf(entryAt(k, process.mm, address)) === frame;
  return places.filter(isThere).map((address) => ({ process, address, isTable: false }));
}

/** Present pages of areas, ascending. */
function* pagesOf(stretch: Stretch, mm: mm_struct, vmas: readonly vm_area_struct[]): Generator<number, void, void> {
  const { k } = stretch.observer;
  const has = new Set(pageTables(stretch.observer.k, mm).map(({ address }) => address));
  for (const { vm_start, vm_end } of vmas) {
    for (let address = vm_start as number; address < vm_end; address += PAGE_SIZE) {
      if (!has.has(address - (address % TABLE_SPAN))) {
        address += TABLE_SPAN - (address % TABLE_SPAN) - PAGE_SIZE;
        continue;
      }
      const entry = entryAt(k, mm, address);
      if (pte_present(entry)) yield frameOf(entry);
    }
  }
}

/** Page tables of the user part, ascending, by the first address they map. */
export function pageTables(k: Kernel, mm: mm_struct): { address: number; frame: number }[] {
  const found: { address: number; frame: number }[] = [];
  for (let address = 0; address < mm.task_size; address += TABLE_SPAN) {
    const entry = read_pte(k, pgd_offset(k, mm, virt(address)));
    if (pte_present(entry)) found.push({ address, frame: frameOf(entry) });
  }
  return found;
}

/** Anonymous frames of areas that nobody else maps: the order in which they are freed. */
function* framesOf(stretch: Stretch, mm: mm_struct, vmas: readonly vm_area_struct[]): Generator<number, void, void> {
  const { k } = stretch.observer;
  for (const frame of pagesOf(stretch, mm, vmas)) if (PageAnon(k, pfn(frame)) && page_mapcount(k, pfn(frame)) === 1) yield frame;
}

/** What the end of a process frees. */
function* framesAlone(stretch: Stretch, { mm }: Process): Generator<number, void, void> {
  yield* framesOf(stretch, mm, mm_vmas(stretch.observer.k, mm));
  for (const { frame } of pageTables(stretch.observer.k, mm)) yield frame;
}

function areaAt(stretch: Stretch, mm: mm_struct, use: Use): vm_area_struct | null {
  const end = use.isTable ? use.address + TABLE_SPAN : use.address + PAGE_SIZE;
  return mm_vmas(stretch.observer.k, mm).find(({ vm_start, vm_end }) => vm_start < end && use.address < vm_end) ?? null;
}

/** Page tables that map nothing but this area. */
function tablesOnlyOf(stretch: Stretch, mm: mm_struct, vma: vm_area_struct): number[] {
  const others = mm_vmas(stretch.observer.k, mm).filter((other) => other !== vma);
  const isOnly = (address: number): boolean => vma.vm_start < address + TABLE_SPAN && address < vma.vm_end
    && !others.some(({ vm_start, vm_end }) => vm_start < address + TABLE_SPAN && address < vm_end);
  return pageTables(stretch.observer.k, mm).filter(({ address }) => isOnly(address)).map(({ frame }) => frame);
}
