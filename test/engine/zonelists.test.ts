// In which order nodes and zones are tried (KERNEL.md N-6 … N-12, N-46; PA-24).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MachineConfig } from '../../engine/config.ts';
import type { Kernel } from '../../engine/kernel.ts';
import { GFP_KERNEL, __GFP_COLD } from '../../engine/include/gfp.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { for_each_zone, zone_of, zonelist_of } from '../../engine/mm/mmzone.ts';
import { page_zone } from '../../engine/mm/mem_map.ts';
import { ALLOC_NO_WATERMARKS, get_page_from_freelist } from '../../engine/mm/page_alloc.ts';
import { node_distance } from '../../engine/mm/topology.ts';
import { find_next_best_node } from '../../engine/mm/zonelists.ts';
import { set_tracing } from '../../engine/trace/events.ts';
import { booted, logged, nodes64, zonelist, zonesOf } from './nodes-notation.ts';

const FOUR = 'DMA 16 DMA32 16 | DMA32 32 | DMA32 32 | DMA32 32';

/** Each node's order of nodes: `0→0,1,2,3`. */
function orders(k: Kernel): string {
  return k.nodes.map(({ node_id, node_zonelists }) => `${node_id}→${[...new Set(node_zonelists[0]!.zones.map(({ node }) => node))].join(',')}`).join('; ');
}

/** Distances of a table, upper half by rows; the lower half is the same. */
function distancesOf(rows: readonly (readonly number[])[]): MachineConfig['distances'] {
  return rows.flatMap((row, from) => row.map((value, i) => ({ from, to: from + 1 + i, value })));
}

describe('node orders', () => {
  it('N-7 N-8 N-10: four nodes, flat', () => {
    const k = nodes64(FOUR, { cpus: 4 });
    assert.equal(orders(k), '0→0,1,2,3; 1→1,2,3,0; 2→2,3,0,1; 3→3,0,1,2');
    assert.deepEqual(k.node_load, [3, 3, 3, 3]);
    assert.equal(k.sysctl.zone_reclaim_mode, 0);
  });

  it('N-7 N-10: a node without processors is the first to fall back to', () => {
    const k = nodes64(FOUR, { cpus: 3 });
    assert.equal(orders(k), '0→0,3,1,2; 1→1,3,2,0; 2→2,3,0,1; 3→3,0,1,2');
    assert.deepEqual(k.node_load, [3, 0, 0, 9]);
  });

  it('N-8 N-10: a ring; a far node turns zone reclaim on', () => {
    const k = nodes64(FOUR, { cpus: 4, distances: distancesOf([[16, 22, 16], [16, 22], [16]]) });
    assert.equal(orders(k), '0→0,1,3,2; 1→1,2,0,3; 2→2,3,1,0; 3→3,0,2,1');
    assert.equal(k.sysctl.zone_reclaim_mode, 1);
  });

  it('N-10: two nodes: own, other', () => assert.equal(orders(nodes64('DMA 16 DMA32 16 | DMA32 32')), '0→0,1; 1→1,0'));

  it('N-8: node_load is never reset', () => {
    const k = nodes64(FOUR, { cpus: 4 });
    k.node_load = [0, 9, 0, 0];
    assert.equal(find_next_best_node(k, 0, [0]), 2);
  });

  it('N-6: distances are the firmware\'s where its table can be true', () => {
    const table = (distances: MachineConfig['distances']): number[][] => {
      const k = nodes64('DMA 16 DMA32 16 | DMA32 32', { distances });
      return [0, 1].map((from) => [0, 1].map((to) => node_distance(k, from, to)));
    };
    assert.deepEqual(table([]), [[10, 20], [20, 10]]);
    assert.deepEqual(table([{ from: 0, to: 1, value: 40 }]), [[10, 40], [40, 10]]);
    assert.deepEqual(table([{ from: 0, to: 1, value: 40 }, { from: 1, to: 0, value: 30 }]), [[10, 40], [30, 10]]);
    assert.deepEqual(table([{ from: 0, to: 1, value: 10 }]), [[10, 20], [20, 10]]);
    assert.deepEqual(table([{ from: 1, to: 1, value: 20 }, { from: 0, to: 1, value: 30 }]), [[10, 20], [20, 10]]);
  });

  it('N-8: a distance of 20 is near enough, 21 is not; a setting of the machine comes after', () => {
    const mode = (value: number, settings: Partial<MachineConfig> = {}): number => nodes64('DMA 16 DMA32 16 | DMA32 32', { distances: [{ from: 0, to: 1, value }], ...settings }).sysctl.zone_reclaim_mode;
    assert.deepEqual([mode(20), mode(21), mode(21, { sysctl: [['vm.zone_reclaim_mode', 0]] })], [0, 1, 0]);
  });

  it('N-11: the boot line counts zonelists by nodes', () => {
    const k = nodes64(FOUR);
    assert.deepEqual(logged(k, /^Built/), [`Built 4 zonelists.  Total pages: ${k.vm_total_pages}`]);
  });
});

