// The state lint sees what no correct run does to files and their pages (KERNEL.md IV-5, IV-8, IV-10, IV-16, WB-11, WB-13, FM-1): every law is broken
// once, by hand.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Coroutine } from '../../engine/kernel/sched.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { BH_Async_Write, BH_Dirty, BH_Uptodate } from '../../engine/include/buffer_head.ts';
import { POSIX_FADV_DONTNEED, POSIX_FADV_RANDOM } from '../../engine/include/fadvise.ts';
import { I_DIRTY_PAGES, O_CREAT, O_RDWR } from '../../engine/include/fs.ts';
import { NR_FILE_DIRTY, NR_FILE_PAGES, NR_WRITEBACK } from '../../engine/include/mmzone.ts';
import { PG_active, PG_dirty, PG_locked, PG_lru, PG_private, PG_uptodate, PG_writeback } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { sys_fsync } from '../../engine/fs/sync.ts';
import { radix_tree_delete, radix_tree_lookup, radix_tree_tag_clear, radix_tree_tag_set } from '../../engine/lib/radix-tree.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine, check_machine_at_rest } from '../../engine/mm/check.ts';
import { sys_fadvise64_64, sys_readahead } from '../../engine/mm/fadvise.ts';
import {
  clear_page_flag, get_page, inc_page_mapcount, page_private, page_zone, set_page_count, set_page_flag, set_page_index, set_page_private,
} from '../../engine/mm/mem_map.ts';
import { user_read, user_write } from '../../engine/user/iobuf.ts';
import { MS, testDisk } from './block-notation.ts';
import { machineWith } from './tasks.ts';
import { user } from './processes.ts';
import { MiB } from './notation.ts';

/** Files as a process has left them: of /d/read pages 0 … 2 were read, and pages 8 and 9 are being read; of /d/written pages 0 and 1 are dirty, with
 *  buffers; of /d/flying page 0 is on its way to the disk; /d/new has one dirty page, and is not in the disk's directory yet. */
interface State {
  k: Kernel;
  file: Record<'read' | 'written' | 'flying' | 'new', inode>;
  page(name: keyof State['file'], index: number): Pfn;
}

function* leaveFiles(k: Kernel): Coroutine {
  const buf = virt(0);
  const read = yield* sys_open(k, '/d/read', O_RDWR);
  const written = yield* sys_open(k, '/d/written', O_RDWR);
  const flying = yield* sys_open(k, '/d/flying', O_RDWR);
  const made = yield* sys_open(k, '/d/new', O_CREAT | O_RDWR);
  yield* sys_fadvise64_64(k, read, 0, 0, POSIX_FADV_RANDOM);
  yield* user_read(k, { fd: read, buf, n: 3 * PAGE_SIZE, pos: 0, byte: 0 });
  yield* user_write(k, { fd: written, buf, n: 2 * PAGE_SIZE, pos: 0, byte: 1 });
  yield* sys_fsync(k, written);
  yield* user_write(k, { fd: written, buf, n: 2 * PAGE_SIZE, pos: 0, byte: 2 });
  yield* user_write(k, { fd: made, buf, n: 10, pos: 0, byte: 3 });
  yield* user_write(k, { fd: flying, buf, n: PAGE_SIZE, pos: 0, byte: 4 });
  yield* sys_fadvise64_64(k, flying, 0, 0, POSIX_FADV_DONTNEED);
  yield* sys_readahead(k, read, 8 * PAGE_SIZE, 2 * PAGE_SIZE);
  yield* schedule_timeout(k, 1, NAP);
}

const NAP = 'a nap';

function sound(): State {
  const files = ['read', 'written', 'flying'].map((name) => ({ path: `/d/${name}`, size: 12 * PAGE_SIZE, disk: 'sda' }));
  const machine = machineWith([user('p', leaveFiles)], { memory: 16 * MiB, disks: [testDisk({ seek: 1000 * MS })], files });
  machine.hooks = { boundary: ({ k: { tasks } }) => assert.notEqual(tasks[1]!.waits_for, NAP) };
  assert.throws(() => run_machine(machine), assert.AssertionError);
  const { k } = machine;
  assert.deepEqual(check_machine(k), []);
  assert.deepEqual(check_machine_at_rest(k), []);
  const inodeAt = (path: string): inode => k.inodes[k.dcache.get(path)!]!;
  const file = { read: inodeAt('/d/read'), written: inodeAt('/d/written'), flying: inodeAt('/d/flying'), new: inodeAt('/d/new') };
  return { k, file, page: (name, index) => radix_tree_lookup(file[name].page_tree, index) };
}

const count = ({ k, page }: State, item: number, delta: number): void => {
  page_zone(k, page('read', 0)).vm_stat[item]! += delta;
};
const zoneOf = ({ k, page }: State): string => page_zone(k, page('read', 0)).name;

