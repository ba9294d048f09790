// Which machine a recording is of: the RAM its firmware reported, or, where the log does not say, the ranges its boot allocator was given and the
// zones of its first dump.

import { PAGE_SIZE } from '../../engine/include/types.ts';
import type { Ram } from './engine-door.ts';
import type { Dump, TraceEvent } from './trace.ts';

/** Usable RAM, ascending. Throws where neither log nor trace says it. */
export function ramOf(log: readonly string[], events: readonly TraceEvent[]): Ram[] {
  const reported = log.map((line) => /BIOS-e820: ([0-9a-f]+) - ([0-9a-f]+) \(usable\)/.exec(line)).filter((match) => match !== null);
  const ram = reported.length > 0 ? reported.map((match) => ({ start: parseInt(match[1]!, 16), end: parseInt(match[2]!, 16) })) : ramOfTrace(events);
  if (ram.length === 0) throw new Error('neither the log (BIOS-e820 … usable) nor the trace (BM free) says how much RAM the machine has');
  return ram;
}

function ramOfTrace(events: readonly TraceEvent[]): Ram[] {
  const low: Ram[] = [];
  for (const event of events) if (event.kind === 'bootmem-free') low.push({ start: event.addr, end: event.addr + event.size });
  const dump = events.find((event): event is Dump => event.kind === 'dump');
  const high = dump?.zones.find((zone) => zone.name === 'HighMem');
  if (high === undefined || high.present === 0) return low;
  return [...low, { start: high.start * PAGE_SIZE, end: (high.start + high.present) * PAGE_SIZE }];
}
