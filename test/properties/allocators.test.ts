// Laws that hold whatever the allocators are asked for (KERNEL.md chapter 24): IV-1 … IV-5, IV-13, IV-14, IV-16 over random work on several CPUs and
// nodes, checked as far as touched after every step and in full every 1,000 steps; IV-17 by a second run.
// PAGEWALK_SOAK=1 takes ten times the steps.

import assert from 'node:assert/strict';
import type { Kernel, MachineConfig } from '../../engine/index.ts';
import { TP, check_machine, default_config, for_each_zone } from '../../engine/index.ts';
import { runTasks } from '../engine/tasks.ts';
import type { Shared } from './allocator-work.ts';
import { work } from './allocator-work.ts';

const MiB = 1 << 20;
const STEPS = process.env['PAGEWALK_SOAK'] === '1' ? 1_000_000 : 100_000;
/** A machine that the work finds too small. */
const SMALL = 6 * MiB;
/** Steps between two looks at every law. */
const FULL_CHECK = 1_000;

const NODES = (arch: MachineConfig['arch']): Partial<MachineConfig> => (arch === 'i386'
  ? { zones: [{ node: 0, name: 'DMA', bytes: 16 * MiB }, { node: 0, name: 'NORMAL', bytes: 32 * MiB }, { node: 1, name: 'NORMAL', bytes: 32 * MiB }] }
  : { arch, zones: [{ node: 0, name: 'DMA', bytes: 16 * MiB }, { node: 0, name: 'DMA32', bytes: 48 * MiB }, { node: 1, name: 'DMA32', bytes: 64 * MiB }] });

const HIGH: MachineConfig['zones'] = [
  { node: 0, name: 'DMA', bytes: 16 * MiB }, { node: 0, name: 'NORMAL', bytes: 16 * MiB }, { node: 0, name: 'HIGHMEM', bytes: 32 * MiB },
];

const MACHINES: readonly [string, Partial<MachineConfig>][] = [
  ['1 CPU, 32 MiB', { memory: 32 * MiB }],
  ['1 CPU, 6 MiB, where requests fail', { memory: SMALL }],
  ['2 CPUs, high memory', { cpus: 2, zones: HIGH }],
  ['3 CPUs, x86_64', { cpus: 3, arch: 'x86_64', memory: 64 * MiB }],
  ['4 CPUs, two nodes', { cpus: 4, ...NODES('i386') }],
  ['2 CPUs, x86_64, two nodes', { cpus: 2, ...NODES('x86_64') }],
];

/** Runs a task a CPU, each with its share of the steps; fails at the first law that breaks. */
function run(config: Partial<MachineConfig>, steps: number, seed: number): Kernel {
  const cpus = config.cpus ?? 1;
  const hunger = config.memory === SMALL ? { mostHeld: 900, givesBack: 30 } : { mostHeld: 60, givesBack: 48 };
  const shared: Shared = { isMade: false, cache: null, pool: null, steps: 0, ...hunger, after: (k, what) => checkStep(k, shared.steps, what) };
  const tasks = Array.from({ length: cpus }, (_, i) => ({
    // The tasks of the other CPUs begin when the first has made what all use.
    name: `worker${i}`, at: i === 0 ? 0 : 1_000_000, run: (k: Kernel) => work(k, shared, { state: seed + i }, Math.floor(steps / cpus)),
  }));
  const { k, end } = runTasks(tasks, { ...default_config(), ...config });
  assert.equal(end.reason, 'ended', end.message);
  assert.equal(shared.steps, Math.floor(steps / cpus) * cpus);
  assert.deepEqual(check_machine(k), []);
  return k;
}

function checkStep(k: Kernel, step: number, what: string): void {
  for (const zone of for_each_zone(k)) {
    const listed = zone.free_area.reduce((sum, area, order) => sum + area.nr_free * 2 ** order, 0);
    assert.equal(listed, zone.free_pages, `IV-1 in ${zone.name} after step ${step} (${what})`);
    const lists = zone.pageset.flatMap(({ pcp }) => pcp);
    assert.ok(lists.every(({ count, high }) => count >= 0 && (count < high || high === 0)), `IV-4 in ${zone.name} after step ${step} (${what})`);
    assert.ok(zone.pages_min <= zone.pages_low && zone.pages_low <= zone.pages_high, `IV-16 in ${zone.name} after step ${step}`);
  }
  if (step % FULL_CHECK === 0) assert.deepEqual(check_machine(k), [], `after step ${step} (${what})`);
}

describe('every allocator at once', function () {
  this.timeout(STEPS);

  for (const [name, config] of MACHINES) {
    it(`IV-1 … IV-5 IV-13 IV-14 IV-16: the laws hold on ${name}`, () => {
      const k = run(config, Math.ceil(STEPS / MACHINES.length), 42);
      if (config.memory === SMALL) assert.ok(k.trace.counts[TP.mm_page_alloc_failure]! > 0, 'requests fail');
      assert.ok(k.trace.total > STEPS / MACHINES.length, 'the work passed tracepoints');
    });
  }

  it('IV-17: the same work gives the same machine, to the last byte', () => {
    const [, config] = MACHINES[4]!;
    assert.deepEqual(run(config, STEPS / 20, 7), run(config, STEPS / 20, 7));
    assert.notDeepEqual(run(config, STEPS / 20, 7).contents, run(config, STEPS / 20, 8).contents);
  });
});
