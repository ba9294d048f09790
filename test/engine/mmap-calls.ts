// The calls of a process, in pages rather than bytes, as the tests of mappings make them.

import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { sys_mmap2, sys_munmap } from '../../engine/mm/mmap.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { at, call } from './vma-notation.ts';

export const RW = PROT_READ | PROT_WRITE;
export const PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS;

/** What a test maps, where it differs from private memory that may be written, anywhere. */
export interface Mapping {
  addr?: number;
  prot?: number;
  flags?: number;
  file?: number;
  pgoff?: number;
}

/** Maps so many pages: the address, or a negative error. */
export function mmap({ k }: Process, pages: number, mapping: Mapping = {}): Generator<Wait, number, void> {
  const { addr = 0, prot = RW, flags = PRIVATE, file = 0, pgoff = 0 } = mapping;
  return sys_mmap2(k, addr, pages * PAGE_SIZE, prot, flags, file, pgoff);
}

/** Unmaps pages of `mid`. */
export function munmap(process: Process, from: number, to: number): Generator<Wait, number, void> {
  return sys_munmap(process.k, at(process, from), (to - from) * PAGE_SIZE);
}

export const hex = (address: number): string => address.toString(16);

/** The addresses of mappings of so many pages, one after the other, in hex. */
export function mapAll(process: Process, sizes: readonly number[], mapping: Mapping = {}): string[] {
  return sizes.map((pages) => hex(call(process, mmap(process, pages, mapping))));
}

/** The events of a call that VMAs or searches took part in: name and arguments, in hex. */
export function vmaEvents({ k }: Process, run: () => void): string[] {
  set_tracing(k, 1);
  run();
  set_tracing(k, 0);
  const events = trace_records(k).filter(({ name }) => /^vma_|^vm_/.test(name));
  return events.map(({ name, args }) => `${name} ${Object.values(args).map((argument) => hex(argument!)).join(' ')}`);
}
