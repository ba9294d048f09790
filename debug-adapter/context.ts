// What the handlers of one session work on.

import type { DebugProtocol } from '@vscode/debugprotocol';
import type { BreakpointStore } from './breakpoints/store.ts';
import type { Conventions } from './conventions.ts';
import type { EngineFiles } from './engine-files.ts';
import type { LaunchGate } from './launch-gate.ts';
import type { Run } from './run.ts';

export interface Context {
  readonly files: EngineFiles;
  readonly breakpoints: BreakpointStore;
  conventions: Conventions;
  /** The run of the scenario; null before launch, another one after each restart. */
  run: Run | null;
  readonly launch: LaunchGate;
  /** Whether the client is gone. */
  readonly isClosed: boolean;
  /** Whether `configurationDone` came: the machine may run. */
  isConfigured: boolean;
  /** Breakpoint requests whose answers are under way: the machine starts after them. */
  readonly settling: Set<Promise<unknown>>;
  /** Sends an event; while a request that sets the machine going is unanswered, after its answer. */
  send(event: string, body?: object): void;
  /** Sends output at once. */
  say(output: DebugProtocol.OutputEvent['body']): void;
  /** Done when the client has taken enough of what was sent that more may be. */
  drained(): Promise<void>;
}
