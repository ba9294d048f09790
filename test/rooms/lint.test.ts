// The lint rules, each broken once in a planted file and seen caught; and correct code of every kind, which passes.

import assert from 'node:assert/strict';
import { makeOverlay, runTool, ROOT, type Files, type Overlay } from './overlay.ts';

const KEPT = ['eslint.config.mjs', 'build/eslint', 'package.json', 'tsconfig.base.json', 'tsconfig.json',
  ...['engine', 'language', 'language/server', 'build', 'debug-adapter', 'cli', 'extension', 'test'].map((room) => `${room}/tsconfig.json`)];

/** What an engine file needs around it to be read with types. */
const SLEEPER = `export interface Kernel { mem_map: { flags: number[] }; zone: { pages: number } }
export function* sleep(k: Kernel): Generator<number, number, void> { yield k.zone.pages; return 1; }
export const log = (...words: unknown[]): void => void words;`;

/** A generator of the engine whose body is `body`. */
const generator = (body: string): string => `import { log, sleep, type Kernel } from '../house.ts';\nlog(sleep);\n`
  + `export function* planted(k: Kernel): Generator<number, number, void> { let x = 0; log(x, k);\n${body}\nx++; return x; }`;

/** An exported function with that body; `f` and `x` are at hand. */
const plain = (body: string): string => `export function planted(f: (...p: unknown[]) => number, x: number): unknown {\n${body}\nreturn f(x);\n}`;

const lines = (count: number, line: (n: number) => string): string => Array.from({ length: count }, (_, n) => line(n)).join('\n');

/** A rule, a word of its message, the planted file, its text. */
type Breach = [rule: string, message: string, file: string, text: string];

