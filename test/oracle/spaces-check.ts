// The memory of a recorded program, from one of its /proc snapshots to the next (KERNEL.md MM-1 … MM-15, F-6 … F-11, R-4, PR-6 … PR-8). The engine
// gets the address space that the first one shows; then it makes the system calls that must lie between two snapshots (operations.ts), forks where
// pages turn out to be shared, touches as many pages as the figures say; and every time the whole text must be the same.
//
// Which pages were touched is not recorded, nor in which order things happened between two snapshots: any will do for the figures. A snapshot whose
// tag says `child` is the forked process's.

import type { Kernel } from '../../engine/kernel.ts';
import type { mm_struct } from '../../engine/include/mm_types.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { MREMAP_MAYMOVE } from '../../engine/include/mman.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { proc_statm, proc_status } from '../../engine/fs/proc/pid.ts';
import { proc_maps, proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { randomize_stack_top } from '../../engine/mm/mmap_layout.ts';
import { arch_pick_mmap_layout, find_vma, sys_brk, sys_mmap2, sys_munmap } from '../../engine/mm/mmap.ts';
import { mm_of, open_inode, vma_inode } from '../../engine/mm/mm_struct.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { sys_mremap } from '../../engine/mm/mremap.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine, request } from './engine-door.ts';
import type { Area } from './maps.ts';
import { isSharedMemory, parseMaps } from './maps.ts';
import type { Operation } from './operations.ts';
import { describeOperation, operationsBetween } from './operations.ts';
import { planPages } from './processes.ts';
import type { Recording, SnapshotFile } from './recording.ts';
import { snapshotsInOrder } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import type { Files } from './space.ts';
import { NotJudged, become, cachePage, cachedFrame, fileIndex, giveInodeNumber, makeProcess, placeAnonymous, placeFilePage } from './space.ts';
import type { Space } from './spaces-touch.ts';
import { figuresToMeet, isOwn } from './spaces-touch.ts';
import { TABLE_SPAN } from './stretch-plan.ts';
import { ROWS, recordedRows, rowsOf, withoutVdso } from './stretch-snapshots.ts';
import { meminfo } from '../../engine/fs/proc/files.ts';

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

interface Pairs {
  layout: Pair[];
  operations: Pair[];
  maps: Pair[];
  smaps: Pair[];
  status: Pair[];
  meminfo: Pair[];
}

const RULES: Readonly<Record<keyof Pairs, readonly [string, string]>> = {
  layout: ['MM-1,2', 'address space layout'],
  operations: ['MM-3..15', 'system calls between maps'],
  maps: ['PR-6', 'maps lines byte for byte'],
  smaps: ['PR-7 F-11 R-4', 'smaps lines byte for byte'],
  status: ['PR-8', 'status and statm of processes'],
  meminfo: ['PR-3 IV-6,12,15', 'meminfo of processes'],
};

/** The checks of a recording's maps, smaps, status and statm files. */
export function checkSpaces(recording: Recording, ram: readonly Ram[]): { checks: Check[]; notes: string[]; gaps: string[] } {
  const files = snapshotsInOrder(recording).filter(({ text }) => text !== '');
  const pairs: Pairs = { layout: [], operations: [], maps: [], smaps: [], status: [], meminfo: [] };
  const gaps: string[] = [];
  const isRandomized = !recording.log.some((line) => /^Kernel command line:.*\bnorandmaps\b/.test(line));
  let space: Space | null = null;
  for (const [at, file] of files.entries()) {
    if (file.name === 'meminfo') space?.waiting.push(file);
    if (!/^self_/.test(file.name)) continue;
    const before = countOf(pairs);
    try {
      space ??= begin(files, at, { ram, isRandomized, pairs });
      meetFile(space, file, pairs);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof NotJudged) gaps.push(`${file.tag}/${file.name}.txt is not compared: ${error.message}`);
      else pairs.operations.push({ where: `${file.tag}/${file.name}.txt`, kernel: 'went on', engine: `${error.name}: ${error.message}` });
      space = null;
    }
    if (differencesIn(pairs, before) > 0) space = null;
  }
  const checks = KINDS.map((kind) => compareAll(...RULES[kind], pairs[kind])).filter(({ total }) => total > 0);
  return { checks, gaps, notes: checks.length === 0 ? [] : NOTES };
}

