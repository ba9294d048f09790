/** Slab caches with what is in them: their slabs, the objects of those, and the arrays that objects wait in (KERNEL.md SL-1). */
import type { Kernel, SlabinfoRow, array_cache, kmem_cache, kmem_list3, slab } from '../../engine/index.ts';
import { cache_chain, index_to_obj, list_slabs, slabinfo_row } from '../../engine/index.ts';
import { shownAddress } from './addresses.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, indexedBy, showAddress, showBytes, showFlags } from './kinds.ts';
import { count } from './words.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError, isObject, nameOfKind } from './values.ts';

/** Flags of kmem_cache_create, and the mark of a cache that keeps its management elsewhere. */
const CACHE_FLAGS: readonly (readonly [string, number])[] = [
  ['SLAB_DEBUG_INITIAL', 0x200], ['SLAB_RED_ZONE', 0x400], ['SLAB_POISON', 0x800], ['SLAB_HWCACHE_ALIGN', 0x2000], ['SLAB_CACHE_DMA', 0x4000],
  ['SLAB_MUST_HWCACHE_ALIGN', 0x8000], ['SLAB_STORE_USER', 0x10000], ['SLAB_RECLAIM_ACCOUNT', 0x20000], ['SLAB_PANIC', 0x40000],
  ['SLAB_DESTROY_BY_RCU', 0x80000], ['SLAB_MEM_SPREAD', 0x100000], ['CFLGS_OFF_SLAB', 0x40000000],
];
/** Ends a chain of free objects. */
const BUFCTL_END = 0xffffffff;

export function cacheValue(cache: number): ObjectValue {
  return { kind: 'cache', cache };
}

export function slabValue({ cache, id: slabId }: slab): ObjectValue {
  return { kind: 'struct slab', cache, slab: slabId };
}

/** The cache that an argument names. Throws ValueError for anything else. */
export function cacheOf(k: Kernel, value: Value | undefined): kmem_cache {
  const cache = value ?? 0;
  if (isObject(cache) && cache.kind === 'cache') return findCache(k, cache);
  throw new ValueError(`a cache is expected, not ${cache === 0 ? '0 (a failed kmem_cache_create)' : nameOfKind(cache)}`);
}

export const SLAB_KINDS: readonly [string, Kind][] = [
  ['caches', {
    name: () => 'caches',
    summary: (k) => count(cache_chain(k).length, 'cache'),
    names: (k) => cache_chain(k).map(({ name }) => name),
    lookUp: (k, _, name) => cacheNamed(k, name),
    indexed: indexedBy(cache_chain, ({ id: cache }) => cacheValue(cache)),
    hidesIndexed: true,
  }],
  ['cache', { name: cacheName, summary: cacheSummary, gone: goneCache, fields: cacheFields() }],
  ['slab list', {
    name: (k, o) => `${cacheName(k, o)}.slabs`,
    summary: (k, o) => count(slabsOf(k, o).length, 'slab'),
    gone: goneCache,
    indexed: indexedBy(slabsOf, slabValue),
  }],
  ['struct slab', { name: slabName, summary: slabSummary, gone: goneSlab, fields: slabFields() }],
  ['object list', {
    name: (k, o) => `${cacheName(k, o)}: objects`,
    summary: (k, o) => count(objectsOf(k, o).length, 'object'),
    gone: goneCache,
    indexed: indexedBy(objectsOf, (address, _, o) => ({ kind: 'slab object', cache: o['cache']!, address })),
  }],
  ['slab object', { name: (_, o) => showAddress(shownAddress(id(o, 'address'))), summary: objectSummary, gone: goneCache, fields: objectFields() }],
  ['array_cache list', {
    name: (k, o) => `${cacheName(k, o)}.${arraysName(o)}`,
    summary: (k, o) => count(arraysOf(k, o).length, o['at'] === 'cpu' ? 'CPU' : 'node'),
    gone: goneCache,
    indexed: indexedBy(arraysOf, (array, place, o) => (array === null ? 0 : { ...o, kind: 'array_cache', place })),
  }],
  ['array_cache', { name: arrayName, summary: arraySummary, gone: goneCache, fields: arrayFields() }],
  ['kmem_list3 list', {
    name: (k, o) => `${cacheName(k, o)}.nodelists`,
    summary: (k, o) => count(findCache(k, o).nodelists.length, 'node'),
    gone: goneCache,
    indexed: indexedBy((k, o) => findCache(k, o).nodelists, (l3, node, o) => (l3 === null ? 0 : { ...o, kind: 'kmem_list3', node })),
  }],
  ['kmem_list3', { name: (k, o) => `${cacheName(k, o)}.nodelists[${id(o, 'node')}]`, summary: list3Summary, gone: goneCache, fields: list3Fields() }],
];

