// One run of one scenario: its worker, and in which state it is as far as the client has been told.

import type { EngineClient } from './engine-client.ts';
import type { LaunchOptions, Scenario } from './launch.ts';
import { RequestError } from './request-error.ts';
import type { CommandName, Commands, StackRow, StoppedEvent } from './worker/commands.ts';

/** `ready`: armed, and waiting for the client to be configured. */
export type RunState = 'ready' | 'running' | 'stopped' | 'ended';

export interface Run {
  readonly options: LaunchOptions;
  readonly scenario: Scenario;
  readonly client: EngineClient;
  state: RunState;
  /** Why it stands. */
  stop: StoppedEvent | null;
  /** Stacks read at this stop, by pid: their frames keep their ids. */
  readonly stacks: Map<number, Promise<StackRow[]>>;
  /** Threads that the client was told of and that have not exited, by the client's numbers. */
  readonly threads: Set<number>;
  /** Worker's ids of frames and variables plus this are the client's: none is used twice in a session, restarts included. */
  readonly firstId: number;
  /** The highest id the client has seen. */
  lastId: number;
}

/** Lets a stopped machine go on. */
export async function resume<C extends 'continue' | 'step'>(run: Run, command: C, args: Commands[C]['args']): Promise<void> {
  const { stop } = run;
  run.state = 'running';
  run.stop = null;
  run.stacks.clear();
  run.client.forgetPause();
  try {
    await run.client.request(command, args);
  } catch (error) {
    run.state = 'stopped';
    run.stop = stop;
    throw error;
  }
}

/** Asks a machine that stands. */
export function ask<C extends CommandName>(run: Run, command: C, args: Commands[C]['args']): Promise<Commands[C]['result']> {
  return run.client.request(command, args);
}

/** The run there is. Throws RequestError where none is. */
export function currentRun({ run }: { run: Run | null }): Run {
  if (run === null || run.state === 'ended') throw new RequestError('No scenario is running.');
  return run;
}

// ---- ids --------------------------------------------------------------------------------------------------------------

/** A worker's id of a frame or of what opens in Variables, as the client knows it; 0, which opens nothing, stays. */
export function idToClient(run: Run, id: number): number {
  if (id === 0) return 0;
  run.lastId = Math.max(run.lastId, id + run.firstId);
  return id + run.firstId;
}

/** Back; null for an id of an earlier run. */
export function idFromClient(run: Run, id: number): number | null {
  return id > run.firstId ? id - run.firstId : null;
}

// ---- threads ----------------------------------------------------------------------------------------------------------

/** The idle task, in which the kernel boots, has pid 0, and what stands for a finished run -1: as threads they get
 *  numbers that no client takes for "none". */
const IDLE_THREAD = 1 << 20;

export function threadOf(pid: number): number {
  return pid > 0 ? pid : IDLE_THREAD - pid;
}

export function pidOf(thread: number): number {
  return thread < IDLE_THREAD ? thread : IDLE_THREAD - thread;
}
