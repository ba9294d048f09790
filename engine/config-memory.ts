// @nohooks
// Which memory a described machine can have: what keeps it from booting, in words. Where the RAM of explicit zones lies is arch/firmware.ts's.

import type { MachineConfig, ZoneConfig, ZoneName } from './config-types.ts';
import { MAXMEM, MAX_DMA_PFN, MAX_PHYSICAL } from './arch/i386/layout.ts';
import { MAX_DMA32_PFN, PCI_HOLE, memmap_pages } from './arch/x86_64/layout.ts';
import type { PlacedZone } from './arch/firmware.ts';
import { place_zones } from './arch/firmware.ts';
import { PAGE_SIZE } from './include/types.ts';

const MiB = 1 << 20;
const GiB = 1 << 30;
/** Nodes that the kernel is built for. */
const MAX_NUMNODES = 64;
/** The end of the DMA zone on either architecture, bytes. */
const DMA_END = MAX_DMA_PFN * PAGE_SIZE;

/** What an architecture asks of its memory. Less than `least` has no room for the kernel image and its tables. */
const LIMITS: Readonly<Record<MachineConfig['arch'], { least: number; most: number; tooSmall: string; tooLarge: string }>> = {
  i386: {
    least: 4 * MiB, most: MAX_PHYSICAL,
    tooSmall: 'memory is too small: the kernel and its tables need 4 MiB.', tooLarge: 'memory is too large: i386 without PAE reaches 4 GiB.',
  },
  x86_64: {
    least: 16 * MiB, most: 64 * GiB,
    tooSmall: 'memory is too small: on x86_64 the kernel and its tables need 16 MiB.',
    tooLarge: 'memory is too large: this version has one mem_map without holes, for addresses up to 64 GiB.',
  },
};

/** Physical addresses that `reserve` may not touch: the kernel image and what it boots with. */
export const RESERVE_FLOOR: Readonly<Record<MachineConfig['arch'], number>> = { i386: 4 * MiB, x86_64: 8 * MiB };

/** Everything that is wrong with the size of a machine that says no zones. */
export function memory_problems({ arch, memory }: Pick<MachineConfig, 'arch' | 'memory'>): string[] {
  const { least, most, tooSmall, tooLarge } = LIMITS[arch];
  if (memory % PAGE_SIZE !== 0) return ['memory takes whole pages of 4 KiB.'];
  if (memory < least) return [tooSmall];
  return memory > most ? [tooLarge] : [];
}

/** Everything that is wrong with explicit zones. */
export function zone_problems({ arch, zones }: Pick<MachineConfig, 'arch' | 'zones'>): string[] {
  const problems = [...node_problems(zones), ...(arch === 'i386' ? i386_zone_problems(zones) : x86_64_zone_problems(zones))];
  if (zones.some((zone) => zone.bytes <= 0 || zone.bytes % (4 * MiB) !== 0)) problems.push('A zone takes a multiple of 4 MiB, the largest block of the buddy allocator.');
  if (problems.length > 0) return problems;
  const placed = place_zones(arch, zones);
  problems.push(...placing_problems(arch, placed), ...memory_problems({ arch, memory: Math.max(...placed.map(({ end }) => end)) }));
  return problems;
}

function size_of(zones: readonly ZoneConfig[], name: ZoneName): number {
  return zones.filter((zone) => zone.name === name).reduce((sum, zone) => sum + zone.bytes, 0);
}

function node_problems(zones: readonly ZoneConfig[]): string[] {
  const problems: string[] = [];
  const places = zones.map((zone) => `${zone.node} ${zone.name}`);
  const nodes = [...new Set(zones.map((zone) => zone.node))].sort((a, b) => a - b);
  if (new Set(places).size !== places.length) problems.push('A zone may stand once in a node.');
  if (nodes.some((node, i) => node !== i)) problems.push('Nodes are numbered from 0 without a gap.');
  if (nodes.length > MAX_NUMNODES) problems.push(`There are ${MAX_NUMNODES} nodes at most.`);
  if (size_of(zones, 'DMA') === 0) problems.push('zone DMA must be there: the kernel boots in it.');
  if (zones.some((zone) => zone.name === 'DMA' && zone.node !== 0)) problems.push('zone DMA is in node 0: memory ascends with the nodes.');
  if (size_of(zones, 'DMA') > DMA_END) problems.push('zone DMA takes 16 MiB at most.');
  return problems;
}

function i386_zone_problems(zones: readonly ZoneConfig[]): string[] {
  const problems: string[] = [];
  const dma = size_of(zones, 'DMA');
  const normal = size_of(zones, 'NORMAL');
  if (zones.some((zone) => zone.name === 'DMA32')) problems.push('zone DMA32 is empty on i386: it is x86_64\'s.');
  if (normal > 0 && dma < DMA_END) problems.push('zone NORMAL begins at 16 MiB, so zone DMA must be 16MiB where there is one.');
  if (dma + normal > MAXMEM) problems.push('zones DMA and NORMAL take 896 MiB at most together: the rest is HIGHMEM.');
  return problems;
}

function x86_64_zone_problems(zones: readonly ZoneConfig[]): string[] {
  const problems: string[] = [];
  if (zones.some((zone) => zone.name === 'HIGHMEM')) problems.push('zone HIGHMEM is empty on x86_64: all memory is mapped.');
  if (size_of(zones, 'DMA') < DMA_END) problems.push('zone DMA is 16MiB on x86_64, whatever follows.');
  return problems;
}

/** What shows only once the zones have their places. */
function placing_problems(arch: MachineConfig['arch'], placed: readonly PlacedZone[]): string[] {
  const order: readonly ZoneName[] = ['DMA', 'DMA32', 'NORMAL', 'HIGHMEM'];
  const late = placed.find((zone, i) => i > 0 && order.indexOf(zone.name) < order.indexOf(placed[i - 1]!.name));
  if (late !== undefined) return [`zone ${late.name} of node ${late.node} lies above a ${placed[placed.indexOf(late) - 1]!.name} zone: memory ascends with the nodes.`];
  if (arch === 'i386') return placed.some(({ name, end }) => name !== 'HIGHMEM' && end > MAXMEM) ? ['zones DMA and NORMAL end at 896 MiB at most; a node begins at a multiple of 8 MiB.'] : [];
  if (placed.some(({ name, end }) => name === 'DMA32' && end > PCI_HOLE.start)) return ['zones DMA and DMA32 end at 3.5 GiB at most: from there to 4 GiB are devices.'];
  return hollow_problems(placed);
}

/** A zone whose holes, and its share of mem_map, leave it no page: mem_map is as large as what its node spans. */
function hollow_problems(placed: readonly PlacedZone[]): string[] {
  return placed.flatMap(({ node, name, start, end }, i) => {
    const above = placed[i + 1];
    const spanned = (above?.node === node && name === 'DMA32' ? MAX_DMA32_PFN * PAGE_SIZE : end) - start;
    const isHollow = end - start <= memmap_pages(spanned / PAGE_SIZE) * PAGE_SIZE;
    return isHollow ? [`zone ${name} of node ${node} is too small: NORMAL begins at 4 GiB, and struct pages for all below take more than it has. Put NORMAL in a node of its own.`] : [];
  });
}
