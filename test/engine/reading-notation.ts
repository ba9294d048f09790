// Tasks that read, write and map one file of a disk, as words, and what their disk did, as lines. A task is its words:
//
//   r100        reads 100 bytes from where its file stands            r1p@3p     reads a page from byte 3 * 4096 on, and stands there still
//   w100@5=y    writes 100 times `y` from byte 5 on; without a place or a letter as r, and `x`
//   write wait  begins to write the file's dirty pages, waits for them            fsync      both, and what comes of it is a result
//   f3  F3      loads a byte of page 3 of a mapping of the file, stores one
//   open        opens the file anew: nothing is known of how it is read          same       uses the first task's open file
//   ~3ms        sleeps                        random, sequential: the mapping's advice             truncate5p   the file ends at byte 5 * 4096
//   ra0 miss9   sets its largest window, the misses of its mapping       drop3      takes page 3 out of the cache, as soon as it has the lock
//   20*r1p      does it 20 times
//
// Every task opens the file by itself. What a word gave: `r100=100`, `f3=MAJOR`, `f3=SIGBUS` and the task ends; many equal ones are `20*r1p=4096`.
// Every byte that was read is compared with what the file holds as the test knows it. The disk seeks in 1 ms and moves a page in 0.1 ms; nothing else
// takes time. A line of its diary is a time in ms and a request that begins: `3 R0+4`. What was submitted, before it was merged, is `bios`: `R0+4`.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { CostTable } from '../../engine/kernel.ts';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { RunEnd } from '../../engine/machine.ts';
import type { file, inode } from '../../engine/include/mm_types.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { MADV_RANDOM, MADV_SEQUENTIAL, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { FMODE_READ, FMODE_WRITE } from '../../engine/include/mm_types.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { default_config } from '../../engine/config.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { find_lock_page, remove_from_page_cache, unlock_page } from '../../engine/mm/filemap.ts';
import { generic_file_read } from '../../engine/mm/filemap_read.ts';
import { filemap_fdatawait, filemap_fdatawrite, filemap_write_and_wait } from '../../engine/mm/filemap_sync.ts';
import { generic_file_write } from '../../engine/mm/filemap_write.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { vmtruncate } from '../../engine/mm/memory_zap.ts';
import { inode_of, open_inode } from '../../engine/mm/mm_struct.ts';
import { put_page } from '../../engine/mm/swap.ts';
import { store_user, touch_user, try_load_user } from '../../engine/mm/user_memory.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { MS, ms, testDisk } from './block-notation.ts';
import { mapPages, pageAt, user } from './processes.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

export const PATH = '/data/f';

/** Pages of the memory that a task reads into and writes from. */
const BUFFER_PAGES = 64;

/** What a story is about; `pages` of the file that are there from the start, or its `size` in bytes. */
export interface Setting {
  pages?: number;
  size?: number;
  disk?: Partial<DiskConfig>;
  config?: Partial<MachineConfig>;
  /** Flags that files are opened with. */
  flags?: number;
}

/** What came of it. */
export interface Story {
  k: Kernel;
  end: RunEnd;
  file: inode;
  /** By task: what each of its words gave. */
  results: string[];
  /** Requests of the disk. */
  io: string[];
  /** Bios, one after the other. */
  bios: string;
}

interface Reader {
  k: Kernel;
  task: task_struct;
  opened: file;
  buffer: VirtAddr;
  mapping: VirtAddr;
  /** What the file holds as the test knows it: bytes that were written over those it began with. */
  written: Map<number, number>;
  results: string[];
}

const free: Partial<CostTable> = Object.fromEntries(Object.keys(machineWith([]).k.cost).filter((key) => key !== 'quantum').map((key) => [key, 0]));

