// Laws of the slab allocator that hold whatever is asked for (KERNEL.md IV-13, IV-17, N-40, N-47, SL-20): random requests of kmalloc and of
// caches, on machines of one to four CPUs and one or two nodes, with and without debugging. What was written into an object stays there until it is
// freed, and when all is freed every slab comes back.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { GFP_ATOMIC, GFP_DMA, GFP_KERNEL } from '../../engine/include/gfp.ts';
import { SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT } from '../../engine/include/slab.ts';
import { virt } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { read_phys, write_phys } from '../../engine/mm/contents.ts';
import { kfree, kmalloc, kmalloc_node, ksize } from '../../engine/mm/kmalloc.ts';
import { kmem_cache_free, synchronize_rcu } from '../../engine/mm/slab.ts';
import { kmem_cache_destroy } from '../../engine/mm/slab_create.ts';
import { cache_chain, find_cache, virt_to_slab } from '../../engine/mm/slab_lists.ts';
import { cache_reap, kmem_cache_shrink } from '../../engine/mm/slab_reap.ts';
import { numa_node_id } from '../../engine/mm/topology.ts';
import { slabinfo } from '../../engine/fs/proc/slabinfo.ts';
import { virt_to_phys } from '../../engine/arch/address.ts';
import { bootedMachine } from '../oracle/engine-door.ts';
import { ramOf } from './notation.ts';
import { alloc, create, heldOfKmalloc } from './slab-notation.ts';
import { machineWith } from './tasks.ts';

const MiB = 1 << 20;

type Step =
  | { kind: 'kmalloc'; size: number; gfp: number }
  | { kind: 'alloc'; cache: number; count: number }
  | { kind: 'free'; which: number; count: number }
  | { kind: 'cpu' | 'shrink'; n: number }
  | { kind: 'reap' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('kmalloc' as const), size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 131_072 })),
    gfp: fc.constantFrom(GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_KERNEL | GFP_DMA),
  }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('alloc' as const), cache: fc.nat({ max: 3 }), count: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('free' as const), which: fc.nat(), count: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cpu' as const, 'shrink' as const), n: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reap' as const) }) },
);

interface Held {
  obj: VirtAddr;
  /** A cache's name, or '' for kmalloc. */
  cache: string;
  size: number;
  /** What its first and last byte were given. */
  byte: number;
}

const CACHES = ['rcu', 'lines', 'big', 'plain'];

function makeCaches(k: Kernel): void {
  create(k, 'rcu', 40, { flags: SLAB_DESTROY_BY_RCU });
  create(k, 'lines', 100, { flags: SLAB_HWCACHE_ALIGN });
  create(k, 'big', 3000, { flags: SLAB_RECLAIM_ACCOUNT });
  create(k, 'plain', 700);
}

const at = (k: Kernel, address: number) => virt_to_phys(k, virt(address));

function hold(k: Kernel, held: Held[], obj: VirtAddr, cache: string, size: number): void {
  if (obj === 0) return;
  const byte = (held.length * 7 + 1) & 0xff;
  write_phys(k, at(k, obj), byte);
  write_phys(k, at(k, obj + size - 1), byte);
  held.push({ obj, cache, size, byte });
}

function give(k: Kernel, { obj, cache, size, byte }: Held): void {
  assert.deepEqual([read_phys(k, at(k, obj)), read_phys(k, at(k, obj + size - 1))], [byte, byte], 'contents');
  if (cache === '') kfree(k, obj);
  else kmem_cache_free(k, find_cache(k, cache)!, obj);
}

function take(k: Kernel, held: Held[], asked: Step): void {
  switch (asked.kind) {
    case 'kmalloc': hold(k, held, run_to_end(k, kmalloc(k, asked.size, asked.gfp)), '', asked.size); break;
    case 'alloc': {
      const cachep = find_cache(k, CACHES[asked.cache]!)!;
      for (let i = 0; i < asked.count; i++) hold(k, held, alloc(k, cachep), cachep.name, cachep.obj_size);
      break;
    }
    case 'free':
      for (let i = 0; i < asked.count && held.length > 0; i++) give(k, held.splice(asked.which % held.length, 1)[0]!);
      break;
    case 'cpu': k.cpu = asked.n % k.platform.nr_cpus; break;
    case 'shrink': kmem_cache_shrink(k, find_cache(k, CACHES[asked.n]!)!); break;
    case 'reap':
      k.now += 2e9;
      cache_reap(k);
      break;
  }
}

/** Objects in use as slabinfo sees them are those that somebody holds or that wait in an array. */
function checkCounts(k: Kernel, held: readonly Held[]): void {
  const rows = new Map(slabinfo(k).map((row) => [row.name, row]));
  for (const name of CACHES) {
    const cachep = find_cache(k, name)!;
    let waiting = 0;
    for (const ac of cachep.array) waiting += ac!.avail;
    for (const l3 of cachep.nodelists) waiting += l3!.shared!.avail + (l3!.alien ?? []).reduce((sum, ac) => sum + (ac?.avail ?? 0), 0);
    assert.equal(rows.get(name)!.active_objs, held.filter(({ cache }) => cache === name).length + waiting, name);
  }
}

/** Everything freed: each cache of ours can be destroyed. */
function giveAll(k: Kernel, held: Held[]): void {
  while (held.length > 0) give(k, held.pop()!);
  for (const name of CACHES) {
    assert.equal(kmem_cache_shrink(k, find_cache(k, name)!), 0, name);
    assert.equal(slabinfo(k).find((row) => row.name === name)!.num_slabs, 0);
    assert.equal(kmem_cache_destroy(k, find_cache(k, name)!), 0, name);
  }
  synchronize_rcu(k);
  assert.equal(k.slab.rcu.length, 0);
  assert.deepEqual(check_machine(k), []);
}

