// @nohooks
// What include/linux/{bio,fs}.h declare of one piece of I/O: neighbouring blocks of a disk, and the pages they go to or come from.
//
//   bio: bi_sector ─┬─ 8 sectors ─┬─ 8 sectors ─┐      a block is 4 KiB, as a page is: entry i of bi_io_vec is
//                 page 0        page 1        page 2     the frame of the i-th block from bi_sector on
//
// Left out: parts of pages (bv_offset, bv_len), and the memory of the records: no bio is ever refused.

import type { Pfn } from './types.ts';

/** Directions, and what may be asked besides: readahead (treated as a read), and no waiting for company (BIO_RW_SYNC). */
export const READ = 0;
export const WRITE = 1;
export const READA = 2;
export const BIO_RW_SYNC = 16;
export const READ_SYNC = READ | BIO_RW_SYNC;
export const WRITE_SYNC = WRITE | BIO_RW_SYNC;

/** bi_flags: the data is good; the disk has no such sector. */
export const BIO_UPTODATE = 1;
export const BIO_EOF = 4;

export const SECTOR_SIZE = 512;
/** Sectors of a block of 4 KiB (SW-5). */
export const SECTORS_PER_BLOCK = 8;

/** Who is told of a bio's end (block/end_io.ts). `record` is for tests: it only notes the end. */
export type bio_end_io = 'read_page' | 'write_page' | 'buffer_read' | 'buffer_write' | 'swap_read' | 'swap_write' | 'record';

export interface bio {
  /** Id of the disk. */
  bi_bdev: number;
  /** First sector of 512 bytes; a multiple of SECTORS_PER_BLOCK. */
  bi_sector: number;
  /** READ or WRITE, with BIO_RW_SYNC perhaps; set by submit_bio. */
  bi_rw: number;
  /** Frames, one a block. */
  bi_io_vec: Pfn[];
  bi_flags: number;
  bi_end_io: bio_end_io;
  /** What the end of it needs to know: an id or a number. */
  bi_private: number;
}

/** READ or WRITE. */
export function bio_data_dir(bio: bio): 0 | 1 {
  return (bio.bi_rw & WRITE) === 0 ? READ : WRITE;
}

/** Its length in sectors. */
export function bio_sectors(bio: bio): number {
  return bio.bi_io_vec.length * SECTORS_PER_BLOCK;
}
