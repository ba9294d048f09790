// Rewrites the compound statements: if, switch, try and the loops. A loop's head is passed again before each further iteration:
// `while (c) …` becomes `for (; c; hook) …`, so that `continue` passes the hook too.
import * as t from '@babel/types';
import { addHook, declare, hookExpression, hookStatement, type FunctionContext, type Scope } from './context.ts';
import { assign, closeFrame, declareOne, element, indexable, LOCAL, name, number, passRewind, run, sequence, within } from './nodes.ts';
import { headExpressions } from './resumable.ts';
import { asAssignments, beforeCall, isHoisted, namesIn, opening, resetTop } from './pieces.ts';
import { scopeWithin, stores, untyped, writingThrough, written, type Parts } from './pieces.ts';
import { boundNames, hasYield } from './syntax.ts';

type Compound = t.IfStatement | t.SwitchStatement | t.TryStatement | t.For | t.WhileStatement | t.DoWhileStatement;

export const isCompound = (node: t.Statement): node is Compound =>
  t.isIfStatement(node) || t.isSwitchStatement(node) || t.isTryStatement(node) || t.isLoop(node);

const only = (before: t.Statement[], main: t.Statement): Parts => ({ before, main, after: [] });

function conditional(fx: FunctionContext, node: t.IfStatement, scope: Scope): Parts {
  const before = opening(fx, node, [node.test], scope);
  const test = writingThrough(fx, node.test, scope);
  const consequent = fx.inner.block(fx, node.consequent, scope);
  return only(before, t.ifStatement(test, consequent, node.alternate ? fx.inner.block(fx, node.alternate, scope) : null));
}

/** Each case sees what is declared before the switch and in itself: another case's `let` may not be set. */
function switching(fx: FunctionContext, node: t.SwitchStatement, scope: Scope): Parts {
  const before = opening(fx, node, headExpressions(node), scope);
  const discriminant = writingThrough(fx, node.discriminant, scope);
  const inner = scopeWithin(fx, node.cases.flatMap((one) => one.consequent), scope);
  const cases = node.cases.map((one) => t.switchCase(one.test, fx.inner.list(fx, one.consequent, new Map(inner))));
  return only(before, t.switchStatement(discriminant, cases));
}

/** What a `catch` starts with: REWIND passes, the frame is on top again and kept anew (a statement broke off), the exception is a local. */
function handler(fx: FunctionContext, node: t.CatchClause, scope: Scope): t.CatchClause {
  const inner: Scope = new Map(scope);
  const { param } = node;
  const keeps = t.isIdentifier(param) && fx.frame !== 'thunk';
  const caught = keeps ? param.name : LOCAL.caught;
  const first: t.Statement[] = [passRewind(caught), ...resetTop(fx)];
  if (param && !keeps) first.push(isHoisted(fx, param) ? run(assign(untyped(param), name(caught))) : declareOne('let', untyped(param), name(caught)));
  const names = param ? boundNames(param) : [];
  for (const one of names) declare(fx, inner, one);
  if (fx.frame === 'mirror') first.push(...stores([...inner.values()]).map(run));
  return t.catchClause(name(caught), fx.inner.block(fx, node.body, inner, first));
}

/** A `finally` block may follow an exception, as `catch` does. A plain function that returns through it closes its frame at its end. */
function finalizer(fx: FunctionContext, node: t.BlockStatement, scope: Scope, returning: string): t.BlockStatement {
  const kept = fx.frame === 'mirror' ? stores([...scope.values()]).map(run) : [];
  const body = fx.inner.block(fx, node, scope, [...resetTop(fx), ...kept]);
  if (fx.helpers.has(returning)) body.body.push(t.ifStatement(name(returning), closeFrame()));
  return body;
}

function trying(fx: FunctionContext, node: t.TryStatement, scope: Scope): Parts {
  const before = opening(fx, node, [], scope);
  const returning = `${LOCAL.returning}${node.start}`;
  if (node.finalizer) fx.finallies.push(returning);
  const body = fx.inner.block(fx, node.block, scope);
  const caught = node.handler ? handler(fx, node.handler, scope) : null;
  if (node.finalizer) fx.finallies.pop();
  return only(before, t.tryStatement(body, caught, node.finalizer ? finalizer(fx, node.finalizer, scope, returning) : null));
}

/** The hook before a further iteration. */
function again(fx: FunctionContext, node: t.Loop, scope: Scope): { place: number; hook: t.Expression; statement: t.Statement } {
  const { positions } = fx.file;
  const span = t.isDoWhileStatement(node) ? positions.doWhileTest(node) : positions.head(node);
  const hook = addHook(fx, span, 'loop', scope);
  return { place: hook.place, hook: hookExpression(hook), statement: hookStatement(hook) };
}

function whileLoop(fx: FunctionContext, node: t.WhileStatement, scope: Scope): Parts {
  const before = opening(fx, node, [], scope);
  const { place, hook } = again(fx, node, scope);
  const test = sequence([...beforeCall(fx, [node.test], place), writingThrough(fx, node.test, scope)]);
  return only(before, t.forStatement(null, test, hook, fx.inner.block(fx, node.body, scope)));
}

