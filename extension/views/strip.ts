// A stretch of a file drawn with block characters, from its first page to its last, and the same in words. The shapes differ by how much ink they
// have, so that no colour is needed: nothing cached is a line at the bottom, what still has to reach the disk is darkest.
import type { CellState, StripRow } from '../../debug-adapter/protocol.ts';
import { counted, grouped, size } from './rows.ts';

/** By urgency. All of them are in one block of Unicode, which fonts have as a whole and draw in one width. */
const GLYPHS: Readonly<Record<CellState, readonly [glyph: string, words: string]>> = {
  absent: ['▁', 'not cached'],
  partial: ['▂', 'partly cached'],
  clean: ['▄', 'clean'],
  mapped: ['▟', 'mapped by a process'],
  reading: ['▖', 'being read'],
  dirty: ['█', 'dirty'],
  writeback: ['▒', 'under write-back'],
  error: ['▚', 'failed to be read or written'],
};
const STATES = Object.keys(GLYPHS) as CellState[];

/** Cells that fit beside a name in a side bar. */
const MOST_CELLS = 16;
/** Cells in a line of a tooltip. */
const CELLS_A_LINE = 32;
/** Stretches that are told in words before the rest is only counted. */
const MOST_TOLD = 8;

/** The strip in so few cells that it stands beside a name. */
export function shortStrip(strip: StripRow): string {
  return glyphs(folded(strip, MOST_CELLS).cells);
}

/** The strip as it was sent, and what its cells mean. */
export function longStrip({ cells, pages_per_cell }: StripRow): string {
  const cell = pages_per_cell === 1 ? 'A cell is a page.' : `A cell is ${counted(pages_per_cell, 'page')} (${size(pages_per_cell)}) and shows the most urgent of them.`;
  const shown = STATES.filter((state) => pages_per_cell > 1 || state !== 'partial');
  const lines = cells.flatMap((_, i) => (i % CELLS_A_LINE === 0 ? [glyphs(cells.slice(i, i + CELLS_A_LINE))] : []));
  return `${lines.join('\n')}\n${cell}\n${shown.map((state) => GLYPHS[state].join(' ')).join('   ')}`;
}

/** The strip for who cannot see it: stretches of one state, `pages 0 to 7 clean`; pages are counted from `first`. */
export function spokenStrip({ cells, pages_per_cell }: StripRow, first: number, end: number): string {
  const runs: { state: CellState; from: number; to: number }[] = [];
  cells.forEach((state, i) => {
    const from = first + i * pages_per_cell;
    const to = Math.min(end, from + pages_per_cell) - 1;
    const last = runs.at(-1);
    if (last?.state === state) last.to = to;
    else runs.push({ state, from, to });
  });
  const told = runs.slice(0, MOST_TOLD).map(({ state, from, to }) => `${from === to ? `page ${grouped(from)}` : `pages ${grouped(from)} to ${grouped(to)}`} ${GLYPHS[state][1]}`);
  return [...told, ...(runs.length > MOST_TOLD ? [`and ${runs.length - MOST_TOLD} more stretches`] : [])].join(', ');
}

function glyphs(cells: readonly CellState[]): string {
  return cells.map((state) => GLYPHS[state][0]).join('');
}

/** Fewer cells, each for two of before, until they are few enough. */
export function folded(strip: StripRow, most: number): StripRow {
  if (strip.cells.length <= most) return strip;
  const cells = strip.cells.flatMap((state, i) => (i % 2 === 0 ? [merged(state, strip.cells[i + 1])] : []));
  return folded({ cells, pages_per_cell: strip.pages_per_cell * 2 }, most);
}

/** What two cells are as one: the more urgent; something clean beside something that is not there is partly cached. */
function merged(one: CellState, other: CellState | undefined): CellState {
  if (other === undefined || one === other) return one;
  const states = [one, other];
  if (states.includes('absent') && states.includes('clean')) return 'partial';
  const urgent = Math.max(STATES.indexOf(one), STATES.indexOf(other));
  return states.includes('partial') && STATES[urgent] === 'clean' ? 'partial' : STATES[urgent]!;
}
