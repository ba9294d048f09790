// Address spaces: mappings made, found and taken away (mm/mmap.c; KERNEL.md MM-6 … MM-12, MM-20). None of this touches a page: a mapping is a
// promise, faults keep it (F-5); only locked and populated mappings get their pages at once.
//
//   sys_mmap, sys_mmap2 → do_mmap_pgoff → get_unmapped_area, do_munmap (what is in the way), __vm_enough_memory, vma_merge | alloc_vma → vma_link
//   sys_munmap → do_munmap → split_vma, detach_vmas_to_be_unmapped, unmap_region → unmap_vmas, free_pgtables → remove_vma_list
//   sys_brk → do_brk → vma_merge | alloc_vma → vma_link
//
// Beside it: vma_list.ts (the order of VMAs), vma_merge.ts (merging and splitting), mmap_layout.ts (where mappings go), mmap_commit.ts (what may be
// promised), mmap_stack.ts (VMAs that grow).
//
// Left out: huge pages, files whose own mmap refuses (ENODEV), noexec mounts, append-only and mandatorily locked files, security
// modules, personalities. MAP_POPULATE of a shared mapping faults its pages in for reading, where the kernel's populate installs the same entries
// without counting faults; a private mapping is not populated in 2.6.18, and with MAP_NONBLOCK no pages are mapped here.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { vma_range } from './vma_merge.ts';
import { EACCES, EAGAIN, EBADF, EINVAL, ENOMEM, EOVERFLOW, EPERM, ETXTBSY } from '../include/errno.ts';
import {
  MAP_ANONYMOUS, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_GROWSDOWN, MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED,
  MAP_TYPE, PROT_EXEC, PROT_READ, PROT_WRITE,
} from '../include/mman.ts';
import {
  FMODE_READ, FMODE_WRITE, VM_ACCOUNT, VM_DATA_DEFAULT_FLAGS, VM_DENYWRITE, VM_EXEC, VM_EXECUTABLE, VM_GROWSDOWN, VM_GROWSUP, VM_IO, VM_LOCKED,
  VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_READ, VM_RESERVED, VM_SHARED, VM_WRITE,
} from '../include/mm_types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { bits_per_long, task_size } from '../arch/address.ts';
import { vm_get_page_prot } from '../arch/pte.ts';
import { BUG } from '../kernel/panic.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { current_task } from '../kernel/sched.ts';
import { fget, fput } from '../fs/file_table.ts';
import { trace_vma_remove } from '../trace/mm.ts';
import { get_user_pages, make_pages_present } from './memory.ts';
import { free_pgtables, unmap_vmas, update_hiwater_rss } from './memory_zap.ts';
import { can_do_mlock } from './mlock.ts';
import { OVERCOMMIT_NEVER, __vm_enough_memory, vm_unacct_memory } from './mmap_commit.ts';
import { PAGE_ALIGN, get_unmapped_area, unmap_area } from './mmap_layout.ts';
import { alloc_vma, current_mm, file_of, free_vma, get_file, mm_of, mm_vmas, vma_inode, vma_of } from './mm_struct.ts';
import { shmem_zero_setup } from './shmem.ts';
import { lru_add_drain } from './swap.ts';
import { tlb_finish_mmu, tlb_gather_mmu } from './tlb_gather.ts';
import { remove_vma_ids, vma_at, vma_position } from './vma_list.ts';
import { copy_vma_record, put_shared_file, split_vma, vma_link, vma_merge, vma_pages } from './vma_merge.ts';

// mm/mmap.c is one file: what others call of it is found here.
export { __vm_enough_memory, vm_acct_memory, vm_unacct_memory } from './mmap_commit.ts';
export { arch_pick_mmap_layout, get_unmapped_area } from './mmap_layout.ts';
export { expand_stack } from './mmap_stack.ts';
export { next_vma, prev_vma } from './vma_list.ts';
export { copy_vma_record, find_mergeable_anon_vma, split_vma, unlink_file_vma, vma_adjust, vma_link, vma_merge } from './vma_merge.ts';

