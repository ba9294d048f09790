// Readahead: which windows of a file are read when, window by window (KERNEL.md FM-6 … FM-10, EV-4, SC-3).
//
//   1: 4+8 ahead    the reader was at page 1; so 8 pages from page 4 on were to be read: the window ahead. `!` follows where all were cached.

import assert from 'node:assert/strict';
import type { file, file_ra_state, inode } from '../../engine/include/mm_types.ts';
import type { Spaces } from './address-spaces.ts';
import { BDI_read_congested, BDI_write_congested } from '../../engine/include/blkdev.ts';
import { GFP_HIGHUSER, GFP_KERNEL, __GFP_COLD } from '../../engine/include/gfp.ts';
import { FMODE_READ, RA_FLAG_INCACHE, RA_FLAG_MISS } from '../../engine/include/mm_types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { NO_PAGE, PAGE_SIZE } from '../../engine/include/types.ts';
import { radix_tree_lookup, radix_tree_preload } from '../../engine/lib/radix-tree.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { make_block_layer } from '../../engine/block/genhd.ts';
import { list_pages, page_count, page_index } from '../../engine/mm/mem_map.ts';
import { new_inode, open_inode } from '../../engine/mm/mm_struct.ts';
import { alloc_page } from '../../engine/mm/page_alloc.ts';
import {
  __do_page_cache_readahead, check_ra_success, do_page_cache_readahead, force_page_cache_readahead, get_init_ra_size, get_next_ra_size,
  handle_ra_miss, make_ahead_window, max_sane_readahead, page_cache_readahead, ra_off,
} from '../../engine/mm/readahead.ts';
import { zeroed_file_ra_state } from '../../engine/mm/file_ra_state.ts';
import { put_page } from '../../engine/mm/swap.ts';
import { truncate_inode_pages, truncate_inode_pages_range } from '../../engine/mm/truncate.ts';
import { resize_ring, set_tracing, show_field, trace_records } from '../../engine/trace/events.ts';
import { trace_mm_filemap_miss } from '../../engine/trace/pagemap.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { booted, fileOf, meanwhile } from './address-spaces.ts';
import { MiB } from './notation.ts';
import { cachedOf, checkCaches } from './page-cache.ts';

/** A file that somebody reads, and what was to be read ahead so far. */
interface Reader {
  at: Spaces;
  file: inode;
  opened: file;
  ra: file_ra_state;
  windows: string[];
}

const LARGE = 4000;

/** A file of so many pages, just opened. */
function reader(pages = LARGE): Reader {
  const at = booted();
  set_tracing(at.k, 1);
  const file = fileOf(at, '/data/file', pages);
  return { at, file, ...open(at, file) };
}

function open(at: Spaces, file: inode): { opened: file; ra: file_ra_state; windows: string[] } {
  const opened = open_inode(at.k, file, FMODE_READ, 0);
  return { opened, ra: opened.f_ra, windows: [] };
}

/** Runs what reads ahead, and notes what it decided. */
function noting<T>({ at: { k }, file, windows }: Reader, where: number, act: () => T): T {
  const since = k.trace.ring.seq;
  const before = file.nrpages;
  const result = act();
  const asked = trace_records(k, since).filter(({ name }) => name === 'mm_readahead');
  const isAllCached = file.nrpages === before;
  for (const { args } of asked) {
    const reason = show_field('ra_reason', args['reason']!);
    windows.push(`${where}: ${args['start']}+${args['len']} ${reason}${isAllCached ? '!' : ''}`);
  }
  return result;
}

/** Asks for pages as do_generic_mapping_read does: again at the page that readahead named, and what is missing is read by itself. */
function read(r: Reader, from: number, count = 1): Reader {
  const { at: { k }, file, ra } = r;
  let next = from;
  for (let index = from; index < from + count; index++) {
    if (index === next) next = noting(r, index, () => run_to_end(k, page_cache_readahead(k, file, ra, index, from + count - index)));
    if (radix_tree_lookup(file.page_tree, index) !== NO_PAGE) continue;
    handle_ra_miss(ra);
    run_to_end(k, __do_page_cache_readahead(k, file, index, 1));
  }
  return r;
}

