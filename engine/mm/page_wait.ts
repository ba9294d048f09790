// Waiting for a page: for its lock, and for the end of its write-back (mm/filemap.c, include/linux/pagemap.h, kernel/wait.c; KERNEL.md FM-3, L-9).
//
//   zone.wait_table[hash of the page] ── who reads it ── who reads it ── who wants the lock ── who wants the lock
//                                        the newest first, all woken       the oldest first, one woken
//
// Several pages share a queue, so a waiter names its page and the bit it waits for. Whoever is about to sleep for a page first lets its disk begin
// (sync_page). A page that becomes free is not handed over: who is woken tries once more, and may find that somebody else was faster.
//
// Left out: a lock's owner, which the kernel does not keep either; interruptible waits.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { zone } from '../include/mmzone.ts';
import type { page_waiter } from '../include/wait.ts';
import type { Pfn } from '../include/types.ts';
import { PG_locked, PG_reclaim, PG_writeback } from '../include/page-flags.ts';
import { a_ops } from '../fs/a_ops.ts';
import { BUG } from '../kernel/panic.ts';
import { schedule, wake_up_process } from '../kernel/sched.ts';
import { clear_page_flag, page_index, page_zone, set_page_flag, test_page_flag } from './mem_map.ts';
import { page_mapping } from './mm_struct.ts';
import { test_clear_page_writeback } from './page-writeback.ts';
import { rotate_reclaimable_page } from './swap.ts';
import { trace_wait_on_page } from '../trace/writeback.ts';

/** What hash_long multiplies with: 2^32 by the golden ratio, or the prime next to it (include/linux/hash.h). */
const GOLDEN_RATIO_PRIME_32 = 0x9e370001;

// ---- the page lock ----------------------------------------------------------------------------------------------------

/** Tries to lock a page; true where somebody had it locked already (include/linux/page-flags.h). */
export function TestSetPageLocked(k: Kernel, page: Pfn): boolean {
  if (test_page_flag(k, page, PG_locked)) return true;
  set_page_flag(k, page, PG_locked);
  return false;
}

/** Locks a page, and sleeps for it where somebody else has it locked (include/linux/pagemap.h). */
export function* lock_page(k: Kernel, page: Pfn): Generator<Wait, void, void> {
  if (TestSetPageLocked(k, page)) yield* __lock_page(k, page);
}

/** Sleeps until the page is the running task's: of those who want the lock one is woken at a time (__wait_on_bit_lock). */
function* __lock_page(k: Kernel, page: Pfn): Generator<Wait, void, void> {
  do {
    prepare_to_wait_on_page(k, { pid: k.current, page, bit: PG_locked, exclusive: 1 });
    if (test_page_flag(k, page, PG_locked)) yield* sync_page(k, page, PG_locked);
  } while (TestSetPageLocked(k, page));
  finish_wait_on_page(k, page);
}

/** Unlocks a page, and wakes who waits for it (mm/filemap.c:unlock_page). */
export function unlock_page(k: Kernel, page: Pfn): void {
  if (!test_page_flag(k, page, PG_locked)) BUG(k, `mm/filemap.c:unlock_page: page ${page} is not locked`);
  clear_page_flag(k, page, PG_locked);
  wake_up_page(k, page, PG_locked);
}

/** Sleeps while anybody has a page locked: until what is being read is there (include/linux/pagemap.h). */
export function* wait_on_page_locked(k: Kernel, page: Pfn): Generator<Wait, void, void> {
  if (test_page_flag(k, page, PG_locked)) yield* wait_on_page_bit(k, page, PG_locked);
}

// ---- write-back -------------------------------------------------------------------------------------------------------

/** Sleeps while a page is on its way to the disk (include/linux/pagemap.h). */
export function* wait_on_page_writeback(k: Kernel, page: Pfn): Generator<Wait, void, void> {
  if (test_page_flag(k, page, PG_writeback)) yield* wait_on_page_bit(k, page, PG_writeback);
}

