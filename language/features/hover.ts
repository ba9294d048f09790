// What is shown beside a word: Markdown.
import { CstUtils } from 'langium';
import type { CheckedScenario } from '../check.ts';
import { constantOf } from '../constant-value.ts';
import type { Declaration, Declared } from '../declarations.ts';
import type { AstNode } from 'langium';
import type { Member } from '../generated/ast.ts';
import { rangeOfProperty } from '../ranges.ts';
import type { Value } from '../runtime/values.ts';
import type { Range } from '../source.ts';
import { machineOf } from '../validation/context.ts';
import { machineFacts } from '../validation/machine-facts.ts';
import { memberInfo } from '../validation/members.ts';
import { findCall } from '../vocabulary/calls.ts';
import { constantValue } from '../vocabulary/constants.ts';
import { COSTS } from '../vocabulary/costs.ts';
import { CLAUSE_DOCS, FORM_DOCS, OPTION_DOCS, SETTING_DOCS, STATEMENT_DOCS } from '../vocabulary/docs.ts';
import { EVENT_ALIASES } from '../vocabulary/events.ts';
import { GLOBALS } from '../vocabulary/members.ts';
import { SYSCTLS } from '../vocabulary/sysctls.ts';
import { parseNumber, showSize, showTime } from '../vocabulary/units.ts';
import { symbolAt } from './symbols.ts';

export interface Hover {
  range: Range;
  markdown: string;
}

export function hoverAt(checked: CheckedScenario, offset: number): Hover | undefined {
  const symbol = symbolAt(checked, offset);
  if (symbol !== undefined) return { range: symbol.range, markdown: describe(symbol.meaning, checked) };
  const root = checked.sources[0]?.scenario.$cstNode;
  const leaf = root === undefined ? undefined : CstUtils.findLeafNodeAtOffset(root, offset);
  if (leaf === undefined) return undefined;
  const markdown = describeWord(leaf.text, leaf.astNode, checked);
  return markdown === undefined ? undefined : { range: rangeOfWord(leaf.astNode, { start: leaf.offset, end: leaf.end }), markdown };
}

function describe(meaning: Declaration, checked: CheckedScenario): string {
  switch (meaning.kind) {
    case 'function': return describeFunction(meaning.name);
    case 'constant': return code(`${meaning.name} = ${showNumber(constantValue(meaning.name, factsOf(checked).arch)!)}`);
    case 'machine': return code(meaning.name) + (GLOBALS[meaning.name]?.doc ?? '');
    case 'const': return code(`const ${meaning.name}`) + constText(meaning, checked);
    case 'def': return code(`def ${meaning.name}(${meaning.node.params.map((param) => param.name).join(', ')})`) + commentOf(meaning);
    case 'task': return code(headOf(meaning)) + commentOf(meaning);
    default: return code(`${meaning.kind} ${meaning.name}`);
  }
}

function describeFunction(name: string): string {
  const callable = findCall(name, 'process') ?? findCall(name, 'kernel') ?? findCall(name, 'boot');
  return callable === undefined ? '' : code(callable.signature) + callable.doc;
}

function constText(meaning: Declared & { kind: 'const' }, checked: CheckedScenario): string {
  const value = constantOf(meaning.node.value, { bindings: checked.bindings, arch: factsOf(checked).arch });
  return (value === undefined ? '' : code(showValue(value))) + commentOf(meaning);
}

