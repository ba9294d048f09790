// write() of a file through the page cache (mm/filemap.c; KERNEL.md FM-5, L-6, CC-7).
//
//   generic_file_write, under i_mutex → generic_file_buffered_write, page by page:
//     fault_in_pages_readable → __grab_cache_page → a_ops.prepare_write → filemap_copy_from_user → a_ops.commit_write
//                               locked             reads the block unless        the bytes        marks the page dirty, and the file longer
//                                                  all of it is written
//     unlock_page → mark_page_accessed → balance_dirty_pages_ratelimited: who has dirtied many pages writes some himself
//   with O_SYNC, i_mutex given back: sync_page_range, the pages are written and waited for
//
// New pages wait in a batch of the call's own, and come onto the inactive list 14 at a time. Where prepare_write fails, blocks that it may have taken
// past the end of the file are given back. A copy that ends early because the memory of the process does has marked all of the page as written, with
// zeroes behind what was copied, and so the file may be longer than what the caller is told; 2.6.18 does so.
// Left out: direct I/O, vectors of buffers, times, RLIMIT_FSIZE and the 2 GiB of files that are opened without O_LARGEFILE, frozen file systems.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode } from '../include/mm_types.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EEXIST, EFAULT, EFBIG, ENOMEM } from '../include/errno.ts';
import { MAX_LFS_FILESIZE, O_APPEND, O_SYNC } from '../include/fs.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys, virt } from '../include/types.ts';
import { a_ops } from '../fs/a_ops.ts';
import { mutex_lock, mutex_unlock } from '../kernel/mutex.ts';
import { cond_resched } from '../kernel/sched.ts';
import { add_to_page_cache, find_lock_page, page_cache_alloc } from './filemap.ts';
import { sync_page_range } from './filemap_sync.ts';
import { get_page } from './mem_map.ts';
import { vmtruncate } from './memory_zap.ts';
import { inode_of } from './mm_struct.ts';
import { balance_dirty_pages_ratelimited } from './page-writeback.ts';
import { unlock_page } from './page_wait.ts';
import { __pagevec_lru_add, mark_page_accessed, page_cache_release, pagevec_add } from './swap.ts';
import { __copy_from_user, __copy_from_user_inatomic, access_ok, fault_in_pages_readable } from './user_memory.ts';

/** A write on its way. */
interface buffered_write {
  inode: inode;
  /** The byte of the file that is next, where it comes from, how many bytes are left and how many were written. */
  pos: number;
  buf: VirtAddr;
  count: number;
  written: number;
  /** New pages on their way to the inactive list, and one that is not in the cache yet, or NO_PAGE. */
  lru_pvec: pagevec;
  cached_page: Pfn;
}

/** Writes bytes of the running process to a file from `pos` on, with O_APPEND at its end: how many; where there are none -EFAULT, -EFBIG, -EIO,
 *  -ENOMEM, -ENOSPC. With O_SYNC they are on the disk then, or -EIO or -ENOSPC says that some are not. `ppos` is where it has come to
 *  (mm/filemap.c:generic_file_write). */
export function* generic_file_write(
  k: Kernel, file: file, buf: VirtAddr, count: number, pos: number, ppos: { pos: number } = { pos },
): Generator<Wait, number, void> {
  const inode = inode_of(k, file.f_inode);
  const write: buffered_write = { inode, pos, buf, count, written: 0, lru_pvec: { pages: [], cold: 0 }, cached_page: NO_PAGE };
  yield* mutex_lock(k, inode.i_mutex, `${inode.path}'s i_mutex`);
  const ret = yield* __generic_file_write_nolock(k, file, write);
  mutex_unlock(k, inode.i_mutex);
  ppos.pos = write.pos;
  if (ret <= 0 || (file.f_flags & O_SYNC) === 0) return ret;
  const error = yield* sync_page_range(k, inode, write.pos - ret, ret);
  return error < 0 ? error : ret;
}

/** The same, while the caller holds i_mutex (mm/filemap.c:__generic_file_aio_write_nolock). */
function* __generic_file_write_nolock(k: Kernel, file: file, write: buffered_write): Generator<Wait, number, void> {
  if (!access_ok(k, write.buf, write.count)) return -EFAULT;
  const error = generic_write_checks(file, write);
  if (error !== 0 || write.count === 0) return error;
  const ret = yield* generic_file_buffered_write(k, write);
  return ret;
}

