// The judge of page faults, forks and what processes give back: imitations of any size agree; whatever is changed in a real recording is found, at
// its line. A change of the recording is a wrong answer of the engine, seen from the other side.

import assert from 'node:assert/strict';
import path from 'node:path';
import { imitateUser } from './imitation-user.ts';
import { judge } from './judge.ts';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';
import type { Check } from './report.ts';
import { agrees, printVerdict } from './report.ts';

const GOLDEN = path.join(import.meta.dirname, '../golden/oracle');
const golden = (name: string): Recording => readRecording(path.join(GOLDEN, name));

function checkOf(recording: Recording, what: RegExp): Check {
  const found = judge(recording).checks.find((check) => what.test(check.what));
  assert.ok(found, `no check ${what}`);
  return found;
}

/** The recording with its n-th line that matches changed; null drops it. */
function withLine(recording: Recording, match: RegExp, n: number, change: (line: string) => string | null): { recording: Recording; line: number } {
  const places = recording.trace!.flatMap((text, at) => (match.test(text) ? [at] : []));
  const at = places[n < 0 ? places.length + n : n]!;
  const changed = change(recording.trace![at]!);
  assert.notEqual(changed, recording.trace![at]);
  const trace = [...recording.trace!.slice(0, at), ...(changed === null ? [] : [changed]), ...recording.trace!.slice(at + 1)];
  return { recording: { ...recording, trace }, line: at + 1 };
}

