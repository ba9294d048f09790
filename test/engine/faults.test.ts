// Page faults: what each kind maps, counts and allocates (KERNEL.md F-5 … F-8, F-14, T-4, R-8, EV-5, QK-4, QK-5, X-11, CC-1, CC-2, CC-4).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_FAULT_MINOR, VM_FAULT_WRITE } from '../../engine/include/mm_types.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED, NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { PG_dirty } from '../../engine/include/page-flags.ts';
import { BUS_ADRERR, signal_name } from '../../engine/include/signal.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { pte_wrprotect } from '../../engine/arch/pte.ts';
import { TLB_ENTRIES } from '../../engine/arch/tlb.ts';
import { wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { page_count, page_mapcount, test_page_flag } from '../../engine/mm/mem_map.ts';
import { __handle_mm_fault, handle_mm_fault, vmtruncate } from '../../engine/mm/memory.ts';
import { find_vma, sys_munmap } from '../../engine/mm/mmap.ts';
import { __free_pages } from '../../engine/mm/page_alloc.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { load_user, store_user, touch_user } from '../../engine/mm/user_memory.ts';
import { PGFAULT, PGMAJFAULT, global_page_state, vm_events } from '../../engine/mm/vmstat.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import {
  ANON, RW, eventsOf, fileOfSize, frameAt, inProcess, mapPages, mmOf, pageAt, pteFlags, runLawfully, tablesOf, user, takeAllFreePages,
} from './processes.ts';

const PAGES = 8;
const ALLOC = { mm_page_alloc: ['order', 'gfp_flags'] };

/** A mapping to try accesses on. */
interface Mapping {
  prot?: number;
  flags?: number;
  /** Maps a new file of so many bytes. */
  fileSize?: number;
}

interface AccessTest extends Mapping {
  /** Accesses in order: `r0` reads page 0, `w3` writes page 3, `+rw` and `+r` are mprotect of all. */
  accesses: string;
  /** The entries afterwards (processes.ts). */
  tables: string;
  /** anon_rss file_rss, min_flt maj_flt of these accesses, and what they allocated: gfp masks in hex. */
  rss: string;
  faults: string;
  allocs: string;
  config?: Partial<MachineConfig>;
}

/** Makes accesses in a process, and compares all they left. A write to the stack comes first: it sees to it that there are objects for anon_vmas. */
function check(test: AccessTest): void {
  inProcess(function* (k, task) {
    const base = yield* mapped(k, test);
    yield* touch_user(k, virt(task.esp), 1);
    const mm = mmOf(k, task);
    const [min, maj, pgfault, seq] = [task.min_flt, task.maj_flt, vm_events(k, PGFAULT), k.trace.ring.seq];
    set_tracing(k, 1);
    const errors = yield* accesses(k, base, test.accesses);
    set_tracing(k, 0);
    assert.deepEqual({
      errors, tables: tablesOf(k, mm, base, PAGES, new Map()), rss: `${mm.anon_rss - 1} ${mm.file_rss}`, faults: `${task.min_flt - min} ${task.maj_flt - maj}`,
      allocs: eventsOf(k, seq, ALLOC).map((event) => /gfp_flags=(.*)/.exec(event)![1]).join(' '), pgfault: vm_events(k, PGFAULT) - pgfault,
    }, {
      errors: '', tables: test.tables, rss: test.rss, faults: test.faults, allocs: test.allocs,
      pgfault: test.faults.split(' ').reduce((sum, count) => sum + Number(count), 0),
    });
  }, test.config);
}

function* mapped(k: Kernel, { prot = RW, flags, fileSize }: Mapping): Generator<Wait, VirtAddr, void> {
  const file = fileSize === undefined ? 0 : fileOfSize(k, '/data', fileSize);
  const at = yield* mapPages(k, PAGES, { prot, flags: flags ?? (file === 0 ? ANON : MAP_PRIVATE), file });
  return at;
}

