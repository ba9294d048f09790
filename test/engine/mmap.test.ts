// Mappings made and taken away: the arguments of mmap, what a mapping is, munmap, the end of an address space (KERNEL.md MM-5 … MM-10, MM-20,
// EV-6).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Process } from './vma-notation.ts';
import { EACCES, EAGAIN, EBADF, EINVAL, ENOMEM, EOVERFLOW, EPERM } from '../../engine/include/errno.ts';
import {
  FMODE_READ, FMODE_WRITE, VM_ACCOUNT, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_READ, VM_SHARED, VM_WRITE,
} from '../../engine/include/mm_types.ts';
import {
  MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_LOCKED, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ,
  PROT_WRITE,
} from '../../engine/include/mman.ts';
import { PG_slab } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte } from '../../engine/arch/pgtable.ts';
import { check_vm } from '../../engine/mm/check_vm.ts';
import { max_mapnr, page_count_raw, test_page_flag } from '../../engine/mm/mem_map.ts';
import { make_pages_present } from '../../engine/mm/memory.ts';
import {
  do_mmap, exit_mmap, find_vma, find_vma_intersection, find_vma_prev, insert_vm_struct, sys_brk, sys_mmap2, sys_munmap,
} from '../../engine/mm/mmap.ts';
import { alloc_vma, free_vma, mm_vmas, new_inode, open_inode, vma_of } from '../../engine/mm/mm_struct.ts';
import { can_vma_merge_before } from '../../engine/mm/vma_merge.ts';
import type { Mapping } from './mmap-calls.ts';
import { PRIVATE, RW, hex, mapAll, mmap, munmap, vmaEvents } from './mmap-calls.ts';
import { anonVmasOf, at, call, check, drawn, lawsBroken, pgoffsOf, processOn, stateOf } from './vma-notation.ts';

/** Pages that somebody holds, but for those of slabs. */
function usedPages(k: Kernel): number {
  const frames = Array.from({ length: max_mapnr(k) }, (_, page) => pfn(page));
  return frames.filter((page) => page_count_raw(k, page) > 0 && !test_page_flag(k, page, PG_slab)).length;
}

