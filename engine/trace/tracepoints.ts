// @nohooks
// The vocabulary of tracepoints: names and fields of include/trace/events where the modern kernel has them (KERNEL.md 23), our own otherwise.
// A tracepoint's id is its place in this table; the functions that emit them are in trace/kmem.ts, trace/vmscan.ts and trace/bootmem.ts.

/** How a field's number is shown to people. */
export type FieldKind = 'pfn' | 'int' | 'gfp' | 'address' | 'zone' | 'bytes';

export interface Tracepoint {
  system: string;
  name: string;
  /** At most RING_ARGS of them, in the order of the emitting function's parameters after `k`. */
  fields: readonly (readonly [string, FieldKind])[];
}

/** Fields a ring record has room for. */
export const RING_ARGS = 8;

export const TRACEPOINTS = [
  { system: 'kmem', name: 'mm_page_alloc', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['order', 'int'], ['migratetype', 'int'], ['gfp_flags', 'gfp']] },
  { system: 'kmem', name: 'mm_page_alloc_zone_locked', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['order', 'int'], ['migratetype', 'int'], ['percpu_refill', 'int']] },
  { system: 'kmem', name: 'mm_page_free', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['order', 'int']] },
  { system: 'kmem', name: 'mm_page_pcpu_drain', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['order', 'int'], ['migratetype', 'int']] },
  { system: 'pagewalk', name: 'mm_buddy_split', fields: [['pfn', 'pfn'], ['from_order', 'int'], ['to_order', 'int']] },
  { system: 'pagewalk', name: 'mm_buddy_merge', fields: [['pfn', 'pfn'], ['buddy_pfn', 'pfn'], ['order', 'int'], ['result_order', 'int']] },
  { system: 'pagewalk', name: 'mm_watermark_check', fields: [['zone', 'zone'], ['order', 'int'], ['mark', 'int'], ['classzone', 'int'], ['alloc_flags', 'int'], ['free', 'int'], ['ok', 'int'], ['failed_at_order', 'int']] },
  { system: 'pagewalk', name: 'mm_page_alloc_failure', fields: [['order', 'int'], ['gfp_flags', 'gfp']] },
  { system: 'vmscan', name: 'mm_vmscan_wakeup_kswapd', fields: [['nid', 'int'], ['zid', 'int'], ['order', 'int'], ['gfp_flags', 'gfp']] },
  { system: 'pagewalk', name: 'bootmem_reserve', fields: [['start', 'address'], ['size', 'bytes']] },
  { system: 'pagewalk', name: 'bootmem_alloc', fields: [['start', 'address'], ['size', 'bytes']] },
  { system: 'pagewalk', name: 'bootmem_free', fields: [['start', 'address'], ['size', 'bytes']] },
  { system: 'pagewalk', name: 'bootmem_handover', fields: [['pages', 'int'], ['order5_blocks', 'int'], ['single_pages', 'int']] },
  { system: 'pagewalk', name: 'kernel_bug', fields: [] },
  { system: 'sched', name: 'sched_switch', fields: [['prev_pid', 'int'], ['next_pid', 'int']] },
  { system: 'pagewalk', name: 'congestion_wait', fields: [['rw', 'int'], ['timeout', 'int'], ['slept', 'int']] },
  { system: 'kmem', name: 'mm_page_free_batched', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['order', 'int'], ['cold', 'int']] },
  { system: 'pagewalk', name: 'mempool_take_reserve', fields: [['pool', 'int'], ['curr_nr', 'int'], ['min_nr', 'int']] },
  { system: 'pagewalk', name: 'mempool_wait', fields: [['pool', 'int'], ['curr_nr', 'int'], ['min_nr', 'int']] },
  { system: 'pagewalk', name: 'mempool_refill', fields: [['pool', 'int'], ['curr_nr', 'int'], ['min_nr', 'int']] },
  { system: 'pagewalk', name: 'vmalloc_alloc', fields: [['addr', 'address'], ['size', 'bytes']] },
  { system: 'pagewalk', name: 'vmalloc_free', fields: [['addr', 'address'], ['size', 'bytes']] },
  { system: 'kmem', name: 'kmalloc', fields: [['call_site', 'int'], ['ptr', 'address'], ['bytes_req', 'bytes'], ['bytes_alloc', 'bytes'], ['gfp_flags', 'gfp']] },
  { system: 'kmem', name: 'kmem_cache_alloc', fields: [['call_site', 'int'], ['ptr', 'address'], ['bytes_req', 'bytes'], ['bytes_alloc', 'bytes'], ['gfp_flags', 'gfp']] },
  { system: 'kmem', name: 'kfree', fields: [['call_site', 'int'], ['ptr', 'address']] },
  { system: 'kmem', name: 'kmem_cache_free', fields: [['call_site', 'int'], ['ptr', 'address']] },
  { system: 'pagewalk', name: 'slab_grow', fields: [['cache', 'int'], ['slab', 'int'], ['colour', 'bytes'], ['order', 'int'], ['mem', 'address']] },
  { system: 'pagewalk', name: 'slab_destroy', fields: [['cache', 'int'], ['slab', 'int'], ['order', 'int'], ['mem', 'address']] },
  { system: 'pagewalk', name: 'slab_refill', fields: [['cache', 'int'], ['cpu', 'int'], ['from', 'int'], ['count', 'int']] },
  { system: 'pagewalk', name: 'slab_flush', fields: [['cache', 'int'], ['cpu', 'int'], ['count', 'int'], ['to', 'int']] },
  { system: 'pagewalk', name: 'slab_reap', fields: [['cache', 'int'], ['cpu', 'int'], ['count', 'int']] },
  { system: 'pagewalk', name: 'slab_corruption', fields: [['cache', 'int'], ['obj', 'address'], ['offset', 'int'], ['expected', 'int'], ['found', 'int']] },
] as const satisfies readonly Tracepoint[];

export type TracepointName = (typeof TRACEPOINTS)[number]['name'];

/** Tracepoint ids by name. */
export const TP = Object.fromEntries(TRACEPOINTS.map((point, id) => [point.name, id])) as Readonly<Record<TracepointName, number>>;
