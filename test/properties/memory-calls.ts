// The memory system calls of the model, each in the order of its checks (KERNEL.md 8.3 … 8.11). They take and return what the call does.

import type { Area, Death, OpenFile, Part, Process, Source, World } from './memory-model.ts';
import {
  EACCES, EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM, PAGE, VM, VM_ACCESS, VM_DATA, VM_MAY, account, areaAbove, areaAt, changeFlags,
  forget, indexAbove, insert, isOverLimit, mayNotLock, merge, pageDown, pageUp, pagesOf, promise, remove, residentPages, totalPages, word,
} from './memory-model.ts';
import { access, indexIn, touch } from './memory-access.ts';
import { place } from './memory-placement.ts';

const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_TYPE = 0x0f;
const MAP_GROWSDOWN = 0x100;
const MAP_LOCKED = 0x2000;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;
const MAP_NONBLOCK = 0x10000;
const PROT_ALL = 0xf;
const PROT_GROWSDOWN = 0x01000000;
const PROT_GROWSUP = 0x02000000;
const MS_ASYNC = 1;
const MS_INVALIDATE = 2;
const MS_SYNC = 4;
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
const MADV = { NORMAL: 0, RANDOM: 1, SEQUENTIAL: 2, WILLNEED: 3, DONTNEED: 4, REMOVE: 9, DONTFORK: 10, DOFORK: 11 } as const;

export interface MapRequest {
  address: number;
  length: number;
  prot: number;
  flags: number;
  /** What is mapped, from which page on; null for anonymous memory. */
  file: OpenFile | null;
  pgoff: number;
}

// ---- mmap, munmap, brk ------------------------------------------------------------------------------------------------

/** mmap (MM-7). */
export function mmap(world: World, process: Process, request: MapRequest): number {
  const { space } = process;
  const length = pageUp(world, request.length);
  if (request.length === 0) return -EINVAL;
  if (length === 0 || length > world.taskSize || space.areas.length > world.maxMapCount) return -ENOMEM;
  const address = place(world, space, { ...request, length });
  if (address < 0) return address;
  const flags = (request.prot & VM_ACCESS) | VM_MAY | space.defaultFlags | (request.flags & MAP_GROWSDOWN);
  return request.flags & MAP_LOCKED ? mapLocked(world, process, { ...request, address, length }, flags | VM.LOCKED)
    : mapTyped(world, process, { ...request, address, length }, flags);
}

function mapLocked(world: World, process: Process, request: MapRequest, flags: number): number {
  return mayLockAtAll(process) ? mapTyped(world, process, request, flags) : -EPERM;
}

function mapTyped(world: World, process: Process, request: MapRequest, flags: number): number {
  if ((flags & VM.LOCKED) !== 0 && mayNotLock(process, request.length / PAGE)) return -EAGAIN;
  const { file, prot } = request;
  const type = request.flags & MAP_TYPE;
  if (type !== MAP_SHARED && type !== MAP_PRIVATE) return -EINVAL;
  if (file !== null && type === MAP_SHARED && (prot & VM.WRITE) !== 0 && !file.mayWrite) return -EACCES;
  if (file?.mayRead === false) return -EACCES;
  if (type === MAP_PRIVATE) return mapOver(world, process, request, flags);
  // What nobody may write through the mapping is shared in name alone.
  return mapOver(world, process, request, file?.mayWrite === false ? (flags & ~VM.MAYWRITE) | VM.MAYSHARE : flags | VM.SHARED | VM.MAYSHARE);
}

