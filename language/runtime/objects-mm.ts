/**
 * Address spaces: mm_struct, its areas (vm_area_struct) with the page tables and pages behind them, and anon_vma, what anonymous pages belong to
 * (KERNEL.md R-1, MM-1 … MM-6). Of a process that has ended they are as they were when it gave up its memory.
 */
import type { Kernel, Pfn, anon_vma, mm_struct, pte_table, task_struct, vm_area_struct } from '../../engine/index.ts';
import {
  VM_EXEC, VM_FLAG_NAMES, VM_MAYSHARE, VM_READ, VM_WRITE, anon_vma_of, area_name, mm_of, mm_vmas, pte_entries, pte_page, pte_present,
  pte_tables, vma_inode,
} from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { Field, Kind } from './kinds.ts';
import { addressField, fieldsOf, id, indexedBy, showAddress, showBytes, showFlags, showPages } from './kinds.ts';
import { pteValue } from './objects-pte.ts';
import { writtenName } from './task-names.ts';
import { count } from './words.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError } from './values.ts';

/** A task's address space: the one it has, or the one it had when it ended; 0 for a task that never had one. */
export function mmValueOf(task: task_struct): Value {
  if (task.mm !== 0) return { kind: 'mm_struct', mm: task.mm };
  return task.exit_image === null ? 0 : { kind: 'mm_struct', pid: task.pid };
}

export function mmValue({ id: mm }: Pick<mm_struct, 'id'>): ObjectValue {
  return { kind: 'mm_struct', mm };
}

export function vmaValue({ id: vma }: Pick<vm_area_struct, 'id'>): ObjectValue {
  return { kind: 'vma', vma };
}

export function anonVmaValue({ id: anon }: Pick<anon_vma, 'id'>): ObjectValue {
  return { kind: 'anon_vma', anon };
}

/** The areas of a task's address space, present or past. */
export function vmasValue(task: task_struct): Value {
  const mm = mmValueOf(task);
  return typeof mm === 'object' ? { ...(mm as ObjectValue), kind: 'vma list' } : [];
}

/** The area that holds an address of a task, or 0. */
export function vmaHolding(k: Kernel, task: task_struct, address: number): Value {
  const list = vmasValue(task);
  if (Array.isArray(list)) return 0;
  const at = recordsOf(k, list as ObjectValue).findIndex(({ vm_start, vm_end }) => vm_start <= address && address < vm_end);
  return at < 0 ? 0 : vmaAt(k, list as ObjectValue, at);
}

export const MM_KINDS: readonly [string, Kind][] = [
  ['mm_struct', { name: mmName, summary: mmSummary, gone: goneMm, fields: mmFields() }],
  ['vma list', {
    name: (k, o) => `${mmName(k, o)}.vmas`,
    summary: (k, o) => count(recordsOf(k, o).length, 'area'),
    gone: goneMm,
    indexed: indexedBy(recordsOf, (vma, at, o) => (o['mm'] === undefined ? { kind: 'vma', pid: o['pid']!, at } : vmaValue(vma))),
  }],
  ['vma', { name: vmaName, summary: vmaSummary, gone: goneVma, fields: vmaFields() }],
  ['page table list', {
    name: (k, o) => `${vmaName(k, o)}.page_tables`,
    summary: (k, o) => count(tablesOf(k, o).length, 'table'),
    gone: goneVma,
    indexed: indexedBy(tablesOf, (table, _, o) => ({ ...o, kind: 'page table', start: table.start })),
  }],
  ['page table', { name: tableName, summary: tableSummary, gone: goneVma, fields: tableFields(), indexed: indexedBy(entriesOf, (entry) => entry) }],
  ['resident pages', {
    name: (k, o) => `${vmaName(k, o)}.pages`,
    summary: (k, o) => count(residentOf(k, o).length, 'page'),
    gone: goneVma,
    indexed: indexedBy(residentOf, (page) => ({ kind: 'page', pfn: page })),
  }],
  ['anon_vma', {
    name: (_, o) => `anon_vma ${id(o, 'anon')}`,
    summary: (k, o) => `anon_vma ${id(o, 'anon')} of ${count(anonOf(k, o).vmas.length, 'area')}`,
    gone: (k, o) => ((k.anon_vmas[id(o, 'anon')] ?? null) === null ? `anon_vma ${id(o, 'anon')}, which is gone` : undefined),
    fields: new Map<string, Field>([
      ['id', { get: (_, o) => id(o, 'anon') }],
      ['vmas', { get: (k, o) => anonOf(k, o).vmas.map((vma) => vmaValue({ id: vma })) }],
    ]),
  }],
];

