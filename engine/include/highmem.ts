// @nohooks
// What include/linux/highmem.h and asm-i386/kmap_types.h declare: the windows onto high memory (KERNEL.md VM-6, VM-7).

import type { Pfn } from './types.ts';
import type { wait_queue_head_t } from './wait.ts';

/** Slots of the kmap window (LAST_PKMAP without PAE). */
export const LAST_PKMAP = 1024;

/** Kinds of atomic windows: each CPU has one of each (VM-7). */
export const KM_TYPE_NAMES = [
  'KM_BOUNCE_READ', 'KM_SKB_SUNRPC_DATA', 'KM_SKB_DATA_SOFTIRQ', 'KM_USER0', 'KM_USER1', 'KM_BIO_SRC_IRQ', 'KM_BIO_DST_IRQ', 'KM_PTE0', 'KM_PTE1',
  'KM_IRQ0', 'KM_IRQ1', 'KM_SOFTIRQ0', 'KM_SOFTIRQ1',
] as const;
export const KM_TYPE_NR = KM_TYPE_NAMES.length;
export const KM_USER0 = 3;
export const KM_USER1 = 4;

/** State of mm/highmem.c. */
export interface Highmem {
  /** By slot: 0 free, 1 mapped but unused until the next flush, n: n-1 users. */
  pkmap_count: Int32Array;
  last_pkmap_nr: number;
  /** Frame each slot shows, NO_PAGE for none; slots by frame, hashed (page_address_htable). */
  pkmap_page: Pfn[];
  page_address_htable: number[][];
  pkmap_map_wait: wait_queue_head_t;
}
