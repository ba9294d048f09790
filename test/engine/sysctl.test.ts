// Sysctls of the running machine (KERNEL.md chapter 19; PA-3, PA-4, PA-5, PA-7): what changes at once, what later, what is refused.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { GFP_ATOMIC, GFP_KERNEL, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { read_sysctl, sysctl_problem, write_sysctl } from '../../engine/kernel/sysctl.ts';
import { __free_pages, alloc_pages } from '../../engine/mm/page_alloc.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { dirty_limits } from '../../engine/mm/page-writeback.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

const booted = (megabytes: number, cpus = 1): Kernel => machineWith([], { memory: megabytes * MiB, cpus }).k;
const zones = (k: Kernel) => for_each_zone(k).filter(populated_zone);
const marks = (k: Kernel): string => zones(k).map((zone) => `${zone.pages_min}/${zone.pages_low}/${zone.pages_high}`).join(' ');
const reserves = (k: Kernel): string => zones(k).map((zone) => `[${zone.lowmem_reserve.join(',')}]`).join(' ');
const lists = (k: Kernel): string => zones(k).map(({ pageset }) => pageset.map(({ pcp }) => pcp.map(({ high, batch }) => `${high}/${batch}`).join(',')).join(' ')).join(' | ');
const alloc = (k: Kernel, gfp: number): Pfn => alloc_pages(k, gfp | __GFP_NOWARN, 0).next().value as Pfn;

/** Writes a sysctl as a task would: null, or what is wrong. */
const written = (k: Kernel, name: string, value: number | number[]): string | null => run_to_end(k, write_sysctl(k, name, value));

describe('min_free_kbytes', () => {
  it('PA-3 PA-5: moves every zone\'s marks, and totalreserve_pages with them', () => {
    const k = booted(64);
    assert.deepEqual([marks(k), k.totalreserve_pages], ['64/80/96 192/240/288', 48 + 96 + 288]);
    assert.equal(written(k, 'vm.min_free_kbytes', 4096), null);
    assert.deepEqual([marks(k), k.totalreserve_pages], ['256/320/384 768/960/1152', 48 + 384 + 1152]);
    assert.equal(written(k, 'vm.min_free_kbytes', 0), null);
    assert.deepEqual([marks(k), k.totalreserve_pages], ['0/0/0 0/0/0', 48]);
  });

  it('PA-3: highmem keeps its few; only the steps to low and high grow', () => {
    const k = booted(1024);
    assert.equal(marks(k), '17/21/25 939/1173/1408 32/66/100');
    written(k, 'vm.min_free_kbytes', 2 * 3831);
    assert.equal(marks(k), '34/42/51 1880/2350/2820 32/100/168');
  });

  it('PA-5: a zone never reserves more than it has', () => {
    const k = booted(64);
    written(k, 'vm.min_free_kbytes', 1 << 20);
    assert.equal(k.totalreserve_pages, 16384);
  });

  it('PA-17: the new mark counts for the next request', () => {
    const k = booted(16);
    assert.notEqual(alloc(k, GFP_KERNEL), NO_PAGE);
    written(k, 'vm.min_free_kbytes', 65536);
    assert.equal(alloc(k, GFP_ATOMIC), NO_PAGE);
    written(k, 'vm.min_free_kbytes', 512);
    assert.notEqual(alloc(k, GFP_ATOMIC), NO_PAGE);
  });
});

describe('lowmem_reserve_ratio', () => {
  it('PA-4: what the higher classes must leave in a zone', () => {
    const k = booted(1024);
    assert.equal(reserves(k), '[0,0,880,1008] [0,0,0,1024] [0,0,0,0]');
    assert.equal(written(k, 'vm.lowmem_reserve_ratio', [128, 256, 64]), null);
    assert.equal(reserves(k), '[0,0,1760,2016] [0,0,0,512] [0,0,0,0]');
    assert.equal(k.totalreserve_pages, (2016 + 25) + (512 + 1408) + 100);
  });

  it('PA-4: a ratio of 0 counts, and reads back, as 1: the zone is closed to higher classes', () => {
    const k = booted(64);
    written(k, 'vm.lowmem_reserve_ratio', [0, 256, 32]);
    assert.equal(reserves(k), '[0,0,12288,12288] [0,0,0,0]');
    assert.deepEqual(k.sysctl.lowmem_reserve_ratio, [1, 256, 32]);
  });
});

