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
export type { task_struct } from './include/sched.ts';
export { EXIT_ZOMBIE, TASK_INTERRUPTIBLE, TASK_NEW, TASK_RUNNING, TASK_UNINTERRUPTIBLE, task_state_letter } from './include/sched.ts';

export type { Coroutine, Wait } from './kernel/sched.ts';
export { charge, cond_resched, current_task, do_exit, jiffies, schedule_timeout, wait_for_tasks } from './kernel/sched.ts';
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
export { kmap, kmap_atomic, kunmap, kunmap_atomic } from './mm/highmem.ts';
export { KM_TYPE_NAMES, LAST_PKMAP } from './include/highmem.ts';
export { put_page } from './mm/swap.ts';
export type { mempool_t } from './include/mempool.ts';
export { find_mempool, mempool_alloc, mempool_create, mempool_destroy, mempool_free, mempool_resize } from './mm/mempool.ts';
export { kernel_virt_to_phys, load_byte, load_bytes, store_byte, store_bytes } from './mm/kernel_memory.ts';
export { alloc_bootmem, alloc_bootmem_low, alloc_bootmem_low_pages, alloc_bootmem_pages, free_bootmem } from './mm/bootmem.ts';
export { VM_EVENT_NAMES } from './mm/vmstat.ts';
export { check_machine } from './mm/check.ts';
export { page_address, virt_to_page, virt_to_phys } from './arch/address.ts';
export type { SlabinfoRow } from './fs/proc/slabinfo.ts';
export { proc_slabinfo, slabinfo, slabinfo_row } from './fs/proc/slabinfo.ts';
export { PROC_FILES, meminfo, proc_buddyinfo, proc_meminfo, proc_vmstat, proc_zoneinfo, vmstat } from './fs/proc/files.ts';

export type { FieldKind, Tracepoint, TracepointName } from './trace/tracepoints.ts';
export { RING_ARGS, TP, TRACEPOINTS } from './trace/tracepoints.ts';
export type { TraceRecord } from './trace/events.ts';
export { resize_ring, set_tracing, show_field, trace_records } from './trace/events.ts';
