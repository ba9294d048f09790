// What a trace shows between two dumps, where the state of the dump before is not the one it begins in: the state is found from the lines
// themselves (lists-before.ts), with the processes that the recording knows of (processes.ts), and then the engine lives through it (KERNEL.md
// F-5 … F-12, MM-10, MM-18, MM-20, PA-8 … PA-15).
//
//   PF lines              the engine's handle_mm_fault: both entries with their frames, the answer, resident pages, page tables
//   a new pid             the engine's do_fork
//   F lines of processes  the engine's do_exit, do_munmap or sys_madvise
//   A 280d2 without PF    the engine's do_page_fault, at a made-up address
//   all other lines       the allocator alone, as pages-check.ts does
//
// Where lines do not follow from one another the recorder was off: the stretch ends, and the next one begins anew.

import type { mm_struct } from '../../engine/include/mm_types.ts';
import { pfn } from '../../engine/include/types.ts';
import { page_mapcount } from '../../engine/mm/mem_map.ts';
import { find_vma } from '../../engine/mm/mmap.ts';
import { vma_inode } from '../../engine/mm/mm_struct.ts';
import { resize_ring } from '../../engine/trace/events.ts';
import type { Ram } from './engine-door.ts';
import type { Before } from './lists-before.ts';
import { Inconsistent, beginBefore, enterBefore, framesBefore, framesOf } from './lists-before.ts';
import type { Area } from './maps.ts';
import { observe } from './observer.ts';
import { groupAt } from './groups.ts';
import type { PagePlan, ProcessPlan } from './processes.ts';
import { frameOf, planProcess } from './processes.ts';
import type { Recording, SnapshotFile } from './recording.ts';
import { snapshotsInOrder } from './recording.ts';
import type { Lost } from './replay.ts';
import { isPageEvent } from './replay.ts';
import type { Check } from './report.ts';
import { cachePage, cachedFrame, fileIndex, makeProcess, placeAnonymous, placeFilePage, shareUnseen } from './space.ts';
import type { Process, Stretch, StretchChecks } from './stretch.ts';
import { newChecks, performRaw } from './stretch.ts';
import { meetEarlyTable, meetFault, meetFork, meetTouch, meetTouchTable } from './stretch-faults.ts';
import { NoFrameLeft, stretchMachine } from './stretch-machine.ts';
import type { Group, StretchPlan } from './stretch-plan.ts';
import { TABLE_SPAN, TOUCHED_START, planStretch } from './stretch-plan.ts';
import { beginSnapshots, endSnapshots, lookForSnapshots } from './stretch-snapshots.ts';
import { meetZap, pageTables } from './stretch-zaps.ts';
import type { Dump, TraceEvent } from './trace.ts';

export interface StretchVerdict {
  checks: Check[];
  gaps: string[];
  notes: string[];
}

/** Events one call can leave: the end of a large process. */
const RING = 1 << 17;
/** Bytes of a file below one node of its tree; nodes that a page may need; nodes besides. */
const NODE_SPAN = 64 * 4096;
const NODES_OF_A_PATH = 3;
const SPARE_NODES = 128;
/** Other VMAs than a recording shows: those of forks. */
const MORE_AREAS = 200;

/** After so many beginnings the lines are no recording of what happened. */
const MOST_STRETCHES = 100;

/** Replays what the replay from dumps could not, and every stretch that shows what processes did. */
export function checkStretches(recording: Recording, ram: readonly Ram[], events: readonly TraceEvent[], lost: readonly Lost[]): StretchVerdict {
  const verdict: StretchVerdict = { checks: [], gaps: [], notes: [] };
  for (const stretch of [...lost, ...ofProcesses(events, lost)]) checkOne(recording, ram, events, stretch, verdict);
  return { ...verdict, checks: verdict.checks.filter(({ total }) => total > 0) };
}

/** Stretches between dumps that were replayed already, but show page faults: only these are counted. */
function ofProcesses(events: readonly TraceEvent[], lost: readonly Lost[]): Lost[] {
  const found: Lost[] = [];
  for (let from = 0; from < events.length;) {
    const end = events.findIndex((event, at) => at >= from && event.kind === 'dump');
    const to = end < 0 ? events.length : end;
    const isLost = lost.some((other) => other.from < to && from < other.to);
    if (!isLost && events.slice(from, to).some(({ kind }) => kind === 'fault')) found.push({ from, to, name: 'processes', why: '', calls: 0 });
    from = to + 1;
  }
  return found;
}

