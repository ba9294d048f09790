// The colours of words, from the generated TextMate grammar. The tokeniser below does what an editor's does, line by line, as far as this
// grammar needs it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name: string): URL => new URL(`../../${name}`, import.meta.url);

interface Pattern {
  include?: string;
  match?: string;
  begin?: string;
  end?: string;
  name?: string;
  contentName?: string;
  captures?: Record<string, { name: string }>;
  beginCaptures?: Record<string, { name: string }>;
  endCaptures?: Record<string, { name: string }>;
  patterns?: Pattern[];
}

interface Grammar {
  patterns: Pattern[];
  repository: Record<string, Pattern>;
}

/** From `start` on, the scopes are these. */
interface Piece {
  start: number;
  scopes: string[];
}

interface Rule {
  match: string;
  isEnd: boolean;
  rule: Pattern;
}

interface Open {
  pattern: Pattern;
  inner: string[];
}

let grammar: Grammar;

describe('TextMate grammar', () => {
  before(async () => {
    const { generateTextMate } = (await import(fileURLToPath(path('build/textmate.mjs')))) as { generateTextMate: () => Promise<void> };
    await generateTextMate();
    grammar = JSON.parse(readFileSync(path('syntaxes/pagewalk.tmLanguage.json'), 'utf8')) as Grammar;
  });

  const cases: [string, string, string][] = [
    ['machine { memory 64MiB }', 'machine', 'keyword.declaration'],
    ['machine { memory 64MiB }', 'memory', 'keyword.other.setting'],
    ['machine { memory 64MiB }', '64', 'constant.numeric.decimal'],
    ['machine { memory 64MiB }', 'MiB', 'keyword.other.unit'],
    ['machine {\n  disk sda { seek 8ms bandwidth 60MiB/s }\n  seed 0xFF\n}', 'seek', 'keyword.other.setting'],
    ['machine {\n  disk sda { seek 8ms bandwidth 60MiB/s }\n  seed 0xFF\n}', 'seed', 'keyword.other.setting'],
    ['machine {\n  disk sda { seek 8ms bandwidth 60MiB/s }\n  seed 0xFF\n}', '0xFF', 'constant.numeric.hex'],
    ['machine { sysctl vm.page-cluster = 3 }', 'vm.page-cluster', 'variable.other.property.sysctl'],
    ['process hog nice 5 { let memory = 1 }', 'nice', 'keyword.other.option'],
    ['process hog nice 5 { let memory = 1 }', 'hog', 'entity.name.class'],
    ['process hog nice 5 { let memory = 1 }', 'memory', 'variable.other.readwrite'],
    ['process hog { nice = memory + seek }', 'nice', ''],
    ['process hog { nice = memory + seek }', 'memory', ''],
    ['process hog {\n touch a .. b write step 4KiB\n}', 'write', 'keyword.other.clause'],
    ['process hog {\n touch a .. b write step 4KiB\n}', 'step', 'keyword.control'],
    ['process hog {\n write(fd, 1)\n}', 'write', 'support.function'],
    ['process hog { step = 3 }', 'step', ''],
    ['process hog { wait child }', 'child', 'entity.name.class'],
    ['process hog { repeat 3 as i { } }', 'as', 'keyword.control'],
    ['process hog { x = y ? PROT_READ : mine(1) }', 'PROT_READ', 'variable.other.constant'],
    ['process hog { x = y ? PROT_READ : mine(1) }', 'mine', 'entity.name.function'],
    ['process hog { x = nodes[0].zones }', 'nodes', 'support.variable'],
    ['process hog { x = nodes[0].zones }', 'zones', 'variable.other.property'],
    ['process hog { mmap(length: 4KiB) }', 'length', 'variable.parameter'],
    ['stop on kmem:mm_page_alloc when order > 3 hits 5', 'kmem:mm_page_alloc', 'entity.name.function.event'],
    ['stop on oom\n  when order > 3\nprocess when { }', 'when', 'keyword.other.clause'],
    ['stop on oom log "a {order} {{b}} {f(\\"c\\")}" expect x', 'order', ''],
    ['stop on oom log "a {order} {{b}} {f(\\"c\\")}" expect x', 'b', 'string.quoted.double'],
    ['stop on oom log "a {order} {{b}} {f(\\"c\\")}" expect x', 'f', 'entity.name.function'],
    ['stop on oom log "a {order} {{b}} {f(\\"c\\")}" expect x', 'expect', 'keyword.other.action'],
    ['def f(a) { return a }', 'f', 'entity.name.function'],
    ['def f(a) { return a }', 'return', 'keyword.control'],
    ['/* machine\n process */ const A = "def \\n" // let', 'process', 'comment.block'],
    ['/* machine\n process */ const A = "def \\n" // let', 'A', 'variable.other.constant'],
    ['/* machine\n process */ const A = "def \\n" // let', 'def', 'string.quoted.double'],
    ['/* machine\n process */ const A = "def \\n" // let', '\\n', 'constant.character.escape'],
    ['/* machine\n process */ const A = "def \\n" // let', 'let', 'comment.line.double-slash'],
    ['expects_bug "slab"', 'expects_bug', 'keyword.declaration'],
    ['process p { let n = 4kb }', '4kb', 'invalid.illegal.numeric'],
  ];

  for (const [text, word, scope] of cases) it(`${JSON.stringify(text)}: ${word} is ${scope || 'plain'}`, () => assert.equal(scopeOf(text, word), scope));

  it('leaves no block open at the end of the example', () => {
    const { open } = scopesOf(readFileSync(path('test/language/front-example.pagewalk'), 'utf8'));
    assert.deepEqual(open.filter(({ pattern }) => pattern.name !== 'meta.stop'), []);
  });
});

