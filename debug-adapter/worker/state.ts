// What the engine worker knows beside the machine itself: tables of the source, armed breakpoints, the step under way, where it stands.
// One record, passed first; the hooks' own cells (hooks.ts) are the only state outside it.

import type { MessagePort } from 'node:worker_threads';
import type { Kernel, Machine } from '../../engine/index.ts';
import type { Names, ProgramData, Span, Value } from '../../language/runtime/index.ts';
import type { Place, Tables } from '../../build/instrument/tables.ts';
import type { ArmedBreakpoint, OutputEvent, PlaceId, WorkerOptions } from './commands.ts';
import type { Shadow } from './hooks.ts';

/** A breakpoint at one place, ready to be tried. */
export interface Trap {
  breakpoint: ArmedBreakpoint;
  /** Whether the condition holds for the values in scope, in the order of the place's names. */
  test: (k: Kernel, values: readonly unknown[]) => boolean;
  /** The logpoint's text, where it is one. */
  log: ((k: Kernel, values: readonly unknown[]) => string) | null;
  hits: { count: number };
  /** Whether passings in the boot count too; else those count that come once the machine is up. */
  inBoot: boolean;
}

/** A step under way: it ends at a hook of its task, at this depth or above. */
export interface Step {
  pid: number;
  kind: 'in' | 'over' | 'out';
  /** Engine depth (see stack.ts) and number of scenario frames it may end at. */
  depth: number;
  frames: number;
  /** Where it began, then the loop's head it passed over. */
  from: PlaceId | null;
}

/** Where the machine stands: at a hook with the values in scope, or at its end, where `place` means nothing. */
export interface Standstill {
  place: PlaceId;
  pid: number;
  values: readonly unknown[] | undefined;
  /** Once the run is over: where in the scenario that is shown; else null. */
  end: Span | null;
}

/** The pid of the thread that stands for a run that is over, where no task is left to be shown. */
export const END_PID = -1;

/** A frame that a client holds an id of. */
export type FrameHandle =
  | { world: 'engine'; pid: number; names: string[]; values: readonly unknown[] }
  | { world: 'scenario'; pid: number; index: number };

/** What a variablesReference opens. */
export type Opened = { kind: 'locals'; frame: FrameHandle } | { kind: 'value'; value: Value; path: string };

export interface Debuggee {
  machine: Machine;
  program: ProgramData;
  options: WorkerOptions;
  tables: Tables;
  /** Constants that any condition or watch may name. */
  constants: Names;
  port: MessagePort;
  control: Int32Array;
  /** By pid. */
  shadows: Shadow[];
  traps: Map<PlaceId, Trap[]>;
  /** Exception filters that stand at no place, by name: the run itself says when they happen. */
  filters: Map<string, ArmedBreakpoint>;
  step: Step | null;
  /** Whether the first statement is still to come, where the client wants to stop at it. */
  entryWanted: boolean;
  standstill: Standstill | null;
  /** Whether the run has come to its end: what is left can be looked at. */
  isOver: boolean;
  /** A condition is being tried, or a value read: what engine functions run for that is not the scenario's. */
  isReading: boolean;
  frames: Map<number, FrameHandle>;
  opened: Map<number, Opened>;
  /** Last id given to a frame or a reference: none is given twice. */
  lastId: number;
  /** Kernel log lines already sent. */
  logSent: number;
  /** Output that is not sent yet, and since when, in ms. */
  unsaid: { event: OutputEvent; since: number } | null;
  /** `output` events sent. */
  said: number;
  /** Statements passed. */
  statements: number;
  /** Tasks already announced to the client. */
  announced: Set<number>;
}

/** Engine places come first; a scenario statement's place follows them. */
export function isEnginePlace(d: Debuggee, place: PlaceId): boolean {
  return place < d.tables.places.length;
}

export function statementOf(d: Debuggee, place: PlaceId): number {
  return place - d.tables.places.length;
}

export function enginePlace(d: Debuggee, place: PlaceId): Place {
  return d.tables.places[place]!;
}
