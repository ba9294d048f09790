// @nohooks
// The vocabulary of tracepoints: names and fields of include/trace/events where the modern kernel has them (KERNEL.md 23), our own otherwise.
// A tracepoint's id is its place in this table; the functions that emit them are in trace/kmem.ts, trace/vmscan.ts and trace/bootmem.ts.

/** How a field's number is shown to people. */
export type FieldKind = 'pfn' | 'int' | 'gfp' | 'address' | 'zone' | 'bytes' | 'pte' | 'fault_result' | 'fault_kind' | 'pte_why' | 'vm_flags' | 'ra_window' | 'ra_reason' | 'miss_via' | 'wb_reason' | 'wb_sync' | 'pdflush_fn' | 'page_flag';

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
  { system: 'exceptions', name: 'page_fault_user', fields: [['address', 'address'], ['ip', 'address'], ['error_code', 'int']] },
  { system: 'exceptions', name: 'page_fault_kernel', fields: [['address', 'address'], ['ip', 'address'], ['error_code', 'int']] },
  { system: 'pagewalk', name: 'mm_fault_begin', fields: [['address', 'address'], ['vma', 'int'], ['write', 'int']] },
  { system: 'pagewalk', name: 'mm_fault_end', fields: [['address', 'address'], ['result', 'fault_result'], ['kind', 'fault_kind'], ['pfn', 'pfn'], ['ns', 'int']] },
  { system: 'pagewalk', name: 'major_fault', fields: [['address', 'address'], ['vma', 'int']] },
  { system: 'pagewalk', name: 'mm_vmalloc_sync', fields: [['address', 'address']] },
  { system: 'pagewalk', name: 'mm_stack_grow', fields: [['vma', 'int'], ['pages', 'int']] },
  { system: 'mmap', name: 'vm_unmapped_area', fields: [['addr', 'address'], ['err', 'int'], ['total_vm', 'int'], ['flags', 'int'], ['length', 'bytes'], ['low_limit', 'address'], ['high_limit', 'address']] },
  { system: 'pagewalk', name: 'vma_create', fields: [['vma', 'int'], ['start', 'address'], ['end', 'address'], ['vm_flags', 'vm_flags']] },
  { system: 'pagewalk', name: 'vma_merge', fields: [['vma', 'int'], ['start', 'address'], ['end', 'address'], ['merge_case', 'int']] },
  { system: 'pagewalk', name: 'vma_split', fields: [['vma', 'int'], ['addr', 'address'], ['new_vma', 'int']] },
  { system: 'pagewalk', name: 'vma_remove', fields: [['vma', 'int'], ['start', 'address'], ['end', 'address']] },
  { system: 'pagewalk', name: 'mm_commit_check', fields: [['pages', 'int'], ['mode', 'int'], ['free', 'int'], ['allowed', 'int'], ['ok', 'int']] },
  { system: 'pagewalk', name: 'pte_set', fields: [['mm', 'int'], ['address', 'address'], ['old', 'pte'], ['pte', 'pte'], ['why', 'pte_why']] },
  { system: 'pagewalk', name: 'pte_clear', fields: [['mm', 'int'], ['address', 'address'], ['old', 'pte'], ['why', 'pte_why']] },
  { system: 'pagewalk', name: 'tlb_flush', fields: [['mm', 'int'], ['start', 'address'], ['end', 'address']] },
  { system: 'pagemap', name: 'mm_lru_insertion', fields: [['page', 'pfn'], ['pfn', 'pfn'], ['lru', 'int'], ['flags', 'int']] },
  { system: 'pagemap', name: 'mm_lru_activate', fields: [['page', 'pfn'], ['pfn', 'pfn']] },
  { system: 'pagewalk', name: 'mm_lru_pagevec_flush', fields: [['kind', 'int'], ['count', 'int']] },
  { system: 'pagewalk', name: 'mm_page_referenced', fields: [['pfn', 'pfn'], ['referenced', 'int'], ['ptes', 'int']] },
  { system: 'filemap', name: 'mm_filemap_add_to_page_cache', fields: [['pfn', 'pfn'], ['i_ino', 'int'], ['index', 'int'], ['s_dev', 'int']] },
  { system: 'filemap', name: 'mm_filemap_delete_from_page_cache', fields: [['pfn', 'pfn'], ['i_ino', 'int'], ['index', 'int'], ['s_dev', 'int']] },
  { system: 'sched', name: 'sched_process_fork', fields: [['parent_pid', 'int'], ['child_pid', 'int']] },
  { system: 'sched', name: 'sched_process_exit', fields: [['pid', 'int'], ['code', 'int']] },
  { system: 'signal', name: 'signal_generate', fields: [['sig', 'int'], ['code', 'int'], ['pid', 'int']] },
  { system: 'block', name: 'block_bio_queue', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'block', name: 'block_bio_backmerge', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'block', name: 'block_bio_frontmerge', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'block', name: 'block_rq_merge', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'block', name: 'block_getrq', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'pagewalk', name: 'block_sleeprq', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['rw', 'int']] },
  { system: 'block', name: 'block_plug', fields: [['dev', 'int']] },
  { system: 'block', name: 'block_unplug', fields: [['dev', 'int'], ['nr_rq', 'int']] },
  { system: 'block', name: 'block_rq_issue', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['bytes', 'bytes'], ['rw', 'int']] },
  { system: 'block', name: 'block_rq_complete', fields: [['dev', 'int'], ['sector', 'int'], ['nr_sector', 'int'], ['error', 'int'], ['rw', 'int']] },
  { system: 'pagewalk', name: 'block_congested', fields: [['dev', 'int'], ['rw', 'int'], ['count', 'int']] },
  { system: 'pagewalk', name: 'block_uncongested', fields: [['dev', 'int'], ['rw', 'int'], ['count', 'int']] },
  { system: 'pagewalk', name: 'mm_readahead', fields: [['ino', 'int'], ['start', 'int'], ['len', 'int'], ['async', 'int'], ['window', 'ra_window'], ['reason', 'ra_reason']] },
  { system: 'pagewalk', name: 'mm_filemap_miss', fields: [['ino', 'int'], ['index', 'int'], ['via', 'miss_via']] },
  { system: 'writeback', name: 'writeback_dirty_page', fields: [['ino', 'int'], ['index', 'int']] },
  { system: 'writeback', name: 'writeback_start', fields: [['bdi', 'int'], ['nr_pages', 'int'], ['sync_mode', 'wb_sync'], ['for_kupdate', 'int'], ['range_cyclic', 'int'], ['for_background', 'int'], ['reason', 'wb_reason']] },
  { system: 'writeback', name: 'writeback_written', fields: [['bdi', 'int'], ['nr_pages', 'int'], ['sync_mode', 'wb_sync'], ['for_kupdate', 'int'], ['range_cyclic', 'int'], ['for_background', 'int'], ['reason', 'wb_reason']] },
  { system: 'writeback', name: 'writeback_single_inode', fields: [['ino', 'int'], ['state', 'int'], ['dirtied_when', 'int'], ['age', 'int'], ['index', 'int'], ['nr_to_write', 'int'], ['wrote', 'int']] },
  { system: 'writeback', name: 'balance_dirty_pages', fields: [['bdi', 'int'], ['limit', 'int'], ['dirty', 'int'], ['dirtied', 'int'], ['pause', 'int']] },
  { system: 'writeback', name: 'global_dirty_state', fields: [['nr_dirty', 'int'], ['nr_writeback', 'int'], ['background_thresh', 'int'], ['dirty_thresh', 'int']] },
  { system: 'pagewalk', name: 'dirty_limits', fields: [['unmapped_ratio', 'int'], ['dirty_ratio', 'int'], ['background_ratio', 'int'], ['available', 'int'], ['background', 'int'], ['dirty', 'int']] },
  { system: 'pagewalk', name: 'pdflush_work', fields: [['thread', 'int'], ['fn', 'pdflush_fn'], ['arg', 'int']] },
  { system: 'pagewalk', name: 'pdflush_spawn', fields: [['thread', 'int']] },
  { system: 'pagewalk', name: 'pdflush_exit', fields: [['thread', 'int']] },
  { system: 'pagewalk', name: 'page_writeback_begin', fields: [['pfn', 'pfn'], ['ino', 'int'], ['index', 'int']] },
  { system: 'pagewalk', name: 'page_writeback_end', fields: [['pfn', 'pfn'], ['ino', 'int'], ['index', 'int'], ['error', 'int']] },
  { system: 'pagewalk', name: 'file_io_error', fields: [['ino', 'int'], ['index', 'int'], ['rw', 'int']] },
  { system: 'pagewalk', name: 'wait_on_page', fields: [['pfn', 'pfn'], ['bit', 'page_flag']] },
  { system: 'pagewalk', name: 'mm_lru_rotate', fields: [['pfn', 'pfn']] },
] as const satisfies readonly Tracepoint[];

export type TracepointName = (typeof TRACEPOINTS)[number]['name'];

/** Tracepoint ids by name. */
export const TP = Object.fromEntries(TRACEPOINTS.map((point, id) => [point.name, id])) as Readonly<Record<TracepointName, number>>;
