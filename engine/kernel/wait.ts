// Wait queues (kernel/wait.c): who sleeps on something, and waking all of them. As in the kernel, which adds at the head and walks from it, the
// newest waiter is woken first.

import type { Kernel } from '../kernel.ts';
import type { wait_queue_head_t } from '../include/wait.ts';
import { wake_up_process } from './sched.ts';

export function make_wait_queue(): wait_queue_head_t {
  return { task_list: [] };
}

/** Puts the running task on the queue; it must look once more at what it waits for before it sleeps (prepare_to_wait). */
export function prepare_to_wait(k: Kernel, queue: wait_queue_head_t): void {
  if (!queue.task_list.includes(k.current)) queue.task_list.push(k.current);
}

/** Takes the running task off the queue, whoever woke it (finish_wait). */
export function finish_wait(k: Kernel, queue: wait_queue_head_t): void {
  queue.task_list = queue.task_list.filter((waiter) => waiter !== k.current);
}

/** Whether anybody waits (waitqueue_active). */
export function waitqueue_active(queue: wait_queue_head_t): boolean {
  return queue.task_list.length > 0;
}

/** Wakes everybody on the queue and empties it (wake_up; autoremove_wake_function). */
export function wake_up(k: Kernel, queue: wait_queue_head_t): void {
  while (queue.task_list.length > 0) {
    const task = k.tasks[queue.task_list.pop()!];
    if (task !== undefined) wake_up_process(k, task);
  }
}
