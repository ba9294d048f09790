// A byte at any address of the kernel: the direct map, vmalloc space, the windows onto high memory. Where nothing is mapped the processor faults and
// the kernel, which has no business there, ends in an oops (arch/*/mm/fault.c; KERNEL.md F-3, X-30). The first touch of vmalloc space on a process's
// tables is a fault that vmalloc_fault serves (F-4). Left out: addresses of user space; they are in user_memory.ts.

import type { Kernel } from '../kernel.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { is_x86_64, page_offset, virt_to_phys } from '../arch/address.ts';
import * as x86_64 from '../arch/x86_64/layout.ts';
import { entry_flags, entry_pfn, pte_offset_kernel } from '../arch/pgtable.ts';
import { _PAGE_PRESENT, _PAGE_RW } from '../arch/pte.ts';
import { touch_kernel } from '../arch/vmalloc_fault.ts';
import { die } from '../kernel/panic.ts';
import { read_phys, write_phys } from './contents.ts';
import { show_pointer } from './slab_lists.ts';
import { trace_page_fault_kernel } from '../trace/mm.ts';

/** The byte at a kernel address; an oops where there is none. */
export function load_byte(k: Kernel, address: VirtAddr): number {
  touch_kernel(k, address, 0);
  const place = kernel_virt_to_phys(k, address);
  return place === null ? fault(k, address, 0) : read_phys(k, place);
}

/** Writes a byte at a kernel address; an oops where there is none, or where the page is read-only. */
export function store_byte(k: Kernel, address: VirtAddr, byte: number): void {
  touch_kernel(k, address, 1);
  const place = kernel_virt_to_phys(k, address);
  if (place === null || !is_writable(k, address)) fault(k, address, place === null ? 2 : 3);
  else write_phys(k, place, byte);
}

/** `size` bytes from a kernel address on, across pages that need not lie together. */
export function load_bytes(k: Kernel, address: VirtAddr, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => load_byte(k, virt(address + i)));
}

export function store_bytes(k: Kernel, address: VirtAddr, bytes: ArrayLike<number>): void {
  for (let i = 0; i < bytes.length; i++) store_byte(k, virt(address + i), bytes[i]!);
}

/** Physical address behind a kernel address, or null where nothing is mapped. Looking changes nothing. */
export function kernel_virt_to_phys(k: Kernel, address: VirtAddr): PhysAddr | null {
  if (is_direct(k, address)) return virt_to_phys(k, address);
  if (address >= 0 && address < page_offset(k)) return null;
  const pte = pte_offset_kernel(k, address);
  if (pte === null || (entry_flags(k, pte) & _PAGE_PRESENT) === 0) return null;
  const offset = ((address % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE;
  const place = entry_pfn(k, pte) * PAGE_SIZE + offset;
  return place < k.platform.max_pfn * PAGE_SIZE ? phys(place) : null;
}

/** Whether an address lies in the direct map, or on x86_64 in the map of the kernel image. */
export function is_direct(k: Kernel, address: VirtAddr): boolean {
  const { max_low_pfn, max_pfn } = k.platform;
  if (!is_x86_64(k)) return address >= page_offset(k) && address < page_offset(k) + max_low_pfn * PAGE_SIZE;
  const text_end = x86_64.PHYSICAL_START + x86_64.KERNEL_IMAGE_PAGES * PAGE_SIZE;
  if (address >= x86_64.__START_KERNEL_map && address < x86_64.__START_KERNEL_map + text_end) return true;
  return address >= page_offset(k) && address < page_offset(k) + max_pfn * PAGE_SIZE;
}

function is_writable(k: Kernel, address: VirtAddr): boolean {
  if (is_direct(k, address)) return true;
  const pte = pte_offset_kernel(k, address);
  return pte !== null && (entry_flags(k, pte) & _PAGE_RW) !== 0;
}

/** A page fault that nothing serves. */
function fault(k: Kernel, address: VirtAddr, error_code: number): never {
  trace_page_fault_kernel(k, address, 0, error_code);
  return oops(k, address);
}

/** The kernel touched what it has no business with: the first line of the oops, as each architecture prints it (F-3). @nohooks */
export function oops(k: Kernel, address: VirtAddr): never {
  const what = address >= 0 && address < PAGE_SIZE ? 'NULL pointer dereference' : 'paging request';
  const where = show_pointer(k, address);
  return die(k, `Unable to handle kernel ${what} at ${is_x86_64(k) ? `${where} RIP: ` : `virtual address ${where}`}`);
}
