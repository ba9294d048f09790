// The judge of dirty pages: lines as a real 2.6.18 wrote them agree, on machines of other sizes too; whatever is changed in them is found, in the
// lines and in what the program leaves when it runs again.

import assert from 'node:assert/strict';
import path from 'node:path';
import { ramOf } from './machine-of.ts';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';
import type { WritebackVerdict } from './writeback-check.ts';
import { checkWriteback } from './writeback-check.ts';
import { replayWriteback } from './writeback-run.ts';

const RECORDED = readRecording(path.join(import.meta.dirname, '../golden/oracle/64M-dirty48-trace'));
const RAM = ramOf(RECORDED.log, []);
const RAM_128 = [{ start: 0, end: 0x9fc00 }, { start: 0x100000, end: 0x8000000 }];

const withTrace = (trace: string[]): Recording => ({ ...RECORDED, trace });
const lines = (trace: string[], ram = RAM): WritebackVerdict => checkWriteback({ name: 'test', trace, log: [], snapshots: [] }, ram);
const countsOf = ({ checks }: WritebackVerdict): string => checks.map(({ same, total }) => `${same} of ${total}`).join(', ');
const differenceOf = ({ checks }: WritebackVerdict): string => checks.find(({ difference }) => difference !== null)?.difference?.where ?? 'none';

function again(recording: Recording): WritebackVerdict {
  const verdict: WritebackVerdict = { checks: [], gaps: [], notes: [] };
  replayWriteback(recording, RAM, verdict);
  return verdict;
}

/** The trace with its n-th line of a key changed, or left out. */
function changed(key: string, n: number, change: (line: string) => string | null): { trace: string[]; line: number } {
  const at = RECORDED.trace!.map((line, i) => (line.startsWith(`${key} `) ? i : -1)).filter((i) => i >= 0)[n]!;
  const text = change(RECORDED.trace![at]!);
  assert.notEqual(text, RECORDED.trace![at]);
  return { trace: [...RECORDED.trace!.slice(0, at), ...(text === null ? [] : [text]), ...RECORDED.trace!.slice(at + 1)], line: at + 1 };
}

const replaced = (from: string, to: string) => (line: string): string => line.replace(from, to);

