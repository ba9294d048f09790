// x86_64 beneath the page allocator (KERNEL.md chapter 29: X-1 … … ).

import assert from 'node:assert/strict';
import { GFP_ATOMIC, GFP_HIGHUSER, GFP_KERNEL, X86_64_GFP_DMA32, __GFP_DMA, __GFP_NOWARN, show_gfp_flags } from '../../engine/include/gfp.ts';
import { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, populated_zone } from '../../engine/include/mmzone.ts';
import { PAGE_SIZE, pfn, phys, virt } from '../../engine/include/types.ts';
import type { Kernel } from '../../engine/kernel.ts';
import { KernelBug } from '../../engine/kernel/panic.ts';
import { config_problems, default_config } from '../../engine/config.ts';
import { page_address, sizeof_page, task_size, virt_to_page, virt_to_phys, vmalloc_space } from '../../engine/arch/address.ts';
import { e820_hole_size } from '../../engine/arch/x86_64/e820.ts';
import { MODULES_END, MODULES_VADDR, VSYSCALL_END, VSYSCALL_START, __START_KERNEL_map } from '../../engine/arch/x86_64/layout.ts';
import { meminfo, proc_buddyinfo, proc_meminfo, proc_zoneinfo } from '../../engine/fs/proc/files.ts';
import { PageReserved, page_zone } from '../../engine/mm/mem_map.ts';
import { alloc_bootmem } from '../../engine/mm/bootmem.ts';
import { read_phys } from '../../engine/mm/contents.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { ALLOC_WMARK_LOW, __free_pages, __page_find_buddy, zone_watermark_ok } from '../../engine/mm/page_alloc.ts';
import { show_mem } from '../../engine/mm/show_mem.ts';
import { set_tracing, show_field, trace_records } from '../../engine/trace/events.ts';
import { MiB, booted, logged, nodes64, sizing, take, zonelist, zonesOf } from './nodes-notation.ts';

/** The worked machines of X-19, booted once: they are large. */
const machines = new Map<number, Kernel>();

function uma(megabytes: number): Kernel {
  const known = machines.get(megabytes) ?? booted({ arch: 'x86_64', cpus: 2, memory: megabytes * MiB });
  machines.set(megabytes, known);
  return known;
}

const X_19: readonly [number, string][] = [
  [256, 'total 63256, mfk 2012 | DMA 2656: 21/26/31 [0,236,236,236] b0 | DMA32 60600: 481/601/721 [0,0,0,0] b15'],
  [512, 'total 127896, mfk 2861 | DMA 2656: 14/17/21 [0,489,489,489] b0 | DMA32 125240: 700/875/1050 [0,0,0,0] b31'],
  [1024, 'total 257176, mfk 4057 | DMA 2656: 10/12/15 [0,994,994,994] b0 | DMA32 254520: 1003/1253/1504 [0,0,0,0] b31'],
  [2048, 'total 515735, mfk 5745 | DMA 2655: 7/8/10 [0,2004,2004,2004] b0 | DMA32 513080: 1428/1785/2142 [0,0,0,0] b31'],
  [4096, 'total 1031061, mfk 8123 | DMA 2653: 5/6/7 [0,3512,4017,4017] b0 | DMA32 899128: 1770/2212/2655 [0,0,505,505] b31 | Normal 129280: 254/317/381 [0,0,0,0] b31'],
  [8192, 'total 2065297, mfk 11496 | DMA 2649: 3/3/4 [0,3512,8057,8057] b0 | DMA32 899128: 1251/1563/1876 [0,0,4545,4545] b31 | Normal 1163520: 1619/2023/2428 [0,0,0,0] b31'],
];

