// Caches come and go (mm/slab.c: kmem_cache_create, kmem_cache_destroy, do_tune_cpucache, alloc_kmemlist; KERNEL.md SL-3, SL-9, SL-16, SL-20): the
// checks, the per-CPU, shared and alien arrays with their sizes, and the refusal to destroy a cache that has objects in use. Where objects lie is in
// slab_geometry.ts, the very first caches are made in slab_init.ts.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { array_cache, kmem_cache, kmem_list3 } from '../include/slab.ts';
import type { VirtAddr } from '../include/types.ts';
import type { slab_geometry } from './slab_geometry.ts';
import {
  ALIEN_LIMIT, BOOT_CPUCACHE_ENTRIES, CPUCACHE_FULL, CPUCACHE_NONE, CPUCACHE_PARTIAL_AC, CPUCACHE_PARTIAL_L3, MAX_OBJ_ORDER, NO_BATCHCOUNT, NO_CTOR,
  SLAB_CACHE_DMA, SLAB_DEBUG_INITIAL, SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_MEM_SPREAD, SLAB_MUST_HWCACHE_ALIGN, SLAB_PANIC, SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT, SLAB_RED_ZONE, SLAB_STORE_USER,
} from '../include/slab.ts';
import { GFP_DMA, GFP_KERNEL } from '../include/gfp.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { slab_geometry_of } from './slab_geometry.ts';
import {
  OFF_SLAB, cache_of, chain_add, chain_del, cpu_to_node, find_cache, list3_of, nr_cpus_node,
} from './slab_lists.ts';
import { free_block, kmem_cache_alloc, kmem_cache_free, synchronize_rcu } from './slab.ts';
import { REAPTIMEOUT_LIST3_SECONDS, __cache_shrink } from './slab_reap.ts';
import { numa_node_id } from './topology.ts';
import { slab_error } from './slab_debug.ts';
import { INDEX_AC, INDEX_L3, __find_general_cachep, kfree, kmalloc, kmalloc_node } from './kmalloc.ts';
import { BUG, panic } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { jiffies } from '../kernel/sched.ts';
import { fill_phys } from './contents.ts';
import { virt_to_phys } from '../arch/address.ts';

const ENOMEM = 12;
const EINVAL = 22;
/** Flags that a caller may pass, and those that only a debug kernel takes. */
const CREATE_MASK = SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_MUST_HWCACHE_ALIGN | SLAB_RECLAIM_ACCOUNT | SLAB_PANIC | SLAB_DESTROY_BY_RCU
  | SLAB_MEM_SPREAD;
const DEBUG_CREATE_MASK = SLAB_DEBUG_INITIAL | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

// ---- creation ---------------------------------------------------------------------------------------------------------

/** A new cache of objects of `size` bytes; null where there is no memory, no fitting slab, or such a name already (mm/slab.c:kmem_cache_create;
 *  SL-3). `ctor` is the byte to fill new objects with, or NO_CTOR. Sizes and flags that make no sense are a BUG, as in the kernel. */
export function* kmem_cache_create(
  k: Kernel, name: string, size: number, align: number, flags: number, ctor = NO_CTOR,
): Generator<Wait, kmem_cache | null, void> {
  check_arguments(k, name, size, flags, ctor);
  let cachep: kmem_cache | null = null;
  if (find_cache(k, name) !== null) printk(k, `kmem_cache_create: duplicate cache ${name}`);
  else cachep = yield* create_cache(k, name, slab_geometry_of(k.slab, size, align, flags), ctor);
  if (cachep === null && (flags & SLAB_PANIC) !== 0) panic(k, `kmem_cache_create(): failed to create slab \`${name}'`);
  return cachep;
}

function check_arguments(k: Kernel, name: string, size: number, flags: number, ctor: number): void {
  if (name === '' || size < k.slab.sizes.BYTES_PER_WORD || size > PAGE_SIZE << MAX_OBJ_ORDER) {
    printk(k, `kmem_cache_create: Early error in slab ${name}`);
    BUG(k, `mm/slab.c:kmem_cache_create: a cache '${name}' of objects of ${size} bytes cannot be`);
  }
  const allowed = k.slab.debug === 0 ? CREATE_MASK : CREATE_MASK | DEBUG_CREATE_MASK;
  if ((flags & ~allowed) !== 0) BUG(k, `mm/slab.c:kmem_cache_create: flags 0x${flags.toString(16)} are not for this kernel`);
  if (k.slab.debug === 0) return;
  if (name.includes(' ')) printk(k, 'BUG: warning at mm/slab.c/kmem_cache_create()');
  if ((flags & SLAB_DEBUG_INITIAL) !== 0 && ctor === NO_CTOR) printk(k, `kmem_cache_create: No con, but init state check requested - ${name}`);
  if ((flags & SLAB_DESTROY_BY_RCU) !== 0 && (flags & SLAB_POISON) !== 0) BUG(k, 'mm/slab.c:kmem_cache_create: readers would see the poison');
}

