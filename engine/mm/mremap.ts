// mremap: a mapping grows, shrinks or moves, and takes its pages along (mm/mremap.c; KERNEL.md MM-13, MM-14).
//
//   shrink          the tail is unmapped
//   grow in place   the VMA's end moves up into the hole behind it
//   move            a second VMA; the entries go over, 64 pages at a time; the first VMA is unmapped. No page is copied.
//
// As in 2.6.18, growth that the commit limit refuses is -EFAULT, or -EAGAIN in locked memory: the errno is what the check before it left behind.
//
// Left out: large pages, and vm_truncate_count, for no truncation runs while an address space is held for writing here.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../include/errno.ts';
import { MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE } from '../include/mman.ts';
import { VM_ACCOUNT, VM_DONTEXPAND, VM_LOCKED, VM_MAYSHARE, VM_PFNMAP } from '../include/mm_types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { task_size } from '../arch/address.ts';
import { pte_alloc_map, pte_offset_map } from '../arch/pgalloc.ts';
import { entry_size, read_pte } from '../arch/pgtable.ts';
import { pte_none } from '../arch/pte.ts';
import { flush_tlb_page } from '../arch/tlb.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { charge, cond_resched, current_task } from '../kernel/sched.ts';
import { WHY_MOVE } from '../trace/mm.ts';
import { make_pages_present, pte_clear_at, set_pte_at } from './memory.ts';
import { copy_vma, do_munmap, find_vma, may_expand_vm, vm_stat_account } from './mmap.ts';
import { __vm_enough_memory, vm_unacct_memory } from './mmap_commit.ts';
import { get_unmapped_area } from './mmap_layout.ts';
import { current_mm, file_of, mm_of } from './mm_struct.ts';
import { PAGE_ALIGN, pmd_addr_end } from './pte_range.ts';
import { next_vma } from './vma_list.ts';
import { vma_adjust } from './vma_merge.ts';

/** Most bytes of entries that are moved without a chance for others to run. */
const LATENCY_LIMIT = 64 * PAGE_SIZE;
/** VMAs that must still be possible before a move: unmapping the old range may split one into three (MM-14). */
const SPARE_VMAS = 3;

/** What a call asks for, its lengths in whole pages, bytes. */
interface mremap_request {
  addr: VirtAddr;
  old_len: number;
  new_len: number;
  flags: number;
  new_addr: VirtAddr;
}

/** Makes `old_len` bytes at `addr` `new_len` long: where they now are, or -EINVAL, -EFAULT, -EAGAIN or -ENOMEM. */
export function* sys_mremap(
  k: Kernel, addr: VirtAddr, old_len: number, new_len: number, flags: number, new_addr: VirtAddr,
): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const result = yield* do_mremap(k, mm, { addr, old_len: PAGE_ALIGN(k, old_len), new_len: PAGE_ALIGN(k, new_len), flags, new_addr });
  up_write(k, mm.mmap_sem);
  return result;
}

/** The same, with mmap_sem held for writing. */
export function* do_mremap(k: Kernel, mm: mm_struct, request: mremap_request): Generator<Wait, number, void> {
  const { addr, old_len, new_len, flags, new_addr } = request;
  const is_fixed = (flags & MREMAP_FIXED) !== 0;
  const invalid = check_request(k, request);
  if (invalid !== 0) return invalid;
  if (is_fixed) {
    const error = yield* do_munmap(k, mm, new_addr, new_len);
    if (error !== 0) return error;
  }
  if (old_len < new_len) {
    const grown = yield* grow_or_move(k, mm, request);
    return grown;
  }
  if (old_len > new_len) {
    const error = yield* do_munmap(k, mm, virt(addr + new_len), old_len - new_len);
    if (error !== 0) return error;
  }
  if (!is_fixed || new_addr === addr) return addr;
  const moved = yield* grow_or_move(k, mm, { ...request, old_len: new_len });
  return moved;
}

/** 0, or -EINVAL for what no address space could do (MM-13). An old length of 0 is good: it maps shared memory once more. */
function check_request(k: Kernel, { addr, old_len, new_len, flags, new_addr }: mremap_request): number {
  if ((flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE)) !== 0) return -EINVAL;
  if (addr % PAGE_SIZE !== 0 || new_len === 0) return -EINVAL;
  if ((flags & MREMAP_FIXED) === 0) return 0;
  if (new_addr % PAGE_SIZE !== 0 || (flags & MREMAP_MAYMOVE) === 0) return -EINVAL;
  if (new_addr < 0 || new_len > task_size(k) || new_addr > task_size(k) - new_len) return -EINVAL;
  const overlaps = new_addr <= addr ? new_addr + new_len > addr : addr + old_len > new_addr;
  return overlaps ? -EINVAL : 0;
}

