/** Errors of a running scenario: each has the place in the source that it is about. */
import type { Span } from './program.ts';
import { ValueError } from './values.ts';

/** An expression or a call that cannot be carried out: division by zero, an unknown member, a page expected … */
export class EvaluationError extends Error {
  readonly at: Span;

  constructor(message: string, at: Span) {
    super(message);
    this.at = at;
  }
}

/** What to throw on for a caught error: what an operation reports of its operands gets the place, anything else passes as it is. */
export function located(error: unknown, at: Span): unknown {
  return error instanceof ValueError ? new EvaluationError(sentence(error.message), at) : error;
}

/** What an operation gives; its ValueError gets the place. */
export function placed<T>(at: Span, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw located(error, at);
  }
}

/** `FILE:LINE:COL`, as every message of Pagewalk begins. */
export function placeOf(files: readonly string[], at: Span): string {
  return `${files[at.file] ?? '?'}:${at.line}:${at.column}`;
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}
