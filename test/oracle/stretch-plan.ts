// What the lines of a stretch belong to: which request was made by which page fault, where a fork was, what a process touched and gave back. Decided
// by the lines alone, before the engine sees any of them:
//
//   A 284d0 … A 200d2 … PF … new FRAME     the fault's own: a page for FRAME, and where `ptes` grew, a page table
//   A 284d0  A 284d0  A 284d0              before a pid's first fault: its page tables, copied by fork
//   A 280d2                                with no PF lines at all: a touch of memory that was not there
//   F                                      of a page that a touch got: given back

import { GFP_HIGHUSER, GFP_KERNEL, __GFP_HARDWALL, __GFP_REPEAT, __GFP_ZERO } from '../../engine/include/gfp.ts';
import { askedIn, groupAt } from './groups.ts';
import { frameOf } from './processes.ts';
import { isPageEvent } from './replay.ts';
import type { Alloc, Fault, Free, PageEvent, TraceEvent } from './trace.ts';

/** A page table, a page of zeroes for a process, a page of a slab, as the recorder writes their masks. */
const TABLE_GFP = GFP_KERNEL | __GFP_REPEAT | __GFP_ZERO | __GFP_HARDWALL;
const ZEROED_GFP = GFP_HIGHUSER | __GFP_ZERO;
const SLAB_GFP = GFP_KERNEL | __GFP_HARDWALL;
const PAGE_GFPS = [GFP_HIGHUSER, ZEROED_GFP];

/** The lines of one call. */
export interface Group {
  at: number;
  events: PageEvent[];
  asked: Alloc | Free | null;
}

/** A touch of the process of a name: the page came with this request, after that one for its table. */
export interface Touch {
  comm: string;
  page: Group;
  table: Group | null;
  /** Where the process has it; made up, since no line says. */
  address: number;
}

export interface StretchPlan {
  groups: Group[];
  faults: Fault[];
  /** Groups that a fault made, and those of page tables that it made before others came between; by the fault. */
  owned: Map<Fault, Group[]>;
  claimed: Set<Group>;
  early: Map<Group, Fault>;
  newTables: Set<Fault>;
  /** Page tables of a child's, by its pid. */
  forks: Map<number, Group[]>;
  /** By the group of the page. */
  touches: Map<Group, Touch>;
}

/** Plans the events from `from` up to `to`. */
export function planStretch(events: readonly TraceEvent[], from: number, to: number): StretchPlan {
  const groups = groupsOf(events, from, to);
  const faults: Fault[] = [];
  for (let at = from; at < to; at++) if (events[at]!.kind === 'fault') faults.push(events[at] as Fault);
  const plan: StretchPlan = {
    groups, faults, owned: new Map(), claimed: new Set(), early: new Map(), newTables: new Set(), forks: new Map(), touches: new Map(),
  };
  const children = childrenOf(faults);
  const before = groupsBefore(plan, events, from);
  const earlier = new Map<number, Fault>();
  for (const [fault, some] of before) {
    planFault(plan, fault, some, earlier.get(fault.pid) ?? null);
    earlier.set(fault.pid, fault);
  }
  for (const pid of children) planFork(plan, events, pid);
  for (const pid of new Set(faults.map((fault) => fault.pid))) {
    if (!plan.forks.has(pid)) planFirstTable(plan, faults.find((fault) => fault.pid === pid)!, before);
  }
  if (faults.length === 0) planTouches(plan);
  return plan;
}

function groupsOf(events: readonly TraceEvent[], from: number, to: number): Group[] {
  const groups: Group[] = [];
  for (let at = from; at < to; at++) {
    if (!isPageEvent(events[at]!)) continue;
    const group = groupAt(events, at);
    groups.push({ at, events: group, asked: askedIn(group) ?? null });
    at += group.length - 1;
  }
  return groups;
}

export const isTable = ({ asked }: Group): boolean => asked?.kind === 'alloc' && asked.order === 0 && asked.gfp === TABLE_GFP;
export const isSlabPage = ({ asked }: Group): boolean => asked?.kind === 'alloc' && asked.order === 0 && asked.gfp === SLAB_GFP;
const isZeroed = ({ asked }: Group): boolean => asked?.kind === 'alloc' && asked.order === 0 && asked.gfp === ZEROED_GFP;

/** Pids whose first fault comes after another's: forked meanwhile, if page tables for them were allocated. */
function childrenOf(faults: readonly Fault[]): number[] {
  const pids = [...new Set(faults.map(({ pid }) => pid))];
  const eldest = Math.min(...pids);
  return pids.filter((pid) => pid !== eldest);
}

// ---- faults -----------------------------------------------------------------------------------------------------------

/** Groups between each fault and the one before. */
function groupsBefore(plan: StretchPlan, events: readonly TraceEvent[], from: number): Map<Fault, Group[]> {
  const before = new Map<Fault, Group[]>();
  let since = from;
  let next = 0;
  for (const fault of plan.faults) {
    const at = events.indexOf(fault, since);
    const first = next;
    while (next < plan.groups.length && plan.groups[next]!.at < at) next++;
    before.set(fault, plan.groups.slice(first, next));
    since = at + 1;
  }
  return before;
}

