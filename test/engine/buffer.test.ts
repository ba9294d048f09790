// Pages and their buffers: what write() needs of a block, reading and writing through a buffer, giving buffers up (engine/fs/buffer.ts).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Step } from './fs-notation.ts';
import { GFP_HIGHUSER, GFP_NOFS } from '../../engine/include/gfp.ts';
import { PG_uptodate } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { make_writeback_control } from '../../engine/include/writeback.ts';
import { a_ops } from '../../engine/fs/a_ops.ts';
import { __set_page_dirty_buffers, block_truncate_page, try_to_release_page } from '../../engine/fs/buffer.ts';
import { file_bytes } from '../../engine/fs/file_bytes.ts';
import { flat_create } from '../../engine/fs/flat.ts';
import { find_or_create_page } from '../../engine/mm/filemap.ts';
import { clear_page_flag, page_count } from '../../engine/mm/mem_map.ts';
import { vmtruncate } from '../../engine/mm/memory_zap.ts';
import { clear_page_dirty_for_io } from '../../engine/mm/page-writeback.ts';
import { lock_page, unlock_page, wait_on_page_writeback } from '../../engine/mm/page_wait.ts';
import { find_cache } from '../../engine/mm/slab_lists.ts';
import { page_cache_release } from '../../engine/mm/swap.ts';
import { slabinfo_row } from '../../engine/fs/proc/slabinfo.ts';
import { testDisk } from './block-notation.ts';
import { bios, byteRuns, cache, drop, extents, filesOf, get, inodeAt, mappedStore, onDisk, put, readAhead, settle, write } from './fs-notation.ts';

/** Runs one task with a file /a of 20,000 bytes: four pages and a part of a fifth, in blocks 0 … 4. */
function withFile(body: (k: Kernel, a: inode) => Step<void>, config: Partial<MachineConfig> = {}): Kernel {
  return onDisk({ files: filesOf({ '/a': 20_000 }), ...config }, (k) => body(k, inodeAt(k, '/a'))).k;
}

/** A new file, empty. */
function* fresh(k: Kernel): Step<inode> {
  const made = yield* flat_create(k, '/new');
  assert.ok(typeof made !== 'number');
  return made;
}

const pristine = (index: number, from = 0, to = PAGE_SIZE): Uint8Array => file_bytes('/a', index * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE).subarray(from, to);

