// Streams of requests as words, and what the block layer does with them as lines. A task is its words:
//
//   W10+8   writes blocks 10 … 17 as one bio        R5   reads block 5        W7! R7!   does not wait for company (WRITE_SYNC, READ_SYNC)
//   ~3ms    sleeps                                  unplug                    congested? W 5   blk_congestion_wait(WRITE, 5 jiffies)
//
// A second disk's requests carry its number: W10@1. The disk of a plain test seeks in 1 ms and moves a block in 0.1 ms, tasks cost no time; a line of
// the diary is a time in ms and what happened:
//
//   0 getrq W10   0 back W11   0 front W9   0 join W8+4   0 plug   3 unplug 1   3 begin W8+4   4.4 end W8+4
//   0 sleep W40   0 congested W 113   12.1 uncongested W 102   4 woken W, slept 4 of 100

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Machine } from '../../engine/machine.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { TestTask } from './tasks.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { READ, READ_SYNC, WRITE, WRITE_SYNC } from '../../engine/include/bio.ts';
import { GFP_KERNEL } from '../../engine/include/gfp.ts';
import { NO_PAGE } from '../../engine/include/types.ts';
import { bio_add_page, bio_alloc } from '../../engine/block/bio.ts';
import { check_block } from '../../engine/block/check_block.ts';
import { next_block_event, run_block_events } from '../../engine/block/events.ts';
import { make_block_layer } from '../../engine/block/genhd.ts';
import { submit_bio } from '../../engine/block/ll_rw_blk.ts';
import { blk_unplug } from '../../engine/block/plug.ts';
import { blk_congestion_wait } from '../../engine/block/request_list.ts';
import { next_event, pick_next_task, put_prev_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

export const MS = 1_000_000;
/** Bytes a second of a disk that moves a block in 0.1 ms. */
export const BLOCK_IN_100_US = 40_960_000;

/** A disk of 10,000 blocks that seeks in 1 ms. */
export function testDisk(config: Partial<DiskConfig> = {}): DiskConfig {
  return { name: 'sda', seek: MS, bandwidth: BLOCK_IN_100_US, blocks: 10_000, fail_read: [], fail_write: [], ...config };
}

export interface Request {
  rw: 0 | 1;
  block: number;
  nr: number;
  disk: number;
  sync: boolean;
}

/** Reads a word such as `W10+8@1!`; null where it is none. */
export function parseRequest(word: string): Request | null {
  const match = /^([RW])(\d+)(?:\+(\d+))?(?:@(\d+))?(!?)$/.exec(word);
  if (match === null) return null;
  return { rw: match[1] === 'W' ? WRITE : READ, block: Number(match[2]), nr: Number(match[3] ?? 1), disk: Number(match[4] ?? 0), sync: match[5] === '!' };
}

/** A frame of its own. */
export function* frame(k: Kernel): Generator<Wait, Pfn, void> {
  const page: Pfn = yield* alloc_page(k, GFP_KERNEL);
  assert.notEqual(page, NO_PAGE);
  return page;
}

/** Submits a request over some frames; `id` is what the record of its end carries. */
export function* submit(k: Kernel, { rw, block, disk, sync }: Request, frames: readonly Pfn[], id: number): Generator<Wait, void, void> {
  const bio = bio_alloc(disk, block, 'record', id);
  for (const page of frames) assert.equal(bio_add_page(k, bio, page), 4096);
  const direction = sync ? [READ_SYNC, WRITE_SYNC] : [READ, WRITE];
  yield* submit_bio(k, direction[rw]!, bio);
}

/** What a task of words does. All of its bios share one frame. */
function* follow(k: Kernel, words: readonly string[]): Generator<Wait, void, void> {
  const page = yield* frame(k);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const request = parseRequest(word);
    if (request !== null) yield* submit(k, request, Array<Pfn>(request.nr).fill(page), i);
    else if (word === 'unplug') blk_unplug(k, 0);
    else if (word === 'congested?') {
      const timeout = Number(words[i + 2]);
      yield* blk_congestion_wait(k, words[i + 1] === 'W' ? WRITE : READ, timeout);
      i += 2;
    } else yield* schedule_timeout(k, sleepOf(word), 'a nap');
  }
}

