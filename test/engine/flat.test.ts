// The flat file system: which blocks files have, what the directory says, what a power cut leaves (engine/fs/flat.ts); files of the root file system
// (engine/fs/libfs.ts); what is wrong with disks and files of a machine's description.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Step } from './fs-notation.ts';
import { config_problems, default_config } from '../../engine/config.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { check_fs } from '../../engine/fs/check_fs.ts';
import { file_bytes } from '../../engine/fs/file_bytes.ts';
import { flat_create, flat_get_block, flat_truncate, flat_write_inode, power_cut_image } from '../../engine/fs/flat.ts';
import { vmtruncate } from '../../engine/mm/memory_zap.ts';
import { new_inode } from '../../engine/mm/mm_struct.ts';
import { testDisk } from './block-notation.ts';
import { KiB, byteRuns, cache, drop, extents, filesOf, free, get, inodeAt, mappedStore, onDisk, put, settle, write } from './fs-notation.ts';

/** Runs one task on one disk of 100 blocks. */
function small(files: Readonly<Record<string, number>>, body: (k: Kernel) => Step<void>, blocks = 100): Kernel {
  return onDisk({ disks: [testDisk({ blocks })], files: filesOf(files) }, body).k;
}

function* create(k: Kernel, path: string): Step<ReturnType<typeof new_inode>> {
  const made = yield* flat_create(k, path);
  assert.ok(typeof made !== 'number', `${path}: ${String(made)}`);
  return made;
}

/** Pages of a file are given blocks, as writing them does. */
function take(k: Kernel, path: string, ...indices: number[]): string {
  for (const index of indices) assert.equal(flat_get_block(k, inodeAt(k, path), index, 1).error, 0);
  return extents(inodeAt(k, path));
}

/** What a power cut would leave: `/a 100: 0-0:0`, by path. */
function directory(k: Kernel): string[] {
  return [...k.super_blocks[0]!.directory.values()].map((found) => `${found.path} ${found.size}: ${extents(found)}`);
}

describe('files that a machine declares', () => {
  it('lie one behind the other, and hold what their names say', () => {
    const k = small({ '/a': 10_000, '/empty': 0, '/b': PAGE_SIZE }, function* (k) {
      assert.deepEqual(yield* get(k, inodeAt(k, '/b'), 0), file_bytes('/b', 0, PAGE_SIZE, PAGE_SIZE));
    });
    assert.deepEqual(directory(k), ['/a 10000: 0-2:0', '/empty 0: ', '/b 4096: 0:3']);
    assert.equal(free(k), '4-99');
  });

  it('bear the numbers of their disk, and are known by their paths', () => {
    const config = { disks: [testDisk(), testDisk({ name: 'sdb' })], files: [...filesOf({ '/a': 1 }, 'sdb'), ...filesOf({ '/b': 1 })] };
    onDisk(config, function* (k) {
      const [a, b] = [inodeAt(k, '/a'), inodeAt(k, '/b')];
      assert.deepEqual([[a.major, a.minor, a.i_bdev, a.path], [b.major, b.minor, b.i_bdev, b.path]], [[8, 16, 1, '/a'], [8, 0, 0, '/b']]);
      yield* get(k, a, 0);
    });
  });
});

describe('new files', () => {
  it('go to the disk whose file shares the longest directory with them, else to the first', () => {
    const disks = ['sda', 'sdb', 'sdc'].map((name) => testDisk({ name }));
    const files = [...filesOf({ '/data/x': 1 }), ...filesOf({ '/data/db/y': 1, '/log/a': 1 }, 'sdb'), ...filesOf({ '/log/b': 1 }, 'sdc')];
    onDisk({ disks, files }, function* (k) {
      const where: string[] = [];
      for (const path of ['/data/new', '/data/db/new', '/data/db/deep/new', '/database/new', '/log/new', '/new']) {
        const made = yield* create(k, path);
        where.push(`${path} ${made.i_bdev}`);
      }
      assert.deepEqual(where, ['/data/new 0', '/data/db/new 1', '/data/db/deep/new 1', '/database/new 0', '/log/new 1', '/new 0']);
    });
  });

  it('a name that is taken, a machine without disks', () => {
    small({ '/a': 1 }, function* (k) {
      assert.equal(yield* flat_create(k, '/a'), -17);
    });
    onDisk({ disks: [] }, function* (k) {
      assert.equal(yield* flat_create(k, '/a'), -30);
    });
  });

  it('the disk knows of one when its inode is written', () => {
    small({}, function* (k) {
      const made = yield* create(k, '/new');
      assert.deepEqual([directory(k), made.i_state], [[], 7]);
      yield* flat_write_inode(k, made, 0);
      assert.deepEqual(directory(k), ['/new 0: ']);
    });
  });
});

