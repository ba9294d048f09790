// Reverse mapping: from a page to the entries that name it (KERNEL.md R-1 … R-8, T-3).

import assert from 'node:assert/strict';
import type { vm_area_struct } from '../../engine/include/mm_types.ts';
import type { Spaces } from './address-spaces.ts';
import { EFAULT, ENOMEM } from '../../engine/include/errno.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { VM_LOCKED, VM_MAYSHARE, VM_NONLINEAR, VM_READ, VM_SHARED } from '../../engine/include/mm_types.ts';
import { NR_ANON_PAGES, NR_FILE_DIRTY, NR_FILE_MAPPED } from '../../engine/include/mmzone.ts';
import { PG_dirty, PG_locked, PG_referenced, PG_swapcache } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { tlb_load, tlb_lookup } from '../../engine/arch/tlb.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { add_to_page_cache, remove_from_page_cache, unlock_page } from '../../engine/mm/filemap.ts';
import {
  PageAnon, clear_page_flag, page_count, page_index, page_mapcount, page_mapping_raw, set_page_flag, test_page_flag,
} from '../../engine/mm/mem_map.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import {
  SWAP_AGAIN, SWAP_FAIL, SWAP_SUCCESS, __anon_vma_merge, anon_vma_link, anon_vma_prepare, anon_vma_unlink, linear_page_index, page_address_in_vma,
  page_add_anon_rmap, page_add_new_anon_rmap, page_check_address, page_referenced, page_remove_rmap, try_to_unmap,
} from '../../engine/mm/rmap.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { booted, entries, fileOf, map, meanwhile, page, space, vma } from './address-spaces.ts';
import { onDisk } from './page-cache.ts';

const prepare = ({ k }: Spaces, area: vm_area_struct): number => run_to_end(k, anon_vma_prepare(k, area));
const address = (number: string) => virt(parseInt(number, 16) * PAGE_SIZE);

/** VMAs that an anon_vma lists, by the page number of their start. */
const listed = ({ k }: Spaces, id: number): string => k.anon_vmas[id]!.vmas.map((member) => (k.vmas[member]!.vm_start / PAGE_SIZE).toString(16)).join(' ');

/** A second address space with a copy of a VMA, as fork makes it. */
function copied(at: Spaces, name: string, area: vm_area_struct): vm_area_struct {
  const range = `${(area.vm_start / PAGE_SIZE).toString(16)}-${(area.vm_end / PAGE_SIZE).toString(16)}`;
  const copy = vma(at, name, range, { flags: area.vm_flags, pgoff: area.vm_pgoff });
  copy.anon_vma = area.anon_vma;
  anon_vma_link(at.k, copy);
  return copy;
}

/** Pages a (accessed) and b in A, mapped by its child B as well. */
function forked(aFlags: string, bFlags: string): Spaces {
  const at = booted();
  const area = vma(at, 'A', '40000-40008');
  prepare(at, area);
  const copy = copied(at, 'B', area);
  map(at, area, '40001', 'a', aFlags);
  map(at, copy, '40001', 'a', bFlags);
  return at;
}

/** A page of a file that is in the page cache. */
function cached(at: Spaces, name: string, path: string, index: number) {
  const file = at.k.inodes.find((inode) => inode?.path === path) ?? fileOf(at, path, 64);
  run_to_end(at.k, add_to_page_cache(at.k, page(at, name), file, index, GFP_KERNEL));
  unlock_page(at.k, page(at, name));
  return file;
}

/** Page 3 of a file, mapped by A at 40003 and by B, from its second page on, at 50002. */
function sharedFile(aFlags: string, bFlags: string, bVma = RO_SHARED): Spaces {
  const { at, file } = onDisk(64);
  cached(at, 'a', file.path, 3);
  const first = vma(at, 'A', '40000-40008', { flags: RO_SHARED, file });
  const second = vma(at, 'B', '50000-50004', { flags: bVma, pgoff: 1, file });
  vma(at, 'C', '60000-60002', { flags: RO_SHARED, file });
  vma(at, 'C', '70000-70008', { flags: RO_SHARED, pgoff: 4, file });
  map(at, first, '40003', 'a', aFlags);
  map(at, second, '50002', 'a', bFlags);
  return at;
}

const RO_SHARED = VM_READ | VM_SHARED | VM_MAYSHARE;

