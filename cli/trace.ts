// `--trace OUT`: takes the machine's events out of its ring before they are overwritten, and writes them to a file.
//
// Recording begins when the machine is up, as it does on a real one, with one exception: what the boot block does (bootmem_*) is recorded as well,
// at time 0. Recording changes nothing in what the machine does.
import fs from 'node:fs';
import type { Kernel } from '../engine/index.ts';
import { TRACEPOINTS, resize_ring, trace_records } from '../engine/index.ts';
import { UsageError } from './exit-status.ts';
import type { TraceFormat } from './trace-formats.ts';
import { TRACE_FORMATS } from './trace-formats.ts';

export interface TraceOptions {
  file: string;
  format: TraceFormat;
  /** Ids of the tracepoints to record. */
  ids: readonly number[];
}

/** Records the ring holds: as many as the end of a process of 1 GiB makes, which is one piece of work. Where one makes more, the first are lost, and
 *  the trace says so. */
const RING_CAPACITY = 1 << 20;

/** Text is written in pieces of about this many characters. */
const PIECE = 1 << 16;

/** Throws UsageError for a format or a glob that means nothing. */
export function traceOptions(file: string, format: string, glob: string): TraceOptions {
  const wanted = TRACE_FORMATS[format];
  if (wanted === undefined) throw new UsageError(`--format ${format}: a trace is written as ${Object.keys(TRACE_FORMATS).join(', ')}.`);
  return { file, format: wanted, ids: matching(glob) };
}

/** Tracepoints whose `name` or `system:name` matches. */
function matching(glob: string): number[] {
  const pattern = new RegExp(`^${glob.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
  const ids = [...TRACEPOINTS.keys()].filter((id) => pattern.test(TRACEPOINTS[id]!.name) || pattern.test(fullName(id)));
  if (ids.length > 0) return ids;
  throw new UsageError(`--events ${glob}: no event matches. There are ${[...TRACEPOINTS.keys()].map(fullName).join(', ')}.`);
}

function fullName(id: number): string {
  const { system, name } = TRACEPOINTS[id]!;
  return `${system}:${name}`;
}

/** A trace file that is being written; its methods are called by the run (Watcher). */
export interface TraceWriter {
  made(k: Kernel): void;
  booted(k: Kernel): void;
  pulse(k: Kernel): void;
  close(k: Kernel): void;
}

/** Opens the file at once, so that a path that cannot be written is known before the run. Throws UsageError. */
export function openTrace({ file, format, ids }: TraceOptions): TraceWriter {
  const fd = guarded(file, () => fs.openSync(file, 'w'));
  let next = 0;
  let written = 0;
  let text = '';
  let hasHeader = false;
  const flush = (): void => {
    guarded(file, () => fs.writeSync(fd, text));
    text = '';
  };
  const begin = (k: Kernel): void => {
    if (!hasHeader) text += format.header(k);
    hasHeader = true;
  };
  const drain = (k: Kernel, time?: number): void => {
    begin(k);
    const lost = k.trace.ring.seq - next - RING_CAPACITY;
    if (lost > 0) {
      text += format.lost(k, lost, written === 0);
      written++;
      next += lost;
    }
    for (const record of trace_records(k, next)) {
      text += format.event(k, time === undefined ? record : { ...record, time }, written === 0);
      written++;
      if (text.length > PIECE) flush();
    }
    next = k.trace.ring.seq;
  };
  return {
    made(k) {
      resize_ring(k, RING_CAPACITY);
      enable(k, ids.filter((id) => TRACEPOINTS[id]!.name.startsWith('bootmem_')));
    },
    booted(k) {
      drain(k, 0);
      enable(k, ids);
    },
    pulse: (k) => drain(k),
    close(k) {
      drain(k);
      text += format.footer(k);
      flush();
      fs.closeSync(fd);
    },
  };
}

/** What the file system refuses is the user's to mend: UsageError. */
function guarded<T>(file: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw new UsageError(`--trace ${file}: the file cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}).`);
  }
}

function enable(k: Kernel, ids: readonly number[]): void {
  for (const id of ids) k.trace.enabled[id] = 1;
}