/** One page at a time, each by a call of its own. */
function readSingly(r: Reader, from: number, end: number): Reader {
  for (let index = from; index < end; index++) read(r, index);
  return r;
}

/** The pages, before anybody reads. */
function cache(r: Reader, from: number, end: number): Reader {
  run_to_end(r.at.k, __do_page_cache_readahead(r.at.k, r.file, from, end - from));
  return r;
}

/** Windows as a text, and the state they left: current + ahead, where the reader is, what is known of him. */
function check(r: Reader, windows: string, state?: string): void {
  const { start, size, ahead_start, ahead_size, prev_page, cache_hit, flags } = r.ra;
  const ahead = ahead_start === 0 ? `none (${ahead_size})` : `${ahead_start}+${ahead_size}`;
  const said = [(flags & RA_FLAG_MISS) !== 0 ? ' MISS' : '', (flags & RA_FLAG_INCACHE) !== 0 ? ' INCACHE' : ''].join('');
  assert.equal(r.windows.join(', '), windows);
  if (state !== undefined) assert.equal(`${start}+${size} ahead ${ahead} prev ${prev_page} hit ${cache_hit}${said}`, state);
  checkCaches(r.at);
}

describe('readahead: windows', () => {
  it('FM-6 FM-7: a file that was opened has windows of 32 pages, and none yet; shared memory is never read ahead', () => {
    const { at, ra } = reader();
    assert.deepEqual(ra, { ...zeroed_file_ra_state(), prev_page: -1, ra_pages: 32 });
    const shmem = new_inode(at.k, '/dev/zero (deleted)', 'shmem', MiB);
    assert.equal(open_inode(at.k, shmem, FMODE_READ, 0).f_ra.ra_pages, 0);
  });

  it('FM-9 SC-3: page by page through a large file', () => {
    const r = readSingly(reader(), 0, 125);
    const windows = '0: 0+4 first, 1: 4+8 ahead, 4: 12+16 ahead, 12: 28+32 ahead, 28: 60+32 ahead, 60: 92+32 ahead, 92: 124+32 ahead';
    check(r, `${windows}, 124: 156+32 ahead`, '124+32 ahead 156+32 prev 124 hit 0');
    assert.equal(cachedOf(r.file), '0-187');
  });

  it('FM-8: the first window is 4 times what is asked for, up to a 32nd of the largest; up to a quarter twice, else the largest', () => {
    const sizes = [1, 2, 3, 4, 5, 8, 9, 16, 17, 31].map((count) => read(reader(), 0, count).windows[0]);
    assert.equal(sizes.map((text) => /\+(\d+)/.exec(text!)![1]).join(' '), '4 4 8 8 16 16 32 32 32 32');
    const cases = [[1, 128], [4, 128], [5, 128], [32, 128], [33, 128], [1, 64], [1, 8], [3, 8]] as const;
    assert.deepEqual(cases.map(([size, max]) => get_init_ra_size(size, max)), [4, 16, 16, 64, 128, 4, 2, 8]);
  });

  it('FM-8: who asks for a whole window or more gets the one ahead at once, and is asked again behind the first', () => {
    check(read(reader(), 0, 32), '0: 0+32 first, 0: 32+32 ahead', '0+32 ahead 32+32 prev 31 hit 0');
    const r = read(reader(), 0, 100);
    check(r, '0: 0+32 first, 0: 32+32 ahead, 32: 64+32 ahead, 64: 96+32 ahead, 96: 128+32 ahead', '96+32 ahead 128+32 prev 99 hit 0');
  });

  it('FM-8: who asks for more than both windows hold is asked again behind them', () => {
    const r = read(reader(), 0);
    assert.equal(noting(r, 1, () => run_to_end(r.at.k, page_cache_readahead(r.at.k, r.file, r.ra, 1, 300))), 28);
    check(r, '0: 0+4 first, 1: 4+8 ahead, 1: 12+16 ahead', '4+8 ahead 12+16 prev 27 hit 0');
  });

  it('FM-8: the window behind: 4 times below a 16th of the largest, else twice, and never more than the largest', () => {
    const next = (size: number, max: number, flags = 0): number => get_next_ra_size({ ...zeroed_file_ra_state(), size, ra_pages: max, flags });
    assert.deepEqual([1, 2, 4, 16, 17, 32].map((size) => next(size, 32)), [4, 4, 8, 32, 32, 32]);
    assert.deepEqual([7, 8, 64, 100].map((size) => next(size, 128)), [28, 16, 128, 128]);
    assert.deepEqual([2, 4, 7, 32].map((size) => next(size, 32, RA_FLAG_MISS)), [4, 4, 5, 30]);
    assert.deepEqual([next(2, 2), next(2, 2, RA_FLAG_MISS)], [2, 2]);
  });

  it('FM-8: the same page once more changes nothing; with pages behind it, it is these that are wanted', () => {
    const r = read(reader(), 0);
    const before = { ...r.ra };
    assert.equal(noting(r, 0, () => run_to_end(r.at.k, page_cache_readahead(r.at.k, r.file, r.ra, 0, 1))), 1);
    assert.deepEqual(r.ra, before);
    check(read(r, 0, 3), '0: 0+4 first, 0: 4+8 ahead', '0+4 ahead 4+8 prev 2 hit 0');
  });

  it('FM-8: who jumps about gets what he asks for, at most a window of it', () => {
    const r = reader();
    for (const [index, count] of [[500, 1], [100, 3], [2000, 50]] as const) read(r, index, count);
    check(r, '500: 500+1 random, 100: 100+3 random, 2000: 2000+32 random, 2032: 2032+32 first', '2032+32 ahead none (0) prev 2049 hit 0');
  });

  it('FM-8: a jump closes the windows, and reading on from there opens a new one', () => {
    const r = readSingly(reader(), 0, 5);
    read(r, 1000);
    check(r, '0: 0+4 first, 1: 4+8 ahead, 4: 12+16 ahead, 1000: 1000+1 random', '0+0 ahead none (28) prev 1000 hit 0');
    readSingly(r, 1001, 1003);
    assert.deepEqual(r.windows.slice(4), ['1001: 1001+4 first', '1002: 1005+8 ahead']);
  });

  it('FM-7: two who opened the same file each have windows of their own', () => {
    const one = readSingly(reader(), 0, 2);
    const other: Reader = { ...one, ...open(one.at, one.file) };
    check(readSingly(other, 0, 2), '0: 0+4 first!, 1: 4+8 ahead!', '0+4 ahead 4+8 prev 1 hit 12');
    check(one, '0: 0+4 first, 1: 4+8 ahead', '0+4 ahead 4+8 prev 1 hit 0');
  });

  it('FM-10: the last window ends with the file; behind it nothing can be missing', () => {
    const r = readSingly(reader(18), 0, 18);
    check(r, '0: 0+4 first, 1: 4+8 ahead, 4: 12+16 ahead, 12: 28+32 ahead!', '12+16 ahead 28+32 prev 17 hit 32');
    assert.equal(cachedOf(r.file), '0-17');
    const parts = reader(2);
    parts.file.size = PAGE_SIZE + 1;
    assert.equal(cachedOf(read(parts, 0).file), '0-1');
    const empty = reader(0);
    assert.equal(run_to_end(empty.at.k, __do_page_cache_readahead(empty.at.k, empty.file, 0, 4)), 0);
  });

  it('FM-6: POSIX_FADV_SEQUENTIAL doubles the windows', () => {
    const r = reader();
    r.ra.ra_pages *= 2;
    check(readSingly(r, 0, 61), '0: 0+4 first, 1: 4+8 ahead, 4: 12+16 ahead, 12: 28+32 ahead, 28: 60+64 ahead, 60: 124+64 ahead',
      '60+64 ahead 124+64 prev 60 hit 0');
  });

  it('FM-6: POSIX_FADV_RANDOM: nothing is read ahead, each page is read by itself', () => {
    const r = reader();
    r.ra.ra_pages = 0;
    check(readSingly(r, 0, 5), '', '0+0 ahead none (0) prev 4 hit 0 MISS');
    assert.equal(cachedOf(r.file), '0-4');
  });
});