/** What stands there goes; then the limits, and what has to be promised. */
function mapOver(world: World, process: Process, request: MapRequest, flags: number): number {
  const { address, length } = request;
  const pages = length / PAGE;
  if (remove(world, process.space, address, length) !== 0 || isOverLimit(process, pages)) return -ENOMEM;
  const isPromised = (request.flags & MAP_NORESERVE) === 0 || world.overcommit === 2;
  const isShared = (flags & VM.SHARED) !== 0;
  const problem = isShared && request.file === null ? mapShared(world, process, { address, length, flags, isPromised })
    : mapOwn(world, process, request, { flags, isCharged: isPromised && !isShared && (flags & VM.WRITE) !== 0 });
  if (problem !== 0) return problem;
  if ((flags & VM.LOCKED) !== 0) makePresent(world, process, address, address + length);
  if ((request.flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE && isShared) populate(world, process, address);
  return address;
}

/** A new object of shared memory, in an area that never becomes part of another. */
function mapShared(world: World, process: Process, shared: { address: number; length: number; flags: number; isPromised: boolean }): number {
  const { address, length, flags, isPromised } = shared;
  const pages = length / PAGE;
  if (pages > mostShared(world)) return -EINVAL;
  if (isPromised && !promise(world, process, pages)) return -ENOMEM;
  const source = sharedMemory(world, pages, isPromised);
  insert(process.space, { start: address, end: address + length, flags, source, pgoff: 0, family: 0 });
  return 0;
}

/** A file, or private memory. No file is mapped into what grows; that is found out late. */
function mapOwn(world: World, process: Process, request: MapRequest, { flags, isCharged }: { flags: number; isCharged: boolean }): number {
  const { address, length, file, pgoff } = request;
  if (isCharged && !promise(world, process, length / PAGE)) return -ENOMEM;
  if (file !== null && (flags & VM.GROWSDOWN) !== 0) {
    if (isCharged) account(world, -length / PAGE);
    return -EINVAL;
  }
  const first = file === null ? address / PAGE : pgoff;
  const counted = flags | (isCharged ? VM.ACCOUNT : 0);
  insertOrMerge(process, { start: address, end: address + length, flags: counted, source: file?.source ?? null, pgoff: first, family: 0 });
  return 0;
}

/** Pages of the largest object of shared memory: 16, and what half a page of pages of pointers leads to (SHMEM_MAX_BYTES). */
function mostShared(world: World): number {
  const pointers = PAGE / (world.arch === 'i386' ? 4 : 8);
  return 16 + ((pointers * pointers) / 2) * (pointers + 1);
}

function sharedMemory(world: World, length: number, isPromised: boolean): Source {
  return { id: ++world.sources, kind: 'shared', length, isPromised, cached: new Set(), written: new Map(), original: () => 0 };
}

function insertOrMerge({ space }: Process, area: Area): void {
  if (merge(space, area) === null) insert(space, area);
}

/** MAP_POPULATE maps the pages of a shared area as a read would; a private one it leaves alone. */
function populate(world: World, process: Process, address: number): void {
  const area = areaAt(process.space, address)!;
  for (let at = area.start; at < area.end; at += PAGE) if (!touch(world, process, area, { address: at, how: 'read' })) return;
}

export function munmap(world: World, process: Process, address: number, length: number): number {
  return remove(world, process.space, address, length);
}

/** brk: the new end of the heap, or the old one where it cannot be (MM-11). */
export function brk(world: World, process: Process, address: number): number {
  const { space } = process;
  if (address < space.endCode) return space.brk;
  if (process.limits.data !== Infinity && word(world, address - space.startData) > process.limits.data) return space.brk;
  const from = pageUp(world, space.brk);
  const to = pageUp(world, address);
  if (from === to) return (space.brk = address);
  const isDone = address <= space.brk ? remove(world, space, to, from - to) === 0 : growHeap(world, process, from, to);
  if (isDone) space.brk = address;
  return space.brk;
}

/** MM-12 */
function growHeap(world: World, process: Process, from: number, to: number): boolean {
  const { space } = process;
  const above = areaAbove(space, from);
  if (above !== undefined && above.start < word(world, to + PAGE)) return false;
  const length = word(world, to - from);
  const pages = length / PAGE;
  if (word(world, from + length) > world.taskSize || word(world, from + length) < from) return false;
  const flags = VM_DATA | VM.ACCOUNT | space.defaultFlags;
  if ((flags & VM.LOCKED) !== 0 && mayNotLock(process, pages)) return false;
  if (isOverLimit(process, pages) || space.areas.length > world.maxMapCount || !promise(world, process, pages)) return false;
  insertOrMerge(process, { start: from, end: from + length, flags, source: null, pgoff: from / PAGE, family: 0 });
  if ((flags & VM.LOCKED) !== 0) makePresent(world, process, from, to);
  return true;
}

// ---- mprotect, madvise ------------------------------------------------------------------------------------------------

/** mprotect (MM-15). */
export function mprotect(world: World, process: Process, request: { start: number; length: number; prot: number }): number {
  const { start, prot } = request;
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP) || start % PAGE !== 0) return -EINVAL;
  if (request.length === 0) return 0;
  const end = word(world, start + pageUp(world, request.length));
  if (end <= start) return -ENOMEM;
  if ((prot & ~grows & ~PROT_ALL) !== 0) return -EINVAL;
  const area = areaAbove(process.space, start);
  if (area === undefined) return -ENOMEM;
  if (grows === PROT_GROWSDOWN) {
    if (area.start >= end) return -ENOMEM;
    return (area.flags & VM.GROWSDOWN) === 0 ? -EINVAL : protect(world, process, { start: area.start, end, access: prot & VM_ACCESS });
  }
  if (area.start > start) return -ENOMEM;
  return grows === PROT_GROWSUP ? -EINVAL : protect(world, process, { start, end, access: prot & VM_ACCESS });
}

