// @nohooks
// Where things are on x86_64 with four-level page tables (KERNEL.md X-1 … X-4). Kernel addresses are sign-extended here: the upper half of the
// address space is negative, so that a double holds every canonical address exactly.
//
//   0 … TASK_SIZE                                            user space, 2^47 less a guard page
//   0000800000000000 … FFFF7FFFFFFFFFFF                      no addresses: the non-canonical hole
//   FFFF810000000000 (PAGE_OFFSET)                           the direct map of all physical memory, virt = phys + PAGE_OFFSET
//   FFFFC20000000000 … FFFFE1FFFFFFFFFF                      vmalloc space, 32 TiB
//   FFFFFFFF80000000 (__START_KERNEL_map), 40 MiB            kernel text: maps physical 0
//   FFFFFFFF88000000 … FFFFFFFFFFF00000                      modules
//   FFFFFFFFFF600000 … FFFFFFFFFFE00000                      vsyscall pages; the fixed mappings hang below their end

import { PAGE_SIZE, pfn } from '../../include/types.ts';

const MiB = 1 << 20;
const GiB = 1 << 30;

export const TASK_SIZE = 0x7ffffffff000;
/** FFFF810000000000. */
export const PAGE_OFFSET = -0x7f0000000000;
/** FFFFFFFF80000000. */
export const __START_KERNEL_map = -0x80000000;
/** FFFFC20000000000, and the last byte of the space: FFFFE1FFFFFFFFFF. */
export const VMALLOC_START = -0x3e0000000000;
export const VMALLOC_END = -0x1e0000000001;
/** FFFFFFFF88000000 and FFFFFFFFFFF00000. */
export const MODULES_VADDR = -0x78000000;
export const MODULES_END = -0x100000;
/** FFFFFFFFFF600000 and FFFFFFFFFFE00000. */
export const VSYSCALL_START = -0xa00000;
export const VSYSCALL_END = -0x200000;
/** First byte past the physical memory that the direct map could hold. */
export const MAXMEM = 2 ** 46;

/** First frame past the DMA zone, and past the DMA32 zone, which ends where 32-bit devices do. */
export const MAX_DMA_PFN = pfn((16 * MiB) / PAGE_SIZE);
export const MAX_DMA32_PFN = pfn((4 * GiB) / PAGE_SIZE);

/** First byte of the kernel image (CONFIG_PHYSICAL_START). */
export const PHYSICAL_START = 2 * MiB;
/** Pages of the image from there on, as the worked tables assume. */
export const KERNEL_IMAGE_PAGES = 1280;
/** Where the firmware keeps devices: RAM that would lie there appears above 4 GiB. */
export const PCI_HOLE = { start: 3.5 * GiB, end: 4 * GiB };
/** Where boot page tables are looked for: what lies below is used to start the other processors. */
export const EARLY_TABLE_START = 0x8000;
/** What maps this much physical memory: one PUD page and one PMD page. */
export const PGDIR_SIZE = 512 * GiB;
export const PUD_SIZE = GiB;

/** sizeof(struct page) and the other sizes that the boot multiplies, bytes. */
export const SIZEOF_PAGE = 56;
export const SIZEOF_WAIT_QUEUE_HEAD = 24;
export const SIZEOF_HASH_HEAD = 8;
/** L1_CACHE_BYTES of a kernel for any processor. */
export const SMP_CACHE_BYTES = 128;

/** Whole pages that the struct pages of so many frames take. */
export function memmap_pages(spanned: number): number {
  return Math.floor((spanned * SIZEOF_PAGE) / PAGE_SIZE);
}

/** First and past-the-last byte that vmalloc may use; the last byte of the space is outside. */
export function vmalloc_range(): { start: number; end: number } {
  return { start: VMALLOC_START, end: VMALLOC_END };
}
