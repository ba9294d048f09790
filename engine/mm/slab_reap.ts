// How memory comes back from caches (mm/slab.c: cache_reap, drain_array, drain_freelist, kmem_cache_shrink; KERNEL.md SL-15, SL-20): every two
// seconds each CPU looks through all caches, gives back objects of arrays that nobody used since, and free slabs that nobody needed since.
// That is the work of the threads events/N. Here no task stands for them: the machine runs it between two tasks, at its time, and it takes none.

import type { Kernel } from '../kernel.ts';
import type { array_cache, kmem_cache, kmem_list3 } from '../include/slab.ts';
import { __drain_alien_cache, forget_oldest, free_block, rcu_process_callbacks, slab_destroy } from './slab.ts';
import { cache_chain, cpu_cache_get, cpu_to_node, list3_of, slab_list_del, slab_of } from './slab_lists.ts';
import { drain_node_pages } from './page_alloc.ts';
import { numa_node_id } from './topology.ts';
import { refresh_cpu_vm_stats } from './vmstat.ts';
import { jiffies } from '../kernel/sched.ts';
import { TO_LISTS, trace_slab_flush, trace_slab_reap } from '../trace/slab.ts';

/** Seconds between two reaps of a CPU, and of a node's lists (SL-15). */
export const REAPTIMEOUT_CPUC_SECONDS = 2;
export const REAPTIMEOUT_LIST3_SECONDS = 4;

// ---- in the background ------------------------------------------------------------------------------------------------

/** Every CPU reaps first after one second, and three ticks more for each CPU before it (cpucache_init, start_cpu_timer; SL-15). */
export function cpucache_init(k: Kernel): void {
  k.slab.next_cache_reap = k.platform.cpu_to_node.map((_, cpu) => k.now + 1e9 + (3 * cpu * 1e9) / k.platform.hz);
}

/** When the next reap is due, ns. @nohooks */
export function next_cache_reap(k: Kernel): number {
  return Math.min(...k.slab.next_cache_reap);
}

/** Runs the reap that is due at a time, on its CPU, in the place of the events thread: the machine calls it between two tasks. */
export function run_cache_reap(k: Kernel, now: number): void {
  k.now = now;
  k.cpu = k.slab.next_cache_reap.indexOf(now);
  k.current = 0;
  cache_reap(k);
  k.slab.next_cache_reap[k.cpu] = now + REAPTIMEOUT_CPUC_SECONDS * 1e9;
}

/** What a CPU's events thread does every REAPTIMEOUT_CPUC_SECONDS, for the running CPU (mm/slab.c:cache_reap; SL-15, N-41). */
export function cache_reap(k: Kernel): void {
  rcu_process_callbacks(k);
  for (const cachep of cache_chain(k)) reap_cache(k, cachep);
  next_reap_node(k);
  refresh_cpu_vm_stats(k, k.cpu);
}

function reap_cache(k: Kernel, cachep: kmem_cache): void {
  const node = numa_node_id(k);
  const l3 = list3_of(cachep, node);
  reap_alien(k, cachep, l3);
  drain_idle_array(k, cachep, cpu_cache_get(k, cachep), node);
  const now = jiffies(k);
  if (l3.next_reap > now) return;
  l3.next_reap = now + REAPTIMEOUT_LIST3_SECONDS * k.platform.hz;
  if (l3.shared !== null) drain_idle_array(k, cachep, l3.shared, node);
  if (l3.free_touched !== 0) {
    l3.free_touched = 0;
    return;
  }
  const tofree = Math.floor((l3.free_limit + 5 * cachep.num - 1) / (5 * cachep.num));
  const freed = drain_freelist(k, cachep, l3, tofree);
  if (freed > 0) trace_slab_reap(k, cachep.id, k.cpu, freed);
}

/** The alien array for the node whose turn it is (SL-20). */
function reap_alien(k: Kernel, cachep: kmem_cache, l3: kmem_list3): void {
  const node = k.slab.reap_node[k.cpu]!;
  const ac = l3.alien?.[node] ?? null;
  if (ac !== null) __drain_alien_cache(k, cachep, ac, node);
}

