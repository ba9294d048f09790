// Questions about syntax: what an expression assigns, whether it yields, which calls may come back to engine code.
import * as t from '@babel/types';

export type Call = t.CallExpression | t.OptionalCallExpression | t.NewExpression;

/** A call test says whether a call may pass a hook before it returns. */
export type ComesBack = (call: Call) => boolean;

/** The children of a node, holes left out. */
function children(node: t.Node): t.Node[] {
  const fields = node as unknown as Record<string, t.Node | (t.Node | null)[] | null | undefined>;
  return (t.VISITOR_KEYS[node.type] ?? []).flatMap((key) => fields[key] ?? []).filter((child) => child !== null);
}

/** Walks a tree without entering nested functions. */
export function walk(node: t.Node | null | undefined, visit: (node: t.Node) => void): void {
  if (!node || t.isFunction(node)) return;
  visit(node);
  for (const child of children(node)) walk(child, visit);
}

/** Takes off `as T`, `<T>x`, `x!`, `satisfies T` and parentheses. */
export function bare<T extends t.Node>(node: T): t.Node {
  let inner: t.Node = node;
  while (
    t.isTSAsExpression(inner) ||
    t.isTSTypeAssertion(inner) ||
    t.isTSNonNullExpression(inner) ||
    t.isTSSatisfiesExpression(inner) ||
    t.isParenthesizedExpression(inner)
  ) {
    inner = inner.expression;
  }
  return inner;
}

/** The names a pattern or declaration binds, in order. */
export const boundNames = (node: t.Node): string[] => Object.keys(t.getBindingIdentifiers(node));

/** The variables that `node` writes, nested statements included, nested functions not. */
export function assignedNames(node: t.Node | null | undefined): Set<string> {
  const names = new Set<string>();
  const add = (target: t.Node): void => {
    const left = bare(target);
    if (!t.isMemberExpression(left)) for (const one of boundNames(left)) names.add(one);
  };
  walk(node, (one) => {
    if (t.isAssignmentExpression(one)) add(one.left);
    else if (t.isUpdateExpression(one)) add(one.argument);
    else if (t.isForXStatement(one) && !t.isVariableDeclaration(one.left)) add(one.left);
  });
  return names;
}

export function yieldsIn(node: t.Node | null | undefined): t.YieldExpression[] {
  const found: t.YieldExpression[] = [];
  walk(node, (one) => {
    if (t.isYieldExpression(one)) found.push(one);
  });
  return found;
}

export const hasYield = (node: t.Node | null | undefined): boolean => yieldsIn(node).length > 0;

/** Functions nested directly in `node`; those inside them are not listed. */
export function nestedFunctions(node: t.Node): t.Function[] {
  return children(node).flatMap((child) => (t.isFunction(child) ? [child] : nestedFunctions(child)));
}

/** Does running `node` call anything that may pass a hook? A yield counts: other tasks run meanwhile. */
export function callsBack(node: t.Node | null | undefined, comesBack: ComesBack): boolean {
  let found = false;
  walk(node, (one) => {
    if (t.isYieldExpression(one) || t.isTaggedTemplateExpression(one)) found = true;
    else if (t.isCallExpression(one) || t.isOptionalCallExpression(one) || t.isNewExpression(one)) found ||= comesBack(one);
  });
  return found;
}
