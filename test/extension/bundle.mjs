// What both ways of running the extension's tests share: the bundle that the extension host loads, and the report it leaves.
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const CHECKOUT = path.resolve(import.meta.dirname, '..', '..');

/** Bundles test/extension/index.ts into dist/test/ and answers the file. mocha stays outside: it loads parts of itself by name. */
export async function bundleTests() {
  const outfile = path.join(CHECKOUT, 'dist', 'test', 'extension.cjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'index.ts')], outfile, bundle: true, platform: 'node', target: 'node20', format: 'cjs',
    external: ['vscode', 'mocha'], sourcemap: 'inline', logLevel: 'warning',
  });
  return outfile;
}

/** Prints what the tests reported, then the line that sums it up; a run that broke off counts as one failure. */
export function printReport(folder) {
  const report = path.join(folder, 'report.txt');
  if (fs.existsSync(report)) process.stdout.write(fs.readFileSync(report, 'utf8'));
  const file = path.join(folder, 'result.json');
  const isComplete = fs.existsSync(file);
  if (!isComplete) console.error('The tests broke off.');
  const result = isComplete ? JSON.parse(fs.readFileSync(file, 'utf8')) : { passed: 0, failed: 1 };
  console.log(`extension: ${result.passed} passed, ${result.failed} failed`);
  return result;
}
