// A mini-notation for the state of the page allocator, and the one check() that every test of it goes through.
//
//   DMA o0: 9 | o1: 10 | o2: 12 ; Normal o3: 4104 4096 | hot: 4112 | cold: 4200
//
// An order's blocks and a list's pages stand head first; what is empty is left out or written `-`. Pages that are nowhere are in use.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import { populated_zone } from '../../engine/include/mmzone.ts';
import { list_pages } from '../../engine/mm/mem_map.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { loadDump, zoneNamed } from '../oracle/engine-door.ts';
import type { Dump, PcpDump, ZoneDump } from '../oracle/trace.ts';
import { set_tracing } from '../../engine/trace/events.ts';

export const MiB = 1 << 20;

/** RAM of a PC of that many MiB: all but the hole below 1 MiB. */
export function ramOf(megabytes: number): { start: number; end: number }[] {
  return [{ start: 0, end: 0x9fc00 }, { start: MiB, end: megabytes * MiB }];
}

/** A machine of that many MiB in the state of a notation. */
export function machineIn(state: string, megabytes = 64): Kernel {
  const empty = loadDump(ramOf(megabytes), { kind: 'dump', line: 0, zones: [], vars: {} });
  const k = loadDump(ramOf(megabytes), { kind: 'dump', line: 0, zones: parse(state, empty), vars: {} } satisfies Dump);
  set_tracing(k, 0);
  return k;
}

function parse(state: string, k: Kernel): ZoneDump[] {
  return state.split(';').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    const name = /^\S+/.exec(part)![0];
    const sizes = zoneNamed(k, name).pageset[0]!.pcp;
    const fields = part.slice(name.length).split('|').map((field) => /^\s*(\w+):\s*(.*?)\s*$/.exec(field)!);
    const textOf = (label: string): string => fields.find((field) => field[1] === label)?.[2] ?? '';
    const pagesOf = (label: string): number[] => textOf(label).split(/\s+/).filter((word) => /^\d+$/.test(word)).map(Number);
    const list = (label: string, cold: 0 | 1): PcpDump => {
      const { high, batch } = sizes[cold];
      return { zone: name, cold, count: 0, high, batch, pages: pagesOf(label) };
    };
    return {
      name, start: 0, spanned: 0, present: 0, free: 0, wait_table: 0, bits: 0,
      lists: Array.from({ length: 11 }, (_, order) => pagesOf(`o${order}`)), pcp: [list('hot', 0), list('cold', 1)],
    };
  });
}

/** The state of a machine in the notation. */
export function stateOf(k: Kernel): string {
  return for_each_zone(k).filter(populated_zone).map((zone) => showZone(k, zone)).filter((text) => text !== '').join(' ; ');
}

function showZone(k: Kernel, zone: zone): string {
  const [hot, cold] = zone.pageset[0]!.pcp;
  const orders = zone.free_area.map((area, order) => ({ label: `o${order}`, list: area.free_list }));
  const heads = [...orders, { label: 'hot', list: hot.list }, { label: 'cold', list: cold.list }];
  const lists = heads.map(({ label, list }) => ({ label, pages: list_pages(k, list) }));
  const filled = lists.filter(({ pages }) => pages.length > 0).map(({ label, pages }) => `${label}: ${pages.join(' ')}`);
  return filled.length === 0 ? '' : `${zone.name} ${filled.join(' | ')}`;
}

/** Runs the engine from one state and compares the whole state it leaves. */
export function check(test: { from: string; run(k: Kernel): void; to: string; megabytes?: number }): void {
  const k = machineIn(test.from, test.megabytes);
  test.run(k);
  assert.equal(stateOf(k), stateOf(machineIn(test.to, test.megabytes)));
}
