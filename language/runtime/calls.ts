/**
 * What a kernel thread and the boot block may call: each call's arguments as the engine takes them, and its result as the language shows it.
 * A page is an object of the language and a frame number in the engine; "no page" is 0 here. The allocators above pages stand in tables of their
 * own: calls-slab.ts, calls-memory.ts.
 */
import type { Kernel } from '../../engine/index.ts';
import { NO_PAGE, __free_pages, alloc_bootmem, alloc_bootmem_low, alloc_pages, free_bootmem, get_zeroed_page, phys } from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { natural, positive, sleeping } from './call.ts';
import { ATOMIC_MEMORY_CALLS, SLEEPING_MEMORY_CALLS } from './calls-memory.ts';
import { ATOMIC_SLAB_CALLS, SLEEPING_SLAB_CALLS } from './calls-slab.ts';
import { frameOf, pageOfAddress } from './objects-page.ts';
import type { Value } from './values.ts';
import { ValueError, isInteger } from './values.ts';

export const ATOMIC_CALLS: ReadonlyMap<string, AtomicCall> = new Map<string, AtomicCall>([
  ['__free_pages', freePages],
  ['free_pages', freePages],
  ['alloc_bootmem', (k, [size]) => alloc_bootmem(k, positive(size))],
  ['alloc_bootmem_low', (k, [size]) => alloc_bootmem_low(k, positive(size))],
  ['free_bootmem', (k, [address, size]) => {
    free_bootmem(k, phys(natural(address)), positive(size));
    return 0;
  }],
  ...ATOMIC_SLAB_CALLS,
  ...ATOMIC_MEMORY_CALLS,
]);

export const SLEEPING_CALLS: ReadonlyMap<string, SleepingCall> = new Map<string, SleepingCall>([
  sleeping('alloc_pages', { begin: (k, [gfp, order]) => alloc_pages(k, natural(gfp), natural(order)), result: pageOrZero }),
  sleeping('get_zeroed_page', { begin: (k, [gfp]) => get_zeroed_page(k, natural(gfp)), result: shownAddress }),
  ...SLEEPING_SLAB_CALLS,
  ...SLEEPING_MEMORY_CALLS,
]);

function pageOrZero(page: number): Value {
  return page === NO_PAGE ? 0 : { kind: 'page', pfn: page };
}

/** Takes a page, or the address of one that `get_zeroed_page` gave. */
function freePages(k: Kernel, [page = 0, order]: Value[]): Value {
  const freed = isInteger(page) && page !== 0 ? frameOf(pageOfAddress(k, page)) : frameOf(page);
  const orderNumber = natural(order);
  if (orderNumber > 10) throw new ValueError(`there are no blocks of order ${orderNumber}: 0 … 10`);
  __free_pages(k, freed, orderNumber);
  return 0;
}
