// A mini-notation for address spaces, and the one check() that tests of their calls go through.
//
//   heap|www.| mid|wwww/wwrr..S|
//
// A state is made of regions, each a place with a drawing of it, one character a page:
//
//   heap  from start_brk up          mid  from 0x50000000 up (x86_64: 0x500000000000)
//   top   ends at mmap_base          stack  ends with user space
//
//   .  nothing     w  private memory, read and write     r  read only     x  read and execute     n  no access
//   v  read only, promised: it was w once                u  the same without access
//   l  as w, locked                  g  as w, grows downwards             k  as w, not promised (MAP_NORESERVE)
//   f  a file, private, read only    d  the same file, private, read and write     m  the same file, shared, read and write
//   e  the same file opened once more, private, read only
//   s  shared memory, read and write                     t  shared memory, read only
//   ?  anything else
//
// A page i of a region is page i of the file. Neighbours of the same letter are two VMAs where a `/` stands between them. A capital is a VMA that has
// an anon_vma: one of its own where a drawing is made. What lies outside all regions stands behind them: `+ 08048000-0804c000`.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import {
  FMODE_READ, FMODE_WRITE, VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_READ, VM_SHARED,
  VM_WRITE,
} from '../../engine/include/mm_types.ts';
import { TASK_RUNNING } from '../../engine/include/sched.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { is_x86_64, task_size } from '../../engine/arch/address.ts';
import { pgd_alloc } from '../../engine/arch/pgalloc.ts';
import { vm_get_page_prot } from '../../engine/arch/pte.ts';
import { new_task } from '../../engine/kernel/task.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_vm } from '../../engine/mm/check_vm.ts';
import { vm_acct_memory } from '../../engine/mm/mmap_commit.ts';
import { arch_pick_mmap_layout } from '../../engine/mm/mmap_layout.ts';
import { vm_stat_account } from '../../engine/mm/mmap.ts';
import { alloc_vma, allocate_mm, anon_vma_alloc, file_of, get_file, mm_vmas, new_inode, open_inode } from '../../engine/mm/mm_struct.ts';
import { shmem_zero_setup } from '../../engine/mm/shmem.ts';
import { vma_link, vma_pages } from '../../engine/mm/vma_merge.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

/** The running process that a drawing describes. It is uid 1000, as processes are, with nothing mapped but the drawing. */
export interface Process {
  k: Kernel;
  task: task_struct;
  mm: mm_struct;
  /** Ids of the files of `f` and of `e`. */
  files: { f: number; e: number };
}

const FILE_PAGES = 64;
const MAY = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
const RW = VM_READ | VM_WRITE | MAY;
const SHARED = VM_SHARED | VM_MAYSHARE;

/** vm_flags by letter. */
const FLAGS: Readonly<Record<string, number>> = {
  w: RW | VM_ACCOUNT, r: VM_READ | MAY, x: VM_READ | VM_EXEC | MAY, n: MAY, v: VM_READ | MAY | VM_ACCOUNT, u: MAY | VM_ACCOUNT,
  l: RW | VM_ACCOUNT | VM_LOCKED, g: RW | VM_ACCOUNT | VM_GROWSDOWN, k: RW, f: VM_READ | MAY, e: VM_READ | MAY, d: RW | VM_ACCOUNT, m: RW | SHARED,
  s: RW | SHARED, t: VM_READ | MAY | SHARED,
};

// ---- machines ---------------------------------------------------------------------------------------------------------

const booted = new Map<string, Kernel>();

/** A machine with one process, which runs and has nothing mapped; of 64 MiB unless the configuration says otherwise. */
export function processOn(config: Partial<MachineConfig> = {}): Process {
  const key = JSON.stringify(config);
  if (!booted.has(key)) booted.set(key, machineWith([], { memory: 64 * MiB, ...config }).k);
  const k = structuredClone(booted.get(key)!);
  const task = new_task(k.tasks.length, 'test', 'user');
  task.uid = 1000;
  task.euid = 1000;
  task.state = TASK_RUNNING;
  k.tasks.push(task);
  k.current = task.pid;
  const mm = run_to_end(k, allocate_mm(k))!;
  assert.ok(run_to_end(k, pgd_alloc(k, mm)));
  arch_pick_mmap_layout(k, mm, task);
  task.mm = mm.id;
  const text = is_x86_64(k) ? 0x400000 : 0x8048000;
  mm.start_code = virt(text);
  mm.end_code = virt(text + 4 * PAGE_SIZE);
  mm.start_data = virt(text + 4 * PAGE_SIZE);
  mm.end_data = virt(text + 5 * PAGE_SIZE);
  mm.start_brk = virt(text + 5 * PAGE_SIZE);
  mm.brk = mm.start_brk;
  const inode = new_inode(k, '/data', 'file', FILE_PAGES * PAGE_SIZE);
  const open = (): number => open_inode(k, inode, FMODE_READ | FMODE_WRITE, 0).id;
  return { k, task, mm, files: { f: open(), e: open() } };
}

