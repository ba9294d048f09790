/**
 * A compiled scenario, as data.
 *
 * The compiler makes a `ProgramData`, the runtime links and runs it, the debugger reads its tables. It holds no closure and no reference into
 * a machine, so it crosses a worker's door by structured clone. Every call that acts (a kernel call, a `def`, `random`) and every statement is
 * an instruction of its own; what is left of an expression is pure and stays a tree (`ExpressionData`) that carries the places of its source.
 */
import type { MachineConfig, ProgramRecord } from '../../engine/index.ts';
import type { Value } from './values.ts';

export interface ProgramData {
  /** Path of the scenario as it was given to the compiler. */
  file: string;
  /** Every source file, the scenario first; a `file` number below is an index of it. */
  files: string[];
  config: MachineConfig;
  constants: Record<string, Value>;
  /** Task bodies, `boot` and `def`s. A task's `TaskSpec.body` and a `def` instruction's `routine` are indexes of it. */
  routines: Routine[];
  /** Index of the `boot` block's routine. */
  boot: number | null;
  /** By statement id. */
  statements: StatementInfo[];
  stops: StopOn[];
  /** The `expect`s of the top level, in the order of the file. */
  expectations: Expectation[];
  /** Texts of `expects_bug`. */
  expectedBugs: string[];
}

