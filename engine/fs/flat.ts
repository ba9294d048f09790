// The flat file system: files of a disk as extents of blocks of 4 KiB. It stands where ext2 would, and keeps of it what the page cache asks for:
// which block of the disk holds a page of a file, and a block for one that has none yet.
//
//   inode.extents        index 0 … 7 → blocks 100 … 107, index 9 → block 300          page 8 is a hole: it reads as zeroes
//   super_block.free     blocks nobody has, as runs
//   super_block.freed_by blocks that a file gave up, by its number: the disk's directory still says they are the file's, so nobody else gets them
//   super_block.directory  what is found on the disk: a file's path, size and extents as flat_write_inode last put them there
//
// The directory and the lists of blocks lie outside the page cache and take neither time nor I/O; so Buffers is 0. A power cut loses what only memory
// has: it leaves the platter and the directory (power_cut_image). As on ext2 a file's size and blocks may be on the disk before its data is.
//
// Left out: directories, links, owners, modes and times; deleting files; ext2's groups, indirect blocks and preallocation.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { DiskConfig } from '../include/blkdev.ts';
import type { block_run, disk_inode, extent, super_block } from '../include/fs.ts';
import type { inode } from '../include/mm_types.ts';
import { EEXIST, ENOSPC, EROFS } from '../include/errno.ts';
import { I_DIRTY } from '../include/fs.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { disk_of } from '../block/genhd.ts';
import { add_pristine, platter_image, read_platter_bytes } from '../block/platter.ts';
import { new_inode } from '../mm/mm_struct.ts';
import { BUG } from '../kernel/panic.ts';
import { block_truncate_page } from './buffer.ts';
import { __mark_inode_dirty, mark_inode_dirty } from './fs-writeback.ts';

/** Where a page of a file lies: its block, or -1 for a hole; `is_new` 1 where it was given the block just now; 0, or -ENOSPC. */
export interface mapped_block {
  block: number;
  is_new: 0 | 1;
  error: number;
}

/** The file system of a disk that holds no file yet. @nohooks */
export function make_super_block(disk: DiskConfig, id: number): super_block {
  return { s_bdev: id, s_dirty: [], s_io: [], directory: new Map(), free: [{ start: 0, nr: disk.blocks }], freed_by: new Map() };
}

/** A file that the description of the machine declares: in the first free blocks that follow each other, and on the platter as nobody has written it
 *  yet. `size` is in bytes. config_problems has seen that it fits. @nohooks */
export function flat_add_file(k: Kernel, path: string, size: number, disk_id: number): inode {
  const made = flat_new_inode(k, path, size, disk_id);
  const sb = k.super_blocks[disk_id]!;
  const nr = Math.ceil(size / PAGE_SIZE);
  if (nr > 0) {
    const run = sb.free.find((free) => free.nr >= nr);
    if (run === undefined) BUG(k, `fs/flat.ts:flat_add_file: ${path} does not fit on ${disk_of(k, disk_id).disk_name}`);
    const { start } = run;
    made.extents = [{ index: 0, nr, block: start }];
    sb.free = without_run(sb.free, { start, nr });
    add_pristine(k, disk_of(k, disk_id), { kind: 'file', start, nr, path, index: 0, size });
  }
  sb.directory.set(path, disk_inode_of(made));
  return made;
}

/** A new, empty file. -EROFS where the machine has no disk for it, -EEXIST where the name is taken. The disk knows of it when the inode is
 *  written. */
export function* flat_create(k: Kernel, path: string): Generator<Wait, inode | number, void> {
  if (k.dcache.has(path)) return -EEXIST;
  if (k.super_blocks.length === 0) return -EROFS;
  const made = flat_new_inode(k, path, 0, disk_for(k, path));
  __mark_inode_dirty(k, made, I_DIRTY);
  return made;
}

/** Where a page of a file lies (ext2_get_block). With `create` a page without a block is given one, as near behind the page before it as there is. */
export function flat_get_block(k: Kernel, inode: inode, index: number, create: 0 | 1): mapped_block {
  const found = block_at(inode.extents, index);
  if (found >= 0 || create === 0) return { block: found, is_new: 0, error: 0 };
  const block = flat_new_block(k, inode, index);
  if (block < 0) return { block: -1, is_new: 0, error: -ENOSPC };
  inode.extents = with_block(inode.extents, index, block);
  mark_inode_dirty(k, inode);
  return { block, is_new: 1, error: 0 };
}

