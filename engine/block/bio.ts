// Pieces of I/O (fs/bio.c): making one, filling it with pages, ending it. Left out: the pools their memory comes from, parts of pages, copies.

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import type { bio, bio_end_io } from '../include/bio.ts';
import { BIO_UPTODATE, SECTORS_PER_BLOCK, bio_sectors } from '../include/bio.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { BIO_END_IO } from './end_io.ts';
import { disk_of } from './genhd.ts';

/** A bio without pages for the blocks of a disk from `block` on. Its end goes to the handler of a kind, which `private_data` is for. */
export function bio_alloc(bdev: number, block: number, end_io: bio_end_io, private_data: number): bio {
  return {
    bi_bdev: bdev, bi_sector: block * SECTORS_PER_BLOCK, bi_rw: 0, bi_io_vec: [], bi_flags: BIO_UPTODATE, bi_end_io: end_io, bi_private: private_data,
  };
}

/** Adds a frame for the next block: PAGE_SIZE, or 0 where the disk takes no larger bio (fs/bio.c:bio_add_page). */
export function bio_add_page(k: Kernel, bio: bio, page: Pfn): number {
  if (bio_sectors(bio) + SECTORS_PER_BLOCK > disk_of(k, bio.bi_bdev).queue.max_sectors) return 0;
  bio.bi_io_vec.push(page);
  return PAGE_SIZE;
}

/** Ends a bio: with 0, or with -EIO for all of it where one block failed (fs/bio.c:bio_endio). */
export function bio_endio(k: Kernel, bio: bio, error: number): void {
  if (error !== 0) bio.bi_flags &= ~BIO_UPTODATE;
  BIO_END_IO[bio.bi_end_io](k, bio, error);
}
