// The language server: it answers the editor's requests from a checked document. One guard stands around each request, so that a bug of
// ours is an empty answer and a line in the log, never a dead server.
import { CodeActionKind, FoldingRangeKind, MarkupKind, ResponseError, TextDocumentSyncKind, TextDocuments } from 'vscode-languageserver/node';
import type {
  CodeAction, CodeActionParams, Connection, InitializeResult, Location, Position, RenameParams, TextDocumentPositionParams, TextEdit, WorkspaceEdit,
} from 'vscode-languageserver/node';
import { TextDocument } from 'langium';
import { completionsAt, definitionsAt, fixFor, foldsOf, hoverAt, namesOf, newNameProblem, outlineOf, referencesAt, renameable } from '../features/index.ts';
import { importPath, rangeOfProperty, stringValue } from '../index.ts';
import type { CheckedScenario, Source } from '../index.ts';
import { TOKEN_MODIFIERS, TOKEN_TYPES, toCompletion, toDiagnostic, toLocation, toRange, toSymbol, toTokens } from './convert.ts';
import { CheckedDocuments } from './documents.ts';

const CAPABILITIES: InitializeResult['capabilities'] = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  completionProvider: { triggerCharacters: ['.'] },
  hoverProvider: true,
  documentSymbolProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  renameProvider: { prepareProvider: true },
  foldingRangeProvider: true,
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
  semanticTokensProvider: { legend: { tokenTypes: [...TOKEN_TYPES], tokenModifiers: [...TOKEN_MODIFIERS] }, full: true },
};

/** How long after a change a document is checked: a fast typist's next letter comes sooner. */
const CHECK_DELAY_MS = 120;

/** Serves a connection until it ends. */
export function serve(connection: Connection): void {
  const documents = new TextDocuments(TextDocument);
  const checkedDocuments = new CheckedDocuments(documents);
  connection.onInitialize(() => ({ capabilities: CAPABILITIES, serverInfo: { name: 'pagewalk' } }));
  publishDiagnostics(connection, documents, checkedDocuments);
  answerQuestions(connection, checkedDocuments);
  answerNames(connection, checkedDocuments);
  documents.listen(connection);
  connection.listen();
}

function publishDiagnostics(connection: Connection, documents: TextDocuments<TextDocument>, checkedDocuments: CheckedDocuments): void {
  const timers = new Map<string, NodeJS.Timeout>();
  const publish = (uri: string): void => {
    const problems = guard(connection, [], () => checkedDocuments.problems(uri));
    void connection.sendDiagnostics({ uri, diagnostics: problems.map(toDiagnostic) });
  };
  documents.onDidChangeContent(({ document: { uri } }) => {
    const dependents = checkedDocuments.importersOf(uri);
    clearTimeout(timers.get(uri));
    timers.set(uri, setTimeout(() => [uri, ...dependents].forEach(publish), CHECK_DELAY_MS));
  });
  documents.onDidClose(({ document: { uri } }) => {
    clearTimeout(timers.get(uri));
    checkedDocuments.forget(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [] });
  });
}

/** What is asked about a document or a place in it. */
function answerQuestions(connection: Connection, documents: CheckedDocuments): void {
  const about = <T>(uri: string, otherwise: T, answer: (checked: CheckedScenario, source: Source) => T): T =>
    guard(connection, otherwise, () => {
      const checked = documents.checked(uri);
      const source = checked?.sources[0]?.source;
      return checked === undefined || source === undefined ? otherwise : answer(checked, source);
    });

  connection.onCompletion(({ textDocument: { uri }, position }) =>
    about(uri, [], (checked, source) => completionsAt(checked, offsetOf(source, position)).map(toCompletion)),
  );
  connection.onHover(({ textDocument: { uri }, position }) =>
    about(uri, null, (checked, source) => {
      const hover = hoverAt(checked, offsetOf(source, position));
      return hover === undefined ? null : { contents: { kind: MarkupKind.Markdown, value: hover.markdown }, range: toRange(source, hover.range) };
    }),
  );
  connection.onDocumentSymbol(({ textDocument: { uri } }) =>
    about(uri, [], (checked, source) => outlineOf(checked.sources[0]!).map((item) => toSymbol(source, item))),
  );
  connection.onFoldingRanges(({ textDocument: { uri } }) =>
    about(uri, [], (checked, source) =>
      foldsOf(checked.sources[0]!).map(({ start, end, kind }) => ({
        startLine: source.place(start).line - 1,
        endLine: source.place(end).line - (kind === 'block' ? 2 : 1),
        ...(kind === 'comment' ? { kind: FoldingRangeKind.Comment } : {}),
      })),
    ),
  );
  connection.languages.semanticTokens.on(({ textDocument: { uri } }) =>
    about(uri, { data: [] }, (checked, source) => ({ data: toTokens(source, namesOf(checked)) })),
  );
  connection.onCodeAction((params) => guard(connection, [], () => quickFixes(params)));
}