/** What mmap is asked for: bytes, PROT_ and MAP_ flags, and for a file the page in it. */
export interface mmap_request {
  addr: number;
  len: number;
  prot: number;
  flags: number;
  pgoff: number;
}

// ---- system calls -----------------------------------------------------------------------------------------------------

/** mmap2: the address of the mapping, or a negative error. `fd_file` is the id of an open file, or 0; it counts without MAP_ANONYMOUS only. */
export function* sys_mmap2(
  k: Kernel, addr: number, len: number, prot: number, flags: number, fd_file: number, pgoff = 0,
): Generator<Wait, number, void> {
  const is_anonymous = (flags & MAP_ANONYMOUS) !== 0;
  if (!is_anonymous && (k.files[fd_file] ?? null) === null) return -EBADF;
  const file = is_anonymous ? null : file_of(k, fd_file);
  if (file !== null) get_file(file);
  const result = yield* do_mmap2(k, file, { addr, len, prot, flags, pgoff });
  if (file !== null) yield* fput(k, file);
  return result;
}

/** mmap of a descriptor, with the offset in bytes: the address of the mapping, or a negative error; -EINVAL where the offset is not that of a page,
 *  -EBADF. `fd` counts without MAP_ANONYMOUS only. */
export function* sys_mmap(
  k: Kernel, addr: number, len: number, prot: number, flags: number, fd: number, offset: number,
): Generator<Wait, number, void> {
  if (offset % PAGE_SIZE !== 0) return -EINVAL;
  const file = (flags & MAP_ANONYMOUS) === 0 ? fget(k, fd) : null;
  if (file === null && (flags & MAP_ANONYMOUS) === 0) return -EBADF;
  const result = yield* do_mmap2(k, file, { addr, len, prot, flags, pgoff: ulong(k, offset) / PAGE_SIZE });
  if (file !== null) yield* fput(k, file);
  return result;
}

/** What the calls have in common: only exec may deny others to write a file. */
function* do_mmap2(k: Kernel, file: file | null, { addr, len, prot, flags, pgoff }: mmap_request): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const request = { addr: ulong(k, addr), len: ulong(k, len), prot, flags: flags & ~(MAP_EXECUTABLE | MAP_DENYWRITE), pgoff };
  const result = yield* do_mmap_pgoff(k, file, request);
  up_write(k, mm.mmap_sem);
  return result;
}

/** munmap: 0, or a negative error. */
export function* sys_munmap(k: Kernel, addr: number, len: number): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  yield* down_write(k, mm.mmap_sem);
  const error = yield* do_munmap(k, mm, ulong(k, addr), ulong(k, len));
  up_write(k, mm.mmap_sem);
  return error;
}

/** brk: where the heap ends now. What cannot be done changes nothing, and is told by the old value. It never grows over a mapping, nor up to one
 *  without a page between (MM-11). */
export function* sys_brk(k: Kernel, brk: number): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  const target = virt(ulong(k, brk));
  yield* down_write(k, mm.mmap_sem);
  const newbrk = PAGE_ALIGN(target);
  const oldbrk = PAGE_ALIGN(mm.brk);
  let moves = is_brk_allowed(k, mm, target);
  if (moves && newbrk !== oldbrk && target <= mm.brk) {
    const error = yield* do_munmap(k, mm, newbrk, oldbrk - newbrk);
    moves = error === 0;
  } else if (moves && newbrk !== oldbrk) {
    moves = find_vma_intersection(k, mm, oldbrk, newbrk + PAGE_SIZE) === null;
    if (moves) {
      const at = yield* do_brk(k, oldbrk, newbrk - oldbrk);
      moves = at === oldbrk;
    }
  }
  if (moves) mm.brk = target;
  up_write(k, mm.mmap_sem);
  return mm.brk;
}

