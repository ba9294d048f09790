// What stands in the page tables of a process, drawn over the regions of vma-notation.ts, one character a page:
//
//   .  no entry       z  the page of zeroes       n  there, but not for the process (PROT_NONE)
//   r  a page of its own, read only               w  writable
//   c  a page of a file, read only                C  writable
//
// A bar ' after the letter says that the entry is dirty: w' was written.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import type { pte_t } from '../../engine/arch/pte.ts';
import type { Process } from './vma-notation.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte } from '../../engine/arch/pgtable.ts';
import { _PAGE_PRESENT, pte_dirty, pte_none, pte_page, pte_present, pte_write } from '../../engine/arch/pte.ts';
import { PageAnon } from '../../engine/mm/mem_map.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { at, call } from './vma-notation.ts';

/** The entry of an address, 0 where there is no table. */
export function entryAt({ k, mm }: Process, address: VirtAddr): pte_t {
  const entry = pte_offset_map(k, mm, address);
  return entry === null ? 0 : read_pte(k, entry);
}

/** The entries of `pages` pages of a region from its first on. */
export function entriesOf(process: Process, pages: number, region = 'mid'): string {
  return Array.from({ length: pages }, (_, i) => letterOf(process.k, entryAt(process, at(process, i, region, pages)))).join('');
}

function letterOf(k: Kernel, pte: pte_t): string {
  if (pte_none(pte)) return '.';
  assert.ok(pte_present(pte));
  const dirty = pte_dirty(pte) ? '\'' : '';
  if ((pte & _PAGE_PRESENT) === 0) return `n${dirty}`;
  if (pte_page(pte) === k.zero_page) return `z${dirty}`;
  const [readOnly, writable] = PageAnon(k, pte_page(pte)) ? ['r', 'w'] : ['c', 'C'];
  return `${pte_write(pte) ? writable : readOnly}${dirty}`;
}

/** Touches pages of a region as a program does, by a drawing: `r` reads a page, `w` writes its number + 1 into it, `.` leaves it alone. */
export function touch(process: Process, drawing: string, region = 'mid'): void {
  for (const [page, letter] of [...drawing].entries()) {
    const address = at(process, page, region, drawing.length);
    if (letter === 'r') assert.notEqual(load(process, address), SIGNAL, `reading page ${page}`);
    if (letter === 'w') assert.notEqual(store(process, address, page + 1), SIGNAL, `writing page ${page}`);
  }
}

/** What load and store answer where the process got a signal instead; it is taken away again. */
export const SIGNAL = 'signal';

export function load(process: Process, address: number): number | typeof SIGNAL {
  return unlessKilled(process, call(process, load_user(process.k, virt(address))));
}

export function store(process: Process, address: number, byte: number): number | typeof SIGNAL {
  return unlessKilled(process, call(process, store_user(process.k, virt(address), byte)));
}

function unlessKilled({ task }: Process, answer: number): number | typeof SIGNAL {
  const killed = task.pending.length > 0;
  task.pending = [];
  return killed ? SIGNAL : answer;
}

/** The first bytes of pages of a region: by them a test knows which page is which. */
export function bytesOf(process: Process, pages: number, region = 'mid'): (number | typeof SIGNAL)[] {
  return Array.from({ length: pages }, (_, i) => load(process, at(process, i, region, pages)));
}

/** What tracepoints of some names recorded while something ran, `name field=value …`, addresses as pages of `mid`. */
export function eventsOf(process: Process, names: readonly string[], run: () => void): string[] {
  set_tracing(process.k, 1);
  const before = trace_records(process.k).at(-1)?.seq ?? -1;
  run();
  set_tracing(process.k, 0);
  const base = at(process, 0);
  const show = (value: number): string => (value >= base && value < base + 2 ** 30 ? `@${(value - base) / PAGE_SIZE}` : String(value));
  return trace_records(process.k).filter(({ seq, name }) => seq > before && names.includes(name)).map(({ name, args }) => (
    [name, ...Object.entries(args).filter(([field]) => ['address', 'why', 'start', 'end'].includes(field)).map(([field, value]) => `${field}=${show(value)}`)].join(' ')));
}
