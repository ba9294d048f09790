// Programs that a recording shows, run on the emulated machine: one process whose body is a generator that makes the engine's system calls, with
// disks and files as they must have been. What became of it is read from tracepoints, while it runs.

import type { MachineConfig } from '../../engine/config.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { SIGKILL } from '../../engine/include/signal.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Coroutine } from '../../engine/kernel/sched.ts';
import type { Machine } from '../../engine/machine.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { PAGE_SIZE, phys } from '../../engine/include/types.ts';
import { default_config } from '../../engine/config.ts';
import { boot_machine, make_machine, run_machine } from '../../engine/machine.ts';
import { nr_free_pages } from '../../engine/mm/page_alloc.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { TRACEPOINTS } from '../../engine/trace/tracepoints.ts';
import type { Ram } from './engine-door.ts';

/** What the process does. */
export type Body = (k: Kernel, task: task_struct) => Coroutine;

/** A run, and how far its events have been read. */
export interface Run {
  machine: Machine;
  since: number;
}

/** Events between two looks. */
const RING = 1 << 15;
/** Jiffies begin five minutes before they wrap (INITIAL_JIFFIES), and are printed as 32 bits. */
const SECONDS_TO_WRAP = 300;
const WRAP = 2 ** 32;
const NS = 1e9;

/** A disk that keeps up with any writer, so that its queue is never congested: what is compared depends on no time. */
export function disk(name: string, pages: number): MachineConfig['disks'][number] {
  return { name, seek: 1e5, bandwidth: 2 ** 30, blocks: pages, fail_read: [], fail_write: [] };
}

export interface Script {
  settings: Partial<MachineConfig>;
  body: Body;
  /** Names of the events that are kept. */
  events: readonly string[];
  /** Looks on whenever another task is chosen. */
  watch(run: Run): void;
}

/** A booted machine with this RAM and one process. */
export function prepare(ram: readonly Ram[], { settings, body, events, watch }: Script): Run {
  const end = Math.floor(Math.max(...ram.map((range) => range.end)) / PAGE_SIZE);
  const task = { name: 'init', comm: 'init', kind: 'user' as const, at: 0, after: [], cpu: null, nice: 0, uid: 0, oom_adj: 0, body: 0 };
  const config: MachineConfig = { ...default_config(), memory: end * PAGE_SIZE, ...settings, tasks: [task] };
  const machine = make_machine(config, {
    start: () => 0,
    run: (k, who) => body(k, who),
    boot() {
      // The machine boots as any other.
    },
  });
  machine.k.platform.e820 = ram.map((range) => ({ start: phys(range.start), end: phys(range.end) }));
  boot_machine(machine, config);
  set_tracing(machine.k, 0);
  for (const [id, { name }] of TRACEPOINTS.entries()) if (events.includes(name)) machine.k.trace.enabled[id] = 1;
  resize_ring(machine.k, RING);
  const run: Run = { machine, since: machine.k.trace.ring.seq };
  machine.hooks = { boundary: () => watch(run) };
  return run;
}

/** The program cannot be run again to its end, without the engine being wrong. */
export class NotRun extends Error {
  override name = 'NotRun';
}

/** Why a program did not come to its end: for a gap of the verdict, or because the engine differs. */
export type Stopped = { gap: string } | { difference: string };

/** Runs it; null where it came to its end. */
export function finish({ machine }: Run): Stopped | null {
  try {
    const { reason, message } = run_machine(machine);
    if (machine.k.tasks.some(({ signal }) => signal === SIGKILL)) return { gap: outOfMemory(machine.k, 'it was killed: it').message };
    return reason === 'ended' ? null : { difference: `the machine stops: ${reason} ${message}` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error instanceof NotRun ? { gap: error.message } : { difference: `${error.name}: ${error.message}` };
  }
}

/** Where the engine has no page for something: the recorded machine reclaimed. */
export function outOfMemory(k: Kernel, what: string): NotRun {
  return new NotRun(`${what} needs direct reclaim, which the engine does not model yet (${nr_free_pages(k)} pages are free)`);
}

/** The events since the last look. Throws where there were more than are kept. */
export function eventsSince(run: Run): TraceRecord[] {
  const { k } = run.machine;
  if (k.trace.ring.seq - run.since > RING) throw new Error(`${k.trace.ring.seq - run.since} events between two looks`);
  const records = trace_records(k, run.since);
  run.since = k.trace.ring.seq;
  return records;
}

/** When a recorded time was, ns since the machine was up: printed jiffies count from INITIAL_JIFFIES. */
export function timeOf(jiffies: number, hz: number): number {
  return (((jiffies + SECONDS_TO_WRAP * hz) % WRAP) / hz) * NS;
}
