// Dirty pages: the marks, the limits, who writes when (KERNEL.md WB-1 … WB-9, WB-12, WB-13, X-23). The walks over inodes are in inodes.test.ts, the
// threads in pdflush.test.ts.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { Pfn } from '../../engine/include/types.ts';
import type { TestTask } from './tasks.ts';
import { BDI_pdflush } from '../../engine/include/blkdev.ts';
import { O_CREAT, O_WRONLY } from '../../engine/include/fs.ts';
import { NR_ANON_PAGES, NR_FILE_MAPPED, NR_WRITEBACK } from '../../engine/include/mmzone.ts';
import { PG_dirty, PG_writeback } from '../../engine/include/page-flags.ts';
import { PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK } from '../../engine/include/radix-tree.ts';
import { PF_LESS_THROTTLE } from '../../engine/include/sched.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { make_writeback_control } from '../../engine/include/writeback.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { sys_write } from '../../engine/fs/read_write.ts';
import { sys_fsync, sys_sync } from '../../engine/fs/sync.ts';
import { cond_resched, run_to_end, schedule_timeout } from '../../engine/kernel/sched.ts';
import { write_sysctl } from '../../engine/kernel/sysctl.ts';
import { run_machine } from '../../engine/machine.ts';
import { radix_tree_lookup, radix_tree_tag_get } from '../../engine/lib/radix-tree.ts';
import { page_index, test_page_flag } from '../../engine/mm/mem_map.ts';
import {
  clear_page_dirty_for_io, dirty_limits, get_dirty_limits, redirty_page_for_writepage, set_page_dirty,
  set_page_dirty_lock, test_clear_page_dirty, test_clear_page_writeback, test_set_page_writeback, throttle_vm_writeout,
  wakeup_pdflush, wb_timer_fn,
} from '../../engine/mm/page-writeback.ts';
import { lock_page, unlock_page } from '../../engine/mm/page_wait.ts';
import { new_inode } from '../../engine/mm/mm_struct.ts';
import { mod_zone_page_state } from '../../engine/mm/vmstat.ts';
import { TP } from '../../engine/trace/tracepoints.ts';
import { MiB } from './notation.ts';
import { mapPages, user } from './processes.ts';
import { machineWith } from './tasks.ts';
import { MS, SEC, dirtyOf, dirtyPages, diary, disk, inodeAt, runWriters, upTo, writePages, writer } from './writers.ts';

const booted = (config: Partial<MachineConfig>): Kernel => machineWith([], config).k;
const count = (k: Kernel, name: keyof typeof TP): number => k.trace.counts[TP[name]]!;

// ---- limits -----------------------------------------------------------------------------------------------------------

