/**
 * What a kernel thread and the boot block may call: each call's arguments as the engine takes them, and its result as the language shows it.
 * A page is an object of the language and a frame number in the engine; "no page" is 0 here.
 */
import type { Kernel, Wait } from '../../engine/index.ts';
import { NO_PAGE, __free_pages, alloc_bootmem, alloc_bootmem_low, alloc_pages, free_bootmem, get_zeroed_page, phys } from '../../engine/index.ts';
import { frameOf, pageOfAddress } from './objects-page.ts';
import type { Value } from './values.ts';
import { ValueError, isInteger, toNumber } from './values.ts';

/** A call that never sleeps. Throws ValueError for an argument of the wrong kind. */
export type AtomicCall = (k: Kernel, args: Value[]) => Value;

/** A call that may: what it starts in the engine, and what its end means. `begin` throws ValueError before anything has happened. */
export interface SleepingCall {
  begin(k: Kernel, args: Value[]): Generator<Wait, number, void>;
  result(returned: number): Value;
}

export const ATOMIC_CALLS: ReadonlyMap<string, AtomicCall> = new Map<string, AtomicCall>([
  ['__free_pages', freePages],
  ['free_pages', freePages],
  ['alloc_bootmem', (k, [size]) => alloc_bootmem(k, positive(size))],
  ['alloc_bootmem_low', (k, [size]) => alloc_bootmem_low(k, positive(size))],
  ['free_bootmem', (k, [address, size]) => {
    free_bootmem(k, phys(natural(address)), positive(size));
    return 0;
  }],
]);

export const SLEEPING_CALLS: ReadonlyMap<string, SleepingCall> = new Map<string, SleepingCall>([
  ['alloc_pages', { begin: (k, [gfp, order]) => alloc_pages(k, natural(gfp), natural(order)), result: pageOrZero }],
  ['get_zeroed_page', { begin: (k, [gfp]) => get_zeroed_page(k, natural(gfp)), result: (address) => address }],
]);

function pageOrZero(page: number): Value {
  return page === NO_PAGE ? 0 : { kind: 'page', pfn: page };
}

/** Takes a page, or the address of one that `get_zeroed_page` gave. */
function freePages(k: Kernel, [page = 0, order]: Value[]): Value {
  const freed = isInteger(page) && page !== 0 ? frameOf(pageOfAddress(k, toNumber(page))) : frameOf(page);
  const orderNumber = natural(order);
  if (orderNumber > 10) throw new ValueError(`there are no blocks of order ${orderNumber}: 0 … 10`);
  __free_pages(k, freed, orderNumber);
  return 0;
}

function natural(value: Value | undefined): number {
  const n = toNumber(value ?? 0);
  if (n < 0) throw new ValueError(`${n} is negative`);
  return n;
}

function positive(value: Value | undefined): number {
  const n = natural(value);
  if (n === 0) throw new ValueError('a size of 0');
  return n;
}