/** The new length is larger, or the place another. */
function* grow_or_move(k: Kernel, mm: mm_struct, request: mremap_request): Generator<Wait, number, void> {
  const { addr, old_len, new_len, flags, new_addr } = request;
  const vma = find_vma(k, mm, addr);
  if (vma === null || vma.vm_start > addr) return -EFAULT;
  const refused = may_resize(k, mm, vma, request);
  if (refused !== 0) return refused;
  const charged = (vma.vm_flags & VM_ACCOUNT) !== 0 ? (new_len - old_len) / PAGE_SIZE : 0;
  if ((vma.vm_flags & VM_ACCOUNT) !== 0 && __vm_enough_memory(k, charged) !== 0) return (vma.vm_flags & VM_LOCKED) !== 0 ? -EAGAIN : -EFAULT;
  let result = -ENOMEM;
  const stays = (flags & MREMAP_FIXED) === 0 || addr === new_addr;
  const grows = old_len !== new_len || (flags & MREMAP_MAYMOVE) === 0;
  if (old_len === vma.vm_end - addr && stays && grows && room_behind(k, vma) - addr >= new_len) result = yield* grow_in_place(k, mm, vma, request);
  else if ((flags & MREMAP_MAYMOVE) !== 0) result = yield* move_elsewhere(k, mm, vma, request);
  if (result < 0) vm_unacct_memory(k, charged);
  return result;
}

/** 0, or why the range may not be resized: it is not in one VMA, of a kind that has its size, or past a limit (MM-13). */
function may_resize(k: Kernel, mm: mm_struct, vma: vm_area_struct, { addr, old_len, new_len }: mremap_request): number {
  if (old_len > vma.vm_end - addr) return -EFAULT;
  if ((vma.vm_flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0 && new_len > old_len) return -EFAULT;
  if ((vma.vm_flags & VM_LOCKED) !== 0) {
    const task = current_task(k);
    const locked = mm.locked_vm * PAGE_SIZE + new_len - old_len;
    if (locked > task.rlim.RLIMIT_MEMLOCK && task.euid !== 0) return -EAGAIN;
  }
  return may_expand_vm(k, mm, (new_len - old_len) / PAGE_SIZE) ? 0 : -ENOMEM;
}

/** First address behind a VMA that something else may have. */
function room_behind(k: Kernel, vma: vm_area_struct): number {
  return next_vma(k, vma)?.vm_start ?? task_size(k);
}

function* grow_in_place(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, { addr, old_len, new_len }: mremap_request,
): Generator<Wait, number, void> {
  const pages = (new_len - old_len) / PAGE_SIZE;
  vma_adjust(k, vma, vma.vm_start, virt(addr + new_len), vma.vm_pgoff, null);
  mm.total_vm += pages;
  vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, pages);
  if ((vma.vm_flags & VM_LOCKED) !== 0) {
    mm.locked_vm += pages;
    yield* make_pages_present(k, virt(addr + old_len), virt(addr + new_len));
  }
  return addr;
}

function* move_elsewhere(k: Kernel, mm: mm_struct, vma: vm_area_struct, request: mremap_request): Generator<Wait, number, void> {
  let target = request.new_addr as number;
  if ((request.flags & MREMAP_FIXED) === 0) {
    const file = vma.vm_file === 0 ? null : file_of(k, vma.vm_file);
    target = get_unmapped_area(k, mm, file, virt(0), request.new_len, vma.vm_pgoff, (vma.vm_flags & VM_MAYSHARE) !== 0 ? MAP_SHARED : 0);
    if (target < 0) return target;
  }
  const moved = yield* move_vma(k, vma, { ...request, new_addr: virt(target) });
  return moved;
}

/**
 * Moves a part of a VMA with its entries: the new address, or -ENOMEM. Where there is no memory for the tables of the new place, what has moved goes
 * back, and it is the new VMA that is unmapped (MM-14).
 */
