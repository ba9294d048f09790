// Places in a text. Offsets count from 0 in UTF-16 units, as strings do; lines and columns count from 1.
import type { Problem } from './problem.ts';

export interface Range {
  /** Offset of the first character. */
  start: number;
  /** Offset after the last. */
  end: number;
}

/** A file of a scenario: its path as it was given, and its text. */
export class Source {
  readonly file: string;
  readonly text: string;
  private readonly lineStarts: number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.lineStarts = [0];
    for (const match of text.matchAll(/\r\n|\n|\r/g)) this.lineStarts.push(match.index + match[0].length);
  }

  /** The line and column of an offset. An offset past the end is the end. */
  place(offset: number): { line: number; column: number } {
    const at = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.lineStarts[low]! + 1 };
  }

  /** The offset of a line and column; one past the end of a line is its end. */
  offset(line: number, column: number): number {
    const start = this.lineStarts[line - 1] ?? this.text.length;
    const next = this.lineStarts[line] ?? this.text.length + 1;
    return Math.max(start, Math.min(start + column - 1, next - 1, this.text.length));
  }

  problem(range: Range, severity: Problem['severity'], message: string): Problem {
    const from = this.place(range.start);
    const to = this.place(Math.max(range.end, range.start));
    return { file: this.file, line: from.line, column: from.column, endLine: to.line, endColumn: to.column, severity, message };
  }
}
