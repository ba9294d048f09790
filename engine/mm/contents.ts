// @nohooks
// What frames hold, lazily: a frame that was never written, or is filled with one byte, costs nothing but its entry in a column.
//
//   content[pfn]   0 … 255   every byte of the frame has this value (0 at power on)
//                  256 + s   the frame's bytes lie in slot s of the pool
//
// Only this file touches the pool. Addresses are physical; virtual ones are translated by whoever has them (arch/, mm/vmalloc.ts).

import type { Contents, Kernel } from '../kernel.ts';
import type { Pfn, PhysAddr } from '../include/types.ts';
import { PAGE_SIZE } from '../include/types.ts';

/** Below it a column entry is the byte a frame is filled with. */
const FIRST_SLOT = 256;
/** Of an address: its byte in the frame. */
const PAGE_OFFSET_MASK = PAGE_SIZE - 1;
const TWO_32 = 2 ** 32;
const TWO_52 = 2 ** 52;
/** The largest upper word whose bit 31, bit 63 of all, is clear. */
const LAST_POSITIVE = 0x7fffffff;
/** Slots the pool begins with; it doubles. */
const FIRST_POOL = 16;

/** Contents of a machine with that many frames: all zero. */
export function make_contents(nr_pages: number): Contents {
  return { content: new Uint32Array(nr_pages), pool: new Uint8Array(0), words: new Uint32Array(0), free_slots: [], nr_slots: 0 };
}

/** The byte at a physical address. */
export function read_phys(k: Kernel, address: PhysAddr): number {
  const { content, pool } = k.contents;
  const entry = content[Math.floor(address / PAGE_SIZE)]!;
  return entry < FIRST_SLOT ? entry : pool[(entry - FIRST_SLOT) * PAGE_SIZE + (address & PAGE_OFFSET_MASK)]!;
}

/** Writes a byte. Writing what is there already costs no memory. */
export function write_phys(k: Kernel, address: PhysAddr, byte: number): void {
  const frame = Math.floor(address / PAGE_SIZE);
  if (k.contents.content[frame] === byte) return;
  const slot = slot_of(k, frame);
  k.contents.pool[slot * PAGE_SIZE + (address & PAGE_OFFSET_MASK)] = byte;
}

/** The little-endian 32-bit word at an address that is a multiple of 4. */
export function read_phys32(k: Kernel, address: PhysAddr): number {
  const { content, words } = k.contents;
  const entry = content[Math.floor(address / PAGE_SIZE)]!;
  if (entry < FIRST_SLOT) return entry * 0x01010101;
  return words[((entry - FIRST_SLOT) * PAGE_SIZE + (address & PAGE_OFFSET_MASK)) / 4]!;
}

export function write_phys32(k: Kernel, address: PhysAddr, word: number): void {
  const frame = Math.floor(address / PAGE_SIZE);
  const entry = k.contents.content[frame]!;
  if (entry < FIRST_SLOT && entry * 0x01010101 === word) return;
  const slot = slot_of(k, frame);
  k.contents.words[(slot * PAGE_SIZE + (address & PAGE_OFFSET_MASK)) / 4] = word;
}

/** The little-endian 64-bit word at an address that is a multiple of 8, bits 52 … 62 being clear: bit 63 stands in bit 52, so that a double holds it
 *  (arch/pte.ts). */
export function read_phys64(k: Kernel, address: PhysAddr): number {
  const { content, words } = k.contents;
  const entry = content[Math.floor(address / PAGE_SIZE)]!;
  if (entry === 0) return 0;
  const at = ((entry - FIRST_SLOT) * PAGE_SIZE + (address & PAGE_OFFSET_MASK)) / 4;
  const low = entry < FIRST_SLOT ? entry * 0x01010101 : words[at]!;
  const high = entry < FIRST_SLOT ? low : words[at + 1]!;
  return (high & 0xfffff) * TWO_32 + low + (high > LAST_POSITIVE ? TWO_52 : 0);
}

