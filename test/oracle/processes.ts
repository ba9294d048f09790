// What a recording shows of the processes that a stretch of its trace begins with: whose VMAs they are (a snapshot of maps or smaps), which pages are
// present, and in which frames (the old entries of the PF lines). Where a snapshot says that pages are there and no line says which, any will do.
//
//   PF … addr b7e20000 w 1 old 03e42065 new 03e42067 …     page 0xb7e20000 was there from the beginning, in frame 0x3e42
//   PF … addr b7e20000 w 1 old 00000000 new 01146067 …     it was not

import { PAGE_SIZE } from '../../engine/include/types.ts';
import { PAGE_READONLY, PAGE_SHARED, _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_RW, pte_present } from '../../engine/arch/pte.ts';
import type { Area } from './maps.ts';
import { isAnonymous, parseMaps } from './maps.ts';
import type { SnapshotFile } from './recording.ts';
import type { Fault } from './trace.ts';

/** A page that is present from the beginning; its frame is null where no line names it. */
export interface PagePlan {
  address: number;
  isAnonymous: boolean;
  frame: number | null;
  /** The entry without its frame. */
  prot: number;
  /** Whether somebody else must map it, who is not known: a write copied it, and no fork tells why. */
  isShared: boolean;
}

export interface ProcessPlan {
  pid: number;
  comm: string;
  areas: Area[];
  pages: PagePlan[];
  /** What its address space counted before its first fault. */
  counters: { anon_rss: number; file_rss: number; ptes: number };
  /** The snapshot that shows it as it begins, `parent/self_smaps.txt`; null where none does. */
  source: string | null;
  notes: string[];
}

/** What a process has as the stretch begins, and the faults that tell of it. */
export interface Evidence {
  pid: number;
  /** Faults of the process itself, and of those that are forked from it, in order. */
  own: readonly Fault[];
  family: readonly Fault[];
  /** Lines of the forks, by the child's pid. */
  forks: ReadonlyMap<number, number>;
  /** Faults that allocated a page table. */
  newTables: ReadonlySet<Fault>;
}

export const pageOf = (address: number): number => address - (address % PAGE_SIZE);

/** A page table entry's frame. */
export const frameOf = (pte: number): number => Math.floor(pte / PAGE_SIZE);

/** Plans one process. */
export function planProcess(evidence: Evidence, snapshots: readonly SnapshotFile[]): ProcessPlan {
  const first = evidence.own[0]!;
  const counters = countersBefore(first, evidence);
  const seen = areasFor(evidence, snapshots, counters.anon_rss + counters.file_rss);
  const areas = [...seen.areas, ...missingAreas(evidence, seen.areas)].sort((a, b) => a.start - b.start);
  const pages = areas.flatMap((area) => pagesIn(area, evidence, seen.isAfter));
  return { pid: evidence.pid, comm: first.comm, areas, pages, counters, source: seen.source, notes: seen.notes };
}

// ---- counters ---------------------------------------------------------------------------------------------------------

/** What a fault adds to the counters of resident pages, as its entries tell: a page that was ever written is dirty. */
export function changeOf(fault: Fault): { anon: number; file: number } {
  const isCopy = fault.old !== 0 && frameOf(fault.old) !== frameOf(fault.new);
  if (isCopy) return (fault.old & _PAGE_DIRTY) === 0 ? { anon: 1, file: -1 } : { anon: 0, file: 0 };
  if (fault.old !== 0) return { anon: 0, file: 0 };
  return fault.write === 1 ? { anon: 1, file: 0 } : { anon: 0, file: 1 };
}

function countersBefore(first: Fault, { newTables }: Evidence): ProcessPlan['counters'] {
  const change = changeOf(first);
  return { anon_rss: first.anon_rss - change.anon, file_rss: first.file_rss - change.file, ptes: first.ptes - (newTables.has(first) ? 1 : 0) };
}

// ---- areas ------------------------------------------------------------------------------------------------------------

