// @tracepoints
// Tracepoints of address spaces (KERNEL.md EV-5, EV-6). An mm and a VMA are their ids; addresses and ranges are in bytes, ends exclusive.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** What a fault did: `kind` of mm_fault_end (EV-5). */
export const FAULT_ANON_ZERO = 0;
export const FAULT_ANON = 1;
export const FAULT_COW = 2;
export const FAULT_FILE = 3;
export const FAULT_SWAP = 4;
export const FAULT_SPURIOUS = 5;
/** How it ended: handle_mm_fault's answers 0 … 3, and where there was no good area to ask it about. */
export const RESULT_SIGSEGV = 4;

/** Why an entry was written: `why` of pte_set and pte_clear (EV-6). */
export const WHY_FAULT = 0;
export const WHY_FORK = 1;
export const WHY_UNMAP = 2;
export const WHY_PROTECT = 3;
export const WHY_MOVE = 4;
export const WHY_RECLAIM = 5;
export const WHY_HARDWARE = 6;
export const WHY_MIGRATE = 7;

/** A fault from user mode, before anything is decided. */
export function trace_page_fault_user(k: Kernel, address: number, ip: number, error_code: number): void {
  trace_event(k, TP.page_fault_user, address, ip, error_code);
}

/** A fault from the kernel. */
export function trace_page_fault_kernel(k: Kernel, address: number, ip: number, error_code: number): void {
  trace_event(k, TP.page_fault_kernel, address, ip, error_code);
}

/** A good area was found; handle_mm_fault follows. */
export function trace_mm_fault_begin(k: Kernel, address: number, vma: number, write: number): void {
  trace_event(k, TP.mm_fault_begin, address, vma, write);
}

/** The fault is done: what came of it, and how long it took. */
export function trace_mm_fault_end(k: Kernel, address: number, result: number, kind: number, pfn: number, ns: number): void {
  trace_event(k, TP.mm_fault_end, address, result, kind, pfn, ns);
}

/** A fault had to read from a disk; it is done. */
export function trace_major_fault(k: Kernel, address: number, vma: number): void {
  trace_event(k, TP.major_fault, address, vma);
}

/** A missing entry of init_mm was copied into the tables in use (F-4). */
export function trace_mm_vmalloc_sync(k: Kernel, address: number): void {
  trace_event(k, TP.mm_vmalloc_sync, address);
}

/** A stack VMA grew downwards. */
export function trace_mm_stack_grow(k: Kernel, vma: number, pages: number): void {
  trace_event(k, TP.mm_stack_grow, vma, pages);
}

/** A place was looked for: addr, or 0 and err. */
export function trace_vm_unmapped_area(
  k: Kernel, addr: number, err: number, total_vm: number, flags: number, length: number, low_limit: number, high_limit: number,
): void {
  trace_event(k, TP.vm_unmapped_area, addr, err, total_vm, flags, length, low_limit, high_limit);
}

/** A VMA came into being. */
export function trace_vma_create(k: Kernel, vma: number, start: number, end: number, vm_flags: number): void {
  trace_event(k, TP.vma_create, vma, start, end, vm_flags);
}

/** A VMA took a range or a neighbour in; the cases are those of vma_merge (1 … 8). */
export function trace_vma_merge(k: Kernel, vma: number, start: number, end: number, merge_case: number): void {
  trace_event(k, TP.vma_merge, vma, start, end, merge_case);
}

/** A VMA became two at an address. */
export function trace_vma_split(k: Kernel, vma: number, addr: number, new_vma: number): void {
  trace_event(k, TP.vma_split, vma, addr, new_vma);
}

/** A VMA is gone. */
export function trace_vma_remove(k: Kernel, vma: number, start: number, end: number): void {
  trace_event(k, TP.vma_remove, vma, start, end);
}

/** Whether so many pages may be promised (MM-16): what was free in mode 0, what is allowed in mode 2. */
export function trace_mm_commit_check(k: Kernel, pages: number, mode: number, free: number, allowed: number, ok: number): void {
  trace_event(k, TP.mm_commit_check, pages, mode, free, allowed, ok);
}

/** An entry of a page table was written. */
export function trace_pte_set(k: Kernel, mm: number, address: number, old: number, pte: number, why: number): void {
  trace_event(k, TP.pte_set, mm, address, old, pte, why);
}

/** An entry was cleared. */
export function trace_pte_clear(k: Kernel, mm: number, address: number, old: number, why: number): void {
  trace_event(k, TP.pte_clear, mm, address, old, why);
}

/** The CPUs forget a range. */
export function trace_tlb_flush(k: Kernel, mm: number, start: number, end: number): void {
  trace_event(k, TP.tlb_flush, mm, start, end);
}
