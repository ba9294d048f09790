// A debug session as a suite sees it: the adapter's messages through a tracker, and requests to it.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { until } from './helpers.ts';

export class DebugRun implements vscode.Disposable {
  readonly #registrations: vscode.Disposable;
  readonly #open = new Set<string>();
  #session: vscode.DebugSession | null = null;
  #stops: DebugProtocol.StoppedEvent['body'][] = [];
  #seen = 0;

  constructor() {
    this.#registrations = vscode.Disposable.from(
      vscode.debug.registerDebugAdapterTrackerFactory('pagewalk', { createDebugAdapterTracker: (session) => this.#track(session) }),
      vscode.debug.onDidTerminateDebugSession((session) => this.#open.delete(session.id)),
    );
  }

  get session(): vscode.DebugSession {
    assert.ok(this.#session, 'a session has started');
    return this.#session;
  }

  /** Waits for the next stop that no earlier call has answered. */
  async stopped(): Promise<DebugProtocol.StoppedEvent['body']> {
    const stop = await until('a stop', () => this.#stops[this.#seen]);
    this.#seen++;
    return stop;
  }

  async stack(threadId: number): Promise<DebugProtocol.StackFrame[]> {
    const answer = await this.session.customRequest('stackTrace', { threadId, startFrame: 0, levels: 20 }) as DebugProtocol.StackTraceResponse['body'];
    return answer.stackFrames;
  }

  /** The rows of one scope of a frame. */
  async variables(frame: DebugProtocol.StackFrame, scopeName: string): Promise<DebugProtocol.Variable[]> {
    const { scopes } = await this.session.customRequest('scopes', { frameId: frame.id }) as DebugProtocol.ScopesResponse['body'];
    const scope = scopes.find((one) => one.name === scopeName);
    assert.ok(scope, `there is a scope ${scopeName} among ${scopes.map((one) => one.name).join(', ')}`);
    const answer = await this.session.customRequest('variables', { variablesReference: scope.variablesReference }) as DebugProtocol.VariablesResponse['body'];
    return answer.variables;
  }

  /** Waits until VS Code has started a session. Which one it calls active says nothing: that may be one that has ended. */
  async started(): Promise<vscode.DebugSession> {
    return until('a session', () => this.#session ?? undefined);
  }

  /** Waits until VS Code shows a frame of the thread that stopped last. */
  async shown(): Promise<void> {
    await until('VS Code to show where the session stands', () => {
      const item = vscode.debug.activeStackItem;
      return item instanceof vscode.DebugStackFrame && item.session.id === this.session.id && item.threadId === this.#stops.at(-1)?.threadId;
    });
  }

  /** Ends the session from outside, as the Stop button does, and waits until VS Code has said that it is over. */
  async end(): Promise<void> {
    if (this.#open.size > 0) await vscode.debug.stopDebugging();
    await until('the session to end', () => this.#open.size === 0);
  }

  dispose(): void {
    this.#registrations.dispose();
  }

  #track(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    this.#session = session;
    this.#open.add(session.id);
    return { onDidSendMessage: (message: DebugProtocol.Event) => this.#onMessage(message) };
  }

  #onMessage(message: DebugProtocol.Event): void {
    if (message.type === 'event' && message.event === 'stopped') this.#stops.push(message.body as DebugProtocol.StoppedEvent['body']);
  }
}
