// Where mappings go: layouts, searches and their caches, randomisation (KERNEL.md MM-1 … MM-4, X-32 … X-35, DT-3).

import assert from 'node:assert/strict';
import type { MachineConfig } from '../../engine/config.ts';
import type { Process } from './vma-notation.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { MAP_32BIT, MAP_ANONYMOUS, MAP_FIXED, MAP_SHARED, PROT_NONE, PROT_READ } from '../../engine/include/mman.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { get_random_int, seed_random } from '../../engine/kernel/random.ts';
import { sys_munmap } from '../../engine/mm/mmap.ts';
import { arch_align_stack, arch_pick_mmap_layout, randomize_stack_top } from '../../engine/mm/mmap_layout.ts';
import { mm_vmas } from '../../engine/mm/mm_struct.ts';
import { PRIVATE, hex, mapAll, mmap } from './mmap-calls.ts';
import { call, drawn, processOn, stateOf } from './vma-notation.ts';
import { MiB } from './notation.ts';

describe('where mappings go: top-down', () => {
  it('MM-1: mmap_base leaves room for the stack: 128 MiB at least, 5/6 of user space at most', () => {
    const base = (stack: number): string => {
      const { k, mm, task } = processOn();
      task.rlim.RLIMIT_STACK = stack;
      arch_pick_mmap_layout(k, mm, task);
      return `${hex(mm.mmap_base)} ${mm.top_down}`;
    };
    assert.deepEqual([8, 128, 129, 1024, 3072].map((megabytes) => base(megabytes * MiB)), ['b8000000 1', 'b8000000 1', 'b7f00000 1', '80000000 1', '20000000 1']);
    assert.deepEqual([base(200 * MiB + 1), base(Infinity)], ['b3800000 1', '40000000 0']);
  });

  it('MM-1: vm.legacy_va_layout goes up from a third of user space', () => {
    const p = processOn({ sysctl: [['vm.legacy_va_layout', 1]] });
    assert.deepEqual([hex(p.mm.mmap_base), p.mm.top_down, mapAll(p, [2, 1], { prot: PROT_READ })], ['40000000', 0, ['40000000', '40002000']]);
  });

  it('MM-3: each below the last, merged where it can be', () => {
    const p = processOn();
    assert.deepEqual(mapAll(p, [1, 16, 3]), ['b7fff000', 'b7fef000', 'b7fec000']);
    assert.equal(stateOf(p, `top|${'.'.repeat(21)}|`), `top|.${'w'.repeat(20)}|`);
  });

  it('MM-3: as the maps of a real 2.6.18 show it: map, unmap a hole, fill it, shared memory, more', () => {
    const p = drawn('top|x|');
    const seen: string[] = mapAll(p, [256]);
    call(p, sys_munmap(p.k, 0xb7f1f000, 4 * PAGE_SIZE));
    seen.push(...mapAll(p, [4]));
    seen.push(...mapAll(p, [2], { flags: MAP_SHARED | MAP_ANONYMOUS }));
    seen.push(...mapAll(p, [512]));
    assert.deepEqual(seen, ['b7eff000', 'b7f1f000', 'b7efd000', 'b7cfd000']);
    const maps = mm_vmas(p.k, p.mm).map((vma) => `${hex(vma.vm_start)}-${hex(vma.vm_end)}`);
    assert.deepEqual(maps, ['b7cfd000-b7efd000', 'b7efd000-b7eff000', 'b7eff000-b7fff000', 'b7fff000-b8000000']);
  });

  it('MM-3: a hole that a search passed by is found by who fits into it; one that it began in the middle of is not', () => {
    const p = drawn('top|x..x...x|');
    const cache = (): [string, number] => [hex(p.mm.free_area_cache), p.mm.cached_hole_size / PAGE_SIZE];
    const after = (pages: number): [string, string, number] => [mapAll(p, [pages], { prot: PROT_NONE })[0]!, ...cache()];
    assert.deepEqual(cache(), ['b8000000', 0]);
    assert.deepEqual(after(4), ['b7ff4000', 'b7ff4000', 3]);
    assert.deepEqual(after(1), ['b7ffe000', 'b7ffe000', 0]);
    assert.deepEqual(after(3), ['b7ff1000', 'b7ff1000', 1]);
    assert.deepEqual(after(2), ['b7fef000', 'b7fef000', 1]);
    assert.deepEqual(after(1), ['b7ffd000', 'b7ffd000', 0]);
    assert.equal(stateOf(p, `top|${'.'.repeat(17)}|`), 'top|nnnnnnnnnx..x.nnx|');
  });

  it('MM-3 MM-4: unmapping moves the cache up to the VMA above, never past mmap_base', () => {
    const p = drawn('top|xxxxxxxx|');
    mapAll(p, [1], { prot: PROT_NONE });
    assert.equal(hex(p.mm.free_area_cache), 'b7ff7000');
    call(p, sys_munmap(p.k, 0xb7ffc000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), 'b7ffd000');
    call(p, sys_munmap(p.k, 0xb7ff9000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), 'b7ffd000');
    call(p, sys_munmap(p.k, 0xb7fff000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), 'b8000000');
    const above = drawn('top|x| stack|x|');
    call(above, sys_munmap(above.k, 0xbffff000, PAGE_SIZE));
    assert.equal(hex(above.mm.free_area_cache), 'b8000000');
    const below = drawn('top|x| stack|x.x|');
    call(below, sys_munmap(below.k, 0xbfffd000, PAGE_SIZE));
    assert.equal(hex(below.mm.free_area_cache), 'b8000000');
  });

  it('MM-3: where nothing is free below mmap_base, the space above it is used, upwards from a third', () => {
    const p = processOn({ sysctl: [['vm.overcommit_memory', 1]] });
    const below = 0xb8000000 / PAGE_SIZE;
    assert.equal(call(p, mmap(p, below - 1, { addr: PAGE_SIZE, flags: PRIVATE | MAP_FIXED })), PAGE_SIZE);
    assert.deepEqual(mapAll(p, [2, 1], { prot: PROT_READ }), ['b8000000', 'b8002000']);
    assert.deepEqual([hex(p.mm.free_area_cache), p.mm.cached_hole_size], ['b8000000', 2 ** 32 - 1]);
    assert.equal(call(p, mmap(p, 0x8000)), -ENOMEM);
  });

  it('MM-3: address 0 is the last that is given out', () => {
    const p = processOn({ sysctl: [['vm.overcommit_memory', 1]] });
    assert.deepEqual(mapAll(p, [0xb8000 - 1, 1]), ['1000', 'b8000000']);
  });
});

