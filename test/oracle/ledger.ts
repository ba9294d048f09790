// Whether the recorder was on all the time: what the trace's own lines say of one another, without the engine. Every line carries a count; where a
// count does not follow from the lines before it, pages moved unrecorded, and no engine can be judged from there to the next dump.

import { __GFP_COLD } from '../../engine/include/gfp.ts';
import type { Alloc, Dump, Free, PageEvent, Put, Take } from './trace.ts';

export interface Ledger {
  /** Free pages by zone, and pages by list (`Normal 0` is Normal's hot list); a count that is not known yet is missing. */
  free: Map<string, number>;
  pcp: Map<string, number>;
  /** Pages that some line put into a list, by list; pages that were trimmed from it stay in here. */
  seen: Map<string, Set<number>>;
  /** Pages taken from the buddy lists for the request that follows. */
  refill: number[];
  /** Size of the block that the last F line freed; single pages arrive one by one, out of the list that got the page. */
  arriving: number;
  trimmed: string | null;
}

/** A ledger that begins with what a dump says; without one, with empty zones of these names. */
export function openLedger(dump: Dump | null, zones: readonly string[]): Ledger {
  const ledger: Ledger = { free: new Map(), pcp: new Map(), seen: new Map(), refill: [], arriving: 1, trimmed: null };
  for (const zone of zones) {
    ledger.free.set(zone, 0);
    for (const list of [0, 1]) setList(ledger, `${zone} ${list}`, []);
  }
  for (const zone of dump?.zones ?? []) {
    ledger.free.set(zone.name, zone.free);
    for (const pcp of zone.pcp) setList(ledger, `${zone.name} ${pcp.cold}`, pcp.pages);
  }
  return ledger;
}

function setList(ledger: Ledger, list: string, pages: readonly number[]): void {
  ledger.pcp.set(list, pages.length);
  ledger.seen.set(list, new Set(pages));
}

/** Enters a line; in words what does not follow, or null. */
export function enter(ledger: Ledger, event: PageEvent): string | null {
  switch (event.kind) {
    case 'take': return enterTake(ledger, event);
    case 'alloc': return enterAlloc(ledger, event);
    case 'free': return enterFree(ledger, event);
    case 'put': return enterPut(ledger, event);
  }
}

/** What a dump says that does not follow from the lines before it, or null. */
export function compareDump(ledger: Ledger, dump: Dump): string | null {
  for (const zone of dump.zones) {
    const gap = follow(ledger.free, zone.name, zone.free, `free pages of ${zone.name}`) ?? pcpGap(ledger, zone.pcp);
    if (gap !== null) return gap;
  }
  return null;
}

function pcpGap(ledger: Ledger, lists: Dump['zones'][number]['pcp']): string | null {
  for (const { zone, cold, count } of lists) {
    const gap = follow(ledger.pcp, `${zone} ${cold}`, count, listName(`${zone} ${cold}`));
    if (gap !== null) return gap;
  }
  return null;
}

/** A count must be what the lines so far make it; where they say nothing, it is believed. */
function follow(counts: Map<string, number>, key: string, count: number, what: string): string | null {
  const expected = counts.get(key);
  counts.set(key, count);
  return expected === undefined || expected === count ? null : `${what}: ${count}, where the lines so far make ${expected}`;
}

function listName(list: string): string {
  return `pages of the ${list.endsWith('1') ? 'cold' : 'hot'} list of ${list.slice(0, -2)}`;
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = counts.get(key);
  if (count !== undefined) counts.set(key, count + change);
}

/** The per-CPU list that a line is about, `Normal 0`; null for a block. */
export function listOf(event: Alloc | Free): string | null {
  if (event.order > 0) return null;
  const cold = event.kind === 'free' ? event.cold : Number((event.gfp & __GFP_COLD) !== 0);
  return `${event.zone} ${cold}`;
}

function enterTake(ledger: Ledger, event: Take): string | null {
  add(ledger.free, event.zone, -(1 << event.order));
  if (event.order === 0) ledger.refill.push(event.pfn);
  return follow(ledger.free, event.zone, event.free, `free pages of ${event.zone}`);
}

function enterAlloc(ledger: Ledger, event: Alloc): string | null {
  const list = listOf(event);
  if (list === null) return null;
  const seen = ledger.seen.get(list);
  for (const page of ledger.refill) seen?.add(page);
  add(ledger.pcp, list, ledger.refill.length - 1);
  ledger.refill = [];
  const known = seen === undefined || seen.delete(event.pfn);
  const gap = event.pcp === null ? null : follow(ledger.pcp, list, event.pcp, listName(list));
  return gap ?? (known ? null : `page ${event.pfn} comes out of a list that no line put it into`);
}

function enterFree(ledger: Ledger, event: Free): string | null {
  ledger.arriving = 1 << event.order;
  ledger.trimmed = null;
  const list = listOf(event);
  if (list === null) return null;
  ledger.trimmed = list;
  add(ledger.pcp, list, 1);
  ledger.seen.get(list)?.add(event.pfn);
  return follow(ledger.pcp, list, event.pcp, listName(list));
}

/** A block arrives: the one just freed, or a single page trimmed from a full list. */
function enterPut(ledger: Ledger, event: Put): string | null {
  add(ledger.free, event.zone, ledger.arriving);
  if (ledger.trimmed !== null) add(ledger.pcp, ledger.trimmed, -1);
  return follow(ledger.free, event.zone, event.free, `free pages of ${event.zone}`);
}
