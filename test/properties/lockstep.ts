// Engine and model in lockstep: each step is taken on both sides, and what it touched is compared at once; everything, with the laws of the machine,
// every so many steps and at the end.

import { KernelBug } from '../../engine/index.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import type { Difference } from './comparison.ts';
import { compareCommitted, compareEverything, compareOutcomes, compareProcess, compareTouched } from './comparison.ts';
import type { Engine } from './engine-side.ts';
import { PROGRAM, makeEngine, perform } from './engine-side.ts';
import type { Area, Process, World } from './memory-model.ts';
import { PAGE, VM, areaAt, lockedPages, pagesOf } from './memory-model.ts';
import type { Outcome, ProgramText, Results, Setup, Step } from './system-calls.ts';
import { PROGRAM_PAGES, makeWorld, predict, remember, resolve } from './system-calls.ts';

/** Steps between two looks at everything. */
export const FULL_LOOK = 500;

/** A run that may be watched, or tampered with: what tests of the test itself do. */
export interface Run {
  setup: Setup;
  /** The next step, or null where the run ends. */
  next(world: World, results: Results): Step | null;
  predict?: typeof predict;
  /** Called after the engine's part of a step. */
  afterEngine?(engine: Engine, step: Step): void;
  fullLook?: number;
}

/** Where the two sides parted. */
export interface Failure {
  /** The steps that were taken, the last of them the one that failed. */
  taken: Step[];
  difference: Difference;
}

export interface Course {
  failure: Failure | null;
  taken: number;
  /** How often each action was taken, with what came of it: `mmap`, `mmap -12`, `load signal 11`. */
  counts: Map<string, number>;
}

/** The bytes of a program of that name. */
export function textOf(name: string): ProgramText {
  const bytes = Uint8Array.from({ length: PROGRAM_PAGES * PAGE }, (_, offset) => file_byte(`/bin/${name}`, offset));
  return (offset) => bytes[offset] ?? 0;
}

const TEXT = textOf(PROGRAM);

/** Runs to the end, or to the first difference. */
export function run(run: Run): Course {
  const engine = makeEngine(run.setup);
  const world = makeWorld(run.setup, engine.k.totalram_pages);
  const results: Results = new Map();
  const counts: Course['counts'] = new Map();
  const sides: Sides = { run, engine, world, results, counts };
  const taken: Step[] = [];
  for (let step = run.next(world, results); step !== null; step = run.next(world, results)) {
    if (!isPossible(world, step) || !isBounded(world, step, results)) continue;
    taken.push(step);
    const isDue = taken.length % (run.fullLook ?? FULL_LOOK) === 0;
    const difference = takeStep(sides, step) ?? (isDue ? compareEverything(engine, world) : null);
    if (difference !== null) return { failure: { taken, difference }, taken: taken.length, counts };
  }
  const difference = compareEverything(engine, world);
  return { failure: difference === null ? null : { taken, difference }, taken: taken.length, counts };
}

interface Sides {
  run: Run;
  engine: Engine;
  world: World;
  results: Results;
  counts: Course['counts'];
}

