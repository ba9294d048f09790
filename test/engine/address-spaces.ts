// Address spaces that a test builds by hand, and what their page tables hold in a mini-notation:
//
//   A 40001=a:RA 40002=b:RWAD | B 40001=a:R 40002=write a
//
// A and B are address spaces, 40001 the page number of an address (hex), a and b pages. After the colon: Readable (there), Writable, Accessed,
// Dirty. An entry that stands for a page on the move says which, and whether it was writable.

import type { Kernel } from '../../engine/kernel.ts';
import type { inode, mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { pte_t } from '../../engine/arch/pte.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { FMODE_READ, FMODE_WRITE, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from '../../engine/include/mm_types.ts';
import { PG_slab } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { task_size } from '../../engine/arch/address.ts';
import { pgd_alloc, pte_alloc_map, pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import {
  _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_RW, mk_pte, pte_dirty, pte_none, pte_page, pte_present, pte_to_swp_entry, pte_with, pte_write, pte_young,
  vm_get_page_prot,
} from '../../engine/arch/pte.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { get_page, max_mapnr, page_count_raw, test_page_flag } from '../../engine/mm/mem_map.ts';
import { alloc_vma, allocate_mm, mm_vmas, new_inode, open_inode, vma_inode } from '../../engine/mm/mm_struct.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { SWP_MIGRATION_WRITE, page_add_anon_rmap, page_add_file_rmap } from '../../engine/mm/rmap.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

export const RW = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE;

/** A machine with address spaces and pages by name. */
export interface Spaces {
  k: Kernel;
  mms: Map<string, mm_struct>;
  pages: Map<string, Pfn>;
}

export function booted(config: Partial<MachineConfig> = {}): Spaces {
  return { k: machineWith([], { memory: 64 * MiB, ...config }).k, mms: new Map(), pages: new Map() };
}

/** An address space of that name, made when it is first asked for. */
export function space({ k, mms }: Spaces, name: string): mm_struct {
  const known = mms.get(name);
  if (known !== undefined) return known;
  const mm = run_to_end(k, allocate_mm(k))!;
  run_to_end(k, pgd_alloc(k, mm));
  mm.task_size = task_size(k);
  mms.set(name, mm);
  return mm;
}

/** A page of that name, allocated when it is first asked for; its reference is the test's. */
export function page({ k, pages }: Spaces, name: string): Pfn {
  const known = pages.get(name);
  if (known !== undefined) return known;
  const made = run_to_end(k, alloc_page(k, GFP_HIGHUSER));
  pages.set(name, made);
  return made;
}

/** What a VMA is to be, besides readable, writable, private and anonymous. */
interface VmaOptions {
  flags?: number;
  pgoff?: number;
  file?: inode;
}

/** Maps `first-end`, page numbers in hex, in the address space of a name. It must lie above all that is mapped there. */
export function vma(at: Spaces, name: string, range: string, { flags = RW, pgoff, file }: VmaOptions = {}): vm_area_struct {
  const { k } = at;
  const mm = space(at, name);
  const [first, end] = range.split('-').map((number) => parseInt(number, 16)) as [number, number];
  const made = run_to_end(k, alloc_vma(k))!;
  made.vm_mm = mm.id;
  made.vm_start = virt(first * PAGE_SIZE);
  made.vm_end = virt(end * PAGE_SIZE);
  made.vm_flags = flags;
  made.vm_page_prot = vm_get_page_prot(k.platform.arch, flags);
  made.vm_pgoff = pgoff ?? (file === undefined ? first : 0);
  made.vm_file = file === undefined ? 0 : open_inode(k, file, FMODE_READ | FMODE_WRITE, 0).id;
  file?.i_mmap.push(made.id);
  mm.mmap.push(made.id);
  mm.map_count++;
  mm.total_vm += end - first;
  return made;
}

export function fileOf({ k }: Spaces, path: string, pages: number): inode {
  return new_inode(k, path, 'file', pages * PAGE_SIZE);
}

/** Maps a page at a page number (hex): `flags` of the notation. It takes a reference, as every entry does. */
export function map(at: Spaces, area: vm_area_struct, number: string, name: string, flags: string): void {
  const { k } = at;
  const mm = k.mm_structs[area.vm_mm]!;
  const address = virt(parseInt(number, 16) * PAGE_SIZE);
  const entry = run_to_end(k, pte_alloc_map(k, mm, address))!;
  write_pte(k, entry, pte_with(mk_pte(page(at, name), vm_get_page_prot(k.platform.arch, VM_READ)), bits(flags), _PAGE_ACCESSED & ~bits(flags)));
  get_page(k, page(at, name));
  if (area.vm_file === 0) {
    mm.anon_rss++;
    page_add_anon_rmap(k, page(at, name), area, address);
  } else {
    mm.file_rss++;
    page_add_file_rmap(k, page(at, name));
  }
}

function bits(flags: string): number {
  return (flags.includes('W') ? _PAGE_RW : 0) | (flags.includes('A') ? _PAGE_ACCESSED : 0) | (flags.includes('D') ? _PAGE_DIRTY : 0);
}

/** All page tables, in the notation. */
export function entries(at: Spaces): string {
  return [...at.mms].map(([name, mm]) => `${name}${mm_vmas(at.k, mm).map((area) => entriesOf(at, mm, area)).join('')}`).join(' | ');
}

function entriesOf(at: Spaces, mm: mm_struct, area: vm_area_struct): string {
  let text = '';
  for (let address = area.vm_start as number; address < area.vm_end; address += PAGE_SIZE) {
    const entry = pte_offset_map(at.k, mm, virt(address));
    const pte = entry === null ? 0 : read_pte(at.k, entry);
    if (!pte_none(pte)) text += ` ${(address / PAGE_SIZE).toString(16)}=${showPte(at, pte)}`;
  }
  return text;
}

function showPte(at: Spaces, pte: pte_t): string {
  if (pte_present(pte)) return `${nameOf(at, pte_page(pte))}:R${pte_write(pte) ? 'W' : ''}${pte_young(pte) ? 'A' : ''}${pte_dirty(pte) ? 'D' : ''}`;
  const { type, offset } = pte_to_swp_entry(pte);
  return `${type === SWP_MIGRATION_WRITE ? 'write' : 'read'} ${nameOf(at, pfn(offset))}`;
}

/** Runs what needs memory where there is none: it reclaims, which finds 64 pages, and sleeps; `act` is done by somebody else, then it goes on. What
 *  it returned, and how many pages both together have got, those of slabs not counted. */
export function meanwhile<T>(k: Kernel, coroutine: Generator<Wait, T, void>, act: () => void): { value: T; got: number } {
  const taken: Pfn[] = [];
  for (let got = run_to_end(k, alloc_page(k, GFP_HIGHUSER)); got !== NO_PAGE; got = run_to_end(k, alloc_page(k, GFP_HIGHUSER))) taken.push(got);
  const pages = taken.slice(0, 64);
  const before = pagesInUse(k) - pages.length;
  k.reclaim_script = { passes: [{ nr_reclaimed: pages.length, pages }], kills: [] };
  let step = coroutine.next();
  while (step.done !== true && k.reclaim_script.passes.length > 0) step = coroutine.next();
  if (step.done === true) throw new Error('it did not sleep after the reclaim');
  act();
  while (step.done !== true) step = coroutine.next();
  return { value: step.value, got: pagesInUse(k) - before };
}

function pagesInUse(k: Kernel): number {
  let used = 0;
  for (let frame = 0; frame < max_mapnr(k); frame++) if (page_count_raw(k, pfn(frame)) > 0 && !test_page_flag(k, pfn(frame), PG_slab)) used++;
  return used;
}

/** A page's name, or its number where the test gave it none. */
export function nameOf({ pages }: Spaces, frame: Pfn): string {
  for (const [name, known] of pages) if (known === frame) return name;
  return String(frame);
}

/** The inode that a VMA maps, which must have one. */
export function inodeOf({ k }: Spaces, area: vm_area_struct): inode {
  return vma_inode(k, area)!;
}
