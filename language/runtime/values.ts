/**
 * Values of the scenario language and their operators.
 *
 * An integer is exact from -2^63 to 2^64-1. It is a JavaScript number while that is a safe integer and a bigint beyond, never both, so `===`
 * compares integers. Bit operators work on 64-bit two's complement: a result is read as unsigned where no operand is negative.
 * The machine's objects are small tagged records of ids, never references: a value lives inside `Kernel` and is copied with it.
 */
export type Integer = number | bigint;
export type Value = Integer | string | boolean | Value[] | ObjectValue;

/** An object that the machine hands out; objects.ts knows the kinds and their fields. */
export interface ObjectValue {
  readonly kind: string;
  readonly [id: string]: Value;
}

/** What went wrong in an operation; the evaluator adds the place. */
export class ValueError extends Error {}

/** The most characters of a string, and the most items of a list, with all that is in the lists and strings in it. */
export const MAX_SIZE = 2 ** 20;
/** How many lists may stand inside one another; a list inside itself never ends. */
const MAX_LISTS_DEEP = 64;

const LOWEST = -(1n << 63n);
const HIGHEST = (1n << 64n) - 1n;

/** The one representation of an integer. Throws ValueError outside -2^63 … 2^64-1. */
export function integer(n: Integer): Integer {
  if (typeof n === 'number' && Number.isSafeInteger(n)) return n + 0;
  if (typeof n === 'number' && !Number.isInteger(n)) throw new ValueError(`${n} is no integer`);
  const big = BigInt(n);
  if (big < LOWEST || big > HIGHEST) throw new ValueError(`${big} is outside -2^63 … 2^64-1`);
  const small = Number(big);
  return Number.isSafeInteger(small) ? small : big;
}

export function isInteger(value: Value): value is Integer {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isObject(value: Value): value is ObjectValue {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Integers as they are, booleans as 0 and 1. */
export function toInteger(value: Value): Integer {
  if (isInteger(value)) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new ValueError(`an integer is expected, not ${nameOfKind(value)}`);
}

/** An integer that fits a JavaScript number: sizes, orders, times. */
export function toNumber(value: Value): number {
  const n = toInteger(value);
  if (typeof n === 'bigint') throw new ValueError(`${n} is too large here`);
  return n;
}

/** Zero, `false` and the empty string are false; a list or an object is true. */
export function isTrue(value: Value): boolean {
  return value !== 0 && value !== false && value !== '';
}

/** The value, unless it is a string or a list that is too large to work with. Throws ValueError. */
export function bounded<T extends Value>(value: T): T {
  if (typeof value === 'string' && value.length > MAX_SIZE) throw new ValueError(`a string of more than ${MAX_SIZE} characters`);
  if (Array.isArray(value)) checkSize(value, MAX_SIZE, 1);
  return value;
}

/** How much of `room` a list takes. */
function checkSize(list: readonly Value[], room: number, depth: number): number {
  if (depth > MAX_LISTS_DEEP) throw new ValueError(`a list in which more than ${MAX_LISTS_DEEP} lists stand inside one another`);
  let size = list.length;
  for (const item of list) {
    if (size > room) break;
    if (typeof item === 'string') size += item.length;
    else if (Array.isArray(item)) size += checkSize(item, room - size, depth + 1);
  }
  if (size > room) throw new ValueError(`a list of more than ${MAX_SIZE} items, with all that is in its lists and strings`);
  return size;
}

/** What a value takes of memory besides its variable, in words of 8 bytes; what is in `seen` takes nothing more. */
export function sizeInMemory(value: Value, seen = new Set<Value>()): number {
  if ((typeof value !== 'string' && !Array.isArray(value)) || seen.has(value)) return 0;
  seen.add(value);
  if (typeof value === 'string') return Math.ceil(value.length / 4);
  let size = value.length;
  for (const item of value) if (typeof item === 'string' || Array.isArray(item)) size += sizeInMemory(item, seen);
  return size;
}

/** `an integer`, `a list`, `a page` … for messages. */
export function nameOfKind(value: Value): string {
  if (isInteger(value)) return 'an integer';
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return /^[aeiou]/.test(value.kind) ? `an ${value.kind}` : `a ${value.kind}`;
}

export function areEqual(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a === b;
  if (typeof a === 'object' || typeof b === 'object') return areSame(a, b);
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return toInteger(a) === toInteger(b);
}

function areSame(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => areEqual(item, b[i]!));
  if (Array.isArray(a) || Array.isArray(b) || typeof a !== 'object' || typeof b !== 'object') return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => b[key] !== undefined && areEqual(a[key]!, b[key]));
}

