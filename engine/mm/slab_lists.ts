// @nohooks
// How the parts of the slab allocator find each other: caches and slabs by id, the slabs of a list, the cache and the slab of an address, the node of
// a CPU (KERNEL.md P-6, SL-1). Lists are circular and doubly linked through `next` and `prev`, with 0 for the head.

import type { Kernel } from '../kernel.ts';
import type { array_cache, kmem_cache, kmem_list3, slab, slab_list, slab_list_name } from '../include/slab.ts';
import { CFLGS_OFF_SLAB, CPUCACHE_NONE } from '../include/slab.ts';
import type { VirtAddr } from '../include/types.ts';
import { virt } from '../include/types.ts';
import { PG_slab } from '../include/page-flags.ts';
import { page_lru_next, page_lru_prev, test_page_flag } from './mem_map.ts';
import { pfn_valid } from './topology.ts';
import { BUG } from '../kernel/panic.ts';
import { page_offset, virt_to_page } from '../arch/address.ts';

/** A slab allocator that is not up. */
export function make_slab(nr_cpus: number): Kernel['slab'] {
  const sizes = { BYTES_PER_WORD: 0, slab: 0, array_cache: 0, kmem_list3: 0, kmem_cache: 0, cache_line_size: 0, L1_CACHE_BYTES: 0, MAX_NUMNODES: 0 };
  return {
    caches: [null], slabs: [null], free_slab_ids: [], cache_chain: [], malloc_sizes: [], sizes, g_cpucache_up: CPUCACHE_NONE, slab_early_init: 1,
    slab_break_gfp_order: 0, online_cpus: 0, debug: 0, slab_reclaim_pages: 0, rcu: [], next_cache_reap: [],
    reap_node: new Array<number>(nr_cpus).fill(0),
  };
}

export function cache_of(k: Kernel, id: number): kmem_cache {
  return k.slab.caches[id]!;
}

export function slab_of(k: Kernel, id: number): slab {
  return k.slab.slabs[id]!;
}

/** Caches in the order of cache_chain: newest first. */
export function cache_chain(k: Kernel): kmem_cache[] {
  return k.slab.cache_chain.map((id) => cache_of(k, id));
}

/** The cache of a name, or null. */
export function find_cache(k: Kernel, name: string): kmem_cache | null {
  return cache_chain(k).find((cachep) => cachep.name === name) ?? null;
}

/** Whether struct slab is kept elsewhere (OFF_SLAB; SL-4). */
export function OFF_SLAB(cachep: kmem_cache): boolean {
  return (cachep.flags & CFLGS_OFF_SLAB) !== 0;
}

// ---- CPUs and nodes ---------------------------------------------------------------------------------------------------

/** The running CPU's array of a cache (cpu_cache_get). A cache for whose arrays there was no memory cannot be used. */
export function cpu_cache_get(k: Kernel, cachep: kmem_cache): array_cache {
  return cachep.array[k.cpu] ?? BUG(k, `mm/slab.c:cpu_cache_get: ${cachep.name} has no array for CPU ${k.cpu}`);
}

/** The lists of a node. */
export function list3_of(cachep: kmem_cache, node: number): kmem_list3 {
  return cachep.nodelists[node]!;
}

/** The node a CPU belongs to. */
export function cpu_to_node(k: Kernel, cpu: number): number {
  return k.platform.cpu_to_node[cpu]!;
}

/** CPUs of a node. */
export function nr_cpus_node(k: Kernel, node: number): number {
  return k.platform.cpu_to_node.filter((of) => of === node).length;
}

// ---- addresses --------------------------------------------------------------------------------------------------------

/** Whether an address lies in the direct map of memory that exists (virt_addr_valid). */
export function virt_addr_valid(k: Kernel, address: VirtAddr): boolean {
  const page = virt_to_page(k, address);
  return address >= page_offset(k) && page < k.platform.max_low_pfn && pfn_valid(k, page);
}

