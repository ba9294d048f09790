// The slab allocator's paths, step by step (KERNEL.md SL-10 … SL-16, SL-20): which object comes, where one goes, in which order lists stand.

import assert from 'node:assert/strict';
import { GFP_ATOMIC, GFP_DMA, GFP_HIGHUSER, GFP_KERNEL, __GFP_NO_GROW } from '../../engine/include/gfp.ts';
import { NO_CTOR, SLAB_DESTROY_BY_RCU, SLAB_HWCACHE_ALIGN, SLAB_PANIC, SLAB_POISON, SLAB_RECLAIM_ACCOUNT } from '../../engine/include/slab.ts';
import { NR_SLAB } from '../../engine/include/mmzone.ts';
import { PG_slab } from '../../engine/include/page-flags.ts';
import { virt } from '../../engine/include/types.ts';
import { KernelBug } from '../../engine/kernel/panic.ts';
import { current_task, run_to_end, schedule_timeout } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { read_phys, write_phys } from '../../engine/mm/contents.ts';
import { page_lru_next, page_lru_prev, test_page_flag } from '../../engine/mm/mem_map.ts';
import { cache_grow, kmem_cache_free } from '../../engine/mm/slab.ts';
import { kmem_cache_create, kmem_cache_destroy, slabinfo_write } from '../../engine/mm/slab_create.ts';
import { cache_chain, find_cache, list_slabs, slab_of, virt_to_cache, virt_to_slab } from '../../engine/mm/slab_lists.ts';
import { cache_reap, kmem_cache_shrink } from '../../engine/mm/slab_reap.ts';
import { kfree, kmalloc, ksize, kzalloc } from '../../engine/mm/kmalloc.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { virt_to_page, virt_to_phys } from '../../engine/arch/address.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { alloc, check, create, eventsOf, heldOfKmalloc, slabMachine } from './slab-notation.ts';
import { runTasks } from './tasks.ts';

/** Four objects a slab. */
const FOUR = 1000;
const GROWN_BY_FOUR = 'refill 0 from nowhere, grow A, refill 4 from free';
const EIGHT = 'a a a a a a a a';

describe('objects from a cache', () => {
  it('SL-10..12: a first allocation grows a slab and takes a batch; the last object taken is the first handed out', () => {
    check({ size: FOUR, tune: '4 3 0', script: 'a', to: 'cpu0 A0 A1 ; partial A(3: 3)', did: 'refill 0 from nowhere, grow A, refill 3 from free' });
  });
  it('SL-10: an array is last in, first out', () => {
    check({ size: FOUR, tune: '4 4 0', script: 'a a a f1 f0', to: 'cpu0 A0 A2 A3 ; full A' });
    check({ size: FOUR, tune: '4 4 0', script: 'a a a f1 f0 a', to: 'cpu0 A0 A2 ; full A' });
  });
  it('SL-10: an array nobody used takes 16 at most, a used one its whole batch', () => {
    check({ size: 100, script: `${'a '.repeat(17)}`, to: `cpu0 ${range(16, 37, 'A')} ; full A`, did: 'refill 0 from nowhere, grow A, refill 16 from free, refill 23 from partial' });
  });
  it('SL-10: a batch goes on from slab to slab, partial ones first, and stops where nothing is left', () => {
    check({ size: FOUR, tune: '6 6 0', script: 'a a a a a', to: 'cpu0 B0 B1 B2 ; full B A', did: 'refill 0 from nowhere, grow A, refill 4 from free, refill 0 from nowhere, grow B, refill 4 from free' });
  });
  it('SL-10: a slab that still has objects goes to the head of slabs_partial', () => {
    check({ size: FOUR, tune: '1 1 0', script: `${EIGHT} f0 f4 f5 f1 f2`, to: 'cpu0 A2 ; partial B(2: 1 0) A(2: 1 0)' });
    check({ size: FOUR, tune: '1 1 0', script: `${EIGHT} f0 f4 f5 f1 f2 a a`, to: 'partial B(3: 0) A(2: 1 0)' });
  });
  it('SL-11: a slab hands its objects out in the reverse order of their return', () => {
    check({ size: FOUR, tune: '1 1 0', script: 'a a a a f2 f0 f1 f3', to: 'cpu0 A3 ; partial A(1: 1 0 2)' });
  });
});

