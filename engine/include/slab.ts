// @nohooks
// What mm/slab.c and include/linux/slab.h declare, 2.6.18: caches, slabs, arrays of objects, flags (KERNEL.md SL-1, SL-17).
//
//   kmem_cache ── array[cpu] ──────── array_cache: entry[0 … avail-1], the last one in is the first one out
//       │
//       └── nodelists[node] ── kmem_list3 ── slabs_partial, slabs_full, slabs_free ── slab ── bufctl[]: the next free object of each
//                                  └── shared, alien[node]: array_caches too
//
// Slabs and caches are named by ids from 1 on; 0 is none, and in the links of a list its head.

import type { VirtAddr } from './types.ts';

export const SLAB_DEBUG_INITIAL = 0x200;
export const SLAB_RED_ZONE = 0x400;
export const SLAB_POISON = 0x800;
export const SLAB_HWCACHE_ALIGN = 0x2000;
export const SLAB_CACHE_DMA = 0x4000;
export const SLAB_MUST_HWCACHE_ALIGN = 0x8000;
export const SLAB_STORE_USER = 0x10000;
export const SLAB_RECLAIM_ACCOUNT = 0x20000;
export const SLAB_PANIC = 0x40000;
export const SLAB_DESTROY_BY_RCU = 0x80000;
export const SLAB_MEM_SPREAD = 0x100000;
/** The cache keeps its struct slab elsewhere (SL-4): set by kmem_cache_create alone. */
export const CFLGS_OFF_SLAB = 0x40000000;

/** Ends of a bufctl chain, and the mark of an object that is handed out (SL-1; the mark is kept by debug kernels only). */
export const BUFCTL_END = 0xffffffff;
export const BUFCTL_FREE = 0xfffffffe;

/** Words before and after an object, and bytes in it (SL-17). */
export const RED_INACTIVE = 0x5a2cf071;
export const RED_ACTIVE = 0x170fc2a5;
export const POISON_INUSE = 0x5a;
export const POISON_FREE = 0x6b;
export const POISON_END = 0xa5;

/** Largest slab: 2^5 pages; no object is larger (SL-3, SL-6). */
export const MAX_GFP_ORDER = 5;
export const MAX_OBJ_ORDER = 5;
/** A refill takes no more into an array that nobody used since it was reaped (SL-10). */
export const BATCHREFILL_LIMIT = 16;
/** Entries of the arrays of the boot (SL-9), and of an array for another node's objects (SL-20). */
export const BOOT_CPUCACHE_ENTRIES = 1;
export const ALIEN_LIMIT = 12;
/** batchcount of arrays that have none of their own. */
export const NO_BATCHCOUNT = 0xbaadf00d;
/** A cache without a constructor; else the byte that its objects are filled with when their slab is made. */
export const NO_CTOR = -1;

/** How far the allocator is up (SL-18). */
export const CPUCACHE_NONE = 0;
export const CPUCACHE_PARTIAL_AC = 1;
export const CPUCACHE_PARTIAL_L3 = 2;
export const CPUCACHE_FULL = 3;

export interface array_cache {
  /** Its memory, from kmalloc; 0 for the two of the kernel image. */
  address: VirtAddr;
  avail: number;
  limit: number;
  batchcount: number;
  /** Used since it was last reaped. */
  touched: number;
  /** Addresses of objects; what lies past `avail` is left over. */
  entry: VirtAddr[];
}

/** A list of slabs by their ids: 0 in a link is the list's head. */
export interface slab_list {
  next: number;
  prev: number;
}

export type slab_list_name = 'slabs_partial' | 'slabs_full' | 'slabs_free';

export interface kmem_list3 {
  /** Its memory, from kmalloc; 0 for those of the kernel image. */
  address: VirtAddr;
  slabs_partial: slab_list;
  slabs_full: slab_list;
  slabs_free: slab_list;
  /** Free objects of the three lists; those in arrays are in use. */
  free_objects: number;
  /** More free objects than that are not kept: an empty slab is destroyed (SL-14). */
  free_limit: number;
  colour_next: number;
  shared: array_cache | null;
  /** By node; null where there is one node only. */
  alien: (array_cache | null)[] | null;
  alien_address: VirtAddr;
  /** jiffies */
  next_reap: number;
  free_touched: number;
}

