// Page tables: what is made, what an unmapping takes away and when, which tables go with it (KERNEL.md F-12, F-13, MM-10, MM-20, T-2, T-4, X-7 …
// IV-12).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { mm_struct } from '../../engine/include/mm_types.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, PROT_NONE } from '../../engine/include/mman.ts';
import { VM_READ, VM_SHARED, VM_WRITE } from '../../engine/include/mm_types.ts';
import { NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { PG_active, PG_dirty, PG_referenced } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, pfn, phys, virt } from '../../engine/include/types.ts';
import { entry_of, read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { pte_offset_map, walk_page_table } from '../../engine/arch/pgalloc.ts';
import { _PAGE_NX, hardware_pte, mk_pte, pte_modify, pte_page, pte_to_swp_entry, swp_entry_to_pte, vm_get_page_prot } from '../../engine/arch/pte.ts';
import { read_phys } from '../../engine/mm/contents.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { page_count, page_mapcount, test_page_flag } from '../../engine/mm/mem_map.ts';
import { unmap_mapping_range, vmtruncate } from '../../engine/mm/memory_zap.ts';
import { file_of, inode_of } from '../../engine/mm/mm_struct.ts';
import { sys_munmap } from '../../engine/mm/mmap.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { FREE_PTE_NR } from '../../engine/mm/tlb_gather.ts';
import { load_user, store_user, touch_user } from '../../engine/mm/user_memory.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { resize_ring, set_tracing } from '../../engine/trace/events.ts';
import { bootedMachine } from '../oracle/engine-door.ts';
import { ANON, RW, eventsOf, fileOfSize, frameAt, inProcess, mapPages, mmOf, pageAt, pteAt, tablesOf } from './processes.ts';
import { MiB, ramOf } from './notation.ts';

const GiB = 1 << 30;

/** Tables of an address space below the top one, by level from the lowest: what walks over some addresses pass. */
function tableFrames(k: Kernel, mm: mm_struct, addresses: readonly number[]): number[] {
  const levels: Set<Pfn>[] = [];
  for (const address of addresses) {
    const steps = walk_page_table(k, mm.pgd, virt(address));
    for (const [i, step] of steps.slice(1).entries()) (levels[(k.platform.arch === 'i386' ? 0 : 2) - i] ??= new Set()).add(step.table);
  }
  return levels.map((frames) => frames.size);
}

describe('entries', () => {
  const kernels = { i386: bootedMachine(ramOf(64)), x86_64: bootedMachine(ramOf(64), { arch: 'x86_64' }) };

  it('T-2 X-9 X-10: whatever is written is read back, NX in bit 63 of the hardware\'s word', () => {
    fc.assert(fc.property(
      fc.constantFrom('i386' as const, 'x86_64' as const), fc.nat(511), fc.tuple(fc.nat(2 ** 20 - 1), fc.nat(2 ** 20 - 1)), fc.nat(0xfff), fc.boolean(),
      (arch, slot, [low, high], flags, nx) => {
        const k = kernels[arch];
        const frame = arch === 'i386' ? low : low + high * 2 ** 20;
        const pte = mk_pte(pfn(frame), flags) + (nx && arch === 'x86_64' ? _PAGE_NX : 0);
        const at = phys(0x900000 + slot * 8);
        write_pte(k, at, pte);
        let word = 0n;
        for (let i = 7; i >= 0; i--) word = word * 256n + BigInt(read_phys(k, phys(at + i)));
        assert.deepEqual([read_pte(k, at), pte_page(read_pte(k, at)), word], [pte, frame, hardware_pte(pte)]);
        write_pte(k, at, 0);
        assert.equal(read_pte(k, at), 0);
      },
    ));
  });

  it('T-2: a swap entry says type and offset, and looks neither present nor nonlinear', () => {
    assert.equal(swp_entry_to_pte({ type: 3, offset: 0x1234 }), 0x123406);
    fc.assert(fc.property(fc.nat(31), fc.nat(2 ** 24 - 1), (type, offset) => {
      assert.deepEqual(pte_to_swp_entry(swp_entry_to_pte({ type, offset })), { type, offset });
    }));
  });

  it('M-1 X-6: the index of each level is cut from the address, from kernel addresses too', () => {
    const index = (arch: 'i386' | 'x86_64', shift: number, address: number): number => entry_of(kernels[arch], phys(0), shift, virt(address)) / (arch === 'i386' ? 4 : 8);
    assert.deepEqual([index('i386', 22, 0xc0000000), index('i386', 12, 0xbffff123), index('i386', 22, 0xffffffff)], [768, 1023, 1023]);
    assert.deepEqual([39, 30, 21, 12].map((shift) => index('x86_64', shift, 0x7fffffffe123)), [255, 511, 511, 510]);
    assert.deepEqual([39, 30, 21, 12].map((shift) => index('x86_64', shift, -0x7f0000000000)), [258, 0, 0, 0]);
    assert.deepEqual([39, 30, 21, 12].map((shift) => index('x86_64', shift, -0x80000000)), [511, 510, 0, 0]);
  });

  it('T-4 X-11: protection of new pages, and what pte_modify keeps', () => {
    const prot = (arch: 'i386' | 'x86_64', flags: number): string => hardware_pte(vm_get_page_prot(arch, flags)).toString(16);
    assert.deepEqual([0, VM_READ, VM_READ | VM_WRITE, VM_READ | VM_WRITE | VM_SHARED].map((flags) => prot('i386', flags)), ['a0', '25', '25', '27']);
    assert.deepEqual([VM_READ, VM_READ | 4].map((flags) => prot('x86_64', flags)), ['8000000000000025', '25']);
    assert.equal(pte_modify(0x1234067, 0xa0), 0x12340e0);
    assert.equal(pte_modify(0x12340e0, 0x25), 0x1234065);
  });
});

describe('tables', () => {
  it('X-8: the worked example: 3 PUD, 3 PMD and 4 PTE pages, of which 4 count; on i386 3', () => {
    const spots = { i386: [0x08048000, 0x08049000, 0x40000000, 0xbfffe000], x86_64: [0x400000, 0x600000, 0x2aaaaaaab000, 0x7ffffffeb000] };
    for (const arch of ['i386', 'x86_64'] as const) {
      inProcess(function* (k, task) {
        const mm = mmOf(k, task);
        for (const addr of spots[arch].slice(1, 3)) yield* mapPages(k, 1, { flags: ANON | MAP_FIXED, addr });
        for (const at of spots[arch]) yield* touch_user(k, virt(at), 0);
        assert.deepEqual([tableFrames(k, mm, spots[arch]), mm.nr_ptes, global_page_state(k, NR_PAGETABLE)], arch === 'i386' ? [[3], 3, 3] : [[4, 3, 3], 4, 4]);
      }, { arch });
    }
  });

  interface FreeTest {
    arch?: 'i386' | 'x86_64';
    /** Ranges `address+pages` (hex, decimal) that are mapped, and touched on their first and last page. */
    maps: string;
    /** The range that is unmapped. */
    unmap: string;
    /** Tables of each level from the lowest before and after, those of text and stack left out, and nr_ptes after. */
    tables: string;
  }

  function* rangeOf(k: Kernel, text: string, use: 'map' | 'unmap'): Generator<Wait, VirtAddr[], void> {
    const [start, pages] = [parseInt(text.split('+')[0]!, 16), Number(text.split('+')[1])];
    if (use === 'unmap') yield* sys_munmap(k, start, pages * PAGE_SIZE);
    else {
      yield* mapPages(k, pages, { flags: ANON | MAP_FIXED | MAP_NORESERVE, addr: start });
      for (const page of [0, pages - 1]) yield* touch_user(k, pageAt(virt(start), page), 1);
    }
    return [virt(start), pageAt(virt(start), pages - 1)];
  }

  function frees(name: string, test: FreeTest): void {
    it(name, () => {
      inProcess(function* (k, task) {
        const mm = mmOf(k, task);
        const touched: VirtAddr[] = [];
        for (const range of test.maps.split(' ')) {
          const ends = yield* rangeOf(k, range, 'map');
          touched.push(...ends);
        }
        const before = tableFrames(k, mm, touched).join('/');
        yield* rangeOf(k, test.unmap, 'unmap');
        assert.equal(`${before} → ${tableFrames(k, mm, touched).join('/')}, ${mm.nr_ptes}`, test.tables);
      }, { arch: test.arch ?? 'i386' });
    });
  }

  frees('MM-10: a table goes when nobody else needs its 4 MiB', { maps: '40000000+4 40400000+4', unmap: '40000000+4', tables: '2 → 1, 1' });
  frees('MM-10: it stays while a neighbour has part of them', { maps: '40000000+4 40004000+4', unmap: '40000000+4', tables: '1 → 1, 1' });
  frees('MM-10: … also where the neighbour lies in front', { maps: '403f0000+4 403fc000+4', unmap: '403fc000+4', tables: '1 → 1, 1' });
  frees('MM-10: the tables in the middle of what goes are freed, those at its rims are not', {
    maps: '40000000+1024 40400000+1024 40800000+1024', unmap: '40200000+2048', tables: '3 → 2, 2',
  });
  frees('MM-10: an unmapping over several areas and holes takes all their tables', {
    maps: '40000000+4 40800000+4 41c00000+4', unmap: '40000000+20000', tables: '3 → , 0',
  });
  frees('X-8: x86_64: tables between go when all they serve is gone', {
    arch: 'x86_64', maps: '10000000000+4 10000200000+4', unmap: '10000000000+1024', tables: '2/1/1 → , 0',
  });
  frees('X-8: … and stay for a neighbour in the same 1 GiB, or in the same 512 GiB', {
    arch: 'x86_64', maps: '10000000000+4 10000200000+4 10040000000+4', unmap: '10000000000+4', tables: '3/2/1 → 2/2/1, 2',
  });
  frees('X-8: … the PMD page of the upper 1 GiB goes, the PUD page stays', {
    arch: 'x86_64', maps: '10000000000+4 10000200000+4 10040000000+4', unmap: '10040000000+4', tables: '3/2/1 → 2/1/1, 2',
  });

  it('IV-12 MM-20: whatever is mapped, touched and unmapped, tables and their count agree, and in the end all are gone', () => {
    fc.assert(fc.property(
      fc.constantFrom('i386' as const, 'x86_64' as const),
      fc.array(fc.record({ slot: fc.nat(40), pages: fc.integer({ min: 1, max: 1500 }), op: fc.constantFrom('map', 'unmap') }), { maxLength: 14 }),
      (arch, steps) => {
        const { k } = inProcess(function* (kernel) {
          for (const { slot, pages, op } of steps) {
            const start = 0x20000000 + slot * (arch === 'i386' ? 3 * MiB : 300 * MiB);
            yield* rangeOf(kernel, `${start.toString(16)}+${pages}`, op as 'map' | 'unmap');
          }
        }, { arch, memory: 32 * MiB });
        assert.equal(global_page_state(k, NR_PAGETABLE), 0);
      },
    ), { numRuns: 40 });
  });

  it('F-12: an unmapping of terabytes that nobody touched takes no longer than one of a page', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, (8192 * GiB) / PAGE_SIZE, { flags: ANON | MAP_NORESERVE });
      yield* touch_user(k, virt(base + 5000 * GiB), 1);
      const began = k.now;
      yield* sys_munmap(k, base, 8192 * GiB);
      assert.ok(k.now - began < 10_000, `it took ${k.now - began} ns`);
    }, { arch: 'x86_64' });
  });
});

