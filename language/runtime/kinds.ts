/** How a kind of machine object is described to the evaluator and the Variables view (objects.ts): tables of what can be read of it. */
import type { Kernel } from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { Integer, ObjectValue, Value } from './values.ts';
import { hex } from './values.ts';

/** A value, and its text where that differs from the value's own. */
export interface Shown {
  value: Value;
  text?: string;
}

export interface Field {
  get(k: Kernel, object: ObjectValue): Value;
  /** The form people read it in: flags by name, an address in hex, pages with their size. */
  show?(k: Kernel, value: Value): string;
}

export interface Kind {
  /** As an expression writes it, where there is one: `page(12)`. */
  name(k: Kernel, object: ObjectValue): string;
  /** One line with what matters most. */
  summary?(k: Kernel, object: ObjectValue): string;
  /** Members every object of the kind has, in the order they are shown. */
  fields?: ReadonlyMap<string, Field>;
  /** Members that depend on the object, after the fields. */
  names?(k: Kernel, object: ObjectValue): string[];
  lookUp?(k: Kernel, object: ObjectValue, name: string): Shown | undefined;
  /** Functions of the object that only look. */
  methods?: ReadonlyMap<string, (k: Kernel, object: ObjectValue, args: Value[]) => Value>;
  indexed?: {
    size(k: Kernel, object: ObjectValue): number;
    /** `start` and `count` lie within the size. */
    range(k: Kernel, object: ObjectValue, start: number, count: number): Value[];
  };
  /** Its indexed members are the named ones over again: they are not shown twice. */
  hidesIndexed?: boolean;
  /** What to say of an object that the machine has no more; nothing of it is read then. */
  gone?(k: Kernel, object: ObjectValue): string | undefined;
  /** A better message than "unknown" for a member that the language has and the machine has not. */
  missing?(name: string): string | undefined;
}

/** An id of an object. */
export function id(object: ObjectValue, name: string): number {
  return object[name] as number;
}

/** Finds a record of the engine. */
export type Find<T> = (k: Kernel, object: ObjectValue) => T;

/** Fields read from a record of the engine under the record's own names. */
export function fieldsOf<T>(find: Find<T>, names: readonly (keyof T & string)[], show?: (value: Value) => string): [string, Field][] {
  return names.map((name): [string, Field] => {
    const get = (k: Kernel, object: ObjectValue): Value => find(k, object)[name] as Value;
    return [name, show === undefined ? { get } : { get, show: (_, value) => show(value) }];
  });
}

/** A field that is an address of the engine. */
export function addressField(find: Find<number>): Field {
  return { get: (k, o) => shownAddress(find(k, o)), show: (_, address) => showAddress(address) };
}

/** Indexed members that are the items of a list; `place` is the item's in it. */
export function indexedBy<T>(
  items: Find<readonly T[]>, toValue: (item: T, place: number, object: ObjectValue) => Value,
): NonNullable<Kind['indexed']> {
  return {
    size: (k, object) => items(k, object).length,
    range: (k, object, start, count) => items(k, object).slice(start, start + count).map((item, i) => toValue(item, start + i, object)),
  };
}

/** A number of pages with its size: `240 (960 KiB)`. */
export function showPages(value: Value): string {
  return `${String(value)} (${showBytes((value as number) * 4096)})`;
}

/** Bytes in the largest unit that keeps them whole. */
export function showBytes(bytes: number): string {
  const units: [string, number][] = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]];
  const unit = units.find(([, size]) => bytes >= size && bytes % size === 0);
  return unit === undefined ? `${bytes} B` : `${bytes / unit[1]} ${unit[0]}`;
}

/** An address as C writes it. */
export function showAddress(value: Value): string {
  return hex(value as Integer);
}

/** Flags by name, in the order of their table: `SLAB_POISON|SLAB_RED_ZONE`; unknown bits stay hex, none is 0. */
export function showFlags(flags: number, names: readonly (readonly [string, number])[]): string {
  const known = names.filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((bits, [, bit]) => bits & ~bit, flags);
  return [...known.map(([name]) => name), ...(rest !== 0 || flags === 0 ? [hex(rest)] : [])].join('|').replace(/^0x0$/, '0');
}
