// Rewrites one function: its place in the table, its frame's opening and closing, its body.
//
//   none     function f(k, x)  { hook([x]); … }
//   mirror   function f(k, x)  { const __t = __cur.t, __b = __t.sp, __v = __t.v; __t.sp = __b + 2; __v[__b + 0] = x; … __t.sp = __b; }
//   thunk    function* f(k, x) { let y; const __t = …; __t.sp = __b + 1; __t.th[__b] = () => [x, y]; try { … } finally { __t.sp = __b; } }
import type { NodePath } from '@babel/traverse';
import * as t from '@babel/types';
import { addHook, declare, frameSize, hookStatement, problem, type FileContext, type FunctionContext, type Scope } from './context.ts';
import { planHoisting, type Hoisting } from './hoist.ts';
import { closeFrame, name, openFrame, openValues, run, store, storeThunk, topFrame } from './nodes.ts';
import { ownParameters, parameterNames, parameterValue, shownParameter } from './parameters.ts';
import { checkResumable } from './resumable.ts';
import { list, rewriter } from './statements.ts';
import { assignedNames, callsBack, nestedFunctions, walk } from './syntax.ts';
import type { FrameKind, FunctionInfo } from './tables.ts';

/** What a function is called in a stack: its own name, else that of the variable, property or field it is given to. */
export function functionName(path: NodePath<t.Function>): string {
  const { node, parent } = path;
  if ('id' in node && node.id) return node.id.name;
  const owner = t.isObjectMethod(node) || t.isClassMethod(node) ? node : parent;
  if (t.isVariableDeclarator(owner) && t.isIdentifier(owner.id)) return owner.id.name;
  const key = 'key' in owner ? owner.key : t.isAssignmentExpression(owner) ? propertyOf(owner.left) : null;
  if (t.isIdentifier(key) || t.isPrivateName(key)) return t.isIdentifier(key) ? key.name : key.id.name;
  return t.isStringLiteral(key) ? key.value : '(anonymous)';
}

const propertyOf = (left: t.Node): t.Node | null => (t.isMemberExpression(left) ? left.property : left);

/** The program-level names the file exports, and `default`. */
export function exportedNames(program: t.Program): Set<string> {
  const names = new Set<string>();
  for (const node of program.body) {
    if (!t.isExportNamedDeclaration(node)) continue;
    for (const one of Object.keys(node.declaration ? t.getOuterBindingIdentifiers(node.declaration) : {})) names.add(one);
    for (const one of node.specifiers) if (t.isExportSpecifier(one) && !node.source) names.add(one.local.name);
  }
  return names;
}

const isAtTop = (path: NodePath<t.Function>): boolean => path.getFunctionParent() === null;

const isExported = (path: NodePath<t.Function>, exported: Set<string>): boolean =>
  isAtTop(path) && (t.isExportDefaultDeclaration(path.parent) || (!t.isObjectProperty(path.parent) && exported.has(functionName(path))));

function describe(file: FileContext, path: NodePath<t.Function>, frame: FrameKind, exported: Set<string>): FunctionInfo {
  const { functions } = file.tables;
  const { node } = path;
  const info: FunctionInfo = {
    id: functions.length,
    name: functionName(path),
    file: file.file,
    line: node.loc!.start.line,
    endLine: node.loc!.end.line,
    params: ownParameters(node).map(shownParameter),
    frame,
    size: 0,
    names: [],
    generator: !!node.generator,
    tracepoint: false,
    exported: isExported(path, exported),
    entry: -1,
    first: file.tables.places.length,
    last: -1,
  };
  functions.push(info);
  return info;
}

function context(file: FileContext, path: NodePath<t.Function>, info: FunctionInfo, hoisting: Hoisting | null): FunctionContext {
  return {
    file,
    info,
    frame: info.frame,
    parameters: ownParameters(path.node).map(parameterValue),
    hoisted: hoisting?.hoisted ?? new Set<string>(),
    shown: hoisting?.shown ?? new Map<string, string>(),
    thunk: [],
    shared: new Set(nestedFunctions(path.node.body).flatMap((nested) => [...deepAssigned(nested)])),
    sizes: [],
    finallies: [],
    helpers: new Set(),
    inner: rewriter,
  };
}

/** The names a function and those inside it assign. */
function deepAssigned(fn: t.Function): Set<string> {
  const inner = nestedFunctions(fn).flatMap((nested) => [...deepAssigned(nested)]);
  return new Set([...assignedNames(fn.body), ...inner]);
}

/** The names a function and those inside it mention. */
function mentioned(fn: t.Function): Set<string> {
  const names = new Set<string>();
  t.traverseFast(fn.body, (node) => {
    if (t.isIdentifier(node)) names.add(node.name);
  });
  return names;
}

/** An expression body becomes a block that returns it. */
function bodyOf(node: t.Function): t.BlockStatement {
  if (t.isBlockStatement(node.body)) return node.body;
  const returns = t.returnStatement(node.body);
  returns.loc = node.body.loc ?? null;
  returns.start = node.body.start ?? null;
  const body = t.blockStatement([returns]);
  body.loc = node.body.loc ?? null;
  body.start = node.body.start ?? null;
  node.body = body;
  if (t.isArrowFunctionExpression(node)) node.expression = false;
  return body;
}

