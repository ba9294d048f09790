// Windows onto high memory: kmap and its 1024 slots, atomic slots (KERNEL.md VM-6, VM-7, X-46).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import type { TestTask } from './tasks.ts';
import { KM_TYPE_NAMES, KM_USER0, KM_USER1, LAST_PKMAP } from '../../engine/include/highmem.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { page_address as lowmem_page_address } from '../../engine/arch/address.ts';
import { vmalloc_to_page } from '../../engine/arch/pgtable.ts';
import { fill_frame } from '../../engine/mm/contents.ts';
import { PageHighMem, kmap, kmap_atomic, kunmap, kunmap_atomic, page_address } from '../../engine/mm/highmem.ts';
import { load_byte, store_byte } from '../../engine/mm/kernel_memory.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { run_machine } from '../../engine/machine.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

const memory = 1024 * MiB;
/** The n-th frame of high memory. */
const high = (n: number): Pfn => pfn(229376 + n);
const booted = (): Kernel => machineWith([], { memory }).k;
const hex = (n: number): string => n.toString(16);

/** kmap where it must not sleep. */
function map(k: Kernel, page: Pfn): VirtAddr {
  const step = kmap(k, page).next();
  if (step.done !== true) throw new Error('kmap sleeps');
  return step.value;
}

describe('kmap', () => {
  it('VM-6: low memory has its address anyway, and takes no slot', () => {
    const k = booted();
    assert.deepEqual([PageHighMem(k, pfn(229375)), PageHighMem(k, high(0))], [false, true]);
    assert.equal(map(k, pfn(5000)), lowmem_page_address(k, pfn(5000)));
    kunmap(k, pfn(5000));
    assert.equal(k.highmem.pkmap_count.every((count) => count === 0), true);
  });

  it('VM-6: slots are given round robin from 1 on; count is users + 1; the bytes are the frame\'s', () => {
    const k = booted();
    fill_frame(k, high(7), 0x42);
    assert.equal(page_address(k, high(7)), 0);
    assert.deepEqual([map(k, high(7)), map(k, high(9)), map(k, high(7))].map(hex), ['ff801000', 'ff802000', 'ff801000']);
    assert.deepEqual([...k.highmem.pkmap_count.slice(0, 4)], [0, 3, 2, 0]);
    assert.equal(load_byte(k, virt(0xff801123)), 0x42);
    store_byte(k, virt(0xff801123), 0x43);
    kunmap(k, high(7));
    kunmap(k, high(7));
    assert.deepEqual([...k.highmem.pkmap_count.slice(0, 4)], [0, 1, 2, 0]);
    assert.deepEqual([hex(page_address(k, high(7))), load_byte(k, virt(0xff801123))], ['ff801000', 0x43]);
    assert.deepEqual(check_machine(k), []);
  });

  it('VM-6: an unused slot keeps its page until the window wraps, then all such slots are free', () => {
    const k = booted();
    map(k, high(5000));
    for (let n = 0; n < LAST_PKMAP - 2; n++) {
      map(k, high(n));
      kunmap(k, high(n));
    }
    assert.equal(k.highmem.last_pkmap_nr, LAST_PKMAP - 1);
    assert.equal(hex(map(k, high(0))), 'ff802000');
    kunmap(k, high(0));
    assert.equal(hex(map(k, high(6000))), 'ff800000');
    assert.equal(page_address(k, high(0)), 0);
    assert.equal(vmalloc_to_page(k, virt(0xff802000)), -1);
    assert.equal(hex(page_address(k, high(5000))), 'ff801000');
    assert.deepEqual(check_machine(k), []);
  });

  it('VM-6: with every slot in use a task sleeps until one is given up', () => {
    const order: string[] = [];
    const hog: TestTask = {
      name: 'hog',
      *run(k) {
        for (let n = 0; n < LAST_PKMAP; n++) yield* kmap(k, high(n));
        order.push('full');
        yield* schedule_timeout(k, 1e6, 'a nap');
        kunmap(k, high(77));
        order.push('given up');
      },
    };
    const late: TestTask = {
      name: 'late', at: 1e5,
      *run(k) {
        const vaddr = yield* kmap(k, high(4000));
        order.push(`mapped at ${hex(vaddr)}`);
      },
    };
    const machine = machineWith([hog, late], { memory });
    assert.equal(run_machine(machine).reason, 'ended');
    assert.deepEqual(order, ['full', 'given up', 'mapped at ff84e000']);
    assert.deepEqual(check_machine(machine.k), []);
  });

  it('VM-6: who finds after its sleep that another mapped its page takes that slot', () => {
    const got: string[] = [];
    const sleeper = (name: string): TestTask => ({
      name, at: 1e5,
      *run(k) {
        const vaddr = yield* kmap(k, high(4000));
        got.push(`${name} ${hex(vaddr)} ${k.highmem.pkmap_count[(vaddr - 0xff800000) / PAGE_SIZE]}`);
      },
    });
    const hog: TestTask = {
      name: 'hog',
      *run(k) {
        for (let n = 0; n < LAST_PKMAP; n++) yield* kmap(k, high(n));
        yield* schedule_timeout(k, 1e6, 'a nap');
        kunmap(k, high(1));
      },
    };
    const machine = machineWith([hog, sleeper('a'), sleeper('b')], { memory });
    assert.equal(run_machine(machine).reason, 'ended');
    assert.deepEqual(got, ['b ff802000 2', 'a ff802000 3']);
  });

  it('VM-6: a window that nobody gives up is a deadlock that is named', () => {
    const machine = machineWith([{
      name: 'driver',
      *run(k) {
        for (let n = 0; n <= LAST_PKMAP; n++) yield* kmap(k, high(n));
      },
    }], { memory });
    assert.deepEqual(run_machine(machine), { reason: 'deadlock', message: '', waiting: [{ name: 'driver', waits_for: 'a slot of the kmap window' }] });
  });

  it('VM-6: kunmap of what is not mapped, or once too often, is a BUG', () => {
    const k = booted();
    assert.throws(() => kunmap(k, high(3)), /kernel BUG at mm\/highmem\.c:kunmap_high/);
    map(k, high(3));
    kunmap(k, high(3));
    assert.throws(() => kunmap(k, high(3)), /kernel BUG at mm\/highmem\.c:kunmap_high/);
  });

  it('VM-6: whatever is mapped and given up, every address shows its page', () => {
    const fresh = booted();
    const step = fc.record({ page: fc.nat({ max: 40 }), isMap: fc.boolean(), burst: fc.nat({ max: 300 }) });
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const k = structuredClone(fresh);
      const users = new Map<Pfn, number>();
      for (const { page, isMap, burst } of steps) {
        if (isMap) {
          fill_frame(k, high(page), page);
          assert.equal(load_byte(k, map(k, high(page))), page);
          users.set(high(page), (users.get(high(page)) ?? 0) + 1);
        } else if ((users.get(high(page)) ?? 0) > 0) {
          kunmap(k, high(page));
          users.set(high(page), users.get(high(page))! - 1);
        }
        for (let n = 0; n < burst; n++) {
          map(k, high(1000 + n));
          kunmap(k, high(1000 + n));
        }
        for (const [held, count] of users) if (count > 0) assert.equal(load_byte(k, page_address(k, held)), held - high(0));
      }
      assert.deepEqual(check_machine(k), []);
    }), { numRuns: 5, seed: 20060922 });
  });

  it('the state lint sees a slot whose entry is gone', () => {
    const k = booted();
    map(k, high(3));
    k.highmem.pkmap_count[1] = 0;
    assert.deepEqual(check_machine(k), [`VM-6: slot 1: count 0, but it shows frame ${high(3)}`]);
  });

  it('X-46: without high memory there are no windows', () => {
    const { k } = machineWith([], { arch: 'x86_64', memory: 256 * MiB });
    assert.equal(map(k, pfn(30_000)), lowmem_page_address(k, pfn(30_000)));
    assert.equal(kmap_atomic(k, pfn(30_000), KM_USER0), lowmem_page_address(k, pfn(30_000)));
  });
});

