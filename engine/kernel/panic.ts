// What the kernel asserts. A broken assertion is an oops of the emulated machine, not an error of the emulator: it ends the run and is reported
// with its text. A tracepoint is passed before the run is given up, so that a debugger can stop while every frame still stands.

import type { Kernel } from '../kernel.ts';
import { printk } from './printk.ts';
import { trace_kernel_bug } from '../trace/bug.ts';

/** The emulated kernel hit BUG() or panicked. */
export class KernelBug extends Error {
  override name = 'KernelBug';
}

/** BUG(): the emulated kernel stops with "kernel BUG at …". `what` names the place and the broken condition. @nohooks */
export function BUG(k: Kernel, what: string): never {
  printk(k, `kernel BUG at ${what}!`);
  trace_kernel_bug(k, what);
  throw new KernelBug(`kernel BUG at ${what}`);
}

/** An oops that is no assertion: the processor met an address or instruction it cannot use. `message` is its first line. @nohooks */
export function die(k: Kernel, message: string): never {
  printk(k, message);
  trace_kernel_bug(k, message);
  throw new KernelBug(message);
}

/** panic(): the emulated kernel cannot go on. @nohooks */
export function panic(k: Kernel, message: string): never {
  printk(k, `Kernel panic - not syncing: ${message}`);
  trace_kernel_bug(k, message);
  throw new KernelBug(`Kernel panic: ${message}`);
}
