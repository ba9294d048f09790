// VMAs that become one and that become two (KERNEL.md MM-8, MM-9, R-1): every case of vma_merge, and what keeps neighbours apart.

import assert from 'node:assert/strict';
import type { Process } from './vma-notation.ts';
import type { vma_range } from '../../engine/mm/vma_merge.ts';
import { ENOMEM } from '../../engine/include/errno.ts';
import { VM_ACCOUNT, VM_DONTEXPAND, VM_IO, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_PFNMAP, VM_READ, VM_RESERVED, VM_WRITE } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { copy_vma, find_vma, find_vma_prev } from '../../engine/mm/mmap.ts';
import { mm_vmas, vma_of } from '../../engine/mm/mm_struct.ts';
import { find_mergeable_anon_vma, split_vma, vma_merge } from '../../engine/mm/vma_merge.ts';
import { next_vma, prev_vma, vma_containing, vma_position } from '../../engine/mm/vma_list.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { anonVmasOf, at, call, check, drawn, lawsBroken, pgoffsOf, stateOf } from './vma-notation.ts';

const W = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT;

/** Asks vma_merge for pages `from` … `to` of `mid`, as new private memory unless told otherwise. Returns the case that it was, or 0. */
function merge(process: Process, from: number, to: number, changes: Partial<vma_range> = {}): number {
  const { k, mm } = process;
  const addr = at(process, from);
  const range = { addr, end: at(process, to), vm_flags: W, anon_vma: 0, file: 0, pgoff: addr / PAGE_SIZE, ...changes };
  const { vma, prev } = find_vma_prev(k, mm, addr);
  const before = vma !== null && vma.vm_start < addr ? vma : prev;
  set_tracing(k, 1);
  const merged = vma_merge(k, mm, before, range);
  set_tracing(k, 0);
  const events = trace_records(k).filter(({ name }) => name === 'vma_merge');
  assert.equal(events.length, merged === null ? 0 : 1);
  if (merged === null) return 0;
  assert.deepEqual([events[0]!.args['vma'], events[0]!.args['start'], events[0]!.args['end']], [merged.id, merged.vm_start, merged.vm_end]);
  return events[0]!.args['merge_case']!;
}

/** Merges what mmap or brk would map: the caller counts its pages. */
function grow(process: Process, from: number, to: number, changes: Partial<vma_range> = {}): number {
  const found = merge(process, from, to, changes);
  if (found === 0) return 0;
  process.mm.total_vm += to - from;
  if (((changes.vm_flags ?? W) & VM_ACCOUNT) !== 0) process.k.vm_committed_space += to - from;
  if ((changes.file ?? 0) !== 0) process.mm.shared_vm += to - from;
  return found;
}

/** Changes pages `from` … `to` to read-only as mprotect does, through vma_merge alone. Case 8 leaves the flags to its caller. */
function protect(process: Process, from: number, to: number): number {
  const { vma } = find_vma_prev(process.k, process.mm, at(process, from));
  const flags = W & ~VM_WRITE;
  const { anon_vma, vm_file } = vma!;
  const found = merge(process, from, to, { vm_flags: flags, anon_vma, file: vm_file });
  if (found === 8) vma_containing(process.k, process.mm, at(process, from))!.vm_flags = flags;
  return found;
}

