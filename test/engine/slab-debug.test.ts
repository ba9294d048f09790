// A kernel built with CONFIG_DEBUG_SLAB (KERNEL.md SL-17): whatever a task does to memory that is not its own is in the log, in the kernel's words,
// and the machine goes on.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { RED_ACTIVE, RED_INACTIVE, SLAB_DESTROY_BY_RCU, SLAB_POISON, SLAB_RED_ZONE, SLAB_STORE_USER } from '../../engine/include/slab.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { virt } from '../../engine/include/types.ts';
import { KernelBug } from '../../engine/kernel/panic.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { read_phys, read_phys32, write_phys } from '../../engine/mm/contents.ts';
import { kfree, kzalloc } from '../../engine/mm/kmalloc.ts';
import { kmem_cache_free } from '../../engine/mm/slab.ts';
import { kmem_cache_destroy } from '../../engine/mm/slab_create.ts';
import { show_pointer } from '../../engine/mm/slab_lists.ts';
import { kmem_cache_shrink } from '../../engine/mm/slab_reap.ts';
import { virt_to_phys } from '../../engine/arch/address.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { alloc, create, slabMachine } from './slab-notation.ts';

const DEBUG = { sysctl: [['pagewalk.slab_debug', 1]] } as { sysctl: ['pagewalk.slab_debug', number][] };

const read = (k: Kernel, address: number): number => read_phys(k, virt_to_phys(k, virt(address)));
const read32 = (k: Kernel, address: number): number => read_phys32(k, virt_to_phys(k, virt(address)));
const write = (k: Kernel, address: number, byte: number): void => write_phys(k, virt_to_phys(k, virt(address)), byte);

/** Lines that running something adds to the log, with one object's address written OBJ, and those around it as distances from it. */
function logOf(k: Kernel, obj: VirtAddr, run: () => void): string[] {
  const before = k.log.seq;
  run();
  const lines = k.log.lines.slice(k.log.lines.length - (k.log.seq - before)).map(({ text }) => text);
  return lines.map((line) => line.replace(/\b[0-9a-f]{8}\b(?=, len|:)/g, (found) => {
    const distance = parseInt(found, 16) - obj;
    return Math.abs(distance) < 4096 ? `OBJ${distance === 0 ? '' : (distance > 0 ? '+' : '') + distance}` : found;
  }));
}

