// The engine's side of a random run of file calls: a machine whose processes wait for what to do next. Whenever all of them wait, the run says which
// of them begin which calls; then the scheduler, disks, timers and pdflush do as they like until all wait again.

import assert from 'node:assert/strict';
import type { Coroutine, Wait } from '../../engine/kernel/sched.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Machine, RunEnd } from '../../engine/machine.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { EXIT_ZOMBIE } from '../../engine/include/sched.ts';
import { MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { translate } from '../../engine/arch/mmu.ts';
import { sys_close, sys_ftruncate, sys_open } from '../../engine/fs/open.ts';
import { sys_lseek } from '../../engine/fs/read_write.ts';
import { sys_fsync, sys_sync } from '../../engine/fs/sync.ts';
import { sys_exit } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { schedule_interruptible, schedule_timeout, wake_up_process } from '../../engine/kernel/sched.ts';
import { signal_pending } from '../../engine/kernel/signal.ts';
import { write_sysctl } from '../../engine/kernel/sysctl.ts';
import { run_machine } from '../../engine/machine.ts';
import { read_phys_bytes } from '../../engine/mm/contents.ts';
import { sys_fadvise64_64, sys_readahead } from '../../engine/mm/fadvise.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import { sys_mmap, sys_munmap } from '../../engine/mm/mmap.ts';
import { sys_msync } from '../../engine/mm/msync.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { user_read, user_write } from '../../engine/user/iobuf.ts';
import { machineWith } from '../engine/tasks.ts';
import { user } from '../engine/processes.ts';
import type { FileAction, FileOutcome, FileSetup, FileStep, From } from './file-steps.ts';
import { SEATS } from './file-steps.ts';

/** A place for a process. */
interface Seat {
  pid: number;
  step: FileStep | null;
  outcome: FileOutcome | null;
}

export interface FileEngine {
  machine: Machine;
  k: Kernel;
  seats: Seat[];
  /** What steps returned that later ones refer to: descriptors and addresses, by step. */
  results: Map<number, number>;
  /** Broken pages of files: what the disk fails at is looked up when a round begins. */
  broken: { path: string; page: number; mode: 'read' | 'write' | 'both' }[];
}

/** Who watches the machine: `idle` when every process waits, to begin the next round or, with false, to end the run; `event` before anything
 *  happens. */
export interface Watcher {
  idle(): boolean;
  event(): void;
}

/** A machine with its first processes. */
export function makeFileEngine(setup: FileSetup): FileEngine {
  const seats = Array.from({ length: SEATS }, (): Seat => ({ pid: 0, step: null, outcome: null }));
  const made: { engine: FileEngine | null } = { engine: null };
  const body = (k: Kernel, task: task_struct): Coroutine => work(made.engine!, k, task);
  const first = Array.from({ length: setup.processes }, (_, i) => user(`p${i}`, body));
  const machine = machineWith(first, configOf(setup), { forked: body });
  for (let i = 0; i < setup.processes; i++) seats[i]!.pid = i + 1;
  made.engine = { machine, k: machine.k, seats, results: new Map(), broken: [] };
  return made.engine;
}

function configOf(setup: FileSetup): Parameters<typeof machineWith>[1] {
  const { cpus, memory, disks, files } = setup;
  return {
    cpus, memory, disks: disks.map((disk, i) => ({ name: diskName(i), fail_read: [], fail_write: [], ...disk })),
    files: files.map(({ path, size, disk }) => ({ path, size, disk: diskName(disk) })),
    sysctl: [
      ['vm.dirty_ratio', setup.dirtyRatio], ['vm.dirty_background_ratio', setup.backgroundRatio],
      ['vm.dirty_writeback_centisecs', setup.writebackCentisecs], ['vm.dirty_expire_centisecs', setup.expireCentisecs], ['vm.laptop_mode', setup.laptopMode],
    ],
  };
}

export function diskName(index: number): string {
  return `sd${String.fromCharCode(97 + index)}`;
}

/** Runs until the watcher ends it, every process has ended, or nothing more can happen. What the watcher throws is thrown. */
export function runFileEngine({ machine, k, seats }: FileEngine, watcher: Watcher): RunEnd {
  let isOver = false;
  machine.hooks = {
    switch_to: (_, pid) => {
      if (pid === 0) watcher.event();
    },
    boundary: () => {
      watcher.event();
      if (isOver || !seats.every((seat) => isWaiting(k, seat))) return;
      for (const seat of seats) settle(k, seat);
      isOver = !watcher.idle();
      if (isOver) for (const { pid } of seats) if (pid !== 0) sendHome(k, pid);
    },
  };
  return run_machine(machine);
}

/** A round begins: each of its processes is told what to do. */
export function beginRound(engine: FileEngine, steps: readonly FileStep[]): void {
  const { k, seats } = engine;
  failAsTold(engine);
  for (const step of steps) {
    const seat = seats[step.seat]!;
    seat.step = step;
    wake_up_process(k, k.tasks[seat.pid]!);
  }
}

/** What a step of the last round came to. */
export function outcomeOf({ seats }: FileEngine, step: FileStep): FileOutcome {
  return seats[step.seat]!.outcome ?? assert.fail(`step ${step.id} has not ended`);
}

/** Whether a process has nothing to do, or has ended with all its memory. */
function isWaiting(k: Kernel, { pid, step }: Seat): boolean {
  if (pid === 0) return true;
  const task = k.tasks[pid]!;
  return task.state === EXIT_ZOMBIE || step === null && task.waits_for === IDLE;
}

const IDLE = 'what to do next';

/** A process that has ended leaves its seat; what it returned last is the signal that ended it. */
function settle(k: Kernel, seat: Seat): void {
  if (seat.pid === 0 || k.tasks[seat.pid]!.state !== EXIT_ZOMBIE) return;
  seat.outcome = { result: 0, bytes: null, signal: k.tasks[seat.pid]!.signal, size: 0, position: 0 };
  seat.pid = 0;
  seat.step = null;
}

function sendHome(k: Kernel, pid: number): void {
  const task = k.tasks[pid]!;
  task.exit_code = 0;
  task.program = HOME;
  wake_up_process(k, task);
}

const HOME = 'home';

/** What a process does all its life. */
function* work(engine: FileEngine, k: Kernel, task: task_struct): Coroutine {
  for (;;) {
    const seat = engine.seats.find(({ pid }) => pid === task.pid)!;
    while (seat.step === null && task.program !== HOME) yield* schedule_interruptible(k, IDLE);
    const { step } = seat;
    if (step === null) return;
    seat.outcome = null;
    const { action } = step;
    const result = yield* act(engine, k, step);
    if (action.name === 'exit' || signal_pending(task)) return;
    seat.outcome = { result, bytes: bytesRead(k, task, action, result), signal: 0, ...placeOf(engine, k, task, action) };
    seat.step = null;
  }
}

function* act(engine: FileEngine, k: Kernel, { id, action }: FileStep): Generator<Wait, number, void> {
  switch (action.name) {
    case 'open': {
      const fd = yield* sys_open(k, action.path, action.flags);
      if (fd >= 0) engine.results.set(id, fd);
      return fd;
    }
    case 'mmap': {
      const at = yield* mmap(engine, k, action);
      if (at > 0) engine.results.set(id, at).set(-1 - id, action.pages * PAGE_SIZE);
      return at;
    }
    case 'fork': return yield* fork(engine, k, action.seat);
    case 'exit':
      sys_exit(k, 0);
      return 0;
    case 'sync': return yield* sys_sync(k);
    case 'drop_caches':
      yield* write_sysctl(k, 'vm.drop_caches', action.value);
      return 0;
    case 'sleep':
      yield* schedule_timeout(k, action.ms * 1e6, 'a nap');
      return 0;
    case 'break': return breakPage(engine, action);
    case 'heal':
      engine.broken = [];
      return 0;
    case 'munmap': case 'load': case 'store': case 'msync': case 'madvise': return yield* actOnMemory(engine, k, action);
    default: return yield* actOnFile(engine, k, action);
  }
}

/** A descriptor that was never given out stands for one that is closed. */
function fdOf({ results }: FileEngine, { of }: From): number {
  return results.get(of) ?? 99;
}

type ActionOnMemory = Extract<FileAction, { name: 'munmap' | 'load' | 'store' | 'msync' | 'madvise' }>;
type ActionOnFile = Extract<FileAction, { fd: From }>;

function* actOnFile(engine: FileEngine, k: Kernel, action: ActionOnFile): Generator<Wait, number, void> {
  const fd = fdOf(engine, action.fd);
  const buf = virt(0);
  switch (action.name) {
    case 'close': return yield* sys_close(k, fd);
    case 'fsync': return yield* sys_fsync(k, fd);
    case 'read': return yield* user_read(k, { fd, buf, n: action.count, pos: null, byte: 0 });
    case 'pread': return yield* user_read(k, { fd, buf, n: action.count, pos: action.at, byte: 0 });
    case 'write': return yield* user_write(k, { fd, buf, n: action.count, pos: null, byte: action.byte });
    case 'pwrite': return yield* user_write(k, { fd, buf, n: action.count, pos: action.at, byte: action.byte });
    case 'lseek': return yield* sys_lseek(k, fd, action.offset, action.whence);
    case 'ftruncate': return yield* sys_ftruncate(k, fd, action.length);
    case 'fadvise': return yield* sys_fadvise64_64(k, fd, action.at, action.count, action.advice);
    case 'readahead': return yield* sys_readahead(k, fd, action.at, action.count);
    default: return assert.fail(`no such call on a file: ${action.name}`);
  }
}

function* actOnMemory(engine: FileEngine, k: Kernel, action: ActionOnMemory): Generator<Wait, number, void> {
  const start = engine.results.get(action.map.of)!;
  switch (action.name) {
    case 'load': return yield* load_user(k, virt(start + action.offset));
    case 'store': return yield* store_user(k, virt(start + action.offset), action.byte);
    case 'munmap': return yield* sys_munmap(k, start, lengthOf(engine, action.map));
    case 'msync': return yield* sys_msync(k, virt(start + action.first * PAGE_SIZE), action.pages * PAGE_SIZE, action.flags);
    default: return yield* sys_madvise(k, virt(start + action.first * PAGE_SIZE), action.pages * PAGE_SIZE, action.advice);
  }
}

/** Lengths of mappings, by step. */
function lengthOf({ results }: FileEngine, { of }: From): number {
  return results.get(-1 - of)!;
}

function* mmap(engine: FileEngine, k: Kernel, action: Extract<FileAction, { name: 'mmap' }>): Generator<Wait, number, void> {
  const { pages, first, isShared, isWritable, fd } = action;
  const prot = PROT_READ | (isWritable ? PROT_WRITE : 0);
  return yield* sys_mmap(k, 0, pages * PAGE_SIZE, prot, isShared ? MAP_SHARED : MAP_PRIVATE, fdOf(engine, fd), first * PAGE_SIZE);
}

function* fork(engine: FileEngine, k: Kernel, seat: number): Generator<Wait, number, void> {
  const pid = yield* do_fork(k, { name: 'child', comm: 'child', program: 'forked' });
  if (pid <= 0) return pid;
  engine.seats[seat] = { pid, step: null, outcome: null };
  return 0;
}

/** What a read has put into the buffer of its process: looked at from outside, so that the process touches nothing. */
function bytesRead(k: Kernel, task: task_struct, action: FileAction, result: number): Uint8Array | null {
  if ((action.name !== 'read' && action.name !== 'pread') || result <= 0) return null;
  const bytes = new Uint8Array(result);
  const { iobuf } = mm_of(k, task.mm);
  for (let done = 0; done < result; done += PAGE_SIZE) {
    const place = translate(k, virt(iobuf + done), 0);
    if (place >= 0) bytes.set(read_phys_bytes(k, place as Parameters<typeof read_phys_bytes>[1], Math.min(PAGE_SIZE, result - done)), done);
  }
  return bytes;
}

/** How long the file is that was written to, and where it stands. */
function placeOf(engine: FileEngine, k: Kernel, task: task_struct, action: FileAction): { size: number; position: number } {
  const isWrite = action.name === 'write' || action.name === 'pwrite';
  const opened = isWrite ? k.files[task.files[fdOf(engine, action.fd)] ?? 0] ?? null : null;
  return opened === null ? { size: 0, position: 0 } : { size: k.inodes[opened.f_inode]!.size, position: opened.f_pos };
}

// ---- disks that fail --------------------------------------------------------------------------------------------------

/** 1 where the page has a block, which is broken from the next round on. */
function breakPage(engine: FileEngine, { path, page, mode }: Extract<FileAction, { name: 'break' }>): number {
  if (blockOf(engine, path, page) === null) return 0;
  engine.broken.push({ path, page, mode });
  return 1;
}

function blockOf({ k }: FileEngine, path: string, page: number): { disk: number; block: number } | null {
  const inode = k.inodes[k.dcache.get(path) ?? 0] ?? null;
  const extent = inode?.extents.find(({ index, nr }) => index <= page && page < index + nr);
  return inode === null || extent === undefined ? null : { disk: inode.i_bdev, block: extent.block + page - extent.index };
}

/** A page that is gone with the end of its file takes its broken block along: the file's next page there is another one. */
function failAsTold(engine: FileEngine): void {
  const { k } = engine;
  engine.broken = engine.broken.filter(({ path, page }) => page * PAGE_SIZE < k.inodes[k.dcache.get(path)!]!.size);
  for (const disk of k.block.disks) {
    disk.fail_read = [];
    disk.fail_write = [];
  }
  for (const { path, page, mode } of engine.broken) {
    const place = blockOf(engine, path, page);
    if (place === null) continue;
    const range = { start: place.block, end: place.block + 1 };
    if (mode !== 'write') k.block.disks[place.disk]!.fail_read.push(range);
    if (mode !== 'read') k.block.disks[place.disk]!.fail_write.push(range);
  }
}
