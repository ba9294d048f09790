// From offsets and kinds of our own to those of the protocol, whose lines and characters count from 0.
import { CompletionItemKind, DiagnosticSeverity, SymbolKind } from 'vscode-languageserver/node';
import type { CompletionItem, Diagnostic, DocumentSymbol, Location as ProtocolLocation, Range as ProtocolRange } from 'vscode-languageserver/node';
import type { Location, NameKind, OutlineItem, OutlineKind, Suggestion, SuggestionKind } from '../features/index.ts';
import type { Problem, Range, Source } from '../index.ts';
import { toUri } from './documents.ts';

const SYMBOLS: Readonly<Record<OutlineKind, SymbolKind>> = {
  machine: SymbolKind.Object, task: SymbolKind.Class, function: SymbolKind.Function, constant: SymbolKind.Constant, event: SymbolKind.Event,
  check: SymbolKind.Boolean,
};

const COMPLETIONS: Readonly<Record<SuggestionKind, CompletionItemKind>> = {
  keyword: CompletionItemKind.Keyword, function: CompletionItemKind.Function, variable: CompletionItemKind.Variable,
  constant: CompletionItemKind.Constant, member: CompletionItemKind.Field, task: CompletionItemKind.Class, event: CompletionItemKind.Event,
  value: CompletionItemKind.EnumMember, parameter: CompletionItemKind.Property,
};

/** The colours of names, in the order that the server announces. */
export const TOKEN_TYPES = ['variable', 'parameter', 'function', 'class', 'namespace'] as const;
export const TOKEN_MODIFIERS = ['readonly'] as const;

const TOKENS: Readonly<Record<NameKind, { type: (typeof TOKEN_TYPES)[number]; modifiers: number }>> = {
  variable: { type: 'variable', modifiers: 0 }, parameter: { type: 'parameter', modifiers: 0 }, constant: { type: 'variable', modifiers: 1 },
  function: { type: 'function', modifiers: 0 }, task: { type: 'class', modifiers: 0 }, machine: { type: 'namespace', modifiers: 0 },
};

export function toRange(source: Source, range: Range): ProtocolRange {
  const start = source.place(range.start);
  const end = source.place(range.end);
  return { start: { line: start.line - 1, character: start.column - 1 }, end: { line: end.line - 1, character: end.column - 1 } };
}

export function toLocation({ source, range }: Location): ProtocolLocation {
  return { uri: toUri(source.source.file), range: toRange(source.source, range) };
}

export function toDiagnostic(problem: Problem): Diagnostic {
  return {
    range: { start: { line: problem.line - 1, character: problem.column - 1 }, end: { line: problem.endLine - 1, character: problem.endColumn - 1 } },
    severity: problem.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    source: 'pagewalk',
    message: problem.message,
  };
}

export function toSymbol(source: Source, item: OutlineItem): DocumentSymbol {
  return {
    name: item.name,
    detail: item.detail,
    kind: SYMBOLS[item.kind],
    range: toRange(source, item.range),
    selectionRange: toRange(source, item.selection),
    children: item.children.map((child) => toSymbol(source, child)),
  };
}

export function toCompletion({ label, kind, detail, doc }: Suggestion): CompletionItem {
  return { label, kind: COMPLETIONS[kind], ...(detail === '' ? {} : { detail }), ...(doc === '' ? {} : { documentation: doc }) };
}

/** Names in the order of the text, packed as the protocol packs them: line and character relative to the token before. */
export function toTokens(source: Source, names: readonly { range: Range; kind: NameKind }[]): number[] {
  let line = 0;
  let character = 0;
  return names.flatMap(({ range, kind }) => {
    const { start } = toRange(source, range);
    const { type, modifiers } = TOKENS[kind];
    const column = start.line === line ? start.character - character : start.character;
    const token = [start.line - line, column, range.end - range.start, TOKEN_TYPES.indexOf(type), modifiers];
    line = start.line;
    character = start.character;
    return token;
  });
}
