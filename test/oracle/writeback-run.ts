// The program behind a recording of dirty pages, run again: it writes a file of ext2 page by page, is idle, and calls sync (writeback-script.ts). The
// engine's own machine must then leave the trace's BDPR, BDP and BGW lines in their order, and the snapshots' figures.
//
// What our file system keeps outside the page cache, ext2 has in it, and this file does for it (Ext2Pages): an indirect block behind the first 12
// pages of a file, and one for every 1,024 more (two for the first of these); the page of the directory; the block of the inode table, which turns
// dirty when the inode is written. Taken from the recording: how many such pages were dirty before the program wrote, and how many pages had been
// counted (WB-4). So a walk of 1,037 pages is the engine's too: the file's 1,036, and the directory's, which the second walk finds before the file,
// being dirty for longer.
//
// Not compared: what depends on how fast a disk is, or how memory was filled before (pages on their way, times, Active, Inactive, MemFree).

import type { task_struct } from '../../engine/include/sched.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Coroutine, Wait } from '../../engine/kernel/sched.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { O_CREAT, O_WRONLY } from '../../engine/include/fs.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { NR_FILE_DIRTY } from '../../engine/include/mmzone.ts';
import { PG_dirty, PG_uptodate } from '../../engine/include/page-flags.ts';
import { PDFLUSH_FUNCTIONS } from '../../engine/include/writeback.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { meminfo, vmstat } from '../../engine/fs/proc/files.ts';
import { sys_write } from '../../engine/fs/read_write.ts';
import { sys_sync } from '../../engine/fs/sync.ts';
import { charge, schedule_timeout, sys_sched_yield } from '../../engine/kernel/sched.ts';
import { radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { find_get_page, find_or_create_page } from '../../engine/mm/filemap.ts';
import { set_page_flag, test_page_flag } from '../../engine/mm/mem_map.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { dirty_limits, set_page_dirty } from '../../engine/mm/page-writeback.ts';
import { unlock_page } from '../../engine/mm/page_wait.ts';
import { page_cache_release } from '../../engine/mm/swap.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { touch_user } from '../../engine/mm/user_memory.ts';
import { WB_REASON_BACKGROUND } from '../../engine/trace/writeback.ts';
import type { Ram } from './engine-door.ts';
import type { Run, Stopped } from './program.ts';
import { disk, eventsSince, finish, outOfMemory, prepare, timeOf } from './program.ts';
import type { Recording } from './recording.ts';
import { compareAll } from './report.ts';
import type { WritebackVerdict } from './writeback-check.ts';
import type { Left, Reading } from './writeback-figures.ts';
import { OWN_AGAIN, compareRun } from './writeback-figures.ts';
import type { Beginning, Step } from './writeback-script.ts';
import { HZ, TRACE_TAG, beginningOf, figureOf, indirectBlocks, paceOf, stepsOf } from './writeback-script.ts';
import { lookText, wakeText, walkText, writebackLines } from './writeback-lines.ts';

interface Limits {
  reclaimable: number;
  bg: number;
  thresh: number;
}

/** The state of a replay. */
interface Replay {
  run: Run | null;
  steps: readonly Step[];
  beginning: Beginning;
  /** When the program begins, and what it takes it to write a page, ns. */
  begins: number;
  pace: number;
  own: Ext2Pages;
  file: number;
  lines: string[];
  /** Lines that were there when the trace was read. */
  traced: number;
  readings: Reading[];
  before: Reading | null;
  /** What a task found that began to look at the limits, by pid; and the last that was looked at by a writer. */
  looked: Map<number, Limits>;
  found: Limits;
  /** Pages that a walk was asked for and has left, by pid; the walk that has just ended. */
  asked: Map<number, number>;
  walked: { wrote: number; min_pages: number } | null;
  fileWritten: number;
  ownWritten: number;
}

const META = '/ext2/metadata';
const DIRECTORY = '/mnt/directory';
const FILE = '/mnt/file';
const EVENTS = ['balance_dirty_pages', 'global_dirty_state', 'pdflush_work', 'writeback_written', 'writeback_single_inode', 'page_writeback_begin'];
const NS = 1e9;

/** Runs the program of a recording again, where its log shows one: adds what it left to the verdict. */
export function replayWriteback(recording: Recording, ram: readonly Ram[], verdict: WritebackVerdict): void {
  const steps = stepsOf(recording.log);
  const lines = writebackLines(recording.trace ?? []).filter((line) => line.kind === 'look' || line.kind === 'wake' || line.kind === 'walk');
  const [first] = lines;
  if (!steps.some(({ kind }) => kind === 'write') || first?.kind !== 'look') return;
  if (lines.some((line) => line.kind === 'walk' && line.congested > 0)) {
    verdict.gaps.push('the program is not run again: a queue was congested, so what was written depends on how fast the disk was');
    return;
  }
  const beginning = beginningOf(recording, steps, first);
  if (beginning === null) {
    verdict.gaps.push('the program is not run again: nothing that was dirty at its beginning fits both its first look at the limits and the first snapshot');
    return;
  }
  const replay = newReplay(recording, steps, beginning);
  const stopped = runProgram(replay, ram);
  if (stopped !== null) {
    stopAt(verdict, replay, stopped);
    return;
  }
  verdict.checks.push(...compareRun(recording, lines, leftBy(replay, recording)));
  verdict.notes.push(...notesOf(replay));
}

/** The program did not come to its end. */
function stopAt(verdict: WritebackVerdict, { readings, steps }: Replay, stopped: Stopped): void {
  if ('gap' in stopped) {
    verdict.gaps.push(`the program is not run again to its end: ${stopped.gap}`);
    return;
  }
  const where = `step ${readings.length + 1} of ${steps.length} in the log`;
  verdict.checks.push(compareAll('WB-3..6,11..13', 'the program again: goes on', [{ where, kernel: 'went on', engine: stopped.difference }]));
}

function leftBy({ lines, traced, before, readings }: Replay, { snapshots }: Recording): Left {
  const first = snapshots.find(({ tag, files }) => readings[0]!.step.tags.includes(tag) && files['meminfo'] !== undefined);
  return { lines: lines.slice(0, traced), before: before!, readings, buffers: figureOf(first?.files['meminfo'] ?? '', 'Buffers') };
}

function notesOf({ beginning: { counted, dirty } }: Replay): string[] {
  return [
    `dirty pages: before the program began ${counted} pages were counted and ${dirty} pages of ext2's own dirty, as the first look and snapshot tell`,
    'dirty pages: ext2 has indirect blocks, directory and inode table in the page cache; the judge dirties such pages where ext2 does. '
    + `Once all is written, ext2 dirties up to ${OWN_AGAIN} of them again (inode table, super block), and pgpgout is compared within what they make out`,
    'dirty pages: of the snapshots Dirty, Cached, Buffers, nr_dirty and pgpgout are compared, and Writeback where nobody writes; '
    + 'of BGW lines all but wb, congested, skipped and jiffies: these depend on how fast the disk is',
  ];
}

// ---- ext2's own pages -------------------------------------------------------------------------------------------------

/** Pages of the cache that ext2 has, and a flat file system has not. */
interface Ext2Pages {
  meta: inode | null;
  /** Pages in the cache. */
  count: number;
  /** Page of the inode table: dirty once the file's inode was written. */
  isTableDirty: boolean;
}

const TABLE_PAGE = 0;

/** Another page of ext2's own turns dirty. */
function* dirtyOwn(k: Kernel, own: Ext2Pages): Generator<Wait, void, void> {
  yield* cacheOwn(k, own.meta!, own.count);
  markOwn(k, own.meta!, own.count);
  own.count++;
}

/** A page is in the cache, as it was read. */
function* cacheOwn(k: Kernel, file: inode, index: number): Generator<Wait, void, void> {
  const page = yield* find_or_create_page(k, file, index, GFP_KERNEL);
  if (page === NO_PAGE) throw outOfMemory(k, 'a page of ext2\'s own');
  set_page_flag(k, page, PG_uptodate);
  unlock_page(k, page);
  page_cache_release(k, page);
}

function markOwn(k: Kernel, file: inode, index: number): void {
  const page = find_get_page(k, file, index);
  set_page_dirty(k, page);
  page_cache_release(k, page);
}

// ---- the program ------------------------------------------------------------------------------------------------------

function newReplay(recording: Recording, steps: readonly Step[], beginning: Beginning): Replay {
  const lines = writebackLines(recording.trace ?? []);
  const walk = lines.find((line) => line.kind === 'walk');
  return {
    run: null, steps, beginning, begins: walk === undefined ? 0 : timeOf(walk.jiffies, HZ), pace: paceOf(lines),
    own: { meta: null, count: 0, isTableDirty: false }, file: 0, lines: [], traced: Infinity, readings: [], before: null,
    looked: new Map(), found: { reclaimable: 0, bg: 0, thresh: 0 }, asked: new Map(), walked: null, fileWritten: 0, ownWritten: 0,
  };
}

function runProgram(replay: Replay, ram: readonly Ram[]): Stopped | null {
  const pages = Math.max(0, ...replay.steps.map((step) => (step.kind === 'write' ? step.until : 0)));
  const own = replay.beginning.dirty + indirectBlocks(pages) + 1;
  const settings = {
    hz: HZ, disks: [disk('meta', own), disk('sda', pages + 1)],
    files: [{ path: META, size: own * PAGE_SIZE, disk: 'meta' }, { path: DIRECTORY, size: PAGE_SIZE, disk: 'sda' }],
  };
  replay.run = prepare(ram, { settings, events: EVENTS, body: (k, task) => program(k, task, replay), watch: () => follow(replay) });
  return finish(replay.run);
}

function* program(k: Kernel, task: task_struct, replay: Replay): Coroutine {
  if (replay.begins > k.now) yield* schedule_timeout(k, replay.begins - k.now, 'the recorded time');
  const buffer = yield* sys_mmap2(k, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
  yield* touch_user(k, virt(buffer), 1);
  replay.before = readingOf(k, replay, replay.steps[0]!);
  const fd = yield* sys_open(k, FILE, O_CREAT | O_WRONLY);
  if (fd < 0) throw new Error(`the engine does not open the file: ${fd}`);
  replay.file = k.dcache.get(FILE)!;
  yield* findMachine(k, replay);
  let written = 0;
  let idle = 0;
  for (let i = 0; i < replay.steps.length; i++) {
    const step = replay.steps[i]!;
    if (step.kind === 'write') {
      yield* writePages(k, replay, { fd, buffer, from: written, to: step.until });
      written = step.until;
    } else if (step.kind === 'idle') {
      yield* schedule_timeout(k, (step.until - idle) * NS, 'nothing');
      idle = step.until;
    } else yield* sys_sync(k);
    follow(replay);
    replay.readings.push(readingOf(k, replay, step));
    if (step.tags.includes(TRACE_TAG)) replay.traced = replay.lines.length;
  }
  task.exit_code = 0;
}

/** The machine as the program found it: the file's own entry in its directory is dirty, blocks were allocated, and pages were counted. */
function* findMachine(k: Kernel, replay: Replay): Generator<Wait, void, void> {
  const { own, beginning } = replay;
  own.meta = k.inodes[k.dcache.get(META)!]!;
  yield* cacheOwn(k, own.meta, TABLE_PAGE);
  own.count = 1;
  if (beginning.dirty > 0) {
    const directory = k.inodes[k.dcache.get(DIRECTORY)!]!;
    yield* cacheOwn(k, directory, 0);
    markOwn(k, directory, 0);
  }
  for (let i = 1; i < beginning.dirty; i++) yield* dirtyOwn(k, own);
  k.writeback.ratelimits[k.cpu] = beginning.counted;
}

/** Pages of a file that are to be written, from a buffer of one page. */
interface Pages {
  fd: number;
  buffer: number;
  from: number;
  to: number;
}

/** Writes a file page by page. Whoever was woken has its turn when a call returns, as a thread that slept has on the recorded kernel. */
function* writePages(k: Kernel, replay: Replay, { fd, buffer, from, to }: Pages): Generator<Wait, void, void> {
  for (let page = from; page < to; page++) {
    for (let more = indirectBlocks(page); more < indirectBlocks(page + 1); more++) yield* dirtyOwn(k, replay.own);
    const written = yield* sys_write(k, fd, virt(buffer), PAGE_SIZE);
    if (written === -ENOMEM) throw outOfMemory(k, `page ${page} of the file`);
    if (written !== PAGE_SIZE) throw new Error(`page ${page} is not written: ${written}`);
    charge(k, replay.pace);
    follow(replay);
    if (k.sched.cpus[k.cpu]!.queue.length > 0) yield* sys_sched_yield(k);
  }
}

function readingOf(k: Kernel, replay: Replay, step: Step): Reading {
  const { own, ownWritten, fileWritten } = replay;
  return { step, meminfo: meminfo(k), vmstat: vmstat(k), own: own.count, ownWritten, fileWritten };
}

// ---- what the engine did ----------------------------------------------------------------------------------------------

/** Takes up what happened since the last look. */
function follow(replay: Replay): void {
  if (replay.run === null) return;
  for (const record of eventsSince(replay.run)) enter(replay, record);
  const { k } = replay.run.machine;
  if (replay.walked !== null) endWalk(replay, global_page_state(k, NR_FILE_DIRTY), dirty_limits(k, null).background);
  if (replay.own.isTableDirty) markOwn(k, replay.own.meta!, TABLE_PAGE);
  replay.own.isTableDirty = false;
}

function enter(replay: Replay, { name, pid, args }: TraceRecord): void {
  switch (name) {
    case 'global_dirty_state':
      enterLimits(replay, pid, { reclaimable: args['nr_dirty']!, bg: args['background_thresh']!, thresh: args['dirty_thresh']! });
      break;
    case 'balance_dirty_pages':
      enterLook(replay, pid, args['dirtied']!);
      break;
    case 'pdflush_work':
      enterWork(replay, pid, args);
      break;
    case 'writeback_written':
      if (args['reason'] === WB_REASON_BACKGROUND) enterWalk(replay, pid, args['nr_pages']!);
      break;
    case 'writeback_single_inode':
      if (args['ino'] === replay.file) replay.own.isTableDirty = true;
      break;
    case 'page_writeback_begin':
      enterWritten(replay, args['ino']!);
      break;
    default:
  }
}

/** Somebody asks for the limits: pdflush between two walks, or a writer who begins to look. */
function enterLimits(replay: Replay, pid: number, limits: Limits): void {
  if (!replay.looked.has(pid)) replay.looked.set(pid, limits);
  if (replay.walked !== null) endWalk(replay, limits.reclaimable, limits.bg);
}

/** A page goes to the disk. Where a walk writes the inode first and then ext2's own pages, the inode table is among these. */
function enterWritten(replay: Replay, ino: number): void {
  if (ino === replay.file) replay.fileWritten++;
  if (ino !== replay.own.meta?.ino) return;
  replay.ownWritten++;
  replay.own.isTableDirty = false;
}

function enterLook(replay: Replay, pid: number, count: number): void {
  const { ratelimit_pages } = replay.run!.machine.k.writeback;
  replay.found = replay.looked.get(pid)!;
  replay.looked.delete(pid);
  replay.lines.push(lookText({ ratelimit: Math.min(count, ratelimit_pages), count, ratelimit_pages, dirty: replay.found.reclaimable }));
}

/** pdflush begins what it was asked for; a writer asks for no number of pages. */
function enterWork(replay: Replay, pid: number, args: TraceRecord['args']): void {
  if (PDFLUSH_FUNCTIONS[args['fn']!] !== 'background_writeout') return;
  replay.asked.set(pid, args['arg']!);
  if (args['arg'] === 0) replay.lines.push(wakeText(replay.found));
}

function enterWalk(replay: Replay, pid: number, wrote: number): void {
  const left = (replay.asked.get(pid) ?? 0) - wrote;
  replay.asked.set(pid, left);
  replay.walked = { wrote, min_pages: left };
}

/** What was dirty behind a walk, with the block of the inode table that it made dirty. */
function endWalk(replay: Replay, dirty: number, bg: number): void {
  const table = replay.own.isTableDirty && !isTablePageDirty(replay) ? 1 : 0;
  replay.lines.push(walkText({ ...replay.walked!, dirty: dirty + table, bg }));
  replay.walked = null;
}

function isTablePageDirty({ run, own }: Replay): boolean {
  const page = radix_tree_lookup(own.meta!.page_tree, TABLE_PAGE);
  return test_page_flag(run!.machine.k, page, PG_dirty);
}

