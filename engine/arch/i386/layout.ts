// @nohooks
// Where things are on i386 with the 3G/1G split, without PAE, with CONFIG_HIGHMEM4G (KERNEL.md M-1 … M-8).
//
//   0 ………… PAGE_OFFSET            user space
//   PAGE_OFFSET … high_memory      the direct map of low memory, virt = phys + PAGE_OFFSET
//   VMALLOC_START … VMALLOC_END    vmalloc space, 8 to 16 MiB above high_memory
//   PKMAP_BASE … FIXADDR_TOP       highmem windows and fixed mappings

import type { Pfn } from '../../include/types.ts';
import { PAGE_SIZE, pfn } from '../../include/types.ts';

const MiB = 1 << 20;

export const PAGE_OFFSET = 0xc0000000;
export const TASK_SIZE = PAGE_OFFSET;
/** Low memory at most: what the direct map has room for beside 128 MiB of vmalloc and windows (M-3). */
export const MAXMEM = 896 * MiB;
/** First frame past the DMA zone (M-4). */
export const MAX_DMA_PFN = pfn((16 * MiB) / PAGE_SIZE);
/** First byte of the kernel image (M-8). */
export const PHYSICAL_START = MiB;
/** Physical memory that non-PAE page tables reach. */
export const MAX_PHYSICAL = 4096 * MiB;
/** sizeof(struct page), bytes (P-1). */
export const SIZEOF_PAGE = 32;
/** L1 cache line of the recorded machines. */
export const SMP_CACHE_BYTES = 32;
const VMALLOC_OFFSET = 8 * MiB;
/** The kmap window: LAST_PKMAP pages (M-6, VM-6). */
export const PKMAP_BASE = 0xff800000;
/** Fixed mappings hang below it, page n at FIXADDR_TOP - n pages; the atomic windows begin at this n, behind a hole and the vdso. */
export const FIXADDR_TOP = 0xfffff000;
export const FIX_KMAP_BEGIN = 2;

/** First and past-the-last byte of vmalloc space for a machine whose low memory ends at max_low_pfn (M-5, M-6). */
export function vmalloc_range(max_low_pfn: Pfn): { start: number; end: number } {
  const high_memory = max_low_pfn * PAGE_SIZE + PAGE_OFFSET;
  const start = Math.floor((high_memory + 2 * VMALLOC_OFFSET - 1) / VMALLOC_OFFSET) * VMALLOC_OFFSET;
  return { start, end: PKMAP_BASE - 2 * PAGE_SIZE };
}