interface Seen {
  areas: Area[];
  /** Whether the snapshot was taken after the faults. */
  isAfter: boolean;
  source: string | null;
  notes: string[];
}

/** The snapshot that knows the most of the faults' addresses; of these, one whose resident pages are those of the beginning, or of the end. */
function areasFor(evidence: Evidence, snapshots: readonly SnapshotFile[], rss: number): Seen {
  const known = snapshots.filter(({ name }) => /^self_s?maps$/.test(name)).map(({ tag, name, text }) => ({ where: `${tag}/${name}.txt`, areas: parseMaps(text) }));
  const isIn = (areas: readonly Area[], address: number): boolean => areas.some(({ start, end }) => start <= address && address < end);
  const covered = (areas: readonly Area[]): number => evidence.own.filter(({ address }) => isIn(areas, address)).length;
  const best = Math.max(0, ...known.map(({ areas }) => covered(areas)));
  const candidates = best === 0 ? [] : known.filter(({ areas }) => covered(areas) === best);
  const last = evidence.own.at(-1)!;
  const before = candidates.find(({ areas }) => residentPages(areas) === rss);
  const after = candidates.find(({ areas }) => residentPages(areas) === last.anon_rss + last.file_rss);
  const chosen = before ?? after ?? candidates[0];
  if (chosen === undefined) return { areas: [], isAfter: false, source: null, notes: [`process ${evidence.pid}: no snapshot shows its memory; its VMAs are those that the faults need`] };
  if (before === undefined && after === undefined) {
    return { areas: chosen.areas.map((area) => ({ ...area, figures: null })), isAfter: false, source: null, notes: [`process ${evidence.pid}: ${chosen.where} shows its VMAs, but not its pages at this time`] };
  }
  const isAfter = before === undefined;
  const notes = [`process ${evidence.pid} begins as ${chosen.where} shows it${isAfter ? ', less what it touches' : ''}`];
  return { areas: chosen.areas, isAfter, source: isAfter ? null : chosen.where, notes };
}

function residentPages(areas: readonly Area[]): number {
  return areas.reduce((sum, { figures }) => sum + (figures?.rss ?? NaN) * 1024 / PAGE_SIZE, 0);
}

/** Areas for pages that no snapshot knows: runs of neighbours of one kind. */
function missingAreas(evidence: Evidence, known: readonly Area[]): Area[] {
  const kinds = new Map<number, boolean>();
  for (const fault of evidence.family) {
    const page = pageOf(fault.address);
    if (known.some(({ start, end }) => start <= page && page < end)) continue;
    kinds.set(page, (kinds.get(page) ?? false) || isOfFile(fault, evidence.family));
  }
  const areas: Area[] = [];
  for (const [page, isFile] of [...kinds].sort(([a], [b]) => a - b)) {
    const previous = areas.at(-1);
    if (previous?.end === page && isAnonymous(previous) !== isFile) previous.end += PAGE_SIZE;
    else areas.push(inferredArea(page, { isFile }));
  }
  return areas;
}

/** A read of nothing maps a page of a file, unless it is the page of zeroes: the one frame that many addresses show. */
function isOfFile(fault: Fault, family: readonly Fault[]): boolean {
  if (fault.write === 1 || fault.old !== 0) return false;
  const isSameFrame = (other: Fault): boolean => frameOf(other.new) === frameOf(fault.new) && pageOf(other.address) !== pageOf(fault.address);
  return !family.some((other) => other.old === 0 && other.write === 0 && isSameFrame(other));
}

function inferredArea(page: number, { isFile }: { isFile: boolean }): Area {
  const area = { start: page, end: page + PAGE_SIZE, offset: page, figures: null };
  if (!isFile) return { ...area, perms: 'rw-p', dev: '00:00', ino: 0, path: '' };
  return { ...area, perms: 'r--p', offset: 0, dev: '03:00', ino: page, path: `(file mapped at ${page.toString(16)})` };
}

// ---- pages ------------------------------------------------------------------------------------------------------------

