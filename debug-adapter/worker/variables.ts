// What the Variables view shows: scopes of a frame, and whatever opens in them. Ids are given once and forgotten when the machine goes on, so a
// stale one opens nothing.

import type { Value } from '../../language/runtime/index.ts';
import { MACHINE, childCounts, evaluate, indexedChildren, namedChildren, toValue } from '../../language/runtime/index.ts';
import type { Commands, ScopeRow, VariableRow } from './commands.ts';
import { frameValue, showValue } from './format.ts';
import { localsOf, namesIn } from './stack.ts';
import type { Debuggee, Opened } from './state.ts';
import { describe } from '../../language/runtime/index.ts';

/** Rows sent for one request without a count. */
const DEFAULT_COUNT = 100;

export function readScopes(d: Debuggee, frameId: number): ScopeRow[] {
  const frame = d.frames.get(frameId);
  if (frame === undefined) return [];
  const machine = childCounts(d.machine.k, MACHINE);
  return [
    { name: 'Locals', reference: open(d, { kind: 'locals', frame }), named: localsOf(d, frame).length, indexed: 0, expensive: false },
    { name: 'Machine', reference: open(d, { kind: 'value', value: MACHINE, path: '' }), ...machine, expensive: false },
  ];
}

export function readVariables(d: Debuggee, { reference, filter, start, count }: Commands['variables']['args']): VariableRow[] {
  const opened = d.opened.get(reference);
  if (opened === undefined) return [];
  if (opened.kind === 'locals') return filter === 'indexed' ? [] : localRows(d, opened.frame);
  const rows: VariableRow[] = [];
  if (filter !== 'indexed') rows.push(...namedRows(d, opened));
  if (filter !== 'named') rows.push(...indexedRows(d, opened, start, count > 0 ? count : DEFAULT_COUNT));
  return rows;
}

function localRows(d: Debuggee, frame: Extract<Opened, { kind: 'locals' }>['frame']): VariableRow[] {
  const { k } = d.machine;
  return localsOf(d, frame).map(([name, raw]) => {
    const value = frame.world === 'engine' ? frameValue(k, name, raw) : toValue(raw);
    return valueRow(d, name, value, frame.world === 'engine' ? showValue(k, name, raw) : describe(k, value), name);
  });
}

function namedRows(d: Debuggee, { value, path }: Extract<Opened, { kind: 'value' }>): VariableRow[] {
  return namedChildren(d.machine.k, value).map((child) => valueRow(d, child.name, child.value, child.text, memberPath(path, child.name)));
}

function indexedRows(d: Debuggee, { value, path }: Extract<Opened, { kind: 'value' }>, start: number, count: number): VariableRow[] {
  return indexedChildren(d.machine.k, value, { start, count }).map((child) => valueRow(d, child.name, child.value, child.text, path === '' ? '' : `${path}${child.name}`));
}

/** Evaluates in a frame, or in the machine alone. Throws EvaluationError. */
export function readExpression(d: Debuggee, { expression, frame }: Commands['evaluate']['args']): VariableRow {
  const handle = frame === null ? null : (d.frames.get(frame) ?? null);
  const value = evaluate(d.machine.k, expression, namesIn(d, handle));
  return valueRow(d, '', value, describe(d.machine.k, value), '');
}

function valueRow(d: Debuggee, name: string, value: Value, text: string, evaluateName: string): VariableRow {
  const counts = childCounts(d.machine.k, value);
  const opens = counts.named + counts.indexed > 0;
  const reference = opens ? open(d, { kind: 'value', value, path: evaluateName }) : 0;
  return { name, value: text, type: typeName(value), reference, named: counts.named, indexed: counts.indexed, evaluateName };
}

function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return path === '' ? '' : `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function typeName(value: Value): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return value.kind;
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function open(d: Debuggee, what: Opened): number {
  const id = ++d.lastId;
  d.opened.set(id, what);
  return id;
}
