// From a bio to a queued request (block/ll_rw_blk.c; KERNEL.md WB-14, DT-4). A disk's requests are counted in block/request_list.ts, its plug is in
// block/plug.ts.
//
//   submit_bio → generic_make_request → __make_request ─┬─ elv_merge: a queued request grows, and may join its neighbour
//                                                       └─ get_request_wait → blk_plug_device, if nothing waits → add_request
//   __generic_unplug_device → disk_request_fn (block/disk.ts)     after 3 ms, with 4 requests, by whoever waits for a page, by READ_SYNC, WRITE_SYNC
//
// Left out: barriers; bounce pages (a disk reaches all memory); partitions.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { bio } from '../include/bio.ts';
import type { gendisk, request } from '../include/blkdev.ts';
import { BIO_EOF, BIO_RW_SYNC, SECTORS_PER_BLOCK, WRITE, bio_data_dir, bio_sectors } from '../include/bio.ts';
import { disk_devt } from '../include/blkdev.ts';
import { EIO } from '../include/errno.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { cond_resched, current_task, schedule } from '../kernel/sched.ts';
import { finish_wait, prepare_to_wait } from '../kernel/wait.ts';
import { VM_EVENT_NAMES, count_vm_events } from '../mm/vmstat.ts';
import { bio_endio } from './bio.ts';
import { ELEVATOR_BACK_MERGE, elv_add_request, elv_former_request, elv_latter_request, elv_merge, elv_merge_requests, elv_queue_empty } from './elevator.ts';
import { disk_of } from './genhd.ts';
import { __generic_unplug_device, blk_plug_device } from './plug.ts';
import { freed_request, get_request } from './request_list.ts';
import {
  trace_block_bio_backmerge, trace_block_bio_frontmerge, trace_block_bio_queue, trace_block_rq_merge, trace_block_sleeprq,
} from '../trace/block.ts';

const PGPGIN = VM_EVENT_NAMES.indexOf('pgpgin');
const PGPGOUT = VM_EVENT_NAMES.indexOf('pgpgout');

// ---- submitting -------------------------------------------------------------------------------------------------------

/** Gives a bio to its disk; rw is READ, WRITE, READA, READ_SYNC or WRITE_SYNC. May sleep for a request; the bio's end is told to its handler. Sectors
 *  are counted as pgpgin or pgpgout. */
export function* submit_bio(k: Kernel, rw: number, bio: bio): Generator<Wait, void, void> {
  if (bio.bi_io_vec.length === 0) BUG(k, 'block/ll_rw_blk.c:submit_bio: a bio without pages');
  bio.bi_rw |= rw;
  if (k.sysctl.block_dump !== 0) dump_bio(k, bio);
  count_vm_events(k, bio_data_dir(bio) === WRITE ? PGPGOUT : PGPGIN, bio_sectors(bio));
  yield* generic_make_request(k, bio);
}

/** What vm.block_dump asks for: who makes disks turn. */
function dump_bio(k: Kernel, bio: bio): void {
  const { comm, pid } = current_task(k);
  const { disk_name } = disk_of(k, bio.bi_bdev);
  printk(k, `${comm}(${pid}): ${bio_data_dir(bio) === WRITE ? 'WRITE' : 'READ'} block ${bio.bi_sector} on ${disk_name}`);
}

/** Sees that the disk has such sectors. It is a place where a task gives way (might_sleep), so what the disk has done by now is known. */
export function* generic_make_request(k: Kernel, bio: bio): Generator<Wait, void, void> {
  yield* cond_resched(k);
  const disk = disk_of(k, bio.bi_bdev);
  if (bio.bi_sector + bio_sectors(bio) > disk.capacity * SECTORS_PER_BLOCK) {
    handle_bad_sector(k, disk, bio);
    bio_endio(k, bio, -EIO);
    return;
  }
  if (bio_sectors(bio) > disk.queue.max_sectors) {
    printk(k, `bio too big device ${disk.disk_name} (${bio_sectors(bio)} > ${disk.queue.max_sectors})`);
    bio_endio(k, bio, -EIO);
    return;
  }
  trace_block_bio_queue(k, disk_devt(disk), bio.bi_sector, bio_sectors(bio), bio_data_dir(bio));
  yield* __make_request(k, disk, bio);
}