function checkOne(recording: Recording, ram: readonly Ram[], events: readonly TraceEvent[], lost: Lost, verdict: StretchVerdict): void {
  const snapshots = snapshotsInOrder(recording);
  const checks = newChecks(lost.name);
  const isRandomized = !recording.log.some((line) => /^Kernel command line:.*\bnorandmaps\b/.test(line));
  let ended: Stretch['ended'] = lost.why.includes('direct reclaim') ? { why: lost.why } : null;
  let from = lost.from;
  for (let begun = 0; from < lost.to && ended === null; begun++) {
    if (begun === MOST_STRETCHES) ended = { why: `the recorder was off ${begun} times before line ${events[from]!.line}` };
    if (ended !== null) break;
    const { before, until, why } = stateBefore(events, from, lost.to);
    if (until > from) ended = liveThrough(events, { from, until, before }, { ram, snapshots, isRandomized }, { lost, checks, verdict });
    if (why !== null && ended === null) verdict.notes.push(`${lost.name}: the recorder was off before line ${events[until]!.line} (${why}): from there the lists are again those that the lines tell`);
    from = Math.max(until, from + 1);
  }
  if (ended !== null && ended.why !== 'the engine differs') verdict.gaps.push(`${lost.calls - checks.pages.total} allocations and frees of '${lost.name}' are not replayed: ${ended.why}`);
  if (ended?.why === 'the engine differs') checks.pages.total = Math.max(checks.pages.total, lost.calls);
  if (lost.calls === 0) checks.pages.total = 0;
  verdict.checks.push(checks.pages, checks.faults, checks.touches, checks.forks, checks.zaps, checks.snapshots);
}

/** Replays one stretch; why it could not be replayed to its end, or null. */
function liveThrough(events: readonly TraceEvent[], range: Range, setting: Setting, into: { lost: Lost; checks: StretchChecks; verdict: StretchVerdict }): Stretch['ended'] {
  const { lost, checks, verdict } = into;
  try {
    const stretch = beginStretch(events, range, setting);
    stretch.checks = checks;
    replay(stretch, range.until);
    verdict.notes.push(...[...stretch.machine.notes, ...stretch.notes].map((note) => `${lost.name}: ${note}`));
    return stretch.ended;
  } catch (error) {
    if (!(error instanceof NoFrameLeft)) throw error;
    return { why: error.message };
  }
}

// ---- the beginning ----------------------------------------------------------------------------------------------------

/** The state before events, and how far they follow from one another. */
function stateBefore(events: readonly TraceEvent[], from: number, to: number): { before: Before; until: number; why: string | null } {
  const { until, why } = consistentUntil(events, from, to);
  const before = beginBefore();
  for (const event of events.slice(from, until)) if (isPageEvent(event)) enterBefore(before, event);
  return { before, until, why };
}

function consistentUntil(events: readonly TraceEvent[], from: number, to: number): { until: number; why: string | null } {
  const before = beginBefore();
  for (let at = from; at < to; at++) {
    if (!isPageEvent(events[at]!)) continue;
    const group = groupAt(events, at);
    try {
      for (const event of group) enterBefore(before, event);
    } catch (error) {
      if (!(error instanceof Inconsistent)) throw error;
      return { until: at, why: error.message };
    }
    at += group.length - 1;
  }
  return { until: to, why: null };
}

interface Range {
  from: number;
  until: number;
  before: Before;
}

interface Setting {
  ram: readonly Ram[];
  snapshots: readonly SnapshotFile[];
  isRandomized: boolean;
}

