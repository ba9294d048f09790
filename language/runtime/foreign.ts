/**
 * Values of the engine as values of the language: what a hook passes to a condition, what a kernel frame's locals hold.
 *
 * The structures that objects.ts knows become its objects. Any other record (a `scan_control`) is wrapped as it is, so that its fields can be
 * read; such a value lives no longer than the condition or the watch it is made for.
 */
import type { kmem_cache, mempool_t, pg_data_t, slab, task_struct, vm_struct, zone_ref } from '../../engine/index.ts';
import type { Kind } from './kinds.ts';
import { MACHINE_KINDS, taskValue } from './objects-machine.ts';
import { MEMORY_KINDS, areaValue, poolValue } from './objects-memory.ts';
import { PAGE_KINDS } from './objects-page.ts';
import { SLAB_KINDS, cacheValue, slabValue } from './objects-slab.ts';
import { ZONE_KINDS, nodeValue, zoneValue } from './objects-zone.ts';
import type { ObjectValue, Value } from './values.ts';
import { integer } from './values.ts';

/** Records of these kinds are values of the language already. */
const OWN_KINDS: ReadonlySet<unknown> = new Set(
  [...MACHINE_KINDS, ...ZONE_KINDS, ...PAGE_KINDS, ...SLAB_KINDS, ...MEMORY_KINDS].map(([kind]) => kind),
);

/** Nothing (`null`, `undefined`, NaN) is 0, as in C. */
export function toValue(raw: unknown): Value {
  switch (typeof raw) {
    case 'number': return Number.isInteger(raw) ? integer(raw) : fraction(raw);
    case 'bigint': return integer(raw);
    case 'string':
    case 'boolean': return raw;
    case 'object': return raw === null ? 0 : fromObject(raw);
    default: return 0;
  }
}

export const FOREIGN_KINDS: readonly [string, Kind][] = [
  ['record', {
    name: (_, o) => `{ ${Object.keys(targetOf(o)).join(', ')} }`,
    names: (_, o) => Object.keys(targetOf(o)),
    lookUp: (_, o, name) => (Object.hasOwn(targetOf(o), name) ? { value: toValue(targetOf(o)[name]) } : undefined),
  }],
];

function fraction(n: number): Value {
  return Number.isFinite(n) ? Math.trunc(n) : 0;
}

function fromObject(raw: object): Value {
  if (Array.isArray(raw)) return raw.map(toValue);
  if (ArrayBuffer.isView(raw)) return Array.from(raw as Uint8Array, toValue);
  if ('kind' in raw && OWN_KINDS.has(raw.kind)) return raw as ObjectValue;
  if ('zone_idx' in raw && 'node' in raw) return zoneValue((raw as zone_ref).node, (raw as zone_ref).zone_idx);
  if ('node_zones' in raw) return nodeValue((raw as pg_data_t).node_id);
  if ('comm' in raw && 'pid' in raw) return taskValue((raw as task_struct).pid);
  if ('slabp_cache' in raw) return cacheValue((raw as kmem_cache).id);
  if ('bufctl' in raw) return slabValue(raw as slab);
  if ('curr_nr' in raw) return poolValue((raw as mempool_t).id);
  if ('phys_addr' in raw) return areaValue(raw as vm_struct);
  return { kind: 'record', target: raw as ObjectValue };
}

function targetOf(object: ObjectValue): Record<string, unknown> {
  return object['target'] as ObjectValue;
}
