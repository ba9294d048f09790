// @nohooks
// The kernel log (kernel/printk.c): lines with their virtual time. The buffer keeps the last LOG_LINES; `seq` counts all there ever were.

import type { Kernel, KernelLog } from '../kernel.ts';

/** Lines the log buffer keeps. */
export const LOG_LINES = 4096;

/** printk_ratelimit lets this many messages through at once, and one every so many seconds after that. */
const RATELIMIT_BURST = 10;
const RATELIMIT_SECONDS = 5;

/** An empty log of a machine with that many jiffies a second. */
export function make_log(hz: number): KernelLog {
  return { seq: 0, lines: [], ratelimit: { toks: RATELIMIT_BURST * RATELIMIT_SECONDS * hz, last_msg: 0, missed: 0 } };
}

/** Whether a message that anybody may cause any number of times is printed now (kernel/printk.c:printk_ratelimit): ten at once, then one in 5 s. */
export function printk_ratelimit(k: Kernel): boolean {
  const bucket = k.log.ratelimit;
  const interval = RATELIMIT_SECONDS * k.platform.hz;
  const now = Math.floor((k.now * k.platform.hz) / 1e9);
  bucket.toks = Math.min(bucket.toks + Math.max(0, now - bucket.last_msg), RATELIMIT_BURST * interval);
  bucket.last_msg = now;
  if (bucket.toks < interval) {
    bucket.missed++;
    return false;
  }
  bucket.toks -= interval;
  const lost = bucket.missed;
  bucket.missed = 0;
  if (lost > 0) printk(k, `printk: ${lost} messages suppressed.`);
  return true;
}

/** Adds text to the kernel log, one entry a line. The boot takes no time (LANGUAGE.md, Virtual time). */
export function printk(k: Kernel, text: string): void {
  const time = k.system_running === 0 ? 0 : k.now;
  for (const line of text.split('\n')) {
    k.log.seq++;
    k.log.lines.push({ time, text: line });
    if (k.log.lines.length > LOG_LINES) k.log.lines.shift();
  }
}

/** Lines numbered from `since` on that the buffer still holds. */
export function log_lines(k: Kernel, since: number): readonly { time: number; text: string }[] {
  const missing = k.log.seq - k.log.lines.length;
  return k.log.lines.slice(Math.max(0, since - missing));
}
