// The disk itself, in the place of a driver: it works at one request at a time, and takes virtual time for it (LANGUAGE.md, Virtual time).
//
//   ── seek, unless it goes on where the last request ended ──┬── bytes / bandwidth ──┬→ end of request: bytes move, bios end, next request
//
// All bytes move at the end: a page that is written to while it goes to the disk goes there as it is then, and a power cut before it leaves the
// blocks as they were. A block that the description says fails is left alone, and the log says so; the blocks around it are transferred. Left out:
// several requests at a time, the disk's own cache, attempts to read once more.

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import type { bio } from '../include/bio.ts';
import type { gendisk, request } from '../include/blkdev.ts';
import { SECTORS_PER_BLOCK, SECTOR_SIZE, WRITE } from '../include/bio.ts';
import { disk_devt } from '../include/blkdev.ts';
import { EIO } from '../include/errno.ts';
import { PAGE_SIZE, pfn_to_phys } from '../include/types.ts';
import { printk } from '../kernel/printk.ts';
import { fill_frame, read_phys_bytes, write_phys_bytes } from '../mm/contents.ts';
import { laptop_io_completion } from '../mm/page-writeback.ts';
import { bio_endio } from './bio.ts';
import { elv_next_request } from './elevator.ts';
import { read_platter, write_platter } from './platter.ts';
import { freed_request } from './request_list.ts';
import { trace_block_rq_complete } from '../trace/block.ts';

/** Begins the next request, where the disk has nothing to do (the queue's request_fn). A task may be ahead of the disk's time: no request begins
 *  before its last bio came. */
export function disk_request_fn(k: Kernel, disk: gendisk): void {
  const q = disk.queue;
  if (q.active !== null || q.plugged !== 0) return;
  q.active = elv_next_request(k, disk);
  if (q.active === null) return;
  q.complete_at = Math.max(k.now, q.active.last_time) + service_time(disk, q.active);
  disk.head = q.active.sector + q.active.nr_sectors;
  k.sched.horizon = Math.min(k.sched.horizon, q.complete_at);
}

/** How long a disk needs for a request, ns. */
function service_time(disk: gendisk, req: request): number {
  const seek = req.sector === disk.head ? 0 : disk.seek;
  return seek + Math.ceil((req.nr_sectors * SECTOR_SIZE * 1e9) / disk.bandwidth);
}

/** The active request has ended: its bios end one by one, then it is free and the next one begins (end_that_request_first, end_that_request_last). */
export function end_request(k: Kernel, disk: gendisk): void {
  const q = disk.queue;
  const req = q.active!;
  const errors = req.bios.map((bio) => transfer_bio(k, disk, req.rw, bio));
  trace_block_rq_complete(k, disk_devt(disk), req.sector, req.nr_sectors, Math.min(...errors), req.rw);
  for (const [i, bio] of req.bios.entries()) bio_endio(k, bio, errors[i]!);
  if (k.sysctl.laptop_mode !== 0) laptop_io_completion(k);
  q.active = null;
  q.complete_at = Infinity;
  freed_request(k, disk, req.rw);
  disk_request_fn(k, disk);
}

// ---- bytes ------------------------------------------------------------------------------------------------------------

/** Moves the bytes of a bio: 0, or -EIO where a block failed. */
function transfer_bio(k: Kernel, disk: gendisk, rw: 0 | 1, bio: bio): number {
  const first = bio.bi_sector / SECTORS_PER_BLOCK;
  let error = 0;
  for (const [i, page] of bio.bi_io_vec.entries()) {
    if (fails(disk, rw, first + i)) {
      printk(k, `end_request: I/O error, dev ${disk.disk_name}, sector ${(first + i) * SECTORS_PER_BLOCK}`);
      error = -EIO;
    } else if (rw === WRITE) write_platter(disk.platter, first + i, read_phys_bytes(k, pfn_to_phys(page), PAGE_SIZE));
    else read_block(k, disk, first + i, page);
  }
  return error;
}

function read_block(k: Kernel, disk: gendisk, block: number, page: Pfn): void {
  const bytes = read_platter(disk.platter, block);
  if (typeof bytes === 'number') fill_frame(k, page, bytes);
  else write_phys_bytes(k, pfn_to_phys(page), bytes);
}

function fails(disk: gendisk, rw: 0 | 1, block: number): boolean {
  const ranges = rw === WRITE ? disk.fail_write : disk.fail_read;
  return ranges.some(({ start, end }) => start <= block && block < end);
}
