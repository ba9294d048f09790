// The judge of address spaces and of overcommit: imitations agree; whatever is changed in a real recording is found.

import assert from 'node:assert/strict';
import path from 'node:path';
import { imitateMaps } from './imitation-maps.ts';
import { judge } from './judge.ts';
import { describeOperation, operationsBetween } from './operations.ts';
import { parseMaps } from './maps.ts';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';
import type { Difference } from './report.ts';
import { agrees, printVerdict } from './report.ts';

const GOLDEN = path.join(import.meta.dirname, '../golden/oracle');
const golden = (name: string): Recording => readRecording(path.join(GOLDEN, name));

function withText(recording: Recording, tag: string, file: string, change: (text: string) => string): Recording {
  const snapshots = recording.snapshots.map((one) => (one.tag === tag ? { tag, files: { ...one.files, [file]: change(one.files[file]!) } } : one));
  assert.notDeepEqual(snapshots, recording.snapshots);
  return { ...recording, snapshots };
}

function differenceIn(recording: Recording, what: RegExp): Difference {
  const verdict = judge(recording);
  const found = verdict.checks.find((check) => what.test(check.what) && check.difference !== null);
  assert.ok(found, printVerdict(verdict, { verbose: true }).join('\n'));
  return found.difference!;
}

describe('the judge of address spaces', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`MM-3..15: an imitation of 60 system calls agrees (${seed})`, () => {
      const verdict = judge(imitateMaps({ seed, steps: 60 }));
      assert.equal(agrees(verdict), true, printVerdict(verdict, { verbose: false }).join('\n'));
      assert.ok(verdict.checks.some(({ what, total }) => what === 'system calls between maps' && total > 40));
    });
  }

  const vma = golden('64M-vma-norandmaps');
  const lines = (name: string): string => vma.snapshots.find(({ tag }) => tag === name)!.files['self_maps']!;

  it('reads the calls off two snapshots', () => {
    const calls = (from: string, to: string): string => operationsBetween(parseMaps(lines(from)), parseMaps(lines(to)))[0]!.map(describeOperation).join(', ');
    assert.equal(calls('anon1', 'brk'), 'brk(8093000)');
    assert.equal(calls('brk', 'mprotect'), 'brk(808e000), mprotect(b7f0f000-b7f17000)');
    assert.equal(calls('mprotect', 'mprotect-back'), 'mprotect(b7f0f000-b7f17000)');
    assert.equal(calls('mprotect-back', 'munmap-hole'), 'munmap(b7f1f000-b7f23000)');
    assert.equal(calls('munmap-hole', 'refill'), 'mmap of 16 kB');
    assert.equal(calls('refill', 'shared-anon'), 'mmap of 8 kB');
    assert.equal(calls('anon1', 'anon1'), '');
  });

  const changed: [string, string, (text: string) => string, RegExp][] = [
    ['MM-3: memory at another place', 'anon2', (text) => text.replaceAll('b7cfd000-b7efd000 rw-p b7cfd000', 'b7cfc000-b7efc000 rw-p b7cfc000'), /system calls/],
    ['MM-3: a hole that is not filled', 'refill', (text) => text.replace(/b7eff000-b7fff000 rw-p b7eff000.*\n/, 'b7efb000-b7f1f000 rw-p b7efb000 00:00 0 \nb7f23000-b7fff000 rw-p b7f23000 00:00 0 \n'), /system calls|maps lines/],
    ['MM-8: neighbours that are not merged', 'mprotect-back', (text) => text.replace(/b7eff000-b7fff000 rw-p b7eff000.*\n/, 'b7eff000-b7f0f000 rw-p b7eff000 00:00 0 \nb7f0f000-b7fff000 rw-p b7f0f000 00:00 0 \n'), /maps lines/],
    ['PR-6: another device', 'shared-anon', (text) => text.replace('00:06 831', '00:07 831'), /maps lines|system calls/],
    ['PR-6: a name in another column', 'anon1', (text) => text.replace('  [heap]', ' [heap]'), /maps lines/],
  ];
  for (const [what, tag, change, check] of changed) {
    it(`finds what is not so in maps: ${what}`, () => {
      assert.match(differenceIn(withText(vma, tag, 'self_maps', change), check).where, new RegExp(`^${tag}/self_maps.txt`));
    });
  }

  it('MM-1, MM-2: finds another base of mappings, and another top of the stack', () => {
    const all = (change: (text: string) => string): Recording => {
      const changed = (files: Record<string, string>) => Object.fromEntries(Object.entries(files).map(([name, text]) => [name, change(text)]));
      return { ...vma, snapshots: vma.snapshots.map(({ tag, files }) => ({ tag, files: changed(files) })) };
    };
    assert.match(differenceIn(all((text) => text.replaceAll('b7fff000-b8000000', 'b7fff000-b8001000')), /layout/).where, /base of mappings/);
    assert.match(differenceIn(all((text) => text.replaceAll('-c0000000', '-bffff000')), /layout/).where, /top of the stack/);
  });

  it('PR-8: finds another VmData, VmStk and VmPTE', () => {
    for (const [from, to] of [['3340 kB', '3344 kB'], ['  84 kB', '  88 kB'], ['VmPTE:	       8 kB', 'VmPTE:	       4 kB']] as const) {
      assert.match(differenceIn(withText(vma, 'anon2', 'self_status', (text) => text.replace(from, to)), /status/).where, /^anon2\/self_status.txt: Vm/);
    }
  });

  it('PR-7: finds another figure, and another form', () => {
    assert.match(differenceIn(withText(vma, 'smaps', 'self_smaps', (text) => text.replace('Size:               264 kB', 'Size:               268 kB')), /smaps/).where, /^smaps\/self_smaps.txt line/);
    assert.match(differenceIn(withText(vma, 'smaps', 'self_smaps', (text) => text.replace('Rss:    ', 'Rss:   ')), /smaps/).where, /^smaps\/self_smaps.txt line/);
  });

  const fork16 = golden('64M-fork16');
  it('R-4: finds that a page is shared which is not, in a parent and in a child', () => {
    const shared = withText(fork16, 'parent-after-cow', 'self_smaps', (text) => text.replaceAll(':      8192 kB', ':      8188 kB'));
    assert.match(differenceIn(shared, /smaps/).where, /^parent-after-cow/);
    const stack = withText(fork16, 'child-after-cow', 'self_smaps', (text) => text.replace(/(\[stack\][^]*Shared_Clean: +)0 kB/, '$14 kB'));
    assert.match(differenceIn(stack, /smaps/).where, /^child-after-cow/);
  });

  it('IV-15: finds that a fork promises more than it copies', () => {
    const more = withText(fork16, 'after-fork', 'meminfo', (text) => text.replace(/Committed_AS: +\d+/, 'Committed_AS:    99999'));
    assert.match(differenceIn(more, /meminfo of processes/).where, /^after-fork\/meminfo.txt/);
  });
});

