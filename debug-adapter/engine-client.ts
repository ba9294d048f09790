// The protocol thread's end of the conversation with one engine worker: a promise for each request, and what the worker says by itself.

import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { CommandName, Commands, FromWorker, Request, WorkerEvent, WorkerStart } from './worker/commands.ts';
import { CONTROL_CELLS, HEARD, PAUSE, WAKE } from './worker/commands.ts';
import { RequestError, notStopped } from './request-error.ts';

export interface EngineListener {
  onEvent(event: WorkerEvent): void;
  /** The worker ended without saying so: a bug of ours. */
  onDeath(message: string): void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class EngineClient {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #pending = new Map<number, Pending>();
  readonly #listener: EngineListener;
  #lastId = 0;
  #isOver = false;

  /** Starts the worker of the bundle `file`; it waits for `start`. */
  constructor(file: string, start: Pick<WorkerStart, 'tables' | 'program' | 'options'>, listener: EngineListener) {
    const { port1, port2 } = new MessageChannel();
    const control = new SharedArrayBuffer(CONTROL_CELLS * Int32Array.BYTES_PER_ELEMENT);
    const workerData: WorkerStart = { ...start, port: port2, control };
    this.#port = port1;
    this.#control = new Int32Array(control);
    this.#listener = listener;
    this.#worker = new Worker(file, { workerData, transferList: [port2], stdout: true, stderr: true });
    // Whatever it prints is for us who made it: standard output is the protocol's.
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) stream.on('data', (data: Buffer) => process.stderr.write(data));
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    this.#watchForDeath();
  }

  /** Rejects with RequestError: what the worker refuses, or that it is gone. */
  request<C extends CommandName>(command: C, args: Commands[C]['args']): Promise<Commands[C]['result']> {
    if (this.#isOver) return Promise.reject(new RequestError('The machine is gone.'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#port.postMessage({ id, command, args } satisfies Request);
      this.#wake();
    });
  }

  /** The machine stops at its next hook that looks. */
  pause(): void {
    Atomics.store(this.#control, PAUSE, 1);
    this.#wake();
  }

  /** Takes a pause back that came when the machine had stopped by itself. */
  forgetPause(): void {
    Atomics.store(this.#control, PAUSE, 0);
  }

  /** Says that an `output` event has been taken: the worker may say more. */
  heard(): void {
    Atomics.add(this.#control, HEARD, 1);
    this.#wake();
  }

  /** Ends the worker wherever it is. */
  async terminate(): Promise<void> {
    this.#isOver = true;
    this.#port.close();
    await this.#worker.terminate();
    this.#rejectAll('The machine is gone.');
  }

  /** Only when the worker has ended and everything it said has arrived is it known whether it ended well. */
  #watchForDeath(): void {
    let message = 'The engine ended without a word.';
    this.#worker.on('error', (error) => (message = error instanceof Error ? (error.stack ?? error.message) : String(error)));
    const silence = new Promise<void>((resolve) => this.#port.once('close', () => resolve()));
    const exit = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    void Promise.all([silence, exit]).then(() => this.#die(message));
  }

  #wake(): void {
    Atomics.add(this.#control, WAKE, 1);
    Atomics.notify(this.#control, WAKE);
  }

  #receive(message: FromWorker): void {
    if (this.#isOver) return;
    if ('event' in message) {
      if (message.event === 'ended') this.#isOver = true;
      this.#listener.onEvent(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (!('error' in message)) pending?.resolve(message.result);
    else pending?.reject(message.error === 'notStopped' ? notStopped() : new RequestError(message.message));
  }

  #die(message: string): void {
    const isExpected = this.#isOver;
    this.#isOver = true;
    this.#rejectAll(message);
    if (!isExpected) this.#listener.onDeath(message);
  }

  #rejectAll(message: string): void {
    for (const { reject } of this.#pending.values()) reject(new RequestError(message));
    this.#pending.clear();
  }
}
