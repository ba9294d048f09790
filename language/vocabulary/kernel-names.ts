// Names of the modelled kernel that a `stop on` may mention: families, and what the machine will have in a later version. Plain data: no imports.

/**
 * A family's name to the functions whose entries are meant: callers reach the heart of a family by several ways. The debugger holds the same table
 * (debug-adapter/breakpoints/families.ts); a test compares the two.
 */
export const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  alloc_pages: ['__alloc_pages'],
  free_pages: ['__free_pages'],
};

/**
 * Functions of mm/ and its surroundings in Linux 2.6.18, by what they belong to. Those that the engine has count as the engine's: nothing need be
 * taken out of here when a version models more.
 */
const FUNCTIONS_OF_LINUX: Readonly<Record<string, string>> = {
  reclaim: `try_to_free_pages shrink_zones shrink_zone shrink_active_list shrink_inactive_list shrink_page_list shrink_slab shrink_all_memory shrink_all_zones
    isolate_lru_pages pageout remove_mapping balance_pgdat kswapd kswapd_init zone_reclaim __zone_reclaim set_shrinker remove_shrinker page_referenced
    page_referenced_one page_referenced_anon page_referenced_file try_to_unmap try_to_unmap_one try_to_unmap_anon try_to_unmap_file throttle_vm_writeout
    blk_congestion_wait drain_local_pages drain_all_pages`,
  lru: `lru_cache_add lru_cache_add_active lru_add_drain lru_add_drain_all __pagevec_lru_add __pagevec_lru_add_active activate_page mark_page_accessed
    rotate_reclaimable_page put_page release_pages __page_cache_release __pagevec_release pagevec_lookup pagevec_strip`,
  oom: 'out_of_memory badness select_bad_process oom_kill_process oom_kill_task __oom_kill_task constrained_alloc',
  faults: `do_page_fault handle_mm_fault __handle_mm_fault handle_pte_fault do_anonymous_page do_no_page do_file_page do_swap_page do_wp_page bad_area vmalloc_fault
    expand_stack vmalloc_sync_all get_user_pages make_pages_present copy_page_range copy_pte_range copy_one_pte zap_page_range unmap_vmas unmap_page_range zap_pte_range
    free_pgtables pte_alloc_one __pte_alloc pte_alloc_map pmd_alloc unmap_mapping_range vmtruncate vm_normal_page page_add_anon_rmap page_add_new_anon_rmap
    page_add_file_rmap page_remove_rmap anon_vma_prepare anon_vma_link anon_vma_unlink page_lock_anon_vma flush_tlb_page flush_tlb_range flush_tlb_mm`,
  mmap: `do_mmap do_mmap_pgoff do_munmap do_brk do_mremap sys_brk sys_mmap2 sys_munmap sys_mremap sys_mprotect sys_madvise sys_mlock sys_munlock sys_mlockall sys_munlockall
    sys_msync sys_mincore find_vma find_vma_prev find_vma_intersection split_vma vma_merge vma_adjust vma_link unmap_region arch_get_unmapped_area
    arch_get_unmapped_area_topdown get_unmapped_area mprotect_fixup move_vma move_page_tables mlock_fixup insert_vm_struct exit_mmap dup_mm dup_mmap mmput copy_mm
    __vm_enough_memory vma_address acct_stack_growth find_vma_prepare detach_vmas_to_be_unmapped remove_vma_list`,
  files: `add_to_page_cache add_to_page_cache_lru remove_from_page_cache __remove_from_page_cache find_get_page find_lock_page find_or_create_page find_get_pages
    find_get_pages_tag do_generic_mapping_read do_generic_file_read generic_file_read generic_file_aio_read generic_file_write generic_file_buffered_write
    filemap_nopage filemap_fdatawrite filemap_fdatawait sync_page lock_page __lock_page unlock_page wait_on_page_bit end_page_writeback page_cache_readahead
    do_page_cache_readahead __do_page_cache_readahead force_page_cache_readahead handle_ra_miss max_sane_readahead read_cache_page truncate_inode_pages
    invalidate_mapping_pages invalidate_inode_pages invalidate_inode_pages2 truncate_complete_page drop_pagecache drop_slab mpage_readpages mpage_writepages
    writepage prepare_write commit_write __grab_cache_page filemap_copy_from_user submit_bio sys_fsync sys_readahead sys_fadvise64`,
  writeback: `balance_dirty_pages balance_dirty_pages_ratelimited balance_dirty_pages_ratelimited_nr background_writeout wb_kupdate wakeup_pdflush pdflush __pdflush wb_timer_fn pdflush_operation
    get_dirty_limits do_writepages generic_writepages write_one_page set_page_dirty __set_page_dirty_nobuffers __set_page_dirty_buffers clear_page_dirty
    clear_page_dirty_for_io test_clear_page_dirty test_clear_page_writeback test_set_page_writeback writeback_inodes sync_sb_inodes sync_inodes
    __writeback_single_inode __mark_inode_dirty`,
  swap: `add_to_swap add_to_swap_cache __add_to_swap_cache delete_from_swap_cache __delete_from_swap_cache move_to_swap_cache move_from_swap_cache lookup_swap_cache
    read_swap_cache_async swapin_readahead get_swap_page scan_swap_map swap_free swap_entry_free swap_duplicate free_swap_and_cache can_share_swap_page
    remove_exclusive_swap_page swap_readpage swap_writepage end_swap_bio_read end_swap_bio_write sys_swapon sys_swapoff try_to_unuse unuse_pte unuse_mm
    swap_info_get valid_swaphandles grab_swap_token disable_swap_token vm_swap_full free_page_and_swap_cache free_pages_and_swap_cache`,
  slab: `kmem_cache_init kmem_cache_create kmem_cache_destroy kmem_cache_shrink kmem_cache_alloc kmem_cache_alloc_node kmem_cache_zalloc kmem_cache_free kmem_cache_size
    kmalloc kmalloc_node __kmalloc kzalloc __kzalloc kcalloc kfree ksize cache_alloc_refill cache_flusharray cache_grow cache_reap free_block drain_array
    drain_array_locked drain_cpu_caches slab_destroy ____cache_alloc __cache_alloc __cache_free alloc_slabmgmt kmem_getpages kmem_freepages setup_cpu_cache
    enable_cpucache do_tune_cpucache cache_estimate calculate_slab_order slab_node`,
  vmalloc: `vmalloc vmalloc_sync_one vmalloc_32 vmalloc_node vmalloc_user __vmalloc __vmalloc_area __vmalloc_node vfree __vunmap vunmap vmap get_vm_area get_vm_area_node __get_vm_area_node remove_vm_area
    map_vm_area unmap_vm_area kmap kunmap kmap_high kunmap_high kmap_atomic kunmap_atomic map_new_virtual flush_all_zero_pkmaps page_address_init set_page_address`,
  mempool: `mempool_create mempool_create_node mempool_create_kmalloc_pool mempool_create_page_pool mempool_create_slab_pool mempool_resize mempool_destroy mempool_alloc
    mempool_free mempool_alloc_slab mempool_free_slab mempool_kmalloc mempool_alloc_pages`,
  numa: `alloc_pages_current alloc_page_vma interleave_nodes policy_zonelist mpol_new do_mbind do_set_mempolicy sys_mbind sys_set_mempolicy sys_migrate_pages do_migrate_pages
    migrate_pages unmap_and_move migrate_page move_to_new_page build_zonelists find_next_best_node`,
  other: `refresh_cpu_vm_stats mod_zone_page_state inc_zone_page_state dec_zone_page_state __mod_zone_page_state zone_statistics drop_caches_sysctl_handler
    set_zone_contiguous do_fork copy_process do_exit_group do_group_exit force_sig send_sig_info flush_old_exec setup_arg_pages load_elf_binary elf_map
    set_brk`,
};

