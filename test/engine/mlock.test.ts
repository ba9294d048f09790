// mlock, munlock, mlockall, munlockall (KERNEL.md MM-19, R-6, QK-17).

import assert from 'node:assert/strict';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { EAGAIN, EINVAL, ENOMEM, EPERM } from '../../engine/include/errno.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MCL_CURRENT, MCL_FUTURE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { PG_locked } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { pte_page } from '../../engine/arch/pte.ts';
import { set_page_flag } from '../../engine/mm/mem_map.ts';
import { sys_mlock, sys_mlockall, sys_munlock, sys_munlockall } from '../../engine/mm/mlock.ts';
import { do_brk, sys_mmap2 } from '../../engine/mm/mmap.ts';
import { SWAP_FAIL, try_to_unmap } from '../../engine/mm/rmap.ts';
import { entriesOf, entryAt, touch } from './entries-notation.ts';
import { at, call, check, drawn, lawsBroken, stateOf } from './vma-notation.ts';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;

/** mlock of pages `from` … `to` of `mid`, which need not be whole. */
function lock(process: Process, from: number, to: number): Generator<Wait, number, void> {
  return sys_mlock(process.k, at(process, from), at(process, to) - at(process, from));
}

function unlock(process: Process, from: number, to: number): Generator<Wait, number, void> {
  return sys_munlock(process.k, at(process, from), at(process, to) - at(process, from));
}

