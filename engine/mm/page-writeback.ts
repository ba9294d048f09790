// Dirty pages (mm/page-writeback.c; KERNEL.md WB-1 … WB-9, WB-13): the marks themselves, how many pages may be dirty, who is made to write when there
// are more, and what writes in the background.
//
//   available memory
//   0 ────────────── background, 10 % ─────────────────── dirty limit, 40 % ─────────
//     a page turns dirty,     pdflush writes (background_writeout)     the writer writes itself, 1.5 * ratelimit_pages
//     nobody writes           until this is reached again              at a time (balance_dirty_pages)
//
// And at any time: every 5 s pdflush writes what has been dirty for 30 s (wb_kupdate).
// Left out: NFS's unstable pages (NR_UNSTABLE_NFS is always 0), the super block's own blocks (sync_supers: a flat file system has none), CPUs that
// come and go.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import type { Writeback, writeback_control } from '../include/writeback.ts';
import { WRITE } from '../include/bio.ts';
import { I_DIRTY_PAGES } from '../include/fs.ts';
import { GFP_HIGHUSER, GFP_USER, GFP_ZONEMASK } from '../include/gfp.ts';
import { NR_ANON_PAGES, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_UNSTABLE_NFS, NR_WRITEBACK } from '../include/mmzone.ts';
import { PG_dirty, PG_writeback } from '../include/page-flags.ts';
import { PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK } from '../include/radix-tree.ts';
import { PF_LESS_THROTTLE } from '../include/sched.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { make_writeback_control } from '../include/writeback.ts';
import { blk_congestion_wait } from '../block/request_list.ts';
import { a_ops } from '../fs/a_ops.ts';
import { __mark_inode_dirty, writeback_in_progress, writeback_inodes } from '../fs/fs-writeback.ts';
import { current_task, jiffies } from '../kernel/sched.ts';
import { del_kernel_timer, jiffies_to_ns, mod_timer } from '../kernel/timer.ts';
import { radix_tree_tag_clear, radix_tree_tag_set } from '../lib/radix-tree.ts';
import { clear_page_flag, page_index, set_page_flag, test_page_flag } from './mem_map.ts';
import { page_mapping } from './mm_struct.ts';
import { zone_of, zonelist_of } from './mmzone.ts';
import { lock_page, unlock_page } from './page_wait.ts';
import { pdflush_operation } from './pdflush.ts';
import { numa_node_id } from './topology.ts';
import { dec_zone_page_state, global_page_state, inc_zone_page_state } from './vmstat.ts';
import {
  trace_balance_dirty_pages, trace_dirty_limits, trace_global_dirty_state, trace_page_writeback_begin, trace_writeback_dirty_page,
} from '../trace/writeback.ts';

/** Pages that one walk of pdflush is to write: inodes take turns (WB-1). */
export const MAX_WRITEBACK_PAGES = 1024;
/** While somebody is over the limit, writers look at it every so many pages (WB-4). */
const RATELIMIT_WHEN_EXCEEDED = 8;
/** Bounds of the pages between two looks: 16, and 4 MiB (WB-4). */
const MIN_RATELIMIT_PAGES = 16;
const MAX_RATELIMIT_BYTES = 4 << 20;
/** Per cent of memory that may be dirty however little is unmapped (WB-3). */
const MIN_DIRTY_RATIO = 5;
/** In the place of a disk's id, where a file lives in memory alone: no walk finds anything to write there. -1 would mean all disks. */
const BDI_MEMORY = -2;

/** What may be dirty, and why: per cent of memory, pages. */
export interface dirty_limit_terms {
  unmapped_ratio: number;
  dirty_ratio: number;
  background_ratio: number;
  available: number;
  background: number;
  dirty: number;
}

// ---- marks ------------------------------------------------------------------------------------------------------------

/** Marks a page dirty, as its file's kind wants it: 1 where it was clean (mm/page-writeback.c:set_page_dirty; WB-13). */
export function set_page_dirty(k: Kernel, page: Pfn): number {
  const mapping = page_mapping(k, page);
  if (mapping !== null) return a_ops(mapping).set_page_dirty(k, page);
  return TestSetPageDirty(k, page) ? 0 : 1;
}

