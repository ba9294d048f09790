// Writes a run as a scenario: a process block for each process that starts, a fork block for each that is forked, a call for each step, with what the
// model expects of it, and at the end everything the model expects of every process that is left. So the scenario fails where the run failed.
//
// Where there is more than one process, every step has its time, so that they come in the order of the run. What the language cannot say is said in
// the scenario's first lines instead: limits of locked memory and data, munlockall(), mappings of files, a process that moves between CPUs.

import { textOf } from './lockstep.ts';
import type { Process, Space, World } from './memory-model.ts';
import { PAGE, VM, areaAt, totalPages } from './memory-model.ts';
import { byteAt, indexIn } from './memory-access.ts';
import type { Recording } from './shrinking.ts';
import type { Action, Outcome, Results, Setup, Step, Where } from './system-calls.ts';
import { makeWorld, predict, remember, resolve } from './system-calls.ts';

const MiB = 1 << 20;

/** Steps of virtual time between two steps of a run, ms: more than any takes. */
const BEAT = 20;

/** A block of the scenario: its lines, and the blocks of the processes it forks where they are forked. */
interface Block {
  header: string;
  lines: (string | Block)[];
  /** Names that are visible in it. */
  names: Set<string>;
  /** The CPU that its process keeps to. */
  cpu: number;
}

interface Writer {
  setup: Setup;
  world: World;
  results: Results;
  /** The blocks at top level, and the one that each slot's process is in. */
  blocks: Block[];
  slots: (Block | null)[];
  /** Names of the processes. */
  made: number;
  /** What could not be said. */
  missing: Set<string>;
  predict: typeof predict;
}

/** The scenario of a run. `ram` is totalram_pages of its machine, `why` what it fails by. */
export function scenarioOf({ setup, steps }: Recording, options: { ram: number; why: string; at: number | null; predict?: typeof predict }): string {
  const world = makeWorld(setup, options.ram);
  const how = options.predict ?? predict;
  const writer: Writer = { setup, world, results: new Map(), blocks: [], slots: [], made: 0, missing: new Set(), predict: how };
  const isTimed = steps.some(({ action }, i) => action.name === 'fork' || action.name === 'start' && i > 0);
  for (const [i, step] of steps.entries()) writeStep(writer, step, isTimed ? (i + 1) * BEAT : null);
  for (const [slot, block] of writer.slots.entries()) {
    const time = isTimed ? (steps.length + 1 + slot) * BEAT : null;
    if (block !== null) writeEnd(writer, slot, block, { time, at: options.at });
  }
  if (isTimed) for (const block of writer.slots) block?.lines.push(`until(${(steps.length + 6) * BEAT}ms)`);
  return [...head(writer, options.why, isTimed), ...writer.blocks.flatMap((block) => textOfBlock(block, '')), ''].join('\n');
}

function head({ setup, missing }: Writer, why: string, isTimed: boolean): string[] {
  const lines = [`// ${why}`, '// What no expectation says may be a law that is broken: run it with --check.'];
  if (missing.size > 0) lines.push(`// Not in the language, and so not here: ${[...missing].join(', ')}.`);
  lines.push('', 'machine {', `  arch ${setup.arch}`, `  cpus ${setup.cpus}`, `  memory ${setup.memory / MiB}MiB`);
  lines.push(`  sysctl vm.overcommit_memory = ${setup.overcommit}`, `  sysctl vm.overcommit_ratio = ${setup.overcommitRatio}`);
  lines.push(`  sysctl vm.max_map_count = ${setup.maxMapCount}`, `  sysctl vm.legacy_va_layout = ${setup.isLegacy ? 1 : 0}`, '}', '');
  if (isTimed) lines.push('def until(time) { if now < time { sleep time - now } }', '');
  return lines;
}

function textOfBlock(block: Block, indent: string): string[] {
  const lines = block.lines.flatMap((line) => (typeof line === 'string' ? [`${indent}  ${line}`] : textOfBlock(line, `${indent}  `)));
  return [`${indent}${block.header} {`, ...lines, `${indent}}`];
}

// ---- steps ------------------------------------------------------------------------------------------------------------

function writeStep(writer: Writer, step: Step, time: number | null): void {
  const { world, setup, results } = writer;
  const { action, slot } = step;
  const name = action.name === 'start' ? nameOf(writer.made) : 'p';
  const written = { block: writer.slots[slot] ?? null, call: '' };
  if (action.name !== 'start' && written.block !== null) written.call = callOf(writer, written.block, action);
  const expected = writer.predict(world, setup, step, { results, text: textOf(name) });
  remember(results, step, expected);
  if (action.name === 'start') startBlock(writer, step, { time, expected });
  else if (written.block !== null) writeCall(writer, step, { block: written.block, call: written.call, expected, time });
}

