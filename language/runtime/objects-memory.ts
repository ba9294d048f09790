/** Memory pools, and areas of vmalloc space (KERNEL.md VM-1, MP-1). */
import type { Kernel, Pfn, mempool_t, vm_struct } from '../../engine/index.ts';
import { PAGE_SIZE, get_vmalloc_info } from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, indexedBy, showAddress, showBytes, showFlags } from './kinds.ts';
import { cacheValue } from './objects-slab.ts';
import { count } from './words.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError, isObject, nameOfKind } from './values.ts';

const AREA_FLAGS: readonly (readonly [string, number])[] = [['VM_IOREMAP', 1], ['VM_ALLOC', 2], ['VM_MAP', 4], ['VM_USERMAP', 8], ['VM_VPAGES', 16]];

export function poolValue(pool: number): ObjectValue {
  return { kind: 'mempool', pool };
}

/** An area is known by its first address: no other has that while it is there. */
export function areaValue({ addr }: Pick<vm_struct, 'addr'>): ObjectValue {
  return { kind: 'vm_struct', addr };
}

/** The pool that an argument names. Throws ValueError for anything else. */
export function poolOf(k: Kernel, value: Value | undefined): mempool_t {
  const pool = value ?? 0;
  if (isObject(pool) && pool.kind === 'mempool') return findPool(k, pool);
  throw new ValueError(`a pool is expected, not ${pool === 0 ? '0 (a failed mempool_create)' : nameOfKind(pool)}`);
}

export const MEMORY_KINDS: readonly [string, Kind][] = [
  ['mempools', {
    name: () => 'mempools',
    summary: (k) => count(poolsOf(k).length, 'pool'),
    names: (k) => poolsOf(k).map(({ name }) => name),
    lookUp: (k, _, name) => poolNamed(k, name),
    indexed: indexedBy(poolsOf, (pool) => poolValue(pool.id)),
    hidesIndexed: true,
  }],
  ['mempool', { name: poolName, summary: poolSummary, gone: gonePool, fields: poolFields() }],
  ['vmlist', {
    name: () => 'vmlist',
    summary: vmlistSummary,
    indexed: indexedBy((k) => k.vmlist, areaValue),
  }],
  ['vm_struct', { name: areaName, summary: areaSummary, gone: goneArea, fields: areaFields() }],
];

// ---- pools ------------------------------------------------------------------------------------------------------------

function poolsOf(k: Kernel): mempool_t[] {
  return k.mempools.filter((pool) => pool !== null);
}

function findPool(k: Kernel, o: ObjectValue): mempool_t {
  const pool = k.mempools[id(o, 'pool')] ?? null;
  if (pool === null) throw new ValueError('this pool is gone: it was destroyed');
  return pool;
}

function gonePool(k: Kernel, o: ObjectValue): string | undefined {
  return (k.mempools[id(o, 'pool')] ?? null) === null ? 'a pool that was destroyed' : undefined;
}

function poolNamed(k: Kernel, name: string): { value: Value } | undefined {
  const pool = poolsOf(k).find((other) => other.name === name);
  return pool === undefined ? undefined : { value: poolValue(pool.id) };
}

function poolName(k: Kernel, o: ObjectValue): string {
  return gonePool(k, o) ?? `mempools[${JSON.stringify(findPool(k, o).name)}]`;
}

function poolSummary(k: Kernel, o: ObjectValue): string {
  const pool = findPool(k, o);
  const waiting = pool.wait.task_list.length;
  return `${pool.curr_nr} of ${pool.min_nr} in reserve, ${elementKind(k, pool)}${waiting === 0 ? '' : `, ${count(waiting, 'task')} waiting`}`;
}

/** What an element of a pool is. */
function elementKind(k: Kernel, { kind, pool_data }: mempool_t): string {
  if (kind === 'pages') return `blocks of ${showBytes(PAGE_SIZE * 2 ** pool_data)}`;
  return kind === 'kmalloc' ? `kmalloc of ${showBytes(pool_data)}` : `objects of ${k.slab.caches[pool_data]?.name ?? 'a cache that is gone'}`;
}

function poolFields(): Map<string, Field> {
  return new Map<string, Field>([
    ...fieldsOf(findPool, ['name', 'min_nr', 'curr_nr']),
    ['elements', { get: (k, o) => findPool(k, o).elements.map((element) => elementOf(findPool(k, o), element)) }],
    ['of', { get: (k, o) => elementKind(k, findPool(k, o)) }],
    ['cache', { get: (k, o) => (findPool(k, o).kind === 'slab' ? cacheValue(findPool(k, o).pool_data) : 0) }],
    ['waiting', { get: (k, o) => findPool(k, o).wait.task_list.map((pid) => ({ kind: 'task', pid })) }],
  ]);
}

function elementOf({ kind }: mempool_t, element: number): Value {
  return kind === 'pages' ? { kind: 'page', pfn: element } : shownAddress(element);
}

// ---- vmalloc space ----------------------------------------------------------------------------------------------------

function vmlistSummary(k: Kernel): string {
  return `${count(k.vmlist.length, 'area')}, ${showBytes(get_vmalloc_info(k).used)}`;
}

function findArea(k: Kernel, o: ObjectValue): vm_struct {
  const area = k.vmlist.find(({ addr }) => addr === o['addr']);
  if (area === undefined) throw new ValueError('this area is gone: it was freed');
  return area;
}

function goneArea(k: Kernel, o: ObjectValue): string | undefined {
  return k.vmlist.some(({ addr }) => addr === o['addr']) ? undefined : 'an area that was freed';
}

function areaName(k: Kernel, o: ObjectValue): string {
  return goneArea(k, o) ?? `vmlist[${k.vmlist.findIndex(({ addr }) => addr === o['addr'])}]`;
}

function areaSummary(k: Kernel, o: ObjectValue): string {
  const { addr, size, flags, pages, nr_pages } = findArea(k, o);
  const [first, end] = [addr, addr + size].map((address) => showAddress(shownAddress(address)));
  return `${first} … ${end}: ${showFlags(flags, AREA_FLAGS)}${nr_pages === 0 ? '' : `, ${count(pages.length, 'page')}`}`;
}

function areaFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['addr', { get: (k, o) => shownAddress(findArea(k, o).addr), show: (_, addr) => showAddress(addr) }],
    ...fieldsOf(findArea, ['size'], (size) => `${showBytes(size as number)}, the guard page with it`),
    ['flags', { get: (k, o) => findArea(k, o).flags, show: (_, flags) => showFlags(flags as number, AREA_FLAGS) }],
    ...fieldsOf(findArea, ['nr_pages']),
    ['pages', { get: (k, o) => findArea(k, o).pages.map((page: Pfn) => ({ kind: 'page', pfn: page })) }],
    ['phys_addr', { get: (k, o) => findArea(k, o).phys_addr, show: (_, addr) => showAddress(addr) }],
  ]);
}
