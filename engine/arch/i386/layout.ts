// @nohooks
// Where things are on i386 with the 3G/1G split, without PAE, with CONFIG_HIGHMEM4G (KERNEL.md M-1 … M-8).
//
//   0 ………… PAGE_OFFSET            user space
//   PAGE_OFFSET … high_memory      the direct map of low memory, virt = phys + PAGE_OFFSET
//   VMALLOC_START … VMALLOC_END    vmalloc space, 8 to 16 MiB above high_memory
//   PKMAP_BASE … FIXADDR_TOP       highmem windows and fixed mappings

import type { Pfn, VirtAddr } from '../../include/types.ts';
import { PAGE_SIZE, pfn, virt } from '../../include/types.ts';

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
const VMALLOC_OFFSET = 8 * MiB;
const PKMAP_BASE = 0xff800000;

/** Kernel address of a frame of low memory (page_address without highmem windows; M-2). */
export function page_address(page: Pfn): VirtAddr {
  return virt(page * PAGE_SIZE + PAGE_OFFSET);
}

/** Frame behind an address of the direct map (virt_to_page). */
export function virt_to_page(address: VirtAddr): Pfn {
  return pfn(Math.floor((address - PAGE_OFFSET) / PAGE_SIZE));
}

/** First and past-the-last byte of vmalloc space for a machine whose low memory ends at max_low_pfn (M-5, M-6). */
export function vmalloc_range(max_low_pfn: Pfn): { start: number; end: number } {
  const high_memory = max_low_pfn * PAGE_SIZE + PAGE_OFFSET;
  const start = Math.floor((high_memory + 2 * VMALLOC_OFFSET - 1) / VMALLOC_OFFSET) * VMALLOC_OFFSET;
  return { start, end: PKMAP_BASE - 2 * PAGE_SIZE };
}
