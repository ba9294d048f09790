// Generates language/generated/ (the AST types, the grammar as data, the module) from language/pagewalk.langium.
// `node build/langium.mjs` always generates; `generateLanguage({ onlyIfStale: true })` first compares dates.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const language = join(here, '..', 'language');
const sources = ['pagewalk.langium', 'langium-config.json'].map((name) => join(language, name));
const outputs = ['ast.ts', 'grammar.ts', 'module.ts'].map((name) => join(language, 'generated', name));

/** The parser generator's checks call Object.groupBy, which Node 20 lacks. Only the generator's own process gets it. */
const polyfill = `data:text/javascript,${encodeURIComponent(`
  Object.groupBy ??= (items, keyOf) => {
    const groups = Object.create(null);
    let index = 0;
    for (const item of items) (groups[keyOf(item, index++)] ??= []).push(item);
    return groups;
  };`)}`;

function isFresh() {
  if (!outputs.every((file) => existsSync(file))) return false;
  const oldest = Math.min(...outputs.map((file) => statSync(file).mtimeMs));
  return sources.every((file) => statSync(file).mtimeMs <= oldest);
}

/** Runs the Langium generator. Throws with the generator's own output when the grammar is wrong. */
export function generateLanguage({ onlyIfStale = false } = {}) {
  if (onlyIfStale && isFresh()) return;
  const generator = join(here, '..', 'node_modules', 'langium-cli', 'bin', 'langium.js');
  const run = spawnSync(process.execPath, ['--import', polyfill, generator, 'generate', '--file', 'langium-config.json', '--mode', 'production'], {
    cwd: language,
    // It asks whether engine-names.ts, which it does not know, is to be deleted; without an answer it writes nothing.
    input: 'no\n',
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`langium generate failed:\n${run.stdout}${run.stderr}`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) generateLanguage();