/** The heap stays above the text, and with the data below it within RLIMIT_DATA. */
function is_brk_allowed(k: Kernel, mm: mm_struct, brk: number): boolean {
  const { RLIMIT_DATA } = current_task(k).rlim;
  if (brk < mm.end_code) return false;
  return RLIMIT_DATA === Infinity || ulong(k, brk - mm.start_data) <= RLIMIT_DATA;
}

/** What the C library makes of brk: moves the end of the heap by so many bytes, and returns the old end; -ENOMEM where it did not move. */
export function* sys_sbrk(k: Kernel, increment: number): Generator<Wait, number, void> {
  const old = current_mm(k)!.brk;
  if (increment === 0) return old;
  const now = yield* sys_brk(k, old + increment);
  return now === old + increment ? old : -ENOMEM;
}

/** An argument as the kernel reads it: without sign. */
function ulong(k: Kernel, argument: number): number {
  return argument < 0 ? argument + 2 ** bits_per_long(k) : argument;
}

// ---- making mappings --------------------------------------------------------------------------------------------------

/** As do_mmap_pgoff, with the offset in bytes; -EINVAL where it is not that of a page (include/linux/mm.h:do_mmap). */
export function* do_mmap(k: Kernel, file: file | null, request: Omit<mmap_request, 'pgoff'>, offset: number): Generator<Wait, number, void> {
  if (offset % PAGE_SIZE !== 0 || offset + PAGE_ALIGN(request.len) >= 2 ** bits_per_long(k)) return -EINVAL;
  const result = yield* do_mmap_pgoff(k, file, { ...request, pgoff: offset / PAGE_SIZE });
  return result;
}

/** Maps a file, or with null memory, into the running task's address space: the address, or a negative error. mmap_sem is held for writing (MM-7). */
export function* do_mmap_pgoff(k: Kernel, file: file | null, { addr, len, prot, flags, pgoff }: mmap_request): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  if (len === 0) return -EINVAL;
  const length = PAGE_ALIGN(len);
  if (length > task_size(k)) return -ENOMEM;
  if (pgoff + length / PAGE_SIZE >= 2 ** bits_per_long(k)) return -EOVERFLOW;
  if (mm.map_count > k.sysctl.max_map_count) return -ENOMEM;
  const start = get_unmapped_area(k, mm, file, addr, length, pgoff, flags);
  if (start < 0) return start;
  const vm_flags = mmap_vm_flags(k, mm, file, { addr: start, len: length, prot, flags, pgoff });
  if (vm_flags < 0) return vm_flags;
  const is_private_memory = file === null && (flags & MAP_TYPE) === MAP_PRIVATE;
  const first = is_private_memory ? start / PAGE_SIZE : pgoff;
  const range = { addr: start, end: start + length, vm_flags, anon_vma: 0, file: file?.id ?? 0, pgoff: first };
  const result = yield* mmap_region(k, mm, range, flags);
  return result;
}

/** The flags of the new VMA, or a negative error where locking or the file forbid it. Being shared with nobody who may write is not being shared. */
function mmap_vm_flags(k: Kernel, mm: mm_struct, file: file | null, { len, prot, flags }: mmap_request): number {
  let vm_flags = calc_vm_prot_bits(prot) | calc_vm_flag_bits(flags) | mm.def_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if ((flags & MAP_LOCKED) !== 0 && !can_do_mlock(k)) return -EPERM;
  if ((vm_flags & VM_LOCKED) !== 0 && exceeds_lock_limit(k, mm, len / PAGE_SIZE)) return -EAGAIN;
  const type = flags & MAP_TYPE;
  if (type !== MAP_SHARED && type !== MAP_PRIVATE) return -EINVAL;
  const error = file === null ? 0 : may_map_file(file, type, prot);
  if (error !== 0) return error;
  if (type === MAP_SHARED) {
    vm_flags |= VM_SHARED | VM_MAYSHARE;
    if (file !== null && (file.f_mode & FMODE_WRITE) === 0) vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
  }
  return vm_flags;
}

