// @nohooks
// Sysctls that a scenario may set, by their full names.

export const MODELLED_SYSCTLS = [
  'vm.min_free_kbytes', 'vm.lowmem_reserve_ratio', 'vm.percpu_pagelist_fraction', 'vm.zone_reclaim_mode', 'vm.min_unmapped_ratio',
  'pagewalk.slab_debug',
] as const;
export type SysctlName = (typeof MODELLED_SYSCTLS)[number];

/** Those that only a kernel for several nodes has (N-44). */
export const NUMA_SYSCTLS: readonly SysctlName[] = ['vm.zone_reclaim_mode', 'vm.min_unmapped_ratio'];
