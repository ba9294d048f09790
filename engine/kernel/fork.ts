// Tasks with an address space of their own: what fork copies (kernel/fork.c; KERNEL.md F-11, CC-11), and the last user of an address space.
//
//   do_fork ── copy_process ─┬─ dup_task_struct         struct pid, task_struct, kernel stack
//                            ├─ copy_files … signal     an object each; dup_fd: the parent's open files, shared
//                            └─ copy_mm ── dup_mm ── dup_mmap ── copy_page_range, a VMA at a time
//
// The program's position is the caller's: do_fork takes that of the child as data. Left out: clone() and threads (no two tasks share an address
// space), namespaces, keys, the vfork() of exec.

import type { Kernel } from '../kernel.ts';
import type { Wait } from './sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { task_memory, task_struct } from '../include/sched.ts';
import { EAGAIN, EINTR, ENOMEM } from '../include/errno.ts';
import { GFP_KERNEL } from '../include/gfp.ts';
import { VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED } from '../include/mm_types.ts';
import { virt } from '../include/types.ts';
import { is_x86_64 } from '../arch/address.ts';
import { pgd_alloc, pgd_free } from '../arch/pgalloc.ts';
import { flush_tlb_mm, leave_mm } from '../arch/tlb.ts';
import { dup_fd, exit_files } from '../fs/file_table.ts';
import { copy_page_range } from '../mm/memory_fork.ts';
import { __vm_enough_memory, exit_mmap, vm_stat_account, vm_unacct_memory } from '../mm/mmap.ts';
import { no_hole_known } from '../mm/mmap_layout.ts';
import { alloc_object, alloc_vma, allocate_mm, current_mm, file_of, free_mm, free_object, get_file, mm_of, vma_of } from '../mm/mm_struct.ts';
import { __get_free_pages, free_pages } from '../mm/page_alloc.ts';
import { anon_vma_link } from '../mm/rmap.ts';
import { find_cache } from '../mm/slab_lists.ts';
import { __vma_link_file, copy_vma_record, vma_pages } from '../mm/vma_merge.ts';
import { trace_vma_create } from '../trace/mm.ts';
import { trace_sched_process_fork } from '../trace/task.ts';
import { down_write, up_write } from './rwsem.ts';
import { current_task, tasks_there, wake_up_process } from './sched.ts';
import { signal_pending } from './signal.ts';
import { new_task } from './task.ts';

/** Pages of a kernel stack with its thread_info; on x86_64 they are a block of that order. */
const THREAD_PAGES = 2;
const THREAD_ORDER = 1;
/** Where i386 takes kernel stacks from. */
const THREAD_CACHE = 'size-8192';

/** What the child is called, and where its program stands. */
export interface fork_spec {
  name: string;
  comm: string;
  program: unknown;
}

/** Makes a copy of the running task; the child's pid, or -EAGAIN, -ENOMEM (do_fork). The child is ready to run when this returns. */
export function* do_fork(k: Kernel, spec: fork_spec): Generator<Wait, number, void> {
  const parent = current_task(k);
  const child = new_child(parent, spec);
  const error = yield* copy_process(k, parent, child);
  if (error !== 0) return error;
  child.pid = k.tasks.length;
  k.tasks.push(child);
  k.sched.nr_live++;
  parent.children.push(child.pid);
  trace_sched_process_fork(k, parent.pid, child.pid);
  wake_up_process(k, child);
  return child.pid;
}

/** Drops a use of an address space; the last one gives up all of it (mmput; MM-20). */
export function* mmput(k: Kernel, mm: mm_struct): Generator<Wait, void, void> {
  mm.mm_users--;
  if (mm.mm_users > 0) return;
  yield* exit_mmap(k, mm);
  mm.on_mmlist = 0;
  mmdrop(k, mm);
}

/** The page directory and the mm_struct itself. A CPU that still had its tables loaded, for a kernel thread, has none now; in Linux it would keep
 *  them until it next switches. */
function mmdrop(k: Kernel, mm: mm_struct): void {
  leave_mm(k, mm);
  pgd_free(k, mm);
  free_mm(k, mm);
}

/** An address space with its page directory and nothing in it; null where there is no memory (mm_alloc). */
export function* mm_alloc(k: Kernel): Generator<Wait, mm_struct | null, void> {
  const mm = yield* allocate_mm(k);
  if (mm === null) return null;
  const has_pgd = yield* pgd_alloc(k, mm);
  if (has_pgd) return mm;
  free_mm(k, mm);
  return null;
}

// ---- task_struct ------------------------------------------------------------------------------------------------------