/** Takes a struct kmem_cache, makes its arrays and lists, and puts it at the head of the chain; null where that fails. */
function* create_cache(k: Kernel, name: string, geometry: slab_geometry, ctor: number): Generator<Wait, kmem_cache | null, void> {
  const cache_cache = cache_of(k, 1);
  const address = yield* kmem_cache_alloc(k, cache_cache, GFP_KERNEL);
  if (address === 0) return null;
  fill_phys(k, virt_to_phys(k, address), cache_cache.obj_size, 0);
  if (geometry.num === 0) {
    printk(k, `kmem_cache_create: couldn't create cache ${name}.`);
    kmem_cache_free(k, cache_cache, address);
    return null;
  }
  const cachep = make_kmem_cache(k, name, address, geometry, ctor);
  yield* setup_cpu_cache(k, cachep);
  chain_add(k, cachep);
  return cachep;
}

/** The record of a cache, with an id but without arrays and lists. */
export function make_kmem_cache(k: Kernel, name: string, address: VirtAddr, geometry: slab_geometry, ctor: number): kmem_cache {
  const used = k.slab.caches.findIndex((cache, id) => id > 0 && cache === null);
  const id = used < 0 ? k.slab.caches.length : used;
  const cachep: kmem_cache = {
    id, address, name, array: new Array<array_cache | null>(k.platform.nr_cpus).fill(null), batchcount: 0, limit: 0, shared: 0,
    buffer_size: geometry.buffer_size, obj_size: geometry.obj_size, obj_offset: geometry.obj_offset, align: geometry.align, flags: geometry.flags,
    num: geometry.num, gfporder: geometry.gfporder, gfpflags: (geometry.flags & SLAB_CACHE_DMA) !== 0 ? GFP_DMA : 0, colour: geometry.colour,
    colour_off: geometry.colour_off, slabp_cache: 0, slab_size: geometry.slab_size, ctor,
    nodelists: new Array<kmem_list3 | null>(k.nodes.length).fill(null),
  };
  if (OFF_SLAB(cachep)) cachep.slabp_cache = __find_general_cachep(k, cachep.slab_size, 0)!.id;
  k.slab.caches[id] = cachep;
  return cachep;
}

/** Arrays and lists of a new cache; while the allocator comes up they are of the smallest size (SL-18). */
function* setup_cpu_cache(k: Kernel, cachep: kmem_cache): Generator<Wait, void, void> {
  if (k.slab.g_cpucache_up === CPUCACHE_FULL) {
    yield* enable_cpucache(k, cachep);
    return;
  }
  let array = virt(0);
  if (k.slab.g_cpucache_up === CPUCACHE_NONE) {
    set_up_list3s(k, cachep);
    k.slab.g_cpucache_up = INDEX_AC(k) === INDEX_L3(k) ? CPUCACHE_PARTIAL_L3 : CPUCACHE_PARTIAL_AC;
  } else {
    array = yield* kmalloc(k, sizeof_arraycache_init(k), GFP_KERNEL);
    if (k.slab.g_cpucache_up === CPUCACHE_PARTIAL_AC) {
      set_up_list3s(k, cachep);
      k.slab.g_cpucache_up = CPUCACHE_PARTIAL_L3;
    } else yield* alloc_list3s(k, cachep);
  }
  list3_of(cachep, numa_node_id(k)).next_reap = first_reap(k, cachep);
  cachep.array[k.cpu] = make_array_cache(array, BOOT_CPUCACHE_ENTRIES, 1);
  cachep.batchcount = 1;
  cachep.limit = BOOT_CPUCACHE_ENTRIES;
}

/** The lists that lie in the kernel image, for every node. */
export function set_up_list3s(k: Kernel, cachep: kmem_cache): void {
  for (let node = 0; node < k.nodes.length; node++) {
    const l3 = make_list3(virt(0));
    l3.next_reap = first_reap(k, cachep);
    cachep.nodelists[node] = l3;
  }
}

function* alloc_list3s(k: Kernel, cachep: kmem_cache): Generator<Wait, void, void> {
  for (let node = 0; node < k.nodes.length; node++) {
    const address = yield* kmalloc_node(k, k.slab.sizes.kmem_list3, GFP_KERNEL, node);
    if (address === 0) BUG(k, 'mm/slab.c:setup_cpu_cache: no memory for lists');
    cachep.nodelists[node] = make_list3(address);
  }
}