describe('dirty limits', () => {
  const machines: readonly [string, Partial<MachineConfig>, string][] = [
    ['WB-3: 64 MiB', { memory: 64 * MiB }, '10/40 1638/6553 512'],
    ['WB-3: 256 MiB', { memory: 256 * MiB }, '10/40 6553/26214 1024'],
    ['WB-3: 1 GiB', { memory: 1024 * MiB }, '10/40 26214/104857 1024'],
    ['WB-2: 4 GiB, most of it high: 87 % of the ratios', { memory: 4096 * MiB }, '8/34 83886/356515 1024'],
    ['WB-4: 64 MiB, four CPUs', { memory: 64 * MiB, cpus: 4 }, '10/40 1638/6553 128'],
    ['WB-4: 8 MiB', { memory: 8 * MiB }, '10/40 204/819 64'],
    ['WB-4: no fewer than 16', { memory: 8 * MiB, cpus: 8 }, '10/40 204/819 16'],
    ['X-23: 256 MiB', { arch: 'x86_64', memory: 256 * MiB, cpus: 2 }, '10/40 6325/25302 988'],
    ['X-23: 512 MiB', { arch: 'x86_64', memory: 512 * MiB, cpus: 2 }, '10/40 12789/51158 1024'],
    ['X-23: 1 GiB', { arch: 'x86_64', memory: 1024 * MiB, cpus: 2 }, '10/40 25717/102870 1024'],
    ['X-23: 2 GiB', { arch: 'x86_64', memory: 2048 * MiB, cpus: 2 }, '10/40 51573/206294 1024'],
    ['X-23: 4 GiB', { arch: 'x86_64', memory: 4096 * MiB, cpus: 2 }, '10/40 103106/412424 1024'],
  ];
  for (const [name, config, expected] of machines) {
    it(`${name}: ratios, limits, ratelimit_pages`, () => {
      const k = booted(config);
      const { background, dirty } = get_dirty_limits(k, null);
      const { dirty_background_ratio, vm_dirty_ratio } = k.sysctl;
      assert.equal(`${dirty_background_ratio}/${vm_dirty_ratio} ${background}/${dirty} ${k.writeback.ratelimit_pages}`, expected);
    });
  }

  /** Limits with so many of 16384 pages mapped, half of them anonymous. */
  function limitsWith(mapped: number, ratios: [number, number] = [10, 40]): string {
    const k = booted({ memory: 64 * MiB, sysctl: [['vm.dirty_background_ratio', ratios[0]], ['vm.dirty_ratio', ratios[1]]] });
    const zone = k.nodes[0]!.node_zones[2]!;
    mod_zone_page_state(k, zone, NR_ANON_PAGES, Math.floor(mapped / 2));
    mod_zone_page_state(k, zone, NR_FILE_MAPPED, Math.ceil(mapped / 2));
    const { unmapped_ratio, dirty_ratio, background_ratio, background, dirty } = dirty_limits(k, null);
    return `${unmapped_ratio}% ${background_ratio}/${dirty_ratio} ${background}/${dirty}`;
  }

  it('WB-3: half of what is unmapped, at least 5 %', () => {
    assert.deepEqual([0, 3276, 3277, 8192, 14746, 16384].map((mapped) => limitsWith(mapped)), [
      '100% 10/40 1638/6553', '81% 10/40 1638/6553', '80% 10/40 1638/6553', '50% 10/25 1638/4096', '10% 2/5 327/819', '0% 2/5 327/819',
    ]);
  });

  it('WB-3: a background ratio that reaches the other counts as half of it', () => {
    assert.deepEqual(([[39, 40], [40, 40], [90, 40], [10, 3]] as [number, number][]).map((ratios) => limitsWith(0, ratios)), [
      '100% 39/40 6389/6553', '100% 20/40 3276/6553', '100% 20/40 3276/6553', '100% 2/5 327/819',
    ]);
  });

  it('WB-3: a quarter more for real-time tasks, and for those that write for others', () => {
    const k = booted({ memory: 64 * MiB });
    const task = k.tasks[0]!;
    task.rt = 1;
    assert.deepEqual(get_dirty_limits(k, null), { background: 2047, dirty: 8191 });
    task.rt = 0;
    task.flags |= PF_LESS_THROTTLE;
    assert.deepEqual(get_dirty_limits(k, null), { background: 2047, dirty: 8191 });
    assert.deepEqual([dirty_limits(k, null).background, dirty_limits(k, null).dirty], [1638, 6553]);
  });
});

// ---- marks ------------------------------------------------------------------------------------------------------------

const CALLS: Readonly<Record<string, (k: Kernel, page: Pfn) => unknown>> = {
  dirty: set_page_dirty,
  io: clear_page_dirty_for_io,
  clear: test_clear_page_dirty,
  writeback: test_set_page_writeback,
  end: test_clear_page_writeback,
  redirty: (k, page) => redirty_page_for_writepage(k, make_writeback_control({}), page),
};

