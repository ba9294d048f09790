// The block layer: what is merged, when a disk begins, how long it takes, what fails, who waits (KERNEL.md WB-14, DT-4; LANGUAGE.md, Virtual time).

import assert from 'node:assert/strict';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import { BIO_EOF, READ, WRITE } from '../../engine/include/bio.ts';
import { pfn_to_phys, phys } from '../../engine/include/types.ts';
import { bio_add_page, bio_alloc, bio_endio } from '../../engine/block/bio.ts';
import { next_block_event, run_block_events } from '../../engine/block/events.ts';
import { bdi_read_congested, bdi_write_congested, find_disk } from '../../engine/block/genhd.ts';
import { submit_bio } from '../../engine/block/ll_rw_blk.ts';
import { blk_congestion_wait } from '../../engine/block/request_list.ts';
import { add_pristine, platter_image, read_platter, read_platter_bytes } from '../../engine/block/platter.ts';
import { charge, cond_resched, run_to_end, schedule_timeout } from '../../engine/kernel/sched.ts';
import { fill_frame, read_phys_bytes, write_phys } from '../../engine/mm/contents.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { VM_EVENT_NAMES, vm_events } from '../../engine/mm/vmstat.ts';
import { MS, blockMachine, diary, frame, ms, runBlock, step, streams, submit, testDisk } from './block-notation.ts';

/** Checks the diary of one task, a line of words each. */
function check(words: string, expected: string, disk: Partial<DiskConfig> = {}): Kernel {
  const k = streams([words], [testDisk(disk)]);
  assert.deepEqual(diary(k), expected.trim().split('\n').map((line) => line.trim()));
  return k;
}

/** What the requests came to that the disk worked at, in its order. */
const begun = (words: string): string => diary(streams([words]), ['block_rq_issue']).map((line) => line.split(' ')[2]).join(' ');

/** Every other block from 0 on: nothing to merge. */
const apart = (rw: 'R' | 'W', nr: number): string => Array.from({ length: nr }, (_, i) => `${rw}${2 * i}`).join(' ');

type Steps = Generator<Wait, void, void>;

/** Runs one task of its own on a machine with one disk. */
function one(body: (k: Kernel) => Steps, disk: Partial<DiskConfig> = {}): Kernel {
  return runBlock(blockMachine([{ name: 'driver', run: body }], [testDisk(disk)]));
}

describe('plugging', () => {
  it('the first request of an idle disk waits 3 ms for company', () => {
    check('W10', `
      0 getrq W10
      0 plug
      3 unplug 1
      3 begin W10
      4.1 end W10`);
  });

  it('four requests end it at once', () => {
    check('W10 W20 R30 W40 W50', `
      0 getrq W10
      0 plug
      0 getrq W20
      0 getrq R30
      0 getrq W40
      0 unplug 4
      0 begin W10
      0 getrq W50
      1.1 end W10
      1.1 begin W20
      2.2 end W20
      2.2 begin R30
      3.3 end R30
      3.3 begin W40
      4.4 end W40
      4.4 begin W50
      5.5 end W50`);
  });

  it('who waits for a page ends it, and so does a request that is in a hurry', () => {
    const lines = (words: string): string[] => diary(streams([words]), ['block_plug', 'block_unplug', 'block_rq_issue']);
    assert.deepEqual(lines('W10 ~1ms unplug'), ['0 plug', '1 unplug 1', '1 begin W10']);
    assert.deepEqual(lines('W10 R20!'), ['0 plug', '0 unplug 2', '0 begin W10', '1.1 begin R20']);
    assert.deepEqual(lines('W10 W11!'), ['0 plug', '0 unplug 1', '0 begin W10+2']);
    assert.deepEqual(lines('unplug'), []);
  });

  it('a disk that works is not plugged, one that has done all of its work is plugged again', () => {
    check('W10! ~0.5ms W20 ~5ms R30', `
      0 getrq W10
      0 plug
      0 unplug 1
      0 begin W10
      0.5 getrq W20
      1.1 end W10
      1.1 begin W20
      2.2 end W20
      5.5 getrq R30
      5.5 plug
      8.5 unplug 1
      8.5 begin R30
      9.6 end R30`);
  });
});

