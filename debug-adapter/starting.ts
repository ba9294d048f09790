// How a run begins: its worker is started, told every breakpoint, and let go once the client has said all it wanted to say before that.

import type { Entry } from './breakpoints/store.ts';
import { armedBreakpoints, refuseEntries } from './breakpoints/store.ts';
import type { Context } from './context.ts';
import { EngineClient } from './engine-client.ts';
import { onDeath, onWorkerEvent } from './events.ts';
import type { LaunchOptions, Scenario } from './launch.ts';
import { withoutBreakpointStatements } from './launch.ts';
import type { Run } from './run.ts';

/** Statements and tracepoints that a run may pass when nobody can stop it: as many as on the command line. */
const EVENT_LIMIT = 100_000_000;

/** Starts the worker of a compiled scenario; it waits for `begin`. */
export function newRun(context: Context, options: LaunchOptions, scenario: Scenario): Run {
  const { files } = context;
  const firstId = context.run?.lastId ?? 0;
  const start = {
    tables: options.noDebug ? null : files.tablesFile,
    program: stopsItself(options) ? scenario.program : withoutBreakpointStatements(scenario.program),
    options: {
      stopOnEntry: options.stopOnEntry && !options.noDebug,
      stopAtEnd: options.stopAtEnd && !options.noDebug,
      checkInvariants: options.checkInvariants,
      limitEvents: options.noDebug ? EVENT_LIMIT : Infinity,
      overrides: options.seed === null ? {} : { seed: options.seed },
    },
  };
  const client = new EngineClient(options.noDebug ? files.plainWorker : files.debugWorker, start, {
    onEvent: (event) => onWorkerEvent(context, run, event),
    onDeath: (message) => onDeath(context, run, message),
  });
  const run: Run = { options, scenario, client, state: 'ready', stop: null, stacks: new Map(), threads: new Set(), firstId, lastId: firstId };
  return run;
}

/** Whether the scenario's own `stop on` and `breakpoint` statements stop it. */
export function stopsItself({ noDebug, stopOnStopStatements }: LaunchOptions): boolean {
  return stopOnStopStatements && !noDebug;
}

/** Tells the machine every breakpoint, and the store what the machine could not take: those are given. */
export async function armAll(context: Context): Promise<Entry[]> {
  const { run, breakpoints } = context;
  if (run === null || run.options.noDebug || run.state === 'ended') return [];
  const answer = await unlessOver(context, run, run.client.request('arm', { breakpoints: armedBreakpoints(breakpoints) }));
  return answer === null ? [] : refuseEntries(breakpoints, answer.problems);
}

/** The result, or null where the run has ended or was replaced meanwhile: the client hears of that by itself. */
async function unlessOver<T>(context: Context, run: Run, result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (context.run === run && run.state !== 'ended') throw error;
    return null;
  }
}

/** Lets the machine boot and run, once the client has said all it wanted to say before that. */
export async function begin(context: Context): Promise<void> {
  const { run } = context;
  if (run === null || !context.isConfigured || run.state !== 'ready') return;
  run.state = 'running';
  await Promise.allSettled([...context.settling]);
  await unlessOver(context, run, run.client.request('start', null));
}