/** The same for who does not hold the page's lock, so that truncation cannot come between (mm/page-writeback.c:set_page_dirty_lock). */
export function* set_page_dirty_lock(k: Kernel, page: Pfn): Generator<Wait, number, void> {
  yield* lock_page(k, page);
  const ret = set_page_dirty(k, page);
  unlock_page(k, page);
  return ret;
}

/** The mark, the count where the page has a disk to go to, the tag in the tree, and the inode's own mark; 1 where the page was clean
 *  (mm/page-writeback.c:__set_page_dirty_nobuffers; WB-13). */
export function __set_page_dirty_nobuffers(k: Kernel, page: Pfn): number {
  if (TestSetPageDirty(k, page)) return 0;
  const mapping = page_mapping(k, page);
  if (mapping === null) return 1;
  if (mapping_cap_account_dirty(mapping)) inc_zone_page_state(k, page, NR_FILE_DIRTY);
  const index = page_index(k, page);
  radix_tree_tag_set(mapping.page_tree, index, PAGECACHE_TAG_DIRTY);
  trace_writeback_dirty_page(k, mapping.ino, index);
  __mark_inode_dirty(k, mapping, I_DIRTY_PAGES);
  return 1;
}

/** A page that could not be written now is dirty again, and the walk is told (mm/page-writeback.c:redirty_page_for_writepage). */
export function redirty_page_for_writepage(k: Kernel, wbc: writeback_control, page: Pfn): number {
  wbc.pages_skipped++;
  return __set_page_dirty_nobuffers(k, page);
}

/** Marks a page clean that is given up, tag and all; 1 where it was dirty (mm/page-writeback.c:test_clear_page_dirty). */
export function test_clear_page_dirty(k: Kernel, page: Pfn): number {
  if (!TestClearPageDirty(k, page)) return 0;
  const mapping = page_mapping(k, page);
  if (mapping === null) return 1;
  radix_tree_tag_clear(mapping.page_tree, page_index(k, page), PAGECACHE_TAG_DIRTY);
  if (mapping_cap_account_dirty(mapping)) dec_zone_page_state(k, page, NR_FILE_DIRTY);
  return 1;
}

/** Marks a page clean that is about to be written; 1 where it was dirty. Its tag stays until set_page_writeback, so that a walk of sync still sees it
 *  (mm/page-writeback.c:clear_page_dirty_for_io; WB-13). */
export function clear_page_dirty_for_io(k: Kernel, page: Pfn): number {
  if (!TestClearPageDirty(k, page)) return 0;
  const mapping = page_mapping(k, page);
  if (mapping !== null && mapping_cap_account_dirty(mapping)) dec_zone_page_state(k, page, NR_FILE_DIRTY);
  return 1;
}

/** A page goes to its disk (include/linux/page-flags.h:set_page_writeback). */
export function set_page_writeback(k: Kernel, page: Pfn): void {
  test_set_page_writeback(k, page);
}

/** The mark, the count and the tag of a page on its way to the disk; the tag of dirt goes where nobody has dirtied it again. 1 where it was on its
 *  way already (mm/page-writeback.c:test_set_page_writeback; WB-13). */
export function test_set_page_writeback(k: Kernel, page: Pfn): number {
  const was_set = test_page_flag(k, page, PG_writeback);
  const mapping = page_mapping(k, page);
  if (!was_set) {
    set_page_flag(k, page, PG_writeback);
    inc_zone_page_state(k, page, NR_WRITEBACK);
  }
  if (mapping !== null) {
    const index = page_index(k, page);
    if (!was_set) radix_tree_tag_set(mapping.page_tree, index, PAGECACHE_TAG_WRITEBACK);
    if (!test_page_flag(k, page, PG_dirty)) radix_tree_tag_clear(mapping.page_tree, index, PAGECACHE_TAG_DIRTY);
    if (!was_set) trace_page_writeback_begin(k, page, mapping.ino, index);
  }
  return was_set ? 1 : 0;
}

/** The disk has a page, or has failed; 1 where it was on its way (mm/page-writeback.c:test_clear_page_writeback). */
export function test_clear_page_writeback(k: Kernel, page: Pfn): number {
  if (!test_page_flag(k, page, PG_writeback)) return 0;
  clear_page_flag(k, page, PG_writeback);
  dec_zone_page_state(k, page, NR_WRITEBACK);
  const mapping = page_mapping(k, page);
  if (mapping !== null) radix_tree_tag_clear(mapping.page_tree, page_index(k, page), PAGECACHE_TAG_WRITEBACK);
  return 1;
}

