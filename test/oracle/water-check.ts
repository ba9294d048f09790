// Exhaustion without sleeping, done for real: from the state of the dump before, the engine answers one request after the other until it has no page
// left to give, then everything is given back, the last page first. Where the zone changes, and what is left at the end, is what the watermarks and
// reserves say (KERNEL.md PA-17 … PA-19).

import type { Kernel } from '../../engine/kernel.ts';
import { pfn } from '../../engine/include/types.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { page_zone } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import { checkLists } from './dump-check.ts';
import type { Ram } from './engine-door.ts';
import { becomeTask, loadDump, release, request } from './engine-door.ts';
import type { Check } from './report.ts';
import type { Dump, Exhausted, TraceEvent, ZoneSwitch } from './trace.ts';

type WaterEvent = ZoneSwitch | Exhausted;

const RULES = 'PA-17..19';

/** The checks of a trace's exhaustions; none where it has none. Throws where no dump says in which state they began. */
export function checkWater(ram: readonly Ram[], events: readonly TraceEvent[]): Check[] {
  const first = events.findIndex(isWater);
  if (first < 0) return [];
  const before = events.slice(0, first).reverse().find((event): event is Dump => event.kind === 'dump');
  if (before === undefined) throw new Error('no dump says in which state the exhaustions (WX) began');
  const k = loadDump(ram, before);
  set_tracing(k, 0);
  becomeTask(k, 'init', { reclaims: false });
  const checks = [compareLines(k, events.filter(isWater))];
  const after = events.slice(first).find((event): event is Dump => event.kind === 'dump');
  if (after !== undefined && checks[0]!.difference === null) checks.push(checkLists(k, after, RULES, 'exhaustion '));
  return checks;
}

function isWater(event: TraceEvent): event is WaterEvent {
  return event.kind === 'switch' || event.kind === 'exhausted';
}

function compareLines(k: Kernel, recorded: readonly WaterEvent[]): Check {
  const check: Check = { rules: RULES, what: 'exhaustion', same: 0, total: recorded.length, difference: null };
  let at = 0;
  for (const end of recorded) {
    if (end.kind !== 'exhausted') continue;
    for (const engine of exhaust(k, end)) {
      const line = recorded[at++];
      if (line?.text !== engine) {
        check.difference = { where: `trace line ${line?.line ?? end.line}`, kernel: line?.text ?? 'nothing more', engine };
        return check;
      }
      check.same++;
    }
  }
  return check;
}

/** Takes all it can get and gives it back; the lines the recorder would have written. */
function exhaust(k: Kernel, test: Exhausted): string[] {
  const title = /^WF (.*) NULL/.exec(test.text)![1]!;
  const lines: string[] = [];
  const taken: number[] = [];
  let last = '';
  for (;;) {
    const free = for_each_zone(k).map((zone) => zone.free_pages).join(' ');
    const page = request(k, test.gfp, test.order);
    if (page === null) break;
    taken.push(page);
    const zone = page_zone(k, pfn(page)).name;
    if (zone !== last) lines.push(`WX ${title}: alloc #${taken.length} from ${zone} (free before: ${free})`);
    last = zone;
  }
  lines.push(`WF ${title} NULL after ${taken.length}: ${zoneStates(k)}`);
  for (const page of taken.reverse()) release(k, pfn(page), test.order, 0);
  return lines;
}

function zoneStates(k: Kernel): string {
  return for_each_zone(k).filter(populated_zone).map((zone) => {
    const [hot, cold] = zone.pageset[0]!.pcp;
    return `${zone.name} free ${zone.free_pages} pcp0 ${hot.count} pcp1 ${cold.count}`;
  }).join(' ');
}