function* move_vma(k: Kernel, vma: vm_area_struct, { addr, old_len, new_len, new_addr }: mremap_request): Generator<Wait, number, void> {
  const mm = mm_of(k, vma.vm_mm);
  if (mm.map_count >= k.sysctl.max_map_count - SPARE_VMAS) return -ENOMEM;
  const { vm_flags } = vma;
  const pgoff = vma.vm_pgoff + (addr - vma.vm_start) / PAGE_SIZE;
  const copied = yield* copy_vma(k, vma, new_addr, new_len, pgoff);
  if (copied === null) return -ENOMEM;
  const { new_vma } = copied;
  const old_vma = copied.vma;
  const moved = yield* move_page_tables(k, old_vma, addr, new_vma, new_addr, old_len);
  if (moved === old_len) {
    yield* unmap_moved(k, old_vma, { start: addr, length: old_len, new_len });
    if ((vm_flags & VM_LOCKED) !== 0) yield* lock_moved(k, mm, { start: new_addr, old_len, new_len });
    return new_addr;
  }
  yield* move_page_tables(k, new_vma, new_addr, old_vma, addr, moved);
  yield* unmap_moved(k, new_vma, { start: new_addr, length: new_len, new_len });
  if ((vm_flags & VM_LOCKED) !== 0) mm.locked_vm += new_len / PAGE_SIZE;
  return -ENOMEM;
}

/**
 * Unmaps the range that is empty now. Its pages stay promised, for the new place has them: VM_ACCOUNT is hidden from do_munmap, and given back to
 * what is left of the VMA on both sides. total_vm goes up first, for do_munmap takes the range off it.
 */
function* unmap_moved(
  k: Kernel, vma: vm_area_struct, { start, length, new_len }: { start: VirtAddr; length: number; new_len: number },
): Generator<Wait, void, void> {
  const mm = mm_of(k, vma.vm_mm);
  const accounted = (vma.vm_flags & VM_ACCOUNT) !== 0;
  const excess = accounted ? vma.vm_end - vma.vm_start - length : 0;
  const is_middle = start > vma.vm_start && start + length < vma.vm_end;
  if (accounted) vma.vm_flags &= ~VM_ACCOUNT;
  const { hiwater_vm } = mm;
  mm.total_vm += new_len / PAGE_SIZE;
  vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, new_len / PAGE_SIZE);
  const error = yield* do_munmap(k, mm, start, length);
  mm.hiwater_vm = hiwater_vm;
  if (error < 0) vm_unacct_memory(k, excess / PAGE_SIZE);
  else if (excess !== 0) {
    vma.vm_flags |= VM_ACCOUNT;
    if (is_middle) next_vma(k, vma)!.vm_flags |= VM_ACCOUNT;
  }
}

function* lock_moved(
  k: Kernel, mm: mm_struct, { start, old_len, new_len }: { start: VirtAddr; old_len: number; new_len: number },
): Generator<Wait, void, void> {
  mm.locked_vm += new_len / PAGE_SIZE;
  if (new_len > old_len) yield* make_pages_present(k, virt(start + old_len), virt(start + new_len));
}

/** Moves the entries of `len` bytes from one VMA's range to another's: how many bytes it came, less than `len` where a table could not be had. */
export function* move_page_tables(
  k: Kernel, vma: vm_area_struct, old_addr: VirtAddr, new_vma: vm_area_struct, new_addr: VirtAddr, len: number,
): Generator<Wait, number, void> {
  const mm = mm_of(k, vma.vm_mm);
  const old_end = virt(old_addr + len);
  let done = 0;
  while (done < len) {
    yield* cond_resched(k);
    const from = virt(old_addr + done);
    const to = virt(new_addr + done);
    let extent = pmd_addr_end(k, from, old_end) - from;
    if (pte_offset_map(k, mm, from) !== null) {
      const table = yield* pte_alloc_map(k, mm, to);
      if (table === null) return done;
      extent = Math.min(extent, pmd_addr_end(k, to, virt(to + extent)) - to, LATENCY_LIMIT);
      move_ptes(k, mm, { from, to, extent });
    }
    done += extent;
  }
  return len;
}

/** Moves the entries of a range that lies in one table on both sides: each is cleared at the old place, flushed from the TLBs, and set at the new. */
function move_ptes(k: Kernel, mm: mm_struct, { from, to, extent }: { from: VirtAddr; to: VirtAddr; extent: number }): void {
  const old_table = pte_offset_map(k, mm, from)!;
  const new_table = pte_offset_map(k, mm, to)!;
  for (let offset = 0; offset < extent; offset += PAGE_SIZE) {
    const place = (offset / PAGE_SIZE) * entry_size(k);
    const pte = read_pte(k, phys(old_table + place));
    if (pte_none(pte)) {
      charge(k, k.cost.pte);
      continue;
    }
    pte_clear_at(k, mm, virt(from + offset), phys(old_table + place), WHY_MOVE);
    flush_tlb_page(k, mm, virt(from + offset));
    set_pte_at(k, mm, virt(to + offset), phys(new_table + place), pte, WHY_MOVE);
  }
}
