// @nohooks
// Address spaces, VMAs, anon_vmas, files and inodes as records: found by id, made and given up with their slab objects (kernel/fork.c and mm/ make
// them; include/mm_types.ts says how they hang together).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { anon_vma, file, inode, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { task_struct } from '../include/sched.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { FMODE_WRITE } from '../include/mm_types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { make_radix_tree } from '../lib/radix-tree.ts';
import { make_mutex } from '../kernel/mutex.ts';
import { make_wait_queue } from '../kernel/wait.ts';
import { current_task } from '../kernel/sched.ts';
import { file_ra_state_init, zeroed_file_ra_state } from './file_ra_state.ts';
import { PageAnon, page_mapping_raw } from './mem_map.ts';
import { kmem_cache_alloc, kmem_cache_free } from './slab.ts';
import { find_cache } from './slab_lists.ts';

// ---- finding ----------------------------------------------------------------------------------------------------------

export function mm_of(k: Kernel, id: number): mm_struct {
  return k.mm_structs[id]!;
}

export function vma_of(k: Kernel, id: number): vm_area_struct {
  return k.vmas[id]!;
}

export function anon_vma_of(k: Kernel, id: number): anon_vma {
  return k.anon_vmas[id]!;
}

export function file_of(k: Kernel, id: number): file {
  return k.files[id]!;
}

export function inode_of(k: Kernel, id: number): inode {
  return k.inodes[id]!;
}

/** The inode that a VMA maps, or null for anonymous memory. */
export function vma_inode(k: Kernel, vma: vm_area_struct): inode | null {
  return vma.vm_file === 0 ? null : inode_of(k, file_of(k, vma.vm_file).f_inode);
}

/** The file whose page cache a page belongs to, or null: an anonymous page, or one that has left the cache (include/linux/mm.h:page_mapping). */
export function page_mapping(k: Kernel, page: Pfn): inode | null {
  const mapping = page_mapping_raw(k, page);
  return mapping === 0 || PageAnon(k, page) ? null : inode_of(k, mapping / 2);
}

/** A task's address space, or null. */
export function task_mm(k: Kernel, task: task_struct): mm_struct | null {
  return task.mm === 0 ? null : mm_of(k, task.mm);
}

/** The running task's address space (current->mm), or null. */
export function current_mm(k: Kernel): mm_struct | null {
  return task_mm(k, current_task(k));
}

/** The VMAs of an address space, ascending. */
export function mm_vmas(k: Kernel, mm: mm_struct): vm_area_struct[] {
  return mm.mmap.map((id) => vma_of(k, id));
}

// ---- making and giving up ---------------------------------------------------------------------------------------------

/** Memory for one more record from the cache of that name; 0 where there is none left. */
export function* alloc_object(k: Kernel, cache: string): Generator<Wait, VirtAddr, void> {
  const cachep = find_cache(k, cache);
  if (cachep === null) return virt(0);
  const address = yield* kmem_cache_alloc(k, cachep, GFP_KERNEL);
  return address;
}

export function free_object(k: Kernel, cache: string, address: VirtAddr): void {
  const cachep = find_cache(k, cache);
  if (cachep !== null && address !== 0) kmem_cache_free(k, cachep, address);
}

/** A VMA that is in no address space yet, all zero but its id; null where there is no memory. */
export function* alloc_vma(k: Kernel): Generator<Wait, vm_area_struct | null, void> {
  const address = yield* alloc_object(k, 'vm_area_struct');
  if (address === 0) return null;
  const id = take_id(k.vmas, k.free_ids.vmas);
  const vma: vm_area_struct = {
    id, address, vm_mm: 0, vm_start: virt(0), vm_end: virt(0), vm_page_prot: 0, vm_flags: 0, vm_pgoff: 0, vm_file: 0, anon_vma: 0, vm_private_data: 0,
  };
  k.vmas[id] = vma;
  return vma;
}

/** Gives a VMA's memory back; it must be in no list any more. */
export function free_vma(k: Kernel, vma: vm_area_struct): void {
  free_object(k, 'vm_area_struct', vma.address);
  k.vmas[vma.id] = null;
  k.free_ids.vmas.push(vma.id);
}

