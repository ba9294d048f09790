// mprotect: other access for a range of an address space (mm/mprotect.c; KERNEL.md MM-15, MM-16, T-4, X-11).
//
// Every VMA that the range meets is split where the range begins and ends in it, or taken in by a neighbour that now looks the same; then each entry
// that names a page gets the bits of the new protection. Private memory that may now be written keeps read-only entries until somebody writes.
//
// Left out: large pages, entries of pages that migrate, and READ_IMPLIES_EXEC, for no program here has that personality.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EACCES, EINVAL, ENOMEM } from '../include/errno.ts';
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE } from '../include/mman.ts';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_GROWSUP, VM_READ, VM_SHARED, VM_WRITE } from '../include/mm_types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import { pte_modify, pte_present, vm_get_page_prot } from '../arch/pte.ts';
import { flush_tlb_range } from '../arch/tlb.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { charge } from '../kernel/sched.ts';
import { WHY_PROTECT } from '../trace/mm.ts';
import { set_pte_at } from './memory.ts';
import { find_vma_prev, vm_stat_account } from './mmap.ts';
import { __vm_enough_memory, vm_unacct_memory } from './mmap_commit.ts';
import { current_mm, mm_of } from './mm_struct.ts';
import { PAGE_ALIGN, end_wraps, next_pte_table, pmd_addr_end } from './pte_range.ts';
import { next_vma } from './vma_list.ts';
import { split_vma, vma_merge } from './vma_merge.ts';

/** What may be asked for at all. */
const PROT_BITS = PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM;
const VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC;
/** VM_MAYREAD … VM_MAYEXEC stand that many bits above VM_READ … VM_EXEC. */
const MAY_SHIFT = 4;

/** Gives `len` bytes from `start` on the access `prot`. 0; -EINVAL, -ENOMEM for a hole, a full VMA table or a refused charge, -EACCES. */
export function* sys_mprotect(k: Kernel, start: VirtAddr, len: number, prot: number): Generator<Wait, number, void> {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  const access = prot & ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
  if (start % PAGE_SIZE !== 0) return -EINVAL;
  if (len === 0) return 0;
  const length = PAGE_ALIGN(k, len);
  const end = virt(start + length);
  if (length === 0 || end_wraps(k, start, end)) return -ENOMEM;
  if ((access & ~PROT_BITS) !== 0) return -EINVAL;
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const error = yield* do_mprotect(k, mm, { start, end, access, grows });
  up_write(k, mm.mmap_sem);
  return error;
}

interface mprotect_request {
  start: VirtAddr;
  end: VirtAddr;
  /** PROT_READ, PROT_WRITE and PROT_EXEC are VM_READ, VM_WRITE and VM_EXEC (calc_vm_prot_bits). */
  access: number;
  /** PROT_GROWSDOWN, PROT_GROWSUP or 0: also what lies between the range and the end that the VMA grows at. */
  grows: number;
}

function* do_mprotect(k: Kernel, mm: mm_struct, request: mprotect_request): Generator<Wait, number, void> {
  const found = find_vma_prev(k, mm, request.start);
  const { start, end, error } = stretch_range(found.vma, request);
  if (error !== 0) return error;
  let vma = found.vma!;
  let prev = start > vma.vm_start ? vma : found.prev;
  let at = start;
  for (;;) {
    const newflags = (request.access & VM_ACCESS) | (vma.vm_flags & ~VM_ACCESS);
    if ((newflags & ~(newflags >> MAY_SHIFT) & VM_ACCESS) !== 0) return -EACCES;
    const until = virt(Math.min(vma.vm_end, end));
    const fixed = yield* mprotect_fixup(k, vma, prev, { start: at, end: until, newflags });
    if (typeof fixed === 'number') return fixed;
    prev = fixed;
    at = virt(Math.max(until, prev.vm_end));
    if (at >= end) return 0;
    const next = next_vma(k, prev);
    if (next === null || next.vm_start !== at) return -ENOMEM;
    vma = next;
  }
}

/** The range as the PROT_GROWS flags stretch it, or why it cannot be: its beginning is not mapped, or its VMA does not grow that way. */
function stretch_range(vma: vm_area_struct | null, { start, end, grows }: mprotect_request): { start: VirtAddr; end: VirtAddr; error: number } {
  if (vma === null) return { start, end, error: -ENOMEM };
  if ((grows & PROT_GROWSDOWN) !== 0) {
    const error = vma.vm_start >= end ? -ENOMEM : (vma.vm_flags & VM_GROWSDOWN) === 0 ? -EINVAL : 0;
    return { start: vma.vm_start, end, error };
  }
  if (vma.vm_start > start) return { start, end, error: -ENOMEM };
  if ((grows & PROT_GROWSUP) === 0) return { start, end, error: 0 };
  return { start, end: vma.vm_end, error: (vma.vm_flags & VM_GROWSUP) === 0 ? -EINVAL : 0 };
}

