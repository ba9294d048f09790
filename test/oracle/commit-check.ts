// Overcommit (KERNEL.md MM-16, L-11, PR-3): the largest mapping that a recorded program could get in each mode, as root and not. The inputs stand in
// the OC lines; the program's marks say what it got:
//
//   OC nr_file_pages 4 … nr_free 15353 totalreserve 432 committed 242 overcommit 0 …
//   @@ mode 0 root max mmap pages 15018
//
// The engine's __vm_enough_memory gets the same inputs and the same bisection. A mark without an OC line of its own goes by the last one, with the
// free pages of the meminfo that was read next. The recorded program bisects in a child: its parent's promises are the engine's own fork's doing.

import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { do_exit } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { meminfo } from '../../engine/fs/proc/files.ts';
import { __vm_enough_memory, vm_unacct_memory } from '../../engine/mm/mmap_commit.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import { for_each_zone } from '../../engine/mm/mmzone.ts';
import type { Ram } from './engine-door.ts';
import { bootedMachine } from './engine-door.ts';
import type { Recording, SnapshotFile } from './recording.ts';
import { snapshotsInOrder } from './recording.ts';
import type { Check } from './report.ts';
import { compareAll } from './report.ts';
import { become, makeProcess } from './space.ts';
import { rowsOf } from './stretch-snapshots.ts';
import type { Overcommit, TraceEvent } from './trace.ts';

/** What the program said it got. */
interface Mark {
  where: string;
  mode: number;
  isRoot: boolean;
  pages: number;
  /** The first meminfo that was read afterwards. */
  meminfo: SnapshotFile | null;
}

interface Pair {
  where: string;
  kernel: unknown;
  engine: unknown;
}

const ALWAYS = 1;
const NEVER = 2;
/** Bytes of user space: no mapping is larger. */
const USER_SPACE = 3 * 2 ** 30;
const SOMEBODY = 1000;
/** What a task's own size costs it in mode 2: a page of this many. */
const OWN_SIZE = 32;

export interface CommitVerdict {
  checks: Check[];
  notes: string[];
  gaps: string[];
}

/** The checks of a recording's overcommit marks; none where it has none. */
export function checkCommit(recording: Recording, ram: readonly Ram[], events: readonly TraceEvent[]): CommitVerdict {
  const marks = marksOf(recording);
  const lines = events.filter((event): event is Overcommit => event.kind === 'overcommit');
  if (marks.length === 0) return { checks: [], notes: [], gaps: [] };
  if (lines.length === 0) return { checks: [], notes: [], gaps: [`${marks.length} overcommit marks are not judged: no OC line holds their inputs`] };
  const notes = new Set<string>();
  const gaps: string[] = [];
  const limit = Math.min(USER_SPACE / PAGE_SIZE, ...marks.filter(({ mode }) => mode === ALWAYS).map(({ pages }) => pages + 1));
  const found = withInputs(marks, lines, notes);
  const isForked = found.some(({ mark, inputs }) => inputs.committed === 2 * (promisedBefore(mark) ?? NaN));
  const judged = found.filter(({ mark, inputs }) => {
    const isJudged = inputs.total_swap === 0 && inputs.nr_swap_pages === 0;
    if (!isJudged) gaps.push(`${mark.where} is not judged: swap is not modelled yet`);
    return isJudged;
  });
  const pairs = judged.map(({ mark, inputs, own }) => {
    const k = machineFor(ram, mark, inputs, own);
    return { where: mark.where, kernel: mark.pages, engine: largest(k, limit) };
  });
  return {
    checks: [
      compareAll('MM-16', 'largest mapping by overcommit mode', pairs),
      compareAll('MM-16 PR-3', 'CommitLimit and Committed_AS', judged.flatMap((one) => commitPairs(ram, one, { isForked }))),
    ].filter(({ total }) => total > 0),
    notes: [...notes], gaps,
  };
}