describe('merging', () => {
  it('a bio joins a queued request at its end or at its front', () => {
    check('W10 W11+3 W8+2', `
      0 getrq W10
      0 plug
      0 back W11+3
      0 front W8+2
      3 unplug 1
      3 begin W8+6
      4.6 end W8+6`);
  });

  it('a bio that fills a gap makes one request of two, which keeps the place of the lower one', () => {
    check('W30 W12 W10 W11 W29', `
      0 getrq W30
      0 plug
      0 getrq W12
      0 getrq W10
      0 back W11
      0 join W10+3
      0 front W29
      3 unplug 2
      3 begin W29+2
      4.2 end W29+2
      4.2 begin W10+3
      5.5 end W10+3`);
    assert.equal(begun('W10 W30 W12 W11'), 'W10+3 W30');
    assert.equal(begun('W12 W30 W10 W11'), 'W30 W10+3');
  });

  it('neither with the other direction nor with what the disk has begun', () => {
    assert.equal(begun('W10 R11 W12'), 'W10 R11 W12');
    assert.equal(begun('W10! W11 W12'), 'W10 W11+2');
  });

  it('256 sectors is the largest request: 32 blocks', () => {
    assert.equal(begun('W0+32 W32'), 'W0+32 W32');
    assert.equal(begun('W0+31 W31 W32'), 'W0+32 W32');
    assert.equal(begun('W0+31 W31+2'), 'W0+31 W31+2');
    assert.equal(begun('R0+16 R17+16 R16'), 'R0+16 R16+17');
    assert.equal(begun('R0+15 R17+16 R15 R16'), 'R0+16 R16+17');
  });

  it('nothing passes a request that shares blocks with it, unless both read', () => {
    assert.equal(begun('W10+2 W30 W12'), 'W10+3 W30');
    assert.equal(begun('W10+2 R12 W12'), 'W10+2 R12 W12');
    assert.equal(begun('W10+2 W12+4! W14 W12'), 'W10+6 W14 W12');
    assert.equal(begun('R10+2 W12 R12'), 'R10+2 W12 R12');
    assert.equal(begun('R10+2 R13+4 R12'), 'R10+7');
    assert.equal(begun('W10 R12 W12 W11'), 'W10 R12 W11+2');
    assert.equal(begun('W12 R12 W10 W11'), 'W12 R12 W10+2');
    assert.equal(begun('R10 R12+3 W40 R11'), 'R10+5 W40');
  });
});

describe('a disk', () => {
  it('seeks unless the request goes on where the one before ended; then the bytes take their time', () => {
    const ends = (words: string, disk: Partial<DiskConfig> = {}): string => diary(streams([words], [testDisk(disk)]), ['block_rq_complete']).join(', ');
    assert.equal(ends('W10! R11!'), '1.1 end W10, 1.2 end R11');
    assert.equal(ends('W10! ~9ms W11! W10!'), '1.1 end W10, 9.1 end W11, 10.2 end W10');
    assert.equal(ends('R0+32!', { seek: 8 * MS, bandwidth: 60 * 2 ** 20 }), '10.0833 end R0+32');
    assert.equal(ends('R0!', { seek: 0, bandwidth: 3 }), '1365333.3333 end R0');
  });

  it('works beside another one', () => {
    const k = streams(['W10! W10@1! W10+4@1 unplug', '~0.6ms R8'], [testDisk(), testDisk({ name: 'sdb', seek: 0.5 * MS })]);
    assert.deepEqual(diary(k, ['block_rq_issue', 'block_rq_complete']), [
      '0 begin W10', '0 begin W10@1', '0.6 end W10@1', '0.6 begin W10+4@1', '1.1 end W10', '1.1 begin R8', '1.5 end W10+4@1', '2.2 end R8',
    ]);
    assert.deepEqual([find_disk(k, 'sdb')?.id, find_disk(k, 'sdc')], [1, null]);
  });

  it('sectors read and written are counted', () => {
    const k = streams(['W10+3 R20']);
    assert.deepEqual(['pgpgin', 'pgpgout'].map((name) => vm_events(k, VM_EVENT_NAMES.findIndex((other) => other === name))), [8, 24]);
  });
});

