// Random work on every allocator the kernel has: tasks on several CPUs take and give back pages, slab objects, vmalloc areas, mempool elements and
// highmem windows, write into what they hold and read it back. What a task does follows from the seed alone.

import assert from 'node:assert/strict';
import type { Coroutine, Kernel, Pfn, VirtAddr, kmem_cache, mempool_t } from '../../engine/index.ts';
import {
  GFP, NO_PAGE, SLAB_HWCACHE_ALIGN, __free_pages, alloc_pages, charge, cond_resched, find_mempool, kfree, kmalloc, kmap, kmem_cache_alloc,
  kmem_cache_create, kmem_cache_free, kmem_cache_shrink, kunmap, kzalloc, load_byte, mempool_alloc, mempool_create, mempool_free, page_count,
  page_zone, schedule_timeout, store_byte, vfree, vmalloc, write_sysctl,
} from '../../engine/index.ts';

/** Something a task holds: where its bytes are, what it wrote there, and how it goes back. */
interface Held {
  what: string;
  /** Kernel addresses of its first and last byte, or none for pages without an address. */
  bytes: [VirtAddr, VirtAddr] | null;
  mark: number;
  release(k: Kernel): void;
}

/** A small generator of random numbers with its state in a record (mulberry32). */
export interface Dice {
  state: number;
}

