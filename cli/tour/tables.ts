// Rows of text with their columns aligned, and the two tables of the tour that need more: call stacks and zones.
import fs from 'node:fs';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ZoneRow, ZonesResponse } from '../../debug-adapter/protocol.ts';

/** Columns are as wide as their widest cell and two spaces apart; `right` names those whose cells stand at the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const cell = (text: string, i: number): string => (right.includes(i) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

/** One row a frame, innermost first: its function, its place and the source line it stands at. Paths are shown below `root`. */
export function stackTable(frames: readonly DebugProtocol.StackFrame[], root: string): string[] {
  return table(frames.map((frame) => [frame.name, placeOf(frame, root), sourceLine(frame)]));
}

export function placeOf(frame: DebugProtocol.StackFrame, root: string): string {
  const file = frame.source?.path;
  return file === undefined ? '' : `${path.relative(root, file).split(path.sep).join('/')}:${frame.line}`;
}

export function sourceLine({ source, line }: DebugProtocol.StackFrame): string {
  if (source?.path === undefined || !fs.existsSync(source.path)) return '';
  return (fs.readFileSync(source.path, 'utf8').split('\n')[line - 1] ?? '').trim();
}

/** The source around a frame's statement, numbered, with an arrow at the statement; empty where there is no file. */
export function excerpt({ source, line }: DebugProtocol.StackFrame, before: number, after: number): string[] {
  if (source?.path === undefined || !fs.existsSync(source.path)) return [];
  const lines = fs.readFileSync(source.path, 'utf8').split('\n').slice(line - 1 - before, line + after);
  return lines.map((text, i) => `${i === before ? '→' : ' '} ${String(line - before + i).padStart(4)}  ${text}`);
}

export function clipped(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

const ORDERS = Array.from({ length: 11 }, (_, order) => order);

/** A row a zone: free pages, marks, pages on the CPUs' lists, free blocks by order. With `before`, a second row says what has changed. */
export function zoneTable(now: ZonesResponse, before: ZonesResponse | null): string[] {
  const rows = populated(now).flatMap((zone) => {
    const old = before === null ? undefined : populated(before).find(({ name }) => name === zone.name);
    const changes = old === undefined ? [] : changesOf(numbersOf(zone), numbersOf(old));
    return [[zone.name, ...numbersOf(zone).map(String)], ...(changes.some((text) => text !== '') ? [['', ...changes]] : [])];
  });
  const head = ['zone', 'free', 'min', 'low', 'high', 'CPU lists', ' order 0', ...ORDERS.slice(1).map(String)];
  return table([head, ...rows], [1, 2, 3, 4, 5, 6, ...ORDERS.map((order) => order + 6)]);
}

function populated({ nodes }: ZonesResponse): ZoneRow[] {
  return nodes.flatMap((node) => node.zones).filter((zone) => zone.present_pages > 0);
}

function numbersOf(zone: ZoneRow): number[] {
  const onLists = zone.pagesets.reduce((sum, { hot, cold }) => sum + hot.count + cold.count, 0);
  return [zone.free_pages, zone.pages_min, zone.pages_low, zone.pages_high, onLists, ...ORDERS.map((order) => zone.free_area[order]?.nr_free ?? 0)];
}

function changesOf(now: readonly number[], old: readonly number[]): string[] {
  return now.map((n, i) => {
    const change = n - (old[i] ?? n);
    return change === 0 ? '' : `${change > 0 ? '+' : ''}${change}`;
  });
}
