// The units of numbers, and what a number's text means. No imports.

export type UnitKind = 'size' | 'time';

export interface Unit {
  kind: UnitKind;
  /** Bytes or nanoseconds in one. */
  factor: bigint;
}

const PAGE_SIZE = 4096n;

/** Both architectures have pages of 4 KiB. */
export const UNITS: Readonly<Record<string, Unit>> = {
  KiB: { kind: 'size', factor: 1n << 10n },
  MiB: { kind: 'size', factor: 1n << 20n },
  GiB: { kind: 'size', factor: 1n << 30n },
  TiB: { kind: 'size', factor: 1n << 40n },
  pages: { kind: 'size', factor: PAGE_SIZE },
  page: { kind: 'size', factor: PAGE_SIZE },
  ns: { kind: 'time', factor: 1n },
  us: { kind: 'time', factor: 1_000n },
  ms: { kind: 'time', factor: 1_000_000n },
  s: { kind: 'time', factor: 1_000_000_000n },
  min: { kind: 'time', factor: 60_000_000_000n },
};

/** Integers are exact from MIN_INTEGER to MAX_INTEGER. */
export const MIN_INTEGER = -(1n << 63n);
export const MAX_INTEGER = (1n << 64n) - 1n;

export interface ParsedNumber {
  /** With the unit applied: bytes, nanoseconds or a plain number. */
  value: bigint;
  unit: string | null;
  kind: UnitKind | null;
}

/** What a number's text means (`4KiB`, `0xFF`, `1_000`), or the message that says why it is none. */
export function parseNumber(text: string): ParsedNumber | string {
  const hexadecimal = /^0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*$/.exec(text);
  if (hexadecimal !== null) return inRange(text, BigInt(text.replaceAll('_', '')), null);
  const [, digits = '', suffix = ''] = /^([0-9]+(?:_[0-9]+)*)([A-Za-z]*)$/.exec(text) ?? [];
  if (digits === '' || /^0x/i.test(text)) return noNumber(text);
  if (suffix !== '' && !Object.hasOwn(UNITS, suffix)) return `\`${suffix}\` is no unit: known are ${Object.keys(UNITS).join(', ')}.`;
  return inRange(text, BigInt(digits.replaceAll('_', '')), suffix === '' ? null : suffix);
}

function inRange(text: string, count: bigint, unit: string | null): ParsedNumber | string {
  const { factor, kind } = unit === null ? PLAIN : UNITS[unit]!;
  const value = count * factor;
  return value > MAX_INTEGER ? `\`${text}\` does not fit into 64 bits.` : { value, unit, kind };
}

const PLAIN = { factor: 1n, kind: null } as const;

/** Bytes with the largest unit that fits: `64MiB`, `5000` (which is no multiple of any). */
export function showSize(bytes: bigint): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes !== 0n && bytes % UNITS[name]!.factor === 0n);
  return unit === undefined ? String(bytes) : `${bytes / UNITS[unit]!.factor}${unit}`;
}

/** Nanoseconds with the largest unit that fits: `8ms`. */
export function showTime(nanoseconds: bigint): string {
  const unit = ['min', 's', 'ms', 'us'].find((name) => nanoseconds !== 0n && nanoseconds % UNITS[name]!.factor === 0n);
  return unit === undefined ? `${nanoseconds}ns` : `${nanoseconds / UNITS[unit]!.factor}${unit}`;
}

function noNumber(text: string): string {
  if (!/^0x/i.test(text)) return `\`${text}\` is no number: write decimal digits, or \`0x\` and hexadecimal ones.`;
  const unit = Object.keys(UNITS).find((name) => text.endsWith(name));
  return unit === undefined ? `\`${text}\` is no number: hexadecimal digits are 0–9 and A–F, after \`0x\`.` : `\`${text}\`: a hexadecimal number takes no unit.`;
}
