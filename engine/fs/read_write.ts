// read, write and lseek (fs/read_write.c; KERNEL.md FM-4, FM-5). The work is the page cache's: generic_file_read, generic_file_write.
//
// Two tasks that read through one open file at once, as after a fork, both begin where it stood: f_pos is read before and set after, also where
// nothing was read, and nobody holds it meanwhile (2.6.18 does no different). Left out: vectors of buffers, files that cannot be sought in, mandatory
// locks, RLIMIT_FSIZE.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode } from '../include/mm_types.ts';
import type { VirtAddr } from '../include/types.ts';
import { EBADF, EFAULT, EINVAL } from '../include/errno.ts';
import { MAX_LFS_FILESIZE, SEEK_CUR, SEEK_END, SEEK_SET } from '../include/fs.ts';
import { FMODE_READ, FMODE_WRITE } from '../include/mm_types.ts';
import { mutex_lock, mutex_unlock } from '../kernel/mutex.ts';
import { generic_file_read } from '../mm/filemap_read.ts';
import { generic_file_write } from '../mm/filemap_write.ts';
import { inode_of } from '../mm/mm_struct.ts';
import { access_ok } from '../mm/user_memory.ts';
import { fget, fput } from './file_table.ts';

/** No call moves more bytes at once: as many whole pages as an int has room for. */
const MAX_RW_COUNT = 0x7ffff000;

/** Reads bytes into the process's memory from where the file stands, which moves on: how many, 0 at its end; -EBADF, -EFAULT, -EINVAL, -EIO,
 *  -ENOMEM. */
export function* sys_read(k: Kernel, fd: number, buf: VirtAddr, count: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  const pos = file.f_pos;
  const ret = yield* vfs_read(k, file, buf, count, pos);
  file.f_pos = pos + Math.max(0, ret);
  yield* fput(k, file);
  return ret;
}

/** Writes bytes of the process's memory from where the file stands, with O_APPEND at its end: how many; errors as sys_read, and -ENOSPC, -EFBIG. */
export function* sys_write(k: Kernel, fd: number, buf: VirtAddr, count: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  const at = { pos: file.f_pos };
  const ret = yield* vfs_write(k, file, buf, count, at);
  file.f_pos = at.pos;
  yield* fput(k, file);
  return ret;
}

/** The same as sys_read from a place of its own; the file's stays. -EINVAL before its start. */
export function* sys_pread64(k: Kernel, fd: number, buf: VirtAddr, count: number, pos: number): Generator<Wait, number, void> {
  if (pos < 0) return -EINVAL;
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  const ret = yield* vfs_read(k, file, buf, count, pos);
  yield* fput(k, file);
  return ret;
}

/** The same as sys_write to a place of its own; but O_APPEND writes at the end here too. */
export function* sys_pwrite64(k: Kernel, fd: number, buf: VirtAddr, count: number, pos: number): Generator<Wait, number, void> {
  if (pos < 0) return -EINVAL;
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  const ret = yield* vfs_write(k, file, buf, count, { pos });
  yield* fput(k, file);
  return ret;
}

/** Sets where the file stands, from its start, from there or from its end: the new place, or -EBADF, -EINVAL. Past the end is allowed. */
export function* sys_lseek(k: Kernel, fd: number, offset: number, origin: number): Generator<Wait, number, void> {
  const file = fget(k, fd);
  if (file === null) return -EBADF;
  let ret = -EINVAL;
  if (origin === SEEK_SET || origin === SEEK_CUR || origin === SEEK_END) ret = yield* generic_file_llseek(k, file, offset, origin);
  yield* fput(k, file);
  return ret;
}

// ---- of any open file -------------------------------------------------------------------------------------------------

/** Reads from a place of a file that is open to read (fs/read_write.c:vfs_read). */
export function* vfs_read(k: Kernel, file: file, buf: VirtAddr, count: number, pos: number): Generator<Wait, number, void> {
  const error = may_access(k, file, FMODE_READ, { buf, count, pos });
  if (error !== 0) return error;
  const ret = yield* generic_file_read(k, file, buf, Math.min(count, MAX_RW_COUNT), pos);
  return ret;
}

/** Writes to a place of a file that is open to write; `at` moves on, with O_APPEND from the file's end (fs/read_write.c:vfs_write). */
export function* vfs_write(k: Kernel, file: file, buf: VirtAddr, count: number, at: { pos: number }): Generator<Wait, number, void> {
  const error = may_access(k, file, FMODE_WRITE, { buf, count, pos: at.pos });
  if (error !== 0) return error;
  const ret = yield* generic_file_write(k, file, buf, Math.min(count, MAX_RW_COUNT), at.pos, at);
  return ret;
}

/** The way it is open, the memory, and the part of the file, in that order (access_ok, rw_verify_area). */
function may_access(k: Kernel, file: file, mode: number, { buf, count, pos }: { buf: VirtAddr; count: number; pos: number }): number {
  if ((file.f_mode & mode) === 0) return -EBADF;
  if (count < 0) return -EINVAL;
  if (!access_ok(k, buf, count)) return -EFAULT;
  return pos < 0 || pos + count > Number.MAX_SAFE_INTEGER ? -EINVAL : 0;
}

/** Waits for who writes to the file, so that its end is where it says (fs/read_write.c:generic_file_llseek). */
function* generic_file_llseek(k: Kernel, file: file, offset: number, origin: number): Generator<Wait, number, void> {
  const inode = inode_of(k, file.f_inode);
  yield* mutex_lock(k, inode.i_mutex, `${inode.path}'s i_mutex`);
  const pos = offset + origin_of(file, inode, origin);
  const is_valid = pos >= 0 && pos <= MAX_LFS_FILESIZE;
  if (is_valid) file.f_pos = pos;
  mutex_unlock(k, inode.i_mutex);
  return is_valid ? pos : -EINVAL;
}

function origin_of(file: file, inode: inode, origin: number): number {
  if (origin === SEEK_CUR) return file.f_pos;
  return origin === SEEK_END ? inode.size : 0;
}
