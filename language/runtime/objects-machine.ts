/** The machine itself, and its counters. */
import type { Kernel } from '../../engine/index.ts';
import { TRACEPOINTS, jiffies, meminfo, vmstat } from '../../engine/index.ts';
import type { Field, Kind, Shown } from './kinds.ts';
import { taskValue } from './objects-task.ts';
import { tlbValue } from './objects-pte.ts';
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
  ['files', () => ({ kind: 'files' })],
  ['disks', () => ({ kind: 'disks' })],
  ['writeback', () => ({ kind: 'writeback' })],
  ['events', () => ({ kind: 'events' })],
  ['sysctl', () => ({ kind: 'sysctl' })],
  ['tlbs', (k) => k.tlbs.map((_, cpu) => tlbValue(cpu))],
  ['zero_page', (k) => (k.zero_page < 0 ? 0 : { kind: 'page', pfn: k.zero_page })],
  ['now', (k) => Math.round(k.now)],
  ['jiffies', (k) => jiffies(k)],
  ...TOTALS.map((name): [string, (k: Kernel) => Value] => [name, (k) => k[name]]),
]);

/** What the machine shows of itself, by name. */
export const MACHINE_FIELDS: ReadonlyMap<string, Field> = machineFields();

export const MACHINE_KINDS: readonly [string, Kind][] = [
  ['machine', { name: () => 'machine', fields: MACHINE_FIELDS }],
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
