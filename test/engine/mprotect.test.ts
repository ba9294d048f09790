// mprotect: which VMAs it cuts and joins, what it refuses, what it does to entries and to promises (KERNEL.md MM-15, MM-16, T-4, X-11).

import assert from 'node:assert/strict';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { EACCES, EINVAL, ENOMEM } from '../../engine/include/errno.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_NONE, PROT_READ, PROT_SEM, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_EXEC, VM_MAYWRITE } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { _PAGE_NX, pte_exec } from '../../engine/arch/pte.ts';
import { mm_vmas } from '../../engine/mm/mm_struct.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER, vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { SIGNAL, bytesOf, entriesOf, entryAt, eventsOf, store, touch } from './entries-notation.ts';
import { at, call, check, drawn, lawsBroken, processOn } from './vma-notation.ts';

const RW = PROT_READ | PROT_WRITE;

/** mprotect of pages `from` … `to` of `mid`. */
function protect(process: Process, from: number, to: number, prot: number): Generator<Wait, number, void> {
  return sys_mprotect(process.k, at(process, from), at(process, to) - at(process, from), prot);
}

describe('mprotect: the VMAs', () => {
  const cases: readonly [string, string, [number, number, number], string][] = [
    ['a whole VMA changes in place', 'mid|wwww|', [0, 4, PROT_READ], 'mid|vvvv|'],
    ['the beginning is cut off', 'mid|wwww|', [0, 1, PROT_READ], 'mid|vwww|'],
    ['the end is cut off', 'mid|wwww|', [3, 4, PROT_READ], 'mid|wwwv|'],
    ['the middle is cut out: three VMAs', 'mid|wwww|', [1, 3, PROT_READ], 'mid|wvvw|'],
    ['an anon_vma stays with every part', 'mid|WWWW|', [1, 3, PROT_READ], 'mid|WVVW|'],
    ['what turns as its neighbours are becomes one with both', 'mid|wvvw|', [1, 3, RW], 'mid|wwww|'],
    ['with the one before alone', 'mid|wwvv|', [2, 3, RW], 'mid|wwwv|'],
    ['with the one behind alone', 'mid|vvww|', [1, 2, RW], 'mid|vwww|'],
    ['the boundary moves down', 'mid|wwvv|', [1, 2, PROT_READ], 'mid|wvvv|'],
    ['one that goes over several VMAs changes each', 'mid|wvwr|', [0, 3, PROT_READ], 'mid|vvvr|'],
    ['nothing changes where nothing is new', 'mid|wwww|', [1, 3, RW], 'mid|wwww|'],
    ['a file is cut as memory is', 'mid|ffff|', [1, 2, RW], 'mid|fdff|'],
    ['shared memory too', 'mid|ssss|', [1, 2, PROT_READ], 'mid|stss|'],
    ['a length is rounded up to pages', 'mid|wwww|', [0, 0.25, PROT_READ], 'mid|vwww|'],
  ];
  for (const [what, from, [start, end, prot], to] of cases) {
    it(`MM-15: ${what}`, () => {
      check({ from, run: (p) => protect(p, start, end, prot), to, result: 0 });
    });
  }

  it('MM-15: PROT_GROWSDOWN stretches the range to the beginning of a VMA that grows there', () => {
    check({ from: 'mid|.gggg|', run: (p) => protect(p, 3, 4, PROT_NONE | PROT_GROWSDOWN), to: 'mid|.???g|', result: 0 });
    check({ from: 'mid|.wwww|', run: (p) => protect(p, 3, 4, PROT_NONE | PROT_GROWSDOWN), to: 'mid|.wwww|', result: -EINVAL });
    check({ from: 'mid|....gg|', run: (p) => protect(p, 1, 2, PROT_NONE | PROT_GROWSDOWN), to: 'mid|....gg|', result: -ENOMEM });
    check({ from: 'mid|.gggg|', run: (p) => protect(p, 3, 4, PROT_NONE | PROT_GROWSUP), to: 'mid|.gggg|', result: -EINVAL });
  });
});

