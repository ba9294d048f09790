// The program behind a trace, run again with a disk: each read() and each touch of a mapping that file-script.ts found, by the engine's own system
// calls and faults (KERNEL.md FM-4, FM-6 … FM-10, FM-12, F-14). Each read must ask for the recorded windows and leave the recorded state; each fault
// must have the recorded answer, major or minor, and read as many pages.
//
// What is in the page cache is what the engine's own reads put there. Where the recorded machine had other pages, since it reclaims, or since files
// were read before, so much of it is made so as the line says (a note tells how often): the pages that were missing are dropped, the others put in.
// Nothing is under way when the program goes on: what depends on how fast a disk is, is not compared.

import type { inode } from '../../engine/include/mm_types.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Coroutine, Wait } from '../../engine/kernel/sched.ts';
import { BDI_read_congested } from '../../engine/include/blkdev.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { O_RDONLY } from '../../engine/include/fs.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_FAULT_MAJOR, VM_FAULT_OOM } from '../../engine/include/mm_types.ts';
import { PG_uptodate, PG_writeback } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { next_block_event } from '../../engine/block/events.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { sys_pread64 } from '../../engine/fs/read_write.ts';
import { current_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { radix_tree_gang_lookup, radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { add_to_page_cache_lru, find_get_page, page_cache_alloc_cold, remove_from_page_cache } from '../../engine/mm/filemap.ts';
import { page_mapped, set_page_flag, test_page_flag } from '../../engine/mm/mem_map.ts';
import { file_of, inode_of, mm_of } from '../../engine/mm/mm_struct.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { sys_mmap, sys_mmap2 } from '../../engine/mm/mmap.ts';
import { lock_page, unlock_page } from '../../engine/mm/page_wait.ts';
import { nr_free_pages } from '../../engine/mm/page_alloc.ts';
import { handle_ra_miss } from '../../engine/mm/readahead.ts';
import { page_cache_release } from '../../engine/mm/swap.ts';
import { touch_user } from '../../engine/mm/user_memory.ts';
import type { Ram } from './engine-door.ts';
import type { FileFault, FileScript, Mapping } from './file-script.ts';
import type { Run, Stopped } from './program.ts';
import { disk, eventsSince, finish, outOfMemory, prepare } from './program.ts';
import type { Read } from './readahead-check.ts';
import { stateText, windowsIn } from './readahead-check.ts';
import type { Verdict } from './report.ts';
import { compareAll } from './report.ts';

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

interface Replay {
  script: FileScript;
  run: Run | null;
  /** Descriptors by number of the open file, and of mappings by number; the address each mapping begins at. */
  fds: Map<number, number>;
  mapped: Map<number, number>;
  /** Files that were opened, by number of the open file; how many there are. */
  files: Map<number, inode>;
  opened: number;
  buffer: number;
  windows: Pair[];
  states: Pair[];
  faults: Pair[];
  /** Items for which the cache had to be made as recorded. */
  forced: { reads: number; faults: number };
  /** Faults that waited for a page which was being read already: that depends on how fast the disk was. */
  waited: number;
  /** file_rss of the engine's process and of the recorded one before the first fault. */
  rss: { engine: number; kernel: number } | null;
}

const EVENTS = ['mm_readahead', 'mm_filemap_add_to_page_cache', 'mm_fault_end'];
/** Pages of a window around a fault, and how many of them lie before it. */
const AROUND = 32;
const FREE_PAGES_WANTED = 2500;
const MOST_FILES = 64;

/** Adds what the program left to the verdict; nothing where the trace shows neither reads nor faults. */
export function replayFiles(verdict: Verdict, script: FileScript, ram: readonly Ram[]): void {
  if (script.items.length === 0) return;
  const replay: Replay = {
    script, run: null, fds: new Map(), mapped: new Map(), files: new Map(), opened: 0, buffer: 0, windows: [], states: [], faults: [],
    forced: { reads: 0, faults: 0 }, waited: 0, rss: null,
  };
  const stopped = runProgram(replay, ram);
  const checks = [
    compareAll('FM-4 FM-8 FM-10', 'read() from a disk: windows', replay.windows),
    compareAll('FM-4 FM-7', 'read() from a disk: readahead state', replay.states),
    compareAll('FM-12 F-14', 'faults in files on a disk: major or minor, pages read', replay.faults),
  ];
  verdict.checks.push(...checks.filter(({ total }) => total > 0));
  verdict.notes.push(...script.notes, ...notesOf(replay));
  if (stopped !== null) stopAt(verdict, replay, stopped);
  if (replay.waited > 0) verdict.gaps.push(`${replay.waited} faults waited for a page that was being read already: they are not compared, since that depends on how fast the disk was`);
}

/** The program did not come to its end. */
function stopAt(verdict: Verdict, { script: { items }, waited, states, faults }: Replay, stopped: Stopped): void {
  const done = states.length + faults.length + waited;
  if ('gap' in stopped) {
    verdict.gaps.push(`${items.length - done} reads and faults of files are not run again with a disk: ${stopped.gap}`);
    return;
  }
  const where = `trace line ${items[done]?.line ?? items.at(-1)!.line}`;
  verdict.checks.push(compareAll('FM-4 FM-12', 'reads and faults with a disk: the program goes on', [{ where, kernel: 'went on', engine: stopped.difference }]));
}

function notesOf({ script: { items }, forced }: Replay): string[] {
  const reads = items.filter(({ kind }) => kind === 'read').length;
  const about = (n: number, of: number, what: string): string[] => (of === 0 ? [] : [`${what}: before ${n} of ${of} the engine's page cache held other pages than the recorded one, and was made like it`]);
  return [...about(forced.reads, reads, 'reads from a disk'), ...about(forced.faults, items.length - reads, 'faults in files on a disk')];
}

// ---- the program ------------------------------------------------------------------------------------------------------

function runProgram(replay: Replay, ram: readonly Ram[]): Stopped | null {
  const { items, mappings } = replay.script;
  const reads = items.filter((item): item is Read => item.kind === 'read');
  const ends = [...reads.map(endOf), ...mappings.map(({ pgoff, start, end }) => pgoff + end - start)];
  const pages = Math.max(...ends) + AROUND;
  const count = Math.min(MOST_FILES, 1 + new Set(reads.map(({ file }) => file)).size);
  const files = Array.from({ length: count }, (_, i) => ({ path: pathOf(i), size: pages * PAGE_SIZE, disk: 'sda' }));
  const settings = { disks: [disk('sda', count * pages)], files };
  replay.run = prepare(ram, { settings, events: EVENTS, body: (k) => program(k, replay), watch: () => undefined });
  return finish(replay.run);
}

const pathOf = (i: number): string => `/mnt/file${i}`;
const endOf = ({ offset, pages, windows }: Read): number => Math.max(offset + pages, ...windows.map((window) => window.offset + window.nr));

function* program(k: Kernel, replay: Replay): Coroutine {
  const { items } = replay.script;
  const largest = Math.max(1, ...items.map((item) => (item.kind === 'read' ? item.pages : 1)));
  replay.buffer = yield* sys_mmap2(k, 0, largest * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    yield* letDiskFinish(k);
    yield* makeRoom(k, replay);
    if (isShort(k, item)) throw outOfMemory(k, `what line ${item.line} asks for`);
    if (item.kind === 'read') yield* read(k, replay, item);
    else yield* fault(k, replay, item);
  }
}

/** A program that was recorded is slower than a disk: nothing is under way when it goes on. */
function* letDiskFinish(k: Kernel): Generator<Wait, void, void> {
  while (next_block_event(k) !== Infinity) yield* schedule_timeout(k, next_block_event(k) - k.now + 1, 'the disk');
}

/** The recorded machine reclaims; here what nobody needs any more is dropped. */
function* makeRoom(k: Kernel, { files }: Replay): Generator<Wait, void, void> {
  if (nr_free_pages(k) >= Math.min(FREE_PAGES_WANTED, k.totalram_pages / 4)) return;
  const inodes = [...new Set(files.values())];
  for (let i = 0; i < inodes.length; i++) {
    const cached = radix_tree_gang_lookup(inodes[i]!.page_tree, 0, Infinity).map(({ index }) => index);
    for (let j = 0; j < cached.length; j++) yield* drop(k, inodes[i]!, cached[j]!);
  }
}

/** Whether the recorded machine may have had to reclaim for it: no zone may come below its high mark. */
function isShort(k: Kernel, item: Read | FileFault): boolean {
  const wanted = item.kind === 'fault' ? AROUND : item.pages + item.windows.reduce((sum, { nr }) => sum + nr, 0);
  return nr_free_pages(k) < wanted + for_each_zone(k).reduce((sum, { pages_high }) => sum + pages_high, 0);
}

// ---- reads ------------------------------------------------------------------------------------------------------------

function* read(k: Kernel, replay: Replay, item: Read): Generator<Wait, void, void> {
  const inode = fileOf(k, replay, item);
  const fd = yield* descriptor(k, replay, item.file, inode);
  const file = file_of(k, current_task(k).files[fd]!);
  const isForced = yield* makeCached(k, inode, item);
  if (isForced) replay.forced.reads++;
  if (item.isMissed) handle_ra_miss(file.f_ra);
  file.f_ra.ra_pages = item.ra_pages;
  setCongested(k, item);
  eventsSince(replay.run!);
  const size = item.pages * PAGE_SIZE;
  const got = yield* sys_pread64(k, fd, virt(replay.buffer), size, item.offset * PAGE_SIZE);
  setCongested(k, { isCongested: false });
  if (got === -ENOMEM) throw outOfMemory(k, `the read that ends in line ${item.line}`);
  const windows = windowsIn(eventsSince(replay.run!));
  for (let i = 0; i < Math.max(windows.length, item.windows.length); i++) {
    const window = item.windows[i];
    replay.windows.push({ where: `trace line ${window?.line ?? item.line}`, kernel: window?.text ?? 'no window', engine: windows[i] ?? 'no window' });
  }
  replay.states.push({ where: `trace line ${item.line}`, kernel: item.text, engine: got === size ? stateText(file.f_ra) : `read() answers ${got}` });
}

/** Which file it is: one whose cached pages fit the first windows, the one that was opened last first; else another. */
function fileOf(k: Kernel, replay: Replay, item: Read): inode {
  const known = replay.files.get(item.file);
  if (known !== undefined) return known;
  const candidates = [...new Set(replay.files.values())].reverse();
  const fits = (inode: inode): boolean => item.windows.every((window) => missingIn(inode, window.offset, window.nr) === window.actual);
  const fitting = item.windows.length === 0 ? undefined : candidates.find(fits);
  const found = fitting ?? newFile(k, replay);
  replay.files.set(item.file, found);
  return found;
}

function newFile(k: Kernel, replay: Replay): inode {
  const at = Math.min(replay.opened++, MOST_FILES - 1);
  return inode_of(k, k.dcache.get(pathOf(at))!);
}

function* descriptor(k: Kernel, replay: Replay, file: number, inode: inode): Generator<Wait, number, void> {
  const known = replay.fds.get(file);
  if (known !== undefined) return known;
  const fd = yield* sys_open(k, inode.path, O_RDONLY);
  if (fd < 0) throw new Error(`the engine does not open ${inode.path}: ${fd}`);
  replay.fds.set(file, fd);
  return fd;
}

function setCongested(k: Kernel, { isCongested }: { isCongested: boolean }): void {
  const info = k.block.disks[0]!.queue.backing_dev_info;
  info.state = isCongested ? info.state | BDI_read_congested : info.state & ~BDI_read_congested;
}

// ---- faults -----------------------------------------------------------------------------------------------------------

function* fault(k: Kernel, replay: Replay, item: FileFault): Generator<Wait, void, void> {
  const mapping = replay.script.mappings[item.mapping]!;
  const inode = mappedFile(k, replay, mapping);
  const base = yield* mappingOf(k, replay, item.mapping, inode);
  const isForced = yield* makeCachedAround(k, inode, item);
  if (isForced) replay.forced.faults++;
  const mm = mm_of(k, current_task(k).mm);
  replay.rss ??= { engine: mm.file_rss + 1, kernel: item.file_rss };
  eventsSince(replay.run!);
  yield* touch_user(k, virt(base + (item.page - mapping.pgoff) * PAGE_SIZE), 0);
  const events = eventsSince(replay.run!);
  const ret = events.find(({ name }) => name === 'mm_fault_end')?.args['result'] ?? -1;
  if (ret === VM_FAULT_OOM) throw outOfMemory(k, `the fault in line ${item.line}`);
  const pages = events.filter(({ name }) => name === 'mm_filemap_add_to_page_cache').length;
  if (item.ret === VM_FAULT_MAJOR && item.read === 0) {
    replay.waited++;
    return;
  }
  replay.faults.push({
    where: `trace line ${item.line}`, kernel: faultText(item.ret, item.read, item.file_rss - replay.rss.kernel),
    engine: faultText(ret % 16, pages, mm.file_rss - replay.rss.engine),
  });
}

function faultText(ret: number, pages: number, rss: number): string {
  return `ret ${ret}, ${pages} pages read, ${rss} more of files resident than at the first`;
}

function mappedFile(k: Kernel, replay: Replay, { window }: Mapping): inode {
  const read = replay.script.items.find((item): item is Read => item.kind === 'read' && window !== null && item.windows.includes(window));
  const found = read === undefined ? [...replay.files.values()][0] : replay.files.get(read.file);
  return found ?? inode_of(k, k.dcache.get(pathOf(0))!);
}

function* mappingOf(k: Kernel, replay: Replay, number: number, inode: inode): Generator<Wait, number, void> {
  const known = replay.mapped.get(number);
  if (known !== undefined) return known;
  const { start, end, pgoff } = replay.script.mappings[number]!;
  const fd = yield* descriptorOf(k, replay, inode);
  const base = yield* sys_mmap(k, 0, (end - start) * PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, pgoff * PAGE_SIZE);
  if (base < 0) throw new Error(`the engine does not map ${inode.path}: ${base}`);
  replay.mapped.set(number, base);
  return base;
}

/** The descriptor through which a file is mapped: the last that it was read through. */
function* descriptorOf(k: Kernel, replay: Replay, inode: inode): Generator<Wait, number, void> {
  const reader = [...replay.files].reverse().find(([, other]) => other === inode);
  const fd = yield* descriptor(k, replay, reader === undefined ? -inode.ino : reader[0], inode);
  return fd;
}

// ---- the page cache ---------------------------------------------------------------------------------------------------

const isCached = (inode: inode, index: number): boolean => radix_tree_lookup(inode.page_tree, index) !== NO_PAGE;

function missingIn(inode: inode, offset: number, nr: number): number {
  let missing = 0;
  for (let index = offset; index < offset + nr; index++) if (!isCached(inode, index)) missing++;
  return missing;
}

/** Of each window as many pages are missing as the line says, the first ones; what the reader wants beside them is there. Whether anything had to be
 *  changed. */
function* makeCached(k: Kernel, inode: inode, { windows, offset, pages }: Read): Generator<Wait, boolean, void> {
  let isForced = false;
  for (let i = 0; i < windows.length; i++) {
    const window = windows[i]!;
    if (missingIn(inode, window.offset, window.nr) === window.actual) continue;
    isForced = true;
    for (let j = 0; j < window.nr; j++) yield* make(k, inode, window.offset + j, j >= window.actual);
  }
  for (let index = offset; index < offset + pages; index++) {
    if (isCached(inode, index) || windows.some((window) => window.offset <= index && index < window.offset + window.nr)) continue;
    isForced = true;
    yield* put(k, inode, index);
  }
  return isForced;
}

/** Around a fault as many pages are missing as were read, before it and behind; without any, its page is there. */
function* makeCachedAround(k: Kernel, inode: inode, { page, read: missing, before }: FileFault): Generator<Wait, boolean, void> {
  const first = Math.max(0, page - AROUND / 2);
  const natural = isCached(inode, page) ? 0 : missingIn(inode, first, AROUND);
  if (natural === missing) return false;
  for (let index = first; index < first + AROUND; index++) {
    const isMissing = missing > 0 && index >= page - before && index < page - before + missing;
    yield* make(k, inode, index, !isMissing);
  }
  return true;
}

function* make(k: Kernel, inode: inode, index: number, isThere: boolean): Generator<Wait, void, void> {
  if (isCached(inode, index) === isThere) return;
  if (isThere) yield* put(k, inode, index);
  else yield* drop(k, inode, index);
}

/** A page as it is when its data have been read. */
function* put(k: Kernel, inode: inode, index: number): Generator<Wait, void, void> {
  const page = yield* page_cache_alloc_cold(k);
  if (page === NO_PAGE) throw outOfMemory(k, 'a page of the cache');
  const error = yield* add_to_page_cache_lru(k, page, inode, index, GFP_KERNEL);
  if (error !== 0) throw new Error(`page ${index} of ${inode.path} does not go into the cache: ${error}`);
  set_page_flag(k, page, PG_uptodate);
  unlock_page(k, page);
  page_cache_release(k, page);
}

/** A page leaves the cache, unless somebody maps it. */
function* drop(k: Kernel, inode: inode, index: number): Generator<Wait, void, void> {
  const page = find_get_page(k, inode, index);
  if (page === NO_PAGE) return;
  yield* lock_page(k, page);
  const isFree = !page_mapped(k, page) && !test_page_flag(k, page, PG_writeback);
  if (isFree) remove_from_page_cache(k, page);
  unlock_page(k, page);
  if (isFree) page_cache_release(k, page);
  page_cache_release(k, page);
}
