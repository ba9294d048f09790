// Makes dist/: generates what is generated, then bundles every entry point with esbuild.
// The engine worker is bundled twice: plain, and with the instrumenter's hooks for debugging (with its tables of places beside it).
// `--release` minifies. A file `dist/meta.json` holds esbuild's own account of what went into each bundle.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { loadInstrument } from './instrument/load.mjs';

const ROOT = path.dirname(import.meta.dirname);
const DIST = path.join(ROOT, 'dist');
const WORKER = 'debug-adapter/worker/main.ts';

/** Scripts that write sources; each is a program of its own, run before anything is bundled. */
const GENERATORS = ['build/langium.mjs', 'build/textmate.mjs', 'build/engine-names.mjs'];

/** Bundle name (dist/NAME.cjs) to entry point. */
const PLAIN = {
  'extension': 'extension/main.ts',
  'adapter': 'debug-adapter/main.ts',
  'engine-worker': WORKER,
  'language-server': 'language/server/main.ts',
  'cli': 'cli/main.ts',
};

function commonOptions({ isRelease }) {
  return {
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    sourcemap: true,
    metafile: true,
    minify: isRelease,
    keepNames: isRelease,
    legalComments: 'none',
    logLevel: 'warning',
  };
}

function run(script) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, script)], { cwd: ROOT, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`${script} ended with status ${status}`))));
  });
}

/** Generators run one after the other: the TextMate grammar is made from the Langium grammar. */
async function generate() {
  for (const script of GENERATORS) await run(script);
}

function bundle(name, file, options) {
  return build({ ...options, entryPoints: { [name]: file }, outdir: DIST, format: 'cjs', outExtension: { '.js': '.cjs' }, external: ['vscode'] });
}

/** The debug build of the engine worker; its tables name every place a debugger can stop at. */
async function bundleInstrumented(options) {
  const { emptyTables, instrumentEngine } = await loadInstrument();
  const tables = emptyTables();
  const result = await bundle('engine-worker.debug', WORKER, { ...options, plugins: [instrumentEngine({ root: ROOT, tables })] });
  if (tables.problems.length > 0) throw new Error(`the instrumenter found problems:\n  ${tables.problems.join('\n  ')}`);
  fs.writeFileSync(path.join(DIST, 'engine-worker.debug.tables.json'), JSON.stringify(tables));
  return result;
}

/** Every bundle is tried, so that a room that does not build keeps no other one from being used. */
async function bundleAll(options) {
  const plain = Object.entries(PLAIN).map(([name, file]) => bundle(name, file, options));
  const results = await Promise.allSettled([...plain, bundleInstrumented(options)]);
  const failures = results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message);
  return { failures, metafiles: results.filter(({ status }) => status === 'fulfilled').map(({ value }) => value.metafile) };
}

function mergeMetafiles(metafiles) {
  const merge = (part) => Object.assign({}, ...metafiles.map((metafile) => metafile[part]));
  return { inputs: merge('inputs'), outputs: merge('outputs') };
}

function printSizes(metafile) {
  for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
    if (!file.endsWith('.map')) console.log(`${file.padEnd(34)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
  }
}

async function main() {
  const started = performance.now();
  const options = commonOptions({ isRelease: process.argv.includes('--release') });
  fs.mkdirSync(DIST, { recursive: true });
  await generate();
  const { failures, metafiles } = await bundleAll(options);
  const metafile = mergeMetafiles(metafiles);
  fs.writeFileSync(path.join(DIST, 'meta.json'), JSON.stringify(metafile));
  printSizes(metafile);
  if (failures.length > 0) throw new Error(failures.join('\n'));
  console.log(`build: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

main().catch((error) => {
  console.error(`build: failed: ${error.message}`);
  process.exitCode = 1;
});