describe('FM-5: preparing and committing a write', () => {
  it('a whole page is not read first', () => {
    const k = withFile(function* (k, a) {
      assert.equal(yield* put(k, a, 0), 0);
      assert.equal(cache(k, a, 'bh'), '0:UDb[mud](d)');
    });
    assert.equal(bios(k), '');
  });

  it('a part of a page is: what the write leaves alone is the file\'s', () => {
    const k = withFile(function* (k, a) {
      assert.equal(yield* put(k, a, 1, { from: 100, to: 200 }), 0);
      const bytes = yield* get(k, a, 1);
      assert.deepEqual(bytes, Uint8Array.of(...pristine(1, 0, 100), ...Array<number>(100).fill(7), ...pristine(1, 200)));
    });
    assert.equal(bios(k), 'R1');
  });

  it('a page that is up to date, or was written before, is not read again', () => {
    const k = withFile(function* (k, a) {
      yield* readAhead(k, a, [0]);
      yield* settle(k, a);
      yield* put(k, a, 0, { from: 5, to: 6 });
      yield* put(k, a, 0, { from: 7, to: 8 });
      yield* put(k, a, 1);
      yield* put(k, a, 1, { from: 7, to: 8 });
    });
    assert.equal(bios(k), 'R0');
  });

  it('a page in a hole is given a block, and zeroes around what is written; nothing is read', () => {
    const k = withFile(function* (k) {
      const made = yield* fresh(k);
      assert.equal(yield* put(k, made, 2, { from: 10, to: 20 }), 0);
      assert.deepEqual([byteRuns(yield* get(k, made, 2)), made.size, extents(made)], ['0x10 7x10 0x4076', 2 * PAGE_SIZE + 20, '2:5']);
    });
    assert.equal(bios(k), '');
  });

  it('a page of a hole that is in the cache is given a block and keeps its zeroes', () => {
    withFile(function* (k) {
      const made = yield* fresh(k);
      made.size = PAGE_SIZE;
      yield* get(k, made, 0);
      assert.equal(yield* put(k, made, 0, { from: 1, to: 2 }), 0);
      assert.deepEqual([byteRuns(yield* get(k, made, 0)), cache(k, made, 'bh')], ['0x1 7x1 0x4094', '0:UDb[mud](d)']);
    });
  });

  it('commit_write makes a file longer, and never shorter', () => {
    withFile(function* (k, a) {
      yield* put(k, a, 4, { from: 0, to: 10 });
      assert.equal(a.size, 20_000);
      yield* put(k, a, 4, { from: 4000, to: 4001 });
      assert.equal(a.size, 4 * PAGE_SIZE + 4001);
    });
  });

  it('a block that cannot be read: -EIO, the page stays unread, and nothing is dirty', () => {
    const k = withFile(function* (k, a) {
      assert.equal(yield* put(k, a, 1, { from: 0, to: 1 }), -5);
      assert.equal(cache(k, a, 'bh'), '1:b[m]');
      assert.equal(yield* put(k, a, 1), 0);
      assert.equal(cache(k, a, 'bh'), '1:UDb[mud](d)');
    }, { disks: [testDisk({ fail_read: [{ start: 1, end: 2 }] })] });
    assert.deepEqual(k.log.lines.map(({ text }) => text).filter((text) => text.includes('Buffer')), ['Buffer I/O error on device sda, logical block 1']);
  });

  it('a full disk: -ENOSPC. A page that held zeroes, or stores of a mapping, keeps them in its buffer', () => {
    withFile(function* (k) {
      const made = yield* fresh(k);
      made.size = 2 * PAGE_SIZE;
      assert.equal(yield* put(k, made, 0), -28);
      yield* mappedStore(k, made, 1);
      assert.equal(yield* put(k, made, 1, { from: 0, to: 1 }), -28);
      assert.equal(cache(k, made, 'bh'), '0:b[] 1:Db[ud](d)');
      assert.deepEqual([byteRuns(yield* get(k, made, 0)), byteRuns(yield* get(k, made, 1))], ['0x4096', '9x4096']);
    }, { disks: [testDisk({ blocks: 5 })] });
  });
});

describe('reading through a buffer', () => {
  it('a page that an interrupted write left unread is read through its buffer, and unlocked', () => {
    const k = withFile(function* (k, a) {
      yield* unreadWithBuffer(k, a, 1);
      assert.equal(cache(k, a, 'bh'), '1:b[m]');
      assert.deepEqual(yield* get(k, a, 1), pristine(1));
      assert.equal(cache(k, a, 'bh'), '1:Ub[mu]');
    });
    assert.equal(bios(k), 'R1');
  });

  it('and marked where it cannot be', () => {
    const k = withFile(function* (k, a) {
      yield* unreadWithBuffer(k, a, 1);
      assert.equal(yield* get(k, a, 1), null);
      assert.equal(cache(k, a, 'bh'), '1:Eb[m]');
    }, { disks: [testDisk({ fail_read: [{ start: 1, end: 2 }] })] });
    assert.equal(bios(k), 'R1');
  });

  it('two tasks that write parts of one page: the second waits for the first one\'s read', () => {
    const { k } = onDisk({ files: filesOf({ '/a': 20_000 }) },
      function* (k) { assert.equal(yield* put(k, inodeAt(k, '/a'), 0, { from: 0, to: 2, byte: 1 }), 0); },
      function* (k) {
        const a = inodeAt(k, '/a');
        assert.equal(yield* put(k, a, 0, { from: 1, to: 3, byte: 2 }), 0);
        assert.equal(byteRuns((yield* get(k, a, 0))!.subarray(0, 3)), '1x1 2x2');
      });
    assert.equal(bios(k), 'R0');
  });
});