describe('percpu_pagelist_fraction', () => {
  it('PA-7: sizes the hot list of every CPU; the cold one stays', () => {
    const k = booted(64, 2);
    assert.equal(lists(k), '0/1,0/1 0/1,0/1 | 18/3,6/1 18/3,6/1');
    assert.equal(written(k, 'vm.percpu_pagelist_fraction', 100), null);
    assert.equal(lists(k), '40/10,0/1 40/10,0/1 | 122/30,6/1 122/30,6/1');
    written(k, 'vm.percpu_pagelist_fraction', 8);
    assert.equal(lists(k), '512/96,0/1 512/96,0/1 | 1536/96,6/1 1536/96,6/1');
    written(k, 'vm.percpu_pagelist_fraction', 100_000);
    assert.equal(lists(k), '0/1,0/1 0/1,0/1 | 0/1,6/1 0/1,6/1');
  });

  it('PA-7 PA-15: a list that is longer than its new size shrinks by a batch with each page freed', () => {
    const k = booted(64);
    written(k, 'vm.percpu_pagelist_fraction', 100);
    const pages = Array.from({ length: 130 }, () => alloc(k, GFP_KERNEL));
    for (const page of pages.slice(0, 100)) __free_pages(k, page, 0);
    const hot = zones(k)[1]!.pageset[0]!.pcp[0];
    const before = hot.count;
    assert.ok(before > 60);
    written(k, 'vm.percpu_pagelist_fraction', 1000);
    assert.deepEqual([hot.count, hot.high, hot.batch], [before, 12, 3]);
    for (const page of pages.slice(100)) {
      const count = hot.count;
      __free_pages(k, page, 0);
      assert.equal(hot.count, count + 1 >= 12 ? count - 2 : count + 1);
    }
    assert.deepEqual(check_machine(k), []);
  });
});

describe('what the kernel does not take', () => {
  const refused: readonly [string, number | number[]][] = [
    ['vm.min_free_kbytes', -1], ['vm.min_free_kbytes', 1.5], ['vm.min_free_kbytes', 2 ** 31], ['vm.min_free_kbytes', [1]],
    ['vm.lowmem_reserve_ratio', [256, 256]], ['vm.lowmem_reserve_ratio', [256, -1, 32]], ['vm.lowmem_reserve_ratio', 32],
    ['vm.percpu_pagelist_fraction', 7], ['vm.percpu_pagelist_fraction', 0], ['vm.percpu_pagelist_fraction', 8.5], ['vm.no_such_thing', 1],
  ];
  for (const [name, value] of refused) {
    it(`${name} = ${JSON.stringify(value)} is refused and changes nothing`, () => {
      const k = booted(64);
      const before = structuredClone(k);
      const problem = written(k, name, value);
      assert.equal(problem, sysctl_problem(name, value));
      assert.ok(problem !== null && problem.startsWith(name));
      assert.deepEqual(k, before);
    });
  }
});

describe('sysctls of files and disks', () => {
  const defaults: readonly [string, number][] = [
    ['vm.dirty_background_ratio', 10], ['vm.dirty_ratio', 40], ['vm.dirty_writeback_centisecs', 500], ['vm.dirty_expire_centisecs', 3000],
    ['vm.nr_pdflush_threads', 2], ['vm.laptop_mode', 0], ['vm.drop_caches', 0], ['vm.vfs_cache_pressure', 100], ['vm.block_dump', 0],
  ];

  it('chapter 19: their defaults', () => {
    const k = booted(64);
    assert.deepEqual(defaults.map(([name]) => [name, read_sysctl(k, name)]), defaults);
  });

  it('read back what was written; the number of threads can only be read', () => {
    const k = booted(64);
    const writable = defaults.map(([name]) => name).filter((name) => name !== 'vm.nr_pdflush_threads');
    assert.deepEqual(writable.map((name) => written(k, name, 1)), writable.map(() => null));
    assert.deepEqual(writable.map((name) => read_sysctl(k, name)), writable.map(() => 1));
    assert.equal(written(k, 'vm.nr_pdflush_threads', 3), 'vm.nr_pdflush_threads takes nothing: it can only be read');
  });

  it('WB-3 WB-8: act at once', () => {
    const k = booted(64);
    for (const [name, value] of [['vm.dirty_background_ratio', 2], ['vm.dirty_ratio', 20], ['vm.dirty_writeback_centisecs', 250]] as const) written(k, name, value);
    assert.deepEqual([dirty_limits(k, null).background, dirty_limits(k, null).dirty, k.timers.wb_timer], [327, 3276, 2.5e9]);
    written(k, 'vm.dirty_writeback_centisecs', 0);
    assert.equal(k.timers.wb_timer, Infinity);
  });
});
