// @nohooks
// What an open file remembers of how it is read, and how far its device reads ahead (include/linux/fs.h: file_ra_state; KERNEL.md FM-6, FM-7).

import type { Kernel } from '../kernel.ts';
import type { request_queue } from '../include/blkdev.ts';
import type { file_ra_state, inode } from '../include/mm_types.ts';
import { PAGE_SIZE } from '../include/types.ts';

/** Bytes of the largest window, unless a device or advice says otherwise (include/linux/mm.h; FM-6). */
const VM_MAX_READAHEAD = 128 * 1024;

type backing_dev_info = Readonly<request_queue['backing_dev_info']>;

/** Files of the root file system, which are on no disk, and shared memory, which is never read ahead (mm/readahead.c, mm/shmem.c). */
const default_backing_dev_info: backing_dev_info = { state: 0, ra_pages: VM_MAX_READAHEAD / PAGE_SIZE };
const shmem_backing_dev_info: backing_dev_info = { state: 0, ra_pages: 0 };

/** The state of a file that is being opened, zeroed as all of struct file is. */
export function zeroed_file_ra_state(): file_ra_state {
  return { start: 0, size: 0, flags: 0, cache_hit: 0, prev_page: 0, ahead_start: 0, ahead_size: 0, mmap_hit: 0, mmap_miss: 0, ra_pages: 0 };
}

/** Nothing was read yet; windows are as large as the file's device has them (mm/readahead.c:file_ra_state_init; FM-6, FM-7). */
export function file_ra_state_init(k: Kernel, ra: file_ra_state, inode: inode): void {
  ra.ra_pages = inode_backing_dev_info(k, inode).ra_pages;
  ra.prev_page = -1;
}

/** mapping->backing_dev_info: that of the queue of the inode's disk. */
export function inode_backing_dev_info(k: Kernel, inode: inode): backing_dev_info {
  if (inode.i_bdev >= 0) return k.block.disks[inode.i_bdev]!.queue.backing_dev_info;
  return inode.kind === 'shmem' ? shmem_backing_dev_info : default_backing_dev_info;
}
