// @nohooks
// The kernel log (kernel/printk.c): lines with their virtual time. The buffer keeps the last LOG_LINES; `seq` counts all there ever were.

import type { Kernel } from '../kernel.ts';

/** Lines the log buffer keeps. */
export const LOG_LINES = 4096;

/** Adds text to the kernel log, one entry a line. */
export function printk(k: Kernel, text: string): void {
  for (const line of text.split('\n')) {
    k.log.seq++;
    k.log.lines.push({ time: k.now, text: line });
    if (k.log.lines.length > LOG_LINES) k.log.lines.shift();
  }
}

/** Lines numbered from `since` on that the buffer still holds. */
export function log_lines(k: Kernel, since: number): readonly { time: number; text: string }[] {
  const missing = k.log.seq - k.log.lines.length;
  return k.log.lines.slice(Math.max(0, since - missing));
}