/** 0, or -EACCES where the file is not open for what the mapping could do with it. */
function may_map_file(file: file, type: number, prot: number): number {
  if (type === MAP_SHARED && (prot & PROT_WRITE) !== 0 && (file.f_mode & FMODE_WRITE) === 0) return -EACCES;
  return (file.f_mode & FMODE_READ) === 0 ? -EACCES : 0;
}

function calc_vm_prot_bits(prot: number): number {
  return ((prot & PROT_READ) !== 0 ? VM_READ : 0) | ((prot & PROT_WRITE) !== 0 ? VM_WRITE : 0) | ((prot & PROT_EXEC) !== 0 ? VM_EXEC : 0);
}

function calc_vm_flag_bits(flags: number): number {
  const grows = (flags & MAP_GROWSDOWN) !== 0 ? VM_GROWSDOWN : 0;
  const denies = ((flags & MAP_DENYWRITE) !== 0 ? VM_DENYWRITE : 0) | ((flags & MAP_EXECUTABLE) !== 0 ? VM_EXECUTABLE : 0);
  return grows | denies | ((flags & MAP_LOCKED) !== 0 ? VM_LOCKED : 0);
}

/** Whether so many more locked pages are more than the running task may have; root may have any (MM-19). */
export function exceeds_lock_limit(k: Kernel, mm: mm_struct, pages: number): boolean {
  const task = current_task(k);
  return mm.locked_vm + pages > Math.floor(task.rlim.RLIMIT_MEMLOCK / PAGE_SIZE) && task.euid !== 0;
}

/** The second half of do_mmap_pgoff: clears the place, promises the memory, and makes the VMA or lets a neighbour grow. The address, or a negative
 *  error. */
function* mmap_region(k: Kernel, mm: mm_struct, range: vma_range, flags: number): Generator<Wait, number, void> {
  const { addr, end } = range;
  const error = yield* clear_range(k, mm, addr, end);
  if (error !== 0) return -ENOMEM;
  const charged = charge_mapping(k, mm, range, flags);
  if (charged < 0) return charged;
  const vma = yield* new_mapping(k, mm, range);
  if (vma === null || typeof vma === 'number') {
    vm_unacct_memory(k, charged);
    return vma ?? -ENOMEM;
  }
  vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, (end - addr) / PAGE_SIZE);
  mm.total_vm += (end - addr) / PAGE_SIZE;
  yield* populate_mapping(k, mm, vma, { addr, end, flags });
  return addr;
}

/** Unmaps whatever is in a range. */
function* clear_range(k: Kernel, mm: mm_struct, start: number, end: number): Generator<Wait, number, void> {
  const { vma } = find_vma_prepare(k, mm, start);
  if (vma === null || vma.vm_start >= end) return 0;
  const error = yield* do_munmap(k, mm, start, end - start);
  return error;
}

/** Checks the limits and promises what the mapping may come to use: the pages that were counted, or -ENOMEM. Of private memory it is what may be
 *  written; of shared memory its object promises, and VM_ACCOUNT tells it to (MM-16). */
function charge_mapping(k: Kernel, mm: mm_struct, range: vma_range, flags: number): number {
  const pages = (range.end - range.addr) / PAGE_SIZE;
  if (!may_expand_vm(k, mm, pages)) return -ENOMEM;
  const is_accounted = (flags & MAP_NORESERVE) === 0 || k.sysctl.overcommit_memory === OVERCOMMIT_NEVER;
  if (!is_accounted) return 0;
  if ((range.vm_flags & VM_SHARED) !== 0) {
    range.vm_flags |= VM_ACCOUNT;
    return 0;
  }
  if ((range.vm_flags & VM_WRITE) === 0) return 0;
  if (__vm_enough_memory(k, pages) !== 0) return -ENOMEM;
  range.vm_flags |= VM_ACCOUNT;
  return pages;
}

