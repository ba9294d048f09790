/** What the interpreter's parts share: a step, the run it belongs to, and who listens outside. */
import type { Kernel, Wait, task_struct } from '../../engine/index.ts';
import type { Closure } from './evaluate.ts';
import { linkExpression } from './evaluate.ts';
import type { ExpressionData, Frame, OutputRecord, Position, ProgramData } from './program.ts';
import type { Value } from './values.ts';

/** What the world outside hears of a run; nothing it does may change the machine. */
export interface Host {
  /** A statement is about to run, or a loop has come round to its head. */
  statement(k: Kernel, id: number): void;
  /** One statement that does the same many times (`touch`) goes on: it has done it so many times since it was last told. */
  working?(k: Kernel, times: number): void;
  /** A `breakpoint` statement. */
  breakpoint?(k: Kernel, id: number): void;
  /** The program has said something: printed, checked an expectation, or broken (the frames of the broken task still stand). */
  output?(k: Kernel, record: OutputRecord): void;
  /** The rest of a kernel call in which the task of a copied machine was asleep. */
  resumeCall?(k: Kernel, task: task_struct): Generator<Wait, unknown, void>;
}

/** One task at work; it has no state of its own. */
export interface Run {
  task: task_struct;
  position: Position;
  host: Host;
  data: ProgramData;
}

/** What a step leaves: go on with the frame on top, look at the scheduler and for signals first, or carry out `block`. */
export type Outcome = 'go' | 'resched' | 'block';

export interface Step {
  /** Carries the instruction out and moves `pc` on. Throws EvaluationError. */
  go(k: Kernel, run: Run, frame: Frame): Outcome;
  /** The part of an instruction that may sleep; moves `pc` on. In a copy of the machine it begins again. */
  block?(k: Kernel, run: Run, frame: Frame): Generator<Wait, void, void>;
}

/**
 * Carries a function of the engine out in which the task may sleep. In a copy of the machine whose task slept in one, carries out the rest of it
 * instead of `begin`.
 */
export function* inEngine<Returned>(k: Kernel, run: Run, begin: () => Generator<Wait, Returned, void>): Generator<Wait, Returned, void> {
  const { position, host, task } = run;
  const started = position.isInCall ? (host.resumeCall!(k, task) as Generator<Wait, Returned, void>) : begin();
  position.isInCall = true;
  const returned = yield* started;
  position.isInCall = false;
  return returned;
}

/** The closure of an expression of a body: its names are the machine's. */
export function link(expression: ExpressionData): Closure {
  return linkExpression(expression, () => undefined);
}

export function next(frame: Frame): Outcome {
  frame.pc++;
  return 'go';
}

export function jump(frame: Frame, to: number): Outcome {
  frame.pc = to;
  return 'go';
}

/** Puts a result into its slot, if it has one. */
export function keep(frame: Frame, slot: number | null, value: Value): Outcome {
  if (slot !== null) frame.slots[slot] = value;
  return next(frame);
}

/** Tells the world outside of a record, which is in the machine already, whether anyone listens or not. */
export function tell(k: Kernel, host: Host, record: OutputRecord): void {
  host.output?.(k, record);
}
