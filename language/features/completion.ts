// What may be written at a cursor.
import type { CheckedScenario } from '../check.ts';
import { parseExpression } from '../parse.ts';
import type { Expr } from '../generated/ast.ts';
import { machineOf } from '../validation/context.ts';
import { machineFacts } from '../validation/machine-facts.ts';
import { typeOf } from '../validation/members.ts';
import { globalMeaning } from '../bindings.ts';
import type { Bindings } from '../bindings.ts';
import { CONTEXT_CALLS, PURE_CALLS, TASK_CALLS, findCall } from '../vocabulary/calls.ts';
import type { CallTable, Context } from '../vocabulary/calls.ts';
import { CONSTANTS, SIGNALS } from '../vocabulary/constants.ts';
import { COSTS } from '../vocabulary/costs.ts';
import { CLAUSE_DOCS, FORM_DOCS, OPTION_DOCS, SETTING_DOCS, STATEMENT_DOCS } from '../vocabulary/docs.ts';
import type { WordDoc } from '../vocabulary/docs.ts';
import { EVENT_ALIASES } from '../vocabulary/events.ts';
import { GLOBALS, METHODS, OBJECTS } from '../vocabulary/members.ts';
import { DISK_SETTINGS, KERNEL_OPTIONS, PROCESS_OPTIONS, SETTINGS, ZONES } from '../vocabulary/settings.ts';
import { SYSCTLS } from '../vocabulary/sysctls.ts';
import { cursorAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { variablesAt } from './symbols.ts';

export type SuggestionKind = 'keyword' | 'function' | 'variable' | 'constant' | 'member' | 'task' | 'event' | 'value' | 'parameter';

export interface Suggestion {
  label: string;
  kind: SuggestionKind;
  detail: string;
  doc: string;
}

/** The words that may stand at an offset, in no order; the editor picks those that fit what is typed. */
export function completionsAt(checked: CheckedScenario, offset: number): Suggestion[] {
  const text = checked.sources[0]?.source.text ?? '';
  const cursor = cursorAt(text, offset);
  if (cursor.isInText) return [];
  if (cursor.before[0] === '.') return isSysctlName(cursor) ? sysctlParts(cursor) : memberSuggestions(checked, cursor);
  switch (cursor.enclosing) {
    case 'machine': return inMachine(checked, cursor);
    case 'disk': return cursor.before[0] === 'fail' ? values(['read', 'write']) : documented(SETTING_DOCS, DISK_SETTINGS);
    case 'node': return cursor.before[0] === 'zone' ? values(ZONES[factsOf(checked).arch]) : documented(SETTING_DOCS, ['zone']);
    case 'top': return atTop(checked, cursor);
    case 'body': return inBody(checked, cursor, offset);
  }
}

function inMachine(checked: CheckedScenario, { before: [last] }: Cursor): Suggestion[] {
  const facts = factsOf(checked);
  switch (last) {
    case 'arch': return values(Object.keys(ZONES));
    case 'sysctl': return Object.entries(SYSCTLS).map(([label, sysctl]) => ({ label, kind: 'member', detail: String(sysctl.default ?? ''), doc: sysctl.doc }));
    case 'cost': return Object.entries(COSTS).map(([label, cost]) => ({ label, kind: 'member', detail: `${cost.default}ns`, doc: cost.doc }));
    case 'on': return values(facts.disks);
    case '=': case 'cpus': case 'memory': case 'hz': case 'seed': return constSuggestions(checked.bindings);
    default: return [...documented(SETTING_DOCS, SETTINGS), ...keywords(['on', 'priority'])];
  }
}

function atTop(checked: CheckedScenario, cursor: Cursor): Suggestion[] {
  const [last = '', beforeLast] = cursor.before;
  if (last === 'stop') return keywords(['on']);
  if (last === 'on' && beforeLast === 'stop') return Object.entries(EVENT_ALIASES).map(([label, { doc, target }]) => ({ label, kind: 'event', detail: target, doc }));
  const form = cursor.before.find((word) => Object.hasOwn(FORM_DOCS, word)) ?? '';
  if (form === 'process' || form === 'kernel') return inHead(checked, cursor, form);
  const forms = documented(FORM_DOCS, Object.keys(FORM_DOCS));
  if (form === 'stop') return [...documented(CLAUSE_DOCS, Object.keys(CLAUSE_DOCS)), ...forms, ...expressionSuggestions(checked, [PURE_CALLS])];
  return form === 'const' || form === 'expect' ? [...forms, ...expressionSuggestions(checked, [PURE_CALLS])] : forms;
}

/** Between the name of a task and its body. */
function inHead(checked: CheckedScenario, { before: [last = ''] }: Cursor, form: 'process' | 'kernel'): Suggestion[] {
  if (last === form) return [];
  if (last === 'after') return taskSuggestions(checked.bindings);
  if (last === 'dies') return values(Object.keys(SIGNALS));
  if (Object.hasOwn(OPTION_DOCS, last)) return constSuggestions(checked.bindings);
  return documented(OPTION_DOCS, form === 'process' ? PROCESS_OPTIONS : KERNEL_OPTIONS);
}

function inBody(checked: CheckedScenario, cursor: Cursor, offset: number): Suggestion[] {
  if (cursor.before[0] === 'wait') return [...taskSuggestions(checked.bindings), ...keywords(['all'])];
  if (cursor.before[0] === 'let' || cursor.before[0] === 'fork') return [];
  const context = contextAt(checked, offset);
  const tables = context === null ? [...Object.values(CONTEXT_CALLS), PURE_CALLS, TASK_CALLS] : [CONTEXT_CALLS[context], PURE_CALLS, TASK_CALLS];
  const variables = variablesAt(checked, offset).map(({ name, kind }): Suggestion => ({ label: name, kind: 'variable', detail: kind, doc: '' }));
  const words = Object.keys(STATEMENT_DOCS).filter((word) => word !== 'print' && !(context !== null && NOT_IN[context].includes(word)));
  const statements = cursor.call === null ? [...documented(STATEMENT_DOCS, words), ...keywords(['else', 'in', 'step', 'as', 'read', 'write'])] : [];
  return firstOfEachLabel([...parametersOf(checked.bindings, cursor.call), ...variables, ...statements, ...expressionSuggestions(checked, tables)]);
}

/** Statements that those who run the code cannot make. */
const NOT_IN: Readonly<Record<Context, readonly string[]>> = { process: [], kernel: ['fork'], boot: ['fork', 'touch', 'sleep', 'wait', 'exit'] };

/** The names of the parameters of the call around the cursor, as named arguments. */
function parametersOf(bindings: Bindings, call: string | null): Suggestion[] {
  if (call === null) return [];
  const def = bindings.defs.get(call)?.node.params.map((param) => ({ name: param.name, defaultText: null }));
  const builtin = (findCall(call, 'process') ?? findCall(call, 'kernel') ?? findCall(call, 'boot'))?.parameters;
  return (def ?? builtin ?? []).map(({ name, defaultText }) => ({ label: `${name}:`, kind: 'parameter', detail: defaultText === null ? `parameter of ${call}` : `= ${defaultText}`, doc: '' }));
}

/** Who runs the code at an offset; null in a `def`, which anybody may call. */
function contextAt(checked: CheckedScenario, offset: number): Context | null {
  const heads = [...(checked.sources[0]?.source.text.slice(0, offset).matchAll(/^\s*(process|kernel|boot|def)\b/gm) ?? [])];
  const form = heads.at(-1)?.[1];
  return form === 'process' || form === 'kernel' || form === 'boot' ? form : null;
}

function expressionSuggestions(checked: CheckedScenario, tables: readonly CallTable[]): Suggestion[] {
  const { bindings } = checked;
  return [
    ...tables.flatMap((table) => Object.values(table)).map((call): Suggestion => ({ label: call.name, kind: 'function', detail: call.signature, doc: call.doc })),
    ...[...bindings.defs.values()].map(({ name, node }): Suggestion => ({ label: name, kind: 'function', detail: `def ${name}(${(node.params ?? []).map((param) => param.name).join(', ')})`, doc: '' })),
    ...Object.entries(GLOBALS).map(([label, { type, doc }]): Suggestion => ({ label, kind: 'variable', detail: type, doc })),
    ...constSuggestions(bindings),
  ];
}

function constSuggestions(bindings: Bindings): Suggestion[] {
  const own = [...bindings.consts.values()].map(({ name, node }): Suggestion => ({ label: name, kind: 'constant', detail: node.$cstNode?.text.replace(/\s+/g, ' ') ?? '', doc: '' }));
  return [...own, ...Object.entries(CONSTANTS).map(([label, value]): Suggestion => ({ label, kind: 'constant', detail: String(value), doc: '' }))];
}

function taskSuggestions(bindings: Bindings): Suggestion[] {
  return [...bindings.tasks.keys()].map((label) => ({ label, kind: 'task', detail: 'task', doc: '' }));
}

/** The members of what stands before the dot, as far as that is known. */
function memberSuggestions(checked: CheckedScenario, cursor: Cursor): Suggestion[] {
  const { expression } = parseExpression(chainBefore(cursor.before));
  if (expression === null) return [];
  const type = typeOf(expression, { bindings: withGlobals(expression, checked.bindings) });
  if (type === 'zone{}') return values(ZONES[factsOf(checked).arch]);
  if (type === 'process{}') return taskSuggestions(checked.bindings);
  if (type === 'disk{}') return values(factsOf(checked).disks);
  if (type === 'swap{}') return values(factsOf(checked).swaps);
  return Object.entries(OBJECTS[type] ?? {}).map(([label, member]) => ({
    label, kind: member.type === 'function' ? 'function' : 'member', detail: METHODS[type]?.[label]?.example ?? member.type, doc: member.doc,
  }));
}

/** `nodes[0].zones` of `… + nodes[0].zones.`: names, dots and whole brackets, backwards. */
function chainBefore(before: readonly string[]): string {
  const chain: string[] = [];
  let depth = 0;
  for (const [i, token] of before.slice(1).entries()) {
    if (token === ']' || token === ')') depth += 1;
    else if (token === '[' || token === '(') depth -= 1;
    else if (depth === 0 && token !== '.' && !/^\w/.test(token)) break;
    if (depth < 0) break;
    if (depth === 0 && /^\w/.test(token) && /^\w/.test(before[i] ?? '')) break;
    chain.unshift(token);
  }
  return chain.join('');
}

/** The expression was read by itself, so its first name has no meaning yet. */
function withGlobals(expression: Expr, bindings: Bindings): Bindings {
  let root: Expr = expression;
  while (root.$type === 'Member' || root.$type === 'Index' || root.$type === 'Call') root = root.$type === 'Call' ? root.callee : root.object;
  if (root.$type !== 'NameRef') return bindings;
  const isCalled = root.$container?.$type === 'Call' && root.$containerProperty === 'callee';
  const meaning = isCalled ? ({ kind: 'function', name: root.name } as const) : globalMeaning(root.name, bindings);
  return meaning === undefined ? bindings : { ...bindings, meanings: new Map([[root, meaning]]) };
}

function isSysctlName(cursor: Cursor): boolean {
  return cursor.enclosing === 'machine' && cursor.before[2] === 'sysctl';
}

function sysctlParts(cursor: Cursor): Suggestion[] {
  const prefix = `${cursor.before[1]}.`;
  return Object.entries(SYSCTLS)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, sysctl]) => ({ label: name.slice(prefix.length), kind: 'member', detail: String(sysctl.default ?? ''), doc: sysctl.doc }));
}

function documented(docs: Readonly<Record<string, WordDoc>>, labels: readonly string[]): Suggestion[] {
  return labels.map((label) => ({ label, kind: 'keyword', detail: docs[label]?.syntax ?? '', doc: docs[label]?.doc ?? '' }));
}

function keywords(labels: readonly string[]): Suggestion[] {
  return labels.map((label) => ({ label, kind: 'keyword', detail: '', doc: '' }));
}

function values(labels: readonly string[]): Suggestion[] {
  return labels.map((label) => ({ label, kind: 'value', detail: '', doc: '' }));
}

/** What hides comes first. */
function firstOfEachLabel(suggestions: readonly Suggestion[]): Suggestion[] {
  const seen = new Set<string>();
  return suggestions.filter(({ label }) => !seen.has(label) && seen.add(label));
}

function factsOf(checked: CheckedScenario): ReturnType<typeof machineFacts> {
  return machineFacts(machineOf(checked.sources[0]?.scenario), checked.bindings);
}
