// The page cache as mappings use it: faults in files, what is read around them, truncation, references to files
// (KERNEL.md FM-1, FM-2, FM-10, FM-12, FM-13, F-7, F-13, F-14, IV-8).

import assert from 'node:assert/strict';
import { radix_tree_lookup, radix_tree_tag_set } from '../../engine/lib/radix-tree.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { Spaces } from './address-spaces.ts';
import { EEXIST } from '../../engine/include/errno.ts';
import { GFP_HIGHUSER, GFP_KERNEL, __GFP_FS } from '../../engine/include/gfp.ts';
import { VM_RAND_READ, VM_READ } from '../../engine/include/mm_types.ts';
import { NR_FILE_DIRTY } from '../../engine/include/mmzone.ts';
import { PG_dirty, PG_locked, PG_referenced, PG_uptodate } from '../../engine/include/page-flags.ts';
import { PAGECACHE_TAG_DIRTY } from '../../engine/include/radix-tree.ts';
import { NO_PAGE, PAGE_SIZE, pfn, pfn_to_phys, phys, virt } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { fill_frame, read_phys } from '../../engine/mm/contents.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import {
  add_to_page_cache, find_get_page, find_get_pages, find_get_pages_contig, find_get_pages_tag, find_lock_page, find_or_create_page, find_trylock_page,
  grab_cache_page_nowait, lock_page, remove_from_page_cache, unlock_page, vma_nopage,
} from '../../engine/mm/filemap.ts';
import { list_pages, max_mapnr, page_count, page_count_raw, page_index, page_mapping_raw, test_page_flag } from '../../engine/mm/mem_map.ts';
import { file_of } from '../../engine/mm/mm_struct.ts';
import { set_page_dirty, test_clear_page_dirty } from '../../engine/mm/page-writeback.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { do_page_cache_readahead, max_sane_readahead } from '../../engine/mm/readahead.ts';
import { truncate_inode_pages, truncate_inode_pages_range } from '../../engine/mm/truncate.ts';
import { PGMAJFAULT, global_page_state, vm_events } from '../../engine/mm/vmstat.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { booted, fileOf, inodeOf, meanwhile, nameOf, page, vma } from './address-spaces.ts';
import { cachedOf, checkCaches, fault, mapped, onDisk } from './page-cache.ts';
import { MiB } from './notation.ts';

/** Puts a page into the cache of a file. */
function add(at: Spaces, added: Pfn, file: inode, index: number): number {
  return run_to_end(at.k, add_to_page_cache(at.k, added, file, index, GFP_KERNEL));
}