describe('mmap: arguments', () => {
  const refused: readonly [string, Mapping & { pages: number }, number][] = [
    ['nothing', { pages: 0 }, -EINVAL],
    ['more than user space', { pages: 0xc0001 }, -ENOMEM],
    ['a length that aligns to 0 in 32 bits', { pages: 0x100000 - 0.5 }, -ENOMEM],
    ['pages of a file past the last that 32 bits number', { pages: 2, flags: MAP_SHARED | MAP_ANONYMOUS, pgoff: 0xfffffffe }, -EOVERFLOW],
    ['neither shared nor private', { pages: 1, flags: MAP_ANONYMOUS }, -EINVAL],
    ['shared and private', { pages: 1, flags: PRIVATE | MAP_SHARED }, -EINVAL],
    ['a fixed address within a page', { pages: 1, addr: 0x50000800, flags: PRIVATE | MAP_FIXED }, -EINVAL],
    ['a fixed address past user space', { pages: 2, addr: 0xbffff000, flags: PRIVATE | MAP_FIXED }, -ENOMEM],
    ['a fixed address of the kernel', { pages: 1, addr: 0xc0001000, flags: PRIVATE | MAP_FIXED }, -ENOMEM],
    ['no file', { pages: 1, flags: MAP_PRIVATE, file: 0 }, -EBADF],
    ['a file that is not open', { pages: 1, flags: MAP_PRIVATE, file: 77 }, -EBADF],
    ['a file that grows downwards', { pages: 1, flags: MAP_PRIVATE | MAP_GROWSDOWN, file: 1 }, -EINVAL],
    ['more than may be locked', { pages: 9, flags: PRIVATE | MAP_LOCKED }, -EAGAIN],
  ];
  for (const [what, { pages, ...mapping }, error] of refused) {
    it(`MM-5 MM-7: ${what}`, () => {
      check({ from: 'mid|....|', run: (p) => mmap(p, pages, mapping), to: 'mid|....|', result: error });
    });
  }

  it('MM-7: the last bytes of user space can be mapped', () => {
    check({ from: 'stack|..|', run: (p) => mmap(p, 1, { addr: 0xbffff000, flags: PRIVATE | MAP_FIXED }), to: 'stack|.w|', result: 0xbffff000 });
  });

  it('MM-7: part of a page is a page', () => {
    check({ from: 'top|....|', run: (p) => sys_mmap2(p.k, 0, 4097, RW, PRIVATE, 0), to: 'top|..ww|' });
  });

  it('MM-7: MAP_LOCKED takes the right to lock, and locked pages are there at once', () => {
    const locked = (p: Process) => mmap(p, 8, { flags: PRIVATE | MAP_LOCKED });
    const process = check({ from: 'top|........|', run: locked, to: 'top|LLLLLLLL|' });
    assert.deepEqual([process.mm.locked_vm, process.mm.anon_rss], [8, 8]);
    const without = drawn('top|........|');
    without.task.rlim.RLIMIT_MEMLOCK = 0;
    assert.equal(call(without, locked(without)), -EPERM);
  });

  it('MM-7: the place of a mapping that then fails is passed over by the next search', () => {
    const refused = drawn('top|........|');
    refused.task.rlim.RLIMIT_MEMLOCK = 0;
    assert.deepEqual(mapAll(refused, [2], { flags: PRIVATE | MAP_LOCKED }), [hex(-EPERM)]);
    assert.deepEqual([mapAll(refused, [2]), stateOf(refused, 'top|........|')], [['b7ffc000'], 'top|....ww..|']);
    refused.task.euid = 0;
    assert.deepEqual([mapAll(refused, [2], { flags: PRIVATE | MAP_LOCKED }), stateOf(refused, 'top|........|')], [['b7ffa000'], 'top|..LLww..|']);
  });

  it('MM-7: after mlockall(MCL_FUTURE) every mapping is locked', () => {
    const future = (p: Process, pages: number) => {
      p.mm.def_flags = VM_LOCKED;
      return mmap(p, pages);
    };
    check({ from: 'top|....|', run: (p) => future(p, 2), to: 'top|..LL|' });
    check({ from: 'top|....|', run: (p) => future(p, 9), to: 'top|....|', result: -EAGAIN });
  });

  it('MM-7: one more VMA than max_map_count is possible, a further one is not', () => {
    const process = drawn('mid|w.w.w|');
    process.k.sysctl.max_map_count = 3;
    assert.ok(call(process, mmap(process, 1, { prot: PROT_READ })) > 0);
    assert.equal(call(process, mmap(process, 1, { prot: PROT_READ })), -ENOMEM);
  });

  it('MM-7: RLIMIT_AS counts pages, after what is in the way is gone', () => {
    const limited = (pages: number, mapping: Mapping) => (p: Process) => {
      p.task.rlim.RLIMIT_AS = 8 * PAGE_SIZE + 4095;
      return mmap(p, pages, mapping);
    };
    check({ from: 'mid|ww| top|......|', run: limited(6, {}), to: 'mid|ww| top|wwwwww|' });
    check({ from: 'mid|ww| top|......|', run: limited(7, {}), to: 'mid|ww| top|......|', result: -ENOMEM });
    const fixed = { addr: 0x50000000, flags: PRIVATE | MAP_FIXED };
    check({ from: 'mid|ww......|', run: limited(8, fixed), to: 'mid|wwwwwwww|', result: 0x50000000 });
  });
});

