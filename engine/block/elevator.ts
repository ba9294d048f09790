// The elevator (block/elevator.c, block/noop-iosched.c): which queued request a bio may join, and which request is next. The order is that of the
// noop elevator: first come, first served; a request that grows or joins another keeps its place.
//
//   queue_head:  [ W 8+8 ] [ R 96+8 ] [ W 40+16 ]        a write of 16+8 joins the first at its end,
//                  next                  last              one of 32+8 the last at its front
//
// Whom a bio may join is wider than noop's, which asks one request alone (last_merge): any queued one, the newest first, at either end, as the other
// elevators of 2.6.18 find it. What the kernel leaves to its callers' page locks is kept here: nothing passes a request that it shares blocks with,
// unless both read. Left out: anticipatory, deadline and cfq; priorities; barriers.

import type { Kernel } from '../kernel.ts';
import type { bio } from '../include/bio.ts';
import type { gendisk, request, request_queue } from '../include/blkdev.ts';
import { SECTOR_SIZE, WRITE, bio_data_dir, bio_sectors } from '../include/bio.ts';
import { disk_devt } from '../include/blkdev.ts';
import { trace_block_rq_issue } from '../trace/block.ts';

export const ELEVATOR_FRONT_MERGE = 1;
export const ELEVATOR_BACK_MERGE = 2;

/** A request that a bio may join, and at which end. */
export interface elv_merge_answer {
  req: request;
  where: typeof ELEVATOR_FRONT_MERGE | typeof ELEVATOR_BACK_MERGE;
}

/** Neither waits nor is worked at (elv_queue_empty; a request leaves an IDE disk's queue at its end). */
export function elv_queue_empty(q: request_queue): boolean {
  return q.queue_head.length === 0 && q.active === null;
}

/** The queued request that a bio continues or precedes, or null (elv_merge). */
export function elv_merge(q: request_queue, bio: bio): elv_merge_answer | null {
  const piece = { sector: bio.bi_sector, nr_sectors: bio_sectors(bio), rw: bio_data_dir(bio) };
  for (let i = q.queue_head.length - 1; i >= 0; i--) {
    const req = q.queue_head[i]!;
    if (req.rw === piece.rw && req.nr_sectors + piece.nr_sectors <= q.max_sectors) {
      if (end_sector(req) === piece.sector) return { req, where: ELEVATOR_BACK_MERGE };
      if (end_sector(piece) === req.sector) return { req, where: ELEVATOR_FRONT_MERGE };
    }
    if (must_keep_order(req, piece)) return null;
  }
  return null;
}

/** The queued request that begins where another ends and that may join it, or null (elv_latter_request). */
export function elv_latter_request(q: request_queue, req: request): request | null {
  const next = q.queue_head.find((other) => other.sector === end_sector(req) && may_join(q, req, other));
  return next ?? null;
}

/** The one that ends where it begins, or null (elv_former_request). */
export function elv_former_request(q: request_queue, req: request): request | null {
  const prev = q.queue_head.find((other) => end_sector(other) === req.sector && may_join(q, other, req));
  return prev ?? null;
}

/** Puts a request at the end of the queue (elv_insert). */
export function elv_add_request(q: request_queue, req: request): void {
  q.queue_head.push(req);
}

/** Takes a request out that joined another (elv_merge_requests). */
export function elv_merge_requests(q: request_queue, next: request): void {
  q.queue_head = q.queue_head.filter((req) => req !== next);
}

/** Takes the next request for the disk to begin, or null (elv_next_request). */
export function elv_next_request(k: Kernel, disk: gendisk): request | null {
  const req = disk.queue.queue_head.shift() ?? null;
  if (req !== null) trace_block_rq_issue(k, disk_devt(disk), req.sector, req.nr_sectors, req.nr_sectors * SECTOR_SIZE, req.rw);
  return req;
}

/** Sectors in one direction: a request, or a bio that has none yet. */
interface piece {
  sector: number;
  nr_sectors: number;
  rw: 0 | 1;
}

function end_sector({ sector, nr_sectors }: piece): number {
  return sector + nr_sectors;
}

/** Whether a request fits behind another, and passes nothing on the way there that it must not pass. */
function may_join(q: request_queue, req: request, next: request): boolean {
  if (req.rw !== next.rw || req.nr_sectors + next.nr_sectors > q.max_sectors) return false;
  const [at, from] = [q.queue_head.indexOf(req), q.queue_head.indexOf(next)];
  const between = q.queue_head.slice(Math.min(at, from) + 1, Math.max(at, from));
  return !between.some((other) => must_keep_order(other, next));
}

/** Whether two pieces share sectors, and one of them writes. */
function must_keep_order(a: piece, b: piece): boolean {
  return (a.rw === WRITE || b.rw === WRITE) && a.sector < end_sector(b) && b.sector < end_sector(a);
}
