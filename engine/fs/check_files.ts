// @nohooks
// The laws of open files: who refers to them, and to their inodes. Looking changes nothing.

import type { Kernel } from '../kernel.ts';
import type { inode } from '../include/mm_types.ts';
import { FMODE_WRITE, VM_DENYWRITE } from '../include/mm_types.ts';

/** Every law that does not hold, in words. A call under way may hold a reference more; no file has fewer than its descriptors and mappings are. */
export function check_files(k: Kernel): string[] {
  const broken: string[] = [];
  const refs = references(k, broken);
  const opens = new Map<number, open_files>();
  for (const file of k.files) {
    if (file === null) continue;
    const seen = refs.get(file.id) ?? 0;
    if (file.f_count < Math.max(seen, 1)) broken.push(`f_count: file ${file.id} has ${file.f_count}, but ${seen} descriptors and mappings name it`);
    const open = opens.get(file.f_inode) ?? { all: 0, writers: 0 };
    opens.set(file.f_inode, { all: open.all + 1, writers: open.writers + ((file.f_mode & FMODE_WRITE) !== 0 ? 1 : 0) });
  }
  for (const inode of k.inodes) if (inode !== null) check_inode(k, inode, opens.get(inode.ino) ?? { all: 0, writers: 0 }, broken);
  return broken;
}

/** How often an inode is open, and how often to be written. */
interface open_files {
  all: number;
  writers: number;
}

/** Writers and programs keep each other away (fs/namei.ts). */
function check_inode(k: Kernel, { path, i_count, i_writecount, i_mmap }: inode, { all, writers }: open_files, broken: string[]): void {
  if (i_count < all) broken.push(`i_count: ${path} has ${i_count}, but is open ${all} times`);
  const programs = i_mmap.filter((id) => ((k.vmas[id]?.vm_flags ?? 0) & VM_DENYWRITE) !== 0).length;
  const are_wrong = (writers > 0 && i_writecount < writers) || (programs > 0 && i_writecount > -programs);
  if (are_wrong) broken.push(`i_writecount: ${path} has ${i_writecount}, with ${writers} writers and ${programs} mappings that run it`);
}

/** Descriptors and mappings by the file they name. */
function references(k: Kernel, broken: string[]): Map<number, number> {
  const refs = new Map<number, number>();
  const add = (id: number, who: string): void => {
    if ((k.files[id] ?? null) === null) broken.push(`${who} names file ${id}, which is not there`);
    refs.set(id, (refs.get(id) ?? 0) + 1);
  };
  for (const task of k.tasks) for (const [fd, id] of task.files.entries()) if (id !== 0) add(id, `descriptor ${fd} of ${task.name}`);
  for (const vma of k.vmas) if (vma !== null && vma.vm_file !== 0) add(vma.vm_file, `VMA ${vma.id}`);
  return refs;
}
