// A machine with disks and files for tests of file systems, and what its page cache holds in a mini-notation:
//
//   0:Ub 1:UDb(d) 2:LW(w) 3:E
//
// A page by its index and its flags: Locked, Uptodate, Dirty, Writeback, Error, b with a buffer; then what the buffer says where asked for; then
// marks of the tree: (d) dirty, (w) under write-back. Bios are words of block-notation.ts: R8+4, W8.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { RunEnd } from '../../engine/machine.ts';
import type { writeback_control } from '../../engine/include/writeback.ts';
import type { extent } from '../../engine/include/fs.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { PG_dirty, PG_error, PG_locked, PG_private, PG_uptodate, PG_writeback } from '../../engine/include/page-flags.ts';
import { PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK } from '../../engine/include/radix-tree.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, phys } from '../../engine/include/types.ts';
import { WB_SYNC_ALL, make_writeback_control } from '../../engine/include/writeback.ts';
import { check_block } from '../../engine/block/check_block.ts';
import { a_ops } from '../../engine/fs/a_ops.ts';
import { radix_tree_gang_lookup, radix_tree_tag_get } from '../../engine/lib/radix-tree.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { fill_phys, read_phys_bytes } from '../../engine/mm/contents.ts';
import { find_get_page, find_or_create_page } from '../../engine/mm/filemap.ts';
import { set_page_index, test_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of } from '../../engine/mm/mm_struct.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { set_page_dirty } from '../../engine/mm/page-writeback.ts';
import { lock_page, unlock_page, wait_on_page_locked, wait_on_page_writeback } from '../../engine/mm/page_wait.ts';
import { lru_add_drain, page_cache_release } from '../../engine/mm/swap.ts';
import { invalidate_mapping_pages } from '../../engine/mm/truncate.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { testDisk } from './block-notation.ts';
import { machineWith } from './tasks.ts';

export type Step<T> = Generator<Wait, T, void>;

export const KiB = 1024;

/** Files by path and size, on the first disk. */
export function filesOf(sizes: Readonly<Record<string, number>>, disk = 'sda'): MachineConfig['files'] {
  return Object.entries(sizes).map(([path, size]) => ({ path, size, disk }));
}

/** Runs tasks on a machine with one disk, with every law checked whenever another one is chosen; all must end. */
export function onDisk(config: Partial<MachineConfig>, ...tasks: ((k: Kernel) => Step<void>)[]): { k: Kernel; end: RunEnd } {
  const bodies = tasks.map((run, i) => ({ name: `task${i}`, run }));
  const machine = machineWith(bodies, { disks: [testDisk()], ...config });
  resize_ring(machine.k, 1 << 16);
  set_tracing(machine.k, 1);
  machine.hooks = { boundary: ({ k }) => assert.deepEqual([...check_machine(k), ...check_block(k)], []) };
  const end = run_machine(machine);
  assert.deepEqual(end, { reason: 'ended', message: '', waiting: [] });
  return { k: machine.k, end };
}

export function inodeAt(k: Kernel, path: string): inode {
  return inode_of(k, k.dcache.get(path) ?? assert.fail(`no file ${path}`));
}

// ---- doing ------------------------------------------------------------------------------------------------------------

/** What write() does with one page: bytes `from` … `to` become `byte`. 0 or a negative error. */
export function* put(k: Kernel, file: inode, index: number, { from = 0, to = PAGE_SIZE, byte = 7 } = {}): Step<number> {
  const page = yield* find_or_create_page(k, file, index, GFP_HIGHUSER);
  assert.notEqual(page, NO_PAGE);
  let error = yield* a_ops(file).prepare_write(k, file, page, from, to);
  if (error === 0) {
    fill_phys(k, phys(pfn_to_phys(page) + from), to - from, byte);
    error = yield* a_ops(file).commit_write(k, file, page, from, to);
  }
  unlock_page(k, page);
  page_cache_release(k, page);
  return error;
}

/** Begins to read pages as readahead does, without waiting for them. */
export function* readAhead(k: Kernel, file: inode, indices: readonly number[]): Step<void> {
  const pages: Pfn[] = [];
  for (const index of indices) {
    const page = yield* alloc_page(k, GFP_HIGHUSER);
    set_page_index(k, page, index);
    pages.push(page);
  }
  yield* a_ops(file).readpages(k, file, pages);
}

/** Reads one page with readpage where it is not up to date, and waits for it: its bytes, or null where it cannot be read. */
export function* get(k: Kernel, file: inode, index: number): Step<Uint8Array | null> {
  const page = yield* find_or_create_page(k, file, index, GFP_HIGHUSER);
  if (test_page_flag(k, page, PG_uptodate)) unlock_page(k, page);
  else yield* a_ops(file).readpage(k, file, page);
  yield* awaitRead(k, page);
  const bytes = test_page_flag(k, page, PG_uptodate) ? read_phys_bytes(k, pfn_to_phys(page), PAGE_SIZE) : null;
  page_cache_release(k, page);
  return bytes;
}