/** Runs tasks of words, every law checked whenever another one is chosen. */
export function tell(tasks: readonly string[], setting: Setting = {}): Story {
  const size = setting.size ?? (setting.pages ?? 1000) * PAGE_SIZE;
  const results: string[][] = tasks.map(() => []);
  const written = new Map<number, number>();
  const bodies = tasks.map((words, i) => user(`t${i}`, function* (k, task) {
    const reader = yield* makeReader(k, task, { written, results: results[i]!, flags: setting.flags ?? 0 });
    for (const word of words.trim().split(/\s+/)) yield* follow(reader, word);
  }));
  const machine = machineWith(bodies, {
    ...default_config(), memory: 64 * MiB, disks: [testDisk(setting.disk)], files: [{ path: PATH, size, disk: 'sda' }], cost: free, ...setting.config,
  });
  const { k } = machine;
  resize_ring(k, 1 << 18);
  set_tracing(k, 1);
  machine.hooks = { boundary: () => assert.deepEqual(check_machine(k), []) };
  const end = run_machine(machine);
  assert.deepEqual(check_machine(k), []);
  const file = inode_of(k, k.dcache.get(PATH)!);
  return { k, end, file, results: results.map(inRuns), io: ioOf(k), bios: biosOf(k) };
}

/** Results with those that follow each other and are equal as one. */
function inRuns(results: readonly string[]): string {
  const starts = results.map((_, i) => i).filter((i) => results[i] !== results[i - 1]);
  const runs = starts.map((start, i) => ({ text: results[start]!, count: (starts[i + 1] ?? results.length) - start }));
  return runs.map(({ text, count }) => (count === 1 ? text : `${count}*${text}`)).join(' ');
}

/** Requests as the disk began them: time in ms, direction, first block and how many. */
export function ioOf(k: Kernel): string[] {
  return trace_records(k).filter(({ name }) => name === 'block_rq_issue')
    .map(({ time, args }) => `${ms(time)} ${args['rw'] === 1 ? 'W' : 'R'}${args['sector']! / 8}+${args['nr_sector']! / 8}`);
}

/** Bios as they were submitted. */
export function biosOf(k: Kernel): string {
  return trace_records(k).filter(({ name }) => name === 'block_bio_queue')
    .map(({ args }) => `${args['rw'] === 1 ? 'W' : 'R'}${args['sector']! / 8}+${args['nr_sector']! / 8}`).join(' ');
}

function* makeReader(
  k: Kernel, task: task_struct, { written, results, flags }: { written: Map<number, number>; results: string[]; flags: number },
): Generator<Wait, Reader, void> {
  const buffer = yield* mapPages(k, BUFFER_PAGES);
  const opened = open_inode(k, inode_of(k, k.dcache.get(PATH)!), FMODE_READ | FMODE_WRITE, flags);
  const mapping = yield* mapPages(k, 1000, { prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, file: opened.id });
  return { k, task, opened, buffer, mapping, written, results };
}

function* follow(reader: Reader, word: string): Generator<Wait, void, void> {
  const repeated = /^(\d+)\*(.*)$/.exec(word);
  const times = repeated === null ? 1 : Number(repeated[1]);
  for (let i = 0; i < times; i++) {
    const single = repeated === null ? word : repeated[2]!;
    const result = yield* act(reader, single);
    if (result !== '') reader.results.push(`${single.split('=')[0]}=${result}`);
  }
}

function* act(reader: Reader, word: string): Generator<Wait, string, void> {
  const [, kind, count, at, letter] = /^([rwfF])(\d+p?)?(?:@(\d+p?))?(?:=(.))?$/.exec(word) ?? [];
  switch (kind) {
    case 'r': return String(yield* read(reader, bytes(count!), at));
    case 'w': return String(yield* write(reader, bytes(count!), at, letter ?? 'x'));
    case 'f': return yield* touch(reader, Number(count), 0);
    case 'F': return yield* touch(reader, Number(count), 1);
    default: return yield* actOnFile(reader, word);
  }
}

