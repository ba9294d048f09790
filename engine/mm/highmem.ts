// Windows onto high memory (mm/highmem.c, arch/i386/mm/highmem.c; KERNEL.md VM-6, VM-7, X-46): kmap lends one of 1024 slots and may sleep for it;
// kmap_atomic uses a fixed slot of the CPU and never sleeps. Low memory has its address anyway.
//
//   pkmap_count[slot]   0 free · 1 nobody uses it, still mapped until the next flush · n: n-1 users
//
// Left out: TLBs (a flush is the moment when unused slots become free), preemption counts, the checks of CONFIG_DEBUG_HIGHMEM; and bounce buffers
// (VM-8), which come with I/O.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { Highmem } from '../include/highmem.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../include/types.ts';
import { KM_TYPE_NR, LAST_PKMAP } from '../include/highmem.ts';
import { ZONE_HIGHMEM } from '../include/mmzone.ts';
import { FIXADDR_TOP, FIX_KMAP_BEGIN, PKMAP_BASE } from '../arch/i386/layout.ts';
import { PAGE_KERNEL, clear_entry, pte_offset_kernel, set_entry } from '../arch/pgtable.ts';
import { page_address as lowmem_page_address } from '../arch/address.ts';
import { BUG } from '../kernel/panic.ts';
import { schedule } from '../kernel/sched.ts';
import { finish_wait, make_wait_queue, prepare_to_wait, wake_up, waitqueue_active } from '../kernel/wait.ts';
import { page_zonenum } from './mem_map.ts';

/** Buckets of the hash from pages to slots (PA_HASH_ORDER 7). */
const PAGE_ADDRESS_BUCKETS = 128;

export function make_highmem(): Highmem {
  return {
    pkmap_count: new Int32Array(LAST_PKMAP), last_pkmap_nr: 0, pkmap_page: new Array<Pfn>(LAST_PKMAP).fill(NO_PAGE),
    page_address_htable: Array.from({ length: PAGE_ADDRESS_BUCKETS }, () => []), pkmap_map_wait: make_wait_queue(),
  };
}

export function PageHighMem(k: Kernel, page: Pfn): boolean {
  return page_zonenum(k, page) === ZONE_HIGHMEM;
}

/** A page's kernel address, or 0 for a page of high memory that has no window now (mm/highmem.c:page_address). */
export function page_address(k: Kernel, page: Pfn): VirtAddr {
  if (!PageHighMem(k, page)) return lowmem_page_address(k, page);
  const slot = k.highmem.page_address_htable[page % PAGE_ADDRESS_BUCKETS]!.find((nr) => k.highmem.pkmap_page[nr] === page);
  return slot === undefined ? virt(0) : PKMAP_ADDR(slot);
}

/** A page's address for as long as the caller needs it: it must call kunmap. Sleeps while every slot is in use (VM-6). */
export function* kmap(k: Kernel, page: Pfn): Generator<Wait, VirtAddr, void> {
  if (!PageHighMem(k, page)) return lowmem_page_address(k, page);
  const vaddr = yield* kmap_high(k, page);
  return vaddr;
}

/** Gives a page's window up (VM-6). */
export function kunmap(k: Kernel, page: Pfn): void {
  if (PageHighMem(k, page)) kunmap_high(k, page);
}

function* kmap_high(k: Kernel, page: Pfn): Generator<Wait, VirtAddr, void> {
  let vaddr = page_address(k, page);
  if (vaddr === 0) vaddr = yield* map_new_virtual(k, page);
  k.highmem.pkmap_count[PKMAP_NR(vaddr)]!++;
  return vaddr;
}

/** The next free slot, round robin; at the wrap what nobody uses becomes free. With none at all the task sleeps until one does (VM-6). */
function* map_new_virtual(k: Kernel, page: Pfn): Generator<Wait, VirtAddr, void> {
  for (;;) {
    const slot = find_pkmap_slot(k);
    if (slot !== null) return map_slot(k, slot, page);
    prepare_to_wait(k, k.highmem.pkmap_map_wait);
    yield* schedule(k, 'a slot of the kmap window');
    finish_wait(k, k.highmem.pkmap_map_wait);
    const vaddr = page_address(k, page);
    if (vaddr !== 0) return vaddr;
  }
}