/** A file has become shorter, or longer, and inode.size says so: what its last page holds behind the end becomes zeroes, on the disk too, and blocks
 *  behind it are given up (ext2_truncate). */
export function* flat_truncate(k: Kernel, inode: inode): Generator<Wait, void, void> {
  yield* block_truncate_page(k, inode, inode.size);
  const end = Math.ceil(inode.size / PAGE_SIZE);
  const freed = runs_from(inode.extents, end);
  if (freed.length > 0) {
    const { freed_by } = k.super_blocks[inode.i_bdev]!;
    freed_by.set(inode.ino, (freed_by.get(inode.ino) ?? []).concat(freed));
    inode.extents = extents_before(inode.extents, end);
  }
  mark_inode_dirty(k, inode);
}

/** Writes a file's size and blocks to the disk's directory: 0 (ext2_write_inode). No I/O: there is nothing to wait for. */
export function* flat_write_inode(k: Kernel, inode: inode, _wait: number): Generator<Wait, number, void> {
  flat_update_inode(k, inode);
  return 0;
}

/** The directory says what the inode says; blocks that it gave up are free. */
function flat_update_inode(k: Kernel, inode: inode): void {
  const sb = k.super_blocks[inode.i_bdev]!;
  sb.directory.set(inode.path, disk_inode_of(inode));
  const freed = sb.freed_by.get(inode.ino) ?? [];
  sb.freed_by.delete(inode.ino);
  for (const run of freed) sb.free = with_run(sb.free, run);
}

// ---- files ------------------------------------------------------------------------------------------------------------

/** An inode with a name and a disk. @nohooks */
function flat_new_inode(k: Kernel, path: string, size: number, disk_id: number): inode {
  const made = new_inode(k, path, 'file', size);
  const disk = disk_of(k, disk_id);
  made.major = disk.major;
  made.minor = disk.first_minor;
  made.i_bdev = disk_id;
  made.extents = [];
  k.dcache.set(path, made.ino);
  return made;
}

/** The disk of a new file: that of the file whose directory it shares the longest way with, the first declared of several; else the first disk. */
function disk_for(k: Kernel, path: string): number {
  let best = { disk: 0, shared: 0 };
  for (const ino of k.dcache.values()) {
    const other = k.inodes[ino]!;
    if (other.i_bdev < 0) continue;
    const shared = shared_directories(path, other.path);
    if (shared > best.shared) best = { disk: other.i_bdev, shared };
  }
  return best.disk;
}

/** How many directories two paths have in common, from the root on. @nohooks */
function shared_directories(a: string, b: string): number {
  const [first, second] = [a.split('/').slice(1, -1), b.split('/').slice(1, -1)];
  const differs = first.findIndex((name, i) => name !== second[i]);
  return differs < 0 ? first.length : differs;
}

/** @nohooks */
function disk_inode_of({ path, size, extents }: inode): disk_inode {
  return { path, size, extents: extents.map((extent) => ({ ...extent })) };
}

// ---- blocks -----------------------------------------------------------------------------------------------------------

/** A block for a page of a file, taken from the free ones; -1 where the disk is full. Where only blocks are left that files gave up, those files'
 *  inodes are written first, so that no two files ever share a block on the disk. */
function flat_new_block(k: Kernel, inode: inode, index: number): number {
  const sb = k.super_blocks[inode.i_bdev]!;
  if (sb.free.length === 0) for (const ino of [...sb.freed_by.keys()]) flat_update_inode(k, k.inodes[ino]!);
  if (sb.free.length === 0) return -1;
  const block = block_near(sb.free, goal_of(sb, inode, index));
  sb.free = without_run(sb.free, { start: block, nr: 1 });
  return block;
}

/** Where a page would best lie: behind the page before it; the first page of a file where most blocks are free in a row (ext2_find_goal). */
function goal_of(sb: super_block, inode: inode, index: number): number {
  const before = inode.extents[extent_place(inode.extents, index) - 1];
  if (before !== undefined) return before.block + before.nr;
  return sb.free.reduce((largest, run) => (run.nr > largest.nr ? run : largest)).start;
}

/** The first free block from a goal on; from the disk's beginning where there is none. */
function block_near(free: readonly block_run[], goal: number): number {
  const run = free.find(({ start, nr }) => start + nr > goal) ?? free[0]!;
  return run.start <= goal && goal < run.start + run.nr ? goal : run.start;
}