describe('x86_64: sizes', function () {
  this.timeout(60_000);
  after(() => machines.clear());

  for (const [megabytes, expected] of X_19) {
    it(`X-16 X-17 X-19: ${megabytes} MiB`, () => assert.equal(sizing(uma(megabytes)), expected));
  }

  it('X-20: totalreserve_pages', () => {
    assert.deepEqual(X_19.map(([megabytes]) => uma(megabytes).totalreserve_pages), [988, 1560, 2513, 4156, 6194, 11498]);
  });

  it('X-17 X-27: vm_total_pages and "totalpages" are the sum of present pages', () => {
    const k = uma(4096);
    assert.equal(k.vm_total_pages, 1031061);
    assert.deepEqual(logged(k, /totalpages|Built/), ['On node 0 totalpages: 1031061', 'Built 1 zonelists.  Total pages: 1031061']);
  });

  it('X-19: RAM of the PCI hole is found above 4 GiB', () => {
    assert.deepEqual([1024, 4096, 8192].map((megabytes) => uma(megabytes).platform.max_pfn), [262144, 1179648, 2228224]);
    assert.equal(e820_hole_size(uma(4096), pfn(0), pfn(1 << 20)), 97 + 131072);
  });

  it('X-14: zones by frame number; below 4 GiB there is no Normal zone', () => {
    const spans = (k: Kernel): string => for_each_zone(k).map((zone) => `${zone.name} ${zone.zone_start_pfn}+${zone.spanned_pages}`).join(', ');
    assert.equal(spans(uma(256)), 'DMA 0+4096, DMA32 4096+61440, Normal 0+0, HighMem 0+0');
    assert.equal(spans(uma(4096)), 'DMA 0+4096, DMA32 4096+1044480, Normal 1048576+131072, HighMem 0+0');
    const k = uma(4096);
    assert.deepEqual([4095, 4096, 1048575, 1048576].map((page) => page_zone(k, pfn(page)).zone_idx), [ZONE_DMA, ZONE_DMA32, ZONE_DMA32, ZONE_NORMAL]);
  });

  it('X-13: struct page has 56 bytes, and mem_map its share of what is spanned', () => {
    assert.equal(sizeof_page(uma(256)), 56);
    assert.equal(sizeof_page(booted({})), 32);
  });

  it('X-18: wait tables follow what is spanned; an unpopulated HighMem shows 32 pages', () => {
    assert.deepEqual(for_each_zone(uma(4096)).map((zone) => zone.wait_table_hash_nr_entries), [16, 4096, 512, 0]);
    const highmem = for_each_zone(uma(256))[3]!;
    assert.deepEqual([highmem.pages_min, highmem.pages_low, highmem.pages_high], [32, 32, 32]);
  });

  it('X-24: stat_threshold for two CPUs', () => {
    const thresholds = (megabytes: number): number[] => {
      return for_each_zone(uma(megabytes)).filter(populated_zone).map((zone) => zone.pageset[0]!.stat_threshold);
    };
    assert.deepEqual([256, 512, 1024, 2048, 4096, 8192].map(thresholds), [[4, 8], [4, 12], [4, 16], [4, 20], [4, 24, 12], [4, 24, 28]]);
  });

  it('X-21: GFP_KERNEL at 4 GiB: Normal from 318 free pages on, DMA32 above 2717, DMA never', () => {
    const k = structuredClone(uma(4096));
    const least = (index: number, classIdx: number): number => {
      const zone = for_each_zone(k)[index]!;
      for (zone.free_pages = 0; zone.free_pages <= zone.present_pages; zone.free_pages++) {
        if (zone_watermark_ok(k, zone, 0, zone.pages_low, classIdx, ALLOC_WMARK_LOW)) return zone.free_pages;
      }
      return Infinity;
    };
    set_tracing(k, 0);
    assert.deepEqual([least(ZONE_NORMAL, ZONE_NORMAL), least(ZONE_DMA32, ZONE_NORMAL), least(ZONE_DMA, ZONE_NORMAL)], [318, 2718, Infinity]);
  });

  it('X-16: a kernel for one CPU reserves two pages fewer; X-47: free pages of a zone may exceed present', () => {
    const k = booted({ arch: 'x86_64', cpus: 1, memory: 256 * MiB });
    assert.equal(for_each_zone(k)[0]!.present_pages, 2658);
    assert.equal(k.dma_reserve, 1285);
    assert.equal(uma(256).dma_reserve, 1287);
    const [dma] = for_each_zone(k);
    assert.ok(dma!.free_pages > dma!.present_pages);
  });

  it('X-16: what is reserved by the machine is a hole', () => {
    const hole = { start: 128 * MiB, end: 132 * MiB };
    const k = booted({ arch: 'x86_64', cpus: 2, memory: 256 * MiB, reserve: [hole] });
    assert.equal(for_each_zone(k)[1]!.present_pages, 60600 - 1024);
    assert.equal(PageReserved(k, pfn(hole.start / PAGE_SIZE)), true);
    assert.equal(PageReserved(k, pfn(hole.end / PAGE_SIZE)), false);
    assert.deepEqual(check_machine(k), []);
  });

  it('X-47: the laws hold on every one of them, and find what is not so', () => {
    for (const [megabytes] of X_19) assert.deepEqual(check_machine(uma(megabytes)), []);
    const k = structuredClone(uma(256));
    for_each_zone(k)[1]!.present_pages--;
    assert.deepEqual(check_machine(k).map((law) => law.replace(/:.*/, '')), ['X-47', 'X-47']);
  });
});

