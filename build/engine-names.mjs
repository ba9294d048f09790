// Generates language/generated/engine-names.ts: what of the engine a breakpoint can name, so that `stop on` is checked where it is written.
// It is read from the instrumenter's own tables, which the debugger resolves names by.
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { loadInstrument } from './instrument/load.mjs';

const ROOT = path.dirname(import.meta.dirname);
const OUTPUT = path.join(ROOT, 'language', 'generated', 'engine-names.ts');

const HEAD = `// Written by build/engine-names.mjs from engine/: do not edit.

/** Functions whose entry the debugger watches, with their parameters; of several of one name, the parameters of all. */
`;

/** A table with its keys in order, so that the file changes only where the engine does. */
function tableOf(entries) {
  const rows = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`);
  return `{\n${rows.join('\n')}\n}`;
}

function parametersByName(functions) {
  const byName = new Map();
  for (const { name, params } of functions) byName.set(name, [...new Set([...(byName.get(name) ?? []), ...params])]);
  return byName;
}

/** The table of tracepoints has no imports: bundled into one text, it can be imported as it is. */
async function loadTracepoints() {
  const file = path.join(ROOT, 'engine', 'trace', 'tracepoints.ts');
  const { outputFiles } = await build({ entryPoints: [file], bundle: true, write: false, format: 'esm', target: 'es2022' });
  const { TRACEPOINTS } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
  return TRACEPOINTS;
}

/** Names that some file of the engine declares a function by. */
function declaredNames(files) {
  const texts = files.map((file) => fs.readFileSync(path.join(ROOT, file), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/\bfunction\s*\*?\s*(\w+)\s*[(<]/g)].map(([, name]) => name)));
}

async function main() {
  const { emptyTables, engineFiles, instrumentFiles } = await loadInstrument();
  const tables = emptyTables();
  instrumentFiles(ROOT, tables);
  const named = tables.functions.filter(({ name }) => /^\w+$/.test(name));
  const watched = parametersByName(named);
  const stopped = parametersByName(named.filter(({ tracepoint }) => tracepoint));
  const points = (await loadTracepoints()).filter(({ name }) => stopped.has(`trace_${name}`));
  const rows = points.map(({ system, name }) => [name, { system, fields: stopped.get(`trace_${name}`) }]);
  const plumbing = [...declaredNames(engineFiles(ROOT))].filter((name) => !watched.has(name)).sort();
  const text = `${HEAD}export const ENGINE_FUNCTIONS: Readonly<Record<string, readonly string[]>> = ${tableOf(watched)};

/** Tracepoints that the machine can stop at, with the fields that their functions take. */
export const ENGINE_TRACEPOINTS: Readonly<Record<string, { readonly system: string; readonly fields: readonly string[] }>> = ${tableOf(rows)};

/** Functions of the engine that pass no hook: plumbing below the kernel's own. */
export const ENGINE_PLUMBING: readonly string[] = ${JSON.stringify(plumbing)};
`;
  fs.mkdirSync(path.dirname(OUTPUT), { recursive: true });
  fs.writeFileSync(OUTPUT, text);
}

await main();
