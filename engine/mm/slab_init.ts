// The allocator makes itself (mm/slab.c: kmem_cache_init, cpuup_callback; KERNEL.md SL-18, SL-19, X-37, X-38): its caches need memory for arrays and
// lists, which comes from caches. So the first structures lie in the kernel image, the two sizes that arrays and lists need are made first, and
// what was provisional is replaced at the end.
//
//   CPUCACHE_NONE → cache_cache, size-N of arrays → PARTIAL_AC → size-N of lists → PARTIAL_L3 → all other sizes → arrays of their real size → FULL

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { kmem_cache } from '../include/slab.ts';
import {
  BOOT_CPUCACHE_ENTRIES, CPUCACHE_FULL, NO_BATCHCOUNT, NO_CTOR, SLAB_CACHE_DMA, SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_MEM_SPREAD, SLAB_PANIC,
  SLAB_RECLAIM_ACCOUNT,
} from '../include/slab.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { INDEX_AC, INDEX_L3, kfree, kmalloc, kmalloc_node, kmalloc_sizes } from './kmalloc.ts';
import { ALIGN, cache_estimate, slab_mgmt_size, slab_sizes_of } from './slab_geometry.ts';
import {
  alloc_alien_cache, alloc_arraycache, enable_cpucache, free_alien_cache, kmem_cache_create, make_array_cache, make_kmem_cache, make_list3,
  set_alien_cache, sizeof_arraycache_init,
} from './slab_create.ts';
import { cache_chain, cache_of, chain_add, cpu_to_node } from './slab_lists.ts';
import { BUG } from '../kernel/panic.ts';
import { is_x86_64 } from '../arch/address.ts';

/** Slabs may have two pages where there is more memory than this (SL-6). */
const LOW_MEMORY = 32 << 20;
const BREAK_GFP_ORDER_HI = 1;

// ---- the bootstrap ----------------------------------------------------------------------------------------------------

/** Brings the allocator up on the boot CPU (mm/slab.c:kmem_cache_init; SL-18). The page allocator must be up. */
export function* kmem_cache_init(k: Kernel): Generator<Wait, void, void> {
  const { slab } = k;
  slab.sizes = slab_sizes_of(k);
  slab.debug = k.platform.boot_sysctls.some(([name, value]) => name === 'pagewalk.slab_debug' && value !== 0) ? 1 : 0;
  slab.slab_break_gfp_order = k.platform.max_pfn > LOW_MEMORY / PAGE_SIZE ? BREAK_GFP_ORDER_HI : 0;
  slab.online_cpus = 1;
  init_reap_node(k, k.cpu);
  slab.malloc_sizes = kmalloc_sizes(slab.sizes).map((cs_size) => ({ cs_size, cs_cachep: 0, cs_dmacachep: 0 }));
  make_cache_cache(k);
  yield* create_size_cache(k, INDEX_AC(k));
  if (INDEX_AC(k) !== INDEX_L3(k)) yield* create_size_cache(k, INDEX_L3(k));
  slab.slab_early_init = 0;
  for (let i = 0; i < slab.malloc_sizes.length; i++) {
    if (slab.malloc_sizes[i]!.cs_cachep === 0) yield* create_size_cache(k, i);
    yield* create_dma_cache(k, i);
  }
  yield* replace_boot_structures(k);
  const chain = cache_chain(k);
  for (let i = 0; i < chain.length; i++) yield* enable_cpucache(k, chain[i]!);
  slab.g_cpucache_up = CPUCACHE_FULL;
}

