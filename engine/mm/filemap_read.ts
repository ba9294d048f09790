// read() of a file through the page cache (mm/filemap.c; KERNEL.md FM-4, L-6).
//
//   generic_file_read → do_generic_mapping_read, page by page:
//     page_cache_readahead, where the windows want to be asked again
//     find_get_page ─┬─ up to date ────────────────────────────────────────────────────┬→ mark_page_accessed, once a page → file_read_actor
//                    ├─ not yet: lock_page waits for who reads it ─┬───────────────────┘
//                    │                                             └─ nobody did ─┐
//                    └─ missing: handle_ra_miss, add_to_page_cache_lru ───────────┴─ a_ops.readpage ── lock_page waits for it ── -EIO, or up to date
//
// The state of readahead is a copy while the call lasts, and is written back at its end: of two tasks that read through one open file at once, the
// one that ends last leaves its own. Nothing here ends because of a signal: 2.6.18 waits for pages uninterruptibly.
// Left out: direct I/O, sendfile, vectors of buffers, access times.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, file_ra_state, inode } from '../include/mm_types.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EEXIST, EFAULT, EIO, ENOMEM } from '../include/errno.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys, virt } from '../include/types.ts';
import { a_ops } from '../fs/a_ops.ts';
import { cond_resched } from '../kernel/sched.ts';
import { add_to_page_cache_lru, find_get_page, page_cache_alloc_cold, shrink_readahead_size_eio } from './filemap.ts';
import { page_mapping_raw, test_page_flag } from './mem_map.ts';
import { inode_of } from './mm_struct.ts';
import { lock_page, unlock_page } from './page_wait.ts';
import { handle_ra_miss, page_cache_readahead } from './readahead.ts';
import { mark_page_accessed, page_cache_release } from './swap.ts';
import { __copy_to_user, __copy_to_user_inatomic, access_ok, fault_in_pages_writeable } from './user_memory.ts';
import { VIA_READ, trace_mm_filemap_miss } from '../trace/pagemap.ts';

/** Where what is read goes to. */
interface read_descriptor_t {
  /** Bytes that were copied, and that are still wanted. */
  written: number;
  count: number;
  buf: VirtAddr;
  /** 0 or negative. */
  error: number;
}

/** A read on its way. */
interface mapping_read {
  inode: inode;
  ra: file_ra_state;
  desc: read_descriptor_t;
  /** The page, and the byte in it, that come next. */
  index: number;
  offset: number;
  /** The page at which readahead wants to be asked again, the one that was last marked as used, and the first that is not wanted. */
  next_index: number;
  prev_index: number;
  last_index: number;
  /** Bytes of the page that the file has from `offset` on. */
  nr: number;
  /** A page that was allocated and is not in the cache yet, or NO_PAGE. */
  cached_page: Pfn;
}

/** Instead of a page: it left the cache while it was waited for, so all begins anew. */
const READ_AGAIN = -2 as Pfn;

/** Reads bytes of a file from `pos` on into the running process: how many, 0 at the end of the file; where there are none -EFAULT, -EIO, -ENOMEM
 *  (mm/filemap.c:generic_file_read). */
export function* generic_file_read(k: Kernel, file: file, buf: VirtAddr, count: number, pos: number): Generator<Wait, number, void> {
  if (!access_ok(k, buf, count)) return -EFAULT;
  if (count === 0) return 0;
  const desc: read_descriptor_t = { written: 0, count, buf, error: 0 };
  yield* do_generic_mapping_read(k, file, desc, pos);
  return desc.written > 0 ? desc.written : desc.error;
}

function* do_generic_mapping_read(k: Kernel, file: file, desc: read_descriptor_t, pos: number): Generator<Wait, void, void> {
  const inode = inode_of(k, file.f_inode);
  const index = Math.floor(pos / PAGE_SIZE);
  const ra = { ...file.f_ra };
  const last_index = Math.ceil((pos + desc.count) / PAGE_SIZE);
  const at: mapping_read = {
    inode, ra, desc, index, offset: pos % PAGE_SIZE, next_index: index, prev_index: ra.prev_page, last_index, nr: 0, cached_page: NO_PAGE,
  };
  for (;;) {
    at.nr = bytes_left_in_page(at);
    if (at.nr <= 0) break;
    yield* cond_resched(k);
    if (at.index === at.next_index) {
      const next_index = yield* page_cache_readahead(k, inode, ra, at.index, last_index - at.index);
      at.next_index = next_index;
    }
    const page = yield* page_to_read(k, at);
    if (page === READ_AGAIN) continue;
    if (page === NO_PAGE) break;
    const is_all = yield* copy_page_to_reader(k, at, page);
    if (!is_all || desc.count === 0) break;
  }
  file.f_ra = ra;
  if (at.cached_page !== NO_PAGE) page_cache_release(k, at.cached_page);
}

/** What the file has of the page from the place on that comes next; 0 or less at its end. */
function bytes_left_in_page({ inode, index, offset }: mapping_read): number {
  return Math.min(PAGE_SIZE, inode.size - index * PAGE_SIZE) - offset;
}

