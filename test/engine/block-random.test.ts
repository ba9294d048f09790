// Laws of the block layer that hold whatever is asked of it (KERNEL.md WB-14, DT-4): random streams of one task against a plain model of one disk,
// time for time; random streams of several tasks over two disks, where what is read and what the disks hold in the end follows from the order in
// which the requests were taken, whatever was merged.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { Machine } from '../../engine/machine.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Request } from './block-notation.ts';
import type { TraceRecord } from '../../engine/trace/events.ts';
import { READ, WRITE } from '../../engine/include/bio.ts';
import { EXIT_ZOMBIE } from '../../engine/include/sched.ts';
import { pfn_to_phys, phys } from '../../engine/include/types.ts';
import { check_block } from '../../engine/block/check_block.ts';
import { next_block_event, run_block_events } from '../../engine/block/events.ts';
import { blk_unplug } from '../../engine/block/plug.ts';
import { blk_congestion_wait } from '../../engine/block/request_list.ts';
import { add_pristine, read_platter_bytes } from '../../engine/block/platter.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { fill_frame, read_phys_bytes, write_phys32 } from '../../engine/mm/contents.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { MS, blockMachine, diary, frame, ms, parseRequest, step, streams, submit, testDisk } from './block-notation.ts';

const TENTH = MS / 10;

// ---- words ------------------------------------------------------------------------------------------------------------

/** Mostly few blocks, so that requests touch; some far ones, some as large as may be. */
const requestWord = (disks: string[]): fc.Arbitrary<string> => fc.record({
  rw: fc.constantFrom('R', 'W', 'W'), block: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 40 }) }, fc.nat({ max: 5000 })),
  nr: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constantFrom(16, 31, 32)),
  disk: fc.constantFrom(...disks), sync: fc.constantFrom('', '', '', '', '', '!'),
}).map(({ rw, block, nr, disk, sync }) => `${rw}${block}+${nr}${disk}${sync}`);

/** Many requests that nothing can be merged with. */
const burst = (disks: string[]): fc.Arbitrary<string> => fc.record({
  rw: fc.constantFrom('R', 'W'), nr: fc.integer({ min: 30, max: 140 }), base: fc.nat({ max: 3000 }), disk: fc.constantFrom(...disks),
}).map(({ rw, nr, base, disk }) => Array.from({ length: nr }, (_, i) => `${rw}${base + 2 * i}${disk}`).join(' '));

const nap = fc.integer({ min: 1, max: 80 }).map((tenths) => `~${tenths / 10}ms`);

const stream = (disks: string[]): fc.Arbitrary<string> => fc.array(fc.oneof(
  { weight: 20, arbitrary: requestWord(disks) }, { weight: 3, arbitrary: nap }, { weight: 1, arbitrary: fc.constant('unplug') }, { weight: 1, arbitrary: burst(disks) },
), { minLength: 1, maxLength: 60 }).map((words) => words.join(' '));

// ---- a disk, plainly --------------------------------------------------------------------------------------------------

interface Piece {
  rw: number;
  lo: number;
  hi: number;
}

/** One task and one disk: what is begun and ended when, written down without the engine. */
function modelOf(words: string[]): string[] {
  const lines: string[] = [];
  let waiting: Piece[] = [];
  let working: (Piece & { until: number }) | null = null;
  let plugEnds = -1;
  let head = -1;
  let now = 0;

  const clash = (a: Piece, b: Piece): boolean => Math.max(a.lo, b.lo) < Math.min(a.hi, b.hi) && a.rw + b.rw > 0;
  const show = ({ rw, lo, hi }: Piece): string => `${rw === 1 ? 'W' : 'R'}${lo}${hi - lo === 1 ? '' : `+${hi - lo}`}`;
  const begin = (at: number): void => {
    plugEnds = -1;
    const next = waiting.shift();
    if (next === undefined) return;
    lines.push(`${ms(at)} begin ${show(next)}`);
    working = { ...next, until: at + (next.lo === head ? 0 : MS) + (next.hi - next.lo) * TENTH };
    head = next.hi;
  };
  const unplug = (): void => {
    if (plugEnds >= 0) begin(now);
  };
  const nextEvent = (): number => (plugEnds >= 0 ? plugEnds : working === null ? Infinity : (working as { until: number }).until);
  const happen = (): void => {
    const at = nextEvent();
    if (working !== null) lines.push(`${ms(at)} end ${show(working)}`);
    working = null;
    begin(at);
  };
  const passTo = (time: number): void => {
    while (nextEvent() <= time) happen();
    now = time;
  };
  /** The neighbour a piece may be added to: the newest, unless something in between clashes with the piece. */
  const neighbour = (piece: Piece): Piece | null => {
    for (const other of [...waiting].reverse()) {
      const fits = other.rw === piece.rw && other.hi - other.lo + piece.hi - piece.lo <= 32;
      if (fits && (other.hi === piece.lo || other.lo === piece.hi)) return other;
      if (clash(other, piece)) return null;
    }
    return null;
  };
  /** Two pieces in a row become one in the place of the lower one. */
  const join = (lower: Piece, upper: Piece): boolean => {
    const [from, to] = [waiting.indexOf(lower), waiting.indexOf(upper)].sort((a, b) => a - b);
    const fits = lower.rw === upper.rw && upper.hi - lower.lo <= 32 && lower.hi === upper.lo;
    if (!fits || waiting.slice(from! + 1, to).some((other) => clash(other, upper))) return false;
    lower.hi = upper.hi;
    waiting = waiting.filter((other) => other !== upper);
    return true;
  };
  const add = (piece: Piece): void => {
    const found = neighbour(piece);
    if (found === null) {
      const used = (): number => [...waiting, ...(working === null ? [] : [working])].filter(({ rw }) => rw === piece.rw).length;
      if (used() >= 128) unplug();
      while (used() >= 128) passTo(nextEvent());
      if (waiting.length === 0 && working === null) plugEnds = now + 3 * MS;
      waiting.push(piece);
      if (waiting.length >= 4) unplug();
    } else if (found.hi === piece.lo) {
      found.hi = piece.hi;
      waiting.some((other) => other.lo === found.hi && join(found, other));
    } else {
      found.lo = piece.lo;
      waiting.some((other) => other.hi === found.lo && join(other, found));
    }
  };

  for (const word of words) {
    const request = parseRequest(word);
    if (request !== null) add({ rw: request.rw, lo: request.block, hi: request.block + request.nr });
    if (request?.sync === true || word === 'unplug') unplug();
    else if (word.startsWith('~')) passTo(now + Math.round(Number(word.slice(1, -2)) * MS));
  }
  while (nextEvent() !== Infinity) happen();
  return lines;
}