export function write_phys64(k: Kernel, address: PhysAddr, word: number): void {
  const high = Math.floor(word / TWO_32);
  write_phys32(k, address, word >>> 0);
  write_phys32(k, (address + 4) as PhysAddr, high < 0x100000 ? high : high - 0x100000 + LAST_POSITIVE + 1);
}

/** `size` bytes from an address on, all in one frame. */
export function read_phys_bytes(k: Kernel, address: PhysAddr, size: number): Uint8Array {
  const { content, pool } = k.contents;
  const entry = content[Math.floor(address / PAGE_SIZE)]!;
  if (entry < FIRST_SLOT) return new Uint8Array(size).fill(entry);
  const at = (entry - FIRST_SLOT) * PAGE_SIZE + (address & PAGE_OFFSET_MASK);
  return pool.slice(at, at + size);
}

/** Writes bytes from an address on, all in one frame. Writing what is there already costs no memory. */
export function write_phys_bytes(k: Kernel, address: PhysAddr, bytes: Uint8Array): void {
  const frame = Math.floor(address / PAGE_SIZE);
  const entry = k.contents.content[frame]!;
  if (entry < FIRST_SLOT && bytes.every((byte) => byte === entry)) return;
  const slot = slot_of(k, frame);
  k.contents.pool.set(bytes, slot * PAGE_SIZE + (address & PAGE_OFFSET_MASK));
}

/** Fills `size` bytes from an address on; whole frames cost nothing. */
export function fill_phys(k: Kernel, address: PhysAddr, size: number, byte: number): void {
  let at = address as number;
  const end = address + size;
  while (at < end) {
    const room = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
    if (room === PAGE_SIZE) fill_frame(k, (at / PAGE_SIZE) as Pfn, byte);
    else for (let i = 0; i < room; i++) write_phys(k, (at + i) as PhysAddr, byte);
    at += room;
  }
}

/** Makes every byte of a frame one value. */
export function fill_frame(k: Kernel, frame: Pfn, byte: number): void {
  const { content, free_slots } = k.contents;
  const entry = content[frame]!;
  if (entry >= FIRST_SLOT) free_slots.push(entry - FIRST_SLOT);
  content[frame] = byte;
}

/** Copies a whole frame. */
export function copy_frame(k: Kernel, to: Pfn, from: Pfn): void {
  const entry = k.contents.content[from]!;
  if (entry < FIRST_SLOT) {
    fill_frame(k, to, entry);
    return;
  }
  const slot = slot_of(k, to);
  const { pool } = k.contents;
  pool.set(pool.subarray((entry - FIRST_SLOT) * PAGE_SIZE, (entry - FIRST_SLOT + 1) * PAGE_SIZE), slot * PAGE_SIZE);
}

/** Copies `size` bytes from one address to another; neither range leaves its frame. Whole frames cost no more than a copy_frame. */
export function copy_phys(k: Kernel, to: PhysAddr, from: PhysAddr, size: number): void {
  if (size === PAGE_SIZE) copy_frame(k, (to / PAGE_SIZE) as Pfn, (from / PAGE_SIZE) as Pfn);
  else write_phys_bytes(k, to, read_phys_bytes(k, from, size));
}

/** The slot of a frame, given it now if it has none. */
function slot_of(k: Kernel, frame: number): number {
  const { content } = k.contents;
  const entry = content[frame]!;
  if (entry >= FIRST_SLOT) return entry - FIRST_SLOT;
  const slot = take_slot(k);
  k.contents.pool.fill(entry, slot * PAGE_SIZE, (slot + 1) * PAGE_SIZE);
  content[frame] = FIRST_SLOT + slot;
  return slot;
}

function take_slot(k: Kernel): number {
  const contents = k.contents;
  const used = contents.free_slots.pop();
  if (used !== undefined) return used;
  const slot = contents.nr_slots++;
  if ((slot + 1) * PAGE_SIZE > contents.pool.length) {
    const larger = new Uint8Array(Math.max(FIRST_POOL * PAGE_SIZE, contents.pool.length * 2));
    larger.set(contents.pool);
    contents.pool = larger;
    contents.words = new Uint32Array(larger.buffer);
  }
  return slot;
}
