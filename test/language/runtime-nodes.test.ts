// Scenarios on x86_64 and on machines with several nodes (LANGUAGE.md, `machine` settings; KERNEL.md, N-9, N-13, N-42).
import assert from 'node:assert/strict';
import type { Value } from '../../language/runtime/index.ts';
import { compileExpression } from '../../language/index.ts';
import { evaluate, toText, zoneValue } from '../../language/runtime/index.ts';
import { booted, compiled, complaint, printed, watched } from './running.ts';

const X86_64 = 'machine { arch x86_64 cpus 2 memory 64MiB }';
const NODES = `machine { arch x86_64 cpus 2
  node 0 { zone DMA 16MiB zone DMA32 16MiB }
  node 1 { zone DMA32 32MiB }
  distance 0 1 30
}`;

describe('a 64-bit machine', () => {
  it('X-3: kernel addresses are unsigned', () => {
    const lines = printed(`
      let a = get_zeroed_page(GFP_KERNEL)
      print(hex(a & ~0xfffffff), a > 0x7fff_ffff_ffff, page_of(a).zone.name)
      expect page_of(a) == page_of(a + 4095)
      free_pages(a, 0)
      print(page(16384 - 1).zone.name)`, X86_64);
    assert.equal(lines, '0xffff810000000000 true DMA32\nexpect held: page_of(a) == page_of(a + 4095)\nDMA32');
  });

  it('an address outside the direct map is an error with its value', () => {
    assert.match(complaint(`${X86_64} kernel k { print(page_of(0x1000)) }`), /0x1000 is no address/);
    assert.equal(printed('print(page_of(0xffffc20000000000))', X86_64), '0', 'nothing is mapped there in vmalloc space');
  });

  it('X-15: GFP_DMA32 is 4, and chooses the zone', () => {
    const machine = 'machine { arch x86_64 node 0 { zone DMA 16MiB zone DMA32 16MiB } node 1 { zone NORMAL 64MiB } }';
    assert.equal(printed(`
      print(__GFP_DMA32, alloc_pages(GFP_KERNEL | GFP_DMA32, 0).zone.name, alloc_pages(GFP_KERNEL | __GFP_DMA, 0).zone.name)`, machine), '4 DMA32 DMA');
    assert.equal(printed('print(__GFP_DMA32)'), '0');
  });

  it('constants of a watch are those of its machine', () => {
    const { machine } = booted(compiled(`${X86_64} kernel k { }`));
    const value = (arch: 'i386' | 'x86_64'): Value => evaluate(machine.k, compileExpression('__GFP_DMA32', [], arch).expression!, new Map());
    assert.deepEqual([value('i386'), value('x86_64')], [0, 4]);
  });

  it('what it cannot have is said', () => {
    assert.match(complaint('machine { arch x86_64 node 0 { zone DMA 16MiB zone HIGHMEM 16MiB } }'), /x86_64 has no zone `HIGHMEM`/);
    assert.match(complaint('machine { arch x86_64 memory 128GiB } kernel k { }'), /memory is too large/);
  });
});

describe('a machine with several nodes', () => {
  const { machine } = booted(compiled(`${NODES} kernel k { }`));
  const readings: [string, Value][] = [
    ['len(nodes)', 2],
    ['nodes[1].id', 1],
    ['nodes[1].zones.DMA32.spanned_pages', 8192],
    ['nodes[0].zones.DMA32.spanned_pages', 4096],
    ['zones.DMA32 == nodes[0].zones.DMA32', true],
    ['nodes[1].zones.DMA32 == zones.DMA32', false],
    ['nodes[1].zones.DMA32.node == nodes[1]', true],
    ['page(8192).node == nodes[1]', true],
    ['page(8191).zone == nodes[0].zones.DMA32', true],
    ['nodes[0].zones.DMA32.numa_miss', 0],
    ['vmstat.numa_foreign', 0],
    ['sysctl.zone_reclaim_mode', 1],
    ['nodes[1].zones.DMA32.free_pages > 7000', true],
  ];
  for (const [text, value] of readings) it(text, () => assert.deepEqual(watched(machine, text), value));

  it('a zone is written so that the console reads it again', () => assert.equal(toText(machine.k, zoneValue(1, 1)), 'nodes[1].zones.DMA32'));

  it('N-15: a task gets memory of its CPU\'s node', () => {
    const scenario = (cpu: number): string => `${NODES} kernel driver cpu ${cpu} { expect alloc_pages(GFP_KERNEL, 0).node == nodes[${cpu}] }`;
    for (const cpu of [0, 1]) {
      const { machine: ran, linked } = booted(compiled(scenario(cpu)));
      assert.ok(linked.finish(ran.k));
    }
  });

  it('a frame between two nodes is none', () => {
    const text = 'machine { arch x86_64 node 0 { zone DMA 16MiB zone DMA32 4MiB } node 1 { zone DMA32 16MiB } } kernel k { print(page(5120)) }';
    assert.match(complaint(text), /here is no frame 5120: it lies between two nodes/);
  });

  it('one node has no counters of several', () => {
    assert.match(complaint('kernel k { print(zones.DMA.numa_hit) }'), /numa_hit/);
  });

  it('settings for several nodes alone', () => {
    assert.deepEqual(compiled(NODES.replace('distance', 'sysctl vm.zone_reclaim_mode = 0 distance')).config.sysctl, [['vm.zone_reclaim_mode', 0]]);
    assert.match(complaint('machine { memory 64MiB sysctl vm.zone_reclaim_mode = 1 } kernel k { }'), /several nodes only/);
    assert.deepEqual(compiled(NODES).config.distances, [{ from: 0, to: 1, value: 30 }]);
  });
});
