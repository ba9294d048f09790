// The settings of a disk.
import type { BandwidthProp, DiskProp, DiskSetting, FailProp } from '../generated/ast.ts';
import { parseNumber } from '../vocabulary/units.ts';
import type { CheckContext } from './context.ts';
import { checkQuantity } from './quantities.ts';

export function checkDisk(disk: DiskSetting, context: CheckContext): void {
  const seen = new Set<DiskProp['$type']>();
  for (const prop of disk.props ?? []) {
    if (prop.$type !== 'FailProp' && seen.has(prop.$type)) context.error(prop, `\`${prop.$type === 'SeekProp' ? 'seek' : 'bandwidth'}\` is set twice: remove one.`);
    seen.add(prop.$type);
    checkProp(prop, context);
  }
}

function checkProp(prop: DiskProp, context: CheckContext): void {
  if (prop.$type === 'SeekProp') checkQuantity(prop.time, { name: '`seek`', kind: 'time', min: 0 }, context);
  else if (prop.$type === 'BandwidthProp') checkBandwidth(prop, context);
  else checkFail(prop, context);
}

function checkBandwidth(prop: BandwidthProp, context: CheckContext): void {
  const amount = parseNumber(prop.amount);
  if (prop.per !== 's') context.error(prop, `A bandwidth is a size for each second: write \`${prop.amount}/s\`.`);
  else if (typeof amount !== 'string' && amount.kind === 'time') context.error(prop, 'A bandwidth is a size for each second, as in `60MiB/s`.');
  else if (typeof amount !== 'string' && amount.value === 0n) context.error(prop, 'A bandwidth of nothing would never end: write at least `1KiB/s`.');
}

function checkFail(prop: FailProp, context: CheckContext): void {
  const start = checkQuantity(prop.start, { name: 'A block number', kind: 'count', min: 0 }, context);
  const end = checkQuantity(prop.end, { name: 'A block number', kind: 'count', min: 0 }, context);
  if (start !== undefined && end !== undefined && end <= start) context.error(prop, 'A range ends after its start: the end is the first block that does not fail.', 'end');
}
