// @nohooks
// Kernel addresses of low memory, whatever the architecture: which layout a machine has is in its platform (KERNEL.md M-2, X-3, X-4).

import type { Kernel } from '../kernel.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../include/types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import * as i386 from './i386/layout.ts';
import * as x86_64 from './x86_64/layout.ts';

export function is_x86_64(k: Kernel): boolean {
  return k.platform.arch === 'x86_64';
}

/** First address of the direct map. */
export function page_offset(k: Kernel): number {
  return is_x86_64(k) ? x86_64.PAGE_OFFSET : i386.PAGE_OFFSET;
}

/** First address past user space. */
export function task_size(k: Kernel): number {
  return is_x86_64(k) ? x86_64.TASK_SIZE : i386.TASK_SIZE;
}

/** First and past-the-last byte of vmalloc space (M-5, M-6, X-3). */
export function vmalloc_space(k: Kernel): { start: number; end: number } {
  return is_x86_64(k) ? x86_64.vmalloc_range() : i386.vmalloc_range(k.platform.max_low_pfn);
}

/** sizeof(struct page), bytes (P-1, X-13). */
export function sizeof_page(k: Kernel): number {
  return is_x86_64(k) ? x86_64.SIZEOF_PAGE : i386.SIZEOF_PAGE;
}

/** A cache line: the alignment of what the boot allocator gives unless asked for more. */
export function smp_cache_bytes(k: Kernel): number {
  return is_x86_64(k) ? x86_64.SMP_CACHE_BYTES : i386.SMP_CACHE_BYTES;
}

/** Bits of a long: a word of the boot allocator's bitmap (B-5, X-26). */
export function bits_per_long(k: Kernel): number {
  return is_x86_64(k) ? 64 : 32;
}

/** Kernel address of a frame of low memory (page_address without highmem windows; M-2, X-49). */
export function page_address(k: Kernel, page: Pfn): VirtAddr {
  return virt(page * PAGE_SIZE + page_offset(k));
}

/** Physical address behind an address of the direct map, or on x86_64 of the kernel image's own map (__pa; X-4). */
export function virt_to_phys(k: Kernel, address: VirtAddr): PhysAddr {
  if (is_x86_64(k) && address >= x86_64.__START_KERNEL_map && address < 0) return phys(address - x86_64.__START_KERNEL_map);
  return phys(address - page_offset(k));
}

/** Frame behind an address of the direct map (virt_to_page). */
export function virt_to_page(k: Kernel, address: VirtAddr): Pfn {
  return Math.floor(virt_to_phys(k, address) / PAGE_SIZE) as Pfn;
}
