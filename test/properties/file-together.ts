// Which calls may be under way at once, as far as the model can follow: those that leave it open which bytes of a page come last, but not how long a
// file is, where an open file stands, or which page is whose.

import type { FileAction, FileStep, From } from './file-steps.ts';
import { PAGE } from './file-pages.ts';
import type { Description, FileWorld, ModelFile, ModelProcess } from './file-world.ts';
import { O } from './file-world.ts';

/** What a call does, for who else is at work. */
interface Use {
  file: ModelFile | 'every' | null;
  /** `look`: nothing changes, or is promised; `write`: bytes change; `shape`: the file's size does, or whose its pages are, and nobody else may be
   *  there. */
  how: 'look' | 'write' | 'shape' | 'none';
  /** The open file whose position it moves. */
  moves: Description | null;
  /** Nothing else may be under way at all. */
  isAlone: boolean;
}

const NONE: Use = { file: null, how: 'none', moves: null, isAlone: false };

/** Whether calls of different processes may be under way at once. */
export function areApart(world: FileWorld, steps: readonly FileStep[], fds: ReadonlyMap<number, number>): boolean {
  const uses = steps.map((step) => useOf(world, step, fds));
  return uses.every((use, i) => uses.slice(0, i).every((other) => isApart(use, other)));
}

function isApart(one: Use, other: Use): boolean {
  if (one.isAlone || other.isAlone) return false;
  if (one.moves !== null && one.moves === other.moves) return false;
  if (one.how === 'none' || other.how === 'none') return true;
  if (one.file !== other.file && one.file !== 'every' && other.file !== 'every') return true;
  return one.how !== 'shape' && other.how !== 'shape';
}

function useOf(world: FileWorld, { seat, action }: FileStep, fds: ReadonlyMap<number, number>): Use {
  const process = world.processes[seat] ?? null;
  if (process === null) return NONE;
  switch (action.name) {
    case 'open': return openUse(world, action);
    case 'fork': case 'exit': case 'break': case 'heal': return { ...NONE, isAlone: true };
    case 'load': case 'store': case 'munmap': case 'msync': case 'madvise': return mapUse(process, action);
    case 'sync': return { ...NONE, file: 'every', how: 'look', isAlone: [...world.files.values()].some(({ wasBroken }) => wasBroken) };
    case 'drop_caches': case 'sleep': return NONE;
    default: return fdUse(process.fds.get(fds.get(action.fd.of) ?? -1), action);
  }
}

/** A file that may be made or emptied is nobody else's meanwhile. */
function openUse(world: FileWorld, { path, flags }: Extract<FileAction, { name: 'open' }>): Use {
  const file = world.files.get(path) ?? null;
  if (file === null) return { ...NONE, isAlone: (flags & O.CREAT) !== 0 };
  return { ...NONE, file, how: (flags & O.TRUNC) !== 0 ? 'shape' : 'none' };
}

function mapUse(process: ModelProcess, action: Extract<FileAction, { map: From }>): Use {
  const mapping = process.maps.get(action.map.of);
  if (mapping === undefined) return NONE;
  const { file, isShared, first } = mapping;
  if (action.name === 'load') return { ...NONE, file, how: 'look' };
  if (action.name === 'msync') return { ...NONE, file, how: syncing(file) };
  if (action.name !== 'store') return { ...NONE, file, how: 'none' };
  const isInside = first * PAGE + action.offset < file.size;
  return { ...NONE, file, how: isShared && isInside ? 'write' : 'shape' };
}

/** Of an error only one is told who syncs a file. */
function syncing({ wasBroken }: ModelFile): Use['how'] {
  return wasBroken ? 'shape' : 'look';
}

function fdUse(opened: Description | undefined, action: Extract<FileAction, { fd: From }>): Use {
  if (opened === undefined) return NONE;
  const { file, flags, position } = opened;
  const moves = 'at' in action ? null : opened;
  switch (action.name) {
    case 'fsync': return { ...NONE, file, how: syncing(file) };
    case 'read': case 'pread': case 'lseek': return { ...NONE, file, how: 'look', moves };
    case 'write': case 'pwrite': {
      const at = action.name === 'pwrite' ? action.at : position;
      const isInside = (flags & O.APPEND) === 0 && at + action.count <= file.size && !file.wasBroken;
      return { ...NONE, file, how: isInside ? 'write' : 'shape', moves };
    }
    case 'ftruncate': return { ...NONE, file, how: 'shape' };
    default: return { ...NONE, file, how: 'none' };
  }
}
