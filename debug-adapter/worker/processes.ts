// The answers to the Processes view: processes, the areas of one, the page tables behind an area, and their entries with the pages they name. Looking
// disturbs nothing: no accessed bit is set, no fault happens.

import type { Kernel, mm_struct, pte_entry, task_struct } from '../../engine/index.ts';
import {
  EXIT_ZOMBIE, PAGE_SIZE, TASK_NEW, VM_FLAG_NAMES, area_name, hardware_pte, mm_vmas, pte_entries, pte_page, pte_present, pte_tables, show_pte_bits,
  shown_images, shown_mm, task_mm, task_state_letter, virt, vma_permissions,
} from '../../engine/index.ts';
import type {
  PageTableArguments, PageTableResponse, PageTablesArguments, PageTablesResponse, ProcessRow, ProcessesResponse, VmaRow, VmasResponse,
} from '../protocol.ts';
import { pageRow } from './pages.ts';

export function readProcesses(k: Kernel): ProcessesResponse {
  return { processes: k.tasks.filter(({ kind, state }) => kind === 'user' && state !== TASK_NEW).map((task) => processRow(k, task)) };
}

/** An ended process is as it was when it gave up its memory; one that has only just begun has none yet. */
function processRow(k: Kernel, task: task_struct): ProcessRow {
  const { pid, name, waits_for, signal, min_flt, maj_flt } = task;
  const mm = shown_mm(k, task);
  const { total_vm, anon_rss, file_rss, nr_ptes, map_count } = mm ?? { total_vm: 0, anon_rss: 0, file_rss: 0, nr_ptes: 0, map_count: 0 };
  return {
    pid, name, signal, min_flt, maj_flt, total_vm, anon_rss, file_rss, nr_ptes, state: task_state_letter(task.state), nr_vmas: map_count,
    waits_for: task.state === EXIT_ZOMBIE ? '' : waits_for, rss: anon_rss + file_rss, isCurrent: pid === k.current,
  };
}

export function readVmas(k: Kernel, pid: number): VmasResponse {
  const task = k.tasks[pid];
  const mm = task === undefined ? null : shown_mm(k, task);
  return task === undefined || mm === null ? { vmas: [] } : { vmas: shown_images(k, task).map((image) => vmaRow(image, area_name(mm, image))) };
}

function vmaRow({ vma: { vm_start, vm_end, vm_flags }, smaps }: ReturnType<typeof shown_images>[number], name: string): VmaRow {
  return {
    start: hex(vm_start), end: hex(vm_end), permissions: vma_permissions(vm_flags), name, pages: (vm_end - vm_start) / PAGE_SIZE, rss: smaps.rss,
    dirty: smaps.shared_dirty + smaps.private_dirty, flags: VM_FLAG_NAMES.filter(([, bit]) => (vm_flags & bit) !== 0).map(([flag]) => flag).join('|'),
  };
}

export function readPageTables(k: Kernel, { pid, start }: PageTablesArguments): PageTablesResponse {
  const mm = liveMm(k, pid);
  const vma = mm === null ? undefined : mm_vmas(k, mm).find(({ vm_start }) => hex(vm_start) === start);
  if (mm === null || vma === undefined) return { tables: [] };
  const tables = pte_tables(k, mm, vma.vm_start, vma.vm_end);
  return { tables: tables.map((table) => ({ ...table, start: hex(table.start), end: hex(table.end), pfn: table.table })) };
}

export function readPageTable(k: Kernel, { pid, start, end }: PageTableArguments): PageTableResponse {
  const mm = liveMm(k, pid);
  if (mm === null) return { entries: [] };
  return { entries: pte_entries(k, mm, virt(Number(start)), virt(Number(end))).map((entry) => entryRow(k, entry)) };
}

function liveMm(k: Kernel, pid: number): mm_struct | null {
  const task = k.tasks[pid];
  return task === undefined ? null : task_mm(k, task);
}

function entryRow(k: Kernel, { address, pte }: pte_entry): PageTableResponse['entries'][number] {
  const page = pte_present(pte) ? pageRow(k, pte_page(pte)) : null;
  return { address: hex(address), value: `0x${hardware_pte(pte).toString(16)}`, bits: show_pte_bits(pte), page };
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