describe('mmap: what a mapping is', () => {
  const flagsOf = (process: Process, pages: number, mapping: Mapping): number => {
    const address = call(process, mmap(process, pages, mapping));
    return address < 0 ? address : find_vma(process.k, process.mm, address)!.vm_flags;
  };
  const may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

  it('MM-7 MM-16: private memory is promised where it may be written', () => {
    const p = processOn();
    assert.deepEqual(
      [RW, PROT_READ, PROT_WRITE, PROT_NONE].map((prot) => flagsOf(p, 1, { prot })),
      [VM_READ | VM_WRITE | may | VM_ACCOUNT, VM_READ | may, VM_WRITE | may | VM_ACCOUNT, may],
    );
    assert.equal(p.k.vm_committed_space, 2);
    assert.equal(flagsOf(p, 1, { flags: PRIVATE | MAP_NORESERVE }), VM_READ | VM_WRITE | may);
    p.k.sysctl.overcommit_memory = 2;
    assert.equal(flagsOf(p, 1, { flags: PRIVATE | MAP_NORESERVE }), VM_READ | VM_WRITE | may | VM_ACCOUNT);
    assert.equal(p.k.vm_committed_space, 3);
  });

  it('MM-7: what may be mapped of a file, and how, depends on how it was opened', () => {
    const p = processOn();
    const inode = new_inode(p.k, '/other', 'file', 4 * PAGE_SIZE);
    const modes: Record<string, number> = { r: FMODE_READ, w: FMODE_WRITE, rw: FMODE_READ | FMODE_WRITE };
    const tried = (mode: string, flags: number, prot: number): number => {
      const file = open_inode(p.k, inode, modes[mode]!, 0).id;
      return flagsOf(p, 1, { flags, prot, file });
    };
    assert.equal(tried('r', MAP_PRIVATE, PROT_READ), VM_READ | may);
    assert.equal(tried('r', MAP_PRIVATE, RW), VM_READ | VM_WRITE | may | VM_ACCOUNT);
    assert.equal(tried('r', MAP_SHARED, RW), -EACCES);
    assert.equal(tried('r', MAP_SHARED, PROT_READ), VM_READ | VM_MAYREAD | VM_MAYEXEC | VM_MAYSHARE);
    assert.equal(tried('w', MAP_SHARED, PROT_WRITE), -EACCES);
    assert.equal(tried('w', MAP_PRIVATE, PROT_READ), -EACCES);
    assert.equal(tried('rw', MAP_SHARED, RW), VM_READ | VM_WRITE | may | VM_SHARED | VM_MAYSHARE);
    assert.deepEqual(lawsBroken(p), []);
  });

  it('MM-7: shared memory is an object of its own, promised as a whole, whatever of it is mapped', () => {
    const p = processOn();
    assert.equal(flagsOf(p, 3, { flags: MAP_SHARED | MAP_ANONYMOUS }), VM_READ | VM_WRITE | may | VM_SHARED | VM_MAYSHARE);
    assert.deepEqual([p.k.vm_committed_space, p.mm.shared_vm, p.mm.map_count], [3, 3, 1]);
    call(p, sys_munmap(p.k, p.mm.mmap_base - 2 * PAGE_SIZE, PAGE_SIZE));
    assert.deepEqual([stateOf(p, 'top|....|'), p.k.vm_committed_space], ['top|.s.s|', 3]);
    call(p, sys_munmap(p.k, p.mm.mmap_base - 3 * PAGE_SIZE, 3 * PAGE_SIZE));
    assert.deepEqual([p.k.vm_committed_space, p.k.inodes.at(-1), lawsBroken(p)], [0, null, []]);
  });

  it('MM-7: two pieces of shared memory never become one', () => {
    check({ from: 'top|..ss|', run: (p) => mmap(p, 2, { flags: MAP_SHARED | MAP_ANONYMOUS }), to: 'top|ss/ss|' });
  });

  it('MM-7: a file joins its neighbour in the file, when it has been mapped', () => {
    const flags = MAP_PRIVATE | MAP_FIXED;
    const mapped = (pgoff: number) => (p: Process) => mmap(p, 2, { addr: at(p, 2), prot: PROT_READ, flags, file: p.files.f, pgoff });
    const process = check({ from: 'mid|ff..ff|', run: mapped(2), to: 'mid|ffffff|' });
    assert.deepEqual([process.mm.map_count, process.k.files[process.files.f]!.f_count], [1, 2]);
    const apart = check({ from: 'mid|ff..ff|', run: mapped(3), to: 'mid|ff/ff/ff|' });
    assert.deepEqual([pgoffsOf(apart), apart.k.files[apart.files.f]!.f_count], [[0, 3, 4], 4]);
  });

  it('MM-7: no page table is touched', () => {
    const p = processOn();
    call(p, mmap(p, 1000));
    assert.deepEqual([p.mm.nr_ptes, p.mm.anon_rss, p.mm.file_rss], [0, 0, 0]);
  });

  it('MM-7: MAP_POPULATE faults shared memory in, and leaves private memory alone', () => {
    const p = processOn();
    call(p, mmap(p, 3, { flags: MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE }));
    assert.deepEqual([p.mm.file_rss, p.mm.anon_rss], [3, 0]);
    const pte = read_pte(p.k, pte_offset_map(p.k, p.mm, virt(p.mm.mmap_base - PAGE_SIZE))!);
    assert.equal(hex(pte & 0xfff), '27');
    call(p, mmap(p, 3, { flags: PRIVATE | MAP_POPULATE }));
    assert.deepEqual([p.mm.file_rss, p.mm.anon_rss], [3, 0]);
    assert.deepEqual(lawsBroken(p), []);
  });

  it('MM-7: the sizes by kind', () => {
    const p = processOn();
    call(p, mmap(p, 2, { prot: PROT_READ | PROT_EXEC, flags: MAP_PRIVATE, file: p.files.f }));
    call(p, mmap(p, 3, { flags: MAP_PRIVATE, file: p.files.f }));
    call(p, mmap(p, 5, { flags: PRIVATE | MAP_GROWSDOWN }));
    call(p, mmap(p, 7));
    const { total_vm, shared_vm, exec_vm, stack_vm, locked_vm } = p.mm;
    assert.deepEqual({ total_vm, shared_vm, exec_vm, stack_vm, locked_vm }, { total_vm: 17, shared_vm: 5, exec_vm: 2, stack_vm: 5, locked_vm: 0 });
    assert.deepEqual(lawsBroken(p), []);
  });

  it('do_mmap takes bytes, of whole pages', () => {
    const p = processOn();
    const request = { addr: 0, len: PAGE_SIZE, prot: RW, flags: MAP_SHARED };
    const file = p.k.files[p.files.f]!;
    assert.equal(call(p, do_mmap(p.k, file, request, 512)), -EINVAL);
    assert.equal(call(p, do_mmap(p.k, file, request, 2 ** 32 - PAGE_SIZE)), -EINVAL);
    const address = call(p, do_mmap(p.k, file, request, 5 * PAGE_SIZE));
    assert.equal(find_vma(p.k, p.mm, address)!.vm_pgoff, 5);
  });
});

