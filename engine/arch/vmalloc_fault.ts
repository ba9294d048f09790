// Kernel mappings that vmalloc made are entered in init_mm's tables alone; other tables learn of them when the kernel, working on those tables, first
// touches them (arch/i386/mm/fault.c, arch/x86_64/mm/fault.c; KERNEL.md F-4, VM-5, X-31, CC-12). Which tables a CPU works on is its TLB's `mm`: those
// of the process that ran last, also while a kernel thread runs (lazy TLB).
//
// Left out: vmalloc_sync_all, which modules need.

import type { Kernel } from '../kernel.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { charge } from '../kernel/sched.ts';
import { is_x86_64, vmalloc_space } from './address.ts';
import { SHIFTS, entry_of, pte_offset_kernel, read_pte, write_pte } from './pgtable.ts';
import { pte_page, pte_present } from './pte.ts';
import { trace_mm_vmalloc_sync, trace_page_fault_kernel } from '../trace/mm.ts';

/** Copies the entry of init_mm's top table for an address into the top table in use; 0, or -1 where init_mm maps nothing there (F-4, X-31). */
export function vmalloc_fault(k: Kernel, address: VirtAddr): 0 | -1 {
  const { start, end } = vmalloc_space(k);
  if (is_x86_64(k) && (address < start || address >= end)) return -1;
  if (!vmalloc_sync_one(k, read_cr3(k), address)) return -1;
  const pte_k = pte_offset_kernel(k, address);
  return pte_k !== null && pte_present(read_pte(k, pte_k)) ? 0 : -1;
}

/** Whether init_mm has a table for an address, which the table at `pgd` then names too. What it names already must be the same table. */
function vmalloc_sync_one(k: Kernel, pgd: PhysAddr, address: VirtAddr): boolean {
  const shift = SHIFTS[k.platform.arch][0];
  const reference = read_pte(k, entry_of(k, k.init_mm.pgd, shift, address));
  if (reference === 0) return false;
  const entry = entry_of(k, pgd, shift, address);
  const own = read_pte(k, entry);
  if (own === 0) {
    write_pte(k, entry, reference);
    charge(k, k.cost.pte);
    trace_mm_vmalloc_sync(k, address);
  } else if (pte_page(own) !== pte_page(reference)) BUG(k, 'arch/fault.c:vmalloc_fault: a table of the kernel part is not that of init_mm');
  return true;
}

/** The top table this CPU works on. */
function read_cr3(k: Kernel): PhysAddr {
  return k.mm_structs[k.tlbs[k.cpu]!.mm]?.pgd ?? k.init_mm.pgd;
}

/** The kernel touches an address: where init_mm has a table for it that the tables in use lack, that is a page fault, which is over when this
 *  returns. `write` sets bit 1 of the error code. */
export function touch_kernel(k: Kernel, address: VirtAddr, write: 0 | 1): void {
  const { start, end } = vmalloc_space(k);
  if (address < start || address >= end) return;
  const shift = SHIFTS[k.platform.arch][0];
  if (read_pte(k, entry_of(k, read_cr3(k), shift, address)) !== 0 || read_pte(k, entry_of(k, k.init_mm.pgd, shift, address)) === 0) return;
  charge(k, k.cost.fault);
  trace_page_fault_kernel(k, address, 0, write * 2);
  vmalloc_fault(k, address);
}