describe('vma_merge: new memory', () => {
  it('MM-8: between two that match, all three become one (case 1)', () => {
    check({ from: 'mid|www..www|', run: (p) => grow(p, 3, 5), to: 'mid|wwwwwwww|', result: 1 });
  });

  it('MM-8: behind one that matches (case 2)', () => {
    check({ from: 'mid|www...www|', run: (p) => grow(p, 3, 5), to: 'mid|wwwww.www|', result: 2 });
    check({ from: 'mid|www..xx|', run: (p) => grow(p, 3, 5), to: 'mid|wwwwwxx|', result: 2 });
    check({ from: 'mid|www....|', run: (p) => grow(p, 3, 5), to: 'mid|wwwww..|', result: 2 });
  });

  it('MM-8: in front of one that matches (case 3)', () => {
    check({ from: 'mid|...wwww|', run: (p) => grow(p, 1, 3), to: 'mid|.wwwwww|', result: 3 });
    check({ from: 'mid|xx..www|', run: (p) => grow(p, 2, 4), to: 'mid|xxwwwww|', result: 3 });
    check({ from: 'mid|x...www|', run: (p) => grow(p, 2, 4), to: 'mid|x.wwwww|', result: 3 });
  });

  it('MM-8: with a gap on both sides it needs a VMA of its own', () => {
    check({ from: 'mid|ww....ww|', run: (p) => grow(p, 3, 5), to: 'mid|ww....ww|', result: 0 });
    check({ from: 'mid|........|', run: (p) => grow(p, 3, 5), to: 'mid|........|', result: 0 });
  });

  it('MM-8: other flags keep VMAs apart, whatever the flag', () => {
    for (const letter of ['r', 'x', 'n', 'v', 'u', 'l', 'g', 'k']) {
      const state = `mid|${letter.repeat(3)}..${letter.repeat(3)}|`;
      check({ from: state, run: (p) => grow(p, 3, 5), to: state, result: 0 });
    }
  });

  it('MM-8: VM_IO, VM_DONTEXPAND, VM_RESERVED and VM_PFNMAP never merge, even with their like', () => {
    for (const special of [VM_IO, VM_DONTEXPAND, VM_RESERVED, VM_PFNMAP]) {
      const process = drawn('mid|www..www|');
      for (const vma of mm_vmas(process.k, process.mm)) vma.vm_flags |= special;
      assert.equal(merge(process, 3, 5, { vm_flags: W | special }), 0);
      assert.equal(stateOf(process, 'mid|........|'), 'mid|???..???|');
    }
  });

  it('MM-8: a file only with the same open file, at the offset that goes on', () => {
    const f = { vm_flags: W & ~(VM_WRITE | VM_ACCOUNT) };
    const mapped = (p: Process, from: number, to: number, pgoff: number, file: 'f' | 'e' = 'f'): number => {
      const id = p.files[file];
      return grow(p, from, to, { ...f, file: id, pgoff });
    };
    check({ from: 'mid|fff..fff|', run: (p) => mapped(p, 3, 5, 3), to: 'mid|ffffffff|', result: 1 });
    check({ from: 'mid|fff..fff|', run: (p) => mapped(p, 3, 4, 3), to: 'mid|ffff.fff|', result: 2 });
    check({ from: 'mid|fff..fff|', run: (p) => mapped(p, 4, 5, 4), to: 'mid|fff.ffff|', result: 3 });
    check({ from: 'mid|fff..fff|', run: (p) => mapped(p, 3, 5, 7), to: 'mid|fff..fff|', result: 0 });
    check({ from: 'mid|fff..eee|', run: (p) => mapped(p, 3, 5, 3), to: 'mid|fffffeee|', result: 2 });
    check({ from: 'mid|fff..fff|', run: (p) => mapped(p, 3, 5, 3, 'e'), to: 'mid|fff..fff|', result: 0 });
    check({ from: 'mid|rrr..rrr|', run: (p) => mapped(p, 3, 5, 3), to: 'mid|rrr..rrr|', result: 0 });
  });

  it('MM-8: the same file but another offset behind: it joins the one before alone', () => {
    const process = drawn('mid|fff..fff|');
    mm_vmas(process.k, process.mm)[1]!.vm_pgoff = 9;
    assert.equal(grow(process, 3, 5, { vm_flags: W & ~(VM_WRITE | VM_ACCOUNT), file: process.files.f, pgoff: 3 }), 2);
    assert.equal(stateOf(process, 'mid|........|'), 'mid|fffff/fff|');
    assert.deepEqual([pgoffsOf(process), lawsBroken(process)], [[0, 9], []]);
  });

  it('MM-8: memory that was moved before it was touched stands at another offset, and merges no more', () => {
    const process = drawn('mid|www..www|');
    mm_vmas(process.k, process.mm)[1]!.vm_pgoff += 4;
    assert.equal(grow(process, 3, 5), 2);
    assert.equal(stateOf(process, 'mid|........|'), 'mid|wwwww/www|');
  });

  it('MM-8: the references to the file are as many as its VMAs', () => {
    const process = check({
      from: 'mid|fff..fff|', to: 'mid|ffffffff|',
      run: (p) => grow(p, 3, 5, { vm_flags: W & ~(VM_WRITE | VM_ACCOUNT), file: p.files.f, pgoff: 3 }),
    });
    assert.equal(process.k.files[process.files.f]!.f_count, 2);
  });
});

