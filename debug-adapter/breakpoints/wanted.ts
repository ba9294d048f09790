// What a client wants, by door, and what becomes of it: places with a condition, or a sentence that says why not.

import path from 'node:path';
import type { Scenario } from '../launch.ts';
import { isSamePath } from '../conventions.ts';
import type { EngineFiles } from '../engine-files.ts';
import { matchEngineFile } from '../engine-files.ts';
import type { ArmedBreakpoint, HitCondition } from '../worker/commands.ts';
import type { Compiled, Surroundings } from './conditions.ts';
import { compileConditionText, compileLogMessage, unknownName } from './conditions.ts';
import { findFilter } from './exceptions.ts';
import type { Target } from './functions.ts';
import { resolveFunction, splitName } from './functions.ts';
import { HIT_CONDITION_HELP, parseHitCondition } from './hit-condition.ts';
import { resolveLine } from './resolve.ts';
import type { Region, Spot } from './spots.ts';
import { engineRegions, scenarioRegions } from './spots.ts';

/** Where breakpoints are looked up. */
export interface World {
  files: EngineFiles;
  /** Null until the launch has compiled it. */
  scenario: Scenario | null;
}

interface Extras {
  condition: string | null;
  hitCondition: string | null;
}

export type Wanted =
  | ({ door: 'line'; path: string; line: number; column: number | null; log: string | null } & Extras)
  | ({ door: 'function'; text: string } & Extras)
  | ({ door: 'exception'; filter: string } & Extras);

/** What is armed, without its id; where a line breakpoint stands; why nothing is armed. */
export interface Outcome {
  armed: Omit<ArmedBreakpoint, 'id'> | null;
  spot: Spot | null;
  message: string | null;
  /** It waits for the scenario. */
  isPending: boolean;
}

export function resolveWanted(world: World, wanted: Wanted): Outcome {
  switch (wanted.door) {
    case 'line': return resolveLineDoor(world, wanted);
    case 'function': return resolveFunctionDoor(world, wanted);
    case 'exception': return resolveExceptionDoor(world, wanted);
  }
}

export function refused(message: string): Outcome {
  return { armed: null, spot: null, message, isPending: false };
}

// ---- lines ------------------------------------------------------------------------------------------------------------

function resolveLineDoor(world: World, wanted: Wanted & { door: 'line' }): Outcome {
  const regions = regionsOf(world, wanted.path);
  if ('message' in regions) return { ...refused(regions.message), isPending: regions.isPending };
  const resolved = resolveLine(regions.regions, wanted.line, wanted.column);
  if ('message' in resolved) return refused(resolved.message);
  const { spot } = resolved;
  const what = `line ${spot.line}`;
  const extras = compileExtras(world, wanted, { names: spot.names, what });
  if ('message' in extras) return { ...refused(extras.message), spot };
  const log = wanted.log === null ? { value: null } : compileLogMessage(wanted.log, { names: spot.names, what }, world.scenario?.program ?? null);
  if ('message' in log) return { ...refused(log.message), spot };
  const name = `${path.basename(wanted.path)}:${spot.line}`;
  return { armed: { kind: 'line', places: spot.places, ...extras.value, log: log.value, name }, spot, message: null, isPending: false };
}

/** The regions of a client's file, or why it has none. */
export function regionsOf({ files, scenario }: World, native: string): { regions: Region[] } | { message: string; isPending: boolean } {
  const file = scenario?.program.files.findIndex((one) => isSamePath(one, native)) ?? -1;
  if (scenario !== null && file >= 0) return { regions: scenarioRegions(files.tables(), scenario.program, { file, text: scenario.texts[file]! }) };
  const match = matchEngineFile(files, native);
  if (match.kind === 'same') return { regions: engineRegions(files.tables(), match.file) };
  if (match.kind === 'different') {
    return { message: `This text of ${match.path} differs from that of the engine which runs here, so its lines mean nothing to it.`, isPending: false };
  }
  if (scenario === null) return { message: 'The scenario is not loaded yet.', isPending: true };
  return { message: `${path.basename(native)} belongs neither to the scenario that runs nor to the engine.`, isPending: false };
}

// ---- functions and exceptions -----------------------------------------------------------------------------------------

