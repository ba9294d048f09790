// The slab allocator's two paths (mm/slab.c; KERNEL.md SL-10 … SL-16, SL-20): objects go from and to a CPU's own array, and only when that is
// empty or full to the shared array, to the slabs, to the page allocator. Creation and bootstrap are in slab_create.ts and slab_init.ts, what
// happens in the background in slab_reap.ts, the checks of a debug kernel in slab_debug.ts, kmalloc in kmalloc.ts.
//
//   kmem_cache_alloc → __cache_alloc → cache_alloc_refill → cache_grow → kmem_getpages → alloc_pages_node
//   kmem_cache_free → __cache_free → cache_flusharray → free_block → slab_destroy → kmem_freepages → __free_pages
//
// A list of a node:  slabs_partial: a new slab of the kind at the head, one that just got an object back at the tail
//                    slabs_free: an emptied slab at the head, a grown one at the tail        slabs_full: at the head
//
// Left out: task policies that choose a node (issue of NUMA policies), destructors (a constructor is a byte to fill with, there is nothing to undo).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { array_cache, kmem_cache, kmem_list3, slab } from '../include/slab.ts';
import type { VirtAddr } from '../include/types.ts';
import { BATCHREFILL_LIMIT, BUFCTL_END, BUFCTL_FREE, NO_CTOR, SLAB_DESTROY_BY_RCU, SLAB_RECLAIM_ACCOUNT } from '../include/slab.ts';
import {
  GFP_DMA, __GFP_COLD, __GFP_COMP, __GFP_FS, __GFP_HARDWALL, __GFP_HIGH, __GFP_IO, __GFP_NOFAIL, __GFP_NOMEMALLOC, __GFP_NORETRY, __GFP_NOWARN,
  __GFP_NO_GROW, __GFP_REPEAT, __GFP_WAIT,
} from '../include/gfp.ts';
import { NR_SLAB } from '../include/mmzone.ts';
import { PG_slab } from '../include/page-flags.ts';
import { NO_PAGE, pfn, virt } from '../include/types.ts';
import { page_address, virt_to_page } from '../arch/address.ts';
import { clear_page_flag, page_zone, set_page_flag, set_page_lru_words } from './mem_map.ts';
import { __free_pages, alloc_pages_node } from './page_alloc.ts';
import { numa_node_id } from './topology.ts';
import { mod_zone_page_state } from './vmstat.ts';
import {
  OFF_SLAB, cache_of, cpu_cache_get, index_to_obj, list3_of, obj_to_index, show_pointer, slab_list_add, slab_list_add_tail, slab_list_del,
  slab_of, virt_to_cache, virt_to_slab,
} from './slab_lists.ts';
import { cache_alloc_debugcheck_after, cache_free_debugcheck, check_put_obj, check_slabp, init_obj, slab_destroy_objs } from './slab_debug.ts';
import { BUG } from '../kernel/panic.ts';
import { charge, current_task } from '../kernel/sched.ts';
import {
  FROM_FREE, FROM_GROW, FROM_PARTIAL, FROM_SHARED, TO_LISTS, TO_SHARED, trace_kmem_cache_alloc, trace_kmem_cache_free, trace_slab_destroy,
  trace_slab_flush, trace_slab_grow, trace_slab_refill,
} from '../trace/slab.ts';

/** What a caller may ask of the pages behind an object (GFP_LEVEL_MASK). */
const SLAB_LEVEL_MASK = __GFP_WAIT | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_COLD | __GFP_NOWARN | __GFP_REPEAT | __GFP_NOFAIL | __GFP_NORETRY
  | __GFP_NO_GROW | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_HARDWALL;
/** How long readers may still look at a slab that is gone: a grace period, jiffies. */
const GRACE_PERIOD = 2;

// ---- allocation -------------------------------------------------------------------------------------------------------