describe('readahead: what is cached, what is lost', () => {
  it('FM-8: 256 pages that were all cached, and readahead is off', () => {
    const r = readSingly(cache(reader(), 0, 300), 0, 190);
    const windows = '0: 0+4 first!, 1: 4+8 ahead!, 4: 12+16 ahead!, 12: 28+32 ahead!, 28: 60+32 ahead!, 60: 92+32 ahead!, 92: 124+32 ahead!, '
      + '124: 156+32 ahead!, 156: 188+32 ahead!';
    check(r, `${windows}, 188: 220+32 ahead!`, '188+32 ahead 220+32 prev 189 hit 252');
    readSingly(r, 190, 222);
    assert.equal(r.windows.at(-1), '220: 252+32 ahead!');
    check({ ...r, windows: [] }, '', '0+0 ahead none (284) prev 221 hit 284 INCACHE');
  });

  it('FM-8: off, it follows the reader without reading; the first page that is missing turns it on again', () => {
    const r = readSingly(cache(reader(), 0, 300), 0, 230);
    r.windows = [];
    check(readSingly(r, 230, 300), '', '0+0 ahead none (284) prev 299 hit 284 INCACHE');
    check(read(r, 300), '', '0+0 ahead none (284) prev 300 hit 0 MISS');
    check(read(r, 301), '301: 301+4 first', '301+4 ahead none (284) prev 301 hit 0 MISS');
    check(readSingly(r, 302, 306), '301: 301+4 first, 302: 305+4 missed, 305: 309+8 ahead', '305+4 ahead 309+8 prev 305 hit 0');
  });

  it('FM-8: off from the first window on: a first read as large as the largest window gets no second one', () => {
    const r = cache(reader(), 0, 300);
    r.ra.cache_hit = 250;
    check(read(r, 0, 32), '0: 0+32 first!', '0+0 ahead none (0) prev 31 hit 282 INCACHE');
  });

  it('FM-8: one page that was missing, and the count begins again', () => {
    const r = readSingly(cache(reader(), 0, 60), 0, 29);
    check(r, '0: 0+4 first!, 1: 4+8 ahead!, 4: 12+16 ahead!, 12: 28+32 ahead!, 28: 60+32 ahead', '28+32 ahead 60+32 prev 28 hit 0');
    const ra = { ...zeroed_file_ra_state(), cache_hit: 200, size: 8 };
    assert.deepEqual([check_ra_success(ra, 55, 0), ra.cache_hit, ra.size], [1, 255, 8]);
    assert.deepEqual([check_ra_success(ra, 1, 0), ra.cache_hit, ra.size, ra.flags], [0, 256, 0, RA_FLAG_INCACHE]);
  });

  it('FM-8: pages that were lost before they were read make the next window smaller, once', () => {
    const r = readSingly(reader(), 0, 60);
    run_to_end(r.at.k, truncate_inode_pages_range(r.at.k, r.file, 60 * PAGE_SIZE, 92 * PAGE_SIZE));
    r.windows = [];
    readSingly(r, 60, 61);
    check(r, '60: 92+32 ahead', '60+32 ahead 92+32 prev 60 hit 0 MISS');
    readSingly(r, 61, 157);
    check(r, '60: 92+32 ahead, 92: 124+30 missed, 124: 154+32 ahead, 154: 186+32 ahead', '154+32 ahead 186+32 prev 156 hit 0');
  });

  it('FM-7: ra_off forgets the windows and keeps where the one ahead ended', () => {
    const { ra } = readSingly(reader(), 0, 5);
    ra.flags = RA_FLAG_MISS;
    ra_off(ra);
    ra_off(ra);
    assert.deepEqual([ra.start, ra.size, ra.flags, ra.ahead_start, ra.ahead_size, ra.prev_page], [0, 0, 0, 0, 28, 4]);
  });
});