/** The cache of caches: struct kmem_cache, on-slab, aligned to cache lines. */
function make_cache_cache(k: Kernel): void {
  const { sizes } = k.slab;
  const align = sizes.cache_line_size;
  const buffer_size = ALIGN(sizes.kmem_cache, align);
  const { num, left_over } = cache_estimate(sizes, 0, buffer_size, align);
  const cache_cache = make_kmem_cache(k, 'kmem_cache', virt(0), {
    obj_size: sizes.kmem_cache, obj_offset: 0, buffer_size, align, flags: 0, num, gfporder: 0, slab_size: slab_mgmt_size(sizes, num, align),
    colour: Math.floor(left_over / align), colour_off: align,
  }, NO_CTOR);
  cache_cache.batchcount = 1;
  cache_cache.limit = BOOT_CPUCACHE_ENTRIES;
  cache_cache.shared = 1;
  cache_cache.array[k.cpu] = make_array_cache(virt(0), BOOT_CPUCACHE_ENTRIES, 1);
  cache_cache.nodelists[cpu_to_node(k, k.cpu)] = make_list3(virt(0));
  chain_add(k, cache_cache);
}

function* create_size_cache(k: Kernel, index: number): Generator<Wait, void, void> {
  const sizes = k.slab.malloc_sizes[index]!;
  const cachep = yield* kmem_cache_create(k, `size-${sizes.cs_size}`, sizes.cs_size, 0, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
  sizes.cs_cachep = cachep!.id;
}

function* create_dma_cache(k: Kernel, index: number): Generator<Wait, void, void> {
  const sizes = k.slab.malloc_sizes[index]!;
  const cachep = yield* kmem_cache_create(k, `size-${sizes.cs_size}(DMA)`, sizes.cs_size, 0, SLAB_HWCACHE_ALIGN | SLAB_PANIC | SLAB_CACHE_DMA);
  sizes.cs_dmacachep = cachep!.id;
}

/** Arrays and lists of the kernel image, which is about to lose them, move into memory of kmalloc. */
function* replace_boot_structures(k: Kernel): Generator<Wait, void, void> {
  const cache_cache = cache_of(k, 1);
  const ac_cache = cache_of(k, k.slab.malloc_sizes[INDEX_AC(k)]!.cs_cachep);
  const l3_cache = cache_of(k, k.slab.malloc_sizes[INDEX_L3(k)]!.cs_cachep);
  yield* replace_array(k, cache_cache);
  yield* replace_array(k, ac_cache);
  yield* replace_list3(k, cache_cache, cpu_to_node(k, k.cpu));
  for (let node = 0; node < k.nodes.length; node++) {
    yield* replace_list3(k, ac_cache, node);
    if (l3_cache !== ac_cache) yield* replace_list3(k, l3_cache, node);
  }
}

function* replace_array(k: Kernel, cachep: kmem_cache): Generator<Wait, void, void> {
  const address = yield* kmalloc(k, sizeof_arraycache_init(k), GFP_KERNEL);
  cachep.array[k.cpu]!.address = address;
}

function* replace_list3(k: Kernel, cachep: kmem_cache, node: number): Generator<Wait, void, void> {
  const address = yield* kmalloc_node(k, k.slab.sizes.kmem_list3, GFP_KERNEL, node);
  cachep.nodelists[node]!.address = address;
}

/** Another CPU comes up: every cache gets an array for it, and the lists of its node get what they lack (cpuup_callback). */
export function* cpuup_prepare(k: Kernel, cpu: number): Generator<Wait, void, void> {
  const node = cpu_to_node(k, cpu);
  const chain = cache_chain(k);
  for (let i = 0; i < chain.length; i++) {
    const cachep = chain[i]!;
    const array = yield* alloc_arraycache(k, node, cachep.limit, cachep.batchcount);
    const shared = yield* alloc_arraycache(k, node, cachep.shared * cachep.batchcount, NO_BATCHCOUNT);
    const aliens = yield* alloc_alien_cache(k, node, cachep.limit);
    if (array === null || shared === null || aliens === null) BUG(k, `mm/slab.c:cpuup_callback: no memory for the arrays of CPU ${cpu}`);
    cachep.array[cpu] = array;
    const l3 = cachep.nodelists[node]!;
    if (l3.shared === null) l3.shared = shared;
    else kfree(k, shared.address);
    if (l3.alien === null) set_alien_cache(l3, aliens);
    else free_alien_cache(k, aliens);
  }
  k.slab.online_cpus = cpu + 1;
  init_reap_node(k, cpu);
}

/** A CPU begins with the node after its own (SL-20). */
function init_reap_node(k: Kernel, cpu: number): void {
  k.slab.reap_node[cpu] = (cpu_to_node(k, cpu) + 1) % k.nodes.length;
}

// ---- what the rest of the kernel creates while it boots ---------------------------------------------------------------

/** A cache by name, object size in bytes, alignment and flags. */
type BootCache = readonly [name: string, size: number, align: number, flags: number];

const VFS = SLAB_RECLAIM_ACCOUNT | SLAB_MEM_SPREAD;

/** Caches of the recorded kernel for i386 with one processor, in the order of its boot (SL-8, SL-19). */
const I386_CACHES: readonly BootCache[] = [
  ['pid', 36, 0, 0], ['pgd', 4096, 4096, 0], ['anon_vma', 8, 0, SLAB_DESTROY_BY_RCU], ['task_struct', 1312, 16, 0],
  ['sighand_cache', 1312, 0, SLAB_HWCACHE_ALIGN | SLAB_DESTROY_BY_RCU], ['signal_cache', 352, 0, SLAB_HWCACHE_ALIGN],
  ['files_cache', 192, 0, SLAB_HWCACHE_ALIGN], ['fs_cache', 32, 0, SLAB_HWCACHE_ALIGN], ['vm_area_struct', 84, 0, 0],
  ['mm_struct', 408, 0, SLAB_HWCACHE_ALIGN], ['buffer_head', 48, 0, VFS], ['names_cache', 4096, 0, SLAB_HWCACHE_ALIGN],
  ['filp', 160, 0, SLAB_HWCACHE_ALIGN], ['dentry_cache', 124, 0, VFS], ['inode_cache', 308, 0, VFS], ['radix_tree_node', 276, 0, SLAB_RECLAIM_ACCOUNT],
];

/** Caches of x86_64 whose sizes are known; page tables have none there. */
const X86_64_CACHES: readonly BootCache[] = [
  ['anon_vma', 24, 0, SLAB_DESTROY_BY_RCU], ['task_struct', 1760, 16, 0], ['sighand_cache', 2064, 0, SLAB_HWCACHE_ALIGN | SLAB_DESTROY_BY_RCU],
  ['signal_cache', 624, 0, SLAB_HWCACHE_ALIGN], ['files_cache', 704, 0, SLAB_HWCACHE_ALIGN], ['vm_area_struct', 168, 0, 0],
  ['mm_struct', 816, 0, SLAB_HWCACHE_ALIGN], ['buffer_head', 96, 0, VFS], ['names_cache', 4096, 0, SLAB_HWCACHE_ALIGN], ['dentry_cache', 208, 0, VFS],
  ['radix_tree_node', 536, 0, SLAB_RECLAIM_ACCOUNT],
];

/** What of that depends on the number of processors or nodes. */
function boot_cache_size(k: Kernel, name: string, size: number): number {
  if (name === 'anon_vma') return is_x86_64(k) ? (k.platform.nr_cpus > 1 ? 24 : 16) : k.platform.nr_cpus > 1 ? 12 : 8;
  return name === 'vm_area_struct' && k.platform.numa !== 0 ? 176 : size;
}

/** The caches that the kernel's own parts create, then the arrays of the CPUs that come up after that (SL-19). */
export function* create_boot_caches(k: Kernel): Generator<Wait, void, void> {
  const caches = is_x86_64(k) ? X86_64_CACHES : I386_CACHES;
  for (let i = 0; i < caches.length; i++) {
    const [name, size, align, flags] = caches[i]!;
    yield* kmem_cache_create(k, name, boot_cache_size(k, name, size), align, flags | SLAB_PANIC);
  }
  for (let cpu = 1; cpu < k.platform.nr_cpus; cpu++) yield* cpuup_prepare(k, cpu);
}