/** An object of a cache: its address, or 0 (mm/slab.c:kmem_cache_alloc). May sleep where the cache must grow and the mask has __GFP_WAIT. */
export function* kmem_cache_alloc(k: Kernel, cachep: kmem_cache, flags: number): Generator<Wait, VirtAddr, void> {
  const objp = yield* __cache_alloc(k, cachep, flags);
  trace_kmem_cache_alloc(k, k.current, objp, cachep.obj_size, cachep.buffer_size, flags);
  return objp;
}

/** As kmem_cache_alloc, from the slabs of a node (mm/slab.c:kmem_cache_alloc_node; N-38). */
export function* kmem_cache_alloc_node(k: Kernel, cachep: kmem_cache, flags: number, nodeid: number): Generator<Wait, VirtAddr, void> {
  const objp = yield* __do_cache_alloc_node(k, cachep, flags, nodeid);
  trace_kmem_cache_alloc(k, k.current, objp, cachep.obj_size, cachep.buffer_size, flags);
  return objp;
}

/** An object for its user, checked where this is a debug kernel; 0 where there is none. */
export function* __cache_alloc(k: Kernel, cachep: kmem_cache, flags: number): Generator<Wait, VirtAddr, void> {
  cache_alloc_debugcheck_before(k, cachep, flags);
  const objp = yield* ____cache_alloc(k, cachep, flags);
  return finish_alloc(k, cachep, objp);
}

/** An object of a node: of the own one by way of the array, of another straight from its slabs. */
export function* __do_cache_alloc_node(k: Kernel, cachep: kmem_cache, flags: number, nodeid: number): Generator<Wait, VirtAddr, void> {
  cache_alloc_debugcheck_before(k, cachep, flags);
  let objp = virt(0);
  if (nodeid === numa_node_id(k) || cachep.nodelists[nodeid] === null) objp = yield* ____cache_alloc(k, cachep, flags);
  else objp = yield* __cache_alloc_node(k, cachep, flags, nodeid);
  return finish_alloc(k, cachep, objp);
}

function cache_alloc_debugcheck_before(k: Kernel, cachep: kmem_cache, flags: number): void {
  if (k.slab.debug !== 0) kmem_flagcheck(k, cachep, flags);
}

function finish_alloc(k: Kernel, cachep: kmem_cache, objp: VirtAddr): VirtAddr {
  if (objp === 0) return objp;
  charge(k, k.cost.slab);
  return k.slab.debug === 0 ? objp : cache_alloc_debugcheck_after(k, cachep, objp);
}

/** The last object that was put into this CPU's array; an empty one is refilled first (SL-10). */
function* ____cache_alloc(k: Kernel, cachep: kmem_cache, flags: number): Generator<Wait, VirtAddr, void> {
  const ac = cpu_cache_get(k, cachep);
  if (ac.avail > 0) {
    ac.touched = 1;
    return ac.entry[--ac.avail]!;
  }
  const objp = yield* cache_alloc_refill(k, cachep, flags);
  return objp;
}

/** Fills this CPU's empty array from the shared one or from slabs, growing the cache where both are empty; the last object, or 0 (SL-10). */
function* cache_alloc_refill(k: Kernel, cachep: kmem_cache, flags: number): Generator<Wait, VirtAddr, void> {
  rcu_process_callbacks(k);
  for (;;) {
    refill_array(k, cachep, cpu_cache_get(k, cachep), list3_of(cachep, numa_node_id(k)));
    if (cpu_cache_get(k, cachep).avail > 0) break;
    const grown = yield* cache_grow(k, cachep, flags, numa_node_id(k));
    if (cpu_cache_get(k, cachep).avail > 0) break;
    if (!grown) return virt(0);
  }
  const ac = cpu_cache_get(k, cachep);
  ac.touched = 1;
  return ac.entry[--ac.avail]!;
}

