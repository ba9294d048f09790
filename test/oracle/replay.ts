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
  notes: string[];
  /** The machine at its first dump, when nothing differed up to there: its MemTotal is the trace image's. */
  atFirstDump: Kernel | null;
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
  let lost = 0;
  for (let at = replay.at - already; at < replay.events.length && replay.events[at]!.kind !== 'dump'; at++) {
    const { kind } = replay.events[at]!;
    if (kind === 'alloc' || kind === 'free') lost++;
  }
  if (lost > 0) replay.verdict.gaps.push(`${lost} allocations and frees of '${replay.phase.name}' are not replayed: ${why}`);
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
