// Where only some expressions may stand: conditions and log texts of `stop on`, the top level's `expect`s, constants.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import { CONSTANT_FUNCTIONS } from '../constant-value.ts';
import { isCall, isMember, isNameRef } from '../generated/ast.ts';
import type { Call, Const, Expect, Expr } from '../generated/ast.ts';
import { rangeOf } from '../ranges.ts';
import { PURE_CALLS } from '../vocabulary/calls.ts';
import type { CheckContext } from './context.ts';

/** Whether a node belongs to a `when` or a log text, where any name may be a parameter or local of the kernel function. */
export function isInStop(node: AstNode): boolean {
  let root = node;
  while (root.$container !== undefined) root = root.$container;
  return root.$type !== 'Scenario' || AstUtils.getContainerOfType(node, isStop) !== undefined;
}

/** Checks that an expression only looks: no call that acts, no `random`. */
export function checkPure(expression: Expr | undefined, where: string, context: CheckContext): void {
  for (const call of callsIn(expression)) {
    if (!isNameRef(call.callee)) continue;
    const { name } = call.callee;
    const meaning = context.bindings.meanings.get(call.callee);
    if (meaning === undefined || (meaning.kind === 'function' && Object.hasOwn(PURE_CALLS, name))) continue;
    context.error(call.callee, `${where} only looks: it may call ${Object.keys(PURE_CALLS).join(', ')}, not \`${name}\`.`);
  }
}

/** Checks that an expression is constant; whether it is, as far as this can tell. */
export function checkConstant(expression: Expr, where: string, context: CheckContext): boolean {
  let isConstant = true;
  for (const node of AstUtils.streamAst(expression)) {
    const message = constantProblem(node, where, context);
    if (message === undefined) continue;
    isConstant = false;
    context.error(node, message);
    break;
  }
  return isConstant;
}

export function checkTopLevelExpect(node: Expect, context: CheckContext): void {
  if (node.$container.$type === 'Scenario') checkPure(node.condition, 'An `expect` at the top level is checked when every task has ended, and', context);
}

/** A `const` must not need itself. */
export function checkConst(node: Const, context: CheckContext): void {
  if (node.value === undefined) return;
  if (!checkConstant(node.value, 'The value of a `const`', context)) return;
  const circle = circleFrom(node, context);
  if (circle !== undefined) context.error(node, `The value of \`${node.name}\` needs itself: ${circle.join(' → ')}.`, 'name');
}

function constantProblem(node: AstNode, where: string, context: CheckContext): string | undefined {
  if (isMember(node)) return `${where} is known before the machine runs: it has no members.`;
  if (isCall(node)) {
    const meaning = isNameRef(node.callee) ? context.bindings.meanings.get(node.callee) : undefined;
    if (meaning?.kind === 'function' && Object.hasOwn(CONSTANT_FUNCTIONS, meaning.name)) return undefined;
    return `${where} is known before the machine runs: it may call ${Object.keys(CONSTANT_FUNCTIONS).join(', ')} only.`;
  }
  if (!isNameRef(node) || context.bindings.meanings.get(node)?.kind !== 'machine') return undefined;
  return `${where} is known before the machine runs: it cannot read \`${node.name}\`.`;
}

function* callsIn(expression: Expr | undefined): Generator<Call> {
  if (expression === undefined) return;
  for (const node of AstUtils.streamAst(expression)) if (isCall(node)) yield node;
}

/** The names on the way from a constant back to itself; once for each circle, for the constant that comes first. */
function circleFrom(start: Const, context: CheckContext): string[] | undefined {
  const seen = new Set<Const>();
  const path: Const[] = [];
  const visit = (node: Const): boolean => {
    if (node === start && path.length > 0) return true;
    if (seen.has(node)) return false;
    seen.add(node);
    path.push(node);
    if (needs(node, context).some(visit)) return true;
    path.pop();
    return false;
  };
  if (!visit(start) || path.some((node) => rangeOf(node).start < rangeOf(start).start)) return undefined;
  return [...path, start].map((node) => node.name);
}

function needs(node: Const, context: CheckContext): Const[] {
  if (node.value === undefined) return [];
  return AstUtils.streamAst(node.value)
    .filter(isNameRef)
    .toArray()
    .flatMap((name) => {
      const meaning = context.bindings.meanings.get(name);
      return meaning?.kind === 'const' ? [meaning.node] : [];
    });
}

function isStop(node: AstNode): node is AstNode {
  return node.$type === 'Stop';
}