/** The VMA of a new mapping, a neighbour where one could take it in: private memory at once, files when they have seen the mapping. Null where there
 *  is no memory, or a negative error. */
function* new_mapping(k: Kernel, mm: mm_struct, range: vma_range): Generator<Wait, vm_area_struct | number | null, void> {
  const { prev } = find_vma_prepare(k, mm, range.addr);
  if (range.file === 0 && (range.vm_flags & VM_SHARED) === 0) {
    const merged = vma_merge(k, mm, prev, range);
    if (merged !== null) return merged;
  }
  const vma = yield* make_vma(k, mm, range);
  if (vma === null) return null;
  const error = attach_file(k, vma);
  if (error !== 0) {
    drop_vma(k, vma);
    return error;
  }
  if ((vma.vm_flags & VM_SHARED) !== 0) vma.vm_flags &= ~VM_ACCOUNT;
  const merged = range.file === 0 ? null : vma_merge(k, mm, prev, { ...range, vm_flags: vma.vm_flags });
  if (merged === null) {
    vma_link(k, mm, vma);
    return vma;
  }
  drop_vma(k, vma);
  return merged;
}

/** No file is mapped into what grows, nor run while somebody may write it; shared memory gets the object that holds its pages. 0, or a negative
 *  error. */
function attach_file(k: Kernel, vma: vm_area_struct): number {
  if (vma.vm_file === 0) return (vma.vm_flags & VM_SHARED) !== 0 ? shmem_zero_setup(k, vma) : 0;
  if ((vma.vm_flags & (VM_GROWSDOWN | VM_GROWSUP)) !== 0) return -EINVAL;
  const has_writer = vma_inode(k, vma)!.i_writecount > 0;
  return has_writer && (vma.vm_flags & VM_DENYWRITE) !== 0 ? -ETXTBSY : 0;
}

/** A VMA for a range, in no list yet, that refers to its file; null where there is no memory. */
function* make_vma(k: Kernel, mm: mm_struct, range: vma_range): Generator<Wait, vm_area_struct | null, void> {
  const vma = yield* alloc_vma(k);
  if (vma === null) return null;
  vma.vm_mm = mm.id;
  vma.vm_start = virt(range.addr);
  vma.vm_end = virt(range.end);
  vma.vm_flags = range.vm_flags;
  vma.vm_page_prot = vm_get_page_prot(k.platform.arch, range.vm_flags);
  vma.vm_pgoff = range.pgoff;
  vma.vm_file = range.file;
  if (range.file !== 0) get_file(file_of(k, range.file));
  return vma;
}

/** Frees a VMA that never was in a list. */
function drop_vma(k: Kernel, vma: vm_area_struct): void {
  put_shared_file(k, vma.vm_file);
  free_vma(k, vma);
}

/** Gives a locked mapping its pages, and a shared one that asks for them (MAP_POPULATE, F-15). */
function* populate_mapping(
  k: Kernel, mm: mm_struct, vma: vm_area_struct, { addr, end, flags }: { addr: number; end: number; flags: number },
): Generator<Wait, void, void> {
  const { vm_flags } = vma;
  if ((vm_flags & VM_LOCKED) !== 0) {
    mm.locked_vm += (end - addr) / PAGE_SIZE;
    yield* make_pages_present(k, virt(addr), virt(end));
  }
  if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) !== MAP_POPULATE || (vm_flags & VM_SHARED) === 0) return;
  yield* get_user_pages(k, mm, virt(addr), (end - addr) / PAGE_SIZE, 0, 1);
}

/** Anonymous memory at an address, as heaps have it: the address, or a negative error. Whatever is there goes. mmap_sem is held for writing
 *  (MM-12). */