describe('blocks of a file', () => {
  it('one that is asked for without being made is a hole', () => {
    small({ '/a': PAGE_SIZE }, function* (k) {
      const a = inodeAt(k, '/a');
      assert.deepEqual(flat_get_block(k, a, 0, 1), { block: 0, is_new: 0, error: 0 });
      assert.deepEqual(flat_get_block(k, a, 1, 0), { block: -1, is_new: 0, error: 0 });
      assert.deepEqual(flat_get_block(k, a, 1, 1), { block: 1, is_new: 1, error: 0 });
      assert.deepEqual(flat_get_block(k, a, 1, 1), { block: 1, is_new: 0, error: 0 });
      yield* create(k, '/b');
    });
  });

  it('follow each other where the disk has room behind them; holes keep their place among the pages, not on the disk', () => {
    small({ '/a': 2 * PAGE_SIZE }, function* (k) {
      yield* create(k, '/new');
      assert.equal(take(k, '/a', 2, 3), '0-3:0');
      assert.equal(take(k, '/new', 0, 1), '0-1:4');
      assert.equal(take(k, '/a', 4), '0-3:0 4:6');
      assert.equal(take(k, '/new', 7, 3, 2), '0-1:4 2:9 3:8 7:7');
      assert.equal(free(k), '10-99');
    });
  });

  it('a new file begins where most blocks are free in a row', () => {
    small({ '/a': 10 * PAGE_SIZE, '/b': 50 * PAGE_SIZE }, function* (k) {
      yield* truncated(k, '/a', 0);
      assert.equal(free(k), '0-9 60-99');
      yield* create(k, '/new');
      assert.equal(take(k, '/new', 0), '0:60');
    });
  });

  it('a full disk: what lies before the goal is taken too, then -ENOSPC', () => {
    const k = small({ '/a': 3 * PAGE_SIZE, '/b': 5 * PAGE_SIZE }, function* (k) {
      yield* truncated(k, '/a', PAGE_SIZE);
      assert.equal(take(k, '/b', 5, 6, 7, 8), '0-6:3 7-8:1');
      assert.deepEqual(flat_get_block(k, inodeAt(k, '/b'), 9, 1), { block: -1, is_new: 0, error: -28 });
    }, 10);
    assert.equal(free(k), '');
  });
});

/** A file that is cut, and its inode written. */
function* truncated(k: Kernel, path: string, size: number): Step<void> {
  inodeAt(k, path).size = size;
  yield* flat_truncate(k, inodeAt(k, path));
  yield* flat_write_inode(k, inodeAt(k, path), 0);
}

describe('blocks that a file gives up', () => {
  it('are nobody\'s before its inode is written', () => {
    small({ '/a': 4 * PAGE_SIZE }, function* (k) {
      const a = inodeAt(k, '/a');
      yield* vmtruncate(k, a, PAGE_SIZE);
      assert.deepEqual([extents(a), free(k), directory(k)], ['0:0', '4-99', ['/a 16384: 0-3:0']]);
      assert.equal(take(k, '/a', 1), '0:0 1:4');
      yield* flat_write_inode(k, a, 0);
      assert.deepEqual([free(k), directory(k)], ['1-3 5-99', ['/a 4096: 0:0 1:4']]);
    });
  });

  it('but before the disk counts as full that inode is written', () => {
    small({ '/a': 4 * PAGE_SIZE }, function* (k) {
      yield* vmtruncate(k, inodeAt(k, '/a'), PAGE_SIZE);
      yield* create(k, '/new');
      assert.deepEqual([take(k, '/new', 0), free(k)], ['0:1', '2-3']);
      assert.deepEqual(directory(k), ['/a 4096: 0:0']);
    }, 4);
  });

  it('a cut in the middle of an extent, and over several', () => {
    small({ '/a': 2 * PAGE_SIZE }, function* (k) {
      take(k, '/a', 5, 6, 9);
      yield* truncated(k, '/a', 6 * PAGE_SIZE);
      assert.deepEqual([extents(inodeAt(k, '/a')), free(k)], ['0-1:0 5:2', '3-99']);
      yield* truncated(k, '/a', 0);
      assert.deepEqual([extents(inodeAt(k, '/a')), free(k)], ['', '0-99']);
    });
  });
});