describe('where mappings go: bottom-up', () => {
  const legacy = { sysctl: [['vm.legacy_va_layout', 1]] } satisfies Partial<MachineConfig>;

  it('MM-4: upwards from where the last one ended; a hole below is found by who may fit there', () => {
    const p = processOn(legacy);
    assert.deepEqual(mapAll(p, [4, 4, 4], { prot: PROT_READ }), ['40000000', '40004000', '40008000']);
    call(p, sys_munmap(p.k, 0x40004000, 2 * PAGE_SIZE));
    assert.deepEqual([hex(p.mm.free_area_cache), p.mm.cached_hole_size], ['40004000', 2 ** 32 - 1]);
    assert.deepEqual(mapAll(p, [3], { prot: PROT_NONE }), ['4000c000']);
    assert.deepEqual([hex(p.mm.free_area_cache), p.mm.cached_hole_size / PAGE_SIZE], ['4000f000', 2]);
    assert.deepEqual(mapAll(p, [2], { prot: PROT_NONE }), ['40004000']);
  });

  it('MM-4: holes below a third of user space are nobody\'s', () => {
    const p = processOn(legacy);
    call(p, mmap(p, 2, { addr: 0x3fff0000, flags: PRIVATE | MAP_FIXED }));
    mapAll(p, [1]);
    call(p, sys_munmap(p.k, 0x3fff1000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), '40001000');
  });

  it('MM-4: below the first VMA of all, the cache goes back to mmap_base', () => {
    const p = processOn(legacy);
    call(p, mmap(p, 1, { addr: 0x3fff0000, flags: PRIVATE | MAP_FIXED }));
    mapAll(p, [1]);
    call(p, sys_munmap(p.k, 0x3fff0000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), '40000000');
  });

  it('MM-4: at the end of user space the search begins once more; then there is no place', () => {
    const p = processOn({ sysctl: [['vm.legacy_va_layout', 1], ['vm.overcommit_memory', 1]] });
    assert.deepEqual(mapAll(p, [0x40000, 0x40000]), ['40000000', '80000000']);
    call(p, sys_munmap(p.k, 0x40000000, 16 * PAGE_SIZE));
    call(p, sys_munmap(p.k, 0x50000000, 32 * PAGE_SIZE));
    assert.deepEqual(mapAll(p, [16, 32], { prot: PROT_READ }), ['40000000', '50000000']);
    assert.equal(call(p, mmap(p, 1)), -ENOMEM);
    p.mm.cached_hole_size = PAGE_SIZE;
    const cache = p.mm.free_area_cache;
    assert.deepEqual([call(p, mmap(p, 1)), p.mm.free_area_cache, p.mm.cached_hole_size], [-ENOMEM, cache, 0]);
  });

  it('MM-4: the holes of a search that found nothing do not count in the second', () => {
    const p = processOn({ sysctl: [['vm.legacy_va_layout', 1], ['vm.overcommit_memory', 1]] });
    mapAll(p, [0x20000, 0x60000 - 4], { prot: PROT_READ });
    call(p, sys_munmap(p.k, 0x40000000, 16 * PAGE_SIZE));
    call(p, sys_munmap(p.k, 0x50000000, 2 * PAGE_SIZE));
    p.mm.free_area_cache = virt(0x48000000);
    p.mm.cached_hole_size = 0;
    assert.deepEqual([mapAll(p, [10], { prot: PROT_NONE }), p.mm.cached_hole_size], [['40000000'], 0]);
  });
});