function nameOf(made: number): string {
  return made === 0 ? 'p' : `p${made}`;
}

function startBlock(writer: Writer, { slot, action, cpu }: Step, { time, expected }: { time: number | null; expected: Outcome }): void {
  if (action.name !== 'start') return;
  const { as, stack, data, memlock } = action.limits;
  const options = [
    action.isRoot ? ' uid 0' : '', writer.setup.cpus > 1 ? ` cpu ${cpu}` : '', as === Infinity ? '' : ` rlimit_as ${as / PAGE}pages`,
    stack === 8 * MiB || stack === Infinity ? '' : ` rlimit_stack ${stack / PAGE}pages`, time === null || time === BEAT ? '' : ` at ${time}ms`,
  ];
  if (stack === Infinity) writer.missing.add('a stack without limit');
  if (data !== Infinity) writer.missing.add(`RLIMIT_DATA ${data}`);
  if (memlock !== 32 << 10) writer.missing.add(`RLIMIT_MEMLOCK ${memlock}`);
  const dies = expected.result === 0 ? '' : ' dies SIGKILL';
  const block: Block = { header: `process ${nameOf(writer.made++)}${options.join('')}${dies}`, lines: [], names: new Set(), cpu };
  writer.blocks.push(block);
  writer.slots[slot] = expected.result === 0 ? block : null;
}

interface Call {
  block: Block;
  call: string;
  expected: Outcome;
  time: number | null;
}

function writeCall(writer: Writer, { id, slot, action, cpu }: Step, { block, call, expected, time }: Call): void {
  if (cpu !== block.cpu) writer.missing.add('a process that moves between CPUs');
  if (time !== null) block.lines.push(`until(${time}ms)`);
  if (action.name === 'fork') {
    forkBlock(writer, block, { child: action.child, isMade: expected.result === 0 });
    return;
  }
  const { result, death } = expected;
  if (death !== null || action.name === 'exit') {
    block.lines.push(call);
    endBlock(writer, slot, block, death?.signal ?? 0);
  } else if (Array.isArray(result)) block.lines.push(`expect len(${call}) == ${result.length}`);
  else if (call.startsWith('//') || action.name === 'touch') block.lines.push(call);
  else if (writer.results.has(id) && writer.results.get(id) === result) {
    block.lines.push(`let r${id} = ${call}`, `expect r${id} == ${number(result)}`);
    block.names.add(`r${id}`);
  } else block.lines.push(`expect ${call} == ${number(result)}`);
}

/** A process that ends by a signal: a declared one says so, a forked one cannot. */
function endBlock(writer: Writer, slot: number, block: Block, signal: number): void {
  writer.slots[slot] = null;
  if (signal === 0) return;
  if (block.header.startsWith('process')) block.header += signal === 11 ? ' dies SIGSEGV' : ' dies SIGBUS';
  else writer.missing.add(`that ${block.header} ends by signal ${signal}`);
}

function forkBlock(writer: Writer, parent: Block, { child, isMade }: { child: number; isMade: boolean }): void {
  const name = `c${writer.made++}`;
  const block: Block = { header: `let ${name} = fork f${name}`, lines: [], names: new Set(parent.names), cpu: parent.cpu };
  parent.lines.push(block, `expect ${name} ${isMade ? '> 0' : '== -ENOMEM'}`);
  writer.slots[child] = isMade ? block : null;
}

function number(value: number): string {
  if (value < 0) return ERRNO[-value] === undefined ? String(value) : `-${ERRNO[-value]}`;
  return value < PAGE ? String(value) : `0x${value.toString(16)}`;
}