/** Where the write begins, and how long it may be: 0, or -EFBIG where the largest file ends before (mm/filemap.c:generic_write_checks). */
function generic_write_checks(file: file, write: buffered_write): number {
  if (write.count === 0) return 0;
  if ((file.f_flags & O_APPEND) !== 0) write.pos = write.inode.size;
  if (write.pos >= MAX_LFS_FILESIZE) return -EFBIG;
  write.count = Math.min(write.count, MAX_LFS_FILESIZE - write.pos);
  return 0;
}

function* generic_file_buffered_write(k: Kernel, write: buffered_write): Generator<Wait, number, void> {
  const { inode, lru_pvec } = write;
  let status = 0;
  do {
    status = yield* write_part_of_page(k, write);
    if (status < 0) break;
    yield* balance_dirty_pages_ratelimited(k, inode);
    yield* cond_resched(k);
  } while (write.count > 0);
  if (write.cached_page !== NO_PAGE) page_cache_release(k, write.cached_page);
  if (lru_pvec.pages.length > 0) __pagevec_lru_add(k, lru_pvec);
  return write.written > 0 ? write.written : status;
}

/** Writes what comes to lie in one page: how many bytes, or a negative error, with `write` further by what was written before it. The bytes of the
 *  process are faulted in before the page is locked: they may be those of the same page. */
function* write_part_of_page(k: Kernel, write: buffered_write): Generator<Wait, number, void> {
  const offset = write.pos % PAGE_SIZE;
  const bytes = Math.min(PAGE_SIZE - offset, write.count);
  yield* fault_in_pages_readable(k, write.buf, bytes);
  const page = yield* __grab_cache_page(k, write, Math.floor(write.pos / PAGE_SIZE));
  if (page === NO_PAGE) return -ENOMEM;
  let status = yield* a_ops(write.inode).prepare_write(k, write.inode, page, offset, offset + bytes);
  if (status !== 0) {
    yield* give_up_page(k, write, page, bytes);
    return status;
  }
  const copied = yield* filemap_copy_from_user(k, page, offset, write.buf, bytes);
  status = yield* a_ops(write.inode).commit_write(k, write.inode, page, offset, offset + bytes);
  if (status === 0) advance(write, copied);
  if (status === 0 && copied !== bytes) status = -EFAULT;
  unlock_page(k, page);
  mark_page_accessed(k, page);
  page_cache_release(k, page);
  return status === 0 ? copied : status;
}

function advance(write: buffered_write, copied: number): void {
  write.written += copied;
  write.count -= copied;
  write.pos += copied;
  write.buf = virt(write.buf + copied);
}

/** prepare_write has failed: what it may have taken of the disk past the end of the file is given back. */
function* give_up_page(k: Kernel, write: buffered_write, page: Pfn, bytes: number): Generator<Wait, void, void> {
  unlock_page(k, page);
  page_cache_release(k, page);
  if (write.pos + bytes > write.inode.size) yield* vmtruncate(k, write.inode, write.inode.size);
}

/** A page of the cache, locked and with a reference: the one that is there, or a new one that nobody has filled; NO_PAGE without memory
 *  (mm/filemap.c:__grab_cache_page). */
function* __grab_cache_page(k: Kernel, write: buffered_write, index: number): Generator<Wait, Pfn, void> {
  for (;;) {
    const found = yield* find_lock_page(k, write.inode, index);
    if (found !== NO_PAGE) return found;
    let page = write.cached_page;
    if (page === NO_PAGE) page = yield* page_cache_alloc(k);
    write.cached_page = page;
    if (page === NO_PAGE) return NO_PAGE;
    const error = yield* add_to_page_cache(k, page, write.inode, index, GFP_KERNEL);
    if (error === -EEXIST) continue;
    if (error !== 0) return NO_PAGE;
    get_page(k, page);
    if (pagevec_add(write.lru_pvec, page) === 0) __pagevec_lru_add(k, write.lru_pvec);
    write.cached_page = NO_PAGE;
    return page;
  }
}

/** Copies bytes of the running process to a page from `offset` on: how many; the rest is zeroes (mm/filemap.h:filemap_copy_from_user). */
function* filemap_copy_from_user(k: Kernel, page: Pfn, offset: number, buf: VirtAddr, bytes: number): Generator<Wait, number, void> {
  const to = phys(pfn_to_phys(page) + offset);
  let left = __copy_from_user_inatomic(k, to, buf, bytes);
  if (left > 0) left = yield* __copy_from_user(k, to, buf, bytes);
  return bytes - left;
}