describe('the blocks of several files, whatever is asked of them', () => {
  /** Gives page `index` of a file a block, cuts the file to `index` pages, or writes its inode. */
  const action = fc.record({ what: fc.constantFrom('take' as const, 'take' as const, 'cut' as const, 'write' as const), file: fc.nat(2), index: fc.nat(12) });

  it('each block is one file\'s, a page keeps its block, and the disk is full when all are taken', () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      small({ '/a': 3 * PAGE_SIZE, '/b': PAGE_SIZE, '/c': 0 }, function* (k) {
        const model = ['/a', '/b', '/c'].map((path, i) => ({ file: inodeAt(k, path), blocks: new Map(Array.from({ length: [3, 1, 0][i]! }, (_, n) => [n, i === 0 ? n : 3])) }));
        for (const step of actions) {
          yield* follow(k, model, step);
          assert.deepEqual(check_fs(k), []);
          for (const { file, blocks } of model) for (let n = 0; n <= 12; n++) assert.equal(flat_get_block(k, file, n, 0).block, blocks.get(n) ?? -1);
        }
      }, 16);
    }), { numRuns: 40 });
  });

  type Model = { file: ReturnType<typeof new_inode>; blocks: Map<number, number> }[];

  function* follow(k: Kernel, model: Model, { what, file: which, index }: { what: string; file: number; index: number }): Step<void> {
    const { file, blocks } = model[which]!;
    if (what === 'take') {
      const { block, error } = flat_get_block(k, file, index, 1);
      const used = model.reduce((sum, one) => sum + one.blocks.size, 0);
      if (!blocks.has(index)) assert.equal(error, used === 16 ? -28 : 0);
      if (error === 0) blocks.set(index, block);
    } else if (what === 'cut') {
      file.size = index * PAGE_SIZE;
      yield* flat_truncate(k, file);
      for (const n of [...blocks.keys()]) if (n >= index) blocks.delete(n);
    } else yield* flat_write_inode(k, file, 0);
  }
});

describe('after a power cut', () => {
  const image = (k: Kernel): string[] => power_cut_image(k).map(({ path, size, bytes }) => `${path} ${size}: ${byteRuns(bytes(0, size))}`);

  it('a file that nobody wrote is there, from any byte on', () => {
    small({ '/a': 10_000 }, function* (k) {
      yield* create(k, '/new');
      const [a] = power_cut_image(k);
      assert.deepEqual(a!.bytes(5000, 100), file_bytes('/a', PAGE_SIZE, PAGE_SIZE, PAGE_SIZE).subarray(904, 1004));
      assert.equal(a!.bytes(9_990, 100).length, 10);
    });
  });

  it('what was written is there once the disk has it and the directory says so', () => {
    small({}, function* (k) {
      const made = yield* create(k, '/new');
      yield* put(k, made, 0);
      yield* put(k, made, 2, { to: 10 });
      assert.deepEqual(image(k), []);
      yield* flat_write_inode(k, made, 0);
      assert.deepEqual(image(k), ['/new 8202: 0x8202']);
      yield* write(k, made);
      assert.deepEqual(image(k), ['/new 8202: 0x8202']);
      yield* settle(k, made);
      assert.deepEqual(image(k), ['/new 8202: 7x4096 0x4096 7x10']);
    });
  });

  it('a file that was cut shows nothing of another, whether the other found room elsewhere or had to have its blocks', () => {
    for (const [blocks, expected] of [[3, '/a 8192: …1x4096'], [2, '/a 4096: …']] as const) {
      small({ '/a': 2 * PAGE_SIZE }, function* (k) {
        const a = inodeAt(k, '/a');
        yield* put(k, a, 1, { byte: 1 });
        yield* write(k, a);
        yield* settle(k, a);
        yield* vmtruncate(k, a, PAGE_SIZE);
        const made = yield* create(k, '/new');
        yield* put(k, made, 0, { byte: 2 });
        yield* write(k, made);
        yield* settle(k, made);
        const first = byteRuns(file_bytes('/a', 0, PAGE_SIZE, PAGE_SIZE));
        assert.deepEqual(image(k).map((line) => line.replace(first, '…').replace('… ', '…')), [expected]);
      }, blocks);
    }
  });
});

