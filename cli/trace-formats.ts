// How recorded events are written: as ftrace's own text, as a JSON array with one event a line, or as a trace that Perfetto opens.
import type { FieldKind, Kernel, TraceRecord } from '../engine/index.ts';
import { TRACEPOINTS, show_field } from '../engine/index.ts';

/** A way of writing events: what stands before, between and after them. `isFirst` events have none before them. */
export interface TraceFormat {
  header(k: Kernel): string;
  event(k: Kernel, record: TraceRecord, isFirst: boolean): string;
  /** Stands for events that were overwritten before they could be written. */
  lost(k: Kernel, events: number, isFirst: boolean): string;
  footer(k: Kernel): string;
}

export const TRACE_FORMATS: Readonly<Record<string, TraceFormat>> = {
  ftrace: { header: ftraceHeader, event: ftraceLine, lost: (k, events) => `CPU:${k.cpu} [LOST ${events} EVENTS]\n`, footer: () => '' },
  json: {
    header: () => '[',
    event: (k, record, isFirst) => `${isFirst ? '' : ','}\n${JSON.stringify(jsonEvent(k, record))}`,
    lost: (k, events, isFirst) => `${isFirst ? '' : ','}\n${JSON.stringify({ time_ns: k.now, cpu: k.cpu, lost_events: events })}`,
    footer: () => '\n]\n',
  },
  perfetto: {
    header: (k) => `{"displayTimeUnit":"ns","traceEvents":[\n${JSON.stringify(threadName(0, k.tasks[0]!.name))}`,
    event: (k, record) => `,\n${JSON.stringify(chromeEvent(k, record))}`,
    lost: (k, events) => `,\n${JSON.stringify({ name: 'lost events', ph: 'i', s: 'g', ts: k.now / 1000, pid: 1, tid: 0, args: { cpu: k.cpu, events } })}`,
    footer: (k) => `${k.tasks.slice(1).map((task) => `,\n${JSON.stringify(threadName(task.pid, task.name))}`).join('')}\n]}\n`,
  },
};

// ---- ftrace -----------------------------------------------------------------------------------------------------------

/** The head of /sys/kernel/debug/tracing/trace, with what Pagewalk adds to it. */
function ftraceHeader(k: Kernel): string {
  return [
    '# tracer: nop', '#', `# virtual time of an emulated machine, #P:${k.platform.nr_cpus}`, '#',
    '#           TASK-PID     CPU#  ||||    TIMESTAMP  FUNCTION',
    '#              | |         |   ||||       |         |', '',
  ].join('\n');
}

function ftraceLine(k: Kernel, record: TraceRecord): string {
  const comm = (k.tasks[record.pid]?.comm ?? '<...>').padStart(16);
  const cpu = String(record.cpu).padStart(3, '0');
  return `${comm}-${String(record.pid).padEnd(7)} [${cpu}] .... ${timestamp(record.time)}: ${record.name}: ${ftraceFields(record)}\n`;
}

/** Seconds and microseconds, as ftrace prints them: `    0.000146`. */
function timestamp(ns: number): string {
  const us = Math.floor(ns / 1000);
  return `${String(Math.floor(us / 1e6)).padStart(5)}.${String(us % 1e6).padStart(6, '0')}`;
}

function ftraceFields(record: TraceRecord): string {
  const fields: readonly (readonly [string, FieldKind])[] = TRACEPOINTS[record.id]!.fields;
  return fields.map(([name, kind]) => `${name}=${ftraceValue(name, kind, record.args[name]!)}`).join(' ');
}

/** ftrace prints `page` as a pointer in hex; here that is the frame's number. */
function ftraceValue(name: string, kind: FieldKind, value: number): string {
  if (name === 'page') return value.toString(16).padStart(8, '0');
  return kind === 'zone' ? String(value) : show_field(kind, value);
}

// ---- JSON -------------------------------------------------------------------------------------------------------------

/** One event as data: numbers as they are, times in ns. */
function jsonEvent(k: Kernel, { time, cpu, pid, system, name, args }: TraceRecord): object {
  return { time_ns: time, cpu, pid, task: k.tasks[pid]?.name ?? '', event: `${system}:${name}`, args };
}

// ---- Perfetto ---------------------------------------------------------------------------------------------------------

/** The Trace Event Format, which ui.perfetto.dev opens: an instant on its task's track, times in microseconds. */
function chromeEvent(k: Kernel, { time, cpu, pid, system, name, args }: TraceRecord): object {
  return { name, cat: system, ph: 'i', s: 't', ts: time / 1000, pid: 1, tid: pid, args: { cpu, ...args } };
}

function threadName(pid: number, name: string): object {
  return { name: 'thread_name', ph: 'M', pid: 1, tid: pid, args: { name: `${name}-${pid}` } };
}
