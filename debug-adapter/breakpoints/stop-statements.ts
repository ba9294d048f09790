// The scenario's own breakpoints: `stop on EVENT when … hits … log …`. They travel with the file and need no client; their ids are negative.

import type { StopOn } from '../../language/runtime/index.ts';
import type { ArmedBreakpoint } from '../worker/commands.ts';
import type { Outcome, World } from './wanted.ts';
import { armEvent, checkNames } from './wanted.ts';

export interface StopStatements {
  armed: ArmedBreakpoint[];
  /** Statements that cannot be armed, with the reason. */
  problems: { statement: StopOn; message: string }[];
}

export function resolveStopStatements(world: World): StopStatements {
  const result: StopStatements = { armed: [], problems: [] };
  world.scenario?.program.stops.forEach((statement, index) => {
    const { armed, message } = resolveStop(world, statement);
    if (armed === null) result.problems.push({ statement, message: `\`stop on ${statement.event}\` has no effect: ${message}` });
    else result.armed.push({ ...armed, id: -1 - index });
  });
  return result;
}

function resolveStop(world: World, { event, when, hits, log }: StopOn): Outcome {
  const outcome = armEvent(world, { kind: 'stop', name: event, event }, { condition: null, hitCondition: null });
  if (outcome.armed === null) return outcome;
  const message = when === null || outcome.armed.places.length === 0 ? null : checkNames(world, when, event);
  if (message !== null) return { ...outcome, armed: null, message };
  return { ...outcome, armed: { ...outcome.armed, condition: when, hit: hits === null ? null : { operator: '==', count: hits }, log } };
}