function find_pkmap_slot(k: Kernel): number | null {
  const { highmem } = k;
  for (let count = LAST_PKMAP; count > 0; count--) {
    highmem.last_pkmap_nr = (highmem.last_pkmap_nr + 1) % LAST_PKMAP;
    if (highmem.last_pkmap_nr === 0) {
      flush_all_zero_pkmaps(k);
      count = LAST_PKMAP;
    }
    if (highmem.pkmap_count[highmem.last_pkmap_nr] === 0) return highmem.last_pkmap_nr;
  }
  return null;
}

function map_slot(k: Kernel, slot: number, page: Pfn): VirtAddr {
  const { highmem } = k;
  set_entry(k, window_pte(k, PKMAP_ADDR(slot)), page, PAGE_KERNEL);
  highmem.pkmap_count[slot] = 1;
  highmem.pkmap_page[slot] = page;
  highmem.page_address_htable[page % PAGE_ADDRESS_BUCKETS]!.push(slot);
  return PKMAP_ADDR(slot);
}

/** Frees every slot that is mapped and unused: from here on nobody may use their old addresses (VM-6). */
function flush_all_zero_pkmaps(k: Kernel): void {
  const { highmem } = k;
  for (let slot = 0; slot < LAST_PKMAP; slot++) {
    if (highmem.pkmap_count[slot] !== 1) continue;
    highmem.pkmap_count[slot] = 0;
    clear_entry(k, window_pte(k, PKMAP_ADDR(slot)));
    const bucket = highmem.pkmap_page[slot]! % PAGE_ADDRESS_BUCKETS;
    highmem.page_address_htable[bucket] = highmem.page_address_htable[bucket]!.filter((nr) => nr !== slot);
    highmem.pkmap_page[slot] = NO_PAGE;
  }
}

function kunmap_high(k: Kernel, page: Pfn): void {
  const { highmem } = k;
  const vaddr = page_address(k, page);
  if (vaddr === 0) BUG(k, `mm/highmem.c:kunmap_high: page ${page} is not mapped`);
  const slot = PKMAP_NR(vaddr);
  if (highmem.pkmap_count[slot] === 1) BUG(k, `mm/highmem.c:kunmap_high: nobody uses the window of page ${page}`);
  highmem.pkmap_count[slot]!--;
  if (highmem.pkmap_count[slot] === 1 && waitqueue_active(highmem.pkmap_map_wait)) wake_up(k, highmem.pkmap_map_wait);
}

/** A page's address in this CPU's slot of a type; what the slot showed before is gone (VM-7). The caller may not sleep before kunmap_atomic. */
export function kmap_atomic(k: Kernel, page: Pfn, type: number): VirtAddr {
  if (!PageHighMem(k, page)) return lowmem_page_address(k, page);
  const vaddr = atomic_address(k, type);
  set_entry(k, window_pte(k, vaddr), page, PAGE_KERNEL);
  return vaddr;
}

/** The slot may be used for another page. Its entry stays until then, as in a kernel without CONFIG_DEBUG_HIGHMEM (VM-7). */
export function kunmap_atomic(k: Kernel, kvaddr: VirtAddr, type: number): void {
  if (kvaddr >= FIXADDR_TOP - (FIX_KMAP_BEGIN + KM_TYPE_NR * k.platform.nr_cpus) * PAGE_SIZE && kvaddr !== atomic_address(k, type)) {
    BUG(k, 'arch/i386/mm/highmem.c:kunmap_atomic: the address is not that of the type\'s slot');
  }
}

/** Where this CPU's slot of a type is (__fix_to_virt). */
function atomic_address(k: Kernel, type: number): VirtAddr {
  return virt(FIXADDR_TOP - (FIX_KMAP_BEGIN + type + KM_TYPE_NR * k.cpu) * PAGE_SIZE);
}

function window_pte(k: Kernel, vaddr: VirtAddr) {
  const pte = pte_offset_kernel(k, vaddr);
  return pte ?? BUG(k, 'mm/highmem.c: the window has no page table');
}

export function PKMAP_ADDR(slot: number): VirtAddr {
  return virt(PKMAP_BASE + slot * PAGE_SIZE);
}

function PKMAP_NR(vaddr: VirtAddr): number {
  return (vaddr - PKMAP_BASE) / PAGE_SIZE;
}
