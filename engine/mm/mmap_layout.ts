// Where mappings go in an address space (arch/i386/mm/mmap.c, arch/x86_64/mm/mmap.c, arch/x86_64/kernel/sys_x86_64.c, mm/mmap.c:get_unmapped_area;
// KERNEL.md MM-1 … MM-5, X-32 … X-35).
//
//   i386, top-down     text data heap →                            ← mappings | mmap_base | gap for the stack ← stack |
//   legacy, x86_64     text data heap →      | mmap_base, mappings →                                          ← stack |
//
// A search begins at free_area_cache, where the last one ended; cached_hole_size is the largest hole that searches have passed by since, so that a
// request which might fit there begins anew. Left out: 32-bit tasks on x86_64, personalities (ADDR_COMPAT_LAYOUT, ADDR_NO_RANDOMIZE), huge pages,
// files with a search of their own.

import type { Kernel } from '../kernel.ts';
import type { file, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { task_struct } from '../include/sched.ts';
import type { VirtAddr } from '../include/types.ts';
import { EINVAL, ENOMEM } from '../include/errno.ts';
import { MAP_32BIT, MAP_FIXED } from '../include/mman.ts';
import { PF_RANDOMIZE } from '../include/sched.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { bits_per_long, is_x86_64, task_size } from '../arch/address.ts';
import { get_random_int } from '../kernel/random.ts';
import { trace_vm_unmapped_area } from '../trace/mm.ts';
import { find_vma } from './mmap.ts';
import { vma_at, vma_position } from './vma_list.ts';

const MiB = 1 << 20;
/** The least room that is left for the stack below its top (MM-1). */
const MIN_GAP = 128 * MiB;
/** Flag of vm_unmapped_area: the search goes downwards. */
const VM_UNMAPPED_AREA_TOPDOWN = 1;
/** Where MAP_32BIT looks. */
const LOW_RANGE = { begin: 0x40000000, end: 0x80000000 };

/** A request for a place: bytes, a whole number of pages. */
interface unmapped_area_request {
  addr: number;
  len: number;
  flags: number;
}

/** The size, or the address, in whole pages: bytes, rounded up. */
export function PAGE_ALIGN(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

/** Where bottom-up searches begin: a third of user space (M-7, X-32). */
export function TASK_UNMAPPED_BASE(k: Kernel): VirtAddr {
  return virt(PAGE_ALIGN(Math.floor(task_size(k) / 3)));
}

/** ~0UL, as cached_hole_size has it where any hole is possible. */
export function no_hole_known(k: Kernel): number {
  return 2 ** bits_per_long(k) - 1;
}

// ---- choosing a layout ------------------------------------------------------------------------------------------------

/** Gives a new address space its layout, as exec does (load_elf_binary, arch_pick_mmap_layout): with kernel.randomize_va_space its base is random.
 *  The legacy layout is for who wants it, and for a stack without limit; x86_64 has no other. */
export function arch_pick_mmap_layout(k: Kernel, mm: mm_struct, task: task_struct): void {
  if (k.sysctl.randomize_va_space !== 0) task.flags |= PF_RANDOMIZE;
  else task.flags &= ~PF_RANDOMIZE;
  mm.task_size = task_size(k);
  mm.top_down = is_top_down(k, task) ? 1 : 0;
  if (mm.top_down !== 0) mm.mmap_base = mmap_base(k, task);
  else mm.mmap_base = virt(TASK_UNMAPPED_BASE(k) + (is_x86_64(k) ? random_pages(k, task, 0xfffffff) : 0));
  mm.free_area_cache = mm.mmap_base;
  mm.cached_hole_size = 0;
}

function is_top_down(k: Kernel, task: task_struct): boolean {
  return !is_x86_64(k) && k.sysctl.legacy_va_layout === 0 && task.rlim.RLIMIT_STACK !== Infinity;
}

/** What a stack may grow to stays free below its top, and at random up to 1 MiB more. */
function mmap_base(k: Kernel, task: task_struct): VirtAddr {
  const max_gap = Math.floor(task_size(k) / 6) * 5;
  const gap = Math.min(Math.max(task.rlim.RLIMIT_STACK, MIN_GAP), max_gap);
  const random_factor = (task.flags & PF_RANDOMIZE) !== 0 ? get_random_int(k) % MiB : 0;
  return virt(PAGE_ALIGN(task_size(k) - gap - random_factor));
}

/** Top of a new stack: some random pages below the end of user space, up to 8 MiB on i386 (MM-2). On x86_64 22 random bits are shifted by 12 in a
 *  variable of 32 bits, so that 4 GiB are left of the 16 that X-35 means. */
export function randomize_stack_top(k: Kernel, task: task_struct): VirtAddr {
  const offset = random_pages(k, task, is_x86_64(k) ? 0x3fffff : 0x7ff);
  return virt(task_size(k) - (offset % 2 ** 32));
}

/** Where the stack pointer begins in a stack that is filled down to `sp`: up to 8 KiB lower, at a multiple of 16. */
export function arch_align_stack(k: Kernel, sp: VirtAddr): VirtAddr {
  const lowered = k.sysctl.randomize_va_space !== 0 ? sp - (get_random_int(k) % 8192) : sp;
  return virt(lowered - (lowered % 16));
}

/** Bytes of a random number of pages, 0 for a task whose layout is fixed. */
function random_pages(k: Kernel, task: task_struct, mask: number): number {
  return (task.flags & PF_RANDOMIZE) === 0 ? 0 : ((get_random_int(k) & mask) >>> 0) * PAGE_SIZE;
}

// ---- searching --------------------------------------------------------------------------------------------------------

/** A place for `len` bytes: an address that is a multiple of a page, or -ENOMEM or -EINVAL. MAP_FIXED takes the address as it is, whatever is there
 *  (MM-5). No file has a search of its own. */
export function get_unmapped_area(k: Kernel, mm: mm_struct, _file: file | null, addr: number, len: number, _pgoff: number, flags: number): number {
  let found = addr;
  if ((flags & MAP_FIXED) === 0) {
    found = mm.top_down !== 0 ? arch_get_unmapped_area_topdown(k, mm, { addr, len, flags }) : arch_get_unmapped_area(k, mm, { addr, len, flags });
    trace_search(k, mm, found, { addr, len, flags });
    if (found < 0) return found;
  }
  if (found > task_size(k) - len) return -ENOMEM;
  return found % PAGE_SIZE !== 0 ? -EINVAL : found;
}

function trace_search(k: Kernel, mm: mm_struct, found: number, { len, flags }: unmapped_area_request): void {
  const { begin, end } = mm.top_down !== 0 ? { begin: 0, end: mm.mmap_base } : search_range(k, flags);
  const direction = mm.top_down !== 0 ? VM_UNMAPPED_AREA_TOPDOWN : 0;
  trace_vm_unmapped_area(k, Math.max(found, 0), Math.min(found, 0), mm.total_vm, direction, len, begin, end);
}

/** The place that was asked for, where it is free, or -ENOMEM (MM-3). */
function hinted_area(k: Kernel, mm: mm_struct, { addr, len }: unmapped_area_request, end: number): number {
  if (addr === 0) return -ENOMEM;
  // The last page of 4 GiB aligns to address 0, as a long of 32 bits has it.
  const aligned = is_x86_64(k) ? PAGE_ALIGN(addr) : PAGE_ALIGN(addr) % 2 ** 32;
  const vma = find_vma(k, mm, aligned);
  return end - len >= aligned && (vma === null || aligned + len <= vma.vm_start) ? aligned : -ENOMEM;
}

/** Downwards from free_area_cache, or from mmap_base where a hole that was passed by may do; then VMA by VMA (MM-3). Where that finds nothing,
 *  upwards once. */
function arch_get_unmapped_area_topdown(k: Kernel, mm: mm_struct, request: unmapped_area_request): number {
  const { len } = request;
  if (len > task_size(k)) return -ENOMEM;
  const hinted = hinted_area(k, mm, request, task_size(k));
  if (hinted >= 0) return hinted;
  if (len <= mm.cached_hole_size) {
    mm.cached_hole_size = 0;
    mm.free_area_cache = mm.mmap_base;
  }
  const below_cache = mm.free_area_cache - len;
  if (below_cache > 0 && is_free_below(find_vma(k, mm, below_cache), mm.free_area_cache)) {
    mm.free_area_cache = virt(below_cache);
    return below_cache;
  }
  const found = mm.mmap_base < len ? -ENOMEM : search_down(k, mm, len);
  return found >= 0 ? found : bottom_up_instead(k, mm, request);
}

function is_free_below(vma: vm_area_struct | null, end: number): boolean {
  return vma === null || end <= vma.vm_start;
}

function search_down(k: Kernel, mm: mm_struct, len: number): number {
  let addr = mm.mmap_base - len;
  for (;;) {
    const vma = find_vma(k, mm, addr);
    if (vma === null || addr + len <= vma.vm_start) {
      mm.free_area_cache = virt(addr);
      return addr;
    }
    remember_hole(k, mm, addr, vma);
    if (len >= vma.vm_start) return -ENOMEM;
    addr = vma.vm_start - len;
  }
}

/** The bottom-up search of a top-down layout: what it leaves in the caches says nothing about the next search downwards. */
function bottom_up_instead(k: Kernel, mm: mm_struct, request: unmapped_area_request): number {
  mm.cached_hole_size = no_hole_known(k);
  mm.free_area_cache = TASK_UNMAPPED_BASE(k);
  const addr = arch_get_unmapped_area(k, mm, request);
  mm.free_area_cache = mm.mmap_base;
  mm.cached_hole_size = no_hole_known(k);
  return addr;
}

/** Upwards from free_area_cache, and once more from the bottom where nothing is found (MM-4). On x86_64 only MAP_32BIT minds the holes that were
 *  passed by, and the bottom is not the random base. */
function arch_get_unmapped_area(k: Kernel, mm: mm_struct, request: unmapped_area_request): number {
  const { len, flags } = request;
  const { begin, end } = search_range(k, flags);
  if (len > end) return -ENOMEM;
  const hinted = hinted_area(k, mm, request, end);
  if (hinted >= 0) return hinted;
  const minds_holes = !is_x86_64(k) || (flags & MAP_32BIT) !== 0;
  const is_passed = minds_holes && len <= mm.cached_hole_size;
  if (is_passed) mm.cached_hole_size = 0;
  if (is_passed && is_x86_64(k)) mm.free_area_cache = virt(begin);
  const cache = is_passed ? begin : mm.free_area_cache;
  const start = is_x86_64(k) ? Math.max(cache, begin) : cache;
  const found = search_up(k, mm, start, len, end);
  if (found >= 0 || start === begin) return found;
  mm.cached_hole_size = 0;
  return search_up(k, mm, begin, len, end);
}

function search_range(k: Kernel, flags: number): { begin: number; end: number } {
  if (is_x86_64(k) && (flags & MAP_32BIT) !== 0) return LOW_RANGE;
  return { begin: TASK_UNMAPPED_BASE(k), end: task_size(k) };
}

function search_up(k: Kernel, mm: mm_struct, start: number, len: number, end: number): number {
  let addr = start;
  find_vma(k, mm, addr);
  for (let at = vma_position(k, mm, addr); ; at++) {
    if (end - len < addr) return -ENOMEM;
    const vma = vma_at(k, mm, at);
    if (vma === null || addr + len <= vma.vm_start) {
      mm.free_area_cache = virt(addr + len);
      return addr;
    }
    remember_hole(k, mm, addr, vma);
    addr = vma.vm_end;
  }
}

/** The hole from an address to a VMA is too small this time. The kernel adds ~0UL as if it were -1. */
function remember_hole(k: Kernel, mm: mm_struct, addr: number, vma: vm_area_struct): void {
  const largest = mm.cached_hole_size === no_hole_known(k) ? -1 : mm.cached_hole_size;
  if (addr + largest < vma.vm_start) mm.cached_hole_size = vma.vm_start - addr;
}

/** A range came free: the next search begins there if it is further out than where the last one ended (arch_unmap_area, arch_unmap_area_topdown). */
export function unmap_area(k: Kernel, mm: mm_struct, addr: number): void {
  if (mm.top_down !== 0) {
    mm.free_area_cache = virt(Math.min(Math.max(addr, mm.free_area_cache), mm.mmap_base));
    return;
  }
  if (addr < TASK_UNMAPPED_BASE(k) || addr >= mm.free_area_cache) return;
  mm.free_area_cache = virt(addr);
  mm.cached_hole_size = no_hole_known(k);
}
