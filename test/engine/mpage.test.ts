// Several pages a bio: readahead and write-back of files (engine/fs/mpage.ts), and how they share pages with engine/fs/buffer.ts.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Step } from './fs-notation.ts';
import { AS_EIO, AS_ENOSPC } from '../../engine/include/fs.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { WB_SYNC_NONE } from '../../engine/include/writeback.ts';
import { file_bytes } from '../../engine/fs/file_bytes.ts';
import { flat_create } from '../../engine/fs/flat.ts';
import { vmtruncate } from '../../engine/mm/memory_zap.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { testDisk } from './block-notation.ts';
import { KiB, bios, byteRuns, cache, drop, extents, filesOf, get, inodeAt, mappedStore, onDisk, put, readAhead, settle, write } from './fs-notation.ts';

const run = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

/** Runs one task with files /a of 64 KiB, then /b of 10,000 bytes. */
function withFiles(body: (k: Kernel) => Step<void>, config: Partial<MachineConfig> = {}): Kernel {
  return onDisk({ files: filesOf({ '/a': 64 * KiB, '/b': 10_000 }), ...config }, body).k;
}

describe('reading several pages', () => {
  it('FM-10: blocks that follow each other make one bio; its end unlocks all of them', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* readAhead(k, a, run(4));
      assert.equal(cache(k, a), '0:L 1:L 2:L 3:L');
      yield* settle(k, a);
      assert.equal(cache(k, a), '0:U 1:U 2:U 3:U');
      assert.deepEqual(yield* get(k, a, 3), file_bytes('/a', 3 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE));
    });
    assert.equal(bios(k), 'R0+4');
  });

  it('pages apart make a bio each; a page that somebody else has put there meanwhile is left alone', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* get(k, a, 1);
      yield* readAhead(k, a, [0, 1, 2, 8, 9]);
      yield* settle(k, a);
      assert.equal(cache(k, a), '0:U 1:U 2:U 8:U 9:U');
    });
    assert.equal(bios(k), 'R1 R0 R2 R8+2');
  });

  it('a bio holds 32 blocks at most', () => {
    const k = onDisk({ files: filesOf({ '/big': 70 * PAGE_SIZE }) }, function* (k) {
      yield* readAhead(k, inodeAt(k, '/big'), run(70));
      yield* settle(k, inodeAt(k, '/big'));
    }).k;
    assert.equal(bios(k), 'R0+32 R32+32 R64+6');
  });

  it('the last page holds zeroes behind the end of the file; pages behind it are zeroes without I/O', () => {
    const k = withFiles(function* (k) {
      const b = inodeAt(k, '/b');
      yield* readAhead(k, b, [2, 3]);
      assert.equal(cache(k, b), '2:L 3:U');
      assert.deepEqual(yield* get(k, b, 2), file_bytes('/b', 2 * PAGE_SIZE, 10_000 - 2 * PAGE_SIZE, PAGE_SIZE));
      assert.equal(byteRuns(yield* get(k, b, 3)), '0x4096');
    });
    assert.equal(bios(k), 'R18');
  });

  it('a hole reads as zeroes, and what lies on both sides of it on the disk still is one bio', () => {
    const k = withFiles(function* (k) {
      const made = yield* flat_create(k, '/new');
      assert.ok(typeof made !== 'number');
      yield* put(k, made, 0);
      yield* put(k, made, 2);
      assert.equal(extents(made), '0:19 2:20');
      yield* write(k, made);
      yield* settle(k, made);
      assert.equal(drop(k, made), 2);
      yield* readAhead(k, made, [0, 1, 2]);
      assert.equal(cache(k, made), '0:L 1:U 2:L');
      yield* settle(k, made);
      assert.deepEqual([byteRuns(yield* get(k, made, 1)), byteRuns(yield* get(k, made, 2))], ['0x4096', '7x4096']);
    });
    assert.equal(bios(k), 'W19+2 R19+2');
  });

  it('an I/O error: every page of the bio is marked, none is up to date, all are unlocked; a second try may go well', () => {
    const disks = [testDisk({ fail_read: [{ start: 2, end: 3 }] })];
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* readAhead(k, a, run(4));
      yield* settle(k, a);
      assert.equal(cache(k, a), '0:E 1:E 2:E 3:E');
      assert.notEqual(yield* get(k, a, 1), null);
      assert.equal(yield* get(k, a, 2), null);
      assert.equal(cache(k, a), '0:E 1:UE 2:E 3:E');
      assert.equal(a.flags, 0);
    }, { disks });
    const told = trace_records(k).filter(({ name }) => name === 'file_io_error').map(({ args }) => `${args['rw']}:${args['index']}`);
    assert.deepEqual(told, ['0:3', '0:2', '0:1', '0:0', '0:2']);
  });
});

