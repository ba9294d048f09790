/** Tasks, with what they have of memory. A process that has ended is as it was just before it gave up its memory (task.exit_image). */
import type { Kernel, mm_struct, task_struct } from '../../engine/index.ts';
import {
  EXIT_ZOMBIE, children_of, is_swap_pte, mm_vmas, pte_entries, pte_tables, shown_badness, shown_mm, signal_name, task_mm, task_state_letter,
} from '../../engine/index.ts';
import { registerAddress } from './call.ts';
import type { Field, Kind } from './kinds.ts';
import { addressField, fieldsOf, id, indexedBy, showBytes, showPages } from './kinds.ts';
import { openFilesValue } from './objects-files.ts';
import { mmValueOf, vmaHolding, vmasValue } from './objects-mm.ts';
import { pageMappedAt, pteAt } from './objects-pte.ts';
import { taskNamed, tasksOf, uniqueNames, writtenName } from './task-names.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError } from './values.ts';
import { count } from './words.ts';

const KIB_A_PAGE = 4;

export function taskValue(pid: number): ObjectValue {
  return { kind: 'task', pid };
}

export const TASK_KINDS: readonly [string, Kind][] = [
  ['processes', {
    name: () => 'processes',
    summary: (k) => count(tasksOf(k).length, 'task'),
    names: uniqueNames,
    lookUp: (k, _, name) => found(taskNamed(k, name)),
    indexed: indexedBy(tasksOf, ({ pid }) => taskValue(pid)),
    hidesIndexed: true,
  }],
  ['task', { name: taskName, summary: taskSummary, fields: taskFields(), methods: taskMethods() }],
  ['rlimits', {
    name: (k, o) => `${taskName(k, o)}.rlim`,
    summary: (k, o) => `stack ${showLimit(limit(taskOf(k, o).rlim.RLIMIT_STACK))}, address space ${showLimit(limit(taskOf(k, o).rlim.RLIMIT_AS))}`,
    fields: new Map((['RLIMIT_DATA', 'RLIMIT_STACK', 'RLIMIT_AS', 'RLIMIT_MEMLOCK'] as const).map((name): [string, Field] => [
      name, { get: (k, o) => limit(taskOf(k, o).rlim[name]), show: (_, bytes) => showLimit(bytes as number) },
    ])),
  }],
];

function found(task: task_struct | undefined): { value: Value } | undefined {
  return task === undefined ? undefined : { value: taskValue(task.pid) };
}

// ---- finding ----------------------------------------------------------------------------------------------------------

function taskOf(k: Kernel, o: ObjectValue): task_struct {
  return k.tasks[id(o, 'pid')]!;
}

function taskName(k: Kernel, o: ObjectValue): string {
  return writtenName(k, taskOf(k, o));
}

function taskSummary(k: Kernel, o: ObjectValue): string {
  const task = taskOf(k, o);
  const mm = shown_mm(k, task);
  const rss = mm === null ? '' : `, rss ${mm.anon_rss + mm.file_rss}`;
  return `${task.name} (pid ${task.pid}) ${task_state_letter(task.state)}${howItIs(task)}${rss}`;
}

function howItIs({ state, signal, waits_for }: task_struct): string {
  if (state === EXIT_ZOMBIE) return signal === 0 ? '' : `, ended by ${signal_name(signal)}`;
  return waits_for === '' ? '' : `, waits for ${waits_for}`;
}

// ---- members ----------------------------------------------------------------------------------------------------------

