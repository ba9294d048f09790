// Giving up what is cached, because somebody asks for it (fs/drop_caches.c; KERNEL.md VS-21): vm.drop_caches, 1 the page cache, 2 the slab caches, 3
// both. Only what is clean and in nobody's use goes, and nothing is written or waited for.
//
// Not modelled yet: the shrinkers of slab caches, which come with reclaim; drop_slab says so in the kernel log.

import type { Kernel } from '../kernel.ts';
import type { inode } from '../include/mm_types.ts';
import { printk } from '../kernel/printk.ts';
import { invalidate_inode_pages } from '../mm/truncate.ts';

const NO_SHRINKERS = 'pagewalk: drop_caches: the shrinkers of slab caches are not modelled yet, so nothing of them was dropped';

/** What follows from writing a value to vm.drop_caches (fs/drop_caches.c). */
export function drop_caches_sysctl_handler(k: Kernel, value: number): void {
  if ((value & 1) !== 0) drop_pagecache(k);
  if ((value & 2) !== 0) drop_slab(k);
}

/** Every file's pages that are clean, unmapped, unlocked and not being written leave the cache: of one file system after the other, in the order they
 *  were mounted. */
function drop_pagecache(k: Kernel): void {
  const is_memory = (kind: inode['kind']) => (inode: inode): boolean => inode.kind === kind && inode.i_bdev === -1;
  drop_pagecache_sb(k, is_memory('file'));
  drop_pagecache_sb(k, is_memory('shmem'));
  for (const sb of k.super_blocks) drop_pagecache_sb(k, (inode) => inode.i_bdev === sb.s_bdev);
}

/** Of one file system, the inode that came last first (s_inodes). Their numbers tell, as far as none was used again. */
function drop_pagecache_sb(k: Kernel, is_of_sb: (inode: inode) => boolean): void {
  for (let ino = k.inodes.length - 1; ino > 0; ino--) {
    const inode = k.inodes[ino] ?? null;
    if (inode !== null && is_of_sb(inode)) invalidate_inode_pages(k, inode);
  }
}

function drop_slab(k: Kernel): void {
  if (!k.log.lines.some(({ text }) => text === NO_SHRINKERS)) printk(k, NO_SHRINKERS);
}
