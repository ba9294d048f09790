// @nohooks
// Questions to the firmware's memory map (arch/x86_64/kernel/e820.c). Only whole frames of RAM count: ranges are rounded inwards.

import type { Kernel } from '../../kernel.ts';
import type { Pfn } from '../../include/types.ts';
import { PAGE_SIZE, pfn } from '../../include/types.ts';

/** Bytes, half open. */
export interface Range {
  start: number;
  end: number;
}

/** Every range the firmware reports, RAM or not, ascending. */
export function e820_entries(k: Kernel): { start: number; end: number; type: 'usable' | 'reserved' }[] {
  const { e820, e820_reserved } = k.platform;
  const entries = [...e820.map((range) => ({ ...range, type: 'usable' as const })), ...e820_reserved.map((range) => ({ ...range, type: 'reserved' as const }))];
  return entries.sort((a, b) => a.start - b.start);
}

/** Frames of RAM from start to end, as ranges of frame numbers. */
export function e820_ram(k: Kernel, start: Pfn, end: Pfn): { start: Pfn; end: Pfn }[] {
  return k.platform.e820.map((range) => ({
    start: pfn(Math.max(start, Math.ceil(range.start / PAGE_SIZE))), end: pfn(Math.min(end, Math.floor(range.end / PAGE_SIZE))),
  })).filter((range) => range.end > range.start);
}

/** Frames from start to end that are no RAM (e820_hole_size). */
export function e820_hole_size(k: Kernel, start: Pfn, end: Pfn): number {
  return e820_ram(k, start, end).reduce((holes, range) => holes - (range.end - range.start), Math.max(0, end - start));
}

/** The first place of `size` bytes, page aligned, in RAM from start to end that touches nothing taken; -1 where there is none. */
export function find_e820_area(k: Kernel, start: number, end: number, size: number, taken: readonly Range[]): number {
  for (const range of k.platform.e820) {
    const at = past_taken(Math.max(start, range.start), size, taken);
    if (at + size <= Math.min(range.end, end)) return at;
  }
  return -1;
}

/** The first page-aligned address from `from` on at which `size` bytes touch nothing taken. */
function past_taken(from: number, size: number, taken: readonly Range[]): number {
  const page_align = (address: number): number => Math.ceil(address / PAGE_SIZE) * PAGE_SIZE;
  let at = page_align(from);
  for (;;) {
    const from_here = at;
    const met = taken.find((range) => from_here < range.end && from_here + size > range.start);
    if (met === undefined) return at;
    at = page_align(met.end);
  }
}