/** Whether the dirty pages of a file are counted, because they have a disk to go to (mapping_cap_account_dirty). Those of files that live in memory
 *  alone are dirty all the time (BDI_CAP_NO_ACCT_DIRTY): nobody counts, writes or drops them. @nohooks */
export function mapping_cap_account_dirty(inode: inode): boolean {
  return inode.i_bdev >= 0;
}

/** The same disks are those that dirty pages can be written to (mapping_cap_writeback_dirty). @nohooks */
export function mapping_cap_writeback_dirty(inode: inode): boolean {
  return inode.i_bdev >= 0;
}

function TestSetPageDirty(k: Kernel, page: Pfn): boolean {
  if (test_page_flag(k, page, PG_dirty)) return true;
  set_page_flag(k, page, PG_dirty);
  return false;
}

function TestClearPageDirty(k: Kernel, page: Pfn): boolean {
  if (!test_page_flag(k, page, PG_dirty)) return false;
  clear_page_flag(k, page, PG_dirty);
  return true;
}

// ---- limits -----------------------------------------------------------------------------------------------------------

/** How many pages may be dirty before pdflush writes, and before the writer does (mm/page-writeback.c:get_dirty_limits; WB-3). `mapping` is the
 *  file that is written to, or null; where its pages may only lie in low memory, high memory does not count. Who writes for others, or may not be
 *  late, has a quarter more. */
export function get_dirty_limits(k: Kernel, mapping: inode | null): { background: number; dirty: number } {
  const { unmapped_ratio, dirty_ratio, background_ratio, available, background, dirty } = dirty_limits(k, mapping);
  const task = current_task(k);
  const is_boosted = (task.flags & PF_LESS_THROTTLE) !== 0 || task.rt !== 0;
  const limits = { background: background + boost(is_boosted, background), dirty: dirty + boost(is_boosted, dirty) };
  trace_dirty_limits(k, unmapped_ratio, dirty_ratio, background_ratio, available, limits.background, limits.dirty);
  trace_global_dirty_state(k, global_page_state(k, NR_FILE_DIRTY), global_page_state(k, NR_WRITEBACK), limits.background, limits.dirty);
  return limits;
}

function boost(is_boosted: boolean, limit: number): number {
  return is_boosted ? Math.floor(limit / 4) : 0;
}

/** The limits in pages for a plain task, and what they come from, in per cent and pages; it only looks (WB-3). @nohooks */
export function dirty_limits(k: Kernel, mapping: inode | null): dirty_limit_terms {
  const { total_pages } = k.writeback;
  const available = mapping !== null && !may_use_highmem(mapping) ? total_pages - k.totalhigh_pages : total_pages;
  const mapped = global_page_state(k, NR_FILE_MAPPED) + global_page_state(k, NR_ANON_PAGES);
  const unmapped_ratio = 100 - Math.floor((mapped * 100) / total_pages);
  const dirty_ratio = Math.max(MIN_DIRTY_RATIO, Math.min(k.sysctl.vm_dirty_ratio, Math.trunc(unmapped_ratio / 2)));
  const wanted = k.sysctl.dirty_background_ratio;
  const background_ratio = wanted >= dirty_ratio ? Math.floor(dirty_ratio / 2) : wanted;
  const background = Math.floor((background_ratio * available) / 100);
  const dirty = Math.floor((dirty_ratio * available) / 100);
  return { unmapped_ratio, dirty_ratio, background_ratio, available, background, dirty };
}

/** Every kind of file there is takes its pages from anywhere (mapping_gfp_mask: GFP_HIGHUSER). A disk as a file, and directories, would not.
 *  @nohooks */
function may_use_highmem(_mapping: inode): boolean {
  return true;
}

/** Pages that are dirty, and could be written (nr_dirty + nr_unstable). */
function nr_reclaimable(k: Kernel): number {
  return global_page_state(k, NR_FILE_DIRTY) + global_page_state(k, NR_UNSTABLE_NFS);
}

// ---- writers ----------------------------------------------------------------------------------------------------------