function describeWord(word: string, node: AstNode, checked: CheckedScenario): string | undefined {
  switch (node.$type) {
    case 'Member': return describeMember(node as Member, checked);
    case 'SysctlSetting': return word === 'sysctl' ? words(SETTING_DOCS, word) : describeSysctl((node as AstNode & { name: string }).name);
    case 'CostSetting': return Object.hasOwn(COSTS, word) ? `${code(`cost ${word} ${showTime(BigInt(COSTS[word]!.default))}`)}${COSTS[word]!.doc}` : words(SETTING_DOCS, word);
    case 'Stop': return Object.hasOwn(EVENT_ALIASES, word) ? `${EVENT_ALIASES[word]!.doc} Stops in \`${EVENT_ALIASES[word]!.target}\`.` : (words(CLAUSE_DOCS, word) ?? words(FORM_DOCS, word));
    case 'ValueOption': case 'AfterOption': return words(OPTION_DOCS, word);
    default: return describeNumber(word) ?? (/Setting$|Prop$|^Zone$/.test(node.$type) ? words(SETTING_DOCS, word) : (words(STATEMENT_DOCS, word) ?? words(FORM_DOCS, word)));
  }
}

function describeMember(node: Member, checked: CheckedScenario): string | undefined {
  const info = memberInfo(node, checked);
  return info === undefined ? undefined : code(`${node.member}: ${info.type}`) + info.doc;
}

function describeSysctl(name: string): string | undefined {
  const sysctl = Object.hasOwn(SYSCTLS, name) ? SYSCTLS[name] : undefined;
  if (sysctl === undefined) return undefined;
  return `${code(`sysctl ${name}`)}${sysctl.doc}\n\nDefault: ${sysctl.default === null ? 'from the size of the machine' : String(sysctl.default).replaceAll(',', ' ')}.`;
}

/** `64MiB` is so many bytes, in so many pages. */
function describeNumber(text: string): string | undefined {
  const parsed = /^\d/.test(text) ? parseNumber(text) : 'no number';
  if (typeof parsed === 'string') return undefined;
  if (parsed.kind === 'time') return `${parsed.value} ns`;
  if (parsed.kind === 'size') return `${parsed.value} bytes${parsed.value % 4096n === 0n ? `, ${parsed.value / 4096n} pages` : ''} (0x${parsed.value.toString(16)})`;
  return showNumber(parsed.value);
}

function showValue(value: Value): string {
  return typeof value === 'number' || typeof value === 'bigint' ? showNumber(value) : JSON.stringify(value);
}

/** Small numbers as they are, others in hexadecimal too, and as a size where that is shorter. */
function showNumber(value: number | bigint): string {
  const number = BigInt(value);
  if (number < 10n) return String(number);
  const size = showSize(number);
  return `${number} (0x${number.toString(16)}${/[A-Z]/.test(size) ? `, ${size}` : ''})`;
}

function words(docs: Readonly<Record<string, { syntax: string; doc: string }>>, word: string): string | undefined {
  return Object.hasOwn(docs, word) ? code(docs[word]!.syntax) + docs[word]!.doc : undefined;
}

/** The line of a task up to its body. */
function headOf({ node }: Declared & { kind: 'task' }): string {
  const text = node.$cstNode?.text ?? node.name;
  return text.slice(0, Math.max(0, text.indexOf('{'))).replace(/\s+/g, ' ').trim();
}

/** The `//` lines directly above a declaration. */
function commentOf({ node, source }: Declared): string {
  const before = source.source.text.slice(0, node.$cstNode?.offset ?? 0);
  const lines = before.split(/\r\n|\n|\r/).slice(0, -1);
  const comment: string[] = [];
  for (let line = lines.pop(); line !== undefined && /^\s*\/\//.test(line); line = lines.pop()) comment.unshift(line.replace(/^\s*\/\/ ?/, ''));
  return comment.join('\n');
}

/** The name of a sysctl is several words. */
function rangeOfWord(node: AstNode, word: Range): Range {
  if (node.$type !== 'SysctlSetting') return word;
  const name = rangeOfProperty(node, 'name');
  return name.start <= word.start && word.end <= name.end ? name : word;
}

function factsOf(checked: CheckedScenario): ReturnType<typeof machineFacts> {
  return machineFacts(machineOf(checked.sources[0]?.scenario), checked.bindings);
}

function code(text: string): string {
  return `\`\`\`pagewalk\n${text}\n\`\`\`\n`;
}
