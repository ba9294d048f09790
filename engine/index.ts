// @nohooks
// The door of the engine: what other rooms may use of it.

export type { ConfigProblem, MachineConfig, TaskSpec, ZoneConfig, ZoneName } from './config.ts';
export { DEFAULT_COSTS, config_problems, default_config } from './config.ts';
export type { CostTable, Kernel, LogLine, ProgramRecord } from './kernel.ts';
export type { Machine, MachineHooks, Program, RunEnd } from './machine.ts';
export { MachineConfigError, boot_machine, make_machine, run_machine } from './machine.ts';

export type { ListHead, Pfn, PhysAddr, VirtAddr } from './include/types.ts';
export { NO_PAGE, PAGE_SHIFT, PAGE_SIZE, pfn, pfn_to_phys, phys, phys_to_pfn, virt } from './include/types.ts';
export { GFP, show_gfp_flags } from './include/gfp.ts';
export { PAGE_FLAG_NAMES, show_page_flags } from './include/page-flags.ts';
export type { free_area, per_cpu_pages, per_cpu_pageset, pg_data_t, zone, zone_ref, zonelist } from './include/mmzone.ts';
export { MAX_NR_ZONES, MAX_ORDER, NUMA_STAT_NAMES, ZONE_NAMES, ZONE_STAT_NAMES, populated_zone } from './include/mmzone.ts';
export type { exit_image, smaps_figures, task_struct, vma_image } from './include/sched.ts';
export { EXIT_ZOMBIE, TASK_INTERRUPTIBLE, TASK_NEW, TASK_RUNNING, TASK_UNINTERRUPTIBLE, task_state_letter } from './include/sched.ts';

export type { Coroutine, Wait } from './kernel/sched.ts';
export { charge, cond_resched, current_task, jiffies, schedule_timeout, sys_sched_yield } from './kernel/sched.ts';
export type { fork_spec } from './kernel/fork.ts';
export { do_fork } from './kernel/fork.ts';
export { children_of, sys_exit, wait_for_children, wait_for_tasks } from './kernel/exit.ts';
export { find_task_by_pid, force_sig_info, signal_pending, sys_kill } from './kernel/signal.ts';
export { SEGV_ACCERR, SEGV_MAPERR, SIGABRT, SIGBUS, SIGKILL, SIGNAL_NAMES, SIGSEGV, SI_TKILL, SI_USER, signal_name } from './include/signal.ts';
export { sys_nice, sys_oom_adj, sys_setuid } from './kernel/sys.ts';
export { log_lines, printk } from './kernel/printk.ts';
export { KernelBug } from './kernel/panic.ts';
export { MODELLED_SYSCTLS } from './include/sysctl.ts';
export type { SysctlName } from './include/sysctl.ts';
export { read_sysctl, sysctl_problem, write_sysctl } from './kernel/sysctl.ts';

