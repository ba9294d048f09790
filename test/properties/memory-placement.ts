// Where the model puts an area that asks for no address, or only hints at one (KERNEL.md MM-1 … MM-5, X-32 … X-34). The exact answer depends on where
// the last search ended and on the largest hole it passed, so both are kept as the kernel keeps them.

import type { Space, World } from './memory-model.ts';
import { EINVAL, ENOMEM, PAGE, areaAbove, pageUp, word } from './memory-model.ts';

export const MAP_FIXED = 0x10;
const MAP_32BIT = 0x40;

export interface Placed {
  address: number;
  length: number;
  flags: number;
}

/** The address of a new area, or −errno (get_unmapped_area, MM-5). `length` is whole pages, at least one. */
export function place(world: World, space: Space, wanted: Placed): number {
  const address = (wanted.flags & MAP_FIXED) === 0 ? find(world, space, wanted) : wanted.address;
  if (address < 0) return address;
  if (address > world.taskSize - wanted.length) return -ENOMEM;
  return address % PAGE === 0 ? address : -EINVAL;
}

function find(world: World, space: Space, wanted: Placed): number {
  if (wanted.length > world.taskSize) return -ENOMEM;
  if (world.arch === 'x86_64') return upwards64(world, space, wanted);
  return space.isTopDown ? downwards(world, space, wanted) : upwards(world, space, wanted);
}

/** The hint, where it is free up to its end. */
function hinted(world: World, space: Space, { address, length }: Placed, limit: number): number | null {
  if (address === 0) return null;
  const aligned = pageUp(world, address);
  const above = areaAbove(space, aligned);
  return limit - length >= aligned && (above === undefined || aligned + length <= above.start) ? aligned : null;
}

/** Whether the largest hole that was passed would have been enough. */
function isPassed(space: Space, length: number): boolean {
  return space.largestHole === -1 || length <= space.largestHole;
}

function passHole(world: World, space: Space, from: number, to: number): void {
  if (word(world, from + space.largestHole) < to) space.largestHole = to - from;
}

/** From where the last search ended downwards; from the top again where a hole that was passed may do. */
function downwards(world: World, space: Space, wanted: Placed): number {
  const { length } = wanted;
  const hint = hinted(world, space, wanted, world.taskSize);
  if (hint !== null) return hint;
  if (isPassed(space, length)) {
    space.largestHole = 0;
    space.searchFrom = space.mmapBase;
  }
  const from = space.searchFrom;
  if (from > length && isFree(space, from - length, from)) return (space.searchFrom = from - length);
  for (let address = space.mmapBase - length; address >= 0; ) {
    const above = areaAbove(space, address);
    if (above === undefined || address + length <= above.start) return (space.searchFrom = address);
    passHole(world, space, address, above.start);
    if (length >= above.start) break;
    address = above.start - length;
  }
  return asLastResort(world, space, wanted);
}

function isFree(space: Space, start: number, end: number): boolean {
  const above = areaAbove(space, start);
  return above === undefined || end <= above.start;
}

/** Nothing below mmap_base: look upwards once, and begin at the top again next time. */
function asLastResort(world: World, space: Space, wanted: Placed): number {
  space.largestHole = -1;
  space.searchFrom = world.unmappedBase;
  const address = upwards(world, space, wanted);
  space.searchFrom = space.mmapBase;
  space.largestHole = -1;
  return address;
}

/** From where the last search ended upwards (MM-4). */
function upwards(world: World, space: Space, wanted: Placed): number {
  const hint = hinted(world, space, wanted, world.taskSize);
  if (hint !== null) return hint;
  const isAnew = isPassed(space, wanted.length);
  if (isAnew) space.largestHole = 0;
  const from = isAnew ? world.unmappedBase : space.searchFrom;
  return firstFit(world, space, { length: wanted.length, from, begin: world.unmappedBase, end: world.taskSize });
}

/** The same for 64-bit tasks, where the hole counts for MAP_32BIT alone. */
function upwards64(world: World, space: Space, wanted: Placed): number {
  const is32Bit = (wanted.flags & MAP_32BIT) !== 0;
  const begin = is32Bit ? 0x40000000 : world.unmappedBase;
  const end = is32Bit ? 0x80000000 : world.taskSize;
  if (wanted.length > end) return -ENOMEM;
  const hint = hinted(world, space, wanted, end);
  if (hint !== null) return hint;
  if (is32Bit && isPassed(space, wanted.length)) {
    space.largestHole = 0;
    space.searchFrom = begin;
  }
  return firstFit(world, space, { length: wanted.length, from: Math.max(space.searchFrom, begin), begin, end });
}

/** First fit upwards; at the end once more from the beginning. */
function firstFit(world: World, space: Space, { length, from, begin, end }: { length: number; from: number; begin: number; end: number }): number {
  let address = from;
  let isFirst = from !== begin;
  for (;;) {
    const above = areaAbove(space, address);
    if (end - length < address) {
      if (!isFirst) return -ENOMEM;
      isFirst = false;
      address = begin;
      space.largestHole = 0;
    } else if (above === undefined || address + length <= above.start) {
      space.searchFrom = address + length;
      return address;
    } else {
      passHole(world, space, address, above.start);
      address = above.end;
    }
  }
}
