// A recording of processes that never were: the engine's own machine forks, writes, reads, discards and exits by a script of random choices, and what
// the recorder would have written of it is written down. The judge must find no difference, and must find every change made to it afterwards.
//
// Between the dump and the first recorded line the machine goes on unrecorded, as the recorded programs did.

import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { MADV_DONTNEED } from '../../engine/include/mman.ts';
import { PAGE_SIZE, pfn, virt } from '../../engine/include/types.ts';
import { PHYSICAL_START } from '../../engine/arch/i386/layout.ts';
import { do_exit } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { proc_meminfo } from '../../engine/fs/proc/files.ts';
import { proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { __handle_mm_fault } from '../../engine/mm/memory.ts';
import { find_vma, sys_munmap } from '../../engine/mm/mmap.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import { resize_ring } from '../../engine/trace/events.ts';
import { bootedMachine, request } from './engine-door.ts';
import { asRecorded } from './groups.ts';
import { dumpLines, numbers, signed } from './imitation.ts';
import type { Area } from './maps.ts';
import type { Observer } from './observer.ts';
import { observe, watch } from './observer.ts';
import type { Recording, Snapshot } from './recording.ts';
import type { Files } from './space.ts';
import { become, cachePage, entryAt, makeProcess } from './space.ts';

export interface UserImitation {
  megabytes: number;
  /** Pages of the area that is shared by fork. */
  pages: number;
  seed: number;
  /** Whether the recorder writes PF lines. */
  hasFaults: boolean;
  /** Whether some pages of the area are not there at the beginning. */
  isSparse: boolean;
}

const RING = 1 << 17;
const TEXT = 0x08048000;
const ANON_END = 0xb7f00000;
const UNTOUCHED = 0x50000000;
const UNTOUCHED_PAGES = 64;
/** The first of them are written, and discarded; the last are read. */
const WRITTEN_PAGES = 30;
const READ_FROM = 40;

interface Recorder {
  k: Kernel;
  observer: Observer;
  trace: string[];
  log: string[];
  snapshots: Snapshot[];
  hasFaults: boolean;
}

/** The recording: one fork, writes on both sides, the child's end. */
export function imitateUser({ megabytes, pages, seed, hasFaults, isSparse }: UserImitation): Recording {
  const next = numbers(seed);
  const ram = [{ start: 0, end: 0x9fc00 }, { start: PHYSICAL_START, end: megabytes * 2 ** 20 }];
  const k = bootedMachine(ram);
  const recorder: Recorder = { k, observer: observe(k), trace: dumpLines(k), log: [], snapshots: [], hasFaults };
  const start = ANON_END - pages * PAGE_SIZE;
  const parent = beginParent(k, start);
  for (let page = 0; page < pages; page++) if (!isSparse || next(8) > 0) fault(recorder, parent, start + page * PAGE_SIZE, 1, { isRecorded: false });
  for (const address of [TEXT, TEXT + PAGE_SIZE]) fault(recorder, parent, address, 0, { isRecorded: false });
  fault(recorder, parent, TEXT + TEXT_PAGES * PAGE_SIZE, 1, { isRecorded: false });
  recorder.observer = observe(k);
  resize_ring(k, RING);
  for (const name of ['meminfo', 'self_smaps']) snapshot(recorder, parent, 'before', name);
  live(recorder, parent, { start, pages, next });
  recorder.log.push('[snapshot trace /proc/mmtrace #1]');
  snapshot(recorder, parent, 'after', 'meminfo');
  const e820 = ram.map((range) => ` BIOS-e820: ${range.start.toString(16).padStart(16, '0')} - ${range.end.toString(16).padStart(16, '0')} (usable)`);
  return { name: `${megabytes}M-user-imitation`, trace: recorder.trace, log: [...e820, 'Kernel command line: norandmaps', ...recorder.log], snapshots: recorder.snapshots };
}

const TEXT_PAGES = 4;

interface Script {
  start: number;
  pages: number;
  /** A random number below a limit. */
  next(limit: number): number;
}

function beginParent(k: Kernel, start: number): task_struct {
  const files: Files = new Map();
  const area = (from: number, to: number, perms: string, path = ''): Area => ({ start: from, end: to, perms, offset: from, dev: '00:00', ino: 0, path, figures: null });
  const text: Area = { ...area(TEXT, TEXT + TEXT_PAGES * PAGE_SIZE, 'r-xp'), offset: 0, dev: '00:01', ino: 12, path: '/init' };
  const data: Area = { ...text, start: text.end, end: text.end + PAGE_SIZE, perms: 'rw-p', offset: TEXT_PAGES * PAGE_SIZE };
  const areas = [text, data, area(UNTOUCHED, UNTOUCHED + UNTOUCHED_PAGES * PAGE_SIZE, 'rw-p'), area(start, ANON_END, 'rw-p'), area(0xbffeb000, 0xc0000000, 'rw-p', '[stack]')];
  const { task } = makeProcess(k, { comm: 'init', areas, files, isRandomized: false });
  for (const file of files.values()) for (let index = 0; index <= TEXT_PAGES; index++) cachePage(k, file, index, pfn(request(k, 0xd0, 0)!));
  return task;
}

function live(recorder: Recorder, parent: task_struct, { start, pages, next }: Script): void {
  const { k } = recorder;
  const hasFork = recorder.hasFaults;
  const child = hasFork ? recordFork(recorder, parent) : null;
  for (let i = 0; i < pages; i++) {
    const who = child === null || next(2) === 0 ? parent : child;
    if (hasFork) fault(recorder, who, start + next(pages) * PAGE_SIZE, next(4) > 0 ? 1 : 0, { isRecorded: true });
    if (!hasFork || next(16) === 0) fault(recorder, who, UNTOUCHED + next(WRITTEN_PAGES) * PAGE_SIZE, 1, { isRecorded: true });
    const read = UNTOUCHED + (READ_FROM + next(UNTOUCHED_PAGES - READ_FROM)) * PAGE_SIZE;
    if (hasFork && next(16) === 0) fault(recorder, who, read, 0, { isRecorded: true });
    if (next(24) === 0) discard(recorder, parent, UNTOUCHED + next(WRITTEN_PAGES) * PAGE_SIZE, 1 + next(4));
    if (child !== null && i === Math.floor(pages / 2)) {
      fault(recorder, child, TEXT + PAGE_SIZE, 0, { isRecorded: true });
      for (const name of ['meminfo', 'self_smaps']) snapshot(recorder, parent, 'parent-midway', name);
      snapshot(recorder, child, 'child-midway', 'self_smaps');
    }
  }
  if (child !== null) {
    become(k, child);
    record(recorder, () => run_to_end(k, do_exit(k, 0)));
    snapshot(recorder, parent, 'after-exit', 'self_smaps');
  }
  become(k, parent);
  record(recorder, () => run_to_end(k, sys_munmap(k, start, ANON_END - start)));
}

function recordFork(recorder: Recorder, parent: task_struct): task_struct {
  const { k } = recorder;
  become(k, parent);
  let pid = 0;
  record(recorder, () => {
    pid = run_to_end(k, do_fork(k, { name: 'init.child', comm: 'init', program: null }));
  });
  return k.tasks[pid]!;
}

function discard(recorder: Recorder, task: task_struct, address: number, pages: number): void {
  const { k } = recorder;
  become(k, task);
  const { vm_end } = find_vma(k, mm_of(k, task.mm), address)!;
  record(recorder, () => run_to_end(k, sys_madvise(k, virt(address), Math.min(pages * PAGE_SIZE, vm_end - address), MADV_DONTNEED)));
}

/** Writes down what the recorder would have. */
function record(recorder: Recorder, call: () => void): void {
  recorder.trace.push(...asRecorded(watch(recorder.observer, 0, call)).map(({ text }) => signed(text)));
}

/** A fault, where the processor would raise one. */
function fault(recorder: Recorder, task: task_struct, address: number, write: 0 | 1, { isRecorded }: { isRecorded: boolean }): void {
  const { k } = recorder;
  become(k, task);
  const mm = mm_of(k, task.mm);
  const old = entryAt(k, mm, address);
  if (old !== 0 && (write === 0 || (old & 2) !== 0)) return;
  const handle = (): number => run_to_end(k, __handle_mm_fault(k, mm, find_vma(k, mm, address)!, virt(address), write));
  if (!isRecorded) {
    handle();
    return;
  }
  let ret = 0;
  record(recorder, () => {
    ret = handle();
  });
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const counters = `anon_rss ${mm.anon_rss} file_rss ${mm.file_rss} ptes ${mm.nr_ptes}`;
  if (recorder.hasFaults) recorder.trace.push(`PF ${task.comm} pid ${task.pid} addr ${hex(address)} w ${write} old ${hex(old)} new ${hex(entryAt(k, mm, address))} ret ${ret} ${counters}`);
}

function snapshot(recorder: Recorder, task: task_struct, tag: string, name: string): void {
  const { k, snapshots, log } = recorder;
  log.push(`[snapshot ${tag} /proc/${name.replace('_', '/')} #1]`);
  const files = snapshots.find((known) => known.tag === tag)?.files ?? {};
  files[name] = name === 'meminfo' ? proc_meminfo(k) : proc_smaps(k, task);
  if (!snapshots.some((known) => known.tag === tag)) snapshots.push({ tag, files });
}

