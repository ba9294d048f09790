// Breakpoints in the worker: each armed one becomes a trap at its places. Conditions are closures made once, tried by position inside the hook's own
// test, so that one that does not hold costs no stop (DESIGN.md, decision 4).

import type { Kernel } from '../../engine/index.ts';
import type { ExpressionData } from '../../language/runtime/index.ts';
import { EvaluationError, compileCondition, compileLog } from '../../language/runtime/index.ts';
import type { ArmedBreakpoint, HitCondition, PlaceId } from './commands.ts';
import type { Debuggee, Trap } from './state.ts';
import { enginePlace, isEnginePlace, statementOf } from './state.ts';
import { functionAt, localsAtStatement } from './stack.ts';
import { __bp, __test, always } from './hooks.ts';

/** Bits of a place in __bp. */
export const BREAKPOINT = 1;
export const STEPPING = 2;

/** Replaces every breakpoint; what cannot be armed is said by id, and the rest is armed. Hit counts of breakpoints that stay go on. */
export function arm(d: Debuggee, breakpoints: readonly ArmedBreakpoint[]): { id: number; message: string }[] {
  const counts = new Map([...d.traps.values()].flat().map((trap) => [trap.breakpoint.id, trap.hits]));
  for (const place of d.traps.keys()) disarm(d, place);
  d.traps.clear();
  d.filters = new Map(breakpoints.filter(({ kind, places }) => kind === 'exception' && places.length === 0).map((breakpoint) => [breakpoint.name, breakpoint]));
  const problems: { id: number; message: string }[] = [];
  for (const breakpoint of breakpoints) {
    const hits = counts.get(breakpoint.id) ?? { count: 0 };
    for (const place of breakpoint.places) {
      try {
        addTrap(d, place, makeTrap(d, place, breakpoint, hits));
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        problems.push({ id: breakpoint.id, message: error.message });
      }
    }
  }
  return problems;
}

function disarm(d: Debuggee, place: PlaceId): void {
  __bp[place]! &= ~BREAKPOINT;
  if (isEnginePlace(d, place)) __test[place] = always;
}

function addTrap(d: Debuggee, place: PlaceId, trap: Trap): void {
  const traps = d.traps.get(place) ?? [];
  traps.push(trap);
  d.traps.set(place, traps);
  __bp[place]! |= BREAKPOINT;
  if (isEnginePlace(d, place) && functionAt(d, place).entry === place) __test[place] = entryTest(d, place, traps);
}

function makeTrap(d: Debuggee, place: PlaceId, breakpoint: ArmedBreakpoint, hits: { count: number }): Trap {
  const names = isEnginePlace(d, place) ? enginePlace(d, place).vars : localsAtStatement(d, statementOf(d, place)).map((local) => local.name);
  return {
    breakpoint, hits,
    test: breakpoint.condition === null ? always : quietCondition(d, breakpoint.condition, names),
    log: breakpoint.log === null ? null : compileLog(breakpoint.log, names, d.constants),
  };
}

/** The test in the hook of a function's entry: called with the parameters by position, before anything is gathered. */
function entryTest(d: Debuggee, place: PlaceId, traps: readonly Trap[]): (...parameters: unknown[]) => boolean {
  if (traps.some(({ breakpoint }) => breakpoint.condition === null)) return always;
  const { params } = functionAt(d, place);
  const conditions = traps.map(({ breakpoint }) => quietCondition(d, breakpoint.condition!, params));
  return (...parameters) => (__bp[place]! & STEPPING) !== 0 || conditions.some((condition) => condition(d.machine.k, parameters));
}

/** A condition that cannot be evaluated (a member of nothing, a division by zero) does not hold. Throws EvaluationError for unknown names. */
function quietCondition(d: Debuggee, expression: ExpressionData, names: readonly string[]): (k: Kernel, values: readonly unknown[]) => boolean {
  const condition = compileCondition(expression, names, d.constants);
  return (k, values) => {
    try {
      return condition(k, values);
    } catch (error) {
      if (error instanceof EvaluationError) return false;
      throw error;
    }
  };
}

/** Whether a passing counts, by the trap's hit condition; the passing is counted. */
export function countHit(trap: Trap): boolean {
  const count = ++trap.hits.count;
  return trap.breakpoint.hit === null || hitHolds(trap.breakpoint.hit, count);
}

function hitHolds(hit: HitCondition, count: number): boolean {
  switch (hit.operator) {
    case '==': return count === hit.count;
    case '>': return count > hit.count;
    case '>=': return count >= hit.count;
    case '<': return count < hit.count;
    case '<=': return count <= hit.count;
    case '%': return hit.count > 0 && count % hit.count === 0;
  }
}

/** Marks the places a step may end at, and takes the marks away again. */
export function markPlaces(places: Iterable<PlaceId>): void {
  for (const place of places) __bp[place]! |= STEPPING;
}

export function unmarkAllPlaces(count: number): void {
  for (let place = 0; place < count; place++) __bp[place]! &= ~STEPPING;
}
