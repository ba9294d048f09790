// @nohooks
// The processor's half of a memory access by a process: the TLB, the walk of the tables where that has nothing, the accessed and dirty bits it sets
// on the way, and what it tells the kernel where it cannot go on (KERNEL.md T-1, T-6, X-2, X-9, X-28).
//
//   access ── TLB hit, allowed ────────────────────────────► physical address
//          └─ walk of the tables ── there and allowed ─────► sets ACCESSED (and DIRTY), loads the TLB, physical address
//                                └─ not ───────────────────► page fault, with an error code
//
//   error code    bit 0: 1 the entry is there but forbids it, 0 it is not there · bit 1: write · bit 2: from user mode
//
// A hit that forbids the write is a fault by itself, and the processor forgets that entry: so a missing flush can be seen, and heals. Left out:
// reserved bits and instruction fetches (bits 3 and 4): a program's statements are no instructions in its memory. An address of i386 has 32 bits.

import type { Kernel } from '../kernel.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { is_direct } from '../mm/kernel_memory.ts';
import { current_mm } from '../mm/mm_struct.ts';
import { WHY_HARDWARE, trace_pte_set } from '../trace/mm.ts';
import { is_x86_64, task_size } from './address.ts';
import { pte_offset_map, walk_page_table } from './pgalloc.ts';
import { read_pte, write_pte } from './pgtable.ts';
import type { pte_t } from './pte.ts';
import { _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_PRESENT, _PAGE_RW, _PAGE_USER, pte_page, pte_with } from './pte.ts';
import { TLB_ENTRIES, switch_mm, tlb_forget, tlb_load } from './tlb.ts';

/** Bits of a page fault's error code (T-6, X-28). */
export const PF_PROT = 1;
export const PF_WRITE = 2;
export const PF_USER = 4;
export const PF_RSVD = 8;

const OFFSET_MASK = PAGE_SIZE - 1;
/** What an entry in the TLB needs for a write without another walk. */
const WRITTEN = _PAGE_RW | _PAGE_DIRTY;
/** Half of what 48 address bits reach: above it, and below its negative, is the non-canonical hole. */
const CANONICAL = 2 ** 47;

/** What translate says where the access faults: nothing is there, or what is there forbids it. Both are below 0, as no place is. */
export const NOT_PRESENT = -1;
export const FORBIDDEN = -2;

/** Physical address behind a user address of the running process for a read, or a write; NOT_PRESENT or FORBIDDEN where that faults. Marks the entry
 *  as used. */
export function translate(k: Kernel, address: VirtAddr, write: 0 | 1): number {
  const tlb = k.tlbs[k.cpu]!;
  const vpn = Math.floor(address / PAGE_SIZE);
  const i = vpn & (TLB_ENTRIES - 1);
  if (tlb.vpn[i] !== vpn) return walk(k, address, write);
  const pte = tlb.pte[i]!;
  if (write === 1 && (pte & WRITTEN) !== WRITTEN) {
    if ((pte & _PAGE_RW) !== 0) return walk(k, address, write);
    tlb_forget(k, address);
    return FORBIDDEN;
  }
  tlb.hits++;
  return place_of(pte, address);
}

/** The walk of the tables, which only a process has: the tables in use become its own with its first access, if they are not. */
function walk(k: Kernel, address: VirtAddr, write: 0 | 1): number {
  const mm = current_mm(k);
  if (is_kernel_address(k, address)) return is_present(k, mm, address) ? FORBIDDEN : NOT_PRESENT;
  if (mm === null) return NOT_PRESENT;
  if (k.tlbs[k.cpu]!.mm !== mm.id) switch_mm(k, mm.id);
  const entry = pte_offset_map(k, mm, address);
  if (entry === null) return NOT_PRESENT;
  let pte = read_pte(k, entry);
  if ((pte & _PAGE_PRESENT) === 0) return NOT_PRESENT;
  if ((pte & _PAGE_USER) === 0 || (write === 1 && (pte & _PAGE_RW) === 0)) return FORBIDDEN;
  const marks = write === 1 ? _PAGE_ACCESSED | _PAGE_DIRTY : _PAGE_ACCESSED;
  if ((pte & marks) !== marks) {
    const old = pte;
    pte = pte_with(pte, marks, 0);
    write_pte(k, entry, pte);
    trace_pte_set(k, mm.id, address, old, pte, WHY_HARDWARE);
  }
  tlb_load(k, address, pte);
  return place_of(pte, address);
}

function place_of(pte: pte_t, address: VirtAddr): PhysAddr {
  return (pte_page(pte) * PAGE_SIZE + (address & OFFSET_MASK)) as PhysAddr;
}

/** The error code of an access that faulted: `place` is what translate said, `mode` is PF_USER or 0. */
export function fault_error_code(place: number, write: 0 | 1, mode: number): number {
  return (place === FORBIDDEN ? PF_PROT : 0) | (write === 1 ? PF_WRITE : 0) | mode;
}

/** Whether the tables in use map an address of the kernel. The boot's own tables of x86_64 are not modelled: what they map is there. */
function is_present(k: Kernel, mm: mm_struct | null, address: VirtAddr): boolean {
  const steps = walk_page_table(k, mm?.pgd ?? k.init_mm.pgd, address);
  if (is_x86_64(k) && steps.length === 1) return is_direct(k, address);
  return (steps.at(-1)!.value & _PAGE_PRESENT) !== 0;
}

/** Whether an address lies past user space: kernel addresses of x86_64 are negative here. */
export function is_kernel_address(k: Kernel, address: VirtAddr): boolean {
  return address < 0 || address >= task_size(k);
}

/** Whether the processor has the address at all. */
export function is_canonical(k: Kernel, address: VirtAddr): boolean {
  return !is_x86_64(k) || (address >= -CANONICAL && address < CANONICAL);
}

/** The address as the processor's registers hold it: i386 keeps 32 bits of it. */
export function register_value(k: Kernel, address: VirtAddr): VirtAddr {
  return is_x86_64(k) ? address : virt(address >>> 0);
}