describe('the judge of overcommit', () => {
  const commit = golden('64M-commit-trace');
  const withLog = (from: string, to: string): Recording => ({ ...commit, log: commit.log.map((line) => line.replace(from, to)) });
  const withTrace = (from: RegExp, to: string): Recording => ({ ...commit, trace: commit.trace!.map((line) => line.replace(from, to)) });

  it('MM-16: finds a page more or less in every mode, for root and not', () => {
    for (const pages of [15018, 7649, 14547, 7403]) {
      for (const other of [pages - 1, pages + 1]) {
        assert.match(differenceIn(withLog(`pages ${pages}`, `pages ${other}`), /largest mapping/).where, /^log line \d+: @@ mode/);
      }
    }
  });

  it('MM-16: goes by the inputs that were recorded', () => {
    for (const input of ['nr_free', 'totalreserve', 'slab_reclaim', 'totalram', 'committed']) {
      assert.match(differenceIn(withTrace(new RegExp(`${input} \\d+`), `${input} 1000`), /largest mapping/).where, /^log line/);
    }
  });

  it('PR-3: finds another CommitLimit and another Committed_AS', () => {
    assert.match(differenceIn(withText(commit, 'commit-003', 'meminfo', (text) => text.replace('CommitLimit:     31580', 'CommitLimit:     31584')), /CommitLimit/).where, /^commit-003/);
    assert.match(differenceIn(withText(commit, 'commit-002', 'meminfo', (text) => text.replace(/Committed_AS: +\d+/, 'Committed_AS:      488')), /Committed_AS/).where, /^commit-002/);
  });

  it('names marks that nothing holds the inputs of', () => {
    const verdict = judge({ ...commit, trace: null });
    assert.match(verdict.gaps.join('\n'), /6 overcommit marks are not judged: no OC line holds their inputs/);
  });

  it('finds an OC line that is cut off', () => {
    const verdict = judge(withTrace(/ totalram.*/, ''));
    assert.equal(verdict.checks[0]!.what, 'trace lines');
  });
});
