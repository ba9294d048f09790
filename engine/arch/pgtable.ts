// Page tables of the kernel (init_mm): tables of entries in frames, read and written through their bytes. Two levels on i386 without PAE, four on
// x86_64 (KERNEL.md M-1, T-1, X-5, X-31).
//
//   i386     31 … 22 PGD | 21 … 12 PTE | 11 … 0 byte            entries of 4 bytes, 1024 a table
//   x86_64   47 … 39 PGD | 38 … 30 PUD | 29 … 21 PMD | 20 … 12 PTE | 11 … 0   entries of 8 bytes, 512 a table
//
//   entry    frame << 12 | flags, bits 11 … 0                   bit 63, NX, on x86_64
//
// The direct map stands in the tables of i386 as pages of 4 MiB; on x86_64 the boot's own tables for it are not modelled.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { GFP_KERNEL, __GFP_REPEAT, __GFP_ZERO } from '../include/gfp.ts';
import { NO_PAGE, PAGE_SIZE, phys } from '../include/types.ts';
import { charge } from '../kernel/sched.ts';
import { read_phys32, write_phys32 } from '../mm/contents.ts';
import { __get_free_pages, free_page } from '../mm/page_alloc.ts';
import { is_x86_64, virt_to_phys } from './address.ts';

export const _PAGE_PRESENT = 0x001;
export const _PAGE_RW = 0x002;
export const _PAGE_USER = 0x004;
export const _PAGE_ACCESSED = 0x020;
export const _PAGE_DIRTY = 0x040;
export const _PAGE_PSE = 0x080;
export const _PAGE_GLOBAL = 0x100;
/** An entry that names a table. */
export const _PAGE_TABLE = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY;
/** Memory of the kernel, also read-only. */
export const PAGE_KERNEL = _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL;
export const PAGE_KERNEL_RO = PAGE_KERNEL & ~_PAGE_RW;
/** A large page of the direct map. */
export const PAGE_KERNEL_LARGE = PAGE_KERNEL | _PAGE_PSE;

const FLAGS = 0xfff;
/** Bit 63, in the upper word of an entry. */
const NX_HIGH_WORD = 0x80000000;
const TWO_32 = 2 ** 32;

/** Lowest address bit that each level's index takes, from the top. */
const SHIFTS = { i386: [22, 12], x86_64: [39, 30, 21, 12] } as const;

/** Bytes of an entry, and entries of a table. */
function entry_size(k: Kernel): number {
  return is_x86_64(k) ? 8 : 4;
}

/** Physical address of the entry for an address in a table of a level. */
function entry_of(k: Kernel, table: PhysAddr, shift: number, address: VirtAddr): PhysAddr {
  const entries = PAGE_SIZE / entry_size(k);
  const index = Math.floor(address / 2 ** shift) % entries;
  return phys(table + (index < 0 ? index + entries : index) * entry_size(k));
}

/** The entry of the top level for a kernel address (pgd_offset_k). */
export function pgd_offset_k(k: Kernel, address: VirtAddr): PhysAddr {
  return entry_of(k, k.init_mm.pgd, SHIFTS[k.platform.arch][0], address);
}

/** Physical address of the PTE for a kernel address, or null where a table on the way is missing or maps a large page. */
export function pte_offset_kernel(k: Kernel, address: VirtAddr): PhysAddr | null {
  let table = k.init_mm.pgd;
  const shifts = SHIFTS[k.platform.arch];
  for (const shift of shifts.slice(0, -1)) {
    const entry = entry_of(k, table, shift, address);
    const flags = pte_flags(k, entry);
    if ((flags & _PAGE_PRESENT) === 0 || (flags & _PAGE_PSE) !== 0) return null;
    table = phys(pte_pfn(k, entry) * PAGE_SIZE);
  }
  return entry_of(k, table, shifts.at(-1)!, address);
}

/** As pte_offset_kernel, with the tables that are missing allocated; null where there is no memory for them (pte_alloc_kernel). Tables stay. */
export function* pte_alloc_kernel(k: Kernel, address: VirtAddr): Generator<Wait, PhysAddr | null, void> {
  let table = k.init_mm.pgd;
  const shifts = SHIFTS[k.platform.arch];
  for (let level = 0; level < shifts.length - 1; level++) {
    const entry = entry_of(k, table, shifts[level]!, address);
    if (pte_none(k, entry)) {
      const page = yield* __get_free_pages(k, GFP_KERNEL | __GFP_REPEAT | __GFP_ZERO, 0);
      if (page === 0) return null;
      populate_kernel(k, entry, page);
    }
    table = phys(pte_pfn(k, entry) * PAGE_SIZE);
  }
  return entry_of(k, table, shifts.at(-1)!, address);
}

/** Hangs a new table in, unless somebody did so while this task slept for it: then it is not needed (__pte_alloc_kernel). */
function populate_kernel(k: Kernel, entry: PhysAddr, page: VirtAddr): void {
  if (pte_none(k, entry)) set_pte(k, entry, (virt_to_phys(k, page) / PAGE_SIZE) as Pfn, _PAGE_TABLE);
  else free_page(k, page);
}

/** Writes an entry; kernel memory of x86_64 is not executable. */
export function set_pte(k: Kernel, entry: PhysAddr, page: Pfn, prot: number): void {
  const value = page * PAGE_SIZE;
  write_phys32(k, entry, (value % TWO_32) + prot);
  if (is_x86_64(k)) write_phys32(k, phys(entry + 4), Math.floor(value / TWO_32) + ((prot & _PAGE_GLOBAL) !== 0 ? NX_HIGH_WORD : 0));
  charge(k, k.cost.pte);
}

export function pte_clear(k: Kernel, entry: PhysAddr): void {
  write_phys32(k, entry, 0);
  if (is_x86_64(k)) write_phys32(k, phys(entry + 4), 0);
  charge(k, k.cost.pte);
}

export function pte_none(k: Kernel, entry: PhysAddr): boolean {
  return read_phys32(k, entry) === 0 && (!is_x86_64(k) || read_phys32(k, phys(entry + 4)) === 0);
}

/** Frame that an entry names. */
export function pte_pfn(k: Kernel, entry: PhysAddr): Pfn {
  const low = Math.floor(read_phys32(k, entry) / PAGE_SIZE);
  const high = is_x86_64(k) ? read_phys32(k, phys(entry + 4)) % NX_HIGH_WORD : 0;
  return (low + high * (TWO_32 / PAGE_SIZE)) as Pfn;
}

/** Bits 0 … 11 of an entry. */
export function pte_flags(k: Kernel, entry: PhysAddr): number {
  return read_phys32(k, entry) & FLAGS;
}

/** Frame that a kernel address reaches through the tables, or NO_PAGE. Looking changes nothing. */
export function vmalloc_to_page(k: Kernel, address: VirtAddr): Pfn {
  const entry = pte_offset_kernel(k, address);
  return entry === null || (pte_flags(k, entry) & _PAGE_PRESENT) === 0 ? NO_PAGE : pte_pfn(k, entry);
}