describe('x86_64: zonelists', () => {
  it('X-15: five lists, populated zones only', () => {
    const k = nodes64('DMA 16 DMA32 48');
    assert.deepEqual([0, 1, 2, 3, 4].map((type) => zonelist(k, 0, type)), ['n0 DMA32, n0 DMA', 'n0 DMA', 'n0 DMA32, n0 DMA', 'n0 DMA', 'n0 DMA32, n0 DMA']);
    const all = nodes64('DMA 16 DMA32 3568 NORMAL 64');
    assert.deepEqual([0, 1, 2, 3, 4].map((type) => zonelist(all, 0, type)),
      ['n0 Normal, n0 DMA32, n0 DMA', 'n0 DMA', 'n0 Normal, n0 DMA32, n0 DMA', 'n0 DMA', 'n0 DMA32, n0 DMA']);
    const zoneOf = (gfp: number): string => page_zone(all, take(all, gfp)!).name;
    assert.deepEqual([GFP_KERNEL, GFP_HIGHUSER, GFP_KERNEL | X86_64_GFP_DMA32, GFP_KERNEL | __GFP_DMA].map(zoneOf), ['Normal', 'Normal', 'DMA32', 'DMA']);
  });

  it('X-15: zone bits 5 to 7 are a BUG, 4 alone is __GFP_DMA32', () => {
    const k = nodes64('DMA 16 DMA32 48');
    for (const bits of [5, 6, 7]) assert.throws(() => take(k, GFP_KERNEL | bits), KernelBug);
    assert.equal(show_gfp_flags(GFP_KERNEL | X86_64_GFP_DMA32), 'GFP_KERNEL|__GFP_DMA32');
  });

  it('G-3: on i386 the same bit chooses nothing', () => {
    assert.equal(zonelist(booted({}), 0, 4), 'n0 Normal, n0 DMA');
  });

  it('everything free can be had once, until nothing is left', () => {
    const k = nodes64('DMA 16 DMA32 16');
    const pages = new Set<number>();
    for (let page = take(k, GFP_ATOMIC | __GFP_NOWARN); page !== null; page = take(k, GFP_ATOMIC | __GFP_NOWARN)) {
      assert.equal(pages.has(page), false);
      pages.add(page);
    }
    assert.ok(pages.size > 5000);
    assert.deepEqual(check_machine(k), []);
    for (const page of pages) __free_pages(k, pfn(page), 0);
    assert.deepEqual(check_machine(k), []);
  });
});

