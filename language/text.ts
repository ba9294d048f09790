// The texts of string literals, and the expressions in log texts.
import type { Expr } from './generated/ast.ts';
import type { Problem } from './problem.ts';
import { parseExpression } from './parse.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

/** What a string literal means: `"a\n"` as the grammar holds it, quotes and escapes included, becomes its characters. */
export function stringValue(literal: string): string {
  return unescape(literal).text;
}

/** A piece of a log text: characters, or an expression whose value stands there. */
export type LogPart =
  | { kind: 'text'; text: string }
  | { kind: 'expression'; source: string; expression: Expr; /** Offset in the literal of each of `source`'s characters, and of its end. */ offsets: number[] };

/** A problem inside a literal, as a range of offsets from the literal's first quote. */
export interface LogProblem {
  start: number;
  end: number;
  message: string;
}

export interface LogText {
  parts: LogPart[];
  problems: LogProblem[];
}

/** Takes a log text apart: `{expr}` is an expression, `{{` and `}}` are braces. The literal comes as the grammar holds it. */
export function parseLogText(literal: string): LogText {
  const { text, offsets } = unescape(literal);
  const result: LogText = { parts: [], problems: [] };
  let plain = '';
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if ((character === '{' || character === '}') && text[at + 1] === character) {
      plain += character;
      at += 2;
    } else if (character === '{') {
      if (plain !== '') result.parts.push({ kind: 'text', text: plain });
      plain = '';
      at = readExpression(text, offsets, at, result);
    } else {
      if (character === '}') result.problems.push({ start: offsets[at]!, end: offsets[at + 1]!, message: 'This `}` closes nothing: write `}}` for a brace in the text.' });
      plain += character;
      at += 1;
    }
  }
  if (plain !== '') result.parts.push({ kind: 'text', text: plain });
  return result;
}

/** Reads the expression whose `{` stands at `open`; the place after its `}`. */
function readExpression(text: string, offsets: readonly number[], open: number, result: LogText): number {
  const close = closingBrace(text, open + 1);
  if (close < 0) {
    result.problems.push({ start: offsets[open]!, end: offsets[open + 1]!, message: 'This `{` is not closed: `}` is missing, or write `{{` for a brace in the text.' });
    return text.length;
  }
  const source = text.slice(open + 1, close);
  if (source.trim() === '') {
    result.problems.push({ start: offsets[open]!, end: offsets[close + 1]!, message: 'There is no expression between these braces: write `{{}}` for braces in the text.' });
    return close + 1;
  }
  const parsed = parseExpression(source);
  result.problems.push(...parsed.problems.map((problem) => inLiteral(problem, source, offsets, open + 1)));
  if (parsed.expression !== null) result.parts.push({ kind: 'expression', source, expression: parsed.expression, offsets: offsets.slice(open + 1, close + 1) });
  return close + 1;
}

/** Braces inside a string of the expression do not close it. */
function closingBrace(text: string, from: number): number {
  let isInString = false;
  for (let at = from; at < text.length; at++) {
    if (isInString && text[at] === '\\') at += 1;
    else if (text[at] === '"') isInString = !isInString;
    else if (text[at] === '}' && !isInString) return at;
  }
  return -1;
}

/** The expression is one line, so a problem's columns are offsets in it. */
function inLiteral(problem: Problem, source: string, offsets: readonly number[], start: number): LogProblem {
  const from = start + Math.min(problem.column - 1, source.length);
  const to = start + Math.min(problem.endColumn - 1, source.length);
  return { start: offsets[from]!, end: offsets[to]!, message: problem.message };
}

/** The characters of a literal, and for each the offset where it is written, with one more for the end. */
function unescape(literal: string): { text: string; offsets: number[] } {
  const end = literal.length > 1 && literal.endsWith('"') ? literal.length - 1 : literal.length;
  const offsets: number[] = [];
  let text = '';
  for (let at = 1; at < end; at++) {
    offsets.push(at);
    if (literal[at] === '\\' && at + 1 < end) at += 1;
    else {
      text += literal[at]!;
      continue;
    }
    text += ESCAPES[literal[at]!] ?? literal[at]!;
  }
  offsets.push(end);
  return { text, offsets };
}
