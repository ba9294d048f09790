// Random rounds of file calls that have a chance to mean something: they are drawn with the model's picture of files in view, from a seed. Offsets
// and sizes keep to the edges of pages and files; calls come back to the pages of the calls before.

import type { Dice } from './allocator-work.ts';
import { roll } from './allocator-work.ts';
import { mayRead, mayWrite } from './file-call.ts';
import { PAGE } from './file-pages.ts';
import type { FileAction, FileSetup, From, Round } from './file-steps.ts';
import { FADV, MADV, MOST_BYTES, MS, SEATS } from './file-steps.ts';
import type { Description, FileWorld, Mapping, ModelFile, ModelProcess } from './file-world.ts';
import { O } from './file-world.ts';

const MiB = 1 << 20;
/** No file becomes longer: nothing takes pages back yet, so all must fit. */
const MOST_PAGES = 40;
const MOST_FDS = 8;
const MOST_MAPS = 5;

/** Where the drawing of rounds stands. */
export interface FileSource {
  dice: Dice;
  setup: FileSetup;
  next: number;
  forks: number;
  /** The file and the page of the last call. */
  last: { file: ModelFile; page: number } | null;
  /** What is to follow from the last call, one thing after the other. */
  plan: Planned[];
}

export function makeFileSource(setup: FileSetup, seed: number): FileSource {
  return { dice: { state: seed * 31 + 7 }, setup, next: 0, forks: 0, last: null, plan: [] };
}

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[roll(dice, from.length)]!;
}

/** A machine for a run. Laptop mode tells nobody of writes that have failed, so it is off where blocks break. */
export function drawFileSetup(seed: number, { mayBreak = false } = {}): FileSetup {
  const dice = { state: seed * 7919 + 3 };
  const disks = Array.from({ length: 1 + roll(dice, 2) }, () => ({
    blocks: pick(dice, [600, 2000]), seek: pick(dice, [0, 500_000, 8_000_000]), bandwidth: pick(dice, [4, 60, 200]) * MiB,
  }));
  const files = Array.from({ length: 2 + roll(dice, 2) }, (_, i) => ({
    path: `/${'ab'[i % disks.length]}/f${i}`, size: pick(dice, [0, 1, 3, 5, 11, 33]) * PAGE + pick(dice, [0, 0, 1, 700, PAGE - 1]), disk: i % disks.length,
  }));
  return {
    cpus: 1 + roll(dice, 2), memory: 8 * MiB, dirtyRatio: pick(dice, [40, 10, 5]), backgroundRatio: pick(dice, [10, 2, 1]),
    writebackCentisecs: pick(dice, [500, 100, 20]), expireCentisecs: pick(dice, [3000, 200, 10]), laptopMode: mayBreak ? 0 : pick(dice, [0, 0, 0, 2]),
    disks, files, processes: 2 + roll(dice, 2), cutSeed: seed, mayBreak,
  };
}

/** What a drawing looks at. */
interface View {
  source: FileSource;
  dice: Dice;
  world: FileWorld;
  process: ModelProcess;
  /** Descriptors by the steps that opened them. */
  fds: ReadonlyMap<number, number>;
}

/** The next round: one call, or several of different processes. */
export function drawRound(source: FileSource, world: FileWorld, fds: ReadonlyMap<number, number>): Round | null {
  const { dice } = source;
  const living = [...world.processes.keys()].filter((seat) => world.processes[seat] !== null);
  if (living.length === 0) return null;
  const wanted = roll(dice, 3) === 0 ? Math.min(living.length, 2 + roll(dice, 2)) : 1;
  const seats = [...living].sort(() => roll(dice, 3) - 1).slice(0, wanted);
  return seats.map((seat) => ({ id: source.next++, seat, action: drawAction({ source, dice, world, process: world.processes[seat]!, fds }) }));
}

const WEIGHTS: readonly [number, (view: View) => FileAction][] = [
  [8, drawOpen], [3, drawClose], [14, drawRead], [22, drawWrite], [4, drawSeek], [5, drawTruncate], [6, drawSync], [2, () => ({ name: 'sync' })],
  [6, drawMmap], [2, drawUnmap], [10, drawLoad], [14, drawStore], [6, drawMsync], [3, drawMadvise], [4, drawAdvice], [3, drawDrop], [3, drawSleep],
  [1, drawFork], [1, drawExit], [2, drawBreak],
];
const ALL_WEIGHTS = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);

function drawAction(view: View): FileAction {
  if (view.process.fds.size === 0 && roll(view.dice, 4) !== 0) return drawOpen(view);
  const planned = roll(view.dice, 2) === 0 ? drawPlanned(view) : null;
  if (planned !== null) return planned;
  if (livingIn(view.world) < 2 && roll(view.dice, 3) === 0) return drawFork(view);
  let at = roll(view.dice, ALL_WEIGHTS);
  for (const [weight, draw] of WEIGHTS) {
    if (at < weight) return draw(view);
    at -= weight;
  }
  return { name: 'sync' };
}