describe('mprotect: what it refuses', () => {
  it('MM-15: a start within a page, unknown bits, both directions to grow: -EINVAL', () => {
    check({ from: 'mid|ww|', run: (p) => protect(p, 0.5, 1, PROT_READ), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => protect(p, 0, 1, 0x40), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => protect(p, 0, 1, PROT_GROWSDOWN | PROT_GROWSUP), to: 'mid|ww|', result: -EINVAL });
  });

  it('MM-15: PROT_SEM is allowed and means nothing; a length of 0 is done at once', () => {
    check({ from: 'mid|ww|', run: (p) => protect(p, 0, 1, RW | PROT_SEM), to: 'mid|ww|', result: 0 });
    check({ from: 'mid|ww|', run: (p) => protect(p, 0, 0, PROT_NONE), to: 'mid|ww|', result: 0 });
  });

  it('MM-15: a hole is -ENOMEM, wherever it is; what lies before it has changed', () => {
    check({ from: 'mid|.ww|', run: (p) => protect(p, 0, 3, PROT_READ), to: 'mid|.ww|', result: -ENOMEM });
    check({ from: 'mid|ww.ww|', run: (p) => protect(p, 1, 5, PROT_READ), to: 'mid|wv.ww|', result: -ENOMEM });
    check({ from: 'mid|ww..|', run: (p) => protect(p, 0, 4, PROT_READ), to: 'mid|vv..|', result: -ENOMEM });
    check({ from: 'mid|ww|', run: (p) => protect(p, 100, 101, PROT_READ), to: 'mid|ww|', result: -ENOMEM });
  });

  it('MM-15: an end that wraps is -ENOMEM, and nothing has changed', () => {
    check({ from: 'mid|ww|', run: (p) => sys_mprotect(p.k, at(p, 0), 2 ** 32 - 1, PROT_READ), to: 'mid|ww|', result: -ENOMEM });
  });

  it('MM-15: rights that the mapping may never have are -EACCES; what lies before has changed', () => {
    const spoilt = (p: Process): Generator<Wait, number, void> => {
      mm_vmas(p.k, p.mm)[1]!.vm_flags &= ~VM_MAYWRITE;
      return protect(p, 0, 4, RW);
    };
    check({ from: 'mid|rrtt|', run: spoilt, to: 'mid|ww??|', result: -EACCES });
  });

  it('MM-9: a split that max_map_count forbids is -ENOMEM, and what was promised for it is taken back', () => {
    check({
      from: 'mid|rrrr|',
      run(p) {
        p.k.sysctl.max_map_count = 1;
        return protect(p, 1, 2, RW);
      },
      to: 'mid|rrrr|', result: -ENOMEM,
    });
  });
});

describe('mprotect: promises', () => {
  it('MM-16: private memory is promised when it may first be written, and stays so', () => {
    const process = check({ from: 'mid|rrrr|', run: (p) => protect(p, 0, 3, RW), to: 'mid|wwwr|', result: 0 });
    assert.equal(vm_committed_exactly(process.k), 3);
    assert.equal(call(process, protect(process, 0, 3, PROT_READ)), 0);
    assert.equal(vm_committed_exactly(process.k), 3);
    assert.equal(call(process, protect(process, 0, 3, RW)), 0);
    assert.equal(vm_committed_exactly(process.k), 3);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-16: memory that was mapped unpromised (MAP_NORESERVE) is promised when it turns writable again', () => {
    const process = check({ from: 'mid|kkkk|', run: (p) => protect(p, 0, 4, PROT_READ), to: 'mid|rrrr|', result: 0 });
    assert.equal(vm_committed_exactly(process.k), 0);
    assert.equal(call(process, protect(process, 0, 4, RW)), 0);
    assert.equal(vm_committed_exactly(process.k), 4);
  });

  it('MM-16: shared memory has its promise already', () => {
    const process = processOn();
    const length = 4 * PAGE_SIZE;
    const start = call(process, sys_mmap2(process.k, 0, length, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, 0));
    assert.equal(vm_committed_exactly(process.k), 4);
    assert.equal(call(process, sys_mprotect(process.k, virt(start), length / 2, RW)), 0);
    assert.equal(vm_committed_exactly(process.k), 4);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-16: where so much may not be promised the answer is -ENOMEM, and nothing has changed', () => {
    check({
      from: 'mid|rrrr|',
      run(p) {
        p.k.sysctl.overcommit_memory = OVERCOMMIT_NEVER;
        p.k.sysctl.overcommit_ratio = 0;
        return protect(p, 0, 2, RW);
      },
      to: 'mid|rrrr|', result: -ENOMEM,
    });
  });
});

