// Shared anonymous memory, and the page cache under random work (KERNEL.md MM-7, MM-16, F-7, L-4, IV-8).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import type { vm_area_struct } from '../../engine/include/mm_types.ts';
import type { Spaces } from './address-spaces.ts';
import { EINVAL, ENOMEM } from '../../engine/include/errno.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { VM_ACCOUNT, VM_MAYSHARE, VM_READ, VM_SHARED, VM_WRITE } from '../../engine/include/mm_types.ts';
import { NR_FILE_DIRTY, NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { PG_referenced, PG_uptodate } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, pfn_to_phys, virt } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { read_phys, write_phys } from '../../engine/mm/contents.ts';
import { fput } from '../../engine/fs/file_table.ts';
import { vma_nopage } from '../../engine/mm/filemap.ts';
import { page_count, page_count_raw, test_page_flag } from '../../engine/mm/mem_map.ts';
import { file_of, get_file, open_inode } from '../../engine/mm/mm_struct.ts';
import { vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { set_page_dirty } from '../../engine/mm/page-writeback.ts';
import { __free_pages, alloc_page } from '../../engine/mm/page_alloc.ts';
import { shmem_zero_setup } from '../../engine/mm/shmem.ts';
import { lru_add_drain } from '../../engine/mm/swap.ts';
import { truncate_inode_pages, truncate_inode_pages_range } from '../../engine/mm/truncate.ts';
import { PGMAJFAULT, global_page_state, vm_events } from '../../engine/mm/vmstat.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { booted, fileOf, inodeOf, meanwhile, page, space, vma } from './address-spaces.ts';
import type { MappingOptions } from './page-cache.ts';
import { cachedOf, checkCaches, fault, mapped } from './page-cache.ts';
import { MiB } from './notation.ts';

describe('shared anonymous memory', () => {
  const sharedFlags = VM_READ | VM_WRITE | VM_SHARED | VM_MAYSHARE;

  /** A shared mapping of so many pages at 40000 (hex), with its object. */
  function shared(pages: number, options: MappingOptions = {}) {
    const at = booted(options.config);
    const area = vma(at, 'A', `40000-${(0x40000 + pages).toString(16)}`, { flags: options.flags ?? sharedFlags | VM_ACCOUNT, pgoff: 0 });
    const error = shmem_zero_setup(at.k, area);
    return { at, area, error };
  }

  const promised = (at: Spaces): number => vm_committed_exactly(at.k);

  it('MM-7: it is a file of its own in memory, open for reading and writing', () => {
    const { at, area, error } = shared(16);
    const { kind, path, major, minor, size, i_count } = inodeOf(at, area);
    assert.deepEqual([error, kind, path, major, minor, size, i_count], [0, 'shmem', '/dev/zero (deleted)', 0, 6, 16 * PAGE_SIZE, 1]);
    assert.deepEqual([file_of(at.k, area.vm_file).f_mode, file_of(at.k, area.vm_file).f_count], [3, 1]);
  });

  it('F-7: the first fault makes a page of zeroes, a minor one; the next finds it', () => {
    const { at, area } = shared(16);
    const dirty = page(at, 'dirty');
    write_phys(at.k, pfn_to_phys(dirty), 0x55);
    __free_pages(at.k, dirty, 0);
    assert.deepEqual([fault(at, area, 3), cachedOf(inodeOf(at, area)), vm_events(at.k, PGMAJFAULT)], ['MINOR', '3', 0]);
    const made = radix_tree_lookup(inodeOf(at, area).page_tree, 3)!;
    assert.deepEqual([made, read_phys(at.k, pfn_to_phys(made)), test_page_flag(at.k, made, PG_uptodate)], [dirty, 0, true]);
    write_phys(at.k, pfn_to_phys(made), 0x66);
    fault(at, area, 3);
    assert.deepEqual([radix_tree_lookup(inodeOf(at, area).page_tree, 3), read_phys(at.k, pfn_to_phys(made))], [made, 0x66]);
    checkCaches(at);
  });

  it('L-4: its page is on the way to the inactive list, and referenced', () => {
    const { at, area } = shared(16);
    fault(at, area, 3);
    const made = radix_tree_lookup(inodeOf(at, area).page_tree, 3)!;
    assert.deepEqual([at.k.lru_add_pvecs[0]!.pages, page_count(at.k, made), test_page_flag(at.k, made, PG_referenced)], [[made], 2, true]);
    lru_add_drain(at.k);
    assert.deepEqual([zoneNamed(at.k, 'Normal').nr_inactive, page_count(at.k, made)], [1, 1]);
  });

  it('F-14: beyond its end there is nothing', () => {
    const { at, area } = shared(16);
    area.vm_end = virt(area.vm_end + PAGE_SIZE);
    assert.deepEqual([fault(at, area, 15), fault(at, area, 16)], ['MINOR', 'SIGBUS']);
  });

  it('MM-16: all of it is promised when it is made, and no longer once nobody refers to it; its pages are freed then', () => {
    const { at, area } = shared(100);
    const file = file_of(at.k, area.vm_file);
    const { ino } = inodeOf(at, area);
    for (let index = 0; index < 40; index++) fault(at, area, index);
    assert.equal(promised(at), 100);
    get_file(file);
    run_to_end(at.k, fput(at.k, file));
    assert.equal(promised(at), 100);
    run_to_end(at.k, fput(at.k, file));
    assert.deepEqual([promised(at), at.k.inodes[ino], at.k.files[file.id], global_page_state(at.k, NR_FILE_PAGES)], [0, null, null, 0]);
    assert.deepEqual([at.k.free_ids.inodes, at.k.free_ids.files, zoneNamed(at.k, 'Normal').nr_inactive], [[ino], [file.id], 0]);
  });

  it('MM-16: with MAP_NORESERVE each page is promised when it is touched, and no longer when it is gone', () => {
    const { at, area } = shared(100, { flags: sharedFlags });
    assert.equal(promised(at), 0);
    for (const index of [5, 6, 7, 5]) fault(at, area, index);
    assert.equal(promised(at), 3);
    const [kept, gone] = [5, 6].map((index) => radix_tree_lookup(inodeOf(at, area).page_tree, index)!);
    run_to_end(at.k, truncate_inode_pages_range(at.k, inodeOf(at, area), 6 * PAGE_SIZE, 7 * PAGE_SIZE));
    assert.deepEqual([promised(at), page_count_raw(at.k, kept!), page_count_raw(at.k, gone!)], [2, 1, 0]);
    run_to_end(at.k, fput(at.k, file_of(at.k, area.vm_file)));
    assert.equal(promised(at), 0);
  });

  it('IV-10: its dirty pages are not counted', () => {
    const { at, area } = shared(16);
    fault(at, area, 3);
    assert.deepEqual([set_page_dirty(at.k, radix_tree_lookup(inodeOf(at, area).page_tree, 3)!), global_page_state(at.k, NR_FILE_DIRTY)], [1, 0]);
  });

  it('F-7: a page that somebody else made while this task slept for memory is used, and promised once', () => {
    const { at, area } = shared(16, { flags: sharedFlags });
    at.k.sysctl.overcommit_memory = 1;
    const coming = vma_nopage(at.k, area, virt(area.vm_start + 3 * PAGE_SIZE));
    const { value, got } = meanwhile(at.k, coming, () => fault(at, area, 3));
    assert.deepEqual([page_count(at.k, value.page), promised(at), got], [3, 1, 1]);
    assert.equal(value.page, radix_tree_lookup(inodeOf(at, area).page_tree, 3));
  });

  it('MM-16: where so much may not be promised, it is not made, or a touch is a SIGBUS', () => {
    const none = { sysctl: [['vm.overcommit_memory', 2], ['vm.overcommit_ratio', 0]] as [never, never][] };
    const { at, area, error } = shared(100, { config: none });
    assert.deepEqual([error, area.vm_file, at.k.inodes.length, promised(at)], [-ENOMEM, 0, 1, 0]);
    const later = shared(100, { config: none, flags: sharedFlags });
    assert.deepEqual([later.error, fault(later.at, later.area, 0), promised(later.at)], [0, 'SIGBUS', 0]);
  });

  it('MM-7: an object larger than its index pages could name is refused: 256 GiB on x86_64', () => {
    const limit = 16 + ((512 * 512) / 2) * 513;
    const answers = [limit, limit + 1].map((pages) => {
      const at = booted({ arch: 'x86_64' });
      return shmem_zero_setup(at.k, vma(at, 'A', `40000-${(0x40000 + pages).toString(16)}`, { flags: sharedFlags }));
    });
    assert.deepEqual(answers, [0, -EINVAL]);
  });

  it('F-7: without memory the answer is NOPAGE_OOM, and nothing more is promised', () => {
    const { at, area } = shared(16, { flags: sharedFlags });
    while (run_to_end(at.k, alloc_page(at.k, GFP_HIGHUSER)) !== NO_PAGE);
    at.k.sysctl.overcommit_memory = 1;
    assert.deepEqual([fault(at, area, 0), promised(at), cachedOf(inodeOf(at, area))], ['OOM', 0, '']);
  });
});

describe('references to files', () => {
  it('a file with a name stays when its last user closes it, with all its pages', () => {
    const { at, area, file } = mapped(40);
    fault(at, area, 3);
    const opened = open_inode(at.k, file, 1, 0);
    run_to_end(at.k, fput(at.k, opened));
    run_to_end(at.k, fput(at.k, file_of(at.k, area.vm_file)));
    assert.deepEqual([at.k.inodes[file.ino] === file, file.i_count, file.nrpages], [true, 0, 32]);
    checkCaches(at);
  });
});

describe('the page cache at random', () => {
  it('IV-8 IV-17: faults, truncations and uses of two files and shared memory keep the laws', () => {
    const step = fc.tuple(fc.constantFrom('fault', 'truncate', 'hole', 'dirty', 'drain'), fc.nat(2), fc.nat(79), fc.nat(PAGE_SIZE - 1));
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const at = booted({ memory: 16 * MiB });
      const files = ['/one', '/two'].map((path) => fileOf(at, path, 80));
      const areas = files.map((file, i) => vma(at, 'A', `${(0x40000 + i * 0x1000).toString(16)}-${(0x40050 + i * 0x1000).toString(16)}`, { file }));
      areas.push(vma(at, 'A', '50000-50050', { flags: VM_SHARED | VM_READ, pgoff: 0 }));
      shmem_zero_setup(at.k, areas[2]!);
      at.k.tasks[0]!.mm = space(at, 'A').id;
      for (const [what, which, index, offset] of steps) act(at, areas[which]!, what, index, offset);
      checkCaches(at);
      assert.equal(vm_committed_exactly(at.k), inodeOf(at, areas[2]!).nrpages);
      for (const area of areas) run_to_end(at.k, truncate_inode_pages(at.k, inodeOf(at, area), 0));
      lru_add_drain(at.k);
      assert.deepEqual([zoneNamed(at.k, 'Normal').nr_active + zoneNamed(at.k, 'Normal').nr_inactive, vm_committed_exactly(at.k)], [0, 0]);
      assert.deepEqual(at.k.log.lines.filter(({ text }) => text.startsWith('Bad page')), []);
    }), { numRuns: 60 });
  });

  function act(at: Spaces, area: vm_area_struct, what: string, index: number, offset: number): void {
    const file = inodeOf(at, area);
    switch (what) {
      case 'fault': assert.match(fault(at, area, index), index * PAGE_SIZE < file.size ? /MINOR|MAJOR/ : /SIGBUS/); break;
      case 'truncate': run_to_end(at.k, truncate_inode_pages(at.k, file, index * PAGE_SIZE + offset)); break;
      case 'hole': run_to_end(at.k, truncate_inode_pages_range(at.k, file, Math.min(index, 40) * PAGE_SIZE, 60 * PAGE_SIZE)); break;
      case 'dirty': if (radix_tree_lookup(file.page_tree, index) !== NO_PAGE) set_page_dirty(at.k, radix_tree_lookup(file.page_tree, index)); break;
      default: lru_add_drain(at.k);
    }
  }
});
