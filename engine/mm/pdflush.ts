// The pool of threads that write dirty pages (mm/pdflush.c; KERNEL.md WB-10): two at least, eight at most, each doing one thing at a time.
//
//   pdflush_list   head: idle since last ──────────── tail: idle longest
//        │ pdflush_operation takes the head                ▲
//        ▼                                                 │ a thread that has done its work, if this one has slept for more than a second and
//   __pdflush → background_writeout | wb_kupdate | laptop_flush    there are more than two: ends
//             → the list has been empty for more than a second: one thread more
//
// Left out: what cpusets allow the threads, freezing for suspend.

import type { Kernel } from '../kernel.ts';
import type { Coroutine, Wait } from '../kernel/sched.ts';
import type { task_struct } from '../include/sched.ts';
import type { pdflush_function, pdflush_work } from '../include/writeback.ts';
import { PF_FLUSHER, PF_SWAPWRITE } from '../include/sched.ts';
import { PDFLUSH_FUNCTIONS } from '../include/writeback.ts';
import { sys_sync } from '../fs/sync.ts';
import { kthread_run } from '../kernel/kthread.ts';
import { printk } from '../kernel/printk.ts';
import { jiffies, schedule_interruptible, wake_up_process } from '../kernel/sched.ts';
import { background_writeout, wb_kupdate } from './page-writeback.ts';
import { trace_pdflush_exit, trace_pdflush_spawn, trace_pdflush_work } from '../trace/writeback.ts';

export const MIN_PDFLUSH_THREADS = 2;
export const MAX_PDFLUSH_THREADS = 8;

/** Gives a function to the thread that has been idle for the shortest time, whose caches are still warm: 0, or -1 where none is idle
 *  (mm/pdflush.c:pdflush_operation; WB-10). An interrupt may call it. */
export function pdflush_operation(k: Kernel, fn: pdflush_function, arg0: number): 0 | -1 {
  const pool = k.writeback.pdflush;
  const pid = pool.pdflush_list.shift();
  if (pid === undefined) return -1;
  if (pool.pdflush_list.length === 0) pool.last_empty_jifs = jiffies(k);
  const work = work_of(k, pid);
  work.fn = fn;
  work.arg0 = arg0;
  wake_up_process(k, k.tasks[pid]!);
  return 0;
}

/** A thread of the pool, as long as it is wanted (mm/pdflush.c:pdflush, __pdflush). */
export function* pdflush(k: Kernel, task: task_struct): Coroutine {
  const pool = k.writeback.pdflush;
  const { pid } = task;
  task.flags |= PF_FLUSHER | PF_SWAPWRITE;
  pool.threads.push({ pid, fn: '', arg0: 0, when_i_went_to_sleep: 0 });
  pool.nr_pdflush_threads++;
  for (;;) {
    work_of(k, pid).when_i_went_to_sleep = jiffies(k);
    pool.pdflush_list = [pid].concat(pool.pdflush_list.filter((idle) => idle !== pid));
    yield* schedule_interruptible(k, 'work for pdflush');
    if (is_bogus_wakeup(k, pid)) continue;
    yield* do_work(k, work_of(k, pid));
    if (is_one_thread_missing(k)) start_one_pdflush_thread(k);
    work_of(k, pid).fn = '';
    if (is_one_thread_too_many(k)) break;
  }
  pool.nr_pdflush_threads--;
  pool.threads = pool.threads.filter((work) => work.pid !== pid);
  trace_pdflush_exit(k, pid);
}

/** One more thread. It runs, and lists itself as idle, as soon as it has a CPU (mm/pdflush.c:start_one_pdflush_thread). */
function start_one_pdflush_thread(k: Kernel): void {
  const { pid } = kthread_run(k, 'pdflush', 'pdflush');
  trace_pdflush_spawn(k, pid);
}

/** Whether a thread was woken without work. */
function is_bogus_wakeup(k: Kernel, pid: number): boolean {
  const work = work_of(k, pid);
  if (k.writeback.pdflush.pdflush_list.includes(pid)) {
    work.fn = '';
    return true;
  }
  if (work.fn === '') printk(k, 'pdflush: bogus wakeup');
  return work.fn === '';
}

function* do_work(k: Kernel, work: pdflush_work): Generator<Wait, void, void> {
  const fn = work.fn as pdflush_function;
  trace_pdflush_work(k, work.pid, PDFLUSH_FUNCTIONS.indexOf(fn), work.arg0);
  switch (fn) {
    case 'background_writeout':
      yield* background_writeout(k, work.arg0);
      break;
    case 'wb_kupdate':
      yield* wb_kupdate(k);
      break;
    case 'laptop_flush':
      yield* laptop_flush(k);
      break;
  }
}

/** The disk turns anyway: everything is written (mm/page-writeback.c:laptop_flush). */
function* laptop_flush(k: Kernel): Generator<Wait, void, void> {
  yield* sys_sync(k);
}

/** Whether nobody has been idle for more than a second (WB-10). */
function is_one_thread_missing(k: Kernel): boolean {
  const { last_empty_jifs, pdflush_list, nr_pdflush_threads } = k.writeback.pdflush;
  return jiffies(k) - last_empty_jifs > k.platform.hz && pdflush_list.length === 0 && nr_pdflush_threads < MAX_PDFLUSH_THREADS;
}

/** Whether somebody has been idle for more than a second, and there are enough without the running thread. The next to be dismissed is so a second
 *  later at the earliest (WB-10). */
function is_one_thread_too_many(k: Kernel): boolean {
  const { pdflush_list, nr_pdflush_threads } = k.writeback.pdflush;
  if (pdflush_list.length === 0 || nr_pdflush_threads <= MIN_PDFLUSH_THREADS) return false;
  const longest = work_of(k, pdflush_list[pdflush_list.length - 1]!);
  if (jiffies(k) - longest.when_i_went_to_sleep <= k.platform.hz) return false;
  longest.when_i_went_to_sleep = jiffies(k);
  return true;
}

function work_of(k: Kernel, pid: number): pdflush_work {
  return k.writeback.pdflush.threads.find((work) => work.pid === pid)!;
}
