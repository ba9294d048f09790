// @nohooks
// Bits of page.flags (include/linux/page-flags.h, KERNEL.md P-7).
//
//   31 30 | 29 … 24 | 23 … 20 | 19 … 0
//   zone  | node    | unused  | PG_ flags

export const PG_locked = 0;
export const PG_error = 1;
export const PG_referenced = 2;
export const PG_uptodate = 3;
export const PG_dirty = 4;
export const PG_lru = 5;
export const PG_active = 6;
export const PG_slab = 7;
export const PG_checked = 8;
export const PG_arch_1 = 9;
export const PG_reserved = 10;
export const PG_private = 11;
export const PG_writeback = 12;
export const PG_nosave = 13;
export const PG_compound = 14;
export const PG_swapcache = 15;
export const PG_mappedtodisk = 16;
export const PG_reclaim = 17;
export const PG_nosave_free = 18;
export const PG_buddy = 19;

/** Number of PG_ bits; the words above them hold node and zone. */
export const NR_PAGEFLAGS = 20;
export const ZONES_PGSHIFT = 30;
export const NODES_PGSHIFT = 24;
export const NODES_MASK = 0x3f;
export const PAGEFLAGS_MASK = (1 << NR_PAGEFLAGS) - 1;

/** Names by bit number. */
export const PAGE_FLAG_NAMES: readonly string[] = [
  'PG_locked', 'PG_error', 'PG_referenced', 'PG_uptodate', 'PG_dirty', 'PG_lru', 'PG_active', 'PG_slab', 'PG_checked', 'PG_arch_1',
  'PG_reserved', 'PG_private', 'PG_writeback', 'PG_nosave', 'PG_compound', 'PG_swapcache', 'PG_mappedtodisk', 'PG_reclaim', 'PG_nosave_free', 'PG_buddy',
];

/** The PG_ part of a flags word by names: `PG_locked|PG_lru`, `0` when none is set. */
export function show_page_flags(flags: number): string {
  const names = PAGE_FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0);
  return names.length === 0 ? '0' : names.join('|');
}
