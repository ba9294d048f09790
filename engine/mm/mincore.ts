// mincore: which pages of a mapping are in memory (mm/mincore.c).
//
// 2.6.18 asks the page cache, not the page tables: a page counts when its file's cache holds it up to date, whether this process maps it or not. It
// has no answer for anonymous memory, which has no file: -ENOMEM. (2.6.21 was the first to look at the page tables.)
//
// Left out: the bytes the kernel writes into the caller's memory, and the page of its own in which it gathers them; the answer is a list.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode, vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EINVAL, ENOMEM } from '../include/errno.ts';
import { PG_uptodate } from '../include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../include/types.ts';
import { task_size } from '../arch/address.ts';
import { down_read, up_read } from '../kernel/rwsem.ts';
import { find_get_page } from './filemap.ts';
import { test_page_flag } from './mem_map.ts';
import { current_mm, vma_inode } from './mm_struct.ts';
import { find_vma } from './mmap.ts';
import { page_cache_release } from './swap.ts';
import { next_vma } from './vma_list.ts';

/** 1 or 0 for each page of `len` bytes from `start` on; -EINVAL where start is within a page, -ENOMEM over a hole or anonymous memory. */
export function* sys_mincore(k: Kernel, start: VirtAddr, len: number): Generator<Wait, number[] | number, void> {
  if (start % PAGE_SIZE !== 0) return -EINVAL;
  if (start < 0 || start >= task_size(k)) return -ENOMEM;
  if (len === 0) return [];
  const length = Math.ceil(len / PAGE_SIZE) * PAGE_SIZE;
  if (length > task_size(k) - start) return -ENOMEM;
  const mm = current_mm(k)!;
  yield* down_read(k, mm.mmap_sem);
  const vec: number[] = [];
  let vma = find_vma(k, mm, start);
  let at = start;
  const end = virt(start + length);
  // A hole makes the whole answer -ENOMEM, so there is no need to look further.
  while (at < end && vma !== null && vma.vm_start <= at && vma.vm_file !== 0) {
    const until = virt(Math.min(end, vma.vm_end));
    mincore_vma(k, vma, { start: at, end: until, vec });
    at = until;
    vma = next_vma(k, vma);
  }
  up_read(k, mm.mmap_sem);
  return at < end ? -ENOMEM : vec;
}

function mincore_vma(k: Kernel, vma: vm_area_struct, { start, end, vec }: { start: VirtAddr; end: VirtAddr; vec: number[] }): void {
  const mapped = vma_inode(k, vma)!;
  const first = vma.vm_pgoff + (start - vma.vm_start) / PAGE_SIZE;
  for (let i = 0; i < (end - start) / PAGE_SIZE; i++) vec.push(mincore_page(k, mapped, first + i));
}

function mincore_page(k: Kernel, mapped: inode, index: number): 0 | 1 {
  const page = find_get_page(k, mapped, index);
  if (page === NO_PAGE) return 0;
  const present = test_page_flag(k, page, PG_uptodate) ? 1 : 0;
  page_cache_release(k, page);
  return present;
}