/** Pages of an area that are there at the beginning. */
function pagesIn(area: Area, evidence: Evidence, isAfter: boolean): PagePlan[] {
  const inside = (fault: Fault): boolean => area.start <= fault.address && fault.address < area.end;
  const firsts = firstFaults(evidence.family.filter(inside));
  const own = firstFaults(evidence.own.filter(inside));
  const known = [...firsts.values()].filter((fault) => pte_present(fault.old)).map((fault) => plannedPage(area, fault, evidence));
  const absent = new Set([...own.values()].filter((fault) => fault.old === 0).map((fault) => pageOf(fault.address)));
  const touched = isAfter ? [...own.values()].filter((fault) => fault.old === 0) : [];
  return [...known, ...unnamedPages(area, known, absent, { firsts, touched })];
}

function firstFaults(faults: readonly Fault[]): Map<number, Fault> {
  const firsts = new Map<number, Fault>();
  for (const fault of faults) if (!firsts.has(pageOf(fault.address))) firsts.set(pageOf(fault.address), fault);
  return firsts;
}

/** A page as it was before any fork of the stretch: fork has protected a private page from writing, and made the child's entry old. */
function plannedPage(area: Area, fault: Fault, { forks, pid }: Evidence): PagePlan {
  const isForked = fault.pid !== pid || [...forks.values()].some((line) => line < fault.line);
  const isAnon = (fault.old & _PAGE_DIRTY) !== 0 && area.perms[3] === 'p';
  const flags = fault.old % PAGE_SIZE;
  const prot = isForked ? flags | _PAGE_ACCESSED | (isAnon && area.perms[1] === 'w' ? _PAGE_RW : 0) : flags;
  const isShared = isAnon && !isForked && fault.write === 1 && frameOf(fault.new) !== frameOf(fault.old);
  return { address: pageOf(fault.address), isAnonymous: isAnon, frame: frameOf(fault.old), prot, isShared };
}

/** Pages that smaps counts and no line names. */
function unnamedPages(
  area: Area, known: readonly PagePlan[], absent: ReadonlySet<number>, faults: { firsts: ReadonlyMap<number, Fault>; touched: readonly Fault[] },
): PagePlan[] {
  if (area.figures === null) return [];
  const { sharedClean, sharedDirty, privateClean, privateDirty } = area.figures;
  const count = (kilobytes: number, { isAnon }: { isAnon: boolean }): number => {
    const ofFaults = faults.touched.filter((fault) => (fault.write === 1) === isAnon).length;
    return (kilobytes * 1024) / PAGE_SIZE - ofFaults - known.filter((page) => page.isAnonymous === isAnon).length;
  };
  const isTaken = new Set([...known.map(({ address }) => address), ...absent]);
  const free: number[] = [];
  for (let address = area.start; address < area.end; address += PAGE_SIZE) if (!isTaken.has(address)) free.push(address);
  free.sort((a, b) => Number(faults.firsts.has(b)) - Number(faults.firsts.has(a)) || a - b);
  const ofFile = free.splice(0, Math.max(0, count(sharedClean + privateClean, { isAnon: false })));
  const anonymous = free.filter((address) => !faults.firsts.has(address)).slice(0, Math.max(0, count(sharedDirty + privateDirty, { isAnon: true })));
  const fileFrame = (address: number): number | null => (faults.firsts.has(address) ? frameOf(faults.firsts.get(address)!.new) : null);
  return [
    ...ofFile.map((address) => ({ address, isAnonymous: false, frame: fileFrame(address), prot: PAGE_READONLY, isShared: false })),
    ...anonymous.map((address) => ({ address, isAnonymous: true, frame: null, prot: (area.perms[1] === 'w' ? PAGE_SHARED : PAGE_READONLY) | _PAGE_DIRTY, isShared: false })),
  ];
}

/** Pages of an area as its figures say, where no line names any. */
export function planPages(area: Area): PagePlan[] {
  return unnamedPages(area, [], new Set(), { firsts: new Map(), touched: [] });
}
