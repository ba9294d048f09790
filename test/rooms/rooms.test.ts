// The rules of imports, each broken once in a small planted house and seen caught by name; and the real house, which keeps them.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { makeOverlay, ROOT, runTool, type Files, type Overlay } from './overlay.ts';

const CONFIG = '.dependency-cruiser.cjs';
const ROOMS = ['engine', 'language', 'debug-adapter', 'cli', 'extension', 'build', 'test'];

/** The house before anything is planted: every allowed direction is used once. */
const HOUSE: Files = {
  'engine/index.ts': `export { alloc_pages } from './mm/page_alloc.ts';`,
  'engine/kernel.ts': `export interface Kernel { now: number }`,
  'engine/mm/page_alloc.ts': `import { shrink } from './vmscan.ts';\nexport const alloc_pages = shrink;`,
  'engine/mm/vmscan.ts': `import { alloc_pages } from './page_alloc.ts';\nexport function shrink(): unknown { return alloc_pages; }`,
  'language/index.ts': `import { AstUtils } from 'langium';\nimport { run } from './runtime/index.ts';\nexport const compile = [AstUtils, run];`,
  'language/compiler/compile.ts': `import { AstUtils } from 'langium';\nexport const compiled = AstUtils;`,
  'language/vocabulary/calls.ts': `export const CALLS = ['alloc_pages'];`,
  'language/runtime/index.ts': `import { alloc_pages } from '../../engine/index.ts';\nimport { CALLS } from '../vocabulary/calls.ts';\nexport const run = [alloc_pages, CALLS];`,
  'language/server/main.ts': `import fs from 'node:fs';\nimport { compile } from '../index.ts';\nexport const server = [fs, compile];`,
  'build/instrument/tables.ts': `export interface Tables { places: number[] }\nexport const emptyTables: Tables = { places: [] };`,
  'debug-adapter/index.ts': `import { compile } from '../language/index.ts';\nimport type { Tables } from '../build/instrument/tables.ts';\nexport const adapter = compile;\nexport type T = Tables;`,
  'debug-adapter/protocol.ts': `export interface ZoneRow { name: string }\nexport const REQUEST = 'pagewalk/zones';`,
  'debug-adapter/worker/main.ts': `import { run } from '../../language/runtime/index.ts';\nimport { alloc_pages } from '../../engine/index.ts';\nexport const worker = [run, alloc_pages];`,
  'cli/main.ts': `import { adapter } from '../debug-adapter/index.ts';\nimport { compile } from '../language/index.ts';\nexport const cli = [adapter, compile];`,
  'extension/main.ts': `import { window } from 'vscode';\nimport type { ZoneRow } from '../debug-adapter/protocol.ts';\nexport const rows: ZoneRow[] = [window as never];`,
  'test/helper.ts': `import { shrink } from '../engine/mm/vmscan.ts';\nexport const help = shrink;`,
};

/** A rule, the file that breaks it, and what that file says. */
type Breach = [rule: string, file: string, text: string];