describe('mmap: MAP_FIXED', () => {
  const fixed = (page: number, pages: number, mapping: Mapping = {}) => (p: Process) =>
    mmap(p, pages, { addr: at(p, page), flags: PRIVATE | MAP_FIXED, ...mapping });

  it('MM-7: what is in the way is unmapped', () => {
    check({ from: 'mid|xxxxxx|', run: fixed(2, 2), to: 'mid|xxwwxx|' });
    check({ from: 'mid|xx/xx/xx|', run: fixed(1, 4), to: 'mid|xwwwwx|' });
    check({ from: 'mid|x.ff.s|', run: fixed(0, 6), to: 'mid|wwwwww|' });
    check({ from: 'mid|wwwwww|', run: fixed(2, 2), to: 'mid|wwwwww|' });
    check({ from: 'mid|WWWWWW|', run: fixed(2, 2), to: 'mid|WWWWWW|' });
    check({ from: 'mid|wwwwww|', run: fixed(2, 2, { prot: PROT_READ }), to: 'mid|wwrrww|' });
  });

  it('MM-7: what was in the way stays gone where the mapping then fails', () => {
    const refused = (p: Process) => {
      p.task.rlim.RLIMIT_AS = 5 * PAGE_SIZE;
      return fixed(2, 4)(p);
    };
    check({ from: 'mid|xxxxxx|', run: refused, to: 'mid|xx....|', result: -ENOMEM });
  });

  it('MM-3: an address that is only asked for gives way', () => {
    const hinted = (page: number, pages: number) => (p: Process) => mmap(p, pages, { addr: at(p, page) - 5 });
    check({ from: 'mid|xx....| top|..|', run: hinted(2, 2), to: 'mid|xxww..| top|..|' });
    check({ from: 'mid|xx..xx| top|..|', run: hinted(2, 2), to: 'mid|xxwwxx| top|..|' });
    check({ from: 'mid|xx.xxx| top|..|', run: hinted(2, 2), to: 'mid|xx.xxx| top|ww|' });
    check({ from: 'mid|xx....| top|..|', run: hinted(1, 2), to: 'mid|xx....| top|ww|' });
  });
});

