// @nohooks
// The description of a machine: its defaults, and what is wrong with one.

import type { CostTable } from './kernel.ts';
import type { FileConfig, MachineConfig, TaskSpec, ZoneConfig, ZoneName } from './config-types.ts';
import type { SysctlName } from './include/sysctl.ts';
import { _NSIG } from './include/signal.ts';
import { NUMA_SYSCTLS } from './include/sysctl.ts';
import { disk_problems, file_problems } from './config-disks.ts';
import { RESERVE_FLOOR, memory_problems, zone_problems } from './config-memory.ts';
import { sysctl_problem } from './kernel/sysctl.ts';

export type { FileConfig, MachineConfig, TaskSpec, ZoneConfig, ZoneName };

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
/** The largest number that is a uid. */
const MAX_UID = 2 ** 32 - 2;

/** A machine with the defaults of the language and nothing to run. */
export function default_config(): MachineConfig {
  return { arch: 'i386', cpus: 1, memory: 64 * MiB, zones: [], distances: [], hz: 250, seed: 1, sysctl: [], cost: {}, reserve: [], disks: [], files: [], tasks: [] };
}

/** Everything that keeps a machine from booting; empty when it can. */
export function config_problems(config: MachineConfig): ConfigProblem[] {
  const memory: ConfigProblem['setting'] = config.zones.length > 0 ? 'zones' : 'memory';
  const of = (setting: ConfigProblem['setting'], messages: string[]): ConfigProblem[] => messages.map((message) => ({ setting, message }));
  return [
    ...of('arch', config.arch === 'i386' || config.arch === 'x86_64' ? [] : [`There is no architecture ${String(config.arch)}: known are i386 and x86_64.`]),
    ...of('cpus', is_integer(config.cpus, 1, 64) ? [] : ['cpus takes a number from 1 to 64.']),
    ...of('hz', is_integer(config.hz, 1, 10_000) ? [] : ['hz takes a number from 1 to 10000.']),
    ...of(memory, memory === 'zones' ? zone_problems(config) : memory_problems(config)),
    ...of('distances', config.distances.flatMap((distance) => distance_problems(distance, config.zones))),
    ...of('sysctl', config.sysctl.flatMap(([name]) => numa_sysctl_problems(name, config.zones))),
    ...of('sysctl', config.sysctl.flatMap(([name, value]) => sysctl_problem(name, value) ?? [])),
    ...of('reserve', config.reserve.flatMap((range) => reserve_problems(range, RESERVE_FLOOR[config.arch]))),
    ...of('disks', disk_problems(config.disks)),
    ...of('files', file_problems(config.files, config.disks)),
    ...of('tasks', config.tasks.flatMap((task) => task_problems(task, config.cpus))),
  ];
}

function is_integer(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function reserve_problems({ start, end }: { start: number; end: number }, floor: number): string[] {
  if (!(start >= 0 && end > start)) return ['reserve takes START .. END with END above START.'];
  return start < floor ? [`reserve may not touch the first ${floor / MiB} MiB: the kernel image is there.`] : [];
}

function distance_problems({ from, to, value }: MachineConfig['distances'][number], zones: readonly ZoneConfig[]): string[] {
  const missing = [from, to].find((node) => !zones.some((zone) => zone.node === node));
  if (missing !== undefined) return [`distance names node ${missing}, which the machine does not have.`];
  return is_integer(value, 0, 255) ? [] : ['distance takes a number from 0 to 255.'];
}

/** The sysctls that only a kernel for several nodes has (N-44). */
function numa_sysctl_problems(name: SysctlName, zones: readonly ZoneConfig[]): string[] {
  const isNuma = zones.some((zone) => zone.node !== 0);
  return isNuma || !NUMA_SYSCTLS.includes(name) ? [] : [`${name} exists on a machine with several nodes only.`];
}

function task_problems(task: TaskSpec, cpus: number): string[] {
  const { name, cpu, nice, uid, oom_adj, rlimit_as, rlimit_stack, dies } = task;
  const is_size = (bytes: number | null | undefined): boolean => (bytes ?? 0) >= 0;
  return [
    ...(cpu !== null && (cpu < 0 || cpu >= cpus) ? [`${name} wants cpu ${cpu}, but the machine has ${cpus}.`] : []),
    ...(is_integer(nice, -20, 19) ? [] : [`nice of ${name} takes a number from -20 to 19.`]),
    ...(is_integer(uid, 0, MAX_UID) ? [] : [`uid of ${name} takes a number from 0 to ${MAX_UID}.`]),
    ...(is_integer(oom_adj, -17, 15) ? [] : [`oom_adj of ${name} takes a number from -17 to 15; -17 keeps the OOM killer away.`]),
    ...(is_size(rlimit_as) && is_size(rlimit_stack) ? [] : [`A limit of ${name} is 0 or more.`]),
    ...(dies === undefined || is_integer(dies, 0, _NSIG) ? [] : [`dies of ${name} takes a signal.`]),
  ];
}
