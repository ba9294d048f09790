// Follows the debug sessions of our type and says when what a view shows has become old: at a stop, at a resume, at the end, at a change of session.
import { debug, Disposable, EventEmitter, type DebugSession, type Event } from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DEBUG_TYPE } from '../names.ts';

/** What a view may ask the session now. Answers come only while `stopped`. */
export type SessionState = { kind: 'none' } | { kind: 'running' | 'stopped'; session: DebugSession };

/** Requests that set the machine going. VS Code sends no `continued` event for a resume that it asked for itself. */
const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restartFrame', 'restart']);

export class StopWatcher implements Disposable {
  readonly #changed = new EventEmitter<SessionState>();
  readonly #stopped = new Set<string>();
  readonly #registrations: Disposable;

  /** Fires with the new state; once more in state `stopped` where values of the same stop have changed. */
  readonly onDidChange: Event<SessionState> = this.#changed.event;

  constructor() {
    this.#registrations = Disposable.from(
      this.#changed,
      debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, { createDebugAdapterTracker: (session) => this.#track(session) }),
      debug.onDidChangeActiveDebugSession(() => this.#announce()),
      debug.onDidTerminateDebugSession((session) => this.#forget(session)),
    );
  }

  get state(): SessionState {
    const session = debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return { kind: 'none' };
    return { kind: this.#stopped.has(session.id) ? 'stopped' : 'running', session };
  }

  dispose(): void {
    this.#registrations.dispose();
  }

  #track(session: DebugSession) {
    return {
      onDidSendMessage: (message: DebugProtocol.ProtocolMessage) => {
        if (message.type === 'event') this.#onEvent(session, (message as DebugProtocol.Event).event);
        else if (message.type === 'response') this.#onResponse(session, message as DebugProtocol.Response);
      },
      onExit: () => this.#forget(session),
    };
  }

  #onEvent(session: DebugSession, event: string): void {
    if (event === 'stopped') this.#stop(session);
    else if (event === 'continued') this.#resume(session);
    else if (event === 'terminated') this.#forget(session);
    else if (event === 'invalidated' && this.#stopped.has(session.id)) this.#announce();
  }

  #onResponse(session: DebugSession, response: DebugProtocol.Response): void {
    if (response.success && RESUMING.has(response.command)) this.#resume(session);
  }

  #stop(session: DebugSession): void {
    this.#stopped.add(session.id);
    this.#announce();
  }

  #resume(session: DebugSession): void {
    if (this.#stopped.delete(session.id)) this.#announce();
  }

  #forget(session: DebugSession): void {
    this.#stopped.delete(session.id);
    this.#announce();
  }

  #announce(): void {
    this.#changed.fire(this.state);
  }
}
