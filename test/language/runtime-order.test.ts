// Laws of flattening: a call in the middle of an expression changes neither its value nor what comes before it.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { run } from './running.ts';

interface Tree {
  /** With every marked operand wrapped in a call that acts. */
  acting: string;
  pure: string;
}

/** Expressions over small numbers and the variables `a` (3) and `l` ([5, 7]): nothing overflows or fails. */
const { tree } = fc.letrec<{ tree: Tree; leaf: Tree }>((tie) => ({
  leaf: fc.tuple(fc.constantFrom('0', '1', '2', '9', 'a', 'l[0]', 'l[1]'), fc.boolean()).map(([text, isCall]) => ({ pure: text, acting: isCall ? `id(${text})` : text })),
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    tie('leaf'),
    fc.tuple(fc.constantFrom('+', '-', '&', '|', '^', '<', '>=', '==', '!=', '&&', '||'), tie('tree'), tie('tree')).map(([operator, left, right]) => join([left, right], ([x, y]) => `(${x} ${operator} ${y})`)),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map((parts) => join(parts, ([x, y, z]) => `(${x} ? ${y} : ${z})`)),
    fc.tuple(tie('tree'), tie('tree')).map((parts) => join(parts, ([x, y]) => `max(${x}, [${y}, 1][0])`)),
    tie('tree').map((part) => join([part], ([x]) => `id(!${x})`)),
  ),
}));

function join(parts: Tree[], write: (texts: string[]) => string): Tree {
  return { pure: write(parts.map((part) => part.pure)).replaceAll('id(', 'sum('), acting: write(parts.map((part) => part.acting)) };
}

describe('an expression with calls in it', () => {
  it('has the value it has without', () => {
    fc.assert(fc.property(fc.array(tree, { minLength: 20, maxLength: 40 }), (trees) => {
      const lines = trees.map(({ pure, acting }) => `expect ${acting} == ${pure}`);
      const { output, end } = run(`def id(x) { return x }\nkernel k {\nlet a = 3\nlet l = [5, 7]\n${lines.join('\n')}\n}`);
      assert.equal(end.reason, 'ended');
      assert.deepEqual(output.filter((record) => !record.ok).map((record) => record.text), []);
      assert.equal(output.length, trees.length);
    }), { numRuns: 30 });
  }).timeout(60_000);

  it('calls from left to right, each once', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('+', '-', '|', '=='), { minLength: 1, maxLength: 12 }), (operators) => {
      const text = operators.reduce((sum, operator, i) => `${sum} ${operator} note(${i + 1})`, 'note(0)');
      const { output } = run(`def note(x) { print(x) return x }\nkernel k { let x = ${text} }`);
      assert.deepEqual(output.map((record) => Number(record.text)), Array.from({ length: operators.length + 1 }, (_, i) => i));
    }), { numRuns: 20 });
  }).timeout(60_000);
});