describe('writing several pages', () => {
  it('WB-12, WB-13: pages turn clean, are under write-back and unlocked at once; the mark of dirt goes then', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      for (let i = 0; i < 3; i++) assert.equal(yield* put(k, a, i), 0);
      assert.equal(cache(k, a, 'bh'), '0:UDb[mud](d) 1:UDb[mud](d) 2:UDb[mud](d)');
      yield* write(k, a);
      assert.equal(cache(k, a, 'bh'), '0:UWb[mu](w) 1:UWb[mu](w) 2:UWb[mu](w)');
      yield* settle(k, a);
      assert.equal(cache(k, a, 'bh'), '0:Ub[mu] 1:Ub[mu] 2:Ub[mu]');
    });
    assert.equal(bios(k), 'W0+3');
  });

  it('a page that a mapping made dirty is written without a buffer; in a hole it is given its block now', () => {
    const k = withFiles(function* (k) {
      const made = yield* flat_create(k, '/new');
      assert.ok(typeof made !== 'number');
      yield* put(k, made, 3);
      yield* mappedStore(k, made, 1);
      assert.deepEqual([cache(k, made), extents(made)], ['1:UD(d) 3:UDb(d)', '3:19']);
      yield* write(k, made);
      assert.deepEqual([cache(k, made), extents(made)], ['1:UW(w) 3:UWb(w)', '1:20 3:19']);
      yield* settle(k, made);
      drop(k, made);
      assert.deepEqual([byteRuns(yield* get(k, made, 1)), byteRuns(yield* get(k, made, 3))], ['9x4096', '7x4096']);
    });
    assert.equal(bios(k), 'W20 W19 R20 R19');
  });

  it('a page with a clean buffer that was dirtied behind its back goes through the buffer', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* put(k, a, 0, { from: 0, to: 10 });
      yield* write(k, a);
      yield* settle(k, a);
      yield* mappedStore(k, a, 0);
      assert.equal(cache(k, a, 'bh'), '0:UDb[mud](d)');
      yield* write(k, a);
      yield* settle(k, a);
      assert.equal(cache(k, a, 'bh'), '0:Ub[mu]');
    });
    assert.equal(bios(k), 'R0 W0 W0');
  });

  it('what lies behind the end of the file goes to the disk as zeroes, whatever a mapping has put there', () => {
    const k = withFiles(function* (k) {
      const b = inodeAt(k, '/b');
      yield* mappedStore(k, b, 2);
      yield* write(k, b);
      yield* settle(k, b);
      assert.equal(byteRuns(yield* get(k, b, 2)), '9x1808 0x2288');
      drop(k, b);
      assert.equal(byteRuns(yield* get(k, b, 2)), '9x1808 0x2288');
    });
    assert.equal(bios(k), 'R18 W18 R18');
  });

  it('a page behind the end of the file is not written, and its buffer goes', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* put(k, a, 1);
      yield* mappedStore(k, a, 2);
      a.size = PAGE_SIZE;
      yield* write(k, a);
      assert.equal(cache(k, a), '1:U(d) 2:U(d)');
      yield* vmtruncate(k, a, PAGE_SIZE);
      assert.equal(cache(k, a), '');
    });
    assert.equal(bios(k), 'R2');
  });

  for (const [wanted, wrote] of [[1024, 1036], [768, 770]] as const) {
    it(`WB-12: nr_to_write ends a walk behind a batch of 14: ${wanted} pages become ${wrote}`, () => {
      onDisk({ files: filesOf({ '/a': 64 * KiB }), memory: 32 << 20 }, function* (k) {
        const made = yield* flat_create(k, '/new');
        assert.ok(typeof made !== 'number');
        for (let i = 0; i < 1100; i++) yield* put(k, made, i);
        const { wbc } = yield* write(k, made, { sync_mode: WB_SYNC_NONE, nr_to_write: wanted, range_cyclic: 1 });
        assert.deepEqual([wanted - wbc.nr_to_write, made.writeback_index], [wrote, wrote]);
        yield* settle(k, made);
      });
    });
  }

  it('WB-12: a cyclic walk goes on where the last one ended, and begins again where nothing is left there', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      for (const i of [0, 1, 15]) yield* put(k, a, i);
      const cyclic = { sync_mode: WB_SYNC_NONE, range_cyclic: 1 } as const;
      a.writeback_index = 8;
      yield* write(k, a, cyclic);
      assert.deepEqual([cache(k, a), a.writeback_index], ['0:UDb(d) 1:UDb(d) 15:UWb(w)', 16]);
      yield* write(k, a, cyclic);
      assert.deepEqual([cache(k, a), a.writeback_index], ['0:UWb(w) 1:UWb(w) 15:UWb(w)', 2]);
      yield* settle(k, a);
    });
    assert.equal(bios(k), 'W15 W0+2');
  });

  it('a walk over a range writes nothing else, and leaves the cyclic one where it is', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      for (let i = 0; i < 6; i++) yield* put(k, a, i);
      a.writeback_index = 3;
      yield* write(k, a, { start: 2 * PAGE_SIZE, end: 4 * PAGE_SIZE });
      assert.deepEqual([cache(k, a), a.writeback_index], ['0:UDb(d) 1:UDb(d) 2:UWb(w) 3:UWb(w) 4:UWb(w) 5:UDb(d)', 3]);
      yield* write(k, a);
      yield* settle(k, a);
    });
    assert.equal(bios(k), 'W2+3 W0+2 W5');
  });

  it('a page that is being written is skipped, or waited for by who syncs', () => {
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      yield* put(k, a, 0);
      yield* write(k, a);
      yield* put(k, a, 0, { byte: 8 });
      assert.equal(cache(k, a), '0:UDWb(dw)');
      yield* write(k, a, { sync_mode: WB_SYNC_NONE });
      assert.equal(cache(k, a), '0:UDWb(dw)');
      yield* write(k, a);
      assert.equal(cache(k, a), '0:UWb(w)');
      yield* settle(k, a);
      drop(k, a);
      assert.equal(byteRuns(yield* get(k, a, 0)), '8x4096');
    });
    assert.equal(bios(k), 'W0 W0 R0');
  });

  it('WB-14: a walk in no hurry stays away from a congested queue, and stops where it becomes one', () => {
    onDisk({ files: filesOf({ '/a': 4000 * PAGE_SIZE }) }, function* (k) {
      const a = inodeAt(k, '/a');
      for (let i = 0; i < 240; i++) yield* put(k, a, 2 * i);
      const first = yield* write(k, a, { sync_mode: WB_SYNC_NONE, nonblocking: 1 });
      const written = cache(k, a).split(' ').filter((page) => page.includes('W')).length;
      assert.deepEqual([first.wbc.encountered_congestion, written], [1, 126]);
      const second = yield* write(k, a, { sync_mode: WB_SYNC_NONE, nonblocking: 1 });
      assert.deepEqual([second.wbc.encountered_congestion, second.wbc.nr_to_write], [1, Infinity]);
      assert.equal(cache(k, a).split(' ').filter((page) => page.includes('D')).length, 240 - written);
      yield* settle(k, a);
    });
  });

  it('an I/O error: every page of the bio is marked and the file remembers; nobody waits for ever', () => {
    const disks = [testDisk({ fail_write: [{ start: 1, end: 2 }] })];
    const k = withFiles(function* (k) {
      const a = inodeAt(k, '/a');
      for (let i = 0; i < 3; i++) yield* put(k, a, i);
      assert.equal((yield* write(k, a)).error, 0);
      yield* settle(k, a);
      assert.deepEqual([cache(k, a, 'bh'), a.flags], ['0:UEb[mu] 1:UEb[mu] 2:UEb[mu]', AS_EIO]);
      drop(k, a);
      assert.deepEqual([byteRuns(yield* get(k, a, 0)), (yield* get(k, a, 1))![0]], ['7x4096', file_bytes('/a', PAGE_SIZE, 4, 4)[0]]);
    }, { disks });
    assert.deepEqual(k.log.lines.map(({ text }) => text).filter((text) => text.includes('error')), ['end_request: I/O error, dev sda, sector 8']);
    const ends = trace_records(k).filter(({ name }) => name === 'page_writeback_end').map(({ args }) => `${args['index']}:${args['error']}`);
    assert.deepEqual(ends, ['2:-5', '1:-5', '0:-5']);
  });

  it('no block for a page in a hole: -ENOSPC, the file remembers, and what the page held goes no further', () => {
    const k = withFiles(function* (k) {
      const made = yield* flat_create(k, '/new');
      assert.ok(typeof made !== 'number');
      made.size = 8 * PAGE_SIZE;
      for (let i = 0; i < 3; i++) yield* mappedStore(k, made, i);
      const { error } = yield* write(k, made);
      yield* settle(k, made);
      assert.deepEqual([error, made.flags, cache(k, made, 'bh')], [-28, AS_ENOSPC, '0:U 1:UEb[u] 2:UEb[u]']);
    }, { disks: [testDisk({ blocks: 20 })] });
    assert.equal(bios(k), 'W19');
  });
});