/** Makes accesses; those that failed. */
function* accesses(k: Kernel, base: VirtAddr, words: string): Generator<Wait, string, void> {
  let failed = '';
  for (const word of words.split(' ')) {
    let error = 0;
    if (word.startsWith('+')) error = yield* sys_mprotect(k, base, PAGES * PAGE_SIZE, word === '+rw' ? RW : PROT_READ);
    else error = yield* touch_user(k, pageAt(base, Number(word.slice(1))), word.startsWith('w') ? 1 : 0);
    if (error !== 0) failed += `${word}: ${error} `;
  }
  return failed;
}

const TABLE = '84d0';
const ZEROED = '280d2';
const COPY = '200d2';

describe('anonymous faults', () => {
  it('F-6 SC-1: a write takes a table and a zeroed page; the entry is writable and dirty at once', () =>
    check({ accesses: 'w0', tables: '0=a:RWAD', rss: '1 0', faults: '1 0', allocs: `${TABLE} ${ZEROED}` }));
  it('F-6 QK-4: a read maps the page of zeroes, read-only, and allocates the table alone', () =>
    check({ accesses: 'r0 r5', tables: '0=zero:RA 5=zero:RA', rss: '0 2', faults: '2 0', allocs: TABLE }));
  it('F-5: exactly one entry is filled per fault; what is there does not fault again', () =>
    check({ accesses: 'w0 r0 w0 w1 w7', tables: '0=a:RWAD 1=b:RWAD 7=c:RWAD', rss: '3 0', faults: '3 0', allocs: `${TABLE} ${ZEROED} ${ZEROED} ${ZEROED}` }));
  it('F-8: a write to the page of zeroes takes a fresh zeroed page, which is copied from nothing', () =>
    check({ accesses: 'r0 r1 w0', tables: '0=a:RWAD 1=zero:RA', rss: '1 1', faults: '3 0', allocs: `${TABLE} ${ZEROED}` }));
  it('MM-15 F-8: a page that mprotect made read-only and writable again is used as it is after one more fault', () =>
    check({ accesses: 'w0 r1 +r +rw w0 w1', tables: '0=a:RWAD 1=b:RWAD', rss: '2 0', faults: '4 0', allocs: `${TABLE} ${ZEROED} ${ZEROED}` }));
  it('X-11: on x86_64 what may not be executed carries NX; four levels take three tables', () =>
    check({ accesses: 'w0 r1', tables: '0=a:RWAD 1=zero:RA', rss: '1 1', faults: '2 0', allocs: `${TABLE} ${TABLE} ${TABLE} ${ZEROED}`, config: { arch: 'x86_64' } }));
  it('T-4: memory that may be written but not read can be read once it is there', () =>
    check({ prot: PROT_WRITE, accesses: 'w0 r0', tables: '0=a:RWAD', rss: '1 0', faults: '1 0', allocs: `${TABLE} ${ZEROED}` }));

  it('F-6: the entries are those of the recordings, 067 for a write and 025 for a read; counters follow, and go back to what they were', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const counters = (): number[] => [NR_ANON_PAGES, NR_FILE_MAPPED, NR_PAGETABLE].map((item) => global_page_state(k, item));
      const before = counters();
      const [count, mapcount] = [page_count(k, k.zero_page), page_mapcount(k, k.zero_page)];
      const base = yield* mapPages(k, 4);
      yield* touch_user(k, base, 1);
      yield* touch_user(k, pageAt(base, 1), 0);
      yield* touch_user(k, pageAt(base, 2), 0);
      assert.deepEqual([0, 1, 2, 3].map((page) => pteFlags(k, mm, pageAt(base, page))), ['067', '025', '025', '000']);
      assert.deepEqual(counters().map((value, i) => value - before[i]!), [1, 1, 1]);
      assert.deepEqual([page_count(k, k.zero_page) - count, page_mapcount(k, k.zero_page) - mapcount], [2, 2]);
      yield* sys_munmap(k, base, 4 * PAGE_SIZE);
      assert.deepEqual([counters(), page_count(k, k.zero_page), page_mapcount(k, k.zero_page)], [before, count, mapcount]);
    });
  });
});