const ERRNO: Readonly<Record<number, string>> = { 1: 'EPERM', 9: 'EBADF', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES', 14: 'EFAULT', 16: 'EBUSY', 22: 'EINVAL' };

// ---- calls ------------------------------------------------------------------------------------------------------------

function callOf(writer: Writer, block: Block, action: Action): string {
  const at = 'at' in action ? addressOf(writer, block, action.at) : '';
  switch (action.name) {
    case 'start': case 'fork': return '';
    case 'exit': return 'exit';
    case 'munlockall':
      writer.missing.add('munlockall()');
      return '// munlockall()';
    case 'mmap_file':
      writer.missing.add('mappings of files');
      return '// mmap of a file';
    case 'mlockall': return `mlockall(${action.flags})`;
    case 'mmap': return `mmap(${size(action.length)}, ${flagsOf(action.prot, PROTS)}, ${flagsOf(action.flags, MAPS)}${at === '0' ? '' : `, addr: ${at}`})`;
    case 'mprotect': return `mprotect(${at}, ${size(action.length)}, ${flagsOf(action.prot, PROTS)})`;
    case 'madvise': return `madvise(${at}, ${size(action.length)}, ${ADVICE[action.advice] ?? action.advice})`;
    case 'msync': return `msync(${at}, ${size(action.length)}, ${action.flags})`;
    case 'mremap': return remapOf(writer, block, action);
    case 'brk': case 'set_esp': case 'load': return `${action.name}(${at})`;
    case 'store': return `store(${at}, ${action.byte})`;
    case 'touch': return `touch ${at} .. ${at} + ${size(action.length)} ${action.how}`;
    default: return `${action.name}(${at}, ${size(action.length)})`;
  }
}

function remapOf(writer: Writer, block: Block, { at, to, length, newLength, flags }: Extract<Action, { name: 'mremap' }>): string {
  const target = (flags & 2) === 0 ? '' : `, new_addr: ${addressOf(writer, block, to)}`;
  return `mremap(${addressOf(writer, block, at)}, ${size(length)}, ${size(newLength)}, ${flagsOf(flags, REMAPS)}${target})`;
}

function addressOf({ results }: Writer, block: Block, where: Where): string {
  const name = `r${where.of}`;
  if (!results.has(where.of) || !block.names.has(name)) return number(resolve(results, where));
  return where.offset === 0 ? name : `${name} + ${number(where.offset)}`;
}

function size(length: number): string {
  if (length === 0 || length % PAGE !== 0) return String(length);
  return length === PAGE ? '1page' : `${length / PAGE}pages`;
}

const PROTS: readonly [number, string][] = [[1, 'PROT_READ'], [2, 'PROT_WRITE'], [4, 'PROT_EXEC']];
const MAPS: readonly [number, string][] = [
  [1, 'MAP_SHARED'], [2, 'MAP_PRIVATE'], [0x10, 'MAP_FIXED'], [0x20, 'MAP_ANONYMOUS'], [0x2000, 'MAP_LOCKED'], [0x4000, 'MAP_NORESERVE'],
  [0x8000, 'MAP_POPULATE'],
];
const REMAPS: readonly [number, string][] = [[1, 'MREMAP_MAYMOVE'], [2, 'MREMAP_FIXED']];
const ADVICE: Readonly<Record<number, string>> = {
  0: 'MADV_NORMAL', 1: 'MADV_RANDOM', 2: 'MADV_SEQUENTIAL', 3: 'MADV_WILLNEED', 4: 'MADV_DONTNEED', 9: 'MADV_REMOVE', 10: 'MADV_DONTFORK',
  11: 'MADV_DOFORK',
};

/** Flags by name; what has none, as a number. */
function flagsOf(flags: number, names: readonly [number, string][]): string {
  const known = names.filter(([bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [bit]) => left & ~bit, flags);
  return [...known.map(([, name]) => name), ...rest !== 0 || known.length === 0 ? [number(rest)] : []].join(' | ');
}

// ---- what the model expects in the end --------------------------------------------------------------------------------

/** Bytes of a page that are worth a line. */
const MOST_BYTES = 6;

function writeEnd(writer: Writer, slot: number, block: Block, { time, at }: { time: number | null; at: number | null }): void {
  const process = writer.world.processes[slot];
  if (process === null || process === undefined) return;
  const { space } = process;
  const own = [...space.pages.values()].filter((page) => page.kind === 'own').length;
  if (time !== null) block.lines.push(`until(${time}ms)`);
  block.lines.push(`expect len(current.vmas) == ${space.areas.length} && current.total_vm == ${totalPages(space)}`);
  for (const [i, { start, end, flags }] of space.areas.entries()) {
    const vma = `current.vmas[${i}]`;
    block.lines.push(`expect ${vma}.start == ${number(start)} && ${vma}.end == ${number(end)} && ${vma}.flags == ${number(flags)}`);
  }
  block.lines.push(`expect current.anon_rss == ${own} && current.file_rss == ${space.pages.size - own}`);
  block.lines.push(...bytesOf(process, at).map((address) => `expect load(${number(address)}) == ${byteAt(space, address)}`));
}

function isReadable(space: Space, address: number): boolean {
  const area = areaAt(space, address);
  if (area === undefined || (area.flags & (VM.READ | VM.EXEC)) === 0) return false;
  return area.source === null || indexIn(area, address) < area.source.length;
}

/** Addresses of bytes that were written, or that are in question, where the process may read them. */
function bytesOf({ space }: Process, at: number | null): number[] {
  const addresses = at === null ? [] : [at];
  for (const [page, content] of space.pages) {
    const written = content.kind === 'own' ? content.bytes : content.kind === 'source' ? content.source.written.get(content.index) : undefined;
    addresses.push(...[...written?.keys() ?? []].slice(0, MOST_BYTES).map((offset) => page * PAGE + offset));
  }
  return [...new Set(addresses)].filter((address) => isReadable(space, address)).sort((one, other) => one - other);
}
