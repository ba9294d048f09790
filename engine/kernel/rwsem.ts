// @nohooks
// Semaphores of readers and writers (lib/rwsem.c): mm.mmap_sem is one. Readers share it, a writer has it alone. Who finds it taken sleeps until it is
// free and then tries again; the kernel's order of first come, first served is left out, since no two tasks of this language share an address space.

import type { Kernel } from '../kernel.ts';
import type { Wait } from './sched.ts';
import type { rw_semaphore } from '../include/mm_types.ts';
import { schedule } from './sched.ts';
import { finish_wait, prepare_to_wait, waitqueue_active, wake_up } from './wait.ts';

/** Takes it for reading; sleeps while a writer has it. */
export function* down_read(k: Kernel, sem: rw_semaphore): Generator<Wait, void, void> {
  while (!down_read_trylock(k, sem)) yield* wait_for_semaphore(k, sem);
}

/** Takes it for reading where that needs no sleep. */
export function down_read_trylock(_k: Kernel, sem: rw_semaphore): boolean {
  if (sem.activity < 0) return false;
  sem.activity++;
  return true;
}

export function up_read(k: Kernel, sem: rw_semaphore): void {
  sem.activity--;
  if (sem.activity === 0 && waitqueue_active(sem.wait)) wake_up(k, sem.wait);
}

/** Takes it for writing; sleeps while anybody has it. */
export function* down_write(k: Kernel, sem: rw_semaphore): Generator<Wait, void, void> {
  while (!down_write_trylock(k, sem)) yield* wait_for_semaphore(k, sem);
}

/** Takes it for writing where that needs no sleep. */
export function down_write_trylock(_k: Kernel, sem: rw_semaphore): boolean {
  if (sem.activity !== 0) return false;
  sem.activity = -1;
  return true;
}

export function up_write(k: Kernel, sem: rw_semaphore): void {
  sem.activity = 0;
  if (waitqueue_active(sem.wait)) wake_up(k, sem.wait);
}

/** A writer becomes a reader: others may read too (downgrade_write). */
export function downgrade_write(k: Kernel, sem: rw_semaphore): void {
  sem.activity = 1;
  if (waitqueue_active(sem.wait)) wake_up(k, sem.wait);
}

function* wait_for_semaphore(k: Kernel, sem: rw_semaphore): Generator<Wait, void, void> {
  prepare_to_wait(k, sem.wait);
  yield* schedule(k, 'mmap_sem');
  finish_wait(k, sem.wait);
}
