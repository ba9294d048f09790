// One run of a scenario under the debugger: boots the machine, lets it go, judges how it ended.

import type { Machine, RunEnd } from '../../engine/index.ts';
import { EXIT_ZOMBIE, KernelBug, TASK_NEW, boot_machine, check_machine, make_machine, printk, run_machine } from '../../engine/index.ts';
import type { LinkedProgram, OutputRecord } from '../../language/runtime/index.ts';
import { finishRun, judge, linkProgram, summaryOf } from '../../language/runtime/index.ts';
import { tell } from './channel.ts';
import type { OutputEvent } from './commands.ts';
import { hushHooks, refill, standstill, stopAt } from './control.ts';
import { __bp, __c, __cur, __stop, makeShadow } from './hooks.ts';
import { flushLog, sayRecord } from './output.ts';
import type { Debuggee } from './state.ts';

/** Links the scenario to an empty machine that hooks watch; `d` is filled in by the caller before anything runs. */
export function makeDebuggedMachine(d: () => Debuggee, data: Debuggee['program']): { machine: Machine; linked: LinkedProgram } {
  const linked = linkProgram(data, {
    statement: (_, id) => passStatement(d(), id),
    breakpoint: (_, id) => stopAt(d(), standstill(d(), d().tables.places.length + id, undefined), { reason: 'breakpoint', text: 'breakpoint', hit: [] }),
    output: (_, record) => hearRecord(d(), record),
  });
  const machine = make_machine(data.config, linked, {
    switch_to: (_, pid) => {
      __cur.t = d().shadows[pid] ??= makeShadow();
    },
    boundary: () => atBoundary(d()),
  });
  return { machine, linked };
}

/** What the program says goes to the client; an expectation that fails may be wanted as a stop. */
function hearRecord(d: Debuggee, record: OutputRecord): void {
  sayRecord(d, record);
  const wanted = d.filters.get('failed_expectation');
  if (wanted === undefined || record.kind !== 'expect' || record.ok || record.statement < 0) return;
  const text = record.message === null ? `expectation failed: ${record.text}` : `expectation failed: ${record.message}`;
  stopAt(d, standstill(d, d.tables.places.length + record.statement, undefined), { reason: 'exception', text, hit: [wanted.id] });
}

/** The hook of a scenario statement: the same test as the engine's. */
function passStatement(d: Debuggee, id: number): void {
  const place = d.tables.places.length + id;
  if (--__c[0]! < 0 || __bp[place] !== 0) __stop(place);
}

/** Between two tasks: threads that began or ended are announced, the log goes out, and the laws are checked where that is wanted. */
function atBoundary(d: Debuggee): void {
  flushLog(d);
  for (const task of d.machine.k.tasks) {
    if (task.kind === 'idle' || task.state === TASK_NEW) continue;
    const ended = task.state === EXIT_ZOMBIE;
    if (!ended && !d.announced.has(task.pid)) {
      d.announced.add(task.pid);
      tell(d, { event: 'threadStarted', pid: task.pid });
    } else if (ended && d.announced.delete(task.pid)) tell(d, { event: 'threadExited', pid: task.pid });
  }
  if (!d.options.checkInvariants) return;
  const broken = check_machine(d.machine.k);
  if (broken.length === 0) return;
  printk(d.machine.k, `pagewalk: a law of memory management is broken: ${broken.join('; ')}`);
  d.machine.k.halted = 1;
}

/** From power-on to the end. */
export function runScenario(d: Debuggee, linked: LinkedProgram): void {
  const { k } = d.machine;
  refill(d);
  const end = bootAndRun(d);
  hushHooks();
  const result = finishRun(k, linked, end);
  const verdict = judge(d.program, result, Infinity);
  const summary = summaryOf(k, verdict);
  flushLog(d);
  for (const failure of verdict.failures) sayAtEnd(d, 'stderr', failure);
  if (verdict.expectedBug !== null) sayAtEnd(d, 'stdout', verdict.expectedBug);
  sayAtEnd(d, verdict.ok ? 'stdout' : 'important', summary);
  if (d.options.stopAtEnd) stopAtEnd(d);
  tell(d, { event: 'ended', exitCode: verdict.ok ? 0 : 1, summary });
}

function sayAtEnd(d: Debuggee, category: OutputEvent['category'], text: string): void {
  tell(d, { event: 'output', category, text: `${text}\n`, file: null, line: 0, column: 0 });
}

function bootAndRun(d: Debuggee): RunEnd {
  try {
    boot_machine(d.machine, d.program.config);
  } catch (error) {
    if (!(error instanceof KernelBug)) throw error;
    return { reason: 'bug', message: error.message, waiting: [] };
  }
  return run_machine(d.machine);
}

/** All is over, and all can still be looked at. */
function stopAtEnd(d: Debuggee): void {
  const here = { ...standstill(d, d.tables.places.length, undefined), atEnd: true };
  stopAt(d, here, { reason: 'end', text: 'The scenario has ended', hit: [] });
  hushHooks();
}
