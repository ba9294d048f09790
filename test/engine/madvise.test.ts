// madvise, and with it mincore and msync (KERNEL.md MM-18, R-8, F-12, F-13).

import assert from 'node:assert/strict';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Process } from './vma-notation.ts';
import { EACCES, EAGAIN, EBADF, EBUSY, EINVAL, ENOMEM, ENOSYS } from '../../engine/include/errno.ts';
import {
  MADV_DOFORK, MADV_DONTFORK, MADV_DONTNEED, MADV_NORMAL, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_WILLNEED, MAP_ANONYMOUS, MAP_NORESERVE,
  MAP_SHARED, MS_ASYNC, MS_INVALIDATE, MS_SYNC, PROT_READ, PROT_WRITE,
} from '../../engine/include/mman.ts';
import { VM_DONTCOPY, VM_IO, VM_RAND_READ, VM_SEQ_READ } from '../../engine/include/mm_types.ts';
import { PG_dirty } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { pte_page } from '../../engine/arch/pte.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { test_page_flag } from '../../engine/mm/mem_map.ts';
import { sys_mincore } from '../../engine/mm/mincore.ts';
import { sys_mmap2, sys_munmap } from '../../engine/mm/mmap.ts';
import { vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { file_of, inode_of, mm_vmas } from '../../engine/mm/mm_struct.ts';
import { sys_msync } from '../../engine/mm/msync.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { NR_FILE_DIRTY } from '../../engine/include/mmzone.ts';
import { SIGNAL, bytesOf, entriesOf, entryAt, eventsOf, load, store, touch } from './entries-notation.ts';
import { cachedIndices } from './page-cache.ts';
import { at, call, check, drawn, lawsBroken, processOn } from './vma-notation.ts';

const RW = PROT_READ | PROT_WRITE;

/** madvise about pages `from` … `to` of `mid`. */
function advise(process: Process, from: number, to: number, behavior: number): Generator<Wait, number, void> {
  return sys_madvise(process.k, at(process, from), at(process, to) - at(process, from), behavior);
}

const flagsOf = ({ k, mm }: Process, mask: number): number[] => mm_vmas(k, mm).map((vma) => vma.vm_flags & mask);
const cachedOf = ({ k, files }: Process): number[] => cachedIndices(inode_of(k, file_of(k, files.f).f_inode));

describe('madvise: flags of VMAs', () => {
  it('MM-18: SEQUENTIAL, RANDOM and NORMAL take one another\'s place, and cut the VMA', () => {
    const process = drawn('mid|ffff|');
    assert.equal(call(process, advise(process, 1, 3, MADV_SEQUENTIAL)), 0);
    assert.deepEqual(flagsOf(process, VM_SEQ_READ | VM_RAND_READ), [0, VM_SEQ_READ, 0]);
    assert.equal(call(process, advise(process, 0, 4, MADV_RANDOM)), 0);
    assert.deepEqual(flagsOf(process, VM_SEQ_READ | VM_RAND_READ), [VM_RAND_READ]);
    assert.equal(call(process, advise(process, 3, 4, MADV_NORMAL)), 0);
    assert.deepEqual(flagsOf(process, VM_SEQ_READ | VM_RAND_READ), [VM_RAND_READ, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-18: DONTFORK and DOFORK', () => {
    const process = drawn('mid|wwww|');
    assert.equal(call(process, advise(process, 0, 1, MADV_DONTFORK)), 0);
    assert.deepEqual(flagsOf(process, VM_DONTCOPY), [VM_DONTCOPY, 0]);
    assert.equal(call(process, advise(process, 0, 4, MADV_DOFORK)), 0);
    assert.deepEqual(flagsOf(process, VM_DONTCOPY), [0]);
  });

  it('MM-18: what belongs to a device is not to be copied', () => {
    const process = drawn('mid|w|');
    mm_vmas(process.k, process.mm)[0]!.vm_flags |= VM_IO | VM_DONTCOPY;
    assert.equal(call(process, advise(process, 0, 1, MADV_DOFORK)), -EINVAL);
  });

  it('MM-18: a hole alone is -ENOMEM, and the VMA behind it is not meant', () => {
    const process = drawn('mid|..ff|');
    assert.equal(call(process, advise(process, 0, 1, MADV_RANDOM)), -ENOMEM);
    assert.deepEqual(flagsOf(process, VM_RAND_READ), [0]);
    assert.equal(call(process, advise(process, 0, 3, MADV_RANDOM)), -ENOMEM);
    assert.deepEqual(flagsOf(process, VM_RAND_READ), [VM_RAND_READ, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-9: a split that max_map_count forbids is -EAGAIN', () => {
    const process = drawn('mid|ffff|');
    process.k.sysctl.max_map_count = 1;
    assert.equal(call(process, advise(process, 1, 2, MADV_RANDOM)), -EAGAIN);
  });

  it('MM-18: a start within a page, unknown advice, an end that wraps: -EINVAL; a length of 0 is done', () => {
    check({ from: 'mid|ww|', run: (p) => advise(p, 0.5, 1, MADV_NORMAL), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => advise(p, 0, 1, 5), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => sys_madvise(p.k, at(p, 0), 2 ** 32 - PAGE_SIZE, MADV_NORMAL), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => advise(p, 0, 0, 5), to: 'mid|ww|', result: 0 });
  });
});

describe('madvise: MADV_DONTNEED', () => {
  it('MM-18: anonymous contents are lost: the next read sees zeroes', () => {
    const process = drawn('mid|wwww|');
    touch(process, 'wwrw');
    assert.equal(call(process, advise(process, 1, 4, MADV_DONTNEED)), 0);
    assert.equal(entriesOf(process, 4), 'w\'...');
    assert.deepEqual(bytesOf(process, 4), [1, 0, 0, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-18: pages of a file come back as they were, private copies as the file has them', () => {
    const process = drawn('mid|dm|');
    const first = load(process, at(process, 0));
    assert.equal(store(process, at(process, 0), 0x77), 0);
    assert.equal(store(process, at(process, 1), 0x66), 0);
    assert.equal(call(process, advise(process, 0, 2, MADV_DONTNEED)), 0);
    assert.equal(entriesOf(process, 2), '..');
    assert.deepEqual(bytesOf(process, 2), [first, 0x66]);
  });

  it('MM-18: over a hole the rest is done, and the answer is -ENOMEM', () => {
    const process = drawn('mid|ww.ww|');
    touch(process, 'ww.ww');
    assert.equal(call(process, advise(process, 1, 5, MADV_DONTNEED)), -ENOMEM);
    assert.equal(entriesOf(process, 5), 'w\'....');
    assert.equal(call(process, advise(process, 2, 3, MADV_DONTNEED)), -ENOMEM);
    assert.equal(call(process, advise(process, 5, 6, MADV_DONTNEED)), -ENOMEM);
  });

  it('MM-18: locked memory keeps its pages: -EINVAL', () => {
    check({ from: 'mid|l|', run: (p) => advise(p, 0, 1, MADV_DONTNEED), to: 'mid|l|', result: -EINVAL });
  });
});

describe('madvise: MADV_WILLNEED', () => {
  it('MM-18: reads the pages of the file that are missing, and maps none', () => {
    const process = drawn('mid|ffffffff|');
    assert.equal(call(process, advise(process, 2, 5, MADV_WILLNEED)), 0);
    assert.deepEqual(cachedOf(process), [2, 3, 4]);
    assert.equal(entriesOf(process, 8), '........');
    assert.equal(call(process, advise(process, 0, 8, MADV_WILLNEED)), 0);
    assert.deepEqual(cachedOf(process), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-18: anonymous memory has nothing to read: -EBADF; shared memory neither, but it is a file', () => {
    check({ from: 'mid|w|', run: (p) => advise(p, 0, 1, MADV_WILLNEED), to: 'mid|w|', result: -EBADF });
    check({ from: 'mid|s|', run: (p) => advise(p, 0, 1, MADV_WILLNEED), to: 'mid|s|', result: 0 });
  });
});

describe('madvise: MADV_REMOVE', () => {
  /** Shared memory of 4 pages, all written, mapped twice. */
  function shared(flags = 0): { process: Process; one: number; other: number } {
    const process = processOn();
    const one = call(process, sys_mmap2(process.k, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS | flags, 0));
    const { vm_file } = mm_vmas(process.k, process.mm)[0]!;
    const other = call(process, sys_mmap2(process.k, at(process, 0), 4 * PAGE_SIZE, PROT_READ, MAP_SHARED, vm_file));
    for (let page = 0; page < 4; page++) {
      assert.equal(store(process, one + page * PAGE_SIZE, page + 1), 0);
      assert.equal(load(process, other + page * PAGE_SIZE), page + 1);
    }
    return { process, one, other };
  }

  it('MM-18: the pages are gone for everybody, and come back as zeroes', () => {
    const { process, one, other } = shared();
    const inode = process.k.inodes.at(-1)!;
    assert.equal(inode.nrpages, 4);
    assert.equal(call(process, sys_madvise(process.k, virt(one + PAGE_SIZE), 2 * PAGE_SIZE, MADV_REMOVE)), 0);
    assert.deepEqual(cachedIndices(inode), [0, 3]);
    assert.deepEqual([0, 1, 2, 3].map((page) => load(process, other + page * PAGE_SIZE)), [1, 0, 0, 4]);
    assert.equal(vm_committed_exactly(process.k), 4);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-16: where each page was promised by itself, those that go are promised no longer', () => {
    const { process, one } = shared(MAP_NORESERVE);
    assert.equal(vm_committed_exactly(process.k), 4);
    assert.equal(call(process, sys_madvise(process.k, virt(one), 3 * PAGE_SIZE, MADV_REMOVE)), 0);
    assert.equal(vm_committed_exactly(process.k), 1);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('MM-18: it takes a file, shared and writable, that lives in memory alone', () => {
    const { process, other } = shared();
    assert.equal(call(process, sys_madvise(process.k, virt(other), PAGE_SIZE, MADV_REMOVE)), -EACCES);
    check({ from: 'mid|w|', run: (p) => advise(p, 0, 1, MADV_REMOVE), to: 'mid|w|', result: -EINVAL });
    check({ from: 'mid|d|', run: (p) => advise(p, 0, 1, MADV_REMOVE), to: 'mid|d|', result: -EACCES });
    check({ from: 'mid|m|', run: (p) => advise(p, 0, 1, MADV_REMOVE), to: 'mid|m|', result: -ENOSYS });
    check({ from: 'mid|l|', run: (p) => advise(p, 0, 1, MADV_REMOVE), to: 'mid|l|', result: -EINVAL });
  });
});

describe('mincore', () => {
  const ask = (process: Process, from: number, to: number): Generator<Wait, number[] | number, void> => (
    sys_mincore(process.k, at(process, from), at(process, to) - at(process, from)));

  it('tells which pages of a file are in memory, mapped or not', () => {
    const process = drawn('mid|ffffffff|');
    assert.deepEqual(call(process, ask(process, 0, 8)), [0, 0, 0, 0, 0, 0, 0, 0]);
    call(process, advise(process, 2, 4, MADV_WILLNEED));
    assert.deepEqual(call(process, ask(process, 0, 8)), [0, 0, 1, 1, 0, 0, 0, 0]);
    assert.deepEqual(call(process, ask(process, 3, 4.5)), [1, 0]);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('goes over VMAs of several files', () => {
    const process = drawn('mid|fess|');
    store(process, at(process, 3), 1);
    call(process, advise(process, 1, 2, MADV_WILLNEED));
    assert.deepEqual(call(process, ask(process, 0, 4)), [0, 1, 0, 1]);
  });

  it('knows nothing of anonymous memory, nor of holes, nor past user space: -ENOMEM', () => {
    const process = drawn('mid|w.ff.|');
    assert.deepEqual([[0, 1], [1, 3], [2, 5]].map(([from, to]) => call(process, ask(process, from!, to!))), [-ENOMEM, -ENOMEM, -ENOMEM]);
    assert.equal(call(process, sys_mincore(process.k, virt(0xc0000000), PAGE_SIZE)), -ENOMEM);
    assert.equal(call(process, sys_mincore(process.k, at(process, 2), 2 ** 32 - PAGE_SIZE)), -ENOMEM);
  });

  it('wants whole pages: -EINVAL; no bytes are no pages', () => {
    const process = drawn('mid|ff|');
    assert.equal(call(process, ask(process, 0.5, 1)), -EINVAL);
    assert.deepEqual(call(process, ask(process, 0, 0)), []);
  });
});

describe('msync', () => {
  const sync = (process: Process, from: number, to: number, flags: number): Generator<Wait, number, void> => (
    sys_msync(process.k, at(process, from), at(process, to) - at(process, from), flags));

  it('R-8: a store through a shared mapping shows in the page after msync, and not before', () => {
    const process = drawn('mid|mmm|');
    touch(process, 'w.w');
    const pages = [0, 2].map((page) => pte_page(entryAt(process, at(process, page))));
    const dirty = (): boolean[] => pages.map((page) => test_page_flag(process.k, page, PG_dirty));
    assert.deepEqual([entriesOf(process, 3), dirty()], ['C\'.C\'', [false, false]]);
    assert.equal(call(process, sync(process, 0, 1, MS_ASYNC)), 0);
    assert.deepEqual([entriesOf(process, 3), dirty()], ['C.C\'', [true, false]]);
    assert.equal(global_page_state(process.k, NR_FILE_DIRTY), 0, 'the file lives in memory alone');
    assert.deepEqual(lawsBroken(process), []);
  });

  it('R-8: the next store is seen again: the processor does not go on with the entry it knew', () => {
    const process = drawn('mid|m|');
    touch(process, 'w');
    call(process, sync(process, 0, 1, MS_SYNC));
    assert.equal(entriesOf(process, 1), 'C');
    touch(process, 'w');
    assert.equal(entriesOf(process, 1), 'C\'');
  });

  it('EV-6: only dirty entries are written, and flushed one by one', () => {
    const process = drawn('mid|mmmm|');
    touch(process, 'wrw.');
    const events = eventsOf(process, ['pte_set', 'tlb_flush'], () => call(process, sync(process, 0, 4, MS_ASYNC)));
    assert.deepEqual(events, ['pte_set address=@0 why=3', 'tlb_flush start=@0 end=@1', 'pte_set address=@2 why=3', 'tlb_flush start=@2 end=@3']);
  });

  it('private memory and read-only mappings have nothing to tell', () => {
    const process = drawn('mid|dw|');
    touch(process, 'ww');
    assert.equal(call(process, sync(process, 0, 2, MS_SYNC)), 0);
    assert.equal(entriesOf(process, 2), 'w\'w\'');
  });

  it('over a hole the rest is done, and the answer is -ENOMEM', () => {
    const process = drawn('mid|m.m|');
    touch(process, 'w.w');
    assert.equal(call(process, sync(process, 0, 3, MS_ASYNC)), -ENOMEM);
    assert.equal(entriesOf(process, 3), 'C.C');
    assert.equal(call(process, sync(process, 0, 3, MS_ASYNC)), -ENOMEM);
    assert.equal(call(process, sync(process, 1, 2, MS_ASYNC)), -ENOMEM);
    assert.equal(call(process, sync(process, 3, 4, MS_ASYNC)), -ENOMEM);
    assert.equal(call(process, sync(process, 0, 1, MS_ASYNC)), 0);
  });

  it('a range that runs past the last VMA is no error, even after a hole: 2.6.18 forgets it', () => {
    check({ from: 'mid|m.m|', run: (p) => sync(p, 0, 4, MS_ASYNC), to: 'mid|m.m|', result: 0 });
  });

  it('MS_INVALIDATE of locked memory is -EBUSY', () => {
    check({ from: 'mid|l|', run: (p) => sync(p, 0, 1, MS_INVALIDATE), to: 'mid|l|', result: -EBUSY });
    check({ from: 'mid|w|', run: (p) => sync(p, 0, 1, MS_INVALIDATE), to: 'mid|w|', result: 0 });
  });

  it('unknown flags, both kinds at once, a start within a page: -EINVAL; an end that wraps: -ENOMEM; no bytes: 0', () => {
    const process = drawn('mid|m|');
    const { k } = process;
    assert.deepEqual([8, MS_ASYNC | MS_SYNC].map((flags) => call(process, sync(process, 0, 1, flags))), [-EINVAL, -EINVAL]);
    assert.equal(call(process, sync(process, 0.5, 1, MS_ASYNC)), -EINVAL);
    assert.equal(call(process, sys_msync(k, at(process, 0), 2 ** 32 - PAGE_SIZE, MS_ASYNC)), -ENOMEM);
    assert.equal(call(process, sync(process, 0, 0, MS_ASYNC)), 0);
  });

  it('R-8: without msync it is munmap that shows the store', () => {
    const process = drawn('mid|m|');
    touch(process, 'w');
    const page = pte_page(entryAt(process, at(process, 0)));
    assert.equal(call(process, sys_munmap(process.k, at(process, 0), PAGE_SIZE)), 0);
    assert.equal(test_page_flag(process.k, page, PG_dirty), true);
    assert.equal(load(process, at(process, 0)), SIGNAL);
  });
});
