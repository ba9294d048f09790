// A small house in a temporary folder: the real rules, real packages, and files that a test plants in it.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Texts by path below the folder. */
export type Files = Record<string, string>;

export interface Overlay {
  root: string;
  remove(): void;
}

function put(root: string, file: string, text: string): void {
  const full = path.join(root, file);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, text);
}

/** A folder with `files`, with copies of `kept` (files and folders of the checkout) and the checkout's packages. */
export function makeOverlay(kept: string[], files: Files): Overlay {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-rooms-')));
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'), 'junction');
  for (const name of kept) fs.cpSync(path.join(ROOT, name), path.join(root, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) put(root, file, text);
  return { root, remove: () => fs.rmSync(root, { recursive: true, force: true }) };
}

/** Runs a package's program in a folder; gives what it printed, whatever its exit status was. */
export function runTool(root: string, program: string, args: string[]): string {
  const script = path.join(ROOT, 'node_modules', program);
  const { stdout, stderr, error } = spawnSync(process.execPath, [script, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error) throw error;
  return stdout === '' ? stderr : stdout;
}
