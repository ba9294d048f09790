// The same tests in a desktop VS Code (`npm run test:electron`), downloaded by @vscode/test-electron: for machines with the internet and a display.
// PAGEWALK_VSCODE names an installed VS Code's executable instead.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { bundleTests, printReport } from './bundle.mjs';

const CHECKOUT = path.resolve(import.meta.dirname, '..', '..');

async function main() {
  const vscodeExecutablePath = process.env.PAGEWALK_VSCODE ?? await download();
  const extensionTestsPath = await bundleTests();
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-electron-'));
  try {
    const status = await runIn(temporary, { vscodeExecutablePath, extensionTestsPath });
    const result = printReport(temporary);
    process.exitCode = status === 0 && result.failed === 0 ? 0 : 1;
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function download() {
  try {
    return await downloadAndUnzipVSCode({ version: 'stable', cachePath: path.join(CHECKOUT, 'dist', 'vscode') });
  } catch (error) {
    throw new Error(`no desktop VS Code could be downloaded (${error.message}). Set PAGEWALK_VSCODE to an installed one, `
      + 'or run `node test/extension/run.mjs`, which needs no download.');
  }
}

async function runIn(temporary, host) {
  const workspace = path.join(temporary, 'scenarios');
  fs.cpSync(path.join(CHECKOUT, 'scenarios'), workspace, { recursive: true });
  fs.cpSync(path.join(import.meta.dirname, 'scenarios'), workspace, { recursive: true });
  return runTests({
    ...host,
    extensionDevelopmentPath: CHECKOUT,
    extensionTestsEnv: { PAGEWALK_RESULTS: temporary },
    launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust', `--user-data-dir=${path.join(temporary, 'profile')}`],
  }).catch((error) => {
    console.error(error.message);
    return 1;
  });
}

main().catch((error) => {
  console.error(`extension: failed: ${error.message}`);
  process.exitCode = 1;
});