// ---- plans ------------------------------------------------------------------------------------------------------------

/** A later step: null where the process that comes then cannot take it. */
type Planned = (view: View) => FileAction | null;

/** The next step of what is planned. */
function drawPlanned(view: View): FileAction | null {
  const action = view.source.plan[0]?.(view) ?? null;
  if (action !== null || roll(view.dice, 8) === 0) view.source.plan.shift();
  return action;
}

function plan({ source, dice }: View, oneIn: number, steps: readonly Planned[]): void {
  if (source.plan.length === 0 && roll(dice, oneIn) === 0) source.plan = [...steps];
}

/** A descriptor of a file that is open to read and to write. */
function fdFor({ process, fds }: View, file: ModelFile): From | null {
  const [number] = [...process.fds].find(([, opened]) => opened.file === file && mayRead(opened) && mayWrite(opened)) ?? [];
  const of = [...fds].filter(([step, fd]) => step >= 0 && fd === number).at(-1)?.[0];
  return of === undefined ? null : { of };
}

function onFile(file: ModelFile, draw: (fd: From, view: View) => FileAction): Planned {
  return (view) => {
    const fd = fdFor(view, file);
    return fd === null ? null : draw(fd, view);
  };
}

/** A byte that was just stored is cut off, and the file grows past it again. */
function planCut(view: View, file: ModelFile, at: number): void {
  const cut = onFile(file, (fd, { dice }) => ({ name: 'ftruncate', fd, length: Math.max(0, at - roll(dice, 20)) }));
  const grow = onFile(file, (fd, { dice }) => ({ name: 'ftruncate', fd, length: Math.min(at + 1 + roll(dice, 2 * PAGE), MOST_PAGES * PAGE) }));
  const look = onFile(file, (fd) => ({ name: 'pread', fd, count: 64, at: Math.max(0, at - 20) }));
  plan(view, 16, [cut, grow, look]);
}

/** What was stored behind the end of a file is written with its page, and looked for. */
function planTail(view: View, map: From, { pages, file, first }: Mapping, offset: number): void {
  if (first * PAGE + offset < file.size) return;
  const isThere = ({ process }: View): boolean => process.maps.has(map.of);
  const sync: Planned = (later) => (isThere(later) ? { name: 'msync', map, first: 0, pages, flags: MS.SYNC } : null);
  const look: Planned = (later) => (isThere(later) ? { name: 'load', map, offset } : null);
  plan(view, 2, [sync, look]);
}

/** A page that is on its way to the disk changes, and must go there once more. */
function planRewrite(view: View, file: ModelFile): void {
  const at = (view.source.last?.file === file ? view.source.last.page : 0) * PAGE;
  const write = onFile(file, (fd, { dice }) => ({ name: 'pwrite', fd, count: 1 + roll(dice, PAGE), byte: 1 + roll(dice, 255), at }));
  const flush = onFile(file, (fd) => ({ name: 'fadvise', fd, at: 0, count: 0, advice: FADV.DONTNEED }));
  plan(view, 4, [write, flush, write, onFile(file, (fd) => ({ name: 'fsync', fd }))]);
}

// ---- files ------------------------------------------------------------------------------------------------------------

const NEW_PATHS = ['/a/new', '/b/new', '/c'];

function drawOpen(view: View): FileAction {
  const { dice, world, process } = view;
  if (process.fds.size >= MOST_FDS) return drawClose(view);
  const path = roll(dice, 4) === 0 ? pick(dice, NEW_PATHS) : pick(dice, [...world.files.keys()]);
  const flags = pick(dice, [0, O.WRONLY, O.RDWR, O.RDWR, O.RDWR]) | (roll(dice, 2) === 0 ? O.CREAT : 0) | (roll(dice, 12) === 0 ? O.EXCL : 0)
    | (roll(dice, 12) === 0 ? O.TRUNC : 0) | (roll(dice, 8) === 0 ? O.APPEND : 0) | (roll(dice, 6) === 0 ? O.SYNC : 0);
  return { name: 'open', path, flags };
}

/** A descriptor, mostly one that is open as it must be: told by the last step that was given it. */
function drawFd({ dice, process, fds }: View, isFit: (opened: Description) => boolean = () => true): { fd: From; opened: Description | null } {
  const fit = [...process.fds].filter(([, opened]) => isFit(opened)).map(([fd]) => fd);
  const open = fit.length === 0 || roll(dice, 20) === 0 ? [...process.fds.keys()] : fit;
  const fd = open.length === 0 || roll(dice, 40) === 0 ? 2 + roll(dice, MOST_FDS) : pick(dice, open);
  const of = [...fds].filter(([step, number]) => step >= 0 && number === fd).at(-1)?.[0] ?? 0;
  return { fd: { of }, opened: process.fds.get(fd) ?? null };
}