describe('munmap', () => {
  it('MM-10: whole VMAs, their ends, and holes in them', () => {
    check({ from: 'mid|wwww|', run: (p) => munmap(p, 0, 4), to: 'mid|....|', result: 0 });
    check({ from: 'mid|wwww|', run: (p) => munmap(p, 0, 2), to: 'mid|..ww|', result: 0 });
    check({ from: 'mid|wwww|', run: (p) => munmap(p, 2, 4), to: 'mid|ww..|', result: 0 });
    check({ from: 'mid|wwww|', run: (p) => munmap(p, 1, 3), to: 'mid|w..w|', result: 0 });
    check({ from: 'mid|.ww.|', run: (p) => munmap(p, 0, 4), to: 'mid|....|', result: 0 });
  });

  it('MM-10: over several, with the ends of the first and of the last left', () => {
    check({ from: 'mid|wwxx.ffss|', run: (p) => munmap(p, 1, 8), to: 'mid|w.......s|', result: 0 });
    check({ from: 'mid|ww/ww/ww|', run: (p) => munmap(p, 1, 5), to: 'mid|w....w|', result: 0 });
    check({ from: 'mid|wwwwww.xx|', run: (p) => munmap(p, 0, 6), to: 'mid|.......xx|', result: 0 });
    check({ from: 'mid|WW.FF.DD|', run: (p) => munmap(p, 1, 7), to: 'mid|W......D|', result: 0 });
  });

  it('MM-10: where nothing is mapped there is nothing to do', () => {
    check({ from: 'mid|ww....ww|', run: (p) => munmap(p, 2, 6), to: 'mid|ww....ww|', result: 0 });
    check({ from: 'mid|ww......|', run: (p) => munmap(p, 4, 8), to: 'mid|ww......|', result: 0 });
  });

  it('MM-10: an address within a page, one past user space, or no length', () => {
    const refused: [number, number][] = [[0x50000001, 4096], [0xc0001000, 4096], [0xbffff000, 4097], [0x50000000, 0], [-4096, 4096]];
    for (const [start, len] of refused) check({ from: 'mid|ww|', run: (p) => sys_munmap(p.k, start, len), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => sys_munmap(p.k, 0xc0000000, 0), to: 'mid|ww|', result: -EINVAL });
    check({ from: 'mid|ww|', run: (p) => sys_munmap(p.k, 0x50000000, 1), to: 'mid|.w|', result: 0 });
  });

  it('MM-9 MM-10: a hole in a VMA is one VMA more, and refused at the limit; its ends are not, since one VMA goes', () => {
    const limited = (from: number, to: number) => (p: Process) => {
      p.k.sysctl.max_map_count = 2;
      return munmap(p, from, to);
    };
    check({ from: 'mid|wwww.x|', run: limited(1, 3), to: 'mid|wwww.x|', result: -ENOMEM });
    check({ from: 'mid|wwww.x|', run: limited(0, 4), to: 'mid|.....x|', result: 0 });
    check({ from: 'mid|wwww..|', run: limited(0, 2), to: 'mid|..ww..|', result: 0 });
    check({ from: 'mid|wwww..|', run: limited(1, 3), to: 'mid|w/www..|', result: -ENOMEM });
  });

  it('MM-10 MM-16: promises and sizes go back, and VmPeak remembers', () => {
    const p = drawn('mid|wwwwwwww.rr.FF.ss|');
    const { k, mm } = p;
    assert.deepEqual([mm.total_vm, mm.shared_vm, k.vm_committed_space], [14, 4, 10]);
    call(p, munmap(p, 2, 14));
    assert.deepEqual([mm.total_vm, mm.shared_vm, k.vm_committed_space, mm.hiwater_vm], [4, 2, 4, 14]);
    call(p, munmap(p, 0, 17));
    assert.deepEqual([mm.total_vm, mm.shared_vm, k.vm_committed_space, mm.hiwater_vm], [0, 0, 0, 14]);
  });

  it('MM-10: locked pages are unlocked', () => {
    const process = check({ from: 'mid|llll|', run: (p) => munmap(p, 1, 2), to: 'mid|l.ll|', result: 0 });
    assert.equal(process.mm.locked_vm, 3);
  });

  it('MM-10 IV-12: pages and page tables come back, tables as soon as no neighbour needs them', () => {
    const p = processOn();
    const { k, mm } = p;
    const used = usedPages(k);
    const start = 0x50000000 - 2 * PAGE_SIZE;
    call(p, mmap(p, 4, { addr: start, flags: PRIVATE | MAP_FIXED }));
    call(p, make_pages_present(k, virt(start), virt(start + 4 * PAGE_SIZE)));
    assert.deepEqual([mm.nr_ptes, mm.anon_rss], [2, 4]);
    call(p, sys_munmap(k, start, PAGE_SIZE));
    assert.deepEqual([mm.nr_ptes, mm.anon_rss, lawsBroken(p)], [2, 3, []]);
    call(p, sys_munmap(k, start + PAGE_SIZE, PAGE_SIZE));
    assert.deepEqual([mm.nr_ptes, mm.anon_rss, lawsBroken(p)], [1, 2, []]);
    call(p, sys_munmap(k, start + 3 * PAGE_SIZE, PAGE_SIZE));
    assert.deepEqual([mm.nr_ptes, mm.anon_rss, lawsBroken(p)], [1, 1, []]);
    call(p, sys_munmap(k, start, 4 * PAGE_SIZE));
    assert.deepEqual([mm.nr_ptes, mm.anon_rss, mm.hiwater_rss, lawsBroken(p)], [0, 0, 4, []]);
    assert.equal(usedPages(k), used);
  });

  it('MM-10: what others merged with stays in one anon_vma', () => {
    const process = check({ from: 'mid|WWWW|', run: (p) => munmap(p, 1, 2), to: 'mid|W.WW|', result: 0 });
    assert.deepEqual(anonVmasOf(process), [1, 1]);
    call(process, munmap(process, 0, 4));
    assert.deepEqual(process.k.anon_vmas, [null, null]);
  });

  it('EV-6: a hole in a VMA is split twice; then the middle is gone', () => {
    const p = drawn('mid|wwww|');
    const events = vmaEvents(p, () => call(p, munmap(p, 1, 2)));
    assert.deepEqual(events, ['vma_split 1 50001000 2', 'vma_split 2 50002000 3', 'vma_remove 3 50001000 50002000']);
  });

  it('EV-6: a search, a new VMA, one that takes a range in', () => {
    const p = processOn();
    const events = vmaEvents(p, () => mapAll(p, [2, 1]));
    assert.deepEqual(events, [
      'vm_unmapped_area b7ffe000 0 0 1 2000 0 b8000000', 'vma_create 1 b7ffe000 b8000000 100073',
      'vm_unmapped_area b7ffd000 0 2 1 1000 0 b8000000', 'vma_merge 1 b7ffd000 b8000000 3',
    ]);
  });
});

