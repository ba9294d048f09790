// Dirty inodes and the walks over them (fs/fs-writeback.c; KERNEL.md WB-11).
//
//   super_block.s_dirty   head: dirty last ──────────── tail: dirty first
//            │  list_splice_init, when a walk begins                        ▲ still dirty, locked, or dirtied meanwhile
//            ▼                                                              │
//   super_block.s_io      what this walk, or one before it, still has to write: from the tail on → __writeback_single_inode → clean: on no list
//
// An inode is on one of the two lists of its disk's super block, or clean and on none. I_LOCK is held while it is written; who dirties it then
// leaves its place alone, and the writer puts it where it belongs. Files that live in memory alone are dirty all the time and on no list. Left out:
// the locks of the lists (nothing here can be interrupted), inodes that are being freed (a file with a name stays), disks as files.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import type { super_block } from '../include/fs.ts';
import type { writeback_control } from '../include/writeback.ts';
import { BDI_pdflush, BDI_write_congested } from '../include/blkdev.ts';
import { I_DIRTY, I_DIRTY_DATASYNC, I_DIRTY_PAGES, I_DIRTY_SYNC, I_LOCK } from '../include/fs.ts';
import { NR_FILE_DIRTY, NR_UNSTABLE_NFS } from '../include/mmzone.ts';
import { PAGECACHE_TAG_DIRTY } from '../include/radix-tree.ts';
import { PF_FLUSHER } from '../include/sched.ts';
import { WB_SYNC_ALL, WB_SYNC_HOLD, make_writeback_control } from '../include/writeback.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { cond_resched, current_task, jiffies, schedule } from '../kernel/sched.ts';
import { prepare_to_wait, wake_up } from '../kernel/wait.ts';
import { radix_tree_tagged } from '../lib/radix-tree.ts';
import { filemap_fdatawait, filemap_fdatawrite } from '../mm/filemap_sync.ts';
import { inode_of } from '../mm/mm_struct.ts';
import { do_writepages, mapping_cap_writeback_dirty, nr_inodes_in_use } from '../mm/page-writeback.ts';
import { global_page_state } from '../mm/vmstat.ts';
import { flat_write_inode } from './flat.ts';
import {
  WB_REASON_BACKGROUND, WB_REASON_BALANCE, WB_REASON_LAPTOP, WB_REASON_PERIODIC, WB_REASON_SYNC, trace_writeback_single_inode, trace_writeback_start,
  trace_writeback_written,
} from '../trace/writeback.ts';

/** As many pages as a number holds on i386: all. */
const LONG_MAX = 0x7fffffff;

// ---- marking ----------------------------------------------------------------------------------------------------------

/** Something of an inode has changed: I_DIRTY_… One that was clean becomes the newest of its disk's dirty inodes
 *  (fs/fs-writeback.c:__mark_inode_dirty; WB-13). */
export function __mark_inode_dirty(k: Kernel, inode: inode, flags: number): void {
  if ((inode.i_state & flags) === flags) return;
  if (k.sysctl.block_dump !== 0) dump_dirtied(k, inode);
  const was_dirty = (inode.i_state & I_DIRTY) !== 0;
  inode.i_state |= flags;
  if ((inode.i_state & I_LOCK) !== 0 || inode.i_bdev < 0 || was_dirty) return;
  inode.dirtied_when = jiffies(k);
  move_to_dirty(super_of(k, inode), inode.ino);
}

/** All of it has (include/linux/fs.h). */
export function mark_inode_dirty(k: Kernel, inode: inode): void {
  __mark_inode_dirty(k, inode, I_DIRTY);
}

/** What block_dump asks for: who makes disks turn. */
function dump_dirtied(k: Kernel, inode: inode): void {
  const { comm, pid } = current_task(k);
  const name = inode.path.slice(inode.path.lastIndexOf('/') + 1);
  const device = inode.i_bdev < 0 ? 'rootfs' : k.block.disks[inode.i_bdev]!.disk_name;
  printk(k, `${comm}(${pid}): dirtied inode ${inode.ino} (${name}) on ${device}`);
}

// ---- walks over disks -------------------------------------------------------------------------------------------------

