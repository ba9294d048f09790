// A small client of the Debug Adapter Protocol: starts the adapter as an editor does and talks to it over its standard input and output.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { DebugProtocol } from '@vscode/debugprotocol';

type Message = DebugProtocol.Response | DebugProtocol.Event;

export interface DapClient {
  /** The body of the answer. Rejects with the adapter's message when it refuses, or when it has gone. */
  request<Body>(command: string, args?: object): Promise<Body>;
  /** The first event of one of these names that nobody has taken yet. Rejects when the adapter has gone. */
  event(...names: string[]): Promise<DebugProtocol.Event>;
  /** Every `output` event so far. */
  output: DebugProtocol.OutputEvent['body'][];
  close(): void;
}

interface Promised {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** What is under way between the two sides. */
interface Traffic {
  requests: Map<number, Promised>;
  events: DebugProtocol.Event[];
  waiting: (Promised & { names: string[] })[];
  output: DebugProtocol.OutputEvent['body'][];
  gone: Error | null;
}

const HEADER_END = '\r\n\r\n';

/** Starts `adapter`, a program for node. */
export function startAdapter(adapter: string): DapClient {
  const child = spawn(process.execPath, [adapter], { stdio: ['pipe', 'pipe', 'inherit'] });
  const traffic: Traffic = { requests: new Map(), events: [], waiting: [], output: [], gone: null };
  child.stdout.on('data', messageReader((message) => receive(traffic, message)));
  child.once('error', (error) => fail(traffic, error));
  child.once('exit', () => fail(traffic, new Error('The debug adapter has ended.')));
  let seq = 0;
  return {
    output: traffic.output,
    request: <Body>(command: string, args: object = {}) => send<Body>(child, traffic, { seq: ++seq, type: 'request', command, arguments: args }),
    event: (...names) => takeEvent(traffic, names),
    close: () => child.stdin.end(),
  };
}

function send<Body>(child: ChildProcess, traffic: Traffic, request: DebugProtocol.Request): Promise<Body> {
  if (traffic.gone !== null) return Promise.reject(traffic.gone);
  const text = JSON.stringify(request);
  child.stdin!.write(`Content-Length: ${Buffer.byteLength(text)}${HEADER_END}${text}`);
  return new Promise((resolve, reject) => traffic.requests.set(request.seq, { resolve: (body) => resolve(body as Body), reject }));
}

function takeEvent(traffic: Traffic, names: string[]): Promise<DebugProtocol.Event> {
  const at = traffic.events.findIndex(({ event }) => names.includes(event));
  if (at >= 0) return Promise.resolve(traffic.events.splice(at, 1)[0]!);
  if (traffic.gone !== null) return Promise.reject(traffic.gone);
  return new Promise((resolve, reject) => traffic.waiting.push({ names, resolve: (event) => resolve(event as DebugProtocol.Event), reject }));
}

function receive(traffic: Traffic, message: Message): void {
  if (message.type === 'response') answer(traffic, message as DebugProtocol.Response);
  else if ((message as DebugProtocol.Event).event === 'output') traffic.output.push((message as DebugProtocol.OutputEvent).body);
  else hand(traffic, message as DebugProtocol.Event);
}

function answer(traffic: Traffic, { request_seq, success, message, command, body }: DebugProtocol.Response): void {
  const promised = traffic.requests.get(request_seq);
  traffic.requests.delete(request_seq);
  if (success) promised?.resolve(body);
  else promised?.reject(new Error(reasonOf(body as DebugProtocol.ErrorResponse['body'] | undefined) ?? message ?? `${command} was refused.`));
}

function reasonOf(body: DebugProtocol.ErrorResponse['body'] | undefined): string | undefined {
  return body?.error?.format.replace(/\{(\w+)\}/g, (whole, name: string) => body.error?.variables?.[name] ?? whole);
}

function hand(traffic: Traffic, event: DebugProtocol.Event): void {
  const at = traffic.waiting.findIndex(({ names }) => names.includes(event.event));
  if (at >= 0) traffic.waiting.splice(at, 1)[0]!.resolve(event);
  else traffic.events.push(event);
}

function fail(traffic: Traffic, error: Error): void {
  traffic.gone ??= error;
  for (const promised of [...traffic.requests.values(), ...traffic.waiting]) promised.reject(error);
  traffic.requests.clear();
  traffic.waiting.length = 0;
}

/** Cuts a stream of bytes into messages: `Content-Length: N`, an empty line, N bytes of JSON. */
function messageReader(take: (message: Message) => void): (data: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      const end = pending.indexOf(HEADER_END);
      const length = Number(/Content-Length: (\d+)/i.exec(pending.toString('latin1', 0, Math.max(0, end)))?.[1]);
      const start = end + HEADER_END.length;
      if (end < 0 || Number.isNaN(length) || pending.length < start + length) return;
      const text = pending.toString('utf8', start, start + length);
      pending = pending.subarray(start + length);
      take(JSON.parse(text) as Message);
    }
  };
}
