// Reading and writing several pages of a file with one bio, as far as their blocks follow each other on the disk (fs/mpage.c; KERNEL.md WB-12,
// FM-10).
//
//   mpage_readpages   pages of readahead → into the cache, locked → bios → mpage_end_io_read: up to date, unlocked
//   mpage_writepages  dirty pages, 14 at a time → locked, clean → under write-back, unlocked → bios → mpage_end_io_write
//
// Pages need no buffers for it. One whose buffer is not simply dirty and up to date with a block goes through fs/buffer.ts instead; so does one that
// no block is found for. Such a page ends the bio before it.
// Left out: several blocks a page and with them pages that are holes in part; boundary blocks (a flat file system has no indirect ones).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { bio } from '../include/bio.ts';
import type { inode } from '../include/mm_types.ts';
import type { pagevec } from '../include/pagevec.ts';
import type { Pfn } from '../include/types.ts';
import type { writeback_control } from '../include/writeback.ts';
import { BIO_UPTODATE, READ, WRITE } from '../include/bio.ts';
import { BH_Dirty, BH_Mapped, BH_Uptodate } from '../include/buffer_head.ts';
import { EIO, ENOSPC } from '../include/errno.ts';
import { AS_EIO, AS_ENOSPC } from '../include/fs.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { PG_error, PG_mappedtodisk, PG_uptodate, PG_writeback } from '../include/page-flags.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PAGECACHE_TAG_DIRTY } from '../include/radix-tree.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { WB_SYNC_NONE } from '../include/writeback.ts';
import { bio_add_page, bio_alloc } from '../block/bio.ts';
import { bdi_write_congested } from '../block/genhd.ts';
import { submit_bio } from '../block/ll_rw_blk.ts';
import { BUG } from '../kernel/panic.ts';
import { cond_resched } from '../kernel/sched.ts';
import { add_to_page_cache, find_get_pages_tag } from '../mm/filemap.ts';
import { clear_page_flag, page_index, page_mapping_raw, set_page_flag, test_page_flag } from '../mm/mem_map.ts';
import { clear_page_dirty_for_io, set_page_writeback } from '../mm/page-writeback.ts';
import { lock_page, unlock_page, wait_on_page_writeback } from '../mm/page_wait.ts';
import { __pagevec_lru_add, __pagevec_release, page_cache_release, pagevec_add } from '../mm/swap.ts';
import { block_read_full_page, block_write_full_page, zero_user_page } from './buffer.ts';
import { end_file_writeback, note_io_error, page_buffers, page_has_buffers, page_write_failed, test_buffer } from './buffer_head.ts';
import { flat_get_block } from './flat.ts';

/** Pages that are gathered for one bio, and the block behind the last of them. */
interface mpage_data {
  bio: bio | null;
  next_block: number;
}

// ---- reading ----------------------------------------------------------------------------------------------------------

/** Reads a locked page; the end of its I/O unlocks it: 0, or -ENOMEM and it is unlocked (fs/mpage.c:mpage_readpage). */
export function* mpage_readpage(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void> {
  const mpd: mpage_data = { bio: null, next_block: -1 };
  const error = yield* do_mpage_readpage(k, inode, page, mpd);
  yield* mpage_bio_submit(k, READ, mpd);
  return error;
}

/** Reads pages that know their index, ascending, and that the caller has one reference to. They come into the cache, and onto the inactive list at
 *  once, past the CPU's pagevec; one that somebody else has put there meanwhile is freed (fs/mpage.c:mpage_readpages; L-4, FM-10). */
export function* mpage_readpages(k: Kernel, inode: inode, pages: readonly Pfn[]): Generator<Wait, void, void> {
  const mpd: mpage_data = { bio: null, next_block: -1 };
  const lru_pvec: pagevec = { pages: [], cold: 0 };
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    const error = yield* add_to_page_cache(k, page, inode, page_index(k, page), GFP_KERNEL);
    if (error === 0) {
      yield* do_mpage_readpage(k, inode, page, mpd);
      if (pagevec_add(lru_pvec, page) === 0) __pagevec_lru_add(k, lru_pvec);
    } else page_cache_release(k, page);
  }
  if (lru_pvec.pages.length > 0) __pagevec_lru_add(k, lru_pvec);
  yield* mpage_bio_submit(k, READ, mpd);
}

/** Adds a locked page to the bio, which goes first where the page does not continue it. A hole is zeroes at once (fs/mpage.c:do_mpage_readpage). */
function* do_mpage_readpage(k: Kernel, inode: inode, page: Pfn, mpd: mpage_data): Generator<Wait, number, void> {
  if (page_has_buffers(k, page)) {
    yield* mpage_bio_submit(k, READ, mpd);
    const error = yield* read_confused(k, inode, page);
    return error;
  }
  const is_inside = page_index(k, page) < Math.ceil(inode.size / PAGE_SIZE);
  const block = is_inside ? flat_get_block(k, inode, page_index(k, page), 0).block : -1;
  if (block < 0) {
    zero_user_page(k, page, 0, PAGE_SIZE);
    set_page_flag(k, page, PG_uptodate);
    unlock_page(k, page);
    return 0;
  }
  set_page_flag(k, page, PG_mappedtodisk);
  yield* mpage_add_page(k, READ, mpd, { page, bdev: inode.i_bdev, block });
  return 0;
}

