// The disks of a machine and the files on them as the engine's description of a machine has them.
import type { MachineConfig } from '../../engine/index.ts';
import type { DiskProp, DiskSetting, FileSetting, Setting, Signed } from '../generated/ast.ts';
import { stringValue } from '../text.ts';
import { DISK_DEFAULTS } from '../vocabulary/costs.ts';
import { DEFAULT_DISK_SIZE } from '../vocabulary/settings.ts';
import { parseNumber } from '../vocabulary/units.ts';

type DiskConfig = MachineConfig['disks'][number];
type FileConfig = MachineConfig['files'][number];
/** Reads the number of a setting. */
type NumberOf = (node: Signed) => number;

const BLOCK = 4096;

/** A disk; `settings` are all of the machine, for without a size it has room for twice what they declare on it. */
export function diskOf(disk: DiskSetting, settings: readonly Setting[], numberOf: NumberOf): DiskConfig {
  const ranges = (access: 'read' | 'write'): DiskConfig['fail_read'] => (
    propsOf(disk, 'FailProp').filter((prop) => prop.access === access).map(({ start, end }) => ({ start: numberOf(start), end: numberOf(end) })));
  const [seek] = propsOf(disk, 'SeekProp');
  const [bandwidth] = propsOf(disk, 'BandwidthProp');
  const [size] = propsOf(disk, 'SizeProp');
  return {
    name: disk.name,
    seek: seek === undefined ? DISK_DEFAULTS.seek : numberOf(seek.time),
    bandwidth: bandwidth === undefined ? DISK_DEFAULTS.bandwidth : bytesOf(bandwidth.amount),
    blocks: size === undefined ? blocksFor(disk, settings, numberOf) : Math.floor(numberOf(size.size) / BLOCK),
    fail_read: ranges('read'), fail_write: ranges('write'),
  };
}

export function fileOf(file: FileSetting, numberOf: NumberOf): FileConfig {
  return { path: stringValue(file.path), size: numberOf(file.size), disk: file.disk };
}

function propsOf<T extends DiskProp['$type']>(disk: DiskSetting, type: T): Extract<DiskProp, { $type: T }>[] {
  return disk.props.filter((prop): prop is Extract<DiskProp, { $type: T }> => prop.$type === type);
}

function bytesOf(amount: string): number {
  const parsed = parseNumber(amount);
  return typeof parsed === 'string' ? DISK_DEFAULTS.bandwidth : Number(parsed.value);
}

function blocksFor(disk: DiskSetting, settings: readonly Setting[], numberOf: NumberOf): number {
  const files = settings.filter((setting) => setting.$type === 'FileSetting').filter((file) => file.disk === disk.name);
  const declared = files.reduce((blocks, file) => blocks + Math.ceil(numberOf(file.size) / BLOCK), 0);
  return Math.max(DEFAULT_DISK_SIZE / BLOCK, 2 * declared);
}
