// A language client for tests: it starts the real server over stdio. Scenarios mark places with `‹name›`, which are taken out of the text.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StreamMessageReader, StreamMessageWriter, createProtocolConnection } from 'vscode-languageserver/node';
import type { Diagnostic, InitializeResult, Position, ProtocolConnection, PublishDiagnosticsParams, Range } from 'vscode-languageserver/node';

const MAIN = fileURLToPath(new URL('../../language/server/main.ts', import.meta.url));

/** A text without its marks, and where they stood. */
export interface Marked {
  text: string;
  places: Record<string, Position>;
}

export function unmark(marked: string): Marked {
  const places: Record<string, Position> = {};
  let text = '';
  for (const piece of marked.split(/(‹\w+›)/)) {
    const name = /^‹(\w+)›$/.exec(piece)?.[1];
    if (name === undefined) text += piece;
    else places[name] = { line: text.split('\n').length - 1, character: text.length - (text.lastIndexOf('\n') + 1) };
  }
  return { text, places };
}

/** What the machine cannot do yet is reported too, and becomes less with every version: these tests are not about it. */
function isMistake({ message }: Diagnostic): boolean {
  return !/ not modelled yet/.test(typeof message === 'string' ? message : message.value);
}

/** The text at a range. */
export function textAt(text: string, { start, end }: Range): string {
  const lines = text.split('\n');
  if (start.line === end.line) return lines[start.line]!.slice(start.character, end.character);
  return [lines[start.line]!.slice(start.character), ...lines.slice(start.line + 1, end.line), lines[end.line]!.slice(0, end.character)].join('\n');
}

/** Which answer a test waits for. */
export interface Awaited {
  uri: string;
  accept?: (diagnostics: readonly Diagnostic[]) => boolean;
}

export class Client {
  readonly connection: ProtocolConnection;
  readonly capabilities: InitializeResult['capabilities'];
  private readonly waiting: ((params: PublishDiagnosticsParams) => void)[] = [];
  private readonly exited: Promise<number | null>;

  private constructor(connection: ProtocolConnection, capabilities: InitializeResult['capabilities'], exited: Promise<number | null>) {
    this.connection = connection;
    this.capabilities = capabilities;
    this.exited = exited;
    connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
      for (const tell of this.waiting.splice(0)) tell(params);
    });
  }

  static async start(): Promise<Client> {
    const server = spawn(process.execPath, ['--import', 'tsx', MAIN, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = new Promise<number | null>((resolve) => server.on('exit', resolve));
    const connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
    connection.listen();
    const { capabilities } = await connection.sendRequest<InitializeResult>('initialize', { processId: process.pid, rootUri: null, capabilities: {} });
    await connection.sendNotification('initialized', {});
    return new Client(connection, capabilities, exited);
  }

  /** Opens a document and waits for what the server says about it. */
  async open(uri: string, text: string): Promise<Diagnostic[]> {
    const told = this.nextFor({ uri });
    await this.connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'pagewalk', version: 1, text } });
    return told;
  }

  /** Changes a document and waits for what the server says about it, or about `awaited`. */
  async change(uri: string, version: number, text: string, awaited: Awaited = { uri }): Promise<Diagnostic[]> {
    const told = this.nextFor(awaited);
    await this.connection.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges: [{ text }] });
    return told;
  }

  ask<T>(method: string, uri: string, position?: Position, more: object = {}): Promise<T> {
    return this.connection.sendRequest<T>(`textDocument/${method}`, { textDocument: { uri }, ...(position === undefined ? {} : { position }), ...more });
  }

  /** Ends the server as the protocol asks for; its exit status. */
  async stop(): Promise<number | null> {
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    return this.exited;
  }

  private nextFor({ uri, accept = () => true }: Awaited): Promise<Diagnostic[]> {
    return new Promise((resolve) => {
      const tell = (params: PublishDiagnosticsParams): void => {
        const mistakes = params.diagnostics.filter(isMistake);
        if (params.uri === uri && accept(mistakes)) resolve(mistakes);
        else this.waiting.push(tell);
      };
      this.waiting.push(tell);
    });
  }
}
