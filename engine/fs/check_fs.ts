// @nohooks
// The laws of files on disks: buffers and their pages, lists of dirty inodes, and who has which block (KERNEL.md IV-10, WB-11, WB-13). Looking
// changes nothing.

import type { Kernel } from '../kernel.ts';
import type { buffer_head } from '../include/buffer_head.ts';
import type { block_run, extent, super_block } from '../include/fs.ts';
import type { inode } from '../include/mm_types.ts';
import type { Pfn } from '../include/types.ts';
import { SECTORS_PER_BLOCK } from '../include/bio.ts';
import { BH_Async_Read, BH_Async_Write, BH_Dirty, BH_Mapped } from '../include/buffer_head.ts';
import { I_DIRTY, I_DIRTY_PAGES, I_LOCK } from '../include/fs.ts';
import { PG_dirty, PG_locked, PG_private, PG_writeback } from '../include/page-flags.ts';
import { objects_in_use } from '../lib/check_radix_tree.ts';
import { radix_tree_gang_lookup } from '../lib/radix-tree.ts';
import { bios_in_flight, cached_pages } from '../mm/check_page_cache.ts';
import { page_index, page_private, test_page_flag } from '../mm/mem_map.ts';
import { check_files } from './check_files.ts';

/** Every law that does not hold, in words. */
export function check_fs(k: Kernel): string[] {
  const broken = check_files(k);
  const cached = cached_pages(k);
  check_buffers(k, cached, broken);
  check_targets(k, cached, broken);
  for (const sb of k.super_blocks) {
    check_dirty_lists(k, sb, broken);
    check_blocks(k, sb, broken);
  }
  return broken;
}

function files_of(k: Kernel, sb: super_block): inode[] {
  return k.inodes.filter((inode) => inode !== null && inode.kind === 'file' && inode.i_bdev === sb.s_bdev) as inode[];
}

// ---- buffers ----------------------------------------------------------------------------------------------------------

/** A page and its buffer name each other, the buffer names the block that the file has there, and what is dirty of one is of the other. */
function check_buffers(k: Kernel, cached: ReadonlyMap<Pfn, inode>, broken: string[]): void {
  let there = 0;
  for (const bh of k.buffer_heads) {
    if (bh === null) continue;
    there++;
    check_buffer(k, bh, cached.get(bh.b_page), broken);
  }
  for (const [page, inode] of cached) {
    if (!test_page_flag(k, page, PG_private)) continue;
    const bh = k.buffer_heads[page_private(k, page)] ?? null;
    if (bh === null || bh.b_page !== page) broken.push(`PG_private: ${inode.path}: page ${page_index(k, page)} (frame ${page}) names buffer ${page_private(k, page)}, which is not its own`);
  }
  const used = objects_in_use(k, 'buffer_head');
  if (used !== there) broken.push(`IV-13: ${used} objects of buffer_head are in use, there are ${there} buffers`);
}

function check_buffer(k: Kernel, bh: buffer_head, inode: inode | undefined, broken: string[]): void {
  const name = `PG_private: buffer ${bh.id} of page ${bh.b_page}`;
  if (!test_page_flag(k, bh.b_page, PG_private) || page_private(k, bh.b_page) !== bh.id) broken.push(`${name}: the page does not know it`);
  if (inode === undefined) return;
  const block = block_at(inode.extents, page_index(k, bh.b_page));
  if ((bh.b_state & BH_Mapped) !== 0 && (bh.b_bdev !== inode.i_bdev || bh.b_blocknr !== block)) {
    broken.push(`${name}: it names block ${bh.b_blocknr} of disk ${bh.b_bdev}, the file has ${block} of ${inode.i_bdev}`);
  }
  check_buffer_state(k, bh, name, broken);
}

function check_buffer_state(k: Kernel, { b_state, b_page }: buffer_head, name: string, broken: string[]): void {
  const is_locked = test_page_flag(k, b_page, PG_locked);
  const [is_dirty, page_is_dirty] = [(b_state & BH_Dirty) !== 0, test_page_flag(k, b_page, PG_dirty)];
  if (is_dirty !== page_is_dirty && !is_locked) broken.push(`${name}: it is ${is_dirty ? 'dirty' : 'clean'} and its page is not`);
  if ((b_state & BH_Async_Write) !== 0 && !test_page_flag(k, b_page, PG_writeback)) broken.push(`${name}: it is being written and its page is not under write-back`);
  if ((b_state & BH_Async_Read) !== 0 && !is_locked) broken.push(`${name}: it is being read and its page is not locked`);
}

/** The block of a page of a file, or -1 for a hole. */
function block_at(extents: readonly extent[], index: number): number {
  const found = extents.find((extent) => extent.index <= index && index < extent.index + extent.nr);
  return found === undefined ? -1 : found.block + index - found.index;
}

