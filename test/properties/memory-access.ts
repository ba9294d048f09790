// Loads and stores in the model: which of them end the process, what they make resident, and what byte they find (KERNEL.md F-1 … F-8, MM-17, X-29).

import type { Area, Death, Process, Source, Space, World } from './memory-model.ts';
import { PAGE, VM, VM_ACCESS, areaAbove, areaAt, isOverLimit, mayNotLock, pageDown, pagesOf, promise, raise, word } from './memory-model.ts';

const SIGBUS = 7;
const SIGSEGV = 11;
const SEGV_MAPERR = 1;
const SEGV_ACCERR = 2;
const BUS_ADRERR = 2;
const SI_KERNEL = 0x80;

/** The byte that stands at an address of an area, whoever may read it. */
export function byteAt(space: Space, address: number): number {
  const page = space.pages.get(Math.floor(address / PAGE));
  const offset = address % PAGE;
  if (page?.kind === 'own') return page.bytes.get(offset) ?? page.under?.original(page.index * PAGE + offset) ?? 0;
  if (page?.kind === 'zero') return 0;
  if (page?.kind === 'source') return sourceByte(page.source, page.index, offset);
  const area = areaAt(space, address);
  return area?.source ? sourceByte(area.source, indexIn(area, address), offset) : 0;
}

function sourceByte(source: Source, index: number, offset: number): number {
  return source.written.get(index)?.get(offset) ?? source.original(index * PAGE + offset);
}

/** The page of its source that an area has at an address. */
export function indexIn(area: Area, address: number): number {
  return area.pgoff + Math.floor((address - area.start) / PAGE);
}

/** Loads the byte at an address, or says how the process ends. */
export function load(world: World, process: Process, address: number): number | Death {
  return access(world, process, address, 'read') ?? byteAt(process.space, address);
}

/** Stores a byte; null, or how the process ends. */
export function store(world: World, process: Process, address: number, byte: number): Death | null {
  const death = access(world, process, address, 'write');
  if (death !== null) return death;
  const page = process.space.pages.get(Math.floor(address / PAGE))!;
  if (page.kind === 'own') page.bytes.set(address % PAGE, byte);
  else if (page.kind === 'source') writtenOf(page.source, page.index).set(address % PAGE, byte);
  return null;
}

function writtenOf(source: Source, index: number): Map<number, number> {
  const bytes = source.written.get(index) ?? new Map<number, number>();
  source.written.set(index, bytes);
  return bytes;
}

/** What an access needs is made resident, or the process ends (F-1, F-2, X-29). */
export function access(world: World, process: Process, address: number, how: 'read' | 'write'): Death | null {
  const segv = (code: number): Death => ({ signal: SIGSEGV, code, address });
  if (world.arch === 'x86_64' && address >= 2 ** 47) return { signal: SIGSEGV, code: SI_KERNEL, address: 0 };
  const area = address >= world.taskSize ? undefined : areaAbove(process.space, address);
  if (area === undefined) return segv(SEGV_MAPERR);
  if (area.start > address && !growStack(world, process, area, address)) return segv(SEGV_MAPERR);
  if (!isAllowed(process.space, area, address, how)) return segv(SEGV_ACCERR);
  return touch(world, process, area, { address, how }) ? null : { signal: SIGBUS, code: BUS_ADRERR, address };
}

/** Whether the processor or, where that asks, the kernel lets an access be. A page that can be written can be read, once it is there (T-4, T-6). */
function isAllowed(space: Space, area: Area, address: number, how: 'read' | 'write'): boolean {
  if (how === 'write') return (area.flags & VM.WRITE) !== 0;
  const isResident = space.pages.has(Math.floor(address / PAGE));
  return (area.flags & (isResident ? VM_ACCESS : VM.READ | VM.EXEC)) !== 0;
}

/** A stack reaches down to an address, where that is near its stack pointer and within every limit (MM-17). */
function growStack(world: World, process: Process, area: Area, address: number): boolean {
  const window = 65536 + 32 * (world.arch === 'i386' ? 4 : 8);
  if ((area.flags & VM.GROWSDOWN) === 0 || word(world, address + window) < process.stackPointer) return false;
  joinFamily(world, process.space, area);
  const start = pageDown(address);
  const pages = (area.start - start) / PAGE;
  if (isOverLimit(process, pages) || area.end - start > process.limits.stack) return false;
  if ((area.flags & VM.LOCKED) !== 0 && mayNotLock(process, pages)) return false;
  if (!promise(world, process, pages)) return false;
  if ((area.flags & VM.ACCOUNT) === 0) world.lost += pages;
  raise(area, start);
  return true;
}

/** Makes one page of an area resident, private where it is written and not shared; false past the end of its source (F-6, F-7, F-8). */
export function touch(world: World, process: Process, area: Area, { address, how }: { address: number; how: 'read' | 'write' }): boolean {
  const { pages } = process.space;
  const number = Math.floor(address / PAGE);
  const present = pages.get(number);
  const { source } = area;
  const index = indexIn(area, address);
  if (source !== null && present === undefined && !touchSource(world, process, source, index)) return false;
  if (how === 'write' && (area.flags & VM.SHARED) === 0) {
    if (present?.kind === 'own') return true;
    joinFamily(world, process.space, area);
    pages.set(number, { kind: 'own', under: source, index, bytes: new Map(source?.written.get(index)) });
  } else if (present === undefined) pages.set(number, source === null ? { kind: 'zero' } : { kind: 'source', source, index });
  return true;
}

/** Somebody wants a page of a source; false past its end, or where a page that nobody reserved is not to be had (SIGBUS). */
export function touchSource(world: World, process: Process, source: Source, index: number): boolean {
  if (index < 0 || index >= source.length) return false;
  if (source.cached.has(index)) return true;
  if (source.kind === 'shared' && !source.isPromised && !promise(world, process, 1)) return false;
  source.cached.add(index);
  return true;
}

/** An area is about to hold private pages: it belongs to the family of a neighbour it might become one with, or founds its own. */
function joinFamily(world: World, space: Space, area: Area): void {
  if (area.family !== 0) return;
  const at = space.areas.indexOf(area);
  const next = space.areas[at + 1];
  const previous = space.areas[at - 1];
  if (next !== undefined && isKin(area, next)) area.family = next.family;
  else if (previous !== undefined && isKin(previous, area)) area.family = previous.family;
  else area.family = ++world.families;
}

/** Whether two areas touch and differ at most in what mprotect changes, one of them having a family. */
function isKin(lower: Area, upper: Area): boolean {
  return lower.end === upper.start && (lower.family !== 0 || upper.family !== 0) && (lower.flags | VM_ACCESS) === (upper.flags | VM_ACCESS)
    && lower.source === upper.source && lower.pgoff + pagesOf(lower) === upper.pgoff;
}