/** The scope a function's body starts with: what it uses of the functions around it, then its parameters. */
function openScope(fx: FunctionContext, node: t.Function): { scope: Scope; captured: string[]; params: string[] } {
  const scope: Scope = new Map();
  const uses = mentioned(node);
  const params = parameterNames(node);
  const own = new Set(params);
  const captured = [...(fx.file.around.get(node)?.values() ?? [])].filter((v) => uses.has(v.name) && !own.has(v.shown) && v.shown !== 'k');
  const names = captured.map((one) => one.name);
  for (const one of names) fx.shared.add(one);
  fx.thunk.push(...params, ...fx.hoisted, ...names);
  for (const one of captured) declare(fx, scope, one.name, one.shown);
  for (const one of params) declare(fx, scope, one);
  return { scope, captured: names, params };
}

function opening(fx: FunctionContext, kept: t.Expression[]): t.Statement[] {
  if (fx.frame === 'none') return [];
  const size = topFrame(frameSize(fx));
  return fx.frame === 'mirror' ? [openFrame(), openValues(), size, ...kept.map(run)] : [openFrame(), size, storeThunk(fx.thunk)];
}

const leavesAlways = (statement: t.Statement | undefined): boolean => t.isReturnStatement(statement) || t.isThrowStatement(statement);

function assemble(fx: FunctionContext, original: t.Statement[], body: t.Statement[], kept: t.Expression[]): t.Statement[] {
  const locals = [...(fx.frame === 'thunk' ? fx.thunk.filter((one) => fx.hoisted.has(one)) : []), ...fx.helpers];
  const declared = locals.length > 0 ? [t.variableDeclaration('let', locals.map((one) => t.variableDeclarator(name(one))))] : [];
  const head = [...declared, ...opening(fx, kept)];
  if (fx.frame === 'thunk') return [...head, t.tryStatement(t.blockStatement(body), null, t.blockStatement([closeFrame()]))];
  if (fx.frame === 'none' || leavesAlways(original.at(-1))) return [...head, ...body];
  return [...head, ...body, closeFrame()];
}

function finish(fx: FunctionContext): void {
  const { info } = fx;
  if (fx.frame === 'thunk') info.names = fx.thunk.map((one) => fx.shown.get(one) ?? one);
  info.size = fx.frame === 'none' ? 0 : fx.frame === 'thunk' ? 1 : Math.max(1, info.names.length);
  for (const literal of fx.sizes) literal.value = info.size;
  if (fx.frame === 'none') info.names = [];
  info.last = fx.file.tables.places.length - 1;
}

/** Reading a property of an object made here may call its accessor. */
const isAccessor = (nested: t.Function): boolean => t.isObjectMethod(nested) && nested.kind !== 'method';

function frameFor(file: FileContext, node: t.Function): FrameKind {
  if (node.generator) return 'thunk';
  return callsBack(node.body, file.comesBack) || nestedFunctions(node).some(isAccessor) ? 'mirror' : 'none';
}

function hoistingOf(file: FileContext, path: NodePath<t.Function>): Hoisting | null {
  if (!path.node.generator) return null;
  checkResumable(path.node, (node, why) => problem(file, node, `${functionName(path)}: ${why}`));
  if (!isAtTop(path)) problem(file, path.node, `${functionName(path)}: a generator inside a function`);
  const hoisting = planHoisting(path);
  for (const { node, shown } of hoisting.perIteration) {
    problem(file, node, `${functionName(path)}: \`${shown}\` is captured by a closure in a loop: its value is one per iteration and is not kept`);
  }
  return hoisting;
}

/** A `break` out of a `finally` block takes back a return, and with it the closing of the frame. */
function checkFinally(file: FileContext, path: NodePath<t.Function>): void {
  walk(path.node.body, (node) => {
    if (!t.isTryStatement(node) || !node.finalizer) return;
    for (const one of node.finalizer.body) {
      if (t.isBreakStatement(one) || t.isContinueStatement(one)) problem(file, one, `${functionName(path)}: a jump out of a \`finally\` block`);
    }
  });
}

/** Rewrites `path` in place and adds it and its places to the tables. */
export function instrumentFunction(file: FileContext, path: NodePath<t.Function>, exported: Set<string>): void {
  const { node } = path;
  const hoisting = hoistingOf(file, path);
  checkFinally(file, path);
  const info = describe(file, path, frameFor(file, node), exported);
  const fx = context(file, path, info, hoisting);
  const { scope, captured, params } = openScope(fx, node);
  const atStart = new Map(scope);
  const body = bodyOf(node);
  const original = body.body;
  const statements = list(fx, original, scope);
  if (info.entry < 0) statements.unshift(hookStatement(addHook(fx, file.positions.head(body), 'statement', atStart)));
  const kept = fx.frame === 'mirror' ? [...captured, ...params].map((one, slot) => store(slot, one)) : [];
  body.body = assemble(fx, original, statements, kept);
  finish(fx);
}

/** A tracepoint: one hook at the entry, no frame. */
export function instrumentTracepoint(file: FileContext, path: NodePath<t.Function>, exported: Set<string>): void {
  const info = describe(file, path, 'none', exported);
  info.tracepoint = true;
  const fx = context(file, path, info, null);
  const { scope } = openScope(fx, path.node);
  const signature = file.positions.head(path.node);
  const hook = addHook(fx, signature, 'statement', scope);
  bodyOf(path.node).body.unshift(hookStatement(hook));
  finish(fx);
}
