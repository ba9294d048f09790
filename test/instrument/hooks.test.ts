// What hooks ask for: the countdown, breakpoints with conditions by position, REWIND, exempt code and tracepoints; and what frames keep.
import assert from 'node:assert/strict';
import * as hooks from '../../debug-adapter/worker/hooks.ts';
import { call, load, runToEnd, stepping, type Loaded } from './harness.ts';

/** The places stopped at while `f(k, ...args)` runs. */
function stops(loaded: Loaded, ...args: unknown[]): number[] {
  const seen: number[] = [];
  hooks.setStopHandler((place) => seen.push(place));
  call(loaded.exports, 'f', ...args);
  return seen;
}

describe('breakpoints', () => {
  it('stop where a byte is set, and at an entry only if the condition holds for the parameters by position', () => {
    const loaded = load(`export function f(k: K, order: number, { zone, ...rest }: any, [a, , b = 2]: number[], ...more: number[]) {
  const x = order;
  return x;
}`);
    assert.deepEqual(stops(loaded, 1, {}, []), []);
    hooks.__bp[1] = 4;
    assert.deepEqual(stops(loaded, 1, {}, []), [1]);
    hooks.__bp[0] = 1;
    assert.deepEqual(stops(loaded, 1, {}, []), [0, 1]);
    const given: unknown[][] = [];
    hooks.__test[0] = (...values) => given.push(values) > 1;
    assert.deepEqual(stops(loaded, 3, { zone: 1, y: 2 }, [5, 6], 8, 9), [1]);
    assert.deepEqual(stops(loaded, 3, {}, []), [0, 1]);
    assert.deepEqual(given[0], [3, { zone: 1, y: 2 }, [5, , 2], [8, 9]]);
  });

  it('stop by the countdown after exactly so many hooks', () => {
    const loaded = load(`export function f(k: K) {\n  let n = 0;\n  while (n < 100) n++;\n  return n;\n}`);
    hooks.__c[0] = 4;
    const counts: number[] = [];
    hooks.setStopHandler((place) => {
      counts.push(place);
      hooks.__c[0] = hooks.NEVER;
    });
    call(loaded.exports, 'f');
    assert.deepEqual(counts, [loaded.tables.places.find((place) => place.line === 3 && place.kind === 'statement' && place.column > 3)!.id]);
  });
});

describe('REWIND', () => {
  it('passes every catch', () => {
    const { exports, tables } = load(`
      const g = (k: K) => 1;
      export function f(k: K) { try { try { g(k); } catch { k.log.push('caught'); } }
        catch ({ message }: any) { k.log.push('caught'); } finally { k.log.push('finally'); } }
      export function leaf(k: K) { try { k.n++; } catch (e) { k.log.push('caught'); } }
      export function* gen(k: K) { try { yield g(k); } catch (e) { k.log.push('caught'); } }`);
    for (const name of ['f', 'leaf', 'gen']) {
      const k = { log: [] as string[], n: 0 };
      const inner = tables.places.filter((place) => tables.functions[place.fn]!.name === (name === 'leaf' ? 'leaf' : 'g')).at(-1)!;
      hooks.__bp.fill(0);
      hooks.__bp[name === 'leaf' ? inner.id - 1 : inner.id] = 1;
      hooks.setStopHandler(() => {
        throw hooks.__REWIND;
      });
      assert.throws(() => runToEnd(exports[name]!(k)), (error) => error === hooks.__REWIND);
      assert.deepEqual(k.log, name === 'f' ? ['finally'] : []);
    }
  });
});

