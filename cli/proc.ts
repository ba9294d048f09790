// The /proc files that `--proc NAME` prints as they stand at the end of a run.
import type { Kernel } from '../engine/index.ts';
import { PROC_FILES } from '../engine/index.ts';
import { UsageError } from './exit-status.ts';

/** Files that LANGUAGE.md names and this version has nothing to fill with. */
const NOT_MODELLED = ['slabinfo', 'swaps', 'vmallocinfo'];
const OF_A_PROCESS = /\/(?:maps|smaps|pagemap)$/;

/** Refuses a name that cannot be printed, before anything has run. */
export function checkProcName(name: string): void {
  const known = Object.keys(PROC_FILES).join(', ');
  if (Object.hasOwn(PROC_FILES, name)) return;
  if (NOT_MODELLED.includes(name)) throw new UsageError(`--proc ${name}: /proc/${name} is not modelled yet. This version has ${known}.`);
  if (OF_A_PROCESS.test(name)) throw new UsageError(`--proc ${name}: processes are not modelled yet, so none has a /proc folder. This version has ${known}.`);
  throw new UsageError(`--proc ${name}: there is no such /proc file. This version has ${known}.`);
}

/** The file's text, each under its path so that several can be told apart. */
export function procText(k: Kernel, name: string): string {
  return PROC_FILES[name]!(k);
}