function beginStretch(events: readonly TraceEvent[], range: Range, { ram, snapshots, isRandomized }: Setting): Stretch {
  const plan = planStretch(events, range.from, range.until);
  const plans = existing(plan).map((pid) => planProcess(evidenceFor(plan, pid), snapshots));
  const named = new Set(plans.flatMap(({ pages }) => pages.flatMap(({ frame }) => frame ?? [])));
  for (const fault of plan.faults) for (const entry of [fault.old, fault.new]) named.add(frameOf(entry));
  for (const { asked } of plan.groups) for (const frame of asked === null ? [] : framesOf(asked.pfn, asked.order)) named.add(frame);
  const dump = events.slice(0, range.from).reverse().find((event): event is Dump => event.kind === 'dump') ?? null;
  const areas = plans.reduce((sum, { areas: some }) => sum + 2 * some.length, MORE_AREAS);
  const machine = stretchMachine(ram, range.before, named, dump, { areas, nodes: nodesFor(plan) });
  const stretch: Stretch = {
    events, at: range.from, plan, machine, observer: observe(machine.k), processes: new Map(), byComm: new Map(), files: new Map(),
    reclaiming: new Set(), checks: newChecks(''), expected: [], atEnd: [], offsets: {}, notes: new Set(plans.flatMap(({ notes }) => notes)),
    allocated: new Set(), isUncertain: false, ended: null,
  };
  for (const process of plans) stretch.processes.set(process.pid, begin(stretch, process, isRandomized));
  shareWithUnseen(stretch, plans);
  for (const comm of new Set([...plan.touches.values()].map((touch) => touch.comm))) stretch.byComm.set(comm, beginTouching(stretch, comm));
  stretch.observer = observe(machine.k);
  markFree(stretch, range.before);
  beginSnapshots(stretch, plans, snapshots);
  resize_ring(machine.k, RING);
  return stretch;
}

/** Nodes of trees that the pages of files need which faults show: one for every 64 pages that are neighbours, and those above it. */
function nodesFor({ faults }: StretchPlan): number {
  return SPARE_NODES + NODES_OF_A_PATH * new Set(faults.map(({ address }) => Math.floor(address / NODE_SPAN))).size;
}

/** Processes that were there from the beginning: those whose fork no line shows. */
function existing(plan: StretchPlan): number[] {
  return [...new Set(plan.faults.map(({ pid }) => pid))].filter((pid) => !plan.forks.has(pid)).sort((a, b) => a - b);
}

function evidenceFor(plan: StretchPlan, pid: number) {
  const forks = new Map([...plan.forks].map(([child, groups]) => [child, groups[0]!.events[0]!.line]));
  const own = plan.faults.filter((fault) => fault.pid === pid);
  const family = plan.faults.filter((fault) => fault.pid === pid || forks.has(fault.pid));
  return { pid, own, family, forks, newTables: plan.newTables };
}

function begin(stretch: Stretch, plan: ProcessPlan, isRandomized: boolean): Process {
  const { k, spare } = stretch.machine;
  const { task, mm } = makeProcess(k, { comm: plan.comm, areas: plan.areas, files: stretch.files, isRandomized });
  const placeholders = new Set<number>();
  for (const page of plan.pages) {
    const frame = page.frame ?? spare();
    if (page.frame === null) placeholders.add(frame);
    place(stretch, mm, page, frame);
  }
  for (const { frame } of pageTables(k, mm)) placeholders.add(frame);
  const built = `${mm.anon_rss} anonymous pages, ${mm.file_rss} of files and ${mm.nr_ptes} page tables`;
  const { anon_rss, file_rss, ptes } = plan.counters;
  if (mm.anon_rss !== anon_rss || mm.file_rss !== file_rss || mm.nr_ptes !== ptes) {
    stretch.notes.add(`process ${plan.pid} begins with ${anon_rss} anonymous pages, ${file_rss} of files and ${ptes} page tables, of which ${built} are known`);
  }
  Object.assign(mm, { anon_rss, file_rss, nr_ptes: ptes });
  return { pid: plan.pid, task, mm, placeholders, isNew: false };
}

function place(stretch: Stretch, mm: mm_struct, page: PagePlan, frame: number): void {
  const { k, spare } = stretch.machine;
  const vma = find_vma(k, mm, page.address)!;
  const at = { address: page.address, frame: pfn(frame), prot: page.prot };
  if (page.isAnonymous) {
    placeAnonymous(k, vma, at, spare);
    return;
  }
  const file = vma_inode(k, vma);
  if (file === null) return;
  if (cachedFrame(k, vma, page.address) === undefined) cachePage(k, file, fileIndex(vma, page.address), at.frame);
  placeFilePage(k, vma, at, spare);
}

/** Pages that somebody maps of whom nothing is known. */
function shareWithUnseen({ machine: { k } }: Stretch, plans: readonly ProcessPlan[]): void {
  const shared = plans.flatMap(({ pages }) => pages.filter(({ isShared }) => isShared).flatMap(({ frame }) => frame ?? []));
  for (const frame of new Set(shared)) if (page_mapcount(k, pfn(frame)) === 1) shareUnseen(k, pfn(frame));
}

