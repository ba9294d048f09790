// One VS Code workbench in one browser page on a temporary copy of a folder; everything it made is gone afterwards.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { launchBrowser } from './browser.mjs';
import { ensureHost, HERE } from './ensure.mjs';
import { installVsix, remotePath, startServer, workbenchUrl } from './server.mjs';

/** The checkout. */
export const CHECKOUT = path.resolve(HERE, '..', '..');

/** The workbench needs 5 s on a quiet machine and 20 s on a loaded one; nothing that a test waits for gets less than this. */
export const PATIENCE_MS = 180_000;

/**
 * Runs `act` in a started workbench.
 * @param {{ files: (folder: string) => void, vsix?: string, tests?: string, env?: Record<string, string>,
 *   settings?: Record<string, unknown>, beforeOpen?: (page: import('playwright-core').Page) => Promise<void> }} options `files` fills the workspace;
 *   `vsix` is installed, without one this checkout's extension is run as it is in development; `tests` is a bundle to run in the extension host;
 *   `env` reaches the extension host.
 * @param {(page: import('playwright-core').Page, place: { workspace: string, temporary: string }) => Promise<T>} act
 * @returns {Promise<T>}
 * @template T
 */
export async function withWorkbench(options, act) {
  ensureHost();
  const temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-code-')));
  const interruption = listenForInterruption();
  const started = {};
  try {
    return await Promise.race([interruption.happened, openAndAct(options, act, temporary, started)]);
  } finally {
    await started.browser?.close();
    await started.server?.stop();
    fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    interruption.forget();
  }
}

/** Starts what it needs into `started`, so that all of it can be stopped whatever fails. */
async function openAndAct(options, act, temporary, started) {
  const workspace = path.join(temporary, 'scenarios');
  fs.mkdirSync(workspace);
  options.files(workspace);
  if (options.vsix) installVsix(temporary, options.vsix);
  started.server = await startServer({ folder: temporary, env: { TMPDIR: temporary, ...options.env }, settings: options.settings ?? {} });
  started.browser = await launchBrowser();
  const page = await started.browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(PATIENCE_MS);
  await options.beforeOpen?.(page);
  const payload = options.vsix ? [] : developmentPayload(started.server, options.tests);
  await page.goto(workbenchUrl(started.server, { folder: workspace, payload }), { timeout: PATIENCE_MS });
  await page.waitForSelector('.monaco-workbench .part.statusbar');
  return act(page, { workspace, temporary });
}

/** The environment options of a workbench that runs this checkout's extension, and maybe tests in it. */
export function developmentPayload(server, tests) {
  const extension = ['extensionDevelopmentPath', remotePath(server, CHECKOUT)];
  return tests ? [extension, ['extensionTestsPath', remotePath(server, tests)]] : [extension];
}

/** Copies the scenarios that ship, and whatever else a test brings, into a workspace. */
export function copyScenarios(workspace, ...folders) {
  for (const folder of [path.join(CHECKOUT, 'scenarios'), ...folders]) fs.cpSync(folder, workspace, { recursive: true });
}

/** Ctrl-C ends the run like a failure, so that the server, the browser and the folder go too. */
export function listenForInterruption() {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  let onSignal;
  const happened = new Promise((_resolve, reject) => {
    onSignal = (signal) => reject(new Error(`interrupted by ${signal}`));
  });
  happened.catch(() => {});
  signals.forEach((signal) => process.on(signal, onSignal));
  return { happened, forget: () => signals.forEach((signal) => process.off(signal, onSignal)) };
}
