// open, close and ftruncate (fs/open.c).
//
//   sys_open → do_filp_open → open_namei, __dentry_open → fd_install
//   sys_ftruncate → do_truncate → inode_setattr → vmtruncate
//
// Of the flags O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_SYNC and the three ways to open act; others are ignored. O_DIRECT is refused, as for a file
// system whose a_ops have no direct_IO. Every open is that of a program built for large files (O_LARGEFILE). Permissions are not modelled
// (fs/namei.ts).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode } from '../include/mm_types.ts';
import { EBADF, EINVAL, ETXTBSY } from '../include/errno.ts';
import { O_ACCMODE, O_CREAT, O_DIRECT, O_EXCL, O_TRUNC } from '../include/fs.ts';
import { FMODE_WRITE } from '../include/mm_types.ts';
import { mutex_lock, mutex_unlock } from '../kernel/mutex.ts';
import { current_task } from '../kernel/sched.ts';
import { file_of, inode_of, open_inode } from '../mm/mm_struct.ts';
import { fd_install, fget, filp_close, fput, get_unused_fd } from './file_table.ts';
import { inode_setattr } from './inode.ts';
import { is_being_run, open_namei } from './namei.ts';

/** Opens a file of an absolute path: its descriptor, or -ENOENT, -EEXIST, -EISDIR, -ENOTDIR, -EMFILE, -ETXTBSY, -EINVAL for O_DIRECT; for a new file
 *  -EROFS where the machine has no disk, -ENOSPC. */
export function* sys_open(k: Kernel, path: string, flags: number): Generator<Wait, number, void> {
  const fd = get_unused_fd(k);
  if (fd < 0) return fd;
  const opened = yield* do_filp_open(k, path, flags);
  if (typeof opened === 'number') return opened;
  fd_install(k, fd, opened);
  return fd;
}

/** Gives a descriptor back: 0, or -EBADF. */
export function* sys_close(k: Kernel, fd: number): Generator<Wait, number, void> {
  const { files } = current_task(k);
  const id = files[fd] ?? 0;
  if (id === 0) return -EBADF;
  files[fd] = 0;
  const error = yield* filp_close(k, file_of(k, id));
  return error;
}

/** An open file, or a negative error (fs/open.c:do_filp_open). */
export function* do_filp_open(k: Kernel, path: string, flags: number): Generator<Wait, file | number, void> {
  const inode = yield* open_namei(k, path, flags);
  return typeof inode === 'number' ? inode : __dentry_open(k, inode, flags);
}

/** Opens what a path led to: O_RDONLY, O_WRONLY and O_RDWR become the bits of f_mode, and 3 neither of them (fs/open.c:__dentry_open). */
function __dentry_open(k: Kernel, inode: inode, flags: number): file | number {
  const f_mode = (flags + 1) & O_ACCMODE;
  if ((f_mode & FMODE_WRITE) !== 0 && is_being_run(inode)) return -ETXTBSY;
  if ((flags & O_DIRECT) !== 0) return -EINVAL;
  return open_inode(k, inode, f_mode, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
}

// ---- sizes ------------------------------------------------------------------------------------------------------------

/** Makes an open file as long as `length` says; what is new in it reads as zeroes. 0, -EBADF, -EINVAL where it is not open to write or the length is
 *  below 0, -EFBIG. */
export function* sys_ftruncate(k: Kernel, fd: number, length: number): Generator<Wait, number, void> {
  if (length < 0) return -EINVAL;
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  let error = -EINVAL;
  if ((file.f_mode & FMODE_WRITE) !== 0) error = yield* do_truncate(k, inode_of(k, file.f_inode), length);
  yield* fput(k, file);
  return error;
}

/** Gives a file a new size while nobody writes to it: 0, or a negative error (fs/open.c:do_truncate). */
export function* do_truncate(k: Kernel, inode: inode, length: number): Generator<Wait, number, void> {
  yield* mutex_lock(k, inode.i_mutex, `${inode.path}'s i_mutex`);
  const error = yield* inode_setattr(k, inode, length);
  mutex_unlock(k, inode.i_mutex);
  return error;
}