const nodes = (megabytes: number): Partial<MachineConfig> => ({
  arch: 'x86_64', zones: [{ node: 0, name: 'DMA', bytes: 16 * MiB }, { node: 0, name: 'DMA32', bytes: (megabytes - 16) * MiB }, { node: 1, name: 'DMA32', bytes: megabytes * MiB }],
});
const DEBUG: Partial<MachineConfig> = { sysctl: [['pagewalk.slab_debug', 1]] };

const MACHINES: readonly { what: string; boot: () => Kernel; runs: number }[] = [
  { what: 'one CPU', boot: () => bootedMachine(ramOf(64)), runs: 25 },
  { what: 'little memory', boot: () => bootedMachine(ramOf(8)), runs: 25 },
  { what: 'four CPUs', boot: () => bootedMachine(ramOf(64), { cpus: 4 }), runs: 25 },
  { what: 'a debug kernel', boot: () => bootedMachine(ramOf(32), DEBUG), runs: 8 },
  { what: 'x86_64, two nodes, four CPUs', boot: () => machineWith([], { ...nodes(64), cpus: 4 }).k, runs: 15 },
];

describe('whatever is asked of the slab allocator', () => {
  for (const { what, boot, runs } of MACHINES) {
    it(`IV-13: the laws hold, contents stay, and everything comes back: ${what}`, () => {
      const fresh = boot();
      makeCaches(fresh);
      fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const k = structuredClone(fresh);
        const held: Held[] = [];
        for (const asked of steps) {
          take(k, held, asked);
          assert.deepEqual(check_machine(k), []);
          checkCounts(k, held);
        }
        const again = structuredClone(fresh);
        const heldAgain: Held[] = [];
        for (const asked of steps) take(again, heldAgain, asked);
        assert.deepEqual(again.slab, k.slab, 'IV-17');
        giveAll(k, held);
      }), { numRuns: runs, seed: 20061120 });
    });
  }

  it('everything that kmalloc gave comes back when all is freed and all caches are shrunk', () => {
    const k = bootedMachine(ramOf(64));
    for (const cachep of cache_chain(k)) kmem_cache_shrink(k, cachep);
    const before = slabinfo(k).map(({ name, num_slabs }) => `${name} ${num_slabs}`);
    const held = Array.from({ length: 500 }, (_, i) => run_to_end(k, kmalloc(k, (i * 37) % 9000 + 1, GFP_KERNEL)));
    assert.ok(slabinfo(k).map(({ name, num_slabs }) => `${name} ${num_slabs}`).join() !== before.join());
    for (const obj of held) kfree(k, obj);
    for (let pass = 0; pass < 2; pass++) for (const cachep of cache_chain(k)) kmem_cache_shrink(k, cachep);
    assert.deepEqual(slabinfo(k).map(({ name, num_slabs }) => `${name} ${num_slabs}`), before);
  });
});

describe('two nodes', () => {
  const machine = (): Kernel => machineWith([], { ...nodes(64), cpus: 2 }).k;

  it('SL-20, N-40: objects of another node wait in an alien array of 12; a full one goes to that node\'s shared array', () => {
    const k = machine();
    const cachep = create(k, 'mine', 64);
    const [here, there] = [0, 1];
    assert.deepEqual(k.platform.cpu_to_node, [here, there]);
    const objects = Array.from({ length: 13 }, () => alloc(k, cachep));
    k.cpu = 1;
    const alien = cachep.nodelists[there]!.alien![here]!;
    assert.deepEqual([alien.limit, cachep.nodelists[there]!.alien![there]], [12, null]);
    for (const obj of objects.slice(0, 12)) kmem_cache_free(k, cachep, obj);
    assert.deepEqual([alien.avail, cachep.nodelists[here]!.shared!.avail], [12, 0]);
    kmem_cache_free(k, cachep, objects[12]!);
    assert.deepEqual([alien.avail, cachep.nodelists[here]!.shared!.avail, cachep.nodelists[here]!.shared!.touched], [1, 12, 1]);
    assert.deepEqual(check_machine(k), []);
  });
  it('SL-18, SL-20: a further CPU of a node takes an array for every cache, and nothing else stays', () => {
    const held = (cpus: number): number => heldOfKmalloc(machineWith([], { ...nodes(64), cpus }).k);
    assert.equal(held(4) - held(2), 2 * cache_chain(machine()).length);
  });
  it('N-41: cache_reap returns the objects of one other node at a time', () => {
    const k = machine();
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    k.cpu = 1;
    kmem_cache_free(k, cachep, obj);
    const alien = cachep.nodelists[1]!.alien![0]!;
    assert.equal(k.slab.reap_node[1], 0);
    cache_reap(k);
    assert.deepEqual([alien.avail, k.slab.reap_node[1]], [0, 1]);
    assert.equal(cachep.nodelists[0]!.shared!.avail, 1);
  });
  it('N-38, N-39: kmalloc_node takes from the slabs of the node, whoever asks', () => {
    const k = machine();
    const obj = run_to_end(k, kmalloc_node(k, 64, GFP_KERNEL, 1));
    assert.deepEqual([numa_node_id(k), virt_to_slab(k, obj).nodeid, ksize(k, obj)], [0, 1, 64]);
    kfree(k, obj);
    assert.deepEqual(check_machine(k), []);
  });
});
