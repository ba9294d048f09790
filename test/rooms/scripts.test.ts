// build/ensure.mjs and build/check.mjs in a planted checkout whose npm, build and runners are stand-ins.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeOverlay, type Overlay } from './overlay.ts';

const lockOf = (version: string): string => JSON.stringify({
  packages: {
    '': { name: 'planted' },
    'node_modules/plain': { version, integrity: 'sha512-x' },
    'node_modules/elsewhere': { version, optional: true, os: ['nowhere'] },
    'node_modules/failed': { version, optional: true },
  },
});

/** Installs as npm does: node_modules afresh, and in it a lock file of what was installed. */
const NPM = `const fs = require('node:fs');
console.log('npm ' + process.argv.slice(2).join(' '));
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules');
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/plain': packages['node_modules/plain'] } }));`;

const BUNDLE = `import fs from 'node:fs';
if (fs.readFileSync('engine/index.ts', 'utf8').includes('broken')) process.exit(1);
fs.mkdirSync('dist', { recursive: true });
fs.mkdirSync('language/generated', { recursive: true });
fs.mkdirSync('syntaxes', { recursive: true });
fs.writeFileSync('syntaxes/pagewalk.tmLanguage.json', '');
fs.writeFileSync('dist/adapter.cjs', '');
fs.writeFileSync('dist/meta.json', JSON.stringify({ outputs: { 'dist/adapter.cjs': {} } }));`;

function run(overlay: Overlay, script: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): { status: number | null; output: string } {
  const inherited = { ...process.env, npm_execpath: path.join(overlay.root, 'npm.js'), CI: '', FORCE_COLOR: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(overlay.root, script), ...args], { encoding: 'utf8', env: { ...inherited, ...env } });
  return { status, output: stdout + stderr };
}

/** The messages of a run, with the folder's name taken out. */
const said = (overlay: Overlay, ...args: string[]): string[] =>
  run(overlay, 'build/ensure.mjs', args).output.replaceAll(overlay.root, 'HERE').split('\n').filter((line) => line !== '');

const INSTALLS = ['pagewalk: installing packages in HERE (npm ci) …', 'npm ci --no-audit --no-fund --loglevel=error --ignore-scripts'];
const BUILDS = ['pagewalk: building …'];

describe('build: ensure', () => {
  let overlay: Overlay;
  const put = (file: string, text: string): void => fs.writeFileSync(path.join(overlay.root, file), text);

  beforeEach(() => {
    overlay = makeOverlay(['build/ensure.mjs'], {
      'npm.js': NPM, 'build/bundle.mjs': BUNDLE, 'package.json': '{}', 'package-lock.json': lockOf('1.0.0'), 'engine/index.ts': 'export {};',
    });
    fs.rmSync(path.join(overlay.root, 'node_modules'));
  });
  afterEach(() => overlay.remove());

  it('installs and builds in a fresh checkout, then does nothing', () => {
    assert.deepEqual(said(overlay), [...INSTALLS, ...BUILDS]);
    assert.deepEqual(said(overlay), []);
  });

  it('builds again when a source, a new file or a missing bundle asks for it', () => {
    said(overlay);
    put('engine/index.ts', 'export const changed = 1;');
    assert.deepEqual(said(overlay), BUILDS);
    put('engine/more.ts', 'export {};');
    assert.deepEqual(said(overlay), BUILDS);
    fs.rmSync(path.join(overlay.root, 'dist/adapter.cjs'));
    assert.deepEqual(said(overlay), BUILDS);
    put('engine/notes.md', 'no source');
    assert.deepEqual(said(overlay), []);
  });

  it('installs again when the lock file asks for another version', () => {
    said(overlay);
    put('package-lock.json', lockOf('1.0.1'));
    assert.deepEqual(said(overlay, '--install'), INSTALLS);
    assert.deepEqual(said(overlay, '--install'), []);
  });

  it('builds in any case when told to, and again after a build that failed', () => {
    said(overlay);
    assert.deepEqual(said(overlay, '--build'), BUILDS);
    put('engine/index.ts', 'broken');
    assert.equal(run(overlay, 'build/ensure.mjs').status, 1);
    assert.equal(run(overlay, 'build/ensure.mjs').status, 1);
  });
});

describe('build: check', () => {
  const host = (reason: string): string => `export const unsupported = () => ${reason};`;
  const check = (reason: string, extension: string, browser: string, env: NodeJS.ProcessEnv = {}): { status: number | null; output: string } => {
    const overlay = makeOverlay(['build/check.mjs'], {
      'test/vscode-host/ensure.mjs': host(reason), 'test/extension/run.mjs': extension, 'test/ui/run.mjs': browser,
    });
    const result = run(overlay, 'build/check.mjs', ['extension', 'browser'], env);
    overlay.remove();
    return result;
  };
  const lastLine = ({ output }: { output: string }): string => output.trimEnd().split('\n').at(-1)!;

  it('adds up the closing lines of the runners, its own and mocha\'s', () => {
    const result = check('null', `console.log('extension: 3 passed, 0 failed');`, `console.log('  4 passing (1s)');`);
    assert.deepEqual([result.status, lastLine(result)], [0, 'pagewalk: 7 passed, 0 failed']);
  });

  it('stops at the first failure and names the step', () => {
    const result = check('null', `console.log('extension: 3 passed, 2 failed'); process.exitCode = 1;`, `console.log('browser: 4 passed, 0 failed');`);
    assert.deepEqual([result.status, lastLine(result)], [1, 'pagewalk: 3 passed, 2 failed']);
    assert.match(result.output, /check: stopped at extension[.]/);
  });

  it('fails where a runner executed no test, or ended badly after its tests', () => {
    assert.equal(lastLine(check('null', '', '')), 'pagewalk: 0 passed, 1 failed');
    assert.equal(lastLine(check('null', `console.log('extension: 3 passed, 0 failed'); process.exitCode = 7;`, '')), 'pagewalk: 3 passed, 1 failed');
  });

  it('skips by name what this machine cannot run, and fails there under CI', () => {
    const skipped = check(`'no browser here'`, '', '');
    assert.deepEqual([skipped.status, lastLine(skipped)], [0, 'pagewalk: 0 passed, 0 failed']);
    assert.match(skipped.output, /check: extension skipped: no browser here/);
    assert.equal(lastLine(check(`'no browser here'`, '', '', { CI: 'true' })), 'pagewalk: 0 passed, 1 failed');
  });
});
