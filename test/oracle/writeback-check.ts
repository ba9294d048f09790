// Dirty pages (KERNEL.md WB-3 … WB-8): each line of a trace about them, from its own inputs by the engine's functions.
//
//   BDPR   so many calls of balance_dirty_pages_ratelimited after the one before it looks at the limits; with as much dirty as the line says it asks
//          pdflush for help, or not, as the BDP line behind it says
//   BDP    its limits are get_dirty_limits'
//   BGW    the background limit; what is left of min_pages, and whether the walk was the last one
//   KUPD   how long after the one before
//
// Inputs that no line holds: how much is mapped (from the SA lines around, else from the snapshots), and whether somebody is over the limit (from the
// ratelimit that the line shows). What the lines together must be when the program itself runs is writeback-run.ts's.

import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import { FMODE_WRITE } from '../../engine/include/mm_types.ts';
import { NR_ANON_PAGES, NR_FILE_DIRTY } from '../../engine/include/mmzone.ts';
import { TASK_INTERRUPTIBLE } from '../../engine/include/sched.ts';
import { flat_add_file } from '../../engine/fs/flat.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { MAX_WRITEBACK_PAGES, balance_dirty_pages_ratelimited, get_dirty_limits } from '../../engine/mm/page-writeback.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine } from './engine-door.ts';
import { disk } from './program.ts';
import type { Recording } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import type { Look, Mapped, Periodic, Walk, WritebackLine } from './writeback-lines.ts';
import { lookText, wakeText, walkText, writebackLines } from './writeback-lines.ts';

export interface WritebackVerdict {
  checks: Check[];
  gaps: string[];
  notes: string[];
}

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

interface Bench {
  k: Kernel;
  file: inode;
  lines: readonly WritebackLine[];
  /** Calls between two looks: as long as nobody is over the limit, and while somebody is. */
  ratelimits: [number, number];
  /** Mapped and anonymous pages that the snapshots show, ascending. */
  seen: number[];
  /** Looks of writers who were over the limit, and had to write themselves: what then becomes of them depends on the disk. */
  throttled: number;
}

/** The checks of a recording's lines about dirty pages; none where it has none. */
export function checkWriteback(recording: Recording, ram: readonly Ram[]): WritebackVerdict {
  const verdict: WritebackVerdict = { checks: [], gaps: [], notes: [] };
  const lines = writebackLines(recording.trace ?? []);
  const strange = lines.filter(({ kind }) => kind === 'strange');
  if (lines.every(({ kind }) => kind === 'mapped')) return verdict;
  if (strange.length > 0) verdict.gaps.push(`${strange.length} lines about dirty pages, from line ${strange[0]!.line} on, are of a form that nothing is compared with`);
  const bench = makeBench(recording, ram, lines);
  const pairs = lines.map((line, at) => pairsOf(bench, line, at));
  const of = (kind: Kind): Pair[] => pairs.flatMap((found) => found[kind] ?? []);
  for (const kind of Object.keys(RULES) as (Kind)[]) verdict.checks.push(compareAll(...RULES[kind], of(kind)));
  if (bench.throttled > 0) verdict.gaps.push(`${bench.throttled} writers were over the dirty limit: what they then wrote and waited for is not compared line by line`);
  verdict.checks = verdict.checks.filter(({ total }) => total > 0);
  return verdict;
}

type Kind = 'looks' | 'wakes' | 'walks' | 'periods';

const RULES: Readonly<Record<Kind, readonly [string, string]>> = {
  looks: ['WB-4', 'looks at the dirty limits (BDPR)'],
  wakes: ['WB-3 WB-5', 'pdflush asked for help (BDP)'],
  walks: ['WB-3 WB-6', 'background walks (BGW)'],
  periods: ['WB-8', 'periodic walks (KUPD)'],
};

type Pairs = Partial<Record<Kind, Pair[]>>;

function pairsOf(bench: Bench, line: WritebackLine, at: number): Pairs {
  switch (line.kind) {
    case 'look': return lookPairs(bench, line, at);
    case 'walk': return { walks: walkPairs(bench, line, at) };
    case 'periodic': return { periods: periodPairs(bench, line, at) };
    case 'wake': return bench.lines[at - 1]?.kind === 'look' ? {} : { wakes: [{ where: `trace line ${line.line}`, kernel: line.text, engine: 'looks at no limits before' }] };
    default: return {};
  }
}

