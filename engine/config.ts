// @nohooks
// The description of a machine: what a scenario's `machine { }` block and its tasks say, as data.

import type { CostTable } from './kernel.ts';
import type { SysctlName } from './include/sysctl.ts';
import { MAXMEM, MAX_DMA_PFN, MAX_PHYSICAL } from './arch/i386/layout.ts';
import { PAGE_SIZE } from './include/types.ts';
import { sysctl_problem } from './kernel/sysctl.ts';

export type ZoneName = 'DMA' | 'DMA32' | 'NORMAL' | 'HIGHMEM';

/** One zone of one node, where the scenario says them itself. */
export interface ZoneConfig {
  node: number;
  name: ZoneName;
  bytes: number;
}

/** A task to start: `at` a time (ns), or when every task named in `after` has ended. `body` is the program's own index. */
export interface TaskSpec {
  name: string;
  comm: string;
  kind: 'kernel' | 'user';
  at: number;
  after: string[];
  cpu: number | null;
  nice: number;
  uid: number;
  oom_adj: number;
  body: number;
}

export interface MachineConfig {
  arch: 'i386' | 'x86_64';
  cpus: number;
  /** Bytes of RAM; ignored where `zones` says them. */
  memory: number;
  zones: ZoneConfig[];
  hz: number;
  seed: number;
  /** In the order they are to be set. */
  sysctl: [SysctlName, number | number[]][];
  /** Changes to the virtual-time table, ns. */
  cost: Partial<CostTable>;
  /** Physical addresses, half open, that the machine never has for use. */
  reserve: { start: number; end: number }[];
  tasks: TaskSpec[];
}

/** What is wrong with a machine, and with which of its settings. */
export interface ConfigProblem {
  setting: keyof MachineConfig;
  message: string;
}

/** The virtual-time table of LANGUAGE.md, ns. */
export const DEFAULT_COSTS: Readonly<CostTable> = {
  statement: 100, access: 10, syscall: 500, alloc: 150, buddy: 60, slab: 80, copy: 250, fault: 1000, zero_page: 700, copy_page: 1000, pte: 50,
  scan: 200, context_switch: 3000, quantum: 100_000_000,
};

const MiB = 1 << 20;
/** Less has no room for the kernel image and its tables. */
const MIN_MEMORY = 4 * MiB;

/** A machine with the defaults of the language and nothing to run. */
export function default_config(): MachineConfig {
  return { arch: 'i386', cpus: 1, memory: 64 * MiB, zones: [], hz: 250, seed: 1, sysctl: [], cost: {}, reserve: [], tasks: [] };
}

/** Everything that keeps a machine from booting; empty when it can. */
export function config_problems(config: MachineConfig): ConfigProblem[] {
  const memory: ConfigProblem['setting'] = config.zones.length > 0 ? 'zones' : 'memory';
  const of = (setting: ConfigProblem['setting'], messages: string[]): ConfigProblem[] => messages.map((message) => ({ setting, message }));
  return [
    ...of('arch', config.arch === 'i386' ? [] : ['arch x86_64 is not modelled yet: this version runs i386 only.']),
    ...of('cpus', is_integer(config.cpus, 1, 64) ? [] : ['cpus takes a number from 1 to 64.']),
    ...of('hz', is_integer(config.hz, 1, 10_000) ? [] : ['hz takes a number from 1 to 10000.']),
    ...of(memory, memory === 'zones' ? zone_problems(config.zones) : memory_problems(config.memory)),
    ...of('sysctl', config.sysctl.flatMap(([name, value]) => sysctl_problem(name, value) ?? [])),
    ...of('reserve', config.reserve.flatMap(reserve_problems)),
    ...of('tasks', config.tasks.flatMap((task) => task_problems(task, config.cpus))),
  ];
}

function is_integer(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function reserve_problems({ start, end }: { start: number; end: number }): string[] {
  if (!(start >= 0 && end > start)) return ['reserve takes START .. END with END above START.'];
  return start < MIN_MEMORY ? ['reserve may not touch the first 4 MiB: the kernel image is there.'] : [];
}

function task_problems({ name, cpu }: TaskSpec, cpus: number): string[] {
  return cpu !== null && (cpu < 0 || cpu >= cpus) ? [`${name} wants cpu ${cpu}, but the machine has ${cpus}.`] : [];
}

function memory_problems(memory: number): string[] {
  if (memory % PAGE_SIZE !== 0) return ['memory takes whole pages of 4 KiB.'];
  if (memory < MIN_MEMORY) return ['memory is too small: the kernel and its tables need 4 MiB.'];
  if (memory > MAX_PHYSICAL) return ['memory is too large: i386 without PAE reaches 4 GiB.'];
  return [];
}

function zone_problems(zones: readonly ZoneConfig[]): string[] {
  const problems: string[] = [];
  const size = (name: ZoneName): number => zones.filter((zone) => zone.name === name).reduce((sum, zone) => sum + zone.bytes, 0);
  const names = zones.map((zone) => zone.name);
  const places = zones.map((zone) => `${zone.node} ${zone.name}`);
  if (zones.some((zone) => zone.node !== 0)) problems.push('Several nodes are not modelled yet: this version has node 0 only.');
  if (new Set(places).size !== places.length) problems.push('A zone may stand once in a node.');
  if (names.includes('DMA32')) problems.push('zone DMA32 is empty on i386: it is x86_64\'s.');
  if (zones.some((zone) => zone.bytes <= 0 || zone.bytes % (4 * MiB) !== 0)) problems.push('A zone takes a multiple of 4 MiB, the largest block of the buddy allocator.');
  if (size('DMA') === 0) problems.push('zone DMA must be there: the kernel boots in it.');
  if (size('DMA') > MAX_DMA_PFN * PAGE_SIZE) problems.push('zone DMA takes 16 MiB at most.');
  if (size('NORMAL') > 0 && size('DMA') < MAX_DMA_PFN * PAGE_SIZE) problems.push('zone NORMAL begins at 16 MiB, so zone DMA must be 16MiB where there is one.');
  if (size('DMA') + size('NORMAL') > MAXMEM) problems.push('zones DMA and NORMAL take 896 MiB at most together: the rest is HIGHMEM.');
  if (problems.length === 0) problems.push(...memory_problems(zones.reduce((sum, zone) => sum + zone.bytes, 0)));
  return problems;
}
