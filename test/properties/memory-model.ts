// A plain model of the memory of processes, written from KERNEL.md and the manual pages and without a look at the engine: what a process may do with
// which address, what byte it finds there, and which areas /proc/PID/maps would list. It knows no frames, page tables, reverse maps or TLBs: a fork
// copies every private page at once, and what two processes share is one object that both point at.
//
//   Space ── areas, ascending ── source: a file, or shared anonymous memory ── bytes by page
//     └── pages, by page number: which are resident, and what is private to the process
//
// What the real kernel decides by its inner state is kept as plainly as it can be: where the search for free addresses stands (MM-3, MM-4, X-33), and
// which areas may hold the same anonymous pages (`family`, R-1), because neighbours of two families never become one (MM-8).
// Not here: swap, reclaim, the OOM killer, open files, time. The calls themselves are in memory-calls.ts, loads and stores in memory-access.ts.

export const PAGE = 4096;
/** Promised pages that a CPU may keep to itself, up to eight CPUs (ACCT_THRESHOLD). */
const BATCH = 16;

/** vm_flags (T-5). */
export const VM = {
  READ: 0x1, WRITE: 0x2, EXEC: 0x4, SHARED: 0x8, MAYREAD: 0x10, MAYWRITE: 0x20, MAYEXEC: 0x40, MAYSHARE: 0x80, GROWSDOWN: 0x100, DENYWRITE: 0x800,
  EXECUTABLE: 0x1000, LOCKED: 0x2000, SEQ_READ: 0x8000, RAND_READ: 0x10000, DONTCOPY: 0x20000, ACCOUNT: 0x100000,
} as const;
export const VM_ACCESS = VM.READ | VM.WRITE | VM.EXEC;
export const VM_MAY = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
/** Stack, heap: readable and writable (VM_DATA_DEFAULT_FLAGS). */
export const VM_DATA = VM.READ | VM.WRITE | VM_MAY;

export const EPERM = 1;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EBADF = 9;
export const EINVAL = 22;
export const ENOSYS = 38;

/** What an area maps that is not its own: a file, or an object of shared anonymous memory. */
export interface Source {
  id: number;
  kind: 'file' | 'shared';
  /** Pages it has; a page past them is SIGBUS (F-14). */
  length: number;
  /** Whether all of it was promised when it was made (no MAP_NORESERVE); otherwise a page is when it is first touched. */
  isPromised: boolean;
  /** Pages that have been touched by anybody. */
  cached: Set<number>;
  /** Bytes that were written, by page. */
  written: Map<number, Map<number, number>>;
  /** What stands in it where nothing was written. */
  original(offset: number): number;
}

export interface Area {
  start: number;
  /** First byte behind it. */
  end: number;
  flags: number;
  source: Source | null;
  /** Where it begins in its source, pages; of its own memory the page number of where it was made. */
  pgoff: number;
  /** Which family of areas may hold the same private pages, or 0 before it has any. */
  family: number;
}

/** A resident page: one of the process's own, the page of zeroes, or a page of the area's source. */
export type Page = OwnPage | { kind: 'zero' } | { kind: 'source'; source: Source; index: number };

/** A private page: what was written here, and in the source before it was copied, over the original bytes of the source or over zeroes. */
export interface OwnPage {
  kind: 'own';
  under: Source | null;
  index: number;
  bytes: Map<number, number>;
}

export interface Space {
  areas: Area[];
  pages: Map<number, Page>;
  brk: number;
  startData: number;
  endCode: number;
  isTopDown: boolean;
  mmapBase: number;
  /** Where the next search for a free range begins, and the largest hole it has passed; −1 is more than any. */
  searchFrom: number;
  largestHole: number;
  /** VM_LOCKED after mlockall(MCL_FUTURE). */
  defaultFlags: number;
}

/** A file that is open for every process. */
export interface OpenFile {
  source: Source;
  mayRead: boolean;
  mayWrite: boolean;
}