describe('what is left alone', () => {
  const inside = 'export function f(k: K) { return g(k); }\nfunction g(k: K) { return 1; }';

  it('files marked @nohooks in their first comment block', () => {
    for (const head of ['// First.\n// @nohooks: hot.\n', '/** Text.\n * @nohooks */\n']) {
      const { code, tables } = load(head + inside);
      assert.equal(code, head + inside);
      assert.deepEqual([tables.places, tables.functions, tables.files.length], [[], [], 1]);
    }
    assert.equal(load(`// First.\n\n// @nohooks\n${inside}`).tables.functions.length, 1);
  });

  it('functions marked @nohooks, and what is inside them', () => {
    const { tables } = load(`const x = 1;
/** @nohooks */
export function a() { return () => 1; }
// @nohooks
export const b = () => 1;
const o = {
  // @nohooks
  c() {},
  // @nohooks
  d: () => 1,
  e() {} };`);
    assert.deepEqual(tables.functions.map((f) => f.name), ['e']);
  });

  it('tracepoint files but for one hook at the entry of each exported function', () => {
    const loaded = load(`// Events.
// @tracepoints
export function f(k: K, pfn: number, { order }: any): void {
  if (k.on) emit(k, pfn);
  k.n = 1;
}
function emit(k: K, pfn: number) {}
export const g = (k: K) => emit(k, 1);`);
    const { places, functions } = loaded.tables;
    const rows = places.map((place) => `${place.kind} ${place.line}:${place.column}-${place.endLine}:${place.endColumn} ${place.vars.join()}`);
    assert.deepEqual(rows, ['entry 3:8-3:59 pfn,order', 'entry 8:18-8:27 ']);
    const described = functions.map((f) => [f.name, f.tracepoint, f.frame, f.params]);
    assert.deepEqual(described, [['f', true, 'none', ['pfn', '{…}']], ['g', true, 'none', []]]);
    hooks.__bp[0] = 1;
    const seen: unknown[] = [];
    hooks.setStopHandler((place, values) => seen.push(place, values));
    call(loaded.exports, 'f', 7, { order: 2 });
    assert.deepEqual(seen, [0, [7, 2]]);
  });
});

describe('frames', () => {
  it('tell the whole stack: the place of each call in progress', () => {
    const { exports, tables } = load(`
export function f(k: K) {
  const a = 1;
  for (let i = 0; g(k) < i; i++) ;
  return h(k);
}
function g(k: K) { return 0; }
function h(k: K) { const it = gen(k); return it.next().value; }
function* gen(k: K) { yield g(k); }`);
    const stacks = new Set<string>();
    stepping((place) => {
      const { t } = hooks.__cur;
      const frames: string[] = [];
      for (let b = 0; b < t.sp; ) {
        const { fn, line } = tables.places[t.pl[b]!]!;
        const { name, size } = tables.functions[fn]!;
        frames.push(`${name} ${line}`);
        b += size;
      }
      if (tables.functions[tables.places[place]!.fn]!.name === 'g') stacks.add(frames.join(' > '));
    }, () => call(exports, 'f'));
    assert.deepEqual([...stacks], ['f 4', 'f 5 > h 8 > gen 9']);
  });

  it('stay until the end of the outermost finally block a return goes through', () => {
    const { exports } = load(`
      export function f(k: K, note: () => void) {
        note();
        try { try { return note(); } finally { try { note(); } finally { note(); } note(); } } finally { note(); }
      }`);
    const sps: number[] = [];
    call(exports, 'f', () => sps.push(hooks.__cur.t.sp));
    assert.deepEqual([hooks.__cur.t.sp, sps], [0, Array.from(sps, () => sps[0])]);
  });

  it('are right again in a catch, whatever was abandoned above', () => {
    const { exports } = load(`
      function deep(k: K, n: number): void { const a = n, b = n; if (n === 0) throw new Error('x'); deep(k, n - 1); }
      function* gen(k: K) { yield 1; deep(k, 3); }
      export function f(k: K, note: () => void) {
        note();
        try { deep(k, 5); } catch { note(); }
        try { for (const x of gen(k)) note(); } catch (e) { note(); }
        try { deep(k, 2); } catch {} finally { note(); }
        note();
      }`);
    const sps: number[] = [];
    call(exports, 'f', () => sps.push(hooks.__cur.t.sp));
    assert.equal(hooks.__cur.t.sp, 0);
    const top = sps[0]!;
    assert.deepEqual(sps, [top, top, top + 1, top, top, top]);
  });
});
