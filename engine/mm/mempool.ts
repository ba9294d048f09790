// Memory pools (mm/mempool.c; KERNEL.md MP-1 … MP-3): a reserve of elements filled in advance, so that whoever frees one element can always go on.
// The reserve is touched last: the allocator is asked first, quietly and without waiting.
//
//   mempool_alloc:  ask without __GFP_WAIT and __GFP_IO → reserve → no __GFP_WAIT: nothing → sleep, 5 s at most → ask with the whole mask → …
//
// A pool's elements are of one of three kinds (include/mempool.ts) in place of the kernel's two functions, so that a pool is data. Left out: what the
// memory of the array of elements holds, pools on a node.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { Pfn } from '../include/types.ts';
import type { mempool_kind, mempool_t } from '../include/mempool.ts';
import { NO_PAGE, virt } from '../include/types.ts';
import { SIZEOF_MEMPOOL } from '../include/mempool.ts';
import { GFP_KERNEL, __GFP_IO, __GFP_NOMEMALLOC, __GFP_NORETRY, __GFP_NOWARN, __GFP_WAIT } from '../include/gfp.ts';
import { bits_per_long } from '../arch/address.ts';
import { BUG } from '../kernel/panic.ts';
import { schedule_timeout_retry } from '../kernel/sched.ts';
import { finish_wait, make_wait_queue, prepare_to_wait, wake_up } from '../kernel/wait.ts';
import { __free_pages, alloc_pages } from './page_alloc.ts';
import { kfree, kmalloc } from './kmalloc.ts';
import { kmem_cache_alloc, kmem_cache_free } from './slab.ts';
import { cache_of } from './slab_lists.ts';
import { trace_mempool_refill, trace_mempool_take_reserve, trace_mempool_wait } from '../trace/mempool.ts';

/** No element. Frame 0 and address 0 are never one. */
export const NO_ELEMENT = 0;
/** What the kernel returns for no memory. */
const ENOMEM = 12;
/** How long a request sleeps at most before it looks again, s. */
const WAIT_SECONDS = 5;

/** A pool that holds min_nr elements from the beginning, or null where there is no memory for them (MP-1). */
export function* mempool_create(
  k: Kernel, name: string, min_nr: number, kind: mempool_kind, pool_data: number,
): Generator<Wait, mempool_t | null, void> {
  const self_addr = yield* kmalloc(k, SIZEOF_MEMPOOL[word_bits(k)], GFP_KERNEL);
  if (self_addr === 0) return null;
  const elements_addr = yield* kmalloc(k, array_size(k, min_nr), GFP_KERNEL);
  if (elements_addr === 0) {
    kfree(k, self_addr);
    return null;
  }
  const pool: mempool_t = {
    id: k.mempools.length, name, kind, pool_data, min_nr, curr_nr: 0, elements: [], wait: make_wait_queue(), self_addr, elements_addr,
  };
  k.mempools.push(pool);
  while (pool.curr_nr < pool.min_nr) {
    const element = yield* alloc_element(k, pool, GFP_KERNEL);
    if (element === NO_ELEMENT) {
      free_pool(k, pool);
      return null;
    }
    add_element(pool, element);
  }
  return pool;
}

/** Gives a pool up; every element must have come back (MP-1). */
export function mempool_destroy(k: Kernel, pool: mempool_t): void {
  if (pool.curr_nr !== pool.min_nr) BUG(k, `mm/mempool.c:mempool_destroy: ${pool.min_nr - pool.curr_nr} elements of ${pool.name} are missing`);
  free_pool(k, pool);
}

/** An element: from the allocator, else from the reserve, else, where the mask allows it, after waiting as long as it takes; else NO_ELEMENT
 *  (MP-2). */
export function* mempool_alloc(k: Kernel, pool: mempool_t, asked_mask: number): Generator<Wait, number, void> {
  const gfp_mask = asked_mask | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
  let gfp_temp = gfp_mask & ~(__GFP_WAIT | __GFP_IO);
  for (;;) {
    const element = yield* alloc_element(k, pool, gfp_temp);
    if (element !== NO_ELEMENT) return element;
    if (pool.curr_nr > 0) return take_reserve(k, pool);
    if ((gfp_mask & __GFP_WAIT) === 0) return NO_ELEMENT;
    gfp_temp = gfp_mask;
    yield* wait_for_element(k, pool);
  }
}

/** An element comes back: into the reserve while that is not full, which wakes who waits; else it is really freed (MP-3). */
export function mempool_free(k: Kernel, element: number, pool: mempool_t): void {
  if (pool.curr_nr >= pool.min_nr) {
    free_element(k, pool, element);
    return;
  }
  add_element(pool, element);
  trace_mempool_refill(k, pool.id, pool.curr_nr, pool.min_nr);
  wake_up(k, pool.wait);
}

