/** Steps that call: the kernel, a `def`, the scheduler; and those that speak. */
import type { Kernel } from '../../engine/index.ts';
import { schedule_timeout, signal_pending, sys_exit, wait_for_children, wait_for_tasks } from '../../engine/index.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { ATOMIC_CALLS, SLEEPING_CALLS } from './calls.ts';
import { ATOMIC_PROCESS_CALLS, SLEEPING_PROCESS_CALLS } from './calls-process.ts';
import { EvaluationError, placed } from './errors.ts';
import type { Closure } from './evaluate.ts';
import { evaluateAll } from './evaluate.ts';
import { hold } from './held-values.ts';
import { toText } from './objects.ts';
import type { Speaker } from './output.ts';
import { recordExpectation, recordPrint } from './output.ts';
import type { Frame, Instruction, OutputRecord, Position, ProgramData, Span } from './program.ts';
import { draw } from './random.ts';
import type { Run, Step } from './step.ts';
import { inEngine, keep, link, next, tell } from './step.ts';
import { userLoad, userStore } from './steps-process.ts';
import type { Value } from './values.ts';
import { isTrue, toInteger, toNumber } from './values.ts';

/** How deep `def`s may call. */
export const DEPTH_LIMIT = 256;

type KernelCall = Instruction & { op: 'kernel' };

/** A call of a kernel thread, of the boot block or of a process. Some names are both: in a `def` the task decides. */
export function kernelCall(instruction: KernelCall): Step {
  const user = callFrom(instruction, SLEEPING_PROCESS_CALLS, ATOMIC_PROCESS_CALLS) ?? USER_ACCESSES.get(instruction.name)?.(instruction);
  const kernel = callFrom(instruction, SLEEPING_CALLS, ATOMIC_CALLS);
  const step = user !== undefined && kernel !== undefined ? byTask(user, kernel) : (user ?? kernel);
  if (step === undefined) throw new EvaluationError(`\`${instruction.name}\` is no call of this machine.`, instruction.at);
  return step;
}

const USER_ACCESSES: ReadonlyMap<string, (instruction: KernelCall) => Step> = new Map([['load', userLoad], ['store', userStore]]);

function callFrom(instruction: KernelCall, sleeping: ReadonlyMap<string, SleepingCall>, atomic: ReadonlyMap<string, AtomicCall>): Step | undefined {
  const { name } = instruction;
  if (sleeping.has(name)) return sleepingCall(instruction, sleeping.get(name)!);
  return atomic.has(name) ? atomicCall(instruction, atomic.get(name)!) : undefined;
}

function byTask(user: Step, kernel: Step): Step {
  const stepOf = ({ task }: Run): Step => (task.kind === 'user' ? user : kernel);
  return {
    go: (k, run, frame) => stepOf(run).go(k, run, frame),
    block: (k, run, frame) => stepOf(run).block!(k, run, frame),
  };
}

/** A signal that the call has sent its own task is looked for at once. */
function atomicCall({ args, slot, at }: KernelCall, call: AtomicCall): Step {
  const closures = args.map(link);
  return {
    go(k, { task }, frame) {
      const outcome = keep(frame, slot, placed(at, () => call(k, evaluateAll(k, closures, frame.slots))));
      return signal_pending(task) ? 'resched' : outcome;
    },
  };
}

function sleepingCall({ args, slot, at }: KernelCall, call: SleepingCall): Step {
  const closures = args.map(link);
  return {
    go: () => 'block',
    *block(k, run, frame) {
      const returned = yield* inEngine(k, run, () => placed(at, () => call.begin(k, evaluateAll(k, closures, frame.slots))));
      tellOfLibrary(k, run);
      const result = placed(at, () => call.result(returned, k));
      hold(k, run.position, result, at);
      keep(frame, slot, result);
    },
  };
}

/** The C library runs in the engine, and says there why it aborts: its last words get their place, and are told as the program's own are. */
function tellOfLibrary(k: Kernel, run: Run): void {
  const last = k.program_output.length - 1;
  const record = k.program_output[last];
  if (record === undefined || 'at' in record) return;
  const told: OutputRecord = { ...record, ...speaker(run), message: null };
  k.program_output[last] = told;
  tell(k, run.host, told);
}

export function random({ limit, slot, at }: Instruction & { op: 'random' }): Step {
  const closure = link(limit);
  return { go: (k, { position }, frame) => keep(frame, slot, placed(at, () => draw(position, toInteger(closure(k, frame.slots))))) };
}

/** Pushes a frame; the caller's `pc` stays at the call until the `def` returns. */
export function defCall({ routine, args, at }: Instruction & { op: 'def' }): Step {
  const closures = args.map(link);
  return {
    go(k, { position, data }, frame) {
      if (position.frames.length > DEPTH_LIMIT) throw new EvaluationError(`\`${data.routines[routine]!.name}\` is called too deeply: ${DEPTH_LIMIT} calls inside one another are possible.`, at);
      position.frames.push(newFrame(data, routine, argumentsOf(k, position, frame, { closures, at })));
      return 'go';
    },
  };
}

