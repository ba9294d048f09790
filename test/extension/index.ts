// What VS Code runs in its extension host: mocha over the suites below. The report goes to files in PAGEWALK_RESULTS, because the host's console
// is also VS Code's own log.
import fs from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';

/** A loaded machine takes its time. */
const TEST_LIMIT_MS = 180_000;

/** Counts as `result.json` holds them. */
export interface TestResult {
  passed: number;
  failed: number;
}

/** VS Code's entry point for `extensionTestsPath`: rejects where a test failed, which is the host's exit status. */
export async function run(): Promise<void> {
  const folder = process.env['PAGEWALK_RESULTS'];
  if (!folder) throw new Error('PAGEWALK_RESULTS must name a folder for the results.');
  const reportLine = (...parts: unknown[]) => fs.appendFileSync(path.join(folder, 'report.txt'), `${format(...parts)}\n`);
  Mocha.reporters.Base.consoleLog = reportLine;
  const failed = await runMocha(folder);
  if (failed > 0) throw new Error(`${failed} tests failed`);
}

async function runMocha(folder: string): Promise<number> {
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: TEST_LIMIT_MS, reporter: 'spec' });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await import('./suites.ts');
  return new Promise((resolve) => {
    const runner = mocha.run((failed) => {
      const result: TestResult = { passed: runner.stats?.passes ?? 0, failed };
      fs.writeFileSync(path.join(folder, 'result.json'), JSON.stringify(result));
      resolve(failed);
    });
  });
}