describe('finding VMAs', () => {
  it('MM-6: the first that ends past the address, and the cache', () => {
    const p = drawn('mid|ww..xx|');
    const { k, mm } = p;
    const found = (page: number): [number, number] => [find_vma(k, mm, at(p, page))?.id ?? 0, mm.mmap_cache];
    assert.deepEqual([found(0), found(2), found(1), found(5), found(6)], [[1, 1], [2, 2], [1, 1], [2, 2], [0, 2]]);
    const pair = (page: number): number[] => [find_vma_prev(k, mm, at(p, page)).vma?.id ?? 0, find_vma_prev(k, mm, at(p, page)).prev?.id ?? 0];
    assert.deepEqual([pair(0), pair(3), pair(4), pair(6)], [[1, 0], [2, 1], [2, 1], [0, 2]]);
    const meets = (from: number, to: number): number => find_vma_intersection(k, mm, at(p, from), at(p, to))?.id ?? 0;
    assert.deepEqual([meets(2, 4), meets(2, 5), meets(1, 3), meets(6, 9)], [0, 2, 1, 0]);
  });

  it('MM-6: the cache forgets what is unmapped', () => {
    const p = drawn('mid|ww..xx|');
    find_vma(p.k, p.mm, at(p, 4));
    call(p, munmap(p, 4, 6));
    assert.deepEqual([p.mm.mmap_cache, find_vma(p.k, p.mm, at(p, 4))], [0, null]);
  });

  it('insert_vm_struct takes a VMA where nothing is, with its promise', () => {
    const insert = (page: number, pages: number) => (p: Process): number => {
      const { k, mm } = p;
      const vma = call(p, alloc_vma(k))!;
      vma.vm_mm = mm.id;
      vma.vm_start = at(p, page);
      vma.vm_end = at(p, page + pages);
      vma.vm_flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT;
      vma.vm_page_prot = vma_of(k, mm.mmap[0]!).vm_page_prot;
      const error = insert_vm_struct(k, mm, vma);
      if (error !== 0) free_vma(k, vma);
      else mm.total_vm += pages;
      return error;
    };
    const process = check({ from: 'mid|ww...|', run: insert(2, 2), to: 'mid|ww/ww.|', result: 0 });
    assert.deepEqual(pgoffsOf(process), [0, 0]);
    check({ from: 'mid|ww...|', run: insert(1, 2), to: 'mid|ww...|', result: -ENOMEM });
    const unpromised = (p: Process): number => {
      p.k.sysctl.overcommit_memory = 2;
      p.k.sysctl.overcommit_ratio = 0;
      return insert(2, 2)(p);
    };
    check({ from: 'mid|ww...|', run: unpromised, to: 'mid|ww...|', result: -ENOMEM });
  });
});

