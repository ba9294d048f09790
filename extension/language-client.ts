// The client of the language server. The server is started with the first scenario that is opened, not with the extension:
// somebody who debugs from another file does not wait for a parser.
import { LanguageClient, TransportKind, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';
import { window, workspace, type Disposable, type ExtensionContext, type TextDocument } from 'vscode';
import { LANGUAGE_ID } from './names.ts';

export class LanguageClientStarter implements Disposable {
  readonly #context: ExtensionContext;
  readonly #opened: Disposable;
  #client: LanguageClient | null = null;

  constructor(context: ExtensionContext) {
    this.#context = context;
    this.#opened = workspace.onDidOpenTextDocument((document) => this.#startFor(document));
    workspace.textDocuments.forEach((document) => this.#startFor(document));
  }

  dispose(): void {
    this.#opened.dispose();
    // A server that never started cannot be stopped, and says so: nobody is left to care.
    this.#client?.dispose().catch(() => undefined);
  }

  #startFor(document: TextDocument): void {
    if (document.languageId !== LANGUAGE_ID || this.#client) return;
    this.#client = new LanguageClient(LANGUAGE_ID, 'Pagewalk Language Server', serverOptions(this.#context), clientOptions());
    this.#client.start().catch((error: unknown) => {
      void window.showErrorMessage(`Pagewalk: the language server did not start, so scenarios have no diagnostics or completion. ${String(error)}`);
    });
  }
}

function serverOptions(context: ExtensionContext): ServerOptions {
  const module = context.asAbsolutePath('dist/language-server.cjs');
  return { module, transport: TransportKind.ipc };
}

function clientOptions(): LanguageClientOptions {
  return { documentSelector: [{ language: LANGUAGE_ID }] };
}