/** What is on its way between the disk and a cached page goes to or comes from the block that the file has there. */
function check_targets(k: Kernel, cached: ReadonlyMap<Pfn, inode>, broken: string[]): void {
  for (const bio of bios_in_flight(k)) {
    if (!['read_page', 'write_page', 'buffer_read', 'buffer_write'].includes(bio.bi_end_io)) continue;
    for (const [i, page] of bio.bi_io_vec.entries()) {
      const inode = cached.get(page);
      const block = bio.bi_sector / SECTORS_PER_BLOCK + i;
      const name = `a bio ${bio.bi_end_io} of block ${block} of disk ${bio.bi_bdev}`;
      if (inode === undefined) broken.push(`I/O: ${name} has page ${page}, which is in no cache`);
      else if (inode.i_bdev !== bio.bi_bdev || block_at(inode.extents, page_index(k, page)) !== block) {
        broken.push(`I/O: ${name} has page ${page_index(k, page)} of ${inode.path}, which belongs elsewhere`);
      }
    }
  }
}

// ---- dirty inodes -----------------------------------------------------------------------------------------------------

/** WB-11: an inode is on one list of its disk while it is dirty, and it is dirty while a page of it is. One that is being written may be on a list or
 *  not: who writes it puts it where it belongs. A clean one may be on one, too: sync leaves it there so as to come back and wait for its pages. */
function check_dirty_lists(k: Kernel, sb: super_block, broken: string[]): void {
  const name = `WB-11: disk ${sb.s_bdev}`;
  const listed = new Map<number, number>();
  for (const ino of [...sb.s_dirty, ...sb.s_io]) listed.set(ino, (listed.get(ino) ?? 0) + 1);
  const files = files_of(k, sb);
  for (const inode of files) {
    const times = listed.get(inode.ino) ?? 0;
    const is_free = (inode.i_state & I_LOCK) !== 0;
    const is_dirty = (inode.i_state & I_DIRTY) !== 0;
    if (times > 1 || is_dirty && !is_free && times === 0) broken.push(`${name}: ${inode.path} of state ${inode.i_state} is ${times} times on lists of dirty inodes`);
    const pages = radix_tree_gang_lookup(inode.page_tree, 0, Infinity).filter(({ page }) => test_page_flag(k, page, PG_dirty));
    if (pages.length > 0 && !is_free && (inode.i_state & I_DIRTY_PAGES) === 0) broken.push(`${name}: ${inode.path} has ${pages.length} dirty pages and does not say so`);
  }
  for (const ino of listed.keys()) if (!files.some((inode) => inode.ino === ino)) broken.push(`${name}: inode ${ino} is on a list and none of its files`);
}

// ---- blocks -----------------------------------------------------------------------------------------------------------

/** Each block of a disk belongs to one file, is free, or is kept back until the file that gave it up was written; what the directory says lies in
 *  blocks that are the file's own, or were: so that no power cut shows a file another's bytes. */
function check_blocks(k: Kernel, sb: super_block, broken: string[]): void {
  const disk = k.block.disks[sb.s_bdev]!;
  const owner = new Map<number, string>();
  const claim = ({ start, nr }: block_run, name: string): void => {
    for (let block = start; block < start + nr; block++) {
      const other = owner.get(block);
      if (other !== undefined) broken.push(`blocks: ${disk.disk_name}: block ${block} belongs to ${other} and to ${name}`);
      if (block < 0 || block >= disk.capacity) broken.push(`blocks: ${disk.disk_name}: ${name} has block ${block} of ${disk.capacity}`);
      owner.set(block, name);
    }
  };
  for (const inode of files_of(k, sb)) {
    check_extents(inode, broken);
    for (const { block, nr } of inode.extents) claim({ start: block, nr }, inode.path);
  }
  for (const [ino, runs] of sb.freed_by) for (const run of runs) claim(run, k.inodes[ino]?.path ?? `inode ${ino}`);
  check_directory(sb, owner, broken);
  const free = sb.free.reduce((sum, { nr }) => sum + nr, 0);
  for (const { start, nr } of sb.free) if (has_owner(owner, start, nr)) broken.push(`blocks: ${disk.disk_name}: of the free blocks ${start}+${nr} a file has one`);
  if (owner.size + free !== disk.capacity) broken.push(`blocks: ${disk.disk_name}: files have ${owner.size} of ${disk.capacity} blocks, ${free} are free`);
}

/** Whether any block of a run has an owner. A run of free blocks may be nearly all of a disk, so the owners are looked through. */
function has_owner(owner: ReadonlyMap<number, string>, start: number, nr: number): boolean {
  for (const block of owner.keys()) if (block >= start && block < start + nr) return true;
  return false;
}

/** A file's extents ascend, none overlaps another. */
function check_extents(inode: inode, broken: string[]): void {
  let end = 0;
  for (const { index, nr } of inode.extents) {
    if (index < end || nr <= 0) broken.push(`blocks: ${inode.path}: an extent of ${nr} pages from ${index}, the one before it ends at ${end}`);
    end = index + nr;
  }
}

function check_directory(sb: super_block, owner: ReadonlyMap<number, string>, broken: string[]): void {
  for (const { path, extents } of sb.directory.values()) {
    for (const { block, nr } of extents) {
      for (let i = 0; i < nr; i++) {
        const name = owner.get(block + i);
        if (name !== path) broken.push(`blocks: the directory says block ${block + i} is of ${path}, it is ${name === undefined ? 'free' : `of ${name}`}`);
      }
    }
  }
}
