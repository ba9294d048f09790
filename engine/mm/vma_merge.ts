// VMAs that become one, and one that becomes two (mm/mmap.c:vma_merge, vma_adjust, split_vma; KERNEL.md MM-8, MM-9). A is the range that changes or
// is new, P the VMA before it, N the one A begins in or that comes next, X the one after N:
//
//      AAAA              AAAA             AAAA              AAAA
//     PPPPPPNNNNNN     PPPPPPNNNNNN     PPPPNNNNXXXX      PPPP    NNNN
//     case 4:          case 5:          6: PPPPPPPPPPPP   1: PPPPPPPPPPPP
//     PPNNNNNNNNNN     PPPPPPPPPPNN     7: PPPPPPPPXXXX   2: PPPPPPPPNNNN
//     (AAAA inside P,                   8: PPPPNNNNNNNN   3: PPPPNNNNNNNN
//      up to its end)
//
// Left out: NUMA policies, vm_ops with open and close, the count of mappings that may write (i_mmap_writable), locks that only another thread of the
// same address space could meet. The tree of a file's VMAs is a list here, in no order of pages.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import { ENOMEM } from '../include/errno.ts';
import { VM_DENYWRITE, VM_EXEC, VM_NONLINEAR, VM_READ, VM_SPECIAL, VM_WRITE } from '../include/mm_types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { trace_vma_create, trace_vma_merge, trace_vma_remove, trace_vma_split } from '../trace/mm.ts';
import { alloc_vma, file_of, free_vma, get_file, mm_of, vma_inode } from './mm_struct.ts';
import { __anon_vma_merge, anon_vma_link } from './rmap.ts';
import { insert_vma_id, next_vma, prev_vma, remove_vma_ids, vma_at, vma_position } from './vma_list.ts';

/** What a VMA for a range would be like: addresses in bytes, `file` and `anon_vma` by id or 0, `pgoff` in pages. */
export interface vma_range {
  addr: number;
  end: number;
  vm_flags: number;
  anon_vma: number;
  file: number;
  pgoff: number;
}

/** Pages of a VMA. */
export function vma_pages(vma: vm_area_struct): number {
  return (vma.vm_end - vma.vm_start) / PAGE_SIZE;
}

// ---- merging ----------------------------------------------------------------------------------------------------------

/** Lets a neighbour take a range in, so that it needs no VMA of its own: the VMA that did, or null where none can. `prev` is the VMA before the
 *  range, or the one that it begins in past its start. Where the range holds VMAs, they end with it or past it (mprotect). */
export function vma_merge(k: Kernel, mm: mm_struct, prev: vm_area_struct | null, range: vma_range): vm_area_struct | null {
  const { addr, end } = range;
  if ((range.vm_flags & VM_SPECIAL) !== 0) return null;
  const at = prev === null ? 0 : vma_position(k, mm, prev.vm_start) + 1;
  const area = vma_at(k, mm, at);
  const next = area !== null && area.vm_end === end ? vma_at(k, mm, at + 1) : area;
  const joins_next = next !== null && end === next.vm_start && can_vma_merge_before(next, range);
  if (prev !== null && prev.vm_end === addr && can_vma_merge_after(prev, range)) {
    const joins_both = joins_next && is_mergeable_anon_vma(prev.anon_vma, next.anon_vma);
    const merge_case = joins_both ? case_of_both(area, next) : case_of_prev(area, end);
    vma_adjust(k, prev, prev.vm_start, joins_both ? next.vm_end : end, prev.vm_pgoff, null);
    trace_vma_merge(k, prev.id, prev.vm_start, prev.vm_end, merge_case);
    return prev;
  }
  return joins_next ? merge_before_next(k, prev, area!, next, range) : null;
}

/** Hands the range to the VMA behind it: by moving the boundary of `prev` down (case 4), or from the VMA that begins at the range (cases 3, 8). */
function merge_before_next(
  k: Kernel, prev: vm_area_struct | null, area: vm_area_struct, next: vm_area_struct, { addr, end }: vma_range,
): vm_area_struct {
  const shifts = prev !== null && addr < prev.vm_end;
  const merge_case = shifts ? 4 : area === next ? 3 : 8;
  if (shifts) vma_adjust(k, prev, prev.vm_start, addr, prev.vm_pgoff, null);
  else vma_adjust(k, area, addr, next.vm_end, next.vm_pgoff - (end - addr) / PAGE_SIZE, null);
  trace_vma_merge(k, area.id, area.vm_start, area.vm_end, merge_case);
  return area;
}

function case_of_both(area: vm_area_struct | null, next: vm_area_struct): number {
  return area === next ? 1 : 6;
}

function case_of_prev(area: vm_area_struct | null, end: number): number {
  if (area === null || area.vm_start >= end) return 2;
  return area.vm_end === end ? 7 : 5;
}

/** Flags and file must be the same (MM-8). */
function is_mergeable_vma(vma: vm_area_struct, file: number, vm_flags: number): boolean {
  return vma.vm_flags === vm_flags && vma.vm_file === file;
}

