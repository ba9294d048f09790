// Functions and tracepoints of Linux 2.6.18's memory management that people will ask for and this version does not have yet. A name leaves the
// lists when the engine gets it; a test sees to that.

const FUNCTIONS: Readonly<Record<string, string>> = {
  slab: `
    kmalloc kzalloc kfree kmem_cache_create kmem_cache_alloc kmem_cache_zalloc kmem_cache_free kmem_cache_shrink kmem_cache_destroy cache_grow
    cache_reap cache_alloc_refill slab_destroy`,
  vmalloc: 'vmalloc __vmalloc vfree vmap vunmap map_vm_area kmap kunmap kmap_high kunmap_high kmap_atomic kunmap_atomic',
  mempool: 'mempool_create mempool_alloc mempool_free mempool_destroy mempool_resize',
  reclaim: `
    kswapd balance_pgdat try_to_free_pages shrink_zone shrink_zones shrink_active_list shrink_inactive_list shrink_page_list shrink_slab
    shrink_all_memory isolate_lru_pages pageout drop_caches`,
  lru: 'lru_cache_add lru_cache_add_active lru_add_drain activate_page mark_page_accessed page_referenced rotate_reclaimable_page put_page get_page',
  faults: `
    do_page_fault handle_mm_fault __handle_mm_fault handle_pte_fault do_anonymous_page do_no_page do_wp_page do_swap_page do_file_page
    expand_stack bad_area copy_page_range zap_pte_range unmap_vmas follow_page get_user_pages`,
  mappings: `
    do_mmap do_mmap_pgoff mmap_region do_munmap do_brk sys_brk sys_mmap2 sys_munmap mprotect_fixup do_mremap sys_mremap sys_madvise sys_mlock
    sys_msync find_vma vma_merge split_vma vma_adjust __vm_enough_memory exit_mmap`,
  rmap: 'try_to_unmap try_to_unmap_one anon_vma_prepare page_add_anon_rmap page_add_new_anon_rmap page_add_file_rmap page_remove_rmap',
  filemap: `
    find_get_page find_lock_page add_to_page_cache add_to_page_cache_lru remove_from_page_cache do_generic_mapping_read generic_file_read
    generic_file_write filemap_nopage page_cache_readahead lock_page unlock_page wait_on_page_bit`,
  writeback: `
    pdflush background_writeout wb_kupdate balance_dirty_pages balance_dirty_pages_ratelimited wakeup_pdflush writeback_inodes set_page_dirty
    test_set_page_writeback end_page_writeback throttle_vm_writeout`,
  swap: `
    add_to_swap add_to_swap_cache delete_from_swap_cache get_swap_page swap_free swap_duplicate swapin_readahead read_swap_cache_async
    swap_writepage swap_readpage sys_swapon sys_swapoff try_to_unuse grab_swap_token`,
  oom: 'out_of_memory badness select_bad_process oom_kill_process oom_kill_task',
  policy: 'alloc_pages_current alloc_page_vma alloc_pages_vma sys_mbind sys_set_mempolicy migrate_pages mempolicy_slab_node',
};

const TRACEPOINTS: Readonly<Record<string, string>> = {
  kmem: 'mm_page_free_batched mm_page_alloc_extfrag',
  vmscan: `
    mm_vmscan_kswapd_sleep mm_vmscan_kswapd_wake mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_end mm_vmscan_lru_isolate
    mm_vmscan_lru_shrink_inactive mm_vmscan_lru_shrink_active mm_vmscan_write_folio mm_shrink_slab_start mm_shrink_slab_end`,
  pagemap: 'mm_lru_insertion mm_lru_activate mm_lru_deactivate mm_lru_rotate mm_lru_pagevec_flush mm_page_referenced',
  filemap: 'mm_filemap_add_to_page_cache mm_filemap_delete_from_page_cache mm_readahead mm_filemap_miss',
  exceptions: 'page_fault_user page_fault_kernel mm_fault_begin mm_fault_end mm_vmalloc_sync mm_stack_grow major_fault',
  mmap: 'vm_unmapped_area vma_create vma_merge vma_split vma_remove mm_commit_check pte_set pte_clear tlb_flush',
  swap: 'swap_slot_alloc swap_slot_free swap_cache_add swap_cache_delete swap_out swap_in swap_token',
  writeback: 'writeback_dirty_page writeback_start writeback_written writeback_single_inode balance_dirty_pages',
  oom: 'oom_score_adj_update reclaim_retry_zone mark_victim oom_badness oom_select',
  migrate: 'mm_migrate_pages_start mm_migrate_pages set_migration_pte remove_migration_pte',
  slab: 'slab_grow slab_destroy slab_refill slab_flush slab_reap slab_corruption',
  mempool: 'mempool_take_reserve mempool_wait mempool_refill',
};

/** Every name that is known and not there yet. */
export const NOT_MODELLED_YET: ReadonlySet<string> = new Set([FUNCTIONS, TRACEPOINTS].flatMap((table) => Object.values(table)).flatMap(wordsOf));

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Whether a name, a tracepoint's with or without its system, is one that later versions will have. */
export function isNotModelledYet(name: string): boolean {
  return NOT_MODELLED_YET.has(name.replace(/^\w+:/, '').replace(/^trace_/, ''));
}