function protect(world: World, process: Process, { start, end, access: wanted }: { start: number; end: number; access: number }): number {
  return eachArea(process, start, end, (area, from, to) => {
    const flags = (area.flags & ~VM_ACCESS) | wanted;
    if ((flags & ~(flags >> 4) & VM_ACCESS) !== 0) return -EACCES;
    return protectPart(world, process, { area, start: from, end: to, flags });
  });
}

/** Private memory that becomes writable for the first time is promised from then on. */
function protectPart(world: World, process: Process, part: Part & { flags: number }): Area | number {
  const old = part.area.flags;
  if (part.flags === old) return part.area;
  const isCharged = (part.flags & VM.WRITE) !== 0 && (old & (VM.ACCOUNT | VM.WRITE | VM.SHARED)) === 0;
  const pages = pagesOf(part);
  if (isCharged && !promise(world, process, pages)) return -ENOMEM;
  const changed = changeFlags(world, process.space, { ...part, flags: part.flags | (isCharged ? VM.ACCOUNT : 0) });
  if (changed !== null) return changed;
  if (isCharged) account(world, -pages);
  return -ENOMEM;
}

/** Does something with every area of a range that begins in one, and goes on behind what came of it; −ENOMEM at the first hole. */
function eachArea({ space }: Process, start: number, end: number, each: (area: Area, from: number, to: number) => Area | number): number {
  for (let from = start; from < end; ) {
    const area = areaAt(space, from);
    if (area === undefined) return -ENOMEM;
    const to = Math.min(area.end, end);
    const result = each(area, from, to);
    if (typeof result === 'number') return result;
    from = Math.max(to, result.end);
  }
  return 0;
}

/** madvise (MM-18): holes are passed over, and said at the end. */
export function madvise(world: World, process: Process, request: { start: number; length: number; advice: number }): number {
  const length = pageUp(world, request.length);
  if (request.start % PAGE !== 0 || (request.length !== 0 && length === 0)) return -EINVAL;
  const end = word(world, request.start + length);
  if (end < request.start) return -EINVAL;
  let hole = 0;
  for (let from = request.start; from < end; ) {
    const area = areaAbove(process.space, from);
    if (area === undefined) return -ENOMEM;
    if (area.start > from) hole = -ENOMEM;
    from = Math.max(from, area.start);
    if (from >= end) return -ENOMEM;
    const to = Math.min(area.end, end);
    const result = advise(world, process, { area, start: from, end: to }, request.advice);
    if (typeof result === 'number') return result;
    from = Math.max(to, result.end);
  }
  return hole;
}

function advise(world: World, process: Process, part: Part, advice: number): Area | number {
  const { area, start, end } = part;
  const { flags } = area;
  const set = (wanted: number): Area | number => (wanted === flags ? area : changeFlags(world, process.space, { ...part, flags: wanted }) ?? -EAGAIN);
  switch (advice) {
    case MADV.NORMAL: return set(flags & ~(VM.SEQ_READ | VM.RAND_READ));
    case MADV.SEQUENTIAL: return set((flags & ~VM.RAND_READ) | VM.SEQ_READ);
    case MADV.RANDOM: return set((flags & ~VM.SEQ_READ) | VM.RAND_READ);
    case MADV.DONTFORK: return set(flags | VM.DONTCOPY);
    case MADV.DOFORK: return set(flags & ~VM.DONTCOPY);
    case MADV.WILLNEED: return area.source === null ? -EBADF : area;
    case MADV.DONTNEED:
      if ((flags & VM.LOCKED) !== 0) return -EINVAL;
      forget(process.space, start, end);
      return area;
    case MADV.REMOVE: return punch(world, part) ?? area;
    default: return -EINVAL;
  }
}

