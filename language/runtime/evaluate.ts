/**
 * The one evaluator: expression data becomes a closure over a frame's slots. Task bodies, `expect`, `when`, log texts, watches and hovers all come
 * through here; nothing here acts, so a look never changes the machine.
 */
import type { Kernel } from '../../engine/index.ts';
import { EvaluationError, located } from './errors.ts';
import { toValue } from './foreign.ts';
import { FUNCTIONS } from './functions.ts';
import { together } from './held-values.ts';
import { NAMES_NOT_MODELLED, notModelled } from './not-modelled.ts';
import { MACHINE_NAMES } from './objects-machine.ts';
import { callMethod, element, member, toText } from './objects.ts';
import type { ExpressionData, LogText, Span } from './program.ts';
import type { Value } from './values.ts';
import { BINARY, UNARY, bounded, isTrue } from './values.ts';

/** An expression ready to run. `frame` holds the values its slots and parameters are read from. Throws EvaluationError. */
export type Closure = (k: Kernel, frame: readonly unknown[]) => Value;

/** A function of values that are passed by position. */
export type Positional<T> = (k: Kernel, values: readonly unknown[]) => T;

/** What a free name means, or undefined: then it is the machine's. */
export type Resolve = (name: string) => Closure | undefined;

/** Values by name: the locals of a frame (of a scenario or of the kernel) and the scenario's constants. */
export type Names = ReadonlyMap<string, unknown>;

/** The value of an expression now. Throws EvaluationError. */
export function evaluate(k: Kernel, expression: ExpressionData, names: Names): Value {
  return linkExpression(expression, namesResolver(names))(k, []);
}

/**
 * A condition over parameters that are passed by position, for a hook that must decide in place; `names` are constants besides them.
 * Throws EvaluationError for a name that is unknown, and, when it is called, for what cannot be evaluated.
 */
export function compileCondition(expression: ExpressionData, parameters: readonly string[], names: Names = new Map()): Positional<boolean> {
  const closure = linkExpression(expression, parameterResolver(parameters, names));
  return (k, values) => isTrue(closure(k, values));
}

/** A log text over parameters that are passed by position. An expression that cannot be evaluated shows its error in its place. */
export function compileLog(log: LogText, parameters: readonly string[], names: Names = new Map()): Positional<string> {
  const parts = log.parts.map((part) => (typeof part === 'string' ? part : linkExpression(part, parameterResolver(parameters, names))));
  return (k, values) => parts.map((part) => (typeof part === 'string' ? part : logged(k, part, values))).join('');
}

/** The closure of an expression. Throws EvaluationError for a name or a function that is unknown. */
export function linkExpression(expression: ExpressionData, resolve: Resolve): Closure {
  const { at } = expression;
  switch (expression.kind) {
    case 'literal': return literal(expression.value);
    case 'slot': return slotReader(expression.slot);
    case 'name': return nameReader(expression.name, at, resolve);
    case 'listOf': return listBuilder(expression.items.map((item) => linkExpression(item, resolve)), at);
    case 'unary': return unary(expression.operator, linkExpression(expression.operand, resolve), at);
    case 'binary': return binary(expression.operator, linkExpression(expression.left, resolve), linkExpression(expression.right, resolve), at);
    case 'conditional': return conditional(linkExpression(expression.condition, resolve), linkExpression(expression.then, resolve), linkExpression(expression.else, resolve));
    case 'call': return pureCall(expression.name, expression.args.map((arg) => linkExpression(arg, resolve)), at);
    case 'method': return methodCall(linkExpression(expression.object, resolve), expression.name, expression.args.map((arg) => linkExpression(arg, resolve)), at);
    case 'member': return memberReader(linkExpression(expression.object, resolve), expression.name, at);
    case 'index': return elementReader(linkExpression(expression.object, resolve), linkExpression(expression.index, resolve), at);
  }
}

function namesResolver(names: Names): Resolve {
  return (name) => (names.has(name) ? literal(toValue(names.get(name))) : undefined);
}