describe('marks of a dirty page', () => {
  /** The marks of page 3 of a file after each of some calls, with what the call gave: flags Dirty and Writeback, tags d and w, how many pages of each
   *  are counted, what of the inode is dirty. */
  function check(calls: string): string[] {
    const k = booted({ disks: [disk()], files: [{ path: '/data/a', size: 8 * PAGE_SIZE, disk: 'sda' }] });
    const inode = inodeAt(k, '/data/a');
    run_to_end(k, dirtyPages(k, '/data/a', [3]));
    const page = radix_tree_lookup(inode.page_tree, 3);
    test_clear_page_dirty(k, page);
    inode.i_state = 0;
    return calls.split(' ').map((call) => `${CALLS[call]!(k, page)} ${marks(k, page)}`);
  }

  function marks(k: Kernel, page: Pfn): string {
    const inode = inodeAt(k, '/data/a');
    const tag = (mark: number): boolean => radix_tree_tag_get(inode.page_tree, page_index(k, page), mark);
    const shown = [
      test_page_flag(k, page, PG_dirty) ? 'D' : '', test_page_flag(k, page, PG_writeback) ? 'W' : '',
      tag(PAGECACHE_TAG_DIRTY) ? 'd' : '', tag(PAGECACHE_TAG_WRITEBACK) ? 'w' : '',
    ];
    return `${shown.join('') || '-'} ${dirtyOf(k).join('/')} ${inode.i_state}`;
  }

  it('WB-13: flag, count, tag and inode; dirty once only', () => {
    assert.deepEqual(check('dirty dirty clear clear'), ['1 Dd 1/0 4', '0 Dd 1/0 4', '1 - 0/0 4', '0 - 0/0 4']);
  });

  it('WB-13: on its way the tag stays until it is under write-back', () => {
    assert.deepEqual(check('dirty io writeback writeback end end'), [
      '1 Dd 1/0 4', '1 d 0/0 4', '0 Ww 0/1 4', '1 Ww 0/1 4', '1 - 0/0 4', '0 - 0/0 4',
    ]);
  });

  it('WB-13: dirtied again meanwhile it has both tags, and stays dirty', () => {
    assert.deepEqual(check('dirty io writeback dirty end'), ['1 Dd 1/0 4', '1 d 0/0 4', '0 Ww 0/1 4', '1 DWdw 1/1 4', '1 Dd 1/0 4']);
    assert.deepEqual(check('dirty io dirty writeback end'), ['1 Dd 1/0 4', '1 d 0/0 4', '1 Dd 1/0 4', '0 DWdw 1/1 4', '1 Dd 1/0 4']);
    assert.deepEqual(check('dirty io redirty'), ['1 Dd 1/0 4', '1 d 0/0 4', '1 Dd 1/0 4']);
  });

  it('WB-13: dirtied_when is when the inode first became dirty; it is listed once', () => {
    const k = booted({ disks: [disk()], files: [{ path: '/data/a', size: 8 * PAGE_SIZE, disk: 'sda' }] });
    k.now = SEC;
    run_to_end(k, dirtyPages(k, '/data/a', [1]));
    k.now = 2 * SEC;
    run_to_end(k, dirtyPages(k, '/data/a', [2]));
    const { ino, dirtied_when } = inodeAt(k, '/data/a');
    assert.deepEqual([dirtied_when, k.super_blocks[0]!.s_dirty, k.super_blocks[0]!.s_io], [250, [ino], []]);
    assert.deepEqual([count(k, 'writeback_dirty_page'), dirtyOf(k)], [2, [2, 0]]);
  });

  it('WB-13: pages of a file in memory are dirty and counted nowhere', () => {
    const k = booted({});
    k.dcache.set('/bin/p', new_inode(k, '/bin/p', 'file', PAGE_SIZE).ino);
    run_to_end(k, dirtyPages(k, '/bin/p', [0]));
    const page = radix_tree_lookup(inodeAt(k, '/bin/p').page_tree, 0);
    assert.deepEqual([test_page_flag(k, page, PG_dirty), dirtyOf(k)], [true, [0, 0]]);
    assert.deepEqual([clear_page_dirty_for_io(k, page), dirtyOf(k)], [1, [0, 0]]);
  });

  it('set_page_dirty_lock waits for who has the page locked', () => {
    const said: string[] = [];
    runWriters([
      { name: 'holder', *run(k) {
        yield* dirtyPages(k, '/data/a', [0]);
        const page = radix_tree_lookup(inodeAt(k, '/data/a').page_tree, 0);
        test_clear_page_dirty(k, page);
        yield* lock_page(k, page);
        yield* schedule_timeout(k, 5 * MS, 'a nap');
        said.push(`unlock ${dirtyOf(k)[0]}`);
        unlock_page(k, page);
      } },
      { name: 'other', at: MS, *run(k) {
        said.push(`set ${yield* set_page_dirty_lock(k, radix_tree_lookup(inodeAt(k, '/data/a').page_tree, 0))}, ${dirtyOf(k)[0]}`);
      } },
    ], { files: [{ path: '/data/a', size: PAGE_SIZE, disk: 'sda' }] });
    assert.deepEqual(said, ['unlock 0', 'set 1, 1']);
  });
});