function doLoop(fx: FunctionContext, node: t.DoWhileStatement, scope: Scope): Parts {
  const before = opening(fx, node, [], scope);
  const { place, hook } = again(fx, node, scope);
  const test = sequence([hook, ...beforeCall(fx, [node.test], place), writingThrough(fx, node.test, scope)]);
  return only(before, t.doWhileStatement(test, fx.inner.block(fx, node.body, scope)));
}

/** The variables of a `for` are written through before each test, which follows both the start and each step. */
function forLoop(fx: FunctionContext, node: t.ForStatement, scope: Scope): Parts {
  const before = opening(fx, node, [node.init], scope);
  const inner: Scope = new Map(scope);
  const declared = t.isVariableDeclaration(node.init) ? boundNames(node.init) : [];
  for (const one of declared) declare(fx, inner, one);
  const { place, hook } = again(fx, node, inner);
  const stepped = [node.init, node.update].flatMap((part) => written(fx, part, inner));
  const changed = fx.frame === 'mirror' ? [...new Set([...namesIn(inner, declared), ...stepped])] : [];
  const tested = [...beforeCall(fx, [node.test], place), ...stores(changed), ...(node.test ? [writingThrough(fx, node.test, inner)] : [])];
  if (!node.test && tested.length > 0) tested.push(number(1));
  const update = [hook, ...beforeCall(fx, [node.update], place), ...(node.update ? [node.update] : [])];
  const init = t.isVariableDeclaration(node.init) && isHoisted(fx, node.init) ? asAssignments(node.init) : node.init;
  return only(before, t.forStatement(init, tested.length > 0 ? sequence(tested) : null, sequence(update), fx.inner.block(fx, node.body, inner)));
}

type LoopTarget = t.VariableDeclaration | t.LVal;

/** The target of `for (target of …)` as an assignment's left side, or null if it is a declaration that stays. */
function assignable(fx: FunctionContext, left: LoopTarget): t.LVal | null {
  if (!t.isVariableDeclaration(left)) return left;
  return isHoisted(fx, left) ? untyped(left.declarations[0]!.id) : null;
}

/** `for (const x of list)` and `for (const x in o)`: the head's hook stands in the body, where x is set. */
function eachLoop(fx: FunctionContext, node: t.ForXStatement, scope: Scope): Parts {
  const before = opening(fx, node, [node.right], scope);
  const inner: Scope = new Map(scope);
  const left = node.left as LoopTarget;
  const names = boundNames(left);
  if (t.isVariableDeclaration(left)) for (const one of names) declare(fx, inner, one);
  const first = [...(fx.frame === 'mirror' ? stores(namesIn(inner, names)).map(run) : []), again(fx, node, inner).statement];
  const target = assignable(fx, left) ?? left;
  const body = fx.inner.block(fx, node.body, inner, first);
  const build = t.isForInStatement(node) ? t.forInStatement : t.forOfStatement;
  return only(before, build(target, node.right, body));
}

/** A local of a generator that the source does not have: kept in the thunk, never shown. */
function hiddenLocal(fx: FunctionContext, stem: string): string {
  const id = `${stem}${fx.thunk.length}`;
  fx.thunk.push(id);
  fx.helpers.add(id);
  return id;
}

/** `for … of` with a yield inside: an iterator is not data, an index is. */
function indexLoop(fx: FunctionContext, node: t.ForOfStatement, scope: Scope): Parts {
  const before = opening(fx, node, [node.right], scope);
  const at = hiddenLocal(fx, LOCAL.index);
  const items = hiddenLocal(fx, LOCAL.list);
  const inner: Scope = new Map(scope);
  const left = node.left as LoopTarget;
  if (t.isVariableDeclaration(left)) for (const one of boundNames(left)) declare(fx, inner, one);
  const { hook } = again(fx, node, inner);
  const target = assignable(fx, left);
  const item = element(items, at);
  const next = target ? run(assign(target, item)) : declareOne('let', (left as t.VariableDeclaration).declarations[0]!.id, item);
  const init = sequence([assign(name(at), number(0)), ...indexable(items, node.right)]);
  const update = sequence([hook, t.updateExpression('++', name(at))]);
  return only(before, t.forStatement(init, within(at, items), update, fx.inner.block(fx, node.body, inner, [next])));
}

export function compoundParts(fx: FunctionContext, node: Compound, scope: Scope): Parts {
  if (t.isIfStatement(node)) return conditional(fx, node, scope);
  if (t.isSwitchStatement(node)) return switching(fx, node, scope);
  if (t.isTryStatement(node)) return trying(fx, node, scope);
  if (t.isWhileStatement(node)) return whileLoop(fx, node, scope);
  if (t.isDoWhileStatement(node)) return doLoop(fx, node, scope);
  if (t.isForStatement(node)) return forLoop(fx, node, scope);
  if (t.isForOfStatement(node) && fx.frame === 'thunk' && hasYield(node.body)) return indexLoop(fx, node, scope);
  return eachLoop(fx, node, scope);
}