describe('where mappings go: x86_64', () => {
  const long = { arch: 'x86_64' } satisfies Partial<MachineConfig>;

  it('X-32: upwards from a third of user space, whatever the stack and legacy_va_layout say', () => {
    for (const config of [long, { ...long, sysctl: [['vm.legacy_va_layout', 1]] } satisfies Partial<MachineConfig>]) {
      const p = processOn(config);
      assert.deepEqual([hex(p.mm.mmap_base), p.mm.top_down], ['2aaaaaaab000', 0]);
      assert.deepEqual(mapAll(p, [2, 1]), ['2aaaaaaab000', '2aaaaaaad000']);
    }
  });

  it('X-34: holes below the cache stay unused until a munmap lowers it', () => {
    const p = processOn(long);
    mapAll(p, [4, 4, 4], { prot: PROT_READ });
    call(p, sys_munmap(p.k, 0x2aaaaaaaf000, 2 * PAGE_SIZE));
    assert.equal(p.mm.cached_hole_size, 2 ** 64);
    assert.deepEqual(mapAll(p, [3], { prot: PROT_NONE }), ['2aaaaaab7000']);
    assert.equal(p.mm.cached_hole_size, 2 * PAGE_SIZE);
    assert.deepEqual(mapAll(p, [2], { prot: PROT_NONE }), ['2aaaaaaba000']);
    call(p, sys_munmap(p.k, 0x2aaaaaab7000, PAGE_SIZE));
    assert.equal(hex(p.mm.free_area_cache), '2aaaaaab7000');
    call(p, sys_munmap(p.k, 0x2aaaaaaab000, PAGE_SIZE));
    assert.deepEqual([hex(p.mm.free_area_cache), mapAll(p, [2])], ['2aaaaaaab000', ['2aaaaaaaf000']]);
  });

  it('X-33: a hint is honoured anywhere; MAP_32BIT looks between 1 and 2 GiB', () => {
    const p = processOn(long);
    assert.deepEqual(mapAll(p, [1], { addr: 0x10000 }), ['10000']);
    assert.deepEqual(mapAll(p, [2, 3], { flags: PRIVATE | MAP_32BIT, prot: PROT_READ }), ['40000000', '40002000']);
    assert.deepEqual(mapAll(p, [1]), ['2aaaaaaab000']);
    assert.equal(call(p, mmap(p, 0x40001, { flags: PRIVATE | MAP_32BIT, prot: PROT_NONE })), -ENOMEM);
    p.mm.cached_hole_size = 2 ** 64;
    assert.deepEqual([call(p, mmap(p, 0x40001, { flags: PRIVATE | MAP_32BIT, prot: PROT_NONE })), hex(p.mm.free_area_cache)], [-ENOMEM, '40000000']);
    call(p, sys_munmap(p.k, 0x40000000, 2 * PAGE_SIZE));
    assert.deepEqual(mapAll(p, [2], { flags: PRIVATE | MAP_32BIT, prot: PROT_NONE }), ['40000000']);
  });

  it('X-33: at the end of user space the search begins at a third, not at the random base', () => {
    const p = processOn({ ...long, sysctl: [['kernel.randomize_va_space', 1], ['vm.overcommit_memory', 1]] });
    const rest = (0x7ffffffff000 - p.mm.mmap_base) / PAGE_SIZE;
    assert.deepEqual(mapAll(p, [rest, 5]), [hex(p.mm.mmap_base), '2aaaaaaab000']);
  });
});

