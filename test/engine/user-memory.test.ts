// The memory of a process as the processor and system calls reach it: the TLB, accessed and dirty bits, bytes, copies that end early (KERNEL.md T-1,
// T-6, F-3, X-2, X-9; include/asm-i386/uaccess.h; LANGUAGE.md, virtual time).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { EFAULT } from '../../engine/include/errno.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ } from '../../engine/include/mman.ts';
import { SIGKILL } from '../../engine/include/signal.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { TLB_ENTRIES, flush_tlb_page } from '../../engine/arch/tlb.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte, write_pte } from '../../engine/arch/pgtable.ts';
import { pte_mkclean, pte_mkold, pte_wrprotect } from '../../engine/arch/pte.ts';
import { force_sig } from '../../engine/kernel/signal.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { sys_munmap } from '../../engine/mm/mmap.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import {
  clear_user, copy_from_user, copy_to_user, load_user, store_user, touch_user, try_load_user, try_store_user, try_touch_user,
} from '../../engine/mm/user_memory.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import { eventsOf, fileOfSize, inProcess, mapPages, mmOf, pageAt, pteFlags, runLawfully, tablesOf, user } from './processes.ts';

describe('the processor', () => {
  it('T-1: a read sets the accessed bit of an old entry, a write the dirty bit of a clean one, and the kernel hears of neither', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 1, { flags: MAP_SHARED | MAP_ANONYMOUS });
      yield* touch_user(k, base, 0);
      const faults = task.min_flt;
      change(k, task, base, pte_mkold);
      const flags = [pteFlags(k, mmOf(k, task), base)];
      set_tracing(k, 1);
      const seq = k.trace.ring.seq;
      for (const write of [0, 1] as const) {
        assert.equal(try_touch_user(k, base, write), 0);
        flags.push(pteFlags(k, mmOf(k, task), base));
      }
      assert.deepEqual([flags, task.min_flt - faults], [['007', '027', '067'], 0]);
      assert.deepEqual(eventsOf(k, seq, { pte_set: ['why'], page_fault_user: [] }), ['pte_set why=6', 'pte_set why=6']);
    });
  });

  it('a hit asks no table: what changed there is not seen before a flush', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 1);
      yield* store_user(k, base, 1);
      const entry = pte_offset_map(k, mmOf(k, task), base)!;
      const pte = read_pte(k, entry);
      const { hits, misses } = k.tlbs[0]!;
      write_pte(k, entry, 0);
      assert.deepEqual([try_load_user(k, base), try_store_user(k, base, 2), k.tlbs[0]!.hits - hits, k.tlbs[0]!.misses - misses], [1, 0, 2, 0]);
      flush_tlb_page(k, mmOf(k, task), base);
      assert.equal(try_load_user(k, base), -1);
      write_pte(k, entry, pte);
      assert.deepEqual([try_load_user(k, base), k.tlbs[0]!.misses - misses], [2, 1]);
    });
  });

  it('a write through an entry that was loaded clean walks the tables again, and sets the bit there', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 1, { flags: MAP_SHARED | MAP_ANONYMOUS });
      yield* touch_user(k, base, 0);
      const { misses } = k.tlbs[0]!;
      assert.deepEqual([try_store_user(k, base, 1), try_store_user(k, base, 2)], [0, 0]);
      assert.deepEqual([k.tlbs[0]!.misses - misses, pteFlags(k, mmOf(k, task), base)], [1, '067']);
      change(k, task, base, pte_mkclean);
      try_store_user(k, base, 3);
      assert.equal(pteFlags(k, mmOf(k, task), base), '067');
    });
  });

  it('F-5: a write that an old entry of the TLB forbids is a fault; the tables allow it, so it is a spurious one', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 1);
      yield* touch_user(k, base, 1);
      const entry = pte_offset_map(k, mmOf(k, task), base)!;
      const writable = read_pte(k, entry);
      change(k, task, base, pte_wrprotect);
      try_load_user(k, base);
      write_pte(k, entry, writable);
      set_tracing(k, 1);
      const [seq, flushes] = [k.trace.ring.seq, k.tlbs[0]!.page_flushes];
      assert.equal(try_store_user(k, base, 1), -1);
      assert.equal(try_store_user(k, base, 1), 0);
      change(k, task, base, pte_wrprotect);
      try_load_user(k, base);
      write_pte(k, entry, writable);
      const stored = yield* store_user(k, base, 1);
      assert.deepEqual(eventsOf(k, seq, { page_fault_user: ['error_code'], mm_fault_end: ['result', 'kind'] }), ['page_fault_user error_code=7', 'mm_fault_end result=2 kind=5']);
      assert.deepEqual([stored, k.tlbs[0]!.page_flushes - flushes], [0, 2]);
    });
  });

  it('an entry holds one page of those that share it; all are found again in the tables', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 2 * TLB_ENTRIES);
      for (let page = 0; page < 2 * TLB_ENTRIES; page++) yield* store_user(k, pageAt(base, page), page);
      const { misses } = k.tlbs[0]!;
      for (const page of [0, TLB_ENTRIES, 0, 1]) assert.equal(try_load_user(k, pageAt(base, page)), page);
      assert.equal(k.tlbs[0]!.misses - misses, 4);
    });
  });

  it('each CPU remembers for itself, and a process that another one takes over finds its memory', () => {
    const seen: number[] = [];
    runLawfully([0, 1].map((cpu) => user(`p${cpu}`, function* (k) {
      const base = yield* mapPages(k, 1, { flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, addr: 0x10000000 });
      for (let i = 0; i < 5; i++) {
        yield* store_user(k, base, cpu * 100 + i);
        yield* schedule_timeout(k, 1e6, 'its turn');
        seen.push(yield* load_user(k, base));
      }
    }, { cpu: null })), { cpus: 1 });
    assert.deepEqual(seen.sort((a, b) => a - b), [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]);
  });

  it('an address of i386 has 32 bits', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 1);
      yield* store_user(k, virt(base + 2 ** 32), 7);
      const [plain, wrapped] = [try_load_user(k, base), yield* load_user(k, virt(base - 2 ** 32))];
      assert.deepEqual([plain, wrapped], [7, 7]);
    });
  });

  it('X-9: NX stands in the tables and in the TLB, and disturbs no address', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 3);
      for (let page = 0; page < 3; page++) yield* store_user(k, pageAt(base, page), page + 1);
      assert.equal(tablesOf(k, mmOf(k, task), base, 3, new Map()), '0=a:RWAD 1=b:RWAD 2=c:RWAD');
      assert.deepEqual([0, 1, 2].map((page) => try_load_user(k, pageAt(base, page))), [1, 2, 3]);
    }, { arch: 'x86_64' });
  });
});

