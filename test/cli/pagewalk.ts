// Runs the `pagewalk` command of the built checkout on scenarios written by a test.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ROOT = path.join(import.meta.dirname, '..', '..');
const COMMAND = path.join(ROOT, 'bin', 'pagewalk.cjs');

export interface Ran {
  status: number | null;
  out: string;
  err: string;
}

/** A folder for one test's files, which is also where its commands run: names in messages are the names given. */
export interface Workplace {
  folder: string;
  /** Writes a file. */
  write(name: string, text: string): void;
  read(name: string): string;
  /** Runs `pagewalk` with these arguments. */
  pagewalk(...args: string[]): Ran;
  remove(): void;
}

export function workplace(): Workplace {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-cli-'));
  return {
    folder,
    write: (name, text) => fs.writeFileSync(path.join(folder, name), text),
    read: (name) => fs.readFileSync(path.join(folder, name), 'utf8'),
    pagewalk: (...args) => pagewalk(args, folder),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

export function pagewalk(args: readonly string[], cwd: string = ROOT): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { cwd, encoding: 'utf8' });
  return { status, out: withoutCounts(stdout), err: stderr };
}

/** How many events a boot makes is no matter of the command line: the number is masked in summaries. */
function withoutCounts(text: string): string {
  return text.replace(/, [\d,]+ events?, /g, ', N events, ');
}

/** A scenario with one kernel thread on a 64 MiB machine, whose body begins in line 3. */
export function driver(...body: string[]): string {
  return ['machine { memory 64MiB }', 'kernel driver {', ...body.map((line) => `  ${line}`), '}', ''].join('\n');
}
