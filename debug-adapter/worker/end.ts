// How a run ends: judged, told, and stopped at once more, so that all of it can be looked at.

import path from 'node:path';
import type { OutputRecord, ProgramData, RunResult, Span, Verdict } from '../../language/runtime/index.ts';
import { judge, placeOf, programOutput, summaryOf } from '../../language/runtime/index.ts';
import { tell } from './channel.ts';
import type { Reason } from './control.ts';
import { stopAt } from './control.ts';
import { flushOutput, recordText, sayLine } from './output.ts';
import type { Debuggee, Standstill } from './state.ts';
import { END_PID } from './state.ts';
import { taskAtEnd } from './threads.ts';

/** Says what became of a run, stops where that is wanted, and ends the session. */
export function endRun(d: Debuggee, result: RunResult): void {
  const verdict = judge(d.program, result, d.options.limitEvents);
  const summary = summaryOf(result.k, verdict);
  for (const failure of verdict.failures) sayLine(d, 'stderr', failure);
  if (verdict.expectedBug !== null) sayLine(d, 'stdout', verdict.expectedBug);
  sayLine(d, verdict.ok ? 'stdout' : 'important', summary);
  if (d.options.stopAtEnd) stopAt(d, atEnd(d, taskAtEnd(d), endPlace(d)), { reason: 'end', text: endText(d.program, result, verdict), hit: [] });
  flushOutput(d);
  tell(d, { event: 'ended', exitCode: verdict.ok ? 0 : 1, summary });
}

/** Stops at an expectation of the top level, which no task is at. */
export function stopAtExpectation(d: Debuggee, at: Span, reason: Reason): void {
  stopAt(d, atEnd(d, END_PID, at), reason);
}

function atEnd(d: Debuggee, pid: number, end: Span): Standstill {
  return { place: d.tables.places.length, pid, values: undefined, end };
}

/** One line: what happened, and of a deadlock who waits for what. */
function endText({ files }: ProgramData, result: RunResult, verdict: Verdict): string {
  if (result.reason === 'deadlock') return `deadlock: ${result.waiting.map(({ name, waits_for }) => `${name} waits for ${waits_for}`).join('; ')}`;
  if (verdict.ok) return result.isAnnounced ? `The scenario has ended as it expects: ${result.message}` : 'The scenario has ended';
  if (result.reason === 'bug') return `failed: ${result.message}`;
  const broken = firstError(result);
  return `failed: ${broken === undefined ? verdict.reason : withShortPlace(files, broken)}`;
}

function firstError({ k }: RunResult): OutputRecord | undefined {
  return programOutput(k).find((record) => record.kind === 'error');
}

/** An error begins with its place; the file's name is enough of it. */
function withShortPlace(files: readonly string[], record: OutputRecord): string {
  const shortFiles = files.map((file) => path.basename(file));
  return recordText(record).replace(placeOf(files, record.at), placeOf(shortFiles, record.at));
}

/** Where in the scenario the end is shown: where it broke, or else at the last statement of its file. */
function endPlace({ program, machine: { k } }: Debuggee): Span {
  const broken = programOutput(k).find((record) => record.kind === 'error');
  if (broken !== undefined) return broken.at;
  const start: Span = { file: 0, line: 1, column: 1, endLine: 1, endColumn: 1 };
  return program.statements.reduce<Span>((found, one) => (one.file === 0 && one.line >= found.line ? one : found), start);
}