describe('the judge of processes', () => {
  const imitations: [string, Parameters<typeof imitateUser>[0]][] = [
    ['a small area', { megabytes: 64, pages: 5, seed: 9, hasFaults: true, isSparse: false }],
    ['an area of several page tables', { megabytes: 64, pages: 2500, seed: 3, hasFaults: true, isSparse: false }],
    ['a machine that is nearly full', { megabytes: 24, pages: 700, seed: 7, hasFaults: true, isSparse: false }],
    ['pages in HighMem', { megabytes: 1024, pages: 300, seed: 4, hasFaults: true, isSparse: false }],
    ['pages of which no line says where they are', { megabytes: 64, pages: 300, seed: 2, hasFaults: true, isSparse: true }],
    ['touches without PF lines', { megabytes: 64, pages: 300, seed: 5, hasFaults: false, isSparse: false }],
  ];
  for (const [what, options] of imitations) {
    it(`F-5..12: an imitation agrees: ${what}`, () => {
      const verdict = judge(imitateUser(options));
      assert.equal(agrees(verdict), true, printVerdict(verdict, { verbose: true }).join('\n'));
      assert.deepEqual(verdict.gaps, []);
      const kinds = verdict.checks.map((check) => check.what).join('; ');
      assert.match(kinds, options.hasFaults ? /page faults \(PF\); .*forks; .*pages given back/ : /pages touched; .*pages given back/);
    });
  }

  const fork = golden('64M-fork1-pf-trace');
  const faults: [string, RegExp, number, (line: string) => string][] = [
    ['T-4: a page of a file that may be written', /^PF .*old 00000000/, 0, (line) => line.replace(/new (\w{5})025/, 'new $1027')],
    ['T-1: a new entry that is not dirty', /^PF .* pid 725 .*w 1/, 5, (line) => line.replace(/new (\w{5})067/, 'new $1027')],
    ['F-11: a child\'s entry that is still young', /^PF .* pid 725 .*w 1/, 7, (line) => line.replace(/old (\w{5})045/, 'old $1067')],
    ['F-8: an answer without VM_FAULT_WRITE', /^PF .* pid 725 .*w 1/, 3, (line) => line.replace('ret 18', 'ret 2')],
    ['F-8: a page that is copied where it could be used', /^PF init pid 1 addr b7e2/, 9, (line) => line.replace(/new \w{5}/, 'new 01fff')],
    ['F-6: anonymous pages', /^PF init pid 1 /, 30, (line) => line.replace('anon_rss 292', 'anon_rss 293')],
    ['F-7: pages of files', /^PF .* w 0 /, 1, (line) => line.replace('file_rss 2', 'file_rss 3')],
    ['F-5: page tables', /^PF .* pid 725/, 12, (line) => line.replace('ptes 3', 'ptes 4')],
  ];
  for (const [what, match, n, change] of faults) {
    it(`finds what is not so in a fault: ${what}`, () => {
      const { recording, line } = withLine(fork, match, n, change);
      const { difference, same, total } = checkOf(recording, /page faults \(PF\)/);
      assert.equal(difference?.where, `trace line ${line}`);
      assert.ok(same < total);
    });
  }

  it('F-5: finds a fault that allocates nothing', () => {
    const at = fork.trace!.findIndex((text) => /^PF .*pid 725 .*old 03e42045 new 0114d067/.test(text));
    const trace = fork.trace!.map((text, i) => (i === at ? text.replace('new 0114d067', 'new 03e42067') : text));
    const { difference } = checkOf({ ...fork, trace }, /page faults/);
    assert.match(difference!.where, /^trace line/);
  });

  it('F-11: finds a page table more or less in a fork', () => {
    for (const n of [0, 1]) {
      const { recording } = withLine(fork, /gfp 284d0/, n, (line) => line.replace('284d0', '200d0'));
      const { difference } = checkOf(recording, /forks/);
      assert.match(difference!.where, /^trace line \d+$/);
    }
  });

  it('MM-20: finds another order at the end of a process', () => {
    const places = fork.trace!.flatMap((text, at) => (/^F Normal/.test(text) ? [at] : []));
    const at = places.find((place) => /^F Normal pfn 4431 /.test(fork.trace![place]!))!;
    const swap = (text: string, from: string, to: string): string => text.replace(`pfn ${from} `, `pfn ${to} `);
    const trace = fork.trace!.map((text, i) => (i === at ? swap(text, '4431', '4432') : i === at + 1 ? swap(text, '4432', '4431') : text));
    const verdict = judge({ ...fork, trace });
    assert.equal(agrees(verdict), false, printVerdict(verdict, { verbose: true }).join('\n'));
  });

  for (const [tag, file, from, to] of [
    ['parent-after-fork', 'self_smaps', 'Shared_Dirty:       116 kB', 'Shared_Dirty:       112 kB'],
    ['child-after-cow', 'self_smaps', 'Private_Dirty:      512 kB', 'Private_Dirty:      508 kB'],
    ['after-fork', 'meminfo', /Committed_AS: +\d+/.exec(fork.snapshots.find(({ tag: name }) => name === 'after-fork')!.files['meminfo']!)![0], 'Committed_AS:     9999'],
    ['after-child-exit', 'meminfo', /AnonPages: +\d+/.exec(fork.snapshots.find(({ tag: name }) => name === 'after-child-exit')!.files['meminfo']!)![0], 'AnonPages:       7777'],
  ] as const) {
    it(`R-4: finds '${to}' in ${tag}/${file}`, () => {
      const changed = (files: Record<string, string>): Record<string, string> => ({ ...files, [file]: files[file]!.replace(from, to) });
      const snapshots = fork.snapshots.map((one) => (one.tag === tag ? { tag, files: changed(one.files) } : one));
      assert.notDeepEqual(snapshots, fork.snapshots);
      const { difference } = checkOf({ ...fork, snapshots }, /snapshots of processes met/);
      assert.equal(difference?.where, `${tag}/${file}.txt`);
    });
  }

  const ops = golden('64M-ops-trace');
  it('says where lines contradict one another: nothing is judged across that', () => {
    const { recording, line } = withLine(ops, /gfp 280d2/, 700, (text) => text.replace(/pfn (\d+)/, (_, page: string) => `pfn ${Number(page) ^ 1}`));
    assert.match(judge(recording).notes.join('\n'), new RegExp(`the recorder was off before line ${line} `));
  });

  it('names what it cannot judge: a page that comes back from swap', () => {
    const { recording, line } = withLine(fork, /^PF init pid 1 /, 20, (text) => text.replace(/old \w{8}/, 'old 00012304'));
    const verdict = judge(recording);
    assert.equal(agrees(verdict), true, printVerdict(verdict, { verbose: true }).join('\n'));
    assert.match(verdict.gaps.join('\n'), new RegExp(`line ${line} brings in a page from swap, which is not modelled yet`));
  });
});
