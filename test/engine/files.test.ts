// open, close, read, write, lseek, fsync and sync, and what fork and exit do with open files (KERNEL.md FM-4, FM-5, FM-14).

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { power_cut_image } from '../../engine/fs/flat.ts';
import { testDisk } from './block-notation.ts';
import { check, onDisk } from './file-calls.ts';

describe('descriptors', () => {
  it('are the lowest that is free, from 3 on; a closed one names nothing', () => {
    check({ p: `
      open /f r → 3
      open /g r → 4
      open /f r → 5
      close 4 → 0
      open /f rw → 4
      close 4 → 0
      close 4 → EBADF
      read 4 1 → EBADF
      lseek 4 0 set → EBADF
      close 1 → EBADF
      read 77 1 → EBADF
      fsync 77 → EBADF
      ftruncate 77 0 → EBADF
      readahead 77 0 1 → EBADF
      fadvise 77 0 0 normal → EBADF
      mmap A 77 1p r shared → EBADF` }, onDisk({ '/f': 100, '/g': 100 }));
  });

  it('-EMFILE from 1024 on, before the name is looked at', () => {
    const opens = Array.from({ length: 1021 }, (_, i) => `open /f r → ${i + 3}`).join('\n');
    const k = check({ p: `${opens}
      open /f r → EMFILE
      open /none r → EMFILE
      close 500 → 0
      open /f r → 500` }, onDisk({ '/f': 100 }));
    assert.equal(k.files.filter((file) => file !== null).length, 0);
  });

  it('a fork shares open files with their position; each table holds one reference, and the end of a task closes what it has', () => {
    check({
      p: `
        open /f rw → 3
        read 3 10 → 10
        fork q → ok
        wait q
        pos 3 → 30
        read 3 10 → 10
        open /f r → 4
        pos 4 → 0`,
      '+q': `
        pos 3 → 10
        read 3 20 → 20
        open /g r → 4
        close 4 → 0`,
    }, onDisk({ '/f': 100, '/g': 100 }), (k) => {
      assert.deepEqual([k.files.filter((file) => file !== null), k.inodes.map((inode) => inode?.i_count ?? 0)], [[], [0, 0, 0, 0]]);
    });
  });

  it('a fork that fails leaves the files as they were', () => {
    check({
      p: `
        open /f r → 3
        mmap A 3 3000p rw private → ok
        fork q → ENOMEM
        read 3 10 → 10
        pos 3 → 10`,
      '+q': '',
    }, { ...onDisk({ '/f': 100 }), sysctl: [['vm.overcommit_memory', 2], ['vm.overcommit_ratio', 30]] });
  });

  it('a child that closes its descriptor, or ends, leaves its parent\'s open', () => {
    check({
      p: `
        open /f rw → 3
        fork q → ok
        wait q
        read 3 1 → 1`,
      '+q': 'close 3 → 0',
    }, onDisk({ '/f': 100 }));
  });
});

describe('open', () => {
  it('names: -ENOENT, -ENOTDIR behind a file, -EISDIR for what has files below it; O_CREAT of such is the same', () => {
    check({ p: `
      open /none r → ENOENT
      open /var/log/none r → ENOENT
      open f r → ENOENT
      open f rwc → ENOENT
      open /var/log/big/x r → ENOTDIR
      open /var/log/big/x rwc → ENOTDIR
      open /var r → EISDIR
      open /var/log/ rwc → EISDIR
      open /var/new/ rwc → ENOENT
      open /var/lo r → ENOENT` }, onDisk({ '/var/log/big': 100 }));
  });

  it('O_CREAT makes a file on the disk of the files it stands among; O_EXCL insists on that; O_TRUNC empties one that is there', () => {
    check({ p: `
      open /g rwcx → 3
      open /g rwcx → EEXIST
      open /f rwcx → EEXIST
      open /g rwc → 4
      size /g → 0
      write 3 5000 a → 5000
      see 4 4998 10 → a*2
      open /g rt → 5
      size /g → 0
      read 4 10 → 0
      pos 3 → 5000
      write 3 1 b → 1
      see 4 4999 10 → 0*1 b*1
      disk /g 0 10 → none
      fsync 3 → 0
      disk /g 4995 10 → 0*5 b*1` }, onDisk({ '/f': 100 }));
  });

  it('-EROFS without a disk, -EINVAL for O_DIRECT, which no file system here has', () => {
    check({ p: `
      open /f rwc → EROFS
      open /bin/p rd → EINVAL` }, {});
  });

  it('-ENOSPC where the disk is full, with what fitted in place; blocks of a shorter file are there again', () => {
    const small = { disks: [testDisk({ blocks: 6 })], files: [{ path: '/f', size: 4 * 4096, disk: 'sda' }] };
    check({ p: `
      open /g wc → 3
      write 3 4p a → 8192
      write 3 1p a → ENOSPC
      write 3 10 a → ENOSPC
      size /g → 8192
      open /f w → 4
      ftruncate 4 2p → 0
      write 3 1p b → 4096
      fsync 3 → 0
      disk /g 8190 4 → a*2 b*2
      disk /f 8190 4 → p*2` }, small);
  });

  it('the ways to open: -EBADF for the other one, neither with 3', () => {
    check({ p: `
      open /f w → 3
      read 3 1 → EBADF
      pread 3 1 0 → EBADF
      readahead 3 0 1 → EBADF
      mmap A 3 1p r shared → EACCES
      mmap A 3 1p r private → EACCES
      open /f r → 4
      write 4 1 a → EBADF
      pwrite 4 1 0 a → EBADF
      ftruncate 4 0 → EINVAL
      mmap A 4 1p rw shared → EACCES
      mmap A 4 1p rw private → ok
      mmap B 4 1p r shared 1 → EINVAL` }, onDisk({ '/f': 100 }));
  });
});