/** A fault's own requests: the last ones before its line. Its process had fewer page tables at its fault before, if it made one. */
function planFault(plan: StretchPlan, fault: Fault, before: readonly Group[], earlier: Fault | null): void {
  const own: Group[] = [];
  const last = before.at(-1);
  const isPage = last?.asked?.kind === 'alloc' && PAGE_GFPS.includes(last.asked.gfp) && last.asked.pfn === frameOf(fault.new) && frameOf(fault.old) !== last.asked.pfn;
  plan.owned.set(fault, own);
  if (isPage) claim(plan, fault, last);
  if (earlier === null || fault.ptes <= earlier.ptes) return;
  const table = before.filter(isTable).at(-1);
  if (table !== undefined) addTable(plan, fault, table, before);
}

/** A group is a fault's own, before those that are already. */
export function claim(plan: StretchPlan, fault: Fault, group: Group): void {
  plan.owned.get(fault)!.unshift(group);
  plan.claimed.add(group);
}

/** The table is the fault's own where nothing comes between, else it was made before. */
function addTable(plan: StretchPlan, fault: Fault, table: Group, before: readonly Group[]): void {
  const own = plan.owned.get(fault)!;
  if (before.indexOf(table) === before.length - 1 - own.length) claim(plan, fault, table);
  else plan.early.set(table, fault);
  plan.newTables.add(fault);
}

/** The first fault of a process that was there from the beginning: a table right before it, which no fork made, is its own. */
function planFirstTable(plan: StretchPlan, fault: Fault, before: ReadonlyMap<Fault, Group[]>): void {
  const groups = before.get(fault)!;
  const next = groups[groups.length - 1 - plan.owned.get(fault)!.length];
  const isTaken = [...plan.forks.values()].some((run) => next !== undefined && run.includes(next));
  if (next !== undefined && isTable(next) && !isTaken && !plan.newTables.has(fault)) addTable(plan, fault, next, groups);
}

// ---- forks ------------------------------------------------------------------------------------------------------------

/** The last run of page tables before a child's first fault that are no other fault's; the slab allocator may have got a page in between. */
function planFork(plan: StretchPlan, events: readonly TraceEvent[], pid: number): void {
  const first = plan.faults.find((fault) => fault.pid === pid)!;
  const end = events.indexOf(first);
  const taken = new Set([...plan.early.keys(), ...plan.claimed, ...[...plan.forks.values()].flat()]);
  const candidates = plan.groups.filter((group) => group.at < end && !taken.has(group));
  const last = candidates.reduce((found, group, at) => (isTable(group) ? at : found), -1);
  if (last < 0) return;
  let from = last;
  for (let at = last - 1; at >= 0; at--) {
    const isNext = candidates[at]!.at + candidates[at]!.events.length === candidates[at + 1]!.at;
    if (!isNext || !(isTable(candidates[at]!) || isSlabPage(candidates[at]!))) break;
    if (isTable(candidates[at]!)) from = at;
  }
  plan.forks.set(pid, candidates.slice(from, last + 1));
}

// ---- touches ----------------------------------------------------------------------------------------------------------

/** Made-up memory of a process: areas of 4 MiB, one page table each. */
export const TOUCHED_START = 0x40000000;
export const TABLE_SPAN = 4 << 20;
const PAGE = 4096;

interface Life {
  touch: Touch;
  /** Where among the groups it was given back. */
  end: number;
}

/**
 * Every page of zeroes is a touch; where it is freed by the same task, it was given back. Addresses are made up so that pages that were given back
 * one after the other are neighbours, in that order, and that a page for which a table was allocated is the first in its 4 MiB.
 */
function planTouches(plan: StretchPlan): void {
  const lives: Life[] = [];
  const living = new Map<number, Life>();
  const tables = new Map<string, Group>();
  for (const [i, group] of plan.groups.entries()) {
    const { asked } = group;
    if (asked === null) continue;
    if (isTable(group)) tables.set(asked.comm, group);
    if (isZeroed(group)) {
      const life = { touch: { comm: asked.comm, page: group, table: tables.get(asked.comm) ?? null, address: 0 }, end: Infinity };
      tables.delete(asked.comm);
      living.set(asked.pfn, life);
      lives.push(life);
    } else if (asked.kind === 'free' && living.get(asked.pfn)?.touch.comm === asked.comm) {
      living.get(asked.pfn)!.end = i;
      living.delete(asked.pfn);
    }
  }
  for (const comm of new Set(lives.map(({ touch }) => touch.comm))) giveAddresses(lives.filter(({ touch }) => touch.comm === comm));
  for (const { touch } of lives) plan.touches.set(touch.page, touch);
}

function giveAddresses(lives: readonly Life[]): void {
  const first = lives.filter(({ touch }) => touch.table !== null);
  const others = lives.filter(({ touch }) => touch.table === null).sort((a, b) => a.end - b.end || a.touch.page.at - b.touch.page.at);
  for (const [i, { touch }] of first.entries()) touch.address = TOUCHED_START + i * TABLE_SPAN;
  const start = TOUCHED_START + first.length * TABLE_SPAN;
  for (const [i, { touch }] of others.entries()) touch.address = start + i * PAGE;
}