/** A page whose buffer knows its block and whose bytes nobody has read: prepare_write of a whole page, and the copy then failed. */
function* unreadWithBuffer(k: Kernel, a: inode, index: number): Step<void> {
  const page = yield* find_or_create_page(k, a, index, GFP_HIGHUSER);
  assert.equal(yield* a_ops(a).prepare_write(k, a, page, 0, PAGE_SIZE), 0);
  unlock_page(k, page);
  page_cache_release(k, page);
}

describe('writing one page through its buffer', () => {
  /** Locks a dirty page, takes its mark away and gives it to writepage, as reclaim does. */
  function* writePage(k: Kernel, a: inode, index: number): Step<number> {
    const page = yield* find_or_create_page(k, a, index, GFP_HIGHUSER);
    assert.equal(clear_page_dirty_for_io(k, page), 1);
    const error = yield* a_ops(a).writepage(k, a, page, make_writeback_control({}));
    assert.match(cache(k, a), /W/);
    yield* wait_on_page_writeback(k, page);
    page_cache_release(k, page);
    return error;
  }

  it('the page is under write-back while its buffer is locked', () => {
    const k = withFile(function* (k, a) {
      yield* put(k, a, 0);
      assert.equal(yield* writePage(k, a, 0), 0);
      assert.equal(cache(k, a, 'bh'), '0:Ub[mu]');
      yield* mappedStore(k, a, 4);
      assert.equal(yield* writePage(k, a, 4), 0);
      assert.equal(byteRuns(yield* get(k, a, 4)), '9x3616 0x480');
    });
    assert.equal(bios(k), 'W0 R4 W4');
  });

  it('an I/O error: the page is marked, its buffer no longer up to date, the file remembers; the log has it', () => {
    const k = withFile(function* (k, a) {
      yield* put(k, a, 0);
      assert.equal(yield* writePage(k, a, 0), 0);
      assert.deepEqual([cache(k, a, 'bh'), a.flags], ['0:UEb[m]', 1]);
    }, { disks: [testDisk({ fail_write: [{ start: 0, end: 1 }] })] });
    assert.deepEqual(k.log.lines.map(({ text }) => text).slice(-3), [
      'end_request: I/O error, dev sda, sector 0', 'Buffer I/O error on device sda, logical block 0', 'lost page write due to I/O error on sda',
    ]);
  });

  it('a page whose buffer is clean has nothing to write: it counts as skipped', () => {
    const k = withFile(function* (k, a) {
      yield* put(k, a, 0);
      const page = yield* find_or_create_page(k, a, 0, GFP_HIGHUSER);
      clear_page_dirty_for_io(k, page);
      k.buffer_heads.find((bh) => bh !== null)!.b_state &= ~0x2;
      const wbc = make_writeback_control({});
      assert.equal(yield* a_ops(a).writepage(k, a, page, wbc), 0);
      assert.deepEqual([wbc.pages_skipped, cache(k, a, 'bh')], [1, '0:Ub[mu]']);
      page_cache_release(k, page);
    });
    assert.equal(bios(k), '');
  });
});