// ---- caches -----------------------------------------------------------------------------------------------------------

function findCache(k: Kernel, o: ObjectValue): kmem_cache {
  const cachep = k.slab.caches[id(o, 'cache')] ?? null;
  if (cachep === null) throw new ValueError('this cache is gone: it was destroyed');
  return cachep;
}

function goneCache(k: Kernel, o: ObjectValue): string | undefined {
  return (k.slab.caches[id(o, 'cache')] ?? null) === null ? 'a cache that was destroyed' : undefined;
}

/** By its name, or that which later kernels have for the general ones: `kmalloc-128`, `dma-kmalloc-128`. */
function cacheNamed(k: Kernel, name: string): { value: Value } | undefined {
  const [, dma, size] = /^(dma-)?kmalloc-(\d+)$/.exec(name) ?? [];
  const own = size === undefined ? name : `size-${size}${dma === undefined ? '' : '(DMA)'}`;
  const cachep = cache_chain(k).find((other) => other.name === own);
  return cachep === undefined ? undefined : { value: cacheValue(cachep.id) };
}

function cacheName(k: Kernel, o: ObjectValue): string {
  return goneCache(k, o) ?? `caches[${JSON.stringify(findCache(k, o).name)}]`;
}

function cacheSummary(k: Kernel, o: ObjectValue): string {
  const row = rowOf(k, o);
  return `${row.name}: ${row.active_objs} of ${row.num_objs} objects of ${objectSize(k, findCache(k, o))} bytes, ${count(row.num_slabs, 'slab')}`;
}

/** A row of /proc/slabinfo, from which the figures of a cache come. */
function rowOf(k: Kernel, o: ObjectValue): SlabinfoRow {
  return slabinfo_row(k, findCache(k, o));
}

/** obj_size() of 2.6.18: what the user may write to; without debugging that is all of the buffer. */
function objectSize(k: Kernel, cachep: kmem_cache): number {
  return k.slab.debug === 0 ? cachep.buffer_size : cachep.obj_size;
}

function cacheFields(): Map<string, Field> {
  const row = (name: keyof SlabinfoRow): Field => ({ get: (k, o) => rowOf(k, o)[name] });
  return new Map<string, Field>([
    ...fieldsOf(findCache, ['name']),
    ['object_size', { get: (k, o) => objectSize(k, findCache(k, o)) }],
    ['active_objs', row('active_objs')],
    ['num_objs', row('num_objs')],
    ['objs_per_slab', row('objperslab')],
    ['pages_per_slab', row('pagesperslab')],
    ['active_slabs', row('active_slabs')],
    ['num_slabs', row('num_slabs')],
    ['slabs', { get: (_, o) => ({ kind: 'slab list', cache: o['cache']!, source: 'all' }) }],
    ['array', { get: (_, o) => ({ kind: 'array_cache list', cache: o['cache']!, at: 'cpu' }) }],
    ['nodelists', { get: (_, o) => ({ kind: 'kmem_list3 list', cache: o['cache']! }) }],
    ...fieldsOf(findCache, ['limit', 'batchcount', 'shared', 'buffer_size', 'align', 'colour', 'colour_off', 'gfporder', 'slab_size']),
    ['flags', { get: (k, o) => findCache(k, o).flags, show: (_, flags) => showFlags(flags as number, CACHE_FLAGS) }],
  ]);
}

// ---- slabs ------------------------------------------------------------------------------------------------------------

