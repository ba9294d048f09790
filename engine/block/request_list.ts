// How many requests of a queue are in use, and who waits for fewer (struct request_list of block/ll_rw_blk.c; KERNEL.md WB-14).
//
//   0 ─────────────────── 103 ───────────── 113 ──────────── 128
//   not congested          as it was         congested        who needs one more sleeps
//
// Those who sleep are served in the order they came, before anybody new. Left out: the batches of up to 32 requests past the 128 that the kernel lets
// a task have that filled the queue or has slept for it (ioc_batching), and the memory of requests.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { bio } from '../include/bio.ts';
import type { gendisk, request, request_queue } from '../include/blkdev.ts';
import { WRITE, bio_data_dir, bio_sectors } from '../include/bio.ts';
import { BDI_read_congested, BDI_write_congested, disk_devt } from '../include/blkdev.ts';
import { add_timer, current_task, del_timer, schedule, schedule_timeout_retry, wake_up_process } from '../kernel/sched.ts';
import { finish_wait, prepare_to_wait, wake_up } from '../kernel/wait.ts';
import { trace_block_congested, trace_block_getrq, trace_block_uncongested } from '../trace/block.ts';
import { trace_congestion_wait } from '../trace/vmscan.ts';

/** A free request, or null where none is left for who asks: all are in use, or others came before (get_request). */
export function get_request(k: Kernel, disk: gendisk, bio: bio): request | null {
  const q = disk.queue;
  const rw = bio_data_dir(bio);
  if (q.rq.count[rw] + waiting_before(k, q, rw) >= q.nr_requests) return null;
  q.rq.count[rw]++;
  if (q.rq.count[rw] >= q.nr_congestion_on) set_queue_congested(k, disk, rw);
  trace_block_getrq(k, disk_devt(disk), bio.bi_sector, bio_sectors(bio), rw);
  return { sector: 0, nr_sectors: 0, rw, bios: [], start_time: k.now, last_time: k.now };
}

/** A request of a direction is in use no more: the queue may be congested no more, and the next sleeper has one (freed_request). */
export function freed_request(k: Kernel, disk: gendisk, rw: 0 | 1): void {
  const q = disk.queue;
  q.rq.count[rw]--;
  if (q.rq.count[rw] < q.nr_congestion_off) clear_queue_congested(k, disk, rw);
  const { task_list } = q.rq.wait[rw];
  const free = Math.min(task_list.length, q.nr_requests - q.rq.count[rw]);
  for (let i = 0; i < free; i++) wake_up_process(k, k.tasks[task_list[i]!]!);
}

/** How many sleepers come before the running task; all of them where it does not wait. */
function waiting_before(k: Kernel, q: request_queue, rw: 0 | 1): number {
  const { task_list } = q.rq.wait[rw];
  const place = task_list.indexOf(k.current);
  return place < 0 ? task_list.length : place;
}

// ---- congestion -------------------------------------------------------------------------------------------------------

/** Sleeps until some disk ends a request of a direction and fewer than 103 are left there, whether the queue had been congested or not; for so many
 *  jiffies at most. With nothing in flight all of the time passes (QK-16). The jiffies that were left. */
export function* blk_congestion_wait(k: Kernel, rw: 0 | 1, timeout: number): Generator<Wait, number, void> {
  const began = k.now;
  const tick = 1e9 / k.platform.hz;
  const queue = k.block.congestion_wqh[rw];
  const { pid } = current_task(k);
  prepare_to_wait(k, queue);
  add_timer(k, k.now + timeout * tick, pid);
  yield* schedule(k, 'a disk to be less busy');
  del_timer(k, pid);
  finish_wait(k, queue);
  trace_congestion_wait(k, rw, timeout, k.now - began);
  return Math.max(0, timeout - Math.ceil((k.now - began) / tick));
}

/** The same for a task that does nothing itself to find more when it looks again: where all wait like this, none ever will
 *  (schedule_timeout_retry). */
export function* blk_congestion_wait_for_others(k: Kernel, rw: 0 | 1, timeout: number): Generator<Wait, void, void> {
  const began = k.now;
  const queue = k.block.congestion_wqh[rw];
  prepare_to_wait(k, queue);
  yield* schedule_timeout_retry(k, (timeout * 1e9) / k.platform.hz, 'memory that others free');
  finish_wait(k, queue);
  trace_congestion_wait(k, rw, timeout, k.now - began);
}

function set_queue_congested(k: Kernel, disk: gendisk, rw: 0 | 1): void {
  const bdi = disk.queue.backing_dev_info;
  const bit = congested_bit(rw);
  if ((bdi.state & bit) === 0) trace_block_congested(k, disk_devt(disk), rw, disk.queue.rq.count[rw]);
  bdi.state |= bit;
}

/** Wakes who waits for it, whether the queue had been congested or not. */
function clear_queue_congested(k: Kernel, disk: gendisk, rw: 0 | 1): void {
  const bdi = disk.queue.backing_dev_info;
  const bit = congested_bit(rw);
  if ((bdi.state & bit) !== 0) trace_block_uncongested(k, disk_devt(disk), rw, disk.queue.rq.count[rw]);
  bdi.state &= ~bit;
  wake_up(k, k.block.congestion_wqh[rw]);
}

function congested_bit(rw: 0 | 1): number {
  return rw === WRITE ? BDI_write_congested : BDI_read_congested;
}