/** Empty lists (kmem_list3_init). */
export function make_list3(address: VirtAddr): kmem_list3 {
  const empty = () => ({ next: 0, prev: 0 });
  return {
    address, slabs_partial: empty(), slabs_full: empty(), slabs_free: empty(), free_objects: 0, free_limit: 0, colour_next: 0, shared: null,
    alien: null, alien_address: virt(0), next_reap: 0, free_touched: 0,
  };
}

/** An empty array for `limit` objects. */
export function make_array_cache(address: VirtAddr, limit: number, batchcount: number): array_cache {
  return { address, avail: 0, limit, batchcount, touched: 0, entry: [] };
}

/** sizeof(struct arraycache_init): an array with room for one object. */
export function sizeof_arraycache_init(k: Kernel): number {
  return k.slab.sizes.array_cache + BOOT_CPUCACHE_ENTRIES * k.slab.sizes.BYTES_PER_WORD;
}

/** When a cache's lists are first reaped, jiffies: spread by the address of the cache, so that not all come at once. */
function first_reap(k: Kernel, cachep: kmem_cache): number {
  const interval = REAPTIMEOUT_LIST3_SECONDS * k.platform.hz;
  const spread = ((cachep.address % interval) + interval) % interval;
  return jiffies(k) + interval + spread;
}

// ---- sizes of the arrays ----------------------------------------------------------------------------------------------

/** Entries of a per-CPU array by the size of the objects (SL-9); a debug kernel keeps them short. */
export function cpucache_limit(buffer_size: number, debug: number): number {
  let limit = 120;
  if (buffer_size > 131072) limit = 1;
  else if (buffer_size > PAGE_SIZE) limit = 8;
  else if (buffer_size > 1024) limit = 24;
  else if (buffer_size > 256) limit = 54;
  return debug === 0 ? limit : Math.min(limit, 32);
}

/** Gives a cache the arrays that its object size asks for (SL-9). */
export function* enable_cpucache(k: Kernel, cachep: kmem_cache): Generator<Wait, void, void> {
  const limit = cpucache_limit(cachep.buffer_size, k.slab.debug);
  const shared = k.platform.nr_cpus > 1 && cachep.buffer_size <= PAGE_SIZE ? 8 : 0;
  const err = yield* do_tune_cpucache(k, cachep, limit, (limit + 1) >> 1, shared);
  if (err !== 0) printk(k, `enable_cpucache failed for ${cachep.name}, error ${-err}.`);
}

/** New arrays of a given size for every CPU, then for every node; what was in the old ones goes back to the slabs. 0, or -ENOMEM. */
export function* do_tune_cpucache(k: Kernel, cachep: kmem_cache, limit: number, batchcount: number, shared: number): Generator<Wait, number, void> {
  const arrays: array_cache[] = [];
  for (let cpu = 0; cpu < k.slab.online_cpus; cpu++) {
    const ac = yield* alloc_arraycache(k, cpu_to_node(k, cpu), limit, batchcount);
    if (ac === null) {
      while (arrays.length > 0) kfree(k, arrays.pop()!.address);
      return -ENOMEM;
    }
    arrays.push(ac);
  }
  cachep.batchcount = batchcount;
  cachep.limit = limit;
  cachep.shared = shared;
  const old = cachep.array;
  cachep.array = old.map((ac, cpu) => arrays[cpu] ?? ac);
  for (let cpu = 0; cpu < arrays.length; cpu++) release_array(k, cachep, old[cpu] ?? null, cpu_to_node(k, cpu));
  const err = yield* alloc_kmemlist(k, cachep);
  if (err !== 0) BUG(k, `mm/slab.c:do_tune_cpucache: alloc_kmemlist failed for ${cachep.name}`);
  return 0;
}

/** Memory for an array of `entries` objects (alloc_arraycache); null where there is none. */
export function* alloc_arraycache(k: Kernel, node: number, entries: number, batchcount: number): Generator<Wait, array_cache | null, void> {
  const { array_cache, BYTES_PER_WORD } = k.slab.sizes;
  const address = yield* kmalloc_node(k, array_cache + entries * BYTES_PER_WORD, GFP_KERNEL, node);
  return address === 0 ? null : make_array_cache(address, entries, batchcount);
}

/** Objects of an array that is no longer used go back to the slabs, its memory to kmalloc. */
function release_array(k: Kernel, cachep: kmem_cache, ac: array_cache | null, node: number): void {
  if (ac === null) return;
  if (ac.avail > 0) free_block(k, cachep, ac.entry, ac.avail, node);
  kfree(k, ac.address);
}