/** Writes dirty inodes as `wbc` says, disk by disk from the newest, until enough pages are written (fs/fs-writeback.c:writeback_inodes; WB-11). */
export function* writeback_inodes(k: Kernel, wbc: writeback_control): Generator<Wait, void, void> {
  const wanted = wbc.nr_to_write;
  trace_walk(k, trace_writeback_start, wbc, wanted);
  for (let id = k.super_blocks.length - 1; id >= 0; id--) {
    const sb = k.super_blocks[id]!;
    if (sb.s_dirty.length > 0 || sb.s_io.length > 0) yield* sync_sb_inodes(k, sb, wbc);
    if (wbc.nr_to_write <= 0) break;
  }
  trace_walk(k, trace_writeback_written, wbc, wanted - wbc.nr_to_write);
}

/** Writes the dirty inodes of one disk, the one that has been dirty longest first. None that turned dirty after the walk began, and where the walk
 *  wants old ones only, none that is younger. What is not reached stays on s_io for the next walk (fs/fs-writeback.c:sync_sb_inodes; WB-11). */
export function* sync_sb_inodes(k: Kernel, sb: super_block, wbc: writeback_control): Generator<Wait, void, void> {
  const start = jiffies(k);
  if (wbc.for_kupdate === 0 || sb.s_io.length === 0) {
    sb.s_io = sb.s_dirty.concat(sb.s_io);
    sb.s_dirty = [];
  }
  while (sb.s_io.length > 0) {
    const inode = inode_of(k, sb.s_io[sb.s_io.length - 1]!);
    if (is_kept_from(k, sb, wbc)) break;
    if (inode.dirtied_when > start || inode.dirtied_when > wbc.older_than_this) break;
    if (current_is_pdflush(k) && !writeback_acquire(k, sb.s_bdev)) break;
    const { pages_skipped } = wbc;
    yield* __writeback_single_inode(k, inode, wbc);
    if (wbc.sync_mode === WB_SYNC_HOLD) {
      inode.dirtied_when = jiffies(k);
      move_to_dirty(sb, inode.ino);
    }
    if (current_is_pdflush(k)) writeback_release(k, sb.s_bdev);
    if (wbc.pages_skipped !== pages_skipped) move_to_dirty(sb, inode.ino);
    yield* cond_resched(k);
    if (wbc.nr_to_write <= 0) break;
  }
}

/** Whether a walk may not write to a disk now: it is not to wait for a busy one, or it is another disk's. */
function is_kept_from(k: Kernel, sb: super_block, wbc: writeback_control): boolean {
  if (wbc.nonblocking !== 0 && (bdi_state(k, sb.s_bdev).state & BDI_write_congested) !== 0) {
    wbc.encountered_congestion = 1;
    return true;
  }
  return wbc.bdi !== -1 && wbc.bdi !== sb.s_bdev;
}

/** Writes the dirty inodes of every disk: first without waiting for any, then, with `wait`, once more until the disks have them
 *  (fs/inode.c and fs/fs-writeback.c:sync_inodes). */
export function* sync_inodes(k: Kernel, wait: 0 | 1): Generator<Wait, void, void> {
  for (let pass = 0; pass <= wait; pass++) {
    for (let id = k.super_blocks.length - 1; id >= 0; id--) yield* sync_inodes_sb(k, k.super_blocks[id]!, pass === 0 ? 0 : 1);
  }
}

/** Writes the dirty inodes of one disk, and with `wait` waits for it; a bound on the pages keeps it from running after those who write meanwhile
 *  (fs/fs-writeback.c:sync_inodes_sb). */
export function* sync_inodes_sb(k: Kernel, sb: super_block, wait: 0 | 1): Generator<Wait, void, void> {
  const nr_dirty = global_page_state(k, NR_FILE_DIRTY) + global_page_state(k, NR_UNSTABLE_NFS);
  const nr_to_write = Math.floor(((2 * nr_dirty + nr_inodes_in_use(k)) * 3) / 2);
  const wbc = make_writeback_control({ sync_mode: wait !== 0 ? WB_SYNC_ALL : WB_SYNC_HOLD, nr_to_write });
  trace_walk(k, trace_writeback_start, wbc, nr_to_write);
  yield* sync_sb_inodes(k, sb, wbc);
  trace_walk(k, trace_writeback_written, wbc, nr_to_write - wbc.nr_to_write);
}

/** Tells of a walk's begin or end. */
function trace_walk(k: Kernel, trace: typeof trace_writeback_start, wbc: writeback_control, nr_pages: number): void {
  const reason = reason_of(k, wbc);
  const for_background = reason === WB_REASON_BACKGROUND ? 1 : 0;
  trace(k, wbc.bdi, nr_pages, wbc.sync_mode, wbc.for_kupdate, wbc.range_cyclic, for_background, reason);
}

