// What the parts of the compiler share: the files, what their names mean, and the tables that grow.
import type { AstNode } from 'langium';
import type { Bindings } from '../bindings.ts';
import type { ParsedSource } from '../parse.ts';
import type { Problem } from '../problem.ts';
import { rangeOf } from '../ranges.ts';
import type { Range } from '../source.ts';
import type { Routine, Span, StatementInfo } from '../runtime/program.ts';
import type { Value } from '../runtime/values.ts';
import type { ArchName } from '../vocabulary/settings.ts';

export interface Compilation {
  sources: readonly ParsedSource[];
  bindings: Bindings;
  /** A constant may differ between them. */
  arch: ArchName;
  problems: Problem[];
  /** Values of the scenario's constants, as far as they were asked for. */
  constants: Map<string, Value>;
  statements: StatementInfo[];
  routines: Routine[];
  /** Routine numbers of the `def`s that have been asked for. */
  routineOf: Map<string, number>;
  /** Names of such `def`s whose code is still to be made. */
  pending: string[];
}

export function newCompilation(sources: readonly ParsedSource[], bindings: Bindings, arch: ArchName): Compilation {
  return { sources, bindings, arch, problems: [], constants: new Map(), statements: [], routines: [], routineOf: new Map(), pending: [] };
}

/** The number of a `def`'s routine; whoever asks first has its code made. */
export function routineOf(compilation: Compilation, name: string): number {
  const known = compilation.routineOf.get(name);
  if (known !== undefined) return known;
  const { node } = compilation.bindings.defs.get(name)!;
  const parameters = node.params.map((parameter) => parameter.name);
  const index = compilation.routines.push({ name, kind: 'def', parameters, slots: parameters.length, locals: [], code: [] }) - 1;
  compilation.routineOf.set(name, index);
  compilation.pending.push(name);
  return index;
}

/** A range of a file as lines and columns. */
export function spanOf(compilation: Compilation, file: number, range: Range): Span {
  const { source } = compilation.sources[file]!;
  const from = source.place(range.start);
  const to = source.place(range.end);
  return { file, line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}

/** What is written there, on one line. */
export function textOf(compilation: Compilation, file: number, node: AstNode): string {
  const { start, end } = rangeOf(node);
  return compilation.sources[file]!.source.text.slice(start, end).replace(/\s+/g, ' ');
}

export function complain(compilation: Compilation, file: number, where: AstNode | Range, message: string): void {
  const range = '$type' in where ? rangeOf(where) : where;
  compilation.problems.push(compilation.sources[file]!.source.problem(range, 'error', message));
}
