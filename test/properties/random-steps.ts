// Random steps that have a chance to mean something: what a process does next is drawn with the model's picture of its memory in view, from a seed.
// fast-check would draw a whole sequence before any of it has run, and its shrinking would have to know which address came from which call; so the
// dice of allocator-work.ts are thrown here, and shrinking.ts shortens what they gave.

import type { Dice } from './allocator-work.ts';
import { roll } from './allocator-work.ts';
import type { Area, Limits, Process, World } from './memory-model.ts';
import { indexIn } from './memory-access.ts';
import { PAGE, VM, VM_ACCESS, allowance, lockedPages, totalPages } from './memory-model.ts';
import type { Action, Results, Setup, Step, Where } from './system-calls.ts';

const KiB = 1 << 10;
const MiB = 1 << 20;
const PROT = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4, GROWSDOWN: 0x01000000, GROWSUP: 0x02000000 } as const;
const MAP = {
  SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20, LOW: 0x40, GROWSDOWN: 0x100, LOCKED: 0x2000, NORESERVE: 0x4000, POPULATE: 0x8000,
  NONBLOCK: 0x10000,
} as const;

/** Where the drawing of steps stands. */
export interface Source {
  dice: Dice;
  setup: Setup;
  /** Processes and CPUs are kept for a while. */
  slot: number;
  cpu: number;
  next: number;
  /** What the youngest steps returned, oldest first. */
  recent: { id: number; base: number }[];
  last: Step | null;
}

/** So many results are thought of. */
const RECENT = 48;

export function makeSource(setup: Setup, seed: number): Source {
  return { dice: { state: seed }, setup, slot: 0, cpu: 0, next: 0, recent: [], last: null };
}

/** A machine for a run: its size, its rules, how many processors. */
export function drawSetup(seed: number): Setup {
  const dice = { state: seed * 7919 };
  const overcommit = pick(dice, [0, 1, 1, 2, 2] as const);
  return {
    arch: pick(dice, ['i386', 'i386', 'x86_64'] as const), cpus: 1 + roll(dice, 4), memory: pick(dice, [64, 64, 128]) * MiB,
    overcommit, overcommitRatio: pick(dice, [50, 20, 8]), maxMapCount: pick(dice, [65536, 65536, 40, 24]), isLegacy: roll(dice, 4) === 0,
    hasFiles: roll(dice, 3) === 0,
  };
}

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[roll(dice, from.length)]!;
}

/** The next step: of a process that lives, or the start of the first. */
export function drawStep(source: Source, world: World, results: Results): Step {
  const { dice, setup, recent, last } = source;
  const base = results.get(source.next - 1);
  if (base !== undefined) recent.push({ id: source.next - 1, base });
  if (recent.length > RECENT) recent.shift();
  const living = world.processes.flatMap((process, slot) => (process === null ? [] : [slot]));
  if (roll(dice, 3) === 0) source.cpu = roll(dice, setup.cpus);
  if (living.length === 0 || living.length < 3 && roll(dice, 60) === 0) return newStep(source, world.processes.indexOf(null), drawStart(dice));
  if (!living.includes(source.slot) || roll(dice, 4) === 0) source.slot = pick(dice, living);
  return newStep(source, source.slot, drawAction({ dice, world, process: world.processes[source.slot]!, recent, setup, last }));
}

function newStep(source: Source, slot: number, action: Action): Step {
  source.last = { id: source.next++, slot, cpu: source.cpu, action };
  return source.last;
}

function drawStart(dice: Dice): Action {
  const limits: Limits = {
    as: pick(dice, [Infinity, Infinity, Infinity, 48 * MiB, 8 * MiB]), stack: pick(dice, [8 * MiB, 8 * MiB, 1 * MiB, 300 * MiB, Infinity]),
    data: pick(dice, [Infinity, Infinity, 2 * MiB]), memlock: pick(dice, [32 * KiB, 32 * KiB, 256 * KiB, Infinity, 0]),
  };
  return { name: 'start', isRoot: roll(dice, 3) === 0, limits };
}

