// `stop on`, and `expects_bug`.
import type { Expr, ExpectsBug, Stop } from '../generated/ast.ts';
import { inLog } from '../bindings.ts';
import { rangeOfProperty } from '../ranges.ts';
import { stringValue } from '../text.ts';
import type { CheckContext } from './context.ts';
import { checkPure } from './pure.ts';
import { checkQuantity } from './quantities.ts';

/** What to do with each expression of a log text, and the context to report in. */
export type LogVisitor = (expression: Expr, context: CheckContext) => void;

export function checkStop(node: Stop, context: CheckContext, visit: LogVisitor): void {
  checkPure(node.when, 'A `when`', context);
  checkQuantity(node.hits, { name: '`hits`', kind: 'count', min: 1 }, context);
  checkLog(node, context, visit);
}

export function checkExpectsBug(node: ExpectsBug, context: CheckContext): void {
  if (node.text !== undefined && stringValue(node.text) === '') context.error(node, 'An empty text stands in every bug: write a part of the message that you expect.', 'text');
}

/** The expressions in a log text have offsets of their own; the text says where each character is written. */
function checkLog(node: Stop, context: CheckContext, visit: LogVisitor): void {
  const log = context.bindings.logs.get(node);
  if (log === undefined) return;
  const { start } = rangeOfProperty(node, 'log');
  for (const problem of log.problems) context.error({ start: start + problem.start, end: start + problem.end }, problem.message);
  for (const part of log.parts) {
    if (part.kind !== 'expression') continue;
    const inner = context.within(inLog(start, part.offsets));
    checkPure(part.expression, 'A log text', inner);
    visit(part.expression, inner);
  }
}
