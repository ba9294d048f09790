// The sysctls of the modelled kernel (KERNEL.md 19), with their defaults and the range that the kernel accepts. Plain data: no imports.

export interface Sysctl {
  /** The value at boot; null where the kernel computes it from the machine. */
  default: number | readonly number[] | null;
  min: number;
  max: number;
  /** How many numbers it holds: 1, or the length of a list. */
  length: number;
  readOnly: boolean;
  /** One sentence. */
  doc: string;
}

const INT_MAX = 0x7fff_ffff;

/** Every sysctl by its name, as a `sysctl` setting and the `sysctl()` call write it. */
export const SYSCTLS: Readonly<Record<string, Sysctl>> = {
  'vm.overcommit_memory': number(0, 0, 2, 'How promises of memory are judged: 0 by a guess, 1 never refused, 2 against a limit.'),
  'vm.overcommit_ratio': number(50, 0, INT_MAX, 'Per cent of RAM that counts towards the limit of overcommit_memory 2.'),
  'vm.panic_on_oom': number(0, 0, 1, 'Panic instead of killing a process when memory runs out.'),
  'vm.page-cluster': number(3, 0, 31, 'Swap-in reads 2^n pages at a time.'),
  'vm.dirty_background_ratio': number(10, 0, 100, 'Per cent of memory that may be dirty before pdflush writes in the background.'),
  'vm.dirty_ratio': number(40, 0, 100, 'Per cent of memory that may be dirty before a writer must write itself.'),
  'vm.dirty_writeback_centisecs': number(500, 0, INT_MAX, 'How often pdflush wakes for old dirty pages, in 1/100 s; 0 never.'),
  'vm.dirty_expire_centisecs': number(3000, 0, INT_MAX, 'How old a dirty page becomes before it is written, in 1/100 s.'),
  'vm.nr_pdflush_threads': { ...number(2, 0, 8, 'How many pdflush threads there are.'), readOnly: true },
  'vm.swappiness': number(60, 0, 100, 'How readily mapped pages are reclaimed, against page cache.'),
  'vm.lowmem_reserve_ratio': { default: [256, 256, 32], min: 0, max: INT_MAX, length: 3, readOnly: false, doc: 'For each zone: 1/n of the zones above it is kept from requests that could use those.' },
  'vm.drop_caches': number(0, 0, 3, 'Writing 1 drops page cache, 2 slab caches, 3 both.'),
  'vm.min_free_kbytes': number(null, 0, INT_MAX, 'KiB that the watermarks keep free; computed from the size of low memory.'),
  'vm.percpu_pagelist_fraction': number(0, 0, INT_MAX, '1/n of a zone at most stands on each per-CPU list; 0 leaves the default.'),
  'vm.max_map_count': number(65536, 0, INT_MAX, 'How many memory areas a process may have.'),
  'vm.laptop_mode': number(0, 0, INT_MAX, 'Seconds after which a disk that woke is used to write everything.'),
  'vm.block_dump': number(0, 0, 1, 'Log every block that is read or written.'),
  'vm.vfs_cache_pressure': number(100, 0, INT_MAX, 'How readily inode and dentry caches are reclaimed.'),
  'vm.legacy_va_layout': number(0, 0, 1, 'Lay mappings out bottom-up.'),
  'vm.swap_token_timeout': number(300, 0, INT_MAX, 'Seconds for which a process keeps the swap token.'),
  'vm.vdso_enabled': number(1, 0, 1, 'Map the vdso page into processes.'),
  'vm.zone_reclaim_mode': number(0, 0, INT_MAX, 'NUMA: reclaim in the own node before memory of another is taken.'),
  'vm.min_unmapped_ratio': number(1, 0, 100, 'NUMA: per cent of a zone that must be unmapped page cache for zone reclaim.'),
  'kernel.randomize_va_space': number(0, 0, 1, 'Place mappings and the stack at random addresses.'),
  'pagewalk.fixed_quirks': number(0, 0, 1, 'Model the later behaviour where 2.6.18 has a known quirk.'),
  'pagewalk.slab_debug': number(0, 0, 1, 'Build the slab allocator with its debug checks.'),
};

function number(value: number | null, min: number, max: number, doc: string): Sysctl {
  return { default: value, min, max, length: 1, readOnly: false, doc };
}
