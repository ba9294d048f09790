// Writes a run of file calls as a scenario: a process block for each process, a fork block for each that is forked, a call for each step with what
// the model expects it to return, and at the end what the model expects the files to hold: as they are in memory, and once more from the disk.
//
// Rounds come at times that are further apart than any call takes, so pdflush comes at other moments than in the run. What the language cannot say is
// said in the scenario's first lines instead: power cuts, disks that break.

import type { FileCourse, FileRun } from './file-lockstep.ts';
import { runFiles } from './file-lockstep.ts';
import { PAGE, certain } from './file-pages.ts';
import type { FileAction, FileSetup, FileStep, From } from './file-steps.ts';
import type { FileRecording } from './file-shrinking.ts';
import type { ModelFile } from './file-world.ts';

/** A block of the scenario: its lines, and the blocks of the processes it forks where they are forked. */
interface Block {
  header: string;
  lines: (string | Block)[];
}

interface Writer {
  course: FileCourse;
  /** All blocks at top level, and the one that each seat's process is in. */
  blocks: Block[];
  seats: (Block | null)[];
  /** What could not be said. */
  missing: Set<string>;
}

/** Time between two rounds, ms. */
const BEAT = 4_000;
/** Bytes of a file that are worth a line each. */
const MOST_BYTES = 24;

/** The scenario of a run; `why` is what it fails by, or what it is. */
export function fileScenario({ setup, rounds }: FileRecording, why: string, how: Pick<FileRun, 'tamper'> = {}): string {
  let at = 0;
  const course = runFiles({ ...how, setup, next: () => rounds[at++] ?? null });
  const processes = Array.from({ length: setup.processes }, (_, i): Block => ({ header: `process p${i} uid 0`, lines: [] }));
  const writer: Writer = { course, blocks: processes, seats: [...processes, ...Array<null>(4).fill(null)], missing: new Set() };
  let time = BEAT;
  for (const round of rounds) {
    for (const step of round) writeStep(writer, step, time);
    time += BEAT + Math.max(...round.map(({ action }) => (action.name === 'sleep' ? action.ms : 0)));
  }
  writer.blocks.push({ header: 'process reader uid 0', lines: [`until(${time}ms)`, ...endOf(course)] });
  return [...head(setup, why, writer.missing), ...writer.blocks.flatMap((block) => textOf(block, '')), ''].join('\n');
}

function head(setup: FileSetup, why: string, missing: ReadonlySet<string>): string[] {
  const lines = why.split('\n').map((line) => `// ${line}`);
  lines.push('// What no expectation says may be a law that is broken: run it with --check.');
  if (missing.size > 0) lines.push(`// Not in the language, and so not here: ${[...missing].join(', ')}.`);
  lines.push('', 'machine {', `  cpus ${setup.cpus}`, `  memory ${setup.memory >> 20}MiB`);
  for (const [i, { blocks, seek, bandwidth }] of setup.disks.entries()) {
    lines.push(`  disk ${disk(i)} { size ${blocks}pages  seek ${seek / 1000}us  bandwidth ${bandwidth >> 20}MiB/s }`);
  }
  for (const file of setup.files) lines.push(`  file "${file.path}" ${file.size} on ${disk(file.disk)}`);
  lines.push(`  sysctl vm.dirty_ratio = ${setup.dirtyRatio}`, `  sysctl vm.dirty_background_ratio = ${setup.backgroundRatio}`);
  lines.push(`  sysctl vm.dirty_writeback_centisecs = ${setup.writebackCentisecs}`, `  sysctl vm.dirty_expire_centisecs = ${setup.expireCentisecs}`);
  lines.push(`  sysctl vm.laptop_mode = ${setup.laptopMode}`, '}', '', 'def until(time) { if now < time { sleep time - now } }', '');
  return lines;
}

function disk(index: number): string {
  return `sd${String.fromCharCode(97 + index)}`;
}

function textOf(block: Block, indent: string): string[] {
  const lines = block.lines.flatMap((line) => (typeof line === 'string' ? [`${indent}  ${line}`] : textOf(line, `${indent}  `)));
  return [`${indent}${block.header} {`, ...lines, `${indent}}`];
}

// ---- steps ------------------------------------------------------------------------------------------------------------

function writeStep(writer: Writer, { id, seat, action }: FileStep, time: number): void {
  const block = writer.seats[seat];
  if (block === null || block === undefined) return;
  block.lines.push(`until(${time}ms)`);
  if (action.name === 'fork') {
    const child: Block = { header: `let c${id} = fork child${id}`, lines: [] };
    block.lines.push(child, `expect c${id} > 0`);
    writer.seats[action.seat] = child;
    return;
  }
  const call = callOf(writer, action);
  const due = writer.course.due.get(id);
  const death = writer.course.deaths.get(id) ?? 0;
  if (action.name === 'open' || action.name === 'mmap') block.lines.push(`let r${id} = ${call}`, `expect r${id} ${due === undefined ? '> 0' : `== ${number(due)}`}`);
  else if (call === 'exit' || call.startsWith('sleep') || call.startsWith('//') || call.startsWith('sysctl') || due === undefined || death !== 0) block.lines.push(call);
  else block.lines.push(`expect ${call} == ${number(due)}`);
  if (death !== 0 || action.name === 'exit') endBlock(writer, seat, block, death);
}