describe('reading and writing', () => {
  it('read and write move on, pread and pwrite do not; the end of the file is 0 bytes', () => {
    check({ p: `
      open /f rw → 3
      read 3 9000 → 9000
      pos 3 → 9000
      read 3 9000 → 1000
      read 3 9000 → 0
      pread 3 10 9995 → 5
      pread 3 10 10001 → 0
      pread 3 10 -1 → EINVAL
      pwrite 3 10 -1 a → EINVAL
      pwrite 3 3 4095 a → 3
      pos 3 → 10000
      write 3 5 b → 5
      see 3 4093 6 → p*2 a*3 p*1
      see 3 9998 10 → p*2 b*5
      size /f → 10005
      read 3 0 → 0
      write 3 0 a → 0` }, onDisk({ '/f': 10_000 }));
  });

  it('lseek counts from the start, here or the end; past the end is allowed and makes a hole that reads as zeroes and has no blocks', () => {
    check({ p: `
      open /f rw → 3
      lseek 3 10 set → 10
      lseek 3 -4 cur → 6
      lseek 3 -7 cur → EINVAL
      lseek 3 -1 end → 99
      lseek 3 0 sideways → EINVAL
      lseek 3 5p set → 20480
      read 3 10 → 0
      write 3 2 a → 2
      size /f → 20482
      see 3 98 6 → p*2 0*4
      see 3 20478 10 → 0*2 a*2
      see 3 2p 3 → 0*3
      blocks /f → 0=0 5=1
      fsync 3 → 0
      disk /f 98 4 → p*2 0*2
      disk /f 20478 10 → 0*2 a*2` }, onDisk({ '/f': 100 }));
  });

  it('O_APPEND writes at the end, wherever the file stands, and pwrite too; the file stands behind it then, and pwrite leaves it', () => {
    check({ p: `
      open /f rwa → 3
      lseek 3 10 set → 10
      write 3 5 a → 5
      pos 3 → 105
      pwrite 3 5 0 b → 5
      pos 3 → 105
      see 3 98 20 → p*2 a*5 b*5` }, onDisk({ '/f': 100 }));
  });

  it('O_APPEND with O_SYNC: the file stands behind the bytes of the call, whoever appended meanwhile', () => {
    check({
      p: `
        open /f rwas → 3
        fork q → ok
        write 3 5 a → 5
        pos 3 → 105
        wait q
        pos 3 → 105`,
      '+q': `
        open /f wa → 4
        sleep 1
        write 4 5 b → 5`,
    }, onDisk({ '/f': 100 }), (k) => assert.equal(k.inodes[1]!.size, 110));
  });

  it('-EFAULT for memory that the process cannot have, -EBADF before it', () => {
    check({ p: `
      open /f rw → 3
      readto 3 10 0xC0000000 → EFAULT
      readto 3 10 0xBFFFFFFC → EFAULT
      readto 3 10 0x1000 → EFAULT
      readto 9 10 0xC0000000 → EBADF
      pos 3 → 0` }, onDisk({ '/f': 100 }));
  });

  it('two processes append to one file: no byte is lost', () => {
    const writes = Array.from({ length: 20 }, () => 'write 3 3000 a → 3000').join('\n');
    const appends = (letter: string): string => `open /f wa → 3\n${writes.replaceAll(' a ', ` ${letter} `)}\nfsync 3 → 0`;
    check({ p: appends('a'), q: appends('b') }, onDisk({ '/f': 0 }), (k) => {
      const found = power_cut_image(k).find(({ path }) => path === '/f')!;
      const content = Buffer.from(found.bytes(0, found.size)).toString();
      assert.deepEqual([found.size, content.replaceAll(/(aaa|bbb){1000}/g, '')], [120_000, '']);
    });
  });
});

