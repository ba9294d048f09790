// The library of scenarios: each runs, keeps the machine's laws, and all it expects holds.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT, pagewalk } from './pagewalk.ts';

const FOLDER = path.join(ROOT, 'scenarios');

describe('scenarios', () => {
  for (const file of fs.readdirSync(FOLDER).filter((name) => name.endsWith('.pagewalk'))) {
    it(`${file} runs as it says`, () => {
      const { status, out, err } = pagewalk(['run', `scenarios/${file}`, '--check']);
      assert.deepEqual({ status, err }, { status: 0, err: '' });
      assert.match(out.trimEnd().split('\n').at(-1)!, /: passed: (?:the BUG it is about, )?(\d+) of \1 expectations hold, N events, [\d.]+ \w+ of virtual time$/);
    });
  }

  it('order-4 is as the README and the first minute tell it', () => {
    const text = fs.readFileSync(path.join(FOLDER, 'order-4.pagewalk'), 'utf8');
    assert.ok(!/^stop on/m.test(text), 'the breakpoint is the user\'s own');
    assert.ok(text.includes('`alloc_pages order>3`'));
  });
});
