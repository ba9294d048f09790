// What a page cache calls for the files of a file system (struct address_space_operations): a table by kind in place of the kernel's pointer, so that
// an inode is data.
//
//   flat    a file on a disk                              fs/flat.ts through fs/mpage.ts and fs/buffer.ts, as ext2 has them
//   ramfs   a program of the root file system             fs/libfs.ts
//   shmem   shared anonymous memory                       mm/shmem.ts
//
// Left out: bmap, direct_IO, get_xip_page, migratepage (mm/migrate.c asks the page's kind). Not modelled yet: writing shared memory to swap.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import type { writeback_control } from '../include/writeback.ts';
import { BUG } from '../kernel/panic.ts';
import { __set_page_dirty_nobuffers } from '../mm/page-writeback.ts';
import {
  __set_page_dirty_buffers, block_invalidatepage, block_prepare_write, block_sync_page, block_write_full_page, generic_commit_write,
  try_to_free_buffers,
} from './buffer.ts';
import { flat_truncate } from './flat.ts';
import { simple_commit_write, simple_prepare_write, simple_readpage, simple_readpages, simple_truncate } from './libfs.ts';
import { mpage_readpage, mpage_readpages, mpage_writepages } from './mpage.ts';

export interface address_space_operations {
  /** Begins to read a locked page; the end of that unlocks it. 0 or a negative error. */
  readpage(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void>;
  /** Begins to read pages that know their index and are not in the cache yet; the caller's references become the cache's. */
  readpages(k: Kernel, inode: inode, pages: readonly Pfn[]): Generator<Wait, void, void>;
  /** Begins to write a locked page that was dirty, and unlocks it. 0 or a negative error. */
  writepage(k: Kernel, inode: inode, page: Pfn, wbc: writeback_control): Generator<Wait, number, void>;
  /** The same for as many of a file's dirty pages as `wbc` says. */
  writepages(k: Kernel, inode: inode, wbc: writeback_control): Generator<Wait, number, void>;
  /** Bytes `from` … `to` of a locked page are about to be written, and have been. 0 or a negative error. */
  prepare_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void>;
  commit_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void>;
  /** 1 where the page was clean. */
  set_page_dirty(k: Kernel, page: Pfn): number;
  /** Bytes of a locked page from `offset` on are cut off. */
  invalidatepage(k: Kernel, page: Pfn, offset: number): void;
  /** Whether a locked page could be freed now: 1 or 0. */
  releasepage(k: Kernel, page: Pfn, gfp_mask: number): number;
  /** Somebody is about to wait for a page. */
  sync_page(k: Kernel, page: Pfn): void;
}

/** The operations of an inode's page cache (mapping->a_ops). @nohooks */
export function a_ops(inode: inode): address_space_operations {
  if (inode.kind === 'shmem') return SHMEM_AOPS;
  return inode.i_bdev >= 0 ? FLAT_AOPS : RAMFS_AOPS;
}

/** A file has a new size, and inode.size says so; its pages are cut already (inode->i_op->truncate). Nothing is left to do for shared memory. */
export function* i_op_truncate(k: Kernel, inode: inode): Generator<Wait, void, void> {
  if (inode.kind === 'shmem') return;
  if (inode.i_bdev >= 0) yield* flat_truncate(k, inode);
  else yield* simple_truncate(k, inode);
}

const FLAT_AOPS: address_space_operations = {
  readpage: mpage_readpage, readpages: mpage_readpages,
  writepage: flat_writepage, writepages: mpage_writepages,
  prepare_write: block_prepare_write, commit_write: generic_commit_write,
  set_page_dirty: __set_page_dirty_buffers, invalidatepage: block_invalidatepage, releasepage: flat_releasepage, sync_page: block_sync_page,
};

const RAMFS_AOPS: address_space_operations = {
  readpage: simple_readpage, readpages: simple_readpages,
  writepage: memory_writepage, writepages: memory_writepages,
  prepare_write: simple_prepare_write, commit_write: simple_commit_write,
  set_page_dirty: __set_page_dirty_nobuffers, invalidatepage: memory_invalidatepage, releasepage: memory_releasepage, sync_page: block_sync_page,
};

/** Shared memory is made of zeroes by mm/shmem.ts, and nobody can open it: it is neither read nor written. */
const SHMEM_AOPS: address_space_operations = {
  readpage: simple_readpage, readpages: simple_readpages,
  writepage: memory_writepage, writepages: memory_writepages,
  prepare_write: simple_prepare_write, commit_write: simple_commit_write,
  set_page_dirty: __set_page_dirty_nobuffers, invalidatepage: memory_invalidatepage, releasepage: memory_releasepage, sync_page: block_sync_page,
};

/** One page by itself: reclaim, and who writes a page before he moves it (ext2_writepage). */
export function* flat_writepage(k: Kernel, inode: inode, page: Pfn, wbc: writeback_control): Generator<Wait, number, void> {
  const error = yield* block_write_full_page(k, inode, page, wbc);
  return error;
}

function flat_releasepage(k: Kernel, page: Pfn, _gfp_mask: number): number {
  return try_to_free_buffers(k, page);
}

// ---- files that live in memory alone ----------------------------------------------------------------------------------

/** Nobody writes a page that has nowhere to go. */
function* memory_writepage(k: Kernel, inode: inode, _page: Pfn, _wbc: writeback_control): Generator<Wait, number, void> {
  return BUG(k, inode.kind === 'shmem' ? 'mm/shmem.c:shmem_writepage: not modelled yet' : 'fs/ramfs: a page is to be written');
}

/** Its dirty pages are nobody's to write (BDI_CAP_NO_WRITEBACK). */
function* memory_writepages(_k: Kernel, _inode: inode, _wbc: writeback_control): Generator<Wait, number, void> {
  return 0;
}

/** Its pages have no buffers. */
function memory_invalidatepage(_k: Kernel, _page: Pfn, _offset: number): void {
  return undefined;
}

function memory_releasepage(_k: Kernel, _page: Pfn, _gfp_mask: number): number {
  return 0;
}
