// What the rows of the trees have in common: their shape, how a count's change is told, and how sizes read.

import type { CellState } from '../../debug-adapter/protocol.ts';

/** Where a zone's free pages stand among its watermarks, or how a process fares, or what is most urgent of a page; the others have no such state. */
export type RowState =
  | 'node' | 'group' | 'value' | 'above high' | 'below high' | 'below low' | 'below min'
  | 'running' | 'ready' | 'sleeping' | 'ended' | 'killed' | 'vma' | 'table' | 'pte' | 'swapped' | 'page'
  | 'file' | 'range' | 'list' | 'anonymous' | CellState;

/** One row of the tree. `id` is the same for the same thing at every stop, so an opened row stays open. */
export interface Row {
  id: string;
  label: string;
  description: string;
  tooltip: string;
  state: RowState;
  isOpen: boolean;
  /** What a screen reader says, where that is more than the label and the description. */
  spoken?: string;
  /** Its children are asked for when it is opened. */
  isLazy?: boolean;
  children: Row[];
}

/** Counts by row id, kept from one stop to the next. */
export type Counts = ReadonlyMap<string, number>;

const PAGE_SIZE = 4096;

export class RowWriter {
  readonly counts = new Map<string, number>();
  readonly #before: Counts;

  constructor(before: Counts) {
    this.#before = before;
  }

  /** Notes a count and answers how it changed since the stop before: ` (+1)`, or nothing. */
  change(id: string, count: number): string {
    this.counts.set(id, count);
    const difference = count - (this.#before.get(id) ?? count);
    if (difference === 0) return '';
    return ` (${difference > 0 ? '+' : '−'}${grouped(Math.abs(difference))})`;
  }
}

/** A row that opens nothing. */
export function value(row: Pick<Row, 'id' | 'label' | 'description' | 'tooltip'>): Row {
  return { ...row, state: 'value', isOpen: false, children: [] };
}

/** A number of pages with its size: `64 pages (256 KiB)`. */
export function pages(count: number): string {
  return `${counted(count, 'page')} (${size(count)})`;
}

/** `1 block`, `1,234 blocks`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** The size of so many pages. Both x86 architectures have pages of 4 KiB. */
export function size(pageCount: number): string {
  return bytes(pageCount * PAGE_SIZE);
}

/** Bytes in the largest unit that leaves at least 1, with one decimal where it is not whole. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let amount = count;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${units[unit]}`;
}
