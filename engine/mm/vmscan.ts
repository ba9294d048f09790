// Page reclaim (mm/vmscan.c; KERNEL.md chapter 5). So far only its doors from the allocator: who asks kswapd to work, and for how
// large a block; direct reclaim, which does what a test says.
// Not modelled yet: kswapd itself, direct reclaim, the shrinkers.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { zone, zonelist } from '../include/mmzone.ts';
import { populated_zone } from '../include/mmzone.ts';
import { __free_pages, zone_watermark_ok } from './page_alloc.ts';
import { ALLOCSTALL, count_vm_events } from './vmstat.ts';
import { cond_resched } from '../kernel/sched.ts';
import { trace_mm_vmscan_wakeup_kswapd } from '../trace/vmscan.ts';

/** Notes that a zone ran below its low mark for an order, so that kswapd balances the node (mm/vmscan.c:wakeup_kswapd; VS-8).
 *  The mask of the request is for the event alone. */
export function wakeup_kswapd(k: Kernel, zone: zone, order: number, gfp_mask: number): void {
  if (!populated_zone(zone)) return;
  if (zone_watermark_ok(k, zone, order, zone.pages_low, 0, 0)) return;
  const pgdat = k.nodes[zone.node]!;
  if (pgdat.kswapd_max_order < order) pgdat.kswapd_max_order = order;
  trace_mm_vmscan_wakeup_kswapd(k, zone.node, zone.zone_idx, order, gfp_mask);
}

/** Whether try_to_free_pages can do anything: only where a test says what the next pass finds. */
export function reclaim_is_modelled(k: Kernel): boolean {
  return k.reclaim_script.passes.length > 0;
}

/** Direct reclaim over the zones of a list; how many pages it freed (mm/vmscan.c:try_to_free_pages). So far: what the test says. */
export function* try_to_free_pages(k: Kernel, _zonelist: zonelist, _gfp_mask: number): Generator<Wait, number, void> {
  count_vm_events(k, ALLOCSTALL, 1);
  const pass = k.reclaim_script.passes.shift() ?? { nr_reclaimed: 0, pages: [] };
  for (const page of pass.pages) __free_pages(k, page, 0);
  yield* cond_resched(k);
  return pass.nr_reclaimed;
}
