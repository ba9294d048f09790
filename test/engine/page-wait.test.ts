// Waiting for pages: who sleeps, who is woken in which order, what is never woken by mistake; pages that were written to be given up (KERNEL.md FM-3,
// L-9, EV-3).
//
// A task is a name and what it wants: `lock` locks the page for 1 ms, `read` waits until nobody has it locked, `clean` until it is written.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { TestTask } from './tasks.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { PG_dirty, PG_locked, PG_reclaim, PG_writeback } from '../../engine/include/page-flags.ts';
import { pfn } from '../../engine/include/types.ts';
import { run_to_end, schedule_timeout } from '../../engine/kernel/sched.ts';
import { add_to_page_cache_lru } from '../../engine/mm/filemap.ts';
import { clear_page_flag, list_pages, set_page_flag, test_page_flag } from '../../engine/mm/mem_map.ts';
import { set_page_writeback } from '../../engine/mm/page-writeback.ts';
import { end_page_writeback, lock_page, unlock_page, wait_on_page_locked, wait_on_page_writeback } from '../../engine/mm/page_wait.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { activate_page, lru_add_drain } from '../../engine/mm/swap.ts';
import { VM_EVENT_NAMES, vm_events } from '../../engine/mm/vmstat.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { booted, nameOf, page } from './address-spaces.ts';
import { MS } from './block-notation.ts';
import { onDisk } from './page-cache.ts';
import { runTasks } from './tasks.ts';

const WANTS: Readonly<Record<string, (k: Kernel, on: Pfn) => Generator<Wait, void, void>>> = {
  * lock(k, on) {
    yield* lock_page(k, on);
    yield* schedule_timeout(k, MS, 'a nap');
    unlock_page(k, on);
  },
  read: wait_on_page_locked,
  clean: wait_on_page_writeback,
};

/** Runs tasks that want page 0 of three, each begun 0.01 ms after the one before; `other N` wants page N instead. The order in which they had
 *  it, and how often one of them slept for a page. */
function order(wants: readonly string[], first: (k: Kernel, pages: readonly Pfn[]) => Generator<Wait, void, void>): string {
  const got: string[] = [];
  const pages: Pfn[] = [];
  const holder: TestTask = {
    name: 'holder',
    * run(k) {
      for (let i = 0; i < 80; i++) pages.push(yield* alloc_page(k, GFP_HIGHUSER));
      yield* first(k, pages);
    },
  };
  const tasks = wants.map((want, i): TestTask => ({
    name: `${want} ${i}`, at: MS + i * 10_000,
    * run(k) {
      const [what, where] = want.split(' ') as [string, string?];
      yield* WANTS[what]!(k, pages[Number(where ?? 0)]!);
      got.push(where === undefined ? `${what}${i}` : `${what}${i}@${where}`);
    },
  }));
  const { k, end } = runTasks([holder, ...tasks]);
  const sleeps = k.trace.counts[TP.wait_on_page]!;
  return `${got.join(' ')} (${sleeps})${end.reason === 'ended' ? '' : ` ${end.waiting.map(({ name, waits_for }) => `${name} waits for ${waits_for}`).join(', ')}`}`;
}

/** The page is locked from the start, for so many ms. */
const lockedFor = (time: number) => function* (k: Kernel, pages: readonly Pfn[]): Generator<Wait, void, void> {
  yield* lock_page(k, pages[0]!);
  yield* schedule_timeout(k, time * MS, 'a nap');
  unlock_page(k, pages[0]!);
};