describe('the page cache', () => {
  it('FM-1: a page that is added is locked, has a reference more and knows its place; a place that is taken is refused', () => {
    const at = booted();
    const file = fileOf(at, '/data/file', 8);
    const a = page(at, 'a');
    assert.equal(add(at, a, file, 5), 0);
    const [count, isLocked] = [page_count(at.k, a), test_page_flag(at.k, a, PG_locked)];
    assert.deepEqual([count, isLocked, page_mapping_raw(at.k, a), page_index(at.k, a)], [2, true, file.ino * 2, 5]);
    assert.equal(add(at, page(at, 'b'), file, 5), -EEXIST);
    assert.deepEqual([page_count(at.k, page(at, 'b')), cachedOf(file)], [1, '5']);
    unlock_page(at.k, a);
    checkCaches(at);
  });

  it('FM-2: find_get_page gives a reference, or nothing', () => {
    const at = booted();
    const file = fileOf(at, '/data/file', 8);
    add(at, page(at, 'a'), file, 5);
    assert.deepEqual([find_get_page(at.k, file, 5), page_count(at.k, page(at, 'a')), find_get_page(at.k, file, 6)], [page(at, 'a'), 3, NO_PAGE]);
  });

  it('FM-1: only a locked page can be taken out, and its reference is the caller\'s; a lock is not given twice or back twice', () => {
    const at = booted();
    const file = fileOf(at, '/data/file', 8);
    const a = page(at, 'a');
    add(at, a, file, 5);
    assert.throws(() => run_to_end(at.k, lock_page(at.k, a)), /sleeps where nothing could wake it: page 5 of \/data\/file/);
    unlock_page(at.k, a);
    assert.throws(() => unlock_page(at.k, a), /kernel BUG at mm\/filemap\.c:unlock_page/);
    assert.throws(() => remove_from_page_cache(at.k, a), /kernel BUG at mm\/filemap\.c:remove_from_page_cache: page \d+ is not locked/);
    run_to_end(at.k, lock_page(at.k, a));
    remove_from_page_cache(at.k, a);
    assert.deepEqual([page_count(at.k, a), page_mapping_raw(at.k, a), cachedOf(file)], [2, 0, '']);
    checkCaches(at);
  });

  it('EV-4: what comes and goes is an event with the file\'s number and device', () => {
    const at = booted();
    const file = fileOf(at, '/data/file', 8);
    const a = page(at, 'a');
    set_tracing(at.k, 1);
    const since = at.k.trace.ring.seq;
    add(at, a, file, 5);
    remove_from_page_cache(at.k, a);
    const args = { pfn: a, i_ino: file.ino, index: 5, s_dev: 1 };
    const records = trace_records(at.k, since).filter(({ name }) => name.startsWith('mm_filemap'));
    assert.deepEqual(records.map((record) => [record.name, record.args]), [
      ['mm_filemap_add_to_page_cache', args], ['mm_filemap_delete_from_page_cache', args],
    ]);
  });

  it('IV-10 WB-13: only dirty pages of files with a disk are counted', () => {
    const { at, file } = onDisk(8);
    const inMemory = fileOf(at, '/bin/hog', 8);
    for (const [name, inode] of [['a', file], ['b', inMemory]] as const) add(at, page(at, name), inode, 0);
    const dirty = ['a', 'a', 'b', 'c'].map((name) => [set_page_dirty(at.k, page(at, name)), global_page_state(at.k, NR_FILE_DIRTY)]);
    assert.deepEqual(dirty, [[1, 1], [0, 1], [1, 1], [1, 1]]);
    const clean = ['b', 'a', 'a'].map((name) => [test_clear_page_dirty(at.k, page(at, name)), global_page_state(at.k, NR_FILE_DIRTY)]);
    assert.deepEqual(clean, [[1, 1], [1, 0], [0, 0]]);
  });
});

