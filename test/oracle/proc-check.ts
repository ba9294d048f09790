// What the kernel printed of a booted machine, against an engine machine of the same RAM: figures that sizing at boot decides are compared exactly;
// figures that depend on what the kernel did later are put into the engine's machine, and then its whole text must be the kernel's, byte for byte.
// A snapshot's own files are read by their labels, nothing is known of any size.

import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import { MAX_ORDER, ZONE_NAMES, ZONE_STAT_NAMES, populated_zone } from '../../engine/include/mmzone.ts';
import { MODELLED_SYSCTLS } from '../../engine/include/sysctl.ts';
import { read_sysctl } from '../../engine/kernel/sysctl.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { VM_EVENT_NAMES } from '../../engine/mm/vmstat.ts';
import { meminfo, proc_buddyinfo, proc_meminfo, proc_vmstat, proc_zoneinfo } from '../../engine/fs/proc/files.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine, zoneNamed } from './engine-door.ts';
import { reportPairs } from './sysrq-check.ts';
import type { Recording, Snapshot } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

/** Pairs by the check they count for. */
interface Pairs {
  zones: Pair[];
  watermarks: Pair[];
  sysctls: Pair[];
  protection: Pair[];
  pagesets: Pair[];
  blocks: Pair[];
  totals: Pair[];
  formats: Pair[];
  report: Pair[];
  log: Pair[];
}

const RULES: Readonly<Record<keyof Pairs, readonly [string, string]>> = {
  log: ['B-2,8', 'boot log lines'],
  zones: ['M-4 Z-1', 'zoneinfo zones'],
  watermarks: ['PA-2,3', 'zoneinfo watermarks'],
  sysctls: ['PA-2,4 WB-1,2', 'settings of /proc/sys/vm'],
  protection: ['PA-4', 'zoneinfo protection'],
  pagesets: ['PA-7', 'zoneinfo pagesets'],
  blocks: ['B-5', 'buddyinfo DMA blocks'],
  totals: ['B-7 M-5,6', 'meminfo totals'],
  formats: ['PR-1..4', '/proc lines byte for byte'],
  report: ['PA-27', 'SysRq-M lines'],
};

/** meminfo rows that the boot alone decides. */
const BOOT_TOTALS = ['MemTotal', 'HighTotal', 'LowTotal', 'CommitLimit', 'VmallocTotal'];
const LATER_ZONE_FIELDS = 'free, active, inactive, scanned, the counters nr_*, count, all_unreclaimable, prev_priority, temp_priority';

/** The checks of a recording's log and snapshots. `traced` is the machine that replayed its trace up to the first dump: its image is another one. */
export function checkProc(recording: Recording, ram: readonly Ram[], traced: Kernel | null): { checks: Check[]; notes: string[] } {
  const pairs: Pairs = {
    zones: [], watermarks: [], sysctls: [], protection: [], pagesets: [], blocks: [], totals: [], formats: [], report: [], log: [],
  };
  const k = bootedMachine(ram);
  const totals = recording.trace === null ? meminfo(k) : traced && meminfo(traced);
  pairs.log.push(...logPairs(k, recording.log));
  for (const snapshot of recording.snapshots) {
    if (recording.trace === null && snapshot.tag === 'boot') pairs.blocks.push(...blockPairs(k, snapshot));
    if (totals !== null) pairs.totals.push(...totalPairs(totals, snapshot));
    pairs.sysctls.push(...sysctlPairs(k, snapshot));
  }
  const scratch = bootedMachine(ram);
  for (const snapshot of recording.snapshots) {
    zonePairs(scratch, snapshot, pairs);
    const { tag, files } = snapshot;
    const isOwnImage = recording.trace === null;
    if (files['sysrq-m'] !== undefined) pairs.report.push(...reportPairs(scratch, `${tag}/sysrq-m.txt`, files['sysrq-m'], { isOwnImage }));
  }
  const checks = (Object.keys(RULES) as (keyof Pairs)[]).map((kind) => compareAll(...RULES[kind], pairs[kind])).filter((check) => check.total > 0);
  return { checks, notes: recording.snapshots.length === 0 ? [] : notesOf(totals) };
}

function notesOf(totals: object | null): string[] {
  return [
    `zoneinfo: only the form is compared of ${LATER_ZONE_FIELDS}: they depend on what the kernel did after its boot`,
    `meminfo: only the form is compared of all rows but ${totals === null ? 'none: the image of this trace is not known' : BOOT_TOTALS.join(', ')}`,
    'vmstat: only the form is compared',
    'SysRq-M: pages shared and swap are not compared, nor reserved pages where the image has a recorder in it',
    'buddyinfo: only the form is compared, but for zone DMA of an untouched kernel that has zone Normal to use',
  ];
}

// ---- the log ----------------------------------------------------------------------------------------------------------

const BOOT_LINE = /^(\d+MB (HIGHMEM|LOWMEM) available|On node \d+ totalpages|  \w+ zone: |Built \d+ zonelists|Dentry cache hash|Inode-cache hash)/;