/** Free blocks without a run that lies in one of them. @nohooks */
function without_run(free: readonly block_run[], taken: block_run): block_run[] {
  const end = taken.start + taken.nr;
  return free.flatMap((run) => {
    if (end <= run.start || run.start + run.nr <= taken.start) return [run];
    const pieces = [{ start: run.start, nr: taken.start - run.start }, { start: end, nr: run.start + run.nr - end }];
    return pieces.filter(({ nr }) => nr > 0);
  });
}

/** Free blocks with one run more, ascending, neighbours joined. @nohooks */
function with_run(free: readonly block_run[], freed: block_run): block_run[] {
  const joined: block_run[] = [];
  for (const { start, nr } of [...free, freed].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && last.start + last.nr === start) last.nr += nr;
    else joined.push({ start, nr });
  }
  return joined;
}

// ---- extents ----------------------------------------------------------------------------------------------------------

/** The first extent that ends behind a page: its place, or the number of extents. @nohooks */
function extent_place(extents: readonly extent[], index: number): number {
  let [low, high] = [0, extents.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (extents[middle]!.index + extents[middle]!.nr <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The block of a page, or -1. @nohooks */
function block_at(extents: readonly extent[], index: number): number {
  const extent = extents[extent_place(extents, index)];
  return extent !== undefined && extent.index <= index ? extent.block + index - extent.index : -1;
}

/** Extents with a block for one page more, joined with its neighbours where their blocks follow each other. @nohooks */
function with_block(extents: readonly extent[], index: number, block: number): extent[] {
  const place = extent_place(extents, index);
  const joined = [extents[place - 1], { index, nr: 1, block }, extents[place]].reduce<extent[]>(with_extent, []);
  return extents.slice(0, Math.max(0, place - 1)).concat(joined, extents.slice(place + 1));
}

/** Extents with one more behind them, joined with the last where it goes on there; what is missing adds nothing. @nohooks */
function with_extent(extents: extent[], next: extent | undefined): extent[] {
  const last = extents.at(-1);
  if (next === undefined) return extents;
  if (last === undefined || last.index + last.nr !== next.index || last.block + last.nr !== next.block) return [...extents, next];
  return [...extents.slice(0, -1), { ...last, nr: last.nr + next.nr }];
}

/** Blocks of the pages from one on. @nohooks */
function runs_from(extents: readonly extent[], index: number): block_run[] {
  return extents.filter((extent) => extent.index + extent.nr > index).map((extent) => {
    const skip = Math.max(0, index - extent.index);
    return { start: extent.block + skip, nr: extent.nr - skip };
  });
}

/** Extents of the pages before one. @nohooks */
function extents_before(extents: readonly extent[], index: number): extent[] {
  return extents.filter((extent) => extent.index < index).map((extent) => ({ ...extent, nr: Math.min(extent.nr, index - extent.index) }));
}

// ---- after a power cut ------------------------------------------------------------------------------------------------

/** A file as it is found when the power comes back. */
export interface file_image {
  path: string;
  size: number;
  /** Its bytes from an offset on, fewer where the file ends before. */
  bytes(offset: number, length: number): Uint8Array;
}

/** Every file as the disks have it now, were the power cut: for tests. What only lies in memory or in a queue is not in it. @nohooks */
export function power_cut_image(k: Kernel): file_image[] {
  return k.super_blocks.flatMap(({ s_bdev, directory }) => {
    const platter = platter_image(k, s_bdev);
    return [...directory.values()].map((found): file_image => ({
      path: found.path, size: found.size,
      bytes: (offset, length) => disk_bytes(found, offset, length, (block) => read_platter_bytes(platter, block)),
    }));
  });
}

/** @nohooks */
function disk_bytes({ size, extents }: disk_inode, offset: number, length: number, block_bytes: (block: number) => Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
  for (let done = 0; done < bytes.length;) {
    const at = (offset + done) % PAGE_SIZE;
    const part = Math.min(PAGE_SIZE - at, bytes.length - done);
    const block = block_at(extents, Math.floor((offset + done) / PAGE_SIZE));
    if (block >= 0) bytes.set(block_bytes(block).subarray(at, at + part), done);
    done += part;
  }
  return bytes;
}