const NOTES = [
  'processes: what an ELF image and a C library look like is not modelled: text, data, heap and stack are taken from the first snapshot; the name [vdso] is not compared, nor instruction pointers',
  'processes: of status the rows Vm* are compared; VmPeak and VmHWM where the engine has seen the time they speak of, VmPTE where what is resident tells it',
];

const KINDS = Object.keys(RULES) as (keyof Pairs)[];

/** How many pairs there are of each kind. */
function countOf(pairs: Pairs): number[] {
  return KINDS.map((kind) => pairs[kind].length);
}

/** Differences since then: the engine's machine is no longer the kernel's. */
function differencesIn(pairs: Pairs, since: readonly number[]): number {
  const fresh = KINDS.flatMap((kind, i) => pairs[kind].slice(since[i]));
  return fresh.filter(({ kernel, engine }) => String(kernel) !== String(engine)).length;
}

// ---- the beginning ----------------------------------------------------------------------------------------------------

interface Setting {
  ram: readonly Ram[];
  isRandomized: boolean;
  pairs: Pairs;
}

/** A machine with the address space of a snapshot; what is resident is in the first smaps from there on. */
function begin(files: readonly SnapshotFile[], at: number, { ram, isRandomized, pairs }: Setting): Space {
  const first = files.slice(at).find(({ name }) => name === 'self_maps' || name === 'self_smaps');
  if (first === undefined) throw new NotJudged('no snapshot shows the memory that it speaks of');
  const smaps = files.slice(at).find(({ name }) => name === 'self_smaps');
  const areas = parseMaps(first.text).map((area) => ({ ...area, figures: area.figures ?? figuresLater(area, smaps) }));
  const k = bootedMachine(ram);
  const known: Files = new Map();
  const { task, mm } = makeProcess(k, { comm: 'init', areas, files: known, isRandomized });
  populate(k, mm, areas);
  const where = `${first.tag}/${first.name}.txt`;
  pairs.layout.push(...layoutPairs(k, areas, { where, isRandomized }));
  const baseline = files.slice(0, at).reverse().find(({ name }) => name === 'meminfo');
  const offsets = baseline === undefined ? null : offsetsOf(k, baseline);
  return { k, task, child: null, files: known, areas, waiting: [], offsets, promised: new Set() };
}

/** Figures of the same area in a later smaps. */
function figuresLater(area: Area, smaps: SnapshotFile | undefined): Area['figures'] {
  const later = smaps && parseMaps(smaps.text).find(({ start, path, ino }) => start === area.start && path === area.path && ino === area.ino);
  return later?.figures ?? null;
}

/** Pages that are there. One of the file's that another area shows too, and that nobody shares, is the process's own: it came back from swap,
 *  clean. */
function populate(k: Kernel, mm: mm_struct, areas: readonly Area[]): void {
  const take = () => {
    const page = request(k, GFP_HIGHUSER, 0);
    if (page === null) throw new NotJudged('the engine has no memory for all pages that were resident');
    return pfn(page);
  };
  for (const area of areas) {
    for (const { address, isAnonymous, prot } of planPages(area)) {
      const vma = find_vma(k, mm, address)!;
      const file = vma_inode(k, vma);
      const cached = isAnonymous ? undefined : cachedFrame(k, vma, address);
      const isOwnCopy = cached !== undefined && isOwn(area) && area.figures?.sharedClean === 0;
      const frame = isOwnCopy ? take() : cached ?? take();
      if (isAnonymous || isOwnCopy) placeAnonymous(k, vma, { address, frame, prot }, take);
      else if (file !== null) {
        if (cached === undefined) cachePage(k, file, fileIndex(vma, address), frame);
        placeFilePage(k, vma, { address, frame, prot }, take);
      }
    }
  }
  mm.hiwater_rss = mm.anon_rss + mm.file_rss;
}

