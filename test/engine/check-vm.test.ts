// The state lint sees what no correct run does to address spaces and their pages (KERNEL.md IV-6, IV-7, IV-8, IV-11, IV-12, IV-15, R-1 … ):
// every law is broken once, by hand.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { inode, mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { Pfn, PhysAddr } from '../../engine/include/types.ts';
import type { Process } from './vma-notation.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { VM_LOCKED } from '../../engine/include/mm_types.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED, NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { pte_alloc_map, pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { _PAGE_DIRTY, _PAGE_NX, mk_pte, pte_mkclean, pte_page, pte_wrprotect } from '../../engine/arch/pte.ts';
import { TLB_ENTRIES } from '../../engine/arch/tlb.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { check_vm } from '../../engine/mm/check_vm.ts';
import { get_page, inc_page_mapcount, put_page_testzero, set_page_count, set_page_index, set_page_mapping } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { file_of, free_vma, inode_of, mm_vmas, vma_of } from '../../engine/mm/mm_struct.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { lru_add_drain, lru_cache_add_active } from '../../engine/mm/swap.ts';
import { store, touch } from './entries-notation.ts';
import { at, drawn } from './vma-notation.ts';

/** A sound state with something of everything, and its parts by name. */
interface State {
  process: Process;
  k: Kernel;
  mm: mm_struct;
  /** Its VMAs, in order: `w` in mid has pages 0 and 1, page 1 being the one of zeroes; of file, shared and locked memory one page each is there. */
  vmas: Record<'heap' | 'w' | 'f' | 's' | 'l', vm_area_struct>;
  /** Where the entries of pages of `mid` are, and the frames they name. */
  entry(page: number): PhysAddr;
  frame(page: number): Pfn;
  file: inode;
}

const STATE = 'heap|w| mid|wwwfsl..|';
/** The anonymous page, that of zeroes, those of a file and of shared memory, and one that is locked, by their places in `mid`. */
const [ANON, ZERO, FILE, SHARED, LOCKED, HOLE] = [0, 1, 3, 4, 5, 6];

function sound(config = {}): State {
  const process = drawn(STATE, config);
  const { k, mm } = process;
  touch(process, 'w', 'heap');
  touch(process, 'wr.rww..');
  lru_add_drain(k);
  assert.deepEqual(check_machine(k), []);
  const [heap, w, f, s, l] = mm_vmas(k, mm);
  const entry = (page: number): PhysAddr => pte_offset_map(k, mm, at(process, page))!;
  const frame = (page: number): Pfn => pte_page(read_pte(k, entry(page)));
  return { process, k, mm, vmas: { heap: heap!, w: w!, f: f!, s: s!, l: l! }, entry, frame, file: inode_of(k, file_of(k, f!.vm_file).f_inode) };
}

/** What the lint says of a sound state after it was spoilt. */
function lint(spoil: (state: State) => void, config = {}): string[] {
  const state = sound(config);
  spoil(state);
  return check_vm(state.k);
}

const count = (k: Kernel, item: number, delta: number): void => {
  for_each_zone(k)[0]!.vm_stat[item]! += delta;
};
const forget = ({ k }: State): void => {
  for (const tlb of k.tlbs) tlb.vpn.fill(-1);
};
/** The process's only CPU's TLB entry of a page of `mid` becomes another one. */
const retlb = ({ process, k }: State, page: number, change: (pte: number) => number): void => {
  const vpn = at(process, page) / PAGE_SIZE;
  const tlb = k.tlbs[0]!;
  assert.equal(tlb.vpn[vpn % TLB_ENTRIES], vpn);
  tlb.pte[vpn % TLB_ENTRIES] = change(tlb.pte[vpn % TLB_ENTRIES]!);
};
/** Puts an entry where none should be, with all that goes with one. */
const mapZero = ({ k, mm, process }: State, page: number): void => {
  write_pte(k, pte_offset_map(k, mm, at(process, page))!, mk_pte(k.zero_page, 0x25));
  get_page(k, k.zero_page);
  inc_page_mapcount(k, k.zero_page);
  mm.file_rss++;
};

/** A name, what spoils the state, and what the lint says then; `$` stands for the anonymous page's frame. */
type Breach = [string, (state: State) => void, (state: State) => string[]];

const BREACHES: Record<string, readonly Breach[]> = {
  'IV-6 IV-12 X-48: tables': [
    ['a page that is mapped more often than it knows', ({ k, frame }) => void inc_page_mapcount(k, frame(ANON)), ({ frame }) => [
      `IV-6: page ${frame(ANON)}: its mapcount is 2, 1 entries name it`]],
    ['an entry that was lost', (state) => {
      write_pte(state.k, state.entry(ANON), 0);
      forget(state);
    }, () => ['IV-6: test: anon_rss is 3, 2 entries name anonymous pages', 'IV-6: page $: its mapcount is 1, 0 entries name it',
      'IV-6: NR_ANON_PAGES is 3, there are 2 mapped anonymous pages']],
    ['a wrong anon_rss', ({ mm }) => void mm.anon_rss++, () => ['IV-6: test: anon_rss is 4, 3 entries name anonymous pages']],
    ['a wrong file_rss', ({ mm }) => void mm.file_rss--, () => ['IV-6: test: file_rss is 2, 3 entries name other pages']],
    ['a wrong NR_ANON_PAGES', ({ k }) => count(k, NR_ANON_PAGES, 1), () => ['IV-6: NR_ANON_PAGES is 4, there are 3 mapped anonymous pages']],
    ['a wrong NR_FILE_MAPPED', ({ k }) => count(k, NR_FILE_MAPPED, -1), () => ['IV-6: NR_FILE_MAPPED is 2, there are 3 mapped other pages']],
    ['an entry where no VMA is', (state) => mapZero(state, HOLE), () => ['IV-6: test: the entry for 50006000 lies in no VMA']],
    ['an entry that is not there, where no VMA is', ({ k, entry }) => write_pte(k, entry(HOLE), 0x100), () => [
      'IV-6: test: the entry for 50006000 lies in no VMA']],
    ['an entry that names no frame', ({ k, entry }) => write_pte(k, entry(2), 0x7ffff025), () => [
      'IV-6: test: the entry for 50002000 names frame 524287, which does not exist']],
    ['a wrong nr_ptes', ({ mm }) => void mm.nr_ptes++, () => ['IV-12: test: nr_ptes is 3, it has 2 tables']],
    ['a wrong NR_PAGETABLE', ({ k }) => count(k, NR_PAGETABLE, 2), () => ['IV-12: NR_PAGETABLE is 4, there are 2 tables of the lowest level']],
    ['a table where no VMA is', ({ k, mm }) => void run_to_end(k, pte_alloc_map(k, mm, virt(0x70000000))), () => [
      'IV-12: test: a table serves 70000000, where no VMA is']],
  ],
  'R-2: pages and their VMAs': [
    ['a wrong index', ({ k, frame }) => set_page_index(k, frame(ANON), 7), () => [
      'R-2: test: the entry for 50000000 names page $ of index 7, there belongs 327680']],
    ['another anon_vma', ({ k, vmas, frame }) => set_page_mapping(k, frame(ANON), vmas.heap.anon_vma * 2 + 1), () => [
      'R-2: test: the entry for 50000000 names page $, which is not of its VMA\'s anon_vma']],
  ],
  'IV-7: references': [
    ['one too many', ({ k, frame }) => get_page(k, frame(ANON)), () => ['IV-7: page $: its count is 2, 1 references are known']],
    ['one too few', ({ k, frame }) => void put_page_testzero(k, frame(SHARED)), ({ frame }) => [
      `IV-7: page ${frame(SHARED)}: its count is 1, 2 references are known`]],
    ['of the page of zeroes', ({ k }) => get_page(k, k.zero_page), ({ k }) => [`IV-7: page ${k.zero_page}: its count is 3, 2 references are known`]],
    ['of a page that waits in a pagevec', ({ k }) => {
      const page = run_to_end(k, alloc_page(k, GFP_HIGHUSER));
      lru_cache_add_active(k, page);
      set_page_count(k, page, 0);
    }, ({ k }) => [`IV-7: page ${k.lru_add_active_pvecs[0]!.pages[0]}: its count is 0, 1 references are known`]],
    ['of a page that is on a list alone', ({ k }) => {
      const page = run_to_end(k, alloc_page(k, GFP_HIGHUSER));
      lru_cache_add_active(k, page);
      lru_add_drain(k);
      set_page_count(k, page, 0);
    }, ({ k }) => [`IV-7: page ${newest(k)} is on an LRU list, but nobody holds it`]],
  ],
  'IV-11: VMAs': [
    ['one that reaches into the next', ({ vmas, mm }) => {
      vmas.w.vm_end = virt(vmas.w.vm_end + PAGE_SIZE);
      mm.total_vm++;
    }, ({ frame }) => [`R-2: test: the entry for 50003000 names page ${frame(FILE)}, which is not of its VMA's file`,
      'IV-11: test: VMA 50003000-50004000 begins before 50004000, where the one before it ends', 'IV-15: 6 pages are promised, VMAs and shared memory account for 7']],
    ['two in the wrong order', ({ mm }) => {
      const [first, second] = mm.mmap;
      mm.mmap[0] = second!;
      mm.mmap[1] = first!;
    }, () => ['0804d000', '50000000', '50001000'].map((address) => `IV-6: test: the entry for ${address} lies in no VMA`).concat('IV-11: test: VMA 0804d000-0804e000 begins before 50003000, where the one before it ends')],
    ['one that ends within a page', ({ vmas }) => { vmas.l.vm_end = virt(vmas.l.vm_end - 1); }, () => [
      'IV-11: test: VMA 50005000-50005fff is no whole pages', 'IV-11: test: total_vm is 7, its VMAs have 6.999755859375 pages of that kind',
      'IV-11: test: locked_vm is 1, its VMAs have 0.999755859375 pages of that kind', 'IV-15: 6 pages are promised, VMAs and shared memory account for 5.999755859375']],
    ['one that ends past user space', ({ vmas, mm }) => {
      vmas.l.vm_end = virt(0xc0001000);
      mm.total_vm += 0x6fffb;
      mm.locked_vm += 0x6fffb;
    }, () => ['IV-11: test: VMA 50005000-c0001000 ends past user space', 'IV-15: 6 pages are promised, VMAs and shared memory account for 458753']],
    ['one that says it is elsewhere', ({ vmas }) => { vmas.f.vm_mm = 9; }, () => ['IV-11: test: VMA 50003000-50004000 says it is in mm 9']],
    ['a wrong map_count', ({ mm }) => void mm.map_count++, () => ['IV-11: test: map_count is 6, it has 5 VMAs']],
    ['one that is gone', ({ k, vmas }) => free_vma(k, vmas.f), ({ vmas }) => [`IV-11: test: its VMA ${vmas.f.id} is gone`]],
    ['one that is in no address space', ({ k, mm, vmas }) => {
      mm.mmap.pop();
      mm.map_count--;
      mm.total_vm--;
      mm.locked_vm--;
      assert.equal(vma_of(k, vmas.l.id), vmas.l);
    }, ({ vmas }) => ['IV-6: test: the entry for 50005000 lies in no VMA', `IV-11: VMA ${vmas.l.id} at 50005000 is in 0 places of address spaces`]],
    ...(['total_vm', 'locked_vm', 'shared_vm', 'exec_vm', 'stack_vm', 'reserved_vm'] as const).map((counter): Breach => [
      `a wrong ${counter}`, ({ mm }) => void (mm[counter] += 5), ({ mm }) => [`IV-11: test: ${counter} is ${mm[counter]}, its VMAs have ${mm[counter] - 5} pages of that kind`]]),
    ['locked pages that nobody counted', ({ vmas }) => void (vmas.f.vm_flags |= VM_LOCKED), () => [
      'IV-11: test: locked_vm is 1, its VMAs have 2 pages of that kind']],
  ],
  'R-1 R-3: what joins VMAs': [
    ['a VMA that its anon_vma does not know', ({ k, vmas }) => { k.anon_vmas[vmas.l.anon_vma]!.vmas = []; }, ({ vmas }) => [
      `R-1: anon_vma ${vmas.l.anon_vma} lists VMAs none, those that name it are ${vmas.l.id}`]],
    ['one that it knows twice', ({ k, vmas }) => void k.anon_vmas[vmas.l.anon_vma]!.vmas.push(vmas.l.id), ({ vmas }) => [
      `R-1: anon_vma ${vmas.l.anon_vma} lists VMAs ${vmas.l.id} ${vmas.l.id}, those that name it are ${vmas.l.id}`]],
    ['an anon_vma that nobody needs', ({ k }) => void k.anon_vmas.push({ id: k.anon_vmas.length, address: virt(0), vmas: [] }), ({ k }) => [
      `R-1: anon_vma ${k.anon_vmas.length - 1} has no VMA left`]],
    ['an anon_vma that is gone', ({ k, vmas }) => { k.anon_vmas[vmas.l.anon_vma] = null; }, ({ vmas }) => [
      `R-1: VMA ${vmas.l.id} names anon_vma ${vmas.l.anon_vma}, which is gone`]],
    ['a VMA that its file does not know', ({ file }) => { file.i_mmap = []; }, ({ vmas }) => [
      `R-3: /data: i_mmap lists VMAs none, those that map it are ${vmas.f.id}`]],
    ['a VMA that a file need not know', ({ file, vmas }) => { file.i_mmap_nonlinear = [vmas.f.id]; }, ({ vmas }) => [
      `R-3: /data: i_mmap_nonlinear lists VMAs ${vmas.f.id}, those that map it so are none`]],
  ],
  'IV-15: promises': [
    ['one too many', ({ k }) => void k.vm_committed_space++, () => ['IV-15: 7 pages are promised, VMAs and shared memory account for 6']],
    ['one too few', ({ k }) => void k.vm_committed_space--, () => ['IV-15: 5 pages are promised, VMAs and shared memory account for 6']],
  ],
  'TLB: what a CPU remembers': [
    ['another frame', (state) => retlb(state, ANON, (pte) => pte + PAGE_SIZE), ({ frame }) => [
      `TLB: cpu 0: its entry for 50000000 of test names frame ${frame(ANON) + 1}, the tables name ${frame(ANON)}`]],
    ['a write that the tables forbid', ({ k, entry }) => write_pte(k, entry(ANON), pte_wrprotect(read_pte(k, entry(ANON)))), () => [
      'TLB: cpu 0: its entry for 50000000 of test may be written, the tables forbid it']],
    ['an entry that the tables lack', ({ k, process }) => {
      k.tlbs[0]!.vpn[0] = Math.ceil(at(process, HOLE) / PAGE_SIZE / TLB_ENTRIES) * TLB_ENTRIES;
    }, () => ['TLB: cpu 0: its entry for 50040000 of test is no longer in the tables']],
    ['a dirty bit that was taken away', ({ k, entry }) => write_pte(k, entry(SHARED), pte_mkclean(read_pte(k, entry(SHARED)))), () => [
      'TLB: cpu 0: its entry for 50004000 of test was dirty, and a store through it would not show in the tables']],
    ['an address space that does not know it', ({ mm }) => { mm.cpu_vm_mask[0] = 0; }, () => ['TLB: cpu 0 works in test, which does not know it']],
    ['an address space that is gone', ({ k }) => { k.tlbs[0]!.mm = 77; }, () => ['TLB: cpu 0 works in an address space that is gone']],
  ],
};

/** The frame that was put on a list last. */
function newest(k: Kernel): Pfn {
  for (const zone of for_each_zone(k)) {
    const page = k.mem_map.lru_next[zone.active_list]!;
    if (page !== zone.active_list && k.mem_map._count[page] === 0) return pfn(page);
  }
  assert.fail('no such page');
}

describe('check_vm', () => {
  for (const [law, breaches] of Object.entries(BREACHES)) {
    for (const [what, spoil, expected] of breaches) {
      it(`${law}: ${what}`, () => {
        const before = sound();
        const anon = String(before.frame(ANON));
        const state = sound();
        spoil(state);
        assert.deepEqual(check_vm(state.k), expected(state).map((line) => line.replace('$', anon)));
      });
    }
  }

  it('X-48: an entry without NX in a VMA that may not be executed, and a TLB that still allows it', () => {
    const spoil = ({ k, entry }: State): void => write_pte(k, entry(ANON), read_pte(k, entry(ANON)) - _PAGE_NX);
    assert.deepEqual(lint(spoil, { arch: 'x86_64' }), ['X-48: test: the entry for 0000500000000000 lacks NX in a VMA without VM_EXEC']);
    const stale = (state: State): void => retlb(state, ANON, (pte) => pte - _PAGE_NX);
    assert.deepEqual(lint(stale, { arch: 'x86_64' }), ['TLB: cpu 0: its entry for 0000500000000000 of test may be executed, the tables forbid it']);
  });

  it('is quiet where a TLB allows less than the tables, or a page has no more than the laws ask for', () => {
    assert.deepEqual(lint((state) => retlb(state, ANON, (pte) => pte_wrprotect(pte_mkclean(pte)))), []);
    assert.deepEqual(lint(({ k, entry }) => write_pte(k, entry(ZERO), read_pte(k, entry(ZERO)) | _PAGE_DIRTY)), []);
    assert.deepEqual(lint(({ process }) => void store(process, at(process, LOCKED), 3)), []);
  });

  it('lets an address space be while somebody works in it, but not its entries', () => {
    const spoil = ({ mm, k, frame }: State): void => {
      mm.mmap_sem.activity = -1;
      mm.total_vm++;
      k.vm_committed_space++;
      get_page(k, frame(ANON));
    };
    assert.deepEqual(lint(spoil), []);
    const zero = sound().k.zero_page;
    const spoilEntry = ({ mm, k }: State): void => {
      mm.mmap_sem.activity = 1;
      inc_page_mapcount(k, k.zero_page);
    };
    assert.deepEqual(lint(spoilEntry), [`IV-6: page ${zero}: its mapcount is 2, 1 entries name it`]);
  });

  it('is a part of the check of the whole machine', () => {
    const state = sound();
    state.mm.nr_ptes++;
    assert.deepEqual(check_machine(state.k), ['IV-12: test: nr_ptes is 3, it has 2 tables']);
  });
});
