// Page reclaim (mm/vmscan.c; KERNEL.md chapter 5). So far only its door from the allocator: who asks kswapd to work, and for how large a block.
// Not modelled yet: kswapd itself, direct reclaim, the shrinkers.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import { populated_zone } from '../include/mmzone.ts';
import { zone_watermark_ok } from './page_alloc.ts';
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