function offsetsOf(k: Kernel, baseline: SnapshotFile): Record<string, number> {
  const [kernel, engine] = [rowsOf(baseline.text), meminfo(k)];
  return Object.fromEntries(ROWS.map((row) => [row, (kernel[row] ?? 0) - engine[row]!]));
}

/** The base of mappings and the top of the stack: as the engine has them, or within the limits of its random choice. */
function layoutPairs(k: Kernel, areas: readonly Area[], { where, isRandomized }: { where: string; isRandomized: boolean }): Pair[] {
  const vdso = areas.find(({ path }) => path === '[vdso]');
  const stack = areas.find(({ path }) => path === '[stack]');
  if (vdso === undefined || stack === undefined) return [];
  const mm = { ...mm_of(k, k.tasks.at(-1)!.mm) };
  const task = { ...k.tasks.at(-1)! };
  k.sysctl.randomize_va_space = 0;
  arch_pick_mmap_layout(k, mm, task);
  const top = randomize_stack_top(k, task);
  if (!isRandomized) {
    return [
      { where: `${where}: base of mappings, where the vdso ends`, kernel: vdso.end.toString(16), engine: mm.mmap_base.toString(16) },
      { where: `${where}: top of the stack`, kernel: stack.end.toString(16), engine: top.toString(16) },
    ];
  }
  const within = (value: number, limit: number, span: number): string => (limit - span <= value && value <= limit ? 'within its limits' : `${value.toString(16)} is not in ${span / 1024} kB below ${limit.toString(16)}`);
  return [
    { where: `${where}: base of mappings`, kernel: within(vdso.end, mm.mmap_base, RANDOM_BASE), engine: 'within its limits' },
    { where: `${where}: top of the stack`, kernel: within(stack.end, top, RANDOM_STACK), engine: 'within its limits' },
  ];
}

/** How far below its place the base may be, and the stack, bytes (MM-1, MM-2). */
const RANDOM_BASE = 1 << 20;
const RANDOM_STACK = 2047 * PAGE_SIZE;

// ---- one file ---------------------------------------------------------------------------------------------------------

function meetFile(space: Space, file: SnapshotFile, pairs: Pairs): void {
  const where = `${file.tag}/${file.name}.txt`;
  if (file.name === 'self_status') {
    pairs.status.push(...statusPairs(space, where, file.text));
    return;
  }
  if (file.name === 'self_statm') {
    pairs.status.push({ where, kernel: file.text.trim(), engine: proc_statm(space.k, space.task).trim() });
    return;
  }
  const areas = parseMaps(file.text);
  const isChild = /child/.test(file.tag) && !/parent/.test(file.tag);
  if (!isChild) pairs.operations.push(...operateBetween(space, areas, where));
  if (!isChild) space.areas = areas.map((area) => ({ ...area, figures: area.figures ?? figuresAt(space.areas, area.start) }));
  const isSmaps = file.name === 'self_smaps';
  if (isSmaps) figuresToMeet(space, areas, { isChild, step: () => meetMeminfo(space, pairs) });
  if (isSmaps) endMeminfo(space, pairs);
  const task = isChild ? space.child ?? space.task : space.task;
  const engine = isSmaps ? proc_smaps(space.k, task) : proc_maps(space.k, task);
  const kernel = withInodes(space, withoutVdso(file.text));
  if (isSmaps) pairs.smaps.push(...linePairs(where, withoutZeroes(kernel), withoutZeroes(engine)));
  else pairs.maps.push(...linePairs(where, kernel, engine));
}

function figuresAt(areas: readonly Area[], start: number): Area['figures'] {
  return areas.find((area) => area.start === start)?.figures ?? null;
}

function linePairs(where: string, kernel: string, engine: string): Pair[] {
  const [a, b] = [kernel.split('\n'), engine.split('\n')];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => ({ where: `${where} line ${i + 1}`, kernel: a[i] ?? '(no line)', engine: b[i] ?? '(no line)' }));
}

