// Adaptive readahead (mm/readahead.c, 2.6.18; KERNEL.md FM-6 … FM-10): which pages of a file are read before anybody asks for them.
//
//             start          size         ahead_start     ahead_size
//   ──────────┬───────────────────────────┬───────────────────────────┬──────
//             │  current window           │  ahead window             │
//   ──────────┴───────────────────────────┴───────────────────────────┴──────
//                    ▲ prev_page: the reader is here                     once it enters the ahead window, that becomes the current one
//                                                                        and a new ahead window is read
//
//   page_cache_readahead ─┬─ not sequential: exactly the pages asked for
//                         └─ sequential: make_ahead_window ── blockable_page_cache_readahead
//   force_page_cache_readahead (advice), do_page_cache_readahead (faults) ──────┴── __do_page_cache_readahead ── read_pages
//
// What became of a decision shows in mm_readahead. Nobody waits for a page here: read_pages submits the reads, and the disk unlocks what it has read.
// Left out: read_cache_pages, which only network file systems use.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file_ra_state, inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import { BDI_read_congested } from '../include/blkdev.ts';
import { RA_FLAG_INCACHE, RA_FLAG_MISS } from '../include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE } from '../include/types.ts';
import { a_ops } from '../fs/a_ops.ts';
import { radix_tree_lookup } from '../lib/radix-tree.ts';
import { page_cache_alloc_cold } from './filemap.ts';
import { inode_backing_dev_info } from './file_ra_state.ts';
import { set_page_index } from './mem_map.ts';
import { numa_node_id } from './topology.ts';
import {
  RA_AHEAD, RA_FAULT, RA_FIRST, RA_FORCED, RA_MISSED, RA_RANDOM, WINDOW_AHEAD, WINDOW_CURRENT, WINDOW_NONE, trace_mm_readahead,
} from '../trace/pagemap.ts';

/** Bytes of the smallest window, unless a device or advice says otherwise (include/linux/mm.h; FM-6). */
const VM_MIN_READAHEAD = 16 * 1024;
/** So many pages in a row that were cached anyway, and readahead is switched off until one is missing. */
const VM_MAX_CACHE_HIT = 256;
/** What force_page_cache_readahead allocates at a time, bytes. */
const FORCED_CHUNK = 2 * 1024 * 1024;

/** Pages that are to be read ahead, and what for. */
interface ra_request {
  offset: number;
  nr_to_read: number;
  /** 1: read even where the queue is congested. */
  block: 0 | 1;
  /** For mm_readahead: WINDOW_… and RA_…. */
  window: number;
  reason: number;
}

/** Whether reads of a file that can be left out are better left out: bdi_read_congested, by inode (WB-14). */
function is_read_congested(k: Kernel, inode: inode): boolean {
  return (inode_backing_dev_info(k, inode).state & BDI_read_congested) !== 0;
}

// ---- the windows ------------------------------------------------------------------------------------------------------

/** Somebody wants `req_size` pages (at least one) of a file from `offset` on; reads ahead of them as the file's history suggests. The page at which
 *  it wants to be asked again (mm/readahead.c:page_cache_readahead; FM-8). */
export function* page_cache_readahead(
  k: Kernel, inode: inode, ra: file_ra_state, offset: number, req_size: number,
): Generator<Wait, number, void> {
  // Of the page that was last asked for only the rest is new; a part of one page is not worth a thought.
  const is_again = offset === ra.prev_page;
  const wanted = is_again ? req_size - 1 : req_size;
  const first = is_again && wanted > 0 ? offset + 1 : offset;
  const is_sequential = first === ra.prev_page + 1;
  ra.prev_page = first;
  const newsize = Math.min(wanted, get_max_readahead(ra));
  if (newsize === 0 || (ra.flags & RA_FLAG_INCACHE) !== 0) return ra.prev_page + 1;

  ra.prev_page += newsize - 1;
  if (!is_sequential) yield* read_at_random(k, inode, ra, first, newsize);
  else if (ra.size === 0) yield* open_window(k, inode, ra, first, wanted);
  else yield* move_windows(k, inode, ra);
  return ra.prev_page + 1;
}

/** A page that was read ahead is gone again before it was used: the next window will be smaller, and readahead is on again
 *  (mm/readahead.c:handle_ra_miss; FM-8). */
export function handle_ra_miss(ra: file_ra_state): void {
  ra.flags |= RA_FLAG_MISS;
  ra.flags &= ~RA_FLAG_INCACHE;
  ra.cache_hit = 0;
}

