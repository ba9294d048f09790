// The state of a stretch's replay, and the calls that every part of it makes: the allocator's raw ones, and the engine's own, whose lines must be the
// trace's.

import type { inode, mm_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { __GFP_WAIT } from '../../engine/include/gfp.ts';
import { PG_active, PG_lru, PG_uptodate } from '../../engine/include/page-flags.ts';
import { NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { pfn } from '../../engine/include/types.ts';
import { radix_tree_delete, radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { clear_page_flag, page_index, page_mapping_raw, page_zone, set_page_mapping, test_page_flag } from '../../engine/mm/mem_map.ts';
import { del_page_from_lru } from '../../engine/mm/swap.ts';
import { dec_zone_page_state } from '../../engine/mm/vmstat.ts';
import { becomeTask, release, request } from './engine-door.ts';
import { asRecorded, compareGroup } from './groups.ts';
import type { Line, Observer } from './observer.ts';
import { watch } from './observer.ts';
import type { Check, Difference } from './report.ts';
import type { Files } from './space.ts';
import { become } from './space.ts';
import type { StretchMachine } from './stretch-machine.ts';
import type { Group, StretchPlan } from './stretch-plan.ts';
import type { SnapshotFile } from './recording.ts';
import type { Alloc, Free, TraceEvent } from './trace.ts';
import { needsReclaim } from './words.ts';

/** A process of the recording and the engine's task for it. */
export interface Process {
  pid: number;
  task: task_struct;
  mm: mm_struct;
  /** Frames of pages that are there, but where no line says which. */
  placeholders: Set<number>;
  /** Whether it was forked, and no fault of its own has been met. */
  isNew: boolean;
}

export interface StretchChecks {
  pages: Check;
  faults: Check;
  forks: Check;
  zaps: Check;
  touches: Check;
  snapshots: Check;
}

export interface Stretch {
  events: readonly TraceEvent[];
  /** The event that is met now. */
  at: number;
  plan: StretchPlan;
  machine: StretchMachine;
  observer: Observer;
  /** By the recording's pid; of touches, whose pid no line says, below zero. */
  processes: Map<number, Process>;
  byComm: Map<string, Process>;
  files: Files;
  reclaiming: Set<string>;
  checks: StretchChecks;
  /** Snapshots that are still to be found in the engine's course, in order. */
  expected: SnapshotFile[];
  /** Snapshots that must be found at its end. */
  atEnd: SnapshotFile[];
  /** Rows of meminfo that the kernel had more than the engine's processes account for, kB. */
  offsets: Record<string, number>;
  notes: Set<string>;
  /** Frames that somebody else than a known process got since the beginning. */
  allocated: Set<number>;
  /** Pages went of which no line says whose they were: what processes have is not known exactly any more. */
  isUncertain: boolean;
  /** The replay cannot go on: why. */
  ended: { why: string } | null;
}

export function newChecks(name: string): StretchChecks {
  const check = (rules: string, what: string): Check => ({ rules, what: `${name} ${what}`, same: 0, total: 0, difference: null });
  return {
    pages: check('PA-8..15', 'alloc/free'), faults: check('F-5..8 T-1,4', 'page faults (PF)'), forks: check('F-11', 'forks'), zaps: check('F-12 MM-10,18,20', 'pages given back'),
    touches: check('F-1,2,6', 'pages touched'), snapshots: check('PR-7 R-4', 'snapshots of processes met'),
  };
}

/** The engine did something else: the stretch ends here, and what is left of it counts as not the same. */
export function differIn(stretch: Stretch, check: Check, difference: Difference): void {
  check.difference ??= difference;
  stretch.ended ??= { why: 'the engine differs' };
}

/** Why the replay cannot go on, without the engine being wrong. */
export function endStretch(stretch: Stretch, why: string): void {
  stretch.ended ??= { why };
}

/** Calls the engine for a task and compares its lines with those of the groups; counts them as allocations and frees. False where it differs. */
export function judged(stretch: Stretch, check: Check, task: task_struct, groups: readonly Group[], call: () => void): boolean {
  const lines = linesOf(stretch, check, { task, groups }, call);
  return lines !== null && compared(stretch, check, groups, lines);
}

/** Calls the engine for a task: the lines of what it allocated and freed, or null where it stopped. Requests of nobody's are made with the mask that
 *  was recorded; those of a task are the engine's own. */
export function linesOf(stretch: Stretch, check: Check, of: { task: task_struct | null; groups: readonly Group[] }, call: () => void): Line[] | null {
  const { observer } = stretch;
  become(observer.k, of.task ?? observer.k.tasks[0]!);
  try {
    const lines = watch(observer, 0, call);
    return of.task === null ? lines : asRecorded(lines);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    differIn(stretch, check, { where: placeOf(stretch, of.groups), kernel: 'went on', engine: `${error.name}: ${error.message}` });
    return null;
  }
}

/** Where a call stands: at its first line, or at the event that asked for it. */
function placeOf(stretch: Stretch, groups: readonly Group[]): string {
  return `trace line ${groups[0]?.events[0]?.line ?? stretch.events[stretch.at]?.line}`;
}

/** Compares the engine's lines with those of the groups, and counts them. */
export function compared(stretch: Stretch, check: Check, groups: readonly Group[], lines: readonly Line[]): boolean {
  const events = groups.flatMap((group) => group.events);
  stretch.checks.pages.total += groups.length;
  const difference = events.length + lines.length === 0 ? null : compareGroup(events, lines);
  if (difference !== null) {
    differIn(stretch, check, events.length > 0 ? difference : { ...difference, where: placeOf(stretch, groups) });
    return false;
  }
  stretch.checks.pages.same += groups.length;
  return true;
}

/** What nobody of the processes asked for: the allocator answers it alone. */
export function performRaw(stretch: Stretch, group: Group): void {
  const asked = group.asked!;
  const k = stretch.observer.k;
  becomeTask(k, asked.comm, { reclaims: stretch.reclaiming.has(asked.comm) });
  noteFrame(stretch, asked);
  let page: number | null = -1;
  const lines = linesOf(stretch, stretch.checks.pages, { task: null, groups: [group] }, () => {
    page = raw(stretch, asked);
  });
  if (lines !== null) compared(stretch, stretch.checks.pages, [group], lines);
  if (page !== null || asked.kind === 'free' || stretch.checks.pages.difference === null) return;
  if ((asked.gfp & __GFP_WAIT) === 0) return;
  stretch.checks.pages.difference = null;
  stretch.checks.pages.total--;
  stretch.ended = { why: needsReclaim(asked.line) };
}

/** A page that was in use from the beginning, freed by a process of which not all frames are known, may have been its own. */
function noteFrame(stretch: Stretch, asked: Alloc | Free): void {
  if (asked.kind === 'alloc') stretch.allocated.add(asked.pfn);
  else if (!stretch.allocated.delete(asked.pfn) && !stretch.isUncertain && asked.order === 0 && hasUnknownFrames(stretch, asked.comm)) {
    stretch.isUncertain = true;
    stretch.notes.add(`from line ${asked.line} on pages are freed of which no line says whose they were`);
  }
}

function hasUnknownFrames({ processes, byComm }: Stretch, comm: string): boolean {
  return byComm.has(comm) || [...processes.values()].some(({ task, placeholders }) => task.comm === comm && placeholders.size > 0);
}

function raw(stretch: Stretch, asked: Alloc | Free): number | null {
  const { observer } = stretch;
  if (asked.kind === 'alloc') return request(observer.k, asked.gfp, asked.order);
  if (observer.isFree[asked.pfn] === 1) throw new Error(`page ${asked.pfn} is free already`);
  forget(stretch, pfn(asked.pfn));
  release(observer.k, pfn(asked.pfn), asked.order, asked.cold);
  return asked.pfn;
}

/** A page of the cache that is freed has left it before: nobody records that. */
function forget({ observer: { k } }: Stretch, page: Pfn): void {
  const mapping = page_mapping_raw(k, page);
  const file: inode | null | undefined = mapping % 2 === 0 ? k.inodes[mapping / 2] : null;
  if (file === null || file === undefined || radix_tree_lookup(file.page_tree, page_index(k, page)) !== page) return;
  radix_tree_delete(k, file.page_tree, page_index(k, page));
  file.nrpages--;
  dec_zone_page_state(k, page, NR_FILE_PAGES);
  set_page_mapping(k, page, 0);
  if (test_page_flag(k, page, PG_lru)) del_page_from_lru(k, page_zone(k, page), page);
  for (const bit of [PG_lru, PG_active, PG_uptodate]) clear_page_flag(k, page, bit);
}
