// The slow half of __alloc_pages (mm/page_alloc.c; KERNEL.md PA-21, PA-22): what a request does when no zone has a block above its low mark. In
// 2.6.18 this is one function with labels; the parts bear the names that later kernels gave them.
//
//   (2) wakeup_kswapd → (3) once more, down to the min mark → (4) __alloc_pages_high_priority → (5) no __GFP_WAIT: nopage
//   → (6) __alloc_pages_direct_reclaim → (7) progress: once more | (8) __alloc_pages_may_oom, then RESTART → (9) should_alloc_retry: wait, to (6)
//
// Reclaim and the OOM killer plug in as try_to_free_pages (mm/vmscan.ts) and out_of_memory (mm/oom_kill.ts). While they are not modelled, a request
// that reaches them fails, and the kernel log says so by name. Left out: in_interrupt(), since no interrupt allocates yet; cpusets.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { Pfn } from '../include/types.ts';
import type { zonelist } from '../include/mmzone.ts';
import { WRITE } from '../include/bio.ts';
import { NO_PAGE } from '../include/types.ts';
import { __GFP_FS, __GFP_HIGH, __GFP_NOFAIL, __GFP_NOMEMALLOC, __GFP_NORETRY, __GFP_NOWARN, __GFP_REPEAT, __GFP_WAIT } from '../include/gfp.ts';
import { PF_MEMALLOC } from '../include/sched.ts';
import {
  ALLOC_CPUSET, ALLOC_HARDER, ALLOC_HIGH, ALLOC_NO_WATERMARKS, ALLOC_WMARK_HIGH, ALLOC_WMARK_MIN, get_page_from_freelist,
} from './page_alloc.ts';
import { blk_congestion_wait, blk_congestion_wait_for_others } from '../block/request_list.ts';
import { zone_of } from './mmzone.ts';
import { reclaim_is_modelled, try_to_free_pages, wakeup_kswapd } from './vmscan.ts';
import { oom_is_modelled, out_of_memory } from './oom_kill.ts';
import { show_mem } from './show_mem.ts';
import { printk, printk_ratelimit } from '../kernel/printk.ts';
import { cond_resched, current_task } from '../kernel/sched.ts';
import { trace_mm_page_alloc_failure } from '../trace/kmem.ts';

/** Not a page: the OOM killer was called, and everything begins again (PA-21, 8). */
export const RESTART = -2 as Pfn;
/** Largest order that is repeated for as long as it takes. */
const PAGE_ALLOC_COSTLY_ORDER = 3;

/** Steps 2 … 9 of PA-21: a page, NO_PAGE, or RESTART. */
export function* __alloc_pages_slowpath(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist): Generator<Wait, Pfn, void> {
  for (const ref of zonelist.zones) wakeup_kswapd(k, zone_of(k, ref), order, gfp_mask);

  const alloc_flags = gfp_to_alloc_flags(k, gfp_mask);
  let page = get_page_from_freelist(k, gfp_mask, order, zonelist, alloc_flags);
  if (page !== NO_PAGE) return page;

  if (may_use_all_reserves(k)) {
    page = yield* __alloc_pages_high_priority(k, gfp_mask, order, zonelist);
    return page === NO_PAGE ? nopage(k, gfp_mask, order) : page;
  }
  if ((gfp_mask & __GFP_WAIT) === 0) return nopage(k, gfp_mask, order);

  page = yield* rebalance(k, gfp_mask, order, zonelist, alloc_flags);
  return page === NO_PAGE ? nopage(k, gfp_mask, order) : page;
}

/** How hard a request that found every zone below its low mark may try (PA-21, 3). */
export function gfp_to_alloc_flags(k: Kernel, gfp_mask: number): number {
  let alloc_flags = ALLOC_WMARK_MIN;
  if (current_task(k).rt !== 0 || (gfp_mask & __GFP_WAIT) === 0) alloc_flags |= ALLOC_HARDER;
  if ((gfp_mask & __GFP_HIGH) !== 0) alloc_flags |= ALLOC_HIGH;
  return alloc_flags;
}

/** A task that reclaims, or that the OOM killer chose, may take the last page (PA-21, 4). */
function may_use_all_reserves(k: Kernel): boolean {
  const task = current_task(k);
  return (task.flags & PF_MEMALLOC) !== 0 || task.memdie !== 0;
}

