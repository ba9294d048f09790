// Lines of a trace that one call of the allocator wrote, and the comparison of them with what the engine did.

import { __GFP_HARDWALL } from '../../engine/include/gfp.ts';
import type { Line } from './observer.ts';
import { differ, isPageEvent } from './replay.ts';
import type { Difference } from './report.ts';
import type { Alloc, Free, PageEvent, TraceEvent } from './trace.ts';
import { describe } from './words.ts';

/** The lines of one call that begin at an event: B- lines up to their A, or F with the B+ lines behind it. */
export function groupAt(events: readonly TraceEvent[], from: number): PageEvent[] {
  const group: PageEvent[] = [];
  for (let at = from; at < events.length; at++) {
    const event = events[at]!;
    if (!isPageEvent(event)) break;
    const begins = event.kind === 'free' || (event.kind !== 'put' && group[0]?.kind !== 'take');
    if (group.length > 0 && begins) break;
    if (group.length > 0 && (event.kind === 'put') !== (group[0]!.kind === 'free' || group[0]!.kind === 'put')) break;
    group.push(event);
    if (event.kind === 'alloc') break;
  }
  return group;
}

/** What was asked for in a group; undefined where its own line is missing. */
export function askedIn(group: readonly PageEvent[]): Alloc | Free | undefined {
  return group.find((event): event is Alloc | Free => event.kind === 'alloc' || event.kind === 'free');
}

/** The first place where the engine's lines are not the trace's, or null. */
export function compareGroup(group: readonly PageEvent[], lines: readonly Line[]): Difference | null {
  for (let i = 0; i < Math.max(group.length, lines.length); i++) {
    const event = group[i];
    if (event !== undefined && isSame(event, lines[i])) continue;
    if (event !== undefined && lines[i] !== undefined) return differ(event, lines[i]!.text);
    const where = `trace line ${(event ?? group.at(-1))?.line ?? 'none'}`;
    return { where, kernel: event === undefined ? 'nothing more' : describe(event.text), engine: lines[i] === undefined ? 'nothing more' : describe(lines[i]!.text) };
  }
  return null;
}

/** A late A line has no count of its own. */
function isSame(event: PageEvent, line: Line | undefined): boolean {
  if (event.kind === 'alloc' && event.pcp === null) return line?.text.startsWith(`${event.text} `) ?? false;
  return event.text === line?.text;
}

/** Lines of requests that the engine made by itself: the recorder writes the mask as it is on the first try, with HARDWALL (PA-21). */
export function asRecorded(lines: readonly Line[]): Line[] {
  return lines.map(({ text, zone }) => ({ zone, text: text.replace(/ gfp (\w+)/, (_, gfp: string) => ` gfp ${(parseInt(gfp, 16) | __GFP_HARDWALL).toString(16)}`) }));
}
