// read() through the page cache and its disk: which windows of a file are read when, who waits for whom, what errors do (KERNEL.md FM-3, FM-4, FM-6 …
// FM-9, L-6, SC-3).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Setting, Story } from './reading-notation.ts';
import { EFAULT, EIO, ENOMEM } from '../../engine/include/errno.ts';
import { GFP_HIGHUSER } from '../../engine/include/gfp.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_NONE, PROT_READ } from '../../engine/include/mman.ts';
import { FMODE_READ } from '../../engine/include/mm_types.ts';
import { PG_active, PG_locked, PG_referenced } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { radix_tree_lookup } from '../../engine/lib/radix-tree.ts';
import { generic_file_read } from '../../engine/mm/filemap_read.ts';
import { list_pages, page_index, test_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of, open_inode } from '../../engine/mm/mm_struct.ts';
import { sys_munmap } from '../../engine/mm/mmap.ts';
import { put_page } from '../../engine/mm/swap.ts';
import { touch_user } from '../../engine/mm/user_memory.ts';
import { trace_records } from '../../engine/trace/events.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { meanwhile } from './address-spaces.ts';
import { testDisk } from './block-notation.ts';
import { inProcess, mapPages, pageAt, takeAllFreePages } from './processes.ts';
import { PATH, tell } from './reading-notation.ts';
import { at, call, drawn } from './vma-notation.ts';

/** What the words of one task gave, and what its disk did, as requests with their times or as bios. */
function check(words: string, wanted: { results?: string; io?: string; bios?: string }, setting: Setting = {}): Story {
  const story = tell([words], setting);
  const { results, io, bios, end } = story;
  const all = { results: results[0], io: io.join(', '), bios };
  const told = Object.fromEntries(Object.keys(wanted).map((key) => [key, all[key as keyof typeof all]]));
  assert.deepEqual([end.reason, told], ['ended', wanted]);
  return story;
}

/** Tasks that slept for pages, as `page 3 of a reader of bit 0`. */
function waitsOf(k: Kernel): string[] {
  return trace_records(k).filter(({ name }) => name === 'wait_on_page')
    .map(({ pid, args }) => `${k.tasks[pid]!.name} page ${page_index(k, args['pfn']! as never)}${args['bit'] === PG_locked ? '' : ' writeback'}`);
}

describe('read: windows', () => {
  it('FM-9 SC-3: page by page through a large file', () => {
    check('100*r1p', { results: '100*r1p=4096', bios: 'R0+4 R4+8 R12+16 R28+32 R60+32 R92+32 R124+32' });
  });

  it('FM-9: in pieces of 1000 bytes it is the same windows; pieces of one page ask for nothing', () => {
    check('300*r1000', { results: '300*r1000=1000', bios: 'R0+4 R4+8 R12+16 R28+32 R60+32 R92+32' });
  });

  it('FM-8: 60 pages in one call: the largest window at once, and the one ahead', () => {
    check('r60p', { results: 'r60p=245760', bios: 'R0+32 R32+32 R64+32' });
  });

  it('FM-8: who jumps about is given what he asks for', () => {
    check('r1p@500p r2p@100p r100@700p', { results: 'r1p@500p=4096 r2p@100p=8192 r100@700p=100', bios: 'R500+1 R100+2 R700+1' });
  });

  it('FM-4: the window that a reader waits for is not merged with what he has not asked for yet; the others are, while the disk is busy', () => {
    check('20*r1p', { io: '0 R0+4, 1.4 R4+24, 6.8 R28+32' });
  });

  it('FM-3: a reader who comes to a page that is on its way waits for it, and lets the disk begin', () => {
    const { k } = check('13*r1p', { io: '0 R0+4, 1.4 R4+24, 6.8 R28+32' });
    assert.deepEqual(waitsOf(k), ['t0 page 0', 't0 page 4']);
  });

  it('FM-4: the last window ends with the file; what lies behind is never read', () => {
    check('5*r1p', { results: '2*r1p=4096 r1p=1808 2*r1p=0', bios: 'R0+3' }, { size: 10_000 });
    check('r64p', { results: 'r64p=10000', bios: 'R0+3' }, { size: 10_000 });
    check('r1@9999 r1@10000 r1p@12p r100@9950', { results: 'r1@9999=1 r1@10000=0 r1p@12p=0 r100@9950=50' }, { size: 10_000 });
    check('r1p r0', { results: 'r1p=0 r0=0', bios: '' }, { size: 0 });
  });

  it('FM-6: a file that is opened anew is read as if nothing were known of it; what is cached is not read again', () => {
    check('6*r1p open 6*r1p', { bios: 'R0+4 R4+8 R12+16' });
  });


  it('FM-8: a page that was read ahead and is gone makes the next window smaller', () => {
    check('10*r1p', { bios: 'R0+4 R4+8 R12+16' });
    check('2*r1p drop2 8*r1p', { bios: 'R0+4 R4+8 R2+1 R12+6' });
  });

  it('FM-7: two who read through one open file have a state each while they read; the one that ends last leaves his', () => {
    const { k, io, file } = tell(['r1p@0p', 'same r1p@100p']);
    assert.deepEqual(io, ['0 R0+4', '1.4 R100+1']);
    const { prev_page, size } = k.files.find((opened) => opened?.f_inode === file.ino)!.f_ra;
    assert.deepEqual([prev_page, size], [100, 0]);
  });
});

