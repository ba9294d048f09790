// The numbers of settings, options and statements: the right unit, and in range.
import { signedValue } from '../constant-value.ts';
import type { Expr, Signed } from '../generated/ast.ts';
import { parseNumber, showSize } from '../vocabulary/units.ts';
import type { UnitKind } from '../vocabulary/units.ts';
import type { CheckContext } from './context.ts';

/** What a number must be. */
export interface Quantity {
  /** How the message calls it: `cpus`, `A disk's seek`. */
  name: string;
  /** A plain number is taken as bytes or nanoseconds; a count takes no unit. */
  kind: UnitKind | 'count';
  /** What the message says is expected; left out, what the kind says. */
  what?: string;
  min?: number | bigint;
  max?: number | bigint;
}

const WHAT: Readonly<Record<Quantity['kind'], string>> = {
  size: 'a size, as in `64MiB`',
  time: 'a time, as in `20ms`',
  count: 'a number without a unit',
};

/** Checks the value of a setting or option; its value when it is a number, in range or not. */
export function checkQuantity(signed: Signed | undefined, quantity: Quantity, context: CheckContext): bigint | undefined {
  if (signed === undefined || (signed.number === undefined && signed.constant === undefined)) return undefined;
  if (hasWrongUnit(kindOfSigned(signed, context), quantity.kind)) {
    context.error(signed, `${quantity.name} takes ${WHAT[quantity.kind]}.`);
    return undefined;
  }
  const value = signedValue(signed, context.constants);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    context.error(signed, `${quantity.name} takes ${WHAT[quantity.kind]}.`);
    return undefined;
  }
  checkRange(signed, BigInt(value), quantity, context);
  return BigInt(value);
}

/** Checks the unit of an expression that is a literal; what is computed has no unit. */
export function checkUnit(expression: Expr | undefined, { name, kind, what = WHAT[kind] }: Quantity, context: CheckContext): void {
  if (expression === undefined) return;
  const isWrongNumber = expression.$type === 'NumberLiteral' && hasWrongUnit(kindOf(expression.text), kind);
  if (isWrongNumber || ['StringLiteral', 'BooleanLiteral', 'ListLiteral'].includes(expression.$type)) context.error(expression, `${name} takes ${what}.`);
}

function checkRange(signed: Signed, value: bigint, { name, kind, min, max }: Quantity, context: CheckContext): void {
  if ((min === undefined || value >= BigInt(min)) && (max === undefined || value <= BigInt(max))) return;
  const limits = min !== undefined && max !== undefined ? `from ${show(min, kind)} to ${show(max, kind)}` : min !== undefined ? `at least ${show(min, kind)}` : `at most ${show(max!, kind)}`;
  context.error(signed, `${name} must be ${limits}, not ${show(value, kind)}.`);
}

function show(value: number | bigint, kind: Quantity['kind']): string {
  return kind === 'size' ? showSize(BigInt(value)) : String(value);
}

function kindOfSigned(signed: Signed, context: CheckContext): UnitKind | null {
  if (signed.number !== undefined) return kindOf(signed.number);
  const meaning = context.bindings.meanings.get(signed);
  const value = meaning?.kind === 'const' ? meaning.node.value : undefined;
  return value?.$type === 'NumberLiteral' ? kindOf(value.text) : null;
}

function kindOf(text: string): UnitKind | null {
  const parsed = parseNumber(text);
  return typeof parsed === 'string' ? null : parsed.kind;
}

function hasWrongUnit(kind: UnitKind | null, wanted: Quantity['kind']): boolean {
  return kind !== null && kind !== wanted;
}
