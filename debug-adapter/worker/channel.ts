// The worker's end of the conversation with the protocol thread. While the machine is stopped the worker blocks here and answers; while it runs, it
// looks in now and then and answers what does not need a stopped machine.

import { receiveMessageOnPort } from 'node:worker_threads';
import { PROC_FILES } from '../../engine/index.ts';
import type { Answer, CommandName, Commands, FromWorker, Request, WorkerEvent } from './commands.ts';
import { ALWAYS, WAKE } from './commands.ts';
import { beginStep } from './stepping.ts';
import { readExpression, readScopes, readVariables, readWalk } from './variables.ts';
import { readStack } from './stack.ts';
import type { Debuggee } from './state.ts';
import { runningTasks } from './threads.ts';
import { arm } from './traps.ts';
import { readLru, readLruPages } from './lru.ts';
import { readFilePages, readFiles } from './page-cache.ts';
import { readPageTable, readPageTables, readProcesses, readVmas } from './processes.ts';
import { readZones } from './zones.ts';

type Handlers = { [C in CommandName]: (d: Debuggee, args: Commands[C]['args']) => Commands[C]['result'] };

/** Commands after which the machine goes on. */
const RESUMING: ReadonlySet<CommandName> = new Set(['start', 'continue', 'step']);

const HANDLERS: Handlers = {
  arm: (d, { breakpoints }) => ({ problems: arm(d, breakpoints) }),
  start: () => null,
  continue: () => null,
  step: (d, { kind, pid }) => {
    if (!runningTasks(d).some((thread) => thread.pid === pid)) throw new Error('There is no such thread: its task has not begun or has ended.');
    beginStep(d, kind, pid);
    return null;
  },
  threads: (d) => runningTasks(d),
  stack: (d, { pid }) => readStack(d, pid),
  scopes: (d, { frame }) => readScopes(d, frame),
  variables: (d, args) => readVariables(d, args),
  evaluate: (d, args) => readExpression(d, args),
  proc: (d, { name }) => PROC_FILES[name]?.(d.machine.k) ?? null,
  walk: (d, args) => readWalk(d, args),
  zones: (d) => readZones(d.machine.k),
  processes: (d) => readProcesses(d.machine.k),
  vmas: (d, { pid }) => readVmas(d.machine.k, pid),
  pageTables: (d, args) => readPageTables(d.machine.k, args),
  pageTable: (d, args) => readPageTable(d.machine.k, args),
  files: (d, args) => readFiles(d.machine.k, args),
  filePages: (d, args) => readFilePages(d.machine.k, args),
  lru: (d) => readLru(d.machine.k),
  lruPages: (d, args) => readLruPages(d.machine.k, args),
};

export function tell(d: Debuggee, event: WorkerEvent): void {
  d.port.postMessage(event satisfies FromWorker);
}

/** Blocks and answers until a command lets the machine go on. */
export function serve(d: Debuggee): void {
  for (;;) {
    const seen = Atomics.load(d.control, WAKE);
    for (let request = receive(d); request !== null; request = receive(d)) {
      const said = answer(d, request);
      d.port.postMessage(said);
      if (RESUMING.has(request.command) && 'result' in said) return;
    }
    Atomics.wait(d.control, WAKE, seen);
  }
}

/** Answers what has come in while the machine runs. */
export function poll(d: Debuggee): void {
  for (let request = receive(d); request !== null; request = receive(d)) {
    if (ALWAYS.includes(request.command)) d.port.postMessage(answer(d, request));
    else d.port.postMessage({ id: request.id, error: 'notStopped', message: 'notStopped' } satisfies Answer);
  }
}

function receive(d: Debuggee): Request | null {
  const received = receiveMessageOnPort(d.port) as { message: Request } | undefined;
  return received?.message ?? null;
}

function answer(d: Debuggee, { id, command, args }: Request): Answer {
  try {
    const handler = HANDLERS[command] as (debuggee: Debuggee, args: unknown) => unknown;
    return { id, result: handler(d, args) };
  } catch (error) {
    return { id, error: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
