// @nohooks
// Sysctls that memory management reads (kernel/sysctl.c; KERNEL.md chapter 19): their defaults, and what follows when one is set.

import type { Kernel, Sysctl } from '../kernel.ts';
import type { SysctlName } from '../include/sysctl.ts';
import { NUMA_SYSCTLS } from '../include/sysctl.ts';
import {
  setup_per_cpu_pagelist_fraction, setup_per_zone_lowmem_reserve, setup_per_zone_min_unmapped, setup_per_zone_pages_min,
} from '../mm/page_alloc_init.ts';

export function default_sysctls(): Sysctl {
  return {
    min_free_kbytes: 0, lowmem_reserve_ratio: [256, 256, 32], percpu_pagelist_fraction: 0, overcommit_memory: 0, overcommit_ratio: 50,
    zone_reclaim_mode: 0, min_unmapped_ratio: 1,
    max_map_count: 65536, legacy_va_layout: 0, randomize_va_space: 0,
  };
}

/** The smallest percpu_pagelist_fraction that the kernel takes: 0, the value at boot, cannot be written back. */
const MIN_PERCPU_PAGELIST_FRACTION = 8;

/** What a sysctl takes, in words and as a test. */
interface Rule {
  takes: string;
  is_valid(value: number | readonly number[]): boolean;
}

const on_or_off: Rule = { takes: '0 or 1', is_valid: (value) => value === 0 || value === 1 };

const RULES: Readonly<Record<SysctlName, Rule>> = {
  'vm.min_free_kbytes': { takes: 'a number of KiB, 0 or more', is_valid: (value) => is_int(value, 0) },
  'vm.lowmem_reserve_ratio': {
    takes: 'a list of three numbers, as [256, 256, 32]',
    is_valid: (value) => Array.isArray(value) && value.length === 3 && value.every((ratio) => is_int(ratio, 0)),
  },
  'vm.percpu_pagelist_fraction': {
    takes: `a number from ${MIN_PERCPU_PAGELIST_FRACTION} on`, is_valid: (value) => is_int(value, MIN_PERCPU_PAGELIST_FRACTION),
  },
  'vm.zone_reclaim_mode': { takes: 'a number, the sum of 1 (on), 2 (may write), 4 (may swap) and 8 (slab)', is_valid: (value) => is_int(value, 0) },
  'vm.min_unmapped_ratio': { takes: 'per cent of a zone, 0 to 100', is_valid: (value) => is_int(value, 0) && (value as number) <= 100 },
  'vm.overcommit_memory': { takes: '0 (heuristic), 1 (always) or 2 (never)', is_valid: (value) => value === 0 || value === 1 || value === 2 },
  'vm.overcommit_ratio': { takes: 'per cent of memory, 0 or more', is_valid: (value) => is_int(value, 0) },
  'vm.max_map_count': { takes: 'a number of VMAs, 0 or more', is_valid: (value) => is_int(value, 0) },
  'vm.legacy_va_layout': on_or_off,
  'kernel.randomize_va_space': on_or_off,
  'pagewalk.slab_debug': on_or_off,
};

/** What is wrong with a value for a sysctl, or null. */
export function sysctl_problem(name: string, value: number | readonly number[]): string | null {
  const rule: Rule | undefined = Object.hasOwn(RULES, name) ? RULES[name as SysctlName] : undefined;
  if (rule === undefined) return `${name} is not modelled yet`;
  return rule.is_valid(value) ? null : `${name} takes ${rule.takes}`;
}

/** A value that the kernel's int holds, not below `least`. */
function is_int(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 0x7fffffff;
}

/** A sysctl's value now, as reading its file gives it; null for one that this machine does not have. */
export function read_sysctl(k: Kernel, name: string): number | number[] | null {
  if (k.platform.numa === 0 && (NUMA_SYSCTLS as readonly string[]).includes(name)) return null;
  switch (name) {
    case 'vm.min_free_kbytes': return k.sysctl.min_free_kbytes;
    case 'vm.lowmem_reserve_ratio': return [...k.sysctl.lowmem_reserve_ratio];
    case 'vm.percpu_pagelist_fraction': return k.sysctl.percpu_pagelist_fraction;
    case 'vm.zone_reclaim_mode': return k.sysctl.zone_reclaim_mode;
    case 'vm.min_unmapped_ratio': return k.sysctl.min_unmapped_ratio;
    case 'vm.overcommit_memory': return k.sysctl.overcommit_memory;
    case 'vm.overcommit_ratio': return k.sysctl.overcommit_ratio;
    case 'vm.max_map_count': return k.sysctl.max_map_count;
    case 'vm.legacy_va_layout': return k.sysctl.legacy_va_layout;
    case 'kernel.randomize_va_space': return k.sysctl.randomize_va_space;
    case 'pagewalk.slab_debug': return k.slab.debug;
    default: return null;
  }
}

/** Writes a sysctl of the running machine, as `sysctl -w` does: null, or what is wrong with it, and then nothing has changed. */
export function write_sysctl(k: Kernel, name: string, value: number | readonly number[]): string | null {
  if (name === 'pagewalk.slab_debug') return `${name} says how the kernel is built: set it in the machine's description`;
  const is_missing = k.platform.numa === 0 && NUMA_SYSCTLS.some((known) => known === name);
  const problem = is_missing ? `${name} exists on a machine with several nodes only` : sysctl_problem(name, value);
  if (problem === null) set_sysctl(k, name as SysctlName, value);
  return problem;
}

/** Sets a sysctl and redoes what depends on it. The value has been checked by sysctl_problem. What the kernel is built with is read at boot
 *  (kmem_cache_init). */
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
    case 'vm.zone_reclaim_mode':
      k.sysctl.zone_reclaim_mode = value as number;
      break;
    case 'vm.min_unmapped_ratio':
      k.sysctl.min_unmapped_ratio = value as number;
      setup_per_zone_min_unmapped(k);
      break;
    case 'vm.overcommit_memory':
      k.sysctl.overcommit_memory = value as number;
      break;
    case 'vm.overcommit_ratio':
      k.sysctl.overcommit_ratio = value as number;
      break;
    case 'vm.max_map_count':
      k.sysctl.max_map_count = value as number;
      break;
    case 'vm.legacy_va_layout':
      k.sysctl.legacy_va_layout = value as number;
      break;
    case 'kernel.randomize_va_space':
      k.sysctl.randomize_va_space = value as number;
      break;
    case 'pagewalk.slab_debug':
      break;
  }
}

/** The sysctls of the machine's own description, in the order they were written there, as an init script would set them. */
export function apply_boot_sysctls(k: Kernel): void {
  for (const [name, value] of k.platform.boot_sysctls) set_sysctl(k, name, value);
}
