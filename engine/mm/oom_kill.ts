// @nohooks
// The OOM killer (mm/oom_kill.c; KERNEL.md chapter 17). So far badness, and its door from the allocator. Not modelled yet: the choice, the kill.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { zonelist } from '../include/mmzone.ts';
import type { task_struct } from '../include/sched.ts';
import { __free_pages } from './page_alloc.ts';
import { task_mm } from './mm_struct.ts';
import { schedule_timeout } from '../kernel/sched.ts';

/** A user task's points: its size in pages, and what makes its end a loss or none (mm/oom_kill.c:badness; OM-1). 0 for who has no memory of its own.
 *  Root's tasks have every capability, so that both divisions by 4 are theirs. */
export function badness(k: Kernel, task: task_struct): number {
  const mm = task_mm(k, task);
  if (mm === null) return 0;
  let points = mm.total_vm + children_points(k, task);
  const cpu_time = int_sqrt(Math.floor(jiffies_of(k, task.utime) / 2 ** (shift_hz(k.platform.hz) + 3)));
  if (cpu_time > 0) points = Math.floor(points / cpu_time);
  const run_time = int_sqrt(int_sqrt(Math.floor((seconds(k.now) - seconds(Math.max(0, task.start_time))) / 2 ** 10)));
  if (run_time > 0) points = Math.floor(points / run_time);
  if (task.nice > 0) points *= 2;
  if (task.uid === 0 || task.euid === 0) points = Math.floor(points / 4);
  if (task.euid === 0) points = Math.floor(points / 4);
  return adjusted(k, points, task.oomkilladj);
}

/** Half of each child that has memory of its own, and one more. */
function children_points(k: Kernel, task: task_struct): number {
  let points = 0;
  for (const pid of task.children) {
    const mm = task_mm(k, k.tasks[pid]!);
    if (mm !== null && mm.id !== task.mm) points += Math.floor(mm.total_vm / 2) + 1;
  }
  return points;
}

/** A shift by oom_adj; on i386 in an unsigned long of 32 bits. */
function adjusted(k: Kernel, points: number, oomkilladj: number): number {
  const shifted = Math.floor(points * 2 ** oomkilladj);
  return k.platform.arch === 'i386' ? shifted % 2 ** 32 : shifted;
}

/** The shift that nearly divides by HZ: 8 at 250 (include/linux/timex.h). */
function shift_hz(hz: number): number {
  return Math.max(4, 4 + Math.floor(Math.log2(hz / 12)));
}

function jiffies_of(k: Kernel, ns: number): number {
  return Math.floor((ns * k.platform.hz) / 1e9);
}

function seconds(ns: number): number {
  return Math.floor(ns / 1e9);
}

function int_sqrt(n: number): number {
  return Math.floor(Math.sqrt(n));
}

/** Whether there is anything that out_of_memory could do: only where a test says what the next kill frees. */
export function oom_is_modelled(k: Kernel): boolean {
  return k.reclaim_script.kills.length > 0;
}

/** Kills a task so that its memory comes free, and gives it one jiffy to go (mm/oom_kill.c:out_of_memory; OM-5). So far: what the test says. */
export function* out_of_memory(k: Kernel, _zonelist: zonelist, _gfp_mask: number, _order: number): Generator<Wait, void, void> {
  for (const page of k.reclaim_script.kills.shift() ?? []) __free_pages(k, page, 0);
  const jiffy = 1e9 / k.platform.hz;
  yield* schedule_timeout(k, jiffy, 'the end of the task that the OOM killer chose');
}
