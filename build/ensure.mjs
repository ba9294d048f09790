// Makes a checkout ready to use: installs packages when node_modules is not what package-lock.json says, builds when a source
// changed since the last build, and does nothing, quickly, when all is fresh. It runs before node_modules exists, so it has no dependency.
//
//   node build/ensure.mjs             install and build, each only if needed
//   node build/ensure.mjs --build     build in any case (--release: minified)
//   node build/ensure.mjs --install   install only
//   … --host                          also make the VS Code of the tests ready (test/vscode-host)
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// An older Node has no import.meta.dirname, and must get as far as the message about its age.
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 12];
const STAMP = path.join(ROOT, 'dist', 'build.json');

/** Everything a bundle is made of. What the build itself writes is left out. */
const SOURCES = ['build', 'engine', 'language', 'debug-adapter', 'cli', 'extension', 'package.json', 'package-lock.json'];
const GENERATED = path.join('language', 'generated');
const WRITTEN_BY_BUILD = [GENERATED, path.join('syntaxes', 'pagewalk.tmLanguage.json')];
const SOURCE_FILE = /\.(ts|mjs|json|langium)$/;

function fail(message) {
  console.error(`pagewalk: ${message}`);
  process.exit(1);
}

/** The JSON in a file, or null if it is not there or was cut short. */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

// ---- packages ---------------------------------------------------------------------------------------------------------

/** Whether a package of the lock file must be here: an optional one may be for another system, or may have failed to install. */
function isNeeded({ optional, os, cpu }) {
  return !optional || (os?.includes(process.platform) === true && cpu?.includes(process.arch) === true);
}

/** npm keeps in node_modules a lock file of what it installed, written last: it is compared with ours, package by package. */
function packagesAreFresh() {
  const wanted = readJson(path.join(ROOT, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(path.join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    const found = installed[name];
    if (name === '') return true;
    return found === undefined ? !isNeeded(entry) : found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** Runs npm: the very one that started us, where one did. */
function npm(args) {
  const own = process.env.npm_execpath;
  const [command, first] = own?.endsWith('.js') ? [process.execPath, [own]] : ['npm', []];
  return spawnSync(command, [...first, ...args], { cwd: ROOT, stdio: 'inherit', shell: command === 'npm' && process.platform === 'win32' });
}

function ensurePackages() {
  if (packagesAreFresh()) return;
  console.log(`pagewalk: installing packages in ${ROOT} (npm ci) …`);
  const { status, error } = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts']);
  if (status !== 0) fail(`\`npm ci\` failed${error ? `: ${error.message}` : ''}. Mend what it says above, then run the command again.`);
}

// ---- build ------------------------------------------------------------------------------------------------------------

function* sourceFiles(relative) {
  const full = path.join(ROOT, relative);
  const stat = fs.statSync(full, { throwIfNoEntry: false });
  if (stat?.isFile() && SOURCE_FILE.test(relative)) yield relative;
  if (!stat?.isDirectory() || relative === GENERATED || path.basename(relative) === 'node_modules') return;
  for (const name of fs.readdirSync(full).sort()) yield* sourceFiles(path.join(relative, name));
}

/** One hash over the names and texts of all sources. */
function hashSources() {
  const hash = createHash('sha256');
  for (const root of SOURCES) {
    for (const file of sourceFiles(root)) hash.update(`${file}\0`).update(fs.readFileSync(path.join(ROOT, file))).update('\0');
  }
  return hash.digest('hex');
}

function buildIsFresh(hash) {
  const stamp = readJson(STAMP);
  return stamp?.hash === hash && stamp.outputs.every((file) => fs.existsSync(path.join(ROOT, file)));
}

/** The hash is taken before the build, so a source edited meanwhile is seen next time. */
function buildAll(hash, extra) {
  fs.rmSync(STAMP, { force: true });
  console.log('pagewalk: building …');
  const { status } = spawnSync(process.execPath, [path.join(ROOT, 'build', 'bundle.mjs'), ...extra], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) fail('the build failed; what it says is above.');
  const meta = readJson(path.join(ROOT, 'dist', 'meta.json'));
  fs.writeFileSync(STAMP, JSON.stringify({ hash, outputs: [...WRITTEN_BY_BUILD, ...Object.keys(meta.outputs)] }));
}

// ---- the VS Code of the tests -----------------------------------------------------------------------------------------

async function ensureHost() {
  const script = path.join(ROOT, 'test', 'vscode-host', 'ensure.mjs');
  const { ensureHost: ensure } = await import(pathToFileURL(script).href);
  await ensure();
}

async function main(options) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  if (isOld) fail(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}.`);
  ensurePackages();
  if (options.includes('--host')) await ensureHost();
  if (options.includes('--install')) return;
  const hash = hashSources();
  if (options.includes('--build') || !buildIsFresh(hash)) buildAll(hash, options.filter((option) => option === '--release'));
}

await main(process.argv.slice(2));
