// Where objects lie (KERNEL.md SL-2 … SL-9, SL-18, X-37 … X-41, PR-5): numbers, orders, colours for every size, cache line and architecture, the
// lengths of arrays, and the caches of a booted machine.

import assert from 'node:assert/strict';
import type { slab_rules } from '../../engine/mm/slab_geometry.ts';
import { CFLGS_OFF_SLAB, CPUCACHE_FULL, SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT } from '../../engine/include/slab.ts';
import { proc_slabinfo, slabinfo } from '../../engine/fs/proc/slabinfo.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { kmalloc_sizes } from '../../engine/mm/kmalloc.ts';
import { cpucache_limit } from '../../engine/mm/slab_create.ts';
import { slab_geometry_of } from '../../engine/mm/slab_geometry.ts';
import { cache_chain, find_cache, list_slabs } from '../../engine/mm/slab_lists.ts';
import { bootedMachine } from '../oracle/engine-door.ts';
import { ramOf } from './notation.ts';
import { alloc, create, slabMachine } from './slab-notation.ts';

/** What caches depend on: structures and lines of an architecture, and whether there is more than 32 MiB. */
function rules(arch: 'i386' | 'x86_64', line: number, large = 1): slab_rules {
  const sizes = arch === 'i386'
    ? { BYTES_PER_WORD: 4, slab: 28, array_cache: 16, kmem_list3: 52, kmem_cache: 80, cache_line_size: line, L1_CACHE_BYTES: line, MAX_NUMNODES: 1 }
    : { BYTES_PER_WORD: 8, slab: 48, array_cache: 24, kmem_list3: 104, kmem_cache: 176, cache_line_size: line, L1_CACHE_BYTES: 128, MAX_NUMNODES: 1 };
  return { sizes, slab_break_gfp_order: large, slab_early_init: 0, debug: 0 };
}

/** `size: objects, order, on or off, colours`, as the rules write it. */
function show(of: slab_rules, size: number, flags = SLAB_HWCACHE_ALIGN, align = 0): string {
  const { num, gfporder, colour, flags: got } = slab_geometry_of(of, size, align, flags);
  return `${size}: ${num},${gfporder},${(got & CFLGS_OFF_SLAB) !== 0 ? 'off' : 'on'},${colour}`;
}

const LARGE = ['512: 8,0,off,0', '1024: 4,0,off,0', '2048: 2,0,off,0', '4096: 1,0,off,0', '8192: 1,1,off,0', '16384: 1,2,off,0', '32768: 1,3,off,0', '65536: 1,4,off,0', '131072: 1,5,off,0'];

