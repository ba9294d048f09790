// @nohooks
// Sysctls that memory management reads (kernel/sysctl.c; KERNEL.md chapter 19): their defaults, and what follows when one is set.

import type { Kernel, Sysctl } from '../kernel.ts';
import type { SysctlName } from '../include/sysctl.ts';
import { setup_per_cpu_pagelist_fraction, setup_per_zone_lowmem_reserve, setup_per_zone_pages_min } from '../mm/page_alloc_init.ts';

export function default_sysctls(): Sysctl {
  return { min_free_kbytes: 0, lowmem_reserve_ratio: [256, 256, 32], percpu_pagelist_fraction: 0, overcommit_memory: 0, overcommit_ratio: 50 };
}

/** The smallest percpu_pagelist_fraction that the kernel takes, 0 apart. */
const MIN_PERCPU_PAGELIST_FRACTION = 8;

/** What is wrong with a value for a sysctl, or null. */
export function sysctl_problem(name: string, value: number | readonly number[]): string | null {
  switch (name) {
    case 'vm.min_free_kbytes':
      return typeof value === 'number' && value >= 0 ? null : 'vm.min_free_kbytes takes a number of KiB, 0 or more';
    case 'vm.lowmem_reserve_ratio':
      return Array.isArray(value) && value.length === 3 ? null : 'vm.lowmem_reserve_ratio takes a list of three numbers, as [256, 256, 32]';
    case 'vm.percpu_pagelist_fraction':
      return value === 0 || (typeof value === 'number' && value >= MIN_PERCPU_PAGELIST_FRACTION) ? null : `vm.percpu_pagelist_fraction takes 0, or a number from ${MIN_PERCPU_PAGELIST_FRACTION} on`;
    default:
      return `${name} is not modelled yet`;
  }
}

/** Sets a sysctl and redoes what depends on it. The value has been checked by sysctl_problem. */
export function set_sysctl(k: Kernel, name: SysctlName, value: number | readonly number[]): void {
  switch (name) {
    case 'vm.min_free_kbytes':
      k.sysctl.min_free_kbytes = value as number;
      setup_per_zone_pages_min(k);
      break;
    case 'vm.lowmem_reserve_ratio':
      k.sysctl.lowmem_reserve_ratio = [...(value as readonly number[])].map((ratio) => Math.max(1, ratio));
      setup_per_zone_lowmem_reserve(k);
      break;
    case 'vm.percpu_pagelist_fraction':
      k.sysctl.percpu_pagelist_fraction = value as number;
      setup_per_cpu_pagelist_fraction(k);
      break;
  }
}

/** The sysctls of the machine's own description, in the order they were written there, as an init script would set them. */
export function apply_boot_sysctls(k: Kernel): void {
  for (const [name, value] of k.platform.boot_sysctls) set_sysctl(k, name, value);
}
