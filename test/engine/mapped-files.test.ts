// mmap, msync and mincore of descriptors, and programs as files that are mapped and may not be written (KERNEL.md F-14, R-8, QK-5).

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { O_RDWR } from '../../engine/include/fs.ts';
import { SIGKILL } from '../../engine/include/signal.ts';
import { virt } from '../../engine/include/types.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { sys_open } from '../../engine/fs/open.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { mm_vmas, task_mm, vma_inode } from '../../engine/mm/mm_struct.ts';
import { load_user } from '../../engine/mm/user_memory.ts';
import { MS } from './block-notation.ts';
import { check, onDisk } from './file-calls.ts';
import { runLawfully, user } from './processes.ts';

describe('mappings of descriptors', () => {
  it('a shared mapping and read see the same page; a private one keeps its own copy', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 2p rw shared → ok
      mmap B 3 2p rw private → ok
      load A 0 → p
      store A 0 a → 0
      see 3 0 2 → a*1 p*1
      load B 0 → a
      store B 1 b → 0
      see 3 0 2 → a*1 p*1
      pwrite 3 1 1 c → 1
      load A 1 → c
      load B 1 → b
      close 3 → 0
      load A 4096 → p
      store A 4097 d → 0
      open /f r → 3
      see 3 4096 3 → p*1 d*1 p*1` }, onDisk({ '/f': 8192 }));
  });

  it('R-8 QK-5: a store shows as dirty at msync or munmap only; MS_ASYNC marks, MS_SYNC writes', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 4p rw shared → ok
      store A 0 a → 0
      store A 4096 a → 0
      dirty /f → none
      fsync 3 → 0
      disk /f 0 1 → p*1
      msync A 1p async → 0
      dirty /f → 0
      disk /f 0 1 → p*1
      msync A 2p sync → 0
      dirty /f → none
      disk /f 0 1 → a*1
      disk /f 4096 1 → a*1
      store A 8192 b → 0
      munmap A 4p → 0
      dirty /f → 2
      fsync 3 → 0
      disk /f 8192 1 → b*1` }, onDisk({ '/f': 16384 }));
  });

  it('msync: -ENOMEM over a hole, with the rest done; the fsync of the last area hides it, as in 2.6.18; an error of the disk shows', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 4p rw shared → ok
      store A 0 a → 0
      store A 3p a → 0
      munmap C 1p → EINVAL
      mmap B 3 1p rw private → ok
      msync B 1p sync → 0
      msync A 4p async → 0
      dirty /f → 0 3
      msync A 4p sync → EIO
      msync A 4p sync → 0` }, onDisk({ '/f': 16384 }, { fail_write: [{ start: 3, end: 4 }] }));
  });

  it('mincore: which pages of a file are in memory and up to date', () => {
    check({ p: `
      open /f rw → 3
      mmap A 3 8p r shared → ok
      mincore A 8p → 0 0 0 0 0 0 0 0
      fadvise 3 0 0 random → 0
      pread 3 1 2p → 1
      pwrite 3 1p 5p a → 4096
      mincore A 8p → 0 0 1 0 0 1 0 0` }, onDisk({ '/f': 32768 }));
  });

  it('F-14: past the end of the file is a SIGBUS, also after it shrank; a page of its own too', () => {
    const shrinks = (type: string): string => `
      open /f rw → 3
      mmap A 3 4p rw ${type} → ok
      store A 2p a → 0
      load A 1p → p
      ftruncate 3 5000 → 0
      load A 1p → p
      load A 5001 → 0
      load A 2p → SIGBUS`;
    check({ p: shrinks('shared'), q: shrinks('private').replaceAll('/f', '/g') }, onDisk({ '/f': 16384, '/g': 16384 }));
  });
});

describe('programs', () => {
  it('-ETXTBSY: who runs a program keeps others from writing it, also with O_TRUNC; reading is free, and so is writing after its end', () => {
    check({
      p: 'sleep 50',
      q: `
        sleep 10
        open /bin/p r → 3
        open /bin/p w → ETXTBSY
        open /bin/p rw → ETXTBSY
        open /bin/p rt → ETXTBSY
        size /bin/p → 20480
        sleep 100
        open /bin/p rw → 4
        write 4 10 a → 10
        see 3 8 4 → a*2 p*2`,
    }, {});
  });

  it('-ETXTBSY holds as long as any of its mappings does: a fork of it too', () => {
    check({
      p: `
        fork q → ok`,
      '+q': `
        sleep 50
        open /bin/p w → ETXTBSY
        open /bin/q rwc → EROFS`,
    }, {});
  });

  it('a program that is open to be written cannot be run', () => {
    const writer = user('w', function* writer(k) {
      const fd = yield* sys_open(k, '/bin/p', O_RDWR);
      assert.equal(fd, 3);
      yield* schedule_timeout(k, 20 * MS, 'p');
    });
    const program = user('p', function* program() {
      yield* [];
      assert.fail('it ran');
    }, { at: 5 * MS });
    const ran = runLawfully([writer, program, { ...program, name: 'p.1', at: 30 * MS, run: function* later() { yield* []; } }], onDisk({ '/bin/p': 20480 }));
    const signals = ran.k.tasks.filter(({ name }) => name.startsWith('p.') || name === 'p').map(({ signal }) => signal);
    assert.deepEqual([ran.end.reason, signals], ['ended', [SIGKILL, 0]]);
    assert.equal(ran.k.log.lines.at(-1)!.text, 'pagewalk: p cannot start: somebody has its program open to write it');
  });

  it('a declared file of its name is what a process runs: its bytes are read from the disk', () => {
    const ran = runLawfully([user('p', function* program(k, task) {
      const mm = task_mm(k, task)!;
      const byte = yield* load_user(k, virt(mm.start_code + 4097));
      assert.deepEqual([byte, task.maj_flt, vma_inode(k, mm_vmas(k, mm)[0]!)!.i_bdev], [file_byte('/bin/p', 4097), 1, 0]);
    })], onDisk({ '/bin/p': 20480 }));
    assert.deepEqual([ran.end.reason, ran.task.signal], ['ended', 0]);
  });
});
