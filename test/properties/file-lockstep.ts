// Engine and model in lockstep: rounds of calls are begun on both sides, and when all have ended each must have ended as the model allows. Between
// rounds every law of the machine holds; at random events in their midst too, and what a power cut would leave there is what the model says it may.

import { KernelBug } from '../../engine/index.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { power_cut_image } from '../../engine/fs/flat.ts';
import { check_machine, check_machine_at_rest } from '../../engine/mm/check.ts';
import type { Dice } from './allocator-work.ts';
import { roll } from './allocator-work.ts';
import type { Call } from './file-call.ts';
import { beginCall } from './file-calls.ts';
import type { FileEngine } from './file-engine.ts';
import { beginRound, makeFileEngine, outcomeOf, runFileEngine } from './file-engine.ts';
import { PAGE } from './file-pages.ts';
import type { FileAction, FileOutcome, FileSetup, FileStep, Round } from './file-steps.ts';
import type { FileWorld, Mapping } from './file-world.ts';
import { declaredFile, judgeImage } from './file-world.ts';
import { areApart } from './file-together.ts';

/** Rounds between two looks at every law while they are many; and events between two looks in the midst of calls, and between two power cuts. */
const LAWS_EVERY = 8;
const LAWS_WITHIN = 400;
const CUT_EVERY = 6;
/** Of the pages that must be one thing after a power cut, one in so many is looked at. */
const LOOK_EVERY = 8;

/** A run that may be watched, or tampered with: what tests of the test itself do. */
export interface FileRun {
  setup: FileSetup;
  /** The next round, or null where the run ends. Steps that cannot be taken are left out of it. */
  next(world: FileWorld, fds: ReadonlyMap<number, number>): Round | null;
  /** Called before the engine's part of a round begins, and whenever something happens. */
  tamper?(engine: FileEngine): void;
  /** Looks at everything all the time: for short runs. */
  isThorough?: boolean;
}

/** Where the two sides parted. */
export interface FileFailure {
  taken: Round[];
  what: string;
}

export interface FileCourse {
  failure: FileFailure | null;
  /** Calls that were taken. */
  calls: number;
  /** What the model said that each step must return, where that was certain, and what it holds of the files in the end. */
  due: Map<number, number>;
  world: FileWorld;
  /** Steps that ended their process. */
  deaths: Map<number, number>;
  /** How often each was taken, with what came of it: `read`, `open -2`, `load signal 7`. */
  counts: Map<string, number>;
  cuts: number;
  engine: FileEngine;
}

/** Thrown out of the machine's midst. */
class Parted extends Error {}

interface Sides {
  run: FileRun;
  engine: FileEngine;
  world: FileWorld;
  taken: Round[];
  under: { step: FileStep; call: Call }[];
  dice: Dice;
  course: FileCourse;
}

/** Runs to the end, or to the first difference. */
export function runFiles(run: FileRun): FileCourse {
  const engine = makeFileEngine(run.setup);
  const world = makeFileWorld(run.setup);
  const course: FileCourse = { failure: null, calls: 0, due: new Map(), world, deaths: new Map(), counts: new Map(), cuts: 0, engine };
  const sides: Sides = { run, engine, world, taken: [], under: [], dice: { state: run.setup.cutSeed }, course };
  const what = followed(sides);
  if (what !== null) course.failure = { taken: sides.taken, what };
  return course;
}

/** What went wrong, or null. */
function followed(sides: Sides): string | null {
  try {
    const end = runFileEngine(sides.engine, { idle: () => betweenRounds(sides), event: () => lookWithin(sides) });
    if (end.reason === 'ended') return complain(check_machine(sides.engine.k));
    return `${end.reason}: ${end.message}${end.waiting.map(({ name, waits_for }) => `${name} waits for ${waits_for}`).join('; ')}`;
  } catch (error) {
    if (error instanceof Parted) return error.message;
    if (error instanceof KernelBug) return `BUG: ${error.message}`;
    throw error;
  }
}