describe('the page cache: looking', () => {
  /** A file whose pages 3, 4, 5 and 9 are cached, 4 and 9 of them marked dirty. */
  function sparse() {
    const at = booted();
    const file = fileOf(at, '/data/file', 20);
    for (const index of [3, 4, 5, 9]) add(at, page(at, `p${index}`), file, index);
    for (const index of [4, 9]) radix_tree_tag_set(file.page_tree, index, PAGECACHE_TAG_DIRTY);
    return { at, file, names: (pages: readonly Pfn[]): string => pages.map((found) => nameOf(at, found)).join(' ') };
  }

  it('FM-2: pages from an offset on, those without a gap, those with a mark; each has a reference more', () => {
    const { at, file, names } = sparse();
    assert.equal(names(find_get_pages(at.k, file, 0, 14)), 'p3 p4 p5 p9');
    assert.equal(names(find_get_pages(at.k, file, 4, 2)), 'p4 p5');
    assert.equal(names(find_get_pages_contig(at.k, file, 3, 14)), 'p3 p4 p5');
    assert.equal(names(find_get_pages_contig(at.k, file, 6, 14)), '');
    assert.deepEqual(find_get_pages_tag(at.k, file, 0, PAGECACHE_TAG_DIRTY, 14).map(({ index }) => index), [4, 9]);
    assert.deepEqual(find_get_pages_tag(at.k, file, 5, PAGECACHE_TAG_DIRTY, 14).map(({ index }) => index), [9]);
    assert.deepEqual([3, 4, 5, 9].map((index) => page_count(at.k, page(at, `p${index}`))), [4, 6, 5, 5]);
  });

  it('FM-2: find_trylock_page gives a locked page without a reference, and none that is locked', () => {
    const { at, file } = sparse();
    unlock_page(at.k, page(at, 'p4'));
    assert.deepEqual([3, 4, 6].map((index) => find_trylock_page(at.k, file, index)), [NO_PAGE, page(at, 'p4'), NO_PAGE]);
    assert.deepEqual([test_page_flag(at.k, page(at, 'p4'), PG_locked), page_count(at.k, page(at, 'p4'))], [true, 2]);
  });

  it('FM-2: find_lock_page and find_or_create_page: what is there; else nothing, or a new page that nobody has filled', () => {
    const { at, file } = sparse();
    const { k } = at;
    unlock_page(k, page(at, 'p4'));
    assert.deepEqual([run_to_end(k, find_lock_page(k, file, 6)), run_to_end(k, find_lock_page(k, file, 4))], [NO_PAGE, page(at, 'p4')]);
    unlock_page(k, page(at, 'p4'));
    assert.equal(run_to_end(k, find_or_create_page(k, file, 4, GFP_HIGHUSER)), page(at, 'p4'));
    const made = run_to_end(k, find_or_create_page(k, file, 6, GFP_HIGHUSER));
    assert.deepEqual([PG_locked, PG_uptodate].map((bit) => test_page_flag(k, made, bit)), [true, false]);
    assert.deepEqual([radix_tree_lookup(file.page_tree, 6), page_count(k, made), k.lru_add_pvecs[0]!.pages], [made, 3, [made]]);
  });

  it('FM-2: grab_cache_page_nowait takes no page that is locked, and no memory that writing pages out would give', () => {
    const { at, file } = sparse();
    const { k } = at;
    set_tracing(k, 1);
    assert.equal(run_to_end(k, grab_cache_page_nowait(k, file, 3)), NO_PAGE);
    unlock_page(k, page(at, 'p4'));
    assert.equal(run_to_end(k, grab_cache_page_nowait(k, file, 4)), page(at, 'p4'));
    const made = run_to_end(k, grab_cache_page_nowait(k, file, 7));
    const { args } = trace_records(k).find(({ name, args: { pfn: allocated } }) => name === 'mm_page_alloc' && allocated === made)!;
    assert.deepEqual([args['gfp_flags'], test_page_flag(k, made, PG_locked), cachedOf(file)], [GFP_HIGHUSER & ~__GFP_FS, true, '3-5 7 9']);
    assert.deepEqual([page_count(k, page(at, 'p3')), page_count(k, page(at, 'p4'))], [2, 3]);
  });
});

