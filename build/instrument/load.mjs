// Lets plain Node use the instrumenter, which is TypeScript: bundles it to dist/build/instrument.mjs and imports that.
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @returns {Promise<typeof import('./index.ts')>} */
export async function loadInstrument() {
  const outfile = path.join(root, 'dist/build/instrument.mjs');
  await build({
    entryPoints: [path.join(root, 'build/instrument/index.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}
