// Sizing at boot: zones, watermarks, reserves, per-CPU lists, zonelists (KERNEL.md M-3 … M-6, Z-4, G-3, B-2, PA-2 … PA-7).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { GFP_HIGHUSER, GFP_KERNEL, GFP_ZONEMASK, __GFP_DMA, __GFP_HIGHMEM } from '../../engine/include/gfp.ts';
import { pfn } from '../../engine/include/types.ts';
import { page_address, virt_to_page } from '../../engine/arch/address.ts';
import { vmalloc_range } from '../../engine/arch/i386/layout.ts';
import { for_each_zone, zone_of, zonelist_of } from '../../engine/mm/mmzone.ts';
import { nr_free_zone_pages } from '../../engine/mm/page_alloc.ts';
import { wait_table_hash_nr_entries, zone_batchsize } from '../../engine/mm/page_alloc_init.ts';
import { set_sysctl } from '../../engine/kernel/sysctl.ts';
import { bootedMachine } from '../oracle/engine-door.ts';
import { MiB, ramOf } from './notation.ts';

/** A machine's sizing as PA-6 writes it, with zones' present pages. */
function table(k: Kernel): string {
  const zones = for_each_zone(k).filter(populated_zone).map((zone) => {
    const marks = `${zone.pages_min}/${zone.pages_low}/${zone.pages_high}`;
    return `${zone.name} ${zone.present_pages}: ${marks} [${zone.lowmem_reserve.join(',')}] b${zone_batchsize(zone.present_pages)}`;
  });
  return [`mfk ${k.sysctl.min_free_kbytes}`, ...zones].join(' | ');
}

const PA_6: readonly [number, string][] = [
  [16, 'mfk 512 | DMA 4096: 128/160/192 [0,0,0,0] b0'],
  [32, 'mfk 724 | DMA 4096: 90/112/135 [0,0,16,16] b0 | Normal 4096: 90/112/135 [0,0,0,0] b0'],
  [64, 'mfk 1024 | DMA 4096: 64/80/96 [0,0,48,48] b0 | Normal 12288: 192/240/288 [0,0,0,0] b3'],
  [128, 'mfk 1448 | DMA 4096: 45/56/67 [0,0,112,112] b0 | Normal 28672: 316/395/474 [0,0,0,0] b7'],
  [256, 'mfk 2048 | DMA 4096: 32/40/48 [0,0,240,240] b0 | Normal 61440: 480/600/720 [0,0,0,0] b15'],
  [512, 'mfk 2896 | DMA 4096: 22/27/33 [0,0,496,496] b0 | Normal 126976: 701/876/1051 [0,0,0,0] b31'],
  [1024, 'mfk 3831 | DMA 4096: 17/21/25 [0,0,880,1008] b0 | Normal 225280: 939/1173/1408 [0,0,0,1024] b31 | HighMem 32768: 32/66/100 [0,0,0,0] b7'],
  [2048, 'mfk 3831 | DMA 4096: 17/21/25 [0,0,880,2032] b0 | Normal 225280: 939/1173/1408 [0,0,0,9216] b31 | HighMem 294912: 128/435/743 [0,0,0,0] b31'],
];