describe('kmap_atomic', () => {
  it('VM-7: a slot by type and CPU', () => {
    const k = machineWith([], { memory, cpus: 2 }).k;
    assert.equal(KM_TYPE_NAMES.length, 13);
    assert.deepEqual([KM_USER0, KM_USER1].map((type) => hex(kmap_atomic(k, high(1), type))), ['ffffa000', 'ffff9000']);
    k.cpu = 1;
    assert.equal(hex(kmap_atomic(k, high(1), KM_USER0)), 'fffed000');
  });

  it('VM-7: the slot shows the last page it was used for; kunmap_atomic leaves it until then', () => {
    const k = booted();
    fill_frame(k, high(1), 0x11);
    fill_frame(k, high(2), 0x22);
    const at = kmap_atomic(k, high(1), KM_USER0);
    assert.equal(load_byte(k, at), 0x11);
    kunmap_atomic(k, at, KM_USER0);
    assert.equal(load_byte(k, at), 0x11);
    assert.equal(kmap_atomic(k, high(2), KM_USER0), at);
    assert.equal(load_byte(k, at), 0x22);
    assert.throws(() => kunmap_atomic(k, at, KM_USER1), /kernel BUG at arch\/i386\/mm\/highmem\.c:kunmap_atomic/);
  });

  it('VM-7: low memory is direct', () => {
    const k = booted();
    const at = kmap_atomic(k, pfn(5000), KM_USER0);
    assert.equal(at, lowmem_page_address(k, pfn(5000)));
    kunmap_atomic(k, at, KM_USER0);
  });
});
