/**
 * Page-table entries, with the walk that finds them (KERNEL.md 1.3, X-7, X-9). An entry is known by the task whose tables are walked and an address;
 * looking sets no accessed bit and makes no table. An ended process's tables are gone: of what was present its pages are still known.
 */
import type { Kernel, PhysAddr, task_struct, tlb, walk_step } from '../../engine/index.ts';
import {
  _PAGE_GLOBAL, _PAGE_PRESENT, _PAGE_PROTNONE, _PAGE_PSE, hardware_pte, is_swap_pte, mk_pte, pte_dirty, pte_exec, pte_file, pte_page, pte_present,
  pte_to_swp_entry, pte_user, pte_write, pte_young, show_pte_bits, task_mm, virt, walk_page_table,
} from '../../engine/index.ts';
import { registerAddress } from './call.ts';
import { shownAddress } from './addresses.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, indexedBy, showAddress } from './kinds.ts';
import type { ObjectValue, Value } from './values.ts';
import { hex, integer } from './values.ts';

const PAGE = 4096;
/** What a page of a process that has ended is shown with: its entry is gone. */
const ONLY_PRESENT = _PAGE_PRESENT;

/** The entry for an address in a task's tables, whether it is there or not. */
export function pteValue(pid: number, address: number): ObjectValue {
  return { kind: 'pte', pid, address };
}

/** The same, for an address that the language has. Throws ValueError for what is no number. */
export function pteAt(k: Kernel, pid: number, address: Value | undefined): ObjectValue {
  return pteValue(pid, registerAddress(k, address));
}

/** The page that a task's address is mapped to, or 0. */
export function pageMappedAt(k: Kernel, pid: number, address: number): Value {
  return pageField(k, pteValue(pid, address));
}

export function tlbValue(cpu: number): ObjectValue {
  return { kind: 'tlb', cpu };
}

export const PTE_KINDS: readonly [string, Kind][] = [
  ['pte', { name: (_, o) => `pte(${shown(o)})`, summary: pteSummary, fields: pteFields() }],
  ['pte levels', {
    name: (_, o) => `pte(${shown(o)}).levels`,
    summary: (k, o) => stepsOf(k, o).map(({ level, index }) => `${level}[${index}]`).join(' → '),
    indexed: indexedBy(stepsOf, (_, level, o) => ({ ...o, kind: 'pte level', level })),
  }],
  ['tlb', {
    name: (_, o) => `tlbs[${id(o, 'cpu')}]`,
    summary: (k, o) => `CPU ${id(o, 'cpu')}: ${tlbOf(k, o).hits} hits, ${tlbOf(k, o).misses} misses, ${tlbOf(k, o).flushes + tlbOf(k, o).page_flushes} flushes`,
    fields: tlbFields(),
  }],
  ['pte level', { name: (_, o) => `pte(${shown(o)}).levels[${id(o, 'level')}]`, summary: levelSummary, fields: levelFields() }],
];

function tlbOf(k: Kernel, o: ObjectValue): tlb {
  return k.tlbs[id(o, 'cpu')]!;
}

function tlbFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['mm', { get: (k, o) => (tlbOf(k, o).mm === 0 ? 0 : { kind: 'mm_struct', mm: tlbOf(k, o).mm }) }],
    ['entries', { get: tlbEntries }],
    ...fieldsOf(tlbOf, ['hits', 'misses', 'flushes', 'page_flushes']),
  ]);
}

/** The entries it remembers, by address. */
function tlbEntries(k: Kernel, o: ObjectValue): Value {
  const { mm, vpn } = tlbOf(k, o);
  const owner = k.tasks.find((task) => task.mm === mm && mm !== 0);
  if (owner === undefined) return [];
  return [...vpn].filter((page) => page >= 0).sort((a, b) => a - b).map((page) => pteValue(owner.pid, page * PAGE));
}

function shown(o: ObjectValue): string {
  return showAddress(shownAddress(id(o, 'address')));
}

// ---- the entry --------------------------------------------------------------------------------------------------------

/** What stands where a walk ends, as an entry of the lowest level: a large page of the kernel's own is as many small ones. 0: a table is missing. */
function entryOf(k: Kernel, o: ObjectValue): number {
  const steps = stepsOf(k, o);
  const last = steps.at(-1);
  if (last === undefined) return entryAsItWas(k, o);
  if (last.level === 'PTE') return last.value;
  if ((last.value & _PAGE_PRESENT) === 0 || (last.value & _PAGE_PSE) === 0) return 0;
  const size = last.level === 'PMD' ? 2 ** 21 : 2 ** 22;
  const within = Math.floor((((id(o, 'address') % size) + size) % size) / PAGE);
  return last.value - (last.value & _PAGE_PSE) + within * PAGE;
}

/** The levels of the walk; none for a process that has given up its tables. */
function stepsOf(k: Kernel, o: ObjectValue): walk_step[] {
  const pgd = tablesOf(k, k.tasks[id(o, 'pid')]!);
  return pgd === null ? [] : walk_page_table(k, pgd, virt(id(o, 'address')));
}

/** A kernel thread has no tables of its own: its addresses are those of init_mm. */
function tablesOf(k: Kernel, task: task_struct): PhysAddr | null {
  const mm = task_mm(k, task);
  if (mm !== null) return mm.pgd;
  return task.kind === 'user' ? null : k.init_mm.pgd;
}