describe('x86_64: addresses', () => {
  const k = nodes64('DMA 16 DMA32 48');
  const shown = (address: number): string => BigInt.asUintN(64, BigInt(address)).toString(16);

  it('X-3 X-4 X-49: the direct map begins at ffff810000000000', () => {
    assert.equal(shown(page_address(k, pfn(0))), 'ffff810000000000');
    assert.equal(shown(page_address(k, pfn(4096))), 'ffff810001000000');
    assert.equal(virt_to_phys(k, page_address(k, pfn(2 ** 34 - 1))), (2 ** 34 - 1) * PAGE_SIZE);
    assert.equal(virt_to_page(k, virt(page_address(k, pfn(77)) + 4095)), 77);
  });

  it('X-4: the image is mapped a second time from ffffffff80000000 on', () => {
    assert.equal(shown(__START_KERNEL_map), 'ffffffff80000000');
    assert.equal(virt_to_phys(k, virt(__START_KERNEL_map + 0x200000)), 0x200000);
  });

  it('X-1 X-3: user space, vmalloc space, modules, vsyscall pages', () => {
    assert.equal(task_size(k).toString(16), '7ffffffff000');
    const { start, end } = vmalloc_space(k);
    assert.deepEqual([start, end, MODULES_VADDR, MODULES_END, VSYSCALL_START, VSYSCALL_END].map(shown),
      ['ffffc20000000000', 'ffffe1ffffffffff', 'ffffffff88000000', 'fffffffffff00000', 'ffffffffff600000', 'ffffffffffe00000']);
    assert.equal((MODULES_END - MODULES_VADDR) / MiB, 1919);
  });

  it('addresses are shown unsigned', () => assert.equal(show_field('address', page_address(k, pfn(1))), '0xffff810000001000'));

  it('PA-8: buddies are found for frame numbers that have more than 32 bits', () => {
    assert.deepEqual([0, 3, 10].map((order) => __page_find_buddy(pfn(2 ** 36), order)), [2 ** 36 + 1, 2 ** 36 + 8, 2 ** 36 + 1024]);
    const high = 2 ** 35;
    const buddies = [0, 3, 10].map((order) => __page_find_buddy(pfn(high + 1024 + 8 + 1), order));
    assert.deepEqual(buddies, [high + 1024 + 8, high + 1024 + 1, high + 8 + 1]);
  });
});

describe('x86_64: the boot', () => {
  it('X-5: page tables of the direct map stand at 0x8000; X-16: what is reserved early', () => {
    const k = booted({ arch: 'x86_64', cpus: 2, memory: 256 * MiB });
    const reserves = trace_records(k).filter(({ name }) => name === 'bootmem_reserve').map(({ args }) => `${args['start']!.toString(16)}+${args['size']!.toString(16)}`);
    assert.deepEqual(reserves, ['b000+2000', '8000+3000', '200000+500000', '0+1000', '9fc00+1000', '1000+1000', '6000+1000']);
  });

  it('X-4: mem_map is taken above 16 MiB', () => {
    const k = booted({ arch: 'x86_64', cpus: 2, memory: 256 * MiB });
    const first = trace_records(k).find(({ name }) => name === 'bootmem_alloc')!;
    assert.deepEqual(first.args, { start: 16 * MiB, size: 65536 * 56 });
  });

  it('X-26: a free word of the bitmap is a block of order 6', () => {
    const k = booted({ arch: 'x86_64', cpus: 1, memory: 64 * MiB });
    const records = trace_records(k);
    const { pages, order5_blocks, single_pages } = records.find(({ name }) => name === 'bootmem_handover')!.args;
    assert.equal(order5_blocks! * 64 + single_pages!, pages);
    const orders = new Set(records.filter(({ name }) => name === 'mm_page_free').map(({ args }) => args['order']));
    assert.deepEqual([...orders].sort(), [0, 6]);
  });

  it('B-4 N-1: the scenario\'s own boot allocations come from above 16 MiB', () => {
    const found: number[] = [];
    booted({ arch: 'x86_64', memory: 64 * MiB }, (k) => found.push(alloc_bootmem(k, 100), alloc_bootmem(k, 100)));
    assert.ok(found[0]! >= 16 * MiB);
    assert.equal(found[1]! - found[0]!, 128);
  });

  it('X-27: the boot line: all frames, holes included; reserved is what is missing of the RAM', () => {
    const k = booted({ arch: 'x86_64', cpus: 2, memory: 4096 * MiB });
    const [line] = logged(k, /^Memory:/);
    const [, , all, reserved] = /^Memory: (\d+)k\/(\d+)k available \(\d+k kernel code, (\d+)k reserved, \d+k data, (\d+)k init\)$/.exec(line!)!.map(Number);
    const init = logged(k, /^Freeing unused/).map((text) => Number(/(\d+)k freed/.exec(text)![1]))[0]!;
    assert.equal(all, 4718592);
    assert.equal(reserved! / 4, k.platform.max_pfn - (k.totalram_pages - init / 4) - e820_hole_size(k, pfn(0), k.platform.max_pfn));
  });

  it('X-27: freed init memory is filled with 0xCC', () => {
    const k = booted({ arch: 'x86_64', memory: 64 * MiB });
    const init = Array.from({ length: 1280 }, (_, i) => 512 + i).filter((page) => !PageReserved(k, pfn(page)));
    assert.ok(init.length > 0);
    for (const page of init) assert.equal(read_phys(k, phys(page * PAGE_SIZE + 5)), 0xcc);
  });
});

