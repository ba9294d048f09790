// mlock, munlock, mlockall and munlockall: memory that reclaim must leave where it is (mm/mlock.c; KERNEL.md MM-19).
//
// Locking marks VMAs with VM_LOCKED, splitting them where the range begins and ends, and brings every page in at once. The pages stay on the LRU
// lists, where reclaim looks at them in vain (QK-17).
//
// Left out: locked shared segments (shmctl SHM_LOCK), which count for a user and not for an address space.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EAGAIN, EINVAL, ENOMEM, EPERM } from '../include/errno.ts';
import { MCL_CURRENT, MCL_FUTURE } from '../include/mman.ts';
import { VM_IO, VM_LOCKED } from '../include/mm_types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { current_task } from '../kernel/sched.ts';
import { make_pages_present } from './memory.ts';
import { find_vma_prev } from './mmap.ts';
import { current_mm, mm_of } from './mm_struct.ts';
import { split_to_range } from './mprotect.ts';
import { PAGE_ALIGN, end_wraps, page_start } from './pte_range.ts';
import { next_vma, vma_at } from './vma_list.ts';
import { vma_merge } from './vma_merge.ts';

/** Locks the pages that hold `len` bytes from `start` on. 0; -EPERM where nothing may be locked, -ENOMEM past the limit or over a hole, -EAGAIN. */
export function* sys_mlock(k: Kernel, start: VirtAddr, len: number): Generator<Wait, number, void> {
  if (!can_do_mlock(k)) return -EPERM;
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const first = page_start(start);
  const length = PAGE_ALIGN(k, len + (start - first));
  const allowed = capable_ipc_lock(k) || length / PAGE_SIZE + mm.locked_vm <= lock_limit(k);
  let error = -ENOMEM;
  if (allowed) error = yield* do_mlock(k, mm, { start: first, length, lock: VM_LOCKED });
  up_write(k, mm.mmap_sem);
  return error;
}

/** Unlocks the pages that hold `len` bytes from `start` on. 0, -ENOMEM over a hole, -EAGAIN. */
export function* sys_munlock(k: Kernel, start: VirtAddr, len: number): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const first = page_start(start);
  const error = yield* do_mlock(k, mm, { start: first, length: PAGE_ALIGN(k, len + (start - first)), lock: 0 });
  up_write(k, mm.mmap_sem);
  return error;
}

/** Locks all there is (MCL_CURRENT) or all there will be (MCL_FUTURE). 0, -EINVAL, -EPERM, -ENOMEM past the limit. */
export function* sys_mlockall(k: Kernel, flags: number): Generator<Wait, number, void> {
  if (flags === 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE)) !== 0) return -EINVAL;
  if (!can_do_mlock(k)) return -EPERM;
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const allowed = (flags & MCL_CURRENT) === 0 || mm.total_vm <= lock_limit(k) || capable_ipc_lock(k);
  if (allowed) yield* do_mlockall(k, mm, flags);
  up_write(k, mm.mmap_sem);
  return allowed ? 0 : -ENOMEM;
}

/** Unlocks everything, also what is mapped from now on. 0. */
export function* sys_munlockall(k: Kernel): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  yield* do_mlockall(k, mm, 0);
  up_write(k, mm.mmap_sem);
  return 0;
}

/** Whether the running task may lock anything at all (MM-19). */
export function can_do_mlock(k: Kernel): boolean {
  return capable_ipc_lock(k) || current_task(k).rlim.RLIMIT_MEMLOCK !== 0;
}

/** CAP_IPC_LOCK: here only root has it. */
function capable_ipc_lock(k: Kernel): boolean {
  return current_task(k).euid === 0;
}

/** RLIMIT_MEMLOCK of the running task, pages. */
function lock_limit(k: Kernel): number {
  return Math.floor(current_task(k).rlim.RLIMIT_MEMLOCK / PAGE_SIZE);
}

function* do_mlock(
  k: Kernel, mm: mm_struct, { start, length, lock }: { start: VirtAddr; length: number; lock: number },
): Generator<Wait, number, void> {
  const end = virt(start + length);
  if (end_wraps(k, start, end)) return -EINVAL;
  if (end === start) return 0;
  const found = find_vma_prev(k, mm, start);
  if (found.vma === null || found.vma.vm_start > start) return -ENOMEM;
  let vma = found.vma;
  let prev = start > vma.vm_start ? vma : found.prev;
  let at = start;
  for (;;) {
    const until = virt(Math.min(vma.vm_end, end));
    const fixed = yield* mlock_fixup(k, vma, prev, { start: at, end: until, newflags: (vma.vm_flags & ~VM_LOCKED) | lock });
    if (fixed.error !== 0) return fixed.error;
    prev = fixed.vma;
    at = virt(Math.max(until, prev.vm_end));
    if (at >= end) return 0;
    const next = next_vma(k, prev);
    if (next === null || next.vm_start !== at) return -ENOMEM;
    vma = next;
  }
}

/** Every VMA there is, unless only the future is meant; what cannot be split or brought in is passed over. */
function* do_mlockall(k: Kernel, mm: mm_struct, flags: number): Generator<Wait, void, void> {
  mm.def_flags = (flags & MCL_FUTURE) !== 0 ? VM_LOCKED : 0;
  if (flags === MCL_FUTURE) return;
  const lock = (flags & MCL_CURRENT) !== 0 ? VM_LOCKED : 0;
  let prev: vm_area_struct | null = null;
  let vma = vma_at(k, mm, 0);
  while (vma !== null) {
    const newflags = (vma.vm_flags & ~VM_LOCKED) | lock;
    const fixed: mlock_result = yield* mlock_fixup(k, vma, prev, { start: vma.vm_start, end: vma.vm_end, newflags });
    prev = fixed.vma;
    vma = next_vma(k, prev);
  }
}

/** The VMA that the range now belongs to, and 0 or a negative errno. */
interface mlock_result {
  vma: vm_area_struct;
  error: number;
}

/** Gives a part of one VMA new flags and counts it; what is locked is brought in. `prev` is the VMA before the part, or the one it lies in. */
function* mlock_fixup(
  k: Kernel, vma: vm_area_struct, prev: vm_area_struct | null, { start, end, newflags }: { start: VirtAddr; end: VirtAddr; newflags: number },
): Generator<Wait, mlock_result, void> {
  if (newflags === vma.vm_flags) return { vma, error: 0 };
  const mm = mm_of(k, vma.vm_mm);
  const pgoff = vma.vm_pgoff + (start - vma.vm_start) / PAGE_SIZE;
  const merged = vma_merge(k, mm, prev, { addr: start, end, vm_flags: newflags, anon_vma: vma.anon_vma, file: vma.vm_file, pgoff });
  if (merged === null) {
    const split = yield* split_to_range(k, vma, start, end);
    if (split !== 0) return { vma, error: try_later(split) };
  }
  const target = merged ?? vma;
  target.vm_flags = newflags;
  let error = 0;
  if ((newflags & VM_LOCKED) !== 0 && (newflags & VM_IO) === 0) error = yield* make_pages_present(k, start, end);
  const pages = (end - start) / PAGE_SIZE;
  mm.locked_vm += (newflags & VM_LOCKED) !== 0 ? pages : -pages;
  return { vma: target, error: try_later(error) };
}

/** The standard wants EAGAIN where memory could not be locked for want of something. */
function try_later(error: number): number {
  return error === -ENOMEM ? -EAGAIN : error;
}
