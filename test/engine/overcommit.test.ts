// What may be promised (KERNEL.md MM-16, L-11, IV-15, SC-20).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Process } from './vma-notation.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { MAP_ANONYMOUS, MAP_NORESERVE, MAP_SHARED, PROT_READ } from '../../engine/include/mman.ts';
import { NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { __vm_enough_memory, vm_acct_memory, vm_committed_exactly, vm_unacct_memory } from '../../engine/mm/mmap_commit.ts';
import { exit_mmap, sys_munmap } from '../../engine/mm/mmap.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { nr_free_pages } from '../../engine/mm/page_alloc.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { PRIVATE, mmap } from './mmap-calls.ts';
import { call, drawn, lawsBroken, processOn } from './vma-notation.ts';

/** What a real 2.6.18 with 64 MiB had when its limits were measured. */
const MEASURED = { nr_file_pages: 4, slab_reclaim: 94, nr_free: 15353, totalreserve: 432, committed: 242, totalram: 15790, total_vm: 100 };

/** A process on a machine with these figures. */
function measured(mode: number, euid: number, figures = MEASURED): Process {
  const process = processOn();
  const { k, mm, task } = process;
  task.euid = euid;
  mm.total_vm = figures.total_vm;
  k.sysctl.overcommit_memory = mode;
  k.slab.slab_reclaim_pages = figures.slab_reclaim;
  k.totalreserve_pages = figures.totalreserve;
  k.vm_committed_space = figures.committed;
  k.totalram_pages = figures.totalram;
  const [zone] = for_each_zone(k);
  zone!.vm_stat[NR_FILE_PAGES] = figures.nr_file_pages;
  zone!.free_pages += figures.nr_free - nr_free_pages(k);
  return process;
}

/** The most pages that may be promised at once, below 700,000 as it was measured. */
function most({ k }: Process): number {
  let low = 0;
  let high = 700_000;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (__vm_enough_memory(k, middle) === 0) {
      vm_unacct_memory(k, middle);
      low = middle;
    } else high = middle;
  }
  return low;
}

describe('__vm_enough_memory', () => {
  it('MM-16 SC-20: the largest promise to root in each mode, as a real 2.6.18 gave it', () => {
    assert.deepEqual([0, 1, 2].map((mode) => most(measured(mode, 0))), [15018, 699999, 7649]);
  });

  it('MM-16 SC-20: and to others, who may not have the last 3 %', () => {
    assert.deepEqual([1, 2].map((mode) => most(measured(mode, 1000))), [699999, 7403]);
    const cached = 98 - Math.floor(98 / 32);
    const free = 14921 - Math.floor(14921 / 32);
    assert.equal(most(measured(0, 1000)), cached + free - 1);
  });

  it('MM-16: mode 0 asks for free pages only where the cache does not suffice', () => {
    const { k } = measured(0, 1000, { ...MEASURED, nr_file_pages: 5000, slab_reclaim: 120, nr_free: 0 });
    const limit = 5120 - 160;
    assert.deepEqual([__vm_enough_memory(k, limit - 1), __vm_enough_memory(k, limit)], [0, -ENOMEM]);
  });

  it('MM-16: mode 0 leaves the reserves alone', () => {
    assert.equal(most(measured(0, 0, { ...MEASURED, nr_free: 432 })), 97);
    assert.equal(most(measured(0, 0, { ...MEASURED, nr_free: 433 })), 98);
  });

  it('MM-16: mode 0 looks at one promise, mode 2 at all of them', () => {
    for (const [mode, times] of [[0, 10], [2, 5]] as const) {
      const { k } = measured(mode, 0, { ...MEASURED, committed: 0, total_vm: 0 });
      const answers = Array.from({ length: 10 }, () => __vm_enough_memory(k, 1500));
      assert.deepEqual([answers.filter((answer) => answer === 0).length, k.vm_committed_space], [times, times * 1500]);
    }
  });

  it('MM-16: mode 2 allows vm.overcommit_ratio per cent of RAM, less for a large task; it can come to less than nothing', () => {
    const allowed = (ratio: number, pages: number, euid: number): number => {
      const process = measured(2, euid, { ...MEASURED, committed: 0, total_vm: pages });
      process.k.sysctl.overcommit_ratio = ratio;
      return most(process);
    };
    const forRoot = [allowed(50, 0, 0), allowed(50, 3200, 0), allowed(100, 0, 0), allowed(0, 0, 0), allowed(1, 320_000, 0)];
    assert.deepEqual(forRoot, [7894, 7794, 15789, 0, 0]);
    assert.deepEqual([allowed(50, 0, 1), allowed(50, 3200, 1)], [7894 - 246, 7794 - 246]);
  });

  it('MM-16: what is refused is not promised', () => {
    for (const mode of [0, 2]) {
      const { k } = measured(mode, 0);
      assert.deepEqual([__vm_enough_memory(k, 100_000), k.vm_committed_space], [-ENOMEM, 242]);
    }
  });

  it('EV-6: says what was asked and what it was held against', () => {
    const seen = (mode: number, pages: number): unknown => {
      const { k } = measured(mode, 0);
      set_tracing(k, 1);
      __vm_enough_memory(k, pages);
      return trace_records(k).filter(({ name }) => name === 'mm_commit_check').map(({ args }) => args);
    };
    assert.deepEqual(seen(0, 50), [{ pages: 50, mode: 0, free: 98, allowed: 0, ok: 1 }]);
    assert.deepEqual(seen(0, 20_000), [{ pages: 20_000, mode: 0, free: 15019, allowed: 0, ok: 0 }]);
    assert.deepEqual(seen(1, 20_000), [{ pages: 20_000, mode: 1, free: 0, allowed: 0, ok: 1 }]);
    assert.deepEqual(seen(2, 20_000), [{ pages: 20_000, mode: 2, free: 0, allowed: 7892, ok: 0 }]);
  });
});

