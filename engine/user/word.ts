// Words of a process, as its own code reads and writes them: one access each, with the fault where one is due (mm/user_memory.ts has bytes). A
// word has 4 bytes on i386 and 8 on x86_64, and lies at a multiple of its size, so never across two pages.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { phys } from '../include/types.ts';
import { is_x86_64 } from '../arch/address.ts';
import { translate } from '../arch/mmu.ts';
import { charge } from '../kernel/sched.ts';
import { read_phys32, write_phys32 } from '../mm/contents.ts';
import { touch_user } from '../mm/user_memory.ts';

const TWO_32 = 2 ** 32;

/** Bytes of a word. */
export function word_size(k: Kernel): number {
  return is_x86_64(k) ? 8 : 4;
}

/** The word at an address; 0 where the task is to die of the access. One that takes more than 53 bits comes out rounded. */
export function* load_word(k: Kernel, address: VirtAddr): Generator<Wait, number, void> {
  const place = yield* word_place(k, address, 0);
  if (place === null) return 0;
  const low = read_phys32(k, place);
  return is_x86_64(k) ? low + read_phys32(k, phys(place + 4)) * TWO_32 : low;
}

/** Writes a word, unless the task is to die of the access. */
export function* store_word(k: Kernel, address: VirtAddr, word: number): Generator<Wait, void, void> {
  const place = yield* word_place(k, address, 1);
  if (place === null) return;
  write_phys32(k, place, word % TWO_32);
  if (is_x86_64(k)) write_phys32(k, phys(place + 4), Math.floor(word / TWO_32));
}

/** Where a word is, once its faults are over; null when a signal must be taken. */
function* word_place(k: Kernel, address: VirtAddr, write: 0 | 1): Generator<Wait, PhysAddr | null, void> {
  const hit = translate(k, address, write);
  if (hit >= 0) {
    charge(k, k.cost.access);
    return phys(hit);
  }
  const error = yield* touch_user(k, address, write);
  return error === 0 ? phys(translate(k, address, write)) : null;
}
