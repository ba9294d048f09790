// The shape of a file: its outline, what can be folded, and what its names are.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import type { CheckedScenario } from '../check.ts';
import type { Declaration } from '../declarations.ts';
import { isFork } from '../generated/ast.ts';
import type { Decl } from '../generated/ast.ts';
import type { ParsedSource } from '../parse.ts';
import { rangeOf, rangeOfKeyword, rangeOfProperty } from '../ranges.ts';
import type { Range } from '../source.ts';
import { declarationsOf } from './symbols.ts';

export type OutlineKind = 'machine' | 'task' | 'function' | 'constant' | 'event' | 'check';

export interface OutlineItem {
  name: string;
  detail: string;
  kind: OutlineKind;
  range: Range;
  /** What is selected when the item is chosen. */
  selection: Range;
  children: OutlineItem[];
}

export function outlineOf(source: ParsedSource): OutlineItem[] {
  return (source.scenario.decls ?? []).filter((decl) => decl.$cstNode !== undefined).map(itemOf);
}

/** Ranges of text between the braces that go over lines, and comments that do. */
export function foldsOf(source: ParsedSource): { start: number; end: number; kind: 'block' | 'comment' }[] {
  const blocks = AstUtils.streamAllContents(source.scenario)
    .filter((node) => ['Block', 'Machine', 'DiskSetting', 'NodeSetting'].includes(node.$type))
    .map((node) => ({ start: rangeOfKeyword(node, '{').start, end: rangeOf(node).end - 1, kind: 'block' as const }))
    .toArray();
  const comments = [...source.source.text.matchAll(/"(?:[^"\\\r\n]|\\.)*"?|\/\/.*|(\/\*[\s\S]*?\*\/)/g)]
    .filter((match) => match[1] !== undefined)
    .map((match) => ({ start: match.index, end: match.index + match[0].length, kind: 'comment' as const }));
  return [...blocks, ...comments].filter(({ start, end }) => source.source.place(start).line < source.source.place(end).line);
}

export type NameKind = 'variable' | 'parameter' | 'constant' | 'function' | 'task' | 'machine';

/** What each name of the scenario's own file is, in the order of the text: for colours that a grammar of words cannot give. */
export function namesOf(checked: CheckedScenario): { range: Range; kind: NameKind }[] {
  const main = checked.sources[0];
  const declared = declarationsOf(checked).map((meaning) => ({ meaning, source: meaning.source, range: rangeOfProperty(meaning.node, 'name') }));
  return [...declared, ...checked.bindings.occurrences]
    .filter(({ source, range }) => source === main && range.end > range.start)
    .map(({ meaning, range }) => ({ range, kind: NAME_KINDS[meaning.kind] }))
    .sort((a, b) => a.range.start - b.range.start);
}

const NAME_KINDS: Readonly<Record<Declaration['kind'], NameKind>> = {
  let: 'variable', 'loop variable': 'variable', parameter: 'parameter', const: 'constant', constant: 'constant', def: 'function', function: 'function', task: 'task', machine: 'machine',
};

function itemOf(decl: Decl): OutlineItem {
  const item = (name: string, detail: string, kind: OutlineKind, property?: string): OutlineItem => ({
    name: name === '' ? '…' : name, detail, kind, range: rangeOf(decl), selection: property === undefined ? firstWord(decl) : rangeOfProperty(decl, property), children: [],
  });
  switch (decl.$type) {
    case 'Machine': return item('machine', '', 'machine');
    case 'Boot': return item('boot', '', 'task');
    case 'Process': return { ...item(decl.name ?? '', 'process', 'task', 'name'), children: forksIn(decl) };
    case 'Kernel': return { ...item(decl.name ?? '', 'kernel thread', 'task', 'name'), children: forksIn(decl) };
    case 'Def': return { ...item(decl.name ?? '', `(${(decl.params ?? []).map((param) => param.name).join(', ')})`, 'function', 'name'), children: forksIn(decl) };
    case 'Const': return item(decl.name ?? '', 'const', 'constant', 'name');
    case 'Stop': return item(`stop on ${decl.event ?? ''}`, '', 'event');
    case 'Expect': return item(lineOf(decl), '', 'check');
    case 'ExpectsBug': return item(lineOf(decl), '', 'check');
  }
}

function forksIn(decl: AstNode): OutlineItem[] {
  return AstUtils.streamAllContents(decl)
    .filter(isFork)
    .filter((fork) => fork.name !== undefined)
    .map((fork): OutlineItem => ({ name: fork.name, detail: 'fork', kind: 'task', range: rangeOf(fork), selection: rangeOfProperty(fork, 'name'), children: [] }))
    .toArray();
}

function firstWord(decl: Decl): Range {
  const { start } = rangeOf(decl);
  return { start, end: start + (/^\w+/.exec(decl.$cstNode?.text ?? '')?.[0].length ?? 0) };
}

function lineOf(decl: Decl): string {
  const text = (decl.$cstNode?.text ?? '').replace(/\s+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
