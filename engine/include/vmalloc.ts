// @nohooks
// What include/linux/vmalloc.h declares: areas of kernel virtual space (KERNEL.md VM-1, VM-4).

import type { Pfn, VirtAddr } from './types.ts';

export const VM_IOREMAP = 0x1;
export const VM_ALLOC = 0x2;
export const VM_MAP = 0x4;
export const VM_USERMAP = 0x8;
/** The page array is an area itself. */
export const VM_VPAGES = 0x10;

/** sizeof(struct vm_struct) and of a pointer, bytes, by what the architecture's long is. */
export const SIZEOF_VM_STRUCT = { 32: 28, 64: 56 } as const;

/** One area; `size` counts the guard page behind it. */
export interface vm_struct {
  addr: VirtAddr;
  size: number;
  flags: number;
  /** The frames mapped, first to last; their array's own memory is at pages_addr. */
  pages: Pfn[];
  nr_pages: number;
  phys_addr: number;
  /** Memory of this structure (kmalloc) and of its page array (kmalloc, or vmalloc with VM_VPAGES); 0 for none. */
  self_addr: VirtAddr;
  pages_addr: VirtAddr;
  /** Non-zero once every page of it is mapped (our own, for the state lint). */
  mapped: number;
}
