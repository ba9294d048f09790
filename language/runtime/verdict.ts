/** How a run is judged once it is over: the exit status of the command line, and why (LANGUAGE.md, The command line). */
import type { Kernel, RunEnd } from '../../engine/index.ts';
import { programOutput } from './output.ts';
import type { ProgramData } from './program.ts';

export interface Verdict {
  /** 0 all expectations hold; 1 something did not. */
  exitCode: 0 | 1;
  /** What went wrong besides failed expectations and scenario errors, which have said so themselves. */
  problems: string[];
  /** One line: `passed: 3 expectations hold, 1,204 events, 12.3 ms of virtual time`. */
  summary: string;
}

/** Judges a run that has ended; the top-level expectations have been checked (LinkedProgram.finish). */
export function judgeRun(k: Kernel, data: ProgramData, end: RunEnd): Verdict {
  const output = programOutput(k);
  const problems = endProblems(data, end);
  const failed = output.filter((record) => !record.ok).length;
  const expectations = output.filter((record) => record.kind === 'expect');
  const held = expectations.filter((record) => record.ok).length;
  const exitCode = failed === 0 && problems.length === 0 ? 0 : 1;
  const kept = expectations.length === 0 ? 'no expectations' : `${held} of ${expectations.length} expectations hold`;
  const summary = `${exitCode === 0 ? 'passed' : 'failed'}: ${kept}, ${k.trace.total.toLocaleString('en-US')} events, ${showTime(k.now)} of virtual time`;
  return { exitCode, problems, summary };
}

function endProblems(data: ProgramData, end: RunEnd): string[] {
  if (end.reason === 'deadlock') return [`deadlock: ${end.waiting.map(({ name, waits_for }) => `${name} waits for ${waits_for || 'nothing'}`).join('; ')}`];
  const expected = data.expectedBugs.some((text) => end.message.includes(text));
  if (end.reason === 'bug') return expected ? [] : [end.message];
  return data.expectedBugs.length === 0 ? [] : [`no kernel BUG with "${data.expectedBugs.join('" or "')}" happened`];
}

/** Virtual time in the unit it reads best in. */
export function showTime(ns: number): string {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(3)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(3)} ms`;
  return `${(ns / 1e3).toFixed(3)} us`;
}