describe('mprotect: the entries', () => {
  it('T-4: read-only: pages stay, dirty stays, a write is SIGSEGV', () => {
    const process = drawn('mid|wwww|');
    touch(process, 'wr.w');
    assert.equal(entriesOf(process, 4), 'w\'z.w\'');
    assert.equal(call(process, protect(process, 0, 4, PROT_READ)), 0);
    assert.equal(entriesOf(process, 4), 'r\'z.r\'');
    assert.deepEqual([store(process, at(process, 0), 9), store(process, at(process, 2), 9)], [SIGNAL, SIGNAL]);
    assert.deepEqual(bytesOf(process, 4), [1, 0, 0, 4]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('T-4: writable again, a private page keeps its read-only entry until it is written; then it is used in place', () => {
    const process = drawn('mid|ww|');
    touch(process, 'ww');
    call(process, protect(process, 0, 2, PROT_READ));
    const frame = entryAt(process, at(process, 0)) >>> 12;
    assert.equal(call(process, protect(process, 0, 2, RW)), 0);
    assert.equal(entriesOf(process, 2), 'r\'r\'');
    assert.equal(store(process, at(process, 0), 7), 0);
    assert.equal(entriesOf(process, 2), 'w\'r\'');
    assert.equal(entryAt(process, at(process, 0)) >>> 12, frame);
    assert.deepEqual(bytesOf(process, 2), [7, 2]);
  });

  it('T-2: without access: there for the kernel alone, and the bytes come back', () => {
    const process = drawn('mid|www|');
    touch(process, 'wrw');
    assert.equal(call(process, protect(process, 0, 3, PROT_NONE)), 0);
    assert.equal(entriesOf(process, 3), 'n\'nn\'');
    assert.deepEqual(bytesOf(process, 3), [SIGNAL, SIGNAL, SIGNAL]);
    assert.deepEqual(lawsBroken(process), []);
    assert.equal(call(process, protect(process, 0, 3, PROT_READ)), 0);
    assert.equal(entriesOf(process, 3), 'r\'zr\'');
    assert.deepEqual(bytesOf(process, 3), [1, 0, 3]);
  });

  it('T-4: shared memory that may be written is writable at once', () => {
    const process = drawn('mid|ss|');
    touch(process, 'w.');
    call(process, protect(process, 0, 2, PROT_READ));
    assert.equal(entriesOf(process, 2), 'c\'.');
    call(process, protect(process, 0, 2, RW));
    assert.equal(entriesOf(process, 2), 'C\'.');
  });

  it('EV-6: each entry that is there is written once, then the processors forget the range', () => {
    const process = drawn('mid|wwww|');
    touch(process, 'w.ww');
    const events = eventsOf(process, ['pte_set', 'tlb_flush'], () => assert.equal(call(process, protect(process, 1, 4, PROT_READ)), 0));
    assert.deepEqual(events, ['pte_set address=@2 why=3', 'pte_set address=@3 why=3', 'tlb_flush start=0 end=3221225472']);
  });

  it('MM-15: pages of several tables change, with holes of 4 MiB between them', () => {
    const process = drawn(`mid|${'w'.repeat(4096)}|`);
    for (const page of [0, 1023, 1024, 3072, 4095]) store(process, at(process, page), 5);
    assert.equal(call(process, protect(process, 1, 4095, PROT_READ)), 0);
    assert.deepEqual([0, 1, 1023, 1024, 3072, 4095].map((page) => store(process, at(process, page), 6)), [0, SIGNAL, SIGNAL, SIGNAL, SIGNAL, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('X-11: on x86_64 what may not be executed carries NX, what may does not', () => {
    const process = drawn('mid|ww|', { arch: 'x86_64' });
    touch(process, 'ww');
    assert.equal(entryAt(process, at(process, 0)) >= _PAGE_NX, true);
    assert.equal(call(process, protect(process, 0, 1, PROT_READ | PROT_EXEC)), 0);
    assert.deepEqual([0, 1].map((page) => pte_exec(entryAt(process, at(process, page)))), [true, false]);
    assert.equal((mm_vmas(process.k, process.mm)[0]!.vm_flags & VM_EXEC) !== 0, true);
    assert.deepEqual(lawsBroken(process), []);
    assert.deepEqual(bytesOf(process, 2), [1, 2]);
  });

  it('X-1: on x86_64 tables that are missing are passed over whole, and what lies behind them is found', () => {
    const process = processOn({ arch: 'x86_64' });
    process.k.sysctl.overcommit_memory = OVERCOMMIT_ALWAYS;
    const length = 2 ** 42;
    const start = call(process, sys_mmap2(process.k, 0, length, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0));
    const pages = [start, start + 2 ** 21, start + 2 ** 30, start + 2 ** 39, start + length - PAGE_SIZE];
    assert.deepEqual(pages.map((page) => store(process, page, 1)), [0, 0, 0, 0, 0]);
    assert.equal(call(process, sys_mprotect(process.k, virt(start), length, PROT_READ)), 0);
    assert.deepEqual(pages.map((page) => store(process, page, 2)), pages.map(() => SIGNAL));
    assert.deepEqual(lawsBroken(process), []);
  });
});
