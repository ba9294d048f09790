// Packs the extension as pagewalk-VERSION.vsix, offline, from what dist/ holds: `node build/vsix.mjs [OUT.vsix]`.
// `.vscodeignore` says what goes in; every dependency is in the bundles. Fails where a file that the extension needs is missing, or the size is
// over budget.
import fs from 'node:fs';
import path from 'node:path';
import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';

const ROOT = path.dirname(import.meta.dirname);

/** DESIGN.md's budget. */
const LIMIT_BYTES = 2 * 1024 * 1024;

const NEEDED = ['dist/extension.cjs', 'dist/adapter.cjs', 'dist/engine-worker.cjs', 'dist/engine-worker.debug.cjs', 'dist/engine-worker.debug.tables.json',
  'dist/language-server.cjs', 'engine/mm/page_alloc.ts', 'syntaxes/pagewalk.tmLanguage.json', 'syntaxes/language-configuration.json',
  'scenarios/order-4.pagewalk', 'README.md', 'LICENSE'];

/** The repository has no public address yet: links in the README stay as they are. */
const OPTIONS = { cwd: ROOT, dependencies: false, allowMissingRepository: true, rewriteRelativeLinks: false };

async function main() {
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const target = path.resolve(process.argv[2] ?? path.join(ROOT, `pagewalk-${version}.vsix`));
  await requireFiles();
  await createVSIX({ ...OPTIONS, packagePath: target });
  const { size } = fs.statSync(target);
  console.log(`vsix: ${path.relative(process.cwd(), target)}, ${(size / 1024).toFixed(0)} KiB`);
  if (size > LIMIT_BYTES) throw new Error(`the package is over its budget of ${LIMIT_BYTES / 1024} KiB`);
}

async function requireFiles() {
  const packed = new Set(await listFiles({ cwd: ROOT, packageManager: PackageManager.None }));
  const missing = NEEDED.filter((file) => !packed.has(file));
  if (missing.length > 0) throw new Error(`not there, or kept out by .vscodeignore: ${missing.join(', ')}. \`npm run build\` makes dist/`);
}

main().catch((error) => {
  console.error(`vsix: failed: ${error.message}`);
  process.exitCode = 1;
});
