// Pages that the kernel wants present: get_user_pages, follow_page, make_pages_present (KERNEL.md F-8, F-15).

import assert from 'node:assert/strict';
import { EFAULT, ENOMEM } from '../../engine/include/errno.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ } from '../../engine/include/mman.ts';
import { VM_FAULT_MINOR, VM_FAULT_OOM } from '../../engine/include/mm_types.ts';
import { PG_dirty, PG_referenced } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { KernelBug } from '../../engine/kernel/panic.ts';
import { page_count, test_page_flag } from '../../engine/mm/mem_map.ts';
import {
  FOLL_ANON, FOLL_GET, FOLL_TOUCH, FOLL_WRITE, follow_page, get_user_pages, handle_mm_fault, make_pages_present,
} from '../../engine/mm/memory.ts';
import { file_of, inode_of } from '../../engine/mm/mm_struct.ts';
import { find_vma } from '../../engine/mm/mmap.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { __free_pages, alloc_page, nr_free_pages } from '../../engine/mm/page_alloc.ts';
import { touch_user } from '../../engine/mm/user_memory.ts';
import { fileOfSize, inProcess, mapPages, mmOf, pageAt, runLawfully, tablesOf, user, takeAllFreePages } from './processes.ts';
import { MiB } from './notation.ts';

const PAGES = 8;

describe('pages that the kernel wants present', () => {
  it('F-15: get_user_pages faults in what is missing, by reads or writes, and counts them for the task', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, PAGES);
      const before = task.min_flt;
      const read = yield* get_user_pages(k, mm, pageAt(base, 1), 2, 0, 0);
      const written = yield* get_user_pages(k, mm, pageAt(base, 2), 3, 1, 0);
      assert.deepEqual([read, written, task.min_flt - before], [2, 3, 3]);
      assert.equal(tablesOf(k, mm, base, PAGES, new Map()), '2=a:RWAD 3=b:RWAD 4=c:RWAD');
    });
  });

  it('F-15: a read of memory that has a table maps the page of zeroes; the write after it copies', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, PAGES);
      yield* touch_user(k, base, 1);
      yield* get_user_pages(k, mm, base, 3, 0, 0);
      assert.equal(tablesOf(k, mm, base, PAGES, new Map()), '0=a:RWAD 1=zero:RA 2=zero:RA');
      yield* get_user_pages(k, mm, base, 2, 1, 0);
      assert.equal(tablesOf(k, mm, base, PAGES, new Map()), '0=a:RWAD 1=b:RWAD 2=zero:RA');
    });
  });

  it('F-15: make_pages_present writes where the VMA may be written; a range runs from VMA to VMA up to a hole', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, PAGES);
      yield* sys_mprotect(k, pageAt(base, 2), 2 * PAGE_SIZE, PROT_READ);
      const answers = [yield* make_pages_present(k, base, pageAt(base, 2)), yield* get_user_pages(k, mm, base, PAGES, 1, 0)];
      assert.deepEqual([answers, tablesOf(k, mm, base, PAGES, new Map())], [[0, 2], '0=a:RWAD 1=b:RWAD']);
      const refused = yield* get_user_pages(k, mm, pageAt(base, 2), 2, 1, 0);
      const hole = yield* get_user_pages(k, mm, virt(0x1000), 1, 0, 0);
      assert.deepEqual([refused, hole], [-EFAULT, -EFAULT]);
    });
  });

  it('F-8: written by force, a read-only private page is copied and stays read-only', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const file = fileOfSize(k, '/data', PAGE_SIZE);
      const base = yield* mapPages(k, 1, { prot: PROT_READ | PROT_EXEC, flags: MAP_PRIVATE, file });
      yield* touch_user(k, base, 0);
      const count = yield* get_user_pages(k, mm, base, 1, 1, 1);
      assert.deepEqual([count, tablesOf(k, mm, base, 1, new Map())], [1, '0=a:RAD']);
      assert.equal(inode_of(k, file_of(k, file).f_inode).nrpages, 1);
    });
  });

  it('F-15: follow_page takes what its flags say', () => {
    inProcess(function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, PAGES);
      const vma = find_vma(k, mm, base)!;
      const before = page_count(k, k.zero_page);
      assert.deepEqual([follow_page(k, mm, vma, base, FOLL_TOUCH), follow_page(k, mm, vma, base, FOLL_ANON | FOLL_GET)], [NO_PAGE, k.zero_page]);
      assert.equal(page_count(k, k.zero_page), before + 1);
      __free_pages(k, k.zero_page, 0);
      yield* touch_user(k, base, 0);
      assert.deepEqual([follow_page(k, mm, vma, base, FOLL_WRITE), follow_page(k, mm, vma, base, 0)], [NO_PAGE, k.zero_page]);
      const shared = yield* mapPages(k, 1, { flags: MAP_SHARED | MAP_ANONYMOUS });
      yield* touch_user(k, shared, 0);
      const page = follow_page(k, mm, find_vma(k, mm, shared)!, shared, FOLL_TOUCH);
      const marks = (): boolean[] => [PG_dirty, PG_referenced].map((bit) => test_page_flag(k, page, bit));
      const unwritten = marks();
      follow_page(k, mm, find_vma(k, mm, shared)!, shared, FOLL_WRITE | FOLL_TOUCH);
      assert.deepEqual([unwritten, marks()[0]], [[false, true], true]);
      assert.throws(() => follow_page(k, mm, vma, pageAt(base, PAGES + 1024), FOLL_ANON | FOLL_WRITE), KernelBug);
    });
  });

  it('F-15: no memory is -ENOMEM, or how far it came', () => {
    runLawfully([user('p', function* (k, task) {
      const mm = mmOf(k, task);
      const base = yield* mapPages(k, PAGES);
      yield* touch_user(k, base, 1);
      const hoard = yield* takeAllFreePages(k);
      while (nr_free_pages(k) > 0) {
        const page = yield* alloc_page(k, 0x20);
        if (page === NO_PAGE) break;
        hoard.push(page);
      }
      const vma = find_vma(k, mm, base)!;
      let answer = VM_FAULT_MINOR;
      for (let page = 1; page < PAGES && answer === VM_FAULT_MINOR; page++) answer = yield* handle_mm_fault(k, mm, vma, pageAt(base, page), 1);
      const none = yield* get_user_pages(k, mm, pageAt(base, PAGES - 1), 1, 1, 0);
      for (const page of hoard) __free_pages(k, page, 0);
      assert.deepEqual([answer, none], [VM_FAULT_OOM, -ENOMEM]);
    })], { memory: 16 * MiB });
  });
});

