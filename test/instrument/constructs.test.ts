// Every construct the engine may use gives the same result plain and instrumented, running and stepping, and leaves the shadow stack as it was.
import assert from 'node:assert/strict';
import { __cur } from '../../debug-adapter/worker/hooks.ts';
import { call, load, outcome, plain, runToEnd, stepping } from './harness.ts';

/** Each exports `f(k, …)` and is called with each list of arguments, given as source. */
const CONSTRUCTS: Record<string, { source: string; args?: string[] }> = {
  shadowing: {
    source: `export function f(k: K, x: number) { let r = x; { const y = x; { const x = r * 2; r += x + y; { const x = 'a'; r += x.length; } }
        } for (let x = 0; x < 3; x++) r += x; return r; }`,
    args: ['5'],
  },
  'a name hidden before it is declared': {
    source: `const g = (n: number) => n + 1; export function f(k: K, x: number) { let r = g(x); { r += 1; const x = g(r); r += x; }
        switch (r) { case 0: { break; } default: r++; let x = 1; r += x; } return r; }`,
    args: ['1'],
  },
  'a name hidden before it is declared, without frame': {
    source: `export function f(k: K, x: number) { let r = x; { r += 1; const x = r * 2; r += x; } switch (r) { case 5: r++; default: r += 2;
        let x = 1; r += x; } return r; }`,
    args: ['1', '2'],
  },
  "a loop's variable hidden by its body": {
    source: `const g = (n: number) => n + 1; export function f(k: K) { let r = 0; for (const x of [1, 2]) { const x = g(r); r += x; }
        for (let i = 0; i < 2; i++) { let i = g(r); r += i; } try { g(1); } finally { let r = 5; g(r); } return r; }`,
  },
  'closures in loops': {
    source: `export function f(k: K) { const fs: (() => number)[] = []; for (let i = 0; i < 3; i++) { const j = i * i; fs.push(() => i + j);
        i += 0; } for (const j of [10, 20]) fs.push(() => j); return fs.map((g) => g()); }`,
  },
  'a closure that writes': { source: `export function f(k: K) { let n = 0; const inc = () => { n++; return n; }; inc(); inc();
        [1, 2].forEach((x) => { n += x; }); return n; }` },
  destructuring: {
    source: `export function f(k: K, { a, b = 5, ...rest }: any, [c, , d = 7]: number[]) { const { e, g: { h = 1 } = {} as any } = rest;
        let [i, ...j] = [c, d, a, b]; [i, c] = [c, i!]; ({ e: j } = { e: [e] }); return [a, b, c, d, e, h, i, j]; }`,
    args: ['{ a: 1, e: 3, g: {} }, [1, 2]'],
  },
  'defaults and rest': {
    source: `const g = (x: number) => x * 2; export function f(k: K, a: number, b = g(a), c = () => b, ...d: number[]) { var e = b; b = 9;
        return [a, b, c(), d, e]; }`,
    args: ['1', '1, 2, () => 3, 4, 5'],
  },
  'try, catch, finally': {
    source: `const g = (n: number): number => { if (n > 2) throw new Error('g' + n); return n; };
      export function f(k: K, n: number): any { const out: any[] = [];
        try { if (n === 0) return out; if (n === 1) throw new Error('x'); out.push(g(n)); if (n === 2) return g(g(n)); }
        catch (e) { out.push((e as Error).message); if (n === 1) return out; g(1); if (n === 4) g(5); } finally { out.push('fin'); g(0); }
        return g(2) + String(out); }`,
    args: ['0', '1', '2', '3', '4'],
  },
  'catch without or with a pattern': {
    source: `const g = (): never => { throw new Error('m'); }; export function f(k: K) { let r = ''; try { g(); } catch { r += 'a'; } try {
        g(); } catch ({ message }: any) { r += message; } return r; }`,
  },
  'nested finally with a return through both': {
    source: `const g = (k: K, x: string) => { k.log.push(x); return x; }; export function f(k: K, n: number) { try { try {
        if (n > 0) return g(k, 'r'); } finally { g(k, 'i'); } } finally { g(k, 'o'); } return k.log.join(); }`,
    args: ['0', '1'],
  },
  'try in finally after a return': {
    source: `const g = (k: K, x: any) => { k.log.push(x); return x; }; export function f(k: K, n: number) { for (const turn of [1, 2]) try {
        if (turn > n) return g(k, 'r'); } finally { try { if (n > 1) return g(k, 's'); g(k, turn); } finally { g(k, 'i'); }
        const late = g(k, 'late'); g(k, late); } return k.log.join(); }`,
    args: ['0', '1', '2'],
  },
  'a return in finally': { source: `const g = () => 1; export function f(k: K) { try { return g(); } finally { return g() + 1; } }` },
  labels: {
    source: `export function f(k: K) { let c = 0; outer: for (let i = 0; i < 5; i++) { for (let j = 0; j < 5; j++) {
        if (j === 3) continue outer; if (i === 3) break outer; c += j; } } blk: { if (c) break blk; c = 9; } w: while (c < 20) { do { c++;
        if (c % 2) continue w; } while (c < 15); c++; } return c; }`,
  },
  switch: {
    source: `const g = (n: number) => n; export function f(k: K, n: number) { let r = ''; switch (g(n)) { case g(1): r += 'a'; case 2: {
        const n = 'b'; r += n; break; } case 3: return 'c'; default: r = 'z'; } return r; }`,
    args: ['1', '2', '3', '4'],
  },
  loops: {
    source: `export function f(k: K) { const out: any[] = []; let i = 0; do i++; while (i < 5); while (i-- > 2); for (;;) { if (i > 3) break;
        i++; } for (const x in { a: 1, b: 2 }) out.push(x); let y; for (y of [1, 2]) out.push(y); for (let a = 0, b = 9; a < b;
        a++, b--) out.push(a * b); if (i) out.push(i); else return -i; return [out, y, i]; }`,
  },
  'a let without value in a loop': { source: `export function f(k: K) { const out = []; for (let i = 0; i < 3; i++) { let x;
        if (i === 0) x = 1; out.push(x); } return out; }` },
  recursion: { source: `export function f(k: K, n: number): number { const m = n - 1; return n <= 0 ? 0 : n + f(k, m) + m - m; }`, args: ['5'] },
  bigint: { source: `export function f(k: K) { let a = 1n << 60n; a |= 7n; while (a-- > 1n << 60n); const b = BigInt.asUintN(64, -a);
        return String(a ^ b); }` },
  'arrow functions': { source: `export const f = (k: K, n: number) => [1, 2, 3].map((x) => ({ x, y: x * n })).filter(({
        x }) => x > 1).sort((a, b) => b.x - a.x);`, args: ['2'] },
  'types of all kinds': {
    source: `import type { Nothing } from './nowhere.ts'; export interface Box<T> { value: T } type Either = string | number;
        declare const absent: number;
      export function f(k: K, x: number): string; export function f(k: K, x: string): string;
      export function f(k: K, x: Either): string { const box = { value: x } as Box<Either>; let n = box!.value satisfies Either;
        (n as any) = String(n); n! += '!'; return pick<string>(n as string); }
      function pick<T extends Either>(value: T): T { interface Inner { a: Nothing } type T2 = Inner; const x: T2 | null = null;
        return x ?? value; }`,
    args: ['1', '"a"'],
  },
  'optional chaining and compound assignment': {
    source: `export function f(k: K, o: any) { let a = o?.p?.[0]?.(3) ?? 1; a += 2; a **= 2; a ||= 5; let b = null as any; b ??= a;
        b &&= b - 1; a >>>= 1; o.n = 1; o.n += a; o['m'] = o.n++ + --o.n; return [a, b, o]; }`,
    args: ['{ p: [(x: number) => x] }', '{}'],
  },
  'assignments in heads': {
    source: `const g = (x: number) => x - 1; export function f(k: K, n: number) { let x = 0, r = []; if ((x = g(n)) > 0) r.push(x);
        else r.push(-x); while ((x = g(x)) > 0) r.push(x); do r.push(x++); while (g(x) < 2); for (x = 3; (n = g(x)) > 0; x--) r.push(n);
        return [x, n, r, (x = 5) + x++, x]; }`,
    args: ['4', '0'],
  },
  'typed arrays': { source: `export function f(k: K) { const a = new Int32Array(4); a[0] = 5; a[1]! += a[0]! << 2; a.set([7], 2);
        for (const x of a) a[3]! += x; return [...a]; }` },
  'objects with methods': {
    source: `export function f(k: K) { const o = { n: 1, get twice() { return this.n * 2; }, set twice(v: number) { this.n = v / 2;
        }, add(x: number) { this.n += x; return this; }, ['c' + 1]: function () { return 'c'; } }; o.add(2).add(3); o.twice = 20;
        return [o.n, o.twice, (o as any).c1()]; }`,
  },
  'nested functions': {
    source: `export function f(k: K, n: number) { return outer(n); function outer(m: number) {
        const even = (x: number): boolean => (x === 0 ? true : odd(x - 1)); function odd(x: number): boolean {
        return x === 0 ? false : even(x - 1); } return [even(m), odd(m)]; } }`,
    args: ['3'],
  },
  'spread, templates, comma, void, typeof': { source: `const g = (...xs: number[]) => xs.length; export function f(k: K) {
        let a = (g(), g(...[1, 2])); void g(); return \`\${a}\${typeof a}\${[...new Set([1, 1, 2])]}\`; }` },
  'exceptions through frames': {
    source: `const deep = (n: number): number => { if (n === 0) throw new Error('deep'); const m = deep(n - 1); return m; };
        export function f(k: K, n: number) { let c = 0; for (let i = 0; i < 3; i++) { try { deep(i + n); } catch { c++; } } if (n > 5) deep(2);
        return c; }`,
    args: ['1', '9'],
  },
  generators: {
    source: `function* inner(k: K, n: number): Generator<number, number, number> { try { const x = yield n; k.log.push(x); yield n + 1; }
        finally { k.log.push('inner'); } return n * 2; }
      export function* f(k: K): Generator<number, any, number> { let s = 0; for (const n of [1, 2, 3]) { const r = yield* inner(k, n); s += r;
        } let i = 0; while (i < 2) { s += yield i; i++; } { let s = 3, n = s; yield n + s; } try { yield* inner(k, 100); } finally {
        k.log.push('outer'); } return [s, k.log]; }`,
  },
  'a generator that catches': {
    source: `function* bad(k: K): Generator<number, void, void> { yield 1; throw new Error('thrown'); } export function* f(k: K) {
        let e = 'none'; try { yield* bad(k); } catch (e) { k.log.push((e as Error).message); } try { yield* bad(k); } catch ({
        message }: any) { return [e, message, k.log]; } return 'no'; }`,
  },
  'a generator that throws': { source: `function* bad(k: K): Generator<number, void, void> { yield 1; throw new Error('thrown'); }
        export function* f(k: K) { yield* bad(k); }` },
  'a generator over a set, with labels and holes': {
    source: `export function* f(k: K) { let r = ''; outer: for (const [a, b = 2] of new Set<any>([[1], [3, 4]])) { for (const x of 'ab') {
        if (x === 'b') continue outer; yield x; r += x + a + b; } } for (let i = 0, n = 2; i < n; i++) { let x; yield x; x = i; r += x; } do {
        yield 9; } while (r.length < 3); switch (r.length) { case 8: yield 8; default: yield 0; } return r; }`,
  },
  'a generator with captured loop variables': {
    source: `export function* f(k: K) { const fs: (() => number)[] = []; for (let i = 0; i < 3; i++) { const j = i; yield i;
        fs.push(() => i * 10 + j); } for (const x of [7, 8]) { yield x; fs.push(() => x); } const all = fs.map((g) => g()); return all; }`,
  },
  'a generator that hides an outer name': { source: `const name = 'module', Map = 1; export function* f(k: K, a: number) {
        let r = [name, Map, a]; { const name = 'inner', Map = 2, a = 3; yield 1; r.push(name, Map, a); } return [...r, name, Map, a];
        }`, args: ['0'] },
  'a generator abandoned': {
    source: `function* inner(k: K) { try { yield 1; yield 2; } finally { k.log.push(touch(k)); } } function* whole(k: K) { yield* inner(k); }
        const touch = (k: K) => 'closed';
      export function f(k: K) { const g = whole(k); g.next(); g.return(undefined); for (const x of whole(k)) { if (x === 1) break; }
        const h = whole(k); h.next(); try { h.throw(new Error('in')); } catch (e) { k.log.push((e as Error).message); } return k.log; }`,
  },
};

/** `start` passes no hook itself. */
const program = (source: string, args: string): string =>
  `type K = any;\n${source}\n// @nohooks\nexport const start = (k: K) => f(${args === '' ? 'k' : `k, ${args}`});`;

const start = (exports: ReturnType<typeof plain>): unknown => runToEnd(call(exports, 'start'));

function check(source: string): void {
  const expected = outcome(() => start(plain(source)));
  const { exports } = load(source);
  assert.equal(outcome(() => start(exports)), expected);
  checkBalance(expected);
  let hooks = 0;
  assert.equal(outcome(() => stepping(() => hooks++, () => start(exports))), expected);
  checkBalance(expected);
  assert.ok(hooks > 0);
}

/** Who catches an exception resets the stack; here that is nobody. */
function checkBalance(result: string): void {
  if (result.startsWith('throws')) __cur.t.sp = 0;
  assert.equal(__cur.t.sp, 0, 'sp after a run');
}

describe('instrumented constructs run as plain ones', () => {
  for (const [title, { source, args = [''] }] of Object.entries(CONSTRUCTS)) {
    it(title, () => {
      for (const one of args) check(program(source, one));
    });
  }
});