describe('the geometry of slabs', () => {
  const table: [string, slab_rules, string[]][] = [
    ['SL-8: i386, lines of 64 bytes', rules('i386', 64), ['32: 113,0,on,0', '64: 59,0,on,0', '128: 30,0,on,1', '192: 20,0,on,2', '256: 15,0,on,2', ...LARGE]],
    ['SL-8: i386, lines of 32 bytes', rules('i386', 32),
      ['32: 113,0,on,0', '64: 59,0,on,1', '96: 40,0,on,2', '128: 30,0,on,3', '192: 20,0,on,4', '256: 15,0,on,5', ...LARGE]],
    ['X-40: x86_64, lines of 64 bytes', rules('x86_64', 64), ['32: 112,0,on,0', '64: 59,0,on,0', '128: 30,0,on,1', '192: 20,0,on,2', '256: 15,0,on,2', ...LARGE]],
    ['X-40: x86_64, lines of 128 bytes', rules('x86_64', 128), ['128: 30,0,on,0', '256: 15,0,on,1']],
  ];
  for (const [what, of, expected] of table) {
    it(what, () => assert.deepEqual(expected.map((row) => show(of, parseInt(row))), expected));
  }

  it('SL-2, X-38: the sizes of kmalloc follow the cache line of the configuration', () => {
    const sizes = (line: number): number[] => kmalloc_sizes(rules('i386', line).sizes).slice(0, 6);
    assert.deepEqual(sizes(32), [32, 64, 96, 128, 192, 256]);
    assert.deepEqual(sizes(64), [32, 64, 128, 192, 256, 512]);
    assert.deepEqual(sizes(128), [32, 64, 128, 256, 512, 1024]);
    assert.equal(kmalloc_sizes(rules('i386', 32).sizes).at(-1), 131072);
  });

  it('SL-3: sizes in whole words; lines halved while two objects fit; a larger alignment of the caller wins', () => {
    const of = (size: number, flags: number, align = 0): number[] => {
      const { buffer_size, align: got } = slab_geometry_of(rules('i386', 32), size, align, flags);
      return [buffer_size, got];
    };
    const lines = (size: number): number[] => of(size, SLAB_HWCACHE_ALIGN);
    assert.deepEqual([of(13, 0), lines(13), lines(17), lines(33)], [[16, 4], [16, 16], [32, 32], [64, 32]]);
    assert.deepEqual([of(8, SLAB_HWCACHE_ALIGN), of(36, 0, 64), of(36, SLAB_HWCACHE_ALIGN, 16)], [[8, 8], [64, 64], [64, 32]]);
  });

  it('SL-4: from 512 bytes on management is off-slab, unless what is left over can hold it', () => {
    const place = (size: number): string => show(rules('i386', 32), size, 0).split(',')[2]!;
    assert.deepEqual([508, 512, 544, 576, 1000, 1024].map(place), ['on', 'off', 'on', 'on', 'on', 'off']);
  });

  it('SL-6: slabs of two pages only above 32 MiB, and never for reclaimable caches that fit one', () => {
    assert.equal(show(rules('i386', 32), 3072, 0), '3072: 2,1,on,62');
    assert.equal(show(rules('i386', 32, 0), 3072, 0), '3072: 1,0,on,31');
    assert.equal(show(rules('i386', 32), 3072, SLAB_RECLAIM_ACCOUNT), '3072: 1,0,on,31');
    assert.equal(show(rules('i386', 32, 0), 5000, SLAB_RECLAIM_ACCOUNT), '5000: 1,1,on,98');
  });

  it('SL-8, X-41: named caches', () => {
    const i386 = rules('i386', 64);
    const named = [
      show(i386, 84, 0), show(i386, 12, 0), show(i386, 52, SLAB_RECLAIM_ACCOUNT), show(i386, 432), show(i386, 276, 0), show(i386, 4096, 0, 4096),
    ];
    assert.deepEqual(named.map((row) => Number(/: (\d+)/.exec(row)![1])), [46, 254, 72, 9, 14, 1]);
    const large = rules('x86_64', 64);
    const wide: [number, number, string][] = [
      [168, 0, '23,0'], [176, 0, '22,0'], [24, 0, '144,0'], [16, 0, '202,0'], [96, SLAB_RECLAIM_ACCOUNT, '40,0'], [536, SLAB_RECLAIM_ACCOUNT, '7,0,on'],
      [208, SLAB_RECLAIM_ACCOUNT, '19,0'], [816, SLAB_HWCACHE_ALIGN, '9,1'], [624, SLAB_HWCACHE_ALIGN, '6,0'], [2064, SLAB_HWCACHE_ALIGN, '3,1'],
      [704, SLAB_HWCACHE_ALIGN, '11,1'], [1760, 0, '4,1'],
    ];
    for (const [size, flags, expected] of wide) assert.ok(show(large, size, flags).startsWith(`${size}: ${expected}`), show(large, size, flags));
  });

  it('SL-9: lengths of arrays for every size, and in a debug kernel', () => {
    const limits = [32, 256, 257, 1024, 1025, 4096, 4097, 131072, 131073].map((size) => cpucache_limit(size, 0));
    assert.deepEqual(limits, [120, 120, 54, 54, 24, 24, 8, 8, 1]);
    assert.deepEqual([32, 2048, 8192].map((size) => cpucache_limit(size, 1)), [32, 24, 8]);
  });
});

