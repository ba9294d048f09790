// What fork does to page tables, entry by entry, and that the sides never see each other's writes (KERNEL.md F-8, F-11, CC-11, R-1, SC-2).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import type { Forks } from './tasks.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ } from '../../engine/include/mman.ts';
import { GFP_KERNEL, __GFP_NORETRY } from '../../engine/include/gfp.ts';
import { VM_INSERTPAGE } from '../../engine/include/mm_types.ts';
import { NR_ANON_PAGES } from '../../engine/include/mmzone.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { flush_tlb_mm } from '../../engine/arch/tlb.ts';
import { wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork, mm_alloc, mmput } from '../../engine/kernel/fork.ts';
import { charge, cond_resched } from '../../engine/kernel/sched.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { page_count, page_mapcount } from '../../engine/mm/mem_map.ts';
import { copy_page_range } from '../../engine/mm/memory_fork.ts';
import { free_pgd_range, unmap_vmas } from '../../engine/mm/memory_zap.ts';
import { find_vma } from '../../engine/mm/mmap.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { __free_pages } from '../../engine/mm/page_alloc.ts';
import { lru_add_drain } from '../../engine/mm/swap.ts';
import { tlb_finish_mmu, tlb_gather_mmu } from '../../engine/mm/tlb_gather.ts';
import { load_user, store_user, touch_user } from '../../engine/mm/user_memory.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { folded_zone_state } from '../../engine/mm/vmstat.ts';
import { fileOfSize, frameAt, inProcess, mapPages, mmOf, pageAt, runLawfully, tablesOf, takeAllFreePages, user } from './processes.ts';
import { MiB } from './notation.ts';

/** What is in a mapping of 4 pages before a fork, and on both sides after it, before either has run. */
interface ForkTest {
  prot?: number;
  flags?: number;
  fileSize?: number;
  /** `r0` reads page 0, `w1` writes page 1; `none` and `ro` are mprotect of all. */
  before: string;
  parent: string;
  child: string;
  /** anon_rss file_rss of the child, without text, data and stack. */
  rss: string;
}

function check(test: ForkTest): void {
  const names = new Map<Pfn, string>();
  const seen = { parent: '', child: '', rss: '' };
  let base = virt(0);
  inProcess(function* (k, task) {
    const file = test.fileSize === undefined ? 0 : fileOfSize(k, '/data', test.fileSize);
    base = yield* mapPages(k, 4, { prot: test.prot, flags: test.flags ?? (file === 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE), file });
    for (const word of test.before.split(' ')) yield* prepare(k, base, word);
    yield* do_fork(k, { name: 'c', comm: 'c', program: 'child' });
    seen.parent = tablesOf(k, mmOf(k, task), base, 4, names);
    yield* wait_for_children(k, null);
  }, {}, {
    * child(k, task) {
      const mm = mmOf(k, task);
      seen.child = tablesOf(k, mm, base, 4, names);
      seen.rss = `${mm.anon_rss} ${mm.file_rss}`;
      yield* cond_resched(k);
    },
  });
  assert.deepEqual(seen, { parent: test.parent, child: test.child, rss: test.rss });
}

function* prepare(k: Kernel, base: VirtAddr, word: string): Generator<Wait, void, void> {
  if (word === 'none') yield* sys_mprotect(k, base, 4 * PAGE_SIZE, PROT_NONE);
  else if (word === 'ro') yield* sys_mprotect(k, base, 4 * PAGE_SIZE, PROT_READ);
  else yield* touch_user(k, pageAt(base, Number(word.slice(1))), word.startsWith('w') ? 1 : 0);
}

