// @nohooks
// The OOM killer (mm/oom_kill.c; KERNEL.md chapter 17). So far only its door from the allocator. Not modelled yet: badness, the choice, the kill.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { zonelist } from '../include/mmzone.ts';
import { __free_pages } from './page_alloc.ts';
import { schedule_timeout } from '../kernel/sched.ts';

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
