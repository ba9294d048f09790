// @nohooks
// The laws of vmalloc space, of the windows onto high memory and of memory pools (KERNEL.md IV-14, VM-6, MP-1). Looking changes nothing.

import type { Kernel } from '../kernel.ts';
import type { vm_struct } from '../include/vmalloc.ts';
import type { mempool_t } from '../include/mempool.ts';
import type { Pfn } from '../include/types.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../include/types.ts';
import { LAST_PKMAP } from '../include/highmem.ts';
import { VM_ALLOC } from '../include/vmalloc.ts';
import { vmalloc_to_page } from '../arch/pgtable.ts';
import { vmalloc_space } from '../arch/address.ts';
import { PKMAP_ADDR, page_address } from './highmem.ts';
import { max_mapnr, page_count_raw } from './mem_map.ts';
import { show_pointer } from './slab_lists.ts';

/** Every law of the three that does not hold, in words. */
export function check_areas(k: Kernel): string[] {
  const broken: string[] = [];
  check_vmlist(k, broken);
  check_pkmap(k, broken);
  for (const pool of k.mempools) if (pool !== null) check_mempool(k, pool, broken);
  return broken;
}

/** IV-14: areas are sorted, apart from one another and inside vmalloc space; their entries name their pages, and the guard page has none. */
function check_vmlist(k: Kernel, broken: string[]): void {
  const { start, end } = vmalloc_space(k);
  let prev_end = start;
  for (const area of k.vmlist) {
    const name = `vm area ${show_pointer(k, area.addr)}`;
    if (area.addr < prev_end) broken.push(`IV-14: ${name}: begins before ${show_pointer(k, prev_end)}, where the one before it ends`);
    if (area.addr % PAGE_SIZE !== 0 || area.size % PAGE_SIZE !== 0 || area.size < 2 * PAGE_SIZE) broken.push(`IV-14: ${name}: is no whole pages and a guard page`);
    prev_end = area.addr + area.size;
    if (prev_end > end) broken.push(`IV-14: ${name}: ends past vmalloc space`);
    check_entries(k, area, name, broken);
  }
}

function check_entries(k: Kernel, area: vm_struct, name: string, broken: string[]): void {
  const pages = area.size / PAGE_SIZE - 1;
  const mapped = (i: number): Pfn => vmalloc_to_page(k, virt(area.addr + i * PAGE_SIZE));
  if (mapped(pages) !== NO_PAGE) broken.push(`IV-14: ${name}: its guard page is mapped`);
  if (area.mapped === 0) return;
  const isAlloc = (area.flags & VM_ALLOC) !== 0;
  if (isAlloc && area.pages.length !== pages) broken.push(`IV-14: ${name}: has ${area.pages.length} pages, its size says ${pages}`);
  for (let i = 0; i < pages; i++) {
    const page = mapped(i);
    if (page === NO_PAGE) broken.push(`IV-14: ${name}: page ${i} is not mapped`);
    else if (isAlloc && page !== area.pages[i]) broken.push(`IV-14: ${name}: page ${i} is mapped to frame ${page}, not ${area.pages[i]}`);
    else if (isAlloc && page_count_raw(k, page) === 0) broken.push(`IV-14: ${name}: frame ${page} is free`);
  }
}

/** VM-6: a slot is mapped as long as its count is not 0, and a page finds its slot. */
function check_pkmap(k: Kernel, broken: string[]): void {
  const { pkmap_count, pkmap_page } = k.highmem;
  let hashed = 0;
  for (const bucket of k.highmem.page_address_htable) hashed += bucket.length;
  for (let slot = 0; slot < LAST_PKMAP; slot++) {
    const count = pkmap_count[slot]!;
    const page = pkmap_page[slot]!;
    if (count === 0 && page === NO_PAGE) continue;
    hashed--;
    if (count < 1 || page === NO_PAGE) broken.push(`VM-6: slot ${slot}: count ${count}, but it shows frame ${page}`);
    else if (vmalloc_to_page(k, PKMAP_ADDR(slot)) !== page || page_address(k, page) !== PKMAP_ADDR(slot)) broken.push(`VM-6: slot ${slot}: frame ${page} is mapped elsewhere`);
  }
  if (hashed !== 0) broken.push(`VM-6: the hash of windows has ${hashed} entries too many`);
}

/** MP-1: a reserve is what its counters say, and nothing in it is there twice or free. */
function check_mempool(k: Kernel, pool: mempool_t, broken: string[]): void {
  const name = `memory pool ${pool.name}`;
  if (pool.curr_nr !== pool.elements.length) broken.push(`MP-1: ${name}: curr_nr is ${pool.curr_nr}, the reserve holds ${pool.elements.length}`);
  if (pool.curr_nr > pool.min_nr) broken.push(`MP-1: ${name}: holds ${pool.curr_nr}, more than ${pool.min_nr}`);
  if (new Set(pool.elements).size !== pool.elements.length) broken.push(`MP-1: ${name}: an element is in the reserve twice`);
  if (pool.kind !== 'pages') return;
  for (const element of pool.elements) {
    if (element >= max_mapnr(k) || page_count_raw(k, element as Pfn) === 0) broken.push(`MP-1: ${name}: block ${element} is free`);
  }
}
