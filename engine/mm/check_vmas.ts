// @nohooks
// The laws of VMAs, of what joins them, and of what is promised (KERNEL.md IV-11, IV-15, R-1, R-3, MM-16): part of check_vm.ts's check. Looking
// changes nothing.

import type { Kernel } from '../kernel.ts';
import type { inode, mm_struct, vm_area_struct } from '../include/mm_types.ts';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_GROWSUP, VM_IO, VM_LOCKED, VM_NONLINEAR, VM_RESERVED, VM_WRITE } from '../include/mm_types.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { task_size } from '../arch/address.ts';
import { vm_committed_exactly } from './mmap_commit.ts';
import { mm_vmas, vma_inode } from './mm_struct.ts';
import { show_pointer } from './slab_lists.ts';

/** Adds every law that does not hold to `broken`. */
export function check_vmas(k: Kernel, broken: string[]): void {
  for (const mm of live_mms(k)) if (is_quiet(mm)) check_mm(k, mm, broken);
  if (!quiet_machine(k)) return;
  check_owners(k, broken);
  check_anon_vmas(k, broken);
  for (const inode of k.inodes) if (inode !== null) check_i_mmap(k, inode, broken);
  check_commit(k, broken);
}

/** IV-11: VMAs that an address space lists and that are gone: nothing else can be said of it then. */
export function check_listed(k: Kernel, broken: string[]): void {
  for (const mm of live_mms(k)) {
    for (const id of mm.mmap) if ((k.vmas[id] ?? null) === null) broken.push(`IV-11: ${mm_name(k, mm)}: its VMA ${id} is gone`);
  }
}

/** Address spaces that have tables, in the order of their ids. */
export function live_mms(k: Kernel): mm_struct[] {
  return k.mm_structs.filter((mm) => mm !== null && mm.pgd !== 0) as mm_struct[];
}

/** Whether nobody is changing an address space: no fault and no call is under way in it, and it is not being taken down. */
export function is_quiet(mm: mm_struct): boolean {
  return mm.mmap_sem.activity === 0 && mm.mm_users > 0;
}

/** Whether that is so for all of them. */
export function quiet_machine(k: Kernel): boolean {
  return k.mm_structs.every((mm) => mm === null || is_quiet(mm));
}

/** An address space by the task that uses it. */
export function mm_name(k: Kernel, mm: mm_struct): string {
  return k.tasks.find((task) => task.mm === mm.id)?.name ?? `mm ${mm.id}`;
}

// ---- one address space ------------------------------------------------------------------------------------------------

/** IV-11: VMAs are whole pages of user space, ascending and apart, and the address space counts them and their pages. */
function check_mm(k: Kernel, mm: mm_struct, broken: string[]): void {
  const name = mm_name(k, mm);
  const vmas = mm_vmas(k, mm);
  let end = 0;
  for (const vma of vmas) {
    check_vma(k, mm, vma, { name, end }, broken);
    end = vma.vm_end;
  }
  if (mm.map_count !== mm.mmap.length) broken.push(`IV-11: ${name}: map_count is ${mm.map_count}, it has ${mm.mmap.length} VMAs`);
  check_sizes(mm, vmas, name, broken);
}

/** `end` is where the VMA before it ends. */
function check_vma(k: Kernel, mm: mm_struct, vma: vm_area_struct, { name, end }: { name: string; end: number }, broken: string[]): void {
  const range = `${name}: VMA ${show_pointer(k, vma.vm_start)}-${show_pointer(k, vma.vm_end)}`;
  if (vma.vm_start % PAGE_SIZE !== 0 || vma.vm_end % PAGE_SIZE !== 0 || vma.vm_start >= vma.vm_end) broken.push(`IV-11: ${range} is no whole pages`);
  if (vma.vm_start < end) broken.push(`IV-11: ${range} begins before ${show_pointer(k, end)}, where the one before it ends`);
  if (vma.vm_end > task_size(k)) broken.push(`IV-11: ${range} ends past user space`);
  if (vma.vm_mm !== mm.id) broken.push(`IV-11: ${range} says it is in mm ${vma.vm_mm}`);
}

/** The counters of an address space that are sums over its VMAs (vm_stat_account). */
const SIZES: readonly (readonly [keyof mm_struct & `${string}_vm`, (vma: vm_area_struct) => boolean])[] = [
  ['total_vm', () => true],
  ['locked_vm', ({ vm_flags }) => (vm_flags & VM_LOCKED) !== 0],
  ['shared_vm', ({ vm_file }) => vm_file !== 0],
  ['exec_vm', ({ vm_file, vm_flags }) => vm_file !== 0 && (vm_flags & (VM_EXEC | VM_WRITE)) === VM_EXEC],
  ['stack_vm', ({ vm_file, vm_flags }) => vm_file === 0 && (vm_flags & (VM_GROWSDOWN | VM_GROWSUP)) !== 0],
  ['reserved_vm', ({ vm_flags }) => (vm_flags & (VM_RESERVED | VM_IO)) !== 0],
];

