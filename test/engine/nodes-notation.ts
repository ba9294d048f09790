// Machines of several nodes for tests, in a mini-notation, and what they show of their sizes.
//
//   DMA 16 DMA32 48 | DMA32 64        two nodes; zones in MiB

import type { MachineConfig, ZoneConfig, ZoneName } from '../../engine/config.ts';
import { default_config } from '../../engine/config.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { boot_machine, make_machine } from '../../engine/machine.ts';
import { alloc_pages } from '../../engine/mm/page_alloc.ts';
import { zone_batchsize } from '../../engine/mm/page_alloc_init.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { set_tracing } from '../../engine/trace/events.ts';

export const MiB = 1 << 20;

/** The zones of a notation. */
export function zonesOf(notation: string): ZoneConfig[] {
  return notation.split('|').flatMap((part, node) => [...part.matchAll(/(\w+) (\d+)/g)].map(([, name, size]) => ({ node, name: name as ZoneName, bytes: Number(size) * MiB })));
}

/** A booted machine that runs nothing; `boot` is what a scenario's boot block would do. */
export function booted(settings: Partial<MachineConfig>, boot: (k: Kernel) => void = () => undefined): Kernel {
  const config = { ...default_config(), ...settings };
  const machine = make_machine(config, {
    start: () => null,
    *run() {
      // No task is ever declared.
    },
    boot,
  });
  set_tracing(machine.k, 1);
  boot_machine(machine, config);
  return machine.k;
}

/** A 64-bit machine with the zones of a notation; two CPUs unless said. */
export function nodes64(notation: string, settings: Partial<MachineConfig> = {}): Kernel {
  return booted({ arch: 'x86_64', cpus: 2, zones: zonesOf(notation), ...settings });
}

/** A machine's sizing as X-19 and N-13 write it. */
export function sizing(k: Kernel): string {
  const zones = for_each_zone(k).filter(populated_zone).map((zone) => {
    const name = k.platform.numa === 0 ? zone.name : `n${zone.node} ${zone.name}`;
    return `${name} ${zone.present_pages}: ${zone.pages_min}/${zone.pages_low}/${zone.pages_high} [${zone.lowmem_reserve.join(',')}] b${zone_batchsize(zone.present_pages)}`;
  });
  return [`total ${k.nodes.reduce((sum, { node_present_pages }) => sum + node_present_pages, 0)}, mfk ${k.sysctl.min_free_kbytes}`, ...zones].join(' | ');
}

/** The zones of a node's zonelist, in order. */
export function zonelist(k: Kernel, nid: number, type: number): string {
  return k.nodes[nid]!.node_zonelists[type]!.zones.map(({ node, zone_idx }) => `n${node} ${k.nodes[node]!.node_zones[zone_idx]!.name}`).join(', ');
}

/** A block for the running CPU's task, or null. */
export function take(k: Kernel, gfp: number, order = 0): Pfn | null {
  const step = alloc_pages(k, gfp, order).next();
  if (step.done !== true) throw new Error('the allocation sleeps');
  return step.value === NO_PAGE ? null : step.value;
}

/** Kernel log lines that match. */
export function logged(k: Kernel, pattern: RegExp): string[] {
  return k.log.lines.map(({ text }) => text).filter((text) => pattern.test(text));
}