describe('interrupts', () => {
  it('come at their own time between two steps of a task that computes', () => {
    const seen: string[] = [];
    one(function* (k) {
      const page = yield* frame(k);
      yield* submit(k, { rw: WRITE, block: 10, nr: 1, disk: 0, sync: true }, [page], 0);
      yield* submit(k, { rw: WRITE, block: 20, nr: 1, disk: 0, sync: false }, [page], 1);
      for (let i = 0; i < 3; i++) {
        charge(k, MS);
        yield* cond_resched(k);
        seen.push(k.block.ended.map(({ time }) => ms(time)).join(' '));
      }
      yield* submit(k, { rw: WRITE, block: 30, nr: 1, disk: 0, sync: false }, [page], 2);
      charge(k, 10 * MS);
      yield* cond_resched(k);
      seen.push(k.block.ended.map(({ time }) => ms(time)).join(' '));
    });
    assert.deepEqual(seen, ['', '1.1', '1.1 2.2', '1.1 2.2 7.1']);
  });

  it('are heard before a bio is queued, however long the task has computed', () => {
    const k = one(function* (k) {
      const page = yield* frame(k);
      yield* submit(k, { rw: WRITE, block: 10, nr: 1, disk: 0, sync: true }, [page], 0);
      charge(k, 5 * MS);
      yield* submit(k, { rw: WRITE, block: 11, nr: 1, disk: 0, sync: false }, [page], 1);
      charge(k, 5 * MS);
      yield* submit(k, { rw: WRITE, block: 12, nr: 1, disk: 0, sync: false }, [page], 2);
    });
    assert.deepEqual(diary(k, ['block_plug', 'block_rq_issue', 'block_rq_complete']), [
      '0 plug', '0 begin W10', '1.1 end W10', '5 plug', '8 begin W11', '8.1 end W11', '10 plug', '13 begin W12', '13.1 end W12',
    ]);
  });

  it('a disk begins nothing before it was asked for, even where nobody heard the interrupts', () => {
    const { k } = blockMachine([], [testDisk()]);
    const page = run_to_end(k, frame(k));
    run_to_end(k, submit(k, { rw: WRITE, block: 10, nr: 1, disk: 0, sync: true }, [page], 0));
    k.now += 5 * MS;
    run_to_end(k, submit(k, { rw: WRITE, block: 20, nr: 1, disk: 0, sync: false }, [page], 1));
    run_block_events(k, 1.1 * MS);
    assert.equal(next_block_event(k), 6.1 * MS);
    run_block_events(k, Infinity);
    assert.deepEqual(diary(k, ['block_rq_complete']), ['1.1 end W10', '6.1 end W20']);
  });
});

describe('the end of a bio', () => {
  it('each bio of a request ends by itself, in ascending order', () => {
    const k = streams(['W12 W11 W13 W30']);
    assert.deepEqual(k.block.ended.map(({ time, sector, rw, error, private: id }) => [ms(time), sector / 8, rw, error, id]), [
      ['4.3', 11, 1, 0, 1], ['4.3', 12, 1, 0, 0], ['4.3', 13, 1, 0, 2], ['5.4', 30, 1, 0, 3],
    ]);
  });

  it('a block that fails fails its whole bio and no other one, and the log names it', () => {
    const k = streams(['R10+4 R14 R15+2 W15'], [testDisk({ fail_read: [{ start: 11, end: 13 }, { start: 16, end: 17 }] })]);
    assert.deepEqual(diary(k, ['block_rq_complete']), ['4.7 end R10+7 error -5', '5.8 end W15']);
    assert.deepEqual(k.block.ended.map(({ sector, error }) => [sector / 8, error]), [[10, -5], [14, 0], [15, -5], [15, 0]]);
    assert.deepEqual(k.log.lines.slice(-3).map(({ text }) => text), [
      'end_request: I/O error, dev sda, sector 88', 'end_request: I/O error, dev sda, sector 96', 'end_request: I/O error, dev sda, sector 128',
    ]);
  });

  it('a block that fails holds what it held, the blocks beside it are transferred', () => {
    one(function* (k) {
      const pages: Pfn[] = [];
      for (let i = 0; i < 3; i++) {
        const page = yield* frame(k);
        fill_frame(k, page, 0x40 + i);
        pages.push(page);
      }
      yield* submit(k, { rw: WRITE, block: 10, nr: 3, disk: 0, sync: true }, pages, 0);
      yield* schedule_timeout(k, 5 * MS, 'the disk');
      const { platter } = k.block.disks[0]!;
      assert.deepEqual([10, 11, 12].map((block) => read_platter(platter, block)), [0x40, 0, 0x42]);
      for (const page of pages) fill_frame(k, page, 0xee);
      yield* submit(k, { rw: READ, block: 10, nr: 3, disk: 0, sync: true }, pages, 1);
      yield* schedule_timeout(k, 5 * MS, 'the disk');
      assert.deepEqual(pages.map((page) => read_phys_bytes(k, pfn_to_phys(page), 4096)[4095]), [0x40, 0, 0xee]);
      assert.deepEqual(k.block.ended.map(({ error }) => error), [-5, -5]);
    }, { fail_write: [{ start: 11, end: 12 }], fail_read: [{ start: 12, end: 13 }] });
  });

  it('past the end of the disk there is nothing, and the disk is not asked', () => {
    const k = one(function* (k) {
      const page = yield* frame(k);
      const bio = bio_alloc(0, 99, 'record', 7);
      bio_add_page(k, bio, page);
      bio_add_page(k, bio, page);
      yield* submit_bio(k, WRITE, bio);
      assert.deepEqual([bio.bi_flags], [BIO_EOF]);
    }, { blocks: 100 });
    assert.deepEqual([k.block.ended.map(({ error, private: id }) => [error, id]), diary(k)], [[[-5, 7]], []]);
    assert.deepEqual(k.log.lines.slice(-2).map(({ text }) => text), ['attempt to access beyond end of device', 'sda: rw=1, want=808, limit=800']);
    assert.deepEqual(diary(streams(['R99'], [testDisk({ blocks: 100 })]), ['block_rq_complete']), ['4.1 end R99']);
  });

  it('no bio grows past what the disk takes, and one made larger is refused', () => {
    const k = one(function* (k) {
      const page = yield* frame(k);
      const bio = bio_alloc(0, 0, 'record', 0);
      for (let i = 0; i < 32; i++) assert.equal(bio_add_page(k, bio, page), 4096);
      assert.equal(bio_add_page(k, bio, page), 0);
      bio.bi_io_vec.push(page);
      yield* submit_bio(k, READ, bio);
    });
    assert.deepEqual([k.block.ended.map(({ error }) => error), k.log.lines.at(-1)?.text], [[-5], 'bio too big device sda (264 > 256)']);
  });

  it('a handler that is not modelled yet says so', () => {
    one(function* (k) {
      for (const kind of ['swap_read', 'swap_write'] as const) {
        assert.throws(() => bio_endio(k, bio_alloc(0, 0, kind, 0), 0), /not modelled yet/);
      }
      yield* submit(k, { rw: READ, block: 0, nr: 1, disk: 0, sync: false }, [yield* frame(k)], 0);
    });
  });
});

