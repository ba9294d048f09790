// What a random run is made of: a machine, and steps that processes take one after the other. A step is data, so that a run can be repeated,
// shortened and written as a scenario. Here too is what the model says of a step.

import { file_byte } from '../../engine/fs/file_bytes.ts';
import type { Death, Limits, Process, Source, World } from './memory-model.ts';
import { ENOMEM, PAGE, VM, VM_ACCESS, VM_DATA, VM_MAY, insert, promise, releaseAll } from './memory-model.ts';
import { load, store } from './memory-access.ts';
import * as calls from './memory-calls.ts';
import { mremap } from './memory-remap.ts';

/** The machine of a run. */
export interface Setup {
  arch: 'i386' | 'x86_64';
  cpus: number;
  /** Bytes */
  memory: number;
  overcommit: 0 | 1 | 2;
  overcommitRatio: number;
  maxMapCount: number;
  /** Areas are placed from low addresses up on i386 too (vm.legacy_va_layout). */
  isLegacy: boolean;
  /** Whether there are files to map, which a scenario cannot do yet. */
  hasFiles: boolean;
}

/** The files that every process has open, where there are any. */
export const FILES: readonly { path: string; size: number; mayRead: boolean; mayWrite: boolean }[] = [
  { path: '/data/both', size: 6 * PAGE + 2000, mayRead: true, mayWrite: true },
  { path: '/data/read', size: 9 * PAGE, mayRead: true, mayWrite: false },
  { path: '/data/written', size: 4 * PAGE, mayRead: false, mayWrite: true },
];

/** An address: so far from what the step of that id returned, or where it is not taken, from what it returned when the run was made (`base`). An
 *  address of no step has the id −1. */
export interface Where {
  of: number;
  base: number;
  offset: number;
}

export type Action =
  | { name: 'start'; isRoot: boolean; limits: Limits }
  | { name: 'fork'; child: number }
  | { name: 'exit' }
  | { name: 'mmap'; at: Where; length: number; prot: number; flags: number }
  | { name: 'mmap_file'; at: Where; length: number; prot: number; flags: number; file: number; pgoff: number }
  | { name: 'munmap' | 'mlock' | 'munlock' | 'mincore'; at: Where; length: number }
  | { name: 'mprotect'; at: Where; length: number; prot: number }
  | { name: 'madvise'; at: Where; length: number; advice: number }
  | { name: 'msync'; at: Where; length: number; flags: number }
  | { name: 'mremap'; at: Where; length: number; newLength: number; flags: number; to: Where }
  | { name: 'brk' | 'set_esp'; at: Where }
  | { name: 'load'; at: Where }
  | { name: 'store'; at: Where; byte: number }
  | { name: 'touch'; at: Where; length: number; how: 'read' | 'write' }
  | { name: 'mlockall'; flags: number }
  | { name: 'munlockall' };

/** One step of the process in a slot, on a CPU. */
export interface Step {
  id: number;
  slot: number;
  cpu: number;
  action: Action;
}

/** Processes there may be at once. */
export const SLOTS = 4;

/** What a step came to: what the call returned (of a fork 0 for the child's pid), and how the process died of it. */
export interface Outcome {
  result: number | number[];
  death: Death | null;
}

/** What steps returned, by id, for the addresses of later ones. */
export type Results = Map<number, number>;

export function resolve(results: Results, where: Where): number {
  return (results.get(where.of) ?? where.base) + where.offset;
}

/** Remembers the address that a step returned. */
export function remember(results: Results, step: Step, { result }: Outcome): void {
  const { name } = step.action;
  if ((name === 'mmap' || name === 'mmap_file' || name === 'mremap') && typeof result === 'number' && result >= 0) results.set(step.id, result);
}

// ---- what the model says ----------------------------------------------------------------------------------------------

/** The text of a program: its bytes, as long as nobody writes the file. */
export type ProgramText = (offset: number) => number;

