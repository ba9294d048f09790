// Which expressions act: those with a call of a `def`, of the kernel, or of `random` in them.
import type { Call, CallStatement, Expr } from '../generated/ast.ts';
import { PURE_CALLS } from '../vocabulary/calls.ts';
import type { Builder } from './builder.ts';

export type AnyCall = Call | CallStatement;

/** Whether a call does something: then it is an instruction. A method of an object only looks. */
export function isActing(builder: Builder, node: AnyCall): boolean {
  const { callee } = node;
  return callee.$type === 'NameRef' && (builder.compilation.bindings.defs.has(callee.name) || !Object.hasOwn(PURE_CALLS, callee.name));
}

/** Whether a call in the expression acts. */
export function acts(builder: Builder, node: Expr): boolean {
  return findActing(builder, node) !== undefined;
}

export function findActing(builder: Builder, node: Expr): Call | undefined {
  const open: Expr[] = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.$type === 'Call' && isActing(builder, next)) return next;
    open.push(...operandsOf(next));
  }
  return undefined;
}

function operandsOf(node: Expr): Expr[] {
  switch (node.$type) {
    case 'ListLiteral': return node.items;
    case 'Unary': return [node.operand];
    case 'Binary': return [node.left, node.right];
    case 'Conditional': return [node.condition, node.then, node.else];
    case 'Call': return [...(node.callee.$type === 'NameRef' ? [] : [node.callee]), ...node.args.map((arg) => arg.value)];
    case 'Member': return [node.object];
    case 'Index': return [node.object, node.index];
    case 'Range': return [node.from, node.to];
    default: return [];
  }
}