/** Why a walk was begun: only wb_kupdate asks for old inodes, only a writer over the limit for one disk, only background_writeout for no busy one. */
function reason_of(k: Kernel, wbc: writeback_control): number {
  if (wbc.for_kupdate !== 0) return WB_REASON_PERIODIC;
  if (wbc.bdi !== -1) return WB_REASON_BALANCE;
  if (wbc.nonblocking !== 0) return WB_REASON_BACKGROUND;
  return current_is_pdflush(k) ? WB_REASON_LAPTOP : WB_REASON_SYNC;
}

// ---- single inodes ----------------------------------------------------------------------------------------------------

/** Writes one inode. One that somebody else is writing is waited for by a walk that must have it on the disk; any other writes pages of it and leaves
 *  the rest to him. 0, or a negative error (fs/fs-writeback.c:__writeback_single_inode; WB-11). */
export function* __writeback_single_inode(k: Kernel, inode: inode, wbc: writeback_control): Generator<Wait, number, void> {
  if (wbc.sync_mode !== WB_SYNC_ALL && (inode.i_state & I_LOCK) !== 0) {
    if (inode.i_bdev >= 0) move_to_dirty(super_of(k, inode), inode.ino);
    const ret = yield* do_writepages(k, inode, wbc);
    return ret;
  }
  yield* wait_on_inode(k, inode);
  const ret = yield* __sync_single_inode(k, inode, wbc);
  return ret;
}

/** Writes an inode's pages, then itself where more than pages is dirty, and waits for its pages where the walk wants it. Then the inode goes where it
 *  belongs. 0, or a negative error (fs/fs-writeback.c:__sync_single_inode; WB-11). */
function* __sync_single_inode(k: Kernel, inode: inode, wbc: writeback_control): Generator<Wait, number, void> {
  if ((inode.i_state & I_LOCK) !== 0) BUG(k, `fs/fs-writeback.c:__sync_single_inode: inode ${inode.ino} is being written already`);
  const dirty = inode.i_state & I_DIRTY;
  const wait = wbc.sync_mode === WB_SYNC_ALL;
  const wanted = wbc.nr_to_write;
  inode.i_state = (inode.i_state | I_LOCK) & ~I_DIRTY;
  let ret = yield* do_writepages(k, inode, wbc);
  if ((dirty & (I_DIRTY_SYNC | I_DIRTY_DATASYNC)) !== 0) {
    const error = yield* write_inode(k, inode, wait ? 1 : 0);
    if (ret === 0) ret = error;
  }
  if (wait) {
    const error = yield* filemap_fdatawait(k, inode);
    if (ret === 0) ret = error;
  }
  inode.i_state &= ~I_LOCK;
  if (inode.i_bdev >= 0) requeue_inode(k, inode, wbc);
  wake_up(k, inode.i_lock_wait);
  const { i_state, dirtied_when, writeback_index } = inode;
  trace_writeback_single_inode(k, inode.ino, i_state, dirtied_when, jiffies(k) - dirtied_when, writeback_index, wanted, wanted - wbc.nr_to_write);
  return ret;
}

/** Puts an inode where it belongs after it was written. With pages left, it is dirty since now, so that others have their turn before it; only the
 *  periodic walk leaves its age alone, and puts it where it comes first (WB-11). */
function requeue_inode(k: Kernel, inode: inode, wbc: writeback_control): void {
  const sb = super_of(k, inode);
  if ((inode.i_state & I_DIRTY) !== 0) {
    move_to_dirty(sb, inode.ino);
    return;
  }
  take_off(sb, inode.ino);
  if (!radix_tree_tagged(inode.page_tree, PAGECACHE_TAG_DIRTY)) return;
  inode.i_state |= I_DIRTY_PAGES;
  if (wbc.for_kupdate !== 0) sb.s_dirty.push(inode.ino);
  else {
    inode.dirtied_when = jiffies(k);
    move_to_dirty(sb, inode.ino);
  }
}

/** The inode itself goes to the disk's directory; files in memory have none (fs/fs-writeback.c:write_inode). */
function* write_inode(k: Kernel, inode: inode, wait: 0 | 1): Generator<Wait, number, void> {
  if (inode.i_bdev < 0) return 0;
  const error = yield* flat_write_inode(k, inode, wait);
  return error;
}