function taskFields(): Map<string, Field> {
  return new Map<string, Field>([
    ...fieldsOf(taskOf, ['pid', 'comm', 'name', 'kind']),
    ['state', { get: (k, o) => task_state_letter(taskOf(k, o).state) }],
    ...fieldsOf(taskOf, ['flags'], (flags) => `0x${(flags as number).toString(16)}`),
    ...fieldsOf(taskOf, ['nice', 'uid', 'euid']),
    ['oom_adj', { get: (k, o) => taskOf(k, o).oomkilladj }],
    ...memoryFields(),
    ['files', { get: (_, o) => openFilesValue(id(o, 'pid')) }],
    ['parent', { get: (k, o) => (taskOf(k, o).parent === 0 ? 0 : taskValue(taskOf(k, o).parent)) }],
    ['children', { get: (k, o) => children_of(k, taskOf(k, o)).map(({ pid }) => taskValue(pid)) }],
    ...fieldsOf(taskOf, ['cpu', 'utime', 'start_time', 'exit_code', 'waits_for']),
    ['signal', { get: (k, o) => taskOf(k, o).signal, show: (_, signal) => (signal === 0 ? '0' : `${String(signal)} (${signal_name(signal as number)})`) }],
    ...fieldsOf(taskOf, ['si_code']),
    ['si_addr', addressField((k, o) => taskOf(k, o).si_addr)],
  ]);
}

/** Figures of the address space: 0 for a task that never had one. */
function memoryFields(): [string, Field][] {
  const pages = (get: (mm: mm_struct) => number): Field => ({ get: (k, o) => figure(k, o, get), show: (_, value) => showPages(value) });
  return [
    ['rss', pages((mm) => mm.anon_rss + mm.file_rss)],
    ['anon_rss', pages((mm) => mm.anon_rss)],
    ['file_rss', pages((mm) => mm.file_rss)],
    ['swap_pages', { get: swapPages, show: (_, value) => showPages(value) }],
    ['total_vm', pages((mm) => mm.total_vm)],
    ['vsz', { get: (k, o) => figure(k, o, (mm) => mm.total_vm * KIB_A_PAGE), show: (_, value) => `${String(value)} kB` }],
    ['locked_vm', pages((mm) => mm.locked_vm)],
    ['nr_ptes', { get: (k, o) => figure(k, o, (mm) => mm.nr_ptes) }],
    ...fieldsOf(taskOf, ['min_flt', 'maj_flt']),
    ['badness', { get: (k, o) => shown_badness(k, taskOf(k, o)) }],
    ['vmas', { get: (k, o) => vmasValue(taskOf(k, o)) }],
    ['brk', addressField((k, o) => figure(k, o, (mm) => mm.brk))],
    ['esp', addressField((k, o) => taskOf(k, o).esp)],
    ['mm', { get: (k, o) => mmValueOf(taskOf(k, o)) }],
    ['rlim', { get: (_, o) => ({ ...o, kind: 'rlimits' }) }],
  ];
}

function figure(k: Kernel, o: ObjectValue, get: (mm: mm_struct) => number): number {
  const mm = shown_mm(k, taskOf(k, o));
  return mm === null ? 0 : get(mm);
}

/** Entries that stand for pages in swap. */
function swapPages(k: Kernel, o: ObjectValue): number {
  const task = taskOf(k, o);
  const mm = task_mm(k, task);
  if (mm === null) return task.exit_image?.vmas.reduce((sum, { smaps }) => sum + smaps.swap, 0) ?? 0;
  const tables = mm_vmas(k, mm).flatMap((vma) => pte_tables(k, mm, vma.vm_start, vma.vm_end));
  return tables.reduce((sum, { start, end }) => sum + pte_entries(k, mm, start, end).filter(({ pte }) => is_swap_pte(pte)).length, 0);
}

function taskMethods(): NonNullable<Kind['methods']> {
  return new Map([
    ['pte', (k, o, args) => pteAt(k, id(o, 'pid'), one(args, 'pte'))],
    ['page_of', (k, o, args) => pageMappedAt(k, id(o, 'pid'), registerAddress(k, one(args, 'page_of')))],
    ['vma_of', (k, o, args) => vmaHolding(k, taskOf(k, o), registerAddress(k, one(args, 'vma_of')))],
  ]);
}

function one(args: Value[], name: string): Value {
  if (args.length !== 1) throw new ValueError(`\`${name}\` takes one address`);
  return args[0]!;
}

// ---- limits -----------------------------------------------------------------------------------------------------------

/** What a limit reads as that is none. */
const NO_LIMIT = -1;

function limit(bytes: number): number {
  return bytes === Infinity ? NO_LIMIT : bytes;
}

function showLimit(bytes: number): string {
  return bytes === NO_LIMIT ? 'unlimited' : showBytes(bytes);
}