/** The lists of every node with their shared and alien arrays, made or made anew (alloc_kmemlist). 0, or -ENOMEM. */
function* alloc_kmemlist(k: Kernel, cachep: kmem_cache): Generator<Wait, number, void> {
  for (let node = 0; node < k.nodes.length; node++) {
    const aliens = yield* alloc_alien_cache(k, node, cachep.limit);
    if (aliens === null) return -ENOMEM;
    const shared = yield* alloc_arraycache(k, node, cachep.shared * cachep.batchcount, NO_BATCHCOUNT);
    if (shared === null) {
      free_alien_cache(k, aliens);
      return -ENOMEM;
    }
    let l3 = cachep.nodelists[node] ?? null;
    if (l3 === null) {
      const address = yield* kmalloc_node(k, k.slab.sizes.kmem_list3, GFP_KERNEL, node);
      if (address === 0) return -ENOMEM;
      l3 = make_list3(address);
      l3.next_reap = first_reap(k, cachep);
      cachep.nodelists[node] = l3;
    }
    const old = l3.shared;
    if (old !== null) free_block(k, cachep, old.entry, old.avail, node);
    l3.shared = shared;
    l3.free_limit = (1 + nr_cpus_node(k, node)) * cachep.batchcount + cachep.num;
    if (old !== null) kfree(k, old.address);
    if (l3.alien === null) set_alien_cache(l3, aliens);
    else free_alien_cache(k, aliens);
  }
  return 0;
}

/** Arrays for the objects of every other node, and the table that names them. */
interface alien_cache {
  address: VirtAddr;
  arrays: (array_cache | null)[];
}

/** Alien arrays for a node; with one node there is nothing to make (SL-20; N-40). Null where there is no memory. */
export function* alloc_alien_cache(k: Kernel, node: number, limit: number): Generator<Wait, alien_cache | null, void> {
  const aliens: alien_cache = { address: virt(0), arrays: [] };
  if (k.platform.numa === 0) return aliens;
  const { BYTES_PER_WORD, MAX_NUMNODES } = k.slab.sizes;
  const address = yield* kmalloc_node(k, BYTES_PER_WORD * MAX_NUMNODES, GFP_KERNEL, node);
  if (address === 0) return null;
  aliens.address = address;
  for (let other = 0; other < k.nodes.length; other++) {
    aliens.arrays.push(null);
    if (other === node) continue;
    const ac = yield* alloc_arraycache(k, node, limit > 1 ? ALIEN_LIMIT : limit, NO_BATCHCOUNT);
    aliens.arrays[other] = ac;
    if (ac !== null) continue;
    free_alien_cache(k, aliens);
    return null;
  }
  return aliens;
}

export function set_alien_cache(l3: kmem_list3, aliens: alien_cache): void {
  if (aliens.address === 0) return;
  l3.alien = aliens.arrays;
  l3.alien_address = aliens.address;
}

/** Frees alien arrays; with one node there are none. */
export function free_alien_cache(k: Kernel, aliens: alien_cache): void {
  for (const ac of aliens.arrays) if (ac !== null) kfree(k, ac.address);
  kfree(k, aliens.address);
}

// ---- destruction ------------------------------------------------------------------------------------------------------

/** Ends a cache: 0, or 1 where objects are in use, which the log says; then the cache stays (mm/slab.c:kmem_cache_destroy; SL-16). */
export function kmem_cache_destroy(k: Kernel, cachep: kmem_cache): number {
  chain_del(k, cachep);
  if (__cache_shrink(k, cachep) !== 0) {
    slab_error(k, cachep, 'kmem_cache_destroy', "Can't free all objects");
    chain_add(k, cachep);
    return 1;
  }
  if ((cachep.flags & SLAB_DESTROY_BY_RCU) !== 0) synchronize_rcu(k);
  for (const ac of cachep.array) if (ac !== null) kfree(k, ac.address);
  for (const l3 of cachep.nodelists) if (l3 !== null) free_list3(k, l3);
  kmem_cache_free(k, cache_of(k, 1), cachep.address);
  k.slab.caches[cachep.id] = null;
  return 0;
}

function free_list3(k: Kernel, l3: kmem_list3): void {
  if (l3.shared !== null) kfree(k, l3.shared.address);
  if (l3.alien !== null) free_alien_cache(k, { address: l3.alien_address, arrays: l3.alien });
  kfree(k, l3.address);
}

/** What writing "NAME LIMIT BATCHCOUNT SHARED" to /proc/slabinfo does (slabinfo_write; PR-5): 0, or an error number. Figures that make no sense
 *  are ignored. */
export function* slabinfo_write(k: Kernel, line: string): Generator<Wait, number, void> {
  const match = /^(\S+) +(-?\d+) +(-?\d+) +(-?\d+)/.exec(line);
  if (match === null) return -EINVAL;
  const [limit, batchcount, shared] = match.slice(2).map(Number) as [number, number, number];
  const cachep = find_cache(k, match[1]!);
  if (cachep === null) return -EINVAL;
  if (limit < 1 || batchcount < 1 || batchcount > limit || shared < 0) return 0;
  const err = yield* do_tune_cpucache(k, cachep, limit, batchcount, shared);
  return err;
}
