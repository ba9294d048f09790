/** The value of an expression as a watch, a hover or the console shows it. */
import type { Kernel } from '../../engine/index.ts';
import { located } from './errors.ts';
import type { Names } from './evaluate.ts';
import { evaluate } from './evaluate.ts';
import type { Shown } from './kinds.ts';
import { MACHINE, MACHINE_FIELDS } from './objects-machine.ts';
import { describe, element, shownMember } from './objects.ts';
import type { ExpressionData } from './program.ts';
import type { Value } from './values.ts';

/** A value and the line it is shown in. */
export interface Described {
  value: Value;
  text: string;
}

/** A member of an object reads as in the Variables view: flags by name, pages with their size. Throws EvaluationError. */
export function describeExpression(k: Kernel, expression: ExpressionData, names: Names): Described {
  const { value, text } = shown(k, expression, names);
  return { value, text: text ?? describe(k, value) };
}

/** Only the outermost step has a field, and a name of the machine itself; what leads to it is evaluated as ever. */
function shown(k: Kernel, expression: ExpressionData, names: Names): Shown {
  if (expression.kind === 'name' && !names.has(expression.name) && MACHINE_FIELDS.has(expression.name)) return shownMember(k, MACHINE, expression.name);
  if (expression.kind !== 'member' && expression.kind !== 'index') return { value: evaluate(k, expression, names) };
  const object = evaluate(k, expression.object, names);
  const key = expression.kind === 'member' ? expression.name : evaluate(k, expression.index, names);
  try {
    return typeof key === 'string' ? shownMember(k, object, key) : { value: element(k, object, key) };
  } catch (error) {
    throw located(error, expression.at);
  }
}
