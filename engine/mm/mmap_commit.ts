// Promises of memory (mm/mmap.c:__vm_enough_memory, mm/swap.c:vm_acct_memory; KERNEL.md MM-16, L-11): every page that a task could come to own alone
// is counted when it is promised, long before it exists. Whether one more may be promised depends on vm.overcommit_memory:
//
//   0  the pages asked for at once must fit into what is free or could be freed, less 3 % for root
//   1  always
//   2  all promises together must stay below vm.overcommit_ratio per cent of RAM, less 3 % for root and 3 % of the task's own size
//
// Swap does not exist yet: what modes 0 and 2 add for it is nothing. Huge pages are left out.

import type { Kernel } from '../kernel.ts';
import { ENOMEM } from '../include/errno.ts';
import { NR_FILE_PAGES } from '../include/mmzone.ts';
import { current_task } from '../kernel/sched.ts';
import { trace_mm_commit_check } from '../trace/mm.ts';
import { current_mm } from './mm_struct.ts';
import { nr_free_pages } from './page_alloc.ts';
import { global_page_state } from './vmstat.ts';

/** Values of vm.overcommit_memory. */
export const OVERCOMMIT_GUESS = 0;
export const OVERCOMMIT_ALWAYS = 1;
export const OVERCOMMIT_NEVER = 2;

/** Promises pages to the running task: 0, or -ENOMEM and nothing is promised (security_vm_enough_memory, __vm_enough_memory). Only root, euid 0, may
 *  have the last 3 %. */
export function __vm_enough_memory(k: Kernel, pages: number): number {
  vm_acct_memory(k, pages);
  const mode = k.sysctl.overcommit_memory;
  const free = mode === OVERCOMMIT_GUESS ? pages_to_be_had(k, pages) : 0;
  const allowed = mode === OVERCOMMIT_NEVER ? vm_commit_allowed(k) : 0;
  const ok = is_enough(k, mode, pages, { free, allowed });
  trace_mm_commit_check(k, pages, mode, free, allowed, ok ? 1 : 0);
  if (ok) return 0;
  vm_unacct_memory(k, pages);
  return -ENOMEM;
}

function is_enough(k: Kernel, mode: number, pages: number, { free, allowed }: { free: number; allowed: number }): boolean {
  if (mode === OVERCOMMIT_ALWAYS) return true;
  return mode === OVERCOMMIT_GUESS ? free > pages : k.vm_committed_space < allowed;
}

/** Pages that could be given at once: the page cache and slabs that shrink; free pages above all reserves too, but only where those do not suffice,
 *  since counting them is dear. */
function pages_to_be_had(k: Kernel, pages: number): number {
  const free = leave_for_root(k, global_page_state(k, NR_FILE_PAGES) + k.slab.slab_reclaim_pages);
  if (free > pages) return free;
  const n = nr_free_pages(k);
  return n <= k.totalreserve_pages ? free : free + leave_for_root(k, n - k.totalreserve_pages);
}

/** Pages that may be promised in all in mode 2, as the running task sees it. It may be negative. */
function vm_commit_allowed(k: Kernel): number {
  const ratio = Math.floor((k.totalram_pages * k.sysctl.overcommit_ratio) / 100);
  const total_vm = current_mm(k)?.total_vm ?? 0;
  return leave_for_root(k, ratio) - Math.floor(total_vm / 32);
}

/** All of it for root, 31/32 for others. */
function leave_for_root(k: Kernel, pages: number): number {
  return current_task(k).euid === 0 ? pages : pages - Math.floor(pages / 32);
}

/** Counts promised pages; a negative number takes promises back. With several CPUs each keeps small sums to itself, so that the total lags (L-11). */
export function vm_acct_memory(k: Kernel, pages: number): void {
  if (k.platform.nr_cpus === 1) {
    k.vm_committed_space += pages;
    return;
  }
  const local = k.committed_space[k.cpu]! + pages;
  if (Math.abs(local) <= Math.max(16, 2 * k.platform.nr_cpus)) {
    k.committed_space[k.cpu] = local;
    return;
  }
  k.vm_committed_space += local;
  k.committed_space[k.cpu] = 0;
}

/** Takes promises back (vm_unacct_memory). */
export function vm_unacct_memory(k: Kernel, pages: number): void {
  vm_acct_memory(k, -pages);
}

/** What is promised in all, with what CPUs keep to themselves: the figure that the state lint checks (IV-15). */
export function vm_committed_exactly(k: Kernel): number {
  return k.committed_space.reduce((sum, local) => sum + local, k.vm_committed_space);
}