export function* do_brk(k: Kernel, addr: number, len: number): Generator<Wait, number, void> {
  const mm = current_mm(k)!;
  const length = PAGE_ALIGN(len);
  if (length === 0) return addr;
  if (addr + length > task_size(k)) return -EINVAL;
  const pages = length / PAGE_SIZE;
  if ((mm.def_flags & VM_LOCKED) !== 0 && exceeds_lock_limit(k, mm, pages)) return -EAGAIN;
  const error = yield* clear_range(k, mm, addr, addr + length);
  if (error !== 0) return -ENOMEM;
  if (!may_expand_vm(k, mm, pages) || mm.map_count > k.sysctl.max_map_count) return -ENOMEM;
  if (__vm_enough_memory(k, pages) !== 0) return -ENOMEM;
  const vm_flags = VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT | mm.def_flags;
  const range = { addr, end: addr + length, vm_flags, anon_vma: 0, file: 0, pgoff: addr / PAGE_SIZE };
  const { prev } = find_vma_prepare(k, mm, addr);
  if (vma_merge(k, mm, prev, range) === null) {
    const vma = yield* make_vma(k, mm, range);
    if (vma === null) {
      vm_unacct_memory(k, pages);
      return -ENOMEM;
    }
    vma_link(k, mm, vma);
  }
  mm.total_vm += pages;
  if ((vm_flags & VM_LOCKED) !== 0) {
    mm.locked_vm += pages;
    yield* make_pages_present(k, virt(addr), virt(addr + length));
  }
  return addr;
}

/** Puts a VMA that its caller made where it belongs: 0, or -ENOMEM where something is there already or it may not be promised. Anonymous memory gets
 *  the page offset that its faults will most likely give it (mm/mmap.c:insert_vm_struct). total_vm is the caller's. */
export function insert_vm_struct(k: Kernel, mm: mm_struct, vma: vm_area_struct): number {
  if (vma.vm_file === 0) {
    if (vma.anon_vma !== 0) BUG(k, 'mm/mmap.c:insert_vm_struct: the VMA has an anon_vma already');
    vma.vm_pgoff = vma.vm_start / PAGE_SIZE;
  }
  const { vma: found } = find_vma_prepare(k, mm, vma.vm_start);
  if (found !== null && found.vm_start < vma.vm_end) return -ENOMEM;
  if ((vma.vm_flags & VM_ACCOUNT) !== 0 && __vm_enough_memory(k, vma_pages(vma)) !== 0) return -ENOMEM;
  vma_link(k, mm, vma);
  return 0;
}

/** A VMA for what mremap moves, like the old one: new, or a neighbour of the new place that takes it in. The old one may have been taken in as well,
 *  and `vma` is then what it is part of. Null where there is no memory (MM-14). */
export function* copy_vma(
  k: Kernel, vma: vm_area_struct, addr: number, len: number, pgoff: number,
): Generator<Wait, { new_vma: vm_area_struct; vma: vm_area_struct } | null, void> {
  const mm = mm_of(k, vma.vm_mm);
  const { vm_start, vm_flags, anon_vma, vm_file } = vma;
  const new_pgoff = vm_file === 0 && anon_vma === 0 ? addr / PAGE_SIZE : pgoff;
  const { prev } = find_vma_prepare(k, mm, addr);
  const merged = vma_merge(k, mm, prev, { addr, end: addr + len, vm_flags, anon_vma, file: vm_file, pgoff: new_pgoff });
  if (merged !== null) return { new_vma: merged, vma: vm_start >= merged.vm_start && vm_start < merged.vm_end ? merged : vma };
  const new_vma = yield* alloc_vma(k);
  if (new_vma === null) return null;
  copy_vma_record(new_vma, vma);
  new_vma.vm_start = virt(addr);
  new_vma.vm_end = virt(addr + len);
  new_vma.vm_pgoff = new_pgoff;
  if (vm_file !== 0) get_file(file_of(k, vm_file));
  vma_link(k, mm, new_vma);
  return { new_vma, vma };
}