/** Words that are about the file as a whole: a name and a number. */
function* actOnFile(reader: Reader, word: string): Generator<Wait, string, void> {
  const { k, opened, mapping } = reader;
  const inode = inode_of(k, opened.f_inode);
  const [, name, number] = /^([a-z]+|~)([\d.]*p?)(?:ms)?$/.exec(word) ?? assert.fail(`no such word: ${word}`);
  switch (name) {
    case 'write': return String(yield* filemap_fdatawrite(k, inode));
    case 'wait': return String(yield* filemap_fdatawait(k, inode));
    case 'fsync': return String(yield* filemap_write_and_wait(k, inode));
    case 'same': reader.opened = k.files.find((other) => other?.f_inode === opened.f_inode)!; break;
    case 'open': reader.opened = open_inode(k, inode, opened.f_mode, opened.f_flags); break;
    case 'random': yield* sys_madvise(k, mapping, 1000 * PAGE_SIZE, MADV_RANDOM); break;
    case 'sequential': yield* sys_madvise(k, mapping, 1000 * PAGE_SIZE, MADV_SEQUENTIAL); break;
    case 'truncate': yield* vmtruncate(k, inode, bytes(number!)); break;
    case 'ra': opened.f_ra.ra_pages = Number(number); break;
    case 'miss': opened.f_ra.mmap_miss = Number(number); break;
    case 'drop': yield* drop(reader, Number(number)); break;
    case '~': yield* schedule_timeout(k, Number(number) * MS, 'a nap'); break;
    default: assert.fail(`no such word: ${word}`);
  }
  return '';
}

/** `3p` is three pages. */
function bytes(text: string): number {
  return text.endsWith('p') ? Number(text.slice(0, -1)) * PAGE_SIZE : Number(text);
}

function* read({ k, opened, buffer, written }: Reader, count: number, at: string | undefined): Generator<Wait, number, void> {
  const pos = at === undefined ? opened.f_pos : bytes(at);
  const ret: number = yield* generic_file_read(k, opened, buffer, count, pos);
  if (at === undefined && ret > 0) opened.f_pos += ret;
  for (let i = 0; i < ret; i += i % PAGE_SIZE < 8 || ret - i < 8 ? 1 : 97) {
    assert.equal(try_load_user(k, virt(buffer + i)), written.get(pos + i) ?? file_byte(PATH, pos + i), `byte ${pos + i}`);
  }
  return ret;
}

function* write({ k, opened, buffer, written }: Reader, count: number, at: string | undefined, letter: string): Generator<Wait, number, void> {
  const pos = at === undefined ? opened.f_pos : bytes(at);
  for (let i = 0; i < count; i++) yield* store_user(k, virt(buffer + i), letter.charCodeAt(0));
  const ret: number = yield* generic_file_write(k, opened, buffer, count, pos);
  if (at === undefined && ret > 0) opened.f_pos += ret;
  for (let i = 0; i < ret; i++) written.set(pos + i, letter.charCodeAt(0));
  return ret;
}

/** A load or a store: whether it was a fault, and which; SIGBUS ends the task. */
function* touch({ k, task, mapping }: Reader, page: number, store: 0 | 1): Generator<Wait, string, void> {
  const { maj_flt, min_flt } = task;
  const ret = yield* touch_user(k, pageAt(mapping, page), store);
  if (ret !== 0) return 'SIGBUS';
  if (task.maj_flt > maj_flt) return 'MAJOR';
  return task.min_flt > min_flt ? 'MINOR' : 'hit';
}

/** Waits for the lock of a page that is in the cache, and takes the page out, as invalidate_inode_pages2 does. */
function* drop({ k, opened }: Reader, index: number): Generator<Wait, void, void> {
  const page = yield* find_lock_page(k, inode_of(k, opened.f_inode), index);
  remove_from_page_cache(k, page);
  unlock_page(k, page);
  put_page(k, page);
  put_page(k, page);
}
