// From what lexer and parser report to one message for each mistake: what the parser says while it finds its way back is an
// echo and is dropped, and what is missing is reported where it is missing, after the token before.
import type { AstNode, ParseResult } from 'langium';
import { unmark } from './marked-message.ts';
import type { Braces, MarkedMessage } from './marked-message.ts';
import { isCut } from './nesting.ts';
import { unknownOption } from './pagewalk-messages.ts';
import type { Problem } from './problem.ts';
import type { Range, Source } from './source.ts';
import { isEndOfFile } from './tokens.ts';
import type { LexingError, Token } from './tokens.ts';

interface Finding extends Range {
  /** Where the parser took up again: a finding that follows at once is an echo. */
  resumed: number;
  /** The text ends here for the parser, so nothing behind is worth a message. */
  isLast: boolean;
  /** The parser met the end of the text. */
  isAtEnd: boolean;
  braces: Braces;
  message: string;
}

/** The parser library's errors about a missing or unexpected token name the token before as well. */
type ParsingError = ParseResult['parserErrors'][number] & { previousToken?: Token };

/** The problems that reading the text brought up, in its order. */
export function syntaxProblems(source: Source, result: ParseResult<AstNode>): Problem[] {
  const lexing = result.lexerErrors.map((error) => lexingFinding(source, error));
  const isCutShort = lexing.some((finding) => finding.isLast);
  const parsing = result.parserErrors.map((error) => parsingFinding(source, error)).filter((finding) => !(isCutShort && finding.isAtEnd));
  const findings = [...lexing, ...parsing].sort((a, b) => a.start - b.start || Number(b.isLast) - Number(a.isLast));
  return withoutEchoes(source, findings).map((finding) => source.problem(finding, 'error', finding.message));
}

function withoutEchoes(source: Source, findings: readonly Finding[]): Finding[] {
  const kept: Finding[] = [];
  let isOutOfStep = false;
  for (const finding of findings) {
    const before = kept.at(-1);
    if (before?.isLast) break;
    if (before !== undefined && (isEcho(source, before, finding) || (isOutOfStep && finding.braces === 'follows'))) {
      before.resumed = Math.max(before.resumed, finding.resumed);
      continue;
    }
    isOutOfStep ||= finding.braces !== 'none';
    kept.push(finding);
  }
  return kept;
}

/** On the line of the last mistake, or where the parser took up again after it. */
function isEcho(source: Source, before: Finding, finding: Finding): boolean {
  if (source.place(finding.start).line <= source.place(before.start).line) return true;
  return source.text.slice(before.resumed, finding.start).trim() === '';
}

function lexingFinding(source: Source, error: LexingError): Finding {
  const start = error.offset;
  const end = start + Math.max(1, error.length);
  const isUnknown = error.message.startsWith('unexpected character');
  const message = isUnknown ? unknownCharacters(source.text.slice(start, end)) : error.message;
  return { start, end, resumed: end, isLast: isCut(error) || source.text.startsWith('/*', start), isAtEnd: false, braces: 'none', message };
}

function unknownCharacters(text: string): string {
  const shown = text.length > 12 ? `${text.slice(0, 11)}…` : text;
  return `Unexpected \`${shown.replace(/\s+/g, ' ')}\`${characterHint(text)}.`;
}

function characterHint(text: string): string {
  if (/^['‘’“”«»]/.test(text)) return ': strings stand in straight double quotes, "…"';
  if (text.startsWith('#')) return ': a comment starts with `//`';
  if (text.startsWith('\\')) return ': a statement goes on over lines by itself';
  if (text.startsWith('@') || text.startsWith('$')) return ': names consist of letters, digits and `_`';
  return '';
}

function parsingFinding(source: Source, error: ParsingError): Finding {
  const marked = asOption(unmark(error.message), error);
  const { range, resumed } = placeOf(source, marked, error.token, error.previousToken);
  const last = error.resyncedTokens.at(-1);
  const isAtEnd = isEndOfFile(error.token);
  const end = last !== undefined && !isEndOfFile(last) ? last.endOffset! + 1 : range.end;
  return { ...range, resumed: Math.max(end, resumed), isLast: false, isAtEnd, braces: marked.braces, message: marked.text };
}

/** A word where the block of a task should start is a misspelt option. */
function asOption(marked: MarkedMessage, error: ParsingError): MarkedMessage {
  if (marked.braces !== 'option') return marked;
  const form = error.context.ruleStack.map((rule) => rule.replace(/\u200B$/, '')).at(-2);
  if (form !== 'Process' && form !== 'Kernel') return { ...marked, braces: 'opens' };
  return { place: 'at', braces: 'opens', text: unknownOption(form, error.token.image) };
}

function placeOf(source: Source, { place }: MarkedMessage, token: Token, previous: Token | undefined): { range: Range; resumed: number } {
  const atEnd = isEndOfFile(token);
  const resumed = atEnd ? source.text.length : token.startOffset;
  const before = previous !== undefined && !isEndOfFile(previous) && (atEnd || previous.startOffset < token.startOffset) ? previous : undefined;
  if (before !== undefined && place === 'before') return { range: { start: before.startOffset, end: before.endOffset! + 1 }, resumed };
  if (before !== undefined && (atEnd || (place === 'after' && before.endLine! < token.startLine!))) return { range: pointAfter(before), resumed };
  if (atEnd) return { range: { start: source.text.trimEnd().length, end: source.text.trimEnd().length }, resumed };
  return { range: { start: token.startOffset, end: token.endOffset! + 1 }, resumed: token.endOffset! + 1 };
}

function pointAfter(token: Token): Range {
  return { start: token.endOffset! + 1, end: token.endOffset! + 1 };
}
