/** The machine itself, its counters, and its tasks. */
import type { Kernel, task_struct } from '../../engine/index.ts';
import { TRACEPOINTS, jiffies, meminfo, task_state_letter, vmstat } from '../../engine/index.ts';
import type { Field, Kind, Shown } from './kinds.ts';
import { fieldsOf, id } from './kinds.ts';
import { TASK_MEMBERS_NOT_MODELLED, notModelled } from './not-modelled.ts';
import { nodeValue, zonesValue } from './objects-zone.ts';
import type { ObjectValue, Value } from './values.ts';

/** What the Variables view calls Machine. */
export const MACHINE: ObjectValue = { kind: 'machine' };

const TOTALS = ['totalram_pages', 'totalhigh_pages', 'totalreserve_pages', 'vm_total_pages'] as const satisfies readonly (keyof Kernel)[];

/** The names of the machine that any expression may read. */
export const MACHINE_NAMES: ReadonlyMap<string, (k: Kernel) => Value> = new Map<string, (k: Kernel) => Value>([
  ['nodes', (k) => k.nodes.map((node) => nodeValue(node.node_id))],
  ['zones', () => zonesValue(0)],
  ['mem_map', () => ({ kind: 'mem_map' })],
  ['caches', () => ({ kind: 'caches' })],
  ['mempools', () => ({ kind: 'mempools' })],
  ['vmlist', () => ({ kind: 'vmlist' })],
  ['processes', () => ({ kind: 'processes' })],
  ['current', (k) => taskValue(k.current)],
  ['vmstat', () => ({ kind: 'vmstat' })],
  ['meminfo', () => ({ kind: 'meminfo' })],
  ['events', () => ({ kind: 'events' })],
  ['sysctl', () => ({ kind: 'sysctl' })],
  ['now', (k) => Math.round(k.now)],
  ['jiffies', (k) => jiffies(k)],
  ...TOTALS.map((name): [string, (k: Kernel) => Value] => [name, (k) => k[name]]),
]);

export function taskValue(pid: number): ObjectValue {
  return { kind: 'task', pid };
}

/** What the machine shows of itself, by name. */
export const MACHINE_FIELDS: ReadonlyMap<string, Field> = machineFields();

export const MACHINE_KINDS: readonly [string, Kind][] = [
  ['machine', { name: () => 'machine', fields: MACHINE_FIELDS }],
  ['processes', {
    name: () => 'processes',
    summary: (k) => `${scenarioTasks(k).length} tasks`,
    names: (k) => scenarioTasks(k).map((task) => task.name),
    lookUp: (k, _, name) => found(k.tasks.find((task) => task.name === name && task.pid !== 0), (task) => taskValue(task.pid)),
    indexed: {
      size: (k) => scenarioTasks(k).length,
      range: (k, _, start, count) => scenarioTasks(k).slice(start, start + count).map((task) => taskValue(task.pid)),
    },
    hidesIndexed: true,
  }],
  ['task', { name: taskName, summary: taskSummary, fields: taskFields(), missing: missingTaskMember }],
  ['vmstat', counters('vmstat', vmstat)],
  ['meminfo', counters('meminfo', meminfo, (value) => `${value} kB`)],
  ['events', counters('events', events)],
  ['sysctl', {
    name: () => 'sysctl',
    summary: (k) => `${Object.keys(k.sysctl).length} settings`,
    names: (k) => Object.keys(k.sysctl),
    lookUp: (k, _, name) => found(own<number | number[]>({ ...k.sysctl }, name), (value) => (Array.isArray(value) ? [...value] : value)),
  }],
];

function machineFields(): Map<string, Field> {
  const hidden = ['zones', 'current'];
  const shown = [...MACHINE_NAMES].filter(([name]) => !hidden.includes(name));
  return new Map(shown.map(([name, get]): [string, Field] => [name, name === 'now' ? { get, show: showNow } : { get }]));
}

function showNow(_: Kernel, now: Value): string {
  return `${String(now)} ns`;
}

/** A table of numbers with names. */
function counters(name: string, table: (k: Kernel) => Record<string, number>, show?: (value: number) => string): Kind {
  return {
    name: () => name,
    summary: (k) => `${Object.keys(table(k)).length} counters`,
    names: (k) => Object.keys(table(k)),
    lookUp: (k, _, key) => found(own(table(k), key), (value) => value, show),
  };
}

function own<T>(table: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function found<T>(value: T | undefined, toValue: (value: T) => Value, show?: (value: T) => string): Shown | undefined {
  if (value === undefined) return undefined;
  return show === undefined ? { value: toValue(value) } : { value: toValue(value), text: show(value) };
}

/** How often each tracepoint was passed. */
function events(k: Kernel): Record<string, number> {
  return Object.fromEntries(TRACEPOINTS.map((point, index) => [point.name, k.trace.counts[index]!]));
}

function scenarioTasks(k: Kernel): task_struct[] {
  return k.tasks.filter((task) => task.pid !== 0);
}

function taskOf(k: Kernel, o: ObjectValue): task_struct {
  return k.tasks[id(o, 'pid')]!;
}

function taskName(k: Kernel, o: ObjectValue): string {
  const { name } = taskOf(k, o);
  return /^[A-Za-z_]\w*$/.test(name) ? `processes.${name}` : `processes[${JSON.stringify(name)}]`;
}

function taskSummary(k: Kernel, o: ObjectValue): string {
  const task = taskOf(k, o);
  return `${task.name} (pid ${task.pid}) ${task_state_letter(task.state)}${task.waits_for === '' ? '' : `, waits for ${task.waits_for}`}`;
}

function taskFields(): Map<string, Field> {
  return new Map<string, Field>([
    ...fieldsOf(taskOf, ['pid', 'comm', 'name', 'kind']),
    ['state', { get: (k, o) => task_state_letter(taskOf(k, o).state) }],
    ...fieldsOf(taskOf, ['flags'], (flags) => `0x${(flags as number).toString(16)}`),
    ...fieldsOf(taskOf, ['nice', 'uid']),
    ['oom_adj', { get: (k, o) => taskOf(k, o).oomkilladj }],
    ...fieldsOf(taskOf, ['cpu', 'utime', 'start_time', 'exit_code', 'waits_for']),
  ]);
}

function missingTaskMember(name: string): string | undefined {
  return TASK_MEMBERS_NOT_MODELLED.includes(name) ? notModelled(name).slice(0, -1) : undefined;
}
