// Readahead (KERNEL.md FM-6 … FM-10): every decision of page_cache_readahead that a trace shows.
//
//   RA io offset 4 nr 8 actual 8 block 0            a window was asked for; so many of its pages had to be read
//   RA state prev 1 start 0 size 4 ahead_start 4 …  the call is over: what it left behind, the line that ends it
//
// A trace does not say what a call was asked, nor for which file. Both are looked for among what a reader can do: go on, ask for the same page again,
// jump to where the first window lies; in the file that was read last, in another one of those known, in one just opened. All the rest is the
// engine's own: its page_cache_readahead, on a file whose windows the engine's own calls have left so since it was opened, must ask for these windows
// in this order and leave this state, in each of its fields (the return value is prev + 1). What no state says is taken from the trace: how many
// pages of a window were missing (actual), and ra_pages, where it is what advice makes of the device's. That a page was lost (handle_ra_miss) or a
// queue congested is assumed only where the call is the kernel's with it and not without it; how often is said in a note.

import type { Kernel } from '../../engine/kernel.ts';
import type { file_ra_state, inode } from '../../engine/include/mm_types.ts';
import { BDI_read_congested } from '../../engine/include/blkdev.ts';
import { FMODE_READ } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { run_block_events } from '../../engine/block/events.ts';
import { flat_add_file } from '../../engine/fs/flat.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { radix_tree_delete, radix_tree_gang_lookup } from '../../engine/lib/radix-tree.ts';
import { open_inode } from '../../engine/mm/mm_struct.ts';
import { handle_ra_miss, page_cache_readahead } from '../../engine/mm/readahead.ts';
import { truncate_inode_pages } from '../../engine/mm/truncate.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine } from './engine-door.ts';
import { disk } from './program.ts';
import type { Recording } from './recording.ts';
import type { Check, Verdict } from './report.ts';
import { insertPage } from './space.ts';

/** A window that was asked for. */
export interface Window {
  line: number;
  text: string;
  offset: number;
  nr: number;
  actual: number;
}

/** One call of page_cache_readahead as the trace shows it. */
interface Call {
  windows: Window[];
  line: number;
  text: string;
  prev: number;
  ra_pages: number;
}

/** What may have been asked: pages from `offset` on of a file, and what had happened. */
interface Guess {
  file: OpenFile;
  offset: number;
  req: number;
  isMissed: boolean;
  isCongested: boolean;
}

/** An open file: the engine's state of it. */
interface OpenFile {
  id: number;
  ra: file_ra_state;
  isNew: boolean;
}

/** A call whose question was found: what a read must have asked for. */
export interface Read {
  kind: 'read';
  /** The line that ends it. */
  line: number;
  text: string;
  windows: Window[];
  /** Number of the open file, from 1 on in the order in which they were opened. */
  file: number;
  offset: number;
  pages: number;
  ra_pages: number;
  /** A page that had been read ahead was gone; the queue was congested. */
  isMissed: boolean;
  isCongested: boolean;
}

interface Bench {
  k: Kernel;
  inode: inode;
  /** Files known so far, the one that was read last at the head. */
  files: OpenFile[];
  /** A file as the engine's open leaves it. */
  fresh: OpenFile;
  /** What advice can make of the largest window: FM-6. */
  allowed: number[];
  windows: Check;
  states: Check;
  notes: { opened: number; missed: number; congested: number; advised: number };
  reads: Read[];
}

interface Outcome {
  windows: string[];
  state: string;
  ra: file_ra_state;
}

/** The fields of an RA state line, in its order. */
const STATE_FIELDS = ['prev_page', 'start', 'size', 'ahead_start', 'ahead_size', 'flags', 'cache_hit', 'ra_pages'] as const;
/** Files whose windows are remembered. */
const MAX_FILES = 64;
/** Longer than any file that is read. */
const FILE_SIZE = 2 ** 40;

/** Adds the checks of a recording's RA lines to its verdict, none where it has none. The reads that were behind them; none where anything
 *  differs. */
export function judgeReadahead(verdict: Verdict, { trace }: Recording, ram: readonly Ram[]): Read[] {
  const lines = (trace ?? []).flatMap((text, at) => (text.startsWith('RA ') ? [{ text, line: at + 1 }] : []));
  if (lines.length === 0) return [];
  const bench = makeBench(ram, lines);
  const pending = judgeCalls(bench, lines);
  verdict.checks.push(...[bench.windows, bench.states].filter(({ total }) => total > 0));
  verdict.notes.push(noteOf(bench), ...(pending > 0 ? [`readahead: ${pending} windows at the end of the trace belong to a call that did not return`] : []));
  return bench.windows.difference === null && bench.states.difference === null ? bench.reads : [];
}

