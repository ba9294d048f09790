// Dirty pages (mm/page-writeback.c; KERNEL.md R-8, FM-13). So far only the mark itself: a page turns dirty when an entry that was written through is
// taken away, and clean when it is given up. Not modelled yet: writing pages out, and whatever limits how many may be dirty (chapter 12); the tags
// of the page cache's tree; dirty inodes.

import type { Kernel } from '../kernel.ts';
import type { Pfn } from '../include/types.ts';
import { NR_FILE_DIRTY } from '../include/mmzone.ts';
import { PG_dirty } from '../include/page-flags.ts';
import { PageAnon, clear_page_flag, page_mapping_raw, set_page_flag, test_page_flag } from './mem_map.ts';
import { inode_of } from './mm_struct.ts';
import { dec_zone_page_state, inc_zone_page_state } from './vmstat.ts';

/** Marks a page dirty, and counts it where it has a disk to go to; true when it was clean (mm/page-writeback.c:set_page_dirty). */
export function set_page_dirty(k: Kernel, page: Pfn): boolean {
  if (test_page_flag(k, page, PG_dirty)) return false;
  set_page_flag(k, page, PG_dirty);
  if (mapping_cap_account_dirty(k, page)) inc_zone_page_state(k, page, NR_FILE_DIRTY);
  return true;
}

/** Marks a page clean; whether it was dirty (mm/page-writeback.c:test_clear_page_dirty). */
export function test_clear_page_dirty(k: Kernel, page: Pfn): boolean {
  if (!test_page_flag(k, page, PG_dirty)) return false;
  clear_page_flag(k, page, PG_dirty);
  if (mapping_cap_account_dirty(k, page)) dec_zone_page_state(k, page, NR_FILE_DIRTY);
  return true;
}

/** Pages of memory that lives in memory alone, shared or not, are dirty all the time: nobody counts them (BDI_CAP_NO_ACCT_DIRTY). */
function mapping_cap_account_dirty(k: Kernel, page: Pfn): boolean {
  const mapping = page_mapping_raw(k, page);
  return mapping !== 0 && !PageAnon(k, page) && inode_of(k, mapping / 2).kind === 'file';
}
