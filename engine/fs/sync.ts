// sync and fsync: waiting until data are on the disk (fs/buffer.c: do_sync, do_fsync; KERNEL.md FM-14, WB-7, WB-11).
//
//   sys_fsync → do_fsync → filemap_fdatawrite, the file system's own fsync under i_mutex, filemap_fdatawait
//   sys_sync → do_sync → wakeup_pdflush(0), sync_inodes twice: first all writes begin, then they are waited for
//
// Left out: fdatasync; PF_SYNCWRITE, which only I/O schedulers look at; quotas, and what super blocks have to write themselves (sync_supers,
// sync_filesystems): the flat file system's directory is written with the inodes.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode } from '../include/mm_types.ts';
import { EBADF } from '../include/errno.ts';
import { I_DIRTY, I_LOCK } from '../include/fs.ts';
import { WB_SYNC_ALL, make_writeback_control } from '../include/writeback.ts';
import { PAGECACHE_TAG_WRITEBACK } from '../include/radix-tree.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { mutex_lock, mutex_unlock } from '../kernel/mutex.ts';
import { find_get_pages_tag } from '../mm/filemap.ts';
import { filemap_fdatawait, filemap_fdatawrite } from '../mm/filemap_sync.ts';
import { inode_of } from '../mm/mm_struct.ts';
import { laptop_sync_completion, wakeup_pdflush } from '../mm/page-writeback.ts';
import { wait_on_page_writeback } from '../mm/page_wait.ts';
import { __pagevec_release } from '../mm/swap.ts';
import { fget, fput } from './file_table.ts';
import { sync_inode, sync_inodes } from './fs-writeback.ts';

/** Writes everything that is dirty to its disk and waits for it; 0, also where a write failed. */
export function* sys_sync(k: Kernel): Generator<Wait, number, void> {
  yield* do_sync(k);
  return 0;
}

/** Writes what a file has dirty, and its size and place, and waits for it: 0; -EBADF; -EIO or -ENOSPC where a write failed since somebody was last
 *  told. */
export function* sys_fsync(k: Kernel, fd: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  const error = yield* do_fsync(k, file);
  yield* fput(k, file);
  return error;
}

/** The same of an open file (fs/buffer.c:do_fsync). */
export function* do_fsync(k: Kernel, file: file): Generator<Wait, number, void> {
  const inode = inode_of(k, file.f_inode);
  let error = yield* filemap_fdatawrite(k, inode);
  yield* mutex_lock(k, inode.i_mutex, `${inode.path}'s i_mutex`);
  const inode_error = yield* sync_file(k, inode);
  mutex_unlock(k, inode.i_mutex);
  const wait_error = yield* filemap_fdatawait(k, inode);
  if (error === 0) error = inode_error;
  return error === 0 ? wait_error : error;
}

/** The file system's own part (f_op->fsync): what lives in memory has nothing to write (simple_sync_file). On a disk the inode is written, and who is
 *  about to write it is waited for; ext2 of 2.6.18 does not, and can return before the inode is written (ext2_sync_file). */
function* sync_file(k: Kernel, inode: inode): Generator<Wait, number, void> {
  if (inode.i_bdev < 0 || (inode.i_state & (I_DIRTY | I_LOCK)) === 0) return 0;
  const wbc = make_writeback_control({ sync_mode: WB_SYNC_ALL });
  const error = yield* sync_inode(k, inode, wbc);
  return error;
}

/** Everything dirty begins to be written, then all of it is waited for, what became dirty meanwhile too (fs/buffer.c:do_sync). */
function* do_sync(k: Kernel): Generator<Wait, void, void> {
  wakeup_pdflush(k, 0);
  yield* sync_inodes(k, 0);
  yield* sync_inodes(k, 1);
  yield* wait_for_writes(k);
  if (k.sysctl.laptop_mode !== 0) laptop_sync_completion(k);
}

/** Waits for every page that is being written, on any disk. 2.6.18 does not: of an inode that pdflush took off the lists between the two passes it
 *  waits for nothing, and sync can return before its pages are on the disk. Here what sync acknowledged survives a power cut, as from 2.6.29 on. */
function* wait_for_writes(k: Kernel): Generator<Wait, void, void> {
  for (let ino = 1; ino < k.inodes.length; ino++) {
    const inode = k.inodes[ino] ?? null;
    if (inode !== null) yield* wait_for_writes_of(k, inode);
  }
}

function* wait_for_writes_of(k: Kernel, inode: inode): Generator<Wait, void, void> {
  let next = 0;
  for (;;) {
    const found = find_get_pages_tag(k, inode, next, PAGECACHE_TAG_WRITEBACK, PAGEVEC_SIZE);
    if (found.length === 0) return;
    next = found[found.length - 1]!.index + 1;
    for (let i = 0; i < found.length; i++) yield* wait_on_page_writeback(k, found[i]!.page);
    __pagevec_release(k, { pages: found.map(({ page }) => page), cold: 0 });
  }
}
