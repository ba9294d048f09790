// Files that live in memory alone (fs/libfs.c, fs/ramfs): programs of the root file system, as an initramfs holds them. Their pages are never written
// anywhere, so a dirty one stays for good; a program's own bytes are a function of its name, and a page of it comes to be when somebody wants it.
//
//   inode.extents   index 0 … 4 → pages that nobody has written yet; a page outside of them, and not in the cache, is zeroes
//
// Left out: what fs/libfs.c has beside this (directories, attributes, pinned mounts); the pages of the initramfs image itself.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { extent } from '../include/fs.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn } from '../include/types.ts';
import { GFP_HIGHUSER, GFP_KERNEL } from '../include/gfp.ts';
import { PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys } from '../include/types.ts';
import { charge } from '../kernel/sched.ts';
import { add_to_page_cache, find_or_create_page } from '../mm/filemap.ts';
import { write_phys_bytes } from '../mm/contents.ts';
import { page_index, set_page_flag, test_page_flag } from '../mm/mem_map.ts';
import { set_page_dirty } from '../mm/page-writeback.ts';
import { unlock_page } from '../mm/page_wait.ts';
import { __pagevec_lru_add, page_cache_release, pagevec_add } from '../mm/swap.ts';
import { zero_user_page } from './buffer.ts';
import { file_bytes } from './file_bytes.ts';

/** Fills a locked page, and unlocks it: 0. It takes the time of a copy, and no I/O (fs/libfs.c:simple_readpage, which knows zeroes only). */
export function* simple_readpage(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void> {
  fill_page(k, inode, page);
  unlock_page(k, page);
  return 0;
}

/** Reads pages that know their index one by one, as is done where a file system knows no better. They come onto the inactive list at once, past the
 *  CPU's pagevec; one that somebody else has put there meanwhile is freed (mm/readahead.c:read_pages; L-4). */
export function* simple_readpages(k: Kernel, inode: inode, pages: readonly Pfn[]): Generator<Wait, void, void> {
  const lru_pvec: pagevec = { pages: [], cold: 0 };
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    const error = yield* add_to_page_cache(k, page, inode, page_index(k, page), GFP_KERNEL);
    if (error === 0) {
      yield* simple_readpage(k, inode, page);
      if (pagevec_add(lru_pvec, page) === 0) __pagevec_lru_add(k, lru_pvec);
    } else page_cache_release(k, page);
  }
  if (lru_pvec.pages.length > 0) __pagevec_lru_add(k, lru_pvec);
}

/** Bytes `from` … `to` of a locked page are about to be written: the others are to be there. 0 (fs/libfs.c:simple_prepare_write). */
export function* simple_prepare_write(k: Kernel, inode: inode, page: Pfn, from: number, to: number): Generator<Wait, number, void> {
  if (test_page_flag(k, page, PG_uptodate)) return 0;
  if (to - from !== PAGE_SIZE) fill_page(k, inode, page);
  set_page_flag(k, page, PG_uptodate);
  return 0;
}

/** They are written: the page is dirty, the file longer where it has to be. 0 (fs/libfs.c:simple_commit_write). */
export function* simple_commit_write(k: Kernel, inode: inode, page: Pfn, _from: number, to: number): Generator<Wait, number, void> {
  const pos = page_index(k, page) * PAGE_SIZE + to;
  if (pos > inode.size) inode.size = pos;
  set_page_dirty(k, page);
  return 0;
}

/** A file has a new size, and inode.size says so: what lies behind it is no longer the program's, so it reads as zeroes should the file grow again.
 *  Of a page that is cut the zeroes must be in memory (ramfs truncates nothing but its pages, which are all in memory). */
export function* simple_truncate(k: Kernel, inode: inode): Generator<Wait, void, void> {
  const offset = inode.size % PAGE_SIZE;
  if (offset !== 0 && is_pristine(inode, (inode.size - offset) / PAGE_SIZE)) yield* cut_page(k, inode, (inode.size - offset) / PAGE_SIZE, offset);
  const end = Math.ceil(inode.size / PAGE_SIZE);
  inode.extents = inode.extents.filter(({ index }) => index < end).map((held): extent => ({ ...held, nr: Math.min(held.nr, end - held.index) }));
}

function* cut_page(k: Kernel, inode: inode, index: number, offset: number): Generator<Wait, void, void> {
  const page = yield* find_or_create_page(k, inode, index, GFP_HIGHUSER);
  if (page === NO_PAGE) return;
  if (!test_page_flag(k, page, PG_uptodate)) {
    write_phys_bytes(k, pfn_to_phys(page), file_bytes(inode.path, index * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE));
    set_page_flag(k, page, PG_uptodate);
  }
  zero_user_page(k, page, offset, PAGE_SIZE);
  set_page_dirty(k, page);
  unlock_page(k, page);
  page_cache_release(k, page);
}

/** A page's bytes as nobody has changed them. */
function fill_page(k: Kernel, inode: inode, page: Pfn): void {
  const index = page_index(k, page);
  const start = index * PAGE_SIZE;
  const size = is_pristine(inode, index) ? Math.min(PAGE_SIZE, Math.max(0, inode.size - start)) : 0;
  write_phys_bytes(k, pfn_to_phys(page), file_bytes(inode.path, start, size, PAGE_SIZE));
  charge(k, k.cost.copy_page);
  set_page_flag(k, page, PG_uptodate);
}

/** Whether a page is as the program came. */
function is_pristine(inode: inode, index: number): boolean {
  return inode.extents.some((held) => held.index <= index && index < held.index + held.nr);
}