// ---- several tasks ----------------------------------------------------------------------------------------------------

/** What a task asked for: its frames are its own. */
interface Submission extends Request {
  id: number;
  frames: Pfn[];
}

const UNREAD = 0xee;
const NEVER = { start: 20, end: 23 };
const FILE = { kind: 'file' as const, start: 0, nr: 30, path: '/srv/data', index: 2, size: 31 * 4096 + 500 };

/** The first bytes of a block are the number of the write, the others its low byte. */
function* ask(k: Kernel, request: Request, id: number, asked: Submission[]): Generator<Wait, void, void> {
  const frames: Pfn[] = [];
  for (let i = 0; i < request.nr; i++) {
    const page = yield* frame(k);
    fill_frame(k, page, request.rw === WRITE ? id % 200 : UNREAD);
    if (request.rw === WRITE) write_phys32(k, phys(pfn_to_phys(page)), id * 64 + i);
    frames.push(page);
  }
  asked.push({ ...request, id, frames });
  yield* submit(k, request, frames, id);
}

function machineOf(tasks: string[], cpus: number): { machine: Machine; asked: Submission[][] } {
  const asked = tasks.map((): Submission[] => []);
  const bodies = tasks.map((words, i) => ({ name: `task${i}`, *run(k: Kernel) {
    for (const [n, word] of words.split(' ').entries()) {
      const request = parseRequest(word);
      if (request !== null) yield* ask(k, request, 1000 * i + n, asked[i]!);
      else if (word === 'unplug') blk_unplug(k, n % 2);
      else if (n % 3 === 0) yield* blk_congestion_wait(k, n % 2 === 0 ? READ : WRITE, 2);
      else yield* schedule_timeout(k, Number(word.slice(1, -2)) * MS, 'a nap');
    }
  } }));
  const disks = [testDisk(), testDisk({ name: 'sdb', seek: 0.3 * MS, fail_read: [NEVER], fail_write: [NEVER] })];
  const machine = blockMachine(bodies, disks, cpus);
  add_pristine(machine.k, machine.k.block.disks[0]!, FILE);
  return { machine, asked };
}

/** Runs until the last task has ended; requests may be left. */
function runTasks({ k, ...rest }: Machine): void {
  while (k.tasks.some(({ kind, state, daemon }) => kind !== 'idle' && daemon === 0 && state !== EXIT_ZOMBIE)) {
    assert.ok(step({ k, ...rest }), 'a task sleeps for ever');
    assert.deepEqual(check_block(k), []);
  }
}

