// Caches, slabs, objects, pools and areas as expressions and the Variables view read them (KERNEL.md SL-1, SL-8, SL-11, PR-5, VM-1, MP-1).
import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/index.ts';
import { slabinfo } from '../../engine/index.ts';
import type { Value } from '../../language/runtime/index.ts';
import { MACHINE, childCounts, children, describe as describeValue, indexedChildren, member, namedChildren, toText, toValue } from '../../language/runtime/index.ts';
import { idleMachine, run, watched } from './running.ts';

/** A machine as a driver has left it, and what expressions about it say. */
function after(body: string, machine = 'machine { memory 64MiB }'): { k: Kernel; read(text: string): Value } {
  const ran = run(`${machine}\nkernel driver {\n${body}\n}`);
  assert.equal(ran.end.reason, 'ended');
  return { k: ran.machine.k, read: (text) => watched(ran.machine, text) };
}

function rows(k: Kernel, value: Value): string[] {
  return children(k, value).map(({ name, text }) => `${name}: ${text}`);
}

const FIGURES = ['object_size', 'active_objs', 'num_objs', 'objs_per_slab', 'pages_per_slab', 'active_slabs', 'num_slabs'];

describe('caches', () => {
  it('are found by both names, and have the figures of /proc/slabinfo (PR-5)', () => {
    const machine = idleMachine();
    assert.deepEqual(watched(machine, 'caches["kmalloc-128"] == caches["size-128"] && caches["dma-kmalloc-64"].name == "size-64(DMA)"'), true);
    for (const row of slabinfo(machine.k)) {
      const cache = watched(machine, `caches[${JSON.stringify(row.name)}]`);
      const figures = FIGURES.map((name) => member(machine.k, cache, name));
      const { objsize, active_objs, num_objs, objperslab, pagesperslab, active_slabs, num_slabs } = row;
      assert.deepEqual(figures, [objsize, active_objs, num_objs, objperslab, pagesperslab, active_slabs, num_slabs], row.name);
    }
    assert.throws(() => watched(machine, 'caches["size-100"]'), /has no member `size-100`/);
  });

  it('have a size apart from what debugging adds (SL-17)', () => {
    const { read } = after('', 'machine { memory 64MiB sysctl pagewalk.slab_debug = 1 }');
    assert.deepEqual([read('caches["size-64"].object_size'), read('caches["size-64"].buffer_size > 64')], [64, true]);
  });

  it('open down to each object and where it is (SL-10, SL-11)', () => {
    const { k, read } = after(`let c = kmem_cache_create("mine", 1000, 0, SLAB_RECLAIM_ACCOUNT)
      kmem_cache_alloc(c, GFP_KERNEL) kmem_cache_alloc(c, GFP_KERNEL)`);
    assert.deepEqual(rows(k, read('caches["mine"]')).slice(0, 11), [
      'name: "mine"', 'object_size: 1000', 'active_objs: 4', 'num_objs: 4', 'objs_per_slab: 4', 'pages_per_slab: 1', 'active_slabs: 1', 'num_slabs: 1',
      'slabs: 1 slab', 'array: 1 CPU', 'nodelists: 1 node',
    ]);
    assert.equal(describeValue(k, read('caches["mine"]')), 'mine: 4 of 4 objects of 1000 bytes, 1 slab');
    assert.equal(describeValue(k, read('caches["mine"].slabs[0]')).replace(/0x\w+/, 'ADDRESS'), '4 of 4 objects in use, slabs_full, from ADDRESS');
    const states = Array.from({ length: 4 }, (_, n) => read(`caches["mine"].slabs[0].objects[${n}].state`));
    assert.deepEqual(states, ['free, kept by CPU 0', 'free, kept by CPU 0', 'in use', 'in use']);
    assert.deepEqual(rows(k, read('caches["mine"].array[0]')), ['avail: 2', 'limit: 54', 'batchcount: 27', 'touched: 1', 'entry: 2 objects']);
    assert.equal(read('caches["mine"].array[0].entry[0] == caches["mine"].slabs[0].objects[1]'), true, 'the next one to go out');
    assert.equal(describeValue(k, read('caches["mine"].nodelists[0]')), 'node 0: 0 free objects, up to 58 are kept');
    const flags = namedChildren(k, read('caches["mine"]')).find(({ name }) => name === 'flags');
    assert.equal(flags?.text, 'SLAB_RECLAIM_ACCOUNT');
    assert.equal(read('len(caches["mine"].nodelists[0].slabs_full) + len(caches["mine"].nodelists[0].slabs_free)'), 1);
  });

  it('show shared and alien arrays where there are such', () => {
    const twoNodes = 'machine { arch x86_64 cpus 2 node 0 { zone DMA 16MiB zone DMA32 48MiB } node 1 { zone DMA32 64MiB } }';
    const { k, read } = after('let c = kmem_cache_create("mine", 100) kmem_cache_alloc(c, GFP_KERNEL)', twoNodes);
    assert.deepEqual(rows(k, read('caches["mine"].nodelists')).length, 2);
    assert.equal(describeValue(k, read('caches["mine"].nodelists[0].shared')), 'avail 0, limit 480');
    assert.deepEqual(rows(k, read('caches["mine"].nodelists[0].alien')), ['[0]: 0', '[1]: avail 0, limit 12']);
    assert.equal(toText(k, read('caches["mine"].nodelists[0].alien[1]')), 'caches["mine"].nodelists[0].alien[1]');
    assert.deepEqual([read('nodes[1].cpus'), read('nodes[0].distance')], [[1], [10, 20]]);
  });

  it('are nothing any more where they are gone', () => {
    const { k } = after('');
    const gone: Value[] = [
      { kind: 'cache', cache: 999 }, { kind: 'struct slab', cache: 1, slab: 999 }, { kind: 'mempool', pool: 5 }, { kind: 'vm_struct', addr: 1 },
      { kind: 'slab list', cache: 999, source: 'all' },
    ];
    const opened = (value: Value) => [childCounts(k, value), namedChildren(k, value), indexedChildren(k, value, { start: 0, count: 9 })];
    const shown = (value: Value) => [describeValue(k, value), ...opened(value)];
    assert.deepEqual(gone.map(shown), [
      'a cache that was destroyed', 'a slab that was freed', 'a pool that was destroyed', 'an area that was freed', 'a cache that was destroyed',
    ].map((text) => [text, { named: 0, indexed: 0 }, [], []]));
  });
});

