// What a run tells people as it goes: printed lines on standard output, what went wrong on standard error, one summary line at the end.
import { failureOf, summaryOf } from '../language/runtime/index.ts';
import type { Kernel } from '../engine/index.ts';
import { log_lines } from '../engine/index.ts';
import type { ProgramData, RunResult, Verdict } from '../language/runtime/index.ts';
import { procPath, procText } from './proc.ts';
import type { Watcher } from './run-machine.ts';
import type { Terminal } from './terminal.ts';

/** Printed text is collected up to this many characters between two pulses. */
const PIECE = 1 << 15;

export interface TextOptions {
  /** Whether the kernel log is shown, each line as dmesg would. */
  log: boolean;
}

/** A watcher that writes what happens, in the order in which it happens. */
export function textWatcher(data: ProgramData, terminal: Terminal, options: TextOptions): Required<Pick<Watcher, 'said' | 'pulse'>> {
  let text = '';
  let logged = 0;
  const flush = (): void => {
    if (text !== '') terminal.out.write(text);
    text = '';
  };
  const addLog = (k: Kernel): void => {
    if (!options.log || k.log.seq === logged) return;
    for (const line of log_lines(k, logged)) text += `${terminal.out.paint('dim', `[${logTime(line.time)}] ${line.text}`)}\n`;
    logged = k.log.seq;
  };
  return {
    said(k, record) {
      addLog(k);
      if (record.kind === 'print') text += `${record.text}\n`;
      if (!record.ok) flush();
      if (!record.ok) terminal.err.write(`${paintedFailure(terminal, failureOf(data, record))}\n`);
      if (text.length > PIECE) flush();
    },
    pulse(k) {
      addLog(k);
      flush();
    },
  };
}

/** Seconds since boot, as dmesg prints them: `    0.000146`. */
function logTime(ns: number): string {
  return (ns / 1e9).toFixed(6).padStart(12);
}

/** Everything after the last event: what ended the run, the /proc files asked for, and the summary. */
export function writeEnd(data: ProgramData, result: RunResult, verdict: Verdict, terminal: Terminal, proc: readonly string[]): void {
  const { out, err } = terminal;
  for (const failure of verdict.failures) err.write(`${paintedFailure(terminal, failure)}\n`);
  if (verdict.expectedBug !== null) out.write(`${verdict.expectedBug}\n`);
  for (const name of proc) out.write(`${out.paint('bold', `==> ${procPath(name)} <==`)}\n${procText(result.k, name)}`);
  const summary = summaryOf(result.k, verdict);
  const colon = summary.search(/[ :]/);
  out.write(`${data.file}: ${out.paint(verdict.ok ? 'green' : 'red', summary.slice(0, colon))}${summary.slice(colon)}\n`);
}

/** The place in bold, so that the eye finds it. */
function paintedFailure({ err }: Terminal, line: string): string {
  const place = /^.*?:\d+:\d+:|^[^:]+:/.exec(line)?.[0] ?? '';
  return err.paint('bold', place) + line.slice(place.length);
}
