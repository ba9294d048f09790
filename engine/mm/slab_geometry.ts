// Where the objects of a slab lie (mm/slab.c: cache_estimate, calculate_slab_order and the arithmetic of kmem_cache_create; KERNEL.md SL-3 … SL-7,
// X-37 … X-40). Nothing here changes a machine: sizes in, places out.
//
//   on-slab    | colour | struct slab, bufctls | object 0 | object 1 | … | left over |       slab_size = struct slab and bufctls, aligned
//   off-slab   | colour | object 0 | object 1 | … | left over |                              struct slab is an object of slabp_cache
//   an object  | red zone | what its user asked for | red zone | last user |                 the words are there in debug kernels only

import type { Kernel } from '../kernel.ts';
import type { slab_sizes } from '../include/slab.ts';
import {
  CFLGS_OFF_SLAB, MAX_GFP_ORDER, SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_POISON, SLAB_RECLAIM_ACCOUNT, SLAB_RED_ZONE, SLAB_STORE_USER,
} from '../include/slab.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { is_x86_64 } from '../arch/address.ts';

/** sizeof(kmem_bufctl_t). */
const SIZEOF_BUFCTL = 4;
/** From this size on a debug kernel looks whether red zones would cost a power of two (SL-17). */
const RED_ZONE_SIZE = 4096;

/** How large a cache's slabs are: objects, pages as a power of two, bytes left over. */
export interface slab_order {
  num: number;
  gfporder: number;
  left_over: number;
}

/** What the geometry of a cache depends on besides its own size: the structures, and how large slabs may become on this machine. */
export interface slab_rules {
  sizes: slab_sizes;
  slab_break_gfp_order: number;
  slab_early_init: number;
  debug: number;
}

/** A cache's geometry, under the names of struct kmem_cache. `num` 0: no slab can hold an object. */
export interface slab_geometry {
  obj_size: number;
  obj_offset: number;
  buffer_size: number;
  align: number;
  flags: number;
  num: number;
  gfporder: number;
  slab_size: number;
  colour: number;
  colour_off: number;
}

/** Sizes of the structures on this machine. NR_CPUS is 1, 8, or with several nodes 32 and 64 nodes, as the kernels of chapter 29 have it. */
export function slab_sizes_of(k: Kernel): slab_sizes {
  const numa = k.platform.numa !== 0;
  const smp = k.platform.nr_cpus > 1;
  const NR_CPUS = numa || k.platform.nr_cpus > 8 ? Math.max(32, k.platform.nr_cpus) : smp ? 8 : 1;
  const MAX_NUMNODES = numa ? 64 : 1;
  if (is_x86_64(k)) {
    return {
      BYTES_PER_WORD: 8, slab: 48, array_cache: smp ? 24 : 16, kmem_list3: smp ? 104 : 96, kmem_cache: 104 + 8 * NR_CPUS + 8 * MAX_NUMNODES,
      cache_line_size: 64, L1_CACHE_BYTES: 128, MAX_NUMNODES,
    };
  }
  return {
    BYTES_PER_WORD: 4, slab: 28, array_cache: smp ? 20 : 16, kmem_list3: smp ? 56 : 52, kmem_cache: 72 + 4 * NR_CPUS + 4 * MAX_NUMNODES,
    cache_line_size: 32, L1_CACHE_BYTES: 32, MAX_NUMNODES,
  };
}

/** The geometry of a cache of objects of `size` bytes, aligned to `align` at least (SL-3 … SL-7). */
export function slab_geometry_of(rules: slab_rules, size: number, align: number, asked_flags: number): slab_geometry {
  const { sizes } = rules;
  let flags = rules.debug !== 0 ? forced_debug_flags(sizes, size, asked_flags) : asked_flags;
  const obj_size = ALIGN(size, sizes.BYTES_PER_WORD);
  let ralign = (flags & SLAB_HWCACHE_ALIGN) !== 0 ? line_alignment(sizes, obj_size) : sizes.BYTES_PER_WORD;
  if (ralign < align) {
    ralign = align;
    if (ralign > sizes.BYTES_PER_WORD) flags &= ~(SLAB_RED_ZONE | SLAB_STORE_USER);
  }
  const padding = debug_words(flags);
  if (padding.words > 0) ralign = sizes.BYTES_PER_WORD;
  const buffer = obj_size + padding.words * sizes.BYTES_PER_WORD;
  if (buffer >= PAGE_SIZE / 8 && rules.slab_early_init === 0) flags |= CFLGS_OFF_SLAB;
  const buffer_size = ALIGN(buffer, ralign);
  return {
    obj_size, obj_offset: padding.before * sizes.BYTES_PER_WORD, buffer_size, align: ralign, ...place_objects(rules, buffer_size, ralign, flags),
  };
}