/** The cache that an address is of (virt_to_cache; P-6). An address outside any slab is a BUG. */
export function virt_to_cache(k: Kernel, address: VirtAddr): kmem_cache {
  return cache_of(k, page_lru_next(k, slab_page(k, address)));
}

/** The slab that an address lies in (virt_to_slab). */
export function virt_to_slab(k: Kernel, address: VirtAddr): slab {
  return slab_of(k, page_lru_prev(k, slab_page(k, address)));
}

function slab_page(k: Kernel, address: VirtAddr) {
  if (!virt_addr_valid(k, address)) BUG(k, `mm/slab.c:page_get_cache: ${show_pointer(k, address)} is no address of memory`);
  const page = virt_to_page(k, address);
  if (!test_page_flag(k, page, PG_slab)) BUG(k, `mm/slab.c:page_get_cache: ${show_pointer(k, address)} is in no slab`);
  return page;
}

/** The n-th object of a slab. */
export function index_to_obj(cachep: kmem_cache, slabp: slab, n: number): VirtAddr {
  return virt(slabp.s_mem + n * cachep.buffer_size);
}

export function obj_to_index(cachep: kmem_cache, slabp: slab, obj: VirtAddr): number {
  return Math.floor((obj - slabp.s_mem) / cachep.buffer_size);
}

/** An address as %p prints it: all its digits. */
export function show_pointer(k: Kernel, address: number): string {
  const digits = k.platform.arch === 'i386' ? 8 : 16;
  const unsigned = address < 0 ? BigInt(address) + (1n << 64n) : BigInt(address);
  return unsigned.toString(16).padStart(digits, '0');
}

// ---- lists ------------------------------------------------------------------------------------------------------------

/** Puts a slab at the head of a list. */
export function slab_list_add(k: Kernel, l3: kmem_list3, name: slab_list_name, slabp: slab): void {
  const list = l3[name];
  slabp.list = name;
  slabp.prev = 0;
  slabp.next = list.next;
  if (list.next === 0) list.prev = slabp.id;
  else slab_of(k, list.next).prev = slabp.id;
  list.next = slabp.id;
}

/** Puts a slab at the tail of a list. */
export function slab_list_add_tail(k: Kernel, l3: kmem_list3, name: slab_list_name, slabp: slab): void {
  const list = l3[name];
  slabp.list = name;
  slabp.next = 0;
  slabp.prev = list.prev;
  if (list.prev === 0) list.next = slabp.id;
  else slab_of(k, list.prev).next = slabp.id;
  list.prev = slabp.id;
}

/** Takes a slab off the list it is on. */
export function slab_list_del(k: Kernel, l3: kmem_list3, slabp: slab): void {
  const list = l3[slabp.list!];
  if (slabp.prev === 0) list.next = slabp.next;
  else slab_of(k, slabp.prev).next = slabp.next;
  if (slabp.next === 0) list.prev = slabp.prev;
  else slab_of(k, slabp.next).prev = slabp.prev;
  slabp.list = null;
  slabp.next = 0;
  slabp.prev = 0;
}

/** The slabs of a list, head first; no more than there are slabs, so that a broken list cannot hang a reader. */
export function list_slabs(k: Kernel, list: slab_list): slab[] {
  const slabs: slab[] = [];
  for (let id = list.next; id !== 0 && slabs.length < k.slab.slabs.length; id = slab_of(k, id).next) slabs.push(slab_of(k, id));
  return slabs;
}

// ---- the chain of caches ----------------------------------------------------------------------------------------------

/** Puts a cache at the head of cache_chain. */
export function chain_add(k: Kernel, cachep: kmem_cache): void {
  const chain = k.slab.cache_chain;
  chain.push(cachep.id);
  for (let i = chain.length - 1; i > 0; i--) chain[i] = chain[i - 1]!;
  chain[0] = cachep.id;
}

/** Takes a cache out of cache_chain. */
export function chain_del(k: Kernel, cachep: kmem_cache): void {
  const chain = k.slab.cache_chain;
  const at = chain.indexOf(cachep.id);
  for (let i = at; i < chain.length - 1; i++) chain[i] = chain[i + 1]!;
  chain.pop();
}