// ---- mm_struct --------------------------------------------------------------------------------------------------------

function findMm(k: Kernel, o: ObjectValue): mm_struct {
  const mm = o['mm'] === undefined ? k.tasks[id(o, 'pid')]!.exit_image?.mm : k.mm_structs[id(o, 'mm')];
  if (mm === null || mm === undefined) throw new ValueError('this address space is gone');
  return mm;
}

function goneMm(k: Kernel, o: ObjectValue): string | undefined {
  if (o['mm'] === undefined) return undefined;
  return (k.mm_structs[id(o, 'mm')] ?? null) === null ? 'an address space that is gone' : undefined;
}

/** Whose it is: no two tasks of this language share one. */
function ownerOf(k: Kernel, o: ObjectValue): task_struct | undefined {
  return o['mm'] === undefined ? k.tasks[id(o, 'pid')] : k.tasks.find((task) => task.mm === o['mm']);
}

function mmName(k: Kernel, o: ObjectValue): string {
  const owner = ownerOf(k, o);
  return owner === undefined ? `mm ${id(o, 'mm')}` : `${writtenName(k, owner)}.mm`;
}

function mmSummary(k: Kernel, o: ObjectValue): string {
  const { total_vm, anon_rss, file_rss, nr_ptes } = findMm(k, o);
  return `${count(recordsOf(k, o).length, 'area')}, total_vm ${total_vm}, rss ${anon_rss + file_rss}, nr_ptes ${nr_ptes}`;
}

function mmFields(): Map<string, Field> {
  const address = (name: keyof mm_struct & string): [string, Field] => [name, addressField((k, o) => findMm(k, o)[name] as number)];
  return new Map<string, Field>([
    ['vmas', { get: (_, o) => ({ ...o, kind: 'vma list' }) }],
    ...fieldsOf(findMm, ['map_count', 'mm_users']),
    ['pgd', { get: (k, o) => findMm(k, o).pgd, show: (_, at) => `${showAddress(at)} (physical)` }],
    ...fieldsOf(findMm, ['nr_ptes']),
    ['rss', { get: (k, o) => findMm(k, o).anon_rss + findMm(k, o).file_rss, show: (_, pages) => showPages(pages) }],
    ...fieldsOf(findMm, ['anon_rss', 'file_rss', 'hiwater_rss', 'total_vm', 'hiwater_vm', 'locked_vm', 'shared_vm', 'exec_vm', 'stack_vm', 'reserved_vm'], showPages),
    ...(['start_code', 'end_code', 'start_data', 'end_data', 'start_brk', 'brk', 'start_stack', 'mmap_base', 'free_area_cache'] as const).map(address),
    ...fieldsOf(findMm, ['cached_hole_size', 'task_size'], showAddress),
    ...fieldsOf(findMm, ['top_down']),
    ['def_flags', { get: (k, o) => findMm(k, o).def_flags, show: (_, flags) => showFlags(flags as number, VM_FLAG_NAMES) }],
    ['mmap_sem', { get: (k, o) => findMm(k, o).mmap_sem.activity, show: (_, activity) => showSemaphore(activity as number) }],
  ]);
}

function showSemaphore(activity: number): string {
  if (activity === 0) return 'free';
  return activity < 0 ? 'held by a writer' : `held by ${count(activity, 'reader')}`;
}

// ---- areas ------------------------------------------------------------------------------------------------------------

/** Areas of an address space, or of what is left of one. */
function recordsOf(k: Kernel, o: ObjectValue): vm_area_struct[] {
  if (o['mm'] === undefined) return k.tasks[id(o, 'pid')]!.exit_image?.vmas.map(({ vma }) => vma) ?? [];
  return mm_vmas(k, findMm(k, o));
}

