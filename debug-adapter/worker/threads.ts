// Which tasks are threads.

import type { task_struct } from '../../engine/index.ts';
import { EXIT_ZOMBIE, TASK_NEW } from '../../engine/index.ts';
import type { ThreadRow } from './commands.ts';
import type { Debuggee } from './state.ts';
import { END_PID } from './state.ts';

/** Declared tasks whose time has not come and ended ones do not exist; the idle task does while it boots the machine, and where the machine stands in
 *  an interrupt. The kernel's own threads are part of a machine that runs: of a run that is over they are not left over. */
function exists(d: Debuggee, task: task_struct): boolean {
  if (task.kind === 'idle') return d.machine.k.system_running === 0 || (d.standstill !== null && d.standstill.pid === task.pid);
  if (task.daemon !== 0 && d.isOver) return false;
  return task.state !== TASK_NEW && task.state !== EXIT_ZOMBIE;
}

/** Tasks that exist, the scenario's first. When the run is over and none is left, or the stop is no task's, one more stands for the machine. */
export function runningTasks(d: Debuggee): ThreadRow[] {
  const there = d.machine.k.tasks.filter((task) => exists(d, task));
  const isOwn = ({ kind, daemon }: task_struct): boolean => kind === 'idle' || daemon !== 0;
  const threads = [...there.filter((task) => !isOwn(task)), ...there.filter(isOwn)].map(({ pid, name }) => ({ pid, name }));
  return d.standstill?.pid === END_PID ? [...threads, { pid: END_PID, name: 'the scenario has ended' }] : threads;
}

/** The task that the end of a run is shown at: the one that ran last, or else the first that is left. */
export function taskAtEnd(d: Debuggee): number {
  const threads = runningTasks(d);
  return (threads.find(({ pid }) => pid === d.machine.k.current) ?? threads[0])?.pid ?? END_PID;
}
