// A debug session as a test tells it: launched with breakpoints, moved by steps, read as a person reads the stack and the Variables view.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient, ROOT } from './client.ts';

export const SCENARIOS = path.join(import.meta.dirname, 'scenarios');

/** A call's text without the frames that the run got: most tests are not about those. */
export const withoutPages = (text: string | undefined): string | undefined => text?.replaceAll(/\b(page|pfn)=\d+/g, '$1=N');

export const scenarioPath = (name: string): string => path.join(SCENARIOS, `${name}.pagewalk`);
export const enginePath = (below: string): string => path.join(ROOT, 'engine', below);

/** The line of a scenario that carries the comment `@name`, from 1. */
export function markedLine(name: string, marker: string): number {
  return lineWith(scenarioPath(name), `@${marker}`);
}

/** The first line of a file that holds the text, from 1. */
export function lineWith(file: string, text: string): number {
  const line = fs.readFileSync(file, 'utf8').split('\n').findIndex((one) => one.includes(text));
  assert.ok(line >= 0, `${file} has a line with ${text}`);
  return line + 1;
}

export interface Setup {
  /** Launch arguments beside `program`. */
  launch?: object;
  /** Line breakpoints of the scenario: markers, or whole breakpoints with the marker in `at`. */
  lines?: (string | ({ at: string } & Omit<DebugProtocol.SourceBreakpoint, 'line'>))[];
  /** Line breakpoints of the engine by path below engine/ and text on the line. */
  engine?: ({ file: string; at: string } & Omit<DebugProtocol.SourceBreakpoint, 'line'>)[];
  functions?: (string | DebugProtocol.FunctionBreakpoint)[];
  exceptions?: DebugProtocol.SetExceptionBreakpointsArguments;
}

type Stop = DebugProtocol.StoppedEvent['body'];
type Kind = 'continue' | 'next' | 'stepIn' | 'stepOut';

export class Debugging {
  readonly client: DapClient;
  readonly scenario: string;
  /** Answers to the breakpoint requests, by door. */
  readonly answers: Record<'lines' | 'engine' | 'functions' | 'exceptions', DebugProtocol.Breakpoint[]> = { lines: [], engine: [], functions: [], exceptions: [] };
  threadId = 0;

  constructor(client: DapClient, scenario: string) {
    this.client = client;
    this.scenario = scenario;
  }

  /** Launches as VS Code does: `launch` is under way while the breakpoints are set, and `configurationDone` comes last. */
  static async start(scenario: string, setup: Setup = {}, client = DapClient.spawn()): Promise<Debugging> {
    const session = new Debugging(client, scenario);
    try {
      await session.#launch(setup);
    } catch (error) {
      await session.end();
      throw error;
    }
    return session;
  }

  async #launch(setup: Setup): Promise<void> {
    const { client, scenario } = this;
    await client.request('initialize', { adapterID: 'pagewalk', pathFormat: 'path', linesStartAt1: true, columnsStartAt1: true, supportsVariableType: true });
    const launched = client.request('launch', { program: scenarioPath(scenario), ...setup.launch });
    await client.event('initialized');
    await Promise.all([this.#setAll(setup), launched]);
    await client.request('configurationDone');
  }

  async #setAll({ lines = [], engine = [], functions = [], exceptions }: Setup): Promise<void> {
    if (lines.length > 0) this.answers.lines = await this.setLines(lines);
    for (const file of new Set(engine.map((one) => one.file))) {
      const native = enginePath(file);
      const breakpoints = engine.filter((one) => one.file === file).map(({ at, ...rest }) => ({ ...rest, line: lineWith(native, at) }));
      this.answers.engine.push(...(await this.setBreakpoints(native, breakpoints)));
    }
    if (functions.length > 0) this.answers.functions = await this.setFunctions(functions);
    if (exceptions !== undefined) this.answers.exceptions = await this.#set('setExceptionBreakpoints', exceptions);
  }

  setLines(lines: NonNullable<Setup['lines']>): Promise<DebugProtocol.Breakpoint[]> {
    const breakpoints = lines.map((one) => (typeof one === 'string' ? { at: one } : one)).map(({ at, ...rest }) => ({ ...rest, line: markedLine(this.scenario, at) }));
    return this.setBreakpoints(scenarioPath(this.scenario), breakpoints);
  }

  setBreakpoints(native: string, breakpoints: DebugProtocol.SourceBreakpoint[]): Promise<DebugProtocol.Breakpoint[]> {
    return this.#set('setBreakpoints', { source: { path: native }, breakpoints });
  }

  setFunctions(functions: NonNullable<Setup['functions']>): Promise<DebugProtocol.Breakpoint[]> {
    return this.#set('setFunctionBreakpoints', { breakpoints: functions.map((one) => (typeof one === 'string' ? { name: one } : one)) });
  }