/** Waits for a page that is being read, having let its disk begin. */
function* awaitRead(k: Kernel, page: Pfn): Step<void> {
  yield* wait_on_page_locked(k, page);
}

/** Waits until all pages of a file are read and written. */
export function* settle(k: Kernel, file: inode): Step<void> {
  const pages = radix_tree_gang_lookup(file.page_tree, 0, Infinity).map(({ page }) => page);
  for (const page of pages) {
    yield* wait_on_page_locked(k, page);
    yield* wait_on_page_writeback(k, page);
  }
}

/** A store through a shared mapping, as it is found when the mapping goes: the page is dirty, and nobody asked for a block. */
export function* mappedStore(k: Kernel, file: inode, index: number, { from = 0, to = PAGE_SIZE, byte = 9 } = {}): Step<void> {
  yield* get(k, file, index);
  const page = find_get_page(k, file, index);
  yield* lock_page(k, page);
  fill_phys(k, phys(pfn_to_phys(page) + from), to - from, byte);
  set_page_dirty(k, page);
  unlock_page(k, page);
  page_cache_release(k, page);
}

/** Writes dirty pages as a walk that waits, or as it is said to; does not wait for the disk. */
export function* write(k: Kernel, file: inode, wanted: Partial<writeback_control> = {}): Step<{ error: number; wbc: writeback_control }> {
  const wbc = make_writeback_control({ sync_mode: WB_SYNC_ALL, nr_to_write: Infinity, ...wanted });
  const error = yield* a_ops(file).writepages(k, file, wbc);
  return { error, wbc };
}

/** Drops the clean pages of a file from the cache: how many. */
export function drop(k: Kernel, file: inode): number {
  lru_add_drain(k);
  return invalidate_mapping_pages(k, file, 0, Infinity);
}

// ---- looking ----------------------------------------------------------------------------------------------------------

/** The cache of a file in the notation above; with `bh` what the buffers say: m mapped, u up to date, d dirty, l locked, n new. */
export function cache(k: Kernel, file: inode, bh: 'plain' | 'bh' = 'plain'): string {
  return radix_tree_gang_lookup(file.page_tree, 0, Infinity).map(({ index, page }) => {
    const flags = FLAGS.map(([letter, bit]) => (test_page_flag(k, page, bit) ? letter : '')).join('');
    const tags = TAGS.map(([letter, tag]) => (radix_tree_tag_get(file.page_tree, index, tag) ? letter : '')).join('');
    return `${index}:${flags}${bh === 'bh' ? buffer(k, page) : ''}${tags === '' ? '' : `(${tags})`}`;
  }).join(' ');
}

const FLAGS = [['L', PG_locked], ['U', PG_uptodate], ['D', PG_dirty], ['W', PG_writeback], ['E', PG_error], ['b', PG_private]] as const;
const TAGS = [['d', PAGECACHE_TAG_DIRTY], ['w', PAGECACHE_TAG_WRITEBACK]] as const;
const BUFFER_FLAGS = [['m', 0x10], ['u', 0x1], ['d', 0x2], ['l', 0x4], ['n', 0x20]] as const;

function buffer(k: Kernel, page: Pfn): string {
  const bh = k.buffer_heads.find((one) => one !== null && one.b_page === page) ?? null;
  return bh === null ? '' : `[${BUFFER_FLAGS.map(([letter, bit]) => ((bh.b_state & bit) !== 0 ? letter : '')).join('')}]`;
}

/** Bios in the order they were given to disks. */
export function bios(k: Kernel): string {
  return trace_records(k).filter(({ name }) => name === 'block_bio_queue').map(({ args }) => {
    const nr = args['nr_sector']! / 8;
    return `${args['rw'] === 1 ? 'W' : 'R'}${args['sector']! / 8}${nr === 1 ? '' : `+${nr}`}`;
  }).join(' ');
}

/** `0-7:100 9:300`: pages and the first of their blocks. */
export function extents(of: { extents: readonly extent[] }): string {
  return of.extents.map(({ index, nr, block }) => `${nr === 1 ? index : `${index}-${index + nr - 1}`}:${block}`).join(' ');
}

/** Free blocks of a disk: `16-9999`. */
export function free(k: Kernel, disk = 0): string {
  return k.super_blocks[disk]!.free.map(({ start, nr }) => (nr === 1 ? `${start}` : `${start}-${start + nr - 1}`)).join(' ');
}

/** Bytes as runs: `7x100 0x3996`. */
export function byteRuns(bytes: Uint8Array | null): string {
  if (bytes === null) return 'unreadable';
  const runs: [number, number][] = [];
  for (const byte of bytes) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === byte) last[1]++;
    else runs.push([byte, 1]);
  }
  return runs.map(([byte, count]) => `${byte}x${count}`).join(' ');
}