export {
  PageBuddy, PageCompound, PageReserved, list_pages, max_mapnr, page_count, page_count_raw, page_flags, page_index, page_lru_next, page_lru_prev,
  page_mapcount, page_mapping_raw, page_private, page_to_nid, page_zone, page_zonenum, test_page_flag,
} from './mm/mem_map.ts';
export { for_each_zone, zone_of, zone_stat_names, zonelist_of } from './mm/mmzone.ts';
export { node_distance, numa_node_id, pfn_to_nid, pfn_valid } from './mm/topology.ts';
export { node_cpumap, node_distances, node_meminfo, node_numastat } from './fs/proc/nodes.ts';
export {
  ALLOC_HARDER, ALLOC_HIGH, ALLOC_NO_WATERMARKS, ALLOC_WMARK_HIGH, ALLOC_WMARK_LOW, ALLOC_WMARK_MIN, __free_pages, __get_free_pages, alloc_pages,
  free_page, free_pages, get_zeroed_page, nr_free_pages, split_page, zone_watermark_ok,
} from './mm/page_alloc.ts';
export type { SlabAllocator, array_cache, kmem_cache, kmem_list3, slab } from './include/slab.ts';
export {
  CFLGS_OFF_SLAB, NO_CTOR, SLAB_CACHE_DMA, SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_PANIC, SLAB_POISON, SLAB_RECLAIM_ACCOUNT, SLAB_RED_ZONE,
  SLAB_STORE_USER,
} from './include/slab.ts';
export { kmem_cache_alloc, kmem_cache_free } from './mm/slab.ts';
export { kmem_cache_create, kmem_cache_destroy, slabinfo_write } from './mm/slab_create.ts';
export { kmem_cache_shrink } from './mm/slab_reap.ts';
export { kfree, kmalloc, ksize, kzalloc } from './mm/kmalloc.ts';
export { cache_chain, find_cache, index_to_obj, list_slabs, obj_to_index, slab_of, virt_to_slab } from './mm/slab_lists.ts';
export type { vm_struct } from './include/vmalloc.ts';
export { VM_ALLOC, VM_IOREMAP, VM_MAP, VM_USERMAP, VM_VPAGES } from './include/vmalloc.ts';
export { find_vm_area, get_vmalloc_info, vfree, vmalloc, vmalloc_32, vmalloc_user, vmap, vunmap } from './mm/vmalloc.ts';
export { PAGE_KERNEL } from './arch/pgtable.ts';
export type { pte_t, swp_entry_t } from './arch/pte.ts';
export {
  _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_GLOBAL, _PAGE_NX, _PAGE_PRESENT, _PAGE_PROTNONE, _PAGE_PSE, _PAGE_RW, _PAGE_USER, hardware_pte, is_swap_pte,
  mk_pte, pte_dirty, pte_exec, pte_file, pte_page, pte_present, pte_to_swp_entry, pte_user, pte_write, pte_young, show_pte_bits,
} from './arch/pte.ts';
export type { walk_step } from './arch/pgalloc.ts';
export { pmd_size, walk_page_table } from './arch/pgalloc.ts';
export { kmap, kmap_atomic, kunmap, kunmap_atomic } from './mm/highmem.ts';
export { KM_TYPE_NAMES, LAST_PKMAP } from './include/highmem.ts';
export { put_page } from './mm/swap.ts';
export type { mempool_t } from './include/mempool.ts';
export { find_mempool, mempool_alloc, mempool_create, mempool_destroy, mempool_free, mempool_resize } from './mm/mempool.ts';
export type { anon_vma, file, inode, mm_struct, tlb, vm_area_struct } from './include/mm_types.ts';
export { VM_ACCOUNT, VM_EXEC, VM_FLAG_NAMES, VM_GROWSDOWN, VM_LOCKED, VM_MAYSHARE, VM_READ, VM_SHARED, VM_WRITE } from './include/mm_types.ts';
export { MAP_ANONYMOUS } from './include/mman.ts';
export { radix_tree_gang_lookup, radix_tree_gang_lookup_tag, radix_tree_lookup, radix_tree_tag_get } from './lib/radix-tree.ts';
export { anon_vma_of, current_mm, file_of, inode_of, mm_of, mm_vmas, task_mm, vma_inode, vma_of } from './mm/mm_struct.ts';
export { find_vma, sys_brk, sys_mmap, sys_mmap2, sys_munmap, sys_sbrk } from './mm/mmap.ts';
export { page_check_address } from './mm/rmap.ts';
export type { pte_entry, pte_table } from './mm/page_walk.ts';
export { pte_entries, pte_tables } from './mm/page_walk.ts';
export { each_cached_page, lru_pages } from './mm/cache_walk.ts';
export { dirty_limits, wakeup_pdflush } from './mm/page-writeback.ts';
export { sys_madvise } from './mm/madvise.ts';
export { sys_mincore } from './mm/mincore.ts';
export { sys_mlock, sys_mlockall, sys_munlock, sys_munlockall } from './mm/mlock.ts';
export { sys_mprotect } from './mm/mprotect.ts';
export { sys_mremap } from './mm/mremap.ts';
export { sys_msync } from './mm/msync.ts';
export type { gendisk, request } from './include/blkdev.ts';
export { BDI_read_congested, BDI_write_congested } from './include/blkdev.ts';
export { SECTORS_PER_BLOCK } from './include/bio.ts';
export type { super_block } from './include/fs.ts';
export type { file_ra_state } from './include/mm_types.ts';
export { PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK } from './include/radix-tree.ts';
export type { pdflush_work } from './include/writeback.ts';
export { sys_close, sys_ftruncate, sys_open } from './fs/open.ts';
export { sys_lseek, sys_pread64, sys_pwrite64, sys_read, sys_write } from './fs/read_write.ts';
export { sys_fsync, sys_sync } from './fs/sync.ts';
export { sys_fadvise64_64, sys_readahead } from './mm/fadvise.ts';
export { drop_caches_sysctl_handler } from './fs/drop_caches.ts';
export { free, malloc } from './user/malloc.ts';
export { user_read, user_write } from './user/iobuf.ts';
export { kernel_virt_to_phys, load_byte, load_bytes, store_byte, store_bytes } from './mm/kernel_memory.ts';
export {
  clear_user, copy_from_user, copy_to_user, load_user, store_user, touch_user, try_load_user, try_store_user, try_touch_user,
} from './mm/user_memory.ts';
export { alloc_bootmem, alloc_bootmem_low, alloc_bootmem_low_pages, alloc_bootmem_pages, free_bootmem } from './mm/bootmem.ts';
export { VM_EVENT_NAMES } from './mm/vmstat.ts';
export { check_machine, check_machine_at_rest } from './mm/check.ts';
export { is_x86_64, page_address, virt_to_page, virt_to_phys } from './arch/address.ts';
export type { SlabinfoRow } from './fs/proc/slabinfo.ts';
export { proc_slabinfo, slabinfo, slabinfo_row } from './fs/proc/slabinfo.ts';
export { PROC_FILES, meminfo, proc_buddyinfo, proc_meminfo, proc_vmstat, proc_zoneinfo, vmstat } from './fs/proc/files.ts';
export { PROC_PID_FILES, shown_badness } from './fs/proc/pid.ts';
export type { area } from './fs/proc/task_mmu.ts';
export { area_name, shown_areas, shown_images, shown_mm, vma_permissions } from './fs/proc/task_mmu.ts';

export type { FieldKind, Tracepoint, TracepointName } from './trace/tracepoints.ts';
export { RING_ARGS, TP, TRACEPOINTS } from './trace/tracepoints.ts';
export type { TraceRecord } from './trace/events.ts';
export { resize_ring, set_tracing, show_field, trace_records } from './trace/events.ts';