/** A task has dirtied a page: every ratelimit_pages of them it looks at the limits (mm/page-writeback.c; WB-4). */
export function* balance_dirty_pages_ratelimited(k: Kernel, mapping: inode): Generator<Wait, void, void> {
  yield* balance_dirty_pages_ratelimited_nr(k, mapping, 1);
}

/** The same for several pages. They are counted by CPU, whoever dirties them (mm/page-writeback.c; WB-4). */
export function* balance_dirty_pages_ratelimited_nr(k: Kernel, mapping: inode, nr_pages_dirtied: number): Generator<Wait, void, void> {
  const { writeback } = k;
  const ratelimit = writeback.dirty_exceeded !== 0 ? RATELIMIT_WHEN_EXCEEDED : writeback.ratelimit_pages;
  const count = writeback.ratelimits[k.cpu]! + nr_pages_dirtied;
  writeback.ratelimits[k.cpu] = count >= ratelimit ? 0 : count;
  if (count >= ratelimit) yield* balance_dirty_pages(k, mapping, count);
}

/** The writer itself writes while too much is dirty, 1.5 * ratelimit_pages at most, and waits for the disk where it could not write that many;
 *  pdflush is asked for help past the lower limit (mm/page-writeback.c:balance_dirty_pages; WB-5). `dirtied`, for the event: pages since the last
 *  look. */
export function* balance_dirty_pages(k: Kernel, mapping: inode, dirtied: number): Generator<Wait, void, void> {
  const bdi = bdi_of(mapping);
  const write_chunk = sync_writeback_pages(k);
  let pages_written = 0;
  let limits = look_at_limits(k, mapping);
  trace_balance_dirty_pages(k, bdi, limits.dirty, limits.now, dirtied, 0);
  while (limits.is_over) {
    k.writeback.dirty_exceeded = 1;
    if (nr_reclaimable(k) > 0) {
      const wbc = make_writeback_control({ bdi, nr_to_write: write_chunk, range_cyclic: 1 });
      yield* writeback_inodes(k, wbc);
      limits = look_at_limits(k, mapping);
      pages_written += write_chunk - wbc.nr_to_write;
      if (!limits.is_over || pages_written >= write_chunk) break;
    }
    const began = k.now;
    yield* blk_congestion_wait(k, WRITE, tenth_of_a_second(k));
    limits = look_at_limits(k, mapping);
    trace_balance_dirty_pages(k, bdi, limits.dirty, limits.now, 0, Math.round((k.now - began) / 1e6));
  }
  if (!limits.is_over) k.writeback.dirty_exceeded = 0;
  ask_for_background(k, bdi, pages_written, limits.background);
}

/** Reads the limits; pages that are dirty or on their way to a disk now, and whether these are more than may be. */
function look_at_limits(k: Kernel, mapping: inode): { background: number; dirty: number; now: number; is_over: boolean } {
  const { background, dirty } = get_dirty_limits(k, mapping);
  const now = nr_reclaimable(k) + global_page_state(k, NR_WRITEBACK);
  return { background, dirty, now, is_over: now > dirty };
}

/** The disk that a file's pages go to (mapping->backing_dev_info). */
function bdi_of(mapping: inode): number {
  return mapping.i_bdev >= 0 ? mapping.i_bdev : BDI_MEMORY;
}

/** Wakes pdflush past the lower limit, unless it is at this disk's work already; in laptop mode only once the writer itself had to write, and then
 *  all the way down (WB-5). */
function ask_for_background(k: Kernel, bdi: number, pages_written: number, background: number): void {
  if (writeback_in_progress(k, bdi)) return;
  const is_due = k.sysctl.laptop_mode !== 0 ? pages_written > 0 : nr_reclaimable(k) > background;
  if (is_due) pdflush_operation(k, 'background_writeout', 0);
}

/** Pages that a writer over the limit writes: more than it may dirty before it looks again, so that it gets ahead (sync_writeback_pages; WB-5). */
function sync_writeback_pages(k: Kernel): number {
  return k.writeback.ratelimit_pages + Math.floor(k.writeback.ratelimit_pages / 2);
}