describe('unmapping', () => {
  const freed = { mm_page_free: ['pfn'], mm_page_free_batched: ['pfn'], pte_clear: ['address'], tlb_flush: [] };

  it('F-12 X-42: with one CPU every page is freed as its entry is emptied, and the TLB is flushed once', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 20);
      for (let page = 0; page < 20; page++) yield* touch_user(k, pageAt(base, page), 1);
      const events = yield* recorded(k, sys_munmap(k, base, 20 * PAGE_SIZE));
      // The last six pages leave their pagevec with lru_add_drain, before anything is unmapped; then a page is freed after each entry.
      assert.equal(events.map(short).join(''), `${'cf'.repeat(20)}ft`);
    });
  });

  it('F-12 X-42: with several CPUs pages wait for the flush, up to 506 of them', () => {
    inProcess(function* (k) {
      const pages = FREE_PTE_NR + 100;
      const base = yield* mapPages(k, pages);
      for (let page = 0; page < pages; page++) yield* touch_user(k, pageAt(base, page), 1);
      const events = yield* recorded(k, sys_munmap(k, base, pages * PAGE_SIZE));
      // Each page that is freed of a batch passes two tracepoints; the last one of the second batch is the table.
      const batch = (n: number): string => `${'c'.repeat(n)}t${'bf'.repeat(n)}`;
      assert.equal(events.map(short).join(''), `${batch(FREE_PTE_NR)}${'c'.repeat(100)}t${'bf'.repeat(101)}`);
    }, { cpus: 2 });
  });

  it('F-12: after every 1024 pages others may run, and the TLB has been flushed', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 2500);
      for (let page = 0; page < 2500; page++) yield* touch_user(k, pageAt(base, page), 1);
      const events = yield* recorded(k, sys_munmap(k, base, 2500 * PAGE_SIZE));
      const flushes = events.map((event, i) => (event.startsWith('tlb_flush') ? events.slice(0, i).filter((one) => one.startsWith('pte_clear')).length : -1));
      assert.deepEqual(flushes.filter((count) => count >= 0), [1024, 2048, 2500]);
    });
  });

  function* recorded(k: Kernel, work: Generator<Wait, unknown, void>): Generator<Wait, string[], void> {
    const seq = k.trace.ring.seq;
    resize_ring(k, 1 << 15);
    set_tracing(k, 1);
    yield* work;
    set_tracing(k, 0);
    return eventsOf(k, seq, freed);
  }

  /** c: an entry was emptied, f: a page freed, b: … of a batch, t: the TLBs flushed. */
  function short(event: string): string {
    return event.startsWith('pte_clear') ? 'c' : event.startsWith('mm_page_free_batched') ? 'b' : event.startsWith('mm_page_free') ? 'f' : 't';
  }

  it('F-12 L-5: an entry hands on to a page of a file that it was used, and that it was written', () => {
    inProcess(function* (k, task) {
      const file = fileOfSize(k, '/data', 4 * PAGE_SIZE);
      const base = yield* mapPages(k, 4, { flags: MAP_SHARED, file });
      yield* touch_user(k, base, 1);
      yield* touch_user(k, pageAt(base, 1), 0);
      const mm = mmOf(k, task);
      const pages = [0, 1].map((page) => frameAt(k, mm, pageAt(base, page)));
      const marks = (): string[] => pages.map((page) => [PG_dirty, PG_referenced, PG_active].map((bit) => (test_page_flag(k, page, bit) ? 1 : 0)).join(''));
      const before = marks();
      yield* sys_munmap(k, base, 4 * PAGE_SIZE);
      assert.deepEqual([before, marks()], [['010', '010'], ['101', '001']]);
      assert.deepEqual([pages.map((page) => page_count(k, page)), mm.file_rss], [[1, 1], 0]);
    });
  });

  it('MM-18: DONTNEED loses what is anonymous; a private copy of a file\'s page becomes the file\'s again', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 3);
      for (const page of [0, 1, 2]) yield* store_user(k, pageAt(base, page), 9);
      yield* sys_madvise(k, pageAt(base, 1), PAGE_SIZE, MADV_DONTNEED);
      assert.equal(tablesOf(k, mm, base, 3, new Map()), '0=a:RWAD 2=b:RWAD');
      const bytes: number[] = [];
      for (const page of [0, 1, 2]) bytes.push(yield* load_user(k, pageAt(base, page)));
      assert.deepEqual([bytes, mm.anon_rss, mm.file_rss], [[9, 0, 9], 2, 1]);
    });
  });

  it('T-2: an entry of a page without access is unmapped as any other', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 2);
      yield* touch_user(k, base, 1);
      yield* sys_mprotect(k, base, 2 * PAGE_SIZE, PROT_NONE);
      assert.equal(tablesOf(k, mm, base, 2, new Map()), '0=a:NAD');
      yield* sys_munmap(k, base, 2 * PAGE_SIZE);
      assert.deepEqual([mm.anon_rss, pteAt(k, mm, base)], [0, 0]);
    });
  });
});

