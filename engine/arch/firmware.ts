// @nohooks
// What the firmware of a described machine reports: its memory map (e820), which memory and which processors belong to which node (SRAT), and how
// far nodes are from each other (SLIT). KERNEL.md X-19, N-1, N-4, N-6.
//
// Explicit zones say how much RAM there is in each. Memory ascends with the nodes, and within a node with its zones; a node begins at a multiple of
// 8 MiB, since the kernel would lose what lies below it (N-1). What no zone says is a hole.

import type { Platform } from '../kernel.ts';
import type { MachineConfig, ZoneConfig, ZoneName } from '../config-types.ts';
import { LOCAL_DISTANCE, REMOTE_DISTANCE } from '../include/mmzone.ts';
import { PAGE_SIZE, pfn, phys } from '../include/types.ts';
import { MAXMEM, MAX_DMA_PFN } from './i386/layout.ts';
import { MAX_DMA32_PFN, MAX_DMA_PFN as X86_64_MAX_DMA_PFN, PCI_HOLE } from './x86_64/layout.ts';

const MiB = 1 << 20;
/** A node's first frame is a multiple of that: two of the largest blocks (N-1). */
export const ZONE_ALIGN = 8 * MiB;
/** End of the RAM below the hole for video memory and BIOS. */
const LOW_RAM_END = 0x9fc00;
const HIGH_RAM_START = MiB;
/** Zones in the order of their addresses. */
const ZONE_ORDER: readonly ZoneName[] = ['DMA', 'DMA32', 'NORMAL', 'HIGHMEM'];

/** Bytes, half open. */
export interface Range {
  start: number;
  end: number;
}

/** One zone of one node, and where its RAM lies. */
export interface PlacedZone extends Range {
  node: number;
  name: ZoneName;
}

/** Where the RAM of each explicit zone lies. */
export function place_zones(arch: MachineConfig['arch'], zones: readonly ZoneConfig[]): PlacedZone[] {
  const placed: PlacedZone[] = [];
  let at = 0;
  for (const { node, name, bytes } of [...zones].sort((a, b) => a.node - b.node || ZONE_ORDER.indexOf(a.name) - ZONE_ORDER.indexOf(b.name))) {
    if (placed.length > 0 && placed.at(-1)!.node !== node) at = Math.ceil(at / ZONE_ALIGN) * ZONE_ALIGN;
    if (arch === 'x86_64' && name === 'NORMAL') at = Math.max(at, MAX_DMA32_PFN * PAGE_SIZE);
    placed.push({ node, name, start: at, end: at + bytes });
    at += bytes;
  }
  return placed;
}

/** The machine that the kernel will find. */
export function make_platform(config: MachineConfig): Platform {
  const placed = place_zones(config.arch, config.zones);
  const ram = placed.length > 0 ? placed : memory_ranges(config);
  const max_pfn = pfn(Math.floor(ram.at(-1)!.end / PAGE_SIZE));
  const nodes = node_ranges(placed, max_pfn);
  const numa = nodes.length > 1 ? 1 : 0;
  return {
    arch: config.arch, numa, nr_cpus: config.cpus, hz: config.hz, seed: config.seed,
    e820: usable_ram(ram, config.reserve), e820_reserved: config.arch === 'x86_64' ? rom_ranges() : [],
    nodes, distances: distance_table(config, nodes.length), cpu_to_node: Array.from({ length: config.cpus }, (_, cpu) => cpu % nodes.length),
    ...zone_borders(config.arch, placed, max_pfn), max_pfn, boot_sysctls: config.sysctl,
  };
}

/** RAM of a machine that only says how much: on x86_64 what would lie in the PCI hole is found above 4 GiB. */
function memory_ranges({ arch, memory }: MachineConfig): Range[] {
  const bytes = Math.floor(memory / PAGE_SIZE) * PAGE_SIZE;
  if (arch === 'i386' || bytes <= PCI_HOLE.start) return [{ start: 0, end: bytes }];
  return [{ start: 0, end: PCI_HOLE.start }, { start: PCI_HOLE.end, end: PCI_HOLE.end + bytes - PCI_HOLE.start }];
}

/** First frame and frame past the last, of every node; without explicit nodes there is one of all memory. */
function node_ranges(placed: readonly PlacedZone[], max_pfn: number): Platform['nodes'] {
  const ids = [...new Set(placed.map(({ node }) => node))];
  if (ids.length < 2) return [{ start: pfn(0), end: pfn(max_pfn) }];
  return ids.map((id) => {
    const own = placed.filter(({ node }) => node === id);
    return { start: pfn(own[0]!.start / PAGE_SIZE), end: pfn(own.at(-1)!.end / PAGE_SIZE) };
  });
}

/** First frames past the DMA zone and past low memory (M-4, X-14, X-25). */
function zone_borders(arch: MachineConfig['arch'], placed: readonly PlacedZone[], max_pfn: number): Pick<Platform, 'dma_pfn' | 'max_low_pfn'> {
  if (arch === 'x86_64') return { dma_pfn: X86_64_MAX_DMA_PFN, max_low_pfn: pfn(max_pfn) };
  if (placed.length === 0) return { dma_pfn: MAX_DMA_PFN, max_low_pfn: pfn(Math.min(max_pfn, MAXMEM / PAGE_SIZE)) };
  const end_of = (zones: readonly PlacedZone[]): number => (zones.at(-1)?.end ?? 0) / PAGE_SIZE;
  return { dma_pfn: pfn(end_of(placed.filter(({ name }) => name === 'DMA'))), max_low_pfn: pfn(end_of(placed.filter(({ name }) => name !== 'HIGHMEM'))) };
}

/** RAM without the hole below 1 MiB and without what the scenario reserves; what touches is one range. */
function usable_ram(ram: readonly Range[], reserve: readonly Range[]): Platform['e820'] {
  const joined: Range[] = [];
  for (const { start, end } of ram) {
    if (joined.at(-1)?.end === start) joined.at(-1)!.end = end;
    else joined.push({ start, end });
  }
  const holes = [{ start: LOW_RAM_END, end: HIGH_RAM_START }, ...reserve];
  return holes.reduce(without, joined).map(({ start, end }) => ({ start: phys(start), end: phys(end) }));
}

function without(ranges: Range[], hole: Range): Range[] {
  return ranges.flatMap((range) => [
    { start: range.start, end: Math.min(range.end, hole.start) },
    { start: Math.max(range.start, hole.end), end: range.end },
  ].filter((part) => part.end > part.start));
}

/** BIOS data and ROMs: the last of them ends at 4 GiB. */
function rom_ranges(): Platform['e820_reserved'] {
  const ranges = [{ start: LOW_RAM_END, end: 0xa0000 }, { start: 0xf0000, end: HIGH_RAM_START }, { start: 2 ** 32 - 256 * 1024, end: 2 ** 32 }];
  return ranges.map(({ start, end }) => ({ start: phys(start), end: phys(end) }));
}

/** The distance table, where the machine says any distance; one said in one direction holds in both, unless the other is said too. */
function distance_table({ distances }: MachineConfig, nr_nodes: number): number[][] {
  if (distances.length === 0) return [];
  const usual = (from: number, to: number): number => (from === to ? LOCAL_DISTANCE : REMOTE_DISTANCE);
  const table = Array.from({ length: nr_nodes }, (_, from) => Array.from({ length: nr_nodes }, (_unused, to) => usual(from, to)));
  for (const { from, to, value } of distances) table[to]![from] = value;
  for (const { from, to, value } of distances) table[from]![to] = value;
  return table;
}