describe('sizing at boot', () => {
  for (const [megabytes, expected] of PA_6) {
    it(`PA-2 PA-3 PA-4 PA-6: ${megabytes} MiB`, () => {
      assert.equal(table(bootedMachine(ramOf(megabytes))), expected);
    });
  }

  it('PA-5: totalreserve_pages is the sum of every zone\'s largest reserve and high mark, at most its size', () => {
    assert.equal(bootedMachine(ramOf(64)).totalreserve_pages, 432);
    assert.equal(bootedMachine(ramOf(32)).totalreserve_pages, 286);
    assert.equal(bootedMachine(ramOf(1024)).totalreserve_pages, (1008 + 25) + (1024 + 1408) + 100);
  });

  it('B-2: vm_total_pages is computed while the marks are still 0; later sums take them off', () => {
    const k = bootedMachine(ramOf(64));
    assert.equal(k.vm_total_pages, 16384);
    assert.equal(nr_free_zone_pages(k, GFP_HIGHUSER), 16384 - 96 - 288);
  });

  it('PA-7: batch and high of both lists, by present pages', () => {
    const sizes = (megabytes: number): string[] => for_each_zone(bootedMachine(ramOf(megabytes))).filter(populated_zone).map((zone) => {
      const [hot, cold] = zone.pageset[0]!.pcp;
      return `${zone.present_pages}: hot ${hot.high}/${hot.batch} cold ${cold.high}/${cold.batch}`;
    });
    assert.deepEqual(sizes(64), ['4096: hot 0/1 cold 0/1', '12288: hot 18/3 cold 6/1']);
    assert.deepEqual(sizes(128), ['4096: hot 0/1 cold 0/1', '28672: hot 42/7 cold 14/3']);
    assert.deepEqual(sizes(256), ['4096: hot 0/1 cold 0/1', '61440: hot 90/15 cold 30/7']);
    assert.deepEqual(sizes(1024), ['4096: hot 0/1 cold 0/1', '225280: hot 186/31 cold 62/15', '32768: hot 42/7 cold 14/3']);
    assert.deepEqual([12288, 28672, 61440, 126976, 225280, 1 << 20].map(zone_batchsize), [3, 7, 15, 31, 31, 31]);
  });

  it('PA-7: percpu_pagelist_fraction sizes the hot list, its batch at most 96', () => {
    const k = bootedMachine(ramOf(64));
    const hot = (): string => for_each_zone(k).filter(populated_zone).map((zone) => `${zone.pageset[0]!.pcp[0].high}/${zone.pageset[0]!.pcp[0].batch}`).join(' ');
    set_sysctl(k, 'vm.percpu_pagelist_fraction', 8);
    assert.equal(hot(), '512/96 1536/96');
    set_sysctl(k, 'vm.percpu_pagelist_fraction', 100);
    assert.equal(hot(), '40/10 122/30');
  });

  it('PA-3: min_free_kbytes moves the marks; PA-4: ratios below 1 count as 1', () => {
    const k = bootedMachine(ramOf(64));
    set_sysctl(k, 'vm.min_free_kbytes', 4096);
    assert.equal(table(k), 'mfk 4096 | DMA 4096: 256/320/384 [0,0,48,48] b0 | Normal 12288: 768/960/1152 [0,0,0,0] b3');
    set_sysctl(k, 'vm.lowmem_reserve_ratio', [0, 256, 32]);
    assert.deepEqual(for_each_zone(k)[0]!.lowmem_reserve, [0, 0, 12288, 12288]);
  });

  it('Z-4: wait table entries are a power of two near pages/256, 4 to 4096', () => {
    assert.deepEqual([1, 1024, 1025 * 256, 4096, 12288, 225280, 1 << 22].map(wait_table_hash_nr_entries), [4, 4, 2048, 16, 64, 1024, 4096]);
  });

  it('M-3 M-4: low memory ends at 896 MiB, DMA at 16 MiB', () => {
    const starts = for_each_zone(bootedMachine(ramOf(2048))).map((zone) => `${zone.name} ${zone.zone_start_pfn}+${zone.spanned_pages}`);
    assert.deepEqual(starts, ['DMA 0+4096', 'DMA32 0+0', 'Normal 4096+225280', `HighMem ${(896 * MiB) / 4096}+294912`]);
  });

  it('M-2: the direct map', () => {
    const k = bootedMachine(ramOf(64));
    assert.equal(page_address(k, pfn(0x100)), 0xc0100000);
    assert.equal(virt_to_page(k, page_address(k, pfn(229375))), 229375);
  });

  it('M-5 M-6: vmalloc space', () => {
    const range = (megabytes: number): string => {
      const { start, end } = vmalloc_range(pfn((megabytes * MiB) / 4096));
      return `${start.toString(16)}-${end.toString(16)}`;
    };
    assert.equal(range(64), 'c4800000-ff7fe000');
    assert.equal(range(896), 'f8800000-ff7fe000');
    assert.equal(range(60), 'c4800000-ff7fe000');
  });

  it('G-3: zonelists hold populated zones, highest first; DMA wins over HighMem', () => {
    const lists = (megabytes: number): string[] => {
      const k = bootedMachine(ramOf(megabytes));
      return [0, 1, 2, 3].map((bits) => zonelist_of(k, 0, bits & GFP_ZONEMASK).zones.map((ref) => zone_of(k, ref).name).join(','));
    };
    assert.deepEqual(lists(1024), ['Normal,DMA', 'DMA', 'HighMem,Normal,DMA', 'DMA']);
    assert.deepEqual(lists(64), ['Normal,DMA', 'DMA', 'Normal,DMA', 'DMA']);
    assert.deepEqual(lists(16), ['DMA', 'DMA', 'DMA', 'DMA']);
    assert.deepEqual([GFP_KERNEL, GFP_HIGHUSER, __GFP_DMA | __GFP_HIGHMEM].map((gfp) => gfp & GFP_ZONEMASK), [0, 2, 3]);
  });
});