describe('readahead: a congested queue', () => {
  /** The file lies on a disk whose queue is in this state. */
  function congested(state: number): Reader {
    const r = reader();
    r.at.k.block = make_block_layer([{ name: 'sda', seek: 0, bandwidth: 1, blocks: LARGE, fail_read: [], fail_write: [] }]);
    const [disk] = r.at.k.block.disks;
    r.file.i_bdev = disk!.id;
    disk!.queue.backing_dev_info.state = state;
    return r;
  }

  it('FM-8: what is wanted is read, the window ahead is not, until the reader is at its end', () => {
    const r = readSingly(congested(BDI_read_congested), 0, 4);
    check(r, '0: 0+4 first', '0+4 ahead none (12) prev 3 hit 0');
    check(readSingly(r, 4, 6), '0: 0+4 first, 4: 4+8 ahead', '4+8 ahead none (28) prev 5 hit 0');
    r.at.k.block.disks[0]!.queue.backing_dev_info.state = 0;
    check(readSingly(r, 6, 7), '0: 0+4 first, 4: 4+8 ahead, 6: 12+16 ahead', '4+8 ahead 12+16 prev 6 hit 0');
  });

  it('FM-8 EV-4: it is async what would be left out; writes make no reader wait', () => {
    const r = readSingly(congested(BDI_write_congested), 0, 5);
    check(r, '0: 0+4 first, 1: 4+8 ahead, 4: 12+16 ahead');
    const records = trace_records(r.at.k).filter(({ name }) => name === 'mm_readahead').map(({ args }) => args);
    assert.deepEqual(records, [
      { ino: r.file.ino, start: 0, len: 4, async: 0, window: 1, reason: 0 },
      { ino: r.file.ino, start: 4, len: 8, async: 1, window: 2, reason: 1 },
      { ino: r.file.ino, start: 12, len: 16, async: 1, window: 2, reason: 1 },
    ]);
  });

  it('FM-10: a fault reads nothing around its page; advice is followed all the same', () => {
    const { at: { k }, file } = congested(BDI_read_congested);
    assert.deepEqual([run_to_end(k, do_page_cache_readahead(k, file, 0, 32)), cachedOf(file)], [-1, '']);
    assert.deepEqual([run_to_end(k, force_page_cache_readahead(k, file, 0, 32)), cachedOf(file)], [32, '0-31']);
  });

  it('FM-6: the device says how large windows may be', () => {
    const r = congested(0);
    r.at.k.block.disks[0]!.queue.backing_dev_info.ra_pages = 8;
    check(readSingly({ ...r, ...open(r.at, r.file) }, 0, 12), '0: 0+2 first, 1: 2+4 ahead, 2: 6+8 ahead, 6: 14+8 ahead');
  });
});

