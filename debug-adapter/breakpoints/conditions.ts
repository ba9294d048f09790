// Conditions and log texts of breakpoints, compiled to data that the worker makes closures of. Names are checked here, where the near ones can be
// told.

import { compileExpression, parseLogText } from '../../language/index.ts';
import type { ExpressionData, LogText, ProgramData } from '../../language/runtime/index.ts';
import { MACHINE_NAMES } from '../../language/runtime/index.ts';
import { GFP } from '../../engine/index.ts';
import { didYouMean } from './near.ts';

/** Where a condition is tried: the names that are its own, and what to call the place in a message. */
export interface Surroundings {
  names: readonly string[];
  /** As `__alloc_pages`, or a line. */
  what: string;
}

export type Compiled<T> = { value: T } | { message: string };

/** Compiles a condition; every free name must be known in the surroundings, to the scenario or to the machine. */
export function compileConditionText(text: string, surroundings: Surroundings, program: ProgramData | null): Compiled<ExpressionData> {
  const { expression, problems } = compileExpression(text, [...surroundings.names, ...Object.keys(program?.constants ?? {})]);
  if (expression === null) return { message: `The condition \`${text}\` is wrong: ${problems[0]?.message ?? 'it cannot be read.'}` };
  const message = unknownName(expression, surroundings, program);
  return message === null ? { value: expression } : { message };
}

/** Why an expression cannot be evaluated in the surroundings, or null. */
export function unknownName(expression: ExpressionData, { names, what }: Surroundings, program: ProgramData | null): string | null {
  const unknown = freeNames(expression).find((name) => !names.includes(name) && !isKnownEverywhere(name, program));
  if (unknown === undefined) return null;
  const own = [...new Set(names)];
  const known = own.length === 0 ? 'it has no parameters' : `it has ${own.map((name) => `\`${name}\``).join(', ')}`;
  return `\`${unknown}\` is unknown in ${what}: ${known}.${didYouMean(unknown, [...own, ...MACHINE_NAMES.keys()])}`;
}

function isKnownEverywhere(name: string, program: ProgramData | null): boolean {
  return MACHINE_NAMES.has(name) || Object.hasOwn(GFP, name) || Object.hasOwn(program?.constants ?? {}, name);
}

/** The names of an expression that mean something only where it is evaluated. */
export function freeNames(expression: ExpressionData): string[] {
  switch (expression.kind) {
    case 'literal': case 'slot': return [];
    case 'name': return [expression.name];
    case 'listOf': return expression.items.flatMap(freeNames);
    case 'unary': return freeNames(expression.operand);
    case 'binary': return [...freeNames(expression.left), ...freeNames(expression.right)];
    case 'conditional': return [...freeNames(expression.condition), ...freeNames(expression.then), ...freeNames(expression.else)];
    case 'call': return expression.args.flatMap(freeNames);
    case 'method': return [...freeNames(expression.object), ...expression.args.flatMap(freeNames)];
    case 'member': return freeNames(expression.object);
    case 'index': return [...freeNames(expression.object), ...freeNames(expression.index)];
  }
}

/** A log message with `{expr}` in it. */
export function compileLogMessage(text: string, surroundings: Surroundings, program: ProgramData | null): Compiled<LogText> {
  const { parts, problems } = parseLogText(JSON.stringify(text));
  if (problems.length > 0) return { message: `The log message is wrong: ${problems[0]!.message}` };
  const compiled: LogText = { parts: [] };
  for (const part of parts) {
    if (part.kind === 'text') {
      compiled.parts.push(part.text);
      continue;
    }
    const expression = compileConditionText(part.source, surroundings, program);
    if ('message' in expression) return { message: expression.message.replace('The condition', 'In the log message') };
    compiled.parts.push(expression.value);
  }
  return { value: compiled };
}