/** Words that debugging puts before an object, and around it in all. */
function debug_words(flags: number): { before: number; words: number } {
  const red_zones = (flags & SLAB_RED_ZONE) !== 0;
  return { before: red_zones ? 1 : 0, words: (red_zones ? 2 : 0) + ((flags & SLAB_STORE_USER) !== 0 ? 1 : 0) };
}

/** A debug kernel checks every cache: red zones unless they would waste a power of two, poison unless readers may still look at freed objects
 *  (SL-17). */
function forced_debug_flags(sizes: slab_sizes, size: number, flags: number): number {
  const fits = Math.clz32(size - 1) === Math.clz32(size - 1 + 3 * sizes.BYTES_PER_WORD);
  const red_zones = size < RED_ZONE_SIZE || fits ? SLAB_RED_ZONE | SLAB_STORE_USER : 0;
  return flags | red_zones | ((flags & SLAB_DESTROY_BY_RCU) === 0 ? SLAB_POISON : 0);
}

/** A cache line, halved for as long as two objects fit into what is left (SL-3). */
function line_alignment(sizes: slab_sizes, size: number): number {
  let align = sizes.cache_line_size;
  while (size <= align / 2) align /= 2;
  return align;
}

/** Order, number of objects, place of the management, colours (SL-4 … SL-7). */
function place_objects(rules: slab_rules, size: number, align: number, asked_flags: number) {
  let flags = asked_flags;
  const order = calculate_slab_order(rules, size, align, flags);
  let { left_over } = order;
  let slab_size = slab_mgmt_size(rules.sizes, order.num, align);
  if ((flags & CFLGS_OFF_SLAB) !== 0 && left_over >= slab_size) {
    flags &= ~CFLGS_OFF_SLAB;
    left_over -= slab_size;
  }
  if ((flags & CFLGS_OFF_SLAB) !== 0) slab_size = slab_mgmt_size(rules.sizes, order.num, 1);
  const colour_off = Math.max(rules.sizes.cache_line_size, align);
  return { flags, num: order.num, gfporder: order.gfporder, slab_size, colour_off, colour: Math.floor(left_over / colour_off) };
}

/** The first order that wastes little enough, is as large as slabs may become, or is all that a cache may have (SL-6). */
export function calculate_slab_order(rules: slab_rules, size: number, align: number, flags: number): slab_order {
  const off_slab = (flags & CFLGS_OFF_SLAB) !== 0;
  const offslab_limit = Math.floor((size - rules.sizes.slab) / SIZEOF_BUFCTL);
  let found = { num: 0, gfporder: 0, left_over: 0 };
  for (let gfporder = 0; gfporder <= MAX_GFP_ORDER; gfporder++) {
    const { num, left_over } = off_slab ? estimate_off_slab(gfporder, size) : cache_estimate(rules.sizes, gfporder, size, align);
    if (num === 0) continue;
    if (off_slab && num > offslab_limit) break;
    found = { num, gfporder, left_over };
    if ((flags & SLAB_RECLAIM_ACCOUNT) !== 0 || gfporder >= rules.slab_break_gfp_order) break;
    if (left_over * 8 <= PAGE_SIZE << gfporder) break;
  }
  return found;
}

/** How many objects fit beside their management, and what is left over (SL-5). */
export function cache_estimate(sizes: slab_sizes, gfporder: number, size: number, align: number): { num: number; left_over: number } {
  const bytes = PAGE_SIZE << gfporder;
  let num = Math.floor((bytes - sizes.slab) / (size + SIZEOF_BUFCTL));
  if (slab_mgmt_size(sizes, num, align) + num * size > bytes) num--;
  return { num, left_over: bytes - num * size - slab_mgmt_size(sizes, num, align) };
}

function estimate_off_slab(gfporder: number, size: number): { num: number; left_over: number } {
  const bytes = PAGE_SIZE << gfporder;
  return { num: Math.floor(bytes / size), left_over: bytes % size };
}

/** Bytes of struct slab and `num` bufctls, aligned. */
export function slab_mgmt_size(sizes: slab_sizes, num: number, align: number): number {
  return ALIGN(sizes.slab + num * SIZEOF_BUFCTL, align);
}

export function ALIGN(n: number, align: number): number {
  return Math.ceil(n / align) * align;
}
