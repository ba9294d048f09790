// The Processes tree as plain rows, made from what the adapter answers: texts, units and states, no VS Code.
//
//   hog (1)                        runs · 20,481 pages (+12) resident
//     08048000-0804c000 r-xp         /bin/hog · 4 of 4 pages
//     b3000000-b8000000 rw-p         20,480 of 20,480 pages
//       b3000000-b3400000              1,024 present · table in frame 4501
//         0xb3000000 → 4502              PRESENT|RW|USER|ACCESSED|DIRTY
//           flags, references …
//
// An area that one table serves opens to its entries at once. Entries that are empty have no row.
import type { PageTableResponse, PageTablesResponse, ProcessRow, ProcessesResponse, PteRow, VmaRow, VmasResponse } from '../../debug-adapter/protocol.ts';
import { pageRows } from './page-rows.ts';
import type { Counts, Row, RowState } from './rows.ts';
import { RowWriter, counted, grouped, pages } from './rows.ts';

/** What is to be asked for when a row is opened. */
export type Below =
  | { what: 'vmas'; pid: number }
  | { what: 'tables'; pid: number; start: string }
  | { what: 'entries'; pid: number; start: string; end: string };

export interface ProcessTreeRow extends Row {
  below?: Below;
}

/** What the last stop showed, and the rows of this one. */
export function processesRows({ processes }: ProcessesResponse, before: Counts): { rows: ProcessTreeRow[]; counts: Counts } {
  const writer = new RowWriter(before);
  return { rows: processes.map((process) => processRow(process, writer)), counts: writer.counts };
}

function processRow(process: ProcessRow, writer: RowWriter): ProcessTreeRow {
  const { pid, name, rss, anon_rss, file_rss, nr_ptes, total_vm, min_flt, maj_flt, nr_vmas } = process;
  const id = `process/${pid}`;
  const { state, words } = stateOf(process);
  return {
    id, label: `${name} (${pid})`, state, isOpen: false, isLazy: nr_vmas > 0, children: [], below: { what: 'vmas', pid },
    description: `${words} · ${counted(rss, 'page')}${writer.change(id, rss)} resident`,
    tooltip: `${pages(rss)} of ${pages(total_vm)} are resident: ${grouped(anon_rss)} anonymous, ${grouped(file_rss)} of files. `
      + `${counted(nr_vmas, 'area')}, ${counted(nr_ptes, 'page table')}. Faults: ${grouped(min_flt)} minor, ${grouped(maj_flt)} major.`,
  };
}

function stateOf({ state, signal, waits_for, isCurrent }: ProcessRow): { state: RowState; words: string } {
  if (signal !== 0) return { state: 'killed', words: `ended by signal ${signal}` };
  if (state === 'Z') return { state: 'ended', words: 'ended' };
  if (isCurrent) return { state: 'running', words: 'runs' };
  return state === 'R' ? { state: 'ready', words: 'ready' } : { state: 'sleeping', words: waits_for === '' ? 'sleeps' : `waits for ${waits_for}` };
}

/** The areas of a process. */
export function vmaRows({ vmas }: VmasResponse, pid: number): ProcessTreeRow[] {
  return vmas.map((vma) => vmaRow(vma, pid));
}

function vmaRow({ start, end, permissions, name, flags, pages: all, rss, dirty }: VmaRow, pid: number): ProcessTreeRow {
  return {
    id: `process/${pid}/vma/${start}`, label: `${digits(start)}-${digits(end)} ${permissions}`, state: 'vma', isOpen: false, isLazy: rss > 0, children: [],
    below: { what: 'tables', pid, start },
    description: `${name === '' ? '' : `${name} · `}${grouped(rss)} of ${counted(all, 'page')}`,
    tooltip: `${name === '' ? 'Anonymous memory' : name}: ${pages(all)}, ${grouped(rss)} resident, ${grouped(dirty)} of them dirty. ${flags}`,
  };
}

/** The tables that serve an area. */
export function tableRows({ tables }: PageTablesResponse, pid: number): ProcessTreeRow[] {
  return tables.map(({ start, end, pfn, present, swapped }) => ({
    id: `process/${pid}/table/${start}`, label: `${digits(start)}-${digits(end)}`, state: 'table', isOpen: false, isLazy: present + swapped > 0, children: [],
    below: { what: 'entries', pid, start, end },
    description: `${grouped(present)} present${swapped === 0 ? '' : ` · ${grouped(swapped)} in swap`} · table in frame ${pfn}`,
    tooltip: `The table of the lowest level for this part of the area lies in page frame ${pfn} (0x${pfn.toString(16)}).`,
  }));
}

/** The entries of a table, each with the page it names. */
export function entryRows({ entries }: PageTableResponse, pid: number): ProcessTreeRow[] {
  return entries.map((entry) => entryRow(entry, pid));
}

function entryRow({ address, value: raw, bits, page }: PteRow, pid: number): ProcessTreeRow {
  const id = `process/${pid}/pte/${address}`;
  return {
    id, label: page === null ? address : `${address} → ${page.pfn}`, state: page === null ? 'swapped' : 'pte', isOpen: false,
    description: bits, tooltip: `Entry ${raw}: ${bits}`, children: page === null ? [] : pageRows(page, id),
  };
}

/** An address as /proc/PID/maps writes it. */
function digits(address: string): string {
  return address.replace(/^0x/, '').padStart(8, '0');
}