/** Bytes; Infinity for none. */
export interface Limits {
  as: number;
  stack: number;
  data: number;
  memlock: number;
}

export interface Process {
  isRoot: boolean;
  limits: Limits;
  stackPointer: number;
  space: Space;
}

/** All processes, by slot, and what they have in common. */
export interface World {
  arch: 'i386' | 'x86_64';
  taskSize: number;
  /** Where a search upwards begins (TASK_UNMAPPED_BASE). */
  unmappedBase: number;
  /** totalram_pages */
  ram: number;
  overcommit: 0 | 1 | 2;
  overcommitRatio: number;
  maxMapCount: number;
  /** Pages promised to all, and as much of it as every CPU sees (vm_committed_space): the rest waits at each CPU until it is more than a batch. */
  committed: number;
  seen: number;
  unseen: number[];
  /** Pages that were promised for stacks which count as not promised (MAP_NORESERVE): nobody gives them back, so IV-15 does not hold then. */
  lost: number;
  /** Times that pages were moved into an area without a family, which does not get theirs: R-2 does not hold then, and fork forgets them. */
  strays: number;
  /** The CPU that the call at hand runs on. */
  cpu: number;
  families: number;
  sources: number;
  processes: (Process | null)[];
  files: OpenFile[];
}

/** The end of a process by a signal. */
export interface Death {
  signal: number;
  code: number;
  address: number;
}

// ---- numbers ----------------------------------------------------------------------------------------------------------

/** A word of the machine: 32 bits wrap, of 64 none is ever used up here. */
export function word(world: World, value: number): number {
  return world.arch === 'i386' ? ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000 : value;
}

export function pageDown(address: number): number {
  return address - (address % PAGE);
}

export function pageUp(world: World, address: number): number {
  return pageDown(word(world, address + PAGE - 1));
}

export function pagesOf(area: { start: number; end: number }): number {
  return (area.end - area.start) / PAGE;
}

// ---- areas ------------------------------------------------------------------------------------------------------------

