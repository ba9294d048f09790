// Dirty inodes and the walks over them (KERNEL.md WB-11, WB-13). A walk is some words, its outcome what it wrote of which file, and the lists of the
// disk then: `s_dirty | s_io`, head first, with the second since which each is dirty.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { TestTask } from './tasks.ts';
import type { writeback_control } from '../../engine/include/writeback.ts';
import { BDI_pdflush, BDI_write_congested } from '../../engine/include/blkdev.ts';
import { I_DIRTY, I_DIRTY_DATASYNC, I_DIRTY_PAGES, I_DIRTY_SYNC, I_LOCK } from '../../engine/include/fs.ts';
import { PF_FLUSHER } from '../../engine/include/sched.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { WB_SYNC_ALL, WB_SYNC_NONE, make_writeback_control } from '../../engine/include/writeback.ts';
import {
  OSYNC_DATA, OSYNC_INODE, OSYNC_METADATA, __mark_inode_dirty, __writeback_single_inode, generic_osync_inode, mark_inode_dirty,
  sync_inodes, sync_inodes_sb, write_inode_now, writeback_inodes,
} from '../../engine/fs/fs-writeback.ts';
import { sys_sync } from '../../engine/fs/sync.ts';
import { cond_resched, current_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { write_sysctl } from '../../engine/kernel/sysctl.ts';
import { MS, SEC, diary, dirtyOf, dirtyPages, disk, inodeAt, runWriters, upTo } from './writers.ts';

const NAMES = ['/a', '/b', '/c'];
/** Three files of 40 pages on the first disk, one on the second. */
const config = {
  disks: [disk(), disk({ name: 'sdb' })],
  files: [...NAMES.map((path) => ({ path, size: 40 * PAGE_SIZE, disk: 'sda' })), { path: '/d/d', size: 40 * PAGE_SIZE, disk: 'sdb' }],
};

/** `b2 a1 | c3`: files of a disk by the lists they are on, with the second since which they are dirty. */
function listsOf(k: Kernel, id = 0): string {
  const { s_dirty, s_io } = k.super_blocks[id]!;
  const show = (list: readonly number[]): string => list.map((ino) => `${k.inodes[ino]!.path.at(-1)}${Math.floor(k.inodes[ino]!.dirtied_when / 250)}`).join(' ');
  return `${show(s_dirty)} | ${show(s_io)}`.trim();
}

/** Makes pages of a, b, c dirty, at 1, 2 and 3 s, and at 10 s lets a task do something; what walks then wrote of which file, and the lists. */
function after(pages: readonly number[], then: (k: Kernel) => Generator<0 | 1, void, void>, others: TestTask[] = []): string[] {
  const lists: string[] = [];
  const dirtiers = pages.map((nr, i): TestTask => ({ name: `dirty${i}`, at: (i + 1) * SEC, *run(k) { yield* dirtyPages(k, NAMES[i]!, upTo(nr)); } }));
  const walker: TestTask = { name: 'walker', at: 10 * SEC, *run(k) {
    yield* then(k);
    lists.push(listsOf(k));
  } };
  const k = runWriters([...dirtiers, walker, ...others], config, ['writeback_single_inode']);
  return [...diary(k, /^\/.: /).map((line) => line.replace(/^\S+ /, '')), ...lists];
}

const walk = (wbc: Partial<writeback_control>) => function* (k: Kernel): Generator<0 | 1, void, void> {
  yield* writeback_inodes(k, make_writeback_control({ nr_to_write: 1000, ...wbc }));
};

describe('a walk over dirty inodes', () => {
  it('WB-11: the one that is dirty longest first', () => {
    assert.deepEqual(after([5, 6, 7], walk({})), ['/a: 5 of 1000', '/b: 6 of 995', '/c: 7 of 989', '|']);
  });

  it('WB-11: it ends behind the inode that has used up its pages; the others stay on s_io', () => {
    assert.deepEqual(after([5, 6, 7], walk({ nr_to_write: 5 })), ['/a: 5 of 5', '| c3 b2']);
    assert.deepEqual(after([5, 6, 7], walk({ nr_to_write: 6 })), ['/a: 5 of 6', '/b: 6 of 1', '| c3']);
  });

  it('WB-11: with pages left it is dirty since now and the newest', () => {
    assert.deepEqual(after([40, 6], walk({ nr_to_write: 20, range_cyclic: 1 })), ['/a: 28 of 20', 'a10 | b2']);
  });

  it('WB-11: the periodic walk leaves it its age, and the first place of the next walk', () => {
    assert.deepEqual(after([40, 6], walk({ nr_to_write: 20, for_kupdate: 1 })), ['/a: 28 of 20', 'a1 | b2']);
    const three = function* (k: Kernel): Generator<0 | 1, void, void> {
      for (let i = 0; i < 3; i++) yield* walk({ nr_to_write: 20, range_cyclic: 1, for_kupdate: 1 })(k);
    };
    assert.deepEqual(after([40, 6, 1], three), ['/a: 28 of 20', '/b: 6 of 20', '/c: 1 of 14', '/a: 12 of 20', '|']);
  });

  it('WB-11: only what is old enough', () => {
    assert.deepEqual(after([5, 6, 7], walk({ older_than_this: 2 * 250 })), ['/a: 5 of 1000', '/b: 6 of 995', '| c3']);
  });

  it('WB-11: the periodic walk takes new ones only when it has written all it had', () => {
    const walks = function* (k: Kernel): Generator<0 | 1, void, void> {
      yield* walk({ older_than_this: 250, for_kupdate: 1 })(k);
      yield* dirtyPages(k, '/c', [1]);
      yield* walk({ older_than_this: 9999, for_kupdate: 1 })(k);
    };
    assert.deepEqual(after([5, 6], walks), ['/a: 5 of 1000', '/b: 6 of 1000', 'c10 |']);
  });

  it('WB-11: nothing that becomes dirty while it runs', () => {
    const meanwhile: TestTask = { name: 'meanwhile', at: 10 * SEC + 4 * MS, *run(k) { yield* dirtyPages(k, '/b', [0]); } };
    assert.deepEqual(after([3], walk({ sync_mode: WB_SYNC_ALL }), [meanwhile]), ['/a: 3 of 1000', 'b10 |']);
  });

  it('a disk that is busy is left alone by who is not to wait for it', () => {
    const got: number[] = [];
    const busy = function* (k: Kernel): Generator<0 | 1, void, void> {
      const wbc = make_writeback_control({ nr_to_write: 1000, nonblocking: 1 });
      k.block.disks[0]!.queue.backing_dev_info.state |= BDI_write_congested;
      yield* writeback_inodes(k, wbc);
      got.push(wbc.encountered_congestion);
      k.block.disks[0]!.queue.backing_dev_info.state &= ~BDI_write_congested;
    };
    assert.deepEqual([after([5], busy), got], [['| a1'], [1]]);
  });

  it('one pdflush a disk; others than pdflush do not care', () => {
    const second = (flags: number) => function* (k: Kernel): Generator<0 | 1, void, void> {
      const bdi = k.block.disks[0]!.queue.backing_dev_info;
      bdi.state |= BDI_pdflush;
      current_task(k).flags |= flags;
      yield* walk({})(k);
      current_task(k).flags &= ~flags;
      assert.equal(bdi.state & BDI_pdflush, BDI_pdflush);
      bdi.state &= ~BDI_pdflush;
    };
    assert.deepEqual(after([5], second(PF_FLUSHER)), ['| a1']);
    assert.deepEqual(after([5], second(0)), ['/a: 5 of 1000', '|']);
  });

  it('pdflush has the disk while it writes, and gives it back', () => {
    const states: number[] = [];
    const look: TestTask = { name: 'look', at: 10 * SEC + 4 * MS, *run(k) {
      states.push(k.block.disks[0]!.queue.backing_dev_info.state & BDI_pdflush);
      yield* cond_resched(k);
    } };
    const first = function* (k: Kernel): Generator<0 | 1, void, void> {
      current_task(k).flags |= PF_FLUSHER;
      yield* walk({ sync_mode: WB_SYNC_ALL })(k);
      states.push(k.block.disks[0]!.queue.backing_dev_info.state & BDI_pdflush);
    };
    assert.deepEqual([after([5], first, [look]), states], [['/a: 5 of 1000', '|'], [1, 0]]);
  });

  it('WB-11: the newest disk first; of one disk only that one', () => {
    const both = (wbc: Partial<writeback_control>) => function* (k: Kernel): Generator<0 | 1, void, void> {
      yield* dirtyPages(k, '/d/d', [1, 2]);
      yield* walk(wbc)(k);
    };
    const run = (wbc: Partial<writeback_control>): string[] => {
      const k = runWriters([{ name: 'w', *run(kernel) { yield* dirtyPages(kernel, '/a', [0]); yield* both(wbc)(kernel); } }], config, ['writeback_single_inode']);
      return [...diary(k, /^\//).map((line) => line.replace(/^\S+ /, '')), listsOf(k), listsOf(k, 1)];
    };
    assert.deepEqual(run({}), ['/d/d: 2 of 1000', '/a: 1 of 998', '|', '|']);
    assert.deepEqual(run({ nr_to_write: 2 }), ['/d/d: 2 of 2', 'a0 |', '|']);
    assert.deepEqual(run({ bdi: 0 }), ['/a: 1 of 1000', '|', '| d0']);
  });
});

describe('the state of an inode', () => {
  /** A file of a booted machine that is not run. */
  const quiet = (then: (k: Kernel) => Generator<0 | 1, void, void>): Kernel => runWriters([{ name: 't', run: then }], config);

  it('WB-13: what changes it is added; the place among the dirty ones is the first change\'s', () => {
    quiet(function* (k) {
      __mark_inode_dirty(k, inodeAt(k, '/a'), I_DIRTY_SYNC);
      yield* schedule_timeout(k, SEC, 'a nap');
      mark_inode_dirty(k, inodeAt(k, '/b'));
      mark_inode_dirty(k, inodeAt(k, '/a'));
      assert.deepEqual([inodeAt(k, '/a').i_state, inodeAt(k, '/b').i_state, listsOf(k)], [I_DIRTY, I_DIRTY, 'b1 a0 |']);
      yield* sys_sync(k);
      assert.deepEqual([inodeAt(k, '/a').i_state, listsOf(k)], [0, '|']);
    });
  });

  it('block_dump tells who makes inodes dirty and disks turn', () => {
    const k = quiet(function* (k) {
      assert.equal(yield* write_sysctl(k, 'vm.block_dump', 1), null);
      __mark_inode_dirty(k, inodeAt(k, '/d/d'), I_DIRTY_SYNC);
      yield* dirtyPages(k, '/b', [3]);
      yield* sys_sync(k);
    });
    const [block] = inodeAt(k, '/b').extents;
    assert.deepEqual(k.log.lines.filter(({ text }) => /^\w+\(\d\): /.test(text)).map(({ text }) => text), [
      't(1): dirtied inode 4 (d) on sdb', 't(1): dirtied inode 2 (b) on sda', `pdflush(3): WRITE block ${(block!.block + 3) * 8} on sda`,
    ]);
  });

  it('WB-11: who dirties an inode that is being written leaves its place to the writer, and its age as it was', () => {
    const seen: string[] = [];
    const meanwhile: TestTask = { name: 'meanwhile', at: 10 * SEC + 4 * MS, *run(k) {
      const inode = inodeAt(k, '/a');
      seen.push(`${inode.i_state} ${listsOf(k)}`);
      mark_inode_dirty(k, inode);
      seen.push(`${inode.i_state} ${listsOf(k)}`);
      yield* cond_resched(k);
    } };
    const written = after([3], function* (k) { assert.equal(yield* write_inode_now(k, inodeAt(k, '/a'), 0), 0); }, [meanwhile]);
    assert.deepEqual([seen, written], [[`${I_LOCK} | a1`, `${I_LOCK | I_DIRTY} | a1`], ['/a: 3 of 2147483647', 'a1 |']]);
  });

  it('WB-11: who must have it on the disk waits for who writes it; who need not writes pages of it and goes on', () => {
    const order: string[] = [];
    const single = (name: string, mode: writeback_control['sync_mode']): TestTask => ({ name, at: 10 * SEC + 4 * MS, *run(k) {
      yield* dirtyPages(k, '/a', name === 'must' ? [20] : [30]);
      const wbc = make_writeback_control({ nr_to_write: 100, sync_mode: mode });
      yield* __writeback_single_inode(k, inodeAt(k, '/a'), wbc);
      order.push(`${name} wrote ${100 - wbc.nr_to_write}, ${dirtyOf(k).join('/')}`);
    } });
    after([3], function* (k) {
      yield* write_inode_now(k, inodeAt(k, '/a'), 0);
      order.push(`first, ${dirtyOf(k).join('/')}`);
    }, [single('must', WB_SYNC_ALL), single('need not', WB_SYNC_NONE)]);
    assert.deepEqual(order, ['need not wrote 2, 0/5', 'first, 0/0', 'must wrote 0, 0/0']);
  });

  it('write_inode_now of a file in memory writes no pages', () => {
    quiet(function* (k) {
      const inode = inodeAt(k, '/a');
      inode.i_bdev = -1;
      mark_inode_dirty(k, inode);
      assert.deepEqual([yield* write_inode_now(k, inode, 1), inode.i_state, listsOf(k)], [0, 0, '|']);
      inode.i_bdev = 0;
    });
  });

  it('generic_osync_inode writes the inode where that says where data lie, or where it is asked to', () => {
    const state = (dirty: number, what: number): number => {
      let left = -1;
      quiet(function* (k) {
        const inode = inodeAt(k, '/a');
        __mark_inode_dirty(k, inode, dirty);
        assert.equal(yield* generic_osync_inode(k, inode, what), 0);
        left = inode.i_state;
        yield* write_inode_now(k, inode, 1);
      });
      return left;
    };
    assert.equal(state(I_DIRTY_DATASYNC, OSYNC_METADATA | OSYNC_DATA), 0);
    assert.equal(state(I_DIRTY_SYNC, OSYNC_METADATA | OSYNC_DATA), I_DIRTY_SYNC);
    assert.equal(state(I_DIRTY_SYNC, OSYNC_INODE), 0);
    assert.equal(state(I_DIRTY_PAGES, OSYNC_DATA), I_DIRTY_PAGES);
  });

  it('generic_osync_inode tells of a page that could not be written, once', () => {
    const failing = { ...config, disks: [disk({ fail_write: [{ start: 0, end: 1000 }] }), disk({ name: 'sdb' })] };
    runWriters([{ name: 't', *run(k) {
      yield* dirtyPages(k, '/a', [0]);
      assert.equal(yield* generic_osync_inode(k, inodeAt(k, '/a'), OSYNC_DATA), -5);
      yield* dirtyPages(k, '/b', [0]);
      assert.equal(yield* write_inode_now(k, inodeAt(k, '/b'), 1), -5);
      assert.equal(yield* write_inode_now(k, inodeAt(k, '/b'), 1), 0);
    } }], failing);
  });
});

describe('sync', () => {
  it('WB-11: first all is begun and kept on the list, then all is waited for', () => {
    const lists: string[] = [];
    after([3, 4], function* (k) {
      yield* sync_inodes_sb(k, k.super_blocks[0]!, 0);
      lists.push(`${listsOf(k)}, ${dirtyOf(k).join('/')}`);
      yield* sync_inodes_sb(k, k.super_blocks[0]!, 1);
      lists.push(`${listsOf(k)}, ${dirtyOf(k).join('/')}`);
    });
    assert.deepEqual(lists, ['b10 a10 |, 0/7', '|, 0/0']);
  });

  it('what a pdflush has begun is on no list any more: sync_inodes does not wait for it, sync does', () => {
    const left: [number, number][] = [];
    after([3], function* (k) {
      yield* walk({ nonblocking: 1, range_cyclic: 1 })(k);
      yield* sync_inodes(k, 1);
      left.push(dirtyOf(k));
      yield* sys_sync(k);
      left.push(dirtyOf(k));
    });
    assert.deepEqual(left, [[0, 3], [0, 0]]);
  });
});