describe('congestion', () => {
  const lines = (words: string): string[] => diary(streams([words]), ['block_congested', 'block_uncongested', 'block_sleeprq']);

  for (const [rw, isCongested] of [['W', bdi_write_congested], ['R', bdi_read_congested]] as const) {
    it(`WB-14: ${rw} begins with the 113th request and ends with fewer than 103`, () => {
      assert.deepEqual(lines(apart(rw, 112)), []);
      assert.deepEqual(lines(apart(rw, 113)), [`0 congested ${rw} 113`, `12.1 uncongested ${rw} 102`]);
      const machine = blockMachine([{ name: 'driver', *run(k) {
        const page = yield* frame(k);
        for (let i = 0; i < 113; i++) {
          assert.equal(isCongested(k, 0), false);
          yield* submit(k, { rw: rw === 'W' ? WRITE : READ, block: 2 * i, nr: 1, disk: 0, sync: false }, [page], 0);
        }
        assert.equal(isCongested(k, 0), true);
      } }], [testDisk()]);
      runBlock(machine);
      assert.equal(isCongested(machine.k, 0), false);
    });
  }

  it('WB-14: the 129th sleeps; merging needs no request', () => {
    assert.deepEqual(lines(apart('W', 128)), ['0 congested W 113', '28.6 uncongested W 102']);
    assert.deepEqual(lines(`${apart('W', 128)} W500 W501`), ['0 congested W 113', '0 sleep W500', '29.7 uncongested W 102']);
    assert.deepEqual(lines(`${apart('W', 128)} W255 W253 R500`), ['0 congested W 113', '27.5 uncongested W 102']);
  });

  it('WB-14: who sleeps for a request gets one in the order of coming, before anybody new', () => {
    const k = streams([apart('W', 128), '~0.1ms W1000', '~0.2ms W2000 W2002', '~0.3ms W3000', '~1.1ms W4000'], [testDisk()], 4);
    assert.deepEqual(diary(k, ['block_sleeprq']).map((line) => line.slice(4)), ['sleep W1000', 'sleep W2000', 'sleep W3000', 'sleep W4000', 'sleep W2002']);
    const got = diary(k, ['block_getrq']).slice(128);
    assert.deepEqual(got, ['1.1 getrq W1000', '2.2 getrq W2000', '3.3 getrq W3000', '4.4 getrq W4000', '5.5 getrq W2002']);
  });

  it('WB-14: blk_congestion_wait ends with a request that leaves fewer than 103, or with its time (QK-16)', () => {
    const waits = (...words: string[]): string[] => diary(streams(words, [testDisk()], 2), ['block_uncongested', 'congestion_wait']);
    assert.deepEqual(waits(apart('W', 113), '~0.1ms congested? W 25'), ['12.1 uncongested W 102', '12.1 woken W, slept 12 of 100']);
    assert.deepEqual(waits('W10', '~0.1ms congested? W 25'), ['4.1 woken W, slept 4 of 100']);
    assert.deepEqual(waits('R10', '~0.1ms congested? W 25'), ['100.1 woken W, slept 100 of 100']);
    assert.deepEqual(waits(apart('W', 120), '~0.1ms congested? W 2'), ['8.1 woken W, slept 8 of 8', '19.8 uncongested W 102']);
    assert.deepEqual(waits('~1ms', 'congested? R 1'), ['4 woken R, slept 4 of 4']);
  });

  it('blk_congestion_wait answers the jiffies that were left', () => {
    const left: number[] = [];
    one(function* (k) {
      const page = yield* frame(k);
      yield* submit(k, { rw: WRITE, block: 10, nr: 1, disk: 0, sync: true }, [page], 0);
      left.push(yield* blk_congestion_wait(k, WRITE, 25));
      left.push(yield* blk_congestion_wait(k, WRITE, 25));
    });
    assert.deepEqual(left, [24, 0]);
  });
});