/** Whoever jumps about is given what he asks for, and nothing is known of him any more. */
function* read_at_random(k: Kernel, inode: inode, ra: file_ra_state, offset: number, nr_to_read: number): Generator<Wait, void, void> {
  ra_off(ra);
  yield* blockable_page_cache_readahead(k, inode, ra, { offset, nr_to_read, block: 1, window: WINDOW_NONE, reason: RA_RANDOM });
}

/** The first pages in a row. Whoever wants more than a whole window will surely want the one behind it too, so that is read at once. */
function* open_window(k: Kernel, inode: inode, ra: file_ra_state, offset: number, wanted: number): Generator<Wait, void, void> {
  const max = get_max_readahead(ra);
  ra.size = get_init_ra_size(Math.min(wanted, max), max);
  ra.start = offset;
  const request: ra_request = { offset, nr_to_read: ra.size, block: 1, window: WINDOW_CURRENT, reason: RA_FIRST };
  const success = yield* blockable_page_cache_readahead(k, inode, ra, request);
  if (success === 1 && wanted >= max) yield* make_ahead_window(k, inode, ra, 1);
}

/** One goes on reading: a window ahead is made where there is none; where the reader has come to it, it is the current one and the next is made. */
function* move_windows(k: Kernel, inode: inode, ra: file_ra_state): Generator<Wait, void, void> {
  if (ra.ahead_start === 0) {
    const success = yield* make_ahead_window(k, inode, ra, 0);
    if (success === 0) {
      stay_in_ahead_window(ra);
      return;
    }
  }
  if (ra.prev_page < ra.ahead_start) return;
  ra.start = ra.ahead_start;
  ra.size = ra.ahead_size;
  yield* make_ahead_window(k, inode, ra, 0);
  stay_in_ahead_window(ra);
}

/** Who asks for more than both windows hold is to ask again behind them. reset_ahead_window keeps the sum that is needed here. */
function stay_in_ahead_window(ra: file_ra_state): void {
  ra.prev_page = Math.min(ra.prev_page, ra.ahead_start + ra.ahead_size - 1);
}

/** Reads the window behind the current one. 1, or 0 where there is none: all was cached, or the queue is congested and nobody needs it yet; `force`
 *  keeps it even so (mm/readahead.c:make_ahead_window). */
export function* make_ahead_window(k: Kernel, inode: inode, ra: file_ra_state, force: 0 | 1): Generator<Wait, number, void> {
  const reason = (ra.flags & RA_FLAG_MISS) !== 0 ? RA_MISSED : RA_AHEAD;
  ra.ahead_size = get_next_ra_size(ra);
  ra.ahead_start = ra.start + ra.size;
  const block = force === 1 || ra.prev_page >= ra.ahead_start ? 1 : 0;
  const request: ra_request = { offset: ra.ahead_start, nr_to_read: ra.ahead_size, block, window: WINDOW_AHEAD, reason };
  const success = yield* blockable_page_cache_readahead(k, inode, ra, request);
  if (success === 0 && force === 0) reset_ahead_window(ra);
  return success;
}

/** No windows: nothing is known of the reader (mm/readahead.c:ra_off). */
export function ra_off(ra: file_ra_state): void {
  ra.start = 0;
  ra.flags = 0;
  ra.size = 0;
  reset_ahead_window(ra);
}

/** No ahead window; ahead_start + ahead_size stays what it was, and ahead_size alone means nothing now (mm/readahead.c:reset_ahead_window). */
function reset_ahead_window(ra: file_ra_state): void {
  ra.ahead_size += ra.ahead_start;
  ra.ahead_start = 0;
}

function get_max_readahead(ra: file_ra_state): number {
  return ra.ra_pages;
}

/** Pages of the first window for somebody who asks for `size` of them (mm/readahead.c:get_init_ra_size; FM-8). */
export function get_init_ra_size(size: number, max: number): number {
  const newsize = roundup_pow_of_two(size);
  if (newsize <= Math.floor(max / 32)) return newsize * 4;
  if (newsize <= Math.floor(max / 4)) return newsize * 2;
  return max;
}

/** Pages of the window behind the current one; a miss since makes it smaller, once (mm/readahead.c:get_next_ra_size; FM-8). */
export function get_next_ra_size(ra: file_ra_state): number {
  const max = get_max_readahead(ra);
  if ((ra.flags & RA_FLAG_MISS) !== 0) {
    ra.flags &= ~RA_FLAG_MISS;
    return Math.min(max, Math.max(ra.size - 2, VM_MIN_READAHEAD / PAGE_SIZE));
  }
  return Math.min(max, ra.size < Math.floor(max / 16) ? 4 * ra.size : 2 * ra.size);
}

