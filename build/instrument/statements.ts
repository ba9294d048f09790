// Rewrites the statements of one function: a hook before each, the call's place stored before a call, values written through after
// an assignment (plain functions with a frame), declarations turned into assignments (generators). Compound ones are in compound.ts.
import * as t from '@babel/types';
import { compoundParts, isCompound } from './compound.ts';
import { declare, type FunctionContext, type Rewriter, type Scope } from './context.ts';
import { assign, closeFrame, constant, LOCAL, name, number, run } from './nodes.ts';
import { asAssignments, isHoisted, namesIn, opening, ownNames, scopeWithin, storing, written, type Parts } from './pieces.ts';
import { boundNames, callsBack } from './syntax.ts';

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

/** Rewrites a nested statement as a block with its own scope; `first`, which means the names of `scope`, goes before it. */
export function block(fx: FunctionContext, node: t.Statement, scope: Scope, first: t.Statement[] = []): t.BlockStatement {
  const statements = t.isBlockStatement(node) ? node.body : [node];
  const body = list(fx, statements, scopeWithin(fx, statements, scope));
  const hides = first.length > 0 && ownNames(statements).some((one) => scope.has(one));
  return t.blockStatement(hides ? [...first, t.blockStatement(body)] : [...first, ...body]);
}

/** How what stands inside a compound statement is rewritten. */
export const rewriter: Rewriter = { list, block };
