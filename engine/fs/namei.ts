// Names of files, and who may have a file open to write it (fs/namei.c, include/linux/fs.h).
//
//   i_writecount     0           nobody writes it, nobody runs it
//                    n > 0       n open files that may write: nobody can run it (deny_write_access gives -ETXTBSY)
//                    n < 0       -n mappings of a running program, or execs under way: nobody can open it to write (get_write_access gives it)
//
// k.dcache knows every name there is. Directories are what names have in common, and no files: opening one gives -EISDIR, also to read, and none is
// missing where a file is made. Paths are absolute; `.`, `..`, links, mounts, and with them -ENAMETOOLONG, -ELOOP and -EXDEV are left out. Owners and
// modes are not modelled: everybody may do everything, as far as permissions go (no -EACCES).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { inode } from '../include/mm_types.ts';
import { EEXIST, EISDIR, ENOENT, ENOTDIR, ETXTBSY } from '../include/errno.ts';
import { O_CREAT, O_EXCL, O_TRUNC } from '../include/fs.ts';
import { inode_of } from '../mm/mm_struct.ts';
import { flat_create } from './flat.ts';
import { do_truncate } from './open.ts';

/** The inode of a path, or -ENOENT, -ENOTDIR where a file stands in the path's midst, -EISDIR (fs/namei.c:path_lookup). */
export function path_lookup(k: Kernel, path: string): inode | number {
  const ino = k.dcache.get(path);
  if (ino !== undefined) return inode_of(k, ino);
  if (!path.startsWith('/')) return -ENOENT;
  const directory = path.endsWith('/') ? path : `${path}/`;
  for (const known of k.dcache.keys()) {
    if (path.startsWith(`${known}/`)) return -ENOTDIR;
    if (known.startsWith(directory)) return -EISDIR;
  }
  return -ENOENT;
}

/** The inode to open: found, or made where O_CREAT asks for it, and emptied where O_TRUNC does; or a negative error (fs/namei.c:open_namei). */
export function* open_namei(k: Kernel, path: string, flags: number): Generator<Wait, inode | number, void> {
  const found = path_lookup(k, path);
  if (found === -ENOENT && (flags & O_CREAT) !== 0 && is_name_of_file(path)) {
    const made = yield* flat_create(k, path);
    return made;
  }
  if (typeof found === 'number') return found;
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
  const error = yield* may_open(k, found, flags);
  return error === 0 ? found : error;
}

function is_name_of_file(path: string): boolean {
  return path.startsWith('/') && !path.endsWith('/');
}

/** What is to be done with an existing file before it is open: O_TRUNC takes away all it holds, whatever it is opened for (fs/namei.c:may_open). */
function* may_open(k: Kernel, inode: inode, flags: number): Generator<Wait, number, void> {
  if ((flags & O_TRUNC) === 0) return 0;
  let error = get_write_access(inode);
  if (error !== 0) return error;
  error = yield* do_truncate(k, inode, 0);
  put_write_access(inode);
  return error;
}

// ---- writers and programs ---------------------------------------------------------------------------------------------

/** Whether nobody may open the file to write it. */
export function is_being_run(inode: inode): boolean {
  return inode.i_writecount < 0;
}

/** One more who may write the file: 0, or -ETXTBSY where it is being run (fs/namei.c:get_write_access). open_inode counts those who have it open. */
export function get_write_access(inode: inode): number {
  if (is_being_run(inode)) return -ETXTBSY;
  inode.i_writecount++;
  return 0;
}

export function put_write_access(inode: inode): void {
  inode.i_writecount--;
}

/** Nobody may open the file to write it from now on: 0, or -ETXTBSY where somebody has (fs/namei.c:deny_write_access). */
export function deny_write_access(inode: inode): number {
  if (inode.i_writecount > 0) return -ETXTBSY;
  inode.i_writecount--;
  return 0;
}

export function allow_write_access(inode: inode): void {
  inode.i_writecount++;
}
