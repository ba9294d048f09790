// The judge of reads and file faults with a disk: excerpts of real recordings agree without help; whatever is changed in them is found.

import assert from 'node:assert/strict';
import path from 'node:path';
import { replayFiles } from './file-run.ts';
import { fileScript } from './file-script.ts';
import { ramOf } from './machine-of.ts';
import { judgeReadahead } from './readahead-check.ts';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';
import type { Verdict } from './report.ts';
import { parseTrace } from './trace.ts';

const golden = (name: string): Recording => readRecording(path.join(import.meta.dirname, '../golden/oracle', name));
const MAPPED = golden('64M-mmapf-trace');
const READ = golden('64M-ra-trace');

function judged(recording: Recording): Verdict {
  const verdict: Verdict = { folder: 'test', checks: [], gaps: [], notes: [] };
  const events = parseTrace(recording.trace!);
  const ram = ramOf(recording.log, events);
  const reads = judgeReadahead({ ...verdict, checks: [], notes: [] }, recording, ram);
  replayFiles(verdict, fileScript(recording, events, reads), ram);
  return verdict;
}

const countsOf = ({ checks }: Verdict): string => checks.map(({ same, total }) => `${same} of ${total}`).join(', ');
const differenceOf = ({ checks }: Verdict): string => checks.find(({ difference }) => difference !== null)?.difference?.where ?? 'none';

/** The recording with the n-th line that matches changed, or left out. */
function changed(recording: Recording, match: RegExp, n: number, change: (line: string) => string | null): { recording: Recording; line: number } {
  const at = recording.trace!.map((line, i) => (match.test(line) ? i : -1)).filter((i) => i >= 0)[n]!;
  const text = change(recording.trace![at]!);
  return { recording: { ...recording, trace: recording.trace!.flatMap((line, i) => (i === at ? text ?? [] : line)) }, line: at + 1 };
}

describe('the judge of files on a disk', () => {
  it('FM-12: each fault is major or minor, and reads around it, as the kernel\'s was', () => {
    const verdict = judged(MAPPED);
    assert.equal(countsOf(verdict), '41 of 41');
    assert.deepEqual(verdict.notes.at(-1), 'faults in files on a disk: before 0 of 41 the engine\'s page cache held other pages than the recorded one, and was made like it');
  });

  it('FM-8: read() asks for the kernel\'s windows', () => {
    const verdict = judged(READ);
    assert.equal(countsOf(verdict), '8 of 8, 40 of 40');
    assert.deepEqual(verdict.notes, ['reads from a disk: before 0 of 40 the engine\'s page cache held other pages than the recorded one, and was made like it']);
  });

  const planted: [string, RegExp, number, (line: string) => string | null][] = [
    ['that a fault waited for the disk', /^PF .* ret 3 /, 1, (line) => line.replace('ret 3', 'ret 2')],
    ['that a fault did not wait', /^PF .* ret 2 /, 5, (line) => line.replace('ret 2', 'ret 1')],
    ['how much is resident', /^PF /, 7, (line) => line.replace(/file_rss (\d+)/, (_, n: string) => `file_rss ${Number(n) + 1}`)],
  ];
  for (const [what, match, n, change] of planted) {
    it(`finds ${what} that is not so`, () => {
      const { recording, line } = changed(MAPPED, match, n, change);
      assert.equal(differenceOf(judged(recording)), `trace line ${line}`);
    });
  }

  it('finds that more was read around a fault than can be', () => {
    const at = MAPPED.trace!.findIndex((line) => /^A .* gfp 201d2 /.test(line));
    const more = Array.from({ length: 2 }, (_, i) => `A Normal pfn ${9000 + i} o0 gfp 201d2 pcp 0 [init]`);
    const recording = { ...MAPPED, trace: [...MAPPED.trace!.slice(0, at), ...more, ...MAPPED.trace!.slice(at)] };
    assert.match(differenceOf(judged(recording)), /^trace line \d+$/);
  });

  it('says where the cache was made as recorded, and which faults depend on the disk', () => {
    const missing = changed(MAPPED, /^A .* gfp 201d2 /, 31, () => null);
    assert.match(judged(missing.recording).notes.at(-1)!, /before 1 of \d+ the engine's page cache held other pages/);
    const waited = changed(MAPPED, /^PF .* ret 2 /, 5, (line) => line.replace('ret 2', 'ret 3'));
    assert.match(judged(waited.recording).gaps[0]!, /^1 faults waited for a page that was being read already/);
  });
});
