// @nohooks
// What a file holds that nobody has written: bytes that are a function of its path and their offset, so that they cost nothing until then.

/** Runs of so many bytes repeat one word of four. */
const RUN = 64;
const WORD = 4;

/** A byte of a file that nobody wrote: the same for the same path and offset, on every machine. */
export function file_byte(path: string, offset: number): number {
  return (file_word(path_hash(path), Math.floor(offset / RUN)) >>> ((offset % WORD) * 8)) & 0xff;
}

/** `size` such bytes of a file from `start` on, a multiple of 64, at the beginning of `length` bytes; what follows them is zero. */
export function file_bytes(path: string, start: number, size: number, length: number): Uint8Array {
  const hash = path_hash(path);
  const bytes = new Uint8Array(length);
  const words = new Uint32Array(bytes.buffer);
  for (let at = 0; at < size; at += RUN) words.fill(file_word(hash, (start + at) / RUN), at / WORD, Math.min(at + RUN, length) / WORD);
  return bytes.fill(0, Math.max(0, size));
}

/** FNV-1a over the path's UTF-16 units. */
function path_hash(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The word that the n-th 64 bytes of a file repeat: every bit of both arguments counts (the last steps of MurmurHash3). */
function file_word(hash: number, n: number): number {
  let word = hash ^ Math.imul(n, 0x9e3779b1);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