const BREACHES: Breach[] = [
  // names
  ['pagewalk/file-name', 'kernel file', 'engine/mm/PageAlloc.ts', ''],
  ['pagewalk/file-name', 'kebab-case', 'debug-adapter/engineClient.ts', ''],
  ['@typescript-eslint/naming-convention', 'must match', 'cli/names.ts', 'export function run_scenario(): void {}'],
  ['@typescript-eslint/naming-convention', 'RegExp', 'cli/types.ts', 'export interface IScenario { name: string }'],
  // sizes
  ['max-lines', '500', 'cli/long.ts', lines(501, (n) => `export const line${n} = ${n};`)],
  ['max-lines', '800', 'engine/mm/long.ts', lines(801, (n) => `export const line${n} = ${n};`)],
  ['max-lines-per-function', '60', 'cli/long-function.ts', plain(lines(60, () => 'f(x);'))],
  ['max-depth', '4', 'cli/deep.ts', plain('if (x) { if (f(1)) { if (f(2)) { if (f(3)) { if (f(4)) f(5); } } } }')],
  ['max-params', '5', 'cli/params.ts', 'export const add = (a: number, b: number, c: number, d: number, e: number, f: number): number => a + b + c + d + e + f;'],
  ['complexity', '16', 'cli/complex.ts', plain(lines(16, (n) => `if (x === ${n}) f(${n});`))],
  ['max-len', '150', 'cli/wide.ts', `export const total = ${lines(40, () => '1000').replaceAll('\n', ' + ')};`],
  // expression
  ['eqeqeq', '===', 'cli/equal.ts', plain('if (x == 1) f();')],
  ['no-else-return', 'else', 'cli/else.ts', 'export function sign(x: number): number {\nif (x < 0) { return -1; } else { return 1; }\n}'],
  ['no-eval', 'eval', 'cli/eval.ts', plain(`eval('f()');`)],
  ['no-new-func', 'Function', 'cli/new-func.ts', `export const made = new Function('return 1');`],
  ['no-unreachable-loop', 'one iteration', 'cli/loop.ts', plain('while (x > 0) { return f(); }')],
  ['no-var', 'var', 'cli/var.ts', plain('var y = f(); f(y);')],
  ['prefer-const', 'const', 'cli/const.ts', plain('let y = f(); f(y);')],
  ['object-shorthand', 'shorthand', 'cli/shorthand.ts', plain('f({ x: x });')],
  ['no-warning-comments', 'todo', 'cli/later.ts', `// ${'to'}${'do'}: later\nexport const later = 1;`],
  ['no-restricted-syntax', 'Export by name', 'cli/barrel.ts', `export * from './barrel-of.ts';`],
  ['pagewalk/boolean-argument', 'named option', 'cli/boolean.ts', plain('f(x, true);')],
  // types
  ['@typescript-eslint/no-explicit-any', 'any', 'cli/any.ts', 'export const loose = (x: any): unknown => x;'],
  ['@typescript-eslint/ban-ts-comment', 'ts-ignore', 'cli/ignore.ts', '// @ts-ignore\nexport const x: number = 1;'],
  ['@typescript-eslint/ban-ts-comment', 'ts-expect-error', 'cli/expect.ts', '// @ts-expect-error because we can\nexport const x: number = 1;'],
  ['@typescript-eslint/no-unused-vars', 'never used', 'cli/unused.ts', 'const unused = 1;'],
  ['@typescript-eslint/consistent-type-imports', 'type', 'cli/import.ts', `import { Stats } from 'node:fs';\nexport type S = Stats;`],
  ['@typescript-eslint/no-floating-promises', 'await', 'cli/floating.ts', `import fs from 'node:fs/promises';\nfs.rm('x');`],
  ['@typescript-eslint/await-thenable', 'await', 'cli/await.ts', 'export async function wait(): Promise<void> { await 1; }'],
  ['@typescript-eslint/switch-exhaustiveness-check', 'exhaustive', 'cli/switch.ts', `export function pick(x: 'a' | 'b'): void { switch (x) { case 'a': break; } }`],
  ['@typescript-eslint/no-namespace', 'namespace', 'cli/namespace.ts', 'export namespace Inner { export type X = 1; }'],
  // switching off
  ['null', 'noInlineConfig', 'cli/disable.ts', `/* ${'eslint'}-disable no-var */\nexport const x = 1;`],
  // determinism
  ['no-restricted-syntax', 'seeded', 'engine/random.ts', 'export const dice = (): number => Math.random();'],
  ['no-restricted-syntax', 'seeded', 'language/runtime/random.ts', 'export const dice = (): number => Math.random();'],
  ['no-restricted-syntax', 'at module level is state', 'engine/counter.ts', 'let counter = 0;\nexport const count = (): number => counter++;'],
  ['no-restricted-syntax', 'at module level is state', 'language/runtime/counter.ts', 'export let counter = 0;'],
  ['no-restricted-syntax', 'empty container', 'engine/cache.ts', 'export const cache = new Map<number, number>();'],
  ['no-restricted-syntax', 'plain data', 'engine/zone.ts', 'export class Zone { free = 0; }'],
  ['no-restricted-syntax', 'scheduler resumes', 'engine/async.ts', 'export async function wait(): Promise<void> {}'],
  ['no-restricted-syntax', 'host\'s language', 'engine/locale.ts', 'export const text = (n: number): string => n.toLocaleString();'],
  ['no-restricted-globals', 'time is k.now', 'engine/date.ts', 'export const now = (): number => Date.now();'],
  ['no-restricted-globals', 'time is k.now', 'engine/clock.ts', 'export const now = (): number => performance.now();'],
  ['no-restricted-globals', 'waiting is a generator', 'engine/timer.ts', 'export const later = (f: () => void): unknown => setTimeout(f, 1);'],
  ['no-restricted-globals', 'no host', 'language/runtime/env.ts', 'export const env = process.env;'],
  ['no-restricted-globals', 'printk', 'engine/print.ts', `export const hello = (): void => console.log('hello');`],
  ['no-console', 'console', 'language/print.ts', `export const hello = (): void => console.log('hello');`],
  ['no-console', 'console', 'debug-adapter/print.ts', `export const hello = (): void => console.log('hello');`],
  // state that a debugger can watch
  ['no-restricted-syntax', 'Move the elements', 'engine/splice.ts', 'export const drop = (list: number[]): unknown => list.splice(0, 1);'],
  ['no-restricted-syntax', 'Assign each property', 'engine/assign.ts', 'export const copy = (a: object, b: object): unknown => Object.assign(a, b);'],
  ['no-restricted-syntax', 'keeps its fields', 'engine/delete.ts', 'export function forget(a: { x?: number }): void { delete a.x; }'],
  ['pagewalk/page-columns', 'accessor', 'engine/mm/column.ts', generator('log(k.mem_map.flags[0]);')],
  ['pagewalk/page-columns', 'accessor', 'engine/mm/pattern.ts', generator('const { flags } = k.mem_map; log(flags);')],
  ['pagewalk/page-columns', 'alias', 'engine/mm/alias.ts', generator('const map = k.mem_map; log(map);')],
  // resumability
  ['pagewalk/lonely-yield', 'stands alone', 'engine/mm/condition.ts', generator('if (yield* sleep(k)) x = 1;')],
  ['pagewalk/lonely-yield', 'stands alone', 'engine/mm/argument.ts', generator('log(yield* sleep(k));')],
  ['pagewalk/lonely-yield', 'stands alone', 'engine/mm/sum.ts', generator('x = 1 + (yield* sleep(k));')],
  ['pagewalk/lonely-yield', 'stands alone', 'engine/mm/property.ts', generator('k.zone.pages += yield* sleep(k);')],
  ['pagewalk/lonely-yield', 'stands alone', 'engine/mm/declarators.ts', generator('const a = 1, b = yield* sleep(k); log(a, b);')],
  ['pagewalk/lonely-yield', 'stands alone', 'language/runtime/operand.ts', generator('return x || (yield* sleep(k));').replace('../house', '../../engine/house')],
  ['pagewalk/lonely-yield', 'iterator', 'engine/mm/iterator.ts', generator('for (const n of [1, 2]) { log(n); yield* sleep(k); }')],
  ['pagewalk/yield-generators', 'does nothing without', 'engine/mm/forgotten.ts', generator('sleep(k);')],
  ['pagewalk/yield-generators', 'does nothing without', 'engine/mm/truthy.ts', generator('if (sleep(k)) x = 1;')],
  ['no-restricted-syntax', 'Export by name', 'build/barrel.mjs', `export * from './ensure.mjs';`],
  ['no-unused-vars', 'never used', 'build/unused.mjs', 'const unused = 1;'],
];

