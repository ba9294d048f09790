// The slab check itself: excerpts of real recordings agree, and whatever is changed in them is found (KERNEL.md SL-4 … SL-18, PR-5).

import assert from 'node:assert/strict';
import path from 'node:path';
import { ramOf } from './machine-of.ts';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';
import type { Check } from './report.ts';
import { checkSlab } from './slab-check.ts';

const golden = (name: string): Recording => readRecording(path.join(import.meta.dirname, '../golden/oracle', name));

function check(recording: Recording): Check[] {
  return checkSlab(recording, ramOf(recording.log, [])).checks;
}

const verdict = (checks: readonly Check[]): string[] => checks.map(({ rules, what, same, total }) => `${rules} ${what} ${same} of ${total}`);

/** Where the first difference is after a change of the n-th line that matches. */
function differenceAfter(name: string, match: RegExp, change: (line: string) => string | null, from = 0): { where: string; line: number } {
  const recording = golden(name);
  const at = recording.trace!.findIndex((line, i) => i >= from && match.test(line));
  assert.ok(at >= 0, `no line matches ${match}`);
  const trace = recording.trace!.flatMap((line, i) => (i === at ? change(line) ?? [] : line));
  const difference = check({ ...recording, trace }).find((found) => found.difference !== null)?.difference;
  assert.ok(difference, 'nothing was found');
  return { where: difference.where, line: at + 1 };
}

describe('the slab check', () => {
  it('a script of 8,654 operations and a destroyed cache: every address, refill, growth, flush and destruction', () => {
    assert.deepEqual(verdict(check(golden('64M-slab8000-trace'))), ['SL-4..14 slab operations 8655 of 8655']);
  });

  it('a boot: the bootstrap line by line, every slab of the caches that both have, slabinfo', () => {
    assert.deepEqual(verdict(check(golden('64M-trace-boot'))), [
      'SL-18 slab bootstrap lines 128 of 128', 'SL-4..7 SL-12 slabs grown 353 of 353', 'SL-4..9 slabinfo geometry and tunables 282 of 282',
      'PR-5 slabinfo lines byte for byte 49 of 49',
    ]);
  });

  for (const [what, match, change, from] of [
    ['an address', /^SO 900 alloc/, (line: string) => line.replace(/.$/, '0'), 0],
    ['a refill\'s count', /^SL refill mmt_obj got 19/, (line: string) => line.replace('got 19', 'got 18'), 0],
    ['a refill\'s free objects', /^SL refill mmt_obj got/, (line: string) => line.replace(/free_objects (\d+)/, 'free_objects 1$1'), 900],
    ['a lost refill', /^SL refill mmt_obj got/, () => null, 500],
    ['a colour', /^SL grow mmt_obj/, (line: string) => line.replace(/colouroff \d+/, 'colouroff 104'), 100],
    ['a lost destruction', /^SL destroy mmt_obj/, () => null, 0],
    ['the array\'s length at a flush', /^SL flush mmt_obj/, (line: string) => line.replace('avail 120', 'avail 119'), 0],
  ] as const) {
    it(`finds ${what} that is not so in the script`, () => {
      const { where, line } = differenceAfter('64M-slab8000-trace', match, change, from);
      const found = Number(/^trace line (\d+)/.exec(where)?.[1]);
      assert.ok(Math.abs(found - line) <= 4, `${where}, where line ${line} was changed`);
    });
  }

  it('finds another first slab, though no line stands where the change was', () => {
    const { where } = differenceAfter('64M-slab8000-trace', /^SL grow mmt_obj/, (line) => line.replace('num 19', 'num 20'));
    assert.match(where, /^trace line \d+: SO 0 alloc/);
  });

  for (const [what, match, change] of [
    ['a lost line of the bootstrap', /^SL refill size-64/, () => null],
    ['a slab\'s number of objects in the bootstrap', /^SL grow size-256/, (line: string) => line.replace('num 15', 'num 16')],
    ['a colour of a later slab', /^SL grow (dentry_cache|inode_cache)/, (line: string) => line.replace(/colouroff (\d+)/, 'colouroff 9$1')],
  ] as const) {
    it(`finds ${what}`, () => {
      assert.match(differenceAfter('64M-trace-boot', match, change).where, /^trace line \d+/);
    });
  }

  for (const [from, to, rule] of [
    ['buffer_head            0      0     48   78', 'buffer_head            0      0     48   77', 'SL-4..9'],
    ['size-8192             19     28   8192    1    2 : tunables    8    4', 'size-8192             19     28   8192    1    2 : tunables    8    5', 'SL-4..9'],
    ['size-32             2373   2373     32', 'size-32             2373   2373    32', 'PR-5'],
    ['sharedavail>', 'shared_avail>', 'PR-5'],
  ] as const) {
    it(`finds '${to}' in slabinfo`, () => {
      const up = golden('64M-up');
      const [boot] = up.snapshots;
      assert.ok(boot!.files['slabinfo']!.includes(from));
      const files = { ...boot!.files, slabinfo: boot!.files['slabinfo']!.replace(from, to) };
      const differing = check({ ...up, snapshots: [{ tag: 'boot', files }] }).filter((found) => found.difference !== null);
      assert.ok(differing.some(({ rules }) => rules === rule), JSON.stringify(differing));
    });
  }
});