describe('what a file holds', () => {
  const bytesOf = ({ k }: Spaces, file: inode, offset: number, count: number): number[] => {
    const found = radix_tree_lookup(file.page_tree, Math.floor(offset / PAGE_SIZE))!;
    return Array.from({ length: count }, (_, i) => read_phys(k, phys(pfn_to_phys(found) + (offset % PAGE_SIZE) + i)));
  };

  it('a page that was read holds the file\'s bytes, the same at every time and on every machine', () => {
    const { at, area, file } = mapped(40);
    fault(at, area, 20);
    for (const index of [4, 20, 35]) {
      const wanted = Array.from({ length: PAGE_SIZE }, (_, i) => file_byte('/data/file', index * PAGE_SIZE + i));
      assert.deepEqual(bytesOf(at, file, index * PAGE_SIZE, PAGE_SIZE), wanted);
    }
    const first = [0, 64, 128, 4097].map((offset) => file_byte('/data/file', offset));
    assert.deepEqual(first, [64, 240, 49, 249]);
  });

  it('no two stretches of 64 bytes are alike, in one file or in two', () => {
    const word = (path: string, offset: number): string => [0, 1, 2, 3].map((i) => file_byte(path, offset + i)).join(' ');
    const words = ['/a', '/b', '/bin/hog'].flatMap((path) => Array.from({ length: 1000 }, (_, n) => word(path, n * 64)));
    assert.equal(new Set(words).size, words.length);
  });

  it('F-14: past the end of the file the last page is zeroes', () => {
    const { at, area, file } = mapped(2);
    file.size = PAGE_SIZE + 1001;
    for (let frame = 0; frame < max_mapnr(at.k); frame++) if (page_count_raw(at.k, pfn(frame)) === 0) fill_frame(at.k, pfn(frame), 0x5a);
    fault(at, area, 1);
    const wanted = Array.from({ length: PAGE_SIZE }, (_, i) => (i < 1001 ? file_byte('/data/file', PAGE_SIZE + i) : 0));
    assert.deepEqual(bytesOf(at, file, PAGE_SIZE, PAGE_SIZE), wanted);
  });
});

