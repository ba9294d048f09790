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
  /** Sessions that have begun and not ended, by id, the latest last. */
  readonly #live = new Map<string, DebugSession>();
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
    const session = this.#current();
    if (!session) return { kind: 'none' };
    return { kind: this.#stopped.has(session.id) ? 'stopped' : 'running', session };
  }

  dispose(): void {
    this.#registrations.dispose();
  }

  /**
   * The session the user looks at. Where one ends as the next begins, VS Code may go on calling the ended one active: then it is the latest
   * that lives. None while a session of another debugger is active.
   */
  #current(): DebugSession | undefined {
    const active = debug.activeDebugSession;
    if (active && active.type !== DEBUG_TYPE) return undefined;
    if (active && this.#live.has(active.id)) return active;
    return [...this.#live.values()].at(-1);
  }

  #track(session: DebugSession) {
    this.#live.set(session.id, session);
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
    this.#live.delete(session.id);
    this.#stopped.delete(session.id);
    this.#announce();
  }

  #announce(): void {
    this.#changed.fire(this.state);
  }
}