describe('waiting for a page', () => {
  it('FM-3: the lock goes to who came first; one is woken at a time', () => {
    assert.equal(order(['lock', 'lock', 'lock'], lockedFor(2)), 'lock0 lock1 lock2 (3)');
  });

  it('FM-3: those who only want it to be unlocked are all woken at once, the last one first, before anybody locks it again', () => {
    assert.equal(order(['lock', 'read', 'read', 'lock', 'read'], lockedFor(2)), 'read4 read2 read1 lock0 lock3 (5)');
  });

  it('FM-3: a page that nobody has locked or writes is not waited for', () => {
    assert.equal(order(['clean', 'clean', 'lock', 'read'], function* () { /* nothing holds the page */ }), 'clean0 clean1 lock2 read3 (1)');
  });

  it('FM-3: pages that share a queue do not wake each other\'s waiters; nor do the bits of one page', () => {
    // 80 pages in 64 slots: some share one.
    const last = 79;
    const wants = ['lock', ...Array.from({ length: last }, (_, i) => `${i % 3 === 0 ? 'read' : 'lock'} ${i + 1}`)];
    const locked = function* (k: Kernel, pages: readonly Pfn[]): Generator<Wait, void, void> {
      for (const at of pages) set_page_flag(k, at, PG_locked);
      yield* schedule_timeout(k, 5 * MS, 'a nap');
      for (let i = last; i >= 0; i--) {
        unlock_page(k, pages[i]!);
        yield* schedule_timeout(k, 2 * MS, 'a nap');
      }
    };
    const answers = Array.from({ length: last }, (_, i) => last - i).map((n) => `${n % 3 === 1 ? 'read' : 'lock'}${n}@${n}`).join(' ');
    assert.equal(order(wants, locked), `${answers} lock0 (80)`);
    const written = function* (k: Kernel, pages: readonly Pfn[]): Generator<Wait, void, void> {
      yield* lock_page(k, pages[0]!);
      set_page_writeback(k, pages[0]!);
      yield* schedule_timeout(k, 5 * MS, 'a nap');
      unlock_page(k, pages[0]!);
      yield* schedule_timeout(k, 5 * MS, 'a nap');
      end_page_writeback(k, pages[0]!);
    };
    assert.equal(order(['clean', 'read', 'lock', 'clean'], written), 'read1 lock2 clean3 clean0 (4)');
  });

  it('FM-3: who is woken and finds the page locked again waits on, behind those who wait already', () => {
    const grabs = function* (k: Kernel, pages: readonly Pfn[]): Generator<Wait, void, void> {
      yield* lock_page(k, pages[0]!);
      yield* schedule_timeout(k, 2 * MS, 'a nap');
      unlock_page(k, pages[0]!);
      yield* lock_page(k, pages[0]!);
      yield* schedule_timeout(k, 5 * MS, 'a nap');
      unlock_page(k, pages[0]!);
    };
    assert.equal(order(['lock', 'read', 'lock'], grabs), 'read1 lock2 lock0 (5)');
  });

  it('FM-3: who waits for ever is named with the page', () => {
    const wants = function* (k: Kernel, pages: readonly Pfn[]): Generator<Wait, void, void> { yield* lock_page(k, pages[0]!); };
    assert.match(order(['lock', 'read'], wants), /^ \(2\) lock 0 waits for page frame \d+, read 1 waits for page frame \d+$/);
  });

  it('EV-3: each sleep is an event', () => {
    const { at } = onDisk(8);
    set_tracing(at.k, 1);
    const a = page(at, 'a');
    set_page_flag(at.k, a, PG_locked);
    assert.throws(() => run_to_end(at.k, lock_page(at.k, a)), /sleeps where nothing could wake it/);
    assert.deepEqual(trace_records(at.k).filter(({ name }) => name === 'wait_on_page').map(({ args }) => args), [{ pfn: a, bit: PG_locked }]);
  });

  it('a page that nobody has locked, or nobody writes, cannot be given back', () => {
    const at = booted();
    assert.throws(() => unlock_page(at.k, page(at, 'a')), /kernel BUG at mm\/filemap\.c:unlock_page: page \d+ is not locked/);
    assert.throws(() => end_page_writeback(at.k, page(at, 'a')), /kernel BUG at mm\/filemap\.c:end_page_writeback: page \d+ is not under write-back/);
  });
});

describe('rotate_reclaimable_page', () => {
  /** Pages a, b, c, d of a file on the inactive list, d at its head; `a` or what `change` leaves of it ends its write-back with PG_reclaim. */
  function ended(change: (k: Kernel, on: Pfn) => void, name = 'c'): { list: string; rotated: number; flags: boolean[]; events: number } {
    const { at, file } = onDisk(8);
    const { k } = at;
    for (const [index, letter] of ['a', 'b', 'c', 'd'].entries()) {
      run_to_end(k, add_to_page_cache_lru(k, page(at, letter), file, index, GFP_HIGHUSER));
      unlock_page(k, page(at, letter));
    }
    lru_add_drain(k);
    set_tracing(k, 1);
    const on = page(at, name);
    set_page_writeback(k, on);
    set_page_flag(k, on, PG_reclaim);
    change(k, on);
    end_page_writeback(k, on);
    const list = list_pages(k, zoneNamed(k, 'Normal').inactive_list).map((listed) => nameOf(at, pfn(listed))).join('');
    const flags = [PG_writeback, PG_reclaim].map((bit) => test_page_flag(k, on, bit));
    const events = trace_records(k).filter(({ name: event }) => event === 'mm_lru_rotate').length;
    return { list, rotated: vm_events(k, VM_EVENT_NAMES.indexOf('pgrotated')), flags, events };
  }

  it('L-9 EV-3: a page that was written to be given up goes to the tail of the inactive list', () => {
    assert.deepEqual(ended(() => undefined), { list: 'dbac', rotated: 1, flags: [false, false], events: 1 });
  });

  it('L-9: not where it is locked, dirty, active, on no list, or was written for another reason', () => {
    const stays = { list: 'dcba', rotated: 0, flags: [false, false], events: 0 };
    assert.deepEqual(ended((k, on) => set_page_flag(k, on, PG_locked)), stays);
    assert.deepEqual(ended((k, on) => set_page_flag(k, on, PG_dirty)), stays);
    assert.deepEqual(ended((k, on) => clear_page_flag(k, on, PG_reclaim)), stays);
    assert.deepEqual(ended((k, on) => activate_page(k, on)), { ...stays, list: 'dba' });
  });
});