/** Reads a page that has a buffer, unless it is up to date. */
function* read_confused(k: Kernel, inode: inode, page: Pfn): Generator<Wait, number, void> {
  if (test_page_flag(k, page, PG_uptodate)) {
    unlock_page(k, page);
    return 0;
  }
  const error = yield* block_read_full_page(k, inode, page);
  return error;
}

/** The pages of a bio were read, or none of them: last page first (fs/mpage.c:mpage_end_io_read). */
export function mpage_end_io_read(k: Kernel, bio: bio): void {
  const uptodate = (bio.bi_flags & BIO_UPTODATE) !== 0;
  for (let i = bio.bi_io_vec.length - 1; i >= 0; i--) {
    const page = bio.bi_io_vec[i]!;
    if (uptodate) set_page_flag(k, page, PG_uptodate);
    else {
      clear_page_flag(k, page, PG_uptodate);
      set_page_flag(k, page, PG_error);
      note_io_error(k, page, READ);
    }
    unlock_page(k, page);
  }
}

// ---- bios -------------------------------------------------------------------------------------------------------------

/** Adds a page to the bio that is being filled. One that does not lie behind the pages before it, or for which there is no room, begins a new bio. */
function* mpage_add_page(k: Kernel, rw: 0 | 1, mpd: mpage_data, at: { page: Pfn; bdev: number; block: number }): Generator<Wait, void, void> {
  if (mpd.next_block !== at.block) yield* mpage_bio_submit(k, rw, mpd);
  for (;;) {
    mpd.bio ??= mpage_alloc(rw, at.bdev, at.block);
    if (bio_add_page(k, mpd.bio, at.page) > 0) break;
    yield* mpage_bio_submit(k, rw, mpd);
  }
  mpd.next_block = at.block + 1;
}

function mpage_alloc(rw: 0 | 1, bdev: number, block: number): bio {
  return bio_alloc(bdev, block, rw === WRITE ? 'write_page' : 'read_page', 0);
}

/** Gives the bio to its disk, where there is one (fs/mpage.c:mpage_bio_submit). */
function* mpage_bio_submit(k: Kernel, rw: 0 | 1, mpd: mpage_data): Generator<Wait, void, void> {
  const { bio } = mpd;
  mpd.bio = null;
  mpd.next_block = -1;
  if (bio !== null) yield* submit_bio(k, rw, bio);
}

// ---- writing ----------------------------------------------------------------------------------------------------------

/** One walk over the dirty pages of a file. */
interface walk {
  wbc: writeback_control;
  mpd: mpage_data;
  /** Where it goes on, and the last page it may write; Infinity: to the end of the file. */
  index: number;
  end: number;
  /** 1: it found something, so it does not begin again at the first page; 1: it is over. */
  scanned: 0 | 1;
  done: 0 | 1;
  error: number;
}

/** Writes dirty pages of a file: 0 or a negative error. They are taken 14 at a time, and nr_to_write ends the walk only behind such a batch. A cyclic
 *  walk goes on where the last one ended, and begins again at page 0 where nothing is left behind that (fs/mpage.c:mpage_writepages; WB-12). */
export function* mpage_writepages(k: Kernel, inode: inode, wbc: writeback_control): Generator<Wait, number, void> {
  if (wbc.nonblocking !== 0 && bdi_write_congested(k, inode.i_bdev)) {
    wbc.encountered_congestion = 1;
    return 0;
  }
  const walk = begin_walk(inode, wbc);
  yield* write_batches(k, inode, walk);
  if (walk.scanned === 0 && walk.done === 0) {
    walk.index = 0;
    yield* write_batches(k, inode, walk);
  }
  const was_whole = wbc.start === 0 && walk.end === Infinity;
  if (wbc.range_cyclic !== 0 || (was_whole && wbc.nr_to_write > 0)) inode.writeback_index = walk.index;
  yield* mpage_bio_submit(k, WRITE, walk.mpd);
  return walk.error;
}

function begin_walk(inode: inode, wbc: writeback_control): walk {
  const walk: walk = { wbc, mpd: { bio: null, next_block: -1 }, index: inode.writeback_index, end: Infinity, scanned: 0, done: 0, error: 0 };
  if (wbc.range_cyclic !== 0) return walk;
  walk.index = Math.floor(wbc.start / PAGE_SIZE);
  if (wbc.end !== 0) walk.end = Math.floor(wbc.end / PAGE_SIZE);
  walk.scanned = 1;
  return walk;
}