/**
 * Gives a part of one VMA new flags: the VMA that it then belongs to, or a negative errno. `prev` is the VMA before the part, or the one it lies in.
 * Memory that turns writable and private is promised from now on; it stays so even if it is made read-only again (MM-15, MM-16).
 */
export function* mprotect_fixup(
  k: Kernel, vma: vm_area_struct, prev: vm_area_struct | null, { start, end, newflags }: { start: VirtAddr; end: VirtAddr; newflags: number },
): Generator<Wait, vm_area_struct | number, void> {
  const oldflags = vma.vm_flags;
  if (newflags === oldflags) return vma;
  const nrpages = (end - start) / PAGE_SIZE;
  const charged = (newflags & VM_WRITE) !== 0 && (oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED)) === 0 ? nrpages : 0;
  if (charged !== 0 && __vm_enough_memory(k, charged) !== 0) return -ENOMEM;
  const vm_flags = charged === 0 ? newflags : newflags | VM_ACCOUNT;
  const pgoff = vma.vm_pgoff + (start - vma.vm_start) / PAGE_SIZE;
  const merged = vma_merge(k, mm_of(k, vma.vm_mm), prev, { addr: start, end, vm_flags, anon_vma: vma.anon_vma, file: vma.vm_file, pgoff });
  if (merged === null) {
    const error = yield* split_to_range(k, vma, start, end);
    if (error !== 0) {
      vm_unacct_memory(k, charged);
      return error;
    }
  }
  const target = merged ?? vma;
  protect_range(k, target, { start, end, oldflags, vm_flags });
  return target;
}

/** Cuts a VMA so that it is exactly the range: 0 or a negative errno (MM-9). The VMA itself stays the part in the range. */
export function* split_to_range(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): Generator<Wait, number, void> {
  const mm = mm_of(k, vma.vm_mm);
  if (start !== vma.vm_start) {
    const error = yield* split_vma(k, mm, vma, start, 1);
    if (error !== 0) return error;
  }
  if (end !== vma.vm_end) {
    const error = yield* split_vma(k, mm, vma, end, 0);
    if (error !== 0) return error;
  }
  return 0;
}

function protect_range(
  k: Kernel, vma: vm_area_struct, { start, end, oldflags, vm_flags }: { start: VirtAddr; end: VirtAddr; oldflags: number; vm_flags: number },
): void {
  const mm = mm_of(k, vma.vm_mm);
  const nrpages = (end - start) / PAGE_SIZE;
  vma.vm_flags = vm_flags;
  vma.vm_page_prot = vm_get_page_prot(k.platform.arch, vm_flags);
  change_protection(k, vma, start, end);
  vm_stat_account(k, mm, oldflags, vma.vm_file, -nrpages);
  vm_stat_account(k, mm, vm_flags, vma.vm_file, nrpages);
}

/** Rewrites the entries of a range with the VMA's protection; the processors forget it. */
export function change_protection(k: Kernel, vma: vm_area_struct, start: VirtAddr, end: VirtAddr): void {
  const mm = mm_of(k, vma.vm_mm);
  let at = next_pte_table(k, mm, start, end);
  while (at < end) {
    const next = pmd_addr_end(k, at, end);
    change_pte_range(k, mm, { start: at, end: next, newprot: vma.vm_page_prot });
    at = next_pte_table(k, mm, next, end);
  }
  flush_tlb_range(k, mm, start, end);
}

/** The entries of one table: those that name a page change, keeping frame, accessed and dirty; all others stay what they are. */
function change_pte_range(k: Kernel, mm: mm_struct, { start, end, newprot }: { start: VirtAddr; end: VirtAddr; newprot: number }): void {
  let entry = pte_offset_map(k, mm, start)!;
  for (let address = start as number; address < end; address += PAGE_SIZE) {
    const oldpte = read_pte(k, entry);
    if (pte_present(oldpte)) set_pte_at(k, mm, virt(address), entry, pte_modify(oldpte, newprot), WHY_PROTECT);
    else charge(k, k.cost.pte);
    entry = phys(entry + entry_size(k));
  }
}