/** What is allocated for the pages of a window: themselves, then memory for the nodes of their tree. */
const NODES = 'd0';
const WINDOW = `${'201d2 '.repeat(PAGES)}${NODES}`;

describe('faults on files', () => {
  const size = PAGES * PAGE_SIZE;
  it('F-7: a read maps the file\'s page; all of the window around it is in the cache, none of it mapped', () =>
    check({ fileSize: size, prot: PROT_READ, accesses: 'r3', tables: '3=f3:RA', rss: '0 1', faults: '0 1', allocs: `${TABLE} ${WINDOW}` }));
  it('F-7: the first write to a private mapping copies at once: the file\'s page is never mapped', () =>
    check({ fileSize: size, accesses: 'r0 w1', tables: '0=f0:RA 1=a:RWAD', rss: '1 1', faults: '1 1', allocs: `${TABLE} ${WINDOW} ${COPY}` }));
  it('F-8: a page of a file that was read is copied when it is written, and changes sides in the counts', () =>
    check({ fileSize: size, accesses: 'r0 w0', tables: '0=a:RWAD', rss: '1 0', faults: '1 1', allocs: `${TABLE} ${WINDOW} ${COPY}` }));
  it('R-8 T-4: a shared writable mapping is writable from the first read on; the write after it is no fault, and only the entry turns dirty', () =>
    check({ fileSize: size, flags: MAP_SHARED, accesses: 'r0 w0 w1', tables: '0=f0:RWAD 1=f1:RWAD', rss: '0 2', faults: '1 1', allocs: `${TABLE} ${WINDOW}` }));
  it('F-8: a shared page that mprotect made writable is never copied', () =>
    check({ fileSize: size, flags: MAP_SHARED, prot: PROT_READ, accesses: 'r0 +rw w0', tables: '0=f0:RWAD', rss: '0 1', faults: '0 1', allocs: `${TABLE} ${WINDOW}` }));
  it('F-7: shared anonymous memory is a file without a name: its pages count as a file\'s', () =>
    check({ flags: MAP_SHARED | MAP_ANONYMOUS, accesses: 'w0 r1', tables: '0=f0:RWAD 1=f1:RWA', rss: '0 2', faults: '2 0', allocs: `${TABLE} ${ZEROED} ${NODES} ${ZEROED}` }));

  it('F-7: the copy holds what the file holds, and later writes do not reach it', () => {
    inProcess(function* (k) {
      const file = fileOfSize(k, '/data', size);
      const [mine, ours] = [yield* mapPages(k, PAGES, { flags: MAP_PRIVATE, file }), yield* mapPages(k, PAGES, { flags: MAP_SHARED, file })];
      yield* store_user(k, virt(mine + 5), 0x5a);
      const bytes: number[] = [];
      for (const at of [mine + 4, mine + 5, ours + 4, ours + 5]) bytes.push(yield* load_user(k, virt(at)));
      assert.deepEqual(bytes, [file_byte('/data', 4), 0x5a, file_byte('/data', 4), file_byte('/data', 5)]);
      yield* store_user(k, virt(ours + PAGE_SIZE), 0x77);
      const seen = yield* load_user(k, virt(mine + PAGE_SIZE));
      assert.equal(seen, 0x77);
    });
  });

  it('CT-3: a page that had to be read is a major fault, and counts so', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, PAGES, { flags: MAP_PRIVATE, file: fileOfSize(k, '/data', size) });
      const before = [vm_events(k, PGFAULT), vm_events(k, PGMAJFAULT), task.min_flt, task.maj_flt];
      yield* touch_user(k, base, 0);
      yield* touch_user(k, pageAt(base, 1), 0);
      assert.deepEqual([vm_events(k, PGFAULT), vm_events(k, PGMAJFAULT), task.min_flt, task.maj_flt].map((n, i) => n - before[i]!), [2, 1, 1, 1]);
    });
  });

  it('R-8 QK-5: what was stored through a shared mapping shows in PG_dirty only when the entry goes', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, PAGES, { flags: MAP_SHARED, file: fileOfSize(k, '/data', size) });
      yield* store_user(k, base, 1);
      yield* touch_user(k, pageAt(base, 1), 0);
      const [written, read] = [frameAt(k, mmOf(k, task), base), frameAt(k, mmOf(k, task), pageAt(base, 1))];
      assert.equal(test_page_flag(k, written, PG_dirty), false);
      yield* sys_munmap(k, base, PAGES * PAGE_SIZE);
      assert.deepEqual([written, read].map((page) => test_page_flag(k, page, PG_dirty)), [true, false]);
    });
  });

  it('F-7: a truncation that runs while a fault sleeps for memory makes it look again, and find nothing: SIGBUS', () => {
    const { task, k } = runLawfully([
      user('p', function* (kernel) {
        const file = fileOfSize(kernel, '/data', size);
        const base = yield* mapPages(kernel, PAGES, { flags: MAP_PRIVATE, file });
        yield* touch_user(kernel, base, 0);
        yield* store_user(kernel, pageAt(base, 1), 1);
        const hoard = yield* takeAllFreePages(kernel);
        kernel.reclaim_script.passes = [{ nr_reclaimed: 1, pages: [] }, { nr_reclaimed: 1, pages: hoard }];
        yield* store_user(kernel, pageAt(base, 4), 1);
      }),
      { name: 'cutter', at: 10e6, *run(kernel) {
        const inode = kernel.inodes.find((one) => one?.path === '/data')!;
        yield* vmtruncate(kernel, inode, PAGE_SIZE);
      } },
    ]);
    assert.deepEqual([signal_name(task.signal), task.si_code, task.min_flt, k.inodes.find((one) => one?.path === '/data')?.size], ['SIGBUS', BUS_ADRERR, 1, PAGE_SIZE]);
  });
});