// ---- a burst ----------------------------------------------------------------------------------------------------------

const untimed = (line: string): string => line.replace(/^\S+ /, '');

describe('a write burst on 64 MiB', () => {
  it('WB-3 … WB-6, WB-12: pdflush from 1638 pages on, 1036 at a time; past 6553 the writer himself, 770', () => {
    const k = runWriters([writer('w', '/data/a', 8200)], { disks: [disk({ bandwidth: 4 * MiB })] });
    assert.deepEqual(diary(k).map(untimed), [
      'look 512 of 6553', 'look 1024 of 6553', 'look 1536 of 6553', 'look 2048 of 6553',
      'pdflush 3 background_writeout', 'background: 1036', 'look 2560 of 6553', 'look 3072 of 6553',
      'pdflush 3 background_writeout', 'background: 1036', 'look 3584 of 6553', 'look 4096 of 6553',
      'pdflush 3 background_writeout', 'background: 1036', 'look 4608 of 6553', 'look 5120 of 6553',
      'pdflush 3 background_writeout', 'background: 462', 'look 5632 of 6553', 'pdflush 2 background_writeout', 'look 6144 of 6553',
      'look 6656 of 6553', 'balance: 770', 'look 6816 of 6553', 'balance: 770', 'look 6548 of 6553', 'look 7060 of 6553', 'balance: 770',
    ]);
  });

  it('WB-6: with a disk that keeps up nobody is over the limit', () => {
    const k = runWriters([writer('w', '/data/a', 8200)], { disks: [disk({ seek: 0, bandwidth: 4096 * MiB })] });
    assert.deepEqual(diary(k).slice(0, 11), [
      '0.7 look 512 of 6553', '1.3 look 1024 of 6553', '2 look 1536 of 6553', '2.7 look 2048 of 6553',
      '2.7 pdflush 3 background_writeout', '2.7 background: 1036', '3.3 look 1888 of 6553', '4 look 2036 of 6553',
      '4 pdflush 3 background_writeout', '4 background: 1036', '4.7 look 1876 of 6553',
    ]);
    assert.deepEqual([diary(k, /balance|waited/), diary(k, /background:/).length, dirtyOf(k)], [[], 7, [948, 0]]);
  });

  /** A pdflush that is at the disk's work all the time, and does nothing. */
  const lazy = { name: 'lazy', *run(k: Kernel) {
    k.block.disks[0]!.queue.backing_dev_info.state |= BDI_pdflush;
    yield* cond_resched(k);
  } };

  it('WB-4, WB-5: over the limit it looks every 8 pages, and goes on where it has written 1.5 * 512, whatever is left', () => {
    const k = runWriters([lazy, writer('w', '/data/a', 6656 + 8 * 3)], { disks: [disk({ bandwidth: 4 * MiB })] });
    assert.deepEqual(diary(k).slice(11).map(untimed), [
      'look 6144 of 6553', ...[6656, 6664, 6672, 6680].flatMap((pages) => [`look ${pages} of 6553`, 'balance: 770']),
    ]);
    assert.equal(k.writeback.dirty_exceeded, 1);
  });

  it('WB-5: who cannot write enough, since another disk has most of it, waits for the disks, 100 ms at a time', () => {
    const flush: TestTask = { name: 'flush', at: 500 * MS, *run(k) {
      k.block.disks[0]!.queue.backing_dev_info.state &= ~BDI_pdflush;
      wakeup_pdflush(k, 0);
      yield* cond_resched(k);
    } };
    const k = runWriters([lazy, writer('w', '/a/x', 6600), writer('x', '/b/x', 60, { after: ['w'] }), flush], {
      disks: [disk({ bandwidth: 16 * MiB }), disk({ name: 'sdb' })],
      files: [{ path: '/a/x', size: 0, disk: 'sda' }, { path: '/b/x', size: 0, disk: 'sdb' }],
    });
    assert.deepEqual(diary(k).slice(12).map(untimed), [
      'look 6656 of 6553', 'balance: 56', 'waited 13 ms, 6624', 'waited 2 ms, 6600', ...upTo(4).map(() => 'waited 100 ms, 6600'),
      'pdflush 6 background_writeout', 'background: 1036', 'background: 1036', 'background: 1036', 'background: 462', 'waited 100 ms, 6568',
      'background: 364', 'waited 78 ms, 6216', 'pdflush 5 background_writeout',
    ]);
  });

  it('WB-4: pages are counted by CPU, whoever dirties them', () => {
    const k = runWriters([writer('a', '/data/a', 300), writer('b', '/data/b', 300, { after: ['a'] })]);
    assert.deepEqual([diary(k).map(untimed), k.writeback.ratelimits], [['look 512 of 6553'], [88]]);
    const two = runWriters([writer('a', '/data/a', 300), writer('b', '/data/b', 300)], { cpus: 2 });
    assert.deepEqual([diary(two, /look/).length, two.writeback.ratelimits], [2, [44, 44]]);
  });

  it('laptop mode: nothing in the background before somebody had to write himself', () => {
    const k = runWriters([writer('w', '/data/a', 6660)], { sysctl: [['vm.laptop_mode', 5]], disks: [disk({ bandwidth: 4 * MiB })] });
    assert.deepEqual(diary(k).slice(12).map(untimed), [
      'look 6656 of 6553', 'balance: 770', 'pdflush 3 background_writeout', 'background: 1036', 'background: 1036', 'background: 714',
    ]);
  });
});