// ---- the bench --------------------------------------------------------------------------------------------------------

function makeBench(recording: Recording, ram: readonly Ram[], lines: readonly WritebackLine[]): Bench {
  const k = bootedMachine(ram, { disks: [disk('sda', 1024)] });
  set_tracing(k, 1);
  const file = flat_add_file(k, '/file', 0, 0);
  file.i_writecount = FMODE_WRITE;
  const bench: Bench = { k, file, lines, ratelimits: [0, 0], seen: mappedIn(recording), throttled: 0 };
  bench.ratelimits = [callsToLook(bench, 0), callsToLook(bench, 1)];
  return bench;
}

/** Pages that the snapshots' nr_mapped and nr_anon_pages add up to. */
function mappedIn({ snapshots }: Recording): number[] {
  const figure = (text: string, name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  const found = snapshots.flatMap(({ files: { vmstat } }) => (vmstat === undefined ? [] : [figure(vmstat, 'nr_mapped') + figure(vmstat, 'nr_anon_pages')]));
  return found.filter((pages) => !Number.isNaN(pages)).sort((a, b) => a - b);
}

/** Calls that are made until the engine looks at the limits; nothing is dirty. */
function callsToLook(bench: Bench, exceeded: 0 | 1): number {
  set(bench, { dirty: 0, mapped: 0, exceeded, counted: 0 });
  for (let calls = 1; calls <= MOST_CALLS; calls++) if (looks(bench)) return calls;
  return Infinity;
}

const MOST_CALLS = 1 << 20;

/** One call; whether the engine looked at the limits. */
function looks({ k, file }: Bench): boolean {
  const before = k.trace.counts[TP.balance_dirty_pages]!;
  run_to_end(k, balance_dirty_pages_ratelimited(k, file));
  return k.trace.counts[TP.balance_dirty_pages]! > before;
}

function set({ k }: Bench, { dirty, mapped, exceeded, counted }: { dirty: number; mapped: number; exceeded: 0 | 1; counted: number }): void {
  const zones = for_each_zone(k);
  for (const zone of zones) for (const item of [NR_FILE_DIRTY, NR_ANON_PAGES]) setItem(zone, item, 0);
  setItem(zones[0]!, NR_FILE_DIRTY, dirty);
  setItem(zones[0]!, NR_ANON_PAGES, mapped);
  k.writeback.dirty_exceeded = exceeded;
  k.writeback.ratelimits[0] = counted;
}

/** Counts pages that are nowhere. */
function setItem(zone: zone, item: number, pages: number): void {
  zone.vm_stat[item] = pages;
}

// ---- looks ------------------------------------------------------------------------------------------------------------

/** As many calls as the line says lead to one look, at its end; then the engine asks pdflush for help where the next line says so. */
function lookPairs(bench: Bench, line: Look, at: number): Pairs {
  const { k } = bench;
  const exceeded = line.ratelimit < line.ratelimit_pages ? 1 : 0;
  const next = bench.lines[at + 1];
  const wake = next?.kind === 'wake' ? next : null;
  set(bench, { dirty: line.dirty, mapped: 0, exceeded, counted: line.count > line.ratelimit ? line.count - 1 : 0 });
  setMapped(bench, at, wake === null ? () => true : ({ background, dirty }) => background === wake.bg && dirty === wake.thresh);
  const limits = get_dirty_limits(k, bench.file);
  const isThrottled = line.dirty > limits.dirty;
  if (isThrottled) setItem(for_each_zone(k)[0]!, NR_FILE_DIRTY, 0);
  let calls = 1;
  while (!looks(bench) && calls < MOST_CALLS) calls++;
  const count = line.count > line.ratelimit ? line.count - 1 + calls : calls;
  const text = lookText({ ratelimit: bench.ratelimits[exceeded], count, ratelimit_pages: k.writeback.ratelimit_pages, dirty: line.dirty });
  if (isThrottled) {
    bench.throttled++;
    return { looks: [{ where: `trace line ${line.line}`, kernel: line.text, engine: text }] };
  }
  const engine = takeWork(k) ? wakeText({ reclaimable: line.dirty, bg: limits.background, thresh: limits.dirty }) : ASKS_NOBODY;
  return {
    looks: [{ where: `trace line ${line.line}`, kernel: line.text, engine: text }],
    wakes: [{ where: `trace line ${wake?.line ?? line.line}`, kernel: wake?.text ?? ASKS_NOBODY, engine }],
  };
}

const ASKS_NOBODY = 'asks nobody for help';

/** Whether pdflush was given work; it is taken back. */
function takeWork(k: Kernel): boolean {
  const { pdflush } = k.writeback;
  const busy = pdflush.threads.filter(({ pid }) => !pdflush.pdflush_list.includes(pid));
  for (const work of busy) {
    work.fn = '';
    pdflush.pdflush_list.unshift(work.pid);
    k.tasks[work.pid]!.state = TASK_INTERRUPTIBLE;
    for (const cpu of k.sched.cpus) cpu.queue = cpu.queue.filter((pid) => pid !== work.pid);
  }
  return busy.length > 0;
}

// ---- what is mapped ---------------------------------------------------------------------------------------------------

type Limits = ReturnType<typeof get_dirty_limits>;

/** Maps as much as the machine may have had mapped when a line was printed: where there is a choice, what gives the limits that are looked for. */
function setMapped(bench: Bench, at: number, isWanted: (limits: Limits) => boolean): void {
  const { k } = bench;
  const [low, high] = mappedAround(bench, at);
  const [first] = for_each_zone(k);
  const step = Math.max(1, Math.floor(k.vm_total_pages / 100) - 1);
  for (let pages = low; pages < high; pages += step) {
    setItem(first!, NR_ANON_PAGES, pages);
    if (isWanted(get_dirty_limits(k, null))) return;
  }
  setItem(first!, NR_ANON_PAGES, high);
}

/** The least and the most that was mapped around a line: between the SA lines before and behind it, or else in any snapshot. */
function mappedAround({ lines, seen }: Bench, at: number): [number, number] {
  const isMapped = (line: WritebackLine): line is Mapped => line.kind === 'mapped';
  const before = lines.slice(0, at).reverse().find(isMapped);
  const behind = lines.slice(at).find(isMapped);
  const around = before === undefined && behind === undefined ? seen : [before ?? behind!, behind ?? before!].map(({ pages }) => pages);
  return around.length === 0 ? [0, 0] : [Math.min(...around), Math.max(...around)];
}

// ---- walks ------------------------------------------------------------------------------------------------------------

/** The limit it went by; and that it goes on from the walk before, where that was not the last one. */
function walkPairs(bench: Bench, line: Walk, at: number): Pair[] {
  setMapped(bench, at, ({ background }) => background === line.bg);
  const { background } = get_dirty_limits(bench.k, null);
  const before = bench.lines.slice(0, at).reverse().find((other): other is Walk => other.kind === 'walk');
  const goesOn = before !== undefined && isNotLast(before);
  const left = goesOn ? before.min_pages - line.wrote : line.min_pages;
  const isBegun = goesOn || line.min_pages + line.wrote >= 0;
  const engine = isBegun ? walkText({ ...line, min_pages: left, bg: background }) : `begins with at least no pages to write, not ${line.min_pages + line.wrote}`;
  return [{ where: `trace line ${line.line}`, kernel: line.text, engine }];
}

/** Whether background_writeout goes on after a walk (WB-6). */
function isNotLast(walk: Walk): boolean {
  const { wrote, congested, skipped } = walk;
  const isShort = wrote < MAX_WRITEBACK_PAGES || skipped > 0;
  return isShort ? congested > 0 && !isEnough(walk) : !isEnough(walk);
}

function isEnough(walk: Walk): boolean {
  return walk.dirty < walk.bg && walk.min_pages <= 0;
}

// ---- periods ----------------------------------------------------------------------------------------------------------

/** The timer that wb_kupdate sets; the thread begins when it gets a CPU. */
function periodPairs({ k, lines }: Bench, line: Periodic, at: number): Pair[] {
  const before = lines.slice(0, at).reverse().find((other): other is Periodic => other.kind === 'periodic');
  if (before === undefined) return [];
  const interval = (k.sysctl.dirty_writeback_centisecs * k.platform.hz) / 100;
  const late = line.jiffies - before.jiffies - interval;
  const isDue = late >= 0 && late <= k.platform.hz / LATENESS;
  return [{ where: `trace line ${line.line}`, kernel: `${line.jiffies - before.jiffies} jiffies after the one before`, engine: `${isDue ? interval + late : interval} jiffies after the one before` }];
}

/** A thread that is woken may have to wait for a CPU: for a tenth of a second at most. */
const LATENESS = 10;