describe('x86_64: what it shows', () => {
  const k = nodes64('DMA 16 DMA32 3568 NORMAL 64');

  it('X-44: buddyinfo and zoneinfo', () => {
    assert.deepEqual(proc_buddyinfo(k).split('\n').map((line) => line.slice(0, 22)), ['Node 0, zone      DMA ', 'Node 0, zone    DMA32 ', 'Node 0, zone   Normal ', '']);
    const protections = proc_zoneinfo(k).split('\n').filter((line) => line.includes('protection'));
    assert.equal(protections.length, 3);
    for (const line of protections) assert.match(line, /^ {8}protection: \(\d+, \d+, \d+, \d+\)$/);
    assert.doesNotMatch(proc_zoneinfo(k), /numa/);
  });

  it('X-44: meminfo', () => {
    const { MemTotal, HighTotal, HighFree, LowTotal } = meminfo(k);
    assert.deepEqual([HighTotal, HighFree, LowTotal], [0, 0, MemTotal]);
    assert.match(proc_meminfo(k), /^VmallocTotal: 34359738367 kB$/m);
  });

  it('X-45: show_mem counts frames, holes as reserved, and has no line of highmem', () => {
    const before = k.log.seq;
    show_mem(k);
    const lines = k.log.lines.slice(-(k.log.seq - before)).map(({ text }) => text);
    let reserved = 0;
    for (let page = 0; page < k.platform.max_pfn; page++) if (PageReserved(k, pfn(page))) reserved++;
    assert.deepEqual(lines.slice(-4).map((line) => line.replace(/^\d+ pages shared/, 'N pages shared')),
      [`${k.platform.max_pfn} pages of RAM`, `${reserved} reserved pages`, 'N pages shared', '0 pages swap cached']);
    assert.ok(lines.includes('HighMem per-cpu: empty') && lines.includes('HighMem: empty'));
    assert.ok(lines.some((line) => line.startsWith('HighMem free:0kB min:128kB low:128kB high:128kB') && line.includes('present:0kB')));
  });
});

describe('x86_64: machines that cannot be', () => {
  const problems = (settings: object): string[] => config_problems({ ...default_config(), arch: 'x86_64', ...settings }).map(({ message }) => message);
  const zones = (notation: string): string[] => problems({ zones: zonesOf(notation) });

  it('sizes', () => {
    assert.deepEqual(problems({ memory: 8 * MiB }), ['memory is too small: on x86_64 the kernel and its tables need 16 MiB.']);
    assert.deepEqual(problems({ memory: 16 * MiB }), []);
    assert.deepEqual(problems({ memory: 65 * 1024 * MiB }).map((text) => text.slice(0, 20)), ['memory is too large:']);
    assert.deepEqual(problems({ memory: 64 * MiB, reserve: [{ start: 4 * MiB, end: 9 * MiB }] }).length, 1);
    assert.deepEqual(booted({ arch: 'x86_64', memory: 16 * MiB }).nodes[0]!.node_present_pages, 2658);
  });

  it('zones', () => {
    assert.deepEqual(zones('DMA 16 HIGHMEM 16').map((text) => text.slice(0, 12)), ['zone HIGHMEM']);
    assert.deepEqual(zones('DMA 8 DMA32 16'), ['zone DMA is 16MiB on x86_64, whatever follows.']);
    assert.equal(zones('DMA 16 DMA32 16 NORMAL 64').length, 1);
    assert.deepEqual(zones('DMA 16 DMA32 16 | NORMAL 64'), []);
    assert.equal(zones('DMA 16 DMA32 3572').length, 1);
    assert.deepEqual(zones('DMA 16 DMA32 3568'), []);
    assert.equal(zones('DMA 16 NORMAL 64 | DMA32 16').length, 1);
    assert.equal(zones('DMA32 16').length > 0, true);
  });
});