function vmaAt(k: Kernel, list: ObjectValue, at: number): ObjectValue {
  return list['mm'] === undefined ? { kind: 'vma', pid: list['pid']!, at } : vmaValue(recordsOf(k, list)[at]!);
}

function findVma(k: Kernel, o: ObjectValue): vm_area_struct {
  const vma = o['vma'] === undefined ? k.tasks[id(o, 'pid')]!.exit_image?.vmas[id(o, 'at')]?.vma : k.vmas[id(o, 'vma')];
  if (vma === null || vma === undefined) throw new ValueError('this area is gone: it was unmapped');
  return vma;
}

function goneVma(k: Kernel, o: ObjectValue): string | undefined {
  return o['vma'] !== undefined && (k.vmas[id(o, 'vma')] ?? null) === null ? 'an area that was unmapped' : undefined;
}

/** As an expression would find it again. */
function vmaName(k: Kernel, o: ObjectValue): string {
  const gone = goneVma(k, o);
  if (gone !== undefined) return gone;
  const list: ObjectValue = o['vma'] === undefined ? { kind: 'vma list', pid: o['pid']! } : { kind: 'vma list', mm: findVma(k, o).vm_mm };
  const at = o['vma'] === undefined ? id(o, 'at') : (k.mm_structs[id(list, 'mm')]?.mmap.indexOf(id(o, 'vma')) ?? -1);
  return at < 0 ? `vma ${id(o, 'vma')}` : `${mmName(k, list)}.vmas[${at}]`;
}

function vmaSummary(k: Kernel, o: ObjectValue): string {
  const vma = findVma(k, o);
  const name = nameOf(k, o);
  const [start, end] = [vma.vm_start, vma.vm_end].map((address) => showAddress(shownAddress(address)));
  return `${start} … ${end} ${permissionsOf(vma)} ${showBytes(vma.vm_end - vma.vm_start)}${name === '' ? '' : `, ${name}`}`;
}

/** What /proc/PID/maps calls it: a file's path, [heap], [stack]; often nothing. */
function nameOf(k: Kernel, o: ObjectValue): string {
  const vma = findVma(k, o);
  const mm = o['vma'] === undefined ? k.tasks[id(o, 'pid')]!.exit_image!.mm : (k.mm_structs[vma.vm_mm] ?? null);
  return mm === null ? '' : area_name(mm, { vma, path: pathOf(k, o) });
}

/** The path of its file; '' for memory that is none's. */
function pathOf(k: Kernel, o: ObjectValue): string {
  if (o['vma'] === undefined) return k.tasks[id(o, 'pid')]!.exit_image!.vmas[id(o, 'at')]!.path;
  return vma_inode(k, findVma(k, o))?.path ?? '';
}

/** As /proc/PID/maps writes what may be done there: `rw-p`. */
function permissionsOf({ vm_flags }: vm_area_struct): string {
  const letter = (bit: number, text: string): string => ((vm_flags & bit) !== 0 ? text : '-');
  return letter(VM_READ, 'r') + letter(VM_WRITE, 'w') + letter(VM_EXEC, 'x') + ((vm_flags & VM_MAYSHARE) !== 0 ? 's' : 'p');
}

function vmaFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['start', addressField((k, o) => findVma(k, o).vm_start)],
    ['end', addressField((k, o) => findVma(k, o).vm_end)],
    ['size', { get: (k, o) => findVma(k, o).vm_end - findVma(k, o).vm_start, show: (_, size) => showBytes(size as number) }],
    ['permissions', { get: (k, o) => permissionsOf(findVma(k, o)) }],
    ['flags', { get: (k, o) => findVma(k, o).vm_flags, show: (_, flags) => showFlags(flags as number, VM_FLAG_NAMES) }],
    ['name', { get: nameOf }],
    ['file', { get: (k, o) => fileOf(k, o) }],
    ['pgoff', { get: (k, o) => findVma(k, o).vm_pgoff, show: (_, pgoff) => showAddress(pgoff) }],
    ['anon', { get: (k, o) => findVma(k, o).anon_vma !== 0 }],
    ['anon_vma', { get: anonField }],
    ['rss', { get: (k, o) => residentOf(k, o).length, show: (_, pages) => showPages(pages) }],
    ['page_prot', { get: (k, o) => findVma(k, o).vm_page_prot, show: (_, prot) => showAddress(prot) }],
    ['page_tables', { get: (_, o) => ({ ...o, kind: 'page table list' }) }],
    ['pages', { get: (_, o) => ({ ...o, kind: 'resident pages' }) }],
    ['mm', { get: (k, o) => (o['vma'] === undefined ? { kind: 'mm_struct', pid: o['pid']! } : mmValue({ id: findVma(k, o).vm_mm })) }],
  ]);
}

/** The path of its file, or 0. */
function fileOf(k: Kernel, o: ObjectValue): Value {
  return findVma(k, o).vm_file === 0 ? 0 : pathOf(k, o);
}

/** The anon_vma of an area that is there: ids of gone ones are given out again. */
function anonField(k: Kernel, o: ObjectValue): Value {
  const { anon_vma } = findVma(k, o);
  return anon_vma === 0 || o['vma'] === undefined ? 0 : anonVmaValue({ id: anon_vma });
}

/** Frames of the present entries of an area, by address. */
function residentOf(k: Kernel, o: ObjectValue): Pfn[] {
  if (o['vma'] === undefined) return k.tasks[id(o, 'pid')]!.exit_image!.vmas[id(o, 'at')]!.present.flatMap(({ pfns }) => pfns);
  const vma = findVma(k, o);
  const mm = mm_of(k, vma.vm_mm);
  const entries = tablesOf(k, o).flatMap(({ start, end }) => pte_entries(k, mm, start, end));
  return entries.filter(({ pte }) => pte_present(pte)).map(({ pte }) => pte_page(pte));
}

// ---- page tables ------------------------------------------------------------------------------------------------------

/** Tables of the lowest level that serve an area; an ended process has none. */
function tablesOf(k: Kernel, o: ObjectValue): pte_table[] {
  if (o['vma'] === undefined) return [];
  const { vm_mm, vm_start, vm_end } = findVma(k, o);
  const mm = k.mm_structs[vm_mm] ?? null;
  return mm === null ? [] : pte_tables(k, mm, vm_start, vm_end);
}

function tableOf(k: Kernel, o: ObjectValue): pte_table {
  const table = tablesOf(k, o).find(({ start }) => start === o['start']);
  if (table === undefined) throw new ValueError('this page table is gone');
  return table;
}

function tableName(k: Kernel, o: ObjectValue): string {
  return `${vmaName(k, o)}.page_tables[${tablesOf(k, o).findIndex(({ start }) => start === o['start'])}]`;
}

function tableSummary(k: Kernel, o: ObjectValue): string {
  const { start, end, table, present, swapped } = tableOf(k, o);
  return `${showAddress(shownAddress(start))} … ${showAddress(shownAddress(end))} in page ${table}: ${present} present${swapped === 0 ? '' : `, ${swapped} swapped out`}`;
}

function tableFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['page', { get: (k, o) => ({ kind: 'page', pfn: tableOf(k, o).table }) }],
    ...fieldsOf(tableOf, ['start', 'end'], showAddress),
    ...fieldsOf(tableOf, ['present', 'swapped']),
  ]);
}

/** Those of its entries that are not empty. */
function entriesOf(k: Kernel, o: ObjectValue): ObjectValue[] {
  const { start, end } = tableOf(k, o);
  const mm = mm_of(k, findVma(k, o).vm_mm);
  const pid = k.tasks.find((task) => task.mm === mm.id)?.pid ?? 0;
  return pte_entries(k, mm, start, end).map(({ address }) => pteValue(pid, address));
}

// ---- what pages belong to ---------------------------------------------------------------------------------------------

function anonOf(k: Kernel, o: ObjectValue): anon_vma {
  return anon_vma_of(k, id(o, 'anon'));
}
