// madvise: what a process says about how it will use its memory (mm/madvise.c; KERNEL.md MM-18).
//
//   MADV_NORMAL, MADV_SEQUENTIAL, MADV_RANDOM   how a file's pages are read ahead: flags of the VMA, which may split or join
//   MADV_DONTFORK, MADV_DOFORK                  whether a fork copies it: a flag too
//   MADV_WILLNEED                               reads a file's pages now, 2 MiB at a time
//   MADV_DONTNEED                               unmaps the pages: anonymous contents are lost, the next read sees zeroes
//   MADV_REMOVE                                 shared memory in memory alone gives up the pages themselves, for everybody
//
// Left out: nonlinear mappings' own way of unmapping, and files that are executed in place.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EACCES, EAGAIN, EBADF, EINVAL, ENOMEM, ENOSYS } from '../include/errno.ts';
import {
  MADV_DOFORK, MADV_DONTFORK, MADV_DONTNEED, MADV_NORMAL, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_WILLNEED,
} from '../include/mman.ts';
import { VM_DONTCOPY, VM_HUGETLB, VM_IO, VM_LOCKED, VM_NONLINEAR, VM_PFNMAP, VM_RAND_READ, VM_SEQ_READ, VM_SHARED, VM_WRITE } from '../include/mm_types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { unmap_mapping_range, zap_page_range } from './memory_zap.ts';
import { find_vma_prev } from './mmap.ts';
import { current_mm, mm_of, vma_inode } from './mm_struct.ts';
import { split_to_range } from './mprotect.ts';
import { PAGE_ALIGN, end_wraps } from './pte_range.ts';
import { force_page_cache_readahead, max_sane_readahead } from './readahead.ts';
import { truncate_inode_pages_range } from './truncate.ts';
import { next_vma } from './vma_list.ts';
import { vma_merge } from './vma_merge.ts';


/** What is advised about which part of one VMA. `prev` is the VMA before the part, or the one it lies in. */
interface advice {
  prev: vm_area_struct | null;
  start: VirtAddr;
  end: VirtAddr;
  behavior: number;
}

/** The VMA that holds the end of the part now, and 0 or a negative errno. */
interface madvise_result {
  vma: vm_area_struct;
  error: number;
}

/** Advises about `len` bytes from `start` on. 0; -EINVAL, -ENOMEM where a part is not mapped (the rest is advised), -EBADF, -EACCES, -EAGAIN. */
export function* sys_madvise(k: Kernel, start: VirtAddr, len: number, behavior: number): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const error = yield* do_madvise(k, mm, { start, len, behavior });
  up_write(k, mm.mmap_sem);
  return error;
}

function* do_madvise(
  k: Kernel, mm: mm_struct, { start, len, behavior }: { start: VirtAddr; len: number; behavior: number },
): Generator<Wait, number, void> {
  const length = PAGE_ALIGN(k, len);
  const end = virt(start + length);
  if (start % PAGE_SIZE !== 0 || (len !== 0 && length === 0) || end_wraps(k, start, end)) return -EINVAL;
  if (end === start) return 0;
  const found = find_vma_prev(k, mm, start);
  let vma = found.vma;
  let prev = vma !== null && start > vma.vm_start ? vma : found.prev;
  let at = start;
  let unmapped_error = 0;
  for (;;) {
    if (vma === null) return -ENOMEM;
    if (at < vma.vm_start) {
      unmapped_error = -ENOMEM;
      at = vma.vm_start;
      if (at >= end) return -ENOMEM;
    }
    const until = virt(Math.min(vma.vm_end, end));
    const done: madvise_result = yield* madvise_vma(k, vma, { prev, start: at, end: until, behavior });
    if (done.error !== 0) return done.error;
    prev = done.vma;
    at = virt(Math.max(until, prev.vm_end));
    if (at >= end) return unmapped_error;
    vma = next_vma(k, prev);
  }
}

function* madvise_vma(k: Kernel, vma: vm_area_struct, advice: advice): Generator<Wait, madvise_result, void> {
  let error = 0;
  switch (advice.behavior) {
    case MADV_REMOVE:
      error = yield* madvise_remove(k, vma, advice);
      return { vma, error };
    case MADV_WILLNEED:
      error = yield* madvise_willneed(k, vma, advice);
      return { vma, error };
    case MADV_DONTNEED:
      error = yield* madvise_dontneed(k, vma, advice);
      return { vma, error };
    default: {
      const vm_flags = advised_flags(vma.vm_flags, advice.behavior);
      if (vm_flags < 0) return { vma, error: vm_flags };
      const result = yield* madvise_behavior(k, vma, advice, vm_flags);
      return result;
    }
  }
}