describe('anon_vma', () => {
  it('R-1: a VMA gets one when it first needs it, and only once', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    assert.deepEqual([prepare(at, area), area.anon_vma, listed(at, area.anon_vma)], [0, 1, '40000']);
    assert.deepEqual([prepare(at, area), listed(at, area.anon_vma), at.k.anon_vmas.length], [0, '40000', 2]);
    assert.notEqual(at.k.anon_vmas[1]!.address, 0);
  });

  it('R-1: it is the next VMA\'s, else the one before, where the two could become one', () => {
    const at = booted();
    const areas = ['40000-40002', '40002-40004', '40004-40006', '50000-50002'].map((range) => vma(at, 'A', range));
    prepare(at, areas[0]!);
    prepare(at, areas[3]!);
    prepare(at, areas[1]!);
    prepare(at, areas[2]!);
    assert.deepEqual(areas.map((area) => area.anon_vma), [1, 1, 1, 2]);
    assert.equal(listed(at, 1), '40000 40002 40004');
  });

  it('R-1: with both neighbours it is the next one\'s', () => {
    const at = booted();
    const areas = ['40000-40002', '40002-40004', '40004-40006'].map((range) => vma(at, 'A', range));
    areas[1]!.vm_flags = VM_READ;
    prepare(at, areas[0]!);
    prepare(at, areas[2]!);
    areas[1]!.vm_flags = areas[0]!.vm_flags;
    prepare(at, areas[1]!);
    assert.deepEqual(areas.map((area) => area.anon_vma), [1, 2, 2]);
  });

  it('R-1: without memory the answer is -ENOMEM and the VMA has none', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    while (run_to_end(at.k, alloc_page(at.k, GFP_KERNEL)) !== NO_PAGE);
    const spent: number[] = [];
    while (spent.at(-1) !== -ENOMEM && spent.length < 1000) {
      area.anon_vma = 0;
      spent.push(prepare(at, area));
    }
    assert.deepEqual([spent.at(-1), area.anon_vma], [-ENOMEM, 0]);
  });

  it('R-1: who slept for its memory, and has one by then, takes that', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    const coming = anon_vma_prepare(at.k, area);
    const { value } = meanwhile(at.k, coming, () => prepare(at, area));
    assert.deepEqual([value, area.anon_vma, listed(at, area.anon_vma), at.k.anon_vmas.filter((known) => known !== null).length], [0, 1, '40000', 1]);
  });

  it('R-1: fork links the child\'s VMA to the same one, at the tail; the last VMA that leaves frees it', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    prepare(at, area);
    const copy = copied(at, 'B', area);
    assert.deepEqual(at.k.anon_vmas[1]!.vmas, [area.id, copy.id]);
    anon_vma_unlink(at.k, area);
    assert.deepEqual(at.k.anon_vmas[1]!.vmas, [copy.id]);
    anon_vma_unlink(at.k, copy);
    assert.deepEqual([at.k.anon_vmas[1], at.k.free_ids.anon_vmas], [null, [1]]);
    const bare = vma(at, 'C', '40000-40008');
    anon_vma_unlink(at.k, bare);
    anon_vma_link(at.k, bare);
    assert.equal(at.k.anon_vmas[1], null);
  });

  it('R-1: a VMA that is merged into its neighbour leaves the list; with another anon_vma that is a BUG', () => {
    const at = booted();
    const [first, second, other] = ['40000-40002', '40002-40004', '50000-50002'].map((range) => vma(at, 'A', range));
    prepare(at, first!);
    prepare(at, second!);
    prepare(at, other!);
    __anon_vma_merge(at.k, first!, second!);
    assert.equal(listed(at, 1), '40000');
    assert.throws(() => __anon_vma_merge(at.k, first!, other!), /kernel BUG at mm\/rmap\.c:__anon_vma_merge: the anon_vmas differ/);
  });
});

