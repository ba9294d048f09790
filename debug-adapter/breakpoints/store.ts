// Every breakpoint a client has set, by door. An id stays with what was asked for, however often it is sent again; every answer is in the order of
// the request. What the machine must know of all this is one list.

import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EngineFiles } from '../engine-files.ts';
import type { Scenario } from '../launch.ts';
import type { ArmedBreakpoint } from '../worker/commands.ts';
import type { StopStatements } from './stop-statements.ts';
import { resolveStopStatements } from './stop-statements.ts';
import type { Outcome, Wanted, World } from './wanted.ts';
import { refused, resolveWanted } from './wanted.ts';

/** A breakpoint as its door gave it, and what became of it. */
export interface Entry {
  id: number;
  wanted: Wanted;
  outcome: Outcome;
}

export interface BreakpointStore {
  world: World;
  /** Line breakpoints by file, and the other doors under their own names. */
  doors: Map<string, Entry[]>;
  /** Ids by what was asked for. */
  ids: Map<string, number>;
  stops: StopStatements;
}

export function newBreakpointStore(files: EngineFiles): BreakpointStore {
  return { world: { files, scenario: null }, doors: new Map(), ids: new Map(), stops: { armed: [], problems: [] } };
}

/** Replaces what one door holds: a file's line breakpoints (`line:PATH`), `function`, or `exception`. */
export function setDoor(store: BreakpointStore, door: string, wanted: readonly Wanted[]): Entry[] {
  const seen = new Map<string, number>();
  const entries = wanted.map((one) => {
    const key = keyOf(one);
    const copy = seen.get(key) ?? 0;
    seen.set(key, copy + 1);
    return { id: idOf(store, `${key}#${copy}`), wanted: one, outcome: resolveWanted(store.world, one) };
  });
  store.doors.set(door, entries);
  return entries;
}

/** What makes a breakpoint the same one when it is sent again. */
function keyOf(wanted: Wanted): string {
  switch (wanted.door) {
    case 'line': return `line:${wanted.path}:${wanted.line}:${wanted.column ?? ''}`;
    case 'function': return `function:${wanted.text}`;
    case 'exception': return `exception:${wanted.filter}`;
  }
}

function idOf(store: BreakpointStore, key: string): number {
  const known = store.ids.get(key);
  if (known !== undefined) return known;
  const id = store.ids.size + 1;
  store.ids.set(key, id);
  return id;
}

/** Resolves everything anew for a scenario; the entries that came out otherwise than before. */
export function useScenario(store: BreakpointStore, scenario: Scenario, { stopStatements }: { stopStatements: boolean }): Entry[] {
  store.world = { ...store.world, scenario };
  store.stops = stopStatements ? resolveStopStatements(store.world) : { armed: [], problems: [] };
  return [...store.doors.values()].flat().filter((entry) => {
    const before = JSON.stringify(shown(entry));
    entry.outcome = resolveWanted(store.world, entry.wanted);
    return JSON.stringify(shown(entry)) !== before;
  });
}

/** Marks what the machine could not arm, and gives it. */
export function refuseEntries(store: BreakpointStore, problems: readonly { id: number; message: string }[]): Entry[] {
  return [...store.doors.values()].flat().filter((entry) => {
    const problem = problems.find(({ id }) => id === entry.id);
    if (problem !== undefined) entry.outcome = { ...refused(problem.message), spot: entry.outcome.spot };
    return problem !== undefined;
  });
}

/** All that is to be armed. */
export function armedBreakpoints(store: BreakpointStore): ArmedBreakpoint[] {
  const own = [...store.doors.values()].flat().flatMap(({ id, outcome }) => (outcome.armed === null ? [] : [{ ...outcome.armed, id }]));
  return [...own, ...store.stops.armed];
}

/** An entry as DAP shows it, lines counted from 1. */
export function shown({ id, outcome: { armed, spot, message, isPending } }: Entry): DebugProtocol.Breakpoint {
  const place = spot === null ? {} : { line: spot.line, column: spot.column, endLine: spot.endLine, endColumn: spot.endColumn };
  if (armed !== null) return { id, verified: true, ...place };
  return { id, verified: false, message: message ?? '', reason: isPending ? 'pending' : 'failed', ...place };
}