function parameterResolver(parameters: readonly string[], names: Names): Resolve {
  return (name) => {
    const index = parameters.lastIndexOf(name);
    return index < 0 ? namesResolver(names)(name) : (_, values) => toValue(values[index]);
  };
}

function logged(k: Kernel, closure: Closure, values: readonly unknown[]): string {
  try {
    return toText(k, closure(k, values));
  } catch (error) {
    if (error instanceof EvaluationError) return `<${error.message}>`;
    throw error;
  }
}

/** Lists are made anew: what is done to the one handed out must not change the program. */
function literal(value: Value): Closure {
  return Array.isArray(value) ? () => copied(value) : () => value;
}

function copied(value: Value): Value {
  return Array.isArray(value) ? value.map(copied) : value;
}

function slotReader(slot: number): Closure {
  return (_, frame) => frame[slot] as Value;
}

function nameReader(name: string, at: Span, resolve: Resolve): Closure {
  const known = resolve(name) ?? MACHINE_NAMES.get(name);
  if (known !== undefined) return known;
  if (NAMES_NOT_MODELLED.has(name)) throw new EvaluationError(notModelled(name), at);
  throw new EvaluationError(`Unknown name \`${name}\`.`, at);
}

function listBuilder(items: Closure[], at: Span): Closure {
  return (k, frame) => {
    try {
      return bounded(evaluateAll(k, items, frame));
    } catch (error) {
      throw located(error, at);
    }
  };
}

/** Values in their order. Throws ValueError where they are too large together. */
export function evaluateAll(k: Kernel, closures: readonly Closure[], frame: readonly unknown[]): Value[] {
  return together(closures, (closure) => closure(k, frame));
}

function unary(operator: string, operand: Closure, at: Span): Closure {
  const apply = UNARY[operator]!;
  return (k, frame) => {
    const value = operand(k, frame);
    try {
      return apply(value);
    } catch (error) {
      throw located(error, at);
    }
  };
}

function binary(operator: string, left: Closure, right: Closure, at: Span): Closure {
  if (operator === '&&') return (k, frame) => isTrue(left(k, frame)) && isTrue(right(k, frame));
  if (operator === '||') return (k, frame) => isTrue(left(k, frame)) || isTrue(right(k, frame));
  const apply = BINARY[operator]!;
  return (k, frame) => {
    const a = left(k, frame);
    const b = right(k, frame);
    try {
      return apply(a, b);
    } catch (error) {
      throw located(error, at);
    }
  };
}

function conditional(condition: Closure, then: Closure, otherwise: Closure): Closure {
  return (k, frame) => (isTrue(condition(k, frame)) ? then(k, frame) : otherwise(k, frame));
}

function pureCall(name: string, args: Closure[], at: Span): Closure {
  const call = FUNCTIONS.get(name);
  if (call === undefined) throw new EvaluationError(NAMES_NOT_MODELLED.has(name) ? notModelled(name) : `\`${name}\` is no function that an expression may call.`, at);
  return (k, frame) => {
    try {
      return call(k, evaluateAll(k, args, frame));
    } catch (error) {
      throw located(error, at);
    }
  };
}

function methodCall(object: Closure, name: string, args: Closure[], at: Span): Closure {
  return (k, frame) => {
    try {
      const target = object(k, frame);
      return callMethod(k, target, name, evaluateAll(k, args, frame));
    } catch (error) {
      throw located(error, at);
    }
  };
}

function memberReader(object: Closure, name: string, at: Span): Closure {
  return (k, frame) => {
    const target = object(k, frame);
    try {
      return member(k, target, name);
    } catch (error) {
      throw located(error, at);
    }
  };
}

function elementReader(object: Closure, index: Closure, at: Span): Closure {
  return (k, frame) => {
    const target = object(k, frame);
    const key = index(k, frame);
    try {
      return element(k, target, key);
    } catch (error) {
      throw located(error, at);
    }
  };
}
