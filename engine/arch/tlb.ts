// @nohooks
// What each processor remembers of the page tables of the address space it works in: a small TLB, direct-mapped, for user pages only (include/
// asm-i386/tlbflush.h). It is no model of any real processor's; it is there so that a flush which is missing does harm, and one that is made is
// counted.
//
// An entry is as it was when it was loaded: a change of the tables is not seen before a flush. A write through an entry that was loaded clean walks
// the tables again, as the hardware does to set the dirty bit.

import type { Kernel } from '../kernel.ts';
import type { mm_struct, tlb } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { trace_tlb_flush } from '../trace/mm.ts';

/** A power of two. */
export const TLB_ENTRIES = 64;
/** The page number of an entry that holds none: no address has it. -1 is one, that of the last page of 64-bit addresses. */
const NO_VPN = -(2 ** 52);
/** From so many pages on a range is flushed by flushing all. */
const FLUSH_ALL = 16;

export function make_tlbs(nr_cpus: number): tlb[] {
  return Array.from({ length: nr_cpus }, () => ({
    mm: 0, vpn: new Float64Array(TLB_ENTRIES).fill(NO_VPN), pte: new Float64Array(TLB_ENTRIES), hits: 0, misses: 0, flushes: 0, page_flushes: 0,
  }));
}

/** This CPU's entry for a user address, or 0 where it has none. */
export function tlb_lookup(k: Kernel, address: VirtAddr): number {
  const tlb = k.tlbs[k.cpu]!;
  const vpn = Math.floor(address / PAGE_SIZE);
  const i = vpn & (TLB_ENTRIES - 1);
  if (tlb.vpn[i] !== vpn) return 0;
  tlb.hits++;
  return tlb.pte[i]!;
}

/** This CPU forgets what it has for a user address. */
export function tlb_forget(k: Kernel, address: VirtAddr): void {
  k.tlbs[k.cpu]!.vpn[Math.floor(address / PAGE_SIZE) & (TLB_ENTRIES - 1)] = NO_VPN;
}

/** Loads an entry that the walk of the tables found. */
export function tlb_load(k: Kernel, address: VirtAddr, pte: number): void {
  const tlb = k.tlbs[k.cpu]!;
  const vpn = Math.floor(address / PAGE_SIZE);
  tlb.misses++;
  tlb.vpn[vpn & (TLB_ENTRIES - 1)] = vpn;
  tlb.pte[vpn & (TLB_ENTRIES - 1)] = pte;
}

/** The CPU turns to another address space (switch_mm): its entries are of the old one. Id 0, a kernel thread, keeps the tables there are (lazy
 *  TLB). */
export function switch_mm(k: Kernel, mm: number): void {
  const tlb = k.tlbs[k.cpu]!;
  if (mm === 0 || tlb.mm === mm) return;
  const old = k.mm_structs[tlb.mm];
  if (old !== null && old !== undefined) old.cpu_vm_mask[k.cpu] = 0;
  tlb.mm = mm;
  k.mm_structs[mm]!.cpu_vm_mask[k.cpu] = 1;
  drop_all(tlb);
}

/** No CPU works in that address space any more: its tables are about to go. */
export function leave_mm(k: Kernel, mm: mm_struct): void {
  for (const tlb of k.tlbs) {
    if (tlb.mm !== mm.id) continue;
    tlb.mm = 0;
    drop_all(tlb);
  }
}

/** Forgets a page of an address space on every CPU that works in it (flush_tlb_page). */
export function flush_tlb_page(k: Kernel, mm: mm_struct, address: VirtAddr): void {
  const vpn = Math.floor(address / PAGE_SIZE);
  for (const tlb of k.tlbs) {
    if (tlb.mm !== mm.id) continue;
    tlb.page_flushes++;
    if (tlb.vpn[vpn & (TLB_ENTRIES - 1)] === vpn) tlb.vpn[vpn & (TLB_ENTRIES - 1)] = NO_VPN;
  }
  trace_tlb_flush(k, mm.id, address, address + PAGE_SIZE);
}

/** Forgets a range (flush_tlb_range); of many pages by forgetting all, as i386 always does. */
export function flush_tlb_range(k: Kernel, mm: mm_struct, start: VirtAddr, end: VirtAddr): void {
  if (k.platform.arch === 'i386' || (end - start) / PAGE_SIZE >= FLUSH_ALL) {
    flush_tlb_mm(k, mm);
    return;
  }
  for (let address = start as number; address < end; address += PAGE_SIZE) flush_tlb_page(k, mm, address as VirtAddr);
}

/** Forgets all of an address space (flush_tlb_mm). */
export function flush_tlb_mm(k: Kernel, mm: mm_struct): void {
  for (const tlb of k.tlbs) {
    if (tlb.mm !== mm.id) continue;
    tlb.flushes++;
    drop_all(tlb);
  }
  trace_tlb_flush(k, mm.id, 0, mm.task_size);
}

function drop_all(tlb: tlb): void {
  for (let i = 0; i < TLB_ENTRIES; i++) tlb.vpn[i] = NO_VPN;
}
