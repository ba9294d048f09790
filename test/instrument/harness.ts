// Runs small functions plain and instrumented, and prints what a debugger would see while stepping through them.
import { compileFunction } from 'node:vm';
import { transformSync } from 'esbuild';
import { emptyTables, instrument, type InstrumentOptions, type Place, type Tables } from '../../build/instrument/index.ts';
import * as hooks from '../../debug-adapter/worker/hooks.ts';

type Exports = Record<string, (...args: unknown[]) => unknown>;

/** Strips types and evaluates a module; its only import is the hooks. */
function evaluateModule(typescript: string): Exports {
  const { code } = transformSync(typescript, { loader: 'ts', format: 'cjs', target: 'node20' });
  const module = { exports: {} as Exports };
  compileFunction(code, ['module', 'exports', 'require'])(module, module.exports, () => hooks);
  return module.exports;
}

export const plain = (source: string): Exports => evaluateModule(source);

export interface Loaded {
  exports: Exports;
  tables: Tables;
  code: string;
}

/** Instruments `source` as `engine/test.ts`, fresh tables and hooks. */
export function load(source: string, options: InstrumentOptions = {}): Loaded {
  const tables = emptyTables();
  const { code } = instrument(source, 'engine/test.ts', tables, options);
  hooks.__cur.t = hooks.makeShadow();
  hooks.__c[0] = hooks.NEVER;
  hooks.__bp.fill(0);
  hooks.__test.fill(hooks.always);
  return { exports: evaluateModule(code), tables, code };
}

/** A function of the engine, called with the machine first. */
export const call = (exports: Exports, name: string, ...args: unknown[]): unknown => exports[name]!({ log: [] }, ...args);

/** Calls `visit` at every hook that `body` passes. */
export function stepping<T>(visit: (place: number, values: unknown[] | undefined) => void, body: () => T): T {
  hooks.setStopHandler((place, values) => {
    visit(place, values);
    hooks.__c[0] = 0;
  });
  hooks.__c[0] = 0;
  try {
    return body();
  } finally {
    hooks.__c[0] = hooks.NEVER;
  }
}

/** The names in scope at a place with their values, as the debugger reads them from the running frame. */
export function visible(tables: Tables, place: Place, literal: unknown[] | undefined): [string, unknown][] {
  const { frame, size } = tables.functions[place.fn]!;
  const { t } = hooks.__cur;
  const base = t.sp - size;
  const values = frame === 'none' ? literal! : frame === 'mirror' ? t.v.slice(base, t.sp) : t.th[base]!();
  return place.vars.map((name, i) => [name, values[place.slots[i]!]]);
}

export function show(value: unknown): string {
  if (typeof value === 'function') return 'ƒ';
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Error) return `${value.name}(${value.message})`;
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

/** Steps through `run` and gives one line for each hook: `line: name=value …`, a loop's head as `line~`, another function's as `name line`. */
export function trace({ exports, tables }: Loaded, name: string, args: unknown[], run = runToEnd): string[] {
  const lines: string[] = [];
  const result = stepping(
    (id, literal) => {
      const place = tables.places[id]!;
      const fn = tables.functions[place.fn]!.name;
      const values = visible(tables, place, literal).map(([one, value]) => ` ${one}=${show(value)}`);
      lines.push(`${fn === name ? '' : `${fn} `}${place.line}${place.kind === 'loop' ? '~' : ''}:${values.join('')}`);
    },
    () => run(call(exports, name, ...args)),
  );
  return [...lines, `= ${show(result)}`];
}

const isGenerator = (value: unknown): value is Generator<unknown, unknown, unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && 'return' in value;

/** A generator's result is its yields and its return value; another value stands for itself. */
export function runToEnd(value: unknown): unknown {
  if (!isGenerator(value)) return value;
  const yielded: unknown[] = [];
  for (;;) {
    const step = value.next(yielded.length);
    if (step.done) return { yielded, returned: step.value };
    yielded.push(step.value);
  }
}

/** The result, or the message of the exception. */
export function outcome(body: () => unknown): string {
  try {
    return show(body());
  } catch (error) {
    return `throws ${(error as Error).message}`;
  }
}
