// Open files and the tables of descriptors that name them (fs/file_table.c, fs/open.c, include/linux/file.h).
//
//   task.files[fd] ── file ── inode         a descriptor holds a reference to its file, as mappings do; fork copies the table, and both tables then
//                                           name the same files: their position too is the same
//
// Descriptors 0, 1 and 2 are a terminal's in every process. Nothing here has one: they are never given out, and lead nowhere (-EBADF).
//
// Left out: the memory of struct file (the cache filp) and of tables of more than 32 descriptors; tables that threads share; close-on-exec; the limit
// of the whole system (fs.file-max, -ENFILE); locks, leases and notification.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { task_struct } from '../include/sched.ts';
import type { file } from '../include/mm_types.ts';
import { EMFILE } from '../include/errno.ts';
import { FMODE_WRITE } from '../include/mm_types.ts';
import { cond_resched, current_task } from '../kernel/sched.ts';
import { file_of, get_file, inode_of } from '../mm/mm_struct.ts';
import { iput } from './inode.ts';
import { put_write_access } from './namei.ts';

/** The first descriptor that open gives out. */
const FIRST_FD = 3;
/** RLIMIT_NOFILE as init has it: descriptors are below it. */
const RLIMIT_NOFILE = 1024;

/** The open file of a descriptor of the running task, with a reference for the caller, or null (fs/file_table.c:fget). */
export function fget(k: Kernel, fd: number): file | null {
  const id = current_task(k).files[fd] ?? 0;
  if (id === 0) return null;
  const file = file_of(k, id);
  get_file(file);
  return file;
}

/** Drops a reference to an open file; the last one closes it (fs/file_table.c:fput). */
export function* fput(k: Kernel, file: file): Generator<Wait, void, void> {
  file.f_count--;
  if (file.f_count === 0) yield* __fput(k, file);
}

/** Nobody has the file open or mapped any more. */
function* __fput(k: Kernel, file: file): Generator<Wait, void, void> {
  const inode = inode_of(k, file.f_inode);
  if ((file.f_mode & FMODE_WRITE) !== 0) put_write_access(inode);
  k.files[file.id] = null;
  k.free_ids.files.push(file.id);
  yield* iput(k, inode);
}

// ---- descriptors ------------------------------------------------------------------------------------------------------

/** The lowest descriptor that the running task has to give, or -EMFILE (fs/open.c:get_unused_fd). Nobody else can take it meanwhile. */
export function get_unused_fd(k: Kernel): number {
  const { files } = current_task(k);
  let fd = FIRST_FD;
  while (fd < files.length && files[fd] !== 0) fd++;
  return fd < RLIMIT_NOFILE ? fd : -EMFILE;
}

/** The descriptor names the file from now on, and has the caller's reference (fs/open.c:fd_install). */
export function fd_install(k: Kernel, fd: number, file: file): void {
  current_task(k).files[fd] = file.id;
}

/** Closes a file as a descriptor had it open; 0 (fs/open.c:filp_close). None of our file systems has anything to do then (f_op->flush). */
export function* filp_close(k: Kernel, file: file): Generator<Wait, number, void> {
  yield* fput(k, file);
  return 0;
}

/** A child has the same files open as its parent, and shares them (kernel/fork.c:copy_files). */
export function dup_fd(k: Kernel, child: task_struct, parent: task_struct): void {
  child.files = [...parent.files];
  for (const id of child.files) if (id !== 0) get_file(file_of(k, id));
}

/** Closes all that a task has open (kernel/exit.c:exit_files, close_files). */
export function* exit_files(k: Kernel, task: task_struct): Generator<Wait, void, void> {
  for (let fd = 0; fd < task.files.length; fd++) {
    const id = task.files[fd]!;
    if (id === 0) continue;
    task.files[fd] = 0;
    yield* filp_close(k, file_of(k, id));
    yield* cond_resched(k);
  }
  task.files = [0, 0, 0];
}
