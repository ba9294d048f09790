// One call of a process, as the model sees it: it begins, and it ends. Between the two it may happen at any moment, at each page by itself. At its
// end the model says whether what came of it was possible, in words if not.

import type { FilePage, State } from './file-pages.ts';
import { keep, mayHold, sameBytes } from './file-pages.ts';
import type { FileAction, FileOutcome, FileStep, From } from './file-steps.ts';
import type { Description, FileWorld, ModelProcess } from './file-world.ts';
import { O } from './file-world.ts';

export const ERROR = { ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, EEXIST: 17, EINVAL: 22 } as const;
export const SIGNAL = { BUS: 7, SEGV: 11 } as const;

/** A call under way. */
export interface Call {
  /** What it must return, where that is certain. */
  due: number | null;
  /** What is wrong with how it ended, or null. */
  end(found: FileOutcome): string | null;
}

/** What a call works with. */
export interface Scene {
  world: FileWorld;
  step: FileStep;
  process: ModelProcess;
  /** Descriptors by the step that opened them. */
  fds: ReadonlyMap<number, number>;
  /** When the call began. */
  begin: number;
}

/** The actions of some names. */
export type Action<N extends FileAction['name']> = Extract<FileAction, { name: N }>;

/** A call that can only return one thing, and what follows from it. */
export function exactly(result: number, then: () => void = () => undefined): Call {
  return {
    due: result,
    end(found) {
      if (found.signal !== 0) return `signal ${found.signal}, where ${result} was due`;
      if (found.result !== result) return `${found.result}, where ${result} was due`;
      then();
      return null;
    },
  };
}

/** One that can only end the process. */
export function deadly(signal: number): Call {
  return { due: null, end: (found) => (found.signal === signal ? null : `${found.result}, signal ${found.signal}, where signal ${signal} was due`) };
}

export function descriptionOf({ process, fds }: Scene, { of }: From): Description | undefined {
  const fd = fds.get(of);
  return fd === undefined ? undefined : process.fds.get(fd);
}

export const mayRead = ({ flags }: Description): boolean => (flags & 3) !== O.WRONLY;
export const mayWrite = ({ flags }: Description): boolean => (flags & 3) !== 0;

// ---- what is seen -----------------------------------------------------------------------------------------------------

/** Watches pages from now on: the states that each may be in meanwhile. */
export function watch(pages: readonly FilePage[]): { states: State[][]; stop(): void } {
  const states = pages.map(({ now, watchers }) => {
    const seen = [...now];
    watchers.push(seen);
    return seen;
  });
  return {
    states,
    stop() {
      for (const [i, page] of pages.entries()) page.watchers = page.watchers.filter((watcher) => watcher !== states[i]);
    },
  };
}

/** What was found of a page: states that would not show it are not possible, where nothing changes the page now. */
export function see(world: FileWorld, page: FilePage, states: readonly State[], { found, from }: { found: Uint8Array; from: number }): string | null {
  if (page.isWild) return null;
  if (!mayHold(states, found, from)) return `${text(found)}, where ${states.map(({ bytes }) => text(bytes.subarray(from, from + found.length))).join(' or ')} was due`;
  const isStill = page.active.length === 0 && states.length === page.now.length && page.tail === null;
  if (isStill) keep(page, world.time, ({ bytes }) => sameBytes(bytes, found, found.length, from));
  return null;
}

/** Bytes as runs: `65*100 0*20`. */
function text(bytes: Uint8Array): string {
  const starts = [...bytes.keys()].filter((i) => i === 0 || bytes[i] !== bytes[i - 1]);
  const runs = starts.map((start, i) => `${bytes[start]}*${(starts[i + 1] ?? bytes.length) - start}`);
  return runs.length > 8 ? `${runs.slice(0, 8).join(' ')} …` : runs.join(' ');
}
