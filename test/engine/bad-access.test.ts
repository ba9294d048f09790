// What becomes of an access that nothing allows; how far a stack grows; the kernel's own faults (KERNEL.md F-1 … F-4, F-14, T-6, MM-17, X-1, X-2,
// X-28 … X-31, SC-14, SC-15).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { EFAULT } from '../../engine/include/errno.ts';
import { MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV, SI_KERNEL, signal_name } from '../../engine/include/signal.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { do_page_fault } from '../../engine/arch/fault.ts';
import { pgd_offset } from '../../engine/arch/pgalloc.ts';
import { read_pte } from '../../engine/arch/pgtable.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { load_byte } from '../../engine/mm/kernel_memory.ts';
import { find_vma, sys_munmap } from '../../engine/mm/mmap.ts';
import { vfree, vmalloc } from '../../engine/mm/vmalloc.ts';
import { touch_user } from '../../engine/mm/user_memory.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import { ANON, RW, eventsOf, fileOfSize, mapPages, mmOf, pageAt, runLawfully, user, takeAllFreePages } from './processes.ts';
import { MiB } from './notation.ts';

const PAGES = 8;

/** A mapping to try accesses on. */
interface Mapping {
  prot?: number;
  /** Maps a new file of so many bytes. */
  fileSize?: number;
}

function* mapped(k: Kernel, { prot = RW, fileSize }: Mapping): Generator<Wait, VirtAddr, void> {
  const file = fileSize === undefined ? 0 : fileOfSize(k, '/data', fileSize);
  const at = yield* mapPages(k, PAGES, { prot, flags: file === 0 ? ANON : MAP_PRIVATE, file });
  return at;
}