function logPairs(k: Kernel, log: readonly string[]): Pair[] {
  const kernel = log.filter((line) => BOOT_LINE.test(line));
  if (kernel.length === 0) return [];
  const engine = k.log.lines.map((line) => line.text).filter((line) => BOOT_LINE.test(line));
  return pairLines('log.txt, boot', kernel, engine);
}

function pairLines(where: string, kernel: readonly string[], engine: readonly string[]): Pair[] {
  return Array.from({ length: Math.max(kernel.length, engine.length) }, (_, i) => ({ where: `${where} line ${i + 1}`, kernel: kernel[i] ?? '(no line)', engine: engine[i] ?? '(no line)' }));
}

// ---- zoneinfo, buddyinfo, vmstat --------------------------------------------------------------------------------------

function zonePairs(scratch: Kernel, { tag, files }: Snapshot, pairs: Pairs): void {
  const { zoneinfo, buddyinfo, vmstat, meminfo: memory } = files;
  if (zoneinfo !== undefined) {
    for (const section of zoneSections(zoneinfo)) sectionPairs(scratch, tag, section, pairs);
    for (const section of zoneSections(zoneinfo)) fillZone(zoneNamed(scratch, section.name), section);
    const populated = for_each_zone(scratch).filter(populated_zone).map(({ name }) => name);
    pairs.zones.push({ where: `${tag}/zoneinfo.txt: zones`, kernel: zoneSections(zoneinfo).map(({ name }) => name), engine: populated });
    pairs.formats.push(...pairText(`${tag}/zoneinfo.txt`, zoneinfo, proc_zoneinfo(scratch)));
  }
  if (buddyinfo !== undefined) {
    for (const row of buddyRows(buddyinfo)) fillBlocks(zoneNamed(scratch, row.name), row.counts);
    pairs.formats.push(...pairText(`${tag}/buddyinfo.txt`, buddyinfo, proc_buddyinfo(scratch)));
  }
  if (vmstat !== undefined) {
    fillCounters(scratch, vmstat);
    pairs.formats.push(...pairText(`${tag}/vmstat.txt`, vmstat, proc_vmstat(scratch)));
  }
  if (memory !== undefined) pairs.formats.push(...pairText(`${tag}/meminfo.txt`, maskRows(memory), maskRows(proc_meminfo(scratch))));
}

/** Lines without their values where the engine cannot be given them: `MemTotal: ######## kB`, one # a column. */
function maskRows(text: string): string {
  return text.replace(/ *\d+ kB$/gm, (field) => `${'#'.repeat(field.length - ' kB'.length)} kB`);
}

function pairText(where: string, kernel: string, engine: string): Pair[] {
  return pairLines(where, kernel.split('\n'), engine.split('\n'));
}

interface ZoneSection {
  name: string;
  lines: string[];
}

/** The zones of a zoneinfo, each with its lines. */
function zoneSections(zoneinfo: string): ZoneSection[] {
  const sections: ZoneSection[] = [];
  for (const line of zoneinfo.split('\n')) {
    const heading = /^Node \d+, zone +(\S+)/.exec(line);
    if (heading) sections.push({ name: heading[1]!, lines: [] });
    sections.at(-1)?.lines.push(line);
  }
  return sections;
}

/** The first number behind a label, alone at the start of its line. */
function field(section: ZoneSection, label: string): number {
  const line = section.lines.find((text) => text.trimStart().startsWith(`${label} `));
  return Number(/(-?\d+)/.exec(line?.trimStart().slice(label.length) ?? '')?.[1]);
}

function sectionPairs(k: Kernel, tag: string, section: ZoneSection, pairs: Pairs): void {
  const zone = zoneNamed(k, section.name);
  const pair = (label: string, engine: number): Pair => ({ where: `${tag}/zoneinfo.txt: ${label} of ${section.name}`, kernel: field(section, label), engine });
  pairs.zones.push(pair('spanned', zone.spanned_pages), pair('present', zone.present_pages), pair('start_pfn:', zone.zone_start_pfn));
  pairs.watermarks.push(pair('min', zone.pages_min), pair('low', zone.pages_low), pair('high', zone.pages_high));
  const protection = section.lines.find((line) => line.includes('protection:'))?.trim();
  pairs.protection.push({ where: `${tag}/zoneinfo.txt: ${section.name}`, kernel: protection, engine: `protection: (${zone.lowmem_reserve.join(', ')})` });
  for (const list of pagesets(section)) {
    const { high, batch } = zone.pageset[list.cpu]!.pcp[list.pcp]!;
    const where = `${tag}/zoneinfo.txt: list ${list.pcp} of ${section.name}`;
    pairs.pagesets.push({ where, kernel: `high ${list.high} batch ${list.batch}`, engine: `high ${high} batch ${batch}` });
  }
}

function pagesets(section: ZoneSection): { cpu: number; pcp: number; count: number; high: number; batch: number }[] {
  const text = section.lines.join('\n');
  const lists = text.matchAll(/cpu: (\d+) pcp: (\d+)\n +count: (\d+)\n +high: +(\d+)\n +batch: (\d+)/g);
  return [...lists].map((match) => {
    const [cpu, pcp, count, high, batch] = match.slice(1).map(Number) as [number, number, number, number, number];
    return { cpu, pcp, count, high, batch };
  });
}

