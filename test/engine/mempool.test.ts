// Memory pools: reserve, waiting rule, growing and shrinking (KERNEL.md MP-1 … MP-3, EV-13).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { mempool_kind, mempool_t } from '../../engine/include/mempool.ts';
import type { TestTask } from './tasks.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import { GFP_ATOMIC, GFP_KERNEL, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { NO_PAGE, pfn } from '../../engine/include/types.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { NO_ELEMENT, find_mempool, mempool_alloc, mempool_create, mempool_destroy, mempool_free, mempool_resize } from '../../engine/mm/mempool.ts';
import { __free_pages, alloc_pages } from '../../engine/mm/page_alloc.ts';
import { find_cache } from '../../engine/mm/slab_lists.ts';
import { page_count_raw } from '../../engine/mm/mem_map.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { run_machine } from '../../engine/machine.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

type Steps = Generator<Wait, void, void>;

function run(tasks: readonly TestTask[], cpus = 1): { k: Kernel; reason: string; waiting: unknown } {
  const machine = machineWith(tasks, { memory: 16 * MiB, cpus });
  const { reason, waiting, message } = run_machine(machine);
  if (reason === 'bug') throw new Error(message);
  assert.deepEqual(check_machine(machine.k), []);
  return { k: machine.k, reason, waiting };
}

const one = (body: (k: Kernel) => Steps): { k: Kernel; reason: string; waiting: unknown } => run([{ name: 'driver', run: body }]);

/** Every page that GFP_ATOMIC can get. */
function* exhaust(k: Kernel): Generator<Wait, Pfn[], void> {
  const held: Pfn[] = [];
  for (;;) {
    const page: Pfn = yield* alloc_pages(k, GFP_ATOMIC | __GFP_NOWARN, 0);
    if (page === NO_PAGE) return held;
    held.push(page);
  }
}

/** What mempools did, as text. */
const events = (k: Kernel): string[] => trace_records(k).filter(({ name }) => name.startsWith('mempool_')).map(({ name, args }) => `${name.slice(8)} ${args['curr_nr']}/${args['min_nr']}`);
const poolOf = (pool: mempool_t | null): mempool_t => pool ?? assert.fail('no memory for the pool');

