// A generator is to be continued in another process of time: from its place and its locals, nothing else. This file
// says which constructs stand against it. Allowed are `yield* f()` as a statement, `x = yield* f()`, `const x = yield* f()`,
// `x op= yield* f()` with a local x, and `return yield* f()`; a `for … of` with a yield inside becomes an index loop.
import * as t from '@babel/types';
import { bare, hasYield, nestedFunctions, walk, yieldsIn } from './syntax.ts';

export type Report = (node: t.Node, why: string) => void;

const ALONE =
  '`yield` must stand alone: as a statement, in `x = yield* f()`, `const x = yield* f()`, `x op= yield* f()` with a local x, or `return yield* f()`';

const isYield = (node: t.Node | null | undefined): boolean => !!node && t.isYieldExpression(bare(node));

/** Why the assignment cannot be continued after its yield, or null. */
function assignmentProblem(node: t.AssignmentExpression): string | null {
  if (!isYield(node.right)) return ALONE;
  if (!t.isMemberExpression(bare(node.left))) return null;
  return `the left side of \`${node.operator} yield\` is read before the call: assign to a local first`;
}

function expressionProblem(expression: t.Expression): string | null {
  const node = bare(expression);
  if (t.isYieldExpression(node)) return null;
  return t.isAssignmentExpression(node) ? assignmentProblem(node) : ALONE;
}

function simpleProblem(node: t.Statement): string | null {
  if (yieldsIn(node).length > 1) return 'several yields in one statement';
  if (t.isExpressionStatement(node)) return expressionProblem(node.expression);
  if (t.isReturnStatement(node)) return isYield(node.argument) ? null : ALONE;
  if (!t.isVariableDeclaration(node)) return ALONE;
  if (node.declarations.length > 1) return 'a declaration with a yield must declare one variable';
  return isYield(node.declarations[0]!.init) ? null : ALONE;
}

/** The expressions a compound statement evaluates itself. */
export function headExpressions(node: t.Statement): (t.Node | null | undefined)[] {
  if (t.isIfStatement(node) || t.isWhileStatement(node) || t.isDoWhileStatement(node)) return [node.test];
  if (t.isForStatement(node)) return [node.init, node.test, node.update];
  if (t.isForXStatement(node)) return [node.right, t.isVariableDeclaration(node.left) ? node.left : null];
  if (t.isSwitchStatement(node)) return [node.discriminant, ...node.cases.map((one) => one.test)];
  if (t.isBlockStatement(node) || t.isTryStatement(node) || t.isLabeledStatement(node)) return [];
  return [node];
}

const isCompound = (node: t.Statement): boolean => headExpressions(node)[0] !== node;

/** `m.keys()` and its like walk something that is not an array; `Object.keys(o)` is one. */
function isIterator(right: t.Node): boolean {
  const call = bare(right);
  if (!t.isCallExpression(call) || !t.isMemberExpression(call.callee) || t.isIdentifier(call.callee.object, { name: 'Object' })) return false;
  return t.isIdentifier(call.callee.property) && ['keys', 'values', 'entries'].includes(call.callee.property.name);
}

function checkStatement(node: t.Statement, report: Report): void {
  if (isCompound(node)) {
    const heads = headExpressions(node).filter((head) => hasYield(head));
    for (const head of heads) report(head!, 'a yield in a condition or in the head of a compound statement');
  } else if (hasYield(node)) {
    const why = simpleProblem(node);
    if (why !== null) report(node, why);
  }
  if (t.isForInStatement(node) && hasYield(node.body)) report(node, '`for … in` with a yield inside');
  if (t.isForOfStatement(node) && hasYield(node.body) && isIterator(node.right)) report(node, '`for … of` over an iterator with a yield inside');
  if (t.isTryStatement(node) && hasYield(node.finalizer)) report(node.finalizer!, 'a yield in a `finally` block');
}

/** A closure kept in a local is not data. */
function checkClosures(fn: t.Function, report: Report): void {
  walk(fn.body, (node) => {
    if (t.isVariableDeclarator(node) && t.isFunction(node.init)) report(node, 'a closure kept in a local of a generator');
  });
  for (const nested of nestedFunctions(fn.body)) if (nested.generator) report(nested, 'a generator inside a generator');
}

/** Reports each construct of a generator that keeps it from being continued. */
export function checkResumable(fn: t.Function, report: Report): void {
  walk(fn.body, (node) => {
    if (t.isStatement(node)) checkStatement(node, report);
    if (t.isThisExpression(node) || t.isIdentifier(node, { name: 'arguments' })) report(node, '`this` and `arguments` are not kept in a generator');
  });
  checkClosures(fn, report);
}
