// Stacks that grow (KERNEL.md MM-17, F-1, X-29, SC-14).

import assert from 'node:assert/strict';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { VM_LOCKED } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { find_extend_vma } from '../../engine/mm/memory.ts';
import { find_vma } from '../../engine/mm/mmap.ts';
import { expand_stack } from '../../engine/mm/mmap_stack.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { anonVmasOf, at, call, check, drawn, lawsBroken, pgoffsOf, stateOf } from './vma-notation.ts';

/** Grows the first VMA above a page of `stack`, which is drawn `pages` long, down to a byte in that page. */
const grow = (page: number, pages: number, prepare?: (p: Process) => void) => (p: Process): Generator<Wait, number, void> => {
  prepare?.(p);
  const address = virt(at(p, page, 'stack', pages) + 0x123);
  return expand_stack(p.k, find_vma(p.k, p.mm, address)!, address);
};

describe('expand_stack', () => {
  it('MM-17: the stack begins at the page of the address then, in one anon_vma', () => {
    const process = check({ from: 'stack|....gg|', run: grow(2, 6), to: 'stack|..GGGG|', result: 0 });
    const { k, mm } = process;
    assert.deepEqual([pgoffsOf(process), mm.total_vm, mm.stack_vm, k.vm_committed_space], [[0], 4, 4, 4]);
  });

  it('MM-17: an address that it holds already changes nothing but that it has an anon_vma', () => {
    check({ from: 'stack|...ggg|', run: grow(4, 6), to: 'stack|...GGG|', result: 0 });
  });

  it('MM-17: there is no guard page: it may grow until it touches what is below', () => {
    check({ from: 'stack|xx..gg|', run: grow(2, 6), to: 'stack|xxGGGG|', result: 0 });
  });

  it('MM-17: a stack that merged with nothing has an anon_vma of its own; a neighbour\'s where that could be one with it', () => {
    assert.deepEqual(anonVmasOf(check({ from: 'stack|.WWgg|', run: grow(3, 5), to: 'stack|.WWGG|', result: 0 })), [1, 2]);
    assert.deepEqual(anonVmasOf(check({ from: 'stack|.GGgg|', run: grow(3, 5), to: 'stack|.GG/GG|', result: 0 })), [1, 1]);
  });

  it('MM-17 SC-14: RLIMIT_STACK is the size of the whole VMA', () => {
    const limit = (bytes: number) => (p: Process): void => { p.task.rlim.RLIMIT_STACK = bytes; };
    check({ from: 'stack|....gg|', run: grow(2, 6, limit(4 * PAGE_SIZE)), to: 'stack|..GGGG|', result: 0 });
    check({ from: 'stack|....gg|', run: grow(1, 6, limit(5 * PAGE_SIZE - 1)), to: 'stack|....GG|', result: -ENOMEM });
    const deep = drawn('stack|gg|');
    const { k, mm } = deep;
    const lowest = virt(0xc0000000 - 0x800000);
    assert.equal(call(deep, expand_stack(k, find_vma(k, mm, lowest)!, virt(lowest - 1))), -ENOMEM);
    assert.equal(call(deep, expand_stack(k, find_vma(k, mm, lowest)!, lowest)), 0);
    assert.deepEqual([find_vma(k, mm, lowest)!.vm_start, mm.stack_vm, lawsBroken(deep)], [lowest, 2048, []]);
  });

  it('MM-17: RLIMIT_AS', () => {
    const limit = (pages: number) => (p: Process): void => { p.task.rlim.RLIMIT_AS = pages * PAGE_SIZE; };
    check({ from: 'mid|www| stack|....gg|', run: grow(2, 6, limit(7)), to: 'mid|www| stack|..GGGG|', result: 0 });
    check({ from: 'mid|www| stack|....gg|', run: grow(1, 6, limit(7)), to: 'mid|www| stack|....GG|', result: -ENOMEM });
  });

  it('MM-17: locked stacks count as locked, root\'s without limit', () => {
    const lock = (limit: number, euid: number) => (p: Process): void => {
      for (const id of p.mm.mmap) p.k.vmas[id]!.vm_flags |= VM_LOCKED;
      p.mm.locked_vm = p.mm.total_vm;
      p.task.rlim.RLIMIT_MEMLOCK = limit * PAGE_SIZE;
      p.task.euid = euid;
    };
    const locked = (limit: number, euid: number): [number, number, string[]] => {
      const p = drawn('stack|....gg|');
      const result = call(p, grow(2, 6, lock(limit, euid))(p));
      return [result, p.mm.locked_vm, lawsBroken(p)];
    };
    assert.deepEqual([locked(4, 1000), locked(3, 1000), locked(3, 0)], [[0, 4, []], [-ENOMEM, 2, []], [0, 4, []]]);
  });

  it('MM-16 MM-17: growth is promised', () => {
    const strict = (p: Process): void => {
      p.k.sysctl.overcommit_memory = 2;
      p.k.sysctl.overcommit_ratio = 0;
    };
    const process = check({ from: 'stack|....gg|', run: grow(2, 6, strict), to: 'stack|....GG|', result: -ENOMEM });
    assert.equal(process.k.vm_committed_space, 2);
  });

  it('EV-5: says which VMA grew, and by how many pages', () => {
    const p = drawn('stack|....gg|');
    set_tracing(p.k, 1);
    call(p, grow(1, 6)(p));
    const events = trace_records(p.k).filter(({ name }) => name === 'mm_stack_grow').map(({ args }) => args);
    assert.deepEqual(events, [{ vma: 1, pages: 3 }]);
  });

  it('MM-17: on x86_64 just so, at the end of its user space', () => {
    check({ from: 'stack|....gg|', run: grow(2, 6), to: 'stack|..GGGG|', result: 0, config: { arch: 'x86_64' } });
  });
});

describe('find_extend_vma', () => {
  const found = (p: Process, page: number): number => call(p, find_extend_vma(p.k, p.mm, at(p, page)))?.id ?? 0;

  it('MM-17: the VMA of an address; a stack above grows down to it, nothing else does', () => {
    const p = drawn('mid|ww..xx..gg|');
    assert.deepEqual([found(p, 0), found(p, 2), found(p, 5), found(p, 7), found(p, 10)], [1, 0, 2, 3, 0]);
    assert.equal(stateOf(p, 'mid|..........|'), 'mid|ww..xx.GGG|');
  });

  it('MM-17: a locked stack is present where it has grown', () => {
    const p = drawn('mid|....gg|');
    p.k.vmas[1]!.vm_flags |= VM_LOCKED;
    p.mm.locked_vm = 2;
    assert.deepEqual([found(p, 1), p.mm.anon_rss, p.mm.locked_vm, lawsBroken(p)], [1, 3, 5, []]);
  });
});
