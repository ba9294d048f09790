// The values of constant expressions: literals, constants, operators, and the functions that only compute. What is not constant, or
// fails, has no value here; the validator says why.
import { isConst } from './generated/ast.ts';
import type { Binary, Call, Const, Expr, Index, Signed, Unary } from './generated/ast.ts';
import type { Bindings } from './bindings.ts';
import { BINARY, UNARY, ValueError, hex, integer, isTrue, toInteger } from './runtime/values.ts';
import type { Value } from './runtime/values.ts';
import { stringValue } from './text.ts';
import { constantValue } from './vocabulary/constants.ts';
import type { ArchName } from './vocabulary/settings.ts';
import { parseNumber } from './vocabulary/units.ts';

export interface ConstantContext {
  bindings: Bindings;
  arch: ArchName;
  /** The `const`s that are being evaluated, so that a circle ends. */
  open?: ReadonlySet<Const>;
}

/** The value of an expression, or undefined when it is not constant, fails (division by zero) or is incomplete. */
export function constantOf(expression: Expr | undefined, context: ConstantContext): Value | undefined {
  try {
    return expression === undefined ? undefined : evaluate(expression, context);
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}

/** The value of a setting or an option. */
export function signedValue(signed: Signed | undefined, context: ConstantContext): Value | undefined {
  if (signed === undefined) return undefined;
  const value = signed.number === undefined ? constantByName(signed.constant, context) : numberValue(signed.number);
  if (value === undefined || !signed.negative) return value;
  return typeof value === 'number' || typeof value === 'bigint' ? integer(-BigInt(value)) : undefined;
}

/** The functions that a constant expression may call. */
export const CONSTANT_FUNCTIONS: Readonly<Record<string, (args: Value[]) => Value | undefined>> = {
  len: ([list]) => (Array.isArray(list) || typeof list === 'string' ? list.length : undefined),
  min: (args) => numbers(args).reduce((a, b) => (b < a ? b : a)),
  max: (args) => numbers(args).reduce((a, b) => (b > a ? b : a)),
  sum: (args) => integer(numbers(args).reduce((a, b) => a + b, 0n)),
  abs: ([n = 0]) => integer(magnitude(BigInt(toInteger(n)))),
  hex: ([n = 0]) => hex(toInteger(n)),
};

function evaluate(node: Expr, context: ConstantContext): Value | undefined {
  switch (node.$type) {
    case 'NumberLiteral': return numberValue(node.text);
    case 'StringLiteral': return stringValue(node.text);
    case 'BooleanLiteral': return node.text === 'true';
    case 'NameRef': return constantByName(node.name, context);
    case 'Unary': return unary(node, context);
    case 'Binary': return binary(node, context);
    case 'Conditional': return conditional(evaluate(node.condition, context), node.then, node.else, context);
    case 'ListLiteral': return complete(node.items.map((item) => evaluate(item, context)));
    case 'Index': return item(node, context);
    case 'Call': return call(node, context);
    default: return undefined;
  }
}

function numberValue(text: string): Value | undefined {
  const parsed = parseNumber(text);
  return typeof parsed === 'string' ? undefined : integer(parsed.value);
}

function constantByName(name: string | undefined, context: ConstantContext): Value | undefined {
  if (name === undefined) return undefined;
  const node = context.bindings.consts.get(name)?.node;
  if (node === undefined) return constantValue(name, context.arch);
  if (context.open?.has(node) || !isConst(node) || node.value === undefined) return undefined;
  const known = knownValues(context);
  if (!known.has(name)) known.set(name, constantOf(node.value, { ...context, open: new Set([...(context.open ?? []), node]) }));
  return known.get(name);
}

/** A constant that others use twice, and they by others again, is evaluated once. One in a circle has no value, wherever the circle is entered. */
const VALUES = new WeakMap<Bindings, Map<string, Value | undefined>>();
const VALUES_ON_X86_64 = new WeakMap<Bindings, Map<string, Value | undefined>>();

function knownValues({ bindings, arch }: ConstantContext): Map<string, Value | undefined> {
  const values = arch === 'i386' ? VALUES : VALUES_ON_X86_64;
  const known = values.get(bindings) ?? new Map<string, Value | undefined>();
  values.set(bindings, known);
  return known;
}

function unary(node: Unary, context: ConstantContext): Value | undefined {
  const value = evaluate(node.operand, context);
  return value === undefined ? undefined : UNARY[node.operator]!(value);
}

function binary(node: Binary, context: ConstantContext): Value | undefined {
  const left = evaluate(node.left, context);
  if (left === undefined) return undefined;
  if (node.operator === '&&' && !isTrue(left)) return false;
  if (node.operator === '||' && isTrue(left)) return true;
  const right = evaluate(node.right, context);
  if (right === undefined) return undefined;
  return node.operator === '&&' || node.operator === '||' ? isTrue(right) : BINARY[node.operator]!(left, right);
}

function conditional(condition: Value | undefined, then: Expr, otherwise: Expr, context: ConstantContext): Value | undefined {
  return condition === undefined ? undefined : evaluate(isTrue(condition) ? then : otherwise, context);
}

function item(node: Index, context: ConstantContext): Value | undefined {
  const [list, index] = [evaluate(node.object, context), evaluate(node.index, context)];
  return Array.isArray(list) && typeof index === 'number' ? list[index] : undefined;
}

function call(node: Call, context: ConstantContext): Value | undefined {
  if (node.callee.$type !== 'NameRef' || !Object.hasOwn(CONSTANT_FUNCTIONS, node.callee.name)) return undefined;
  const args = complete(node.args.map((arg) => evaluate(arg.value, context)));
  return args === undefined ? undefined : CONSTANT_FUNCTIONS[node.callee.name]!(args);
}

function complete(values: (Value | undefined)[]): Value[] | undefined {
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** `min(1, 2)` and `min([1, 2])` mean the same. */
function numbers(args: Value[]): bigint[] {
  const all = args.length === 1 && Array.isArray(args[0]) ? args[0] : args;
  if (all.length === 0) throw new ValueError('an empty list has neither least nor greatest');
  return all.map((value) => BigInt(toInteger(value)));
}

function magnitude(n: bigint): bigint {
  return n < 0n ? -n : n;
}