function noteOf({ notes: { opened, missed, congested, advised } }: Bench): string {
  return `readahead: what each call was asked is inferred from its lines: ${opened} files opened, ${missed} pages lost before they were read, `
    + `${congested} congested queues, ${advised} changes of ra_pages`;
}

// ---- the trace --------------------------------------------------------------------------------------------------------

/** Judges call by call; windows that no state line followed are counted. */
function judgeCalls(bench: Bench, lines: readonly { text: string; line: number }[]): number {
  let windows: Window[] = [];
  for (const { text, line } of lines) {
    const window = parseWindow(text, line);
    const call = window === null ? parseCall(text, line, windows) : null;
    if (window !== null) windows.push(window);
    else if (call === null) strange(bench, text, line);
    else {
      judgeCall(bench, call);
      windows = [];
    }
  }
  return windows.length;
}

function parseWindow(text: string, line: number): Window | null {
  const m = /^(RA io offset (\d+) nr (\d+) actual (\d+) block [01])$/.exec(text);
  return m && { line, text, offset: Number(m[2]), nr: Number(m[3]), actual: Number(m[4]) };
}

function parseCall(text: string, line: number, windows: Window[]): Call | null {
  const m = /^RA state prev (\d+) start \d+ size \d+ ahead_start \d+ ahead_size \d+ flags \d hit \d+ ra_pages (\d+)$/.exec(text);
  return m && { windows, line, text, prev: Number(m[1]), ra_pages: Number(m[2]) };
}

function strange(bench: Bench, text: string, line: number): void {
  bench.states.total++;
  bench.states.difference ??= { where: `trace line ${line}`, kernel: text, engine: 'reads no such line: it is neither an RA io nor an RA state line' };
}

// ---- one call ---------------------------------------------------------------------------------------------------------

/** Looks for what was asked, and counts what the engine makes of it. Where nothing fits, the likeliest is shown, and the kernel's state goes on. */
function judgeCall(bench: Bench, call: Call): void {
  let likeliest: Outcome | null = null;
  for (const guess of guesses(bench, call)) {
    const outcome = attempt(bench, call, guess);
    if (isSame(outcome, call)) {
      count(bench, call, outcome);
      accept(bench, call, guess, outcome.ra);
      return;
    }
    likeliest ??= outcome;
  }
  count(bench, call, likeliest!);
  resume(bench, call);
}

function isSame(outcome: Outcome, call: Call): boolean {
  return outcome.state === call.text && outcome.windows.join() === call.windows.map(({ text }) => text).join();
}

function count({ windows, states }: Bench, call: Call, outcome: Outcome): void {
  for (let i = 0; i < Math.max(call.windows.length, outcome.windows.length); i++) {
    const [kernel, engine] = [call.windows[i], outcome.windows[i]];
    windows.total++;
    if (kernel?.text === engine) windows.same++;
    else windows.difference ??= { where: `trace line ${kernel?.line ?? call.line}`, kernel: kernel?.text ?? 'no window', engine: engine ?? 'no window' };
  }
  states.total++;
  if (outcome.state === call.text) states.same++;
  else states.difference ??= { where: `trace line ${call.line}`, kernel: call.text, engine: outcome.state };
}

/** The guess was right: the file is the one that was read last, in the state that the engine left. */
function accept(bench: Bench, call: Call, { file, offset, isMissed, isCongested }: Guess, ra: file_ra_state): void {
  const { notes } = bench;
  if (file.isNew) notes.opened++;
  if (isMissed) notes.missed++;
  if (isCongested) notes.congested++;
  if (file.ra.ra_pages !== call.ra_pages) notes.advised++;
  const id = file.isNew ? notes.opened : file.id;
  const { line, text, windows, prev, ra_pages } = call;
  bench.reads.push({ kind: 'read', line, text, windows, file: id, offset, pages: Math.max(1, prev - offset + 1), ra_pages, isMissed, isCongested });
  remember(bench, { id, ra, isNew: false }, file);
}

/** After a difference the kernel's own state goes on, so that the rest is judged too. */
function resume(bench: Bench, call: Call): void {
  const values = [...call.text.matchAll(/ (\d+)/g)].map((m) => Number(m[1]));
  const ra = { ...bench.fresh.ra };
  for (const [i, name] of STATE_FIELDS.entries()) ra[name] = values[i]!;
  const file = bench.files[0] ?? null;
  remember(bench, { id: file?.id ?? 0, ra, isNew: false }, file);
}

function remember(bench: Bench, file: OpenFile, instead: OpenFile | null): void {
  bench.files = [file, ...bench.files.filter((known) => known !== instead)].slice(0, MAX_FILES);
}

// ---- what may have been asked -----------------------------------------------------------------------------------------

