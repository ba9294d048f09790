// Processes for tests, and what stands in their page tables in a mini-notation:
//
//   0=a:RWAD 1=zero:RA 3=f3:RX
//
// Page 0 of a range is an anonymous page, `a` being the first the test has seen, page 1 the page of zeroes, page 3 the fourth of its file. Flags:
// Readable (the entry is there for the processor), Writable, Accessed, Dirty, None (PROT_NONE), eXecutable on x86_64. Empty ones are left out.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { RunEnd } from '../../engine/machine.ts';
import type { mm_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import type { pte_t } from '../../engine/arch/pte.ts';
import type { Body, Forks, TestTask } from './tasks.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { FMODE_READ, FMODE_WRITE } from '../../engine/include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { is_x86_64 } from '../../engine/arch/address.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte } from '../../engine/arch/pgtable.ts';
import { _PAGE_PRESENT, pte_dirty, pte_exec, pte_page, pte_present, pte_write, pte_young } from '../../engine/arch/pte.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { PageAnon, page_index } from '../../engine/mm/mem_map.ts';
import { mm_of, new_inode, open_inode } from '../../engine/mm/mm_struct.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { machineWith } from './tasks.ts';

export const RW = PROT_READ | PROT_WRITE;
export const ANON = MAP_PRIVATE | MAP_ANONYMOUS;

/** A process of uid 1000. */
export function user(name: string, run: Body, options: Partial<TestTask> = {}): TestTask {
  return { kind: 'user', uid: 1000, ...options, name, run };
}

/** What a run left. */
export interface Ran {
  k: Kernel;
  end: RunEnd;
  /** The first task. */
  task: task_struct;
}

/** Runs tasks to their end, with every law checked whenever another one is chosen. A task that throws (an assertion) ends the test. */
export function runLawfully(tasks: readonly TestTask[], config: Partial<MachineConfig> = {}, forks: Forks = {}): Ran {
  const machine = machineWith(tasks, config, forks);
  machine.hooks = { boundary: ({ k }) => assert.deepEqual(check_machine(k), []) };
  const end = run_machine(machine);
  assert.deepEqual(check_machine(machine.k), []);
  return { k: machine.k, end, task: machine.k.tasks[1]! };
}

/** Runs one process, and sees it end by itself. */
export function inProcess(run: Body, config: Partial<MachineConfig> = {}, forks: Forks = {}): Ran {
  const ran = runLawfully([user('p', run)], config, forks);
  assert.deepEqual([ran.end, ran.task.signal], [{ reason: 'ended', message: '', waiting: [] }, 0]);
  return ran;
}

export function mmOf(k: Kernel, task: task_struct): mm_struct {
  return mm_of(k, task.mm);
}

/** Maps so many pages of private anonymous memory, or of a file by its id; where they begin. */
export function* mapPages(
  k: Kernel, pages: number, { prot = RW, flags = ANON, file = 0, addr = 0 } = {},
): Generator<Wait, VirtAddr, void> {
  const at = yield* sys_mmap2(k, addr, pages * PAGE_SIZE, prot, flags, file);
  assert.ok(at > 0, `mmap gives ${at}`);
  return virt(at);
}

/** Opens a new file of so many bytes for reading and writing; its id. */
export function fileOfSize(k: Kernel, path: string, size: number): number {
  return open_inode(k, new_inode(k, path, 'file', size), FMODE_READ | FMODE_WRITE, 0).id;
}

/** Address of a page of a range. */
export function pageAt(base: VirtAddr, page: number): VirtAddr {
  return virt(base + page * PAGE_SIZE);
}

/** An entry of an address space; 0 where no table is. */
export function pteAt(k: Kernel, mm: mm_struct, address: VirtAddr): pte_t {
  const entry = pte_offset_map(k, mm, address);
  return entry === null ? 0 : read_pte(k, entry);
}

/** Bits 0 … 11 of an entry, as the recordings print them. */
export function pteFlags(k: Kernel, mm: mm_struct, address: VirtAddr): string {
  return (pteAt(k, mm, address) & 0xfff).toString(16).padStart(3, '0');
}

/** Frame behind an address. */
export function frameAt(k: Kernel, mm: mm_struct, address: VirtAddr): Pfn {
  return pte_page(pteAt(k, mm, address));
}

/** The entries of a range in the notation; `names` are those of the anonymous pages so far. */
export function tablesOf(k: Kernel, mm: mm_struct, base: VirtAddr, pages: number, names: Map<Pfn, string>): string {
  const shown: string[] = [];
  for (let page = 0; page < pages; page++) {
    const pte = pteAt(k, mm, pageAt(base, page));
    if (pte !== 0) shown.push(`${page}=${frameName(k, pte_page(pte), names)}:${flagsOf(k, pte)}`);
  }
  return shown.join(' ');
}

function flagsOf(k: Kernel, pte: pte_t): string {
  assert.ok(pte_present(pte), 'a test of swap entries has its own notation');
  const flags = [
    (pte & _PAGE_PRESENT) !== 0 ? 'R' : 'N', pte_write(pte) ? 'W' : '', pte_young(pte) ? 'A' : '', pte_dirty(pte) ? 'D' : '',
    is_x86_64(k) && pte_exec(pte) ? 'X' : '',
  ];
  return flags.join('');
}

function frameName(k: Kernel, page: Pfn, names: Map<Pfn, string>): string {
  if (page === k.zero_page) return 'zero';
  if (!PageAnon(k, page)) return `f${page_index(k, page)}`;
  const name = names.get(page) ?? String.fromCharCode(97 + names.size);
  names.set(page, name);
  return name;
}

/** Takes pages until a request is not served any more; by default one that may not sleep. */
export function* takeAllFreePages(k: Kernel, gfp = 0): Generator<Wait, Pfn[], void> {
  const taken: Pfn[] = [];
  for (;;) {
    const page = yield* alloc_page(k, gfp);
    if (page === NO_PAGE) return taken;
    taken.push(page);
  }
}

/** Recorded events of some names from `since` on, as `name field=value …` with the fields asked for. */
export function eventsOf(k: Kernel, since: number, wanted: Readonly<Record<string, readonly string[]>>): string[] {
  return trace_records(k, since).filter(({ name }) => name in wanted)
    .map(({ name, args }) => [name, ...wanted[name]!.map((field) => `${field}=${args[field]!.toString(16)}`)].join(' '));
}
