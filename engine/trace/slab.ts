// @tracepoints
// Tracepoints of the slab allocator (KERNEL.md EV-1, EV-11). A cache is its id and a slab too (k.slab.caches, k.slab.slabs); `call_site` is the pid
// of the task that calls, since functions of this kernel have no addresses: the debugger's call stack says where.

import type { Kernel } from '../kernel.ts';
import type { VirtAddr } from '../include/types.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** Where slab_refill got its objects. */
export const FROM_SHARED = 0;
export const FROM_PARTIAL = 1;
export const FROM_FREE = 2;
/** Nowhere: the cache must grow first. */
export const FROM_GROW = 3;
/** Where slab_flush put them. */
export const TO_SHARED = 0;
export const TO_LISTS = 1;

export function trace_kmalloc(k: Kernel, call_site: number, ptr: VirtAddr, bytes_req: number, bytes_alloc: number, gfp_flags: number): void {
  trace_event(k, TP.kmalloc, call_site, ptr, bytes_req, bytes_alloc, gfp_flags);
}

export function trace_kmem_cache_alloc(k: Kernel, call_site: number, ptr: VirtAddr, bytes_req: number, bytes_alloc: number, gfp_flags: number): void {
  trace_event(k, TP.kmem_cache_alloc, call_site, ptr, bytes_req, bytes_alloc, gfp_flags);
}

export function trace_kfree(k: Kernel, call_site: number, ptr: VirtAddr): void {
  trace_event(k, TP.kfree, call_site, ptr);
}

export function trace_kmem_cache_free(k: Kernel, call_site: number, ptr: VirtAddr): void {
  trace_event(k, TP.kmem_cache_free, call_site, ptr);
}

/** A cache got a slab: `colour` bytes are left before its management, `mem` is its first page (SL-12). */
export function trace_slab_grow(k: Kernel, cache: number, slab: number, colour: number, order: number, mem: VirtAddr): void {
  trace_event(k, TP.slab_grow, cache, slab, colour, order, mem);
}

/** A slab is gone; its pages are freed, at once or after a grace period (SL-16). */
export function trace_slab_destroy(k: Kernel, cache: number, slab: number, order: number, mem: VirtAddr): void {
  trace_event(k, TP.slab_destroy, cache, slab, order, mem);
}

/** A CPU's empty array was given `count` objects; `from` is where the first of them was (SL-10). */
export function trace_slab_refill(k: Kernel, cache: number, cpu: number, from: number, count: number): void {
  trace_event(k, TP.slab_refill, cache, cpu, from, count);
}

/** `count` objects left a full or idle array (SL-13, SL-15). */
export function trace_slab_flush(k: Kernel, cache: number, cpu: number, count: number, to: number): void {
  trace_event(k, TP.slab_flush, cache, cpu, count, to);
}

/** cache_reap gave `count` slabs of a cache back (SL-15). */
export function trace_slab_reap(k: Kernel, cache: number, cpu: number, count: number): void {
  trace_event(k, TP.slab_reap, cache, cpu, count);
}

/** Memory of an object, or beside it, does not hold what it must: the byte or word at `offset` from the object (SL-17). */
export function trace_slab_corruption(k: Kernel, cache: number, obj: VirtAddr, offset: number, expected: number, found: number): void {
  trace_event(k, TP.slab_corruption, cache, obj, offset, expected, found);
}