describe('faults that sleep', () => {
  /** A process faults while there is no memory; meanwhile another fault of the same kind fills the entry. What is left at the end. */
  function overtaken(name: string, accessesBefore: string, access: string, tables: string, fileSize?: number): void {
    it(name, () => {
      let base = virt(0);
      let hoard: Pfn[] = [];
      let seen = '';
      const [write, page] = [access.startsWith('w') ? 1 : 0, Number(access.slice(1))] as const;
      const { task } = runLawfully([
        user('p', function* (k, self) {
          base = yield* mapped(k, { fileSize });
          yield* touch_user(k, virt(self.esp), 1);
          if (accessesBefore !== '') yield* accesses(k, base, accessesBefore);
          hoard = yield* takeAllFreePages(k);
          k.reclaim_script.passes = [{ nr_reclaimed: 1, pages: [] }, { nr_reclaimed: 1, pages: hoard }];
          yield* touch_user(k, pageAt(base, page), write);
          seen = tablesOf(k, mmOf(k, self), base, PAGES, new Map());
        }),
        { name: 'other', at: 10e6, *run(k) {
          const mm = mmOf(k, k.tasks[1]!);
          assert.notEqual(k.tasks[1]!.waits_for, '');
          for (let i = 0; i < 300; i++) __free_pages(k, hoard.pop()!, 0);
          yield* handle_mm_fault(k, mm, find_vma(k, mm, pageAt(base, page))!, pageAt(base, page), write);
        } },
      ]);
      assert.deepEqual([seen, task.signal], [tables, 0]);
    });
  }
  overtaken('F-6: a page that came too late is given back', 'w0', 'w1', '0=a:RWAD 1=b:RWAD');
  overtaken('F-7: so is a copy of a file\'s page', 'r0 w2', 'w1', '0=f0:RA 1=a:RWAD 2=b:RWAD', PAGES * PAGE_SIZE);
  overtaken('F-8: and a copy of what was to be replaced', 'r0 w2 r1', 'w1', '0=f0:RA 1=a:RWAD 2=b:RWAD', PAGES * PAGE_SIZE);
  overtaken('F-5: and a table', '', 'r1', '1=zero:RA');
});

