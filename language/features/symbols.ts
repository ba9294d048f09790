// Names in a file: what stands at a place, where a declaration is used, how it may be renamed.
import { AstUtils } from 'langium';
import type { CheckedScenario } from '../check.ts';
import { isDeclared } from '../declarations.ts';
import type { Declaration, Declared } from '../declarations.ts';
import type { ParsedSource } from '../parse.ts';
import { rangeOf, rangeOfProperty } from '../ranges.ts';
import type { Range } from '../source.ts';
import { RESERVED } from '../vocabulary/settings.ts';

export interface SymbolAt {
  meaning: Declaration;
  range: Range;
}

/** A place in one of the files of a scenario. */
export interface Location {
  source: ParsedSource;
  range: Range;
}

/** The name at an offset of the scenario's own file, where it is used or declared. */
export function symbolAt(checked: CheckedScenario, offset: number): SymbolAt | undefined {
  const main = checked.sources[0];
  const use = checked.bindings.occurrences.find(({ source, range }) => source === main && contains(range, offset));
  if (use !== undefined) return { meaning: use.meaning, range: use.range };
  const declared = declarationsOf(checked).find((candidate) => candidate.source === main && contains(nameOf(candidate), offset));
  return declared === undefined ? undefined : { meaning: declared, range: nameOf(declared) };
}

/** Where the name at an offset is declared: several places for `fork`s that share a name. */
export function definitionsAt(checked: CheckedScenario, offset: number): Location[] {
  const symbol = symbolAt(checked, offset);
  if (symbol === undefined || !isDeclared(symbol.meaning)) return [];
  return sameAs(symbol.meaning, checked).map((declared) => ({ source: declared.source, range: nameOf(declared) }));
}

/** Every place that names what stands at an offset, its declaration first. */
export function referencesAt(checked: CheckedScenario, offset: number): Location[] {
  const symbol = symbolAt(checked, offset);
  if (symbol === undefined) return [];
  const { meaning } = symbol;
  const isSame = (other: Declaration): boolean => {
    if (isDeclared(meaning)) return isDeclared(other) && haveOneName(meaning, other);
    return other.kind === meaning.kind && other.name === meaning.name;
  };
  const uses = checked.bindings.occurrences.filter((occurrence) => isSame(occurrence.meaning)).map(({ source, range }) => ({ source, range }));
  return [...definitionsAt(checked, offset), ...uses];
}

/** The name that a rename at an offset would change, or why there is none. */
export function renameable(checked: CheckedScenario, offset: number): Range | string {
  const symbol = symbolAt(checked, offset);
  if (symbol === undefined) return 'There is no name here that can be changed.';
  if (!isDeclared(symbol.meaning)) return `\`${symbol.meaning.name}\` belongs to the language and keeps its name.`;
  return symbol.range;
}

/** What is wrong with a new name, or undefined. */
export function newNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `\`${name}\` is no name: names consist of letters, digits and \`_\`, and do not start with a digit.`;
  return (RESERVED as readonly string[]).includes(name) ? `\`${name}\` is a reserved word.` : undefined;
}

/** Everything that the scenario and its imports declare. */
export function declarationsOf(checked: CheckedScenario): Declared[] {
  const { bindings } = checked;
  const globals = [...bindings.consts.values(), ...bindings.defs.values(), ...[...bindings.tasks.values()].flat()];
  return [...globals, ...bindings.duplicates.map(({ declared }) => declared), ...checked.sources.flatMap(variablesOf)];
}

/** The variables of a file. */
export function variablesOf(source: ParsedSource): Declared[] {
  return AstUtils.streamAllContents(source.scenario)
    .toArray()
    .flatMap((node): Declared[] => {
      if (node.$type === 'Let') return [{ kind: 'let', name: (node as Declared['node']).name, node, source } as Declared];
      if (node.$type === 'Param') return [{ kind: node.$container?.$type === 'Def' ? 'parameter' : 'loop variable', name: (node as Declared['node']).name, node, source } as Declared];
      return [];
    })
    .filter((declared) => declared.name !== undefined);
}

/** The variables that are known at an offset of the scenario's own file, inner ones first. */
export function variablesAt(checked: CheckedScenario, offset: number): Declared[] {
  const [main] = checked.sources;
  if (main === undefined) return [];
  return variablesOf(main)
    .filter((declared) => nameOf(declared).end < offset && contains(reachOf(declared), offset))
    .reverse();
}

/** Where a variable is known: the block of a `let`, the body of a loop or function. */
function reachOf(declared: Declared): Range {
  const container = declared.node.$container;
  return container === undefined ? rangeOf(declared.node) : rangeOf(container);
}

function nameOf(declared: Declared): Range {
  return rangeOfProperty(declared.node, 'name');
}

function contains(range: Range, offset: number): boolean {
  return range.start <= offset && offset <= range.end;
}

function sameAs(declared: Declared, checked: CheckedScenario): Declared[] {
  return declared.kind === 'task' ? (checked.bindings.tasks.get(declared.name) ?? [declared]) : [declared];
}

/** `fork`s that share a name are one to those who wait for them. */
function haveOneName(a: Declared, b: Declared): boolean {
  return a.node === b.node || (a.kind === 'task' && b.kind === 'task' && a.name === b.name);
}