// ---- taking them away -------------------------------------------------------------------------------------------------

/** Unmaps a range: 0, or a negative error. What lies across its ends is split first, so that whole VMAs go. mmap_sem is held for writing (MM-10). */
export function* do_munmap(k: Kernel, mm: mm_struct, start: number, len: number): Generator<Wait, number, void> {
  if (start % PAGE_SIZE !== 0 || start > task_size(k) || len > task_size(k) - start) return -EINVAL;
  const length = PAGE_ALIGN(len);
  if (length === 0) return -EINVAL;
  const end = start + length;
  const { vma } = find_vma_prev(k, mm, start);
  if (vma === null || vma.vm_start >= end) return 0;
  if (start > vma.vm_start) {
    const error = yield* split_vma(k, mm, vma, start, 0);
    if (error !== 0) return error;
  }
  const last = find_vma(k, mm, end);
  if (last !== null && end > last.vm_start) {
    const error = yield* split_vma(k, mm, last, end, 1);
    if (error !== 0) return error;
  }
  const vmas = detach_vmas_to_be_unmapped(k, mm, start, end);
  yield* unmap_region(k, mm, vmas, start, end);
  yield* remove_vma_list(k, mm, vmas);
  return 0;
}

/** Takes the VMAs of a range out of the address space, which is then a hole; the next search may begin there. */
function detach_vmas_to_be_unmapped(k: Kernel, mm: mm_struct, start: number, end: number): vm_area_struct[] {
  const at = vma_position(k, mm, start);
  const past = vma_position(k, mm, end - 1);
  const beyond = vma_at(k, mm, past);
  const count = past - at + (beyond !== null && beyond.vm_start < end ? 1 : 0);
  const vmas = remove_vma_ids(mm, at, count).map((id) => vma_of(k, id));
  mm.map_count -= count;
  if (mm.top_down !== 0) unmap_area(k, mm, vma_at(k, mm, at)?.vm_start ?? mm.mmap_base);
  else unmap_area(k, mm, vma_at(k, mm, at - 1)?.vm_end ?? mm.mmap_base);
  mm.mmap_cache = 0;
  return vmas;
}

/** Takes the pages of detached VMAs away, what was promised for them, and the tables that nothing between their neighbours needs any more. */
function* unmap_region(k: Kernel, mm: mm_struct, vmas: vm_area_struct[], start: number, end: number): Generator<Wait, void, void> {
  lru_add_drain(k);
  const tlb = tlb_gather_mmu(k, mm, 0);
  update_hiwater_rss(mm);
  const nr_accounted = yield* unmap_vmas(k, tlb, vmas, virt(start), virt(end));
  vm_unacct_memory(k, nr_accounted);
  const at = vma_position(k, mm, start);
  free_pgtables(k, tlb, vmas, vma_at(k, mm, at - 1)?.vm_end ?? virt(0), vma_at(k, mm, at)?.vm_start ?? virt(0));
  tlb_finish_mmu(k, tlb, virt(start), virt(end));
}

/** Frees detached VMAs; the address space has shrunk. */
function* remove_vma_list(k: Kernel, mm: mm_struct, vmas: readonly vm_area_struct[]): Generator<Wait, void, void> {
  update_hiwater_vm(mm);
  for (let i = 0; i < vmas.length; i++) {
    const vma = vmas[i]!;
    const nrpages = vma_pages(vma);
    mm.total_vm -= nrpages;
    if ((vma.vm_flags & VM_LOCKED) !== 0) mm.locked_vm -= nrpages;
    vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, -nrpages);
    yield* remove_vma(k, vma);
  }
}

/** Closes and frees a VMA that reverse mapping and truncation do not find any more: free_pgtables has seen to that. */
function* remove_vma(k: Kernel, vma: vm_area_struct): Generator<Wait, void, void> {
  trace_vma_remove(k, vma.id, vma.vm_start, vma.vm_end);
  if (vma.vm_file !== 0) yield* fput(k, file_of(k, vma.vm_file));
  free_vma(k, vma);
}

