// The parser, guarded: whatever it throws becomes a message, and the next parse starts afresh.
import { LangiumParser, createParser } from 'langium';
import type { AstNode, LangiumCoreServices, ParseResult, ParserOptions } from 'langium';

export class PagewalkParser extends LangiumParser {
  override parse<T extends AstNode = AstNode>(input: string, options: ParserOptions = {}): ParseResult<T> {
    try {
      return super.parse<T>(input, options);
    } catch {
      this.forgetOpenNodes();
      const result = super.parse<T>(options.rule === undefined ? '' : '0', options);
      result.lexerErrors.push({ message: 'This text is too deep or too long to be read. Split it into smaller parts.', offset: 0, length: 1, line: 1, column: 1 });
      return result;
    }
  }

  /** After an exception the library's list of nodes under construction is not empty, and every later parse would fail. */
  private forgetOpenNodes(): void {
    Reflect.set(this, 'stack', []);
  }
}

/** The service factory: a parser with the grammar's rules. */
export function createPagewalkParser(services: LangiumCoreServices): PagewalkParser {
  const parser = createParser(services.Grammar, new PagewalkParser(services), services.parser.Lexer.definition);
  parser.finalize();
  return parser;
}