/** What a drawing looks at. */
interface View {
  dice: Dice;
  setup: Setup;
  world: World;
  process: Process;
  recent: Source['recent'];
  last: Step | null;
}

const WEIGHTS: readonly [number, (view: View) => Action][] = [
  [17, drawMmap], [8, drawMunmap], [10, drawMprotect], [9, drawMremap], [5, drawBrk], [7, drawMadvise], [5, drawMlock], [4, drawMunlock],
  [1, drawMlockall], [2, drawMincore], [2, drawMsync], [16, drawLoad], [30, drawStore], [9, drawTouch], [4, drawSetEsp], [3, drawFork],
];
const ALL_WEIGHTS = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);
/** Areas and resident pages from which on a process rather gives back. */
const MANY_AREAS = 48;
const MANY_PAGES = 1500;

function drawAction(view: View): Action {
  const { dice, process: { space } } = view;
  const sequel = drawSequel(view);
  if (sequel !== null) return sequel;
  if ((space.areas.length > MANY_AREAS || space.pages.size > MANY_PAGES) && roll(dice, 3) === 0) return drawClearing(view);
  let at = roll(dice, ALL_WEIGHTS);
  for (const [weight, draw] of WEIGHTS) {
    if (at < weight) return draw(view);
    at -= weight;
  }
  return drawExit();
}

/** Now and then a step is about the page of the step before: what has just been used changes, and what has just changed is used. So an entry that a
 *  CPU should have forgotten is met. */
function drawSequel({ dice, last }: View): Action | null {
  if (last === null || roll(dice, 6) !== 0 || !('at' in last.action)) return null;
  const { at } = last.action;
  switch (last.action.name) {
    case 'load': case 'store': case 'touch': return drawChange(dice, { ...at, offset: at.offset - ((at.base + at.offset) % PAGE) });
    case 'madvise': case 'mlock': case 'munlock': return drawUse(dice, at);
    // Most uses of what is gone or forbidden end the process.
    case 'mprotect': case 'munmap': case 'mremap': return roll(dice, 3) === 0 ? drawUse(dice, at) : null;
    default: return null;
  }
}

function drawChange(dice: Dice, at: Where): Action {
  const length = PAGE * (1 + roll(dice, 3));
  switch (roll(dice, 8)) {
    case 0: case 1: return { name: 'madvise', at, length, advice: 4 };
    case 2: return { name: 'munmap', at, length };
    case 3: return { name: 'mremap', at, length: PAGE, newLength: length, flags: 1, to: NOWHERE };
    default: return { name: 'mprotect', at, length, prot: pick(dice, PROTS) };
  }
}

function drawUse(dice: Dice, at: Where): Action {
  return roll(dice, 2) === 0 ? { name: 'load', at } : { name: 'store', at, byte: 1 + roll(dice, 255) };
}

// ---- addresses and lengths --------------------------------------------------------------------------------------------

/** An address as so far from what the youngest step near below it returned. */
function whereOf(view: View, address: number): Where {
  const near = view.recent.filter(({ base }) => base <= address && address - base <= 4 * MiB);
  if (near.length === 0) return { of: -1, base: 0, offset: address };
  const { id, base } = near.reduce((best, other) => (other.base >= best.base ? other : best));
  return { of: id, base, offset: address - base };
}

const NOWHERE: Where = { of: -1, base: 0, offset: 0 };

function drawArea({ dice, process: { space } }: View): Area {
  return space.areas[roll(dice, space.areas.length)] ?? { start: 0x10000000, end: 0x10004000, flags: 0, source: null, pgoff: 0, family: 0 };
}

