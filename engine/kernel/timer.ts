// @nohooks
// Timers of the kernel that call a function when they are due (kernel/timer.c). The machine runs them between two tasks, at their own time, as an
// interrupt does (machine.ts): the table of functions is there, since state holds none.

import type { Kernel, KernelTimers } from '../kernel.ts';

export type timer_name = keyof KernelTimers;

export function make_kernel_timers(): KernelTimers {
  return { wb_timer: Infinity, laptop_mode_wb_timer: Infinity };
}

/** Sets a timer, wherever it stood before; ns (mod_timer). */
export function mod_timer(k: Kernel, name: timer_name, expires: number): void {
  k.timers[name] = expires;
  k.sched.horizon = Math.min(k.sched.horizon, expires);
  k.sched.background = Math.min(k.sched.background, expires);
}

/** Stops a timer (del_timer). */
export function del_kernel_timer(k: Kernel, name: timer_name): void {
  k.timers[name] = Infinity;
}

/** The timer that is due first; of two that are due together the first in the table. */
export function next_kernel_timer(k: Kernel): { name: timer_name; expires: number } {
  const { wb_timer, laptop_mode_wb_timer } = k.timers;
  return wb_timer <= laptop_mode_wb_timer ? { name: 'wb_timer', expires: wb_timer } : { name: 'laptop_mode_wb_timer', expires: laptop_mode_wb_timer };
}

/** Jiffies as ns; where a tick is no whole number of them, the first ns of the jiffy. */
export function jiffies_to_ns(k: Kernel, jiffies: number): number {
  return Math.ceil((jiffies * 1e9) / k.platform.hz);
}
