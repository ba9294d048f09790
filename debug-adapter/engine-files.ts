// What ships beside the bundles: the engine workers, the tables of the instrumented one, and the engine's own source, which people step through.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Tables } from '../build/instrument/tables.ts';
import { RequestError } from './request-error.ts';

export interface EngineFiles {
  /** The worker's bundle: plain, and with hooks. */
  plainWorker: string;
  debugWorker: string;
  tablesFile: string;
  /** The folder that holds `engine/`. */
  root: string;
  /** Read when first asked for. Throws RequestError where the build is incomplete. */
  tables(): Tables;
}

/** What lies in and beside the folder of the bundles. */
export function engineFiles(dist: string): EngineFiles {
  const tablesFile = path.join(dist, 'engine-worker.debug.tables.json');
  let tables: Tables | null = null;
  return {
    plainWorker: path.join(dist, 'engine-worker.cjs'),
    debugWorker: path.join(dist, 'engine-worker.debug.cjs'),
    tablesFile,
    root: path.dirname(dist),
    tables: () => (tables ??= readTables(tablesFile)),
  };
}

function readTables(file: string): Tables {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Tables;
  } catch (error) {
    throw new RequestError(`The tables of the engine cannot be read from ${file}: ${(error as Error).message}. Build Pagewalk again.`);
  }
}

/** Where a path below the checkout (`engine/mm/page_alloc.ts`) lies on this machine. */
export function nativePath(files: EngineFiles, enginePath: string): string {
  return path.join(files.root, ...enginePath.split('/'));
}

/** What a path of the client's means: a file of the tables, one whose text differs from what runs, or none of the engine's. */
export type EngineMatch = { kind: 'same'; file: number } | { kind: 'different'; path: string } | { kind: 'none' };

/** Matches by the part from `engine/` on and by the text, so that a checkout's file is as good as the shipped one. */
export function matchEngineFile(files: EngineFiles, native: string): EngineMatch {
  const { files: known } = files.tables();
  const segments = native.split(/[\\/]/);
  for (let at = segments.lastIndexOf('engine'); at >= 0; at = at === 0 ? -1 : segments.lastIndexOf('engine', at - 1)) {
    const below = segments.slice(at).join('/');
    const file = known.findIndex((one) => one.path === below);
    if (file >= 0) return sha256Of(native) === known[file]!.sha256 ? { kind: 'same', file } : { kind: 'different', path: below };
  }
  return { kind: 'none' };
}

/** Of the text with LF line ends; null where the file cannot be read. */
function sha256Of(native: string): string | null {
  try {
    return createHash('sha256').update(fs.readFileSync(native, 'utf8').replaceAll('\r\n', '\n')).digest('hex');
  } catch {
    return null;
  }
}

/** Whether the engine's source defines a function of this name, instrumented or not. */
export function definesFunction(files: EngineFiles, name: string): boolean {
  const definition = new RegExp(`\\bfunction\\s*\\*?\\s*${name}\\s*[(<]`);
  return files.tables().files.some(({ path: below }) => {
    try {
      return definition.test(fs.readFileSync(nativePath(files, below), 'utf8'));
    } catch {
      return false;
    }
  });
}
