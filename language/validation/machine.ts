// The machine block: each setting once, the values in range, disks that exist.
import type { ArchSetting, CostSetting, DistanceSetting, Machine, NodeSetting, ReserveSetting, Setting, SwapSetting, Zone } from '../generated/ast.ts';
import { signedValue } from '../constant-value.ts';
import { didYouMean } from '../near.ts';
import { COSTS } from '../vocabulary/costs.ts';
import { MAX_MEMORY, RANGES, ZONES } from '../vocabulary/settings.ts';
import { checkDisk, checkDiskName, checkFile } from './disks.ts';
import type { CheckContext } from './context.ts';
import { isArch } from './machine-facts.ts';
import { checkQuantity } from './quantities.ts';
import { checkSysctl } from './sysctls.ts';

const PAGE = 4096n;

export function checkMachine(machine: Machine, context: CheckContext): void {
  const settings = machine.settings ?? [];
  checkDuplicates(settings, context);
  for (const setting of settings) checkSetting(setting, machine, context);
  checkMemory(machine, settings, context);
  checkNodes(settings.filter((setting) => setting.$type === 'NodeSetting'), context);
}

/** What a setting sets: two settings with one key are one too many. Nodes that have a distance are ordered, so both ways count. */
function keyOf(setting: Setting, context: CheckContext): string {
  switch (setting.$type) {
    case 'ArchSetting': return 'arch';
    case 'CpusSetting': return 'cpus';
    case 'MemorySetting': return 'memory';
    case 'HzSetting': return 'hz';
    case 'SeedSetting': return 'seed';
    case 'NodeSetting': return `node ${signedValue(setting.id, context.constants)}`;
    case 'DistanceSetting': return `distance ${signedValue(setting.from, context.constants)} ${signedValue(setting.to, context.constants)}`;
    case 'ReserveSetting': return `reserve ${signedValue(setting.start, context.constants)}`;
    case 'DiskSetting': return `disk ${setting.name}`;
    case 'FileSetting': return `file ${setting.path}`;
    case 'SwapSetting': return `swap ${setting.name}`;
    case 'SysctlSetting': return `sysctl ${setting.name}`;
    case 'CostSetting': return `cost ${setting.name}`;
  }
}

function checkDuplicates(settings: readonly Setting[], context: CheckContext): void {
  const seen = new Set<string>();
  for (const setting of settings) {
    const key = keyOf(setting, context);
    if (seen.has(key)) context.error(setting, `\`${key}\` is set twice: remove one.`);
    seen.add(key);
  }
}

function checkSetting(setting: Setting, machine: Machine, context: CheckContext): void {
  switch (setting.$type) {
    case 'ArchSetting': return checkArch(setting, context);
    case 'CpusSetting': return void checkQuantity(setting.count, { name: '`cpus`', kind: 'count', min: RANGES.cpus[0], max: RANGES.cpus[1] }, context);
    case 'MemorySetting': return checkPages(setting.size, '`memory`', context);
    case 'NodeSetting': return checkNode(setting, context);
    case 'DistanceSetting': return checkDistance(setting, machine, context);
    case 'ReserveSetting': return checkReserve(setting, context);
    case 'DiskSetting': return checkDisk(setting, machine, context);
    case 'FileSetting': return checkFile(setting, machine, context);
    case 'SwapSetting': return checkSwap(setting, context);
    case 'SysctlSetting': return checkSysctl(setting, context);
    case 'CostSetting': return checkCost(setting, context);
    case 'HzSetting': return void checkQuantity(setting.hz, { name: '`hz`', kind: 'count', min: RANGES.hz[0], max: RANGES.hz[1] }, context);
    case 'SeedSetting': return void checkQuantity(setting.seed, { name: '`seed`', kind: 'count' }, context);
  }
}

function checkArch(setting: ArchSetting, context: CheckContext): void {
  if (!isArch(setting.arch)) context.error(setting, `There is no architecture \`${setting.arch}\`: known are i386 and x86_64.${didYouMean(setting.arch, Object.keys(ZONES))}`, 'arch');
}

function checkPages(size: Zone['size'], name: string, context: CheckContext): void {
  const bytes = checkQuantity(size, { name, kind: 'size', min: PAGE, max: MAX_MEMORY[context.arch] }, context);
  if (bytes !== undefined && bytes > PAGE && bytes % PAGE !== 0n) context.error(size, `${name} must be a multiple of the page size, 4KiB.`);
}

