// Limits on the shape of a text. The parser is a recursive one and would run out of stack; whoever walks the tree would too.
import { errorAt } from './tokens.ts';
import type { LexingError, Token } from './tokens.ts';
import { MAX_NESTING } from './vocabulary/settings.ts';

/** How many operators, members and indexes one expression may string together. */
export const MAX_CHAIN = 1000;

export interface Limited {
  /** The tokens before the one that is too deep, or all. */
  tokens: Token[];
  error: LexingError | undefined;
}

const OPEN = new Set(['(', '[', '{']);
const CLOSE = new Set([')', ']', '}']);
const SIGNS = new Set(['-', '!', '~']);
const LINKS = new Set(['+', '-', '*', '/', '%', '<<', '>>', '<', '<=', '>', '>=', '==', '!=', '&', '^', '|', '&&', '||', '?', '.', '(', '[']);
const ENDS = new Set(['=', '+=', '-=', '*=', '/=', ',', ';', '{', '}', '..']);

/** Cuts the text where brackets and signs nest deeper than {@link MAX_NESTING}, or an expression is longer than {@link MAX_CHAIN}. */
export function limitNesting(tokens: Token[]): Limited {
  const open: Chain[] = [newChain()];
  let signs = 0;
  let previous = '';
  for (const [i, token] of tokens.entries()) {
    const { image } = token;
    signs = SIGNS.has(image) ? signs + 1 : 0;
    follow(open, image, previous);
    previous = image;
    const message = excess(open, signs);
    if (message !== undefined) return { tokens: tokens.slice(0, i), error: errorAt(token, message) };
  }
  return { tokens, error: undefined };
}

/** The expression inside one pair of brackets, as far as it has been read. */
interface Chain {
  links: number;
  /** `a ? b : c ? d : e` nests to the right. */
  conditions: number;
}

function newChain(): Chain {
  return { links: 0, conditions: 0 };
}

function follow(open: Chain[], image: string, previous: string): void {
  const chain = open.at(-1)!;
  if (LINKS.has(image)) chain.links += 1;
  if (image === '?') chain.conditions += 1;
  if (ENDS.has(image) || (isOperand(image) && isOperand(previous, ')', ']'))) Object.assign(chain, newChain());
  if (OPEN.has(image)) open.push(newChain());
  else if (CLOSE.has(image) && open.length > 1) open.pop();
}

/** Two of these in a row have no operator between them: a new statement begins. */
function isOperand(image: string, ...others: readonly string[]): boolean {
  return /^[\w"]/.test(image) || others.includes(image);
}

function excess(open: readonly Chain[], signs: number): string | undefined {
  const { links, conditions } = open.at(-1)!;
  if (open.length - 1 + signs + conditions > MAX_NESTING) return `This nests too deeply: at most ${MAX_NESTING} brackets, signs and \`?\` may stand inside one another. Move the inner part into a \`def\` or a \`let\`.`;
  if (links > MAX_CHAIN) return `This expression is too long: at most ${MAX_CHAIN} operators. Split it with a \`let\`.`;
  return undefined;
}

/** Whether a lexing error ended the text early, so that what the parser says about its end means nothing. */
export function isCut(error: LexingError): boolean {
  return error.message.startsWith('This nests too deeply') || error.message.startsWith('This expression is too long');
}