function marksOf(recording: Recording): Mark[] {
  const marks: Mark[] = [];
  const files = snapshotsInOrder(recording).filter(({ name, text }) => name === 'meminfo' && text !== '');
  let next = 0;
  for (const [at, line] of recording.log.entries()) {
    if (/\[snapshot \S+ \/proc\/meminfo /.test(line)) next++;
    const m = /@@ mode (\d) (root|user) max mmap pages (\d+)/.exec(line);
    if (m) marks.push({ where: `log line ${at + 1}: ${m[0]}`, mode: Number(m[1]), isRoot: m[2] === 'root', pages: Number(m[3]), meminfo: files[next] ?? null });
  }
  return marks;
}

// ---- inputs -----------------------------------------------------------------------------------------------------------

interface Judged {
  mark: Mark;
  inputs: Overcommit;
  /** Pages of the asking task's own address space. */
  own: number;
}

/** Each mark with its OC line, or with the last one and the free pages that were read next. */
function withInputs(marks: readonly Mark[], lines: readonly Overcommit[], notes: Set<string>): Judged[] {
  let next = 0;
  const found = marks.map((mark) => {
    if (lines[next]?.overcommit === mark.mode) return { mark, inputs: lines[next++]! };
    const last = lines[Math.max(0, next - 1)]!;
    const free = mark.meminfo === null ? undefined : rowsOf(mark.meminfo.text)['MemFree'];
    notes.add('overcommit: where a mark has no OC line of its own, free pages are those of the next meminfo, the rest as in the last OC line');
    return { mark, inputs: { ...last, overcommit: mark.mode, nr_free: free === undefined ? last.nr_free : (free * 1024) / PAGE_SIZE } };
  });
  const own = ownSize(found, notes);
  return found.map((one) => ({ ...one, own }));
}

/** Promised pages of the whole machine when the program had no child: what remains is the child's. */
function promisedBefore(mark: Mark): number | null {
  const row = mark.meminfo === null ? undefined : rowsOf(mark.meminfo.text)['Committed_AS'];
  return row === undefined ? null : (row * 1024) / PAGE_SIZE;
}

/** Size of the program: at least what it was promised; text and vdso are not recorded. Mode 2 takes a 32nd off, so the first mark in it tells
 *  which. */
function ownSize(found: readonly { mark: Mark; inputs: Overcommit }[], notes: Set<string>): number {
  const first = found.find(({ mark }) => mark.mode === NEVER) ?? found[0]!;
  const own = first.inputs.committed - (promisedBefore(first.mark) ?? 0) || first.inputs.committed;
  if (first.mark.mode !== NEVER) return own;
  const { totalram, ratio, committed } = first.inputs;
  const ofRam = Math.floor((totalram * ratio) / 100);
  const allowed = first.mark.isRoot ? ofRam : ofRam - Math.floor(ofRam / OWN_SIZE);
  const told = allowed - (first.mark.pages + committed + 1);
  const isNext = told === Math.floor(own / OWN_SIZE) + 1;
  if (isNext) notes.add('overcommit: the size of the program is not recorded; its first mark in mode 2 tells it to a 32nd');
  return isNext ? own + OWN_SIZE : own;
}

// ---- the engine -------------------------------------------------------------------------------------------------------

/** A machine with these inputs; the asking task runs. */
function machineFor(ram: readonly Ram[], mark: Mark, inputs: Overcommit, own: number): Kernel {
  const k = bootedMachine(ram);
  const task = promise(k, promisedBefore(mark) ?? inputs.committed);
  for (const zone of for_each_zone(k)) {
    zone.vm_stat[NR_FILE_PAGES] = 0;
    zone.free_pages = 0;
  }
  const [first] = for_each_zone(k);
  first!.vm_stat[NR_FILE_PAGES] = inputs.nr_file_pages;
  first!.free_pages = inputs.nr_free;
  k.slab.slab_reclaim_pages = inputs.slab_reclaim;
  k.totalreserve_pages = inputs.totalreserve;
  k.totalram_pages = inputs.totalram;
  k.sysctl.overcommit_memory = inputs.overcommit;
  k.sysctl.overcommit_ratio = inputs.ratio;
  k.vm_committed_space = inputs.committed;
  task.uid = task.euid = mark.isRoot ? 0 : SOMEBODY;
  mm_of(k, task.mm).total_vm = own;
  return k;
}

/** A process that was promised so many pages. */
function promise(k: Kernel, pages: number): task_struct {
  k.vm_committed_space = 0;
  const area = { start: PAGE_SIZE, end: (1 + pages) * PAGE_SIZE, perms: 'rw-p', offset: PAGE_SIZE, dev: '00:00', ino: 0, path: '', figures: null };
  return makeProcess(k, { comm: 'init', areas: [area], files: new Map(), isRandomized: false }).task;
}

/** The program's bisection: the largest number of pages below the limit that may be promised at once. */
function largest(k: Kernel, limit: number): number {
  let low = 0;
  let high = limit;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isGranted(k, middle)) low = middle;
    else high = middle;
  }
  return low;
}

function isGranted(k: Kernel, pages: number): boolean {
  if (__vm_enough_memory(k, pages) !== 0) return false;
  vm_unacct_memory(k, pages);
  return true;
}

/** CommitLimit as meminfo has it; and where the program bisects in a child, so that promises have doubled, what the engine's own fork makes of them,
 *  and the child's end. */
function commitPairs(ram: readonly Ram[], { mark, inputs, own }: Judged, { isForked }: { isForked: boolean }): Pair[] {
  if (mark.meminfo === null) return [];
  const rows = rowsOf(mark.meminfo.text);
  const where = `${mark.meminfo.tag}/meminfo.txt`;
  const pairs: Pair[] = [{ where: `${where}: CommitLimit`, kernel: rows['CommitLimit'], engine: meminfo(machineFor(ram, mark, inputs, own))['CommitLimit'] }];
  if (!isForked) return pairs;
  const before = inputs.committed / 2;
  const k = bootedMachine(ram);
  const task = promise(k, before);
  const child = k.tasks[run_to_end(k, do_fork(k, { name: 'child', comm: 'init', program: null }))]!;
  pairs.push({ where: `${where}: committed while a child runs`, kernel: inputs.committed, engine: k.vm_committed_space });
  become(k, child);
  run_to_end(k, do_exit(k, 0));
  become(k, task);
  pairs.push({ where: `${where}: Committed_AS`, kernel: rows['Committed_AS'], engine: meminfo(k)['Committed_AS'] });
  return pairs;
}
