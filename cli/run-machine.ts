// One run of a compiled scenario in this process, on the plain engine: boots it, runs it to its end and checks its expectations.
// What happens on the way is told to a watcher, at moments at which no task is inside a kernel call of its own.
import type { Kernel, RunEnd } from '../engine/index.ts';
import { KernelBug, boot_machine, make_machine, run_machine } from '../engine/index.ts';
import type { LinkedProgram, OutputRecord, ProgramData, RunResult } from '../language/runtime/index.ts';
import { finishRun, linkProgram } from '../language/runtime/index.ts';
import { UsageError } from './exit-status.ts';

/** Who follows a run. None of these may change the machine. */
export interface Watcher {
  /** The machine is made; nothing has been booted. */
  made?(k: Kernel): void;
  /** The machine is up; no task has run. */
  booted?(k: Kernel): void;
  /** The program printed, checked an expectation or broke. */
  said?(k: Kernel, record: OutputRecord): void;
  /** Every few statements and accesses, whenever the scheduler is about to choose, and at the end. */
  pulse?(k: Kernel): void;
  /** The scheduler is about to choose, or the run has ended. */
  boundary?(k: Kernel): void;
}

/** The emulator did what it never may: a bug of Pagewalk's own. `k` is the machine as it was then. */
export class EmulatorBroke extends Error {
  override name = 'EmulatorBroke';
  readonly k: Kernel;

  constructor(cause: unknown, k: Kernel) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.k = k;
  }
}

/** Statements between two pulses. A power of two, and small enough that the event ring never overflows between them. */
const STATEMENTS_A_PULSE = 64;

/** Thrown through the engine when the run has passed more statements, accesses of `touch` and tracepoints than it may. */
class EventLimit extends Error {}

/** Runs a program to its end; `limit` is a number of statements and tracepoints. Throws EmulatorBroke, and what a watcher throws as UsageError. */
export function runProgram(data: ProgramData, limit: number, watcher: Watcher): RunResult {
  let statements = 0;
  const pulse = (k: Kernel): void => {
    watcher.pulse?.(k);
    if (statements + k.trace.total > limit) throw new EventLimit();
  };
  const program = linkProgram(data, {
    statement(k) {
      statements++;
      if (statements % STATEMENTS_A_PULSE === 0) pulse(k);
    },
    working(k, times) {
      statements += times;
      pulse(k);
    },
    output: (k, record) => watcher.said?.(k, record),
  });
  const boundary = (k: Kernel): void => {
    watcher.boundary?.(k);
    pulse(k);
  };
  const machine = make_machine(data.config, program, { boundary: ({ k }) => boundary(k) });
  const { k } = machine;
  try {
    watcher.made?.(k);
    const end = bugsCaught(() => {
      boot_machine(machine, data.config);
      watcher.booted?.(k);
      return run_machine(machine);
    });
    return finished(k, program, end, watcher);
  } catch (error) {
    if (error instanceof EventLimit) return { k, reason: 'limit', message: '', waiting: [], isAnnounced: false };
    throw error instanceof UsageError ? error : new EmulatorBroke(error, k);
  }
}

/** run_machine reports a BUG; the boot throws it. */
function bugsCaught(run: () => RunEnd): RunEnd {
  try {
    return run();
  } catch (error) {
    if (error instanceof KernelBug) return { reason: 'bug', message: error.message, waiting: [] };
    throw error;
  }
}

function finished(k: Kernel, program: LinkedProgram, end: RunEnd, watcher: Watcher): RunResult {
  const result = finishRun(k, program, end);
  watcher.boundary?.(k);
  watcher.pulse?.(k);
  return result;
}