describe('vma_merge: anon_vmas', () => {
  it('MM-8: one that has none takes the other\'s', () => {
    const cases: [string, string, number][] = [
      ['mid|WWW..www|', 'mid|WWWWWWWW|', 1], ['mid|www..WWW|', 'mid|WWWWWWWW|', 1], ['mid|WWW...ww|', 'mid|WWWWW.ww|', 2], ['mid|ww...WWW|', 'mid|ww.WWWWW|', 3],
    ];
    for (const [from, to, result] of cases) check({ from, run: (p) => grow(p, 3, 5), to, result });
  });

  it('MM-8: two of their own stay two; the new memory joins the first', () => {
    const process = check({ from: 'mid|WWW..WWW|', run: (p) => grow(p, 3, 5), to: 'mid|WWWWW/WWW|', result: 2 });
    assert.deepEqual(anonVmasOf(process), [1, 2]);
  });

  it('MM-8: the same anon_vma on both sides joins all', () => {
    const process = drawn('mid|WWWWWWWW|');
    const { k, mm } = process;
    const [vma] = mm_vmas(k, mm);
    call(process, split_vma(k, mm, vma!, at(process, 4), 0));
    assert.equal(stateOf(process, 'mid|........|'), 'mid|WWWW/WWWW|');
    assert.deepEqual([anonVmasOf(process), k.anon_vmas[vma!.anon_vma]!.vmas], [[1, 1], [...mm.mmap]]);
    assert.equal(merge(process, 4, 8, { anon_vma: vma!.anon_vma }), 7);
    assert.equal(stateOf(process, 'mid|........|'), 'mid|WWWWWWWW|');
    assert.deepEqual([k.anon_vmas[vma!.anon_vma]!.vmas, lawsBroken(process)], [[vma!.id], []]);
  });
});

describe('vma_merge: mprotect', () => {
  it('MM-8: the end of one goes to the next (case 4)', () => {
    check({ from: 'mid|wwwwwwvv|', run: (p) => protect(p, 4, 6), to: 'mid|wwwwvvvv|', result: 4 });
  });

  it('MM-8: the beginning of one goes to the one before (case 5)', () => {
    check({ from: 'mid|vvwwwwww|', run: (p) => protect(p, 2, 4), to: 'mid|vvvvwwww|', result: 5 });
  });

  it('MM-8: all of one, between two that match: three become one (case 6)', () => {
    const process = check({ from: 'mid|vvwwwwvv|', run: (p) => protect(p, 2, 6), to: 'mid|vvvvvvvv|', result: 6 });
    assert.equal(process.mm.map_count, 1);
  });

  it('MM-8: all of one goes to the one before (case 7)', () => {
    check({ from: 'mid|vvwwwwxx|', run: (p) => protect(p, 2, 6), to: 'mid|vvvvvvxx|', result: 7 });
    check({ from: 'mid|vvwwww..|', run: (p) => protect(p, 2, 6), to: 'mid|vvvvvv..|', result: 7 });
  });

  it('MM-8: all of one takes the next in (case 8)', () => {
    check({ from: 'mid|xxwwwwvv|', run: (p) => protect(p, 2, 6), to: 'mid|xxvvvvvv|', result: 8 });
    check({ from: 'mid|..wwwwvv|', run: (p) => protect(p, 2, 6), to: 'mid|..vvvvvv|', result: 8 });
  });

  it('MM-8: a boundary that moves takes the page offsets along', () => {
    const cases: [string, number, number, string][] = [
      ['mid|wwwwwwvv|', 4, 6, 'mid|wwwwvvvv|'], ['mid|vvwwwwww|', 2, 4, 'mid|vvvvwwww|'], ['mid|..wwwwvv|', 2, 6, 'mid|..vvvvvv|'],
    ];
    for (const [from, start, end, to] of cases) {
      const process = check({ from, run: (p) => protect(p, start, end), to });
      assert.ok(pgoffsOf(process).every((pgoff) => pgoff === 0), to);
    }
  });

  it('MM-6 MM-8: mmap_cache goes to whoever took the VMA in that it named', () => {
    for (const [from, start, end] of [['mid|vvwwwwvv|', 2, 6], ['mid|vvwwwwxx|', 2, 6]] as const) {
      const process = drawn(from);
      const { k, mm } = process;
      find_vma(k, mm, at(process, 3));
      assert.equal(mm.mmap_cache, mm.mmap[1]);
      protect(process, start, end);
      assert.deepEqual([mm.mmap_cache, lawsBroken(process)], [mm.mmap[0], []]);
    }
  });

  it('MM-8: in the middle of one there is nobody to merge with', () => {
    check({ from: 'mid|vvwwwwvv|', run: (p) => protect(p, 3, 5), to: 'mid|vvwwwwvv|', result: 0 });
  });

  it('MM-8: whoever takes pages in is on the list of their anon_vma', () => {
    const cases: [string, number, number, string, number, number[]][] = [
      ['mid|WWWWWWvv|', 4, 6, 'mid|WWWWVVVV|', 4, [1, 1]],
      ['mid|vvWWWWWW|', 2, 4, 'mid|VVVVWWWW|', 5, [1, 1]],
      ['mid|vvWWWWvv|', 2, 6, 'mid|VVVVVVVV|', 6, [1]],
      ['mid|vvWWWWxx|', 2, 6, 'mid|VVVVVVxx|', 7, [1, 0]],
      ['mid|xxWWWWvv|', 2, 6, 'mid|xxVVVVVV|', 8, [0, 1]],
      ['mid|VVwwwwvv|', 2, 6, 'mid|VVVVVVVV|', 6, [1]],
      ['mid|vvwwwwVV|', 2, 6, 'mid|VVVVVVVV|', 6, [1]],
      ['mid|xxwwwwVV|', 2, 6, 'mid|xxVVVVVV|', 8, [0, 1]],
      ['mid|wwwwwwVV|', 4, 6, 'mid|wwwwVVVV|', 4, [0, 1]],
      ['mid|VVwwwwww|', 2, 4, 'mid|VVVVwwww|', 5, [1, 0]],
    ];
    for (const [from, start, end, to, result, anon] of cases) {
      assert.deepEqual(anonVmasOf(check({ from, run: (p) => protect(p, start, end), to, result })), anon, `${from} → ${to}`);
    }
  });

  it('MM-8: different anon_vmas keep them apart', () => {
    const cases: [string, number, number][] = [['mid|WWWWWWVV|', 4, 6], ['mid|VVWWWWWW|', 2, 4], ['mid|VVWWWW..|', 2, 6], ['mid|..WWWWVV|', 2, 6]];
    for (const [from, start, end] of cases) check({ from, run: (p) => protect(p, start, end), to: from, result: 0 });
    check({ from: 'mid|vvWWWWVV|', run: (p) => protect(p, 2, 6), to: 'mid|VVVVVV/VV|', result: 7 });
    check({ from: 'mid|VVwwwwVV|', run: (p) => protect(p, 2, 6), to: 'mid|VVVVVV/VV|', result: 7 });
  });
});