describe('what a disk holds', () => {
  it('costs nothing until it is written: a file by its name, zeroes past its end and elsewhere', () => {
    one(function* (k) {
      const disk = k.block.disks[0]!;
      add_pristine(k, disk, { kind: 'file', start: 200, nr: 2, path: '/b', index: 0, size: 8192 });
      add_pristine(k, disk, { kind: 'file', start: 100, nr: 3, path: '/data/log', index: 4, size: 6 * 4096 + 101 });
      const expected = (path: string, start: number, size: number): number[] =>
        Array.from({ length: 4096 }, (_, i) => (i < size ? file_byte(path, start + i) : 0));
      for (const [block, path, index, size] of [[100, '/data/log', 4, 4096], [101, '/data/log', 5, 4096], [102, '/data/log', 6, 101], [201, '/b', 1, 4096]] as const) {
        assert.deepEqual([...read_platter_bytes(disk.platter, block)], expected(path, index * 4096, size));
      }
      assert.deepEqual([99, 103, 199, 202].map((block) => read_platter(disk.platter, block)), [0, 0, 0, 0]);
      assert.throws(() => add_pristine(k, disk, { kind: 'file', start: 102, nr: 1, path: '/c', index: 0, size: 1 }), /add_pristine/);

      const page = yield* frame(k);
      yield* submit(k, { rw: READ, block: 102, nr: 1, disk: 0, sync: true }, [page], 0);
      yield* schedule_timeout(k, 5 * MS, 'the disk');
      assert.deepEqual([...read_phys_bytes(k, pfn_to_phys(page), 4096)], expected('/data/log', 6 * 4096, 101));
      assert.equal(disk.platter.written.size, 0);
    });
  });

  it('after a power cut it is what requests that ended have written', () => {
    const machine = blockMachine([{ name: 'driver', *run(k) {
      const page = yield* frame(k);
      fill_frame(k, page, 7);
      yield* submit(k, { rw: WRITE, block: 10, nr: 1, disk: 0, sync: true }, [page], 0);
      yield* submit(k, { rw: WRITE, block: 20, nr: 1, disk: 0, sync: false }, [page], 1);
      yield* schedule_timeout(k, 1.5 * MS, 'the first');
      write_phys(k, phys(pfn_to_phys(page) + 5), 9);
    } }], [testDisk()]);
    const seen: string[] = [];
    while (step(machine)) {
      const image = platter_image(machine.k, 0);
      seen.push([10, 20].map((block) => [...read_platter_bytes(image, block).slice(4, 7)].join(' ')).join(', '));
    }
    assert.deepEqual([...new Set(seen)], ['0 0 0, 0 0 0', '7 7 7, 0 0 0', '7 7 7, 7 9 7']);
    const image = platter_image(machine.k, 0);
    machine.k.block.disks[0]!.platter.written.clear();
    assert.deepEqual([...image.written.keys(), read_platter(image, 10)], [10, 20, 7]);
  });

  it('a block filled with one byte is one number', () => {
    const k = one(function* (k) {
      const page = yield* frame(k);
      fill_frame(k, page, 1);
      for (let i = 0; i < 4096; i++) write_phys(k, phys(pfn_to_phys(page) + i), 0xab);
      yield* submit(k, { rw: WRITE, block: 3, nr: 1, disk: 0, sync: true }, [page], 0);
    });
    assert.equal(k.block.disks[0]!.platter.written.get(3), 0xab);
  });
});
