// The kernel's page tables at boot on i386 (arch/i386/mm/init.c:pagetable_init; KERNEL.md M-2, M-6, T-1): the direct map as pages of 4 MiB, and
// one table each for the fixed mappings and for the kmap window, both in the last 8 MiB of the address space.

import type { Kernel } from '../../kernel.ts';
import type { Pfn, PhysAddr } from '../../include/types.ts';
import { PAGE_SIZE, pfn, phys, virt } from '../../include/types.ts';
import { PAGE_KERNEL_LARGE, _PAGE_TABLE, pgd_offset_k, set_entry } from '../pgtable.ts';
import { FIXADDR_TOP, PAGE_OFFSET, PKMAP_BASE } from './layout.ts';

/** What an entry of the top level maps, bytes. */
const PGDIR_SIZE = 4 << 20;

/** Fills swapper_pg_dir, which lies in the kernel image; both tables' frames come from the boot allocator. */
export function pagetable_init(k: Kernel, swapper_pg_dir: PhysAddr, fixmap_table: PhysAddr, pkmap_table: PhysAddr): void {
  k.init_mm.pgd = swapper_pg_dir;
  kernel_physical_mapping_init(k);
  set_entry(k, pgd_offset_k(k, virt(FIXADDR_TOP - 1)), frame(fixmap_table), _PAGE_TABLE);
  set_entry(k, pgd_offset_k(k, virt(PKMAP_BASE)), frame(pkmap_table), _PAGE_TABLE);
}

function kernel_physical_mapping_init(k: Kernel): void {
  for (let page = 0; page < k.platform.max_low_pfn; page += PGDIR_SIZE / PAGE_SIZE) {
    set_entry(k, pgd_offset_k(k, virt(PAGE_OFFSET + page * PAGE_SIZE)), pfn(page), PAGE_KERNEL_LARGE);
  }
}

function frame(address: PhysAddr): Pfn {
  return pfn(phys(address) / PAGE_SIZE);
}
