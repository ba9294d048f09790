// What a call promises of the disk: fsync, O_SYNC, sync, msync. Each brings there what was known to be dirty when it began, or tells of an error; an
// error is told once, and what has failed is forgotten: it stays in memory until the page goes. And disks that break.

import type { Action, Call, Scene } from './file-call.ts';
import { ERROR, descriptionOf, exactly } from './file-call.ts';
import type { FilePage, Mark } from './file-pages.ts';
import { acknowledge, forget, loseTail, mayBeReadAgain } from './file-pages.ts';
import type { From } from './file-steps.ts';
import type { FileWorld, ModelFile } from './file-world.ts';
import { acknowledgeSize } from './file-world.ts';

/** What of a file an fsync that begins now must bring to the disk. */
export interface Due {
  file: ModelFile;
  pages: { index: number; page: FilePage; marks: readonly Mark[] }[];
  time: number;
}

export function dueOf(world: FileWorld, file: ModelFile, only: readonly number[] | null = null): Due {
  const all = [...file.pages].map(([index, page]) => ({ index, page, marks: [...page.marks] }));
  return { file, pages: only === null ? all : all.filter(({ index }) => only.includes(index)), time: world.time };
}

/** Whether a write of what is due must have failed: it goes to a block that has been broken since before it became dirty. */
function mustFail({ file, pages }: Due): boolean {
  return pages.some(({ index, marks }) => {
    const broken = file.broken.get(index);
    return broken !== undefined && broken.mode !== 'read' && marks.some(({ begin, kind }) => kind !== 'cut' && begin >= broken.since && begin > file.toldAt);
  });
}

/** It was said that what was due is on the disk. */
function acknowledged(world: FileWorld, { file, pages, time }: Due): void {
  for (const { page, marks } of pages) {
    // What became known while somebody was told of an error may be what has failed.
    const sure = marks.filter(({ begin }) => begin > file.toldAt);
    loseTail(page, sure, world.time);
    acknowledge(page, sure);
    forget(page, marks);
  }
  acknowledgeSize(file, time);
}

/** What was due may be there or not, and no error will be told any more. */
function failed(world: FileWorld, { file, pages }: Due): void {
  file.toldAt = world.time;
  for (const { page, marks } of pages) forget(page, marks);
}

/** How an O_SYNC write has ended: `due` is what was known of its pages when it began. What is wrong with that, or null. */
export function syncedPages(world: FileWorld, due: Due, id: number, result: number): string | null {
  const pages = due.pages.map(({ index, page, marks }) => ({ index, page, marks: [...marks, ...page.marks.filter((mark) => mark.id === id)] }));
  const all: Due = { ...due, pages, time: world.time - 1 };
  if (result < 0) failed(world, dueOf(world, due.file));
  else if (mustFail(all)) return `an O_SYNC write of ${due.file.path} says ${result}, it has failed`;
  else acknowledged(world, all);
  return null;
}

export function fsync(scene: Scene, from: From): Call {
  const opened = descriptionOf(scene, from);
  return opened === undefined ? exactly(-ERROR.EBADF) : syncing(scene.world, opened.file);
}

/** What mappings have stored in a page, and that is known as soon as the call ends that is about to say so. */
export interface KnownStore {
  page: FilePage;
  mark: Mark;
}

/** The call has ended. */
export function becomeKnown(world: FileWorld, stores: readonly KnownStore[]): void {
  for (const { page, mark } of stores) {
    mark.end = world.time;
    page.marks.push(mark);
  }
}

/** Brings a file to the disk, with what the call itself makes known before. */
export function syncing(world: FileWorld, file: ModelFile, known: readonly KnownStore[] = []): Call {
  const { pages, ...rest } = dueOf(world, file);
  const ofPage = (page: FilePage): Mark[] => known.filter((store) => store.page === page).map(({ mark }) => mark);
  const due: Due = { ...rest, pages: pages.map(({ index, page, marks }) => ({ index, page, marks: [...marks, ...ofPage(page)] })) };
  return {
    due: file.wasBroken ? null : 0,
    end({ result, signal }) {
      becomeKnown(world, known);
      if (signal !== 0 || (result !== 0 && !(result === -ERROR.EIO && file.wasBroken))) return `fsync of ${file.path}: ${result}, signal ${signal}`;
      if (result === 0 && mustFail(due)) return `fsync of ${file.path} says 0, a write of it has failed`;
      if (result === 0) acknowledged(world, due);
      else failed(world, due);
      return null;
    },
  };
}

/** sync tells nobody of errors. */
export function sync({ world }: Scene): Call {
  const all = [...world.files.values()].map((file) => dueOf(world, file));
  return exactly(0, () => {
    for (const due of all) {
      if (due.file.wasBroken) failed(world, due);
      else acknowledged(world, due);
    }
  });
}

/** Pages may have left the memory. Of those of which no write has failed the disk has all; others may be read again as they were before. */
export function dropped(files: readonly ModelFile[]): void {
  for (const file of files) for (const index of file.spoilt) if (file.pages.has(index)) mayBeReadAgain(file.pages.get(index)!);
}

/** `result` is 1 where the file has a block there. */
export function breakBlock({ world }: Scene, { path, page, mode }: Action<'break'>): Call {
  return {
    due: null,
    end({ result }) {
      const file = world.files.get(path);
      if (file === undefined || result === 0) return null;
      file.wasBroken = true;
      file.broken.set(page, { mode, since: world.time });
      file.spoilt.add(page);
      return null;
    },
  };
}

/** Blocks are whole again. What has failed before is still to be told of. */
export function heal(world: FileWorld): void {
  for (const file of world.files.values()) file.broken.clear();
}