/** A batch for an array, less for one that is hardly used: from the shared array if it has anything, else from slabs (SL-10). */
function refill_array(k: Kernel, cachep: kmem_cache, ac: array_cache, l3: kmem_list3): void {
  const batchcount = ac.touched === 0 ? Math.min(ac.batchcount, BATCHREFILL_LIMIT) : ac.batchcount;
  if (l3.shared !== null && transfer_objects(ac, l3.shared, batchcount) > 0) {
    trace_slab_refill(k, cachep.id, k.cpu, FROM_SHARED, ac.avail);
    return;
  }
  const from = l3.slabs_partial.next !== 0 ? FROM_PARTIAL : l3.slabs_free.next !== 0 ? FROM_FREE : FROM_GROW;
  while (ac.avail < batchcount) {
    const slabp = slab_with_room(k, l3);
    if (slabp === null) break;
    take_objects(k, cachep, l3, slabp, ac, batchcount);
  }
  l3.free_objects -= ac.avail;
  trace_slab_refill(k, cachep.id, k.cpu, from, ac.avail);
}

/** The slab that the next object comes from: the first partial one, else the first free one (SL-10). */
function slab_with_room(k: Kernel, l3: kmem_list3): slab | null {
  if (l3.slabs_partial.next !== 0) return slab_of(k, l3.slabs_partial.next);
  l3.free_touched = 1;
  return l3.slabs_free.next === 0 ? null : slab_of(k, l3.slabs_free.next);
}

/** Takes objects of a slab until it or the batch is exhausted, and puts the slab where it belongs now. */
function take_objects(k: Kernel, cachep: kmem_cache, l3: kmem_list3, slabp: slab, ac: array_cache, batchcount: number): void {
  if (k.slab.debug !== 0) check_slabp(k, cachep, slabp);
  if (slabp.inuse < 0 || slabp.inuse >= cachep.num) BUG(k, `mm/slab.c:cache_alloc_refill: a slab of ${cachep.name} on slabs_partial has no free object`);
  while (slabp.inuse < cachep.num && ac.avail < batchcount) ac.entry[ac.avail++] = slab_get_obj(k, cachep, slabp);
  sort_slab(k, l3, slabp);
}

/** A slab that lost an object: to slabs_full, or to the head of slabs_partial (SL-10). */
function sort_slab(k: Kernel, l3: kmem_list3, slabp: slab): void {
  slab_list_del(k, l3, slabp);
  slab_list_add(k, l3, slabp.free === BUFCTL_END ? 'slabs_full' : 'slabs_partial', slabp);
}

/** One object straight from the slabs of a node, grown there if need be (N-38). */
function* __cache_alloc_node(k: Kernel, cachep: kmem_cache, flags: number, nodeid: number): Generator<Wait, VirtAddr, void> {
  const l3 = list3_of(cachep, nodeid);
  for (;;) {
    const slabp = slab_with_room(k, l3);
    if (slabp !== null) {
      const objp = slab_get_obj(k, cachep, slabp);
      l3.free_objects--;
      sort_slab(k, l3, slabp);
      return objp;
    }
    const grown = yield* cache_grow(k, cachep, flags, nodeid);
    if (!grown) return virt(0);
  }
}

/** Moves the newest objects of one array to another, as many as there is room for; how many (SL-10, SL-20). */
export function transfer_objects(to: array_cache, from: array_cache, max: number): number {
  const nr = Math.min(from.avail, max, to.limit - to.avail);
  if (nr === 0) return 0;
  for (let i = 0; i < nr; i++) to.entry[to.avail + i] = from.entry[from.avail - nr + i]!;
  from.avail -= nr;
  to.avail += nr;
  to.touched = 1;
  return nr;
}

/** The first object of a slab's chain (SL-11). */
function slab_get_obj(k: Kernel, cachep: kmem_cache, slabp: slab): VirtAddr {
  const objp = index_to_obj(cachep, slabp, slabp.free);
  const next = slabp.bufctl[slabp.free]!;
  slabp.inuse++;
  if (k.slab.debug !== 0) slabp.bufctl[slabp.free] = BUFCTL_FREE;
  slabp.free = next;
  return objp;
}

/** Puts an object at the head of its slab's chain; false where a debug kernel found it there already (SL-11, SL-17). */
function slab_put_obj(k: Kernel, cachep: kmem_cache, slabp: slab, objp: VirtAddr): boolean {
  const objnr = obj_to_index(cachep, slabp, objp);
  if (k.slab.debug !== 0 && !check_put_obj(k, cachep, slabp, objnr)) return false;
  slabp.bufctl[objnr] = slabp.free;
  slabp.free = objnr;
  slabp.inuse--;
  return true;
}