describe('filemap_nopage', () => {
  it('FM-12: the first fault reads 32 pages, 16 of them before it, and is the major one', () => {
    const { at, area, file } = mapped(100);
    const results = [50, 50, 34, 65, 33].map((index) => `${index} ${fault(at, area, index)}: ${cachedOf(file)}`);
    assert.deepEqual(results, ['50 MAJOR: 34-65', '50 MINOR: 34-65', '34 MINOR: 34-65', '65 MINOR: 34-65', '33 MAJOR: 17-65']);
    assert.equal(vm_events(at.k, PGMAJFAULT), 2);
    checkCaches(at);
  });

  it('FM-12: the window ends with the file, and does not begin before it', () => {
    const results = [[100, 0], [100, 99], [5, 3], [100, 16], [100, 17]].map(([pages, index]) => {
      const { at, area, file } = mapped(pages!);
      fault(at, area, index!);
      return cachedOf(file);
    });
    assert.deepEqual(results, ['0-31', '83-99', '0-4', '0-31', '1-32']);
  });

  it('F-14: a fault beyond the end of the file finds nothing; the last page may be a part of one', () => {
    const { at, area, file } = mapped(10);
    file.size = 8 * PAGE_SIZE + 1;
    assert.deepEqual([8, 9].map((index) => fault(at, area, index)), ['MINOR', 'SIGBUS'].map((result, i) => (i === 0 ? 'MAJOR' : result)));
    file.size = 0;
    assert.equal(fault(at, area, 0), 'SIGBUS');
  });

  it('FM-12: somebody else, who looks into the memory, is given a page beyond the end all the same', () => {
    const { at, area } = mapped(10);
    inodeOf(at, area).size = PAGE_SIZE;
    at.k.tasks[0]!.mm = 0;
    assert.deepEqual([fault(at, area, 5), cachedOf(inodeOf(at, area))], ['MINOR', '5']);
  });

  it('L-4 L-6: pages that were read ahead stand on the inactive list, last page first; the one that was wanted is referenced', () => {
    const { at, area, file } = mapped(40);
    fault(at, area, 3);
    const { inactive_list, nr_inactive } = zoneNamed(at.k, 'Normal');
    const listed = list_pages(at.k, inactive_list);
    assert.deepEqual(listed.map((cached) => page_index(at.k, cached)), Array.from({ length: 32 }, (_, i) => 31 - i));
    assert.equal(nr_inactive, 32);
    assert.deepEqual(listed.filter((cached) => test_page_flag(at.k, cached, PG_referenced)), [radix_tree_lookup(file.page_tree, 3)!]);
    assert.deepEqual(listed.map((cached) => page_count(at.k, cached)), listed.map(() => 1));
    assert.equal(at.k.lru_add_pvecs[0]!.pages.length, 0);
  });

  it('L-5: a second fault makes the page active', () => {
    const { at, area } = mapped(40);
    fault(at, area, 3);
    fault(at, area, 3);
    assert.deepEqual(list_pages(at.k, zoneNamed(at.k, 'Normal').active_list).map((cached) => page_index(at.k, cached)), [3]);
  });

  it('reading takes a copy_page each, and nothing else', () => {
    const { at, area } = mapped(40);
    const before = at.k.now;
    at.k.cost.copy_page = 1e6;
    fault(at, area, 3);
    assert.equal(Math.floor((at.k.now - before) / 1e6), 32);
  });

  it('FM-12: after 100 misses more than hits nothing is read around them any more; a page that needs no disk is a minor fault then', () => {
    const { at, area, file } = mapped(8000, { config: { memory: 128 * MiB } });
    for (let i = 0; i < 100; i++) assert.equal(fault(at, area, 16 + i * 40), 'MAJOR');
    assert.deepEqual([file.nrpages, file_of(at.k, area.vm_file).f_ra.mmap_miss], [3200, 100]);
    assert.equal(fault(at, area, 7000), 'MINOR');
    assert.equal(file.nrpages, 3201);
    const { f_ra } = file_of(at.k, area.vm_file);
    assert.deepEqual([f_ra.mmap_miss, f_ra.mmap_hit, vm_events(at.k, PGMAJFAULT)], [101, 1, 100]);
    assert.deepEqual([fault(at, area, 7100), fault(at, area, 7100), file.nrpages], ['MINOR', 'MINOR', 3202]);
    assert.deepEqual([fault(at, area, 7200), file.nrpages], ['MAJOR', 3202 + 32]);
    checkCaches(at);
  });

  it('FM-12: MADV_RANDOM reads the page alone; of one that is there already a page is allocated in vain', () => {
    const { at, area, file } = mapped(100, { flags: VM_READ | VM_RAND_READ });
    const allocated = (): number => at.k.trace.counts[TP.mm_page_alloc]!;
    const freed = (): number => at.k.trace.counts[TP.mm_page_free]!;
    assert.deepEqual([fault(at, area, 50), cachedOf(file)], ['MINOR', '50']);
    const before = [allocated(), freed()];
    assert.deepEqual([fault(at, area, 50), cachedOf(file), vm_events(at.k, PGMAJFAULT)], ['MINOR', '50', 0]);
    assert.deepEqual([allocated(), freed()], before.map((count) => count + 1));
    checkCaches(at);
  });

  it('FM-10: no more is read ahead than half of what the node has free or inactive', () => {
    const { at } = mapped(100);
    assert.deepEqual([max_sane_readahead(at.k, 32), max_sane_readahead(at.k, 1e6) < 64 * 256 / 2], [32, true]);
  });

  it('FM-10: what is there already is passed by; the rest is read', () => {
    const { at, file } = mapped(100);
    add(at, page(at, 'a'), file, 12);
    unlock_page(at.k, page(at, 'a'));
    assert.equal(run_to_end(at.k, do_page_cache_readahead(at.k, file, 10, 5)), 4);
    assert.deepEqual([cachedOf(file), run_to_end(at.k, do_page_cache_readahead(at.k, file, 98, 5))], ['10-14', 2]);
  });

  it('FM-10 FM-12: pages that somebody else read while this task slept for memory are used, and its own are freed', () => {
    const results = [VM_READ, VM_READ | VM_RAND_READ].map((flags) => {
      const { at, area, file } = mapped(100, { flags });
      const coming = vma_nopage(at.k, area, virt(area.vm_start + 50 * PAGE_SIZE));
      const { value, got } = meanwhile(at.k, coming, () => fault(at, area, 50));
      checkCaches(at);
      return `${value.page === radix_tree_lookup(file.page_tree, 50)} ${page_count(at.k, value.page)} ${cachedOf(file)} ${got}`;
    });
    assert.deepEqual(results, ['true 2 34-65 32', 'true 3 50 1']);
  });

  it('FM-12: without memory the answer is NOPAGE_OOM, but for a page that is there', () => {
    const { at, area } = mapped(100);
    fault(at, area, 0);
    while (run_to_end(at.k, alloc_page(at.k, GFP_HIGHUSER)) !== NO_PAGE);
    assert.deepEqual([fault(at, area, 80), fault(at, area, 5)], ['OOM', 'MINOR']);
    checkCaches(at);
  });

  it('F-7: a VMA that begins inside the file faults at its own offset', () => {
    const { at, file } = mapped(100);
    const area = vma(at, 'A', '70000-70010', { flags: VM_READ, file, pgoff: 60 });
    assert.deepEqual([fault(at, area, 60), cachedOf(file)], ['MAJOR', '44-75']);
  });
});

