// A client that speaks DAP to the real adapter, over its standard streams or a port. It keeps everything it was sent, in order.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const ADAPTER = path.join(ROOT, 'dist/adapter.cjs');

/** How long a message may take, in ms. */
const TIMEOUT = 10_000;

/** An error answer. */
export class Refusal extends Error {
  readonly response: DebugProtocol.ErrorResponse;

  constructor(response: DebugProtocol.ErrorResponse) {
    super(response.message ?? '(no message)');
    this.response = response;
  }
}

type Message = DebugProtocol.Response | DebugProtocol.Event;

export class DapClient {
  /** Responses and events as they came. */
  readonly received: Message[] = [];
  readonly #responses = new Map<number, DebugProtocol.Response>();
  readonly #events = new Map<string, DebugProtocol.Event[]>();
  readonly #output: Writable;
  readonly #close: () => Promise<void>;
  #buffer = Buffer.alloc(0);
  #lastSeq = 0;
  /** How many events of each name have been waited for. */
  readonly #taken = new Map<string, number>();
  #listeners: (() => void)[] = [];

  constructor(input: Readable, output: Writable, close: () => Promise<void>) {
    this.#output = output;
    this.#close = close;
    input.on('data', (data: Buffer) => this.#read(data));
  }

  /** Starts an adapter of its own. */
  static spawn(): DapClient {
    const child = spawn(process.execPath, [ADAPTER], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new DapClient(child.stdout, child.stdin, () => ended(child));
  }

  /** Joins an adapter that serves a port. */
  static async connect(port: number): Promise<DapClient> {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new DapClient(socket, socket, () => Promise.resolve(socket.destroy()).then(() => undefined));
  }

  /** The answer's body. Rejects with Refusal for an error answer. */
  async request<T = unknown>(command: string, args?: object): Promise<T> {
    const seq = this.send(command, args);
    const response = await this.#until(`an answer to ${command}`, () => this.#responses.get(seq));
    if (!response.success) throw new Refusal(response as DebugProtocol.ErrorResponse);
    return response.body as T;
  }

  /** Sends a request and does not wait; its number. */
  send(command: string, args?: object): number {
    const seq = ++this.#lastSeq;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.#output.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return seq;
  }

  /** The next event of a name, or of one of several, that no call has given yet. */
  async event<B = Record<string, unknown>>(...names: string[]): Promise<{ event: string; body: B }> {
    const find = () => names.map((name) => this.events(name)[this.#taken.get(name) ?? 0]).find((event) => event !== undefined);
    const event = await this.#until(`the event ${names.join(' or ')}`, find);
    this.#taken.set(event.event, (this.#taken.get(event.event) ?? 0) + 1);
    return event as { event: string; body: B };
  }

  events(name: string): DebugProtocol.Event[] {
    return this.#events.get(name) ?? [];
  }

  /** What came, as `response NAME` and `event NAME`, from the `from`th message on. */
  order(from = 0): string[] {
    return this.received.slice(from).map((one) => (isResponse(one) ? `response ${one.command}` : `event ${one.event}`));
  }

  /** The text of all output so far, of one category. */
  output(category: string): string {
    return this.events('output').filter(({ body }) => body.category === category).map(({ body }) => body.output as string).join('');
  }

  /** Ends the adapter, or the connection. */
  close(): Promise<void> {
    return this.#close();
  }

  async #until<T>(what: string, find: () => T | undefined): Promise<T> {
    const deadline = setTimeout(() => this.#wake(), TIMEOUT);
    const started = performance.now();
    try {
      for (let found = find(); ; found = find()) {
        if (found !== undefined) return found;
        assert.ok(performance.now() - started < TIMEOUT - 10, `waited in vain for ${what}; the last messages were ${this.order().slice(-8).join(', ')}`);
        await new Promise<void>((resolve) => this.#listeners.push(resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  #wake(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  #read(data: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(this.#buffer.toString('latin1', 0, 64));
      if (header === null) break;
      const [start, length] = [header[0].length, Number(header[1])];
      if (this.#buffer.length < start + length) break;
      this.#keep(JSON.parse(this.#buffer.toString('utf8', start, start + length)) as Message);
      this.#buffer = this.#buffer.subarray(start + length);
    }
    this.#wake();
  }

  #keep(message: Message): void {
    this.received.push(message);
    if (isResponse(message)) this.#responses.set(message.request_seq, message);
    else {
      const events = this.#events.get(message.event) ?? [];
      events.push(message);
      this.#events.set(message.event, events);
    }
  }
}

function isResponse(message: Message): message is DebugProtocol.Response {
  return message.type === 'response';
}

/** The adapter ends by itself when its input does; one that does not is a failure. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const deadline = setTimeout(() => child.kill('SIGKILL'), 3_000);
  child.stdin?.end();
  const [, signal] = await once(child, 'exit') as [number | null, string | null];
  clearTimeout(deadline);
  assert.equal(signal, null, 'the adapter ended by itself');
}
