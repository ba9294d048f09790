// @nohooks
// The laws of the slab allocator (KERNEL.md IV-13, N-47), checked over all caches. Looking changes nothing.

import type { Kernel } from '../kernel.ts';
import type { array_cache, kmem_cache, kmem_list3, slab, slab_list_name } from '../include/slab.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { ALIEN_LIMIT, BUFCTL_END } from '../include/slab.ts';
import { NR_SLAB } from '../include/mmzone.ts';
import { PG_slab } from '../include/page-flags.ts';
import { pfn, virt } from '../include/types.ts';
import { max_mapnr, page_lru_next, page_lru_prev, test_page_flag } from './mem_map.ts';
import { cache_chain, cpu_to_node, index_to_obj, list_slabs, obj_to_index, slab_of } from './slab_lists.ts';
import { for_each_zone } from './mmzone.ts';
import { pfn_valid } from './topology.ts';
import { virt_to_page } from '../arch/address.ts';

const LISTS: readonly slab_list_name[] = ['slabs_full', 'slabs_partial', 'slabs_free'];

/** Every law of the slab allocator that does not hold, in words; empty when all do. */
export function check_slab(k: Kernel): string[] {
  const broken: string[] = [];
  let pages = 0;
  for (const cachep of cache_chain(k)) {
    const free = new Set<VirtAddr>();
    for (const [node, l3] of cachep.nodelists.entries()) if (l3 !== null) pages += check_lists(k, cachep, l3, node, free, broken);
    check_arrays(k, cachep, free, broken);
  }
  for (const { slab } of k.slab.rcu) pages += 1 << k.slab.caches[slab_of(k, slab).cache]!.gfporder;
  check_pages(k, pages, broken);
  return broken;
}

/** The slabs of a node's lists and their objects; the pages they have. Free objects are added to `free`. */
function check_lists(k: Kernel, cachep: kmem_cache, l3: kmem_list3, node: number, free: Set<VirtAddr>, broken: string[]): number {
  let free_objects = 0;
  let pages = 0;
  for (const name of LISTS) {
    for (const slabp of list_slabs(k, l3[name])) {
      const before = free.size;
      check_slab_of(k, cachep, slabp, name, free, broken);
      free_objects += free.size - before;
      pages += 1 << cachep.gfporder;
      if (slabp.nodeid !== node) broken.push(`IV-13: ${cachep.name}: slab ${slabp.id} of node ${slabp.nodeid} is on a list of node ${node}`);
    }
  }
  if (free_objects !== l3.free_objects) broken.push(`IV-13: ${cachep.name}: free_objects is ${l3.free_objects}, the slabs have ${free_objects}`);
  return pages;
}

function check_slab_of(k: Kernel, cachep: kmem_cache, slabp: slab, name: slab_list_name, free: Set<VirtAddr>, broken: string[]): void {
  const what = `IV-13: ${cachep.name}: slab ${slabp.id} on ${name}`;
  let chain = 0;
  for (let n = slabp.free; n !== BUFCTL_END && chain <= cachep.num; n = slabp.bufctl[n] ?? BUFCTL_END) {
    free.add(index_to_obj(cachep, slabp, n));
    chain++;
  }
  if (slabp.inuse !== cachep.num - chain) broken.push(`${what}: inuse is ${slabp.inuse}, ${cachep.num} objects less ${chain} free ones is not`);
  const belongs: slab_list_name = slabp.inuse === 0 ? 'slabs_free' : slabp.inuse === cachep.num ? 'slabs_full' : 'slabs_partial';
  if (belongs !== name || slabp.list !== name) broken.push(`${what}: it belongs on ${belongs}`);
  const first = virt_to_page(k, virt(slabp.s_mem - slabp.colouroff));
  for (let i = 0; i < 1 << cachep.gfporder; i++) check_page(k, pfn(first + i), cachep, slabp, broken);
}

/** A slab's pages are marked and name their cache and slab (P-6). */
function check_page(k: Kernel, page: Pfn, cachep: kmem_cache, slabp: slab, broken: string[]): void {
  if (!test_page_flag(k, page, PG_slab)) broken.push(`IV-13: page ${page} of ${cachep.name} is not marked as a slab's`);
  if (page_lru_next(k, page) !== cachep.id || page_lru_prev(k, page) !== slabp.id) broken.push(`P-6: page ${page} does not name ${cachep.name} and slab ${slabp.id}`);
}

/** Objects in arrays are in use as far as their slabs know, stand in one array once, and are of the array's node. */
function check_arrays(k: Kernel, cachep: kmem_cache, free: ReadonlySet<VirtAddr>, broken: string[]): void {
  const seen = new Set<VirtAddr>();
  const check = (ac: array_cache | null, place: string, node: number): void => {
    if (ac === null) return;
    if (ac.avail < 0 || ac.avail > ac.limit) broken.push(`IV-13: ${cachep.name}: ${place} holds ${ac.avail} of at most ${ac.limit}`);
    for (const obj of ac.entry.slice(0, ac.avail)) {
      if (free.has(obj)) broken.push(`IV-13: ${cachep.name}: an object in ${place} is free in its slab`);
      if (seen.has(obj)) broken.push(`IV-13: ${cachep.name}: an object stands in ${place} and in another place`);
      seen.add(obj);
      check_object(k, cachep, obj, place, node, broken);
    }
  };
  for (const [cpu, ac] of cachep.array.entries()) check(ac, `the array of CPU ${cpu}`, cpu_to_node(k, cpu));
  for (const [node, l3] of cachep.nodelists.entries()) {
    if (l3 === null) continue;
    check(l3.shared, `the shared array of node ${node}`, node);
    for (const [other, ac] of (l3.alien ?? []).entries()) check(ac, `the alien array of node ${node} for ${other}`, other);
    if ((l3.alien ?? []).some((ac) => ac !== null && ac.limit > ALIEN_LIMIT)) broken.push(`N-47: ${cachep.name}: an alien array is too long`);
  }
}

function check_object(k: Kernel, cachep: kmem_cache, obj: VirtAddr, place: string, node: number, broken: string[]): void {
  const page = virt_to_page(k, obj);
  if (!pfn_valid(k, page) || !test_page_flag(k, page, PG_slab) || page_lru_next(k, page) !== cachep.id) {
    broken.push(`IV-13: ${cachep.name}: ${place} names what is no object of the cache`);
    return;
  }
  const slabp = slab_of(k, page_lru_prev(k, page));
  if (index_to_obj(cachep, slabp, obj_to_index(cachep, slabp, obj)) !== obj) broken.push(`IV-13: ${cachep.name}: ${place} names the middle of an object`);
  if (slabp.nodeid !== node) broken.push(`N-47: ${cachep.name}: ${place} holds an object of node ${slabp.nodeid}`);
}

/** NR_SLAB, the marked pages and the pages of slabs are the same number. */
function check_pages(k: Kernel, pages: number, broken: string[]): void {
  let marked = 0;
  for (let page = 0; page < max_mapnr(k); page++) if (test_page_flag(k, pfn(page), PG_slab)) marked++;
  if (marked !== pages) broken.push(`IV-13: ${marked} pages are marked as slabs', the slabs have ${pages}`);
  let counted = 0;
  for (const zone of for_each_zone(k)) {
    counted += zone.vm_stat[NR_SLAB]!;
    for (const pageset of zone.pageset) counted += pageset.vm_stat_diff[NR_SLAB]!;
  }
  if (counted !== marked) broken.push(`IV-13: NR_SLAB is ${counted} with what CPUs keep back, ${marked} pages are marked`);
}
