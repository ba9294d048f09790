// A plain model of files, open files and mappings: what processes see of them, and what the disk must hold after a power cut. Its pages are sets of
// possibilities (file-pages.ts); no cache, no disk, no time.

import type { FilePage, State } from './file-pages.ts';
import { PAGE, beginChange, endChange, endChangePerhaps, makePage, mayHaveStaleBlock, mayHold } from './file-pages.ts';

/** Something that may be known of the whole file: its size. */
interface SizeState {
  size: number;
  died: number;
}

export interface ModelFile {
  path: string;
  size: number;
  /** Sizes that the disk may know, oldest first. */
  sizes: SizeState[];
  /** By index; one that is missing is a hole that nobody has touched. */
  pages: Map<number, FilePage>;
  /** Whether the disk may not know of it yet. */
  isNew: boolean;
  /** Pages whose blocks cannot be read or written, with since when. */
  broken: Map<number, { mode: 'read' | 'write' | 'both'; since: number }>;
  /** Whether a block of it was broken once: then a call that syncs it may say so. */
  wasBroken: boolean;
  /** When somebody was last told that a write has failed. */
  toldAt: number;
  /** Pages of it that were broken once and may have kept the mark of an error. */
  spoilt: Set<number>;
}

/** An open file, as descriptors share it. */
export interface Description {
  file: ModelFile;
  position: number;
  flags: number;
  users: number;
}

export interface Mapping {
  start: number;
  pages: number;
  file: ModelFile;
  first: number;
  isShared: boolean;
  isWritable: boolean;
  /** Whether msync has anything to do: not through an open file that may only be read, whatever somebody else writes. */
  isSynced: boolean;
  /** Pages of its own, of a private mapping, by index in the file. */
  own: Map<number, FilePage>;
  /** Pages that were stored to, and of which nobody else knows that. */
  stored: Set<number>;
}

export interface ModelProcess {
  fds: Map<number, Description>;
  /** By the step that made them. */
  maps: Map<number, Mapping>;
}

export interface FileWorld {
  files: Map<string, ModelFile>;
  /** By seat; null where nobody sits. */
  processes: (ModelProcess | null)[];
  /** Moments: each begin and end of a call is one. */
  time: number;
}

/** Flags of open. */
export const O = { WRONLY: 1, RDWR: 2, CREAT: 0o100, EXCL: 0o200, TRUNC: 0o1000, APPEND: 0o2000, SYNC: 0o10000 } as const;

const ZEROES = new Uint8Array(PAGE);

/** A file of the machine's description, whose bytes are a function of their offset. */
export function declaredFile(path: string, size: number, byte: (offset: number) => number): ModelFile {
  const file = newFile(path, size);
  for (let index = 0; index * PAGE < size; index++) {
    const bytes = Uint8Array.from({ length: PAGE }, (_, i) => (index * PAGE + i < size ? byte(index * PAGE + i) : 0));
    file.pages.set(index, makePage(bytes, 'block'));
  }
  file.isNew = false;
  return file;
}

export function newFile(path: string, size: number): ModelFile {
  return {
    path, size, sizes: [{ size, died: Infinity }], pages: new Map(), isNew: true, broken: new Map(), wasBroken: false, toldAt: -1,
    spoilt: new Set(),
  };
}

export function pageOf(file: ModelFile, index: number): FilePage {
  const page = file.pages.get(index) ?? makePage(ZEROES, 'hole');
  file.pages.set(index, page);
  return page;
}

/** Whether a page cannot be read, or could not once. */
export function isBad({ spoilt, broken }: ModelFile, index: number): boolean {
  return spoilt.has(index) || broken.has(index);
}

// ---- sizes ------------------------------------------------------------------------------------------------------------

/** The file has another size; the disk may still know those before it. */
export function setSize(world: FileWorld, file: ModelFile, size: number): void {
  if (size === file.size) return;
  const last = file.pages.get(Math.floor(file.size / PAGE));
  if (last !== undefined) last.tail = null;
  file.sizes.at(-1)!.died = world.time;
  file.sizes.push({ size, died: Infinity });
  file.size = size;
}

/** The disk knows what size the file had at a moment, or later. */
export function acknowledgeSize(file: ModelFile, time: number): void {
  file.sizes = file.sizes.filter(({ died }) => died > time);
  file.isNew = false;
}

/** What is past the new end is gone, from mappings too; the rest of its last page is zeroes. Nobody else is at work at the file, so it is over at
 *  once; but the disk may have seen it before the call ends. */