describe('readahead: reading', () => {
  it('FM-10: pages that are there are passed by; all others are read, ascending, and come onto the inactive list', () => {
    const r = cache(reader(), 12, 14);
    assert.equal(run_to_end(r.at.k, __do_page_cache_readahead(r.at.k, r.file, 10, 6)), 4);
    const { inactive_list } = zoneNamed(r.at.k, 'Normal');
    const listed = list_pages(r.at.k, inactive_list);
    assert.deepEqual(listed.map((page) => page_index(r.at.k, page)), [15, 14, 11, 10, 13, 12]);
    assert.deepEqual(listed.map((page) => page_count(r.at.k, page)), listed.map(() => 1));
  });

  it('FM-10: advice is followed 2 MiB at a time', () => {
    const r = reader();
    resize_ring(r.at.k, 2 ** 16);
    const since = r.at.k.trace.ring.seq;
    assert.equal(run_to_end(r.at.k, force_page_cache_readahead(r.at.k, r.file, 100, 1100)), 1100);
    assert.equal(cachedOf(r.file), '100-1199');
    const forFiles = trace_records(r.at.k, since).filter(({ name, args }) => name !== 'mm_page_alloc' || args['gfp_flags'] === (GFP_HIGHUSER | __GFP_COLD));
    const order = forFiles.map(({ name }) => name).filter((name) => name === 'mm_page_alloc' || name === 'mm_filemap_add_to_page_cache');
    const turns = order.filter((name, i) => name !== order[i - 1]);
    assert.deepEqual(turns, Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'mm_page_alloc' : 'mm_filemap_add_to_page_cache')));
    assert.deepEqual(trace_records(r.at.k, since).filter(({ name }) => name === 'mm_readahead').map(({ args }) => args), [
      { ino: r.file.ino, start: 100, len: 1100, async: 0, window: 0, reason: 5 },
    ]);
  });

  it('FM-10: no more than half of what the node has free or could give up', () => {
    const r = cache(reader(), 0, 1000);
    const { k } = r.at;
    while (run_to_end(k, alloc_page(k, GFP_HIGHUSER)) !== NO_PAGE);
    const free = k.nodes[0]!.node_zones.reduce((sum, zone) => sum + zone.free_pages, 0);
    assert.deepEqual([max_sane_readahead(k, 32), max_sane_readahead(k, 1e6)], [32, Math.floor((1000 + free) / 2)]);
  });

  it('FM-10: without memory what could be allocated is read', () => {
    const r = reader();
    const { k } = r.at;
    const pages: Pfn[] = [];
    for (let page = run_to_end(k, alloc_page(k, GFP_HIGHUSER)); page !== NO_PAGE; page = run_to_end(k, alloc_page(k, GFP_HIGHUSER))) pages.push(page);
    for (const page of pages.slice(0, 500)) put_page(k, page);
    run_to_end(k, radix_tree_preload(k, GFP_KERNEL));
    const actual = run_to_end(k, __do_page_cache_readahead(k, r.file, 0, 1000));
    assert.ok(actual > 300 && actual <= 500, String(actual));
    assert.equal(cachedOf(r.file), `0-${actual - 1}`);
    checkCaches(r.at);
  });

  it('FM-10: a page that somebody else read meanwhile is freed', () => {
    const r = reader();
    const { value, got } = meanwhile(r.at.k, __do_page_cache_readahead(r.at.k, r.file, 0, 4), () => cache(r, 0, 3));
    assert.deepEqual([value, got, cachedOf(r.file)], [2, 4, '0-3']);
    checkCaches(r.at);
  });

  it('FM-8: make_ahead_window leaves no window where all was cached for long, forced or not', () => {
    const made = ([0, 1] as const).map((force) => {
      const r = cache(reader(), 0, 100);
      Object.assign(r.ra, { start: 0, size: 16, prev_page: 3, cache_hit: 240 });
      const success = run_to_end(r.at.k, make_ahead_window(r.at.k, r.file, r.ra, force));
      return [success, r.ra.ahead_start, r.ra.ahead_size, r.ra.flags];
    });
    assert.deepEqual(made, [[0, 0, 48, RA_FLAG_INCACHE], [0, 0, 48, RA_FLAG_INCACHE]]);
  });

  it('EV-4: a miss says of which file, where, and by whom', () => {
    const { at: { k } } = reader();
    trace_mm_filemap_miss(k, 7, 12, 1);
    const record = trace_records(k).at(-1)!;
    assert.deepEqual([record.name, record.args, show_field('miss_via', 1), k.trace.counts[TP.mm_filemap_miss]], ['mm_filemap_miss', { ino: 7, index: 12, via: 1 }, 'fault', 1]);
  });
});

