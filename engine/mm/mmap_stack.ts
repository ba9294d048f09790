// VMAs that grow downwards (mm/mmap.c:expand_stack, acct_stack_growth; KERNEL.md MM-17): a fault below a stack, near enough to the stack
// pointer (F-1), moves its beginning down to the page of the fault. There is no guard page in this era: a stack may grow until it touches the mapping
// below it.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { ENOMEM } from '../include/errno.ts';
import { VM_LOCKED } from '../include/mm_types.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { current_task } from '../kernel/sched.ts';
import { trace_mm_stack_grow } from '../trace/mm.ts';
import { exceeds_lock_limit, may_expand_vm, vm_stat_account } from './mmap.ts';
import { __vm_enough_memory } from './mmap_commit.ts';
import { mm_of } from './mm_struct.ts';
import { page_start } from './pte_range.ts';
import { anon_vma_prepare } from './rmap.ts';

/** Grows a VMA down to the page of an address: 0, or -ENOMEM. mmap_sem is held for reading, and the anon_vma's lock keeps two faults of one stack
 *  apart: so it must exist first (mm/mmap.c:expand_stack). */
export function* expand_stack(k: Kernel, vma: vm_area_struct, address: VirtAddr): Generator<Wait, number, void> {
  const unprepared = yield* anon_vma_prepare(k, vma);
  if (unprepared !== 0) return -ENOMEM;
  const start = page_start(address);
  if (start >= vma.vm_start) return 0;
  const grow = (vma.vm_start - start) / PAGE_SIZE;
  const error = acct_stack_growth(k, vma, vma.vm_end - start, grow);
  if (error !== 0) return error;
  vma.vm_start = start;
  vma.vm_pgoff -= grow;
  trace_mm_stack_grow(k, vma.id, grow);
  return 0;
}

/** Whether a stack may become `size` bytes, `grow` pages more than it is, and then counts and promises them. The promise is the last test, since it
 *  is the one that would have to be taken back. */
function acct_stack_growth(k: Kernel, vma: vm_area_struct, size: number, grow: number): number {
  const mm = mm_of(k, vma.vm_mm);
  const is_locked = (vma.vm_flags & VM_LOCKED) !== 0;
  if (!may_expand_vm(k, mm, grow)) return -ENOMEM;
  if (size > current_task(k).rlim.RLIMIT_STACK) return -ENOMEM;
  if (is_locked && exceeds_lock_limit(k, mm, grow)) return -ENOMEM;
  if (__vm_enough_memory(k, grow) !== 0) return -ENOMEM;
  mm.total_vm += grow;
  if (is_locked) mm.locked_vm += grow;
  vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, grow);
  return 0;
}