/** A number of pages: mostly few, sometimes enough to need a page table more. */
function drawPages(dice: Dice): number {
  const kind = roll(dice, 100);
  if (kind < 60) return 1 + roll(dice, 6);
  return kind < 92 ? 1 + roll(dice, 40) : 1 + roll(dice, 1300);
}

/** A length in bytes of about so many pages. */
function drawBytes(dice: Dice, pages: number): number {
  return roll(dice, 5) === 0 ? Math.max(1, pages * PAGE - roll(dice, PAGE)) : pages * PAGE;
}

/** Pages up to a limit that the process has, or one more or less; a few where it has none. */
function drawPagesToLimit({ dice, world, process }: View): number {
  const { limits, space } = process;
  const total = totalPages(space);
  const promises = world.overcommit === 2 ? allowance(world, process) - world.seen : Infinity;
  const left = [limits.as / PAGE - total, limits.memlock / PAGE - lockedPages(space), promises];
  const near = left.filter((pages) => pages > 0 && pages < 4000).map(Math.floor);
  return near.length === 0 ? 1 + roll(dice, 8) : Math.max(1, pick(dice, near) - 1 + roll(dice, 3));
}

/** A length that no process could touch all of, or none. */
function drawOddLength({ dice, setup }: View): number {
  const isI386 = setup.arch === 'i386';
  const huge = isI386 ? [0xbffff000, 0xc0000000, 0xffffffff, 0xfffff000] : [2 ** 43, 2 ** 46, 2 ** 47];
  return pick(dice, [0, 0, 160 * MiB, 1024 * MiB, 2300 * MiB, ...huge]);
}

/** A range that begins in an area: in most cases a part of it, in some over its end. */
function drawRange(view: View): { at: Where; length: number } {
  const { dice } = view;
  const area = drawArea(view);
  const pages = (area.end - area.start) / PAGE;
  const skip = roll(dice, 3) === 0 ? 0 : roll(dice, Math.min(pages, 60));
  const start = area.start + skip * PAGE;
  const rest = pages - skip;
  const kind = roll(dice, 100);
  if (kind < 3) return { at: whereOf(view, start), length: drawOddLength(view) };
  if (kind < 5) return { at: whereOf(view, start + 1 + roll(dice, PAGE - 1)), length: drawBytes(dice, 1 + roll(dice, 4)) };
  if (kind < 8) return { at: whereOf(view, Math.max(0, start - PAGE * (1 + roll(dice, 4)))), length: drawBytes(dice, 1 + roll(dice, 8)) };
  if (kind < 25) return { at: whereOf(view, start), length: rest * PAGE };
  if (kind < 40) return { at: whereOf(view, start), length: drawBytes(dice, rest + drawPages(dice)) };
  return { at: whereOf(view, start), length: drawBytes(dice, 1 + roll(dice, Math.min(rest, 30))) };
}

/** Addresses where one thing ends and another begins: the first page, user space, what has an address at all. */
const EDGES = {
  i386: [0, PAGE - 1, 0xbfffffff, 0xc0000000, 0xffffffff], x86_64: [0, PAGE - 1, 0x7fffffffefff, 0x7ffffffff000, 2 ** 47 - 1, 2 ** 47],
} as const;

/** The address of a byte that the process may read or write, as it seems; now and then any. */
function drawByte(view: View, how: 'read' | 'write'): Where {
  const { dice, process } = view;
  if (roll(dice, 12) === 0) return drawNearStack(view, how);
  const isCareless = roll(dice, 120) === 0;
  if (isCareless && roll(dice, 4) === 0) return whereOf(view, pick(dice, EDGES[view.setup.arch]));
  for (let tries = 0; tries < 12; tries++) {
    const area = drawArea(view);
    const pages = (area.end - area.start) / PAGE;
    const page = pick(dice, [0, pages - 1, roll(dice, pages), roll(dice, Math.min(pages, 8)), isCareless ? pages : 0]);
    const address = area.start + page * PAGE + pick(dice, [0, PAGE - 1, roll(dice, PAGE)]);
    if (isCareless || isAllowed(process, area, address, how)) return whereOf(view, address);
  }
  return whereOf(view, process.stackPointer);
}