function roundup_pow_of_two(n: number): number {
  let power = 1;
  while (power < n) power *= 2;
  return power;
}

// ---- reading ----------------------------------------------------------------------------------------------------------

/** Reads pages for a file's windows. 1, or 0 where readahead is of no use: it was switched off, or this read was left out
 *  (mm/readahead.c:blockable_page_cache_readahead). */
export function* blockable_page_cache_readahead(k: Kernel, inode: inode, ra: file_ra_state, request: ra_request): Generator<Wait, number, void> {
  if (request.block === 0 && is_read_congested(k, inode)) return 0;
  const { offset, nr_to_read } = request;
  trace_mm_readahead(k, inode.ino, offset, nr_to_read, 1 - request.block, request.window, request.reason);
  const actual = yield* __do_page_cache_readahead(k, inode, offset, nr_to_read);
  return check_ra_success(ra, nr_to_read, actual);
}

/** Whether reading ahead is of use still: a file that is in the cache anyway needs none (mm/readahead.c:check_ra_success; FM-8). */
export function check_ra_success(ra: file_ra_state, nr_to_read: number, actual: number): number {
  if (actual > 0) {
    ra.cache_hit = 0;
    return 1;
  }
  ra.cache_hit += nr_to_read;
  if (ra.cache_hit < VM_MAX_CACHE_HIT) return 1;
  ra_off(ra);
  ra.flags |= RA_FLAG_INCACHE;
  return 0;
}

/** Reads around a page that a fault missed, but not where the queue is congested: -1 then, else how many pages had to be read
 *  (mm/readahead.c:do_page_cache_readahead; FM-10, FM-12). */
export function* do_page_cache_readahead(k: Kernel, inode: inode, offset: number, nr_to_read: number): Generator<Wait, number, void> {
  if (is_read_congested(k, inode)) return -1;
  trace_mm_readahead(k, inode.ino, offset, nr_to_read, 1, WINDOW_NONE, RA_FAULT);
  const actual = yield* __do_page_cache_readahead(k, inode, offset, nr_to_read);
  return actual;
}

/** Reads pages because a program gave advice, congested or not, in parts, so that not too many pages wait to be submitted. How many had to be read
 *  (mm/readahead.c:force_page_cache_readahead; FM-10). */
export function* force_page_cache_readahead(k: Kernel, inode: inode, offset: number, nr_to_read: number): Generator<Wait, number, void> {
  trace_mm_readahead(k, inode.ino, offset, nr_to_read, 0, WINDOW_NONE, RA_FORCED);
  let read = 0;
  for (let done = 0; done < nr_to_read; done += FORCED_CHUNK / PAGE_SIZE) {
    const this_chunk = Math.min(FORCED_CHUNK / PAGE_SIZE, nr_to_read - done);
    const actual = yield* __do_page_cache_readahead(k, inode, offset + done, this_chunk);
    read += actual;
  }
  return read;
}

/** Reads what is missing of so many pages, up to the end of the file: all are allocated first, so that their reads come together. How many there
 *  were; fewer where memory is short (mm/readahead.c:__do_page_cache_readahead; FM-10). */
export function* __do_page_cache_readahead(k: Kernel, inode: inode, offset: number, nr_to_read: number): Generator<Wait, number, void> {
  const end = Math.min(offset + nr_to_read, Math.ceil(inode.size / PAGE_SIZE));
  const page_pool: Pfn[] = [];
  for (let index = offset; index < end; index++) {
    if (radix_tree_lookup(inode.page_tree, index) !== NO_PAGE) continue;
    const page = yield* page_cache_alloc_cold(k);
    if (page === NO_PAGE) break;
    set_page_index(k, page, index);
    page_pool.push(page);
  }
  if (page_pool.length > 0) yield* read_pages(k, inode, page_pool);
  return page_pool.length;
}

/** Reads pages that know their index, ascending, and that nobody else knows yet (mm/readahead.c:read_pages). They come onto the inactive list at
 *  once, past the CPU's pagevec; one that somebody else has put there meanwhile is freed (L-4). */
function* read_pages(k: Kernel, inode: inode, page_pool: Pfn[]): Generator<Wait, void, void> {
  yield* a_ops(inode).readpages(k, inode, page_pool);
}

/** No more than half of what the node has free or could give up (mm/readahead.c:max_sane_readahead; FM-10). */
export function max_sane_readahead(k: Kernel, nr: number): number {
  let available = 0;
  for (const zone of k.nodes[numa_node_id(k)]!.node_zones) available += zone.nr_inactive + zone.free_pages;
  return Math.min(nr, Math.floor(available / 2));
}