describe('the end of an address space', () => {
  it('MM-20: everything goes: pages, tables, VMAs, anon_vmas, promises', () => {
    const p = drawn('heap|www| mid|wwww.rr.FF.ss.mm| stack|gggg|');
    const { k, mm } = p;
    for (const [from, to] of [[0, 4], [11, 13]] as const) call(p, make_pages_present(k, at(p, from), at(p, to)));
    assert.deepEqual([mm.anon_rss, mm.file_rss, lawsBroken(p)], [4, 2, []]);
    call(p, exit_mmap(k, mm));
    assert.deepEqual([mm.mmap, mm.map_count, mm.nr_ptes, mm.anon_rss, mm.file_rss, k.vm_committed_space], [[], 0, 0, 0, 0, 0]);
    assert.deepEqual([k.vmas.every((vma) => vma === null), k.anon_vmas.every((anon) => anon === null)], [true, true]);
  });
});

describe('many mappings', () => {
  it('MM-7: 65,536 of them, and one more, in a few seconds', function () {
    this.timeout(60_000);
    const p = processOn();
    const { k, mm } = p;
    const started = Date.now();
    for (let i = 0; i <= 65536; i++) assert.ok(call(p, mmap(p, 1, { prot: i % 2 === 0 ? PROT_READ : PROT_NONE })) > 0);
    assert.equal(mm.map_count, 65537);
    assert.equal(call(p, mmap(p, 1, { prot: PROT_EXEC })), -ENOMEM);
    assert.equal(call(p, sys_munmap(k, mm.mmap_base - 65537 * PAGE_SIZE, 65537 * PAGE_SIZE)), 0);
    assert.deepEqual([mm.map_count, mm.total_vm], [0, 0]);
    assert.ok(Date.now() - started < 20_000, `${Date.now() - started} ms`);
  });
});

