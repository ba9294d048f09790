// What the worker says by itself, as DAP events.

import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Context } from './context.ts';
import { rangeToClient } from './conventions.ts';
import type { Run } from './run.ts';
import { threadOf } from './run.ts';
import { sourceOf } from './sources.ts';
import type { OutputEvent, StoppedEvent, WorkerEvent } from './worker/commands.ts';

export function onWorkerEvent(context: Context, run: Run, event: WorkerEvent): void {
  if (context.run !== run || run.state === 'ended') return;
  switch (event.event) {
    case 'stopped':
      run.state = 'stopped';
      run.stop = event;
      run.threads.add(threadOf(event.pid));
      context.send('stopped', stoppedBody(event));
      break;
    case 'output':
      context.say(outputBody(context, event));
      void context.drained().then(() => run.client.heard());
      break;
    case 'threadStarted': sayThread(context, run, 'started', threadOf(event.pid)); break;
    case 'threadExited': sayThread(context, run, 'exited', threadOf(event.pid)); break;
    case 'ended': endRun(context, run, event.exitCode); break;
  }
}

/** The worker is gone though nobody ended it. */
export function onDeath(context: Context, run: Run, message: string): void {
  if (context.run !== run || run.state === 'ended') return;
  context.say({ category: 'important', output: `Pagewalk's engine broke. This is a fault of Pagewalk, not of the scenario.\n${message}\n` });
  endRun(context, run, BROKEN);
}

/**
 * Says that the run is over; `exitCode` is null where it did not come to an end of its own. Its threads are said to have exited first: VS Code drops
 * what it still fetches for a stop only with the stopped thread, and would else give an ended session the focus, which no later session gets then.
 */
export function endRun(context: Context, run: Run, exitCode: number | null): void {
  run.state = 'ended';
  for (const threadId of run.threads) sayThread(context, run, 'exited', threadId);
  if (exitCode !== null) context.send('exited', { exitCode });
  context.send('terminated');
}

function sayThread(context: Context, run: Run, reason: 'started' | 'exited', threadId: number): void {
  if (reason === 'started') run.threads.add(threadId);
  else run.threads.delete(threadId);
  context.send('thread', { reason, threadId });
}

/** The exit status of an emulator that broke itself. */
const BROKEN = 3;

const DESCRIPTIONS: Readonly<Record<StoppedEvent['reason'], string>> = {
  'entry': 'Stopped at the first statement',
  'step': 'Stopped after a step',
  'breakpoint': 'Stopped at a breakpoint',
  'function breakpoint': 'Stopped at a function breakpoint',
  'exception': 'Stopped at an event',
  'pause': 'Paused',
  'end': 'The scenario has ended',
};

/** A line breakpoint is a place, which the client shows anyway; everything else that has a text is described by it. */
function stoppedBody({ reason, pid, text, hit }: StoppedEvent): DebugProtocol.StoppedEvent['body'] {
  const isDescribed = text !== '' && ['function breakpoint', 'exception', 'end'].includes(reason);
  return {
    reason,
    description: isDescribed ? text : DESCRIPTIONS[reason],
    ...(text === '' ? {} : { text }),
    threadId: threadOf(pid),
    allThreadsStopped: true,
    hitBreakpointIds: hit.filter((id) => id > 0),
  };
}

function outputBody({ conventions, files }: Context, { category, text, file, line, column }: OutputEvent): DebugProtocol.OutputEvent['body'] {
  if (file === null) return { category, output: text };
  return { category, output: text, source: sourceOf(conventions, files, file), ...rangeToClient(conventions, { line, column }) };
}
