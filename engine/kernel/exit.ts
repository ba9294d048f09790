// The end of a task (kernel/exit.c; KERNEL.md MM-20, CC-9), and those who wait for it.
//
//   do_exit ─┬─ exit_mm ── mmput ── exit_mmap           what it looked like stays in task.exit_image
//            ├─ exit_files, exit_fs
//            └─ exit_notify                             its children become init's; it is a zombie until its parent has waited (release_task)
//
// What the scenario declares is init's child, and init waits for everybody at once. Left out: thread groups, sessions, core dumps, accounting.

import type { Kernel } from '../kernel.ts';
import type { Wait } from './sched.ts';
import type { task_struct } from '../include/sched.ts';
import { EXIT_ZOMBIE, PF_EXITING } from '../include/sched.ts';
import { CLD_EXITED, CLD_KILLED, SIGCHLD } from '../include/signal.ts';
import { virt } from '../include/types.ts';
import { exit_files } from '../fs/file_table.ts';
import { exit_image_of } from '../fs/proc/task_mmu.ts';
import { mm_of } from '../mm/mm_struct.ts';
import { trace_sched_process_exit } from '../trace/task.ts';
import { free_part, free_task_memory, mmput } from './fork.ts';
import { down_read, up_read } from './rwsem.ts';
import { current_task, del_timer, wait_until_ended } from './sched.ts';
import { send_sig_info } from './signal.ts';

/** exit(error_code) of the running task: its body must end now, and do_exit follows. @nohooks */
export function sys_exit(k: Kernel, error_code: number): void {
  const task = current_task(k);
  task.flags |= PF_EXITING;
  task.exit_code = error_code;
}

/** Gives up all that the running task has; its coroutine must end next. `code` is its exit status, or the number of the signal that ends it. */
export function* do_exit(k: Kernel, code: number): Generator<Wait, void, void> {
  const task = current_task(k);
  task.flags |= PF_EXITING;
  task.exit_code = code;
  task.pending = [];
  task.waits_for_tasks = [];
  del_timer(k, task.pid);
  yield* exit_mm(k, task);
  yield* exit_files(k, task);
  free_part(k, task.memory, 'files_cache');
  free_part(k, task.memory, 'fs_cache');
  exit_notify(k, task);
  trace_sched_process_exit(k, task.pid, code);
}

/** Gives up the address space: the last of its users gives back all its memory. Before, it is kept for those who look at an ended task. */
function* exit_mm(k: Kernel, task: task_struct): Generator<Wait, void, void> {
  if (task.mm === 0) return;
  const mm = mm_of(k, task.mm);
  mm.hiwater_rss = Math.max(mm.hiwater_rss, mm.file_rss + mm.anon_rss);
  mm.hiwater_vm = Math.max(mm.hiwater_vm, mm.total_vm);
  task.exit_image = exit_image_of(k, task);
  yield* down_read(k, mm.mmap_sem);
  task.mm = 0;
  up_read(k, mm.mmap_sem);
  yield* mmput(k, mm);
}

/** Children go to init, which waits for those that have ended already; so it does for a task whose own parent is gone. Otherwise the parent hears of
 *  it (forget_original_parent, do_notify_parent). */
function exit_notify(k: Kernel, task: task_struct): void {
  for (const child of children_of(k, task)) {
    child.parent = 0;
    if (child.state === EXIT_ZOMBIE) release_task(k, child);
  }
  task.children = [];
  if (task.parent === 0) release_task(k, task);
  else send_sig_info(k, { signo: SIGCHLD, code: task.signal === 0 ? CLD_EXITED : CLD_KILLED, addr: virt(0) }, k.tasks[task.parent]!);
}

/** What is left of a task goes: its signal tables, its pid, its task_struct and kernel stack. A task that ends itself so stands on that stack to its
 *  last step; in Linux it goes right after. */
export function release_task(k: Kernel, task: task_struct): void {
  free_part(k, task.memory, 'sighand_cache');
  free_part(k, task.memory, 'signal_cache');
  free_task_memory(k, task.memory);
}

// ---- waiting ----------------------------------------------------------------------------------------------------------

/** Waits until every task of the names has ended, or a signal comes (wait4): the children of a name where there are some, else all of that name; not
 *  at all where there is none. Children that have ended are released. Its sleep is the statement's, so it passes no hook. @nohooks */
export function* wait_for_tasks(k: Kernel, names: readonly string[]): Generator<Wait, void, void> {
  yield* wait_until_ended(k, names);
  const task = current_task(k);
  const ended = children_of(k, task).filter((child) => child.state === EXIT_ZOMBIE && names.includes(child.name));
  if (ended.length === 0) return;
  for (const child of ended) release_task(k, child);
  task.children = task.children.filter((pid) => !ended.some((child) => child.pid === pid));
}

/** Waits for the children of these names, or where it is null for every child. @nohooks */
export function* wait_for_children(k: Kernel, names: readonly string[] | null): Generator<Wait, void, void> {
  const children = children_of(k, current_task(k)).map((child) => child.name);
  yield* wait_for_tasks(k, [...new Set(children)].filter((name) => names === null || names.includes(name)));
}

/** Those that a task forked and has not waited for, oldest first; also those that have ended. @nohooks */
export function children_of(k: Kernel, task: task_struct): task_struct[] {
  return task.children.map((pid) => k.tasks[pid]!);
}
