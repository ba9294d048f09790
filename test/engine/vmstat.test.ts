// Counters: per-CPU differences, thresholds, folding, and the files that show them (KERNEL.md CT-1 … CT-3, X-24, PR-2, PR-4, QK-9).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import { NR_ANON_PAGES, NR_BOUNCE, ZONE_STAT_NAMES } from '../../engine/include/mmzone.ts';
import { pfn } from '../../engine/include/types.ts';
import {
  calculate_threshold, count_vm_events, dec_zone_page_state, folded_zone_state, global_page_state, inc_zone_page_state, mod_zone_page_state,
  refresh_cpu_vm_stats, refresh_vm_stats, vm_events,
} from '../../engine/mm/vmstat.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { proc_vmstat, proc_zoneinfo } from '../../engine/fs/proc/files.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

const booted = (megabytes: number, cpus: number): Kernel => machineWith([], { memory: megabytes * MiB, cpus }).k;
const normal = (k: Kernel): zone => for_each_zone(k).find((zone) => zone.name === 'Normal')!;
/** A page of the zone Normal. */
const PAGE = pfn(4096);

describe('thresholds', () => {
  it('X-24 CT-2: by CPUs and zone size', () => {
    const two = [60600, 125240, 254520, 513080, 899128, 1163520, 2656].map((pages) => calculate_threshold(2, pages));
    assert.deepEqual(two, [8, 12, 16, 20, 24, 28, 4]);
    assert.deepEqual([1, 2, 3, 4, 8, 64].map((cpus) => calculate_threshold(cpus, 225280)), [8, 16, 16, 24, 32, 56]);
    assert.equal(calculate_threshold(1024, 1 << 24), 125);
  });

  it('CT-2: a machine with several CPUs has them after boot, one with a single CPU has none', () => {
    const of = (k: Kernel): number[][] => for_each_zone(k).map(({ pageset }) => pageset.map(({ stat_threshold }) => stat_threshold));
    assert.deepEqual(of(booted(1024, 2)), [[4, 4], [0, 0], [16, 16], [8, 8]]);
    assert.deepEqual(of(booted(64, 4)), [[6, 6, 6, 6], [0, 0, 0, 0], [6, 6, 6, 6], [0, 0, 0, 0]]);
    assert.deepEqual(of(booted(64, 1)), [[0], [0], [0], [0]]);
  });
});

describe('zone items', () => {
  /** Total and this CPU's difference, after each step. */
  const course = (k: Kernel, steps: number, step: () => void): string[] => Array.from({ length: steps }, () => {
    step();
    return `${normal(k).vm_stat[NR_ANON_PAGES]}${showDiff(normal(k).pageset[k.cpu]!.vm_stat_diff[NR_ANON_PAGES]!)}`;
  });
  const showDiff = (diff: number): string => (diff < 0 ? String(diff) : `+${diff}`);

  it('CT-2: one CPU changes the total at once', () => {
    const k = booted(64, 1);
    assert.deepEqual(course(k, 3, () => inc_zone_page_state(k, PAGE, NR_ANON_PAGES)), ['1+0', '2+0', '3+0']);
    mod_zone_page_state(k, normal(k), NR_ANON_PAGES, 1000);
    dec_zone_page_state(k, PAGE, NR_ANON_PAGES);
    assert.equal(global_page_state(k, NR_ANON_PAGES), 1002);
  });

  it('CT-2: inc keeps back up to the threshold, then gives half of it more than it has', () => {
    const k = booted(64, 2);
    assert.equal(normal(k).pageset[0]!.stat_threshold, 4);
    assert.deepEqual(course(k, 7, () => inc_zone_page_state(k, PAGE, NR_ANON_PAGES)), ['0+1', '0+2', '0+3', '0+4', '7-2', '7-1', '7+0']);
  });

  it('CT-2: dec does the same downwards; a total below 0 is shown as 0', () => {
    const k = booted(64, 2);
    assert.deepEqual(course(k, 6, () => dec_zone_page_state(k, PAGE, NR_ANON_PAGES)), ['0-1', '0-2', '0-3', '0-4', '-7+2', '-7+1']);
    assert.equal(global_page_state(k, NR_ANON_PAGES), 0);
    assert.match(proc_vmstat(k), /^nr_anon_pages 0$/m);
  });

  it('CT-2: mod folds all of it past the threshold, and keeps nothing', () => {
    const k = booted(64, 2);
    const mod = (delta: number): string[] => course(k, 1, () => mod_zone_page_state(k, normal(k), NR_ANON_PAGES, delta));
    assert.deepEqual([4, 1, -4, -1, 100, 3].flatMap(mod), ['0+4', '5+0', '5-4', '0+0', '100+0', '100+3']);
  });

  it('CT-2 QK-9: each CPU keeps its own; readers lag by up to threshold x CPUs until they fold', () => {
    const k = booted(64, 4);
    for (let cpu = 0; cpu < 4; cpu++) {
      k.cpu = cpu;
      for (let i = 0; i < 6; i++) inc_zone_page_state(k, PAGE, NR_BOUNCE);
    }
    assert.equal(global_page_state(k, NR_BOUNCE), 0);
    refresh_cpu_vm_stats(k, 2);
    assert.equal(global_page_state(k, NR_BOUNCE), 6);
    refresh_vm_stats(k);
    assert.equal(global_page_state(k, NR_BOUNCE), 24);
    assert.deepEqual(check_machine(k), []);
  });

  it('CT-2: whatever the order of changes and folds, nothing is lost and no CPU keeps more than its threshold', () => {
    const change = fc.record({ cpu: fc.nat({ max: 3 }), kind: fc.constantFrom('inc', 'dec', 'mod', 'fold'), delta: fc.integer({ min: -200, max: 200 }) });
    fc.assert(fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const k = booted(20, 4);
      let sum = 0;
      for (const { cpu, kind, delta } of changes) {
        k.cpu = cpu;
        if (kind === 'inc') inc_zone_page_state(k, PAGE, NR_BOUNCE);
        else if (kind === 'dec') dec_zone_page_state(k, PAGE, NR_BOUNCE);
        else if (kind === 'mod') mod_zone_page_state(k, normal(k), NR_BOUNCE, delta);
        else refresh_cpu_vm_stats(k, cpu);
        sum += { inc: 1, dec: -1, mod: delta, fold: 0 }[kind]!;
        assert.equal(folded_zone_state(normal(k), NR_BOUNCE), sum);
      }
      assert.deepEqual(check_machine(k), []);
      refresh_vm_stats(k);
      assert.equal(normal(k).vm_stat[NR_BOUNCE], sum);
    }), { numRuns: 40, seed: 20060920 });
  });

  it('the state lint sees a difference that is too large', () => {
    const k = booted(20, 2);
    normal(k).pageset[1]!.vm_stat_diff[NR_BOUNCE] = -5;
    assert.deepEqual(check_machine(k), ['CT-2: Normal cpu 1: keeps back -5 of item 8, 4 at most']);
  });
});