describe('a page\'s place', () => {
  it('R-2: index and address follow from each other by vm_start and vm_pgoff', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008', { pgoff: 0x70 });
    prepare(at, area);
    map(at, area, '40003', 'a', '');
    assert.deepEqual([linear_page_index(area, virt(address('40003') + 123)), page_index(at.k, page(at, 'a'))], [0x73, 0x73]);
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), area), address('40003'));
  });

  it('R-2: a page of another anon_vma, or outside a VMA that was cut, is not there', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    const other = vma(at, 'A', '50000-50008');
    prepare(at, area);
    prepare(at, other);
    map(at, area, '40003', 'a', '');
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), other), -EFAULT);
    const stranger = vma(at, 'C', '40000-40008');
    prepare(at, stranger);
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), stranger), -EFAULT);
    const copy = copied(at, 'B', area);
    copy.vm_end = address('40003');
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), copy), -EFAULT);
    copy.vm_end = address('40008');
    copy.vm_start = address('40004');
    copy.vm_pgoff = 0x40004;
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), copy), -EFAULT);
  });

  it('R-2: a page of a file is where its file is mapped, but in nonlinear mappings; a page without mapping is nowhere', () => {
    const at = sharedFile('', '');
    const [first, second] = ['A', 'B'].map((name) => at.k.vmas[space(at, name).mmap[0]!]!);
    const other = vma(at, 'D', '70000-70008', { file: fileOf(at, '/bin/other', 8) });
    const anonymous = vma(at, 'D', '80000-80008');
    assert.deepEqual([first!, second!].map((area) => page_address_in_vma(at.k, page(at, 'a'), area)), [address('40003'), address('50002')]);
    assert.deepEqual([other, anonymous].map((area) => page_address_in_vma(at.k, page(at, 'a'), area)), [-EFAULT, -EFAULT]);
    first!.vm_flags |= VM_NONLINEAR;
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), first!), -EFAULT);
    assert.equal(page_address_in_vma(at.k, page(at, 'unmapped'), second!), -EFAULT);
  });

  it('R-2 X-1: page numbers of x86_64 need more than 32 bits', () => {
    const at = booted({ arch: 'x86_64' });
    const area = vma(at, 'A', '7fffff000-7fffff010');
    prepare(at, area);
    map(at, area, '7fffff005', 'a', 'A');
    assert.equal(page_address_in_vma(at.k, page(at, 'a'), area), address('7fffff005'));
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 1);
  });

  it('R-6: an entry is found only where it names the page', () => {
    const at = forked('A', '');
    const mm = space(at, 'A');
    assert.notEqual(page_check_address(at.k, page(at, 'a'), mm, address('40001')), null);
    assert.equal(page_check_address(at.k, page(at, 'a'), mm, address('40002')), null);
    assert.equal(page_check_address(at.k, page(at, 'a'), mm, address('80000')), null);
    assert.equal(page_check_address(at.k, page(at, 'b'), mm, address('40001')), null);
  });
});

describe('counting entries', () => {
  const counters = ({ k }: Spaces): number[] => [global_page_state(k, NR_ANON_PAGES), global_page_state(k, NR_FILE_MAPPED)];

  it('R-4: the first entry of an anonymous page gives it its anon_vma and index, and counts it; more entries count in the page alone', () => {
    const at = booted();
    const area = vma(at, 'A', '40000-40008');
    prepare(at, area);
    const a = page(at, 'a');
    page_add_new_anon_rmap(at.k, a, area, address('40005'));
    assert.deepEqual([page_mapcount(at.k, a), PageAnon(at.k, a), page_mapping_raw(at.k, a), page_index(at.k, a)], [1, true, 3, 0x40005]);
    page_add_anon_rmap(at.k, a, area, address('40002'));
    assert.deepEqual([page_mapcount(at.k, a), page_index(at.k, a), ...counters(at)], [2, 0x40005, 1, 0]);
    page_remove_rmap(at.k, a);
    assert.deepEqual([page_mapcount(at.k, a), ...counters(at)], [1, 1, 0]);
    page_remove_rmap(at.k, a);
    assert.deepEqual([page_mapcount(at.k, a), ...counters(at), page_mapping_raw(at.k, a)], [0, 0, 0, 3]);
    page_add_anon_rmap(at.k, a, area, address('40002'));
    assert.deepEqual([page_mapcount(at.k, a), page_index(at.k, a), ...counters(at)], [1, 0x40002, 1, 0]);
  });

  it('R-4: a page of a file counts as mapped from the first entry to the last', () => {
    const at = sharedFile('', '');
    assert.deepEqual([page_mapcount(at.k, page(at, 'a')), ...counters(at)], [2, 0, 1]);
    page_remove_rmap(at.k, page(at, 'a'));
    assert.deepEqual(counters(at), [0, 1]);
    page_remove_rmap(at.k, page(at, 'a'));
    assert.deepEqual(counters(at), [0, 0]);
  });

  it('R-4: an entry too many that goes is a BUG, and so is an anonymous page of a VMA without anon_vma', () => {
    const at = booted();
    assert.throws(() => page_remove_rmap(at.k, page(at, 'a')), /kernel BUG at mm\/rmap\.c:page_remove_rmap: page_mapcount\(\d+\) went negative/);
    assert.throws(() => page_add_new_anon_rmap(at.k, page(at, 'b'), vma(at, 'A', '40000-40008'), address('40000')), /the VMA has no anon_vma/);
  });
});

