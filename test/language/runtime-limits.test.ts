// No scenario uses up the memory or the stack of the emulator: what grows without end is an error of the scenario, at its place.
import assert from 'node:assert/strict';
import { compileScenario } from '../../language/index.ts';
import { describe as describeValue, toText } from '../../language/runtime/index.ts';
import { idleMachine, printed, run, withMachine } from './running.ts';

const TOO_LONG = 'A string of more than 1048576 characters.';
const TOO_LARGE = 'A list of more than 1048576 items, with all that is in its lists and strings.';
const TOO_DEEP = 'A list in which more than 64 lists stand inside one another.';
const TOO_MUCH = 'The values in use take more than 128 MiB.';

/** A list of 2^20 items in `big`. */
const BIG = 'let big = [0] repeat 20 { big = big + big }';

describe('a scenario that would use up the memory', () => {
  /** `@` marks the place of the error; what comes before the thread may hold it too. */
  const cases: [string, string, string, string?][] = [
    ['a string that doubles', 'let s = "x" repeat 40 { s = @s + s }', TOO_LONG],
    ['a list that doubles', 'let l = [0] repeat 40 { l = @l + l }', TOO_LARGE],
    ['a list of itself, twice', 'let l = [0] repeat 40 { l = @[l, l] }', TOO_LARGE],
    ['a list that wraps itself', 'let l = [0] repeat 100000 { l = @[l] }', TOO_DEEP],
    ['a list in itself', 'let l = [0] @l[0] = l', TOO_DEEP],
    ['two lists in each other', 'let a = [0] let b = [a] @a[0] = b', TOO_DEEP],
    ['an item that is too large', `${BIG} let l = [1, 2] @l[1] = big`, TOO_LARGE],
    ['strings in a list', 'let s = "x" repeat 19 { s = s + s } let l = [s] l = @l + [s]', TOO_LARGE],
    ['large lists in a literal', `${BIG} let l = @[${'big + [], '.repeat(3)}]`, TOO_LARGE],
    ['large arguments', `${BIG} @print(${'big + [], '.repeat(100)})`, TOO_MUCH],
    ['large arguments of a function that looks', `${BIG} let n = @min(${'big + [], '.repeat(100)})`, TOO_MUCH],
    ['variables of a `def` that calls itself', `${BIG} f(big)`, TOO_MUCH, 'def f(l) { let more = @l + [] f(more) }'],
    ['arguments of a `def` that calls itself', `${BIG} f(big)`, TOO_MUCH, 'def f(l) { @f(l + []) }'],
    ['pages of a loop in a `def` that calls itself', 'f()', TOO_MUCH, 'machine { memory 1GiB } def f() { for page in @mem_map { f() } }'],
    ['many large variables', `${BIG} ${Array.from({ length: 40 }, (_, i) => `let l${i} = ${i === 15 ? '@' : ''}big + []`).join(' ')}`, TOO_MUCH],
  ];
  for (const [what, body, message, before = ''] of cases) {
    it(`ends at ${what}`, () => {
      const text = withMachine(`${before} kernel k { ${body} }`);
      const at = text.indexOf('@');
      const line = text.slice(0, at).split('\n').length;
      assert.equal(failure(text.replace('@', '')), `test.pagewalk:${line}:${at - text.lastIndexOf('\n', at)}: ${message}`);
    });
  }

  it('may work with much that is the same, and with much that is forgotten', () => {
    assert.equal(printed(`${BIG} print(f(big, 0), len(big), big == big)`, 'def f(l, n) { if n == 20 { return len(l) } return f(l, n + 1) }'), '1048576 1048576 true');
    assert.equal(printed('let s = "x" repeat 19 { s = s + s } let t = [] repeat 100 { t = [s] } print(len(s), len(t))'), '524288 1');
    assert.equal(printed(`${BIG} repeat 20 { let other = big + [] } print(len(big))`), '1048576');
  });

  it('ends where constants of constants have no value', () => {
    const doubled = Array.from({ length: 60 }, (_, i) => `const C${i + 1} = C${i} + C${i}`).join(' ');
    assert.deepEqual(compileScenario(withMachine(`const C0 = 1 ${doubled} kernel k { print(C60) }`), 'test.pagewalk').problems, []);
    const text = compileScenario(withMachine(`const C0 = "x" ${doubled} kernel k { print(C60) }`), 'test.pagewalk').problems.map(({ message }) => message);
    assert.deepEqual([...new Set(text)], ['This must be known before the machine runs: numbers, constants and operators only.']);
  });
});

describe('the text of a long list', () => {
  const { k } = idleMachine();
  const many = Array.from({ length: 2 ** 20 }, (_, i) => i % 10);

  it('ends with an ellipsis', () => {
    assert.equal(describeValue(k, many).length, 1029);
    assert.match(describeValue(k, [1, [2, many], 3]), /^\[1, \[2, \[0, 1, (?:\d, )+…\]\], …\]$/);
    assert.match(toText(k, many), /^\[0, 1, (?:\d, )+…\]$/);
    assert.equal(toText(k, [1, ['a', []], many.slice(0, 3)]), '[1, ["a", []], [0, 1, 2]]');
  });
});

/** What goes wrong when a scenario runs. */
function failure(text: string): string | undefined {
  return run(text).output.find((record) => record.kind === 'error')?.text;
}
