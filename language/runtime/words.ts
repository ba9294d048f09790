/** How numbers read in a sentence. */

/** `1 event`, `1,234 events`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** An integer with its thousands apart: `1,234,567`. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

const UNITS: readonly (readonly [string, number])[] = [['s', 1e9], ['ms', 1e6], ['us', 1e3]];

/** A time in ns, in the unit it is best read in: `146.2 us`. Units are those of the scenario language. */
export function showTime(ns: number): string {
  const unit = UNITS.find(([, size]) => ns >= size);
  if (unit === undefined) return `${Math.round(ns)} ns`;
  return `${Number((ns / unit[1]).toPrecision(4))} ${unit[0]}`;
}
