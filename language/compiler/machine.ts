// The `machine { }` block as the engine's description of a machine.
import type { AstNode } from 'langium';
import type { CostTable, MachineConfig, SysctlName, ZoneName } from '../../engine/index.ts';
import { MODELLED_SYSCTLS, config_problems, default_config, sysctl_problem } from '../../engine/index.ts';
import type { DistanceSetting, Machine, NodeSetting, Setting, Signed, SysctlSetting } from '../generated/ast.ts';
import { rangeOfProperty } from '../ranges.ts';
import type { Compilation } from './compilation.ts';
import { complain } from './compilation.ts';
import { settled, signedOf } from './constants.ts';
import { diskOf, fileOf } from './disks.ts';
import { FORMS_NOT_MODELLED, notModelled } from './not-modelled.ts';

/** A description in the making, and where each part of it stands. */
interface Description {
  compilation: Compilation;
  file: number;
  config: MachineConfig;
  places: Map<keyof MachineConfig, AstNode>;
}

/** The machine that a scenario asks for; its tasks are added later. */
export function machineConfig(compilation: Compilation, file: number, machine: Machine): MachineConfig {
  const description: Description = { compilation, file, config: default_config(), places: new Map() };
  for (const setting of machine.settings) {
    const part = readSetting(description, setting, machine.settings);
    if (part !== null) description.places.set(part, setting);
  }
  for (const { setting, message } of config_problems(description.config)) {
    complain(compilation, file, description.places.get(setting) ?? machine, message);
  }
  return description.config;
}

/** Takes a setting over; the part of the description that it belongs to, or null after a complaint. */
function readSetting(description: Description, setting: Setting, settings: readonly Setting[]): keyof MachineConfig | null {
  const { config } = description;
  switch (setting.$type) {
    case 'ArchSetting': return assign(config, 'arch', setting.arch as MachineConfig['arch']);
    case 'CpusSetting': return assign(config, 'cpus', numberOf(description, setting.count));
    case 'MemorySetting': return assign(config, 'memory', numberOf(description, setting.size));
    case 'HzSetting': return assign(config, 'hz', numberOf(description, setting.hz));
    case 'SeedSetting': return assign(config, 'seed', seedOf(description, setting.seed));
    case 'CostSetting': return assign(config, 'cost', { ...config.cost, [setting.name as keyof CostTable]: numberOf(description, setting.time) });
    case 'ReserveSetting': return assign(config, 'reserve', [...config.reserve, { start: numberOf(description, setting.start), end: numberOf(description, setting.end) }]);
    case 'NodeSetting': return assign(config, 'zones', [...config.zones, ...zonesOf(description, setting)]);
    case 'DistanceSetting': return assign(config, 'distances', [...config.distances, distanceOf(description, setting)]);
    case 'DiskSetting': return assign(config, 'disks', [...config.disks, diskOf(setting, settings, (node) => numberOf(description, node))]);
    case 'FileSetting': return assign(config, 'files', [...config.files, fileOf(setting, (node) => numberOf(description, node))]);
    case 'SysctlSetting': return readSysctl(description, setting);
    default: {
      complain(description.compilation, description.file, setting, FORMS_NOT_MODELLED[setting.$type]!);
      return null;
    }
  }
}

function assign<K extends keyof MachineConfig>(config: MachineConfig, part: K, value: MachineConfig[K]): K {
  config[part] = value;
  return part;
}

function zonesOf(description: Description, setting: NodeSetting): MachineConfig['zones'] {
  const node = numberOf(description, setting.id);
  return setting.zones.map((zone) => ({ node, name: zone.name as ZoneName, bytes: numberOf(description, zone.size) }));
}

function distanceOf(description: Description, { from, to, value }: DistanceSetting): MachineConfig['distances'][number] {
  return { from: numberOf(description, from), to: numberOf(description, to), value: numberOf(description, value) };
}

/** The engine's own complaints come at the value, so that config_problems finds nothing more to say. */
function readSysctl({ compilation, file, config }: Description, setting: SysctlSetting): 'sysctl' | null {
  const { name } = setting;
  if (!(MODELLED_SYSCTLS as readonly string[]).includes(name)) {
    complain(compilation, file, rangeOfProperty(setting, 'name'), notModelled(`sysctl ${name}`));
    return null;
  }
  const value = settled(compilation, file, setting.value);
  const numbers = Array.isArray(value) ? value.map(Number) : Number(value);
  const message = sysctl_problem(name, numbers);
  if (message === null) return assign(config, 'sysctl', [...config.sysctl, [name as SysctlName, numbers]]);
  complain(compilation, file, setting.value, `${message}.`);
  return null;
}

function numberOf({ compilation, file }: Description, node: Signed): number {
  const value = signedOf(compilation, file, node);
  if (typeof value === 'number') return value;
  complain(compilation, file, node, 'This number is too large here.');
  return 0;
}

/** Any integer is a seed; the engine takes those that a double holds. */
function seedOf({ compilation, file }: Description, node: Signed): number {
  return Number(BigInt.asUintN(53, BigInt(signedOf(compilation, file, node))));
}