/** A process that ends by a signal: a declared one says so, a forked one cannot. */
function endBlock(writer: Writer, seat: number, block: Block, signal: number): void {
  writer.seats[seat] = null;
  if (signal === 0) return;
  if (block.header.startsWith('process')) block.header += signal === 11 ? ' dies SIGSEGV' : ' dies SIGBUS';
  else writer.missing.add('that a forked process ends by a signal');
}

function callOf(writer: Writer, action: FileAction): string {
  switch (action.name) {
    case 'break': case 'heal':
      writer.missing.add('blocks that break and are whole again');
      return `// ${action.name}`;
    case 'sleep': return `sleep ${action.ms}ms`;
    case 'drop_caches': return `sysctl("vm.drop_caches", ${action.value})`;
    case 'sync': return 'sync()';
    case 'open': return `open("${action.path}", ${flagsOf(action.flags)})`;
    case 'munmap': return `munmap(${name(action.map)}, ${lengthOf(writer, action.map)}pages)`;
    case 'load': return `load(${name(action.map)} + ${action.offset})`;
    case 'store': return `store(${name(action.map)} + ${action.offset}, ${action.byte})`;
    case 'msync': return `msync(${name(action.map)} + ${action.first}pages, ${action.pages}pages, ${action.flags})`;
    case 'madvise': return `madvise(${name(action.map)} + ${action.first}pages, ${action.pages}pages, ${action.advice})`;
    case 'fork': case 'exit': return action.name;
    default: return callOnFile(writer, action);
  }
}

function callOnFile({ course }: Writer, action: Extract<FileAction, { fd: From }>): string {
  const fd = course.engine.results.get(action.fd.of) ?? 99;
  switch (action.name) {
    case 'read': return `read(${fd}, ${action.count})`;
    case 'pread': return `pread(${fd}, ${action.count}, ${action.at})`;
    case 'write': return `write(${fd}, ${action.count}, ${action.byte})`;
    case 'pwrite': return `pwrite(${fd}, ${action.count}, ${action.at}, ${action.byte})`;
    case 'lseek': return `lseek(${fd}, ${action.offset}, ${action.whence})`;
    case 'ftruncate': return `ftruncate(${fd}, ${action.length})`;
    case 'fadvise': return `fadvise(${fd}, ${action.at}, ${action.count}, ${action.advice})`;
    case 'readahead': return `readahead(${fd}, ${action.at}, ${action.count})`;
    case 'mmap': {
      const prot = action.isWritable ? 'PROT_READ | PROT_WRITE' : 'PROT_READ';
      return `mmap(${action.pages}pages, ${prot}, ${action.isShared ? 'MAP_SHARED' : 'MAP_PRIVATE'}, ${fd}, ${action.first}pages)`;
    }
    default: return `${action.name}(${fd})`;
  }
}

/** A mapping is called by the step that made it: its process's own, or an ancestor's. (Descriptors are numbers.) */
function name({ of }: From): string {
  return `r${of}`;
}

function lengthOf({ course }: Writer, { of }: From): number {
  return (course.engine.results.get(-1 - of) ?? PAGE) / PAGE;
}

const FLAGS: readonly [number, string][] = [
  [0o100, 'O_CREAT'], [0o200, 'O_EXCL'], [0o1000, 'O_TRUNC'], [0o2000, 'O_APPEND'], [0o10000, 'O_SYNC'],
];

function flagsOf(flags: number): string {
  return [['O_RDONLY', 'O_WRONLY', 'O_RDWR'][flags & 3]!, ...FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word)].join(' | ');
}

const ERRNO: Readonly<Record<number, string>> = { 2: 'ENOENT', 5: 'EIO', 9: 'EBADF', 13: 'EACCES', 17: 'EEXIST', 22: 'EINVAL' };

function number(value: number): string {
  return value < 0 ? `-${ERRNO[-value] ?? -value}` : String(value);
}

// ---- what the model expects in the end --------------------------------------------------------------------------------

function endOf({ world }: FileCourse): string[] {
  const files = [...world.files.values()].filter(({ wasBroken }) => !wasBroken);
  const memory = files.flatMap((file, i) => contentOf(file, `m${i}`));
  const disk = files.flatMap((file, i) => contentOf(file, `d${i}`));
  return [...memory, 'sync()', 'sysctl("vm.drop_caches", 1)', '// And now from the disk.', ...disk];
}

/** A file is as long as it should be, and so are bytes where its runs begin. */
function contentOf(file: ModelFile, label: string): string[] {
  const lines = [`let ${label} = open("${file.path}")`, `expect lseek(${label}, 0, SEEK_END) == ${file.size}`];
  if (file.size === 0) return [...lines, `close(${label})`];
  lines.push(`let ${label}m = mmap(${Math.ceil(file.size / PAGE)}pages, PROT_READ, MAP_SHARED, ${label})`);
  for (const [offset, byte] of startsOf(file)) lines.push(`expect load(${label}m + ${offset}) == ${byte}`);
  return [...lines, `munmap(${label}m, ${Math.ceil(file.size / PAGE)}pages)`, `close(${label})`];
}

function startsOf(file: ModelFile): [number, number][] {
  const starts: [number, number][] = [];
  for (const [index, page] of file.pages) {
    const bytes = page.tail === null ? certain(page) : null;
    const own = [...bytes?.keys() ?? []].filter((i) => index * PAGE + i < file.size && (i === 0 || bytes![i] !== bytes![i - 1]));
    for (const i of own.length > 8 ? [] : own) starts.push([index * PAGE + i, bytes![i]!]);
  }
  return starts.slice(0, MOST_BYTES);
}