describe('colours', () => {
  it('SL-7: each slab begins one colour further on, and after the last the first comes again', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 200);
    assert.equal(cachep.colour, 6);
    for (let i = 0; i < 8 * cachep.num; i++) alloc(k, cachep);
    const slabs = list_slabs(k, cachep.nodelists[0]!.slabs_full).sort((a, b) => a.id - b.id);
    assert.deepEqual(slabs.map((slabp) => slabp.colouroff - cachep.slab_size), [0, 32, 64, 96, 128, 160, 0, 32]);
  });
  it('SL-7: without room for a second colour every slab begins at the first', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 32, { flags: SLAB_HWCACHE_ALIGN });
    for (let i = 0; i < 2 * cachep.num; i++) alloc(k, cachep);
    assert.deepEqual([cachep.colour, cachep.nodelists[0]!.colour_next], [0, 0]);
  });
});

describe('the caches of a booted machine', () => {
  for (const [what, settings, megabytes] of [
    ['one CPU', {}, 64], ['a small machine', {}, 16], ['highmem', {}, 1024], ['four CPUs', { cpus: 4 }, 64], ['x86_64', { arch: 'x86_64' }, 64],
    ['x86_64 with two CPUs', { arch: 'x86_64', cpus: 2 }, 256], ['a debug kernel', { sysctl: [['pagewalk.slab_debug', 1]] }, 64],
  ] as const) {
    it(`SL-18: the allocator is up and every law holds: ${what}`, () => {
      const k = slabMachine(structuredClone(settings) as object, megabytes);
      assert.equal(k.slab.g_cpucache_up, CPUCACHE_FULL);
      assert.deepEqual(check_machine(k), []);
      for (const cachep of cache_chain(k)) {
        assert.equal(cachep.limit, cpucache_limit(cachep.buffer_size, k.slab.debug), cachep.name);
        assert.equal(cachep.batchcount, (cachep.limit + 1) >> 1);
        for (const ac of cachep.array) assert.deepEqual([ac!.limit, ac!.batchcount], [cachep.limit, cachep.batchcount], cachep.name);
        const { shared, free_limit } = cachep.nodelists[0]!;
        assert.equal(shared!.limit, k.platform.nr_cpus > 1 && cachep.buffer_size <= 4096 ? 8 * cachep.batchcount : 0);
        assert.equal(free_limit, (1 + k.platform.nr_cpus) * cachep.batchcount + cachep.num);
      }
    });
  }

  it('X-37, X-39: an x86_64 machine keeps its lists in size-128, and a shared array of 480 entries', () => {
    const k = slabMachine({ arch: 'x86_64', cpus: 2 }, 256);
    assert.equal(k.slab.sizes.kmem_cache, 176);
    assert.equal(find_cache(k, 'size-96'), null);
    assert.equal(find_cache(k, 'size-256')!.nodelists[0]!.shared!.limit, 480);
    assert.equal(find_cache(k, 'size-512')!.slabp_cache, find_cache(k, 'size-128')!.id);
    assert.equal(find_cache(k, 'size-1024')!.slabp_cache, find_cache(k, 'size-64')!.id);
  });

  it('SL-19: what the kernel creates at boot, newest first', () => {
    const names = slabinfo(bootedMachine(ramOf(64))).map(({ name }) => name).filter((name) => !name.startsWith('size-'));
    assert.deepEqual(names, ['radix_tree_node', 'inode_cache', 'dentry_cache', 'filp', 'names_cache', 'buffer_head', 'mm_struct', 'vm_area_struct', 'fs_cache',
      'files_cache', 'signal_cache', 'sighand_cache', 'task_struct', 'anon_vma', 'pgd', 'pid', 'kmem_cache']);
  });

  it('PR-5: slabinfo, byte for byte', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 1000);
    for (let i = 0; i < 5; i++) alloc(k, cachep);
    assert.deepEqual(proc_slabinfo(k).split('\n').slice(0, 4), [
      'slabinfo - version: 2.1',
      '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>',
      'mine                   8      8   1000    4    1 : tunables   54   27    0 : slabdata      2      2      0',
      'radix_tree_node        0      0    276   14    1 : tunables   54   27    0 : slabdata      0      0      0',
    ]);
  });
});