function resolveFunctionDoor(world: World, wanted: Wanted & { door: 'function' }): Outcome {
  const split = splitName(wanted.text);
  if (split === null) return refused(`\`${wanted.text}\` names no function: write a name, a pattern, or a name and a condition, as \`alloc_pages order>3\`.`);
  const resolved = resolveFunction(world.files, split.name);
  if ('message' in resolved) return refused(resolved.message);
  const condition = joined(split.condition, wanted.condition);
  return armTargets(world, { kind: 'function', name: split.name, targets: resolved.targets }, { condition, hitCondition: wanted.hitCondition });
}

/** Two conditions must both hold. */
function joined(first: string | null, second: string | null): string | null {
  return first === null || second === null ? (first ?? second) : `(${first}) && (${second})`;
}

function resolveExceptionDoor(world: World, wanted: Wanted & { door: 'exception' }): Outcome {
  const filter = findFilter(wanted.filter);
  if (filter === undefined) return refused(`There is no exception filter \`${wanted.filter}\`.`);
  return armEvent(world, { kind: 'exception', name: filter.filter, event: filter.filter }, wanted);
}

interface Event {
  kind: ArmedBreakpoint['kind'];
  name: string;
  event: string;
}

/** A filter's moment, or else what a function breakpoint of that name means. */
export function armEvent(world: World, { kind, name, event }: Event, extras: Extras): Outcome {
  const filter = findFilter(event);
  if (filter?.target === null) {
    if (extras.condition !== null || extras.hitCondition !== null) return refused(onlyStops(event));
    return { armed: { kind: 'exception', places: [], condition: null, hit: null, log: null, name: event }, spot: null, message: null, isPending: false };
  }
  const resolved = resolveFunction(world.files, filter?.target ?? event);
  return 'message' in resolved ? refused(resolved.message) : armTargets(world, { kind, name, targets: resolved.targets }, extras);
}

/** What a moment that is no function's cannot have. */
function onlyStops(event: string): string {
  return `\`${event}\` stops every time: it takes no condition, no count and no log text.`;
}

/** Arms entries. Of those that a pattern fits, a condition chooses the ones that have its names. */
function armTargets(world: World, { kind, name, targets }: { kind: ArmedBreakpoint['kind']; name: string; targets: readonly Target[] }, extras: Extras): Outcome {
  const compiled = targets.map((target) => compileExtras(world, extras, { names: target.params, what: `\`${target.name}\`` }));
  const fitting = compiled.flatMap((one, i) => ('value' in one ? [{ place: targets[i]!.place, ...one.value }] : []));
  const [first] = fitting;
  if (first === undefined) return refused(compiled.map((one) => ('message' in one ? one.message : ''))[0]!);
  const armed = { kind, places: fitting.map(({ place }) => place), condition: first.condition, hit: first.hit, log: null, name };
  return { armed, spot: null, message: null, isPending: false };
}

// ---- conditions -------------------------------------------------------------------------------------------------------

function compileExtras({ scenario }: World, { condition, hitCondition }: Extras, surroundings: Surroundings): Compiled<Pick<ArmedBreakpoint, 'condition' | 'hit'>> {
  const hit: HitCondition | null = hitCondition === null ? null : parseHitCondition(hitCondition);
  if (hitCondition !== null && hit === null) return { message: `\`${hitCondition}\` is no hit condition. ${HIT_CONDITION_HELP}` };
  if (condition === null) return { value: { condition: null, hit } };
  const compiled = compileConditionText(condition, surroundings, scenario?.program ?? null);
  return 'message' in compiled ? compiled : { value: { condition: compiled.value, hit } };
}

/** Whether an expression that is compiled already fits the places it is for; the message of the first that it does not fit. */
export function checkNames(world: World, expression: NonNullable<ArmedBreakpoint['condition']>, event: string): string | null {
  const resolved = resolveFunction(world.files, findFilter(event)?.target ?? event);
  if ('message' in resolved) return resolved.message;
  const messages = resolved.targets.map((target) => unknownName(expression, { names: target.params, what: `\`${target.name}\`` }, world.scenario?.program ?? null));
  return messages.includes(null) ? null : (messages[0] ?? null);
}
