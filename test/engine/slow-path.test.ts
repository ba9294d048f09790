// What a request does when no zone is above its low mark: the decision list of __alloc_pages (KERNEL.md PA-21, PA-22), with reclaim and kills as a
// test says them.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { RunEnd } from '../../engine/machine.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { MachineConfig } from '../../engine/config.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import {
  GFP_ATOMIC, GFP_KERNEL, GFP_NOFS, GFP_NOWAIT, __GFP_NOFAIL, __GFP_NOMEMALLOC, __GFP_NORETRY, __GFP_NOWARN, __GFP_REPEAT,
} from '../../engine/include/gfp.ts';
import { PF_MEMALLOC } from '../../engine/include/sched.ts';
import { current_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { __free_pages, alloc_pages } from '../../engine/mm/page_alloc.ts';
import { should_alloc_retry } from '../../engine/mm/page_alloc_slow.ts';
import { ALLOCSTALL, vm_events } from '../../engine/mm/vmstat.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { run_machine } from '../../engine/machine.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

const memory = 16 * MiB;
const count = (k: Kernel, name: keyof typeof TP): number => k.trace.counts[TP[name]]!;
const linesOf = (k: Kernel, pattern: RegExp): string[] => k.log.lines.map((line) => line.text).filter((text) => pattern.test(text));
const failures = (k: Kernel): string[] => linesOf(k, /page allocation failure|not modelled/);

interface Outcome {
  k: Kernel;
  end: RunEnd;
  page: Pfn;
  /** Virtual time the request took, whole ms. */
  ms: number;
  /** What the machine counts once memory is used up, before the request. */
  before: { watermarks: number };
}

interface Situation {
  gfp: number;
  order?: number;
  passes?: { nr_reclaimed: number; frees: number }[];
  kills?: number[];
  /** PF_MEMALLOC or the like. */
  prepare?(k: Kernel): void;
  config?: Partial<MachineConfig>;
}

/** Uses up memory down to the mark that GFP_ATOMIC leaves, then asks. */
function ask({ gfp, order = 0, passes = [], kills = [], prepare, config = {} }: Situation): Outcome {
  const outcome = { page: NO_PAGE, ms: -1, before: { watermarks: 0 } };
  const machine = machineWith([{
    name: 'driver',
    *run(k) {
      const held: Pfn[] = [];
      for (;;) {
        const page: Pfn = yield* alloc_pages(k, GFP_ATOMIC | __GFP_NOWARN, 0);
        if (page === NO_PAGE) break;
        held.push(page);
      }
      const take = (pages: number): Pfn[] => held.splice(0, pages);
      k.reclaim_script = { passes: passes.map(({ nr_reclaimed, frees }) => ({ nr_reclaimed, pages: take(frees) })), kills: kills.map(take) };
      prepare?.(k);
      const began = k.now;
      outcome.before.watermarks = count(k, 'mm_watermark_check');
      outcome.page = yield* alloc_pages(k, gfp, order);
      outcome.ms = Math.floor((k.now - began) / 1e6);
    },
  }], { memory, ...config });
  const end = run_machine(machine);
  if (end.reason !== 'bug') assert.deepEqual(check_machine(machine.k), []);
  return { k: machine.k, end, ...outcome };
}

describe('the slow path', () => {
  it('PA-21 (2): kswapd is woken for every zone of the list', () => {
    const { k } = ask({ gfp: GFP_ATOMIC | __GFP_NOWARN, config: { memory: 64 * MiB } });
    const { k: one } = ask({ gfp: GFP_ATOMIC | __GFP_NOWARN });
    assert.ok(count(k, 'mm_vmscan_wakeup_kswapd') > 0 && count(one, 'mm_vmscan_wakeup_kswapd') > 0);
    assert.equal(k.nodes[0]!.kswapd_max_order, 0);
  });

  it('PA-21 (5): without __GFP_WAIT the request ends after the second look', () => {
    const { k, page, ms } = ask({ gfp: GFP_ATOMIC, passes: [{ nr_reclaimed: 32, frees: 32 }] });
    assert.deepEqual([page, ms, vm_events(k, ALLOCSTALL)], [NO_PAGE, 0, 0]);
    assert.deepEqual(failures(k), ['driver: page allocation failure. order:0, mode:0x20']);
  });

  it('PA-21 (6)(7): progress, and a page at the second try', () => {
    const { k, page, ms } = ask({ gfp: GFP_KERNEL, passes: [{ nr_reclaimed: 200, frees: 200 }] });
    assert.notEqual(page, NO_PAGE);
    assert.deepEqual([ms, vm_events(k, ALLOCSTALL), failures(k)], [0, 1, []]);
  });

  it('PA-21 (6): the reclaiming task carries PF_MEMALLOC and a reclaim_state, and loses both', () => {
    const { k } = ask({ gfp: GFP_KERNEL, passes: [{ nr_reclaimed: 200, frees: 200 }] });
    const task = k.tasks[1]!;
    assert.deepEqual([task.flags & PF_MEMALLOC, task.reclaim_state], [0, null]);
  });

  it('PA-21 (9): progress that is not enough: 20 ms of waiting, then another pass', () => {
    const passes = [{ nr_reclaimed: 1, frees: 0 }, { nr_reclaimed: 1, frees: 0 }, { nr_reclaimed: 200, frees: 200 }];
    const { k, page, ms } = ask({ gfp: GFP_KERNEL, passes });
    assert.notEqual(page, NO_PAGE);
    assert.deepEqual([ms, vm_events(k, ALLOCSTALL), count(k, 'congestion_wait')], [40, 3, 2]);
  });

  it('PA-21 (9): an order above 3 is tried once, unless the mask says repeat or may not fail', () => {
    const passes = [{ nr_reclaimed: 1, frees: 0 }, { nr_reclaimed: 1, frees: 0 }];
    assert.equal(vm_events(ask({ gfp: GFP_KERNEL, order: 4, passes }).k, ALLOCSTALL), 1);
    assert.equal(vm_events(ask({ gfp: GFP_KERNEL | __GFP_REPEAT, order: 4, passes }).k, ALLOCSTALL), 2);
    assert.equal(vm_events(ask({ gfp: GFP_KERNEL | __GFP_NOFAIL, order: 4, passes }).k, ALLOCSTALL), 2);
    assert.equal(vm_events(ask({ gfp: GFP_KERNEL | __GFP_NORETRY, order: 0, passes }).k, ALLOCSTALL), 1);
  });

  it('PA-21 (9): the rule as a table', () => {
    const rule = (gfp: number, order: number): boolean => should_alloc_retry(gfp, order);
    assert.deepEqual([0, 3, 4, 10].map((order) => rule(GFP_KERNEL, order)), [true, true, false, false]);
    const never = GFP_KERNEL | __GFP_NORETRY | __GFP_NOFAIL | __GFP_REPEAT;
    assert.deepEqual([0, 3, 4, 10].map((order) => rule(never, order)), [false, false, false, false]);
    assert.deepEqual([__GFP_REPEAT, __GFP_NOFAIL].map((bit) => rule(GFP_KERNEL | bit, 10)), [true, true]);
  });

  it('PA-21 (8): no progress with __GFP_FS: the OOM killer, then from the beginning', () => {
    const { k, page } = ask({ gfp: GFP_KERNEL, passes: [{ nr_reclaimed: 0, frees: 0 }], kills: [300] });
    assert.notEqual(page, NO_PAGE);
    assert.deepEqual([k.reclaim_script, failures(k), vm_events(k, ALLOCSTALL)], [{ passes: [], kills: [] }, [], 1]);
  });

  it('PA-21 (8): a kill that brings nothing is followed by another pass and another kill', () => {
    const passes = [{ nr_reclaimed: 0, frees: 0 }, { nr_reclaimed: 0, frees: 0 }];
    const { k, page, ms } = ask({ gfp: GFP_KERNEL, passes, kills: [0, 300] });
    assert.notEqual(page, NO_PAGE);
    assert.deepEqual([vm_events(k, ALLOCSTALL), ms], [2, 8]);
  });

  it('PA-21 (8): memory that came back elsewhere is found at the high mark, and nobody is killed', () => {
    const { k, page } = ask({ gfp: GFP_KERNEL, passes: [{ nr_reclaimed: 0, frees: 400 }], kills: [1] });
    assert.notEqual(page, NO_PAGE);
    assert.equal(k.reclaim_script.kills.length, 1);
  });

  it('PA-22: without __GFP_FS there is no kill: GFP_NOFS waits and reclaims on', () => {
    const passes = [{ nr_reclaimed: 0, frees: 0 }, { nr_reclaimed: 0, frees: 0 }, { nr_reclaimed: 200, frees: 200 }];
    const { k, page, ms } = ask({ gfp: GFP_NOFS, passes, kills: [300] });
    assert.notEqual(page, NO_PAGE);
    assert.deepEqual([ms, k.reclaim_script.kills.length], [40, 1]);
  });

  it('PA-21 (8): __GFP_NORETRY is never a reason to kill', () => {
    const { k, page } = ask({ gfp: GFP_KERNEL | __GFP_NORETRY, passes: [{ nr_reclaimed: 0, frees: 0 }], kills: [300] });
    assert.deepEqual([page, k.reclaim_script.kills.length], [NO_PAGE, 1]);
    assert.deepEqual(failures(k), ['driver: page allocation failure. order:0, mode:0x10d0']);
  });

  it('PA-21 (4): PF_MEMALLOC and TIF_MEMDIE may take the last page, and do not reclaim', () => {
    const passes = [{ nr_reclaimed: 200, frees: 200 }];
    for (const prepare of [(k: Kernel) => { current_task(k).flags |= PF_MEMALLOC; }, (k: Kernel) => { current_task(k).memdie = 1; }]) {
      const { k, page } = ask({ gfp: GFP_KERNEL, passes, prepare });
      assert.notEqual(page, NO_PAGE);
      assert.equal(vm_events(k, ALLOCSTALL), 0);
    }
  });

  it('PA-21 (4): __GFP_NOMEMALLOC takes that away, and the request ends', () => {
    const { k, page } = ask({ gfp: GFP_KERNEL | __GFP_NOMEMALLOC, prepare: (kernel) => { current_task(kernel).flags |= PF_MEMALLOC; } });
    assert.equal(page, NO_PAGE);
    assert.deepEqual(failures(k), ['driver: page allocation failure. order:0, mode:0x100d0']);
  });

  it('PA-21 (4): with __GFP_NOFAIL it waits 20 ms at a time until another task frees a page', () => {
    const got: { page: Pfn; ms: number } = { page: NO_PAGE, ms: -1 };
    const shared: Pfn[] = [];
    const machine = machineWith([
      {
        name: 'needy', cpu: 0,
        *run(k) {
          current_task(k).flags |= PF_MEMALLOC;
          for (;;) {
            const page: Pfn = yield* alloc_pages(k, GFP_KERNEL | __GFP_NOWARN, 0);
            if (page === NO_PAGE) break;
            shared.push(page);
          }
          const began = k.now;
          got.page = yield* alloc_pages(k, GFP_KERNEL | __GFP_NOFAIL, 0);
          got.ms = Math.floor((k.now - began) / 1e6);
        },
      },
      {
        name: 'helper', at: 1, cpu: 0,
        *run(k) {
          yield* schedule_timeout(k, 50e6, 'a nap');
          __free_pages(k, shared[0]!, 0);
        },
      },
    ], { memory: 8 * MiB });
    assert.equal(run_machine(machine).reason, 'ended');
    assert.deepEqual([got.page === shared[0], got.ms], [true, 60]);
  });

  it('a request that nobody can ever serve does not hang: once caches have given back what they could, it is a deadlock that names it', () => {
    const hopeless = (name: string) => ({
      name,
      *run(k: Kernel) {
        current_task(k).flags |= PF_MEMALLOC;
        let page = 0 as Pfn;
        while (page !== NO_PAGE) page = yield* alloc_pages(k, GFP_KERNEL | __GFP_NOWARN, 0);
        for (;;) yield* alloc_pages(k, GFP_KERNEL | __GFP_NOFAIL, 0);
      },
    });
    const machine = machineWith([hopeless('a'), hopeless('b')], { memory: 8 * MiB, cpus: 2 });
    const end = run_machine(machine);
    assert.deepEqual(end, {
      reason: 'deadlock', message: '', waiting: [{ name: 'a', waits_for: 'memory that others free' }, { name: 'b', waits_for: 'memory that others free' }],
    });
    assert.ok(machine.k.now > 30e9 && machine.k.now < 120e9);
  });

  it('PA-21: where reclaim begins and is not modelled, the request fails and the log says so', () => {
    assert.deepEqual(failures(ask({ gfp: GFP_KERNEL }).k), [
      'pagewalk: direct reclaim is not modelled yet: driver gets no page where Linux would reclaim', 'driver: page allocation failure. order:0, mode:0xd0',
    ]);
    const { k } = ask({ gfp: GFP_KERNEL, passes: [{ nr_reclaimed: 0, frees: 0 }] });
    assert.match(failures(k)[0]!, /^pagewalk: the OOM killer is not modelled yet: driver gets no page/);
  });

  it('PA-21: reports of failures are rate limited: ten at once, then one every 5 s; __GFP_NOWARN prints none', () => {
    const machine = machineWith([{
      name: 'driver',
      *run(k) {
        yield* alloc_pages(k, GFP_ATOMIC, 10);
        for (let i = 0; i < 14; i++) yield* alloc_pages(k, GFP_ATOMIC, 10);
        for (let i = 0; i < 3; i++) yield* alloc_pages(k, GFP_ATOMIC | __GFP_NOWARN, 10);
        yield* schedule_timeout(k, 5e9, 'a nap');
        yield* alloc_pages(k, GFP_ATOMIC, 10);
      },
    }], { memory: 8 * MiB });
    run_machine(machine);
    const lines = linesOf(machine.k, /page allocation failure|suppressed/);
    assert.deepEqual(lines.slice(-2), ['printk: 4 messages suppressed.', 'driver: page allocation failure. order:10, mode:0x20']);
    assert.deepEqual([lines.length, count(machine.k, 'mm_page_alloc_failure')], [12, 18]);
  });

  it('PA-21 (3): a task that may not wait, or is real-time, may go deeper below the mark', () => {
    const taken = (gfp: number, rt: number): number => {
      let pages = 0;
      const machine = machineWith([{
        name: 'driver',
        *run(k) {
          current_task(k).rt = rt;
          let page = 0 as Pfn;
          while (page !== NO_PAGE) {
            page = yield* alloc_pages(k, gfp | __GFP_NOWARN, 0);
            pages++;
          }
        },
      }], { memory });
      run_machine(machine);
      return pages;
    };
    const [kernel, rt, atomic, nowait] = [taken(GFP_KERNEL, 0), taken(GFP_KERNEL, 1), taken(GFP_ATOMIC, 0), taken(GFP_NOWAIT, 0)];
    // min 128: 128 pages stay for GFP_KERNEL, 96 for a real-time task and for GFP_NOWAIT, 48 for GFP_ATOMIC.
    assert.deepEqual([rt - kernel, nowait - kernel, atomic - kernel], [32, 32, 80]);
  });
});
