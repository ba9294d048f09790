// The judge of readahead: lines as a real 2.6.18 wrote them agree; whatever decision is changed in them is found.

import assert from 'node:assert/strict';
import { judgeReadahead } from './readahead-check.ts';
import type { Verdict } from './report.ts';

const RAM = [{ start: 0, end: 0x9fc00 }, { start: 0x100000, end: 0x1000000 }];

const io = (offset: number, nr: number, actual: number, block: number): string => `RA io offset ${offset} nr ${nr} actual ${actual} block ${block}`;

type Range = [start: number, size: number];

/** prev, the current window, the one ahead, and what differs from: no flags, no hits, 32 pages at most. */
function state(prev: number, current: Range, ahead: Range, { flags = 0, hit = 0, pages = 32 } = {}): string {
  const [start, size] = current;
  const [aheadStart, aheadSize] = ahead;
  return `RA state prev ${prev} start ${start} size ${size} ahead_start ${aheadStart} ahead_size ${aheadSize} flags ${flags} hit ${hit} ra_pages ${pages}`;
}

/** From 64M-ra-trace: 4 pages at a time, jumps, page by page from there, another file that is cached. */
const RECORDED = [
  io(0, 8, 8, 1), state(3, [0, 8], [0, 0]), io(8, 16, 16, 0), state(7, [0, 8], [8, 16]), io(24, 32, 32, 0), state(11, [8, 16], [24, 32]),
  state(15, [8, 16], [24, 32]), state(19, [8, 16], [24, 32]), state(23, [8, 16], [24, 32]), io(56, 32, 32, 0), state(27, [24, 32], [56, 32]),
  io(14236, 1, 1, 1), state(14236, [0, 0], [0, 88]), io(2756, 1, 1, 1), state(2756, [0, 0], [0, 88]),
  io(2757, 4, 4, 1), state(2757, [2757, 4], [0, 88]), io(2761, 8, 8, 0), state(2758, [2757, 4], [2761, 8]), state(2759, [2757, 4], [2761, 8]),
  io(0, 4, 0, 1), state(0, [0, 4], [0, 0], { hit: 4 }), io(4, 8, 0, 0), state(1, [0, 4], [4, 8], { hit: 12 }), state(2, [0, 4], [4, 8], { hit: 12 }),
];

/** By the rules: 300 pages at once of a file that is cached, until readahead is off; then a page is missing. */
const CACHED = [
  io(0, 32, 0, 1), io(32, 32, 0, 1), state(31, [0, 32], [32, 32], { hit: 64 }),
  ...[0, 1, 2, 3, 4].flatMap((n) => [io(64 + 32 * n, 32, 0, 0), state(63 + 32 * n, [32 + 32 * n, 32], [64 + 32 * n, 32], { hit: 96 + 32 * n })]),
  io(224, 32, 0, 0), state(223, [0, 0], [0, 256], { flags: 2, hit: 256 }), state(224, [0, 0], [0, 256], { flags: 2, hit: 256 }),
  state(225, [0, 0], [0, 256], { flags: 2, hit: 256 }), io(226, 32, 32, 1), io(258, 30, 30, 1), state(257, [226, 32], [258, 30]),
];

function judged(trace: string[]): Verdict {
  const verdict: Verdict = { folder: 'test', checks: [], gaps: [], notes: [] };
  judgeReadahead(verdict, { name: 'test', trace, log: [], snapshots: [] }, RAM);
  return verdict;
}

const countsOf = ({ checks }: Verdict): string => checks.map(({ same, total }) => `${same} of ${total}`).join(', ');
const differenceOf = ({ checks }: Verdict): string => checks.find(({ difference }) => difference !== null)?.difference?.where ?? 'none';