function drawClose(view: View): FileAction {
  return { name: 'close', fd: drawFd(view).fd };
}

/** A place in a file: near the last one, at the edge of a page, of the file, anywhere. */
function drawPlace({ source, dice }: View, file: ModelFile | undefined): number {
  const size = file?.size ?? PAGE;
  const page = source.last !== null && roll(dice, 2) === 0 ? source.last.page : roll(dice, Math.ceil(size / PAGE) + 2);
  const start = page * PAGE;
  const at = pick(dice, [start, start, start + roll(dice, PAGE), start + pick(dice, [1, PAGE - 1]), size, Math.max(0, size - roll(dice, 6000))]);
  return Math.min(at, (MOST_PAGES - 1) * PAGE);
}

function drawCount({ dice }: View, at: number): number {
  const count = pick(dice, [1, 10, 100, PAGE, PAGE, 2 * PAGE, roll(dice, 3 * PAGE), roll(dice, 20 * PAGE)]);
  return Math.max(roll(dice, 30) === 0 ? 0 : 1, Math.min(count, MOST_BYTES, MOST_PAGES * PAGE - at));
}

function note({ source }: View, file: ModelFile | undefined, at: number): void {
  if (file !== undefined) source.last = { file, page: Math.floor(at / PAGE) };
}

function drawRead(view: View): FileAction {
  const { fd, opened } = drawFd(view, mayRead);
  const at = drawPlace(view, opened?.file);
  const count = drawCount(view, 0);
  note(view, opened?.file, at);
  if (roll(view.dice, 3) === 0) return { name: 'read', fd, count };
  return { name: 'pread', fd, count, at: roll(view.dice, 60) === 0 ? -1 : at };
}

function drawWrite(view: View): FileAction {
  const { fd, opened } = drawFd(view, mayWrite);
  const at = drawPlace(view, opened?.file);
  note(view, opened?.file, at);
  const byte = 1 + roll(view.dice, 255);
  const { position = 0, file = null, flags = 0 } = opened ?? {};
  const start = (flags & O.APPEND) !== 0 ? file?.size ?? 0 : position;
  if (roll(view.dice, 3) === 0) return { name: 'write', fd, count: drawCount(view, Math.min(start, MOST_PAGES * PAGE - 1)), byte };
  return { name: 'pwrite', fd, count: drawCount(view, at), byte, at: roll(view.dice, 60) === 0 ? -1 : at };
}

function drawSeek(view: View): FileAction {
  const { fd, opened } = drawFd(view);
  const whence = roll(view.dice, 4);
  const offset = whence === 0 ? drawPlace(view, opened?.file) : roll(view.dice, 3 * PAGE) - 2 * PAGE;
  return { name: 'lseek', fd, offset, whence };
}

function drawTruncate(view: View): FileAction {
  const { fd, opened } = drawFd(view, mayWrite);
  const size = opened?.file.size ?? 0;
  const place = drawPlace(view, opened?.file);
  const length = pick(view.dice, [0, place, place, size - 1, size + 1, size + 5 * PAGE, Math.floor(size / 2)]);
  return { name: 'ftruncate', fd, length: Math.min(length, MOST_PAGES * PAGE) };
}

function drawSync(view: View): FileAction {
  return { name: 'fsync', fd: drawFd(view).fd };
}

const ADVICE = [FADV.NORMAL, FADV.RANDOM, FADV.SEQUENTIAL, FADV.WILLNEED, FADV.DONTNEED, FADV.DONTNEED, FADV.DONTNEED, FADV.NOREUSE, 9];

function drawAdvice(view: View): FileAction {
  const { fd, opened } = drawFd(view);
  if (opened !== null) planRewrite(view, opened.file);
  const at = drawPlace(view, opened?.file);
  const count = roll(view.dice, 3) === 0 ? 0 : drawCount(view, 0);
  if (roll(view.dice, 4) === 0) return { name: 'readahead', fd, at, count: count + 1, advice: 0 };
  return { name: 'fadvise', fd, at, count, advice: pick(view.dice, ADVICE) };
}

function drawDrop({ dice }: View): FileAction {
  return { name: 'drop_caches', value: pick(dice, [1, 1, 1, 2, 3]) };
}

// ---- mappings ---------------------------------------------------------------------------------------------------------

