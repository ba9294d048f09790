// From power on to the first task (init/main.c:start_kernel; KERNEL.md B-1, X-25): what every architecture does, in its order. The steps that
// differ are in i386/setup.ts and x86_64/setup.ts.

import type { Kernel } from '../kernel.ts';
import * as i386 from './i386/setup.ts';
import * as x86_64 from './x86_64/setup.ts';
import { is_x86_64 } from './address.ts';
import { slit_valid } from '../mm/topology.ts';
import { printk } from '../kernel/printk.ts';
import { build_all_zonelists, init_per_zone_pages_min, setup_per_cpu_pageset } from '../mm/page_alloc_init.ts';
import { page_writeback_init } from '../mm/page-writeback.ts';
import { create_boot_caches, kmem_cache_init } from '../mm/slab_init.ts';
import { run_to_end } from '../kernel/sched.ts';
import { apply_boot_sysctls } from '../kernel/sysctl.ts';
import { refresh_zone_stat_thresholds } from '../mm/vmstat.ts';

/** Runs a booting machine up to where tasks could start; `boot` is the scenario's own part of it. */
export function start_kernel(k: Kernel, boot: (k: Kernel) => void): void {
  const arch = is_x86_64(k) ? x86_64 : i386;
  acpi_numa_slit_init(k);
  arch.setup_arch(k);
  build_all_zonelists(k);
  arch.allocate_early_tables(k);
  boot(k);
  arch.mem_init(k);
  run_to_end(k, kmem_cache_init(k));
  setup_per_cpu_pageset(k);
  run_to_end(k, create_boot_caches(k));
  page_writeback_init(k);
  init_per_zone_pages_min(k);
  refresh_zone_stat_thresholds(k);
  apply_boot_sysctls(k);
  arch.free_initmem(k);
}

/** The firmware's distances count only where they can be true (N-6). */
function acpi_numa_slit_init(k: Kernel): void {
  if (slit_valid(k.platform.distances)) return;
  printk(k, 'ACPI: SLIT table looks invalid. Not used.');
  k.platform.distances = [];
}
