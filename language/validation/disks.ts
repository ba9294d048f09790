// Disks and the files on them: values in range, disks that exist and that hold what is to lie on them, paths that name a file.
import { signedValue } from '../constant-value.ts';
import type { BandwidthProp, DiskProp, DiskSetting, FailProp, FileSetting, Machine, Signed, SwapSetting } from '../generated/ast.ts';
import { didYouMean } from '../near.ts';
import { stringValue } from '../text.ts';
import { DEFAULT_DISK_SIZE, MAX_DISK_SIZE, MAX_FILE_SIZE, NAME_MAX, PATH_MAX } from '../vocabulary/settings.ts';
import { parseNumber, showSize } from '../vocabulary/units.ts';
import type { CheckContext } from './context.ts';
import { checkQuantity } from './quantities.ts';

const BLOCK = 4096n;

// ---- disks ------------------------------------------------------------------------------------------------------------

export function checkDisk(disk: DiskSetting, machine: Machine, context: CheckContext): void {
  const seen = new Set<DiskProp['$type']>();
  for (const prop of disk.props ?? []) {
    if (prop.$type !== 'FailProp' && seen.has(prop.$type)) context.error(prop, `\`${WORDS[prop.$type]}\` is set twice: remove one.`);
    seen.add(prop.$type);
    checkProp(prop, disk, machine, context);
  }
}

const WORDS = { SizeProp: 'size', SeekProp: 'seek', BandwidthProp: 'bandwidth' } as const;

function checkProp(prop: DiskProp, disk: DiskSetting, machine: Machine, context: CheckContext): void {
  switch (prop.$type) {
    case 'SizeProp': return checkSize(prop.size, context);
    case 'SeekProp': return void checkQuantity(prop.time, { name: '`seek`', kind: 'time', min: 0 }, context);
    case 'BandwidthProp': return checkBandwidth(prop, context);
    case 'FailProp': return checkFail(prop, blocksOf(disk, machine, context), context);
  }
}

function checkSize(size: Signed, context: CheckContext): void {
  const bytes = checkQuantity(size, { name: 'The `size` of a disk', kind: 'size', min: BLOCK, max: MAX_DISK_SIZE }, context);
  if (bytes !== undefined && bytes > BLOCK && bytes % BLOCK !== 0n) context.error(size, 'The `size` of a disk must be a multiple of its blocks, 4KiB.');
}

function checkBandwidth(prop: BandwidthProp, context: CheckContext): void {
  const amount = parseNumber(prop.amount);
  if (prop.per !== 's') context.error(prop, `A bandwidth is a size for each second: write \`${prop.amount}/s\`.`);
  else if (typeof amount !== 'string' && amount.kind === 'time') context.error(prop, 'A bandwidth is a size for each second, as in `60MiB/s`.');
  else if (typeof amount !== 'string' && amount.value === 0n) context.error(prop, 'A bandwidth of nothing would never end: write at least `1KiB/s`.');
}

function checkFail(prop: FailProp, blocks: bigint, context: CheckContext): void {
  const start = checkQuantity(prop.start, { name: 'A block number', kind: 'count', min: 0 }, context);
  const end = checkQuantity(prop.end, { name: 'A block number', kind: 'count', min: 0 }, context);
  if (start === undefined || end === undefined) return;
  if (end <= start) context.error(prop, 'A range ends after its start: the end is the first block that does not fail.', 'end');
  else if (start >= blocks) context.warning(prop, `The disk ends before block ${start}: its blocks, of 4 KiB, are 0 to ${blocks - 1n}.`, 'start');
}

// ---- files ------------------------------------------------------------------------------------------------------------

export function checkFile(setting: FileSetting, machine: Machine, context: CheckContext): void {
  const path = setting.path === undefined ? undefined : stringValue(setting.path);
  const problem = path === undefined ? undefined : (pathProblem(path) ?? folderProblem(path, context));
  if (problem !== undefined) context.error(setting, problem, 'path');
  const bytes = checkQuantity(setting.size, { name: 'The size of a file', kind: 'size', min: 0, max: MAX_FILE_SIZE }, context);
  checkDiskName(setting, context);
  if (bytes !== undefined && bytes >= 0n && bytes <= MAX_FILE_SIZE) checkRoom(setting, machine, context);
}

