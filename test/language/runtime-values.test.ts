// Integers and their operators against BigInt, which is exact (LANGUAGE.md, Values).
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Integer, Value } from '../../language/runtime/values.ts';
import { BINARY, UNARY, ValueError, areEqual, hex, integer, isTrue } from '../../language/runtime/values.ts';

const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 64n - 1n;
const MASK = 2n ** 64n - 1n;

/** Everywhere in the range, and often near the edges where the representation changes. */
const anInteger = fc.oneof(
  fc.bigInt({ min: LOWEST, max: HIGHEST }),
  fc.bigInt({ min: -1000n, max: 1000n }),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
  fc.constantFrom(LOWEST, HIGHEST, 2n ** 63n, 2n ** 63n - 1n, -(2n ** 53n), 2n ** 31n, 2n ** 32n, 0n, -1n),
);

function outcome(operation: () => Value): string {
  try {
    return String(operation());
  } catch (error) {
    if (error instanceof ValueError) return 'error';
    throw error;
  }
}

function inRange(n: bigint): string {
  return n >= LOWEST && n <= HIGHEST ? String(n) : 'error';
}

function agrees(operator: string, expected: (a: bigint, b: bigint) => string): void {
  fc.assert(fc.property(anInteger, anInteger, (a, b) => {
    assert.equal(outcome(() => BINARY[operator]!(integer(a), integer(b))), expected(a, b), `${a} ${operator} ${b}`);
  }), { numRuns: 2000 });
}

describe('integers', () => {
  it('have one representation', () => {
    fc.assert(fc.property(anInteger, (n) => {
      const value = integer(n);
      assert.equal(BigInt(value), n);
      assert.equal(typeof value, Number.isSafeInteger(Number(n)) ? 'number' : 'bigint');
    }));
    assert.ok(Object.is(integer(-0), 0));
  });

  it('are exact, or an error outside -2^63 … 2^64-1', () => {
    agrees('+', (a, b) => inRange(a + b));
    agrees('-', (a, b) => inRange(a - b));
    agrees('*', (a, b) => inRange(a * b));
  });

  it('divide towards zero; by zero is an error', () => {
    agrees('/', (a, b) => (b === 0n ? 'error' : inRange(a / b)));
    agrees('%', (a, b) => (b === 0n ? 'error' : inRange(a % b)));
  });

  it('keep no negative zero', () => {
    for (const [operator, a, b] of [['*', 0, -5], ['/', 0, -5], ['%', -4, 2], ['-', 0, 0]] as const) assert.ok(Object.is(BINARY[operator]!(a, b), 0), operator);
  });

  it('combine bit by bit as 64-bit two\'s complement', () => {
    for (const [operator, combine] of [['&', (a: bigint, b: bigint) => a & b], ['|', (a: bigint, b: bigint) => a | b], ['^', (a: bigint, b: bigint) => a ^ b]] as const) {
      fc.assert(fc.property(anInteger, anInteger, (a, b) => {
        const result = BigInt(BINARY[operator]!(integer(a), integer(b)) as Integer);
        assert.equal(result & MASK, combine(a, b) & MASK, `${a} ${operator} ${b}`);
        if (a >= 0n && b >= 0n) assert.ok(result >= 0n);
      }), { numRuns: 2000 });
    }
  });

  it('are inverted and shifted as 64 bits', () => {
    fc.assert(fc.property(anInteger, fc.integer({ min: 0, max: 63 }), (a, count) => {
      assert.equal(BigInt(UNARY['~']!(integer(a)) as Integer) & MASK, ~a & MASK);
      assert.equal(BigInt(BINARY['<<']!(integer(a), count) as Integer) & MASK, (a << BigInt(count)) & MASK);
      assert.equal(BigInt(BINARY['>>']!(integer(a), count) as Integer), a >> BigInt(count));
    }));
    assert.equal(outcome(() => BINARY['<<']!(1, 64)), 'error');
    assert.equal(outcome(() => BINARY['>>']!(1, -1)), 'error');
  });

  it('compare by value, whatever their representation', () => {
    agrees('<', (a, b) => String(a < b));
    agrees('>=', (a, b) => String(a >= b));
    agrees('==', (a, b) => String(a === b));
  });

  it('are written in hexadecimal as 64 bits', () => {
    assert.deepEqual([hex(255), hex(-1), hex(integer(HIGHEST)), hex(0)], ['0xff', '0xffffffffffffffff', '0xffffffffffffffff', '0x0']);
  });
});

describe('values', () => {
  it('are true but for 0, false and the empty string', () => {
    assert.deepEqual([0, false, '', 1, true, 'x', [], { kind: 'page', pfn: 0 }].map(isTrue), [false, false, false, true, true, true, true, true]);
  });

  it('are equal by what they hold', () => {
    assert.ok(areEqual([1, ['a']], [1, ['a']]));
    assert.ok(areEqual({ kind: 'page', pfn: 1 }, { kind: 'page', pfn: 1 }));
    for (const yes of [true, BINARY['<']!(1, 2)]) assert.ok(areEqual(yes, 1));
    assert.ok(!areEqual({ kind: 'page', pfn: 0 }, 0));
    assert.ok(!areEqual([1], [1, 2]));
    assert.ok(!areEqual('1', 1));
  });

  it('join strings and lists', () => {
    assert.equal(BINARY['+']!('a', 'b'), 'ab');
    assert.deepEqual(BINARY['+']!([1], [2]), [1, 2]);
    assert.equal(outcome(() => BINARY['+']!('a', 1)), 'error');
    assert.equal(outcome(() => BINARY['<']!({ kind: 'page', pfn: 1 }, 2)), 'error');
  });
});