function handle_bad_sector(k: Kernel, disk: gendisk, bio: bio): void {
  printk(k, 'attempt to access beyond end of device');
  const want = bio.bi_sector + bio_sectors(bio);
  printk(k, `${disk.disk_name}: rw=${bio.bi_rw}, want=${want}, limit=${disk.capacity * SECTORS_PER_BLOCK}`);
  bio.bi_flags |= BIO_EOF;
}

/** Queues a bio: in a request that is there already, or in one of its own. */
function* __make_request(k: Kernel, disk: gendisk, bio: bio): Generator<Wait, void, void> {
  const q = disk.queue;
  if (!merge_bio(k, disk, bio)) {
    const req = yield* get_request_wait(k, disk, bio);
    init_request_from_bio(k, req, bio);
    if (elv_queue_empty(q)) blk_plug_device(k, disk);
    add_request(k, disk, req);
  }
  if ((bio.bi_rw & BIO_RW_SYNC) !== 0) __generic_unplug_device(k, disk);
}

/** Queues a request; enough of them end the plug. */
function add_request(k: Kernel, disk: gendisk, req: request): void {
  const q = disk.queue;
  elv_add_request(q, req);
  if (q.plugged !== 0 && q.queue_head.length >= q.unplug_thresh) __generic_unplug_device(k, disk);
}

function init_request_from_bio(k: Kernel, req: request, bio: bio): void {
  req.sector = bio.bi_sector;
  req.nr_sectors = bio_sectors(bio);
  req.bios.push(bio);
  req.start_time = k.now;
  req.last_time = k.now;
}

// ---- merging ----------------------------------------------------------------------------------------------------------

/** Adds a bio to a queued request at either end, if there is one it continues or precedes. */
function merge_bio(k: Kernel, disk: gendisk, bio: bio): boolean {
  const found = elv_merge(disk.queue, bio);
  if (found === null) return false;
  const { req, where } = found;
  req.nr_sectors += bio_sectors(bio);
  req.last_time = Math.max(req.last_time, k.now);
  if (where === ELEVATOR_BACK_MERGE) {
    trace_block_bio_backmerge(k, disk_devt(disk), bio.bi_sector, bio_sectors(bio), req.rw);
    req.bios.push(bio);
    attempt_merge(k, disk, req, elv_latter_request(disk.queue, req));
  } else {
    trace_block_bio_frontmerge(k, disk_devt(disk), bio.bi_sector, bio_sectors(bio), req.rw);
    req.bios = [bio, ...req.bios];
    req.sector = bio.bi_sector;
    const prev = elv_former_request(disk.queue, req);
    if (prev !== null) attempt_merge(k, disk, prev, req);
  }
  return true;
}

/** The second of two requests, where there is one, joins the first, which keeps its place, and is free again. */
function attempt_merge(k: Kernel, disk: gendisk, req: request, next: request | null): void {
  if (next === null) return;
  req.bios = req.bios.concat(next.bios);
  req.nr_sectors += next.nr_sectors;
  req.start_time = Math.min(req.start_time, next.start_time);
  req.last_time = Math.max(req.last_time, next.last_time);
  elv_merge_requests(disk.queue, next);
  trace_block_rq_merge(k, disk_devt(disk), req.sector, req.nr_sectors, req.rw);
  freed_request(k, disk, next.rw);
}

// ---- requests ---------------------------------------------------------------------------------------------------------

/** A request, as soon as there is one: who waits starts the disk and sleeps, and is woken in the order of coming (get_request_wait). */
function* get_request_wait(k: Kernel, disk: gendisk, bio: bio): Generator<Wait, request, void> {
  let req = get_request(k, disk, bio);
  if (req !== null) return req;
  const queue = disk.queue.rq.wait[bio_data_dir(bio)];
  prepare_to_wait(k, queue);
  while (req === null) {
    trace_block_sleeprq(k, disk_devt(disk), bio.bi_sector, bio_sectors(bio), bio_data_dir(bio));
    __generic_unplug_device(k, disk);
    yield* schedule(k, `a request of ${disk.disk_name}`);
    req = get_request(k, disk, bio);
  }
  finish_wait(k, queue);
  return req;
}
