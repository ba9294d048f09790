// `stop on`, and `expects_bug`.
import { AstUtils } from 'langium';
import { isNameRef } from '../generated/ast.ts';
import type { Expr, ExpectsBug, Stop } from '../generated/ast.ts';
import { globalNames, inLog, isCallee } from '../bindings.ts';
import { didYouMean } from '../near.ts';
import { rangeOfProperty } from '../ranges.ts';
import { stopEvent } from '../stop-events.ts';
import type { StopEvent } from '../stop-events.ts';
import { stringValue } from '../text.ts';
import type { CheckContext } from './context.ts';
import { checkPure } from './pure.ts';
import { checkQuantity } from './quantities.ts';

/** What to do with each expression of a log text, and the context to report in. */
export type LogVisitor = (expression: Expr, context: CheckContext) => void;

export function checkStop(node: Stop, context: CheckContext, visit: LogVisitor): void {
  checkEvent(node, context);
  checkPure(node.when, 'A `when`', context);
  checkQuantity(node.hits, { name: '`hits`', kind: 'count', min: 1 }, context);
  checkLog(node, context, visit);
}

function checkEvent(node: Stop, context: CheckContext): void {
  if (node.event === undefined) return;
  const event = stopEvent(node.event);
  if (event.kind === 'wrong') context.error(node, event.message, 'event');
  if (event.kind !== 'known') return;
  if (node.when !== undefined) checkNames(node.when, node.event, event, context);
  for (const { expression, inner } of logExpressions(node, context)) checkNames(expression, node.event, event, inner);
}

/** A name that means nothing to the scenario or the machine must be one of the place itself. */
function checkNames(expression: Expr, place: string, { names, what }: StopEvent & { kind: 'known' }, context: CheckContext): void {
  for (const node of AstUtils.streamAst(expression)) {
    if (!isNameRef(node) || node.name === undefined || isCallee(node) || context.bindings.meanings.has(node) || names.includes(node.name)) continue;
    const known = names.length === 0 ? `it has no ${what}s` : `it has ${names.map((name) => `\`${name}\``).join(', ')}`;
    const suggestion = didYouMean(node.name, [...names, ...globalNames(context.bindings)]);
    context.error(node, `\`${place}\` has no ${what} \`${node.name}\`: ${known}.${suggestion}`);
  }
}

export function checkExpectsBug(node: ExpectsBug, context: CheckContext): void {
  if (node.text !== undefined && stringValue(node.text) === '') context.error(node, 'An empty text stands in every bug: write a part of the message that you expect.', 'text');
}

function checkLog(node: Stop, context: CheckContext, visit: LogVisitor): void {
  const log = context.bindings.logs.get(node);
  if (log === undefined) return;
  const { start } = rangeOfProperty(node, 'log');
  for (const problem of log.problems) context.error({ start: start + problem.start, end: start + problem.end }, problem.message);
  for (const { expression, inner } of logExpressions(node, context)) {
    checkPure(expression, 'A log text', inner);
    visit(expression, inner);
  }
}

/** The expressions in a log text have offsets of their own; the text says where each character is written. */
function logExpressions(node: Stop, context: CheckContext): { expression: Expr; inner: CheckContext }[] {
  const parts = context.bindings.logs.get(node)?.parts ?? [];
  return parts.flatMap((part) => (part.kind === 'text' ? [] : [{ expression: part.expression, inner: context.within(inLog(rangeOfProperty(node, 'log').start, part.offsets)) }]));
}
