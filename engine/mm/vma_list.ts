// @nohooks
// The VMAs of an address space in order: mm.mmap holds their ids by ascending addresses. The kernel keeps them twice, linked and in a red-black tree;
// here the sorted array is both. Everything that puts VMAs there or takes them out goes through insert_vma_id and remove_vma_ids.

import type { Kernel } from '../kernel.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';

/** Place of the first VMA that ends past an address; the number of VMAs where there is none. Looks only: mmap_cache stays. */
export function vma_position(k: Kernel, mm: mm_struct, addr: number): number {
  const { mmap } = mm;
  let low = 0;
  let high = mmap.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (k.vmas[mmap[middle]!]!.vm_end > addr) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The VMA at a place, or null behind the last and before the first one. */
export function vma_at(k: Kernel, mm: mm_struct, at: number): vm_area_struct | null {
  return at >= 0 && at < mm.mmap.length ? k.vmas[mm.mmap[at]!]! : null;
}

/** The VMA that holds an address, or null. Looks only, unlike find_vma. */
export function vma_containing(k: Kernel, mm: mm_struct, addr: number): vm_area_struct | null {
  const vma = vma_at(k, mm, vma_position(k, mm, addr));
  return vma !== null && vma.vm_start <= addr ? vma : null;
}

/** Its successor in its address space (vm_next), or null. */
export function next_vma(k: Kernel, vma: vm_area_struct): vm_area_struct | null {
  const mm = k.mm_structs[vma.vm_mm]!;
  return vma_at(k, mm, vma_position(k, mm, vma.vm_start) + 1);
}

/** Its predecessor, or null. */
export function prev_vma(k: Kernel, vma: vm_area_struct): vm_area_struct | null {
  const mm = k.mm_structs[vma.vm_mm]!;
  return vma_at(k, mm, vma_position(k, mm, vma.vm_start) - 1);
}

/** Puts an id at a place; those from there on move up. */
export function insert_vma_id(mm: mm_struct, at: number, id: number): void {
  const { mmap } = mm;
  mmap.push(id);
  for (let i = mmap.length - 1; i > at; i--) mmap[i] = mmap[i - 1]!;
  mmap[at] = id;
}

/** Takes `count` ids out from a place on, and returns them; those behind them move down. */
export function remove_vma_ids(mm: mm_struct, at: number, count: number): number[] {
  const { mmap } = mm;
  const removed = mmap.slice(at, at + count);
  for (let i = at + count; i < mmap.length; i++) mmap[i - count] = mmap[i]!;
  for (let i = 0; i < removed.length; i++) mmap.pop();
  return removed;
}