function sleepOf(word: string): number {
  const match = /^~([\d.]+)ms$/.exec(word) ?? assert.fail(`no such word: ${word}`);
  return Number(match[1]) * MS;
}

/** A machine with these disks and tasks; tasks cost no time, everything is traced. */
export function blockMachine(tasks: readonly TestTask[], disks: readonly DiskConfig[], cpus = 1): Machine {
  const cost = { statement: 0, alloc: 0, buddy: 0, zero_page: 0, context_switch: 0, slab: 0 };
  const machine = machineWith(tasks, { memory: 64 * MiB, cpus, cost });
  machine.k.block = make_block_layer(disks);
  resize_ring(machine.k, 1 << 16);
  set_tracing(machine.k, 1);
  return machine;
}

/** One step: the next event of a disk, or the next turn of a task. Whether there was one. */
export function step(machine: Machine): boolean {
  const { k } = machine;
  const due = next_block_event(k);
  if (due !== Infinity && due <= next_event(k)) {
    run_block_events(k, due);
    return true;
  }
  k.sched.background = due;
  const task = pick_next_task(k);
  if (task === null) return false;
  const coroutine = (machine.coroutines[task.pid] ??= machine.program.run(k, task));
  const done = coroutine.next();
  put_prev_task(k, task, done.done === true ? 'ended' : done.value);
  return true;
}

/** Runs until nothing is left to happen; the laws of the queues hold after each step. */
export function runBlock(machine: Machine): Kernel {
  while (step(machine)) assert.deepEqual(check_block(machine.k), []);
  return machine.k;
}

/** Runs tasks of words, one a CPU where there are several. */
export function streams(tasks: readonly string[], disks: readonly DiskConfig[] = [testDisk()], cpus = 1): Kernel {
  const bodies = tasks.map((words, i): TestTask => ({ name: `task${i}`, run: (k) => follow(k, words.trim().split(/\s+/)) }));
  return runBlock(blockMachine(bodies, disks, cpus));
}

/** Time in ms as the diary shows it. */
export function ms(time: number): string {
  return String(Number((time / MS).toFixed(4)));
}

/** What happened, line by line. */
export function diary(k: Kernel, names: readonly string[] = Object.keys(LINES)): string[] {
  return trace_records(k).flatMap((record) => (names.includes(record.name) ? [`${ms(record.time)} ${LINES[record.name]!(record.args)}`] : []));
}

type Args = TraceRecord['args'];

/** `W10+8`, with `@1` for the second disk. */
function blocks(args: Args): string {
  const nr = args['nr_sector']! / 8;
  return `${args['rw'] === 1 ? 'W' : 'R'}${args['sector']! / 8}${nr === 1 ? '' : `+${nr}`}${onDisk(args)}`;
}

function onDisk(args: Args): string {
  const disk = (args['dev']! - 8 * 2 ** 20) / 16;
  return disk === 0 ? '' : `@${disk}`;
}

const direction = (args: Args): string => `${args['rw'] === 1 ? 'W' : 'R'} ${args['count']}`;

const LINES: Readonly<Record<string, (args: Args) => string>> = {
  block_getrq: (args) => `getrq ${blocks(args)}`,
  block_sleeprq: (args) => `sleep ${blocks(args)}`,
  block_bio_backmerge: (args) => `back ${blocks(args)}`,
  block_bio_frontmerge: (args) => `front ${blocks(args)}`,
  block_rq_merge: (args) => `join ${blocks(args)}`,
  block_plug: (args) => `plug${onDisk(args)}`,
  block_unplug: (args) => `unplug${onDisk(args)} ${args['nr_rq']}`,
  block_rq_issue: (args) => `begin ${blocks(args)}`,
  block_rq_complete: (args) => `end ${blocks(args)}${args['error'] === 0 ? '' : ` error ${args['error']}`}`,
  block_congested: (args) => `congested ${direction(args)}`,
  block_uncongested: (args) => `uncongested ${direction(args)}`,
  congestion_wait: (args) => `woken ${args['rw'] === 1 ? 'W' : 'R'}, slept ${ms(args['slept']!)} of ${args['timeout']! * 4}`,
};