/** An anon_vma without VMAs; null where there is no memory (anon_vma_alloc). */
export function* anon_vma_alloc(k: Kernel): Generator<Wait, anon_vma | null, void> {
  const address = yield* alloc_object(k, 'anon_vma');
  if (address === 0) return null;
  const id = take_id(k.anon_vmas, k.free_ids.anon_vmas);
  const anon: anon_vma = { id, address, vmas: [] };
  k.anon_vmas[id] = anon;
  return anon;
}

export function anon_vma_free(k: Kernel, anon: anon_vma): void {
  free_object(k, 'anon_vma', anon.address);
  k.anon_vmas[anon.id] = null;
  k.free_ids.anon_vmas.push(anon.id);
}

/** An address space without VMAs, page tables or layout; null where there is no memory (allocate_mm, mm_init). */
export function* allocate_mm(k: Kernel): Generator<Wait, mm_struct | null, void> {
  const address = yield* alloc_object(k, 'mm_struct');
  if (address === 0) return null;
  const id = take_id(k.mm_structs, k.free_ids.mm_structs);
  const mm = make_mm(k, id, address);
  k.mm_structs[id] = mm;
  return mm;
}

export function free_mm(k: Kernel, mm: mm_struct): void {
  free_object(k, 'mm_struct', mm.address);
  k.mm_structs[mm.id] = null;
  k.free_ids.mm_structs.push(mm.id);
}

function make_mm(k: Kernel, id: number, address: VirtAddr): mm_struct {
  return {
    id, address, mmap: [], mmap_cache: 0, top_down: 0, mmap_base: virt(0), task_size: 0, cached_hole_size: 0, free_area_cache: virt(0), pgd: phys(0),
    mm_users: 1, map_count: 0, mmap_sem: { activity: 0, wait: make_wait_queue() }, on_mmlist: 0, file_rss: 0, anon_rss: 0, hiwater_rss: 0,
    hiwater_vm: 0, total_vm: 0, locked_vm: 0, shared_vm: 0, exec_vm: 0, stack_vm: 0, reserved_vm: 0, def_flags: 0, nr_ptes: 0,
    start_code: virt(0), end_code: virt(0), start_data: virt(0), end_data: virt(0), start_brk: virt(0), brk: virt(0), start_stack: virt(0),
    iobuf: virt(0), cpu_vm_mask: k.tlbs.map(() => 0),
  };
}

/** A new inode; nobody refers to it yet. */
export function new_inode(k: Kernel, path: string, kind: inode['kind'], size: number): inode {
  const ino = take_id(k.inodes, k.free_ids.inodes);
  const [major, minor] = kind === 'shmem' ? [0, 6] : [0, 1];
  const made: inode = {
    ino, major, minor, path, kind, size, i_bdev: -1, extents: kind === 'file' && size > 0 ? [{ index: 0, nr: Math.ceil(size / PAGE_SIZE), block: 0 }] : [], i_state: 0, dirtied_when: 0,
    i_lock_wait: make_wait_queue(), i_mutex: make_mutex(), i_writecount: 0, page_tree: make_radix_tree(), nrpages: 0, writeback_index: 0, flags: 0,
    i_mmap: [], i_mmap_nonlinear: [], truncate_count: 0, i_count: 0,
    shmem_flags: 0, alloced: 0,
  };
  k.inodes[ino] = made;
  return made;
}

/** Opens an inode (get_empty_filp, without the memory of a struct file). Who opens it to write counts as a writer; whether he may is the caller's
 *  to know (fs/namei.ts). */
export function open_inode(k: Kernel, target: inode, f_mode: number, f_flags: number): file {
  const id = take_id(k.files, k.free_ids.files);
  const opened: file = { id, f_inode: target.ino, f_flags, f_mode, f_pos: 0, f_count: 1, f_ra: zeroed_file_ra_state() };
  file_ra_state_init(k, opened.f_ra, target);
  k.files[id] = opened;
  target.i_count++;
  if ((f_mode & FMODE_WRITE) !== 0) target.i_writecount++;
  return opened;
}

export function get_file(opened: file): void {
  opened.f_count++;
}

/** The lowest id that is free: one that is gone, or a new one. */
export function take_id(records: readonly unknown[], free: number[]): number {
  return free.pop() ?? records.length;
}
