// Expressions: what acts becomes instructions, from left to right, each with a temporary; what is left is pure and stays a tree.
import type { Arg, Binary, Call, CallStatement, Conditional, Expr, Index, Member, NameRef, Range } from '../generated/ast.ts';
import { rangeOfProperty } from '../ranges.ts';
import { stringValue } from '../text.ts';
import type { Callable } from '../vocabulary/calls.ts';
import { contextsOf, findCall } from '../vocabulary/calls.ts';
import { SYSCTLS } from '../vocabulary/sysctls.ts';
import { constantValue } from '../vocabulary/constants.ts';
import { parseNumber } from '../vocabulary/units.ts';
import { MODELLED_SYSCTLS, TRACEPOINTS } from '../../engine/index.ts';
import type { ExpressionData } from '../runtime/program.ts';
import type { Integer } from '../runtime/values.ts';
import { integer } from '../runtime/values.ts';
import type { AnyCall } from './acting.ts';
import { acts, isActing } from './acting.ts';
import type { Builder } from './builder.ts';
import { allocate, at, emit, findLocal, held, here, patch, problem, temporary } from './builder.ts';
import { routineOf } from './compilation.ts';
import { valueOfConstant } from './constants.ts';
import { CALLS_NOT_MODELLED, NAMES_NOT_MODELLED, notModelled } from './not-modelled.ts';

/** The value of an expression, after the instructions that are emitted for what acts in it. It recurses: the parser limits the depth. */
export function lower(builder: Builder, node: Expr): ExpressionData {
  const where = at(builder, node);
  switch (node.$type) {
    case 'NumberLiteral': return { kind: 'literal', value: numberOf(node.text), at: where };
    case 'StringLiteral': return { kind: 'literal', value: stringValue(node.text), at: where };
    case 'BooleanLiteral': return { kind: 'literal', value: node.text === 'true', at: where };
    case 'ListLiteral': return { kind: 'listOf', items: lowerAll(builder, node.items), at: where };
    case 'NameRef': return lowerName(builder, node);
    case 'Unary': return { kind: 'unary', operator: node.operator, operand: lower(builder, node.operand), at: where };
    case 'Binary': return lowerBinary(builder, node);
    case 'Conditional': return lowerConditional(builder, node);
    case 'Call': return isActing(builder, node) ? lowerActingCall(builder, node, null) : lowerPureCall(builder, node);
    case 'Member': return lowerMember(builder, node);
    case 'Index': return lowerIndex(builder, node);
    case 'Range': return noValue(builder, node);
  }
}

/** As `lower`, and the value goes into a slot; a call's result goes there directly. */
export function lowerInto(builder: Builder, node: Expr, slot: number): void {
  if (node.$type === 'Call' && isActing(builder, node)) {
    lowerActingCall(builder, node, slot);
    return;
  }
  emit(builder, { op: 'set', slot, value: lower(builder, node) });
}

/** Operands in their order: one before another that acts is held, so that it is what it was at its turn. */
export function lowerAll(builder: Builder, nodes: readonly Expr[]): ExpressionData[] {
  const lastActing = lastOf(nodes, (node) => acts(builder, node));
  return nodes.map((node, i) => {
    const value = lower(builder, node);
    return i < lastActing ? held(builder, value) : value;
  });
}

/** Emits a call that stands alone: nobody wants its result. */
export function lowerCallStatement(builder: Builder, node: CallStatement): void {
  if (!isActing(builder, node)) {
    problem(builder, node, 'This call only looks: alone it does nothing. Use its value, or `print` it.');
    return;
  }
  const args = argumentsOf(builder, node);
  if (nameOf(node) === 'print') emit(builder, { op: 'print', args });
  else emitCall(builder, node, args, null);
}

/** The check has found the text good. */
function numberOf(text: string): Integer {
  const parsed = parseNumber(text);
  return typeof parsed === 'string' ? 0 : integer(parsed.value);
}