/** The page of zeroes is everybody's: of clean pages of no file only the sum is known to be right. */
function withoutZeroes(smaps: string): string {
  const figure = (label: string): string => `${label}: +(\\d+) kB`;
  const section = new RegExp(`(^\\S+ \\S+ \\S+ 00:00 0 [^]*?)${figure('Shared_Clean')}([^]*?)${figure('Private_Clean')}`, 'gm');
  return smaps.replace(section, (_, head: string, shared: string, rest: string, own: string) => `${head}Clean: ${Number(shared) + Number(own)}${rest}Clean: see above`);
}

/** The text with the engine's inode number where two files of different devices have the same. */
function withInodes({ files }: Space, text: string): string {
  const others = new Map([...files].map(([key, { ino }]) => [key, ino]));
  return text.replace(/^(.* (\w\w:\w\w)) (\d+) +(\S.*)$/gm, (line, head: string, dev: string, ino: string, path: string) => {
    const own = others.get(`${dev} ${ino} ${path}`);
    return own === undefined || own === Number(ino) ? line : `${`${head} ${own} `.padEnd(NAME_COLUMN)}${path}`;
  });
}

/** Where a name begins in a line of maps (PR-6). */
const NAME_COLUMN = 49;

/** Rows of status about memory. Peaks of a time before the first snapshot are not the engine's, nor page tables that no resident page tells of. */
function statusPairs(space: Space, where: string, text: string): Pair[] {
  const rows = (status: string): Map<string, string> => new Map([...status.matchAll(/^(Vm\w+):(.*)$/gm)].map(([, name, value]) => [name!, value!]));
  const engine = rows(proc_status(space.k, space.task));
  const kB = (value: string | undefined): number => Number(/\d+/.exec(value ?? '')?.[0]);
  const isOlder = (name: string, value: string): boolean => /^Vm(Peak|HWM)$/.test(name) && kB(value) > kB(engine.get(name));
  const pages = (value: string | undefined): number => kB(value) / PAGE_KB;
  const isUnknown = (name: string, value: string): boolean => name === 'VmPTE' && !tellsTables(space.areas, pages(value), pages(engine.get(name)));
  return [...rows(text)].filter(([name, value]) => !isOlder(name, value) && !isUnknown(name, value)).map(([name, value]) => ({ where: `${where}: ${name}`, kernel: value, engine: engine.get(name) }));
}

const PAGE_KB = PAGE_SIZE / 1024;

/** Whether resident pages tell how many page tables there are: more may be left of pages that went, fewer be needed where only some are resident. */
function tellsTables(areas: readonly Area[], kernel: number, engine: number): boolean {
  const spans = new Set(areas.flatMap(({ start, end }) => tablesOf(start, end)));
  if (kernel > engine) return engine >= spans.size;
  return areas.every(({ start, end, figures }) => {
    const resident = (figures?.rss ?? 0) * 1024;
    return resident === end - start || resident === 0 || tablesOf(start, end).length === 1;
  });
}

function tablesOf(start: number, end: number): number[] {
  const first = Math.floor(start / TABLE_SPAN);
  return Array.from({ length: Math.floor((end - 1) / TABLE_SPAN) - first + 1 }, (_, i) => first + i);
}

// ---- system calls -----------------------------------------------------------------------------------------------------

/** The engine makes the calls that lead to the areas: of the ways there are, the first that gets there; if none does, the likeliest, with what it
 *  got. */
function operateBetween(space: Space, areas: readonly Area[], where: string): Pair[] {
  const ways = operationsBetween(space.areas, areas);
  let likeliest: { trial: Space; pairs: Pair[] } | null = null;
  for (const way of ways) {
    if (way.length === 0) continue;
    const trial = copyOf(space);
    const pairs = way.map((operation) => operate(trial, operation, where));
    likeliest ??= { trial, pairs };
    if (pairs.some(({ kernel, engine }) => kernel !== engine) || !isThere(trial, areas)) continue;
    likeliest = { trial, pairs };
    break;
  }
  if (likeliest === null) return [];
  Object.assign(space, likeliest.trial);
  return likeliest.pairs;
}

/** The space with a machine of its own. */
function copyOf(space: Space): Space {
  const k = structuredClone(space.k);
  const files: Files = new Map([...space.files].map(([key, { ino }]) => [key, k.inodes[ino]!]));
  return { ...space, k, files, task: k.tasks[space.task.pid]!, child: space.child && k.tasks[space.child.pid]! };
}

