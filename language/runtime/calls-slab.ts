/** Calls of the slab allocator (KERNEL.md chapter 13). A cache is an object of the language, an object of a cache its address. */
import {
  kfree, kmalloc, kmem_cache_alloc, kmem_cache_create, kmem_cache_destroy, kmem_cache_free, kmem_cache_shrink, kzalloc,
} from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { addressOf, natural, sleeping, textOf } from './call.ts';
import { cacheOf, cacheValue } from './objects-slab.ts';

export const ATOMIC_SLAB_CALLS: readonly [string, AtomicCall][] = [
  ['kfree', (k, [address]) => {
    kfree(k, addressOf(address));
    return 0;
  }],
  ['kmem_cache_free', (k, [cache, address]) => {
    kmem_cache_free(k, cacheOf(k, cache), addressOf(address));
    return 0;
  }],
  ['kmem_cache_shrink', (k, [cache]) => kmem_cache_shrink(k, cacheOf(k, cache))],
  ['kmem_cache_destroy', (k, [cache]) => kmem_cache_destroy(k, cacheOf(k, cache))],
];

export const SLEEPING_SLAB_CALLS: readonly [string, SleepingCall][] = [
  sleeping('kmalloc', { begin: (k, [size, gfp]) => kmalloc(k, natural(size), natural(gfp)), result: shownAddress }),
  sleeping('kzalloc', { begin: (k, [size, gfp]) => kzalloc(k, natural(size), natural(gfp)), result: shownAddress }),
  sleeping('kmem_cache_create', {
    begin: (k, [name, size, align, flags]) => kmem_cache_create(k, textOf(name), natural(size), natural(align), natural(flags)),
    result: (cachep) => (cachep === null ? 0 : cacheValue(cachep.id)),
  }),
  sleeping('kmem_cache_alloc', { begin: (k, [cache, gfp]) => kmem_cache_alloc(k, cacheOf(k, cache), natural(gfp)), result: shownAddress }),
];