describe('split_vma', () => {
  const split = (page: number, newBelow: 0 | 1) => (p: Process) => split_vma(p.k, p.mm, vma_of(p.k, p.mm.mmap[0]!), at(p, page), newBelow);

  it('MM-9: the part below or the part above is the new VMA; the old one keeps its id', () => {
    for (const newBelow of [0, 1] as const) {
      const process = check({ from: 'mid|wwwwww|', run: split(2, newBelow), to: 'mid|ww/wwww|', result: 0 });
      const { k, mm } = process;
      assert.deepEqual([mm.map_count, mm_vmas(k, mm).map(({ id }) => id === 1)], [2, newBelow === 1 ? [false, true] : [true, false]]);
      assert.deepEqual(pgoffsOf(process), [0, 0]);
    }
  });

  it('MM-9: both halves map the file, and are on its list', () => {
    for (const newBelow of [0, 1] as const) {
      const process = check({ from: 'mid|ffffff|', run: split(2, newBelow), to: 'mid|ff/ffff|', result: 0 });
      const { k, mm, files } = process;
      assert.deepEqual(pgoffsOf(process), [0, 2]);
      assert.deepEqual([k.files[files.f]!.f_count, [...k.inodes[k.files[files.f]!.f_inode]!.i_mmap].sort()], [3, [...mm.mmap].sort()]);
    }
  });

  it('MM-9: both halves are on the list of the anon_vma', () => {
    const process = check({ from: 'mid|WWWWWW|', run: split(3, 0), to: 'mid|WWW/WWW|', result: 0 });
    assert.deepEqual(anonVmasOf(process), [1, 1]);
  });

  it('MM-9: refused where there are max_map_count VMAs already', () => {
    const atLimit = (limit: number) => (p: Process) => {
      p.k.sysctl.max_map_count = limit;
      return split(2, 0)(p);
    };
    check({ from: 'mid|wwww..w|', run: atLimit(2), to: 'mid|wwww..w|', result: -ENOMEM });
    check({ from: 'mid|wwww..w|', run: atLimit(3), to: 'mid|ww/ww..w|', result: 0 });
  });

  it('EV-6: says what became two, and where', () => {
    const process = drawn('mid|wwww|');
    set_tracing(process.k, 1);
    call(process, split(1, 0)(process));
    const { name, args } = trace_records(process.k).at(-1)!;
    assert.deepEqual([name, args], ['vma_split', { vma: 1, addr: at(process, 1), new_vma: 2 }]);
  });
});

