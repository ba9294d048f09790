// What the rewriting of plain and of compound statements share: hooks before, values written through after, scopes.
import * as t from '@babel/types';
import { addHook, frameSize, hookStatement, type FunctionContext, type Scope, type Variable } from './context.ts';
import { assign, LOCAL, name, run, sequence, store, storePlace, topFrame } from './nodes.ts';
import { assignedNames, boundNames, callsBack } from './syntax.ts';

/** A statement rewritten: a label belongs to `main`. */
export interface Parts {
  before: t.Statement[];
  main: t.Statement;
  after: t.Statement[];
}

/** The visible variables that running `node` may change, if the function keeps copies of them. */
export function written(fx: FunctionContext, node: t.Node | null | undefined, scope: Scope): Variable[] {
  if (fx.frame !== 'mirror' || !node) return [];
  const assigned = assignedNames(node);
  const calls = callsBack(node, fx.file.comesBack);
  return [...scope.values()].filter(({ name: own }) => assigned.has(own) || (calls && fx.shared.has(own)));
}

export const stores = (variables: Variable[]): t.Expression[] => variables.map((variable) => store(variable.slot, variable.name));
export const storing = (variables: Variable[]): t.Statement[] => stores(variables).map(run);

export const namesIn = (scope: Scope, names: string[]): Variable[] => [...scope.values()].filter((variable) => names.includes(variable.name));

/** Gives the value of `expression` and writes through what it changed. */
export function writingThrough(fx: FunctionContext, expression: t.Expression, scope: Scope): t.Expression {
  const variables = written(fx, expression, scope);
  if (variables.length === 0) return expression;
  fx.helpers.add(LOCAL.result);
  return sequence([assign(name(LOCAL.result), expression), ...stores(variables), name(LOCAL.result)]);
}

export function beforeCall(fx: FunctionContext, nodes: (t.Node | null | undefined)[], place: number): t.Expression[] {
  if (fx.frame === 'none' || !nodes.some((node) => callsBack(node, fx.file.comesBack))) return [];
  return [storePlace(place)];
}

/** The hook of a statement, and the place for the calls that `evaluated` makes. */
export function opening(fx: FunctionContext, node: t.Statement, evaluated: (t.Node | null | undefined)[], scope: Scope): t.Statement[] {
  const hook = addHook(fx, fx.file.positions.head(node), 'statement', scope);
  return [hookStatement(hook), ...beforeCall(fx, evaluated, hook.place).map(run)];
}

/** `const x: T = e, y` of hoisted names is `x = e, y = undefined`. */
export function asAssignments(node: t.VariableDeclaration): t.Expression {
  return sequence(node.declarations.map(({ id, init }) => assign(untyped(id), init ?? name('undefined'))));
}

type Target = t.Identifier | t.ArrayPattern | t.ObjectPattern;

/** A declared name or pattern without its type. */
export function untyped(id: t.Node): Target {
  const target = id as Target;
  target.typeAnnotation = null;
  return target;
}

export const isHoisted = (fx: FunctionContext, node: t.Node): boolean => {
  const names = boundNames(node);
  return fx.frame === 'thunk' && names.every((one) => fx.hoisted.has(one));
};

/** The names a list of statements declares for its whole block. */
export function ownNames(statements: t.Statement[]): string[] {
  return statements.filter((node) => t.isVariableDeclaration(node) && node.kind !== 'var').flatMap(boundNames);
}

/** The scope a block of these statements starts with: what it declares itself hides an outer name from the start, and is not set yet. */
export function scopeWithin(fx: FunctionContext, statements: t.Statement[], scope: Scope): Scope {
  const inner = new Map(scope);
  for (const one of ownNames(statements)) inner.delete(fx.shown.get(one) ?? one);
  return inner;
}

/** What lies above the frame is gone: after an exception, calls never came back. */
export function resetTop(fx: FunctionContext): t.Statement[] {
  return fx.frame === 'none' ? [] : [topFrame(frameSize(fx))];
}