function isThere({ k, task }: Space, areas: readonly Area[]): boolean {
  const shape = (some: readonly Area[]): string => JSON.stringify(some.map(({ start, end, perms, offset, dev }) => [start, end, perms, offset, dev]));
  return shape(parseMaps(proc_maps(k, task))) === shape(areas);
}

/** The engine makes the call; what it answers must be what the snapshot shows. */
function operate(space: Space, operation: Operation, where: string): Pair {
  const { k, task } = space;
  become(k, task);
  const pair = (kernel: number, engine: number): Pair => ({ where: `${where}: ${describeOperation(operation)}`, kernel: show(kernel), engine: show(engine) });
  switch (operation.call) {
    case 'brk': return pair(operation.end, run_to_end(k, sys_brk(k, operation.end)));
    case 'munmap': return pair(0, run_to_end(k, sys_munmap(k, operation.start, operation.end - operation.start)));
    case 'mprotect': return pair(0, run_to_end(k, sys_mprotect(k, virt(operation.start), operation.end - operation.start, operation.prot)));
    case 'mremap': return pair(operation.to, remap(k, operation));
    case 'mmap': return pair(operation.start, map(space, operation));
  }
}

function remap(k: Kernel, { start, end, length }: Extract<Operation, { call: 'mremap' }>): number {
  return run_to_end(k, sys_mremap(k, virt(start), end - start, length, MREMAP_MAYMOVE, virt(0)));
}

const show = (answer: number): string => (answer < 0 ? String(answer) : answer.toString(16));

function map(space: Space, { start, end, prot, flags, area }: Extract<Operation, { call: 'mmap' }>): number {
  const { k, files } = space;
  if (isSharedMemory(area)) giveInodeNumber(k, area.ino);
  const target = files.get(`${area.dev} ${area.ino} ${area.path}`);
  if (area.ino !== 0 && !isSharedMemory(area) && target === undefined) throw new NotJudged(`the file ${area.path} is mapped, of which nothing else is known`);
  const file = target === undefined ? 0 : open_inode(k, target, 3, 0).id;
  return run_to_end(k, sys_mmap2(k, 0, end - start, prot, flags, file, (area.offset + start - area.start) / PAGE_SIZE));
}

// ---- meminfo ----------------------------------------------------------------------------------------------------------

/** A meminfo between two smaps was read at some moment between them: the engine must show what was promised then at one, in order. Other rows also
 *  count what processes did that the next smaps says nothing of: they are compared where a moment shows all of them. */
function meetMeminfo(space: Space, pairs: Pairs): void {
  while (space.offsets !== null && space.waiting.length > 0) {
    const [file] = space.waiting;
    const kernel = recordedRows(file!).join(', ');
    space.promised.add(promisedIn(engineRows(space)));
    if (kernel !== engineRows(space)) return;
    pairs.meminfo.push({ where: `${file!.tag}/meminfo.txt`, kernel, engine: kernel });
    space.waiting.shift();
    space.promised.clear();
  }
}

const promisedIn = (rows: string): string => /Committed_AS \d+/.exec(rows)?.[0] ?? rows;

/** Those that were not met by the time of the next smaps. */
function endMeminfo(space: Space, pairs: Pairs): void {
  meetMeminfo(space, pairs);
  if (space.offsets === null) {
    const last = space.waiting.at(-1);
    if (last !== undefined) space.offsets = offsetsOf(space.k, last);
  } else for (const file of space.waiting) {
    const kernel = promisedIn(recordedRows(file).join(', '));
    const engine = space.promised.has(kernel) ? kernel : `no moment shows this; now ${engineRows(space)}`;
    pairs.meminfo.push({ where: `${file.tag}/meminfo.txt`, kernel, engine });
  }
  space.waiting = [];
  space.promised.clear();
}

function engineRows(space: Space): string {
  const engine = meminfo(space.k);
  return ROWS.map((row) => `${row} ${engine[row]! + space.offsets![row]!}`).join(', ');
}
