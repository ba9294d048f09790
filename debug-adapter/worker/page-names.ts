// The engine knows a page by its frame number, people know it by its struct page: `page.flags` in an engine frame means `page(page).flags`.

import type { ExpressionData } from '../../language/runtime/index.ts';

/** Names that hold a page frame number wherever the engine uses them. */
export const PAGE_NAMES: ReadonlySet<string> = new Set(['page', 'buddy', 'freed', 'half', 'part', 'block']);

/** The expression with every page's name made a page where a member of it is read; elsewhere it stays the number. */
export function withPages(expression: ExpressionData): ExpressionData {
  switch (expression.kind) {
    case 'literal': case 'slot': case 'name': return expression;
    case 'listOf': return { ...expression, items: expression.items.map(withPages) };
    case 'unary': return { ...expression, operand: withPages(expression.operand) };
    case 'binary': return { ...expression, left: withPages(expression.left), right: withPages(expression.right) };
    case 'conditional': {
      return { ...expression, condition: withPages(expression.condition), then: withPages(expression.then), else: withPages(expression.else) };
    }
    case 'call': return { ...expression, args: expression.args.map(withPages) };
    case 'method': return { ...expression, object: pageOrSame(expression.object), args: expression.args.map(withPages) };
    case 'member': return { ...expression, object: pageOrSame(expression.object) };
    case 'index': return { ...expression, object: withPages(expression.object), index: withPages(expression.index) };
  }
}

function pageOrSame(object: ExpressionData): ExpressionData {
  const isPage = object.kind === 'name' && PAGE_NAMES.has(object.name);
  return isPage ? { kind: 'call', name: 'page', args: [object], at: object.at } : withPages(object);
}