/** Without any mark, unless the mask forbids it; a request that may not fail waits here until somebody frees memory (PA-21, 4). */
function* __alloc_pages_high_priority(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist): Generator<Wait, Pfn, void> {
  if ((gfp_mask & __GFP_NOMEMALLOC) !== 0) return NO_PAGE;
  for (;;) {
    const page = get_page_from_freelist(k, gfp_mask, order, zonelist, ALLOC_NO_WATERMARKS);
    if (page !== NO_PAGE || (gfp_mask & __GFP_NOFAIL) === 0) return page;
    yield* blk_congestion_wait_for_others(k, WRITE, congestion_timeout(k));
  }
}

/** Reclaims, tries again, and again for as long as the request is one to repeat (PA-21, 6 … 9): a page, NO_PAGE or RESTART. */
function* rebalance(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist, alloc_flags: number): Generator<Wait, Pfn, void> {
  for (;;) {
    if (!reclaim_is_modelled(k)) return not_modelled(k, 'direct reclaim', 'would reclaim');
    const did_some_progress = yield* __alloc_pages_direct_reclaim(k, gfp_mask, zonelist);
    if (did_some_progress > 0) {
      const page = get_page_from_freelist(k, gfp_mask, order, zonelist, alloc_flags);
      if (page !== NO_PAGE) return page;
    } else if (may_call_oom_killer(gfp_mask)) {
      const page = yield* __alloc_pages_may_oom(k, gfp_mask, order, zonelist);
      return page;
    }
    if (!should_alloc_retry(gfp_mask, order)) return NO_PAGE;
    yield* blk_congestion_wait(k, WRITE, congestion_timeout(k));
  }
}

/** One pass of reclaim by the task that needs the page; how many pages it freed (PA-21, 6). */
function* __alloc_pages_direct_reclaim(k: Kernel, gfp_mask: number, zonelist: zonelist): Generator<Wait, number, void> {
  yield* cond_resched(k);
  const task = current_task(k);
  task.flags |= PF_MEMALLOC;
  task.reclaim_state = { reclaimed_slab: 0 };
  const did_some_progress = yield* try_to_free_pages(k, zonelist, gfp_mask);
  task.reclaim_state = null;
  task.flags &= ~PF_MEMALLOC;
  yield* cond_resched(k);
  return did_some_progress;
}

/** Only who could have written files back, and is ready to be tried again, calls the OOM killer (PA-21, 8; PA-22). */
function may_call_oom_killer(gfp_mask: number): boolean {
  return (gfp_mask & __GFP_FS) !== 0 && (gfp_mask & __GFP_NORETRY) === 0;
}

/** A last try at the high mark, where only a kill elsewhere can have brought it, then a kill of our own (PA-21, 8). */
function* __alloc_pages_may_oom(k: Kernel, gfp_mask: number, order: number, zonelist: zonelist): Generator<Wait, Pfn, void> {
  const page = get_page_from_freelist(k, gfp_mask, order, zonelist, ALLOC_WMARK_HIGH | ALLOC_CPUSET);
  if (page !== NO_PAGE) return page;
  if (!oom_is_modelled(k)) return not_modelled(k, 'the OOM killer', 'would kill a task');
  yield* out_of_memory(k, zonelist, gfp_mask, order);
  return RESTART;
}

/** Whether a request that found nothing is repeated: up to order 3, or where the mask asks for it (PA-21, 9). */
export function should_alloc_retry(gfp_mask: number, order: number): boolean {
  if ((gfp_mask & __GFP_NORETRY) !== 0) return false;
  return order <= PAGE_ALLOC_COSTLY_ORDER || (gfp_mask & (__GFP_REPEAT | __GFP_NOFAIL)) !== 0;
}

/** HZ/50: 20 ms, in whole jiffies. */
function congestion_timeout(k: Kernel): number {
  return Math.floor(k.platform.hz / 50);
}

/** Where Linux would go on, the request ends here. */
function not_modelled(k: Kernel, what: string, would: string): Pfn {
  printk(k, `pagewalk: ${what} is not modelled yet: ${current_task(k).comm} gets no page where Linux ${would}`);
  return NO_PAGE;
}

/** Reports a failed allocation unless the mask forbids it (PA-21, nopage; PA-27). */
function nopage(k: Kernel, gfp_mask: number, order: number): Pfn {
  trace_mm_page_alloc_failure(k, order, gfp_mask);
  if ((gfp_mask & __GFP_NOWARN) === 0 && printk_ratelimit(k)) {
    printk(k, `${current_task(k).comm}: page allocation failure. order:${order}, mode:0x${gfp_mask.toString(16)}`);
    show_mem(k);
  }
  return NO_PAGE;
}
