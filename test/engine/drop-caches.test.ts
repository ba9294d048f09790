// vm.drop_caches (KERNEL.md VS-21).

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { testDisk } from './block-notation.ts';
import { check } from './file-calls.ts';

const DISKS = {
  disks: [testDisk(), testDisk({ name: 'sdb' })],
  files: [{ path: '/a/f', size: 100 * 4096, disk: 'sda' }, { path: '/b/f', size: 100 * 4096, disk: 'sdb' }],
};

describe('drop_caches', () => {
  it('VS-21: 1 takes the clean, unmapped, unlocked pages of all files on all disks; what is dirty or being written stays', () => {
    check({ p: `
      open /a/f rw → 3
      open /b/f rw → 4
      read 3 28p → 114688
      read 4 28p → 114688
      write 4 2p b → 8192
      mmap A 3 4p r shared → ok
      load A 2p → p
      sleep 50
      cached /a/f → 0-31
      drop 1
      cached /a/f → 2
      dirty /b/f → 28-29
      cached /b/f → 28-29
      fsync 4 → 0
      munmap A 4p → 0
      drop 1
      cached /a/f → none
      cached /b/f → none
      open /a/new rwc → 5
      write 5 20p c → 81920
      fsync 5 → 0
      drop 1
      cached /a/new → none
      see 4 8191 3 → p*3
      see 4 118783 3 → b*3` }, DISKS);
  });

  it('VS-21: pages under I/O stay: those being read are locked, those being written are marked', () => {
    check({ p: `
      open /a/f rw → 3
      readahead 3 0 4p → 0
      drop 1
      cached /a/f → 0-3
      write 3 1p a → 4096
      fadvise 3 0 0 dontneed → 0
      cached /a/f → 0
      drop 1
      cached /a/f → 0
      sleep 50
      drop 1
      cached /a/f → none` }, DISKS);
  });

  it('QK-10: so do pages that wait in the CPU\'s pagevec, the first time', () => {
    check({ p: `
      open /a/f r → 3
      fadvise 3 0 0 random → 0
      read 3 3p → 12288
      drop 1
      cached /a/f → 0-2
      drop 1
      cached /a/f → none` }, DISKS);
  });

  it('VS-21: 2 says that there are no shrinkers yet, once; other bits do nothing', () => {
    const k = check({ p: `
      open /a/f r → 3
      read 3 28p → 114688
      drop 0
      drop 4
      drop 2
      drop 2
      sleep 50
      cached /a/f → 0-31
      drop 3
      cached /a/f → none` }, DISKS);
    const told = k.log.lines.filter(({ text }) => text.includes('shrinkers')).map(({ text }) => text);
    assert.deepEqual(told, ['pagewalk: drop_caches: the shrinkers of slab caches are not modelled yet, so nothing of them was dropped']);
    assert.equal(global_page_state(k, NR_FILE_PAGES), 0);
  });
});