describe('files of the root file system', () => {
  /** A program of two pages. */
  const program = (body: (k: Kernel, file: ReturnType<typeof new_inode>) => Step<void>): Kernel =>
    onDisk({}, (k) => body(k, new_inode(k, '/bin/p', 'file', 2 * PAGE_SIZE))).k;

  it('hold what their names say, and cost a copy and no I/O to read', () => {
    program(function* (k, file) {
      const before = k.now;
      assert.deepEqual(yield* get(k, file, 1), file_bytes('/bin/p', PAGE_SIZE, PAGE_SIZE, PAGE_SIZE));
      assert.ok(k.now - before >= k.cost.copy_page && k.now - before < 2 * k.cost.copy_page);
      assert.equal(byteRuns(yield* get(k, file, 5)), '0x4096');
    });
  });

  it('can be written; such pages are dirty for good, and nobody writes them out', () => {
    program(function* (k, file) {
      yield* put(k, file, 0, { from: 1, to: 2 });
      yield* put(k, file, 3, { to: 5 });
      assert.deepEqual([cache(k, file), file.size], ['0:UD(d) 3:UD(d)', 3 * PAGE_SIZE + 5]);
      const expected = file_bytes('/bin/p', 0, PAGE_SIZE, PAGE_SIZE);
      expected[1] = 7;
      assert.deepEqual(yield* get(k, file, 0), expected);
      assert.equal(byteRuns(yield* get(k, file, 3)), '7x5 0x4091');
      assert.equal((yield* write(k, file)).error, 0);
      assert.deepEqual([cache(k, file), drop(k, file)], ['0:UD(d) 3:UD(d)', 0]);
    });
  });

  it('that are cut and grow again hold zeroes there', () => {
    program(function* (k, file) {
      yield* vmtruncate(k, file, PAGE_SIZE + 10);
      yield* vmtruncate(k, file, 0);
      yield* vmtruncate(k, file, 2 * PAGE_SIZE);
      assert.equal(byteRuns(yield* get(k, file, 1)), '0x4096');
    });
    program(function* (k, file) {
      yield* vmtruncate(k, file, PAGE_SIZE + 10);
      yield* vmtruncate(k, file, 2 * PAGE_SIZE);
      const expected = file_bytes('/bin/p', PAGE_SIZE, PAGE_SIZE, PAGE_SIZE).fill(0, 10);
      assert.deepEqual(yield* get(k, file, 1), expected);
      yield* mappedStore(k, file, 0);
      yield* vmtruncate(k, file, 100);
      assert.equal(byteRuns(yield* get(k, file, 0)), '9x100 0x3996');
    });
  });
});

describe('disks and files of a description', () => {
  const problems = (disks: Partial<DiskConfig>[], files: MachineConfig['files'] = []): string[] =>
    config_problems({ ...default_config(), disks: disks.map((disk) => testDisk(disk)), files }).map(({ setting, message }) => `${setting}: ${message}`);

  it('that are right', () => {
    assert.deepEqual(problems([{}, { name: 'sdb', seek: 0 }], [...filesOf({ '/a': 0, '/b/c': 10 * KiB }), ...filesOf({ '/b/d': 1 }, 'sdb')]), []);
  });

  for (const [disks, message] of [
    [[{}, {}], 'disks: There are two disks sda.'],
    [[{ name: '' }], 'disks: A disk has a name.'],
    [[{ seek: -1 }], 'disks: seek of sda is a time, 0 or more.'],
    [[{ bandwidth: 0 }], 'disks: bandwidth of sda is more than 0.'],
    [[{ blocks: 0 }], 'disks: sda has 1 block or more, of 4 KiB.'],
    [[{ fail_read: [{ start: 5, end: 5 }] }], 'disks: fail of sda takes START .. END with END above START.'],
    [[{ fail_write: [{ start: -1, end: 5 }] }], 'disks: fail of sda takes START .. END with END above START.'],
  ] as [Partial<DiskConfig>[], string][]) it(message, () => assert.deepEqual(problems(disks), [message]));

  for (const [files, message] of [
    [filesOf({ 'a': 1 }), 'files: A file\'s path begins with / and ends with a name, and has neither // nor . nor .. in it: a'],
    [filesOf({ '/a/': 1 }), 'files: A file\'s path begins with / and ends with a name, and has neither // nor . nor .. in it: /a/'],
    [filesOf({ '/a/../b': 1 }), 'files: A file\'s path begins with / and ends with a name, and has neither // nor . nor .. in it: /a/../b'],
    [[...filesOf({ '/a': 1 }), ...filesOf({ '/a': 2 })], 'files: There are two files /a.'],
    [filesOf({ '/a': -1 }), 'files: The size of /a takes a number from 0 to 8796093022207.'],
    [filesOf({ '/a': 1.5 }), 'files: The size of /a takes a number from 0 to 8796093022207.'],
    [filesOf({ '/a': 1 }, 'sdc'), 'files: /a is on a disk sdc, which the machine does not have.'],
    [filesOf({ '/a': 1, '/a/b': 1 }), 'files: /a is a file, so /a/b cannot be in it.'],
    [filesOf({ '/a': 9_999 * PAGE_SIZE, '/b': PAGE_SIZE + 1 }), 'files: The files on sda need 10001 blocks of 4 KiB; it has 10000.'],
  ] as [MachineConfig['files'], string][]) it(message, () => assert.deepEqual(problems([{}], files), [message]));
});
