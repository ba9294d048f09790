// The lexer, and what is checked on its tokens before the parser sees them: nesting, strings, numbers, comments, and the one
// place where a soft word must be told from a name by what follows it.
import { DefaultLexer } from 'langium';
import type { LexerResult, TokenizeOptions } from 'langium';
import { limitNesting } from './nesting.ts';
import { errorAt } from './tokens.ts';
import type { LexingError, Token, TokenType } from './tokens.ts';
import { parseNumber } from './vocabulary/units.ts';

export class PagewalkLexer extends DefaultLexer {
  override tokenize(text: string, options?: TokenizeOptions): LexerResult {
    const result = super.tokenize(text, options);
    const { tokens, error } = limitNesting(result.tokens);
    if (error !== undefined) result.errors.push(error);
    nameAccessWords(tokens, this.tokenTypes['ID']!);
    result.errors.push(...tokens.flatMap(literalErrors), ...fractionErrors(tokens), ...commentErrors(result.hidden));
    return { ...result, tokens };
  }
}

const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=']);

/**
 * After `touch a .. b`, `read` and `write` are the clause or begin the next statement. The parser's look-ahead ends where the
 * rule does, so it cannot tell: followed by `(`, `[` or an assignment they are names, and get the name's token here.
 */
function nameAccessWords(tokens: readonly Token[], name: TokenType): void {
  for (let i = 0; i + 1 < tokens.length; i++) {
    const token = tokens[i]!;
    const next = tokens[i + 1]!.image;
    if (token.image !== 'read' && token.image !== 'write') continue;
    if (next !== '(' && next !== '[' && !ASSIGNMENTS.has(next)) continue;
    token.tokenType = name;
    token.tokenTypeIdx = name.tokenTypeIdx!;
  }
}

function literalErrors(token: Token): LexingError[] {
  if (token.tokenType.name === 'NUMBER') {
    const parsed = parseNumber(token.image);
    return typeof parsed === 'string' ? [errorAt(token, parsed)] : [];
  }
  return token.tokenType.name === 'STRING' ? stringErrors(token) : [];
}

/** `1.5` is a number, a dot and a number, with nothing between them. */
function fractionErrors(tokens: readonly Token[]): LexingError[] {
  return tokens.flatMap((token, i) => {
    const [dot, fraction] = [tokens[i + 1], tokens[i + 2]];
    if (token.tokenType.name !== 'NUMBER' || dot?.image !== '.' || fraction?.tokenType.name !== 'NUMBER') return [];
    if (dot.startOffset !== token.endOffset! + 1 || fraction.startOffset !== dot.endOffset! + 1) return [];
    const image = `${token.image}.${fraction.image}`;
    return [errorAt(token, `\`${image}\` is no number: numbers have no fraction. Take a smaller unit, as in \`1536KiB\` or \`1500us\`.`, image.length)];
  });
}

function stringErrors(token: Token): LexingError[] {
  const { image } = token;
  if (image.length < 2 || !/(?:^|[^\\])(?:\\\\)*"$/.test(image.slice(1))) return [errorAt(token, 'This string is not closed: `"` is missing at its end.')];
  const bad = [...image.matchAll(/\\(.)/g)].find(([, escaped]) => !'nt"\\'.includes(escaped!));
  if (bad === undefined) return [];
  return [{ ...errorAt(token, `Unknown escape \`${bad[0]}\`: known are \\n \\t \\" \\\\.`, 2), offset: token.startOffset + bad.index, column: token.startColumn! + bad.index }];
}

function commentErrors(hidden: readonly Token[]): LexingError[] {
  const last = hidden.at(-1);
  if (!last?.image.startsWith('/*') || (last.image.length >= 4 && last.image.endsWith('*/'))) return [];
  return [errorAt(last, 'This comment is not closed: `*/` is missing.', 2)];
}
