// Both builds of the engine must give the same run: every scenario, every event, the final state to the last byte (DESIGN.md, decision 3).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { BuildOptions } from 'esbuild';
import { build } from 'esbuild';
import { compileScenario } from '../../language/index.ts';
import { emptyTables, instrumentEngine } from '../../build/instrument/index.ts';
import type { Recording } from './recorder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SCENARIOS = path.join(ROOT, 'scenarios');
type Record = (data: unknown, looking: 'never' | 'always') => Recording;

describe('the plain and the instrumented engine', function () {
  this.timeout(120_000);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-dual-'));
  const tables = emptyTables();
  let plain: Record;
  let debug: Record;

  before(async () => {
    const common: BuildOptions = { absWorkingDir: ROOT, entryPoints: ['test/dual/recorder.ts'], bundle: true, platform: 'node', format: 'cjs', target: 'node20' };
    await build({ ...common, outfile: path.join(dir, 'plain.cjs') });
    await build({ ...common, outfile: path.join(dir, 'debug.cjs'), plugins: [instrumentEngine({ root: ROOT, tables })] });
    const require = createRequire(import.meta.url);
    plain = (require(path.join(dir, 'plain.cjs')) as { record: Record }).record;
    debug = (require(path.join(dir, 'debug.cjs')) as { record: Record }).record;
  });
  after(() => fs.rmSync(dir, { recursive: true }));

  it('leaves nothing in the engine that could not be resumed', () => assert.deepEqual(tables.problems, []));

  const files = fs.readdirSync(SCENARIOS).filter((file) => file.endsWith('.pagewalk')).sort();
  it('has scenarios to compare', () => assert.ok(files.includes('order-4.pagewalk')));

  for (const file of files) {
    it(`give the same run of ${file}`, () => {
      const { program, problems } = compileScenario(fs.readFileSync(path.join(SCENARIOS, file), 'utf8'), file, () => undefined);
      assert.deepEqual(problems.filter((problem) => problem.severity === 'error'), []);
      const expected = plain(program, 'never');
      assert.ok(expected.events.length > 100, 'a run has events');
      for (const looking of ['never', 'always'] as const) {
        const actual = debug(program, looking);
        sameEvents(actual.events, expected.events);
        assert.deepEqual(actual.k, expected.k);
        assert.deepEqual([actual.reason, actual.broken], [expected.reason, []]);
        if (looking === 'always') assert.ok(actual.looks > 1000, 'the hooks of the instrumented build look');
      }
      assert.equal(plain(program, 'always').looks, 0, 'the plain build has no hooks');
    });
  }
});

/** Compared one by one, so that the first difference is what a failure shows. */
function sameEvents(actual: Recording['events'], expected: Recording['events']): void {
  const first = expected.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(actual[i]));
  if (first >= 0) assert.deepEqual(actual[first], expected[first], `event ${first} differs`);
  assert.equal(actual.length, expected.length);
}