/** Gives a zone the kernel's later figures. */
function fillZone(zone: zone, section: ZoneSection): void {
  zone.free_pages = field(section, 'pages free');
  zone.nr_active = field(section, 'active');
  zone.nr_inactive = field(section, 'inactive');
  const scanned = /scanned +(\d+) \(a: (\d+) i: (\d+)\)/.exec(section.lines.join('\n'));
  zone.pages_scanned = Number(scanned?.[1]);
  zone.nr_scan_active = Number(scanned?.[2]);
  zone.nr_scan_inactive = Number(scanned?.[3]);
  zone.vm_stat = ZONE_STAT_NAMES.map((name) => field(section, name));
  zone.all_unreclaimable = field(section, 'all_unreclaimable:');
  zone.prev_priority = field(section, 'prev_priority:');
  zone.temp_priority = field(section, 'temp_priority:');
  for (const pageset of zone.pageset) for (const pcp of pageset.pcp) pcp.count = 0;
  for (const list of pagesets(section)) zone.pageset[list.cpu]!.pcp[list.pcp]!.count = list.count;
}

function buddyRows(buddyinfo: string): { name: string; counts: number[] }[] {
  const rows = buddyinfo.matchAll(/^Node \d+, zone +(\S+)((?: +\d+)+)/gm);
  return [...rows].map((match) => ({ name: match[1]!, counts: match[2]!.trim().split(/ +/).map(Number) }));
}

function fillBlocks(zone: zone, counts: readonly number[]): void {
  for (let order = 0; order < MAX_ORDER; order++) zone.free_area[order]!.nr_free = counts[order]!;
}

/** Gives the machine the kernel's counters: zone items to its first zone, events to its first CPU. */
function fillCounters(k: Kernel, vmstat: string): void {
  const values = new Map([...vmstat.matchAll(/^(\w+) (\d+)$/gm)].map((match) => [match[1]!, Number(match[2])]));
  const zones = for_each_zone(k);
  for (const zone of zones) zone.vm_stat = ZONE_STAT_NAMES.map((name) => (zone === zones[0] ? values.get(name) ?? 0 : 0));
  // pgpgin and pgpgout are counted in sectors and read in KiB (CT-3).
  const scale = (name: string): number => (name === 'pgpgin' || name === 'pgpgout' ? 2 : 1);
  k.vm_event_states[0] = VM_EVENT_NAMES.map((name) => (values.get(name) ?? 0) * scale(name));
}

// ---- figures of the boot ----------------------------------------------------------------------------------------------

/** The blocks of zone DMA, which nothing uses as long as there is another zone. */
function blockPairs(k: Kernel, { tag, files }: Snapshot): Pair[] {
  if (files['buddyinfo'] === undefined || !populated_zone(zoneNamed(k, 'Normal'))) return [];
  const dma = buddyRows(files['buddyinfo']).filter((row) => row.name === ZONE_NAMES[0]);
  return dma.flatMap(({ name, counts }) => counts.map((kernel, order) => ({
    where: `${tag}/buddyinfo.txt: blocks of order ${order} of ${name}`, kernel, engine: zoneNamed(k, name).free_area[order]!.nr_free,
  })));
}

/** meminfo rows that the boot decides; CommitLimit grows with swap, so it is left out where there is some. */
function totalPairs(engine: Readonly<Record<string, number>>, { tag, files }: Snapshot): Pair[] {
  if (files['meminfo'] === undefined) return [];
  const kernel = new Map([...files['meminfo'].matchAll(/^(\w+): +(\d+) kB$/gm)].map((match) => [match[1]!, Number(match[2])]));
  const names = BOOT_TOTALS.filter((name) => name !== 'CommitLimit' || kernel.get('SwapTotal') === 0);
  return names.map((name) => ({ where: `${tag}/meminfo.txt: ${name}`, kernel: kernel.get(name), engine: engine[name] }));
}

/** Sysctls of sizing; the others are not modelled. */
function sysctlPairs(k: Kernel, { tag, files }: Snapshot): Pair[] {
  if (files['sysvm'] === undefined) return [];
  const kernel = new Map([...files['sysvm'].matchAll(/^(\S+) (.*)$/gm)].map((match) => [match[1]!, match[2]!.trim().split(/\s+/).join(' ')]));
  const modelled = MODELLED_SYSCTLS.filter((name) => name.startsWith('vm.')).map((name) => [name.slice('vm.'.length), read_sysctl(k, name)] as const);
  const engine = Object.fromEntries([...Object.entries(k.sysctl), ...modelled].map(([name, value]) => [name, Array.isArray(value) ? value.join(' ') : value]));
  return Object.entries(engine).filter(([name]) => kernel.has(name)).map(([name, value]) => ({ where: `${tag}/sysvm.txt: ${name}`, kernel: kernel.get(name), engine: value }));
}