function check_sizes(mm: mm_struct, vmas: readonly vm_area_struct[], name: string, broken: string[]): void {
  for (const [counter, counts] of SIZES) {
    const pages = vmas.filter(counts).reduce((sum, vma) => sum + vma_pages(vma), 0);
    if (mm[counter] !== pages) broken.push(`IV-11: ${name}: ${counter} is ${mm[counter]}, its VMAs have ${pages} pages of that kind`);
  }
}

function vma_pages(vma: vm_area_struct): number {
  return (vma.vm_end - vma.vm_start) / PAGE_SIZE;
}

// ---- over all address spaces ------------------------------------------------------------------------------------------

/** IV-11: every VMA is in one address space, once. */
function check_owners(k: Kernel, broken: string[]): void {
  const times = new Map<number, number>();
  for (const mm of k.mm_structs) for (const id of mm?.mmap ?? []) times.set(id, (times.get(id) ?? 0) + 1);
  for (const vma of k.vmas) {
    if (vma === null) continue;
    const found = times.get(vma.id) ?? 0;
    if (found !== 1) broken.push(`IV-11: VMA ${vma.id} at ${show_pointer(k, vma.vm_start)} is in ${found} places of address spaces`);
  }
}

/** an anon_vma and its VMAs know each other, and it has some. */
function check_anon_vmas(k: Kernel, broken: string[]): void {
  for (const anon of k.anon_vmas) {
    if (anon === null) continue;
    const naming = k.vmas.filter((vma) => vma?.anon_vma === anon.id).map((vma) => vma!.id);
    if (naming.length === 0) broken.push(`R-1: anon_vma ${anon.id} has no VMA left`);
    if (!same_members(anon.vmas, naming)) broken.push(`R-1: anon_vma ${anon.id} lists VMAs ${show(anon.vmas)}, those that name it are ${show(naming)}`);
  }
  for (const vma of k.vmas) {
    if (vma !== null && vma.anon_vma !== 0 && (k.anon_vmas[vma.anon_vma] ?? null) === null) broken.push(`R-1: VMA ${vma.id} names anon_vma ${vma.anon_vma}, which is gone`);
  }
}

/** a file lists the VMAs that map it. */
function check_i_mmap(k: Kernel, inode: inode, broken: string[]): void {
  const mapping = k.vmas.filter((vma) => vma !== null && vma_inode(k, vma) === inode) as vm_area_struct[];
  const linear = mapping.filter((vma) => (vma.vm_flags & VM_NONLINEAR) === 0).map((vma) => vma.id);
  const nonlinear = mapping.filter((vma) => (vma.vm_flags & VM_NONLINEAR) !== 0).map((vma) => vma.id);
  if (!same_members(inode.i_mmap, linear)) broken.push(`R-3: ${inode.path}: i_mmap lists VMAs ${show(inode.i_mmap)}, those that map it are ${show(linear)}`);
  if (!same_members(inode.i_mmap_nonlinear, nonlinear)) {
    broken.push(`R-3: ${inode.path}: i_mmap_nonlinear lists VMAs ${show(inode.i_mmap_nonlinear)}, those that map it so are ${show(nonlinear)}`);
  }
}

/** IV-15: promised are the pages of VMAs that are accounted for, and of shared memory all of an object or each page there is (MM-16). */
function check_commit(k: Kernel, broken: string[]): void {
  const accounted = k.vmas.filter((vma) => vma !== null && (vma.vm_flags & VM_ACCOUNT) !== 0) as vm_area_struct[];
  const objects = k.inodes.filter((inode) => inode !== null && inode.kind === 'shmem') as inode[];
  const promised_of = (inode: inode): number => ((inode.shmem_flags & VM_ACCOUNT) !== 0 ? Math.ceil(inode.size / PAGE_SIZE) : inode.nrpages);
  const shared = objects.reduce((sum, inode) => sum + promised_of(inode), 0);
  const pages = accounted.reduce((sum, vma) => sum + vma_pages(vma), shared);
  const committed = vm_committed_exactly(k);
  if (committed !== pages) broken.push(`IV-15: ${committed} pages are promised, VMAs and shared memory account for ${pages}`);
}

function same_members(list: readonly number[], wanted: readonly number[]): boolean {
  const sorted = (ids: readonly number[]): string => [...ids].sort((a, b) => a - b).join();
  return sorted(list) === sorted(wanted);
}

function show(ids: readonly number[]): string {
  return ids.length === 0 ? 'none' : ids.join(' ');
}