/**
 * The innermost scope of the first occurrence of a word. Regions (`meta.…`) have no colour, and one that is embedded takes away what is
 * around it.
 */
function scopeOf(text: string, word: string): string {
  const whole = text.search(new RegExp(`(?<!\\w)${word.replace(/[\\.^$*+?()[\]{}|]/g, '\\$&')}(?!\\w)`));
  const at = whole < 0 ? text.indexOf(word) : whole;
  const scopes = scopesOf(text).pieces.filter(({ start }) => start <= at).at(-1)?.scopes ?? [];
  return scopes.slice(scopes.lastIndexOf('meta.embedded.line') + 1).filter((scope) => !scope.startsWith('meta.')).at(-1) ?? '';
}

function scopesOf(text: string): { pieces: Piece[]; open: Open[] } {
  const pieces: Piece[] = [];
  const open: Open[] = [{ pattern: { patterns: grammar.patterns }, inner: [] }];
  let lineStart = 0;
  for (const line of text.split('\n')) {
    tokeniseLine(line, lineStart, open, pieces);
    lineStart += line.length + 1;
  }
  return { pieces, open: open.slice(1) };
}

function tokeniseLine(line: string, lineStart: number, open: Open[], pieces: Piece[]): void {
  let at = 0;
  let last = '';
  for (;;) {
    const { pattern, inner } = open.at(-1)!;
    pieces.push({ start: lineStart + at, scopes: inner });
    const hits = rulesIn(pattern).map((rule) => ({ ...rule, hit: search(rule.match, line, at) }));
    const found = hits.filter(({ hit }) => hit !== null).sort((a, b) => a.hit!.index - b.hit!.index)[0];
    if (found === undefined) return;
    const hit = found.hit!;
    const state = `${hit.index} ${open.length} ${found.isEnd}`;
    if (hit[0] === '' && state === last) return;
    last = state;
    apply(found, hit, lineStart, open, pieces);
    at = hit.index + hit[0].length;
  }
}

/** What may come inside a pattern; its end comes first where both fit. */
function rulesIn(pattern: Pattern): Rule[] {
  const end = pattern.end === undefined ? [] : [{ match: pattern.end, isEnd: true, rule: pattern }];
  return [...end, ...flatten(pattern.patterns ?? []).map((rule) => ({ match: (rule.match ?? rule.begin)!, isEnd: false, rule }))];
}

function apply({ isEnd, rule }: Rule, hit: RegExpExecArray, lineStart: number, open: Open[], pieces: Piece[]): void {
  const base = isEnd ? open.at(-2)!.inner : open.at(-1)!.inner;
  const scopes = rule.name === undefined ? base : [...base, rule.name];
  pieces.push({ start: lineStart + hit.index, scopes });
  const names = isEnd ? rule.endCaptures : (rule.captures ?? rule.beginCaptures);
  for (const [group, { name }] of Object.entries(names ?? {})) {
    const range = hit.indices?.[Number(group)];
    if (range === undefined) continue;
    pieces.push({ start: lineStart + range[0], scopes: [...scopes, name] }, { start: lineStart + range[1], scopes });
  }
  pieces.sort((a, b) => a.start - b.start);
  if (isEnd) open.pop();
  else if (rule.begin !== undefined) open.push({ pattern: rule, inner: rule.contentName === undefined ? scopes : [...scopes, rule.contentName] });
}

function flatten(patterns: readonly Pattern[]): Pattern[] {
  return patterns.flatMap((pattern) => {
    const target = pattern.include === undefined ? pattern : grammar.repository[pattern.include.slice(1)]!;
    return target.match === undefined && target.begin === undefined ? flatten(target.patterns ?? []) : [target];
  });
}

function search(source: string, line: string, at: number): RegExpExecArray | null {
  const pattern = new RegExp(source, 'dg');
  pattern.lastIndex = at;
  return pattern.exec(line);
}
