// @nohooks
// Sysctls that a scenario may set, by their full names.

export const MODELLED_SYSCTLS = ['vm.min_free_kbytes', 'vm.lowmem_reserve_ratio', 'vm.percpu_pagelist_fraction'] as const;
export type SysctlName = (typeof MODELLED_SYSCTLS)[number];