/** Slabs of one list of one node, or all: full ones first, then partial and free ones, node by node. */
function slabsOf(k: Kernel, o: ObjectValue): slab[] {
  const { nodelists } = findCache(k, o);
  const source = o['source'] as 'all' | 'slabs_full' | 'slabs_partial' | 'slabs_free';
  if (source !== 'all') return list_slabs(k, nodelists[id(o, 'node')]![source]);
  return nodelists.flatMap((l3) => (l3 === null ? [] : [l3.slabs_full, l3.slabs_partial, l3.slabs_free].flatMap((list) => list_slabs(k, list))));
}

function findSlab(k: Kernel, o: ObjectValue): slab {
  const found = k.slab.slabs[id(o, 'slab')] ?? null;
  if (found === null) throw new ValueError('this slab is gone: its pages were freed');
  return found;
}

function goneSlab(k: Kernel, o: ObjectValue): string | undefined {
  const found = k.slab.slabs[id(o, 'slab')] ?? null;
  return found === null || found.cache !== o['cache'] ? 'a slab that was freed' : goneCache(k, o);
}

function slabName(k: Kernel, o: ObjectValue): string {
  const place = slabsOf(k, { ...o, source: 'all' }).findIndex((slabp) => slabp.id === o['slab']);
  return `${cacheName(k, o)}.slabs[${place}]`;
}

function slabSummary(k: Kernel, o: ObjectValue): string {
  const { inuse, list, s_mem } = findSlab(k, o);
  return `${inuse} of ${findCache(k, o).num} objects in use, ${list ?? 'on no list'}, from ${showAddress(shownAddress(s_mem))}`;
}

function slabFields(): Map<string, Field> {
  const address = (name: 's_mem' | 'address'): Field => {
    return { get: (k, o) => shownAddress(findSlab(k, o)[name]), show: (_, value) => showAddress(value) };
  };
  return new Map<string, Field>([
    ['cache', { get: (_, o) => cacheValue(id(o, 'cache')) }],
    ['list', { get: (k, o) => findSlab(k, o).list ?? '' }],
    ...fieldsOf(findSlab, ['inuse', 'free']),
    ['objects', { get: (_, o) => ({ kind: 'object list', cache: o['cache']!, slab: o['slab']! }) }],
    ['s_mem', address('s_mem')],
    ['address', address('address')],
    ...fieldsOf(findSlab, ['colouroff', 'nodeid']),
  ]);
}

// ---- objects ----------------------------------------------------------------------------------------------------------

/** Addresses of the objects of a slab, or of those that wait in an array, the next to be handed out first. */
function objectsOf(k: Kernel, o: ObjectValue): number[] {
  const cachep = findCache(k, o);
  if (o['slab'] === undefined) {
    const array = findArray(k, o);
    return array.entry.slice(0, array.avail).reverse();
  }
  const slabp = k.slab.slabs[id(o, 'slab')] ?? null;
  return slabp === null ? [] : Array.from({ length: cachep.num }, (_, n) => index_to_obj(cachep, slabp, n));
}

/** The slab that an object of a cache lies in; looking at an address that is in none says so, and changes nothing. */
function slabAt(k: Kernel, cachep: kmem_cache, address: number): slab | undefined {
  const all = slabsOf(k, { kind: 'slab list', cache: cachep.id, source: 'all' });
  return all.find(({ s_mem }) => address >= s_mem && address < s_mem + cachep.num * cachep.buffer_size);
}

/** Where an object is: with a user, in an array, or in its slab's chain of free objects. */
function objectState(k: Kernel, o: ObjectValue): string {
  const cachep = findCache(k, o);
  const address = id(o, 'address');
  const waits = (array: array_cache | null): boolean => array !== null && array.entry.slice(0, array.avail).some((entry) => entry === address);
  const cpu = cachep.array.findIndex(waits);
  if (cpu >= 0) return `free, kept by CPU ${cpu}`;
  if (cachep.nodelists.some((l3) => l3 !== null && waits(l3.shared))) return 'free, in the shared array';
  if (cachep.nodelists.some((l3) => l3?.alien?.some(waits) === true)) return 'free, in an alien array';
  const slabp = slabAt(k, cachep, address);
  if (slabp === undefined) return 'in no slab';
  return isFreeIn(slabp, Math.floor((address - slabp.s_mem) / cachep.buffer_size)) ? 'free' : 'in use';
}

