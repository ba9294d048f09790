// A mini-notation for one slab cache, and the one check() that tests of its paths go through.
//
//   script   a  allocate · f2  free what the third `a` got · c1  go on on CPU 1 · r  cache_reap · s  shrink · w2  two seconds pass
//   state    cpu0 A3 A2 ; shared A1 ; partial A(2: 4 5) ; full B ; free C
//
// Slabs are A, B, C … in the order they were grown; A3 is the fourth object of A. Arrays stand oldest first, lists head first; a slab on
// slabs_partial with the objects in use and its chain of free ones. What is empty is left out.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { array_cache, kmem_cache, slab } from '../../engine/include/slab.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import type { MachineConfig } from '../../engine/config.ts';
import { BUFCTL_END } from '../../engine/include/slab.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { virt } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { kmem_cache_alloc, kmem_cache_free } from '../../engine/mm/slab.ts';
import { kmem_cache_create, slabinfo_write } from '../../engine/mm/slab_create.ts';
import { cache_reap, kmem_cache_shrink } from '../../engine/mm/slab_reap.ts';
import { cache_chain, list_slabs, obj_to_index, virt_to_slab } from '../../engine/mm/slab_lists.ts';
import { slabinfo } from '../../engine/fs/proc/slabinfo.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { bootedMachine } from '../oracle/engine-door.ts';
import { ramOf } from './notation.ts';

/** A machine that is up, with its events recorded. */
export function slabMachine(settings: Partial<MachineConfig> = {}, megabytes = 64): Kernel {
  const k = bootedMachine(ramOf(megabytes), settings);
  resize_ring(k, 1 << 14);
  set_tracing(k, 1);
  return k;
}

export function create(k: Kernel, name: string, size: number, options: { align?: number; flags?: number; ctor?: number } = {}): kmem_cache {
  return run_to_end(k, kmem_cache_create(k, name, size, options.align ?? 0, options.flags ?? 0, options.ctor))!;
}

export function alloc(k: Kernel, cachep: kmem_cache, gfp = GFP_KERNEL): VirtAddr {
  return run_to_end(k, kmem_cache_alloc(k, cachep, gfp));
}

/** Runs a script on a new cache and compares the state it leaves; every law must hold after every step. */
export function check(test: {
  size: number;
  /** limit, batchcount and shared of the arrays, as slabinfo takes them. */
  tune?: string;
  cpus?: number;
  script: string;
  to: string;
  /** What the whole of it did, as `grow A`, `refill 4 from partial` …, where that is compared. */
  did?: string;
}): void {
  const k = slabMachine({ cpus: test.cpus ?? 1 });
  const cachep = create(k, 'test', test.size);
  if (test.tune !== undefined) assert.equal(run_to_end(k, slabinfo_write(k, `test ${test.tune}`)), 0);
  const seq = k.trace.ring.seq;
  const objects: VirtAddr[] = [];
  for (const word of test.script.split(' ').filter((text) => text !== '')) {
    step(k, cachep, objects, word);
    assert.deepEqual(check_machine(k), [], `after '${word}'`);
  }
  const names = namesOf(k, cachep, seq);
  assert.equal(stateOf(k, cachep, names), test.to);
  if (test.did !== undefined) assert.equal(eventsOf(k, cachep, seq).join(', '), test.did);
}

function step(k: Kernel, cachep: kmem_cache, objects: VirtAddr[], word: string): void {
  const n = Number(word.slice(1));
  switch (word[0]) {
    case 'a': objects.push(alloc(k, cachep)); break;
    case 'f': kmem_cache_free(k, cachep, objects[n]!); break;
    case 'c': k.cpu = n; break;
    case 'r': cache_reap(k); break;
    case 's': kmem_cache_shrink(k, cachep); break;
    case 'w': k.now += n * 1e9; break;
    default: throw new Error(`'${word}' is no step`);
  }
}

/** Letters of slabs by their first page's address; one page's slab may come again. */
function namesOf(k: Kernel, cachep: kmem_cache, seq: number): Map<number, string> {
  const grown = trace_records(k, seq).filter(({ name, args }) => name === 'slab_grow' && args['cache'] === cachep.id);
  return new Map(grown.map(({ args }, i) => [args['mem']!, String.fromCharCode(65 + i)]));
}

const FROM = ['shared', 'partial', 'free', 'nowhere'];

/** What the allocator did to a cache since an event. */
export function eventsOf(k: Kernel, cachep: kmem_cache, seq: number): string[] {
  const names = namesOf(k, cachep, seq);
  return trace_records(k, seq).filter(({ args }) => args['cache'] === cachep.id).flatMap(({ name, args }) => {
    switch (name) {
      case 'slab_grow': return [`grow ${names.get(args['mem']!)}`];
      case 'slab_destroy': return [`destroy ${names.get(args['mem']!)}`];
      case 'slab_refill': return [`refill ${args['count']} from ${FROM[args['from']!]}`];
      case 'slab_flush': return [`flush ${args['count']} to ${args['to'] === 0 ? 'shared' : 'lists'}`];
      case 'slab_reap': return [`reap ${args['count']}`];
      default: return [];
    }
  });
}

function stateOf(k: Kernel, cachep: kmem_cache, names: ReadonlyMap<number, string>): string {
  const nameOf = (slabp: slab): string => names.get(slabp.s_mem - slabp.colouroff) ?? '?';
  const objectOf = (obj: VirtAddr): string => `${nameOf(virt_to_slab(k, virt(obj)))}${obj_to_index(cachep, virt_to_slab(k, virt(obj)), obj)}`;
  const parts: string[] = [];
  const array = (label: string, ac: array_cache | null): void => {
    if (ac !== null && ac.avail > 0) parts.push(`${label} ${ac.entry.slice(0, ac.avail).map(objectOf).join(' ')}`);
  };
  for (const [cpu, ac] of cachep.array.entries()) array(`cpu${cpu}`, ac);
  const l3 = cachep.nodelists[0]!;
  array('shared', l3.shared);
  const list = (label: string, slabs: readonly slab[], show: (slabp: slab) => string): void => {
    if (slabs.length > 0) parts.push(`${label} ${slabs.map(show).join(' ')}`);
  };
  list('partial', list_slabs(k, l3.slabs_partial), (slabp) => `${nameOf(slabp)}(${slabp.inuse}: ${chainOf(slabp).join(' ')})`);
  list('full', list_slabs(k, l3.slabs_full), nameOf);
  list('free', list_slabs(k, l3.slabs_free), nameOf);
  return parts.join(' ; ');
}

function chainOf(slabp: slab): number[] {
  const chain: number[] = [];
  for (let n = slabp.free; n !== BUFCTL_END && chain.length < slabp.bufctl.length; n = slabp.bufctl[n]!) chain.push(n);
  return chain;
}

/** Objects that kmalloc gave and somebody holds, without the struct slabs among them. */
export function heldOfKmalloc(k: Kernel): number {
  const rows = new Map(slabinfo(k).map((row) => [row.name, row]));
  return cache_chain(k).reduce((sum, cachep) => {
    const row = rows.get(cachep.name)!;
    const aliens = cachep.nodelists.flatMap((l3) => l3!.alien ?? []).reduce((avail, ac) => avail + (ac?.avail ?? 0), 0);
    const waiting = cachep.array.reduce((avail, ac) => avail + ac!.avail, 0) + row.sharedavail + aliens;
    return sum + (cachep.name.startsWith('size-') ? row.active_objs - waiting : 0) - (cachep.slabp_cache === 0 ? 0 : row.num_slabs);
  }, 0);
}
