// From a line that somebody clicked at to the spot where the machine can stop.

import type { Region, Spot } from './spots.ts';

/** A spot, or why there is none. */
export type Resolved = { spot: Spot } | { message: string };

/** The spot at the line, or the nearest one after it in the same function or routine. A column chooses among the spots of that line. */
export function resolveLine(regions: readonly Region[], line: number, column: number | null): Resolved {
  if (regions.length === 0) return { message: 'The machine cannot stop in this file: it holds no statement that is watched.' };
  const around = regions.find((region) => region.line <= line && line <= region.endLine);
  if (around === undefined) return { message: `Line ${line} is in no function and no body, so the machine never comes to it.` };
  const first = around.spots.find((spot) => spot.line >= line);
  if (first === undefined) return { message: `\`${around.name}\` has no statement at line ${line} or after it.` };
  const onLine = around.spots.filter((spot) => spot.line === first.line);
  return { spot: column === null || first.line !== line ? first : nearestColumn(onLine, column) };
}

/** The spot the column is in: the last that begins at or before it. */
function nearestColumn(spots: readonly Spot[], column: number): Spot {
  return spots.filter((spot) => spot.column <= column).at(-1) ?? spots[0]!;
}

/** A range of text; columns may be open. */
export interface Extent {
  line: number;
  column: number | null;
  endLine: number;
  endColumn: number | null;
}

/** Every spot that begins in the range. */
export function spotsWithin(regions: readonly Region[], { line, column, endLine, endColumn }: Extent): Spot[] {
  return regions.flatMap((region) => region.spots).filter((spot) =>
    line <= spot.line && spot.line <= endLine
    && (spot.line > line || column === null || spot.column >= column)
    && (spot.line < endLine || endColumn === null || spot.column <= endColumn));
}
