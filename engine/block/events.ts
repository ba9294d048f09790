// What a disk does while no task asks it anything: the interrupts of the block layer, as events of the machine at their own virtual time.

import type { Kernel } from '../kernel.ts';
import { end_request } from './disk.ts';
import { __generic_unplug_device } from './plug.ts';

/** When a disk next ends a request or a plug, ns; Infinity is never. @nohooks */
export function next_block_event(k: Kernel): number {
  let next = Infinity;
  for (const { queue } of k.block.disks) next = Math.min(next, queue.complete_at, queue.unplug_timer);
  return next;
}

/** Lets every disk work until a time, ns: each event at its own time, in their order, those of one time in the order of the disks. */
export function run_block_events(k: Kernel, until: number): void {
  for (let next = next_block_event(k); next !== Infinity && next <= until; next = next_block_event(k)) run_block_event(k, next);
}

/** The event that is due at a time. It runs between two tasks, as an interrupt of CPU 0, and changes k.now, k.cpu and k.current. */
export function run_block_event(k: Kernel, now: number): void {
  k.now = now;
  k.cpu = 0;
  k.current = 0;
  const disk = k.block.disks.find(({ queue }) => queue.complete_at === now || queue.unplug_timer === now)!;
  if (disk.queue.complete_at === now) end_request(k, disk);
  else __generic_unplug_device(k, disk);
}
