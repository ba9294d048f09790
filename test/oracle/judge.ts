// All checks of one recording.

import { bringUpZones, unbootedMachine } from './engine-door.ts';
import { bootmemEvents, checkBootmem } from './bootmem-check.ts';
import { checkCommit } from './commit-check.ts';
import { replayFiles } from './file-run.ts';
import { fileScript } from './file-script.ts';
import { inOrderOfCalls } from './interrupts.ts';
import { ramOf } from './machine-of.ts';
import { checkPages } from './pages-check.ts';
import { checkProc } from './proc-check.ts';
import { judgeReadahead } from './readahead-check.ts';
import { checkSlab } from './slab-check.ts';
import { checkSpaces } from './spaces-check.ts';
import { checkStretches } from './stretch-check.ts';
import type { Recording } from './recording.ts';
import type { Check, Verdict } from './report.ts';
import type { TraceEvent, UnknownLine } from './trace.ts';
import { parseTrace, unknownLines } from './trace.ts';
import { checkWater } from './water-check.ts';
import { checkWriteback } from './writeback-check.ts';
import { replayWriteback } from './writeback-run.ts';

export function judge(recording: Recording): Verdict {
  const verdict: Verdict = { folder: recording.name, checks: [], gaps: [], notes: [] };
  const events = eventsOf(verdict, recording);
  const ram = ramOf(recording.log, events);
  const traced = events.length === 0 ? null : judgeTrace(verdict, recording, ram, events);
  const proc = checkProc(recording, ram, traced);
  const slab = checkSlab(recording, ram);
  const spaces = checkSpaces(recording, ram);
  const commit = checkCommit(recording, ram, events);
  verdict.checks.push(...proc.checks, ...slab.checks, ...spaces.checks, ...commit.checks);
  verdict.gaps.push(...spaces.gaps, ...commit.gaps);
  verdict.notes.push(...proc.notes, ...slab.notes, ...spaces.notes, ...commit.notes);
  const reads = judgeReadahead(verdict, recording, ram);
  replayFiles(verdict, fileScript(recording, events, reads), ram);
  const writeback = checkWriteback(recording, ram);
  replayWriteback(recording, ram, writeback);
  verdict.checks.push(...writeback.checks);
  verdict.gaps.push(...writeback.gaps);
  verdict.notes.push(...writeback.notes);
  if (verdict.checks.every((check) => check.total === 0)) throw new Error(`${recording.name}: nothing in it can be compared`);
  return verdict;
}

/** Lines that are no events of the replay, but compared all the same. */
const OTHER_LINES = /^(?:SO|RA|BDPR|BDP|BGW) /;

/** What the trace says. One with lines that are none of the recorder's differs, and is not replayed. Throws where it holds nothing. */
function eventsOf(verdict: Verdict, { name, trace }: Recording): TraceEvent[] {
  if (trace === null) return [];
  const unknown = unknownLines(trace);
  if (unknown[0] !== undefined) {
    verdict.checks.push(unknownCheck(trace, unknown.length, unknown[0]));
    verdict.gaps.push('the trace is not replayed');
    return [];
  }
  const events = inOrderOfCalls(parseTrace(trace));
  const hasOtherLines = trace.some((text) => OTHER_LINES.test(text));
  if (events.length === 0 && !hasOtherLines) throw new Error(`${name}: its trace holds nothing that can be compared`);
  return events;
}

function unknownCheck(trace: readonly string[], unknown: number, first: UnknownLine): Check {
  const total = trace.filter((text) => text !== '').length;
  const difference = { where: `trace line ${first.line}`, kernel: first.text, engine: 'reads no such line: its key is unknown, or it is not of its key\'s form' };
  return { rules: 'INDEX', what: 'trace lines', same: total - unknown, total, difference };
}

/** The trace's checks; the machine at its first dump, when the engine got there. */
function judgeTrace(verdict: Verdict, recording: Recording, ram: ReturnType<typeof ramOf>, events: readonly TraceEvent[]) {
  const k = unbootedMachine(ram);
  const calls = bootmemEvents(events);
  const bootmem = calls.length === 0 ? null : checkBootmem(k, calls);
  if (bootmem !== null) verdict.checks.push(bootmem);
  else verdict.notes.push('the trace has no bootmem calls');
  const isUp = bootmem !== null && bootmem.difference === null;
  if (isUp) bringUpZones(k);
  const pages = checkPages(isUp ? k : null, ram, events);
  const stretches = checkStretches(recording, ram, events, pages.lost);
  verdict.checks.push(...pages.checks, ...stretches.checks, ...checkWater(ram, events));
  verdict.gaps.push(...pages.gaps, ...stretches.gaps);
  verdict.notes.push(...pages.notes, ...stretches.notes);
  return pages.atFirstDump;
}
