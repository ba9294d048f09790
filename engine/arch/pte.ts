// @nohooks
// One page-table entry as a number, and what its bits say (KERNEL.md T-1 … T-4, X-9 … X-11).
//
//   52 | 51 ………… 12 | 11 … 0         NX stands in bit 52 here and in bit 63 of the hardware's entry, so that a double holds it exactly
//   NX |   frame    | flags
//
//   present          frame, PRESENT, RW, USER, ACCESSED, DIRTY …
//   no access        frame, PROTNONE set and PRESENT clear: there for the kernel, not for the processor
//   in swap          type and offset; FILE and PROTNONE clear (pte_to_swp_entry)
//   nonlinear        FILE, and a page offset
//   nothing          0

import type { Pfn } from '../include/types.ts';
import { PAGE_SIZE } from '../include/types.ts';

export const _PAGE_PRESENT = 0x001;
export const _PAGE_RW = 0x002;
export const _PAGE_USER = 0x004;
export const _PAGE_ACCESSED = 0x020;
export const _PAGE_DIRTY = 0x040;
/** The same bit in an entry that is not present: a nonlinear file page. */
export const _PAGE_FILE = 0x040;
export const _PAGE_PSE = 0x080;
/** The same bit in an entry of a page: PROT_NONE. */
export const _PAGE_PROTNONE = 0x080;
export const _PAGE_GLOBAL = 0x100;
/** Bit 52 of the number. */
export const _PAGE_NX = 2 ** 52;

/** Protections of user pages, as protection_map holds them (T-4). */
export const PAGE_NONE = _PAGE_PROTNONE | _PAGE_ACCESSED;
export const PAGE_READONLY = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;
export const PAGE_COPY = PAGE_READONLY;
export const PAGE_SHARED = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED;

/**
 * Protection of pages in a VMA (protection_map; T-4, X-11): private memory that may be written begins read-only. Where the processor knows NX, what
 * may not be executed carries it; i386 without PAE reads whatever it may execute, and the other way round.
 */
export function vm_get_page_prot(arch: 'i386' | 'x86_64', vm_flags: number): number {
  const [read, write, exec, shared] = [vm_flags & 1, vm_flags & 2, vm_flags & 4, vm_flags & 8];
  if (!read && !write && !exec) return PAGE_NONE;
  const prot = write && shared ? PAGE_SHARED : PAGE_READONLY;
  return arch === 'x86_64' && !exec ? prot + _PAGE_NX : prot;
}

/** An entry as a number. */
export type pte_t = number & { readonly __brand_pte?: 'pte' };

const FLAGS = 0xfff;
/** What pte_modify keeps of the old entry besides its frame. */
const CHANGE_MASK = _PAGE_ACCESSED | _PAGE_DIRTY;

export function mk_pte(page: Pfn, prot: number): pte_t {
  return page * PAGE_SIZE + prot;
}

/** Frame that a present entry names. */
export function pte_page(pte: pte_t): Pfn {
  return Math.floor((pte >= _PAGE_NX ? pte - _PAGE_NX : pte) / PAGE_SIZE) as Pfn;
}

/** Bits 0 … 11. */
export function pte_low(pte: pte_t): number {
  return pte & FLAGS;
}

/** For the kernel: an entry without access counts (pte_present). */
export function pte_present(pte: pte_t): boolean {
  return (pte & (_PAGE_PRESENT | _PAGE_PROTNONE)) !== 0;
}

export function pte_none(pte: pte_t): boolean {
  return pte === 0;
}

export function pte_file(pte: pte_t): boolean {
  return (pte & _PAGE_FILE) !== 0;
}

export function pte_user(pte: pte_t): boolean {
  return (pte & _PAGE_USER) !== 0;
}

export function pte_write(pte: pte_t): boolean {
  return (pte & _PAGE_RW) !== 0;
}

export function pte_dirty(pte: pte_t): boolean {
  return (pte & _PAGE_DIRTY) !== 0;
}

export function pte_young(pte: pte_t): boolean {
  return (pte & _PAGE_ACCESSED) !== 0;
}

export function pte_exec(pte: pte_t): boolean {
  return pte < _PAGE_NX;
}

/** The entry with some of the low bits set and others cleared. */
export function pte_with(pte: pte_t, set: number, clear: number): pte_t {
  const low = pte & FLAGS;
  return pte - low + ((low | set) & ~clear);
}

export function pte_mkwrite(pte: pte_t): pte_t {
  return pte_with(pte, _PAGE_RW, 0);
}

export function pte_wrprotect(pte: pte_t): pte_t {
  return pte_with(pte, 0, _PAGE_RW);
}

export function pte_mkdirty(pte: pte_t): pte_t {
  return pte_with(pte, _PAGE_DIRTY, 0);
}

export function pte_mkclean(pte: pte_t): pte_t {
  return pte_with(pte, 0, _PAGE_DIRTY);
}

export function pte_mkyoung(pte: pte_t): pte_t {
  return pte_with(pte, _PAGE_ACCESSED, 0);
}

export function pte_mkold(pte: pte_t): pte_t {
  return pte_with(pte, 0, _PAGE_ACCESSED);
}

/** The entry with the protection of `prot`; its frame and its accessed and dirty bits stay. */
export function pte_modify(pte: pte_t, prot: number): pte_t {
  const kept = pte & CHANGE_MASK;
  return pte_with(pte_page(pte) * PAGE_SIZE + prot, kept, 0);
}

/** The entry as the hardware holds it, NX in bit 63. */
export function hardware_pte(pte: pte_t): bigint {
  return pte < _PAGE_NX ? BigInt(pte) : BigInt(pte - _PAGE_NX) | (1n << 63n);
}

const BIT_NAMES: readonly (readonly [string, number])[] = [
  ['PRESENT', _PAGE_PRESENT], ['RW', _PAGE_RW], ['USER', _PAGE_USER], ['ACCESSED', _PAGE_ACCESSED], ['DIRTY', _PAGE_DIRTY], ['GLOBAL', _PAGE_GLOBAL],
];

/** The bits of an entry of the lowest level by name: `PRESENT|RW|USER`, `PROTNONE`, or what stands in its place. */
export function show_pte_bits(pte: pte_t): string {
  if (pte === 0) return 'none';
  if (!pte_present(pte)) {
    const { type, offset } = pte_to_swp_entry(pte);
    return pte_file(pte) ? 'FILE' : `swap entry: area ${type}, slot ${offset}`;
  }
  const names = BIT_NAMES.filter(([, bit]) => (pte & bit) !== 0).map(([name]) => name);
  if ((pte & _PAGE_PRESENT) === 0) names.unshift('PROTNONE');
  return [...names, ...(pte_exec(pte) ? [] : ['NX'])].join('|');
}

// ---- swap entries -----------------------------------------------------------------------------------------------------

/** Where a page is in swap: an area's type, and the slot in it. */
export interface swp_entry_t {
  type: number;
  offset: number;
}

/** type << 1 | offset << 8 on both architectures (T-2, X-10). */
export function swp_entry_to_pte({ type, offset }: swp_entry_t): pte_t {
  return type * 2 + offset * 256;
}

export function pte_to_swp_entry(pte: pte_t): swp_entry_t {
  return { type: (pte >> 1) & 0x1f, offset: Math.floor(pte / 256) };
}

/** An entry that is there but not present, and no nonlinear one. */
export function is_swap_pte(pte: pte_t): boolean {
  return pte !== 0 && !pte_present(pte) && !pte_file(pte);
}