function isAllowed({ space }: Process, area: Area, address: number, how: 'read' | 'write'): boolean {
  if (area.source !== null && indexIn(area, address) >= area.source.length) return false;
  if (how === 'write') return (area.flags & VM.WRITE) !== 0;
  return (area.flags & (VM.READ | VM.EXEC)) !== 0 || (area.flags & VM.WRITE) !== 0 && space.pages.has(Math.floor(address / PAGE));
}

/** An address a little below a stack, where it may grow. */
function drawNearStack(view: View, how: 'read' | 'write'): Where {
  const { dice, process } = view;
  const { space, stackPointer } = process;
  const needed = how === 'read' ? VM.READ : VM.WRITE;
  const stacks = space.areas.filter((area) => (area.flags & VM.GROWSDOWN) !== 0 && (area.flags & needed) !== 0);
  const near = stacks.filter((area) => stackPointer - 60 * KiB < area.start && stackPointer >= area.start);
  // As far as the stack may be large, now and then: RLIMIT_STACK to the byte.
  const limit = near.length === 0 ? 0 : near[0]!.end - process.limits.stack;
  if (limit > 0 && limit > near[0]!.start - 60 * KiB && roll(dice, 4) === 0) return whereOf(view, limit - roll(dice, 2));
  if (near.length > 0) return whereOf(view, Math.max(0, near[0]!.start - 1 - roll(dice, 5 * PAGE)));
  const stack = stacks.length === 0 ? drawArea(view) : pick(dice, stacks);
  return whereOf(view, roll(dice, 60) === 0 ? stack.start - 1 - roll(dice, 5 * PAGE) : stack.start + roll(dice, stack.end - stack.start));
}

// ---- actions ----------------------------------------------------------------------------------------------------------

const PROTS = [3, 3, 3, 3, 3, 1, 1, 0, 2, 4, 5, 7] as const;

/** A part of a file, sometimes over its end. */
function drawMmapFile(view: View): Action {
  const { dice, world, process: { space } } = view;
  const flags = pick(dice, [1, 1, 2, 2, 2, 0]) | (roll(dice, 12) === 0 ? pick(dice, [MAP.LOCKED, MAP.NORESERVE, MAP.GROWSDOWN]) : 0);
  const length = drawBytes(dice, 1 + roll(dice, 8));
  const mapped = space.areas.filter(({ source }) => world.files.some((file) => file.source === source));
  if (mapped.length > 0 && roll(dice, 2) === 0) return drawMapNext(view, pick(dice, mapped), length);
  const file = pick(dice, [0, 0, 0, 1, 1, 2]);
  return { name: 'mmap_file', at: NOWHERE, length, prot: pick(dice, PROTS), flags, file, pgoff: roll(dice, 8) };
}

/** The next pages of a file right behind an area that maps it, with the same access: so that the two become one. */
function drawMapNext(view: View, { source, start, end, flags, pgoff }: Area, length: number): Action {
  const type = (flags & VM.MAYSHARE) === 0 ? MAP.PRIVATE : MAP.SHARED;
  const file = view.world.files.findIndex((known) => known.source === source);
  return { name: 'mmap_file', at: whereOf(view, end), length, prot: flags & VM_ACCESS, flags: type, file, pgoff: pgoff + (end - start) / PAGE };
}

