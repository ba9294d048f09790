// A short picture of a tree, to compare readings: `(a + (b * 2))`, `touch(a .. b write step 4KiB)`.
import type { AstNode } from 'langium';

type Fields = Readonly<Record<string, unknown>>;

export function picture(value: unknown): string {
  if (Array.isArray(value)) return value.map(picture).join(', ');
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return String(value);
  const node = value as AstNode & Fields;
  return (DRAW[node.$type] ?? drawAny)(node);
}

const DRAW: Readonly<Record<string, (node: Fields) => string>> = {
  NumberLiteral: (node) => String(node['text']),
  StringLiteral: (node) => String(node['text']),
  BooleanLiteral: (node) => String(node['text']),
  NameRef: (node) => String(node['name']),
  Param: (node) => String(node['name']),
  Signed: (node) => `${node['negative'] === true ? '-' : ''}${String(node['number'] ?? node['constant'])}`,
  Binary: (node) => `(${picture(node['left'])} ${String(node['operator'])} ${picture(node['right'])})`,
  Unary: (node) => `(${String(node['operator'])}${picture(node['operand'])})`,
  Conditional: (node) => `(${picture(node['condition'])} ? ${picture(node['then'])} : ${picture(node['else'])})`,
  Range: (node) => `${picture(node['from'])} .. ${picture(node['to'])}`,
  Index: (node) => `${picture(node['object'])}[${picture(node['index'])}]`,
  Member: (node) => `${picture(node['object'])}.${String(node['member'])}`,
  Call: (node) => `${picture(node['callee'])}(${picture(node['args'])})`,
  CallStatement: (node) => `call ${picture(node['callee'])}(${picture(node['args'])})`,
  Arg: (node) => (node['name'] === undefined ? picture(node['value']) : `${String(node['name'])}: ${picture(node['value'])}`),
  ListLiteral: (node) => `[${picture(node['items'])}]`,
  Block: (node) => `{ ${(node['statements'] as unknown[]).map(picture).join('; ')} }`,
  Assign: (node) => `${picture(node['target'])} ${String(node['operator'])} ${picture(node['value'] ?? node['fork'])}`,
  Let: (node) => `let ${String(node['name'])} = ${picture(node['value'] ?? node['fork'])}`,
  ForkStatement: (node) => picture(node['fork']),
  ValueOption: (node) => `${String(node['key'])} ${picture(node['value'])}`,
  AfterOption: (node) => `after ${String(node['task'])}`,
};

/** `Touch(from: a, to: b)`: the fields by name. */
function drawAny(node: Fields): string {
  const fields = Object.entries(node).filter(([key, value]) => !key.startsWith('$') && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${String(node['$type'])}(${fields.map(([key, value]) => `${key}: ${picture(value)}`).join(', ')})`;
}
