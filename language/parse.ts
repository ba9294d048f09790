// Reads texts into trees. Nothing here throws at a user: what is wrong comes back as problems.
import type { LangiumCoreServices } from 'langium';
import type { Expr, Scenario } from './generated/ast.ts';
import { createPagewalkServices } from './pagewalk-module.ts';
import type { Problem } from './problem.ts';
import { syntaxProblems } from './problems.ts';
import { Source } from './source.ts';

export interface ParsedSource {
  source: Source;
  /** The tree, as far as it could be read: with problems, any part of it may be missing. */
  scenario: Scenario;
  problems: Problem[];
}

export interface ParsedExpression {
  /** Null when there are problems. */
  expression: Expr | null;
  /** Lines and columns are those of the expression's own text. */
  problems: Problem[];
}

/** Reads a scenario's text. `file` is the path that its problems name. */
export function parseSource(text: string, file: string): ParsedSource {
  const source = new Source(file, text);
  const result = services().parser.LangiumParser.parse<Scenario>(text);
  return { source, scenario: result.value, problems: syntaxProblems(source, result) };
}

/** Reads one expression: a condition, a watch, what stands in a log text. */
export function parseExpression(text: string, file = ''): ParsedExpression {
  const source = new Source(file, text);
  if (text.trim() === '') return { expression: null, problems: [source.problem({ start: 0, end: text.length }, 'error', 'There is no expression here.')] };
  const result = services().parser.LangiumParser.parse<Expr>(text, { rule: 'Expr' });
  const problems = syntaxProblems(source, result);
  return { expression: problems.length === 0 ? result.value : null, problems };
}

/** Making the parser takes some 50 ms, so it is made when first asked for, once. */
const services = once(createPagewalkServices);

function once(make: () => LangiumCoreServices): () => LangiumCoreServices {
  let made: LangiumCoreServices | undefined;
  return () => (made ??= make());
}
