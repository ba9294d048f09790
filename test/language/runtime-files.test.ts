// Files through the language: the calls of processes that work on them, the buffer they go through, what expressions read of files and disks
// (LANGUAGE.md; KERNEL.md FM-4, FM-5, FM-7 … FM-10, FM-13, FM-14, WB-3).
import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/index.ts';
import { PROC_PID_FILES, check_machine, run_machine } from '../../engine/index.ts';
import { describe as describeValue, judge, namedChildren, toValue } from '../../language/runtime/index.ts';
import type { Ran } from './running.ts';
import { booted, compiled, complaint, run, watched } from './running.ts';

const MACHINE = 'machine { memory 64MiB disk sda { } file "/a" 40pages on sda }';

/** What a run says, one line each, and at its end what it is blamed for; the machine keeps its laws. */
function said(text: string): string {
  const ran = run(text.includes('machine {') ? text : `${MACHINE}\n${text}`);
  assert.deepEqual(check_machine(ran.machine.k), []);
  return [...ran.output.map((record) => (record.kind === 'print' ? record.text : `${record.ok ? 'held' : 'failed'}: ${record.text}`)), ...blamed(ran)].join('\n');
}

function blamed({ machine: { k }, linked: { data }, end }: Ran): string[] {
  return judge(data, { k, ...end, isAnnounced: false }, 1e9).failures;
}

/** The same of the body of one process. */
function process(body: string, options = ''): string {
  return said(`process p ${options} {\n${body}\n}`);
}

describe('calls on files', () => {
  it('open, read, write, seek and close', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR)
      print(fd, read(fd, 100), read(fd, 1page), lseek(fd, -10, SEEK_END), read(fd, 100), read(fd, 1), lseek(fd, 7))
      print(write(fd, 5, 0x41), lseek(fd, 0, SEEK_CUR), pread(fd, 3, 0), pwrite(fd, 3, 9, 0x42), lseek(fd, 0, SEEK_CUR))
      let b = mmap(1page)
      print(lseek(fd, 7), read(fd, 5, b), load(b), load(b + 2), load(b + 4), files["/a"].dirty_pages)
      store(b, 0x43)
      print(write(fd, 1, 0, b), lseek(fd, 12), read(fd, 1, b + 1), load(b + 1), fsync(fd), files["/a"].dirty_pages)
      print(close(fd), close(fd), read(fd, 1))
    `), '3 100 4096 163830 10 0 7\n5 12 3 3 12\n7 5 65 66 66 1\n1 12 1 67 0 0\n0 -9 -9');
  });

  it('take counts, descriptors and offsets as the kernel does', () => {
    assert.equal(process(`
      let r = open("/a") let w = open("/a", O_WRONLY)
      print(read(r, -1), read(r, 0), read(r, -1, 0x10000), write(r, 1), read(w, 1), read(-1, 1), read(1, 1), write(2, 1))
      print(pread(r, 1, -1), pread(r, 1, 1 << 50), lseek(r, -1), lseek(r, 1 << 33), lseek(r, 0, 7), ftruncate(w, -1), ftruncate(r, 0))
      let relative = "none" print(open("/none"), open(relative), open("/a", O_RDONLY | O_CREAT | O_EXCL), open("/a", O_DIRECT), open("/a/b", O_RDWR | O_CREAT))
      print(fadvise(r, 0, 0, 77), fadvise(r, 0, -1, 0), readahead(w, 0, 1page), fsync(99), pread(r, 1, 0), lseek(r, 0), read(r, 1, 0x10000))
    `), '-22 0 -22 -9 -9 -9 -9 -9\n-22 0 -22 8589934592 -22 -22 -22\n-2 -2 -17 -22 -20\n-22 -22 -9 -9 1 0 -14');
  });

  it('make files, which other processes find', () => {
    assert.equal(said(`
      process p { let fd = open("/new", O_WRONLY | O_CREAT) print(write(fd, 10, 0x41), files["/new"].size, files["/new"].disk) }
      process q after p { let fd = open("/new") print(read(fd, 100), files["/new"].extents, ftruncate(open("/new", O_RDWR | O_TRUNC), 1MiB), files["/new"].size, len(files["/new"].extents)) }
    `), '10 10 disks.sda\n10 [1 blocks from 40 on] 0 1048576 0');
    assert.equal(said('machine { memory 64MiB } process p { print(open("/new", O_WRONLY | O_CREAT), len(disks), sync()) }'), `${-30} 0 0`);
  });

  it('share the position with a fork, and not with another open', () => {
    assert.equal(process('let fd = open("/a") read(fd, 10) fork c { let mine = open("/a") print(mine, read(fd, 10), lseek(mine, 0, SEEK_CUR)) } wait c print(lseek(fd, 0, SEEK_CUR))'), '4 10 0\n20');
  });

  it('map files', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR) let r = open("/a")
      let shared = mmap(2pages, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 39pages)
      store(shared + 5, 0x41)
      let b = mmap(1page)
      print(pread(fd, 1, 39pages + 5), current.vma_of(shared).pgoff, current.vma_of(shared).file, current.maj_flt)
      print(mmap(1page, PROT_WRITE, MAP_SHARED, r), mmap(1page, PROT_WRITE, MAP_PRIVATE, r) > 0, mmap(1page, PROT_READ, MAP_SHARED, 9), mmap(1page, PROT_READ, MAP_SHARED, r, 5))
      load(shared + 1page)
    `, 'dies SIGBUS'), '1 39 /a 1\n-13 true -9 -22');
  });

  it('cost a system call each, and a copy for each KiB', () => {
    const cost = (call: string): string => process(`let fd = open("/a", O_RDWR) let b = mmap(64pages) touch b .. b + 64pages ${call.replaceAll('TIMED', 'read(fd, 64KiB, b)')}`);
    assert.equal(cost('TIMED lseek(fd, 0) let start = now TIMED print(now - start >= 64 * 250 + 500 && now - start < 64 * 250 + 500 + 1000)'), 'true');
  });

  it('say where a wrong argument stands, and what is wanted', () => {
    assert.equal(complaint('process p { open(3) }'), 'test.pagewalk:2:13: A file\'s path is expected, as in `open("/data")`, not an integer.');
    assert.equal(complaint('process p { read("x", 3) }'), 'test.pagewalk:2:13: An integer is expected, not a string.');
    assert.equal(complaint('kernel k { drop_caches(-1) }'), 'test.pagewalk:2:12: -1 is negative.');
  });
});