describe('objects back to a cache', () => {
  it('SL-13: an array takes objects until it is full, then its oldest batch goes to the slabs and the rest moves down', () => {
    check({ size: FOUR, tune: '4 2 0', script: 'a a a a a a f0 f1 f2 f3', to: 'cpu0 A1 A0 A3 A2 ; partial B(2: 2 3) ; full A' });
    check({ size: FOUR, tune: '4 2 0', script: 'a a a a a a f0 f1 f2 f3 f4', to: 'cpu0 A3 A2 B1 ; partial B(2: 2 3) A(2: 0 1)' });
  });
  it('SL-14: a slab that got an object back goes to the tail of slabs_partial', () => {
    check({ size: FOUR, tune: '1 1 0', script: 'a a a a a a a a f0 f4 f1', to: 'cpu0 A1 ; partial A(3: 0) B(3: 0)' });
    check({ size: FOUR, tune: '1 1 0', script: 'a a a a a a a a f0 f4 f1 f5', to: 'cpu0 B1 ; partial B(3: 0) A(2: 1 0)' });
  });
  it('SL-14: an emptied slab stays at the head of slabs_free while there are no more free objects than free_limit, 6 here', () => {
    check({ size: FOUR, tune: '1 1 0', script: `${EIGHT} f0 f1 f2 f3 f4 f5 f6 f7`, to: 'cpu0 B3 ; partial B(1: 2 1 0) ; free A' });
    check({ size: FOUR, tune: '2 2 0', script: `${EIGHT} f0 f1 f2 f3 f4 f5 f6 f7`, to: 'cpu0 B3 B2 ; partial B(2: 0 1) ; free A' });
  });
  it('SL-14: past it an emptied slab is destroyed at once', () => {
    const flushes = (n: number): string => Array.from({ length: n }, () => 'flush 1 to lists').join(', ');
    const grown = (slab: string): string => `refill 0 from nowhere, grow ${slab}, refill 1 from free, refill 1 from partial, refill 1 from partial, refill 1 from partial`;
    check({
      size: FOUR, tune: '1 1 0', script: `${EIGHT} a f0 f1 f2 f3 f4 f5 f6 f7 f8`, to: 'cpu0 C0 ; partial C(1: 1 2 3)',
      did: `${grown('A')}, ${grown('B')}, refill 0 from nowhere, grow C, refill 1 from free, ${flushes(3)}, destroy A, ${flushes(4)}, destroy B, ${flushes(1)}`,
    });
  });
});

describe('several CPUs', () => {
  it('SL-9, SL-13: a full array gives its oldest batch to the shared array while that has room', () => {
    check({ size: FOUR, tune: '2 2 1', cpus: 2, script: `${EIGHT} f0 f1 f2`, to: 'cpu0 A3 ; shared A1 A0 ; full B A', did: undefined });
    check({ size: FOUR, tune: '2 2 1', cpus: 2, script: `${EIGHT} f0 f1 f2 f3 f4`, to: 'cpu0 B1 ; shared A1 A0 ; partial A(2: 2 3) ; full B' });
  });
  it('SL-10: an empty array takes the newest of the shared array first, whatever CPU it is of', () => {
    check({ size: FOUR, tune: '3 2 2', cpus: 2, script: `${EIGHT} f0 f1 f2 f3 c1 a`, to: 'cpu0 A3 A2 ; cpu1 A1 ; full B A' });
    check({ size: FOUR, tune: '3 2 2', cpus: 2, script: `${EIGHT} f0 f1 f2 f3 f4 f5 c1 a`, to: 'cpu0 B1 B0 ; cpu1 A3 ; shared A1 A0 ; full B A' });
  });
  it('an object freed on another CPU than it was taken on goes to that CPU\'s array', () => {
    check({ size: FOUR, tune: '4 2 0', cpus: 2, script: 'a a c1 f0 a c0 f1', to: 'cpu0 A0 ; partial A(2: 2 3)' });
  });
  it('shrinking empties the arrays of every CPU and the shared one', () => {
    check({ size: FOUR, tune: '2 2 1', cpus: 2, script: `${EIGHT} f0 f1 f2 c1 f4 s`, to: 'partial B(3: 1) A(1: 0 1 3)' });
  });
});

