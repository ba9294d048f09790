// What the engine did, written as the recorded kernel writes it. The lines come from the engine's tracepoints alone:
//
//   mm_page_alloc_zone_locked, mm_buddy_split   B- ZONE pfn P oO from oF free N
//   mm_page_alloc                               A  ZONE pfn P oO … pcp N
//   mm_page_free                                F  ZONE pfn P …
//   mm_page_pcpu_drain, mm_buddy_merge          B+ ZONE pfn P oO free N
//
// Counts are carried from event to event, and must come out at what the machine itself says.

import type { Kernel } from '../../engine/kernel.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import { pfn } from '../../engine/include/types.ts';
import { __GFP_COLD } from '../../engine/include/gfp.ts';
import { max_mapnr, page_zone } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';

/** Events one call can leave: it splits and merges no more than there are orders, for no more than a batch of pages. */
const RING_FOR_A_CALL = 1 << 13;
/** A frame that is handed over leaves at most three events: freed, drained, merged. */
const EVENTS_PER_FRAME = 3;

interface ZoneCounts {
  free: number;
  /** Pages of the hot and of the cold list. */
  pcp: [number, number];
}

/** A block on its way into a buddy list. */
interface Arriving {
  zone: string;
  pages: number;
  pfn: number;
  order: number;
}

export interface Observer {
  k: Kernel;
  counts: Map<string, ZoneCounts>;
  /** By frame: 1 while the page is in a buddy or per-CPU list, as far as the engine's own events tell. */
  isFree: Uint8Array;
  since: number;
  arriving: Arriving | null;
  /** Pages of a refill that belong to the request that follows; the order the last block was cut from. */
  refilled: number;
  cutFrom: { pfn: number; order: number } | null;
}

/** One line of the engine, with the frame it names. */
export interface Line {
  text: string;
  zone: string;
}

/** Watches a machine from now on: its lists as they are, its tracepoints on. */
export function observe(k: Kernel): Observer {
  set_tracing(k, 1);
  resize_ring(k, RING_FOR_A_CALL);
  const counts = new Map<string, ZoneCounts>();
  for (const zone of for_each_zone(k)) counts.set(zone.name, actualCounts(zone));
  return { k, counts, isFree: new Uint8Array(max_mapnr(k)), since: k.trace.ring.seq, arriving: null, refilled: 0, cutFrom: null };
}

function actualCounts(zone: zone): ZoneCounts {
  const [hot, cold] = zone.pageset[0]!.pcp;
  return { free: zone.free_pages, pcp: [hot.count, cold.count] };
}

/** Makes room for the events of the whole handover to the buddy allocator, and forgets that room again after it. */
export function watchHandover(observer: Observer, handOver: () => void): Line[] {
  resize_ring(observer.k, max_mapnr(observer.k) * EVENTS_PER_FRAME + RING_FOR_A_CALL);
  const lines = watch(observer, 0, handOver);
  resize_ring(observer.k, RING_FOR_A_CALL);
  return lines;
}

/** Calls the engine and gives the lines the recorded kernel would have written. `cold` says which list a freed page goes to: its event does not. */
export function watch(observer: Observer, cold: number, call: () => void): Line[] {
  const { k } = observer;
  const first = k.trace.ring.seq;
  call();
  if (k.trace.ring.seq - first > k.trace.ring.capacity) throw new Error('the engine left more events than the ring holds');
  const lines: Line[] = [];
  for (const record of trace_records(k, first)) HANDLERS[record.name]?.(observer, record, lines, cold);
  settle(observer, lines);
  checkCounts(observer);
  return lines;
}

type Handler = (observer: Observer, record: TraceRecord, lines: Line[], cold: number) => void;

const HANDLERS: Readonly<Record<string, Handler>> = {
  mm_buddy_split: (observer, { args }) => {
    observer.cutFrom = { pfn: args['pfn']!, order: args['from_order']! };
  },
  mm_page_alloc_zone_locked: taken,
  mm_page_alloc: handedOut,
  mm_page_free: freed,
  mm_page_pcpu_drain: drained,
  mm_buddy_merge: (observer, { args }) => {
    if (observer.arriving === null) return;
    observer.arriving.pfn = Math.min(args['pfn']!, args['buddy_pfn']!);
    observer.arriving.order = args['result_order']!;
  },
};

function countsOf(observer: Observer, page: number): { zone: string; counts: ZoneCounts } {
  const zone = page_zone(observer.k, pfn(page)).name;
  return { zone, counts: observer.counts.get(zone)! };
}

function taken(observer: Observer, { args }: TraceRecord, lines: Line[]): void {
  const page = args['pfn']!;
  const order = args['order']!;
  const { zone, counts } = countsOf(observer, page);
  const from = observer.cutFrom?.pfn === page ? observer.cutFrom.order : order;
  observer.cutFrom = null;
  counts.free -= 1 << order;
  observer.refilled += args['percpu_refill']!;
  lines.push({ zone, text: `B- ${zone} pfn ${page} o${order} from o${from} free ${counts.free}` });
}

function handedOut(observer: Observer, { args }: TraceRecord, lines: Line[]): void {
  const page = args['pfn']!;
  const order = args['order']!;
  const gfp = args['gfp_flags']!;
  const { zone, counts } = countsOf(observer, page);
  let left = -1;
  if (order === 0) {
    const list = (gfp & __GFP_COLD) === 0 ? 0 : 1;
    counts.pcp[list] += observer.refilled - 1;
    left = counts.pcp[list];
  }
  observer.refilled = 0;
  observer.isFree.fill(0, page, page + (1 << order));
  lines.push({ zone, text: `A ${zone} pfn ${page} o${order} gfp ${gfp.toString(16)} pcp ${left}` });
}

function freed(observer: Observer, { args }: TraceRecord, lines: Line[], cold: number): void {
  settle(observer, lines);
  const page = args['pfn']!;
  const order = args['order']!;
  const { zone, counts } = countsOf(observer, page);
  observer.isFree.fill(1, page, page + (1 << order));
  if (order > 0) {
    lines.push({ zone, text: `F ${zone} pfn ${page} o${order}` });
    observer.arriving = { zone, pages: 1 << order, pfn: page, order };
    return;
  }
  counts.pcp[cold]!++;
  lines.push({ zone, text: `F ${zone} pfn ${page} cold ${cold} pcp ${counts.pcp[cold]}` });
}

function drained(observer: Observer, { args }: TraceRecord, lines: Line[], cold: number): void {
  settle(observer, lines);
  const page = args['pfn']!;
  const { zone, counts } = countsOf(observer, page);
  counts.pcp[cold]!--;
  observer.arriving = { zone, pages: 1, pfn: page, order: 0 };
}

/** A block has merged as far as it goes: it is in its list now. */
function settle(observer: Observer, lines: Line[]): void {
  const { arriving } = observer;
  if (arriving === null) return;
  observer.arriving = null;
  const counts = observer.counts.get(arriving.zone)!;
  counts.free += arriving.pages;
  lines.push({ zone: arriving.zone, text: `B+ ${arriving.zone} pfn ${arriving.pfn} o${arriving.order} free ${counts.free}` });
}

function checkCounts(observer: Observer): void {
  for (const zone of for_each_zone(observer.k)) {
    const told = JSON.stringify(observer.counts.get(zone.name));
    const actual = JSON.stringify(actualCounts(zone));
    if (told !== actual) throw new Error(`the engine's events tell ${told} for zone ${zone.name}, its state ${actual}`);
  }
}
