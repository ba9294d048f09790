// The project references: each room compiled with what it may know, each compiler option broken once in a planted house and seen caught.

import assert from 'node:assert/strict';
import { makeOverlay, runTool, type Files, type Overlay } from './overlay.ts';

const PROJECTS = ['engine', 'language', 'language/server', 'build', 'debug-adapter', 'cli', 'extension', 'test'];
const KEPT = ['package.json', 'tsconfig.base.json', 'tsconfig.json', 'debug-adapter/tsconfig.protocol.json', ...PROJECTS.map((room) => `${room}/tsconfig.json`)];

/** Every allowed direction, and what each room may know of its host. */
const HOUSE: Files = {
  'engine/index.ts': 'export const alloc_pages = (order: number): number => order;',
  'language/index.ts': `import { alloc_pages } from '../engine/index.ts';\nexport const compile = (): number => alloc_pages(1);`,
  'language/server/main.ts': `import { compile } from '../index.ts';\nprocess.exitCode = compile();`,
  'build/instrument/tables.ts': 'export interface Tables { places: number[] }',
  'debug-adapter/index.ts': `import type { Tables } from '../build/instrument/tables.ts';\nimport { compile } from '../language/index.ts';
export const places = (tables: Tables): number => tables.places.length + compile() + Buffer.alloc(1).length;`,
  'debug-adapter/protocol.ts': 'export interface ZoneRow { name: string }',
  'cli/main.ts': `import { places } from '../debug-adapter/index.ts';\nprocess.exitCode = places({ places: [] });`,
  'extension/main.ts': `import { window } from 'vscode';\nimport type { ZoneRow } from '../debug-adapter/protocol.ts';
export const show = (row: ZoneRow): unknown => window.showInformationMessage(row.name);`,
  'test/cli/main.test.ts': `import assert from 'node:assert/strict';\nimport { compile } from '../../language/index.ts';\nit('runs', () => assert.equal(compile(), 1));`,
};

/** A word of the compiler's message, the planted file, its text. */
type Breach = [message: string, file: string, text: string];

const BREACHES: Breach[] = [
  ['not listed within the file list', 'engine/b1.ts', `import { compile } from '../language/index.ts';\nexport const x = compile;`],
  ['not listed within the file list', 'language/b1.ts', `import type { ZoneRow } from '../debug-adapter/protocol.ts';\nexport type X = ZoneRow;`],
  ['not listed within the file list', 'build/b1.ts', `import { alloc_pages } from '../engine/index.ts';\nexport const x = alloc_pages;`],
  ['not listed within the file list', 'debug-adapter/b1.ts', `import { show } from '../extension/main.ts';\nexport const x = show;`],
  ['not listed within the file list', 'extension/b1.ts', `import { alloc_pages } from '../engine/index.ts';\nexport const x = alloc_pages;`],
  [`Cannot find name 'process'`, 'engine/b2.ts', 'export const x = process;'],
  [`Cannot find name 'document'`, 'engine/b3.ts', 'export const x = document;'],
  [`Cannot find name 'setTimeout'`, 'engine/b4.ts', 'export const x = setTimeout;'],
  [`Cannot find name 'console'`, 'engine/b5.ts', 'export const x = console;'],
  [`Cannot find name 'process'`, 'language/b2.ts', 'export const x = process;'],
  [`Cannot find name 'document'`, 'language/b3.ts', 'export const x = document;'],
  [`Cannot find name 'document'`, 'language/server/b1.ts', 'export const x = document;'],
  [`Cannot find name 'describe'`, 'debug-adapter/b2.ts', 'export const x = describe;'],
  [`Cannot find module 'pagewalk:hooks'`, 'engine/b6.ts', `import { __stop } from 'pagewalk:hooks';\nexport const x = __stop;`],
  ['erasableSyntaxOnly', 'engine/b7.ts', 'export enum Migrate { movable }'],
  ['verbatimModuleSyntax', 'cli/b1.ts', `import { PathLike } from 'node:fs';\nexport const x = (s: PathLike): PathLike => s;`],
  [`undefined' is not assignable`, 'engine/b8.ts', 'export const first = (list: number[]): number => list[0];'],
  [`implicitly has an 'any' type`, 'engine/b9.ts', 'export const same = (x) => x;'],
  ['override', 'cli/b2.ts', 'class A { run(): void {} }\nexport class B extends A { run(): void {} }'],
  ['Not all code paths', 'cli/b3.ts', 'export function f(x: number): number | undefined { if (x > 0) return 1; }'],
  ['Fallthrough', 'cli/b4.ts', 'export function f(x: number): number { switch (x) { case 1: x++; default: return x; } }'],
];

describe('rooms: types', function typeRules() {
  this.timeout(120_000);
  let overlay: Overlay;
  let errors: string[];

  before(() => {
    overlay = makeOverlay(KEPT, { ...HOUSE, ...Object.fromEntries(BREACHES.map(([, file, text]) => [file, text])) });
    errors = runTool(overlay.root, 'typescript/bin/tsc', ['-b']).split('\n').filter((line) => line.includes('error TS'));
  });
  after(() => overlay.remove());

  for (const [message, file] of BREACHES) {
    it(`catches ${file}: ${message}`, () => {
      const own = errors.filter((line) => line.startsWith(`${file}(`));
      assert.ok(own.some((line) => new RegExp(message).test(line)), `${file}:\n${own.join('\n') || errors.join('\n')}`);
    });
  }

  it('finds nothing in code that follows the rules', () => {
    assert.deepEqual(errors.filter((line) => !BREACHES.some(([, file]) => line.startsWith(`${file}(`))), []);
  });
});
