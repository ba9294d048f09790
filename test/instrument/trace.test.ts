// Stepping through small functions: each hook passed, with the names in scope and their values there. `12~` is a loop's head passed again.
import assert from 'node:assert/strict';
import { load, trace } from './harness.ts';

/** Steps through `f(k, ...args)` of `source`, whose first line is line 1, and compares the whole trace. */
function check(source: string, args: unknown[], expected: string): void {
  const lines = expected.split('\n').map((line) => line.trim());
  assert.deepEqual(trace(load(source.trim()), 'f', args), lines.filter((line) => line !== ''));
}

describe('stepping', () => {
  it('shows a leaf function: a loop head again before each further iteration, inner names hiding outer ones', () => {
    check(
      `
export function f(k: K, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const n = i * 10;
    sum += n;
  }
  return sum;
}`,
      [2],
      `
      2: n=2
      3: n=2 sum=0
      4: sum=0 i=0
      5: sum=0 i=0 n=0
      3~: n=2 sum=0 i=0
      4: sum=0 i=1
      5: sum=0 i=1 n=10
      3~: n=2 sum=10 i=1
      7: n=2 sum=10
      = 10`,
    );
  });

  it('shows a function with calls, and the values of the caller unharmed after them', () => {
    check(
      `
const twice = (x: number) => x * 2;
export function f(k: K, a: number, { b, c = b }: P): number {
  let d = twice(a);
  d += b;
  if ((a = twice(d)) > 5) {
    const d = 'inner';
    c++;
  }
  while (twice(a--) > 20) d--;
  return twice(d) + c;
}`,
      [3, { b: 2 }],
      `
      3: a=3 b=2 c=2
      twice 1: x=3
      4: a=3 b=2 c=2 d=6
      5: a=3 b=2 c=2 d=8
      twice 1: x=8
      6: a=16 b=2 c=2
      7: a=16 b=2 c=2 d="inner"
      9: a=16 b=2 c=3 d=8
      twice 1: x=16
      9: a=15 b=2 c=3 d=8
      9~: a=15 b=2 c=3 d=7
      twice 1: x=15
      9: a=14 b=2 c=3 d=7
      9~: a=14 b=2 c=3 d=6
      twice 1: x=14
      9: a=13 b=2 c=3 d=6
      9~: a=13 b=2 c=3 d=5
      twice 1: x=13
      9: a=12 b=2 c=3 d=5
      9~: a=12 b=2 c=3 d=4
      twice 1: x=12
      9: a=11 b=2 c=3 d=4
      9~: a=11 b=2 c=3 d=3
      twice 1: x=11
      9: a=10 b=2 c=3 d=3
      9~: a=10 b=2 c=3 d=2
      twice 1: x=10
      10: a=9 b=2 c=3 d=2
      twice 1: x=2
      = 7`,
    );
  });

  it('shows exceptions, finally and switch', () => {
    check(
      `
const fail = (why: string) => { throw new Error(why); };
export function f(k: K, n: number) {
  try {
    const inTry = n;
    fail('no');
  } catch (error) {
    n++;
  } finally {
    n *= 2;
  }
  switch (n) {
    case 4:
      let first = 1;
      break;
    default:
      n--;
  }
  do {
    var v = n;
  } while (n-- > 4);
  return n;
}`,
      [1],
      `
      3: n=1
      4: n=1
      5: n=1 inTry=1
      fail 1: why="no"
      7: n=1 error=Error(no)
      9: n=2
      11: n=4
      13: n=4
      14: n=4 first=1
      18: n=4
      19: n=4
      20~: n=4
      21: n=3
      = 3`,
    );
  });

  it('shows in a catch what a statement had assigned before it broke off', () => {
    check(
      `
const fail = () => { throw new Error('no'); };
export function f(k: K, a: number) {
  let b = 1;
  try {
    b = (a = 5) + fail();
  } catch {
    b++;
  }
  try {
    a = 6 + (b = 7) + fail();
  } catch (e) {} finally { b--; }
}`,
      [0],
      `
      3: a=0
      4: a=0 b=1
      5: a=0 b=1
      fail 1:
      7: a=5 b=1
      9: a=5 b=2
      10: a=5 b=2
      fail 1:
      11: a=5 b=7
      = undefined`,
    );
  });

  it('shows closures with what they use of the functions around them', () => {
    check(
      `
export function f(k: K, list: number[]) {
  let sum = 0, unused = 1;
  list.forEach((x) => {
    sum += x;
    unused2(k);
  });
  for (const y of list) {
    sum++;
  }
  return sum;
}
const unused2 = (k: K) => null;`,
      [[5, 6]],
      `
      2: list=[5,6]
      3: list=[5,6] sum=0 unused=1
      (anonymous) 4: sum=0 x=5
      (anonymous) 5: sum=5 x=5
      unused2 12:
      (anonymous) 4: sum=5 x=6
      (anonymous) 5: sum=11 x=6
      unused2 12:
      7: list=[5,6] sum=11 unused=1
      7~: list=[5,6] sum=11 unused=1 y=5
      8: list=[5,6] sum=11 unused=1 y=5
      7~: list=[5,6] sum=12 unused=1 y=6
      8: list=[5,6] sum=12 unused=1 y=6
      10: list=[5,6] sum=13 unused=1
      = 13`,
    );
  });

  it('shows generators: names as the source writes them, hidden helpers never', () => {
    check(
      `
function* part(k: K, n: number) {
  const got = yield n;
  return got;
}
export function* f(k: K, list: number[]) {
  let sum = 0;
  for (const x of list) {
    const sum = yield* part(k, x);
    if (sum === 0) continue;
    { const x = 'in'; yield x; }
  }
  try {
    yield* g();
  } catch (e) {
    sum = 9;
  }
  return sum;
}
function* g() { throw new Error('g'); }`,
      [[7, 8]],
      `
      6: list=[7,8]
      7: list=[7,8] sum=0
      8: list=[7,8] x=7
      part 2: n=7
      part 3: n=7 got=1
      9: list=[7,8] x=7 sum=1
      10: list=[7,8] sum=1
      10: list=[7,8] sum=1 x="in"
      7~: list=[7,8] sum=0 x=7
      8: list=[7,8] x=8
      part 2: n=8
      part 3: n=8 got=3
      9: list=[7,8] x=8 sum=3
      10: list=[7,8] sum=3
      10: list=[7,8] sum=3 x="in"
      7~: list=[7,8] sum=0 x=8
      12: list=[7,8] sum=0
      13: list=[7,8] sum=0
      g 19:
      15: list=[7,8] sum=0 e=Error(g)
      17: list=[7,8] sum=9
      = {"yielded":[7,"in",8,"in"],"returned":9}`,
    );
  });

  it('passes a hook in loops without a body', () => {
    check('export function f(k: K, n: number) { while (n-- > 1); for (; n < 1; n++); do; while (n++ < 2); }', [2], `
      1: n=2
      1~: n=1
      1: n=0
      1~: n=0
      1: n=1
      1~: n=1
      1~: n=2
      = undefined`);
  });

  it('gives an empty function one place', () => check('export const f = (k: K, a: number) => {};', [1], '1: a=1\n= undefined'));
});