/** A process of which only touches are known: one area that holds them all. */
function beginTouching(stretch: Stretch, comm: string): Process {
  const { k } = stretch.machine;
  const touches = [...stretch.plan.touches.values()].filter((touch) => touch.comm === comm);
  const end = Math.max(...touches.map(({ address }) => address)) + TABLE_SPAN;
  const area: Area = { start: TOUCHED_START, end: end - (end % TABLE_SPAN), perms: 'rw-p', offset: TOUCHED_START, dev: '00:00', ino: 0, path: '', figures: null };
  const { task, mm } = makeProcess(k, { comm, areas: [area], files: stretch.files, isRandomized: false });
  stretch.notes.add(`where ${comm} touched its memory is not recorded: the addresses are made up`);
  return { pid: -task.pid, task, mm, placeholders: new Set(), isNew: false };
}

function markFree(stretch: Stretch, before: Before): void {
  const { isFree } = stretch.observer;
  for (const frame of framesBefore(before)) isFree[frame] = 1;
}

// ---- the course -------------------------------------------------------------------------------------------------------

function replay(stretch: Stretch, until: number): void {
  const { plan, events } = stretch;
  const groups = new Map(plan.groups.map((group, i) => [group.at, i]));
  const tables = new Map([...plan.touches.values()].flatMap((touch) => (touch.table === null ? [] : [[touch.table, touch] as const])));
  const first = plan.groups[0]?.at ?? until;
  lookForSnapshots(stretch);
  for (let at = Math.min(first, firstFault(stretch)); at < until && stretch.ended === null; at++) {
    const event = events[at]!;
    stretch.at = at;
    if (event.kind === 'fault') {
      meetFault(stretch, event);
      lookForSnapshots(stretch);
    }
    if (event.kind === 'reclaim') noteReclaim(stretch, event);
    const index = groups.get(at);
    if (index === undefined) continue;
    const taken = plan.claimed.has(plan.groups[index]!) ? 1 : meetGroup(stretch, index, tables);
    at += plan.groups.slice(index, index + taken).reduce((sum, group) => sum + group.events.length, 0) - 1;
  }
  if (stretch.ended === null) endSnapshots(stretch);
}

function firstFault({ plan, events }: Stretch): number {
  return plan.faults.length === 0 ? Infinity : events.indexOf(plan.faults[0]!);
}

function noteReclaim(stretch: Stretch, event: { comm: string; begins: boolean }): void {
  if (event.begins) stretch.reclaiming.add(event.comm);
  else stretch.reclaiming.delete(event.comm);
}

/** One call's lines: how many groups were taken with it. */
function meetGroup(stretch: Stretch, index: number, tables: ReadonlyMap<Group, Parameters<typeof meetTouch>[1]>): number {
  const { plan } = stretch;
  const group = plan.groups[index]!;
  const fork = [...plan.forks].find(([, run]) => run[0] === group);
  if (fork !== undefined) {
    const taken = meetFork(stretch, fork[0], fork[1]);
    lookForSnapshots(stretch);
    return taken;
  }
  const early = plan.early.get(group);
  const touch = plan.touches.get(group);
  const ofTable = tables.get(group);
  if (early !== undefined) meetEarlyTable(stretch, group, early);
  else if (touch !== undefined) meetTouch(stretch, touch);
  else if (ofTable !== undefined) {
    if (plan.groups[index + 1] !== ofTable.page) meetTouchTable(stretch, ofTable);
  } else if (group.asked === null) return 1;
  else {
    const taken = group.asked.kind === 'free' && group.asked.order === 0 ? meetZap(stretch, frees(plan.groups, index)) : 0;
    if (taken > 0) {
      lookForSnapshots(stretch);
      return taken;
    }
    performRaw(stretch, group);
  }
  return 1;
}

/** The frees of single pages from a group on, with nothing between them. */
function frees(groups: readonly Group[], from: number): Group[] {
  const run: Group[] = [];
  for (let i = from; i < groups.length; i++) {
    const group = groups[i]!;
    if (group.asked?.kind !== 'free' || group.asked.order > 0) break;
    run.push(group);
  }
  return run;
}
