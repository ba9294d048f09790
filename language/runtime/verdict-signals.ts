/** Processes that ended otherwise than the scenario says: by a signal that nobody asked for, or not by the one that it announces. */
import type { Kernel, VirtAddr, task_struct } from '../../engine/index.ts';
import { SEGV_ACCERR, SEGV_MAPERR, SIGABRT, SIGBUS, SIGKILL, SIGSEGV, SI_USER, signal_name } from '../../engine/index.ts';
import { ERRNO } from '../vocabulary/constants.ts';
import { shownAddress } from './addresses.ts';
import { placeOfTask } from './frames.ts';
import type { Position, ProgramData } from './program.ts';
import { hex } from './values.ts';
import { count } from './words.ts';

/** Of one sort of failure so many are told each by itself: a thousand processes may end for one reason. */
const MOST_TOLD = 20;

/** What is wrong with how a run ended, in a few words, and each reason as a full line, the last for those too many; empty where nothing is. */
export interface Ending {
  ending: string;
  failures: string[];
}

/** Ends by signals that nobody asked for: neither the OOM killer nor kill() sent them, and no `dies` announces them, the task's or its forebear's. */
export function killedProcesses(data: ProgramData, k: Kernel): Ending {
  const killed = k.tasks.filter((task) => task.signal !== 0 && !isAskedFor(k, task));
  return {
    ending: killed.length === 0 ? '' : `${count(killed.length, 'process', 'processes')} ended by a signal`,
    failures: told(data, killed, (task) => `${placeOfTask(data, k, task.pid)}: ${nameOf(task)} was ended by ${signal_name(task.signal)}${why(k, task)}.`),
  };
}

/** Processes that did not end by the signal that was announced, which nobody else tells: known when every task has ended. */
export function survivingProcesses(data: ProgramData, k: Kernel): Ending {
  const alive = k.tasks.filter((task) => task.dies !== 0 && !diedAsAnnounced(k, task) && (task.signal === 0 || isAskedFor(k, task)));
  return {
    ending: alive.length === 0 ? '' : `${count(alive.length, 'process', 'processes')} did not die as announced`,
    failures: told(data, alive, (task) => `${data.file}: ${nameOf(task)} was to be ended by ${signal_name(task.dies)}, and ${endOf(task)}.`),
  };
}

function told(data: ProgramData, tasks: readonly task_struct[], line: (task: task_struct) => string): string[] {
  const rest = tasks.length - MOST_TOLD;
  return [...tasks.slice(0, MOST_TOLD).map(line), ...(rest > 0 ? [`${data.file}: and ${count(rest, 'process', 'processes')} more.`] : [])];
}

function endOf({ signal }: task_struct): string {
  return signal === 0 ? 'exited' : `was ended by ${signal_name(signal)}`;
}

function nameOf({ name, pid }: task_struct): string {
  return `${name} (pid ${pid})`;
}

function isAskedFor(k: Kernel, { signal, si_code, memdie, program }: task_struct): boolean {
  if (si_code === SI_USER || memdie !== 0) return true;
  return signal === k.tasks[(program as Position | null)?.origin ?? 0]!.dies;
}

/** The task itself, or one in the line of its forks. */
function diedAsAnnounced(k: Kernel, { pid, dies }: task_struct): boolean {
  return k.tasks.some(({ signal, program }) => signal === dies && (program as Position | null)?.origin === pid);
}

/** What the signal says of its cause. */
function why(k: Kernel, { signal, si_code, si_addr }: task_struct): string {
  const address = hex(shownAddress(si_addr));
  if (signal === SIGSEGV && si_code === SEGV_MAPERR) return `: nothing is mapped at ${address} (SEGV_MAPERR)${errnoAt(k, si_addr)}`;
  if (signal === SIGSEGV && si_code === SEGV_ACCERR) return `: the area at ${address} does not allow the access (SEGV_ACCERR)`;
  if (signal === SIGSEGV) return ': the processor has no such address (general protection)';
  if (signal === SIGBUS) return `: the mapped file has no page for ${address} (BUS_ADRERR)`;
  if (signal === SIGKILL) return ': there was no memory for it. See the kernel log (--log)';
  return signal === SIGABRT ? ': the C library gave up on it' : '';
}

/** Who does not look at what a call answers uses a negative errno as an address, sooner or later. */
function errnoAt(k: Kernel, address: VirtAddr): string {
  const errno = k.platform.arch === 'i386' ? 2 ** 32 - address : -address;
  const name = Object.keys(ERRNO).find((one) => ERRNO[one] === errno);
  return name === undefined ? '' : `: that is -${name}, as a call that failed answers`;
}
