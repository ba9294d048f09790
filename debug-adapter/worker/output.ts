// What the run says, passed on as it is said: prints, expectations, errors, and the kernel log. What is said at one place is sent together, a few
// times a second at most, and the worker runs no further ahead than its listener can follow: a loop that prints can be paused like any other.

import { log_lines } from '../../engine/index.ts';
import type { OutputRecord } from '../../language/runtime/index.ts';
import { poll, tell } from './channel.ts';
import type { OutputEvent } from './commands.ts';
import { HEARD, PAUSE, WAKE } from './commands.ts';
import { __c } from './hooks.ts';
import type { Debuggee } from './state.ts';

/** How long output may wait for more of the same place, in ms, and how many characters of it. */
const PATIENCE = 16;
const MAX_LENGTH = 32 * 1024;
/** Output events that may be under way. */
const MAX_AHEAD = 16;
/** How long the listener is waited for before the worker looks whether it is wanted elsewhere, in ms. */
const NAP = 10;

/** A record of the program as output at its place. */
export function sayRecord(d: Debuggee, record: OutputRecord): void {
  collectLog(d);
  if (record.kind === 'expect' && record.ok) return;
  const { line, column, file } = record.at;
  const category = record.ok ? 'stdout' : 'stderr';
  say(d, { event: 'output', category, text: `${recordText(record)}\n`, file: d.program.files[file] ?? null, line, column });
}

/** Says a line of text that has no place. */
export function sayLine(d: Debuggee, category: OutputEvent['category'], text: string): void {
  say(d, { event: 'output', category, text: `${text}\n`, file: null, line: 0, column: 0 });
}

export function recordText({ kind, text, message }: OutputRecord): string {
  if (kind !== 'expect') return text;
  return message === null ? `expectation failed: ${text}` : `expectation failed: ${text} (${message})`;
}

/** Says something, in the order of the calls. */
export function say(d: Debuggee, event: OutputEvent): void {
  if (d.unsaid !== null && isSamePlace(d.unsaid.event, event)) d.unsaid.event.text += event.text;
  else {
    sendUnsaid(d);
    d.unsaid = { event, since: performance.now() };
  }
  flushOld(d);
}

function isSamePlace(a: OutputEvent, b: OutputEvent): boolean {
  return a.category === b.category && a.file === b.file && a.line === b.line && a.column === b.column;
}

/** Sends what has waited long enough. */
export function flushOld(d: Debuggee): void {
  if (d.unsaid !== null && (performance.now() - d.unsaid.since >= PATIENCE || d.unsaid.event.text.length >= MAX_LENGTH)) sendUnsaid(d);
}

/** Sends everything, the kernel log's new lines included. */
export function flushOutput(d: Debuggee): void {
  collectLog(d);
  sendUnsaid(d);
}

/** The kernel log's new lines, each with its time in seconds as dmesg prints it. */
export function collectLog(d: Debuggee): void {
  const { k } = d.machine;
  if (k.log.seq === d.logSent) return;
  const lines = log_lines(k, d.logSent).map(({ time, text }) => `[${(time / 1e9).toFixed(6).padStart(12)}] ${text}\n`);
  d.logSent = k.log.seq;
  say(d, { event: 'output', category: 'stdout', text: lines.join(''), file: null, line: 0, column: 0 });
}

function sendUnsaid(d: Debuggee): void {
  if (d.unsaid === null) return;
  tell(d, d.unsaid.event);
  d.unsaid = null;
  d.said++;
  while (isTooFarAhead(d) && !isPauseWanted(d)) {
    const seen = Atomics.load(d.control, WAKE);
    poll(d);
    if (isTooFarAhead(d)) Atomics.wait(d.control, WAKE, seen, NAP);
  }
  if (isPauseWanted(d)) __c[0] = 0;
}

/** Then the next hook is to look: many more could be passed, and much more be said, before it is its turn. */
function isPauseWanted(d: Debuggee): boolean {
  return Atomics.load(d.control, PAUSE) === 1;
}

function isTooFarAhead(d: Debuggee): boolean {
  return d.said - Atomics.load(d.control, HEARD) > MAX_AHEAD;
}