describe('readahead: laws', () => {
  /** Numbers that look random, the same every time. */
  function* numbers(seed: number): Generator<number, never, void> {
    let state = seed;
    for (;;) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      yield state >>> 8;
    }
  }

  for (const seed of [1, 2, 3]) {
    it(`FM-8: whatever is read, windows are neighbours, none is larger than it may be, and every page read is there (seed ${seed})`, () => {
      const random = numbers(seed);
      const upTo = (end: number): number => random.next().value % end;
      const r = reader(1500);
      let index = 0;
      for (let step = 0; step < 300; step++) {
        if (upTo(20) === 0) r.ra.ra_pages = [0, 5, 32, 64][upTo(4)]!;
        if (upTo(10) === 0) index = upTo(1400);
        if (upTo(40) === 0) run_to_end(r.at.k, truncate_inode_pages(r.at.k, r.file, upTo(1500) * PAGE_SIZE));
        const count = 1 + upTo(upTo(8) === 0 ? 100 : 4);
        read(r, index, Math.min(count, 1500 - index));
        const wanted = Array.from({ length: Math.min(count, 1500 - index) }, (_, i) => radix_tree_lookup(r.file.page_tree, index + i));
        assert.equal(wanted.includes(NO_PAGE), false);
        index = Math.min(index + count, 1499);
        if (r.ra.ahead_start !== 0) assert.equal(r.ra.ahead_start, r.ra.start + r.ra.size);
        checkCaches(r.at);
      }
      const lengths = r.windows.map((text) => Number(/\+(\d+)/.exec(text)![1]));
      assert.ok(lengths.length > 50 && lengths.every((length) => length >= 1 && length <= 64));
    });
  }
});