function lowerName(builder: Builder, node: NameRef): ExpressionData {
  const where = at(builder, node);
  const local = findLocal(builder, node.name);
  if (local !== undefined) return { kind: 'slot', slot: local.slot, name: node.name, at: where };
  if (builder.isFree(node.name)) return { kind: 'name', name: node.name, at: where };
  const constant = valueOfConstant(builder.compilation, node.name) ?? constantValue(node.name, builder.compilation.arch);
  if (constant !== undefined) return { kind: 'literal', value: constant, at: where };
  if (NAMES_NOT_MODELLED.has(node.name)) problem(builder, node, notModelled(node.name));
  return { kind: 'name', name: node.name, at: where };
}

function lowerBinary(builder: Builder, node: Binary): ExpressionData {
  const { operator, left, right } = node;
  if ((operator === '&&' || operator === '||') && acts(builder, right)) return lowerLazily(builder, operator, left, right);
  const [a, b] = lowerAll(builder, [left, right]);
  return { kind: 'binary', operator, left: a!, right: b!, at: at(builder, node) };
}

/** `&&` and `||` whose right side acts: it is jumped over when the left side decides. */
function lowerLazily(builder: Builder, operator: '&&' | '||', left: Expr, right: Expr): ExpressionData {
  const slot = allocate(builder);
  const first = lower(builder, left);
  emit(builder, { op: 'set', slot, value: truthOf(first) });
  const decided: ExpressionData = operator === '&&' ? temporary(slot, first.at) : not(temporary(slot, first.at));
  const skip = emit(builder, { op: 'unless', condition: decided, to: -1 });
  const second = lower(builder, right);
  emit(builder, { op: 'set', slot, value: truthOf(second) });
  patch(builder, skip);
  return temporary(slot, first.at);
}

function lowerConditional(builder: Builder, node: Conditional): ExpressionData {
  const where = at(builder, node);
  const condition = lower(builder, node.condition);
  if (!acts(builder, node.then) && !acts(builder, node.else)) {
    return { kind: 'conditional', condition, then: lower(builder, node.then), else: lower(builder, node.else), at: where };
  }
  const slot = allocate(builder);
  const otherwise = emit(builder, { op: 'unless', condition, to: -1 });
  emit(builder, { op: 'set', slot, value: lower(builder, node.then) });
  const end = emit(builder, { op: 'jump', to: -1 });
  patch(builder, otherwise, here(builder));
  emit(builder, { op: 'set', slot, value: lower(builder, node.else) });
  patch(builder, end);
  return temporary(slot, where);
}

function lowerMember(builder: Builder, node: Member): ExpressionData {
  const object = lower(builder, node.object);
  const missing = missingMember(object, node.member);
  if (missing !== null) problem(builder, rangeOfProperty(node, 'member'), missing);
  return { kind: 'member', object, name: node.member, at: at(builder, node) };
}

function lowerIndex(builder: Builder, node: Index): ExpressionData {
  const [object, index] = lowerAll(builder, [node.object, node.index]);
  return { kind: 'index', object: object!, index: index!, at: at(builder, node) };
}

/** A member that the language has and the machine has not, as far as the text alone shows it. */
function missingMember(object: ExpressionData, member: string): string | null {
  if (object.kind !== 'name' || object.name !== 'events' || TRACEPOINTS.some((point) => point.name === member)) return null;
  return `\`events.${member}\` is not modelled yet: this version counts tracepoints: ${TRACEPOINTS.map((point) => point.name).join(', ')}.`;
}

function truthOf(value: ExpressionData): ExpressionData {
  return not(not(value));
}

function not(operand: ExpressionData): ExpressionData {
  return { kind: 'unary', operator: '!', operand, at: operand.at };
}

function noValue(builder: Builder, node: Range): ExpressionData {
  problem(builder, node, 'A range is no value: it stands in `for` and `touch`.');
  return { kind: 'literal', value: 0, at: at(builder, node) };
}

/** Emits a call that acts. Its result goes into `slot`, or into a temporary when that is null. */
function lowerActingCall(builder: Builder, node: AnyCall, slot: number | null): ExpressionData {
  const name = nameOf(node);
  const where = at(builder, node);
  if (name === 'print') problem(builder, node, '`print` gives no value: it stands alone.');
  const args = argumentsOf(builder, node);
  const target = slot ?? allocate(builder);
  emitCall(builder, node, args, target);
  return temporary(target, where);
}

