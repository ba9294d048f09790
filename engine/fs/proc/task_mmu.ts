// @nohooks
// An address space as /proc shows it (fs/proc/task_mmu.c; KERNEL.md PR-6, PR-7, X-43), and the picture of it that an ended task leaves behind: all
// texts are made of either, the space itself or its picture. Looking disturbs nothing.

import type { Kernel } from '../../kernel.ts';
import type { exit_image, smaps_figures, task_struct, vma_image } from '../../include/sched.ts';
import type { mm_struct, vm_area_struct } from '../../include/mm_types.ts';
import type { Pfn, PhysAddr, VirtAddr } from '../../include/types.ts';
import { IOBUF_SIZE, VM_DONTEXPAND, VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from '../../include/mm_types.ts';
import { PAGE_SIZE, phys, virt } from '../../include/types.ts';
import { is_x86_64 } from '../../arch/address.ts';
import { VSYSCALL_END, VSYSCALL_START } from '../../arch/x86_64/layout.ts';
import type { pte_t } from '../../arch/pte.ts';
import { _PAGE_PRESENT, is_swap_pte, pte_dirty, pte_page, pte_present } from '../../arch/pte.ts';
import { SHIFTS, entry_of, read_pte } from '../../arch/pgtable.ts';
import { max_mapnr, page_mapcount } from '../../mm/mem_map.ts';
import { mm_vmas, task_mm, vma_inode } from '../../mm/mm_struct.ts';
import { badness } from '../../mm/oom_kill.ts';

/** A VMA and its file's path as maps prints it, '' for anonymous memory. */
export interface area {
  vma: vm_area_struct;
  path: string;
  major: number;
  minor: number;
  ino: number;
}

// ---- a task's memory, now or as it was --------------------------------------------------------------------------------

/** The address space of a task: its own, or after its end that of its picture; null for who never had one. */
export function shown_mm(k: Kernel, task: task_struct): mm_struct | null {
  return task_mm(k, task) ?? task.exit_image?.mm ?? null;
}

/** The VMAs of a task, ascending, likewise. */
export function shown_areas(k: Kernel, task: task_struct): area[] {
  const mm = task_mm(k, task);
  if (mm !== null) return mm_vmas(k, mm).map((vma) => area_of(k, vma));
  return task.exit_image?.vmas ?? [];
}

/** The VMAs with what is resident in them, likewise. */
export function shown_images(k: Kernel, task: task_struct): vma_image[] {
  const mm = task_mm(k, task);
  return mm === null ? (task.exit_image?.vmas ?? []) : mm_vmas(k, mm).map((vma) => vma_image_of(k, mm, vma));
}

/** The picture of a task that is about to give up its address space. */
export function exit_image_of(k: Kernel, task: task_struct): exit_image {
  const mm = task_mm(k, task)!;
  const mmap_sem = { activity: 0, wait: { task_list: [] } };
  const copy: mm_struct = { ...mm, mmap: [...mm.mmap], cpu_vm_mask: [...mm.cpu_vm_mask], mmap_sem };
  return { mm: copy, vmas: mm_vmas(k, mm).map((vma) => vma_image_of(k, mm, vma)), badness: badness(k, task) };
}

function area_of(k: Kernel, vma: vm_area_struct): area {
  const inode = vma_inode(k, vma);
  return { vma, path: inode?.path ?? '', major: inode?.major ?? 0, minor: inode?.minor ?? 0, ino: inode?.ino ?? 0 };
}

function vma_image_of(k: Kernel, mm: mm_struct, vma: vm_area_struct): vma_image {
  const smaps: smaps_figures = { rss: 0, shared_clean: 0, shared_dirty: 0, private_clean: 0, private_dirty: 0, swap: 0 };
  const present: vma_image['present'] = [];
  walk_range(k, { table: mm.pgd, level: 0, start: vma.vm_start, end: vma.vm_end }, (address, pte) => {
    count_entry(k, smaps, pte);
    if (pte_present(pte)) add_present(present, address, pte_page(pte));
  });
  const copy = { ...vma };
  return { ...area_of(k, vma), vma: copy, smaps, present };
}

/** One entry's part in the figures of smaps (smaps_pte_range): shared is a page that several entries name. */
function count_entry(k: Kernel, smaps: smaps_figures, pte: pte_t): void {
  if (is_swap_pte(pte)) smaps.swap++;
  if (!pte_present(pte)) return;
  smaps.rss++;
  const page = pte_page(pte);
  if (page >= max_mapnr(k)) return;
  const is_dirty = pte_dirty(pte);
  if (page_mapcount(k, page) >= 2) smaps[is_dirty ? 'shared_dirty' : 'shared_clean']++;
  else smaps[is_dirty ? 'private_dirty' : 'private_clean']++;
}

function add_present(present: { address: VirtAddr; pfns: Pfn[] }[], address: VirtAddr, page: Pfn): void {
  const run = present.at(-1);
  if (run !== undefined && run.address + run.pfns.length * PAGE_SIZE === address) run.pfns.push(page);
  else present.push({ address, pfns: [page] });
}

interface table_range {
  table: PhysAddr;
  level: number;
  start: number;
  end: number;
}

/** Every entry of the lowest level that is not empty, ascending; empty entries above it are skipped whole. */
function walk_range(k: Kernel, { table, level, start, end }: table_range, visit: (address: VirtAddr, pte: pte_t) => void): void {
  const shifts = SHIFTS[k.platform.arch];
  const size = 2 ** shifts[level]!;
  const is_lowest = level === shifts.length - 1;
  let next = start;
  for (let at = start; at < end; at = next) {
    next = (Math.floor(at / size) + 1) * size;
    const pte = read_pte(k, entry_of(k, table, shifts[level]!, virt(at)));
    if (is_lowest && pte !== 0) visit(virt(at), pte);
    if (is_lowest || (pte & _PAGE_PRESENT) === 0) continue;
    walk_range(k, { table: phys(pte_page(pte) * PAGE_SIZE), level: level + 1, start: at, end: Math.min(next, end) }, visit);
  }
}

// ---- maps, smaps, pagemap ---------------------------------------------------------------------------------------------

/** /proc/PID/maps (PR-6, X-43). The last line of x86_64 is the gate area, which is no VMA. There is no vdso: no process of the language has one. */
export function proc_maps(k: Kernel, task: task_struct): string {
  const mm = shown_mm(k, task);
  if (mm === null) return '';
  return [...shown_areas(k, task).map((area) => maps_line(k, mm, area)), ...gate_lines(k)].join('');
}

/** /proc/PID/smaps (PR-7): the same lines, each with its figures. */
export function proc_smaps(k: Kernel, task: task_struct): string {
  const mm = shown_mm(k, task);
  if (mm === null) return '';
  const blocks = shown_images(k, task).map((image) => maps_line(k, mm, image) + figures(image.vma.vm_end - image.vma.vm_start, image.smaps));
  const none: smaps_figures = { rss: 0, shared_clean: 0, shared_dirty: 0, private_clean: 0, private_dirty: 0, swap: 0 };
  return [...blocks, ...gate_lines(k).map((line) => line + figures(VSYSCALL_END - VSYSCALL_START, none))].join('');
}

/** Which frame each resident page is in, a line a page: address and frame. The file of that name is of 2.6.25 and binary (PR-10). */
export function proc_pagemap(k: Kernel, task: task_struct): string {
  const runs = shown_images(k, task).flatMap((image) => image.present);
  return runs.flatMap(({ address, pfns }) => pfns.map((page, i) => `${hex(address + i * PAGE_SIZE)} ${page}\n`)).join('');
}

/** The name that maps gives to anonymous memory by where it lies, or the file's path. */
export function area_name(mm: mm_struct, { vma, path }: Pick<area, 'vma' | 'path'>): string {
  if (vma.vm_file !== 0) return path;
  if (vma.vm_start <= mm.start_brk && vma.vm_end >= mm.brk) return '[heap]';
  if (vma.vm_start <= mm.start_stack && vma.vm_end >= mm.start_stack) return '[stack]';
  const is_iobuf = (vma.vm_flags & VM_DONTEXPAND) !== 0 && vma.vm_start >= mm.iobuf && vma.vm_end <= mm.iobuf + IOBUF_SIZE;
  return is_iobuf ? '[iobuf]' : '';
}

function maps_line(k: Kernel, mm: mm_struct, area: area): string {
  const { vm_start, vm_end, vm_flags, vm_pgoff } = area.vma;
  const device = `${hex2(area.major)}:${hex2(area.minor)}`;
  const text = `${hex(vm_start)}-${hex(vm_end)} ${vma_permissions(vm_flags)} ${hex(vm_pgoff * PAGE_SIZE)} ${device} ${area.ino} `;
  return `${named(k, text, area_name(mm, area))}\n`;
}

/** Text, padded so that a name begins in column 49, on x86_64 73; a space at least (pad_len_spaces). */
function named(k: Kernel, text: string, name: string): string {
  const column = 25 + (is_x86_64(k) ? 8 : 4) * 6;
  return name === '' ? text : text + ' '.repeat(Math.max(1, column - text.length)) + name;
}

function gate_lines(k: Kernel): string[] {
  if (!is_x86_64(k)) return [];
  const range = [VSYSCALL_START, VSYSCALL_END].map((address) => BigInt.asUintN(64, BigInt(address)).toString(16)).join('-');
  return [`${named(k, `${range} ---p 00000000 00:00 0 `, '[vdso]')}\n`];
}

/** `rw-p`: what may be done with an area, and whether it is shared. */
export function vma_permissions(vm_flags: number): string {
  const flag = (bit: number, letter: string): string => ((vm_flags & bit) !== 0 ? letter : '-');
  return flag(VM_READ, 'r') + flag(VM_WRITE, 'w') + flag(VM_EXEC, 'x') + ((vm_flags & VM_MAYSHARE) !== 0 ? 's' : 'p');
}

/** %08lx */
function hex(address: number): string {
  return address.toString(16).padStart(8, '0');
}

/** %02x */
function hex2(number: number): string {
  return number.toString(16).padStart(2, '0');
}

function figures(bytes: number, { rss, shared_clean, shared_dirty, private_clean, private_dirty }: smaps_figures): string {
  const row = (label: string, kb: number): string => `${`${label}:`.padEnd(15)}${String(kb).padStart(8)} kB\n`;
  const pages = (label: string, count: number): string => row(label, count * (PAGE_SIZE / 1024));
  return row('Size', bytes / 1024) + pages('Rss', rss) + pages('Shared_Clean', shared_clean) + pages('Shared_Dirty', shared_dirty)
    + pages('Private_Clean', private_clean) + pages('Private_Dirty', private_dirty);
}
