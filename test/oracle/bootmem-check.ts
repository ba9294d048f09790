// Every call of the boot allocator, through engine/mm/bootmem.ts on the machine of the trace (KERNEL.md B-3 … B-5).

import type { Kernel } from '../../engine/kernel.ts';
import { phys } from '../../engine/include/types.ts';
import { __alloc_bootmem_core, free_bootmem, init_bootmem, reserve_bootmem } from '../../engine/mm/bootmem.ts';
import { isImageRange, minLowPfn } from './engine-door.ts';
import type { Check } from './report.ts';
import type { BootmemAlloc, BootmemRange, TraceEvent } from './trace.ts';

type BootmemEvent = BootmemAlloc | BootmemRange;

export function bootmemEvents(events: readonly TraceEvent[]): BootmemEvent[] {
  return events.filter((event): event is BootmemEvent => event.kind === 'bootmem-alloc' || event.kind === 'bootmem-free' || event.kind === 'bootmem-reserve');
}

/** Replays the calls on a machine that has not booted. Its boot allocator is left in the state before the handover, unless something differed. */
export function checkBootmem(k: Kernel, events: readonly BootmemEvent[]): Check {
  const check: Check = { rules: 'B-3..5', what: 'bootmem', same: 0, total: 0, difference: null };
  check.total = events.filter((event) => event.kind === 'bootmem-alloc').length;
  const image = events.find((event): event is BootmemRange => event.kind === 'bootmem-reserve' && isImageRange(event));
  if (image === undefined) throw new Error('the trace reserves no range for the kernel image');
  init_bootmem(k, minLowPfn(k, image), k.platform.max_low_pfn);
  for (const event of events) {
    const kernel = result(event);
    const engine = attempt(k, event);
    if (kernel === engine) {
      if (event.kind === 'bootmem-alloc') check.same++;
      continue;
    }
    check.difference = { where: `trace line ${event.line}: ${request(event)}`, kernel, engine };
    return check;
  }
  return check;
}

function request(event: BootmemEvent): string {
  if (event.kind !== 'bootmem-alloc') return `${event.kind} at 0x${event.addr.toString(16)}`;
  return `${event.size} bytes aligned to ${event.align}, goal 0x${event.goal.toString(16)}, limit 0x${event.limit.toString(16)}`;
}

function result(event: BootmemEvent): string {
  return event.kind === 'bootmem-alloc' ? found(event.phys, event) : 'done';
}

function found(address: number, state: { last_success: number; last_pos: number; last_offset: number }): string {
  return `at 0x${address.toString(16)}, last_success 0x${state.last_success.toString(16)}, last_pos ${state.last_pos}, last_offset ${state.last_offset}`;
}

function attempt(k: Kernel, event: BootmemEvent): string {
  try {
    return call(k, event);
  } catch (error) {
    return String(error);
  }
}

function call(k: Kernel, event: BootmemEvent): string {
  switch (event.kind) {
    case 'bootmem-free':
      free_bootmem(k, phys(event.addr), event.size);
      return 'done';
    case 'bootmem-reserve':
      reserve_bootmem(k, phys(event.addr), event.size);
      return 'done';
    case 'bootmem-alloc':
      return found(__alloc_bootmem_core(k, event.size, event.align, event.goal, event.limit), k.bootmem!);
  }
}
