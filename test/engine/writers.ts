// Processes that write files, and what the kernel does about dirty pages, as lines of a diary:
//
//   1.2 look 512 of 6553          a writer looks at the limits: so many pages are dirty or on their way, so many may be
//   1.2 waited 100 ms, 6600       it has slept for a disk, and so many are left
//   4.7 pdflush 4 wb_kupdate      a thread of the pool was given work; its pid
//   4.7 background: 1036          a walk over dirty inodes wrote so many pages: background, periodic, sync, balance (the writer himself), laptop
//   4.7 /data/a: 1036 of 1024     of one inode so many; so many were wanted
//
// Times are in ms. Walks that find nothing to write leave no line.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Machine } from '../../engine/machine.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { TracepointName } from '../../engine/trace/tracepoints.ts';
import type { TestTask } from './tasks.ts';
import { O_CREAT, O_WRONLY } from '../../engine/include/fs.ts';
import { GFP_HIGHUSER, GFP_KERNEL } from '../../engine/include/gfp.ts';
import { NR_FILE_DIRTY, NR_WRITEBACK } from '../../engine/include/mmzone.ts';
import { PG_uptodate } from '../../engine/include/page-flags.ts';
import { NO_PAGE, PAGE_SIZE } from '../../engine/include/types.ts';
import { PDFLUSH_FUNCTIONS } from '../../engine/include/writeback.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { sys_write } from '../../engine/fs/read_write.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { add_to_page_cache_lru } from '../../engine/mm/filemap.ts';
import { set_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of } from '../../engine/mm/mm_struct.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { set_page_dirty } from '../../engine/mm/page-writeback.ts';
import { unlock_page } from '../../engine/mm/page_wait.ts';
import { page_cache_release } from '../../engine/mm/swap.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { resize_ring, trace_records } from '../../engine/trace/events.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { MiB } from './notation.ts';
import { mapPages, user } from './processes.ts';
import { machineWith } from './tasks.ts';

export const MS = 1_000_000;
export const SEC = 1000 * MS;

/** A disk of 1 GiB, by default as fast as that of the language: 8 ms to seek, 60 MiB a second. */
export function disk(config: Partial<DiskConfig> = {}): DiskConfig {
  return { name: 'sda', seek: 8 * MS, bandwidth: 60 * MiB, blocks: 1 << 18, fail_read: [], fail_write: [], ...config };
}

/** Writes so many pages to a file, one system call each, as fast as it can. */
export function* writePages(k: Kernel, path: string, pages: number): Generator<Wait, void, void> {
  const buf = yield* mapPages(k, 1);
  const fd = yield* sys_open(k, path, O_CREAT | O_WRONLY);
  assert.ok(fd >= 3, `open gives ${fd}`);
  for (let i = 0; i < pages; i++) assert.equal(yield* sys_write(k, fd, buf, PAGE_SIZE), PAGE_SIZE);
}

/** A process that does. */
export function writer(name: string, path: string, pages: number, options: Partial<TestTask> = {}): TestTask {
  return user(name, (k) => writePages(k, path, pages), options);
}

/** The inode of a file. */
export function inodeAt(k: Kernel, path: string): inode {
  return inode_of(k, k.dcache.get(path)!);
}

/** Makes pages of a file dirty as a store through a mapping would, without reading or writing. */
export function* dirtyPages(k: Kernel, path: string, pages: readonly number[]): Generator<Wait, void, void> {
  for (const index of pages) {
    const page = yield* alloc_page(k, GFP_HIGHUSER);
    assert.notEqual(page, NO_PAGE);
    assert.equal(yield* add_to_page_cache_lru(k, page, inodeAt(k, path), index, GFP_KERNEL), 0);
    set_page_flag(k, page, PG_uptodate);
    set_page_dirty(k, page);
    unlock_page(k, page);
    page_cache_release(k, page);
  }
}

/** 0, 1, 2 … n-1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const ALWAYS: readonly TracepointName[] = ['balance_dirty_pages', 'pdflush_work', 'writeback_written', 'pdflush_spawn', 'pdflush_exit'];

/** A machine of 64 MiB with a disk and these tasks, that keeps a diary. */
export function writersMachine(tasks: readonly TestTask[], config: Partial<MachineConfig> = {}, names: readonly TracepointName[] = []): Machine {
  const machine = machineWith(tasks, { memory: 64 * MiB, disks: [disk()], ...config });
  resize_ring(machine.k, 1 << 17);
  for (const name of [...ALWAYS, ...names]) machine.k.trace.enabled[TP[name]] = 1;
  return machine;
}

/** Runs tasks to their end; the laws hold after every 20th switch and at the end. */
export function runWriters(tasks: readonly TestTask[], config: Partial<MachineConfig> = {}, names: readonly TracepointName[] = []): Kernel {
  const machine = writersMachine(tasks, config, names);
  let switches = 0;
  machine.hooks = { boundary: ({ k }) => (switches++ % 20 === 0 ? assert.deepEqual(check_machine(k), []) : undefined) };
  assert.deepEqual(run_machine(machine), { reason: 'ended', message: '', waiting: [] });
  assert.deepEqual(check_machine(machine.k), []);
  return machine.k;
}

const REASONS = ['background', 'periodic', 'sync', 'balance', 'laptop'];

/** What happened, line by line; only what a pattern fits, where there is one. */
export function diary(k: Kernel, pattern = /./): string[] {
  return trace_records(k).flatMap(({ name, time, pid, args }) => {
    const line = lineOf(k, name, args, pid);
    return pattern.test(line) ? [`${Number((time / MS).toFixed(1))} ${line}`] : [];
  });
}

function lineOf(k: Kernel, name: string, args: Record<string, number>, pid: number): string {
  switch (name) {
    case 'balance_dirty_pages':
      return args['pause'] === 0 ? `look ${args['dirty']} of ${args['limit']}` : `waited ${args['pause']} ms, ${args['dirty']}`;
    case 'pdflush_work': return `pdflush ${args['thread']} ${PDFLUSH_FUNCTIONS[args['fn']!]}`;
    case 'pdflush_spawn': return `pdflush ${args['thread']} begins`;
    case 'pdflush_exit': return `pdflush ${pid} ends`;
    case 'writeback_written': return args['nr_pages'] === 0 ? '' : `${REASONS[args['reason']!]}: ${args['nr_pages']}`;
    case 'writeback_single_inode': return `${inode_of(k, args['ino']!).path}: ${args['wrote']} of ${args['nr_to_write']}`;
    default: return '';
  }
}

/** Pages that are dirty, and on their way to a disk. */
export const dirtyOf = (k: Kernel): [number, number] => [global_page_state(k, NR_FILE_DIRTY), global_page_state(k, NR_WRITEBACK)];