describe('fsync and sync', () => {
  it('FM-14: what fsync acknowledged is on the disk after a power cut: bytes, size and blocks; what it was not asked for need not be', () => {
    check({ p: `
      open /f rw → 3
      open /g rwc → 4
      write 3 10 a → 10
      write 4 2p b → 8192
      disk /f 0 12 → p*12
      disk /g 0 5 → none
      fsync 3 → 0
      disk /f 0 12 → a*10 p*2
      disk /g 0 5 → none
      dirty /f → none
      dirty /g → 0-1
      sync → 0
      disk /g 8190 5 → b*2
      dirty /g → none
      fsync 4 → 0` }, onDisk({ '/f': 100 }));
  });

  it('FM-14: fsync waits for what pdflush is writing, also where the inode is clean by now', () => {
    check({ p: `
      open /f rw → 3
      write 3 10 a → 10
      sleep 33500
      dirty /f → none
      requests → 1
      disk /f 0 12 → p*12
      fsync 3 → 0
      disk /f 0 12 → a*10 p*2` }, onDisk({ '/f': 100 }, { seek: 3_000_000_000 }));
  });

  it('O_SYNC is on the disk when write comes back', () => {
    check({ p: `
      open /g rwcs → 3
      write 3 5000 a → 5000
      disk /g 4998 10 → a*2
      dirty /g → none` }, onDisk({}));
  });

  it('a write that failed is told once, to who asks first: -EIO', () => {
    check({ p: `
      open /f rw → 3
      write 3 2p a → 8192
      fsync 3 → EIO
      fsync 3 → 0
      disk /f 0 2 → p*2
      disk /f 4096 2 → a*2` }, onDisk({ '/f': 8192 }, { fail_write: [{ start: 0, end: 1 }] }));
  });

  it('a block that cannot be read: -EIO from read and from a write of a part of it, nothing from a write of all of it', () => {
    check({ p: `
      open /f rw → 3
      read 3 2p → 4096
      pos 3 → 4096
      read 3 1 → EIO
      pwrite 3 1 4096 a → EIO
      pwrite 3 1p 1p a → 4096
      see 3 4094 4 → p*2 a*2` }, onDisk({ '/f': 12288 }, { fail_read: [{ start: 1, end: 2 }] }));
  });

  it('WB-11: sync waits for all disks', () => {
    const disks = [testDisk(), testDisk({ name: 'sdb' })];
    check({ p: `
      open /a/f rw → 3
      open /b/f rw → 4
      write 3 1 a → 1
      write 4 1 b → 1
      open /b/new rwc → 5
      write 5 3 c → 3
      sync → 0
      disk /a/f 0 2 → a*1 p*1
      disk /b/f 0 2 → b*1 p*1
      disk /b/new 0 4 → c*3` }, { disks, files: [{ path: '/a/f', size: 10, disk: 'sda' }, { path: '/b/f', size: 10, disk: 'sdb' }] }, (k) => {
      assert.deepEqual(k.inodes.slice(1).map((inode) => inode!.path + inode!.i_bdev), ['/a/f0', '/b/f1', '/bin/p-1', '/b/new1']);
    });
  });
});

describe('several processes at once', () => {
  for (const config of [{ cpus: 1 }, { cpus: 4 }, { cpus: 2, arch: 'x86_64' as const }]) {
    it(`each writes, maps, cuts and syncs a file of its own and its part of a common one: ${JSON.stringify(config)}`, () => {
      const calls = (name: string, i: number): string => `
        open /f rw → 3
        open /${name} rwc → 4
        pwrite 3 3p ${10 * i}p ${name} → 12288
        write 4 5p ${name} → 20480
        mmap A 4 5p rw shared → ok
        store A 2p x → 0
        mmap B 3 40p rw shared → ok
        store B ${40960 * i + 5} x → 0
        ftruncate 4 9000 → 0
        msync A 2p sync → 0
        msync B 40p async → 0
        load B ${40960 * i + 5} → x
        fsync 3 → 0
        disk /f ${10 * i}p 7 → ${name}*5 x*1 ${name}*1
        disk /${name} 8190 1000 → ${name}*2 x*1 ${name}*807
        fadvise 3 0 0 dontneed → 0
        sync → 0
        see 3 ${10 * i}p 7 → ${name}*5 x*1 ${name}*1
        close 3 → 0`;
      check(Object.fromEntries(['a', 'b', 'c', 'd'].map((name, i) => [name, calls(name, i)])), { ...onDisk({ '/f': 163840 }), ...config });
    });
  }
});
