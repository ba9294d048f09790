// What programs say about how they will use a file: fadvise, readahead, and madvise of a file's pages (KERNEL.md FM-6, FM-10, FM-13, MM-18).

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { O_RDONLY } from '../../engine/include/fs.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { sys_readahead } from '../../engine/mm/fadvise.ts';
import { inode_of } from '../../engine/mm/mm_struct.ts';
import { testDisk } from './block-notation.ts';
import { check, onDisk } from './file-calls.ts';
import { inProcess } from './processes.ts';

const BIG = onDisk({ '/f': 4000 * 4096 });

describe('fadvise', () => {
  it('FM-6: NORMAL, SEQUENTIAL and RANDOM set the largest window of this open file: 32, 64 and 0 pages', () => {
    check({ p: `
      open /f r → 3
      open /f r → 4
      window 3 → 32
      fadvise 3 0 0 sequential → 0
      window 3 → 64
      window 4 → 32
      fadvise 3 0 0 random → 0
      window 3 → 0
      fadvise 3 0 0 normal → 0
      window 3 → 32
      fadvise 3 0 0 unheard → EINVAL
      fadvise 3 0 -1 normal → EINVAL` }, BIG);
  });

  it('FM-8 FM-9: what that makes of reading page by page: windows up to 32 pages, up to 64, and none at all', () => {
    const reads = Array.from({ length: 61 }, () => 'read 3 1p → 4096').join('\n');
    const read = (advice: string, windows: string): void => {
      check({ p: `
        open /f r → 3
        fadvise 3 0 0 ${advice} → 0
        windows → none
        ${reads}
        windows → ${windows}` }, BIG);
    };
    read('normal', '0+4 4+8 12+16 28+32 60+32 92+32');
    read('sequential', '0+4 4+8 12+16 28+32 60+64 124+64');
    read('random', 'none');
  });

  it('FM-10: WILLNEED reads every page that the range touches, and does not wait; length 0 is to the end; memory is the limit', () => {
    check({ p: `
      open /f r → 3
      windows → none
      fadvise 3 5000 10000 willneed → 0
      windows → 1+3
      cached /f → 1-3
      fadvise 3 3999p 0 willneed → 0
      cached /f → 1-3 3999
      fadvise 3 9000p 0 willneed → 0
      cached /f → 1-3 3999
      fadvise 3 0 600p willneed → 0
      cached /f → 0-599 3999` }, BIG);
  });

  it('NOREUSE does nothing', () => {
    check({ p: `
      open /f r → 3
      fadvise 3 0 0 noreuse → 0
      cached /f → none
      window 3 → 32` }, BIG);
  });

  it('FM-13: DONTNEED takes what is clean: whole pages at the start of the range, and the one in which it ends', () => {
    check({ p: `
      open /f rw → 3
      read 3 28p → 114688
      sleep 20
      cached /f → 0-31
      fadvise 3 100 5000 dontneed → 0
      cached /f → 0 2-31
      fadvise 3 20p 0 dontneed → 0
      cached /f → 0 2-19
      fadvise 3 0 0 dontneed → 0
      cached /f → none` }, BIG);
  });

  it('FM-13: DONTNEED begins to write what is dirty; it goes when that is done', () => {
    check({ p: `
      open /f rw → 3
      write 3 28p a → 114688
      dirty /f → 0-27
      fadvise 3 0 0 dontneed → 0
      dirty /f → none
      cached /f → 0-27
      sleep 100
      fadvise 3 0 0 dontneed → 0
      cached /f → none
      see 3 28667 3 → a*3` }, BIG);
  });

  it('WB-14: DONTNEED does not write to a congested disk', () => {
    const apart = Array.from({ length: 120 }, (_, i) => `pwrite 3 1p ${i * 2}p a → 4096`).join('\n');
    check({ p: `
      open /f rw → 3
      open /g rw → 4
      ${apart}
      write 4 1p b → 4096
      fadvise 3 0 0 dontneed → 0
      dirty /f → none
      fadvise 4 0 0 dontneed → 0
      dirty /g → 0` }, { disks: [testDisk()], files: ['/f', '/g'].map((path) => ({ path, size: 300 * 4096, disk: 'sda' })) });
  });
});

describe('readahead', () => {
  it('FM-10: reads the pages that the range touches, whatever the windows of the file are', () => {
    check({ p: `
      open /f r → 3
      fadvise 3 0 0 random → 0
      readahead 3 4095 2 → 0
      cached /f → 0-1
      readahead 3 10p 0 → 0
      cached /f → 0-1
      readahead 3 20p 600p → 0
      cached /f → 0-1 20-619
      window 3 → 0` }, BIG);
  });

  it('FM-10: no more than half of what the node has free', () => {
    inProcess(function* greedy(k) {
      const fd = yield* sys_open(k, '/f', O_RDONLY);
      const available = k.nodes[0]!.node_zones.reduce((sum, zone) => sum + zone.free_pages + zone.nr_inactive, 0);
      const error = yield* sys_readahead(k, fd, 0, 100_000 * 4096);
      assert.deepEqual([error, inode_of(k, k.dcache.get('/f')!).nrpages], [0, Math.floor(available / 2)]);
    }, onDisk({ '/f': 40_000 * 4096 }, { blocks: 50_000 }));
  });
});

describe('madvise of a file', () => {
  it('MM-18 FM-10: WILLNEED reads the range and does not wait; it maps nothing', () => {
    check({ p: `
      open /f r → 3
      mmap A 3 700p r shared 10p → ok
      windows → none
      madvise A 600p willneed → 0
      windows → 10+600
      mincore A 2p → 0 0
      cached /f → 10-609
      sleep 200
      mincore A 2p → 1 1` }, BIG);
  });

  it('FM-12: after RANDOM a fault reads its page alone; after SEQUENTIAL faults have windows as read() has; else they read around', () => {
    const loads = (pages: readonly number[]): string => pages.map((page) => `load A ${page}p → p`).join('\n');
    const faults = (advice: string, windows: string, cached: string): void => {
      check({ p: `
        open /f r → 3
        mmap A 3 700p r shared → ok
        ${advice}
        windows → none
        ${loads([100, 101, 102, 103, 300])}
        windows → ${windows}
        cached /f → ${cached}` }, BIG);
    };
    faults('', '84+32 284+32', '84-115 284-315');
    faults('madvise A 700p random → 0', 'none', '100-103 300');
    faults('madvise A 700p sequential → 0', '100+1 101+4 105+8 300+1', '100-112 300');
  });

  it('MM-18: DONTNEED unmaps, and the pages stay in the cache; a private copy is lost', () => {
    check({ p: `
      open /f r → 3
      mmap A 3 40p rw private → ok
      store A 0 x → 0
      load A 0 → x
      madvise A 40p dontneed → 0
      load A 0 → p
      cached /f → 0-31` }, BIG);
  });
});
