// Mutexes (kernel/mutex.c): one task holds it, the others sleep and have it in the order they came.

import type { Kernel } from '../kernel.ts';
import type { mutex } from '../include/wait.ts';
import type { Wait } from './sched.ts';
import { BUG } from './panic.ts';
import { schedule, wake_up_process } from './sched.ts';
import { make_wait_queue } from './wait.ts';

/** A mutex that nobody holds. @nohooks */
export function make_mutex(): mutex {
  return { owner: 0, wait: make_wait_queue() };
}

/** Sleeps until the mutex is the running task's. `name` is what a deadlock calls it. */
export function* mutex_lock(k: Kernel, lock: mutex, name: string): Generator<Wait, void, void> {
  if (lock.owner === 0) {
    lock.owner = k.current;
    return;
  }
  if (lock.owner === k.current) BUG(k, `kernel/mutex.c: ${name} is locked by its owner again`);
  lock.wait.task_list.push(k.current);
  while (lock.owner !== k.current) yield* schedule(k, name);
}

/** Gives it to who has waited longest. */
export function mutex_unlock(k: Kernel, lock: mutex): void {
  if (lock.owner !== k.current) BUG(k, 'kernel/mutex.c: unlocked by a task that does not hold it');
  const next = lock.wait.task_list.shift();
  lock.owner = next ?? 0;
  if (next !== undefined) wake_up_process(k, k.tasks[next]!);
}