describe('randomised layouts', () => {
  const random = (arch: 'i386' | 'x86_64', seed: number): Process => processOn({ arch, seed, sysctl: [['kernel.randomize_va_space', 1]] });
  const seeds = Array.from({ length: 40 }, (_, seed) => seed);

  it('DT-3: the seed decides', () => {
    assert.equal(random('i386', 7).mm.mmap_base, random('i386', 7).mm.mmap_base);
    assert.ok(new Set(seeds.map((seed) => random('i386', seed).mm.mmap_base)).size > 30);
    const { k } = processOn({ seed: 3 });
    const numbers = Array.from({ length: 4000 }, () => get_random_int(k));
    assert.ok(new Set(numbers).size > 3990 && numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32));
    assert.ok(Math.abs(numbers.reduce((sum, n) => sum + n / 2 ** 32, 0) / 4000 - 0.5) < 0.03);
    assert.notEqual(seed_random(1), seed_random(2));
  });

  it('MM-1: mmap_base is up to 1 MiB lower', () => {
    for (const seed of seeds) {
      const { mmap_base, free_area_cache } = random('i386', seed).mm;
      assert.ok(mmap_base > 0xb7efffff && mmap_base <= 0xb8000000 && mmap_base % PAGE_SIZE === 0, hex(mmap_base));
      assert.equal(free_area_cache, mmap_base);
    }
  });

  it('MM-2 X-35: the top of the stack', () => {
    for (const [arch, top, most] of [['i386', 0xc0000000, 0x7ff000], ['x86_64', 0x7ffffffff000, 2 ** 32 - PAGE_SIZE]] as const) {
      const offsets = seeds.map((seed) => {
        const { k, task } = random(arch, seed);
        return top - randomize_stack_top(k, task);
      });
      assert.ok(offsets.every((offset) => offset >= 0 && offset <= most && offset % PAGE_SIZE === 0));
      assert.ok(Math.max(...offsets) > most * 0.8 && Math.min(...offsets) < most * 0.2);
      const { k, task } = processOn({ arch });
      assert.deepEqual([randomize_stack_top(k, task), arch_align_stack(k, virt(0x1007))], [top, 0x1000]);
    }
  });

  it('X-35: the stack pointer is up to 8 KiB lower, at a multiple of 16', () => {
    const { k } = random('x86_64', 1);
    const pointers = seeds.map(() => 0x7fff0000 - arch_align_stack(k, virt(0x7fff0000)));
    assert.ok(pointers.every((below) => below >= 0 && below < 8192 + 16 && below % 16 === 0) && Math.max(...pointers) > 6000);
  });

  it('X-32: x86_64 moves its base by up to 2^28 pages', () => {
    const bases = seeds.map((seed) => (random('x86_64', seed).mm.mmap_base - 0x2aaaaaaab000) / PAGE_SIZE);
    assert.ok(bases.every((pages) => Number.isInteger(pages) && pages >= 0 && pages < 2 ** 28));
    assert.ok(Math.max(...bases) > 2 ** 27);
  });

  it('MM-2: norandmaps is what a machine has unless told otherwise', () => {
    assert.deepEqual([hex(processOn({ seed: 9 }).mm.mmap_base), hex(processOn({ arch: 'x86_64', seed: 9 }).mm.mmap_base)], ['b8000000', '2aaaaaaab000']);
  });
});
