// What a program that was run again left, beside what was recorded: the lines of the trace, and figures of the snapshots.

import { PAGE_SIZE } from '../../engine/include/types.ts';
import type { Recording } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import type { WritebackLine } from './writeback-lines.ts';
import type { Step } from './writeback-script.ts';
import { boundaries, figureOf } from './writeback-script.ts';

/** Figures of the engine's machine when /proc was read. */
export interface Reading {
  step: Step;
  meminfo: Record<string, number>;
  vmstat: Record<string, number>;
  /** Pages of ext2's own in the cache, and how many of them have gone to the disk. */
  own: number;
  ownWritten: number;
  /** Pages of the file that have gone to the disk. */
  fileWritten: number;
}

/** What a run left. */
export interface Left {
  lines: readonly string[];
  before: Reading;
  readings: readonly Reading[];
  /** Recorded Buffers at the first of them, kB: what was in there from before is not the program's. */
  buffers: number;
}

/** So many of ext2's own pages may be dirty again after all was written. */
export const OWN_AGAIN = 2;

const PAGE_KB = PAGE_SIZE / 1024;

/** Compares both. */
export function compareRun(recording: Recording, lines: readonly WritebackLine[], left: Left): Check[] {
  return [
    compareAll('WB-3..6,11..13', 'the program again: looks, wakes and walks', linePairs(left, lines)),
    compareAll('PR-3,4 CT-3', 'the program again: figures of snapshots', left.readings.flatMap((reading) => figurePairs(recording, left, reading))),
  ];
}

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

function linePairs({ lines: engine }: Left, lines: readonly WritebackLine[]): Pair[] {
  return Array.from({ length: Math.max(lines.length, engine.length) }, (_, at) => {
    const line = lines[at];
    const kernel = line !== undefined && 'text' in line ? line.text : 'nothing more';
    return { where: `trace line ${line?.line ?? lines.at(-1)!.line}`, kernel, engine: engine[at] ?? 'nothing more' };
  });
}

/** What was recorded at one moment, and before the program began: figures by file and name; NaN where a snapshot has none. */
interface Recorded {
  tag: string;
  now: Figure;
  before: Figure;
}

type Figure = (file: 'meminfo' | 'vmstat', name: string) => number;

/** Figures of the snapshots that were taken at one moment. */
function figurePairs({ snapshots }: Recording, left: Left, reading: Reading): Pair[] {
  const figuresOf = (tag: string): Figure | null => {
    const files = snapshots.find((other) => other.tag === tag)?.files;
    return files === undefined ? null : (file, name) => figureOf(files[file] ?? '', name);
  };
  const before = figuresOf('before') ?? ((): number => NaN);
  return reading.step.tags.flatMap((tag) => {
    const now = figuresOf(tag);
    return now === null ? [] : pairsAt({ tag, now, before }, left, reading);
  });
}

function pairsAt(recorded: Recorded, left: Left, reading: Reading): Pair[] {
  const { tag, now, before } = recorded;
  const pair = (file: 'meminfo' | 'vmstat', name: string, engine: number): Pair[] => (
    Number.isNaN(now(file, name)) || Number.isNaN(engine) ? [] : [{ where: `${tag}/${file}.txt: ${name}`, kernel: now(file, name), engine }]
  );
  const dirty = dirtyOf(recorded, reading);
  const isIdle = reading.step.kind !== 'write';
  return [
    ...pair('vmstat', 'nr_dirty', dirty),
    ...pair('meminfo', 'Dirty', dirty * PAGE_KB),
    ...pair('meminfo', 'Cached', before('meminfo', 'Cached') + cachedSince(left, reading)),
    ...pair('meminfo', 'Buffers', left.buffers + (reading.own - left.readings[0]!.own) * PAGE_KB),
    ...pair('vmstat', 'pgpgout', writtenOut(recorded, left, reading)),
    ...(isIdle ? [...pair('vmstat', 'nr_writeback', reading.vmstat['nr_writeback']!), ...pair('meminfo', 'Writeback', reading.meminfo['Writeback']!)] : []),
  ];
}

/** What is dirty. Once everything was written, ext2 may dirty some of its own pages again. */
function dirtyOf({ now }: Recorded, { step, vmstat, ownWritten }: Reading): number {
  const again = now('vmstat', 'nr_dirty');
  const isAgain = step.kind !== 'write' && ownWritten > 0 && vmstat['nr_dirty'] === 0 && again <= OWN_AGAIN;
  return isAgain ? again : vmstat['nr_dirty']!;
}

/** How much the cache grew since the program began, kB: ext2's own pages, which are Buffers there, aside. */
function cachedSince({ before }: Left, { meminfo, own }: Reading): number {
  return meminfo['Cached']! - before.meminfo['Cached']! - own * PAGE_KB;
}

/** pgpgout: what the engine's file and directory wrote, and the indirect blocks that were written with them. Once ext2's own pages go to the disk,
 *  some of them need not: there the kernel's figure is taken where it lies between none and all of them. */
function writtenOut({ now, before }: Recorded, left: Left, { vmstat, own, ownWritten, fileWritten }: Reading): number {
  const written = vmstat['pgpgout']! - left.before.vmstat['pgpgout']! - ownWritten * PAGE_KB;
  const least = before('vmstat', 'pgpgout') + written + boundaries(fileWritten) * PAGE_KB;
  const figure = now('vmstat', 'pgpgout');
  const isBetween = ownWritten > 0 && figure >= least && figure <= least + (own + OWN_AGAIN) * PAGE_KB;
  return isBetween ? figure : least;
}
