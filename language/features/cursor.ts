// What the text before a cursor says about what may come next. It looks at words alone: while one is being typed, the tree is broken.
import { PagewalkTerminals } from '../generated/ast.ts';

/** What the innermost open brace belongs to. */
export type Enclosing = 'top' | 'machine' | 'disk' | 'node' | 'body';

export interface Cursor {
  enclosing: Enclosing;
  /** The words before the cursor since the innermost brace, the last one first; the word that is being typed is not among them. */
  before: string[];
  /** The word that is being typed, or the empty string. */
  word: string;
  /** Whether the cursor stands in a comment or a string. */
  isInText: boolean;
  /** The name of the function whose arguments the cursor stands in. */
  call: string | null;
}

const { ID, NUMBER, STRING, ML_COMMENT, SL_COMMENT } = PagewalkTerminals;
const TOKEN = new RegExp([ML_COMMENT, SL_COMMENT, STRING, ID, NUMBER].map((pattern) => `(?:${pattern.source})`).join('|') + String.raw`|\.\.|<<|>>|&&|\|\||[-+*/=!<>]=|[^\s\w]`, 'g');

export function cursorAt(text: string, offset: number): Cursor {
  const before = text.slice(0, offset);
  const tokens = before.match(TOKEN) ?? [];
  const last = tokens.at(-1) ?? '';
  const isTyping = /\w$/.test(before) && /^[A-Za-z_]/.test(last);
  const complete = (isTyping ? tokens.slice(0, -1) : tokens).filter((token) => !isComment(token));
  const { enclosing, open } = enclosingOf(complete);
  return { enclosing, before: complete.slice(open).reverse(), word: isTyping ? last : '', isInText: isInText(before, last), call: callAround(complete.slice(open)) };
}

function isComment(token: string): boolean {
  return token.startsWith('//') || token.startsWith('/*');
}

function isInText(before: string, last: string): boolean {
  if (!before.endsWith(last) || last === '') return false;
  if (last.startsWith('//')) return true;
  if (last.startsWith('/*')) return last.length < 4 || !last.endsWith('*/');
  return last.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/.test(last);
}

/** What the innermost brace belongs to, and where what stands in it begins. */
function enclosingOf(tokens: readonly string[]): { enclosing: Enclosing; open: number } {
  const stack: { enclosing: Enclosing; open: number }[] = [{ enclosing: 'top', open: 0 }];
  for (const [i, token] of tokens.entries()) {
    if (token === '{') stack.push({ enclosing: ownerOf(tokens, i, stack.at(-1)!.enclosing), open: i + 1 });
    else if (token === '}' && stack.length > 1) {
      stack.pop();
      stack.at(-1)!.open = i + 1;
    }
  }
  return stack.at(-1)!;
}

function ownerOf(tokens: readonly string[], brace: number, outer: Enclosing): Enclosing {
  if (tokens[brace - 1] === 'machine') return 'machine';
  if (outer !== 'machine') return 'body';
  return tokens[brace - 2] === 'disk' ? 'disk' : 'node';
}

/** The name before the innermost parenthesis that is still open. */
function callAround(tokens: readonly string[]): string | null {
  let depth = 0;
  for (let i = tokens.length - 1; i > 0; i--) {
    if (tokens[i] === ')') depth += 1;
    if (tokens[i] !== '(') continue;
    if (depth === 0) return /^[A-Za-z_]/.test(tokens[i - 1]!) ? tokens[i - 1]! : null;
    depth -= 1;
  }
  return null;
}
