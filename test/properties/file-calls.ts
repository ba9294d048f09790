// What the model says of each call of a process: descriptors, reading and writing, processes themselves. Promises of the disk are in file-disk.ts,
// mappings in file-mappings.ts.

import type { Action, Call, Scene } from './file-call.ts';
import { ERROR, descriptionOf, exactly, mayRead, mayWrite, see, watch } from './file-call.ts';
import { breakBlock, dropped, dueOf, fsync, heal, sync, syncedPages } from './file-disk.ts';
import { mapped, mmap, unmap } from './file-mappings.ts';
import { PAGE, beginChange, endChange, endChangePerhaps, pageIn } from './file-pages.ts';
import type { FileStep, From } from './file-steps.ts';
import { FADV } from './file-steps.ts';
import type { Description, FileWorld, Mapping, ModelFile, ModelProcess } from './file-world.ts';
import { O, cutFile, filled, isBad, newFile, pageOf, setSize } from './file-world.ts';

/** A call begins. The process is there. */
export function beginCall(world: FileWorld, step: FileStep, fds: ReadonlyMap<number, number>): Call {
  const scene: Scene = { world, step, process: world.processes[step.seat]!, fds, begin: world.time };
  const call = begin(scene);
  world.time++;
  return {
    due: call.due,
    end(found) {
      world.time++;
      const what = call.end(found);
      if (found.signal !== 0) leave(scene);
      return what;
    },
  };
}

function begin(scene: Scene): Call {
  const { action } = scene.step;
  switch (action.name) {
    case 'open': return open(scene, action);
    case 'close': return close(scene, action.fd);
    case 'fsync': return fsync(scene, action.fd);
    case 'read': return read(scene, { fd: action.fd, count: action.count, at: null });
    case 'pread': return read(scene, action);
    case 'write': return write(scene, { ...action, at: null });
    case 'pwrite': return write(scene, action);
    case 'lseek': return lseek(scene, action);
    case 'ftruncate': return ftruncate(scene, action);
    case 'fadvise': case 'readahead': return advise(scene, action);
    case 'mmap': return mmap(scene, action);
    case 'fork': return fork(scene, action.seat);
    case 'exit': return exactly(0, () => leave(scene));
    case 'sync': return sync(scene);
    case 'drop_caches': return exactly(0, () => dropped([...scene.world.files.values()]));
    case 'break': return breakBlock(scene, action);
    case 'heal': return exactly(0, () => heal(scene.world));
    case 'sleep': return exactly(0);
    default: return mapped(scene, action);
  }
}

// ---- descriptors ------------------------------------------------------------------------------------------------------

function lowestFd({ fds }: ModelProcess): number {
  let fd = 3;
  while (fds.has(fd)) fd++;
  return fd;
}

function open({ world, step, process }: Scene, { path, flags }: Action<'open'>): Call {
  const known = world.files.get(path);
  if (known === undefined && (flags & O.CREAT) === 0) return exactly(-ERROR.ENOENT);
  if (known !== undefined && (flags & O.CREAT) !== 0 && (flags & O.EXCL) !== 0) return exactly(-ERROR.EEXIST);
  const file = known ?? newFile(path, 0);
  world.files.set(path, file);
  if ((flags & O.TRUNC) !== 0) cutFile(world, file, 0, step.id);
  return exactly(lowestFd(process), opened);

  function opened(): void {
    process.fds.set(lowestFd(process), { file, position: 0, flags, users: 1 });
  }
}

function close(scene: Scene, from: From): Call {
  const fd = scene.fds.get(from.of) ?? -1;
  return scene.process.fds.has(fd) ? exactly(0, () => drop(scene.process, fd)) : exactly(-ERROR.EBADF);
}

function drop(process: ModelProcess, fd: number): void {
  process.fds.get(fd)!.users--;
  process.fds.delete(fd);
}

function lseek(scene: Scene, { fd, offset, whence }: Action<'lseek'>): Call {
  const opened = descriptionOf(scene, fd);
  if (opened === undefined) return exactly(-ERROR.EBADF);
  const base = [0, opened.position, opened.file.size][whence];
  if (base === undefined || base + offset < 0) return exactly(-ERROR.EINVAL);
  return exactly(base + offset, () => {
    opened.position = base + offset;
  });
}

function ftruncate(scene: Scene, { fd, length }: Action<'ftruncate'>): Call {
  if (length < 0) return exactly(-ERROR.EINVAL);
  const opened = descriptionOf(scene, fd);
  if (opened === undefined) return exactly(-ERROR.EBADF);
  if (!mayWrite(opened)) return exactly(-ERROR.EINVAL);
  cutFile(scene.world, opened.file, length, scene.step.id);
  return exactly(0);
}

function advise(scene: Scene, { name, fd, advice }: Action<'fadvise' | 'readahead'>): Call {
  const opened = descriptionOf(scene, fd);
  if (opened === undefined) return exactly(-ERROR.EBADF);
  if (name === 'readahead') return exactly(mayRead(opened) ? 0 : -ERROR.EBADF);
  if (advice < 0 || advice > FADV.NOREUSE) return exactly(-ERROR.EINVAL);
  return exactly(0, () => {
    if (advice === FADV.DONTNEED) dropped([opened.file]);
  });
}

// ---- reading and writing ----------------------------------------------------------------------------------------------

/** Pages of a file that a range touches, with what of each. */
function partsOf(at: number, count: number): { index: number; from: number; to: number }[] {
  const parts = [];
  for (let done = at; done < at + count;) {
    const from = done % PAGE;
    const to = Math.min(PAGE, from + at + count - done);
    parts.push({ index: Math.floor(done / PAGE), from, to });
    done += to - from;
  }
  return parts;
}