/** Makes the reserve smaller, or larger and fills it as far as memory goes; 0, or -ENOMEM where its array cannot be had (MP-3). */
export function* mempool_resize(k: Kernel, pool: mempool_t, new_min_nr: number, gfp_mask: number): Generator<Wait, number, void> {
  if (new_min_nr <= 0) BUG(k, 'mm/mempool.c:mempool_resize: new_min_nr <= 0');
  if (new_min_nr <= pool.min_nr) {
    while (new_min_nr < pool.curr_nr) free_element(k, pool, remove_element(pool));
    pool.min_nr = new_min_nr;
    return 0;
  }
  const new_elements = yield* kmalloc(k, array_size(k, new_min_nr), gfp_mask);
  if (new_elements === 0) return -ENOMEM;
  if (new_min_nr <= pool.min_nr) {
    kfree(k, new_elements);
    return 0;
  }
  kfree(k, pool.elements_addr);
  pool.elements_addr = new_elements;
  pool.min_nr = new_min_nr;
  yield* fill_reserve(k, pool, gfp_mask);
  return 0;
}

function* fill_reserve(k: Kernel, pool: mempool_t, gfp_mask: number): Generator<Wait, void, void> {
  while (pool.curr_nr < pool.min_nr) {
    const element = yield* alloc_element(k, pool, gfp_mask);
    if (element === NO_ELEMENT) return;
    if (pool.curr_nr < pool.min_nr) add_element(pool, element);
    else free_element(k, pool, element);
  }
}

function take_reserve(k: Kernel, pool: mempool_t): number {
  const element = remove_element(pool);
  trace_mempool_take_reserve(k, pool.id, pool.curr_nr, pool.min_nr);
  return element;
}

/** Sleeps until an element comes back, 5 s at most (a workaround of 2.6.18 for stacked devices). */
function* wait_for_element(k: Kernel, pool: mempool_t): Generator<Wait, void, void> {
  prepare_to_wait(k, pool.wait);
  if (pool.curr_nr === 0) {
    trace_mempool_wait(k, pool.id, pool.curr_nr, pool.min_nr);
    yield* schedule_timeout_retry(k, WAIT_SECONDS * 1e9, `an element of the memory pool ${pool.name}`);
  }
  finish_wait(k, pool.wait);
}

// ---- the reserve, and where elements come from ------------------------------------------------------------------------

function add_element(pool: mempool_t, element: number): void {
  pool.elements.push(element);
  pool.curr_nr++;
}

/** The element that came in last. */
function remove_element(pool: mempool_t): number {
  pool.curr_nr--;
  return pool.elements.pop()!;
}

/** mempool_alloc_pages, mempool_kmalloc or mempool_alloc_slab. */
function* alloc_element(k: Kernel, pool: mempool_t, gfp_mask: number): Generator<Wait, number, void> {
  let element = NO_ELEMENT;
  if (pool.kind === 'pages') {
    const page = yield* alloc_pages(k, gfp_mask, pool.pool_data);
    element = page === NO_PAGE ? NO_ELEMENT : page;
  } else if (pool.kind === 'kmalloc') {
    element = yield* kmalloc(k, pool.pool_data, gfp_mask);
  } else {
    element = yield* kmem_cache_alloc(k, cache_of(k, pool.pool_data), gfp_mask);
  }
  return element;
}

/** mempool_free_pages, mempool_kfree or mempool_free_slab. */
function free_element(k: Kernel, pool: mempool_t, element: number): void {
  if (pool.kind === 'pages') __free_pages(k, element as Pfn, pool.pool_data);
  else if (pool.kind === 'kmalloc') kfree(k, virt(element));
  else kmem_cache_free(k, cache_of(k, pool.pool_data), virt(element));
}

function free_pool(k: Kernel, pool: mempool_t): void {
  while (pool.curr_nr > 0) free_element(k, pool, remove_element(pool));
  kfree(k, pool.elements_addr);
  kfree(k, pool.self_addr);
  k.mempools[pool.id] = null;
}

function array_size(k: Kernel, min_nr: number): number {
  return (min_nr * word_bits(k)) / 8;
}

function word_bits(k: Kernel): 32 | 64 {
  return bits_per_long(k) === 64 ? 64 : 32;
}

/** The pool of a name, or null. */
export function find_mempool(k: Kernel, name: string): mempool_t | null {
  return k.mempools.find((pool) => pool !== null && pool.name === name) ?? null;
}

