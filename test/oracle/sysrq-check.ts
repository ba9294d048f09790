// The Mem-info report of a SysRq-M (KERNEL.md PA-27) against the engine's show_mem on a machine of the same RAM. Sizes, marks and reserves are the
// engine's own; what the kernel did since its boot is put into the engine's machine, and then the report must be the same, line by line.

import type { Kernel } from '../../engine/kernel.ts';
import type { zone } from '../../engine/include/mmzone.ts';
import { MAX_ORDER, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_PAGETABLE, NR_SLAB, NR_UNSTABLE_NFS, NR_WRITEBACK } from '../../engine/include/mmzone.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import { show_mem } from '../../engine/mm/show_mem.ts';

/** Page counters by their names in the report's second line. */
const COUNTERS: Readonly<Record<string, number>> = {
  dirty: NR_FILE_DIRTY, writeback: NR_WRITEBACK, unstable: NR_UNSTABLE_NFS, slab: NR_SLAB, mapped: NR_FILE_MAPPED, pagetables: NR_PAGETABLE,
};

/** Lines whose figures the engine cannot be given: who shares pages, and swap. `image` is what the kernel's image decides. */
const LATER = /pages shared$|pages swap cached$|^Swap cache|swap *[:=]/;
const IMAGE = /reserved pages$/;

interface Pair {
  where: string;
  kernel: string;
  engine: string;
}

/** Pairs of lines of the kernel's report and the engine's. */
export function reportPairs(k: Kernel, where: string, report: string, options: { isOwnImage: boolean }): Pair[] {
  const text = report.slice(Math.max(0, report.indexOf('Mem-info:')));
  for (const zone of for_each_zone(k)) fillZone(zone, text);
  fillCounters(k, text);
  const before = k.log.lines.length;
  show_mem(k);
  const engine = k.log.lines.slice(before).map((line) => line.text);
  const kernel = text.trimEnd().split('\n');
  const hidden = (line: string): boolean => LATER.test(line) || (!options.isOwnImage && IMAGE.test(line));
  const shown = (line: string | undefined): string => (line === undefined ? '(no line)' : hidden(line) ? line.replace(/ *\d+/g, '#') : line);
  return Array.from({ length: Math.max(kernel.length, engine.length) }, (_, i) => ({ where: `${where} line ${i + 1} of Mem-info`, kernel: shown(kernel[i]), engine: shown(engine[i]) }));
}

const PAGE_KB = 4;

function fillZone(zone: zone, text: string): void {
  const figures = new RegExp(`^${zone.name} free:(\\d+)kB .* active:(\\d+)kB inactive:(\\d+)kB .*pages_scanned:(\\d+) all_unreclaimable\\? (\\w+)`, 'm').exec(text);
  zone.free_pages = Number(figures?.[1]) / PAGE_KB;
  zone.nr_active = Number(figures?.[2]) / PAGE_KB;
  zone.nr_inactive = Number(figures?.[3]) / PAGE_KB;
  zone.pages_scanned = Number(figures?.[4]);
  zone.all_unreclaimable = figures?.[5] === 'yes' ? 1 : 0;
  const blocks = [...(new RegExp(`^${zone.name}: (\\d+\\*.*) =`, 'm').exec(text)?.[1] ?? '').matchAll(/(\d+)\*/g)].map((match) => Number(match[1]));
  for (let order = 0; order < MAX_ORDER; order++) zone.free_area[order]!.nr_free = blocks[order] ?? 0;
  const used = new RegExp(`^${zone.name} per-cpu:\\n.*used:(\\d+)\\n.*used:(\\d+)`, 'm').exec(text);
  for (const [list, pcp] of zone.pageset[0]!.pcp.entries()) pcp.count = Number(used?.[1 + list] ?? 0);
}

/** The counters are sums over zones: the first zone gets all. */
function fillCounters(k: Kernel, text: string): void {
  const line = /^Active:.*$/m.exec(text)?.[0] ?? '';
  for (const zone of for_each_zone(k)) zone.vm_stat.fill(0);
  for (const [name, item] of Object.entries(COUNTERS)) for_each_zone(k)[0]!.vm_stat[item] = Number(new RegExp(` ${name}:(\\d+)`).exec(line)?.[1]);
}
