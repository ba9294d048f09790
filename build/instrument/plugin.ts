// The esbuild plugin that puts instrumented engine modules into the debug bundle. All of them are instrumented when the build starts,
// in sorted order, so that places are numbered alike whatever order esbuild loads files in.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { OnLoadResult, Plugin } from 'esbuild';
import { exemptExports } from './exempt.ts';
import { instrument, type Instrumented } from './instrument.ts';
import { HOOKS_MODULE } from './nodes.ts';
import type { Tables } from './tables.ts';

export interface InstrumentEngineOptions {
  /** The checkout: the engine is `root/engine`. */
  root: string;
  /** Filled when the build starts. */
  tables: Tables;
  /** The module the engine's hooks come from, absolute; `root/debug-adapter/worker/hooks.ts` if not given. */
  hooks?: string;
}

/** Paths below the checkout, with forward slashes, sorted by code unit. */
export function engineFiles(root: string): string[] {
  const found = readdirSync(path.join(root, 'engine'), { recursive: true, encoding: 'utf8' });
  const below = found.map((file) => `engine/${file.replaceAll(path.sep, '/')}`);
  return below.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !file.includes('/node_modules/')).sort();
}

/** Instruments the whole engine, by path below the checkout. */
export function instrumentFiles(root: string, tables: Tables): Map<string, Instrumented> {
  const files = engineFiles(root);
  const texts = new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
  const options = { isExempt: exemptExports(texts) };
  return new Map(files.map((file) => [file, instrument(texts.get(file)!, file, tables, options)]));
}

/** esbuild reads the map from the text and composes it with its own; `sources` is relative to the module's folder. */
function contents(file: string, { code, map }: Instrumented): string {
  if (map === null) return code;
  const json = JSON.stringify({ ...map, sources: [path.posix.basename(file)] });
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(json).toString('base64')}\n`;
}

export function instrumentEngine({ root, tables, hooks }: InstrumentEngineOptions): Plugin {
  return {
    name: 'instrument-engine',
    setup(build) {
      const modules = instrumentFiles(root, tables);
      const load = (absolute: string): OnLoadResult | undefined => {
        const file = path.relative(root, absolute).replaceAll(path.sep, '/');
        const module = modules.get(file);
        return module && { contents: contents(file, module), loader: 'ts', resolveDir: path.dirname(absolute) };
      };
      build.onResolve({ filter: new RegExp(`^${HOOKS_MODULE}$`) }, () => ({ path: hooks ?? path.join(root, 'debug-adapter/worker/hooks.ts') }));
      build.onLoad({ filter: /[\\/]engine[\\/].*\.ts$/ }, (args) => load(args.path));
    },
  };
}