export const LATER_FUNCTIONS: ReadonlySet<string> = new Set(Object.values(FUNCTIONS_OF_LINUX).flatMap((names) => names.split(/\s+/)));

/** Tracepoints by system: those of include/trace/events that a part of 2.6.18 fits, and `pagewalk` for our own (KERNEL.md EV-1 … EV-13). */
const TRACEPOINTS_OF_LINUX: Readonly<Record<string, string>> = {
  kmem: 'kmalloc kfree kmem_cache_alloc kmem_cache_free mm_page_free_batched',
  vmscan: `mm_vmscan_kswapd_sleep mm_vmscan_kswapd_wake mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_end mm_vmscan_lru_isolate mm_vmscan_lru_shrink_inactive
    mm_vmscan_lru_shrink_active mm_vmscan_write_folio mm_vmscan_writepage mm_shrink_slab_start mm_shrink_slab_end mm_vmscan_node_reclaim_begin mm_vmscan_node_reclaim_end mm_vmscan_throttled`,
  pagemap: 'mm_lru_insertion mm_lru_activate',
  filemap: 'mm_filemap_add_to_page_cache mm_filemap_delete_from_page_cache',
  exceptions: 'page_fault_user page_fault_kernel',
  mmap: 'vm_unmapped_area',
  writeback: 'writeback_dirty_page writeback_start writeback_written writeback_single_inode balance_dirty_pages global_dirty_state',
  oom: 'oom_score_adj_update reclaim_retry_zone mark_victim',
  migrate: 'mm_migrate_pages mm_migrate_pages_start set_migration_pte remove_migration_pte',
  pagewalk: `major_fault mm_lru_deactivate mm_lru_rotate mm_lru_pagevec_flush mm_page_referenced mm_readahead mm_filemap_miss mm_fault_begin mm_fault_end mm_vmalloc_sync
    mm_stack_grow vma_create vma_merge vma_split vma_remove mm_commit_check pte_set pte_clear tlb_flush swap_slot_alloc swap_slot_free swap_cache_add swap_cache_delete
    swap_out swap_in swap_token oom_badness oom_select slab_grow slab_destroy slab_refill slab_flush slab_reap slab_corruption mempool_take_reserve mempool_wait
    mempool_refill mm_vmscan_page_verdict mm_vmscan_swap_tendency mm_vmscan_balance_pass mm_zone_unreclaimable dirty_limits pdflush_work pdflush_spawn pdflush_exit
    congestion_wait`,
};

/** `kmem:kmalloc`, with their systems. */
export const LATER_TRACEPOINTS: ReadonlySet<string> = new Set(
  Object.entries(TRACEPOINTS_OF_LINUX).flatMap(([system, names]) => names.split(/\s+/).map((name) => `${system}:${name}`)),
);
