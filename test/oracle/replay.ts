// The state of a replay: the engine's machine, what the trace's lines have said so far, and how a replay of a phase ends early.

import type { Kernel } from '../../engine/kernel.ts';
import type { Ram } from './engine-door.ts';
import type { Ledger } from './ledger.ts';
import type { Line, Observer } from './observer.ts';
import type { Phase } from './phase.ts';
import type { Check, Difference } from './report.ts';
import type { PageEvent, TraceEvent } from './trace.ts';
import { describe } from './words.ts';

export interface PagesVerdict {
  checks: Check[];
  gaps: string[];
  lost: Lost[];
  notes: string[];
  /** The machine at its first dump, when nothing differed up to there: its MemTotal is the trace image's. */
  atFirstDump: Kernel | null;
}

/** Events from `from` up to `to` that were not replayed from the state of the dump before them. */
export interface Lost {
  from: number;
  to: number;
  /** The phase they are of. */
  name: string;
  why: string;
  /** Allocations and frees among them. */
  calls: number;
}

export interface Replay {
  ram: readonly Ram[];
  events: readonly TraceEvent[];
  at: number;
  observer: Observer | null;
  ledger: Ledger;
  phase: Phase;
  reclaiming: Set<string>;
  lastAlloc: number | null;
  verdict: PagesVerdict;
}

export const isPageEvent = (event: TraceEvent): event is PageEvent =>
  event.kind === 'alloc' || event.kind === 'free' || event.kind === 'take' || event.kind === 'put';

/** The engine did something else: the rest of the phase counts as not the same, where the recorder is known to have been on. */
export function stop(replay: Replay, difference: Difference): void {
  if (replay.phase.isOpen) {
    replay.phase.pages.difference = difference;
    replay.observer = null;
    return;
  }
  replay.phase.pages.total--;
  countLost(replay, `the recorder may have been off before ${difference.where} (the kernel ${difference.kernel}, the engine ${difference.engine})`);
}

/** The state is not known from here to the next dump: what stands in between is not counted. */
export function countLost(replay: Replay, why: string, already = 0): void {
  replay.observer = null;
  const from = replay.at - already;
  let to = from;
  let calls = 0;
  for (; to < replay.events.length && replay.events[to]!.kind !== 'dump'; to++) {
    const { kind } = replay.events[to]!;
    if (kind === 'alloc' || kind === 'free') calls++;
  }
  if (calls > 0) replay.verdict.lost.push({ from, to, name: replay.phase.name, why, calls });
}

/** Calls the engine; what it throws (a BUG of the emulated kernel) is a difference. */
export function attempt(replay: Replay, call: () => Line[], event?: PageEvent): Line[] | null {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const where = event === undefined ? 'the handover' : `trace line ${event.line}`;
    stop(replay, { where, kernel: event === undefined ? 'went on' : describe(event.text), engine: `${error.name}: ${error.message}` });
    return null;
  }
}

export function differ(event: PageEvent, line: string): Difference {
  return { where: `trace line ${event.line}`, kernel: describe(event.text), engine: describe(line) };
}
