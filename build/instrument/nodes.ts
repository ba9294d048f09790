// The code the instrumenter inserts, as syntax trees: small builders, named after what they write.
import * as t from '@babel/types';

/** Names that inserted code declares inside a function; some get a number behind. An engine file must not use them. */
export const LOCAL = {
  shadow: '__t',
  base: '__b',
  values: '__v',
  result: '__w',
  returning: '__d',
  caught: '__e',
  index: '__i',
  list: '__list',
} as const;

/** What instrumented code may import from 'pagewalk:hooks'. */
export const HOOK_NAMES = ['__c', '__bp', '__test', '__cur', '__stop', '__REWIND'] as const;

/** Does the name belong to inserted code? */
export function isReserved(text: string): boolean {
  const names: string[] = [...HOOK_NAMES, ...Object.values(LOCAL)];
  return names.includes(text.replace(/\d+$/, ''));
}

export const HOOKS_MODULE = 'pagewalk:hooks';

/** What the builders' flags mean. */
const COMPUTED = true;
const PREFIX = true;

export const name = (text: string): t.Identifier => t.identifier(text);
export const number = (value: number): t.NumericLiteral => t.numericLiteral(value);
const member = (object: string, property: string): t.MemberExpression => t.memberExpression(name(object), name(property));
const index = (object: t.Expression, at: t.Expression): t.MemberExpression => t.memberExpression(object, at, COMPUTED);
export const assign = (left: t.LVal, right: t.Expression): t.AssignmentExpression => t.assignmentExpression('=', left as t.Identifier, right);
export const run = (expression: t.Expression): t.ExpressionStatement => t.expressionStatement(expression);

export function sequence(expressions: t.Expression[]): t.Expression {
  return expressions.length === 1 ? expressions[0]! : t.sequenceExpression(expressions);
}

export function declareOne(kind: t.VariableDeclaration['kind'], id: t.VariableDeclarator['id'], init: t.Expression): t.VariableDeclaration {
  return t.variableDeclaration(kind, [t.variableDeclarator(id, init)]);
}

export const constant = (id: string, init: t.Expression): t.VariableDeclaration => declareOne('const', name(id), init);

/** `--__c[0] < 0 || __bp[P]`, or at an entry `--__c[0] < 0 || __bp[P] && __test[P](…)`. */
export function look(place: number, parameters: t.Expression[] | null): t.Expression {
  const count = t.binaryExpression('<', t.updateExpression('--', index(name('__c'), number(0)), PREFIX), number(0));
  const wanted = index(name('__bp'), number(place));
  if (parameters === null) return t.logicalExpression('||', count, wanted);
  const test = t.callExpression(index(name('__test'), number(place)), parameters);
  return t.logicalExpression('||', count, t.logicalExpression('&&', wanted, test));
}

/** `__stop(P)`, or with the values of a function that has no frame `__stop(P, […])`. */
export function stop(place: number, values: string[] | null): t.Expression {
  return t.callExpression(name('__stop'), values === null ? [number(place)] : [number(place), t.arrayExpression(values.map(name))]);
}

/** `__v[__b + slot] = x`. */
export function store(slot: number, variable: string): t.Expression {
  return assign(index(name(LOCAL.values), t.binaryExpression('+', name(LOCAL.base), number(slot))), name(variable));
}

/** `__t.pl[__b] = P`. */
export const storePlace = (place: number): t.Expression => assign(index(member(LOCAL.shadow, 'pl'), name(LOCAL.base)), number(place));

/** `const __t = __cur.t, __b = __t.sp`. */
export function openFrame(): t.Statement {
  const shadow = t.variableDeclarator(name(LOCAL.shadow), member('__cur', 't'));
  return t.variableDeclaration('const', [shadow, t.variableDeclarator(name(LOCAL.base), member(LOCAL.shadow, 'sp'))]);
}

/** `__t.sp = __b + size`: what lies above this frame is gone. */
export function topFrame(size: t.NumericLiteral): t.Statement {
  return run(assign(member(LOCAL.shadow, 'sp'), t.binaryExpression('+', name(LOCAL.base), size)));
}

/** `__t.sp = __b`. */
export const closeFrame = (): t.Statement => run(assign(member(LOCAL.shadow, 'sp'), name(LOCAL.base)));

/** `const __v = __t.v`. */
export const openValues = (): t.Statement => constant(LOCAL.values, member(LOCAL.shadow, 'v'));

/** `__t.th[__b] = () => […]`. */
export function storeThunk(values: string[]): t.Statement {
  return run(assign(index(member(LOCAL.shadow, 'th'), name(LOCAL.base)), t.arrowFunctionExpression([], t.arrayExpression(values.map(name)))));
}

/** `if (e === __REWIND) throw e`. */
export function passRewind(caught: string): t.Statement {
  return t.ifStatement(t.binaryExpression('===', name(caught), name('__REWIND')), t.throwStatement(name(caught)));
}

/** `list = right, Array.isArray(list) || ArrayBuffer.isView(list) || (list = [...list])`: what an index loop can walk. */
export function indexable(list: string, right: t.Expression): t.Expression[] {
  const isArray = t.callExpression(member('Array', 'isArray'), [name(list)]);
  const isView = t.callExpression(member('ArrayBuffer', 'isView'), [name(list)]);
  const copy = assign(name(list), t.arrayExpression([t.spreadElement(name(list))]));
  return [assign(name(list), right), t.logicalExpression('||', t.logicalExpression('||', isArray, isView), copy)];
}

/** `list[i]`. */
export const element = (list: string, at: string): t.Expression => index(name(list), name(at));

/** `i < list.length`. */
export const within = (at: string, list: string): t.Expression => t.binaryExpression('<', name(at), member(list, 'length'));