const TEXT_PAGES = 4;
/** Text and data. */
export const PROGRAM_PAGES = TEXT_PAGES + 1;
const STACK_PAGES = 21;
const MiB = 1 << 20;

export function makeWorld(setup: Setup, ram: number): World {
  const isI386 = setup.arch === 'i386';
  return {
    arch: setup.arch, taskSize: isI386 ? 0xc0000000 : 0x7ffffffff000, unmappedBase: isI386 ? 0x40000000 : 0x2aaaaaaab000, ram,
    overcommit: setup.overcommit, overcommitRatio: setup.overcommitRatio, maxMapCount: setup.maxMapCount,
    committed: 0, seen: 0, unseen: Array.from({ length: setup.cpus }, () => 0), cpu: 0, lost: 0, strays: 0, families: 0, sources: 0,
    processes: Array.from({ length: SLOTS }, () => null),
    files: setup.hasFiles ? FILES.map(({ path, size, mayRead, mayWrite }) => ({ source: dataOf(path, size), mayRead, mayWrite })) : [],
  };
}

function dataOf(path: string, size: number): Source {
  const original = (offset: number): number => (offset < size ? file_byte(path, offset) : 0);
  return { id: 0, kind: 'file', length: Math.ceil(size / PAGE), isPromised: true, cached: new Set(), written: new Map(), original };
}

/** What a step does to the world, and what it returns. */
export function predict(world: World, setup: Setup, step: Step, at: { results: Results; text: ProgramText }): Outcome {
  const { action, slot } = step;
  world.cpu = step.cpu;
  if (action.name === 'start') return returned(start(world, setup, step, at.text));
  const process = world.processes[slot]!;
  if (action.name === 'fork') return returned(fork(world, process, action.child));
  const outcome = call(world, process, action, at.results);
  if (outcome.death === null && action.name !== 'exit') return outcome;
  releaseAll(world, process.space);
  world.processes[slot] = null;
  return outcome;
}

function returned(result: number | number[]): Outcome {
  return { result, death: null };
}

function accessed(death: Death | null): Outcome {
  return { result: 0, death };
}

function fork(world: World, process: Process, child: number): number {
  const made = calls.fork(world, process);
  world.processes[child] = made;
  return made === null ? -ENOMEM : 0;
}

type CallAction = Exclude<Action, { name: 'start' | 'fork' }>;

function call(world: World, process: Process, action: CallAction, results: Results): Outcome {
  switch (action.name) {
    case 'exit': return returned(0);
    case 'mlockall': return returned(calls.mlockall(world, process, action.flags));
    case 'munlockall': return returned(calls.munlockall(world, process));
    case 'load': case 'store': case 'touch': return reach(world, process, action, resolve(results, action.at));
    case 'mremap': return returned(remap(world, process, action, results));
    default: return returned(callAt(world, process, action, resolve(results, action.at)));
  }
}

function remap(world: World, process: Process, action: Extract<Action, { name: 'mremap' }>, results: Results): number {
  const { length, newLength, flags } = action;
  const [address, newAddress] = [resolve(results, action.at), resolve(results, action.to)];
  return mremap(world, process, { address, oldLength: length, newLength, flags, newAddress });
}

/** Loads and stores. */
function reach(world: World, process: Process, action: Extract<Action, { name: 'load' | 'store' | 'touch' }>, address: number): Outcome {
  switch (action.name) {
    case 'load': {
      const byte = load(world, process, address);
      return typeof byte === 'number' ? returned(byte) : accessed(byte);
    }
    case 'store': return accessed(store(world, process, address, action.byte));
    default: return accessed(calls.touchRange(world, process, { start: address, end: address + action.length, how: action.how }));
  }
}

type RangeAction = Exclude<CallAction, { name: 'exit' | 'mlockall' | 'munlockall' | 'load' | 'store' | 'touch' | 'mremap' }>;

