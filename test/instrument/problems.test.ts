// What the instrumenter reports: constructs of generators that could not be continued from a checkpoint, and names it needs itself.
import assert from 'node:assert/strict';
import { load } from './harness.ts';

const problems = (source: string): string[] => load(source).tables.problems.map((one) => one.replace('engine/test.ts:', ''));

const inGenerator = (body: string): string[] => problems(`export function* f(k: K, x: any) {\n${body}\n}`);

describe('problems', () => {
  it('there are none in what is allowed', () => {
    const allowed = `yield* g(); x = yield* g(); const y = yield* g(); x += (yield* g()) as number; let [z] = yield* g(); [x] = yield* g();
      for (const v of x) { if (v) { yield v; } } while (x) { try { yield* g(); } catch (e) { x = e; } } for (const v of Object.keys(x)) yield v;
      switch (x) { case 1: yield* g(); } a: do { continue a; } while (x); const t = [1].map((v) => v + y); return yield* g();`;
    assert.deepEqual(inGenerator(allowed), []);
  });

  const allowed = 'in `x = yield* f()`, `const x = yield* f()`, `x op= yield* f()` with a local x, or `return yield* f()`';
  const alone = `f: \`yield\` must stand alone: as a statement, ${allowed}`;
  const head = 'f: a yield in a condition or in the head of a compound statement';
  const planted: [string, string][] = [
    ['if (yield* g()) x = 1;', `2:5: ${head}`],
    ['while (x < (yield* g())) x++;', `2:8: ${head}`],
    ['for (let i = yield* g(); i < 3; i++) ;', `2:6: ${head}`],
    ['for (const v of yield* g()) ;', `2:17: ${head}`],
    ['switch (yield* g()) { }', `2:9: ${head}`],
    ['x.f += yield* g();', '2:1: f: the left side of `+= yield` is read before the call: assign to a local first'],
    ['x.f = yield* g();', '2:1: f: the left side of `= yield` is read before the call: assign to a local first'],
    ['x = (yield* g()) + (yield* g());', '2:1: f: several yields in one statement'],
    ['x = 1 + (yield* g());', `2:1: ${alone}`],
    ['x && (yield* g());', `2:1: ${alone}`],
    ['g(yield* g());', `2:1: ${alone}`],
    ['return 1 + (yield* g());', `2:1: ${alone}`],
    ['const a = 1, b = yield* g();', '2:1: f: a declaration with a yield must declare one variable'],
    ['for (const v of x.values()) yield v;', '2:1: f: `for … of` over an iterator with a yield inside'],
    ['for (const v in x) yield v;', '2:1: f: `for … in` with a yield inside'],
    ['try { g(); } finally { yield* g(); }', '2:22: f: a yield in a `finally` block'],
    [
      'while (x) { const v = x; yield v; x = g(() => v); }',
      '2:13: f: `v` is captured by a closure in a loop: its value is one per iteration and is not kept',
    ],
    ['const h = () => 1; yield h;', '2:7: f: a closure kept in a local of a generator'],
    ['yield this.x;', '2:7: f: `this` and `arguments` are not kept in a generator'],
  ];
  for (const [body, expected] of planted) {
    it(body, () => {
      const found = inGenerator(body);
      assert.ok(found.includes(expected), found.join('\n'));
    });
  }

  it('a generator or an async function inside, a jump out of finally, a reserved name', () => {
    assert.deepEqual(problems('export function f(k: K) {\n  return function* g() { yield 1; };\n}'), ['2:10: g: a generator inside a function']);
    assert.deepEqual(problems('export async function f(k: K) { }'), ['1:8: f: an async function cannot be followed']);
    const jump = 'export function f(k: K) { for (;;) { try { return g(); } finally { break; } } }';
    assert.deepEqual(problems(jump), ['1:68: f: a jump out of a `finally` block']);
    assert.deepEqual(problems('export const __t = 1;'), ['1:14: the name `__t` belongs to the instrumented build']);
  });
});