function drawMmap(view: View): FileAction {
  const { dice, process } = view;
  if (process.maps.size >= MOST_MAPS) return drawUnmap(view);
  const { fd, opened } = drawFd(view, mayRead);
  const pages = Math.ceil((opened?.file.size ?? 0) / PAGE);
  const first = roll(dice, 2) === 0 ? 0 : roll(dice, pages + 1);
  return { name: 'mmap', fd, pages: Math.max(1, pages - first + roll(dice, 3)), first, isShared: roll(dice, 3) !== 0, isWritable: roll(dice, 5) !== 0 };
}

function drawMap({ dice, process }: View): { map: From; mapping: Mapping } | null {
  const all = [...process.maps];
  if (all.length === 0) return null;
  const [of, mapping] = pick(dice, all);
  return { map: { of }, mapping };
}

function drawUnmap(view: View): FileAction {
  const chosen = drawMap(view);
  return chosen === null ? drawMmap(view) : { name: 'munmap', map: chosen.map };
}

/** An offset in a mapping: mostly inside the file, where the last call was. */
function drawOffset({ source, dice, world }: View, { file, first, pages }: Mapping): number {
  const last = source.last?.file === file && roll(dice, 2) === 0 ? source.last.page - first : -1;
  const inside = Math.max(1, Math.min(pages, Math.ceil(file.size / PAGE) - first));
  const page = last >= 0 && last < pages ? last : roll(dice, livingIn(world) > 1 && roll(dice, 40) === 0 ? pages : inside);
  source.last = { file, page: first + page };
  return page * PAGE + pick(dice, [0, 1, PAGE - 1, roll(dice, PAGE), file.size % PAGE]);
}

function drawLoad(view: View): FileAction {
  const chosen = drawMap(view);
  return chosen === null ? drawRead(view) : { name: 'load', map: chosen.map, offset: drawOffset(view, chosen.mapping) };
}

function drawStore(view: View): FileAction {
  const chosen = drawMap(view);
  if (chosen === null || !chosen.mapping.isWritable && roll(view.dice, 30) !== 0) return drawWrite(view);
  const offset = drawOffset(view, chosen.mapping);
  if (chosen.mapping.isShared) {
    planTail(view, chosen.map, chosen.mapping, offset);
    planCut(view, chosen.mapping.file, chosen.mapping.first * PAGE + offset);
  }
  return { name: 'store', map: chosen.map, offset, byte: 1 + roll(view.dice, 255) };
}

function drawPart({ dice }: View, { pages }: Mapping): { first: number; pages: number } {
  const first = roll(dice, 2) === 0 ? 0 : roll(dice, pages);
  return { first, pages: roll(dice, 2) === 0 ? pages - first : roll(dice, pages - first + 1) };
}

function drawMsync(view: View): FileAction {
  const chosen = drawMap(view);
  if (chosen === null) return drawSync(view);
  return { name: 'msync', map: chosen.map, ...drawPart(view, chosen.mapping), flags: pick(view.dice, [MS.SYNC, MS.SYNC, MS.SYNC, MS.ASYNC, 0, 5]) };
}

function drawMadvise(view: View): FileAction {
  const chosen = drawMap(view);
  if (chosen === null) return drawAdvice(view);
  const advice = pick(view.dice, [MADV.NORMAL, MADV.RANDOM, MADV.SEQUENTIAL, MADV.WILLNEED, MADV.DONTNEED, MADV.DONTNEED]);
  const part = drawPart(view, chosen.mapping);
  return { name: 'madvise', map: chosen.map, first: part.first, pages: Math.max(1, part.pages), advice };
}

// ---- the rest ---------------------------------------------------------------------------------------------------------

/** Longer naps let pdflush come. */
function drawSleep({ dice }: View): FileAction {
  return { name: 'sleep', ms: pick(dice, [1, 5, 20, 100, 400, 1000, 6000, 31_000]) };
}

function livingIn({ processes }: FileWorld): number {
  return processes.filter((process) => process !== null).length;
}

/** Processes that have ended are not waited for, and keep some memory: there may not be many. */
const MOST_FORKS = 30;

function drawFork(view: View): FileAction {
  const seat = view.world.processes.indexOf(null);
  if (seat < 0 || seat >= SEATS || view.source.forks >= MOST_FORKS) return drawWrite(view);
  view.source.forks++;
  return { name: 'fork', seat };
}

function drawExit(view: View): FileAction {
  return livingIn(view.world) < 3 ? drawWrite(view) : { name: 'exit' };
}

function drawBreak(view: View): FileAction {
  const { source, dice, world } = view;
  if (!source.setup.mayBreak) return drawWrite(view);
  const broken = [...world.files.values()].some((file) => file.broken.size > 0);
  if (broken && roll(dice, 2) === 0) return { name: 'heal' };
  const file = source.last?.file ?? pick(dice, [...world.files.values()]);
  return { name: 'break', path: file.path, page: source.last?.page ?? 0, mode: pick(dice, ['read', 'write', 'both'] as const) };
}
