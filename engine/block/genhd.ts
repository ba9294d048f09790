// @nohooks
// Disks as records (block/genhd.c, and what blk_init_queue sets in block/ll_rw_blk.c). A machine's disks are those of its description, from the
// boot on; sda, sdb … in the order they are declared. Left out: partitions, statistics (/proc/diskstats).

import type { Kernel } from '../kernel.ts';
import type { BlockLayer, DiskConfig, fail_range, gendisk, request_queue } from '../include/blkdev.ts';
import { BDI_read_congested, BDI_write_congested, BLKDEV_MAX_RQ, MAX_SECTORS, UNPLUG_THRESH } from '../include/blkdev.ts';
import { make_wait_queue } from '../kernel/wait.ts';
import { make_platter } from './platter.ts';

/** SCSI disks, and the minor numbers each has for its partitions. */
const SCSI_DISK_MAJOR = 8;
const MINORS = 16;
/** The largest readahead window of a disk, pages (FM-6: 128 KiB). */
const RA_PAGES = 32;

/** The block layer of a machine with these disks; all blocks are zero until extents are laid (add_pristine). */
export function make_block_layer(disks: readonly DiskConfig[]): BlockLayer {
  return { disks: disks.map(make_disk), congestion_wqh: [make_wait_queue(), make_wait_queue()], ended: [] };
}

export function disk_of(k: Kernel, id: number): gendisk {
  return k.block.disks[id]!;
}

/** The disk of a name, or null. */
export function find_disk(k: Kernel, name: string): gendisk | null {
  return k.block.disks.find((disk) => disk.disk_name === name) ?? null;
}

/** Whether a disk's queue for a direction is so long that writers in no hurry stay away (WB-14; include/linux/backing-dev.h). */
export function bdi_read_congested(k: Kernel, id: number): boolean {
  return (disk_of(k, id).queue.backing_dev_info.state & BDI_read_congested) !== 0;
}

export function bdi_write_congested(k: Kernel, id: number): boolean {
  return (disk_of(k, id).queue.backing_dev_info.state & BDI_write_congested) !== 0;
}

function make_disk(config: DiskConfig, id: number): gendisk {
  const copy = (ranges: readonly fail_range[]): fail_range[] => ranges.map(({ start, end }) => ({ start, end }));
  return {
    id, disk_name: config.name, major: SCSI_DISK_MAJOR, first_minor: id * MINORS,
    capacity: config.blocks, seek: config.seek, bandwidth: config.bandwidth,
    fail_read: copy(config.fail_read), fail_write: copy(config.fail_write),
    head: -1, platter: make_platter(), queue: make_queue(),
  };
}

/** A queue as blk_init_queue leaves it; the thresholds are blk_queue_congestion_threshold's: 113 and 103 (WB-14). */
function make_queue(): request_queue {
  const nr_requests = BLKDEV_MAX_RQ;
  const eighth = Math.floor(nr_requests / 8);
  return {
    queue_head: [], active: null, complete_at: Infinity,
    rq: { count: [0, 0], wait: [make_wait_queue(), make_wait_queue()] },
    plugged: 0, unplug_timer: Infinity, unplug_thresh: UNPLUG_THRESH,
    nr_requests, nr_congestion_on: nr_requests - eighth + 1, nr_congestion_off: nr_requests - eighth - Math.floor(nr_requests / 16) - 1,
    max_sectors: MAX_SECTORS, backing_dev_info: { state: 0, ra_pages: RA_PAGES },
  };
}
