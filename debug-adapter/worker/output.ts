// What the run says, passed on as it is said: prints, expectations, errors, and the kernel log.

import { log_lines } from '../../engine/index.ts';
import type { OutputRecord } from '../../language/runtime/index.ts';
import { tell } from './channel.ts';
import type { Debuggee } from './state.ts';

/** A record of the program as an output event at its place. */
export function sayRecord(d: Debuggee, record: OutputRecord): void {
  flushLog(d);
  if (record.kind === 'expect' && record.ok) return;
  const { line, column, file } = record.at;
  const category = record.ok ? 'stdout' : 'stderr';
  tell(d, { event: 'output', category, text: `${recordText(record)}\n`, file: d.program.files[file] ?? null, line, column });
}

function recordText({ kind, text, message }: OutputRecord): string {
  if (kind !== 'expect') return text;
  return message === null ? `expectation failed: ${text}` : `expectation failed: ${text} (${message})`;
}

/** Sends the kernel log's new lines, each with its time in seconds as dmesg prints it. */
export function flushLog(d: Debuggee): void {
  const { k } = d.machine;
  if (k.log.seq === d.logSent) return;
  const lines = log_lines(k, d.logSent).map(({ time, text }) => `[${(time / 1e9).toFixed(6).padStart(12)}] ${text}\n`);
  d.logSent = k.log.seq;
  tell(d, { event: 'output', category: 'stdout', text: lines.join(''), file: null, line: 0, column: 0 });
}
