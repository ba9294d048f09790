// @nohooks
// Sysctls that a scenario may set, by their full names.

export const MODELLED_SYSCTLS = [
  'vm.min_free_kbytes', 'vm.lowmem_reserve_ratio', 'vm.percpu_pagelist_fraction', 'vm.zone_reclaim_mode', 'vm.min_unmapped_ratio',
  'vm.overcommit_memory', 'vm.overcommit_ratio', 'vm.max_map_count', 'vm.legacy_va_layout', 'kernel.randomize_va_space', 'pagewalk.slab_debug',
  'vm.dirty_background_ratio', 'vm.dirty_ratio', 'vm.dirty_writeback_centisecs', 'vm.dirty_expire_centisecs', 'vm.nr_pdflush_threads',
  'vm.laptop_mode', 'vm.drop_caches', 'vm.vfs_cache_pressure', 'vm.block_dump',
] as const;
export type SysctlName = (typeof MODELLED_SYSCTLS)[number];

/** Those that only a kernel for several nodes has (N-44). */
export const NUMA_SYSCTLS: readonly SysctlName[] = ['vm.zone_reclaim_mode', 'vm.min_unmapped_ratio'];