/** A process with these mappings. */
export function drawn(state: string, config: Partial<MachineConfig> = {}): Process {
  const process = processOn(config);
  for (const { name, drawing } of regionsOf(state)) draw(process, name, drawing);
  return process;
}

/** Runs a call of the process to its end: it finds nobody to wait for. */
export function call<T>({ k }: Process, steps: Generator<Wait, T, void>): T {
  return run_to_end(k, steps);
}

/** Address of a page of a region: of `mid` unless another is named. `pages` is the length of the drawing, which `top` and `stack` count from. */
export function at({ k, mm }: Process, page: number, region = 'mid', pages = 0): VirtAddr {
  switch (region) {
    case 'heap': return virt(mm.start_brk + page * PAGE_SIZE);
    case 'mid': return virt((is_x86_64(k) ? 0x500000000000 : 0x50000000) + page * PAGE_SIZE);
    case 'top': return virt(mm.mmap_base + (page - pages) * PAGE_SIZE);
    case 'stack': return virt(task_size(k) + (page - pages) * PAGE_SIZE);
    default: throw new Error(`no region is called ${region}`);
  }
}

function regionsOf(state: string): { name: string; drawing: string }[] {
  return [...state.split(' + ')[0]!.matchAll(/(\w+)\|([^|]*)\|/g)].map((match) => ({ name: match[1]!, drawing: match[2]! }));
}

const pagesOf = (drawing: string): number => drawing.replaceAll('/', '').length;

// ---- drawing ----------------------------------------------------------------------------------------------------------

function draw(process: Process, name: string, drawing: string): void {
  const pages = pagesOf(drawing);
  let page = 0;
  for (const run of drawing.match(/(.)\1*/g) ?? []) {
    if (run[0] === '/') continue;
    if (run[0] !== '.') addVma(process, run[0]!, { start: at(process, page, name, pages), pages: run.length, filePage: page });
    page += run.length;
  }
}

function addVma({ k, mm, files }: Process, letter: string, { start, pages, filePage }: { start: VirtAddr; pages: number; filePage: number }): void {
  const kind = letter.toLowerCase();
  const flags = FLAGS[kind];
  assert.notEqual(flags, undefined, `no VMA is drawn as ${letter}`);
  const vma = run_to_end(k, alloc_vma(k))!;
  vma.vm_mm = mm.id;
  vma.vm_start = start;
  vma.vm_end = virt(start + pages * PAGE_SIZE);
  vma.vm_flags = flags!;
  vma.vm_page_prot = vm_get_page_prot(k.platform.arch, flags!);
  vma.vm_pgoff = 'fedm'.includes(kind) ? filePage : 'st'.includes(kind) ? 0 : start / PAGE_SIZE;
  attach(k, vma, kind, files);
  if (letter !== kind) vma.anon_vma = run_to_end(k, anon_vma_alloc(k))!.id;
  vma_link(k, mm, vma);
  mm.total_vm += pages;
  if ((flags! & VM_LOCKED) !== 0) mm.locked_vm += pages;
  vm_stat_account(k, mm, flags!, vma.vm_file, pages);
  if ((flags! & VM_ACCOUNT) !== 0) vm_acct_memory(k, pages);
}

/** Files count their VMAs; shared memory is promised as a whole when it is made. */
function attach(k: Kernel, vma: vm_area_struct, kind: string, files: Process['files']): void {
  if ('st'.includes(kind)) {
    vma.vm_flags |= VM_ACCOUNT;
    assert.equal(shmem_zero_setup(k, vma), 0);
    vma.vm_flags &= ~VM_ACCOUNT;
  }
  if (!'fedm'.includes(kind)) return;
  vma.vm_file = kind === 'e' ? files.e : files.f;
  get_file(file_of(k, vma.vm_file));
}

// ---- reading a state --------------------------------------------------------------------------------------------------

