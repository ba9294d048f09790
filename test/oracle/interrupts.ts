// The recorder writes a request's A line when interrupts are on again: an interrupt that was due writes its own lines before it.
//
//   B- Normal pfn 16192 o1 …        the request takes its block
//   F  Normal pfn 4350 o1 …         an interrupt frees another one
//   A  Normal pfn 16192 o1 …        the request's own line
//
// Here such an A line is put back to where its page was taken, so that one call's lines stand together.

import type { Ledger } from './ledger.ts';
import { enter, listOf, openLedger } from './ledger.ts';
import type { Alloc, Free, Take, TraceEvent } from './trace.ts';

/** How many events an interrupt may put between a request and its line. */
const FAR = 400;

/** The same events with every A line next to its B- lines, or before the frees that its page was taken ahead of. */
export function inOrderOfCalls(events: readonly TraceEvent[]): TraceEvent[] {
  const ordered: TraceEvent[] = [];
  const moved = new Set<number>();
  let ledger = openLedger(null, []);
  const put = (event: TraceEvent): void => {
    ordered.push(event);
    if (event.kind === 'dump') ledger = openLedger(event, []);
    else if (event.kind === 'take' || event.kind === 'alloc' || event.kind === 'free' || event.kind === 'put') enter(ledger, event);
  };
  for (const [at, event] of events.entries()) {
    if (moved.has(at)) continue;
    const late = event.kind === 'free' ? takenBefore(ledger, events, at, event, moved) : -1;
    if (late >= 0) hoist(events, at, late, moved, put);
    put(event);
    const own = event.kind === 'take' && isLastOfRun(events, at, event) ? ownLine(events, at, event) : -1;
    if (own > at + 1) hoist(events, at + 1, own, moved, put);
  }
  return ordered;
}

/** Writes a late A line here. Its count is that of the moment it was written, so it says nothing where its list changed in between. */
function hoist(events: readonly TraceEvent[], from: number, late: number, moved: Set<number>, put: (event: TraceEvent) => void): void {
  const event = events[late] as Alloc;
  moved.add(late);
  const list = listOf(event);
  const changed = events.slice(from, late).some((other) => (other.kind === 'free' || other.kind === 'alloc') && listOf(other) === list);
  put(changed ? { ...event, pcp: null, text: event.text.replace(/ pcp -?\d+$/, '') } : event);
}

/** Whether no further page of the same refill follows. */
function isLastOfRun(events: readonly TraceEvent[], at: number, event: Take): boolean {
  const next = events[at + 1];
  return event.order > 0 || next?.kind !== 'take' || next.order > 0 || next.zone !== event.zone;
}

/** Where the A line of the run of B- lines that ends here stands: it names the first page of the run. */
function ownLine(events: readonly TraceEvent[], at: number, last: Take): number {
  let first = last;
  for (let before = at - 1; last.order === 0; before--) {
    const event = events[before];
    if (event?.kind !== 'take' || event.order > 0 || event.zone !== last.zone) break;
    first = event;
  }
  return nextAlloc(events, at + 1, (alloc) => alloc.order === first.order && alloc.pfn === first.pfn);
}

/** Where the A line stands whose page had left the list before this free, as the free's count tells; -1 where the counts follow. */
function takenBefore(ledger: Ledger, events: readonly TraceEvent[], at: number, event: Free, moved: ReadonlySet<number>): number {
  const list = listOf(event);
  const count = list === null ? undefined : ledger.pcp.get(list);
  if (count === undefined || event.pcp !== count) return -1;
  const late = nextAlloc(events, at + 1, (alloc, index) => listOf(alloc) === list && !moved.has(index));
  return late >= 0 && events[late - 1]?.kind !== 'take' ? late : -1;
}

function nextAlloc(events: readonly TraceEvent[], from: number, isIt: (alloc: Alloc, index: number) => boolean): number {
  for (let at = from; at < Math.min(events.length, from + FAR); at++) {
    const event = events[at]!;
    if (event.kind === 'dump') return -1;
    if (event.kind === 'alloc' && isIt(event, at)) return at;
  }
  return -1;
}