/** Negative, zero or positive; integers and strings have an order. */
function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  const x = toInteger(a);
  const y = toInteger(b);
  return x < y ? -1 : Number(x > y);
}

/** Operators whose operands are always both evaluated. */
export const BINARY: Record<string, (a: Value, b: Value) => Value> = {
  '+': add,
  '-': (a, b) => subtract(toInteger(a), toInteger(b)),
  '*': (a, b) => multiply(toInteger(a), toInteger(b)),
  '/': (a, b) => divide(toInteger(a), toInteger(b)),
  '%': (a, b) => remainder(toInteger(a), toInteger(b)),
  '<<': (a, b) => shiftLeft(toInteger(a), toInteger(b)),
  '>>': (a, b) => shiftRight(toInteger(a), toInteger(b)),
  '&': (a, b) => and(toInteger(a), toInteger(b)),
  '|': (a, b) => or(toInteger(a), toInteger(b)),
  '^': (a, b) => xor(toInteger(a), toInteger(b)),
  '==': (a, b) => areEqual(bounded(a), bounded(b)),
  '!=': (a, b) => !areEqual(bounded(a), bounded(b)),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
};

export const UNARY: Record<string, (a: Value) => Value> = {
  '-': (a) => subtract(0, toInteger(a)),
  '!': (a) => !isTrue(a),
  '~': (a) => not(toInteger(a)),
};

/** Integers are added, strings and lists joined. */
function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    return Number.isSafeInteger(sum) ? sum : integer(BigInt(a) + BigInt(b));
  }
  if (typeof a === 'string' && typeof b === 'string') return bounded(a + b);
  if (Array.isArray(a) && Array.isArray(b)) return bounded([...a, ...b]);
  return integer(BigInt(toInteger(a)) + BigInt(toInteger(b)));
}

function subtract(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference + 0;
  }
  return integer(BigInt(a) - BigInt(b));
}

function multiply(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return integer(BigInt(a) * BigInt(b));
}

/** Truncates towards zero. */
function divide(a: Integer, b: Integer): Integer {
  if (b === 0) throw new ValueError('division by zero');
  if (typeof a === 'number' && typeof b === 'number') return (a - (a % b)) / b + 0;
  return integer(BigInt(a) / BigInt(b));
}

/** Has the sign of the dividend. */
function remainder(a: Integer, b: Integer): Integer {
  if (b === 0) throw new ValueError('division by zero');
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return integer(BigInt(a) % BigInt(b));
}

function isUint31(n: Integer): n is number {
  return typeof n === 'number' && n >= 0 && n <= 0x7fffffff;
}

function and(a: Integer, b: Integer): Integer {
  if (isUint31(a) && isUint31(b)) return a & b;
  return integer(BigInt(a) & BigInt(b));
}

function or(a: Integer, b: Integer): Integer {
  if (isUint31(a) && isUint31(b)) return a | b;
  return integer(BigInt(a) | BigInt(b));
}

function xor(a: Integer, b: Integer): Integer {
  if (isUint31(a) && isUint31(b)) return a ^ b;
  return integer(wrap(BigInt(a) ^ BigInt(b)));
}

function not(a: Integer): Integer {
  return integer(wrap(~BigInt(a)));
}

/** Below -2^63 only bit 63 and those above it are too many: the low 64 bits are meant. */
function wrap(n: bigint): bigint {
  return n < LOWEST ? BigInt.asUintN(64, n) : n;
}

function shiftLeft(a: Integer, count: Integer): Integer {
  const shifted = BigInt(a) << shiftCount(count);
  return integer(a < 0 ? BigInt.asIntN(64, shifted) : BigInt.asUintN(64, shifted));
}

function shiftRight(a: Integer, count: Integer): Integer {
  return integer(BigInt(a) >> shiftCount(count));
}

function shiftCount(count: Integer): bigint {
  if (count < 0 || count > 63) throw new ValueError(`a shift by ${count}: 0 to 63 are possible`);
  return BigInt(count);
}

/** `0x…` with the digits of 64-bit two's complement for a negative number. */
export function hex(n: Integer): string {
  return `0x${(n < 0 ? BigInt.asUintN(64, BigInt(n)) : n).toString(16)}`;
}