const BREACHES: Breach[] = [
  ['engine-knows-nobody', 'engine/b1.ts', `import { compile } from '../language/index.ts';`],
  ['engine-knows-nobody', 'engine/b2.ts', `import type { ZoneRow } from '../debug-adapter/protocol.ts';`],
  ['language-knows-the-engine-only', 'language/b1.ts', `import type { ZoneRow } from '../debug-adapter/protocol.ts';`],
  ['debug-adapter-knows-engine-and-language', 'debug-adapter/b1.ts', `import { cli } from '../cli/main.ts';`],
  ['debug-adapter-knows-engine-and-language', 'debug-adapter/b2.ts', `import type { X } from '../build/instrument/visitor.ts';`],
  ['cli-knows-the-three-rooms', 'cli/b1.ts', `import { rows } from '../extension/main.ts';`],
  ['extension-talks-dap', 'extension/b1.ts', `import type { Kernel } from '../engine/kernel.ts';`],
  ['extension-talks-dap', 'extension/b2.ts', `import type { T } from '../debug-adapter/index.ts';`],
  ['extension-takes-types-only', 'extension/b3.ts', `import { REQUEST } from '../debug-adapter/protocol.ts';`],
  ['build-stays-out-of-the-rooms', 'build/b1.ts', `import { alloc_pages } from '../engine/index.ts';`],
  ['no-room-needs-the-build', 'debug-adapter/b3.ts', `import { emptyTables } from '../build/instrument/tables.ts';`],
  ['nobody-imports-tests', 'cli/b2.ts', `import { help } from '../test/helper.ts';`],
  ['engine-by-its-door', 'language/b2.ts', `import type { Kernel } from '../engine/kernel.ts';`],
  ['language-by-its-doors', 'debug-adapter/b4.ts', `import { CALLS } from '../language/vocabulary/calls.ts';`],
  ['debug-adapter-by-its-door', 'cli/b3.ts', `import { worker } from '../debug-adapter/worker/main.ts';`],
  ['programs-are-nobodys-library', 'debug-adapter/b5.ts', `import { cli } from '../cli/main.ts';`],
  ['runtime-runs-without-the-compiler', 'language/runtime/b1.ts', `import type { compiled } from '../compiler/compile.ts';`],
  ['runtime-reaches-no-langium', 'language/runtime/b2.ts', `import { compiled } from '../compiler/compile.ts';`],
  ['worker-reaches-no-langium', 'debug-adapter/worker/b1.ts', `import { compile } from '../../language/index.ts';`],
  ['vocabulary-is-data', 'language/vocabulary/b1.ts', `import { run } from '../runtime/index.ts';`],
  ['server-is-a-program', 'language/b3.ts', `import { server } from './server/main.ts';`],
  ['no-cycles-outside-mm', 'language/b4.ts', `import { five } from './b5.ts';\nexport const four = five;`],
  ['no-cycles-outside-mm', 'engine/b3.ts', `import { one } from './mm/b4.ts';\nexport const sleep = one;`],
  ['engine-needs-no-package', 'engine/b4.ts', `import { hrtime } from 'node:process';`],
  ['engine-needs-no-package', 'engine/b5.ts', `import { Command } from 'commander';`],
  ['runtime-needs-no-package', 'language/runtime/b3.ts', `import { Command } from 'commander';`],
  ['language-needs-no-node', 'language/b6.ts', `import fs from 'node:fs';`],
  ['langium-stays-in-language', 'cli/b4.ts', `import type { AstNode } from 'langium';`],
  ['vscode-stays-in-extension', 'debug-adapter/b6.ts', `import { window } from 'vscode';`],
  ['dap-stays-in-debug-adapter', 'cli/b5.ts', `import { DebugSession } from '@vscode/debugadapter';`],
  ['everything-resolves', 'cli/b6.ts', `import { gone } from './gone.ts';`],
];

/** What breaches need that stand in no allowed direction: the other halves of cycles, an inner file of build/. */
const ACCOMPLICES: Files = {
  'language/b5.ts': `import { four } from './b4.ts';\nexport const five = four;`,
  'engine/mm/b4.ts': `import { sleep } from '../b3.ts';\nexport const one = sleep;`,
  'build/instrument/visitor.ts': 'export type X = number;',
};

interface Violation {
  from: string;
  rule: { name: string };
}

function violations(root: string): string[] {
  const out = runTool(root, 'dependency-cruiser/bin/dependency-cruise.mjs', ['--config', CONFIG, '--output-type', 'json', ...ROOMS]);
  const report = JSON.parse(out) as { summary: { violations: Violation[] } };
  return report.summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
}

describe('rooms: who may import whom', () => {
  let overlay: Overlay;
  let found: string[];

  before(() => {
    const planted = Object.fromEntries(BREACHES.map(([, file, text]) => [file, text]));
    overlay = makeOverlay([CONFIG, 'tsconfig.base.json', 'package.json'], { ...HOUSE, ...ACCOMPLICES, ...planted });
    found = violations(overlay.root);
  });
  after(() => overlay.remove());

  for (const [rule, file, text] of BREACHES) {
    it(`catches ${rule} in ${file}: ${text.split('\n')[0]}`, () => assert.ok(found.includes(`${file}: ${rule}`), found.join('\n')));
  }

  it('has a planted breach for every rule, and for every rule a way to mend it', () => {
    const rules = (createRequire(import.meta.url)(path.join(ROOT, CONFIG)) as { forbidden: { name: string; comment: string }[] }).forbidden;
    assert.deepEqual([...new Set(BREACHES.map(([rule]) => rule))].sort(), rules.map(({ name }) => name).sort());
    for (const { name, comment } of rules) assert.ok(comment.length > 60, `${name} does not say how to mend a breach`);
  });

  it('lets every allowed import pass', () => assert.deepEqual(found.filter((line) => Object.keys(HOUSE).some((file) => line.startsWith(`${file}:`))), []));

  it('finds nothing in the real house', () => assert.deepEqual(violations(ROOT), []));
});
