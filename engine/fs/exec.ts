// How a process that the scenario declares gets its memory: as if init had forked and executed /bin/NAME (fs/exec.c, fs/binfmt_elf.c; KERNEL.md
// CC-11, MM-2, X-35, X-36).
//
//   i386 08048000   text, 4 pages   r-xp  file offset 0         mapped, as all of it: no page is there before it is touched
//   x86_64 400000   data, 1 page    rw-p  the file's fifth page
//                   heap            empty: brk is where it begins
//                   …
//                   stack, 21 pages rw-p  a page for arguments and 20 to spare, down from the end of user space
//
// Left out, so that a process begins with nothing resident: the parent's memory in between, the page of arguments, what the program's own start
// touches. Left out altogether: the vdso, ELF interpreters and libraries, bss, personalities.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { file, inode, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { task_struct } from '../include/sched.ts';
import type { VirtAddr } from '../include/types.ts';
import { EAGAIN, ENOMEM, ETXTBSY } from '../include/errno.ts';
import { MAP_DENYWRITE, MAP_EXECUTABLE, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../include/mman.ts';
import { FMODE_READ, VM_STACK_FLAGS } from '../include/mm_types.ts';
import { SIGKILL } from '../include/signal.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { vm_get_page_prot } from '../arch/pte.ts';
import { switch_mm } from '../arch/tlb.ts';
import { alloc_task_memory, mm_alloc } from '../kernel/fork.ts';
import { printk } from '../kernel/printk.ts';
import { down_write, up_write } from '../kernel/rwsem.ts';
import { force_sig } from '../kernel/signal.ts';
import { do_mmap_pgoff, insert_vm_struct } from '../mm/mmap.ts';
import { arch_align_stack, arch_pick_mmap_layout, randomize_stack_top } from '../mm/mmap_layout.ts';
import { alloc_vma, free_vma, inode_of, new_inode, open_inode } from '../mm/mm_struct.ts';
import { vma_pages } from '../mm/vma_merge.ts';
import { fput } from './file_table.ts';
import { allow_write_access, deny_write_access } from './namei.ts';

/** Where programs are linked to, and their parts in pages. */
const TEXT_START = { i386: 0x08048000, x86_64: 0x400000 } as const;
const TEXT_PAGES = 4;
const DATA_PAGES = 1;
/** Arguments and environment, and what exec adds to them (EXTRA_STACK_VM_PAGES). */
const ARGUMENT_PAGES = 1;
const EXTRA_STACK_VM_PAGES = 20;

const WHY_NOT_STARTED: Readonly<Record<number, string>> = {
  [ENOMEM]: 'no memory', [EAGAIN]: 'too many tasks', [ETXTBSY]: 'somebody has its program open to write it',
};

/** Gives the running task, which has nothing yet, kernel memory and an address space. Where there is none it is killed before its first step. */
export function* start_user_task(k: Kernel, task: task_struct): Generator<Wait, void, void> {
  let error = yield* alloc_task_memory(k, task);
  if (error === 0) error = yield* do_execve(k, task, program_path(task));
  if (error === 0) return;
  printk(k, `pagewalk: ${task.name} cannot start: ${WHY_NOT_STARTED[-error] ?? `error ${error}`}`);
  force_sig(k, SIGKILL, task);
}

/** Executes a program: 0; -ENOMEM, or -ETXTBSY where somebody has the file open to write it, with what the task has so far in place (do_execve,
 *  flush_old_exec). */
export function* do_execve(k: Kernel, task: task_struct, path: string): Generator<Wait, number, void> {
  const mm = yield* mm_alloc(k);
  if (mm === null) return -ENOMEM;
  task.mm = mm.id;
  switch_mm(k, mm.id);
  const inode = program_inode(k, path);
  let error = deny_write_access(inode);
  if (error !== 0) return error;
  const program = open_inode(k, inode, FMODE_READ, 0);
  error = yield* load_elf_binary(k, task, mm, program);
  allow_write_access(inode);
  yield* fput(k, program);
  return error;
}

/** `/bin/hog`, also for its copies hog.0, hog.1 … */
function program_path(task: task_struct): string {
  return `/bin/${task.name.split('.')[0]!}`;
}

/** Everybody who runs a program runs the same file: the one that the machine has by that name, on a disk, or one in memory that is there from then
 *  on. The kernel would read its first page to see what it is; that is left out, as all that the loader reads. */
function program_inode(k: Kernel, path: string): inode {
  const ino = k.dcache.get(path);
  if (ino !== undefined) return inode_of(k, ino);
  const made = new_inode(k, path, 'file', (TEXT_PAGES + DATA_PAGES) * PAGE_SIZE);
  k.dcache.set(path, made.ino);
  return made;
}

function* load_elf_binary(k: Kernel, task: task_struct, mm: mm_struct, program: file): Generator<Wait, number, void> {
  arch_pick_mmap_layout(k, mm, task);
  let error = yield* setup_arg_pages(k, mm, randomize_stack_top(k, task));
  if (error !== 0) return error;
  mm.start_code = virt(TEXT_START[k.platform.arch]);
  mm.end_code = virt(mm.start_code + TEXT_PAGES * PAGE_SIZE);
  mm.start_data = mm.end_code;
  mm.end_data = virt(mm.start_data + DATA_PAGES * PAGE_SIZE);
  error = yield* elf_map(k, mm, program, { addr: mm.start_code, end: mm.end_code, prot: PROT_READ | PROT_EXEC });
  if (error !== 0) return error;
  error = yield* elf_map(k, mm, program, { addr: mm.start_data, end: mm.end_data, prot: PROT_READ | PROT_WRITE });
  mm.start_brk = mm.end_data;
  mm.brk = mm.end_data;
  task.esp = arch_align_stack(k, mm.start_stack);
  return error;
}

/** The stack as a VMA of its own (setup_arg_pages). The stack pointer begins below the arguments. */
function* setup_arg_pages(k: Kernel, mm: mm_struct, stack_top: VirtAddr): Generator<Wait, number, void> {
  const mpnt = yield* alloc_vma(k);
  if (mpnt === null) return -ENOMEM;
  const pages = ARGUMENT_PAGES + EXTRA_STACK_VM_PAGES;
  yield* down_write(k, mm.mmap_sem);
  mpnt.vm_mm = mm.id;
  mpnt.vm_end = stack_top;
  mpnt.vm_start = virt(stack_top - pages * PAGE_SIZE);
  mpnt.vm_flags = VM_STACK_FLAGS | mm.def_flags;
  mpnt.vm_page_prot = vm_get_page_prot(k.platform.arch, mpnt.vm_flags);
  const error = insert_vm_struct(k, mm, mpnt);
  if (error !== 0) free_vma(k, mpnt);
  else take_stack(mm, mpnt);
  up_write(k, mm.mmap_sem);
  return error;
}

function take_stack(mm: mm_struct, stack: vm_area_struct): void {
  mm.start_stack = virt(stack.vm_end - ARGUMENT_PAGES * PAGE_SIZE);
  mm.stack_vm = vma_pages(stack);
  mm.total_vm = vma_pages(stack);
}

/** Maps a part of the program where it is linked to; 0 or a negative error. The file holds the parts one after the other (elf_map). */
function* elf_map(k: Kernel, mm: mm_struct, program: file, part: { addr: VirtAddr; end: VirtAddr; prot: number }): Generator<Wait, number, void> {
  const { addr, end, prot } = part;
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE | MAP_EXECUTABLE;
  const pgoff = (addr - mm.start_code) / PAGE_SIZE;
  yield* down_write(k, mm.mmap_sem);
  const map_addr = yield* do_mmap_pgoff(k, program, { addr, len: end - addr, prot, flags, pgoff });
  up_write(k, mm.mmap_sem);
  return map_addr < 0 ? map_addr : 0;
}