describe('a memory pool', () => {
  it('MP-1: holds min_nr elements from the beginning', () => {
    one(function* (k) {
      const pool = poolOf(yield* mempool_create(k, 'bio', 4, 'pages', 1));
      assert.deepEqual([pool.min_nr, pool.curr_nr, pool.elements.length], [4, 4, 4]);
      assert.deepEqual(pool.elements.map((page) => page_count_raw(k, pfn(page))), [1, 1, 1, 1]);
      assert.equal(find_mempool(k, 'bio'), pool);
      mempool_destroy(k, pool);
      assert.equal(find_mempool(k, 'bio'), null);
    });
  });

  it('MP-1: where memory does not suffice there is no pool, and nothing is lost', () => {
    one(function* (k) {
      const held = yield* exhaust(k);
      for (const page of held.splice(0, 200)) __free_pages(k, page, 0);
      const pool = yield* mempool_create(k, 'large', 500, 'pages', 0);
      assert.deepEqual([pool, k.mempools], [null, [null]]);
      const again = yield* exhaust(k);
      assert.ok(again.length >= 195);
    });
  });

  it('MP-2: the allocator comes first, the reserve last, as a stack', () => {
    one(function* (k) {
      set_tracing(k, 1);
      const pool = poolOf(yield* mempool_create(k, 'bio', 2, 'pages', 0));
      const reserve = [...pool.elements];
      const first = yield* mempool_alloc(k, pool, GFP_KERNEL);
      assert.deepEqual([reserve.includes(first), pool.curr_nr], [false, 2]);
      yield* exhaust(k);
      const second = yield* mempool_alloc(k, pool, GFP_ATOMIC);
      const third = yield* mempool_alloc(k, pool, GFP_ATOMIC);
      const none = yield* mempool_alloc(k, pool, GFP_ATOMIC);
      assert.deepEqual([second, third, none], [reserve[1], reserve[0], NO_ELEMENT]);
      mempool_free(k, third, pool);
      mempool_free(k, first, pool);
      mempool_free(k, second, pool);
      assert.deepEqual([pool.elements, page_count_raw(k, pfn(second))], [[third, first], 0]);
      assert.deepEqual(events(k), ['take_reserve 1/2', 'take_reserve 0/2', 'refill 1/2', 'refill 2/2']);
    });
  });

  it('MP-2: the request neither warns nor digs into the reserves of PF_MEMALLOC', () => {
    const { k } = one(function* (kernel) {
      const pool = poolOf(yield* mempool_create(kernel, 'bio', 1, 'pages', 3));
      yield* exhaust(kernel);
      kernel.tasks[1]!.flags |= 0x800;
      yield* mempool_alloc(kernel, pool, GFP_ATOMIC);
      const none = yield* mempool_alloc(kernel, pool, GFP_ATOMIC);
      assert.equal(none, NO_ELEMENT);
    });
    assert.equal(k.log.lines.some(({ text }) => /allocation failure/.test(text)), false);
  });

  it('MP-2 MP-3: a request that may wait sleeps until an element comes back', () => {
    const got: { element: number; ms: number } = { element: 0, ms: -1 };
    const { k } = run([
      {
        name: 'owner',
        *run(k) {
          set_tracing(k, 1);
          const pool = poolOf(yield* mempool_create(k, 'bio', 1, 'pages', 0));
          yield* exhaust(k);
          const element = yield* mempool_alloc(k, pool, GFP_KERNEL);
          yield* schedule_timeout(k, 700e6, 'I/O');
          mempool_free(k, element, pool);
          yield* schedule_timeout(k, 10e9, 'the end');
        },
      },
      {
        name: 'waiter', at: 50e6,
        *run(k) {
          const began = k.now;
          got.element = yield* mempool_alloc(k, find_mempool(k, 'bio')!, GFP_KERNEL);
          got.ms = Math.floor((k.now - began) / 1e6);
        },
      },
    ]);
    assert.deepEqual([got.element !== NO_ELEMENT, got.ms >= 600 && got.ms < 700], [true, true]);
    assert.deepEqual(events(k), ['take_reserve 0/1', 'wait 0/1', 'refill 1/1', 'take_reserve 0/1']);
  });

  it('MP-2: after 5 s it looks again by itself, and finds memory that was freed elsewhere', () => {
    const looked: number[] = [];
    const { k } = run([
      {
        name: 'owner',
        *run(k) {
          const pool = poolOf(yield* mempool_create(k, 'bio', 1, 'pages', 0));
          const held = yield* exhaust(k);
          yield* mempool_alloc(k, pool, GFP_KERNEL);
          yield* schedule_timeout(k, 7e9, 'I/O');
          for (const page of held.splice(0, 300)) __free_pages(k, page, 0);
          yield* schedule_timeout(k, 20e9, 'the end');
        },
      },
      {
        name: 'waiter', at: 100e6,
        *run(k) {
          set_tracing(k, 1);
          const began = k.now;
          yield* mempool_alloc(k, find_mempool(k, 'bio')!, GFP_KERNEL);
          looked.push(Math.floor((k.now - began) / 1e9));
        },
      },
    ]);
    assert.deepEqual([looked, events(k)], [[10], ['wait 0/1', 'wait 0/1']]);
  });

  it('MP-2: waiting for what nobody will bring back is a deadlock that names the pool', () => {
    const hopeless = (name: string): TestTask => ({
      name,
      *run(k) {
        const pool = poolOf(yield* mempool_create(k, `pool of ${name}`, 1, 'pages', 0));
        yield* schedule_timeout(k, 1e6, 'the other');
        yield* exhaust(k);
        yield* mempool_alloc(k, pool, GFP_KERNEL);
        yield* mempool_alloc(k, pool, GFP_KERNEL);
      },
    });
    const { reason, waiting } = run([hopeless('a'), hopeless('b')], 2);
    const names = ['a', 'b'].map((name) => ({ name, waits_for: `an element of the memory pool pool of ${name}` }));
    assert.deepEqual([reason, waiting], ['deadlock', names]);
  });

  it('MP-3: everybody who waits is woken by one element; the newest comes first', () => {
    const served: string[] = [];
    const waiter = (name: string, at: number): TestTask => ({
      name, at,
      *run(k) {
        const element = yield* mempool_alloc(k, find_mempool(k, 'bio')!, GFP_KERNEL);
        served.push(name);
        yield* schedule_timeout(k, 1e9, 'I/O');
        mempool_free(k, element, find_mempool(k, 'bio')!);
      },
    });
    run([
      {
        name: 'owner',
        *run(k) {
          const pool = poolOf(yield* mempool_create(k, 'bio', 1, 'pages', 0));
          yield* exhaust(k);
          const element = yield* mempool_alloc(k, pool, GFP_KERNEL);
          yield* schedule_timeout(k, 2e9, 'I/O');
          mempool_free(k, element, pool);
        },
      },
      waiter('first', 1e9), waiter('second', 1.2e9), waiter('third', 1.4e9),
    ]);
    assert.deepEqual(served, ['third', 'first', 'second']);
  });

  it('MP-3: resize makes the reserve smaller at once, larger as far as memory goes', () => {
    one(function* (k) {
      const pool = poolOf(yield* mempool_create(k, 'bio', 4, 'pages', 0));
      let err = yield* mempool_resize(k, pool, 2, GFP_KERNEL);
      assert.deepEqual([err, pool.min_nr, pool.curr_nr], [0, 2, 2]);
      err = yield* mempool_resize(k, pool, 6, GFP_KERNEL);
      assert.deepEqual([err, pool.min_nr, pool.curr_nr], [0, 6, 6]);
      yield* exhaust(k);
      err = yield* mempool_resize(k, pool, 8, GFP_ATOMIC | __GFP_NOWARN);
      assert.deepEqual([err, pool.min_nr, pool.curr_nr], [0, 8, 6]);
      const grown: Pfn = yield* alloc_pages(k, GFP_ATOMIC | __GFP_NOWARN, 0);
      assert.equal(grown, NO_PAGE);
    });
  });

  it('MP-1: destroying a pool whose elements are out is a BUG', () => {
    assert.throws(() => one(function* (k) {
      const pool = poolOf(yield* mempool_create(k, 'bio', 1, 'pages', 0));
      yield* exhaust(k);
      yield* mempool_alloc(k, pool, GFP_ATOMIC);
      mempool_destroy(k, pool);
    }), /kernel BUG at mm\/mempool\.c:mempool_destroy: 1 elements of bio are missing/);
  });

  it('MP-1: elements may be kmalloc memory or objects of a cache', () => {
    one(function* (k) {
      const kinds: [mempool_kind, number][] = [['kmalloc', 200], ['slab', find_cache(k, 'size-64')!.id]];
      for (const [kind, data] of kinds) {
        const pool = poolOf(yield* mempool_create(k, kind, 3, kind, data));
        assert.equal(new Set(pool.elements).size, 3);
        assert.ok(pool.elements.every((address) => address >= 0xc0000000));
        const element = yield* mempool_alloc(k, pool, GFP_KERNEL);
        mempool_free(k, element, pool);
        assert.deepEqual(check_machine(k), []);
        mempool_destroy(k, pool);
      }
    });
  });

  it('the state lint sees an element that is there twice', () => {
    const { k } = one(function* (kernel) {
      poolOf(yield* mempool_create(kernel, 'bio', 2, 'pages', 0));
    });
    const pool = find_mempool(k, 'bio')!;
    pool.elements[1] = pool.elements[0]!;
    assert.deepEqual(check_machine(k), ['MP-1: memory pool bio: an element is in the reserve twice']);
  });

  it('MP-1 … MP-3: whatever is asked for and given back, with memory or without, no element is lost', () => {
    const fresh = machineWith([], { memory: 8 * MiB }).k;
    const step = fc.record({ kind: fc.constantFrom('alloc', 'alloc', 'free', 'hog', 'release', 'resize'), n: fc.nat({ max: 12 }) });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const k = structuredClone(fresh);
      const now = <T>(generator: Generator<Wait, T, void>): T => {
        const { done, value } = generator.next();
        assert.equal(done, true);
        return value as T;
      };
      const pool = poolOf(now(mempool_create(k, 'bio', 5, 'pages', 0)));
      const out: number[] = [];
      let hogged: Pfn[] = [];
      for (const { kind, n } of steps) {
        if (kind === 'alloc') {
          const element = now(mempool_alloc(k, pool, GFP_ATOMIC));
          if (element !== NO_ELEMENT) out.push(element);
        } else if (kind === 'free' && out.length > 0) mempool_free(k, out.splice(n % out.length, 1)[0]!, pool);
        else if (kind === 'hog') hogged = [...hogged, ...now(exhaust(k))];
        else if (kind === 'release') for (const page of hogged.splice(0, n * 10)) __free_pages(k, page, 0);
        else if (kind === 'resize') now(mempool_resize(k, pool, n + 1, GFP_ATOMIC | __GFP_NOWARN));
        assert.equal(new Set([...out, ...pool.elements, ...hogged]).size, out.length + pool.elements.length + hogged.length);
      }
      assert.deepEqual(check_machine(k), []);
      for (const element of out) mempool_free(k, element, pool);
      assert.deepEqual(check_machine(k), []);
    }), { numRuns: 20, seed: 20060923 });
  });
});