/** Takes pages out of shared memory, whoever maps them: they read as zeroes again. */
function punch(world: World, { area, start, end }: Part): number | null {
  const { source } = area;
  if ((area.flags & VM.LOCKED) !== 0 || source === null) return -EINVAL;
  if ((area.flags & (VM.SHARED | VM.WRITE)) !== (VM.SHARED | VM.WRITE)) return -EACCES;
  if (source.kind === 'file') return -ENOSYS;
  const first = indexIn(area, start);
  const last = first + (end - start) / PAGE;
  const isIn = (index: number): boolean => index >= first && index < last;
  for (const process of world.processes) {
    for (const [number, page] of process?.space.pages ?? []) {
      if (page.kind === 'source' && page.source === source && isIn(page.index)) process!.space.pages.delete(number);
    }
  }
  const punched = [...source.cached].filter(isIn);
  for (const index of punched) {
    source.cached.delete(index);
    source.written.delete(index);
  }
  if (!source.isPromised) account(world, -punched.length);
  return null;
}

// ---- mlock, msync, mincore --------------------------------------------------------------------------------------------

function mayLockAtAll(process: Process): boolean {
  return process.isRoot || process.limits.memlock > 0;
}

/** Faults a range of one area in, for writing where that is allowed: 0, −EFAULT where its first page cannot be had, −1 where a later one (F-15). */
export function makePresent(world: World, process: Process, start: number, end: number): number {
  const area = areaAt(process.space, start);
  if (area === undefined) return -EFAULT;
  const how = (area.flags & VM.WRITE) === 0 ? 'read' : 'write';
  if (how === 'read' && (area.flags & VM.READ) === 0) return -EFAULT;
  for (let at = start; at < end; at += PAGE) if (!touch(world, process, area, { address: at, how })) return at === start ? -EFAULT : -1;
  return 0;
}

/** mlock (MM-19). */
export function mlock(world: World, process: Process, address: number, length: number): number {
  if (!mayLockAtAll(process)) return -EPERM;
  const size = pageUp(world, word(world, length + (address % PAGE)));
  if (mayNotLock(process, size / PAGE)) return -ENOMEM;
  return setLocked(world, process, { start: pageDown(address), length: size, lock: VM.LOCKED });
}

export function munlock(world: World, process: Process, address: number, length: number): number {
  return setLocked(world, process, { start: pageDown(address), length: pageUp(world, word(world, length + (address % PAGE))), lock: 0 });
}

function setLocked(world: World, process: Process, { start, length, lock }: { start: number; length: number; lock: number }): number {
  const end = word(world, start + length);
  if (end < start) return -EINVAL;
  return eachArea(process, start, end, (area, from, to) => {
    const flags = (area.flags & ~VM.LOCKED) | lock;
    return lockPart(world, process, { area, start: from, end: to, flags });
  });
}

function lockPart(world: World, process: Process, part: Part & { flags: number }): Area | number {
  if (part.flags === part.area.flags) return part.area;
  const changed = changeFlags(world, process.space, part);
  if (changed === null) return -EAGAIN;
  const result = (part.flags & VM.LOCKED) === 0 ? 0 : makePresent(world, process, part.start, part.end);
  return result === 0 ? changed : result;
}

export function mlockall(world: World, process: Process, flags: number): number {
  if (flags === 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE)) !== 0) return -EINVAL;
  if (!mayLockAtAll(process)) return -EPERM;
  const isTooMuch = !process.isRoot && totalPages(process.space) > Math.floor(process.limits.memlock / PAGE);
  if ((flags & MCL_CURRENT) !== 0 && isTooMuch) return -ENOMEM;
  return lockAll(world, process, flags);
}

export function munlockall(world: World, process: Process): number {
  return lockAll(world, process, 0);
}

