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
      context.send('stopped', stoppedBody(event));
      break;
    case 'output':
      context.say(outputBody(context, event));
      void context.drained().then(() => run.client.heard());
      break;
    case 'threadStarted': context.send('thread', { reason: 'started', threadId: threadOf(event.pid) }); break;
    case 'threadExited': context.send('thread', { reason: 'exited', threadId: threadOf(event.pid) }); break;
    case 'ended':
      run.state = 'ended';
      context.send('exited', { exitCode: event.exitCode });
      context.send('terminated');
      break;
  }
}

/** The worker is gone though nobody ended it. */
export function onDeath(context: Context, run: Run, message: string): void {
  if (context.run !== run || run.state === 'ended') return;
  run.state = 'ended';
  context.say({ category: 'important', output: `Pagewalk's engine broke. This is a fault of Pagewalk, not of the scenario.\n${message}\n` });
  context.send('exited', { exitCode: BROKEN });
  context.send('terminated');
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