describe('zone orders over nodes', () => {
  const k = nodes64('DMA 16 DMA32 2032 | DMA32 1536 NORMAL 2560');

  it('N-9: node first, zones within it', () => {
    assert.equal(zonelist(k, 0, 0), 'n0 DMA32, n0 DMA, n1 Normal, n1 DMA32');
    assert.equal(zonelist(k, 1, 0), 'n1 Normal, n1 DMA32, n0 DMA32, n0 DMA');
    assert.equal(zonelist(k, 1, 1), 'n0 DMA');
    assert.equal(zonelist(k, 1, 4), 'n1 DMA32, n0 DMA32, n0 DMA');
  });

  it('N-12: the preferred node\'s class chooses the reserve in every zone', () => {
    const reserveAsked = (nid: number): number => for_each_zone(k)[5]!.lowmem_reserve[zonelist_of(k, nid, 0).zones[0]!.zone_idx]!;
    assert.deepEqual([reserveAsked(0), reserveAsked(1)], [0, 2525]);
  });

  it('N-46: the laws hold, and find a list that is wrong', () => {
    assert.deepEqual(check_machine(k), []);
    const small = nodes64('DMA 16 DMA32 16 | DMA32 32');
    const laws = (change: (broken: Kernel) => void): string[] => {
      const broken = structuredClone(small);
      change(broken);
      return check_machine(broken);
    };
    assert.deepEqual(laws((broken) => broken.nodes[0]!.node_zonelists[1]!.zones.pop()), ['N-46: node 0 zonelist 1: not every zone once']);
    assert.deepEqual(laws((broken) => broken.nodes[1]!.node_zonelists[4]!.zones.reverse()),
      ['N-46: node 1 zonelist 4: not node by node downwards', 'N-46: node 1 zonelist 4: begins with node 0']);
    assert.deepEqual(laws((broken) => {
      broken.nodes[1]!.node_zonelists[2]!.zones = broken.nodes[0]!.node_zonelists[2]!.zones;
    }), ['N-46: node 1 zonelist 2: begins with node 0', 'N-46: node 1: lists 0 and 2 differ']);
  });
});

/** A random layout of small zones, in the notation. */
const layout = fc.record({
  arch: fc.constantFrom('i386' as const, 'x86_64' as const),
  first: fc.integer({ min: 0, max: 6 }),
  others: fc.array(fc.record({ low: fc.integer({ min: 1, max: 5 }), high: fc.integer({ min: 0, max: 5 }) }), { maxLength: 3 }),
  cpus: fc.integer({ min: 1, max: 4 }),
  cold: fc.boolean(),
  type: fc.constantFrom(0, 1, 2, 3, 4),
  seed: fc.nat(),
});

/** Memory ascends, so what is above the last low zone stands in the last node alone. */
function notationOf({ arch, first, others }: { arch: string; first: number; others: { low: number; high: number }[] }): string {
  const low = arch === 'i386' ? 'NORMAL' : 'DMA32';
  const high = arch === 'i386' ? 'HIGHMEM' : 'NORMAL';
  const parts = [`DMA 16${first > 0 ? ` ${low} ${first * 4}` : ''}`, ...others.map((node) => `${low} ${node.low * 4}`)];
  const last = others.at(-1);
  if (last !== undefined && last.high > 0) parts.push(`${high} ${last.high * 4}`);
  return parts.join(' | ');
}

/** What a CPU can get without waiting: the free blocks, and its own list of the sort asked for. */
function withinReach(k: Kernel, type: number, cold: 0 | 1): number {
  const zones = zonelist_of(k, nodeOf(k), type).zones.map((ref) => zone_of(k, ref));
  return zones.reduce((sum, zone) => sum + zone.free_pages + zone.pageset[k.cpu]!.pcp[cold].count, 0);
}

function nodeOf(k: Kernel): number {
  return k.platform.cpu_to_node[k.cpu]!;
}

describe('whatever the nodes are', function () {
  this.timeout(60_000);

  it('IV-1 … IV-4 N-19 N-45 N-46 X-47: the laws hold, and every page is had once, in the order of the zonelist', () => {
    fc.assert(fc.property(layout, (drawn) => {
      const k = booted({ arch: drawn.arch, cpus: drawn.cpus, zones: zonesOf(notationOf(drawn)) });
      set_tracing(k, 0);
      assert.deepEqual(check_machine(k), []);
      k.cpu = drawn.seed % drawn.cpus;
      const cold = drawn.cold ? 1 : 0;
      const list = zonelist_of(k, nodeOf(k), drawn.type);
      const reach = withinReach(k, drawn.type, cold);
      const seen = new Set<number>();
      let at = 0;
      for (;;) {
        const page = get_page_from_freelist(k, GFP_KERNEL | drawn.type | (drawn.cold ? __GFP_COLD : 0), 0, list, ALLOC_NO_WATERMARKS);
        if (page === NO_PAGE) break;
        assert.equal(seen.has(page), false);
        seen.add(page);
        while (zone_of(k, list.zones[at]!) !== page_zone(k, page)) at++;
        if (seen.size === Math.floor(reach / 2)) assert.deepEqual(check_machine(k), []);
      }
      assert.equal(seen.size, reach);
      assert.deepEqual(check_machine(k), []);
    }), { numRuns: 16, seed: 20061120 });
  });
});