/** One of them has no pages of its own yet, or they share them already. */
function is_mergeable_anon_vma(one: number, other: number): boolean {
  return one === 0 || other === 0 || one === other;
}

/** Whether the range could become the beginning of a VMA that it ends at: its last page must be the one before the VMA's first in the file. */
export function can_vma_merge_before(vma: vm_area_struct, { addr, end, vm_flags, anon_vma, file, pgoff }: vma_range): boolean {
  if (!is_mergeable_vma(vma, file, vm_flags) || !is_mergeable_anon_vma(anon_vma, vma.anon_vma)) return false;
  return vma.vm_pgoff === pgoff + (end - addr) / PAGE_SIZE;
}

/** Whether the range could become the end of a VMA that ends where it begins. */
export function can_vma_merge_after(vma: vm_area_struct, { vm_flags, anon_vma, file, pgoff }: vma_range): boolean {
  if (!is_mergeable_vma(vma, file, vm_flags) || !is_mergeable_anon_vma(anon_vma, vma.anon_vma)) return false;
  return vma.vm_pgoff + vma_pages(vma) === pgoff;
}

/** Id of the anon_vma of a neighbour that may become one with a VMA, now or after mprotect: the next one's before the previous one's; 0 where there
 *  is none. */
export function find_mergeable_anon_vma(k: Kernel, vma: vm_area_struct): number {
  const next = next_vma(k, vma);
  const touches_next = next !== null && next.anon_vma !== 0 && vma.vm_end === next.vm_start;
  if (touches_next && can_vma_merge_before(next, as_if_mprotected(vma, next))) return next.anon_vma;
  const prev = prev_vma(k, vma);
  const touches_prev = prev !== null && prev.anon_vma !== 0 && prev.vm_end === vma.vm_start;
  return touches_prev && can_vma_merge_after(prev, as_if_mprotected(vma, prev)) ? prev.anon_vma : 0;
}

/** The VMA's range with the access rights of a neighbour, and no pages of its own. */
function as_if_mprotected(vma: vm_area_struct, near: vm_area_struct): vma_range {
  const rights = VM_READ | VM_WRITE | VM_EXEC;
  const vm_flags = (vma.vm_flags & ~rights) | (near.vm_flags & rights);
  return { addr: vma.vm_start, end: vma.vm_end, vm_flags, anon_vma: 0, file: vma.vm_file, pgoff: vma.vm_pgoff };
}

// ---- moving boundaries ------------------------------------------------------------------------------------------------

/** Gives a VMA another range and whatever that means for the VMA behind it, which shrinks, grows or goes; or puts `insert` beside it, which was cut
 *  off (split_vma). Whichever takes pages in gets the anon_vma of the one that had them. */
export function vma_adjust(k: Kernel, vma: vm_area_struct, start: number, end: number, pgoff: number, insert: vm_area_struct | null): void {
  const next = insert === null ? next_vma(k, vma) : null;
  if (next !== null && end >= next.vm_end) {
    absorb(k, vma, start, end, pgoff);
    return;
  }
  if (insert !== null) __vma_link_file(k, insert);
  if (next !== null && end > next.vm_start) {
    import_anon_vma(k, vma, next.anon_vma);
    set_range(vma, start, end, pgoff);
    shift_start(next, end);
  } else if (next !== null && end < vma.vm_end) {
    import_anon_vma(k, next, vma.anon_vma);
    const boundary = next.vm_start - (vma.vm_end - end);
    set_range(vma, start, end, pgoff);
    shift_start(next, boundary);
  } else {
    set_range(vma, start, end, pgoff);
  }
  if (insert !== null) __insert_vm_struct(k, mm_of(k, vma.vm_mm), insert);
}

/** Grows a VMA over all of the next one, and over the one after too where the end says so (cases 1, 6, 7, 8). */
function absorb(k: Kernel, vma: vm_area_struct, start: number, end: number, pgoff: number): void {
  for (;;) {
    const next = next_vma(k, vma)!;
    const is_last = end <= next.vm_end;
    import_anon_vma(k, vma, next.anon_vma);
    set_range(vma, start, next.vm_end, pgoff);
    remove_absorbed(k, mm_of(k, vma.vm_mm), vma, next);
    if (is_last) return;
  }
}

/** Takes out and frees a VMA whose range another one has now. */
function remove_absorbed(k: Kernel, mm: mm_struct, vma: vm_area_struct, next: vm_area_struct): void {
  const { id, vm_start, vm_end } = next;
  remove_vma_ids(mm, vma_position(k, mm, vma.vm_start) + 1, 1);
  if (mm.mmap_cache === id) mm.mmap_cache = vma.id;
  unlink_file_vma(k, next);
  if (next.anon_vma !== 0) __anon_vma_merge(k, vma, next);
  put_shared_file(k, next.vm_file);
  mm.map_count--;
  free_vma(k, next);
  trace_vma_remove(k, id, vm_start, vm_end);
}