/** The address space, drawn over the regions of another state. */
export function stateOf(process: Process, like: string): string {
  const { k, mm } = process;
  const regions = regionsOf(like).map(({ name, drawing }) => ({ name, start: at(process, 0, name, pagesOf(drawing)), pages: pagesOf(drawing) }));
  const vmas = mm_vmas(k, mm);
  const outside = vmas.filter((vma) => !regions.some(({ start, pages }) => vma.vm_end > start && vma.vm_start < start + pages * PAGE_SIZE));
  const drawings = regions.map(({ name, start, pages }) => `${name}|${drawingOf(process, vmas, start, pages)}|`);
  return [drawings.join(' '), ...outside.map((vma) => `+ ${vma.vm_start.toString(16).padStart(8, '0')}-${vma.vm_end.toString(16).padStart(8, '0')}`)].join(' ');
}

function drawingOf(process: Process, vmas: readonly vm_area_struct[], start: number, pages: number): string {
  let drawing = '';
  let before: vm_area_struct | undefined;
  for (let page = 0; page < pages; page++) {
    const address = start + page * PAGE_SIZE;
    const vma = vmas.find(({ vm_start, vm_end }) => vm_start <= address && address < vm_end);
    const letter = vma === undefined ? '.' : letterOf(process, vma);
    drawing += before !== undefined && vma !== undefined && vma !== before && drawing.endsWith(letter) ? `/${letter}` : letter;
    before = vma;
  }
  return drawing;
}

function letterOf({ files }: Process, vma: vm_area_struct): string {
  const kinds = vma.vm_file === files.f ? 'fdm' : vma.vm_file === files.e ? 'e' : vma.vm_file !== 0 ? 'st' : 'wrxnvulgk';
  const letter = [...kinds].find((kind) => FLAGS[kind] === vma.vm_flags) ?? '?';
  return vma.anon_vma === 0 ? letter : letter.toUpperCase();
}

/** Ids of the anon_vmas of the VMAs, in the order they stand, each numbered from 1 on where it first appears; 0 for none. */
export function anonVmasOf({ k, mm }: Process): number[] {
  const seen: number[] = [];
  return mm_vmas(k, mm).map(({ anon_vma }) => {
    if (anon_vma === 0) return 0;
    if (!seen.includes(anon_vma)) seen.push(anon_vma);
    return seen.indexOf(anon_vma) + 1;
  });
}

/** vm_pgoff of the VMAs, in the order they stand, less what belongs to their address where they are anonymous: 0 for memory that was never moved. */
export function pgoffsOf({ k, mm }: Process): number[] {
  return mm_vmas(k, mm).map(({ vm_file, vm_pgoff, vm_start }) => (vm_file === 0 ? vm_pgoff - vm_start / PAGE_SIZE : vm_pgoff));
}

// ---- check ------------------------------------------------------------------------------------------------------------

/** Runs a call in one state, and compares what it returned and the whole state that it left; every law of address spaces holds then. */
export function check(test: {
  from: string;
  run(process: Process): Generator<Wait, unknown, void> | number | null | void;
  to: string;
  result?: number;
  config?: Partial<MachineConfig>;
}): Process {
  const process = drawn(test.from, test.config);
  assert.deepEqual(lawsBroken(process), [], 'before');
  assert.equal(stateOf(process, test.from), test.from);
  const steps = test.run(process);
  const result = typeof steps === 'object' && steps !== null && 'next' in steps ? call(process, steps) : steps;
  assert.equal(stateOf(process, test.to), test.to);
  if (test.result !== undefined) assert.equal(result, test.result);
  assert.deepEqual(lawsBroken(process), []);
  return process;
}

/** Every law of address spaces that does not hold, in words. */
export function lawsBroken({ k, mm }: Process): string[] {
  const unknown = mm_vmas(k, mm).filter((vma) => vma.vm_page_prot !== vm_get_page_prot(k.platform.arch, vma.vm_flags)).map((vma) => `VMA ${vma.id} has the wrong vm_page_prot`);
  const cached = mm.mmap_cache !== 0 && !mm.mmap.includes(mm.mmap_cache) ? ['mmap_cache names a VMA of another address space'] : [];
  const pages = mm_vmas(k, mm).reduce((sum, vma) => sum + vma_pages(vma), 0) === mm.total_vm ? [] : ['total_vm is wrong'];
  return [...check_vm(k), ...unknown, ...cached, ...pages];
}
