// @nohooks
// The files of a process below /proc/PID, as 2.6.18 prints them (fs/proc/array.c, fs/proc/base.c; KERNEL.md PR-6 … PR-8, OM-6). Of a task that has
// ended they read as it was just before it gave up its memory.
//
// Of status only what the machine models is printed: left out are SleepAVG, groups, the signal masks and capabilities.

import type { Kernel } from '../../kernel.ts';
import type { mm_struct } from '../../include/mm_types.ts';
import type { task_struct } from '../../include/sched.ts';
import { EXIT_ZOMBIE, TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE } from '../../include/sched.ts';
import { PAGE_SIZE } from '../../include/types.ts';
import { badness } from '../../mm/oom_kill.ts';
import { proc_maps, proc_pagemap, proc_smaps, shown_mm } from './task_mmu.ts';

/** The files a user may ask for by name, of a process. */
export const PROC_PID_FILES: Readonly<Record<string, (k: Kernel, task: task_struct) => string>> = {
  maps: proc_maps, smaps: proc_smaps, pagemap: proc_pagemap, status: proc_status, statm: proc_statm, oom_score: proc_oom_score, oom_adj: proc_oom_adj,
};

/** KiB of a number of pages. */
const K = (pages: number): number => pages * (PAGE_SIZE / 1024);

/** /proc/PID/status (PR-8). */
export function proc_status(k: Kernel, task: task_struct): string {
  const mm = shown_mm(k, task);
  const ids = (id: number): string => Array<number>(4).fill(id).join('\t');
  const rows = [
    `Name:\t${task.comm}`, `State:\t${state_name(task.state)}`, `Tgid:\t${task.pid}`, `Pid:\t${task.pid}`, `PPid:\t${task.parent}`, `Uid:\t${ids(task.uid)}`,
    ...(mm === null ? [] : memory_rows(mm)), 'Threads:\t1',
  ];
  return rows.map((row) => `${row}\n`).join('');
}

function state_name(state: number): string {
  switch (state) {
    case TASK_INTERRUPTIBLE: return 'S (sleeping)';
    case TASK_UNINTERRUPTIBLE: return 'D (disk sleep)';
    case EXIT_ZOMBIE: return 'Z (zombie)';
    default: return 'R (running)';
  }
}

/** task_mem; of page tables only those of the lowest level count. */
function memory_rows(mm: mm_struct): string[] {
  const rss = mm.file_rss + mm.anon_rss;
  const text = text_pages(mm);
  const sizes: [string, number][] = [
    ['VmPeak', Math.max(mm.total_vm, mm.hiwater_vm)], ['VmSize', mm.total_vm - mm.reserved_vm], ['VmLck', mm.locked_vm],
    ['VmHWM', Math.max(rss, mm.hiwater_rss)], ['VmRSS', rss], ['VmData', mm.total_vm - mm.shared_vm - mm.stack_vm], ['VmStk', mm.stack_vm],
    ['VmExe', text], ['VmLib', mm.exec_vm - text], ['VmPTE', mm.nr_ptes],
  ];
  return sizes.map(([name, pages]) => `${name}:\t${String(K(pages)).padStart(8)} kB`);
}

function text_pages(mm: mm_struct): number {
  return Math.ceil(mm.end_code / PAGE_SIZE) - Math.floor(mm.start_code / PAGE_SIZE);
}

/** /proc/PID/statm (PR-8): size, resident, shared, text, 0, data, 0, in pages. */
export function proc_statm(k: Kernel, task: task_struct): string {
  const mm = shown_mm(k, task);
  if (mm === null) return '0 0 0 0 0 0 0\n';
  return `${mm.total_vm} ${mm.file_rss + mm.anon_rss} ${mm.file_rss} ${text_pages(mm)} 0 ${mm.total_vm - mm.shared_vm} 0\n`;
}

/** /proc/PID/oom_score: the points the OOM killer would give it now (OM-6). */
export function proc_oom_score(k: Kernel, task: task_struct): string {
  return `${shown_badness(k, task)}\n`;
}

export function proc_oom_adj(_k: Kernel, task: task_struct): string {
  return `${task.oomkilladj}\n`;
}

/** A task's points, or those it had just before it gave up its memory. */
export function shown_badness(k: Kernel, task: task_struct): number {
  return task.exit_image?.badness ?? badness(k, task);
}
