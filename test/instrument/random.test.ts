// Random small programs give the same result plain and instrumented, as functions and as generators, and keep right values at every hook.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { __cur } from '../../debug-adapter/worker/hooks.ts';
import { load, outcome, plain, runToEnd, show, stepping, visible } from './harness.ts';

const NAMES = ['a', 'b', 'c'];
const name = fc.constantFrom(...NAMES);

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 2 },
    fc.integer({ min: 0, max: 9 }).map(String),
    name,
    fc.tuple(tie('expression'), fc.constantFrom('+', '-', '*', '<', '||'), tie('expression')).map(([a, op, b]) => `(+(${a}) ${op} +(${b}))`),
    tie('expression').map((a) => `g(k, ${a})`),
    fc.tuple(name, tie('expression')).map(([x, a]) => `(${x} = +${a})`),
    name.map((x) => `${x}++`),
  ),
}));

/** A block opens with declarations, so that no name is used before. `Y` stands for a call that may yield. */
const { block } = fc.letrec<{ block: string; statement: string }>((tie) => ({
  block: fc
    .tuple(fc.uniqueArray(name, { maxLength: 2 }), fc.constantFrom('1', 'g(k, 4)', 'Y(k, 2)'), fc.array(tie('statement'), { maxLength: 4 }))
    .map(([names, value, statements]) => `{ ${names.map((x) => `let ${x} = ${value};`).join(' ')} ${statements.join(' ')} }`),
  statement: fc.oneof(
    { maxDepth: 3 },
    expression.map((e) => `k.log.push(${e});`),
    fc.tuple(name, expression).map(([x, e]) => `${x} = +${e};`),
    name.map((x) => `${x} = Y(k, ${x});`),
    fc.constantFrom('break out;', 'continue out;', 'return a;', 'if (a > 20) throw new Error("t" + a);', 'void k.log.at(-1);'),
    fc.tuple(expression, tie('block'), tie('block')).map(([e, a, b]) => `if (${e}) ${a} else ${b}`),
    fc.tuple(name, expression, tie('block')).map(([x, e, a]) => `for (let ${x} = 0, n = 0; n++ < 3 && ${x} <= +${e}; ${x}++) ${a}`),
    fc.tuple(name, tie('block')).map(([x, a]) => `for (const v of [1, ${x}]) { ${x} += v; ${a} }`),
    fc.tuple(expression, tie('block')).map(([e, a]) => `for (let n = 0; n < 2; n++) { do ${a} while (n++ < 3 && ${e}); }`),
    fc.tuple(tie('block'), tie('block'), tie('block')).map(([a, b, c]) => `try ${a} catch (e) { k.log.push(e.message); ${b} } finally ${c}`),
    fc.tuple(expression, tie('block'), tie('block')).map(([e, a, b]) => `switch (${e}) { case 1: ${a} default: ${b} }`),
    fc
      .tuple(name, tie('block'))
      .map(([x, a]) => `{ const h = () => { ${x}++; if (${x} > 30) throw new Error('h'); }; h(); [1, 2].forEach(() => h()); ${a} }`),
    tie('block'),
  ),
}));

const HELPERS = `type K = any;
const g = (k: any, x: any) => { if (k.left-- < 0) throw new Error('left'); return +x % 7; };
const y = (k: any, x: any) => g(k, x) + 1;
function* Y(k: any, x: any): any { const got: any = yield x; return g(k, x) + got; }`;

const program = (kind: 'function' | 'function*', body: string): string => {
  const calls = kind === 'function' ? body.replaceAll('Y(', 'y(') : body.replaceAll('Y(', 'yield* Y(');
  const loop = `let c = 0, turns = 0; out: while (turns++ < 3) ${calls} return [a, b, c, k.log];`;
  return `${HELPERS}\nexport ${kind} f(k: any, a: any, b: any): any { ${loop} }`;
};

/** A `finally` that jumps is reported as a problem, not supported. */
const isSupported = (source: string): boolean => load(source).tables.problems.every((one) => /captured|closure kept/.test(one));

function checkSame(source: string): void {
  const run = (exports: ReturnType<typeof plain>): string => outcome(() => runToEnd(exports['f']!({ log: [], left: 60 }, 1, 2)));
  const expected = run(plain(source));
  const loaded = load(source);
  assert.equal(run(loaded.exports), expected);
  if (!expected.startsWith('throws')) assert.equal(__cur.t.sp, 0);
  __cur.t.sp = 0;
  const look = (id: number, literal: unknown[] | undefined): void => {
    const place = loaded.tables.places[id]!;
    for (const [one, value] of visible(loaded.tables, place, literal)) {
      assert.ok(['number', 'boolean', 'function', 'object'].includes(typeof value), `${one} at ${place.line}:${place.column}`);
    }
  };
  assert.equal(stepping(look, () => run(loaded.exports)), expected);
}

/** The hooks that `f` passes, with all values in scope. */
function valuesSeen(source: string): string[] {
  const { exports, tables } = load(source);
  const lines: string[] = [];
  const look = (id: number, literal: unknown[] | undefined): void => {
    const place = tables.places[id]!;
    if (tables.functions[place.fn]!.name !== 'f') return;
    lines.push(`${place.column}: ${visible(tables, place, literal).map(([one, value]) => `${one}=${show(value)}`).join(' ')}`);
  };
  stepping(look, () => outcome(() => runToEnd(exports['f']!({ log: [], left: 60 }, 1, 2))));
  __cur.t.sp = 0;
  return lines;
}

/** The three kinds of frame keep the same values: what a leaf passes itself is the measure for the other two. */
function checkFramesAgree(body: string): void {
  const framed = program('function', body);
  const leaf = framed.replace(/^const/gm, '// @nohooks\nconst');
  const mirrored = load(framed).tables.functions.find((fn) => fn.name === 'f')!.frame;
  const expected = valuesSeen(leaf);
  assert.equal(load(leaf).tables.functions.find((fn) => fn.name === 'f')!.frame, 'none');
  assert.equal(mirrored === 'mirror' || !/\b[gy]\(/.test(body), true);
  assert.deepEqual(valuesSeen(framed), expected);
  const thunk = framed.replace('export function f', 'export function* f').replaceAll(/yield\* /g, '');
  assert.deepEqual(valuesSeen(thunk).map(withoutColumn), expected.map(withoutColumn));
}

const withoutColumn = (line: string): string => line.slice(line.indexOf(':'));

describe('random programs', () => {
  for (const kind of ['function', 'function*'] as const) {
    it(`run the same as a ${kind}`, () => {
      fc.assert(
        fc.property(block, (body) => {
          const source = program(kind, body);
          fc.pre(isSupported(source));
          checkSame(source);
        }),
        { numRuns: 50 },
      );
    }).timeout(60_000);
  }

  it('keep the same values in every kind of frame', () => {
    const straight = block.filter((body) => !body.includes('=>'));
    fc.assert(fc.property(straight, checkFramesAgree), { numRuns: 50 });
  }).timeout(60_000);
});
