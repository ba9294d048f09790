// @nohooks
// Branded numbers: a page frame number, an address and a list head are different things even where all are integers.

declare const brand: unique symbol;

/** Page frame number: physical address / 4096. */
export type Pfn = number & { readonly [brand]: 'pfn' };
/** Physical address in bytes. */
export type PhysAddr = number & { readonly [brand]: 'phys' };
/** Virtual address in bytes; a kernel address of x86_64 is sign-extended (DESIGN.md, decision 1). */
export type VirtAddr = number & { readonly [brand]: 'virt' };
/** Index of a list head in the link columns, past the last page frame. */
export type ListHead = number & { readonly [brand]: 'list' };

/** What an allocation returns when there is no page. Frame 0 is a real frame, so 0 would not do. */
export const NO_PAGE = -1 as Pfn;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;

export function pfn(n: number): Pfn {
  return n as Pfn;
}

export function phys(n: number): PhysAddr {
  return n as PhysAddr;
}

export function virt(n: number): VirtAddr {
  return n as VirtAddr;
}

/** First byte of a frame. */
export function pfn_to_phys(frame: Pfn): PhysAddr {
  return (frame * PAGE_SIZE) as PhysAddr;
}

/** Frame that holds a physical address. */
export function phys_to_pfn(address: PhysAddr): Pfn {
  return Math.floor(address / PAGE_SIZE) as Pfn;
}
