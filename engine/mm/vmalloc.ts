// Kernel memory that is contiguous in addresses only (mm/vmalloc.c; KERNEL.md VM-1 … VM-4): areas in a sorted list, each found first fit and followed
// by an unmapped guard page; single pages, mapped one by one into the kernel's page tables.
//
//   vmalloc → __vmalloc → __vmalloc_node → get_vm_area_node (vm_struct, addresses) → __vmalloc_area_node (page array, pages) → map_vm_area (PTEs)
//   vfree → __vunmap → remove_vm_area → unmap_vm_area
//
// 2.6.18 looks for the end of vmalloc space only after it has passed an area, so that a first area of more than the whole space would run over what
// lies behind; here it is refused as later kernels do. Left out: TLBs, ioremap's own page tables, what the page arrays' memory holds, the warnings'
// backtraces. Interrupts that may not call this do not exist yet.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import type { vm_struct } from '../include/vmalloc.ts';
import { NO_PAGE, PAGE_SHIFT, PAGE_SIZE, virt } from '../include/types.ts';
import { GFP_KERNEL, __GFP_HIGHMEM, __GFP_ZERO } from '../include/gfp.ts';
import { SIZEOF_VM_STRUCT, VM_ALLOC, VM_IOREMAP, VM_USERMAP, VM_VPAGES } from '../include/vmalloc.ts';
import { PAGE_KERNEL, pte_alloc_kernel, clear_entry, entry_none, pte_offset_kernel, set_entry } from '../arch/pgtable.ts';
import { bits_per_long, vmalloc_space } from '../arch/address.ts';
import { BUG } from '../kernel/panic.ts';
import { printk, printk_ratelimit } from '../kernel/printk.ts';
import { __free_pages, alloc_page, alloc_pages_node } from './page_alloc.ts';
import { kfree, kmalloc } from './kmalloc.ts';
import { show_pointer } from './slab_lists.ts';
import { trace_vmalloc_alloc, trace_vmalloc_free } from '../trace/vmalloc.ts';

/** Any node will do. */
const ANY_NODE = -1;
/** ioremap areas are aligned to their size, up to this power of two (IOREMAP_MAX_ORDER). */
const IOREMAP_MAX_ORDER = 24;

// ---- allocating -------------------------------------------------------------------------------------------------------

/** `size` bytes, from high memory where there is any: an address, or 0 (VM-1, VM-2). */
export function* vmalloc(k: Kernel, size: number): Generator<Wait, VirtAddr, void> {
  const addr = yield* __vmalloc(k, size, GFP_KERNEL | __GFP_HIGHMEM, PAGE_KERNEL);
  return addr;
}

/** As vmalloc, in pages that 32-bit devices reach. */
export function* vmalloc_32(k: Kernel, size: number): Generator<Wait, VirtAddr, void> {
  const addr = yield* __vmalloc(k, size, GFP_KERNEL, PAGE_KERNEL);
  return addr;
}

/** As vmalloc, zeroed, for memory that user space may map. */
export function* vmalloc_user(k: Kernel, size: number): Generator<Wait, VirtAddr, void> {
  const addr = yield* __vmalloc(k, size, GFP_KERNEL | __GFP_HIGHMEM | __GFP_ZERO, PAGE_KERNEL);
  const area = find_vm_area(k, addr);
  if (area !== null) area.flags |= VM_USERMAP;
  return addr;
}

/** As vmalloc, with pages of a node. */
export function* vmalloc_node(k: Kernel, size: number, node: number): Generator<Wait, VirtAddr, void> {
  const addr = yield* __vmalloc_node(k, size, GFP_KERNEL | __GFP_HIGHMEM, PAGE_KERNEL, node);
  return addr;
}

/** As vmalloc, with the mask for the pages and the bits of their entries. */
export function* __vmalloc(k: Kernel, size: number, gfp_mask: number, prot: number): Generator<Wait, VirtAddr, void> {
  const addr = yield* __vmalloc_node(k, size, gfp_mask, prot, ANY_NODE);
  return addr;
}

function* __vmalloc_node(k: Kernel, asked: number, gfp_mask: number, prot: number, node: number): Generator<Wait, VirtAddr, void> {
  const size = PAGE_ALIGN(asked);
  if (size === 0 || size / PAGE_SIZE > num_physpages(k)) return virt(0);
  const area = yield* get_vm_area(k, size, VM_ALLOC);
  if (area === null) return virt(0);
  const addr = yield* __vmalloc_area_node(k, area, gfp_mask, prot, node);
  return addr;
}

