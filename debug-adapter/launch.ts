// What `launch` is given: its arguments checked one by one, and the scenario read and compiled.

import fs from 'node:fs';
import path from 'node:path';
import { compileScenario, hasErrors } from '../language/index.ts';
import type { Problem } from '../language/index.ts';
import type { Instruction, ProgramData } from '../language/runtime/index.ts';
import { RequestError } from './request-error.ts';

export interface LaunchOptions {
  /** Absolute. */
  program: string;
  noDebug: boolean;
  stopOnEntry: boolean;
  stopOnStopStatements: boolean;
  stopAtEnd: boolean;
  checkInvariants: boolean;
  seed: number | null;
}

/** A scenario that can run, with the texts of its files in the order of `program.files`. */
export interface Scenario {
  program: ProgramData;
  texts: string[];
  warnings: Problem[];
}

/** Throws RequestError that names the argument. */
export function checkLaunchArguments(given: object): LaunchOptions {
  const args = given as Record<string, unknown>;
  return {
    program: programPath(args.program),
    noDebug: flag(args, 'noDebug', { otherwise: false }),
    stopOnEntry: flag(args, 'stopOnEntry', { otherwise: false }),
    stopOnStopStatements: flag(args, 'stopOnStopStatements', { otherwise: true }),
    stopAtEnd: flag(args, 'stopAtEnd', { otherwise: true }),
    checkInvariants: flag(args, 'checkInvariants', { otherwise: false }),
    seed: seed(args.seed),
  };
}

/** What this version cannot do yet, by the argument that asks for it. */
const UNHEARD: Readonly<Record<string, string>> = {
  record: 'this version keeps no record of a run, so that it cannot step backwards',
  trace: 'this version writes no events from a debug session',
};

/** What a launch asks for that this version cannot do, in words; the launch goes on without it. */
export function unheardWishes(given: object): string[] {
  const wishes = new Map<string, unknown>(Object.entries(given));
  return Object.entries(UNHEARD).filter(([name]) => Boolean(wishes.get(name))).map(([name, why]) => `\`${name}\` has no effect: ${why}.`);
}

function programPath(given: unknown): string {
  if (typeof given !== 'string' || given === '') throw refusal('`program` is missing: it names the .pagewalk file to debug.');
  return path.resolve(given);
}

function flag(args: Record<string, unknown>, name: string, { otherwise }: { otherwise: boolean }): boolean {
  const given = args[name] ?? otherwise;
  if (typeof given !== 'boolean') throw refusal(`\`${name}\` must be true or false, not ${JSON.stringify(given)}.`);
  return given;
}

function seed(given: unknown): number | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < 0) throw refusal(`\`seed\` must be a whole number from 0 on, not ${JSON.stringify(given)}.`);
  return given;
}

function refusal(message: string): RequestError {
  return new RequestError(`Cannot launch: ${message}`, { showsToUser: true });
}

/** Does what the first launch would wait for: makes the parser, and compiles something with it. */
export function warmUp(): void {
  compileScenario('machine { memory 64MiB } kernel warm { print(0) }', 'warm.pagewalk');
}

/** A program whose `breakpoint` statements do nothing, as in a plain run. */
export function withoutBreakpointStatements(program: ProgramData): ProgramData {
  const skip = (instruction: Instruction, pc: number): Instruction => (instruction.op === 'breakpoint' ? { op: 'jump', to: pc + 1 } : instruction);
  return { ...program, routines: program.routines.map((routine) => ({ ...routine, code: routine.code.map(skip) })) };
}

/** Errors that an answer tells; all of them are told as output. */
const SHOWN_ERRORS = 5;

/** A scenario that is wrong: the problems of its text, errors and warnings. */
export class ScenarioProblems extends RequestError {
  readonly problems: Problem[];

  constructor(problems: Problem[]) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    const more = errors.length > SHOWN_ERRORS ? [`… and ${errors.length - SHOWN_ERRORS} more`] : [];
    super([...errors.slice(0, SHOWN_ERRORS).map(problemText), ...more].join('\n'), { showsToUser: true });
    this.problems = problems;
  }
}

/** `FILE:LINE:COL: message`. */
export function problemText({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** Reads and compiles a scenario and what it imports. Throws ScenarioProblems, or RequestError where there is no such file. */
export function loadProgram(file: string): Scenario {
  const texts = new Map<string, string>();
  const read = (one: string): string | undefined => {
    const text = readText(one);
    if (typeof text === 'string') texts.set(one, text);
    return typeof text === 'string' ? text : undefined;
  };
  const text = readText(file);
  if (typeof text !== 'string') throw refusal(`${file} cannot be read: ${text.message}.`);
  texts.set(file, text);
  const { program, problems } = compileScenario(text, file, read);
  if (program === null || hasErrors(problems)) throw new ScenarioProblems(problems);
  return { program, texts: program.files.map((one) => texts.get(one) ?? ''), warnings: problems };
}

function readText(file: string): string | Error {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    return error as Error;
  }
}