describe('mlock', () => {
  const cases: readonly [string, string, [number, number], string][] = [
    ['a whole VMA is locked in place', 'mid|WWWW|', [0, 4], 'mid|LLLL|'],
    ['the middle is cut out', 'mid|WWWW|', [1, 3], 'mid|WLLW|'],
    ['pages that are touched in part are locked whole', 'mid|WWWW|', [0.5, 1.25], 'mid|LLWW|'],
    ['what is locked joins what was', 'mid|LLWW|', [2, 3], 'mid|LL/LW|'],
    ['what is locked stays so', 'mid|LLLL|', [1, 2], 'mid|LLLL|'],
    ['a length of 0 locks nothing', 'mid|WWWW|', [1, 1], 'mid|WWWW|'],
  ];
  for (const [what, from, [start, end], to] of cases) {
    it(`MM-19: ${what}`, () => {
      check({ from, run: (p) => lock(p, start, end), to, result: 0 });
    });
  }

  it('F-15: every page is there at once, writable where the mapping is; read-only memory gets the page of zeroes', () => {
    const process = drawn('mid|wwwrr|');
    touch(process, 'w....');
    assert.equal(call(process, lock(process, 0, 5)), 0);
    assert.equal(entriesOf(process, 5), 'w\'w\'w\'zz');
    assert.equal(process.mm.locked_vm, 5);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('F-15: pages of a file are read and mapped', () => {
    const process = drawn('mid|ffm|');
    assert.equal(call(process, lock(process, 0, 3)), 0);
    assert.equal(entriesOf(process, 3), 'ccC\'');
  });

  it('MM-19: a hole is -ENOMEM; what lies before it is locked', () => {
    check({ from: 'mid|WW.WW|', run: (p) => lock(p, 1, 5), to: 'mid|WL.WW|', result: -ENOMEM });
    check({ from: 'mid|.WW|', run: (p) => lock(p, 0, 2), to: 'mid|.WW|', result: -ENOMEM });
  });

  it('MM-19: an end that wraps is -EINVAL', () => {
    check({
      from: 'mid|ww|',
      run(p) {
        p.task.euid = 0;
        return sys_mlock(p.k, at(p, 0), 2 ** 32 - PAGE_SIZE);
      },
      to: 'mid|ww|', result: -EINVAL,
    });
  });

  it('MM-19: the limit of 32 KiB counts what is locked already: -ENOMEM past it, but not for root', () => {
    const process = drawn('mid|wwwwwwwwww|');
    assert.equal(call(process, lock(process, 0, 6)), 0);
    assert.equal(call(process, lock(process, 6, 9)), -ENOMEM);
    assert.equal(call(process, lock(process, 6, 8)), 0);
    process.task.euid = 0;
    assert.equal(call(process, lock(process, 8, 10)), 0);
    assert.equal(process.mm.locked_vm, 10);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-19: locking the same pages again counts against the limit as if they were others', () => {
    const process = drawn('mid|wwwwwwww|');
    assert.equal(call(process, lock(process, 0, 5)), 0);
    assert.equal(call(process, lock(process, 0, 5)), -ENOMEM);
    assert.equal(process.mm.locked_vm, 5);
  });

  it('MM-19: a limit of 0 is -EPERM, but not for root', () => {
    const process = drawn('mid|ww|');
    process.task.rlim.RLIMIT_MEMLOCK = 0;
    assert.deepEqual([call(process, lock(process, 0, 1)), call(process, sys_mlockall(process.k, MCL_FUTURE))], [-EPERM, -EPERM]);
    process.task.euid = 0;
    assert.deepEqual([call(process, lock(process, 0, 1)), call(process, sys_mlockall(process.k, MCL_FUTURE))], [0, 0]);
  });

  it('MM-9: a split that max_map_count forbids is -EAGAIN', () => {
    check({
      from: 'mid|wwww|',
      run(p) {
        p.k.sysctl.max_map_count = 1;
        return lock(p, 1, 2);
      },
      to: 'mid|wwww|', result: -EAGAIN,
    });
  });

  it('F-15: memory without access cannot be brought in: -EFAULT, but it is locked', () => {
    const process = drawn('mid|n|');
    assert.equal(call(process, lock(process, 0, 1)), -14);
    assert.equal(process.mm.locked_vm, 1);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('R-6 QK-17: reclaim cannot unmap a locked page', () => {
    const process = drawn('mid|w|');
    call(process, lock(process, 0, 1));
    const page = pte_page(entryAt(process, at(process, 0)));
    set_page_flag(process.k, page, PG_locked);
    assert.equal(try_to_unmap(process.k, page, 0), SWAP_FAIL);
  });
});

describe('munlock', () => {
  it('MM-19: the middle is cut out, and joins what is not locked; its pages stay', () => {
    const process = drawn('mid|wwww|');
    call(process, lock(process, 0, 4));
    assert.equal(call(process, unlock(process, 1, 2)), 0);
    assert.equal(call(process, unlock(process, 2, 3)), 0);
    assert.equal(stateOf(process, 'mid|....|'), 'mid|LWWL|');
    assert.equal(entriesOf(process, 4), 'w\'w\'w\'w\'');
    assert.equal(process.mm.locked_vm, 2);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-19: a hole is -ENOMEM', () => {
    check({ from: 'mid|L.|', run: (p) => unlock(p, 0, 2), to: 'mid|W.|', result: -ENOMEM });
  });
});

describe('mlockall', () => {
  it('MM-19: MCL_CURRENT locks what there is, VMA by VMA, and brings it in', () => {
    const process = drawn('heap|w| mid|wr.s|');
    process.task.euid = 0;
    assert.equal(call(process, sys_mlockall(process.k, MCL_CURRENT)), 0);
    assert.equal(process.mm.locked_vm, 4);
    assert.equal(entriesOf(process, 4), 'w\'z.C\'');
    assert.equal(entriesOf(process, 1, 'heap'), 'w\'');
    assert.equal(process.mm.def_flags, 0);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-19: what cannot be brought in does not keep the rest from it', () => {
    const process = drawn('mid|nw|');
    assert.equal(call(process, sys_mlockall(process.k, MCL_CURRENT)), 0);
    assert.equal(entriesOf(process, 2), '.w\'');
    assert.equal(process.mm.locked_vm, 2);
  });

  it('MM-19: MCL_FUTURE locks what is mapped from now on, by mmap and by brk, and nothing before', () => {
    const process = drawn('mid|w|');
    assert.equal(call(process, sys_mlockall(process.k, MCL_FUTURE)), 0);
    assert.equal(process.mm.locked_vm, 0);
    call(process, sys_mmap2(process.k, at(process, 4), 2 * PAGE_SIZE, RW, ANON, 0));
    call(process, do_brk(process.k, at(process, 0, 'heap'), PAGE_SIZE));
    assert.equal(stateOf(process, 'heap|.| mid|......|'), 'heap|L| mid|w...LL|');
    assert.equal(entriesOf(process, 6), '....w\'w\'');
    assert.equal(process.mm.locked_vm, 3);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-19: munlockall unlocks all, and what is mapped from now on', () => {
    const process = drawn('mid|wl|');
    call(process, sys_mlockall(process.k, MCL_CURRENT | MCL_FUTURE));
    assert.equal(stateOf(process, 'mid|..|'), 'mid|LL|');
    assert.equal(call(process, sys_munlockall(process.k)), 0);
    assert.equal(stateOf(process, 'mid|..|'), 'mid|WW|');
    assert.deepEqual([process.mm.locked_vm, process.mm.def_flags], [0, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-19: no flag or an unknown one is -EINVAL; MCL_CURRENT past the limit -ENOMEM', () => {
    const process = drawn(`mid|${'w'.repeat(9)}|`);
    assert.deepEqual([0, 4].map((flags) => call(process, sys_mlockall(process.k, flags))), [-EINVAL, -EINVAL]);
    assert.equal(call(process, sys_mlockall(process.k, MCL_CURRENT)), -ENOMEM);
    assert.equal(process.mm.locked_vm, 0);
    assert.equal(call(process, sys_mlockall(process.k, MCL_FUTURE)), 0);
  });
});