describe('the judge of readahead', () => {
  it('a trace without RA lines has nothing to judge', () => {
    assert.deepEqual(judged(['A Normal pfn 1 o0 gfp d0 pcp 1 [init]']), { folder: 'test', checks: [], gaps: [], notes: [] });
  });

  it('FM-8: what the kernel did is what the engine does', () => {
    const verdict = judged([...RECORDED, ...CACHED]);
    assert.equal(countsOf(verdict), '20 of 20, 25 of 25');
    assert.deepEqual(verdict.notes, [
      'readahead: what each call was asked is inferred from its lines: 3 files opened, 1 pages lost before they were read, 0 congested queues, 0 changes of ra_pages',
    ]);
  });

  it('FM-8: a window that a congested queue left out is no difference', () => {
    const trace = [io(0, 4, 4, 1), state(0, [0, 4], [0, 0]), state(1, [0, 4], [0, 12]), io(4, 8, 8, 0), state(2, [0, 4], [4, 8])];
    const verdict = judged(trace);
    assert.equal(countsOf(verdict), '2 of 2, 3 of 3');
    assert.match(verdict.notes[0]!, /, 1 congested queues,/);
  });

  it('FM-6: advice changes the largest window, to nothing, to twice the device\'s and back, and to nothing else', () => {
    const steps = [64, 0, 33].map((pages) => [io(0, 4, 4, 1), state(0, [0, 4], [0, 0]), state(0, [0, 4], [0, 0], { pages })]);
    assert.deepEqual(steps.map((trace) => countsOf(judged(trace))), ['1 of 1, 2 of 2', '1 of 1, 2 of 2', '1 of 1, 1 of 2']);
  });

  const planted: [string, number, string, string][] = [
    ['where a first window begins', 0, 'offset 0', 'offset 1'], ['the length of a first window', 0, 'nr 8', 'nr 4'], ['that it may wait', 0, 'block 1', 'block 0'],
    ['where a window ahead begins', 4, 'offset 24', 'offset 25'], ['its length', 4, 'nr 32', 'nr 31'], ['that it may not wait', 4, 'block 0', 'block 1'],
    ['more pages than were asked for', 4, 'actual 32', 'actual 33'], ['the current window', 5, 'start 8', 'start 9'], ['its length in the state', 5, 'size 16', 'size 15'],
    ['the window ahead', 5, 'ahead_start 24', 'ahead_start 25'], ['its length in the state', 5, 'ahead_size 32', 'ahead_size 16'], ['a flag', 5, 'flags 0', 'flags 1'],
    ['a flag', 5, 'flags 0', 'flags 2'], ['hits', 5, 'hit 0', 'hit 1'], ['what a jump keeps', 12, 'ahead_size 88', 'ahead_size 87'], ['a reader that went back', 14, 'prev 2756', 'prev 2755'],
    ['hits of a cached file', 23, 'hit 12', 'hit 8'], ['a line of no form', 23, 'prev 1 start', 'prev start'],
  ];
  for (const [what, at, from, to] of planted) {
    it(`finds ${what} that is not so (${from} → ${to})`, () => {
      const trace = [...RECORDED];
      assert.ok(trace[at]!.includes(from));
      trace[at] = trace[at]!.replace(from, to);
      const verdict = judged(trace);
      const where = differenceOf(verdict);
      assert.match(where, /^trace line \d+$/);
      assert.ok(Math.abs(Number(/\d+/.exec(where)![0]) - at - 1) <= 2, `${where}, where line ${at + 1} was changed`);
    });
  }

  it('finds a window that is missing, and one too many; the rest is judged all the same', () => {
    const without = RECORDED.filter((_, at) => at !== 4);
    assert.deepEqual([countsOf(judged(without)), differenceOf(judged(without))], ['9 of 10, 15 of 15', 'trace line 5']);
    const twice = [...RECORDED.slice(0, 5), ...RECORDED.slice(4)];
    assert.deepEqual([countsOf(judged(twice)), differenceOf(judged(twice))], ['10 of 11, 15 of 15', 'trace line 6']);
  });

  it('says that the last call did not return', () => {
    assert.match(judged(RECORDED.slice(0, 5)).notes[1]!, /^readahead: 1 windows at the end of the trace/);
  });
});
