// @nohooks
// What a disk holds, lazily: a block that nobody wrote costs nothing, one filled with a single byte next to nothing.
//
//   read_platter(block):  written → the bytes; in a pristine extent → computed from the file's name; else zeroes
//
// The bytes of a written block are replaced, never changed: copies of a platter share them.

import type { Kernel } from '../kernel.ts';
import type { block_bytes, gendisk, platter, pristine_extent } from '../include/blkdev.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { file_bytes } from '../fs/file_bytes.ts';
import { BUG } from '../kernel/panic.ts';

export function make_platter(): platter {
  return { written: new Map<number, block_bytes>(), pristine: [] };
}

/** What a block holds. */
export function read_platter(platter: platter, block: number): block_bytes {
  const written = platter.written.get(block);
  if (written !== undefined) return written;
  const extent = pristine_at(platter, block);
  return extent === null ? 0 : PRISTINE[extent.kind](extent, block);
}

/** What a block holds, byte by byte. */
export function read_platter_bytes(platter: platter, block: number): Uint8Array {
  const bytes = read_platter(platter, block);
  return typeof bytes === 'number' ? new Uint8Array(PAGE_SIZE).fill(bytes) : bytes;
}

/** Writes a whole block; the caller gives the bytes away, which begin at a multiple of 4 in their buffer. */
export function write_platter(platter: platter, block: number, bytes: block_bytes): void {
  platter.written.set(block, typeof bytes !== 'number' && is_uniform(bytes) ? bytes[0]! : bytes);
}

/** Says that a file nobody wrote yet lies in some blocks; none of them may be said to hold another. */
export function add_pristine(k: Kernel, disk: gendisk, extent: pristine_extent): void {
  const { pristine } = disk.platter;
  const overlaps = pristine.some(({ start, nr }) => start < extent.start + extent.nr && extent.start < start + nr);
  if (overlaps || extent.start + extent.nr > disk.capacity) BUG(k, `block/platter.ts:add_pristine: blocks ${extent.start} … of ${disk.disk_name}`);
  disk.platter.pristine = [...pristine, extent].sort((a, b) => a.start - b.start);
}

/** What a disk holds now, were the power cut: a copy that the machine changes no more. What only lies in memory or in the queue is not in it. */
export function platter_image(k: Kernel, id: number): platter {
  const { written, pristine } = k.block.disks[id]!.platter;
  return { written: new Map(written), pristine: pristine.map((extent) => ({ ...extent })) };
}

/** The bytes of a block that nobody wrote, by what lies there. */
const PRISTINE: Readonly<Record<pristine_extent['kind'], (extent: pristine_extent, block: number) => block_bytes>> = { file: pristine_file };

function pristine_file(extent: pristine_extent, block: number): block_bytes {
  const start = (extent.index + block - extent.start) * PAGE_SIZE;
  const size = Math.min(PAGE_SIZE, Math.max(0, extent.size - start));
  return file_bytes(extent.path, start, size, PAGE_SIZE);
}

/** The extent a block lies in, or null. */
function pristine_at({ pristine }: platter, block: number): pristine_extent | null {
  let low = 0;
  let high = pristine.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pristine[middle]!.start <= block) low = middle + 1;
    else high = middle;
  }
  const extent = pristine[low - 1];
  return extent !== undefined && block < extent.start + extent.nr ? extent : null;
}

function is_uniform(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const first = bytes[0]! * 0x01010101;
  for (let i = 0; i < words.length; i++) if (words[i] !== first) return false;
  return true;
}
