// What a hook does when it looks: hears the protocol thread, then decides whether to stop here, and blocks if so.

import type { StoppedEvent } from './commands.ts';
import { PAUSE } from './commands.ts';
import { poll, serve, tell } from './channel.ts';
import { showCall } from './format.ts';
import { NEVER, __c, setStopHandler } from './hooks.ts';
import { collectLog, flushOld, flushOutput, say } from './output.ts';
import { functionAt, scenarioValues, valuesAt } from './stack.ts';
import type { Debuggee, Standstill, Trap } from './state.ts';
import { enginePlace, isEnginePlace } from './state.ts';
import { endStep, stepEndsAt } from './stepping.ts';
import { countHit, isHeard } from './traps.ts';

/** Hooks between two looks at the port of a machine that runs: about a tenth of a millisecond. */
const POLL_INTERVAL = 4096;

export type Reason = Omit<StoppedEvent, 'event' | 'pid'>;

/** Called by every hook that was told to look. What the debugger itself runs, as a watch does, is looked past. */
export function look(d: Debuggee, place: number, values: readonly unknown[] | undefined): void {
  if (d.isReading || d.standstill !== null) return;
  if (__c[0]! < 0) {
    refill(d);
    poll(d);
    collectLog(d);
    flushOld(d);
  }
  const here = standstill(d, place, values);
  const reason = reasonToStop(d, here);
  if (reason !== null) stopAt(d, here, reason);
}

/** A place of the running task, as where the machine would stand. */
export function standstill(d: Debuggee, place: number, values: readonly unknown[] | undefined): Standstill {
  return { place, pid: d.machine.k.current, values, end: null };
}

/** Sets the countdown: at every hook while stepping in, else once in a while. */
export function refill(d: Debuggee): void {
  const looksAlways = d.step?.kind === 'in' || d.entryWanted;
  __c[0] = looksAlways ? 0 : POLL_INTERVAL;
}

/** Nothing more is to be looked at: what runs now is not the scenario's. */
export function hushHooks(): void {
  __c[0] = NEVER;
  setStopHandler(() => undefined);
}

function reasonToStop(d: Debuggee, here: Standstill): Reason | null {
  const hit = trapsSprung(d, here);
  if (hit.length > 0) return breakpointReason(d, here, hit);
  if (d.entryWanted && !isEnginePlace(d, here.place) && d.machine.k.system_running !== 0) {
    d.entryWanted = false;
    return { reason: 'entry', text: 'The first statement', hit: [] };
  }
  if (Atomics.exchange(d.control, PAUSE, 0) === 1) return { reason: 'pause', text: 'Paused', hit: [] };
  if (stepEndsAt(d, here.place)) return { reason: 'step', text: '', hit: [] };
  return null;
}

/** The traps at a place whose conditions hold and whose count has come; logpoints say their text and are done. */
function trapsSprung(d: Debuggee, here: Standstill): Trap[] {
  const traps = d.traps.get(here.place);
  if (traps === undefined) return [];
  const { k } = d.machine;
  const values = isEnginePlace(d, here.place) ? valuesAt(d, here.place, here.values) : scenarioValues(d, here.place);
  const sprung = traps.filter((trap) => isHeard(d, trap) && trap.test(k, values) && countHit(trap));
  for (const trap of sprung) if (trap.log !== null) sayLog(d, here, trap.log(k, values));
  return sprung.filter((trap) => trap.log === null);
}

function sayLog(d: Debuggee, here: Standstill, text: string): void {
  const isEngine = isEnginePlace(d, here.place);
  const at = isEngine ? enginePlace(d, here.place) : d.program.statements[here.place - d.tables.places.length]!;
  const file = isEngine ? d.tables.files[at.file]!.path : d.program.files[at.file]!;
  say(d, { event: 'output', category: 'console', text: `${text}\n`, file, line: at.line, column: at.column });
}

function breakpointReason(d: Debuggee, here: Standstill, traps: readonly Trap[]): Reason {
  const { kind, name } = traps[0]!.breakpoint;
  const hit = traps.map((trap) => trap.breakpoint.id);
  if (kind === 'line' || !isEnginePlace(d, here.place)) return { reason: 'breakpoint', text: name, hit };
  const reason = kind === 'exception' ? 'exception' : 'function breakpoint';
  return { reason, text: callText(d, here, /[*?]/.test(name) ? eventAt(d, here.place) : name), hit };
}

/** What happens at a place that a pattern fits: the function's name, or the tracepoint's. */
function eventAt(d: Debuggee, place: number): string {
  const { name, tracepoint } = functionAt(d, place);
  return tracepoint ? name.replace(/^trace_/, '') : name;
}

/** The call that was stopped at, in one line. */
function callText(d: Debuggee, here: Standstill, name: string): string {
  const { k } = d.machine;
  const place = enginePlace(d, here.place);
  const values = valuesAt(d, here.place, here.values);
  const { params } = functionAt(d, here.place);
  return showCall(k, name, params.map((parameter) => [parameter, values[place.vars.lastIndexOf(parameter)]]), k.tasks[k.current]!.name);
}

/** Tells the client, blocks and answers until it lets the machine go on. */
export function stopAt(d: Debuggee, here: Standstill, { reason, text, hit }: Reason): void {
  endStep(d);
  flushOutput(d);
  d.standstill = here;
  tell(d, { event: 'stopped', reason, pid: here.pid, text, hit });
  serve(d);
  d.standstill = null;
  d.frames.clear();
  d.opened.clear();
  Atomics.store(d.control, PAUSE, 0);
  refill(d);
}
