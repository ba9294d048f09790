// Files that become shorter or longer, and pages that leave the cache for other reasons (KERNEL.md F-7, F-13, FM-13).

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import { EIO } from '../../engine/include/errno.ts';
import { PG_dirty, PG_locked, PG_private, PG_writeback } from '../../engine/include/page-flags.ts';
import { NR_FILE_DIRTY, NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { run_to_end, schedule_timeout } from '../../engine/kernel/sched.ts';
import { find_get_page } from '../../engine/mm/filemap.ts';
import { clear_page_flag, page_count, set_page_flag, test_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of } from '../../engine/mm/mm_struct.ts';
import { lru_add_drain, page_cache_release } from '../../engine/mm/swap.ts';
import { invalidate_inode_pages2, invalidate_mapping_pages } from '../../engine/mm/truncate.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { MS } from './block-notation.ts';
import { check, onDisk } from './file-calls.ts';
import { user } from './processes.ts';

describe('ftruncate', () => {
  it('FM-13: a shorter file loses its pages and blocks, and the rest of the last page becomes zeroes, on the disk too after fsync', () => {
    check({ p: `
      open /f rw → 3
      read 3 10p → 40960
      ftruncate 3 5000 → 0
      size /f → 5000
      cached /f → 0-1
      dirty /f → 1
      blocks /f → 0-1=0
      disk /f 4998 4 → p*4
      fsync 3 → 0
      disk /f 4990 100 → p*10
      ftruncate 3 3p → 0
      see 3 4998 10 → p*2 0*8
      see 3 8190 8 → 0*8
      fsync 3 → 0
      disk /f 4990 20 → p*10 0*10
      disk /f 8190 10 → 0*10
      ftruncate 3 -1 → EINVAL` }, onDisk({ '/f': 40960 }));
  });

  it('FM-13: a page that was not in memory is read for that; at the end of a page nothing is', () => {
    check({ p: `
      open /f rw → 3
      ftruncate 3 3p → 0
      cached /f → none
      ftruncate 3 5000 → 0
      cached /f → 1
      dirty /f → 1
      ftruncate 3 8000 → 0
      see 3 4998 4 → p*2 0*2` }, onDisk({ '/f': 40960 }));
  });

  it('F-13: a longer file has a hole: no blocks, no pages, zeroes; a page of it gets a block when it is written', () => {
    check({ p: `
      open /f rw → 3
      ftruncate 3 20p → 0
      blocks /f → 0=0
      see 3 98 4 → p*2 0*2
      read 3 8p → 32768
      blocks /f → 0=0
      mmap A 3 20p rw shared → ok
      load A 10p → 0
      store A 10p a → 0
      msync A 20p sync → 0
      disk /f 40958 4 → 0*2 a*1 0*1
      size /f → 81920
      ftruncate 3 9000000000000 → EFBIG
      size /f → 81920` }, onDisk({ '/f': 100 }));
  });

  it('a cut and a growth within one page leave zeroes, whatever was written there through a mapping behind the end', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 1p rw shared → ok
      store A 200 x → 0
      see 3 0 300 → p*100
      ftruncate 3 300 → 0
      munmap A 1p → 0
      fsync 3 → 0
      disk /f 98 300 → p*2 0*100 x*1 0*99
      ftruncate 3 50 → 0
      ftruncate 3 300 → 0
      see 3 48 300 → p*2 0*250
      fsync 3 → 0
      disk /f 48 300 → p*2 0*250` }, onDisk({ '/f': 100 }));
  });

  it('F-13: pages leave every mapping, copies too, and a private copy of the last page stays', () => {
    check({
      p: `
        open /f rw → 3
        mmap A 3 4p rw private → ok
        store A 0 a → 0
        store A 2p a → 0
        fork q → ok
        sleep 5
        ftruncate 3 1p → 0
        load A 0 → a
        wait q`,
      '+q': `
        load A 0 → a
        sleep 50
        load A 0 → a`,
    }, onDisk({ '/f': 16384 }), (k) => assert.equal(global_page_state(k, NR_FILE_DIRTY), 0));
  });

  it('F-7: a fault that waits for its page while the file is cut begins again, and is a SIGBUS; a read that waits still gets its page, and no more', () => {
    check({
      p: `
        open /f rw → 3
        mmap A 3 40p rw shared → ok
        load A 20p → SIGBUS`,
      q: `
        open /f r → 3
        lseek 3 10p set → 40960
        read 3 30p → 4096
        read 3 30p → 0`,
      r: `
        open /f rw → 3
        sleep 1
        ftruncate 3 5p → 0
        cached /f → 4`,
    }, onDisk({ '/f': 163840 }, { seek: 20_000_000 }));
  });

  it('F-7: a reader that waits for the page in which the file ends now has it all, as it was when he came', () => {
    check({
      p: `
        open /f r → 3
        read 3 1p → 4096
        read 3 1p → 0
        pread 3 1p 0 → 100`,
      r: `
        open /f rw → 3
        sleep 1
        ftruncate 3 100 → 0`,
    }, onDisk({ '/f': 163840 }, { seek: 20_000_000 }));
  });

  it('FM-13: pages under write-back are waited for, and their blocks are not given to others before', () => {
    check({
      p: `
        open /f rw → 3
        write 3 20p a → 81920
        fsync 3 → 0`,
      r: `
        open /f rw → 3
        sleep 5
        ftruncate 3 100 → 0
        cached /f → 0
        open /g rwc → 4
        write 4 20p b → 81920
        fsync 4 → 0
        fsync 3 → 0
        disk /f 98 10 → a*2
        disk /g 0 5 → b*5
        disk /g 81915 5 → b*5`,
    }, onDisk({ '/f': 100 }, { seek: 20_000_000, blocks: 41 }));
  });

  it('FM-13: pages under write-back are waited for, whole ones and the one that is cut', () => {
    const cut = (size: string): string => `
      open /f rw → 3
      write 3 20p a → 81920
      fadvise 3 0 0 dontneed → 0
      requests → 1
      ftruncate 3 ${size} → 0
      requests → 0`;
    check({ p: cut('0') }, onDisk({ '/f': 100 }));
    check({ p: cut('10p') }, onDisk({ '/f': 100 }));
    check({ p: `${cut('81900')}
      fsync 3 → 0
      ftruncate 3 20p → 0
      see 3 81898 4 → a*2 0*2` }, onDisk({ '/f': 100 }));
  });

  it('FM-13: a page that is locked because it is read is waited for', () => {
    check({ p: `
      open /f rw → 3
      readahead 3 0 20p → 0
      requests → 1
      ftruncate 3 10p → 0
      requests → 0
      cached /f → 0-9` }, onDisk({ '/f': 81920 }));
  });

  it('O_TRUNC while others have the file open and mapped; nothing of the old bytes comes back', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 2p rw shared → ok
      store A 0 a → 0
      open /f rwt → 4
      size /f → 0
      blocks /f → none
      write 4 10 b → 10
      load A 0 → b
      load A 10 → 0
      ftruncate 3 3p → 0
      load A 1p → 0
      see 3 0 100 → b*10 0*90` }, onDisk({ '/f': 8192 }));
  });

  it('a file in memory alone: what it grows by is zeroes, not the program\'s bytes', () => {
    check({
      p: 'sleep 1',
      q: `
        sleep 50
        open /bin/p rw → 3
        ftruncate 3 5000 → 0
        ftruncate 3 4p → 0
        see 3 4998 4 → p*2 0*2
        see 3 2p 4 → 0*4
        write 3 2 a → 2
        fsync 3 → 0
        drop 3
        see 3 0 4 → a*2 p*2
        pwrite 3 1p 8p b → 4096
        ftruncate 3 32778 → 0
        ftruncate 3 9p → 0
        see 3 32776 4 → b*2 0*2`,
    }, {});
  });
});

