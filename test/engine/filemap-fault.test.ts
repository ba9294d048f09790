// Faults in mappings of a file that lies on a disk: what is read, who waits, what counts as a major fault, what errors do (KERNEL.md FM-3, FM-6,
// FM-12, F-14, CC-2).

import assert from 'node:assert/strict';
import type { Setting, Story } from './reading-notation.ts';
import { SIGBUS } from '../../engine/include/signal.ts';
import { PGMAJFAULT, vm_events } from '../../engine/mm/vmstat.ts';
import { cachedOf } from './page-cache.ts';
import { tell } from './reading-notation.ts';

/** What the words of one task gave, the bios of its disk, and how many major faults the machine counted. */
function check(words: string, wanted: { results: string; bios: string; majors: number }, setting: Setting = {}): Story {
  const story = tell([words], setting);
  const { k, results, bios, end } = story;
  assert.deepEqual([end.reason, { results: results[0], bios, majors: vm_events(k, PGMAJFAULT) }], ['ended', wanted]);
  return story;
}

describe('filemap_nopage: a disk', () => {
  it('FM-12: the first fault reads 32 pages, 16 of them before it, and waits; the next ones find theirs', () => {
    check('f50 f51 f50 f34 f65 f33', { results: 'f50=MAJOR f51=MINOR f50=hit f34=MINOR f65=MINOR f33=MAJOR', bios: 'R34+32 R17+17', majors: 2 });
  });

  it('FM-12: a fault waits for its own page alone, at the end of the request that brings it', () => {
    const { io } = tell(['f50 ~0ms f0']);
    assert.deepEqual(io, ['0 R34+32', '4.2 R0+32']);
  });

  it('FM-12: who faults in a page that is on its way waits for it: a major fault for each of them', () => {
    const { k, results, bios } = tell(['f50', '~1ms f60', '~2ms f50', '~6ms f50']);
    assert.deepEqual([results, bios], [['f50=MAJOR', 'f60=MAJOR', 'f50=MAJOR', 'f50=MINOR'], 'R34+32']);
    assert.equal(vm_events(k, PGMAJFAULT), 3);
  });

  it('FM-12: MADV_RANDOM reads the page alone', () => {
    check('random f50 f51 f50', { results: 'f50=MAJOR f51=MAJOR f50=hit', bios: 'R50+1 R51+1', majors: 2 });
  });

  it('FM-12: MADV_SEQUENTIAL reads by windows, as read() does; faults in the window that is there are minor ones', () => {
    const words = Array.from({ length: 14 }, (_, index) => `f${index}`).join(' ');
    const results = 'f0=MAJOR f1=MINOR f2=MINOR f3=MINOR f4=MAJOR f5=MINOR f6=MINOR f7=MINOR f8=MINOR f9=MINOR f10=MINOR f11=MINOR f12=MINOR f13=MINOR';
    check(`sequential ${words}`, { results, bios: 'R0+4 R4+8 R12+16 R28+32', majors: 2 });
  });

  it('FM-12: after 100 misses more than hits the page is read alone, which is a major fault all the same', () => {
    check('miss99 f50 f500', { results: 'f50=MAJOR f500=MAJOR', bios: 'R34+32 R500+1', majors: 2 });
    check('miss99 f50 f51 f500 f501', { results: 'f50=MAJOR f51=MINOR f500=MAJOR f501=MINOR', bios: 'R34+32 R484+32', majors: 2 });
  });

  it('F-14: the window ends with the file; a page past its end is a SIGBUS', () => {
    check('f9 f10', { results: 'f9=MAJOR f10=SIGBUS', bios: 'R0+10', majors: 1 }, { size: 9 * 4096 + 1 });
  });

  it('FM-12 R-8: a store is a fault as a load is, and after either the page can be written without one', () => {
    check('F3 f4 F4', { results: 'F3=MAJOR f4=MINOR F4=hit', bios: 'R0+32', majors: 1 });
  });
});

describe('filemap_nopage: errors', () => {
  const disk = { fail_read: [{ start: 50, end: 51 }] };

  it('FM-12: a page that cannot be read, tried twice more by itself, is a SIGBUS; nothing hangs', () => {
    const { k, file, results, bios } = check('f50', { results: 'f50=SIGBUS', bios: 'R34+32 R50+1 R50+1', majors: 1 }, { disk });
    assert.deepEqual([results, bios, k.tasks[1]!.signal], [['f50=SIGBUS'], 'R34+32 R50+1 R50+1', SIGBUS]);
    assert.equal(k.files.find((opened) => opened?.f_inode === file.ino)!.f_ra.ra_pages, 8);
  });

  it('FM-12: its neighbours, which were lost with it, are read one by one when they are wanted', () => {
    check('f49 f51', { results: 'f49=MAJOR f51=MAJOR', bios: 'R33+32 R49+1 R51+1', majors: 2 }, { disk });
  });

  it('FM-12: each of several tasks that want the page is told', () => {
    const { k, results, file } = tell(['f50', 'f50', '~1ms f50', '~9ms f51'], { disk });
    assert.deepEqual(results, ['f50=SIGBUS', 'f50=SIGBUS', 'f50=SIGBUS', 'f51=MAJOR']);
    assert.deepEqual([k.tasks.slice(1, 5).map(({ signal }) => signal), cachedOf(file)], [[SIGBUS, SIGBUS, SIGBUS, 0], '34-65']);
  });
});