describe('copy_page_range', () => {
  it('F-11: private pages become read-only on both sides; the child\'s are old, and stay dirty', () =>
    check({ before: 'w0 w2', parent: '0=a:RAD 2=b:RAD', child: '0=a:RD 2=b:RD', rss: '2 0' }));
  it('F-11: the page of zeroes is copied like any page, and counts in the child', () =>
    check({ before: 'r0 w1 r3', parent: '0=zero:RA 1=a:RAD 3=zero:RA', child: '0=zero:R 1=a:RD 3=zero:R', rss: '1 2' }));
  it('F-11: an area that has no page of its own is left out altogether', () =>
    check({ before: 'r0 r3', parent: '0=zero:RA 3=zero:RA', child: '', rss: '0 0' }));
  it('F-11: so is a file that was only read; the child faults it in again', () =>
    check({ fileSize: 4 * PAGE_SIZE, before: 'r0 r1', parent: '0=f0:RA 1=f1:RA', child: '', rss: '0 0' }));
  it('F-11: of a file with one copied page all entries are copied', () =>
    check({ fileSize: 4 * PAGE_SIZE, before: 'r0 w1', parent: '0=f0:RA 1=a:RAD', child: '0=f0:R 1=a:RD', rss: '1 1' }));
  it('F-11: shared memory stays writable in the parent, and is found again by the child\'s own faults', () =>
    check({ flags: MAP_SHARED | MAP_ANONYMOUS, before: 'w0 r1', parent: '0=f0:RWAD 1=f1:RWA', child: '', rss: '0 0' }));
  it('F-11: pages without access are shared too', () =>
    check({ before: 'w0 none', parent: '0=a:NAD', child: '0=a:ND', rss: '1 0' }));
  it('F-11: read-only pages that mprotect may make writable are protected like all private ones', () =>
    check({ before: 'w0 ro', parent: '0=a:RAD', child: '0=a:RD', rss: '1 0' }));

  it('F-11: an entry of a shared mapping is copied clean, and stays writable on both sides', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 2, { flags: MAP_SHARED | MAP_ANONYMOUS });
      yield* touch_user(k, base, 1);
      const vma = find_vma(k, mmOf(k, task), base)!;
      // Only of areas that a driver filled page by page must fork copy shared entries.
      vma.vm_flags |= VM_INSERTPAGE;
      yield* withCopy(k, task, vma, (copied, dst) => {
        const names = new Map<Pfn, string>();
        assert.deepEqual([copied, tablesOf(k, mmOf(k, task), base, 2, names), tablesOf(k, dst, base, 2, names)], [0, '0=f0:RWAD', '0=f0:RW']);
      });
      vma.vm_flags &= ~VM_INSERTPAGE;
    });
  });

  it('F-11: tables are made as far as memory goes; what was copied until then is the caller\'s to take back', () => {
    inProcess(function* (k, task) {
      const tables = 64;
      const base = yield* mapPages(k, tables * 1024, { flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE });
      for (let table = 0; table < tables; table++) yield* touch_user(k, pageAt(base, table * 1024), 1);
      const vma = find_vma(k, mmOf(k, task), base)!;
      let hoard: Pfn[] = [];
      yield* withCopy(k, task, vma, (copied, dst) => {
        assert.ok(dst.nr_ptes > 0 && dst.nr_ptes < tables, `${dst.nr_ptes} tables`);
        assert.deepEqual([copied, dst.anon_rss], [-ENOMEM, dst.nr_ptes]);
        for (const page of hoard) __free_pages(k, page, 0);
      }, function* () {
        hoard = yield* takeAllFreePages(k, GFP_KERNEL | __GFP_NORETRY);
        for (let i = 0; i < 30; i++) __free_pages(k, hoard.pop()!, 0);
      });
    }, { memory: 32 * MiB });
  });

  it('F-11: a large area is copied table by table, and others may run in between', () => {
    const order: string[] = [];
    runLawfully([
      user('p', function* (k) {
        const base = yield* mapPages(k, 3000);
        for (let page = 0; page < 3000; page++) yield* touch_user(k, pageAt(base, page), 1);
        order.push('copying');
        yield* do_fork(k, { name: 'c', comm: 'c', program: 'child' });
        order.push('copied');
        yield* wait_for_children(k, null);
      }, { cpu: 0 }),
      { name: 'other', cpu: 1, *run(k) {
        for (let i = 0; i < 2000; i++) {
          charge(k, 5000);
          if (order.at(-1) === 'copying') order.push('other');
          yield* cond_resched(k);
        }
      } },
    ], { cpus: 2 }, { *child(k) { yield* cond_resched(k); } });
    assert.deepEqual(order, ['copying', 'other', 'copied']);
  });

  /** Copies an area into a new address space, looks, and takes the copy away again. */
  function* withCopy(
    k: Kernel, task: task_struct, vma: vm_area_struct, look: (copied: number, dst: mm_struct) => void, first?: () => Generator<Wait, void, void>,
  ): Generator<Wait, void, void> {
    const dst = (yield* mm_alloc(k))!;
    yield* touch_user(k, virt(task.esp), 1);
    if (first !== undefined) yield* first();
    const copied = yield* copy_page_range(k, dst, mmOf(k, task), vma);
    flush_tlb_mm(k, mmOf(k, task));
    look(copied, dst);
    const tlb = tlb_gather_mmu(k, dst, 1);
    yield* unmap_vmas(k, tlb, [{ ...vma, vm_mm: dst.id }], vma.vm_start, vma.vm_end);
    free_pgd_range(k, tlb, vma.vm_start, vma.vm_end, virt(0), 0);
    tlb_finish_mmu(k, tlb, vma.vm_start, vma.vm_end);
    yield* mmput(k, dst);
  }
});