/** A VMA that is about to hold pages of an anon_vma must be on its list; one that has its own knows them already. */
function import_anon_vma(k: Kernel, importer: vm_area_struct, anon_vma: number): void {
  if (importer.anon_vma !== 0 || anon_vma === 0) return;
  importer.anon_vma = anon_vma;
  anon_vma_link(k, importer);
}

function set_range(vma: vm_area_struct, start: number, end: number, pgoff: number): void {
  vma.vm_start = virt(start);
  vma.vm_end = virt(end);
  vma.vm_pgoff = pgoff;
}

function shift_start(vma: vm_area_struct, start: number): void {
  vma.vm_pgoff += (start - vma.vm_start) / PAGE_SIZE;
  vma.vm_start = virt(start);
}

/** Drops a reference that cannot be the last: another VMA refers to the same file. */
export function put_shared_file(k: Kernel, file: number): void {
  if (file !== 0) file_of(k, file).f_count--;
}

// ---- splitting --------------------------------------------------------------------------------------------------------

/** Makes two VMAs of one at an address inside it; the new one is what lies below the address or what lies above: 0 or -ENOMEM (MM-9). */
export function* split_vma(k: Kernel, mm: mm_struct, vma: vm_area_struct, addr: number, new_below: 0 | 1): Generator<Wait, number, void> {
  if (mm.map_count >= k.sysctl.max_map_count) return -ENOMEM;
  const made = yield* alloc_vma(k);
  if (made === null) return -ENOMEM;
  copy_vma_record(made, vma);
  const pages_below = (addr - vma.vm_start) / PAGE_SIZE;
  if (new_below !== 0) {
    made.vm_end = virt(addr);
  } else {
    made.vm_start = virt(addr);
    made.vm_pgoff += pages_below;
  }
  if (made.vm_file !== 0) get_file(file_of(k, made.vm_file));
  if (new_below !== 0) vma_adjust(k, vma, addr, vma.vm_end, vma.vm_pgoff + pages_below, made);
  else vma_adjust(k, vma, vma.vm_start, addr, vma.vm_pgoff, made);
  trace_vma_split(k, vma.id, addr, made.id);
  return 0;
}

/** Makes a VMA like another one in everything but its own id and memory. It is in no list yet. */
export function copy_vma_record(to: vm_area_struct, from: vm_area_struct): void {
  to.vm_mm = from.vm_mm;
  to.vm_start = from.vm_start;
  to.vm_end = from.vm_end;
  to.vm_page_prot = from.vm_page_prot;
  to.vm_flags = from.vm_flags;
  to.vm_pgoff = from.vm_pgoff;
  to.vm_file = from.vm_file;
  to.anon_vma = from.anon_vma;
  to.vm_private_data = from.vm_private_data;
}

// ---- linking ----------------------------------------------------------------------------------------------------------

/** Puts a new VMA where it belongs: into its address space's order, its anon_vma's list and its file's. */
export function vma_link(k: Kernel, mm: mm_struct, vma: vm_area_struct): void {
  trace_vma_create(k, vma.id, vma.vm_start, vma.vm_end, vma.vm_flags);
  __vma_link(k, mm, vma);
  __vma_link_file(k, vma);
  mm.map_count++;
}

/** The same for one whose file has it already. */
function __insert_vm_struct(k: Kernel, mm: mm_struct, vma: vm_area_struct): void {
  __vma_link(k, mm, vma);
  mm.map_count++;
}

function __vma_link(k: Kernel, mm: mm_struct, vma: vm_area_struct): void {
  insert_vma_id(mm, vma_position(k, mm, vma.vm_start), vma.id);
  if (vma.anon_vma !== 0) anon_vma_link(k, vma);
}

/** Puts a VMA on the list of its file's mappings; nonlinear ones have their own. While a program is mapped nobody may write it
 *  (fs/namei.ts). */
export function __vma_link_file(k: Kernel, vma: vm_area_struct): void {
  const inode = vma_inode(k, vma);
  if (inode === null) return;
  if ((vma.vm_flags & VM_DENYWRITE) !== 0) inode.i_writecount--;
  if ((vma.vm_flags & VM_NONLINEAR) !== 0) inode.i_mmap_nonlinear.push(vma.id);
  else inode.i_mmap.push(vma.id);
}

/** Takes it off again: reverse mapping and truncation do not find it any more (__remove_shared_vm_struct). */
export function unlink_file_vma(k: Kernel, vma: vm_area_struct): void {
  const inode = vma_inode(k, vma);
  if (inode === null) return;
  if ((vma.vm_flags & VM_DENYWRITE) !== 0) inode.i_writecount++;
  if ((vma.vm_flags & VM_NONLINEAR) !== 0) inode.i_mmap_nonlinear = inode.i_mmap_nonlinear.filter((id) => id !== vma.id);
  else inode.i_mmap = inode.i_mmap.filter((id) => id !== vma.id);
}