describe('page_referenced', () => {
  it('R-5: PG_referenced and the accessed bit of every entry count one each, and are cleared', () => {
    const at = forked('A', 'AD');
    set_page_flag(at.k, page(at, 'a'), PG_referenced);
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 3);
    assert.equal(entries(at), 'A 40001=a:R | B 40001=a:RD');
    assert.deepEqual([test_page_flag(at.k, page(at, 'a'), PG_referenced), page_referenced(at.k, page(at, 'a'), 0)], [false, 0]);
  });

  it('R-5: an entry that was not used counts nothing; EV-3: the event says how many were looked at', () => {
    const at = forked('', 'A');
    set_tracing(at.k, 1);
    const since = at.k.trace.ring.seq;
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 1);
    const event = trace_records(at.k, since).find(({ name }) => name === 'mm_page_referenced')!;
    assert.deepEqual(event.args, { pfn: page(at, 'a'), referenced: 1, ptes: 2 });
  });

  it('R-5: the walk ends when as many entries were seen as name the page', () => {
    const at = forked('A', '');
    const later = copied(at, 'C', at.k.vmas[space(at, 'A').mmap[0]!]!);
    map(at, later, '40001', 'a', 'A');
    page_remove_rmap(at.k, page(at, 'a'));
    const before = at.k.now;
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 1);
    assert.equal(at.k.now - before, 2 * at.k.cost.pte);
    assert.equal(entries(at), 'A 40001=a:R | B 40001=a:R | C 40001=a:RA');
  });

  it('R-5: the TLB forgets the entry, so that the next use is seen', () => {
    const at = forked('A', '');
    at.k.tlbs[0]!.mm = space(at, 'A').id;
    tlb_load(at.k, address('40001'), 1);
    page_referenced(at.k, page(at, 'a'), 0);
    assert.equal(tlb_lookup(at.k, address('40001')), 0);
  });

  it('R-3 R-5: a page of a file is looked for in every VMA that maps its offset', () => {
    const at = sharedFile('A', 'A');
    set_page_flag(at.k, page(at, 'a'), PG_locked);
    assert.equal(page_referenced(at.k, page(at, 'a'), 1), 2);
    assert.equal(entries(at), 'A 40003=a:R | B 50002=a:R | C');
  });

  it('R-5: without the lock it is tried for, and left again; where somebody else has it, that counts one', () => {
    const at = sharedFile('A', 'A');
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 2);
    assert.equal(test_page_flag(at.k, page(at, 'a'), PG_locked), false);
    set_page_flag(at.k, page(at, 'a'), PG_locked);
    assert.equal(page_referenced(at.k, page(at, 'a'), 0), 1);
    assert.equal(test_page_flag(at.k, page(at, 'a'), PG_locked), true);
    clear_page_flag(at.k, page(at, 'a'), PG_locked);
    assert.throws(() => page_referenced(at.k, page(at, 'a'), 1), /kernel BUG at mm\/rmap\.c:page_referenced_file: page \d+ is not locked/);
  });

  it('R-5: a shared mapping that is locked in memory counts one and ends the walk; a private one does not', () => {
    const locked = sharedFile('', 'A', RO_SHARED | VM_LOCKED);
    assert.equal(page_referenced(locked.k, page(locked, 'a'), 0), 1);
    assert.equal(entries(locked), 'A 40003=a:R | B 50002=a:RA | C');
    const alone = sharedFile('', 'A', VM_READ | VM_LOCKED);
    assert.equal(page_referenced(alone.k, page(alone, 'a'), 0), 1);
    assert.equal(entries(alone), 'A 40003=a:R | B 50002=a:R | C');
  });

  it('R-5: a page that is mapped nowhere is asked for PG_referenced alone', () => {
    const at = booted();
    set_page_flag(at.k, page(at, 'a'), PG_referenced);
    assert.deepEqual([page_referenced(at.k, page(at, 'a'), 1), page_referenced(at.k, page(at, 'a'), 1)], [1, 0]);
  });
});