/** Index of the first area that ends above an address (find_vma, MM-6). */
export function indexAbove(space: Space, address: number): number {
  let low = 0;
  let high = space.areas.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (space.areas[middle]!.end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function areaAbove(space: Space, address: number): Area | undefined {
  return space.areas[indexAbove(space, address)];
}

/** The area that holds an address. */
export function areaAt(space: Space, address: number): Area | undefined {
  const area = areaAbove(space, address);
  return area !== undefined && area.start <= address ? area : undefined;
}

export function totalPages(space: Space): number {
  return space.areas.reduce((sum, area) => sum + pagesOf(area), 0);
}

export function lockedPages(space: Space): number {
  return space.areas.reduce((sum, area) => sum + ((area.flags & VM.LOCKED) === 0 ? 0 : pagesOf(area)), 0);
}

export function insert(space: Space, area: Area): Area {
  space.areas.splice(indexAbove(space, area.start), 0, area);
  return area;
}

/** Cuts an area in two; false where a process may not have one more (MM-9). The given area becomes the upper part, or the lower one. */
export function cut(world: World, space: Space, { area, at, keep }: { area: Area; at: number; keep: 'upper' | 'lower' }): boolean {
  if (space.areas.length >= world.maxMapCount) return false;
  const upper = { ...area, start: at, pgoff: area.pgoff + (at - area.start) / PAGE };
  const lower = { ...area, end: at };
  space.areas.splice(space.areas.indexOf(area) + (keep === 'upper' ? 0 : 1), 0, keep === 'upper' ? lower : upper);
  if (keep === 'upper') Object.assign(area, upper);
  else area.end = at;
  return true;
}

/** Makes a range part of its neighbours, where they are alike (MM-8). The range is a hole, or part of one area whose flags are about to be those
 *  wanted. Null where no neighbour takes it. */
export function merge(space: Space, wanted: Area): Area | null {
  const at = indexAbove(space, wanted.start);
  const above = space.areas[at];
  const inside = above !== undefined && above.start < wanted.end ? above : null;
  const left = space.areas[at - 1];
  const right = areaAbove(space, wanted.end);
  const joinsLeft = left?.end === wanted.start && isAlike(left, wanted) && left.pgoff + pagesOf(left) === wanted.pgoff;
  const joinsRight = right?.start === wanted.end && isAlike(right, wanted) && right.pgoff === wanted.pgoff + pagesOf(wanted);
  if (joinsLeft) return swallow(space, left, joinsRight && isOneFamily(left.family, right.family) ? right.end : wanted.end);
  return joinsRight ? joinRight(space, wanted, inside, right) : null;
}

function isAlike(area: Area, wanted: Area): boolean {
  return area.flags === wanted.flags && area.source === wanted.source && isOneFamily(area.family, wanted.family);
}

function isOneFamily(one: number, other: number): boolean {
  return one === 0 || other === 0 || one === other;
}

/** An area reaches up to `end`, over what stands there. */
function swallow(space: Space, area: Area, end: number): Area {
  area.end = end;
  const at = space.areas.indexOf(area) + 1;
  while (at < space.areas.length && space.areas[at]!.start < end) {
    const next = space.areas[at]!;
    area.family ||= next.family;
    if (next.end > end) raise(next, end);
    else space.areas.splice(at, 1);
  }
  return area;
}

export function raise(area: Area, start: number): void {
  area.pgoff += (start - area.start) / PAGE;
  area.start = start;
}

function joinRight(space: Space, wanted: Area, inside: Area | null, right: Area): Area {
  if (inside?.start === wanted.start) {
    inside.flags = wanted.flags;
    return swallow(space, inside, right.end);
  }
  if (inside !== null) {
    inside.end = wanted.start;
    right.family ||= inside.family;
  }
  raise(right, wanted.start);
  return right;
}

/** Part of an area. */
export interface Part {
  area: Area;
  start: number;
  end: number;
}

/** Gives part of an area other flags: it joins its neighbours, or becomes an area of its own. Null where it may not be cut out. */
export function changeFlags(world: World, space: Space, { area, start, end, flags }: Part & { flags: number }): Area | null {
  const pgoff = area.pgoff + (start - area.start) / PAGE;
  const merged = merge(space, { start, end, flags, source: area.source, family: area.family, pgoff });
  if (merged !== null) return merged;
  if (start !== area.start && !cut(world, space, { area, at: start, keep: 'upper' })) return null;
  if (end !== area.end && !cut(world, space, { area, at: end, keep: 'lower' })) return null;
  area.flags = flags;
  return area;
}

/** Takes a range away, all of it or nothing but cuts; 0 or −errno (do_munmap, MM-10). What was promised is given back unless it moves elsewhere. */
export function remove(world: World, space: Space, start: number, length: number, promises: 'returned' | 'moved' = 'returned'): number {
  if (start % PAGE !== 0 || start > world.taskSize || length > world.taskSize - start) return -EINVAL;
  const end = start + pageUp(world, length);
  if (end === start) return -EINVAL;
  const first = areaAbove(space, start);
  if (first === undefined || first.start >= end) return 0;
  if (first.start < start && !cut(world, space, { area: first, at: start, keep: 'lower' })) return -ENOMEM;
  const last = areaAt(space, end);
  if (last !== undefined && last.start < end && !cut(world, space, { area: last, at: end, keep: 'upper' })) return -ENOMEM;
  const at = indexAbove(space, start);
  const gone = space.areas.filter((area, i) => i >= at && area.start < end);
  space.areas.splice(at, gone.length);
  moveSearch(world, space, at);
  forget(space, start, end);
  if (promises === 'returned') returnPromises(world, gone);
  releaseSources(world, gone);
  return 0;
}

/** A hole was made before the area of that index: the next search may begin there (arch_unmap_area, MM-4). */
function moveSearch(world: World, space: Space, at: number): void {
  if (space.isTopDown) {
    space.searchFrom = Math.min(Math.max(space.searchFrom, space.areas[at]?.start ?? space.mmapBase), space.mmapBase);
    return;
  }
  const from = at === 0 ? space.mmapBase : space.areas[at - 1]!.end;
  if (from < world.unmappedBase || from >= space.searchFrom) return;
  space.searchFrom = from;
  space.largestHole = -1;
}

function returnPromises(world: World, gone: readonly Area[]): void {
  account(world, -gone.reduce((sum, area) => sum + ((area.flags & VM.ACCOUNT) === 0 ? 0 : pagesOf(area)), 0));
}

/** Shared memory that nobody maps any more is gone, and what was promised for it: at the last of its areas. */
function releaseSources(world: World, gone: readonly Area[]): void {
  for (const [i, { source }] of gone.entries()) {
    if (source === null || source.kind === 'file' || gone.some((area, j) => j > i && area.source === source)) continue;
    const isMapped = world.processes.some((process) => process?.space.areas.some((area) => area.source === source));
    if (!isMapped) account(world, -(source.isPromised ? source.length : source.cached.size));
  }
}

/** Everything goes: the process has ended (MM-20). */
export function releaseAll(world: World, space: Space): void {
  const gone = space.areas;
  space.areas = [];
  space.pages = new Map();
  returnPromises(world, gone);
  releaseSources(world, gone);
}

// ---- promises (MM-16) -------------------------------------------------------------------------------------------------

/** Promises pages to a process; false, and nothing promised, where the machine would refuse. With overcommit_memory 0 the answer depends on free
 *  memory: it is certain for requests of less than a quarter of RAM while most of it is free, and for more than all of it. */
export function promise(world: World, process: Process, pages: number): boolean {
  account(world, pages);
  if (world.overcommit === 1) return true;
  const isGranted = world.overcommit === 0 ? pages < world.ram / 4 : world.seen < allowance(world, process);
  if (!isGranted) account(world, -pages);
  return isGranted;
}

/** Counts promises, or their return, at this CPU; what is more than a batch there becomes seen by all. A machine of one CPU counts at once. */
export function account(world: World, pages: number): void {
  const { unseen, cpu } = world;
  world.committed += pages;
  unseen[cpu]! += pages;
  if (unseen.length > 1 && Math.abs(unseen[cpu]!) <= BATCH) return;
  world.seen += unseen[cpu]!;
  unseen[cpu] = 0;
}

/** Pages that may be promised in all, as a process sees it (overcommit_memory 2). */
export function allowance(world: World, process: Process): number {
  const share = Math.floor((world.ram * world.overcommitRatio) / 100);
  return share - (process.isRoot ? 0 : Math.floor(share / 32)) - Math.floor(totalPages(process.space) / 32);
}

/** Whether so many pages more would be over RLIMIT_AS. */
export function isOverLimit(process: Process, pages: number): boolean {
  return totalPages(process.space) + pages > Math.floor(process.limits.as / PAGE);
}

/** Whether so many locked pages more would be over RLIMIT_MEMLOCK. */
export function mayNotLock(process: Process, pages: number): boolean {
  return !process.isRoot && lockedPages(process.space) + pages > Math.floor(process.limits.memlock / PAGE);
}

// ---- pages --------------------------------------------------------------------------------------------------

/** Numbers of the resident pages of a range, in no order. */
export function residentPages(space: Space, start: number, end: number): number[] {
  const first = Math.floor(start / PAGE);
  const last = Math.ceil(end / PAGE);
  if (last - first > space.pages.size) return [...space.pages.keys()].filter((page) => page >= first && page < last);
  const found: number[] = [];
  for (let page = first; page < last; page++) if (space.pages.has(page)) found.push(page);
  return found;
}

/** No page of the range is resident any more; what was private is lost. */
export function forget(space: Space, start: number, end: number): void {
  for (const page of residentPages(space, start, end)) space.pages.delete(page);
}
