// @nohooks
// Ranges of user addresses, as the calls that walk page tables over them need them: whole pages, ends that do not wrap, and which tables there are on
// the way (the pgd, pud and pmd loops of mm/*.c in one; include/asm-generic/pgtable.h). Looking changes nothing.

import type { Kernel } from '../kernel.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { bits_per_long } from '../arch/address.ts';
import { pmd_size } from '../arch/pgalloc.ts';
import { SHIFTS, entry_of, read_pte } from '../arch/pgtable.ts';
import { _PAGE_PRESENT, pte_page } from '../arch/pte.ts';

/** The size in whole pages, bytes, as a long holds it: on i386 what reaches into the last page of 4 GiB aligns to 0. */
export function PAGE_ALIGN(k: Kernel, bytes: number): number {
  const aligned = Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
  const wrapped = aligned % 2 ** bits_per_long(k);
  return wrapped < 0 ? wrapped + 2 ** bits_per_long(k) : wrapped;
}

/** The page that an address lies in, bytes (PAGE_MASK). */
export function page_start(address: VirtAddr): VirtAddr {
  return virt(Math.floor(address / PAGE_SIZE) * PAGE_SIZE);
}

/** Whether `end`, as the processor adds it up, comes out at or below its start: a long has 32 bits on i386 and 64 on x86_64. */
export function end_wraps(k: Kernel, start: VirtAddr, end: number): boolean {
  if (start < 0) return end >= 0;
  return end >= 2 ** bits_per_long(k);
}

/** The end of the part of a range that one table of the lowest level serves (pmd_addr_end). */
export function pmd_addr_end(k: Kernel, address: VirtAddr, end: VirtAddr): VirtAddr {
  const size = pmd_size(k);
  return virt(Math.min(end, (Math.floor(address / size) + 1) * size));
}

/** The first address from `address` on that has a table of the lowest level; `end` where there is none before. Empty upper entries are skipped. */
export function next_pte_table(k: Kernel, mm: mm_struct, address: VirtAddr, end: VirtAddr): VirtAddr {
  let at = address as number;
  while (at < end) {
    const hole = hole_at(k, mm.pgd, virt(at));
    if (hole === 0) return virt(at);
    at = (Math.floor(at / hole) + 1) * hole;
  }
  return end;
}

/** How much the empty entry maps that a walk for an address ends at, bytes; 0 where the walk reaches a table of the lowest level. */
function hole_at(k: Kernel, pgd: PhysAddr, address: VirtAddr): number {
  const shifts = SHIFTS[k.platform.arch];
  let table = pgd;
  for (let level = 0; level < shifts.length - 1; level++) {
    const pte = read_pte(k, entry_of(k, table, shifts[level]!, address));
    if ((pte & _PAGE_PRESENT) === 0) return 2 ** shifts[level]!;
    table = phys(pte_page(pte) * PAGE_SIZE);
  }
  return 0;
}
