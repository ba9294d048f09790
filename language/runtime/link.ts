/**
 * Links a compiled scenario to an engine: the interpreter of task bodies as the engine's `Program`.
 *
 * A task is a coroutine, but where it stands is plain data in `task.program` (a `Position`): in a copy of the machine a new coroutine goes on
 * from there. The coroutine itself only sleeps; everything that does not is done by plain steps.
 */
import type { Kernel, Program, Wait, task_struct } from '../../engine/index.ts';
import { cond_resched, signal_pending } from '../../engine/index.ts';
import { EvaluationError } from './errors.ts';
import { hasFailed, recordError, recordExpectation } from './output.ts';
import type { Expectation, Position, ProgramData } from './program.ts';
import { seedOf } from './random.ts';
import type { Host, Run, Step } from './step.ts';
import { link, tell } from './step.ts';
import { linkInstruction } from './steps.ts';
import { newFrame, speaker } from './steps-calls.ts';
import { isTrue } from './values.ts';

/** A scenario that a machine can run. */
export interface LinkedProgram extends Program {
  data: ProgramData;
  /** Checks the expectations of the top level, once every task has ended; true when none of the whole run failed. */
  finish(k: Kernel): boolean;
}

/** Makes a scenario ready to run. Throws EvaluationError if `data` names what this runtime has not: the compiler lets no such thing pass. */
export function linkProgram(data: ProgramData, host: Host): LinkedProgram {
  const steps = data.routines.map((routine) => routine.code.map(linkInstruction));
  const expectations = data.expectations.map((expected) => ({ expected, condition: link(expected.condition) }));
  const runOf = (task: task_struct): Run => ({ task, position: task.program as Position, host, data });
  return {
    data,
    start: (k, task, body) => startPosition(k, data, task, body),
    run: (k, task) => runTask(k, steps, runOf(task)),
    /** Time begins when the boot has ended, as it does for the kernel log. */
    boot(k) {
      if (data.boot === null) return;
      k.tasks[0]!.program = startPosition(k, data, k.tasks[0]!, data.boot);
      const boot = runTask(k, steps, runOf(k.tasks[0]!));
      while (boot.next().done !== true);
      for (const record of k.program_output) record.time = 0;
    },
    finish(k) {
      for (const { expected, condition } of expectations) check(k, { host, data }, expected, () => isTrue(condition(k, [])));
      return !hasFailed(k);
    },
  };
}

/** Position of a task in which it has begun nothing. */
function startPosition(k: Kernel, data: ProgramData, { name, pid }: task_struct, routine: number): Position {
  const random = seedOf(k.platform.seed, routine, copyNumber(name));
  const frames = [newFrame(data, routine, [])];
  return { frames, isReschedDue: false, sleepsUntil: null, isInCall: false, random, origin: pid, forked: [], stored: 0 };
}

/** 3 of `hog.3`; 0 of a task that has no copies. */
function copyNumber(name: string): number {
  return Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
}

/** A task that a signal ends keeps its frames: they say where it was. */
function* runTask(k: Kernel, steps: readonly (readonly Step[])[], run: Run): Generator<Wait, void, void> {
  const { frames } = run.position;
  try {
    while (frames.length > 0 && !signal_pending(run.task)) {
      const blocked = advance(k, steps, run);
      if (blocked !== null) yield* blocked.block!(k, run, frames.at(-1)!);
      else if (frames.length > 0) yield* cond_resched(k);
    }
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    tell(k, run.host, recordError(k, speaker(run), error, run.data.files));
    frames.length = 0;
  }
}

/** Runs steps until one may sleep, which it returns, or until the scheduler is to be looked at, or signals: null. */
function advance(k: Kernel, steps: readonly (readonly Step[])[], run: Run): Step | null {
  const { frames } = run.position;
  for (;;) {
    const frame = frames[frames.length - 1];
    if (frame === undefined) return null;
    const step = steps[frame.routine]![frame.pc]!;
    const outcome = step.go(k, run, frame);
    if (outcome === 'block') return step;
    if (outcome === 'resched') return null;
  }
}

/** One expectation of the top level: an error in it is one of the scenario. */
function check(k: Kernel, { host, data }: Pick<Run, 'host' | 'data'>, expected: Expectation, holds: () => boolean): void {
  const { text, message, file, line, column, endLine, endColumn } = expected;
  const nobody = { task: '', statement: -1, at: { file, line, column, endLine, endColumn } };
  try {
    tell(k, host, recordExpectation(k, nobody, { text, message, ok: holds() }));
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    tell(k, host, recordError(k, nobody, error, data.files));
  }
}