describe('the buffer of a process', () => {
  it('is an area of 128 KiB, made at the first call that names none, and seen in /proc/PID/maps', () => {
    const { machine: { k } } = run(`${MACHINE}\nprocess p { let fd = open("/a") let b = mmap(4pages) touch b .. b + 4pages read(fd, 1page, b) let before = current.mm.map_count read(fd, 1) print(current.mm.map_count - before) }`);
    const text = PROC_PID_FILES['maps']!(k, k.tasks[1]!);
    assert.match(text, /\nb7fdc000-b7ffc000 rw-p b7fdc000 00:00 0 {10}\[iobuf\]\nb7ffc000-b8000000 rw-p b7ffc000 00:00 0 \n/);
    assert.deepEqual(k.program_output.map((record) => record.text), ['1']);
  });

  it('faults in as any memory does, and is used from its start each time', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR)
      read(fd, 10) print(current.anon_rss) read(fd, 1page) print(current.anon_rss) read(fd, 10) pread(fd, 3pages, 0) print(current.anon_rss, current.min_flt)
      let buffer = 0
      for area in current.vmas { if area.name == "[iobuf]" { buffer = area.start } }
      pwrite(fd, 3, 5pages, 0x55)
      print(load(buffer), load(buffer + 2), load(buffer + 3) == 0x55, buffer == current.vma_of(buffer).start)
    `), '1\n1\n3 3\n85 85 false true');
  });

  it('is written through with one byte, also where that is 0 or more than a byte', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR) let b = mmap(1page)
      pwrite(fd, 4, 0, 0x141) pwrite(fd, 2, 1) lseek(fd, 0) read(fd, 4, b)
      print(load(b), load(b + 1), load(b + 2), load(b + 3))
    `), '65 0 0 65');
  });

  it('takes more than it holds piece by piece, each a system call, and stops at a short one', () => {
    assert.equal(process(`
      let fd = open("/big", O_RDWR | O_CREAT)
      print(write(fd, 300KiB, 0x41), read(fd, 1), lseek(fd, 0), read(fd, 1MiB), current.anon_rss)
      print(pread(fd, 1MiB, 200KiB + 1), pwrite(fd, 200KiB, 299KiB), files["/big"].size, pread(fd, 300KiB, 1MiB))
      let start = now pread(fd, 256KiB, 0) let two = now - start
      start = now pread(fd, 128KiB, 0) pread(fd, 128KiB, 128KiB) print(now - start - two)
    `), '307200 0 0 307200 32\n102399 204800 510976 0\n100', 'one statement more, as many system calls');
  });

  it('says how far it came before an error', () => {
    const disk = 'machine { memory 64MiB disk sda { fail read 40 .. 41 } file "/a" 512KiB on sda }';
    assert.equal(said(`${disk} process p { let fd = open("/a") print(read(fd, 512KiB) / 1page, read(fd, 512KiB), lseek(fd, 0, SEEK_CUR) / 1page) }`), '40 -5 40');
  });

  it('is copied by fork, is made again where it was unmapped, and takes no memory that is not to be had', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR) pwrite(fd, 1, 0, 0x41)
      let buffer = 0
      for area in current.vmas { if area.name == "[iobuf]" { buffer = area.start } }
      fork c { print(load(buffer), current.vma_of(buffer).name, pread(fd, 1, 0), current.anon_rss) }
      wait c
      munmap(buffer, 128KiB)
      print(pread(fd, 1, 0), current.vma_of(buffer).name)
      munmap(buffer, 64KiB)
      print(pread(fd, 1, 0), current.vma_of(buffer), current.vma_of(buffer + 64KiB).name)
      pwrite(fd, 1, 0)
    `, 'dies SIGSEGV'), '65 [iobuf] 1 1\n1 [iobuf]\n-14 0 [iobuf]');
    assert.equal(process('let fd = open("/a") print(read(fd, 1), read(fd, 1, mmap(1page)))', 'rlimit_as 200KiB'), '-12 1');
  });

  it('is a process\'s own on x86_64 too', () => {
    assert.equal(said(`machine { arch x86_64 memory 64MiB disk sda { } file "/a" 1MiB on sda } process p { let fd = open("/a", O_RDWR)
      print(read(fd, 1MiB), pwrite(fd, 200KiB, 0, 7), read(fd, -1), read(fd, 1 << 40)) for area in current.vmas { if area.name == "[iobuf]" { print(area.size, area.rss) } } }`), '1048576 204800 -22 0\n131072 32');
  });
});

describe('calls of the kernel on files', () => {
  it('drop clean pages, and have dirty ones written', () => {
    assert.equal(said(`process p { let fd = open("/a", O_RDWR) read(fd, 20pages) pwrite(fd, 3pages, 0) }
      kernel k after p { print(files["/a"].cached_pages > 20, drop_caches(2), drop_caches(1), files["/a"].cached_pages, wakeup_pdflush(0)) sleep 1s print(files["/a"].dirty_pages, drop_caches(3), files["/a"].cached_pages) }`), 'true 0 0 3 0\n0 0 0');
  });

  it('write sysctls, which act', () => {
    assert.equal(said(`process p uid 0 { let fd = open("/a", O_RDWR) read(fd, 4pages) print(sysctl("vm.drop_caches", 1), files["/a"].cached_pages, sysctl("vm.nr_pdflush_threads"), sysctl("vm.nr_pdflush_threads", 3)) }
      process q after p { print(sysctl("vm.drop_caches", 1), sysctl("vm.dirty_ratio"), sysctl("vm.dirty_ratio", 20)) }
      kernel k after q { print(sysctl("vm.dirty_background_ratio", 20), writeback.background_thresh, sysctl("vm.dirty_background_ratio", 101)) }`), '1 0 2 -13\n-1 40 -1\n20 3276 -22');
  });
});

describe('what an expression reads of files', () => {
  it('is their size, their pages, and where they lie', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR) read(fd, 4pages) pwrite(fd, 1, 0)
      let f = files["/a"]
      print(f, f.path, f.size, f.cached_pages, f.dirty_pages, f.writeback_pages, f.kind, f.disk, f.extents, f.extents[0].block, len(f.pages), f.pages[3].index, f.pages[0].mapping == f)
      print(len(files), files["/bin/p"].disk, files["/bin/p"].size, f == current.files[fd].inode, f.i_writecount, len(f.vmas), disks.sda.dirty_files == [f])
      print(disks.sda.free_blocks, disks.sda.size, disks.sda.queue_length, disks.sda.seek, disks.sda.bandwidth, disks.sda.write_congested, len(disks))
    `), 'files["/a"] /a 163840 8 1 0 file disks.sda [40 blocks from 0 on] 0 8 3 true\n2 0 20480 true 1 0 true\n4194264 17179869184 0 8000000 62914560 0 1');
  });

  it('is of open files where they stand and what is read ahead', () => {
    assert.equal(process(`
      let fd = open("/a", O_RDWR | O_APPEND) print(current.files[fd], current.files[fd].f_flags == (O_RDWR | O_APPEND), current.files[0], len(current.files))
      read(fd, 1page) read(fd, 1page)
      let ra = current.files[fd].ra
      print(current.files[fd].f_pos, ra, ra.start, ra.size, ra.ahead_start, ra.ahead_size, ra.prev_page, ra.ra_pages)
      let area = mmap(1page, PROT_READ, MAP_SHARED, fd) close(fd) print(len(current.files), current.files[fd], files["/a"].i_count > 0)
    `), 'processes.p.files[3] true 0 4\n8192 processes.p.files[3].ra 0 4 4 8 1 32\n4 0 true');
  });

  it('is an error where there is no such file, and says which there are', () => {
    assert.equal(complaint(`${MACHINE}\nprocess p { print(files["/b"].size) }`), 'test.pagewalk:2:19: There is no file `/b` now: there are /a.');
    assert.equal(complaint('process p { print(files["/b"].size) }'), 'test.pagewalk:2:19: There is no file `/b` now: there are none but programs, in /bin.');
    assert.equal(complaint(`${MACHINE}\nprocess p { let fd = open("/a") let file = current.files[fd] close(fd) print(file.f_pos) }`), 'test.pagewalk:2:78: A file that was closed has no members.');
  });
});