function callAt(world: World, process: Process, action: RangeAction, address: number): number | number[] {
  switch (action.name) {
    case 'mmap': return calls.mmap(world, process, { ...action, address, file: null, pgoff: 0 });
    case 'mmap_file': return calls.mmap(world, process, { ...action, address, file: world.files[action.file]! });
    case 'munmap': return calls.munmap(world, process, address, action.length);
    case 'mlock': return calls.mlock(world, process, address, action.length);
    case 'munlock': return calls.munlock(world, process, address, action.length);
    case 'mincore': return calls.mincore(world, process, address, action.length);
    case 'mprotect': return calls.mprotect(world, process, { start: address, length: action.length, prot: action.prot });
    case 'madvise': return calls.madvise(world, process, { start: address, length: action.length, advice: action.advice });
    case 'msync': return calls.msync(world, process, { start: address, length: action.length, flags: action.flags });
    case 'brk': return calls.brk(world, process, address);
    default:
      process.stackPointer = address;
      return 0;
  }
}

// ---- a process that starts --------------------------------------------------------------------------------------------

/** A process as the language has it start: text, data, an empty heap, a stack, nothing resident. */
function start(world: World, setup: Setup, { slot, action }: Step, text: ProgramText): number {
  if (action.name !== 'start') return 0;
  const textStart = setup.arch === 'i386' ? 0x08048000 : 0x400000;
  const dataStart = textStart + TEXT_PAGES * PAGE;
  const { isTopDown, mmapBase } = layout(world, setup, action.limits);
  const process: Process = {
    isRoot: action.isRoot, limits: { ...action.limits }, stackPointer: world.taskSize - PAGE,
    space: {
      areas: [], pages: new Map(), brk: dataStart + PAGE, startData: dataStart, endCode: dataStart, isTopDown, mmapBase, searchFrom: mmapBase,
      largestHole: 0, defaultFlags: 0,
    },
  };
  world.processes[slot] = process;
  if (loadProgram(world, process, { textStart, dataStart, text })) return 0;
  releaseAll(world, process.space);
  world.processes[slot] = null;
  return -ENOMEM;
}

/** MM-1, X-32 */
function layout(world: World, setup: Setup, limits: Limits): { isTopDown: boolean; mmapBase: number } {
  if (setup.arch === 'x86_64' || setup.isLegacy || limits.stack === Infinity) return { isTopDown: false, mmapBase: world.unmappedBase };
  const gap = Math.min(Math.max(limits.stack, 128 * MiB), Math.floor(world.taskSize / 6) * 5);
  return { isTopDown: true, mmapBase: Math.ceil((world.taskSize - gap) / PAGE) * PAGE };
}

interface Program {
  textStart: number;
  dataStart: number;
  text: ProgramText;
}

/** Stack, text and data, each promised as it is mapped; false where one may not be. */
function loadProgram(world: World, process: Process, { textStart, dataStart, text }: Program): boolean {
  const { space } = process;
  const stackStart = world.taskSize - STACK_PAGES * PAGE;
  const file = VM_MAY | VM.DENYWRITE | VM.EXECUTABLE;
  if (!promise(world, process, STACK_PAGES)) return false;
  const stack = VM_DATA | VM.GROWSDOWN | VM.ACCOUNT;
  insert(space, { start: stackStart, end: world.taskSize, flags: stack, source: null, pgoff: stackStart / PAGE, family: 0 });
  const source = {
    id: ++world.sources, kind: 'file' as const, length: PROGRAM_PAGES, isPromised: true, cached: new Set<number>(),
    written: new Map<number, Map<number, number>>(), original: text,
  };
  insert(space, { start: textStart, end: dataStart, flags: file | VM.READ | VM.EXEC, source, pgoff: 0, family: 0 });
  if (!promise(world, process, 1)) return false;
  const flags = file | (VM_ACCESS & ~VM.EXEC) | VM.ACCOUNT;
  insert(space, { start: dataStart, end: dataStart + PAGE, flags, source, pgoff: TEXT_PAGES, family: 0 });
  return true;
}
