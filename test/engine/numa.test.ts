// Several nodes beneath the page allocator (KERNEL.md chapter 30: N-1 … N-4, N-13 … N-19, N-21, N-22, N-42, N-43, N-45; PA-24).

import assert from 'node:assert/strict';
import { GFP_ATOMIC, GFP_KERNEL, __GFP_DMA, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { NR_FILE_MAPPED, NR_FILE_PAGES, NUMA_FOREIGN, NUMA_HIT, NUMA_LOCAL, NUMA_MISS, NUMA_OTHER, populated_zone } from '../../engine/include/mmzone.ts';
import { PF_MEMALLOC } from '../../engine/include/sched.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { NO_PAGE, PAGE_SIZE, pfn, phys } from '../../engine/include/types.ts';
import type { Kernel } from '../../engine/kernel.ts';
import { config_problems, default_config } from '../../engine/config.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { write_sysctl } from '../../engine/kernel/sysctl.ts';
import { node_cpumap, node_distances, node_meminfo, node_numastat } from '../../engine/fs/proc/nodes.ts';
import { proc_buddyinfo, proc_vmstat, proc_zoneinfo, vmstat } from '../../engine/fs/proc/files.ts';
import { __alloc_bootmem_node, alloc_bootmem, free_bootmem_node } from '../../engine/mm/bootmem.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { PageReserved, page_to_nid } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { __free_pages, alloc_pages_node } from '../../engine/mm/page_alloc.ts';
import { show_mem } from '../../engine/mm/show_mem.ts';
import { pfn_to_nid, pfn_valid } from '../../engine/mm/topology.ts';
import { folded_zone_state } from '../../engine/mm/vmstat.ts';
import { zone_reclaim, zone_reclaim_allowed } from '../../engine/mm/zone_reclaim.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { MiB, booted, logged, nodes64, sizing, take, zonesOf } from './nodes-notation.ts';

const TWO_GIB = 'DMA 16 DMA32 1008 | DMA32 1024';
const SMALL = 'DMA 16 DMA32 16 | DMA32 32';

const written = (k: Kernel, name: string, value: number): string | null => run_to_end(k, write_sysctl(k, name, value));

function counters(k: Kernel, nid: number): Record<string, number> {
  const sum = (item: number): number => k.nodes[nid]!.node_zones.reduce((total, zone) => total + folded_zone_state(zone, item), 0);
  return { hit: sum(NUMA_HIT), miss: sum(NUMA_MISS), foreign: sum(NUMA_FOREIGN), local: sum(NUMA_LOCAL), other: sum(NUMA_OTHER) };
}

/** What the counters of both nodes gained while something ran. */
function gained(k: Kernel, run: () => void): string[] {
  const before = [0, 1].map((nid) => counters(k, nid));
  run();
  return [0, 1].map((nid) => Object.entries(counters(k, nid)).filter(([name, count]) => count !== before[nid]![name]).map(([name, count]) => `${name}+${count - before[nid]![name]!}`).join(' '));
}

/** Makes every watermark test of a node fail, as if it were full. */
function fill(k: Kernel, nid: number): void {
  for (const zone of k.nodes[nid]!.node_zones) zone.free_pages = 0;
}

describe('sizes over nodes', function () {
  this.timeout(30_000);

  it('N-13: 2 x 1 GiB', () => {
    const k = nodes64(TWO_GIB);
    assert.equal(sizing(k), 'total 515735, mfk 5745 | n0 DMA 2655: 7/8/10 [0,994,994,994] b0 | n0 DMA32 254520: 708/885/1062 [0,0,0,0] b31 | n1 DMA32 258560: 719/898/1078 [0,0,0,0] b31');
    assert.equal(k.totalreserve_pages, 3144);
    assert.deepEqual(k.nodes.map(({ node_present_pages }) => node_present_pages), [257175, 258560]);
    assert.deepEqual(for_each_zone(k).filter(populated_zone).map((zone) => zone.min_unmapped_ratio), [26, 2545, 2585], 'N-21');
  });

  it('N-13: 2 + 4 GiB, the second with the PCI hole', () => {
    const k = nodes64('DMA 16 DMA32 2032 | DMA32 1536 NORMAL 2560');
    assert.equal(sizing(k), 'total 1548179, mfk 9954 | n0 DMA 2651: 4/5/6 [0,2004,2004,2004] b0 | n0 DMA32 513080: 824/1030/1236 [0,0,0,0] b31'
      + ' | n1 DMA32 386048: 620/775/930 [0,0,2525,2525] b31 | n1 Normal 646400: 1038/1297/1557 [0,0,0,0] b31');
    assert.equal(k.totalreserve_pages, 8258);
    assert.deepEqual(k.nodes.map(({ node_present_pages }) => node_present_pages), [515731, 1032448]);
    assert.deepEqual(logged(k, /totalpages/), ['On node 0 totalpages: 515731', 'On node 1 totalpages: 1032448']);
  });

  it('N-14: two nodes against one of the same size', () => {
    const [two, one] = [nodes64(TWO_GIB), booted({ arch: 'x86_64', cpus: 2, memory: 2048 * MiB })];
    assert.equal(two.sysctl.min_free_kbytes, one.sysctl.min_free_kbytes);
    const dma = (k: Kernel): number => for_each_zone(k)[0]!.lowmem_reserve[1]!;
    assert.deepEqual([dma(two), dma(one)], [994, 2004]);
  });

  it('i386: each zone of each node; low memory is one', () => {
    const k = booted({ cpus: 2, zones: zonesOf('DMA 16 NORMAL 48 | NORMAL 32 HIGHMEM 16') });
    const spans = for_each_zone(k).filter(populated_zone).map((zone) => `n${zone.node} ${zone.name} ${zone.zone_start_pfn}+${zone.spanned_pages}`);
    assert.deepEqual(spans, ['n0 DMA 0+4096', 'n0 Normal 4096+12288', 'n1 Normal 16384+8192', 'n1 HighMem 24576+4096']);
    assert.equal(k.totalhigh_pages, 4096);
    assert.deepEqual(check_machine(k), []);
  });
});

describe('nodes at boot', () => {
  it('N-1: a node begins at a multiple of 8 MiB', () => {
    const k = nodes64('DMA 16 DMA32 4 | DMA32 32 | DMA32 32');
    assert.deepEqual(k.platform.nodes.map(({ start, end }) => [(start * PAGE_SIZE) / MiB, (end * PAGE_SIZE) / MiB]), [[0, 20], [24, 56], [56, 88]]);
    assert.deepEqual(logged(k, /^Bootmem/)[1], 'Bootmem setup node 1 0000000001800000-0000000003800000');
    assert.deepEqual(check_machine(k), []);
  });

  it('N-1: boot memory comes from the lowest node that has it', () => {
    const found: number[] = [];
    booted({ arch: 'x86_64', cpus: 2, zones: zonesOf(SMALL) }, (k) => found.push(...[1, 12, 12].map((size) => alloc_bootmem(k, size * MiB))));
    assert.deepEqual(found.map((address) => (address < 32 * MiB ? 0 : 1)), [0, 0, 1]);
  });

  it('B-4 N-1: what a node\'s boot allocator took back is found again', () => {
    const found: number[] = [];
    booted({ arch: 'x86_64', cpus: 2, zones: zonesOf(SMALL) }, (k) => {
      const page = (): number => __alloc_bootmem_node(k, 1, PAGE_SIZE, PAGE_SIZE, 40 * MiB);
      found.push(page(), page());
      free_bootmem_node(k, 1, phys(found[0]!), PAGE_SIZE);
      found.push(page(), page());
    });
    const start = 40 * MiB;
    assert.deepEqual(found, [start, start + PAGE_SIZE, start, start + 2 * PAGE_SIZE]);
  });

  it('N-2: a node\'s mem_map stands at its end', () => {
    const k = nodes64(SMALL);
    const share = Math.ceil((8192 * 56) / PAGE_SIZE);
    for (const { end } of k.platform.nodes) {
      for (let i = 1; i <= share; i++) assert.equal(PageReserved(k, pfn(end - i)), true);
    }
    assert.equal(PageReserved(k, pfn(k.platform.nodes[1]!.end - share - 1)), false);
  });

  it('N-2 N-45: a frame\'s node; none between two nodes', () => {
    const k = nodes64('DMA 16 DMA32 4 | DMA32 32');
    assert.deepEqual([0, 5119, 5120, 6143, 6144, 14335, 14336].map((page) => pfn_to_nid(k, pfn(page))), [0, 0, -1, -1, 1, 1, -1]);
    assert.equal(pfn_valid(k, pfn(5120)), false);
    assert.deepEqual([5119, 6144].map((page) => page_to_nid(k, pfn(page))), [0, 1]);
  });

  it('N-3: dma_reserve is node 0\'s', () => {
    const k = nodes64(SMALL);
    const [, , , , , dma32] = for_each_zone(k);
    assert.equal(dma32!.present_pages, 8192 - Math.floor((8192 * 56) / PAGE_SIZE));
  });

  it('N-4: CPUs are spread over the nodes; their lists keep nothing until they get their size', () => {
    let atBoot: number[] = [];
    const k = booted({ arch: 'x86_64', cpus: 3, zones: zonesOf('DMA 16 DMA32 112 | DMA32 128') }, (booting) => {
      const [hot] = for_each_zone(booting)[1]!.pageset[0]!.pcp;
      atBoot = [hot.high, hot.batch];
    });
    assert.deepEqual(k.platform.cpu_to_node, [0, 1, 0]);
    assert.deepEqual(atBoot, [0, 1]);
    const [hot, cold] = for_each_zone(k)[5]!.pageset[2]!.pcp;
    assert.deepEqual([hot.high, hot.batch, cold.high, cold.batch], [42, 7, 14, 3]);
  });

  it('N-45: the law finds a page of another node in a list, and flags that lie', () => {
    const k = nodes64(SMALL);
    k.mem_map.flags[9000]! ^= 1 << 24;
    assert.deepEqual(check_machine(k).filter((law) => law.startsWith('N-45')), ['N-45: page 9000 lies in node 1 DMA32, its flags say node 0 zone 1']);
  });
});

describe('allocating on nodes', () => {
  it('N-15: from the running CPU\'s node; alloc_pages_node from any', () => {
    const k = nodes64(SMALL);
    const nodeOf = (page: Pfn | null): number => page_to_nid(k, page!);
    assert.equal(nodeOf(take(k, GFP_KERNEL)), 0);
    k.cpu = 1;
    assert.equal(nodeOf(take(k, GFP_KERNEL)), 1);
    const on = (nid: number): number => page_to_nid(k, alloc_pages_node(k, nid, GFP_KERNEL, 0).next().value as Pfn);
    assert.deepEqual([on(0), on(1), on(-1)], [0, 1, 1]);
    assert.equal(alloc_pages_node(k, 0, GFP_KERNEL, 11).next().value, NO_PAGE);
  });

  it('N-18: a hit is the preferred node\'s, local the CPU\'s; once a block, whatever its order', () => {
    const k = nodes64(SMALL);
    assert.deepEqual(gained(k, () => take(k, GFP_KERNEL)), ['hit+1 local+1', '']);
    assert.deepEqual(gained(k, () => take(k, GFP_KERNEL, 3)), ['hit+1 local+1', '']);
    assert.deepEqual(gained(k, () => alloc_pages_node(k, 1, GFP_KERNEL, 0).next()), ['', 'hit+1 other+1']);
    const page = take(k, GFP_KERNEL)!;
    assert.deepEqual(gained(k, () => __free_pages(k, page, 0)), ['', ''], 'frees count nothing');
    k.cpu = 1;
    assert.deepEqual(gained(k, () => take(k, GFP_KERNEL | __GFP_DMA)), ['hit+1 other+1', ''], 'the list of a DMA request begins with node 0');
  });

  it('N-19: the own node full: miss and other there, foreign here', () => {
    const k = nodes64(SMALL);
    fill(k, 0);
    assert.deepEqual(gained(k, () => take(k, GFP_KERNEL)), ['foreign+1', 'miss+1 other+1']);
  });

  it('N-16: kswapd is woken only when every node is low', () => {
    const k = nodes64(SMALL);
    const wakeups = (): number => k.trace.counts[TP.mm_vmscan_wakeup_kswapd]!;
    const before = wakeups();
    fill(k, 0);
    take(k, GFP_KERNEL);
    assert.equal(wakeups(), before);
    fill(k, 1);
    take(k, GFP_ATOMIC | __GFP_NOWARN);
    assert.equal(wakeups(), before + 3);
  });

  it('PA-15 N-45: a remote page goes into its own zone\'s list of this CPU', () => {
    const k = nodes64('DMA 16 DMA32 112 | DMA32 128');
    const page = alloc_pages_node(k, 1, GFP_KERNEL, 0).next().value as Pfn;
    const { pcp } = for_each_zone(k)[5]!.pageset[0]!;
    const count = pcp[0].count;
    __free_pages(k, page, 0);
    assert.equal(pcp[0].count, count + 1);
    assert.deepEqual(check_machine(k), []);
  });
});

describe('zone_reclaim', () => {
  const ready = (): Kernel => {
    const k = nodes64(SMALL, { distances: [{ from: 0, to: 1, value: 30 }] });
    const zone = for_each_zone(k)[1]!;
    zone.vm_stat[NR_FILE_PAGES] = zone.min_unmapped_ratio + 11;
    zone.vm_stat[NR_FILE_MAPPED] = 10;
    return k;
  };
  const allowed = (change: (k: Kernel) => void = () => undefined, gfp = GFP_KERNEL): boolean => {
    const k = ready();
    change(k);
    return zone_reclaim_allowed(k, for_each_zone(k)[1]!, gfp);
  };

  it('N-22: where it is worth it and permitted', () => {
    assert.equal(allowed(), true);
    assert.equal(allowed((k) => for_each_zone(k)[1]!.vm_stat[NR_FILE_MAPPED]!++), false, 'too little unmapped page cache');
    assert.equal(allowed(undefined, GFP_ATOMIC), false, 'may not wait');
    assert.equal(allowed((k) => (for_each_zone(k)[1]!.all_unreclaimable = 1)), false);
    assert.equal(allowed((k) => (for_each_zone(k)[1]!.reclaim_in_progress = 1)), false);
    assert.equal(allowed((k) => (k.tasks[0]!.flags |= PF_MEMALLOC)), false);
    assert.equal(allowed((k) => (k.cpu = 1)), false, 'a remote node with processors');
    assert.equal(allowed((k) => {
      k.cpu = 1;
      k.platform.cpu_to_node = [1, 1];
    }), true, 'a remote node without');
  });

  it('N-23: the work is a gap that the log names; PA-24: the next zone is tried', () => {
    const k = ready();
    fill(k, 0);
    assert.equal(page_to_nid(k, take(k, GFP_KERNEL)!), 1);
    assert.deepEqual(logged(k, /zone_reclaim/), ['pagewalk: zone_reclaim is not modelled yet: node 0 DMA32 is passed over where Linux would reclaim 1 pages']);
    k.sysctl.zone_reclaim_mode = 0;
    take(k, GFP_KERNEL);
    assert.equal(logged(k, /zone_reclaim/).length, 1);
    assert.equal(zone_reclaim(k, for_each_zone(k)[1]!, GFP_KERNEL, 0), false);
  });

  it('N-21 N-44: the sysctls, where there are several nodes', () => {
    const k = nodes64(TWO_GIB);
    assert.equal(written(k, 'vm.min_unmapped_ratio', 5), null);
    assert.deepEqual(for_each_zone(k).filter(populated_zone).map((zone) => zone.min_unmapped_ratio), [132, 12726, 12928]);
    assert.equal(written(k, 'vm.zone_reclaim_mode', 3), null);
    assert.equal(k.sysctl.zone_reclaim_mode, 3);
    assert.match(written(k, 'vm.min_unmapped_ratio', 101)!, /0 to 100/);
    assert.match(written(booted({}), 'vm.zone_reclaim_mode', 1)!, /several nodes/);
    assert.equal(config_problems({ ...default_config(), sysctl: [['vm.zone_reclaim_mode', 1]] }).length, 1);
  });
});

describe('what nodes show', () => {
  it('N-42: buddyinfo and zoneinfo, nodes ascending', () => {
    const k = nodes64(SMALL);
    assert.deepEqual(proc_buddyinfo(k).split('\n').map((line) => line.slice(0, 22)), ['Node 0, zone      DMA ', 'Node 0, zone    DMA32 ', 'Node 1, zone    DMA32 ', '']);
    const lines = proc_zoneinfo(k).split('\n');
    const at = lines.findIndex((line) => line.startsWith('    nr_bounce'));
    const names = lines.slice(at + 1, at + 8).map((line) => line.replace(/\d+(?=$|,|\))/g, 'N'));
    assert.deepEqual(names, ['    numa_hit     N', '    numa_miss    N', '    numa_foreign N', '    numa_interleave N', '    numa_local   N', '    numa_other   N', '        protection: (N, N, N, N)']);
  });

  it('N-42: fifteen counters before pgpgin in vmstat; on one node nine', () => {
    const before = (k: Kernel): number => proc_vmstat(k).split('\n').findIndex((line) => line.startsWith('pgpgin'));
    assert.deepEqual([before(nodes64(SMALL)), before(booted({}))], [15, 9]);
  });

  it('N-42: show_free_areas names the node', () => {
    const k = nodes64(SMALL);
    show_mem(k);
    const lines = logged(k, /per-cpu|free:\d+kB min|\*4kB|: empty/);
    assert.ok(lines.length > 8);
    for (const line of lines) assert.match(line, /^Node [01] (DMA|DMA32|Normal|HighMem)/);
  });

  it('N-43 N-46: numastat; the sum over the nodes is vmstat\'s', () => {
    const k = nodes64(SMALL);
    take(k, GFP_KERNEL);
    const texts = [0, 1].map((nid) => node_numastat(k, nid));
    assert.match(texts[0]!, /^numa_hit \d+\nnuma_miss \d+\nnuma_foreign \d+\ninterleave_hit \d+\nlocal_node \d+\nother_node \d+\n$/);
    const values = texts.map((text) => text.split('\n').slice(0, 6).map((line) => Number(line.split(' ')[1])));
    const totals = vmstat(k);
    const names = ['numa_hit', 'numa_miss', 'numa_foreign', 'numa_interleave', 'numa_local', 'numa_other'];
    assert.deepEqual(names.map((name) => totals[name]), values[0]!.map((value, i) => value + values[1]![i]!));
  });

  it('N-43: distance and cpumap', () => {
    const k = nodes64('DMA 16 DMA32 16 | DMA32 32 | DMA32 32', { cpus: 34, distances: [{ from: 0, to: 2, value: 40 }] });
    assert.deepEqual([0, 1, 2].map((nid) => node_distances(k, nid)), ['10 20 40\n', '20 10 20\n', '40 20 10\n']);
    assert.equal(node_cpumap(k, 0), '00000002,49249249\n');
    assert.equal(node_cpumap(nodes64(SMALL), 1), '00000002\n');
  });

  it('N-43: meminfo', () => {
    const k = booted({ cpus: 2, zones: zonesOf('DMA 16 NORMAL 48 | NORMAL 32 HIGHMEM 16') });
    const [normal, high] = [for_each_zone(k)[6]!, for_each_zone(k)[7]!];
    const kb = (n: number): string => String(n).padStart(8);
    const free = 4 * (normal.free_pages + high.free_pages);
    const zero = ['Dirty', 'Writeback', 'FilePages', 'Mapped', 'AnonPages', 'PageTables', 'NFS_Unstable', 'Bounce'].map((name) => `Node 1 ${`${name}:`.padEnd(14)}${kb(0)} kB`);
    assert.deepEqual(node_meminfo(k, 1).split('\n').slice(0, -2), [
      '', `Node 1 MemTotal:     ${kb(48 * 1024)} kB`, `Node 1 MemFree:      ${kb(free)} kB`, `Node 1 MemUsed:      ${kb(48 * 1024 - free)} kB`,
      `Node 1 Active:       ${kb(0)} kB`, `Node 1 Inactive:     ${kb(0)} kB`, `Node 1 HighTotal:    ${kb(16 * 1024)} kB`, `Node 1 HighFree:     ${kb(4 * high.free_pages)} kB`,
      `Node 1 LowTotal:     ${kb(32 * 1024)} kB`, `Node 1 LowFree:      ${kb(4 * normal.free_pages)} kB`, ...zero,
    ]);
    assert.match(node_meminfo(k, 1), /\nNode 1 Slab: {9}.{8} kB\n$/);
  });
});

