// Mappings of files, as the model has them. What is stored through a shared one is the file's at once, but nobody but the process knows that the page
// has changed: until it says so (msync), or gives the page up.

import type { Action, Call, Scene } from './file-call.ts';
import { ERROR, SIGNAL, deadly, descriptionOf, exactly, mayRead, mayWrite, see, watch } from './file-call.ts';
import type { KnownStore } from './file-disk.ts';
import { becomeKnown, syncing } from './file-disk.ts';
import type { FilePage } from './file-pages.ts';
import { PAGE, beginChange, endChange, endChangePerhaps, pageIn } from './file-pages.ts';
import { MADV, MS } from './file-steps.ts';
import type { FileWorld, Mapping, ModelFile } from './file-world.ts';
import { filled, isBad, pageOf } from './file-world.ts';

export function mmap(scene: Scene, action: Action<'mmap'>): Call {
  const { fd, pages, first, isShared, isWritable } = action;
  const opened = descriptionOf(scene, fd);
  const { process, step } = scene;
  if (opened === undefined) return exactly(-ERROR.EBADF);
  if (!mayRead(opened) || isShared && isWritable && !mayWrite(opened)) return exactly(-ERROR.EACCES);
  return {
    due: null,
    end({ result, signal }) {
      if (signal !== 0 || result <= 0) return `mmap gives ${result}, signal ${signal}`;
      const isSynced = isShared && mayWrite(opened);
      const { file } = opened;
      process.maps.set(step.id, { start: result, pages, file, first, isShared, isWritable, isSynced, own: new Map(), stored: new Set() });
      return null;
    },
  };
}

type MapAction = Action<'munmap' | 'load' | 'store' | 'msync' | 'madvise'>;

/** The mapping of an action is there: a step that names none is not taken. */
export function mapped(scene: Scene, action: MapAction): Call {
  const mapping = scene.process.maps.get(action.map.of)!;
  switch (action.name) {
    case 'munmap': return exactly(0, () => unmap(scene, action.map.of));
    case 'load': return load(scene, mapping, action.offset);
    case 'store': return store(scene, mapping, action);
    case 'msync': return msync(scene, mapping, action);
    default: return madvise(scene, mapping, action);
  }
}

/** Where an offset in a mapping lies in its file. */
function placeOf({ first }: Mapping, offset: number): { index: number; byte: number } {
  return { index: first + Math.floor(offset / PAGE), byte: offset % PAGE };
}

const isPast = ({ file }: Mapping, index: number): boolean => index * PAGE >= file.size;

/** A page that cannot be read ends the process, where it was not in memory. */
const mayFault = ({ file, own }: Mapping, index: number): boolean => !own.has(index) && isBad(file, index);

function load({ world }: Scene, mapping: Mapping, offset: number): Call {
  const { index, byte } = placeOf(mapping, offset);
  if (isPast(mapping, index)) return deadly(SIGNAL.BUS);
  const page = mapping.own.get(index) ?? pageOf(mapping.file, index);
  const { states, stop } = watch([page]);
  const bytes = new Set(page.now.map((state) => state.bytes[byte]!));
  return {
    due: bytes.size === 1 ? page.now[0]!.bytes[byte]! : null,
    end({ result, signal }) {
      stop();
      if (signal !== 0) return signal === SIGNAL.BUS && mayFault(mapping, index) ? null : `signal ${signal} in a load`;
      return see(world, page, states[0]!, { found: Uint8Array.of(result), from: byte });
    },
  };
}

function store(scene: Scene, mapping: Mapping, { offset, byte: value }: Action<'store'>): Call {
  const { index, byte } = placeOf(mapping, offset);
  if (!mapping.isWritable) return deadly(SIGNAL.SEGV);
  if (isPast(mapping, index)) return deadly(SIGNAL.BUS);
  const { world, step } = scene;
  const page = mapping.isShared ? pageOf(mapping.file, index) : mapping.own.get(index) ?? copyOf(mapping.file, index);
  beginChange(page, { id: step.id, time: world.time, place: 'same', change: (bytes) => filled(bytes, byte, byte + 1, value) });
  return {
    due: 0,
    end({ result, signal }) {
      if (signal === SIGNAL.BUS && mayFault(mapping, index)) {
        endChangePerhaps(page, step.id);
        return null;
      }
      endChange(page, step.id, world.time, null);
      if (!mapping.isShared) mapping.own.set(index, page);
      else mapping.stored.add(index);
      if (mapping.isShared) mayLoseTail(world, mapping.file, index, byte, step.id);
      return signal !== 0 || result !== 0 ? `${result}, signal ${signal} in a store` : null;
    },
  };
}

/** A page of a process's own, as the file's page is. */
function copyOf(file: ModelFile, index: number): FilePage {
  const now = pageOf(file, index).now.map((state) => ({ ...state, seen: new Set<number>() }));
  return pageIn(now);
}

/** What is stored past the end of a file, in its last page, is zeroes again when the page is written, whenever that is. */
function mayLoseTail(world: FileWorld, file: ModelFile, index: number, byte: number, id: number): void {
  const tail = file.size - index * PAGE;
  if (byte < tail) return;
  const page = pageOf(file, index);
  beginChange(page, { id: -1 - id, time: world.time, place: 'same', change: (bytes) => filled(bytes, tail, PAGE, 0) });
  endChangePerhaps(page, -1 - id);
  page.tail = { from: tail, time: world.time };
}

/** What a process has stored in some pages of a mapping becomes known at some moment of the call: who syncs the file meanwhile may miss it. */
function stored({ step, begin }: Scene, mapping: Mapping, isWanted: (index: number) => boolean): KnownStore[] {
  return [...mapping.stored].filter(isWanted).map((index) => {
    mapping.stored.delete(index);
    return { page: pageOf(mapping.file, index), mark: { id: step.id, begin, end: Infinity, kind: 'stores' } };
  });
}

function within(mapping: Mapping, first: number, pages: number): (index: number) => boolean {
  const start = mapping.first + first;
  return (index) => index >= start && index < start + pages;
}

function msync(scene: Scene, mapping: Mapping, { first, pages, flags }: Action<'msync'>): Call {
  const { world } = scene;
  if ((flags & MS.ASYNC) !== 0 && (flags & MS.SYNC) !== 0) return exactly(-ERROR.EINVAL);
  if (pages === 0) return exactly(0);
  const known = stored(scene, mapping, within(mapping, first, pages));
  if ((flags & MS.SYNC) !== 0 && mapping.isSynced) return syncing(world, mapping.file, known);
  return exactly(0, () => becomeKnown(world, known));
}

function madvise(scene: Scene, mapping: Mapping, { first, pages, advice }: Action<'madvise'>): Call {
  if (advice !== MADV.DONTNEED) return exactly(0);
  return exactly(0, () => {
    const isWanted = within(mapping, first, pages);
    becomeKnown(scene.world, stored(scene, mapping, isWanted));
    for (const index of [...mapping.own.keys()]) if (isWanted(index)) mapping.own.delete(index);
  });
}

/** A mapping goes, and what was stored through it is known. */
export function unmap(scene: Scene, of: number): void {
  const mapping = scene.process.maps.get(of)!;
  becomeKnown(scene.world, stored(scene, mapping, () => true));
  scene.process.maps.delete(of);
}