// ---- by the clock -----------------------------------------------------------------------------------------------------

describe('periodic write-back', () => {
  /** A process that writes so many pages at 1 s, and a run that goes on until `until`. */
  function run(pages: number, until: number, sysctl: MachineConfig['sysctl'] = [], meanwhile: TestTask[] = []): string[] {
    const nap: TestTask = { name: 'nap', *run(k) { yield* schedule_timeout(k, until * SEC, 'a nap'); } };
    return diary(runWriters([writer('w', '/data/a', pages, { at: SEC }), nap, ...meanwhile], { sysctl }), /periodic|wb_kupdate/);
  }

  const kupdate = (...seconds: number[]): string[] => seconds.map((second) => `${second * 1000} pdflush 4 wb_kupdate`);

  it('WB-8: every 5 s; what has been dirty for 30 s is written', () => {
    assert.deepEqual(run(10, 41), [...kupdate(5, 10, 15, 20, 25, 30, 35), '35000 periodic: 10', ...kupdate(40)]);
  });

  it('WB-8: 1024 pages at a time, that is 1036', () => {
    assert.deepEqual(run(1500, 36).slice(-2), ['35000 periodic: 1036', '35000 periodic: 464']);
  });

  it('the sysctls say how old and how often', () => {
    assert.deepEqual(run(10, 5.5, [['vm.dirty_writeback_centisecs', 150], ['vm.dirty_expire_centisecs', 200]]), [
      ...kupdate(1.5, 3), '3000 periodic: 10', ...kupdate(4.5),
    ]);
  });

  it('WB-8: never twice within a second, whatever the sysctl says', () => {
    assert.deepEqual(run(10, 3.5, [['vm.dirty_writeback_centisecs', 10]]), kupdate(0.1, 1.1, 2.1, 3.1));
  });

  it('dirty_writeback_centisecs 0 switches it off, any other value begins anew', () => {
    const off: TestTask = { name: 'off', at: 7 * SEC, *run(k) {
      assert.equal(yield* write_sysctl(k, 'vm.dirty_writeback_centisecs', 0), null);
      yield* schedule_timeout(k, 10 * SEC, 'a nap');
      assert.equal(yield* write_sysctl(k, 'vm.dirty_writeback_centisecs', 200), null);
    } };
    assert.deepEqual(run(10, 22, [], [off]).map((line) => line.replace('pdflush 5', 'pdflush 4')), kupdate(5, 19, 21));
    assert.deepEqual(run(10, 22, [['vm.dirty_writeback_centisecs', 0]]), []);
  });

  it('WB-8: with no thread free it is tried again in a second', () => {
    const k = booted({});
    k.now = 5 * SEC;
    k.writeback.pdflush.pdflush_list = [];
    wb_timer_fn(k);
    assert.equal(k.timers.wb_timer, 6 * SEC);
  });

  it('WB-7: wakeup_pdflush writes what is dirty, or so many pages', () => {
    const asked = (pages: number): string[] => diary(runWriters([writer('w', '/data/a', 1500), { name: 'ask', after: ['w'], *run(k) {
      assert.equal(wakeup_pdflush(k, pages), 0);
      yield* schedule_timeout(k, SEC, 'a nap');
    } }]), /background:/).map(untimed);
    assert.deepEqual([asked(0), asked(100), asked(1037)], [['background: 1036', 'background: 464'], ['background: 1036'], ['background: 1036', 'background: 464']]);
  });
});

