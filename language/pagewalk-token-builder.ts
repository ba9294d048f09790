// Builds the tokens of the grammar. A keyword that is not reserved is soft: its token belongs to the category ID, so that the
// parser takes it wherever it takes a name.
import { DefaultTokenBuilder } from 'langium';
import type { Grammar, TokenBuilderOptions } from 'langium';
import type { TokenType } from './tokens.ts';
import { RESERVED } from './vocabulary/settings.ts';

const reserved: ReadonlySet<string> = new Set(RESERVED);

export class PagewalkTokenBuilder extends DefaultTokenBuilder {
  override buildTokens(grammar: Grammar, options?: TokenBuilderOptions): TokenType[] {
    const tokens = super.buildTokens(grammar, options) as TokenType[];
    const name = tokens.filter((token) => token.name === 'ID');
    for (const token of tokens) if (isSoft(token)) token.CATEGORIES = name;
    return tokens;
  }
}

/** Whether a token is a keyword that may also be a name. */
export function isSoft(token: TokenType): boolean {
  return typeof token.PATTERN === 'string' && /^[a-z]/.test(token.PATTERN) && !reserved.has(token.PATTERN);
}
