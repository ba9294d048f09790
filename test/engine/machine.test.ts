// A machine as data: copies, repetition, the event ring (DESIGN.md decision 1; KERNEL.md IV-17, EV-1).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { TestTask } from './tasks.ts';
import { GFP_HIGHUSER, GFP_KERNEL, __GFP_COLD, __GFP_COMP } from '../../engine/include/gfp.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { cond_resched, schedule_timeout } from '../../engine/kernel/sched.ts';
import { __free_pages, alloc_pages } from '../../engine/mm/page_alloc.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { proc_zoneinfo } from '../../engine/fs/proc/files.ts';
import { run_machine } from '../../engine/machine.ts';
import { resize_ring, set_tracing, show_field, trace_event, trace_records } from '../../engine/trace/events.ts';
import { RING_ARGS, TP, TRACEPOINTS } from '../../engine/trace/tracepoints.ts';
import { machineWith } from './tasks.ts';
import { machineIn, MiB } from './notation.ts';

/** A task that allocates and frees blocks of changing orders, and naps now and then. */
function churner(name: string, rounds: number): TestTask {
  return {
    name,
    *run(k) {
      const held: { page: Awaited<number>; order: number }[] = [];
      for (let i = 0; i < rounds; i++) {
        const order = (i * 7) % 4;
        const page = yield* alloc_pages(k, i % 3 === 0 ? GFP_HIGHUSER : GFP_KERNEL | __GFP_COMP, order);
        if (page !== NO_PAGE) held.push({ page, order });
        if (i % 5 === 4) {
          const oldest = held.shift()!;
          __free_pages(k, oldest.page as typeof page, oldest.order);
        }
        if (i % 11 === 10) yield* schedule_timeout(k, 1000, 'a nap');
        yield* cond_resched(k);
      }
    },
  };
}

const two = [churner('a', 60), churner('b', 45)];
const config = { cpus: 2, memory: 32 * MiB };

/** Every event of a run, as one text. */
function eventsOf(k: Kernel): string {
  return trace_records(k).map(({ seq, name, time, cpu, pid, args }) => `${seq} ${time} cpu${cpu} ${pid} ${name} ${JSON.stringify(args)}`).join('\n');
}

function tracedRun(): Kernel {
  const machine = machineWith(two, config);
  resize_ring(machine.k, 1 << 14);
  set_tracing(machine.k, 1);
  assert.equal(run_machine(machine).reason, 'ended');
  return machine.k;
}

describe('a machine', () => {
  it('IV-17: runs the same twice, event for event', () => {
    const [one, other] = [tracedRun(), tracedRun()];
    assert.ok(one.trace.ring.seq > 2 * 105 && one.trace.ring.seq < one.trace.ring.capacity);
    assert.equal(eventsOf(one), eventsOf(other));
    assert.deepEqual(one, other);
  });

  it('looking and recording change nothing', () => {
    const watched = machineWith(two, config);
    watched.hooks = {
      boundary: ({ k }) => {
        check_machine(k);
        proc_zoneinfo(k);
        trace_records(k);
      },
    };
    const plain = machineWith(two, config);
    set_tracing(plain.k, 1);
    run_machine(watched);
    run_machine(plain);
    const { trace: _a, ...left } = watched.k;
    const { trace: _b, ...right } = plain.k;
    assert.deepEqual(left, right);
    assert.deepEqual(watched.k.trace.counts, plain.k.trace.counts);
  });

  it('is plain data: a copy in mid-run is equal, and stays as it was', () => {
    const machine = machineWith(two, config);
    let copies = 0;
    machine.hooks = {
      boundary: ({ k }) => {
        if (copies++ % 10 !== 0) return;
        assert.deepEqual(structuredClone(k), k);
      },
    };
    const before = structuredClone(machine.k);
    run_machine(machine);
    assert.ok(copies > 10);
    assert.notDeepEqual(before, machine.k);
    assert.deepEqual(before, machineWith(two, config).k);
  });

  it('keeps every law at every switch, on two CPUs with their own lists', () => {
    const machine = machineWith(two, config);
    machine.hooks = { boundary: ({ k }) => assert.deepEqual(check_machine(k), []) };
    run_machine(machine);
  });
});

describe('the event ring', () => {
  it('has room for the fields of every tracepoint', () => {
    for (const { fields } of TRACEPOINTS) assert.ok(fields.length <= RING_ARGS);
    assert.equal(new Set(TRACEPOINTS.map(({ name }) => name)).size, TRACEPOINTS.length);
  });

  it('keeps the last records, in order, under their own numbers', () => {
    const k = machineIn('');
    resize_ring(k, 4);
    set_tracing(k, 1);
    for (let i = 1; i <= 6; i++) trace_event(k, TP.sched_switch, i, i + 1);
    assert.deepEqual(trace_records(k).map(({ seq, args }) => [seq, args['prev_pid']]), [[2, 3], [3, 4], [4, 5], [5, 6]]);
    assert.deepEqual(trace_records(k, 4).map(({ seq }) => seq), [4, 5]);
    resize_ring(k, 8);
    trace_event(k, TP.sched_switch, 9, 9);
    assert.deepEqual(trace_records(k, 6).map(({ seq, args }) => [seq, args['prev_pid']]), [[6, 9]]);
  });

  it('counts what it does not record', () => {
    const k = machineIn('');
    trace_event(k, TP.sched_switch, 1, 2);
    assert.deepEqual([trace_records(k).length, k.trace.counts[TP.sched_switch], k.trace.total], [0, 1, 1]);
  });

  it('EV-1: an allocation\'s events, in order', () => {
    const k = machineIn('Normal o10: 5120 | o3: 4104');
    set_tracing(k, 1);
    alloc_pages(k, GFP_KERNEL | __GFP_COLD, 0).next();
    const names = trace_records(k).map(({ name, args }) => `${name} ${Object.values(args).slice(0, 3).join(' ')}`);
    assert.deepEqual(names, [
      'mm_watermark_check 2 0 240', 'mm_buddy_split 4104 3 0', 'mm_page_alloc_zone_locked 4104 4104 0', 'mm_page_alloc 4104 4104 0',
    ]);
  });

  it('shows fields as people read them', () => {
    assert.deepEqual([show_field('gfp', GFP_HIGHUSER | __GFP_COLD), show_field('gfp', 0), show_field('address', 0xc0000000), show_field('zone', 2), show_field('pfn', 7)],
      ['GFP_HIGHUSER|__GFP_COLD', 'GFP_NOWAIT', '0xc0000000', 'Normal', '7']);
  });
});