export function cutFile(world: FileWorld, file: ModelFile, size: number, id: number): void {
  if (size === file.size) return;
  const begin = world.time++;
  const isShorter = size < file.size;
  setSize(world, file, size);
  clearTail(world, file, { id, begin, isShorter });
  if (!isShorter) return;
  for (const [index, gone] of file.pages) {
    if (index * PAGE < size) continue;
    beginChange(gone, { id, time: begin, place: 'hole', change: () => ZEROES });
    endChange(gone, id, world.time++, 'cut');
    file.broken.delete(index);
    file.spoilt.delete(index);
  }
  leaveMappings(world, file, size);
}

/** The bytes behind the end in the last page. Where it cannot be read, or the file has grown and the page has no block, they may stay as they were. A
 *  page that was read together with a bad block keeps the mark of that error; it has a buffer now, and so never counts as read again. */
function clearTail(world: FileWorld, file: ModelFile, { id, begin, isShorter }: { id: number; begin: number; isShorter: boolean }): void {
  const index = Math.floor(file.size / PAGE);
  const tail = file.size % PAGE;
  const page = tail === 0 ? undefined : file.pages.get(index);
  if (page === undefined) return;
  const hasBlock = page.now.every(({ isHole }) => !isHole);
  if (file.wasBroken) file.spoilt.add(index);
  beginChange(page, { id, time: begin, place: 'same', change: (bytes) => filled(bytes, tail, PAGE, 0) });
  if (isBad(file, index)) endChangePerhaps(page, id);
  else if (hasBlock || isShorter) endChange(page, id, world.time++, hasBlock ? 'write' : null);
  else endChangePerhaps(page, id);
}

function leaveMappings({ processes }: FileWorld, file: ModelFile, size: number): void {
  for (const process of processes) {
    for (const mapping of process?.maps.values() ?? []) {
      if (mapping.file !== file) continue;
      for (const index of mapping.stored) if (index * PAGE >= size) mapping.stored.delete(index);
      for (const index of mapping.own.keys()) if (index * PAGE >= size) mapping.own.delete(index);
    }
  }
}

/** Bytes with some of them changed. */
export function filled(bytes: Uint8Array, from: number, to: number, byte: number): Uint8Array {
  return Uint8Array.from(bytes).fill(byte, from, to);
}

// ---- after a power cut ------------------------------------------------------------------------------------------------

/** What was found after a power cut of a page of a file; what its last page holds past the end counts for nothing. */
export function mayBeOnDisk(file: ModelFile, index: number, found: Uint8Array): boolean {
  const page = file.pages.get(index);
  if (page === undefined) return found.every((byte) => byte === 0);
  return page.isWild || mayHaveStaleBlock(page) || mayHold(page.disk, found, 0);
}

/** A file as a power cut leaves it. */
export interface FileImage {
  path: string;
  size: number;
  bytes(offset: number, length: number): Uint8Array;
}

/** What is wrong with what a power cut would leave, or null. Pages that may be one thing only are looked at as `isLooked` says. */
export function judgeImage(world: FileWorld, image: readonly FileImage[], isLooked: () => boolean): string | null {
  const found = new Map(image.map((file) => [file.path, file]));
  for (const file of world.files.values()) {
    const there = found.get(file.path);
    const what = there === undefined ? (file.isNew ? null : 'it is gone') : judgeFile(file, there, isLooked);
    if (what !== null) return `after a power cut, of ${file.path}: ${what}`;
  }
  return null;
}

function judgeFile(file: ModelFile, { size, bytes }: FileImage, isLooked: () => boolean): string | null {
  if (!file.sizes.some((state) => state.size === size)) {
    return `its size is ${size}, it may be ${file.sizes.map((state) => state.size).join(', ')}`;
  }
  for (let index = 0; index * PAGE < size; index++) {
    if ((file.pages.get(index)?.disk.length ?? 1) === 1 && !isLooked()) continue;
    const found = bytes(index * PAGE, PAGE);
    if (!mayBeOnDisk(file, index, found)) return `page ${index} begins with ${show(found)}, and so ${showStates(file.pages.get(index)?.disk)}`;
  }
  return null;
}

/** The runs of a page: `0: 65, 100: 0`. */
function show(bytes: Uint8Array): string {
  const starts = [...bytes.keys()].filter((i) => i === 0 || bytes[i] !== bytes[i - 1]);
  return starts.length > 12 ? `${starts.length} runs` : starts.map((i) => `${i}: ${bytes[i]}`).join(', ');
}

function showStates(states: readonly State[] | undefined): string {
  return `does none of these: ${(states ?? []).map(({ bytes }) => `(${show(bytes)})`).join(' ')}`;
}