/** Arguments go into variables of the called `def`. */
function argumentsOf(k: Kernel, position: Position, frame: Frame, { closures, at }: { closures: readonly Closure[]; at: Span }): Value[] {
  const values = placed(at, () => evaluateAll(k, closures, frame.slots));
  for (const value of values) hold(k, position, value, at);
  return values;
}

/** A frame at the beginning of a routine; what is not an argument begins as 0. */
export function newFrame(data: ProgramData, routine: number, args: Value[]): Frame {
  const slots = new Array<Value>(data.routines[routine]!.slots).fill(0);
  for (const [i, arg] of args.entries()) slots[i] = arg;
  return { routine, pc: 0, statement: -1, slots };
}

/** Pops the frame and gives the caller the value; a bare `return` gives 0. */
export function returning({ value }: Instruction & { op: 'return' }): Step {
  const closure = value === null ? null : link(value);
  return {
    go(k, { position, data }, frame) {
      const result = closure === null ? 0 : closure(k, frame.slots);
      if (value !== null) hold(k, position, result, value.at);
      position.frames.pop();
      const caller = position.frames.at(-1);
      if (caller === undefined) return 'go';
      const call = data.routines[caller.routine]!.code[caller.pc] as Instruction & { op: 'def' };
      return keep(caller, call.slot, result);
    },
  };
}

export function print({ args }: Instruction & { op: 'print' }): Step {
  const closures = args.map(link);
  return {
    go(k, run, frame) {
      const values = placed(speaker(run).at, () => evaluateAll(k, closures, frame.slots));
      const text = values.map((value) => toText(k, value)).join(' ');
      tell(k, run.host, recordPrint(k, speaker(run), text));
      return next(frame);
    },
  };
}

export function expectation({ condition, text, message, at }: Instruction & { op: 'expect' }): Step {
  const closure = link(condition);
  return {
    go(k, run, frame) {
      const ok = isTrue(closure(k, frame.slots));
      tell(k, run.host, recordExpectation(k, { ...speaker(run), at }, { text, ok, message }));
      return next(frame);
    },
  };
}

/** The end of the sleep is kept in the position, so that a copy of the machine sleeps no longer than this one. */
export function sleep({ time, at }: Instruction & { op: 'sleep' }): Step {
  const closure = link(time);
  return {
    go(k, { position }, frame) {
      if (position.sleepsUntil !== null) return 'block';
      const duration = placed(at, () => toNumber(closure(k, frame.slots)));
      if (duration < 0) throw new EvaluationError(`A sleep of ${duration} ns: a time is 0 or more.`, at);
      position.sleepsUntil = k.now + duration;
      return 'block';
    },
    *block(k, { position, task }, frame) {
      const rest = position.sleepsUntil! - k.now;
      if (rest > 0) yield* schedule_timeout(k, rest, 'the end of its sleep');
      if (signal_pending(task)) return;
      position.sleepsUntil = null;
      next(frame);
    },
  };
}

/** A name means one sort of task: one that the scenario declares, or forks; of forks the own children, where this task forks some of that name. */
export function wait({ tasks, forks }: Instruction & { op: 'wait' }): Step {
  return {
    go: () => 'block',
    *block(k, { position, task }, frame) {
      const own = forks === null ? null : forks.filter((name) => position.forked.includes(name));
      if (own === null || own.length > 0) yield* wait_for_children(k, own);
      else yield* wait_for_tasks(k, [...tasks, ...forks!]);
      if (!signal_pending(task)) next(frame);
    },
  };
}

export function exit({ value, at }: Instruction & { op: 'exit' }): Step {
  const closure = value === null ? null : link(value);
  return {
    go(k, { position }, frame) {
      const code = closure === null ? 0 : placed(at, () => toNumber(closure(k, frame.slots)));
      sys_exit(k, code);
      position.frames.length = 0;
      return 'go';
    },
  };
}

export function breakpoint(): Step {
  return {
    go(k, { host }, frame) {
      host.breakpoint?.(k, frame.statement);
      return next(frame);
    },
  };
}

/** Who speaks: the running statement of the innermost frame. */
export function speaker({ task, position, data }: Run): Speaker {
  const statement = position.frames.at(-1)?.statement ?? -1;
  return { task: task.pid === 0 ? 'boot' : task.name, statement, at: spanOf(data.statements[statement]) };
}

function spanOf(place: Span = { file: 0, line: 1, column: 1, endLine: 1, endColumn: 1 }): Span {
  const { file, line, column, endLine, endColumn } = place;
  return { file, line, column, endLine, endColumn };
}
