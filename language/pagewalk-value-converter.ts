// Strings and numbers stay in the tree as they are written: the lexer judges them, and a converter that throws would end the parse.
import { DefaultValueConverter } from 'langium';
import type { CstNode, GrammarAST, ValueType } from 'langium';

export class PagewalkValueConverter extends DefaultValueConverter {
  protected override runConverter(rule: GrammarAST.AbstractRule, input: string, node: CstNode): ValueType {
    return rule.name === 'STRING' || rule.name === 'NUMBER' || rule.name === 'ID' ? input : super.runConverter(rule, input, node);
  }
}
