// What the protocol thread asks of the engine worker, and what the worker tells it: plain data over a message port.
//
// A request is answered in order. While the machine runs the worker looks at its port every few thousand hooks and answers only what does not need a
// stopped machine (ALWAYS); to everything else it answers `notStopped`. To make the worker look, add 1 to control[WAKE] and notify it.

import type { MachineConfig } from '../../engine/index.ts';
import type { ExpressionData, LogText, ProgramData } from '../../language/runtime/index.ts';
import type {
  FilePagesArguments, FilePagesResponse, FilesArguments, FilesResponse, LruPagesArguments, LruPagesResponse, LruResponse, PageTableArguments,
  PageTableResponse, PageTablesArguments, PageTablesResponse, ProcessesResponse, VmasArguments, VmasResponse, ZonesResponse,
} from '../protocol.ts';

/** Cells of the shared control array. */
export const WAKE = 0;
/** Set to 1: stop at the next hook that looks. */
export const PAUSE = 1;
/** How many `output` events the client's end has taken: the worker waits where it is too far ahead. */
export const HEARD = 2;
export const CONTROL_CELLS = 4;

/** What a worker is started with (workerData). */
export interface WorkerStart {
  /** MessagePort of the protocol thread's other end. */
  port: unknown;
  control: SharedArrayBuffer;
  /** Path of the tables of an instrumented engine, or null for the plain one, which never stops. */
  tables: string | null;
  program: ProgramData;
  options: WorkerOptions;
}

export interface WorkerOptions {
  stopOnEntry: boolean;
  stopAtEnd: boolean;
  checkInvariants: boolean;
  /** Statements and tracepoints after which a run is given up; Infinity where somebody watches who can stop it. */
  limitEvents: number;
  /** Overrides of the program's own machine, as a seed. */
  overrides: Partial<MachineConfig>;
}

/** A place the worker can stop at: an engine place, or number of engine places + a statement's id. */
export type PlaceId = number;

/** `5` or `==5`, `>5`, `>=5`, `%5` … */
export interface HitCondition {
  operator: '==' | '>' | '>=' | '<' | '<=' | '%';
  count: number;
}

/** One breakpoint, resolved to places; several may share a place. */
export interface ArmedBreakpoint {
  /** The id DAP knows; negative ids are `stop on` statements. */
  id: number;
  kind: 'line' | 'function' | 'stop' | 'exception';
  places: PlaceId[];
  condition: ExpressionData | null;
  hit: HitCondition | null;
  /** A logpoint: it says this and goes on. */
  log: LogText | null;
  /** What a stop's description calls it: `alloc_pages`. */
  name: string;
}

/** Commands by name: their arguments and results. */
export interface Commands {
  /** Replaces every breakpoint. Result: why a condition cannot be, by id. */
  arm: { args: { breakpoints: ArmedBreakpoint[] }; result: { problems: { id: number; message: string }[] } };
  /** Boots and runs; breakpoints are armed before. */
  start: { args: null; result: null };
  continue: { args: null; result: null };
  step: { args: { kind: 'in' | 'over' | 'out'; pid: number }; result: null };
  threads: { args: null; result: ThreadRow[] };
  stack: { args: { pid: number }; result: StackRow[] };
  scopes: { args: { frame: number }; result: ScopeRow[] };
  variables: { args: { reference: number; filter: 'named' | 'indexed' | null; start: number; count: number }; result: VariableRow[] };
  /** `text` is the expression as it was written. Refused for a frame that is gone. */
  evaluate: { args: { expression: ExpressionData; text: string; frame: number | null }; result: VariableRow };
  /** Text of a /proc file as it stands; null for one that is not modelled. */
  proc: { args: { name: string }; result: string | null };
  /** How an address of a frame's task is found; `address` as an expression, read in the frame. Refused for what is no address. */
  walk: { args: { address: ExpressionData; frame: number | null }; result: string };
  zones: { args: null; result: ZonesResponse };
  processes: { args: null; result: ProcessesResponse };
  vmas: { args: VmasArguments; result: VmasResponse };
  pageTables: { args: PageTablesArguments; result: PageTablesResponse };
  pageTable: { args: PageTableArguments; result: PageTableResponse };
  files: { args: FilesArguments; result: FilesResponse };
  filePages: { args: FilePagesArguments; result: FilePagesResponse };
  lru: { args: null; result: LruResponse };
  lruPages: { args: LruPagesArguments; result: LruPagesResponse };
}
export type CommandName = keyof Commands;

/** Commands a running machine answers as well. */
export const ALWAYS: readonly CommandName[] = ['arm', 'threads'];

export interface ThreadRow {
  pid: number;
  /** As ps shows it. */
  name: string;
}

/** One frame, innermost first. `id` is good until the machine goes on. */
export interface StackRow {
  id: number;
  name: string;
  /** A scenario's path as it was compiled, or a path below the checkout: `engine/mm/page_alloc.ts`. */
  path: string;
  world: 'scenario' | 'engine';
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface ScopeRow {
  name: 'Locals' | 'Task' | 'Machine';
  reference: number;
  named: number;
  indexed: number;
  expensive: boolean;
}

/** A row of Variables; reference 0 does not open. References are never used again in a session. */
export interface VariableRow {
  name: string;
  value: string;
  type: string;
  reference: number;
  named: number;
  indexed: number;
  /** What the console would read to get it again, or ''. */
  evaluateName: string;
}

export interface Request<C extends CommandName = CommandName> {
  id: number;
  command: C;
  args: Commands[C]['args'];
}

export type Answer = { id: number; result: unknown } | { id: number; error: 'notStopped' | 'failed'; message: string };

/** Why the machine stopped, as DAP names it, and what to tell people. */
export interface StoppedEvent {
  event: 'stopped';
  reason: 'entry' | 'step' | 'breakpoint' | 'function breakpoint' | 'exception' | 'pause' | 'end';
  pid: number;
  /** One line: `alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver`. */
  text: string;
  /** Ids of the breakpoints that caused it. */
  hit: number[];
}

export interface OutputEvent {
  event: 'output';
  category: 'stdout' | 'stderr' | 'console' | 'important';
  text: string;
  /** Where in the scenario it was said. */
  file: string | null;
  line: number;
  column: number;
}

/** The run is over; `exitCode` is what `pagewalk run` would give. */
export interface EndedEvent {
  event: 'ended';
  exitCode: number;
  summary: string;
}

export type WorkerEvent = StoppedEvent | OutputEvent | EndedEvent | { event: 'threadStarted' | 'threadExited'; pid: number };
export type FromWorker = Answer | WorkerEvent;
