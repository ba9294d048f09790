// @nohooks
// Sysctls that memory management reads (kernel/sysctl.c; KERNEL.md chapter 19): their defaults, and what follows when one is set.

import type { Kernel, Sysctl } from '../kernel.ts';
import type { Wait } from './sched.ts';
import type { SysctlName } from '../include/sysctl.ts';
import { NUMA_SYSCTLS } from '../include/sysctl.ts';
import { drop_caches_sysctl_handler } from '../fs/drop_caches.ts';
import {
  setup_per_cpu_pagelist_fraction, setup_per_zone_lowmem_reserve, setup_per_zone_min_unmapped, setup_per_zone_pages_min,
} from '../mm/page_alloc_init.ts';
import { dirty_writeback_centisecs_handler } from '../mm/page-writeback.ts';
import { cond_resched } from './sched.ts';

export function default_sysctls(): Sysctl {
  return {
    min_free_kbytes: 0, lowmem_reserve_ratio: [256, 256, 32], percpu_pagelist_fraction: 0, overcommit_memory: 0, overcommit_ratio: 50,
    zone_reclaim_mode: 0, min_unmapped_ratio: 1,
    max_map_count: 65536, legacy_va_layout: 0, randomize_va_space: 0,
    dirty_background_ratio: 10, vm_dirty_ratio: 40, dirty_writeback_centisecs: 500, dirty_expire_centisecs: 3000, laptop_mode: 0,
    drop_caches: 0, vfs_cache_pressure: 100, block_dump: 0,
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
  'vm.dirty_background_ratio': { takes: 'per cent of memory, 0 to 100', is_valid: (value) => is_int(value, 0) && (value as number) <= 100 },
  'vm.dirty_ratio': { takes: 'per cent of memory, 0 to 100', is_valid: (value) => is_int(value, 0) && (value as number) <= 100 },
  'vm.dirty_writeback_centisecs': { takes: 'hundredths of a second, 0 or more; 0 switches it off', is_valid: (value) => is_int(value, 0) },
  'vm.dirty_expire_centisecs': { takes: 'hundredths of a second, 0 or more', is_valid: (value) => is_int(value, 0) },
  'vm.nr_pdflush_threads': { takes: 'nothing: it can only be read', is_valid: () => false },
  'vm.laptop_mode': { takes: 'seconds, 0 or more', is_valid: (value) => is_int(value, 0) },
  'vm.drop_caches': { takes: '1 (page cache), 2 (slab caches) or 3 (both)', is_valid: (value) => is_int(value, 0) },
  'vm.vfs_cache_pressure': { takes: 'a number, 0 or more; 100 is fair', is_valid: (value) => is_int(value, 0) },
  'vm.block_dump': on_or_off,
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

/** Where the kernel keeps those that are one number. */
const FIELDS: Partial<Readonly<Record<SysctlName, Exclude<keyof Sysctl, 'lowmem_reserve_ratio'>>>> = {
  'vm.min_free_kbytes': 'min_free_kbytes', 'vm.percpu_pagelist_fraction': 'percpu_pagelist_fraction', 'vm.zone_reclaim_mode': 'zone_reclaim_mode',
  'vm.min_unmapped_ratio': 'min_unmapped_ratio', 'vm.overcommit_memory': 'overcommit_memory', 'vm.overcommit_ratio': 'overcommit_ratio',
  'vm.max_map_count': 'max_map_count', 'vm.legacy_va_layout': 'legacy_va_layout', 'kernel.randomize_va_space': 'randomize_va_space',
  'vm.dirty_background_ratio': 'dirty_background_ratio', 'vm.dirty_ratio': 'vm_dirty_ratio', 'vm.dirty_writeback_centisecs': 'dirty_writeback_centisecs',
  'vm.dirty_expire_centisecs': 'dirty_expire_centisecs', 'vm.laptop_mode': 'laptop_mode', 'vm.drop_caches': 'drop_caches',
  'vm.vfs_cache_pressure': 'vfs_cache_pressure', 'vm.block_dump': 'block_dump',
};

/** A sysctl's value now, as reading its file gives it; null for one that this machine does not have. */
export function read_sysctl(k: Kernel, name: string): number | number[] | null {
  if (k.platform.numa === 0 && (NUMA_SYSCTLS as readonly string[]).includes(name)) return null;
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as SysctlName] : undefined;
  if (field !== undefined) return k.sysctl[field];
  switch (name) {
    case 'vm.lowmem_reserve_ratio': return [...k.sysctl.lowmem_reserve_ratio];
    case 'vm.nr_pdflush_threads': return k.writeback.pdflush.nr_pdflush_threads;
    case 'pagewalk.slab_debug': return k.slab.debug;
    default: return null;
  }
}

/** Writes a sysctl of the running machine, as `sysctl -w` does: null, or what is wrong with it, and then nothing has changed. The value comes from
 *  the writer's memory, so this may sleep. */
export function* write_sysctl(k: Kernel, name: string, value: number | readonly number[]): Generator<Wait, string | null, void> {
  yield* cond_resched(k);
  if (name === 'pagewalk.slab_debug') return `${name} says how the kernel is built: set it in the machine's description`;
  const is_missing = k.platform.numa === 0 && NUMA_SYSCTLS.some((known) => known === name);
  const problem = is_missing ? `${name} exists on a machine with several nodes only` : sysctl_problem(name, value);
  if (problem === null) set_sysctl(k, name as SysctlName, value);
  return problem;
}

/** Sets a sysctl and redoes what depends on it. The value has been checked by sysctl_problem. What the kernel is built with is read at boot
 *  (kmem_cache_init). */
export function set_sysctl(k: Kernel, name: SysctlName, value: number | readonly number[]): void {
  const field = FIELDS[name];
  if (field !== undefined) k.sysctl[field] = value as number;
  switch (name) {
    case 'vm.min_free_kbytes':
      setup_per_zone_pages_min(k);
      break;
    case 'vm.lowmem_reserve_ratio':
      k.sysctl.lowmem_reserve_ratio = [...(value as readonly number[])].map((ratio) => Math.max(1, ratio));
      setup_per_zone_lowmem_reserve(k);
      break;
    case 'vm.percpu_pagelist_fraction':
      setup_per_cpu_pagelist_fraction(k);
      break;
    case 'vm.min_unmapped_ratio':
      setup_per_zone_min_unmapped(k);
      break;
    case 'vm.dirty_writeback_centisecs':
      dirty_writeback_centisecs_handler(k);
      break;
    case 'vm.drop_caches':
      drop_caches_sysctl_handler(k, value as number);
      break;
    default:
      break;
  }
}

/** The sysctls of the machine's own description, in the order they were written there, as an init script would set them. */
export function apply_boot_sysctls(k: Kernel): void {
  for (const [name, value] of k.platform.boot_sysctls) set_sysctl(k, name, value);
}
