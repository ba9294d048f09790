// What a recording says of the program that dirtied pages: what it did, by the marks of its log, how it found the machine, and how fast it was.
//
//   @@ written pages N    so many pages are written        [snapshot prog /proc/vmstat #1]    then /proc was read
//   @@ idle s N           so long nothing was written      [snapshot after-sync …]            sync came first

import { PAGE_SIZE } from '../../engine/include/types.ts';
import { timeOf } from './program.ts';
import type { Recording } from './recording.ts';
import type { Look, Walk, WritebackLine } from './writeback-lines.ts';

/** One thing that the program did, and the tags under which /proc was read then. */
export interface Step {
  kind: 'write' | 'idle' | 'sync';
  /** Pages written since the beginning, or seconds idle. */
  until: number;
  tags: string[];
}

/** How the program found the machine: pages that were counted since somebody last looked at the limits, and pages of ext2's own that were dirty. */
export interface Beginning {
  counted: number;
  dirty: number;
}

/** Ticks a second of every recording (INDEX.md), and of the engine's machine as it comes. */
export const HZ = 250;

/** What the program did, by the marks of its log. */
export function stepsOf(log: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (const line of log) {
    const mark = /^@@ (written pages|idle s) (\d+)/.exec(line);
    if (mark) steps.push({ kind: mark[1] === 'idle s' ? 'idle' : 'write', until: Number(mark[2]), tags: [] });
    const snapshot = /\[snapshot (\S+) \/proc\/(\S+) #(\d+)\]/.exec(line);
    if (!snapshot || steps.length === 0) continue;
    const [, name, file, n] = snapshot;
    if (name === 'after-sync' && steps.at(-1)!.kind !== 'sync') steps.push({ kind: 'sync', until: 0, tags: [] });
    const tag = n === '1' ? name! : `${name}-${n!.padStart(3, '0')}`;
    const { tags } = steps.at(-1)!;
    const entry = file === 'mmtrace' ? TRACE_TAG : tag;
    if (!tags.includes(entry)) tags.push(entry);
  }
  return steps;
}

/** Stands for a reading of the trace itself. */
export const TRACE_TAG = '(trace)';

/** The numbers with which the first look and the first snapshot of the program both come out. */
export function beginningOf({ snapshots }: Recording, steps: readonly Step[], look: Look): Beginning | null {
  const vmstatOf = ({ tags }: Step): string | undefined => snapshots.find(({ tag, files }) => tags.includes(tag) && 'vmstat' in files)?.files['vmstat'];
  const step = steps.find((other) => other.kind === 'write' && vmstatOf(other) !== undefined);
  const text = step && vmstatOf(step);
  if (step === undefined || text === undefined) return null;
  const wanted = figureOf(text, 'nr_dirty');
  for (let counted = 0; counted < look.count; counted++) {
    const pages = look.count - counted;
    const dirty = look.dirty - pages - indirectBlocks(pages);
    if (dirty >= 0 && step.until + dirty + indirectBlocks(step.until) === wanted) return { counted, dirty };
  }
  return null;
}

/** Indirect blocks of a file of so many pages. */
export function indirectBlocks(pages: number): number {
  if (pages <= DIRECT) return 0;
  const behind = pages - DIRECT - POINTERS;
  return behind <= 0 ? 1 : 2 + Math.ceil(behind / POINTERS);
}

/** Blocks that the inode names itself, and that an indirect block names. */
const DIRECT = 12;
const POINTERS = PAGE_SIZE / 4;

/** Indirect blocks that mpage_writepages wrote on its way, because the block before them was written (write_boundary_block): they stay dirty. */
export function boundaries(pages: number): number {
  return pages < DIRECT ? 0 : 1 + Math.floor((pages - DIRECT) / POINTERS);
}

/** A figure of a /proc text by its name; NaN where it has none. */
export function figureOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:? +(\\d+)`, 'm').exec(text)?.[1] ?? NaN);
}

/** What it took the recorded program to write a page, ns: between two walks by the pages that were counted there. */
export function paceOf(lines: readonly WritebackLine[]): number {
  const walks = lines.filter((line): line is Walk => line.kind === 'walk');
  const [first, last] = [walks[0], walks.at(-1)];
  if (first === undefined || last === undefined || first === last) return PACE;
  const looks = lines.slice(lines.indexOf(first), lines.indexOf(last)).filter((line): line is Look => line.kind === 'look');
  const pages = looks.reduce((sum, { count }) => sum + count, 0);
  return pages === 0 ? PACE : ((timeOf(last.jiffies, HZ) - timeOf(first.jiffies, HZ)) / pages);
}

/** Where nothing tells it. */
const PACE = 50_000;
