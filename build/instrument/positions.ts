// Where a place stands in the text: the whole of a simple statement, the head of a compound one (`if (…)`, `for (…)`, `do`, `try`).
import * as t from '@babel/types';

/** Lines and columns are 1-based, the end is exclusive. */
export interface Span {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** The tokens Babel's parser gives with `tokens: true`. */
interface Token {
  start: number;
  end: number;
  loc: t.SourceLocation;
  type: { label: string };
}

const span = (start: t.SourceLocation['start'], end: t.SourceLocation['end']): Span => ({
  line: start.line,
  column: start.column + 1,
  endLine: end.line,
  endColumn: end.column + 1,
});

/** Finds tokens by position in one file. */
export class Positions {
  private readonly tokens: Token[];

  constructor(file: t.File) {
    this.tokens = ((file.tokens ?? []) as Token[]).filter((token) => typeof token.type === 'object');
  }

  /** The head of a statement, or the whole of one that has no other statements inside. */
  head(node: t.Node): Span {
    const loc = node.loc!;
    if (t.isTryStatement(node)) return this.token(this.firstFrom(node.start!));
    if (t.isDoWhileStatement(node)) return this.token(this.firstFrom(node.start!));
    if (t.isIfStatement(node)) return span(loc.start, this.lastEndingBefore(node.consequent.start!, ')').loc.end);
    if (t.isFor(node) || t.isWhileStatement(node)) return span(loc.start, this.lastEndingBefore(node.body.start!, ')').loc.end);
    if (t.isSwitchStatement(node)) return span(loc.start, this.lastEndingBefore(this.firstFrom(node.discriminant.end!, '{').start, ')').loc.end);
    if (t.isFunction(node)) return this.signature(node);
    return span(loc.start, loc.end);
  }

  /** `while (…)` at the end of a `do` loop. */
  doWhileTest(node: t.DoWhileStatement): Span {
    const word = this.lastEndingBefore(node.test.start!, 'while');
    return span(word.loc.start, this.firstAfterBalanced(node.test.end!).loc.end);
  }

  private signature(node: t.Function): Span {
    const body = node.body.start!;
    const last = this.tokens[this.indexFrom(body) - 1];
    return span(node.loc!.start, last ? last.loc.end : node.loc!.end);
  }

  private token(token: Token): Span {
    return span(token.loc.start, token.loc.end);
  }

  private indexFrom(offset: number): number {
    let low = 0;
    for (let high = this.tokens.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.tokens[middle]!.start < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private firstFrom(offset: number, label?: string): Token {
    let at = this.indexFrom(offset);
    while (label !== undefined && this.tokens[at]!.type.label !== label) at++;
    return this.tokens[at]!;
  }

  private lastEndingBefore(offset: number, label: string): Token {
    let at = this.indexFrom(offset) - 1;
    while (this.tokens[at]!.type.label !== label) at--;
    return this.tokens[at]!;
  }

  /** The last of the closing parentheses that follow `offset`. */
  private firstAfterBalanced(offset: number): Token {
    let at = this.indexFrom(offset);
    while (this.tokens[at + 1]?.type.label === ')') at++;
    return this.tokens[at]!;
  }
}