/** A file whose first 30 pages are in the cache and on a list, looked at after the run. */
function cached(look: (k: Kernel, ino: number) => void, calls = ''): void {
  const k = check({ p: `open /f rw → 3\nread 3 30p → 122880\n${calls}` }, onDisk({ '/f': 122880 }));
  lru_add_drain(k);
  look(k, k.dcache.get('/f')!);
}

describe('invalidate_mapping_pages', () => {
  const pagesOf = (k: Kernel, ino: number): number => k.inodes[ino]!.nrpages;

  it('FM-13: takes what is clean and unused, within its range', () => {
    cached((k, ino) => {
      const before = global_page_state(k, NR_FILE_PAGES);
      assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 3, 20), 18);
      assert.deepEqual([pagesOf(k, ino), before - global_page_state(k, NR_FILE_PAGES)], [12, 18]);
      assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 3, 20), 0);
      assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 0, Infinity), 12);
    });
  });

  for (const [what, bit] of [['locked', PG_locked], ['dirty', PG_dirty], ['written', PG_writeback]] as const) {
    it(`FM-13: leaves a page that is being ${what} where it is`, () => {
      cached((k, ino) => {
        const page = find_get_page(k, k.inodes[ino]!, 7);
        page_cache_release(k, page);
        set_page_flag(k, page, bit);
        assert.deepEqual([invalidate_mapping_pages(k, k.inodes[ino]!, 0, Infinity), pagesOf(k, ino), page_count(k, page)], [29, 1, 1]);
        clear_page_flag(k, page, bit);
        assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 0, Infinity), 1);
      });
    });
  }

  it('FM-13: leaves a page that somebody else refers to; one with a clean buffer goes, buffer and all', () => {
    cached((k, ino) => {
      const page = find_get_page(k, k.inodes[ino]!, 7);
      const buffered = find_get_page(k, k.inodes[ino]!, 9);
      assert.equal(test_page_flag(k, buffered, PG_private), true);
      page_cache_release(k, buffered);
      assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 0, Infinity), 29);
      page_cache_release(k, page);
      assert.equal(k.buffer_heads.filter((bh) => bh !== null).length, 0);
      assert.equal(invalidate_mapping_pages(k, k.inodes[ino]!, 0, Infinity), 1);
    }, 'pwrite 3 10 9p a → 10\nfsync 3 → 0');
  });

  it('FM-13 QK-10: leaves mapped pages, and the first time those in the CPU\'s pagevec, which it empties', () => {
    check({ p: `
      open /f rw → 3
      fadvise 3 0 0 random → 0
      mmap A 3 30p r shared → ok
      read 3 5p → 20480
      load A 2p → p
      drop 1
      cached /f → 0-4
      drop 1
      cached /f → 2
      munmap A 30p → 0
      drop 1
      cached /f → none` }, onDisk({ '/f': 122880 }));
  });
});

