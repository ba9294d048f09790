// mremap: shrinking, growing and moving (KERNEL.md MM-13, MM-14, QK-15).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../../engine/include/errno.ts';
import { __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { MAP_ANONYMOUS, MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_DONTEXPAND } from '../../engine/include/mm_types.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { pte_page } from '../../engine/arch/pte.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER, vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { mm_vmas } from '../../engine/mm/mm_struct.ts';
import { sys_mremap } from '../../engine/mm/mremap.ts';
import { __free_pages, alloc_page } from '../../engine/mm/page_alloc.ts';
import { SIGNAL, bytesOf, entriesOf, entryAt, eventsOf, load, store, touch } from './entries-notation.ts';
import { at, call, check, drawn, lawsBroken, pgoffsOf, processOn, stateOf } from './vma-notation.ts';

const RW = PROT_READ | PROT_WRITE;
const MOVE = MREMAP_MAYMOVE | MREMAP_FIXED;

/** Makes pages `from` … `to` of `mid` so many; with `target`, a page of `mid`, at that place. Lengths are in pages, and need not be whole. */
function remap(
  process: Process, [from, to]: [number, number], pages: number, { flags = 0, target }: { flags?: number; target?: number } = {},
): Generator<Wait, number, void> {
  const address = target === undefined ? virt(0) : at(process, target);
  return sys_mremap(process.k, at(process, from), (to - from) * PAGE_SIZE, pages * PAGE_SIZE, flags | (target === undefined ? 0 : MOVE), address);
}

const mid = (page: number): number => 0x50000000 + page * PAGE_SIZE;

describe('mremap: shrinking', () => {
  it('MM-13: the tail is unmapped', () => {
    check({ from: 'mid|wwww|', run: (p) => remap(p, [0, 4], 1), to: 'mid|w...|', result: mid(0) });
    check({ from: 'mid|wwww|', run: (p) => remap(p, [1, 3], 1), to: 'mid|ww.w|', result: mid(1) });
  });

  it('MM-13: over holes and several VMAs: a shrinking range is not looked at', () => {
    check({ from: 'mid|wr.rw|', run: (p) => remap(p, [0, 5], 1), to: 'mid|w....|', result: mid(0) });
    check({ from: 'mid|....|', run: (p) => remap(p, [0, 4], 1), to: 'mid|....|', result: mid(0) });
  });

  it('MM-13: the same length is done, whatever is there', () => {
    check({ from: 'mid|w.|', run: (p) => remap(p, [0, 2], 2), to: 'mid|w.|', result: mid(0) });
    check({ from: 'mid|w.|', run: (p) => remap(p, [0, 2], 1.5, { flags: MREMAP_MAYMOVE }), to: 'mid|w.|', result: mid(0) });
  });
});

describe('mremap: growing in place', () => {
  it('MM-13: into the hole behind', () => {
    const process = check({ from: 'mid|ww..w|', run: (p) => remap(p, [0, 2], 4), to: 'mid|wwww/w|', result: mid(0) });
    assert.equal(vm_committed_exactly(process.k), 5);
  });

  it('MM-13: from within a VMA, to its end at least', () => {
    check({ from: 'mid|wwww..|', run: (p) => remap(p, [2, 4], 3), to: 'mid|wwwww.|', result: mid(2) });
  });

  it('MM-13: not from before the end of a VMA, nor where another stands, unless it may move', () => {
    check({ from: 'mid|wwww..|', run: (p) => remap(p, [0, 2], 3), to: 'mid|wwww..|', result: -ENOMEM });
    check({ from: 'mid|ww.r|', run: (p) => remap(p, [0, 2], 4), to: 'mid|ww.r|', result: -ENOMEM });
  });

  it('MM-19: locked memory is brought in, and counted', () => {
    const process = check({ from: 'mid|ll..|', run: (p) => remap(p, [0, 2], 4), to: 'mid|LLLL|', result: mid(0) });
    assert.equal(entriesOf(process, 4), '..w\'w\'');
    assert.equal(process.mm.locked_vm, 4);
  });

  it('MM-13: with a file, whose pages go on', () => {
    const process = check({ from: 'mid|.ff..|', run: (p) => remap(p, [1, 3], 4), to: 'mid|.ffff|', result: mid(1) });
    assert.notEqual(load(process, at(process, 4)), SIGNAL);
  });
});

describe('mremap: moving', () => {
  it('MM-14: to where there is room; pages, bytes and dirty bits go along, and no page is copied', () => {
    const process = drawn('mid|ww/r.|');
    touch(process, 'w');
    const frame = pte_page(entryAt(process, at(process, 0)));
    const moved = call(process, remap(process, [0, 2], 4, { flags: MREMAP_MAYMOVE }));
    assert.equal(moved, process.mm.mmap_base - 4 * PAGE_SIZE);
    assert.equal(stateOf(process, 'mid|....| top|....|'), 'mid|..r.| top|WWWW|');
    assert.equal(entriesOf(process, 4, 'top'), 'w\'...');
    assert.equal(pte_page(entryAt(process, at(process, 0, 'top', 4))), frame);
    assert.equal(load(process, moved), 1);
    assert.equal(load(process, at(process, 0)), SIGNAL);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-14: R-2: pages keep their index, so the VMA keeps the offset it had where it came from', () => {
    const process = drawn('mid|ww........|');
    touch(process, 'ww');
    call(process, remap(process, [0, 2], 2, { target: 4 }));
    assert.deepEqual(pgoffsOf(process), [-4]);
    assert.deepEqual(bytesOf(process, 10).slice(4, 6), [1, 2]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-14: memory that nobody touched gets the offset of its new place', () => {
    const process = check({ from: 'mid|ww........|', run: (p) => remap(p, [0, 2], 2, { target: 4 }), to: 'mid|....ww....|', result: mid(4) });
    assert.deepEqual(pgoffsOf(process), [0]);
  });

  const cases: readonly [string, string, [number, number, number, number], string][] = [
    ['a part leaves the rest where it is', 'mid|WWWW....|', [1, 2, 1, 6], 'mid|W.WW..W.|'],
    ['the beginning', 'mid|WWWW....|', [0, 2, 2, 5], 'mid|..WW.WW.|'],
    ['the end', 'mid|WWWW....|', [2, 4, 2, 5], 'mid|WW...WW.|'],
    ['growing on the way', 'mid|WWWW....|', [3, 4, 3, 5], 'mid|WWW..WWW|'],
    ['shrinking on the way: the tail goes first', 'mid|WWWW....|', [0, 4, 2, 5], 'mid|.....WW.|'],
    ['what is at the target goes', 'mid|WW..rrrr|', [0, 2, 2, 5], 'mid|....rWWr|'],
    ['beside where it came from, it stays apart: its offset says where it was', 'mid|WW..|', [0, 1, 1, 2], 'mid|.W/W.|'],
    ['a file takes its offsets along', 'mid|.ffff....|', [2, 4, 2, 6], 'mid|.f..f.ff.|'],
    ['shared memory', 'mid|ssss....|', [1, 3, 2, 5], 'mid|s..s.ss.|'],
    ['locked memory', 'mid|LL......|', [0, 2, 2, 4], 'mid|....LL..|'],
  ];
  for (const [what, from, [start, end, pages, target], to] of cases) {
    it(`MM-14: MREMAP_FIXED: ${what}`, () => {
      check({ from, run: (p) => remap(p, [start, end], pages, { target }), to, result: mid(target) });
    });
  }

  it('MM-16: what is promised moves along; only growth is promised anew', () => {
    const process = drawn('mid|WWWW.......|');
    call(process, remap(process, [1, 3], 2, { target: 5 }));
    assert.equal(vm_committed_exactly(process.k), 4);
    call(process, remap(process, [5, 7], 4, { target: 7 }));
    assert.equal(vm_committed_exactly(process.k), 6);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-14: an old length of 0 maps shared memory once more', () => {
    const process = processOn();
    const one = call(process, sys_mmap2(process.k, at(process, 0), 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, 0));
    store(process, one, 7);
    const other = call(process, sys_mremap(process.k, virt(one), 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE, virt(0)));
    assert.equal(load(process, other), 7);
    store(process, other + PAGE_SIZE, 8);
    assert.equal(load(process, one + PAGE_SIZE), 8);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-14: of private memory it maps nothing but zeroes, and what was promised for the old mapping no longer is', () => {
    const process = drawn('mid|ww..|');
    touch(process, 'ww');
    const other = call(process, sys_mremap(process.k, at(process, 0), 0, 3 * PAGE_SIZE, MREMAP_MAYMOVE, virt(0)));
    assert.deepEqual([load(process, at(process, 0)), load(process, other)], [1, 0]);
    assert.equal(stateOf(process, 'mid|....| top|...|'), 'mid|KK..| top|WWW|');
    assert.equal(vm_committed_exactly(process.k), 3);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-14: others may run after every 64 pages', () => {
    const turns = [64, 65, 128, 129].map((pages) => {
      const process = drawn(`mid|${'w'.repeat(pages)}|`);
      store(process, at(process, 0), 1);
      process.k.sched.horizon = -1;
      const steps = sys_mremap(process.k, at(process, 0), pages * PAGE_SIZE, pages * PAGE_SIZE, MOVE, virt(0x60000000));
      let yields = 0;
      while (steps.next().done !== true) yields++;
      return yields;
    });
    assert.deepEqual(turns.map((yields) => yields - turns[0]!), [0, 1, 1, 2]);
  });

  it('MM-14: the address space seems larger for a moment, but its high mark does not remember', () => {
    const process = drawn('mid|wwww....|');
    call(process, remap(process, [0, 4], 4, { target: 4 }));
    assert.equal(process.mm.hiwater_vm, 0);
    call(process, remap(process, [4, 8], 2));
    assert.equal(process.mm.hiwater_vm, 4);
  });

  it('EV-6: entries move one by one, each forgotten by the processors; empty ones do not', () => {
    const process = drawn('mid|www.....|');
    touch(process, 'w.w');
    const events = eventsOf(process, ['pte_set', 'pte_clear', 'tlb_flush'], () => call(process, remap(process, [0, 3], 3, { target: 4 })));
    assert.deepEqual(events.slice(0, 6), [
      'pte_clear address=@0 why=4', 'tlb_flush start=@0 end=@1', 'pte_set address=@4 why=4',
      'pte_clear address=@2 why=4', 'tlb_flush start=@2 end=@3', 'pte_set address=@6 why=4',
    ]);
    assert.deepEqual(bytesOf(process, 8).slice(4, 7), [1, 0, 3]);
  });

  it('MM-14: over several tables, out of step with one another, with holes', () => {
    const process = drawn(`mid|${'w'.repeat(3000)}|`);
    const pages = [0, 63, 64, 323, 324, 383, 1023, 1024, 1347, 1348, 1700, 2047, 2048, 2999];
    for (const page of pages) store(process, at(process, page), page % 251);
    const target = 0x60000000 + 700 * PAGE_SIZE;
    assert.equal(call(process, sys_mremap(process.k, at(process, 0), 3000 * PAGE_SIZE, 3000 * PAGE_SIZE, MOVE, virt(target))), target);
    assert.deepEqual(pages.map((page) => load(process, target + page * PAGE_SIZE)), pages.map((page) => page % 251));
    assert.deepEqual(lawsBroken(process), []);
  });

  it('X-7: on x86_64 too', () => {
    const process = drawn(`mid|${'w'.repeat(1500)}|`, { arch: 'x86_64' });
    const pages = [0, 211, 212, 255, 511, 512, 723, 724, 1023, 1024, 1499];
    for (const page of pages) store(process, at(process, page), page % 251);
    const target = 0x600000000000 + 300 * PAGE_SIZE;
    assert.equal(call(process, sys_mremap(process.k, at(process, 0), 1500 * PAGE_SIZE, 1500 * PAGE_SIZE, MOVE, virt(target))), target);
    assert.deepEqual(pages.map((page) => load(process, target + page * PAGE_SIZE)), pages.map((page) => page % 251));
    assert.deepEqual(lawsBroken(process), []);
  });
});

describe('mremap: what it refuses', () => {
  it('MM-13: unknown flags, an unaligned address, no new length, FIXED without MAYMOVE: -EINVAL', () => {
    const state = 'mid|ww......|';
    check({ from: state, run: (p) => remap(p, [0, 2], 4, { flags: 4 }), to: state, result: -EINVAL });
    check({ from: state, run: (p) => remap(p, [0.5, 2], 4), to: state, result: -EINVAL });
    check({ from: state, run: (p) => remap(p, [0, 2], 0), to: state, result: -EINVAL });
    const fixed = (p: Process): Generator<Wait, number, void> => sys_mremap(p.k, at(p, 0), 2 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_FIXED, at(p, 4));
    check({ from: state, run: fixed, to: state, result: -EINVAL });
  });

  it('MM-13: an unaligned target, one past user space, or one that meets the old range: -EINVAL', () => {
    const state = 'mid|wwww....|';
    check({ from: state, run: (p) => remap(p, [0, 2], 2, { target: 4.5 }), to: state, result: -EINVAL });
    const high = (p: Process): Generator<Wait, number, void> => sys_mremap(p.k, at(p, 0), PAGE_SIZE, 2 * PAGE_SIZE, MOVE, virt(0xbffff000));
    check({ from: state, run: high, to: state, result: -EINVAL });
    check({ from: state, run: (p) => remap(p, [0, 4], 4, { target: 3 }), to: state, result: -EINVAL });
    check({ from: state, run: (p) => remap(p, [3, 4], 4, { target: 1 }), to: state, result: -EINVAL });
  });

  it('MM-13: a range that is not in one VMA: -EFAULT', () => {
    check({ from: 'mid|wwrr..|', run: (p) => remap(p, [0, 4], 6), to: 'mid|wwrr..|', result: -EFAULT });
    check({ from: 'mid|..rr..|', run: (p) => remap(p, [0, 2], 3), to: 'mid|..rr..|', result: -EFAULT });
    check({ from: 'mid|..|', run: (p) => remap(p, [0, 1], 2), to: 'mid|..|', result: -EFAULT });
  });

  it('MM-13: growth of what has its size: -EFAULT; it may move', () => {
    const process = drawn('mid|w...|');
    mm_vmas(process.k, process.mm)[0]!.vm_flags |= VM_DONTEXPAND;
    assert.equal(call(process, remap(process, [0, 1], 2)), -EFAULT);
    assert.equal(call(process, remap(process, [0, 1], 1, { target: 2 })), mid(2));
  });

  it('MM-13: locked memory past RLIMIT_MEMLOCK: -EAGAIN, but not for root', () => {
    const process = drawn('mid|llllllll..|');
    assert.equal(call(process, remap(process, [0, 8], 9)), -EAGAIN);
    process.task.euid = 0;
    assert.equal(call(process, remap(process, [0, 8], 9)), mid(0));
  });

  it('MM-13: past RLIMIT_AS: -ENOMEM', () => {
    const process = drawn('mid|ww..|');
    process.task.rlim.RLIMIT_AS = 3 * PAGE_SIZE;
    assert.equal(call(process, remap(process, [0, 2], 4)), -ENOMEM);
    assert.equal(call(process, remap(process, [0, 2], 3)), mid(0));
  });

  it('MM-16: growth that may not be promised: -EFAULT, as in 2.6.18, in locked memory -EAGAIN; unpromised memory grows', () => {
    const strict = (p: Process, from: [number, number], pages: number): Generator<Wait, number, void> => {
      p.k.sysctl.overcommit_memory = OVERCOMMIT_NEVER;
      p.k.sysctl.overcommit_ratio = 0;
      return remap(p, from, pages);
    };
    check({ from: 'mid|w.|', run: (p) => strict(p, [0, 1], 2), to: 'mid|w.|', result: -EFAULT });
    check({ from: 'mid|l.|', run: (p) => strict(p, [0, 1], 2), to: 'mid|l.|', result: -EAGAIN });
    check({ from: 'mid|r.|', run: (p) => strict(p, [0, 1], 2), to: 'mid|rr|', result: mid(0) });
  });

  it('MM-16: a promise for growth that then finds no room is taken back', () => {
    const process = check({ from: 'mid|wr|', run: (p) => remap(p, [0, 1], 2), to: 'mid|wr|', result: -ENOMEM });
    assert.equal(vm_committed_exactly(process.k), 1);
  });

  it('MM-14: with fewer than three VMAs to spare nothing moves: -ENOMEM', () => {
    const process = drawn('mid|ww......|');
    process.k.sysctl.max_map_count = 4;
    assert.equal(call(process, remap(process, [0, 2], 2, { target: 4 })), -ENOMEM);
    process.k.sysctl.max_map_count = 5;
    assert.equal(call(process, remap(process, [0, 2], 2, { target: 4 })), mid(4));
  });
});

describe('mremap: where memory for tables runs out', () => {
  /** Every page that is free, for the test; a task that the OOM killer has chosen may have them all. */
  function takeAllMemory(k: Kernel): Pfn[] {
    k.tasks[k.current]!.memdie = 1;
    const taken: Pfn[] = [];
    for (let page = run_to_end(k, alloc_page(k, __GFP_NOWARN)); page !== NO_PAGE; page = run_to_end(k, alloc_page(k, __GFP_NOWARN))) taken.push(page);
    return taken;
  }

  for (const [spare, letter] of [[0, 'w'], [1, 'w'], [1, 'l']] as const) {
    it(`MM-14: after ${spare} of 2 tables${letter === 'l' ? ' in locked memory' : ''}: what has moved goes back, and all is as it was`, () => {
      const process = drawn(`mid|${letter.repeat(2048)}|`);
      const { k, mm } = process;
      process.task.euid = 0;
      k.sysctl.overcommit_memory = OVERCOMMIT_ALWAYS;
      const pages = [0, 100, 1023, 1024, 2047];
      for (const page of pages) store(process, at(process, page), page % 251);
      const all = (): unknown => [stateOf(process, `mid|${'.'.repeat(2048)}|`), mm.nr_ptes, mm.total_vm, mm.locked_vm, vm_committed_exactly(k)];
      const before = all();
      const taken = takeAllMemory(k);
      for (let i = 0; i < spare; i++) __free_pages(k, taken.pop()!, 0);
      const events = eventsOf(process, ['pte_set'], () => {
        assert.equal(call(process, sys_mremap(k, at(process, 0), 2048 * PAGE_SIZE, 2050 * PAGE_SIZE, MOVE, virt(0x60000000))), -ENOMEM);
      });
      assert.equal(events.length, spare * 2 * 3);
      assert.deepEqual(all(), before);
      assert.deepEqual(pages.map((page) => load(process, at(process, page))), pages.map((page) => page % 251));
      assert.deepEqual(lawsBroken(process), []);
      for (const page of taken) __free_pages(k, page, 0);
    });
  }
});
