// One run of a scenario under the debugger: boots the machine and lets it go. How it ended is end.ts's business.

import type { Kernel, Machine, RunEnd } from '../../engine/index.ts';
import { EXIT_ZOMBIE, KernelBug, TASK_NEW, boot_machine, check_machine, make_machine, printk, run_machine } from '../../engine/index.ts';
import type { LinkedProgram, OutputRecord, RunResult } from '../../language/runtime/index.ts';
import { finishRun, linkProgram } from '../../language/runtime/index.ts';
import { tell } from './channel.ts';
import type { Reason } from './control.ts';
import { hushHooks, refill, standstill, stopAt } from './control.ts';
import { endRun, stopAtExpectation } from './end.ts';
import { __bp, __c, __cur, __stop, makeShadow } from './hooks.ts';
import { collectLog, recordText, sayRecord } from './output.ts';
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
  if (wanted === undefined || record.kind !== 'expect' || record.ok) return;
  const reason: Reason = { reason: 'exception', text: recordText(record), hit: [wanted.id] };
  if (record.statement < 0) stopAtExpectation(d, record.at, reason);
  else stopAt(d, standstill(d, d.tables.places.length + record.statement, undefined), reason);
}

/** Thrown through the engine when the run has passed more than it may. */
class EventLimit extends Error {}

/** The hook of a scenario statement: the same test as the engine's. */
function passStatement(d: Debuggee, id: number): void {
  if (++d.statements + d.machine.k.trace.total > d.options.limitEvents) throw new EventLimit();
  const place = d.tables.places.length + id;
  if (--__c[0]! < 0 || __bp[place] !== 0) __stop(place);
}

/** Between two tasks: threads that began or ended are announced, the log goes out, and the laws are checked where that is wanted. The kernel's own
 *  threads come and go as there is work: a client sees them when it asks at a stop. */
function atBoundary(d: Debuggee): void {
  collectLog(d);
  for (const task of d.machine.k.tasks) {
    if (task.kind === 'idle' || task.daemon !== 0 || task.state === TASK_NEW) continue;
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
  refill(d);
  const end = bootAndRun(d);
  d.isOver = true;
  hushHooks();
  endRun(d, end === 'limit' ? resultAtLimit(d.machine.k) : finishRun(d.machine.k, linked, end));
}

function bootAndRun(d: Debuggee): RunEnd | 'limit' {
  try {
    boot_machine(d.machine, d.program.config);
    return run_machine(d.machine);
  } catch (error) {
    if (error instanceof EventLimit) return 'limit';
    if (!(error instanceof KernelBug)) throw error;
    return { reason: 'bug', message: error.message, waiting: [] };
  }
}

function resultAtLimit(k: Kernel): RunResult {
  return { k, reason: 'limit', message: '', waiting: [], isAnnounced: false };
}
