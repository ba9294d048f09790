// `--check`: asks after every few steps whether the machine still keeps the laws of memory management.
import type { Kernel } from '../engine/index.ts';
import { check_machine } from '../engine/index.ts';
import type { Watcher } from './run-machine.ts';

/** A law is broken: only a fault of the emulator can do that. */
export class BrokenLaw extends Error {
  override name = 'BrokenLaw';
}

/** Pulses between two checks while one task runs on: a check looks at every page. */
const PULSES_A_CHECK = 16;

/** A check walks every page table: with many address spaces only every so many switches have one, so that it takes no longer than with this many. */
const SPACES_A_CHECK = 8;

/** A watcher that throws BrokenLaw, which names every law that does not hold. */
export function lawWatcher(): Required<Pick<Watcher, 'pulse' | 'boundary'>> {
  let pulses = 0;
  let switches = 0;
  return {
    boundary(k) {
      if (++switches * SPACES_A_CHECK < spacesOf(k)) return;
      switches = 0;
      checkLaws(k);
    },
    pulse(k) {
      pulses++;
      if (pulses % PULSES_A_CHECK === 0) checkLaws(k);
    },
  };
}

/** Address spaces there are. */
function spacesOf({ mm_structs, free_ids }: Kernel): number {
  return mm_structs.length - 1 - free_ids.mm_structs.length;
}

function checkLaws(k: Kernel): void {
  const broken = check_machine(k);
  if (broken.length > 0) throw new BrokenLaw(broken.join('\n'));
}
