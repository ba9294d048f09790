// /proc files and the Mem-info report, whole (KERNEL.md PR-1 … PR-4, PA-27).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import { proc_buddyinfo, proc_meminfo, proc_vmstat, proc_zoneinfo } from '../../engine/fs/proc/files.ts';
import { NR_FILE_PAGES, NR_SLAB } from '../../engine/include/mmzone.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { pfn } from '../../engine/include/types.ts';
import { __free_pages } from '../../engine/mm/page_alloc.ts';
import { show_mem } from '../../engine/mm/show_mem.ts';
import { request, zoneNamed } from '../oracle/engine-door.ts';
import { machineIn } from './notation.ts';

function machine(): Kernel {
  const k = machineIn('DMA o0: 5 | o10: 1024 2048 ; Normal o3: 4104 | o9: 5120 | hot: 4200 4201');
  k.totalram_pages = 15799;
  const normal = zoneNamed(k, 'Normal');
  Object.assign(normal, { nr_active: 31, nr_inactive: 7, pages_scanned: 12, nr_scan_active: 3, nr_scan_inactive: 4 });
  normal.vm_stat[NR_SLAB] = 379;
  normal.vm_stat[NR_FILE_PAGES] = 3;
  return k;
}

/** A literal block of text: the first line and the margin are dropped. */
function text(block: string): string {
  return block.replace(/^\n/, '').replace(/^ {6}\|/gm, '').replace(/ *$/, '');
}

describe('/proc', () => {
  it('PR-1: buddyinfo', () => {
    assert.equal(proc_buddyinfo(machine()), text(`
      |Node 0, zone      DMA      1      0      0      0      0      0      0      0      0      0      2${' '}
      |Node 0, zone   Normal      0      0      0      1      0      0      0      0      0      1      0${' '}
      `));
  });

  it('PR-2: zoneinfo', () => {
    const counters = (values: Record<string, number>): string => ['nr_anon_pages', 'nr_mapped   ', 'nr_file_pages', 'nr_slab     ', 'nr_page_table_pages', 'nr_dirty    ',
      'nr_writeback', 'nr_unstable ', 'nr_bounce   '].map((name) => `    ${name} ${values[name.trim()] ?? 0}`).join('\n');
    assert.equal(proc_zoneinfo(machine()), text(`
      |Node 0, zone      DMA
      |  pages free     2049
      |        min      64
      |        low      80
      |        high     96
      |        active   0
      |        inactive 0
      |        scanned  0 (a: 0 i: 0)
      |        spanned  4096
      |        present  4096
      |${counters({})}
      |        protection: (0, 0, 48, 48)
      |  pagesets
      |  all_unreclaimable: 0
      |  prev_priority:     12
      |  temp_priority:     12
      |  start_pfn:         0
      |Node 0, zone   Normal
      |  pages free     520
      |        min      192
      |        low      240
      |        high     288
      |        active   31
      |        inactive 7
      |        scanned  12 (a: 3 i: 4)
      |        spanned  12288
      |        present  12288
      |${counters({ nr_slab: 379, nr_file_pages: 3 })}
      |        protection: (0, 0, 0, 0)
      |  pagesets
      |    cpu: 0 pcp: 0
      |              count: 2
      |              high:  18
      |              batch: 3
      |    cpu: 0 pcp: 1
      |              count: 0
      |              high:  6
      |              batch: 1
      |  all_unreclaimable: 0
      |  prev_priority:     12
      |  temp_priority:     12
      |  start_pfn:         4096
      `));
  });

  it('PR-3: meminfo', () => {
    assert.equal(proc_meminfo(machine()), text(`
      |MemTotal:        63196 kB
      |MemFree:         10276 kB
      |Buffers:             0 kB
      |Cached:             12 kB
      |SwapCached:          0 kB
      |Active:            124 kB
      |Inactive:           28 kB
      |HighTotal:           0 kB
      |HighFree:            0 kB
      |LowTotal:        63196 kB
      |LowFree:         10276 kB
      |SwapTotal:           0 kB
      |SwapFree:            0 kB
      |Dirty:               0 kB
      |Writeback:           0 kB
      |AnonPages:           0 kB
      |Mapped:              0 kB
      |Slab:             1516 kB
      |PageTables:          0 kB
      |NFS_Unstable:        0 kB
      |Bounce:              0 kB
      |CommitLimit:     31596 kB
      |Committed_AS:        0 kB
      |VmallocTotal:   966648 kB
      |VmallocUsed:         0 kB
      |VmallocChunk:   966648 kB
      `));
  });

  it('PR-4 CT-3 PA-14 PA-15: vmstat, and what an allocation and a free count', () => {
    const k = machine();
    const page = request(k, GFP_KERNEL, 0)!;
    const block = request(k, GFP_KERNEL, 3)!;
    __free_pages(k, pfn(page), 0);
    __free_pages(k, pfn(block), 3);
    const rows = proc_vmstat(k).trimEnd().split('\n');
    const names = 'nr_anon_pages nr_mapped nr_file_pages nr_slab nr_page_table_pages nr_dirty nr_writeback nr_unstable nr_bounce pgpgin pgpgout pswpin pswpout pgalloc_dma pgalloc_dma32 pgalloc_normal pgalloc_high pgfree pgactivate pgdeactivate pgfault pgmajfault pgrefill_dma pgrefill_dma32 pgrefill_normal pgrefill_high pgsteal_dma pgsteal_dma32 pgsteal_normal pgsteal_high pgscan_kswapd_dma pgscan_kswapd_dma32 pgscan_kswapd_normal pgscan_kswapd_high pgscan_direct_dma pgscan_direct_dma32 pgscan_direct_normal pgscan_direct_high pginodesteal slabs_scanned kswapd_steal kswapd_inodesteal pageoutrun allocstall pgrotated';
    assert.deepEqual(rows.map((row) => row.split(' ')[0]), names.split(' '));
    assert.deepEqual(rows.filter((row) => !row.endsWith(' 0')), ['nr_file_pages 3', 'nr_slab 379', 'pgalloc_normal 9', 'pgfree 9']);
  });
});