function checkMemory(machine: Machine, settings: readonly Setting[], context: CheckContext): void {
  const memory = settings.find((setting) => setting.$type === 'MemorySetting');
  const node = settings.find((setting) => setting.$type === 'NodeSetting');
  if (memory !== undefined && node !== undefined) context.error(memory, '`memory` and `node` exclude each other: the zones of the nodes are the memory.');
  if (memory === undefined && node === undefined) context.error({ start: machine.$cstNode?.offset ?? 0, end: (machine.$cstNode?.offset ?? 0) + 'machine'.length }, 'The machine has no memory: write `memory 64MiB`, or its nodes and zones.');
}

function checkNode(node: NodeSetting, context: CheckContext): void {
  checkQuantity(node.id, { name: 'The number of a `node`', kind: 'count', min: RANGES.node[0], max: RANGES.node[1] }, context);
  if ((node.zones ?? []).length === 0) context.error(node, 'This node has no zone: write `zone NORMAL 64MiB` in its braces.', 'id');
  const seen = new Set<string>();
  for (const zone of node.zones ?? []) {
    checkZone(zone, context);
    if (seen.has(zone.name)) context.error(zone, `The zone \`${zone.name}\` stands twice in this node: remove one.`, 'name');
    seen.add(zone.name);
  }
}

function checkZone(zone: Zone, context: CheckContext): void {
  const known = ZONES[context.arch];
  if (!known.includes(zone.name)) context.error(zone, `${context.arch} has no zone \`${zone.name}\`: its zones are ${known.join(', ')}.${didYouMean(zone.name, known)}`, 'name');
  checkPages(zone.size, 'A zone', context);
}

function checkNodes(nodes: readonly NodeSetting[], context: CheckContext): void {
  const ids = nodes.map((node) => signedValue(node.id, context.constants)).filter((id) => typeof id === 'number');
  const missing = ids.map((_, i) => i).find((i) => !ids.includes(i));
  if (ids.length === nodes.length && missing !== undefined && new Set(ids).size === ids.length) context.error(nodes[0]!, `Nodes are numbered from 0 without a gap: node ${missing} is missing.`, 'id');
}

function checkDistance(setting: DistanceSetting, machine: Machine, context: CheckContext): void {
  const nodes = machine.settings.filter((other) => other.$type === 'NodeSetting').map((node) => signedValue(node.id, context.constants));
  for (const end of [setting.from, setting.to]) {
    const id = checkQuantity(end, { name: 'A node in `distance`', kind: 'count', min: RANGES.node[0], max: RANGES.node[1] }, context);
    if (id !== undefined && !nodes.includes(Number(id))) context.error(end, `There is no node ${id}: \`distance\` takes two nodes and the distance between them.`);
  }
  checkQuantity(setting.value, { name: 'A distance', kind: 'count', min: RANGES.distance[0], max: RANGES.distance[1] }, context);
}

function checkReserve(setting: ReserveSetting, context: CheckContext): void {
  const max = MAX_MEMORY[context.arch];
  const start = checkQuantity(setting.start, { name: 'The start of `reserve`', kind: 'size', min: 0, max }, context);
  const end = checkQuantity(setting.end, { name: 'The end of `reserve`', kind: 'size', min: 0, max }, context);
  if (start !== undefined && end !== undefined && end <= start) context.error(setting, 'A range ends after its start: the end is the first address that is not reserved.', 'end');
}

function checkSwap(setting: SwapSetting, context: CheckContext): void {
  checkQuantity(setting.size, { name: 'The size of a swap area', kind: 'size', min: PAGE }, context);
  checkQuantity(setting.priority, { name: 'The priority of a swap area', kind: 'count', min: RANGES.priority[0], max: RANGES.priority[1] }, context);
  checkDiskName(setting, context);
}

function checkCost(setting: CostSetting, context: CheckContext): void {
  if (!Object.hasOwn(COSTS, setting.name)) context.error(setting, `There is no cost \`${setting.name}\`.${didYouMean(setting.name, Object.keys(COSTS)) || ` Known are: ${Object.keys(COSTS).join(', ')}.`}`, 'name');
  checkQuantity(setting.time, { name: 'A cost', kind: 'time', min: setting.name === 'quantum' ? 1 : 0 }, context);
}