/** Takes everything out of an address space that its last task has left (MM-20). */
export function* exit_mmap(k: Kernel, mm: mm_struct): Generator<Wait, void, void> {
  const vmas = mm_vmas(k, mm);
  lru_add_drain(k);
  const tlb = tlb_gather_mmu(k, mm, 1);
  const nr_accounted = yield* unmap_vmas(k, tlb, vmas, virt(0), virt(task_size(k)));
  vm_unacct_memory(k, nr_accounted);
  free_pgtables(k, tlb, vmas, virt(0), virt(0));
  tlb_finish_mmu(k, tlb, virt(0), virt(task_size(k)));
  mm.mmap = [];
  mm.map_count = 0;
  mm.mmap_cache = 0;
  for (let i = 0; i < vmas.length; i++) yield* remove_vma(k, vmas[i]!);
  if (mm.nr_ptes !== 0) BUG(k, 'mm/mmap.c:exit_mmap: page tables are left');
}

// ---- finding ----------------------------------------------------------------------------------------------------------

/** The first VMA that ends past an address, which it need not hold; null where there is none. The one that was found last is tried first (MM-6). */
export function find_vma(k: Kernel, mm: mm_struct, addr: number): vm_area_struct | null {
  const cached = mm.mmap_cache === 0 ? null : vma_of(k, mm.mmap_cache);
  if (cached !== null && cached.vm_end > addr && cached.vm_start <= addr) return cached;
  const vma = vma_at(k, mm, vma_position(k, mm, addr));
  if (vma !== null) mm.mmap_cache = vma.id;
  return vma;
}

/** The same, with the VMA before it; where there is none, the last one. The cache stays as it is. */
export function find_vma_prev(k: Kernel, mm: mm_struct, addr: number): { vma: vm_area_struct | null; prev: vm_area_struct | null } {
  const at = vma_position(k, mm, addr);
  return { vma: vma_at(k, mm, at), prev: vma_at(k, mm, at - 1) };
}

/** The same, for who is about to put a VMA there. */
export function find_vma_prepare(k: Kernel, mm: mm_struct, addr: number): { vma: vm_area_struct | null; prev: vm_area_struct | null } {
  return find_vma_prev(k, mm, addr);
}

/** The first VMA that has something of a range, or null. */
export function find_vma_intersection(k: Kernel, mm: mm_struct, start: number, end: number): vm_area_struct | null {
  const vma = find_vma(k, mm, start);
  return vma !== null && end <= vma.vm_start ? null : vma;
}

// ---- figures ----------------------------------------------------------------------------------------------------------

/** Whether an address space may grow by so many pages: RLIMIT_AS of the running task. */
export function may_expand_vm(k: Kernel, mm: mm_struct, npages: number): boolean {
  return mm.total_vm + npages <= Math.floor(current_task(k).rlim.RLIMIT_AS / PAGE_SIZE);
}

/** Counts pages of a mapping by its kind, or with a negative number takes them off (vm_stat_account). `file` is an id or 0. */
export function vm_stat_account(_k: Kernel, mm: mm_struct, flags: number, file: number, pages: number): void {
  if (file !== 0) {
    mm.shared_vm += pages;
    if ((flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) mm.exec_vm += pages;
  } else if ((flags & (VM_GROWSDOWN | VM_GROWSUP)) !== 0) {
    mm.stack_vm += pages;
  }
  if ((flags & (VM_RESERVED | VM_IO)) !== 0) mm.reserved_vm += pages;
}

/** Remembers the largest size, before the address space shrinks. */
export function update_hiwater_vm(mm: mm_struct): void {
  mm.hiwater_vm = Math.max(mm.hiwater_vm, mm.total_vm);
}
