// What the Variables view shows: scopes of a frame, and whatever opens in them. Ids are given once and forgotten when the machine goes on, so a
// stale one opens nothing.

import type { ExpressionData, Value } from '../../language/runtime/index.ts';
import { MACHINE, childCounts, describeExpression, indexedChildren, namedChildren, taskValue, toText, toValue } from '../../language/runtime/index.ts';
import type { Commands, ScopeRow, VariableRow } from './commands.ts';
import { frameValue, showScenarioValue, showValue } from './format.ts';
import { withPages } from './page-names.ts';
import { localsOf, namesIn } from './stack.ts';
import { walkText } from './walk.ts';
import type { Debuggee, FrameHandle, Opened } from './state.ts';

/** Rows sent for one request without a count. */
const DEFAULT_COUNT = 100;

export function readScopes(d: Debuggee, frameId: number): ScopeRow[] {
  const frame = d.frames.get(frameId);
  if (frame === undefined) return [];
  return [
    { name: 'Locals', reference: open(d, { kind: 'locals', frame }), named: localsOf(d, frame).length, indexed: 0, expensive: false },
    ...taskScope(d, frame.pid),
    { name: 'Machine', reference: open(d, { kind: 'value', value: MACHINE, path: '' }), ...childCounts(d.machine.k, MACHINE), expensive: false },
  ];
}

/** The frame's task_struct; none for the thread that stands for a run that is over. */
function taskScope(d: Debuggee, pid: number): ScopeRow[] {
  const { k } = d.machine;
  if (k.tasks[pid] === undefined) return [];
  const value = taskValue(pid);
  const path = pid === k.current ? 'current' : toText(k, value);
  return [{ name: 'Task', reference: open(d, { kind: 'value', value, path }), ...childCounts(k, value), expensive: false }];
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

function localRows(d: Debuggee, frame: FrameHandle): VariableRow[] {
  return localsOf(d, frame).map((local) => {
    const { value, text } = shownLocal(d, frame, local);
    return valueRow(d, local[0], value, text, local[0]);
  });
}

/** A local as its name says it is: of the engine, or, where that is a mask, of the scenario. */
function shownLocal({ machine: { k } }: Debuggee, { world }: FrameHandle, [name, raw]: [string, unknown]): { value: Value; text: string } {
  if (world === 'engine') return { value: frameValue(k, name, raw), text: showValue(k, name, raw) };
  return { value: toValue(raw), text: showScenarioValue(k, name, raw) };
}

function namedRows(d: Debuggee, { value, path }: Extract<Opened, { kind: 'value' }>): VariableRow[] {
  return namedChildren(d.machine.k, value).map((child) => valueRow(d, child.name, child.value, child.text, memberPath(path, child.name)));
}

function indexedRows(d: Debuggee, { value, path }: Extract<Opened, { kind: 'value' }>, start: number, count: number): VariableRow[] {
  return indexedChildren(d.machine.k, value, { start, count }).map((child) => valueRow(d, child.name, child.value, child.text, path === '' ? '' : `${path}${child.name}`));
}

/** Evaluates in a frame, or in the machine alone. Throws EvaluationError, and Error for a frame that is gone. */
export function readExpression(d: Debuggee, { expression, text, frame }: Commands['evaluate']['args']): VariableRow {
  const handle = frame === null ? null : d.frames.get(frame);
  if (handle === undefined) throw new Error('This frame is gone: the machine has gone on since.');
  const shown = described(d, expression, handle);
  return valueRow(d, '', shown.value, shown.text, rootPath(expression, text));
}

/** The page-table walk of an address. Throws EvaluationError, and Error for a frame that is gone and for what is no address. */
export function readWalk(d: Debuggee, { address, frame }: Commands['walk']['args']): string {
  const handle = frame === null ? null : d.frames.get(frame);
  if (handle === undefined) throw new Error('This frame is gone: the machine has gone on since.');
  const { value } = described(d, address, handle);
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Error('`walk` takes an address.');
  return walkText(d.machine.k, handle?.pid ?? d.machine.k.current, Number(BigInt.asIntN(64, BigInt(value))));
}

/** A plain name reads as it does among the frame's locals, everything else as the language shows it. */
function described(d: Debuggee, expression: ExpressionData, frame: FrameHandle | null): { value: Value; text: string } {
  const locals = frame === null ? [] : localsOf(d, frame);
  const local = expression.kind === 'name' ? locals.find(([name]) => name === expression.name) : undefined;
  if (frame !== null && local !== undefined) return shownLocal(d, frame, local);
  return describeExpression(d.machine.k, frame?.world === 'engine' ? withPages(expression) : expression, namesIn(d, frame));
}

/** What members of an expression's value are written behind. */
function rootPath({ kind }: ExpressionData, text: string): string {
  return ['name', 'call', 'method', 'member', 'index'].includes(kind) ? text.trim() : `(${text.trim()})`;
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