const [DIRTY, WRITEBACK] = [0, 1];

/** A name, what spoils the state, and what the lint says then. */
type Breach = [string, (state: State) => void, (state: State) => string[]];

const BREACHES: Record<string, readonly Breach[]> = {
  'IV-8: files and their pages': [
    ['a wrong nrpages', ({ file }) => void file.read.nrpages++, () => ['IV-8: /d/read: nrpages is 6, its tree holds 5']],
    ['a wrong NR_FILE_PAGES', (state) => count(state, NR_FILE_PAGES, 3), (state) => [`IV-8: ${zoneOf(state)}: NR_FILE_PAGES is 12, there are 9 pages in caches`]],
    ['a page that does not know its place', ({ k, page }) => set_page_index(k, page('read', 1), 7), ({ page, file }) => [
      `IV-8: /d/read: page ${page('read', 1)} is its page 1, but says it is page 7 of mapping ${file.read.ino * 2}`]],
    ['a page that says it is in a tree that has it not', ({ k, file, page }) => {
      const lost = page('read', 1);
      radix_tree_delete(k, file.read.page_tree, 1);
      file.read.nrpages--;
      set_page_count(k, lost, 1);
      count({ k, page: () => lost } as unknown as State, NR_FILE_PAGES, -1);
    }, ({ k, file }) => [`IV-8: page ${lostPage(k)} says it is page 1 of mapping ${file.read.ino * 2}, whose tree has it not`]],
    ['a tree that is too high', ({ file: { read } }) => {
      const { rnode, tags } = read.page_tree;
      const nodes = [rnode, ...Array<null>(63).fill(null)];
      read.page_tree = { height: 2, tags, direct: NO_PAGE, rnode: { address: virt(16), count: 1, nodes, slots: [], tags: [[0, 0], [0, 0]] } };
    }, ({ k }) => ['IV-8: /d/read: the tree has height 2, its last page 9 needs 1', nodesBroken(k, 1)]],
    ['a node that counts wrongly', ({ file }) => void file.read.page_tree.rnode!.count++, () => [
      'IV-8: /d/read: a node of level 1 counts 6 slots, 5 are in use']],
    ['a tree whose mark is missing', ({ file }) => { file.written.page_tree.tags = 0; }, () => ['IV-8: /d/written: mark 0 of the tree is missing']],
    ['a mark of a page that is not there', ({ file }) => { file.read.page_tree.rnode!.tags[DIRTY]![1] = 1; }, () => [
      'IV-8: /d/read: mark 0 of slot 32 in a node of level 1 is set', 'IV-8: /d/read: mark 0 of the tree is missing']],
    ['nodes that share their memory', ({ k, file }) => { file.read.page_tree.rnode!.address = k.radix_tree_preloads[0]!.nodes[0]!; }, () => [
      'IV-8: two nodes of trees have the same memory']],
    ['a node that is lost', ({ k }) => void k.radix_tree_preloads[0]!.nodes.pop(), ({ k }) => [nodesBroken(k, -1, 1)]],
  ],
  'IV-10: dirty pages': [
    ['a dirty page without its mark', ({ file }) => radix_tree_tag_clear(file.written.page_tree, 1, DIRTY), ({ page }) => [
      `IV-10: /d/written: page 1 (frame ${page('written', 1)}) is dirty without its mark`]],
    ['a mark of a page that is clean', ({ file }) => radix_tree_tag_set(file.read.page_tree, 2, DIRTY), ({ page }) => [
      `IV-10: /d/read: page 2 (frame ${page('read', 2)}) has the mark of a dirty page and is clean`]],
    ['a wrong NR_FILE_DIRTY', (state) => count(state, NR_FILE_DIRTY, -1), (state) => [
      `IV-10: ${zoneOf(state)}: NR_FILE_DIRTY is 2, there are 3 dirty pages of files on disks`]],
    ['a wrong NR_WRITEBACK', (state) => count(state, NR_WRITEBACK, 1), (state) => [
      `IV-10: ${zoneOf(state)}: NR_WRITEBACK is 2, there are 1 pages under write-back`]],
    ['a page under write-back without its mark', ({ file }) => radix_tree_tag_clear(file.flying.page_tree, 0, WRITEBACK), ({ page }) => [
      `IV-10: /d/flying: page 0 (frame ${page('flying', 0)}): PG_writeback is 1, its mark is not`]],
    ['a dirty page that is not up to date', ({ k, page }) => {
      clear_page_flag(k, page('written', 0), PG_uptodate);
      k.buffer_heads[page_private(k, page('written', 0))]!.b_state &= ~BH_Uptodate;
    }, ({ page }) => [
      `FM-5: /d/written: page 0 (frame ${page('written', 0)}) is dirty and not up to date`]],
    ['a page that is mapped before it was read', ({ k, page }) => {
      clear_page_flag(k, page('read', 0), PG_uptodate);
      inc_page_mapcount(k, page('read', 0));
    }, ({ page }) => [
      `IV-6: page ${page('read', 0)}: its mapcount is 1, 0 entries name it`,
      `FM-12: /d/read: page 0 (frame ${page('read', 0)}) is mapped and not up to date`]],
    ['a dirty page that its inode forgets', ({ file }) => { file.written.i_state &= ~I_DIRTY_PAGES; }, () => [
      'WB-11: disk 0: /d/written has 2 dirty pages and does not say so']],
  ],
  'IV-16: pages and I/O': [
    ['a page that nobody has locked', ({ k, page }) => set_page_flag(k, page('read', 0), PG_locked), ({ page }) => [
      `IV-16: page ${page('read', 0)} is locked, nobody is at work, and no I/O is under way for it`]],
    ['a page that nobody writes', (state) => {
      set_page_flag(state.k, state.page('read', 0), PG_writeback);
      radix_tree_tag_set(state.file.read.page_tree, 0, WRITEBACK);
      count(state, NR_WRITEBACK, 1);
    }, ({ page }) => [`IV-16: page ${page('read', 0)} is under write-back, nobody is at work, and no I/O is under way for it`]],
    ['a page that is read into unlocked', ({ k, page }) => clear_page_flag(k, page('read', 8), PG_locked), ({ page }) => [
      `IV-16: page ${page('read', 8)} of a bio read_page is not locked`]],
    ['a page that is read into and up to date', ({ k, page }) => set_page_flag(k, page('read', 9), PG_uptodate), ({ page }) => [
      `IV-16: page ${page('read', 9)} of a bio read_page is up to date already`]],
    ['a page that goes to another block', ({ file, k }) => {
      file.flying.extents[0]!.block += 100;
      k.buffer_heads[page_private(k, radix_tree_lookup(file.flying.page_tree, 0))]!.b_blocknr += 100;
    }, () => [
      'I/O: a bio write_page of block 24 of disk 0 has page 0 of /d/flying, which belongs elsewhere',
      'blocks: the directory says block 24 is of /d/flying, it is free', ...Array.from({ length: 11 }, (_, i) => (
        `blocks: the directory says block ${25 + i} is of /d/flying, it is free`)),
      'blocks: sda: of the free blocks 37+9963 a file has one']],
  ],
  'IV-5: LRU lists and pagevecs': [
    ['a page that says it is on a list', ({ k }) => set_page_flag(k, k.zero_page, PG_lru), (state) => [
      `IV-5: ${zoneOf(state)}: ${onLists(state) + 1} pages say they are on its lists, which have ${onLists(state)}`]],
    ['a page of a file on no list', (state) => {
      const { k, page } = state;
      clear_page_flag(k, page('read', 0), PG_lru);
    }, (state) => [
      `IV-5: ${zoneOf(state)} inactive list: page ${state.page('read', 0)} does not belong there`,
      `IV-5: /d/read: page 0 (frame ${state.page('read', 0)}) is on no LRU list and on the way to none`,
      `IV-5: ${zoneOf(state)}: ${onLists(state) - 1} pages say they are on its lists, which have ${onLists(state)}`]],
    ['a pagevec that is full', ({ k, page }) => {
      for (let i = 0; i < 14; i++) {
        k.lru_add_active_pvecs[0]!.pages.push(page('read', 0));
        get_page(k, page('read', 0));
      }
      clear_page_flag(k, page('read', 0), PG_active);
    }, ({ page }) => ['IV-5: 14 pages wait in a pagevec that holds 14',
      ...Array<string>(14).fill(`IV-5: page ${page('read', 0)} waits for a list and is on one`)]],
  ],
  'PG_private: buffers': [
    ['a page that names none', ({ k, page }) => set_page_private(k, page('written', 0), 9999), ({ k, page }) => [
      `PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: the page does not know it`,
      `PG_private: /d/written: page 0 (frame ${page('written', 0)}) names buffer 9999, which is not its own`]],
    ['a page that forgets it', ({ k, page }) => {
      clear_page_flag(k, page('written', 0), PG_private);
      set_page_count(k, page('written', 0), 1);
    }, ({ k, page }) => [`PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: the page does not know it`]],
    ['another block', ({ k, page }) => void k.buffer_heads[page_private(k, page('written', 0))]!.b_blocknr++, ({ k, page, file }) => [
      `PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: it names block ${file.written.extents[0]!.block + 1} of disk 0, `
      + `the file has ${file.written.extents[0]!.block} of 0`]],
    ['a clean one of a dirty page', ({ k, page }) => void (k.buffer_heads[page_private(k, page('written', 0))]!.b_state &= ~BH_Dirty), ({ k, page }) => [
      `PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: it is clean and its page is not`]],
    ['a dirty one of a clean page', (state) => {
      clear_page_flag(state.k, state.page('written', 0), PG_dirty);
      radix_tree_tag_clear(state.file.written.page_tree, 0, DIRTY);
      count(state, NR_FILE_DIRTY, -1);
    }, ({ k, page }) => [`PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: it is dirty and its page is not`]],
    ['one that is being written alone', ({ k, page }) => void (k.buffer_heads[page_private(k, page('written', 0))]!.b_state |= BH_Async_Write), ({ k, page }) => [
      `PG_private: buffer ${bufferOf(k, page('written', 0))} of page ${page('written', 0)}: it is being written and its page is not under write-back`]],
    ['one that is gone', ({ k, page }) => { k.buffer_heads[page_private(k, page('written', 0))] = null; }, ({ k, page }) => [
      `PG_private: /d/written: page 0 (frame ${page('written', 0)}) names buffer ${page_private(k, page('written', 0))}, which is not its own`,
      'IV-13: 4 objects of buffer_head are in use, there are 3 buffers']],
  ],
  'WB-11: dirty inodes': [
    ['one on no list', ({ k }) => { k.super_blocks[0]!.s_dirty = []; }, ({ file }) => [file.written, file.flying, file.new].map(
      ({ path, i_state }) => `WB-11: disk 0: ${path} of state ${i_state} is 0 times on lists of dirty inodes`)],
    ['one on two lists', ({ k, file }) => void k.super_blocks[0]!.s_io.push(file.new.ino), ({ file }) => [
      `WB-11: disk 0: /d/new of state ${file.new.i_state} is 2 times on lists of dirty inodes`]],
    ['one of nobody', ({ k }) => void k.super_blocks[0]!.s_io.push(99), () => ['WB-11: disk 0: inode 99 is on a list and none of its files']],
  ],
  'blocks of a disk': [
    ['one that two files have', ({ file }) => { file.new.extents = [{ index: 0, nr: 1, block: 3 }]; }, ({ k, page }) => [
      `PG_private: buffer ${bufferOf(k, page('new', 0))} of page ${page('new', 0)}: it names block 36 of disk 0, the file has 3 of 0`,
      'blocks: sda: block 3 belongs to /d/read and to /d/new', 'blocks: the directory says block 3 is of /d/read, it is of /d/new',
      'blocks: sda: files have 36 of 10000 blocks, 9963 are free']],
    ['one that is lost', ({ k }) => { k.super_blocks[0]!.free[0]!.start++; k.super_blocks[0]!.free[0]!.nr--; }, () => [
      'blocks: sda: files have 37 of 10000 blocks, 9962 are free']],
    ['one behind the last', ({ k }) => void k.super_blocks[0]!.freed_by.set(1, [{ start: 10000, nr: 1 }]), () => [
      'blocks: sda: /d/read has block 10000 of 10000', 'blocks: sda: files have 38 of 10000 blocks, 9963 are free']],
    ['extents in the wrong order', ({ file: { written } }) => {
      const [{ block }] = written.extents as unknown as [{ block: number }];
      written.extents = [{ index: 1, nr: 11, block: block + 1 }, { index: 0, nr: 1, block }];
    }, () => ['blocks: /d/written: an extent of 1 pages from 0, the one before it ends at 12']],
  ],
};