describe('truncation', () => {
  it('F-13: everything past the end leaves every mapping, private copies too; what is left of the last page is zeroes', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const file = fileOfSize(k, '/data', 6 * PAGE_SIZE);
      const inode = inode_of(k, file_of(k, file).f_inode);
      const priv = yield* mapPages(k, 6, { flags: MAP_PRIVATE, file });
      const shared = yield* mapPages(k, 6, { flags: MAP_SHARED, file });
      for (const page of [0, 2, 3, 5]) yield* touch_user(k, pageAt(priv, page), page === 5 ? 0 : 1);
      for (const page of [1, 2, 4]) yield* touch_user(k, pageAt(shared, page), 0);
      const names = new Map<Pfn, string>();
      const both = (): string => `${tablesOf(k, mm, priv, 6, names)} | ${tablesOf(k, mm, shared, 6, names)}`;
      const before = both();
      yield* vmtruncate(k, inode, 2 * PAGE_SIZE + 100);
      assert.deepEqual([before, both(), inode.nrpages], [
        '0=a:RWAD 2=b:RWAD 3=c:RWAD 5=f5:RA | 1=f1:RWA 2=f2:RWA 4=f4:RWA', '0=a:RWAD 2=b:RWAD | 1=f1:RWA 2=f2:RWA', 3,
      ]);
      const bytes: number[] = [];
      for (const at of [99, 100, 4095]) bytes.push(yield* load_user(k, virt(shared + 2 * PAGE_SIZE + at)));
      assert.deepEqual(bytes.map((byte) => byte === 0), [false, true, true]);
    });
  });

  it('F-13: only the file\'s own pages go where copies are to be spared, and only those of the range', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const file = fileOfSize(k, '/data', 6 * PAGE_SIZE);
      const base = yield* mapPages(k, 6, { flags: MAP_PRIVATE, file });
      for (const page of [0, 1, 2, 3, 4]) yield* touch_user(k, pageAt(base, page), page % 2 === 1 ? 1 : 0);
      const inode = inode_of(k, file_of(k, file).f_inode);
      yield* unmap_mapping_range(k, inode, PAGE_SIZE, 3 * PAGE_SIZE - 10, 0);
      assert.equal(tablesOf(k, mm, base, 6, new Map()), '0=f0:RA 1=a:RWAD 3=b:RWAD 4=f4:RA');
      yield* unmap_mapping_range(k, inode, PAGE_SIZE, PAGE_SIZE);
      assert.equal(tablesOf(k, mm, base, 6, new Map()), '0=f0:RA 3=a:RWAD 4=f4:RA');
    });
  });

  it('F-13: a mapping that begins inside the file is cut where its own offset says', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 8, { flags: MAP_SHARED | MAP_ANONYMOUS });
      for (let page = 0; page < 8; page++) yield* touch_user(k, pageAt(base, page), 1);
      yield* sys_munmap(k, pageAt(base, 2), PAGE_SIZE);
      const inode = k.inodes.find((one) => one?.kind === 'shmem')!;
      yield* unmap_mapping_range(k, inode, 5 * PAGE_SIZE, 2 * PAGE_SIZE);
      assert.equal(tablesOf(k, mm, base, 8, new Map()), '0=f0:RWAD 1=f1:RWAD 3=f3:RWAD 4=f4:RWAD 7=f7:RWAD');
      const gone = pte_offset_map(k, mm, pageAt(base, 5))!;
      assert.equal(read_pte(k, gone), 0);
      assert.deepEqual([0, 5].map((index) => page_mapcount(k, radix_tree_lookup(inode.page_tree, index)!)), [1, 0]);
    });
  });

  it('F-13: a large mapping is cut in blocks, each from where the last one ended', () => {
    inProcess(function* (k, task) {
      const pages = 3000;
      const base = yield* mapPages(k, pages, { prot: RW, flags: MAP_SHARED | MAP_ANONYMOUS });
      for (let page = 0; page < pages; page++) yield* touch_user(k, pageAt(base, page), 0);
      const inode = k.inodes.find((one) => one?.kind === 'shmem')!;
      resize_ring(k, 1 << 15);
      set_tracing(k, 1);
      const seq = k.trace.ring.seq;
      yield* unmap_mapping_range(k, inode, 0, 0);
      const clears = eventsOf(k, seq, { pte_clear: ['address'] });
      assert.deepEqual([clears.length, new Set(clears).size, mmOf(k, task).file_rss, inode.nrpages], [pages, pages, 0, pages]);
    }, { memory: 64 * MiB });
  });
});
