// Reclaim in one node before another node's memory is taken (mm/vmscan.c:zone_reclaim; KERNEL.md PA-24, N-21 … N-25). The decision is here.
// Not modelled yet: the work (N-23), which is reclaim's own. Where Linux would reclaim, the kernel log says so by name and the zone is passed
// over, as it is in Linux when nothing could be freed.

import type { Kernel } from '../kernel.ts';
import type { zone } from '../include/mmzone.ts';
import { NR_FILE_MAPPED, NR_FILE_PAGES } from '../include/mmzone.ts';
import { __GFP_WAIT } from '../include/gfp.ts';
import { PF_MEMALLOC } from '../include/sched.ts';
import { current_task } from '../kernel/sched.ts';
import { printk, printk_ratelimit } from '../kernel/printk.ts';
import { node_has_cpus, numa_node_id } from './topology.ts';
import { zone_page_state } from './vmstat.ts';

/** Whether a zone whose watermark test failed could give 2^order pages after all, because that many were freed in it (N-22, N-25). */
export function zone_reclaim(k: Kernel, zone: zone, gfp_mask: number, order: number): boolean {
  if (!zone_reclaim_allowed(k, zone, gfp_mask)) return false;
  return __zone_reclaim(k, zone, order);
}

/** Whether reclaim in this zone is worth it and permitted (N-22). */
export function zone_reclaim_allowed(k: Kernel, zone: zone, gfp_mask: number): boolean {
  const unmapped = zone_page_state(zone, NR_FILE_PAGES) - zone_page_state(zone, NR_FILE_MAPPED);
  if (unmapped <= zone.min_unmapped_ratio) return false;
  if ((gfp_mask & __GFP_WAIT) === 0 || zone.all_unreclaimable !== 0 || zone.reclaim_in_progress > 0) return false;
  if ((current_task(k).flags & PF_MEMALLOC) !== 0) return false;
  return zone.node === numa_node_id(k) || !node_has_cpus(k, zone.node);
}

/** The work (N-23): nothing is freed yet. */
function __zone_reclaim(k: Kernel, zone: zone, order: number): boolean {
  if (printk_ratelimit(k)) printk(k, `pagewalk: zone_reclaim is not modelled yet: node ${zone.node} ${zone.name} is passed over where Linux would reclaim ${1 << order} pages`);
  return false;
}
