// The slab allocator against a trace and /proc/slabinfo (KERNEL.md SL-4 … SL-18, PR-5). Four things, each where the recording has it:
//
//   - the bootstrap, where the recorder was on from the first bootmem call: every SL line that kmem_cache_init wrote, in order;
//   - every slab since then that any cache got which the engine has too: colours, places, numbers of objects;
//   - the script on one cache (SO lines): every address, refill, growth, flush and destroyed slab. The page of a new slab is the page allocator's
//     choice, judged elsewhere: the engine's page allocator is given the traced page to hand out next;
//   - slabinfo: geometry and tunables of the caches that both have.
//
// Sizes, names and figures come from the recording: the script's object size is what its addresses have in common.

import type { Kernel } from '../../engine/kernel.ts';
import type { kmem_cache } from '../../engine/include/slab.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import { CFLGS_OFF_SLAB, SLAB_HWCACHE_ALIGN } from '../../engine/include/slab.ts';
import { GFP_KERNEL, GFP_ZONEMASK } from '../../engine/include/gfp.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { PG_reserved } from '../../engine/include/page-flags.ts';
import { clear_page_flag, get_page, list_add, set_page_count, set_page_order } from '../../engine/mm/mem_map.ts';
import { zone_of, zonelist_of } from '../../engine/mm/mmzone.ts';
import { __free_pages_bootmem } from '../../engine/mm/page_alloc.ts';
import { cache_grow, kmem_cache_alloc, kmem_cache_free } from '../../engine/mm/slab.ts';
import { kmem_cache_create, kmem_cache_destroy } from '../../engine/mm/slab_create.ts';
import { create_boot_caches, kmem_cache_init } from '../../engine/mm/slab_init.ts';
import { slab_geometry_of } from '../../engine/mm/slab_geometry.ts';
import { cache_chain, cache_of, find_cache, list3_of, slab_of } from '../../engine/mm/slab_lists.ts';
import { cache_reap } from '../../engine/mm/slab_reap.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import type { SlabinfoRow } from '../../engine/fs/proc/slabinfo.ts';
import { proc_slabinfo, slabinfo } from '../../engine/fs/proc/slabinfo.ts';
import { virt_to_page } from '../../engine/arch/address.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine, bringUpZones, unbootedMachine } from './engine-door.ts';
import type { Recording, Snapshot } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import type { SlabEvent, SlabStep } from './slab-lines.ts';
import { destroyText, flushText, growText, refillText, slabEvents, slabScript } from './slab-lines.ts';

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

/** Frames below are left to the kernel image. */
const FIRST_FRAME = 512;
/** Events one call can leave: every page of a large refill and its trimming. */
const RING = 1 << 15;

/** The checks of a recording's slab lines and slabinfo files. */
export function checkSlab(recording: Recording, ram: readonly Ram[]): { checks: Check[]; notes: string[] } {
  const lines = recording.trace ?? [];
  const events = lines.some((line) => line.startsWith('BM ')) ? slabEvents(lines) : [];
  const script = slabScript(lines);
  const notes: string[] = [];
  const checks = [
    compareAll('SL-18', 'slab bootstrap lines', bootstrapPairs(ram, events)),
    compareAll('SL-4..7 SL-12', 'slabs grown', growPairs(ram, events)),
    compareAll('SL-4..14', 'slab operations', script === null ? [] : scriptPairs(ram, script, notes)),
    compareAll('SL-4..9', 'slabinfo geometry and tunables', recording.snapshots.flatMap((snapshot) => slabinfoPairs(ram, snapshot))),
    compareAll('PR-5', 'slabinfo lines byte for byte', recording.snapshots.flatMap((snapshot) => formatPairs(ram, snapshot))),
  ];
  return { checks: checks.filter((check) => check.total > 0), notes };
}

