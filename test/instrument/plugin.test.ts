// The build step as a whole: a small engine is bundled; numbers follow the sorted files, maps lead back to the source, the bundle runs.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { emptyTables, instrumentEngine, type Tables } from '../../build/instrument/index.ts';

const FILES: Record<string, string> = {
  'engine/index.ts': `// The door.\n// @nohooks\nexport { zap } from './mm/z.ts';\nexport const VERSION = 1;\n`,
  'engine/mm/z.ts': `import { leaf } from './a.ts';
import { list } from './columns.ts';
import type { Nothing } from './nothing.ts';

export interface Zap { n: Nothing }

export function zap(k: { n: number }, much: number): number {
  const before = list(k) as number;
  if (much > 2) throw new Error('too much');
  return leaf(k, before + much);
}
`,
  'engine/mm/a.ts': `import { zap, VERSION } from '../index.ts';

export function leaf(k: { n: number }, x: number): number {
  k.n += VERSION;
  return x * 2;
}
export const again = (k: { n: number }) => zap(k, 1);
`,
  'engine/mm/columns.ts': `// @nohooks\nexport const list = (k: { n: number }): number => k.n;\n`,
  'debug-adapter/worker/hooks.ts': `export const __c = new Int32Array([99]);
export const __bp = new Uint8Array(99); export const __test: any[] = []; export const __REWIND = {};
export const __cur = { t: { sp: 0, pl: new Int32Array(9), v: [], th: [] } };
export function __stop() {}
`,
  'main.ts': `import { again } from './engine/mm/a.ts';
import { zap } from './engine/index.ts';
import { __c } from 'pagewalk:hooks';
export { again, zap, __c };
`,
};

interface Bundle {
  tables: Tables;
  outfile: string;
  code: string;
  map: SourceMap;
}

async function bundle(root: string): Promise<Bundle> {
  const tables = emptyTables();
  const outfile = path.join(root, 'dist/out.cjs');
  const plugins = [instrumentEngine({ root, tables })];
  const options = { bundle: true, format: 'cjs', platform: 'node', sourcemap: true } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [path.join(root, 'main.ts')], outfile, plugins, write: false });
  const [map, code] = outputFiles.map((file) => file.text);
  return { tables, outfile, code: code!, map: new SourceMap(JSON.parse(map!) as SourceMapPayload) };
}

/** The original file, line and column (1-based) of the first place in the bundle where `text` stands. */
function origin({ code, map }: Bundle, text: string): string {
  const before = code.slice(0, code.indexOf(text)).split('\n');
  const entry = map.findEntry(before.length - 1, before.at(-1)!.length);
  return 'originalSource' in entry ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}` : 'nowhere';
}

describe('the esbuild plugin', () => {
  let root = '';
  let result: Bundle;
  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'instrument-'));
    for (const [file, text] of Object.entries(FILES)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    result = await bundle(root);
  });
  after(() => rmSync(root, { recursive: true }));

  it('numbers files, functions and places in sorted order', () => {
    const { files, functions, problems } = result.tables;
    assert.deepEqual(files.map((file) => file.path), ['engine/index.ts', 'engine/mm/a.ts', 'engine/mm/columns.ts', 'engine/mm/z.ts']);
    const rows = functions.map((f) => `${files[f.file]!.path} ${f.name} ${f.first}…${f.last}`);
    assert.deepEqual(rows, ['engine/mm/a.ts leaf 0…1', 'engine/mm/a.ts again 2…2', 'engine/mm/z.ts zap 3…6']);
    assert.deepEqual(problems, []);
  });

  it('counts a function handed on by an exempt door as one that passes hooks', () => {
    assert.equal(result.tables.functions.find((f) => f.name === 'again')!.frame, 'mirror');
  });

  it('leads from the bundle back to the source', () => {
    assert.equal(origin(result, 'throw new Error'), '../engine/mm/z.ts:9:17');
    assert.equal(origin(result, 'k.n += VERSION'), '../engine/mm/a.ts:4:3');
    assert.equal(origin(result, 'const before'), '../engine/mm/z.ts:8:3');
  });

  it('makes a bundle that runs and passes its hooks', () => {
    writeFileSync(path.join(root, 'package.json'), '{}');
    mkdirSync(path.join(root, 'dist'), { recursive: true });
    writeFileSync(result.outfile, result.code);
    const { again, __c } = createRequire(result.outfile)(result.outfile) as { again: (k: { n: number }) => number; __c: Int32Array };
    assert.equal(again({ n: 3 }), 8);
    assert.equal(__c[0], 99 - 1 - 3 - 2);
  });
});