function takeStep({ run, engine, world, results, counts }: Sides, step: Step): Difference | null {
  const { slot, action } = step;
  const expected = (run.predict ?? predict)(world, run.setup, step, { results, text: TEXT });
  const found = performed(engine, step, results);
  if (typeof found === 'string') return { what: found, slot, at: null };
  run.afterEngine?.(engine, step);
  remember(results, step, expected);
  const key = `${action.name}${kindOf(expected)}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  const other = action.name === 'fork' ? compareProcess(engine, world, action.child) : null;
  const what = compareOutcomes(expected, found) ?? compareProcess(engine, world, slot) ?? other ?? compareCommitted(engine, world);
  return what === null ? compareTouched(engine, world, step, results) : { what, slot, at: null };
}

/** The engine's part, or the text of its BUG. */
function performed(engine: Engine, step: Step, results: Results): Outcome | string {
  try {
    return perform(engine, step, results);
  } catch (error) {
    if (error instanceof KernelBug) return `BUG: ${error.message}`;
    throw error;
  }
}

function kindOf({ result, death }: Outcome): string {
  if (death !== null) return ` signal ${death.signal}`;
  return typeof result === 'number' && result < 0 ? ` ${result}` : '';
}

// ---- steps that are left out ------------------------------------------------------------------------------------------

/** Whether there is a process to take the step: a shortened run has steps of processes that were never made. */
function isPossible(world: World, { slot, action }: Step): boolean {
  const isThere = (index: number): boolean => (world.processes[index] ?? null) !== null;
  if (action.name === 'start') return slot >= 0 && !isThere(slot);
  return isThere(slot) && (action.name !== 'fork' || !isThere(action.child));
}

/** Pages that one step may make resident, and all processes together: memory must not run out, because nothing is modelled of what would follow. */
const MOST_AT_ONCE = 1600;
/** Pages that one answer of mincore may list. */
const MOST_LISTED = 100_000;
const MAP_LOCKED = 0x2000;
const MAP_POPULATE = 0x8000;
const MADV_REMOVE = 9;

/** Whether the answer to a step is certain: it asks for no more memory than there surely is. */
function isBounded(world: World, step: Step, results: Results): boolean {
  const process = world.processes[step.slot];
  if (process === null || process === undefined) return true;
  const { action } = step;
  if (action.name === 'madvise' && action.advice === MADV_REMOVE && !isWithinOne(process, resolve(results, action.at), action.length)) return false;
  if (action.name === 'mincore' && action.length / PAGE > MOST_LISTED) return false;
  if (isFull(world) && !['munmap', 'exit', 'load', 'munlock', 'munlockall'].includes(action.name)) return false;
  return pagesLocked(process, step, results) <= MOST_AT_ONCE && (world.overcommit !== 0 || isPromiseClear(world, process, step));
}

function isFull(world: World): boolean {
  return world.processes.reduce((sum, process) => sum + (process?.space.pages.size ?? 0), 0) > world.ram / 3;
}

/** Pages that a step may lock, and so make resident, at most. */
function pagesLocked(process: Process, { action }: Step, results: Results): number {
  const { space } = process;
  const limit = process.isRoot ? Infinity : process.limits.memlock / PAGE;
  const isFuture = space.defaultFlags !== 0;
  switch (action.name) {
    case 'mmap':
      if ((action.flags & MAP_POPULATE) !== 0) return action.length / PAGE;
      return isFuture || (action.flags & MAP_LOCKED) !== 0 ? Math.min(action.length / PAGE, limit) : 0;
    case 'mmap_file': return action.length / PAGE;
    case 'brk': return isFuture ? Math.min(limit, (action.at.base + action.at.offset - space.brk) / PAGE) : 0;
    case 'mlock': return Math.min(limit, pagesWithin(space.areas, resolve(results, action.at), action.length));
    case 'mlockall': return Math.min(limit, pagesWithin(space.areas, 0, Infinity));
    case 'mremap': return lockedPages(space) > 0 ? Math.min(limit, action.newLength / PAGE) : 0;
    case 'touch': return action.length / PAGE;
    default: return 0;
  }
}

/** Pages of areas that a range touches. */
function pagesWithin(areas: readonly Area[], start: number, length: number): number {
  return areas.reduce((sum, area) => sum + (area.end > start && area.start < start + length ? pagesOf(area) : 0), 0);
}

/** With overcommit_memory 0: each promise asked for is so small that it must be granted, or so large that it cannot be. */
function isPromiseClear(world: World, process: Process, { action }: Step): boolean {
  const isClear = (pages: number): boolean => pages < world.ram / 4 || pages > world.ram;
  switch (action.name) {
    case 'fork': return process.space.areas.every((area) => (area.flags & VM.ACCOUNT) === 0 || isClear(pagesOf(area)));
    case 'mmap': case 'mmap_file': case 'mprotect': return isClear(action.length / PAGE);
    case 'mremap': return isClear(action.newLength / PAGE);
    case 'brk': return isClear((action.at.base + action.at.offset - process.space.brk) / PAGE);
    default: return true;
  }
}

function isWithinOne(process: Process, start: number, length: number): boolean {
  const area = areaAt(process.space, start);
  return area !== undefined && start + length <= area.end;
}