/** A child as its parent is now: same user, nice, oom_adj, limits, stack pointer, CPU. What counts or waits begins anew. @nohooks */
function new_child(parent: task_struct, { name, comm, program }: fork_spec): task_struct {
  const child = new_task(0, comm.slice(0, 15), 'user');
  child.name = name;
  child.program = program;
  child.parent = parent.pid;
  child.flags = parent.flags;
  child.nice = parent.nice;
  child.uid = parent.uid;
  child.euid = parent.euid;
  child.oomkilladj = parent.oomkilladj;
  child.cpu = parent.cpu;
  child.cpu_pinned = parent.cpu_pinned;
  child.esp = parent.esp;
  child.rlim = { ...parent.rlim };
  return child;
}

/** Everything a task needs but an address space, in the order of copy_process: 0, or -EAGAIN, -ENOMEM with nothing kept. */
export function* alloc_task_memory(k: Kernel, task: task_struct): Generator<Wait, number, void> {
  let error = yield* dup_task_struct(k, task.memory);
  if (error === 0 && has_too_many_tasks(k, task)) error = -EAGAIN;
  if (error === 0) error = yield* copy_objects(k, task.memory);
  if (error !== 0) free_task_memory(k, task.memory);
  return error;
}

/** Gives back whatever a task still has (release_task, and the ends of copy_process). */
export function free_task_memory(k: Kernel, memory: task_memory): void {
  for (const part of ['files_cache', 'fs_cache', 'sighand_cache', 'signal_cache', 'pid', 'task_struct'] as const) free_part(k, memory, part);
  free_thread_info(k, memory);
}

/** Gives back one object of a task, if it has it. */
export function free_part(k: Kernel, memory: task_memory, part: keyof task_memory): void {
  if (memory[part] === 0) return;
  free_object(k, part, memory[part]);
  memory[part] = virt(0);
}

function free_thread_info(k: Kernel, memory: task_memory): void {
  if (memory.thread_info === 0) return;
  if (is_x86_64(k)) free_pages(k, memory.thread_info, THREAD_ORDER);
  else free_object(k, THREAD_CACHE, memory.thread_info);
  memory.thread_info = virt(0);
}

/** struct pid, task_struct and the kernel stack (alloc_pid, dup_task_struct). */
function* dup_task_struct(k: Kernel, memory: task_memory): Generator<Wait, number, void> {
  const has_pid = yield* alloc_part(k, memory, 'pid');
  if (!has_pid) return -EAGAIN;
  const has_task_struct = yield* alloc_part(k, memory, 'task_struct');
  if (!has_task_struct) return -ENOMEM;
  const stack = yield* alloc_thread_info(k);
  memory.thread_info = stack;
  return stack === 0 ? -ENOMEM : 0;
}

function* alloc_thread_info(k: Kernel): Generator<Wait, task_memory['thread_info'], void> {
  if (is_x86_64(k)) {
    const stack = yield* __get_free_pages(k, GFP_KERNEL, THREAD_ORDER);
    return stack;
  }
  const stack = yield* alloc_object(k, THREAD_CACHE);
  return stack;
}

/** Tables of files, of the working directory, of signal handlers, and what threads share of signals (copy_files, copy_fs, copy_sighand,
 *  copy_signal). */
function* copy_objects(k: Kernel, memory: task_memory): Generator<Wait, number, void> {
  const parts = ['files_cache', 'fs_cache', 'sighand_cache', 'signal_cache'] as const;
  for (let i = 0; i < parts.length; i++) {
    const has_it = yield* alloc_part(k, memory, parts[i]!);
    if (!has_it) return -ENOMEM;
  }
  return 0;
}

/** One object; where the machine has no such cache, because its size is not known on this architecture, it goes without. */
function* alloc_part(k: Kernel, memory: task_memory, part: keyof task_memory): Generator<Wait, boolean, void> {
  if (find_cache(k, part) === null) return true;
  const address = yield* alloc_object(k, part);
  memory[part] = address;
  return address !== 0;
}

/** Tasks there may be at all, and of one user that is not root: so many that their stacks take an eighth of memory, and half of it (fork_init;
 *  RLIMIT_NPROC). Who has ended counts until its parent has waited for it; who has yet to take its first step has no stack, and does not. */
function has_too_many_tasks(k: Kernel, task: task_struct): boolean {
  const max_threads = Math.max(20, Math.floor(k.platform.max_pfn / (8 * THREAD_PAGES)));
  let nr_threads = 0;
  let processes = 0;
  for (const other of tasks_there(k)) {
    if (other === task || other.kind === 'idle' || (other.kind === 'user' && other.memory.thread_info === 0)) continue;
    nr_threads++;
    if (other.kind === 'user' && other.uid === task.uid) processes++;
  }
  return nr_threads >= max_threads || task.uid !== 0 && processes >= max_threads / 2;
}

// ---- copy_process -----------------------------------------------------------------------------------------------------

