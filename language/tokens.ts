// The parser library's token types, reached through Langium, which is the dependency that the project declares.
import type { LexerResult } from 'langium';

export type Token = LexerResult['tokens'][number];
export type TokenType = Token['tokenType'];
export type LexingError = LexerResult['errors'][number];

export function isWord(token: Token): boolean {
  return /^[A-Za-z_]/.test(token.image);
}

export function isEndOfFile(token: Token): boolean {
  return token.tokenType.name === 'EOF' || !(token.startOffset >= 0);
}

/** A lexing error that covers the whole of `token`, or its first `length` characters. */
export function errorAt(token: Token, message: string, length: number = token.image.length): LexingError {
  return { message, offset: token.startOffset, line: token.startLine, column: token.startColumn, length };
}