describe('the files', () => {
  it('PR-2 CT-2: /proc/zoneinfo of two CPUs shows the threshold after each CPU that has pages in its lists', () => {
    const k = booted(64, 2);
    mod_zone_page_state(k, normal(k), NR_BOUNCE, 321);
    const zone = normal(k);
    zone.pageset[1]!.pcp[1].count = 0;
    const text = proc_zoneinfo(k);
    const part = text.slice(text.indexOf('Node 0, zone   Normal'));
    const [hot, cold] = zone.pageset[0]!.pcp;
    assert.equal(part, [
      'Node 0, zone   Normal', `  pages free     ${zone.free_pages}`, '        min      192', '        low      240', '        high     288',
      '        active   0', '        inactive 0', '        scanned  0 (a: 0 i: 0)', '        spanned  12288', '        present  12288',
      ...ZONE_STAT_NAMES.map((name, item) => `    ${name.padEnd(12)} ${name === 'nr_bounce' ? 321 : zone.vm_stat[item]!}`),
      '        protection: (0, 0, 0, 0)', '  pagesets',
      '    cpu: 0 pcp: 0', `              count: ${hot.count}`, '              high:  18', '              batch: 3',
      '    cpu: 0 pcp: 1', `              count: ${cold.count}`, '              high:  6', '              batch: 1',
      '  vm stats threshold: 4', '  all_unreclaimable: 0', '  prev_priority:     12', '  temp_priority:     12', '  start_pfn:         4096', '',
    ].join('\n'));
    assert.equal(zone.pageset[1]!.pcp.every((pcp) => pcp.count === 0), true);
  });

  it('PR-2: one CPU shows no threshold', () => {
    assert.doesNotMatch(proc_zoneinfo(booted(64, 1)), /threshold/);
  });

  it('PR-4 CT-3: /proc/vmstat sums events over the CPUs; pages in and out are sectors, shown as KiB', () => {
    const k = booted(64, 2);
    for (const cpu of [0, 1]) {
      k.cpu = cpu;
      count_vm_events(k, 0, 7);
      count_vm_events(k, 1, 16);
      count_vm_events(k, 2, 5);
    }
    assert.match(proc_vmstat(k), /^pgpgin 7\npgpgout 16\npswpin 10$/m);
    assert.deepEqual([vm_events(k, 0), vm_events(k, 1)], [14, 32]);
  });
});