/** From the likeliest on. */
function* guesses(bench: Bench, call: Call): Generator<Guess, void, void> {
  const files = [...bench.files, bench.fresh];
  for (const [isMissed, isCongested] of [[false, false], [true, false], [false, true], [true, true]] as const) {
    for (const file of files) {
      for (const [offset, req] of questions(file.ra, call)) yield { file, offset, req, isMissed, isCongested };
    }
  }
}

/** Offset and number of pages. A reader that goes on either has all it wanted (prev_page is its last page), or wants more than any window holds. A
 *  file whose readahead is off is at the page that was asked for. */
function questions(ra: file_ra_state, call: Call): [offset: number, req: number][] {
  const next = ra.prev_page + 1;
  const found: [number, number][] = [];
  if (call.prev >= next) found.push([next, call.prev - ra.prev_page], [next, Math.max(1, call.ra_pages)]);
  const [first] = call.windows;
  if (first !== undefined && call.prev >= first.offset) found.push([first.offset, call.prev - first.offset + 1]);
  found.push([call.prev, 1]);
  return found;
}

// ---- the engine -------------------------------------------------------------------------------------------------------

function makeBench(ram: readonly Ram[], lines: readonly { text: string }[]): Bench {
  const k = bootedMachine(ram, { disks: [disk('sda', FILE_SIZE / PAGE_SIZE)] });
  const inode = flat_add_file(k, '/file', FILE_SIZE, 0);
  set_tracing(k, 1);
  const fresh = open_inode(k, inode, FMODE_READ, 0).f_ra;
  const device = Number(/ ra_pages (\d+)$/.exec(lines.find(({ text }) => text.startsWith('RA state'))?.text ?? '')?.[1] ?? fresh.ra_pages);
  return {
    k, inode, files: [], fresh: { id: 0, ra: fresh, isNew: true }, allowed: [fresh.ra_pages, device].flatMap((pages) => [0, pages, 2 * pages]),
    windows: { rules: 'FM-6 FM-8 FM-10', what: 'readahead windows (RA io)', same: 0, total: 0, difference: null },
    states: { rules: 'FM-7 FM-8', what: 'readahead state (RA state)', same: 0, total: 0, difference: null },
    notes: { opened: 0, missed: 0, congested: 0, advised: 0 },
    reads: [],
  };
}

/** Runs the engine's page_cache_readahead on a copy of the file's state; what it read is dropped again. Pages are read at once, as those of a file in
 *  memory: only where the queue is to be congested is there a disk, which is waited for. */
function attempt({ k, inode, allowed }: Bench, call: Call, { file, offset, req, isMissed, isCongested }: Guess): Outcome {
  const ra = { ...file.ra, ra_pages: allowed.includes(call.ra_pages) ? call.ra_pages : file.ra.ra_pages };
  if (isMissed) handle_ra_miss(ra);
  inode.i_bdev = isCongested ? 0 : -1;
  k.block.disks[0]!.queue.backing_dev_info.state = isCongested ? BDI_read_congested : 0;
  fillCache(k, inode, call.windows);
  const since = k.trace.ring.seq;
  run_to_end(k, page_cache_readahead(k, inode, ra, offset, req));
  const windows = windowsIn(trace_records(k, since));
  run_block_events(k, Infinity);
  emptyCache(k, inode);
  return { windows, state: stateText(ra), ra };
}

/** The cache such that of each window as many pages are missing as the trace says; the last ones are there, or behind the end of the file. */
function fillCache(k: Kernel, inode: inode, windows: readonly Window[]): void {
  for (const { offset, nr, actual } of windows) {
    for (let index = offset + actual; index < offset + nr; index++) insertPage(k, inode, index, k.zero_page);
  }
}

function emptyCache(k: Kernel, inode: inode): void {
  const filled = radix_tree_gang_lookup(inode.page_tree, 0, Infinity).filter(({ page }) => page === k.zero_page);
  for (const { index } of filled) radix_tree_delete(k, inode.page_tree, index);
  if (inode.nrpages > 0) run_to_end(k, truncate_inode_pages(k, inode, 0));
}

/** The windows that the engine asked for, as the trace writes them. */
export function windowsIn(records: readonly TraceRecord[]): string[] {
  const asked = records.filter(({ name }) => name === 'mm_readahead');
  return asked.map(({ seq, args }, i) => {
    const next = asked[i + 1]?.seq ?? Infinity;
    const actual = records.filter((record) => record.name === 'mm_filemap_add_to_page_cache' && record.seq > seq && record.seq < next).length;
    return `RA io offset ${args['start']} nr ${args['len']} actual ${actual} block ${1 - args['async']!}`;
  });
}

/** What a call left behind, as the trace writes it. */
export function stateText(ra: file_ra_state): string {
  const labels = ['prev', 'start', 'size', 'ahead_start', 'ahead_size', 'flags', 'hit', 'ra_pages'];
  return `RA state ${STATE_FIELDS.map((name, i) => `${labels[i]} ${ra[name]}`).join(' ')}`;
}