export interface slab {
  id: number;
  /** Id of its cache. */
  cache: number;
  /** The list it is on, or null between two. */
  list: slab_list_name | null;
  next: number;
  prev: number;
  nodeid: number;
  /** Where struct slab and its bufctls are: in the slab itself, or in an object of slabp_cache. */
  address: VirtAddr;
  /** Bytes from the first page's start to the first object. */
  colouroff: number;
  /** The first object. */
  s_mem: VirtAddr;
  inuse: number;
  /** Number of the first free object. */
  free: number;
  bufctl: number[];
}

export interface kmem_cache {
  id: number;
  /** Its memory in cache_cache; 0 for cache_cache, which is in the kernel image. */
  address: VirtAddr;
  name: string;
  /** By CPU; null before the CPU is up. */
  array: (array_cache | null)[];
  batchcount: number;
  limit: number;
  /** The shared array has room for this many batches. */
  shared: number;
  /** Bytes from one object to the next, with what debugging adds. */
  buffer_size: number;
  /** What its user asked for, in whole words, and where in the buffer that begins. */
  obj_size: number;
  obj_offset: number;
  align: number;
  flags: number;
  /** Objects a slab. */
  num: number;
  gfporder: number;
  gfpflags: number;
  /** Number of colours, and bytes from one to the next (SL-7). */
  colour: number;
  colour_off: number;
  /** Id of the cache its struct slabs come from, or 0. */
  slabp_cache: number;
  /** Bytes of struct slab with its bufctls. */
  slab_size: number;
  /** The byte that a constructor fills objects with, or NO_CTOR. */
  ctor: number;
  /** By node. */
  nodelists: (kmem_list3 | null)[];
}

/** One size of kmalloc: ids of its two caches. */
export interface cache_sizes {
  cs_size: number;
  cs_cachep: number;
  cs_dmacachep: number;
}

/** Sizes of the structures that the allocator keeps in its own memory, bytes, and the lines it aligns to. */
export interface slab_sizes {
  BYTES_PER_WORD: number;
  slab: number;
  array_cache: number;
  kmem_list3: number;
  kmem_cache: number;
  /** What alignment and colours follow (cache_line_size). */
  cache_line_size: number;
  /** What the list of kmalloc's sizes follows (L1_CACHE_BYTES; X-38). */
  L1_CACHE_BYTES: number;
  MAX_NUMNODES: number;
}

/** A slab whose pages are freed when the grace period is over (SL-16). */
export interface slab_rcu {
  slab: number;
  /** Virtual time, ns. */
  until: number;
}

/** All of the slab allocator. */
export interface SlabAllocator {
  /** By id; entry 0 is none. */
  caches: (kmem_cache | null)[];
  slabs: (slab | null)[];
  /** Ids of slabs that are gone, to be used again. */
  free_slab_ids: number[];
  /** Ids of the caches, newest first. */
  cache_chain: number[];
  malloc_sizes: cache_sizes[];
  sizes: slab_sizes;
  g_cpucache_up: number;
  slab_early_init: number;
  slab_break_gfp_order: number;
  /** CPUs whose arrays exist: 0 … online_cpus-1. */
  online_cpus: number;
  /** Whether this kernel is built with CONFIG_DEBUG_SLAB (pagewalk.slab_debug). */
  debug: number;
  /** Pages of caches with SLAB_RECLAIM_ACCOUNT. */
  slab_reclaim_pages: number;
  /** Oldest first. */
  rcu: slab_rcu[];
  /** By CPU: when its next cache_reap is due, ns. */
  next_cache_reap: number[];
  /** By CPU: the node whose objects the next cache_reap returns (SL-20). */
  reap_node: number[];
}