function isFreeIn({ free, bufctl }: slab, n: number): boolean {
  let next = free;
  for (let steps = 0; next !== BUFCTL_END && steps < bufctl.length; steps++) {
    if (next === n) return true;
    next = bufctl[next] ?? BUFCTL_END;
  }
  return false;
}

function objectSummary(k: Kernel, o: ObjectValue): string {
  return `${showAddress(shownAddress(id(o, 'address')))}: ${objectState(k, o)}`;
}

function objectFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['address', { get: (k, o) => shownAddress(id(o, 'address') + findCache(k, o).obj_offset), show: (_, value) => showAddress(value) }],
    ['state', { get: objectState }],
    ['size', { get: (k, o) => objectSize(k, findCache(k, o)), show: (_, size) => showBytes(size as number) }],
  ]);
}

// ---- arrays and lists -------------------------------------------------------------------------------------------------

/** Arrays by CPU, by the node they are shared on, or by the node whose objects wait for their way home. */
function arraysOf(k: Kernel, o: ObjectValue): (array_cache | null)[] {
  const { array, nodelists } = findCache(k, o);
  if (o['at'] === 'cpu') return array;
  return o['at'] === 'shared' ? nodelists.map((l3) => l3?.shared ?? null) : (nodelists[id(o, 'node')]?.alien ?? []);
}

function arraysName(o: ObjectValue): string {
  if (o['at'] === 'cpu') return 'array';
  return o['at'] === 'shared' ? 'shared' : `nodelists[${id(o, 'node')}].alien`;
}

function arrayName(k: Kernel, o: ObjectValue): string {
  return `${cacheName(k, o)}.${arraysName(o)}[${id(o, 'place')}]`;
}

function findArray(k: Kernel, o: ObjectValue): array_cache {
  const array = arraysOf(k, o)[id(o, 'place')] ?? null;
  if (array === null) throw new ValueError('there is no such array');
  return array;
}

function arraySummary(k: Kernel, o: ObjectValue): string {
  const { avail, limit } = findArray(k, o);
  return `avail ${avail}, limit ${limit}`;
}

function arrayFields(): Map<string, Field> {
  return new Map<string, Field>([
    ...fieldsOf(findArray, ['avail', 'limit', 'batchcount', 'touched']),
    ['entry', { get: (_, o) => ({ ...o, kind: 'object list' }) }],
  ]);
}

function findList3(k: Kernel, o: ObjectValue): kmem_list3 {
  return findCache(k, o).nodelists[id(o, 'node')]!;
}

function list3Summary(k: Kernel, o: ObjectValue): string {
  const { free_objects, free_limit } = findList3(k, o);
  return `node ${id(o, 'node')}: ${free_objects} free objects, up to ${free_limit} are kept`;
}

function list3Fields(): Map<string, Field> {
  const list = (source: string): [string, Field] => {
    return [source, { get: (_, o) => ({ kind: 'slab list', cache: o['cache']!, node: o['node']!, source }) }];
  };
  const shared = (o: ObjectValue): Value => ({ kind: 'array_cache', cache: o['cache']!, at: 'shared', place: o['node']! });
  const alien = (o: ObjectValue): Value => ({ kind: 'array_cache list', cache: o['cache']!, at: 'alien', node: o['node']! });
  return new Map<string, Field>([
    list('slabs_full'), list('slabs_partial'), list('slabs_free'),
    ...fieldsOf(findList3, ['free_objects', 'free_limit', 'colour_next', 'next_reap', 'free_touched']),
    ['shared', { get: (k, o) => (findList3(k, o).shared === null ? 0 : shared(o)) }],
    ['alien', { get: (k, o) => (findList3(k, o).alien === null ? 0 : alien(o)) }],
  ]);
}