/** A page that is up to date goes to the reader: whether he could take all that it has for him. It counts as used once, in however many pieces it is
 *  read (L-6). */
function* copy_page_to_reader(k: Kernel, at: mapping_read, page: Pfn): Generator<Wait, boolean, void> {
  if (at.prev_index !== at.index) mark_page_accessed(k, page);
  at.prev_index = at.index;
  const { nr } = at;
  const ret = yield* file_read_actor(k, at.desc, page, at.offset, nr);
  at.index += Math.floor((at.offset + ret) / PAGE_SIZE);
  at.offset = (at.offset + ret) % PAGE_SIZE;
  page_cache_release(k, page);
  return ret === nr;
}

// ---- a page that is up to date ----------------------------------------------------------------------------------------

/** What became of a page that was waited for: it can be read; it is no page of the file any more; it is ours to read; it cannot be read. */
type outcome = 'uptodate' | 'gone' | 'locked' | 'failed';

/** The page that comes next, with a reference, up to date; READ_AGAIN; or NO_PAGE: desc.error says why, or the file ends before it now. */
function* page_to_read(k: Kernel, at: mapping_read): Generator<Wait, Pfn, void> {
  for (;;) {
    let page = find_get_page(k, at.inode, at.index);
    if (page === NO_PAGE) {
      page = yield* add_page_to_read(k, at);
      if (page === NO_PAGE && at.desc.error === 0) continue;
      if (page === NO_PAGE) return NO_PAGE;
    } else {
      const state = yield* lock_unread_page(k, page);
      if (state === 'uptodate') return page;
      if (state === 'gone') page_cache_release(k, page);
      if (state === 'gone') return READ_AGAIN;
    }
    const result = yield* read_locked_page(k, at, page);
    if (result === 'uptodate') return page;
    page_cache_release(k, page);
    if (result === 'failed') return NO_PAGE;
  }
}

/** A new page of the cache at the place that comes next, locked; or NO_PAGE: without an error somebody else was faster, and the page is kept for the
 *  next place (no_cached_page). */
function* add_page_to_read(k: Kernel, at: mapping_read): Generator<Wait, Pfn, void> {
  trace_mm_filemap_miss(k, at.inode.ino, at.index, VIA_READ);
  handle_ra_miss(at.ra);
  let page = at.cached_page;
  if (page === NO_PAGE) page = yield* page_cache_alloc_cold(k);
  at.cached_page = page;
  let error = -ENOMEM;
  if (page !== NO_PAGE) error = yield* add_to_page_cache_lru(k, page, at.inode, at.index, GFP_KERNEL);
  if (error === 0) at.cached_page = NO_PAGE;
  else if (error !== -EEXIST) at.desc.error = error;
  return error === 0 ? page : NO_PAGE;
}

/** Waits for who is reading a page; locks it where nobody has filled it (page_not_up_to_date). */
function* lock_unread_page(k: Kernel, page: Pfn): Generator<Wait, outcome, void> {
  if (test_page_flag(k, page, PG_uptodate)) return 'uptodate';
  yield* lock_page(k, page);
  const is_gone = page_mapping_raw(k, page) === 0;
  if (!is_gone && !test_page_flag(k, page, PG_uptodate)) return 'locked';
  unlock_page(k, page);
  return is_gone ? 'gone' : 'uptodate';
}

/** Reads a locked page from its disk, and waits for it. The file may have become shorter meanwhile, so what it has of the page is asked again
 *  (readpage). */
function* read_locked_page(k: Kernel, at: mapping_read, page: Pfn): Generator<Wait, outcome, void> {
  const error = yield* a_ops(at.inode).readpage(k, at.inode, page);
  at.desc.error = error;
  if (error !== 0) return 'failed';
  const state = yield* lock_unread_page(k, page);
  if (state === 'gone') return 'gone';
  if (state === 'locked') {
    unlock_page(k, page);
    at.desc.error = -EIO;
    shrink_readahead_size_eio(at.ra);
    return 'failed';
  }
  at.nr = bytes_left_in_page(at);
  return at.nr > 0 ? 'uptodate' : 'failed';
}

// ---- to the reader ----------------------------------------------------------------------------------------------------

/** Copies `size` bytes of a page from `offset` on to where the reader wants them, or fewer where that cannot be written (desc.error) or he wants no
 *  more: how many (mm/filemap.c:file_read_actor). His memory is faulted in first, so that most copies need not sleep. */
function* file_read_actor(k: Kernel, desc: read_descriptor_t, page: Pfn, offset: number, size: number): Generator<Wait, number, void> {
  const from = phys(pfn_to_phys(page) + offset);
  let wanted = Math.min(size, desc.count);
  let left = wanted;
  const fault = yield* fault_in_pages_writeable(k, desc.buf, wanted);
  if (fault === 0) left = __copy_to_user_inatomic(k, desc.buf, from, wanted);
  if (left > 0) left = yield* __copy_to_user(k, desc.buf, from, wanted);
  if (left > 0) desc.error = -EFAULT;
  wanted -= left;
  desc.count -= wanted;
  desc.written += wanted;
  desc.buf = virt(desc.buf + wanted);
  return wanted;
}
