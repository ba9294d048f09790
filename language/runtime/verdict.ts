/** Whether a run was what its scenario expects, and if not, every reason with its place: one judge for the command line and the debugger. */
import type { Kernel, RunEnd } from '../../engine/index.ts';
import { EXIT_ZOMBIE } from '../../engine/index.ts';
import { placeOf } from './errors.ts';
import { placeOfTask } from './frames.ts';
import type { LinkedProgram } from './link.ts';
import { programOutput } from './output.ts';
import type { OutputRecord, ProgramData } from './program.ts';
import type { Ending } from './verdict-signals.ts';
import { killedProcesses, survivingProcesses } from './verdict-signals.ts';
import { count, grouped, showTime } from './words.ts';

/** How a run ended: as the engine says, or because it went past a limit of events. */
export interface RunResult {
  k: Kernel;
  reason: RunEnd['reason'] | 'limit';
  message: string;
  waiting: RunEnd['waiting'];
  /** Whether a BUG is one that the scenario announced by `expects_bug`. */
  isAnnounced: boolean;
}

/** What a run came to. Expectations of the top level are checked where it came to the end that the scenario is about. */
export function finishRun(k: Kernel, program: LinkedProgram, end: RunEnd): RunResult {
  const isAnnounced = end.reason === 'bug' && program.data.expectedBugs.some((text) => end.message.includes(text));
  if (end.reason === 'ended' || isAnnounced) program.finish(k);
  return { k, ...end, isAnnounced };
}

export interface Verdict {
  ok: boolean;
  /** Full lines, `FILE:LINE:COL: what`; what was told when it happened (said) is not among them. */
  failures: string[];
  /** The BUG that the scenario is about, as such a line; null where there is none. */
  expectedBug: string | null;
  /** What is wrong with how it ended, in a few words; empty when it ended as it should. */
  ending: string;
  /** The ending and failed expectations together; empty when all is well. */
  reason: string;
  expectations: { held: number; failed: number };
}

/** Judges a finished run; `limit` is the number of events it was allowed. */
export function judge(data: ProgramData, result: RunResult, limit: number): Verdict {
  const checked = programOutput(result.k).filter((record) => record.kind === 'expect');
  const failed = checked.filter((record) => !record.ok).length;
  const expectations = { held: checked.length - failed, failed };
  const { ending, failures } = joined(endingOf(data, result, limit), killedProcesses(data, result.k));
  const reasons = [ending, failed > 0 ? `${grouped(failed)} of ${count(checked.length, 'expectation')} failed` : ''].filter((text) => text !== '');
  const expectedBug = result.isAnnounced ? `${placeOfTask(data, result.k, result.k.current)}: ${result.message} (as expected)` : null;
  return { ok: reasons.length === 0, failures, expectedBug, ending, reason: reasons.join(', '), expectations };
}

function endingOf(data: ProgramData, result: RunResult, limit: number): Ending {
  const { k } = result;
  switch (result.reason) {
    case 'ended': return hasBroken(k) ? { ending: 'an expectation cannot be evaluated', failures: [] } : joined(missingBug(data), survivingProcesses(data, k));
    case 'halted': return { ending: 'the scenario could not go on', failures: [] };
    case 'bug': return result.isAnnounced ? WELL : { ending: 'a kernel BUG', failures: [`${placeOfTask(data, k, k.current)}: ${result.message}`] };
    case 'limit': return {
      ending: 'the event limit',
      failures: [`${placeOfTask(data, k, k.current)}: stopped after ${grouped(limit)} events (statements and tracepoints). Does it loop? --limit-events N lets it run longer.`],
    };
    case 'deadlock': return { ending: 'a deadlock', failures: result.waiting.map((task) => waitOf(data, k, task)) };
  }
}

const WELL: Ending = { ending: '', failures: [] };

function joined(a: Ending, b: Ending): Ending {
  return { ending: [a.ending, b.ending].filter((text) => text !== '').join(', '), failures: [...a.failures, ...b.failures] };
}

/** An expression could not be evaluated. */
function hasBroken(k: Kernel): boolean {
  return programOutput(k).some((record) => record.kind === 'error');
}

/** A scenario about a BUG that did not happen is not what it says it is. */
function missingBug(data: ProgramData): Ending {
  if (data.expectedBugs.length === 0) return WELL;
  const wanted = data.expectedBugs.map((text) => JSON.stringify(text)).join(' or ');
  return { ending: 'the BUG it expects did not happen', failures: [`${data.file}: expects_bug ${wanted}: the kernel hit no such BUG.`] };
}

function waitOf(data: ProgramData, k: Kernel, { name, waits_for }: RunEnd['waiting'][number]): string {
  const pid = k.tasks.findIndex((task) => task.name === name && task.waits_for === waits_for && task.state !== EXIT_ZOMBIE);
  return `${placeOfTask(data, k, pid)}: deadlock: ${name} waits for ${waits_for}, and nothing can end that.`;
}

/** What an expectation or an error looks like when it fails: one line. */
export function failureOf(data: ProgramData, record: OutputRecord): string {
  if (record.kind === 'error') return record.text;
  const message = record.message === null ? '' : ` (${record.message})`;
  return `${placeOf(data.files, record.at)}: expectation failed: ${record.text}${message}`;
}

/** The line that ends a run: `passed: 2 of 2 expectations hold, 1,233 events, 146.2 us of virtual time`; `failed (a deadlock): …`. */
export function summaryOf(k: Kernel, verdict: Verdict): string {
  const { held, failed } = verdict.expectations;
  const expectations = held + failed === 0 ? 'no expectations' : `${grouped(held)} of ${grouped(held + failed)} expectations hold`;
  const bug = verdict.expectedBug === null ? '' : 'the BUG it is about, ';
  const why = verdict.ending === '' ? '' : ` (${verdict.ending})`;
  return `${verdict.ok ? 'passed' : `failed${why}`}: ${bug}${expectations}, ${count(k.trace.total, 'event')}, ${showTime(endOf(k))} of virtual time`;
}

/** Virtual time at which the machine came to rest: that of the CPU whose clock is furthest. */
export function endOf(k: Kernel): number {
  return Math.max(k.now, ...k.sched.cpus.map((cpu) => cpu.now));
}