/** Sleeps while somebody writes the inode (include/linux/writeback.h:wait_on_inode). */
export function* wait_on_inode(k: Kernel, inode: inode): Generator<Wait, void, void> {
  while ((inode.i_state & I_LOCK) !== 0) {
    prepare_to_wait(k, inode.i_lock_wait);
    yield* schedule(k, `${inode.path} to be written`);
  }
}

/** Writes an inode with all its pages and waits for them; with `sync` until nobody writes it any more. 0, or a negative error
 *  (fs/fs-writeback.c:write_inode_now). */
export function* write_inode_now(k: Kernel, inode: inode, sync: 0 | 1): Generator<Wait, number, void> {
  const wbc = make_writeback_control({ sync_mode: WB_SYNC_ALL, nr_to_write: mapping_cap_writeback_dirty(inode) ? LONG_MAX : 0 });
  const ret = yield* __writeback_single_inode(k, inode, wbc);
  if (sync !== 0) yield* wait_on_inode(k, inode);
  return ret;
}

/** Writes an inode as `wbc` says: 0, or a negative error (fs/fs-writeback.c:sync_inode). */
export function* sync_inode(k: Kernel, inode: inode, wbc: writeback_control): Generator<Wait, number, void> {
  const ret = yield* __writeback_single_inode(k, inode, wbc);
  return ret;
}

/** What generic_osync_inode is to write: pages, the blocks that say where they lie, the inode (include/linux/fs.h). */
export const OSYNC_METADATA = 1;
export const OSYNC_DATA = 2;
export const OSYNC_INODE = 4;

/** What O_SYNC promises after a write: the file's pages are on the disk, and its inode where it says where they lie. 0, or a negative error
 *  (fs/fs-writeback.c:generic_osync_inode). A flat file has no blocks that only say where others lie (sync_mapping_buffers). */
export function* generic_osync_inode(k: Kernel, inode: inode, what: number): Generator<Wait, number, void> {
  let err = 0;
  if ((what & OSYNC_DATA) !== 0) {
    err = yield* filemap_fdatawrite(k, inode);
    const err2 = yield* filemap_fdatawait(k, inode);
    if (err === 0) err = err2;
  }
  if ((inode.i_state & I_DIRTY) === 0 || ((what & OSYNC_INODE) === 0 && (inode.i_state & I_DIRTY_DATASYNC) === 0)) {
    yield* wait_on_inode(k, inode);
    return err;
  }
  const err2 = yield* write_inode_now(k, inode, 1);
  return err === 0 ? err2 : err;
}

// ---- lists ------------------------------------------------------------------------------------------------------------

/** The super block of an inode on a disk. @nohooks */
function super_of(k: Kernel, inode: inode): super_block {
  return k.super_blocks[inode.i_bdev]!;
}

/** Puts an inode at the head of the dirty ones, wherever it was (list_move to s_dirty). */
function move_to_dirty(sb: super_block, ino: number): void {
  take_off(sb, ino);
  sb.s_dirty = [ino].concat(sb.s_dirty);
}

function take_off(sb: super_block, ino: number): void {
  sb.s_dirty = sb.s_dirty.filter((other) => other !== ino);
  sb.s_io = sb.s_io.filter((other) => other !== ino);
}

// ---- one pdflush a disk -----------------------------------------------------------------------------------------------

/** Whether the running task is a pdflush thread (current_is_pdflush). */
export function current_is_pdflush(k: Kernel): boolean {
  return (current_task(k).flags & PF_FLUSHER) !== 0;
}

/** Takes a disk for the running pdflush thread; false where another one writes to it (fs/fs-writeback.c:writeback_acquire). */
function writeback_acquire(k: Kernel, disk: number): boolean {
  const bdi = bdi_state(k, disk);
  if ((bdi.state & BDI_pdflush) !== 0) return false;
  bdi.state |= BDI_pdflush;
  return true;
}

/** Whether a pdflush thread writes to a disk (fs/fs-writeback.c:writeback_in_progress). */
export function writeback_in_progress(k: Kernel, disk: number): boolean {
  return disk >= 0 && (bdi_state(k, disk).state & BDI_pdflush) !== 0;
}

function writeback_release(k: Kernel, disk: number): void {
  if (!writeback_in_progress(k, disk)) BUG(k, 'fs/fs-writeback.c:writeback_release: no pdflush writes to this disk');
  bdi_state(k, disk).state &= ~BDI_pdflush;
}

/** @nohooks */
function bdi_state(k: Kernel, disk: number): { state: number } {
  return k.block.disks[disk]!.queue.backing_dev_info;
}