describe('copy on write over generations', () => {
  it('SC-2: counts of references and mappings follow a page through two forks, writes and ends', () => {
    const seen: string[] = [];
    let base = virt(0);
    let shared = NO_PAGE;
    const look = (k: Kernel, when: string): void => {
      seen.push(`${when} ${page_mapcount(k, shared)}/${page_count(k, shared)}`);
    };
    inProcess(function* (k, task) {
      base = yield* mapPages(k, 20);
      for (let page = 0; page < 20; page++) yield* store_user(k, pageAt(base, page), 1);
      shared = frameAt(k, mmOf(k, task), base);
      look(k, 'alone');
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'child' });
      look(k, 'child');
      yield* wait_for_children(k, null);
      look(k, 'child gone');
      yield* store_user(k, base, 2);
      assert.equal(frameAt(k, mmOf(k, task), base), shared);
    }, {}, {
      * child(k) {
        yield* do_fork(k, { name: 'g', comm: 'g', program: 'grandchild' });
        look(k, 'grandchild');
        yield* wait_for_children(k, null);
        look(k, 'grandchild gone');
      },
      * grandchild(k) {
        yield* store_user(k, base, 3);
        look(k, 'grandchild wrote');
      },
    });
    assert.deepEqual(seen, ['alone 1/1', 'child 2/2', 'grandchild 3/3', 'grandchild wrote 2/2', 'grandchild gone 2/2', 'child gone 1/1']);
  });

  it('F-8 F-11: whatever a family reads and writes, each sees its own bytes and those from before its birth, and the laws hold', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant('write' as const), page: fc.nat(5), byte: fc.integer({ min: 1, max: 255 }) }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('read' as const), page: fc.nat(5), byte: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('fork' as const, 'drop' as const), page: fc.nat(5), byte: fc.constant(0) }) },
    );
    fc.assert(fc.property(fc.constantFrom('i386' as const, 'x86_64' as const), fc.integer({ min: 1, max: 2 }), fc.array(step, { maxLength: 25 }), (arch, cpus, steps) => {
      let left = 12;
      /** Runs the steps from one on; a child begins behind the fork that made it, with what its parent knew. */
      function* live(k: Kernel, base: VirtAddr, from: number, known: number[]): Generator<Wait, void, void> {
        for (let i = from; i < steps.length; i++) {
          const { op, page, byte } = steps[i]!;
          const address = pageAt(base, page);
          if (op === 'write') {
            known[page] = byte;
            yield* store_user(k, virt(address + 7), byte);
          } else if (op === 'drop') {
            known[page] = 0;
            yield* sys_madvise(k, address, PAGE_SIZE, MADV_DONTNEED);
          } else if (op === 'fork' && left-- > 0) {
            const name = JSON.stringify([base, i + 1, known]);
            yield* do_fork(k, { name: 'c', comm: 'c', program: name });
          }
          const there = yield* load_user(k, virt(address + 7));
          assert.equal(there, known[page]);
          yield* cond_resched(k);
        }
        for (const [page, byte] of known.entries()) assert.equal(yield* load_user(k, virt(pageAt(base, page) + 7)), byte);
      }
      const forks: Forks = new Proxy({}, {
        get: (_, name: string) => (k: Kernel) => {
          const [base, from, known] = JSON.parse(name) as [VirtAddr, number, number[]];
          return live(k, base, from, known);
        },
      });
      const { k } = inProcess(function* (kernel) {
        const base = yield* mapPages(kernel, 6);
        yield* live(kernel, base, 0, [0, 0, 0, 0, 0, 0]);
      }, { arch, cpus, memory: 32 * MiB }, forks);
      lru_add_drain(k);
      // Each CPU keeps a part of the counters to itself (CT-2): only all of them together are exact.
      const anonymous = for_each_zone(k).reduce((sum, zone) => sum + folded_zone_state(zone, NR_ANON_PAGES), 0);
      assert.deepEqual([anonymous, k.mm_structs.every((mm) => mm === null)], [0, true]);
    }), { numRuns: 60 });
  });
});
