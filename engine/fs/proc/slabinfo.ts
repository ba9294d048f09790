// @nohooks
// /proc/slabinfo as 2.6.18 prints it (mm/slab.c:s_show; KERNEL.md PR-5): a row a cache, newest first. Left out: the statistics columns of a kernel
// with CONFIG_DEBUG_SLAB.

import type { Kernel } from '../../kernel.ts';
import type { kmem_cache } from '../../include/slab.ts';
import { cache_chain, list_slabs } from '../../mm/slab_lists.ts';

/** What a row says of a cache, under the names of its columns. */
export interface SlabinfoRow {
  name: string;
  /** Objects in per-CPU, shared and alien arrays count as active. */
  active_objs: number;
  num_objs: number;
  objsize: number;
  objperslab: number;
  pagesperslab: number;
  limit: number;
  batchcount: number;
  sharedfactor: number;
  active_slabs: number;
  num_slabs: number;
  sharedavail: number;
}

/** The rows in their order. */
export function slabinfo(k: Kernel): SlabinfoRow[] {
  return cache_chain(k).map((cachep) => slabinfo_row(k, cachep));
}

/** One cache's row. */
export function slabinfo_row(k: Kernel, cachep: kmem_cache): SlabinfoRow {
  const row: SlabinfoRow = {
    name: cachep.name, active_objs: 0, num_objs: 0, objsize: cachep.buffer_size, objperslab: cachep.num, pagesperslab: 1 << cachep.gfporder,
    limit: cachep.limit, batchcount: cachep.batchcount, sharedfactor: cachep.shared, active_slabs: 0, num_slabs: 0, sharedavail: 0,
  };
  for (const l3 of cachep.nodelists) {
    if (l3 === null) continue;
    const active = [...list_slabs(k, l3.slabs_full), ...list_slabs(k, l3.slabs_partial)];
    row.active_objs += active.reduce((sum, slabp) => sum + slabp.inuse, 0);
    row.active_slabs += active.length;
    row.num_slabs += active.length + list_slabs(k, l3.slabs_free).length;
    row.sharedavail += l3.shared?.avail ?? 0;
  }
  row.num_objs = row.num_slabs * cachep.num;
  return row;
}

/** The text of the file. */
export function proc_slabinfo(k: Kernel): string {
  const heading = '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor>'
    + ' : slabdata <active_slabs> <num_slabs> <sharedavail>';
  return ['slabinfo - version: 2.1', heading, ...slabinfo(k).map(print_row)].map((line) => line + '\n').join('');
}

function print_row(row: SlabinfoRow): string {
  const numbers = (width: number, ...values: number[]): string => values.map((value) => String(value).padStart(width)).join(' ');
  const objects = `${row.name.padEnd(17)} ${numbers(6, row.active_objs, row.num_objs, row.objsize)} ${numbers(4, row.objperslab, row.pagesperslab)}`;
  const tunables = numbers(4, row.limit, row.batchcount, row.sharedfactor);
  return `${objects} : tunables ${tunables} : slabdata ${numbers(6, row.active_slabs, row.num_slabs, row.sharedavail)}`;
}
