// Runs the extension's tests inside the extension host of a real VS Code: `node test/extension/run.mjs`. Exit status 0 where all passed.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { unsupported } from '../vscode-host/ensure.mjs';
import { copyScenarios, withWorkbench } from '../vscode-host/workbench.mjs';
import { bundleTests, printReport } from './bundle.mjs';

const LIMIT_MS = 600_000;

async function main() {
  const reason = unsupported();
  if (reason) return console.log(`extension: not run: ${reason}`);
  const tests = await bundleTests();
  const results = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-results-'));
  let status = 1;
  try {
    const options = { tests, files: fillWorkspace, env: { PAGEWALK_RESULTS: results }, beforeOpen: listen };
    status = await withWorkbench(options, () => Promise.race([ended.promise, overtime()]));
  } catch (error) {
    console.error(`extension: ${error.message}`);
  }
  const result = printReport(results);
  fs.rmSync(results, { recursive: true });
  process.exitCode = status === 0 && result.failed === 0 && result.passed > 0 ? 0 : 1;
}

function fillWorkspace(workspace) {
  copyScenarios(workspace, path.join(import.meta.dirname, 'scenarios'));
}

const ended = withResolvers();

/** The page calls these when the tests' run() settles, and with whatever the extension host logs. */
async function listen(page) {
  await page.exposeFunction('codeAutomationExit', (status) => ended.resolve(status));
  await page.exposeFunction('codeAutomationLog', (type, values) => {
    if (process.env.PAGEWALK_VERBOSE) console.log(type, ...values);
  });
  page.on('crash', () => ended.reject(new Error('the workbench page crashed')));
}

function overtime() {
  return new Promise((resolve) => setTimeout(() => {
    console.error(`The tests did not end within ${LIMIT_MS / 1000} s; what follows is what they did until then.`);
    resolve(1);
  }, LIMIT_MS).unref());
}

function withResolvers() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
}

main().catch((error) => {
  console.error(`extension: failed: ${error.message}`);
  process.exitCode = 1;
});
