// One debug session: the Debug Adapter Protocol, and nothing of the machine. Requests go to handlers by name; the guard below stands around all of
// them, so that a bug of ours is an error answer and never a dead session.

import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { DebugSession, Event, Response } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { newBreakpointStore } from './breakpoints/store.ts';
import type { Context } from './context.ts';
import { DEFAULT_CONVENTIONS } from './conventions.ts';
import type { EngineFiles } from './engine-files.ts';
import { ALWAYS_ANSWERED } from './handlers/always.ts';
import { BREAKPOINTS } from './handlers/breakpoints.ts';
import { LIFECYCLE } from './handlers/lifecycle.ts';
import { WHILE_STOPPED } from './handlers/stopped.ts';
import { LaunchGate } from './launch-gate.ts';
import { NOT_STOPPED, RequestError, notStopped } from './request-error.ts';
import type { Run } from './run.ts';

type AnyHandler = (context: Context, args: unknown) => unknown;

const IN_EVERY_STATE = new Map<string, AnyHandler>(Object.entries({ ...LIFECYCLE, ...BREAKPOINTS, ...ALWAYS_ANSWERED }) as [string, AnyHandler][]);
const STOPPED_ONLY = new Map<string, AnyHandler>(Object.entries(WHILE_STOPPED) as [string, AnyHandler][]);

/** Requests whose answer must be out before the events they cause. */
const CAUSING_EVENTS: ReadonlySet<string> = new Set([
  'initialize', 'launch', 'restart', 'configurationDone', 'terminate', 'continue', 'next', 'stepIn', 'stepOut', 'pause',
]);

export class PagewalkSession extends DebugSession implements Context {
  readonly files: EngineFiles;
  readonly breakpoints: Context['breakpoints'];
  readonly launch = new LaunchGate();
  readonly settling = new Set<Promise<unknown>>();
  conventions = DEFAULT_CONVENTIONS;
  run: Run | null = null;
  isConfigured = false;
  isClosed = false;
  readonly #onClosed: () => void;
  /** How many requests of CAUSING_EVENTS are unanswered, and the events that wait for them. */
  #unanswered = 0;
  #waiting: Event[] = [];
  #output: Writable | null = null;
  #draining: Promise<unknown> | null = null;

  /** `onClosed` is called once, when the client has disconnected or is gone. */
  constructor(files: EngineFiles, onClosed: () => void) {
    super();
    this.files = files;
    this.breakpoints = newBreakpointStore(files);
    this.#onClosed = onClosed;
  }

  send(event: string, body?: object): void {
    this.#waiting.push(new Event(event, body));
    this.#flush();
  }

  say(output: DebugProtocol.OutputEvent['body']): void {
    this.sendEvent(new Event('output', output));
  }

  override start(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): void {
    this.#output = output as Writable;
    super.start(input, output);
  }

  async drained(): Promise<void> {
    if (this.#output?.writableNeedDrain !== true) return;
    this.#draining ??= once(this.#output, 'drain').catch(() => undefined).finally(() => (this.#draining = null));
    await this.#draining;
  }

  /** The library calls this when the client's stream has closed or broken. */
  override shutdown(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    void Promise.resolve(this.run?.client.terminate()).finally(() => this.#onClosed());
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.#answer(request);
  }

  async #answer(request: DebugProtocol.Request): Promise<void> {
    const response: DebugProtocol.Response = new Response(request);
    const causesEvents = CAUSING_EVENTS.has(request.command);
    if (causesEvents) this.#unanswered++;
    try {
      response.body = await this.#handle(request);
    } catch (error) {
      refuse(response, error);
    }
    this.sendResponse(response);
    if (causesEvents) this.#unanswered--;
    this.#flush();
    if (request.command === 'disconnect') this.shutdown();
  }

  async #handle({ command, arguments: args }: DebugProtocol.Request): Promise<unknown> {
    const handler = IN_EVERY_STATE.get(command);
    if (handler !== undefined) return handler(this, args ?? {});
    const stoppedHandler = STOPPED_ONLY.get(command);
    if (stoppedHandler === undefined) throw new RequestError(`Pagewalk does not know the request \`${command}\`.`);
    if (this.run?.state !== 'stopped') throw notStopped();
    return stoppedHandler(this, args ?? {});
  }

  #flush(): void {
    if (this.#unanswered > 0) return;
    const events = this.#waiting;
    this.#waiting = [];
    for (const event of events) this.sendEvent(event);
  }
}

/** An id for each kind of error answer. */
const REFUSED = 1;
const BROKEN = 2;

/** Makes the answer an error: what a handler refused in its own words, or a fault of ours. */
function refuse(response: DebugProtocol.Response, error: unknown): void {
  const isOurs = !(error instanceof RequestError);
  const text = isOurs ? `Pagewalk: ${response.command} failed: ${error instanceof Error ? error.message : String(error)}` : error.message;
  response.success = false;
  response.message = text;
  const showUser = isOurs || (error.showsToUser && error.message !== NOT_STOPPED);
  response.body = { error: { id: isOurs ? BROKEN : REFUSED, format: text, showUser } satisfies DebugProtocol.Message };
}