function lowerPureCall(builder: Builder, node: Call): ExpressionData {
  const where = at(builder, node);
  if (node.callee.$type === 'Member') {
    const [object, ...args] = lowerAll(builder, [node.callee.object, ...node.args.map((arg) => arg.value)]);
    return { kind: 'method', object: object!, name: node.callee.member, args, at: where };
  }
  const name = nameOf(node);
  if (NAMES_NOT_MODELLED.has(name)) problem(builder, node.callee, notModelled(name));
  return { kind: 'call', name, args: argumentsOf(builder, node), at: where };
}

function emitCall(builder: Builder, node: AnyCall, args: ExpressionData[], slot: number | null): void {
  const name = nameOf(node);
  const where = at(builder, node);
  if (builder.compilation.bindings.defs.has(name)) emit(builder, { op: 'def', routine: routineOf(builder.compilation, name), args, slot, at: where });
  else if (name === 'random') emit(builder, { op: 'random', limit: args[0] ?? zero(builder, node), slot, at: where });
  else {
    if (CALLS_NOT_MODELLED.has(name)) problem(builder, node.callee, notModelled(name));
    if (name === 'sysctl') checkSysctl(builder, node, args[0]);
    emit(builder, { op: 'kernel', name, args, slot, at: where });
  }
}

/** A sysctl of Linux that this machine does not read, as far as the text alone shows it. */
function checkSysctl(builder: Builder, node: AnyCall, name: ExpressionData | undefined): void {
  if (name?.kind !== 'literal' || typeof name.value !== 'string') return;
  const isMissing = Object.hasOwn(SYSCTLS, name.value) && !(MODELLED_SYSCTLS as readonly string[]).includes(name.value);
  if (isMissing) problem(builder, node.args[0]!, notModelled(`sysctl ${name.value}`));
}

/** Arguments by position, evaluated in the order they are written, with the defaults of those left out. */
function argumentsOf(builder: Builder, node: AnyCall): ExpressionData[] {
  if (node.args.every((arg) => arg.name === undefined)) {
    const values = node.args.map((arg) => arg.value);
    return withDefaults(builder, node, lowerAll(builder, values));
  }
  const written = lowerNamed(builder, node.args);
  const names = parameterNames(builder, node);
  const args = names.map((name, i) => written.find((arg, place) => (arg.name === undefined ? place === i : arg.name === name))?.value);
  return withDefaults(builder, node, args);
}

function lowerNamed(builder: Builder, args: readonly Arg[]): { name: string | undefined; value: ExpressionData }[] {
  const lastActing = lastOf(args, (arg) => acts(builder, arg.value));
  return args.map((arg, i) => {
    const value = lower(builder, arg.value);
    return { name: arg.name, value: i < lastActing ? held(builder, value) : value };
  });
}

function withDefaults(builder: Builder, node: AnyCall, args: (ExpressionData | undefined)[]): ExpressionData[] {
  const parameters = callableOf(builder, node)?.parameters ?? [];
  const all = [...args, ...parameters.slice(args.length).map(() => undefined)];
  return all.flatMap((arg, i): ExpressionData[] => {
    if (arg !== undefined) return [arg];
    const value = parameters[i]?.default ?? null;
    return value === null ? [] : [{ kind: 'literal', value, at: at(builder, node) }];
  });
}

function parameterNames(builder: Builder, node: AnyCall): string[] {
  const def = builder.compilation.bindings.defs.get(nameOf(node));
  if (def !== undefined) return def.node.params.map((parameter) => parameter.name);
  return callableOf(builder, node)?.parameters.map((parameter) => parameter.name) ?? [];
}

function callableOf(builder: Builder, node: AnyCall): Callable | undefined {
  const name = nameOf(node);
  if (builder.compilation.bindings.defs.has(name)) return undefined;
  return findCall(name, contextsOf(name)[0] ?? 'kernel');
}

function nameOf(node: AnyCall): string {
  const callee: Expr = node.callee;
  return callee.$type === 'NameRef' ? callee.name : '';
}

function zero(builder: Builder, node: AnyCall): ExpressionData {
  return { kind: 'literal', value: 0, at: at(builder, node) };
}

/** The place of the last item of which `holds` is true, or -1. */
function lastOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.reduce((last, item, i) => (holds(item) ? i : last), -1);
}
