// @nohooks
// What include/linux/{wait,mutex}.h declare: queues of tasks that sleep until somebody wakes them (kernel/wait.ts).

import type { Pfn } from './types.ts';

/** A lock that its waiters sleep for, first come first (kernel/mutex.ts); `owner` is a pid, 0 is free. */
export interface mutex {
  owner: number;
  wait: wait_queue_head_t;
}

/** Who waits for a bit of a page's flags, in one of its zone's hashed queues (wait_bit_queue): `exclusive` ones are woken one at a time. */
export interface page_waiter {
  pid: number;
  page: Pfn;
  bit: number;
  exclusive: 0 | 1;
}

export interface wait_queue_head_t {
  /** pids, the newest last. */
  task_list: number[];
}