// ---- growing ----------------------------------------------------------------------------------------------------------

/** Adds a slab to a cache: pages, management, objects, to the tail of slabs_free; whether it could (SL-12). */
export function* cache_grow(k: Kernel, cachep: kmem_cache, flags: number, nodeid: number): Generator<Wait, boolean, void> {
  if ((flags & ~(GFP_DMA | SLAB_LEVEL_MASK)) !== 0) BUG(k, `mm/slab.c:cache_grow: flags 0x${flags.toString(16)} cannot be met by slabs`);
  if ((flags & __GFP_NO_GROW) !== 0) return false;
  const l3 = list3_of(cachep, nodeid);
  const colour = l3.colour_next * cachep.colour_off;
  l3.colour_next++;
  if (l3.colour_next >= cachep.colour) l3.colour_next = 0;
  kmem_flagcheck(k, cachep, flags);

  const mem = yield* kmem_getpages(k, cachep, flags, nodeid);
  if (mem === 0) return false;
  const slabp = yield* alloc_slabmgmt(k, cachep, mem, colour, flags & SLAB_LEVEL_MASK, nodeid);
  if (slabp === null) {
    kmem_freepages(k, cachep, mem);
    return false;
  }
  slab_map_pages(k, cachep, slabp, mem);
  cache_init_objs(k, cachep, slabp);
  slab_list_add_tail(k, l3, 'slabs_free', slabp);
  l3.free_objects += cachep.num;
  trace_slab_grow(k, cachep.id, slabp.id, colour, cachep.gfporder, mem);
  return true;
}

/** A cache for DMA memory is asked for that, no other is. */
function kmem_flagcheck(k: Kernel, cachep: kmem_cache, flags: number): void {
  if ((flags & GFP_DMA) !== (cachep.gfpflags & GFP_DMA)) BUG(k, `mm/slab.c:kmem_flagcheck: ${cachep.name} and the flags differ about DMA memory`);
}

/** Pages for a slab: the address of the first, or 0 (SL-12). */
function* kmem_getpages(k: Kernel, cachep: kmem_cache, flags: number, nodeid: number): Generator<Wait, VirtAddr, void> {
  const page = yield* alloc_pages_node(k, nodeid, flags | cachep.gfpflags, cachep.gfporder);
  if (page === NO_PAGE) return virt(0);
  const nr_pages = 1 << cachep.gfporder;
  if ((cachep.flags & SLAB_RECLAIM_ACCOUNT) !== 0) k.slab.slab_reclaim_pages += nr_pages;
  mod_zone_page_state(k, page_zone(k, page), NR_SLAB, nr_pages);
  for (let i = 0; i < nr_pages; i++) set_page_flag(k, pfn(page + i), PG_slab);
  return page_address(k, page);
}

/** Gives a slab's pages back. */
function kmem_freepages(k: Kernel, cachep: kmem_cache, mem: VirtAddr): void {
  const page = virt_to_page(k, mem);
  const nr_freed = 1 << cachep.gfporder;
  mod_zone_page_state(k, page_zone(k, page), NR_SLAB, -nr_freed);
  for (let i = 0; i < nr_freed; i++) clear_page_flag(k, pfn(page + i), PG_slab);
  const { reclaim_state } = current_task(k);
  if (reclaim_state !== null) reclaim_state.reclaimed_slab += nr_freed;
  __free_pages(k, page, cachep.gfporder);
  if ((cachep.flags & SLAB_RECLAIM_ACCOUNT) !== 0) k.slab.slab_reclaim_pages -= nr_freed;
}