describe('what comes back by itself', () => {
  it('SL-15: an array that was used since is spared once; then a fifth of its room goes back, the oldest first', () => {
    check({ size: FOUR, tune: '4 4 0', script: 'a a a a f0 f1 f2 f3 r', to: 'cpu0 A3 A2 A1 A0 ; full A' });
    check({ size: FOUR, tune: '4 4 0', script: 'a a a a f0 f1 f2 f3 r r', to: 'cpu0 A2 A1 A0 ; partial A(3: 3)', did: `${GROWN_BY_FOUR}, flush 1 to lists` });
  });
  it('SL-15: less than a fifth of the room: half of what is there, rounded up', () => {
    check({ size: FOUR, tune: '40 4 0', script: 'a a a a f0 f1 f2 r r', to: 'cpu0 A1 ; partial A(2: 2 3)' });
    check({ size: FOUR, tune: '40 4 0', script: 'a a a a f0 f1 f2 r r r r', to: 'partial A(1: 1 2 3)' });
  });
  it('SL-15: other CPUs\' arrays are theirs to reap', () => {
    check({ size: FOUR, tune: '4 4 1', cpus: 2, script: 'a a a a c1 a f4 c0 f0 f1 r r', to: 'cpu0 A2 ; cpu1 B0 B1 B2 B3 ; partial A(3: 3) ; full B' });
  });
  it('SL-15: every 4 s free slabs go from the tail of their list, unless one was taken from it since', () => {
    const freed = `${EIGHT} f0 f1 f2 f3 f4 f5 f6 f7 w10`;
    check({ size: FOUR, tune: '2 2 0', script: `${freed} r`, to: 'cpu0 B3 B2 ; partial B(2: 0 1) ; free A' });
    check({ size: FOUR, tune: '2 2 0', script: `${freed} r r r w3 r`, to: 'free B A' });
    check({ size: FOUR, tune: '2 2 0', script: `${freed} r r r w4 r`, to: 'free B' });
    check({ size: FOUR, tune: '2 2 0', script: `${freed} r r r a w4 r`, to: 'cpu0 B2 ; partial B(2: 0 1) ; free A' });
  });
  it('SL-15: and the shared array is reaped with them', () => {
    check({ size: FOUR, tune: '2 2 1', cpus: 2, script: `${EIGHT} f0 f1 f2 f3 w10 r`, to: 'cpu0 A3 A2 ; shared A0 ; partial A(3: 1) ; full B' });
    check({ size: FOUR, tune: '2 2 1', cpus: 2, script: `${EIGHT} f0 f1 f2 f3 w10 r w4 r`, to: 'cpu0 A2 ; partial A(1: 0 3 1) ; full B' });
  });
  it('SL-15: a running machine reaps after one second, then every two', () => {
    const { k } = runTasks([{ name: 'idle', *run(kernel) { yield* schedule_timeout(kernel, 8.5e9, 'nothing'); } }], { cpus: 2 });
    assert.equal(k.slab.next_cache_reap[0], 9e9);
    assert.equal(k.slab.next_cache_reap[1], 9.012e9);
    assert.ok(cache_chain(k).every(({ array }) => array.every((ac) => ac!.avail === 0 || ac!.touched === 0)));
  });
});

