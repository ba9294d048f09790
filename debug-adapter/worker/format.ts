// How values of the engine are written for people: masks by name, page frames as pages, calls in one line.

import type { Kernel, inode, zonelist } from '../../engine/index.ts';
import { PAGE_SIZE, max_mapnr, show_gfp_flags, zone_of } from '../../engine/index.ts';
import type { Value } from '../../language/runtime/index.ts';
import { describe, pageAt, shownAddress, toValue } from '../../language/runtime/index.ts';
import { PAGE_NAMES } from './page-names.ts';

/** Names that hold a gfp mask, in the engine and, as people call theirs, in a scenario. */
const GFP_NAME = /^gfp/i;

/** Names that hold a virtual address, in the engine and in tracepoints. */
const ADDRESS_NAME = /^(address|addr|vaddr|old_addr|new_addr|objp|ptr|esp)$/;

/** Nothing in the engine is as low as the sign-extended kernel addresses of x86_64. */
const ABOVE_ADDRESSES = -(2 ** 40);

/** A raw value of a frame as a value of the language: a page frame opens into its struct page, an address is unsigned. */
export function frameValue(k: Kernel, name: string, raw: unknown): Value {
  if (PAGE_NAMES.has(name) && typeof raw === 'number' && raw >= 0 && raw < max_mapnr(k)) return pageAt(k, raw);
  return toValue(unsignedAddress(raw));
}

/** A kernel address of x86_64 without its sign; anything else as it is. */
export function unsignedAddress(raw: unknown): unknown {
  return typeof raw === 'number' && raw < ABOVE_ADDRESSES ? shownAddress(raw) : raw;
}

/** A value of a scenario's frame in one line. */
export function showScenarioValue(k: Kernel, name: string, raw: unknown): string {
  return isMask(name, raw) ? showMask(raw) : describe(k, toValue(raw));
}

/** A value of an engine's frame in one line, by what its name says it is. */
export function showValue(k: Kernel, name: string, raw: unknown): string {
  if (raw === undefined) return 'not set yet';
  if (typeof raw === 'function') return 'a function';
  if (isMask(name, raw)) return showMask(raw);
  if (PAGE_NAMES.has(name) && raw === -1) return 'no page';
  if (isAddress(name, raw)) return showAddress(raw);
  if (isZonelist(raw)) return raw.zones.map((ref) => zone_of(k, ref).name).join(', ');
  return describe(k, frameValue(k, name, raw));
}

/** Masks have 32 bits; anything else of that name is none. */
function isMask(name: string, raw: unknown): raw is number {
  return GFP_NAME.test(name) && typeof raw === 'number' && raw >= 0 && raw <= 0xffffffff;
}

function showMask(mask: number): string {
  return `${show_gfp_flags(mask)} (0x${mask.toString(16)})`;
}

/** The first page is no address that anything has: small numbers stay as they are. */
function isAddress(name: string, raw: unknown): raw is number {
  return ADDRESS_NAME.test(name) && typeof raw === 'number' && (raw >= PAGE_SIZE || raw < ABOVE_ADDRESSES);
}

function showAddress(address: number): string {
  return `0x${shownAddress(address).toString(16)}`;
}

function isZonelist(raw: unknown): raw is zonelist {
  return typeof raw === 'object' && raw !== null && 'zones' in raw && Array.isArray(raw.zones);
}

/** A value as short as a call's argument list wants it. */
function showArgument(k: Kernel, name: string, raw: unknown): string {
  if (isMask(name, raw)) return show_gfp_flags(raw);
  if (isAddress(name, raw)) return showAddress(raw);
  if (typeof raw === 'number' || typeof raw === 'string' || typeof raw === 'boolean') return String(raw);
  if (isFile(raw)) return raw.path;
  if (typeof raw === 'object' && raw !== null && 'name' in raw && typeof raw.name === 'string') return raw.name;
  return describe(k, toValue(raw)).length > 24 ? '…' : describe(k, toValue(raw));
}

/** An inode: what it is called says enough. */
function isFile(raw: unknown): raw is inode {
  return typeof raw === 'object' && raw !== null && 'i_mmap' in raw;
}

/** `alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver`. */
export function showCall(k: Kernel, name: string, parameters: readonly (readonly [string, unknown])[], task: string): string {
  const shown = parameters.filter(([, raw]) => typeof raw !== 'object' || isFile(raw)).map(([parameter, raw]) => `${parameter}=${showArgument(k, parameter, raw)}`);
  return `${name}(${shown.join(', ')}) in ${task}`;
}