function drawMmap(view: View): Action {
  const { dice, setup } = view;
  if (setup.hasFiles && roll(dice, 3) === 0) return drawMmapFile(view);
  const isOdd = roll(dice, 100) < 4;
  const isShared = roll(dice, 4) === 0;
  let flags = MAP.ANONYMOUS | (isShared ? MAP.SHARED : MAP.PRIVATE);
  const chances: [number, number][] = [
    [5, MAP.LOCKED], [9, MAP.NORESERVE], [5, MAP.POPULATE], [2, MAP.NONBLOCK], [5, MAP.GROWSDOWN],
    [setup.arch === 'x86_64' ? 12 : 1, MAP.LOW],
  ];
  for (const [percent, flag] of chances) if (roll(dice, 100) < percent) flags |= flag;
  if (roll(dice, 100) === 0) flags = pick(dice, [MAP.ANONYMOUS, MAP.ANONYMOUS | MAP.SHARED | MAP.PRIVATE]);
  const prot = pick(dice, PROTS);
  const kind = roll(dice, 100);
  const pages = roll(dice, 10) === 0 ? drawPagesToLimit(view) : drawPages(dice);
  const length = isOdd ? drawOddLength(view) : drawBytes(dice, pages);
  if (kind < 12) return { name: 'mmap', ...drawTarget(view, length), prot, flags: flags | MAP.FIXED };
  if (kind < 28) return { name: 'mmap', at: drawTarget(view, length).at, length, prot, flags };
  return { name: 'mmap', at: NOWHERE, length, prot, flags };
}

/** A place for something new: over an area, behind one, before one, or anywhere. */
function drawTarget(view: View, length: number): { at: Where; length: number } {
  const { dice, world } = view;
  const area = drawArea(view);
  const size = Math.ceil(length / PAGE) * PAGE;
  const anywhere = PAGE * roll(dice, 0x40000000 / PAGE);
  const address = pick(dice, [area.start, area.end, area.start - size, area.end + PAGE, area.start + PAGE, anywhere, world.taskSize - size]);
  const off = roll(dice, 30) === 0 ? roll(dice, PAGE) : 0;
  if (roll(dice, 40) === 0) return { at: { of: -1, base: 0, offset: pick(dice, [1, 0xfffff001, world.taskSize - size + 1]) }, length };
  return { at: whereOf(view, Math.max(0, address) + off), length };
}

function drawMunmap(view: View): Action {
  return { name: 'munmap', ...drawRange(view) };
}

/** Gives back a large part of memory at once. */
function drawClearing(view: View): Action {
  const { dice, process: { space } } = view;
  const first = roll(dice, space.areas.length);
  const last = Math.min(space.areas.length - 2, first + roll(dice, 12));
  const [start, end] = [space.areas[first]!.start, space.areas[Math.max(first, last)]!.end];
  if (roll(dice, 16) === 0) return drawExit();
  return { name: 'munmap', at: whereOf(view, start), length: end - start };
}

function drawMprotect(view: View): Action {
  const { dice } = view;
  const more = roll(dice, 40) === 0 ? pick(dice, [PROT.GROWSDOWN, PROT.GROWSUP, PROT.GROWSDOWN | PROT.GROWSUP, 8, 16]) : 0;
  return { name: 'mprotect', ...drawRange(view), prot: (roll(dice, 3) === 0 ? drawArea(view).flags & VM_ACCESS : pick(dice, PROTS)) | more };
}

function drawMremap(view: View): Action {
  const { dice } = view;
  const area = drawArea(view);
  const pages = (area.end - area.start) / PAGE;
  const skip = roll(dice, 2) === 0 ? 0 : roll(dice, Math.min(pages, 20));
  const rest = pages - skip;
  const length = pick(dice, [rest, rest, 1 + roll(dice, rest), Math.min(rest, 1 + roll(dice, 8)), roll(dice, 20) === 0 ? 0 : rest]) * PAGE;
  const sizes = [length + drawPages(dice) * PAGE, length, Math.max(PAGE, length - PAGE), PAGE];
  const newLength = roll(dice, 40) === 0 ? drawOddLength(view) : pick(dice, sizes);
  const flags = pick(dice, [0, 0, 1, 1, 1, 1, 3, 3, 3, roll(dice, 10) === 0 ? 2 + 4 * roll(dice, 2) : 1]);
  const at = whereOf(view, area.start + skip * PAGE + (roll(dice, 50) === 0 ? 7 : 0));
  // Back where it came from, now and then: only there do its page offsets fit those of neighbours.
  const home = whereOf(view, (area.pgoff + skip) * PAGE);
  const target = area.source === null && roll(dice, 4) === 0 ? home : drawTarget(view, newLength).at;
  return { name: 'mremap', at, length, newLength, flags, to: (flags & 2) === 0 ? NOWHERE : target };
}

