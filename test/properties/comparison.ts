// What the engine's machine and the model must agree on: what a step returned, every area, every resident page and its bytes, and what is counted.
// The first difference is said in words. Looking changes nothing.

import type { Pfn, PhysAddr } from '../../engine/index.ts';
import type { mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { read_pte } from '../../engine/arch/pgtable.ts';
import type { pte_t } from '../../engine/arch/pte.ts';
import { _PAGE_PRESENT, pte_none, pte_page, pte_present, pte_write } from '../../engine/arch/pte.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { read_phys_bytes } from '../../engine/mm/contents.ts';
import { mm_of, mm_vmas } from '../../engine/mm/mm_struct.ts';
import type { Area, Page, Process, Space, World } from './memory-model.ts';
import { PAGE, VM, VM_ACCESS, areaAt, lockedPages, totalPages } from './memory-model.ts';
import type { Engine } from './engine-side.ts';
import { taskIn } from './engine-side.ts';
import { UNKNOWN } from './memory-calls.ts';
import type { Outcome, Results, Step } from './system-calls.ts';
import { resolve } from './system-calls.ts';

/** Pages at each end of what a step touched that are compared after it. */
const ENDS = 24;

/** What engine and model do not agree on, in words; the address of a byte where it is one, of the process in a slot. */
export interface Difference {
  what: string;
  slot: number;
  at: number | null;
}

/** How the outcomes of a step differ, or null. */
export function compareOutcomes(expected: Outcome, found: Outcome): string | null {
  if (Array.isArray(expected.result) && Array.isArray(found.result)) return compareLists(expected.result, found.result);
  const [one, other] = [showOutcome(expected), showOutcome(found)];
  return one === other ? null : `${one} expected, ${other} found`;
}

/** What the model does not know is not compared. */
function compareLists(expected: readonly number[], found: readonly number[]): string | null {
  const isSame = expected.length === found.length && expected.every((value, i) => value === UNKNOWN || value === found[i]);
  return isSame ? null : `${showResult([...expected])} expected, ${showResult([...found])} found`;
}

export function showOutcome({ result, death }: Outcome): string {
  return death === null ? showResult(result) : `signal ${death.signal}, si_code ${death.code}, at ${hex(death.address)}`;
}

function showResult(result: number | number[]): string {
  if (Array.isArray(result)) return `[${result.join('')}]`;
  return result < 4096 ? String(result) : hex(result);
}

export function hex(value: number): string {
  return value < 0 ? `-${hex(-value)}` : `0x${value.toString(16)}`;
}

/** How the process of a slot differs, apart from its pages, or null. */
export function compareProcess(engine: Engine, world: World, slot: number): string | null {
  const process = world.processes[slot] ?? null;
  const task = taskIn(engine, slot);
  if (process === null || task === null) return (process === null) === (task === null) ? null : `process ${slot} lives on one side only`;
  const { k } = engine;
  const mm = mm_of(k, task.mm);
  return compareAreas(process.space, mm_vmas(k, mm)) ?? compareCounts(process, mm) ?? compareTlbs(engine, mm);
}

/** What a CPU remembers of a page allows no more than the page's entry does, and leads to the same frame. */
function compareTlbs({ k }: Engine, mm: mm_struct): string | null {
  for (const [cpu, tlb] of k.tlbs.entries()) {
    for (let i = 0; tlb.mm === mm.id && i < tlb.vpn.length; i++) {
      if (tlb.vpn[i]! < 0) continue;
      const address = tlb.vpn[i]! * PAGE;
      const entry = pte_offset_map(k, mm, virt(address));
      const pte = entry === null ? 0 : read_pte(k, entry);
      const isTrue = (pte & _PAGE_PRESENT) !== 0 && pte_page(pte) === pte_page(tlb.pte[i]!) && (pte_write(pte) || !pte_write(tlb.pte[i]!));
      if (!isTrue) return `CPU ${cpu} remembers of ${hex(address)} what does not hold any more`;
    }
  }
  return null;
}

function compareAreas(space: Space, vmas: readonly vm_area_struct[]): string | null {
  const count = Math.max(space.areas.length, vmas.length);
  for (let i = 0; i < count; i++) {
    const expected = space.areas[i];
    const found = vmas[i];
    if (expected !== undefined && found !== undefined && isSameArea(expected, found)) continue;
    return `area ${i}: ${showArea(expected)} expected, ${showVma(found)} found`;
  }
  return compareFamilies(space.areas, vmas);
}

function isSameArea(area: Area, vma: vm_area_struct): boolean {
  return area.start === vma.vm_start && area.end === vma.vm_end && area.flags === vma.vm_flags && area.pgoff === vma.vm_pgoff
    && (area.source === null) === (vma.vm_file === 0) && (area.family === 0) === (vma.anon_vma === 0);
}

/** Areas of one family have one anon_vma, and areas of two have two. */
function compareFamilies(areas: readonly Area[], vmas: readonly vm_area_struct[]): string | null {
  const known = new Map<number, number>();
  const met = new Map<number, number>();
  for (const [i, { family, start }] of areas.entries()) {
    const { anon_vma } = vmas[i]!;
    if (family === 0) continue;
    const isRight = (known.get(family) ?? anon_vma) === anon_vma && (met.get(anon_vma) ?? family) === family;
    if (!isRight) return `the area at ${hex(start)} has another family's anon_vma`;
    known.set(family, anon_vma);
    met.set(anon_vma, family);
  }
  return null;
}

function showArea(area: Area | undefined): string {
  if (area === undefined) return 'none';
  return `${hex(area.start)}-${hex(area.end)} flags ${hex(area.flags)} pgoff ${hex(area.pgoff)}${area.source === null ? '' : ' mapped'} family ${area.family}`;
}

function showVma(vma: vm_area_struct | undefined): string {
  if (vma === undefined) return 'none';
  const mapped = vma.vm_file === 0 ? '' : ' mapped';
  return `${hex(vma.vm_start)}-${hex(vma.vm_end)} flags ${hex(vma.vm_flags)} pgoff ${hex(vma.vm_pgoff)}${mapped} anon_vma ${vma.anon_vma}`;
}

function compareCounts({ space }: Process, mm: mm_struct): string | null {
  let own = 0;
  for (const page of space.pages.values()) if (page.kind === 'own') own++;
  const counts: [string, number, number][] = [
    ['map_count', space.areas.length, mm.map_count], ['total_vm', totalPages(space), mm.total_vm], ['locked_vm', lockedPages(space), mm.locked_vm],
    ['brk', space.brk, mm.brk], ['anon_rss', own, mm.anon_rss], ['file_rss', space.pages.size - own, mm.file_rss],
  ];
  const wrong = counts.find(([, expected, found]) => expected !== found);
  return wrong === undefined ? null : `${wrong[0]} ${wrong[1]} expected, ${wrong[2]} found`;
}

/** How the promises differ, in all and as all CPUs see them, or null. */
export function compareCommitted({ k }: Engine, world: World): string | null {
  const found = k.vm_committed_space + k.committed_space.reduce((sum, pages) => sum + pages, 0);
  if (found !== world.committed) return `${world.committed} pages promised expected, ${found} found`;
  return k.vm_committed_space === world.seen ? null : `vm_committed_space ${world.seen} expected, ${k.vm_committed_space} found`;
}

// ---- pages ------------------------------------------------------------------------------------------------------------

/** How the pages differ that a step may have touched, or null. */
export function compareTouched(engine: Engine, world: World, step: Step, results: Results): Difference | null {
  const { action, slot } = step;
  const length = 'length' in action ? action.length : 1;
  const touched = 'at' in action ? ends(resolve(results, action.at), length) : [];
  if ('to' in action) touched.push(...ends(resolve(results, action.to), action.newLength));
  const moved = results.get(step.id);
  if (moved !== undefined) touched.push(...ends(moved, length));
  // What a process writes must be seen where it is shared, and nowhere else: relatives have it at the same address.
  const slots = action.name === 'store' || action.name === 'touch' ? [...world.processes.keys()] : [slot];
  return slots.reduce<Difference | null>((found, index) => found ?? comparePages(engine, world, index, touched), null);
}

/** Page numbers at both ends of a range. */
function ends(address: number, length: number): number[] {
  const first = Math.floor(address / PAGE);
  const last = Math.floor((address + Math.max(length, 1) - 1) / PAGE);
  const pages: number[] = [];
  for (let page = first; page <= Math.min(last, first + ENDS); page++) pages.push(page);
  for (let page = Math.max(first + ENDS + 1, last - ENDS); page <= last; page++) pages.push(page);
  return pages;
}

/** How any page of any process differs, or anything that is counted, or which law does not hold; or null. */
export function compareEverything(engine: Engine, world: World): Difference | null {
  for (let slot = 0; slot < world.processes.length; slot++) {
    const what = compareProcess(engine, world, slot);
    if (what !== null) return { what, slot, at: null };
    const difference = comparePages(engine, world, slot, [...world.processes[slot]?.space.pages.keys() ?? []]);
    if (difference !== null) return difference;
  }
  const law = (): string | undefined => check_machine(engine.k).find((broken) => !isExcused(world, broken));
  const what = compareCommitted(engine, world) ?? law();
  return what === undefined ? null : { what, slot: 0, at: null };
}

/** Laws that 2.6.18 itself breaks, where it has come to that. */
function isExcused(world: World, law: string): boolean {
  return law.startsWith('IV-15') && world.lost > 0 || law.startsWith('R-2') && world.strays > 0;
}

function comparePages(engine: Engine, world: World, slot: number, numbers: readonly number[]): Difference | null {
  const space = world.processes[slot]?.space;
  const task = taskIn(engine, slot);
  if (space === undefined || task === null) return null;
  const mm = mm_of(engine.k, task.mm);
  for (const number of numbers) {
    const difference = comparePage(engine, mm, space, number);
    if (difference !== null) return { what: `page ${hex(number * PAGE)} ${difference.what}`, slot, at: number * PAGE + difference.offset };
  }
  return null;
}

/** What is wrong with a page, and with which of its bytes. */
interface PageDifference {
  what: string;
  offset: number;
}

function comparePage(engine: Engine, mm: mm_struct, space: Space, number: number): PageDifference | null {
  const { k } = engine;
  const area = areaAt(space, number * PAGE);
  if (number < 0 || number * PAGE >= mm.task_size) return null;
  const entry = pte_offset_map(k, mm, virt(number * PAGE));
  const pte = entry === null ? 0 : read_pte(k, entry);
  const page = space.pages.get(number);
  const whole = (what: string | null): PageDifference | null => (what === null ? null : { what, offset: 0 });
  if (page === undefined || area === undefined) return whole(pte_none(pte) ? null : 'is resident');
  if (!pte_present(pte)) return whole('is not resident');
  return whole(compareEntry(area, page, pte)) ?? compareFrame(engine, page, pte_page(pte));
}

/** The processor lets through what the area allows, and no store that must fault. */
function compareEntry(area: Area, page: Page, pte: pte_t): string | null {
  const isReadable = (pte & _PAGE_PRESENT) !== 0;
  if (isReadable !== ((area.flags & VM_ACCESS) !== 0)) return `is ${isReadable ? 'readable' : 'not readable'} by its entry`;
  const mayBeWritable = (area.flags & VM.WRITE) !== 0 && (page.kind === 'own' || (area.flags & VM.SHARED) !== 0);
  return pte_write(pte) && !mayBeWritable ? 'is writable by its entry' : null;
}

function compareFrame({ k }: Engine, page: Page, frame: Pfn): PageDifference | null {
  const isZero = frame === k.zero_page;
  if ((page.kind === 'zero') !== isZero) return { what: isZero ? 'is the page of zeroes' : 'is not the page of zeroes', offset: 0 };
  if (page.kind === 'zero') return null;
  const expected = bytesOf(page);
  const found = read_phys_bytes(k, (frame * PAGE_SIZE) as PhysAddr, PAGE_SIZE);
  if (Buffer.compare(expected, found) === 0) return null;
  const offset = expected.findIndex((byte, i) => byte !== found[i]);
  return { what: `byte ${offset}: ${expected[offset]} expected, ${found[offset]} found`, offset };
}

const ZEROES = new Uint8Array(PAGE);

function bytesOf(page: Exclude<Page, { kind: 'zero' }>): Uint8Array {
  const source = page.kind === 'own' ? page.under : page.source;
  const written = page.kind === 'own' ? page.bytes : page.source.written.get(page.index);
  const isBlank = source === null || source.kind === 'shared';
  if (isBlank && (written === undefined || written.size === 0)) return ZEROES;
  const bytes = new Uint8Array(PAGE);
  if (!isBlank) for (let i = 0; i < PAGE; i++) bytes[i] = source.original(page.index * PAGE + i);
  for (const [offset, byte] of written ?? []) bytes[offset] = byte;
  return bytes;
}