/** The page whose cache has lost it. */
function lostPage(k: Kernel): number {
  return Number(/page (\d+) says/.exec(check_machine_at_rest(k).join('\n'))![1]);
}

function onLists(state: State): number {
  const { nr_active, nr_inactive } = page_zone(state.k, state.page('read', 0));
  return nr_active + nr_inactive;
}

function bufferOf(k: Kernel, page: Pfn): number {
  return k.buffer_heads.findIndex((bh) => bh?.b_page === page);
}

/** What is said where the trees have so many nodes more than the slab cache, or the cache has more. */
function nodesBroken(k: Kernel, more: number, lost = 0): string {
  const said = check_machine_at_rest(k).find((line) => line.includes('radix_tree_node'))!;
  const [used, have] = /(\d+) objects.* have (\d+)/.exec(said)!.slice(1).map(Number);
  assert.equal(have! - used!, lost > 0 ? -lost : more);
  return said;
}

describe('check_page_cache and check_fs', () => {
  for (const [law, breaches] of Object.entries(BREACHES)) {
    for (const [what, spoil, expected] of breaches) {
      it(`${law}: ${what}`, () => {
        const state = sound();
        spoil(state);
        assert.deepEqual(check_machine_at_rest(state.k), expected(state));
      });
    }
  }
});