function drawBrk(view: View): Action {
  const { dice, process: { space, limits } } = view;
  const by = pick(dice, [PAGE * drawPages(dice), PAGE * drawPages(dice), roll(dice, 3 * PAGE), -PAGE * (1 + roll(dice, 20)), -roll(dice, PAGE)]);
  const limit = Math.min(space.startData + limits.data, space.brk + MiB);
  const odd = [0, space.endCode, space.endCode - 1, space.startData + 10, space.brk + 200 * MiB, limit, limit + 1, limit - PAGE];
  return { name: 'brk', at: { of: -1, base: 0, offset: roll(dice, 25) === 0 ? pick(dice, odd) : Math.max(0, space.brk + by) } };
}

function drawMadvise(view: View): Action {
  return { name: 'madvise', ...drawRange(view), advice: pick(view.dice, [0, 1, 2, 3, 4, 4, 4, 4, 9, 10, 10, 11, 11, roll(view.dice, 8) === 0 ? 5 : 4]) };
}

function drawMlock(view: View): Action {
  const range = drawRange(view);
  return { name: 'mlock', ...range, length: roll(view.dice, 8) === 0 ? PAGE * drawPagesToLimit(view) : range.length };
}

function drawMunlock(view: View): Action {
  return { name: 'munlock', ...drawRange(view) };
}

function drawMlockall({ dice }: View): Action {
  return roll(dice, 2) === 0 ? { name: 'munlockall' } : { name: 'mlockall', flags: pick(dice, [1, 2, 2, 3, 0, 4]) };
}

function drawMincore(view: View): Action {
  return { name: 'mincore', ...drawRange(view) };
}

function drawMsync(view: View): Action {
  return { name: 'msync', ...drawRange(view), flags: pick(view.dice, [0, 1, 2, 4, 6, 5, 3, 8]) };
}

function drawLoad(view: View): Action {
  return { name: 'load', at: drawByte(view, 'read') };
}

function drawStore(view: View): Action {
  return { name: 'store', at: drawByte(view, 'write'), byte: roll(view.dice, 256) };
}

function drawTouch(view: View): Action {
  const { dice } = view;
  const how = pick(dice, ['read', 'write'] as const);
  const byte = drawByte(view, how);
  const at = { ...byte, offset: byte.offset - ((byte.base + byte.offset) % PAGE) };
  return { name: 'touch', at, length: PAGE * (roll(dice, 30) === 0 ? 1 + roll(dice, 8) : 1), how };
}

function drawSetEsp(view: View): Action {
  const { dice, process: { space } } = view;
  const stacks = space.areas.filter((area) => (area.flags & VM.GROWSDOWN) !== 0);
  const stack = stacks.length === 0 ? drawArea(view) : pick(dice, stacks);
  const near = stack.start + pick(dice, [0, 0, -PAGE, -16 * PAGE, 40 * KiB, stack.end - stack.start - 16]);
  return { name: 'set_esp', at: whereOf(view, Math.max(0, roll(dice, 20) === 0 ? roll(dice, 0x7fffffff) : near)) };
}

function drawFork(view: View): Action {
  const child = view.world.processes.indexOf(null);
  if (child >= 0) return { name: 'fork', child };
  return roll(view.dice, 3) === 0 ? drawExit() : drawLoad(view);
}

function drawExit(): Action {
  return { name: 'exit' };
}
