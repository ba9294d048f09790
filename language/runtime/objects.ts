/**
 * The objects that the machine hands out to expressions, `print` and the debugger's Variables view.
 *
 * An object is a record of its kind and the ids that find it (`{ kind: 'zone', node: 0, zone: 2 }`); what it holds is looked up in the machine
 * each time, and looking never changes anything. The kinds stand in tables: objects-zone.ts, objects-page.ts, objects-slab.ts,
 * objects-memory.ts, objects-task.ts, objects-mm.ts, objects-pte.ts, objects-files.ts, objects-disks.ts, objects-machine.ts.
 */
import type { Kernel } from '../../engine/index.ts';
import type { Kind, Shown } from './kinds.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError, hex, isInteger, isObject, nameOfKind, toNumber } from './values.ts';
import { isAddress } from './addresses.ts';
import { ALL_KINDS } from './all-kinds.ts';
import { FOREIGN_KINDS } from './foreign.ts';

const KINDS: ReadonlyMap<string, Kind> = new Map([...FOREIGN_KINDS, ...ALL_KINDS]);

/** One row of a Variables view. */
export interface Child {
  name: string;
  value: Value;
  /** The value in one line, in the form its field is best read in. */
  text: string;
  hasChildren: boolean;
}

/** How many members of each sort a value has: 0 and 0 where it does not open. */
export interface ChildCounts {
  named: number;
  indexed: number;
}

/** A part of the indexed members. */
export interface Page {
  start: number;
  count: number;
}

/** `object.name`. Throws ValueError where there is none, and says what there is. */
export function member(k: Kernel, object: Value, name: string): Value {
  return shownMember(k, object, name).value;
}

/** `object.name` with its text, where its field is best read in another form than the value's own. Throws ValueError as `member` does. */
export function shownMember(k: Kernel, object: Value, name: string): Shown {
  const kind = kindOf(k, object, 'members');
  const found = lookUp(k, kind, object as ObjectValue, name);
  if (found !== undefined) return found;
  throw new ValueError(kind.missing?.(name) ?? `\`${toText(k, object)}\` has no member \`${name}\`${near(name, namesOf(k, kind, object as ObjectValue))}`);
}

/** `object[index]`, with an integer or, where members have names, a string. Throws ValueError. */
export function element(k: Kernel, object: Value, index: Value): Value {
  if (typeof index === 'string') return member(k, object, index);
  const size = sizeOf(k, object);
  const at = toNumber(index);
  if (at < 0 || at >= size) throw new ValueError(`index ${at} is outside ${size === 0 ? 'an empty list' : `0 … ${size - 1}`}`);
  return itemsAt(k, object, { start: at, count: 1 })[0]!;
}

/** `object.name(args)`. */
export function callMethod(k: Kernel, object: Value, name: string, args: Value[]): Value {
  const method = kindOf(k, object, 'members').methods?.get(name);
  if (method === undefined) throw new ValueError(`\`${toText(k, object)}\` has no function \`${name}\``);
  return method(k, object as ObjectValue, args);
}

/** What `len` gives: items of a list, characters of a string, indexed members of an object. */
export function sizeOf(k: Kernel, value: Value): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'string') return value.length;
  const indexed = isObject(value) ? kindOf(k, value, 'items').indexed : undefined;
  if (indexed === undefined) throw new ValueError(`a list is expected, not ${nameOfKind(value)}`);
  return indexed.size(k, value as ObjectValue);
}

/** What `for … in` walks over: the items as they are now. */
export function itemsOf(k: Kernel, value: Value): Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') throw new ValueError('a list is expected, not a string');
  return itemsAt(k, value, { start: 0, count: sizeOf(k, value) });
}

/** Characters of a list's text, after which the rest is `…`: as `print` writes it, and where it is one row among others. */
const MOST_PRINTED = 2 ** 20;
const MOST_IN_A_ROW = 2 ** 10;

/** A value in one line, as `print` writes it: a string bare, an object so that the console reads it again. */
export function toText(k: Kernel, value: Value): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return listText(value, (item) => quoted(k, item), { left: MOST_PRINTED });
  return isObject(value) ? KINDS.get(value.kind)!.name(k, value) : String(value);
}

/** A value in one line for hovers and the Variables view: a string quoted, an address in hex too, an object with what matters of it. */
export function describe(k: Kernel, value: Value): string {
  if (Array.isArray(value)) return listText(value, (item) => describe(k, item), { left: MOST_IN_A_ROW });
  if (isInteger(value)) return isAddress(k, value) ? `${value} (${hex(value)})` : String(value);
  if (!isObject(value)) return quoted(k, value);
  const kind = KINDS.get(value.kind)!;
  return kind.gone?.(k, value) ?? kind.summary?.(k, value) ?? kind.name(k, value);
}