/** Changes an entry behind the kernel's back, and drops it from the TLB. */
function change(k: Kernel, task: task_struct, address: VirtAddr, how: (pte: number) => number): void {
  const entry = pte_offset_map(k, mmOf(k, task), address)!;
  write_pte(k, entry, how(read_pte(k, entry)));
  flush_tlb_page(k, mmOf(k, task), address);
}

describe('accesses of a program', () => {
  it('F-2: the plain functions do what needs no fault, and change nothing where one is due', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 2);
      const before = [k.now, k.trace.total, task.min_flt];
      assert.deepEqual([try_load_user(k, base), try_store_user(k, base, 1), try_touch_user(k, base, 0)], [-1, -1, -1]);
      assert.deepEqual([k.now, k.trace.total, task.min_flt], before);
      const byte = yield* load_user(k, base);
      assert.deepEqual([byte, try_load_user(k, base), try_store_user(k, base, 1)], [0, 0, -1]);
    });
  });

  it('an access that comes to its end costs what the table says, a fault before it or not', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 2);
      yield* touch_user(k, base, 0);
      const spent: number[] = [];
      for (const access of [
        () => load_user(k, base), () => touch_user(k, pageAt(base, 1), 0), () => store_user(k, base, 1), () => store_user(k, base, 1),
      ]) {
        const began = k.now;
        yield* access();
        spent.push(k.now - began);
      }
      const { access, fault, pte, zero_page, alloc } = k.cost;
      const [hit, zero, copy, again] = spent;
      assert.deepEqual([hit, zero, again], [access, access + fault + pte, access]);
      assert.ok(copy! >= access + fault + alloc + zero_page + pte);
    });
  });

  it('F-2: a task that is to die stops at its next fault', () => {
    const { task } = runLawfully([user('p', function* (k, self) {
      const base = yield* mapPages(k, 2);
      yield* store_user(k, base, 1);
      force_sig(k, SIGKILL, self);
      const [first, second] = [base, pageAt(base, 1)];
      const answers = [try_load_user(k, first), yield* load_user(k, second), yield* load_user(k, second), yield* store_user(k, second, 1)];
      assert.deepEqual(answers, [1, -EFAULT, 0, -EFAULT]);
    }, { dies: SIGKILL })]);
    assert.equal(task.signal, SIGKILL);
  });

  it('whatever is stored where, over pages and mappings of three kinds, is what is loaded', () => {
    const pages = 6;
    const step = fc.record({ area: fc.nat(2), at: fc.nat(pages * PAGE_SIZE - 1), byte: fc.nat(255), op: fc.constantFrom('store', 'load', 'ro', 'rw') });
    fc.assert(fc.property(fc.constantFrom('i386' as const, 'x86_64' as const), fc.array(step, { maxLength: 60 }), (arch, steps) => {
      inProcess(function* (k) {
        const file = fileOfSize(k, '/data', pages * PAGE_SIZE);
        const areas = [yield* mapPages(k, pages), yield* mapPages(k, pages, { flags: MAP_SHARED | MAP_ANONYMOUS })];
        areas.push(yield* mapPages(k, pages, { flags: MAP_SHARED, file }));
        const again = yield* mapPages(k, pages, { flags: MAP_SHARED, file });
        const written = new Map<number, number>();
        for (const { area, at, byte, op } of steps) {
          const address = virt(areas[area]! + at);
          if (op === 'ro') yield* sys_mprotect(k, virt(areas[area]!), pages * PAGE_SIZE, PROT_READ);
          if (op !== 'load') yield* sys_mprotect(k, virt(areas[area]!), pages * PAGE_SIZE, 3);
          if (op === 'store') {
            yield* store_user(k, address, byte);
            written.set(address, byte);
          }
          const known = written.get(address);
          const there = yield* load_user(k, address);
          if (known !== undefined) assert.equal(there, known);
          if (area === 2) assert.equal(yield* load_user(k, virt(again + at)), there);
        }
        for (const [address, byte] of written) assert.equal(yield* load_user(k, virt(address)), byte);
      }, { arch, memory: 32 << 20 });
    }), { numRuns: 40 });
  });
});

