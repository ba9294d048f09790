// The state that a stretch of a trace must have begun in, where no dump says it: what its own lines tell. Every line says which page or block moved,
// and what was left; so a block that no earlier line put into a list was in it from the beginning, and so was a page of a per-CPU list.
//
//   B- Normal pfn 4424 o0 from o3 …      no line before put 4424 there: the order-3 list began with it
//   A  Normal pfn 4418 … pcp 2           no line before put 4418 there: the hot list began with it, and two more
//   B+ Normal pfn 4404 o1 …              4405 came back, and 4404 lay in the order-0 list all the time
//
// This is a model of the lists of its own (KERNEL.md PA-12 … PA-15), so it also sees where lines do not follow from one another: pages moved while
// the recorder was off. What no line names stays unknown; it is as if it were in use.

import { MAX_ORDER } from '../../engine/include/mmzone.ts';
import { listOf } from './ledger.ts';
import type { Alloc, Free, PageEvent, Put, Take } from './trace.ts';

/** A per-CPU list. Its beginning is `front`, then pages that nobody names, then `back` from its end. */
export interface ListBefore {
  zone: string;
  cold: number;
  /** Pages in it at the beginning; null while no line tells. */
  length: number | null;
  front: number[];
  back: number[];
  /** Pages that lines put into it, newest last. */
  pushed: number[];
}

/** A zone's buddy lists. */
export interface ZoneBefore {
  name: string;
  /** Free pages at the beginning, and now; null while no line tells. */
  freeBefore: number | null;
  free: number | null;
  /** By order: blocks that were there at the beginning, first those that were taken, in order, then those that others merged with. */
  taken: number[][];
  merged: number[][];
  /** By order: blocks that lines put there, newest last. */
  pushed: number[][];
  /** By order: whether the list was seen to be empty. */
  isClosed: boolean[];
  /** Orders of the blocks in `pushed`, by first page. */
  orders: Map<number, number>;
}

export interface Before {
  zones: Map<string, ZoneBefore>;
  lists: Map<string, ListBefore>;
  /** Pages taken from the buddy lists for the request that follows. */
  refill: number[];
  /** The page or block on its way into a buddy list: a freed block, or the list whose last page is trimmed. */
  arriving: { pfn: number; order: number } | ListBefore | null;
}

/** A line that does not follow from those before it. */
export class Inconsistent extends Error {
  override name = 'Inconsistent';
}

export function beginBefore(): Before {
  return { zones: new Map(), lists: new Map(), refill: [], arriving: null };
}

/** Enters the next line. Throws Inconsistent, with the words for it. */
export function enterBefore(before: Before, event: PageEvent): void {
  switch (event.kind) {
    case 'take': enterTake(before, event); break;
    case 'alloc': enterAlloc(before, event); break;
    case 'free': enterFree(before, event); break;
    case 'put': enterPut(before, event); break;
  }
}

/** Every frame that lies in a list at the beginning, as far as lines name it. */
export function framesBefore(before: Before): number[] {
  const inLists = (lists: readonly number[][]): number[] => lists.flatMap((list, order) => list.flatMap((block) => framesOf(block, order)));
  const blocks = [...before.zones.values()].flatMap(({ taken, merged }) => [...inLists(taken), ...inLists(merged)]);
  return [...blocks, ...[...before.lists.values()].flatMap(({ front, back }) => [...front, ...back])];
}

/** Frames of a block. */
export function framesOf(block: number, order: number): number[] {
  return Array.from({ length: 1 << order }, (_, i) => block + i);
}

function zoneOf(before: Before, name: string): ZoneBefore {
  const lists = <T>(): T[][] => Array.from({ length: MAX_ORDER }, () => []);
  const zone = before.zones.get(name) ?? {
    name, freeBefore: null, free: null, taken: lists(), merged: lists(), pushed: lists(), orders: new Map(),
    isClosed: Array.from({ length: MAX_ORDER }, () => false),
  };
  before.zones.set(name, zone);
  return zone;
}

function listBefore(before: Before, event: Alloc | Free): ListBefore | null {
  const key = listOf(event);
  if (key === null) return null;
  const list = before.lists.get(key) ?? { zone: event.zone, cold: Number(key.at(-1)), length: null, front: [], back: [], pushed: [] };
  before.lists.set(key, list);
  return list;
}

/** Pages in a list now, where its length at the beginning is known. */
function countOf(list: ListBefore): number | null {
  return list.length === null ? null : list.length - list.front.length - list.back.length + list.pushed.length;
}

/** A line says how many pages are in the list now; the first one tells how many there were at the beginning. */
function agreeOnCount(list: ListBefore, count: number, what: string): void {
  const now = countOf(list);
  if (now === null) list.length = count - list.pushed.length + list.front.length + list.back.length;
  else if (now !== count) throw new Inconsistent(`${what}: ${count} pages in the list, where the lines so far make ${now}`);
  if (list.length! < list.front.length + list.back.length) throw new Inconsistent(`${what}: the list had fewer pages than were taken from it`);
}

function agreeOnFree(zone: ZoneBefore, free: number, change: number): void {
  if (zone.free === null) zone.freeBefore = free - change;
  else if (zone.free + change !== free) throw new Inconsistent(`free pages of ${zone.name}: ${free}, where the lines so far make ${zone.free + change}`);
  zone.free = free;
}

// ---- taking -----------------------------------------------------------------------------------------------------------