function read(scene: Scene, { fd, count, at }: { fd: From; count: number; at: number | null }): Call {
  if (at !== null && at < 0) return exactly(-ERROR.EINVAL);
  const opened = descriptionOf(scene, fd);
  if (opened === undefined || !mayRead(opened)) return exactly(-ERROR.EBADF);
  const { file } = opened;
  const position = at ?? opened.position;
  const due = Math.max(0, Math.min(count, file.size - position));
  const parts = partsOf(position, due);
  const pages = parts.map(({ index }) => pageOf(file, index));
  const { states, stop } = watch(pages);
  return {
    due,
    end({ result, bytes, signal }) {
      stop();
      if (signal !== 0) return `signal ${signal} in a read`;
      if (result !== due && !mayEndAt(file, position, result, due)) return `${result} bytes were read, ${due} are there`;
      if (result > 0 && at === null) opened.position += result;
      let done = 0;
      for (const [i, { index, from, to }] of parts.entries()) {
        const found = bytes?.subarray(done, Math.min(done + to - from, result)) ?? new Uint8Array(0);
        const what = found.length > 0 ? see(scene.world, pages[i]!, states[i]!, { found, from }) : null;
        if (what !== null) return `page ${index} of ${file.path}, from byte ${from} on: ${what}`;
        done += to - from;
      }
      return null;
    },
  };
}

/** A read may end early only before a page that cannot be read, or once could not. */
function mayEndAt(file: ModelFile, position: number, result: number, due: number): boolean {
  const done = result === -ERROR.EIO ? 0 : result;
  if (done < 0 || done >= due || result === 0) return false;
  const index = Math.floor((position + done) / PAGE);
  const isAtPage = done === 0 || (position + done) % PAGE === 0;
  return isAtPage && isBad(file, index);
}

interface Writing {
  fd: From;
  count: number;
  byte: number;
  at: number | null;
}

function write(scene: Scene, { fd, count, byte, at }: Writing): Call {
  if (at !== null && at < 0) return exactly(-ERROR.EINVAL);
  const opened = descriptionOf(scene, fd);
  if (opened === undefined || !mayWrite(opened)) return exactly(-ERROR.EBADF);
  const { world, step } = scene;
  const { file, flags } = opened;
  const position = (flags & O.APPEND) !== 0 ? file.size : at ?? opened.position;
  const parts = partsOf(position, count);
  const isSync = (flags & O.SYNC) !== 0 && count > 0;
  const before = file.size;
  for (const { index } of parts) pageOf(file, index);
  const due = dueOf(world, file, parts.map(({ index }) => index));
  for (const { index, from, to } of parts) {
    beginChange(pageOf(file, index), { id: step.id, time: world.time, place: 'block', change: (bytes) => filled(bytes, from, to, byte) });
    setSize(world, file, Math.max(file.size, index * PAGE + to));
  }
  return {
    due: count,
    end(found) {
      const { result } = found;
      const isUntold = isSync && result === -ERROR.EIO && file.wasBroken;
      if (found.signal !== 0) return `signal ${found.signal} in a write`;
      if (result !== count && !isUntold && !mayEndAt(file, position, result, count)) return `${result} bytes were written of ${count}`;
      const end = isUntold ? sureEnd(file, parts, position + count) : position + Math.max(0, result);
      for (const part of parts) endPart(scene, file, part, end);
      setSize(world, file, isUntold ? found.size : Math.max(before, end > position ? end : 0));
      if (at === null) opened.position = result < 0 ? found.position : movedTo(opened, result, end);
      return isSync ? syncedPages(world, due, step.id, result) : null;
    },
  };
}

/** Where an open file stands after a write. One that failed may have moved it: to the end with O_APPEND, with O_SYNC behind what was written. */
function movedTo({ position, flags, file }: Description, result: number, end: number): number {
  if (result === 0) return position;
  return (flags & O.APPEND) !== 0 ? file.size : end;
}

/** What an O_SYNC write that fails has surely written: all, or what comes before a page that could not be read. */
function sureEnd(file: ModelFile, parts: ReturnType<typeof partsOf>, end: number): number {
  const bad = parts.find(({ index }) => isBad(file, index));
  return bad === undefined ? end : bad.index * PAGE + bad.from;
}

/** The part of a write that is one page's has happened, unless the write ended before; then it may have, as far as anybody knows. */
function endPart({ world, step }: Scene, file: ModelFile, { index, to }: { index: number; to: number }, end: number): void {
  const page = pageOf(file, index);
  if (index * PAGE + to <= end) endChange(page, step.id, world.time, 'write');
  else endChangePerhaps(page, step.id);
}

// ---- processes --------------------------------------------------------------------------------------------------------

/** `result` is 0 where the child came to be. Shared mappings of it have no entries yet; what the parent has stored stays the parent's. */
function fork({ world, process }: Scene, seat: number): Call {
  return exactly(0, () => {
    for (const opened of process.fds.values()) opened.users++;
    const maps = new Map([...process.maps].map(([id, mapping]) => [id, { ...mapping, own: copies(mapping), stored: new Set<number>() }]));
    world.processes[seat] = { fds: new Map(process.fds), maps };
  });
}

function copies({ own }: Mapping): Mapping['own'] {
  return new Map([...own].map(([index, page]) => [index, pageIn(page.now)]));
}

/** The end of a process, whoever ended it. */
function leave(scene: Scene): void {
  const { world, step, process } = scene;
  for (const of of [...process.maps.keys()]) unmap(scene, of);
  for (const fd of [...process.fds.keys()]) drop(process, fd);
  world.processes[step.seat] = null;
}