/** Pages by their tag, from where the walk is on, until there are no more or it is over. */
function* write_batches(k: Kernel, inode: inode, walk: walk): Generator<Wait, void, void> {
  while (walk.done === 0 && walk.index <= walk.end) {
    const found = find_get_pages_tag(k, inode, walk.index, PAGECACHE_TAG_DIRTY, Math.min(walk.end - walk.index + 1, PAGEVEC_SIZE));
    if (found.length === 0) return;
    walk.index = found.at(-1)!.index + 1;
    walk.scanned = 1;
    for (let i = 0; i < found.length; i++) yield* write_one(k, inode, walk, found[i]!.page);
    __pagevec_release(k, { pages: found.map(({ page }) => page), cold: 0 });
    yield* cond_resched(k);
  }
}

/** Writes a page, if it is still the file's and dirty, and nobody is writing it. */
function* write_one(k: Kernel, inode: inode, walk: walk, page: Pfn): Generator<Wait, void, void> {
  const { wbc } = walk;
  yield* lock_page(k, page);
  if (page_mapping_raw(k, page) !== inode.ino * 2) {
    unlock_page(k, page);
    return;
  }
  if (wbc.range_cyclic === 0 && page_index(k, page) > walk.end) {
    walk.done = 1;
    unlock_page(k, page);
    return;
  }
  if (wbc.sync_mode !== WB_SYNC_NONE) yield* wait_on_page_writeback(k, page);
  if (test_page_flag(k, page, PG_writeback) || clear_page_dirty_for_io(k, page) === 0) {
    unlock_page(k, page);
    return;
  }
  const error = yield* mpage_writepage(k, inode, page, walk);
  if (error !== 0) walk.error = error;
  wbc.nr_to_write--;
  if (walk.error !== 0 || wbc.nr_to_write <= 0) walk.done = 1;
  if (wbc.nonblocking === 0 || !bdi_write_congested(k, inode.i_bdev)) return;
  wbc.encountered_congestion = 1;
  walk.done = 1;
}

/** Adds a locked page that was dirty to the bio, and unlocks it, under write-back: 0 or a negative error. What of it lies behind the end of the file
 *  is zeroed first, every time: a mapping may have written there (fs/mpage.c:mpage_writepage). */
export function* mpage_writepage(k: Kernel, inode: inode, page: Pfn, { mpd, wbc }: Pick<walk, 'mpd' | 'wbc'>): Generator<Wait, number, void> {
  const block = block_to_write(k, inode, page);
  const end_index = Math.floor(inode.size / PAGE_SIZE);
  const offset = inode.size % PAGE_SIZE;
  const index = page_index(k, page);
  if (block < 0 || index > end_index || (index === end_index && offset === 0)) {
    const error = yield* write_confused(k, inode, page, { mpd, wbc });
    return error;
  }
  if (index === end_index) zero_user_page(k, page, offset, PAGE_SIZE);
  yield* mpage_add_page(k, WRITE, mpd, { page, bdev: inode.i_bdev, block });
  if (page_has_buffers(k, page)) page_buffers(k, page).b_state &= ~BH_Dirty;
  if (test_page_flag(k, page, PG_writeback)) BUG(k, `fs/mpage.c:mpage_writepage: page ${page} is being written already`);
  set_page_writeback(k, page);
  unlock_page(k, page);
  return 0;
}

/** The block that a page goes to as it is: that of its buffer, where this is dirty and up to date; else the file's, new if need be. -1 where
 *  fs/buffer.ts must see to it. */
function block_to_write(k: Kernel, inode: inode, page: Pfn): number {
  if (page_has_buffers(k, page)) {
    const bh = page_buffers(k, page);
    const is_simple = test_buffer(bh, BH_Mapped) && test_buffer(bh, BH_Dirty) && test_buffer(bh, BH_Uptodate);
    return is_simple ? bh.b_blocknr : -1;
  }
  if (!test_page_flag(k, page, PG_uptodate)) BUG(k, `fs/mpage.c:mpage_writepage: page ${page} is not up to date`);
  return flat_get_block(k, inode, page_index(k, page), 1).block;
}

/** Writes a page by itself, through its buffer, behind the bio. An error becomes the file's. */
function* write_confused(k: Kernel, inode: inode, page: Pfn, { mpd, wbc }: Pick<walk, 'mpd' | 'wbc'>): Generator<Wait, number, void> {
  yield* mpage_bio_submit(k, WRITE, mpd);
  const error = yield* block_write_full_page(k, inode, page, wbc);
  if (error === -ENOSPC) inode.flags |= AS_ENOSPC;
  else if (error !== 0) inode.flags |= AS_EIO;
  return error;
}

/** The pages of a bio are on the disk, or one of them is not, and then all count as lost: last page first (fs/mpage.c:mpage_end_io_write). */
export function mpage_end_io_write(k: Kernel, bio: bio): void {
  const error = (bio.bi_flags & BIO_UPTODATE) !== 0 ? 0 : -EIO;
  for (let i = bio.bi_io_vec.length - 1; i >= 0; i--) {
    const page = bio.bi_io_vec[i]!;
    if (error !== 0) page_write_failed(k, page);
    end_file_writeback(k, page, error);
  }
}
