// Rewrites the statements of one function: a hook before each, the call's place stored before a call, values written through after
// an assignment (plain functions with a frame), declarations turned into assignments (generators). Compound ones are in compound.ts.
import * as t from '@babel/types';
import { compoundParts, isCompound } from './compound.ts';
import { addHook, declare, frameSize, hookStatement, type FunctionContext, type Scope, type Variable } from './context.ts';
import { assign, closeFrame, constant, LOCAL, name, number, run, sequence, store, storePlace, topFrame } from './nodes.ts';
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
const storing = (variables: Variable[]): t.Statement[] => stores(variables).map(run);

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

function declaration(fx: FunctionContext, node: t.VariableDeclaration, scope: Scope): Parts {
  const before = opening(fx, node, [node], scope);
  const changed = written(fx, node, scope);
  const names = boundNames(node);
  for (const one of names) declare(fx, scope, one);
  const main = isHoisted(fx, node) ? run(asAssignments(node)) : node;
  if (fx.frame !== 'mirror') return { before, main, after: [] };
  const stillSeen = changed.filter((variable) => scope.get(variable.shown) === variable);
  return { before, main, after: storing([...new Set([...namesIn(scope, names), ...stillSeen])]) };
}

/** A plain function's frame is closed before it returns; inside `try … finally` the outermost finally block does it. */
function returning(fx: FunctionContext, node: t.ReturnStatement, scope: Scope): Parts {
  const before = opening(fx, node, [node.argument], scope);
  if (fx.frame !== 'mirror') return { before, main: node, after: [] };
  const [outermost] = fx.finallies;
  if (outermost !== undefined) fx.helpers.add(outermost);
  const leave = outermost === undefined ? closeFrame() : run(assign(name(outermost), number(1)));
  if (!node.argument || !callsBack(node.argument, fx.file.comesBack)) return { before: [...before, leave], main: node, after: [] };
  const value = constant(LOCAL.result, node.argument);
  return { before, main: t.blockStatement([value, leave, t.returnStatement(name(LOCAL.result))]), after: [] };
}

function labeled(fx: FunctionContext, node: t.LabeledStatement, scope: Scope): Parts {
  const { before, main, after } = parts(fx, node.body, scope);
  return { before, main: t.labeledStatement(node.label, main), after };
}

function parts(fx: FunctionContext, node: t.Statement, scope: Scope): Parts {
  if (t.isBlockStatement(node)) return { before: [], main: block(fx, node, scope), after: [] };
  if (t.isLabeledStatement(node)) return labeled(fx, node, scope);
  if (isCompound(node)) return compoundParts(fx, node, scope);
  if (t.isVariableDeclaration(node)) return declaration(fx, node, scope);
  if (t.isReturnStatement(node)) return returning(fx, node, scope);
  return { before: opening(fx, node, [node], scope), main: node, after: storing(written(fx, node, scope)) };
}

/** What a nested function may read: for an expression all that is declared so far, for a hoisted declaration the parameters. */
function noteNestedFunctions(fx: FunctionContext, node: t.Statement, scope: Scope): void {
  const snapshot = new Map(scope);
  t.traverseFast(node, (one) => {
    if (t.isFunction(one)) fx.file.around.set(one, snapshot);
  });
}

const isSilent = (node: t.Statement): boolean =>
  t.isFunctionDeclaration(node) || t.isClassDeclaration(node) || t.isTypeScript(node) || t.isEmptyStatement(node);

/** Rewrites a list of statements; `scope` grows by what they declare. */
export function list(fx: FunctionContext, statements: t.Statement[], scope: Scope): t.Statement[] {
  return statements.flatMap((node) => {
    if (isSilent(node)) return [node];
    noteNestedFunctions(fx, node, scope);
    const { before, main, after } = parts(fx, node, scope);
    return [...before, main, ...after];
  });
}

/** The names a list of statements declares for its whole block. */
function ownNames(statements: t.Statement[]): string[] {
  return statements.filter((node) => t.isVariableDeclaration(node) && node.kind !== 'var').flatMap(boundNames);
}

/** The scope a block of these statements starts with: what it declares itself hides an outer name from the start, and is not set yet. */
export function scopeWithin(fx: FunctionContext, statements: t.Statement[], scope: Scope): Scope {
  const inner = new Map(scope);
  for (const one of ownNames(statements)) inner.delete(fx.shown.get(one) ?? one);
  return inner;
}

/** Rewrites a nested statement as a block with its own scope; `first`, which means the names of `scope`, goes before it. */
export function block(fx: FunctionContext, node: t.Statement, scope: Scope, first: t.Statement[] = []): t.BlockStatement {
  const statements = t.isBlockStatement(node) ? node.body : [node];
  const body = list(fx, statements, scopeWithin(fx, statements, scope));
  const hides = first.length > 0 && ownNames(statements).some((one) => scope.has(one));
  return t.blockStatement(hides ? [...first, t.blockStatement(body)] : [...first, ...body]);
}

/** What lies above the frame is gone: after an exception, calls never came back. */
export function resetTop(fx: FunctionContext): t.Statement[] {
  return fx.frame === 'none' ? [] : [topFrame(frameSize(fx))];
}