/** A page is on its disk, or its write has failed. One that was written so that it can be given up goes where reclaim looks first
 *  (mm/filemap.c:end_page_writeback; L-9). */
export function end_page_writeback(k: Kernel, page: Pfn): void {
  const is_to_go = test_page_flag(k, page, PG_reclaim);
  clear_page_flag(k, page, PG_reclaim);
  if (is_to_go) rotate_reclaimable_page(k, page);
  if (!test_clear_page_writeback(k, page)) BUG(k, `mm/filemap.c:end_page_writeback: page ${page} is not under write-back`);
  wake_up_page(k, page, PG_writeback);
}

// ---- queues -----------------------------------------------------------------------------------------------------------

/** Sleeps until a bit of a page's flags is clear (mm/filemap.c:wait_on_page_bit). */
export function* wait_on_page_bit(k: Kernel, page: Pfn, bit: number): Generator<Wait, void, void> {
  do {
    prepare_to_wait_on_page(k, { pid: k.current, page, bit, exclusive: 0 });
    if (test_page_flag(k, page, bit)) yield* sync_page(k, page, bit);
  } while (test_page_flag(k, page, bit));
  finish_wait_on_page(k, page);
}

/** Lets the disk of a page's file begin, and sleeps (mm/filemap.c:sync_page, io_schedule). */
function* sync_page(k: Kernel, page: Pfn, bit: number): Generator<Wait, void, void> {
  trace_wait_on_page(k, page, bit);
  const mapping = page_mapping(k, page);
  if (mapping !== null) a_ops(mapping).sync_page(k, page);
  const name = mapping === null ? `page frame ${page}` : `page ${page_index(k, page)} of ${mapping.path}`;
  yield* schedule(k, bit === PG_writeback ? `the write-back of ${name}` : name);
}

/** Puts the running task on the queue of a page, once: before those who want the lock, or behind all (prepare_to_wait, prepare_to_wait_exclusive). */
function prepare_to_wait_on_page(k: Kernel, waiter: page_waiter): void {
  const zone = page_zone(k, waiter.page);
  const slot = page_waitqueue(zone, waiter.page);
  while (zone.wait_table.length <= slot) zone.wait_table.push([]);
  const queue = zone.wait_table[slot]!;
  if (queue.some(({ pid }) => pid === waiter.pid)) return;
  if (waiter.exclusive === 1) queue.push(waiter);
  else zone.wait_table[slot] = [waiter].concat(queue);
}

/** Takes the running task off the queue of a page, whoever woke it (finish_wait). */
function finish_wait_on_page(k: Kernel, page: Pfn): void {
  take_off_queue(page_zone(k, page), page, k.current);
}

/** Wakes everybody who waits for a bit of a page to be clear, and of those who want the lock the one that came first (__wake_up_bit). */
function wake_up_page(k: Kernel, page: Pfn, bit: number): void {
  const zone = page_zone(k, page);
  if (zone.wait_table.length === 0) return;
  const queue = zone.wait_table[page_waitqueue(zone, page)] ?? [];
  for (const waiter of queue) {
    if (waiter.page !== page || waiter.bit !== bit || test_page_flag(k, page, bit)) continue;
    take_off_queue(zone, page, waiter.pid);
    wake_up_process(k, k.tasks[waiter.pid]!);
    if (waiter.exclusive === 1) return;
  }
}

function take_off_queue(zone: zone, page: Pfn, pid: number): void {
  const slot = page_waitqueue(zone, page);
  zone.wait_table[slot] = zone.wait_table[slot]!.filter((waiter) => waiter.pid !== pid);
}

/** The slot of a page in its zone's table. The kernel hashes the address of the page's record; here it is its number. @nohooks */
function page_waitqueue(zone: zone, page: Pfn): number {
  return zone.wait_table_bits === 0 ? 0 : Math.imul(page, GOLDEN_RATIO_PRIME_32) >>> (32 - zone.wait_table_bits);
}
