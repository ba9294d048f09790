// @nohooks
// What include/linux/{blkdev,genhd,backing-dev}.h declare: disks, what lies on them, their queues of requests.
//
//   gendisk ─┬─ platter   what the magnetic surface holds
//            └─ queue ─┬─ queue_head   requests that wait, first is next ── bios, ascending and contiguous
//                      └─ active       the request the disk works at

import type { bio } from './bio.ts';
import type { wait_queue_head_t } from './wait.ts';

/** Requests a queue has for each direction (WB-14), and how many queued ones end a plug. */
export const BLKDEV_MAX_RQ = 128;
export const UNPLUG_THRESH = 4;
/** How long a plugged queue waits for company, ns. The kernel counts it in ticks, at least one. */
export const UNPLUG_DELAY = 3_000_000;
/** The largest request: 256 sectors, 128 KiB, 32 blocks, as the IDE driver sets it (drivers/ide/ide-probe.c). SAFE_MAX_SECTORS, 255, would hold
 *  31 blocks and cut every readahead window of 32 pages in two. */
export const MAX_SECTORS = 256;

/** backing_dev_info.state */
export const BDI_pdflush = 1;
export const BDI_write_congested = 2;
export const BDI_read_congested = 4;

/** What a block holds: the byte that fills all of it, or its 4096 bytes, which nobody changes: they are replaced. */
export type block_bytes = number | Uint8Array;

/** Blocks from `start` on that hold a file as it was before anybody wrote: block start + i is page index + i of the file of that path, which has
 *  `size` bytes; what follows them is zero. */
export interface pristine_extent {
  kind: 'file';
  start: number;
  nr: number;
  path: string;
  index: number;
  size: number;
}

/** The surface of a disk: blocks that were written; under them what the disk came with; zeroes elsewhere. */
export interface platter {
  written: Map<number, block_bytes>;
  /** Ascending, none overlaps another. */
  pristine: pristine_extent[];
}

/** Blocks, half open, on which the disk fails to read or to write. */
export interface fail_range {
  start: number;
  end: number;
}

export interface request {
  sector: number;
  nr_sectors: number;
  rw: 0 | 1;
  /** In ascending order of sectors, without gaps. */
  bios: bio[];
  /** When the first and when the last of its bios came, ns. */
  start_time: number;
  last_time: number;
}

/** Requests in use by direction, and who waits for one, first come first. */
export interface request_list {
  count: [number, number];
  wait: [wait_queue_head_t, wait_queue_head_t];
}

export interface request_queue {
  queue_head: request[];
  active: request | null;
  /** When the active request will be done, ns; Infinity without one. */
  complete_at: number;
  rq: request_list;
  /** Non-zero while the disk is kept from beginning; then unplug_timer says until when, ns, else Infinity. */
  plugged: number;
  unplug_timer: number;
  unplug_thresh: number;
  nr_requests: number;
  nr_congestion_on: number;
  nr_congestion_off: number;
  max_sectors: number;
  /** ra_pages: the largest readahead window (FM-6). */
  backing_dev_info: { state: number; ra_pages: number };
}

export interface gendisk {
  /** Its place in BlockLayer.disks. */
  id: number;
  disk_name: string;
  major: number;
  first_minor: number;
  /** Blocks of 4 KiB. */
  capacity: number;
  /** Time to get elsewhere, ns; bytes a second. */
  seek: number;
  bandwidth: number;
  fail_read: fail_range[];
  fail_write: fail_range[];
  /** The sector behind the last one it worked at, or -1. */
  head: number;
  platter: platter;
  queue: request_queue;
}

/** The end of a bio as the handler of tests notes it; time in ns. */
export interface ended_bio {
  time: number;
  bdev: number;
  sector: number;
  rw: 0 | 1;
  error: number;
  private: number;
}

/** All disks, and who waits for any of their queues to be less busy, by direction (congestion_wqh). */
export interface BlockLayer {
  disks: gendisk[];
  congestion_wqh: [wait_queue_head_t, wait_queue_head_t];
  /** Ends of bios of the kind `record`. Empty on every machine but a test's. */
  ended: ended_bio[];
}

/** A disk as a machine's description has it: times in ns, bandwidth in bytes a second, blocks of 4 KiB. */
export interface DiskConfig {
  name: string;
  seek: number;
  bandwidth: number;
  blocks: number;
  fail_read: fail_range[];
  fail_write: fail_range[];
}

/** The number of a disk as modern tracepoints show it: major and minor. */
export function disk_devt(disk: gendisk): number {
  return disk.major * 2 ** 20 + disk.first_minor;
}
