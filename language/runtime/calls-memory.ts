/**
 * Calls of vmalloc, the windows onto high memory, memory pools, write-back, and the kernel's memory and sysctls themselves (KERNEL.md chapters 12,
 * 14, 15, 19).
 */
import type { Kernel, Pfn, Wait } from '../../engine/index.ts';
import {
  MODELLED_SYSCTLS, PAGE_KERNEL, VM_MAP, charge, current_task, drop_caches_sysctl_handler, kmap, kunmap, load_byte, max_mapnr, mempool_alloc,
  mempool_create, mempool_destroy, mempool_free, read_sysctl, store_byte, sysctl_problem, vfree, vmalloc, vmap, vunmap, wakeup_pdflush, write_sysctl,
} from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { addressOf, byteOf, natural, sleeping, textOf } from './call.ts';
import { SYSCTLS } from '../vocabulary/sysctls.ts';
import { notModelled } from './not-modelled.ts';
import { poolOf, poolValue } from './objects-memory.ts';
import { frameOf } from './objects-page.ts';
import type { Value } from './values.ts';
import { ValueError, nameOfKind, toNumber } from './values.ts';

const ENOENT = 2;
const EACCES = 13;
const EINVAL = 22;

export const ATOMIC_MEMORY_CALLS: readonly [string, AtomicCall][] = [
  ['vfree', (k, [address]) => {
    vfree(k, addressOf(address));
    return 0;
  }],
  ['vunmap', (k, [address]) => {
    vunmap(k, addressOf(address));
    return 0;
  }],
  ['kunmap', (k, [page]) => {
    kunmap(k, frameOf(page ?? 0));
    return 0;
  }],
  ['mempool_free', (k, [element, pool]) => {
    const { kind } = poolOf(k, pool);
    mempool_free(k, kind === 'pages' ? frameOf(element ?? 0) : elementAddress(element), poolOf(k, pool));
    return 0;
  }],
  ['mempool_destroy', (k, [pool]) => {
    mempool_destroy(k, poolOf(k, pool));
    return 0;
  }],
  ['load', (k, [address]) => {
    charge(k, k.cost.access);
    return load_byte(k, addressOf(address));
  }],
  ['store', (k, [address, byte]) => {
    charge(k, k.cost.access);
    store_byte(k, addressOf(address), byteOf(byte));
    return 0;
  }],
  ['drop_caches', dropCaches],
  ['wakeup_pdflush', (k, [pages]) => wakeup_pdflush(k, natural(pages))],
];

export const SLEEPING_MEMORY_CALLS: readonly [string, SleepingCall][] = [
  sleeping('vmalloc', { begin: (k, [size]) => vmalloc(k, natural(size)), result: shownAddress }),
  sleeping('vmap', { begin: (k, [pages]) => vmap(k, framesOf(pages), VM_MAP, PAGE_KERNEL), result: shownAddress }),
  sleeping('kmap', { begin: (k, [page]) => kmap(k, frameOf(page ?? 0)), result: shownAddress }),
  sleeping('mempool_create_kmalloc_pool', {
    begin: (k, [count, size]) => mempool_create(k, nextPoolName(k), natural(count), 'kmalloc', natural(size)),
    result: (pool) => (pool === null ? 0 : poolValue(pool.id)),
  }),
  sleeping('mempool_create_page_pool', {
    begin: (k, [count, order]) => mempool_create(k, nextPoolName(k), natural(count), 'pages', natural(order)),
    result: (pool) => (pool === null ? 0 : poolValue(pool.id)),
  }),
  sleeping<Value>('sysctl', { begin: (k, [name, value]) => sysctl(k, textOf(name), value), result: sysctlValue }),
  sleeping('mempool_alloc', { begin: (k, [pool, gfp]) => mempool_alloc(k, poolOf(k, pool), natural(gfp)), result: elementValue }),
];

/** Pools have no names in the kernel; here they have that of the task that made them, and a number. */
function nextPoolName(k: Kernel): string {
  return `${current_task(k).name}-${k.mempools.length}`;
}

/** An element of a page pool is a frame, of any other an address: no address of the kernel is as low as a frame's number. */
function elementValue(element: number, k: Kernel): Value {
  return element > 0 && element < max_mapnr(k) ? { kind: 'page', pfn: element } : shownAddress(element);
}

function elementAddress(element: Value | undefined): number {
  const address = addressOf(element);
  if (address === 0) throw new ValueError('an element is expected, not 0 (a failed allocation)');
  return address;
}

function framesOf(pages: Value | undefined): Pfn[] {
  if (!Array.isArray(pages)) throw new ValueError(`a list of pages is expected, not ${nameOfKind(pages ?? 0)}`);
  return pages.map(frameOf);
}

/**
 * Reads a sysctl, or writes it first: its value then, -ENOENT where there is no such file, -EACCES for one that is read-only, -EINVAL for a value
 * that the kernel refuses. What could never be set here ends as the words that sysctlValue throws.
 */
export function sysctl(k: Kernel, name: string, value: Value | undefined): Generator<Wait, Value, void> {
  const isModelled = (MODELLED_SYSCTLS as readonly string[]).includes(name);
  if (!isModelled && Object.hasOwn(SYSCTLS, name)) throw new ValueError(notModelled(`sysctl ${name}`).slice(0, -1));
  if (read_sysctl(k, name) === null) return answered(-ENOENT);
  if (value === undefined) return answered(read_sysctl(k, name)!);
  if (SYSCTLS[name]!.readOnly) return answered(-EACCES);
  const numbers = Array.isArray(value) ? value.map(toNumber) : toNumber(value);
  return sysctl_problem(name, numbers) === null ? written(k, name, numbers) : answered(-EINVAL);
}

export function sysctlValue(returned: Value): Value {
  if (typeof returned === 'string') throw new ValueError(`sysctl ${returned}`);
  return returned;
}

/** A call that was refused, or that is done before it begins. */
export function* answered<T extends Value>(value: T): Generator<Wait, T, void> {
  yield* [];
  return value;
}

function* written(k: Kernel, name: string, numbers: number | number[]): Generator<Wait, Value, void> {
  const problem = yield* write_sysctl(k, name, numbers);
  return problem ?? read_sysctl(k, name)!;
}

/** As writing the number to /proc/sys/vm/drop_caches. */
function dropCaches(k: Kernel, [what]: Value[]): Value {
  drop_caches_sysctl_handler(k, natural(what));
  return 0;
}
