// The handover of all free memory to the buddy allocator (KERNEL.md B-5, B-7): what is freed, and in which order, is the engine's own doing.

import type { Kernel } from '../../engine/kernel.ts';
import { mem_init } from '../../engine/arch/i386/setup.ts';
import { ZONE_HIGHMEM, ZONE_NAMES } from '../../engine/include/mmzone.ts';
import { init_per_zone_pages_min } from '../../engine/mm/page_alloc_init.ts';
import { enter, openLedger } from './ledger.ts';
import type { Line } from './observer.ts';
import { watchHandover } from './observer.ts';
import type { Replay } from './replay.ts';
import { attempt, differ, isPageEvent } from './replay.ts';
import type { Check } from './report.ts';
import type { PageEvent } from './trace.ts';

const HIGH = ZONE_NAMES[ZONE_HIGHMEM];

/** free_all_bootmem and the high pages: what to free, and in which order, is the engine's own doing. */
export function handOver(replay: Replay, k: Kernel): void {
  const lines = attempt(replay, () => watchHandover(replay.observer!, () => mem_init(k)));
  if (lines === null) return;
  replay.ledger = openLedger(null, k.nodes.flatMap((node) => node.node_zones.map((zone) => zone.name)));
  const check: Check = { rules: 'B-5,7', what: 'free_all_bootmem', same: 0, total: 0, difference: null };
  compareHandover(replay, lines, check);
  if (check.total > 0) replay.verdict.checks.push(check);
  if (check.difference !== null) replay.observer = null;
  init_per_zone_pages_min(k);
}

function compareHandover(replay: Replay, lines: readonly Line[], check: Check): void {
  for (const line of lines) {
    const event = nextPageEvent(replay);
    if (event === null) return;
    if (isUnrecorded(replay, line, event)) continue;
    enter(replay.ledger, event);
    const pages = event.kind === 'free' ? 1 : 0;
    check.total += pages;
    replay.phase.pages.total += pages;
    if (event.text !== line.text) {
      check.difference = differ(event, line.text);
      replay.phase.pages.difference = check.difference;
      return;
    }
    check.same += pages;
    replay.phase.pages.same += pages;
    replay.phase.hasMoved = true;
    replay.at++;
  }
}

/** Whether the trace says nothing of the high pages' handover: it goes on with another zone where their first line would stand. */
function isUnrecorded(replay: Replay, line: Line, event: PageEvent): boolean {
  if (line.zone !== HIGH || event.zone === HIGH) return false;
  if (replay.ledger.free.delete(HIGH)) replay.verdict.notes.push('the handover of zone HighMem was not recorded');
  return true;
}

function nextPageEvent(replay: Replay): PageEvent | null {
  for (; replay.at < replay.events.length; replay.at++) {
    const event = replay.events[replay.at]!;
    if (isPageEvent(event)) return event;
    if (event.kind === 'dump') return null;
  }
  return null;
}