// ---- laptop mode ------------------------------------------------------------------------------------------------------

describe('laptop mode', () => {
  const laptop = (sysctl: MachineConfig['sysctl'], then: (k: Kernel, fd: number) => Generator<Wait, void, void>): string[] => diary(runWriters([
    user('a', function* (k) {
      const buf = yield* mapPages(k, 1);
      const fd = yield* sys_open(k, '/data/a', O_CREAT | O_WRONLY);
      yield* sys_write(k, fd, buf, PAGE_SIZE);
      yield* writePages(k, '/data/b', 20);
      yield* then(k, fd);
      yield* schedule_timeout(k, 8 * SEC, 'a nap');
    }),
  ], { sysctl }), /laptop|sync|background:/).map((line) => line.replace(/^(\d)\S+/, '$1'));

  it('some seconds after the last request all that is dirty is written', () => {
    assert.deepEqual(laptop([['vm.laptop_mode', 3]], function* (k, fd) { yield* sys_fsync(k, fd); }), ['3 pdflush 3 laptop_flush', '3 laptop: 20']);
  });

  it('not without it, and not after a sync, which has written all', () => {
    assert.deepEqual(laptop([], function* (k, fd) { yield* sys_fsync(k, fd); }), []);
    assert.deepEqual(laptop([['vm.laptop_mode', 3]], function* (k) { yield* sys_sync(k); }), ['0 background: 20', '0 sync: 1']);
  });
});

// ---- reclaim ----------------------------------------------------------------------------------------------------------

describe('throttle_vm_writeout', () => {
  it('WB-9: waits 100 ms at a time while more than the limit and a tenth is on its way', () => {
    const times: number[] = [];
    const machine = machineWith([
      { name: 'reclaimer', *run(k) {
        const zone = k.nodes[0]!.node_zones[2]!;
        mod_zone_page_state(k, zone, NR_WRITEBACK, 6553 + 655);
        yield* throttle_vm_writeout(k);
        times.push(Math.round(k.now / MS));
        mod_zone_page_state(k, zone, NR_WRITEBACK, 1);
        yield* throttle_vm_writeout(k);
        times.push(Math.round(k.now / MS));
      } },
      { name: 'disk', at: 250 * MS, *run(k) {
        mod_zone_page_state(k, k.nodes[0]!.node_zones[2]!, NR_WRITEBACK, -1);
        yield* cond_resched(k);
      } },
    ], { memory: 64 * MiB });
    assert.equal(run_machine(machine).reason, 'ended');
    assert.deepEqual(times, [0, 300]);
  });
});
