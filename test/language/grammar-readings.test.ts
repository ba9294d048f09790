// Where a text could be read in more than one way: the reading that the language fixes.
import assert from 'node:assert/strict';
import { parseExpression, parseSource } from '../../language/index.ts';
import type { Process } from '../../language/generated/ast.ts';
import { picture } from './front-tree.ts';

const EXPRESSIONS: Readonly<Record<string, string>> = {
  '1 + 2 * 3 - 4 / 2 % 5': '((1 + (2 * 3)) - ((4 / 2) % 5))',
  'a || b && c | d ^ e & f == g < h << i + j * k': '(a || (b && (c | (d ^ (e & (f == (g < (h << (i + (j * k))))))))))',
  'a - b - c': '((a - b) - c)',
  'a == b == c': '((a == b) == c)',
  'a ? b : c ? d : e': '(a ? b : (c ? d : e))',
  'a ? b ? c : d : e': '(a ? (b ? c : d) : e)',
  '-a * -b - -c': '(((-a) * (-b)) - (-c))',
  '!a == b': '((!a) == b)',
  '-x.y[0](1)': '(-x.y[0](1))',
  '(a + b) * c': '((a + b) * c)',
  'a & b == c': '(a & (b == c))',
  '1 << a + b': '(1 << (a + b))',
  'f(a ? b : c)': 'f((a ? b : c))',
  'f(a: b ? c : d, e ? f : g)': 'f(a: (b ? c : d), (e ? f : g))',
  '64MiB/s': '(64MiB / s)',
  'x.file.wait.at.log': 'x.file.wait.at.log',
  '[1, 2, [3],]': '[1, 2, [3]]',
};

const STATEMENTS: Readonly<Record<string, string>> = {
  'return\nf()': 'Return(value: f())',
  'exit ; x = 1': 'Exit(); x = 1',
  'x = y\n-z': 'x = (y - z)',
  'expect (a)\n(b)': 'Expect(condition: a(b))',
  'expect a\n[1]': 'Expect(condition: a[1])',
  'expect "a" "b"': 'Expect(condition: "a", message: "b")',
  'wait hog.0 wait all': 'Wait(task: hog.0); Wait(task: all)',
  'wait()': 'call wait()',
  'touch a .. b step (c)': 'Touch(from: a, step: c, to: b)',
  'touch a .. b\nstep(1)': 'Touch(from: a, step: 1, to: b)',
  'touch a .. b\nread(fd, 1)': 'Touch(from: a, to: b); call read(fd, 1)',
  'touch a .. b\nwrite[0] = 1': 'Touch(from: a, to: b); write[0] = 1',
  'touch a .. b write\nstep += 1': 'Touch(from: a, mode: write, to: b); step += 1',
  'touch a .. b read = 3': 'Touch(from: a, to: b); read = 3',
  'for i in c ? 0 : 1 .. 9 { }': 'For(body: {  }, range: (c ? 0 : 1) .. 9, variable: i)',
  'for i in a || b .. c & d { }': 'For(body: {  }, range: (a || b) .. (c & d), variable: i)',
  'for in_ in 1..5 { }': 'For(body: {  }, range: 1 .. 5, variable: in_)',
  'repeat as as as { }': 'Repeat(body: {  }, count: as, variable: as)',
  'if x { y = 1 }': 'If(condition: x, then: { y = 1 })',
  'if a { } else if b { } else { }': 'If(condition: a, else: {  }, elseIfs: ElseIf(condition: b, then: {  }), then: {  })',
  'x = fork c { }': 'x = Fork(body: {  }, name: c)',
  'x[i][j] = e': 'x[i][j] = e',
  'x[0] += y[1]': 'x[0] += y[1]',
};

const DECLARATIONS: Readonly<Record<string, string>> = {
  'process nice nice 3 nice -4 { }': 'Process(body: {  }, name: nice, options: nice 3, nice -4)',
  'process after after at { }': 'Process(body: {  }, name: after, options: after at)',
  'stop on hits when hits hits 3 log "x"': 'Stop(event: hits, hits: 3, log: "x", when: hits)',
  'stop on kmem : mm_page_alloc': 'Stop(event: kmem:mm_page_alloc)',
  'machine { memory seed seed 4 }': 'Machine(settings: MemorySetting(size: seed), SeedSetting(seed: 4))',
  'machine { sysctl vm.page-cluster = 3 -1 }': 'Machine(settings: SysctlSetting(name: vm.page-cluster, value: (3 - 1)))',
  'const A = b\n(c)': 'Const(name: A, value: b(c))',
  'def read(log) { } expects_bug "x"': 'Def(body: {  }, name: read, params: log), ExpectsBug(text: "x")',
};

/** A case's text on one line. */
function title(text: string): string {
  return text.replaceAll('\n', ' ⏎ ');
}

describe('readings', () => {
  for (const [text, expected] of Object.entries(EXPRESSIONS)) {
    it(title(text), () => assert.equal(picture(parseExpression(text).expression), expected));
  }

  for (const [text, expected] of Object.entries(STATEMENTS)) {
    it(title(text), () => {
      const { scenario, problems } = parseSource(`process p {\n${text}\n}`, 'reading.pagewalk');
      assert.deepEqual(problems, []);
      assert.equal((scenario.decls[0] as Process).body.statements.map(picture).join('; '), expected);
    });
  }

  for (const [text, expected] of Object.entries(DECLARATIONS)) {
    it(title(text), () => {
      const { scenario, problems } = parseSource(text, 'reading.pagewalk');
      assert.deepEqual(problems, []);
      assert.equal(picture(scenario.decls), expected);
    });
  }
});