/** Lines and columns start at 1; the end is exclusive. */
export interface Span {
  file: number;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface StatementInfo extends Span {
  id: number;
  /** Name of the `def` it stands in, else null. */
  def: string | null;
  /** Name of the task or `fork` it stands in (`boot` for the boot block); null in a `def`. */
  task: string | null;
  routine: number;
}

/** A piece of code with its own frame: a task's body with the `fork` blocks in it, the `boot` block, or a `def`. */
export interface Routine {
  name: string;
  kind: 'task' | 'boot' | 'def';
  /** The first slots of a frame are the parameters. */
  parameters: string[];
  /** Slots a frame has: parameters, locals, loop states and temporaries. */
  slots: number;
  locals: LocalInfo[];
  code: Instruction[];
}

/** A local is visible where `from <= pc < to`; of two visible ones with one name the later in the list is meant. */
export interface LocalInfo {
  name: string;
  slot: number;
  from: number;
  to: number;
}

/**
 * `pc` values are indexes of the routine's code. A `slot` that takes a result may be null: the result is dropped.
 * A range loop keeps counter, end and step in three slots from `state` on, a list loop the list and an index in two.
 */
export type Instruction =
  /** Passes the statement's hook and charges its cost. */
  | { op: 'statement'; id: number }
  /** A loop comes round to its head: passes the hook again, costs nothing. */
  | { op: 'head'; id: number }
  | { op: 'set'; slot: number; value: ExpressionData }
  | { op: 'store'; list: ExpressionData; index: ExpressionData; value: ExpressionData; at: Span }
  | { op: 'jump'; to: number }
  | { op: 'unless'; condition: ExpressionData; to: number }
  | { op: 'range'; state: number; from: ExpressionData; end: ExpressionData; step: ExpressionData | null; at: Span }
  | { op: 'nextInRange'; state: number; variable: number | null; exit: number }
  | { op: 'list'; state: number; list: ExpressionData; at: Span }
  | { op: 'nextInList'; state: number; variable: number; exit: number }
  | { op: 'kernel'; name: string; args: ExpressionData[]; slot: number | null; at: Span }
  | { op: 'random'; limit: ExpressionData; slot: number | null; at: Span }
  | { op: 'def'; routine: number; args: ExpressionData[]; slot: number | null; at: Span }
  | { op: 'return'; value: ExpressionData | null }
  | { op: 'print'; args: ExpressionData[] }
  | { op: 'expect'; condition: ExpressionData; text: string; message: string | null; at: Span }
  | { op: 'sleep'; time: ExpressionData; at: Span }
  /** Waits for tasks that the scenario declares, by name, and for children by the name of their `fork`; null: for every child. */
  | { op: 'wait'; tasks: string[]; forks: string[] | null }
  /** The child goes on at the next instruction with a copy of all frames, the parent at `to` with the child's pid. */
  | { op: 'fork'; name: string; slot: number | null; to: number; at: Span }
  /**
   * One access to each page from the address in slot `state` up to that in `state + 1`, which a `range` has put there; the first says how far it is.
   * Without a step the accesses after the first are to the beginnings of pages. Without a mode it writes where the area may be written, else reads.
   */
  | { op: 'touch'; state: number; mode: 'read' | 'write' | null; hasStep: boolean; at: Span }
  | { op: 'exit'; value: ExpressionData | null; at: Span }
  | { op: 'breakpoint' };

/** A pure expression. `name` is free: the environment or the machine resolves it when the expression is compiled to a closure. */
export type ExpressionData =
  | { kind: 'literal'; value: Value; at: Span }
  | { kind: 'slot'; slot: number; name: string; at: Span }
  | { kind: 'name'; name: string; at: Span }
  | { kind: 'listOf'; items: ExpressionData[]; at: Span }
  | { kind: 'unary'; operator: UnaryOperator; operand: ExpressionData; at: Span }
  | { kind: 'binary'; operator: BinaryOperator; left: ExpressionData; right: ExpressionData; at: Span }
  | { kind: 'conditional'; condition: ExpressionData; then: ExpressionData; else: ExpressionData; at: Span }
  | { kind: 'call'; name: string; args: ExpressionData[]; at: Span }
  | { kind: 'method'; object: ExpressionData; name: string; args: ExpressionData[]; at: Span }
  | { kind: 'member'; object: ExpressionData; name: string; at: Span }
  | { kind: 'index'; object: ExpressionData; index: ExpressionData; at: Span };

export type UnaryOperator = '-' | '!' | '~';
export type BinaryOperator =
  | '||' | '&&' | '|' | '^' | '&' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '<<' | '>>' | '+' | '-' | '*' | '/' | '%';

/** `stop on EVENT [when …] [hits N] [log "…"]`; the debugger resolves the event's name (a function, a tracepoint or an alias). */
export interface StopOn extends Span {
  event: string;
  when: ExpressionData | null;
  hits: number | null;
  log: LogText | null;
}

/** Plain pieces and `{expr}` pieces in their order. */
export interface LogText {
  parts: (string | ExpressionData)[];
}

export interface Expectation extends Span {
  condition: ExpressionData;
  /** The condition as it is written. */
  text: string;
  message: string | null;
}

/** Where a task stands: `task.program`. Plain data, so that a copy of the machine can go on from it. */
export interface Position {
  /** Outermost first; empty when the task has run to its end. */
  frames: Frame[];
  /** A statement has run since the last look at the scheduler. */
  isReschedDue: boolean;
  /** Virtual time at which the running `sleep` ends. */
  sleepsUntil: number | null;
  /** A call that may sleep is under way in the engine: its own frames say how far it is. */
  isInCall: boolean;
  /** State of the task's generator of random numbers, 32 bits. */
  random: number;
  /** pid of the task of the scenario that began the line of `fork`s it comes from: its own, where it was not forked. */
  origin: number;
  /** Names under which this task has forked: for such a name it waits for its own children only. */
  forked: string[];
  /** What has come into variables since all that they hold was last counted: see held-values.ts. */
  stored: number;
}

export interface Frame {
  routine: number;
  /** The next instruction, or the one being executed. */
  pc: number;
  /** Id of the statement being executed; -1 before the first. */
  statement: number;
  slots: Value[];
}

/** What a program has said, in order: the elements of `k.program_output`; see output.ts. */
export interface OutputRecord extends ProgramRecord {
  at: Span;
  /** The message of an `expect`. */
  message: string | null;
}
