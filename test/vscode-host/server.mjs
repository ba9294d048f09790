// A real VS Code server and workbench on 127.0.0.1, with a throw-away profile.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CODE_SERVER, NODE } from './ensure.mjs';

const ENTRY = path.join(CODE_SERVER, 'out', 'node', 'entry.js');
const START_LIMIT_MS = 120_000;

/** Built-in extensions that only want the network, or are heavy and of no use to us. */
const SKIPPED_EXTENSIONS = ['GitHub.copilot-chat', 'vscode.mermaid-markdown-features', 'vscode.github', 'vscode.github-authentication',
  'vscode.microsoft-authentication', 'vscode.tunnel-forwarding'];

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'update.mode': 'none',
  'security.workspace.trust.enabled': false,
  'git.enabled': false,
  'npm.autoDetect': 'off',
};

/**
 * Starts the server.
 * @param {{ folder: string, env?: Record<string, string>, settings?: Record<string, unknown> }} options `folder` takes the profile, the log and the
 *   installed extensions (the caller removes it); `env` reaches the extension host; `settings` are user settings over ours.
 * @returns {Promise<{ url: string, port: number, stop(): Promise<void>, log(): string }>} once the server answers.
 */
export async function startServer({ folder, env = {}, settings = {} }) {
  const port = await freePort();
  writeProfile(folder, settings);
  const logFile = path.join(folder, 'server.log');
  const log = () => fs.readFileSync(logFile, 'utf8');
  const child = spawnServer(folder, port, logFile, env);
  const url = `http://127.0.0.1:${port}/`;
  const stop = () => stopChild(child);
  try {
    await answers(url, child);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${log().slice(-3000)}`);
  }
  return { url, port, stop, log };
}

/**
 * The workbench's address. The entries of `payload` are VS Code's environment options, with full paths made by `remotePath`
 * (`extensionTestsPath` with its `.js` ending).
 * @param {{ url: string }} server
 * @param {{ folder: string, payload: [string, string][] }} options
 */
export function workbenchUrl(server, { folder, payload }) {
  const address = new URL(server.url);
  address.searchParams.set('folder', folder);
  if (payload.length > 0) address.searchParams.set('payload', JSON.stringify(payload));
  return address.href;
}

/** A file of this machine as the workbench names it. */
export const remotePath = (server, file) => `vscode-remote://127.0.0.1:${server.port}${file}`;

/** Installs a .vsix into the profile in `folder` (2–5 s), before the server starts; returns what the installer printed. */
export function installVsix(folder, vsix) {
  writeProfile(folder, {});
  return execFileSync(NODE, [ENTRY, ...profileArguments(folder), '--install-extension', vsix, '--force'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, XDG_DATA_HOME: path.join(folder, 'xdg') } });
}

function writeProfile(folder, settings) {
  const user = path.join(folder, 'data', 'User');
  fs.mkdirSync(user, { recursive: true });
  fs.writeFileSync(path.join(user, 'settings.json'), JSON.stringify({ ...SETTINGS, ...settings }, null, 2));
  fs.writeFileSync(path.join(folder, 'config.yaml'), '');
}

function profileArguments(folder) {
  return ['--config', path.join(folder, 'config.yaml'), '--user-data-dir', path.join(folder, 'data'), '--extensions-dir', path.join(folder, 'extensions')];
}

/** Without enable-smoke-test-driver a built workbench silently ignores extensionDevelopmentPath and extensionTestsPath in its address. */
function spawnServer(folder, port, logFile, env) {
  const output = fs.openSync(logFile, 'a');
  const child = spawn(NODE, [ENTRY, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...profileArguments(folder),
    '--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override', '--ignore-last-opened',
    '--vscode-option', 'enable-smoke-test-driver', '--log', 'info'],
  { cwd: folder, detached: true, stdio: ['ignore', output, output],
    env: { ...process.env, EXTENSIONS_GALLERY: '{}', VSCODE_SKIP_BUILTIN_EXTENSIONS: SKIPPED_EXTENSIONS.join(), XDG_DATA_HOME: path.join(folder, 'xdg'), ...env } });
  fs.closeSync(output);
  return child;
}

async function answers(url, child) {
  const limit = Date.now() + START_LIMIT_MS;
  while (Date.now() < limit) {
    if (child.exitCode !== null) throw new Error(`The VS Code server ended with status ${child.exitCode}.`);
    if (await isUp(url)) return;
    await delay(100);
  }
  throw new Error(`The VS Code server did not answer within ${START_LIMIT_MS / 1000} s.`);
}

async function isUp(url) {
  try {
    return (await fetch(`${url}healthz`)).ok;
  } catch {
    return false;
  }
}

/** The server is a process group of its own: extension hosts, debug adapters and language servers end with it. */
async function stopChild(child) {
  const exited = child.exitCode !== null || new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child, 'SIGTERM');
  await Promise.race([exited, delay(5000, undefined, { ref: false })]);
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended already.
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