/** Gives an area its pages and maps them; what exists is freed where that fails part-way (VM-2). */
function* __vmalloc_area_node(k: Kernel, area: vm_struct, gfp_mask: number, prot: number, node: number): Generator<Wait, VirtAddr, void> {
  const nr_pages = area.size / PAGE_SIZE - 1;
  const pages_addr = yield* alloc_page_array(k, area, nr_pages, gfp_mask, node);
  area.pages_addr = pages_addr;
  if (pages_addr === 0) {
    remove_vm_area(k, area.addr);
    kfree(k, area.self_addr);
    return virt(0);
  }
  while (area.nr_pages < nr_pages) {
    let page = NO_PAGE;
    if (node === ANY_NODE) page = yield* alloc_page(k, gfp_mask);
    else page = yield* alloc_pages_node(k, node, gfp_mask, 0);
    if (page === NO_PAGE) break;
    area.pages.push(page);
    area.nr_pages++;
  }
  let err = -1;
  if (area.nr_pages === nr_pages) err = yield* map_vm_area(k, area, prot, area.pages);
  if (err !== 0) {
    vfree(k, area.addr);
    return virt(0);
  }
  trace_vmalloc_alloc(k, area.addr, area.size);
  return area.addr;
}

/** Memory for an area's page array: from kmalloc, or where it takes more than a page an area of its own. */
function* alloc_page_array(k: Kernel, area: vm_struct, nr_pages: number, gfp_mask: number, node: number): Generator<Wait, VirtAddr, void> {
  const array_size = (nr_pages * bits_per_long(k)) / 8;
  let addr = virt(0);
  if (array_size > PAGE_SIZE) {
    addr = yield* __vmalloc_node(k, array_size, gfp_mask, PAGE_KERNEL, node);
    area.flags |= VM_VPAGES;
  } else {
    addr = yield* kmalloc(k, array_size, gfp_mask & ~(__GFP_HIGHMEM | __GFP_ZERO));
  }
  return addr;
}

/** Frees what vmalloc gave; 0 is nothing to free, any other address that is no area is reported (VM-3). */
export function vfree(k: Kernel, addr: VirtAddr): void {
  const area = __vunmap(k, addr);
  if (area === null) return;
  for (const page of area.pages) __free_pages(k, page, 0);
  if ((area.flags & VM_VPAGES) !== 0) vfree(k, area.pages_addr);
  else kfree(k, area.pages_addr);
  kfree(k, area.self_addr);
}

/** Maps frames that exist already, one behind the other: an address, or 0 (VM-3). `flags` is VM_MAP. */
export function* vmap(k: Kernel, pages: readonly Pfn[], flags: number, prot: number): Generator<Wait, VirtAddr, void> {
  if (pages.length > num_physpages(k)) return virt(0);
  const area = yield* get_vm_area(k, pages.length * PAGE_SIZE, flags);
  if (area === null) return virt(0);
  const err = yield* map_vm_area(k, area, prot, pages);
  if (err !== 0) {
    vunmap(k, area.addr);
    return virt(0);
  }
  trace_vmalloc_alloc(k, area.addr, area.size);
  return area.addr;
}

/** Unmaps what vmap mapped; the frames stay whose they are (VM-3). */
export function vunmap(k: Kernel, addr: VirtAddr): void {
  const area = __vunmap(k, addr);
  if (area !== null) kfree(k, area.self_addr);
}

/** Takes an area out of the list by its address, or says why not. */
function __vunmap(k: Kernel, addr: VirtAddr): vm_struct | null {
  if (addr === 0) return null;
  if (addr % PAGE_SIZE !== 0) {
    printk(k, `Trying to vfree() bad address (${show_pointer(k, addr)})`);
    return null;
  }
  if (find_vm_area(k, addr)?.mapped === 1) trace_vmalloc_free(k, addr, find_vm_area(k, addr)!.size);
  const area = remove_vm_area(k, addr);
  if (area === null) printk(k, `Trying to vfree() nonexistent vm area (${show_pointer(k, addr)})`);
  return area;
}

// ---- areas ------------------------------------------------------------------------------------------------------------