describe('a debug kernel', () => {
  it('SL-17: a free object holds one poison, a used one another; red zones tell which it is; the last word who had it', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 100);
    const obj = alloc(k, cachep);
    assert.deepEqual([cachep.obj_size, cachep.obj_offset, cachep.buffer_size, cachep.align], [100, 4, 112, 4]);
    assert.deepEqual([read(k, obj), read(k, obj + 98), read(k, obj + 99)], [0x5a, 0x5a, 0xa5]);
    assert.deepEqual([read32(k, obj - 4), read32(k, obj + 100), read32(k, obj + 104)], [RED_ACTIVE, RED_ACTIVE, k.current]);
    kmem_cache_free(k, cachep, obj);
    assert.deepEqual([read(k, obj), read(k, obj + 98), read(k, obj + 99)], [0x6b, 0x6b, 0xa5]);
    assert.deepEqual([read32(k, obj - 4), read32(k, obj + 100)], [RED_INACTIVE, RED_INACTIVE]);
  });

  it('SL-17: which checks a cache gets depends on its size, its alignment and its readers', () => {
    const k = slabMachine(DEBUG);
    const all = SLAB_RED_ZONE | SLAB_STORE_USER | SLAB_POISON;
    const flags = (name: string, size: number, how: { align?: number; flags?: number } = {}): number => create(k, name, size, how).flags & all;
    assert.deepEqual([flags('small', 64), flags('page', 4096), flags('more', 5000)], [all, SLAB_POISON, all]);
    assert.deepEqual([flags('aligned', 64, { align: 64 }), flags('rcu', 64, { flags: SLAB_DESTROY_BY_RCU })], [SLAB_POISON, SLAB_RED_ZONE | SLAB_STORE_USER]);
  });

  it('SC-12, SL-17: a byte written after the free is found when the object is handed out again', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 32);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    write(k, obj + 5, 0x41);
    const seq = k.trace.ring.seq;
    const lines = logOf(k, obj, () => assert.equal(alloc(k, cachep), obj));
    const free = ['Redzone: 0x5a2cf071/0x5a2cf071.', 'Last user: [<00000000>](swapper)'];
    const poison = ['000: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b', '010: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b a5'];
    assert.deepEqual(lines, [
      'Slab corruption: start=OBJ, len=32', ...free, '000: 6b 6b 6b 6b 6b 41 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b', 'Prev obj: start=OBJ-44, len=32', ...free, ...poison,
      'Next obj: start=OBJ+44, len=32', ...free, ...poison,
    ]);
    const [event] = trace_records(k, seq).filter(({ name }) => name === 'slab_corruption');
    assert.deepEqual(event!.args, { cache: cachep.id, obj, offset: 5, expected: 0x6b, found: 0x41 });
    assert.deepEqual([read(k, obj + 5), check_machine(k)], [0x5a, []]);
  });

  it('SL-17: a byte written past the end is found when the object is freed', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    write(k, obj + 64, 0x00);
    const seq = k.trace.ring.seq;
    const lines = logOf(k, obj, () => kmem_cache_free(k, cachep, obj));
    assert.deepEqual(lines, [
      'slab error in verify_redzone_free(): cache `mine\': memory outside object was overwritten', 'OBJ-4: redzone 1:0x170fc2a5, redzone 2:0x170fc200.',
    ]);
    const [event] = trace_records(k, seq).filter(({ name }) => name === 'slab_corruption');
    assert.deepEqual(event!.args, { cache: cachep.id, obj, offset: 64, expected: RED_ACTIVE, found: 0x170fc200 });
    assert.deepEqual(logOf(k, obj, () => alloc(k, cachep)), []);
  });

  it('SL-17: a second free is found at once; so are both owners when the object is handed out twice', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    const lines = logOf(k, obj, () => kmem_cache_free(k, cachep, obj));
    assert.deepEqual(lines, ['slab error in verify_redzone_free(): cache `mine\': double free detected', 'OBJ-4: redzone 1:0x5a2cf071, redzone 2:0x5a2cf071.']);
    assert.equal(alloc(k, cachep), obj);
    const again = logOf(k, obj, () => assert.equal(alloc(k, cachep), obj));
    assert.ok(again.includes('slab error in cache_alloc_debugcheck_after(): cache `mine\': double free, or memory outside object was overwritten'));
    assert.ok(again.includes('Slab corruption: start=OBJ, len=64'));
  });

  it('SL-17: an object that is put back into its slab twice is there once, and the machine goes on', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    kmem_cache_free(k, cachep, obj);
    const lines = logOf(k, obj, () => assert.equal(kmem_cache_shrink(k, cachep), 0));
    assert.deepEqual(lines, [`slab: double free detected in cache 'mine', objp ${show_pointer(k, obj - 4)}`]);
    assert.deepEqual(check_machine(k), []);
    assert.equal(kmem_cache_destroy(k, cachep), 0);
  });

  it('SL-17: memory of a slab that goes is looked at once more', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    write(k, obj, 0);
    write(k, obj - 4, 1);
    write(k, obj + 64, 1);
    const lines = logOf(k, obj, () => kmem_cache_shrink(k, cachep));
    assert.equal(lines.filter((line) => line.startsWith('Slab corruption: start=OBJ, len=64')).length, 1);
    assert.ok(lines.includes('slab error in slab_destroy_objs(): cache `mine\': start of a freed object was overwritten'));
    assert.ok(lines.includes('slab error in slab_destroy_objs(): cache `mine\': end of a freed object was overwritten'));
  });

  it('SL-17: no more than six lines of an object are printed', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 400);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    for (let i = 0; i < 400; i += 8) write(k, obj + i, 0);
    const lines = logOf(k, obj, () => alloc(k, cachep));
    const own = lines.slice(0, lines.findIndex((line) => /^(Prev|Next)/.test(line)));
    assert.deepEqual(own.filter((line) => /^[0-9a-f]{3}:/.test(line)).map((line) => line.slice(0, 3)), ['000', '010', '020', '030', '040', '050']);
  });

  it('a constructor runs at each allocation where there is poison; kzalloc clears', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64, { ctor: 0x41 });
    const obj = alloc(k, cachep);
    assert.deepEqual([read(k, obj), read(k, obj + 63)], [0x41, 0x41]);
    const zeroed = run_to_end(k, kzalloc(k, 64, GFP_KERNEL));
    assert.deepEqual([read(k, zeroed), read(k, zeroed + 63)], [0, 0]);
  });

  for (const [what, address, line] of [
    ['outside memory', 0x1000, 'kfree_debugcheck: out of range ptr ffch.'], ['in no slab', 0xc0000000 + 0x100004, 'kfree_debugcheck: bad ptr c0100004h.'],
  ] as const) {
    it(`an address ${what} is no object: a BUG`, () => {
      const k = slabMachine(DEBUG);
      const offset = what === 'outside memory' ? -4 : 0;
      assert.throws(() => kfree(k, virt(address + offset)), KernelBug);
      assert.equal(k.log.lines.at(-2)!.text, line);
    });
  }

  it('an address inside an object is a BUG', () => {
    const k = slabMachine(DEBUG);
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    assert.throws(() => kmem_cache_free(k, cachep, virt(obj + 8)), /is not where an object begins/);
  });

  it('SL-17, X-37: words of 8 bytes on x86_64', () => {
    const k = slabMachine({ ...DEBUG, arch: 'x86_64' });
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    assert.deepEqual([cachep.obj_offset, cachep.buffer_size], [8, 88]);
    write(k, obj + 71, 0x80);
    const before = k.log.lines.length;
    kmem_cache_free(k, cachep, obj);
    const [error, zones] = k.log.lines.slice(before).map(({ text }) => text);
    assert.match(error!, /memory outside object was overwritten$/);
    assert.match(zones!, /^ffff8100[0-9a-f]{8}: redzone 1:0x170fc2a5, redzone 2:0x80000000170fc2a5\.$/);
  });
});

describe('without debugging', () => {
  it('a double free is not noticed: the object is handed out twice', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    kmem_cache_free(k, cachep, obj);
    assert.deepEqual([alloc(k, cachep), alloc(k, cachep)], [obj, obj]);
  });
  it('IV-13: but the state lint sees it', () => {
    const k = slabMachine();
    const cachep = create(k, 'mine', 64);
    const obj = alloc(k, cachep);
    kmem_cache_free(k, cachep, obj);
    kmem_cache_free(k, cachep, obj);
    assert.deepEqual(check_machine(k), ['IV-13: mine: an object stands in the array of CPU 0 and in another place']);
  });
});
