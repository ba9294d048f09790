// write() through the page cache and its disk, and writing files out (KERNEL.md FM-5, FM-14, L-4, L-6, CC-7).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Setting, Story } from './reading-notation.ts';
import { EFAULT, EFBIG, EIO, ENOSPC } from '../../engine/include/errno.ts';
import { MAX_LFS_FILESIZE, O_APPEND, O_SYNC } from '../../engine/include/fs.ts';
import { FMODE_READ, FMODE_WRITE } from '../../engine/include/mm_types.ts';
import { NR_FILE_DIRTY, NR_WRITEBACK } from '../../engine/include/mmzone.ts';
import { PG_active, PG_dirty, PG_lru, PG_referenced, PG_uptodate } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { read_platter_bytes } from '../../engine/block/platter.ts';
import { radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { generic_file_read } from '../../engine/mm/filemap_read.ts';
import { generic_file_write } from '../../engine/mm/filemap_write.ts';
import { sync_page_range, wait_on_page_writeback_range } from '../../engine/mm/filemap_sync.ts';
import { test_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of, open_inode } from '../../engine/mm/mm_struct.ts';
import { sys_munmap } from '../../engine/mm/mmap.ts';
import { touch_user, try_load_user, try_store_user } from '../../engine/mm/user_memory.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { meanwhile } from './address-spaces.ts';
import { testDisk } from './block-notation.ts';
import { cachedOf } from './page-cache.ts';
import { inProcess, mapPages, pageAt } from './processes.ts';
import { PATH, tell } from './reading-notation.ts';
import { at, call, drawn } from './vma-notation.ts';

/** What the words of one task gave, and the bios of its disk. */
function check(words: string, wanted: { results: string; bios: string }, setting: Setting = {}): Story {
  const story = tell([words], setting);
  assert.deepEqual([story.end.reason, { results: story.results[0], bios: story.bios }], ['ended', wanted]);
  return story;
}

/** Flags of a page of the file: Uptodate, Dirty, Lru, Referenced, Active. */
function flagsOf({ k, file }: Story, index: number): string {
  const page = radix_tree_lookup(file.page_tree, index);
  return [[PG_uptodate, 'U'], [PG_dirty, 'D'], [PG_lru, 'L'], [PG_referenced, 'R'], [PG_active, 'A']].map(([bit, letter]) => (
    test_page_flag(k, page, bit as number) ? letter : '')).join('');
}

/** What a block of the disk holds, as runs: of one letter, of zeroes, of the file's own bytes. */
function blockOf({ k }: Story, block: number, index: number): string {
  const runs: { name: string; length: number }[] = [];
  for (const [i, byte] of read_platter_bytes(k.block.disks[0]!.platter, block).entries()) {
    const names = [byte === file_byte(PATH, index * PAGE_SIZE + i) ? 'own' : '', byte === 0 ? 'zero' : String.fromCharCode(byte)];
    const last = runs.at(-1);
    if (last !== undefined && names.includes(last.name)) last.length++;
    else runs.push({ name: names[0] === '' ? names[1]! : 'own', length: 1 });
  }
  return runs.map(({ name, length }) => `${name}*${length}`).join(' ');
}

describe('write: pages', () => {
  it('FM-5: a page that is written whole is not read before; one that is written in part is, unless the file ends before it', () => {
    check('w1p@0p w100@2p r1p@2p', { results: 'w1p@0p=4096 w100@2p=100 r1p@2p=4096', bios: 'R2+1' });
    check('w100@3p w2p@4p', { results: 'w100@3p=100 w2p@4p=8192', bios: '' }, { size: 3 * PAGE_SIZE });
  });

  it('FM-5: bytes around what was written stay as they are; a longer file has zeroes in between', () => {
    const { file } = check('w10@5000=y r2p@0p', { results: 'w10@5000=10 r2p@0p=8192', bios: 'R1+1 R0+1 R2+2' });
    assert.equal(file.size, 1000 * PAGE_SIZE);
    const longer = tell(['w10@20000=y fsync'], { size: 100 });
    assert.deepEqual([longer.file.size, longer.results[0]], [20010, 'w10@20000=10 fsync=0']);
    assert.equal(cachedOf(longer.file), '4');
  });

  it('L-4 L-6 WB-13: pages are dirty and counted, join the inactive list 14 at a time, and count as used once for each piece', () => {
    const story = tell(['w20p@0p']);
    assert.deepEqual([flagsOf(story, 0), flagsOf(story, 19), global_page_state(story.k, NR_FILE_DIRTY)], ['UDLR', 'UDLR', 20]);
    const pieces = tell(['w1024@0 w1024@1024']);
    assert.equal(flagsOf(pieces, 0), 'UDLA');
    const onOwn = tell(['w100@0 w100@100'], { size: 0 });
    assert.equal(flagsOf(onOwn, 0), 'UDLA');
  });

  it('FM-2 FM-5: who waits to write a page that leaves the cache meanwhile writes the one that takes its place', () => {
    const story = tell(['r1p@500p', '~0.1ms drop500', '~0.2ms w100@500p=y r1p@500p']);
    assert.deepEqual([story.results, story.bios, flagsOf(story, 500)], [['r1p@500p=4096', '', 'w100@500p=100 r1p@500p=4096'], 'R500+1 R500+1', 'UDLA']);
  });

  it('WB-4: each piece of a page that is written counts as one dirtied', () => {
    assert.deepEqual(['w20p@0p', 'w1p@0p w1p@0p w100@0 w2p@100'].map((words) => tell([words]).k.writeback.ratelimits[0]), [20, 6]);
  });

  it('FM-5: two writers take turns, a whole call each; O_APPEND begins where the file ends when its turn comes', () => {
    const { file, results } = tell(['w3p=a w3p=a', 'w2p=b'], { size: 100, flags: O_APPEND });
    assert.deepEqual([file.size, results], [100 + 8 * PAGE_SIZE, ['2*w3p=12288', 'w2p=8192']]);
  });

  it('FM-5: nothing to write is nothing; past the largest file is -EFBIG, up to it what fits', () => {
    const limit = MAX_LFS_FILESIZE;
    check(`w0 w0@${limit} w1@${limit} w100@${limit - 10}`, { results: `w0=0 w0@${limit}=0 w1@${limit}=${-EFBIG} w100@${limit - 10}=10`, bios: '' });
  });

  it('FM-5: a full disk is -ENOSPC, or ends the call before it; the file is as long as what was written', () => {
    const { file } = check('w5p@0p w1p@5p', { results: `w5p@0p=12288 w1p@5p=${-ENOSPC}`, bios: '' }, { size: 0, disk: { blocks: 3 } });
    assert.deepEqual([file.size, cachedOf(file)], [3 * PAGE_SIZE, '0-2']);
  });

  it('FM-5: a block that cannot be read before it is written in part is -EIO; written whole it is not read', () => {
    const disk = { fail_read: [{ start: 2, end: 3 }] };
    check('w10@2p w1p@2p r1p@2p', { results: `w10@2p=${-EIO} w1p@2p=4096 r1p@2p=4096`, bios: 'R2+1' }, { disk });
  });
});

describe('write: memory', () => {
  const files: Partial<MachineConfig> = { disks: [testDisk()], files: [{ path: PATH, size: 100 * PAGE_SIZE, disk: 'sda' }] };

  it('FM-5: memory that cannot be read ends the write; what follows in its page is zeroes', () => {
    const answers: number[] = [];
    const bytes: number[] = [];
    inProcess(function* (k) {
      const area = yield* mapPages(k, 2);
      for (const page of [0, 1]) yield* touch_user(k, pageAt(area, page), 1);
      try_store_user(k, virt(area + PAGE_SIZE - 1), 7);
      yield* sys_munmap(k, pageAt(area, 1), PAGE_SIZE);
      const opened = open_inode(k, inode_of(k, k.dcache.get(PATH)!), FMODE_READ | FMODE_WRITE, 0);
      for (const [buffer, count] of [[virt(area + PAGE_SIZE - 10), 100], [pageAt(area, 1), 100], [virt(0xc0000000 - 4), 100]] as const) {
        answers.push(yield* generic_file_write(k, opened, buffer, count, 50));
      }
      answers.push(yield* generic_file_read(k, opened, area, 1000, 0));
      for (const i of [49, 50, 59, 60, 149, 150]) bytes.push(try_load_user(k, virt(area + i)));
    }, files);
    assert.deepEqual(answers, [-EFAULT, -EFAULT, -EFAULT, 1000].map((answer, i) => (i === 0 ? 10 : answer)));
    assert.deepEqual(bytes, [file_byte(PATH, 49), 0, 0, 0, 0, file_byte(PATH, 150)]);
  });

  it('FM-5: a page that somebody else put there while this task slept for memory is written, and its own is freed', () => {
    const process = drawn('mid|ww|');
    const { k } = process;
    for (const page of [0, 1]) call(process, touch_user(k, at(process, page), 1));
    const file = inode_of(k, k.files[process.files.f]!.f_inode);
    const [one, other] = [open_inode(k, file, FMODE_READ | FMODE_WRITE, 0), open_inode(k, file, FMODE_READ, 0)];
    other.f_ra.ra_pages = 0;
    const { value, got } = meanwhile(k, generic_file_write(k, one, at(process, 0), 100, 0), () => {
      assert.equal(call(process, generic_file_read(k, other, at(process, 1), 100, 0)), 100);
    });
    assert.deepEqual([value, got, file.nrpages], [100, 1, 1]);
  });

  it('FM-5: a page may be written from a mapping of itself', () => {
    let answer = 0;
    inProcess(function* (k) {
      const opened = open_inode(k, inode_of(k, k.dcache.get(PATH)!), FMODE_READ | FMODE_WRITE, 0);
      const mapping = yield* mapPages(k, 4, { flags: 1, file: opened.id });
      answer = yield* generic_file_write(k, opened, virt(mapping + 100), PAGE_SIZE, 200);
      assert.equal(try_load_user(k, virt(mapping + 200)), file_byte(PATH, 100));
    }, files);
    assert.equal(answer, PAGE_SIZE);
  });
});

describe('writing out', () => {
  it('FM-14: filemap_fdatawrite begins the writes, filemap_fdatawait waits for them', () => {
    const story = tell(['w3p@1p write ~0ms wait']);
    assert.deepEqual([story.results[0], story.bios, story.io], ['w3p@1p=12288 write=0 wait=0', 'W1+3', ['0 W1+3']]);
    assert.deepEqual([flagsOf(story, 1), blockOf(story, 1, 1), blockOf(story, 4, 4)], ['ULR', 'x*4096', 'own*4096']);
    assert.deepEqual([NR_FILE_DIRTY, NR_WRITEBACK].map((item) => global_page_state(story.k, item)), [0, 0]);
  });

  it('FM-14: the last page of a file goes to the disk with zeroes behind its end', () => {
    const story = tell(['w100@0=y fsync'], { size: 50 });
    assert.equal(blockOf(story, 0, 0), `y*100 zero*${PAGE_SIZE - 100}`);
  });

  it('FM-14: a write that failed is told once, to the first who waits, and the page is clean', () => {
    const disk = { fail_write: [{ start: 2, end: 3 }] };
    const story = tell(['w3p@1p fsync fsync w1p@2p wait write wait'], { disk });
    assert.equal(story.results[0], `w3p@1p=12288 fsync=${-EIO} fsync=0 w1p@2p=4096 wait=0 write=0 wait=${-EIO}`);
    assert.equal(story.file.flags, 0);
  });

  it('FM-14: sync_page_range writes and waits for the pages of a range alone', () => {
    let answers: number[] = [];
    const k = writing(function* (kernel, file) {
      const first = yield* sync_page_range(kernel, file, 2 * PAGE_SIZE + 5, PAGE_SIZE);
      const none = yield* sync_page_range(kernel, file, 0, 0);
      const waited = yield* wait_on_page_writeback_range(kernel, file, 5, 4);
      answers = [first, none, waited];
    });
    assert.deepEqual([answers, global_page_state(k, NR_FILE_DIRTY)], [[0, 0, 0], 8]);
  });

  /** A process that has written pages 0 … 9 of the file, and what it does then. */
  function writing(act: (k: Kernel, file: ReturnType<typeof inode_of>) => Generator<Wait, void, void>): Kernel {
    return inProcess(function* (k) {
      const buffer = yield* mapPages(k, 10);
      const file = inode_of(k, k.dcache.get(PATH)!);
      const opened = open_inode(k, file, FMODE_READ | FMODE_WRITE, 0);
      yield* generic_file_write(k, opened, buffer, 10 * PAGE_SIZE, 0);
      yield* act(k, file);
    }, { disks: [testDisk()], files: [{ path: PATH, size: 100 * PAGE_SIZE, disk: 'sda' }] }).k;
  }

  it('FM-5: with O_SYNC the bytes are on the disk when the call ends; -EIO says that they are not', () => {
    const story = tell(['w100@0=y ~0ms w2p@3p'], { flags: O_SYNC });
    assert.deepEqual([story.results[0], story.io], ['w100@0=100 w2p@3p=8192', ['0 R0+1', '1.1 W0+1', '2.2 W3+2']]);
    assert.deepEqual([blockOf(story, 0, 0), global_page_state(story.k, NR_FILE_DIRTY)], [`y*100 own*${PAGE_SIZE - 100}`, 0]);
    const failed = tell(['w1p@0p w1p@1p'], { flags: O_SYNC, disk: { fail_write: [{ start: 0, end: 1 }] } });
    assert.equal(failed.results[0], `w1p@0p=${-EIO} w1p@1p=4096`);
  });

  it('FM-14: a page that is written while it goes to the disk is dirty again, and goes there once more', () => {
    const story = tell(['w1p@0p=a write ~0.2ms w1p@0p=b fsync', '~5ms fsync']);
    assert.deepEqual([story.io.map((line) => line.split(' ')[1]), blockOf(story, 0, 0)], [['W0+1', 'W0+1'], 'b*4096']);
  });
});