/** Addresses for `size` bytes and a guard page: the lowest gap that is large enough; null where there is none, or no memory (VM-1). */
export function* get_vm_area(k: Kernel, asked: number, flags: number): Generator<Wait, vm_struct | null, void> {
  const size = PAGE_ALIGN(asked);
  if (size === 0) return null;
  const self_addr = yield* kmalloc(k, SIZEOF_VM_STRUCT[bits_per_long(k) === 64 ? 64 : 32], GFP_KERNEL);
  if (self_addr === 0) return null;
  const addr = first_fit(k, size + PAGE_SIZE, (flags & VM_IOREMAP) !== 0 ? ioremap_align(size) : 1);
  if (addr === null) {
    kfree(k, self_addr);
    if (printk_ratelimit(k)) printk(k, 'allocation failed: out of vmalloc space - use vmalloc=<size> to increase size.');
    return null;
  }
  const area: vm_struct = { addr, size: size + PAGE_SIZE, flags, pages: [], nr_pages: 0, phys_addr: 0, self_addr, pages_addr: virt(0), mapped: 0 };
  insert_area(k, area);
  return area;
}

/** The lowest address in vmalloc space with `size` free bytes behind it. */
function first_fit(k: Kernel, size: number, align: number): VirtAddr | null {
  const { start, end } = vmalloc_space(k);
  let addr = ALIGN(start, align);
  for (const area of k.vmlist) {
    if (area.addr >= addr && addr + size <= area.addr) return virt(addr);
    if (area.addr + area.size >= addr) addr = ALIGN(area.addr + area.size, align);
  }
  return addr <= end - size ? virt(addr) : null;
}

/** A power of two that is above the size (ioremap; VM-1). */
function ioremap_align(size: number): number {
  const bit = Math.floor(Math.log2(size)) + 1;
  return 2 ** Math.min(IOREMAP_MAX_ORDER, Math.max(PAGE_SHIFT, bit));
}

function insert_area(k: Kernel, area: vm_struct): void {
  const { vmlist } = k;
  vmlist.push(area);
  let at = vmlist.length - 1;
  while (at > 0 && vmlist[at - 1]!.addr > area.addr) {
    vmlist[at] = vmlist[at - 1]!;
    at--;
  }
  vmlist[at] = area;
}

/** The area that begins at an address, or null (__find_vm_area). */
export function find_vm_area(k: Kernel, addr: VirtAddr): vm_struct | null {
  return k.vmlist.find((area) => area.addr === addr) ?? null;
}

/** Unmaps the area at an address and takes it off the list; its size loses the guard page. Null where there is none. */
export function remove_vm_area(k: Kernel, addr: VirtAddr): vm_struct | null {
  const area = find_vm_area(k, addr);
  if (area === null) return null;
  unmap_vm_area(k, area);
  k.vmlist = k.vmlist.filter((other) => other !== area);
  area.size -= PAGE_SIZE;
  return area;
}

// ---- page tables ------------------------------------------------------------------------------------------------------

/** Writes the entries of an area, but for its guard page; -1 where a table could not be had (VM-2). Other address spaces learn of it by faults
 *  (VM-5). */
export function* map_vm_area(k: Kernel, area: vm_struct, prot: number, pages: readonly Pfn[]): Generator<Wait, number, void> {
  for (let i = 0; i < pages.length; i++) {
    const pte = yield* pte_alloc_kernel(k, virt(area.addr + i * PAGE_SIZE));
    if (pte === null) return -1;
    if (!entry_none(k, pte)) BUG(k, 'mm/vmalloc.c:vmap_pte_range: the entry is in use');
    set_entry(k, pte, pages[i]!, prot);
  }
  area.mapped = 1;
  return 0;
}

/** Clears the entries of an area; tables stay (VM-3). */
export function unmap_vm_area(k: Kernel, area: vm_struct): void {
  area.mapped = 0;
  for (let addr = area.addr as number; addr < area.addr + area.size; addr += PAGE_SIZE) {
    const pte = pte_offset_kernel(k, virt(addr));
    if (pte !== null && !entry_none(k, pte)) clear_entry(k, pte);
  }
}

// ---- questions --------------------------------------------------------------------------------------------------------

/** Bytes of vmalloc space, of areas in it with their guard pages, and of its largest gap (fs/proc/mmu.c:get_vmalloc_info). */
export function get_vmalloc_info(k: Kernel): { total: number; used: number; largest_chunk: number } {
  const { start, end } = vmalloc_space(k);
  let used = 0;
  let largest_chunk = 0;
  let prev_end = start;
  for (const area of k.vmlist) {
    used += area.size;
    largest_chunk = Math.max(largest_chunk, area.addr - prev_end);
    prev_end = area.addr + area.size;
  }
  return { total: end - start, used, largest_chunk: Math.max(largest_chunk, end - prev_end) };
}

/** Frames of the machine, as vmalloc counts them (num_physpages). */
function num_physpages(k: Kernel): number {
  return k.platform.max_pfn;
}

function PAGE_ALIGN(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}

function ALIGN(address: number, align: number): number {
  return Math.ceil(address / align) * align;
}