function enterTake(before: Before, { zone: name, pfn, order, from, free }: Take): void {
  const zone = zoneOf(before, name);
  for (let o = order; o < from; o++) {
    if (zone.pushed[o]!.length > 0) throw new Inconsistent(`block ${pfn} was cut from order ${from}, with one of order ${o} there`);
    zone.isClosed[o] = true;
  }
  takeHead(zone, pfn, from);
  for (let o = from - 1; o >= order; o--) push(zone, pfn + (1 << o), o);
  agreeOnFree(zone, free, -(1 << order));
  if (order === 0) before.refill.push(pfn);
}

function takeHead(zone: ZoneBefore, block: number, order: number): void {
  const head = zone.pushed[order]!.pop();
  if (head === undefined) {
    if (zone.isClosed[order]) throw new Inconsistent(`block ${block} comes out of the order-${order} list, which was empty`);
    zone.taken[order]!.push(block);
    return;
  }
  if (head !== block) throw new Inconsistent(`block ${block} comes out of the order-${order} list, whose head is ${head}`);
  zone.orders.delete(block);
}

function push(zone: ZoneBefore, block: number, order: number): void {
  zone.pushed[order]!.push(block);
  zone.orders.set(block, order);
}

function enterAlloc(before: Before, event: Alloc): void {
  const refill = before.refill;
  before.refill = [];
  const list = listBefore(before, event);
  if (list === null) return;
  if (refill.length > 0) refillList(list, refill);
  takeFirst(list, event.pfn);
  if (event.pcp !== null) agreeOnCount(list, event.pcp, `page ${event.pfn}`);
}

/** The list was empty; it now has the pages in the order they came. */
function refillList(list: ListBefore, pages: readonly number[]): void {
  agreeOnCount(list, 0, `the refill with ${pages[0]}`);
  list.pushed = [...pages].reverse();
}

function takeFirst(list: ListBefore, page: number): void {
  const first = list.pushed.pop();
  if (first === undefined) list.front.push(page);
  else if (first !== page) throw new Inconsistent(`page ${page} comes out of a list whose first page is ${first}`);
}

// ---- putting ----------------------------------------------------------------------------------------------------------

function enterFree(before: Before, event: Free): void {
  before.refill = [];
  const list = listBefore(before, event);
  before.arriving = list ?? { pfn: event.pfn, order: event.order };
  if (list === null) return;
  list.pushed.push(event.pfn);
  agreeOnCount(list, event.pcp, `the freed page ${event.pfn}`);
}

function enterPut(before: Before, { zone: name, pfn, order, free }: Put): void {
  const zone = zoneOf(before, name);
  const { arriving } = before;
  if (arriving === null) throw new Inconsistent(`block ${pfn} arrives, and nothing was freed`);
  const from = 'front' in arriving ? { pfn: takeLast(zone, arriving, { pfn, order }), order: 0 } : arriving;
  if (!('front' in arriving)) before.arriving = null;
  merge(zone, from, { pfn, order });
  agreeOnFree(zone, free, 1 << from.order);
}

/** The last page of a list, on its way into the block that it became. Nobody may have named it yet: then it is one that the merging leaves room
 *  for. */
function takeLast(zone: ZoneBefore, list: ListBefore, result: { pfn: number; order: number }): number {
  if (list.length! > list.front.length + list.back.length) {
    const page = framesOf(result.pfn, result.order).find((candidate) => couldMerge(zone, candidate, result));
    if (page === undefined) throw new Inconsistent(`block ${result.pfn} of order ${result.order}: none of its pages can have been the one that was trimmed`);
    list.back.push(page);
    return page;
  }
  const last = list.pushed.shift();
  if (last === undefined) throw new Inconsistent(`block ${result.pfn} was trimmed from an empty list`);
  return last;
}

/** Whether every buddy on the way up is either free as a whole, or nothing that lines name is in it. */
function couldMerge(zone: ZoneBefore, page: number, result: { pfn: number; order: number }): boolean {
  for (let order = 0; order < result.order; order++) {
    const buddy = ((page >> order) << order) ^ (1 << order);
    const isKnown = zone.orders.get(buddy) === order;
    const isOpen = !zone.isClosed[order] && framesOf(buddy, order).every((frame) => !zone.orders.has(frame));
    if (!isKnown && !isOpen) return false;
  }
  return true;
}

function merge(zone: ZoneBefore, from: { pfn: number; order: number }, result: { pfn: number; order: number }): void {
  let block = from.pfn;
  for (let order = from.order; order < result.order; order++) {
    const buddy = block ^ (1 << order);
    takeBuddy(zone, buddy, order);
    block = Math.min(block, buddy);
  }
  if (block !== result.pfn) throw new Inconsistent(`page ${from.pfn} cannot have become block ${result.pfn} of order ${result.order}`);
  const buddy = result.pfn ^ (1 << result.order);
  if (result.order < MAX_ORDER - 1 && zone.orders.get(buddy) === result.order) throw new Inconsistent(`block ${result.pfn} did not merge with ${buddy}, which is free`);
  push(zone, result.pfn, result.order);
}

function takeBuddy(zone: ZoneBefore, buddy: number, order: number): void {
  if (zone.orders.get(buddy) === order) {
    zone.orders.delete(buddy);
    zone.pushed[order] = zone.pushed[order]!.filter((block) => block !== buddy);
    return;
  }
  if (zone.isClosed[order]) throw new Inconsistent(`block ${buddy} of order ${order} was merged with, but that list was empty`);
  zone.merged[order]!.push(buddy);
}