describe('copy on write', () => {
  it('F-8 CC-4: after a fork the first writer copies, the last one uses the page as it is', () => {
    const names = new Map<Pfn, string>();
    const seen: string[] = [];
    let base = virt(0);
    const look = (k: Kernel, task: task_struct, who: string): void => {
      seen.push(`${who} ${tablesOf(k, mmOf(k, task), base, 3, names)}`);
    };
    inProcess(function* (k, task) {
      base = yield* mapPages(k, 3);
      for (const page of [0, 1, 2]) yield* store_user(k, pageAt(base, page), page + 1);
      look(k, task, 'before');
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'child' });
      look(k, task, 'forked');
      const seq = k.trace.ring.seq;
      set_tracing(k, 1);
      yield* store_user(k, base, 11);
      assert.deepEqual(eventsOf(k, seq, ALLOC), ['mm_page_alloc order=0 gfp_flags=200d2']);
      set_tracing(k, 0);
      look(k, task, 'parent wrote 0');
      yield* wait_for_children(k, null);
      const after = k.trace.ring.seq;
      set_tracing(k, 1);
      yield* store_user(k, pageAt(base, 2), 13);
      assert.deepEqual(eventsOf(k, after, ALLOC), []);
      set_tracing(k, 0);
      look(k, task, 'parent wrote 2');
      const bytes: number[] = [];
      for (const page of [0, 1, 2]) bytes.push(yield* load_user(k, pageAt(base, page)));
      assert.deepEqual(bytes, [11, 2, 13]);
    }, {}, {
      * child(k, task) {
        look(k, task, 'child');
        yield* store_user(k, pageAt(base, 0), 21);
        yield* store_user(k, pageAt(base, 1), 22);
        look(k, task, 'child wrote 0 1');
        const bytes: number[] = [];
        for (const page of [0, 1, 2]) bytes.push(yield* load_user(k, pageAt(base, page)));
        assert.deepEqual(bytes, [21, 22, 3]);
      },
    });
    assert.deepEqual(seen, [
      'before 0=a:RWAD 1=b:RWAD 2=c:RWAD',
      'forked 0=a:RAD 1=b:RAD 2=c:RAD',
      'parent wrote 0 0=d:RWAD 1=b:RAD 2=c:RAD',
      'child 0=a:RD 1=b:RD 2=c:RD',
      'child wrote 0 1 0=a:RWAD 1=e:RWAD 2=c:RD',
      'parent wrote 2 0=d:RWAD 1=b:RAD 2=c:RWAD',
    ]);
  });

  it('F-8: do_wp_page says VM_FAULT_WRITE (18 in the recordings), handle_mm_fault keeps it to itself', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 4);
      const vma = find_vma(k, mm, base)!;
      const answers: number[] = [];
      answers.push(yield* __handle_mm_fault(k, mm, vma, base, 1));
      answers.push(yield* __handle_mm_fault(k, mm, vma, pageAt(base, 1), 0));
      answers.push(yield* __handle_mm_fault(k, mm, vma, pageAt(base, 1), 1));
      answers.push(yield* handle_mm_fault(k, mm, vma, pageAt(base, 2), 0));
      answers.push(yield* handle_mm_fault(k, mm, vma, pageAt(base, 2), 1));
      assert.deepEqual(answers, [VM_FAULT_MINOR, VM_FAULT_MINOR, VM_FAULT_MINOR | VM_FAULT_WRITE, VM_FAULT_MINOR, VM_FAULT_MINOR]);
      assert.equal(VM_FAULT_MINOR | VM_FAULT_WRITE, 18);
    });
  });

  it('F-8: a shared mapping that may be written never copies, whoever protected its entry', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 1, { flags: MAP_SHARED | MAP_ANONYMOUS });
      yield* touch_user(k, base, 0);
      const entry = pte_offset_map(k, mm, base)!;
      write_pte(k, entry, pte_wrprotect(read_pte(k, entry)));
      const page = frameAt(k, mm, base);
      const ret = yield* __handle_mm_fault(k, mm, find_vma(k, mm, base)!, base, 1);
      assert.deepEqual([ret, frameAt(k, mm, base), pteFlags(k, mm, base)], [VM_FAULT_MINOR | VM_FAULT_WRITE, page, '067']);
    });
  });

  it('F-8: when a page is replaced, no CPU goes on reading the old one', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 1);
      yield* touch_user(k, base, 0);
      // The task was on CPU 1 before, which has run nothing since and would use its entries again.
      const tlb = k.tlbs[1 - k.cpu]!;
      const vpn = base / PAGE_SIZE;
      tlb.mm = task.mm;
      tlb.vpn[vpn & (TLB_ENTRIES - 1)] = vpn;
      yield* touch_user(k, base, 1);
      assert.notEqual(tlb.vpn[vpn & (TLB_ENTRIES - 1)], vpn);
    }, { cpus: 2 });
  });

  it('F-5: a fault on what is there and allowed sets the dirty bit for a write, and nothing for a read', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, 2, { flags: MAP_SHARED | MAP_ANONYMOUS });
      const vma = find_vma(k, mm, base)!;
      const flags: string[] = [];
      for (const write of [0, 0, 1, 1] as const) {
        yield* handle_mm_fault(k, mm, vma, base, write);
        flags.push(pteFlags(k, mm, base));
      }
      assert.deepEqual(flags, ['027', '027', '067', '067']);
    });
  });
});