/** Who reclaims waits here while more than the limit and a tenth is on its way to the disks (mm/page-writeback.c:throttle_vm_writeout; WB-9). */
export function* throttle_vm_writeout(k: Kernel): Generator<Wait, void, void> {
  for (;;) {
    const { dirty } = get_dirty_limits(k, null);
    const under_way = global_page_state(k, NR_UNSTABLE_NFS) + global_page_state(k, NR_WRITEBACK);
    if (under_way <= dirty + Math.floor(dirty / 10)) return;
    yield* blk_congestion_wait(k, WRITE, tenth_of_a_second(k));
  }
}

/** In jiffies (HZ/10). */
function tenth_of_a_second(k: Kernel): number {
  return Math.floor(k.platform.hz / 10);
}

// ---- in the background ------------------------------------------------------------------------------------------------

/** Writes until less than the lower limit is dirty and `min_pages` have been written, or nothing more can be done; what pdflush is asked for
 *  (mm/page-writeback.c:background_writeout; WB-6). */
export function* background_writeout(k: Kernel, min_pages: number): Generator<Wait, void, void> {
  let to_write = min_pages;
  for (;;) {
    const { background } = get_dirty_limits(k, null);
    if (nr_reclaimable(k) < background && to_write <= 0) return;
    const wbc = make_writeback_control({ nr_to_write: MAX_WRITEBACK_PAGES, nonblocking: 1, range_cyclic: 1 });
    yield* writeback_inodes(k, wbc);
    to_write -= MAX_WRITEBACK_PAGES - wbc.nr_to_write;
    if (wbc.nr_to_write > 0 || wbc.pages_skipped > 0) {
      yield* blk_congestion_wait(k, WRITE, tenth_of_a_second(k));
      if (wbc.encountered_congestion === 0) return;
    }
  }
}

/** Asks pdflush to write so many pages, 0: all that are dirty. 0, or -1 where none of its threads is free (mm/page-writeback.c:wakeup_pdflush;
 *  WB-7). */
export function wakeup_pdflush(k: Kernel, nr_pages: number): 0 | -1 {
  return pdflush_operation(k, 'background_writeout', nr_pages === 0 ? nr_reclaimable(k) : nr_pages);
}

/** Writes what has been dirty for dirty_expire_centisecs, 1024 pages at a time, and sets the timer for the next time, a second from now at least
 *  (mm/page-writeback.c:wb_kupdate; WB-8). */
export function* wb_kupdate(k: Kernel): Generator<Wait, void, void> {
  const start = jiffies(k);
  const older_than_this = start - centisecs_to_jiffies(k, k.sysctl.dirty_expire_centisecs);
  let nr_to_write = nr_reclaimable(k) + nr_inodes_in_use(k);
  while (nr_to_write > 0) {
    const wbc = make_writeback_control({ nr_to_write: MAX_WRITEBACK_PAGES, older_than_this, nonblocking: 1, for_kupdate: 1, range_cyclic: 1 });
    yield* writeback_inodes(k, wbc);
    if (wbc.nr_to_write > 0) {
      if (wbc.encountered_congestion === 0) break;
      yield* blk_congestion_wait(k, WRITE, tenth_of_a_second(k));
    }
    nr_to_write -= MAX_WRITEBACK_PAGES - wbc.nr_to_write;
  }
  const interval = writeback_interval(k);
  const next = Math.max(start + interval, jiffies(k) + k.platform.hz);
  if (interval !== 0) mod_timer(k, 'wb_timer', jiffies_to_ns(k, next));
}

/** Inodes that are not merely remembered (inodes_stat.nr_inodes - nr_unused): all, for the name of each holds it. */
export function nr_inodes_in_use(k: Kernel): number {
  return k.inodes.reduce((sum, inode) => sum + (inode === null ? 0 : 1), 0);
}

/** It is time for wb_kupdate; with no thread free it is tried again in a second (mm/page-writeback.c:wb_timer_fn; WB-8). */
export function wb_timer_fn(k: Kernel): void {
  if (pdflush_operation(k, 'wb_kupdate', 0) < 0) mod_timer(k, 'wb_timer', jiffies_to_ns(k, jiffies(k) + k.platform.hz));
}

/** dirty_writeback_centisecs was written: the timer begins anew, or stops (mm/page-writeback.c:dirty_writeback_centisecs_handler). */
export function dirty_writeback_centisecs_handler(k: Kernel): void {
  const interval = writeback_interval(k);
  if (interval !== 0) mod_timer(k, 'wb_timer', jiffies_to_ns(k, jiffies(k) + interval));
  else del_kernel_timer(k, 'wb_timer');
}

