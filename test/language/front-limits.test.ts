// Large, deep and broken texts: an answer in good time, never an exception, and the parser works afterwards.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkScenario, parseExpression } from '../../language/index.ts';
import { readFileSync } from 'node:fs';

const EXAMPLE = readFileSync(new URL('./front-example.pagewalk', import.meta.url), 'utf8');
const DEEP = /^This nests too deeply/;
const LONG = /^This expression is too long/;

function nested(open: string, close: string, depth: number): string {
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

const VALUES: { name: string; value: string; expected: RegExp | null }[] = [
  { name: '40 parentheses', value: nested('(', ')', 40), expected: null },
  { name: '41 parentheses', value: nested('(', ')', 41), expected: DEEP },
  { name: '500 parentheses', value: nested('(', ')', 500), expected: DEEP },
  { name: '41 brackets', value: nested('[', ']', 41), expected: DEEP },
  { name: '40 signs', value: nested('!', '', 40), expected: null },
  { name: '41 signs', value: nested('-', '', 41), expected: DEEP },
  { name: '40 conditionals', value: `${'1 ? 2 : '.repeat(40)}3`, expected: null },
  { name: '10,000 conditionals', value: `${'1 ? 2 : '.repeat(10_000)}3`, expected: DEEP },
  { name: '1,000 terms', value: Array(1000).fill('1').join(' + '), expected: null },
  { name: '10,000 terms', value: Array(10_000).fill('1').join(' + '), expected: LONG },
  { name: '10,000 operators of rising precedence', value: Array(2_500).fill('1 || 1 && 1 == 1 + 1').join(' * '), expected: LONG },
  { name: '5,000 items', value: `[${Array(5_000).fill('1').join(', ')}]`, expected: null },
  { name: 'a string of 100,000 characters', value: `"${'a\\n'.repeat(33_000)}"`, expected: null },
];

describe('limits', () => {
  for (const { name, value, expected } of VALUES) {
    it(name, () => {
      const messages = messagesOf(`machine { memory 64MiB } const A = ${value}\nconst B = 1`);
      if (expected === null) assert.deepEqual(messages, []);
      else assert.match(messages.join('\n'), expected);
      assert.deepEqual(messagesOf('machine { memory 64MiB } const A = 1'), []);
    });
  }

  it('blocks nest 40 deep and no deeper, and those of one expression count together', () => {
    const blocks = (depth: number): string => `machine { memory 64MiB } process p ${'{ if 1 '.repeat(depth - 1)}{ }${' }'.repeat(depth - 1)}`;
    assert.deepEqual(messagesOf(blocks(40)), []);
    assert.match(messagesOf(blocks(41)).join('\n'), DEEP);
  });

  it('a chain of 1,000 else-ifs is no nesting', () => {
    assert.deepEqual(messagesOf(`machine { memory 64MiB } process p { if 1 { } ${'else if 2 { } '.repeat(1000)} }`), []);
  });

  it('a comment of a megabyte', () => {
    assert.deepEqual(messagesOf(`/*${' * a\n'.repeat(200_000)}*/ machine { memory 64MiB }`), []);
  });

  it('5,000 lines in a few seconds', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `  let v${i} = mmap(4KiB) + v${Math.max(0, i - 1)} * ${i}`).join('\n').replace('+ v0 * 0', '');
    const start = performance.now();
    assert.deepEqual(messagesOf(`machine { memory 64MiB }\nprocess p {\n${lines}\n}`), []);
    assert.ok(performance.now() - start < 10_000);
  });

  it('never throws, whatever is cut out of or put into a scenario', () => {
    const noise = fc.constantFrom('{', '}', '(', ')', '[', ']', '"', '/*', '*/', '//', '.', '..', '=', 'let', 'fork', 'touch', 'process', 'wait', '1.5', '0x', '-', ',', ';', '\u0000', '“', '\n', 'stop on', 'log "{');
    const edit = fc.record({ at: fc.nat(EXAMPLE.length), cut: fc.nat(40), put: noise });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = edits.reduce((before, { at, cut, put }) => before.slice(0, at) + put + before.slice(at + cut), EXAMPLE);
        for (const { line, column, endLine, endColumn } of checkScenario(text, 'noise.pagewalk').problems) {
          assert.ok(line >= 1 && column >= 1 && (endLine > line || (endLine === line && endColumn >= column)));
        }
      }),
      { numRuns: 150, seed: 7 },
    );
    assert.deepEqual(messagesOf(EXAMPLE), []);
  });

  it('never throws on an expression', () => {
    const piece = fc.constantFrom('1', 'a', '+', '(', ')', '[', ']', '.', 'f(', ',', '?', ':', '"x"', 'let', '{', '}', '-', '..', '==');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { expression, problems } = parseExpression(pieces.join(' '));
        assert.equal(expression === null, problems.length > 0);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

function messagesOf(text: string): string[] {
  return checkScenario(text, 'limit.pagewalk').problems.map((problem) => problem.message);
}
