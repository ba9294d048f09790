// Steps. A step belongs to one task; others run meanwhile as the scheduler says. Stepping in looks at every hook; over and out look only at places
// of functions that are on the stack, and at the scenario's statements.

import type { PlaceId } from './commands.ts';
import type { Debuggee, Step } from './state.ts';
import { callerDepth, depthAt, functionsOnStack, scenarioDepth } from './stack.ts';
import { markPlaces, unmarkAllPlaces } from './traps.ts';
import { enginePlace, isEnginePlace } from './state.ts';

/** Begins a step of a task from where it stands. */
export function beginStep(d: Debuggee, kind: Step['kind'], pid: number): void {
  const { k } = d.machine;
  const here = d.standstill;
  const own = here !== null && here.pid === pid;
  const frames = scenarioDepth(k, pid);
  const inEngine = own ? isEnginePlace(d, here.place) : (d.shadows[pid]?.sp ?? 0) > 0;
  const depth = own ? depthAt(d, here.place) : (d.shadows[pid]?.sp ?? 0);
  const out = own ? callerDepth(d, here.place) : 0;
  const from = own ? here.place : null;
  if (kind === 'out') d.step = { pid, kind, depth: out, frames: inEngine ? frames : frames - 1, from };
  else d.step = { pid, kind, depth, frames, from };
  if (kind !== 'in') markPlaces(placesOfStep(d, pid));
}

/** Where a step over or out can end. */
function* placesOfStep(d: Debuggee, pid: number): Generator<PlaceId, void, void> {
  for (const { first, last } of functionsOnStack(d, pid)) for (let place = first; place <= last; place++) yield place;
  for (const { id } of d.program.statements) yield d.tables.places.length + id;
}

export function endStep(d: Debuggee): void {
  if (d.step !== null && d.step.kind !== 'in') unmarkAllPlaces(d.tables.places.length + d.program.statements.length);
  d.step = null;
}

/** Whether the step under way ends at this place of the running task. */
export function stepEndsAt(d: Debuggee, place: PlaceId): boolean {
  const { step } = d;
  if (step === null || step.pid !== d.machine.k.current || !reachesEnd(d, step, place)) return false;
  if (!isFirstRound(d, step.from, place)) return true;
  step.from = place;
  return false;
}

/** Whether a place is the head of a loop that has just been entered by the same line: for a person that is one place. */
function isFirstRound(d: Debuggee, from: PlaceId | null, place: PlaceId): boolean {
  if (from === null || !isEnginePlace(d, from) || !isEnginePlace(d, place)) return false;
  const [before, head] = [enginePlace(d, from), enginePlace(d, place)];
  return head.kind === 'loop' && before.kind !== 'loop' && before.fn === head.fn && before.line === head.line && before.column === head.column;
}

function reachesEnd(d: Debuggee, step: Step, place: PlaceId): boolean {
  const { k } = d.machine;
  if (isEnginePlace(d, place)) {
    if (d.tables.functions[d.tables.places[place]!.fn]!.tracepoint) return false;
    return step.kind === 'in' || depthAt(d, place) <= step.depth;
  }
  return step.kind === 'in' || scenarioDepth(k, k.current) <= step.frames;
}
