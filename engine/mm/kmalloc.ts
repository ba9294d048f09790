// Memory of any size (mm/slab.c: kmalloc, kfree; include/linux/kmalloc_sizes.h; KERNEL.md SL-2): every request is rounded up to one of the sizes.
// Each is a cache, `size-N`, with a twin for memory that ISA devices reach, `size-N(DMA)`.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { kmem_cache, slab_sizes } from '../include/slab.ts';
import type { VirtAddr } from '../include/types.ts';
import { GFP_DMA } from '../include/gfp.ts';
import { virt } from '../include/types.ts';
import { __cache_alloc, __cache_free, __do_cache_alloc_node } from './slab.ts';
import { cache_of, virt_to_cache } from './slab_lists.ts';
import { numa_node_id } from './topology.ts';
import { kfree_debugcheck } from './slab_debug.ts';
import { fill_phys } from './contents.ts';
import { virt_to_phys } from '../arch/address.ts';
import { trace_kfree, trace_kmalloc } from '../trace/slab.ts';

/** `size` bytes at least: an address, or 0 where there is no memory or the size is past the largest (mm/slab.c:kmalloc; SL-2). */
export function* kmalloc(k: Kernel, size: number, flags: number): Generator<Wait, VirtAddr, void> {
  const objp = yield* __do_kmalloc(k, size, flags, numa_node_id(k));
  return objp;
}

/** As kmalloc, filled with zeroes. */
export function* kzalloc(k: Kernel, size: number, flags: number): Generator<Wait, VirtAddr, void> {
  const objp = yield* __do_kmalloc(k, size, flags, numa_node_id(k));
  if (objp !== 0) fill_phys(k, virt_to_phys(k, objp), size, 0);
  return objp;
}

/** As kmalloc, from the slabs of a node. */
export function* kmalloc_node(k: Kernel, size: number, flags: number, node: number): Generator<Wait, VirtAddr, void> {
  const objp = yield* __do_kmalloc(k, size, flags, node);
  return objp;
}

function* __do_kmalloc(k: Kernel, size: number, flags: number, node: number): Generator<Wait, VirtAddr, void> {
  const cachep = __find_general_cachep(k, size, flags);
  if (cachep === null) return virt(0);
  let objp = virt(0);
  if (node === numa_node_id(k)) objp = yield* __cache_alloc(k, cachep, flags);
  else objp = yield* __do_cache_alloc_node(k, cachep, flags, node);
  trace_kmalloc(k, k.current, objp, size, cachep.buffer_size, flags);
  return objp;
}

/** Gives memory of kmalloc back; address 0 is nothing to give (mm/slab.c:kfree). */
export function kfree(k: Kernel, objp: VirtAddr): void {
  if (objp === 0) return;
  trace_kfree(k, k.current, objp);
  if (k.slab.debug !== 0) kfree_debugcheck(k, objp);
  __cache_free(k, virt_to_cache(k, objp), objp);
}

/** Bytes that may be used behind an address of kmalloc (ksize). */
export function ksize(k: Kernel, objp: VirtAddr): number {
  return objp === 0 ? 0 : virt_to_cache(k, objp).obj_size;
}

/** The smallest cache that a request fits into, or null (__find_general_cachep; SL-2). */
export function __find_general_cachep(k: Kernel, size: number, flags: number): kmem_cache | null {
  const csizep = k.slab.malloc_sizes.find(({ cs_size }) => cs_size >= size);
  if (csizep === undefined) return null;
  return cache_of(k, (flags & GFP_DMA) !== 0 ? csizep.cs_dmacachep : csizep.cs_cachep);
}

/** The sizes: powers of two, and two between that depend on the cache line (SL-2, X-38). */
export function kmalloc_sizes({ L1_CACHE_BYTES }: slab_sizes): number[] {
  const between = [...(L1_CACHE_BYTES < 64 ? [96] : []), ...(L1_CACHE_BYTES < 128 ? [192] : [])];
  const powers = Array.from({ length: 13 }, (_, n) => 32 << n);
  return [...powers, ...between].sort((a, b) => a - b);
}

/** Place in malloc_sizes of the size that arrays of the boot take, and lists: these two caches must be first (SL-18). */
export function INDEX_AC(k: Kernel): number {
  return index_of(k, k.slab.sizes.array_cache + k.slab.sizes.BYTES_PER_WORD);
}

export function INDEX_L3(k: Kernel): number {
  return index_of(k, k.slab.sizes.kmem_list3);
}

function index_of(k: Kernel, size: number): number {
  return k.slab.malloc_sizes.findIndex(({ cs_size }) => cs_size >= size);
}