describe('nodes that cannot be', () => {
  const problems = (notation: string, settings: object = {}): string[] => {
    const config = { ...default_config(), zones: zonesOf(notation), ...settings };
    return config_problems(config).map(({ message }) => message);
  };

  it('memory ascends with the nodes', () => {
    assert.deepEqual(problems('DMA 16 NORMAL 16 | NORMAL 16'), []);
    assert.deepEqual(problems('NORMAL 16 | DMA 16').length > 0, true);
    assert.deepEqual(problems('DMA 16 HIGHMEM 16 | NORMAL 16'), ['zone NORMAL of node 1 lies above a HIGHMEM zone: memory ascends with the nodes.']);
    assert.deepEqual(problems('DMA 16 NORMAL 872 | NORMAL 8'), []);
    assert.deepEqual(problems('DMA 16 NORMAL 868 | NORMAL 12').length, 1);
  });

  it('numbers and distances', () => {
    assert.deepEqual(problems('', { zones: [{ node: 0, name: 'DMA', bytes: 16 * MiB }, { node: 2, name: 'NORMAL', bytes: 16 * MiB }] }), ['Nodes are numbered from 0 without a gap.']);
    assert.deepEqual(problems('DMA 16 | NORMAL 16', { distances: [{ from: 0, to: 2, value: 20 }] }), ['distance names node 2, which the machine does not have.']);
  });
});