describe('pools and areas', () => {
  it('say what they keep (MP-1)', () => {
    const { k, read } = after('mempool_create_kmalloc_pool(2, 60) mempool_create_page_pool(1, 3)');
    assert.deepEqual(rows(k, read('mempools')), ['driver-0: 2 of 2 in reserve, kmalloc of 60 B', 'driver-1: 1 of 1 in reserve, blocks of 32 KiB']);
    assert.deepEqual(read('[mempools["driver-0"].elements[0] >= 0xC0000000, mempools["driver-1"].elements[0].zone == zones.NORMAL, len(mempools)]'), [true, true, 2]);
  });

  it('say where they lie and what of (VM-1)', () => {
    const { k, read } = after('vmalloc(8KiB) vmap([page(5000)])');
    assert.equal(describeValue(k, read('vmlist')), '2 areas, 20 KiB');
    assert.deepEqual(rows(k, read('vmlist')), ['[0]: 0xc4800000 … 0xc4803000: VM_ALLOC, 2 pages', '[1]: 0xc4803000 … 0xc4805000: VM_MAP']);
    assert.deepEqual(rows(k, read('vmlist[0]')).slice(0, 4), ['addr: 0xc4800000', 'size: 12 KiB, the guard page with it', 'flags: VM_ALLOC', 'nr_pages: 2']);
    assert.equal(toText(k, read('vmlist[1]')), 'vmlist[1]');
  });

  it('are opened from the locals of the kernel\'s own functions too', () => {
    const { k } = after('vmalloc(8KiB) mempool_create_page_pool(1, 0)');
    const raw = [k.slab.caches[1], k.slab.slabs[1], k.vmlist[0], k.mempools[0], k.nodes[0]];
    assert.deepEqual(raw.map((value) => toText(k, toValue(value)).replace(/slabs\[\d+\]/, 'slabs[N]')), ['caches["kmem_cache"]', 'caches["kmem_cache"].slabs[N]', 'vmlist[0]', 'mempools["driver-0"]', 'nodes[0]']);
  });

  it('stand in the machine', () => {
    const { k } = after('');
    assert.deepEqual(namedChildren(k, MACHINE).filter(({ name }) => ['mempools', 'vmlist'].includes(name)).map(({ text }) => text), ['0 pools', '0 areas, 0 B']);
  });
});

describe('an address of the kernel', () => {
  it('is shown in hex too, where nothing else can be meant', () => {
    const { k } = after('');
    assert.deepEqual([0xc0000000, 0xbfffffff, 2 ** 32].map((n) => describeValue(k, n)), ['3221225472 (0xc0000000)', '3221225471', '4294967296']);
    assert.equal(describeValue(after('', 'machine { arch x86_64 memory 64MiB }').k, 0xffff810000000000n), '18446604435732824064 (0xffff810000000000)');
  });
});
