// The plug of a queue (block/ll_rw_blk.c): an idle disk waits a little before it begins, so that what comes next can be merged. Each disk has a timer
// for it.

import type { Kernel } from '../kernel.ts';
import type { gendisk } from '../include/blkdev.ts';
import { UNPLUG_DELAY, disk_devt } from '../include/blkdev.ts';
import { disk_request_fn } from './disk.ts';
import { disk_of } from './genhd.ts';
import { trace_block_plug, trace_block_unplug } from '../trace/block.ts';

/** Lets a disk begin with what is queued: for who will wait for it (blk_run_backing_dev of 2.6.18, which sync_page calls). */
export function blk_unplug(k: Kernel, id: number): void {
  __generic_unplug_device(k, disk_of(k, id));
}

/** Keeps an idle disk from beginning, 3 ms at most, so that more can be merged (blk_plug_device). */
export function blk_plug_device(k: Kernel, disk: gendisk): void {
  const q = disk.queue;
  if (q.plugged !== 0) return;
  q.plugged = 1;
  q.unplug_timer = k.now + UNPLUG_DELAY;
  k.sched.horizon = Math.min(k.sched.horizon, q.unplug_timer);
  trace_block_plug(k, disk_devt(disk));
}

/** Ends a plug, if there is one, and lets the disk begin. */
export function __generic_unplug_device(k: Kernel, disk: gendisk): void {
  const q = disk.queue;
  if (q.plugged === 0) return;
  q.plugged = 0;
  q.unplug_timer = Infinity;
  trace_block_unplug(k, disk_devt(disk), q.queue_head.length);
  disk_request_fn(k, disk);
}