/** What each read must have seen and what the disks must hold, were every bio carried out by itself as it was taken. */
function checkContents(k: Kernel, asked: Submission[][]): void {
  const surfaces = k.block.disks.map(() => new Map<number, string>());
  const pending = asked.map((list) => [...list]);
  for (const { name, pid } of trace_records(k)) {
    if (!['block_getrq', 'block_bio_backmerge', 'block_bio_frontmerge'].includes(name)) continue;
    const { rw, block, disk, frames } = pending[pid - 1]!.shift()!;
    for (const [i, page] of frames.entries()) {
      const fails = disk === 1 && block + i >= NEVER.start && block + i < NEVER.end;
      const held = hash(read_phys_bytes(k, pfn_to_phys(page), 4096));
      if (rw === WRITE && !fails) surfaces[disk]!.set(block + i, held);
      if (rw === WRITE) continue;
      assert.equal(held, fails ? hash(new Uint8Array(4096).fill(UNREAD)) : (surfaces[disk]!.get(block + i) ?? untouched(disk, block + i)));
    }
  }
  assert.deepEqual(pending.map((left) => left.length), asked.map(() => 0));
  for (const [disk, surface] of surfaces.entries()) {
    const { platter } = k.block.disks[disk]!;
    assert.deepEqual([...platter.written.keys()].sort((a, b) => a - b), [...surface.keys()].sort((a, b) => a - b));
    for (const [block, held] of surface) assert.equal(hash(read_platter_bytes(platter, block)), held);
  }
}

const hash = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function untouched(disk: number, block: number): string {
  const bytes = new Uint8Array(4096);
  if (disk !== 0 || block >= FILE.nr) return hash(bytes);
  const start = (block + FILE.index) * 4096;
  return hash(bytes.map((_, i) => (start + i < FILE.size ? file_byte(FILE.path, start + i) : 0)));
}

/** Counts requests by the events: congestion begins and ends at the thresholds alone, sleepers come in order, a disk does one thing at once. */
function checkEvents(k: Kernel): void {
  const queues = new Map<string, { count: number; congested: boolean; sleepers: number[] }>();
  const disks = new Map<number, { busy: boolean; since: number; head: number }>();
  for (const { name, args, pid, time } of trace_records(k)) {
    const { dev, rw } = args as { dev: number; rw: number };
    const key = `${dev} ${rw}`;
    const queue = queues.get(key) ?? { count: 0, congested: false, sleepers: [] };
    queues.set(key, queue);
    if (name === 'block_getrq') {
      queue.count++;
      if (queue.sleepers.length > 0) assert.equal(queue.sleepers.shift(), pid, 'somebody came before his turn');
    } else if (name === 'block_sleeprq') {
      if (!queue.sleepers.includes(pid)) queue.sleepers.push(pid);
    } else if (name === 'block_rq_merge') queue.count--;
    else if (name === 'block_congested') {
      assert.deepEqual([queue.congested, args['count']], [false, 113]);
      queue.congested = true;
    } else if (name === 'block_uncongested') {
      assert.deepEqual([queue.congested, args['count']], [true, 102]);
      queue.congested = false;
    } else if (name === 'block_rq_issue' || name === 'block_rq_complete') {
      if (name === 'block_rq_complete') queue.count--;
      checkDisk(disks, name === 'block_rq_issue', args, time);
    }
  }
  for (const { count, sleepers, congested } of queues.values()) assert.deepEqual([count, sleepers, congested], [0, [], false]);
}

function checkDisk(disks: Map<number, { busy: boolean; since: number; head: number }>, begins: boolean, args: TraceRecord['args'], time: number): void {
  const { dev, sector, nr_sector } = args as { dev: number; sector: number; nr_sector: number };
  const disk = disks.get(dev) ?? { busy: false, since: 0, head: -1 };
  disks.set(dev, disk);
  assert.equal(disk.busy, !begins);
  disk.busy = begins;
  if (begins) {
    assert.ok(time >= disk.since);
    disk.since = time;
    return;
  }
  const seek = sector === disk.head ? 0 : dev === 8 * 2 ** 20 ? MS : 0.3 * MS;
  assert.equal(time, disk.since + seek + (nr_sector / 8) * TENTH);
  disk.since = time;
  disk.head = sector + nr_sector;
}

describe('the block layer, whatever is asked of it', function () {
  this.timeout(120_000);

  it('one stream: every request is begun and ended when a plain model says so', () => {
    fc.assert(fc.property(stream(['']), (words) => {
      assert.deepEqual(diary(streams([words]), ['block_rq_issue', 'block_rq_complete']), modelOf(words.split(' ')));
    }), { numRuns: 150 });
  });

  it('several tasks, two disks: every byte lands, in the order of asking; the queues keep their laws; it repeats', () => {
    fc.assert(fc.property(fc.array(stream(['', '@1']), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 3 }), (tasks, cpus) => {
      const { machine, asked } = machineOf(tasks, cpus);
      const { k } = machine;
      runTasks(machine);
      const copy = structuredClone(k);
      run_block_events(copy, Infinity);
      while (next_block_event(k) !== Infinity) {
        run_block_events(k, next_block_event(k));
        assert.deepEqual(check_block(k), []);
      }
      assert.deepEqual(copy.block, k.block);
      assert.equal(k.block.ended.length, asked.flat().length);
      checkContents(k, asked);
      checkEvents(k);

      const again = machineOf(tasks, cpus).machine;
      runTasks(again);
      run_block_events(again.k, Infinity);
      assert.deepEqual(trace_records(again.k), trace_records(k));
    }), { numRuns: 40 });
  });
});
