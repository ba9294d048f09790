// @nohooks
// The deterministic scheduler (kernel/sched.c as far as memory management needs it; KERNEL.md DT-1, DT-2; LANGUAGE.md, Virtual time).
//
// Every CPU has a clock. The CPU that is furthest behind runs next; a task keeps its CPU until it sleeps, ends or has used its quantum, and gives
// way earlier (cond_resched) only so that a CPU or a timer whose time has come is not overtaken. A task is a coroutine: it yields SLEEP when it
// waits and RESCHED when it could go on. Its own loop passes no hook, and keeps its place in `k`.

import type { Kernel, cpu_rq } from '../kernel.ts';
import type { task_struct } from '../include/sched.ts';
import { EXIT_ZOMBIE, PF_EXITING, TASK_INTERRUPTIBLE, TASK_NEW, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../include/sched.ts';
import { switch_mm } from '../arch/tlb.ts';
import { panic } from './panic.ts';
import { trace_sched_switch } from '../trace/sched.ts';
import { TP } from '../trace/tracepoints.ts';

/** The task sleeps: something else must wake it. */
export const SLEEP = 0;
/** The task could go on: its quantum is over, or another CPU or a timer is due. */
export const RESCHED = 1;
export type Wait = typeof SLEEP | typeof RESCHED;

/** How long sleepers look again before it is certain that nothing will change, ns: cache_reap may need 8 s to free a slab. */
const IN_VAIN = 30e9;

/** Events after which something may be there that was not. */
const PROGRESS = [TP.mm_page_free, TP.mm_page_free_batched, TP.kmem_cache_free, TP.kfree, TP.mempool_refill, TP.block_rq_complete];

/** What runs a task. */
export type Coroutine = Generator<Wait, void, void>;

export function make_sched(nr_cpus: number): Kernel['sched'] {
  const cpus = Array.from({ length: nr_cpus }, () => ({ now: 0, curr: -1, prev: 0, queue: [] }));
  return {
    cpus, timers: [], timer_seq: 0, retries: 0, retry_since: 0, retry_pid: -1, background: Infinity, nr_live: 0, progress: 0, horizon: 0,
    there: [], seen: 0,
  };
}

/** The tasks that are there or are yet to begin, by pid: not those that have ended and been waited for, however many they are. */
export function tasks_there(k: Kernel): task_struct[] {
  const { sched } = k;
  for (; sched.seen < k.tasks.length; sched.seen++) sched.there.push(sched.seen);
  const there = sched.there.map((pid) => k.tasks[pid]!).filter(({ state, memory }) => state !== EXIT_ZOMBIE || memory.task_struct !== 0);
  if (there.length < sched.there.length) sched.there = there.map(({ pid }) => pid);
  return there;
}

/** Spends virtual time on the running CPU, ns. */
export function charge(k: Kernel, ns: number): void {
  k.now += ns;
}

/** The running task (current); the idle task while the machine boots. */
export function current_task(k: Kernel): task_struct {
  return k.tasks[k.current]!;
}

export function jiffies(k: Kernel): number {
  return Math.floor((k.now * k.platform.hz) / 1e9);
}

// ---- what tasks call --------------------------------------------------------------------------------------------------

/** Gives way when the quantum is over or another CPU or a timer is due; called between statements (cond_resched). */
export function* cond_resched(k: Kernel): Generator<Wait, void, void> {
  if (k.now >= k.sched.horizon) yield RESCHED;
}

/** Sleeps for a time, ns, or until a signal comes. `why` is what a deadlock or a stack would call it. */
export function* schedule_timeout(k: Kernel, ns: number, why: string): Generator<Wait, void, void> {
  const task = current_task(k);
  const expires = k.now + ns;
  task.state = TASK_INTERRUPTIBLE;
  task.waits_for = why;
  add_timer(k, expires, task.pid);
  yield SLEEP;
  if (k.now < expires) del_timer(k, task.pid);
}

/** Sleeps for a time, ns, whatever signal comes. */
export function* schedule_timeout_uninterruptible(k: Kernel, ns: number, why: string): Generator<Wait, void, void> {
  const task = current_task(k);
  task.state = TASK_UNINTERRUPTIBLE;
  task.waits_for = why;
  add_timer(k, k.now + ns, task.pid);
  yield SLEEP;
}

/** Sleeps for a time, ns, to look again at something that only others can change. Where nothing but such sleepers is left, and all of them have
 *  looked in vain for long enough, none will ever find it changed: pick_next_task then ends the run, and names each with what it waits for. */
export function* schedule_timeout_retry(k: Kernel, ns: number, why: string): Generator<Wait, void, void> {
  const task = current_task(k);
  task.state = TASK_UNINTERRUPTIBLE;
  task.waits_for = why;
  if (k.sched.retries === 0) k.sched.retry_since = k.now;
  k.sched.retries++;
  k.sched.retry_pid = task.pid;
  add_timer(k, k.now + ns, task.pid);
  mark_retry(k, task.pid);
  yield SLEEP;
  del_timer(k, task.pid);
}

/** Sleeps until somebody wakes the task (schedule). */
export function* schedule(k: Kernel, why: string): Generator<Wait, void, void> {
  const task = current_task(k);
  task.state = TASK_UNINTERRUPTIBLE;
  task.waits_for = why;
  yield SLEEP;
}

/** The same for a thread that merely has nothing to do: nobody need worry how long it takes (TASK_INTERRUPTIBLE). */
export function* schedule_interruptible(k: Kernel, why: string): Generator<Wait, void, void> {
  const task = current_task(k);
  task.state = TASK_INTERRUPTIBLE;
  task.waits_for = why;
  yield SLEEP;
}

/** Gives the rest of the quantum away: every task that is ready on this CPU comes first (sched_yield). */
export function* sys_sched_yield(k: Kernel): Generator<Wait, number, void> {
  const task = current_task(k);
  task.time_used = time_slice(k, task);
  yield RESCHED;
  return 0;
}

/** Sleeps until every task of the names has ended, or a signal comes: the children of a name where the task has some, else all of that name. Where
 *  there is none, there is nothing to wait for. */
export function* wait_until_ended(k: Kernel, names: readonly string[]): Generator<Wait, void, void> {
  const task = current_task(k);
  task.waits_for_tasks = names.filter((name) => !has_ended(k, task, name));
  while (task.waits_for_tasks.length > 0 && task.pending.length === 0) {
    task.state = task.kind === 'user' ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE;
    task.waits_for = end_of(task.waits_for_tasks);
    yield SLEEP;
  }
  task.waits_for_tasks = [];
}

/** Makes a sleeping or new task ready on its CPU, or on an idle one where it may move. A thread of the kernel takes the CPU as soon as who has it
 *  gives way: it sleeps most of the time, and so its priority is above those of tasks that work (effective_prio, TASK_PREEMPTS_CURR). */
export function wake_up_process(k: Kernel, task: task_struct): void {
  if (task.state === TASK_RUNNING || task.state === EXIT_ZOMBIE) return;
  if (task.state === TASK_NEW) task.start_time = k.now;
  task.state = TASK_RUNNING;
  task.waits_for = '';
  task.cpu = choose_cpu(k, task);
  const cpu = k.sched.cpus[task.cpu]!;
  if (is_idle(cpu)) cpu.now = Math.max(cpu.now, k.now);
  task.ready_at = k.now;
  if (task.daemon === 0) cpu.queue.push(task.pid);
  else put_behind_daemons(k, cpu, task.pid);
  if (task.cpu !== k.cpu) k.sched.horizon = Math.min(k.sched.horizon, cpu.now);
  else if (task.daemon !== 0) k.sched.horizon = Math.min(k.sched.horizon, k.now);
}

/** A timer that wakes a task at a time, ns. Timers stand in order of time, then of creation. */
export function add_timer(k: Kernel, expires: number, pid: number): void {
  const { timers } = k.sched;
  const timer = { expires, seq: k.sched.timer_seq++, pid, retry: 0 };
  timers.push(timer);
  let at = timers.length - 1;
  while (at > 0 && timers[at - 1]!.expires > expires) {
    timers[at] = timers[at - 1]!;
    at--;
  }
  timers[at] = timer;
  k.sched.horizon = Math.min(k.sched.horizon, expires);
}

/** Takes back the timers that would wake a task (del_timer). */
export function del_timer(k: Kernel, pid: number): void {
  k.sched.timers = k.sched.timers.filter((timer) => timer.pid !== pid);
}

function mark_retry(k: Kernel, pid: number): void {
  for (const timer of k.sched.timers) if (timer.pid === pid) timer.retry = 1;
}

/** Runs what may sleep where nobody could wake it, while the machine boots or a test looks on: it must come to its end by itself. */
export function run_to_end<T>(k: Kernel, coroutine: Generator<Wait, T, void>): T {
  for (;;) {
    const step = coroutine.next();
    if (step.done === true) return step.value;
    if (step.value === SLEEP) panic(k, `${current_task(k).name} sleeps where nothing could wake it: ${current_task(k).waits_for}`);
  }
}

// ---- the scheduler's own loop -----------------------------------------------------------------------------------------

/** The task to run next, with its CPU's clock as the machine's; null when none ever will be ready. */
export function pick_next_task(k: Kernel): task_struct | null {
  for (;;) {
    pull_tasks(k);
    const cpu = cpu_behind(k);
    if (cpu < 0 && only_vain_retries(k)) return null;
    const timer = k.sched.timers[0];
    if (timer !== undefined && (cpu < 0 || timer.expires <= k.sched.cpus[cpu]!.now)) {
      fire_timer(k);
      continue;
    }
    if (cpu < 0) return null;
    return switch_to(k, cpu);
  }
}

/** When the next task runs or wakes, ns; Infinity where none ever will: pick_next_task is about to say so. */
export function next_event(k: Kernel): number {
  const cpu = cpu_behind(k);
  if (cpu < 0 && only_vain_retries(k)) return Infinity;
  return Math.min(k.sched.timers[0]?.expires ?? Infinity, cpu < 0 ? Infinity : k.sched.cpus[cpu]!.now);
}

/** Whether all that could still happen is that sleepers look again at what none of them changes. Each has looked since anything else ran, and for
 *  longer than caches take to give back what nobody uses. */
function only_vain_retries(k: Kernel): boolean {
  const { retries, retry_since, timers } = k.sched;
  if (retries <= timers.length || timers.length === 0) return false;
  return timers[0]!.expires - retry_since > IN_VAIN && timers.every((timer) => timer.retry !== 0);
}

/** Takes the CPU from a task that slept, ended or used its quantum; a task that only gave way keeps it. */
export function put_prev_task(k: Kernel, task: task_struct, wait: Wait | 'ended'): void {
  const cpu = k.sched.cpus[k.cpu]!;
  const used = k.now - cpu.now;
  cpu.now = k.now;
  task.utime += used;
  task.time_used += used;
  if (task.daemon !== 0) note_progress(k);
  else if (k.sched.retry_pid !== task.pid) k.sched.retries = 0;
  k.sched.retry_pid = -1;
  if (wait === 'ended') end_task(k, task);
  const expired = task.time_used >= time_slice(k, task);
  if (wait === RESCHED && !expired) return;
  task.time_used = 0;
  cpu.curr = -1;
  if (wait !== RESCHED) return;
  task.ready_at = cpu.now;
  cpu.queue.push(task.pid);
}

/** The kernel's threads and interrupts come by whether there is anything to do or not: sleepers who look again have reason to hope only where these
 *  gave something back or a disk has done something. */
export function note_progress(k: Kernel): void {
  const progress = PROGRESS.reduce((sum, id) => sum + k.trace.counts[id]!, 0);
  if (progress !== k.sched.progress) k.sched.retries = 0;
  k.sched.progress = progress;
}

/** A quantum by nice: 100 ms at 0, 200 ms at -20, 5 ms at 19, linear on both sides (LANGUAGE.md, Virtual time). */
export function time_slice(k: Kernel, task: task_struct): number {
  const { quantum } = k.cost;
  return task.nice <= 0 ? quantum + (quantum * -task.nice) / 20 : quantum - (quantum * 0.95 * task.nice) / 19;
}

function end_task(k: Kernel, task: task_struct): void {
  task.state = EXIT_ZOMBIE;
  task.flags |= PF_EXITING;
  if (task.daemon === 0) k.sched.nr_live--;
  for (const other of tasks_there(k)) {
    if (other.waits_for_tasks.length === 0 || !other.waits_for_tasks.includes(task.name)) continue;
    other.waits_for_tasks = other.waits_for_tasks.filter((name) => !has_ended(k, other, name));
    if (other.waits_for_tasks.length === 0) start_task(k, other);
    else other.waits_for = end_of(other.waits_for_tasks);
  }
}

/** Wakes a task; one that is new and whose time has not come begins by a timer. */
export function start_task(k: Kernel, task: task_struct): void {
  if (task.state === TASK_NEW && task.start_at > k.now) add_timer(k, task.start_at, task.pid);
  else wake_up_process(k, task);
}

/** What a task waits for that waits for others, in words. */
export function end_of(names: readonly string[]): string {
  return `the end of ${names.join(', ')}`;
}

/** Whether every task of a name that a waiter means has ended. A task that is to start after others waits for tasks that are yet to come, too. */
function has_ended(k: Kernel, waiter: task_struct, name: string): boolean {
  const children = waiter.children.map((pid) => k.tasks[pid]!).filter((task) => task.name === name);
  const named = children.length > 0 ? children : k.tasks.filter((task) => task.name === name);
  return named.length === 0 ? waiter.state !== TASK_NEW : named.every((task) => task.state === EXIT_ZOMBIE);
}

/** Index of the CPU with work whose clock is lowest, or -1. */
function cpu_behind(k: Kernel): number {
  let best = -1;
  for (const [i, cpu] of k.sched.cpus.entries()) {
    if (!is_idle(cpu) && (best < 0 || cpu.now < k.sched.cpus[best]!.now)) best = i;
  }
  return best;
}

function is_idle(cpu: cpu_rq): boolean {
  return cpu.curr < 0 && cpu.queue.length === 0;
}

function choose_cpu(k: Kernel, task: task_struct): number {
  if (task.cpu_pinned !== 0 || is_idle(k.sched.cpus[task.cpu]!)) return task.cpu;
  const idle = k.sched.cpus.findIndex(is_idle);
  return idle < 0 ? task.cpu : idle;
}

/** An idle CPU takes the first task that waits behind another one and may move, longest queue first. */
function pull_tasks(k: Kernel): void {
  const { cpus } = k.sched;
  for (const [index, idle] of cpus.entries()) {
    if (!is_idle(idle)) continue;
    const busiest = cpus.reduce((most, cpu) => (waiting(k, cpu).length > waiting(k, most).length ? cpu : most), idle);
    const [pid] = waiting(k, busiest);
    if (pid === undefined) return;
    busiest.queue = busiest.queue.filter((other) => other !== pid);
    const task = k.tasks[pid]!;
    idle.now = Math.max(idle.now, task.ready_at);
    idle.queue.push(pid);
    task.cpu = index;
  }
}

/** Tasks that are ready on a CPU, would have to wait for another one there, and may move. */
function waiting(k: Kernel, cpu: cpu_rq): number[] {
  const behind = cpu.curr < 0 ? cpu.queue.slice(1) : cpu.queue;
  return behind.filter((pid) => k.tasks[pid]!.cpu_pinned === 0);
}

function fire_timer(k: Kernel): void {
  const timer = k.sched.timers.shift()!;
  k.now = timer.expires;
  const task = k.tasks[timer.pid];
  if (task !== undefined) wake_up_process(k, task);
}

function switch_to(k: Kernel, index: number): task_struct {
  const cpu = k.sched.cpus[index]!;
  k.cpu = index;
  k.now = cpu.now;
  if (is_preempted(k, cpu)) {
    k.tasks[cpu.curr]!.ready_at = cpu.now;
    put_behind_daemons(k, cpu, cpu.curr);
    cpu.curr = -1;
  }
  if (cpu.curr < 0) {
    cpu.curr = cpu.queue.shift()!;
    if (cpu.curr !== cpu.prev) {
      charge(k, k.cost.context_switch);
      trace_sched_switch(k, cpu.prev, cpu.curr);
    }
    cpu.prev = cpu.curr;
  }
  k.current = cpu.curr;
  const task = k.tasks[cpu.curr]!;
  switch_mm(k, task.mm);
  k.sched.horizon = horizon(k, index, task);
  return task;
}

/** Whether a thread of the kernel waits for a CPU that a task has. */
function is_preempted(k: Kernel, cpu: cpu_rq): boolean {
  const [next] = cpu.queue;
  return next !== undefined && cpu.curr >= 0 && k.tasks[next]!.daemon !== 0 && k.tasks[cpu.curr]!.daemon === 0;
}

/** Makes a task ready before all others but the kernel's threads. */
function put_behind_daemons(k: Kernel, cpu: cpu_rq, pid: number): void {
  const place = cpu.queue.findIndex((other) => k.tasks[other]!.daemon === 0);
  const daemons = place < 0 ? cpu.queue : cpu.queue.slice(0, place);
  cpu.queue = [...daemons, pid, ...cpu.queue.slice(daemons.length)];
}

/** Until when a task may run undisturbed: its quantum, the next timer, what the machine has to do, or the clock of another CPU with work. */
function horizon(k: Kernel, index: number, task: task_struct): number {
  let until = Math.min(k.now + time_slice(k, task) - task.time_used, k.sched.background);
  if (k.sched.timers.length > 0) until = Math.min(until, k.sched.timers[0]!.expires);
  for (const [i, cpu] of k.sched.cpus.entries()) {
    if (i !== index && !is_idle(cpu)) until = Math.min(until, cpu.now + k.cost.statement);
  }
  return until;
}