/** Jiffies between two runs of wb_kupdate; 0: there are none. */
function writeback_interval(k: Kernel): number {
  return centisecs_to_jiffies(k, k.sysctl.dirty_writeback_centisecs);
}

function centisecs_to_jiffies(k: Kernel, centisecs: number): number {
  return Math.floor((centisecs * k.platform.hz) / 100);
}

// ---- laptop mode ------------------------------------------------------------------------------------------------------

/** The disk turns anyway: a while after its last request everything is written, so that it may rest (mm/page-writeback.c:laptop_io_completion). */
export function laptop_io_completion(k: Kernel): void {
  mod_timer(k, 'laptop_mode_wb_timer', jiffies_to_ns(k, jiffies(k) + k.sysctl.laptop_mode * k.platform.hz));
}

/** All was written: nothing need be done (mm/page-writeback.c:laptop_sync_completion). */
export function laptop_sync_completion(k: Kernel): void {
  del_kernel_timer(k, 'laptop_mode_wb_timer');
}

/** It is time to write everything (mm/page-writeback.c:laptop_timer_fn). */
export function laptop_timer_fn(k: Kernel): void {
  pdflush_operation(k, 'laptop_flush', 0);
}

// ---- single files -----------------------------------------------------------------------------------------------------

/** Writes dirty pages of a file as its kind does it: 0, or a negative error (mm/page-writeback.c:do_writepages). */
export function* do_writepages(k: Kernel, mapping: inode, wbc: writeback_control): Generator<Wait, number, void> {
  if (wbc.nr_to_write <= 0) return 0;
  wbc.for_writepages = 1;
  const ops = a_ops(mapping);
  const ret = yield* ops.writepages(k, mapping, wbc);
  wbc.for_writepages = 0;
  return ret;
}

// ---- boot -------------------------------------------------------------------------------------------------------------

/** State as it is before page_writeback_init. @nohooks */
export function make_writeback(nr_cpus: number): Writeback {
  return {
    total_pages: 0, ratelimit_pages: 32, dirty_exceeded: 0, ratelimits: Array<number>(nr_cpus).fill(0),
    pdflush: { threads: [], pdflush_list: [], last_empty_jifs: 0, nr_pdflush_threads: 0 },
  };
}

/** Measures memory, lowers the limits where most of it is high memory, and starts the timer (mm/page-writeback.c:page_writeback_init; WB-2). The boot
 *  calls it before zones have marks, so all that is present counts. */
export function page_writeback_init(k: Kernel): void {
  const buffer_pages = nr_free_zone_pages(k, GFP_USER);
  k.writeback.total_pages = nr_free_zone_pages(k, GFP_HIGHUSER);
  const correction = Math.floor((100 * 4 * buffer_pages) / k.writeback.total_pages);
  if (correction < 100) {
    const corrected = (ratio: number): number => Math.max(1, Math.floor((ratio * correction) / 100));
    k.sysctl.dirty_background_ratio = corrected(k.sysctl.dirty_background_ratio);
    k.sysctl.vm_dirty_ratio = corrected(k.sysctl.vm_dirty_ratio);
  }
  mod_timer(k, 'wb_timer', jiffies_to_ns(k, jiffies(k) + writeback_interval(k)));
  writeback_set_ratelimit(k);
}

/** How many pages a task may dirty before it looks at the limits (set_ratelimit; WB-4). */
export function writeback_set_ratelimit(k: Kernel): void {
  const wanted = Math.max(MIN_RATELIMIT_PAGES, Math.floor(k.writeback.total_pages / (k.platform.nr_cpus * 32)));
  k.writeback.ratelimit_pages = Math.min(wanted, MAX_RATELIMIT_BYTES / PAGE_SIZE);
}

/** Pages above the high mark in all zones that may serve a mask (mm/page_alloc.c:nr_free_zone_pages). */
function nr_free_zone_pages(k: Kernel, gfp_mask: number): number {
  const { zones } = zonelist_of(k, numa_node_id(k), gfp_mask & GFP_ZONEMASK);
  return zones.map((ref) => zone_of(k, ref)).reduce((sum, zone) => sum + Math.max(0, zone.present_pages - zone.pages_high), 0);
}
