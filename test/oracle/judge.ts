// All checks of one recording.

import { bringUpZones, unbootedMachine } from './engine-door.ts';
import { bootmemEvents, checkBootmem } from './bootmem-check.ts';
import { inOrderOfCalls } from './interrupts.ts';
import { ramOf } from './machine-of.ts';
import { checkPages } from './pages-check.ts';
import { checkProc } from './proc-check.ts';
import type { Recording } from './recording.ts';
import type { Verdict } from './report.ts';
import type { TraceEvent } from './trace.ts';
import { parseTrace } from './trace.ts';
import { checkWater } from './water-check.ts';

export function judge(recording: Recording): Verdict {
  const verdict: Verdict = { folder: recording.name, checks: [], gaps: [], notes: [] };
  const events = recording.trace === null ? [] : inOrderOfCalls(parseTrace(recording.trace));
  const ram = ramOf(recording.log, events);
  const traced = events.length === 0 ? null : judgeTrace(verdict, ram, events);
  const proc = checkProc(recording, ram, traced);
  verdict.checks.push(...proc.checks);
  verdict.notes.push(...proc.notes);
  if (verdict.checks.length === 0) throw new Error(`${recording.name}: nothing in it can be compared`);
  return verdict;
}

/** The trace's checks; the machine at its first dump, when the engine got there. */
function judgeTrace(verdict: Verdict, ram: ReturnType<typeof ramOf>, events: readonly TraceEvent[]) {
  const k = unbootedMachine(ram);
  const calls = bootmemEvents(events);
  if (calls.length > 0) verdict.checks.push(checkBootmem(k, calls));
  else verdict.notes.push('the trace has no bootmem calls');
  const isUp = calls.length > 0 && verdict.checks.every((check) => check.difference === null);
  if (isUp) bringUpZones(k);
  const pages = checkPages(isUp ? k : null, ram, events);
  verdict.checks.push(...pages.checks, ...checkWater(ram, events));
  verdict.gaps.push(...pages.gaps);
  verdict.notes.push(...pages.notes);
  return pages.atFirstDump;
}
