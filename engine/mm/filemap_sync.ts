// Writing a file's dirty pages out and waiting for them (mm/filemap.c; KERNEL.md FM-14).
//
//   filemap_fdatawrite, filemap_flush → do_writepages     begins the writes: all of them, or what can be had without waiting
//   filemap_fdatawait → wait_on_page_writeback_range      waits for those under way; tells once of a write that has failed since somebody asked
//
// A file that lives in memory alone has nothing to write out. Left out: filemap_fdatawrite_range's other callers (direct I/O, sync_file_range).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { writeback_control } from '../include/writeback.ts';
import { EIO, ENOSPC } from '../include/errno.ts';
import { AS_EIO, AS_ENOSPC } from '../include/fs.ts';
import { PG_error } from '../include/page-flags.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PAGECACHE_TAG_WRITEBACK } from '../include/radix-tree.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { WB_SYNC_ALL, WB_SYNC_NONE, make_writeback_control } from '../include/writeback.ts';
import { OSYNC_METADATA, generic_osync_inode } from '../fs/fs-writeback.ts';
import { mutex_lock, mutex_unlock } from '../kernel/mutex.ts';
import { cond_resched } from '../kernel/sched.ts';
import { find_get_pages_tag } from './filemap.ts';
import { test_page_flag } from './mem_map.ts';
import { do_writepages, mapping_cap_writeback_dirty } from './page-writeback.ts';
import { wait_on_page_writeback } from './page_wait.ts';
import { __pagevec_release } from './swap.ts';

/** Begins to write every dirty page of a file, waiting for a page that is being written already: 0, or a negative error (mm/filemap.c). */
export function* filemap_fdatawrite(k: Kernel, inode: inode): Generator<Wait, number, void> {
  const error = yield* __filemap_fdatawrite_range(k, inode, { sync_mode: WB_SYNC_ALL });
  return error;
}

/** Begins to write what can be written without waiting (mm/filemap.c:filemap_flush). */
export function* filemap_flush(k: Kernel, inode: inode): Generator<Wait, number, void> {
  const error = yield* __filemap_fdatawrite_range(k, inode, { sync_mode: WB_SYNC_NONE });
  return error;
}

/** Waits for every page of a file that is being written: 0, or -EIO, -ENOSPC (mm/filemap.c:filemap_fdatawait). */
export function* filemap_fdatawait(k: Kernel, inode: inode): Generator<Wait, number, void> {
  if (inode.size === 0) return 0;
  const error = yield* wait_on_page_writeback_range(k, inode, 0, Math.floor((inode.size - 1) / PAGE_SIZE));
  return error;
}

/** Both; after -EIO, which says that the disk is broken, nothing is waited for (mm/filemap.c:filemap_write_and_wait). */
export function* filemap_write_and_wait(k: Kernel, inode: inode): Generator<Wait, number, void> {
  if (inode.nrpages === 0) return 0;
  const error = yield* filemap_fdatawrite(k, inode);
  if (error === -EIO) return error;
  const wait_error = yield* filemap_fdatawait(k, inode);
  return error === 0 ? wait_error : error;
}

/** What O_SYNC promises of `count` bytes from `pos` on: they are on the disk, and what says where they lie. 0, or a negative error
 *  (mm/filemap.c:sync_page_range). */
export function* sync_page_range(k: Kernel, inode: inode, pos: number, count: number): Generator<Wait, number, void> {
  if (!mapping_cap_writeback_dirty(inode) || count === 0) return 0;
  // An end of 0 would mean all of the file; of its first byte the first page is written in either case.
  const end = Math.max(1, pos + count - 1);
  let error = yield* __filemap_fdatawrite_range(k, inode, { sync_mode: WB_SYNC_ALL, start: pos, end });
  if (error === 0) {
    yield* mutex_lock(k, inode.i_mutex, `${inode.path}'s i_mutex`);
    error = yield* generic_osync_inode(k, inode, OSYNC_METADATA);
    mutex_unlock(k, inode.i_mutex);
  }
  if (error === 0) error = yield* wait_on_page_writeback_range(k, inode, Math.floor(pos / PAGE_SIZE), Math.floor((pos + count - 1) / PAGE_SIZE));
  return error;
}

/** Waits for the pages from one index up to another that are being written: 0, -EIO where one of them has failed, or what a write of any page left
 *  behind (AS_EIO, AS_ENOSPC), which is told once (mm/filemap.c:wait_on_page_writeback_range). */
export function* wait_on_page_writeback_range(k: Kernel, inode: inode, start: number, end: number): Generator<Wait, number, void> {
  let error = 0;
  for (let index = start; index <= end; ) {
    const found = find_get_pages_tag(k, inode, index, PAGECACHE_TAG_WRITEBACK, Math.min(end - index + 1, PAGEVEC_SIZE));
    if (found.length === 0) break;
    index = found[found.length - 1]!.index + 1;
    for (let i = 0; i < found.length; i++) {
      if (found[i]!.index > end) continue;
      yield* wait_on_page_writeback(k, found[i]!.page);
      if (test_page_flag(k, found[i]!.page, PG_error)) error = -EIO;
    }
    const pvec: pagevec = { pages: found.map(({ page }) => page), cold: 0 };
    __pagevec_release(k, pvec);
    yield* cond_resched(k);
  }
  return mapping_error(inode, error);
}

/** Errors of writes that nobody was told of. */
function mapping_error(inode: inode, error: number): number {
  const flags = inode.flags;
  inode.flags &= ~(AS_EIO | AS_ENOSPC);
  if ((flags & AS_EIO) !== 0) return -EIO;
  return (flags & AS_ENOSPC) !== 0 ? -ENOSPC : error;
}

/** A walk over the dirty pages of a file: twice as many as it has pages are allowed, so that it ends (mm/filemap.c:__filemap_fdatawrite_range). */
function* __filemap_fdatawrite_range(k: Kernel, inode: inode, range: Partial<writeback_control>): Generator<Wait, number, void> {
  if (!mapping_cap_writeback_dirty(inode)) return 0;
  const wbc = make_writeback_control({ nr_to_write: inode.nrpages * 2, ...range });
  const error = yield* do_writepages(k, inode, wbc);
  return error;
}