/** The next node's turn; before that, this CPU gives back the free pages it keeps of another node (N-20). */
function next_reap_node(k: Kernel): void {
  const node = k.slab.reap_node[k.cpu]!;
  if (node !== numa_node_id(k)) drain_node_pages(k, node);
  k.slab.reap_node[k.cpu] = (node + 1) % k.nodes.length;
}

/** An array that was used since the last time is left alone; of another a fifth goes back, or half of what little there is (SL-15). */
function drain_idle_array(k: Kernel, cachep: kmem_cache, ac: array_cache, node: number): void {
  if (ac.avail === 0) return;
  if (ac.touched !== 0) {
    ac.touched = 0;
    return;
  }
  const fifth = Math.floor((ac.limit + 4) / 5);
  drain_array(k, cachep, ac, fifth > ac.avail ? (ac.avail + 1) >> 1 : fifth, node);
}

/** The oldest objects of an array go back to the slabs. */
function drain_array(k: Kernel, cachep: kmem_cache, ac: array_cache, tofree: number, node: number): void {
  if (tofree === 0) return;
  free_block(k, cachep, ac.entry, tofree, node);
  forget_oldest(ac, tofree);
  trace_slab_flush(k, cachep.id, k.cpu, tofree, TO_LISTS);
}

/** Destroys up to `tofree` free slabs from the tail of their list; how many (SL-15). */
export function drain_freelist(k: Kernel, cachep: kmem_cache, l3: kmem_list3, tofree: number): number {
  let nr_freed = 0;
  while (nr_freed < tofree && l3.slabs_free.prev !== 0) {
    const slabp = slab_of(k, l3.slabs_free.prev);
    slab_list_del(k, l3, slabp);
    l3.free_objects -= cachep.num;
    slab_destroy(k, cachep, slabp);
    nr_freed++;
  }
  return nr_freed;
}

// ---- on request -------------------------------------------------------------------------------------------------------

/** Gives back all that a cache does not use (mm/slab.c:kmem_cache_shrink): 0 where nothing is left of it, else 1. */
export function kmem_cache_shrink(k: Kernel, cachep: kmem_cache): number {
  return __cache_shrink(k, cachep);
}

/** Empties all arrays, destroys all free slabs; 1 where a slab is left that is in use. */
export function __cache_shrink(k: Kernel, cachep: kmem_cache): number {
  drain_cpu_caches(k, cachep);
  let in_use = 0;
  for (let node = 0; node < k.nodes.length; node++) {
    const l3 = cachep.nodelists[node] ?? null;
    if (l3 === null) continue;
    drain_freelist(k, cachep, l3, l3.free_objects);
    if (l3.slabs_full.next !== 0 || l3.slabs_partial.next !== 0) in_use = 1;
  }
  return in_use;
}

/** Every CPU empties its own array, the running one last; then alien and shared arrays are emptied. */
function drain_cpu_caches(k: Kernel, cachep: kmem_cache): void {
  const here = k.cpu;
  for (let cpu = 0; cpu < k.slab.online_cpus; cpu++) if (cpu !== here) do_drain_on(k, cachep, cpu);
  do_drain_on(k, cachep, here);
  k.cpu = here;
  for (const l3 of cachep.nodelists) {
    for (const [node, ac] of (l3?.alien ?? []).entries()) if (ac !== null) __drain_alien_cache(k, cachep, ac, node);
  }
  for (const [node, l3] of cachep.nodelists.entries()) {
    if (l3 !== null && l3.shared !== null) drain_array(k, cachep, l3.shared, l3.shared.avail, node);
  }
}

/** What an interrupt makes a CPU do: the pages go to that CPU's own lists (do_drain). */
function do_drain_on(k: Kernel, cachep: kmem_cache, cpu: number): void {
  k.cpu = cpu;
  const ac = cachep.array[cpu] ?? null;
  if (ac !== null) drain_array(k, cachep, ac, ac.avail, cpu_to_node(k, cpu));
}
