/**
 * Values of the engine as values of the language: what a hook passes to a condition, what a kernel frame's locals hold.
 *
 * The structures that objects.ts knows become its objects. Any other record (a `scan_control`) is wrapped as it is, so that its fields can be
 * read; such a value lives no longer than the condition or the watch it is made for.
 */
import type {
  anon_vma, file, gendisk, inode, kmem_cache, mempool_t, mm_struct, pg_data_t, slab, task_struct, vm_area_struct, vm_struct, zone_ref,
} from '../../engine/index.ts';
import { ALL_KINDS } from './all-kinds.ts';
import type { Kind } from './kinds.ts';
import { diskValue } from './objects-disks.ts';
import { inodeValue, openFileValue } from './objects-files.ts';
import { areaValue, poolValue } from './objects-memory.ts';
import { anonVmaValue, mmValue, vmaValue } from './objects-mm.ts';
import { cacheValue, slabValue } from './objects-slab.ts';
import { taskValue } from './objects-task.ts';
import { nodeValue, zoneValue } from './objects-zone.ts';
import type { ObjectValue, Value } from './values.ts';
import { integer } from './values.ts';

/** Records of these kinds are values of the language already. */
const OWN_KINDS: ReadonlySet<unknown> = new Set(ALL_KINDS.map(([kind]) => kind));

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

/** Members that a structure of the kernel is known by, and what it becomes. */
const RECORDS: readonly [readonly string[], (raw: object) => Value][] = [
  recognized(['zone_idx', 'node'], ({ node, zone_idx }: zone_ref) => zoneValue(node, zone_idx)),
  recognized(['node_zones'], ({ node_id }: pg_data_t) => nodeValue(node_id)),
  recognized(['comm', 'pid'], ({ pid }: task_struct) => taskValue(pid)),
  recognized(['slabp_cache'], ({ id }: kmem_cache) => cacheValue(id)),
  recognized(['bufctl'], (raw: slab) => slabValue(raw)),
  recognized(['curr_nr'], ({ id }: mempool_t) => poolValue(id)),
  recognized(['phys_addr'], (raw: vm_struct) => areaValue(raw)),
  recognized(['vm_start'], (raw: vm_area_struct) => vmaValue(raw)),
  recognized(['map_count'], (raw: mm_struct) => mmValue(raw)),
  recognized(['i_mmap'], (raw: inode) => inodeValue(raw)),
  recognized(['f_inode'], ({ id }: file) => openFileValue(id)),
  recognized(['disk_name'], ({ id }: gendisk) => diskValue(id)),
  recognized(['vmas', 'address'], (raw: anon_vma) => anonVmaValue(raw)),
];

function recognized<T extends object>(marks: readonly string[], toObject: (raw: T) => Value): [readonly string[], (raw: object) => Value] {
  return [marks, (raw) => toObject(raw as T)];
}

function fromObject(raw: object): Value {
  if (Array.isArray(raw)) return raw.map(toValue);
  if (ArrayBuffer.isView(raw)) return Array.from(raw as Uint8Array, toValue);
  const kernels = RECORDS.find(([marks]) => marks.every((mark) => mark in raw));
  if (kernels !== undefined) return kernels[1](raw);
  if ('kind' in raw && OWN_KINDS.has(raw.kind)) return raw as ObjectValue;
  return { kind: 'record', target: raw as ObjectValue };
}

function targetOf(object: ObjectValue): Record<string, unknown> {
  return object['target'] as ObjectValue;
}