describe('copy_vma', () => {
  /** Copies pages `from` … `to`, of one VMA, to another page, as mremap does before it moves their entries. */
  const copy = (p: Process, from: number, to: number, page: number): { made: number; old: number } => {
    const { k, mm } = p;
    const vma = vma_containing(k, mm, at(p, from))!;
    const pgoff = vma.vm_pgoff + (at(p, from) - vma.vm_start) / PAGE_SIZE;
    const copied = call(p, copy_vma(k, vma, at(p, page), (to - from) * PAGE_SIZE, pgoff))!;
    return { made: mm.mmap.indexOf(copied.new_vma.id), old: mm.mmap.indexOf(copied.vma.id) };
  };

  it('MM-14: a VMA as the old one; untouched memory gets the page offset of its new place, any other keeps its own', () => {
    const cases: [string, string, number[]][] = [
      ['mid|wwww....|', 'mid|wwww..ww|', [0, 0]], ['mid|WWWW....|', 'mid|WWWW..WW|', [0, -5]], ['mid|ffff....|', 'mid|ffff..ff|', [0, 1]],
    ];
    for (const [from, to, pgoffs] of cases) {
      const p = drawn(from);
      assert.deepEqual(copy(p, 1, 3, 6), { made: 1, old: 0 });
      assert.deepEqual([stateOf(p, from), pgoffsOf(p), p.mm.map_count], [to, pgoffs, 2]);
      assert.deepEqual([anonVmasOf(p)[0], p.k.files[p.files.f]!.f_count], [anonVmasOf(p)[1], from.includes('f') ? 3 : 1]);
    }
  });

  it('MM-14: a neighbour of the new place takes it in; that may be the old VMA itself', () => {
    const p = drawn('mid|ww...ww.|');
    assert.deepEqual([copy(p, 0, 2, 3), stateOf(p, 'mid|........|')], [{ made: 1, old: 0 }, 'mid|ww.wwww.|']);
    const self = drawn('mid|..wwww..|');
    assert.deepEqual([copy(self, 2, 4, 0), stateOf(self, 'mid|........|')], [{ made: 0, old: 0 }, 'mid|wwwwww..|']);
  });

  it('MM-14: where the old VMA went as well, what it is part of now is told', () => {
    for (const from of [0, 4]) {
      const p = drawn('mid|ww..ww..|');
      assert.deepEqual([copy(p, from, from + 2, 2), stateOf(p, 'mid|........|')], [{ made: 0, old: 0 }, 'mid|wwwwww..|']);
    }
  });
});

describe('find_mergeable_anon_vma', () => {
  const found = (state: string, index: number): number => {
    const process = drawn(state);
    const { k, mm } = process;
    const id = find_mergeable_anon_vma(k, vma_of(k, mm.mmap[index]!));
    return id === 0 ? 0 : [...mm.mmap].findIndex((vma) => vma_of(k, vma).anon_vma === id) + 1;
  };

  it('R-1: the next VMA\'s, or else the one\'s before', () => {
    assert.deepEqual([found('mid|VVwwVV|', 1), found('mid|VVwwvv|', 1), found('mid|vvwwVV|', 1), found('mid|vvwwvv|', 1)], [3, 1, 3, 0]);
  });

  it('R-1: access rights may differ, since mprotect may make them equal; nothing else may', () => {
    assert.deepEqual([found('mid|wwUU|', 0), found('mid|wwRR|', 0), found('mid|wwLL|', 0), found('mid|wwKK|', 0), found('mid|wwDD|', 0)], [2, 0, 0, 0, 0]);
    assert.deepEqual([found('mid|UUww|', 1), found('mid|RRww|', 1), found('mid|LLww|', 1), found('mid|KKww|', 1), found('mid|DDww|', 1)], [1, 0, 0, 0, 0]);
  });

  it('R-1: not over a gap', () => {
    assert.deepEqual([found('mid|VV.ww.VV|', 1), found('mid|w|', 0)], [0, 0]);
  });
});

describe('the order of VMAs', () => {
  it('MM-6: neighbours, and who holds an address', () => {
    const process = drawn('mid|ww..xx/xx|');
    const { k, mm } = process;
    const vmas = mm_vmas(k, mm);
    assert.deepEqual(vmas.map((vma) => [prev_vma(k, vma)?.id ?? 0, next_vma(k, vma)?.id ?? 0]), [[0, 2], [1, 3], [2, 0]]);
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((page) => vma_position(k, mm, at(process, page))), [0, 0, 1, 1, 1, 1, 2, 2, 3]);
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((page) => vma_containing(k, mm, at(process, page))?.id ?? 0), [1, 1, 0, 0, 2, 2, 3, 3, 0]);
    assert.equal(mm.mmap_cache, 0);
  });
});
