// How the client counts lines and columns and writes paths. Everything inside counts from 1 and uses native paths.

import { fileURLToPath, pathToFileURL } from 'node:url';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';

export interface Conventions {
  firstLine: 0 | 1;
  firstColumn: 0 | 1;
  usesUris: boolean;
  /** The client shows types beside values. */
  showsTypes: boolean;
}

/** What DAP assumes until `initialize` says otherwise. */
export const DEFAULT_CONVENTIONS: Conventions = { firstLine: 1, firstColumn: 1, usesUris: false, showsTypes: false };

export function conventionsOf(args: DebugProtocol.InitializeRequestArguments): Conventions {
  return {
    firstLine: args.linesStartAt1 === false ? 0 : 1,
    firstColumn: args.columnsStartAt1 === false ? 0 : 1,
    usesUris: args.pathFormat === 'uri',
    showsTypes: args.supportsVariableType === true,
  };
}

export function lineFromClient({ firstLine }: Conventions, line: number): number {
  return line + 1 - firstLine;
}

export function columnFromClient({ firstColumn }: Conventions, column: number): number {
  return column + 1 - firstColumn;
}

export function pathFromClient(_: Conventions, given: string): string {
  return given.startsWith('file:') ? fileURLToPath(given) : path.normalize(given);
}

export function pathToClient({ usesUris }: Conventions, native: string): string {
  return usesUris ? pathToFileURL(native).href : native;
}

/** A range as DAP writes it. */
export function rangeToClient<R extends { line: number; column: number; endLine?: number; endColumn?: number }>(
  { firstLine, firstColumn }: Conventions, range: R,
): { line: number; column: number; endLine?: number; endColumn?: number } {
  const start = { line: range.line - 1 + firstLine, column: range.column - 1 + firstColumn };
  if (range.endLine === undefined || range.endColumn === undefined) return start;
  return { ...start, endLine: range.endLine - 1 + firstLine, endColumn: range.endColumn - 1 + firstColumn };
}

/** Windows paths differ in case alone without meaning another file. */
export function isSamePath(a: string, b: string): boolean {
  const [first, second] = [path.resolve(a), path.resolve(b)];
  return process.platform === 'win32' ? first.toLowerCase() === second.toLowerCase() : first === second;
}
