// Page tables, of the kernel (init_mm) and of every address space: tables of entries in frames, read and written through their bytes. Two levels on
// i386 without PAE, four on x86_64 (KERNEL.md M-1, T-1, X-5 … ). What an entry says is in arch/pte.ts.
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
import { read_phys32, read_phys64, write_phys32, write_phys64 } from '../mm/contents.ts';
import { __get_free_pages, free_page } from '../mm/page_alloc.ts';
import { is_x86_64, virt_to_phys } from './address.ts';
import type { pte_t } from './pte.ts';
import {
  _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_GLOBAL, _PAGE_NX, _PAGE_PRESENT, _PAGE_PSE, _PAGE_RW, _PAGE_USER, mk_pte, pte_low, pte_page,
} from './pte.ts';

/** An entry that names a table. */
export const _PAGE_TABLE = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY;
/** Memory of the kernel, also read-only. */
export const PAGE_KERNEL = _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL;
export const PAGE_KERNEL_RO = PAGE_KERNEL & ~_PAGE_RW;
/** A large page of the direct map. */
export const PAGE_KERNEL_LARGE = PAGE_KERNEL | _PAGE_PSE;

/** Lowest address bit that each level's index takes, from the top. */
export const SHIFTS = { i386: [22, 12], x86_64: [39, 30, 21, 12] } as const;

/** Bytes of an entry, and entries of a table. */
export function entry_size(k: Kernel): number {
  return is_x86_64(k) ? 8 : 4;
}

/** Powers of two by exponent: a shift of more bits than the 32 of the bit operators. */
const TWO_TO: readonly number[] = Array.from({ length: 48 }, (_, exponent) => 2 ** exponent);

/** Physical address of the entry for an address in a table of a level. @nohooks */
export function entry_of(k: Kernel, table: PhysAddr, shift: number, address: VirtAddr): PhysAddr {
  if (k.platform.arch === 'i386') return phys(table + ((address >>> shift) & 0x3ff) * 4);
  return phys(table + (Math.floor(address / TWO_TO[shift]!) & 0x1ff) * 8);
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
    const flags = entry_flags(k, entry);
    if ((flags & _PAGE_PRESENT) === 0 || (flags & _PAGE_PSE) !== 0) return null;
    table = phys(entry_pfn(k, entry) * PAGE_SIZE);
  }
  return entry_of(k, table, shifts.at(-1)!, address);
}

/** As pte_offset_kernel, with the tables that are missing allocated; null where there is no memory for them (pte_alloc_kernel). Tables stay. */
export function* pte_alloc_kernel(k: Kernel, address: VirtAddr): Generator<Wait, PhysAddr | null, void> {
  let table = k.init_mm.pgd;
  const shifts = SHIFTS[k.platform.arch];
  for (let level = 0; level < shifts.length - 1; level++) {
    const entry = entry_of(k, table, shifts[level]!, address);
    if (entry_none(k, entry)) {
      const page = yield* __get_free_pages(k, GFP_KERNEL | __GFP_REPEAT | __GFP_ZERO, 0);
      if (page === 0) return null;
      populate_kernel(k, entry, page);
    }
    table = phys(entry_pfn(k, entry) * PAGE_SIZE);
  }
  return entry_of(k, table, shifts.at(-1)!, address);
}

/** Hangs a new table in, unless somebody did so while this task slept for it: then it is not needed (__pte_alloc_kernel). */
function populate_kernel(k: Kernel, entry: PhysAddr, page: VirtAddr): void {
  if (entry_none(k, entry)) set_entry(k, entry, (virt_to_phys(k, page) / PAGE_SIZE) as Pfn, _PAGE_TABLE);
  else free_page(k, page);
}

/** An entry as a number (arch/pte.ts). @nohooks */
export function read_pte(k: Kernel, entry: PhysAddr): pte_t {
  return k.platform.arch === 'i386' ? read_phys32(k, entry) : read_phys64(k, entry);
}

/** Writes an entry; its cost is its user's. @nohooks */
export function write_pte(k: Kernel, entry: PhysAddr, pte: pte_t): void {
  if (k.platform.arch === 'i386') write_phys32(k, entry, pte);
  else write_phys64(k, entry, pte);
}

/** Writes an entry of the kernel's tables; its memory of x86_64 is not executable. */
export function set_entry(k: Kernel, entry: PhysAddr, page: Pfn, prot: number): void {
  const nx = is_x86_64(k) && (prot & _PAGE_GLOBAL) !== 0 ? _PAGE_NX : 0;
  write_pte(k, entry, mk_pte(page, prot) + nx);
  charge(k, k.cost.pte);
}

export function clear_entry(k: Kernel, entry: PhysAddr): void {
  write_pte(k, entry, 0);
  charge(k, k.cost.pte);
}

export function entry_none(k: Kernel, entry: PhysAddr): boolean {
  return read_pte(k, entry) === 0;
}

/** Frame that an entry names. */
export function entry_pfn(k: Kernel, entry: PhysAddr): Pfn {
  return pte_page(read_pte(k, entry));
}

/** Bits 0 … 11 of an entry. */
export function entry_flags(k: Kernel, entry: PhysAddr): number {
  return pte_low(read_pte(k, entry));
}

/** Frame that a kernel address reaches through the tables, or NO_PAGE. Looking changes nothing. */
export function vmalloc_to_page(k: Kernel, address: VirtAddr): Pfn {
  const entry = pte_offset_kernel(k, address);
  return entry === null || (entry_flags(k, entry) & _PAGE_PRESENT) === 0 ? NO_PAGE : entry_pfn(k, entry);
}