describe('what is promised', () => {
  const committedAfter = (run: (p: Process) => void, config: Partial<MachineConfig> = {}): number => {
    const process = processOn(config);
    run(process);
    assert.deepEqual(lawsBroken(process), []);
    return vm_committed_exactly(process.k);
  };

  it('MM-16: mmap of private memory that may be written, shared memory, brk; not read-only memory, nor MAP_NORESERVE', () => {
    assert.equal(committedAfter((p) => call(p, mmap(p, 5))), 5);
    assert.equal(committedAfter((p) => call(p, mmap(p, 5, { prot: PROT_READ }))), 0);
    assert.equal(committedAfter((p) => call(p, mmap(p, 5, { flags: PRIVATE | MAP_NORESERVE }))), 0);
    assert.equal(committedAfter((p) => call(p, mmap(p, 5, { flags: MAP_SHARED | MAP_ANONYMOUS }))), 5);
    assert.equal(committedAfter((p) => call(p, mmap(p, 5, { flags: MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE }))), 0);
    const strict = { sysctl: [['vm.overcommit_memory', 2]] } satisfies Partial<MachineConfig>;
    assert.equal(committedAfter((p) => call(p, mmap(p, 5, { flags: PRIVATE | MAP_NORESERVE })), strict), 5);
  });

  it('MM-16: a mapping that is refused leaves nothing behind', () => {
    const strict = { sysctl: [['vm.overcommit_memory', 2]] } satisfies Partial<MachineConfig>;
    const refused = (flags: number) => (p: Process): void => assert.equal(call(p, mmap(p, 100_000, { flags })), -ENOMEM);
    assert.deepEqual([committedAfter(refused(PRIVATE), strict), committedAfter(refused(MAP_SHARED | MAP_ANONYMOUS), strict)], [0, 0]);
  });

  it('IV-15: all of it comes back', () => {
    const p = drawn('mid|www.kkk.rrr.ddd.sss| heap|ww|');
    assert.equal(p.k.vm_committed_space, 11);
    call(p, sys_munmap(p.k, 0x50001000, PAGE_SIZE));
    assert.equal(p.k.vm_committed_space, 10);
    call(p, exit_mmap(p.k, p.mm));
    assert.equal(p.k.vm_committed_space, 0);
  });
});

describe('vm_acct_memory', () => {
  const spaces = (k: Kernel): [number, number[]] => [k.vm_committed_space, [...k.committed_space]];

  it('L-11: one CPU counts at once', () => {
    const { k } = processOn();
    vm_acct_memory(k, 3);
    vm_unacct_memory(k, 1);
    assert.deepEqual(spaces(k), [2, [0]]);
  });

  it('L-11: several keep up to 16 pages each, or twice their number, to themselves', () => {
    const { k } = processOn({ cpus: 2 });
    vm_acct_memory(k, 16);
    k.cpu = 1;
    vm_acct_memory(k, -16);
    assert.deepEqual(spaces(k), [0, [16, -16]]);
    vm_acct_memory(k, -1);
    k.cpu = 0;
    vm_acct_memory(k, 5);
    assert.deepEqual([spaces(k), vm_committed_exactly(k)], [[4, [0, 0]], 4]);
    const large = processOn({ cpus: 16 }).k;
    vm_acct_memory(large, 32);
    assert.equal(large.vm_committed_space, 0);
    vm_acct_memory(large, 1);
    assert.equal(large.vm_committed_space, 33);
  });

  it('L-11 IV-15: the laws hold for what the CPUs have in all', () => {
    const p = processOn({ cpus: 4 });
    for (const pages of [3, 40, 7]) {
      p.k.cpu = (p.k.cpu + 1) % 4;
      call(p, mmap(p, pages));
    }
    assert.deepEqual([lawsBroken(p), vm_committed_exactly(p.k), p.k.vm_committed_space], [[], 50, 40]);
  });

  it('MM-16 QK-9: mode 2 decides by the total that lags', () => {
    const { k, task } = processOn({ cpus: 4, sysctl: [['vm.overcommit_memory', 2], ['vm.overcommit_ratio', 0]] });
    task.euid = 0;
    k.vm_committed_space = -10;
    assert.deepEqual([__vm_enough_memory(k, 16), k.vm_committed_space, k.committed_space[0]], [0, -10, 16]);
    assert.deepEqual([__vm_enough_memory(k, 1), k.vm_committed_space, k.committed_space[0]], [-ENOMEM, 7, -1]);
  });
});