describe('the judge of dirty pages', () => {
  it('WB-3 … WB-6: what the kernel did is what the engine does, line by line', () => {
    assert.equal(countsOf(checkWriteback(RECORDED, RAM)), '24 of 24, 24 of 24, 11 of 11');
  });

  const planted: [string, string, number, (line: string) => string | null][] = [
    ['pages between two looks', 'BDPR', 3, replaced('count 512', 'count 511')],
    ['the rate limit', 'BDPR', 3, replaced('ratelimit 512', 'ratelimit 500')],
    ['ratelimit_pages', 'BDPR', 3, replaced('ratelimit_pages 512', 'ratelimit_pages 1024')],
    ['a look with too little dirty for help', 'BDPR', 3, replaced('dirty 2053', 'dirty 1638')],
    ['a look with enough dirty for help', 'BDPR', 1, replaced('dirty 1027', 'dirty 1639')],
    ['that help was asked for', 'BDP', 2, () => null],
    ['what is reclaimable', 'BDP', 0, replaced('reclaimable 2053', 'reclaimable 2052')],
    ['the background limit', 'BDP', 4, replaced('bg 1638', 'bg 1639')],
    ['the dirty limit', 'BDP', 4, replaced('thresh 6553', 'thresh 6554')],
    ['the background limit of a walk', 'BGW', 4, replaced('bg 1638', 'bg 1637')],
    ['pages that a walk was asked for', 'BGW', 4, replaced('min_pages -1036', 'min_pages -1037')],
    ['that a walk is the last one', 'BGW', 4, replaced('dirty 973', 'dirty 1638')],
  ];
  for (const [what, key, n, change] of planted) {
    it(`finds ${what} that is not so`, () => {
      const { trace, line } = changed(key, n, change);
      const where = differenceOf(checkWriteback(withTrace(trace), RAM));
      assert.ok(Math.abs(Number(/^trace line (\d+)$/.exec(where)?.[1]) - line) <= 4, `${where}, where line ${line} was changed`);
    });
  }

  it('WB-3, WB-4: a machine of another size has its own limits, by the rules', () => {
    const trace = [
      'BDPR ratelimit 1024 count 1024 ratelimit_pages 1024 dirty 3276', 'BDPR ratelimit 1024 count 1024 ratelimit_pages 1024 dirty 3277',
      'BDP wake background: reclaimable 3277 bg 3276 thresh 13107', 'BDPR ratelimit 8 count 8 ratelimit_pages 1024 dirty 3000',
      'BDPR ratelimit 8 count 300 ratelimit_pages 1024 dirty 3000',
    ];
    assert.equal(countsOf(lines(trace, RAM_128)), '4 of 4, 4 of 4');
    assert.equal(countsOf(lines(trace)), '0 of 4, 0 of 4');
  });

  it('WB-3: what is mapped, as SA lines tell, moves the limit', () => {
    const mapped = (pages: number): string => `SA Normal nr 32 mapped_ratio 0 distress 0 swappiness 60 tendency 0 reclaim_mapped 0 prev_prio 9 (mapped 3 anon ${pages} total 16384)`;
    const walk = (bg: number): string => `BGW wrote 0 min_pages 128 dirty 0 wb 7 bg ${bg} congested 0 skipped 0 jiffies 4294893522`;
    assert.equal(countsOf(lines([mapped(15001), walk(327), mapped(15001)])), '1 of 1');
    assert.equal(countsOf(lines([mapped(15001), walk(1638), mapped(15001)])), '0 of 1');
    assert.equal(countsOf(lines([mapped(15001), walk(819), mapped(13000)])), '1 of 1');
  });

  it('WB-8: the periodic walk comes every five seconds', () => {
    const at = (...times: number[]): string[] => times.map((jiffies) => `KUPD start nr_to_write 836 dirty 1 jiffies ${jiffies}`);
    assert.deepEqual([at(5000, 6250, 7502), at(5000, 6249), at(5000, 6276)].map((trace) => countsOf(lines(trace))), ['2 of 2', '0 of 1', '0 of 1']);
  });

  it('says what it does not compare: writers over the limit, and lines of another form', () => {
    const { gaps } = lines(['BDPR ratelimit 512 count 512 ratelimit_pages 512 dirty 6554', 'BDP wrote 770 of 768']);
    assert.deepEqual(gaps, [
      '1 lines about dirty pages, from line 2 on, are of a form that nothing is compared with',
      '1 writers were over the dirty limit: what they then wrote and waited for is not compared line by line',
    ]);
  });

  describe('the program run again', () => {
    it('WB-12: leaves the same lines, the walk of 1,037 pages too, and the snapshots\' figures', () => {
      const verdict = again(RECORDED);
      assert.equal(countsOf(verdict), '46 of 46, 36 of 36');
      assert.match(verdict.notes[0]!, /before the program began 3 pages were counted and 5 pages of ext2's own dirty/);
    });

    for (const [what, key, n, change] of [
      ['pages that a walk wrote', 'BGW', 3, replaced('wrote 1036 min_pages -1036', 'wrote 1024 min_pages -1024')],
      ['what it left dirty', 'BGW', 3, replaced('dirty 984', 'dirty 985')],
      ['what a writer found dirty', 'BDPR', 9, replaced('dirty 2020', 'dirty 2019')],
    ] as [string, string, number, (line: string) => string][]) {
      it(`finds ${what} that is not so`, () => {
        const { trace, line } = changed(key, n, change);
        assert.equal(differenceOf(again(withTrace(trace))), `trace line ${line}`);
      });
    }

    it('finds figures of snapshots that are not so', () => {
      for (const [tag, file, from, to] of [
        ['prog-002', 'vmstat', 'nr_dirty 1021', 'nr_dirty 1020'], ['prog-012', 'meminfo', 'Cached:          49168', 'Cached:          49164'],
        ['prog-012', 'meminfo', 'Buffers:            72', 'Buffers:            68'], ['prog-012', 'vmstat', 'pgpgout 45640', 'pgpgout 45636'],
        ['idle-006', 'vmstat', 'nr_dirty 910', 'nr_dirty 0'], ['idle-007', 'vmstat', 'pgpgout 49276', 'pgpgout 45640'], ['idle-007', 'meminfo', 'Dirty:               0', 'Dirty:            3640'],
      ] as const) {
        const snapshots = RECORDED.snapshots.map((snapshot) => {
          if (snapshot.tag !== tag) return snapshot;
          assert.ok(snapshot.files[file]!.includes(from), `${tag}/${file}: ${from}`);
          return { ...snapshot, files: { ...snapshot.files, [file]: snapshot.files[file]!.replace(from, to) } };
        });
        assert.match(differenceOf(again({ ...RECORDED, snapshots })), new RegExp(`^${tag}/${file}.txt: `));
      }
    }).timeout(30_000);

    it('is not run where what it did is not known, or depends on the disk', () => {
      const [look, ...rest] = RECORDED.trace!;
      assert.match(again(withTrace([look!.replace('dirty 515', 'dirty 600'), ...rest])).gaps[0]!, /nothing that was dirty at its beginning fits/);
      assert.match(again(withTrace(changed('BGW', 3, replaced('congested 0', 'congested 1')).trace)).gaps[0]!, /a queue was congested/);
      assert.deepEqual(again({ ...RECORDED, log: [] }), { checks: [], gaps: [], notes: [] });
    });
  });
});