describe('accesses that nothing allows', () => {
  interface BadAccess {
    /** Where, from what the process has: its mapping (8 pages), or an address. */
    at: (base: VirtAddr) => number;
    write?: 0 | 1;
    mapping?: Mapping;
    /** The access before it: makes the page present. */
    first?: 0 | 1;
    arch?: 'i386' | 'x86_64';
    /** Signal, si_code, error code of the fault (-1 where it is none). */
    dies: readonly [number, number, number];
    log?: RegExp;
  }

  function bad(name: string, test: BadAccess): void {
    it(name, () => {
      let address = virt(0);
      const { k, task } = runLawfully([user('p', function* (kernel) {
        const base = yield* mapped(kernel, test.mapping ?? {});
        address = virt(test.at(base));
        if (test.first !== undefined) {
          yield* touch_user(kernel, address, test.first);
          if ((test.mapping?.prot ?? RW) === PROT_READ) assert.equal(test.first, 0);
        }
        set_tracing(kernel, 1);
        const error = yield* touch_user(kernel, address, test.write ?? 0);
        assert.equal(error, -EFAULT);
      }, { dies: SIGSEGV })], { arch: test.arch ?? 'i386' });
      const faults = eventsOf(k, 0, { page_fault_user: ['address', 'error_code'] });
      const [signo, code, error] = test.dies;
      assert.deepEqual(
        [signal_name(task.signal), task.si_code, faults.at(-1) ?? 'none'],
        [signal_name(signo), code, error < 0 ? 'none' : `page_fault_user address=${address.toString(16)} error_code=${error}`],
      );
      assert.equal(task.si_addr, code === SI_KERNEL ? 0 : address);
      const segfaults = k.log.lines.filter(({ text }) => /^p\[1\]/.test(text)).map(({ text }) => text);
      assert.equal(segfaults.length, test.log === undefined ? 0 : 1);
      if (test.log !== undefined) assert.match(segfaults[0]!, test.log);
    });
  }

  bad('F-2: no VMA: MAPERR', { at: () => 0x1000, dies: [SIGSEGV, SEGV_MAPERR, 4] });
  bad('F-2: address 0', { at: () => 0, write: 1, dies: [SIGSEGV, SEGV_MAPERR, 6] });
  bad('F-2: between two VMAs', { at: () => 0x30000000, dies: [SIGSEGV, SEGV_MAPERR, 4] });
  bad('F-2 T-6: a write to memory that is read-only: ACCERR', { at: (base) => base, write: 1, mapping: { prot: PROT_READ }, dies: [SIGSEGV, SEGV_ACCERR, 6] });
  bad('F-2 T-6: … and the page is there', { at: (base) => base, write: 1, first: 0, mapping: { prot: PROT_READ }, dies: [SIGSEGV, SEGV_ACCERR, 7] });
  bad('F-2: memory without access', { at: (base) => base, mapping: { prot: PROT_NONE }, dies: [SIGSEGV, SEGV_ACCERR, 4] });
  bad('F-2: a read of memory that may only be written', { at: (base) => base, mapping: { prot: PROT_WRITE }, dies: [SIGSEGV, SEGV_ACCERR, 4] });
  bad('F-1: a kernel address that the tables map is there, and forbidden', { at: () => 0xc0000000, dies: [SIGSEGV, SEGV_MAPERR, 5] });
  bad('F-1: … and one that they do not', { at: () => 0xf0000000, write: 1, dies: [SIGSEGV, SEGV_MAPERR, 6] });
  bad('F-14: past the end of a mapped file', { at: (base) => base + 3 * PAGE_SIZE, mapping: { fileSize: 3 * PAGE_SIZE - 1 }, dies: [SIGBUS, BUS_ADRERR, 4] });
  bad('X-30: x86_64 says so in the log', {
    arch: 'x86_64', at: () => 0x1000, dies: [SIGSEGV, SEGV_MAPERR, 4],
    log: /^p\[1\]: segfault at 0000000000001000 rip 0000000000400000 rsp 00007fffffff[0-9a-f]{4} error 4$/,
  });
  bad('X-30: a kernel address is said to be there, whether or not it is', {
    arch: 'x86_64', at: () => -0x3e0000000000, write: 1, dies: [SIGSEGV, SEGV_MAPERR, 6],
    log: /^p\[1\]: segfault at ffffc20000000000 rip 0000000000400000 rsp 00007fffffff[0-9a-f]{4} error 7$/,
  });
  bad('X-4: the direct map is there', { arch: 'x86_64', at: () => -0x7f0000000000, dies: [SIGSEGV, SEGV_MAPERR, 5], log: /error 5$/ });
  bad('X-3: the last page of all addresses, for which no empty entry of the TLB stands', {
    arch: 'x86_64', at: () => -1, dies: [SIGSEGV, SEGV_MAPERR, 4], log: /segfault at ffffffffffffffff .* error 5$/,
  });
  bad('X-1: the guard page behind user space', { arch: 'x86_64', at: () => 0x7ffffffff000, dies: [SIGSEGV, SEGV_MAPERR, 4], log: /error 5$/ });
  bad('X-2: an address that the processor does not have is no page fault', {
    arch: 'x86_64', at: () => 0x800000000000, dies: [SIGSEGV, SI_KERNEL, -1], log: /^p\[1\] general protection rip:400000 rsp:7fffffff[0-9a-f]{4} error:0$/,
  });
  bad('X-2: … nor from below', { arch: 'x86_64', at: () => -0x800000000001, write: 1, dies: [SIGSEGV, SI_KERNEL, -1], log: /general protection/ });

  it('X-29: a fetch from memory that may be read but not executed is served as a read; the next one is refused', () => {
    const { task } = runLawfully([user('p', function* (k) {
      const base = yield* mapPages(k, 1, { prot: PROT_READ });
      const [served, refused] = [yield* do_page_fault(k, base, 0x14), yield* do_page_fault(k, base, 0x15)];
      assert.deepEqual([served, refused], [0, -EFAULT]);
    }, { dies: SIGSEGV })], { arch: 'x86_64' });
    assert.deepEqual([task.signal, task.si_code], [SIGSEGV, SEGV_ACCERR]);
  });

  it('F-2: where there is no memory for the page the task is killed, and says so', () => {
    const { k, task } = runLawfully([user('hog', function* (kernel) {
      const base = yield* mapPages(kernel, 2);
      yield* touch_user(kernel, base, 1);
      yield* takeAllFreePages(kernel);
      for (let page = 0; ; page++) {
        const error = yield* touch_user(kernel, pageAt(base, 1), 1);
        if (error !== 0) return;
        yield* sys_munmap(kernel, pageAt(base, 1), PAGE_SIZE);
      }
    })], { memory: 16 * MiB });
    assert.deepEqual([task.signal, k.log.lines.filter(({ text }) => text === 'VM: killing process hog').length], [SIGKILL, 1]);
  });
});