/** What keeps a text from naming a file: this file system knows whole paths, not folders, so each file has one way to write it. */
export function pathProblem(path: string): string | undefined {
  const names = path.split('/').slice(1);
  if (!path.startsWith('/')) return `A path begins with \`/\`: write \`"/${path}"\`.`;
  if (path.length > PATH_MAX) return `This path is too long: ${path.length} characters, and ${PATH_MAX} are possible.`;
  if (names.at(-1) === '') return `\`${path}\` is a folder: a file's path ends with its name.`;
  if (names.some((name) => name === '' || name === '.' || name === '..')) return 'A path is written out: without `//`, `.` and `..`.';
  return names.some((name) => name.length > NAME_MAX) ? `A name in a path has at most ${NAME_MAX} characters.` : undefined;
}

function folderProblem(path: string, context: CheckContext): string | undefined {
  const file = context.facts.files.find((other) => path.startsWith(`${other}/`));
  return file === undefined ? undefined : `\`${file}\` is a file, so there is nothing in it: give one of the two another path.`;
}

export function checkDiskName(setting: FileSetting | SwapSetting, context: CheckContext): void {
  const { disks } = context.facts;
  if (setting.disk === undefined || disks.includes(setting.disk)) return;
  const remedy = didYouMean(setting.disk, disks) || (disks.length > 0 ? ` Known are: ${disks.join(', ')}.` : ` Add \`disk ${setting.disk} { }\` to the machine.`);
  context.error(setting, `There is no disk \`${setting.disk}\`.${remedy}`, 'disk');
}

/** The first file that finds too little room on its disk is told; those after it have the same cause. */
function checkRoom(setting: FileSetting, machine: Machine, context: CheckContext): void {
  const disk = machine.settings.find((other) => other.$type === 'DiskSetting' && other.name === setting.disk) as DiskSetting | undefined;
  const size = disk === undefined ? undefined : declaredSize(disk, context);
  if (size === undefined) return;
  const files = filesOn(machine, setting.disk);
  const before = files.slice(0, files.indexOf(setting)).reduce((sum, file) => sum + blocksNeeded(file, context), 0n) * BLOCK;
  const after = before + blocksNeeded(setting, context) * BLOCK;
  if (before > size || after <= size) return;
  const others = before === 0n ? '' : ` and the files before this one take ${showSize(before)}`;
  context.error(setting, `This file does not fit on \`${setting.disk}\`: the disk holds ${showSize(size)}${others}. Write at least \`size ${showSize(after)}\` in its braces.`, 'size');
}

function filesOn(machine: Machine, disk: string): FileSetting[] {
  return machine.settings.filter((other) => other.$type === 'FileSetting').filter((file) => file.disk === disk);
}

/** What a disk's block says of its size, or undefined. */
function declaredSize(disk: DiskSetting, context: CheckContext): bigint | undefined {
  const prop = (disk.props ?? []).find((one) => one.$type === 'SizeProp');
  return integerOf(prop?.size, context);
}

/** Blocks of a disk: those that it says, or those that it has when it says nothing. */
function blocksOf(disk: DiskSetting, machine: Machine, context: CheckContext): bigint {
  const size = declaredSize(disk, context);
  if (size !== undefined) return size / BLOCK;
  const used = filesOn(machine, disk.name).reduce((sum, file) => sum + blocksNeeded(file, context), 0n);
  return 2n * used > BigInt(DEFAULT_DISK_SIZE) / BLOCK ? 2n * used : BigInt(DEFAULT_DISK_SIZE) / BLOCK;
}

function blocksNeeded(file: FileSetting, context: CheckContext): bigint {
  const bytes = integerOf(file.size, context) ?? 0n;
  return bytes > 0n ? (bytes + BLOCK - 1n) / BLOCK : 0n;
}

function integerOf(signed: Signed | undefined, context: CheckContext): bigint | undefined {
  const value = signedValue(signed, context.constants);
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : undefined;
}
