// mremap in the model (KERNEL.md 8.7).

import type { Area, Process, World } from './memory-model.ts';
import {
  EAGAIN, EFAULT, EINVAL, ENOMEM, PAGE, VM, account, areaAt, insert, isOverLimit, lockedPages, merge, pageUp, pagesOf, promise, remove,
  residentPages, word,
} from './memory-model.ts';
import { makePresent } from './memory-calls.ts';
import { place } from './memory-placement.ts';

const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;

export interface RemapRequest {
  address: number;
  oldLength: number;
  newLength: number;
  flags: number;
  newAddress: number;
}

/** mremap (MM-13): checks, and what shrinks. */
export function mremap(world: World, process: Process, request: RemapRequest): number {
  const { address, flags, newAddress } = request;
  const newLength = pageUp(world, request.newLength);
  let oldLength = pageUp(world, request.oldLength);
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) !== 0 || address % PAGE !== 0 || newLength === 0) return -EINVAL;
  const isFixed = (flags & MREMAP_FIXED) !== 0;
  if (isFixed) {
    const problem = clearTarget(world, process, { ...request, oldLength, newLength });
    if (problem !== 0) return problem;
  }
  if (oldLength >= newLength) {
    const result = remove(world, process.space, word(world, address + newLength), oldLength - newLength);
    if (result !== 0 && oldLength !== newLength) return result;
    if (!isFixed || newAddress === address) return address;
    oldLength = newLength;
  }
  return remap(world, process, { ...request, oldLength, newLength });
}

function clearTarget(world: World, process: Process, { address, oldLength, newLength, flags, newAddress }: RemapRequest): number {
  if (newAddress % PAGE !== 0 || (flags & MREMAP_MAYMOVE) === 0) return -EINVAL;
  if (newLength > world.taskSize || newAddress > world.taskSize - newLength) return -EINVAL;
  if (newAddress <= address && newAddress + newLength > address) return -EINVAL;
  if (address <= newAddress && word(world, address + oldLength) > newAddress) return -EINVAL;
  return remove(world, process.space, newAddress, newLength);
}

/** What grows, or moves. A promise that cannot be made says what the checks before it would have said: EAGAIN of locked memory, EFAULT of other. */
function remap(world: World, process: Process, request: RemapRequest): number {
  const { address, oldLength, newLength } = request;
  const area = areaAt(process.space, address);
  if (area === undefined || oldLength > area.end - address) return -EFAULT;
  const isLocked = (area.flags & VM.LOCKED) !== 0;
  const grows = (newLength - oldLength) / PAGE;
  if (isLocked && !process.isRoot && (lockedPages(process.space) + grows) * PAGE > process.limits.memlock) return -EAGAIN;
  if (isOverLimit(process, grows)) return -ENOMEM;
  const isCharged = (area.flags & VM.ACCOUNT) !== 0;
  if (isCharged && !promise(world, process, grows)) return isLocked ? -EAGAIN : -EFAULT;
  const result = growOrMove(world, process, request, area);
  if (result < 0 && isCharged) account(world, -grows);
  return result;
}

function growOrMove(world: World, process: Process, request: RemapRequest, area: Area): number {
  const { space } = process;
  const { address, oldLength, newLength, flags, newAddress } = request;
  const isFixed = (flags & MREMAP_FIXED) !== 0;
  const next = space.areas[space.areas.indexOf(area) + 1];
  const mustMove = isFixed && address !== newAddress;
  const mayStay = oldLength === area.end - address && !mustMove && (oldLength !== newLength || (flags & MREMAP_MAYMOVE) === 0);
  if (mayStay && (next?.start ?? world.taskSize) - address >= newLength) {
    area.end = address + newLength;
    if ((area.flags & VM.LOCKED) !== 0) makePresent(world, process, address + oldLength, address + newLength);
    return address;
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return -ENOMEM;
  const target = isFixed ? newAddress : place(world, space, { address: 0, length: newLength, flags: 0 });
  return target < 0 ? target : move(world, process, { ...request, newAddress: target }, area);
}

/** MM-14: a new area takes over the pages; no byte is copied. */
function move(world: World, process: Process, request: RemapRequest, area: Area): number {
  const { space } = process;
  const { address, oldLength, newLength, newAddress } = request;
  if (space.areas.length >= world.maxMapCount - 3) return -ENOMEM;
  const { flags } = area;
  const isUntouched = area.source === null && area.family === 0;
  const pgoff = isUntouched ? newAddress / PAGE : area.pgoff + (address - area.start) / PAGE;
  const copy: Area = { ...area, start: newAddress, end: newAddress + newLength, pgoff };
  const merged = merge(space, copy);
  if (merged === null) insert(space, copy);
  else if (merged.family !== area.family) world.strays++;
  movePages(process, request);
  if (oldLength === 0) dropPromise(world, areaAt(space, address)!);
  else remove(world, space, address, oldLength, 'moved');
  if ((flags & VM.LOCKED) !== 0 && newLength > oldLength) makePresent(world, process, newAddress + oldLength, newAddress + newLength);
  return newAddress;
}

function movePages({ space }: Process, { address, oldLength, newAddress }: RemapRequest): void {
  for (const number of residentPages(space, address, address + oldLength)) {
    const page = space.pages.get(number)!;
    space.pages.delete(number);
    space.pages.set(number + (newAddress - address) / PAGE, page);
  }
}

/** An old length of 0 maps the same once more and leaves the old area, which then counts as not promised. */
function dropPromise(world: World, area: Area): void {
  if ((area.flags & VM.ACCOUNT) === 0) return;
  area.flags &= ~VM.ACCOUNT;
  account(world, -pagesOf(area));
}