/** Code that follows every rule. */
const GOOD: Files = {
  'engine/house.ts': SLEEPER,
  'engine/mm/mem_map.ts': `import type { Kernel } from '../house.ts';\nexport const page_flags = (k: Kernel, page: number): number => k.mem_map.flags[page]!;`,
  'engine/mm/page_alloc.ts': generator(['yield* sleep(k);', 'x = yield* sleep(k);', 'const y = yield* sleep(k);', 'let z = yield* sleep(k);', 'z += yield* sleep(k);',
    'for (let i = 0; i < y; i++) { yield* sleep(k); }', 'if (z === 7) return yield* sleep(k);', 'const body = sleep(k); log(body, z > 1 ? sleep(k) : null);'].join('\n')),
  'engine/include/page-flags.ts': 'export const PG_locked = 0;\nexport class KernelBug extends Error {}',
  'engine/trace/kmem.ts': 'export const NAMES = new Map([[0, \'mm_page_alloc\']]);',
  'cli/run-scenario.ts': `import assert from 'node:assert/strict';\nexport const isDirty = (n: number): boolean => n > 0;\nassert.equal(isDirty(1), true);\nconsole.log(isDirty(2));`,
  'cli/barrel-of.ts': `export const EXIT_USAGE = 2;\nexport const PG_buddy = 19;`,
  'extension/main.ts': 'export async function activate(): Promise<void> { await Promise.resolve(); }',
  'test/language/compile.test.ts': `describe('compile', () => { it('runs', () => {}); });`,
};

interface LintMessage {
  ruleId: string | null;
  message: string;
}

type Findings = Record<string, LintMessage[]>;

function lint(root: string): Findings {
  const out = runTool(root, 'eslint/bin/eslint.js', ['.', '--format', 'json']);
  const results = JSON.parse(out) as { filePath: string; messages: LintMessage[] }[];
  return Object.fromEntries(results.map(({ filePath, messages }) => [filePath.slice(root.length + 1).replaceAll('\\', '/'), messages]));
}

const shown = (messages: LintMessage[] = []): string[] => messages.map(({ ruleId, message }) => `${ruleId}: ${message}`);

describe('rooms: lint', function lintRules() {
  this.timeout(120_000);
  let overlay: Overlay;
  let found: Findings;

  before(() => {
    overlay = makeOverlay(KEPT, { ...GOOD, ...Object.fromEntries(BREACHES.map(([, , file, text]) => [file, text])) });
    found = lint(overlay.root);
  });
  after(() => overlay.remove());

  for (const [rule, message, file] of BREACHES) {
    it(`catches ${rule} in ${file}`, () => {
      const hits = shown(found[file]).filter((line) => line.startsWith(`${rule}: `) && line.includes(message));
      assert.notEqual(hits.length, 0, `${file}: ${shown(found[file]).join('\n') || 'nothing found'}`);
    });
  }

  for (const file of Object.keys(GOOD)) it(`finds nothing in ${file}`, () => assert.deepEqual(shown(found[file]), []));

  it('has a planted breach for every rule and every banned piece of syntax', async () => {
    const { ESLint } = await import('eslint');
    const config = (await new ESLint({ cwd: ROOT }).calculateConfigForFile('engine/machine.ts')) as { rules: Record<string, [number, ...unknown[]]> };
    const { default: tseslint } = await import('typescript-eslint');
    const inherited = new Set(tseslint.configs.recommended.flatMap(({ rules }) => Object.keys(rules ?? {})));
    const ours = Object.keys(config.rules).filter((rule) => config.rules[rule]![0] !== 0 && !inherited.has(rule));
    const caught = new Set(BREACHES.map(([rule]) => rule));
    assert.deepEqual(ours.filter((rule) => !caught.has(rule)), []);
    const texts = Object.values(found).flat().map(({ message }) => message);
    const bans = config.rules['no-restricted-syntax']!.slice(1) as { message: string }[];
    assert.deepEqual(bans.filter(({ message }) => !texts.includes(message)), []);
  });
});