describe('creating and destroying caches', () => {
  it('SL-16: a cache without objects in use goes, with its slabs, arrays and lists, and its id is free again', () => {
    const k = slabMachine();
    kmem_cache_destroy(k, create(k, 'the sizes it needs have slabs now', FOUR));
    const pages = global_page_state(k, NR_SLAB);
    const chain = cache_chain(k).map(({ name }) => name);
    const cachep = create(k, 'mine', FOUR);
    for (const obj of [alloc(k, cachep), alloc(k, cachep)]) kmem_cache_free(k, cachep, obj);
    assert.equal(global_page_state(k, NR_SLAB), pages + 1);
    assert.equal(kmem_cache_destroy(k, cachep), 0);
    assert.deepEqual(cache_chain(k).map(({ name }) => name), chain);
    assert.equal(global_page_state(k, NR_SLAB), pages);
    assert.equal(create(k, 'another', FOUR).id, cachep.id);
    assert.deepEqual(check_machine(k), []);
  });
  it('SL-16: with an object in use the cache stays, and the log says so', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR);
    const obj = alloc(k, cachep);
    assert.equal(kmem_cache_destroy(k, cachep), 1);
    assert.equal(k.log.lines.at(-1)!.text, "slab error in kmem_cache_destroy(): cache `mine': Can't free all objects");
    assert.equal(find_cache(k, 'mine'), cachep);
    assert.deepEqual(check_machine(k), []);
    kmem_cache_free(k, cachep, obj);
    assert.equal(kmem_cache_destroy(k, cachep), 0);
  });
  it('SL-16: readers may look at a slab of a SLAB_DESTROY_BY_RCU cache for a while after it is gone', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR, { flags: SLAB_DESTROY_BY_RCU });
    const obj = alloc(k, cachep);
    const page = virt_to_page(k, obj);
    kmem_cache_free(k, cachep, obj);
    assert.equal(kmem_cache_shrink(k, cachep), 0);
    assert.equal(test_page_flag(k, page, PG_slab), true);
    assert.deepEqual(check_machine(k), []);
    k.now += 1e9;
    cache_reap(k);
    assert.equal(test_page_flag(k, page, PG_slab), false);
    assert.deepEqual(check_machine(k), []);
  });
  it('SL-16: a cache of that kind goes only when its grace periods are over', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR, { flags: SLAB_DESTROY_BY_RCU });
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    assert.equal(kmem_cache_destroy(k, cachep), 0);
    assert.deepEqual([k.slab.rcu.length, test_page_flag(k, virt_to_page(k, obj), PG_slab)], [0, false]);
    assert.deepEqual(check_machine(k), []);
  });
  it('SL-16: pages that go while a task reclaims count for it', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 3000);
    kmem_cache_free(k, cachep, alloc(k, cachep));
    current_task(k).reclaim_state = { reclaimed_slab: 0 };
    kmem_cache_shrink(k, cachep);
    assert.equal(current_task(k).reclaim_state!.reclaimed_slab, 2);
  });
  it('SL-12: a grown slab goes to the tail of slabs_free', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR);
    for (let i = 0; i < 3; i++) run_to_end(k, cache_grow(k, cachep, GFP_KERNEL, 0));
    const colours = list_slabs(k, cachep.nodelists[0]!.slabs_free).map(({ colouroff }) => colouroff - cachep.slab_size);
    assert.deepEqual(colours, [0, 32, 64].map((colour) => (cachep.colour > colour / 32 ? colour : 0)));
    const order = trace_records(k).filter(({ name, args }) => name === 'slab_grow' && args['cache'] === cachep.id).map(({ args }) => args['slab']);
    assert.deepEqual(list_slabs(k, cachep.nodelists[0]!.slabs_free).map(({ id }) => id), order);
  });
  it('SL-3: a name is taken once', () => {
    const k = slabMachine();
    create(k, 'mine', 64);
    assert.equal(run_to_end(k, kmem_cache_create(k, 'mine', 128, 0, 0)), null);
    assert.equal(k.log.lines.at(-1)!.text, 'kmem_cache_create: duplicate cache mine');
    assert.throws(() => run_to_end(k, kmem_cache_create(k, 'mine', 128, 0, SLAB_PANIC)), /panic: kmem_cache_create\(\): failed to create slab `mine'/);
  });
  for (const [what, name, size, flags] of [
    ['no name', '', 64, 0], ['less than a word', 'x', 3, 0], ['more than 2^5 pages', 'x', 131073, 0], ['poison without a debug kernel', 'x', 64, SLAB_POISON],
    ['a flag there is not', 'x', 64, 1],
  ] as const) {
    it(`SL-3: ${what} is a BUG`, () => {
      const k = slabMachine();
      assert.throws(() => run_to_end(k, kmem_cache_create(k, name, size, 0, flags)), KernelBug);
    });
  }
  it('SL-1: caches stand newest first', () => {
    const k = slabMachine();
    create(k, 'one', 64);
    create(k, 'two', 64);
    assert.deepEqual(cache_chain(k).slice(0, 2).map(({ name }) => name), ['two', 'one']);
    assert.equal(cache_chain(k).at(-1)!.name, 'kmem_cache');
  });
  it('SL-12: a constructor fills every object when its slab is made, and never again', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 100, { ctor: 0x41 });
    const obj = alloc(k, cachep);
    assert.equal(read_phys(k, virt_to_phys(k, virt(obj + 99))), 0x41);
    write_phys(k, virt_to_phys(k, obj), 7);
    kmem_cache_free(k, cachep, obj);
    assert.equal(alloc(k, cachep), obj);
    assert.equal(read_phys(k, virt_to_phys(k, obj)), 7);
    assert.equal(create(k, 'plain', 100).ctor, NO_CTOR);
  });
  it('PR-5: new tunables empty the arrays; figures that make no sense change nothing', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR);
    alloc(k, cachep);
    const tunables = (): number[] => [cachep.limit, cachep.batchcount, cachep.shared, cachep.nodelists[0]!.free_limit, cachep.array[0]!.avail];
    assert.deepEqual(tunables(), [54, 27, 0, 2 * 27 + 4, 3]);
    assert.equal(run_to_end(k, slabinfo_write(k, 'mine 10 5 0')), 0);
    assert.deepEqual(tunables(), [10, 5, 0, 2 * 5 + 4, 0]);
    for (const line of ['mine 5 6 0', 'mine 0 0 0', 'mine 5 5 -1']) assert.equal(run_to_end(k, slabinfo_write(k, line)), 0);
    assert.deepEqual(tunables(), [10, 5, 0, 14, 0]);
    for (const line of ['nobody 5 5 0', 'mine', 'mine 1 1']) assert.equal(run_to_end(k, slabinfo_write(k, line)), -22);
    assert.deepEqual(check_machine(k), []);
  });
});

describe('arrays made anew', () => {
  it('SL-18, PR-5: what was in the old ones, the shared one too, goes back to the slabs', () => {
    const k = slabMachine({ cpus: 2 });
    const cachep = create(k, 'mine', FOUR);
    run_to_end(k, slabinfo_write(k, 'mine 2 2 2'));
    const objects = Array.from({ length: 6 }, () => alloc(k, cachep));
    for (const obj of objects) kmem_cache_free(k, cachep, obj);
    assert.deepEqual([cachep.nodelists[0]!.shared!.avail, cachep.array[0]!.avail], [4, 2]);
    run_to_end(k, slabinfo_write(k, 'mine 4 2 1'));
    assert.deepEqual([cachep.nodelists[0]!.shared!.avail, cachep.array[0]!.avail], [0, 0]);
    assert.equal(kmem_cache_destroy(k, cachep), 0);
    assert.deepEqual(check_machine(k), []);
  });
  it('SL-18: a CPU that comes up takes an array for every cache, and nothing else stays', () => {
    const held = (cpus: number): number => heldOfKmalloc(slabMachine({ cpus }));
    assert.equal(held(4) - held(2), 2 * cache_chain(slabMachine()).length);
  });
});

describe('pages of slabs', () => {
  it('P-6, SL-12: every page names its cache and slab, carries PG_slab and counts in NR_SLAB', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 3000);
    const before = global_page_state(k, NR_SLAB);
    const obj = alloc(k, cachep);
    assert.equal(1 << cachep.gfporder, 2);
    const page = virt_to_page(k, virt(slab_of(k, virt_to_slab(k, obj).id).s_mem));
    for (const part of [page, page + 1]) {
      assert.equal(page_lru_next(k, part as typeof page), cachep.id);
      assert.equal(page_lru_prev(k, part as typeof page), virt_to_slab(k, obj).id);
      assert.equal(test_page_flag(k, part as typeof page, PG_slab), true);
    }
    assert.equal(virt_to_cache(k, obj), cachep);
    assert.equal(global_page_state(k, NR_SLAB), before + 2);
  });
  it('SL-1: pages of reclaimable caches are counted', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR, { flags: SLAB_RECLAIM_ACCOUNT });
    const before = k.slab.slab_reclaim_pages;
    const obj = alloc(k, cachep);
    assert.equal(k.slab.slab_reclaim_pages, before + 1);
    kmem_cache_free(k, cachep, obj);
    kmem_cache_shrink(k, cachep);
    assert.equal(k.slab.slab_reclaim_pages, before);
  });
  it('SL-12: flags that slabs cannot meet are a BUG, but only where a slab is needed; NO_GROW gives what is there', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR);
    assert.equal(alloc(k, cachep, GFP_KERNEL | __GFP_NO_GROW), 0);
    assert.throws(() => alloc(k, cachep, GFP_HIGHUSER), /cannot be met by slabs/);
    alloc(k, cachep);
    assert.notEqual(alloc(k, cachep, GFP_HIGHUSER), 0);
    assert.throws(() => alloc(k, create(k, 'other', FOUR), GFP_KERNEL | GFP_DMA), /differ about DMA/);
  });
  it('without memory there is no object, and nothing is lost', () => {
    const k = slabMachine({}, 8);
    const cachep = create(k, 'mine', 4096);
    const held: number[] = [];
    for (let obj = alloc(k, cachep, GFP_ATOMIC | 0x200); obj !== 0; obj = alloc(k, cachep, GFP_ATOMIC | 0x200)) held.push(obj);
    assert.ok(held.length > 500);
    assert.deepEqual(check_machine(k), []);
    for (const obj of held) kmem_cache_free(k, cachep, virt(obj));
    assert.equal(kmem_cache_destroy(k, cachep), 0);
    assert.deepEqual(check_machine(k), []);
  });
  it('an object of another cache, an address in no slab, and none at all', () => {
    const k = slabMachine();
    const [one, two] = [create(k, 'one', 64), create(k, 'two', 64)];
    assert.throws(() => kmem_cache_free(k, two, alloc(k, one)), /is no object of two/);
    assert.throws(() => kfree(k, virt(0xc0000000)), /is in no slab/);
    assert.throws(() => kfree(k, virt(0x1000)), /is no address of memory/);
    kfree(k, virt(0));
  });
});

describe('kmalloc', () => {
  const sizes = [32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
  it('SL-2: every size comes from the smallest cache it fits into, DMA memory from the twin', () => {
    const k = slabMachine();
    for (const [i, size] of sizes.entries()) {
      for (const asked of [(sizes[i - 1] ?? 0) + 1, size]) {
        const obj = run_to_end(k, kmalloc(k, asked, GFP_KERNEL));
        assert.equal(virt_to_cache(k, obj).name, `size-${size}`);
        assert.equal(ksize(k, obj), size);
        const dma = run_to_end(k, kmalloc(k, asked, GFP_KERNEL | GFP_DMA));
        assert.equal(virt_to_cache(k, dma).name, `size-${size}(DMA)`);
        assert.ok(virt_to_page(k, dma) < 4096);
        for (const address of [obj, dma]) kfree(k, address);
      }
    }
    assert.equal(run_to_end(k, kmalloc(k, 131073, GFP_KERNEL)), 0);
    assert.equal(ksize(k, virt(0)), 0);
    assert.deepEqual(check_machine(k), []);
  });
  it('what is written is there to read; kzalloc clears what it gives, and no more', () => {
    const k = slabMachine();
    const obj = run_to_end(k, kmalloc(k, 200, GFP_KERNEL));
    for (let i = 0; i < 256; i++) write_phys(k, virt_to_phys(k, virt(obj + i)), i);
    for (let i = 0; i < 256; i++) assert.equal(read_phys(k, virt_to_phys(k, virt(obj + i))), i);
    kfree(k, obj);
    assert.equal(run_to_end(k, kzalloc(k, 200, GFP_KERNEL)), obj);
    assert.deepEqual([0, 199, 200].map((i) => read_phys(k, virt_to_phys(k, virt(obj + i)))), [0, 0, 200]);
  });
  it('EV-1: the tracepoints name what was asked for and what was given', () => {
    const k = slabMachine();
    const seq = k.trace.ring.seq;
    const obj = run_to_end(k, kmalloc(k, 100, GFP_KERNEL));
    kfree(k, obj);
    const cachep = find_cache(k, 'vm_area_struct')!;
    const vma = alloc(k, cachep, GFP_ATOMIC);
    kmem_cache_free(k, cachep, vma);
    const seen = trace_records(k, seq).filter(({ name }) => /^k(malloc|free|mem_)/.test(name)).map(({ name, args }) => ({ name, ...args }));
    assert.deepEqual(seen, [
      { name: 'kmalloc', call_site: 0, ptr: obj, bytes_req: 100, bytes_alloc: 128, gfp_flags: GFP_KERNEL }, { name: 'kfree', call_site: 0, ptr: obj },
      { name: 'kmem_cache_alloc', call_site: 0, ptr: vma, bytes_req: 84, bytes_alloc: 84, gfp_flags: GFP_ATOMIC },
      { name: 'kmem_cache_free', call_site: 0, ptr: vma },
    ]);
  });
  it('an object costs its time on the way out and on the way back', () => {
    const k = slabMachine({ cost: { slab: 1000, alloc: 0, buddy: 0 } });
    run_to_end(k, kmalloc(k, 100, GFP_KERNEL));
    const before = k.now;
    kfree(k, run_to_end(k, kmalloc(k, 100, GFP_KERNEL)));
    assert.equal(k.now - before, 2000);
  });
  it('EV-11: growth, refill and flush of a cache', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', FOUR, { flags: SLAB_HWCACHE_ALIGN });
    const seq = k.trace.ring.seq;
    alloc(k, cachep);
    assert.deepEqual(eventsOf(k, cachep, seq), ['refill 0 from nowhere', 'grow A', 'refill 4 from free']);
    const grow = trace_records(k, seq).find(({ name }) => name === 'slab_grow')!;
    assert.deepEqual([grow.args['colour'], grow.args['order']], [0, 0]);
  });
});

function range(from: number, to: number, slab: string): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${slab}${from + i}`).join(' ');
}