/** A machine whose page allocator has all frames but the kept ones, and no slab allocator yet; everything is recorded. */
function machineWithout(ram: readonly Ram[], kept: ReadonlySet<number>): Kernel {
  const k = unbootedMachine(ram);
  bringUpZones(k);
  resize_ring(k, RING);
  for (let page = FIRST_FRAME; page < k.platform.max_low_pfn; page++) if (!kept.has(page)) __free_pages_bootmem(k, pfn(page), 0);
  set_tracing(k, 1);
  return k;
}

// ---- the bootstrap and every growth -----------------------------------------------------------------------------------

/** What kmem_cache_init did, without the pages it got. */
function bootstrapPairs(ram: readonly Ram[], events: readonly SlabEvent[]): Pair[] {
  if (events.length === 0) return [];
  const k = machineWithout(ram, new Set());
  run_to_end(k, kmem_cache_init(k));
  const engine = trace_records(k).flatMap((record) => bootstrapLine(k, record));
  const kernel = events.slice(0, engine.length);
  return engine.map((line, i) => ({ where: `trace line ${kernel[i]?.line ?? 'none'}`, kernel: kernel[i] && withoutState(kernel[i]), engine: line }));
}

function bootstrapLine(k: Kernel, { name, args }: TraceRecord): string[] {
  const cache = args['cache'] === undefined ? '' : cache_of(k, args['cache']).name;
  switch (name) {
    case 'slab_refill': return [`${cache} refill got ${args['count']}`];
    case 'slab_grow': return [`${cache} ${withoutPage(grownText(k, args['slab']!))}`];
    case 'slab_flush': return [`${cache} flush`];
    case 'slab_destroy': return [`${cache} destroy`];
    default: return [];
  }
}

function withoutState({ kind, cache, text }: SlabEvent): string {
  if (kind === 'refill') return `${cache} ${text.replace(/ free_objects.*/, '')}`;
  return `${cache} ${kind === 'grow' ? withoutPage(text) : kind}`;
}

const withoutPage = (text: string): string => text.replace(/mem \w+ /, '');

function grownText(k: Kernel, id: number): string {
  const slabp = slab_of(k, id);
  const isOffSlab = (cache_of(k, slabp.cache).flags & CFLGS_OFF_SLAB) !== 0;
  const mem = slabp.s_mem - slabp.colouroff;
  return growText({ mem, s_mem: slabp.s_mem, colouroff: slabp.colouroff, num: slabp.bufctl.length, isOffSlab });
}

/** Every slab of the caches that both have: the engine grows the same cache as often. */
function growPairs(ram: readonly Ram[], events: readonly SlabEvent[]): Pair[] {
  const grown = events.filter((event) => event.kind === 'grow');
  if (grown.length === 0) return [];
  const k = machineWithout(ram, new Set());
  run_to_end(k, kmem_cache_init(k));
  run_to_end(k, create_boot_caches(k));
  for (const cachep of cache_chain(k)) list3_of(cachep, 0).colour_next = 0;
  return grown.flatMap((event) => {
    const cachep = find_cache(k, event.cache);
    if (cachep === null) return [];
    const seq = k.trace.ring.seq;
    run_to_end(k, cache_grow(k, cachep, GFP_KERNEL | cachep.gfpflags, 0));
    const record = trace_records(k, seq).find(({ name, args }) => name === 'slab_grow' && args['cache'] === cachep.id);
    const engine = record === undefined ? 'no memory' : withoutPage(grownText(k, record.args['slab']!));
    return [{ where: `trace line ${event.line} (${event.cache})`, kernel: withoutPage(event.text), engine }];
  });
}

// ---- the script -------------------------------------------------------------------------------------------------------

