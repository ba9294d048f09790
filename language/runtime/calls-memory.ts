/** Calls of vmalloc, the windows onto high memory, memory pools, and the kernel's memory and sysctls themselves (KERNEL.md chapters 14, 15, 19). */
import type { Kernel, Pfn } from '../../engine/index.ts';
import {
  MODELLED_SYSCTLS, PAGE_KERNEL, VM_MAP, charge, current_task, kmap, kunmap, load_byte, max_mapnr, mempool_alloc, mempool_create, mempool_destroy,
  mempool_free, read_sysctl, store_byte, sysctl_problem, vfree, vmalloc, vmap, vunmap, write_sysctl,
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
  ['sysctl', (k, [name, value]) => sysctl(k, textOf(name), value)],
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

/** Reads a sysctl, or writes it first: its value then, -ENOENT where there is no such file, -EINVAL for a value that the kernel refuses. */
export function sysctl(k: Kernel, name: string, value: Value | undefined): Value {
  const isModelled = (MODELLED_SYSCTLS as readonly string[]).includes(name);
  if (!isModelled && Object.hasOwn(SYSCTLS, name)) throw new ValueError(notModelled(`sysctl ${name}`).slice(0, -1));
  if (read_sysctl(k, name) === null) return -ENOENT;
  if (value === undefined) return read_sysctl(k, name)!;
  const numbers = Array.isArray(value) ? value.map(toNumber) : toNumber(value);
  if (sysctl_problem(name, numbers) !== null) return -EINVAL;
  const problem = write_sysctl(k, name, numbers);
  if (problem !== null) throw new ValueError(`sysctl ${problem}`);
  return read_sysctl(k, name)!;
}