describe('read: pages', () => {
  const flagsOf = ({ k, file }: Story, index: number): string => {
    const page = radix_tree_lookup(file.page_tree, index);
    return [PG_referenced, PG_active].map((bit) => (test_page_flag(k, page, bit) ? 'RA'[bit === PG_active ? 1 : 0] : '')).join('');
  };

  it('L-4 L-6: a page that is read in pieces was used once; two calls that read it whole make it active', () => {
    assert.equal(flagsOf(tell(['4*r1024']), 0), 'R');
    assert.equal(flagsOf(tell(['r1024 r1024@1024 r1024@2048']), 0), 'R');
    assert.equal(flagsOf(tell(['r1p r1p@0p']), 0), 'R');
    assert.equal(flagsOf(tell(['r1p r1p@9p r1p@0p']), 0), 'A');
    assert.equal(flagsOf(tell(['r1p r1p@9p r1p@0p r1p@9p r1p@0p']), 0), 'RA');
    assert.equal(flagsOf(tell(['r1p', 'r1p']), 0), 'A');
    assert.equal(flagsOf(tell(['r1p']), 1), '');
  });

  it('L-4: pages that were read ahead stand on the inactive list, the last at its head', () => {
    const { k } = tell(['2*r1p']);
    assert.deepEqual(list_pages(k, zoneNamed(k, 'Normal').inactive_list).map((page) => page_index(k, page)).slice(0, 12), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('FM-3: two readers of one page read it once: the second waits for the first one\'s read', () => {
    const { k, results, io } = tell(['r1p', 'r1p r1p']);
    assert.deepEqual([results, io], [['r1p=4096', '2*r1p=4096'], ['0 R0+4', '4.4 R4+8']]);
    assert.deepEqual(waitsOf(k), ['t0 page 0', 't1 page 0']);
  });

  it('FM-3: many readers wait for one page, in several slots of the table; none is forgotten', () => {
    const words = Array.from({ length: 12 }, (_, i) => `r1p@${Math.floor(i / 3) * 7}p`);
    const { results, end } = tell(words);
    assert.deepEqual([end.reason, results], ['ended', words.map((word) => `${word}=4096`)]);
  });

  it('FM-4: a page that leaves the cache while somebody waits for it is read once more', () => {
    const { results, io } = tell(['r1p@500p', '~0.1ms drop500', '~0.2ms r1p@500p']);
    assert.deepEqual([results, io], [['r1p@500p=4096', '', 'r1p@500p=4096'], ['0 R500+1', '1.1 R500+1']]);
  });

  it('FM-4: of a file that became shorter the reader is given what is left, if he had the page read himself; else what it had before', () => {
    const results = ['ra0 r1p@3p r1p@3p', 'r1p@3p r1p@3p'].map((words) => tell([words, '~0.1ms truncate12300']).results[0]);
    assert.deepEqual(results, ['2*r1p@3p=12', 'r1p@3p=4096 r1p@3p=12']);
  });
});

describe('read: errors', () => {
  it('FM-4: a block that the disk cannot read is -EIO, or ends the call before it; the pages around it are read one by one', () => {
    const disk = { fail_read: [{ start: 2, end: 3 }] };
    check('3*r1p r1p@3p', { results: `2*r1p=4096 r1p=${-EIO} r1p@3p=4096`, bios: 'R0+4 R0+1 R4+8 R1+1 R2+1 R3+1' }, { disk });
    check('r4p r1p', { results: `r4p=8192 r1p=${-EIO}` }, { disk });
  });

  it('FM-4: each error makes the largest window a quarter of what it was', () => {
    const disk = { fail_read: [{ start: 2, end: 3 }] };
    const sizes = ['r1p@2p', '2*r1p@2p', '3*r1p@2p', '4*r1p@2p'].map((words) => {
      const { k, file } = tell([words], { disk });
      return k.files.find((opened) => opened?.f_inode === file.ino)!.f_ra.ra_pages;
    });
    assert.deepEqual(sizes, [8, 2, 0, 0]);
  });

  it('FM-4: an error is told to each who wants the page, and nothing hangs', () => {
    const disk = { fail_read: [{ start: 0, end: 1 }] };
    const { results, end } = tell(['r1p', 'r1p', '~0.1ms r1p r1p@1p', '~9ms r1p'], { disk });
    assert.deepEqual([end.reason, results], ['ended', [`r1p=${-EIO}`, `r1p=${-EIO}`, `r1p=${-EIO} r1p@1p=4096`, `r1p=${-EIO}`]]);
  });

  it('FM-4: memory that cannot be written ends the copy: what came before it is read, else -EFAULT', () => {
    const answers: number[] = [];
    inProcess(function* (k) {
      const area = yield* mapPages(k, 3);
      yield* sys_munmap(k, pageAt(area, 2), PAGE_SIZE);
      const readOnly = yield* mapPages(k, 1, { prot: PROT_READ });
      const none = yield* mapPages(k, 1, { prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS });
      const opened = open_inode(k, inode_of(k, k.dcache.get(PATH)!), FMODE_READ, 0);
      for (const buffer of [area, pageAt(area, 1), virt(area + 2 * PAGE_SIZE - 10), pageAt(area, 2), readOnly, none, virt(0xc0000000 - 4)]) {
        answers.push(yield* generic_file_read(k, opened, buffer, 3 * PAGE_SIZE, 100));
      }
    }, { disks: [testDisk()], files: [{ path: PATH, size: 100 * PAGE_SIZE, disk: 'sda' }] });
    assert.deepEqual(answers, [2 * PAGE_SIZE, PAGE_SIZE, 10, -EFAULT, -EFAULT, -EFAULT, -EFAULT]);
  });

  it('FM-4: a page that somebody else put there while this task slept for memory is read, and its own is freed', () => {
    const process = drawn('mid|ww|');
    const { k } = process;
    for (const page of [0, 1]) call(process, touch_user(k, at(process, page), 1));
    const file = inode_of(k, k.files[process.files.f]!.f_inode);
    const open = () => {
      const opened = open_inode(k, file, FMODE_READ, 0);
      opened.f_ra.ra_pages = 0;
      return opened;
    };
    const [one, other] = [open(), open()];
    const { value, got } = meanwhile(k, generic_file_read(k, one, at(process, 0), 100, 0), () => {
      assert.equal(call(process, generic_file_read(k, other, at(process, 1), 100, 0)), 100);
    });
    assert.deepEqual([value, got, file.nrpages], [100, 1, 1]);
  });

  it('FM-4: without memory for a page the call ends with -ENOMEM, or before', () => {
    let answers: unknown[] = [];
    inProcess(function* (k) {
      const buffer = yield* mapPages(k, 8);
      for (let page = 0; page < 8; page++) yield* touch_user(k, pageAt(buffer, page), 1);
      const opened = open_inode(k, inode_of(k, k.dcache.get(PATH)!), FMODE_READ, 0);
      const taken = yield* takeAllFreePages(k, GFP_HIGHUSER);
      const failed = yield* generic_file_read(k, opened, buffer, 4 * PAGE_SIZE, 0);
      for (const page of taken) put_page(k, page);
      const read = yield* generic_file_read(k, opened, buffer, 4 * PAGE_SIZE, 0);
      answers = [failed, read];
    }, { disks: [testDisk()], files: [{ path: PATH, size: 100 * PAGE_SIZE, disk: 'sda' }] });
    assert.deepEqual(answers, [-ENOMEM, 4 * PAGE_SIZE]);
  });
});