describe('events of faults', () => {
  it('EV-5: each fault begins, and ends with what it did', () => {
    const kinds: Record<string, string[]> = {};
    inProcess(function* (k) {
      const anon = yield* mapPages(k, 4);
      const file = fileOfSize(k, '/data', PAGES * PAGE_SIZE);
      const priv = yield* mapPages(k, PAGES, { flags: MAP_PRIVATE, file });
      set_tracing(k, 1);
      for (const [name, address, write] of [
        ['read', anon, 0], ['write', pageAt(anon, 1), 1], ['write zero', anon, 1], ['file', priv, 0], ['early copy', pageAt(priv, 1), 1], ['copy', priv, 1],
      ] as const) {
        const seq = k.trace.ring.seq;
        yield* touch_user(k, address, write);
        kinds[name] = eventsOf(k, seq, { mm_fault_begin: ['write'], mm_fault_end: ['result', 'kind'] });
      }
    });
    assert.deepEqual(kinds, {
      'read': ['mm_fault_begin write=0', 'mm_fault_end result=2 kind=0'],
      'write': ['mm_fault_begin write=1', 'mm_fault_end result=2 kind=1'],
      'write zero': ['mm_fault_begin write=1', 'mm_fault_end result=2 kind=2'],
      'file': ['mm_fault_begin write=0', 'mm_fault_end result=3 kind=3'],
      'early copy': ['mm_fault_begin write=1', 'mm_fault_end result=2 kind=2'],
      'copy': ['mm_fault_begin write=1', 'mm_fault_end result=2 kind=2'],
    });
  });

  it('EV-5 EV-6: a fault\'s events in their order, with its time: entry and exit, zeroing, one entry, the access', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 8);
      const { fault, alloc, zero_page, pte, access } = k.cost;
      const events = {
        page_fault_user: ['error_code'], mm_fault_begin: [], mm_page_alloc: ['gfp_flags'], mm_page_alloc_zone_locked: [], pte_set: ['old', 'why'], mm_fault_end: ['ns'],
      };
      let seen: string[] = ['mm_page_alloc_zone_locked'];
      let spent = 0;
      for (let page = 0; seen.includes('mm_page_alloc_zone_locked'); page++) {
        const [began, seq] = [k.now, k.trace.ring.seq];
        set_tracing(k, 1);
        yield* touch_user(k, pageAt(base, page), 1);
        set_tracing(k, 0);
        seen = eventsOf(k, seq, events);
        spent = k.now - began;
      }
      assert.equal(spent, fault + alloc + zero_page + pte + access);
      assert.deepEqual(seen, [
        'page_fault_user error_code=6', 'mm_fault_begin', 'mm_page_alloc gfp_flags=280d2', 'pte_set old=0 why=0',
        `mm_fault_end ns=${(fault + alloc + zero_page + pte).toString(16)}`,
      ]);
    });
  });
});
