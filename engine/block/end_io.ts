// Who is told that a bio has ended (bio.bi_end_io): a table by kind in place of the kernel's pointer, so that a bio is data. A handler runs in the
// interrupt of the disk, or in the submitter where the bio never came to a queue; it does not sleep, and it may wake tasks.
//
// Not modelled yet: the ends of swap's I/O, which come with mm/page_io.c.

import type { Kernel } from '../kernel.ts';
import type { bio, bio_end_io } from '../include/bio.ts';
import { bio_data_dir } from '../include/bio.ts';
import { end_bio_bh_io_sync } from '../fs/buffer_head.ts';
import { mpage_end_io_read, mpage_end_io_write } from '../fs/mpage.ts';
import { BUG } from '../kernel/panic.ts';

/** error: 0 or -EIO. Blocks of a bio that failed hold what they held; those around them were transferred. */
export type bio_end_io_t = (k: Kernel, bio: bio, error: number) => void;

export const BIO_END_IO: Readonly<Record<bio_end_io, bio_end_io_t>> = {
  read_page: mpage_end_io_read,
  write_page: mpage_end_io_write,
  buffer_read: end_bio_bh_io_sync,
  buffer_write: end_bio_bh_io_sync,
  swap_read: (k) => not_modelled(k, 'mm/page_io.c:end_swap_bio_read'),
  swap_write: (k) => not_modelled(k, 'mm/page_io.c:end_swap_bio_write'),
  record: note_end,
};

function not_modelled(k: Kernel, handler: string): never {
  return BUG(k, `${handler}: not modelled yet`);
}

/** Notes the end and does nothing: tests look at what was noted. */
function note_end(k: Kernel, bio: bio, error: number): void {
  k.block.ended.push({ time: k.now, bdev: bio.bi_bdev, sector: bio.bi_sector, rw: bio_data_dir(bio), error, private: bio.bi_private });
}