describe('copies of system calls', () => {
  const bytes = Uint8Array.from({ length: 3 * PAGE_SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

  it('they reach over pages, and fault in what they need', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 5);
      const to = virt(base + 1000);
      const left = yield* copy_to_user(k, to, bytes);
      const back = new Uint8Array(bytes.length);
      const unread = yield* copy_from_user(k, back, to);
      assert.deepEqual([left, unread, [...back]], [0, 0, [...bytes]]);
      assert.equal(tablesOf(k, mmOf(k, task), base, 5, new Map()), '0=a:RWAD 1=b:RWAD 2=c:RWAD 3=d:RWAD');
      const uncleared = yield* clear_user(k, virt(base + 1500), 4096);
      const around: number[] = [];
      for (const at of [1499, 1500, 5595, 5596]) around.push(yield* load_user(k, virt(base + at)));
      assert.deepEqual([uncleared, around], [0, [bytes[499], 0, 0, bytes[4596]]]);
    });
  });

  interface BrokenCopy {
    /** The mapping ends after this many pages, with what behind it. */
    pages: number;
    behind: 'hole' | 'none' | 'ro';
    /** Bytes from its start at which the copy begins. */
    from: number;
    /** Bytes that clear_user, copy_to_user and copy_from_user leave, of 8192. */
    left: readonly number[];
  }

  function broken(name: string, { pages, behind, from, left }: BrokenCopy): void {
    it(name, () => {
      inProcess(function* (k, task) {
        const base = yield* mapPages(k, pages + 2);
        const end = pageAt(base, pages);
        yield* touch_user(k, end, 0);
        if (behind === 'hole') yield* sys_munmap(k, end, 2 * PAGE_SIZE);
        else yield* sys_mprotect(k, end, 2 * PAGE_SIZE, behind === 'none' ? PROT_NONE : PROT_READ);
        const back = new Uint8Array(8192).fill(1);
        const at = virt(base + from);
        const answers = [yield* clear_user(k, at, 8192), yield* copy_to_user(k, at, bytes.subarray(0, 8192)), yield* copy_from_user(k, back, at)];
        assert.deepEqual([answers, task.pending], [left, []]);
        assert.ok(back.subarray(8192 - left[2]!).every((byte) => byte === 0));
        assert.deepEqual([...back.subarray(0, 8192 - left[2]!)].slice(0, 100), [...bytes.subarray(0, Math.min(100, 8192 - left[2]!))]);
      });
    });
  }
  broken('F-3: a hole ends a copy without a signal; what was reached was copied', { pages: 1, behind: 'hole', from: 96, left: [4192, 4192, 4192] });
  broken('F-3: so does memory without access', { pages: 1, behind: 'none', from: 0, left: [4096, 4096, 4096] });
  broken('F-3: read-only memory ends what writes alone: the kernel respects it too', { pages: 1, behind: 'ro', from: 0, left: [4096, 4096, 0] });

  it('access_ok: nothing that reaches past user space is touched at all', () => {
    for (const arch of ['i386', 'x86_64'] as const) {
      inProcess(function* (k, task) {
        const top = k.mm_structs[task.mm]!.task_size;
        const answers = [
          yield* copy_to_user(k, virt(top - 100), bytes.subarray(0, 101)), yield* copy_to_user(k, virt(top - 100), bytes.subarray(0, 100)),
          yield* clear_user(k, virt(arch === 'i386' ? 0xc0100000 : -0x7f0000000000), 10), yield* copy_from_user(k, new Uint8Array(10), virt(top)),
        ];
        assert.deepEqual(answers, [101, 0, 10, 10]);
      }, { arch });
    }
  });

  it('F-3 F-14: past the end of a mapped file a copy ends, and nobody gets SIGBUS', () => {
    inProcess(function* (k, task) {
      const base = yield* mapPages(k, 3, { flags: MAP_SHARED, file: fileOfSize(k, '/data', PAGE_SIZE) });
      const left = yield* clear_user(k, base, 2 * PAGE_SIZE);
      assert.deepEqual([left, task.pending], [PAGE_SIZE, []]);
    });
  });

  it('F-2: a kernel-mode fault has no user bit in its error code', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 1);
      set_tracing(k, 1);
      yield* clear_user(k, base, 1);
      assert.deepEqual(eventsOf(k, 0, { page_fault_kernel: ['address', 'error_code'], page_fault_user: [] }), [`page_fault_kernel address=${base.toString(16)} error_code=2`]);
    });
  });

  it('each KiB costs what the table says', () => {
    inProcess(function* (k) {
      const base = yield* mapPages(k, 3);
      yield* clear_user(k, base, 3 * PAGE_SIZE);
      const spent: number[] = [];
      const copies = [() => copy_to_user(k, base, bytes), () => clear_user(k, base, 1), () => copy_from_user(k, new Uint8Array(1025), base)];
      for (const copy of copies) {
        const began = k.now;
        yield* copy();
        spent.push((k.now - began) / k.cost.copy);
      }
      assert.deepEqual(spent, [12, 1, 2]);
    });
  });
});
