// @nohooks
// The kernel's own threads (kernel/kthread.c): tasks whose body is a function of the engine, found by name in machine.ts. They live as long as the
// machine does, and no run waits for them.

import type { Kernel } from '../kernel.ts';
import type { task_struct } from '../include/sched.ts';
import { wake_up_process } from './sched.ts';
import { new_task } from './task.ts';

/** A thread that nobody has started yet (kthread_create). `comm` is its name in ps. */
export function kthread_create(k: Kernel, kthread: string, comm: string): task_struct {
  const task = new_task(k.tasks.length, comm, 'kernel');
  task.kthread = kthread;
  task.daemon = 1;
  k.tasks.push(task);
  return task;
}

/** A thread, running (kthread_run). */
export function kthread_run(k: Kernel, kthread: string, comm: string): task_struct {
  const task = kthread_create(k, kthread, comm);
  wake_up_process(k, task);
  return task;
}
