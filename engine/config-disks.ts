// @nohooks
// What is wrong with the disks of a machine's description, and with the files on them.

import type { FileConfig } from './config-types.ts';
import type { DiskConfig, fail_range } from './include/blkdev.ts';
import { MAX_LFS_FILESIZE } from './include/fs.ts';
import { PAGE_SIZE } from './include/types.ts';

/** Everything that keeps disks from being what they are said to be; empty when they can. */
export function disk_problems(disks: readonly DiskConfig[]): string[] {
  const names = disks.map(({ name }) => name);
  return disks.flatMap(({ name, seek, bandwidth, blocks, fail_read, fail_write }, i) => [
    ...(name === '' ? ['A disk has a name.'] : []),
    ...(names.indexOf(name) < i ? [`There are two disks ${name}.`] : []),
    ...(is_amount(seek) ? [] : [`seek of ${name} is a time, 0 or more.`]),
    ...(bandwidth > 0 && bandwidth < Infinity ? [] : [`bandwidth of ${name} is more than 0.`]),
    ...(Number.isSafeInteger(blocks) && blocks > 0 ? [] : [`${name} has 1 block or more, of 4 KiB.`]),
    ...([...fail_read, ...fail_write].every(is_range) ? [] : [`fail of ${name} takes START .. END with END above START.`]),
  ]);
}

/** The same for files: where they lie, and whether there is room for them. */
export function file_problems(files: readonly FileConfig[], disks: readonly DiskConfig[]): string[] {
  const paths = files.map(({ path }) => path);
  const each = files.flatMap(({ path, size, disk }, i) => [
    ...(is_path(path) ? [] : [`A file's path begins with / and ends with a name, and has neither // nor . nor .. in it: ${path}`]),
    ...(paths.indexOf(path) < i ? [`There are two files ${path}.`] : []),
    ...(Number.isSafeInteger(size) && size >= 0 && size <= MAX_LFS_FILESIZE ? [] : [`The size of ${path} takes a number from 0 to ${MAX_LFS_FILESIZE}.`]),
    ...(disks.some(({ name }) => name === disk) ? [] : [`${path} is on a disk ${disk}, which the machine does not have.`]),
    ...paths.filter((other) => other.startsWith(`${path}/`)).map((other) => `${path} is a file, so ${other} cannot be in it.`),
  ]);
  return [...each, ...disks.flatMap((disk) => room_problems(disk, files))];
}

function room_problems({ name, blocks }: DiskConfig, files: readonly FileConfig[]): string[] {
  const needed = files.filter(({ disk }) => disk === name).reduce((sum, { size }) => sum + Math.ceil(size / PAGE_SIZE), 0);
  return needed > blocks ? [`The files on ${name} need ${needed} blocks of 4 KiB; it has ${blocks}.`] : [];
}

function is_amount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function is_range({ start, end }: fail_range): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end > start;
}

function is_path(path: string): boolean {
  const names = path.split('/');
  return names.length > 1 && names[0] === '' && names.slice(1).every((name) => name !== '' && name !== '.' && name !== '..');
}
