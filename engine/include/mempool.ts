// @nohooks
// What include/linux/mempool.h declares: reserves of elements that can always be had in the end (KERNEL.md MP-1).

import type { VirtAddr } from './types.ts';
import type { wait_queue_head_t } from './wait.ts';

/** What a pool's elements are: blocks of pages (`pool_data` is the order), kmalloc memory (its size) or objects of a cache (its id). */
export type mempool_kind = 'pages' | 'kmalloc' | 'slab';

export interface mempool_t {
  id: number;
  name: string;
  kind: mempool_kind;
  pool_data: number;
  min_nr: number;
  curr_nr: number;
  /** The reserve, a stack: first frames of blocks, or addresses. */
  elements: number[];
  wait: wait_queue_head_t;
  /** Memory of this structure and of its array of elements (kmalloc). */
  self_addr: VirtAddr;
  elements_addr: VirtAddr;
}

/** sizeof(mempool_t) by the bits of a long, bytes. */
export const SIZEOF_MEMPOOL = { 32: 36, 64: 72 } as const;