/** `[1, [2, 3]]`; `room` shrinks by what is written. */
function listText(list: readonly Value[], textOf: (item: Value) => string, room: { left: number }): string {
  const parts: string[] = [];
  for (const item of list) {
    if (room.left <= 0) {
      parts.push('…');
      break;
    }
    const part = Array.isArray(item) ? listText(item, textOf, room) : textOf(item);
    if (!Array.isArray(item)) room.left -= part.length;
    room.left -= ', '.length;
    parts.push(part);
  }
  return `[${parts.join(', ')}]`;
}

export function childCounts(k: Kernel, value: Value): ChildCounts {
  if (Array.isArray(value)) return { named: 0, indexed: value.length };
  const kind = presentKind(k, value);
  if (kind === undefined) return { named: 0, indexed: 0 };
  const indexed = kind.hidesIndexed === true ? 0 : (kind.indexed?.size(k, value as ObjectValue) ?? 0);
  return { named: namesOf(k, kind, value as ObjectValue).length, indexed };
}

/** Members with names, in the order they are best read in. */
export function namedChildren(k: Kernel, value: Value): Child[] {
  const kind = presentKind(k, value);
  if (kind === undefined) return [];
  return namesOf(k, kind, value as ObjectValue).map((name) => row(k, name, lookUp(k, kind, value as ObjectValue, name)!));
}

/** Members with numbers; only those of the page asked for are looked up. */
export function indexedChildren(k: Kernel, value: Value, page: Page): Child[] {
  const start = Math.max(0, page.start);
  const count = Math.max(0, Math.min(page.count, childCounts(k, value).indexed - start));
  if (count === 0) return [];
  return itemsAt(k, value, { start, count }).map((item, i) => row(k, `[${start + i}]`, { value: item }));
}

/** All members, named ones first; of the indexed ones the first 100. */
export function children(k: Kernel, value: Value): Child[] {
  return [...namedChildren(k, value), ...indexedChildren(k, value, { start: 0, count: 100 })];
}

/** Indexed members, all of which exist. A string's are its characters. */
function itemsAt(k: Kernel, value: Value, { start, count }: Page): Value[] {
  if (typeof value === 'string') return [...value.slice(start, start + count)];
  if (Array.isArray(value)) return value.slice(start, start + count);
  return kindOf(k, value, 'index').indexed!.range(k, value as ObjectValue, start, count);
}

function row(k: Kernel, name: string, { value, text }: Shown): Child {
  const counts = childCounts(k, value);
  return { name, value, text: text ?? describe(k, value), hasChildren: counts.named + counts.indexed > 0 };
}

/** Throws ValueError for what is no object, and for one that the machine has no more. */
function kindOf(k: Kernel, object: Value, wanted: string): Kind {
  const kind = presentKind(k, object);
  if (kind !== undefined) return kind;
  const what = isObject(object) ? describe(k, object) : nameOfKind(object);
  throw new ValueError(`${what} has no ${wanted}`);
}

/** The kind of an object that is there; undefined for any other value, and where the object is gone. */
function presentKind(k: Kernel, value: Value): Kind | undefined {
  const kind = isObject(value) ? KINDS.get(value.kind) : undefined;
  return kind?.gone?.(k, value as ObjectValue) === undefined ? kind : undefined;
}

function namesOf(k: Kernel, kind: Kind, object: ObjectValue): string[] {
  return [...(kind.fields?.keys() ?? []), ...(kind.names?.(k, object) ?? [])];
}

function lookUp(k: Kernel, kind: Kind, object: ObjectValue, name: string): Shown | undefined {
  const field = kind.fields?.get(name);
  if (field === undefined) return kind.lookUp?.(k, object, name);
  const value = field.get(k, object);
  return field.show === undefined ? { value } : { value, text: field.show(k, value) };
}

function near(name: string, known: string[]): string {
  const lower = name.toLowerCase();
  const alike = known.filter((other) => other.toLowerCase().includes(lower) || lower.includes(other.toLowerCase()));
  const named = alike.length > 0 ? alike : known;
  return named.length === 0 ? '' : `: known are ${named.slice(0, 12).join(', ')}${named.length > 12 ? ' …' : ''}`;
}

function quoted(k: Kernel, value: Value): string {
  return typeof value === 'string' ? JSON.stringify(value) : toText(k, value);
}