/** Gives a child its memory: 0, or an error with nothing kept. A parent that is about to die of a signal has no children any more. */
function* copy_process(k: Kernel, parent: task_struct, child: task_struct): Generator<Wait, number, void> {
  let error = yield* alloc_task_memory(k, child);
  if (error !== 0) return error;
  dup_fd(k, child, parent);
  error = yield* copy_mm(k, child);
  if (error === 0 && !signal_pending(parent)) return 0;
  if (child.mm !== 0) yield* mmput(k, mm_of(k, child.mm));
  yield* exit_files(k, child);
  free_task_memory(k, child.memory);
  return error === 0 ? -EINTR : error;
}

function* copy_mm(k: Kernel, child: task_struct): Generator<Wait, number, void> {
  const mm = yield* dup_mm(k, current_mm(k)!);
  if (mm === null) return -ENOMEM;
  child.mm = mm.id;
  return 0;
}

/** A copy of an address space; null where memory, or the right to promise more of it, ran out (dup_mm). */
export function* dup_mm(k: Kernel, oldmm: mm_struct): Generator<Wait, mm_struct | null, void> {
  const mm = yield* mm_alloc(k);
  if (mm === null) return null;
  copy_mm_struct(mm, oldmm);
  mm.cached_hole_size = no_hole_known(k);
  const error = yield* dup_mmap(k, mm, oldmm);
  mm.hiwater_rss = mm.file_rss + mm.anon_rss;
  mm.hiwater_vm = mm.total_vm;
  if (error === 0) return mm;
  yield* mmput(k, mm);
  return null;
}

/** Layout and sizes; what is resident, locked or cached begins at nothing (memcpy, then mm_init). */
function copy_mm_struct(mm: mm_struct, oldmm: mm_struct): void {
  mm.top_down = oldmm.top_down;
  mm.mmap_base = oldmm.mmap_base;
  mm.task_size = oldmm.task_size;
  mm.free_area_cache = oldmm.mmap_base;
  mm.total_vm = oldmm.total_vm;
  mm.shared_vm = oldmm.shared_vm;
  mm.exec_vm = oldmm.exec_vm;
  mm.stack_vm = oldmm.stack_vm;
  mm.reserved_vm = oldmm.reserved_vm;
  mm.start_code = oldmm.start_code;
  mm.end_code = oldmm.end_code;
  mm.start_data = oldmm.start_data;
  mm.end_data = oldmm.end_data;
  mm.start_brk = oldmm.start_brk;
  mm.brk = oldmm.brk;
  mm.start_stack = oldmm.start_stack;
  mm.iobuf = oldmm.iobuf;
}

/** Copies every VMA with its pages' entries, in order: 0, or -ENOMEM with what was copied so far in place (dup_mmap; F-11). */
function* dup_mmap(k: Kernel, mm: mm_struct, oldmm: mm_struct): Generator<Wait, number, void> {
  yield* down_write(k, oldmm.mmap_sem);
  yield* down_write(k, mm.mmap_sem);
  let error = 0;
  for (let i = 0; i < oldmm.mmap.length && error === 0; i++) {
    const mpnt = vma_of(k, oldmm.mmap[i]!);
    if ((mpnt.vm_flags & VM_DONTCOPY) !== 0) {
      leave_out(k, mm, mpnt);
      continue;
    }
    error = yield* dup_vma(k, mm, oldmm, mpnt);
  }
  up_write(k, mm.mmap_sem);
  flush_tlb_mm(k, oldmm);
  up_write(k, oldmm.mmap_sem);
  return error;
}

/** MADV_DONTFORK: the child does without, also in its sizes. */
function leave_out(k: Kernel, mm: mm_struct, mpnt: vm_area_struct): void {
  mm.total_vm -= vma_pages(mpnt);
  vm_stat_account(k, mm, mpnt.vm_flags, mpnt.vm_file, -vma_pages(mpnt));
}

/** Copies one VMA: promised anew, not locked, in the same anon_vma, mapping the same file; then its pages' entries. */
function* dup_vma(k: Kernel, mm: mm_struct, oldmm: mm_struct, mpnt: vm_area_struct): Generator<Wait, number, void> {
  const charge = (mpnt.vm_flags & VM_ACCOUNT) !== 0 ? vma_pages(mpnt) : 0;
  if (charge > 0 && __vm_enough_memory(k, charge) !== 0) return -ENOMEM;
  const tmp = yield* alloc_vma(k);
  if (tmp === null) {
    vm_unacct_memory(k, charge);
    return -ENOMEM;
  }
  copy_vma_record(tmp, mpnt);
  tmp.vm_mm = mm.id;
  tmp.vm_flags &= ~VM_LOCKED;
  anon_vma_link(k, tmp);
  if (tmp.vm_file !== 0) get_file(file_of(k, tmp.vm_file));
  __vma_link_file(k, tmp);
  mm.mmap.push(tmp.id);
  mm.map_count++;
  trace_vma_create(k, tmp.id, tmp.vm_start, tmp.vm_end, tmp.vm_flags);
  const error = yield* copy_page_range(k, mm, oldmm, mpnt);
  return error;
}
