// `pagewalk run --json`: a whole run as one JSON object.
import type { Kernel, task_struct } from '../engine/index.ts';
import {
  EXIT_ZOMBIE, TRACEPOINTS, for_each_zone, log_lines, meminfo, populated_zone, shown_badness, shown_mm, task_state_letter, vmstat,
} from '../engine/index.ts';
import type { OutputRecord, ProgramData, RunResult, Verdict } from '../language/runtime/index.ts';
import { endOf, hex, programOutput, shownAddress } from '../language/runtime/index.ts';
import { procText } from './proc.ts';

export interface JsonRequest {
  /** /proc files to add under `proc`. */
  proc: readonly string[];
  /** Whether to add the kernel log under `log`. */
  log: boolean;
  wallNs: number;
}

/** The object that LANGUAGE.md describes, with what else is known of the run. */
export function jsonReport(data: ProgramData, result: RunResult, verdict: Verdict, request: JsonRequest): object {
  const { k } = result;
  const said = programOutput(k);
  return {
    ok: verdict.ok,
    reason: verdict.reason,
    end: { reason: result.reason, message: result.message, waiting: result.waiting },
    expectations: said.filter((record) => record.kind === 'expect').map((record) => expectation(data, record)),
    errors: [...said.filter((record) => record.kind === 'error').map((record) => record.text), ...verdict.failures],
    output: said.filter((record) => record.kind === 'print').map((record) => record.text),
    vmstat: vmstat(k),
    meminfo: meminfo(k),
    zones: for_each_zone(k).filter(populated_zone).map(zoneRow),
    processes: k.tasks.filter(({ kind, daemon }) => kind !== 'idle' && daemon === 0).map((task) => processRow(k, task)),
    oom: { kills: 0, victims: [] },
    events: Object.fromEntries(TRACEPOINTS.map((point, id) => [point.name, k.trace.counts[id]])),
    ...(request.proc.length > 0 ? { proc: Object.fromEntries(request.proc.map((name) => [name, procText(k, name)])) } : {}),
    ...(request.log ? { log: log_lines(k, 0) } : {}),
    virtual_ns: Math.round(endOf(k)),
    wall_ns: request.wallNs,
  };
}

function expectation(data: ProgramData, { at, text, message, ok, task, time }: OutputRecord): object {
  return { file: data.files[at.file], line: at.line, column: at.column, text, message, ok, task, time_ns: Math.round(time) };
}

type Zone = ReturnType<typeof for_each_zone>[number];

function zoneRow(zone: Zone): object {
  const { node, name, zone_start_pfn, spanned_pages, present_pages, free_pages, pages_min, pages_low, pages_high, lowmem_reserve } = zone;
  return {
    node, name, zone_start_pfn, spanned_pages, present_pages, free_pages, pages_min, pages_low, pages_high, lowmem_reserve,
    nr_active: zone.nr_active, nr_inactive: zone.nr_inactive, all_unreclaimable: zone.all_unreclaimable,
    free_area: zone.free_area.map(({ nr_free }) => ({ nr_free })),
    pcp: zone.pageset.map(({ pcp: [hot, cold] }) => ({ hot: listRow(hot), cold: listRow(cold) })),
  };
}

function listRow({ count, high, batch }: { count: number; high: number; batch: number }): object {
  return { count, high, batch };
}

function processRow(k: Kernel, task: task_struct): object {
  const { name, comm, pid, kind, state, cpu, exit_code, start_time, utime } = task;
  return {
    name, comm, pid, kind, state: task_state_letter(state), cpu, exit_code: state === EXIT_ZOMBIE ? exit_code : null,
    start_ns: start_time, cpu_ns: Math.round(utime), ...(kind === 'user' ? memoryOf(k, task) : {}),
  };
}

/** What a process has of memory, or had when it ended; sizes in pages. */
function memoryOf(k: Kernel, task: task_struct): object {
  const { parent, uid, nice, oomkilladj, signal, si_code, min_flt, maj_flt } = task;
  const { total_vm, anon_rss, file_rss, nr_ptes, map_count, locked_vm } = shown_mm(k, task) ?? NO_MEMORY;
  return {
    parent, uid, nice, oom_adj: oomkilladj, signal, si_code, si_addr: hex(shownAddress(task.si_addr)), min_flt, maj_flt,
    total_vm, rss: anon_rss + file_rss, anon_rss, file_rss, nr_ptes, map_count, locked_vm, badness: shown_badness(k, task),
  };
}

const NO_MEMORY = { total_vm: 0, anon_rss: 0, file_rss: 0, nr_ptes: 0, map_count: 0, locked_vm: 0 };
