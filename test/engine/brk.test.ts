// The heap: brk and sbrk (KERNEL.md MM-11, MM-12).

import assert from 'node:assert/strict';
import type { Process } from './vma-notation.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { VM_LOCKED } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { sys_brk, sys_sbrk } from '../../engine/mm/mmap.ts';
import { at, call, check, drawn, lawsBroken, processOn, stateOf } from './vma-notation.ts';

describe('brk', () => {
  const brk = (page: number, offset = 0) => (p: Process) => sys_brk(p.k, at(p, page, 'heap') + offset);
  const heapStart = 0x804d000;

  it('MM-11: the heap grows and shrinks by pages, its end by bytes', () => {
    check({ from: 'heap|....|', run: brk(2), to: 'heap|ww..|', result: heapStart + 0x2000 });
    check({ from: 'heap|....|', run: brk(1, 1), to: 'heap|ww..|', result: heapStart + 0x1001 });
    const p = processOn();
    for (const [page, offset, drawing] of [[3, 0, 'www.'], [2, 1, 'www.'], [2, 0, 'ww..'], [4, 0, 'wwww'], [0, 0, '....'], [1, -1, 'w...']] as const) {
      assert.equal(call(p, brk(page, offset)(p)), at(p, page, 'heap') + offset);
      assert.deepEqual([stateOf(p, 'heap|....|'), lawsBroken(p)], [`heap|${drawing}|`, []]);
    }
  });

  it('MM-11: 0, or anything below the end of the text, only asks', () => {
    check({ from: 'heap|....|', run: (p) => sys_brk(p.k, 0), to: 'heap|....|', result: heapStart });
    check({ from: 'heap|....|', run: (p) => sys_brk(p.k, 0x804bfff), to: 'heap|....|', result: heapStart });
  });

  it('MM-11: a mapping in the way refuses, and so does one right behind', () => {
    check({ from: 'heap|...xx.|', run: brk(2), to: 'heap|ww.xx.|', result: heapStart + 0x2000 });
    check({ from: 'heap|...xx.|', run: brk(3), to: 'heap|...xx.|', result: heapStart });
    check({ from: 'heap|...xx.|', run: brk(6), to: 'heap|...xx.|', result: heapStart });
  });

  it('MM-11: RLIMIT_DATA counts from the beginning of the data', () => {
    const limited = (page: number, offset: number) => (p: Process) => {
      p.task.rlim.RLIMIT_DATA = 3 * PAGE_SIZE;
      return brk(page, offset)(p);
    };
    check({ from: 'heap|....|', run: limited(2, 0), to: 'heap|ww..|', result: heapStart + 0x2000 });
    check({ from: 'heap|....|', run: limited(2, 1), to: 'heap|....|', result: heapStart });
  });

  it('MM-12: user space, RLIMIT_AS, locked memory and promises refuse', () => {
    check({ from: 'heap|....|', run: (p) => sys_brk(p.k, 0xc0000001), to: 'heap|....|', result: heapStart });
    check({ from: 'heap|....|', run: (p) => sys_brk(p.k, -1), to: 'heap|....|', result: heapStart });
    const refused: ((p: Process) => void)[] = [
      (p) => { p.task.rlim.RLIMIT_AS = PAGE_SIZE; }, (p) => { p.mm.def_flags = VM_LOCKED; p.task.rlim.RLIMIT_MEMLOCK = PAGE_SIZE; },
      (p) => { p.k.sysctl.overcommit_memory = 2; p.k.sysctl.overcommit_ratio = 0; }, (p) => { p.k.sysctl.max_map_count = -1; },
    ];
    for (const refuse of refused) {
      check({ from: 'heap|....|', run: (p) => { refuse(p); return brk(2)(p); }, to: 'heap|....|', result: heapStart });
    }
  });

  it('MM-12: after mlockall(MCL_FUTURE) the heap is locked and present', () => {
    const process = check({ from: 'heap|....|', run: (p) => { p.mm.def_flags = VM_LOCKED; return brk(2)(p); }, to: 'heap|LL..|' });
    assert.deepEqual([process.mm.locked_vm, process.mm.anon_rss], [2, 2]);
  });

  it('MM-12: it is private memory as any: a mapping that ends there becomes part of it', () => {
    check({ from: 'heap|....|', run: (p) => { p.mm.brk = at(p, 1, 'heap'); return brk(3)(p); }, to: 'heap|.ww.|' });
    check({ from: 'heap|w...|', run: (p) => { p.mm.brk = at(p, 1, 'heap'); return brk(3)(p); }, to: 'heap|www.|' });
    check({ from: 'heap|x...|', run: (p) => { p.mm.brk = at(p, 1, 'heap'); return brk(3)(p); }, to: 'heap|xww.|' });
  });

  it('sbrk says where the heap ended, or -ENOMEM', () => {
    const p = drawn('heap|....x|');
    const answers = [0, 8192, 1, -1, -8192, 8192].map((by) => call(p, sys_sbrk(p.k, by)) - heapStart);
    assert.deepEqual(answers, [0, 0, 8192, 8193, 8192, 0]);
    assert.equal(call(p, sys_sbrk(p.k, 4 * PAGE_SIZE)), -ENOMEM);
    assert.equal(p.mm.brk, heapStart + 8192);
  });
});