  async #set(command: string, args: object): Promise<DebugProtocol.Breakpoint[]> {
    return (await this.client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>(command, args)).breakpoints;
  }

  /** Waits for the next stop. */
  async stopped(): Promise<Stop> {
    const { event, body } = await this.client.event<Stop>('stopped', 'terminated');
    assert.equal(event, 'stopped', `the machine stops before it ends; it said ${this.client.output('stderr')}${this.client.output('important')}`);
    this.threadId = body.threadId ?? 0;
    return body;
  }

  /** Goes on, and waits for the next stop. */
  async go(kind: Kind = 'continue'): Promise<Stop> {
    await this.client.request(kind, { threadId: this.threadId });
    return this.stopped();
  }

  /** Goes on to the very end; the exit status. */
  async finish(): Promise<number> {
    await this.client.request('continue', { threadId: this.threadId });
    return this.exited();
  }

  /** Waits for the end, going on where the machine stops for that alone; the exit status. */
  async exited(): Promise<number> {
    for (;;) {
      const { event, body } = await this.client.event<Stop & { exitCode: number }>('stopped', 'exited');
      if (event === 'exited') {
        await this.client.event('terminated');
        return body.exitCode;
      }
      assert.equal(body.reason, 'end', 'nothing but the end stops the machine');
      await this.client.request('continue', { threadId: body.threadId });
    }
  }

  async stack(args: { startFrame?: number; levels?: number; threadId?: number } = {}): Promise<DebugProtocol.StackFrame[]> {
    return (await this.client.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: this.threadId, ...args })).stackFrames;
  }

  async top(): Promise<DebugProtocol.StackFrame> {
    const [frame] = await this.stack({ levels: 1 });
    assert.ok(frame, 'there is a frame');
    return frame;
  }

  /** The scopes of a frame by name. */
  async scopes(frameId: number): Promise<Record<string, DebugProtocol.Scope>> {
    const { scopes } = await this.client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    return Object.fromEntries(scopes.map((scope) => [scope.name, scope]));
  }

  async variables(variablesReference: number, args: object = {}): Promise<DebugProtocol.Variable[]> {
    return (await this.client.request<DebugProtocol.VariablesResponse['body']>('variables', { variablesReference, ...args })).variables;
  }

  /** The rows that opening `path` one after the other shows, beginning with a scope of the innermost frame. */
  async open(...names: string[]): Promise<DebugProtocol.Variable[]> {
    const [scope, ...rest] = names;
    const scopes = await this.scopes((await this.top()).id);
    let rows = await this.variables(scopes[scope!]!.variablesReference);
    for (const name of rest) {
      const row = rows.find((one) => one.name === name);
      assert.ok(row, `there is ${name} among ${rows.map((one) => one.name).join(', ')}`);
      rows = await this.variables(row.variablesReference);
    }
    return rows;
  }

  evaluate(expression: string, context: 'watch' | 'hover' | 'repl' | 'clipboard' = 'watch', frameId?: number): Promise<DebugProtocol.EvaluateResponse['body']> {
    return this.client.request('evaluate', { expression, context, ...(frameId === undefined ? {} : { frameId }) });
  }

  /** Where the machine stands and what is seen there: `place: locals`, as one line. */
  async glance(): Promise<string> {
    const frame = await this.top();
    const { Locals } = await this.scopes(frame.id);
    const locals = await this.variables(Locals!.variablesReference);
    return `${placeOf(frame)}: ${locals.map(({ name, value }) => `${name} = ${value}`).join(', ')}`;
  }

  /** Ends it all. */
  async end(): Promise<void> {
    await this.client.request('disconnect', {}).catch(() => undefined);
    await this.client.close();
  }
}

/** `name file:line "the line's text"`: what the editor shows at that frame. */
export function placeOf({ name, source, line }: DebugProtocol.StackFrame): string {
  const text = fs.readFileSync(source!.path!, 'utf8').split('\n')[line - 1] ?? '';
  return `${name} ${source!.name} \`${text.replace(/\/\/ @.*/, '').trim()}\``;
}

/** Compares with a golden file; `UPDATE_GOLDENS=1` writes it. */
export function golden(name: string, actual: string): void {
  const file = path.join(import.meta.dirname, 'golden', `${name}.txt`);
  if (process.env['UPDATE_GOLDENS'] === '1') fs.writeFileSync(file, actual);
  assert.ok(fs.existsSync(file), `${file} is missing: write it with UPDATE_GOLDENS=1 and look at it`);
  assert.equal(actual, fs.readFileSync(file, 'utf8'));
}