/** The script's cache in the engine, step by step; after a difference nothing more is the same. */
function scriptPairs(ram: readonly Ram[], script: { cache: string; steps: SlabStep[] }, notes: string[]): Pair[] {
  const grown = script.steps.flatMap((step) => step.events).filter((event) => event.kind === 'grow');
  const where = (step: SlabStep): string => `trace line ${step.line}`;
  const k = machineWithout(ram, new Set(grown.map((event) => virt_to_page(unbootedMachine(ram), virt(event.mem)) as number)));
  run_to_end(k, kmem_cache_init(k));
  const cachep = makeScriptCache(k, script, grown);
  let hasDiffered = false;
  return script.steps.map((step) => {
    const kernel = stepText(step.events.map(({ text }) => text), step.address);
    if (hasDiffered) return { where: where(step), kernel, engine: 'not replayed after a difference' };
    const engine = attempt(() => perform(k, cachep, step, notes));
    hasDiffered = engine !== kernel;
    return { where: `${where(step)}: ${step.text}`, kernel, engine };
  });
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function stepText(events: readonly string[], address: number | null): string {
  return [...events, address === null ? '-' : address.toString(16)].join('; ');
}

/** A cache of the size that the script's addresses tell; aligned to lines where only that explains the place of the first slab's objects. */
function makeScriptCache(k: Kernel, script: { cache: string; steps: SlabStep[] }, grown: readonly SlabEvent[]): kmem_cache {
  const first = grown[0];
  if (first === undefined) throw new Error(`cache ${script.cache}: no growth is traced`);
  const size = objectSize(script.steps, grown);
  const fits = (flags: number): boolean => {
    const geometry = slab_geometry_of(k.slab, size, 0, flags);
    const isOffSlab = (geometry.flags & CFLGS_OFF_SLAB) !== 0;
    return geometry.num === first.num && first.s_mem - first.mem === (isOffSlab ? 0 : geometry.slab_size);
  };
  const flags = !fits(0) && fits(SLAB_HWCACHE_ALIGN) ? SLAB_HWCACHE_ALIGN : 0;
  return run_to_end(k, kmem_cache_create(k, script.cache, size, 0, flags))!;
}

/** How far apart neighbours are: the commonest distance between one address and the next in the same slab. Slabs of one object have none: then
 *  a page. */
function objectSize(steps: readonly SlabStep[], grown: readonly SlabEvent[]): number {
  const starts = grown.map(({ s_mem }) => s_mem);
  const addresses = [...new Set(steps.flatMap(({ address }) => address ?? []))].sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (const [i, address] of addresses.entries()) {
    const next = addresses[i + 1];
    if (next === undefined || starts.some((start) => address < start && start <= next)) continue;
    counts.set(next - address, (counts.get(next - address) ?? 0) + 1);
  }
  const [commonest] = [...counts].sort(([, a], [, b]) => b - a);
  return commonest?.[0] ?? PAGE_SIZE;
}

/** One step by the engine: what it did, and the address. */
function perform(k: Kernel, cachep: kmem_cache, step: SlabStep, notes: string[]): string {
  for (const event of step.events) if (event.kind === 'grow') feed(k, cachep, virt_to_page(k, virt(event.mem)));
  inferReap(k, cachep, step, notes);
  const l3 = list3_of(cachep, 0);
  const ac = cachep.array[0]!;
  const before = { free: l3.free_objects, touched: ac.touched, avail: ac.avail };
  const seq = k.trace.ring.seq;
  const address = act(k, cachep, step);
  const records = trace_records(k, seq).filter(({ args }) => args['cache'] === cachep.id);
  for (const { name, args } of records) if (name === 'slab_grow') get_page(k, virt_to_page(k, virt(args['mem']!)));
  return stepText(stepLines(k, cachep, records, before, step), address);
}

function act(k: Kernel, cachep: kmem_cache, step: SlabStep): number | null {
  if (step.kind === 'alloc') return run_to_end(k, kmem_cache_alloc(k, cachep, GFP_KERNEL)) || null;
  if (step.kind === 'free') kmem_cache_free(k, cachep, virt(step.address!) as VirtAddr);
  else kmem_cache_destroy(k, cachep);
  return step.address;
}

/** What the engine did in a step, in the trace's words; `before` is what stood in the lists and the array. */
function stepLines(
  k: Kernel, cachep: kmem_cache, records: readonly TraceRecord[], before: { free: number; touched: number; avail: number }, step: SlabStep,
): string[] {
  let { free } = before;
  const lines: string[] = [];
  for (const { name, args } of records) {
    if (name === 'slab_refill') {
      lines.push(refillText(args['count']!, free, before.touched));
      free -= args['count']!;
    } else if (name === 'slab_grow') {
      lines.push(grownText(k, args['slab']!));
      free += cachep.num;
    } else if (name === 'slab_destroy') lines.push(destroyText(args['mem']!));
    else if (name === 'slab_flush' && step.kind === 'free') lines.unshift(flushText(before.avail, cachep.batchcount, cachep.limit));
  }
  return lines;
}

/** The page allocator will hand this block out next: it is taken from where it is kept, and kept again when its slab is gone (get_page above). */
function feed(k: Kernel, cachep: kmem_cache, page: Pfn): void {
  const zone = zone_of(k, zonelist_of(k, 0, GFP_KERNEL & GFP_ZONEMASK).zones[0]!);
  const order = cachep.gfporder;
  for (let i = 0; i < 1 << order; i++) {
    clear_page_flag(k, pfn(page + i), PG_reserved);
    set_page_count(k, pfn(page + i), 0);
  }
  if (order === 0) {
    const pcp = zone.pageset[0]!.pcp[0];
    list_add(k, page, pcp.list);
    pcp.count++;
    return;
  }
  const area = zone.free_area[order]!;
  set_page_order(k, page, order);
  list_add(k, page, area.free_list);
  area.nr_free++;
  zone.free_pages += 1 << order;
}

/** An array that the engine saw used, and the kernel did not: cache_reap passed, which writes no line. */
function inferReap(k: Kernel, cachep: kmem_cache, step: SlabStep, notes: string[]): void {
  if (step.events[0]?.kind !== 'refill' || step.events[0].touched !== 0 || cachep.array[0]!.touched === 0) return;
  notes.push(`slab: before trace line ${step.line} the array was marked as unused: cache_reap must have passed`);
  cache_reap(k);
}

// ---- slabinfo ---------------------------------------------------------------------------------------------------------

const FIGURES: readonly (keyof SlabinfoRow)[] = ['objsize', 'objperslab', 'pagesperslab', 'limit', 'batchcount', 'sharedfactor'];

function slabinfoPairs(ram: readonly Ram[], { tag, files }: Snapshot): Pair[] {
  const text = files['slabinfo'];
  if (text === undefined) return [];
  const engine = new Map(slabinfo(bootedMachine(ram)).map((row) => [row.name, row]));
  return text.split('\n').flatMap((line) => {
    const match = /^(\S+) +\d+ +\d+ +(\d+) +(\d+) +(\d+) : tunables +(\d+) +(\d+) +(\d+)/.exec(line);
    const row = match && engine.get(match[1]!);
    if (!match || !row) return [];
    return FIGURES.map((figure, i) => ({ where: `${tag}/slabinfo.txt: ${figure} of ${match[1]}`, kernel: match[2 + i], engine: row[figure] }));
  });
}

/** Rows of the caches that both have, with # for the figures that depend on what the kernel did. */
function formatPairs(ram: readonly Ram[], { tag, files }: Snapshot): Pair[] {
  const text = files['slabinfo'];
  if (text === undefined) return [];
  const engine = new Map(proc_slabinfo(bootedMachine(ram)).split('\n').map((line) => [line.split(' ')[0]!, mask(line)]));
  return text.split('\n').filter((line) => line !== '' && engine.has(line.split(' ')[0]!))
    .map((line) => ({ where: `${tag}/slabinfo.txt: ${line.split(' ')[0]}`, kernel: mask(line), engine: engine.get(line.split(' ')[0]!) }));
}

function mask(line: string): string {
  const hashes = (field: string): string => field.replace(/./g, '#');
  return line.replace(/^(\S+ +?)( *\d+ +\d+)( +\d+ +\d+ +\d+ : )/, (_, name: string, used: string, rest: string) => `${(name + hashes(used)).replace(/[ #]+$/, ' #')}${rest}`)
    .replace(/(slabdata )(.*)$/, (_, label: string, used: string) => `${label}${hashes(used)}`);
}