/** The VMA's flags with the advice in them, or -EINVAL: unknown advice, or a fork would copy what belongs to a device. */
function advised_flags(vm_flags: number, behavior: number): number {
  switch (behavior) {
    case MADV_NORMAL: return vm_flags & ~VM_RAND_READ & ~VM_SEQ_READ;
    case MADV_SEQUENTIAL: return (vm_flags & ~VM_RAND_READ) | VM_SEQ_READ;
    case MADV_RANDOM: return (vm_flags & ~VM_SEQ_READ) | VM_RAND_READ;
    case MADV_DONTFORK: return vm_flags | VM_DONTCOPY;
    case MADV_DOFORK: return (vm_flags & VM_IO) !== 0 ? -EINVAL : vm_flags & ~VM_DONTCOPY;
    default: return -EINVAL;
  }
}

/** Gives a part of one VMA new flags; what lacks memory for a split is told to try again. */
function* madvise_behavior(k: Kernel, vma: vm_area_struct, { prev, start, end }: advice, vm_flags: number): Generator<Wait, madvise_result, void> {
  if (vm_flags === vma.vm_flags) return { vma, error: 0 };
  const pgoff = vma.vm_pgoff + (start - vma.vm_start) / PAGE_SIZE;
  const merged = vma_merge(k, mm_of(k, vma.vm_mm), prev, { addr: start, end, vm_flags, anon_vma: vma.anon_vma, file: vma.vm_file, pgoff });
  if (merged === null) {
    const error = yield* split_to_range(k, vma, start, end);
    if (error !== 0) return { vma, error: error === -ENOMEM ? -EAGAIN : error };
  }
  const target = merged ?? vma;
  target.vm_flags = vm_flags;
  return { vma: target, error: 0 };
}

/** Reads the part's pages of the file that are not in memory yet; they are not mapped. Shared memory in memory alone has nowhere to be read from. */
function* madvise_willneed(k: Kernel, vma: vm_area_struct, { start, end }: advice): Generator<Wait, number, void> {
  const mapped = vma_inode(k, vma);
  if (mapped === null) return -EBADF;
  const first = vma.vm_pgoff + (start - vma.vm_start) / PAGE_SIZE;
  if (mapped.kind === 'file') yield* force_page_cache_readahead(k, mapped, first, max_sane_readahead(k, (end - start) / PAGE_SIZE));
  return 0;
}

function* madvise_dontneed(k: Kernel, vma: vm_area_struct, { start, end }: advice): Generator<Wait, number, void> {
  if ((vma.vm_flags & (VM_LOCKED | VM_HUGETLB | VM_PFNMAP)) !== 0) return -EINVAL;
  yield* zap_page_range(k, vma, start, end - start);
  return 0;
}

/** The pages leave the file: everybody's mapping of them, and the memory itself. Only what lives in memory alone can do that. */
function* madvise_remove(k: Kernel, vma: vm_area_struct, { start, end }: advice): Generator<Wait, number, void> {
  if ((vma.vm_flags & (VM_LOCKED | VM_NONLINEAR | VM_HUGETLB)) !== 0) return -EINVAL;
  const mapped = vma_inode(k, vma);
  if (mapped === null) return -EINVAL;
  if ((vma.vm_flags & (VM_SHARED | VM_WRITE)) !== (VM_SHARED | VM_WRITE)) return -EACCES;
  const offset = start - vma.vm_start + vma.vm_pgoff * PAGE_SIZE;
  const error = yield* vmtruncate_range(k, mapped, offset, offset + (end - start));
  return error;
}

/** Takes a hole out of a file (mm/memory.c:vmtruncate_range). 0, or -ENOSYS on a file system that has no holes to make. */
function* vmtruncate_range(k: Kernel, mapped: inode, offset: number, end: number): Generator<Wait, number, void> {
  if (mapped.kind !== 'shmem') return -ENOSYS;
  yield* unmap_mapping_range(k, mapped, offset, end - offset);
  yield* truncate_inode_pages_range(k, mapped, offset, end);
  return 0;
}