function entryAsItWas(k: Kernel, o: ObjectValue): number {
  const address = Math.floor(id(o, 'address') / PAGE) * PAGE;
  for (const { present } of k.tasks[id(o, 'pid')]!.exit_image?.vmas ?? []) {
    const run = present.find((one) => one.address <= address && address < one.address + one.pfns.length * PAGE);
    if (run !== undefined) return mk_pte(run.pfns[(address - run.address) / PAGE]!, ONLY_PRESENT);
  }
  return 0;
}

function pteSummary(k: Kernel, o: ObjectValue): string {
  const pte = entryOf(k, o);
  const missing = stepsOf(k, o).at(-1);
  if (pte === 0) return missing === undefined || missing.level === 'PTE' ? 'none' : `none: no table behind ${missing.level}[${missing.index}]`;
  return pte_present(pte) ? `page ${pte_page(pte)}, ${show_pte_bits(pte)}` : show_pte_bits(pte);
}

/** A number that a bit of a present entry stands for. */
function bit(holds: (pte: number) => boolean): Field {
  return { get: (k, o) => (pte_present(entryOf(k, o)) && holds(entryOf(k, o)) ? 1 : 0) };
}

function pteFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['present', bit(() => true)],
    ['pfn', { get: (k, o) => (pte_present(entryOf(k, o)) ? pte_page(entryOf(k, o)) : 0) }],
    ['page', { get: pageField }],
    ['writable', bit(pte_write)],
    ['user', bit(pte_user)],
    ['accessed', bit(pte_young)],
    ['dirty', bit(pte_dirty)],
    ['exec', bit(pte_exec)],
    ['nx', bit((pte) => !pte_exec(pte))],
    ['global', bit((pte) => (pte & _PAGE_GLOBAL) !== 0)],
    ['protnone', bit((pte) => (pte & _PAGE_PRESENT) === 0 && (pte & _PAGE_PROTNONE) !== 0)],
    ['file', { get: (k, o) => (!pte_present(entryOf(k, o)) && pte_file(entryOf(k, o)) ? 1 : 0) }],
    ['swap_entry', { get: swapEntry, show: (_, entry) => hex(entry as number) }],
    ['value', { get: (k, o) => integer(hardware_pte(entryOf(k, o))), show: (_, value) => hex(value as number) }],
    ['address', { get: (_, o) => shownAddress(id(o, 'address')), show: (_, address) => showAddress(address) }],
    ['levels', { get: (_, o) => ({ ...o, kind: 'pte levels' }) }],
  ]);
}

function pageField(k: Kernel, o: ObjectValue): Value {
  const pte = entryOf(k, o);
  return pte_present(pte) ? { kind: 'page', pfn: pte_page(pte) } : 0;
}

/** As the kernel's own swp_entry_t has it: the type above the offset. */
function swapEntry(k: Kernel, o: ObjectValue): Value {
  const pte = entryOf(k, o);
  if (!is_swap_pte(pte)) return 0;
  const { type, offset } = pte_to_swp_entry(pte);
  return integer((BigInt(type) << (k.platform.arch === 'i386' ? 27n : 59n)) | BigInt(offset));
}

// ---- the walk ---------------------------------------------------------------------------------------------------------

function stepOf(k: Kernel, o: ObjectValue): walk_step | undefined {
  return stepsOf(k, o)[id(o, 'level')];
}

function levelSummary(k: Kernel, o: ObjectValue): string {
  const step = stepOf(k, o);
  if (step === undefined) return 'no such level: a table above it is missing';
  const { level, index, entry, value } = step;
  return `${level}[${index}] at ${hex(entry)}: ${value === 0 ? 'none' : `${hex(hardware_pte(value))}, ${leadsTo(step)}`}`;
}

/** Where an entry leads: to the next table, or to the page. */
function leadsTo({ level, value }: walk_step): string {
  if (level === 'PTE') return pte_present(value) ? `page ${pte_page(value)}, ${show_pte_bits(value)}` : show_pte_bits(value);
  return `${(value & _PAGE_PSE) === 0 ? 'table in' : 'a large page from'} page ${pte_page(value)} on, ${show_pte_bits(value - (value & _PAGE_PSE))}`;
}

function levelFields(): Map<string, Field> {
  const field = (get: (step: walk_step) => Value, show?: (value: Value) => string): Field => {
    const read = (k: Kernel, o: ObjectValue): Value => (stepOf(k, o) === undefined ? 0 : get(stepOf(k, o)!));
    return show === undefined ? { get: read } : { get: read, show: (_, value) => show(value) };
  };
  return new Map<string, Field>([
    ['level', field(({ level }) => level)],
    ['table', field(({ table }) => ({ kind: 'page', pfn: table }))],
    ['index', field(({ index }) => index)],
    ['entry', field(({ entry }) => entry, showAddress)],
    ['value', field(({ value }) => integer(hardware_pte(value)), showAddress)],
    ['present', field(({ value }) => (pte_present(value) ? 1 : 0))],
    ['page', field(({ value }) => (pte_present(value) ? { kind: 'page', pfn: pte_page(value) } : 0))],
  ]);
}
