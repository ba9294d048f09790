// @nohooks
// Allocation flags of include/linux/gfp.h, 2.6.18 on i386 (KERNEL.md G-1, G-2), and their names for people to read. One differs on x86_64.

export const __GFP_DMA = 0x01;
export const __GFP_HIGHMEM = 0x02;
/** No flag of its own on i386, where ZONE_DMA32 is empty (G-1). */
export const __GFP_DMA32 = 0x00;
/** __GFP_DMA32 on x86_64; on i386 nobody sets the bit. */
export const X86_64_GFP_DMA32 = 0x04;
export const __GFP_WAIT = 0x10;
export const __GFP_HIGH = 0x20;
export const __GFP_IO = 0x40;
export const __GFP_FS = 0x80;
export const __GFP_COLD = 0x100;
export const __GFP_NOWARN = 0x200;
export const __GFP_REPEAT = 0x400;
export const __GFP_NOFAIL = 0x800;
export const __GFP_NORETRY = 0x1000;
export const __GFP_NO_GROW = 0x2000;
export const __GFP_COMP = 0x4000;
export const __GFP_ZERO = 0x8000;
export const __GFP_NOMEMALLOC = 0x10000;
export const __GFP_HARDWALL = 0x20000;

export const GFP_NOWAIT = 0;
export const GFP_ATOMIC = __GFP_HIGH;
export const GFP_NOIO = __GFP_WAIT;
export const GFP_NOFS = __GFP_WAIT | __GFP_IO;
export const GFP_KERNEL = __GFP_WAIT | __GFP_IO | __GFP_FS;
export const GFP_USER = GFP_KERNEL | __GFP_HARDWALL;
export const GFP_HIGHUSER = GFP_USER | __GFP_HIGHMEM;
export const GFP_DMA = __GFP_DMA;
export const GFP_DMA32 = __GFP_DMA32;

/** The bits that choose a zonelist: `gfp & GFP_ZONEMASK` indexes `node_zonelists` (G-3). */
export const GFP_ZONEMASK = 0x07;

/** Every flag and combination by the name a scenario writes. */
export const GFP: Readonly<Record<string, number>> = {
  GFP_NOWAIT, GFP_ATOMIC, GFP_NOIO, GFP_NOFS, GFP_KERNEL, GFP_USER, GFP_HIGHUSER, GFP_DMA, GFP_DMA32,
  __GFP_DMA, __GFP_HIGHMEM, __GFP_DMA32, __GFP_WAIT, __GFP_HIGH, __GFP_IO, __GFP_FS, __GFP_COLD, __GFP_NOWARN, __GFP_REPEAT,
  __GFP_NOFAIL, __GFP_NORETRY, __GFP_NO_GROW, __GFP_COMP, __GFP_ZERO, __GFP_NOMEMALLOC, __GFP_HARDWALL,
};

/** Combinations tried in this order, widest first, when a mask is written by names. */
const COMBINATIONS: readonly (readonly [string, number])[] = [
  ['GFP_HIGHUSER', GFP_HIGHUSER], ['GFP_USER', GFP_USER], ['GFP_KERNEL', GFP_KERNEL], ['GFP_NOFS', GFP_NOFS], ['GFP_ATOMIC', GFP_ATOMIC], ['GFP_NOIO', GFP_NOIO],
];
const SINGLE: readonly (readonly [string, number])[] = [
  ...Object.entries(GFP).filter(([name, bits]) => name.startsWith('__') && bits !== 0), ['__GFP_DMA32', X86_64_GFP_DMA32],
];

/** A gfp mask by names, as the kernel's own trace output writes it: `GFP_KERNEL|__GFP_COLD`; unknown bits stay hex; 0 is `GFP_NOWAIT`. */
export function show_gfp_flags(mask: number): string {
  if (mask === 0) return 'GFP_NOWAIT';
  const names: string[] = [];
  let rest = mask;
  const wide = COMBINATIONS.find(([, bits]) => (mask & bits) === bits);
  if (wide !== undefined) {
    names.push(wide[0]);
    rest &= ~wide[1];
  }
  for (const [name, bit] of SINGLE) {
    if ((rest & bit) === 0) continue;
    names.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  return names.join('|');
}