describe('the stack', () => {
  /** The byte below the pointer that may just be touched, and one farther. */
  function window(arch: 'i386' | 'x86_64', bytes: number): void {
    it(`F-1 ${arch === 'x86_64' ? 'X-29' : 'MM-17'}: ${arch} may touch ${bytes} bytes below the stack pointer, no more`, () => {
      for (const [beyond, signal] of [[0, 0], [1, SIGSEGV]] as const) {
        const { task } = runLawfully([user('p', function* (k, self) {
          const stack = find_vma(k, mmOf(k, self), virt(self.esp))!;
          self.esp = virt(stack.vm_start - 40 * PAGE_SIZE + 123);
          const address = virt(self.esp - bytes - beyond);
          yield* touch_user(k, address, 1);
          if (beyond === 0) assert.equal(stack.vm_start, address - (address % PAGE_SIZE));
        }, { dies: signal })], { arch });
        assert.equal(task.signal, signal);
      }
    });
  }
  window('i386', 65536 + 32 * 4);
  window('x86_64', 65536 + 32 * 8);

  it('MM-17: past RLIMIT_STACK it does not grow', () => {
    const { task } = runLawfully([user('p', function* (k, self) {
      self.esp = virt(0xc0000000 - 9 * MiB);
      yield* touch_user(k, self.esp, 1);
    }, { dies: SIGSEGV, rlimit_stack: 8 * MiB })]);
    assert.deepEqual([task.signal, task.si_code], [SIGSEGV, SEGV_MAPERR]);
  });

  it('F-1: no other mapping grows', () => {
    const { task } = runLawfully([user('p', function* (k) {
      const base = yield* mapPages(k, 1);
      yield* touch_user(k, virt(base - 1), 1);
    }, { dies: SIGSEGV })]);
    assert.deepEqual([task.signal, task.si_code], [SIGSEGV, SEGV_MAPERR]);
  });
});

describe('faults of the kernel', () => {
  it('F-4 VM-5 SC-15: the first touch of a vmalloc area on a process\'s tables copies the top entry; the second finds it', () => {
    let area = virt(0);
    let syncs: string[] = [];
    runLawfully([
      user('p', function* (k) {
        yield* schedule_timeout(k, 50e6, 'the area');
      }),
      { name: 'maker', at: 10e6, *run(k) {
        area = yield* vmalloc(k, 3 * PAGE_SIZE);
        const mm = k.mm_structs[k.tlbs[0]!.mm]!;
        assert.equal(read_pte(k, pgd_offset(k, mm, area)), 0, 'the tables in use are those of p, which were made before');
        set_tracing(k, 1);
        load_byte(k, area);
        load_byte(k, virt(area + PAGE_SIZE));
        syncs = eventsOf(k, 0, { page_fault_kernel: ['address', 'error_code'], mm_vmalloc_sync: ['address'] });
        assert.notEqual(read_pte(k, pgd_offset(k, mm, area)), 0);
        vfree(k, area);
        yield* schedule_timeout(k, 1e6, 'nothing');
      } },
    ]);
    assert.deepEqual(syncs, [`page_fault_kernel address=${area.toString(16)} error_code=0`, `mm_vmalloc_sync address=${area.toString(16)}`]);
  });

  it('F-3 VM-1: the guard page behind an area is an oops, whatever tables are in use', () => {
    const { end, k } = runLawfully([{ name: 'maker', *run(kernel) {
      const area = yield* vmalloc(kernel, PAGE_SIZE);
      set_tracing(kernel, 1);
      load_byte(kernel, virt(area + PAGE_SIZE));
    } }]);
    assert.deepEqual([end.reason, end.message], ['bug', 'Unable to handle kernel paging request at virtual address c4801000']);
    assert.deepEqual(eventsOf(k, 0, { page_fault_kernel: ['address'] }), ['page_fault_kernel address=c4801000']);
  });
});