describe('try_to_unmap', () => {
  /** Unmaps page a, locked as shrink_page_list has it. */
  function unmap(at: Spaces, migration: 0 | 1 = 0): number {
    const a = page(at, 'a');
    set_page_flag(at.k, a, PG_locked);
    const result = try_to_unmap(at.k, a, migration);
    unlock_page(at.k, a);
    return result;
  }

  it('R-6: a page of a file that nobody uses leaves every page table, and nothing stays behind', () => {
    const at = sharedFile('', '');
    const a = page(at, 'a');
    assert.deepEqual([page_count(at.k, a), unmap(at), entries(at)], [4, SWAP_SUCCESS, 'A | B | C']);
    assert.deepEqual([page_count(at.k, a), page_mapcount(at.k, a), global_page_state(at.k, NR_FILE_MAPPED)], [2, 0, 0]);
    assert.deepEqual(['A', 'B'].map((name) => [space(at, name).file_rss, space(at, name).hiwater_rss]), [[0, 1], [0, 1]]);
  });

  it('R-6: an entry that was just used stops it; those before it are gone, the accessed bit is clear, and another try succeeds', () => {
    const at = sharedFile('', 'A');
    assert.deepEqual([unmap(at), entries(at)], [SWAP_FAIL, 'A | B 50002=a:R | C']);
    assert.deepEqual([unmap(at), entries(at)], [SWAP_SUCCESS, 'A | B | C']);
    const first = sharedFile('A', '');
    assert.deepEqual([unmap(first), entries(first)], [SWAP_FAIL, 'A 40003=a:R | B 50002=a:R | C']);
  });

  it('R-6: memory that is locked stops it, used or not', () => {
    const at = sharedFile('', '', RO_SHARED | VM_LOCKED);
    assert.deepEqual([unmap(at), unmap(at), entries(at)], [SWAP_FAIL, SWAP_FAIL, 'A | B 50002=a:R | C']);
  });

  it('R-6 R-8: what was written through an entry turns the page dirty only now', () => {
    const at = sharedFile('', 'WD');
    assert.equal(test_page_flag(at.k, page(at, 'a'), PG_dirty), false);
    unmap(at);
    assert.deepEqual([test_page_flag(at.k, page(at, 'a'), PG_dirty), global_page_state(at.k, NR_FILE_DIRTY)], [true, 1]);
  });

  it('R-6: the TLB forgets the entry', () => {
    const at = sharedFile('', '');
    at.k.tlbs[0]!.mm = space(at, 'B').id;
    tlb_load(at.k, address('50002'), 1);
    unmap(at);
    assert.equal(tlb_lookup(at.k, address('50002')), 0);
  });

  it('R-6: a mapping whose table names another page is passed by, and the answer is to try again', () => {
    const at = sharedFile('', '');
    const hidden = at.k.vmas[space(at, 'B').mmap[0]!]!;
    at.k.inodes[1]!.i_mmap = at.k.inodes[1]!.i_mmap.filter((id) => id !== hidden.id);
    assert.deepEqual([unmap(at), entries(at)], [SWAP_AGAIN, 'A | B 50002=a:R | C']);
  });

  it('R-6 T-3: for migration an entry says where the page was and whether it was writable; use and VM_LOCKED do not protect it', () => {
    const at = forked('WA', 'A');
    at.k.vmas[space(at, 'B').mmap[0]!]!.vm_flags |= VM_LOCKED;
    assert.deepEqual([unmap(at, 1), entries(at)], [SWAP_SUCCESS, 'A 40001=write a | B 40001=read a']);
    assert.deepEqual([page_count(at.k, page(at, 'a')), space(at, 'A').anon_rss], [1, 1]);
    const file = sharedFile('A', 'WAD');
    assert.deepEqual([unmap(file, 1), entries(file)], [SWAP_SUCCESS, 'A 40003=read a | B 50002=write a | C']);
    assert.deepEqual([space(file, 'B').file_rss, test_page_flag(file.k, page(file, 'a'), PG_dirty)], [1, true]);
  });

  it('R-6: an anonymous page without a place in swap, one with, and a page that is not locked are BUGs by name', () => {
    const at = forked('', '');
    assert.throws(() => unmap(at), /kernel BUG at mm\/rmap\.c:try_to_unmap_one: anonymous page \d+ has no place in swap/);
    const swapped = forked('', '');
    set_page_flag(swapped.k, page(swapped, 'a'), PG_swapcache);
    assert.throws(() => unmap(swapped), /swap is not modelled yet/);
    const open = forked('', '');
    assert.throws(() => try_to_unmap(open.k, page(open, 'a'), 0), /kernel BUG at mm\/rmap\.c:try_to_unmap: page \d+ is not locked/);
  });

  it('FM-1: a page that left its file is found in no VMA any more', () => {
    const at = sharedFile('A', 'A');
    set_page_flag(at.k, page(at, 'a'), PG_locked);
    remove_from_page_cache(at.k, page(at, 'a'));
    assert.equal(page_referenced(at.k, page(at, 'a'), 1), 0);
    unlock_page(at.k, page(at, 'a'));
  });
});