describe('files and disks in a Variables view', () => {
  /** What a scenario shows at its `breakpoint`. */
  function lookedAt(body: string, look: (k: Kernel) => void): void {
    let looked = 0;
    const { machine } = booted(compiled(`${MACHINE}\nprocess p {\n${body}\n}`), { breakpoint: (k) => (looked++, look(k)) });
    run_machine(machine);
    assert.equal(looked, 1);
  }

  const rows = (k: Kernel, text: string): string[] => namedChildren(k, watched({ k } as Ran['machine'], text)).map(({ name, text: shown }) => `${name}: ${shown}`);

  it('are listed with what matters of them', () => {
    lookedAt('let fd = open("/a", O_RDWR | O_SYNC) read(fd, 4pages) pwrite(open("/a", O_WRONLY), 2pages, 0) breakpoint', (k) => {
      assert.deepEqual(rows(k, 'files'), ['/a: /a: 8 pages in the page cache, 2 dirty', '/bin/p: /bin/p: 0 pages in the page cache']);
      assert.deepEqual(rows(k, 'current.files'), ['3: /a at 16384, O_RDWR|O_SYNC', '4: /a at 0, O_WRONLY']);
      assert.deepEqual(rows(k, 'current.files[3]'), [
        'path: "/a"', 'inode: /a: 8 pages in the page cache, 2 dirty', 'f_pos: 16384', 'f_flags: O_RDWR|O_SYNC', 'f_mode: 3', 'f_count: 1',
        'ra: 8 from 0 on, none ahead, last page 3',
      ]);
      assert.deepEqual(rows(k, 'disks'), ['sda: sda, 16 GiB: 0 requests']);
      assert.deepEqual(rows(k, 'files["/a"]').filter((row) => /^(size|extents|i_state|flags|dirty_pages)/.test(row)), [
        'size: 160 KiB', 'dirty_pages: 2 (8 KiB)', 'extents: [pages 0 … 39 in blocks 0 … 39]', 'i_state: I_DIRTY_PAGES', 'flags: 0',
      ]);
      assert.deepEqual(rows(k, 'writeback').slice(0, 4), [
        'background_thresh: 1638 (6552 KiB)', 'dirty_thresh: 6553 (26212 KiB)', 'total_pages: 16384 (64 MiB)', 'ratelimit_pages: 512 (2 MiB)',
      ]);
      assert.equal(describeValue(k, watched({ k } as Ran['machine'], 'writeback.pdflush[1]')), 'pdflush with pid 3: idle');
    });
  });

  it('show what a disk has to do', () => {
    lookedAt('let fd = open("/b", O_RDWR | O_CREAT) write(fd, 300KiB) fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) breakpoint', (k) => {
      assert.deepEqual(rows(k, 'disks'), ['sda: sda, 16 GiB: 3 requests']);
      assert.deepEqual(rows(k, 'disks.sda').filter((row) => /^(queue|active|requests|writes|reads|write_c|dirty_files)/.test(row)), [
        'queue_length: 3', 'active: 0', 'requests: 3 requests', 'reads: 0', 'writes: 3', 'write_congested: 0', 'dirty_files: [/b: 75 pages in the page cache, 75 under write-back]',
      ]);
      assert.deepEqual(['disks.sda.requests[0]', 'disks.sda.requests[0].rw', 'disks.sda.requests[2].block', 'disks.sda.requests[2].blocks'].map((text) => watched({ k } as Ran['machine'], text)).slice(1), ['write', 104, 11]);
    });
  });

  it('open as the objects that they are where a kernel frame holds them', () => {
    lookedAt('let fd = open("/a") breakpoint', (k) => {
      const kinds = [k.files.at(-1), k.block.disks[0], k.inodes[1], k.super_blocks[0]].map((raw) => (toValue(raw) as { kind: string }).kind);
      assert.deepEqual(kinds, ['open file', 'disk', 'inode', 'record']);
    });
  });
});
