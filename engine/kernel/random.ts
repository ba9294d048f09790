// @nohooks
// The kernel's quick random number (drivers/char/random.c:get_random_int), where addresses are randomised. It is all the chance there is in memory
// management, and comes from the machine's seed (KERNEL.md DT-3): the same machine gives the same numbers in the same order.

import type { Kernel } from '../kernel.ts';

/** The state from which a machine with that seed begins. */
export function seed_random(seed: number): number {
  return mix(seed ^ 0x9e3779b9) >>> 0;
}

/** The next number, 0 … 2^32-1 (mulberry32). */
export function get_random_int(k: Kernel): number {
  k.random_state = (k.random_state + 0x6d2b79f5) >>> 0;
  return mix(k.random_state) >>> 0;
}

/** Spreads each bit of a word over all (the last steps of MurmurHash3). */
function mix(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
