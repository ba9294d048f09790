// Address spaces as a recording shows them, put into the engine: VMAs of the lines of maps, entries in page tables, pages with their reverse mapping,
// on the LRU lists. Only the beginning is made like this; what happens then is the engine's own doing.

import type { Kernel } from '../../engine/kernel.ts';
import type { inode, mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Pfn, PhysAddr } from '../../engine/include/types.ts';
import { FMODE_READ, FMODE_WRITE, VM_ACCOUNT } from '../../engine/include/mm_types.ts';
import { NR_FILE_PAGES, NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { PG_active, PG_lru, PG_uptodate } from '../../engine/include/page-flags.ts';
import { TASK_RUNNING } from '../../engine/include/sched.ts';
import { NO_PAGE, PAGE_SIZE, phys, virt } from '../../engine/include/types.ts';
import { pgd_offset, pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { _PAGE_TABLE, read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { mk_pte, vm_get_page_prot } from '../../engine/arch/pte.ts';
import { switch_mm } from '../../engine/arch/tlb.ts';
import { mm_alloc } from '../../engine/kernel/fork.ts';
import { new_task } from '../../engine/kernel/task.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { radix_tree_insert, radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { fill_frame } from '../../engine/mm/contents.ts';
import { get_page, inc_page_mapcount, page_mapped, page_zone, set_page_count, set_page_flag, set_page_index, set_page_mapping, test_page_flag } from '../../engine/mm/mem_map.ts';
import { arch_pick_mmap_layout, vm_stat_account } from '../../engine/mm/mmap.ts';
import { alloc_vma, anon_vma_alloc, anon_vma_of, new_inode, open_inode, vma_inode } from '../../engine/mm/mm_struct.ts';
import { linear_page_index, page_add_anon_rmap, page_add_file_rmap } from '../../engine/mm/rmap.ts';
import { add_page_to_active_list, add_page_to_inactive_list } from '../../engine/mm/swap.ts';
import { inc_zone_page_state } from '../../engine/mm/vmstat.ts';
import type { Area } from './maps.ts';
import { flagsOf, isAnonymous, isSharedMemory, pagesOf } from './maps.ts';

/** The recording does not say enough to judge what follows. */
export class NotJudged extends Error {
  override name = 'NotJudged';
}

/** Where memory for the beginning comes from: pages, and tables. */
export type TakeFrame = () => Pfn;

/** Files that a recording names, so that two areas of one file share it. */
export type Files = Map<string, inode>;

/** Inode numbers that are given to the engine as they are printed. */
const MAX_INO = 1 << 20;
/** How much larger than what is mapped a file is taken to be, pages. */
const FILE_TAIL = 1024;

export interface ProcessSpec {
  comm: string;
  areas: readonly Area[];
  files: Files;
  isRandomized: boolean;
}

/** A process with these areas, nothing present. It is the running one afterwards. */
export function makeProcess(k: Kernel, options: ProcessSpec): { task: task_struct; mm: mm_struct } {
  const { comm, areas, files } = options;
  const task = new_task(k.tasks.length, comm, 'user');
  k.tasks.push(task);
  task.name = comm;
  task.state = TASK_RUNNING;
  const mm = run_to_end(k, mm_alloc(k));
  if (mm === null) throw new Error('the engine has no memory for an address space');
  task.mm = mm.id;
  k.sysctl.randomize_va_space = options.isRandomized ? 1 : 0;
  arch_pick_mmap_layout(k, mm, task);
  for (const area of areas) addArea(k, mm, area, files);
  layOut(mm, areas, options);
  task.esp = virt(areas.find((area) => area.path === '[stack]')?.start ?? 0);
  become(k, task);
  return { task, mm };
}

/** The task runs: its page tables are in use. */
export function become(k: Kernel, task: task_struct): void {
  k.current = task.pid;
  if (task.mm !== 0) switch_mm(k, task.mm);
}

/** Adds an area as it stands there. */
export function addArea(k: Kernel, mm: mm_struct, area: Area, files: Files): vm_area_struct {
  const vma = run_to_end(k, alloc_vma(k));
  if (vma === null) throw new Error('the engine has no memory for a VMA');
  vma.vm_mm = mm.id;
  vma.vm_start = virt(area.start);
  vma.vm_end = virt(area.end);
  vma.vm_flags = flagsOf(area);
  vma.vm_page_prot = vm_get_page_prot(k.platform.arch, vma.vm_flags);
  vma.vm_pgoff = area.offset / PAGE_SIZE;
  if (!isAnonymous(area)) mapFile(k, vma, fileOf(k, area, files));
  const at = mm.mmap.findIndex((id) => k.vmas[id]!.vm_start > area.start);
  mm.mmap = at < 0 ? [...mm.mmap, vma.id] : [...mm.mmap.slice(0, at), vma.id, ...mm.mmap.slice(at)];
  mm.map_count++;
  mm.total_vm += pagesOf(area);
  vm_stat_account(k, mm, vma.vm_flags, vma.vm_file, pagesOf(area));
  if ((vma.vm_flags & VM_ACCOUNT) !== 0) k.vm_committed_space += pagesOf(area);
  return vma;
}

function mapFile(k: Kernel, vma: vm_area_struct, target: inode): void {
  vma.vm_file = open_inode(k, target, FMODE_READ | FMODE_WRITE, 0).id;
  target.i_mmap.push(vma.id);
  target.size = Math.max(target.size, (vma.vm_pgoff + FILE_TAIL) * PAGE_SIZE + vma.vm_end - vma.vm_start);
}

/** The inode of an area, with the number that is printed where that is free. */
function fileOf(k: Kernel, area: Area, files: Files): inode {
  const key = `${area.dev} ${area.ino} ${area.path}`;
  const known = files.get(key);
  if (known !== undefined) return known;
  giveInodeNumber(k, area.ino);
  const made = new_inode(k, area.path, isSharedMemory(area) ? 'shmem' : 'file', area.offset + area.end - area.start);
  const [major, minor] = area.dev.split(':').map((part) => parseInt(part, 16)) as [number, number];
  made.major = major;
  made.minor = minor;
  files.set(key, made);
  return made;
}

/** The next inode that the engine makes has this number, if none has it yet. */
export function giveInodeNumber(k: Kernel, ino: number): void {
  if (ino >= MAX_INO || ino < k.inodes.length) return;
  k.free_ids.inodes = [];
  while (k.inodes.length < ino) k.inodes.push(null);
}

/** What exec and brk wrote down, read off the areas; where the layout is random, its base is where the topmost mapping ends. */
function layOut(mm: mm_struct, areas: readonly Area[], options: { isRandomized: boolean }): void {
  const nowhere = { start: 0, end: 0 };
  const heap = areas.find((area) => area.path === '[heap]');
  const stack = areas.find((area) => area.path === '[stack]');
  const ofProgram = areas.filter((area) => !isAnonymous(area) && area.end <= (heap?.start ?? Infinity));
  const [text = nowhere, data = { start: text.end, end: text.end }] = ofProgram;
  mm.start_code = virt(text.start);
  mm.end_code = virt(text.end);
  mm.start_data = virt(data.start);
  mm.end_data = virt(data.end);
  mm.start_brk = virt(heap?.start ?? data.end);
  mm.brk = virt(heap?.end ?? data.end);
  mm.start_stack = virt(Math.max(0, (stack?.end ?? 0) - PAGE_SIZE / 2));
  const mapped = areas.filter((area) => area.start >= mm.brk && area !== heap && area !== stack);
  if (options.isRandomized && mapped.length > 0) mm.mmap_base = virt(mapped.at(-1)!.end);
  mm.free_area_cache = virt(mapped[0]?.start ?? mm.mmap_base);
  mm.hiwater_vm = mm.total_vm;
}

// ---- pages ------------------------------------------------------------------------------------------------------------

/** The table for an address, made of a frame where it is missing; the entry in it. */
export function entryFor(k: Kernel, mm: mm_struct, address: number, take: TakeFrame): PhysAddr {
  const entry = pte_offset_map(k, mm, virt(address));
  if (entry !== null) return entry;
  const table = take();
  fill_frame(k, table, 0);
  set_page_count(k, table, 1);
  mm.nr_ptes++;
  inc_zone_page_state(k, table, NR_PAGETABLE);
  write_pte(k, pgd_offset(k, mm, virt(address)), mk_pte(table, _PAGE_TABLE));
  return pte_offset_map(k, mm, virt(address)) ?? phys(0);
}

/** An anonymous page at an address, on the active list; a process before may have it too. */
export function placeAnonymous(k: Kernel, vma: vm_area_struct, at: { address: number; frame: Pfn; prot: number }, take: TakeFrame): void {
  const mm = k.mm_structs[vma.vm_mm]!;
  if (vma.anon_vma === 0) {
    const made = run_to_end(k, anon_vma_alloc(k));
    if (made === null) throw new Error('the engine has no memory for an anon_vma');
    vma.anon_vma = made.id;
    anon_vma_of(k, made.id).vmas.push(vma.id);
  }
  const isPlaced = page_mapped(k, at.frame);
  if (isPlaced) get_page(k, at.frame);
  else set_page_count(k, at.frame, 1);
  page_add_anon_rmap(k, at.frame, vma, virt(at.address));
  write_pte(k, entryFor(k, mm, at.address, take), mk_pte(at.frame, at.prot));
  mm.anon_rss++;
  if (isPlaced) return;
  set_page_flag(k, at.frame, PG_lru);
  set_page_flag(k, at.frame, PG_active);
  add_page_to_active_list(k, page_zone(k, at.frame), at.frame);
}

/** Somebody of whom the recording shows nothing maps the page too. */
export function shareUnseen(k: Kernel, frame: Pfn): void {
  get_page(k, frame);
  inc_page_mapcount(k, frame);
}

/** A page of a file that is mapped at an address; it must be in the cache. */
export function placeFilePage(k: Kernel, vma: vm_area_struct, at: { address: number; frame: Pfn; prot: number }, take: TakeFrame): void {
  const mm = k.mm_structs[vma.vm_mm]!;
  get_page(k, at.frame);
  page_add_file_rmap(k, at.frame);
  write_pte(k, entryFor(k, mm, at.address, take), mk_pte(at.frame, at.prot));
  mm.file_rss++;
}

/** Puts a frame into the page cache, as it is there when its data have been read: nobody holds it, it is on the inactive list. */
export function cachePage(k: Kernel, file: inode, index: number, frame: Pfn): void {
  insertPage(k, file, index, frame);
  file.nrpages++;
  set_page_count(k, frame, 1);
  set_page_mapping(k, frame, file.ino * 2);
  set_page_index(k, frame, index);
  set_page_flag(k, frame, PG_uptodate);
  inc_zone_page_state(k, frame, NR_FILE_PAGES);
  if (test_page_flag(k, frame, PG_lru)) return;
  set_page_flag(k, frame, PG_lru);
  add_page_to_inactive_list(k, page_zone(k, frame), frame);
}

/** Puts a frame into a file's tree. Throws where the machine has no memory for its nodes. */
export function insertPage(k: Kernel, file: inode, index: number, frame: Pfn): void {
  const error = run_to_end(k, radix_tree_insert(k, file.page_tree, index, frame));
  if (error !== 0) throw new Error(`page ${index} of ${file.path} does not go into its tree: error ${error}`);
}

/** Index of the page that an address of a file mapping shows. */
export function fileIndex(vma: vm_area_struct, address: number): number {
  return linear_page_index(vma, virt(address - (address % PAGE_SIZE)));
}

/** The frame of a file's page, or undefined. */
export function cachedFrame(k: Kernel, vma: vm_area_struct, address: number): Pfn | undefined {
  const file = vma_inode(k, vma);
  const frame = file === null ? NO_PAGE : radix_tree_lookup(file.page_tree, fileIndex(vma, address));
  return frame === NO_PAGE ? undefined : frame;
}

/** The entry for an address, 0 where there is none or no table for it. */
export function entryAt(k: Kernel, mm: mm_struct, address: number): number {
  const entry = pte_offset_map(k, mm, virt(address));
  return entry === null ? 0 : read_pte(k, entry);
}