/** Neighbours that vma_merge would join. */
function couldBeOne({ k, mm }: Process): string[] {
  const vmas = mm_vmas(k, mm);
  return vmas.flatMap((vma, i) => {
    const next = vmas[i + 1];
    if (next === undefined || next.vm_start !== vma.vm_end) return [];
    const range = { addr: vma.vm_start, end: vma.vm_end, vm_flags: vma.vm_flags, anon_vma: vma.anon_vma, file: vma.vm_file, pgoff: vma.vm_pgoff };
    return can_vma_merge_before(next, range) ? [`${hex(vma.vm_start)} and ${hex(next.vm_start)}`] : [];
  });
}

describe('whatever is mapped and unmapped', () => {
  const width = 24;
  const step = fc.record({
    kind: fc.constantFrom('map', 'map', 'unmap', 'brk', 'anywhere'), page: fc.nat(width - 1), pages: fc.integer({ min: 1, max: 8 }),
    prot: fc.constantFrom(PROT_NONE, PROT_READ, RW, PROT_READ | PROT_EXEC),
    what: fc.constantFrom('private', 'private', 'shared', 'file', 'file shared'),
  });

  for (const arch of ['i386', 'x86_64'] as const) {
    it(`IV-11 IV-15: every page is what was last done to it, no two neighbours could be one, and nothing is promised in vain: ${arch}`, () => {
      fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const p = processOn({ arch });
        const { k, mm } = p;
        const model: number[] = Array<number>(width + 8).fill(-1);
        for (const { kind, page, pages, prot, what } of steps) {
          const file = what.startsWith('file') ? p.files.f : 0;
          const flags = (what.endsWith('shared') ? MAP_SHARED : MAP_PRIVATE) | (file === 0 ? MAP_ANONYMOUS : 0);
          if (kind === 'map') {
            assert.equal(call(p, mmap(p, pages, { addr: at(p, page), prot, flags: flags | MAP_FIXED, file, pgoff: page })), at(p, page));
            model.fill(prot, page, page + pages);
          } else if (kind === 'unmap') {
            assert.equal(call(p, munmap(p, page, page + pages)), 0);
            model.fill(-1, page, page + pages);
          } else if (kind === 'brk') call(p, sys_brk(k, at(p, page, 'heap') + pages));
          else assert.ok(call(p, mmap(p, pages, { prot, flags, file, pgoff: page })) > 0);
        }
        const seen = model.map((_, page) => {
          const vma = find_vma_intersection(k, mm, at(p, page), at(p, page + 1));
          return vma === null ? -1 : vma.vm_flags & 7;
        });
        assert.deepEqual(seen, model);
        assert.deepEqual([lawsBroken(p), couldBeOne(p)], [[], []]);
        call(p, exit_mmap(k, mm));
        mm.mm_users = 0;
        assert.deepEqual([k.vm_committed_space, check_vm(k)], [0, []]);
      }), { numRuns: 60, seed: 20060920 });
    });
  }
});
