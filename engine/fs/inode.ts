// Inodes: the end of one that nobody refers to, and a new size for one (fs/inode.c, fs/attr.c).
//
// Left out: everything else that attributes are (owner, mode, times), and so notify_change's checks of them; deleting files, so an inode with a name
// stays for good, and the inode cache, which no shrinker prunes yet.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import { vmtruncate } from '../mm/memory_zap.ts';
import { shmem_delete_inode } from '../mm/shmem.ts';
import { mark_inode_dirty } from './fs-writeback.ts';

/** Drops a reference to an inode. One with a name stays, with its pages in the cache; shared memory that nobody reaches goes (fs/inode.c:iput). */
export function* iput(k: Kernel, inode: inode): Generator<Wait, void, void> {
  inode.i_count--;
  if (inode.i_count > 0 || inode.kind === 'file') return;
  yield* shmem_delete_inode(k, inode);
  k.inodes[inode.ino] = null;
  k.free_ids.inodes.push(inode.ino);
}

/** A file gets a new size, and its times are noted even where it has that size already: 0, or a negative error (fs/attr.c:inode_setattr). i_mutex is
 *  held. */
export function* inode_setattr(k: Kernel, inode: inode, size: number): Generator<Wait, number, void> {
  if (size !== inode.size) {
    const error = yield* vmtruncate(k, inode, size);
    if (error !== 0) return error;
  }
  mark_inode_dirty(k, inode);
  return 0;
}