export function roll(dice: Dice, sides: number): number {
  dice.state = (dice.state + 0x6d2b79f5) | 0;
  let t = Math.imul(dice.state ^ (dice.state >>> 15), 1 | dice.state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % sides;
}

const flagsOf = (name: string): number => GFP[name]!;
const QUIET = flagsOf('__GFP_NOWARN') | flagsOf('__GFP_NORETRY');
const MASKS = ['GFP_KERNEL', 'GFP_ATOMIC', 'GFP_NOIO', 'GFP_HIGHUSER', 'GFP_DMA'].map((name) => flagsOf(name) | QUIET);
/** What the tasks of one machine share. */
export interface Shared {
  isMade: boolean;
  cache: kmem_cache | null;
  pool: mempool_t | null;
  steps: number;
  /** At most this many things are held at once by a task. */
  mostHeld: number;
  /** Of 100 steps about so many give something back. */
  givesBack: number;
  /** Called after every step with what it touched. */
  after(k: Kernel, what: string): void;
}

/** One task: `steps` random steps, then everything goes back. */
export function* work(k: Kernel, shared: Shared, dice: Dice, steps: number): Coroutine {
  const held: Held[] = [];
  yield* makeShared(k, shared);
  for (let step = 0; step < steps; step++) {
    if (held.length > 0 && (held.length >= shared.mostHeld || roll(dice, 100) < shared.givesBack)) giveBack(k, held, roll(dice, held.length));
    else yield* take(k, shared, dice, held);
    shared.steps++;
    shared.after(k, held.at(-1)?.what ?? 'nothing');
    charge(k, 100);
    yield* cond_resched(k);
    if (roll(dice, 400) === 0) yield* schedule_timeout(k, 1_000_000 * (1 + roll(dice, 3000)), 'a nap');
  }
  while (held.length > 0) giveBack(k, held, held.length - 1);
}

/** The first task makes what all use. */
function* makeShared(k: Kernel, shared: Shared): Coroutine {
  if (shared.isMade) return;
  shared.isMade = true;
  const cache = yield* kmem_cache_create(k, 'worked', 212, 0, SLAB_HWCACHE_ALIGN);
  const pool = yield* mempool_create(k, 'worked', 4, 'kmalloc', 96);
  shared.cache = cache;
  shared.pool = pool;
}

function giveBack(k: Kernel, held: Held[], index: number): void {
  const last = held.pop()!;
  const chosen = index < held.length ? held[index]! : last;
  if (chosen !== last) held[index] = last;
  if (chosen.bytes !== null) assert.deepEqual(chosen.bytes.map((at) => load_byte(k, at)), [chosen.mark, chosen.mark], `${chosen.what} kept its bytes`);
  chosen.release(k);
}

function* take(k: Kernel, shared: Shared, dice: Dice, held: Held[]): Coroutine {
  const mark = 1 + roll(dice, 255);
  const mask = MASKS[roll(dice, MASKS.length)]!;
  switch (roll(dice, 12)) {
    case 0: case 1: case 2: yield* takePages(k, held, mask, roll(dice, 4) === 0 ? roll(dice, 5) : 0, mark); break;
    case 3: case 4: case 5: yield* takeMemory(k, held, 1 + roll(dice, roll(dice, 6) === 0 ? 40_000 : 600), mask & ~flagsOf('__GFP_HIGHMEM'), mark); break;
    case 6: case 7: yield* takeObject(k, shared, held, mask & ~(flagsOf('__GFP_HIGHMEM') | flagsOf('__GFP_DMA')), mark); break;
    case 8: yield* takeArea(k, held, 1 + roll(dice, 60_000), mark); break;
    case 9: yield* takeElement(k, shared, held, mark); break;
    case 10: kmem_cache_shrink(k, shared.cache!); break;
    default: assert.equal(yield* write_sysctl(k, 'vm.min_free_kbytes', 512 + roll(dice, 2048)), null);
  }
}

/** Keeps a memory that has an address: its first and last byte get the mark. Address 0 is a request that got nothing. */
function keep(k: Kernel, held: Held[], { what, address, size, mark, release }: Omit<Held, 'bytes'> & { address: VirtAddr; size: number }): void {
  if (address === 0) return;
  const bytes: [VirtAddr, VirtAddr] = [address, (address + size - 1) as VirtAddr];
  for (const at of bytes) store_byte(k, at, mark);
  held.push({ what, bytes, mark, release });
}

function* takePages(k: Kernel, held: Held[], mask: number, order: number, mark: number): Coroutine {
  const page = yield* alloc_pages(k, mask, order);
  if (page === NO_PAGE) return;
  assert.equal(page_count(k, page), 1);
  if (page_zone(k, page).zone_idx === 3 && order === 0) yield* throughWindow(k, page, mark);
  held.push({ what: `page ${page} order ${order}`, bytes: null, mark, release: (kernel) => __free_pages(kernel, page, order) });
}

/** A page of high memory is written and read through a window. */
function* throughWindow(k: Kernel, page: Pfn, mark: number): Coroutine {
  const address = yield* kmap(k, page);
  store_byte(k, address, mark);
  assert.equal(load_byte(k, address), mark);
  kunmap(k, page);
}

function* takeMemory(k: Kernel, held: Held[], size: number, mask: number, mark: number): Coroutine {
  let address: VirtAddr;
  if (mark % 2 === 0) address = yield* kzalloc(k, size, mask);
  else address = yield* kmalloc(k, size, mask);
  if (mark % 2 === 0 && address !== 0) assert.equal(load_byte(k, (address + size - 1) as VirtAddr), 0);
  keep(k, held, { what: `kmalloc ${size}`, address, size, mark, release: (kernel) => kfree(kernel, address) });
}

function* takeObject(k: Kernel, shared: Shared, held: Held[], mask: number, mark: number): Coroutine {
  const cache = shared.cache!;
  const address = yield* kmem_cache_alloc(k, cache, mask);
  keep(k, held, { what: 'object', address, size: 212, mark, release: (kernel) => kmem_cache_free(kernel, cache, address) });
}

function* takeArea(k: Kernel, held: Held[], size: number, mark: number): Coroutine {
  const address = yield* vmalloc(k, size);
  keep(k, held, { what: `vmalloc ${size}`, address, size, mark, release: (kernel) => vfree(kernel, address) });
}

function* takeElement(k: Kernel, shared: Shared, held: Held[], mark: number): Coroutine {
  const pool = shared.pool!;
  const element = yield* mempool_alloc(k, pool, flagsOf('GFP_ATOMIC'));
  const release: Held['release'] = (kernel) => mempool_free(kernel, element, find_mempool(kernel, pool.name)!);
  keep(k, held, { what: `element of ${pool.name}`, address: element as VirtAddr, size: 96, mark, release });
}
