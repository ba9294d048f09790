// Where a line breakpoint can stand: the places of an engine file, the statements of a scenario file. A spot may be several places, as when a body
// belongs to several tasks.

import type { FunctionInfo, Tables } from '../../build/instrument/tables.ts';
import type { ProgramData, Routine, StatementInfo } from '../../language/runtime/index.ts';
import type { PlaceId } from '../worker/commands.ts';

export interface Spot {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  places: PlaceId[];
  /** What a condition may name there, beside what it may name everywhere. */
  names: string[];
}

/** A function or routine as a line breakpoint sees it: lines that lead to one of its spots. */
export interface Region {
  name: string;
  line: number;
  endLine: number;
  /** In the order of the text. */
  spots: Spot[];
}

/** The regions of an engine file: its outermost functions, in the order of the text. */
export function engineRegions(tables: Tables, file: number): Region[] {
  const functions = tables.functions.filter((one) => one.file === file);
  const outermost = functions.filter((one) => !functions.some((other) => isAround(other, one)));
  return outermost.map(({ name, line, endLine }) => ({ name, line, endLine, spots: engineSpots(tables, file, { line, endLine }) }));
}

/** Whether a function's lines hold another's; of two on the same lines the first is the outer one. */
function isAround(outer: FunctionInfo, inner: FunctionInfo): boolean {
  if (inner.line < outer.line || outer.endLine < inner.endLine) return false;
  return outer.line < inner.line || inner.endLine < outer.endLine || outer.id < inner.id;
}

/** A loop's head is passed at every round, the loop's own place before it once: the first place of a position is the spot. */
function engineSpots(tables: Tables, file: number, { line, endLine }: { line: number; endLine: number }): Spot[] {
  const places = tables.places.filter((place) => place.file === file && line <= place.line && place.line <= endLine);
  const spots = inOrder(places.map(({ id, vars, ...range }) => ({ ...rangeOf(range), places: [id], names: vars })));
  return spots.filter((spot, i) => i === 0 || !isSamePosition(spot, spots[i - 1]!));
}

/** The regions of a scenario's file: its routines, each from the line that names it to its last statement. */
export function scenarioRegions(tables: Tables, program: ProgramData, { file, text }: { file: number; text: string }): Region[] {
  const lines = text.split('\n');
  const regions: Region[] = [];
  program.routines.forEach((routine, index) => {
    const statements = program.statements.filter((statement) => statement.routine === index && statement.file === file);
    if (statements.length === 0) return;
    const spots = inOrder(statements.map((statement) => scenarioSpot(tables, routine, statement)));
    const line = headerLine(lines, routine, spots[0]!.line);
    const known = regions.find((region) => region.line === line);
    if (known === undefined) regions.push({ name: routine.name, line, endLine: Math.max(...spots.map((spot) => spot.line)), spots });
    else known.spots = merged(inOrder([...known.spots, ...spots]));
  });
  return regions.sort((a, b) => a.line - b.line);
}

function scenarioSpot(tables: Tables, routine: Routine, statement: StatementInfo): Spot {
  return { ...rangeOf(statement), places: [tables.places.length + statement.id], names: localsAt(routine, statement.id) };
}

/** Names of the locals that a statement sees. */
function localsAt(routine: Routine, statement: number): string[] {
  const pc = routine.code.findIndex((instruction) => instruction.op === 'statement' && instruction.id === statement);
  return routine.locals.filter((local) => local.from <= pc && pc < local.to).map((local) => local.name);
}

/** The line that begins a routine: `kernel NAME`, `def NAME`, `boot`, or the first statement's own where it cannot be found. */
function headerLine(lines: readonly string[], { kind, name }: Routine, firstLine: number): number {
  const word = kind === 'boot' ? 'boot' : `(?:kernel|process|fork|def)\\s+${name.replace(/\.\d+$/, '')}`;
  const header = new RegExp(`(^|[^\\w])${word}([^\\w]|$)`);
  for (let line = firstLine; line > 0; line--) if (header.test(lines[line - 1] ?? '')) return line;
  return firstLine;
}

/** Copies of a body have one region: their places at one position become one spot. */
function merged(spots: readonly Spot[]): Spot[] {
  const result: Spot[] = [];
  for (const spot of spots) {
    const last = result.at(-1);
    if (last !== undefined && isSamePosition(last, spot)) last.places = [...last.places, ...spot.places];
    else result.push({ ...spot });
  }
  return result;
}

function rangeOf({ line, column, endLine, endColumn }: Omit<Spot, 'places' | 'names'>): Omit<Spot, 'places' | 'names'> {
  return { line, column, endLine, endColumn };
}

function inOrder(spots: Spot[]): Spot[] {
  return spots.sort((a, b) => a.line - b.line || a.column - b.column || a.places[0]! - b.places[0]!);
}

function isSamePosition(a: Spot, b: Spot): boolean {
  return a.line === b.line && a.column === b.column;
}