/** struct slab, in the slab's own pages or in an object of slabp_cache; null where there is no memory for it (SL-4). */
function* alloc_slabmgmt(
  k: Kernel, cachep: kmem_cache, mem: VirtAddr, colour: number, flags: number, nodeid: number,
): Generator<Wait, slab | null, void> {
  let address = virt(mem + colour);
  let colouroff = colour;
  if (OFF_SLAB(cachep)) {
    address = yield* kmem_cache_alloc_node(k, cache_of(k, cachep.slabp_cache), flags, nodeid);
    if (address === 0) return null;
  } else colouroff += cachep.slab_size;
  const id = k.slab.free_slab_ids.pop() ?? k.slab.slabs.length;
  const bufctl = new Array<number>(cachep.num).fill(BUFCTL_END);
  const slabp: slab = {
    id, cache: cachep.id, list: null, next: 0, prev: 0, nodeid, address, colouroff, s_mem: virt(mem + colouroff), inuse: 0, free: 0, bufctl,
  };
  k.slab.slabs[id] = slabp;
  return slabp;
}

/** Every page of a slab names its cache and its slab (P-6). */
function slab_map_pages(k: Kernel, cachep: kmem_cache, slabp: slab, mem: VirtAddr): void {
  const page = virt_to_page(k, mem);
  for (let i = 0; i < 1 << cachep.gfporder; i++) set_page_lru_words(k, pfn(page + i), cachep.id, slabp.id);
}

/** Objects as their constructor or the poison makes them, chained in ascending order (SL-12). */
function cache_init_objs(k: Kernel, cachep: kmem_cache, slabp: slab): void {
  const writes = cachep.ctor !== NO_CTOR || k.slab.debug !== 0;
  for (let n = 0; n < cachep.num; n++) {
    if (writes) init_obj(k, cachep, index_to_obj(cachep, slabp, n));
    slabp.bufctl[n] = n + 1;
  }
  slabp.bufctl[cachep.num - 1] = BUFCTL_END;
}

// ---- freeing ----------------------------------------------------------------------------------------------------------

/** Gives an object back to its cache (mm/slab.c:kmem_cache_free). An object of another cache is a BUG. */
export function kmem_cache_free(k: Kernel, cachep: kmem_cache, objp: VirtAddr): void {
  if (virt_to_cache(k, objp) !== cachep) BUG(k, `mm/slab.c:kmem_cache_free: ${show_pointer(k, objp)} is no object of ${cachep.name}`);
  trace_kmem_cache_free(k, k.current, objp);
  __cache_free(k, cachep, objp);
}

/** Puts an object into this CPU's array, or into the alien array of its node; a full array is flushed first (SL-13, SL-20). */
export function __cache_free(k: Kernel, cachep: kmem_cache, user: VirtAddr): void {
  const objp = k.slab.debug === 0 ? user : cache_free_debugcheck(k, cachep, user);
  charge(k, k.cost.slab);
  if (cache_free_alien(k, cachep, objp)) return;
  const ac = cpu_cache_get(k, cachep);
  if (ac.avail >= ac.limit) cache_flusharray(k, cachep, ac);
  ac.entry[ac.avail++] = objp;
}

/** An object of another node's slab waits in the array for that node; false where it is of the own one (SL-20, N-40). */
function cache_free_alien(k: Kernel, cachep: kmem_cache, objp: VirtAddr): boolean {
  const here = numa_node_id(k);
  const { nodeid } = virt_to_slab(k, objp);
  if (nodeid === here) return false;
  const alien = list3_of(cachep, here).alien?.[nodeid] ?? null;
  if (alien === null) {
    free_block(k, cachep, [objp], 1, nodeid);
    return true;
  }
  if (alien.avail === alien.limit) __drain_alien_cache(k, cachep, alien, nodeid);
  alien.entry[alien.avail++] = objp;
  return true;
}

/** Objects for another node go to its shared array as far as there is room, the rest to its slabs (N-40). */
export function __drain_alien_cache(k: Kernel, cachep: kmem_cache, ac: array_cache, node: number): void {
  if (ac.avail === 0) return;
  const { shared } = list3_of(cachep, node);
  if (shared !== null) {
    const count = transfer_objects(shared, ac, ac.limit);
    if (count > 0) trace_slab_flush(k, cachep.id, k.cpu, count, TO_SHARED);
  }
  const rest = ac.avail;
  free_block(k, cachep, ac.entry, rest, node);
  ac.avail = 0;
  if (rest > 0) trace_slab_flush(k, cachep.id, k.cpu, rest, TO_LISTS);
}

