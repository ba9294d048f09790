// /proc/PID/maps and smaps as records (KERNEL.md PR-6, PR-7), and what the kernel must have had for such a line: the flags of its VMA (T-5).

import {
  VM_ACCOUNT, VM_DENYWRITE, VM_EXEC, VM_EXECUTABLE, VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_READ, VM_SHARED, VM_WRITE,
} from '../../engine/include/mm_types.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';

/** Figures of one smaps section, kB. */
export interface Figures {
  rss: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
}

/** One line of maps: bytes; `offset` as it is printed, `dev` as `03:00`. */
export interface Area {
  start: number;
  end: number;
  perms: string;
  offset: number;
  dev: string;
  ino: number;
  path: string;
  /** What smaps says besides; null where only maps is known. */
  figures: Figures | null;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) ([r-][w-][x-][ps]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/;
const FIGURE = /^(Rss|Shared_Clean|Shared_Dirty|Private_Clean|Private_Dirty): +(\d+) kB$/;
const FIELDS: Readonly<Record<string, keyof Figures>> = {
  Rss: 'rss', Shared_Clean: 'sharedClean', Shared_Dirty: 'sharedDirty', Private_Clean: 'privateClean', Private_Dirty: 'privateDirty',
};

/** The areas of a maps or smaps text, ascending. */
export function parseMaps(text: string): Area[] {
  const areas: Area[] = [];
  for (const line of text.split('\n')) {
    const m = LINE.exec(line);
    if (m) areas.push(areaOf(m));
    const figure = FIGURE.exec(line);
    const area = areas.at(-1);
    if (!figure || !area) continue;
    area.figures ??= { rss: 0, sharedClean: 0, sharedDirty: 0, privateClean: 0, privateDirty: 0 };
    area.figures[FIELDS[figure[1]!]!] = Number(figure[2]);
  }
  return areas;
}

function areaOf(m: RegExpExecArray): Area {
  return {
    start: parseInt(m[1]!, 16), end: parseInt(m[2]!, 16), perms: m[3]!, offset: parseInt(m[4]!, 16), dev: m[5]!, ino: Number(m[6]), path: m[7]!,
    figures: null,
  };
}

/** Memory of no file. */
export function isAnonymous(area: Area): boolean {
  return area.ino === 0;
}

/** Shared memory of no file that has a name: its inode is the kernel's own. */
export function isSharedMemory(area: Area): boolean {
  return !isAnonymous(area) && area.path.startsWith('/dev/zero');
}

export function pagesOf(area: Area): number {
  return (area.end - area.start) / PAGE_SIZE;
}

/** Flags of the VMA behind a line. What a line does not show is as mmap, brk and exec make it: private memory that may be written is accounted for,
 *  a program's own text and data deny others to write the file. */
export function flagsOf(area: Area): number {
  const [read, write, exec, share] = [...area.perms];
  let flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if (read === 'r') flags |= VM_READ;
  if (write === 'w') flags |= VM_WRITE;
  if (exec === 'x') flags |= VM_EXEC;
  if (share === 's') flags |= VM_SHARED | VM_MAYSHARE;
  if (share === 'p' && write === 'w') flags |= VM_ACCOUNT;
  if (area.path === '[stack]') flags |= VM_GROWSDOWN;
  return isProgram(area) ? flags | VM_DENYWRITE | VM_EXECUTABLE : flags;
}

/** Text or data of the program: a private mapping of a file that may be executed or written. */
export function isProgram(area: Area): boolean {
  return !isAnonymous(area) && area.perms[3] === 'p' && (area.perms[1] === 'w' || area.perms[2] === 'x');
}
