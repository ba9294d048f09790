// Expressions that can only go wrong.
import type { Binary, NumberLiteral, Unary } from '../generated/ast.ts';
import { MIN_INTEGER, parseNumber } from '../vocabulary/units.ts';
import type { CheckContext } from './context.ts';

export function checkDivision(node: Binary, context: CheckContext): void {
  if (node.operator !== '/' && node.operator !== '%') return;
  const { right } = node;
  if (right?.$type === 'NumberLiteral' && valueOf(right) === 0n) context.error(right, 'This divides by zero.');
}

export function checkNegative(node: Unary, context: CheckContext): void {
  if (node.operator !== '-' || node.operand?.$type !== 'NumberLiteral') return;
  const value = valueOf(node.operand);
  if (value !== undefined && -value < MIN_INTEGER) context.error(node, `\`-${node.operand.text}\` is less than the least integer, -9223372036854775808.`);
}

function valueOf(node: NumberLiteral): bigint | undefined {
  const parsed = parseNumber(node.text);
  return typeof parsed === 'string' ? undefined : parsed.value;
}
