// @nohooks
// A batch of pages (include/linux/pagevec.h; KERNEL.md L-2).

import type { Pfn } from './types.ts';

export const PAGEVEC_SIZE = 14;

export interface pagevec {
  pages: Pfn[];
  cold: number;
}
