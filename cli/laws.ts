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

/** A watcher that throws BrokenLaw, which names every law that does not hold. */
export function lawWatcher(): Required<Pick<Watcher, 'pulse' | 'boundary'>> {
  let pulses = 0;
  return {
    boundary: checkLaws,
    pulse(k) {
      pulses++;
      if (pulses % PULSES_A_CHECK === 0) checkLaws(k);
    },
  };
}

function checkLaws(k: Kernel): void {
  const broken = check_machine(k);
  if (broken.length > 0) throw new BrokenLaw(broken.join('\n'));
}
