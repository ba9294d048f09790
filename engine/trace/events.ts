// @nohooks
// The event ring: what an enabled tracepoint leaves behind. Counting costs one addition, recording one test where it is off.

import type { Kernel, Trace, TraceRing } from '../kernel.ts';
import type { FieldKind } from './tracepoints.ts';
import { RING_ARGS, TRACEPOINTS } from './tracepoints.ts';
import { show_gfp_flags } from '../include/gfp.ts';
import { ZONE_NAMES } from '../include/mmzone.ts';
import { PAGE_FLAG_NAMES } from '../include/page-flags.ts';
import { PDFLUSH_FUNCTIONS } from '../include/writeback.ts';
import { VM_FLAG_NAMES } from '../include/mm_types.ts';
import { hardware_pte } from '../arch/pte.ts';

/** Records the ring holds unless it is asked to hold more. */
export const RING_CAPACITY = 4096;

/** One recorded event, read back: `args` by field name. */
export interface TraceRecord {
  seq: number;
  id: number;
  system: string;
  name: string;
  /** Virtual time, ns. */
  time: number;
  cpu: number;
  pid: number;
  args: Record<string, number>;
}

export function make_trace(): Trace {
  return { counts: new Float64Array(TRACEPOINTS.length), total: 0, enabled: new Uint8Array(TRACEPOINTS.length), ring: make_ring(RING_CAPACITY) };
}

function make_ring(capacity: number): TraceRing {
  return {
    capacity, seq: 0, id: new Uint16Array(capacity), cpu: new Uint8Array(capacity), pid: new Int32Array(capacity),
    time: new Float64Array(capacity), args: new Float64Array(capacity * RING_ARGS),
  };
}

/** Records every tracepoint, or none. Changing it changes nothing in what the machine does. */
export function set_tracing(k: Kernel, on: 0 | 1): void {
  k.trace.enabled.fill(on);
}

/** Gives the ring room for `capacity` records; what it held is dropped, its numbering goes on. */
export function resize_ring(k: Kernel, capacity: number): void {
  const seq = k.trace.ring.seq;
  k.trace.ring = make_ring(capacity);
  k.trace.ring.seq = seq;
}

/** Counts a tracepoint and, where it is enabled, records it with its fields in the table's order. */
export function trace_event(k: Kernel, id: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0): void {
  k.trace.counts[id]!++;
  k.trace.total++;
  if (k.trace.enabled[id] === 0) return;
  const ring = k.trace.ring;
  const at = ring.seq++ % ring.capacity;
  ring.id[at] = id;
  ring.cpu[at] = k.cpu;
  ring.pid[at] = k.current;
  ring.time[at] = k.now;
  const args = ring.args;
  let slot = at * RING_ARGS;
  args[slot++] = a; args[slot++] = b; args[slot++] = c; args[slot++] = d;
  args[slot++] = e; args[slot++] = f; args[slot++] = g; args[slot] = h;
}

/** Events numbered from `since` on that the ring still holds, oldest first. */
export function trace_records(k: Kernel, since = 0): TraceRecord[] {
  const { ring } = k.trace;
  const records: TraceRecord[] = [];
  for (let seq = Math.max(since, ring.seq - ring.capacity); seq < ring.seq; seq++) records.push(read_record(ring, seq));
  return records;
}

function read_record(ring: TraceRing, seq: number): TraceRecord {
  const at = seq % ring.capacity;
  const id = ring.id[at]!;
  const point = TRACEPOINTS[id]!;
  const args: Record<string, number> = {};
  for (const [i, [field]] of point.fields.entries()) args[field] = ring.args[at * RING_ARGS + i]!;
  return { seq, id, system: point.system, name: point.name, time: ring.time[at]!, cpu: ring.cpu[at]!, pid: ring.pid[at]!, args };
}

const FAULT_RESULTS = ['OOM', 'SIGBUS', 'MINOR', 'MAJOR', 'SIGSEGV'];
const FAULT_KINDS = ['anon_zero', 'anon', 'cow', 'file', 'swap', 'spurious'];
const RA_WINDOWS = ['none', 'current', 'ahead'];
const RA_REASONS = ['first', 'ahead', 'missed', 'random', 'fault', 'forced'];
const MISS_VIAS = ['read', 'fault'];
const WB_REASONS = ['background', 'periodic', 'sync', 'balance', 'laptop'];
const WB_SYNCS = ['none', 'all', 'hold'];
const PTE_WHYS = ['fault', 'fork', 'unmap', 'protect', 'move', 'reclaim', 'hardware', 'migrate'];

/** A field's value as people read it. */
export function show_field(kind: FieldKind, value: number): string {
  switch (kind) {
    case 'gfp': return show_gfp_flags(value);
    case 'address': return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
    case 'zone': return ZONE_NAMES[value % 4] ?? String(value);
    case 'pte': return `0x${hardware_pte(value).toString(16)}`;
    case 'fault_result': return FAULT_RESULTS[value % 16] ?? String(value);
    case 'fault_kind': return FAULT_KINDS[value] ?? String(value);
    case 'ra_window': return RA_WINDOWS[value] ?? String(value);
    case 'ra_reason': return RA_REASONS[value] ?? String(value);
    case 'miss_via': return MISS_VIAS[value] ?? String(value);
    case 'wb_reason': return WB_REASONS[value] ?? String(value);
    case 'wb_sync': return WB_SYNCS[value] ?? String(value);
    case 'pdflush_fn': return PDFLUSH_FUNCTIONS[value] ?? String(value);
    case 'page_flag': return PAGE_FLAG_NAMES[value] ?? String(value);
    case 'pte_why': return PTE_WHYS[value] ?? String(value);
    case 'vm_flags': return VM_FLAG_NAMES.filter(([, bit]) => (value & bit) !== 0).map(([name]) => name).join('|') || '0';
    default: return String(value);
  }
}