/** The oldest batch of a full array goes to the shared array, or where that has no room to the slabs; the rest moves down (SL-13). */
function cache_flusharray(k: Kernel, cachep: kmem_cache, ac: array_cache): void {
  const node = numa_node_id(k);
  const { shared } = list3_of(cachep, node);
  const room = shared === null ? 0 : shared.limit - shared.avail;
  const count = room > 0 ? Math.min(room, ac.batchcount) : ac.batchcount;
  if (shared !== null && room > 0) {
    for (let i = 0; i < count; i++) shared.entry[shared.avail++] = ac.entry[i]!;
  } else free_block(k, cachep, ac.entry, count, node);
  forget_oldest(ac, count);
  trace_slab_flush(k, cachep.id, k.cpu, count, room > 0 ? TO_SHARED : TO_LISTS);
}

/** Takes the oldest entries out of an array. */
export function forget_oldest(ac: array_cache, count: number): void {
  ac.avail -= count;
  for (let i = 0; i < ac.avail; i++) ac.entry[i] = ac.entry[i + count]!;
}

/** Objects back into their slabs, one after the other: an emptied slab is kept or destroyed, another goes to the end of slabs_partial (SL-14). */
export function free_block(k: Kernel, cachep: kmem_cache, objpp: readonly VirtAddr[], nr_objects: number, node: number): void {
  const l3 = list3_of(cachep, node);
  for (let i = 0; i < nr_objects; i++) {
    const slabp = virt_to_slab(k, objpp[i]!);
    if (!slab_put_obj(k, cachep, slabp, objpp[i]!)) continue;
    slab_list_del(k, l3, slabp);
    l3.free_objects++;
    if (slabp.inuse !== 0) slab_list_add_tail(k, l3, 'slabs_partial', slabp);
    else if (l3.free_objects > l3.free_limit) {
      l3.free_objects -= cachep.num;
      slab_destroy(k, cachep, slabp);
    } else slab_list_add(k, l3, 'slabs_free', slabp);
  }
}

/** A slab that is on no list goes: its pages to the page allocator, its management to where that came from (SL-16). */
export function slab_destroy(k: Kernel, cachep: kmem_cache, slabp: slab): void {
  const mem = virt(slabp.s_mem - slabp.colouroff);
  if (k.slab.debug !== 0) slab_destroy_objs(k, cachep, slabp);
  trace_slab_destroy(k, cachep.id, slabp.id, cachep.gfporder, mem);
  if ((cachep.flags & SLAB_DESTROY_BY_RCU) !== 0) {
    k.slab.rcu.push({ slab: slabp.id, until: k.now + (GRACE_PERIOD * 1e9) / k.platform.hz });
    return;
  }
  release_slab(k, cachep, slabp);
}

function release_slab(k: Kernel, cachep: kmem_cache, slabp: slab): void {
  kmem_freepages(k, cachep, virt(slabp.s_mem - slabp.colouroff));
  k.slab.slabs[slabp.id] = null;
  k.slab.free_slab_ids.push(slabp.id);
  if (OFF_SLAB(cachep)) kmem_cache_free(k, cache_of(k, cachep.slabp_cache), slabp.address);
}

/** Frees the slabs whose grace period is over (kmem_rcu_free; SL-16). There are no readers to wait for: time alone counts. */
export function rcu_process_callbacks(k: Kernel): void {
  while (k.slab.rcu.length > 0 && k.slab.rcu[0]!.until <= k.now) rcu_do_next(k);
}

/** Waits for every grace period that has begun (synchronize_rcu): nothing reads, so it is over at once. */
export function synchronize_rcu(k: Kernel): void {
  while (k.slab.rcu.length > 0) rcu_do_next(k);
}

function rcu_do_next(k: Kernel): void {
  const slabp = slab_of(k, k.slab.rcu.shift()!.slab);
  release_slab(k, cache_of(k, slabp.cache), slabp);
}