describe('invalidate_inode_pages2', () => {
  const state = (k: Kernel, inode: inode): number[] => {
    const error = run_to_end(k, invalidate_inode_pages2(k, inode));
    return [error, inode.nrpages, global_page_state(k, NR_FILE_DIRTY)];
  };

  it('FM-13: takes pages that a mapping made dirty, and unmaps them; -EIO says that one is in use, or has a dirty buffer', () => {
    const calls = `
      mmap A 3 30p rw shared → ok
      store A 9p a → 0
      munmap A 30p → 0
      pwrite 3 1 12p a → 1`;
    cached((k, ino) => {
      const inode = k.inodes[ino]!;
      const page = find_get_page(k, inode, 7);
      assert.deepEqual([global_page_state(k, NR_FILE_DIRTY), ...state(k, inode)], [2, -EIO, 23, 2]);
      page_cache_release(k, page);
      assert.deepEqual(state(k, inode), [-EIO, 18, 1]);
    }, calls);
  });

  it('FM-13: a mapped page leaves all page tables first', () => {
    let error = 1;
    const other = user('q', function* invalidate(k) {
      yield* schedule_timeout(k, 10 * MS, 'p');
      error = yield* invalidate_inode_pages2(k, inode_of(k, k.dcache.get('/f')!));
    });
    check({ p: `
      open /f rw → 3
      mmap A 3 30p rw shared → ok
      mmap B 3 30p rw private → ok
      load A 2p → p
      store B 2p x → 0
      load B 3p → p
      cached /f → 0-29
      sleep 20
      cached /f → none
      load B 2p → x
      load A 2p → p` }, onDisk({ '/f': 122880 }), () => assert.equal(error, 0), [other]);
  });
});
