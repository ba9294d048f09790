// Values that the compiler needs before the machine runs. The check has reported what is not constant; here such a thing is 0.
import type { Expr, Signed } from '../generated/ast.ts';
import { constantOf, signedValue } from '../constant-value.ts';
import type { Integer, Value } from '../runtime/values.ts';
import { isInteger } from '../runtime/values.ts';
import type { Compilation } from './compilation.ts';
import { complain } from './compilation.ts';

/** The value of a scenario's constant, or undefined when there is none of that name. */
export function valueOfConstant(compilation: Compilation, name: string): Value | undefined {
  const declared = compilation.bindings.consts.get(name);
  if (declared === undefined) return undefined;
  const known = compilation.constants.get(name);
  if (known !== undefined) return known;
  const value = settled(compilation, compilation.sources.indexOf(declared.source), declared.node.value);
  compilation.constants.set(name, value);
  return value;
}

/** The value of an expression that must be known before the machine runs. */
export function settled(compilation: Compilation, file: number, node: Expr): Value {
  const value = constantOf(node, compilation);
  if (value === undefined) complain(compilation, file, node, 'This must be known before the machine runs: numbers, constants and operators only.');
  return value ?? 0;
}

/** The number that a setting or an option says. */
export function signedOf(compilation: Compilation, file: number, node: Signed): Integer {
  const value = signedValue(node, compilation);
  if (value !== undefined && isInteger(value)) return value;
  complain(compilation, file, node, 'A number is expected here.');
  return 0;
}
