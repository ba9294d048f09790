// The figures of a smaps, reached by touching pages: where a snapshot shows more resident, or more of its own, than the engine's process has, so many
// pages are read or written; where it shows pages shared that nobody shares, there was a fork. Which pages is not recorded; the lowest are taken.

import type { Kernel } from '../../engine/kernel.ts';
import type { mm_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { MADV_DONTNEED } from '../../engine/include/mman.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { do_page_fault } from '../../engine/arch/fault.ts';
import { PF_PROT, PF_USER, PF_WRITE } from '../../engine/arch/mmu.ts';
import { _PAGE_DIRTY } from '../../engine/arch/pte.ts';
import { do_exit } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { page_mapcount } from '../../engine/mm/mem_map.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import type { Area, Figures } from './maps.ts';
import { isAnonymous, parseMaps } from './maps.ts';
import { frameOf } from './processes.ts';
import type { SnapshotFile } from './recording.ts';
import type { Files } from './space.ts';
import { NotJudged, become, entryAt } from './space.ts';

/** The engine's machine between two snapshots. */
export interface Space {
  k: Kernel;
  task: task_struct;
  child: task_struct | null;
  files: Files;
  areas: Area[];
  /** meminfo files between the last smaps and the next that are still to be met, and what the kernel has more than the engine, kB. */
  waiting: SnapshotFile[];
  offsets: Record<string, number> | null;
  /** What the engine had promised at the moments since the last one that was met. */
  promised: Set<string>;
}

/** Kilobytes of a page. */
const PAGE_KB = PAGE_SIZE / 1024;
const NONE: Figures = { rss: 0, sharedClean: 0, sharedDirty: 0, privateClean: 0, privateDirty: 0 };

/** Brings the engine's processes to where the figures could be the kernel's. `step` is called after everything that changed a figure. */
export function figuresToMeet(space: Space, areas: readonly Area[], options: { isChild: boolean; step: () => void }): void {
  options.step();
  const isShared = areas.some((area) => isOwn(area) && (area.figures?.sharedDirty ?? 0) > 0);
  if (space.child === null && (isShared || options.isChild)) {
    forkChild(space);
    options.step();
  }
  const hasOwn = areas.some((area) => isOwn(area) && (area.figures?.privateDirty ?? 0) > 0);
  if (space.child !== null && !options.isChild && !isShared && hasOwn && sharesAny(space)) {
    endChild(space);
    options.step();
  }
  const task = options.isChild ? space.child! : space.task;
  const other = options.isChild ? space.task : space.child;
  for (const area of areas) touchArea(space.k, area, { task, other, step: options.step });
}

/** Private memory that may be written: shared only after a fork. */
export const isOwn = ({ perms }: Area): boolean => perms[1] === 'w' && perms[3] === 'p';

function sharesAny({ k, task }: Space): boolean {
  return parseMaps(proc_smaps(k, task)).some((area) => isOwn(area) && (area.figures?.sharedDirty ?? 0) > 0);
}

interface Touching {
  task: task_struct;
  /** The process that pages may be shared with. */
  other: task_struct | null;
  step(): void;
}

function touchArea(k: Kernel, area: Area, { task, other, step }: Touching): void {
  if (area.figures === null) return;
  const wanted = area.figures;
  const missing = (of: (figures: Figures) => number): number => Math.round((of(wanted) - of(figuresNow(k, task, area))) / PAGE_KB);
  const touch = (who: task_struct, count: number, write: 0 | 1, is: (address: number) => boolean): void => {
    const isForbidden = area.perms[write] === '-';
    if (isForbidden && count > 0) throw new NotJudged(`pages of ${area.start.toString(16)} were touched before it was protected`);
    for (const address of pagesWhere(area, is).slice(0, Math.max(0, count))) {
      access(k, who, address, write);
      step();
    }
  };
  const mm = mm_of(k, task.mm);
  discardSurplus(k, area, task, missing);
  const isAbsent = (address: number): boolean => entryAt(k, mm, address) === 0;
  touch(task, missing(({ sharedDirty, privateDirty }) => sharedDirty + privateDirty), 1, isAbsent);
  const copied = Math.min(missing(({ privateDirty }) => privateDirty), -missing(({ sharedDirty }) => sharedDirty));
  touch(task, copied, 1, (address) => mapcount(k, mm, address) > 1);
  const shared = other === null ? null : mm_of(k, other.mm);
  const hasOther = (address: number): boolean => shared !== null && entryAt(k, shared, address) !== 0;
  touch(task, missing(({ rss }) => rss) - privateReads(missing), 0, (address) => isAbsent(address) && hasOther(address));
  touch(task, missing(({ rss }) => rss), 0, isAbsent);
  if (other !== null) touch(other, missing(({ sharedClean }) => sharedClean), 0, (address) => !isAbsent(address) && !hasOther(address));
}

/** Anonymous pages that the snapshot has no more were given back; pages of files never are, by themselves. */
function discardSurplus(k: Kernel, area: Area, task: task_struct, missing: (of: (figures: Figures) => number) => number): void {
  if (!isAnonymous(area)) return;
  const mm = mm_of(k, task.mm);
  const isDirty = (address: number): boolean => (entryAt(k, mm, address) & _PAGE_DIRTY) !== 0;
  const dirty = (): number => -missing(({ sharedDirty, privateDirty }) => sharedDirty + privateDirty);
  const discard = (count: number, is: (address: number) => boolean): void => {
    for (const address of pagesWhere(area, is).slice(0, Math.max(0, count))) run_to_end(k, sys_madvise(k, virt(address), PAGE_SIZE, MADV_DONTNEED));
  };
  become(k, task);
  discard(Math.min(dirty(), -missing(({ sharedDirty }) => sharedDirty)), (address) => isDirty(address) && mapcount(k, mm, address) > 1);
  discard(dirty(), isDirty);
  discard(-missing(({ sharedClean, privateClean }) => sharedClean + privateClean), (address) => entryAt(k, mm, address) !== 0 && !isDirty(address));
}

/** Reads that nobody shares. */
function privateReads(missing: (of: (figures: Figures) => number) => number): number {
  return Math.max(0, missing(({ privateClean }) => privateClean));
}

function figuresNow(k: Kernel, task: task_struct, { start }: Area): Figures {
  return parseMaps(proc_smaps(k, task)).find((area) => area.start === start)?.figures ?? NONE;
}

function pagesWhere({ start, end }: Area, is: (address: number) => boolean): number[] {
  const pages: number[] = [];
  for (let address = start; address < end; address += PAGE_SIZE) if (is(address)) pages.push(address);
  return pages;
}

/** How many entries name the page that serves an address. */
function mapcount(k: Kernel, mm: mm_struct, address: number): number {
  const entry = entryAt(k, mm, address);
  return entry === 0 ? 0 : page_mapcount(k, pfn(frameOf(entry)));
}

/** The process touches a page, and the kernel handles the fault. */
function access(k: Kernel, task: task_struct, address: number, write: 0 | 1): void {
  become(k, task);
  const isThere = entryAt(k, mm_of(k, task.mm), address) !== 0;
  const error = PF_USER | (write === 1 ? PF_WRITE : 0) | (isThere ? PF_PROT : 0);
  if (run_to_end(k, do_page_fault(k, virt(address), error)) !== 0) throw new Error(`${task.comm} may not touch ${address.toString(16)}`);
}

/** A second process appears: it is the first one's child. */
function forkChild(space: Space): task_struct {
  const { k, task } = space;
  become(k, task);
  const pid = run_to_end(k, do_fork(k, { name: `${task.comm}.child`, comm: task.comm, program: null }));
  if (pid < 0) throw new Error(`do_fork answers ${pid}`);
  space.child = k.tasks[pid]!;
  return space.child;
}

/** The child has ended. */
function endChild(space: Space): void {
  if (space.child === null) return;
  become(space.k, space.child);
  run_to_end(space.k, do_exit(space.k, 0));
  space.child = null;
}