describe('show_mem', () => {
  it('PA-27: the whole report', () => {
    const k = machine();
    const before = k.log.lines.length;
    show_mem(k);
    assert.equal(`${k.log.lines.slice(before).map((line) => line.text).join('\n')}\n`, text(`
      |Mem-info:
      |DMA per-cpu:
      |cpu 0 hot: high 0, batch 1 used:0
      |cpu 0 cold: high 0, batch 1 used:0
      |DMA32 per-cpu: empty
      |Normal per-cpu:
      |cpu 0 hot: high 18, batch 3 used:2
      |cpu 0 cold: high 6, batch 1 used:0
      |HighMem per-cpu: empty
      |Free pages:       10276kB (0kB HighMem)
      |Active:31 inactive:7 dirty:0 writeback:0 unstable:0 free:2569 slab:379 mapped:0 pagetables:0
      |DMA free:8196kB min:256kB low:320kB high:384kB active:0kB inactive:0kB present:16384kB pages_scanned:0 all_unreclaimable? no
      |lowmem_reserve[]: 0 0 48 48
      |DMA32 free:0kB min:0kB low:0kB high:0kB active:0kB inactive:0kB present:0kB pages_scanned:0 all_unreclaimable? no
      |lowmem_reserve[]: 0 0 48 48
      |Normal free:2080kB min:768kB low:960kB high:1152kB active:124kB inactive:28kB present:49152kB pages_scanned:12 all_unreclaimable? no
      |lowmem_reserve[]: 0 0 0 0
      |HighMem free:0kB min:128kB low:128kB high:128kB active:0kB inactive:0kB present:0kB pages_scanned:0 all_unreclaimable? no
      |lowmem_reserve[]: 0 0 0 0
      |DMA: 1*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 2*4096kB = 8196kB
      |DMA32: empty
      |Normal: 0*4kB 0*8kB 0*16kB 1*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 1*2048kB 0*4096kB = 2080kB
      |HighMem: empty
      |Swap cache: add 0, delete 0, find 0/0, race 0+0
      |Free swap  = 0kB
      |Total swap = 0kB
      |Free swap:            0kB
      |16384 pages of RAM
      |0 pages of HIGHMEM
      |0 reserved pages
      |0 pages shared
      |0 pages swap cached
      |0 pages dirty
      |0 pages writeback
      |0 pages mapped
      |379 pages slab
      |0 pages pagetables
      `));
  });
});