interface PlaceIn {
  checked: CheckedScenario;
  source: Source;
  offset: number;
}

/** What is asked about a name: where it is declared, where it is used, how to change it. */
function answerNames(connection: Connection, documents: CheckedDocuments): void {
  const at = ({ textDocument: { uri }, position }: TextDocumentPositionParams): PlaceIn | undefined => {
    const checked = documents.checked(uri);
    const source = checked?.sources[0]?.source;
    return checked === undefined || source === undefined ? undefined : { checked, source, offset: offsetOf(source, position) };
  };
  const references = (params: TextDocumentPositionParams): Location[] =>
    guard(connection, [], () => {
      const place = at(params);
      return place === undefined ? [] : referencesAt(place.checked, place.offset).map(toLocation);
    });

  connection.onDefinition((params) =>
    guard(connection, [], () => {
      const place = at(params);
      return place === undefined ? [] : [...importAt(place), ...definitionsAt(place.checked, place.offset).map(toLocation)];
    }),
  );
  connection.onReferences(references);
  connection.onDocumentHighlight((params) => references(params).filter(({ uri }) => uri === params.textDocument.uri).map(({ range }) => ({ range })));
  connection.onPrepareRename((params) => {
    const place = at(params);
    const range = place === undefined ? 'This document is not open.' : renameable(place.checked, place.offset);
    return typeof range === 'string' ? refuse(range) : toRange(place!.source, range);
  });
  connection.onRenameRequest((params) => rename(params, references(params)));
}

/** An import leads to the file. */
function importAt({ checked, offset }: PlaceIn): Location[] {
  const [main, ...others] = checked.sources;
  const node = main?.scenario.imports.find((candidate) => {
    const { start, end } = rangeOfProperty(candidate, 'path');
    return start <= offset && offset <= end;
  });
  const path = node?.path === undefined ? undefined : importPath(main!.source.file, stringValue(node.path));
  const file = others.find(({ source }) => source.file === path);
  return file === undefined ? [] : [toLocation({ source: file, range: { start: 0, end: 0 } })];
}

function rename({ newName }: RenameParams, places: readonly Location[]): WorkspaceEdit | ResponseError<void> {
  const problem = newNameProblem(newName);
  if (problem !== undefined) return refuse(problem);
  const changes: Record<string, TextEdit[]> = {};
  for (const { uri, range } of places) (changes[uri] ??= []).push({ range, newText: newName });
  return { changes };
}

/** The protocol's code for a request that cannot be done. */
const REQUEST_FAILED = -32803;

function refuse(message: string): ResponseError<void> {
  return new ResponseError(REQUEST_FAILED, message);
}

function quickFixes({ textDocument: { uri }, context }: CodeActionParams): CodeAction[] {
  return context.diagnostics.flatMap((diagnostic) => {
    const word = fixFor(typeof diagnostic.message === 'string' ? diagnostic.message : diagnostic.message.value);
    if (word === undefined) return [];
    const edit = { changes: { [uri]: [{ range: diagnostic.range, newText: word }] } };
    return [{ title: `Change to '${word}'`, kind: CodeActionKind.QuickFix, diagnostics: [diagnostic], isPreferred: true, edit }];
  });
}

/** A position past the end of its line is the end of the line. */
function offsetOf(source: Source, { line, character }: Position): number {
  return source.offset(line + 1, character + 1);
}

function guard<T>(connection: Connection, otherwise: T, answer: () => T): T {
  try {
    return answer();
  } catch (error) {
    connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return otherwise;
  }
}
