// What a program says about how it will use an open file (mm/fadvise.c; KERNEL.md FM-6, FM-10, FM-13), and the call that reads ahead on demand
// (mm/filemap.c:sys_readahead).
//
//   POSIX_FADV_NORMAL, SEQUENTIAL, RANDOM    the largest window of this open file: as its device has it, twice that, none
//   POSIX_FADV_WILLNEED                      reads the range, without waiting for it
//   POSIX_FADV_DONTNEED                      writes of what is dirty begin, and pages of the range that are clean and unused leave the cache
//   POSIX_FADV_NOREUSE                       nothing
//
// Pipes and files that are executed in place are left out.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode } from '../include/mm_types.ts';
import { BDI_write_congested } from '../include/blkdev.ts';
import { EBADF, EINVAL } from '../include/errno.ts';
import {
  POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE, POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL, POSIX_FADV_WILLNEED,
} from '../include/fadvise.ts';
import { FMODE_READ } from '../include/mm_types.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { fget, fput } from '../fs/file_table.ts';
import { inode_backing_dev_info } from './file_ra_state.ts';
import { filemap_flush } from './filemap_sync.ts';
import { inode_of } from './mm_struct.ts';
import { force_page_cache_readahead, max_sane_readahead } from './readahead.ts';
import { invalidate_mapping_pages } from './truncate.ts';

/** Advises about `len` bytes of a file from `offset` on, 0 to its end: 0, -EBADF, -EINVAL for other advice or a negative length. */
export function* sys_fadvise64_64(k: Kernel, fd: number, offset: number, len: number, advice: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  let error = -EINVAL;
  if (len >= 0) error = yield* advise(k, file, { start: offset, last: len === 0 ? Infinity : offset + len - 1 }, advice);
  yield* fput(k, file);
  return error;
}

/** Reads `count` bytes of a file from `offset` on into the cache, as far as memory allows, and waits for none: 0, or -EBADF where it is not open to
 *  read. */
export function* sys_readahead(k: Kernel, fd: number, offset: number, count: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  let error = -EBADF;
  if ((file.f_mode & FMODE_READ) !== 0) error = yield* do_readahead(k, inode_of(k, file.f_inode), { start: offset, last: offset + count - 1 });
  yield* fput(k, file);
  return error;
}

/** Bytes of a file: the first, and the last, which may be Infinity. */
interface byte_range {
  start: number;
  last: number;
}

function* advise(k: Kernel, file: file, range: byte_range, advice: number): Generator<Wait, number, void> {
  const inode = inode_of(k, file.f_inode);
  const { ra_pages } = inode_backing_dev_info(k, inode);
  switch (advice) {
    case POSIX_FADV_NORMAL:
      file.f_ra.ra_pages = ra_pages;
      return 0;
    case POSIX_FADV_RANDOM:
      file.f_ra.ra_pages = 0;
      return 0;
    case POSIX_FADV_SEQUENTIAL:
      file.f_ra.ra_pages = ra_pages * 2;
      return 0;
    case POSIX_FADV_WILLNEED:
      yield* do_readahead(k, inode, range);
      return 0;
    case POSIX_FADV_NOREUSE:
      return 0;
    case POSIX_FADV_DONTNEED:
      yield* advise_dontneed(k, inode, range);
      return 0;
    default:
      return -EINVAL;
  }
}

/** Reads every page that the range touches, and 0 (mm/filemap.c:do_readahead). */
function* do_readahead(k: Kernel, inode: inode, { start, last }: byte_range): Generator<Wait, number, void> {
  const first = Math.floor(start / PAGE_SIZE);
  const nr = Math.floor(last / PAGE_SIZE) - first + 1;
  yield* force_page_cache_readahead(k, inode, first, max_sane_readahead(k, nr));
  return 0;
}

/** A page at the beginning of which only a part is meant stays; one at the end goes. Dirty pages are on their way now, and stay too. */
function* advise_dontneed(k: Kernel, inode: inode, { start, last }: byte_range): Generator<Wait, void, void> {
  const is_congested = (inode_backing_dev_info(k, inode).state & BDI_write_congested) !== 0;
  if (!is_congested) yield* filemap_flush(k, inode);
  invalidate_mapping_pages(k, inode, Math.ceil(start / PAGE_SIZE), Math.floor(last / PAGE_SIZE));
}
