// @nohooks
// The /proc files of memory management, exactly as 2.6.18 prints them (KERNEL.md chapter 20): people's own scripts must be able to read them.
// Counters of what is not modelled yet (page cache, swap) are 0, as they are on a machine that has none of it.

import type { Kernel } from '../../kernel.ts';
import type { zone } from '../../include/mmzone.ts';
import {
  MAX_ORDER, NR_ANON_PAGES, NR_BOUNCE, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_FILE_PAGES, NR_PAGETABLE, NR_SLAB, NR_UNSTABLE_NFS, NR_WRITEBACK,
  ZONE_HIGHMEM, populated_zone,
} from '../../include/mmzone.ts';
import { for_each_zone, zone_stat_names } from '../../mm/mmzone.ts';
import { nr_free_pages } from '../../mm/page_alloc.ts';
import { VM_EVENT_NAMES, global_page_state, is_smp, vm_events, zone_page_state } from '../../mm/vmstat.ts';
import { get_vmalloc_info } from '../../mm/vmalloc.ts';
import { proc_vmallocinfo } from './vmallocinfo.ts';
import { proc_slabinfo } from './slabinfo.ts';

/** Kilobytes of a number of pages, and of bytes. */
const K = (pages: number): number => pages * 4;
const KiB = (bytes: number): number => Math.floor(bytes / 1024);
/** Blocks read and written are counted in sectors and shown in KiB (CT-3). */
const SECTORS_PER_KB = 2;
const text = (lines: readonly string[]): string => lines.map((line) => line + '\n').join('');
const heading = (zone: zone): string => `Node ${zone.node}, zone ${zone.name.padStart(8)}`;

/** /proc/buddyinfo (PR-1): free blocks of each order, per zone. */
export function proc_buddyinfo(k: Kernel): string {
  const row = (zone: zone): string => {
    const counts = Array.from({ length: MAX_ORDER }, (_, order) => `${String(zone.free_area[order]!.nr_free).padStart(6)} `);
    return `${heading(zone)} ${counts.join('')}`;
  };
  return text(for_each_zone(k).filter(populated_zone).map(row));
}

/** /proc/zoneinfo (PR-2). */
export function proc_zoneinfo(k: Kernel): string {
  const rows = (zone: zone): string[] => [...zone_marks(zone), ...zone_counters(k, zone), ...zone_pagesets(k, zone), ...zone_tail(zone)];
  return text(for_each_zone(k).filter(populated_zone).flatMap(rows));
}

function zone_marks(zone: zone): string[] {
  return [
    heading(zone),
    `  pages free     ${zone.free_pages}`,
    `        min      ${zone.pages_min}`,
    `        low      ${zone.pages_low}`,
    `        high     ${zone.pages_high}`,
    `        active   ${zone.nr_active}`,
    `        inactive ${zone.nr_inactive}`,
    `        scanned  ${zone.pages_scanned} (a: ${zone.nr_scan_active} i: ${zone.nr_scan_inactive})`,
    `        spanned  ${zone.spanned_pages}`,
    `        present  ${zone.present_pages}`,
  ];
}

function zone_counters(k: Kernel, zone: zone): string[] {
  return [
    ...zone_stat_names(k).map((name, item) => `    ${name.padEnd(12)} ${zone_page_state(zone, item)}`),
    `        protection: (${zone.lowmem_reserve.join(', ')})`,
  ];
}

/** Only CPUs with a page in one of their lists are printed. */
function zone_pagesets(k: Kernel, zone: zone): string[] {
  const lines = ['  pagesets'];
  for (const [cpu, pageset] of zone.pageset.entries()) {
    if (pageset.pcp.every((pcp) => pcp.count === 0)) continue;
    for (const [i, pcp] of pageset.pcp.entries()) {
      lines.push(`    cpu: ${cpu} pcp: ${i}`, `              count: ${pcp.count}`, `              high:  ${pcp.high}`, `              batch: ${pcp.batch}`);
    }
    if (is_smp(k)) lines.push(`  vm stats threshold: ${pageset.stat_threshold}`);
  }
  return lines;
}

function zone_tail(zone: zone): string[] {
  return [
    `  all_unreclaimable: ${zone.all_unreclaimable}`,
    `  prev_priority:     ${zone.prev_priority}`,
    `  temp_priority:     ${zone.temp_priority}`,
    `  start_pfn:         ${zone.zone_start_pfn}`,
  ];
}

/** The rows of /proc/meminfo by name, in KiB and in its order (PR-3). */
export function meminfo(k: Kernel): Record<string, number> {
  const zones = for_each_zone(k);
  const free = nr_free_pages(k);
  const free_high = zones.filter((zone) => zone.zone_idx === ZONE_HIGHMEM).reduce((sum, zone) => sum + zone.free_pages, 0);
  const state = (item: number): number => K(global_page_state(k, item));
  const vmalloc = get_vmalloc_info(k);
  return {
    MemTotal: K(k.totalram_pages), MemFree: K(free), Buffers: 0, Cached: state(NR_FILE_PAGES), SwapCached: 0,
    Active: K(zones.reduce((sum, zone) => sum + zone.nr_active, 0)),
    Inactive: K(zones.reduce((sum, zone) => sum + zone.nr_inactive, 0)),
    HighTotal: K(k.totalhigh_pages), HighFree: K(free_high),
    LowTotal: K(k.totalram_pages - k.totalhigh_pages), LowFree: K(free - free_high),
    SwapTotal: 0, SwapFree: 0, Dirty: state(NR_FILE_DIRTY), Writeback: state(NR_WRITEBACK), AnonPages: state(NR_ANON_PAGES),
    Mapped: state(NR_FILE_MAPPED), Slab: state(NR_SLAB), PageTables: state(NR_PAGETABLE),
    NFS_Unstable: state(NR_UNSTABLE_NFS), Bounce: state(NR_BOUNCE),
    CommitLimit: K(Math.floor((k.totalram_pages * k.sysctl.overcommit_ratio) / 100)), Committed_AS: K(Math.max(0, k.vm_committed_space)),
    VmallocTotal: KiB(vmalloc.total), VmallocUsed: KiB(vmalloc.used), VmallocChunk: KiB(vmalloc.largest_chunk),
  };
}

/** /proc/meminfo (PR-3). */
export function proc_meminfo(k: Kernel): string {
  return text(Object.entries(meminfo(k)).map(([name, kb]) => `${`${name}:`.padEnd(14)}${String(kb).padStart(8)} kB`));
}

/** The rows of /proc/vmstat by name, in its order (PR-4). */
export function vmstat(k: Kernel): Record<string, number> {
  const rows: Record<string, number> = {};
  for (const [item, name] of zone_stat_names(k).entries()) rows[name] = global_page_state(k, item);
  for (const [item, name] of VM_EVENT_NAMES.entries()) rows[name] = vm_events(k, item);
  for (const name of ['pgpgin', 'pgpgout']) rows[name] = Math.floor(rows[name]! / SECTORS_PER_KB);
  return rows;
}

/** /proc/vmstat (PR-4). */
export function proc_vmstat(k: Kernel): string {
  return text(Object.entries(vmstat(k)).map(([name, count]) => `${name} ${count}`));
}

/** The files a user may ask for by name. */
export const PROC_FILES: Readonly<Record<string, (k: Kernel) => string>> = {
  buddyinfo: proc_buddyinfo, zoneinfo: proc_zoneinfo, meminfo: proc_meminfo, vmstat: proc_vmstat, slabinfo: proc_slabinfo,
  vmallocinfo: proc_vmallocinfo,
};