function complain(broken: readonly string[]): string | null {
  return broken.length === 0 ? null : broken.slice(0, 5).join('\n');
}

function part(what: string | null): void {
  if (what !== null) throw new Parted(what);
}

function makeFileWorld(setup: FileSetup): FileWorld {
  const files = setup.files.map(({ path, size }) => declaredFile(path, size, (offset) => file_byte(path, offset)));
  const processes = Array.from({ length: 4 }, (_, i) => (i < setup.processes ? { fds: new Map(), maps: new Map() } : null));
  return { files: new Map(files.map((file) => [file.path, file])), processes, time: 0 };
}

// ---- rounds -----------------------------------------------------------------------------------------------------------

/** All processes wait: the round is over, another begins. False where there is none. */
function betweenRounds(sides: Sides): boolean {
  const { run, engine, world, taken } = sides;
  endRound(sides);
  if (run.isThorough === true || taken.length % LAWS_EVERY === 0) part(complain(check_machine_at_rest(engine.k)));
  for (;;) {
    const wanted = run.next(world, engine.results);
    if (wanted === null) return false;
    const round = possible(sides, wanted);
    if (round.length === 0) continue;
    taken.push(round);
    for (const step of round) begin(sides, step);
    beginRound(engine, round);
    return true;
  }
}

function begin({ world, engine, under, course }: Sides, step: FileStep): void {
  const call = beginCall(world, step, engine.results);
  under.push({ step, call });
  if (call.due !== null) course.due.set(step.id, call.due);
}

function endRound({ engine, under, course }: Sides): void {
  for (let next = under.shift(); next !== undefined; next = under.shift()) {
    const outcome = outcomeOf(engine, next.step);
    course.calls++;
    const key = `${next.step.action.name}${kindOf(outcome)}`;
    course.counts.set(key, (course.counts.get(key) ?? 0) + 1);
    const what = next.call.end(outcome);
    part(what === null ? null : `${JSON.stringify(next.step)}: ${what}`);
    if (outcome.signal !== 0) course.deaths.set(next.step.id, outcome.signal);
  }
}

function kindOf({ result, signal }: FileOutcome): string {
  if (signal !== 0) return ` signal ${signal}`;
  return result < 0 ? ` ${result}` : '';
}

/** Steps of a round that can be taken: a shortened run has steps of processes that were never made, and of mappings that are not there. */
function possible({ world, engine }: Sides, round: Round): Round {
  const there: Round = [];
  for (const step of round) {
    const process = world.processes[step.seat] ?? null;
    const { action } = step;
    const isSeatTaken = there.some(({ seat }) => seat === step.seat);
    const isMapped = !('map' in action) || isWithin(process?.maps.get(action.map.of), action);
    const isChildNew = action.name !== 'fork' || world.processes[action.seat] === null;
    const isOpenedBefore = !('fd' in action) || !round.some(({ id }) => id === action.fd.of);
    if (process !== null && !isSeatTaken && isMapped && isChildNew && isOpenedBefore) there.push(step);
  }
  return areApart(world, there, engine.results) ? there : there.slice(0, 1);
}

/** Whether a call keeps to its mapping: a shortened run may have made the mapping shorter. */
function isWithin(mapping: Mapping | undefined, action: FileAction): boolean {
  if (mapping === undefined) return false;
  if ('offset' in action) return action.offset < mapping.pages * PAGE;
  return !('first' in action) || action.first + action.pages <= mapping.pages;
}

// ---- in the midst of calls --------------------------------------------------------------------------------------------

/** Something is about to happen. */
function lookWithin(sides: Sides): void {
  const { run, engine, world, dice, course } = sides;
  run.tamper?.(engine);
  const isThorough = run.isThorough === true;
  if (roll(dice, LAWS_WITHIN) === 0) part(complain(check_machine(engine.k)));
  if (roll(dice, CUT_EVERY) !== 0 && !isThorough) return;
  course.cuts++;
  part(judgeImage(world, power_cut_image(engine.k), () => isThorough || roll(dice, LOOK_EVERY) === 0));
}