describe('FM-13: giving buffers up', () => {
  it('a buffer is a reference to its page and an object of buffer_head, both of which go with it', () => {
    withFile(function* (k, a) {
      const inUse = (): number => slabinfo_row(k, find_cache(k, 'buffer_head')!).active_objs;
      yield* put(k, a, 0);
      yield* write(k, a);
      yield* settle(k, a);
      const page = yield* find_or_create_page(k, a, 0, GFP_HIGHUSER);
      const before = [page_count(k, page), k.buffer_heads.filter((bh) => bh !== null).length];
      const objects = inUse();
      assert.equal(try_to_release_page(k, page, GFP_NOFS), 1);
      assert.deepEqual([page_count(k, page), k.buffer_heads.filter((bh) => bh !== null).length], [before[0]! - 1, before[1]! - 1]);
      assert.equal(inUse(), objects);
      unlock_page(k, page);
      page_cache_release(k, page);
    });
  });

  it('a dirty buffer stays, and one of a page under write-back', () => {
    withFile(function* (k, a) {
      yield* put(k, a, 0);
      const page = yield* find_or_create_page(k, a, 0, GFP_HIGHUSER);
      assert.equal(try_to_release_page(k, page, GFP_NOFS), 0);
      unlock_page(k, page);
      yield* write(k, a);
      yield* lock_page(k, page);
      assert.equal(try_to_release_page(k, page, GFP_NOFS), 0);
      unlock_page(k, page);
      yield* settle(k, a);
      page_cache_release(k, page);
    });
  });

  it('a page that is cut off loses its buffer, dirty or not', () => {
    const k = withFile(function* (k, a) {
      for (const index of [0, 1, 2]) yield* put(k, a, index);
      yield* vmtruncate(k, a, PAGE_SIZE);
      assert.equal(cache(k, a, 'bh'), '0:UDb[mud](d)');
      assert.equal(k.buffer_heads.filter((bh) => bh !== null).length, 1);
    });
    assert.equal(bios(k), '');
  });

  it('a page that became dirty through a mapping has a dirty buffer, so that nobody takes that away', () => {
    withFile(function* (k, a) {
      yield* put(k, a, 0);
      yield* write(k, a);
      yield* settle(k, a);
      const page = yield* find_or_create_page(k, a, 0, GFP_HIGHUSER);
      assert.deepEqual([__set_page_dirty_buffers(k, page), __set_page_dirty_buffers(k, page)], [1, 0]);
      assert.equal(try_to_release_page(k, page, GFP_NOFS), 0);
      unlock_page(k, page);
      page_cache_release(k, page);
    });
  });
});

describe('F-13: the last block of a file that was cut', () => {
  it('is read, zeroed behind the new end, and dirty; so the file can grow again', () => {
    const k = withFile(function* (k, a) {
      yield* vmtruncate(k, a, PAGE_SIZE + 100);
      assert.equal(cache(k, a, 'bh'), '1:Db[mud](d)');
      yield* write(k, a);
      yield* settle(k, a);
      yield* vmtruncate(k, a, 3 * PAGE_SIZE);
      drop(k, a);
      assert.deepEqual(yield* get(k, a, 1), Uint8Array.of(...pristine(1, 0, 100), ...new Uint8Array(PAGE_SIZE - 100)));
      assert.equal(byteRuns(yield* get(k, a, 2)), '0x4096');
    });
    assert.equal(bios(k), 'R1 W1 R1');
  });

  it('at the end of a block, or in a hole, there is nothing to do', () => {
    const k = withFile(function* (k, a) {
      yield* vmtruncate(k, a, PAGE_SIZE);
      const made = yield* fresh(k);
      yield* vmtruncate(k, made, 5000);
      assert.deepEqual([cache(k, a), cache(k, made, 'bh')], ['', '1:b[]']);
    });
    assert.equal(bios(k), '');
  });

  it('that cannot be read stays as it is: -EIO', () => {
    withFile(function* (k, a) {
      assert.equal(yield* block_truncate_page(k, a, 5), -5);
      assert.equal(cache(k, a, 'bh'), '0:b[m]');
    }, { disks: [testDisk({ fail_read: [{ start: 0, end: 1 }] })] });
  });

  it('of a page that lost its mark but not its buffer the buffer counts', () => {
    const k = withFile(function* (k, a) {
      yield* put(k, a, 0);
      const page = yield* find_or_create_page(k, a, 0, GFP_HIGHUSER);
      clear_page_flag(k, page, PG_uptodate);
      unlock_page(k, page);
      page_cache_release(k, page);
      assert.equal(byteRuns(yield* get(k, a, 0)), '7x4096');
      yield* write(k, a);
      yield* settle(k, a);
    });
    assert.equal(bios(k), 'W0');
  });
});