/** Every area, whatever one of them says. */
function lockAll(world: World, process: Process, flags: number): number {
  const { space } = process;
  space.defaultFlags = (flags & MCL_FUTURE) === 0 ? 0 : VM.LOCKED;
  if (flags === MCL_FUTURE) return 0;
  const lock = (flags & MCL_CURRENT) === 0 ? 0 : VM.LOCKED;
  for (let from = 0; indexAbove(space, from) < space.areas.length; ) {
    const area = areaAbove(space, from)!;
    const { start, end } = area;
    lockPart(world, process, { area, start, end, flags: (area.flags & ~VM.LOCKED) | lock });
    from = areaAt(space, start)!.end;
  }
  return 0;
}

/** msync: its checks; the model has no disk. The last area's file, where there is one to sync, answers for all: 2.6.18 forgets a hole before it. */
export function msync(world: World, process: Process, request: { start: number; length: number; flags: number }): number {
  const { start, flags } = request;
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || start % PAGE !== 0) return -EINVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return -EINVAL;
  const end = word(world, start + pageUp(world, request.length));
  if (end < start) return -ENOMEM;
  if (end === start) return 0;
  let hole = 0;
  let area = areaAbove(process.space, start);
  if (area === undefined) return -ENOMEM;
  for (let from = start; area !== undefined; area = areaAbove(process.space, from)) {
    if (area.start > from) hole = -ENOMEM;
    const isTouched = Math.max(from, area.start) < end;
    if (isTouched && (flags & MS_INVALIDATE) !== 0 && (area.flags & VM.LOCKED) !== 0) return -EBUSY;
    const isSynced = (flags & MS_SYNC) !== 0 && (area.flags & VM.SHARED) !== 0;
    if (end <= area.end) return isSynced ? 0 : hole;
    from = area.end;
  }
  return 0;
}

/** What mincore says of a page of a file: whether others have read it is not the model's business. */
export const UNKNOWN = 2;

/** mincore: what is in memory of files and shared memory; of anything else −ENOMEM (as 2.6.18 has it). */
export function mincore(world: World, process: Process, start: number, length: number): number[] | number {
  if (start % PAGE !== 0) return -EINVAL;
  if (start + length > world.taskSize) return -ENOMEM;
  const found: number[] = [];
  for (let at = start; at < start + length; at += PAGE) {
    const area = areaAt(process.space, at);
    if (!area?.source) return -ENOMEM;
    const { kind, cached } = area.source;
    if (kind === 'file') found.push(UNKNOWN);
    else found.push(cached.has(indexIn(area, at)) ? 1 : 0);
  }
  return found;
}

// ---- touch, fork ------------------------------------------------------------------------------------------------------

/** An access a page, from `start` on; null, or how the process ends (statement `touch`). */
export function touchRange(world: World, process: Process, { start, end, how }: { start: number; end: number; how: 'read' | 'write' }): Death | null {
  for (let at = start; at < end; at += PAGE) {
    const death = access(world, process, at, how);
    if (death !== null) return death;
  }
  return null;
}

/** A copy of a process (F-11), or null where its memory cannot be promised. What has no family has no private pages, and is not copied at all. */
export function fork(world: World, process: Process): Process | null {
  const { space } = process;
  const copied = space.areas.filter((area) => (area.flags & VM.DONTCOPY) === 0);
  let promised = 0;
  for (const area of copied.filter(({ flags }) => (flags & VM.ACCOUNT) !== 0)) {
    if (!promise(world, process, pagesOf(area))) {
      account(world, -promised);
      return null;
    }
    promised += pagesOf(area);
  }
  const areas = copied.map((area) => ({ ...area, flags: area.flags & ~VM.LOCKED }));
  const child: Process = {
    ...process, limits: { ...process.limits },
    space: { ...space, areas, pages: new Map(), searchFrom: space.mmapBase, largestHole: -1, defaultFlags: 0 },
  };
  for (const area of areas) if (area.family !== 0) copyPages(process, child, area);
  return child;
}

function copyPages(parent: Process, child: Process, area: Area): void {
  for (const number of residentPages(parent.space, area.start, area.end)) {
    const page = parent.space.pages.get(number)!;
    child.space.pages.set(number, page.kind === 'own' ? { ...page, bytes: new Map(page.bytes) } : page);
  }
}