describe('truncation', () => {
  const truncate = (at: Spaces, file: inode, lstart: number): void => run_to_end(at.k, truncate_inode_pages(at.k, file, lstart));

  /** A file of 100 pages whose first 60 are cached. */
  function filled() {
    const made = mapped(100);
    run_to_end(made.at.k, do_page_cache_readahead(made.at.k, made.file, 0, 60));
    return made;
  }

  it('F-13 FM-13: pages behind the new end leave the cache and are freed; the rest of a page that is cut is zeroes', () => {
    const { at, file } = filled();
    const [kept, gone] = [radix_tree_lookup(file.page_tree, 20)!, radix_tree_lookup(file.page_tree, 21)!];
    truncate(at, file, 20 * PAGE_SIZE + 100);
    assert.deepEqual([cachedOf(file), page_count_raw(at.k, gone), zoneNamed(at.k, 'Normal').nr_inactive], ['0-20', 0, 21]);
    assert.equal(page_count(at.k, kept), 1);
    const wanted = Array.from({ length: PAGE_SIZE }, (_, i) => (i < 100 ? file_byte('/data/file', 20 * PAGE_SIZE + i) : 0));
    assert.deepEqual(Array.from({ length: PAGE_SIZE }, (_, i) => read_phys(at.k, phys(pfn_to_phys(kept) + i))), wanted);
    checkCaches(at);
  });

  it('F-13: at the border of a page, and from the first page on', () => {
    const { at, file } = filled();
    truncate(at, file, 20 * PAGE_SIZE);
    assert.equal(cachedOf(file), '0-19');
    truncate(at, file, 0);
    truncate(at, file, 0);
    assert.deepEqual([cachedOf(file), zoneNamed(at.k, 'Normal').nr_inactive], ['', 0]);
    checkCaches(at);
  });

  it('FM-13: a page that somebody still holds is no page of the file any more, neither up to date nor dirty', () => {
    const { at, file } = filled();
    const held = find_get_page(at.k, file, 30);
    set_page_dirty(at.k, held);
    truncate(at, file, 0);
    assert.deepEqual([page_mapping_raw(at.k, held), page_count(at.k, held), global_page_state(at.k, NR_FILE_DIRTY)], [0, 1, 0]);
    assert.deepEqual([PG_uptodate, PG_dirty, PG_locked].map((bit) => test_page_flag(at.k, held, bit)), [false, false, false]);
  });

  it('MM-18: a hole takes out whole pages up to its end', () => {
    const { at, file } = filled();
    run_to_end(at.k, truncate_inode_pages_range(at.k, file, 10 * PAGE_SIZE, 50 * PAGE_SIZE));
    assert.equal(cachedOf(file), '0-9 50-59');
    const half = truncate_inode_pages_range(at.k, file, 0, 100);
    assert.throws(() => run_to_end(at.k, half), /kernel BUG at mm\/truncate\.c:truncate_inode_pages_range: the end is within a page/);
  });
});

